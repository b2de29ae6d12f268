/* struct file, an open file description, and the descriptor table. */
#ifndef FS_FILE_H
#define FS_FILE_H

#include <sys/uio.h>

#include "fs/vfs.h"
#include "mm/readahead.h"

#define FMODE_READ 1U
#define FMODE_WRITE 2U
#define FMODE_LSEEK 4U
#define FMODE_PATH 8U
#define FMODE_EXEC 32U	       /* a program runs from it: counted in f_mapping */
#define FMODE_WRITER 64U       /* keeps programs from running from it: counted in f_mapping */
#define FMODE_CAN_ODIRECT 128U /* O_DIRECT is possible: known so far */
#define FMODE_NO_PWRITE 256U   /* pwrite(2) is -ESPIPE: text of /proc */
#define FMODE_NO_SPLICE 16U    /* sendfile and splice cannot read it: most of /proc/PID */

/* Where read and write put or take bytes: guest memory, page by page, or host memory. */
struct iov_iter {
	struct mm_struct *mm;	 /* NULL: host memory */
	const struct iovec *iov; /* host copy of the vector; iov_base is a gva unless mm is NULL */
	u32 nr_segs;
	u64 iov_offset; /* into the first */
	u64 count;	/* bytes left */
	bool broken;	/* out: the stream's reader has gone, so SIGPIPE, whatever was written */
};

/* Bytes copied; fewer than @n only at a fault. The iterator moves on by that much. */
u64 copy_to_iter(const void *from, u64 n, struct iov_iter *i);
u64 copy_from_iter(void *to, u64 n, struct iov_iter *i);
u64 iov_iter_zero(u64 n, struct iov_iter *i);
/* Of the next @n bytes, those that can be stored to (@write) or loaded now; moves nothing. */
u64 iov_iter_fault_in(const struct iov_iter *i, u64 n, bool write);
/* Before a copy of up to @n bytes that must not sleep in the middle, as with userfaultfd it might:
 * faults in what it will touch. Sleeps itself: look again at whatever is shared. */
void iov_iter_prefault(const struct iov_iter *i, u64 n, bool write);
/* Around copies from or to what others may change or free while one sleeps. begin: they do not
 * sleep. end: were the @n bytes since @start copied? False: they were, or the rest can never be. True:
 * they can be now, but it slept: @i is at @start again, and what is copied must be looked up again. */
void iov_iter_nosleep_begin(const struct iov_iter *i);
bool iov_iter_nosleep_end(struct iov_iter *i, const struct iov_iter *start, u64 n, bool write);
/* Moves on without copying. */
void iov_iter_advance(struct iov_iter *i, u64 n);

struct file;
struct poll_table;
struct seq;

struct file_operations {
	/* At *pos (moved on by what was done; streams ignore it). Bytes, or -errno. May block. */
	long (*read_iter)(struct file *f, struct iov_iter *to, u64 *pos);
	long (*write_iter)(struct file *f, struct iov_iter *from, u64 *pos);
	s64 (*llseek)(struct file *f, s64 off, int whence); /* NULL: -ESPIPE */
	/* The page of its cache with byte @pos, referenced, for a read that ends before @end; NULL:
	 * behind the end of the file. ERR_PTR. */
	struct page *(*splice_page)(struct file *f, u64 pos, u64 end);
	long (*ioctl)(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm); /* NULL: -ENOTTY */
	/* EPOLL* mask now, and on which wait queues it will change (poll.h); NULL: always ready. */
	unsigned (*poll)(struct file *f, struct poll_table *pt);
	/* Emits entries from f->f_pos on; @emit returns false when its buffer is full. */
	int (*iterate)(struct file *f,
		       bool (*emit)(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos),
		       void *ctx);
	int (*fsync)(struct file *f, bool datasync);
	int (*ftruncate)(struct file *f, u64 size);
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len);
	/* NULL, -ENODEV: cannot be mapped, which other errors may come before. */
	int (*mmap_file)(struct file *f, struct mmap_file *out);
	int (*setfl)(struct file *f, int flags);
	/* It has been mapped, which is an access: atime. NULL: it stays. */
	void (*accessed)(struct file *f);
	/* mtime and ctime become now; NULL: they stay. */
	void (*update_time)(struct file *f);
	/* fdinfo: what this kind of file adds; NULL: nothing. */
	void (*show_fdinfo)(struct file *f, struct seq *out);
	void (*release)(struct file *f); /* last reference */
};

struct file {
	u32 refcount;
	u32 f_mode;	      /* FMODE_* */
	u32 f_flags;	      /* O_* as fcntl(F_GETFL) shows, O_CLOEXEC not included */
	int host_fd;	      /* hostfs: its dentry's, which closes it; -1 elsewhere */
	bool host_pos_shared; /* inherited: f_pos follows the host's position, and it ours */
	u64 f_pos;
	union {
		struct file_ra_state f_ra; /* what has an f_mapping */
		u64 f_pipe; /* fifo: its count of writers ever, when this end was opened */
	};
	const struct file_operations *f_op;
	struct path f_path;
	struct inode *f_inode;		 /* hostfs regular files */
	struct address_space *f_mapping; /* NULL: nothing to map */
	void *private_data;
	struct vfs *vfs;
};

/* A struct file with one reference. ERR_PTR(-ENFILE, -ENOMEM). @path: references are taken. */
struct file *file_alloc(struct vfs *v, const struct path *path, const struct file_operations *op,
			u32 mode, int flags);
/* Wraps an inherited host descriptor (0, 1, 2 and others open at start), which is taken over: closed
 * also on failure. ERR_PTR. */
struct file *file_from_host_fd(struct vfs *v, int fd);
void get_file(struct file *f);
/* A program runs from @f until @f is gone: opening the file for writing is -ETXTBSY meanwhile. */
void file_set_exec(struct file *f);
/* Does anybody in the guest have @f's file open for writing, be it by a mapping only? */
bool file_is_written(const struct file *f);
/* A file that was opened for writing (FMODE_WRITE) counts as such until its last fput(). What
 * is open for writing since it was made, without an open (memfd), does not: it can be run. */
void file_set_writer(struct file *f);
void fput(struct file *f);
struct files_struct;
/* A descriptor of @fs is closed: its reference goes, and the process's record locks on the file. */
void filp_close(struct file *f, struct files_struct *fs);
int file_stat(struct file *f, struct stat *st);
/* May @f have O_DIRECT (a pipe's is another thing)? */
bool file_can_direct(struct file *f);
/* May nothing of @f's file system be run (mmap with PROT_EXEC, and mprotect later)? */
bool file_noexec(struct file *f);
/* read(2)-like into host memory at @pos, through the page cache (loader, execve). */
long kernel_read(struct file *f, void *buf, u64 n, u64 pos);
long vfs_read(struct file *f, struct iov_iter *to, u64 *pos);	 /* checks mode; -EBADF, ... */
long vfs_write(struct file *f, struct iov_iter *from, u64 *pos); /* O_APPEND done */

/* --- fdtable.c ------------------------------------------------------------------------- */

struct files_struct {
	u32 users;
	struct memory *mem;
	u32 max_fds;	    /* size of the arrays, grown by powers of two */
	struct file **fd;   /* the slots, kmalloc; NULL: a long table, in fd_area */
	gva_t fd_area;	    /* vmalloc, reached a page at a time */
	u64 *close_on_exec; /* bitmap */
	u64 *open_fds;	    /* bitmap */
	u32 next_fd;
};

struct files_struct *files_alloc(struct memory *m);	  /* NULL */
struct files_struct *files_dup(struct files_struct *old); /* fork: shares the files. ERR_PTR */
void files_put(struct files_struct *fs);
/* The file (no reference) or NULL. */
struct file *fget(struct files_struct *fs, int fd);
/* Makes room for the lowest free number: fd_install() needs no memory then. 0, -EMFILE (@limit), -ENOMEM. */
int fd_reserve(struct files_struct *fs, u32 limit);
/* Installs at the lowest number >= @min and < @limit; takes over the reference. fd or -EMFILE,
 * -ENOMEM. */
int fd_install(struct files_struct *fs, struct file *f, u32 min, u32 limit, bool cloexec);
int fd_install_at(struct files_struct *fs, struct file *f, u32 fd, bool cloexec); /* dup2 */
int fd_close(struct files_struct *fs, u32 fd);					  /* 0 or -EBADF */
bool fd_cloexec(struct files_struct *fs, u32 fd);
void fd_set_cloexec(struct files_struct *fs, u32 fd, bool on);
void files_close_on_exec(struct files_struct *fs);

/* --- seq_file.c: text files that are written in one go (procfs) --------------------------- */

struct seq {
	char *buf;  /* kmalloc, while it is short, and then zero terminated; else NULL */
	gva_t area; /* vmalloc, for a long text */
	u64 count, size;
	bool overflow; /* no memory: read fails with -ENOMEM */
	struct memory *mem;
	void *private; /* what the writer is told besides; valid while it writes */
};
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_write(struct seq *s, const void *data, u64 n);
void seq_puts(struct seq *s, const char *str);
void seq_putc(struct seq *s, char c);
/* @str with @esc's characters as octal escapes (maps: "\n"). */
void seq_escape(struct seq *s, const char *str, const char *esc);
/* Fast number printing for the hot files (maps): hex padded with zeros to @width, decimal. */
void seq_put_hex(struct seq *s, u64 v, unsigned width);
void seq_put_dec(struct seq *s, u64 v, unsigned width); /* blanks in front */
/* The text from @pos on as far as it lies in one piece: host address and bytes in *@n; NULL at its
 * end. */
const char *seq_peek(const struct seq *s, u64 pos, u64 *n);
void seq_release(struct seq *s);

#endif

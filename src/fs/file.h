/* struct file: an open file description. What read, write and mmap do with it, and its life.
 *
 *   files_struct --fd[n]--> struct file --f_op-----> what kind it is: hostfile_fops, pipefifo_fops, ...
 *   (fdtable.h)                 |-------f_path-----> mount and dentry: its name, and what stat(2) says
 *                               |-------f_mapping--> address_space: its page cache, shared with all VMAs
 *                               |                    that map it; a hostfs file's is its f_inode's i_data
 *                               '---private_data---> what the kind keeps: pipe_inode_info, socket, ...
 *
 * References: a descriptor, a VMA, a call on its way, a message that carries it. Only what says so may sleep.
 * Not for: numbers (fdtable.h), names (namei.h), where bytes go (iov_iter.h).
 * See: Linux, include/linux/fs.h, fs/file_table.c.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/vfs.h"
#include "mm/readahead.h"

#define FMODE_READ 1U
#define FMODE_WRITE 2U
#define FMODE_LSEEK 4U
#define FMODE_PATH 8U
#define FMODE_NO_SPLICE 16U    /* sendfile and splice cannot read it: most of /proc/PID */
#define FMODE_EXEC 32U	       /* a program runs from it: counted in f_mapping */
#define FMODE_WRITER 64U       /* keeps programs from running from it: counted in f_mapping */
#define FMODE_CAN_ODIRECT 128U /* O_DIRECT is possible: known so far */
#define FMODE_NO_PWRITE 256U   /* pwrite(2) is -ESPIPE: text of /proc */
#define FMODE_NO_PREAD                                                                             \
	512U /* pread(2) and pwrite(2) are, though lseek(2) is not: anonymous inodes */
#define FMODE_READER 1024U /* open only for reading: counted in f_mapping */

#define MAX_RW_COUNT (0x7fffffffUL & PAGE_MASK) /* most bytes of one transfer */

struct epitem;
struct file;
struct files_struct;
struct fown_struct;
struct iov_iter;
struct poll_table;
struct seq;
struct tty_struct;

/* Takes one name of a directory: its inode's number, its kind (DT_*), and where readdir goes on behind it.
 * False: there is no room for it. */
typedef bool (*filldir_t)(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos);

/* What a kind of file can do. 0 or -errno unless said; the mode of @f is checked before. */
struct file_operations {
	/* At *pos (moved on by what was done; streams ignore it). Bytes, or -errno. May sleep. */
	long (*read_iter)(struct file *f, struct iov_iter *to, u64 *pos);
	long (*write_iter)(struct file *f, struct iov_iter *from, u64 *pos);
	/* @off bytes from @whence (SEEK_*). The new position. NULL: -ESPIPE. */
	s64 (*llseek)(struct file *f, s64 off, int whence);
	/* The page of its cache with byte @pos, referenced, for a read that ends before @end; NULL:
	 * behind the end of the file. ERR_PTR. */
	struct page *(*splice_page)(struct file *f, u64 pos, u64 end);
	/* May sleep. NULL: -ENOTTY. */
	long (*ioctl)(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);
	/* EPOLL* mask now, and on which wait queues it will change (poll.h); NULL: always ready. */
	unsigned (*poll)(struct file *f, struct poll_table *pt);
	/* Hands names to @emit, with @ctx, from f->f_pos on, which follows. Nothing sleeps meanwhile. NULL:
	 * -ENOTDIR. */
	int (*iterate)(struct file *f, filldir_t emit, void *ctx);
	int (*fsync)(struct file *f, bool datasync);		      /* NULL: -EINVAL */
	int (*ftruncate)(struct file *f, u64 size);		      /* bytes; NULL: -EINVAL */
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len); /* bytes; NULL: -EOPNOTSUPP */
	/* Fills in what mmap(2) must know (mm/mm.h). NULL, -ENODEV: cannot be mapped, which other errors
	 * may come before. */
	int (*mmap_file)(struct file *f, struct mmap_file *out);
	/* F_SETFL: f_flags become @flags afterwards. NULL: nobody else need know. */
	int (*setfl)(struct file *f, int flags);
	/* It has been mapped, which is an access: atime. NULL: it stays. */
	void (*accessed)(struct file *f);
	/* mtime and ctime become now; NULL: they stay. */
	void (*update_time)(struct file *f);
	/* fdinfo: what this kind of file adds; NULL: nothing. */
	void (*show_fdinfo)(struct file *f, struct seq *out);
	/* A descriptor of it is closed, maybe not the last. NULL: nothing to do. */
	void (*flush)(struct file *f);
	/* The last reference is gone: frees what private_data holds. May sleep. NULL: nothing to do. */
	void (*release)(struct file *f);
};

/* Each field is set once, when the file is made, unless it says otherwise. */
struct file {
	u32 refcount;
	u32 f_mode;	      /* FMODE_*; EXEC, WRITER, CAN_ODIRECT: added later */
	u32 f_flags;	      /* O_* as fcntl(F_GETFL) shows, no O_CLOEXEC; F_SETFL changes them */
	int host_fd;	      /* hostfs: its dentry's, which closes it; -1 elsewhere */
	bool host_pos_shared; /* inherited: f_pos follows the host's position, and it ours */
	u64 f_pos;	      /* bytes; changed by reads, writes and lseek(2) */
	union {
		struct file_ra_state f_ra; /* what has an f_mapping; changed by reads */
		struct tty_struct *f_tty;  /* a terminal of the host's; a reference (tty_host.c) */
		u64 f_pipe; /* fifo: its count of writers ever, when this end was opened */
	};
	const struct file_operations *f_op;
	struct path f_path;		 /* references; mnt NULL: of no mount (pipes, memfd) */
	struct inode *f_inode;		 /* hostfs regular files */
	struct address_space *f_mapping; /* NULL: nothing to map */
	void *private_data;		 /* f_op's */
	u32 f_notify; /* fsnotify.c: of which vfs_internal.notify_epoch it is known that nobody watches */
	struct fown_struct *f_owner; /* fcntl(2) F_SETOWN, O_ASYNC (fasync.h); NULL: neither */
	struct epitem *f_ep; /* epolls that watch it; changed by epoll_ctl(2) (eventpoll.c) */
	struct vfs *vfs;
};

/* FMODE_READ and FMODE_WRITE for open(2)'s @flags; neither for the mode 3, which only ioctls can use. See:
 * Linux, OPEN_FMODE(). */
static inline u32 open_fmode(int flags)
{
	return ((flags & O_ACCMODE) + 1) & (FMODE_READ | FMODE_WRITE);
}

/* What must be allowed (R_OK, W_OK) for an open(2) with @flags: both for the mode 3. See: Linux, ACC_MODE().
 * O_TRUNC is the caller's to add. */
static inline int acc_mode(int flags)
{
	static const u8 masks[] = {4, 2, 6, 6}; /* R_OK 4, W_OK 2 */

	return masks[flags & O_ACCMODE];
}

/* A struct file with one reference, whose f_flags are what of @flags lasts. @path: references are taken.
 * ERR_PTR(-ENFILE, -ENOMEM). */
struct file *file_alloc(struct vfs *v, const struct path *path, const struct file_operations *op,
			u32 mode, int flags);
/* Wraps an inherited host descriptor (0, 1, 2 and others open at start), which is taken over: closed
 * also on failure. ERR_PTR(-EBADF: not open, or O_PATH). (hostfs.c) */
struct file *file_from_host_fd(struct vfs *v, int fd);

/* One reference more; one less, and with the last the file is gone: fput() may sleep then. */
void get_file(struct file *f);
void fput(struct file *f);
/* A descriptor of @fs is closed: its reference goes, and the process's record locks on the file. May sleep. */
void filp_close(struct file *f, struct files_struct *fs);

/* A program runs from @f until @f is gone: opening the file for writing is -ETXTBSY meanwhile. */
void file_set_exec(struct file *f);
/* A file that was opened for writing (FMODE_WRITE), or only for reading, counts as such until its last fput(). What
 * is open for writing since it was made, without an open (memfd), does not: it can be run. */
void file_count_open(struct file *f);
/* Does anybody in the guest have @f's file open for writing, be it by a mapping only? */
bool file_is_written(const struct file *f);
/* May @f have O_DIRECT (a pipe's is another thing)? (hostfile_dio.c) */
bool file_can_direct(struct file *f);
/* May nothing of @f's file system be run (mmap with PROT_EXEC, and mprotect later)? */
bool file_noexec(struct file *f);
/* The same of all files of @m; what the host forbids it says itself. */
bool mount_noexec(const struct mount *m);
/* As fstat(2). 0; -EBADF: it stands for nothing; or what its file system says. */
int file_stat(struct file *f, struct stat *st);

/* read(2), write(2) at *@pos, which moves on; O_APPEND is done below. Bytes; -EBADF (f_mode), -EINVAL, -EISDIR,
 * -EFAULT (an address no user has), or what the file says. At most MAX_RW_COUNT bytes. May sleep. */
long vfs_read(struct file *f, struct iov_iter *to, u64 *pos);
long vfs_write(struct file *f, struct iov_iter *from, u64 *pos);
/* The same into @n bytes of host memory, for the loader and execve(2). */
long kernel_read(struct file *f, void *buf, u64 n, u64 pos);

#endif

/* What the files of fs/ share and no other room includes. */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include "fs/file.h"

#define KO_LARGEFILE 0100000 /* the kernel's O_LARGEFILE: libc hides it on x86-64 */
#define MAX_RW_COUNT (0x7fffffffUL & PAGE_MASK)
#define S_MAXBYTES 0x7fffffffffffffffUL

#define INODE_HASH_SIZE 256U

struct vfs_internal {
	struct list_head inode_hash[INODE_HASH_SIZE];
	struct list_head inode_lru; /* inodes nobody has open, oldest first */
	u32 nr_unused, max_unused;
	char *root_path; /* of --root, as the host names it; "" for the host's own root */
	u64 root_len;
	struct list_head fifos;	       /* of pipe_inode_info: those that guest tasks have open */
	u64 last_pipe_ino;	       /* of pipes, sockets and other nameless things */
	u64 families_named;	       /* BIT(AF_x): the log has named it as not built */
	struct unix_table *unix_table; /* unix_socket.c; NULL: no socket yet */
	struct list_head lock_contexts, lock_waiters; /* locks.c */
	struct event_timer flush;		      /* pending while mapped pages may be dirty */
#define FLUSH_NS 30000000000UL
	u64 flush_from, flush_delay;	/* ns: since when they may (0: not), and until then */
	u64 atime_dev;			/* mount_is_strict(): of which device it was asked, ... */
	bool atime_known, atime_strict; /* ... if of any, and the answer */
	struct open_spare {
		void *file, *dentry, *inode;
		bool usable; /* open_commit() has been called */
	} spare;
	struct vfs *vfs;
};

/* --- dentries and mounts (vfs.c) --------------------------------------------------------- */

/* Two dentries for one object? Dentries are made per look-up, so pointers do not tell. */
bool d_same(const struct dentry *a, const struct dentry *b);
bool path_same(const struct path *a, const struct path *b);
static inline bool d_is_dir(const struct dentry *d)
{
	return S_ISDIR(d->mode);
}

/* The mount that covers @name in directory @dir; @child, what the look-up found there, may be
 * NULL. No reference. NULL: none; ERR_PTR(-EACCES): a file system of the host's that must not show. */
struct mount *mount_covering(const struct path *dir, const char *name, const struct dentry *child);

/* --- open.c: what must not fail any more ----------------------------------------------------- */

/* open(2) that makes or cuts a file says so as soon as that is done: what it still needs is taken from
 * what was put by before, if there is no memory. See: path_openat(), which begins with the struct file. */
void open_commit(struct vfs *v);
/* An object of @c, zeroed; after open_commit() *@spare (of vfs_internal.spare) will do. NULL. */
void *open_zalloc(struct vfs *v, struct kmem_cache *c, void **spare);
/* At the end. */
void open_free_spare(struct vfs *v);

/* --- hostfs.c ------------------------------------------------------------------------------ */

extern const struct dentry_operations hostfs_dops;

/* A dentry of the host's tree for @fd, which it takes over (closed also on failure). ERR_PTR. */
struct dentry *hostfs_dentry(struct vfs *v, int fd);
struct dentry *hostfs_dentry_stx(struct vfs *v, int fd, const struct statx *stx); /* as it is */
/* openat(2) that gives idle inode descriptors up when there are too many. */
int hostfs_openat(struct vfs *v, int dirfd, const char *name, int flags);
/* The whole of @name in one host call, for most names are plain: directories of one host file
 * system, no symlink, no "..", no mount of ours. fd (may be of a symlink, with O_PATH and O_NOFOLLOW), or
 * any -errno: walk it step by step. */
int hostfs_open_plain(const struct path *from, const char *name, int flags, u32 mode);
/* open(2) in that one call; NULL: do it step by step. */
struct file *hostfs_open_fast(const struct path *from, const char *name, int flags, u32 mode);
/* A struct file for an open host descriptor, taken over (closed also on failure). ERR_PTR. */
struct file *hostfs_file(struct vfs *v, struct mount *mnt, int fd, int flags);
static inline bool dentry_is_hostfs(const struct dentry *d)
{
	return d->d_op == &hostfs_dops;
}

/* --- inode.c: regular files of the host, and their page cache -------------------------------- */

struct inode {
	struct list_head hash; /* in vfs_internal.inode_hash */
	struct list_head lru;  /* in inode_lru while refcount is 0 */
	struct list_head all;  /* in vfs.inodes */
	struct vfs *vfs;
	u64 dev, ino, btime_ns;	   /* identity; set once */
	u32 refcount;		   /* open files */
	int rd_fd;		   /* for reading pages; -1: may not be read */
	int wr_fd;		   /* for writing mapped pages back; -1: nobody maps it writable */
	bool maybe_unlinked;	   /* a name of it went while it was open */
	bool noexec_known, noexec; /* its mount's, by the first file that was mapped */
	bool rd_noatime;	   /* what rd_fd reads is no access for the host */
	bool strict_atime;	   /* its mount's: each read changes the access time */
	bool atime_due;		   /* the next read changes it, unless its file says O_NOATIME */
	bool dio_known;		   /* the two below were asked for */
	u32 dio_mem_align, dio_offset_align; /* bytes, for O_DIRECT; 0: the host does not say */
	struct address_space i_data;
	u64 mtime_ns, ctime_ns; /* with i_size: what the file was after our own last change */
	u64 checked_epoch, checked_ns;
};

#define STATX_WANTED (STATX_BASIC_STATS | STATX_BTIME)
/* The inode of regular file @fd, whose access mode is in @flags and which is @stx (STATX_WANTED) now; a
 * reference. ERR_PTR. */
struct inode *inode_open(struct vfs *v, int fd, const struct statx *stx, int flags);
void iput(struct inode *inode);
/* Notices changes made by others; cheap when it was asked a moment ago. */
void inode_revalidate(struct inode *inode);
/* We have just changed the file ourselves: what it is now is what we expect to find. @size: as we
 * left it. */
void inode_record(struct inode *inode, u64 size);
/* Somebody reads @f, a file with an inode, at @pos, from the cache. See: file_accessed(). */
void file_read_atime(struct file *f, u64 pos);
static inline void file_accessed(struct file *f, u64 pos)
{
	if (unlikely(f->f_inode->atime_due) && !(f->f_flags & O_NOATIME))
		file_read_atime(f, pos);
}
/* What @inode reads for @f may not change the access time: F_SETFL, O_NOATIME. */
void inode_read_noatime(struct inode *inode, int fd);
/* mtime and ctime of a file that is mapped writable become now, unless they are that already. */
void inode_update_time(struct inode *inode);
/* As inode_record() for a file given by identity, if it has an inode (chmod, utimes, rename ...). */
void inode_touched(struct vfs *v, u64 dev, u64 ino);
/* Its last name may have gone: drops the inode if nobody has it open. */
void inode_forget(struct vfs *v, u64 dev, u64 ino);
struct inode *inode_find(struct vfs *v, u64 dev, u64 ino);
/* st_blocks that the host does not count yet: stores through mappings into holes, which Linux reserves
 * room for at once (512 bytes each). */
u64 inode_delayed_blocks(struct inode *inode);
/* Makes wr_fd. 0 or -errno. */
int inode_want_write(struct inode *inode, struct file *f);
/* Mapped pages may become dirty: they go back to the host within half a minute, as Linux's flusher
 * does it. Not under virtual time, where a timer of ours would move the guest's clock. */
void inodes_flush_later(struct vfs *v);
/* Closes up to @nr idle inodes; how many went. */
unsigned inode_shrink(struct vfs *v, unsigned nr);
void inodes_destroy(struct vfs *v);

/* --- kinds of files -------------------------------------------------------------------------- */

extern const struct file_operations hostfile_fops; /* hostfile.c: regular */
extern const struct file_operations hostdir_fops;  /* hostdir.c: directories */
extern const struct file_operations hostdev_fops;  /* hostdev.c: all else */
/* lseek(2) by the host, which knows what positions mean; f_pos follows. (hostdev.c) */
s64 host_file_llseek(struct file *f, s64 off, int whence);
extern const struct file_operations path_fops; /* file.c: O_PATH */

/* What the host decides: where appended bytes go, at the moment it writes them; whether what it reads
 * changes the access time. */
#define HOST_SETFL_FLAGS (O_APPEND | O_NOATIME)
/* fcntl(2) F_SETFL. 0 or the host's -errno. */
int hostfile_setfl(struct file *f, int flags);

/* Moves a position as lseek(2) SEEK_SET, SEEK_CUR and SEEK_END do. The new one or -EINVAL. */
s64 generic_llseek(struct file *f, s64 off, int whence, u64 size);

static inline u64 stx_ns(const struct statx_timestamp *t)
{
	return t->tv_sec * 1000000000UL + t->tv_nsec;
}

static inline u64 stx_dev(const struct statx *stx)
{
	/* As makedev(3): what st_dev says. */
	u64 maj = stx->stx_dev_major, mi = stx->stx_dev_minor;

	return (mi & 0xff) | (maj & 0xfff) << 8 | (mi & ~0xffUL) << 12 | (maj & ~0xfffUL) << 32;
}

#endif

/* The host's tree as a file system, and the kinds of files it has. Only files of fs/ have a use for it.
 *
 *   hostfs.c    names: a dentry is an O_PATH descriptor of the host's; opening and creating
 *   hostfs_change.c  what changes names, rights, times and sizes
 *   hostfile.c  regular files: through the page cache (inode.h); hostfile_dio.c: O_DIRECT, past it
 *   hostdir.c   directories      hostdev.c  all else: terminals, pipes, sockets, devices
 *
 * Permissions are the host's: Vellum runs with the rights of whoever started it; hostfs_cred.c has what a guest is held
 * to that has become another. Host descriptors that are
 * handed to a function here are its own from then on, and closed also when it fails.
 */
#ifndef FS_HOSTFS_H
#define FS_HOSTFS_H

#include "fs/file.h"

extern const struct dentry_operations hostfs_dops;

static inline bool dentry_is_hostfs(const struct dentry *d)
{
	return d->d_op == &hostfs_dops;
}

/* A dentry of the host's tree for @fd, one reference; _stx: for what @stx (mode, ino, dev, btime) says it is.
 * ERR_PTR(-ENOMEM, or the host's). */
struct dentry *hostfs_dentry(struct vfs *v, int fd);
struct dentry *hostfs_dentry_stx(struct vfs *v, int fd, const struct statx *stx);
/* The whole of @name in one host call, for most names are plain: directories of one host file
 * system, no symlink, no "..", no mount of ours. fd (may be of a symlink, with O_PATH and O_NOFOLLOW), or
 * any -errno: walk it step by step. */
int hostfs_open_plain(const struct path *from, const char *name, int flags, u32 mode);
/* open(2) in that one call; NULL: do it step by step; ERR_PTR: it failed for good. */
struct file *hostfs_open_fast(const struct path *from, const char *name, int flags, u32 mode);

/* A struct file for an open host descriptor. ERR_PTR(-ENOMEM, -ENFILE, or the host's). */
struct file *hostfs_file(struct vfs *v, struct mount *mnt, int fd, int flags);

/* Does a program run from the file, so that it must not be written to? See: execve(2), ETXTBSY. */
bool hostfs_is_running(struct vfs *v, u64 dev, u64 ino);

/* --- hostfs_cred.c: tasks with other ids than Vellum's ----------------------------------------- */

/* Has the running task other rights than Vellum, so that the host's checks do not count for it? */
bool hostfs_task_is_other(struct vfs *v);
/* May it do @mask (R_OK | W_OK | X_OK) with @d; @real: by its real ids? 0, -EACCES; 0 also where the host will say. */
int hostfs_permission(const struct dentry *d, int mask, bool real);
/* May it make, or take away, @name in @dir? 0, -EEXIST, -ENOENT, -EACCES, -EPERM; 0 also where the host will say. */
int hostfs_may_create(const struct dentry *dir, const char *name);
int hostfs_may_delete(const struct dentry *dir, const char *name);
/* What it has just made in @dir, @name seen from @fd ("": @fd itself), becomes its own. */
void hostfs_give(const struct dentry *dir, int fd, const char *name);
/* Before the call of that name: 0, -EPERM, -EACCES; 0 also where the host will say. @mode loses the bits that it may not
 * set. */
int hostfs_may_chmod(const struct dentry *d, u32 *mode);
int hostfs_may_chown(const struct dentry *d, u32 uid, u32 gid);
int hostfs_may_utimens(const struct dentry *d, const struct timespec ts[2]);

/* Before @name is made in @dir, by whatever call of the host's: 0; -EROFS (--read-only), and hostfs_may_create()'s.
 * hostfs_give() is due afterwards. (hostfs_change.c) */
int hostfs_want_create(const struct dentry *dir, const char *name);

/* --- hostfs_change.c: members of struct dentry_operations -------------------------------------- */

int hostfs_mkdir(struct dentry *dir, const char *name, u32 mode);
int hostfs_mknod(struct dentry *dir, const char *name, u32 mode, u64 dev);
int hostfs_unlink(struct dentry *dir, const char *name, int flags);
int hostfs_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		  unsigned flags);
int hostfs_link(struct dentry *old, struct dentry *dir, const char *name);
int hostfs_symlink(struct dentry *dir, const char *name, const char *target);
int hostfs_chmod(struct dentry *d, u32 mode);
int hostfs_chown(struct dentry *d, u32 uid, u32 gid, int flags);
int hostfs_utimens(struct dentry *d, const struct timespec ts[2]);
int hostfs_truncate(struct dentry *d, u64 size);
int hostfs_access(struct dentry *d, int mode, int flags);
int hostfs_statfs(struct dentry *d, void *buf);
long hostfs_getxattr(struct dentry *d, const char *name, void *value, u64 size);
int hostfs_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags);
long hostfs_listxattr(struct dentry *d, char *list, u64 size);
int hostfs_removexattr(struct dentry *d, const char *name);

/* --- kinds of files ---------------------------------------------------------------------------- */

extern const struct file_operations hostfile_fops; /* hostfile.c: regular */
extern const struct file_operations hostdir_fops;  /* hostdir.c: directories */
extern const struct file_operations hostdev_fops;  /* hostdev.c: all else */

/* lseek(2) by the host, which knows what positions mean; f_pos follows. (hostdev.c) */
s64 host_file_llseek(struct file *f, s64 off, int whence);

/* fsync(2), fdatasync(2) by the host: 0 or -errno. (hostdev.c) */
int host_file_fsync(struct file *f, bool datasync);

/* What the host decides: where appended bytes go, at the moment it writes them; whether what it reads
 * changes the access time. */
#define HOST_SETFL_FLAGS (O_APPEND | O_NOATIME)
/* fcntl(2) F_SETFL. 0 or the host's -errno. (hostfile.c) */
int hostfile_setfl(struct file *f, int flags);

/* --- hostfile.c and hostfile_dio.c -------------------------------------------------------------- */

#define CHUNK_PAGES 16U

/* Bytes on their way from or to the host: pages that belong to nobody yet. */
struct chunk {
	u64 pos;     /* in the file, of the first byte */
	unsigned nr; /* pages */
	struct page *pages[CHUNK_PAGES];
	struct iovec iov[CHUNK_PAGES];
};

/* One more page for bytes [@off, @off + @n) of it. NULL: no memory. May sleep. */
struct page *chunk_add_page(struct memory *m, struct chunk *c, u64 off, u64 n);
void chunk_free(struct memory *m, struct chunk *c);

/* read(2) with O_DIRECT, at *@pos, which moves on. Bytes, 0 at the end, or -errno. May sleep. */
long direct_read(struct file *f, struct iov_iter *to, u64 *pos);
/* Before direct I/O on @i->count bytes at @pos: 0; -EINVAL: not aligned; -EFAULT; an error of
 * write-back, for what the cache has that the host has not goes first. */
int direct_begin(struct file *f, const struct iov_iter *i, u64 pos, bool read);

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

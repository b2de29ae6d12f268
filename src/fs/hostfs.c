/* The host's tree as a file system. A dentry is an O_PATH descriptor, got one component at a time;
 * an open file's own dentry holds the descriptor that it reads and writes. See vfs.h.
 *
 * Permissions are the host's: Vellum runs with the rights of whoever started it. */
#include "fs/hostfs.h"

#include <linux/openat2.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/fsnotify.h"
#include "fs/inode.h"
#include "fs/internal.h"
#include "fs/mem_dev.h"
#include "fs/open.h"
#include "fs/pipe.h"
#include "fs/socket.h"
#include "fs/tty.h"

#define SHRINK_BATCH 32U

/* Flags of the guest's open() that the host's descriptor needs to know. O_DIRECT would ask for
 * aligned buffers; O_NONBLOCK is ours to emulate. */
#define HOST_OPEN_FLAGS                                                                            \
	(O_ACCMODE | O_APPEND | O_TRUNC | O_NOATIME | O_SYNC | O_DSYNC | O_NOFOLLOW | O_DIRECTORY)

static bool out_of_fds(int err)
{
	return err == -EMFILE || err == -ENFILE;
}

/* The guest's own limits have been looked at: it is the machine's table that is full. */
static int table_full(int err)
{
	return out_of_fds(err) ? -ENFILE : err;
}

/* openat(2) that gives idle inode descriptors up when there are too many. */
static int hostfs_openat(struct vfs *v, int dirfd, const char *name, int flags)
{
	int fd = host_openat(dirfd, name, flags, 0);

	if (out_of_fds(fd) && inode_shrink(v, SHRINK_BATCH))
		fd = host_openat(dirfd, name, flags, 0);
	return table_full(fd);
}

struct dentry *hostfs_dentry_stx(struct vfs *v, int fd, const struct statx *stx)
{
	struct dentry *d = dentry_alloc(v, &hostfs_dops, stx->stx_mode);

	if (!d) {
		host_close(fd);
		return ERR_PTR(-ENOMEM);
	}
	d->host_fd = fd;
	d->dev = stx_dev(stx);
	d->ino = stx->stx_ino;
	d->fs_id = stx_ns(&stx->stx_btime);
	return d;
}

struct dentry *hostfs_dentry(struct vfs *v, int fd)
{
	struct statx stx;
	int err = host_statx(fd, "", AT_EMPTY_PATH,
			     STATX_TYPE | STATX_MODE | STATX_INO | STATX_BTIME, &stx);

	if (err) {
		host_close(fd);
		return ERR_PTR(err);
	}
	return hostfs_dentry_stx(v, fd, &stx);
}

static struct dentry *hostfs_lookup(struct dentry *dir, const char *name)
{
	int err = hostfs_permission(dir, X_OK, false), fd;

	if (err)
		return ERR_PTR(err);
	fd = hostfs_openat(dir->vfs, dir->host_fd, name, O_PATH | O_NOFOLLOW);
	return fd < 0 ? ERR_PTR(fd) : hostfs_dentry(dir->vfs, fd);
}

/* A directory outside of --root, handed in open, is as far up as one gets. */
static struct dentry *hostfs_parent(struct dentry *dir)
{
	struct dentry *up = hostfs_lookup(dir, "..");

	if (!IS_ERR(up) && !inside_root(dir->vfs, up)) {
		dput(up);
		dget(dir);
		return dir;
	}
	return up;
}

static long hostfs_readlink(struct dentry *d, char *buf, u64 size)
{
	return S_ISLNK(d->mode) ? host_readlinkat(d->host_fd, "", buf, size) : -EINVAL;
}

static int hostfs_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	int err = host_fstatat(d->host_fd, "", st, AT_EMPTY_PATH);
	struct inode *inode;

	if (!err && stx)
		err = host_statx(d->host_fd, "", AT_EMPTY_PATH,
				 STATX_BASIC_STATS | STATX_BTIME | K_STATX_DIOALIGN, stx);
	inode = !err && S_ISREG(st->st_mode) ? inode_find(d->vfs, st->st_dev, st->st_ino) : NULL;
	if (inode && unlikely(filemap_has_unsent(&inode->i_data))) {
		u64 more = inode_delayed_blocks(inode);

		st->st_blocks += more;
		if (stx)
			stx->stx_blocks += more;
	}
	return err;
}

/* --- opening --------------------------------------------------------------------------------- */

static const struct file_operations *fops_of(const struct vfs *v, const struct statx *stx)
{
	const struct file_operations *own = NULL;
	u32 mode = stx->stx_mode;

	if (S_ISCHR(mode))
		own = mem_dev_fops(stx->stx_rdev_major, stx->stx_rdev_minor);
	if (S_ISCHR(mode) && !own && v->chardev_fops)
		own = v->chardev_fops(stx->stx_rdev_major, stx->stx_rdev_minor);
	if (own)
		return own;
	return S_ISREG(mode) ? &hostfile_fops : S_ISDIR(mode) ? &hostdir_fops : &hostdev_fops;
}

static u32 fmode_of(u32 type, int fd, int flags)
{
	u32 mode = open_fmode(flags);

	if (S_ISREG(type) || S_ISDIR(type) || host_lseek(fd, 0, SEEK_CUR) >= 0)
		mode |= FMODE_LSEEK;
	return mode;
}

struct file *hostfs_file(struct vfs *v, struct mount *mnt, int fd, int flags)
{
	struct inode *inode = NULL;
	struct path path = {mnt, NULL};
	struct statx stx;
	struct file *f;
	int err;

	err = host_statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, &stx);
	if (err) {
		host_close(fd);
		return ERR_PTR(err);
	}
	path.dentry = hostfs_dentry_stx(v, fd, &stx);
	if (IS_ERR(path.dentry))
		return (void *)path.dentry;
	mntget(mnt);
	if (S_ISREG(stx.stx_mode)) {
		inode = inode_open(v, fd, &stx, flags);
		if (IS_ERR(inode)) {
			path_put(&path);
			return (void *)inode;
		}
	}
	f = file_alloc(v, &path, fops_of(v, &stx), fmode_of(stx.stx_mode, fd, flags), flags);
	path_put(&path); /* the file has its own reference */
	if (IS_ERR(f)) {
		if (inode)
			iput(inode);
		return f;
	}
	f->host_fd = fd;
	if (inode) {
		f->f_inode = inode;
		f->f_mapping = &inode->i_data;
		file_ra_state_init(&f->f_ra, f->f_mapping);
		file_count_open(f);
	}
	if (f->f_op == &hostdev_fops && S_ISCHR(stx.stx_mode)) {
		err = tty_adopt_host_file(f, flags);
		if (err) {
			fput(f);
			return ERR_PTR(err);
		}
	}
	return f;
}

/* May @name lead into a mount of ours that the host would not stop at? It does stop where it has
 * a mount of its own. */
static bool names_a_mount(struct vfs *v, const char *name)
{
	struct mount *m;

	list_for_each_entry (m, &v->mounts, list)
		if (m->parent && !(m->mountpoint && m->mountpoint->dev != m->above->dev) &&
		    strstr(name, m->name))
			return true;
	return false;
}

int hostfs_open_plain(const struct path *from, const char *name, int flags, u32 mode)
{
	u64 len = strnlen(name, PATH_MAX);

	while (*name == '/')
		name++, len--;
	if (!dentry_is_hostfs(from->dentry) || !*name || len >= PATH_MAX || name[len - 1] == '/' ||
	    strstr(name, "..") || names_a_mount(from->dentry->vfs, name) ||
	    hostfs_task_is_other(from->dentry->vfs))
		return -EAGAIN;
	return host_openat2(from->dentry->host_fd, name, flags, flags & O_CREAT ? mode : 0,
			    RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

/* Is an open fifo the host's to serve? pipe_open.c has the other ones. */
static bool fifo_is_outside(int fd, int flags)
{
	int acc = flags & O_ACCMODE;

	return acc == O_WRONLY || (acc == O_RDONLY && host_fifo_has_writer(fd));
}

bool hostfs_is_running(struct vfs *v, u64 dev, u64 ino)
{
	struct inode *inode = inode_find(v, dev, ino);

	return inode && inode->i_data.nr_exec;
}

static bool opens_for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* What O_TRUNC of the fast open has left to do. 0 or -errno. */
static int truncate_opened(struct file *f, int flags)
{
	if (!opens_for_writing(flags) || !f->f_inode)
		return 0;
	if (f->f_inode->i_data.nr_exec)
		return -ETXTBSY;
	if (!(flags & O_TRUNC))
		return 0;
	return f->f_mode & FMODE_WRITE ? f->f_op->ftruncate(f, 0)
				       : f->f_path.dentry->d_op->truncate(f->f_path.dentry, 0);
}

/* Nobody was told that it is open, so nobody hears that it is closed. */
static void put_unopened(struct file *f)
{
	f->f_notify = f->vfs->in->notify_epoch;
	fput(f);
}

struct file *hostfs_open_fast(const struct path *from, const char *name, int flags, u32 mode)
{
	bool read_only = from->dentry->vfs->read_only;
	/* Not O_TRUNC: whether a program runs from the file is known only then. */
	int host = flags & (HOST_OPEN_FLAGS | O_CREAT | O_EXCL) & ~O_TRUNC, err, fd;
	struct file *f;

	if (read_only && (opens_for_writing(flags) || (flags & O_CREAT)))
		return NULL;
	if (tty_names_device(name)) /* /dev/ptmx: to open it would make a pair of the host's */
		return NULL;
	if (read_only)
		host |= O_NOATIME;
	fd = hostfs_open_plain(from, name, host | O_NOCTTY | O_NONBLOCK, mode);
	if (fd < 0)
		return NULL;
	if (flags & O_CREAT)
		open_commit(from->dentry->vfs);
	f = hostfs_file(from->dentry->vfs, from->mnt, fd, flags);
	if (IS_ERR(f))
		return f;
	if (S_ISFIFO(f->f_path.dentry->mode) && !fifo_is_outside(fd, flags)) {
		put_unopened(f);
		return NULL;
	}
	if (!f->f_inode)
		host_fcntl(fd, F_SETFL, flags & HOST_SETFL_FLAGS); /* as reopen() */
	err = truncate_opened(f, flags);
	if (err) {
		put_unopened(f);
		return ERR_PTR(err);
	}
	return f;
}

/* A line without a carrier must not block the machine: opened non-blocking. */
static int reopen(struct dentry *d, int flags)
{
	bool plain = S_ISREG(d->mode) || S_ISDIR(d->mode);
	int fd, host = (flags & HOST_OPEN_FLAGS & ~O_NOFOLLOW) | (plain ? 0 : O_NONBLOCK);

	fd = host_fd_reopen(d->host_fd, d->vfs->read_only && plain ? host | O_NOATIME : host);
	if (fd == -EPERM && d->vfs->read_only) /* somebody else's file */
		fd = host_fd_reopen(d->host_fd, host);
	if (out_of_fds(fd) && inode_shrink(d->vfs, SHRINK_BATCH))
		fd = host_fd_reopen(d->host_fd, host);
	if (fd >= 0 && !plain)
		host_fcntl(fd, F_SETFL, flags & HOST_SETFL_FLAGS);
	if (fd >= 0 && (flags & O_TRUNC))
		open_commit(d->vfs);
	return table_full(fd);
}

/* May @d be opened so that it changes? Who may not for another reason hears that first. See: Linux, do_open(). */
static int want_write_open(struct dentry *d, int flags)
{
	int err;

	if (likely(!d->vfs->read_only) || S_ISCHR(d->mode) || S_ISFIFO(d->mode))
		return 0;
	err = flags & O_TRUNC ? 0
			      : host_faccessat2(d->host_fd, "", acc_mode(flags),
						AT_EACCESS | AT_EMPTY_PATH);
	return err ? err : -EROFS;
}

static struct file *hostfs_open(const struct path *p, int flags)
{
	struct vfs *v = p->dentry->vfs;
	struct file *f = NULL;
	struct stat st;
	int fd;

	if (S_ISCHR(p->dentry->mode) && !host_fstatat(p->dentry->host_fd, "", &st, AT_EMPTY_PATH))
		f = tty_chardev_open(p, flags, major(st.st_rdev), minor(st.st_rdev));
	if (f)
		return f;
	if (opens_for_writing(flags) && hostfs_is_running(v, p->dentry->dev, p->dentry->ino))
		return ERR_PTR(-ETXTBSY);
	fd = hostfs_permission(p->dentry, acc_mode(flags) | (flags & O_TRUNC ? W_OK : 0), false);
	if (!fd && opens_for_writing(flags))
		fd = want_write_open(p->dentry, flags);
	if (fd)
		return ERR_PTR(fd);
	if (S_ISFIFO(p->dentry->mode)) {
		f = fifo_open(p, flags, &fd);
		if (f)
			return f;
		host_fcntl(fd, F_SETFL, flags & HOST_SETFL_FLAGS);
	} else {
		fd = reopen(p->dentry, flags);
	}
	return fd < 0 ? ERR_PTR(fd) : hostfs_file(v, p->mnt, fd, flags);
}

static struct file *hostfs_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	struct vfs *v = dir->dentry->vfs;
	int host_flags = flags & (HOST_OPEN_FLAGS | O_CREAT | O_EXCL | O_TMPFILE);
	int fd;

	if (v->read_only)
		return ERR_PTR(-EROFS);
	fd = (flags & O_TMPFILE) == O_TMPFILE ? hostfs_permission(dir->dentry, W_OK | X_OK, false)
					      : hostfs_may_create(dir->dentry, name);
	if (fd)
		return ERR_PTR(fd);
	if ((flags & O_TMPFILE) != O_TMPFILE)
		host_flags |= O_NOFOLLOW;
	fd = host_open_mode(dir->dentry->host_fd, name, host_flags, mode);
	if (out_of_fds(fd) && inode_shrink(v, SHRINK_BATCH))
		fd = host_open_mode(dir->dentry->host_fd, name, host_flags, mode);
	if (fd < 0)
		return ERR_PTR(table_full(fd));
	open_commit(v);
	hostfs_give(dir->dentry, fd, "");
	return hostfs_file(v, dir->mnt, fd, flags);
}

/* The host's first three descriptors stay taken: nothing else may get their numbers, for whoever
 * prints to them means a terminal. */
static void hostfs_release(struct dentry *d)
{
	int null;

	if (d->host_fd > 2) {
		host_close(d->host_fd);
	} else if (d->host_fd >= 0) {
		null = host_open("/dev/null", O_RDWR, 0);
		if (null >= 0) {
			host_dup3(null, d->host_fd);
			host_close(null);
		}
	}
}

const struct dentry_operations hostfs_dops = {
	.lookup = hostfs_lookup,
	.parent = hostfs_parent,
	.readlink = hostfs_readlink,
	.getattr = hostfs_getattr,
	.open = hostfs_open,
	.create = hostfs_create,
	.mkdir = hostfs_mkdir,
	.mknod = hostfs_mknod,
	.unlink = hostfs_unlink,
	.rename = hostfs_rename,
	.link = hostfs_link,
	.symlink = hostfs_symlink,
	.chmod = hostfs_chmod,
	.chown = hostfs_chown,
	.utimens = hostfs_utimens,
	.truncate = hostfs_truncate,
	.access = hostfs_access,
	.statfs = hostfs_statfs,
	.getxattr = hostfs_getxattr,
	.setxattr = hostfs_setxattr,
	.listxattr = hostfs_listxattr,
	.removexattr = hostfs_removexattr,
	.release = hostfs_release,
};

struct file *file_from_host_fd(struct vfs *v, int fd)
{
	int flags = host_fcntl(fd, F_GETFL, 0);
	struct stat st;
	struct file *f;

	if (flags < 0 || (flags & O_PATH)) {
		host_close(fd);
		return ERR_PTR(-EBADF);
	}
	host_fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!host_fstat(fd, &st) && S_ISSOCK(st.st_mode))
		return sock_adopt_file(v, fd, flags);
	f = hostfs_file(v, v->root_mnt, fd, flags);
	if (IS_ERR(f))
		return f;
	/* The position is shared with whoever gave us the descriptor. */
	if (f->f_mode & FMODE_LSEEK) {
		s64 pos = host_lseek(fd, 0, SEEK_CUR);

		f->f_pos = pos < 0 ? 0 : pos;
		f->host_pos_shared = true;
	}
	return f;
}

/* What changes the host's tree, and what may be known or changed of a file without opening it: members of
 * hostfs_dops. With --read-only each ends here, before the host hears of it. See hostfs.h.
 *
 * Afterwards the page cache is told what the host's attributes say now (inode_touched()), so that a change of the
 * guest's own is not taken for a stranger's. */
#include <linux/capability.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/inode.h"
#include "fs/libfs.h"

/* Linux: mnt_want_write(). Nothing below reaches the host's tree without one of these two. */
static int want_write(const struct dentry *d)
{
	return unlikely(d->vfs->read_only) ? -EROFS : 0;
}

/* Before @name is made: that it is there already comes first. */
int hostfs_want_create(const struct dentry *dir, const char *name)
{
	struct stat st;
	int err;

	if (likely(!dir->vfs->read_only))
		return hostfs_may_create(dir, name);
	err = host_fstatat(dir->host_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	return !err ? -EEXIST : err == -ENOENT ? -EROFS : err;
}

/* What came of making @name, which is the task's own then. */
static int made(struct dentry *dir, const char *name, int err)
{
	if (!err)
		hostfs_give(dir, dir->host_fd, name);
	return err;
}

int hostfs_mkdir(struct dentry *dir, const char *name, u32 mode)
{
	int err = hostfs_want_create(dir, name);

	return err ? err : made(dir, name, host_mkdirat(dir->host_fd, name, mode));
}

int hostfs_mknod(struct dentry *dir, const char *name, u32 mode, u64 dev)
{
	int err = hostfs_want_create(dir, name);

	if (!err && (S_ISCHR(mode) || S_ISBLK(mode)) && !vfs_capable(dir->vfs, CAP_MKNOD))
		err = -EPERM;
	return err ? err : made(dir, name, host_mknodat(dir->host_fd, name, mode, dev));
}

/* What @name is before it goes: its inode may have lost its last name. */
static bool identify(struct dentry *dir, const char *name, struct statx *stx)
{
	return !host_statx(dir->host_fd, name, AT_SYMLINK_NOFOLLOW, STATX_INO, stx);
}

int hostfs_unlink(struct dentry *dir, const char *name, int flags)
{
	struct statx stx;
	bool known;
	int err = want_write(dir) ?: hostfs_may_delete(dir, name);

	if (err)
		return err;
	known = identify(dir, name, &stx);
	err = host_unlinkat(dir->host_fd, name, flags);
	if (!err && known)
		inode_forget(dir->vfs, stx_dev(&stx), stx.stx_ino);
	return err;
}

/* May @name in @dir be the new one of something, in place of what it is now? */
static int may_take(struct dentry *dir, const char *name)
{
	int err = hostfs_may_create(dir, name);

	return err == -EEXIST ? hostfs_may_delete(dir, name) : err;
}

int hostfs_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		  unsigned flags)
{
	struct statx from, to;
	bool known_from, known_to;
	int err;

	if (!dentry_is_hostfs(nd))
		return -EXDEV;
	err = want_write(od) ?: hostfs_may_delete(od, on);
	if (!err)
		err = may_take(nd, nn);
	if (err)
		return err;
	known_from = identify(od, on, &from);
	known_to = identify(nd, nn, &to);
	err = host_renameat2(od->host_fd, on, nd->host_fd, nn, flags);
	if (err)
		return err;
	if (known_from) /* its ctime has changed */
		inode_touched(od->vfs, stx_dev(&from), from.stx_ino);
	if (known_to)
		inode_forget(nd->vfs, stx_dev(&to), to.stx_ino);
	return 0;
}

static int touched(struct dentry *d, int err)
{
	if (!err)
		inode_touched(d->vfs, d->dev, d->ino);
	return err;
}

int hostfs_link(struct dentry *old, struct dentry *dir, const char *name)
{
	int err;

	if (!dentry_is_hostfs(dir) || !dentry_is_hostfs(old))
		return -EXDEV;
	err = hostfs_want_create(dir, name);
	return err ? err : touched(old, host_fd_link(old->host_fd, dir->host_fd, name));
}

int hostfs_symlink(struct dentry *dir, const char *name, const char *target)
{
	int err = hostfs_want_create(dir, name);

	return err ? err : made(dir, name, host_symlinkat(target, dir->host_fd, name));
}

int hostfs_chmod(struct dentry *d, u32 mode)
{
	int err = S_ISLNK(d->mode) ? -EOPNOTSUPP : want_write(d) ?: hostfs_may_chmod(d, &mode);

	return err ? err : touched(d, host_fd_chmod(d->host_fd, mode));
}

int hostfs_chown(struct dentry *d, u32 uid, u32 gid, int flags __unused)
{
	int err = want_write(d) ?: hostfs_may_chown(d, uid, gid);

	return err ? err : touched(d, host_fchownat(d->host_fd, "", uid, gid, AT_EMPTY_PATH));
}

int hostfs_utimens(struct dentry *d, const struct timespec ts[2])
{
	int err = want_write(d) ?: hostfs_may_utimens(d, ts);

	return err ? err : touched(d, host_utimensat(d->host_fd, "", ts, AT_EMPTY_PATH));
}

int hostfs_truncate(struct dentry *d, u64 size)
{
	struct inode *inode;
	int err;

	if (S_ISDIR(d->mode))
		return -EISDIR;
	if (!S_ISREG(d->mode))
		return -EINVAL;
	err = want_write(d) ?: hostfs_permission(d, W_OK, false);
	if (err)
		return err;
	if (hostfs_is_running(d->vfs, d->dev, d->ino))
		return -ETXTBSY;
	err = host_fd_truncate(d->host_fd, size);
	if (err)
		return err;
	inode = inode_find(d->vfs, d->dev, d->ino);
	if (inode) {
		truncate_pagecache(&inode->i_data, size);
		inode_record(inode, size);
	}
	return 0;
}

int hostfs_access(struct dentry *d, int mode, int flags)
{
	bool plain = S_ISREG(d->mode) || S_ISDIR(d->mode) || S_ISLNK(d->mode);
	int err = hostfs_permission(d, mode, !(flags & AT_EACCESS));

	if (!err)
		err = host_faccessat2(d->host_fd, "", mode, (flags & AT_EACCESS) | AT_EMPTY_PATH);
	return !err && (mode & W_OK) && plain ? want_write(d) : err;
}

int hostfs_statfs(struct dentry *d, void *buf)
{
	struct statfs *sfs = buf;
	int err = host_fstatfs(d->host_fd, sfs);

	if (!err && d->vfs->read_only)
		sfs->f_flags |= ST_RDONLY;
	return err;
}

long hostfs_getxattr(struct dentry *d, const char *name, void *value, u64 size)
{
	int err = hostfs_permission(d, R_OK, false);

	return err ? err : host_fd_getxattr(d->host_fd, name, value, size);
}

int hostfs_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags)
{
	int err = want_write(d) ?: hostfs_permission(d, W_OK, false);

	return err ? err : touched(d, host_fd_setxattr(d->host_fd, name, value, size, flags));
}

long hostfs_listxattr(struct dentry *d, char *list, u64 size)
{
	return host_fd_listxattr(d->host_fd, list, size);
}

int hostfs_removexattr(struct dentry *d, const char *name)
{
	int err = want_write(d) ?: hostfs_permission(d, W_OK, false);

	return err ? err : touched(d, host_fd_removexattr(d->host_fd, name));
}

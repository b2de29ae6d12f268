/* Nameless files of kernel objects. See anon_inode.h. */
#include "fs/anon_inode.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/libfs.h"

static const struct dentry_operations anon_inode_dops;

/* Set once, when the dentry is made. */
static const struct anon_inode_type *anon_type(const struct dentry *d)
{
	return (const struct anon_inode_type *)d->fs_id;
}

static struct file *anon_file(const struct path *p, int flags)
{
	const struct anon_inode_type *type = anon_type(p->dentry);
	struct file *f = file_alloc(p->dentry->vfs, p, type->fops, type->f_mode, flags);

	if (IS_ERR(f))
		return f;
	f->f_flags &= ~KO_LARGEFILE; /* F_GETFL shows none */
	f->private_data = p->dentry->fs_private;
	return f;
}

struct file *anon_inode_getfile(struct vfs *v, const struct anon_inode_type *type, void *object,
				u64 ino, int flags)
{
	struct path path = {NULL, dentry_alloc(v, &anon_inode_dops, type->mode)};
	struct file *f;

	if (!path.dentry)
		return ERR_PTR(-ENOMEM);
	path.dentry->fs_id = (u64)type;
	path.dentry->fs_private = object;
	path.dentry->dev = type->dev;
	path.dentry->ino = ino ? ino : get_next_ino(v);
	f = anon_file(&path, flags);
	if (IS_ERR(f))
		path.dentry->fs_private = NULL; /* still the caller's */
	path_put(&path);
	return f;
}

bool anon_inode_is(const struct file *f, const struct anon_inode_type *type)
{
	return f->f_op == type->fops;
}

/* --- the file system that has them ----------------------------------------------------------- */

static int anon_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	memset(st, 0, sizeof(*st));
	return generic_fillattr(d, st, stx); /* no type: neither a regular file nor anything else */
}

/* Nothing can be run: their file systems are mounted so. Whoever has a descriptor of what is not root's
 * made it, or was given it. */
static int anon_access(struct dentry *d, int mode, int flags)
{
	if (mode & X_OK)
		return -EACCES;
	return anon_type(d)->of_root
		       ? generic_permission(d->vfs, 0, 0, d->mode, mode, !(flags & AT_EACCESS))
		       : 0;
}

/* Through /proc/PID/fd. */
static struct file *anon_open(const struct path *p, int flags)
{
	bool trunc = flags & O_TRUNC;
	int err = anon_access(p->dentry, acc_mode(flags) | (trunc ? W_OK : 0), AT_EACCESS);

	if (err)
		return ERR_PTR(err);
	if (!anon_type(p->dentry)->reopens)
		return ERR_PTR(-ENXIO);
	return trunc ? ERR_PTR(-EOPNOTSUPP) : anon_file(p, flags);
}

/* Nothing of their inodes changes, times neither; whoever may not hears that first. */
static int anon_utimens(struct dentry *d, const struct timespec ts[2])
{
	bool now = ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW;
	int err = anon_access(d, W_OK, AT_EACCESS);

	return !err ? -EOPNOTSUPP : now ? err : -EPERM;
}

static int anon_chmod(struct dentry *d __unused, u32 mode __unused)
{
	return -EOPNOTSUPP;
}

static int anon_chown(struct dentry *d __unused, u32 uid __unused, u32 gid __unused,
		      int flags __unused)
{
	return -EOPNOTSUPP;
}

static int anon_statfs(struct dentry *d, void *buf)
{
	return simple_statfs(buf, anon_type(d)->magic, 0);
}

/* "anon_inode:[pidfd]", which is no path. */
static long anon_path(struct dentry *d, char *buf, u64 size)
{
	static const char prefix[] = "anon_inode:";
	const char *name = anon_type(d)->name;
	u64 n = strlen(name);

	if (sizeof(prefix) + n > size)
		return -ENAMETOOLONG;
	memcpy(buf, prefix, sizeof(prefix) - 1);
	memcpy(buf + sizeof(prefix) - 1, name, n + 1);
	return sizeof(prefix) - 1 + n;
}

static void anon_release(struct dentry *d)
{
	const struct anon_inode_type *type = anon_type(d);

	if (d->fs_private && type->release)
		type->release(d->vfs, d->fs_private);
}

static const struct dentry_operations anon_inode_dops = {
	.getattr = anon_getattr,
	.open = anon_open,
	.utimens = anon_utimens,
	.chmod = anon_chmod,
	.chown = anon_chown,
	.access = anon_access,
	.statfs = anon_statfs,
	.path = anon_path,
	.release = anon_release,
};

/* Calls on names: making, removing, renaming, linking. The names themselves are their file system's
 * (struct dentry_operations). See: Linux, fs/namei.c. */
#include "syscalls/internal.h"

#include <limits.h>
#include <string.h>

#include "fs/fsnotify.h"
#include "syscalls/user_path.h"

/* --- checks ---------------------------------------------------------------------------------- */

/* Type bits of the name in its directory, or -ENOENT and kin. */
static int mode_of(const struct user_parent *p)
{
	struct dentry *dir = p->dir.dentry, *d;
	int mode;

	if (!dir->d_op->lookup)
		return -ENOTDIR;
	d = dir->d_op->lookup(dir, p->last);
	if (IS_ERR(d))
		return PTR_ERR(d);
	mode = d->mode;
	dput(d);
	return mode;
}

/* filename_create(): may something called so be made here? */
static int check_create(const struct user_parent *p, bool directory)
{
	int mode;

	if (!last_is_normal(p) || is_mountpoint(&p->dir, p->last))
		return -EEXIST;
	if (!p->slash || directory)
		return 0;
	mode = mode_of(p);
	return mode >= 0 ? -EEXIST : mode;
}

/* Nothing can be made here, because of @err; but what is there already Linux says first. */
static int cannot_make(const struct user_parent *p, int err)
{
	return mode_of(p) >= 0 ? -EEXIST : err;
}

/* --- making and removing --------------------------------------------------------------------- */

static long do_mkdirat(struct task_struct *t, int dfd, gva_t name, u32 mode)
{
	struct user_parent p;
	int err = user_parent_get(t, dfd, name, &p);

	if (err)
		return err;
	err = check_create(&p, true);
	if (!err)
		err = p.dir.dentry->d_op->mkdir
			      ? p.dir.dentry->d_op->mkdir(p.dir.dentry, p.last,
							  mode & 01777 & ~t->fs->umask)
			      : cannot_make(&p, -EPERM);
	if (!err)
		fsnotify_create(p.dir.dentry, p.last, true);
	path_put(&p.dir);
	return err;
}

/* mkdir(2). A name's errors; -EPERM: a file system whose names are fixed. */
long sys_mkdir(struct task_struct *t, const struct sysargs *a)
{
	return do_mkdirat(t, AT_FDCWD, a->arg[0], a->arg[1]);
}

/* mkdirat(2). As mkdir(2). */
long sys_mkdirat(struct task_struct *t, const struct sysargs *a)
{
	return do_mkdirat(t, a->arg[0], a->arg[1], a->arg[2]);
}

static long do_mknodat(struct task_struct *t, int dfd, gva_t name, u32 mode, u32 dev)
{
	struct user_parent p;
	int err;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	err = user_parent_get(t, dfd, name, &p);
	if (err)
		return err;
	err = check_create(&p, false);
	if (!err)
		err = p.dir.dentry->d_op->mknod
			      ? p.dir.dentry->d_op->mknod(p.dir.dentry, p.last,
							  mode & ~t->fs->umask, dev)
			      : -EPERM;
	if (!err)
		fsnotify_create(p.dir.dentry, p.last, false);
	path_put(&p.dir);
	return err;
}

/* mknod(2). A name's errors; -EPERM: a directory, a device without CAP_MKNOD; -EINVAL: another kind. */
long sys_mknod(struct task_struct *t, const struct sysargs *a)
{
	return do_mknodat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2]);
}

/* mknodat(2). As mknod(2). */
long sys_mknodat(struct task_struct *t, const struct sysargs *a)
{
	return do_mknodat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* May names in the directory change? What cannot change for another reason either says this first. */
static int may_change_names(const struct user_parent *p)
{
	struct dentry *dir = p->dir.dentry;

	return dir->d_op->access ? dir->d_op->access(dir, W_OK | X_OK, AT_EACCESS) : 0;
}

/* rmdir(2) of "/", "." and "..", unlink(2) of them and of "file/"; of what is mounted on. */
static int check_unlink(const struct user_parent *p, int flags)
{
	int mode;

	if (flags & AT_REMOVEDIR) {
		if (!p->last[0])
			return -EBUSY;
		if (!strcmp(p->last, ".."))
			return -ENOTEMPTY;
		if (!strcmp(p->last, "."))
			return -EINVAL;
		return is_mountpoint(&p->dir, p->last) ? may_change_names(p) ?: -EBUSY : 0;
	}
	if (!last_is_normal(p))
		return -EISDIR;
	if (is_mountpoint(&p->dir, p->last))
		return may_change_names(p) ?: -EISDIR;
	if (!p->slash)
		return 0;
	mode = mnt_want_write(&p->dir) ?: mode_of(p);
	if (mode < 0)
		return mode;
	return S_ISDIR(mode) ? -EISDIR : -ENOTDIR;
}

static long do_unlinkat(struct task_struct *t, int dfd, gva_t name, int flags)
{
	struct fsnotify_victim victim;
	struct user_parent p;
	struct dentry *dir;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = user_parent_get(t, dfd, name, &p);
	if (err)
		return err;
	dir = p.dir.dentry;
	err = check_unlink(&p, flags);
	if (!err) {
		fsnotify_begin(&victim, dir, p.last);
		err = dir->d_op->unlink ? dir->d_op->unlink(dir, p.last, flags) : -EPERM;
		fsnotify_unlinked(&victim, dir, p.last, err);
	}
	path_put(&p.dir);
	return err;
}

/* unlink(2). A path's errors; -EISDIR; -ENOTDIR: "file/"; -EPERM. */
long sys_unlink(struct task_struct *t, const struct sysargs *a)
{
	return do_unlinkat(t, AT_FDCWD, a->arg[0], 0);
}

/* rmdir(2). A path's errors; -ENOTDIR, -ENOTEMPTY; -EBUSY: the root, a mount point; -EINVAL: ".". */
long sys_rmdir(struct task_struct *t, const struct sysargs *a)
{
	return do_unlinkat(t, AT_FDCWD, a->arg[0], AT_REMOVEDIR);
}

/* unlinkat(2). -EINVAL: flags; as unlink(2) or, with AT_REMOVEDIR, rmdir(2). */
long sys_unlinkat(struct task_struct *t, const struct sysargs *a)
{
	return do_unlinkat(t, a->arg[0], a->arg[1], a->arg[2]);
}

/* --- rename and link ------------------------------------------------------------------------- */

static int check_rename(const struct user_parent *o, const struct user_parent *n, u32 flags)
{
	int mode;

	if (o->dir.mnt != n->dir.mnt)
		return -EXDEV;
	if (!last_is_normal(o))
		return -EBUSY;
	if (!last_is_normal(n))
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (is_mountpoint(&o->dir, o->last) || is_mountpoint(&n->dir, n->last))
		return may_change_names(o) ?: may_change_names(n) ?: -EBUSY;
	if (!o->dir.dentry->d_op->rename)
		return -EPERM;
	if (!o->slash && !n->slash)
		return 0;
	mode = mode_of(o);
	if (mode < 0)
		return mode;
	return S_ISDIR(mode) ? 0 : -ENOTDIR;
}

static long do_renameat2(struct task_struct *t, int odfd, gva_t oname, int ndfd, gva_t nname,
			 u32 flags)
{
	struct fsnotify_victim from, to;
	struct user_parent o, n;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = user_parent_get(t, odfd, oname, &o);
	if (err)
		return err;
	err = user_parent_get(t, ndfd, nname, &n);
	if (err)
		goto put_old;
	err = check_rename(&o, &n, flags);
	if (!err) {
		fsnotify_begin(&from, o.dir.dentry, o.last);
		fsnotify_begin(&to, n.dir.dentry, n.last);
		err = o.dir.dentry->d_op->rename(o.dir.dentry, o.last, n.dir.dentry, n.last, flags);
		fsnotify_moved(&from, o.dir.dentry, o.last, &to, n.dir.dentry, n.last,
			       flags & RENAME_EXCHANGE, err);
	}
	path_put(&n.dir);
put_old:
	path_put(&o.dir);
	return err;
}

/* rename(2). As renameat2(2). */
long sys_rename(struct task_struct *t, const struct sysargs *a)
{
	return do_renameat2(t, AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

/* renameat(2). As renameat2(2). */
long sys_renameat(struct task_struct *t, const struct sysargs *a)
{
	return do_renameat2(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], 0);
}

/* renameat2(2). A path's errors; -EINVAL: flags, into itself; -EXDEV; -EBUSY: ".", "..", a mount
 * point; -EEXIST, -ENOTEMPTY, -EPERM. */
long sys_renameat2(struct task_struct *t, const struct sysargs *a)
{
	return do_renameat2(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

static long do_linkat(struct task_struct *t, int odfd, gva_t oname, int ndfd, gva_t nname,
		      int flags)
{
	struct user_parent n;
	struct path old;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = user_lookup(t, odfd, oname,
			  (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			  &old);
	if (err)
		return err;
	err = user_parent_get(t, ndfd, nname, &n);
	if (err)
		goto put_old;
	err = check_create(&n, false);
	if (!err && old.mnt != n.dir.mnt)
		err = cannot_make(&n, -EXDEV);
	else if (!err && (S_ISDIR(old.dentry->mode) || !n.dir.dentry->d_op->link))
		err = cannot_make(&n, -EPERM);
	else if (!err)
		err = n.dir.dentry->d_op->link(old.dentry, n.dir.dentry, n.last);
	if (!err) {
		fsnotify_inode(old.dentry, IN_ATTRIB);
		fsnotify_create(n.dir.dentry, n.last, false);
	}
	path_put(&n.dir);
put_old:
	path_put(&old);
	return err;
}

/* link(2). As linkat(2). */
long sys_link(struct task_struct *t, const struct sysargs *a)
{
	return do_linkat(t, AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

/* linkat(2). A path's and a name's errors; -EINVAL: flags; -EXDEV; -EPERM: a directory. */
long sys_linkat(struct task_struct *t, const struct sysargs *a)
{
	return do_linkat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

static long do_symlinkat(struct task_struct *t, gva_t target, int dfd, gva_t name)
{
	char *text = getname(t, target, false);
	struct user_parent p;
	struct dentry *dir;
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = user_parent_get(t, dfd, name, &p);
	if (err)
		goto free;
	dir = p.dir.dentry;
	err = check_create(&p, false);
	if (!err)
		err = dir->d_op->symlink ? dir->d_op->symlink(dir, p.last, text)
					 : cannot_make(&p, -EPERM);
	if (!err)
		fsnotify_create(dir, p.last, false);
	path_put(&p.dir);
free:
	kfree(&t->machine->mem, text);
	return err;
}

/* symlink(2). A name's errors; -ENOENT: no text; -EPERM. */
long sys_symlink(struct task_struct *t, const struct sysargs *a)
{
	return do_symlinkat(t, a->arg[0], AT_FDCWD, a->arg[1]);
}

/* symlinkat(2). As symlink(2). */
long sys_symlinkat(struct task_struct *t, const struct sysargs *a)
{
	return do_symlinkat(t, a->arg[0], a->arg[1], a->arg[2]);
}

static long do_readlinkat(struct task_struct *t, int dfd, gva_t name, gva_t to, int size)
{
	struct path p;
	char *text, first;
	long len;
	int err;

	if (size <= 0)
		return -EINVAL;
	err = user_lookup(t, dfd, name, LOOKUP_EMPTY, &p);
	if (err)
		return err;
	len = get_user(t->mm, first, name) || first ? -EINVAL : -ENOENT; /* not a link */
	text = kmalloc(&t->machine->mem, PATH_MAX, GFP_KERNEL);
	if (!text)
		len = -ENOMEM;
	else if (S_ISLNK(p.dentry->mode) && p.dentry->d_op->readlink)
		len = p.dentry->d_op->readlink(p.dentry, text, PATH_MAX);
	len = min(len, (long)size);
	if (len > 0 && copy_to_user(t->mm, to, text, len))
		len = -EFAULT;
	kfree(&t->machine->mem, text);
	path_put(&p);
	return len;
}

/* readlink(2). Bytes, without a NUL. A path's errors; -EINVAL: no room, no symlink. */
long sys_readlink(struct task_struct *t, const struct sysargs *a)
{
	return do_readlinkat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2]);
}

/* readlinkat(2). As readlink(2); "" is the descriptor itself, and -ENOENT if that is no symlink. */
long sys_readlinkat(struct task_struct *t, const struct sysargs *a)
{
	return do_readlinkat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

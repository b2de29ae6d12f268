/* Calls on names: making, removing, renaming, linking; owners, rights and times of a path. */
#include "syscalls/internal.h"

#include <limits.h>
#include <string.h>
#include <utime.h>

#include "base/host.h"

/* --- reading paths --------------------------------------------------------------------------- */

/* As the kernel's getname(): kmalloc'ed, or ERR_PTR. */
static char *getname(struct task_struct *t, gva_t addr, bool may_be_empty)
{
	char *name = kmalloc(&t->machine->mem, PATH_MAX, GFP_KERNEL);
	long len;

	if (!name)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(t->mm, name, addr, PATH_MAX);
	if (len == PATH_MAX)
		len = -ENAMETOOLONG;
	else if (!len && !may_be_empty)
		len = -ENOENT;
	if (len >= 0)
		return name;
	kfree(&t->machine->mem, name);
	return ERR_PTR(len);
}

/* Where a relative path starts. An absolute one does not look at @dfd at all. */
static int path_start(struct task_struct *t, int dfd, struct user_path *up)
{
	struct file *f;

	up->at = NULL;
	if (dfd == AT_FDCWD || up->name[0] == '/')
		return 0;
	f = fget(t->files, dfd);
	if (!f)
		return -EBADF;
	if (!f->f_path.dentry || (up->name[0] && !S_ISDIR(f->f_path.dentry->mode)))
		return -ENOTDIR;
	up->start = f->f_path;
	path_get(&up->start);
	up->at = &up->start;
	return 0;
}

int user_path_get(struct task_struct *t, int dfd, gva_t addr, unsigned lookup, struct user_path *up)
{
	int err;

	up->name = getname(t, addr, lookup & LOOKUP_EMPTY);
	if (IS_ERR(up->name))
		return PTR_ERR(up->name);
	err = path_start(t, dfd, up);
	if (err)
		kfree(&t->machine->mem, up->name);
	return err;
}

void user_path_put(struct task_struct *t, struct user_path *up)
{
	if (up->at)
		path_put(&up->start);
	kfree(&t->machine->mem, up->name);
}

int user_lookup(struct task_struct *t, int dfd, gva_t addr, unsigned lookup, struct path *out)
{
	struct user_path up;
	int err = user_path_get(t, dfd, addr, lookup, &up);

	if (err)
		return err;
	err = path_lookup(t->fs, up.at, up.name, lookup, out, NULL);
	user_path_put(t, &up);
	return err;
}

/* The directory of a name, and the name in it. */
struct user_parent {
	struct path dir;
	char last[NAME_MAX + 1]; /* "": the path is "/" */
	bool slash;		 /* the path ends in one: it must be a directory */
};

static int user_parent_get(struct task_struct *t, int dfd, gva_t addr, struct user_parent *p)
{
	struct user_path up;
	int err = user_path_get(t, dfd, addr, 0, &up);
	u64 len;

	if (err)
		return err;
	len = strlen(up.name);
	p->slash = up.name[len - 1] == '/';
	p->last[0] = 0;
	err = path_lookup(t->fs, up.at, up.name, LOOKUP_PARENT, &p->dir, p->last);
	user_path_put(t, &up);
	len = strlen(p->last);
	while (!err && len && p->last[len - 1] == '/')
		p->last[--len] = 0;
	return err;
}

static bool last_is_normal(const struct user_parent *p)
{
	return p->last[0] && strcmp(p->last, ".") && strcmp(p->last, "..");
}

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
			      : -EPERM;
	path_put(&p.dir);
	return err;
}

long sys_mkdir(struct task_struct *t, const struct sysargs *a)
{
	return do_mkdirat(t, AT_FDCWD, a->arg[0], a->arg[1]);
}

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
	path_put(&p.dir);
	return err;
}

long sys_mknod(struct task_struct *t, const struct sysargs *a)
{
	return do_mknodat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2]);
}

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
	mode = mode_of(p);
	if (mode < 0)
		return mode;
	return S_ISDIR(mode) ? -EISDIR : -ENOTDIR;
}

static long do_unlinkat(struct task_struct *t, int dfd, gva_t name, int flags)
{
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
	if (!err)
		err = dir->d_op->unlink ? dir->d_op->unlink(dir, p.last, flags) : -EPERM;
	path_put(&p.dir);
	return err;
}

long sys_unlink(struct task_struct *t, const struct sysargs *a)
{
	return do_unlinkat(t, AT_FDCWD, a->arg[0], 0);
}

long sys_rmdir(struct task_struct *t, const struct sysargs *a)
{
	return do_unlinkat(t, AT_FDCWD, a->arg[0], AT_REMOVEDIR);
}

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
	if (!err)
		err = o.dir.dentry->d_op->rename(o.dir.dentry, o.last, n.dir.dentry, n.last, flags);
	path_put(&n.dir);
put_old:
	path_put(&o.dir);
	return err;
}

long sys_rename(struct task_struct *t, const struct sysargs *a)
{
	return do_renameat2(t, AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

long sys_renameat(struct task_struct *t, const struct sysargs *a)
{
	return do_renameat2(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], 0);
}

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
		err = -EXDEV;
	if (!err && (S_ISDIR(old.dentry->mode) || !n.dir.dentry->d_op->link))
		err = -EPERM;
	if (!err)
		err = n.dir.dentry->d_op->link(old.dentry, n.dir.dentry, n.last);
	path_put(&n.dir);
put_old:
	path_put(&old);
	return err;
}

long sys_link(struct task_struct *t, const struct sysargs *a)
{
	return do_linkat(t, AT_FDCWD, a->arg[0], AT_FDCWD, a->arg[1], 0);
}

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
		err = dir->d_op->symlink ? dir->d_op->symlink(dir, p.last, text) : -EPERM;
	path_put(&p.dir);
free:
	kfree(&t->machine->mem, text);
	return err;
}

long sys_symlink(struct task_struct *t, const struct sysargs *a)
{
	return do_symlinkat(t, a->arg[0], AT_FDCWD, a->arg[1]);
}

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

long sys_readlink(struct task_struct *t, const struct sysargs *a)
{
	return do_readlinkat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2]);
}

long sys_readlinkat(struct task_struct *t, const struct sysargs *a)
{
	return do_readlinkat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* --- rights, owners, times, size ------------------------------------------------------------- */

/* What AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH say to path_lookup(). */
static unsigned at_lookup(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* The path that a call with AT_ flags means; @more: flags it knows beyond those two. 0 and a
 * reference, or -errno. */
static long at_path(struct task_struct *t, int dfd, gva_t name, int flags, int more, struct path *p)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | more))
		return -EINVAL;
	return user_lookup(t, dfd, name, at_lookup(flags), p);
}

/* The path of a descriptor. -EPERM: it stands for none. */
static long fd_path(struct task_struct *t, int fd, struct path *p)
{
	struct file *f = fdget(t, fd);

	if (!f)
		return -EBADF;
	*p = f->f_path;
	if (p->dentry)
		path_get(p);
	fput(f);
	return p->dentry ? 0 : -EPERM;
}

static long path_chmod(const struct path *p, u32 mode)
{
	struct dentry *d = p->dentry;

	if (S_ISLNK(d->mode))
		return -EOPNOTSUPP;
	return d->d_op->chmod ? d->d_op->chmod(d, mode & 07777) : -EPERM;
}

static long do_fchmodat(struct task_struct *t, int dfd, gva_t name, u32 mode, int flags)
{
	struct path p;
	long ret = at_path(t, dfd, name, flags, 0, &p);

	if (ret)
		return ret;
	ret = path_chmod(&p, mode);
	path_put(&p);
	return ret;
}

long sys_chmod(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, AT_FDCWD, a->arg[0], a->arg[1], 0);
}

long sys_fchmodat(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, a->arg[0], a->arg[1], a->arg[2], 0);
}

long sys_fchmodat2(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

long sys_fchmod(struct task_struct *t, const struct sysargs *a)
{
	struct path p;
	long ret = fd_path(t, a->arg[0], &p);

	if (ret)
		return ret;
	ret = path_chmod(&p, a->arg[1]);
	path_put(&p);
	return ret;
}

static long path_chown(const struct path *p, u32 uid, u32 gid)
{
	struct dentry *d = p->dentry;

	return d->d_op->chown ? d->d_op->chown(d, uid, gid, 0) : -EPERM;
}

static long do_fchownat(struct task_struct *t, int dfd, gva_t name, u32 uid, u32 gid, int flags)
{
	struct path p;
	long ret = at_path(t, dfd, name, flags, 0, &p);

	if (ret)
		return ret;
	ret = path_chown(&p, uid, gid);
	path_put(&p);
	return ret;
}

long sys_chown(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2], 0);
}

long sys_lchown(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2], AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

long sys_fchown(struct task_struct *t, const struct sysargs *a)
{
	struct path p;
	long ret = fd_path(t, a->arg[0], &p);

	if (ret)
		return ret;
	ret = path_chown(&p, a->arg[1], a->arg[2]);
	path_put(&p);
	return ret;
}

static bool nsec_valid(long nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (u64)nsec < NSEC_PER_SEC;
}

static long path_utimens(const struct path *p, const struct timespec ts[2])
{
	struct dentry *d = p->dentry;

	return d->d_op->utimens ? d->d_op->utimens(d, ts) : -EPERM;
}

/* @name 0: what @dfd stands for. @ts NULL: now. */
static long do_utimes(struct task_struct *t, int dfd, gva_t name, const struct timespec *ts,
		      int flags)
{
	static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct path p;
	long ret;

	if (!ts)
		ts = now;
	if (!nsec_valid(ts[0].tv_nsec) || !nsec_valid(ts[1].tv_nsec))
		return -EINVAL;
	if (!name && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		ret = fd_path(t, dfd, &p);
	} else {
		ret = at_path(t, dfd, name, flags, 0, &p);
	}
	if (ret)
		return ret;
	ret = path_utimens(&p, ts);
	path_put(&p);
	return ret;
}

long sys_utimensat(struct task_struct *t, const struct sysargs *a)
{
	struct timespec ts[2];

	if (!a->arg[2])
		return do_utimes(t, a->arg[0], a->arg[1], NULL, a->arg[3]);
	if (get_user(t->mm, ts, a->arg[2]))
		return -EFAULT;
	if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
		return 0;
	return do_utimes(t, a->arg[0], a->arg[1], ts, a->arg[3]);
}

/* Two struct timeval at @times, or 0. */
static long futimesat(struct task_struct *t, int dfd, gva_t name, gva_t times)
{
	struct timeval tv[2];
	struct timespec ts[2];

	if (!times)
		return do_utimes(t, dfd, name, NULL, 0);
	if (get_user(t->mm, tv, times))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if ((u64)tv[i].tv_usec >= 1000000)
			return -EINVAL;
		ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
	}
	return do_utimes(t, dfd, name, ts, 0);
}

long sys_utimes(struct task_struct *t, const struct sysargs *a)
{
	return futimesat(t, AT_FDCWD, a->arg[0], a->arg[1]);
}

long sys_futimesat(struct task_struct *t, const struct sysargs *a)
{
	return futimesat(t, a->arg[0], a->arg[1], a->arg[2]);
}

long sys_utime(struct task_struct *t, const struct sysargs *a)
{
	struct timespec ts[2] = {{0, 0}, {0, 0}};
	struct utimbuf buf;

	if (!a->arg[1])
		return do_utimes(t, AT_FDCWD, a->arg[0], NULL, 0);
	if (get_user(t->mm, buf, a->arg[1]))
		return -EFAULT;
	ts[0].tv_sec = buf.actime;
	ts[1].tv_sec = buf.modtime;
	return do_utimes(t, AT_FDCWD, a->arg[0], ts, 0);
}

static long do_faccessat(struct task_struct *t, int dfd, gva_t name, int mode, int flags)
{
	struct path p;
	long ret;

	if (mode & ~7)
		return -EINVAL;
	ret = at_path(t, dfd, name, flags, AT_EACCESS, &p);
	if (ret)
		return ret;
	if (p.dentry->d_op->access)
		ret = p.dentry->d_op->access(p.dentry, mode, flags & AT_EACCESS);
	path_put(&p);
	return ret;
}

long sys_access(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, AT_FDCWD, a->arg[0], a->arg[1], 0);
}

long sys_faccessat(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, a->arg[0], a->arg[1], a->arg[2], 0);
}

long sys_faccessat2(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

static long do_truncate(struct task_struct *t, gva_t name, s64 size)
{
	struct dentry *d;
	struct path p;
	long ret;

	if (size < 0)
		return -EINVAL;
	ret = user_lookup(t, AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (ret)
		return ret;
	d = p.dentry;
	if (S_ISDIR(d->mode))
		ret = -EISDIR;
	else if (!S_ISREG(d->mode))
		ret = -EINVAL;
	else
		ret = d->d_op->truncate ? d->d_op->truncate(d, size) : -EPERM;
	path_put(&p);
	return ret;
}

long sys_truncate(struct task_struct *t, const struct sysargs *a)
{
	return do_truncate(t, a->arg[0], a->arg[1]);
}

long sys_truncate32(struct task_struct *t, const struct sysargs *a)
{
	return do_truncate(t, a->arg[0], (s32)a->arg[1]);
}

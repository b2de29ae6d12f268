/* What a file is besides its bytes: rights, owners and times, of a path or a descriptor; and its size by path.
 * See: Linux, fs/open.c, fs/utimes.c. */
#include "syscalls/internal.h"

#include <utime.h>

#include "fs/fsnotify.h"
#include "fs/lease.h"
#include "syscalls/user_path.h"

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

/* Who watches hears of a change that was made. */
static long told(const struct path *p, u32 event, long ret)
{
	if (!ret && event)
		fsnotify_path(p, event);
	return ret;
}

static long path_chmod(const struct path *p, u32 mode)
{
	struct dentry *d = p->dentry;

	if (S_ISLNK(d->mode))
		return -EOPNOTSUPP;
	return told(p, IN_ATTRIB, d->d_op->chmod ? d->d_op->chmod(d, mode & 07777) : -EPERM);
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

/* chmod(2). A path's errors; -EPERM: not the owner, or its file system keeps no modes. */
long sys_chmod(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, AT_FDCWD, a->arg[0], a->arg[1], 0);
}

/* fchmodat(2), without flags, as Linux has it. As chmod(2). */
long sys_fchmodat(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, a->arg[0], a->arg[1], a->arg[2], 0);
}

/* fchmodat2(2). As chmod(2); -EINVAL: flags; -EOPNOTSUPP: a symlink. */
long sys_fchmodat2(struct task_struct *t, const struct sysargs *a)
{
	return do_fchmodat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* fchmod(2). -EBADF, O_PATH too; as chmod(2). */
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

	return told(p, uid != ~0U || gid != ~0U ? IN_ATTRIB : 0,
		    d->d_op->chown ? d->d_op->chown(d, uid, gid, 0) : -EPERM);
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

/* chown(2). A path's errors; -EPERM. */
long sys_chown(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2], 0);
}

/* lchown(2): a symlink itself. As chown(2). */
long sys_lchown(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, AT_FDCWD, a->arg[0], a->arg[1], a->arg[2], AT_SYMLINK_NOFOLLOW);
}

/* fchownat(2). As chown(2); -EINVAL: flags. */
long sys_fchownat(struct task_struct *t, const struct sysargs *a)
{
	return do_fchownat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4]);
}

/* fchown(2). -EBADF, O_PATH too; as chown(2). */
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

	u32 event = IN_ATTRIB; /* one of the two is taken as what would have changed it */

	if (ts[0].tv_nsec == UTIME_OMIT)
		event = ts[1].tv_nsec == UTIME_OMIT ? 0 : IN_MODIFY;
	else if (ts[1].tv_nsec == UTIME_OMIT)
		event = IN_ACCESS;
	return told(p, event, d->d_op->utimens ? d->d_op->utimens(d, ts) : -EPERM);
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

/* utimensat(2). A path's errors; -EINVAL: nanoseconds, flags; -EACCES, -EPERM. Nothing to change:
 * no error. */
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

/* utimes(2). As utimensat(2); -EINVAL: microseconds. */
long sys_utimes(struct task_struct *t, const struct sysargs *a)
{
	return futimesat(t, AT_FDCWD, a->arg[0], a->arg[1]);
}

/* futimesat(2). As utimes(2). */
long sys_futimesat(struct task_struct *t, const struct sysargs *a)
{
	return futimesat(t, a->arg[0], a->arg[1], a->arg[2]);
}

/* utime(2). As utimensat(2). */
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

/* The way to @name is walked with the real ids, too, unless AT_EACCESS is among @flags. See: Linux,
 * access_override_creds(). */
static long access_path(struct task_struct *t, int dfd, gva_t name, int flags, struct path *p)
{
	const u32 fsuid = t->fsuid, fsgid = t->fsgid;
	const u64 effective = t->caps.effective;
	long ret;

	if (!(flags & AT_EACCESS)) {
		t->fsuid = t->uid;
		t->fsgid = t->gid;
		t->caps.effective = t->uid ? 0 : t->caps.permitted;
	}
	ret = at_path(t, dfd, name, flags, AT_EACCESS, p);
	t->fsuid = fsuid;
	t->fsgid = fsgid;
	t->caps.effective = effective;
	return ret;
}

static long do_faccessat(struct task_struct *t, int dfd, gva_t name, int mode, int flags)
{
	struct path p;
	long ret;

	if (mode & ~7)
		return -EINVAL;
	ret = access_path(t, dfd, name, flags, &p);
	if (ret)
		return ret;
	if (p.dentry->d_op->access)
		ret = p.dentry->d_op->access(p.dentry, mode, flags & AT_EACCESS);
	if (!ret && (mode & X_OK) && S_ISREG(p.dentry->mode) && p.mnt && mount_noexec(p.mnt))
		ret = -EACCES;
	path_put(&p);
	return ret;
}

/* access(2), with the real ids. A path's errors; -EINVAL: the mode; -EACCES. */
long sys_access(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, AT_FDCWD, a->arg[0], a->arg[1], 0);
}

/* faccessat(2), without flags, as Linux has it. As access(2). */
long sys_faccessat(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, a->arg[0], a->arg[1], a->arg[2], 0);
}

/* faccessat2(2). As access(2); -EINVAL: flags. */
long sys_faccessat2(struct task_struct *t, const struct sysargs *a)
{
	return do_faccessat(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* Who may not hears that before a lease is broken. See: Linux, vfs_truncate(). */
static long truncate_regular(const struct path *p, s64 size)
{
	struct dentry *d = p->dentry;
	int err = lease_held(d) && d->d_op->access ? d->d_op->access(d, W_OK, AT_EACCESS) : 0;

	if (!err)
		err = lease_break(d, O_WRONLY);
	if (err)
		return err;
	return told(p, IN_MODIFY, d->d_op->truncate ? d->d_op->truncate(d, size) : -EPERM);
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
		ret = truncate_regular(&p, size);
	path_put(&p);
	return ret;
}

/* truncate(2). A path's errors; -EINVAL: negative, no regular file; -EISDIR, -ETXTBSY, -EPERM: sealed. */
long sys_truncate(struct task_struct *t, const struct sysargs *a)
{
	return do_truncate(t, a->arg[0], a->arg[1]);
}

/* i386's truncate(2): the size has 32 bits. */
long sys_truncate32(struct task_struct *t, const struct sysargs *a)
{
	return do_truncate(t, a->arg[0], (s32)a->arg[1]);
}

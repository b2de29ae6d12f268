/* stat(2) and its kin: what a file is, and what its file system is. */
#include "syscalls/internal.h"

#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "syscalls/user_path.h"

#define STATX_SYNC_TYPE 0x6000 /* AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC */
#define STATX_RESERVED 0x80000000U

int path_getattr(const struct path *p, struct stat *st)
{
	return p->dentry->d_op->getattr(p->dentry, st, NULL);
}

static long put_stat(struct task_struct *t, const struct stat *st, gva_t to)
{
	return copy_to_user(t->mm, to, st, sizeof(*st)) ? -EFAULT : 0;
}

static long stat_fd(struct task_struct *t, u64 fd, gva_t to)
{
	struct file *f = fdget_raw(t, fd);
	struct stat st;
	long ret;

	if (!f)
		return -EBADF;
	ret = file_stat(f, &st);
	fput(f);
	return ret ? ret : put_stat(t, &st, to);
}

/* Does the guest name the descriptor itself ("" with AT_EMPTY_PATH, since 6.11 also NULL)? */
static bool names_fd(struct task_struct *t, int dfd, gva_t name, int flags)
{
	char first;

	if (!(flags & AT_EMPTY_PATH) || dfd == AT_FDCWD)
		return false;
	return !name || (!get_user(t->mm, first, name) && !first);
}

static long stat_path(struct task_struct *t, int dfd, gva_t name, gva_t to, int flags)
{
	struct path p;
	struct stat st;
	long ret;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | STATX_SYNC_TYPE))
		return -EINVAL;
	if (names_fd(t, dfd, name, flags))
		return stat_fd(t, dfd, to);
	ret = user_lookup(t, dfd, name,
			  (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			  &p);
	if (ret)
		return ret;
	ret = path_getattr(&p, &st);
	path_put(&p);
	return ret ? ret : put_stat(t, &st, to);
}

/* stat(2). A path's errors. */
long sys_stat(struct task_struct *t, const struct sysargs *a)
{
	return stat_path(t, AT_FDCWD, a->arg[0], a->arg[1], 0);
}

/* lstat(2): a symlink itself. As stat(2). */
long sys_lstat(struct task_struct *t, const struct sysargs *a)
{
	return stat_path(t, AT_FDCWD, a->arg[0], a->arg[1], AT_SYMLINK_NOFOLLOW);
}

/* fstat(2). -EBADF. */
long sys_fstat(struct task_struct *t, const struct sysargs *a)
{
	return stat_fd(t, a->arg[0], a->arg[1]);
}

/* fstatat(2). As stat(2); -EINVAL: flags; -EBADF. */
long sys_newfstatat(struct task_struct *t, const struct sysargs *a)
{
	return stat_path(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* --- statx ----------------------------------------------------------------------------------- */

static struct statx_timestamp stx_time(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

/* For files that have no more to say than struct stat. */
static void stat_to_statx(const struct stat *st, struct statx *stx)
{
	*stx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = st->st_blksize,
		.stx_nlink = st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = st->st_size,
		.stx_blocks = st->st_blocks,
		.stx_atime = stx_time(st->st_atim),
		.stx_ctime = stx_time(st->st_ctim),
		.stx_mtime = stx_time(st->st_mtim),
		.stx_rdev_major = major(st->st_rdev),
		.stx_rdev_minor = minor(st->st_rdev),
		.stx_dev_major = major(st->st_dev),
		.stx_dev_minor = minor(st->st_dev),
	};
}

static int path_statx(const struct path *p, struct statx *stx)
{
	struct stat st;
	int err;

	memset(stx, 0, sizeof(*stx));
	err = p->dentry->d_op->getattr(p->dentry, &st, stx);
	if (!err && !stx->stx_mask)
		stat_to_statx(&st, stx);
	return err;
}

static int statx_fd(struct task_struct *t, int fd, struct statx *stx)
{
	struct file *f = fdget_raw(t, fd);
	struct stat st;
	int err;

	if (!f)
		return -EBADF;
	if (f->f_path.dentry) {
		err = path_statx(&f->f_path, stx);
	} else {
		err = file_stat(f, &st);
		if (!err)
			stat_to_statx(&st, stx);
	}
	fput(f);
	return err;
}

/* statx(2). As fstatat(2); -EINVAL: the mask's last bit. */
long sys_statx(struct task_struct *t, const struct sysargs *a)
{
	int dfd = a->arg[0], flags = a->arg[2];
	struct statx stx;
	struct path p;
	long ret;

	if (((u32)a->arg[3] & STATX_RESERVED) || (flags & STATX_SYNC_TYPE) == STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | STATX_SYNC_TYPE))
		return -EINVAL;
	if (names_fd(t, dfd, a->arg[1], flags)) {
		ret = statx_fd(t, dfd, &stx);
	} else {
		ret = user_lookup(t, dfd, a->arg[1],
				  (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
					  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				  &p);
		if (!ret) {
			ret = path_statx(&p, &stx);
			path_put(&p);
		}
	}
	if (ret)
		return ret;
	if (!(a->arg[3] & K_STATX_DIOALIGN) && (stx.stx_mask & K_STATX_DIOALIGN)) {
		/* Said only if it is asked for. */
		stx.stx_mask &= ~K_STATX_DIOALIGN;
		memset((u8 *)&stx + STX_DIO_ALIGN, 0, 2 * sizeof(u32));
	}
	return copy_to_user(t->mm, a->arg[4], &stx, sizeof(stx)) ? -EFAULT : 0;
}

/* --- statfs ---------------------------------------------------------------------------------- */

static long put_statfs(struct task_struct *t, const struct path *p, gva_t to)
{
	struct dentry *d = p->dentry;
	struct statfs buf;
	int err;

	if (!d || !d->d_op->statfs)
		return -ENOSYS;
	memset(&buf, 0, sizeof(buf));
	err = d->d_op->statfs(d, &buf);
	if (err)
		return err;
	return copy_to_user(t->mm, to, &buf, sizeof(buf)) ? -EFAULT : 0;
}

/* statfs(2). A path's errors; -ENOSYS: a file system that does not say. */
long sys_statfs(struct task_struct *t, const struct sysargs *a)
{
	struct path p;
	long ret = user_lookup(t, AT_FDCWD, a->arg[0], LOOKUP_FOLLOW, &p);

	if (ret)
		return ret;
	ret = put_statfs(t, &p, a->arg[1]);
	path_put(&p);
	return ret;
}

/* fstatfs(2). -EBADF; as statfs(2). */
long sys_fstatfs(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget_raw(t, a->arg[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = put_statfs(t, &f->f_path, a->arg[1]);
	fput(f);
	return ret;
}

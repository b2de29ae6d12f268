/* Open files by number: close, dup, fcntl, seek and what acts on a whole file. */
#include "fs/fsnotify.h"
#include "proc/fork.h"
#include "syscalls/internal.h"

#define CLOSE_RANGE_UNSHARE_K 2U
#define CLOSE_RANGE_CLOEXEC_K 4U

struct file *fdget_raw(struct task_struct *t, u64 fd)
{
	struct file *f = fget(t->files, (int)fd);

	if (f)
		get_file(f);
	return f;
}

struct file *fdget(struct task_struct *t, u64 fd)
{
	struct file *f = fget(t->files, (int)fd);

	if (!f || (f->f_mode & FMODE_PATH))
		return NULL;
	get_file(f);
	return f;
}

int fd_available(const struct task_struct *t)
{
	return fd_reserve(t->files, nofile_limit(t));
}

int fd_install_one(struct task_struct *t, struct file *f, bool cloexec)
{
	int fd = fd_install(t->files, f, 0, nofile_limit(t), cloexec);

	if (fd < 0)
		fput(f);
	return fd;
}

/* close(2). -EBADF. */
long sys_close(struct task_struct *t, const struct sysargs *a)
{
	return fd_close(t->files, a->arg[0]);
}

/* close_range(2). -EINVAL: flags, no range; -ENOMEM: CLOSE_RANGE_UNSHARE. */
long sys_close_range(struct task_struct *t, const struct sysargs *a)
{
	u32 fd = a->arg[0], last = a->arg[1], flags = a->arg[2];
	int err;

	if ((flags & ~(CLOSE_RANGE_UNSHARE_K | CLOSE_RANGE_CLOEXEC_K)) || fd > last)
		return -EINVAL;
	err = flags & CLOSE_RANGE_UNSHARE_K ? unshare_files(t) : 0;
	if (err)
		return err;
	for (; fd <= last && fd < t->files->max_fds; fd++) {
		if (!(flags & CLOSE_RANGE_CLOEXEC_K))
			fd_close(t->files, fd);
		else if (fget(t->files, fd))
			fd_set_cloexec(t->files, fd, true);
	}
	return 0;
}

long dup_above(struct task_struct *t, u64 fd, u32 min, bool cloexec)
{
	struct file *f = fdget_raw(t, fd);
	int ret;

	if (!f)
		return -EBADF;
	ret = fd_install(t->files, f, min, nofile_limit(t), cloexec);
	if (ret < 0)
		fput(f);
	return ret;
}

static long dup_to(struct task_struct *t, u64 fd, u32 to, bool cloexec)
{
	struct file *f;
	int ret;

	if (to >= nofile_limit(t))
		return -EBADF;
	f = fdget_raw(t, fd);
	if (!f)
		return -EBADF;
	ret = fd_install_at(t->files, f, to, cloexec);
	if (ret < 0)
		fput(f);
	return ret < 0 ? ret : (long)to;
}

/* dup(2). -EBADF, -EMFILE. */
long sys_dup(struct task_struct *t, const struct sysargs *a)
{
	return dup_above(t, a->arg[0], 0, false);
}

/* dup2(2). -EBADF. The same number twice is no error. */
long sys_dup2(struct task_struct *t, const struct sysargs *a)
{
	if ((u32)a->arg[0] == (u32)a->arg[1])
		return fget(t->files, a->arg[0]) ? (long)(u32)a->arg[0] : -EBADF;
	return dup_to(t, a->arg[0], a->arg[1], false);
}

/* dup3(2). -EBADF; -EINVAL: flags, the same number twice. */
long sys_dup3(struct task_struct *t, const struct sysargs *a)
{
	int flags = a->arg[2];

	if ((flags & ~O_CLOEXEC) || (u32)a->arg[0] == (u32)a->arg[1])
		return -EINVAL;
	return dup_to(t, a->arg[0], a->arg[1], flags & O_CLOEXEC);
}

/* --- position and size ------------------------------------------------------------------------ */

static long seek(struct task_struct *t, u64 fd, s64 off, u64 whence)
{
	struct file *f = fdget(t, fd);
	long ret;

	if (!f)
		return -EBADF;
	if ((u32)whence > SEEK_HOLE)
		ret = -EINVAL;
	else if (!(f->f_mode & FMODE_LSEEK) || !f->f_op->llseek)
		ret = -ESPIPE;
	else
		ret = f->f_op->llseek(f, off, (int)whence);
	fput(f);
	return ret;
}

/* lseek(2). -EBADF, -EINVAL, -ESPIPE; -ENXIO: SEEK_DATA, SEEK_HOLE. */
long sys_lseek(struct task_struct *t, const struct sysargs *a)
{
	return seek(t, a->arg[0], a->arg[1], a->arg[2]);
}

/* i386's lseek(2): the offset has 32 bits. */
long sys_lseek32(struct task_struct *t, const struct sysargs *a)
{
	return seek(t, a->arg[0], (s32)a->arg[1], a->arg[2]);
}

static long do_ftruncate(struct task_struct *t, u64 fd, s64 size)
{
	struct file *f;
	long ret = -EINVAL;

	if (size < 0)
		return -EINVAL;
	f = fdget(t, fd);
	if (!f)
		return -EBADF;
	if ((f->f_mode & FMODE_WRITE) && f->f_op->ftruncate) {
		ret = -EFBIG;
		if ((u64)size > rlimit(t, RLIMIT_FSIZE))
			send_sig_info(SIGXFSZ, &(struct k_siginfo){.si_signo = SIGXFSZ}, t);
		else
			ret = f->f_op->ftruncate(f, size);
		if (!ret)
			fsnotify_file(f, IN_MODIFY);
	}
	fput(f);
	return ret;
}

/* ftruncate(2). -EBADF; -EINVAL: negative, not open for writing, no size; -EFBIG: the limit, with
 * SIGXFSZ; -EPERM: sealed. */
long sys_ftruncate(struct task_struct *t, const struct sysargs *a)
{
	return do_ftruncate(t, a->arg[0], a->arg[1]);
}

/* i386's ftruncate(2): the size has 32 bits. */
long sys_ftruncate32(struct task_struct *t, const struct sysargs *a)
{
	return do_ftruncate(t, a->arg[0], (s32)a->arg[1]);
}

/* fallocate(2). -EBADF, -EINVAL, -ESPIPE, -ENODEV, -EFBIG, -EOPNOTSUPP; what the file says. */
long sys_fallocate(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	s64 off = a->arg[2], len = a->arg[3];
	struct stat st;
	long ret;

	if (!f)
		return -EBADF;
	if (off < 0 || len <= 0)
		ret = -EINVAL;
	else if (!(f->f_mode & FMODE_WRITE))
		ret = -EBADF;
	else if (file_stat(f, &st) || S_ISFIFO(st.st_mode))
		ret = -ESPIPE;
	else if (!S_ISREG(st.st_mode))
		ret = -ENODEV;
	else if (off + len < 0 || off > INT64_MAX - len)
		ret = -EFBIG;
	else
		ret = f->f_op->fallocate ? f->f_op->fallocate(f, a->arg[1], off, len) : -EOPNOTSUPP;
	if (!ret)
		fsnotify_file(f, IN_MODIFY);
	fput(f);
	return ret;
}

static long do_fsync(struct task_struct *t, u64 fd, bool datasync)
{
	struct file *f = fdget(t, fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = f->f_op->fsync ? f->f_op->fsync(f, datasync) : -EINVAL;
	fput(f);
	return ret;
}

/* fsync(2). -EBADF; -EINVAL: nothing to be made durable; -EIO. */
long sys_fsync(struct task_struct *t, const struct sysargs *a)
{
	return do_fsync(t, a->arg[0], false);
}

/* fdatasync(2). As fsync(2). */
long sys_fdatasync(struct task_struct *t, const struct sysargs *a)
{
	return do_fsync(t, a->arg[0], true);
}

/* sync(2). Always 0; nothing of the host's own is asked to be durable. */
long sys_sync(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	sync_mappings(&t->machine->mem);
	return 0;
}

/* syncfs(2). -EBADF, -EIO. */
long sys_syncfs(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);

	if (!f)
		return -EBADF;
	fput(f);
	return sync_mappings(&t->machine->mem);
}

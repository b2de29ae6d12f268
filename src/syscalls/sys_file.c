/* Open files by number: open, close, dup, fcntl, seek and what acts on a whole file. */
#include "fs/open.h"
#include "proc/fork.h"
#include "syscalls/internal.h"
#include "syscalls/user_path.h"

#define K_O_LARGEFILE 0100000
#define K_O_TMPFILE 020000000 /* __O_TMPFILE: without O_DIRECTORY */
#define VALID_OPEN_FLAGS                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_DSYNC | O_ASYNC | O_DIRECT | K_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |     \
	 O_CLOEXEC | O_PATH | K_O_TMPFILE)
#define O_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

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

/* build_open_how() and build_open_flags(): what open(2) and openat(2) let through. With O_PATH most flags are
 * not even looked at. */
static int check_open_flags(int *flags)
{
	int acc = *flags & O_ACCMODE;

	if (*flags & O_PATH)
		*flags &= O_PATH_FLAGS;
	if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (*flags & K_O_TMPFILE) {
		if (!(*flags & O_DIRECTORY) || acc == O_RDONLY)
			return -EINVAL;
	}
	return 0;
}

static long open_at(struct task_struct *t, int dfd, gva_t name, int flags, u32 mode)
{
	struct user_path up;
	struct file *f;
	int err;

	err = check_open_flags(&flags);
	if (!err)
		err = user_path_get(t, dfd, name, 0, &up);
	if (err)
		return err;
	err = fd_available(t);
	if (err) {
		user_path_put(t, &up);
		return err;
	}
	f = do_filp_open(t->fs, up.at, up.name, flags,
			 flags & (O_CREAT | K_O_TMPFILE) ? mode & 07777 : 0);
	user_path_put(t, &up);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & O_CLOEXEC);
}

/* A 64-bit program's files may always be large, and F_GETFL says so. */
static int open_flags(const struct task_struct *t, u64 flags)
{
	return ((int)flags & VALID_OPEN_FLAGS) | (t->compat_call ? 0 : K_O_LARGEFILE);
}

/* open(2). A path's errors and all of do_filp_open()'s; -EINVAL: flags; -EMFILE, before anything is
 * made. */
long sys_open(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, AT_FDCWD, a->arg[0], open_flags(t, a->arg[1]), a->arg[2]);
}

/* creat(2). As open(2). */
long sys_creat(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, AT_FDCWD, a->arg[0], open_flags(t, O_CREAT | O_WRONLY | O_TRUNC),
		       a->arg[1]);
}

/* openat(2). As open(2). */
long sys_openat(struct task_struct *t, const struct sysargs *a)
{
	return open_at(t, a->arg[0], a->arg[1], open_flags(t, a->arg[2]), a->arg[3]);
}

/* openat2(2): unlike openat, it refuses what it does not know: -EINVAL; -E2BIG: fields that are not known. */
long sys_openat2(struct task_struct *t, const struct sysargs *a)
{
	struct {
		u64 flags, mode, resolve;
	} how;
	int err;

	if (a->arg[3] < sizeof(how))
		return -EINVAL;
	if (a->arg[3] > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(t->mm, &how, sizeof(how), a->arg[2], a->arg[3]);
	if (err)
		return err;
	if ((how.flags & ~(u64)VALID_OPEN_FLAGS) || how.resolve || (how.mode & ~07777UL))
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | K_O_TMPFILE)))
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(u64)O_PATH_FLAGS))
		return -EINVAL;
	return open_at(t, a->arg[0], a->arg[1], (int)how.flags | K_O_LARGEFILE, how.mode);
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

/* fcntl(2) and flock(2). */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <sys/file.h>

#include "fs/fasync.h"
#include "fs/lease.h"
#include "fs/locks.h"
#include "fs/memfd.h"
#include "fs/pipe.h"
#include "fs/shmemfs.h"

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

#define K_F_SETOWN_EX 15
#define K_F_GETOWN_EX 16
#define K_F_OFD_GETLK 36
#define K_F_OFD_SETLK 37
#define K_F_OFD_SETLKW 38
#define K_F_DUPFD_QUERY 1027

static bool file_is_fifo(struct file *f)
{
	struct stat st;

	return !file_stat(f, &st) && S_ISFIFO(st.st_mode);
}

/* O_ASYNC alone, for what can send signals; of a terminal it is a flag only. */
static int setfl_async(struct file *f, u64 fd, int flags)
{
	if (!((flags ^ (int)f->f_flags) & O_ASYNC))
		return 0;
	return fasync_set(f, (int)fd, flags & O_ASYNC);
}

long fcntl_setfl(struct file *f, u64 fd, u64 arg)
{
	int flags = ((int)arg & SETFL_MASK) | (f->f_flags & ~SETFL_MASK), err;

	/* For a pipe it means packets. */
	if ((flags & O_DIRECT) && !file_is_fifo(f) && !file_can_direct(f))
		return -EINVAL;
	if (f->f_op->setfl) {
		err = f->f_op->setfl(f, flags);
		if (err)
			return err;
	}
	if (!file_has_fasync(f) && (!f->f_path.dentry || !S_ISCHR(f->f_path.dentry->mode)))
		flags &= ~O_ASYNC;
	err = setfl_async(f, fd, flags);
	if (err)
		return err;
	f->f_flags = flags;
	return 0;
}

/* --- record locks ---------------------------------------------------------------------------- */

/* Where a lock begins and ends: 0, -EINVAL, -EOVERFLOW. flock_to_posix_lock() */
static int lock_range(struct file *f, const struct flock *fl, struct file_lock *want)
{
	s64 start = fl->l_start, base = 0, end = LOCK_END;
	struct stat st;

	if (fl->l_whence == SEEK_CUR) {
		base = f->f_pos;
	} else if (fl->l_whence == SEEK_END) {
		if (file_stat(f, &st))
			return -EINVAL;
		base = st.st_size;
	} else if (fl->l_whence != SEEK_SET) {
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (fl->l_len > 0) {
		if (__builtin_add_overflow(start, fl->l_len - 1, &end))
			return -EOVERFLOW;
	} else if (fl->l_len < 0) {
		if (start + fl->l_len < 0)
			return -EINVAL;
		end = start - 1;
		start += fl->l_len;
	}
	want->start = start;
	want->end = end;
	return 0;
}

static long getlk(struct task_struct *t, struct file *f, gva_t arg, struct flock *fl,
		  struct file_lock *want)
{
	posix_test_lock(f, want);
	fl->l_type = want->type;
	if (want->type != F_UNLCK) {
		fl->l_whence = SEEK_SET;
		fl->l_start = want->start;
		fl->l_len = want->end == LOCK_END ? 0 : want->end - want->start + 1;
		fl->l_pid = want->pid;
	}
	return put_user(t->mm, *fl, arg);
}

static long fcntl_lock(struct task_struct *t, struct file *f, u32 cmd, gva_t arg)
{
	bool ofd = cmd >= K_F_OFD_GETLK, get = cmd == F_GETLK || cmd == K_F_OFD_GETLK;
	struct file_lock want = {.file = f, .owner = t->files, .pid = t->tgid};
	struct flock fl;
	int err;

	if (get_user(t->mm, fl, arg))
		return -EFAULT;
	if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && (get || fl.l_type != F_UNLCK))
		return -EINVAL;
	if (ofd && fl.l_pid)
		return -EINVAL;
	want.type = fl.l_type;
	err = lock_range(f, &fl, &want);
	if (err)
		return err;
	if (ofd) {
		want.owner = f;
		want.pid = -1;
		want.kind = LOCK_OFD;
	}
	if (get)
		return getlk(t, f, arg, &fl, &want);
	if ((fl.l_type == F_RDLCK && !(f->f_mode & FMODE_READ)) ||
	    (fl.l_type == F_WRLCK && !(f->f_mode & FMODE_WRITE)))
		return -EBADF;
	return posix_lock_file(f, &want, cmd == F_SETLKW || cmd == K_F_OFD_SETLKW);
}

/* --- leases ---------------------------------------------------------------------------------- */

/* Who hears of a break unless F_SETOWN says otherwise is who asked. See: Linux, lease_setup(). */
static long fcntl_setlease(struct task_struct *t, struct file *f, u32 fd, int type)
{
	struct stat st;
	long err;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	err = file_stat(f, &st);
	if (err)
		return -EINVAL;
	if (st.st_uid != t->fsuid && !capable(t, CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (type != F_UNLCK && !file_owner(f))
		return -ENOMEM;
	err = lease_set(f, (short)type, t->tgid);
	if (err || type == F_UNLCK)
		return err;
	f->f_owner->fd = (int)fd;
	return f->f_owner->pid ? 0 : fcntl_owner(t, f, F_SETOWN, t->tgid);
}

/* --- fcntl ----------------------------------------------------------------------------------- */

static long fcntl_pipe(struct task_struct *t, struct file *f, u32 cmd, u32 arg)
{
	struct pipe_inode_info *pipe = get_pipe_info(f);

	if (!pipe)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return pipe_get_size(pipe);
	return pipe_set_size(pipe, arg, capable(t, CAP_SYS_RESOURCE));
}

/* What an O_PATH descriptor can do, too. */
static long fcntl_number(struct task_struct *t, struct file *f, u32 fd, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= nofile_limit(t))
			return -EINVAL;
		return dup_above(t, fd, arg, cmd == F_DUPFD_CLOEXEC);
	case K_F_DUPFD_QUERY:
		return fget(t->files, (int)arg) ? fget(t->files, (int)arg) == f : -EBADF;
	case F_GETFD:
		return fd_cloexec(t->files, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(t->files, fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->f_flags;
	}
	return -ENOTTY;
}

static long do_fcntl(struct task_struct *t, struct file *f, u32 fd, u32 cmd, u64 arg)
{
	long ret = fcntl_number(t, f, fd, cmd, arg);

	if (ret != -ENOTTY)
		return ret;
	if (f->f_mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return fcntl_setfl(f, fd, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case K_F_OFD_GETLK:
	case K_F_OFD_SETLK:
	case K_F_OFD_SETLKW:
		return fcntl_lock(t, f, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return fcntl_pipe(t, f, cmd, arg);
	case F_SETOWN:
	case F_GETOWN:
	case K_F_SETOWN_EX:
	case K_F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return fcntl_owner(t, f, cmd, arg);
	case F_SETLEASE:
		return fcntl_setlease(t, f, fd, (int)arg);
	case F_GETLEASE:
		return lease_get(f);
	case F_ADD_SEALS:
		return memfd_add_seals(f, arg);
	case F_GET_SEALS:
		return memfd_get_seals(f);
	default:
		return -EINVAL;
	}
}

/* fcntl(2). -EBADF, O_PATH too but for what is about the number; -EINVAL; what the command says. */
long sys_fcntl(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget_raw(t, a->arg[0]);
	long ret;

	if (!f)
		return -EBADF;
	ret = do_fcntl(t, f, a->arg[0], a->arg[1], a->arg[2]);
	fput(f);
	return ret;
}

/* --- flock ----------------------------------------------------------------------------------- */

/* flock(2). -EINVAL, -EBADF, -EAGAIN (LOCK_NB), -ENOMEM. Sleeps: -ERESTARTSYS. */
long sys_flock(struct task_struct *t, const struct sysargs *a)
{
	u32 op = a->arg[1] & ~LOCK_NB;
	short type = (short)(op == LOCK_SH ? F_RDLCK : op == LOCK_EX ? F_WRLCK : F_UNLCK);
	struct file *f;
	long ret;

	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	if (type != F_UNLCK && !(f->f_mode & (FMODE_READ | FMODE_WRITE)))
		ret = -EBADF;
	else
		ret = flock_lock_file(f, t->tgid, type, !(a->arg[1] & LOCK_NB));
	fput(f);
	return ret;
}

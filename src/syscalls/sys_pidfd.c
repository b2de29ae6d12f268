/* pidfd_open(2), pidfd_getfd(2). Signals through a pidfd are sys_signal.c's, waiting sys_process.c's. */
#include "proc/pidfd.h"

#include "syscalls/internal.h"

struct task_struct *pidfd_get_task(struct task_struct *t, s32 fd)
{
	struct task_struct *p;
	struct file *f;
	struct pid *pid;

	if (fd == PIDFD_SELF_THREAD_K || fd == PIDFD_SELF_THREAD_GROUP_K)
		return t;
	f = fdget(t, fd);
	if (!f)
		return ERR_PTR(-EBADF);
	pid = pidfd_pid(f);
	p = pid ? pid->task ? pid->task : ERR_PTR(-ESRCH) : ERR_PTR(-EBADF);
	fput(f);
	return p;
}

/* pidfd_open(2). -EINVAL: flags, no pid; -ESRCH; -ENOENT: a thread that leads no group. */
long sys_pidfd_open(struct task_struct *t, const struct sysargs *a)
{
	s32 nr = a->arg[0];
	u32 flags = a->arg[1];
	struct task_struct *p;
	struct file *f;

	if ((flags & ~(PIDFD_NONBLOCK_K | PIDFD_THREAD_K)) || nr <= 0)
		return -EINVAL;
	p = find_task_by_pid(t->machine, nr);
	if (!p)
		return -ESRCH;
	/* A thread that leads no group has a pidfd only by that flag. */
	if (!(flags & PIDFD_THREAD_K) && p->pid != p->tgid)
		return -ENOENT;
	f = pidfd_create(p, flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, true);
}

/* pidfd_getfd(2): one more number, here, for what a number is to another process. -EINVAL: flags; -EBADF,
 * -ESRCH, -EPERM, -EMFILE. */
long sys_pidfd_getfd(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p;
	struct file *f;

	if ((u32)a->arg[2])
		return -EINVAL;
	if ((s32)a->arg[0] < 0) /* nor PIDFD_SELF */
		return -EBADF;
	p = pidfd_get_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (ptrace_may_access(t, p, PTRACE_MODE_ATTACH))
		return -EPERM;
	if (!p->files)
		return -ESRCH;
	f = (s32)a->arg[1] < 0 ? NULL : fget(p->files, a->arg[1]);
	if (!f)
		return -EBADF;
	get_file(f);
	return fd_install_one(t, f, true);
}

/* signalfd(2), signalfd4(2). The file is proc/signalfd.c's. */
#include "syscalls/internal.h"

#include "proc/signalfd.h"

#define SFD_FLAGS (O_CLOEXEC | O_NONBLOCK)

static long change_signalfd(struct task_struct *t, s32 fd, sigset_k set)
{
	struct file *f = fdget(t, fd);
	int err;

	if (!f)
		return -EBADF;
	err = signalfd_change(f, set);
	fput(f);
	return err ? err : fd;
}

static long do_signalfd(struct task_struct *t, const struct sysargs *a, u32 flags)
{
	struct file *f;
	sigset_k set;

	if (a->arg[2] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(t->mm, set, a->arg[1]))
		return -EFAULT;
	if (flags & ~SFD_FLAGS)
		return -EINVAL;
	if ((s32)a->arg[0] != -1)
		return change_signalfd(t, a->arg[0], set);
	f = signalfd_create(t->machine, set, flags & O_NONBLOCK);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & O_CLOEXEC);
}

/* signalfd(2). -EINVAL: the mask's size, a descriptor of another kind; -EBADF, -EMFILE. */
long sys_signalfd(struct task_struct *t, const struct sysargs *a)
{
	return do_signalfd(t, a, 0);
}

/* signalfd4(2). The same; -EINVAL: flags, too. */
long sys_signalfd4(struct task_struct *t, const struct sysargs *a)
{
	return do_signalfd(t, a, a->arg[3]);
}

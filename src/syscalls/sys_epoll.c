/* epoll_create(2), epoll_ctl(2), epoll_wait(2) and their kin; eventfd(2). What they do is fs/eventpoll.c's and
 * fs/eventfd.c's. */
#include "syscalls/internal.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "fs/eventfd.h"
#include "fs/eventpoll.h"

#define EFD_FLAGS (EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)

static long do_epoll_create(struct task_struct *t, int flags)
{
	struct file *f;
	int err = fd_available(t);

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	if (err)
		return err;
	f = eventpoll_create(&t->machine->vfs);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & EPOLL_CLOEXEC);
}

/* epoll_create(2). -EINVAL: a size of 0 or less, which else means nothing; -EMFILE, -ENFILE. */
long sys_epoll_create(struct task_struct *t, const struct sysargs *a)
{
	return (s32)a->arg[0] <= 0 ? -EINVAL : do_epoll_create(t, 0);
}

/* epoll_create1(2). -EINVAL: flags; -EMFILE, -ENFILE. */
long sys_epoll_create1(struct task_struct *t, const struct sysargs *a)
{
	return do_epoll_create(t, (int)a->arg[0]);
}

/* epoll_ctl(2). -EBADF; eventpoll_ctl()'s. The event is read first, whatever else is wrong. */
long sys_epoll_ctl(struct task_struct *t, const struct sysargs *a)
{
	bool has_event = (s32)a->arg[1] != EPOLL_CTL_DEL;
	struct epoll_event event;
	struct file *f, *target;
	long ret = -EBADF;

	if (has_event && get_user(t->mm, event, a->arg[3]))
		return -EFAULT;
	f = fdget(t, a->arg[0]);
	target = fdget(t, a->arg[2]);
	if (f && target)
		ret = eventpoll_ctl(f, (int)a->arg[1], target, (int)a->arg[2],
				    has_event ? &event : NULL);
	if (target)
		fput(target);
	if (f)
		fput(f);
	return ret;
}

static long do_epoll_wait(struct task_struct *t, const struct sysargs *a, u64 deadline_ns)
{
	int max = (s32)a->arg[2];
	struct file *f = fdget(t, a->arg[0]);
	long ret = -EINVAL;

	if (!f)
		return -EBADF;
	if (max > 0 && max <= EP_MAX_EVENTS) {
		if (!access_ok(a->arg[1], max * sizeof(struct epoll_event)))
			ret = -EFAULT;
		else if (eventpoll_get(f))
			ret = eventpoll_wait(eventpoll_get(f), t->mm, a->arg[1], max, deadline_ns);
	}
	fput(f);
	return ret;
}

static u64 ms_deadline(struct task_struct *t, int ms)
{
	if (ms < 0)
		return WAIT_FOREVER;
	return ms ? machine_now_ns(t->machine) + ms * NSEC_PER_MSEC : 0;
}

/* epoll_wait(2). How many. -EBADF; -EINVAL: no epoll, a bad maximum; a signal ends it always: -EINTR. May sleep. */
long sys_epoll_wait(struct task_struct *t, const struct sysargs *a)
{
	return do_epoll_wait(t, a, ms_deadline(t, (int)a->arg[3]));
}

static long epoll_wait_masked(struct task_struct *t, const struct sysargs *a, u64 deadline_ns)
{
	long ret = set_user_sigmask(t, a->arg[4], a->arg[5]);

	if (ret)
		return ret;
	ret = do_epoll_wait(t, a, deadline_ns);
	restore_user_sigmask(t, ret == -EINTR);
	return ret;
}

/* epoll_pwait(2). As epoll_wait(2); -EINVAL: the mask's size. */
long sys_epoll_pwait(struct task_struct *t, const struct sysargs *a)
{
	return epoll_wait_masked(t, a, ms_deadline(t, (int)a->arg[3]));
}

/* epoll_pwait2(2). As epoll_pwait(2), with a time in nanoseconds; -EINVAL: that. */
long sys_epoll_pwait2(struct task_struct *t, const struct sysargs *a)
{
	u64 deadline = WAIT_FOREVER;
	struct timespec ts;

	if (a->arg[3]) {
		if (get_user(t->mm, ts, a->arg[3]))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = timeout_deadline(t, &ts);
	}
	return epoll_wait_masked(t, a, deadline);
}

/* --- eventfd ------------------------------------------------------------------------------------- */

static long do_eventfd(struct task_struct *t, u32 count, int flags)
{
	struct file *f;
	int err;

	if (flags & ~EFD_FLAGS)
		return -EINVAL;
	err = fd_available(t);
	if (err)
		return err;
	f = eventfd_create(&t->machine->vfs, count, flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & EFD_CLOEXEC);
}

/* eventfd(2) without flags. -EMFILE, -ENFILE. */
long sys_eventfd(struct task_struct *t, const struct sysargs *a)
{
	return do_eventfd(t, a->arg[0], 0);
}

/* eventfd2(2). -EINVAL: flags; -EMFILE, -ENFILE. */
long sys_eventfd2(struct task_struct *t, const struct sysargs *a)
{
	return do_eventfd(t, a->arg[0], (int)a->arg[1]);
}

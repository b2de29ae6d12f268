/* timerfd_create(2), timerfd_settime(2), timerfd_gettime(2). The timers are fs/timerfd.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <sys/timerfd.h>

#include "fs/timerfd.h"

#define K_TFD_CANCEL_ON_SET 2
#define TFD_CREATE_FLAGS (TFD_CLOEXEC | TFD_NONBLOCK)
#define TFD_SETTIME_FLAGS (TFD_TIMER_ABSTIME | K_TFD_CANCEL_ON_SET)

/* Clocks that would wake a machine from its sleep are for whoever may do that. */
static bool may_alarm(struct task_struct *t, int clk)
{
	return (clk != CLOCK_REALTIME_ALARM && clk != CLOCK_BOOTTIME_ALARM) ||
	       capable(t, CAP_WAKE_ALARM);
}

static bool has_timerfd(int clk)
{
	return clk == CLOCK_MONOTONIC || clk == CLOCK_REALTIME || clk == CLOCK_REALTIME_ALARM ||
	       clk == CLOCK_BOOTTIME || clk == CLOCK_BOOTTIME_ALARM;
}

/* timerfd_create(2). -EINVAL: flags, the clock; -EPERM: one that wakes the machine; -EMFILE, -ENFILE. */
long sys_timerfd_create(struct task_struct *t, const struct sysargs *a)
{
	int clk = (s32)a->arg[0], flags = (s32)a->arg[1], err;
	struct file *f;

	if ((flags & ~TFD_CREATE_FLAGS) || !has_timerfd(clk))
		return -EINVAL;
	if (!may_alarm(t, clk))
		return -EPERM;
	err = fd_available(t);
	if (err)
		return err;
	f = timerfd_create_file(&t->machine->vfs, clk, flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & TFD_CLOEXEC);
}

static struct itimerspec to_itimerspec(const struct timerfd_spec *spec)
{
	struct itimerspec its = {
		.it_value = {spec->value_ns / NSEC_PER_SEC, spec->value_ns % NSEC_PER_SEC},
		.it_interval = {spec->interval_ns / NSEC_PER_SEC, spec->interval_ns % NSEC_PER_SEC},
	};

	return its;
}

/* When the machine's clock shows that; never 0, which would be off. */
static u64 expiry(struct task_struct *t, int clk, const struct timespec *ts, bool absolute)
{
	u64 at;

	clk = clk == CLOCK_REALTIME_ALARM   ? CLOCK_REALTIME
	      : clk == CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME
					    : clk;
	if (!timespec_ns(ts))
		return 0;
	at = absolute ? deadline_at(t, clk, ts) : deadline_after(t, ts);
	return at ? at : 1;
}

/* timerfd_settime(2). -EBADF; -EINVAL: flags, times, no timer; -EPERM, -EFAULT. */
long sys_timerfd_settime(struct task_struct *t, const struct sysargs *a)
{
	int flags = (s32)a->arg[1];
	struct timerfd_spec old;
	struct timerfd_ctx *ctx;
	struct itimerspec its;
	struct file *f;
	long ret = -EINVAL;

	if (get_user(t->mm, its, a->arg[2]))
		return -EFAULT;
	if ((flags & ~TFD_SETTIME_FLAGS) || !timespec_valid(&its.it_value) ||
	    !timespec_valid(&its.it_interval))
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	ctx = timerfd_get(f);
	if (ctx) {
		ret = -EPERM;
		if (may_alarm(t, timerfd_clock(ctx))) {
			timerfd_set(ctx, flags,
				    expiry(t, timerfd_clock(ctx), &its.it_value,
					   flags & TFD_TIMER_ABSTIME),
				    timespec_ns(&its.it_interval), &old);
			ret = 0;
		}
	}
	fput(f);
	if (!ret && a->arg[3]) {
		its = to_itimerspec(&old);
		ret = put_user(t->mm, its, a->arg[3]);
	}
	return ret;
}

/* timerfd_gettime(2). -EBADF; -EINVAL: no timer. */
long sys_timerfd_gettime(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	struct timerfd_spec cur;
	struct itimerspec its;

	if (!f)
		return -EBADF;
	if (!timerfd_get(f)) {
		fput(f);
		return -EINVAL;
	}
	timerfd_left(timerfd_get(f), &cur);
	fput(f);
	its = to_itimerspec(&cur);
	return put_user(t->mm, its, a->arg[1]);
}

/* POSIX timers: timer_create(2) and its kin. The timers are proc/posix_timer.c's. */
#include "syscalls/internal.h"

#include "proc/posix_timer.h"

/* Stores its number, and makes it whole. The calls do not find it before. */
static long publish(struct task_struct *t, struct k_itimer *tmr, gva_t id)
{
	int err = put_user(t->mm, tmr->id, id);

	if (!err)
		err = posix_timer_commit(t, tmr);
	if (err)
		posix_timer_delete(tmr);
	return err;
}

/* timer_create(2). -EINVAL: no such clock, the sigevent; -EOPNOTSUPP: a clock without timers; -EAGAIN: too many
 * signals are queued or reserved; -EBUSY: with PR_TIMER_CREATE_RESTORE_IDS the number is taken. */
long sys_timer_create(struct task_struct *t, const struct sysargs *a)
{
	struct k_sigevent ev;
	struct k_itimer *tmr;
	s32 id = -1;

	if (a->arg[1] && get_user(t->mm, ev, a->arg[1]))
		return -EFAULT;
	if (t->signal->timer_create_restore_ids) {
		if (get_user(t->mm, id, a->arg[2]))
			return -EFAULT;
		if (id < 0)
			return -EINVAL;
	}
	tmr = posix_timer_create(t, (s32)a->arg[0], a->arg[1] ? &ev : NULL, id);
	return IS_ERR(tmr) ? PTR_ERR(tmr) : publish(t, tmr, a->arg[2]);
}

static struct itimerspec to_itimerspec(const struct itimer_ns *it)
{
	return (struct itimerspec){
		.it_interval = {it->interval_ns / NSEC_PER_SEC, it->interval_ns % NSEC_PER_SEC},
		.it_value = {it->value_ns / NSEC_PER_SEC, it->value_ns % NSEC_PER_SEC},
	};
}

/* timer_settime(2). -EINVAL: no such timer, the times; -ESRCH: whose CPU clock it is on has gone. */
long sys_timer_settime(struct task_struct *t, const struct sysargs *a)
{
	struct itimer_ns new, old;
	struct itimerspec its;
	struct k_itimer *tmr;
	int err;

	if (!a->arg[2])
		return -EINVAL;
	if (get_user(t->mm, its, a->arg[2]))
		return -EFAULT;
	if (!timespec_valid(&its.it_interval) || !timespec_valid(&its.it_value))
		return -EINVAL;
	tmr = posix_timer_find(t, a->arg[0]);
	if (!tmr)
		return -EINVAL;
	new = (struct itimer_ns){timespec_ns(&its.it_value), timespec_ns(&its.it_interval)};
	err = posix_timer_set(tmr, (int)a->arg[1], &new, a->arg[3] ? &old : NULL);
	if (err || !a->arg[3])
		return err;
	its = to_itimerspec(&old);
	return put_user(t->mm, its, a->arg[3]);
}

/* timer_gettime(2). -EINVAL: no such timer. */
long sys_timer_gettime(struct task_struct *t, const struct sysargs *a)
{
	struct k_itimer *tmr = posix_timer_find(t, a->arg[0]);
	struct itimerspec its;
	struct itimer_ns it;

	if (!tmr)
		return -EINVAL;
	posix_timer_get(tmr, &it);
	its = to_itimerspec(&it);
	return put_user(t->mm, its, a->arg[1]);
}

/* timer_getoverrun(2). -EINVAL: no such timer. */
long sys_timer_getoverrun(struct task_struct *t, const struct sysargs *a)
{
	struct k_itimer *tmr = posix_timer_find(t, a->arg[0]);

	return tmr ? posix_timer_overrun(tmr) : -EINVAL;
}

/* timer_delete(2). -EINVAL: no such timer. */
long sys_timer_delete(struct task_struct *t, const struct sysargs *a)
{
	struct k_itimer *tmr = posix_timer_find(t, a->arg[0]);

	if (!tmr)
		return -EINVAL;
	posix_timer_delete(tmr);
	return 0;
}

/* Who runs how: policies, priorities, affinity, nice values, I/O priorities. All of it is checked, kept and
 * shown as Linux does; what policies, priorities and nice values do is proc/sched.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define CPUMASK_BYTES 8UL /* sizeof(cpumask_t): NR_CPUS is 64 */
#define MAX_RT_PRIO 100
#define NICE_MIN (-20)
#define NICE_MAX 19
#define RR_TIMESLICE_NS (100 * NSEC_PER_MSEC)
#define SLICE_MIN_NS 100000UL /* what a task may ask for */
#define SLICE_MAX_NS (100 * NSEC_PER_MSEC)
#define SCHED_DEADLINE_K 6
#define SETPARAM_POLICY (-1) /* keep the policy, and its flag */

/* struct sched_attr of <linux/sched/types.h>, which does not go with libc's <sched.h>. */
struct sched_attr_k {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period; /* ns */
	u32 util_min, util_max;
};

#define SCHED_ATTR_SIZE_VER0 48U
#define SCHED_FLAG_RESET_ON_FORK_K 0x01UL
#define SCHED_FLAG_KEEP_POLICY_K 0x08UL
#define SCHED_FLAG_KEEP_PARAMS_K 0x10UL
#define SCHED_FLAG_ALL_K 0x7fUL
#define SCHED_FLAG_UTIL_CLAMP_K 0x60UL

/* sched_yield(2). Others run first. */
long sys_sched_yield(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	sched_yield_current(t->machine);
	return 0;
}

/* The task that a scheduling call is about, 0: the caller. ERR_PTR(-EINVAL, -ESRCH). */
static struct task_struct *sched_task(struct task_struct *t, u64 pid)
{
	struct task_struct *p;

	if ((s32)pid < 0)
		return ERR_PTR(-EINVAL);
	p = (s32)pid ? find_task_by_pid(t->machine, (s32)pid) : t;
	return p ? p : ERR_PTR(-ESRCH);
}

/* sched_getaffinity(2). Bytes of the mask. -EINVAL: a length that is no multiple of 8; -ESRCH. */
long sys_sched_getaffinity(struct task_struct *t, const struct sysargs *a)
{
	u32 len = a->arg[1];
	u64 mask = 1;
	struct task_struct *p;

	if (!len || (len & 7))
		return -EINVAL;
	p = (s32)a->arg[0] ? find_task_by_pid(t->machine, (s32)a->arg[0]) : t;
	if (!p)
		return -ESRCH;
	len = min((u64)len, CPUMASK_BYTES);
	return copy_to_user(t->mm, a->arg[2], &mask, len) ? -EFAULT : (long)len;
}

/* check_same_owner() */
static bool same_owner(const struct task_struct *t, const struct task_struct *p)
{
	return t->euid == p->euid || t->euid == p->uid;
}

/* sched_setaffinity(2). -ESRCH; -EPERM: another's task; -EINVAL: not the one CPU. */
long sys_sched_setaffinity(struct task_struct *t, const struct sysargs *a)
{
	u64 mask = 0, len = min(a->arg[1] & 0xffffffff, CPUMASK_BYTES);
	struct task_struct *p;

	if (copy_from_user(t->mm, &mask, a->arg[2], len))
		return -EFAULT;
	p = (s32)a->arg[0] ? find_task_by_pid(t->machine, (s32)a->arg[0]) : t;
	if (!p)
		return -ESRCH;
	if (!same_owner(t, p) && !capable(t, CAP_SYS_NICE))
		return -EPERM;
	return mask & 1 ? 0 : -EINVAL;
}

/* --- policies: reading -------------------------------------------------------------------------- */

/* sched_getscheduler(2). The policy, perhaps with SCHED_RESET_ON_FORK. -EINVAL: negative; -ESRCH. */
long sys_sched_getscheduler(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p = sched_task(t, a->arg[0]);

	if (IS_ERR(p))
		return PTR_ERR(p);
	return p->policy | (p->sched_reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

/* sched_getparam(2). -EINVAL, -ESRCH. */
long sys_sched_getparam(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p;

	if (!a->arg[1])
		return -EINVAL;
	p = sched_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	return put_user(t->mm, p->rt_priority, a->arg[1]);
}

/* get_params(): what counts for its policy. */
static void get_params(const struct task_struct *p, struct sched_attr_k *attr)
{
	if (p->rt_priority) {
		attr->priority = (u32)p->rt_priority;
	} else {
		attr->nice = p->nice;
		attr->runtime = p->sched_slice_ns ? p->sched_slice_ns : (u64)BASE_SLICE_NS;
	}
}

/* sched_getattr(2). The size that the caller's struct has counts: what the kernel's has not becomes 0.
 * -EINVAL: the size, flags; -ESRCH. */
long sys_sched_getattr(struct task_struct *t, const struct sysargs *a)
{
	u32 size = a->arg[2];
	struct sched_attr_k attr = {0};
	u32 more = size > sizeof(attr) ? size - sizeof(attr) : 0;
	struct task_struct *p;

	if (!a->arg[1] || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || (u32)a->arg[3])
		return -EINVAL;
	p = sched_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	attr.policy = p->policy;
	get_params(p, &attr);
	attr.flags = p->sched_reset_on_fork ? SCHED_FLAG_RESET_ON_FORK_K : 0;
	attr.size = size - more;
	if (more && clear_user(t->mm, a->arg[1] + sizeof(attr), more))
		return -EFAULT;
	return copy_to_user(t->mm, a->arg[1], &attr, attr.size) ? -EFAULT : 0;
}

/* sched_rr_get_interval(2): in jiffies, as Linux counts it. -EINVAL, -ESRCH. */
long sys_sched_rr_get_interval(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p = sched_task(t, a->arg[0]);
	struct timespec ts = {0};
	u64 ns;

	if (IS_ERR(p))
		return PTR_ERR(p);
	ns = p->sched_slice_ns ? p->sched_slice_ns : (u64)BASE_SLICE_NS;
	if (p->policy == SCHED_FIFO)
		ns = 0;
	if (p->policy == SCHED_RR)
		ns = RR_TIMESLICE_NS;
	ts.tv_nsec = (s64)(ns / NSEC_PER_JIFFY * NSEC_PER_JIFFY);
	return put_user(t->mm, ts, a->arg[1]);
}

/* --- policies: setting -------------------------------------------------------------------------- */

static bool rt_policy(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool fair_policy(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

/* is_nice_reduction(): allowed by RLIMIT_NICE? */
static bool nice_allowed(const struct task_struct *p, s32 nice)
{
	return (u64)(20 - nice) <= rlimit(p, RLIMIT_NICE);
}

/* Is it something that needs no CAP_SYS_NICE? user_check_sched_setscheduler() */
static bool needs_nothing(const struct task_struct *t, const struct task_struct *p, int policy,
			  const struct sched_attr_k *attr, bool reset)
{
	u64 limit = rlimit(p, RLIMIT_RTPRIO);

	if (fair_policy(policy) && attr->nice < p->nice && !nice_allowed(p, attr->nice))
		return false;
	if (rt_policy(policy)) {
		if ((u32)policy != p->policy && !limit)
			return false;
		if (attr->priority > (u32)p->rt_priority && attr->priority > limit)
			return false;
	}
	if (policy == SCHED_DEADLINE_K)
		return false;
	if (p->policy == SCHED_IDLE && policy != SCHED_IDLE && !nice_allowed(p, p->nice))
		return false;
	return same_owner(t, p) && (reset || !p->sched_reset_on_fork);
}

/* __checkparam_dl(): at least a microsecond, in this order. */
static bool deadline_valid(const struct sched_attr_k *attr)
{
	u64 period = attr->period ? attr->period : attr->deadline;

	return attr->deadline && attr->runtime >= 1024 && !(attr->deadline >> 63) &&
	       !(period >> 63) && attr->runtime <= attr->deadline && attr->deadline <= period;
}

static bool params_valid(int policy, const struct sched_attr_k *attr)
{
	if (!fair_policy(policy) && !rt_policy(policy) && policy != SCHED_IDLE &&
	    policy != SCHED_DEADLINE_K)
		return false;
	if (attr->flags & ~SCHED_FLAG_ALL_K || attr->priority >= MAX_RT_PRIO)
		return false;
	if (policy == SCHED_DEADLINE_K && !deadline_valid(attr))
		return false;
	return rt_policy(policy) == (attr->priority != 0);
}

static void apply(struct task_struct *p, int policy, const struct sched_attr_k *attr)
{
	bool fair = fair_policy(policy);

	sched_set(p, (u32)policy, (s32)attr->priority, fair ? attr->nice : p->nice);
	if (fair)
		p->sched_slice_ns =
			attr->runtime ? max(SLICE_MIN_NS, min(attr->runtime, SLICE_MAX_NS)) : 0;
}

/* __sched_setscheduler(). @policy: SETPARAM_POLICY keeps it. */
static int set_scheduler(struct task_struct *t, struct task_struct *p, int policy,
			 const struct sched_attr_k *attr)
{
	bool reset = attr->flags & SCHED_FLAG_RESET_ON_FORK_K;

	if (policy == SETPARAM_POLICY) {
		reset = p->sched_reset_on_fork;
		policy = (int)p->policy;
	}
	if (!params_valid(policy, attr))
		return -EINVAL;
	if (!needs_nothing(t, p, policy, attr, reset) && !capable(t, CAP_SYS_NICE))
		return -EPERM;
	if (attr->flags & SCHED_FLAG_UTIL_CLAMP_K)
		return -EOPNOTSUPP; /* no CONFIG_UCLAMP_TASK */
	if (policy == SCHED_DEADLINE_K)
		return -EBUSY; /* there is no time that could be set aside for it */
	p->sched_reset_on_fork = reset;
	apply(p, policy, attr);
	return 0;
}

static long set_param(struct task_struct *t, u64 pid, int policy, gva_t param)
{
	struct sched_attr_k attr = {0};
	struct task_struct *p;
	s32 priority;

	if (!param || (s32)pid < 0)
		return -EINVAL;
	if (get_user(t->mm, priority, param))
		return -EFAULT;
	p = sched_task(t, pid);
	if (IS_ERR(p))
		return PTR_ERR(p);
	attr.priority = (u32)priority;
	attr.nice = p->nice;
	attr.runtime = p->sched_slice_ns;
	if (policy != SETPARAM_POLICY && policy & SCHED_RESET_ON_FORK) {
		attr.flags = SCHED_FLAG_RESET_ON_FORK_K;
		policy &= ~SCHED_RESET_ON_FORK;
	}
	return set_scheduler(t, p, policy, &attr);
}

/* sched_setscheduler(2). -EINVAL, -ESRCH, -EFAULT; -EPERM: another's task, more than the limits allow. */
long sys_sched_setscheduler(struct task_struct *t, const struct sysargs *a)
{
	if ((int)a->arg[1] < 0)
		return -EINVAL;
	return set_param(t, a->arg[0], (int)a->arg[1], a->arg[2]);
}

/* sched_setparam(2). As sched_setscheduler(2). */
long sys_sched_setparam(struct task_struct *t, const struct sysargs *a)
{
	return set_param(t, a->arg[0], SETPARAM_POLICY, a->arg[1]);
}

/* sched_copy_attr(): a longer struct must be 0 behind what is known; -E2BIG tells how long that is. */
static int copy_attr(struct task_struct *t, gva_t from, struct sched_attr_k *attr)
{
	u32 size, known = sizeof(*attr);
	u8 byte;

	memset(attr, 0, sizeof(*attr));
	if (get_user(t->mm, size, from))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		goto too_big;
	for (u32 i = known; i < size; i++) {
		if (get_user(t->mm, byte, from + i))
			return -EFAULT;
		if (byte)
			goto too_big;
	}
	if (copy_from_user(t->mm, attr, from, min(size, known)))
		return -EFAULT;
	if ((attr->flags & SCHED_FLAG_UTIL_CLAMP_K) && size < known)
		return -EINVAL;
	attr->nice = max(NICE_MIN, min(attr->nice, NICE_MAX));
	return 0;
too_big:
	(void)put_user(t->mm, known, from);
	return -E2BIG;
}

/* sched_setattr(2). As sched_setscheduler(2); -E2BIG: the size; -EOPNOTSUPP: utilisation; -EBUSY: a deadline. */
long sys_sched_setattr(struct task_struct *t, const struct sysargs *a)
{
	struct sched_attr_k attr;
	struct task_struct *p;
	int err, policy;

	if (!a->arg[1] || (s32)a->arg[0] < 0 || (u32)a->arg[2])
		return -EINVAL;
	err = copy_attr(t, a->arg[1], &attr);
	if (err)
		return err;
	policy = (int)attr.policy;
	if (policy < 0)
		return -EINVAL;
	if (attr.flags & SCHED_FLAG_KEEP_POLICY_K)
		policy = SETPARAM_POLICY;
	p = sched_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (attr.flags & SCHED_FLAG_KEEP_PARAMS_K)
		get_params(p, &attr);
	return set_scheduler(t, p, policy, &attr);
}

static long priority_bound(int policy, int realtime)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return realtime;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case 6: /* SCHED_DEADLINE */
	case 7: /* SCHED_EXT */
		return 0;
	default:
		return -EINVAL;
	}
}

/* sched_get_priority_max(2). -EINVAL: no such policy. */
long sys_sched_get_priority_max(struct task_struct *t, const struct sysargs *a)
{
	(void)t;
	return priority_bound((int)a->arg[0], 99);
}

/* sched_get_priority_min(2). -EINVAL: no such policy. */
long sys_sched_get_priority_min(struct task_struct *t, const struct sysargs *a)
{
	(void)t;
	return priority_bound((int)a->arg[0], 1);
}

/* --- nice ---------------------------------------------------------------------------------- */

/* Is @p one of those that getpriority(2) means by @which and @who? */
static bool prio_means(const struct task_struct *t, const struct task_struct *p, int which, s32 who)
{
	if (p->kthread)
		return false;
	switch (which) {
	case PRIO_PROCESS:
		return p->pid == (who ? who : t->pid);
	case PRIO_PGRP:
		return p->signal->pgrp == (who ? who : t->signal->pgrp);
	default:
		return p->uid == (who ? (u32)who : t->uid);
	}
}

/* getpriority(2). 20 - nice of the most favoured. -EINVAL, -ESRCH. */
long sys_getpriority(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p;
	long best = -ESRCH;
	int which = a->arg[0];

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	list_for_each_entry (p, &t->machine->tasks, tasks)
		if (prio_means(t, p, which, a->arg[1]))
			best = max(best, 20L - p->nice);
	return best;
}

/* set_one_prio() */
static int set_nice(struct task_struct *t, struct task_struct *p, s32 nice)
{
	if (!same_owner(t, p) && !capable(t, CAP_SYS_NICE))
		return -EPERM;
	if (nice < p->nice && (u64)(20 - nice) > rlimit(p, RLIMIT_NICE) &&
	    !capable(t, CAP_SYS_NICE))
		return -EACCES;
	sched_set(p, p->policy, p->rt_priority, nice);
	return 0;
}

/* setpriority(2). -EINVAL, -ESRCH; -EPERM: not the owner; -EACCES: RLIMIT_NICE. */
long sys_setpriority(struct task_struct *t, const struct sysargs *a)
{
	s32 nice = max(-20, min((s32)a->arg[2], 19));
	struct task_struct *p;
	int which = a->arg[0], err = -ESRCH, one;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	list_for_each_entry (p, &t->machine->tasks, tasks) {
		if (!prio_means(t, p, which, a->arg[1]))
			continue;
		one = set_nice(t, p, nice);
		if (one || err == -ESRCH)
			err = one;
	}
	return err;
}

/* --- I/O priorities: kept and shown -------------------------------------------------------------- */

#define IOPRIO_CLASS_INVALID_K 7

/* ioprio_check_cap() */
static int check_ioprio(const struct task_struct *t, u32 ioprio)
{
	switch (IOPRIO_PRIO_CLASS(ioprio)) {
	case IOPRIO_CLASS_RT:
		return capable(t, CAP_SYS_ADMIN) || capable(t, CAP_SYS_NICE) ? 0 : -EPERM;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return ioprio & 7 ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static bool ioprio_means(const struct task_struct *t, const struct task_struct *p, u32 which,
			 s32 who)
{
	static const int prio_which[] = {PRIO_PROCESS, PRIO_PROCESS, PRIO_PGRP, PRIO_USER};

	return prio_means(t, p, prio_which[which], who);
}

/* ioprio_set(2). -EINVAL, -ESRCH; -EPERM: not the owner, or a class for the privileged. */
long sys_ioprio_set(struct task_struct *t, const struct sysargs *a)
{
	u32 which = a->arg[0], ioprio = a->arg[2];
	struct task_struct *p;
	int err = check_ioprio(t, ioprio);

	if (err)
		return err;
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	err = -ESRCH;
	list_for_each_entry (p, &t->machine->tasks, tasks) {
		if (!ioprio_means(t, p, which, (s32)a->arg[1]))
			continue;
		if (p->uid != t->euid && p->uid != t->uid && !capable(t, CAP_SYS_NICE))
			return -EPERM;
		p->ioprio = (u16)ioprio;
		err = 0;
	}
	return err;
}

/* get_task_ioprio(): of one that was never set, by its nice value and policy. */
static u32 effective_ioprio(const struct task_struct *p)
{
	if (IOPRIO_PRIO_CLASS(p->ioprio) != IOPRIO_CLASS_NONE)
		return p->ioprio;
	if (p->policy == SCHED_IDLE)
		return IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, (p->nice + 20) / 5);
	return IOPRIO_PRIO_VALUE(rt_policy((int)p->policy) ? IOPRIO_CLASS_RT : IOPRIO_CLASS_BE,
				 (p->nice + 20) / 5);
}

/* ioprio_get(2). The priority, of several the highest. -EINVAL, -ESRCH. */
long sys_ioprio_get(struct task_struct *t, const struct sysargs *a)
{
	u32 which = a->arg[0];
	struct task_struct *p;
	long best = -ESRCH;

	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	list_for_each_entry (p, &t->machine->tasks, tasks) {
		if (!ioprio_means(t, p, which, (s32)a->arg[1]))
			continue;
		if (which == IOPRIO_WHO_PROCESS)
			return p->ioprio;
		best = best < 0 ? (long)effective_ioprio(p) : min(best, (long)effective_ioprio(p));
	}
	return best;
}

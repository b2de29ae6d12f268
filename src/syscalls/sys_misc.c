/* The machine as a whole: names, memory totals, randomness; and the scheduler's knobs, of which one
 * CPU and one policy leave little. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/host_proc.h"

#include "proc/utsname.h"

#define CPUMASK_BYTES 8UL /* sizeof(cpumask_t): NR_CPUS is 64 */
#define RANDOM_CHUNK 256UL
#define K_GRND_NONBLOCK 1U
#define K_GRND_RANDOM 2U
#define K_GRND_INSECURE 4U

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
#define SCHED_FLAG_RESET_ON_FORK_K 1UL
#define SETPARAM_POLICY (-1) /* sched_setparam(2): keep the policy, and its flag */

/* uname(2): release and version are the guest kernel's, the name is the host's. */
long sys_uname(struct task_struct *t, const struct sysargs *a)
{
	struct utsname host, u;

	memset(&u, 0, sizeof(u));
	if (host_uname(&host))
		strcpy(host.nodename, "(none)");
	strcpy(u.sysname, UTS_SYSNAME);
	memcpy(u.nodename, host.nodename, sizeof(u.nodename));
	strcpy(u.release, UTS_RELEASE);
	strcpy(u.version, UTS_VERSION);
	strcpy(u.machine, UTS_MACHINE);
	strcpy(u.domainname, UTS_DOMAINNAME);
	return copy_to_user(t->mm, a->arg[0], &u, sizeof(u)) ? -EFAULT : 0;
}

/* sysinfo(2): of guest RAM. */
long sys_sysinfo(struct task_struct *t, const struct sysargs *a)
{
	struct memory *mem = &t->machine->mem;
	struct task_struct *p;
	struct timespec up;
	struct sysinfo si;

	memset(&si, 0, sizeof(si));
	machine_clock_gettime(t->machine, t, CLOCK_BOOTTIME, &up);
	si.uptime = up.tv_sec + (up.tv_nsec != 0);
	si.totalram = totalram_pages(mem) << PAGE_SHIFT;
	si.freeram = nr_free_pages(mem) << PAGE_SHIFT;
	si.sharedram = (u64)mem->stats[ST_shmem] << PAGE_SHIFT;
	si.mem_unit = 1;
	list_for_each_entry (p, &t->machine->tasks, tasks)
		si.procs++;
	return copy_to_user(t->mm, a->arg[0], &si, sizeof(si)) ? -EFAULT : 0;
}

/* getrandom(2). Bytes; a fault in the middle leaves a short count. -EINVAL: flags. */
long sys_getrandom(struct task_struct *t, const struct sysargs *a)
{
	u64 done = 0, n = min(a->arg[1], MAX_RW_COUNT), part, left;
	u32 flags = a->arg[2];
	u8 chunk[RANDOM_CHUNK];

	if (flags & ~(K_GRND_NONBLOCK | K_GRND_RANDOM | K_GRND_INSECURE))
		return -EINVAL;
	if ((flags & K_GRND_RANDOM) && (flags & K_GRND_INSECURE))
		return -EINVAL;
	if (!access_ok(a->arg[0], n))
		return -EFAULT;
	while (done < n) {
		part = min(n - done, RANDOM_CHUNK);
		machine_random(t->machine, chunk, part);
		left = copy_to_user(t->mm, a->arg[0] + done, chunk, part);
		done += part - left;
		if (left)
			return done ? (long)done : -EFAULT;
	}
	return done;
}

/* A program may ask for barriers among its own tasks only when it has said so before: each
 * PRIVATE command's registration is the bit above it. */
#define MB_PRIVATE                                                                                 \
	(MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |           \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
#define MB_REGISTER (MB_PRIVATE << 1 | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
#define MB_GET_REGISTRATIONS 512
#define MB_FLAG_CPU 1U

/* Those of SYNC_CORE and RSEQ are shown with the plain one. */
static long get_registrations(const struct mm_struct *mm)
{
	u32 mask = mm->membarrier_state;

	if (mask & MB_PRIVATE << 1)
		mask |= MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	return mask;
}

/* membarrier(2). On one CPU every barrier is there already. -EINVAL; -EPERM: not registered. See: Linux,
 * kernel/sched/membarrier.c. */
long sys_membarrier(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[1];
	int cmd = a->arg[0];

	if (flags && (cmd != MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ || flags != MB_FLAG_CPU))
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MB_REGISTER | MB_PRIVATE | MEMBARRIER_CMD_GLOBAL |
		       MEMBARRIER_CMD_GLOBAL_EXPEDITED | MB_GET_REGISTRATIONS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return t->mm->membarrier_state & cmd << 1 ? 0 : -EPERM;
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		t->mm->membarrier_state |= cmd;
		return 0;
	case MB_GET_REGISTRATIONS:
		return get_registrations(t->mm);
	default:
		return -EINVAL;
	}
}

/* getcpu(2): node 0. */
long sys_getcpu(struct task_struct *t, const struct sysargs *a)
{
	u32 cpu = t->machine->cpu.id, node = 0;

	if (a->arg[0] && put_user(t->mm, cpu, a->arg[0]))
		return -EFAULT;
	return a->arg[1] ? put_user(t->mm, node, a->arg[1]) : 0;
}

/* --- scheduling ------------------------------------------------------------------------------ */

/* sched_yield(2). Others run first. */
long sys_sched_yield(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	schedule(t->machine);
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

/* sched_setaffinity(2). -EINVAL: not the one CPU; -ESRCH. */
long sys_sched_setaffinity(struct task_struct *t, const struct sysargs *a)
{
	u64 mask = 0, len = min(a->arg[1] & 0xffffffff, CPUMASK_BYTES);

	if (copy_from_user(t->mm, &mask, a->arg[2], len))
		return -EFAULT;
	if ((s32)a->arg[0] && !find_task_by_pid(t->machine, (s32)a->arg[0]))
		return -ESRCH;
	return mask & 1 ? 0 : -EINVAL;
}

/* sched_getscheduler(2). The policy, perhaps with SCHED_RESET_ON_FORK. -EINVAL: negative; -ESRCH. */
long sys_sched_getscheduler(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p = sched_task(t, a->arg[0]);

	if (IS_ERR(p))
		return PTR_ERR(p);
	return SCHED_OTHER | (p->sched_reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

/* sched_getparam(2). -EINVAL, -ESRCH. */
long sys_sched_getparam(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p;
	s32 priority = 0;

	if (!a->arg[1])
		return -EINVAL;
	p = sched_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	return put_user(t->mm, priority, a->arg[1]);
}

/* The size that the caller's struct has counts: what the kernel's has not becomes 0. The policy is
 * that of all tasks, so that neither priority nor deadline is set; the runtime is the slice. */
long sys_sched_getattr(struct task_struct *t, const struct sysargs *a)
{
	struct sched_attr_k attr = {.policy = SCHED_OTHER, .runtime = BASE_SLICE_NS};
	u32 size = a->arg[2], more = size > sizeof(attr) ? size - sizeof(attr) : 0;
	struct task_struct *p;

	if (!a->arg[1] || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || (u32)a->arg[3])
		return -EINVAL;
	p = sched_task(t, a->arg[0]);
	if (IS_ERR(p))
		return PTR_ERR(p);
	attr.nice = p->nice;
	attr.flags = p->sched_reset_on_fork ? SCHED_FLAG_RESET_ON_FORK_K : 0;
	attr.size = size - more;
	if (more && clear_user(t->mm, a->arg[1] + sizeof(attr), more))
		return -EFAULT;
	return copy_to_user(t->mm, a->arg[1], &attr, attr.size) ? -EFAULT : 0;
}

/* May @t's owner set the policy of @p? user_check_sched_setscheduler() */
static bool may_set_scheduler(const struct task_struct *t, const struct task_struct *p, bool reset)
{
	if ((t->euid == p->euid || t->euid == p->uid) && (reset || !p->sched_reset_on_fork))
		return true;
	return capable(t, CAP_SYS_NICE);
}

/* Real-time policies are refused as without CAP_SYS_NICE. */
static long set_scheduler(struct task_struct *t, u64 pid, int policy, gva_t param)
{
	bool reset = policy & SCHED_RESET_ON_FORK;
	struct task_struct *p;
	s32 priority;

	if (!param || (s32)pid < 0)
		return -EINVAL;
	if (get_user(t->mm, priority, param))
		return -EFAULT;
	p = sched_task(t, pid);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (policy == SETPARAM_POLICY) {
		reset = p->sched_reset_on_fork;
		policy = SCHED_OTHER;
	}
	switch (policy & ~SCHED_RESET_ON_FORK) {
	case SCHED_OTHER:
		break;
	case SCHED_FIFO:
	case SCHED_RR:
		return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
	case SCHED_BATCH:
	case SCHED_IDLE:
		return priority ? -EINVAL : -EPERM;
	default:
		return -EINVAL;
	}
	if (priority)
		return -EINVAL;
	if (!may_set_scheduler(t, p, reset))
		return -EPERM;
	p->sched_reset_on_fork = reset;
	return 0;
}

/* sched_setscheduler(2). -EINVAL, -ESRCH, -EFAULT; -EPERM: another's task, the flag taken back without
 * CAP_SYS_NICE, any policy but SCHED_OTHER. */
long sys_sched_setscheduler(struct task_struct *t, const struct sysargs *a)
{
	if ((int)a->arg[1] < 0)
		return -EINVAL;
	return set_scheduler(t, a->arg[0], (int)a->arg[1], a->arg[2]);
}

/* sched_setparam(2). As sched_setscheduler(2). */
long sys_sched_setparam(struct task_struct *t, const struct sysargs *a)
{
	return set_scheduler(t, a->arg[0], SETPARAM_POLICY, a->arg[1]);
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
	if (t->euid && t->euid != p->uid && t->euid != p->euid)
		return -EPERM;
	if (nice < p->nice && (u64)(20 - nice) > rlimit(p, RLIMIT_NICE) &&
	    !capable(t, CAP_SYS_NICE))
		return -EACCES;
	p->nice = nice;
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

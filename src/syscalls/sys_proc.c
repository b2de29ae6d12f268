/* A task about itself: ids, ending, limits, names, thread state, usage. */
#include "syscalls/internal.h"
#include "proc/exit.h"

#include <linux/capability.h>
#include <linux/rseq.h>

#define NR_OPEN_MAX (1UL << 20) /* fs.nr_open */
#define ROBUST_LIST_HEAD 24
#define RSEQ_SIZE 32

/* getpid(2) */
long sys_getpid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->tgid;
}

/* gettid(2) */
long sys_gettid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->pid;
}

/* getppid(2) */
long sys_getppid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return task_ppid(t);
}

/* exit(2) of one thread. Does not return. */
long sys_exit(struct task_struct *t, const struct sysargs *a)
{
	do_exit(t, (int)(a->arg[0] & 0xff) << 8);
}

/* exit_group(2). Does not return. */
long sys_exit_group(struct task_struct *t, const struct sysargs *a)
{
	do_group_exit(t, (int)(a->arg[0] & 0xff) << 8);
}

/* umask(2). The old one. */
long sys_umask(struct task_struct *t, const struct sysargs *a)
{
	u32 old = t->fs->umask;

	t->fs->umask = a->arg[0] & 0777;
	return old;
}

/* --- what libc registers at start ------------------------------------------------------------ */

/* set_tid_address(2). The caller's thread id. */
long sys_set_tid_address(struct task_struct *t, const struct sysargs *a)
{
	t->clear_child_tid = a->arg[0];
	return t->pid;
}

/* set_robust_list(2). -EINVAL: the size of the head. */
long sys_set_robust_list(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] != ROBUST_LIST_HEAD)
		return -EINVAL;
	t->robust_list = a->arg[0];
	t->robust_list_len = a->arg[1];
	return 0;
}

/* get_robust_list(2). -ESRCH. */
long sys_get_robust_list(struct task_struct *t, const struct sysargs *a)
{
	s32 pid = a->arg[0];
	struct task_struct *p = pid ? find_task_by_pid(t->machine, pid) : t;
	u64 len = ROBUST_LIST_HEAD;
	gva_t head;

	if (!p)
		return -ESRCH;
	head = p->robust_list; /* the first store may sleep, and @p be gone */
	if (put_user(t->mm, len, a->arg[2]) || put_user(t->mm, head, a->arg[1]))
		return -EFAULT;
	return 0;
}

/* The fields that the kernel keeps: cpu_id_start, cpu_id; rseq_cs is the program's; node_id, mm_cid. */
static int write_rseq(struct task_struct *t, gva_t area, u32 cpu_id)
{
	u32 ids[2] = {0, cpu_id}, rest[2] = {0, 0};

	if (copy_to_user(t->mm, area, ids, sizeof(ids)) ||
	    copy_to_user(t->mm, area + offsetof(struct rseq, flags) + 4, rest, sizeof(rest)))
		return -EFAULT;
	return 0;
}

static long rseq_unregister(struct task_struct *t, gva_t area, u32 len, u32 sig)
{
	if (t->rseq != area || !t->rseq || t->rseq_len != len)
		return -EINVAL;
	if (t->rseq_sig != sig)
		return -EPERM;
	if (write_rseq(t, area, (u32)RSEQ_CPU_ID_UNINITIALIZED))
		return -EFAULT;
	t->rseq = 0;
	t->rseq_len = t->rseq_sig = 0;
	return 0;
}

/* rseq(2). -EINVAL: flags, size, alignment, another area; -EBUSY: it is registered; -EPERM: another
 * signature. */
long sys_rseq(struct task_struct *t, const struct sysargs *a)
{
	gva_t area = a->arg[0];
	u32 len = a->arg[1], sig = a->arg[3];
	int flags = a->arg[2];

	if (flags == RSEQ_FLAG_UNREGISTER)
		return rseq_unregister(t, area, len, sig);
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != area || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (len < RSEQ_SIZE || area % RSEQ_SIZE || !area)
		return -EINVAL;
	if (!access_ok(area, len) || write_rseq(t, area, 0))
		return -EFAULT;
	t->rseq = area;
	t->rseq_len = len;
	t->rseq_sig = sig;
	return 0;
}

/* --- limits and usage ------------------------------------------------------------------------ */

/* do_prlimit(): what Linux refuses. */
static int check_rlimit(struct task_struct *t, const struct signal_struct *s, u32 which,
			const struct rlimit *new)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && new->rlim_max > NR_OPEN_MAX)
		return -EPERM;
	if (new->rlim_max > s->rlim_max[which] && !capable(t, CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

/* Of the process @s, which may be another's; @after may be NULL, @old 0. */
static long do_prlimit(struct task_struct *t, struct signal_struct *s, u32 which,
		       const struct rlimit *after, gva_t old)
{
	struct rlimit before;
	int err;

	if (which >= NR_RLIMITS)
		return -EINVAL;
	before = (struct rlimit){s->rlim_cur[which], s->rlim_max[which]};
	if (after) {
		err = check_rlimit(t, s, which, after);
		if (err)
			return err;
		s->rlim_cur[which] = after->rlim_cur;
		s->rlim_max[which] = after->rlim_max;
	}
	return old ? put_user(t->mm, before, old) : 0;
}

/* getrlimit(2). -EINVAL: no such limit. */
long sys_getrlimit(struct task_struct *t, const struct sysargs *a)
{
	if ((u32)a->arg[0] >= NR_RLIMITS)
		return -EINVAL;
	return a->arg[1] ? do_prlimit(t, t->signal, a->arg[0], NULL, a->arg[1]) : -EFAULT;
}

/* setrlimit(2). -EINVAL; -EPERM: above the hard limit without CAP_SYS_RESOURCE. */
long sys_setrlimit(struct task_struct *t, const struct sysargs *a)
{
	struct rlimit after;

	if (!a->arg[1] || get_user(t->mm, after, a->arg[1]))
		return -EFAULT;
	return do_prlimit(t, t->signal, a->arg[0], &after, 0);
}

/* check_prlimit_permission() */
static bool may_prlimit(struct task_struct *t, const struct task_struct *p)
{
	if (p == t || capable(t, CAP_SYS_RESOURCE))
		return true;
	return t->uid == p->euid && t->uid == p->suid && t->uid == p->uid && t->gid == p->egid &&
	       t->gid == p->sgid && t->gid == p->gid;
}

/* prlimit(2). As setrlimit(2); -ESRCH; -EPERM: another's process. */
long sys_prlimit64(struct task_struct *t, const struct sysargs *a)
{
	s32 pid = a->arg[0];
	struct rlimit after;
	struct task_struct *p;

	/* Before @p is looked up, as in Linux: it may sleep. */
	if (a->arg[2] && get_user(t->mm, after, a->arg[2]))
		return -EFAULT;
	p = pid ? find_task_by_pid(t->machine, pid) : t;
	if (!p)
		return -ESRCH;
	if (!may_prlimit(t, p))
		return -EPERM;
	return do_prlimit(t, p->signal, a->arg[1], a->arg[2] ? &after : NULL, a->arg[3]);
}

/* getrusage(2). -EINVAL. */
long sys_getrusage(struct task_struct *t, const struct sysargs *a)
{
	int who = a->arg[0];
	struct rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	task_rusage(t, who, &ru);
	return copy_to_user(t->mm, a->arg[1], &ru, sizeof(ru)) ? -EFAULT : 0;
}

/* personality(2). The old one. READ_IMPLIES_EXEC: from the next mapping call on; ADDR_NO_RANDOMIZE and
 * kin at execve. */
long sys_personality(struct task_struct *t, const struct sysargs *a)
{
	u32 old = t->personality;

	if ((u32)a->arg[0] != 0xffffffff)
		t->personality = a->arg[0];
	return old;
}

/* A task about itself: ids, ending, limits, names, thread state, usage. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/rseq.h>
#include <string.h>

#include "mm/ksm.h"

#define NR_OPEN_MAX (1UL << 20) /* fs.nr_open */
#define ROBUST_LIST_HEAD 24
#define RSEQ_SIZE 32

#define PR_THP_DISABLE_EXCEPT_ADVISED_K 2UL
#define PR_GET_AUXV_K 0x41555856
#define PR_SET_MDWE_K 65
#define PR_GET_MDWE_K 66
#define PR_SET_MEMORY_MERGE_K 67
#define PR_GET_MEMORY_MERGE_K 68
#define ARCH_SET_GS_K 0x1001
#define ARCH_SET_FS_K 0x1002
#define ARCH_GET_FS_K 0x1003
#define ARCH_GET_GS_K 0x1004
#define ARCH_GET_CPUID_K 0x1011
#define ARCH_SET_CPUID_K 0x1012
#define ARCH_MAP_VDSO_32_K 0x2002
#define ARCH_MAP_VDSO_64_K 0x2003

long sys_getpid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->tgid;
}

long sys_gettid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->pid;
}

long sys_getppid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return task_ppid(t);
}

long sys_exit(struct task_struct *t, const struct sysargs *a)
{
	do_exit(t, (a->arg[0] & 0xff) << 8);
}

long sys_exit_group(struct task_struct *t, const struct sysargs *a)
{
	do_group_exit(t, (a->arg[0] & 0xff) << 8);
}

long sys_umask(struct task_struct *t, const struct sysargs *a)
{
	u32 old = t->fs->umask;

	t->fs->umask = a->arg[0] & 0777;
	return old;
}

/* --- what libc registers at start ------------------------------------------------------------ */

long sys_set_tid_address(struct task_struct *t, const struct sysargs *a)
{
	t->clear_child_tid = a->arg[0];
	return t->pid;
}

long sys_set_robust_list(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] != ROBUST_LIST_HEAD)
		return -EINVAL;
	t->robust_list = a->arg[0];
	t->robust_list_len = a->arg[1];
	return 0;
}

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

long sys_arch_prctl(struct task_struct *t, const struct sysargs *a)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	u64 addr = a->arg[1];

	switch ((int)a->arg[0]) {
	case ARCH_SET_FS_K:
	case ARCH_SET_GS_K:
		if (addr >= TASK_SIZE)
			return -EPERM;
		if ((int)a->arg[0] == ARCH_SET_FS_K) {
			r->fs = 0;
			r->fs_base = addr;
		} else {
			r->gs = 0;
			r->gs_base = addr;
		}
		return 0;
	case ARCH_GET_FS_K:
		return put_user(t->mm, r->fs_base, addr);
	case ARCH_GET_GS_K:
		return put_user(t->mm, r->gs_base, addr);
	case ARCH_GET_CPUID_K:
		return 1;
	case ARCH_SET_CPUID_K: /* no CPUID faulting */
		return -ENODEV;
	case ARCH_MAP_VDSO_32_K:
	case ARCH_MAP_VDSO_64_K:
		if (!t->machine->map_vdso)
			return -EINVAL;
		return t->machine->map_vdso(t->machine, t->mm, addr,
					    (int)a->arg[0] == ARCH_MAP_VDSO_64_K ? 64 : 32);
	default:
		return -EINVAL;
	}
}

/* i386's sets nothing of a 64-bit program's. */
long sys_arch_prctl32(struct task_struct *t, const struct sysargs *a)
{
	(void)t, (void)a;
	return -EINVAL;
}

/* --- prctl ----------------------------------------------------------------------------------- */

static long set_name(struct task_struct *t, gva_t from)
{
	char name[TASK_COMM_LEN] = "";

	if (strncpy_from_user(t->mm, name, from, TASK_COMM_LEN - 1) < 0)
		return -EFAULT;
	name[TASK_COMM_LEN - 1] = 0;
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, name, strlen(name));
	return 0;
}

/* There are no huge pages here: what a program asks for is only remembered. */
static long set_thp_disable(struct mm_struct *mm, u64 disable, u64 flags, u64 rest)
{
	if (rest || (flags & ~PR_THP_DISABLE_EXCEPT_ADVISED_K) || (flags && !disable))
		return -EINVAL;
	mm->thp_disable = disable ? 1 | flags : 0;
	return 0;
}

long sys_prctl(struct task_struct *t, const struct sysargs *a)
{
	u64 arg2 = a->arg[1], rest = a->arg[2] | a->arg[3] | a->arg[4];

	switch ((int)a->arg[0]) {
	case PR_SET_NAME:
		return set_name(t, arg2);
	case PR_GET_NAME:
		return copy_to_user(t->mm, arg2, t->comm, TASK_COMM_LEN) ? -EFAULT : 0;
	case PR_GET_DUMPABLE:
		return t->mm->dumpable;
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return -EINVAL;
		t->mm->dumpable = arg2;
		return 0;
	case PR_SET_PDEATHSIG:
		if (arg2 > NR_SIGNALS)
			return -EINVAL;
		t->pdeath_signal = arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(t->mm, t->pdeath_signal, arg2);
	case PR_SET_CHILD_SUBREAPER:
		t->signal->is_child_subreaper = !!arg2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user(t->mm, (u32)t->signal->is_child_subreaper, arg2);
	case PR_GET_TSC:
		return put_user(t->mm, (u32)PR_TSC_ENABLE, arg2);
	case PR_GET_TID_ADDRESS:
		return put_user(t->mm, t->clear_child_tid, arg2);
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_SECUREBITS:
	case PR_GET_TIMING:
		return 0;
	case PR_SET_TIMING:
		return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TIMERSLACK:
		return min(t->timer_slack_ns, (u64)LONG_MAX);
	case PR_SET_TIMERSLACK:
		t->timer_slack_ns = (s64)arg2 > 0 ? arg2 : t->default_timer_slack_ns;
		return 0;
	case PR_SET_MDWE_K:
		return rest ? -EINVAL : mm_set_mdwe(t->mm, arg2);
	case PR_GET_MDWE_K:
		return arg2 | rest ? -EINVAL : (int)t->mm->mdwe;
	case PR_SET_MM:
		return prctl_set_mm(t, a);
	case PR_GET_AUXV_K:
		return a->arg[3] | a->arg[4] ? -EINVAL : prctl_get_auxv(t, arg2, a->arg[2]);
	case PR_SET_THP_DISABLE:
		return set_thp_disable(t->mm, arg2, a->arg[2], a->arg[3] | a->arg[4]);
	case PR_GET_THP_DISABLE:
		return arg2 | rest ? -EINVAL : (int)t->mm->thp_disable;
	case PR_GET_NO_NEW_PRIVS:
		return arg2 | rest ? -EINVAL : 0;
	case PR_SET_MEMORY_MERGE_K:
		if (rest)
			return -EINVAL;
		return arg2 ? ksm_enable_merge_any(t->mm) : ksm_disable_merge_any(t->mm);
	case PR_GET_MEMORY_MERGE_K:
		return arg2 | rest ? -EINVAL : t->mm->ksm_merge_any;
	case PR_CAPBSET_READ:
		return arg2 > CAP_LAST_CAP_NR ? -EINVAL : (long)(t->caps.bounding >> arg2 & 1);
	default:
		return -EINVAL;
	}
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

long sys_getrlimit(struct task_struct *t, const struct sysargs *a)
{
	if ((u32)a->arg[0] >= NR_RLIMITS)
		return -EINVAL;
	return a->arg[1] ? do_prlimit(t, t->signal, a->arg[0], NULL, a->arg[1]) : -EFAULT;
}

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

long sys_getrusage(struct task_struct *t, const struct sysargs *a)
{
	int who = a->arg[0];
	struct rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	task_rusage(t, who, &ru);
	return copy_to_user(t->mm, a->arg[1], &ru, sizeof(ru)) ? -EFAULT : 0;
}

/* READ_IMPLIES_EXEC: from the next mapping call on; ADDR_NO_RANDOMIZE and kin at execve. */
long sys_personality(struct task_struct *t, const struct sysargs *a)
{
	u32 old = t->personality;

	if ((u32)a->arg[0] != 0xffffffff)
		t->personality = a->arg[0];
	return old;
}

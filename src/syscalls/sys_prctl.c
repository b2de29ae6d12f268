/* prctl(2) and arch_prctl(2): a task's odd settings, one row an option. PR_SET_MM is sys_prctl_mm.c's.
 * See: prctl(2), arch_prctl(2); Linux, kernel/sys.c, arch/x86/kernel/process_64.c. */
#include "syscalls/internal.h"

#include <linux/prctl.h>
#include <string.h>

#include "mm/ksm.h"

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

/* --- names and signals ----------------------------------------------------------------------- */

static long prctl_set_name(struct task_struct *t, const struct sysargs *a)
{
	char name[TASK_COMM_LEN] = "";

	if (strncpy_from_user(t->mm, name, a->arg[1], TASK_COMM_LEN - 1) < 0)
		return -EFAULT;
	name[TASK_COMM_LEN - 1] = 0;
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, name, strlen(name));
	return 0;
}

static long prctl_get_name(struct task_struct *t, const struct sysargs *a)
{
	return copy_to_user(t->mm, a->arg[1], t->comm, TASK_COMM_LEN) ? -EFAULT : 0;
}

static long prctl_set_pdeathsig(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] > NR_SIGNALS)
		return -EINVAL;
	t->pdeath_signal = a->arg[1];
	return 0;
}

static long prctl_get_pdeathsig(struct task_struct *t, const struct sysargs *a)
{
	return put_user(t->mm, t->pdeath_signal, a->arg[1]);
}

static long prctl_set_child_subreaper(struct task_struct *t, const struct sysargs *a)
{
	t->signal->is_child_subreaper = !!a->arg[1];
	return 0;
}

static long prctl_get_child_subreaper(struct task_struct *t, const struct sysargs *a)
{
	return put_user(t->mm, (u32)t->signal->is_child_subreaper, a->arg[1]);
}

static long prctl_get_tid_address(struct task_struct *t, const struct sysargs *a)
{
	return put_user(t->mm, t->clear_child_tid, a->arg[1]);
}

/* --- rights ---------------------------------------------------------------------------------- */

static long prctl_get_dumpable(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->mm->dumpable;
}

static long prctl_set_dumpable(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] > 1)
		return -EINVAL;
	t->mm->dumpable = a->arg[1];
	return 0;
}

static long prctl_set_no_new_privs(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] != 1)
		return -EINVAL;
	t->no_new_privs = true;
	return 0;
}

static long prctl_get_no_new_privs(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->no_new_privs;
}

static long prctl_set_seccomp(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] == SECCOMP_MODE_STRICT)
		return seccomp_set_strict(t);
	return a->arg[1] == SECCOMP_MODE_FILTER ? seccomp_set_filter(t, 0, a->arg[2]) : -EINVAL;
}

static long prctl_get_seccomp(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->seccomp.mode;
}

static long prctl_user_dispatch(struct task_struct *t, const struct sysargs *a)
{
	const struct user_dispatch d = {a->arg[2], a->arg[3], a->arg[4]};

	return set_syscall_user_dispatch(t, a->arg[1], &d);
}

/* What mitigations=off says, and so /proc/PID/status: nothing is done against speculation, and nothing can be. */
static long prctl_get_speculation(struct task_struct *t __unused, const struct sysargs *a)
{
	switch (a->arg[1]) {
	case PR_SPEC_STORE_BYPASS:
	case PR_SPEC_INDIRECT_BRANCH:
		return PR_SPEC_ENABLE;
	case PR_SPEC_L1D_FLUSH:
		return PR_SPEC_FORCE_DISABLE;
	default:
		return -ENODEV;
	}
}

static long prctl_set_speculation(struct task_struct *t __unused, const struct sysargs *a)
{
	switch (a->arg[1]) {
	case PR_SPEC_STORE_BYPASS:
		return -ENXIO;
	case PR_SPEC_INDIRECT_BRANCH:
		if (a->arg[2] == PR_SPEC_ENABLE)
			return 0;
		return a->arg[2] == PR_SPEC_DISABLE || a->arg[2] == PR_SPEC_FORCE_DISABLE ? -EPERM
											  : -ERANGE;
	case PR_SPEC_L1D_FLUSH:
		return -EPERM;
	default:
		return -ENODEV;
	}
}

static long prctl_set_io_flusher(struct task_struct *t, const struct sysargs *a)
{
	if (!task_capable(t, CAP_SYS_RESOURCE))
		return -EPERM;
	if (a->arg[1] > 1 || a->arg[2] || a->arg[3] || a->arg[4])
		return -EINVAL;
	t->io_flusher = a->arg[1];
	return 0;
}

static long prctl_get_io_flusher(struct task_struct *t, const struct sysargs *a)
{
	if (!task_capable(t, CAP_SYS_RESOURCE))
		return -EPERM;
	if (a->arg[1] || a->arg[2] || a->arg[3] || a->arg[4])
		return -EINVAL;
	return t->io_flusher;
}

/* --- time ------------------------------------------------------------------------------------ */

static long prctl_get_tsc(struct task_struct *t, const struct sysargs *a)
{
	return put_user(t->mm, (u32)(t->tsc_faults ? PR_TSC_SIGSEGV : PR_TSC_ENABLE), a->arg[1]);
}

static long prctl_set_tsc(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] != PR_TSC_ENABLE && a->arg[1] != PR_TSC_SIGSEGV)
		return -EINVAL;
	t->tsc_faults = t->machine->cpu.tsc_faults = a->arg[1] == PR_TSC_SIGSEGV;
	return 0;
}

static long prctl_set_timing(struct task_struct *t __unused, const struct sysargs *a)
{
	return a->arg[1] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
}

static long prctl_get_timerslack(struct task_struct *t, const struct sysargs *a __unused)
{
	return (long)t->timer_slack_ns; /* the largest looks like an error: as in Linux */
}

static long prctl_set_timerslack(struct task_struct *t, const struct sysargs *a)
{
	if (!t->rt_priority) /* theirs is 0 */
		t->timer_slack_ns = a->arg[1] ? a->arg[1] : t->default_timer_slack_ns;
	return 0;
}

/* --- memory ---------------------------------------------------------------------------------- */

static long prctl_set_mdwe(struct task_struct *t, const struct sysargs *a)
{
	return mm_set_mdwe(t->mm, a->arg[1]);
}

static long prctl_get_mdwe(struct task_struct *t, const struct sysargs *a __unused)
{
	return (int)t->mm->mdwe;
}

/* There are no huge pages here: what a program asks for is only remembered. */
static long prctl_set_thp_disable(struct task_struct *t, const struct sysargs *a)
{
	u64 disable = a->arg[1], flags = a->arg[2];

	if ((flags & ~PR_THP_DISABLE_EXCEPT_ADVISED_K) || (flags && !disable))
		return -EINVAL;
	t->mm->thp_disable = disable ? 1 | flags : 0;
	return 0;
}

static long prctl_get_thp_disable(struct task_struct *t, const struct sysargs *a __unused)
{
	return (int)t->mm->thp_disable;
}

static long prctl_set_memory_merge(struct task_struct *t, const struct sysargs *a)
{
	return a->arg[1] ? ksm_enable_merge_any(t->mm) : ksm_disable_merge_any(t->mm);
}

static long prctl_get_memory_merge(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->mm->ksm_merge_any;
}

static long prctl_set_mce_kill(struct task_struct *t, const struct sysargs *a)
{
	if (a->arg[1] == PR_MCE_KILL_CLEAR && !a->arg[2]) {
		t->mce_kill = PR_MCE_KILL_DEFAULT;
		return 0;
	}
	if (a->arg[1] != PR_MCE_KILL_SET || a->arg[2] > PR_MCE_KILL_DEFAULT)
		return -EINVAL;
	t->mce_kill = (u8)a->arg[2];
	return 0;
}

static long prctl_get_mce_kill(struct task_struct *t, const struct sysargs *a __unused)
{
	return t->mce_kill;
}

#define PR_FUTEX_HASH_K 78
#define PR_FUTEX_HASH_SET_SLOTS_K 1
#define PR_FUTEX_HASH_GET_SLOTS_K 2
#define FUTEX_SLOTS_MAX (1U << 24) /* what one allocation of Linux's can hold */

/* futex_hash_allocate() */
static long set_futex_slots(struct mm_struct *mm, u32 slots, u64 flags)
{
	if (flags || slots == 1 || slots & (slots - 1))
		return -EINVAL;
	if (mm->futex_global)
		return -EBUSY;
	if (slots > FUTEX_SLOTS_MAX)
		return -ENOMEM;
	mm->futex_slots = slots;
	mm->futex_global = !slots;
	return 0;
}

static long prctl_futex_hash(struct task_struct *t, const struct sysargs *a)
{
	switch (a->arg[1]) {
	case PR_FUTEX_HASH_SET_SLOTS_K:
		return set_futex_slots(t->mm, a->arg[2], a->arg[3]);
	case PR_FUTEX_HASH_GET_SLOTS_K:
		return t->mm->futex_slots;
	default:
		return -EINVAL;
	}
}

#define PR_TIMER_CREATE_RESTORE_IDS_K 77
#define RESTORE_IDS_OFF 0UL
#define RESTORE_IDS_ON 1UL
#define RESTORE_IDS_GET 2UL

/* Whether timer_create(2) takes the number that the caller has stored. */
static long prctl_timer_restore_ids(struct task_struct *t, const struct sysargs *a)
{
	bool *on = &t->signal->timer_create_restore_ids;

	if (a->arg[1] == RESTORE_IDS_GET)
		return *on;
	if (a->arg[1] != RESTORE_IDS_OFF && a->arg[1] != RESTORE_IDS_ON)
		return -EINVAL;
	*on = a->arg[1] == RESTORE_IDS_ON;
	return 0;
}

/* --- prctl ----------------------------------------------------------------------------------- */

/* What nothing here can change. */
static long prctl_zero(struct task_struct *t __unused, const struct sysargs *a __unused)
{
	return 0;
}

/* @nargs: arguments that count, the option among them; those behind must be 0, unless it is ANY: then
 * Linux does not look at them. */
#define ANY 5
static const struct prctl_option {
	int option;
	unsigned nargs;
	long (*fn)(struct task_struct *t, const struct sysargs *a);
} options[] = {
	{PR_SET_NAME, ANY, prctl_set_name},
	{PR_GET_NAME, ANY, prctl_get_name},
	{PR_SET_PDEATHSIG, ANY, prctl_set_pdeathsig},
	{PR_GET_PDEATHSIG, ANY, prctl_get_pdeathsig},
	{PR_SET_CHILD_SUBREAPER, ANY, prctl_set_child_subreaper},
	{PR_GET_CHILD_SUBREAPER, ANY, prctl_get_child_subreaper},
	{PR_GET_TID_ADDRESS, ANY, prctl_get_tid_address},
	{PR_SET_DUMPABLE, ANY, prctl_set_dumpable},
	{PR_GET_DUMPABLE, ANY, prctl_get_dumpable},
	{PR_CAPBSET_READ, ANY, prctl_capbset_read},
	{PR_CAPBSET_DROP, ANY, prctl_capbset_drop},
	{PR_CAP_AMBIENT, ANY, prctl_cap_ambient},
	{PR_GET_KEEPCAPS, ANY, prctl_get_keepcaps},
	{PR_SET_KEEPCAPS, ANY, prctl_set_keepcaps},
	{PR_SET_SECCOMP, ANY, prctl_set_seccomp},
	{PR_GET_SECCOMP, ANY, prctl_get_seccomp},
	{PR_SET_SYSCALL_USER_DISPATCH, ANY, prctl_user_dispatch},
	{PR_GET_SECUREBITS, ANY, prctl_get_securebits},
	{PR_SET_SECUREBITS, ANY, prctl_set_securebits},
	{PR_GET_SPECULATION_CTRL, 2, prctl_get_speculation},
	{PR_SET_SPECULATION_CTRL, 3, prctl_set_speculation},
	{PR_GET_IO_FLUSHER, ANY, prctl_get_io_flusher},
	{PR_SET_IO_FLUSHER, ANY, prctl_set_io_flusher},
	{PR_TASK_PERF_EVENTS_DISABLE, ANY, prctl_zero}, /* nobody has one */
	{PR_TASK_PERF_EVENTS_ENABLE, ANY, prctl_zero},
	{PR_MCE_KILL, 3, prctl_set_mce_kill},
	{PR_MCE_KILL_GET, 1, prctl_get_mce_kill},
	{PR_FUTEX_HASH_K, ANY, prctl_futex_hash},
	{PR_SET_NO_NEW_PRIVS, 2, prctl_set_no_new_privs},
	{PR_GET_NO_NEW_PRIVS, 1, prctl_get_no_new_privs},
	{PR_GET_TSC, ANY, prctl_get_tsc},
	{PR_SET_TSC, ANY, prctl_set_tsc},
	{PR_SET_TIMING, ANY, prctl_set_timing},
	{PR_GET_TIMING, ANY, prctl_zero},
	{PR_SET_TIMERSLACK, ANY, prctl_set_timerslack},
	{PR_GET_TIMERSLACK, ANY, prctl_get_timerslack},
	{PR_TIMER_CREATE_RESTORE_IDS_K, 2, prctl_timer_restore_ids},
	{PR_SET_MM, ANY, prctl_set_mm},
	{PR_GET_AUXV_K, 3, prctl_get_auxv},
	{PR_SET_MDWE_K, 2, prctl_set_mdwe},
	{PR_GET_MDWE_K, 1, prctl_get_mdwe},
	{PR_SET_THP_DISABLE, 3, prctl_set_thp_disable},
	{PR_GET_THP_DISABLE, 1, prctl_get_thp_disable},
	{PR_SET_MEMORY_MERGE_K, 2, prctl_set_memory_merge},
	{PR_GET_MEMORY_MERGE_K, 1, prctl_get_memory_merge},
};

/* prctl(2). -EINVAL: no such option, an argument that must be 0; what the option's row says. */
long sys_prctl(struct task_struct *t, const struct sysargs *a)
{
	const struct prctl_option *o = options, *end = options + ARRAY_SIZE(options);

	while (o < end && o->option != (int)a->arg[0])
		o++;
	if (o == end)
		return -EINVAL;
	for (unsigned i = o->nargs; i < 5; i++)
		if (a->arg[i])
			return -EINVAL;
	return o->fn(t, a);
}

/* --- arch_prctl ------------------------------------------------------------------------------ */

/* arch_prctl(2). -EINVAL: no such code; -EPERM: a base beyond user space; -EFAULT; -ENODEV: no CPUID
 * faulting. */
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

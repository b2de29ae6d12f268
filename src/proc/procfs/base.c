/* The many small files about one task: limits, oom_*, comm, personality, io, syscall, loginuid, attr/ ...
 * See: Linux 6.18, fs/proc/base.c; proc(5). */
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "cpu/model.h"
#include "proc/clock.h"
#include "proc/oom.h"
#include "proc/posix_timer.h"
#include "proc/procfs/internal.h"

#define UID_UNSET UINT_MAX

/* --- limits ------------------------------------------------------------------------------- */

static const struct {
	const char *name, *unit;
} limit_names[NR_RLIMITS] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},
	[RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},
	[RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},
	[RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},
	[RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
	[RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},
	[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
	[RLIMIT_NICE] = {"Max nice priority", NULL},
	[RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
	[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void put_limit(struct seq *out, u64 v)
{
	if (v == RLIM_INFINITY)
		seq_printf(out, "%-20s ", "unlimited");
	else
		seq_printf(out, "%-20lu ", v);
}

/* /proc/PID/limits, proc(5). */
int proc_show_limits(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < NR_RLIMITS; i++) {
		seq_printf(out, "%-25s ", limit_names[i].name);
		put_limit(out, t->signal->rlim_cur[i]);
		put_limit(out, t->signal->rlim_max[i]);
		if (limit_names[i].unit)
			seq_printf(out, "%-10s", limit_names[i].unit);
		seq_putc(out, '\n');
	}
	return 0;
}

/* --- OOM ---------------------------------------------------------------------------------- */

/* proc_oom_score(). */
int proc_show_oom_score(struct seq *out, struct task_struct *t)
{
	s64 total = totalram_pages(&t->machine->mem), points = oom_badness(t, total);

	if (points == OOM_NEVER)
		points = 0;
	else
		points = (1000 + points * 1000 / total) * 2 / 3;
	seq_printf(out, "%ld\n", points);
	return 0;
}

int proc_show_oom_score_adj(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%d\n", t->signal->oom_score_adj);
	return 0;
}

int proc_show_oom_adj(struct seq *out, struct task_struct *t)
{
	s32 adj = t->signal->oom_score_adj;

	seq_printf(out, "%d\n", min(adj * 17 / 1000, 15));
	return 0;
}

/* Whoever may, sets the lowest value that the others may go back to. See: __set_oom_adj(). */
static void set_oom_score_adj(struct signal_struct *s, s16 adj, bool may)
{
	s->oom_score_adj = adj;
	if (may)
		s->oom_score_adj_min = adj;
}

int proc_write_oom_score_adj(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	int adj, err = proc_parse_int(text, &adj);
	bool may;

	if (err)
		return err;
	if (adj < -1000 || adj > 1000)
		return -EINVAL;
	may = task_capable(current_task(m), CAP_SYS_RESOURCE);
	if (adj < t->signal->oom_score_adj_min && !may)
		return -EACCES;
	set_oom_score_adj(t->signal, (s16)adj, may);
	return 0;
}

/* The old scale, -17 .. 15; lowering needs the right. */
int proc_write_oom_adj(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	int adj, err = proc_parse_int(text, &adj);

	if (err)
		return err;
	if ((adj < -16 || adj > 15) && adj != -17)
		return -EINVAL;
	adj = adj == 15 ? 1000 : adj * 1000 / 17;
	if (adj < t->signal->oom_score_adj && !task_capable(current_task(m), CAP_SYS_RESOURCE))
		return -EACCES;
	t->signal->oom_score_adj = (s16)adj;
	return 0;
}

/* --- small ones --------------------------------------------------------------------------- */

int proc_show_comm(struct seq *out, struct task_struct *t)
{
	seq_puts(out, t->comm); /* raw; status alone escapes */
	seq_putc(out, '\n');
	return 0;
}

/* Threads of the process may rename each other; a newline at the end stays, as on Linux. */
int proc_write_comm(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	struct task_struct *curr = current_task(m);

	if (curr && curr->tgid != t->tgid)
		return -EINVAL;
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, text, strnlen(text, sizeof(t->comm) - 1));
	return 0;
}

int proc_show_personality(struct seq *out, struct task_struct *t)
{
	int err = proc_lock_trace(t);

	if (err)
		return err;
	seq_printf(out, "%08x\n", t->personality);
	return 0;
}

/* No core files yet. */
int proc_show_coredump_filter(struct seq *out, struct task_struct *t)
{
	if (t->mm)
		seq_printf(out, "%08x\n", t->mm->coredump_filter);
	return 0;
}

#define COREDUMP_FILTER_BITS 9

int proc_write_coredump_filter(struct machine *m __unused, struct task_struct *t, u64 sub __unused,
			       char *text)
{
	u64 val;
	int err = proc_parse_u64(text, 0, &val);

	if (err)
		return err;
	if (val > 0xffffffff)
		return -ERANGE;
	if (!t->mm)
		return -ESRCH;
	t->mm->coredump_filter = val & (BIT(COREDUMP_FILTER_BITS) - 1);
	return 0;
}

/* What the host reads from storage and writes to it for our page cache is not known: the last three
 * stay 0. */
static int do_io_accounting(struct seq *out, struct task_struct *t, const struct task_io *io)
{
	if (ptrace_may_access(current_task(t->machine), t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS))
		return -EACCES;
	seq_printf(out,
		   "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\n"
		   "write_bytes: 0\ncancelled_write_bytes: 0\n",
		   io->rchar, io->wchar, io->syscr, io->syscw);
	return 0;
}

/* Of one thread. */
int proc_show_io(struct seq *out, struct task_struct *t)
{
	return do_io_accounting(out, t, &t->io);
}

/* Of the process: with threads that are gone, and children that were waited for. */
int proc_show_tgid_io(struct seq *out, struct task_struct *t)
{
	struct task_io io;

	group_io(t, &io);
	return do_io_accounting(out, t, &io);
}

/* avx512_status(): jiffies, as ms, since the task left the CPU with AVX-512 state in use; -1: it never did.
 * CPUs without AVX-512 have nothing to tell, and kernel threads no such state. */
int proc_show_arch_status(struct seq *out, struct task_struct *t)
{
	u64 now = machine_now_ns(t->machine) / NSEC_PER_JIFFY, then = t->avx512_ns / NSEC_PER_JIFFY;

	if (!cpu_has(&t->machine->cpu, FEAT_AVX512F) || t->kthread)
		return 0;
	seq_printf(out, "AVX512_elapsed_ms:\t%ld\n",
		   t->avx512_ns ? (long)((now - then) * (NSEC_PER_JIFFY / NSEC_PER_MSEC)) : -1L);
	return 0;
}

/* Where in the kernel it sleeps: this kernel has no symbols to tell. */
int proc_show_wchan(struct seq *out, struct task_struct *t __unused)
{
	seq_putc(out, '0');
	return 0;
}

/* The call that the task is in, for native calls; the stack and where it was made. */
int proc_show_syscall(struct seq *out, struct task_struct *t)
{
	static const u8 args[] = {R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9};
	const struct cpu_regs *r = task_regs(t);
	int err = proc_lock_trace(t);

	if (err)
		return err;
	if (t != current_task(t->machine) && t->state == TASK_RUNNING) {
		seq_puts(out, "running\n");
		return 0;
	}
	seq_printf(out, "%d", (int)r->gpr[R_RAX]);
	for (unsigned i = 0; i < ARRAY_SIZE(args); i++)
		seq_printf(out, " 0x%lx", r->gpr[args[i]]);
	seq_printf(out, " 0x%lx 0x%lx\n", r->gpr[R_RSP], r->rip);
	return 0;
}

int proc_show_timers(struct seq *out, struct task_struct *t)
{
	posix_timers_show(t->signal, out);
	return 0;
}

/* --- audit: who logged in ----------------------------------------------------------------- */

int proc_show_loginuid(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%u", t->login_plus_1 - 1);
	return 0;
}

int proc_show_sessionid(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%u", t->login_plus_1 ? t->login_session : UID_UNSET);
	return 0;
}

/* One's own, once without further rights. See: proc_loginuid_write(), audit_set_loginuid(). */
int proc_write_loginuid(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	u64 uid;
	int err;

	if (t != current_task(m))
		return -EPERM;
	err = proc_parse_u64(text, 10, &uid);
	if (!err && uid > UID_UNSET)
		err = -ERANGE;
	if (err)
		return err;
	if (t->login_plus_1 && !task_capable(t, CAP_AUDIT_CONTROL))
		return -EPERM;
	t->login_plus_1 = uid + 1; /* unset: 0 again */
	if (t->login_plus_1)
		t->login_session = ++m->login_sessions;
	return 0;
}

/* --- attr: there is no security module ---------------------------------------------------- */

int proc_write_attr(struct machine *m, struct task_struct *t, u64 sub __unused, char *text __unused)
{
	return t == current_task(m) ? -EINVAL : -EPERM;
}

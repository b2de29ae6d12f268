/* What a task is and has, in numbers: /proc/PID/status, stat, statm, and task/TID/children. The small files
 * about one task are base.c's. See: Linux 6.18, fs/proc/array.c; proc(5). */
#include <string.h>

#include "base/err.h"
#include "fs/fdtable.h"
#include "fs/namei.h"
#include "proc/procfs/internal.h"
#include "proc/tty_jobctrl.h"

#define PF_KTHREAD 0x00200000U
#define KB(pages) ((pages) << (PAGE_SHIFT - 10))

/* --- what a task is ----------------------------------------------------------------------- */

const char *proc_task_state(const struct task_struct *t)
{
	if (t->exit_state == EXIT_ZOMBIE)
		return "Z (zombie)";
	if (t->exit_state == EXIT_DEAD)
		return "X (dead)";
	if (t->state == TASK_RUNNING || t == current_task(t->machine))
		return "R (running)";
	if (t->state == TASK_STOPPED)
		return "T (stopped)";
	if (t->state == TASK_TRACED)
		return "t (tracing stop)";
	return t->state == TASK_INTERRUPTIBLE ? "S (sleeping)" : "D (disk sleep)";
}

unsigned proc_nr_threads(const struct task_struct *t)
{
	return t->signal->nr_threads;
}

struct task_sigs {
	sigset_k pending, shpending, blocked, ignored, caught;
	u64 queued; /* signals queued for the task's user */
};

static void read_sigs(const struct task_struct *t, struct task_sigs *s)
{
	*s = (struct task_sigs){.pending = t->pending.signal, .blocked = t->blocked};
	if (t->signal)
		s->shpending = t->signal->shared_pending.signal;
	for (unsigned i = 0; t->sighand && i < NR_SIGNALS; i++) {
		gva_t handler = t->sighand->action[i].handler;

		if (handler == (gva_t)SIG_IGN)
			s->ignored |= BIT(i);
		else if (handler != (gva_t)SIG_DFL)
			s->caught |= BIT(i);
	}
	s->queued = nr_user_sigqueue(t->machine, t->uid);
}

/* --- status ------------------------------------------------------------------------------- */

static void status_ids(struct seq *out, struct task_struct *t)
{
	seq_puts(out, "Name:\t");
	seq_escape(out, t->comm, "\n\\");
	seq_putc(out, '\n');
	if (t->fs)
		seq_printf(out, "Umask:\t%#04o\n", t->fs->umask);
	seq_printf(out, "State:\t%s\n", proc_task_state(t));
	/* Ngid: no NUMA groups. */
	seq_printf(out, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", t->tgid,
		   t->pid, task_ppid(t),
		   t->tracer		     ? t->tracer->pid
		   : t->ptrace && t->adopted ? 1
					     : 0);
	seq_printf(out, "Uid:\t%u\t%u\t%u\t%u\n", t->uid, t->euid, t->suid, t->fsuid);
	seq_printf(out, "Gid:\t%u\t%u\t%u\t%u\n", t->gid, t->egid, t->sgid, t->fsgid);
	seq_printf(out, "FDSize:\t%u\nGroups:\t", t->files ? t->files->max_fds : 0);
	for (u32 i = 0; i < t->ngroups; i++)
		seq_printf(out, i ? " %u" : "%u", t->groups[i]);
	/* One pid namespace. */
	seq_printf(out, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%c\n",
		   t->tgid, t->pid, t->signal->pgrp, t->signal->session, t->kthread ? '1' : '0');
}

static void status_kb(struct seq *out, const char *label, u64 kb)
{
	seq_puts(out, label);
	seq_put_dec(out, kb, 8);
	seq_write(out, " kB\n", 4);
}

/* task_mem() */
static void status_mem(struct seq *out, struct mm_struct *mm, bool dumping)
{
	struct mm_counts c;

	mm_read_counts(mm, &c);
	status_kb(out, "VmPeak:\t", KB(c.peak_vm));
	status_kb(out, "VmSize:\t", KB(c.total_vm));
	status_kb(out, "VmLck:\t", KB(c.locked_vm));
	status_kb(out, "VmPin:\t", KB(c.pinned_vm));
	status_kb(out, "VmHWM:\t", KB(c.peak_rss));
	status_kb(out, "VmRSS:\t", KB(c.rss_anon + c.rss_file + c.rss_shmem));
	status_kb(out, "RssAnon:\t", KB(c.rss_anon));
	status_kb(out, "RssFile:\t", KB(c.rss_file));
	status_kb(out, "RssShmem:\t", KB(c.rss_shmem));
	status_kb(out, "VmData:\t", KB(c.data_vm));
	status_kb(out, "VmStk:\t", KB(c.stack_vm));
	status_kb(out, "VmExe:\t", KB(c.text_vm));
	status_kb(out, "VmLib:\t", KB(c.lib_vm));
	status_kb(out, "VmPTE:\t", c.pgtables_bytes >> 10);
	status_kb(out, "VmSwap:\t", KB(c.swapents));
	status_kb(out, "HugetlbPages:\t", 0); /* no hugetlbfs */
	/* No LAM. */
	seq_printf(out, "CoreDumping:\t%d\nTHP_enabled:\t%d\nuntag_mask:\t0xffffffffffffffff\n",
		   dumping, mm->thp_disable != 1);
}

static void status_signals(struct seq *out, const struct task_struct *t)
{
	struct task_sigs s;

	read_sigs(t, &s);
	seq_printf(out, "Threads:\t%u\nSigQ:\t%lu/%lu\n", proc_nr_threads(t), s.queued,
		   rlimit(t, RLIMIT_SIGPENDING));
	seq_printf(out, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", s.pending,
		   s.shpending, s.blocked);
	seq_printf(out, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", s.ignored, s.caught);
}

static void status_rights(struct seq *out, const struct task_struct *t)
{
	const struct task_caps *c = &t->caps;

	seq_printf(out, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", c->inheritable,
		   c->permitted, c->effective);
	seq_printf(out, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->bounding, c->ambient);
	seq_printf(out, "NoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", t->no_new_privs,
		   t->seccomp.mode, t->seccomp.nr_filters);
	/* Nothing is done against speculation: this is what a kernel says then. */
	seq_puts(out, "Speculation_Store_Bypass:\tvulnerable\n"
		      "SpeculationIndirectBranch:\talways enabled\n");
}

/* One CPU; one node of the 1024 that the kernel's mask has room for. */
static void status_cpus(struct seq *out, const struct task_struct *t)
{
	seq_puts(out, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t");
	for (unsigned i = 0; i < 31; i++)
		seq_puts(out, "00000000,");
	seq_printf(out,
		   "00000001\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%lu\n"
		   "nonvoluntary_ctxt_switches:\t%lu\n",
		   t->nvcsw, t->nivcsw);
}

/* /proc/PID/status, proc(5). */
int proc_show_status(struct seq *out, struct task_struct *t)
{
	status_ids(out, t);
	if (t->mm)
		status_mem(out, t->mm, t->signal->core_state);
	status_signals(out, t);
	status_rights(out, t);
	status_cpus(out, t);
	return 0;
}

/* --- stat, statm -------------------------------------------------------------------------- */

/* When the task began, in time since boot. */
static u64 task_start_ns(const struct task_struct *t)
{
	u64 age = machine_now_ns(t->machine) - t->start_ns, up = proc_uptime_ns(t->machine);

	return up > age ? up - age : 0;
}

/* proc(5): 52 fields. @whole: faults and times are those of the process. See: do_task_stat() */
static int do_task_stat(struct seq *out, struct task_struct *t, bool whole)
{
	static const struct mm_struct no_mm;
	const struct task_struct *reader = current_task(t->machine);
	bool may = !ptrace_may_access(reader, t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS);
	const struct mm_struct *mm = t->mm && may ? t->mm : &no_mm;
	u64 hidden = t->mm && !may; /* what stands for the program's ends */
	struct mm_counts c = {0};
	const struct task_usage *children = &t->signal->children;
	struct task_usage self = {.flt = t->flt};
	struct task_sigs s;
	u64 utime, stime, cutime, cstime;
	u32 flags = t->kthread ? PF_KTHREAD : 0, tty_nr;
	s32 tpgid;

	if (t->mm)
		mm_read_counts(t->mm, &c);
	if (whole) {
		group_usage(t, &self);
		group_cputime(t, &utime, &stime);
	} else {
		task_cputime(t, &utime, &stime);
	}
	task_children_cputime(t, &cutime, &cstime);
	read_sigs(t, &s);
	seq_printf(out, "%d (%s) %c %d %d %d ", t->pid, t->comm, *proc_task_state(t), task_ppid(t),
		   t->signal->pgrp, t->signal->session);
	task_tty_numbers(t, &tty_nr, &tpgid);
	/* 11, 13, 16, 17: of children that were waited for. */
	seq_printf(out, "%u %d %u %lu %lu %lu %lu ", tty_nr, tpgid, flags, self.flt.min_flt,
		   children->flt.min_flt, self.flt.maj_flt, children->flt.maj_flt);
	seq_printf(out, "%lu %lu %lu %lu %d %d %u 0 ", utime / NSEC_PER_TICK, stime / NSEC_PER_TICK,
		   cutime / NSEC_PER_TICK, cstime / NSEC_PER_TICK, task_prio(t), t->nice,
		   proc_nr_threads(t));
	seq_printf(out, "%lu %lu %lu %lu ", task_start_ns(t) / NSEC_PER_TICK,
		   c.total_vm << PAGE_SHIFT, c.rss_anon + c.rss_file + c.rss_shmem,
		   rlimit(t, RLIMIT_RSS));
	/* 29, 30: esp and eip are shown of exiting tasks only. */
	seq_printf(out, "%lu %lu %lu 0 0 ", mm->start_code + hidden, mm->end_code + hidden,
		   mm->start_stack);
	seq_printf(out, "%lu %lu %lu %lu ", s.pending & 0x7fffffff, s.blocked & 0x7fffffff,
		   s.ignored & 0x7fffffff, s.caught & 0x7fffffff);
	/* 35: waits somewhere; 39: CPU 0; 42 to 44: no I/O delays, no guests. */
	seq_printf(out, "%d 0 0 %d 0 %d %u 0 0 0 ", may && *proc_task_state(t) != 'R',
		   t->exit_signal, t->rt_priority, t->policy);
	seq_printf(out, "%lu %lu %lu %lu %lu %lu %lu %d\n", mm->start_data, mm->end_data,
		   mm->start_brk, mm->arg_start, mm->arg_end, mm->env_start, mm->env_end,
		   may ? t->exit_code : 0);
	return 0;
}

/* /proc/PID/task/TID/stat: the thread's own. */
int proc_show_stat(struct seq *out, struct task_struct *t)
{
	return do_task_stat(out, t, false);
}

/* /proc/PID/stat */
int proc_show_tgid_stat(struct seq *out, struct task_struct *t)
{
	return do_task_stat(out, t, true);
}

/* /proc/PID/task/TID/children, proc(5): zombies, too. */
int proc_show_children(struct seq *out, struct task_struct *t)
{
	struct task_struct *p;

	list_for_each_entry (p, &t->children, sibling)
		seq_printf(out, "%d ", p->pid);
	return 0;
}

/* /proc/PID/statm, proc(5): size resident shared text lib data dt, in pages. */
int proc_show_statm(struct seq *out, struct task_struct *t)
{
	struct mm_counts c = {0};

	if (t->mm)
		mm_read_counts(t->mm, &c);
	seq_printf(out, "%lu %lu %lu %lu 0 %lu 0\n", c.total_vm, /* lib, dt: 0 since Linux 2.6 */
		   c.rss_anon + c.rss_file + c.rss_shmem, c.rss_file + c.rss_shmem, c.text_vm,
		   c.data_vm + c.stack_vm);
	return 0;
}

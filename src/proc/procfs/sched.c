/* How a task is scheduled: sched, schedstat, autogroup, timerslack_ns. Autogroups are kept and shown only.
 * See: sched(7); Linux 6.18, kernel/sched/debug.c, autogroup.c. */
#include <limits.h>
#include <linux/sched.h>
#include <string.h>

#include "base/err.h"
#include "proc/procfs/internal.h"

#define NICE_MIN (-20)
#define NICE_MAX 19
#define UID_UNSET UINT_MAX

/* --- sched -------------------------------------------------------------------------------- */

#define SCHED_FIXEDPOINT_SHIFT 10

static void number(struct seq *out, const char *name, long value)
{
	seq_printf(out, "%-45s:%21ld\n", name, value);
}

static void millis(struct seq *out, const char *name, u64 ns)
{
	seq_printf(out, "%-45s:%14lu.%06lu\n", name, ns / NSEC_PER_MSEC, ns % NSEC_PER_MSEC);
}

/* proc_sched_show_task(). Load is not tracked: its averages are 0. */
int proc_show_sched(struct seq *out, struct task_struct *t)
{
	static const char *const averages[] = {"load_sum",	   "runnable_sum", "util_sum",
					       "load_avg",	   "runnable_avg", "util_avg",
					       "last_update_time", "util_est"};
	u64 utime, stime, now = machine_now_ns(t->machine);
	char name[32];

	task_cputime(t, &utime, &stime);
	seq_printf(out, "%s (%d, #threads: %u)\n", t->comm, t->pid, proc_nr_threads(t));
	seq_puts(out, "-------------------------------------------------------------------\n");
	millis(out, "se.exec_start", now - t->machine->boot_ns);
	millis(out, "se.vruntime", utime + stime);
	millis(out, "se.sum_exec_runtime", utime + stime);
	number(out, "se.nr_migrations", 0);
	number(out, "nr_switches", t->nvcsw + t->nivcsw);
	number(out, "nr_voluntary_switches", t->nvcsw);
	number(out, "nr_involuntary_switches", t->nivcsw);
	number(out, "se.load.weight", (long)task_weight(t) << SCHED_FIXEDPOINT_SHIFT);
	for (unsigned i = 0; i < ARRAY_SIZE(averages); i++) {
		strcpy(name, "se.avg.");
		strcat(name, averages[i]);
		number(out, name, 0);
	}
	number(out, "policy", t->policy);
	number(out, "prio", 100 + task_prio(t));
	if (t->policy == SCHED_NORMAL || t->policy == SCHED_BATCH)
		number(out, "se.slice",
		       t->sched_slice_ns ? (long)t->sched_slice_ns : BASE_SLICE_NS);
	number(out, "clock-delta", machine_now_ns(t->machine) - now);
	if (t->mm)
		number(out, "mm->numa_scan_seq", 0);
	number(out, "numa_pages_migrated", 0);
	number(out, "numa_preferred_nid", -1);
	number(out, "total_numa_faults", 0);
	seq_puts(out, "current_node=0, numa_group_id=0\nnuma_faults node=0 task_private=0 "
		      "task_shared=0 group_private=0 group_shared=0\n");
	return 0;
}

/* Whatever is written sets statistics back that are not kept. See: proc_sched_set_task(). */
int proc_write_sched(struct machine *m __unused, struct task_struct *t __unused, u64 sub __unused,
		     char *text __unused)
{
	return 0;
}

/* --- autogroup: one for each session; sched(7) -------------------------------------------- */

int proc_show_autogroup(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "/autogroup-%d nice %d\n", t->signal->session, t->signal->autogroup_nice);
	return 0;
}

static bool can_nice(const struct task_struct *t, int nice)
{
	return (u64)(20 - nice) <= t->signal->rlim_cur[RLIMIT_NICE] ||
	       task_capable(t, CAP_SYS_NICE);
}

/* Kept; all sessions get the same time. At most ten times a second, unless by CAP_SYS_ADMIN. See:
 * proc_sched_autogroup_set_nice(). */
int proc_write_autogroup(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	struct task_struct *curr = current_task(m), *p;
	u64 now = machine_now_ns(m);
	int nice, err = proc_parse_int(text, &nice);

	if (err)
		return err;
	if (nice < NICE_MIN || nice > NICE_MAX)
		return -EINVAL;
	if (nice < 0 && !can_nice(curr, nice))
		return -EPERM;
	if (!task_capable(curr, CAP_SYS_ADMIN) && now < m->autogroup_next_ns)
		return -EAGAIN;
	m->autogroup_next_ns = now + 100 * NSEC_PER_MSEC;
	list_for_each_entry (p, &m->tasks, tasks)
		if (p->signal && p->signal->session == t->signal->session)
			p->signal->autogroup_nice = nice;
	return 0;
}

/* --- small ones --------------------------------------------------------------------------- */

/* Time on the CPU, time waited for it (not counted here: 0), times it got it. */
int proc_show_schedstat(struct seq *out, struct task_struct *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	seq_printf(out, "%lu 0 %lu\n", utime + stime, t->nvcsw + t->nivcsw + 1);
	return 0;
}

/* As prctl(PR_GET_TIMERSLACK) says. */
int proc_show_timerslack_ns(struct seq *out, struct task_struct *t)
{
	seq_printf(out, "%lu\n", t->timer_slack_ns);
	return 0;
}

/* Another's needs CAP_SYS_NICE. 0: back to the default. */
int proc_write_timerslack_ns(struct machine *m, struct task_struct *t, u64 sub __unused, char *text)
{
	u64 ns;
	int err = proc_parse_u64(text, 10, &ns);

	if (err)
		return err;
	if (t != current_task(m) && !task_capable(current_task(m), CAP_SYS_NICE))
		return -EPERM;
	if (!t->rt_priority) /* theirs is 0 */
		t->timer_slack_ns = ns ? ns : t->default_timer_slack_ns;
	return 0;
}

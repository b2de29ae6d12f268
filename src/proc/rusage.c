/* What tasks have used up. See rusage.h. */
#include "proc/rusage.h"

#include <string.h>

#include "base/host_proc.h"
#include "proc/clock.h"
#include "proc/task.h"

/* --- CPU time ---------------------------------------------------------------------------------- */

/* The share of @mine instructions in what the host process has spent. */
static void share_cputime(struct machine *m, u64 mine, u64 *utime_ns, u64 *stime_ns)
{
	u64 all = m->cpu.retired;
	struct rusage ru;

	if (m->config.deterministic) {
		*utime_ns = mine;
		*stime_ns = 0;
		return;
	}
	host_getrusage(&ru);
	*utime_ns = ru.ru_utime.tv_sec * 1000000000UL + ru.ru_utime.tv_usec * 1000UL;
	*stime_ns = ru.ru_stime.tv_sec * 1000000000UL + ru.ru_stime.tv_usec * 1000UL;
	if (all && mine < all) {
		*utime_ns = (u64)((double)*utime_ns * mine / all);
		*stime_ns = (u64)((double)*stime_ns * mine / all);
	}
}

u64 task_retired(const struct task_struct *t)
{
	const struct machine *m = t->machine;

	return t == m->rq.curr ? m->cpu.retired - m->retired_others : t->retired;
}

u64 group_retired(struct task_struct *t)
{
	u64 sum = t->signal->dead.retired;
	struct task_struct *p;

	for_each_thread(t, p) sum += task_retired(p);
	return sum;
}

void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	share_cputime(t->machine, task_retired(t), utime_ns, stime_ns);
	/* Shares move with what others do; time may not run backwards. */
	*utime_ns = t->seen_utime = max(t->seen_utime, *utime_ns);
	*stime_ns = t->seen_stime = max(t->seen_stime, *stime_ns);
}

u64 task_cputime_ns(struct task_struct *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	return utime + stime;
}

void group_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	struct signal_struct *s = t->signal;

	share_cputime(t->machine, group_retired(t), utime_ns, stime_ns);
	*utime_ns = s->seen_utime = max(s->seen_utime, *utime_ns);
	*stime_ns = s->seen_stime = max(s->seen_stime, *stime_ns);
}

void task_children_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns)
{
	share_cputime(t->machine, t->signal->children.retired, utime_ns, stime_ns);
}

/* --- sums --------------------------------------------------------------------------------------- */

static void usage_of(struct task_struct *t, struct task_usage *u)
{
	struct mm_counts c;

	u->retired += task_retired(t);
	u->flt.min_flt += t->flt.min_flt;
	u->flt.maj_flt += t->flt.maj_flt;
	u->nvcsw += t->nvcsw;
	u->nivcsw += t->nivcsw;
	u->maxrss = max(u->maxrss, t->signal->maxrss);
	if (t->mm) {
		mm_read_counts(t->mm, &c);
		u->maxrss = max(u->maxrss, c.peak_rss);
	}
}

static void usage_add(struct task_usage *to, const struct task_usage *u)
{
	to->retired += u->retired;
	to->flt.min_flt += u->flt.min_flt;
	to->flt.maj_flt += u->flt.maj_flt;
	to->nvcsw += u->nvcsw;
	to->nivcsw += u->nivcsw;
	to->maxrss = max(to->maxrss, u->maxrss);
}

static void io_add(struct task_io *to, const struct task_io *io)
{
	to->rchar += io->rchar;
	to->wchar += io->wchar;
	to->syscr += io->syscr;
	to->syscw += io->syscw;
}

void group_io(struct task_struct *t, struct task_io *io)
{
	struct task_struct *p;

	*io = t->signal->dead_io;
	for_each_thread(t, p) io_add(io, &p->io);
}

/* Threads that are there, and those that were. */
void group_usage(struct task_struct *t, struct task_usage *u)
{
	struct task_struct *p;

	usage_add(u, &t->signal->dead);
	for_each_thread(t, p) usage_of(p, u);
}

static void ns_to_timeval(u64 ns, struct timeval *tv)
{
	tv->tv_sec = ns / 1000000000UL;
	tv->tv_usec = ns % 1000000000UL / 1000;
}

void task_rusage(struct task_struct *t, int who, struct rusage *ru)
{
	struct task_usage u = {0};
	u64 utime = 0, stime = 0, cutime, cstime;

	if (who == RUSAGE_THREAD) {
		usage_of(t, &u);
		task_cputime(t, &utime, &stime);
	} else if (who != RUSAGE_CHILDREN) {
		group_usage(t, &u);
		group_cputime(t, &utime, &stime);
	}
	if (who == RUSAGE_CHILDREN || who == RUSAGE_BOTH_K) {
		usage_add(&u, &t->signal->children);
		task_children_cputime(t, &cutime, &cstime);
		utime += cutime;
		stime += cstime;
	}
	memset(ru, 0, sizeof(*ru));
	ns_to_timeval(utime, &ru->ru_utime);
	ns_to_timeval(stime, &ru->ru_stime);
	ru->ru_maxrss = u.maxrss << (PAGE_SHIFT - 10);
	ru->ru_minflt = u.flt.min_flt;
	ru->ru_majflt = u.flt.maj_flt;
	ru->ru_nvcsw = u.nvcsw;
	ru->ru_nivcsw = u.nivcsw;
}

void task_usage_of_dead(struct task_struct *t)
{
	if (thread_group_leader(t))
		return;
	usage_of(t, &t->signal->dead);
	io_add(&t->signal->dead_io, &t->io);
}

void task_usage_inherit(struct task_struct *t, struct task_struct *p)
{
	struct task_io io;

	group_io(p, &io);
	io_add(&t->signal->dead_io, &io);
	group_usage(p, &t->signal->children);
	usage_add(&t->signal->children, &p->signal->children);
}

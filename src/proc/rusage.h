/* What tasks have used up: CPU time, faults, switches, memory at its height.
 *
 * CPU time is not measured for each task: what the host process has spent is shared out by the guest
 * instructions that each has retired. It is therefore not exact, and user and system time have the same
 * proportion for all. With --deterministic an instruction is a nanosecond of user time.
 *
 * Not for: timers on that clock (itimer.h). Nothing here sleeps.
 * See: getrusage(2), times(2); Linux, kernel/sys.c, kernel/sched/cputime.c.
 */
#ifndef PROC_RUSAGE_H
#define PROC_RUSAGE_H

#include <sys/resource.h>

#include "mm/memory.h"

struct task_struct;

/* Sums. signal_struct.children: of children that were waited for, with theirs. */
struct task_usage {
	u64 retired; /* guest instructions */
	struct fault_counts flt;
	u64 nvcsw, nivcsw; /* switches away, of its own will and not */
	u64 maxrss;	   /* pages; the greatest, not the sum */
};

/* /proc/PID/io: what read(2), write(2) and their kin moved, and how often they were called. */
struct task_io {
	u64 rchar, wchar, syscr, syscw;
};

/* Guest instructions that @t, one thread, has executed up to now. */
u64 task_retired(const struct task_struct *t);
/* The same for its process: all threads, gone ones too. */
u64 group_retired(struct task_struct *t);
/* CPU time of the thread @t in nanoseconds; never less than an earlier call said. Either pointer is written. */
void task_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);
/* The sum of both. */
u64 task_cputime_ns(struct task_struct *t);
/* The same for its process. */
void group_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);
/* Of the children of @t that were waited for, and theirs. */
void task_children_cputime(struct task_struct *t, u64 *utime_ns, u64 *stime_ns);

/* What the process of @t has used, without its children: added to @u. */
void group_usage(struct task_struct *t, struct task_usage *u);
/* What the process of @t has read and written, and the children that it has waited for. Fills @io. */
void group_io(struct task_struct *t, struct task_io *io);

#define RUSAGE_BOTH_K (-2)
/* getrusage(2): @who is RUSAGE_SELF (the process of @t), RUSAGE_THREAD, RUSAGE_CHILDREN, or RUSAGE_BOTH_K for the sum. Fills all of @ru;
 * what Linux leaves 0, and what only the host knows (blocks read), is 0. @t may be a zombie. */
void task_rusage(struct task_struct *t, int who, struct rusage *ru);
/* @t, which is about to be released, leaves what it used to its process; a leader takes it along. */
void task_usage_of_dead(struct task_struct *t);
/* Adds the zombie @p, and what its own children used, to the children of its parent @t. */
void task_usage_inherit(struct task_struct *t, struct task_struct *p);

#endif

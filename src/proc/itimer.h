/* setitimer(2), alarm(2), RLIMIT_CPU and RLIMIT_RTTIME: timers of a process that end in a signal.
 *
 *	ITIMER_REAL            a timer of the event loop: may go off while nobody runs
 *	ITIMER_VIRTUAL, _PROF  on the process's CPU time, which the task loop looks at
 *	RLIMIT_CPU             as long as one of them is armed: cpu_timers_armed()
 *	RLIMIT_RTTIME          the same, of a real-time thread since it slept last
 *
 * Not for: POSIX timers (posix_timer.h), timerfd. Nothing here sleeps.
 * See: setitimer(2), getrlimit(2); Linux, kernel/time/itimer.c, posix-cpu-timers.c.
 */
#ifndef PROC_ITIMER_H
#define PROC_ITIMER_H

#include "base/types.h"

struct task_struct;

/* Nanoseconds. */
struct itimer_ns {
	u64 value_ns;	 /* until it goes off; 0: off */
	u64 interval_ns; /* and then again each time; 0: once */
};

/* @which is ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF; the caller has checked that. What is armed never
 * reads as 0. */
void itimer_get(struct task_struct *t, int which, struct itimer_ns *it);
void itimer_set(struct task_struct *t, int which, const struct itimer_ns *it);

/* SIGALRM of @t's process has been taken: ITIMER_REAL goes on, if it repeats. One whose signal is ignored or
 * blocked stands still, and reads as 0. See: Linux, posixtimer_rearm_itimer(). */
void itimer_rearm(struct task_struct *t);

/* Off with all of them: the process ends. */
void exit_itimers(struct task_struct *t);

/* Does @t's CPU time have to be watched? Then run_cpu_timers() each while. */
bool cpu_timers_armed(const struct task_struct *t);
/* Sends what is due: SIGVTALRM, SIGPROF, SIGXCPU, SIGKILL. @t is the current task. */
void run_cpu_timers(struct task_struct *t);

#endif

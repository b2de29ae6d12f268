/* POSIX timers of a process: timer_create(2) and its kin.
 *
 *	signal_struct.posix_timers --by id--> k_itimer --sigq--> a signal queue while its signal is pending
 *	                                         |-- wall clock: a timer of the event loop
 *	                                         '-- CPU clock:  signal_struct.cpu_timers of whose clock it is
 *
 * A timer has one queue entry, its own: however often it expires, one signal is pending, and what it
 * missed is its overrun. One that repeats stands still from its expiry until its signal is taken
 * (dequeue_signal()), and goes on from there; if the signal is ignored it waits on
 * signal_struct.ignored_posix_timers until somebody stops ignoring it.
 *
 *	DISARMED --set--> ARMED --expires--> REQUEUE_PENDING (repeats) --signal taken--> ARMED
 *	                                \--> DISARMED        (once)
 *
 * Not for: setitimer(2), alarm(2), RLIMIT_CPU (itimer.h), timerfd. Nothing here sleeps.
 * See: timer_create(2); Linux 6.18, kernel/time/posix-timers.c, posix-cpu-timers.c.
 */
#ifndef PROC_POSIX_TIMER_H
#define PROC_POSIX_TIMER_H

#include "base/event.h"
#include "base/treap.h"
#include "proc/itimer.h"
#include "proc/signal.h"

struct pid;
struct seq;
struct signal_struct;
struct task_struct;

/* struct sigevent of the kernel ABI, 64 bytes. */
struct k_sigevent {
	u64 value;
	s32 signo, notify;
	s32 tid;
	u8 pad[44];
};

enum posix_timer_status {
	POSIX_TIMER_DISARMED,
	POSIX_TIMER_ARMED,
	POSIX_TIMER_REQUEUE_PENDING, /* expired; goes on when its signal is taken */
};

struct k_itimer {
	/* Set once, by posix_timer_create(). */
	s32 id, clock;
	int notify;	     /* SIGEV_* */
	struct pid *target;  /* a reference: the process, or with SIGEV_THREAD_ID the thread */
	struct pid *cpu_pid; /* a reference: whose CPU time; NULL: a wall clock */
	struct machine *machine;
	struct signal_struct *owner; /* NULL once it is deleted */

	u32 refs;		 /* the owner's, and one while sigq is queued or on ignored */
	bool valid;		 /* whole, so calls find it: posix_timer_commit() */
	struct treap_node by_id; /* signal_struct.posix_timers */
	struct list_head list;	 /* signal_struct.posix_timer_list, newest first */

	/* Changed by setting, expiry and delivery. */
	enum posix_timer_status status;
	u64 interval_ns; /* 0: once */
	s64 expires_ns;	 /* wall clocks: of the machine's clock; CPU clocks: of that, 0: off */
	struct event_timer timer;  /* wall clocks, while armed */
	struct list_head cpu_list; /* CPU clocks, while armed: signal_struct.cpu_timers */
	s64 overrun, overrun_last; /* expiries nobody saw: now counted, of the last signal */

	/* Its signal. */
	struct sigqueue sigq;
	u32 signal_seq;		  /* moves on whenever what is queued has become stale */
	u32 sigqueue_seq;	  /* signal_seq, when sigq was queued */
	bool sig_periodic;	  /* it repeats, as of the last expiry */
	struct list_head ignored; /* signal_struct.ignored_posix_timers */
};

/* --- the calls ----------------------------------------------------------------------------------- */

/* A new timer of @t's process on clock @clk, which no call finds before posix_timer_commit() or
 * posix_timer_delete(), one of which is due. @ev NULL: SIGALRM with the number as its value. @id: the number
 * that it must have; -1: the next one. ERR_PTR(-EINVAL: no such clock, bad @ev; -EOPNOTSUPP: a clock
 * without timers; -EBUSY: @id is taken; -EAGAIN: no memory, RLIMIT_SIGPENDING). */
struct k_itimer *posix_timer_create(struct task_struct *t, s32 clk, const struct k_sigevent *ev,
				    s32 id);
/* Makes it whole. 0; -EINVAL: a CPU clock of nobody; -EOPNOTSUPP: an alarm clock, which wants hardware that
 * this machine lacks. */
int posix_timer_commit(struct task_struct *t, struct k_itimer *tmr);
/* @t's timer number @id; NULL: there is none. */
struct k_itimer *posix_timer_find(struct task_struct *t, s32 id);
/* What is left. */
void posix_timer_get(struct k_itimer *tmr, struct itimer_ns *it);
/* Sets it, with TIMER_ABSTIME in @flags to a time of its clock; *@old, unless NULL, is what was left. A
 * signal that is still pending is stale and will not come. 0; -ESRCH: whose CPU clock it is has gone. */
int posix_timer_set(struct k_itimer *tmr, int flags, const struct itimer_ns *it,
		    struct itimer_ns *old);
/* How often it expired between the last signal and its delivery, at most INT_MAX. */
int posix_timer_overrun(const struct k_itimer *tmr);
/* The end of it. Its pending signal will not come. */
void posix_timer_delete(struct k_itimer *tmr);

/* --- the process --------------------------------------------------------------------------------- */

/* Of a new process: none. */
void posix_timers_init(struct signal_struct *s);
/* exec and the end of a process: all are deleted. */
void exit_posix_timers(struct signal_struct *s);
/* The last thread's record goes: nobody's timer is on its CPU clocks any longer. */
void posix_cpu_timers_exit(struct signal_struct *s);
/* Fires what is due on the CPU clocks of @t's process and its threads. */
void run_posix_cpu_timers(struct task_struct *t);
/* /proc/PID/timers */
void posix_timers_show(const struct signal_struct *s, struct seq *out);

/* --- for signal.c -------------------------------------------------------------------------------- */

/* The timer's entry @q has been taken off its queue, for its signal to be delivered: its timer goes on if it
 * repeats, and the overrun goes into @info. False: the signal is stale, and is none. Drops the reference. */
bool posixtimer_deliver_signal(struct k_siginfo *info, struct sigqueue *q);
/* @q is off its queue, undelivered: drops the reference. */
void posixtimer_sigqueue_putref(struct sigqueue *q);
/* The same, because it is ignored by @t's process: the timer may come back. */
void posixtimer_sig_ignore(struct task_struct *t, struct sigqueue *q);
/* @sig is no longer ignored by @t's process: timers that expired meanwhile send it. */
void posixtimer_sig_unignore(struct task_struct *t, int sig);

#endif

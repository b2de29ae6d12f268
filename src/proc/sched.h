/* The scheduler: a round-robin queue of tasks on one CPU, each on its own kernel stack.
 *
 *	rq.queue: A - B - C      schedule() in task X: X to the end of the queue (if it wants to run on),
 *	rq.curr:  X              A's registers to the CPU, and on in A where it had called schedule()
 *	rq.idle:  the host's stack, which waits in the event loop when nobody wants to run
 *
 * A task that runs is not in the queue. It sleeps by setting its state, checking once more what it waits
 * for, and calling schedule(): wait_event() and its kin (base/wait.h) do that, through the struct sched
 * that sched_init() fills in. A wake-up puts it at the end of the queue.
 *
 * With --seed N slices have lengths that N decides, and who is woken may cut short the one who runs: another N,
 * another interleaving, and the same one again.
 *
 * Not for: the end of a slice of guest code (loop.c), priorities (there are none).
 * See: Linux, kernel/sched/core.c, whose words these are.
 */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "base/coro.h"
#include "base/list.h"
#include "base/wait.h"

struct machine;
struct task_struct;

#define SCHED_SLICE 2000000   /* guest instructions before another runnable task has its turn */
#define LOOK_SWITCHES 128     /* switches before somebody looks whether the world has changed */
#define SCHED_SLICE_MIN 128   /* ... when slices vary: from there to SCHED_SLICE */
#define BASE_SLICE_NS 700000L /* what Linux shows of it: the slice on one CPU */

/* Changed by sched.c only. */
struct rq {
	struct task_struct *curr; /* NULL: the idle loop (the host's stack) runs */
	struct list_head queue;	  /* of task_struct.run_list; curr is not on it */
	struct coro idle;	  /* where machine_run() waits */
	struct task_struct *dead; /* its stack may be freed once another one runs */
	u64 nr_switches;
	u64 slice_rng;		 /* state of next_slice() */
	u32 unseen;		 /* switches since somebody looked outside */
	void (*call)(void *arg); /* call_on_host_stack(): what the idle loop is to call */
	void *call_arg;
};

/* An empty queue, and m->sched. Once, by machine_init(). */
void sched_init(struct machine *m);

/* How long the next slice is, in guest instructions: SCHED_SLICE, or with machine_config.vary_slices a length
 * that the seed decides, each order of magnitude as often as any other. */
s64 next_slice(struct machine *m);

/* Makes @t runnable: a sleeping task goes to the end of the queue. True if it slept, or was about
 * to; false: it runs already, or is dead. Never sleeps, and does not switch. */
bool wake_up_process(struct task_struct *t);

/* Timers that are due, and descriptors of the host that are ready: whoever waits for them is woken. Done at the
 * end of a slice, and at each LOOK_SWITCHES-th switch, so that tasks that only hand the CPU to each other keep
 * nobody waiting. By the current task; never sleeps. */
void look_outside(struct machine *m);

/* Gives the CPU to the next runnable task, or to the idle loop. The current task has said in its
 * state where it belongs: TASK_RUNNING goes to the end of the queue. Returns when it runs again; in between
 * anything may have changed. */
void schedule(struct machine *m);
/* The current task's last words: never returns. The next one frees its stack, and with EXIT_DEAD
 * its record, too. */
void schedule_dead(struct machine *m) __noreturn;
/* Right after each switch, by whoever goes on, for a task's first time too: frees the stack of a task that
 * has just ended. */
void finish_switch(struct machine *m);

/* The idle loop, on the host's stack: runs tasks, sleeps in the event loop when there is none to
 * run; returns once @stop is set. */
void sched_run(struct machine *m, const bool *stop);

/* Calls fn(arg) on the host's own stack, for what needs more than a kernel stack has: libraries. By the
 * current task. @fn must not sleep; no other task runs meanwhile, and guest pages are not faulted in. */
void call_on_host_stack(struct machine *m, void (*fn)(void *arg), void *arg);

#endif

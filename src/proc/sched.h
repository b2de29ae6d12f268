/* The scheduler: tasks on one CPU, each on its own kernel stack.
 *
 *	rq.rt:    P - Q          by priority: whoever is there runs before those below
 *	rq.queue: A - B - C      schedule() in task X: X to the end of the queue (if it wants to run on),
 *	rq.curr:  X              A's registers to the CPU, and on in A where it had called schedule()
 *	rq.idle:  the host's stack, which waits in the event loop when nobody wants to run
 *
 * SCHED_FIFO and SCHED_RR are real-time: FIFO runs until it sleeps, yields or a higher priority wakes up, RR takes
 * turns with its equals, slice by slice. The others take turns in one queue, and the length of a slice is what their
 * weights (nice, SCHED_IDLE) differ in: the heaviest that wants to run has a whole one, and the shares of tasks that
 * only compute are as their weights. When real-time tasks have run for RT_RUNTIME while others waited, one of those
 * has a slice, so that nobody starves (Linux: the fair server). There are no groups: every task counts for itself,
 * and /proc/PID/autogroup is kept only.
 *
 * Who is more urgent than the one that runs (of a higher real-time priority; anybody, if that is SCHED_IDLE) has the
 * CPU as soon as a system call or the slice of that one ends, and not within guest code.
 *
 * A task that runs is not in the queue. It sleeps by setting its state, checking once more what it waits
 * for, and calling schedule(): wait_event() and its kin (base/wait.h) do that, through the struct sched
 * that sched_init() fills in. A wake-up puts it at the end of the queue.
 *
 * With --seed N slices have lengths that N decides, and who is woken may cut short the one who runs: another N,
 * another interleaving, and the same one again.
 *
 * Not for: the end of a slice of guest code (loop.c), who may have which priority (syscalls/sys_sched.c), what a lock's
 * owner inherits (futex_pi.c).
 * See: sched(7); Linux, kernel/sched/core.c, whose words these are.
 */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "base/coro.h"
#include "base/list.h"
#include "base/wait.h"

struct machine;
struct task_struct;

#define SCHED_SLICE 2000000 /* guest instructions before another runnable task has its turn */
/* Switches before somebody looks whether the world has changed; odd, so that of two tasks in turn it is now the one, now
 * the other whose CPU time is looked at. */
#define LOOK_SWITCHES 127
#define SCHED_SLICE_MIN 128 /* ... when slices vary: from there to SCHED_SLICE */
#define RT_RUNTIME                                                                                 \
	(19L *                                                                                     \
	 SCHED_SLICE) /* guest instructions of real-time tasks, and then one slice of others */
#define NR_WEIGHTS 41 /* nice -20 to 19, SCHED_IDLE */
#define BASE_SLICE_NS 700000L /* what Linux shows of it: the slice on one CPU */

/* Changed by sched.c only. */
struct rq {
	struct task_struct *curr;     /* NULL: the idle loop (the host's stack) runs */
	struct list_head rt;	      /* of task_struct.run_list, by priority; curr is not on it */
	struct list_head queue;	      /* the others', likewise */
	u32 nr_of_weight[NR_WEIGHTS]; /* how many in @queue; by task_weight_index() */
	u64 weights;		      /* bit set: there is one */
	bool preempt;		      /* somebody more urgent than curr waits */
	bool yield;		      /* curr is in sched_yield() */
	s64 given;		      /* the slice that curr began with */
	s64 rt_ran;	  /* instructions of real-time tasks since others ran, or did not want to */
	struct coro idle; /* where machine_run() waits */
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

/* The same for @t, by its weight and those of others that wait: at least SCHED_SLICE_MIN. */
s64 task_slice(struct task_struct *t);

/* What @t weighs against others: 1024 is nice 0, each step a quarter. See: Linux, sched_prio_to_weight. */
u32 task_weight(const struct task_struct *t);

/* Does anybody wait for the CPU? */
static inline bool sched_others(const struct rq *rq)
{
	return !list_empty(&rq->queue) || !list_empty(&rq->rt);
}

/* How @t is to be scheduled from now on, whatever it does at the moment: SCHED_*, 1 .. 99 for FIFO and RR, else 0,
 * -20 .. 19. May make the current task give way at the end of its system call. Never sleeps. */
void sched_set(struct task_struct *t, u32 policy, s32 rt_priority, s32 nice);
/* The same of the priority that it runs with for others' sake, who wait for its locks; 0: none. */
void sched_boost(struct task_struct *t, s32 rt_priority);
/* sched_yield(2): behind those that are as urgent as the current task. */
void sched_yield_current(struct machine *m);
/* The current task's slice is over, or it is to give way: others run if there are any. */
void sched_slice_over(struct task_struct *t);

/* Makes @t runnable: a sleeping task goes to the end of the queue. True if it slept, or was about
 * to; false: it runs already, or is dead. Never sleeps, and does not switch. */
bool wake_up_process(struct task_struct *t);

/* Timers that are due, those on the current task's CPU time, too, and descriptors of the host that are ready: whoever
 * waits for them is woken. Done at the end of a slice, and at each LOOK_SWITCHES-th switch, so that tasks that only hand the CPU to each other keep
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

/* Walks both queues: 0; -EFAULT: what waits does not agree with itself, its order, or the counts of weights; the log
 * says what. */
int sched_validate(const struct machine *m);

/* The idle loop, on the host's stack: runs tasks, sleeps in the event loop when there is none to
 * run; returns once @stop is set. */
void sched_run(struct machine *m, const bool *stop);

/* Calls fn(arg) on the host's own stack, for what needs more than a kernel stack has: libraries. By the
 * current task. @fn must not sleep; no other task runs meanwhile, and guest pages are not faulted in. */
void call_on_host_stack(struct machine *m, void (*fn)(void *arg), void *arg);

#endif

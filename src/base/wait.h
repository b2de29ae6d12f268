/* Wait queues, as the kernel's: a task that needs something sleeps until somebody says it is there.
 *
 *	wait_event(&pipe->rd_wait, !pipe_empty(pipe));          sleeper
 *	wake_up(&pipe->rd_wait);                                waker
 *
 * Sleeping itself is proc/'s: it fills in a struct sched_ops. The guest kernel runs under the
 * machine's lock, which block() gives up: after wait_event() whatever was held before must be
 * looked up again. Not for: timers (proc/ has them), choosing who runs.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include "base/err.h"
#include "base/list.h"
#include "base/types.h"

struct task_struct;

enum task_wait {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1,	  /* any signal ends it */
	TASK_UNINTERRUPTIBLE = 2, /* nothing but a wake-up does */
	TASK_KILLABLE = 4,	  /* a fatal signal does */
	TASK_STOPPED = 8,	  /* by a signal: SIGCONT or a fatal one does */
	TASK_TRACED = 16,	  /* for its tracer: ptrace(2) or a fatal signal does */
};

#define WAIT_FOREVER (~0UL)

/* Filled in by proc/, once. @arg is struct sched's. */
struct sched_ops {
	/* The task that runs now; NULL before there is one. */
	struct task_struct *(*current)(void *arg);
	/* The current task is about to sleep in @state (or no longer: TASK_RUNNING). A wake()
	 * that comes between this and block() makes block() return at once. */
	void (*set_current_state)(void *arg, enum task_wait state);
	/* Sleeps until wake(), a signal that @state lets through, or @deadline_ns (monotonic clock
	 * of the machine; WAIT_FOREVER). 0, or -ETIME if the deadline passed first. */
	int (*block)(void *arg, u64 deadline_ns);
	/* Makes @t runnable; true if it slept or was about to. */
	bool (*wake)(void *arg, struct task_struct *t);
	/* A signal is pending for the current task that ends a sleep in @state. */
	bool (*signal_pending)(void *arg, enum task_wait state);
};

/* One a machine; both are set by sched_init() in proc/. */
struct sched {
	const struct sched_ops *ops;
	void *arg;
};

struct wait_queue_head {
	/* Of wait_queue_entry: exclusive ones last, in the order they came. */
	struct list_head head;
	const struct sched *sched; /* set once */
	u32 key; /* EPOLL* that the wake-up going on tells of; 0: anything may have happened */
};

#define WQ_FLAG_EXCLUSIVE 1U

struct wait_queue_entry {
	struct list_head entry; /* empty: on no queue */
	struct task_struct *task;
	u32 flags;
	/* What wake_up() calls: true if it woke somebody. It may take the entry off the queue.
	 * Default: wakes the task and takes the entry off (autoremove_wake_function). epoll and
	 * poll bring their own. */
	bool (*func)(struct wait_queue_head *wq, struct wait_queue_entry *we);
	void *private;
};

/* @sched must outlive the queue. */
void init_waitqueue_head(struct wait_queue_head *wq, const struct sched *sched);
/* An entry for the current task with the default function, on no queue yet. */
void init_wait(struct wait_queue_head *wq, struct wait_queue_entry *we);
/* The default function: wakes the task and takes the entry off. True: it slept. See: kernel/sched/wait.c. */
bool autoremove_wake_function(struct wait_queue_head *wq, struct wait_queue_entry *we);

/* For entries with a function of their own: stay until removed. Exclusive ones go behind all others. */
void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *we);
void remove_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *we);

/* Enqueues @we unless it is on the queue, and sets the current task's state. */
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *we, enum task_wait state);
/* The same, woken one at a time: wake_up() stops after the first exclusive one. For what several tasks may
 * take one of: epoll_wait(2). */
void prepare_to_wait_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *we,
			       enum task_wait state);
/* After prepare_to_wait(), whatever came of it: running again, off the queue. */
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *we);
/* Sleeps as prepared. 0: woken, look again; -ERESTARTSYS: a signal that @state lets through; -ETIME:
 * @deadline_ns of the machine's clock is over (WAIT_FOREVER: never). */
int wait_block(struct wait_queue_head *wq, enum task_wait state, u64 deadline_ns);

/* Wake all non-exclusive waiters and up to @nr_exclusive exclusive ones (0: all). Returns how many
 * were woken. Never blocks. */
unsigned wake_up_nr(struct wait_queue_head *wq, unsigned nr_exclusive);

/* The usual wake-up: all who are not exclusive, and one who is. */
static inline unsigned wake_up(struct wait_queue_head *wq)
{
	return wake_up_nr(wq, 1);
}

static inline unsigned wake_up_all(struct wait_queue_head *wq)
{
	return wake_up_nr(wq, 0);
}

/* As wake_up() and wake_up_all(), and say what for: entries with a function of their own may leave out
 * what they did not ask for. @key: EPOLL*, and not 0. See: Linux, wake_up_poll(). */
static inline unsigned wake_up_poll(struct wait_queue_head *wq, u32 key)
{
	unsigned woken;

	wq->key = key;
	woken = wake_up_nr(wq, 1);
	wq->key = 0;
	return woken;
}

static inline unsigned wake_up_all_poll(struct wait_queue_head *wq, u32 key)
{
	unsigned woken;

	wq->key = key;
	woken = wake_up_nr(wq, 0);
	wq->key = 0;
	return woken;
}

static inline bool waitqueue_active(const struct wait_queue_head *wq)
{
	return !list_empty(&wq->head);
}

/* Sleeps until @cond, which is evaluated again after each wake-up. 0, -ERESTARTSYS or -ETIME; @cond
 * counts even when a signal or the deadline came together with it. */
#define wait_event_state(wq, cond, state, deadline_ns)                                             \
	({                                                                                         \
		struct wait_queue_entry _we;                                                       \
		int _err = 0;                                                                      \
		if (!(cond)) {                                                                     \
			init_wait(wq, &_we);                                                       \
			for (;;) {                                                                 \
				prepare_to_wait(wq, &_we, state);                                  \
				if (cond) {                                                        \
					_err = 0;                                                  \
					break;                                                     \
				}                                                                  \
				if (_err)                                                          \
					break;                                                     \
				_err = wait_block(wq, state, deadline_ns);                         \
			}                                                                          \
			finish_wait(wq, &_we);                                                     \
		}                                                                                  \
		_err;                                                                              \
	})

#define wait_event(wq, cond) ((void)wait_event_state(wq, cond, TASK_UNINTERRUPTIBLE, WAIT_FOREVER))
#define wait_event_interruptible(wq, cond)                                                         \
	wait_event_state(wq, cond, TASK_INTERRUPTIBLE, WAIT_FOREVER)
#define wait_event_killable(wq, cond) wait_event_state(wq, cond, TASK_KILLABLE, WAIT_FOREVER)
#define wait_event_interruptible_until(wq, cond, deadline_ns)                                      \
	wait_event_state(wq, cond, TASK_INTERRUPTIBLE, deadline_ns)

#endif

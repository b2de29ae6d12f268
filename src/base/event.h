/* What wakes a machine from outside: host descriptors and timers, in one epoll.
 *
 * A task that has to wait for the host sleeps on a wait queue here; when no task can run the
 * scheduler calls event_loop_run(), which sleeps in the host's epoll. Nothing else of Vellum
 * may block on the host.
 *
 *   task --event_wait_fd()--> wait queue <--event_fd.fn-- epoll --+
 *   ITIMER, sleep, flusher --event_timer--> sorted by expiry -----+-- event_loop_run(), when no task can run
 *
 * Not for: who runs next (proc/sched.c), readiness of files (fs/poll.h).
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/list.h"
#include "base/types.h"
#include "base/wait.h"

struct event_timer {
	struct list_head node; /* sorted by expiry */
	u64 expires_ns;	       /* of the loop's monotonic clock */
	void (*fn)(struct event_timer *t);
};

/* One who wants to know when a host descriptor is ready. Armed, it fires once; watching, at each change. */
struct event_fd {
	struct list_head node; /* in event_loop.armed while it waits to fire */
	int fd;		       /* in the epoll; -1: never armed, or removed */
	bool own_fd;	       /* a duplicate of ours: two may watch one descriptor */
	u32 events;	       /* EPOLL* it is armed for; 0: not; EPOLLET: fires each time */
	void (*fn)(struct event_fd *w, u32 revents); /* may wake; may not remove anybody */
};

/* Virtual time is the calendar's, too: its first moment is 2026-01-01 00:00:00 UTC. */
#define VIRTUAL_EPOCH_NS 1767225600000000000UL

struct event_loop {
	int epfd;		 /* set once */
	struct list_head timers; /* of event_timer, the next one first */
	struct list_head armed;	 /* of event_fd */
	/* The machine's monotonic clock, virtual or real; NULL: the host's. Set by proc/ at boot. */
	u64 (*now_ns)(void *arg);
	void *now_arg;
	/* virtual time: instead of sleeping for a timer the clock is moved on; NULL: real */
	void (*advance_to)(void *arg, u64 ns);
	/* How a task sleeps; set by proc/ after event_loop_init(). NULL, or no current task: the
	 * waits below block the host thread instead (boot, tests). */
	const struct sched *sched;
	u64 epoch; /* moved on whenever the world outside may have acted: a wait, a host read */
};

/* An empty loop; what the machine brings (clock, sched) is set afterwards. 0 or -errno. */
int event_loop_init(struct event_loop *l);
/* Closes the epoll; timers and watches must be gone. */
void event_loop_destroy(struct event_loop *l);
/* The loop's clock, in ns. */
u64 event_now(const struct event_loop *l);
/* @t->fn is called once, from event_loop_run(), when the clock shows @expires_ns; it may set @t again.
 * @t is not pending, and the caller's: it must live until it has fired or is deleted. */
void event_timer_add(struct event_loop *l, struct event_timer *t, u64 expires_ns);
void event_timer_del(struct event_timer *t); /* fine when not pending */
/* Is it set and has not fired? Fine for one that is all zero. */
bool event_timer_pending(const struct event_timer *t);
/* Runs what is due; with @block the host thread sleeps until something is (a host signal also ends
 * it), or virtual time is moved on. */
void event_loop_run(struct event_loop *l, bool block);

/* @w->fn is set; the rest is made here. */
static inline void event_fd_init(struct event_fd *w, void (*fn)(struct event_fd *w, u32 revents))
{
	INIT_LIST_HEAD(&w->node);
	w->fd = -1;
	w->own_fd = false;
	w->events = 0;
	w->fn = fn;
}
/* Arms @w for @events of host descriptor @fd, which is always the same for one @w and stays open until
 * event_fd_del(). 0; -EPERM: a descriptor that epoll refuses is always ready; -errno. */
int event_fd_arm(struct event_loop *l, struct event_fd *w, int fd, u32 events);
/* @w fires at every change of @fd from now on, whatever it was ready for before, until event_fd_del(); at once if it is
 * ready for something. Nothing if it does already. 0 or -errno. See: epoll(7), edge-triggered. */
int event_fd_watch(struct event_loop *l, struct event_fd *w, int fd);
void event_fd_del(struct event_loop *l, struct event_fd *w); /* fine when never armed */

/* Blocks the current task (or, without one, the host thread) until @fd is ready for @events (EPOLLIN,
 * EPOLLOUT), a signal is pending (-EINTR: `wait.h` signal_pending) or @timeout_ns passes (-ETIMEDOUT;
 * ~0: never). A descriptor that epoll refuses (regular file) is always ready. 0, -EINTR, -ETIMEDOUT. */
int event_wait_fd(struct event_loop *l, int fd, u32 events, u64 timeout_ns);

#endif

/* The event loop: one epoll, a sorted list of timers. See event.h.
 *
 * Descriptors are in the epoll once for each who wants to know, armed to fire once: two tasks may
 * wait for one descriptor, which epoll allows through a duplicate.
 */
#include "base/event.h"

#include "base/host_fs.h"

#define NSEC_PER_SEC 1000000000UL

/* A task that sleeps until a descriptor is ready; on its stack. */
struct fd_waiter {
	struct event_fd watch;
	struct wait_queue_head wq;
	bool ready;
};

u64 event_now(const struct event_loop *l)
{
	return l->now_ns ? l->now_ns(l->now_arg) : host_clock_ns(CLOCK_MONOTONIC);
}

int event_loop_init(struct event_loop *l)
{
	int fd = host_epoll_create();

	if (fd < 0)
		return fd;
	l->epfd = fd;
	INIT_LIST_HEAD(&l->timers);
	INIT_LIST_HEAD(&l->armed);
	l->epoch = 1;
	return 0;
}

void event_loop_destroy(struct event_loop *l)
{
	host_close(l->epfd);
	l->epfd = -1;
}

void event_timer_add(struct event_loop *l, struct event_timer *t, u64 expires_ns)
{
	struct list_head *at = l->timers.prev;

	/* From the end: equal times fire in the order in which they were set. */
	while (at != &l->timers &&
	       list_entry(at, struct event_timer, node)->expires_ns > expires_ns)
		at = at->prev;
	t->expires_ns = expires_ns;
	list_add(&t->node, at);
}

bool event_timer_pending(const struct event_timer *t)
{
	return t->node.next && !list_empty(&t->node);
}

void event_timer_del(struct event_timer *t)
{
	if (event_timer_pending(t))
		list_del_init(&t->node);
}

static struct event_timer *first_timer(const struct event_loop *l)
{
	return list_empty(&l->timers) ? NULL
				      : list_first_entry(&l->timers, struct event_timer, node);
}

/* True if any timer was due. */
static bool run_timers(struct event_loop *l)
{
	struct event_timer *t = first_timer(l);
	bool ran = false;
	u64 now;

	if (!t)
		return false;
	now = event_now(l);
	while (t && t->expires_ns <= now) {
		list_del_init(&t->node);
		t->fn(t);
		ran = true;
		t = first_timer(l);
	}
	return ran;
}

/* Tells whoever waits for a descriptor that is ready now. */
static bool run_fds(struct event_loop *l)
{
	struct epoll_event ev[16];
	int i, n;

	if (list_empty(&l->armed))
		return false;
	n = host_epoll_wait(l->epfd, ev, ARRAY_SIZE(ev));
	for (i = 0; i < n; i++) {
		struct event_fd *w = ev[i].data.ptr;

		if (!(w->events & EPOLLET)) {
			w->events = 0;
			list_del_init(&w->node);
		}
		w->fn(w, ev[i].events);
	}
	if (n > 0)
		l->epoch++;
	return n > 0;
}

static u64 sleep_length(const struct event_loop *l)
{
	struct event_timer *t = first_timer(l);
	u64 now;

	if (!t)
		return ~0UL;
	now = event_now(l);
	return t->expires_ns > now ? t->expires_ns - now : 0;
}

void event_loop_run(struct event_loop *l, bool block)
{
	bool acted = run_timers(l);
	struct event_timer *t;

	acted |= run_fds(l);
	if (acted || !block)
		return;
	t = first_timer(l);
	if (t && l->advance_to) {
		l->advance_to(l->now_arg, t->expires_ns);
	} else {
		/* An epoll is itself a descriptor that polls readable; ppoll has nanoseconds. */
		host_poll(l->epfd, EPOLLIN, sleep_length(l));
		l->epoch++;
		run_fds(l);
	}
	run_timers(l);
}

static bool can_sleep(const struct event_loop *l)
{
	return l->sched && l->sched->ops->current(l->sched->arg);
}

static u64 deadline_after(const struct event_loop *l, u64 timeout_ns)
{
	u64 now = event_now(l);

	return timeout_ns > WAIT_FOREVER - 1 - now ? WAIT_FOREVER : now + timeout_ns;
}

/* Puts @w into the epoll for the first time. */
static int watch_add(struct event_loop *l, struct event_fd *w, int fd, u32 events)
{
	int err = host_epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, events, w);

	if (err == -EEXIST) {
		fd = host_dup(fd);
		if (fd < 0)
			return fd;
		w->own_fd = true;
		err = host_epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, events, w);
		if (err) {
			host_close(fd);
			w->own_fd = false;
		}
	}
	if (!err)
		w->fd = fd;
	return err;
}

int event_fd_arm(struct event_loop *l, struct event_fd *w, int fd, u32 events)
{
	int err;

	if (w->events == events)
		return 0;
	if (w->fd < 0)
		err = watch_add(l, w, fd, events | EPOLLONESHOT);
	else
		err = host_epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, events | EPOLLONESHOT, w);
	if (err)
		return err;
	if (!w->events)
		list_add_tail(&w->node, &l->armed);
	w->events = events;
	return 0;
}

int event_fd_watch(struct event_loop *l, struct event_fd *w, int fd)
{
	u32 events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
	int err;

	if (w->fd >= 0)
		return 0;
	err = watch_add(l, w, fd, events);
	if (err)
		return err;
	list_add_tail(&w->node, &l->armed);
	w->events = events;
	return 0;
}

void event_fd_del(struct event_loop *l, struct event_fd *w)
{
	if (w->fd < 0)
		return;
	list_del_init(&w->node);
	host_epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, 0, NULL);
	if (w->own_fd)
		host_close(w->fd);
	w->fd = -1;
	w->events = 0;
}

static void fd_ready(struct event_fd *watch, u32 revents __unused)
{
	struct fd_waiter *w = container_of(watch, struct fd_waiter, watch);

	w->ready = true;
	wake_up(&w->wq);
}

int event_wait_fd(struct event_loop *l, int fd, u32 events, u64 timeout_ns)
{
	struct fd_waiter w;
	int err = host_poll(fd, events, 0);

	l->epoch++;
	if (err > 0)
		return 0;
	if (!can_sleep(l)) {
		err = host_poll(fd, events, timeout_ns);
		return err > 0 ? 0 : err ? err : -ETIMEDOUT;
	}
	event_fd_init(&w.watch, fd_ready);
	init_waitqueue_head(&w.wq, l->sched);
	w.ready = false;
	err = event_fd_arm(l, &w.watch, fd, events);
	if (err == -EPERM) /* a kind of file that is always ready */
		return 0;
	if (err)
		return err;
	err = wait_event_interruptible_until(
		&w.wq, w.ready,
		timeout_ns == WAIT_FOREVER ? WAIT_FOREVER : deadline_after(l, timeout_ns));
	event_fd_del(l, &w.watch);
	l->epoch++;
	return !err ? 0 : err == -ETIME ? -ETIMEDOUT : -EINTR;
}

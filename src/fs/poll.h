/* Readiness of files, as the kernel's poll: a file tells what it is ready for, and on which wait
 * queues it will say when that changes.
 *
 *	unsigned mask = f_op->poll(f, pt)
 *	    poll_wait(f, &pipe->rd_wait, pt)    pt->qproc puts an entry of the poller's on the queue
 *
 * poll_wqueues is one poller's entries, for as long as a poll(2) or select(2) lasts. epoll has a qproc of its
 * own and stays on the queues (eventpoll.h): poll_wait() is due at each call, whatever @f is ready for.
 *
 *	poll_wqueues --entries--> wait_queue_entry --> pipe->rd_wait      woken: triggered, and the task runs
 *	                      \-> wait_queue_entry --> sk->wq             it asks all files again
 *
 * Not for: the arrays and sets of poll(2) and select(2) (syscalls/sys_poll.c), readiness of the host's
 * descriptors (base/event.h). See: Linux, include/linux/poll.h, fs/select.c.
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include <sys/epoll.h>

#include "base/wait.h"
#include "fs/file.h"

#define DEFAULT_POLLMASK (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

/* What a poller hands to f_op->poll(); NULL there: it only asks, and will not sleep. */
struct poll_table {
	/* Puts an entry of the poller's on @wq; NULL: it has one there already. */
	void (*qproc)(struct file *f, struct wait_queue_head *wq, struct poll_table *pt);
	u32 key;   /* EPOLL* that the poller asks for, EPOLLERR and EPOLLHUP always with them */
	int error; /* -ENOMEM: an entry could not be made, so the poller must not sleep */
	bool lasting; /* epoll: entries stay on their queues behind the call, and are told of each change */
};

/* For f_op->poll(): @wq is called when what it says may have changed. */
static inline void poll_wait(struct file *f, struct wait_queue_head *wq, struct poll_table *pt)
{
	if (pt && pt->qproc)
		pt->qproc(f, wq, pt);
}

/* What @f is ready for now: EPOLL*. Never sleeps. */
static inline unsigned vfs_poll(struct file *f, struct poll_table *pt)
{
	return f->f_op->poll ? f->f_op->poll(f, pt) : DEFAULT_POLLMASK;
}

/* Can one wait for @f at all? Regular files and directories are always ready, and epoll refuses them. */
static inline bool file_can_poll(const struct file *f)
{
	return f->f_op->poll;
}

#define POLLFREE 0x4000U /* a wake-up's key: the queue goes, and each entry must leave it now */

/* For a queue that may end before the files that poll it (a task's, of signalfd's): its pollers leave. */
static inline void wake_up_pollfree(struct wait_queue_head *wq)
{
	wake_up_all_poll(wq, EPOLLHUP | POLLFREE);
}

struct poll_entry_wait {
	struct wait_queue_entry wait;
	struct file *file; /* a reference: the queue lives in it */
	u32 key;	   /* EPOLL*: what this file is asked for */
};

#define POLL_INLINE 4U
#define POLL_CHUNK 60U

struct poll_chunk {
	struct poll_chunk *next;
	u32 nr;
	struct poll_entry_wait entries[POLL_CHUNK];
};

/* On the poller's stack. */
struct poll_wqueues {
	struct poll_table pt;
	const struct sched *sched;
	struct memory *mem;
	struct task_struct *task;
	bool triggered; /* somebody called since poll_schedule() last returned */
	u32 nr;		/* inline entries in use */
	struct poll_chunk *chunks;
	struct poll_entry_wait entries[POLL_INLINE];
};

/* Empty, for the current task of @v's machine; poll_freewait() is due. */
void poll_initwait(struct poll_wqueues *pwq, struct vfs *v);
/* Takes every entry off its queue. */
void poll_freewait(struct poll_wqueues *pwq);
/* Sleeps until one of the queues calls, or has called since it last returned. 0, -EINTR (a signal), -ETIME
 * (@deadline_ns of the machine's clock has passed). */
int poll_schedule(struct poll_wqueues *pwq, u64 deadline_ns);

#endif

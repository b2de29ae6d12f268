/* Readiness of files, as the kernel's poll: a file tells what it is ready for, and on which wait
 * queues it will say when that changes.
 *
 *	unsigned mask = f_op->poll(f, pt)
 *	    poll_wait(f, &pipe->rd_wait, pt)    pt->qproc puts an entry of the poller's on the queue
 *
 * poll_wqueues is one poller's entries, for as long as a poll(2) or select(2) lasts. epoll brings a
 * qproc of its own.
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
};

static inline void poll_wait(struct file *f, struct wait_queue_head *wq, struct poll_table *pt)
{
	if (pt && pt->qproc)
		pt->qproc(f, wq, pt);
}

/* What @f is ready for now. */
static inline unsigned vfs_poll(struct file *f, struct poll_table *pt)
{
	return f->f_op->poll ? f->f_op->poll(f, pt) : DEFAULT_POLLMASK;
}

struct poll_entry_wait {
	struct wait_queue_entry wait;
	struct file *file; /* a reference: the queue lives in it */
};

#define POLL_INLINE 4U
#define POLL_CHUNK 60U

struct poll_chunk {
	struct poll_chunk *next;
	u32 nr;
	struct poll_entry_wait entries[POLL_CHUNK];
};

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

/* For the current task of @v's machine. */
void poll_initwait(struct poll_wqueues *pwq, struct vfs *v);
/* Takes every entry off its queue. */
void poll_freewait(struct poll_wqueues *pwq);
/* Sleeps until one of the queues calls. 0, -EINTR (a signal), -ETIME (@deadline_ns has passed). */
int poll_schedule(struct poll_wqueues *pwq, u64 deadline_ns);

#endif

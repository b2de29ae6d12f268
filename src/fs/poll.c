/* The wait queue entries of one poller. See poll.h. */
#include "fs/poll.h"

#include "base/err.h"

static bool pollwake(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	struct poll_wqueues *pwq = we->private;

	if (wq->key && !(wq->key & container_of(we, struct poll_entry_wait, wait)->key))
		return false;
	pwq->triggered = true;
	return wq->sched->ops->wake(wq->sched->arg, pwq->task);
}

static struct poll_entry_wait *new_entry(struct poll_wqueues *pwq)
{
	struct poll_chunk *c = pwq->chunks;

	if (pwq->nr < POLL_INLINE)
		return &pwq->entries[pwq->nr++];
	if (!c || c->nr == POLL_CHUNK) {
		c = kmalloc(pwq->mem, sizeof(*c), GFP_KERNEL);
		if (!c)
			return NULL;
		c->nr = 0;
		c->next = pwq->chunks;
		pwq->chunks = c;
	}
	return &c->entries[c->nr++];
}

static void pollwait(struct file *f, struct wait_queue_head *wq, struct poll_table *pt)
{
	struct poll_wqueues *pwq = container_of(pt, struct poll_wqueues, pt);
	struct poll_entry_wait *e = new_entry(pwq);

	if (!e) {
		pt->error = -ENOMEM;
		return;
	}
	get_file(f);
	e->file = f;
	e->key = pt->key;
	e->wait = (struct wait_queue_entry){
		.task = pwq->task,
		.func = pollwake,
		.private = pwq,
	};
	add_wait_queue(wq, &e->wait);
}

void poll_initwait(struct poll_wqueues *pwq, struct vfs *v)
{
	pwq->pt = (struct poll_table){.qproc = pollwait};
	pwq->sched = v->events->sched;
	pwq->mem = v->mem;
	pwq->task = pwq->sched->ops->current(pwq->sched->arg);
	pwq->triggered = false;
	pwq->nr = 0;
	pwq->chunks = NULL;
}

static void free_entries(struct poll_entry_wait *e, u32 nr)
{
	for (; nr--; e++) {
		remove_wait_queue(NULL, &e->wait);
		fput(e->file);
	}
}

void poll_freewait(struct poll_wqueues *pwq)
{
	struct poll_chunk *c = pwq->chunks, *next;

	free_entries(pwq->entries, pwq->nr);
	for (; c; c = next) {
		next = c->next;
		free_entries(c->entries, c->nr);
		kfree(pwq->mem, c);
	}
}

int poll_schedule(struct poll_wqueues *pwq, u64 deadline_ns)
{
	const struct sched_ops *ops = pwq->sched->ops;
	void *arg = pwq->sched->arg;
	int err = 0;

	ops->set_current_state(arg, TASK_INTERRUPTIBLE);
	if (!pwq->triggered) {
		err = ops->signal_pending(arg, TASK_INTERRUPTIBLE) ? -EINTR
								   : ops->block(arg, deadline_ns);
	}
	ops->set_current_state(arg, TASK_RUNNING);
	pwq->triggered = false;
	return err;
}

/* Wait queues. Everything here runs under the machine's lock, so between prepare_to_wait() and
 * block() nothing else runs but what the condition itself calls. */
#include "base/wait.h"

#include "base/bug.h"

void init_waitqueue_head(struct wait_queue_head *wq, const struct sched *sched)
{
	INIT_LIST_HEAD(&wq->head);
	wq->sched = sched;
	wq->key = 0;
}

bool autoremove_wake_function(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	bool woke = wq->sched->ops->wake(wq->sched->arg, we->task);

	if (woke)
		list_del_init(&we->entry);
	return woke;
}

void init_wait(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	*we = (struct wait_queue_entry){
		.task = wq->sched->ops->current(wq->sched->arg),
		.func = autoremove_wake_function,
	};
	INIT_LIST_HEAD(&we->entry);
}

void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	VM_BUG_ON(!we->func);
	/* Exclusive ones stand behind all others, so that a wake-up reaches those first. */
	if (we->flags & WQ_FLAG_EXCLUSIVE)
		list_add_tail(&we->entry, &wq->head);
	else
		list_add(&we->entry, &wq->head);
}

void remove_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	(void)wq;
	list_del_init(&we->entry);
}

static void prepare(struct wait_queue_head *wq, struct wait_queue_entry *we, enum task_wait state)
{
	if (list_empty(&we->entry))
		add_wait_queue(wq, we);
	wq->sched->ops->set_current_state(wq->sched->arg, state);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *we, enum task_wait state)
{
	we->flags &= ~WQ_FLAG_EXCLUSIVE;
	prepare(wq, we, state);
}

void prepare_to_wait_exclusive(struct wait_queue_head *wq, struct wait_queue_entry *we,
			       enum task_wait state)
{
	we->flags |= WQ_FLAG_EXCLUSIVE;
	prepare(wq, we, state);
}

void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *we)
{
	wq->sched->ops->set_current_state(wq->sched->arg, TASK_RUNNING);
	list_del_init(&we->entry);
}

int wait_block(struct wait_queue_head *wq, enum task_wait state, u64 deadline_ns)
{
	const struct sched *s = wq->sched;
	int err;

	if (s->ops->signal_pending(s->arg, state))
		return -ERESTARTSYS;
	err = s->ops->block(s->arg, deadline_ns);
	if (!err && s->ops->signal_pending(s->arg, state))
		return -ERESTARTSYS;
	return err;
}

unsigned wake_up_nr(struct wait_queue_head *wq, unsigned nr_exclusive)
{
	struct wait_queue_entry *we, *next;
	unsigned woken = 0;

	list_for_each_entry_safe (we, next, &wq->head, entry) {
		u32 flags = we->flags; /* @we may be gone after its function */

		if (!we->func(wq, we))
			continue;
		woken++;
		if ((flags & WQ_FLAG_EXCLUSIVE) && !--nr_exclusive)
			break;
	}
	return woken;
}

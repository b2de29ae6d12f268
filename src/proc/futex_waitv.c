/* Waiting for one of several words. See futex.h; Linux, kernel/futex/waitwake.c, futex_wait_multiple(). */
#include "proc/futex_internal.h"

/* Takes all off their lists. The first that was woken, or -1. */
static int unqueue(struct futex_q *q, u32 nr)
{
	int woken = -1;

	for (u32 i = nr; i-- > 0;) {
		if (list_empty(&q[i].link))
			woken = (int)i;
		list_del_init(&q[i].link);
	}
	return woken;
}

/* Queues all, if each word has its value at this one moment. 0; -EAGAIN: one has not; -EFAULT: *@uaddr is
 * not present. Never sleeps. */
static int queue_all(struct task_struct *t, const struct futex_wanted *w, struct futex_q *q, u32 nr,
		     gva_t *uaddr)
{
	u32 seen;

	for (u32 i = 0; i < nr; i++) {
		*uaddr = w[i].uaddr;
		if (futex_peek(t, w[i].uaddr, &seen))
			return -EFAULT;
		if (seen != w[i].val)
			return -EAGAIN;
	}
	for (u32 i = 0; i < nr; i++)
		futex_queue(t->machine, &q[i]);
	return 0;
}

static int setup(struct task_struct *t, const struct futex_wanted *w, struct futex_q *q, u32 nr,
		 struct wait_queue_head *wq)
{
	gva_t uaddr;
	int err;

	for (;;) {
		for (u32 i = 0; i < nr; i++) {
			q[i] = (struct futex_q){
				.task = t, .wq = wq, .bitset = FUTEX_BITSET_MATCH_ANY};
			INIT_LIST_HEAD(&q[i].link);
			err = futex_get_key(t, w[i].uaddr, w[i].shared, false, &q[i].key);
			if (err)
				return err;
		}
		err = queue_all(t, w, q, nr, &uaddr);
		if (err != -EFAULT || fault_in_user(t->mm, uaddr, sizeof(u32), false))
			return err;
	}
}

static bool any_woken(const struct futex_q *q, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (list_empty(&q[i].link))
			return true;
	return false;
}

int futex_wait_multiple(struct task_struct *t, const struct futex_wanted *w, u32 nr,
			u64 deadline_ns)
{
	struct futex_q *q = kcalloc(&t->machine->mem, nr, sizeof(*q), GFP_KERNEL);
	struct wait_queue_head wq;
	int err, woken;

	if (!q)
		return -ENOMEM;
	init_waitqueue_head(&wq, &t->machine->sched);
	err = setup(t, w, q, nr, &wq);
	if (!err) {
		err = wait_event_interruptible_until(&wq, any_woken(q, nr), deadline_ns);
		woken = unqueue(q, nr);
		if (woken >= 0)
			err = woken;
		else if (err == -ETIME)
			err = -ETIMEDOUT;
	}
	kfree(&t->machine->mem, q);
	return err;
}

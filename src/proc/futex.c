/* Who waits stands in a list by what its word is; the record is on its kernel stack. A waker takes
 * records off, and that is all a sleeper looks at when it wakes.
 *
 *	machine.futexes[hash] -> futex_q -> futex_q ...		in the order they came
 *
 * From looking at a word to standing in the list nothing sleeps, so no change is missed: what has to
 * be faulted in is, and then all is looked at again.
 */
#include "proc/futex_internal.h"

void futex_init(struct machine *m)
{
	for (unsigned i = 0; i < FUTEX_HASH_SIZE; i++)
		INIT_LIST_HEAD(&m->futexes[i]);
}

struct list_head *futex_bucket(struct machine *m, const struct user_word *key)
{
	u64 mixed = (key->object ^ (key->offset >> 2)) * 0x9e3779b97f4a7c15UL;

	return &m->futexes[mixed >> 32 & (FUTEX_HASH_SIZE - 1)];
}

int futex_get_key(struct task_struct *t, gva_t uaddr, bool shared, bool write,
		  struct user_word *key)
{
	if (uaddr % sizeof(u32))
		return -EINVAL;
	/* Not access_ok(): Linux's, of so few bytes, lets the first address behind through. */
	if (uaddr > TASK_SIZE)
		return -EFAULT;
	if (shared)
		return user_word_shared(t->mm, uaddr, write, key);
	user_word_private(t->mm, uaddr, key);
	return 0;
}

static int get_pair(struct task_struct *t, const struct futex_pair *p, bool write2,
		    struct user_word *key, struct user_word *key2)
{
	int err = futex_get_key(t, p->uaddr, p->shared, false, key);

	return err ? err : futex_get_key(t, p->uaddr2, p->shared2, write2, key2);
}

int futex_peek(struct task_struct *t, gva_t uaddr, u32 *val)
{
	int err;

	pagefault_disable(t->mm->mem);
	err = get_user(t->mm, *val, uaddr);
	pagefault_enable(t->mm->mem);
	return err;
}

/* --- waiting and waking ---------------------------------------------------------------------- */

int futex_key_and_value(struct task_struct *t, gva_t uaddr, bool shared, struct user_word *key,
			u32 *val)
{
	for (;;) {
		int err = futex_get_key(t, uaddr, shared, false, key);

		if (err || !futex_peek(t, uaddr, val))
			return err;
		if (fault_in_user(t->mm, uaddr, sizeof(u32), false))
			return -EFAULT;
	}
}

void futex_queue(struct machine *m, struct futex_q *q)
{
	struct list_head *head = futex_bucket(m, &q->key);
	struct futex_q *other;

	if (unlikely(task_rt_priority(q->task))) {
		list_for_each_entry (other, head, link) {
			if (task_rt_priority(other->task) < task_rt_priority(q->task)) {
				list_add_tail(&q->link, &other->link);
				return;
			}
		}
	}
	list_add_tail(&q->link, head);
}

int futex_wait(struct task_struct *t, gva_t uaddr, bool shared, u32 val, u32 bitset,
	       u64 deadline_ns)
{
	struct wait_queue_head wq;
	struct futex_q q = {.task = t, .wq = &wq, .bitset = bitset};
	u32 seen;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_and_value(t, uaddr, shared, &q.key, &seen);
	if (err)
		return err;
	if (seen != val)
		return -EAGAIN;

	init_waitqueue_head(&wq, &t->machine->sched);
	futex_queue(t->machine, &q);
	err = wait_event_interruptible_until(&wq, list_empty(&q.link), deadline_ns);
	list_del_init(&q.link);
	return err == -ETIME ? -ETIMEDOUT : err;
}

void futex_wake_q(struct futex_q *q)
{
	list_del_init(&q->link);
	wake_up(q->wq);
}

static int wake_key(struct machine *m, const struct user_word *key, s32 nr, u32 bitset)
{
	struct futex_q *q, *next;
	int woken = 0;

	list_for_each_entry_safe (q, next, futex_bucket(m, key), link) {
		if (!futex_match(q, key))
			continue;
		if (q->pi || q->requeue_key) /* locks are handed over by other calls */
			return -EINVAL;
		if (!(q->bitset & bitset))
			continue;
		futex_wake_q(q);
		if (++woken >= nr)
			break;
	}
	return woken;
}

int futex_wake(struct task_struct *t, gva_t uaddr, bool shared, s32 nr, u32 bitset)
{
	struct user_word key;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_get_key(t, uaddr, shared, false, &key);
	return err ? err : wake_key(t->machine, &key, nr, bitset);
}

int futex_check(struct task_struct *t, gva_t uaddr, bool shared)
{
	struct user_word key;

	return futex_get_key(t, uaddr, shared, false, &key);
}

/* --- two words ------------------------------------------------------------------------------- */

static int requeue_key(struct machine *m, const struct futex_pair *p, const struct user_word *key,
		       const struct user_word *key2)
{
	struct list_head *from = futex_bucket(m, key), *to = futex_bucket(m, key2);
	struct futex_q *q, *next;
	s64 done = 0;

	list_for_each_entry_safe (q, next, from, link) {
		if (done - p->nr >= p->nr2)
			break;
		if (!futex_match(q, key))
			continue;
		if (q->pi || q->requeue_key)
			return -EINVAL;
		if (++done <= p->nr) {
			futex_wake_q(q);
			continue;
		}
		if (to != from)
			list_move_tail(&q->link, to);
		q->key = *key2;
	}
	return (int)done; /* waiters: fewer than pids */
}

int futex_requeue(struct task_struct *t, const struct futex_pair *p, const u32 *cmpval)
{
	struct user_word key, key2;
	u32 seen;
	int err;

	if (p->nr < 0 || p->nr2 < 0)
		return -EINVAL;
	for (;;) {
		err = get_pair(t, p, false, &key, &key2);
		if (err)
			return err;
		if (!cmpval || !futex_peek(t, p->uaddr, &seen))
			break;
		if (fault_in_user(t->mm, p->uaddr, sizeof(u32), false))
			return -EFAULT;
	}
	if (cmpval && seen != *cmpval)
		return -EAGAIN;
	return requeue_key(t->machine, p, &key, &key2);
}

static s32 sign_extend12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

/* The word's next value: 0 or -ENOSYS. */
static int apply_op(u32 op, u32 old, u32 *val)
{
	u32 arg = sign_extend12(op >> 12 & 0xfff);

	if (op & (u32)FUTEX_OP_OPARG_SHIFT << 28)
		arg = 1U << (arg & 31);
	switch (op >> 28 & 7) {
	case FUTEX_OP_SET:
		*val = arg;
		return 0;
	case FUTEX_OP_ADD:
		*val = old + arg;
		return 0;
	case FUTEX_OP_OR:
		*val = old | arg;
		return 0;
	case FUTEX_OP_ANDN:
		*val = old & ~arg;
		return 0;
	case FUTEX_OP_XOR:
		*val = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

/* Does the old value compare so? -ENOSYS: there is no such comparison. */
static int compare_op(u32 op, s32 old)
{
	s32 arg = sign_extend12(op & 0xfff);

	switch (op >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_GE:
		return old >= arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	default:
		return -ENOSYS;
	}
}

/* Changes the word at once, or not at all: -EFAULT, -ENOSYS. Never sleeps. */
static int change_word(struct task_struct *t, gva_t uaddr, u32 op, u32 *old)
{
	u32 val;
	int err;

	err = apply_op(op, 0, &val);
	if (!err)
		err = futex_peek(t, uaddr, old);
	if (err)
		return err;
	(void)apply_op(op, *old, &val);
	pagefault_disable(t->mm->mem);
	err = put_user(t->mm, val, uaddr);
	pagefault_enable(t->mm->mem);
	return err;
}

int futex_wake_op(struct task_struct *t, const struct futex_pair *p, u32 op)
{
	struct user_word key, key2;
	int err, woken, second;
	u32 old;

	for (;;) {
		err = get_pair(t, p, true, &key, &key2);
		if (err)
			return err;
		err = change_word(t, p->uaddr2, op, &old);
		if (err != -EFAULT)
			break;
		err = fault_in_user(t->mm, p->uaddr2, sizeof(u32), true);
		if (err)
			return err;
	}
	second = err ? err : compare_op(op, old);
	if (second < 0)
		return second;
	woken = wake_key(t->machine, &key, p->nr, FUTEX_BITSET_MATCH_ANY);
	if (woken < 0 || !second)
		return woken;
	second = wake_key(t->machine, &key2, p->nr2, FUTEX_BITSET_MATCH_ANY);
	return second < 0 ? second : woken + second;
}

/* Locks whose word says who holds them: the holder's number, FUTEX_WAITERS, FUTEX_OWNER_DIED. As long as
 * somebody waits there is a struct futex_pi, and the kernel hands the lock over:
 *
 *	task.pi_owned --> futex_pi <-- futex_q, futex_q ...	in the hash, by the word
 *	       owner <------'
 *
 * Whoever holds a lock that a real-time task waits for runs with the priority of that one until it gives it back:
 * task.rt_boost, by pi_inherit(). Nice values are not inherited, in Linux neither.
 *
 * See: futex(2), PRIORITY-INHERITANCE FUTEXES; Linux, kernel/futex/pi.c, requeue.c.
 */
#include "proc/futex_internal.h"

#define MAX_LOCK_DEPTH 1024 /* of a chain of locks: rtmutex.c */

/* The word without sleeping: 0 or -EFAULT. */
static int store(struct task_struct *t, gva_t uaddr, u32 val)
{
	int err;

	pagefault_disable(t->mm->mem);
	err = put_user(t->mm, val, uaddr);
	pagefault_enable(t->mm->mem);
	return err;
}

static struct futex_q *top_waiter(struct machine *m, const struct user_word *key)
{
	struct futex_q *q;

	list_for_each_entry (q, futex_bucket(m, key), link)
		if (futex_match(q, key))
			return q;
	return NULL;
}

/* --- priorities --------------------------------------------------------------------------------- */

/* The most urgent of those who wait for a lock of @t's. They are in the hash by priority. */
static s32 inherited(struct machine *m, const struct task_struct *t)
{
	s32 most = 0;

	for (struct futex_pi *pi = t->pi_owned; pi; pi = pi->next) {
		struct futex_q *top = top_waiter(m, &pi->key);

		if (top && top->pi == pi)
			most = max(most, task_rt_priority(top->task));
	}
	return most;
}

/* If @t waits for a lock, then at its new place among those who do. Who has that lock; NULL: nobody. */
static struct task_struct *wait_again(struct task_struct *t)
{
	struct futex_q *q = t->pi_blocked_on;

	if (!q || list_empty(&q->link))
		return NULL;
	list_del_init(&q->link);
	futex_queue(t->machine, q);
	return q->pi->owner;
}

/* Somebody began or ended to wait for a lock of @t's, or it has another one: it runs as it is to, and so does whoever
 * holds the lock that it waits for itself, and so on. rt_mutex_adjust_prio_chain() */
static void pi_inherit(struct machine *m, struct task_struct *t)
{
	for (int i = 0; t && i < MAX_LOCK_DEPTH; i++) {
		s32 prio = inherited(m, t);

		if (prio == t->rt_boost)
			return;
		sched_boost(t, prio);
		t = wait_again(t);
	}
}

void futex_adjust_pi(struct task_struct *t)
{
	pi_inherit(t->machine, wait_again(t));
}

/* --- the state of a lock ------------------------------------------------------------------------ */

static void disown(struct futex_pi *pi)
{
	struct futex_pi **at;

	if (!pi->owner)
		return;
	for (at = &pi->owner->pi_owned; *at != pi; at = &(*at)->next)
		;
	*at = pi->next;
	pi->owner = NULL;
}

static void own(struct futex_pi *pi, struct task_struct *t)
{
	disown(pi);
	pi->owner = t;
	pi->next = t->pi_owned;
	t->pi_owned = pi;
}

static void pi_put(struct machine *m, struct futex_pi *pi)
{
	if (--pi->users)
		return;
	disown(pi);
	kfree(&m->mem, pi);
}

/* attach_to_pi_state(): does the word say what we know? Then one more user. */
static int attach_to_state(u32 val, struct futex_pi *pi, struct futex_pi **res)
{
	s32 pid = val & FUTEX_TID_MASK;

	if (!pi)
		return -EINVAL; /* somebody waits for it as for a plain word */
	if (!pi->owner) {
		if (!(val & FUTEX_OWNER_DIED) || pid)
			return -EINVAL;
	} else if (pid != pi->owner->pid && !(pid == 0 && (val & FUTEX_OWNER_DIED))) {
		return -EINVAL;
	}
	pi->users++;
	*res = pi;
	return 0;
}

/* attach_to_pi_owner(): nobody waits yet, so that the word alone tells who has the lock. @pi is new. */
static int attach_to_owner(struct machine *m, u32 val, const struct user_word *key,
			   struct futex_pi *pi)
{
	struct task_struct *p = find_task_by_pid(m, val & FUTEX_TID_MASK);

	if (!p || task_is_dead(p))
		return -ESRCH;
	if (p->kthread)
		return -EPERM;
	if (!p->mm || p->futex_dead) /* on its way out: the word tells nothing new any more */
		return -ESRCH;
	pi->key = *key;
	pi->users = 1;
	own(pi, p);
	return 0;
}

/* The first to wait. Memory before the word: a call that fails for want of it has changed nothing. */
static int attach_first(struct task_struct *t, gva_t uaddr, u32 val, const struct user_word *key,
			struct futex_pi **res)
{
	struct futex_pi *pi = kzalloc(&t->machine->mem, sizeof(*pi), GFP_KERNEL);
	int err;

	if (!pi)
		return -ENOMEM;
	err = store(t, uaddr, val | FUTEX_WAITERS) ? -EFAULT
						   : attach_to_owner(t->machine, val, key, pi);
	if (err)
		kfree(&t->machine->mem, pi);
	else
		*res = pi;
	return err;
}

/* futex_lock_pi_atomic(): 1: @who, who may be another than @t, the caller, has it; 0: *@pi is what to wait
 * for. -EFAULT: fault the word in, and look at everything again; -EDEADLK, -EINVAL, -ESRCH, -EPERM,
 * -ENOMEM. @waiters: others will wait for it behind @who. */
static int lock_atomic(struct task_struct *t, gva_t uaddr, const struct user_word *key,
		       struct task_struct *who, bool waiters, struct futex_pi **pi)
{
	struct futex_q *top;
	u32 val;

	if (futex_peek(t, uaddr, &val))
		return -EFAULT;
	if ((s32)(val & FUTEX_TID_MASK) == who->pid)
		return -EDEADLK;
	top = top_waiter(t->machine, key);
	if (top)
		return attach_to_state(val, top->pi, pi);
	if (!(val & FUTEX_TID_MASK)) {
		val = (val & FUTEX_OWNER_DIED) | (u32)who->pid | (waiters ? FUTEX_WAITERS : 0);
		return store(t, uaddr, val) ? -EFAULT : 1;
	}
	return attach_first(t, uaddr, val, key, pi);
}

/* Would @t wait for itself? */
static bool deadlock(struct task_struct *t, const struct futex_pi *pi)
{
	for (int i = 0; pi && pi->owner && i < MAX_LOCK_DEPTH; i++) {
		if (pi->owner == t)
			return true;
		pi = pi->owner->pi_blocked_on ? pi->owner->pi_blocked_on->pi : NULL;
	}
	return false;
}

/* --- waiting for it ------------------------------------------------------------------------------ */

/* fixup_pi_state_owner(): the last owner died, and nobody but us could say in the word who has it now. */
static int take_over(struct task_struct *t, gva_t uaddr, struct futex_pi *pi)
{
	u32 val;

	if (pi->owner)
		return 0; /* it was handed over by its owner */
	own(pi, t);
	pi_inherit(t->machine, t);
	while (futex_peek(t, uaddr, &val) ||
	       store(t, uaddr, (u32)t->pid | FUTEX_WAITERS | FUTEX_OWNER_DIED))
		if (fault_in_user(t->mm, uaddr, sizeof(u32), true))
			return -EFAULT;
	return 0;
}

/* The lock of one who has ended: to the first who waits, which writes its word by take_over(). */
static void grant_next(struct machine *m, struct futex_pi *pi)
{
	struct futex_q *q;

	list_for_each_entry (q, futex_bucket(m, &pi->key), link) {
		if (q->pi != pi)
			continue;
		q->granted = true;
		wake_up(q->wq); /* it stays in the list, so that nobody takes the lock before it has run */
		return;
	}
}

/* Waits as @q, which is queued and has a user of q->pi, until it has the lock at @uaddr. The state goes. */
static int wait_for_lock(struct task_struct *t, struct futex_q *q, gva_t uaddr, u64 deadline_ns)
{
	int err;

	t->pi_blocked_on = q;
	pi_inherit(t->machine, q->pi->owner);
	err = wait_event_interruptible_until(q->wq, q->granted, deadline_ns);
	t->pi_blocked_on = NULL;
	list_del_init(&q->link);
	pi_inherit(t->machine, q->pi->owner);
	if (q->granted) {
		err = take_over(t, uaddr, q->pi);
		if (err && q->pi->owner == t) { /* the word is gone; the lock is somebody's still */
			disown(q->pi);
			grant_next(t->machine, q->pi);
		}
	}
	pi_put(t->machine, q->pi);
	return err;
}

int futex_lock_pi(struct task_struct *t, gva_t uaddr, bool shared, bool try, u64 deadline_ns)
{
	struct wait_queue_head wq;
	struct futex_q q = {.task = t, .wq = &wq, .bitset = FUTEX_BITSET_MATCH_ANY};
	int err;

	for (;;) {
		err = futex_get_key(t, uaddr, shared, true, &q.key);
		if (err)
			return err;
		err = lock_atomic(t, uaddr, &q.key, t, false, &q.pi);
		if (err != -EFAULT)
			break;
		if (fault_in_user(t->mm, uaddr, sizeof(u32), true))
			return -EFAULT;
	}
	if (err)
		return err < 0 ? err : 0;
	err = try ? -EAGAIN : deadlock(t, q.pi) ? -EDEADLK : 0;
	if (err) {
		pi_put(t->machine, q.pi);
		return err;
	}
	init_waitqueue_head(&wq, &t->machine->sched);
	futex_queue(t->machine, &q);
	err = wait_for_lock(t, &q, uaddr, deadline_ns);
	if (err == -ERESTARTSYS)
		return -ERESTARTNOINTR;
	return err == -ETIME ? -ETIMEDOUT : err;
}

/* --- giving it back ------------------------------------------------------------------------------ */

/* wake_futex_pi(): the word names the next one before that runs. */
static int hand_over(struct task_struct *t, gva_t uaddr, struct futex_q *q)
{
	if (store(t, uaddr, FUTEX_WAITERS | (u32)q->task->pid))
		return -EFAULT;
	own(q->pi, q->task);
	q->granted = true;
	futex_wake_q(q);
	pi_inherit(t->machine, q->task); /* of those who wait on */
	pi_inherit(t->machine, t);
	return 0;
}

static int try_unlock(struct task_struct *t, gva_t uaddr, const struct user_word *key)
{
	struct futex_q *q;
	u32 val;

	if (futex_peek(t, uaddr, &val))
		return -EFAULT;
	if ((s32)(val & FUTEX_TID_MASK) != t->pid)
		return -EPERM;
	q = top_waiter(t->machine, key);
	if (!q)
		return store(t, uaddr, 0);
	if (!q->pi || q->pi->owner != t)
		return -EINVAL;
	return hand_over(t, uaddr, q);
}

int futex_unlock_pi(struct task_struct *t, gva_t uaddr, bool shared)
{
	struct user_word key;
	u32 val;
	int err;

	if (get_user(t->mm, val, uaddr))
		return -EFAULT;
	if ((s32)(val & FUTEX_TID_MASK) != t->pid)
		return -EPERM;
	for (;;) {
		err = futex_get_key(t, uaddr, shared, true, &key);
		if (!err)
			err = try_unlock(t, uaddr, &key);
		if (err != -EFAULT)
			return err;
		if (fault_in_user(t->mm, uaddr, sizeof(u32), true))
			return -EFAULT;
	}
}

void exit_pi_state_list(struct task_struct *t)
{
	while (t->pi_owned) {
		struct futex_pi *pi = t->pi_owned;

		disown(pi);
		grant_next(t->machine, pi);
	}
	pi_inherit(t->machine, t);
}

/* --- from a condition's word to a lock ------------------------------------------------------------ */

int futex_wait_requeue_pi(struct task_struct *t, const struct futex_pair *p, u32 val,
			  u64 deadline_ns)
{
	struct wait_queue_head wq;
	struct user_word key2;
	struct futex_q q = {
		.task = t, .wq = &wq, .bitset = FUTEX_BITSET_MATCH_ANY, .requeue_key = &key2};
	u32 seen;
	int err;

	if (p->uaddr == p->uaddr2)
		return -EINVAL;
	err = futex_get_key(t, p->uaddr2, p->shared2, true, &key2);
	if (!err)
		err = futex_key_and_value(t, p->uaddr, p->shared, &q.key, &seen);
	if (err)
		return err;
	if (seen != val)
		return -EAGAIN;
	if (futex_match(&q, &key2))
		return -EINVAL;
	init_waitqueue_head(&wq, &t->machine->sched);
	futex_queue(t->machine, &q);
	err = wait_event_interruptible_until(&wq, q.pi || q.granted, deadline_ns);
	if (!q.pi) {
		list_del_init(&q.link);
		if (q.granted)
			return 0;
		return err == -ETIME ? -ETIMEDOUT : err ? -ERESTARTNOINTR : -EAGAIN;
	}
	err = wait_for_lock(t, &q, p->uaddr2, deadline_ns);
	if (err == -ERESTARTSYS)
		return -EAGAIN; /* it has been requeued: the program looks at its condition again */
	return err == -ETIME ? -ETIMEDOUT : err;
}

/* One who waits at the condition goes on to the lock's state. -EDEADLK: it holds what it would wait for. */
static int requeue_one(struct task_struct *t, struct futex_q *q, const struct user_word *key2,
		       struct futex_pi *pi)
{
	if (deadlock(q->task, pi))
		return -EDEADLK;
	list_del_init(&q->link);
	q->key = *key2;
	q->requeue_key = NULL;
	q->pi = pi;
	pi->users++;
	q->task->pi_blocked_on = q;
	futex_queue(t->machine, q);
	pi_inherit(t->machine, pi->owner);
	wake_up(q->wq); /* it waits on, but for the lock */
	return 0;
}

/* How many wait for @key, at most two; -EINVAL: somebody does not want the lock at @key2. */
static int check_waiters(struct machine *m, const struct user_word *key,
			 const struct user_word *key2, s64 max)
{
	struct futex_q *q;
	int n = 0;

	list_for_each_entry (q, futex_bucket(m, key), link) {
		if (!futex_match(q, key))
			continue;
		if (q->pi || !q->requeue_key || q->requeue_key->object != key2->object ||
		    q->requeue_key->offset != key2->offset)
			return -EINVAL;
		if (++n >= max)
			break;
	}
	return n;
}

/* The first who waits gets the lock, if it is free, or waits for it, and @p->nr2 others do. */
static int requeue_pi(struct task_struct *t, const struct futex_pair *p,
		      const struct user_word *key, const struct user_word *key2)
{
	s64 max = 1 + (s64)p->nr2, done = 0;
	int n = check_waiters(t->machine, key, key2, max), err;
	struct futex_pi *pi = NULL;
	struct futex_q *q;

	if (n <= 0)
		return n;
	q = top_waiter(t->machine, key);
	err = lock_atomic(t, p->uaddr2, key2, q->task, n > 1, &pi);
	if (err < 0)
		return err;
	if (err) {
		q->granted = true;
		futex_wake_q(q);
		done++;
	}
	while (done < max && (q = top_waiter(t->machine, key))) {
		err = pi ? 0 : lock_atomic(t, p->uaddr2, key2, q->task, true, &pi);
		if (!err)
			err = requeue_one(t, q, key2, pi);
		if (err)
			break;
		done++;
	}
	if (pi)
		pi_put(t->machine, pi); /* the waiters have their own */
	return done ? (int)done : err;
}

int futex_cmp_requeue_pi(struct task_struct *t, const struct futex_pair *p, u32 cmpval)
{
	struct user_word key, key2;
	u32 seen;
	int err;

	if (p->nr < 0 || p->nr2 < 0 || p->uaddr == p->uaddr2 || p->nr != 1)
		return -EINVAL;
	for (;;) {
		err = futex_get_key(t, p->uaddr, p->shared, false, &key);
		if (!err)
			err = futex_get_key(t, p->uaddr2, p->shared2, true, &key2);
		if (err)
			return err;
		if (key.object == key2.object && key.offset == key2.offset)
			return -EINVAL;
		if (futex_peek(t, p->uaddr, &seen)) {
			if (fault_in_user(t->mm, p->uaddr, sizeof(u32), false))
				return -EFAULT;
			continue;
		}
		if (seen != cmpval)
			return -EAGAIN;
		err = requeue_pi(t, p, &key, &key2);
		if (err != -EFAULT)
			return err;
		if (fault_in_user(t->mm, p->uaddr2, sizeof(u32), true))
			return -EFAULT;
	}
}

/* Futexes: tasks that sleep until another one says that a word of memory has changed.
 *
 * A word is known by what it is, not by its address: for @shared ones, by the file or segment and the
 * place in it (uaccess.h), so processes meet that map it at different addresses.
 *
 *	machine.futexes[hash of the word] --> futex_q --> futex_q ...	each on its sleeper's kernel stack
 *
 * Not for: who runs next. A lock's owner inherits nothing while tasks simply run in turn.
 *
 * Addresses are the caller's, any value. What all calls fail with: -EINVAL: not a multiple of four;
 * -EFAULT: no user address; @shared: no memory there.
 *
 * See: futex(2); kernel/futex/, whose names these are.
 */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include <linux/futex.h>

#include "base/types.h"

/* prctl(PR_FUTEX_HASH_GET_SLOTS) in a process with threads, on one CPU: futex_hash_allocate_default() */
#define DEFAULT_FUTEX_SLOTS 16

struct machine;
struct task_struct;

/* Of one call that has two words. */
struct futex_pair {
	gva_t uaddr, uaddr2;
	bool shared, shared2;
	s32 nr, nr2; /* how many to wake of the first word's; to move to, or wake of, the second's */
};

/* Empty lists. Once, by machine_init(). */
void futex_init(struct machine *m);

/* Sleeps if the word holds @val, until it is woken with one of the bits of @bitset, or until
 * @deadline_ns of the machine's clock. 0; -EAGAIN: another value; -ETIMEDOUT; -ERESTARTSYS: a signal;
 * -EINVAL: no bits. @t is the current task. */
int futex_wait(struct task_struct *t, gva_t uaddr, bool shared, u32 val, u32 bitset,
	       u64 deadline_ns);

/* Wakes up to @nr who wait for one of @bitset's bits, those first who came first; with less than one,
 * one, as Linux does. How many; -EINVAL: no bits, or a lock with an owner; -EFAULT. Never sleeps but for the word's page. */
int futex_wake(struct task_struct *t, gva_t uaddr, bool shared, s32 nr, u32 bitset);

/* Is there a word at all? 0, -EINVAL, -EFAULT. */
int futex_check(struct task_struct *t, gva_t uaddr, bool shared);

/* Wakes @p->nr, moves up to @p->nr2 of the others to the second word. How many of either kind;
 * -EINVAL: less than none, or a lock with an owner; -EAGAIN: @cmpval is given and the first word holds something else. Sleeps only
 * for the words' pages. */
int futex_requeue(struct task_struct *t, const struct futex_pair *p, const u32 *cmpval);

/* Changes the second word as @op says (FUTEX_OP()), wakes @p->nr of the first, and @p->nr2 of the
 * second if its old value compares so. How many; -ENOSYS: no such operation (nothing has changed) or
 * comparison (it has). Sleeps only for the words' pages. */
int futex_wake_op(struct task_struct *t, const struct futex_pair *p, u32 op);

/* --- futex_pi.c: locks whose word names the owner ---------------------------------------------- */

/* Takes the lock, or sleeps until its owner hands it over (@try: -EAGAIN instead), or until @deadline_ns. 0;
 * -EDEADLK: @t waited for itself; -ESRCH: the word names nobody; -EPERM: a kernel thread; -EINVAL: the word
 * and who waits for it contradict each other; -ETIMEDOUT; -ERESTARTNOINTR: a signal; -ENOMEM. */
int futex_lock_pi(struct task_struct *t, gva_t uaddr, bool shared, bool try, u64 deadline_ns);
/* Hands it to the next who waits, or sets it free. 0; -EPERM: it is not @t's; -EINVAL: as above. Sleeps only
 * for the word's page. */
int futex_unlock_pi(struct task_struct *t, gva_t uaddr, bool shared);
/* Sleeps at the first word while it holds @val, and then for the lock at the second, where
 * futex_cmp_requeue_pi() moves it. 0: has the lock; -EAGAIN: another value, or woken without it; -EINVAL: one
 * word twice; -ETIMEDOUT; -ERESTARTNOINTR: a signal before that. */
int futex_wait_requeue_pi(struct task_struct *t, const struct futex_pair *p, u32 val,
			  u64 deadline_ns);
/* Gives the lock at the second word to the first who waits at the first, if it is free; lets up to @p->nr2
 * more wait for it. @p->nr must be 1. How many; -EAGAIN: not @cmpval; -EINVAL, and as futex_lock_pi(). */
int futex_cmp_requeue_pi(struct task_struct *t, const struct futex_pair *p, u32 cmpval);
/* @t has another real-time priority: who holds the lock that it waits for, if it does, inherits that one. Never
 * sleeps. */
void futex_adjust_pi(struct task_struct *t);
/* @t leaves its address space: those who wait for its locks have them now. Sleeps not. */
void exit_pi_state_list(struct task_struct *t);

/* --- futex_waitv.c ----------------------------------------------------------------------------- */

/* One of several words that are waited for. */
struct futex_wanted {
	gva_t uaddr;
	u32 val;
	bool shared;
	bool numa; /* a node stands behind it, which its caller has looked at */
};

/* Sleeps while each of the @nr (1 .. 128) words holds its value. Which one was woken (of several, the
 * first); -EAGAIN: another value; -ETIMEDOUT; -ERESTARTSYS; -ENOMEM. */
int futex_wait_multiple(struct task_struct *t, const struct futex_wanted *w, u32 nr,
			u64 deadline_ns);

/* --- robust.c --------------------------------------------------------------------------------- */

/* Marks the locks that @t, the current task, leaves behind: FUTEX_OWNER_DIED, and wakes one who waits for
 * each. t->mm is still there. The list is user memory: may sleep, and what cannot be read ends it.
 * See: get_robust_list(2); kernel/futex/core.c, exit_robust_list(). */
void exit_robust_list(struct task_struct *t);

#endif

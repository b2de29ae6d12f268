/* Queues of signals: entries, what is next, and which thread has something to look at. See signal.h;
 * kernel/signal.c. */
#include "base/err.h"
#include "proc/itimer.h"
#include "proc/posix_timer.h"
#include "proc/signal.h"
#include "proc/task.h"

#define SYNCHRONOUS_MASK                                                                           \
	(sigmask_k(SIGSEGV) | sigmask_k(SIGBUS) | sigmask_k(SIGILL) | sigmask_k(SIGTRAP) |         \
	 sigmask_k(SIGFPE) | sigmask_k(SIGSYS))

/* --- who is charged ------------------------------------------------------------------------------ */

static struct sig_user *find_user(const struct machine *m, u32 uid)
{
	struct sig_user *user;

	list_for_each_entry (user, &m->sig_users, list)
		if (user->uid == uid)
			return user;
	return NULL;
}

static struct sig_user *new_user(struct machine *m, u32 uid)
{
	struct sig_user *user = kmalloc(&m->mem, sizeof(*user), GFP_ATOMIC);

	if (!user)
		return NULL;
	*user = (struct sig_user){.uid = uid};
	list_add(&user->list, &m->sig_users);
	return user;
}

struct sig_user *charge_sigqueue(struct task_struct *t, bool unlimited)
{
	struct machine *m = t->machine;
	struct sig_user *user = find_user(m, t->uid);

	if (!unlimited && (user ? user->nr : 0) >= rlimit(t, RLIMIT_SIGPENDING))
		return NULL;
	if (!user)
		user = new_user(m, t->uid);
	if (user)
		user->nr++;
	return user;
}

void uncharge_sigqueue(struct machine *m, struct sig_user *user)
{
	if (--user->nr)
		return;
	list_del(&user->list);
	kfree(&m->mem, user);
}

u64 nr_user_sigqueue(const struct machine *m, u32 uid)
{
	const struct sig_user *user = find_user(m, uid);

	return user ? user->nr : 0;
}

/* --- entries ------------------------------------------------------------------------------------- */

static void sigqueue_free(struct machine *m, struct sigqueue *q)
{
	list_del_init(&q->list);
	if (q->timer) {
		posixtimer_sigqueue_putref(q);
		return;
	}
	uncharge_sigqueue(m, q->user);
	kmem_cache_free(m->sigqueue_cache, q);
}

/* NULL: no memory, or the limit is reached. @own: the kernel's own signals have no limit. */
static struct sigqueue *sigqueue_alloc(struct task_struct *t, bool own)
{
	struct sig_user *user = charge_sigqueue(t, own);
	struct machine *m = t->machine;
	struct sigqueue *q;

	if (!user)
		return NULL;
	q = kmem_cache_zalloc(m->sigqueue_cache, GFP_ATOMIC);
	if (q)
		q->user = user;
	else
		uncharge_sigqueue(m, user);
	return q;
}

int queue_signal(struct sigpending *p, int sig, const struct k_siginfo *info, struct task_struct *t)
{
	struct sigqueue *q;

	if (sig < 32 && (p->signal & sigmask_k(sig)))
		return 0; /* standard signals are pending once */
	q = sigqueue_alloc(t, sig < 32 && (!info || info->si_code >= 0));
	if (q) { /* without memory the signal comes, but not its siginfo */
		if (info)
			q->info = *info;
		else
			q->info.si_code = SI_KERNEL;
		q->info.si_signo = sig;
		list_add_tail(&q->list, &p->list);
	} else if (sig >= 32 && info && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	p->signal |= sigmask_k(sig);
	return 0;
}

void flush_signals(struct sigpending *p, struct task_struct *t)
{
	struct sigqueue *q, *n;

	list_for_each_entry_safe (q, n, &p->list, list)
		sigqueue_free(t->machine, q);
	p->signal = 0;
}

static void flush_sigqueue_mask(struct sigpending *p, sigset_k mask, struct task_struct *t)
{
	struct sigqueue *q, *n;

	if (!(p->signal & mask))
		return;
	p->signal &= ~mask;
	list_for_each_entry_safe (q, n, &p->list, list) {
		if (!(mask & sigmask_k(q->info.si_signo)))
			continue;
		if (q->timer) {
			list_del_init(&q->list);
			posixtimer_sig_ignore(t, q);
		} else {
			sigqueue_free(t->machine, q);
		}
	}
}

void flush_signal_mask(struct task_struct *t, sigset_k mask)
{
	struct task_struct *p;

	for_each_thread(t, p) flush_sigqueue_mask(&p->pending, mask, p);
	flush_sigqueue_mask(&t->signal->shared_pending, mask, t);
}

/* --- taking -------------------------------------------------------------------------------------- */

/* Takes @sig from @p with its siginfo. False: it was the stale signal of a timer. */
static bool collect_signal(struct task_struct *t, struct sigpending *p, int sig,
			   struct k_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry (q, &p->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		p->signal &= ~sigmask_k(sig);
	*info = (struct k_siginfo){.si_signo = sig};
	if (!first)
		return true;
	*info = first->info;
	if (first->timer) {
		list_del_init(&first->list);
		return posixtimer_deliver_signal(info, first);
	}
	sigqueue_free(t->machine, first);
	return true;
}

/* The next signal of @p outside of @mask; 0: none. */
static int next_signal(const struct sigpending *p, sigset_k mask)
{
	sigset_k ready = p->signal & ~mask;

	if (ready & SYNCHRONOUS_MASK)
		ready &= SYNCHRONOUS_MASK;
	return ready ? __builtin_ctzl(ready) + 1 : 0;
}

int dequeue_signal(struct task_struct *t, sigset_k mask, struct k_siginfo *info)
{
	bool meant;
	int sig;

	do {
		struct sigpending *p = &t->pending;

		sig = next_signal(p, mask);
		if (!sig) {
			p = &t->signal->shared_pending;
			sig = next_signal(p, mask);
			if (sig == SIGALRM)
				itimer_rearm(t);
		}
		meant = !sig || collect_signal(t, p, sig, info);
	} while (!meant);
	recalc_sigpending(t);
	if (sig && (sigmask_k(sig) & STOP_SIGNALS))
		t->jobctl |= JOBCTL_STOP_DEQUEUED;
	return sig;
}

int dequeue_synchronous_signal(struct task_struct *t, struct k_siginfo *info)
{
	struct sigqueue *q;

	if (!(t->pending.signal & ~t->blocked & SYNCHRONOUS_MASK))
		return 0;
	list_for_each_entry (q, &t->pending.list, list) {
		int sig = q->info.si_signo;

		if (q->info.si_code <= SI_USER ||
		    !(sigmask_k(sig) & ~t->blocked & SYNCHRONOUS_MASK))
			continue;
		collect_signal(t, &t->pending, sig, info);
		recalc_sigpending(t);
		return sig;
	}
	return 0;
}

/* --- who has something to look at ---------------------------------------------------------------- */

bool signal_pending(const struct task_struct *t)
{
	return t->sigpending;
}

bool fatal_signal_pending(const struct task_struct *t)
{
	return t->pending.signal & sigmask_k(SIGKILL);
}

void recalc_sigpending(struct task_struct *t)
{
	sigset_k all = t->pending.signal | t->signal->shared_pending.signal;

	t->sigpending =
		(all & ~(t->blocked & ~UNBLOCKABLE_MASK)) || (t->jobctl & JOBCTL_PENDING_MASK);
}

void signal_wake_up(struct task_struct *t, bool fatal)
{
	t->sigpending = true;
	if (t->state == TASK_INTERRUPTIBLE ||
	    (fatal &&
	     (t->state == TASK_KILLABLE || t->state == TASK_STOPPED || t->state == TASK_TRACED)))
		wake_up_process(t);
}

void retarget_shared_pending(struct task_struct *t, sigset_k which)
{
	sigset_k left = t->signal->shared_pending.signal & which;
	struct task_struct *p;

	if (!left)
		return;
	for_each_thread(t, p)
	{
		if (p == t || p->exiting || !(left & ~p->blocked))
			continue;
		left &= p->blocked;
		if (!p->sigpending)
			signal_wake_up(p, false);
		if (!left)
			break;
	}
}

void set_task_blocked(struct task_struct *t, sigset_k set)
{
	if (t->sigpending && !thread_group_empty(t))
		retarget_shared_pending(t, set & ~t->blocked);
	t->blocked = set;
	recalc_sigpending(t);
}

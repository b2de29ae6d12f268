/* POSIX timers: made, set, read, deleted, and what happens when they expire. What their signals do to them is
 * at the end. See posix_timer.h; kernel/time/posix-timers.c, posix-cpu-timers.c. */
#include "proc/posix_timer.h"

#include <limits.h>

#include "base/err.h"
#include "fs/seq_file.h"
#include "proc/task.h"

/* Of a negative number's low bits: a clock of a descriptor. The rest are of CPU time: clock.h. */
#define CLOCKFD 3
#define CLOCKFD_MASK 7

/* --- clocks -------------------------------------------------------------------------------------- */

/* 0; -EOPNOTSUPP: a clock without timers; -EINVAL: none. Whether somebody is behind a CPU clock is
 * looked up later. Linux: clockid_to_kclock() */
static int check_clock(s32 clk)
{
	if (clk < 0)
		return (clk & CLOCKFD_MASK) == CLOCKFD ? -EOPNOTSUPP : 0;
	switch (clk) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* What the CPU clock of @tmr shows. It has somebody behind it. */
static s64 cpu_clock_now(const struct k_itimer *tmr)
{
	return cpu_clock_sample(tmr->cpu_pid->task, tmr->clock);
}

static s64 timer_now(const struct k_itimer *tmr)
{
	return tmr->cpu_pid ? cpu_clock_now(tmr) : (s64)machine_now_ns(tmr->machine);
}

/* No time is later than that. Linux: KTIME_MAX */
static s64 clamp_ns(u64 ns)
{
	return min(ns, (u64)INT64_MAX);
}

static s64 add_clamped(s64 a, s64 b)
{
	s64 sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* When the machine's clock will show (or showed) what wall clock @clk calls @at. */
static s64 wall_to_machine(struct machine *m, s32 clk, s64 at)
{
	struct timespec ts;

	if (clk == CLOCK_MONOTONIC || machine_clock_gettime(m, NULL, clk, &ts))
		return at;
	return add_clamped(at - (s64)(ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec),
			   (s64)machine_now_ns(m));
}

/* --- making and finding -------------------------------------------------------------------------- */

static void timer_put(struct k_itimer *tmr)
{
	struct machine *m = tmr->machine;

	if (--tmr->refs)
		return;
	uncharge_sigqueue(m, tmr->sigq.user);
	put_pid(tmr->target);
	if (tmr->cpu_pid)
		put_pid(tmr->cpu_pid);
	kmem_cache_free(m->posix_timer_cache, tmr);
}

struct k_itimer *posix_timer_find(struct task_struct *t, s32 id)
{
	struct treap_node *n = t->signal->posix_timers.root;

	while (n) {
		struct k_itimer *tmr = treap_entry(n, struct k_itimer, by_id);

		if (tmr->id == id)
			return tmr->valid ? tmr : NULL;
		n = id < tmr->id ? n->left : n->right;
	}
	return NULL;
}

/* False: its number is taken. */
static bool insert_timer(struct signal_struct *s, struct k_itimer *tmr)
{
	struct treap_node **link = &s->posix_timers.root, *parent = NULL;

	while (*link) {
		s32 id = treap_entry(*link, struct k_itimer, by_id)->id;

		if (id == tmr->id)
			return false;
		parent = *link;
		link = tmr->id < id ? &parent->left : &parent->right;
	}
	treap_link(&s->posix_timers, &tmr->by_id, parent, link);
	list_add(&tmr->list, &s->posix_timer_list);
	tmr->owner = s;
	return true;
}

/* The next number that no timer has: they go round, so that one which was deleted is not soon
 * mistaken for another. */
static int insert_with_next_id(struct signal_struct *s, struct k_itimer *tmr)
{
	do {
		tmr->id = s->next_posix_timer_id;
		s->next_posix_timer_id = tmr->id == INT_MAX ? 0 : tmr->id + 1;
	} while (!insert_timer(s, tmr));
	return 0;
}

/* Who gets the signal. NULL: @ev makes no sense. Linux: good_sigevent() */
static struct task_struct *sigevent_target(struct task_struct *t, const struct k_sigevent *ev)
{
	struct task_struct *to = t->signal->leader;

	switch (ev->notify) {
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		to = find_task_by_pid(t->machine, ev->tid);
		if (!to || to->signal != t->signal || task_is_dead(to))
			return NULL;
		/* fall through */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return ev->signo > 0 && ev->signo <= NR_SIGNALS ? to : NULL;
	case SIGEV_NONE:
		return to;
	default:
		return NULL;
	}
}

static int set_sigevent(struct k_itimer *tmr, struct task_struct *t, const struct k_sigevent *ev)
{
	struct k_sigevent dflt = {.value = (u32)tmr->id, .signo = SIGALRM, .notify = SIGEV_SIGNAL};
	struct task_struct *to;

	if (!ev)
		ev = &dflt;
	to = sigevent_target(t, ev);
	if (!to)
		return -EINVAL;
	tmr->target = get_task_pid(to);
	if (!tmr->target)
		return -EAGAIN;
	tmr->notify = ev->notify;
	tmr->sigq.info = (struct k_siginfo){.si_signo = ev->signo, .si_code = SI_TIMER};
	tmr->sigq.info.timer.tid = tmr->id;
	tmr->sigq.info.timer.value = ev->value;
	return 0;
}

/* In no list yet. NULL: no memory, or too many queue entries. */
static struct k_itimer *timer_alloc(struct task_struct *t)
{
	struct sig_user *user = charge_sigqueue(t, false);
	struct machine *m = t->machine;
	struct k_itimer *tmr;

	if (!user)
		return NULL;
	tmr = kmem_cache_zalloc(m->posix_timer_cache, GFP_KERNEL);
	if (!tmr) {
		uncharge_sigqueue(m, user);
		return NULL;
	}
	tmr->sigq.user = user;
	tmr->machine = m;
	tmr->refs = 1;
	tmr->overrun = -1;
	tmr->sigq.timer = tmr;
	INIT_LIST_HEAD(&tmr->sigq.list);
	INIT_LIST_HEAD(&tmr->ignored);
	INIT_LIST_HEAD(&tmr->cpu_list);
	return tmr;
}

static void timer_remove(struct k_itimer *tmr)
{
	treap_erase(&tmr->owner->posix_timers, &tmr->by_id);
	list_del(&tmr->list);
	tmr->owner = NULL;
}

struct k_itimer *posix_timer_create(struct task_struct *t, s32 clk, const struct k_sigevent *ev,
				    s32 id)
{
	struct k_itimer *tmr;
	int err = check_clock(clk);

	if (err)
		return ERR_PTR(err);
	tmr = timer_alloc(t);
	if (!tmr)
		return ERR_PTR(-EAGAIN);
	tmr->clock = clk;
	tmr->id = id;
	if (id < 0)
		insert_with_next_id(t->signal, tmr);
	else if (!insert_timer(t->signal, tmr))
		err = -EBUSY;
	if (!err)
		err = set_sigevent(tmr, t, ev);
	if (!err)
		return tmr;
	if (tmr->owner)
		timer_remove(tmr);
	uncharge_sigqueue(t->machine, tmr->sigq.user);
	kmem_cache_free(t->machine->posix_timer_cache, tmr);
	return ERR_PTR(err);
}

int posix_timer_commit(struct task_struct *t, struct k_itimer *tmr)
{
	struct task_struct *p;

	if (tmr->clock == CLOCK_REALTIME_ALARM || tmr->clock == CLOCK_BOOTTIME_ALARM)
		return -EOPNOTSUPP; /* as a machine without a real-time clock chip */
	if (is_cpu_clock(tmr->clock)) {
		p = cpu_clock_task(t, tmr->clock, false);
		if (!p)
			return -EINVAL;
		tmr->cpu_pid = get_task_pid(p);
		if (!tmr->cpu_pid)
			return -EAGAIN;
	}
	tmr->valid = true;
	return 0;
}

/* --- arming and expiry --------------------------------------------------------------------------- */

static void wall_timer_fn(struct event_timer *timer);

/* Stands still; what is queued stays. */
static void disarm(struct k_itimer *tmr)
{
	event_timer_del(&tmr->timer);
	list_del_init(&tmr->cpu_list);
	tmr->status = POSIX_TIMER_DISARMED;
}

/* To expire at expires_ns; nobody needs to know it of SIGEV_NONE. */
static void arm(struct k_itimer *tmr)
{
	if (tmr->notify == SIGEV_NONE)
		return;
	tmr->status = POSIX_TIMER_ARMED;
	if (tmr->cpu_pid) {
		list_add_tail(&tmr->cpu_list, &tmr->cpu_pid->task->signal->cpu_timers);
		return;
	}
	tmr->timer.fn = wall_timer_fn;
	event_timer_add(&tmr->machine->events, &tmr->timer, max(tmr->expires_ns, 0L));
}

/* Queues its signal, unless it is on a queue. Linux: posixtimer_send_sigqueue() */
static void timer_send(struct k_itimer *tmr)
{
	struct task_struct *t = tmr->target->task;
	struct sigqueue *q = &tmr->sigq;
	bool was_ignored = !list_empty(&tmr->ignored);

	if (!t)
		return;
	tmr->sigqueue_seq = tmr->signal_seq;
	tmr->sig_periodic = tmr->status == POSIX_TIMER_REQUEUE_PENDING;
	if (!prepare_signal(q->info.si_signo, t)) {
		if (!list_empty(&q->list) || t->signal->group_exit)
			return; /* it was blocked when it came */
		if (!was_ignored)
			tmr->refs++;
		list_del_init(&tmr->ignored);
		posixtimer_sig_ignore(t, q);
		return;
	}
	if (!list_empty(&q->list))
		return;
	if (!was_ignored)
		tmr->refs++;
	list_del_init(&tmr->ignored);
	queue_sigqueue(q, t, !(tmr->notify & SIGEV_THREAD_ID));
}

static void fire(struct k_itimer *tmr)
{
	tmr->status = tmr->interval_ns ? POSIX_TIMER_REQUEUE_PENDING : POSIX_TIMER_DISARMED;
	timer_send(tmr);
	if (tmr->cpu_pid && !tmr->interval_ns)
		tmr->expires_ns = 0;
}

static void wall_timer_fn(struct event_timer *timer)
{
	fire(container_of(timer, struct k_itimer, timer));
}

void run_posix_cpu_timers(struct task_struct *t)
{
	struct k_itimer *tmr, *next;

	list_for_each_entry_safe (tmr, next, &t->signal->cpu_timers, cpu_list) {
		if (!tmr->cpu_pid->task) {
			list_del_init(&tmr->cpu_list); /* a thread that is gone */
		} else if (cpu_clock_now(tmr) >= tmr->expires_ns) {
			list_del_init(&tmr->cpu_list);
			fire(tmr);
		}
	}
}

/* Moves an expiry that is over on by whole intervals, behind @now: how many. Linux: hrtimer_forward() */
static s64 forward(struct k_itimer *tmr, s64 now)
{
	s64 n;

	if (now < tmr->expires_ns)
		return 0;
	n = (s64)(((u64)now - (u64)tmr->expires_ns) / tmr->interval_ns) + 1;
	tmr->expires_ns = add_clamped(tmr->expires_ns, (s64)((u64)n * tmr->interval_ns));
	return n;
}

/* --- setting and reading ------------------------------------------------------------------------- */

void posix_timer_get(struct k_itimer *tmr, struct itimer_ns *it)
{
	bool silent = tmr->notify == SIGEV_NONE;
	s64 now, left;

	*it = (struct itimer_ns){0, 0};
	if (tmr->cpu_pid && (!tmr->cpu_pid->task || !tmr->expires_ns))
		return;
	it->interval_ns = tmr->interval_ns;
	if (!tmr->interval_ns && tmr->status == POSIX_TIMER_DISARMED && !silent)
		return;
	now = timer_now(tmr);
	/* One that waits for its signal to be taken shows when it would expire next. */
	if (tmr->interval_ns && tmr->status != POSIX_TIMER_ARMED)
		tmr->overrun += forward(tmr, now);
	left = tmr->expires_ns - now;
	if (left > 0)
		it->value_ns = left;
	else if (!silent)
		it->value_ns = 1; /* its signal is yet to come */
}

int posix_timer_set(struct k_itimer *tmr, int flags, const struct itimer_ns *it,
		    struct itimer_ns *old)
{
	s64 at = clamp_ns(it->value_ns), now;

	tmr->signal_seq++;
	if (tmr->cpu_pid && !tmr->cpu_pid->task)
		return -ESRCH;
	if (old)
		posix_timer_get(tmr, old);
	disarm(tmr);
	tmr->interval_ns = at ? clamp_ns(it->interval_ns) : 0;
	tmr->overrun_last = 0;
	tmr->overrun = -1;
	if (!at) { /* of wall clocks SIGEV_NONE goes on to show the old time, as in Linux */
		if (tmr->cpu_pid)
			tmr->expires_ns = 0;
		return 0;
	}
	now = timer_now(tmr);
	if (!(flags & TIMER_ABSTIME))
		tmr->expires_ns = add_clamped(at, now);
	else
		tmr->expires_ns = tmr->cpu_pid ? at : wall_to_machine(tmr->machine, tmr->clock, at);
	if (tmr->expires_ns > now)
		arm(tmr);
	else if (tmr->notify != SIGEV_NONE)
		fire(tmr);
	return 0;
}

int posix_timer_overrun(const struct k_itimer *tmr)
{
	return (int)min(tmr->overrun_last, (s64)INT_MAX);
}

void posix_timer_delete(struct k_itimer *tmr)
{
	disarm(tmr);
	tmr->valid = false;
	tmr->signal_seq++; /* what is queued is dropped when its turn comes */
	if (!list_empty(&tmr->ignored)) {
		list_del_init(&tmr->ignored);
		tmr->refs--;
	}
	timer_remove(tmr);
	timer_put(tmr);
}

/* --- the process --------------------------------------------------------------------------------- */

void posix_timers_init(struct signal_struct *s)
{
	INIT_LIST_HEAD(&s->posix_timer_list);
	INIT_LIST_HEAD(&s->ignored_posix_timers);
	INIT_LIST_HEAD(&s->cpu_timers);
}

void exit_posix_timers(struct signal_struct *s)
{
	struct k_itimer *tmr, *next;

	list_for_each_entry_safe (tmr, next, &s->posix_timer_list, list)
		posix_timer_delete(tmr);
}

void posix_cpu_timers_exit(struct signal_struct *s)
{
	struct k_itimer *tmr, *next;

	list_for_each_entry_safe (tmr, next, &s->cpu_timers, cpu_list)
		list_del_init(&tmr->cpu_list);
}

void posix_timers_show(const struct signal_struct *s, struct seq *out)
{
	static const char *const names[] = {
		[SIGEV_SIGNAL] = "signal", [SIGEV_NONE] = "none", [SIGEV_THREAD] = "thread"};
	const struct k_itimer *tmr;

	list_for_each_entry (tmr, &s->posix_timer_list, list) {
		if (!tmr->valid)
			continue;
		seq_printf(out, "ID: %d\nsignal: %d/%016lx\nnotify: %s/%s.%d\nClockID: %d\n",
			   tmr->id, tmr->sigq.info.si_signo, tmr->sigq.info.timer.value,
			   names[tmr->notify & ~SIGEV_THREAD_ID],
			   tmr->notify & SIGEV_THREAD_ID ? "tid" : "pid",
			   tmr->target->task ? tmr->target->nr : 0, tmr->clock);
	}
}

/* --- for signal.c -------------------------------------------------------------------------------- */

/* Is what was queued still meant? Then a timer that repeats goes on. */
static bool deliver(struct k_siginfo *info, struct k_itimer *tmr)
{
	if (tmr->signal_seq != tmr->sigqueue_seq || !tmr->valid)
		return false;
	if (!tmr->interval_ns || tmr->status != POSIX_TIMER_REQUEUE_PENDING)
		return true;
	if (tmr->cpu_pid && !tmr->cpu_pid->task)
		return true;
	tmr->overrun += forward(tmr, timer_now(tmr));
	arm(tmr);
	tmr->overrun_last = tmr->overrun;
	tmr->overrun = -1;
	tmr->signal_seq++;
	info->timer.overrun = posix_timer_overrun(tmr);
	return true;
}

bool posixtimer_deliver_signal(struct k_siginfo *info, struct sigqueue *q)
{
	bool meant = deliver(info, q->timer);

	timer_put(q->timer);
	return meant;
}

void posixtimer_sigqueue_putref(struct sigqueue *q)
{
	timer_put(q->timer);
}

void posixtimer_sig_ignore(struct task_struct *t, struct sigqueue *q)
{
	struct k_itimer *tmr = q->timer;

	if (tmr->valid && tmr->sig_periodic)
		list_add(&tmr->ignored, &t->signal->ignored_posix_timers);
	else
		timer_put(tmr);
}

void posixtimer_sig_unignore(struct task_struct *t, int sig)
{
	struct k_itimer *tmr, *next;

	list_for_each_entry_safe (tmr, next, &t->signal->ignored_posix_timers, ignored) {
		if (tmr->sigq.info.si_signo != sig)
			continue;
		list_del_init(&tmr->ignored);
		if (tmr->target->task)
			queue_sigqueue(&tmr->sigq, tmr->target->task,
				       !(tmr->notify & SIGEV_THREAD_ID));
		else
			timer_put(tmr);
	}
}

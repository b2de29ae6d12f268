/* POSIX timers in virtual time: numbers, expiry and delivery, overruns, what is stale, and no memory.
 * timer_create(2). */
#include <limits.h>

#include "proc/posix_timer.h"
#include "one_task.h"

#define MS 1000000UL
#define SIG 40

static struct task_struct *t;
static struct machine *m;

static void setup(void)
{
	t = one_task_new(32UL << 20);
	m = t->machine;
	t->blocked = ~UNBLOCKABLE_MASK; /* signals stay pending, to be looked at */
	t->signal->rlim_cur[RLIMIT_SIGPENDING] = 100;
}

static struct k_itimer *make(int clk, int notify)
{
	const struct k_sigevent ev = {.value = 77, .signo = SIG, .notify = notify};
	struct k_itimer *tmr = posix_timer_create(t, clk, &ev, -1);

	CU_ASSERT_FALSE_FATAL(IS_ERR(tmr));
	CU_ASSERT_PTR_NULL(posix_timer_find(t, tmr->id));
	CU_ASSERT_EQUAL(posix_timer_commit(t, tmr), 0);
	CU_ASSERT_PTR_EQUAL(posix_timer_find(t, tmr->id), tmr);
	return tmr;
}

static void set(struct k_itimer *tmr, u64 value_ms, u64 interval_ms)
{
	const struct itimer_ns it = {.value_ns = value_ms * MS, .interval_ns = interval_ms * MS};

	CU_ASSERT_EQUAL(posix_timer_set(tmr, 0, &it, NULL), 0);
}

static u64 left(struct k_itimer *tmr)
{
	struct itimer_ns it;

	posix_timer_get(tmr, &it);
	return it.value_ns;
}

/* Takes its signal: the overrun; -1: there is none. */
static int taken(void)
{
	struct k_siginfo info;

	if (dequeue_signal(t, ~sigmask_k(SIG), &info) != SIG)
		return -1;
	CU_ASSERT_EQUAL(info.si_code, SI_TIMER);
	CU_ASSERT_EQUAL(info.timer.value, 77);
	return info.timer.overrun;
}

static void pass(u64 ms)
{
	m->virtual_ns += ms * MS;
	event_loop_run(&m->events, false);
}

static void numbers_go_round_past_those_in_use(void)
{
	struct k_itimer *a, *b;

	setup();
	a = make(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	b = make(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	CU_ASSERT_EQUAL(a->id, 0);
	CU_ASSERT_EQUAL(b->id, 1);
	posix_timer_delete(b);
	CU_ASSERT_PTR_NULL(posix_timer_find(t, 1));
	t->signal->next_posix_timer_id = INT_MAX;
	CU_ASSERT_EQUAL(make(CLOCK_MONOTONIC, SIGEV_SIGNAL)->id, INT_MAX);
	CU_ASSERT_EQUAL(make(CLOCK_MONOTONIC, SIGEV_SIGNAL)->id, 1); /* 0 is in use */
	CU_ASSERT_EQUAL(PTR_ERR(posix_timer_create(t, CLOCK_MONOTONIC, NULL, 0)), -EBUSY);
	exit_posix_timers(t->signal);
	CU_ASSERT_TRUE(list_empty(&m->sig_users));
	one_task_free(t);
}

static void one_that_repeats_waits_for_its_signal_to_be_taken(void)
{
	struct k_itimer *tmr;

	setup();
	tmr = make(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	set(tmr, 10, 4);
	pass(9);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_EQUAL(left(tmr), MS);
	pass(1);
	CU_ASSERT_EQUAL(tmr->status, POSIX_TIMER_REQUEUE_PENDING);
	pass(9); /* two more have passed unseen, and the next is due in 3 ms */
	CU_ASSERT_EQUAL(left(tmr), 3 * MS);
	CU_ASSERT_EQUAL(taken(), 2);
	CU_ASSERT_EQUAL(posix_timer_overrun(tmr), 2);
	CU_ASSERT_EQUAL(tmr->status, POSIX_TIMER_ARMED);
	CU_ASSERT_EQUAL(taken(), -1);
	pass(3);
	CU_ASSERT_EQUAL(taken(), 0);
	exit_posix_timers(t->signal);
	one_task_free(t);
}

static void what_was_queued_before_a_change_is_stale(void)
{
	struct k_itimer *tmr;

	setup();
	tmr = make(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	set(tmr, 1, 0);
	pass(1);
	set(tmr, 50, 0);
	CU_ASSERT_NOT_EQUAL(t->signal->shared_pending.signal, 0);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_EQUAL(t->signal->shared_pending.signal, 0);
	pass(50);
	posix_timer_delete(tmr); /* its entry outlives it */
	CU_ASSERT_EQUAL(nr_user_sigqueue(m, t->uid), 1);
	CU_ASSERT_EQUAL(taken(), -1);
	CU_ASSERT_EQUAL(nr_user_sigqueue(m, t->uid), 0);
	one_task_free(t);
}

static void an_ignored_one_comes_back_with_its_overrun(void)
{
	const struct k_sigaction ign = {.handler = (gva_t)SIG_IGN},
				 dfl = {.handler = (gva_t)SIG_DFL};
	struct k_itimer *tmr;

	setup();
	t->blocked = 0;
	tmr = make(CLOCK_MONOTONIC, SIGEV_SIGNAL);
	do_sigaction(t, SIG, &ign, NULL);
	set(tmr, 1, 10);
	pass(1);
	CU_ASSERT_FALSE(list_empty(&t->signal->ignored_posix_timers));
	t->blocked = ~UNBLOCKABLE_MASK;
	pass(35);
	do_sigaction(t, SIG, &dfl, NULL);
	CU_ASSERT_TRUE(list_empty(&t->signal->ignored_posix_timers));
	CU_ASSERT_EQUAL(taken(), 3);
	do_sigaction(t, SIG, &ign, NULL); /* blocked, so it is queued; then it is flushed */
	exit_posix_timers(t->signal);
	CU_ASSERT_TRUE(list_empty(&m->sig_users));
	one_task_free(t);
}

static void cpu_time_is_looked_at_while_it_runs(void)
{
	struct k_itimer *tmr;

	setup();
	tmr = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL);
	CU_ASSERT_FALSE(cpu_timers_armed(t));
	set(tmr, 5, 2);
	CU_ASSERT_TRUE(cpu_timers_armed(t));
	pass(50); /* others ran */
	run_cpu_timers(t);
	CU_ASSERT_EQUAL(taken(), -1);
	t->retired += 10 * MS;
	run_cpu_timers(t);
	CU_ASSERT_FALSE(cpu_timers_armed(t)); /* until its signal is taken */
	CU_ASSERT_EQUAL(taken(), 2);
	CU_ASSERT_TRUE(cpu_timers_armed(t));
	exit_posix_timers(t->signal);
	CU_ASSERT_FALSE(cpu_timers_armed(t));
	one_task_free(t);
}

static void failure_at_each_step(void)
{
	struct k_itimer *tmr;
	u32 nth, failed = 0;
	bool over = false;

	setup();
	for (nth = 1; !over && nth < 20; nth++) {
		m->mem.fail_nth = nth;
		tmr = posix_timer_create(t, CLOCK_PROCESS_CPUTIME_ID, NULL, -1);
		if (!IS_ERR(tmr) && posix_timer_commit(t, tmr)) {
			posix_timer_delete(tmr);
			tmr = ERR_PTR(-EAGAIN);
		}
		over = m->mem.fail_nth;
		m->mem.fail_nth = 0;
		failed += IS_ERR(tmr);
		CU_ASSERT_EQUAL(IS_ERR(tmr), !over);
		CU_ASSERT_EQUAL(nr_user_sigqueue(m, t->uid), over);
	}
	CU_ASSERT(failed >= 2 && nth < 20);
	exit_posix_timers(t->signal);
	t->signal->rlim_cur[RLIMIT_SIGPENDING] = 1;
	make(CLOCK_MONOTONIC, SIGEV_NONE);
	CU_ASSERT_EQUAL(PTR_ERR(posix_timer_create(t, CLOCK_MONOTONIC, NULL, -1)), -EAGAIN);
	exit_posix_timers(t->signal);
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(numbers_go_round_past_those_in_use),
	UNIT_TEST(one_that_repeats_waits_for_its_signal_to_be_taken),
	UNIT_TEST(what_was_queued_before_a_change_is_stale),
	UNIT_TEST(an_ignored_one_comes_back_with_its_overrun),
	UNIT_TEST(cpu_time_is_looked_at_while_it_runs),
	UNIT_TEST(failure_at_each_step),
	UNIT_END,
};
const struct unit_suite suite_posix_timer = {"posix_timer", tests};

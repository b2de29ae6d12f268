/* Timers of a process, and what its CPU time does, in virtual time. setitimer(2), getrlimit(2). */
#include <sys/time.h>

#include "proc/itimer.h"
#include "one_task.h"

#define MS 1000000UL

static struct task_struct *t;
static struct machine *m;

static void setup(void)
{
	t = one_task_new(32UL << 20);
	m = t->machine;
	t->blocked = ~UNBLOCKABLE_MASK; /* signals stay pending, to be looked at */
	t->signal->rlim_cur[RLIMIT_CPU] = t->signal->rlim_max[RLIMIT_CPU] = RLIM_INFINITY;
}

static bool came(int sig)
{
	struct k_siginfo info;

	return dequeue_signal(t, ~sigmask_k(sig), &info) == sig;
}

static struct itimer_ns left(int which)
{
	struct itimer_ns it;

	itimer_get(t, which, &it);
	return it;
}

static void a_real_timer_goes_off_again_and_again(void)
{
	const struct itimer_ns it = {.value_ns = 10 * MS, .interval_ns = 4 * MS}, off = {0};
	u64 start;

	setup();
	start = machine_now_ns(m);
	itimer_set(t, ITIMER_REAL, &it);
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 10 * MS);
	CU_ASSERT_EQUAL(left(ITIMER_REAL).interval_ns, 4 * MS);
	event_loop_run(&m->events, true); /* sleeps until then: the clock jumps */
	CU_ASSERT_EQUAL(machine_now_ns(m) - start, 10 * MS);
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 0); /* stands still until it is taken */
	CU_ASSERT_TRUE(came(SIGALRM));
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 4 * MS);
	m->virtual_ns += 9 * MS; /* two have been missed, and count as one */
	event_loop_run(&m->events, false);
	CU_ASSERT_TRUE(came(SIGALRM));
	CU_ASSERT_FALSE(came(SIGALRM));
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 3 * MS); /* in step with the first */
	itimer_set(t, ITIMER_REAL, &off);
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 0);
	one_task_free(t);
}

static void timers_on_cpu_time_wait_for_the_process_to_run(void)
{
	const struct itimer_ns it = {.value_ns = 5 * MS};

	setup();
	CU_ASSERT_FALSE(cpu_timers_armed(t));
	itimer_set(t, ITIMER_VIRTUAL, &it);
	CU_ASSERT_TRUE(cpu_timers_armed(t));
	m->virtual_ns += 50 * MS; /* others ran */
	run_cpu_timers(t);
	CU_ASSERT_FALSE(came(SIGVTALRM));
	t->retired += 5 * MS; /* an instruction is a nanosecond */
	run_cpu_timers(t);
	CU_ASSERT_TRUE(came(SIGVTALRM));
	CU_ASSERT_FALSE(cpu_timers_armed(t)); /* once */
	one_task_free(t);
}

static void the_cpu_limit_warns_each_second_and_then_kills(void)
{
	setup();
	t->signal->rlim_cur[RLIMIT_CPU] = 2;
	t->signal->rlim_max[RLIMIT_CPU] = 4;
	t->retired = NSEC_PER_SEC;
	run_cpu_timers(t);
	CU_ASSERT_FALSE(came(SIGXCPU));
	t->retired = 2 * NSEC_PER_SEC;
	run_cpu_timers(t);
	CU_ASSERT_TRUE(came(SIGXCPU));
	CU_ASSERT_EQUAL(t->signal->rlim_cur[RLIMIT_CPU], 3);
	t->retired += MS;
	run_cpu_timers(t);
	CU_ASSERT_FALSE(came(SIGXCPU));
	t->retired = 3 * NSEC_PER_SEC;
	run_cpu_timers(t);
	CU_ASSERT_TRUE(came(SIGXCPU));
	t->retired = 4 * NSEC_PER_SEC;
	run_cpu_timers(t);
	CU_ASSERT_TRUE(fatal_signal_pending(t));
	one_task_free(t);
}

static void the_end_of_the_process_stops_its_timers(void)
{
	const struct itimer_ns it = {.value_ns = 5 * MS, .interval_ns = MS};

	setup();
	itimer_set(t, ITIMER_REAL, &it);
	itimer_set(t, ITIMER_PROF, &it);
	exit_itimers(t);
	CU_ASSERT_EQUAL(left(ITIMER_REAL).value_ns, 0);
	CU_ASSERT_FALSE(cpu_timers_armed(t));
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_real_timer_goes_off_again_and_again),
	UNIT_TEST(timers_on_cpu_time_wait_for_the_process_to_run),
	UNIT_TEST(the_cpu_limit_warns_each_second_and_then_kills),
	UNIT_TEST(the_end_of_the_process_stops_its_timers),
	UNIT_END,
};
const struct unit_suite suite_itimer = {"itimer", tests};

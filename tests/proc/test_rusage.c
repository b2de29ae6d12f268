/* CPU time and sums. getrusage(2). */
#include "proc/fork.h"
#include "proc/rusage.h"
#include "one_task.h"

static void cpu_time_never_runs_backwards(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	u64 user, sys;

	t->retired = 1000;
	task_cputime(t, &user, &sys);
	CU_ASSERT_EQUAL(user, 1000);
	t->retired = 400; /* its share of the host's time may shrink */
	task_cputime(t, &user, &sys);
	CU_ASSERT_EQUAL(user, 1000);
	CU_ASSERT_EQUAL(sys, 0);
	one_task_free(t);
}

static void a_parent_inherits_sums_and_the_greatest_rss(void)
{
	const struct kernel_clone_args args = {.exit_signal = SIGCHLD};
	struct task_struct *t = one_task_new(32UL << 20), *p;
	struct rusage ru;

	p = find_task_by_pid(t->machine, (s32)kernel_clone(t, &args));
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	t->signal->children.maxrss = 100;
	t->signal->children.flt.min_flt = 1;
	p->retired = 3000000;
	p->flt.min_flt = 10;
	p->nvcsw = 2;
	p->signal->maxrss = 50;
	p->signal->children.retired = 4000000;
	p->signal->children.maxrss = 300;
	task_rusage(t, RUSAGE_CHILDREN, &ru);
	CU_ASSERT_EQUAL(ru.ru_minflt, 1); /* not before it has been waited for */
	task_usage_inherit(t, p);
	task_rusage(t, RUSAGE_CHILDREN, &ru);
	CU_ASSERT_EQUAL(ru.ru_utime.tv_usec, 7000);
	CU_ASSERT_EQUAL(ru.ru_minflt, 11);
	CU_ASSERT_EQUAL(ru.ru_nvcsw, 2);
	CU_ASSERT_EQUAL(ru.ru_maxrss, 300 * 4); /* kB */
	task_rusage(p, RUSAGE_BOTH_K, &ru);
	CU_ASSERT_EQUAL(ru.ru_utime.tv_usec, 7000);
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(cpu_time_never_runs_backwards),
	UNIT_TEST(a_parent_inherits_sums_and_the_greatest_rss),
	UNIT_END,
};
const struct unit_suite suite_rusage = {"rusage", tests};

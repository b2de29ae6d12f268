/* Out of memory: who is chosen, and who dies with him. proc(5), /proc/PID/oom_score_adj. */
#include <sched.h>

#include "mm/memory.h"
#include "proc/fork.h"
#include "proc/oom.h"
#include "one_task.h"

static struct task_struct *t;
static struct machine *m;

static void setup(void)
{
	t = one_task_new(64UL << 20);
	m = t->machine;
	t->signal->oom_score_adj = 0; /* the host's may be another */
	t->mm->dumpable = 1;
	one_task_map(t, 0, 256, 100);
}

static struct task_struct *child(u64 flags)
{
	const struct kernel_clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	long pid = kernel_clone(t, &args);

	CU_ASSERT_FATAL(pid > 0);
	return find_task_by_pid(m, (s32)pid);
}

static bool is_killed(const struct task_struct *p)
{
	return p->signal->group_exit && p->signal->group_exit_code == SIGKILL;
}

static void the_score_is_pages_moved_by_thousandths_of_all(void)
{
	u64 total;
	s64 pages;

	setup();
	total = totalram_pages(&m->mem);
	pages = oom_badness(t, total);
	CU_ASSERT(pages >= 100 && pages < 120); /* the data, and its page tables */
	t->signal->oom_score_adj = 500;
	CU_ASSERT_EQUAL(oom_badness(t, total), pages + 500 * (s64)(total / 1000));
	t->signal->oom_score_adj = -3;
	CU_ASSERT_EQUAL(oom_badness(t, total), pages - 3 * (s64)(total / 1000));
	t->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
	CU_ASSERT_EQUAL(oom_badness(t, total), OOM_NEVER);
	one_task_free(t);
}

static void a_vfork_child_is_not_chosen_for_its_parents_memory(void)
{
	struct vfork_wait waits = {.done = false};
	struct task_struct *p;

	setup();
	p = child(CLONE_VM);
	CU_ASSERT_EQUAL(oom_badness(p, totalram_pages(&m->mem)),
			oom_badness(t, totalram_pages(&m->mem)));
	p->vfork_done = &waits;
	CU_ASSERT_EQUAL(oom_badness(p, totalram_pages(&m->mem)), OOM_NEVER);
	p->vfork_done = NULL;
	one_task_free(t);
}

static void the_largest_dies_and_one_at_a_time(void)
{
	struct task_struct *small, *large;

	setup();
	small = child(0);
	large = child(0);
	for (u64 i = 100; i < 200; i++) /* its own pages, beyond those it shares */
		CU_ASSERT_EQUAL(put_user(large->mm, (u8)1, ARENA + i * PAGE_SIZE), 0);
	CU_ASSERT_TRUE(out_of_memory(m));
	CU_ASSERT_TRUE(is_killed(large));
	CU_ASSERT_EQUAL(m->mem.events[EV_oom_kill], 1);
	CU_ASSERT_TRUE(out_of_memory(m)); /* he is still dying */
	CU_ASSERT_EQUAL(m->mem.events[EV_oom_kill], 1);
	CU_ASSERT_FALSE(is_killed(small));
	CU_ASSERT_FALSE(is_killed(t));
	one_task_free(t);
}

static void who_is_spared_lives_and_the_next_dies(void)
{
	struct task_struct *p;

	setup();
	p = child(0);
	one_task_map(p, 300, 50, 50);
	p->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
	CU_ASSERT_TRUE(out_of_memory(m));
	CU_ASSERT_FALSE(is_killed(p));
	CU_ASSERT_TRUE(is_killed(t));
	one_task_free(t);
}

static void nobody_is_left_where_all_are_spared(void)
{
	setup();
	t->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
	CU_ASSERT_FALSE(out_of_memory(m));
	CU_ASSERT_FALSE(is_killed(t));
	one_task_free(t);
}

static void whoever_holds_the_same_memory_dies_too(void)
{
	struct task_struct *twin, *other;

	setup();
	twin = child(CLONE_VM);
	other = child(0);
	other->signal->oom_score_adj = -100;
	CU_ASSERT_TRUE(out_of_memory(m));
	CU_ASSERT_TRUE(is_killed(t));
	CU_ASSERT_TRUE(is_killed(twin));
	CU_ASSERT_FALSE(is_killed(other));
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_score_is_pages_moved_by_thousandths_of_all),
	UNIT_TEST(a_vfork_child_is_not_chosen_for_its_parents_memory),
	UNIT_TEST(the_largest_dies_and_one_at_a_time),
	UNIT_TEST(who_is_spared_lives_and_the_next_dies),
	UNIT_TEST(nobody_is_left_where_all_are_spared),
	UNIT_TEST(whoever_holds_the_same_memory_dies_too),
	UNIT_END,
};
const struct unit_suite suite_oom = {"oom", tests};

/* Process numbers: each belongs to one task at a time, also to one that is still being made. */
#include <stdlib.h>

#include "proc/task.h"
#include "tiny_elf.h"
#include "unit.h"

/* A task with a number (@pid, or any) and nothing else, as fork has it while it sleeps. ERR_PTR */
static struct task_struct *unborn_task(struct machine *m, s32 pid)
{
	struct task_struct *t = kmem_cache_zalloc(m->task_cache, GFP_KERNEL);
	int err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	t->machine = m;
	INIT_LIST_HEAD(&t->tasks);
	INIT_LIST_HEAD(&t->pending.list);
	err = task_reserve_pid(t, pid);
	if (!err)
		return t;
	task_free(t);
	return ERR_PTR(err);
}

static void a_number_is_taken_while_fork_sleeps(void)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct task_struct *a, *b;
	s32 first;

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 64UL << 20), 0);
	a = unborn_task(m, 0);
	first = a->pid;
	CU_ASSERT_PTR_NULL(find_task_by_pid(m, first)); /* nobody can signal it yet */
	/* All other numbers are given away meanwhile, and it is a's turn again. */
	m->pids_wrapped = true;
	m->last_pid = first - 1;
	b = unborn_task(m, 0);
	CU_ASSERT_EQUAL(b->pid, first + 1);
	task_free(a); /* that fork has failed */
	m->last_pid = first - 1;
	CU_ASSERT_EQUAL(alloc_pid(m), first);
	task_free(b);
	CU_ASSERT_TRUE(list_empty(&m->unborn));
	tiny_machine_free(m);
	free(m);
}

/* clone3(2) with set_tid. */
static void a_number_can_be_asked_for(void)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct task_struct *a;

	CU_ASSERT_EQUAL_FATAL(tiny_machine(m, 64UL << 20), 0);
	a = unborn_task(m, 4711);
	CU_ASSERT_EQUAL_FATAL(IS_ERR(a), false);
	CU_ASSERT_EQUAL(a->pid, 4711);
	CU_ASSERT_EQUAL(PTR_ERR(unborn_task(m, 4711)), -EEXIST);
	CU_ASSERT_EQUAL(PTR_ERR(unborn_task(m, 32768)), -EINVAL);
	CU_ASSERT_EQUAL(PTR_ERR(unborn_task(m, -1)), -EINVAL);
	/* The numbers in turn pass it by. */
	m->last_pid = 4710;
	CU_ASSERT_EQUAL(alloc_pid(m), 4712);
	task_free(a);
	tiny_machine_free(m);
	free(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_number_is_taken_while_fork_sleeps),
	UNIT_TEST(a_number_can_be_asked_for),
	UNIT_END,
};
const struct unit_suite suite_pid = {"pid", tests};

/* The robust list: what a task leaves in user memory when it ends. get_robust_list(2). */
#include "proc/futex.h"
#include "one_task.h"

#define FUTEX_AT 24 /* of the lock word in an entry of ours, as glibc's mutexes have it */

static struct task_struct *t;
static gva_t head;

static void put64(gva_t at, u64 v)
{
	CU_ASSERT_EQUAL_FATAL(put_user(t->mm, v, at), 0);
}

static u32 word_of(gva_t entry)
{
	u32 v = 0;

	CU_ASSERT_EQUAL(get_user(t->mm, v, entry + FUTEX_AT), 0);
	return v;
}

static void lock(gva_t entry, u32 value)
{
	CU_ASSERT_EQUAL_FATAL(put_user(t->mm, value, entry + FUTEX_AT), 0);
}

static void setup(void)
{
	t = one_task_new(32UL << 20);
	head = one_task_map(t, 0, 1, 1);
	put64(head, head);
	put64(head + 8, FUTEX_AT);
	put64(head + 16, 0);
	t->robust_list = head;
}

static gva_t entry(unsigned i)
{
	return head + 64 * (i + 1);
}

static void own_locks_are_marked_and_others_left_alone(void)
{
	setup();
	put64(head, entry(0));
	put64(entry(0), entry(1));
	put64(entry(1), entry(2));
	put64(entry(2), head);
	lock(entry(0), t->pid | FUTEX_WAITERS);
	lock(entry(1), t->pid + 1);
	lock(entry(2), t->pid);
	exit_robust_list(t);
	CU_ASSERT_EQUAL(word_of(entry(0)), FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CU_ASSERT_EQUAL(word_of(entry(1)), (u32)t->pid + 1);
	CU_ASSERT_EQUAL(word_of(entry(2)), FUTEX_OWNER_DIED);
	CU_ASSERT_EQUAL(t->robust_list, 0);
	one_task_free(t);
}

static void a_lock_that_was_about_to_be_taken_counts(void)
{
	setup();
	put64(head + 16, entry(3));
	lock(entry(3), t->pid);
	exit_robust_list(t);
	CU_ASSERT_EQUAL(word_of(entry(3)), FUTEX_OWNER_DIED);
	one_task_free(t);
}

static void a_list_without_end_ends(void)
{
	setup();
	put64(head, entry(0));
	put64(entry(0), entry(0));
	lock(entry(0), t->pid);
	exit_robust_list(t);
	CU_ASSERT_EQUAL(word_of(entry(0)), FUTEX_OWNER_DIED);
	one_task_free(t);
}

static void what_cannot_be_read_ends_the_walk(void)
{
	setup();
	put64(head, entry(0));
	put64(entry(0), 0x1000); /* not mapped */
	lock(entry(0), t->pid);
	put64(head + 16, entry(1));
	lock(entry(1), t->pid);
	exit_robust_list(t);
	CU_ASSERT_EQUAL(word_of(entry(0)), FUTEX_OWNER_DIED);
	CU_ASSERT_EQUAL(word_of(entry(1)), (u32)t->pid);
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(own_locks_are_marked_and_others_left_alone),
	UNIT_TEST(a_lock_that_was_about_to_be_taken_counts),
	UNIT_TEST(a_list_without_end_ends),
	UNIT_TEST(what_cannot_be_read_ends_the_walk),
	UNIT_END,
};
const struct unit_suite suite_robust = {"robust", tests};

/* Record locks and flock() without a task: what conflicts, what splits and merges, which lock is named. */
#include "world.h"

#include "fs/locks.h"

static struct world w;

static int lock(struct file *f, const void *owner, short type, u64 start, u64 last)
{
	struct file_lock want = {
		.file = f, .owner = owner, .type = type, .start = start, .end = last};

	return posix_lock_file(f, &want, false);
}

static void record_locks_split_and_merge(void)
{
	struct file_lock got = {.owner = "b", .type = F_RDLCK, .start = 0, .end = LOCK_END};
	struct file *f;

	world_up(&w);
	host_file(&w, "f", "x", 1);
	f = open_at_root(&w, "f", O_RDWR);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	CU_ASSERT_EQUAL(lock(f, "a", F_WRLCK, 0, 99), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_RDLCK, 50, 50), -EAGAIN);
	CU_ASSERT_EQUAL(lock(f, "a", F_UNLCK, 40, 59), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_RDLCK, 40, 59), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_RDLCK, 39, 59), -EAGAIN);
	CU_ASSERT_EQUAL(lock(f, "a", F_RDLCK, 0, 39), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_RDLCK, 0, 59), 0);
	posix_test_lock(f, &got);
	CU_ASSERT_EQUAL(got.type, F_WRLCK);
	CU_ASSERT_EQUAL(got.start, 60);
	CU_ASSERT_EQUAL(got.end, 99);
	locks_remove_posix(f, (const void *)got.owner);
	CU_ASSERT_EQUAL(lock(f, "b", F_WRLCK, 0, LOCK_END), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_UNLCK, 0, LOCK_END), 0);
	CU_ASSERT_EQUAL(flock_lock_file(f, 1, F_WRLCK, false), 0);
	fput(f);
	world_down(&w);
}

static void the_lock_named_is_the_owners_first(void)
{
	struct file_lock got = {.owner = "c", .type = F_WRLCK, .start = 0, .end = LOCK_END};
	struct file *f;

	world_up(&w);
	host_file(&w, "f", "x", 1);
	f = open_at_root(&w, "f", O_RDWR);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	CU_ASSERT_EQUAL(lock(f, "a", F_WRLCK, 50, 59), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_WRLCK, 0, 4), 0);
	CU_ASSERT_EQUAL(lock(f, "a", F_WRLCK, 10, 19), 0);
	posix_test_lock(f, &got);
	CU_ASSERT_EQUAL(got.start, 10);
	CU_ASSERT_EQUAL(lock(f, "a", F_UNLCK, 0, LOCK_END), 0);
	CU_ASSERT_EQUAL(lock(f, "b", F_UNLCK, 0, LOCK_END), 0);
	fput(f);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(record_locks_split_and_merge),
	UNIT_TEST(the_lock_named_is_the_owners_first),
	UNIT_END,
};

const struct unit_suite suite_locks = {"locks", tests};

/* SysV segments: numbers, limits, rights, attachments, and when a segment goes. tests/guest/sysvshm.c
 * compares the calls with Linux. */
#include "fs/ipc_shm.h"
#include "mm/mm.h"
#include "world.h"

static struct world w;
static const struct ipc_cred root = {.pid = 1, .memlock = ~0UL, .privileged = true, .admin = true};

static long get(u64 size)
{
	return do_shmget(&w.vfs, &root, IPC_PRIVATE, size, 0600);
}

static void numbers_are_not_given_away_again_soon(void)
{
	long first, second, third;

	world_up(&w);
	first = get(1);
	second = get(1);
	CU_ASSERT_EQUAL(second & 0x7fff, (first & 0x7fff) + 1);
	CU_ASSERT_EQUAL(shm_remove(&w.vfs, &root, second), 0);
	third = get(1);
	CU_ASSERT_EQUAL(third & 0x7fff, (first & 0x7fff) + 2);
	for (int i = 0; i < 200; i++) {
		long id = get(1);

		CU_ASSERT(id > 0 && id != first && id != second);
		CU_ASSERT_EQUAL(shm_remove(&w.vfs, &root, id), 0);
		CU_ASSERT_EQUAL(shm_remove(&w.vfs, &root, id), -EINVAL);
	}
	CU_ASSERT_EQUAL(w.mem.committed_as, 2);
	shm_destroy_all(&w.vfs); /* two are left */
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	world_down(&w);
}

static void limits_hold(void)
{
	struct shm_limits l;
	struct shm_info usage;

	world_up(&w);
	l = shm_get_limits(&w.vfs);
	CU_ASSERT_EQUAL(l.mni, 4096);
	l = (struct shm_limits){.max = 3 * PAGE_SIZE, .all = 5, .mni = 3};
	shm_set_limits(&w.vfs, &l);
	CU_ASSERT_EQUAL(get(3 * PAGE_SIZE + 1), -EINVAL);
	CU_ASSERT(get(3 * PAGE_SIZE) > 0);
	CU_ASSERT_EQUAL(get(3 * PAGE_SIZE), -ENOSPC); /* of all */
	CU_ASSERT(get(PAGE_SIZE) > 0);
	CU_ASSERT(get(1) > 0);
	l.all = 100;
	shm_set_limits(&w.vfs, &l);
	CU_ASSERT_EQUAL(get(1), -ENOSPC); /* how many */
	l.mni = 300;
	l.all = 1000;
	shm_set_limits(&w.vfs, &l);
	for (int i = 3; i < 300; i++)
		CU_ASSERT(get(1) > 0);
	CU_ASSERT_EQUAL(get(1), -ENOSPC);
	CU_ASSERT_EQUAL(shm_usage(&w.vfs, &usage), 299);
	CU_ASSERT_EQUAL(usage.used_ids, 300);
	CU_ASSERT_EQUAL(usage.shm_tot, 302);
	shm_destroy_all(&w.vfs);
	world_down(&w);
}

static void the_last_detachment_takes_a_removed_one(void)
{
	struct mm_struct *mm;
	struct shmid_ds ds;
	unsigned at = 0;
	long id, a, b;
	u64 rss;
	int found;

	world_up(&w);
	mm = mm_alloc(&w.mem);
	CU_ASSERT_FALSE_FATAL(IS_ERR(mm));
	mm->mmap_base = 0x7ffff7fff000UL;
	id = get(2 * PAGE_SIZE);
	a = do_shmat(&w.vfs, &root, mm, id, 0, 0);
	b = do_shmat(&w.vfs, &root, mm, id, 0, SHM_RDONLY);
	CU_ASSERT(a > 0 && b > 0);
	CU_ASSERT_EQUAL(shm_stat(&w.vfs, &root, id, false, false, &ds), 0);
	CU_ASSERT_EQUAL(ds.shm_nattch, 2);
	CU_ASSERT_EQUAL(shm_remove(&w.vfs, &root, id), 0);
	CU_ASSERT_TRUE(shm_next(&w.vfs, &at, &found, &ds, &rss));
	CU_ASSERT_EQUAL(found, id);
	CU_ASSERT_EQUAL(ds.shm_perm.__key, IPC_PRIVATE);
	CU_ASSERT_EQUAL(do_shmdt(mm, a), 0);
	CU_ASSERT_EQUAL(do_shmdt(mm, a), -EINVAL);
	CU_ASSERT_EQUAL(w.mem.committed_as, 2);
	mmput(mm); /* the second one */
	CU_ASSERT_EQUAL(shm_stat(&w.vfs, &root, id, false, false, &ds), -EINVAL);
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	world_down(&w);
}

static void others_may_what_the_mode_says(void)
{
	const struct ipc_cred other = {.pid = 2, .euid = 1000, .egid = 1000};
	struct shmid_ds ds;
	long id;

	world_up(&w);
	id = do_shmget(&w.vfs, &root, 77, PAGE_SIZE, IPC_CREAT | 0604);
	CU_ASSERT_EQUAL(do_shmget(&w.vfs, &other, 77, 0, 0), id);
	CU_ASSERT_EQUAL(do_shmget(&w.vfs, &other, 77, 0, 04), id);
	CU_ASSERT_EQUAL(do_shmget(&w.vfs, &other, 77, 0, 06), -EACCES);
	CU_ASSERT_EQUAL(shm_stat(&w.vfs, &other, id, false, false, &ds), 0);
	CU_ASSERT_EQUAL(shm_set(&w.vfs, &other, id, &ds), -EPERM);
	CU_ASSERT_EQUAL(shm_remove(&w.vfs, &other, id), -EPERM);
	CU_ASSERT_EQUAL(shm_lock(&w.vfs, &other, id, true), -EPERM);
	ds.shm_perm.uid = 1000;
	ds.shm_perm.mode = 0;
	CU_ASSERT_EQUAL(shm_set(&w.vfs, &root, id, &ds), 0);
	CU_ASSERT_EQUAL(shm_stat(&w.vfs, &other, id, false, false, &ds), -EACCES);
	CU_ASSERT_EQUAL(shm_stat(&w.vfs, &other, id & 0x7fff, true, true, &ds),
			id); /* SHM_STAT_ANY */
	CU_ASSERT_EQUAL(shm_remove(&w.vfs, &other, id), 0);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(numbers_are_not_given_away_again_soon),
	UNIT_TEST(limits_hold),
	UNIT_TEST(the_last_detachment_takes_a_removed_one),
	UNIT_TEST(others_may_what_the_mode_says),
	UNIT_END,
};

const struct unit_suite suite_ipc_shm = {"ipc_shm", tests};

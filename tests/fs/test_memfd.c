/* Files without a name: seals, and what they do to each operation. tests/guest/memfd_seals.c compares
 * the whole table with Linux; here is what a program cannot see. */
#include <linux/falloc.h>

#include "fs/memfd.h"
#include "fs/shmemfs.h"
#include "world.h"

static struct world w;

static struct file *make(u32 seals)
{
	struct file *f = shmem_file_setup(&w.vfs, "memfd:x", 0, VM_NORESERVE, 0777, 5, 6);

	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	memfd_set_seals(f, seals);
	return f;
}

static long put(struct file *f, const char *text, u64 pos)
{
	struct iovec iov = {(void *)text, strlen(text)};
	struct iov_iter from = {.iov = &iov, .nr_segs = 1, .count = iov.iov_len};

	return vfs_write(f, &from, &pos);
}

static void seals_stop_one_operation_each(void)
{
	static const struct {
		u32 seal;
		long write, append, shrink, grow, punch;
	} rows[] = {
		{0, 0, 0, 0, 0, 0},
		{F_SEAL_SEAL, 0, 0, 0, 0, 0},
		{F_SEAL_SHRINK, 0, 0, -EPERM, 0, 0},
		{F_SEAL_GROW, 0, -EPERM, 0, -EPERM, 0},
		{F_SEAL_WRITE, -EPERM, -EPERM, 0, 0, -EPERM},
		{F_SEAL_FUTURE_WRITE, -EPERM, -EPERM, 0, 0, -EPERM},
	};

	world_up(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct file *f = make(0);
		int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

		CU_ASSERT_EQUAL(put(f, "0123456789", 0), 10);
		CU_ASSERT_EQUAL(memfd_add_seals(f, rows[i].seal), 0);
		CU_ASSERT_EQUAL(put(f, "x", 0), rows[i].write ? rows[i].write : 1);
		CU_ASSERT_EQUAL(f->f_op->fallocate(f, punch, 0, 4), rows[i].punch);
		CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 5), rows[i].shrink);
		CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 20), rows[i].grow);
		CU_ASSERT_EQUAL(put(f, "x", 30), rows[i].append ? rows[i].append : 1);
		CU_ASSERT_EQUAL(memfd_add_seals(f, F_SEAL_GROW),
				rows[i].seal == F_SEAL_SEAL ? -EPERM : 0);
		fput(f);
	}
	CU_ASSERT_EQUAL(w.mem.stats[ST_shmem], 0);
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	world_down(&w);
}

static void pages_are_charged_as_they_come(void)
{
	struct file *f;

	world_up(&w);
	f = make(0);
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 1UL << 40), 0);
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	CU_ASSERT_EQUAL(put(f, "x", (1UL << 40) - 1), 1);
	CU_ASSERT_EQUAL(w.mem.committed_as, 1);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, 0, SEEK_DATA), (1L << 40) - 4096);
	CU_ASSERT_EQUAL(f->f_op->fallocate(f, 0, 0, 40960), 0);
	CU_ASSERT_EQUAL(w.mem.committed_as, 11);
	CU_ASSERT_EQUAL(f->f_op->llseek(f, 0, SEEK_DATA), (1L << 40) - 4096);
	CU_ASSERT_EQUAL(f->f_op->ftruncate(f, 0), 0);
	CU_ASSERT_EQUAL(w.mem.committed_as, 0);
	fput(f);
	world_down(&w);
}

static void only_shared_memory_has_seals(void)
{
	struct file *f;

	world_up(&w);
	host_file(&w, "plain", "x", 1);
	f = do_filp_open(&w.fs, NULL, "/plain", O_RDWR, 0);
	CU_ASSERT_FALSE_FATAL(IS_ERR(f));
	CU_ASSERT_EQUAL(memfd_get_seals(f), -EINVAL);
	CU_ASSERT_EQUAL(memfd_add_seals(f, F_SEAL_GROW), -EINVAL);
	fput(f);
	f = make(F_SEAL_SEAL);
	CU_ASSERT_EQUAL(memfd_add_seals(f, 0), -EPERM);
	CU_ASSERT_EQUAL(memfd_add_seals(f, 0x1000), -EINVAL);
	fput(f);
	CU_ASSERT_EQUAL(PTR_ERR(shmem_file_setup(&w.vfs, "x", ~0UL, 0, 0600, 0, 0)), -EINVAL);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(seals_stop_one_operation_each),
	UNIT_TEST(pages_are_charged_as_they_come),
	UNIT_TEST(only_shared_memory_has_seals),
	UNIT_END,
};

const struct unit_suite suite_memfd = {"memfd", tests};

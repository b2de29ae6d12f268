/* iov_iter over host and guest memory. */
#include "mm/uaccess.h"
#include "world.h"

static void pieces_are_filled_in_order(void)
{
	char a[3], b[5], out[8];
	struct iovec iov[] = {{a, 3}, {NULL, 0}, {b, 5}};
	struct iov_iter i = {.iov = iov, .nr_segs = 3, .count = 8};

	CU_ASSERT_EQUAL(copy_to_iter("01", 2, &i), 2);
	CU_ASSERT_EQUAL(copy_to_iter("23456", 5, &i), 5);
	CU_ASSERT_EQUAL(i.count, 1);
	CU_ASSERT_EQUAL(copy_to_iter("789", 3, &i), 1);
	CU_ASSERT_EQUAL(copy_to_iter("9", 1, &i), 0);
	CU_ASSERT_EQUAL(memcmp(a, "012", 3), 0);
	CU_ASSERT_EQUAL(memcmp(b, "34567", 5), 0);

	i = (struct iov_iter){.iov = iov, .nr_segs = 3, .count = 6}; /* shorter than the vector */
	iov_iter_advance(&i, 2);
	CU_ASSERT_EQUAL(copy_from_iter(out, 8, &i), 4);
	CU_ASSERT_EQUAL(memcmp(out, "2345", 4), 0);
	CU_ASSERT_EQUAL(i.count, 0);

	i = (struct iov_iter){.iov = iov, .nr_segs = 3, .count = 8};
	CU_ASSERT_EQUAL(iov_iter_zero(4, &i), 4);
	CU_ASSERT_EQUAL(b[0], 0);
	CU_ASSERT_EQUAL(b[1], '4');
}

static void guest_copies_stop_at_the_fault(void)
{
	static struct world w;
	struct mm_struct *mm;
	char data[64] = "some bytes";
	struct iovec iov[2];
	struct iov_iter i;
	long at;

	world_up(&w);
	mm = mm_alloc(&w.mem);
	mm->mmap_base = 0x7ffff7fff000;
	at = do_mmap(mm, NULL, 0x10000000, PAGE_SIZE, 3, 0x22, 0, false);
	CU_ASSERT_EQUAL_FATAL(at, 0x10000000);
	iov[0] = (struct iovec){(void *)(at + 10), 20};
	iov[1] = (struct iovec){(void *)(at + PAGE_SIZE - 4), 40};
	i = (struct iov_iter){.mm = mm, .iov = iov, .nr_segs = 2, .count = 60};
	CU_ASSERT_EQUAL(iov_iter_fault_in(&i, 60, true), 24);
	CU_ASSERT_EQUAL(i.count, 60);
	CU_ASSERT_EQUAL(copy_to_iter(data, 60, &i), 24);
	CU_ASSERT_EQUAL(i.count, 36);
	CU_ASSERT_EQUAL(copy_to_iter(data, 10, &i), 0);
	i = (struct iov_iter){.mm = mm, .iov = iov, .nr_segs = 2, .count = 60};
	CU_ASSERT_EQUAL(copy_from_iter(data, 4, &i), 4);
	CU_ASSERT_EQUAL(memcmp(data, "some", 4), 0);
	mmput(mm);
	world_down(&w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(pieces_are_filled_in_order),
	UNIT_TEST(guest_copies_stop_at_the_fault),
	UNIT_END,
};

const struct unit_suite suite_iov_iter = {"iov_iter", tests};

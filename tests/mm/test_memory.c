/*
 * A machine's memory as a whole: sizes it takes, and two of them side by side.
 */
#include "unit.h"

#include "base/err.h"
#include "base/valgrind.h"
#include "mm/slab.h"

#include <string.h>

#define MIB (1UL << 20)

static void wrong_sizes_are_refused(void)
{
	static struct memory m;

	CU_ASSERT_EQUAL(memory_init(&m, 1 * MIB), -EINVAL);
	CU_ASSERT_EQUAL(memory_init(&m, 16 * MIB + 1), -EINVAL);
	CU_ASSERT_EQUAL(memory_init(&m, 2UL << 40), -EINVAL);
}

static void every_size_boots(void)
{
	static const u64 sizes[] = {4, 5, 16, 17, 3071, 3072, 3073, 4096, 65536};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		static struct memory m;

		if (under_valgrind() && sizes[i] > 4096) /* which gives a program 32 GiB at most */
			continue;
		memset(&m, 0, sizeof(m));
		CU_ASSERT_EQUAL_FATAL(memory_init(&m, sizes[i] * MIB), 0);
		CU_ASSERT_EQUAL(totalram_pages(&m), (sizes[i] * MIB >> PAGE_SHIFT) - 1);
		CU_ASSERT_EQUAL(memory_validate(&m), 0);
		CU_ASSERT_TRUE(page_test(m.zero_page, PG_reserved));
		memory_destroy(&m);
	}
}

static void two_machines_do_not_meet(void)
{
	static struct memory a, b;
	char *p, *q;

	CU_ASSERT_EQUAL_FATAL(memory_init(&a, 16 * MIB), 0);
	CU_ASSERT_EQUAL_FATAL(memory_init(&b, 32 * MIB), 0);
	p = kmalloc(&a, 100, GFP_KERNEL);
	q = kmalloc(&b, 100, GFP_KERNEL);
	CU_ASSERT_TRUE(virt_in_ram(&a, p) && !virt_in_ram(&b, p));
	CU_ASSERT_TRUE(virt_in_ram(&b, q) && !virt_in_ram(&a, q));
	strcpy(p, "one");
	strcpy(q, "two");
	CU_ASSERT_STRING_EQUAL(p, "one");
	kfree(&a, p);
	memory_destroy(&a);
	CU_ASSERT_STRING_EQUAL(q, "two");
	kfree(&b, q);
	CU_ASSERT_EQUAL(memory_validate(&b), 0);
	memory_destroy(&b);
}

static const struct unit_test tests[] = {
	UNIT_TEST(wrong_sizes_are_refused),
	UNIT_TEST(every_size_boots),
	UNIT_TEST(two_machines_do_not_meet),
	UNIT_END,
};
const struct unit_suite suite_memory = {"memory", tests};

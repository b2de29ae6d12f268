/*
 * vmalloc: what is written can be read back, areas keep their distance, nothing leaks.
 */
#include "mm_world.h"

#include "mm/page_alloc.h"
#include "mm/vmalloc.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1UL << 20)

/* Nobody but a test reads what he wrote through guest-kernel addresses. */
static void vmalloc_read(struct memory *m, u8 *to, gva_t addr, u64 n)
{
	for (u64 i = 0; i < n; i++)
		to[i] = *(u8 *)vmalloc_to_virt(m, addr + i);
}

static void bytes_cross_pages(void)
{
	struct memory *m = new_memory(64 * MIB);
	gva_t a = vzalloc(m, 5 * PAGE_SIZE + 1);
	static u8 in[5 * PAGE_SIZE], out[sizeof(in)];

	CU_ASSERT_EQUAL(a, VMALLOC_START);
	CU_ASSERT_EQUAL(m->stats[ST_vmalloc], 6);
	vmalloc_read(m, out, a, sizeof(out));
	CU_ASSERT(!out[0] && !memcmp(out, out + 1, sizeof(out) - 1));
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + (i >> 8);
	vmalloc_write(m, a + 100, in, sizeof(in));
	vmalloc_read(m, out, a + 100, sizeof(out));
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	CU_ASSERT_EQUAL(*(u8 *)vmalloc_to_virt(m, a + 100 + 5000), in[5000]);
	CU_ASSERT_PTR_EQUAL(page_address(m, vmalloc_to_page(m, a)), vmalloc_to_virt(m, a));
	vfree(m, a);
	CU_ASSERT_PTR_NULL(vmalloc_to_page(m, a));
	end_memory(m);
}

static void a_guard_page_lies_behind_each_area(void)
{
	struct memory *m = new_memory(64 * MIB);
	gva_t a = vmalloc(m, PAGE_SIZE), b = vmalloc(m, 3 * PAGE_SIZE), c = vmalloc(m, 1);
	struct vmallocinfo info;

	CU_ASSERT_EQUAL(b, a + 2 * PAGE_SIZE);
	CU_ASSERT_EQUAL(c, b + 4 * PAGE_SIZE);
	CU_ASSERT_PTR_NULL(vmalloc_to_page(m, a + PAGE_SIZE));
	CU_ASSERT_TRUE(vmalloc_info(m, a + 1, &info));
	CU_ASSERT_EQUAL(info.start, b);
	CU_ASSERT_EQUAL(info.size, 4 * PAGE_SIZE);
	CU_ASSERT_EQUAL(info.nr_pages, 3);
	CU_ASSERT_STRING_EQUAL(info.caller, "a_guard_page_lies_behind_each_area");
	vfree(m, b);
	CU_ASSERT_EQUAL(vmalloc(m, 4 * PAGE_SIZE), c + 2 * PAGE_SIZE); /* too long for the hole */
	CU_ASSERT_EQUAL(vmalloc(m, 2 * PAGE_SIZE), b);		       /* the lowest that fits */
	CU_ASSERT_EQUAL(vmalloc_validate(m), 0);
	vfree(m, a);
	vfree(m, b);
	vfree(m, c);
	vfree(m, c + 2 * PAGE_SIZE);
	end_memory(m);
}

static void growing_moves_frames_not_bytes(void)
{
	struct memory *m = new_memory(64 * MIB);
	gva_t a = vmalloc(m, 2 * PAGE_SIZE), b = vmalloc(m, PAGE_SIZE), c;
	const struct page *page = vmalloc_to_page(m, a + PAGE_SIZE);

	vmalloc_write(m, a + PAGE_SIZE, "stays", 6);
	c = vrealloc(m, a, 600 * PAGE_SIZE, GFP_KERNEL, "test");
	CU_ASSERT_NOT_EQUAL(c, a);
	CU_ASSERT_PTR_EQUAL(vmalloc_to_page(m, c + PAGE_SIZE), page);
	CU_ASSERT_STRING_EQUAL(vmalloc_to_virt(m, c + PAGE_SIZE), "stays");
	CU_ASSERT_EQUAL(vmalloc_validate(m), 0);
	CU_ASSERT_EQUAL(vrealloc(m, c, PAGE_SIZE, GFP_KERNEL, "test"), c);
	CU_ASSERT_EQUAL(m->stats[ST_vmalloc], 2);
	vfree(m, b);
	vfree(m, c);
	end_memory(m);
}

static void failure_at_each_step_leaves_nothing(void)
{
	struct memory *m = new_memory(64 * MIB);
	gva_t first = vmalloc(m, PAGE_SIZE), a = 0, b = 0;
	u64 free;

	vfree(m, vmalloc(m, 700 * PAGE_SIZE)); /* tables stay */
	free = nr_free_pages(m);
	for (unsigned n = 1; !a; n++) {
		m->fail_nth = n;
		a = vmalloc(m, 600 * PAGE_SIZE);
		m->fail_nth = 0;
		if (!a)
			CU_ASSERT_EQUAL_FATAL(nr_free_pages(m), free);
	}
	free = nr_free_pages(m);
	for (unsigned n = 1; !b; n++) {
		m->fail_nth = n;
		b = vrealloc(m, a, 620 * PAGE_SIZE, GFP_KERNEL, "test");
		m->fail_nth = 0;
		if (!b)
			CU_ASSERT_PTR_NOT_NULL_FATAL(vmalloc_to_page(m, a + 599 * PAGE_SIZE));
		CU_ASSERT_EQUAL_FATAL(vmalloc_validate(m), 0);
	}
	CU_ASSERT_EQUAL(vmalloc(m, 65 * MIB), 0); /* more than RAM */
	CU_ASSERT_EQUAL(vmalloc(m, 63 * MIB), 0); /* more than is free */
	vfree(m, b);
	vfree(m, first);
	end_memory(m);
}

static void random_areas_never_overlap(void)
{
	struct memory *m = new_memory(256 * MIB);
	static gva_t area[300];

	srand(2);
	for (unsigned step = 0; step < 6000; step++) {
		unsigned i = rand() % ARRAY_SIZE(area);

		if (area[i]) {
			CU_ASSERT_EQUAL_FATAL(*(u32 *)vmalloc_to_virt(m, area[i]), i);
			vfree(m, area[i]);
			area[i] = 0;
			continue;
		}
		area[i] = vmalloc(m, (1 + rand() % 20) * PAGE_SIZE);
		CU_ASSERT_FATAL(area[i] != 0);
		vmalloc_write(m, area[i], &i, sizeof(i));
		if (step % 500 == 0)
			CU_ASSERT_EQUAL_FATAL(vmalloc_validate(m), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(area); i++)
		vfree(m, area[i]);
	end_memory(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bytes_cross_pages),
	UNIT_TEST(a_guard_page_lies_behind_each_area),
	UNIT_TEST(growing_moves_frames_not_bytes),
	UNIT_TEST(failure_at_each_step_leaves_nothing),
	UNIT_TEST(random_areas_never_overlap),
	UNIT_END,
};
const struct unit_suite suite_vmalloc = {"vmalloc", tests};

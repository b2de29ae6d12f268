/* What stands before the buddy: a page as it is given out, and what happens when there is none. */
#include "mm_world.h"

#include "base/err.h"
#include "mm/buddy.h"
#include "mm/slab.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1UL << 20)

static void a_new_page_is_as_the_header_says(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct page *page;
	u8 *p;

	page = alloc_pages(m, GFP_KERNEL, 0);
	p = page_address(m, page);
	memset(p, 0x55, PAGE_SIZE);
	CU_ASSERT_EQUAL(page->refcount, 1);
	CU_ASSERT_EQUAL(page->flags, 0);
	CU_ASSERT_EQUAL(page->mapcount, 0);
	CU_ASSERT_PTR_EQUAL(virt_to_page(m, p + 5), page);
	__free_pages(m, page, 0);

	CU_ASSERT_PTR_EQUAL(alloc_pages(m, GFP_KERNEL | __GFP_ZERO, 0), page); /* LIFO */
	CU_ASSERT(p[0] == 0 && !memcmp(p, p + 1, PAGE_SIZE - 1));
	get_page(page);
	put_page(m, page);
	CU_ASSERT_EQUAL(page->refcount, 1);
	put_page(m, page);
	CU_ASSERT_EQUAL(page->refcount, 0);
	end_memory(m);
}

static void zeroed_blocks_are_zero_virgin_or_not(void)
{
	struct memory *m = new_memory(64 * MIB);

	for (unsigned i = 0; i < 400; i++) {
		unsigned order = i % 5;
		u8 *p = __get_free_pages(m, GFP_KERNEL | __GFP_ZERO, order);

		CU_ASSERT_FATAL(p && !p[0] && !memcmp(p, p + 1, (PAGE_SIZE << order) - 1));
		memset(p, 0x77, PAGE_SIZE << order);
		if (i % 3)
			free_pages(m, p, order);
	}
	end_memory(m);
}

static void compound_pages_know_their_head(void)
{
	struct memory *m = new_memory(64 * MIB);
	u64 free = nr_free_pages(m);
	struct page *page = alloc_pages(m, GFP_KERNEL | __GFP_COMP, 3);

	CU_ASSERT_TRUE(page_test(page, PG_head));
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_PTR_EQUAL(compound_head(page + i), page);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	put_page(m, page + 5);
	CU_ASSERT_EQUAL(nr_free_pages(m), free);
	CU_ASSERT_PTR_EQUAL(compound_head(page + 5), page + 5);
	end_memory(m);
}

static struct page *victim[64];

static u64 kill_one(void *arg)
{
	struct memory *m = arg;

	for (unsigned i = 0; i < ARRAY_SIZE(victim); i++) {
		if (!victim[i])
			continue;
		put_page(m, victim[i]);
		victim[i] = NULL;
		return 16;
	}
	return 0;
}

static void the_oom_hook_comes_last_and_its_pages_are_used(void)
{
	static struct page *out[4096];
	struct memory *m = new_memory(16 * MIB);
	u64 n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(victim); i++)
		victim[i] = alloc_pages(m, GFP_KERNEL | __GFP_COMP, 4);
	while ((out[n] = alloc_pages(m, GFP_KERNEL, 0)))
		n++;
	m->hooks.oom_kill = kill_one;
	m->hooks.oom_arg = m;
	CU_ASSERT_PTR_NULL(alloc_pages(m, GFP_ATOMIC & ~__GFP_HIGH, 0));
	CU_ASSERT_PTR_NOT_NULL(victim[0]);
	for (unsigned i = 0; i < 64 * 16; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(out[n++] = alloc_pages(m, GFP_KERNEL, 0));
	CU_ASSERT_PTR_NULL(alloc_pages(m, GFP_KERNEL, 0));
	CU_ASSERT_PTR_NULL(victim[63]);
	free_unref_page_list(m, out, n);
	end_memory(m);
}

static void the_nth_allocation_fails(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct page *a, *b;

	m->fail_nth = 2;
	a = alloc_pages(m, GFP_KERNEL, 0);
	CU_ASSERT_PTR_NOT_NULL(a);
	CU_ASSERT_PTR_NULL(alloc_pages(m, GFP_KERNEL, 0));
	b = alloc_pages(m, GFP_KERNEL, 2);
	CU_ASSERT_PTR_NOT_NULL(b);
	m->fail_nth = 1;
	CU_ASSERT_PTR_NULL(kmalloc(m, 100, GFP_KERNEL));
	put_page(m, a);
	__free_pages(m, b, 2);
	end_memory(m);
}

static struct page *dirtied;

static void note_dirty(void *arg, struct page *page, unsigned off, unsigned len)
{
	(void)arg, (void)off, (void)len;
	dirtied = page;
}

static void code_goes_with_its_frame(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct page *page = alloc_pages(m, GFP_KERNEL, 0);

	m->hooks.code_dirty = note_dirty;
	put_page(m, page);
	CU_ASSERT_PTR_NULL(dirtied);
	page = alloc_pages(m, GFP_KERNEL, 0);
	page_set(page, PG_code);
	put_page(m, page);
	CU_ASSERT_PTR_EQUAL(dirtied, page);
	CU_ASSERT_FALSE(page_test(page, PG_code));
	end_memory(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_new_page_is_as_the_header_says),
	UNIT_TEST(zeroed_blocks_are_zero_virgin_or_not),
	UNIT_TEST(compound_pages_know_their_head),
	UNIT_TEST(the_oom_hook_comes_last_and_its_pages_are_used),
	UNIT_TEST(the_nth_allocation_fails),
	UNIT_TEST(code_goes_with_its_frame),
	UNIT_END,
};
const struct unit_suite suite_page_alloc = {"page_alloc", tests};

/* The buddy, against a model that only knows which frames are out. */
#include "mm_world.h"

#include "base/err.h"
#include "mm/buddy.h"
#include "mm/slab.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1UL << 20)

static void virgin_memory_counts_as_the_blocks_it_will_be(void)
{
	struct memory *m = new_memory(64 * MIB);
	const struct zone *dma = &m->node->zones[ZONE_DMA];

	for (unsigned o = 0; o < MAX_PAGE_ORDER; o++)
		CU_ASSERT_EQUAL(zone_free_blocks(dma, o), 1); /* 1, 2-3, 4-7, ... */
	CU_ASSERT_EQUAL(zone_free_blocks(dma, MAX_PAGE_ORDER), 3);
	CU_ASSERT_EQUAL(zone_free_pages(dma), 4095);
	end_memory(m);
}

static void odd_sizes_are_carved_to_the_last_frame(void)
{
	static struct page *out[8192];
	struct memory *m = new_memory(5 * MIB + 3 * PAGE_SIZE);
	u64 total = totalram_pages(m), n = 0, free = nr_free_pages(m);

	CU_ASSERT_EQUAL(total, 5 * 256 + 2);
	while ((out[n] = alloc_pages(m, __GFP_MEMALLOC, 0)))
		n++;
	CU_ASSERT_EQUAL(n, free);
	CU_ASSERT_EQUAL(nr_free_pages(m), 0);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	free_unref_page_list(m, out, n);
	CU_ASSERT_EQUAL(nr_free_pages(m), free);
	end_memory(m);
}

#define SLOTS 600

/* Each block is filled with its slot's number, so an overlap shows. */
static void torture(u64 size, unsigned steps)
{
	static struct page *slot[SLOTS];
	static unsigned order[SLOTS];
	struct memory *m = new_memory(size);
	u64 start = nr_free_pages(m), out = 0;
	int ok = 1;

	for (unsigned step = 0; step < steps; step++) {
		unsigned i = random() % SLOTS;

		if (!slot[i]) {
			unsigned o = random() % 4 ? 0 : random() % (MAX_PAGE_ORDER + 1);
			gfp_t gfp = random() % 2 ? GFP_KERNEL : GFP_ATOMIC;

			gfp |= o && random() % 2 ? __GFP_COMP : 0;
			slot[i] = alloc_pages(m, gfp, o);
			if (!slot[i])
				continue;
			order[i] = o;
			out += BIT(o);
			ok &= !(page_to_pfn(m, slot[i]) & (BIT(o) - 1));
			for (unsigned p = 0; p < BIT(o); p++)
				*(u32 *)page_address(m, slot[i] + p) = i;
		} else {
			for (unsigned p = 0; p < BIT(order[i]); p++)
				ok &= *(u32 *)page_address(m, slot[i] + p) == i;
			out -= BIT(order[i]);
			__free_pages(m, slot[i], order[i]);
			slot[i] = NULL;
		}
		ok &= nr_free_pages(m) + out == start;
		if (step % 500 == 0)
			ok &= !buddy_validate(m);
	}
	CU_ASSERT_TRUE(ok);
	for (unsigned i = 0; i < SLOTS; i++)
		if (slot[i])
			__free_pages(m, slot[i], order[i]);
	memset(slot, 0, sizeof(slot));
	CU_ASSERT_EQUAL(nr_free_pages(m), start);
	drain_all_pages(m);
	end_memory(m);
}

static void random_blocks_never_overlap(void)
{
	srandom(2);
	torture(16 * MIB, 20000);
	torture(128 * MIB, 20000);
}

static void all_blocks_join_again(void)
{
	struct memory *m = new_memory(64 * MIB);
	struct zone *z = &m->node->zones[ZONE_DMA32];
	static struct page *out[16384];
	u64 n = 0, blocks = zone_free_blocks(z, MAX_PAGE_ORDER);

	while (n < 10000)
		out[n++] = alloc_pages(m, GFP_KERNEL, 0);
	CU_ASSERT(zone_free_blocks(z, MAX_PAGE_ORDER) < blocks);
	for (u64 i = 0; i < n; i += 2) /* all odd ones, then all even ones */
		put_page(m, out[i + 1]);
	CU_ASSERT_EQUAL(buddy_validate(m), 0);
	for (u64 i = 0; i < n; i += 2)
		put_page(m, out[i]);
	drain_all_pages(m);
	CU_ASSERT(zone_free_blocks(z, MAX_PAGE_ORDER) >= blocks - 1); /* one holds boot's pages */
	end_memory(m);
}

static void the_checker_sees_a_broken_list(void)
{
	struct memory *m = new_memory(16 * MIB);
	struct page *page = alloc_pages(m, GFP_KERNEL, 0);

	page->refcount = 0;
	CU_ASSERT_EQUAL(buddy_validate(m), -EFAULT);
	page->refcount = 1;
	m->node->zones[ZONE_DMA].nr_free++;
	CU_ASSERT_EQUAL(buddy_validate(m), -EFAULT);
	m->node->zones[ZONE_DMA].nr_free--;
	put_page(m, page);
	end_memory(m);
}

/* --- migrate types -------------------------------------------------------------------------- */

static enum migratetype type_of(struct memory *m, const struct page *page)
{
	return get_pageblock_migratetype(m, page_to_pfn(m, page));
}

static void types_live_in_blocks_of_their_own(void)
{
	static const gfp_t gfp[] = {GFP_KERNEL, GFP_HIGHUSER_MOVABLE,
				    GFP_KERNEL | __GFP_RECLAIMABLE};
	struct memory *m = new_memory(64 * MIB);
	static struct page *out[3000];
	u64 count[MIGRATE_TYPES];

	for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
		out[i] = alloc_pages(m, gfp[i % 3], 0);
		CU_ASSERT_EQUAL_FATAL(type_of(m, out[i]), i % 3);
	}
	zone_count_pageblocks(m, page_zone(m, out[0]), count);
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
		CU_ASSERT(count[mt] >= 1000 / PAGEBLOCK_PAGES);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	free_unref_page_list(m, out, ARRAY_SIZE(out));
	end_memory(m);
}

/* All that is free serves any type, whoever's block it is. */
static void no_type_starves_while_another_has_frames(void)
{
	static struct page *out[8192];
	struct memory *m = new_memory(16 * MIB);
	u64 free = nr_free_pages(m), n = 0;

	while ((out[n] = alloc_pages(m, __GFP_MEMALLOC | __GFP_MOVABLE, 0)))
		n++;
	CU_ASSERT_EQUAL(n, free);
	for (u64 i = 0; i < n; i += 2)
		put_page(m, out[i]);
	for (u64 i = 0; i < n; i += 2)
		CU_ASSERT_PTR_NOT_NULL_FATAL(out[i] = alloc_pages(m, __GFP_MEMALLOC, 0));
	CU_ASSERT_PTR_NULL(alloc_pages(m, __GFP_MEMALLOC, 0));
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	free_unref_page_list(m, out, n);
	CU_ASSERT_EQUAL(nr_free_pages(m), free);
	end_memory(m);
}

static void a_mostly_free_block_changes_its_type(void)
{
	static struct page *out[8192];
	struct memory *m = new_memory(16 * MIB);
	struct page *page;
	u64 n = 0;

	while ((out[n] = alloc_pages(m, __GFP_MEMALLOC | __GFP_MOVABLE, 0))) {
		out[n]->owner = OWN_ANON;
		n++;
	}
	/* Three quarters of one block come free. */
	for (u64 i = 0; i < n; i++) {
		pfn_t pfn = page_to_pfn(m, out[i]);

		if (pfn >> PAGEBLOCK_ORDER == 4 && (pfn & 511) >= 128) {
			put_page(m, out[i]);
			out[i--] = out[--n];
		}
	}
	page = alloc_pages(m, __GFP_MEMALLOC, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT_EQUAL(page_to_pfn(m, page) >> PAGEBLOCK_ORDER, 4);
	CU_ASSERT_EQUAL(type_of(m, page), MIGRATE_UNMOVABLE);
	CU_ASSERT_EQUAL(memory_validate(m), 0);
	put_page(m, page);
	free_unref_page_list(m, out, n);
	end_memory(m);
}

static void free_blocks_by_type_add_up(void)
{
	static const gfp_t gfp[] = {GFP_KERNEL, GFP_HIGHUSER_MOVABLE,
				    GFP_KERNEL | __GFP_RECLAIMABLE};
	struct memory *m = new_memory(32 * MIB);
	struct page *out[64];

	for (unsigned i = 0; i < ARRAY_SIZE(out); i++)
		out[i] = alloc_pages(m, gfp[i % 3], i % 4);
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];

		for (unsigned o = 0; o < NR_PAGE_ORDERS; o++) {
			u64 sum = 0;

			for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
				sum += zone_free_blocks_of(z, o, mt);
			CU_ASSERT_EQUAL(sum, zone_free_blocks(z, o));
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(out); i++)
		__free_pages(m, out[i], i % 4);
	end_memory(m);
}

static const struct unit_test tests[] = {
	UNIT_TEST(virgin_memory_counts_as_the_blocks_it_will_be),
	UNIT_TEST(odd_sizes_are_carved_to_the_last_frame),
	UNIT_TEST(random_blocks_never_overlap),
	UNIT_TEST(all_blocks_join_again),
	UNIT_TEST(the_checker_sees_a_broken_list),
	UNIT_TEST(types_live_in_blocks_of_their_own),
	UNIT_TEST(no_type_starves_while_another_has_frames),
	UNIT_TEST(a_mostly_free_block_changes_its_type),
	UNIT_TEST(free_blocks_by_type_add_up),
	UNIT_END,
};
const struct unit_suite suite_buddy = {"buddy", tests};

/*
 * The buddy and what stands before it, against a model that only knows which frames are out.
 */
#include "mm_world.h"

#include "base/err.h"
#include "mm/buddy.h"
#include "mm/slab.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1UL << 20)

static void start_up_touches_next_to_nothing(void)
{
	struct memory *m = new_memory(4096 * MIB);
	const struct zone *z = m->node->zones;

	CU_ASSERT_EQUAL(totalram_pages(m), (4096 * MIB >> PAGE_SHIFT) - 1); /* less frame 0 */
	CU_ASSERT(totalram_pages(m) - nr_free_pages(m) < 32);
	CU_ASSERT_EQUAL(z[ZONE_DMA].virgin_pfn, 1);
	CU_ASSERT_EQUAL(z[ZONE_DMA32].virgin_pfn, 0x1000);
	CU_ASSERT_EQUAL(z[ZONE_NORMAL].end_pfn, HOLE_END_PFN + (1024 * MIB >> PAGE_SHIFT));
	CU_ASSERT(m->events[EV_v_prefault] <= 64);
	end_memory(m);
}

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

/* See: /proc/zoneinfo of a machine of this size. */
static void watermarks_follow_linux(void)
{
	struct memory *m = new_memory(4096 * MIB);
	const struct zone *z = &m->node->zones[ZONE_NORMAL];
	u64 min = 2048 * z->managed_pages / totalram_pages(m); /* min_free_kbytes 8192 */

	CU_ASSERT(z->watermark[WMARK_MIN] + 2 >= min && z->watermark[WMARK_MIN] <= min);
	/* watermark_scale_factor 10: a thousandth of the zone, here more than a quarter of min */
	CU_ASSERT_EQUAL(z->watermark[WMARK_LOW] - z->watermark[WMARK_MIN], 262);
	CU_ASSERT_EQUAL(z->watermark[WMARK_HIGH] - z->watermark[WMARK_MIN], 2 * 262);
	end_memory(m);
}

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

static void zones_are_honoured(void)
{
	struct memory *m = new_memory(4096 * MIB);
	struct page *dma = alloc_pages(m, GFP_KERNEL | __GFP_DMA, 0);
	struct page *dma32 = alloc_pages(m, GFP_KERNEL | __GFP_DMA32, 0);
	struct page *normal = alloc_pages(m, GFP_KERNEL, 0);

	CU_ASSERT(page_to_pfn(m, dma) < 0x1000);
	CU_ASSERT(page_to_pfn(m, dma32) >= 0x1000 && page_to_pfn(m, dma32) < HOLE_START_PFN);
	CU_ASSERT(page_to_pfn(m, normal) >= HOLE_END_PFN);
	CU_ASSERT_EQUAL(virt_to_pfn(m, pfn_to_virt(m, page_to_pfn(m, normal))),
			page_to_pfn(m, normal));
	CU_ASSERT_EQUAL(m->events[EV_pgalloc_dma], 1);
	CU_ASSERT_EQUAL(m->events[EV_pgalloc_dma32], 1);
	put_page(m, dma);
	put_page(m, dma32);
	put_page(m, normal);
	end_memory(m);
}

static void the_reserve_is_for_those_who_may(void)
{
	static struct page *out[4096];
	struct memory *m = new_memory(16 * MIB);
	u64 min = m->node->zones[ZONE_DMA].watermark[WMARK_MIN], n = 0, user;

	while ((out[n] = alloc_pages(m, GFP_KERNEL, 0)))
		n++;
	user = n;
	CU_ASSERT(nr_free_pages(m) >= min);
	while ((out[n] = alloc_pages(m, GFP_ATOMIC, 0)))
		n++;
	CU_ASSERT(n > user && nr_free_pages(m) >= min / 2 && nr_free_pages(m) < min);
	while ((out[n] = alloc_pages(m, __GFP_MEMALLOC, 0)))
		n++;
	CU_ASSERT_EQUAL(nr_free_pages(m), 0);
	CU_ASSERT(m->events[EV_allocstall_normal] > 0);
	free_unref_page_list(m, out, n);
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

static void note_dirty(void *arg, struct page *page)
{
	(void)arg;
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

static void owners_add_up(void)
{
	struct memory *m = new_memory(64 * MIB);
	struct page *a = alloc_pages(m, GFP_KERNEL, 0), *b = alloc_pages(m, GFP_KERNEL, 3);
	u64 count[NR_PAGE_OWNERS], sum = 0;

	a->owner = OWN_ANON;
	b->owner = OWN_KSTACK;
	count_page_owners(m, count);
	for (unsigned i = 0; i < NR_PAGE_OWNERS; i++)
		sum += count[i];
	CU_ASSERT_EQUAL(sum, totalram_pages(m));
	CU_ASSERT_EQUAL(count[OWN_ANON], 1);
	CU_ASSERT_EQUAL(count[OWN_KSTACK], 8);
	CU_ASSERT_EQUAL(count[OWN_FREE], nr_free_pages(m));
	put_page(m, a);
	__free_pages(m, b, 3);
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
	UNIT_TEST(start_up_touches_next_to_nothing),
	UNIT_TEST(virgin_memory_counts_as_the_blocks_it_will_be),
	UNIT_TEST(odd_sizes_are_carved_to_the_last_frame),
	UNIT_TEST(watermarks_follow_linux),
	UNIT_TEST(a_new_page_is_as_the_header_says),
	UNIT_TEST(zeroed_blocks_are_zero_virgin_or_not),
	UNIT_TEST(compound_pages_know_their_head),
	UNIT_TEST(zones_are_honoured),
	UNIT_TEST(the_reserve_is_for_those_who_may),
	UNIT_TEST(the_oom_hook_comes_last_and_its_pages_are_used),
	UNIT_TEST(the_nth_allocation_fails),
	UNIT_TEST(code_goes_with_its_frame),
	UNIT_TEST(owners_add_up),
	UNIT_TEST(random_blocks_never_overlap),
	UNIT_TEST(all_blocks_join_again),
	UNIT_TEST(the_checker_sees_a_broken_list),
	UNIT_TEST(types_live_in_blocks_of_their_own),
	UNIT_TEST(no_type_starves_while_another_has_frames),
	UNIT_TEST(a_mostly_free_block_changes_its_type),
	UNIT_TEST(free_blocks_by_type_add_up),
	UNIT_END,
};
const struct unit_suite suite_page_alloc = {"page_alloc", tests};

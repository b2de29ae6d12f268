/* Zones: where they lie, what they keep back, what they add up to. */
#include "mm_world.h"

#include "mm/page_alloc.h"

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

static const struct unit_test tests[] = {
	UNIT_TEST(start_up_touches_next_to_nothing),
	UNIT_TEST(watermarks_follow_linux),
	UNIT_TEST(zones_are_honoured),
	UNIT_TEST(the_reserve_is_for_those_who_may),
	UNIT_TEST(owners_add_up),
	UNIT_END,
};
const struct unit_suite suite_mmzone = {"mmzone", tests};

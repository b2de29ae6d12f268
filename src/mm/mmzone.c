/* The zones of a machine: where they lie, what they keep back (watermarks, lowmem reserves: sysctls), and
 * what they add up to. Not for: giving frames out (page_alloc.c), free blocks (buddy.c). */
#include "mm/mmzone.h"

#include "base/host.h"
#include "mm/buddy.h"

#define DMA_END_PFN 0x1000UL /* 16 MiB */

static const char *const zone_names[MAX_NR_ZONES] = {"DMA", "DMA32", "Normal"};

/* Makes @z an empty, wholly virgin zone of [start, end); end <= start: a zone without memory. */
static void zone_init(struct zone *z, enum zone_type idx, pfn_t start, pfn_t end)
{
	if (end < start)
		end = start;
	*z = (struct zone){
		.name = zone_names[idx],
		.idx = idx,
		.start_pfn = start,
		.end_pfn = end,
		.virgin_pfn = start,
		.present_pages = end - start,
		.managed_pages = end - start,
	};
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		z->populated_pfn[mt] = start;
		for (unsigned o = 0; o < NR_PAGE_ORDERS; o++)
			INIT_LIST_HEAD(&z->free_area[o].free_list[mt]);
	}
}

/* --- what is kept back ----------------------------------------------------------------------- */

static u64 int_sqrt(u64 x)
{
	u64 r = 0;

	for (u64 bit = 1UL << 31; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= x)
			r += bit;
	return r;
}

/* See: mm/page_alloc.c, calculate_min_free_kbytes() and __setup_per_zone_wmarks(). */
static u64 calculate_min_free_kbytes(u64 total)
{
	u64 kbytes = int_sqrt((total << (PAGE_SHIFT - 10)) * 16);

	return max(min(kbytes, 262144UL), 128UL);
}

void set_min_free_kbytes(struct memory *m, u64 kbytes)
{
	u64 pages_min = kbytes >> (PAGE_SHIFT - 10), total = totalram_pages(m);
	struct pglist_data *node = m->node;

	node->min_free_kbytes = kbytes;
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *z = &node->zones[i];
		u64 mark = pages_min * z->managed_pages / total;
		u64 gap = max(mark >> 2, z->managed_pages * node->watermark_scale_factor / 10000);

		z->watermark[WMARK_MIN] = mark;
		z->watermark[WMARK_LOW] = mark + gap;
		z->watermark[WMARK_HIGH] = mark + 2 * gap;
	}
}

/* See: setup_per_zone_lowmem_reserve(). */
void setup_lowmem_reserve(struct pglist_data *node, const int *ratio)
{
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *z = &node->zones[i];
		u64 above = 0;

		for (unsigned j = i + 1; j < MAX_NR_ZONES; j++) {
			above += node->zones[j].managed_pages;
			z->lowmem_reserve[j] =
				ratio[i] > 0 && z->managed_pages ? above / ratio[i] : 0;
		}
	}
}

/* --- boot ------------------------------------------------------------------------------------- */

/* See: zone_batchsize(). */
static u32 zone_batchsize(const struct zone *z)
{
	u64 batch = min(z->managed_pages >> 10, (1UL << 20) / PAGE_SIZE) / 4;

	batch = max(batch, 1UL);
	batch += batch / 2;
	batch = (1UL << (63 - __builtin_clzl(batch))) - 1;
	return max(batch, 1UL);
}

static void setup_pcp(struct pglist_data *node)
{
	for (unsigned cpu = 0; cpu < nr_pcp_cpus(); cpu++) {
		for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
			struct per_cpu_pages *pcp = &node->pcp[cpu][i];

			pcp->batch = zone_batchsize(&node->zones[i]);
			pcp->high = 6 * pcp->batch; /* at most 378: batch is at most 63 */
		}
	}
}

static size_t node_size(const struct memory *m)
{
	return page_align(sizeof(struct pglist_data) + (m->max_pfn >> PAGEBLOCK_ORDER) + 1);
}

int page_alloc_init(struct memory *m)
{
	struct pglist_data *node;
	pfn_t low_end = min(m->max_pfn, HOLE_START_PFN);
	void *p;
	int err;

	err = host_mmap_reserve(node_size(m), PAGE_SIZE, &p);
	if (err)
		return err;
	m->node = node = p;
	node->mem = m;
	for (unsigned i = 0; i < NR_LRU_LISTS; i++)
		INIT_LIST_HEAD(&node->lruvec[i]);
	/* Frame 0 belongs to the firmware, as on a PC. */
	zone_init(&node->zones[ZONE_DMA], ZONE_DMA, 1, min(low_end, DMA_END_PFN));
	zone_init(&node->zones[ZONE_DMA32], ZONE_DMA32, DMA_END_PFN, low_end);
	zone_init(&node->zones[ZONE_NORMAL], ZONE_NORMAL, HOLE_END_PFN, m->max_pfn);
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		node->zones[i].populate_batch = POPULATE_MIN;
		if (node->zones[i].managed_pages)
			node->top_zone = i;
	}
	node->watermark_scale_factor = 10;
	set_min_free_kbytes(m, calculate_min_free_kbytes(totalram_pages(m)));
	setup_lowmem_reserve(node, (const int[])LOWMEM_RESERVE_RATIO);
	setup_pcp(node);
	return 0;
}

void page_alloc_destroy(struct memory *m)
{
	if (m->node)
		host_munmap(m->node, node_size(m));
	m->node = NULL;
}

/* --- counts ----------------------------------------------------------------------------------- */

u64 zone_free_pages(const struct zone *z)
{
	const struct pglist_data *node = container_of(z - z->idx, struct pglist_data, zones[0]);
	u64 n = zone_buddy_pages(z);

	if (!z->managed_pages)
		return 0;
	for (unsigned cpu = 0; cpu < nr_pcp_cpus(); cpu++)
		n += pcp_count(&node->pcp[cpu][z->idx]);
	return n;
}

u64 nr_free_pages(const struct memory *m)
{
	u64 n = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		n += zone_free_pages(&m->node->zones[i]);
	return n;
}

u64 totalram_pages(const struct memory *m)
{
	u64 n = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		n += m->node->zones[i].managed_pages;
	return n;
}

void zone_count_pageblocks(const struct memory *m, const struct zone *z, u64 *count)
{
	pfn_t pfn;

	for (unsigned i = 0; i < MIGRATE_TYPES; i++)
		count[i] = 0;
	for (pfn = z->start_pfn; pfn < z->virgin_pfn; pfn += PAGEBLOCK_PAGES)
		count[get_pageblock_migratetype(m, pfn)]++;
	if (pfn < z->end_pfn)
		count[MIGRATE_MOVABLE] +=
			(z->end_pfn - pfn + PAGEBLOCK_PAGES - 1) / PAGEBLOCK_PAGES;
}

/* Blocks are stepped over by their order, so this costs one look a block, not one a frame. */
void count_page_owners(const struct memory *m, u64 *count)
{
	for (unsigned i = 0; i < NR_PAGE_OWNERS; i++)
		count[i] = 0;
	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];
		pfn_t pfn = z->start_pfn;

		count[OWN_FREE] += z->end_pfn - z->virgin_pfn;
		while (pfn < z->virgin_pfn) {
			const struct page *page = pfn_to_page(m, pfn);
			u64 nr = BIT(page_test(page, PG_buddy) ? page->private : page->order);

			count[min(page->owner, (u32)NR_PAGE_OWNERS - 1)] += nr;
			pfn += nr;
		}
	}
}

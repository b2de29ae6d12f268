/* Zones: the frames of a machine by address, and what is kept of them.
 *
 *   pglist_data (node 0)
 *     +- zone DMA    [0, 16 MiB)        free_area[o]: free blocks of 2^o frames, linked through
 *     +- zone DMA32  [16 MiB, 3 GiB)                  struct page, never through the frames;
 *     +- zone NORMAL [4 GiB, end)                     a list for each type of memory
 *                                       virgin_pfn:   the rest of the zone, never yet touched;
 *                                                     carved into order-10 blocks when needed
 *
 * Start-up touches no struct page; virgin memory counts as free order-10 blocks everywhere.
 *
 * Not for: taking and freeing frames (page_alloc.h).
 */
#ifndef MM_MMZONE_H
#define MM_MMZONE_H

#include "mm/page.h"

#define MAX_PAGE_ORDER 10
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)

/* Frames are grouped by how they can be got back, so that what stays for ever does not spoil large
 * blocks: each page block of 2^9 frames has a type, and each type free lists of its own. Linux's
 * HighAtomic, CMA and Isolate have no use here. */
#define PAGEBLOCK_ORDER 9
#define PAGEBLOCK_PAGES BIT(PAGEBLOCK_ORDER)
enum migratetype {
	MIGRATE_UNMOVABLE,   /* the kernel's own */
	MIGRATE_MOVABLE,     /* pages of programs and of files */
	MIGRATE_RECLAIMABLE, /* caches that shrink: SLAB_RECLAIM_ACCOUNT */
	MIGRATE_TYPES
};

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, MAX_NR_ZONES };
enum zone_watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/* Pages of programs and files, by what reclaim thinks of them; the counters of node_stat.def stand in
 * the same order. */
enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE, /* has no list: nobody looks for a page there */
	NR_LRU_LISTS
};

/* Free blocks of one order; changed by buddy.c only. */
struct free_area {
	struct list_head free_list[MIGRATE_TYPES];
	u64 nr_free; /* blocks on the lists */
};

struct zone {
	const char *name;
	pfn_t start_pfn, end_pfn; /* set once; RAM only, the PC's hole lies between zones */
	pfn_t virgin_pfn;	  /* [virgin_pfn, end_pfn) was never carved: buddy.c */
	/* Up to here host memory was prefaulted, as far as we know; a stream a type. */
	pfn_t populated_pfn[MIGRATE_TYPES];
	u32 populate_batch;		  /* pages, for the next prefault; 0: the host cannot */
	u64 populated_kernel;		  /* pages of MIGRATE_UNMOVABLE prefaulted so far */
	enum zone_type idx;		  /* set once */
	u64 managed_pages, present_pages; /* set once */
	u64 nr_free; /* pages on free_area lists; virgin and per-CPU pages come on top */
	u64 watermark[NR_WMARK]; /* pages; set_min_free_kbytes() */
	/* Pages kept from requests that zone j could serve; setup_lowmem_reserve(). */
	u64 lowmem_reserve[MAX_NR_ZONES];
	struct free_area free_area[NR_PAGE_ORDERS];
	u64 lru_size[NR_LRU_LISTS]; /* pages of the zone on the node's lists (lru.h) */
	u64 nr_mlock;		    /* pages with PG_mlocked (mlock.c) */
	u64 nr_write_pending;	    /* dirty pages of files (filemap.c) */
};

#define PCP_MAX 384 /* at least `high` of the largest zone */

/* Pages that lie ready for one CPU; changed by page_alloc.c only. */
struct pcp_list {
	u32 count;
	struct page *stack[PCP_MAX]; /* order-0 pages, most recently freed on top */
};

struct per_cpu_pages {
	u32 high, batch; /* of each list; set once */
	struct pcp_list lists[MIGRATE_TYPES];
};

struct pglist_data {
	struct memory *mem; /* set once */
	u32 node_id;	    /* 0: there is one node */
	struct zone zones[MAX_NR_ZONES];
	enum zone_type top_zone;    /* the highest that has memory; set once */
	u64 min_free_kbytes;	    /* vm.min_free_kbytes: what the watermarks follow from */
	u32 watermark_scale_factor; /* vm.watermark_scale_factor: their distance, in 1/10000 */
	struct list_head lruvec[NR_LRU_LISTS]; /* the newest first */
	bool reclaiming; /* direct reclaim runs: what it allocates may use the reserves */
	struct per_cpu_pages pcp[MAX_CPUS][MAX_NR_ZONES];
	/* By pfn >> PAGEBLOCK_ORDER: type of the page block, less MIGRATE_MOVABLE by xor, so that
	 * zero, which start-up leaves, is what Linux starts with. */
	u8 pageblock[];
};

static inline enum migratetype get_pageblock_migratetype(const struct memory *m, pfn_t pfn)
{
	return m->node->pageblock[pfn >> PAGEBLOCK_ORDER] ^ MIGRATE_MOVABLE;
}

/* One host thread drives all CPUs today: mm/ fills and drains CPU 0's lists only. */
static inline unsigned smp_processor_id(void)
{
	return 0;
}

/* CPUs whose lists are used; those of the others are never touched. */
static inline unsigned nr_pcp_cpus(void)
{
	return 1;
}

/* Pages on all lists. */
static inline u32 pcp_count(const struct per_cpu_pages *pcp)
{
	u32 n = 0;

	for (unsigned i = 0; i < MIGRATE_TYPES; i++)
		n += pcp->lists[i].count;
	return n;
}

/* The node of a page: there is one. */
static inline unsigned page_to_nid(const struct memory *m, const struct page *page __unused)
{
	return m->node->node_id;
}

/* --- counts: pages, unless they say blocks ---------------------------------------------------- */

/* Free pages of the zone, of the machine (per-CPU lists and virgin memory included). */
u64 zone_free_pages(const struct zone *z);
u64 nr_free_pages(const struct memory *m);
/* All pages that the buddy has or gave out: MemTotal. Never changes. */
u64 totalram_pages(const struct memory *m);
/* Free blocks of @order in @z as /proc/buddyinfo shows them: per-CPU pages are none. (buddy.c) */
u64 zone_free_blocks(const struct zone *z, unsigned order);
/* The same by type, as /proc/pagetypeinfo does, by walking the list: not for hot paths. */
u64 zone_free_blocks_of(const struct zone *z, unsigned order, enum migratetype mt);
/* Page blocks of @z by type; @count has MIGRATE_TYPES elements. */
void zone_count_pageblocks(const struct memory *m, const struct zone *z, u64 *count);
/* Frames by owner; @count has NR_PAGE_OWNERS elements. Free and used add up to managed.
 * One look a block, not one a frame. */
void count_page_owners(const struct memory *m, u64 *count);

/* --- what is kept back ------------------------------------------------------------------------- */

/* vm.min_free_kbytes: all watermarks anew, from it and watermark_scale_factor. What is free already stays so:
 * the next allocation sees them. See: Linux, __setup_per_zone_wmarks(); proc_sys_vm(5). */
void set_min_free_kbytes(struct memory *m, u64 kbytes);
/* vm.lowmem_reserve_ratio, and what it is at start: the part of the zones above that a zone keeps from
 * requests they could serve, by zone, as 1/ratio; 0: nothing. See: Linux, setup_per_zone_lowmem_reserve(). */
#define LOWMEM_RESERVE_RATIO                                                                       \
	{                                                                                          \
		256, 256, 32, 0, 0                                                                 \
	}
void setup_lowmem_reserve(struct pglist_data *node, const int *ratio);

/* Boot, after ram and mem_map: lays out zones and watermarks; touches no struct page. 0, -ENOMEM (host). */
int page_alloc_init(struct memory *m);
void page_alloc_destroy(struct memory *m);

#endif

/* The buddy allocator: zones, free_area[0..10], watermarks, per-CPU lists.
 *
 *   pglist_data (node 0)
 *     +- zone DMA    [0, 16 MiB)        free_area[o]: free blocks of 2^o frames, linked through
 *     +- zone DMA32  [16 MiB, 3 GiB)                  struct page, never through the frames
 *     +- zone NORMAL [4 GiB, end)       virgin_pfn:   the rest of the zone, never yet touched;
 *                                                     carved into order-10 blocks when needed
 *                                                   free_area[o] has a list for each type of memory
 * Start-up touches no struct page; virgin memory counts as free order-10 blocks everywhere.
 * Recently freed frames are handed out first; host memory is prefaulted in growing batches.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

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

typedef u32 gfp_t;
/* Bits as in the kernel's gfp_types.h, those that have a meaning here. */
#define __GFP_DMA 0x01U
#define __GFP_HIGHMEM 0x02U /* accepted: there is no highmem */
#define __GFP_DMA32 0x04U
#define __GFP_MOVABLE 0x08U
#define __GFP_RECLAIMABLE 0x10U
#define __GFP_HIGH 0x20U	    /* may go below the min watermark by half */
#define __GFP_DIRECT_RECLAIM 0x400U /* may reclaim, may sleep */
#define __GFP_KSWAPD_RECLAIM 0x800U
#define __GFP_ZERO 0x100U
#define __GFP_NOWARN 0x2000U
#define __GFP_NORETRY 0x10000U
#define __GFP_NOFAIL 0x8000U
#define __GFP_COMP 0x40000U
#define __GFP_MEMALLOC 0x20000U /* ignores watermarks */
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL __GFP_RECLAIM
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_USER GFP_KERNEL
#define GFP_HIGHUSER_MOVABLE (GFP_USER | __GFP_HIGHMEM | __GFP_MOVABLE)

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
	u64 watermark[NR_WMARK];	  /* pages; set once */
	u64 lowmem_reserve[MAX_NR_ZONES]; /* kept from requests that a higher zone could serve */
	struct free_area free_area[NR_PAGE_ORDERS];
	u64 lru_size[NR_LRU_LISTS]; /* pages of the zone on the node's lists (lru.h) */
	u64 nr_mlock, nr_write_pending;
};

#define PCP_MAX 384 /* at least `high` of the largest zone */

struct pcp_list {
	u32 count;
	struct page *stack[PCP_MAX]; /* order-0 pages, most recently freed on top */
};

struct per_cpu_pages {
	u32 high, batch; /* of each list; set once */
	struct pcp_list lists[MIGRATE_TYPES];
};

struct pglist_data {
	struct memory *mem;
	u32 node_id;
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

/* __GFP_MOVABLE and __GFP_RECLAIMABLE are the bits of the type's number. */
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return gfp >> 3 & 3;
}

/* Pages on all lists. */
static inline u32 pcp_count(const struct per_cpu_pages *pcp)
{
	u32 n = 0;

	for (unsigned i = 0; i < MIGRATE_TYPES; i++)
		n += pcp->lists[i].count;
	return n;
}

/**
 * alloc_pages - take a block of 2^order frames
 * @gfp:   zone (DMA, DMA32, else NORMAL first and downwards) and manner
 * @order: 0 .. MAX_PAGE_ORDER
 *
 * With __GFP_DIRECT_RECLAIM a short machine first drops clean page cache, then kills (hooks).
 * The frame's bytes are arbitrary unless __GFP_ZERO; refcount is 1, flags are 0 (head: __GFP_COMP).
 *
 * Return: the first page, or NULL.
 */
struct page *alloc_pages(struct memory *m, gfp_t gfp, unsigned order);
void __free_pages(struct memory *m, struct page *page, unsigned order);
/* The same by host address; 0 when there is none. */
void *__get_free_pages(struct memory *m, gfp_t gfp, unsigned order);
void *get_zeroed_page(struct memory *m, gfp_t gfp);
void free_pages(struct memory *m, void *addr, unsigned order);

/* Frees of one call in one go (munmap, exit): pages whose last reference it was, whether the
 * caller has dropped it already (refcount 0) or not (1). One that somebody else has come to hold only
 * loses the caller's. */
void free_unref_page_list(struct memory *m, struct page **pages, unsigned n);

/* Free pages of the zone, of the machine (per-CPU lists and virgin memory included). */
u64 zone_free_pages(const struct zone *z);
u64 nr_free_pages(const struct memory *m);
/* Free blocks of @order in @z as /proc/buddyinfo shows them. */
u64 zone_free_blocks(const struct zone *z, unsigned order);
/* The same by type, as /proc/pagetypeinfo does, by walking the list: not for hot paths. */
u64 zone_free_blocks_of(const struct zone *z, unsigned order, enum migratetype mt);
/* Page blocks of @z by type; @count has MIGRATE_TYPES elements. */
void zone_count_pageblocks(const struct memory *m, const struct zone *z, u64 *count);
u64 totalram_pages(const struct memory *m);
/* Frames by owner; @count has NR_PAGE_OWNERS elements. Free and used add up to managed. */
void count_page_owners(const struct memory *m, u64 *count);

/* vm.min_free_kbytes: all watermarks anew. */
void set_min_free_kbytes(struct memory *m, u64 kbytes);
/* vm.lowmem_reserve_ratio, and what it is at start: the part of the zones above that a zone keeps from
 * requests they could serve; 0: nothing. */
#define LOWMEM_RESERVE_RATIO                                                                       \
	{                                                                                          \
		256, 256, 32, 0, 0                                                                 \
	}
void setup_lowmem_reserve(struct pglist_data *node, const int *ratio);
/* Gives the per-CPU lists back to the buddy. */
void drain_all_pages(struct memory *m);

/* Boot, after ram and mem_map: lays out zones and watermarks; touches no struct page. 0, -ENOMEM. */
int page_alloc_init(struct memory *m);
void page_alloc_destroy(struct memory *m);
/* Free lists against struct pages: sorted out, no free block with a free buddy of its own order,
 * counts right, poison intact (debug). 0 or -EFAULT, each violation on the log. */
int buddy_validate(struct memory *m);

#endif

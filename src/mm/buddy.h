/* The buddy system proper: free blocks of one zone, split and joined. Inside mm/ only: all others
 * call alloc_pages() (page_alloc.h), which adds per-CPU lists, watermarks and reclaim.
 *
 *   zone:  start_pfn ........................ virgin_pfn .................. end_pfn
 *          used blocks and free blocks        never carved: one natural block (as large as its
 *          (free_area[], PG_buddy)            alignment, the zone's end and order 10 allow) after
 *                                             the other, counted as free, no struct page touched
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/page_alloc.h"

/* Pages that a zone's first prefault takes: a hello stays small. */
#define POPULATE_MIN 16U
/* What a freed frame is filled with in debug builds, and what is looked for when it is used. */
#define PAGE_POISON 0xaa

/* The zone that a frame lies in. */
static inline struct zone *page_zone(const struct memory *m, const struct page *page)
{
	pfn_t pfn = page_to_pfn(m, page);

	if (pfn >= HOLE_END_PFN)
		return &m->node->zones[ZONE_NORMAL];
	return &m->node->zones[pfn >= 0x1000 ? ZONE_DMA32 : ZONE_DMA];
}

/* Pages that free lists and virgin memory hold; what watermarks are compared with. */
static inline u64 zone_buddy_pages(const struct zone *z)
{
	return z->nr_free + (z->end_pfn - z->virgin_pfn);
}

/* A block of 2^order frames out of @z for memory of type @mt, or NULL: the zone has none; watermarks are the
 * caller's to respect. It is on no list; its struct pages are zero but for `touched`. Prefers what was freed
 * last, and splits the smallest block of its type that will do; without one it claims a page block of
 * another type, or steals from it. See: Linux, mm/page_alloc.c, __rmqueue(). */
struct page *rmqueue_buddy(struct memory *m, struct zone *z, unsigned order, enum migratetype mt);
/* Puts a block back and joins it with its free buddies. Its struct pages are as above, its bytes the
 * caller's to poison. See: Linux, __free_one_page(). */
void free_to_buddy(struct memory *m, struct zone *z, struct page *page, unsigned order);
/* Free lists against struct pages: sorted out, no free block with a free buddy of its own order,
 * counts right, poison intact (debug). 0 or -EFAULT, each violation on the log. */
int buddy_validate(struct memory *m);

#endif

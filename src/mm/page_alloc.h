/* Frames: alloc_pages() and its kin, by order, with per-CPU lists in front of the buddy (buddy.h) of
 * each zone (mmzone.h). Recently freed frames are handed out first; host memory is prefaulted in growing
 * batches.
 *
 * Not for: objects smaller than a frame (slab.h); many frames in a row (vmalloc.h).
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "mm/mmzone.h"

typedef u32 gfp_t;
/* Bits as in the kernel's gfp_types.h, those that have a meaning here. */
#define __GFP_DMA 0x01U
#define __GFP_HIGHMEM 0x02U /* accepted: there is no highmem */
#define __GFP_DMA32 0x04U
#define __GFP_MOVABLE 0x08U
#define __GFP_RECLAIMABLE 0x10U
#define __GFP_HIGH 0x20U	    /* may go below the min watermark by half */
#define __GFP_DIRECT_RECLAIM 0x400U /* may reclaim (memory.h), and ask for an OOM victim */
#define __GFP_KSWAPD_RECLAIM 0x800U /* accepted: there is no kswapd */
#define __GFP_ZERO 0x100U
#define __GFP_NOWARN 0x2000U	/* accepted: nothing warns */
#define __GFP_NORETRY 0x10000U	/* may reclaim, asks for no victim */
#define __GFP_NOFAIL 0x8000U	/* to the last frame; can fail all the same when that is gone */
#define __GFP_COMP 0x40000U	/* compound: every frame of the block knows its head */
#define __GFP_MEMALLOC 0x20000U /* ignores watermarks */
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL __GFP_RECLAIM
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_USER GFP_KERNEL
#define GFP_HIGHUSER_MOVABLE (GFP_USER | __GFP_HIGHMEM | __GFP_MOVABLE)

/* __GFP_MOVABLE and __GFP_RECLAIMABLE are the bits of the type's number. */
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return gfp >> 3 & 3;
}

/* Tests: is this the allocation that shall fail (memory.fail_nth)? Linux: should_fail_alloc_page(). */
static inline bool should_fail_alloc(struct memory *m, gfp_t gfp)
{
	return unlikely(m->fail_nth) && !(gfp & __GFP_NOFAIL) && !--m->fail_nth;
}

/**
 * alloc_pages - take a block of 2^order frames
 * @gfp:   zone (DMA, DMA32, else NORMAL first and downwards) and manner
 * @order: 0 .. MAX_PAGE_ORDER
 *
 * With __GFP_DIRECT_RECLAIM a short machine first gives back empty slabs and pages of files (vmscan.h), then
 * names a victim (hooks.oom_kill), up to order 3. Never sleeps: until the victim is gone a request for a
 * user's page (__GFP_MOVABLE) fails, and any other takes from the reserves.
 * The frames' bytes are arbitrary unless __GFP_ZERO; refcount is 1, flags are 0 (head: __GFP_COMP). The
 * caller says who uses them: page->owner.
 *
 * Return: the first page, with the caller's reference; NULL: no memory.
 * See: Linux, mm/page_alloc.c, __alloc_pages_slowpath().
 */
struct page *alloc_pages(struct memory *m, gfp_t gfp, unsigned order);
/* Drops the reference of a block of @order; the last one frees it. */
void __free_pages(struct memory *m, struct page *page, unsigned order);
/* The same by host address: NULL when there is no memory; free_pages(NULL) does nothing. */
void *__get_free_pages(struct memory *m, gfp_t gfp, unsigned order);
void *get_zeroed_page(struct memory *m, gfp_t gfp);
void free_pages(struct memory *m, void *addr, unsigned order);

/* Frees of one call in one go (munmap, exit): pages whose last reference it was, whether the
 * caller has dropped it already (refcount 0) or not (1). One that somebody else has come to hold only
 * loses the caller's. */
void free_unref_page_list(struct memory *m, struct page **pages, unsigned n);

/* Gives the per-CPU lists of all zones back to the buddy. */
void drain_all_pages(struct memory *m);

#endif

/* alloc_pages() and friends: per-CPU lists in front of the buddy, watermarks, first touch of host
 * memory, and what happens when memory is short. The buddy itself is in buddy.c.
 *
 *   alloc_pages --> per-CPU list --(empty)--> zone of the zonelist above its watermark --> buddy
 *               --(none)--> reclaim, retry --(none)--> OOM kill, retry --(none)--> NULL
 *
 * Simpler than Linux: only order 0 on per-CPU lists, no kswapd yet (so requests
 * stop at the min watermark directly), lists of fixed length.
 */
#include "mm/page_alloc.h"

#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/host.h"
#include "base/trace.h"
#include "mm/buddy.h"
#include "mm/lru.h"
#include "mm/slab.h"
#include "mm/vmscan.h"

#define POPULATE_MAX 512U /* pages: 2 MiB */
#define LARGE_FROM 8192U  /* pages: so much kernel memory, and the rest of it is worth huge pages */

/* --- First touch of host memory --- */

/* Slab objects and page tables are looked up at random, and where there are a million of them each
 * look misses the host's TLB. Linux has them in its direct map of large pages; here the block that
 * ends at @block_end gets them, if the host allows it. */
static void want_large(struct memory *m, struct zone *z, u64 nr, pfn_t block_end)
{
	pfn_t block = max(block_end - BIT(MAX_PAGE_ORDER), z->start_pfn);

	z->populated_kernel += nr;
	if (unlikely(z->populated_kernel > LARGE_FROM))
		host_madvise(pfn_to_virt(m, block),
			     (min(block_end, z->end_pfn) - block) << PAGE_SHIFT, MADV_HUGEPAGE);
}

/* Prefaults from the first frame that is about to be used on, more each time. A page fault of the
 * host costs 1 to 2 us a page, MADV_POPULATE_WRITE 0.6 to 1.4 us. Huge pages of the host are left
 * alone for the guest's pages: 0.4 us a page where the host has them at hand, but 10 to 17 us where
 * it first has to make them (measured in a virtual machine), and only the second can be seen. Each
 * type of memory moves on in blocks of its own, whose ends are where guessing ends. */
static void populate(struct memory *m, struct zone *z, pfn_t pfn, u64 nr, enum migratetype mt)
{
	pfn_t block_end = (pfn | (BIT(MAX_PAGE_ORDER) - 1)) + 1;
	pfn_t start = z->populated_pfn[mt], end;

	if (pfn - start > z->populate_batch) /* far ahead: a block that needed alignment */
		start = pfn;
	end = max(pfn + nr, start + z->populate_batch);
	end = min(end, min(z->end_pfn, block_end));
	z->populated_pfn[mt] = end;
	if (mt == MIGRATE_UNMOVABLE)
		want_large(m, z, end - start, block_end);
	if (host_populate(pfn_to_virt(m, start), (end - start) << PAGE_SHIFT)) {
		z->populate_batch = 0; /* a host before 5.14: its faults must do */
		return;
	}
	m->events[EV_v_prefault] += end - start;
	z->populate_batch = m->events[EV_v_prefault] / 4; /* at most a quarter too much */
	z->populate_batch = min(z->populate_batch, POPULATE_MAX);
	z->populate_batch = max(z->populate_batch, POPULATE_MIN);
}

static void first_touch(struct memory *m, struct page *page, u64 nr)
{
	struct zone *z = page_zone(m, page);
	pfn_t pfn = page_to_pfn(m, page);
	enum migratetype mt = get_pageblock_migratetype(m, pfn);

	if (z->populate_batch && pfn + nr > z->populated_pfn[mt])
		populate(m, z, pfn, nr, mt);
	for (u64 i = 0; i < nr; i++)
		page[i].touched = 1;
}

/* --- Poison --- */

#ifdef CONFIG_DEBUG_VM
static void poison_frames(struct memory *m, struct page *page, u64 nr)
{
	asan_unpoison(page_address(m, page), nr << PAGE_SHIFT); /* the owner may have left marks */
	memset(page_address(m, page), PAGE_POISON, nr << PAGE_SHIFT);
}

static void check_poison(struct memory *m, struct page *page, u64 nr)
{
	for (u64 i = 0; i < nr; i++) {
		const u8 *p = page_address(m, page + i);

		if (page[i].touched && (p[0] != PAGE_POISON || memcmp(p, p + 1, PAGE_SIZE - 1)))
			BUG("a free frame was written to");
	}
}
#else
#define poison_frames(m, page, nr) ((void)0)
#define check_poison(m, page, nr) ((void)0)
#endif

/* --- A new page --- */

static void prep_compound_page(struct page *page, unsigned order)
{
	page_set(page, PG_head);
	for (u64 i = 1; i < BIT(order); i++)
		page[i].compound_head = (struct page *)((u64)page | 1);
}

/* Frames that the host still knows as untouched are zero and need no clearing. */
static void clear_frames(struct memory *m, struct page *page, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		if (page[i].touched)
			memset(page_address(m, page + i), 0, PAGE_SIZE);
}

/* The rest of preparing a block of several frames. */
static void prep_block(struct memory *m, struct page *page, gfp_t gfp, unsigned order)
{
	u64 nr = BIT(order);

	check_poison(m, page, nr);
	if (gfp & __GFP_ZERO)
		clear_frames(m, page, nr);
	first_touch(m, page, nr);
	if (gfp & __GFP_COMP)
		prep_compound_page(page, order);
}

/* What is not set here is zero since the frame was freed, or for ever. */
static inline struct page *prep_new_page(struct memory *m, struct zone *z, struct page *page,
					 gfp_t gfp, unsigned order)
{
	page->flags = 0;
	page->refcount = 1;
	page->order = order;
	page->owner = OWN_KERNEL;
	asan_unpoison(page_address(m, page), PAGE_SIZE << order);
	if (unlikely(order)) {
		prep_block(m, page, gfp, order);
	} else {
		check_poison(m, page, 1);
		if (unlikely(!page->touched))
			first_touch(m, page, 1);
		else if (gfp & __GFP_ZERO)
			memset(page_address(m, page), 0, PAGE_SIZE);
	}
	m->events[EV_pgalloc_dma + z->idx] += BIT(order);
	trace_event(m->trace, TP_kmem_mm_page_alloc, "pfn=%#lx order=%u gfp_flags=%#x",
		    page_to_pfn(m, page), order, gfp);
	return page;
}

/* --- Zones and per-CPU lists --- */

static enum zone_type gfp_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/* Pages that a request of this kind may still take from @z; see __zone_watermark_ok(). */
static u64 zone_headroom(const struct memory *m, const struct zone *z, gfp_t gfp)
{
	u64 free = zone_buddy_pages(z), keep = z->watermark[WMARK_MIN];

	if (gfp & (__GFP_MEMALLOC | __GFP_NOFAIL) || m->node->reclaiming)
		return free;
	if (gfp & __GFP_HIGH)
		keep -= keep / 2;
	keep += z->lowmem_reserve[gfp_zone(gfp)];
	return free > keep ? free - keep : 0;
}

static inline struct page *pcp_pop(struct pcp_list *pcp)
{
	return pcp->stack[--pcp->count];
}

/* Fills an empty list so that frames leave in the order in which the buddy gave them. */
static void pcp_refill(struct memory *m, struct zone *z, struct pcp_list *pcp, u64 nr,
		       enum migratetype mt)
{
	struct page *page;
	u32 got = 0;

	while (got < nr && (page = rmqueue_buddy(m, z, 0, mt))) {
		page->flags = BIT(PG_pcp);
		pcp->stack[nr - ++got] = page;
	}
	if (got < nr)
		memmove(pcp->stack, pcp->stack + nr - got, got * sizeof(page));
	pcp->count = got;
}

/* The coldest @nr pages go back. */
static void pcp_drain(struct memory *m, struct zone *z, struct pcp_list *pcp, u32 nr)
{
	nr = min(nr, pcp->count);
	for (u32 i = 0; i < nr; i++) {
		pcp->stack[i]->flags = 0;
		free_to_buddy(m, z, pcp->stack[i], 0);
	}
	pcp->count -= nr;
	memmove(pcp->stack, pcp->stack + nr, pcp->count * sizeof(pcp->stack[0]));
}

static void drain_zone_pages(struct memory *m, struct zone *z, unsigned cpu)
{
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
		pcp_drain(m, z, &m->node->pcp[cpu][z->idx].lists[mt], ~0U);
}

void drain_all_pages(struct memory *m)
{
	for (unsigned cpu = 0; cpu < nr_pcp_cpus(); cpu++)
		for (unsigned i = 0; i < MAX_NR_ZONES; i++)
			drain_zone_pages(m, &m->node->zones[i], cpu);
}

static struct page *rmqueue(struct memory *m, struct zone *z, gfp_t gfp, unsigned order)
{
	struct per_cpu_pages *pages = &m->node->pcp[smp_processor_id()][z->idx];
	enum migratetype mt = gfp_migratetype(gfp);
	struct pcp_list *pcp = &pages->lists[mt];
	u64 room;

	if (!order && pcp->count)
		return pcp_pop(pcp);
	room = zone_headroom(m, z, gfp);
	if (room < BIT(order))
		return NULL;
	if (order)
		return rmqueue_buddy(m, z, order, mt);
	pcp_refill(m, z, pcp, min(room, (u64)pages->batch), mt);
	return pcp->count ? pcp_pop(pcp) : NULL;
}

static struct page *get_page_from_freelist(struct memory *m, gfp_t gfp, unsigned order)
{
	for (int i = gfp_zone(gfp); i >= 0; i--) {
		struct zone *z = &m->node->zones[i];
		struct page *page = rmqueue(m, z, gfp, order);

		if (page)
			return prep_new_page(m, z, page, gfp, order);
	}
	return NULL;
}

/* --- When memory is short --- */

#define PAGE_ALLOC_COSTLY_ORDER 3
#define MAX_RECLAIM_RETRIES 16

/* Pages freed: empty slabs, then page cache. */
static u64 direct_reclaim(struct memory *m, unsigned order)
{
	u64 freed;

	trace_event(m->trace, TP_vmscan_mm_vmscan_direct_reclaim_begin, "order=%u", order);
	m->node->reclaiming = true;
	freed = slab_shrink(m);
	if (m->in) /* else the machine is still booting: there are no pages to be had */
		freed += try_to_free_pages(m, max(SWAP_CLUSTER_MAX, BIT(order)));
	drain_all_pages(m);
	m->node->reclaiming = false;
	trace_event(m->trace, TP_vmscan_mm_vmscan_direct_reclaim_end, "nr_reclaimed=%lu", freed);
	return freed;
}

static struct page *alloc_after_reclaim(struct memory *m, gfp_t gfp, unsigned order)
{
	for (unsigned tries = 0; tries < MAX_RECLAIM_RETRIES; tries++) {
		u64 freed = direct_reclaim(m, order);
		struct page *page = get_page_from_freelist(m, gfp, order);

		if (page || !freed)
			return page;
	}
	return NULL;
}

static struct page *alloc_after_oom(struct memory *m, gfp_t gfp, unsigned order)
{
	for (unsigned tries = 0; tries < MAX_RECLAIM_RETRIES; tries++) {
		u64 freed = m->hooks.oom_kill(m->hooks.oom_arg);
		struct page *page;

		/* Until the victim is gone: who asks for a user's page can wait, others cannot. */
		if (freed == OOM_DYING)
			return gfp & __GFP_MOVABLE
				       ? NULL
				       : get_page_from_freelist(m, gfp | __GFP_MEMALLOC, order);
		drain_all_pages(m);
		page = get_page_from_freelist(m, gfp, order);
		if (page || !freed)
			return page;
	}
	return NULL;
}

/* By the highest zone that would do; Linux has one that is movable only, if only by name. */
static enum vm_event allocstall_event(gfp_t gfp)
{
	if ((gfp & __GFP_HIGHMEM) && (gfp & __GFP_MOVABLE))
		return EV_allocstall_movable;
	return EV_allocstall_dma + gfp_zone(gfp);
}

static struct page *alloc_pages_slowpath(struct memory *m, gfp_t gfp, unsigned order)
{
	struct page *page;

	if (m->node->reclaiming)
		return NULL;
	/* The per-CPU lists may hold what is missing to a whole block, or pages of another type. */
	drain_all_pages(m);
	page = get_page_from_freelist(m, gfp, order);
	if (page)
		return page;
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return NULL;
	count_vm_event(m, allocstall_event(gfp));
	page = alloc_after_reclaim(m, gfp, order);
	if (page || (gfp & __GFP_NORETRY) || order > PAGE_ALLOC_COSTLY_ORDER || !m->hooks.oom_kill)
		return page;
	return alloc_after_oom(m, gfp, order);
}

/* --- The public half --- */

struct page *alloc_pages(struct memory *m, gfp_t gfp, unsigned order)
{
	enum zone_type top = m->node->top_zone;
	struct pcp_list *pcp = &m->node->pcp[smp_processor_id()][top].lists[gfp_migratetype(gfp)];
	struct page *page;

	VM_BUG_ON(order > MAX_PAGE_ORDER || gfp_migratetype(gfp) >= MIGRATE_TYPES);
	if (should_fail_alloc(m, gfp))
		return NULL;
	if (likely(!order && pcp->count && !(gfp & (__GFP_DMA | __GFP_DMA32))))
		return prep_new_page(m, &m->node->zones[top], pcp_pop(pcp), gfp, 0);
	page = get_page_from_freelist(m, gfp, order);
	return page ? page : alloc_pages_slowpath(m, gfp, order);
}

/* A frame in these states must not be freed: somebody still holds it, or it is free already. */
#define PAGE_FLAGS_CHECK_AT_FREE (PAGE_FLAGS_TYPE | PAGE_FLAGS_HELD)

static void free_page_slow_checks(struct memory *m, struct page *page)
{
	if (page->flags & PAGE_FLAGS_CHECK_AT_FREE)
		BUG("freeing a frame that is in use, or free");
	page_code_dirty(m, page);
}

static inline void free_page_prepare(struct memory *m, struct page *page)
{
	if (unlikely(page->flags & (PAGE_FLAGS_CHECK_AT_FREE | BIT(PG_code))))
		free_page_slow_checks(m, page);
	VM_BUG_ON(page->mapcount);
	page->flags = 0;
	page->lru.next = page->lru.prev = NULL;
	page->mapping = NULL;
	page->index = 0;
	page->private = 0;
	page->mapcount = 0;
	page->refcount = 0;
	page->order = 0;
	page->owner = OWN_FREE;
}

static void free_block(struct memory *m, struct zone *z, struct page *page, unsigned order)
{
	for (u64 i = 0; i < BIT(order); i++)
		free_page_prepare(m, page + i);
	poison_frames(m, page, BIT(order));
	asan_poison(page_address(m, page), PAGE_SIZE << order);
	free_to_buddy(m, z, page, order);
}

/* The block's last reference is gone. */
static void free_frozen_pages(struct memory *m, struct page *page, unsigned order)
{
	struct zone *z = page_zone(m, page);
	struct per_cpu_pages *pages = &m->node->pcp[smp_processor_id()][z->idx];
	struct pcp_list *pcp;

	trace_event(m->trace, TP_kmem_mm_page_free, "pfn=%#lx order=%u", page_to_pfn(m, page),
		    order);
	m->events[EV_pgfree] += BIT(order);
	if (page->flags & (BIT(PG_lru) | BIT(PG_mlocked)))
		page_cache_release(m, z, page);
	if (order) {
		free_block(m, z, page, order);
		return;
	}
	free_page_prepare(m, page);
	poison_frames(m, page, 1);
	asan_poison(page_address(m, page), PAGE_SIZE);
	page->flags = BIT(PG_pcp);
	pcp = &pages->lists[get_pageblock_migratetype(m, page_to_pfn(m, page))];
	pcp->stack[pcp->count++] = page;
	if (unlikely(pcp->count > pages->high))
		pcp_drain(m, z, pcp, pages->batch);
}

void put_page(struct memory *m, struct page *p)
{
	p = compound_head(p);
	if (unlikely(p->refcount <= 0))
		BUG("put_page() of a free page");
	if (!--p->refcount)
		free_frozen_pages(m, p, p->order);
}

void __free_pages(struct memory *m, struct page *page, unsigned order)
{
	VM_BUG_ON(order != page->order || compound_head(page) != page);
	if (unlikely(page->refcount <= 0))
		BUG("freeing a free page");
	if (!--page->refcount)
		free_frozen_pages(m, page, order);
}

void free_unref_page_list(struct memory *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		VM_BUG_ON(pages[i]->refcount < 0);
		if (unlikely(pages[i]->refcount > 1))
			pages[i]->refcount--;
		else
			free_frozen_pages(m, pages[i], pages[i]->order);
	}
}

void *__get_free_pages(struct memory *m, gfp_t gfp, unsigned order)
{
	struct page *page = alloc_pages(m, gfp, order);

	return page ? page_address(m, page) : NULL;
}

void *get_zeroed_page(struct memory *m, gfp_t gfp)
{
	return __get_free_pages(m, gfp | __GFP_ZERO, 0);
}

void free_pages(struct memory *m, void *addr, unsigned order)
{
	if (addr)
		__free_pages(m, virt_to_page(m, addr), order);
}

/* The buddy system: what buddy.h says, and its checker. */
#include "mm/buddy.h"

#include "base/asan.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"

/* Order of the greatest block that may begin at @pfn and ends at or below @end. */
static unsigned natural_order(pfn_t pfn, pfn_t end)
{
	unsigned order = pfn ? __builtin_ctzl(pfn) : MAX_PAGE_ORDER;

	order = min(order, (unsigned)MAX_PAGE_ORDER);
	while (pfn + BIT(order) > end)
		order--;
	return order;
}

/* --- Blocks and lists ------------------------------------------------------------------------- */

static void set_pageblock_migratetype(struct memory *m, pfn_t pfn, enum migratetype mt)
{
	m->node->pageblock[pfn >> PAGEBLOCK_ORDER] = mt ^ MIGRATE_MOVABLE;
}

/* All page blocks of a block of at least that size. */
static void change_pageblock_range(struct memory *m, pfn_t pfn, unsigned order, enum migratetype mt)
{
	for (u64 i = 0; i < BIT(order); i += PAGEBLOCK_PAGES)
		set_pageblock_migratetype(m, pfn + i, mt);
}

static void add_block(struct zone *z, struct page *page, unsigned order, enum migratetype mt)
{
	page->flags = BIT(PG_buddy);
	page->private = order;
	list_add(&page->lru, &z->free_area[order].free_list[mt]);
	z->free_area[order].nr_free++;
	z->nr_free += BIT(order);
}

static void del_block(struct zone *z, struct page *page, unsigned order)
{
	list_del(&page->lru);
	page->flags = 0;
	page->private = 0;
	z->free_area[order].nr_free--;
	z->nr_free -= BIT(order);
}

static struct page *first_block(const struct zone *z, unsigned order, enum migratetype mt)
{
	const struct list_head *l = &z->free_area[order].free_list[mt];

	return list_empty(l) ? NULL : list_first_entry(l, struct page, lru);
}

/* Turns the next natural block of virgin memory into a free block; its order, or -1. */
static int carve(struct memory *m, struct zone *z)
{
	pfn_t pfn = z->virgin_pfn;
	unsigned order;

	if (pfn == z->end_pfn)
		return -1;
	order = natural_order(pfn, z->end_pfn);
	asan_poison(pfn_to_virt(m, pfn), PAGE_SIZE << order);
	z->virgin_pfn += BIT(order);
	/* Two odd blocks can share a page block, whose type may have changed. */
	add_block(z, pfn_to_page(m, pfn), order, get_pageblock_migratetype(m, pfn));
	return order;
}

/* --- Taking ----------------------------------------------------------------------------------- */

/* Takes @page, a free block of order @high, and gives back all but its lowest 2^low frames. */
static struct page *take_block(struct memory *m, struct zone *z, struct page *page, unsigned low,
			       unsigned high, enum migratetype mt)
{
	del_block(z, page, high);
	while (high > low) {
		high--;
		count_vm_event(m, EV_v_buddy_split);
		add_block(z, page + BIT(high), high, mt); /* the upper half stays */
	}
	return page;
}

static struct page *rmqueue_smallest(struct memory *m, struct zone *z, unsigned order,
				     enum migratetype mt)
{
	for (unsigned o = order; o <= MAX_PAGE_ORDER; o++) {
		struct page *page;

		if (!z->free_area[o].nr_free)
			continue;
		page = first_block(z, o, mt);
		if (page)
			return take_block(m, z, page, order, o, mt);
	}
	return NULL;
}

/* In which order other types are asked. See: mm/page_alloc.c, fallbacks[]. */
static const enum migratetype fallbacks[MIGRATE_TYPES][MIGRATE_TYPES - 1] = {
	[MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE},
	[MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
	[MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE},
};

static struct page *find_fallback(const struct zone *z, unsigned order, enum migratetype mt,
				  enum migratetype *from)
{
	struct page *page = NULL;

	for (unsigned i = 0; !page && i < MIGRATE_TYPES - 1; i++) {
		*from = fallbacks[mt][i];
		page = first_block(z, order, *from);
	}
	return page;
}

/* Is it worth making the page block ours? Unmovable memory strewn over movable blocks is what the
 * types are there to prevent. See: should_try_claim_block(). */
static bool should_try_claim_block(unsigned order, enum migratetype mt)
{
	return order >= PAGEBLOCK_ORDER / 2 || mt != MIGRATE_MOVABLE;
}

struct pageblock_use {
	u64 free, movable;
};

/* What of the page block from @start is free, and what programs and files have. */
static struct pageblock_use count_pageblock(struct memory *m, pfn_t start)
{
	struct pageblock_use u = {0};

	for (pfn_t pfn = start; pfn < start + PAGEBLOCK_PAGES;) {
		const struct page *page = pfn_to_page(m, pfn);

		if (page_test(page, PG_buddy)) {
			u.free += BIT(page->private);
			pfn += BIT(page->private);
			continue;
		}
		u.movable += page->owner == OWN_ANON || page->owner == OWN_FILE ||
			     page->owner == OWN_SHMEM;
		pfn++;
	}
	return u;
}

static void move_freepages_block(struct memory *m, struct zone *z, pfn_t start, enum migratetype mt)
{
	for (pfn_t pfn = start; pfn < start + PAGEBLOCK_PAGES;) {
		struct page *page = pfn_to_page(m, pfn);

		if (!page_test(page, PG_buddy)) {
			pfn++;
			continue;
		}
		list_del(&page->lru);
		list_add_tail(&page->lru, &z->free_area[page->private].free_list[mt]);
		pfn += BIT(page->private);
	}
	set_pageblock_migratetype(m, start, mt);
}

/* Makes the page block of @page, a free block of order @high, ours if most of it is free or is used
 * in our way. See: try_to_claim_block(). */
static struct page *try_to_claim_block(struct memory *m, struct zone *z, struct page *page,
				       unsigned order, unsigned high, enum migratetype mt,
				       enum migratetype from)
{
	pfn_t pfn = page_to_pfn(m, page), start = pfn & ~(PAGEBLOCK_PAGES - 1);
	struct pageblock_use u;
	u64 alike = 0;

	if (high >= PAGEBLOCK_ORDER) {
		change_pageblock_range(m, pfn, high, mt);
		return take_block(m, z, page, order, high, mt);
	}
	if (start < z->start_pfn || start + PAGEBLOCK_PAGES > z->virgin_pfn)
		return NULL;
	u = count_pageblock(m, start);
	if (mt == MIGRATE_MOVABLE)
		alike = u.movable;
	else if (from == MIGRATE_MOVABLE) /* ours, or at least not movable */
		alike = PAGEBLOCK_PAGES - (u.free + u.movable);
	if (u.free + alike < PAGEBLOCK_PAGES / 2)
		return NULL;
	move_freepages_block(m, z, start, mt);
	return rmqueue_smallest(m, z, order, mt);
}

/* From the largest block of another type down, so that the next request finds room here, too. */
static struct page *rmqueue_claim(struct memory *m, struct zone *z, unsigned order,
				  enum migratetype mt)
{
	enum migratetype from;

	for (int high = MAX_PAGE_ORDER; high >= (int)order; high--) {
		struct page *page;

		if (!z->free_area[high].nr_free)
			continue;
		page = find_fallback(z, high, mt, &from);
		if (!page)
			continue;
		if (!should_try_claim_block(high, mt))
			break;
		page = try_to_claim_block(m, z, page, order, high, mt, from);
		if (page)
			return page;
	}
	return NULL;
}

/* Just the frames, from the smallest block of another type: its page block stays what it is. */
static struct page *rmqueue_steal(struct memory *m, struct zone *z, unsigned order,
				  enum migratetype mt)
{
	enum migratetype from;

	for (unsigned high = order; high <= MAX_PAGE_ORDER; high++) {
		struct page *page = find_fallback(z, high, mt, &from);

		if (page)
			return take_block(m, z, page, order, high, from);
	}
	return NULL;
}

struct page *rmqueue_buddy(struct memory *m, struct zone *z, unsigned order, enum migratetype mt)
{
	struct page *page = rmqueue_smallest(m, z, order, mt);
	unsigned enough = mt == MIGRATE_MOVABLE ? order : max(order, (unsigned)PAGEBLOCK_ORDER);
	int o;

	if (likely(page))
		return page;
	/* Virgin memory is the zone's largest movable blocks: what is carved is there to be taken,
	 * or to be claimed whole. */
	do {
		o = carve(m, z);
		if (o >= (int)enough)
			break;
	} while (o >= 0);
	if (mt == MIGRATE_MOVABLE) {
		page = rmqueue_smallest(m, z, order, mt);
		if (page)
			return page;
	}
	page = rmqueue_claim(m, z, order, mt);
	return page ? page : rmqueue_steal(m, z, order, mt);
}

/* --- Giving back ------------------------------------------------------------------------------ */

/* The buddy of the block at @pfn if it is wholly free and on a list, else NULL. */
static struct page *free_buddy(struct memory *m, struct zone *z, pfn_t pfn, unsigned order)
{
	pfn_t buddy = pfn ^ BIT(order);
	struct page *page = pfn_to_page(m, buddy);

	if (buddy < z->start_pfn || buddy >= z->virgin_pfn)
		return NULL;
	return page_test(page, PG_buddy) && page->private == order ? page : NULL;
}

void free_to_buddy(struct memory *m, struct zone *z, struct page *page, unsigned order)
{
	pfn_t pfn = page_to_pfn(m, page);
	enum migratetype mt = get_pageblock_migratetype(m, pfn);

	VM_BUG_ON(pfn & (BIT(order) - 1) || page_test(page, PG_buddy));
	while (order < MAX_PAGE_ORDER) {
		struct page *buddy = free_buddy(m, z, pfn, order);

		if (!buddy)
			break;
		del_block(z, buddy, order);
		count_vm_event(m, EV_v_buddy_merge);
		if (order >= PAGEBLOCK_ORDER) /* of another type, perhaps: the block has one */
			change_pageblock_range(m, page_to_pfn(m, buddy), order, mt);
		pfn &= ~BIT(order);
		order++;
	}
	add_block(z, pfn_to_page(m, pfn), order, mt);
}

/* --- Counts ----------------------------------------------------------------------------------- */

/* Blocks of @order that virgin memory will be carved into. */
static u64 virgin_blocks(const struct zone *z, unsigned order)
{
	pfn_t pfn = z->virgin_pfn;
	u64 n = 0;

	/* Up to the first order-10 boundary and from the last one on there are a few odd blocks. */
	while (pfn < z->end_pfn) {
		unsigned o = natural_order(pfn, z->end_pfn);
		u64 blocks = 1;

		if (o == MAX_PAGE_ORDER)
			blocks = (z->end_pfn - pfn) >> MAX_PAGE_ORDER;
		if (o == order)
			n += blocks;
		pfn += blocks << o;
	}
	return n;
}

u64 zone_free_blocks(const struct zone *z, unsigned order)
{
	return z->free_area[order].nr_free + virgin_blocks(z, order);
}

u64 zone_free_blocks_of(const struct zone *z, unsigned order, enum migratetype mt)
{
	const struct list_head *head = &z->free_area[order].free_list[mt], *l;
	u64 n = mt == MIGRATE_MOVABLE ? virgin_blocks(z, order) : 0;

	for (l = head->next; l != head; l = l->next)
		n++;
	return n;
}

/* --- The checker ----------------------------------------------------------------------------- */

#define MAX_REPORTS 10
#define POISON_CHECKS 256 /* frames a zone and call: reading all free memory would take seconds */

struct check {
	struct memory *m;
	struct zone *z;
	unsigned reports;
	u64 blocks[NR_PAGE_ORDERS], free, pcp;
	u64 poison_left;
};

static void report(struct check *c, pfn_t pfn, const char *what)
{
	if (c->reports++ < MAX_REPORTS)
		log_line("buddy: zone %s: pfn %#lx: %s", c->z->name, pfn, what);
}

__no_asan static bool all_bytes(const u64 *p, u64 pattern)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i] != pattern)
			return false;
	return true;
}

/* A free frame's bytes: poison if it was used before, else still zero. Debug builds only. */
static void check_poison(struct check *c, pfn_t pfn, u64 nr)
{
#ifdef CONFIG_DEBUG_VM
	for (u64 i = 0; i < nr && c->poison_left; i++) {
		if (!pfn_to_page(c->m, pfn + i)->touched)
			continue;
		c->poison_left--;
		if (!all_bytes(pfn_to_virt(c->m, pfn + i), PAGE_POISON * 0x0101010101010101UL))
			report(c, pfn + i, "free frame was written to");
	}
#else
	(void)c, (void)pfn, (void)nr, (void)all_bytes;
#endif
}

static u64 check_free_block(struct check *c, struct page *page, pfn_t pfn)
{
	unsigned order = page->private;

	if (order > MAX_PAGE_ORDER || pfn & (BIT(order) - 1)) {
		report(c, pfn, "free block of impossible order");
		return 1;
	}
	if (page->refcount || page->mapcount)
		report(c, pfn, "free block is referenced");
	if (page->flags != BIT(PG_buddy))
		report(c, pfn, "free block has other flags");
	if (page->lru.next->prev != &page->lru || page->lru.prev->next != &page->lru)
		report(c, pfn, "free block is not on a list");
	if (order < MAX_PAGE_ORDER && free_buddy(c->m, c->z, pfn, order))
		report(c, pfn, "free block has a free buddy of its own order");
	for (u64 i = 1; i < BIT(order); i++)
		if (page[i].flags || page[i].refcount)
			report(c, pfn + i, "frame inside a free block is in use");
	check_poison(c, pfn, BIT(order));
	c->blocks[order]++;
	c->free += BIT(order);
	return BIT(order);
}

static u64 check_used_block(struct check *c, struct page *page, pfn_t pfn)
{
	if (page_test(page, PG_pcp)) {
		if (page->refcount || page->mapcount || page->flags != BIT(PG_pcp))
			report(c, pfn, "frame on a per-CPU list is in use");
		check_poison(c, pfn, 1);
		c->pcp++;
		return 1;
	}
	if (page->refcount <= 0)
		report(c, pfn, "used frame without a reference");
	if (page->flags & PAGE_FLAGS_TYPE & ((page->flags & PAGE_FLAGS_TYPE) - 1))
		report(c, pfn, "used frame of two types");
	if (page->owner == OWN_FREE || page->owner >= NR_PAGE_OWNERS)
		report(c, pfn, "used frame without an owner");
	if (page->order > MAX_PAGE_ORDER || pfn & (BIT(page->order) - 1)) {
		report(c, pfn, "used block of impossible order");
		return 1;
	}
	for (u64 i = 1; page_test(page, PG_head) && i < BIT(page->order); i++)
		if (compound_head(page + i) != page)
			report(c, pfn + i, "tail page does not know its head");
	return BIT(page->order);
}

/* Free blocks of one order and type; a list that is a ring ends somewhere. */
static u64 check_list(struct check *c, unsigned order, enum migratetype mt)
{
	struct page *page;
	u64 n = 0;

	list_for_each_entry (page, &c->z->free_area[order].free_list[mt], lru) {
		pfn_t pfn = page_to_pfn(c->m, page);

		if (!page_test(page, PG_buddy) || page->private != order)
			report(c, pfn, "on the wrong free list");
		for (u64 i = 0; i < BIT(order); i += PAGEBLOCK_PAGES)
			if (get_pageblock_migratetype(c->m, pfn + i) != mt)
				report(c, pfn, "on the free list of another type");
		if (++n > c->z->managed_pages)
			break;
	}
	return n;
}

static void check_lists(struct check *c)
{
	struct zone *z = c->z;

	for (unsigned o = 0; o < NR_PAGE_ORDERS; o++) {
		u64 n = 0;

		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			n += check_list(c, o, mt);
		if (n != z->free_area[o].nr_free || n != c->blocks[o])
			report(c, o, "nr_free, free lists and blocks of this order disagree");
	}
	if (c->free != z->nr_free)
		report(c, c->free, "nr_free of the zone is wrong");
}

static unsigned check_zone(struct memory *m, struct zone *z)
{
	struct check c = {.m = m, .z = z, .poison_left = POISON_CHECKS};
	u64 pcp = 0;

	for (pfn_t pfn = z->start_pfn; pfn < z->virgin_pfn;) {
		struct page *page = pfn_to_page(m, pfn);

		pfn += page_test(page, PG_buddy) ? check_free_block(&c, page, pfn)
						 : check_used_block(&c, page, pfn);
	}
	check_lists(&c);
	for (unsigned cpu = 0; cpu < nr_pcp_cpus(); cpu++)
		pcp += pcp_count(&m->node->pcp[cpu][z->idx]);
	if (pcp != c.pcp)
		report(&c, pcp, "per-CPU counts and frames with PG_pcp disagree");
	return c.reports;
}

int buddy_validate(struct memory *m)
{
	unsigned reports = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++)
		reports += check_zone(m, &m->node->zones[i]);
	return reports ? -EFAULT : 0;
}

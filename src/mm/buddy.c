/* The buddy system: what buddy.h says, and its checker. */
#include "mm/buddy.h"

#include "base/asan.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"

static const char *const zone_names[MAX_NR_ZONES] = {"DMA", "DMA32", "Normal"};

void zone_init(struct zone *z, enum zone_type idx, pfn_t start, pfn_t end)
{
	if (end < start)
		end = start;
	*z = (struct zone){
		.name = zone_names[idx],
		.idx = idx,
		.start_pfn = start,
		.end_pfn = end,
		.virgin_pfn = start,
		.populated_pfn = start,
		.present_pages = end - start,
		.managed_pages = end - start,
	};
	for (unsigned o = 0; o < NR_PAGE_ORDERS; o++)
		INIT_LIST_HEAD(&z->free_area[o].free_list);
}

/* Order of the greatest block that may begin at @pfn and ends at or below @end. */
static unsigned natural_order(pfn_t pfn, pfn_t end)
{
	unsigned order = pfn ? __builtin_ctzl(pfn) : MAX_PAGE_ORDER;

	order = min(order, (unsigned)MAX_PAGE_ORDER);
	while (pfn + BIT(order) > end)
		order--;
	return order;
}

static void add_block(struct zone *z, struct page *page, unsigned order)
{
	page->flags = BIT(PG_buddy);
	page->private = order;
	list_add(&page->lru, &z->free_area[order].free_list);
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
	add_block(z, pfn_to_page(m, pfn), order);
	return order;
}

/* The smallest order >= @order with a free block, carving if there is none; or -1. */
static int find_order(struct memory *m, struct zone *z, unsigned order)
{
	int o;

	for (o = order; o <= MAX_PAGE_ORDER; o++)
		if (z->free_area[o].nr_free)
			return o;
	do {
		o = carve(m, z);
	} while (o >= 0 && o < (int)order);
	return o;
}

struct page *rmqueue_buddy(struct memory *m, struct zone *z, unsigned order)
{
	int high = find_order(m, z, order);
	struct page *page;

	if (high < 0)
		return NULL;
	page = list_first_entry(&z->free_area[high].free_list, struct page, lru);
	del_block(z, page, high);
	while (high > (int)order) {
		high--;
		count_vm_event(m, EV_v_buddy_split);
		add_block(z, page + BIT(high), high); /* the upper half stays */
	}
	return page;
}

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

	VM_BUG_ON(pfn & (BIT(order) - 1) || page_test(page, PG_buddy));
	while (order < MAX_PAGE_ORDER) {
		struct page *buddy = free_buddy(m, z, pfn, order);

		if (!buddy)
			break;
		del_block(z, buddy, order);
		count_vm_event(m, EV_v_buddy_merge);
		pfn &= ~BIT(order);
		order++;
	}
	add_block(z, pfn_to_page(m, pfn), order);
}

u64 zone_free_blocks(const struct zone *z, unsigned order)
{
	u64 n = z->free_area[order].nr_free;
	pfn_t pfn = z->virgin_pfn;

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

static void check_lists(struct check *c)
{
	struct zone *z = c->z;

	for (unsigned o = 0; o < NR_PAGE_ORDERS; o++) {
		u64 n = 0;
		struct page *page;

		list_for_each_entry (page, &z->free_area[o].free_list, lru) {
			if (!page_test(page, PG_buddy) || page->private != o)
				report(c, page_to_pfn(c->m, page), "on the wrong free list");
			if (++n > z->managed_pages)
				break;
		}
		if (n != z->free_area[o].nr_free || n != c->blocks[o])
			report(c, o, "nr_free, free list and blocks of this order disagree");
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
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		pcp += m->node->pcp[cpu][z->idx].count;
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

/* What is told of the slab allocator: /proc/slabinfo, what was left behind, and its checker. */
#include "base/err.h"
#include "base/log.h"
#include "mm/slab_internal.h"

bool slab_info(const struct memory *m, unsigned i, struct slabinfo *out)
{
	const struct kmem_cache *c;

	list_for_each_entry (c, &m->caches->list, list) {
		if (i--)
			continue;
		*out = (struct slabinfo){
			.name = c->name,
			.active_objs = c->out,
			.num_objs = c->nr_slabs * c->objects,
			.active_slabs = c->nr_slabs, /* as SLUB: empty ones are counted, too */
			.num_slabs = c->nr_slabs,
			.objsize = c->size,
			.objperslab = c->objects,
			.pagesperslab = BIT(c->order),
		};
		return true;
	}
	return false;
}

void slab_end_boot(struct memory *m)
{
	struct kmem_cache *c;

	list_for_each_entry (c, &m->caches->list, list)
		c->boot_objects = c->out;
}

void kmemleak_not_leak(struct memory *m, const void *p)
{
	struct page *slab = compound_head(virt_to_page(m, p));

	VM_BUG_ON(!page_test(slab, PG_slab));
	slab->slab_cache->boot_objects++;
}

u64 slab_leaks(const struct memory *m)
{
	const struct kmem_cache *c;
	u64 sum = 0;

	list_for_each_entry (c, &m->caches->list, list) {
		if (c->out == c->boot_objects || c == &m->caches->kmem_cache) /* caches stay */
			continue;
		log_line("slab: %s: %ld objects are left behind", c->name,
			 (long)(c->out - c->boot_objects));
		sum += c->out - c->boot_objects;
	}
	return sum;
}

/* --- the checker ------------------------------------------------------------------------------ */

#define MAX_REPORTS 10

struct check {
	const struct kmem_cache *c;
	unsigned *reports;
	u64 slabs, free;
};

static void report(struct check *k, const void *where, const char *what)
{
	if ((*k->reports)++ < MAX_REPORTS)
		log_line("slab: %s: %p: %s", k->c->name, where, what);
}

/* Free objects on a chain: all inside @slab, on an object's bound, no more than a slab has. */
static u32 check_chain(struct check *k, const struct page *slab, const void *obj)
{
	const struct kmem_cache *c = k->c;
	const char *base = page_address(c->mem, slab);
	u32 n = 0;

	for (; obj; obj = get_freepointer(c, obj)) {
		u64 off = (const char *)obj - base;

		if (off / c->size >= c->objects || off % c->size) {
			report(k, obj, "free pointer leads out of the slab");
			break;
		}
		if (n++ == c->objects) {
			report(k, obj, "free chain is a ring");
			break;
		}
		if (!free_object_intact(c, obj))
			report(k, obj, "free object was written to");
	}
	return n;
}

static void check_slab(struct check *k, const struct page *slab, u32 listed_free, bool active)
{
	if (!page_test(slab, PG_slab) || slab->slab_cache != k->c || slab->order != k->c->order ||
	    slab->refcount != 1 || slab->owner != OWN_SLAB)
		report(k, slab, "not a slab of this cache");
	if (page_test(slab, PG_active) != active)
		report(k, slab, "frozen and active disagree");
	if (slab->inuse + check_chain(k, slab, (void *)slab->private) != k->c->objects)
		report(k, slab, "objects out and objects free do not add up");
	k->slabs++;
	k->free += k->c->objects - slab->inuse + listed_free;
}

static void check_cache(const struct kmem_cache *c, unsigned *reports)
{
	struct check k = {.c = c, .reports = reports};
	const struct page *slab;
	u64 partial = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct kmem_cache_cpu *cc = &c->cpu[cpu];

		if (cc->slab)
			check_slab(&k, cc->slab, check_chain(&k, cc->slab, cc->freelist), true);
		else if (cc->freelist)
			report(&k, cc->freelist, "free objects without a slab");
	}
	list_for_each_entry (slab, &c->partial, lru) {
		check_slab(&k, slab, 0, false);
		if (!slab->private)
			report(&k, slab, "full slab among the partial ones");
		if (++partial > c->nr_slabs)
			break;
	}
	if (partial != c->nr_partial)
		report(&k, c, "nr_partial is wrong");
	list_for_each_entry (slab, &c->full, lru) {
		check_slab(&k, slab, 0, false);
		if (slab->private)
			report(&k, slab, "free object in a full slab");
		if (k.slabs > c->nr_slabs)
			break;
	}
	if (k.slabs != c->nr_slabs)
		report(&k, c, "nr_slabs is wrong");
	if (k.free + c->out != c->nr_slabs * c->objects)
		report(&k, c, "objects out are miscounted");
}

static u64 large_kmalloc_pages(const struct memory *m)
{
	u64 sum = 0;

	for (unsigned i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];

		for (pfn_t pfn = z->start_pfn; pfn < z->virgin_pfn; pfn++)
			if (page_test(pfn_to_page(m, pfn), PG_large_kmalloc))
				sum += BIT(pfn_to_page(m, pfn)->order);
	}
	return sum;
}

/* /proc/meminfo's Slab: all slabs, and what kmalloc() gave beyond its caches. */
static void check_counts(const struct memory *m, unsigned *reports)
{
	u64 counted = m->stats[ST_slab_reclaimable] + m->stats[ST_slab_unreclaimable];
	u64 found = large_kmalloc_pages(m);
	const struct kmem_cache *c;

	list_for_each_entry (c, &m->caches->list, list)
		found += c->nr_slabs << c->order;
	if (counted != found && (*reports)++ < MAX_REPORTS)
		log_line("slab: %lu pages are counted, there are %lu", counted, found);
}

int slab_validate(struct memory *m)
{
	const struct kmem_cache *c;
	unsigned reports = 0;

	list_for_each_entry (c, &m->caches->list, list)
		check_cache(c, &reports);
	check_counts(m, &reports);
	return reports ? -EFAULT : 0;
}

/* The slab allocator, in the manner of SLUB: caches, their objects, and kmalloc on top. What a cache and an
 * object look like: slab_internal.h.
 *
 * Not for: whole frames (page_alloc.h), memory that need not be contiguous (vmalloc.h).
 */
#include "mm/slab_internal.h"

#include <string.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/trace.h"

#define MIN_PARTIAL 5 /* empty slabs a cache keeps, about */
#define MAX_SLAB_ORDER 3
#define MIN_OBJECTS 4	  /* a slab should hold, unless that needs a greater order */
#define KMALLOC_ALIGN 64U /* at most; smaller classes are aligned to 8 */

static const u16 kmalloc_sizes[NR_KMALLOC] = {8,   16,	32,   64,   96,	  128, 192,
					      256, 512, 1024, 2048, 4096, 8192};
static const char *const kmalloc_names[NR_KMALLOC] = {
	"kmalloc-8",   "kmalloc-16",  "kmalloc-32",  "kmalloc-64",  "kmalloc-96",
	"kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1k",
	"kmalloc-2k",  "kmalloc-4k",  "kmalloc-8k"};

/* --- Slabs ------------------------------------------------------------------------------------ */

/* The head page of the slab that holds @obj. */
static inline struct page *slab_of(const struct kmem_cache *c, const void *obj)
{
	pfn_t pfn = virt_to_pfn(c->mem, obj);

	return pfn_to_page(c->mem, pfn & ~(BIT(c->order) - 1));
}

static enum node_stat slab_stat(const struct kmem_cache *c)
{
	return c->flags & SLAB_RECLAIM_ACCOUNT ? ST_slab_reclaimable : ST_slab_unreclaimable;
}

static void setup_objects(const struct kmem_cache *c, struct page *slab)
{
	char *base = page_address(c->mem, slab);
	void *next = NULL;

	for (u32 i = c->objects; i--;) {
		char *obj = base + (u64)i * c->size;

		if (c->ctor)
			c->ctor(obj);
		debug_new_object(c, obj);
		set_freepointer(c, obj, next);
		next = obj;
	}
	slab->private = (u64)next;
	asan_poison(base, PAGE_SIZE << c->order);
}

static struct page *new_slab(struct kmem_cache *c, gfp_t gfp)
{
	struct page *slab;

	gfp &= ~(__GFP_ZERO | __GFP_HIGHMEM | __GFP_MOVABLE);
	if (c->flags & SLAB_RECLAIM_ACCOUNT)
		gfp |= __GFP_RECLAIMABLE;
	slab = alloc_pages(c->mem, gfp | (c->order ? __GFP_COMP : 0), c->order);
	if (!slab)
		return NULL;
	page_set(slab, PG_slab);
	slab->owner = OWN_SLAB;
	slab->slab_cache = c;
	slab->inuse = 0;
	setup_objects(c, slab);
	c->nr_slabs++;
	mod_node_stat(c->mem, slab_stat(c), BIT(c->order));
	return slab;
}

/* @slab is empty and on no list. */
static void free_slab(struct kmem_cache *c, struct page *slab)
{
	VM_BUG_ON(slab->inuse);
	c->nr_slabs--;
	mod_node_stat(c->mem, slab_stat(c), -(s64)BIT(c->order));
	page_clear(slab, PG_slab);
	slab->slab_cache = NULL;
	slab->private = 0;
	__free_pages(c->mem, slab, c->order);
}

static void add_partial(struct kmem_cache *c, struct page *slab)
{
	list_add(&slab->lru, &c->partial);
	c->nr_partial++;
}

static void del_partial(struct kmem_cache *c, struct page *slab)
{
	list_del(&slab->lru);
	c->nr_partial--;
}

static void activate(struct kmem_cache *c, struct kmem_cache_cpu *cc, struct page *slab)
{
	page_set(slab, PG_active);
	cc->slab = slab;
	cc->freelist = (void *)slab->private;
	slab->private = 0;
	slab->inuse = c->objects;
}

/* The active slab becomes an ordinary one, with the objects of the CPU's list given back to it. */
static void deactivate(struct kmem_cache *c, struct kmem_cache_cpu *cc)
{
	struct page *slab = cc->slab;
	void *obj = cc->freelist, *next;

	if (!slab)
		return;
	for (; obj; obj = next) {
		next = get_freepointer(c, obj);
		set_freepointer(c, obj, (void *)slab->private);
		slab->private = (u64)obj;
		slab->inuse--;
	}
	page_clear(slab, PG_active);
	cc->slab = NULL;
	cc->freelist = NULL;
	if (slab->private)
		add_partial(c, slab);
	else
		list_add(&slab->lru, &c->full);
}

/* --- Allocating ------------------------------------------------------------------------------- */

/* Gives this CPU a slab with a free object; false: no memory. */
static bool refill(struct kmem_cache *c, gfp_t gfp)
{
	struct kmem_cache_cpu *cc = &c->cpu[smp_processor_id()];
	struct page *slab = cc->slab;

	if (slab && slab->private) { /* another CPU freed into our slab meanwhile */
		cc->freelist = (void *)slab->private;
		slab->private = 0;
		slab->inuse = c->objects;
		return true;
	}
	deactivate(c, cc);
	if (list_empty(&c->partial)) {
		slab = new_slab(c, gfp);
		if (!slab)
			return false;
		/* Reclaim may have shrunk or filled this cache meanwhile: start from what is. */
		deactivate(c, cc);
	} else {
		slab = list_first_entry(&c->partial, struct page, lru);
		del_partial(c, slab);
	}
	activate(c, cc, slab);
	return true;
}

/* @bytes of the object become usable. */
static inline void *slab_alloc(struct kmem_cache *c, gfp_t gfp, u64 bytes)
{
	struct kmem_cache_cpu *cc = &c->cpu[smp_processor_id()];
	void *obj;

	if (should_fail_alloc(c->mem, gfp))
		return NULL;
	if (unlikely(!cc->freelist) && !refill(c, gfp))
		return NULL;
	obj = cc->freelist;
	cc->freelist = get_freepointer(c, obj);
	c->out++;
	asan_unpoison(obj, bytes);
	debug_alloc(c, obj);
	trace_event(c->mem->trace, TP_kmem_kmem_cache_alloc, "%s ptr=%p", c->name, obj);
	return obj;
}

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	void *obj = slab_alloc(c, gfp, c->object_size);

	if (unlikely(gfp & __GFP_ZERO) && obj)
		memset(obj, 0, c->object_size);
	return obj;
}

void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp)
{
	return kmem_cache_alloc(c, gfp | __GFP_ZERO);
}

/* --- Freeing ---------------------------------------------------------------------------------- */

/* Into a slab that is not this CPU's active one. */
static void free_slow(struct kmem_cache *c, struct page *slab, void *obj)
{
	bool was_full = !slab->private;

	if (unlikely(slab->slab_cache != c || !page_test(slab, PG_slab)))
		BUG("slab: object freed to a cache that is not its own");
	set_freepointer(c, obj, (void *)slab->private);
	slab->private = (u64)obj;
	slab->inuse--;
	if (page_test(slab, PG_active)) /* another CPU's: it will find the object */
		return;
	if (was_full) {
		list_del(&slab->lru);
		add_partial(c, slab);
	}
	if (!slab->inuse && c->nr_partial > MIN_PARTIAL) {
		del_partial(c, slab);
		free_slab(c, slab);
	}
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	struct kmem_cache_cpu *cc = &c->cpu[smp_processor_id()];
	struct page *slab = slab_of(c, obj);

	VM_BUG_ON(slab->slab_cache != c || !page_test(slab, PG_slab));
	VM_BUG_ON(((char *)obj - (char *)page_address(c->mem, slab)) % c->size);
	trace_event(c->mem->trace, TP_kmem_kmem_cache_free, "%s ptr=%p", c->name, obj);
	debug_free(c, obj);
	asan_poison(obj, c->size);
	c->out--;
	if (likely(slab == cc->slab)) {
		set_freepointer(c, obj, cc->freelist);
		cc->freelist = obj;
		return;
	}
	free_slow(c, slab, obj);
}

/* --- Caches ----------------------------------------------------------------------------------- */

static u32 round_up(u32 n, u32 to)
{
	return (n + to - 1) / to * to;
}

/* The smallest order that holds a few objects and wastes at most an eighth. */
static u32 choose_order(u32 size)
{
	u32 order = 0;

	while (order < MAX_SLAB_ORDER) {
		u32 room = PAGE_SIZE << order;

		if (room / size >= MIN_OBJECTS && room % size <= room / 8)
			break;
		order++;
	}
	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

static void init_cache(struct kmem_cache *c, struct memory *m, const char *name, u32 size,
		       u32 align, u32 flags, void (*ctor)(void *))
{
	u32 end = round_up(size, 8) + REDZONE_SIZE;

	align = max(align, 8U);
	if (flags & SLAB_HWCACHE_ALIGN)
		align = max(align, 64U);
	memset(c, 0, sizeof(*c));
	c->mem = m;
	c->name = name;
	c->object_size = size;
	c->align = align;
	c->flags = flags;
	c->ctor = ctor;
	if (ctor || REDZONE_SIZE) {
		c->free_offset = end;
		end += sizeof(void *);
	}
	c->size = round_up(end, align);
	c->order = choose_order(c->size);
	c->objects = (PAGE_SIZE << c->order) / c->size;
	INIT_LIST_HEAD(&c->partial);
	INIT_LIST_HEAD(&c->full);
	list_add(&c->list, &m->caches->list);
}

struct kmem_cache *kmem_cache_create(struct memory *m, const char *name, unsigned size,
				     unsigned align, u32 flags, void (*ctor)(void *))
{
	struct kmem_cache *c;

	if (!size || size > KMALLOC_MAX || align & (align - 1) || align > PAGE_SIZE)
		return ERR_PTR(-EINVAL);
	c = kmem_cache_alloc(&m->caches->kmem_cache, GFP_KERNEL);
	if (!c && (flags & SLAB_PANIC))
		BUG("no memory for a cache at boot");
	if (!c)
		return ERR_PTR(-ENOMEM);
	init_cache(c, m, name, size, align, flags, ctor);
	return c;
}

u64 kmem_cache_shrink(struct kmem_cache *c)
{
	struct page *slab, *next;
	u64 freed = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		deactivate(c, &c->cpu[cpu]);
	list_for_each_entry_safe (slab, next, &c->partial, lru) {
		if (slab->inuse)
			continue;
		del_partial(c, slab);
		free_slab(c, slab);
		freed += BIT(c->order);
	}
	return freed;
}

u64 slab_shrink(struct memory *m)
{
	struct kmem_cache *c;
	u64 freed = 0;

	if (!m->caches)
		return 0;
	list_for_each_entry (c, &m->caches->list, list)
		freed += kmem_cache_shrink(c);
	return freed;
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	struct memory *m = c->mem;

	if (c->out)
		BUG("slab: cache destroyed while objects are out");
	kmem_cache_shrink(c);
	VM_BUG_ON(c->nr_slabs);
	list_del(&c->list);
	kmem_cache_free(&m->caches->kmem_cache, c);
}

/* --- kmalloc ---------------------------------------------------------------------------------- */

static unsigned order_of(u64 size)
{
	u64 pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	return pages > 1 ? 64 - __builtin_clzl(pages - 1) : 0;
}

static void *kmalloc_large(struct memory *m, u64 size, gfp_t gfp)
{
	unsigned order = order_of(size);
	struct page *page;

	if (size > PAGE_SIZE << MAX_PAGE_ORDER)
		return NULL;
	page = alloc_pages(m, gfp | __GFP_COMP, order);
	if (!page)
		return NULL;
	page_set(page, PG_large_kmalloc);
	page->owner = OWN_SLAB;
	mod_node_stat(m, ST_slab_unreclaimable, BIT(order));
	return page_address(m, page);
}

void *kmalloc(struct memory *m, u64 size, gfp_t gfp)
{
	void *p;

	if (unlikely(size > KMALLOC_MAX))
		return kmalloc_large(m, size, gfp);
	p = slab_alloc(m->caches->kmalloc[m->caches->class_of[(size + 7) / 8]], gfp, size);
	if (unlikely(gfp & __GFP_ZERO) && p)
		memset(p, 0, size);
	return p;
}

void *kzalloc(struct memory *m, u64 size, gfp_t gfp)
{
	return kmalloc(m, size, gfp | __GFP_ZERO);
}

void *kcalloc(struct memory *m, u64 n, u64 size, gfp_t gfp)
{
	u64 bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kzalloc(m, bytes, gfp);
}

void kfree(struct memory *m, void *p)
{
	struct page *page;

	if (!p)
		return;
	page = compound_head(virt_to_page(m, p));
	if (likely(page_test(page, PG_slab))) {
		kmem_cache_free(page->slab_cache, p);
		return;
	}
	if (!page_test(page, PG_large_kmalloc) || page_address(m, page) != p)
		BUG("kfree() of what kmalloc() did not give");
	page_clear(page, PG_large_kmalloc);
	mod_node_stat(m, ST_slab_unreclaimable, -(s64)BIT(page->order));
	__free_pages(m, page, page->order);
}

static u64 room_of(struct memory *m, const void *p)
{
	struct page *page = compound_head(virt_to_page(m, p));

	return page_test(page, PG_slab) ? page->slab_cache->object_size : PAGE_SIZE << page->order;
}

/* Whoever asks may use all of it. */
u64 ksize(struct memory *m, const void *p)
{
	u64 room = room_of(m, p);

	asan_unpoison(p, room);
	return room;
}

void *krealloc(struct memory *m, void *p, u64 size, gfp_t gfp)
{
	u64 room;
	void *bigger;

	if (!p)
		return kmalloc(m, size, gfp);
	room = ksize(m, p);
	if (size <= room)
		return p;
	bigger = kmalloc(m, size, gfp);
	if (!bigger)
		return NULL;
	memcpy(bigger, p, room);
	kfree(m, p);
	return bigger;
}

int slab_init(struct memory *m)
{
	struct kmem_caches *all = get_zeroed_page(m, GFP_KERNEL);
	unsigned k = 0;

	if (!all)
		return -ENOMEM;
	m->caches = all;
	INIT_LIST_HEAD(&all->list);
	init_cache(&all->kmem_cache, m, "kmem_cache", sizeof(struct kmem_cache), 64, 0, NULL);
	for (unsigned i = 0; i < NR_KMALLOC; i++) {
		u32 size = kmalloc_sizes[i];
		u32 align = min(size & -size, KMALLOC_ALIGN);

		all->kmalloc[i] = kmem_cache_create(m, kmalloc_names[i], size, align, 0, NULL);
		if (IS_ERR(all->kmalloc[i]))
			return -ENOMEM;
	}
	for (unsigned n = 0; n < ARRAY_SIZE(all->class_of); n++) {
		while (n * 8 > kmalloc_sizes[k])
			k++;
		all->class_of[n] = k;
	}
	return 0;
}

/* What slab.c and slab_validate.c share: caches and the inside of an object.
 *
 *   kmem_cache
 *     cpu[n].freelist --> obj --> obj      free objects of cpu[n].slab, the active slab: the fast
 *     cpu[n].slab                          path pops and pushes here, last freed first
 *     partial --> slab --> slab            page->private: first free object, page->inuse: out
 *     full    --> slab --> slab            no free object
 *
 *   A slab is 2^order frames, naturally aligned, so an object's slab is found by masking. Its head
 *   page has PG_slab, slab_cache, and PG_active while it is some CPU's active slab ("frozen"): then
 *   page->inuse is the number of all objects, and cpu[n].freelist tells what is free.
 *
 *   An object:  | bytes | padding to 8 | [red zone, debug] | [free pointer] | padding to align |
 *
 *   The free pointer lies over the first bytes, but behind the object if there is a constructor
 *   (what it made must last) or in debug builds (there freed bytes are poisoned, and checked).
 */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include "base/asan.h"
#include "mm/slab.h"

struct kmem_cache_cpu {
	void *freelist;
	struct page *slab;
};

struct kmem_cache {
	struct kmem_cache_cpu cpu[MAX_CPUS];
	struct memory *mem;
	u64 out;	  /* objects that are allocated */
	u64 boot_objects; /* of them, those that boot has made: set once */
	u32 free_offset;  /* of the free pointer in a free object; these six: set once */
	u32 object_size;
	u32 size; /* from one object to the next */
	u32 order;
	u32 objects; /* a slab */
	u32 flags;
	void (*ctor)(void *); /* set once, as name and align */
	const char *name;
	u32 align;
	u32 nr_partial;
	u64 nr_slabs;
	struct list_head partial, full; /* of struct page, by lru */
	struct list_head list;		/* kmem_caches.list */
};

#define NR_KMALLOC 13
#define KMALLOC_MAX 8192UL

/* All caches of one machine: one frame of guest RAM. */
struct kmem_caches {
	struct list_head list;	      /* newest first */
	struct kmem_cache kmem_cache; /* the cache of struct kmem_cache */
	struct kmem_cache *kmalloc[NR_KMALLOC];
	u8 class_of[KMALLOC_MAX / 8 + 1]; /* by (size + 7) / 8 */
};

_Static_assert(sizeof(struct kmem_caches) <= PAGE_SIZE, "caches: one frame");

__no_asan __unused static void *get_freepointer(const struct kmem_cache *c, const void *obj)
{
	return *(void *const *)((const char *)obj + c->free_offset);
}

__no_asan __unused static void set_freepointer(const struct kmem_cache *c, void *obj, void *next)
{
	*(void **)((char *)obj + c->free_offset) = next;
}

#ifdef CONFIG_DEBUG_VM
#define REDZONE_SIZE 8U
#define RED_INACTIVE 0xbbbbbbbbbbbbbbbbUL
#define RED_ACTIVE 0xccccccccccccccccUL
#define POISON_FREE 0x6b
#define POISON_END 0xa5

static inline u64 *redzone(const struct kmem_cache *c, const void *obj)
{
	return (u64 *)((char *)obj + ((c->object_size + 7) & ~7U));
}

__no_asan __unused static void set_redzone(const struct kmem_cache *c, void *obj, u64 red)
{
	*redzone(c, obj) = red;
}

__no_asan __unused static bool redzone_is(const struct kmem_cache *c, const void *obj, u64 red)
{
	return *redzone(c, obj) == red;
}

__no_asan __unused static void poison_object(const struct kmem_cache *c, void *obj)
{
	volatile u8 *p = obj; /* no memset(), which ASan would check */

	for (u32 i = 0; !c->ctor && i < c->object_size; i++)
		p[i] = i == c->object_size - 1 ? POISON_END : POISON_FREE;
}

__no_asan __unused static bool poison_intact(const struct kmem_cache *c, const void *obj)
{
	const u8 *p = obj;

	for (u32 i = 0; !c->ctor && i < c->object_size; i++)
		if (p[i] != (i == c->object_size - 1 ? POISON_END : POISON_FREE))
			return false;
	return true;
}

static inline void debug_new_object(const struct kmem_cache *c, void *obj)
{
	poison_object(c, obj);
	set_redzone(c, obj, RED_INACTIVE);
}

static inline void debug_alloc(const struct kmem_cache *c, void *obj)
{
	if (!redzone_is(c, obj, RED_INACTIVE) || !poison_intact(c, obj))
		BUG("slab: a free object was written to");
	set_redzone(c, obj, RED_ACTIVE);
}

static inline void debug_free(const struct kmem_cache *c, void *obj)
{
	if (redzone_is(c, obj, RED_INACTIVE))
		BUG("slab: double free");
	if (!redzone_is(c, obj, RED_ACTIVE))
		BUG("slab: written behind the end of an object");
	debug_new_object(c, obj);
}

static inline bool free_object_intact(const struct kmem_cache *c, const void *obj)
{
	return redzone_is(c, obj, RED_INACTIVE) && poison_intact(c, obj);
}
#else
#define REDZONE_SIZE 0U
#define debug_new_object(c, obj) ((void)0)
#define debug_alloc(c, obj) ((void)0)
#define debug_free(c, obj) ((void)0)
#define free_object_intact(c, obj) true
#endif

#endif

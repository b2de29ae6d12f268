/* The slab allocator: caches of equal objects in guest RAM, and kmalloc.
 *
 * Every object of the guest kernel (mm_struct, vm_area_struct, task_struct, file, ...) comes
 * from here, so /proc/slabinfo is counted, and running out of guest RAM is a real -ENOMEM.
 *
 *   kmem_cache --> partial slabs --> free objects, linked inside themselves
 *              --> full slabs    (a slab: one block of frames, PG_slab, page->slab_cache)
 *
 * Sizes are bytes. Objects never move; whoever allocates one owns it. What allocates with
 * __GFP_DIRECT_RECLAIM may reclaim. Not for: whole frames (page_alloc.h). See: Linux, mm/slub.c.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "mm/page_alloc.h"

struct kmem_cache;

#define SLAB_RECLAIM_ACCOUNT 0x1U /* counts as SReclaimable */
#define SLAB_HWCACHE_ALIGN 0x2U	  /* objects start at 64-byte lines */
#define SLAB_PANIC 0x4U		  /* boot: failure ends Vellum */

/* A cache of objects of @size (1 .. 8192). @ctor (may be NULL) runs once for each object when its slab is made:
 * who frees one leaves it constructed. @align: a power of two up to a page; 0: 8 bytes. The name is kept by
 * pointer. ERR_PTR(-EINVAL), ERR_PTR(-ENOMEM). */
struct kmem_cache *kmem_cache_create(struct memory *m, const char *name, unsigned size,
				     unsigned align, u32 flags, void (*ctor)(void *));
/* All objects must be free: else it is a bug, and Vellum ends. */
void kmem_cache_destroy(struct kmem_cache *c);
/* Gives empty slabs back to the buddy; pages freed. slab_shrink(): of all caches, when memory is short. */
u64 kmem_cache_shrink(struct kmem_cache *c);
u64 slab_shrink(struct memory *m);

/* An object or NULL; bytes arbitrary (constructed) unless __GFP_ZERO or zalloc. */
void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp);
/* @obj came from @c, and is not used any more. ASan builds poison it until it is handed out again; debug
 * builds overwrite it, and stop at a double free. */
void kmem_cache_free(struct kmem_cache *c, void *obj);

/* Size classes 8 .. 8192 bytes (8 16 32 64 96 128 192 256 512 1k 2k 4k 8k); larger requests
 * take whole blocks from the buddy, at most 4 MiB. NULL when there is none. */
void *kmalloc(struct memory *m, u64 size, gfp_t gfp);
void *kzalloc(struct memory *m, u64 size, gfp_t gfp);
/* @n times @size bytes, zeroed; NULL also when that overflows. */
void *kcalloc(struct memory *m, u64 n, u64 size, gfp_t gfp);
/* @p's bytes in room for @size: @p itself, or another block, and @p is freed (NULL: a new one). Never smaller.
 * NULL: no memory, and @p is as it was. */
void *krealloc(struct memory *m, void *p, u64 size, gfp_t gfp);
void kfree(struct memory *m, void *p);	    /* NULL is fine */
u64 ksize(struct memory *m, const void *p); /* usable bytes */

/* Boot: the cache of caches and the kmalloc classes. 0, -ENOMEM. */
int slab_init(struct memory *m);

/* --- what is told of it (slab_validate.c) ------------------------------------------------------- */

/* What /proc/slabinfo prints of a cache. See: slabinfo(5). */
struct slabinfo {
	const char *name;
	u64 active_objs, num_objs, active_slabs, num_slabs;
	u32 objsize, objperslab, pagesperslab;
};
/* The i-th cache, newest first as in the kernel; false behind the last. */
bool slab_info(const struct memory *m, unsigned i, struct slabinfo *out);

/* The objects that are out now stay for as long as the machine: boot has made them. */
void slab_end_boot(struct memory *m);
/* So does @p (not one of kmalloc's whole blocks), which was made at the first need. */
void kmemleak_not_leak(struct memory *m, const void *p);
/* Objects beyond those, and a line on the log for each cache that has some. */
u64 slab_leaks(const struct memory *m);
/* Lists, counts and free chains of every cache. 0 or -EFAULT, each violation on the log. */
int slab_validate(struct memory *m);

#endif

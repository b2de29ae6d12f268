/* Reverse mapping: from a page to the ptes that map it.
 *
 *   page->mapping -> anon_vma -> anon_vma_chain ... -> VMAs     (anonymous)
 *   page->mapping -> address_space.i_mmap -> VMAs               (page cache)
 *
 * page->index says where in each of those VMAs the page lies. Not for: merged pages (ksm.h), which lie
 * anywhere; the ptes themselves and rss, which the caller of page_add_*_rmap() sets.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "mm/mm.h"

/* A set of areas that may hold the same anonymous pages: rmap.c has the drawing. */
struct anon_vma {
	struct anon_vma *root, *parent; /* of itself if it was not made by a fork; set once */
	u32 refcount;		/* its chains, as one; for a root, its descendants; KSM's items */
	u32 num_children;	/* anon_vmas whose parent it is, a root's own included */
	u32 num_active_vmas;	/* areas whose vm_area_struct.anon_vma it is */
	struct list_head chain; /* of anon_vma_chain.same_anon_vma */
	struct memory *mem;	/* set once */
};

/* One area in one anon_vma; made and freed with the area's place there. */
struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;
	struct list_head same_anon_vma;
};

/* --- areas ------------------------------------------------------------------------------------ */

/* Gives @vma, which is in its tree, an anon_vma unless it has one: a mergeable neighbour's, or a new one.
 * 0 or -ENOMEM. May reclaim. */
int anon_vma_prepare(struct vm_area_struct *vma);
/* Attaches all of @src's chains to @dst (split, mremap). 0 or -ENOMEM, then nothing changed. */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
/* For a child's copy of @src: clone plus an anon_vma of its own. 0 or -ENOMEM, then @dst has none. */
int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src);
/* @vma leaves all its anon_vmas; those that are empty then are freed. No page of its own is left in it. */
void unlink_anon_vmas(struct vm_area_struct *vma);
/* Drops a reference to an anon_vma (the chains hold one). */
void put_anon_vma(struct anon_vma *av);

/* --- pages: map counts, and the counters of mapped pages --------------------------------------- */

/* The first mapping of a fresh page, which also goes to the LRU lists. */
void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma, gva_t addr);
/* One more mapping of a page of a cache. */
void page_add_file_rmap(struct page *page, struct vm_area_struct *vma);
/* One more mapping of an anonymous page that its anon_vma knows (fork). */
static inline void page_dup_anon_rmap(struct page *page)
{
	VM_BUG_ON(page->mapcount <= 0);
	page->mapcount++;
}
/* The last owner takes a page over: its rmap is @vma's own anon_vma from now on, and it is exclusive. */
void page_move_anon_rmap(struct page *page, struct vm_area_struct *vma);
/* A mapping by @vma is gone; the pte's reference is the caller's to drop. */
void page_remove_rmap(struct page *page, struct vm_area_struct *vma);

/* Told of one mapping of @page: @pte, of @addr, in @vma. It may change the pte and unmap the page, but
 * not the area. Non-zero ends the walk. */
typedef int (*rmap_fn)(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
		       void *arg);
/* Calls @fn for each pte that maps @page; 0, or what @fn said when it was not 0. The caller holds a
 * reference. See: Linux, mm/rmap.c, rmap_walk(). */
int rmap_walk(struct memory *m, struct page *page, rmap_fn fn, void *arg);

#endif

/* Reverse mapping: from a page to the ptes that map it.
 *
 *   page->mapping -> anon_vma -> anon_vma_chain ... -> VMAs     (anonymous)
 *   page->mapping -> address_space.i_mmap -> VMAs               (page cache)
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "mm/mm.h"

struct anon_vma {
	struct anon_vma *root, *parent;
	u32 refcount;
	u32 num_children, num_active_vmas;
	struct list_head chain; /* of anon_vma_chain.same_anon_vma */
	struct memory *mem;
};

struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;
	struct list_head same_anon_vma;
};

/* Gives @vma an anon_vma: a mergeable neighbour's, or a new one. 0 or -ENOMEM. */
int anon_vma_prepare(struct vm_area_struct *vma);
/* Attaches all of @src's chains to @dst (split, mremap). 0 or -ENOMEM, then nothing changed. */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
/* For a child's copy of @src: clone plus an anon_vma of its own. */
int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src);
void unlink_anon_vmas(struct vm_area_struct *vma);
/* May two areas with these anon_vmas become one? (Linux: is_mergeable_anon_vma) */
bool is_mergeable_anon_vma(struct anon_vma *a, struct anon_vma *b, struct vm_area_struct *vma);

/* The first mapping of a fresh page, which also goes to the LRU lists. */
void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma, gva_t addr);
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma, gva_t addr);
void page_add_file_rmap(struct page *page, struct vm_area_struct *vma);
/* Drops a reference to an anon_vma (the chains hold one). */
void put_anon_vma(struct anon_vma *av);
void page_remove_rmap(struct page *page, struct vm_area_struct *vma);
/* Calls @fn for each pte that maps @page; stops when it returns non-zero. */
int rmap_walk(struct memory *m, struct page *page,
	      int (*fn)(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
			void *arg),
	      void *arg);

#endif

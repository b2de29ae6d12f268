/* Reverse mapping: anon_vmas and their chains, map counts, and the walk from a page to its ptes.
 *
 * An anon_vma stands for a set of areas that may hold the same anonymous pages. An area is in
 * the anon_vma it was born with, and after forks in those of its ancestors, too:
 *
 *   parent vma --avc--> A            pages of the parent from before the fork: A
 *   child vma  --avc--> A            (may be in both)
 *              --avc--> B (root A)   pages the child makes itself: B (only in the child)
 *
 * Rules (reuse of a mergeable neighbour's, of an ancestor's without areas) are those of Linux,
 * because they decide which areas merge later, and that shows in /proc/PID/maps.
 */
#include "base/err.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/mempolicy.h"
#include "mm/rmap.h"

int rmap_init(struct memory *m)
{
	int err = mm_cache_create(m, &m->in->anon_vma, "anon_vma", sizeof(struct anon_vma), 0);

	return err ? err
		   : mm_cache_create(m, &m->in->anon_vma_chain, "anon_vma_chain",
				     sizeof(struct anon_vma_chain), 0);
}

/* --- anon_vma ---------------------------------------------------------------------------- */

static struct anon_vma *anon_vma_alloc(struct memory *m)
{
	struct anon_vma *av = kmem_cache_zalloc(m->in->anon_vma, GFP_KERNEL);

	if (!av)
		return NULL;
	av->root = av->parent = av;
	av->refcount = 1;
	av->mem = m;
	INIT_LIST_HEAD(&av->chain);
	return av;
}

void put_anon_vma(struct anon_vma *av)
{
	struct anon_vma *root = av->root;
	struct kmem_cache *cache = av->mem->in->anon_vma;

	if (--av->refcount)
		return;
	VM_BUG_ON(!list_empty(&av->chain));
	kmem_cache_free(cache, av);
	if (root != av && !--root->refcount)
		kmem_cache_free(cache, root);
}

static struct anon_vma_chain *avc_alloc(struct memory *m)
{
	return kmem_cache_alloc(m->in->anon_vma_chain, GFP_KERNEL);
}

static void avc_link(struct anon_vma_chain *avc, struct vm_area_struct *vma, struct anon_vma *av)
{
	avc->vma = vma;
	avc->anon_vma = av;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	list_add_tail(&avc->same_anon_vma, &av->chain);
}

static bool chain_is_singular(const struct vm_area_struct *vma)
{
	const struct list_head *h = &vma->anon_vma_chain;

	return h->next != h && h->next == h->prev;
}

/* Could @a and @b, neighbours in this order, become one if their rights were equal? */
static bool anon_vma_compatible(const struct vm_area_struct *a, const struct vm_area_struct *b)
{
	return a->vm_end == b->vm_start && a->vm_file == b->vm_file &&
	       !((a->vm_flags ^ b->vm_flags) & ~(VM_ACCESS_FLAGS | VM_STICKY)) &&
	       b->vm_pgoff == a->vm_pgoff + vma_pages(a) && mpol_equal(a->vm_policy, b->vm_policy);
}

static struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma), *prev = vma_prev(vma);

	if (next && anon_vma_compatible(vma, next) && next->anon_vma && chain_is_singular(next))
		return next->anon_vma;
	if (prev && anon_vma_compatible(prev, vma) && prev->anon_vma && chain_is_singular(prev))
		return prev->anon_vma;
	return NULL;
}

int anon_vma_prepare(struct vm_area_struct *vma)
{
	struct memory *m = vma->vm_mm->mem;
	struct anon_vma_chain *avc;
	struct anon_vma *av;

	if (likely(vma->anon_vma))
		return 0;
	avc = avc_alloc(m);
	if (!avc)
		return -ENOMEM;
	av = find_mergeable_anon_vma(vma);
	if (!av) {
		av = anon_vma_alloc(m);
		if (!av) {
			kmem_cache_free(m->in->anon_vma_chain, avc);
			return -ENOMEM;
		}
		av->num_children++; /* a root is its own parent */
	}
	vma->anon_vma = av;
	avc_link(avc, vma, av);
	av->num_active_vmas++;
	return 0;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct kmem_cache *cache = vma->vm_mm->mem->in->anon_vma_chain;
	struct anon_vma_chain *avc, *n;

	if (vma->anon_vma) {
		vma->anon_vma->num_active_vmas--;
		vma->anon_vma = NULL;
	}
	list_for_each_entry_safe (avc, n, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *av = avc->anon_vma;

		list_del(&avc->same_anon_vma);
		list_del(&avc->same_vma);
		kmem_cache_free(cache, avc);
		if (list_empty(&av->chain)) {
			av->parent->num_children--;
			put_anon_vma(av);
		}
	}
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma_chain *pavc, *avc;

	/* Backwards, as each is put in front: the order stays. */
	for (struct list_head *l = src->anon_vma_chain.prev; l != &src->anon_vma_chain;
	     l = l->prev) {
		struct anon_vma *av;

		pavc = list_entry(l, struct anon_vma_chain, same_vma);
		avc = avc_alloc(dst->vm_mm->mem);
		if (!avc)
			goto undo;
		av = pavc->anon_vma;
		avc_link(avc, dst, av);
		/* fork: an ancestor's that has no area left, and no second child, is as good as a
		 * new one; so a chain of forks does not make an ever longer chain. */
		if (!dst->anon_vma && src->anon_vma && av->num_children < 2 && !av->num_active_vmas)
			dst->anon_vma = av;
	}
	if (dst->anon_vma)
		dst->anon_vma->num_active_vmas++;
	return 0;
undo:
	dst->anon_vma = NULL; /* not counted in num_active_vmas yet */
	unlink_anon_vmas(dst);
	return -ENOMEM;
}

int anon_vma_fork(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct memory *m = dst->vm_mm->mem;
	struct anon_vma_chain *avc;
	struct anon_vma *av;
	int err;

	if (!src->anon_vma)
		return 0;
	dst->anon_vma = NULL;
	err = anon_vma_clone(dst, src);
	if (err || dst->anon_vma)
		return err;
	av = anon_vma_alloc(m);
	avc = av ? avc_alloc(m) : NULL;
	if (!avc) {
		if (av)
			put_anon_vma(av);
		unlink_anon_vmas(dst);
		return -ENOMEM;
	}
	av->root = src->anon_vma->root;
	av->parent = src->anon_vma;
	av->num_active_vmas++;
	av->root->refcount++; /* each child holds the root */
	av->parent->num_children++;
	dst->anon_vma = av;
	avc_link(avc, dst, av);
	return 0;
}

/* --- map counts -------------------------------------------------------------------------- */

static void set_anon_rmap(struct page *page, struct vm_area_struct *vma, gva_t addr)
{
	VM_BUG_ON(!vma->anon_vma);
	page->mapping = (struct address_space *)((u64)vma->anon_vma | PAGE_MAPPING_ANON);
	page->index = linear_page_index(vma, addr);
}

void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma, gva_t addr)
{
	set_anon_rmap(page, vma, addr);
	page->flags |= BIT(PG_uptodate) | BIT(PG_anon_exclusive);
	if (!(vma->vm_flags & VM_DROPPABLE))
		page->flags |= BIT(PG_swapbacked);
	page->owner = OWN_ANON;
	page->mapcount = 1;
	mod_node_stat(vma->vm_mm->mem, ST_anon_pages, 1);
	folio_add_lru_vma(vma->vm_mm->mem, page, vma);
}

void page_move_anon_rmap(struct page *page, struct vm_area_struct *vma)
{
	VM_BUG_ON(!vma->anon_vma);
	page->mapping = (struct address_space *)((u64)vma->anon_vma | PAGE_MAPPING_ANON);
	page_set(page, PG_anon_exclusive);
}

void page_add_file_rmap(struct page *page, struct vm_area_struct *vma)
{
	if (!page->mapcount++)
		mod_node_stat(vma->vm_mm->mem, ST_mapped, 1);
	mlock_vma_folio(vma->vm_mm->mem, page, vma);
}

void page_remove_rmap(struct page *page, struct vm_area_struct *vma)
{
	struct memory *m = vma->vm_mm->mem;

	VM_BUG_ON(page->mapcount <= 0);
	if (!--page->mapcount)
		mod_node_stat(m, PageAnon(page) ? ST_anon_pages : ST_mapped, -1);
	munlock_vma_folio(m, page, vma);
}

/* --- the walk ---------------------------------------------------------------------------- */

/* Calls @fn if @vma maps @page where its index says. */
static int rmap_one(struct memory *m, struct page *page, struct vm_area_struct *vma, rmap_fn fn,
		    void *arg)
{
	gva_t addr;
	pte_t *pte;

	if (page->index < vma->vm_pgoff || page->index - vma->vm_pgoff >= vma_pages(vma))
		return 0;
	addr = vma->vm_start + ((page->index - vma->vm_pgoff) << PAGE_SHIFT);
	pte = pte_offset(vma->vm_mm, addr);
	if (!pte || !pte_present(*pte) || pte_special(*pte) ||
	    pte_pfn(*pte) != page_to_pfn(m, page))
		return 0;
	return fn(page, vma, addr, pte, arg);
}

int rmap_walk(struct memory *m, struct page *page, rmap_fn fn, void *arg)
{
	int err = 0;

	if (!page->mapping)
		return 0;
	if (PageKsm(page))
		return rmap_walk_ksm(page, fn, arg);
	if (PageAnon(page)) {
		struct anon_vma *av = (struct anon_vma *)((u64)page->mapping & ~PAGE_MAPPING_ANON);
		struct anon_vma_chain *avc, *n;

		list_for_each_entry_safe (avc, n, &av->chain, same_anon_vma) {
			err = rmap_one(m, page, avc->vma, fn, arg);
			if (err)
				break;
		}
	} else {
		struct vm_area_struct *vma, *n;

		list_for_each_entry_safe (vma, n, &page->mapping->i_mmap, shared) {
			err = rmap_one(m, page, vma, fn, arg);
			if (err)
				break;
		}
	}
	return err;
}

/* KSM: what a merge, and its end, do to ptes; and the way from a merged page to its ptes. See ksm.h.
 *
 *   own page --write_protect_page()--> read-only --equal bytes--> merged      (try_to_merge_with_ksm_page)
 *   merged, or the zero page --break_ksm()--> a copy of its own
 *
 * Not for: which pages are equal (ksm_tree.c); stores to a merged page (fault.c, do_wp_page()).
 */
#include "base/err.h"
#include "mm/ksm_internal.h"
#include "mm/tlb.h"

/* The pte of an anonymous page at @addr; NULL: there is none. */
static pte_t *anon_pte(const struct vm_area_struct *vma, gva_t addr, struct page **page)
{
	pte_t *pte = pte_offset(vma->vm_mm, addr);

	if (!pte || !pte_present(*pte))
		return NULL;
	*page = vm_normal_page(vma->vm_mm->mem, *pte);
	return *page && PageAnon(*page) ? pte : NULL;
}

static struct vm_area_struct *find_mergeable_vma(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma && (vma->vm_flags & VM_MERGEABLE) && vma->anon_vma ? vma : NULL;
}

struct page *get_mergeable_page(const struct ksm_rmap_item *item)
{
	const struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *page;

	return vma && anon_pte(vma, item->address, &page) ? page : NULL;
}

/* --- merging ----------------------------------------------------------------------------- */

/* From now on nobody changes the page without a fault. Not if somebody holds it in another way. */
static int write_protect_page(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page)
{
	if (page->refcount != page->mapcount)
		return -EAGAIN;
	page_clear(page, PG_anon_exclusive);
	if (pte_dirty(*pte))
		page_set(page, PG_dirty);
	if (pte->pte & (_PAGE_RW | _PAGE_DIRTY)) {
		pte->pte &= ~(_PAGE_RW | _PAGE_DIRTY);
		flush_tlb_page(vma->vm_mm, addr);
	}
	return 0;
}

/* @kpage, which has the same bytes, takes the place of @page. */
static void replace_page(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page,
			 struct page *kpage)
{
	struct memory *m = vma->vm_mm->mem;

	get_page(kpage);
	if (!kpage->mapcount++)
		mod_node_stat(m, ST_anon_pages, 1);
	mlock_vma_folio(m, kpage, vma);
	*pte = pfn_pte(page_to_pfn(m, kpage), vma_page_prot(vma));
	flush_tlb_page(vma->vm_mm, addr);
	page_remove_rmap(page, vma);
	put_page(m, page);
}

int try_to_merge_with_ksm_page(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page,
			       struct page *kpage)
{
	struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *there;
	pte_t *pte = vma ? anon_pte(vma, item->address, &there) : NULL;

	if (!pte || there != page)
		return -EFAULT;
	if (page != kpage) {
		int err = write_protect_page(vma, item->address, pte, page);

		if (err)
			return err;
		if (!kpage) {
			set_page_stable_node(page, NULL);
			page_set(page, PG_dirty); /* reclaim must not drop it */
		} else if (memcmp_pages(k->m, page, kpage)) {
			return -EFAULT;
		} else {
			replace_page(vma, item->address, pte, page, kpage);
		}
	}
	remove_rmap_item_from_tree(k, item);
	item->anon_vma = vma->anon_vma;
	item->anon_vma->refcount++;
	return 0;
}

bool try_to_merge_with_zero_page(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page)
{
	struct memory *m = k->m;
	struct vm_area_struct *vma;
	struct page *there;
	pte_t *pte;

	if (!k->use_zero_pages || item->checksum != k->zero_checksum)
		return false;
	vma = find_mergeable_vma(item->mm, item->address);
	pte = vma ? anon_pte(vma, item->address, &there) : NULL;
	if (!pte || there != page)
		return true; /* out of date */
	if (write_protect_page(vma, item->address, pte, page) ||
	    memcmp_pages(m, page, m->zero_page))
		return false;
	*pte = pfn_pte(page_to_pfn(m, m->zero_page),
		       vma_page_prot(vma) | _PAGE_SPECIAL | _PAGE_DIRTY);
	flush_tlb_page(vma->vm_mm, item->address);
	item->mm->ksm_zero_pages++;
	m->ksm_zero_pages++;
	update_hiwater_rss(item->mm);
	add_mm_counter(item->mm, MM_ANONPAGES, -1);
	page_remove_rmap(page, vma);
	put_page(m, page);
	return true;
}

/* --- the end of a merge ------------------------------------------------------------------ */

/* A page of its own for one pte that maps a merged one (@page NULL: the zero page, by KSM). */
static int break_ksm(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page)
{
	struct memory *m = vma->vm_mm->mem;
	struct page *copy = alloc_pages(m, GFP_HIGHUSER_MOVABLE | (page ? 0 : __GFP_ZERO), 0);

	if (!copy)
		return -ENOMEM;
	if (page)
		memcpy(page_address(m, copy), page_address(m, page), PAGE_SIZE);
	else
		ksm_might_unmap_zero_page(vma->vm_mm, *pte);
	page_add_new_anon_rmap(copy, vma, addr);
	*pte = pfn_pte(page_to_pfn(m, copy), vma_page_prot(vma));
	flush_tlb_page(vma->vm_mm, addr);
	if (page) {
		page_remove_rmap(page, vma);
		put_page(m, page);
	} else {
		add_mm_counter(vma->vm_mm, MM_ANONPAGES, 1);
	}
	return 0;
}

int unmerge_ksm_pages(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	int err = 0;
	pte_t *pte;

	while (!err && vma->anon_vma && (pte = pte_next_table(vma->vm_mm, &start, end))) {
		gva_t stop = min((start & PMD_MASK) + PMD_SIZE, end);

		for (; start < stop && !err; start += PAGE_SIZE, pte++) {
			struct page *page;

			if (!pte_present(*pte))
				continue;
			page = vm_normal_page(vma->vm_mm->mem, *pte);
			if (page ? PageKsm(page) : is_ksm_zero_pte(vma->vm_mm->mem, *pte))
				err = break_ksm(vma, start, pte, page);
		}
	}
	return err;
}

void ksm_break_cow(struct ksm_rmap_item *item)
{
	struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *page;
	pte_t *pte;

	put_anon_vma(item->anon_vma);
	item->anon_vma = NULL;
	pte = vma ? anon_pte(vma, item->address, &page) : NULL;
	if (pte && PageKsm(page))
		break_ksm(vma, item->address, pte, page);
}

/* --- rmap -------------------------------------------------------------------------------- */

/* The areas of @item's anon_vma that hold the page at its address; @forks: those of other mms. */
static int rmap_walk_item(struct page *page, struct ksm_rmap_item *item, bool forks, rmap_fn fn,
			  void *arg)
{
	struct anon_vma_chain *avc, *next;
	int err = 0;

	list_for_each_entry_safe (avc, next, &item->anon_vma->chain, same_anon_vma) {
		struct vm_area_struct *vma = avc->vma;
		struct page *there;
		pte_t *pte;

		if (item->address < vma->vm_start || item->address >= vma->vm_end ||
		    (item->mm != vma->vm_mm) != forks)
			continue;
		pte = anon_pte(vma, item->address, &there);
		if (!pte || there != page)
			continue;
		err = fn(page, vma, item->address, pte, arg);
		if (err)
			break;
	}
	return err;
}

int rmap_walk_ksm(struct page *page, rmap_fn fn, void *arg)
{
	struct ksm_stable_node *node = page_stable_node(page);
	struct ksm_rmap_item *item, *next;
	int err = 0;

	for (int forks = 0; node && forks < 2 && !err; forks++) {
		list_for_each_entry_safe (item, next, &node->items, hlist) {
			err = rmap_walk_item(page, item, forks, fn, arg);
			if (err)
				break;
		}
	}
	return err;
}

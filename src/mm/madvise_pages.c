/* madvise(2): the advices that act on pages, each on one area's part of the range. The walk over the
 * areas, and the advices that only set flags, are madvise.c's. */
#include "mm/madvise.h"

#include <fcntl.h>

#include "mm/readahead.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"
#include "mm/vmscan.h"

#define MADV_POPULATE_WRITE 23

/* userfaultfd hears of pages that go before they do; that sleeps, and what lies there may be another
 * area then. 0; -ENOMEM, -EINVAL: it is not one for this advice. */
static int tell_uffd(struct madvise_range *r)
{
	if (likely(userfaultfd_remove(r->vma, r->start, r->end)))
		return 0;
	r->vma = vma_lookup(r->mm, r->start);
	if (!r->vma)
		return -ENOMEM;
	if (r->vma->vm_flags & r->desc->refused)
		return -EINVAL;
	r->end = min(r->end, r->vma->vm_end);
	return 0;
}

int madv_dontneed(struct madvise_range *r)
{
	gva_t end = r->end;
	int err;

	if (r->vma->vm_flags & VM_HUGETLB) { /* whole pages; what is left at the end stays */
		const struct hstate *h = vma_hstate(r->vma);

		if (!huge_aligned(h, r->start))
			return -EINVAL;
		end &= ~(huge_page_size(h) - 1);
		if (end == r->start)
			return 0;
	}
	err = tell_uffd(r);
	if (err)
		return err;
	zap_vma_pages(r->mm, r->start, end);
	return 0;
}

/* posix_fadvise(POSIX_FADV_WILLNEED) on the file. Anonymous and shmem pages are in memory already. */
int madv_willneed(struct madvise_range *r)
{
	const struct memory_hooks *h = &r->mm->mem->hooks;
	struct vm_area_struct *vma = r->vma;
	struct file_ra_state own, *ra = &own;

	if (!vma->vm_mapping || mapping_in_memory(vma->vm_mapping))
		return 0;
	if (vma->vm_file && h->file_ra)
		ra = h->file_ra(vma->vm_file);
	else
		file_ra_state_init(ra, vma->vm_mapping);
	generic_fadvise(vma->vm_mapping, ra, linear_page_index(vma, r->start) << PAGE_SHIFT,
			r->end - r->start, POSIX_FADV_WILLNEED);
	return 0;
}

/* Takes the pages out of the file or object itself, and so out of every mapping. */
int madv_remove(struct madvise_range *r)
{
	const struct memory_hooks *h = &r->mm->mem->hooks;
	struct vm_area_struct *vma = r->vma;
	u64 off = linear_page_index(vma, r->start) << PAGE_SHIFT, len = r->end - r->start;

	if (!vma->vm_file && !vma->vm_mapping)
		return -EINVAL;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	if (vma->vm_file)
		return h->file_punch_hole ? h->file_punch_hole(vma->vm_file, off, len)
					  : -EOPNOTSUPP;
	if (!vma->vm_mapping->hstate)
		shmem_punch_hole(vma->vm_mapping, off, len);
	return 0;
}

/* --- FREE -------------------------------------------------------------------------------- */

/* A page that only this pte maps; others' use of a shared one is not ours to judge. */
static struct page *own_page(struct mm_struct *mm, pte_t pte)
{
	struct page *page = pte_present(pte) ? vm_normal_page(mm->mem, pte) : NULL;

	return page && page->mapcount == 1 ? page : NULL;
}

static int free_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct mm_struct *mm = arg;
	struct page *page = pte_present(*pte) ? vm_normal_page(mm->mem, *pte) : NULL;

	if (!page || !PageAnon(page) || PageKsm(page))
		return 0;
	if (page_test(page, PG_dirty)) {
		if (page->mapcount != 1)
			return 0; /* others may need what it holds */
		page_clear(page, PG_dirty);
	}
	pte->pte &= ~(_PAGE_DIRTY | _PAGE_ACCESSED);
	folio_mark_lazyfree(mm->mem, page);
	return 0;
}

/* Contents stay until reclaim takes the page; a store before makes it dirty, and kept. */
int madv_free(struct madvise_range *r)
{
	int err = tell_uffd(r);

	if (err)
		return err;
	if (!vma_is_anonymous(r->vma))
		return -EINVAL;
	lru_add_drain(r->mm->mem);
	walk_page_range(r->mm, r->start, r->end, free_pte, r->mm);
	flush_tlb_range(r->mm, r->start, r->end); /* stores must set the dirty bit again */
	return 0;
}

/* --- COLD, PAGEOUT ----------------------------------------------------------------------- */

static int cold_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct page *page = own_page(arg, *pte);

	if (page) {
		pte->pte &= ~_PAGE_ACCESSED;
		page_clear(page, PG_referenced);
		folio_deactivate(((struct mm_struct *)arg)->mem, page);
	}
	return 0;
}

int madv_cold(struct madvise_range *r)
{
	lru_add_drain(r->mm->mem);
	walk_page_range(r->mm, r->start, r->end, cold_pte, r->mm);
	flush_tlb_range(r->mm, r->start, r->end);
	return 0;
}

/* There is no swap, so anonymous pages stay but for those that MADV_FREE gave up, and droppable ones;
 * dirty pages of files and objects only lose their mapping. */
static void pageout_page(struct mm_struct *mm, pte_t pte)
{
	struct page *page = own_page(mm, pte);

	if (!page)
		return;
	page_clear(page, PG_referenced);
	if (!folio_isolate_lru(mm->mem, page))
		return;
	if (page_test(page, PG_unevictable))
		folio_putback_lru(mm->mem, page);
	else
		reclaim_folio(mm->mem, page);
}

int madv_pageout(struct madvise_range *r)
{
	gva_t addr = r->start;
	pte_t *pte;

	lru_add_drain(r->mm->mem);
	while ((pte = pte_next_table(r->mm, &addr, r->end))) {
		gva_t stop = min((addr & PMD_MASK) + PMD_SIZE, r->end);

		for (; addr < stop; addr += PAGE_SIZE, pte++)
			pageout_page(r->mm, *pte);
	}
	return 0;
}

/* May a 2 MiB page of its own lie in @vma, if it is asked for? What the mode is does not matter, shmem and
 * files have none. See: Linux, thp_vma_allowable_order(), TVA_FORCED_COLLAPSE. */
static bool may_collapse(const struct vm_area_struct *vma)
{
	gva_t first = (vma->vm_start + PMD_SIZE - 1) & PMD_MASK;

	return vma_is_anonymous(vma) && !vma->vm_file && !vma->vm_mm->thp_disable &&
	       !(vma->vm_flags & (VM_NOHUGEPAGE | VM_SPECIAL)) && first + PMD_SIZE <= vma->vm_end;
}

/* There are no huge pages yet: where Linux would make one, there is no memory for it. */
int madv_collapse(struct madvise_range *r)
{
	gva_t addr = (r->start + PMD_SIZE - 1) & PMD_MASK, end = r->end & PMD_MASK;

	if (!may_collapse(r->vma))
		return -EINVAL;
	if (addr == end)
		return 0;
	for (; addr < end; addr += PMD_SIZE) {
		const u64 *pmd = pmd_offset(r->mm, addr);

		if (pmd && (*pmd & _PAGE_PRESENT))
			return -ENOMEM;
	}
	return -EINVAL; /* nothing to collapse */
}

/* --- POPULATE ---------------------------------------------------------------------------- */

/* Faults in every page as a load or a store would, without one. */
int madv_populate(struct madvise_range *r)
{
	bool write = r->desc->advice == MADV_POPULATE_WRITE;
	gva_t at;
	int err;

	if (!(r->vma->vm_flags & (write ? VM_WRITE : VM_READ)) || vma_is_secretmem(r->vma))
		return -EINVAL;
	at = r->start;
	err = faultin_page_range(r->vma, &at, r->end, write);
	if (err != -EAGAIN)
		return err;
	r->end = at; /* from there on with whatever is there now */
	return 0;
}

/* --- GUARD_INSTALL, GUARD_REMOVE --------------------------------------------------------- */

/* Any later access is SIGSEGV. The area is not split: markers stand in the page table, where they
 * survive everything but unmapping. */
int madv_guard_install(struct madvise_range *r)
{
	pte_t guard = swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_GUARD);

	r->vma->vm_flags |= VM_MAYBE_GUARD; /* so fork copies the page tables */
	if (vma_is_anonymous(r->vma) && anon_vma_prepare(r->vma))
		return -ENOMEM;
	zap_vma_pages(r->mm, r->start, r->end);
	for (gva_t addr = r->start; addr < r->end;) {
		gva_t stop = min((addr & PMD_MASK) + PMD_SIZE, r->end);
		pte_t *pte = pte_alloc(r->mm, addr);

		if (!pte)
			return -ENOMEM;
		for (; addr < stop; addr += PAGE_SIZE)
			*pte++ = guard;
	}
	return 0;
}

static int clear_guard(pte_t *pte, gva_t addr __unused, void *arg __unused)
{
	if (is_guard_pte(*pte))
		pte->pte = 0;
	return 0;
}

/* The area keeps its flag: it may have held guards. */
int madv_guard_remove(struct madvise_range *r)
{
	walk_page_range(r->mm, r->start, r->end, clear_guard, NULL);
	return 0;
}

/* Taking pages out of page tables: munmap, MADV_DONTNEED, exit, truncate.
 *
 * For each pte: clear it, settle the page's dirty and accessed bits, rss and map count, drop the
 * reference. Frames whose last one it was are gathered, and freed in one go behind a flush of
 * just the stretch they were mapped in (Linux: mmu_gather).
 */
#include "base/log.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"

#define GATHER_PAGES 64 /* kept on the stack */

struct mmu_gather {
	struct mm_struct *mm;
	bool even_cows;	   /* false: leave private copies alone (unmap_mapping_range) */
	bool drop_markers; /* the areas go, and their guards with them */
	bool keep_wp;	   /* an object's: userfaultfd's protection outlives the page */
	gva_t start, end;  /* what was cleared since the last flush; end 0: nothing */
	const struct vm_area_struct *vma; /* gather_vma()'s last; NULL: none was asked for */
	unsigned nr;
	s64 rss[NR_MM_COUNTERS];	  /* pages taken away */
	s64 unmapped_anon, unmapped_file; /* pages whose map count fell to 0 */
	struct page *pages[GATHER_PAGES];
};

static void tlb_gather_flush(struct mmu_gather *tlb)
{
	if (tlb->end)
		flush_tlb_range(tlb->mm, tlb->start, tlb->end);
	tlb->end = 0;
	if (tlb->nr)
		lru_add_drain(tlb->mm->mem);
	free_unref_page_list(tlb->mm->mem, tlb->pages, tlb->nr);
	tlb->nr = 0;
}

static void tlb_gather_finish(struct mmu_gather *tlb)
{
	struct memory *m = tlb->mm->mem;

	tlb_gather_flush(tlb);
	update_hiwater_rss(tlb->mm);
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		if (tlb->rss[i])
			add_mm_counter(tlb->mm, i, -tlb->rss[i]);
	mod_node_stat(m, ST_anon_pages, -tlb->unmapped_anon);
	mod_node_stat(m, ST_mapped, -tlb->unmapped_file);
}

/* The area of @addr, which is still there. */
static const struct vm_area_struct *gather_vma(struct mmu_gather *tlb, gva_t addr)
{
	if (!tlb->vma || addr < tlb->vma->vm_start || addr >= tlb->vma->vm_end)
		tlb->vma = vma_lookup(tlb->mm, addr);
	VM_BUG_ON(!tlb->vma);
	return tlb->vma;
}

/* One mapping of @page is gone; what is left to do for it. A page of its own waits for the drain behind
 * the flush: a batch may hold it, too. */
static inline void zap_page(struct mmu_gather *tlb, struct page *page, pte_t pte, gva_t addr)
{
	struct memory *m = tlb->mm->mem;
	bool last = !--page->mapcount, own = page->refcount == 1;

	VM_BUG_ON(page->mapcount < 0);
	if (PageAnon(page)) {
		tlb->rss[MM_ANONPAGES]++;
		tlb->unmapped_anon += last;
		own = last;
	} else {
		tlb->rss[mm_counter_file(page)]++;
		tlb->unmapped_file += last;
		if (pte_dirty(pte) && page->mapping)
			folio_mark_dirty(page);
		if (pte_young(pte) && page->mapping && vma_has_recency(gather_vma(tlb, addr)))
			folio_mark_accessed(m, page);
	}
	if (unlikely(page_test(page, PG_mlocked)))
		munlock_vma_folio(m, page, gather_vma(tlb, addr));
	if (own)
		tlb->pages[tlb->nr++] = page;
	else
		put_page(m, page);
}

/* Guards always do; protection only where the page may come back from an object; poison unless
 * everything private goes. See: Linux, zap_nonpresent_ptes(). */
static bool marker_stays(const struct mmu_gather *tlb, pte_t pte)
{
	if (is_uffd_wp_marker(pte))
		return tlb->keep_wp;
	return is_guard_pte(pte) || !tlb->even_cows;
}

/* The ptes of one table that belong to [addr, end). */
static void zap_pte_range(struct mmu_gather *tlb, pte_t *p, gva_t addr, gva_t end)
{
	const pte_t wp_marker = swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_UFFD_WP);
	struct memory *m = tlb->mm->mem;

	for (; addr < end; addr += PAGE_SIZE, p++) {
		struct page *page;
		pte_t pte = *p;

		if (pte_none(pte))
			continue;
		page = pte_present(pte) ? vm_normal_page(m, pte) : NULL;
		if (!tlb->even_cows && (!page || PageAnon(page)))
			continue;
		if (!tlb->drop_markers && is_swap_pte(pte) && marker_stays(tlb, pte))
			continue;
		p->pte = tlb->keep_wp && pte_uffd_wp(pte) && page && !PageAnon(page) ? wp_marker.pte
										     : 0;
		if (!tlb->end)
			tlb->start = addr;
		tlb->end = addr + PAGE_SIZE;
		if (!page) {
			ksm_might_unmap_zero_page(tlb->mm, pte);
			continue;
		}
		zap_page(tlb, page, pte, addr);
		if (tlb->nr == GATHER_PAGES)
			tlb_gather_flush(tlb);
	}
}

/* Of the one area at @start, which stays. */
static bool keeps_wp(struct mm_struct *mm, gva_t start)
{
	const struct vm_area_struct *vma = vma_lookup(mm, start);

	return vma && !vma_is_anonymous(vma) && userfaultfd_wp(vma);
}

static void zap_range(struct mm_struct *mm, gva_t start, gva_t end, bool even_cows,
		      bool drop_markers)
{
	struct mmu_gather tlb;
	pte_t *pte;

	VM_BUG_ON(!page_aligned(start) || !page_aligned(end));
	tlb.mm = mm;
	tlb.even_cows = even_cows;
	tlb.drop_markers = drop_markers;
	tlb.keep_wp = !drop_markers && keeps_wp(mm, start);
	tlb.end = 0;
	tlb.vma = NULL;
	tlb.nr = 0;
	tlb.unmapped_anon = tlb.unmapped_file = 0;
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		tlb.rss[i] = 0;

	while ((pte = pte_next_table(mm, &start, end))) {
		gva_t next = min((start & PMD_MASK) + PMD_SIZE, end);

		zap_pte_range(&tlb, pte, start, next);
		start = next;
	}
	tlb_gather_finish(&tlb);
}

void zap_page_range(struct mm_struct *mm, gva_t start, gva_t end)
{
	zap_range(mm, start, end, true, true);
}

void zap_vma_pages(struct mm_struct *mm, gva_t start, gva_t end)
{
	zap_range(mm, start, end, true, false);
}

void unmap_mapping_range(struct address_space *mapping, u64 first, u64 nr, bool even_cows)
{
	u64 last = nr ? first + nr - 1 : ~0UL;
	struct vm_area_struct *vma;

	if (last < first)
		last = ~0UL;
	list_for_each_entry (vma, &mapping->i_mmap, shared) {
		u64 vma_last = vma->vm_pgoff + vma_pages(vma) - 1;
		u64 from = max(first, vma->vm_pgoff), to = min(last, vma_last);

		if (from > to)
			continue;
		zap_range(vma->vm_mm, vma->vm_start + ((from - vma->vm_pgoff) << PAGE_SHIFT),
			  vma->vm_start + ((to - vma->vm_pgoff + 1) << PAGE_SHIFT), even_cows,
			  false);
	}
}

/* Reclaim of page cache from the LRU lists; see vmscan.h. Linux: mm/vmscan.c, mm/rmap.c.
 *
 * Where a dirty page is met, it is written here and now: Linux leaves that to the flusher threads, which
 * it wakes and waits for.
 */
#include "mm/vmscan.h"

#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"

#define DEF_PRIORITY 12

struct scan_control {
	struct memory *m;
	u64 nr_to_reclaim, nr_reclaimed;
	int priority; /* so many halvings of a list are scanned in one round */
	bool force_deactivate, skipped_deactivate;
};

/* --- rmap: who has used the page, and taking it from all ------------------------------------- */

struct referenced {
	unsigned ptes;
	vm_flags_t vm_flags; /* of the areas that used it; VM_LOCKED: one that locks it was met */
};

static int referenced_one(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
			  void *arg)
{
	struct referenced *r = arg;

	if (!vma_has_recency(vma))
		return 0;
	if (vma->vm_flags & VM_LOCKED) { /* mlock_count had said too little */
		mlock_vma_folio(vma->vm_mm->mem, page, vma);
		r->vm_flags |= VM_LOCKED;
		return 1;
	}
	if (pte_young(*pte)) {
		pte->pte &= ~_PAGE_ACCESSED;
		flush_tlb_page(vma->vm_mm, addr);
		r->ptes++;
		r->vm_flags |= vma->vm_flags;
	}
	return 0;
}

/* Takes the accessed bits away. */
static struct referenced folio_referenced(struct memory *m, struct page *page)
{
	struct referenced r = {0, 0};

	if (page->mapcount)
		rmap_walk(m, page, referenced_one, &r);
	return r;
}

/* Non-zero: this mapping stays, and so does the page. */
static int try_to_unmap_one(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
			    void *arg __unused)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t was = *pte;

	if (vma->vm_flags & VM_LOCKED) {
		mlock_vma_folio(mm->mem, page, vma);
		return 1;
	}
	if (PageAnon(page)) { /* MADV_FREE gave it up, but somebody has stored there since */
		if (pte_dirty(was))
			page_set(page, PG_dirty);
		if (page_test(page, PG_dirty) && !(vma->vm_flags & VM_DROPPABLE)) {
			page_set(page, PG_swapbacked);
			return 1;
		}
	}
	pte->pte = !PageAnon(page) && pte_uffd_wp(was) && userfaultfd_wp(vma)
			   ? swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_UFFD_WP).pte
			   : 0;
	flush_tlb_page(mm, addr);
	if (!PageAnon(page) && pte_dirty(was))
		folio_mark_dirty(page);
	update_hiwater_rss(mm);
	add_mm_counter(mm, mm_counter(page), -1);
	page_remove_rmap(page, vma);
	put_page(mm->mem, page);
	return 0;
}

/* --- one page -------------------------------------------------------------------------------- */

enum folio_references {
	FOLIOREF_RECLAIM,
	FOLIOREF_RECLAIM_CLEAN,
	FOLIOREF_KEEP,
	FOLIOREF_ACTIVATE,
};

/* Mapped pages start with an accessed bit, so they are looked at twice; code is worth more. */
static enum folio_references folio_check_references(struct memory *m, struct page *page)
{
	struct referenced r = folio_referenced(m, page);
	bool marked = page_test(page, PG_referenced), file = !page_test(page, PG_swapbacked);

	page_clear(page, PG_referenced);
	if (r.vm_flags & VM_LOCKED)
		return FOLIOREF_ACTIVATE;
	if (r.ptes) {
		page_set(page, PG_referenced);
		if (marked || r.ptes > 1 || ((r.vm_flags & VM_EXEC) && file))
			return FOLIOREF_ACTIVATE;
		return FOLIOREF_KEEP;
	}
	return marked && file ? FOLIOREF_RECLAIM_CLEAN : FOLIOREF_RECLAIM;
}

enum fate { FREED, KEEP, ACTIVATE };

/* @page, isolated, is in no use: out of its page tables and its file. */
static enum fate pageout(struct memory *m, struct page *page, bool may_write)
{
	bool anon = PageAnon(page);

	/* It could only go to swap; shmem pages can, too, unless nothing was ever stored there. */
	if (anon && page_test(page, PG_swapbacked))
		return ACTIVATE;
	/* The ptes', the cache's and the caller's; another one, and somebody works on it. */
	if (page->refcount != page->mapcount + !anon + 1)
		return KEEP;
	if (page->mapcount)
		rmap_walk(m, page, try_to_unmap_one, NULL);
	if (page->mapcount)
		return ACTIVATE;
	if (anon) {
		count_vm_event(m, EV_pglazyfreed);
		return FREED;
	}
	if (page_test(page, PG_dirty) && (!may_write || filemap_write_page(page)))
		return ACTIVATE;
	filemap_remove_folio(page);
	return FREED;
}

/* Linux: one turn of shrink_folio_list(). */
static enum fate shrink_folio(struct memory *m, struct page *page)
{
	enum folio_references ref;

	if (page_test(page, PG_locked) || page_test(page, PG_writeback))
		return KEEP;
	if (!folio_evictable(page) || (!PageAnon(page) && !page->mapping))
		return KEEP; /* locked; or out of its file, and about to go */
	ref = folio_check_references(m, page);
	if (ref == FOLIOREF_ACTIVATE)
		return ACTIVATE;
	if (ref == FOLIOREF_KEEP || (ref == FOLIOREF_RECLAIM_CLEAN && page_test(page, PG_dirty)))
		return KEEP;
	return pageout(m, page, true);
}

/* The end of a page's way: back to a list, or to the free ones. */
static void settle(struct memory *m, struct page *page, enum fate fate)
{
	if (fate == ACTIVATE && !page_test(page, PG_mlocked)) {
		page_set(page, PG_active);
		count_vm_event(m, EV_pgactivate);
	}
	folio_putback_lru(m, page);
}

void reclaim_folio(struct memory *m, struct page *page)
{
	enum fate fate = KEEP;

	if (folio_evictable(page) && (PageAnon(page) || page->mapping))
		fate = pageout(m, page, false);
	settle(m, page, fate);
}

/* --- lists ----------------------------------------------------------------------------------- */

/* The last page of a list, isolated. */
static struct page *isolate_last(struct memory *m, enum lru_list lru)
{
	struct list_head *list = &m->node->lruvec[lru];
	struct page *page;

	if (list_empty(list))
		return NULL;
	page = list_last_entry(list, struct page, lru);
	folio_isolate_lru(m, page);
	return page;
}

/* Is the inactive list too short beside the active one? More of it is wanted, the larger both are. */
static bool inactive_is_low(const struct memory *m)
{
	u64 inactive = m->stats[ST_inactive_file], active = m->stats[ST_active_file];
	u64 gb = (inactive + active) >> (30 - PAGE_SHIFT), ratio = 1;

	while (gb && (ratio + 1) * (ratio + 1) <= 10 * gb)
		ratio++;
	return inactive * ratio < active;
}

static void shrink_active_list(struct memory *m, u64 nr)
{
	struct page *page;

	lru_add_drain(m);
	for (; nr && (page = isolate_last(m, LRU_ACTIVE_FILE)); nr--) {
		count_vm_event(m, EV_pgrefill);
		if (folio_evictable(page)) {
			struct referenced r = folio_referenced(m, page);

			/* Code that runs stays: it would be read again at once. */
			if (!(r.ptes && (r.vm_flags & VM_EXEC))) {
				page_clear(page, PG_active);
				count_vm_event(m, EV_pgdeactivate);
			}
		}
		folio_putback_lru(m, page);
	}
}

static u64 shrink_inactive_list(struct memory *m, u64 nr)
{
	struct page *page;
	u64 freed = 0;

	lru_add_drain(m);
	for (; nr && (page = isolate_last(m, LRU_INACTIVE_FILE)); nr--) {
		enum fate fate = shrink_folio(m, page);

		count_vm_event(m, EV_pgscan_direct);
		count_vm_event(m, EV_pgscan_file);
		if (fate == FREED) {
			count_vm_event(m, EV_pgsteal_direct);
			count_vm_event(m, EV_pgsteal_file);
			freed++;
		}
		settle(m, page, fate);
	}
	return freed;
}

/* One round over both lists of the files, by turns, in small portions. */
static void shrink_lruvec(struct scan_control *sc)
{
	struct memory *m = sc->m;
	u64 active = m->stats[ST_active_file] >> sc->priority;
	u64 inactive = m->stats[ST_inactive_file] >> sc->priority;

	while (inactive || active) {
		u64 n = min(active, SWAP_CLUSTER_MAX);

		active -= n;
		if (n && (sc->force_deactivate || inactive_is_low(m)))
			shrink_active_list(m, n);
		else if (n)
			sc->skipped_deactivate = true;
		n = min(inactive, SWAP_CLUSTER_MAX);
		inactive -= n;
		if (n)
			sc->nr_reclaimed += shrink_inactive_list(m, n);
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			break;
	}
}

u64 try_to_free_pages(struct memory *m, u64 nr)
{
	struct scan_control sc = {.m = m, .nr_to_reclaim = nr};

	lru_add_drain(m);
	for (;;) {
		for (sc.priority = DEF_PRIORITY; sc.priority >= 0; sc.priority--) {
			shrink_lruvec(&sc);
			if (sc.nr_reclaimed >= nr)
				return sc.nr_reclaimed;
		}
		if (sc.nr_reclaimed || sc.force_deactivate || !sc.skipped_deactivate)
			return sc.nr_reclaimed;
		sc.force_deactivate = true;
	}
}

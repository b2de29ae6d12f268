/* LRU lists: where each page of programs and files stands with reclaim. Linux: mm/swap.c, mm/mlock.c.
 *
 *   inactive anon  active anon      each list's newest page is first; reclaim (vmscan.h) takes
 *   inactive file  active file      the last of an inactive one
 *   unevictable                     locked pages: counted, on no list
 *
 * A page that is on one of these has PG_lru; which one its flags say (folio_lru_list()). Who puts pages
 * there, or moves them, gathers up to 31 first: each page waits in such a batch with a reference, and
 * until lru_add_drain(), or the batch is full, it stays where it was. Linux has the batches for each CPU,
 * and since they show (/proc/kpageflags, the counters) they are filled and drained here where they are
 * there. A page leaves the lists when its last reference goes.
 *
 * Whoever calls holds a reference to the page. Not for: what reclaim takes, and when (vmscan.h).
 */
#ifndef MM_LRU_H
#define MM_LRU_H

#include "mm/page_alloc.h"
#include "mm/vma.h"

/* @page, which is on no list and has just got its contents, goes to one: an inactive one, for a start. */
void folio_add_lru(struct memory *m, struct page *page);
/* The same for a page that only @vma maps: locked areas' pages never come into reclaim's sight. */
void folio_add_lru_vma(struct memory *m, struct page *page, const struct vm_area_struct *vma);
/* Everything that waits goes where it belongs. */
void lru_add_drain(struct memory *m);

/* Somebody has used a page of the cache, or of his own on purpose: the second time makes it active. */
void folio_mark_accessed(struct memory *m, struct page *page);
/* An active page becomes inactive again (MADV_COLD). */
void folio_deactivate(struct memory *m, struct page *page);
/* An anonymous page that may go while it stays clean: among the files' inactive ones (MADV_FREE). */
void folio_mark_lazyfree(struct memory *m, struct page *page);

/* May reclaim have @page at all? */
bool folio_evictable(const struct page *page);
/* Takes @page off its list, with a reference for the caller; false: it is on none. */
bool folio_isolate_lru(struct memory *m, struct page *page);
/* Gives it back, and the reference; to the list that its flags say now. */
void folio_putback_lru(struct memory *m, struct page *page);

/* --- mlock (mlock.c) ----------------------------------------------------------------------- */

/* A locked area maps @page; mlock_new_folio(): the first one that maps it, and no list has it yet. */
void mlock_folio(struct memory *m, struct page *page);
void mlock_new_folio(struct memory *m, struct page *page);
/* A locked area does no longer. */
void munlock_folio(struct memory *m, struct page *page);
/* lru_add_drain()'s part. */
void mlock_drain(struct memory *m);

/* @vma has got a mapping of @page (not a page of its own: folio_add_lru_vma()), has lost one. */
static inline void mlock_vma_folio(struct memory *m, struct page *page,
				   const struct vm_area_struct *vma)
{
	if (unlikely((vma->vm_flags & (VM_LOCKED | VM_SPECIAL)) == VM_LOCKED))
		mlock_folio(m, page);
}

static inline void munlock_vma_folio(struct memory *m, struct page *page,
				     const struct vm_area_struct *vma)
{
	if (unlikely(vma->vm_flags & VM_LOCKED))
		munlock_folio(m, page);
}

/* shmctl(SHM_LOCK): pages of @as that come to the lists from now on are unevictable; SHM_UNLOCK: all of
 * them are evictable again. */
void mapping_set_unevictable(struct address_space *as, bool unevictable);

/* --- the lists ----------------------------------------------------------------------------- */

static inline enum lru_list folio_lru_list(const struct page *page)
{
	if (unlikely(page_test(page, PG_unevictable)))
		return LRU_UNEVICTABLE;
	return (page_test(page, PG_swapbacked) ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) +
	       page_test(page, PG_active);
}

/* Neither these nor lruvec_del_folio() change PG_lru. */
static inline void lruvec_add_folio(struct memory *m, struct zone *z, struct page *page)
{
	enum lru_list lru = folio_lru_list(page);

	z->lru_size[lru]++;
	m->stats[ST_inactive_anon + lru]++;
	if (likely(lru != LRU_UNEVICTABLE))
		list_add(&page->lru, &m->node->lruvec[lru]);
}

static inline void lruvec_del_folio(struct memory *m, struct zone *z, struct page *page)
{
	enum lru_list lru = folio_lru_list(page);

	z->lru_size[lru]--;
	m->stats[ST_inactive_anon + lru]--;
	if (likely(lru != LRU_UNEVICTABLE))
		list_del(&page->lru);
}

/* The last reference is gone: off the lists. Linux: __page_cache_release(), free_pages_prepare(). */
static inline void page_cache_release(struct memory *m, struct zone *z, struct page *page)
{
	if (page_test(page, PG_lru)) {
		lruvec_del_folio(m, z, page);
		page->flags &= ~(BIT(PG_lru) | BIT(PG_unevictable) | BIT(PG_active));
	}
	if (unlikely(page_test(page, PG_mlocked))) {
		page_clear(page, PG_mlocked);
		z->nr_mlock--;
		m->stats[ST_mlock]--;
		count_vm_event(m, EV_unevictable_pgs_cleared);
	}
}

/* Is @page on a list, or on its way to one? For checkers. */
bool folio_on_lru(const struct memory *m, const struct page *page);
/* Lists, flags and counters against each other, and each mapped or cached page on a list or waiting in a
 * batch. 0 or -EFAULT, violations on the log. */
int lru_validate(struct memory *m);

#endif

/* The batches in front of the LRU lists, and the moves between them. See lru.h; Linux: mm/swap.c. */
#include "mm/lru.h"

#include "base/err.h"
#include "base/log.h"
#include "mm/buddy.h"
#include "mm/filemap.h"
#include "mm/internal.h"

bool folio_evictable(const struct page *page)
{
	if (page_test(page, PG_mlocked))
		return false;
	return PageAnon(page) || !page->mapping || !page->mapping->unevictable;
}

/* --- what a drain does to each page ---------------------------------------------------------- */

typedef void (*move_fn)(struct memory *m, struct zone *z, struct page *page);

static void lru_add(struct memory *m, struct zone *z, struct page *page)
{
	bool was_unevictable = page_test(page, PG_unevictable);

	page_clear(page, PG_unevictable);
	if (likely(folio_evictable(page))) {
		if (was_unevictable)
			count_vm_event(m, EV_unevictable_pgs_rescued);
	} else {
		page_clear(page, PG_active);
		page_set(page, PG_unevictable);
		page->mlock_count = 0; /* whoever locked it counts, or has */
		if (!was_unevictable)
			count_vm_event(m, EV_unevictable_pgs_culled);
	}
	lruvec_add_folio(m, z, page);
}

static void lru_activate(struct memory *m, struct zone *z, struct page *page)
{
	if (page_test(page, PG_active) || page_test(page, PG_unevictable))
		return;
	lruvec_del_folio(m, z, page);
	page_set(page, PG_active);
	lruvec_add_folio(m, z, page);
	count_vm_event(m, EV_pgactivate);
}

static void lru_deactivate(struct memory *m, struct zone *z, struct page *page)
{
	if (!page_test(page, PG_active) || page_test(page, PG_unevictable))
		return;
	lruvec_del_folio(m, z, page);
	page_clear(page, PG_active);
	page_clear(page, PG_referenced);
	lruvec_add_folio(m, z, page);
	count_vm_event(m, EV_pgdeactivate);
}

static void lru_lazyfree(struct memory *m, struct zone *z, struct page *page)
{
	if (!PageAnon(page) || !page_test(page, PG_swapbacked) || page_test(page, PG_unevictable))
		return;
	lruvec_del_folio(m, z, page);
	page_clear(page, PG_active);
	page_clear(page, PG_referenced);
	page_clear(page, PG_swapbacked); /* so a store that makes it dirty is told from none */
	lruvec_add_folio(m, z, page);
	count_vm_event(m, EV_pglazyfree);
}

/* --- batches --------------------------------------------------------------------------------- */

static void drain_batch(struct memory *m, struct folio_batch *b, move_fn move)
{
	unsigned nr = b->nr;

	b->nr = 0;
	for (unsigned i = 0; i < nr; i++) {
		struct page *page = b->pages[i];

		if (page_test(page, PG_lru))
			move(m, page_zone(m, page), page);
		put_page(m, page);
	}
}

/* A page that was unmapped or taken out of its file meanwhile is about to go: it sees no list. */
static inline bool is_dying(const struct page *page)
{
	return !page->mapcount && (PageAnon(page) || !page->mapping);
}

static void drain_new(struct memory *m, struct folio_batch *b)
{
	unsigned nr = b->nr;

	b->nr = 0;
	for (unsigned i = 0; i < nr; i++) {
		struct page *page = b->pages[i];

		VM_BUG_ON(page_test(page, PG_lru));
		if (likely(!is_dying(page))) {
			lru_add(m, page_zone(m, page), page);
			page_set(page, PG_lru);
		}
		if (unlikely(page->refcount == 1))
			put_page(m, page);
		else
			page->refcount--;
	}
}

static void batch_add(struct memory *m, struct folio_batch *b, struct page *page, move_fn move)
{
	get_page(page);
	b->pages[b->nr++] = page;
	if (b->nr == FOLIO_BATCH)
		drain_batch(m, b, move);
}

void folio_add_lru(struct memory *m, struct page *page)
{
	struct folio_batch *b = &this_cpu_fbatches(m)->lru_add;

	VM_BUG_ON(page_test(page, PG_lru));
	get_page(page);
	b->pages[b->nr++] = page;
	if (unlikely(b->nr == FOLIO_BATCH))
		drain_new(m, b);
}

void folio_add_lru_vma(struct memory *m, struct page *page, const struct vm_area_struct *vma)
{
	if (unlikely((vma->vm_flags & (VM_LOCKED | VM_SPECIAL)) == VM_LOCKED))
		mlock_new_folio(m, page);
	else
		folio_add_lru(m, page);
}

/* In Linux's order: what is new first, so that the others meet it on a list. */
void lru_add_drain(struct memory *m)
{
	struct cpu_fbatches *f = this_cpu_fbatches(m);

	if (f->lru_add.nr)
		drain_new(m, &f->lru_add);
	if (f->lru_deactivate.nr)
		drain_batch(m, &f->lru_deactivate, lru_deactivate);
	if (f->lru_lazyfree.nr)
		drain_batch(m, &f->lru_lazyfree, lru_lazyfree);
	if (f->lru_activate.nr)
		drain_batch(m, &f->lru_activate, lru_activate);
	if (f->mlock.nr)
		mlock_drain(m);
}

/* --- use ------------------------------------------------------------------------------------- */

/* On its way to a list: it will be the active one. */
static void activate_waiting(struct memory *m, struct page *page)
{
	struct folio_batch *b = &this_cpu_fbatches(m)->lru_add;

	for (unsigned i = b->nr; i--;) {
		if (b->pages[i] == page) {
			page_set(page, PG_active);
			return;
		}
	}
}

void folio_mark_accessed(struct memory *m, struct page *page)
{
	if (!page_test(page, PG_referenced)) {
		page_set(page, PG_referenced);
	} else if (!page_test(page, PG_unevictable) && !page_test(page, PG_active)) {
		if (page_test(page, PG_lru))
			batch_add(m, &this_cpu_fbatches(m)->lru_activate, page, lru_activate);
		else
			activate_waiting(m, page);
		page_clear(page, PG_referenced);
	}
}

void folio_deactivate(struct memory *m, struct page *page)
{
	if (page_test(page, PG_lru) && page_test(page, PG_active) &&
	    !page_test(page, PG_unevictable))
		batch_add(m, &this_cpu_fbatches(m)->lru_deactivate, page, lru_deactivate);
}

void folio_mark_lazyfree(struct memory *m, struct page *page)
{
	if (PageAnon(page) && page_test(page, PG_swapbacked) && page_test(page, PG_lru) &&
	    !page_test(page, PG_unevictable))
		batch_add(m, &this_cpu_fbatches(m)->lru_lazyfree, page, lru_lazyfree);
}

bool folio_isolate_lru(struct memory *m, struct page *page)
{
	if (!page_test(page, PG_lru))
		return false;
	get_page(page);
	lruvec_del_folio(m, page_zone(m, page), page);
	page_clear(page, PG_lru);
	return true;
}

/* Straight to its list, as move_folios_to_lru() does; what has become unevictable is noticed. */
void folio_putback_lru(struct memory *m, struct page *page)
{
	VM_BUG_ON(page_test(page, PG_lru));
	if (page->refcount > 1) {
		lru_add(m, page_zone(m, page), page);
		page_set(page, PG_lru);
	}
	put_page(m, page);
}

void mapping_set_unevictable(struct address_space *as, bool unevictable)
{
	struct memory *m = as->mem;
	struct page *page;
	u64 index;

	as->unevictable = unevictable;
	if (unevictable)
		return;
	lru_add_drain(m);
	for (index = 0; (page = radix_next(&as->i_pages, &index)); index++) {
		count_vm_event(m, EV_unevictable_pgs_scanned);
		if (!page_test(page, PG_lru) || !page_test(page, PG_unevictable) ||
		    !folio_evictable(page))
			continue;
		lruvec_del_folio(m, page_zone(m, page), page);
		page_clear(page, PG_unevictable);
		lruvec_add_folio(m, page_zone(m, page), page);
		count_vm_event(m, EV_unevictable_pgs_rescued);
	}
}

/* --- checker --------------------------------------------------------------------------------- */

static int complain(const char *what, u64 a, u64 b)
{
	log_line("lru: %s: %lu, should be %lu", what, a, b);
	return -EFAULT;
}

static int check_list(struct memory *m, enum lru_list lru)
{
	u64 nr = 0;
	struct page *page;

	list_for_each_entry (page, &m->node->lruvec[lru], lru) {
		if (!page_test(page, PG_lru) || folio_lru_list(page) != lru)
			return complain("page on a list that its flags do not say",
					page_to_pfn(m, page), lru);
		if (page->refcount <= 0)
			return complain("free page on a list", page_to_pfn(m, page), lru);
		nr++;
	}
	if (lru != LRU_UNEVICTABLE && (s64)nr != m->stats[ST_inactive_anon + lru])
		return complain("length of a list", m->stats[ST_inactive_anon + lru], nr);
	return 0;
}

static bool batch_has(const struct folio_batch *b, const struct page *page)
{
	for (unsigned i = 0; i < b->nr; i++)
		if (((u64)b->pages[i] & ~3UL) == (u64)page)
			return true;
	return false;
}

bool folio_on_lru(const struct memory *m, const struct page *page)
{
	const struct cpu_fbatches *f = this_cpu_fbatches(m);

	return page_test(page, PG_lru) || batch_has(&f->lru_add, page) ||
	       batch_has(&f->mlock, page);
}

/* One page that was in use at least once. */
static int check_page(struct memory *m, const struct page *page, u64 *size, u64 *mlocked)
{
	bool cached = page->mapping && !PageAnon(page);

	if ((page->flags & PAGE_FLAGS_TYPE) || page != compound_head(page) || page->refcount <= 0)
		return 0;
	*mlocked += page_test(page, PG_mlocked);
	if (page_test(page, PG_lru)) {
		size[folio_lru_list(page)]++;
		if (page_test(page, PG_unevictable) && page_test(page, PG_active))
			return complain("unevictable page is active", page_to_pfn(m, page), 0);
		if (page_test(page, PG_mlocked) && !page_test(page, PG_unevictable) &&
		    !batch_has(&this_cpu_fbatches(m)->mlock, page))
			return complain("locked page within reclaim's sight", page_to_pfn(m, page),
					0);
		return 0;
	}
	if ((cached || (PageAnon(page) && page->mapcount > 0)) && !folio_on_lru(m, page))
		return complain("page on no list", page_to_pfn(m, page), 0);
	return 0;
}

int lru_validate(struct memory *m)
{
	int err = 0;

	for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++)
		err |= check_list(m, lru);
	for (unsigned i = 0; !err && i < MAX_NR_ZONES; i++) {
		const struct zone *z = &m->node->zones[i];
		u64 size[NR_LRU_LISTS] = {0}, mlocked = 0;

		for (pfn_t pfn = z->start_pfn; pfn < z->virgin_pfn; pfn++)
			err |= check_page(m, pfn_to_page(m, pfn), size, &mlocked);
		for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++)
			if (size[lru] != z->lru_size[lru])
				err |= complain("zone's pages of a list", z->lru_size[lru],
						size[lru]);
		if (mlocked != z->nr_mlock)
			err |= complain("zone's nr_mlock", z->nr_mlock, mlocked);
	}
	return err ? -EFAULT : 0;
}

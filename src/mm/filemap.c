/* The page cache: lookup, read-in, dirty pages and their way back. See filemap.h.
 *
 *   address_space.i_pages: index -> struct page       one reference held by the cache
 *
 * A page enters the tree only when its bytes are right, so whoever finds one may use it. Faults
 * and mappings are filemap_fault.c's. Not for: swap, the LRU lists (lru.h), reclaim (vmscan.h).
 */
#include <string.h>

#include "base/err.h"
#include "base/trace.h"
#include "mm/buddy.h"
#include "mm/internal.h"
#include "mm/readahead.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/vmscan.h"

#define RECLAIM_BATCH 32U /* pages */

static struct radix_node *node_alloc(void *arg)
{
	struct memory *m = arg;

	/* No reclaim from here: it could take pages out of the tree that is being changed. */
	return kmem_cache_alloc(m->in->radix_node, GFP_NOWAIT | __GFP_HIGH);
}

static void node_free(void *arg, struct radix_node *node)
{
	struct memory *m = arg;

	kmem_cache_free(m->in->radix_node, node);
}

static const struct radix_ops node_ops = {node_alloc, node_free};

int filemap_init(struct memory *m)
{
	return mm_cache_create(m, &m->in->radix_node, "radix_tree_node", sizeof(struct radix_node),
			       SLAB_RECLAIM_ACCOUNT);
}

void address_space_init(struct address_space *as, struct memory *m,
			const struct address_space_operations *ops, void *host)
{
	memset(as, 0, sizeof(*as));
	as->mem = m;
	as->a_ops = ops;
	as->host = host;
	radix_init(&as->i_pages, &node_ops, m);
	INIT_LIST_HEAD(&as->i_mmap);
	INIT_LIST_HEAD(&as->all);
	as->ra_pages = VM_READAHEAD_PAGES;
	as->io_pages = BDI_IO_PAGES;
}

/* The kernel's own look of both tracepoints about pages of files. */
#define trace_page_cache(tp, as, page)                                                             \
	trace_event((as)->mem->trace, tp, "dev %u:%u ino %lx pfn=0x%lx ofs=%lu order=0",           \
		    (as)->dev_major, (as)->dev_minor, (as)->ino, page_to_pfn((as)->mem, page),     \
		    (page)->index << PAGE_SHIFT)

/* --- pages in and out of the tree ---------------------------------------------------------- */

static void count_pages(struct address_space *as, s64 n)
{
	struct memory *m = as->mem;

	mod_node_stat(m, ST_file_pages, n);
	if (as->is_shmem)
		mod_node_stat(m, ST_shmem, n);
}

static void mod_dirty_stat(struct address_space *as, const struct page *page, s64 n)
{
	mod_node_stat(as->mem, ST_file_dirty, n);
	page_zone(as->mem, page)->nr_write_pending += n;
}

static void clear_dirty(struct address_space *as, struct page *page)
{
	if (!page_test(page, PG_dirty))
		return;
	page_clear(page, PG_dirty);
	if (as->is_shmem)
		return;
	as->nr_dirty--;
	as->nr_written -= page_test(page, PG_written);
	page_clear(page, PG_written);
	mod_dirty_stat(as, page, -1);
}

int add_to_page_cache(struct address_space *as, struct page *page, u64 index)
{
	struct memory *m = as->mem;
	int err = radix_insert(&as->i_pages, index, page);

	if (err == -ENOMEM && try_to_free_pages(m, RECLAIM_BATCH))
		err = radix_insert(&as->i_pages, index, page);
	if (err)
		return err;
	get_page(page);
	page->mapping = as;
	page->index = index;
	page->private = 0; /* of order 0: readahead.h */
	page->owner = as->is_shmem ? OWN_SHMEM : OWN_FILE;
	page_set(page, PG_uptodate);
	if (as->is_shmem)
		page_set(page, PG_swapbacked);
	if (!as->nrpages++)
		list_add_tail(&as->all, &m->mappings);
	count_pages(as, 1);
	trace_page_cache(TP_filemap_mm_filemap_add_to_page_cache, as, page);
	folio_add_lru(m, page);
	return 0;
}

/* It stays on its list of the LRU while somebody else has a reference. */
void filemap_remove_folio(struct page *page)
{
	struct address_space *as = page->mapping;

	VM_BUG_ON(page->mapcount);
	trace_page_cache(TP_filemap_mm_filemap_delete_from_page_cache, as, page);
	radix_erase(&as->i_pages, page->index);
	clear_dirty(as, page);
	page_clear(page, PG_uptodate);
	page_clear(page, PG_readahead);
	page->mapping = NULL;
	if (!--as->nrpages)
		list_del_init(&as->all);
	count_pages(as, -1);
	put_page(as->mem, page);
}

void address_space_destroy(struct address_space *as)
{
	struct page *page;
	u64 index;

	VM_BUG_ON(!list_empty(&as->i_mmap));
	if (as->nrpages)
		lru_add_drain(as->mem);
	for (index = 0; (page = radix_next(&as->i_pages, &index)); index++)
		filemap_remove_folio(page);
	radix_destroy(&as->i_pages);
}

struct page *find_get_page(struct address_space *as, u64 index)
{
	struct page *page = radix_find(&as->i_pages, index);

	if (page)
		get_page(page);
	return page;
}

struct page *filemap_grab_page(struct address_space *as, u64 index, bool zero)
{
	struct page *page = find_get_page(as, index);
	int err;

	if (page)
		return page;
	page = alloc_pages(as->mem, GFP_HIGHUSER_MOVABLE | (zero ? __GFP_ZERO : 0), 0);
	if (!page)
		return ERR_PTR(-ENOMEM);
	err = add_to_page_cache(as, page, index);
	if (err) {
		put_page(as->mem, page);
		return ERR_PTR(err);
	}
	return page;
}

/* --- dirty pages --------------------------------------------------------------------------- */

static void count_dirty(struct address_space *as, const struct page *page)
{
	u64 index = page->index;

	if (!as->nr_dirty++) {
		as->dirty_from = index;
		as->dirty_to = index + 1;
		as->dirtied_tick = as->mem->writeback_tick;
	}
	as->dirty_from = min(as->dirty_from, index);
	as->dirty_to = max(as->dirty_to, index + 1);
	mod_dirty_stat(as, page, 1);
	count_vm_event(as->mem, EV_nr_dirtied);
}

void folio_mark_dirty(struct page *page)
{
	struct address_space *as = page->mapping;

	if (page_test(page, PG_dirty)) {
		if (unlikely(page_test(page, PG_written))) {
			page_clear(page, PG_written);
			as->nr_written--;
		}
		return;
	}
	if (!as || PageAnon(page) || as->is_shmem) {
		page_set(page, PG_dirty);
	} else if (!as->secret) { /* noop_dirty_folio() */
		page_set(page, PG_dirty);
		count_dirty(as, page);
	}
}

void filemap_mark_written(struct address_space *as, u64 pos, u64 len)
{
	u64 index, last = (pos + len - 1) >> PAGE_SHIFT;

	for (index = pos >> PAGE_SHIFT; len && index <= last; index++) {
		struct page *page = radix_find(&as->i_pages, index);

		if (!page || page_test(page, PG_dirty))
			continue;
		page_set(page, PG_dirty);
		page_set(page, PG_written);
		as->nr_written++;
		count_dirty(as, page);
	}
}

/* Takes the right to write away, so that the next store is noticed. */
static int mkclean_one(struct page *page __unused, struct vm_area_struct *vma, gva_t addr,
		       pte_t *pte, void *arg __unused)
{
	u64 was = pte->pte;

	if (!(vma->vm_flags & VM_SHARED) || !(was & (_PAGE_RW | _PAGE_DIRTY)))
		return 0;
	pte->pte = was & ~(_PAGE_RW | _PAGE_DIRTY);
	flush_tlb_page(vma->vm_mm, addr);
	return 0;
}

static int write_one(struct address_space *as, struct page *page)
{
	bool written = page_test(page, PG_written);
	int err;

	if (page->mapcount)
		rmap_walk(as->mem, page, mkclean_one, NULL);
	clear_dirty(as, page);
	get_page(page);
	err = written ? 0 : as->a_ops->writepage(as, page);
	if (err) {
		folio_mark_dirty(page); /* kept for another attempt */
	} else {
		as->mem->events[EV_pgpgout] += PAGE_SIZE / 1024;
		count_vm_event(as->mem, EV_nr_written);
	}
	put_page(as->mem, page);
	return err;
}

int filemap_write_page(struct page *page)
{
	return page->mapping->a_ops->writepage ? write_one(page->mapping, page) : -EIO;
}

int filemap_write_and_wait_range(struct address_space *as, u64 first, u64 last)
{
	struct page *page;
	int err = 0;
	u64 index;

	if (!as->nr_dirty || !as->a_ops->writepage)
		return 0;
	first = max(first, as->dirty_from);
	last = min(last, as->dirty_to - 1);
	for (index = first; (page = radix_next(&as->i_pages, &index)) && index <= last; index++) {
		if (page_test(page, PG_dirty)) {
			int e = write_one(as, page);

			if (e && !err)
				err = e;
		}
		if (index == ~0UL)
			break;
	}
	return err;
}

int sync_mappings(struct memory *m)
{
	struct address_space *as, *next;
	int err = 0;

	list_for_each_entry_safe (as, next, &m->mappings, all) {
		int e = filemap_write_and_wait_range(as, 0, ~0UL);

		if (e && !err)
			err = e;
	}
	return err;
}

bool writeback_old(struct memory *m, u64 ticks)
{
	struct address_space *as, *next;
	bool dirty = false;

	m->writeback_tick++;
	list_for_each_entry_safe (as, next, &m->mappings, all) {
		if (as->nr_dirty && m->writeback_tick - as->dirtied_tick > ticks)
			(void)filemap_write_and_wait_range(as, 0,
							   ~0UL); /* what fails stays dirty */
		dirty |= as->nr_dirty && as->a_ops->writepage;
	}
	return dirty;
}

/* --- bytes changed from elsewhere ---------------------------------------------------------- */

/* The host address of @len bytes of @page, which are about to change. */
static u8 *page_for_change(struct memory *m, struct page *page, unsigned off, unsigned len)
{
	page_code_changes(m, page, off, len);
	return (u8 *)page_address(m, page) + off;
}

void filemap_update(struct address_space *as, u64 pos, const void *buf, u64 len)
{
	const u8 *from = buf;

	while (len) {
		u64 off = page_offset(pos), n = min(len, PAGE_SIZE - off);
		struct page *page = radix_find(&as->i_pages, pos >> PAGE_SHIFT);

		if (page)
			memcpy(page_for_change(as->mem, page, off, n), from, n);
		pos += n;
		from += n;
		len -= n;
	}
}

/* Zeroes a cached page from @pos to its end. */
static void zero_tail(struct address_space *as, u64 pos)
{
	struct page *page;

	if (!page_offset(pos))
		return;
	page = radix_find(&as->i_pages, pos >> PAGE_SHIFT);
	if (page)
		memset(page_for_change(as->mem, page, page_offset(pos),
				       PAGE_SIZE - page_offset(pos)),
		       0, PAGE_SIZE - page_offset(pos));
}

static void remove_range(struct address_space *as, u64 first, u64 last, bool even_cows)
{
	struct page *page;
	u64 index;

	if (!list_empty(&as->i_mmap))
		unmap_mapping_range(as, first, last == ~0UL ? 0 : last - first + 1, even_cows);
	if (as->nrpages)
		lru_add_drain(as->mem);
	for (index = first; (page = radix_next(&as->i_pages, &index)) && index <= last; index++)
		filemap_remove_folio(page);
}

void truncate_inode_pages_range(struct address_space *as, u64 first, u64 last)
{
	remove_range(as, first, last, true);
}

void punch_inode_pages_range(struct address_space *as, u64 first, u64 last)
{
	remove_range(as, first, last, false);
}

void truncate_pagecache(struct address_space *as, u64 size)
{
	u64 old = as->i_size;

	as->i_size = size;
	if (size < old)
		truncate_inode_pages_range(as, size_in_pages(size), ~0UL);
	/* Behind the end the page reads as zeros, whatever a mapping has stored there. */
	zero_tail(as, min(size, old));
}

/* --- clean pages go ------------------------------------------------------------------------ */

static bool can_drop(const struct page *page)
{
	return page->refcount == 1 && !page->mapcount && !page->mapping->secret &&
	       (!page_test(page, PG_dirty) || page_test(page, PG_written)) &&
	       !page_test(page, PG_locked) && !page_test(page, PG_writeback);
}

void mapping_evict_folio(struct page *page)
{
	if (page->mapping && can_drop(page))
		filemap_remove_folio(page);
}

void drop_pagecache(struct memory *m)
{
	struct address_space *as, *next;

	list_for_each_entry_safe (as, next, &m->mappings, all)
		invalidate_inode_pages(as);
}

void invalidate_inode_pages(struct address_space *as)
{
	struct page *page;
	u64 index;

	lru_add_drain(as->mem);
	for (index = 0; (page = radix_next(&as->i_pages, &index)); index++)
		if (can_drop(page))
			filemap_remove_folio(page);
}

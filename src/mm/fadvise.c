/* posix_fadvise(2), cachestat(2): what a program says of a file's pages, and what it may ask of them.
 * See readahead.h. */
#include <fcntl.h>

#include "base/err.h"
#include "mm/internal.h"
#include "mm/readahead.h"

static bool is_idle(const struct page *page)
{
	return page->refcount == 1 && !page->mapcount && !page_test(page, PG_dirty) &&
	       !page_test(page, PG_locked) && !page_test(page, PG_writeback);
}

/* Drops the pages [first, end) that would be in one folio of @order, if each of them may go. */
static void drop_folio(struct address_space *as, u64 first, u64 end, unsigned order)
{
	struct page *page;
	u64 index;

	for (index = first; (page = radix_next(&as->i_pages, &index)) && index < end; index++)
		if (folio_order(page) == order && !is_idle(page))
			return;
	for (index = first; (page = radix_next(&as->i_pages, &index)) && index < end; index++)
		if (folio_order(page) == order)
			mapping_evict_folio(page);
}

void invalidate_mapping_pages(struct address_space *as, u64 first, u64 last)
{
	struct page *page;
	u64 index, end;

	lru_add_drain(as->mem); /* a batch may hold references */
	for (index = first; (page = radix_next(&as->i_pages, &index)) && index <= last;
	     index = end) {
		unsigned order = folio_order(page);
		u64 head = folio_index(page);

		end = head + BIT(order);
		if (head >= first && end - 1 <= last)
			drop_folio(as, head, end, order);
		else
			end = index + 1;
	}
}

/* Whole pages go; what is dirty is written back, but has not been by the time that is looked at. */
static int dontneed(struct address_space *as, u64 off, u64 last_byte)
{
	u64 first = (off + PAGE_SIZE - 1) >> PAGE_SHIFT, last = last_byte >> PAGE_SHIFT;
	bool whole = page_offset(last_byte) == PAGE_SIZE - 1 || last_byte == as->i_size - 1;

	if (whole || last) {
		last -= !whole;
		if (last >= first)
			invalidate_mapping_pages(as, first, last);
	}
	filemap_write_and_wait_range(as, off >> PAGE_SHIFT, last_byte >> PAGE_SHIFT);
	return 0;
}

int generic_fadvise(struct address_space *as, struct file_ra_state *ra, s64 off, s64 len,
		    int advice)
{
	u64 last_byte = (u64)off + (u64)len - 1;

	/* A negative offset is no error up to Linux 6.18. */
	if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	if (mapping_in_memory(as))
		return 0;
	if (!len || (s64)(last_byte + 1) < len)
		last_byte = INT64_MAX;
	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_SEQUENTIAL:
		ra->ra_pages = as->ra_pages * (advice == POSIX_FADV_SEQUENTIAL ? 2 : 1);
		ra->random = false;
		return 0;
	case POSIX_FADV_RANDOM:
		ra->random = true;
		return 0;
	case POSIX_FADV_WILLNEED:
		force_page_cache_ra(as, ra, off >> PAGE_SHIFT,
				    (last_byte >> PAGE_SHIFT) - (off >> PAGE_SHIFT) + 1);
		return 0;
	case POSIX_FADV_DONTNEED:
		return dontneed(as, off, last_byte);
	default: /* NOREUSE: for reclaim, which has no generations */
		return 0;
	}
}

void filemap_cachestat(struct address_space *as, u64 first, u64 last, struct cachestat *cs)
{
	struct page *page;
	u64 index;

	for (index = first; (page = radix_next(&as->i_pages, &index)) && index <= last; index++) {
		cs->nr_cache++;
		/* A page of shmem is dirty from the start, but is not tagged so: it has no way back. */
		cs->nr_dirty += !as->is_shmem && page_test(page, PG_dirty);
		cs->nr_writeback += page_test(page, PG_writeback);
		if (index == ~0UL)
			break;
	}
}

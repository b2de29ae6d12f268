/* Read-ahead: which pages of a file are brought into the page cache before somebody asks for them.
 *
 * An open file remembers the last window that was read (struct file_ra_state); the page in it that
 * says "now read the next one" has PG_readahead:
 *
 *	                 |<----- async_size ---------|
 *	|--------------------- size ----------------->|
 *	|================#============================|
 *	^start           ^PG_readahead
 *
 * Linux keeps what it reads ahead in folios of several pages, and the mark is on a whole one. Pages
 * here are single; each knows the order of the folio it would be in (folio_order()), so that
 * windows, marks and POSIX_FADV_DONTNEED come out the same. See: Linux 6.18, mm/readahead.c.
 *
 * Indexes and counts are pages. What reads asks the host, and takes frames without reclaim: no memory ends
 * it. Not for: a page that is needed now, whose errors matter (filemap_get_page()).
 */
#ifndef MM_READAHEAD_H
#define MM_READAHEAD_H

#include "mm/filemap.h"

/* What sets its size on a device nobody has tuned: read_ahead_kb 128, max_sectors_kb 4096. */
#define VM_READAHEAD_PAGES 32U
#define BDI_IO_PAGES 1024U

/* Of an open file; counts in pages but for prev_pos. */
struct file_ra_state {
	u64 start;	/* the last window */
	u32 size;	/* its length; 0: none yet */
	u32 async_size; /* the mark stands so far before its end */
	u32 ra_pages;	/* the longest window, POSIX_FADV_SEQUENTIAL doubles it; 0: no read-ahead */
	u16 order;	/* log2, of the window's folios in Linux */
	u16 mmap_miss;	/* faults that found nothing, less those that did */
	s64 prev_pos;	/* byte behind the last read(2); -1: none yet */
	bool random;	/* POSIX_FADV_RANDOM (Linux: FMODE_RANDOM) */
};

/* For a file just opened on @as. */
void file_ra_state_init(struct file_ra_state *ra, const struct address_space *as);

/* A read of @req_count pages from @index on has found @index absent: reads it, and maybe more. What
 * cannot be read or has no memory stays absent; no error: who needs it asks filemap_get_page(). */
void page_cache_sync_ra(struct address_space *as, struct file_ra_state *ra, u64 index,
			u64 req_count);
/* A read of @req_count pages from the start of @page's folio on has met @page's mark: takes it off
 * and reads the next window. */
void page_cache_async_ra(struct address_space *as, struct file_ra_state *ra, struct page *page,
			 u64 req_count);
/* Reads exactly the absent ones of [@ra->start, + @ra->size) that the file has, with a mark (a fault's
 * window). */
void page_cache_ra_order(struct address_space *as, struct file_ra_state *ra);
/* Reads what is absent of @nr pages from @index on, no more than the longest window or one request to
 * the device takes: WILLNEED, readahead(2). */
void force_page_cache_ra(struct address_space *as, const struct file_ra_state *ra, u64 index,
			 u64 nr);

/* The file's last read failed: shorter windows, so that one bad block does not cost many tries. */
static inline void shrink_readahead_size_eio(struct file_ra_state *ra)
{
	ra->ra_pages /= 4;
}

/* log2 of the pages of the folio that Linux would have @page of a file's cache in. */
static inline unsigned folio_order(const struct page *page)
{
	return page->private;
}

/* The first index of that folio. */
static inline u64 folio_index(const struct page *page)
{
	return page->index & ~(BIT(folio_order(page)) - 1);
}

/* --- fadvise.c ---------------------------------------------------------------------------------- */

/* posix_fadvise(2) on @as, which is not a pipe's; @ra: the open file's. @off, @len: bytes; @len 0: to the end.
 * 0; -EINVAL: @advice, or @len is negative. */
int generic_fadvise(struct address_space *as, struct file_ra_state *ra, s64 off, s64 len,
		    int advice);
/* Drops the folios that lie in [first, last] and are clean, not mapped and not in use. */
void invalidate_mapping_pages(struct address_space *as, u64 first, u64 last);

/* cachestat(2), linux/mman.h. */
struct cachestat {
	u64 nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};
/* Adds what [first, last] of @as holds. */
void filemap_cachestat(struct address_space *as, u64 first, u64 last, struct cachestat *cs);

#endif

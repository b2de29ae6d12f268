/* The page cache: pages of files and of shmem objects, by address_space and index.
 *
 *   address_space.i_pages --> struct page ...     by index; the cache holds one reference each
 *                .i_mmap  --> VMAs that map it    faults find pages in i_pages, truncate finds ptes here
 *
 * read(), write(), private and shared mappings of a file all see the same pages. Where the
 * bytes come from and go to is the owner's business (address_space_operations).
 *
 * Not for: when pages are read in ahead (readahead.h), or go for want of memory (vmscan.h); what shmem
 * objects are (shmem.h).
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "base/radix.h"
#include "mm/paging.h"

struct hstate;

/* What the owner of a file's bytes does for the cache. All may ask the host. */
struct address_space_operations {
	/* Fills @nr (>= 1) consecutive locked pages that start at index @first; bytes behind the
	 * end of the file are zeroed. 0 or -errno (-EIO). */
	int (*read_pages)(struct address_space *as, u64 first, struct page **pages, unsigned nr);
	/* Stores the page up to i_size. 0 or -errno. NULL: memory only (shmem). */
	int (*writepage)(struct address_space *as, struct page *page);
	/* Asks the owner whether the file changed behind our back; may drop pages and set i_size.
	 * Called at open, read and fault. NULL: cannot change. */
	void (*revalidate)(struct address_space *as);
};

struct address_space {
	struct memory *mem; /* set once, as a_ops and host */
	const struct address_space_operations *a_ops;
	void *host;		   /* the inode, or the shmem object's own */
	u64 i_size;		   /* bytes; kept by the owner */
	u64 nrpages;		   /* in i_pages */
	struct radix_tree i_pages; /* index -> struct page */
	struct list_head i_mmap;   /* VMAs that map it, any order: vma_link(), vma_unlink_free() */
	struct list_head all;	   /* in memory.mappings while it has pages */
	u64 nr_dirty;		   /* pages; among them */
	u64 nr_written;		   /* those with PG_written */
	u64 dirty_from, dirty_to;  /* no page is dirty outside [from, to): pages */
	u64 dirtied_tick; /* with nr_dirty: memory.writeback_tick when the first one became so */
	bool is_shmem;	  /* set once, before there are pages, as hstate and secret */
	bool unevictable; /* SHM_LOCK: mapping_set_unevictable() */
	struct hstate *hstate; /* of huge pages, from this pool (hugetlb.h); NULL: ordinary ones */
	bool secret;	       /* memfd_secret(2): no eyes but the mappers', never dirty */
	u32 nr_exec;	       /* files that programs run from: no writing meanwhile; the owner's */
	u32 nr_write;	       /* files open for writing: no running meanwhile; the owner's */
	u32 nr_read;	       /* files open for reading only; the owner's */
	u32 ra_pages, io_pages;	  /* of its device: the longest window, the longest request */
	u32 dev_major, dev_minor; /* for maps; the owner sets them, as ino */
	u64 sequence; /* tells it from every other one, dead or alive; 0: nobody asked (uaccess.h) */
	u64 ino;
};

/* Pages that @size bytes take; does not wrap as page_align() would. */
static inline u64 size_in_pages(u64 size)
{
	return (size >> PAGE_SHIFT) + !!page_offset(size);
}

/* Pages of the file or object; an access behind them is SIGBUS. */
static inline u64 mapping_pages(const struct address_space *as)
{
	return size_in_pages(as->i_size);
}

/* Has it no owner to read from or write to? Its pages are all there is. */
static inline bool mapping_in_memory(const struct address_space *as)
{
	return as->is_shmem || as->hstate || as->secret;
}

/* Fills *@as, which is the owner's, and stays. */
void address_space_init(struct address_space *as, struct memory *m,
			const struct address_space_operations *ops, void *host);
/* Drops every page (dirty ones are not written: sync first). No mapping may be left. */
void address_space_destroy(struct address_space *as);

/* --- finding and adding pages; @index in pages -------------------------------------------------- */

/* The cached page (referenced) or NULL. */
struct page *find_get_page(struct address_space *as, u64 index);
/* The cached page, read in if needed, alone (readahead.h has the company); referenced, up to date.
 * *@major is set to true when the owner was asked. ERR_PTR(-ENOMEM, -EIO). (readahead.c) */
struct page *filemap_get_page(struct address_space *as, u64 index, bool *major);
/* The cached page, or a new one for @index without reading (write of a whole page, shmem hole): zeroed or
 * arbitrary bytes; referenced. ERR_PTR(-ENOMEM). May reclaim. */
struct page *filemap_grab_page(struct address_space *as, u64 index, bool zero);
/* Puts @page, whose bytes are right, into the cache at @index; the cache takes a reference of its
 * own. 0; -EEXIST: there is one; -ENOMEM. */
int add_to_page_cache(struct address_space *as, struct page *page, u64 index);

/* --- pages go ---------------------------------------------------------------------------------- */

/* @page is in a cache, and no pte maps it: the cache's reference goes. */
void filemap_remove_folio(struct page *page);
/* The same, if it is clean and nobody else's; in no cache any more is fine, too. */
void mapping_evict_folio(struct page *page);
/* Drops all clean unmapped pages: of one file (changed on the host), of all (vm.drop_caches). */
void invalidate_inode_pages(struct address_space *as);
void drop_pagecache(struct memory *m);
/* Takes pages [first, last] out of the cache and of every mapping (private copies too); dirty
 * ones are lost. @last ~0: to the end. */
void truncate_inode_pages_range(struct address_space *as, u64 first, u64 last);
/* The same for a hole: private copies stay with who made them. */
void punch_inode_pages_range(struct address_space *as, u64 first, u64 last);
/* The file now ends at @size (bytes): drops whole pages behind it everywhere (mappings too: SIGBUS),
 * zeroes the rest of the last one, sets i_size. */
void truncate_pagecache(struct address_space *as, u64 size);

/* --- dirty pages, and bytes written elsewhere ---------------------------------------------------- */

/* @page's bytes differ from its owner's, with the counters; any page will do. */
void folio_mark_dirty(struct page *page);
/* Brings a dirty page of a file to its owner, and makes its ptes read-only, so that the next store is
 * noticed. 0; -EIO: there is none; other -errno: it is dirty still. Asks the host. */
int filemap_write_page(struct page *page);
/* The same for the dirty pages of [first, last]; all are tried. 0 or the first -errno. */
int filemap_write_and_wait_range(struct address_space *as, u64 first, u64 last);
/* The same for all files: orderly end of Vellum, sync(2). */
int sync_mappings(struct memory *m);
/* The flusher's round, one each dirty_writeback_centisecs: writes the files that have been dirty for more than @ticks
 * rounds, whole. True: something is dirty still. See: wb_check_old_data_flush(). */
bool writeback_old(struct memory *m, u64 ticks);
/* write(2) put @len new bytes at @pos of the file? For owners with write-through: updates pages that are
 * cached, makes none; cannot fail. @buf is host memory. */
void filemap_update(struct address_space *as, u64 pos, const void *buf, u64 len);
/* The cached pages of [pos, pos + len) have been written by write(2): dirty, as in Linux, until they
 * are written back, although there is nothing left to do (the owner writes through). */
void filemap_mark_written(struct address_space *as, u64 pos, u64 len);
/* Is there anything in the cache that the owner has not got? */
static inline bool filemap_has_unsent(const struct address_space *as)
{
	return as->nr_dirty > as->nr_written;
}

/* --- filemap_fault.c ----------------------------------------------------------------------------- */

/* Fault-around, for vm_ops->map_pages of anything with a page cache; end inclusive. Maps what is there and
 * up to date, reads nothing. */
void filemap_map_pages(struct vm_fault *vmf, u64 start_pgoff, u64 end_pgoff);
/* Mappings of files. Its fault reads in, asking the host. */
extern const struct vm_operations_struct generic_file_vm_ops;

/* Every mapping against its pages, and the counters. 0 or -EFAULT, violations on the log. */
int filemap_validate(struct memory *m);

#endif

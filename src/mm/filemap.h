/* The page cache: pages of files and of shmem objects, by address_space and index.
 *
 * read(), write(), private and shared mappings of a file all see the same pages. Where the
 * bytes come from and go to is the owner's business (address_space_operations).
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "base/radix.h"
#include "mm/paging.h"

struct hstate;

struct address_space_operations {
	/* Fills @nr (>= 1) consecutive locked pages that start at index @first; bytes behind the
	 * end of the file are zeroed. 0 or -errno (-EIO). May block. */
	int (*read_pages)(struct address_space *as, u64 first, struct page **pages, unsigned nr);
	/* Stores the page up to i_size. 0 or -errno. NULL: memory only (shmem). */
	int (*writepage)(struct address_space *as, struct page *page);
	/* Asks the owner whether the file changed behind our back; may drop pages and set i_size.
	 * Called at open, read and fault. NULL: cannot change. */
	void (*revalidate)(struct address_space *as);
};

struct address_space {
	struct memory *mem;
	const struct address_space_operations *a_ops;
	void *host; /* the inode, or the shmem object's own */
	u64 i_size; /* bytes; kept by the owner */
	u64 nrpages;
	struct radix_tree i_pages; /* index -> struct page */
	struct list_head i_mmap;   /* VMAs that map it, any order */
	struct list_head all;	   /* in memory.mappings while it has pages */
	u64 nr_dirty;		   /* pages; among them */
	u64 nr_written;		   /* those with PG_written */
	u64 dirty_from, dirty_to;  /* no page is dirty outside [from, to) */
	bool is_shmem;
	bool unevictable;	/* SHM_LOCK: mapping_set_unevictable() */
	struct hstate *hstate;	/* of huge pages, from this pool (hugetlb.h); NULL: ordinary ones */
	bool secret;		/* memfd_secret(2): no eyes but the mappers', never dirty */
	u32 nr_exec;		/* files that programs run from: no writing meanwhile */
	u32 nr_write;		/* files open for writing: no running meanwhile */
	u32 ra_pages, io_pages; /* of its device: the longest window, the longest request */
	u32 dev_major, dev_minor; /* for maps */
	u64 sequence; /* tells it from every other one, dead or alive; 0: nobody asked (uaccess.h) */
	u64 ino;
};

/* Has it no owner to read from or write to? Its pages are all there is. */
static inline bool mapping_in_memory(const struct address_space *as)
{
	return as->is_shmem || as->hstate || as->secret;
}

void address_space_init(struct address_space *as, struct memory *m,
			const struct address_space_operations *ops, void *host);
/* Drops every page (dirty ones are not written: sync first). No mapping may be left. */
void address_space_destroy(struct address_space *as);

/* The cached page (referenced) or NULL. */
struct page *find_get_page(struct address_space *as, u64 index);
/* The cached page, read in if needed, alone (readahead.h has the company); referenced, up to date.
 * *@major set when the owner was asked. ERR_PTR(-ENOMEM, -EIO). */
struct page *filemap_get_page(struct address_space *as, u64 index, bool *major);
/* A new cached page for @index without reading (write of a whole page, shmem hole): zeroed or
 * arbitrary bytes; referenced. ERR_PTR(-ENOMEM). */
struct page *filemap_grab_page(struct address_space *as, u64 index, bool zero);

/* Puts @page, whose bytes are right, into the cache at @index; the cache takes a reference of its
 * own. 0, -EEXIST, -ENOMEM. */
int add_to_page_cache(struct address_space *as, struct page *page, u64 index);

/* Marks dirty / clean with the counters; under a shared mapping clean also write-protects ptes. */
void folio_mark_dirty(struct page *page);
/* Writes dirty pages of [first, last] back through a_ops. 0 or the first -errno. */
int filemap_write_and_wait_range(struct address_space *as, u64 first, u64 last);
/* write(2) put new bytes in the cache? For owners with write-through: updates pages that are
 * cached, makes none; returns nothing: cannot fail. @buf is host memory. */
void filemap_update(struct address_space *as, u64 pos, const void *buf, u64 len);
/* The cached pages of [pos, pos + len) have been written by write(2): dirty, as in Linux, until they
 * are written back, although there is nothing left to do (the owner writes through). */
void filemap_mark_written(struct address_space *as, u64 pos, u64 len);
/* Is there anything in the cache that the owner has not got? */
static inline bool filemap_has_unsent(const struct address_space *as)
{
	return as->nr_dirty > as->nr_written;
}
/* The file now ends at @size: drops whole pages behind it everywhere (mappings too: SIGBUS),
 * zeroes the rest of the last one, sets i_size. */
void truncate_pagecache(struct address_space *as, u64 size);
/* Takes pages [first, last] out of the cache and of every mapping (private copies too); dirty
 * ones are lost. @last ~0: to the end. */
void truncate_inode_pages_range(struct address_space *as, u64 first, u64 last);
/* The same for a hole: private copies stay with who made them. */
void punch_inode_pages_range(struct address_space *as, u64 first, u64 last);
/* Drops all clean unmapped pages of all files (vm.drop_caches). */
void drop_pagecache(struct memory *m);
/* Drops all clean unmapped pages of one file (changed on the host). */
void invalidate_inode_pages(struct address_space *as);
/* Writes back everything dirty of all files: orderly end of Vellum. */
int sync_mappings(struct memory *m);

/* Fault-around, for vm_ops->map_pages of anything with a page cache; end inclusive. */
void filemap_map_pages(struct vm_fault *vmf, u64 start_pgoff, u64 end_pgoff);
extern const struct vm_operations_struct generic_file_vm_ops;

/* Every mapping against its pages, and the counters. 0 or -EFAULT, violations on the log. */
int filemap_validate(struct memory *m);

/* --- shmem.c: MAP_SHARED|MAP_ANONYMOUS; with a file of fs/ memfd, SysV shm -------------------- */

/* A new object of @size bytes; shown as "/dev/zero (deleted)", dev 00:01. Counted in
 * Committed_AS unless VM_NORESERVE. Owned through references. ERR_PTR(-ENOMEM). */
struct address_space *shmem_new(struct memory *m, u64 size, vm_flags_t flags);
/* Takes [off, off + len) out: whole pages from everywhere, the rest is zeroed. */
void shmem_punch_hole(struct address_space *as, u64 off, u64 len);
/* How many pages the objects of one file system may have together (tmpfs, size=). */
struct shmem_blocks {
	u64 max, used; /* pages */
};
/* From now on @as counts there; before it has pages. @b outlives it. */
void shmem_set_blocks(struct address_space *as, struct shmem_blocks *b);
void shmem_get(struct address_space *as);
void shmem_put(struct address_space *as);
/* The page at @index, referenced, made if there is a hole. ERR_PTR(-ENOMEM, -ENOSPC). */
struct page *shmem_get_page(struct address_space *as, u64 index);
/* The same for a write(2) into it, whose bytes the caller changes at once and then marks dirty. */
struct page *shmem_write_begin(struct address_space *as, u64 index);
/* For a read(2): referenced; NULL: a hole, which reads as zeros. */
struct page *shmem_read_page(struct address_space *as, u64 index);
/* fallocate(2): makes the pages [first, end), which read as holes until they are written; all or none.
 * 0, -ENOMEM, -ENOSPC. */
int shmem_allocate(struct address_space *as, u64 first, u64 end);
/* Has @index bytes (not a hole, nor only allocated)? */
bool shmem_is_data(struct address_space *as, u64 index);
/* ftruncate(2): 0 or -ENOMEM. */
int shmem_setattr_size(struct address_space *as, u64 size);
extern const struct vm_operations_struct shmem_vm_ops; /* open/close count references */

/* --- secretmem.c: memfd_secret(2) -------------------------------------------------------------- */

/* Makes a new, empty shmem object a secret one. */
void secretmem_init(struct address_space *as);
extern const struct vm_operations_struct secretmem_vm_ops;
static inline bool vma_is_secretmem(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &secretmem_vm_ops;
}

#endif

/* Shared memory objects: an address_space whose pages are all there is, in guest RAM only.
 *
 *   MAP_SHARED|MAP_ANONYMOUS   an object for each mmap, without a struct file
 *   memfd, SysV shm, tmpfs     an object behind a file of fs/
 *
 * An object is owned through references: its maker's, each file's, each VMA's. A page of it that is not
 * PG_uptodate is a hole that fallocate(2) has filled. Not for: names, seals and times (fs/); pages that a
 * mapping has copied (they are anonymous).
 * See: Linux 6.18, mm/shmem.c, mm/secretmem.c.
 */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/filemap.h"

/* --- shmem.c ---------------------------------------------------------------------------------- */

/* A new object of @size bytes, one reference; shown as "/dev/zero (deleted)", dev 00:01. Counted in
 * Committed_AS by its size, with VM_NORESERVE by its pages. ERR_PTR(-ENOMEM). */
struct address_space *shmem_new(struct memory *m, u64 size, vm_flags_t flags);
void shmem_get(struct address_space *as);
/* The last reference takes the pages along; nobody maps it then. */
void shmem_put(struct address_space *as);

/* How many pages the objects of one file system may have together (tmpfs, size=). */
struct shmem_blocks {
	u64 max, used; /* pages; used is counted here, max the file system's to set */
};
/* From now on @as counts there; before it has pages. @b outlives it. */
void shmem_set_blocks(struct address_space *as, struct shmem_blocks *b);

/* The page at @index (pages; below the size, which the caller has checked), referenced, up to date, made if
 * there is a hole. ERR_PTR(-ENOMEM), ERR_PTR(-ENOSPC): shmem_blocks, or no room to commit. May reclaim. */
struct page *shmem_get_page(struct address_space *as, u64 index);
/* The same for a write(2) into it, whose bytes the caller changes at once and then marks dirty. */
struct page *shmem_write_begin(struct address_space *as, u64 index);
/* For a read(2): referenced; NULL: a hole, which reads as zeros. */
struct page *shmem_read_page(struct address_space *as, u64 index);
/* Has @index bytes (not a hole, nor only allocated)? */
bool shmem_is_data(struct address_space *as, u64 index);

/* fallocate(2): makes the pages [first, end), which read as holes until they are written; all or none.
 * 0, -ENOMEM, -ENOSPC. */
int shmem_allocate(struct address_space *as, u64 first, u64 end);
/* Takes the bytes [off, off + len) out: whole pages from everywhere but private copies, the rest is zeroed.
 * See: fallocate(2) FALLOC_FL_PUNCH_HOLE. */
void shmem_punch_hole(struct address_space *as, u64 off, u64 len);
/* ftruncate(2): @size bytes from now on; what lies behind goes everywhere. 0 or -ENOMEM (Committed_AS): as it
 * was. */
int shmem_setattr_size(struct address_space *as, u64 size);

extern const struct vm_operations_struct shmem_vm_ops; /* open/close count references */
static inline bool vma_is_shmem(const struct vm_area_struct *vma)
{
	return vma->vm_mapping && vma->vm_mapping->is_shmem;
}

/* --- secretmem.c: memfd_secret(2) -------------------------------------------------------------- */

/* Makes a new, empty shmem object a secret one. */
void secretmem_init(struct address_space *as);
extern const struct vm_operations_struct secretmem_vm_ops;
static inline bool vma_is_secretmem(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &secretmem_vm_ops;
}

#endif

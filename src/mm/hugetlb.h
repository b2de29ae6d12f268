/* Huge pages that programs ask for by name: MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB. They come from pools
 * that hold nothing but such pages, one pool a size.
 *
 * The pools are empty, as on a machine that has set none aside, and nothing fills them yet: so whoever
 * wants pages reserved is refused, and a mapping without reservation gets SIGBUS at its first touch.
 * What such mappings and files are like otherwise is Linux's. See: Linux 6.18, mm/hugetlb.c.
 *
 * Not for: transparent huge pages.
 */
#ifndef MM_HUGETLB_H
#define MM_HUGETLB_H

#include "mm/shmem.h"

#define NR_HSTATES 2
#define HUGE_DEFAULT_SHIFT 21
#define HUGE_MAX_SHIFT 30

/* A pool. */
struct hstate {
	u32 shift; /* of a page's size in bytes; set once */
	u64 nr_pages, free_pages, resv_pages, surplus_pages; /* huge pages */
};

static inline u64 huge_page_size(const struct hstate *h)
{
	return 1UL << h->shift;
}

static inline bool huge_aligned(const struct hstate *h, u64 x)
{
	return !(x & (huge_page_size(h) - 1));
}

/* @x bytes in whole huge pages; 0: it is too much (or 0). */
static inline u64 huge_align(const struct hstate *h, u64 x)
{
	return (x + huge_page_size(h) - 1) & ~(huge_page_size(h) - 1);
}

/* Boot: the sizes there are. */
void hugetlb_init(struct memory *m);
/* The pool of pages of 2^@log bytes; 0: the usual size. NULL: there is no such size. */
struct hstate *hstate_sizelog(struct memory *m, u32 log);
/* Gives the pool @nr_pages, or as many as can be had: none yet. See: set_max_huge_pages(). */
void hugetlb_resize(struct hstate *h, u64 nr_pages);
/* Sets @bytes of huge pages aside. 0 or -ENOMEM. */
int hugetlb_reserve_pages(struct hstate *h, u64 bytes);

/* Makes a new, empty shmem object one of huge pages. */
void hugetlb_init_object(struct address_space *as, struct hstate *h);
/* An object of @size bytes for a MAP_HUGETLB mapping of its own, as shmem_new(). ERR_PTR(-ENOMEM). */
struct address_space *hugetlb_new(struct memory *m, u64 size, struct hstate *h);
/* Mappings of such objects; open/close count references. */
extern const struct vm_operations_struct hugetlb_vm_ops;

/* The pool behind a mapping; NULL: it has ordinary pages. */
static inline struct hstate *vma_hstate(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_HUGETLB ? vma->vm_mapping->hstate : NULL;
}

/* As smaps' KernelPageSize: bytes. */
static inline u64 vma_kernel_pagesize(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_HUGETLB ? huge_page_size(vma_hstate(vma)) : PAGE_SIZE;
}

#endif

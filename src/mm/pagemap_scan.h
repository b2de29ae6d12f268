/* PAGEMAP_SCAN: which pages of a range have given properties, and write protection of those found.
 *
 * This is mm/'s part, one walk; arguments and results of the ioctl are procfs'.
 * See: Documentation/admin-guide/mm/pagemap.rst; Linux 6.18, fs/proc/task_mmu.c.
 */
#ifndef MM_PAGEMAP_SCAN_H
#define MM_PAGEMAP_SCAN_H

#include "mm/mm.h"

#define PAGE_IS_WPASYNC BIT(0)	  /* its area notes writes: UFFD_FEATURE_WP_ASYNC */
#define PAGE_IS_WRITTEN BIT(1)	  /* not write-protected by userfaultfd */
#define PAGE_IS_FILE BIT(2)	  /* of a file or shmem */
#define PAGE_IS_PRESENT BIT(3)	  /* in memory */
#define PAGE_IS_SWAPPED BIT(4)	  /* a swap entry or a marker */
#define PAGE_IS_PFNZERO BIT(5)	  /* the zero page */
#define PAGE_IS_HUGE BIT(6)	  /* never here: no huge pages yet */
#define PAGE_IS_SOFT_DIRTY BIT(7) /* never here: CONFIG_MEM_SOFT_DIRTY is off */
#define PAGE_IS_GUARD BIT(8)	  /* MADV_GUARD_INSTALL */
#define PM_SCAN_CATEGORIES (BIT(9) - 1)

#define PM_SCAN_WP_MATCHING BIT(0)   /* protect what was found */
#define PM_SCAN_CHECK_WPASYNC BIT(1) /* -EPERM at an area that is not WPASYNC */
#define PM_SCAN_FLAGS (PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC)

/* struct page_region of the ABI. */
struct page_region {
	u64 start, end; /* bytes, [start, end) */
	u64 categories;
};

struct pagemap_scan {
	/* What is asked for; the caller's. */
	u64 flags; /* PM_SCAN_* */
	u64 category_inverted, category_mask, category_anyof_mask, return_mask;
	u64 max_pages;		 /* to be found, altogether */
	struct page_region *vec; /* NULL: nothing is reported, and max_pages does not count */
	u32 vec_len;		 /* room in it, at least 1 */

	/* What was found. */
	u32 nr;		 /* regions in vec; the caller takes them and sets this to 0 */
	u64 found_pages; /* adds up */
	gva_t walk_end;	 /* set with -ENOSPC: where to go on */

	u64 vma_category; /* the walk's own */
};

/**
 * pagemap_scan_range - reports (and protects) the pages of [start, end) in @mm
 * @start, @end: page aligned, in user space
 *
 * Neighbours of the same categories are one region. Does not sleep.
 *
 * Return: 0; -ENOSPC: @p->vec is full or max_pages reached, go on at walk_end; -EPERM:
 * PM_SCAN_CHECK_WPASYNC; -ENOMEM: no page table for a marker. What was found before an error stays.
 */
int pagemap_scan_range(struct mm_struct *mm, gva_t start, gva_t end, struct pagemap_scan *p);

#endif

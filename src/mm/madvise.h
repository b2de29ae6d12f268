/* Between madvise.c, which walks the areas, and madvise_pages.c, which acts on their pages. Inside
 * mm/ only. */
#ifndef MM_MADVISE_H
#define MM_MADVISE_H

#include "mm/vma_internal.h"

struct madvise_desc;

/* One area's part of the call. */
struct madvise_range {
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* out: the area there afterwards (a merge may have moved it) */
	gva_t start, end;
	const struct madvise_desc *desc;
};

struct madvise_desc {
	int advice;
	int (*apply)(struct madvise_range *r);
	vm_flags_t refused, set, clear;
	unsigned how; /* MADV_IS_* */
};

#define MADV_IS_DISCARD 1U /* loses data: a sealed read-only area refuses it */
#define MADV_IS_REMOTE 2U  /* process_madvise(2) may give it to another process */

/* What madvise.def names: 0 or -errno. */
int madv_dontneed(struct madvise_range *r);
int madv_willneed(struct madvise_range *r);
int madv_remove(struct madvise_range *r);
int madv_free(struct madvise_range *r);
int madv_cold(struct madvise_range *r);
int madv_pageout(struct madvise_range *r);
int madv_collapse(struct madvise_range *r);
int madv_populate(struct madvise_range *r);
int madv_guard_install(struct madvise_range *r);
int madv_guard_remove(struct madvise_range *r);

#endif

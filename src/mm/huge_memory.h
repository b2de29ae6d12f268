/* What /sys/kernel/mm/transparent_hugepage sets. Nothing reads it but those files: there are no transparent
 * huge pages yet, whatever is allowed. See: Linux 6.18, mm/huge_memory.c, mm/khugepaged.c, mm/shmem.c;
 * Documentation/admin-guide/mm/transhuge.rst.
 */
#ifndef MM_HUGE_MEMORY_H
#define MM_HUGE_MEMORY_H

#include "base/types.h"

#define THP_MIN_SHIFT 13 /* the smallest size, in bytes a power of two: of shmem only */
#define THP_MAX_SHIFT 21
#define NR_THP_SIZES (THP_MAX_SHIFT - THP_MIN_SHIFT + 1)

/* A choice of words is the word's number in the order that the file shows. */
enum { THP_ALWAYS, THP_MADVISE, THP_NEVER };
enum { THP_DEFRAG_MADVISE = 3 };
enum { THP_SHMEM_NEVER = 3, THP_SHMEM_FORCE = 5 };
enum { THP_SIZE_INHERIT = 1, THP_SIZE_NEVER = 3 };
enum { THP_SIZE_SHMEM_NEVER = 4 };

/* Changed by the files only. */
struct thp_settings {
	u8 enabled, defrag, shmem;
	u8 size_enabled[NR_THP_SIZES], size_shmem[NR_THP_SIZES]; /* by shift - THP_MIN_SHIFT */
	u64 use_zero_page, shrink_underused;			 /* 0 or 1 */
	struct {
		u64 defrag; /* 0 or 1 */
		u64 alloc_sleep_millisecs, scan_sleep_millisecs, pages_to_scan;
		u64 max_ptes_none, max_ptes_shared, max_ptes_swap; /* of 512 */
	} khugepaged;
};

/* Linux's defaults where CONFIG_TRANSPARENT_HUGEPAGE_MADVISE is set. */
static inline void thp_settings_init(struct thp_settings *s)
{
	*s = (struct thp_settings){
		.enabled = THP_MADVISE,
		.defrag = THP_DEFRAG_MADVISE,
		.shmem = THP_SHMEM_NEVER,
		.use_zero_page = 1,
		.shrink_underused = 1,
		.khugepaged = {.defrag = 1,
			       .alloc_sleep_millisecs = 60000,
			       .scan_sleep_millisecs = 10000,
			       .pages_to_scan = 4096,
			       .max_ptes_none = 511,
			       .max_ptes_shared = 256,
			       .max_ptes_swap = 64},
	};
	for (unsigned i = 0; i < NR_THP_SIZES; i++) {
		s->size_enabled[i] = THP_SIZE_NEVER;
		s->size_shmem[i] = THP_SIZE_SHMEM_NEVER;
	}
	s->size_enabled[NR_THP_SIZES - 1] = THP_SIZE_INHERIT; /* a PMD's does as `enabled` says */
	s->size_shmem[NR_THP_SIZES - 1] = THP_SIZE_INHERIT;
}

#endif

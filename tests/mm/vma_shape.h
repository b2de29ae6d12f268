/* Areas as text, for tests that compare what maps would show, and for "a failed call changes
 * nothing": the same words as the probes print, "[0,2)rw-p [2,3)r--p". */
#ifndef TESTS_MM_VMA_SHAPE_H
#define TESTS_MM_VMA_SHAPE_H

#include "mm_world.h"

#define PG PAGE_SIZE
#define RW (PROT_READ | PROT_WRITE)
#define ARENA 0x10000000UL /* pages are numbered from here */
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* The areas of [ARENA, ARENA + pages); a static buffer. */
const char *shape(struct mm_struct *mm, u64 pages);
/* Everything a guest could notice: areas with all their fields, counters; malloc'ed. */
char *snapshot(struct mm_struct *mm);
/* Anonymous, fixed, at page @page of the arena. */
void fx(struct world *w, u64 page, u64 pages, u64 prot, u64 flags);

/* Lets the first allocation of @call fail, then the second, until it succeeds; each failure is
 * -@error and changes nothing. @prepare (may be NULL) runs before each try in a fresh world. */
typedef long vma_call(struct world *w);
void fails_cleanly(void (*prepare)(struct world *w), vma_call *call, long error);

#define CHECK_SHAPE(w, pages, text) CU_ASSERT_STRING_EQUAL(shape((w)->mm, pages), text)

#endif

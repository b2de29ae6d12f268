/* The smallest world in which address spaces run: memory, one mm, one TLB, and a "file" whose
 * bytes are a pattern. Every world ends with memory_validate(). */
#ifndef TESTS_MM_WORLD_H
#define TESTS_MM_WORLD_H

#include <string.h>

#include "base/err.h"
#include "mm/filemap.h"
#include "mm/mmap_flags.h"
#include "mm/vma_internal.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/uaccess.h"
#include "unit.h"

struct world {
	struct memory m;
	struct mm_struct *mm;
	struct mm_struct *child; /* of a test that wants one; it ends it */
	struct tlb tlb;
	u64 rlim[16];
	struct address_space file; /* of FILE_PAGES pages; byte i of page p is (u8)(p * 7 + 1) */
	unsigned file_reads, file_writes; /* pages asked from, given to, the "host" */
	u8 written[4096];		  /* the last page that was written back */
};

#define FILE_PAGES 100

/* Memory alone; what is given back must be valid. */
struct memory *new_memory(u64 size);
void end_memory(struct memory *m);

struct world *world_new(u64 ram);
void world_end(struct world *w);
/* mmap; the address, checked. */
gva_t world_map(struct world *w, gva_t addr, u64 pages, u64 prot, u64 flags);
gva_t world_map_file(struct world *w, gva_t addr, u64 pages, u64 prot, u64 flags, u64 pgoff);
/* A user access of one byte as cpu_run() and the task loop make it: TLB, fault, again.
 * 0 or the signal; *@sig (may be NULL) tells more. A write stores @val, a read returns in *@out. */
int touch(struct world *w, gva_t addr, enum tlb_access acc, u8 *byte, struct fault_signal *sig);
u8 peek(struct world *w, gva_t addr); /* must succeed */
void poke(struct world *w, gva_t addr, u8 val);
/* A second mm with what fork copies. */
struct mm_struct *world_fork(struct world *w);

#endif

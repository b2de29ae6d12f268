/* What the files of random_mm share. random_mm.c chooses steps and has the children; access.c, areas.c and
 * objects.c take the steps; state.c tells what the kernel says after each. A guest program: built by
 * tests/guest/guest.mk, linked with libc only. */
#ifndef RANDOM_MM_H
#define RANDOM_MM_H

#include <stdbool.h>
#include <stdint.h>

#define PG 4096UL
#define ARENA ((char *)0x100000000000UL) /* where most happens; 2 MiB aligned, smaller than that */
#define PAGES 64L
#define GROW ((char *)0x110000000000UL) /* stacks: areas that grow down, and their neighbours */
#define GROW_PAGES 4096L
#define FILE_PAGES 40L /* of each file */

/* Printing is gathered, and written by put_flush(): stdio would touch memory of its own. */
void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void put_flush(void);

/* Touches all memory that this program itself uses, so that what a report costs in pages is the
 * same wherever the kernel cuts its texts: after a fork, each page is copied here and now. */
void state_warm(void);
/* Prints one hash each of maps, smaps, status, mincore and pagemap; the texts too, if @show. */
void state_report(bool show);
/* Is there an area of a scratch file in [@page, @page + @n) of the arena? As of the last report. */
bool state_file_in_arena(long page, long n);
/* VmSize and VmData of the last report, in bytes. */
unsigned long state_vm_size(void), state_vm_data(void);

extern bool keep_referenced; /* smaps' Referenced is part of the hash: see docs/adr/0002 */

/* --- random_mm.c: the stream ----------------------------------------------------------------- */

extern int depth;	   /* 0: the first process; its children's is 1, theirs 2 */
extern bool only_accesses; /* -r */

/* A number below @n, which is not 0. All steps draw from one seeded stream: their order is part of it. */
unsigned rnd(unsigned n);
#define PICK(array) array[rnd(sizeof(array) / sizeof(*(array)))]
/* A stretch of the arena's pages, [@at, @at + @n), mostly short. */
void range(long *at, long *n);
/* Prints what a call returned, with errno if it was -1. */
void result(long r);

/* --- access.c ---------------------------------------------------------------------------------- */

void catch_faults(void);
/* Reads, writes or calls (@how 0, 1, 2) the byte at @at, and prints what came of it. */
void access_byte(char *at, int how);
void do_touch(void);
void do_touch_many(void);

/* --- areas.c ------------------------------------------------------------------------------------ */

/* Once, at the start: where the break is; no limits. */
void areas_begin(void);
/* At each step: a limit that do_limit() set goes away after some. */
void limit_passes(void);
void do_mmap(void);
void do_mmap_anywhere(void);
void do_mremap(void);
void do_mremap_away(void);
void do_munmap(void);
void do_mprotect(void);
void do_remap_file_pages(void);
void do_name(void);
void do_seal(void);
void do_advise(void);
void do_lock(void);
void do_msync(void);
void do_brk(void);
void do_away(void);
void do_stack(void);
void do_limit(void);

/* --- objects.c ---------------------------------------------------------------------------------- */

enum { MEMFD, MEMFD2, SCRATCH, SCRATCH2, READ_ONLY, NR_FDS };
extern int fds[NR_FDS];

void make_objects(void);
/* All pages of both, as at first: after their pages were taken away. */
void fill_scratch_files(void);
void sync_scratch_files(void);
void do_scratch_file(void);
void do_memfd(void);
void do_kernel_copy(void);

#endif

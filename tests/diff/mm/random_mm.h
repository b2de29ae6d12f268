/* What the two files of random_mm share: random_mm.c takes steps, state.c tells what the kernel says
 * afterwards. A guest program: built by tests/guest/guest.mk, linked with libc only. */
#ifndef RANDOM_MM_H
#define RANDOM_MM_H

#include <stdbool.h>
#include <stdint.h>

#define PG 4096UL
#define ARENA ((char *)0x100000000000UL) /* where most happens; 2 MiB aligned, smaller than that */
#define PAGES 64L
#define GROW ((char *)0x110000000000UL) /* stacks: areas that grow down, and their neighbours */
#define GROW_PAGES 4096L

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

#endif

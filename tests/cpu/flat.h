/* The smallest machine that cpu_run() works in: a few guest pages at FLAT_BASE, page tables made
 * by hand, one CPU. No VMAs, no faults served. Shared by the tests of src/cpu and tests/diff. */
#ifndef TESTS_CPU_FLAT_H
#define TESTS_CPU_FLAT_H

#include "cpu/cpu.h"
#include "mm/memory.h"

struct mm_struct;

#define FLAT_BASE 0x10000000UL /* below 4 GiB: 32-bit addresses and images reach it */
#define FLAT_PAGES 32

/* Rights of a page, as pte bits; FLAT_NONE: not present. */
#define FLAT_NONE 0UL
#define FLAT_R 1UL
#define FLAT_W 2UL
#define FLAT_X 4UL
#define FLAT_RWX 7UL

struct flat {
	struct memory mem;
	struct mm_struct *mm;
	CPU_AND_STACK(cpu);
	struct fpu_state fpu;
	struct code_cache *code;
};

/* FLAT_TRANSLATE=jit or lockstep in the environment: as after flat_translate().
 *
 * A machine of @model, with the host's signal handlers (anew each time), whose pages are all
 * FLAT_RWX and zero, registers as at exec. Aborts when the host has no memory. */
struct flat *flat_new(enum cpu_model model);
/* The same with another first level of the TLB: 16 .. 4096 entries. */
struct flat *flat_new_tlb(enum cpu_model model, u32 l1_entries);
void flat_free(struct flat *f);
/* Blocks are translated the first time they are entered, from now on; @lockstep: the interpreter beside. False: the
 * host cannot. */
bool flat_translate(struct flat *f, bool lockstep);
/* The same with @size bytes of code. */
bool flat_translate_in(struct flat *f, bool lockstep, u64 size);
/* The same, after @hot entries. */
bool flat_translate_hot(struct flat *f, bool lockstep, u16 hot);
/* Gives the page that holds @addr other rights. */
void flat_protect(struct flat *f, gva_t addr, unsigned long rights);
/* The page of @addr shows, with these rights, the frame that the page of @frame shows at first. */
void flat_map(struct flat *f, gva_t addr, gva_t frame, unsigned long rights);
/* The page's entry, bits as the CPU knows them. */
u64 flat_pte(struct flat *f, gva_t addr);
/* Host address of guest memory, where flat_new() has put it. */
void *flat_ptr(struct flat *f, gva_t addr);
/* Copies code to guest memory, telling the code cache. */
void flat_write(struct flat *f, gva_t addr, const void *bytes, size_t len);

#endif

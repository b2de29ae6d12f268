/* What translated code calls, by way of stubs.c. All core; they run on the stack below struct cpu. */
#ifndef CPU_JIT_CALL_H
#define CPU_JIT_CALL_H

#include "base/types.h"
#include "mm/tlb.h"

struct cpu;

/**
 * jit_tlb_miss - an inline look-up has missed
 * @index: where it looked in the table, in bytes
 * @tag:   what it wanted to find there; low bits set: misaligned
 * @site:  where
 *
 * Return: 0: look again, it will hit; else the unit has to be left, nothing has changed.
 */
u64 jit_tlb_miss(struct cpu *cpu, enum tlb_access acc, u64 index, u64 tag, u64 site);

/* Runs the interpreter's handler of the instruction at @site; guest registers are in cpu->regs, the host's
 * flags in cpu->jit.host_cc. 0: go on behind it, flags in cpu->cc; else the CPU stopped, or code changed. */
u64 jit_run_handler(struct cpu *cpu, u64 site);

/* Where a computed jump to @rip goes: its index in struct tlb_code; -1: the interpreter has to see. */
int jit_find_jump(struct cpu *cpu, gva_t rip);

/* Whether the page that @site, a jump to another page, leads to is where it was when that was linked, as
 * tlb_code.page says then: 0; else -1. */
int jit_check_page(struct cpu *cpu, u64 site);

/* The same for the page that has number @n. */
int jit_check_seam(struct cpu *cpu, u64 n);

/* Flags of JF_LAZY to cpu->cc. */
void jit_unlazy(struct cpu *cpu);

#endif

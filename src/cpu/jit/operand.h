/* operand.c: the inline look-up of a memory operand. */
#ifndef CPU_JIT_OPERAND_H
#define CPU_JIT_OPERAND_H

#include "cpu/cpu.h"

struct hmem;
struct cold;
struct tr;

/* Looks up the E operand, or [rsp + disp] and kin. False: an address that this cannot do. */
bool jit_lookup_e(struct tr *t, unsigned size, enum tlb_access acc, unsigned align, struct hmem *m);
void jit_lookup_stack(struct tr *t, unsigned gpr, s32 disp, enum tlb_access acc, struct hmem *m);
/* The sum that the E operand's address is, less the segment, into host register @to, H_S0 or H_S1. Touches no flag,
 * uses @to and H_S2. */
void jit_emit_address(struct tr *t, unsigned to, bool segment);

/* The same for [reg + disp], a host register, off the stack pointer: by struct tlb's window. The addend into H_S1.
 * @group: SITE_PLAIN if it fails; else as for one access. */
void jit_emit_stack(struct tr *t, unsigned reg, s32 disp, unsigned size, enum tlb_access acc,
		    bool group);
/* Compares only: the flags of jae if it is not in the window; then the addend. */
void jit_emit_in_window(struct tr *t, unsigned reg, s32 disp, unsigned size);
void jit_emit_window_addend(struct tr *t);
/* Out of line. */
void jit_emit_stack_miss(struct tr *t, const struct cold *s);
/* The look-up made last, if it was not there already, leaves where it would be made again: H_S0 does not survive a miss;
 * and to try both look-ups of an instruction again might go on for ever, if they are of one slot of the TLB. */
void jit_lookup_once(struct tr *t, unsigned nr_cold);

/* prefetch and prefetchw, with an operand in memory. */
void jit_emit_prefetch(struct tr *t);

/* A look-up will be made, or a group's addend is used: adds to struct jit_ran if anybody wants to know. That of a look-up
 * changes the host's flags, that of a group H_S1. */
void jit_emit_count_look(struct tr *t, enum tlb_access acc, enum jit_look how);
void jit_emit_count_grouped(struct tr *t);
/* The count at @off of struct cpu; the host's flags are lost. */
void jit_emit_count_at(struct tr *t, u32 off);

/* Out of line: a group's look-up at its first access failed. */
void jit_emit_begin_miss(struct tr *t, const struct cold *s);

/* Half a look-up: index from the first byte, in @from, into H_S1, tag from the last, in H_S2, compared;
 * then the addend into H_S1. */
void jit_emit_compare(struct tr *t, unsigned from, enum tlb_access acc, unsigned align);
void jit_emit_addend(struct tr *t);

#endif

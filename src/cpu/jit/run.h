/* Between run.c and chain.c. */
#ifndef CPU_JIT_RUN_H
#define CPU_JIT_RUN_H

#include "cpu/jit/internal.h"

/* Handlers of the first instruction of a block: not translated yet, translated. */
op_fn jit_op_heat, jit_op_run;

/* Runs @u and what follows it, with registers in cpu->regs, flags in cpu->cc. What the interpreter goes on with,
 * in cpu->block, or code->again; NULL: the CPU has stopped. */
const struct insn *jit_execute(struct cpu *cpu, struct jit_unit *u);
/* The unit of @b whose flags arrive as JF_LAZY; NULL: no room. */
struct jit_unit *jit_general(struct jit *j, struct cpu *cpu, struct block *b);
/* The unit without groups for the same as @u. NULL: no room. */
struct jit_unit *jit_plain(struct jit *j, struct cpu *cpu, const struct jit_unit *u);
/* Where @site, whose flags are as @fl says, goes on: the unit of cpu->block, linked if it can be. NULL: the
 * interpreter does it, being cold. */
struct jit_unit *jit_follow(struct jit *j, struct cpu *cpu, u32 site, const struct jflags *fl);
void jit_link(struct jit *j, u32 site, struct jit_unit *u, const u8 *entry);
/* Computed jumps find @u from now on. */
void jit_remember(struct jit *j, const struct jit_unit *u);
/* No unit is there. */
void jit_reset(struct jit *j);

static inline struct block *jit_mini(struct jit *j)
{
	return (struct block *)j->mini;
}

#endif

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
/* A trace instead of @u, which is gone then: jumps to it lead there. NULL: no room. */
struct jit_unit *jit_hotter(struct jit *j, struct cpu *cpu, struct jit_unit *u);
/* The unit that goes on from @s where its own cannot: without what follows, without groups. NULL: no room. */
struct jit_unit *jit_plainer(struct jit *j, struct cpu *cpu, const struct jit_site *s);
/* Where @site, whose flags are as @fl says, goes on: the unit of cpu->block, linked if it can be. NULL: the
 * interpreter does it, being cold. */
struct jit_unit *jit_follow(struct jit *j, struct cpu *cpu, u32 site, const struct jflags *fl);
void jit_link(struct jit *j, u32 site, struct jit_unit *u);
/* The jump of @site, which is linked, leads to its stub again. */
void jit_forget_link(struct jit *j, u32 site);
/* Nothing leads to @u any more, and its block does not know it and, if it was the best, is counted anew; who stands in it
 * finds it dead. For each unit that goes, but not for jit_flush(), where all do. */
void jit_forget_unit(struct jit *j, struct jit_unit *u);
/* Computed jumps find @u from now on; its index in the table. */
u32 jit_remember(struct jit *j, struct cpu *cpu, const struct jit_unit *u);
/* Nothing is in the table of computed jumps that may be wrong. Before translated code is entered. */
void jit_settle_jumps(struct cpu *cpu);
/* Host code goes or has gone: an address of it that somebody keeps may lead anywhere. */
void jit_code_goes(struct jit *j);

/* evict.c. No unit is there. */
void jit_reset(struct jit *j);
/* Cuts the code memory behind the stubs, and the tables, which have these sizes, into generations. */
void jit_make_gens(struct jit *j, u32 units, u32 sites, u32 traps, u32 parts);
/* Makes room: the oldest generation goes. Nobody may stand in a unit, or hold the number of a site. */
void jit_evict(struct jit *j);
/* The generation that has the code at offset @at. */
const struct jit_gen *jit_gen_at(const struct jit *j, u32 at);

static inline struct block *jit_mini(struct jit *j)
{
	return (struct block *)j->mini;
}

#endif

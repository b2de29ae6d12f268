/* values.c: what is known of registers, instruction by instruction. */
#ifndef CPU_JIT_VALUES_H
#define CPU_JIT_VALUES_H

#include "cpu/insn.h"

struct jit_rule;

/* What registers are: a register where a part begins, and a constant. */
struct values {
	struct {
		s8 root; /* -1: something else */
		u8 part;
		u8 born; /* 0: where the part begins; else behind this instruction, counted from 1 */
		s32 delta;
	} of[NR_GPR];
	u8 part, now; /* as born */
};

/* @gpr has a value that nothing is known of: others may come from it. */
void jit_value_new(struct values *v, unsigned gpr, u8 born);
/* What registers are behind @in. */
void jit_values_follow(struct values *v, const struct insn *in, const struct insn_row *row,
		       const struct jit_rule *rule);

#endif

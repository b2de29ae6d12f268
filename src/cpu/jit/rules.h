/* rules.def, as C sees it: how instructions are translated. */
#ifndef CPU_JIT_RULES_H
#define CPU_JIT_RULES_H

#include "cpu/insn.h"

/* Kinds of rules. */
enum rule_kind {
	RULE_NONE, /* by a call of the interpreter's handler */
	RULE_GPR,
	RULE_VEC,
	RULE_NOP,
	RULE_LEA,
	RULE_PUSH,
	RULE_PUSH_I,
	RULE_PUSH_E,
	RULE_POP,
	RULE_LEAVE,
	RULE_JMP,
	RULE_JCC,
	RULE_COUNT,
	RULE_CALL,
	RULE_CALL_E,
	RULE_JMP_E,
	RULE_RET,
};

/* What an instruction does to its operands, as ModRM has them, and to registers that it does not name. */
#define RO_ER 1 /* E read */
#define RO_EW 2
#define RO_GR 4
#define RO_GW 8
#define RO_VR 16 /* VEX.vvvv */
#define RO_VW 32
#define RO_AW 64 /* rax */
#define RO_DW 128
#define RO_CW 256
#define RO_EREG 512  /* E in memory is something else: bit strings */
#define RO_PTRS 2048 /* x87: FIP, FDP and FOP are its own afterwards */
#define RO_X87 4096  /* needs this part of the unit loaded: fpu.h */
#define RO_AVX 8192
#define RO_AVX512 16384
#define RO_FULL                                                                                    \
	1024 /* writes all flags whatever they were, though the row says that it reads some */

/* What a row of rules.def says. */
struct jit_rule {
	op_fn *const *set;
	u8 kind;
	u8 flags; /* enum jf_kind; JF_HOST: nothing to repeat */
	u16 roles;
};

extern const struct jit_rule jit_rules[];
extern const unsigned nr_jit_rules;

#endif

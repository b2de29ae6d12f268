/* The instruction decoder: bytes to struct decoded, struct decoded to struct insn. Knows encodings
 * only; what instructions do is in op_*.c, where code comes from is block.c's business.
 *
 * All core; no function here reads guest memory, faults or keeps anything: what is known of an instruction
 * is in the struct that the caller gave, and a translator may use them as block.c does. */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include "cpu/insn.h"

/* Index over insn_rows[]; open because block.c embeds it. */
struct decoder {
	u16 first[NR_MAPS][256]; /* first row of an opcode, NO_ROW: none */
	u16 next[4096];		 /* next row of the same opcode, in table order */
};

enum decode_result {
	DECODE_OK,
	DECODE_MORE,  /* the instruction goes on behind the @n bytes given */
	DECODE_FAULT, /* d->vector; d->len covers what was looked at */
};

/* Builds the index. Once a code cache; later only read. */
void decoder_init(struct decoder *dec);

/**
 * decode - decode one instruction of 64-bit mode
 * @feats: bit mask of enum cpu_feat that exist
 * @code:  @n bytes, of which the first 15 at most are looked at
 * @d:     filled whatever comes out
 *
 * DECODE_MORE comes only with less than 15 bytes given. Longer than 15 bytes is #GP; an encoding without a
 * row, or LOCK where it is not allowed, #UD.
 * See: SDM vol. 2A, chapter 2.
 */
enum decode_result decode(const struct decoder *dec, u64 feats, const u8 *code, unsigned n,
			  struct decoded *d);

/**
 * insn_bind - what execution needs of @d, which decode() gave with DECODE_OK
 * @rip:     guest address of the instruction
 * @base:    what regs.rip holds while its block runs; @rip - @base fits in 16 bits, signed
 * @careful: memory operands take the variant that checks EFLAGS.AC
 *
 * Of THUNK rows imm and fn are left to thunk_bind().
 */
void insn_bind(const struct decoded *d, gva_t rip, gva_t base, bool careful, struct insn *in);
/* Nobody reads the flags that @in writes, neither an instruction nor a signal handler after a fault or stop
 * (block.c, mark_dead_flags()): takes the variant that does not keep them. */
void insn_flags_dead(struct insn *in);

#endif

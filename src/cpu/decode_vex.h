/* What decode.c and decode_vex.c share: the reader of code bytes, and the steps for VEX and EVEX.
 * Included by those two, and by those who write
 * instructions anew. */
#ifndef CPU_DECODE_VEX_H
#define CPU_DECODE_VEX_H

#include "cpu/insn.h"

/* Where the reader stands. */
struct reader {
	const u8 *code;
	unsigned n, at; /* bytes there are, bytes read */
	unsigned tail;	/* bytes of immediate of what has no row and no map of its own */
	bool more;	/* wanted byte n */
	bool too_long;	/* wanted byte 15 */
};

static inline u8 next_byte(struct reader *r)
{
	if (r->at >= 15) {
		r->too_long = true;
		return 0;
	}
	if (r->at >= r->n) {
		r->more = true;
		return 0;
	}
	return r->code[r->at++];
}

/* ModRM, SIB and displacement. */
void read_modrm(struct reader *r, struct decoded *d);

/**
 * vex_read - VEX, EVEX or XOP up to the opcode byte
 * @first: C4, C5, 62 or 8F, read already
 *
 * Fills map, op, rex (W, R, X, B), pfx, vvvv, vl and evex of @d. False: no row can match, because
 * the prefix is malformed or there is nothing there; map then only says what follows.
 */
bool vex_read(struct reader *r, struct decoded *d, u8 first);
/* Does @row, of a VEX or EVEX map, match as to W, L, vvvv, mask, b, and what it needs of @feats
 * besides its own feature? @modrm: see find_row(). */
bool vex_row_matches(const struct insn_row *row, const struct decoded *d, u8 modrm, u64 feats);
/* After ModRM: the upper half of the register file, disp8 * N. @code: the whole instruction.
 * False: #UD after all. */
bool vex_finish(struct decoded *d, const u8 *code, u64 feats);

static inline bool map_is_vex(unsigned map)
{
	return map >= MAP_V0F;
}

static inline bool map_is_evex(unsigned map)
{
	return map >= MAP_E0F;
}

/* Bytes of the memory operand of a VEX or EVEX instruction; @width is the form's. */
unsigned vex_mem_size(const struct insn_row *row, const struct decoded *d);

#endif

/* Native thunks where the host grants no executable memory: host code for every x87, MMX and SSE row is part of
 * Vellum itself, once for each immediate, with its registers at fixed places. What thunk.h makes at run time for the
 * guest's own register numbers, is here a move there and back:
 *
 *   guest   addpd xmm9, xmm4      thunk   call in: keep xmm1, xmm2; xmm1 <- xmm9, xmm2 <- xmm4
 *                                         addpd xmm1, xmm2; ret           (one of thunk_static_code)
 *                                         xmm1, xmm2 <- kept; what changed goes to xmm9 or xmm4
 *
 * Callers see no difference: a thunk is one of a row of stubs, whose place says which of the pool's notes to go by.
 * Ten times slower, and without VEX and EVEX, so `--cpu v2` at most. Core.
 */
#ifndef CPU_THUNK_STATIC_H
#define CPU_THUNK_STATIC_H

#include "cpu/insn.h"
#include "cpu/thunk.h"

#define THUNK_STATIC_MAX 4096U /* stubs */

/* A thunk: which code, and where its operands are. */
struct thunk_note {
	u32 code;   /* number of the slot; see first[] */
	u8 reg[2];  /* the guest's numbers: modrm.reg, modrm.rm */
	u8 file[2]; /* of which registers; enum thunk_file */
	u8 kind;    /* enum thunk_kind */
	u8 string;  /* rcx is no vector afterwards */
	u8 dest;    /* index in reg[] of the MMX register that is written; 2: none */
	u8 unused[5];
};

enum thunk_file { FILE_NONE, FILE_XMM, FILE_MMX };

struct thunk_static {
	struct thunk_note note[THUNK_STATIC_MAX];
	u32 first[4096]; /* by row of opcodes.def: its first slot of code, and 1; 0: none */
	bool mmx[4096], string[4096]; /* by row */
};

/* Code of this file and of Vellum's text, for host_signals.h: an exception in it goes on at @exit. */
void thunk_static_region(u64 *start, u64 *end, u64 *exit);
/* @p is the one pool of the process that works like this, with p->notes zeroed. False: there is one already. */
bool thunk_static_init(struct thunk_pool *p);
void thunk_static_free(struct thunk_pool *p);
/* Forgets all but FWAIT's, at THUNK_FWAIT. */
void thunk_static_reset(struct thunk_pool *p);
/* thunk_make() of an instruction; NULL: no room. A row without code (none of `--cpu v2`) is a bug. */
const void *thunk_static_make(struct thunk_pool *p, const struct decoded *d, enum thunk_kind kind);

#endif

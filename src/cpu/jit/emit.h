/* Encoder of host instructions: what a translation is written with.
 *
 * Code is written through one mapping and runs in another (codemem.c); distances are the same in both, so
 * relative jumps need no thought, and nothing here knows an absolute address of code.
 *
 * An instruction is a word made of the macros below and one or two operands:
 *
 *	emit_rr(e, X_MOV_LOAD | X_W, R_RAX, R_RDX)        mov rax, rdx
 *	emit_rm(e, X_CMP_RM | X_W, H_S2, &m)              cmp r11, [m]
 *
 * Who calls sees to it that there is room (struct emit's end). Core code.
 */
#ifndef CPU_JIT_EMIT_H
#define CPU_JIT_EMIT_H

#include "base/types.h"

#include <string.h>

struct emit {
	u8 *p;	 /* where the next byte goes, writable mapping */
	u8 *end; /* of the room */
};

/* A memory operand of the host's: [base + (index << scale) + disp], -1: none. */
struct hmem {
	s8 base, index;
	u8 scale;
	bool gs;     /* in the TLB's table */
	bool disp32; /* never a short displacement: EVEX scales that */
	s32 disp;
};

/* Opcode, map and prefixes in one word. */
#define X_0F 0x100U
#define X_0F38 0x200U
#define X_0F3A 0x300U
#define X_W 0x400U  /* REX.W */
#define X_66 0x800U /* prefixes */
#define X_F2 0x1000U
#define X_F3 0x2000U
#define X_BYTE 0x4000U /* byte registers 4 to 7 are spl .. dil */

/* Opcodes that translations are made of besides the guest's own. */
#define X_ADD_RM 0x03U
#define X_OR_RM 0x0bU
#define X_AND_RM 0x23U
#define X_SUB_RM 0x2bU
#define X_XOR_RM 0x33U
#define X_CMP_RM 0x3bU
#define X_CMP_MR 0x39U
#define X_TEST 0x85U
#define X_MOV_LOAD 0x8bU
#define X_MOV_STORE 0x89U
#define X_MOV_IMM 0xc7U /* /0 */
#define X_LEA 0x8dU
#define X_GRP1_IB 0x83U /* /n ib: add or adc sbb and sub xor cmp */
#define X_GRP1_IZ 0x81U
#define X_MOVZX_B (X_0F | 0xb6U)
#define X_MOVZX_W (X_0F | 0xb7U)
#define X_SHIFT_IB 0xc1U /* /4 shl, /5 shr, /7 sar */
#define GRP_ADD 0
#define GRP_AND 4
#define GRP_SUB 5
#define GRP_XOR 6
#define GRP_CMP 7

static inline void emit_8(struct emit *e, u8 v)
{
	*e->p++ = v;
}

static inline void emit_16(struct emit *e, u16 v)
{
	memcpy(e->p, &v, sizeof(v));
	e->p += sizeof(v);
}

static inline void emit_32(struct emit *e, u32 v)
{
	memcpy(e->p, &v, sizeof(v));
	e->p += sizeof(v);
}

static inline void emit_64(struct emit *e, u64 v)
{
	memcpy(e->p, &v, sizeof(v));
	e->p += sizeof(v);
}

static inline void emit_bytes(struct emit *e, const void *bytes, unsigned n)
{
	memcpy(e->p, bytes, n);
	e->p += n;
}

static inline bool fits_s8(s64 v)
{
	return v == (s8)v;
}

static inline bool fits_s32(s64 v)
{
	return v == (s32)v;
}

/* Bits X and B of a memory operand. */
static inline u8 hmem_rex(const struct hmem *m)
{
	return (m->index > 7 ? 2 : 0) | (m->base > 7 ? 1 : 0);
}

/* ModRM, SIB, displacement. */
void emit_modrm_mem(struct emit *e, unsigned reg, const struct hmem *m);
/* @op with register operands, modrm.reg and modrm.rm. */
void emit_rr(struct emit *e, u32 op, unsigned reg, unsigned rm);
/* @op with a register, or an opcode's extension, and memory. */
void emit_rm(struct emit *e, u32 op, unsigned reg, const struct hmem *m);
/* @op with a register in the opcode's low bits. */
void emit_z(struct emit *e, u32 op, unsigned reg);
/* Group 1 (GRP_*) of a register and an immediate, short where that does. @op: X_W or 0. */
void emit_grp1(struct emit *e, u32 op, unsigned grp, unsigned reg, s32 imm);
/* rorx @to, @from, @by of 64 bits: touches no flag; BMI2. */
void emit_rorx(struct emit *e, unsigned to, unsigned from, u8 by);
/* mov reg, value, in the shortest form; touches no flag. */
void emit_mov_imm(struct emit *e, unsigned reg, u64 value);
/* call and jmp to @to, an address of the same mapping; a jump's offset field is at p - 4 afterwards. */
void emit_call(struct emit *e, const u8 *to);
void emit_jmp(struct emit *e, const u8 *to);
/* jcc; @to NULL: filled in by emit_patch(). Returns the end of its offset field. */
u8 *emit_jcc(struct emit *e, unsigned cc, const u8 *to);
/* Makes the jump whose offset field ends at @at lead to @to. */
void emit_patch(u8 *at, const u8 *to);

#endif

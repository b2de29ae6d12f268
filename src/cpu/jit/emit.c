/* The encoder's longer functions. See emit.h; SDM vol. 2A, chapter 2. */
#include "cpu/jit/emit.h"

static void put_opcode(struct emit *e, u32 op, u8 rex)
{
	if (op & X_66)
		emit_8(e, 0x66);
	if (op & X_F2)
		emit_8(e, 0xf2);
	if (op & X_F3)
		emit_8(e, 0xf3);
	rex |= op & X_W ? 8 : 0;
	if (rex || (op & X_BYTE))
		emit_8(e, 0x40 | rex);
	switch (op & 0x300) {
	case X_0F:
		emit_8(e, 0x0f);
		break;
	case X_0F38:
		emit_8(e, 0x0f);
		emit_8(e, 0x38);
		break;
	case X_0F3A:
		emit_8(e, 0x0f);
		emit_8(e, 0x3a);
		break;
	default:
		break;
	}
	emit_8(e, (u8)op);
}

void emit_modrm_mem(struct emit *e, unsigned reg, const struct hmem *m)
{
	unsigned r = (reg & 7) << 3, mod;

	if (m->base < 0) {
		emit_8(e, r | 4);
		emit_8(e, m->scale << 6 | (m->index < 0 ? 4 : m->index & 7) << 3 | 5);
		emit_32(e, (u32)m->disp);
		return;
	}
	if (m->disp32)
		mod = 2;
	else if (!m->disp && (m->base & 7) != 5)
		mod = 0;
	else
		mod = fits_s8(m->disp) ? 1 : 2;
	if (m->index >= 0 || (m->base & 7) == 4) {
		emit_8(e, mod << 6 | r | 4);
		emit_8(e, m->scale << 6 | (m->index < 0 ? 4 : m->index & 7) << 3 | (m->base & 7));
	} else {
		emit_8(e, mod << 6 | r | (m->base & 7));
	}
	if (mod == 1)
		emit_8(e, (u8)m->disp);
	else if (mod == 2)
		emit_32(e, (u32)m->disp);
}

void emit_rr(struct emit *e, u32 op, unsigned reg, unsigned rm)
{
	put_opcode(e, op, (reg > 7 ? 4 : 0) | (rm > 7 ? 1 : 0));
	emit_8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void emit_rm(struct emit *e, u32 op, unsigned reg, const struct hmem *m)
{
	if (m->gs)
		emit_8(e, 0x65);
	put_opcode(e, op, (reg > 7 ? 4 : 0) | hmem_rex(m));
	emit_modrm_mem(e, reg, m);
}

void emit_z(struct emit *e, u32 op, unsigned reg)
{
	put_opcode(e, (op & ~7U) | (reg & 7), reg > 7 ? 1 : 0);
}

void emit_grp1(struct emit *e, u32 op, unsigned grp, unsigned reg, s32 imm)
{
	if (fits_s8(imm)) {
		emit_rr(e, op | X_GRP1_IB, grp, reg);
		emit_8(e, (u8)imm);
	} else {
		emit_rr(e, op | X_GRP1_IZ, grp, reg);
		emit_32(e, (u32)imm);
	}
}

void emit_rorx(struct emit *e, unsigned to, unsigned from, u8 by)
{
	emit_8(e, 0xc4);
	emit_8(e, (u8)(0x43 | (to > 7 ? 0 : 0x80) | (from > 7 ? 0 : 0x20)));
	emit_8(e, 0xfb);
	emit_8(e, 0xf0);
	emit_8(e, (u8)(0xc0 | (to & 7) << 3 | (from & 7)));
	emit_8(e, by);
}

void emit_mov_imm(struct emit *e, unsigned reg, u64 value)
{
	if (value == (u32)value) {
		emit_z(e, 0xb8, reg);
		emit_32(e, (u32)value);
	} else if (fits_s32((s64)value)) {
		emit_rr(e, X_MOV_IMM | X_W, 0, reg);
		emit_32(e, (u32)value);
	} else {
		emit_z(e, 0xb8 | X_W, reg);
		emit_64(e, value);
	}
}

void emit_patch(u8 *at, const u8 *to)
{
	s32 rel = (s32)(to - at);

	memcpy(at - 4, &rel, sizeof(rel));
}

void emit_call(struct emit *e, const u8 *to)
{
	emit_8(e, 0xe8);
	e->p += 4;
	emit_patch(e->p, to);
}

void emit_jmp(struct emit *e, const u8 *to)
{
	emit_8(e, 0xe9);
	e->p += 4;
	emit_patch(e->p, to);
}

u8 *emit_jcc(struct emit *e, unsigned cc, const u8 *to)
{
	emit_8(e, 0x0f);
	emit_8(e, 0x80 | cc);
	e->p += 4;
	if (to)
		emit_patch(e->p, to);
	return e->p;
}

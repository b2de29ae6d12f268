/* The state around a trial's instruction: registers, segment bases and data such that operands,
 * explicit or not, lie in the arena, and branches go where an exit is. */
#include <string.h>

#include "cpu/fpu.h"
#include "cpu/model.h"
#include "operands.h"
#include "random.h"
#include "trial.h"

extern op_set op_gp, op_ud, op_umip, op_mov_cr, op_mov_dr, op_mov_to_sel, op_pop_sel, op_push_sel,
	op_lar_lsl, op_verr_verw, op_far_branch, op_retf, op_load_far, op_int, op_movs, op_stos,
	op_lods, op_cmps, op_scas, op_clzero, op_xlat, op_leave, op_enter, op_popf, op_maskmovdqu,
	op_maskmovq, op_cmpxchg, op_cmpxchg8b, op_cmpxchg16b, op_div, op_idiv, op_ldmxcsr,
	op_xgetbv, op_movdir64b;

static const struct insn_row *row_of(const struct trial *t)
{
	return &insn_rows[t->row];
}

static bool does(const struct trial *t, const op_set set)
{
	return row_of(t)->set == set;
}

bool trial_raises(const struct insn_row *row)
{
	return row->set == op_gp || row->set == op_ud || row->set == op_umip ||
	       row->set == op_mov_cr || row->set == op_mov_dr || row->set == op_int ||
	       !strcmp(row->name, "int3");
}

bool trial_unsafe(const struct insn_row *row)
{
	static const char *const names[] = {"syscall", "int1", "iret"};

	if (row->set == op_far_branch || row->set == op_retf || row->set == op_load_far)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(row->name, names[i]))
			return true;
	return false;
}

static u64 *reg_at(struct trial *t, unsigned off)
{
	return &t->before.gpr[off / 8];
}

static bool is_string(const struct trial *t)
{
	return does(t, op_movs) || does(t, op_stos) || does(t, op_lods) || does(t, op_cmps) ||
	       does(t, op_scas);
}

/* ---- Where the operand lies ----------------------------------------------------------------- */

static bool is_xsave(const struct insn_row *row)
{
	return !(row->attr & ENDS) && row->map == MAP_0F && row->op != 0x01 &&
	       (row->feat == FEAT_XSAVE || row->feat == FEAT_XSAVEOPT || row->feat == FEAT_XSAVEC);
}

static void choose_target(struct trial *t)
{
	u64 off = below(ARENA_LEN - 0x1000 - 64) + 64, keep = one_in(8) ? 0 : one_in(2) ? 63 : 15;
	bool fault;

	t->arena = t->wish & FB(absent)	    ? ARENA_ABSENT
		   : t->wish & FB(readonly) ? ARENA_READONLY
					    : 0;
	if (!(t->wish & (FB(absent) | FB(readonly))) && one_in(6))
		t->arena = 1 + below(2);
	fault = t->arena && !one_in(4);
	if (fault || one_in(4)) {
		off = PAGE_SIZE - below(one_in(2) ? 16 : 80);
		if (one_in(3))
			off = PAGE_SIZE + below(PAGE_SIZE - 0xb00);
		if (!one_in(4) && (row_of(t)->attr & ALIGN))
			off = (off + 63) & ~63UL;
		keep = 0;
	}
	if (is_xsave(row_of(t)) && t->arena == ARENA_READONLY && !(t->wish & FB(readonly)))
		t->arena =
			ARENA_RW; /* XRSTOR: its layouts must not meet the page that never changes */
	if (ATTR_MEM_SIZE(row_of(t)->attr) == 512 || is_xsave(row_of(t))) {
		off = t->arena ? below(20) << 6 : below(64) << 6;
		if (t->arena && one_in(2)) /* no layout ends here */
			off = PAGE_SIZE - (below(10) << 6);
		keep = one_in(8) ? 0 : 63;
		off |= keep ? 0 : below(64);
	}
	if (t->wish & FB(unaligned)) {
		off |= 1 + below(15);
		keep = 0;
	}
	t->target = ARENA(t->arena) + (off & ~keep);
}

static u64 segment_base(const struct trial *t)
{
	if (t->d.seg == OFF_FS_BASE)
		return t->before.fs_base;
	return t->d.seg == OFF_GS_BASE ? t->before.gs_base : 0;
}

/* What a register that holds the whole address must be. 32 bits of it count with 67. */
static u64 pointer(const struct trial *t, u64 address)
{
	u64 v = address - segment_base(t);

	return t->d.asize ? (u32)v | rnd() << 32 : v;
}

static void put_disp(struct trial *t, s64 disp)
{
	memcpy(t->code + t->d.disp_at, &disp, t->d.disp_len);
}

/* Indexes of a gather, small enough to stay in the arena, and a mask of some. */
static void make_indexes(struct trial *t)
{
	const struct insn_row *row = row_of(t);
	u8 sib = t->d.bytes[t->d.modrm_at + 1];
	unsigned n = (sib >> 3 & 7) | (t->d.rex & 2) << 2, size = row->op & 1 ? 8 : 4;
	s64 range = 3000 >> t->d.scale;

	if (t->d.evex && !(t->d.evex & EVEX_V))
		n |= 16;
	for (unsigned i = 0; i < 64; i += size) {
		s64 v = (s64)below(range) - range / 2;

		memcpy(t->before.vec[n] + i, &v, size);
	}
	if (n < 16)
		memcpy(t->before.fx + FX_XMM0 + 16 * n, t->before.vec[n], 16);
	t->target = ARENA(t->arena) + PAGE_SIZE - (t->arena && one_in(2) ? 0x700 : 0);
}

/* Sets the registers of the memory operand, or its displacement. False: cannot be. */
static bool aim(struct trial *t)
{
	const struct decoded *d = &t->d;
	u64 address = t->target - segment_base(t), index = 0;

	if (d->index != OFF_ZERO && !(row_of(t)->attr & VSIB)) {
		if (d->index == d->base)
			return false;
		*reg_at(t, d->index) = below(64) - (one_in(3) && !d->asize ? 32UL : 0);
		if (d->asize)
			*reg_at(t, d->index) |= rnd() << 32;
		index = *reg_at(t, d->index) << d->scale;
	}
	if (d->base == OFF_RIP) {
		put_disp(t, (s64)(address - (CODE + d->len)));
		return d->asize ||
		       (s64)(s32)(address - (CODE + d->len)) == (s64)(address - (CODE + d->len));
	}
	if (d->base == OFF_ZERO) {
		put_disp(t, (s64)(address - index));
		return d->asize || (s64)(s32)(address - index) == (s64)(address - index);
	}
	address -= index + d->disp;
	*reg_at(t, d->base) = d->asize ? (u32)address | rnd() << 32 : address;
	if (one_in(48) && !d->asize && segment_base(t) < PAGE_SIZE) /* not canonical */
		*reg_at(t, d->base) ^= BIT(47 + below(16));
	return true;
}

/* ---- Registers ------------------------------------------------------------------------------ */

static void put16(u8 *p, u16 v)
{
	memcpy(p, &v, 2);
}

static void put32(u8 *p, u32 v)
{
	memcpy(p, &v, 4);
}

/* As the host's unit would hold it: ES and B follow from the other words. */
static void normalise(u8 *fx)
{
	u32 mxcsr;
	u16 cw;

	asm volatile("stmxcsr %1\n\tfnstcw %2\n\tfxrstor64 %0\n\tfxsave64 %0\n\tfninit\n\t"
		     "ldmxcsr %1\n\tfldcw %2"
		     : "+m"(*(u8(*)[512])fx), "=m"(mxcsr), "=m"(cw)
		     :
		     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
		       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void make_vectors(struct trial *t)
{
	u8 *fx = t->before.fx;
	bool unmasked = one_in(10);

	put16(fx + FX_FCW,
	      0x40 | (unmasked ? rnd() & 0x3f : 0x3f) | below(4) << 8 | below(4) << 10);
	put16(fx + FX_FSW, below(8) << 11 | (rnd() & 0x4700) | (one_in(4) ? rnd() & 0x7f : 0));
	fx[FX_FTW] = one_in(3) ? (u8)rnd() : 0xff >> below(9);
	put32(fx + FX_MXCSR, (unmasked ? rnd() & 0x1f80 : 0x1f80) | below(4) << 13 |
				     (one_in(4) ? 0x8000 : 0) | (one_in(4) ? 0x40 : 0) |
				     (one_in(2) ? rnd() & 0x3f : 0));
	for (unsigned i = 0; i < 8; i++)
		fill_extended(fx + FX_ST0 + 16 * i);
	fill_vector(t->before.vec[0], sizeof(t->before.vec));
	for (unsigned i = 0; i < 8; i++)
		t->before.k[i] = one_in(4) ? below(3) - 1UL : rnd();
	for (unsigned i = 0; i < 16; i++)
		memcpy(fx + FX_XMM0 + 16 * i, t->before.vec[i], 16);
	normalise(fx);
}

/* Small, or negative, so that adding it wraps around. Not so far that the offset alone would be
 * no canonical address: AMD's CPUs mind that, too. */
static u64 any_base(const struct trial *t)
{
	return one_in(8) && !t->d.asize ? ~0UL << (32 + below(14)) : below(512) * 8;
}

static void make_registers(struct trial *t)
{
	u64 *gpr = t->before.gpr;

	memset(&t->before, 0, sizeof(t->before));
	put16(t->before.fx + FX_FCW, X87_CW_DEFAULT);
	put32(t->before.fx + FX_MXCSR, MXCSR_DEFAULT);
	for (unsigned i = 0; i < 16; i++)
		gpr[i] = integer_operand();
	gpr[R_RSP] = ARENA(t->arena) + 0x400 + below(0x800);
	if (!one_in(4))
		gpr[R_RSP] &= ~7UL;
	t->before.flags = 0x202 | (rnd() & (F_OSZAPC | F_DF)) | (one_in(16) ? F_ID : 0) |
			  (one_in(10) || (t->wish & FB(ac)) ? F_AC : 0);
	if (native_segments()) {
		t->before.fs_base = any_base(t);
		t->before.gs_base = any_base(t);
	}
	if (t->wide)
		make_vectors(t);
}

/* ---- What the encoding does not say --------------------------------------------------------- */

static void patch_imm(struct trial *t, u64 v)
{
	memcpy(t->code + t->d.imm_at, &v, t->d.imm_len);
}

static void make_string(struct trial *t)
{
	u64 *gpr = t->before.gpr, other = ARENA(t->arena) + 0x400 + below(0x800);
	bool same = does(t, op_cmps) || does(t, op_scas);
	u64 count = below(40);

	if (one_in(2))
		other = t->target + below(32);
	gpr[R_RSI] = pointer(t, one_in(2) ? t->target : other);
	gpr[R_RDI] = one_in(2) ? t->target : other;
	if (does(t, op_stos) || does(t, op_scas))
		gpr[R_RDI] = t->target;
	if (does(t, op_lods))
		gpr[R_RSI] = pointer(t, t->target);
	if (t->d.asize)
		gpr[R_RDI] |= rnd() << 32;
	gpr[R_RCX] = t->d.asize ? count | rnd() << 32 : count;
	if (same)
		memset(t->data, 0x55, one_in(2) ? ARENA_LEN : 0);
	if (one_in(2))
		gpr[R_RAX] = 0x5555555555555555;
}

static u8 *operand(struct trial *t)
{
	return t->data + (t->target - ARENA(t->arena));
}

/* Comparisons that hold, quotients that fit. */
static void make_arithmetic(const struct sides *s, struct trial *t)
{
	u64 *gpr = t->before.gpr;

	if (does(t, op_cmpxchg) && one_in(2)) {
		if (t->d.mod == 3)
			gpr[R_RAX] = t->before.gpr[t->d.rm];
		else
			memcpy(&gpr[R_RAX], operand(t), 8);
	}
	if ((does(t, op_cmpxchg8b) || does(t, op_cmpxchg16b)) && one_in(2)) {
		unsigned half = does(t, op_cmpxchg8b) ? 4 : 8;

		memcpy(&gpr[R_RAX], operand(t), half);
		memcpy(&gpr[R_RDX], operand(t) + half, half);
	}
	if ((does(t, op_div) || does(t, op_idiv)) && !one_in(4))
		gpr[R_RDX] = one_in(2) ? 0 : gpr[R_RDX] >> 40;
	if (!strcmp(row_of(t)->name, "xgetbv"))
		gpr[R_RCX] = one_in(8) ? rnd() : below(3) | rnd() << 32;
	if (!strcmp(row_of(t)->name, "xgetbv") && !cpu_has(&s->f->cpu, FEAT_XGETBV1))
		gpr[R_RCX] &= ~1UL; /* the host may have XINUSE */
	if (!strncmp(row_of(t)->name, "wr", 2) && strstr(row_of(t)->name, "sbase") && !one_in(6))
		*reg_at(t, OFF_GPR(t->d.rm)) = rnd() >> 17;
}

/* Operands that are addresses, by no ModRM. */
static void make_pointers(struct trial *t)
{
	u64 *gpr = t->before.gpr, flags;
	unsigned form = row_of(t)->form;

	if (is_string(t))
		make_string(t);
	if (does(t, op_clzero))
		gpr[R_RAX] = pointer(t, t->target);
	if (does(t, op_xlat))
		gpr[R_RBX] = pointer(t, t->target - (u8)gpr[R_RAX]);
	if (does(t, op_maskmovdqu) || does(t, op_maskmovq))
		gpr[R_RDI] = pointer(t, t->target);
	if (does(t, op_leave) || does(t, op_enter))
		gpr[R_RBP] = t->target;
	if (form == FORM_AL_Ob || form == FORM_rAX_Ov)
		patch_imm(t, t->target - segment_base(t));
	if (form == FORM_Iw_Ib) { /* enter */
		t->code[t->d.imm_at + 1] = 0;
		t->code[t->d.imm_at + 2] &= 7;
	}
	if (!strncmp(row_of(t)->name, "bt", 2) && t->d.mod != 3 && form == FORM_Ev_Gv)
		*reg_at(t, OFF_GPR(t->d.reg)) = below(0x2000) - 0x1000UL;
	if (does(t, op_popf)) {
		flags = rnd() & (F_OSZAPC | F_DF | F_ID | 0x3200);
		memcpy(t->data + (gpr[R_RSP] - ARENA(t->arena)), &flags, 8);
	}
	if (does(t, op_int) && t->code[t->d.imm_at] == 0x80)
		t->code[t->d.imm_at] = 0x81;
}

/* LAR and kin look at selectors whose answers Linux fixes; loads of them, too. */
static void make_selectors(struct trial *t)
{
	static const u16 sels[] = {0, 3, 0x2b, 0x28, 0x33, 0x30, 0x23, 0x20, 1, 0x1230, 0x10, 0x18};
	u16 sel = sels[below(ARRAY_SIZE(sels))];

	t->selectors = does(t, op_mov_to_sel) || does(t, op_pop_sel);
	if (!t->selectors && !does(t, op_lar_lsl) && !does(t, op_verr_verw))
		return;
	if (t->d.modrm_at && t->d.mod == 3)
		memcpy(reg_at(t, OFF_GPR(t->d.rm)), &sel, 2);
	for (unsigned i = 0; i < ARENA_LEN; i += 2)
		memcpy(t->data + i, &sel, 2);
}

/* Makes a branch go to CODE_TAKEN. False: the encoding cannot. */
static bool make_branch(struct trial *t)
{
	unsigned form = row_of(t)->form;
	u64 to = CODE_TAKEN, disp = CODE_TAKEN - (CODE + t->d.len);

	if (one_in(24))
		to ^= BIT(47 + below(16)); /* not canonical */
	if (form == FORM_Jb || form == FORM_Jz)
		patch_imm(t, disp);
	else if (form == FORM_near || form == FORM_Iw_near)
		memcpy(t->data + (t->before.gpr[R_RSP] - ARENA(t->arena)), &to, 8);
	else if (form == FORM_Enear && t->d.mod == 3)
		*reg_at(t, OFF_GPR(t->d.rm)) = to;
	else if (form == FORM_Enear)
		memcpy(operand(t), &to, 8);
	if (form == FORM_Jb && !one_in(3)) /* loop, jrcxz */
		t->before.gpr[R_RCX] = below(3) | (t->d.asize ? rnd() << 32 : 0);
	return form != FORM_Enear || t->d.mod != 3 || t->d.rm != R_RSP;
}

/* ---- Data ----------------------------------------------------------------------------------- */

static void make_data(struct trial *t)
{
	u64 noise = rnd() | 1, v;
	u8 *p = operand(t), *end = t->data + ARENA_LEN;

	for (unsigned i = 0; i < ARENA_LEN; i += 8) {
		noise = noise * 0x5851f42d4c957f2dUL + 0x14057b7ef767814fUL;
		memcpy(t->data + i, &noise, 8);
	}
	if (row_of(t)->attr & THUNK) {
		fill_vector(p, p + 64 <= end ? 64 : 0);
	} else {
		for (u8 *q = p; q + 8 <= end && q < p + 64; q += 8) {
			v = integer_operand();
			memcpy(q, &v, 8);
		}
	}
	if (p + 16 > end)
		return;
	if (ATTR_MEM_SIZE(row_of(t)->attr) == 10)
		fill_extended(p);
	if (!strcmp(row_of(t)->name, "fbld"))
		fill_bcd(p);
	if (does(t, op_ldmxcsr))
		put32(p, one_in(8) ? rnd() & ~0x20000UL : rnd() & 0xffff);
}

/* The second page of an arena that cannot be written is the same in all trials. */
static void settle_second_page(struct trial *t)
{
	if (t->arena != ARENA_RW)
		memset(t->data + PAGE_SIZE, 0x33, PAGE_SIZE);
}

/* BT and kin reach far from their operand by a register; that cannot be base or index, too. */
static bool bit_base(const struct trial *t)
{
	return !strncmp(row_of(t)->name, "bt", 2) && row_of(t)->form == FORM_Ev_Gv &&
	       (t->d.base == OFF_GPR(t->d.reg) || t->d.index == OFF_GPR(t->d.reg));
}

/* See struct trial. The host's XCR0 has no more than XS_ALL. */
static u64 hidden_components(const struct sides *s)
{
	return (XS_ALL & ~s->f->cpu.xcr0) | (cpu_has(&s->f->cpu, FEAT_XSAVEC) ? 0 : XS_COMPACT);
}

bool trial_setup(const struct sides *s, struct trial *t)
{
	const struct insn_row *row = row_of(t);
	bool mem = t->d.modrm_at && t->d.mod != 3;

	if (trial_unsafe(row))
		return false;
	t->wide = (row->attr & THUNK) || row->map >= MAP_V0F || is_xsave(row);
	t->step = one_in(3) && !(row->attr & (REPS | ENDS));
	t->cold = one_in(16);
	t->dead = !t->step && !(row->attr & (ENDS | THUNK)) && one_in(4);
	choose_target(t);
	if (row->attr & VSIB)
		t->target = ARENA(t->arena) + PAGE_SIZE;
	make_registers(t);
	make_data(t);
	if (row->attr & VSIB)
		make_indexes(t);
	if ((t->wish & (FB(absent) | FB(readonly))) && !mem)
		t->before.gpr[R_RSP] = t->target;
	make_pointers(t);
	make_arithmetic(s, t);
	make_selectors(t);
	t->hidden = hidden_components(s);
	image_prepare(t);
	if ((row->attr & ENDS) && !make_branch(t))
		return false;
	if (mem && (bit_base(t) || !aim(t)))
		return false;
	if (is_xsave(row) && ((u32)t->before.gpr[R_RAX] & t->hidden))
		return false; /* rax is the address, too */
	settle_second_page(t);
	return decode(s->enc.dec, s->enc.feats, t->code, 15, &t->d) == DECODE_OK &&
	       t->d.row == t->row;
}

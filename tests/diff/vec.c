/*
 * Every vector and x87 row of opcodes.def against the host CPU: random encodings, random state, one
 * instruction at a time, natively and through cpu_run(). Registers, xmm, the x87 stack, control
 * and status words, MXCSR, flags, memory and exceptions must agree bit for bit.
 *
 *	check_vec [ROUNDS [SEED [NAME]]]	ROUNDS runs of each row, default 300; NAME: its only
 *
 * Not compared: FIP, FDP, FOP inside stored images (the host CPU's habits differ by maker; the
 * guest's are checked against FNSTENV instead), and MXCSR_MASK, which is the model's.
 * A row that never ran to its end fails, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/fpu.h"
#include "cpu/block.h"
#include "cpu/insn.h"
#include "cpu/model.h"
#include "cpu/flat.h"
#include "native.h"

#define CODE (FLAT_BASE + 0x1000)
#define DATA (FLAT_BASE + 0x8000)
#define DATA_LEN 0x2000UL
#define HOLE (DATA + PAGE_SIZE) /* the second page of data */

static u64 seed = 1;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dUL;
}

static unsigned below(unsigned n)
{
	return (rnd() >> 33) % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* ---- Operands worth trying ------------------------------------------------------------------ */

static const u32 singles[] = {0,	  0x80000000, 0x3f800000, 0xbf800000,
			      0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff,
			      0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345,
			      0x7f800001, 0x4f000000, 0xcf000000, 0x40490fdb};
static const u64 doubles[] = {0,
			      1UL << 63,
			      0x3ff0000000000000,
			      0xbff0000000000000,
			      1,
			      0x800fffffffffffff,
			      0x0010000000000000,
			      0x7fefffffffffffff,
			      0x7ff0000000000000,
			      0xfff0000000000000,
			      0x7ff8000000000000,
			      0xfff8000000012345,
			      0x7ff0000000000001,
			      0x41e0000000000000,
			      0xc3e0000000000000,
			      0x400921fb54442d18};
static const struct {
	u64 mantissa;
	u16 exponent;
} extendeds[] = {
	{0, 0},
	{0, 0x8000},
	{1UL << 63, 0x3fff},
	{1UL << 63, 0xbfff},
	{1, 0},
	{1UL << 63, 0},
	{1UL << 63, 0x7fff},
	{1UL << 63, 0xffff},
	{3UL << 62, 0x7fff},
	{3UL << 62, 0xffff},
	{5UL << 61, 0x7fff},
	{~0UL, 0x7ffe},
	{1UL << 62, 0x3fff},
	{1, 0x7fff},
	{~0UL, 0x403e},
	{~0UL, 0x3ffe},
	{0xc90fdaa22168c235, 0x4000},
	{1UL << 63, 0x4043},
};

static void fill_vector(u8 *p, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		u64 v;

		switch (below(4)) {
		case 0:
			v = rnd();
			break;
		case 1:
			v = doubles[below(ARRAY_SIZE(doubles))];
			break;
		case 2:
			v = (u64)singles[below(ARRAY_SIZE(singles))] << 32 |
			    singles[below(ARRAY_SIZE(singles))];
			break;
		default: /* floats of usual size */
			v = rnd() % 1000 * 0x10000000000000UL / 3 + 0x3f00000000000000UL;
			break;
		}
		memcpy(p + i, &v, 8);
	}
}

static void fill_extended(u8 *p)
{
	unsigned i = below(ARRAY_SIZE(extendeds));
	u64 mantissa = extendeds[i].mantissa;
	u16 exponent = extendeds[i].exponent;

	if (!one_in(3)) {
		mantissa = rnd() | 1UL << 63;
		exponent = 0x3fff - 40 + below(80) + (one_in(2) ? 0x8000 : 0);
	}
	memcpy(p, &mantissa, 8);
	memcpy(p + 8, &exponent, 2);
}

/* ---- One trial ------------------------------------------------------------------------------ */

struct trial {
	const struct decoder *dec;
	u64 feats;
	unsigned row;
	u8 code[16];
	unsigned len;
	bool mem, wide; /* memory operand; REX.W */
	bool hole;	/* HOLE cannot be touched */
	u64 target;	/* address of the memory operand */
	struct native_state before;
	u8 data[DATA_LEN];
};

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

static void make_state(struct trial *t)
{
	u8 *fx = t->before.fx;
	bool unmasked = one_in(10);

	memset(&t->before, 0, sizeof(t->before));
	for (unsigned i = 0; i < 16; i++)
		t->before.gpr[i] = one_in(4) ? below(3) - 1UL : rnd() >> below(64);
	t->before.flags = 0x202 | (rnd() & F_OSZAPC) | (one_in(8) ? F_AC : 0);
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

static void make_data(struct trial *t)
{
	u8 *operand = t->data + (t->target - DATA);
	const char *name = insn_rows[t->row].name;

	for (unsigned i = 0; i < DATA_LEN; i += 8) {
		u64 v = rnd();

		memcpy(t->data + i, &v, 8);
	}
	fill_vector(operand, 64);
	if (ATTR_MEM_SIZE(insn_rows[t->row].attr) == 10)
		fill_extended(operand);
	if (!strcmp(name, "fbld") && !one_in(4))
		for (unsigned i = 0; i < 9; i++)
			operand[i] = below(10) << 4 | below(10);
	if (!strcmp(name, "ldmxcsr") || !strcmp(name, "vldmxcsr"))
		put32(operand, one_in(8) ? rnd() & ~0x20000UL : rnd() & 0xffff);
	if (!strcmp(name, "fxrstor")) {
		memcpy(operand, t->before.fx, 512);
		fill_vector(operand + FX_XMM0, 256);
		put32(operand + FX_MXCSR, one_in(8) ? 0x11f80 : rnd() & 0xffff);
	}
}

static unsigned any_gpr(void)
{
	static const u8 choice[] = {0, 1, 2, 3, 5, 6, 7};

	return choice[below(ARRAY_SIZE(choice))];
}

/* ModRM, SIB and displacement of a memory operand at t->target; base registers 3, index 6. */
static unsigned put_memory(struct trial *t, unsigned n, unsigned reg, unsigned after)
{
	u8 *c = t->code;
	u64 index;

	switch (below(4)) {
	case 0:
		c[n++] = reg << 3 | 3;
		t->before.gpr[R_RBX] = t->target;
		return n;
	case 1:
		c[n++] = 0x40 | reg << 3 | 3;
		c[n] = (u8)rnd();
		t->before.gpr[R_RBX] = t->target - (s64)(s8)c[n];
		return n + 1;
	case 2:
		c[n++] = 0x40 | reg << 3 | 4;
		c[n++] = 0x40 | 6 << 3 | 3;
		c[n] = (u8)rnd();
		index = rnd() & 0xff;
		t->before.gpr[R_RSI] = index;
		t->before.gpr[R_RBX] = t->target - (s64)(s8)c[n] - 2 * index;
		return n + 1;
	default:
		c[n++] = reg << 3 | 5;
		put32(c + n, (u32)(t->target - (CODE + n + 4 + after)));
		return n + 4;
	}
}

/* ---- VEX and EVEX encodings ----------------------------------------------------------------- */

static bool row_has_imm(const struct insn_row *row)
{
	return row->form == FORM_V_W_Ib || row->form == FORM_Gy_W_Ib || row->form == FORM_V_Ey_Ib;
}

static unsigned any_vl(const struct insn_row *row)
{
	unsigned vl;

	do
		vl = below(3);
	while (!(row->l >> vl & 1));
	return vl;
}

static unsigned put_vex(u8 *c, const struct insn_row *row, u8 *last)
{
	static const u8 pp[] = {[PFX_NONE] = 0, [PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	unsigned map = row->map - MAP_V0F + 1;
	u8 w = row->w == VEX_W_ANY ? below(2) : row->w;
	u8 vvvv = row->attr & VVVV ? below(16) : 15;

	*last = w << 7 | vvvv << 3 | any_vl(row) << 2 | pp[row->pfx];
	if (map == 1 && !w && one_in(2)) { /* the short form */
		c[0] = 0xc5;
		c[1] = (*last & 0x7f) | (one_in(2) ? 0x80 : 0);
		return 2;
	}
	c[0] = 0xc4;
	c[1] = map | (rnd() & 0xe0);
	c[2] = *last;
	return 3;
}

static unsigned put_evex(u8 *c, const struct insn_row *row, bool mem)
{
	static const u8 pp[] = {[PFX_NONE] = 0, [PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	static const u8 maps[] = {1, 2, 3, 5, 6};
	u8 w = row->w == VEX_W_ANY ? below(2) : row->w, p2 = any_vl(row) << 5;
	bool may_b = mem ? ATTR_BCAST(row->attr) != 0 : (row->attr & (SAE | RC)) != 0;

	if (row->attr & MASK)
		p2 |= one_in(3) ? 0 : below(8);
	if ((row->attr & MASK_MUST) && !(p2 & 7))
		p2 |= 1 + below(7);
	if ((row->attr & ZERO) && (p2 & 7) && one_in(2) && !(mem && (row->attr & MEM_WRITE)))
		p2 |= 0x80;
	if (may_b && one_in(2))
		p2 = (p2 & 0x9f) | 0x10 | (mem ? p2 & 0x60 : below(4) << 5);
	if (!(row->attr & (VVVV | VSIB)) || one_in(2))
		p2 |= 8;
	c[0] = 0x62;
	c[1] = maps[row->map - MAP_E0F] | (rnd() & 0xf0);
	c[2] = w << 7 | (row->attr & VVVV ? below(16) : 15) << 3 | 4 | pp[row->pfx];
	c[3] = p2;
	return 4;
}

/* Indexes of a gather, small enough to stay near t->target, and for VEX a mask of signs. */
static void make_indexes(struct trial *t, const struct decoded *d)
{
	const struct insn_row *row = &insn_rows[t->row];
	u8 sib = d->bytes[d->modrm_at + 1];
	unsigned n = (sib >> 3 & 7) | (d->rex & 2) << 2, size = row->op & 1 ? 8 : 4;

	if (d->evex && !(d->evex & EVEX_V))
		n |= 16;
	for (unsigned i = 0; i < 64; i += size) {
		s64 v = (s64)below(400) - 200;

		memcpy(t->before.vec[n] + i, &v, size);
	}
	if (n < 16)
		memcpy(t->before.fx + FX_XMM0 + 16 * n, t->before.vec[n], 16);
	t->before.gpr[R_RBX] = DATA + 0x1000 - (u64)d->disp;
}

/* One random encoding of the row; false: it came out as another one, or as none. */
static bool make_vex_code(struct trial *t)
{
	const struct insn_row *row = &insn_rows[t->row];
	bool gpr_reg = row->form == FORM_Gy_W || row->form == FORM_Gy_W_Ib;
	bool gpr_rm = row->form == FORM_V_Ey || row->form == FORM_V_Ey_Ib;
	unsigned n = 0, reg, rm, prefix_at;
	struct decoded d;
	u8 last;

	t->mem = row->form != FORM_none &&
		 (row->mod == MOD_MEM || (row->mod == MOD_ANY && one_in(2)));
	t->wide = false;
	if (t->mem && one_in(6))
		t->code[n++] = 0x67;
	prefix_at = n;
	n += row->map >= MAP_E0F ? put_evex(t->code + n, row, t->mem)
				 : put_vex(t->code + n, row, &last);
	if (t->mem) /* base rbx, index rsi */
		t->code[prefix_at + 1] |= t->code[prefix_at] == 0xc5 ? 0 : 0x60;
	if (row->attr & VSIB)
		t->code[prefix_at + 1] &= one_in(2) ? ~0x40 : ~0;
	t->code[n++] = row->op;
	if (row->form != FORM_none) {
		reg = row->ext != EXT_ANY ? row->ext : gpr_reg ? any_gpr() : below(8);
		rm = gpr_rm ? any_gpr() : below(8);
		if (row->attr & VSIB) {
			t->code[n++] = (one_in(2) ? 0x40 : 0) | reg << 3 | 4;
			t->code[n++] = below(4) << 6 | below(8) << 3 | 3;
			if (t->code[n - 2] & 0x40)
				t->code[n++] = (u8)rnd();
		} else if (t->mem) {
			n = put_memory(t, n, reg, row_has_imm(row));
		} else {
			t->code[n++] = 0xc0 | reg << 3 | rm;
		}
	}
	if (row_has_imm(row))
		t->code[n++] = one_in(2) ? rnd() : below(20);
	t->len = n;
	if (decode(t->dec, t->feats, t->code, 15, &d) != DECODE_OK || d.row != t->row || d.len != n)
		return false;
	if (t->mem && (d.evex & EVEX_AAA)) /* which selected bytes count for #AC differs */
		t->before.flags &= ~F_AC;
	if (row->attr & VSIB)
		make_indexes(t, &d);
	else if (t->mem && d.disp_len == 1) /* scaled */
		t->before.gpr[R_RBX] += (u64)((s64)(s8)d.bytes[d.disp_at] - d.disp);
	return true;
}

/* One random encoding of the row. */
static bool make_code(struct trial *t)
{
	static const u8 prefixes[] = {[PFX_66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2};
	const struct insn_row *row = &insn_rows[t->row];
	bool imm =
		row->form == FORM_V_W_Ib || row->form == FORM_Gy_W_Ib || row->form == FORM_V_Ey_Ib;
	bool gpr_reg = row->form == FORM_Gy_W || row->form == FORM_Gy_W_Ib;
	bool gpr_rm = row->form == FORM_V_Ey || row->form == FORM_V_Ey_Ib;
	unsigned n = 0, reg, rm, rex = one_in(2) ? 0x40 | below(16) : 0;

	if (row->map >= MAP_V0F)
		return make_vex_code(t);

	t->mem = row->form != FORM_none &&
		 (row->mod == MOD_MEM || (row->mod == MOD_ANY && one_in(2)));
	if (t->mem)
		rex &= ~3; /* base and index stay rbx and rsi */
	t->wide = rex & 8;
	if (row->pfx != PFX_ANY && row->pfx != PFX_NONE)
		t->code[n++] = prefixes[row->pfx];
	else if ((row->attr & SIZE_BY_66) && one_in(2))
		t->code[n++] = 0x66;
	if (t->mem && one_in(6))
		t->code[n++] = 0x67;
	if (rex)
		t->code[n++] = rex;
	if (row->map != MAP_ONE)
		t->code[n++] = 0x0f;
	if (row->map == MAP_0F38 || row->map == MAP_0F3A)
		t->code[n++] = row->map == MAP_0F38 ? 0x38 : 0x3a;
	t->code[n++] = row->op;
	if (row->form != FORM_none) {
		reg = row->ext != EXT_ANY ? row->ext : gpr_reg ? any_gpr() : below(8);
		rm = row->mod >= MOD_RM0 ? (unsigned)row->mod - MOD_RM0
		     : gpr_rm		 ? any_gpr()
					 : below(8);
		if (t->mem)
			n = put_memory(t, n, reg, imm);
		else
			t->code[n++] = 0xc0 | reg << 3 | rm;
	}
	if (imm)
		t->code[n++] = one_in(2) ? rnd() : below(20);
	t->len = n;
	return true;
}

static void make_target(struct trial *t)
{
	u64 off = below(DATA_LEN - 512);

	if (one_in(4))
		off = PAGE_SIZE - below(64);
	t->hole = one_in(6);
	if (t->hole)
		off = PAGE_SIZE - below(80);
	else if (!one_in(8))
		off &= ~15UL;
	t->target = DATA + off;
}

/* ---- Running and comparing ------------------------------------------------------------------ */

/* Wide registers into and out of struct fpu_state. */
static void put_wide(u8 *area, const struct native_state *s)
{
	unsigned level = native_level();
	u64 bv = 3;

	for (unsigned i = 0; i < 16 && level >= 1; i++)
		memcpy(area + XS_YMM_HI + 16 * i, s->vec[i] + 16, 16);
	if (level >= 1)
		bv |= XS_BIT_AVX;
	for (unsigned i = 0; i < 16 && level >= 2; i++) {
		memcpy(area + XS_ZMM_HI + 32 * i, s->vec[i] + 32, 32);
		memcpy(area + XS_ZMM_HI16 + 64 * i, s->vec[i + 16], 64);
	}
	if (level >= 2) {
		memcpy(area + XS_OPMASK, s->k, 64);
		bv |= XS_BITS_AVX512;
	}
	memcpy(area + XS_BV, &bv, sizeof(bv));
}

static void get_wide(struct native_state *s, const u8 *area)
{
	unsigned level = native_level();

	for (unsigned i = 0; i < 16; i++)
		memcpy(s->vec[i], area + FX_XMM0 + 16 * i, 16);
	for (unsigned i = 0; i < 16 && level >= 1; i++)
		memcpy(s->vec[i] + 16, area + XS_YMM_HI + 16 * i, 16);
	for (unsigned i = 0; i < 16 && level >= 2; i++) {
		memcpy(s->vec[i] + 32, area + XS_ZMM_HI + 32 * i, 32);
		memcpy(s->vec[i + 16], area + XS_ZMM_HI16 + 64 * i, 64);
	}
	if (level >= 2)
		memcpy(s->k, area + XS_OPMASK, 64);
}

static void run_guest(struct flat *f, const struct trial *t, struct native_state *s)
{
	struct cpu *cpu = &f->cpu;

	memcpy(flat_ptr(f, DATA), t->data, DATA_LEN);
	flat_write(f, CODE, t->code, t->len);
	memcpy(cpu->regs.gpr, s->gpr, sizeof(s->gpr));
	cpu->regs.flags = s->flags;
	cpu->regs.rip = CODE;
	cpu->regs.fip = cpu->regs.fdp = cpu->regs.fop = 0;
	memcpy(f->fpu.area, s->fx, sizeof(s->fx));
	put_wide(f->fpu.area, s);
	s->trap = 0;
	if (t->hole)
		flat_protect(f, HOLE, FLAT_NONE);
	s->fault_addr = 0;
	if (cpu_run(cpu, 1) == CPU_EXCEPTION)
		s->trap = cpu->exit.vector + 1;
	if (s->trap == X86_PF + 1)
		s->fault_addr = cpu->exit.cr2;
	if (t->hole)
		flat_protect(f, HOLE, FLAT_RWX);
	memcpy(s->gpr, cpu->regs.gpr, sizeof(s->gpr));
	s->flags = cpu->regs.flags;
	memcpy(s->fx, f->fpu.area, sizeof(s->fx));
	get_wide(s, f->fpu.area);
	s->fault_rip = cpu->regs.rip;
}

/* Takes what is not compared out of an image of the operand. */
static void scrub(const struct trial *t, u8 *data)
{
	const struct insn_row *row = &insn_rows[t->row];
	u8 *p = data + (t->target - DATA);

	if (!strcmp(row->name, "fxsave")) {
		memset(p + FX_FOP, 0, FX_MXCSR - FX_FOP);
		memset(p + FX_MXCSR_MASK, 0, 4);
	} else if ((row->attr & SIZE_BY_66) && (row->attr & MEM_WRITE)) {
		if (t->code[0] == 0x66 && !t->wide)
			memset(p + 6, 0, 8);
		else
			memset(p + 12, 0, 14);
	}
}

static void show(const struct trial *t, const char *what)
{
	printf("vec: %s: %s differs; code", insn_rows[t->row].name, what);
	for (unsigned i = 0; i < t->len; i++)
		printf(" %02x", t->code[i]);
	printf(" operand %#lx\n", t->target);
}

static bool same_bytes(const struct trial *t, const char *what, const void *native,
		       const void *guest, size_t len)
{
	const u8 *a = native, *b = guest;

	if (!memcmp(a, b, len))
		return true;
	show(t, what);
	for (size_t i = 0, shown = 0; i < len && shown < 24; i++)
		if (a[i] != b[i]) {
			printf("  +%zu native %02x here %02x\n", i, a[i], b[i]);
			shown++;
		}
	return false;
}

/* FIP, FDP and FOP of the instruction that ran, as the host CPU's FNSTENV has them. */
static bool same_pointers(const struct trial *t, const struct native_state *native,
			  const struct cpu_regs *regs)
{
	u32 fip, fdp;
	u16 fop;

	if (!regs->fip || !strcmp(insn_rows[t->row].name, "fxrstor"))
		return true;
	memcpy(&fip, native->env + 12, 4);
	memcpy(&fop, native->env + 18, 2);
	memcpy(&fdp, native->env + 20, 4);
	if (insn_rows[t->row].attr & SIZE_BY_66)
		return true; /* loaded from memory: host CPUs forget them unless one is pending */
	if (!fip)
		return true; /* AMD's forget them when the host's kernel switches tasks */
	return same_bytes(t, "FIP", &fip, &regs->fip, 4) &&
	       same_bytes(t, "FOP", &fop, &regs->fop, 2) &&
	       (!t->mem || same_bytes(t, "FDP", &fdp, &regs->fdp, 4));
}

static bool compare(struct flat *f, const struct trial *t, struct native_state *native,
		    struct native_state *guest)
{
	u8 *native_data = (u8 *)DATA, *guest_data = flat_ptr(f, DATA);
	u64 rip = CODE + (guest->trap ? 0 : t->len);
	bool same = true;

	scrub(t, native_data);
	scrub(t, guest_data);
	native->gpr[R_RSP] = guest->gpr[R_RSP]; /* not loaded */
	native->flags &= F_OSZAPC;
	guest->flags &= F_OSZAPC;
	same &= same_bytes(t, "exception", &native->trap, &guest->trap, sizeof(native->trap));
	if (native->trap == X86_PF + 1 && ATTR_MEM_SIZE(insn_rows[t->row].attr) != 512 &&
	    !(insn_rows[t->row].attr & SIZE_BY_66))
		same &= same_bytes(t, "address", &native->fault_addr, &guest->fault_addr, 8);
	same &= same_bytes(t, "rip", &rip, &guest->fault_rip, sizeof(rip));
	same &= same_bytes(t, "gpr", native->gpr, guest->gpr, sizeof(native->gpr));
	same &= same_bytes(t, "flags", &native->flags, &guest->flags, sizeof(native->flags));
	same &= same_bytes(t, "x87 words", native->fx, guest->fx, FX_FOP);
	same &= same_bytes(t, "mxcsr", native->fx + FX_MXCSR, guest->fx + FX_MXCSR, 4);
	for (unsigned i = 0; i < 8; i++)
		same &= same_bytes(t, "st", native->fx + FX_ST0 + 16 * i,
				   guest->fx + FX_ST0 + 16 * i, 10);
	same &= same_bytes(t, "xmm", native->fx + FX_XMM0, guest->fx + FX_XMM0, 256);
	if (native_level() >= 1)
		same &= same_bytes(t, "wide", native->vec, guest->vec, sizeof(native->vec));
	if (native_level() >= 2)
		same &= same_bytes(t, "k", native->k, guest->k, sizeof(native->k));
	same &= same_bytes(t, "memory", native_data, guest_data, DATA_LEN);
	return same && same_pointers(t, native, &f->cpu.regs);
}

/* 1: ran to its end, 0: raised the same exception in both, -1: differs. */
static int run_trial(struct flat *f, unsigned row)
{
	static struct trial t;
	static struct native_state native, guest;

	t.dec = &f->code->decoder;
	t.feats = cpu_features(&f->cpu);

	t.row = row;
	make_state(&t);
	make_target(&t);
	for (unsigned tries = 0; !make_code(&t); tries++)
		if (tries == 1000) {
			printf("vec: row %u, %s: no encoding found\n", row, insn_rows[row].name);
			return -1;
		}
	make_data(&t);
	if (strstr(insn_rows[row].name, "maskmov") && insn_rows[row].op == 0xf7)
		t.before.gpr[R_RDI] = t.target;
	native = guest = t.before;
	memcpy((void *)DATA, t.data, DATA_LEN);
	memcpy((void *)CODE, t.code, t.len);
	/* Which bytes of a masked store, and of an image which first, a CPU touches differs. */
	if (strstr(insn_rows[row].name, "maskmov") && insn_rows[row].op == 0xf7)
		t.hole = false;
	if (t.hole)
		mprotect((void *)HOLE, PAGE_SIZE, PROT_NONE);
	native_run(&native, CODE, t.len);
	if (t.hole)
		mprotect((void *)HOLE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	run_guest(f, &t, &guest);
	if (!compare(f, &t, &native, &guest))
		return -1;
	return !guest.trap;
}

/* Tries a row; false: it differs, or never ran to its end. */
static bool run_row(struct flat *f, unsigned row, unsigned rounds, unsigned *traps)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < rounds; i++) {
		int r = run_trial(f, row);

		if (r < 0)
			return false;
		ended += r > 0;
		*traps += r == 0;
	}
	if (!ended)
		printf("vec: %s (%02x) never ran to its end\n", insn_rows[row].name,
		       insn_rows[row].op);
	return ended != 0;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 300;
	unsigned passed = 0, failed = 0, traps = 0, lacking = 0;
	struct flat *f;

	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0) | 1;
	f = flat_new(CPU_MODEL_HOST);
	if (native_init(FLAT_BASE, FLAT_PAGES)) /* its handlers go before ours */
		return 2;
	for (unsigned row = 0; row < nr_insn_rows; row++) {
		if (!(insn_rows[row].attr & THUNK) || (insn_rows[row].attr & NO_DIFF))
			continue;
		if (!(cpu_features(&f->cpu) >> insn_rows[row].feat & 1)) {
			lacking++;
			continue;
		}
		if (argc > 3 && strcmp(argv[3], insn_rows[row].name))
			continue;
		if (run_row(f, row, rounds, &traps))
			passed++;
		else
			failed++;
	}
	printf("vec: %u rows, %u runs each, %u exceptions on both sides\n", passed + failed, rounds,
	       traps);
	printf("vec: %u rows are not in this host's CPU\n", lacking);
	flat_free(f);
	printf("unit: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}

/* Decoder of 64-bit mode. What is particular to VEX and EVEX is in decode_vex.c.
 *
 * Order of an instruction: legacy prefixes, REX, opcode (1 to 3 bytes), ModRM, SIB, displacement,
 * immediate. SDM vol. 2A, 2.1.
 */
#include "cpu/decode.h"
#include "cpu/decode_vex.h"

#include <string.h>

enum imm_kind {
	IMM_NONE,
	IMM_B,
	IMM_W,
	IMM_UB,
	IMM_Z,
	IMM_V,
	IMM_WB,
	IMM_O,
	IMM_JB,
	IMM_JZ,
	IMM_FAR
};
enum operands {
	OPND_NONE,
	OPND_CR,
	OPND_EG,
	OPND_EGb,
	OPND_EGraw,
	OPND_EGB,
	OPND_BE,
	OPND_E,
	OPND_Z,
	OPND_A,
	OPND_AZ,
	OPND_VEC,
	OPND_VECG,
	OPND_VECE
};

static const struct form {
	u8 modrm, imm, width, operands;
} forms[NR_FORMS] = {
#define FORM(name, modrm, imm, width, operands)                                                    \
	[FORM_##name] = {modrm, IMM_##imm, WIDTH_##width, OPND_##operands},
#include "cpu/forms.def"
#undef FORM
};

/* @n bytes, little endian, sign-extended. */
static s64 next_signed(struct reader *r, unsigned n)
{
	u64 v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (u64)next_byte(r) << (8 * i);
	return n == 0 ? 0 : (s64)(v << (64 - 8 * n)) >> (64 - 8 * n);
}

void decoder_init(struct decoder *dec)
{
	u16 *slot;

	memset(dec->first, 0xff, sizeof(dec->first));
	memset(dec->next, 0xff, sizeof(dec->next));
	for (unsigned i = 0; i < nr_insn_rows && i < ARRAY_SIZE(dec->next); i++) {
		const struct insn_row *row = &insn_rows[i];

		/* A PLUS_R row hangs on the first of its eight opcodes only; see find_row(). */
		slot = &dec->first[row->map][row->op];
		while (*slot != NO_ROW)
			slot = &dec->next[*slot];
		*slot = i;
	}
}

/* Legacy prefixes and REX. A REX that another prefix follows counts for nothing. */
static void read_prefixes(struct reader *r, struct decoded *d)
{
	for (;;) {
		u8 b = next_byte(r);

		if (r->more || r->too_long)
			return;
		switch (b) {
		case 0x66:
			d->opsize = true;
			break;
		case 0x67:
			d->asize = true;
			break;
		case 0xf2:
			d->pfx = PFX_F2;
			break;
		case 0xf3:
			d->pfx = PFX_F3;
			break;
		case 0xf0:
			d->lock = true;
			break;
		case 0x64:
			d->seg = OFF_FS_BASE;
			break;
		case 0x65:
			d->seg = OFF_GS_BASE;
			break;
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x26:
			/* No effect in 64-bit mode, and FS or GS before it stays. */
			break;
		default:
			if ((b & 0xf0) == 0x40) {
				d->rex = b;
				continue;
			}
			r->at--;
			d->nr_prefix = r->at;
			return;
		}
		d->rex = 0;
	}
}

void read_modrm(struct reader *r, struct decoded *d)
{
	unsigned rex_b = (d->rex & 1) << 3, rex_x = (d->rex & 2) << 2;
	u8 sib;

	d->modrm_at = r->at;
	d->modrm = next_byte(r);
	d->mod = d->modrm >> 6;
	d->reg = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1;
	d->rm = (d->modrm & 7) | rex_b;
	if (d->mod == 3)
		return;

	d->disp_len = d->mod == 1 ? 1 : d->mod == 2 ? 4 : 0;
	d->base = OFF_GPR(d->rm);
	if ((d->modrm & 7) == 4) {
		sib = next_byte(r);
		d->scale = sib >> 6;
		d->index = (((sib >> 3) & 7) | rex_x) == 4 ? OFF_ZERO
							   : OFF_GPR(((sib >> 3) & 7) | rex_x);
		d->base = OFF_GPR((sib & 7) | rex_b);
		if ((sib & 7) == 5 && d->mod == 0) {
			d->base = OFF_ZERO;
			d->disp_len = 4;
		}
	} else if ((d->modrm & 7) == 5 && d->mod == 0) {
		d->base = OFF_RIP;
		d->disp_len = 4;
	}
	if (d->disp_len) {
		d->disp_at = r->at;
		d->disp = next_signed(r, d->disp_len);
	}
}

static unsigned width_of(const struct decoded *d, enum width_kind kind)
{
	bool rex_w = d->rex & 8;

	switch (kind) {
	case WIDTH_V:
		return rex_w ? W_Q : d->opsize ? W_W : W_L;
	case WIDTH_V64:
		return !rex_w && d->opsize ? W_W : W_Q;
	case WIDTH_Y:
		return rex_w ? W_Q : W_L;
	case WIDTH_N64:
		return W_Q;
	case WIDTH_NB:
		return !rex_w && d->opsize ? W_W : W_Q;
	default:
		return (unsigned)kind;
	}
}

static void read_imm(struct reader *r, struct decoded *d, enum imm_kind kind)
{
	static const u8 lens[] = {
		[IMM_B] = 1, [IMM_W] = 2, [IMM_UB] = 1, [IMM_WB] = 3, [IMM_JB] = 1};

	if (kind == IMM_Z || kind == IMM_JZ)
		d->imm_len = d->width == W_W ? 2 : 4;
	else if (kind == IMM_FAR)
		d->imm_len = d->width == W_W ? 4 : 6;
	else if (kind == IMM_V)
		d->imm_len = 1 << d->width;
	else if (kind == IMM_O)
		d->imm_len = d->asize ? 4 : 8;
	else
		d->imm_len = lens[kind];
	if (!d->imm_len)
		return;
	d->imm_at = r->at;
	d->imm = next_signed(r, d->imm_len);
	if (kind == IMM_UB)
		d->imm &= 0xff;
	else if (kind == IMM_O && d->asize)
		d->imm = (u32)d->imm;
}

static bool row_matches(const struct insn_row *row, const struct decoded *d, u8 modrm, u64 feats)
{
	unsigned pfx = d->pfx != PFX_NONE ? d->pfx : d->opsize ? PFX_66 : PFX_NONE;

	if (!(feats >> row->feat & 1))
		return false;
	if (row->pfx != PFX_ANY && row->pfx != pfx)
		return false;
	if ((row->attr & NO_REXB) && (d->rex & 1))
		return false;
	if ((row->attr & REX_W) && !(d->rex & 8))
		return false;
	if (row->ext != EXT_ANY && row->ext != ((modrm >> 3) & 7))
		return false;
	if (map_is_vex(d->map) && !vex_row_matches(row, d, modrm, feats))
		return false;
	switch (row->mod) {
	case MOD_ANY:
		return true;
	case MOD_MEM:
		return modrm < 0xc0;
	case MOD_REG:
		return modrm >= 0xc0;
	default:
		return modrm >= 0xc0 && (modrm & 7) == row->mod - MOD_RM0;
	}
}

/* The first row that matches. @modrm is a look ahead, 0 where there is none. */
static u16 find_row(const struct decoder *dec, const struct decoded *d, u8 modrm, u64 feats)
{
	u16 row;

	for (row = dec->first[d->map][d->op]; row != NO_ROW; row = dec->next[row])
		if (row_matches(&insn_rows[row], d, modrm, feats))
			return row;
	if (!(d->op & 7))
		return NO_ROW;
	for (row = dec->first[d->map][d->op & 0xf8]; row != NO_ROW; row = dec->next[row])
		if ((insn_rows[row].attr & PLUS_R) && row_matches(&insn_rows[row], d, modrm, feats))
			return row;
	return NO_ROW;
}

/* 8F is POP where the next byte is a ModRM byte with /0; else XOP's prefix, of which AMD's CPUs take
 * any byte with a bit of /r for one. */
static bool is_xop(u8 next, u64 feats)
{
	return feats >> FEAT_AMD & 1 ? next & 0x38 : (next & 0x1f) >= 8;
}

/* Opcode bytes; false when no row can match. */
static bool read_opcode(struct reader *r, struct decoded *d, u64 feats)
{
	d->opcode_at = r->at;
	d->op = next_byte(r);
	d->map = MAP_ONE;
	/* Behind REX they are LES, LDS, BOUND and POP, of which the first three do not exist. */
	if (!d->rex && (d->op == 0xc4 || d->op == 0xc5 || d->op == 0x62))
		return vex_read(r, d, d->op);
	if (d->op == 0x8f && !d->rex &&
	    (r->at < r->n && r->at < 15 && is_xop(r->code[r->at], feats)))
		return vex_read(r, d, d->op);
	if (d->op != 0x0f)
		return true;

	d->opcode_at = r->at;
	d->op = next_byte(r);
	d->map = MAP_0F;
	if (d->op != 0x38 && d->op != 0x3a)
		return true;
	d->map = d->op == 0x38 ? MAP_0F38 : MAP_0F3A;
	d->opcode_at = r->at;
	d->op = next_byte(r);
	return true;
}

enum {
	UNKNOWN_PLAIN,
	UNKNOWN_MODRM,
	UNKNOWN_MODRM_IB,
	UNKNOWN_MODRM_IZ,
	UNKNOWN_IB,
	UNKNOWN_FAR,
	UNKNOWN_REGS,
	UNKNOWN_JZ,
	UNKNOWN_MODRM_IW
};

static unsigned unknown_one(u8 op)
{
	if ((op & 0xf8) == 0xd8 || op == 0x62 || op == 0x8d || op == 0x8f || op == 0xc4 ||
	    op == 0xc5 || op >= 0xfe)
		return UNKNOWN_MODRM;
	if (op == 0x82 || op == 0xc6)
		return UNKNOWN_MODRM_IB;
	if (op == 0xd4 || op == 0xd5)
		return UNKNOWN_IB;
	return op == 0xc7		  ? UNKNOWN_MODRM_IZ
	       : op == 0x9a || op == 0xea ? UNKNOWN_FAR
					  : UNKNOWN_PLAIN;
}

/* Bits of the opcodes of map 0F that have no ModRM byte, and of those with an immediate byte. */
static const u32 plain_0f[8] = {0x00005ff0, 0xffff00f0, 0,	    0x0c800000,
				0,	    0x020007c7, 0x0000ff00, 0x80000000};
static const u32 byte_0f[8] = {0x00008000, 0, 0, 0x000f0000, 0, 0x04001010, 0x00000074, 0};

static unsigned unknown_0f(u8 op)
{
	if ((op & 0xf0) == 0x80)
		return UNKNOWN_JZ;
	if (op == 0x78) /* EXTRQ */
		return UNKNOWN_MODRM_IW;
	if ((op & 0xfc) == 0x20)
		return UNKNOWN_REGS;
	if (plain_0f[op >> 5] >> (op & 31) & 1)
		return UNKNOWN_PLAIN;
	return byte_0f[op >> 5] >> (op & 31) & 1 ? UNKNOWN_MODRM_IB : UNKNOWN_MODRM;
}

/* Shape of an encoding without a row, so that its length is right where that matters: a fetch
 * fault on the rest comes before #UD. As an AMD Zen 4 has it, where VEX and EVEX in map 1 keep the
 * shape of the old opcode. */
static const struct form *form_unknown(const struct decoded *d)
{
	static const struct form shapes[] = {
		[UNKNOWN_PLAIN] = {0, IMM_NONE, WIDTH_V, OPND_NONE},
		[UNKNOWN_MODRM] = {1, IMM_NONE, WIDTH_V, OPND_NONE},
		[UNKNOWN_MODRM_IB] = {1, IMM_B, WIDTH_V, OPND_NONE},
		[UNKNOWN_MODRM_IZ] = {1, IMM_Z, WIDTH_V, OPND_NONE},
		[UNKNOWN_IB] = {0, IMM_B, WIDTH_V, OPND_NONE},
		[UNKNOWN_FAR] = {0, IMM_FAR, WIDTH_V, OPND_NONE},
		[UNKNOWN_REGS] = {1, IMM_NONE, WIDTH_V, OPND_CR},
		[UNKNOWN_MODRM_IW] = {1, IMM_W, WIDTH_V, OPND_NONE},
		[UNKNOWN_JZ] = {0, IMM_JZ, WIDTH_N64, OPND_NONE},
	};

	if (map_is_evex(d->map) && (d->op & 0xf8) == 0x78)
		return &shapes[d->map == MAP_E0F3A ? UNKNOWN_MODRM_IB : UNKNOWN_MODRM];
	switch (d->map) {
	case MAP_ONE:
		return &shapes[unknown_one(d->op)];
	case MAP_0F:
	case MAP_V0F:
	case MAP_E0F:
	case MAP_E5:
		return &shapes[unknown_0f(d->op)];
	case MAP_0F3A:
	case MAP_V0F3A:
	case MAP_E0F3A:
		return &shapes[UNKNOWN_MODRM_IB];
	default:
		return &shapes[UNKNOWN_MODRM];
	}
}

/* For an encoding without a row in this model: the feature that would bring one, or that there is none.
 * NULL: it is what 64-bit mode took out of map one, which is whole, or another maker's. */
static const char *missing_feature(const struct decoder *dec, const struct decoded *d, u8 modrm,
				   u64 feats)
{
	static const char *const names[] = {
#define FEAT(name, ...) [FEAT_##name] = #name ": not in this --cpu model",
#include "cpu/feat.def"
#undef FEAT
	};
	u16 row = find_row(dec, d, modrm, ~(BIT(FEAT_AMD) | BIT(FEAT_INTEL)));

	if (row != NO_ROW)
		return feats >> insn_rows[row].feat & 1 ? NULL : names[insn_rows[row].feat];
	if (d->map == MAP_ONE || find_row(dec, d, modrm, ~0UL) != NO_ROW)
		return NULL;
	return "not an instruction that Vellum knows";
}

static bool lock_legal(const struct insn_row *row, const struct decoded *d)
{
	return (row->attr & LOCK_OK) && d->modrm_at && d->mod != 3;
}

enum decode_result decode(const struct decoder *dec, u64 feats, const u8 *code, unsigned n,
			  struct decoded *d)
{
	struct reader r = {.code = code, .n = n};
	const struct form *form;
	bool possible;
	u8 ahead;

	memset(d, 0, sizeof(*d));
	d->row = NO_ROW;
	d->pfx = PFX_NONE;
	d->seg = d->base = d->index = OFF_ZERO;

	read_prefixes(&r, d);
	if (r.more || r.too_long)
		goto out;
	possible = read_opcode(&r, d, feats);
	if (r.more || r.too_long)
		goto out;
	ahead = r.at < n && r.at < 15 ? code[r.at] : 0;
	d->row = possible ? find_row(dec, d, ahead, feats) : NO_ROW;
	if (possible && d->row == NO_ROW && dec->first[d->map][d->op] != NO_ROW && r.at >= n) {
		/* Rows differ by ModRM, which is not here yet, or would be byte 16. */
		r.too_long = r.at >= 15;
		r.more = !r.too_long;
		goto out;
	}
	form = d->row == NO_ROW ? form_unknown(d) : &forms[insn_rows[d->row].form];
	d->width = width_of(d, form->width);
	if (form->width == WIDTH_NB && !(feats >> FEAT_AMD & 1))
		d->width = W_Q;
	if (form->operands == OPND_CR) { /* mod is ignored: always registers */
		d->modrm = next_byte(&r) | 0xc0;
		d->reg = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1;
	}
	if (form->operands != OPND_CR && form->modrm)
		read_modrm(&r, d);
	read_imm(&r, d, form->imm);
	while (r.tail--)
		next_byte(&r);
	if (d->row == NO_ROW) {
		d->vector = X86_UD;
		d->unsupported = possible ? missing_feature(dec, d, ahead, feats) : NULL;
	} else if ((d->lock && !lock_legal(&insn_rows[d->row], d)) ||
		   (map_is_vex(d->map) && !r.more && !r.too_long && !vex_finish(d, code, feats))) {
		d->vector = X86_UD;
		d->row = NO_ROW;
	}
out:
	d->len = r.at;
	memcpy(d->bytes, code, r.at);
	if (r.too_long) {
		d->vector = X86_GP;
		d->row = NO_ROW;
		d->unsupported = NULL;
		return DECODE_FAULT;
	}
	if (r.more)
		return DECODE_MORE;
	return d->row == NO_ROW ? DECODE_FAULT : DECODE_OK;
}

/* Byte registers 4 to 7 without REX are ah, ch, dh, bh. */
static u8 byte_reg(const struct decoded *d, unsigned n)
{
	return !d->rex && n >= 4 && n < 8 ? OFF_GPR(n - 4) + 1 : OFF_GPR(n);
}

static u8 any_reg(const struct decoded *d, unsigned n, unsigned width)
{
	return width == W_B ? byte_reg(d, n) : OFF_GPR(n);
}

static void bind_operands(const struct decoded *d, struct insn *in)
{
	const struct insn_row *row = &insn_rows[d->row];
	unsigned z = (d->op & 7) | (d->rex & 1) << 3;
	u8 swap;

	switch (forms[row->form].operands) {
	case OPND_EG:
		in->reg = any_reg(d, d->reg, d->width);
		in->rm = any_reg(d, d->rm, d->width);
		break;
	case OPND_EGb:
		in->reg = OFF_GPR(d->reg);
		in->rm = byte_reg(d, d->rm);
		break;
	case OPND_CR:
		in->reg = d->reg;
		break;
	case OPND_EGB:
		in->reg = OFF_GPR(d->reg);
		in->rm = OFF_GPR(d->rm);
		in->imm = OFF_GPR(d->vvvv);
		break;
	case OPND_BE:
		in->reg = OFF_GPR(d->vvvv);
		in->rm = OFF_GPR(d->rm);
		break;
	case OPND_EGraw:
		in->reg = d->reg;
		in->rm = OFF_GPR(d->rm);
		break;
	case OPND_E:
		in->reg = OFF_ZERO;
		in->rm = any_reg(d, d->rm, d->width);
		break;
	case OPND_Z:
		in->rm = any_reg(d, z, d->width);
		break;
	case OPND_A:
		in->rm = OFF_GPR(R_RAX);
		break;
	case OPND_AZ:
		in->reg = OFF_GPR(R_RAX);
		in->rm = OFF_GPR(z);
		break;
	case OPND_VEC:
		in->reg = d->reg;
		in->rm = d->rm;
		break;
	case OPND_VECG:
		in->reg = OFF_GPR(d->reg);
		in->rm = d->rm;
		break;
	case OPND_VECE:
		in->reg = d->reg;
		in->rm = OFF_GPR(d->rm);
		break;
	default:
		in->reg = in->rm = OFF_ZERO;
		break;
	}
	if ((row->attr & SWAP) && d->mod == 3) {
		swap = in->reg;
		in->reg = in->rm;
		in->rm = swap;
	}
}

static u8 insn_flags(const struct decoded *d, bool mem)
{
	bool stack = d->seg == OFF_ZERO && (d->base == OFF_GPR(R_RSP) || d->base == OFF_GPR(R_RBP));

	return (d->pfx == PFX_F3 ? IN_REP : 0) | (d->pfx == PFX_F2 ? IN_REPNE : 0) |
	       (d->lock ? IN_LOCK : 0) | (d->asize ? IN_A32 : 0) | (mem && stack ? IN_STACK : 0) |
	       (mem ? IN_MEM : 0) | (d->rex ? IN_REX : 0) | (d->opsize ? IN_OPSIZE : 0);
}

void insn_bind(const struct decoded *d, gva_t rip, gva_t base, bool careful, struct insn *in)
{
	const struct insn_row *row = &insn_rows[d->row];
	const struct form *form = &forms[row->form];
	bool mem = d->modrm_at && d->mod != 3, full;

	memset(in, 0, sizeof(*in));
	in->row = d->row;
	in->len = d->len;
	in->off = (s16)(rip - base);
	in->base = d->base;
	in->index = d->index;
	in->seg = d->seg;
	in->scale = d->scale;
	in->width = d->width;
	in->imm = d->imm;
	in->disp = (s32)d->disp;
	if (d->base == OFF_RIP)
		in->disp += (s32)in->off + d->len;
	if (form->imm == IMM_JB || form->imm == IMM_JZ)
		in->imm = (rip + d->len + d->imm) & (d->width == W_W ? 0xffff : ~0UL);
	in->flags = insn_flags(d, mem);
	bind_operands(d, in);

	full = careful || d->asize || d->index != OFF_ZERO || d->seg != OFF_ZERO;
	in->ea = mem ? (full ? EA_FULL : EA_BASE) : (careful ? EA_FULL : EA_REG);
	if (!mem && form->modrm)
		in->ea = EA_REG;
	in->fn = row->set[VARIANT(in->width, in->ea, 0)];
}

void insn_flags_dead(struct insn *in)
{
	if (!(insn_rows[in->row].attr & THUNK))
		in->fn = insn_rows[in->row].set[VARIANT(in->width, in->ea, 1)];
}

/* VEX and EVEX prefixes; XOP is measured only.
 *
 *   C5      R vvvv L pp
 *   C4      R X B mmmmm         W vvvv L pp
 *   62      R X B R' 0 mmm      W vvvv 1 pp      z L'L b V' aaa
 *
 * R, X, B, R', V' and vvvv are stored inverted. From here on an instruction looks as if REX had
 * said W, R, X and B. SDM vol. 2A, 2.3 and 2.7; vol. 2D, appendix A.
 */
#include "cpu/decode_vex.h"

static const u8 pfx_of_pp[] = {PFX_NONE, PFX_66, PFX_F3, PFX_F2};

/* AMD's, and gone since Zen: of use only for its length. */
static bool read_xop(struct reader *r, struct decoded *d)
{
	d->opcode_at = r->at + 2;
	r->tail = (next_byte(r) & 0x1f) == 10 ? 4 : 0;
	next_byte(r);
	d->op = next_byte(r);
	d->map = MAP_V0F38;
	return false;
}

/* The byte W vvvv L pp. */
static void take_vvvv(struct decoded *d, u8 p)
{
	d->vvvv = ~(p >> 3) & 15;
	d->vl = p >> 2 & 1;
	d->pfx = pfx_of_pp[p & 3];
}

static unsigned read_vex(struct reader *r, struct decoded *d, u8 first)
{
	u8 p0 = next_byte(r), p1;

	if (first == 0xc5) {
		d->rex = 0x40 | (~p0 >> 7 & 1) << 2;
		take_vvvv(d, p0);
		return 1;
	}
	p1 = next_byte(r);
	d->rex = 0x40 | (p1 >> 7) << 3 | (~p0 >> 5 & 7);
	take_vvvv(d, p1);
	return p0 & 0x1f;
}

static unsigned read_evex(struct reader *r, struct decoded *d, bool *reserved)
{
	u8 p0 = next_byte(r), p1 = next_byte(r);

	*reserved = (p0 & 8) || !(p1 & 4);
	d->rex = 0x40 | (p1 >> 7) << 3 | (~p0 >> 5 & 7);
	take_vvvv(d, p1);
	d->evex = next_byte(r);
	d->vl = d->evex >> 5 & 3;
	return p0 & 7;
}

bool vex_read(struct reader *r, struct decoded *d, u8 first)
{
	static const u8 vex_maps[] = {0, MAP_V0F, MAP_V0F38, MAP_V0F3A};
	static const u8 evex_maps[8] = {0, MAP_E0F, MAP_E0F38, MAP_E0F3A, 0, MAP_E5, MAP_E6, 0};
	bool prefixed = d->opsize || d->pfx != PFX_NONE || d->lock || d->rex, reserved = false;
	unsigned map, raw;

	if (first == 0x8f)
		return read_xop(r, d);
	if (first == 0x62) {
		raw = read_evex(r, d, &reserved);
		map = evex_maps[raw];
	} else {
		raw = read_vex(r, d, first);
		map = raw < ARRAY_SIZE(vex_maps) ? vex_maps[raw] : 0;
	}
	d->opcode_at = r->at;
	d->op = next_byte(r);
	/* Without a map of its own it has the shape of another. */
	d->map = map ? map : MAP_V0F38;
	r->tail = first == 0x62 && raw == 7;
	return map && !prefixed && !reserved;
}

/* AMD's CPUs ignore EVEX.z of what takes no mask, but for stores and moves between mask and vector. */
static bool ignores_z(const struct insn_row *row, bool mem)
{
	bool from_mask = row->form == FORM_V_W && (row->attr & ~(LIG | KREG)) == THUNK;

	return !(row->attr & MASK) && !(mem && (row->attr & MEM_WRITE)) && !from_mask;
}

/* EVEX.b, z, aaa and V' against what the row offers. AMD's CPUs ignore b with registers where it
 * would broadcast from memory. */
static bool evex_bits_match(const struct insn_row *row, const struct decoded *d, bool mem, bool amd)
{
	u8 p = d->evex, aaa = p & EVEX_AAA;

	if ((p & EVEX_B) && !ATTR_BCAST(row->attr) && (mem || !(row->attr & (SAE | RC))))
		return false;
	if ((p & EVEX_B) && !mem && !amd && !(row->attr & (SAE | RC)))
		return false;
	if (aaa ? !(row->attr & MASK) : row->attr & MASK_MUST)
		return false;
	if (!aaa && (p & EVEX_Z) && (!amd || !ignores_z(row, mem)))
		return false;
	if (aaa && (p & EVEX_Z) && (!(row->attr & ZERO) || (mem && (row->attr & MEM_WRITE))))
		return false;
	return (p & EVEX_V) || (row->attr & (VVVV | VSIB));
}

/* Vector rows need AVX whatever else they name, EVEX ones AVX512F, and VL for short vectors. */
static bool features_suffice(const struct insn_row *row, const struct decoded *d, unsigned vl,
			     u64 feats)
{
	u64 need = 0;

	if (map_is_evex(d->map))
		need = BIT(FEAT_AVX512F) | (vl < 2 && !(row->attr & LIG) ? BIT(FEAT_AVX512VL) : 0);
	else if (row->attr & THUNK)
		need = BIT(FEAT_AVX);
	return (feats & need) == need;
}

bool vex_row_matches(const struct insn_row *row, const struct decoded *d, u8 modrm, u64 feats)
{
	bool evex = map_is_evex(d->map), mem = modrm < 0xc0;
	unsigned vl = d->vl;

	if (row->w != VEX_W_ANY && row->w != !!(d->rex & 8))
		return false;
	if (evex && (d->evex & EVEX_B) && !mem && (row->attr & (SAE | RC)))
		vl = row->attr & LIG ? 0 : 2; /* L'L is the rounding */
	if (!(row->l >> vl & 1) || !features_suffice(row, d, vl, feats))
		return false;
	if (!(row->attr & VVVV) && d->vvvv)
		return false;
	if ((row->attr & VSIB) && (modrm & 7) != 4)
		return false;
	return !evex || evex_bits_match(row, d, mem, feats >> FEAT_AMD & 1);
}

unsigned vex_mem_size(const struct insn_row *row, const struct decoded *d)
{
	unsigned size = ATTR_MEM_SIZE(row->attr);

	if ((d->evex & EVEX_B) && ATTR_BCAST(row->attr))
		return ATTR_BCAST(row->attr);
	if (size & SIZE_VL)
		return (16U << d->vl) >> (size & 3);
	return size ? size : 1U << d->width;
}

/* Destination and sources of which no two may be the same: the VSIB index of gathers, some of
 * FP16. Masks of AVX2 gathers are in vvvv. */
static bool distinct(const struct insn_row *row, const struct decoded *d, const u8 *sib)
{
	unsigned index;

	if (!(row->attr & DISTINCT))
		return true;
	if (!(row->attr & VSIB))
		return d->reg != d->vvvv && (d->mod != 3 || d->reg != d->rm);
	index = (*sib >> 3 & 7) | (d->rex & 2) << 2;
	if (d->evex)
		return d->reg != (index | (d->evex & EVEX_V ? 0 : 16));
	return d->reg != d->vvvv && d->reg != index && d->vvvv != index;
}

/* Of mask registers in VEX encodings AMD's CPUs look at three bits. */
static bool registers_exist(const struct insn_row *row, const struct decoded *d, bool amd)
{
	if (amd && !map_is_evex(d->map))
		return true;
	return (!(row->attr & KREG) || d->reg < 8) && (!(row->attr & KVVVV) || d->vvvv < 8) &&
	       (!form_reg_is_gpr(row->form) || d->reg < 16);
}

bool vex_finish(struct decoded *d, const u8 *code, u64 feats)
{
	const struct insn_row *row = &insn_rows[d->row];

	if (map_is_evex(d->map)) {
		u8 p0 = ~code[d->nr_prefix + 1];

		d->reg |= p0 & 0x10;
		if (d->mod == 3 && !form_rm_is_gpr(row->form))
			d->rm |= (p0 & 0x40) >> 2;
		if (row->attr & VVVV)
			d->vvvv |= d->evex & EVEX_V ? 0 : 16;
		if (d->disp_len == 1)
			d->disp *= row->attr & DISP_ELEM ? (s64)ATTR_ELEM(row->attr)
							 : (s64)vex_mem_size(row, d);
	}
	return registers_exist(row, d, feats >> FEAT_AMD & 1) &&
	       distinct(row, d, code + d->modrm_at + 1);
}

/* See the header. Bits are thrown with the odds that tests want; the decoder says whether that gave an
 * instruction of the row, and forms_of() whether it has what was asked for. */
#include "encode.h"

#include "random.h"

#define TRIES 400

/* One encoding in the making. */
struct making {
	const struct insn_row *row;
	u64 wish;
	u8 *code;
	unsigned n;
	bool mem;
	bool r, x, b; /* high registers */
};

static bool wished(const struct making *m, u64 forms)
{
	return m->wish & forms;
}

static bool throw(const struct making *m, u64 forms, unsigned odds)
{
	return wished(m, forms) || one_in(odds);
}

static void put(struct making *m, u8 byte)
{
	m->code[m->n++] = byte;
}

static bool choose_memory(const struct making *m)
{
	if (m->row->mod != MOD_ANY)
		return m->row->mod == MOD_MEM;
	if (wished(m, FB_MEMORY | FB(absent) | FB(readonly) | FB(unaligned)))
		return true;
	return !wished(m, FB(reg) | FB(rmhi) | FB(rm16) | FB_RC) && one_in(2);
}

/* ---- ModRM ---------------------------------------------------------------------------------- */

static u8 choose_rm(const struct making *m)
{
	if (m->row->mod >= MOD_RM0)
		return m->row->mod - MOD_RM0;
	return wished(m, FB(bytehi)) ? 4 + below(4) : below(8);
}

static void put_memory(struct making *m, u8 reg)
{
	bool sib = throw(m, FB(index) | FB(scale) | FB(hiindex) | FB(nobase), 3);
	u8 mod = wished(m, FB(disp8))	 ? 1
		 : wished(m, FB(disp32)) ? 2
		 : wished(m, FB(base))	 ? 0
					 : below(3);
	u8 scale = wished(m, FB(index)) ? 0 : wished(m, FB(scale)) ? 1 + below(3) : below(4);

	if (m->row->attr & VSIB)
		sib = true;
	if (wished(m, FB(rip)) || (!sib && !(m->wish & FB_MEMORY) && one_in(5))) {
		put(m, reg << 3 | 5);
		return;
	}
	if (wished(m, FB(nobase)))
		mod = 0;
	if (!sib) {
		put(m, mod << 6 | reg << 3 | below(8));
		return;
	}
	put(m, mod << 6 | reg << 3 | 4);
	put(m, scale << 6 | below(8) << 3 | (wished(m, FB(nobase)) ? 5 : below(8)));
}

static void put_modrm(struct making *m)
{
	u8 reg = m->row->ext != EXT_ANY	 ? m->row->ext
		 : wished(m, FB(bytehi)) ? 4 + below(4)
					 : below(8);

	if (m->mem)
		put_memory(m, reg);
	else
		put(m, 0xc0 | reg << 3 | choose_rm(m));
}

/* ---- Legacy encodings ----------------------------------------------------------------------- */

/* No effect in 64-bit mode. */
static const u8 harmless[] = {0x2e, 0x36, 0x3e, 0x26};

static bool choose_opsize(const struct making *m)
{
	const struct insn_row *row = m->row;

	if (row->pfx == PFX_66 || wished(m, FB(w16) | FB(opsize_w)))
		return true;
	if (row->pfx == PFX_NONE || wished(m, FB(w32)))
		return false;
	if (row->attr & THUNK)
		return one_in(row->attr & SIZE_BY_66 ? 2 : 8);
	return one_in(4);
}

static void put_legacy_prefixes(struct making *m)
{
	const struct insn_row *row = m->row;
	u8 list[8];
	unsigned n = 0;

	if (choose_opsize(m))
		list[n++] = 0x66;
	if (throw(m, FB(seg), 16))
		list[n++] = harmless[below(4)];
	if (throw(m, FB(a32), 10))
		list[n++] = 0x67;
	if (throw(m, FB(fs) | FB(gs), 16))
		list[n++] = wished(m, FB(fs)) ? 0x64 : wished(m, FB(gs)) ? 0x65 : 0x64 + below(2);
	if (row->pfx == PFX_F3 || row->pfx == PFX_F2)
		list[n++] = row->pfx == PFX_F3 ? 0xf3 : 0xf2;
	else if (throw(m, FB(rep) | FB(repne), row->attr & REPS ? 2 : 30))
		list[n++] = wished(m, FB(rep))	   ? 0xf3
			    : wished(m, FB(repne)) ? 0xf2
						   : 0xf2 + below(2);
	if ((row->attr & LOCK_OK) && throw(m, FB(lock), 4))
		list[n++] = 0xf0;
	while (n) { /* in any order */
		unsigned i = below(n);

		put(m, list[i]);
		list[i] = list[--n];
	}
}

static void put_rex(struct making *m)
{
	bool w = (m->row->attr & REX_W) || wished(m, FB(w64) | FB(opsize_w)) ||
		 (!wished(m, FB(w16) | FB(w32)) && one_in(3));
	u8 rex = w << 3 | m->r << 2 | m->x << 1 | m->b;

	if (wished(m, FB(bytehi)))
		return;
	if (rex || one_in(6))
		put(m, 0x40 | rex);
}

static void put_legacy(struct making *m)
{
	const struct insn_row *row = m->row;

	put_legacy_prefixes(m);
	put_rex(m);
	if (row->map != MAP_ONE)
		put(m, 0x0f);
	if (row->map == MAP_0F38 || row->map == MAP_0F3A)
		put(m, row->map == MAP_0F38 ? 0x38 : 0x3a);
	if (row->attr & PLUS_R)
		put(m, row->op + (wished(m, FB(bytehi)) ? 4 + below(4) : below(8)));
	else
		put(m, row->op);
}

/* ---- VEX and EVEX --------------------------------------------------------------------------- */

static const u8 pp[PFX_ANY + 1] = {[PFX_NONE] = 0, [PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};

static unsigned choose_vl(const struct making *m)
{
	unsigned vl;

	for (vl = 0; vl < 3; vl++)
		if (wished(m, BIT(F_l128 + vl)))
			return vl;
	do
		vl = below(3);
	while (!(m->row->l >> vl & 1));
	return vl;
}

static u8 choose_w(const struct making *m)
{
	if (m->row->w != VEX_W_ANY)
		return m->row->w;
	return wished(m, FB(w0) | FB(vex2)) ? 0 : wished(m, FB(w1)) ? 1 : below(2);
}

static u8 choose_vvvv(const struct making *m)
{
	if (!(m->row->attr & VVVV))
		return 15;
	return m->row->attr & KVVVV ? 8 + below(8) : below(16);
}

static void put_segments(struct making *m)
{
	if (throw(m, FB(seg), 16))
		put(m, harmless[below(4)]);
	if (throw(m, FB(a32), 10))
		put(m, 0x67);
	if (throw(m, FB(fs) | FB(gs), 16))
		put(m, wished(m, FB(fs)) ? 0x64 : wished(m, FB(gs)) ? 0x65 : 0x64 + below(2));
}

static void put_vex(struct making *m)
{
	const struct insn_row *row = m->row;
	u8 map = row->map - MAP_V0F + 1, w = choose_w(m);
	u8 p = choose_vvvv(m) << 3 | choose_vl(m) << 2 | pp[row->pfx];
	bool may_2 = map == 1 && !w && !m->x && !m->b;

	put_segments(m);
	if (may_2 && !wished(m, FB(vex3)) && throw(m, FB(vex2), 2)) {
		put(m, 0xc5);
		put(m, !m->r << 7 | p);
	} else {
		put(m, 0xc4);
		put(m, !m->r << 7 | !m->x << 6 | !m->b << 5 | map);
		put(m, w << 7 | p);
	}
	put(m, row->op);
}

static u8 choose_p2(const struct making *m)
{
	const struct insn_row *row = m->row;
	u8 p2 = choose_vl(m) << 5;
	bool may_b = m->mem ? ATTR_BCAST(row->attr) != 0 : (row->attr & (SAE | RC)) != 0;

	if (row->attr & (MASK | MASK_MUST))
		p2 |= throw(m, FB(mask) | FB(zero), 2) || (row->attr & MASK_MUST) ? 1 + below(7)
										  : 0;
	if ((row->attr & ZERO) && (p2 & 7) && throw(m, FB(zero), 2) &&
	    !(m->mem && (row->attr & MEM_WRITE)))
		p2 |= EVEX_Z;
	if (may_b && throw(m, FB(bcast) | FB_RC, 3)) {
		p2 |= EVEX_B;
		for (unsigned i = 0; i < 4 && !m->mem; i++)
			if (wished(m, BIT(F_rc0 + i)) || (!wished(m, FB_RC) && one_in(4)))
				p2 = (p2 & ~0x60) | i << 5;
	}
	if (!(row->attr & (VVVV | VSIB)) || (row->attr & KVVVV) || !throw(m, FB(v16), 2))
		p2 |= EVEX_V;
	return p2;
}

static void put_evex(struct making *m)
{
	static const u8 maps[] = {1, 2, 3, 5, 6};
	const struct insn_row *row = m->row;
	bool high_g = throw(m, FB(reg16), 3) && !(row->attr & KREG);

	if (wished(m, FB(rm16)))
		m->x = true;
	put_segments(m);
	put(m, 0x62);
	put(m, !m->r << 7 | !m->x << 6 | !m->b << 5 | !high_g << 4 | maps[row->map - MAP_E0F]);
	put(m, choose_w(m) << 7 | choose_vvvv(m) << 3 | 4 | pp[row->pfx]);
	put(m, choose_p2(m));
	put(m, row->op);
}

/* ---- All together --------------------------------------------------------------------------- */

static bool has_modrm(const struct insn_row *row)
{
	static const bool modrm[NR_FORMS] = {
#define FORM(name, modrm, imm, width, operands) [FORM_##name] = modrm,
#include "cpu/forms.def"
#undef FORM
	};

	return modrm[row->form];
}

static void make(struct making *m)
{
	for (unsigned i = 0; i < 15; i++)
		m->code[i] = (u8)rnd();
	m->n = 0;
	m->mem = choose_memory(m);
	m->r = throw(m, FB(reghi), 3);
	m->x = throw(m, FB(hiindex), 3);
	m->b = throw(m, FB(hibase) | FB(rmhi), 3);
	if (m->row->map >= MAP_E0F)
		put_evex(m);
	else if (m->row->map >= MAP_V0F)
		put_vex(m);
	else
		put_legacy(m);
	if (has_modrm(m->row))
		put_modrm(m);
}

bool encode_row(const struct encoder *e, unsigned row, u64 wish, u8 code[15], struct decoded *d)
{
	struct making m = {.row = &insn_rows[row], .wish = wish};
	u64 of_encoding = wish & (BIT(F_absent) - 1) & ~FB(plain);
	u8 bytes[24];

	m.code = bytes;
	for (unsigned i = 0; i < TRIES; i++) {
		make(&m);
		if (decode(e->dec, e->feats, bytes, 15, d) != DECODE_OK || d->row != row)
			continue;
		if ((forms_of(d) & of_encoding) != of_encoding)
			continue;
		for (unsigned b = 0; b < 15; b++)
			code[b] = bytes[b];
		return true;
	}
	return false;
}

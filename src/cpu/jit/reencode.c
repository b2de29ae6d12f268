/* The guest's own instruction, written anew: with other registers, with the operand that a look-up found. */
#include "cpu/decode_vex.h"
#include "cpu/jit/internal.h"

static void put_rest(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m)
{
	const struct decoded *d = &t->d;

	if (m)
		emit_modrm_mem(&t->e, reg, m);
	else if (d->modrm_at) /* not vzeroupper */
		emit_8(&t->e, 0xc0 | (reg & 7) << 3 | (rm & 7));
	for (unsigned i = 0; i < d->imm_len; i++)
		emit_8(&t->e, (u8)(d->imm >> 8 * i));
}

/* Bits R, X and B. */
static u8 rxb(unsigned reg, unsigned rm, const struct hmem *m)
{
	return (reg & 8 ? 4 : 0) | (m ? hmem_rex(m) : rm & 8 ? 1 : 0);
}

static void put_evex(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m)
{
	const u8 *from = t->d.bytes + t->d.nr_prefix;
	u8 p0 = from[1] & 0x0f, rex = rxb(reg, rm, m);

	p0 |= (~rex & 4) << 5 | (~rex & 2) << 5 | (~rex & 1) << 5;
	if (!m) /* X is bit 4 of a register in rm */
		p0 = (p0 & ~0x40) | (rm & 16 ? 0 : 0x40);
	p0 |= reg & 16 ? 0 : 0x10;
	emit_8(&t->e, 0x62);
	emit_8(&t->e, p0);
	emit_8(&t->e, from[2]);
	emit_8(&t->e, from[3]);
	emit_8(&t->e, t->d.op);
	if (m) {
		struct hmem wide = *m;

		wide.disp32 = true; /* a short one would be scaled */
		put_rest(t, reg, 0, &wide);
	} else {
		put_rest(t, reg, rm, NULL);
	}
}

static void put_vex(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m, int vvvv)
{
	static const u8 pp[] = {[PFX_NONE] = 0, [PFX_66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};
	const struct decoded *d = &t->d;
	unsigned v = vvvv < 0 ? d->vvvv : (unsigned)vvvv;

	emit_8(&t->e, 0xc4);
	emit_8(&t->e, (~rxb(reg, rm, m) & 7) << 5 | (d->map - MAP_V0F + 1));
	emit_8(&t->e, (d->rex & 8) << 4 | (~v & 15) << 3 | d->vl << 2 | pp[d->pfx]);
	emit_8(&t->e, d->op);
	put_rest(t, reg, rm, m);
}

void jit_reencode(struct tr *t, unsigned reg, unsigned rm, const struct hmem *m, int vvvv)
{
	static const u8 maps[NR_MAPS][2] = {
		[MAP_0F] = {0x0f}, [MAP_0F38] = {0x0f, 0x38}, [MAP_0F3A] = {0x0f, 0x3a}};
	static const u8 nr_map[NR_MAPS] = {[MAP_0F] = 1, [MAP_0F38] = 2, [MAP_0F3A] = 2};
	const struct decoded *d = &t->d;
	const struct insn_row *row = t->row;
	bool vec = row->attr & THUNK, z = row->attr & PLUS_R;
	u8 rex = (d->rex & 8) | (z ? (rm & 8 ? 1 : 0) : rxb(reg, rm, m));

	if (map_is_evex(d->map)) {
		put_evex(t, reg, rm, m);
		return;
	}
	if (map_is_vex(d->map)) {
		put_vex(t, reg, rm, m, vvvv);
		return;
	}
	if (vec && (row->form == FORM_x87 || row->form == FORM_x87_ax))
		rex &= m ? 3 : 0;
	if (vec ? row->pfx == PFX_66 : d->opsize)
		emit_8(&t->e, 0x66);
	if (row->pfx == PFX_F2 || row->pfx == PFX_F3)
		emit_8(&t->e, row->pfx == PFX_F2 ? 0xf2 : 0xf3);
	if (rex || (d->rex && !vec))
		emit_8(&t->e, 0x40 | rex);
	emit_bytes(&t->e, maps[d->map], nr_map[d->map]);
	emit_8(&t->e, z ? (d->op & ~7) | (rm & 7) : d->op);
	put_rest(t, reg, rm, m);
}

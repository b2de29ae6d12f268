/* Which guest registers stand in host registers.
 *
 * r8 to r11 live in memory and r12 to r15 in host registers; a unit may let some change places with each other, if it
 * uses those in memory more. What is where goes with the jump that leaves the unit, as the flags do (struct
 * jflags): so a loop changes places before it begins. C, computed jumps and general units know the usual places only.
 *
 *	place     r0 .. r7, r12 .. r15: a host register; 8 .. 11: a slot of struct cpu
 *	the map   by slot a nibble: who is there, 12 .. 15; 0: the slot's own. Whoever is there has left his
 *	          register to the slot's own: a map is its own inverse.
 *
 * Decoded registers are renamed to places (jit_map_operands()), and so what writes code knows places only; struct insn
 * and what C sees have guest registers.
 */
#include "cpu/decode_vex.h"
#include "cpu/jit/internal.h"

#define FIRST_SLOT R_R8
#define NR_SLOTS 4
#define FIRST_HOST R_R12

/* What a change of places costs, in uses of a register in memory. */
#define COST_LOOP 2  /* the unit is a loop */
#define COST_THERE 5 /* once to there */
#define COST_BACK 8  /* and back: the unit ends with a jump that knows usual places only */

/* Who is in slot @i; 0: its own. */
static unsigned there(u32 map, unsigned i)
{
	return map >> 4 * i & 15;
}

unsigned jit_map_place(u32 map, unsigned gpr)
{
	if (!map || gpr < FIRST_SLOT || gpr >= NR_GPR)
		return gpr;
	for (unsigned i = 0; i < NR_SLOTS; i++) {
		unsigned host = there(map, i);

		if (host && gpr == host)
			return FIRST_SLOT + i;
		if (host && gpr == FIRST_SLOT + i)
			return host;
	}
	return gpr;
}

void jit_map_regs(struct cpu *cpu, u32 map)
{
	for (unsigned i = 0; map && i < NR_SLOTS; i++) {
		u64 *slot = &cpu->regs.gpr[FIRST_SLOT + i], *host = &cpu->regs.gpr[there(map, i)];
		u64 v = *slot;

		if (!there(map, i))
			continue;
		*slot = *host;
		*host = v;
	}
}

void jit_map_flags(struct jflags *f, u32 map)
{
	if (f->kind < JF_ADD)
		return;
	f->a = (u8)jit_map_place(map, f->a);
	f->b = (u8)jit_map_place(map, f->b);
}

void jit_map_operands(struct tr *t)
{
	struct decoded *d = &t->d;
	const struct insn_row *row = t->row;
	bool vec = t->rule->kind == RULE_VEC;

	if (!t->map)
		return;
	if (row->attr & PLUS_R) {
		unsigned z = jit_map_place(t->map, (d->op & 7) | (d->rex & 1) << 3);

		d->op = (u8)((d->op & ~7U) | (z & 7));
	}
	if (d->modrm_at && d->mod == 3 &&
	    row->form != FORM_x87_ax && /* fnstsw ax, whatever REX says */
	    (!vec || form_rm_is_gpr(row->form)))
		d->rm = (u8)jit_map_place(t->map, d->rm);
	if (d->modrm_at && row->ext == EXT_ANY && (!vec || form_reg_is_gpr(row->form)))
		d->reg = (u8)jit_map_place(t->map, d->reg);
	if (t->rule->roles & (RO_VR | RO_VW))
		d->vvvv = (u8)jit_map_place(t->map, d->vvvv);
	if (d->base / 8 < NR_GPR)
		d->base = (u8)(8 * jit_map_place(t->map, d->base / 8));
	if (d->index / 8 < NR_GPR)
		d->index = (u8)(8 * jit_map_place(t->map, d->index / 8));
}

/* Slot @i and host register @host change what they hold. */
static void emit_change(struct tr *t, unsigned i, unsigned host)
{
	emit_load_cpu(&t->e, H_S0, 8 * (FIRST_SLOT + i));
	emit_store_cpu(&t->e, host, 8 * (FIRST_SLOT + i));
	emit_move(&t->e, host, H_S0);
}

void jit_map_change(struct tr *t, u32 map)
{
	u32 old = t->map;

	if (map == old)
		return;
	if (t->row) /* the instruction's registers are renamed already */
		jit_map_operands(t);
	jit_map_flags(&t->fl, old);
	for (unsigned i = 0; i < NR_SLOTS; i++)
		if (there(old, i) && there(old, i) != there(map, i))
			emit_change(t, i, there(old, i));
	for (unsigned i = 0; i < NR_SLOTS; i++)
		if (there(map, i) && there(old, i) != there(map, i))
			emit_change(t, i, there(map, i));
	t->map = map;
	jit_map_flags(&t->fl, map);
	if (t->row)
		jit_map_operands(t);
}

/* How much the unit uses its registers. */
static void count_uses(const struct tr *t, unsigned uses[NR_GPR])
{
	memset(uses, 0, NR_GPR * sizeof(uses[0]));
	for (unsigned k = 0; k < t->n; k++) {
		const struct insn *in = t->insn[k];
		const struct jit_rule *rule;

		if (in->row == NO_ROW)
			continue;
		rule = jit_rule_of(t->j, in->row);
		if (in->flags & IN_MEM) { /* its address is wanted twice */
			if (in->base / 8 < NR_GPR)
				uses[in->base / 8] += 2;
			if (in->index / 8 < NR_GPR)
				uses[in->index / 8] += 2;
		}
		if (rule->kind == RULE_VEC)
			continue;
		if (!(in->flags & IN_MEM) && in->rm / 8 < NR_GPR && (rule->roles & (RO_ER | RO_EW)))
			uses[in->rm / 8] += rule->roles & RO_EW ? 2 : 1;
		if (in->reg / 8 < NR_GPR && (rule->roles & (RO_GR | RO_GW)))
			uses[in->reg / 8] += rule->roles & RO_GW ? 2 : 1;
	}
}

/* Uses that a change of places has to save. */
static unsigned cost_of(const struct tr *t)
{
	const struct insn *last = t->insn[t->n - 1];
	const struct jit_rule *rule;

	if (last->row == NO_ROW)
		return COST_BACK;
	rule = jit_rule_of(t->j, last->row);
	switch (rule->kind) {
	case RULE_JCC:
	case RULE_JMP:
		return last->imm == t->u->block->rip ? COST_LOOP : COST_THERE;
	case RULE_CALL:
	case RULE_CALL_E:
	case RULE_JMP_E:
	case RULE_RET:
		return COST_BACK;
	default:
		return COST_THERE;
	}
}

u32 jit_map_choose(const struct tr *t)
{
	unsigned uses[NR_GPR], cost = cost_of(t);
	u32 map = t->map;

	count_uses(t, uses);
	for (unsigned i = 0; i < NR_SLOTS; i++) {
		unsigned own = uses[FIRST_SLOT + i], best = 0;

		if (there(map, i)) {
			if (uses[there(map, i)] > own + cost)
				map &= ~(15U << 4 * i);
			continue;
		}
		for (unsigned h = FIRST_HOST; h < NR_GPR; h++)
			if (jit_map_place(map, h) == h && (!best || uses[h] < uses[best]))
				best = h;
		if (best && own >= uses[best] + cost)
			map |= best << 4 * i;
	}
	return map;
}

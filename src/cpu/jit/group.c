/* One look-up for several accesses.
 *
 * Accesses of a block that are off one register, or off registers that come from it by constants (push and pop,
 * add and sub of a constant, mov, lea), mostly lie in one page: the stack frame, a structure. They make a group,
 * [register as it is at the entry] + lo .. hi, which is looked up once, at the entry, like an access of hi - lo
 * bytes; its addend is kept in struct cpu.
 *
 *	push rbp; push rbx; sub rsp, 24; mov [rsp+8], rdi; call f       rsp - 48 .. rsp, write
 *
 * The look-up fills nothing, so nothing has happened if it fails: it goes to another translation of the block,
 * the plain one, in which each access looks for itself. No group is wider than GROUP_MAX, so that few of them
 * cross a page's end. Between the entry and the last access control does not leave the unit and come back, so
 * no TLB flush comes between.
 */
#include "cpu/jit/internal.h"
#include "cpu/vec.h"

#define GROUP_MAX 512 /* bytes */

extern op_set op_mov_EG, op_mov_GE, op_add_EI, op_sub_EI;

/* What registers are: a register at the entry, and a constant. */
struct values {
	struct {
		s8 root; /* -1: something else */
		s32 delta;
	} of[NR_GPR];
};

static void set_value(struct values *v, unsigned gpr, int root, s64 delta)
{
	if (root >= 0 && delta != (s16)delta)
		root = -1;
	v->of[gpr].root = (s8)root;
	v->of[gpr].delta = (s32)delta;
}

static void forget(struct values *v, unsigned offset)
{
	if (offset / 8 < NR_GPR)
		v->of[offset / 8].root = -1;
}

static void move_value(struct values *v, unsigned to, unsigned from, s64 by)
{
	set_value(v, to, v->of[from].root, v->of[from].delta + by);
}

/* mov between registers, add and sub of a constant, of 64 bits: what comes out is known. */
static bool follow_constant(struct values *v, const struct insn *in, const struct insn_row *row)
{
	unsigned to = in->rm / 8, from = in->reg / 8;

	if (in->width != W_Q || (in->flags & IN_MEM))
		return false;
	if (row->set == op_mov_EG || row->set == op_mov_GE)
		move_value(v, to, from, 0);
	else if (row->set == op_add_EI)
		move_value(v, to, to, (s64)in->imm);
	else if (row->set == op_sub_EI)
		move_value(v, to, to, -(s64)in->imm);
	else
		return false;
	return true;
}

static void follow_lea(struct values *v, const struct insn *in)
{
	if (in->width == W_Q && in->index == OFF_ZERO && in->base / 8 < NR_GPR && !(in->flags & IN_A32))
		move_value(v, in->reg / 8, in->base / 8, in->disp);
	else
		forget(v, in->reg);
}

/* What registers are behind @in. */
static void follow(struct values *v, const struct insn *in, const struct insn_row *row,
		   const struct jit_rule *rule)
{
	bool mem = in->flags & IN_MEM;
	unsigned roles = rule->roles;

	switch (rule->kind) {
	case RULE_NOP:
	case RULE_JCC:
	case RULE_JMP:
		return;
	case RULE_LEA:
		follow_lea(v, in);
		return;
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
		move_value(v, R_RSP, R_RSP, -8);
		return;
	case RULE_POP:
		move_value(v, R_RSP, R_RSP, 8);
		forget(v, in->rm);
		return;
	case RULE_LEAVE:
		move_value(v, R_RSP, R_RBP, 8);
		forget(v, OFF_GPR(R_RBP));
		return;
	case RULE_GPR:
		if (!(roles & RO_VW) && follow_constant(v, in, row))
			return;
		break;
	case RULE_VEC:
		break;
	default:
		for (unsigned r = 0; r < NR_GPR; r++)
			forget(v, OFF_GPR(r));
		return;
	}
	if (rule->kind == RULE_GPR && (roles & RO_VW))
		for (unsigned r = 0; r < NR_GPR; r++)
			forget(v, OFF_GPR(r));
	if ((roles & RO_EW) && !mem)
		forget(v, in->rm);
	if (roles & RO_GW) {
		forget(v, (row->attr & SWAP) && !mem ? in->rm : in->reg);
		if (!(row->attr & PLUS_R) && (roles & RO_EW) && !mem) /* xchg, xadd */
			forget(v, in->reg);
		if (row->attr & PLUS_R)
			forget(v, OFF_GPR(R_RAX));
	}
	if (roles & RO_AW)
		forget(v, OFF_GPR(R_RAX));
	if (roles & RO_DW)
		forget(v, OFF_GPR(R_RDX));
	if (roles & RO_CW)
		forget(v, OFF_GPR(R_RCX));
}

/* The group that takes [root + lo, root + hi); 0: none. */
static u8 join(struct tr *t, unsigned root, s32 lo, s32 hi, bool write)
{
	struct jit_group *g;
	unsigned i;

	for (i = 0; i < t->nr_groups && t->group[i].root != root; i++)
		;
	if (i == t->nr_groups) {
		if (i == JIT_MAX_GROUPS)
			return 0;
		t->group[t->nr_groups++] = (struct jit_group){.root = (u8)root, .lo = lo, .hi = hi};
	}
	g = &t->group[i];
	if (max(g->hi, hi) - min(g->lo, lo) > GROUP_MAX)
		return 0;
	g->lo = min(g->lo, lo);
	g->hi = max(g->hi, hi);
	g->write |= write;
	g->count++;
	return (u8)(i + 1);
}

static u8 add(struct tr *t, const struct values *v, unsigned gpr, s64 disp, unsigned size, bool write)
{
	s64 lo = v->of[gpr].delta + disp;

	if (v->of[gpr].root < 0 || lo != (s16)lo)
		return 0;
	return join(t, (unsigned)v->of[gpr].root, (s32)lo, (s32)lo + (s32)size, write);
}

/* The E operand's group. */
static u8 add_e(struct tr *t, const struct values *v, const struct insn *in, const struct insn_row *row,
		const struct jit_rule *rule)
{
	bool vec = rule->kind == RULE_VEC;
	unsigned size;

	if (!(in->flags & IN_MEM) || (in->flags & IN_A32) || in->index != OFF_ZERO ||
	    in->seg != OFF_ZERO || in->base / 8 >= NR_GPR || (row->attr & (NOACCESS | ALIGN | VSIB)) ||
	    (rule->roles & RO_EREG))
		return 0;
	switch (rule->kind) {
	case RULE_GPR:
		size = jit_memory_size(row, in->width);
		break;
	case RULE_VEC:
		size = vec_size(row, in);
		break;
	case RULE_PUSH_E:
	case RULE_CALL_E:
	case RULE_JMP_E:
		size = 8;
		break;
	default:
		return 0;
	}
	if (size > 64)
		return 0;
	return add(t, v, in->base / 8, in->disp, size,
		   vec ? row->attr & MEM_WRITE : rule->kind == RULE_GPR && (rule->roles & RO_EW));
}

static u8 add_stack(struct tr *t, const struct values *v, const struct jit_rule *rule)
{
	switch (rule->kind) {
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
	case RULE_CALL:
	case RULE_CALL_E:
		return add(t, v, R_RSP, -8, 8, true);
	case RULE_POP:
	case RULE_RET:
		return add(t, v, R_RSP, 0, 8, false);
	case RULE_LEAVE:
		return add(t, v, R_RBP, 0, 8, false);
	default:
		return 0;
	}
}

void jit_find_groups(struct tr *t)
{
	struct values v;
	u8 *uses[] = {t->use_e, t->use_stack};

	for (unsigned r = 0; r < NR_GPR; r++)
		set_value(&v, r, (int)r, 0);
	for (unsigned k = 0; k < t->b->n; k++) {
		const struct insn *in = &t->b->insn[k];
		const struct jit_rule *rule;

		if (in->row == NO_ROW)
			break;
		rule = jit_rule_of(t->j, in->row);
		t->use_e[k] = add_e(t, &v, in, &insn_rows[in->row], rule);
		t->use_stack[k] = add_stack(t, &v, rule);
		follow(&v, in, &insn_rows[in->row], rule);
	}
	/* One access may as well look for itself, where it is. */
	for (unsigned i = 0; i < ARRAY_SIZE(uses); i++)
		for (unsigned k = 0; k < t->b->n; k++)
			if (uses[i][k] && t->group[uses[i][k] - 1].count < 2)
				uses[i][k] = 0;
}

void jit_emit_groups(struct tr *t)
{
	for (unsigned i = 0; i < t->nr_groups; i++) {
		const struct jit_group *g = &t->group[i];
		unsigned root = host_reg(g->root);
		u32 site;
		u8 *jcc;

		if (g->count < 2)
			continue;
		if (in_memory(g->root)) {
			emit_load_cpu(&t->e, H_S2, g->root * 8);
			root = H_S2;
		}
		emit_lea(&t->e, H_S1, root, g->lo);
		emit_lea(&t->e, H_S2, root, g->hi - 1);
		jit_emit_compare(t, g->write ? TLB_WRITE : TLB_READ, 0);
		jcc = emit_jcc(&t->e, 5, NULL);
		site = jit_add_site(t, SITE_PLAIN);
		t->j->sites[site].jump = (u32)(jcc - t->j->write);
		jit_todo_leave(t, jcc, site);
		jit_emit_addend(t);
		emit_store_cpu(&t->e, H_S1, JIT_GROUP_OFF(i));
		t->j->count.lookups++;
		t->s1_group = (u8)(i + 1);
	}
}

bool jit_group_addend(struct tr *t, u8 use)
{
	if (!use)
		return false;
	if (t->s1_group != use)
		emit_load_cpu(&t->e, H_S1, JIT_GROUP_OFF(use - 1));
	t->s1_group = use;
	t->j->count.grouped++;
	return true;
}

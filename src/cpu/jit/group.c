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
 *
 * In a unit of several blocks a group is looked up where the block begins that has its first access: what is not
 * reached may well not be there, and would fail each time. Blocks behind it join. Only the stack is looked up at the
 * entry for all of them.
 */
#include "cpu/jit/group.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"
#include "cpu/jit/values.h"
#include "cpu/vec.h"

#define GROUP_MAX 512 /* bytes */
#define LATE_MAX 256
#define STEP_MAX 512 /* an iteration */

/* What an access wants: [root + (index << scale) + lo], size bytes. */
struct access {
	s8 root, index;
	u8 part, born, index_born; /* where root and index are what these registers are */
	u8 scale, align;
	bool write;
	s32 lo, size;
};

static bool is_stack(const struct access *a)
{
	return a->root == R_RSP && !a->born && a->index < 0;
}

static bool is_late(const struct access *a)
{
	return a->born || a->index_born;
}

static bool is_of(const struct jit_group *g, const struct access *a)
{
	return g->root == a->root && g->part == a->part && g->born == a->born &&
	       g->index == a->index && g->scale == a->scale && g->index_born == a->index_born;
}

/* The group that takes the access, and 1; 0: none. */
static u8 join(struct tr *t, const struct access *a)
{
	s32 hi = a->lo + a->size;
	struct jit_group *g;
	unsigned i;

	for (i = 0; i < t->nr_groups && !is_of(&t->group[i], a); i++)
		;
	if (i == t->nr_groups) {
		if (i == JIT_MAX_CANDIDATES || (a->part != t->part && !is_stack(a)))
			return 0;
		t->group[t->nr_groups++] = (struct jit_group){.root = a->root,
							      .part = a->part,
							      .born = a->born,
							      .index = a->index,
							      .index_born = a->index_born,
							      .scale = a->scale,
							      .late = is_late(a),
							      .first = (u8)t->k,
							      .lo = a->lo,
							      .hi = hi};
	}
	g = &t->group[i];
	if (max(g->hi, hi) - min(g->lo, a->lo) > (g->late ? LATE_MAX : GROUP_MAX))
		return 0;
	/* What is only read so far may be what must not be written. */
	if (a->write && !g->write && a->part != t->part && !is_stack(a))
		return 0;
	if (a->align && !g->align) {
		g->align = a->align;
		g->align_at = a->lo;
	}
	if (a->align && (a->align > g->align || ((a->lo - g->align_at) & (a->align - 1))))
		return 0;
	g->lo = min(g->lo, a->lo);
	g->hi = max(g->hi, hi);
	g->write |= a->write;
	g->count++;
	return (u8)(i + 1);
}

static u8 add_stack_at(struct tr *t, const struct values *v, unsigned gpr, s32 disp, bool write)
{
	struct access a = {.root = v->of[gpr].root,
			   .part = v->of[gpr].part,
			   .index = -1,
			   .write = write,
			   .lo = v->of[gpr].delta + disp,
			   .size = 8};

	return a.root < 0 || v->of[gpr].born || a.lo != (s16)a.lo ? 0 : join(t, &a);
}

/* What is not looked up at a group's first access: by the stack's window, aligned, or not touched at all. */
static bool never_late(const struct insn *in, const struct insn_row *row, const struct access *a)
{
	return a->align || (ATTR_ELEM(row->attr) && (row->attr & THUNK)) || in->base / 8 == R_RSP;
}

/* The E operand's group. */
static u8 add_e(struct tr *t, unsigned k, const struct values *v, const struct jit_rule *rule)
{
	const struct insn *in = t->insn[k];
	const struct insn_row *row = &insn_rows[in->row];
	struct access a = {.index = -1};
	s64 lo = in->disp;

	if (!(in->flags & IN_MEM) || (in->flags & IN_A32) || in->seg != OFF_ZERO ||
	    in->base / 8 >= NR_GPR || (row->attr & (NOACCESS | VSIB)) || (rule->roles & RO_EREG))
		return 0;
	switch (rule->kind) {
	case RULE_GPR:
		a.size = (s32)jit_memory_size(row, in->width);
		a.write = rule->roles & RO_EW;
		break;
	case RULE_VEC:
		a.size = (s32)vec_size(row, in);
		a.write = row->attr & MEM_WRITE;
		a.align = row->attr & ALIGN && a.size <= 64 ? (u8)a.size : 0;
		break;
	case RULE_PUSH_E:
	case RULE_CALL_E:
	case RULE_JMP_E:
		a.size = 8;
		break;
	default:
		return 0;
	}
	a.root = v->of[in->base / 8].root;
	a.part = v->of[in->base / 8].part;
	a.born = v->of[in->base / 8].born;
	t->delta_e[k] = (s16)v->of[in->base / 8].delta;
	lo += v->of[in->base / 8].delta;
	if (in->index != OFF_ZERO) {
		a.index = v->of[in->index / 8].root;
		a.index_born = v->of[in->index / 8].born;
		if (v->of[in->index / 8].part != a.part)
			return 0;
		a.scale = in->scale;
		lo += (s64)v->of[in->index / 8].delta * (1 << in->scale);
	}
	a.lo = (s32)lo;
	t->lo_e[k] = (s16)lo;
	if (is_late(&a) && never_late(in, row, &a))
		return 0;
	if (a.size > 64 || a.root < 0 || (in->index != OFF_ZERO && a.index < 0) || lo != (s16)lo)
		return 0;
	return join(t, &a);
}

static u8 add_stack(struct tr *t, const struct values *v, const struct insn *in,
		    const struct jit_rule *rule)
{
	if (in->width != W_Q)
		return 0;
	switch (rule->kind) {
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
	case RULE_CALL:
	case RULE_CALL_E:
		return add_stack_at(t, v, R_RSP, -8, true);
	case RULE_POP:
	case RULE_RET:
		return add_stack_at(t, v, R_RSP, 0, false);
	case RULE_LEAVE:
		return add_stack_at(t, v, R_RBP, 0, false);
	default:
		return 0;
	}
}

static bool is_root(const struct tr *t, int root, u8 part, u8 born)
{
	if (root == R_RSP && !born)
		return true;
	for (unsigned i = 0; i < t->nr_groups; i++) {
		const struct jit_group *g = &t->group[i];

		if (g->part == part && ((g->root == root && g->born == born) ||
					(g->index == root && g->index_born == born)))
			return true;
	}
	return false;
}

/* Part t->part begins. In @old stays what has to do with a group. */
static void begin_part(struct tr *t, struct values *old, struct values *here)
{
	u8 part = (u8)t->part;

	old->part = here->part = part;
	for (unsigned r = 0; r < NR_GPR; r++) {
		jit_value_new(here, r, 0);
		if (!part || !is_root(t, old->of[r].root, old->of[r].part, old->of[r].born))
			jit_value_new(old, r, 0);
	}
}

static bool is_looked_up(const struct jit_group *g)
{
	return g->count > 1 || g->steady;
}

/* How much @gpr grows from the unit's entry to its end, where registers are @end; false: not by a constant. */
static bool step_of(const struct values *end, unsigned gpr, s64 *step)
{
	*step = end->of[gpr].delta;
	return end->of[gpr].root == (int)gpr && end->of[gpr].part == 0 && !end->of[gpr].born;
}

/* Whether the unit ends with a jump to its own top, or has that behind it. */
static bool closes(const struct tr *t)
{
	const struct insn *last = t->insn[t->n - 1];
	const struct block *b = t->parts[t->nr_parts - 1].block;
	gva_t top = t->u->block->rip, next = b->base + (u64)(s64)last->off + last->len;
	unsigned kind;

	if (last->row == NO_ROW)
		return false;
	kind = jit_rule_of(t->j, last->row)->kind;
	if (kind == RULE_JCC || kind == RULE_JMP)
		return !(last->flags & IN_OPSIZE) &&
		       (last->imm == top || (kind == RULE_JCC && next == top));
	return next == top && !(insn_rows[last->row].attr & ENDS);
}

/*
 * Groups that need no look-up in each iteration of a loop, since their addresses stay, or change by a constant that
 * is small: then they stay in their page for many. The general unit of a loop runs for its first iteration only.
 */
static void find_steady(struct tr *t, const struct values *end)
{
	s64 root, index = 0;

	if (t->u->tier != JIT_TRACE || t->u->ctx.kind == JF_LAZY || t->j->one_unit || !closes(t))
		return;
	for (unsigned i = 0; i < t->nr_groups; i++) {
		struct jit_group *g = &t->group[i];

		if (g->part || g->late || !step_of(end, (unsigned)g->root, &root))
			continue;
		if (g->index >= 0 && !step_of(end, (unsigned)g->index, &index))
			continue;
		root += g->index >= 0 ? index * (1 << g->scale) : 0;
		if (root > STEP_MAX || root < -STEP_MAX || (g->align && root % g->align) ||
		    (root && g->root == R_RSP && g->index < 0))
			continue;
		g->steady = true;
		g->step = (s16)root;
		g->pointer = g->index >= 0 && end->of[g->root].delta == 0;
	}
}

/* One access may as well look for itself, where it is. */
static void give_slots(struct tr *t)
{
	u8 slot = 0;

	for (unsigned i = 0; i < t->nr_groups; i++) {
		struct jit_group *g = &t->group[i];

		if (is_looked_up(g) && slot < JIT_MAX_GROUPS)
			g->slot = slot++;
		else
			g->count = g->steady = 0;
	}
}

void jit_find_groups(struct tr *t)
{
	struct values old, here;
	u8 *uses[] = {t->use_e, t->use_stack};

	for (unsigned k = 0; k < t->n; k++) {
		const struct insn *in = t->insn[k];
		const struct insn_row *row = &insn_rows[in->row];
		const struct jit_rule *rule;

		if (in->row == NO_ROW)
			break;
		if (!k || (t->part + 1 < t->nr_parts && t->parts[t->part + 1].first == k)) {
			t->part += k > 0;
			begin_part(t, &old, &here);
		}
		rule = jit_rule_of(t->j, in->row);
		t->k = k;
		old.now = here.now = (u8)(k + 1);
		t->use_e[k] = add_e(t, k, &old, rule);
		if (!t->use_e[k] && t->part)
			t->use_e[k] = add_e(t, k, &here, rule);
		t->use_stack[k] = add_stack(t, &old, in, rule);
		if (!t->use_stack[k] && t->part)
			t->use_stack[k] = add_stack(t, &here, in, rule);
		jit_values_follow(&old, in, row, rule);
		jit_values_follow(&here, in, row, rule);
	}
	t->part = 0;
	t->k = 0;
	find_steady(t, &old);
	for (unsigned i = 0; i < t->nr_groups; i++)
		t->group[i].pointer |=
			t->group[i].index >= 0 && !t->group[i].steady && !t->group[i].late;
	give_slots(t);
	for (unsigned i = 0; i < ARRAY_SIZE(uses); i++)
		for (unsigned k = 0; k < t->n; k++)
			if (uses[i][k] && !is_looked_up(&t->group[uses[i][k] - 1]))
				uses[i][k] = 0;
}

bool jit_begins_group(const struct tr *t, unsigned k)
{
	u8 use = t->use_e[k];

	return use && t->group[use - 1].late && t->group[use - 1].first == k;
}

void jit_todo_plain(struct tr *t, u8 *jcc)
{
	u32 site = jit_add_site(t, SITE_PLAIN);

	t->j->sites[site].jump = (u32)(jcc - t->j->write);
	jit_todo_leave(t, jcc, site);
}

static void branch_to_plain(struct tr *t)
{
	u8 *jcc = emit_jcc(&t->e, 5, NULL);

	if (t->part)
		jit_todo_exit(t, jcc, jit_add_site(t, SITE_PLAIN));
	else
		jit_todo_plain(t, jcc);
}

/* The group's address, @at bytes from its base, into H_S1. Uses H_S2. */
static void emit_group_address(struct tr *t, const struct jit_group *g, s32 at)
{
	unsigned root = jit_place(t, (unsigned)g->root), index;
	struct hmem m = {.base = (s8)host_reg(root), .index = -1, .scale = g->scale, .disp = at};

	if (in_memory(root)) {
		emit_load_cpu(&t->e, H_S2, root * 8);
		m.base = H_S2;
	}
	if (g->index >= 0) {
		index = jit_place(t, (unsigned)g->index);
		m.index = (s8)host_reg(index);
		if (in_memory(index)) {
			emit_load_cpu(&t->e, H_S1, index * 8);
			m.index = H_S1;
		}
	}
	emit_rm(&t->e, X_LEA | X_W, H_S1, &m);
}

/* The addend into H_S1. */
static void emit_group_lookup(struct tr *t, const struct jit_group *g)
{
	enum tlb_access acc = g->write ? TLB_WRITE : TLB_READ;
	unsigned root = jit_place(t, (unsigned)g->root), from = H_S1;

	if (g->root == R_RSP && g->index < 0) {
		jit_emit_stack(t, host_reg(R_RSP), g->lo, (unsigned)(g->hi - g->lo), acc, true);
		return;
	}
	jit_emit_count_look(t, acc, JIT_LOOK_TABLE);
	if (g->index < 0 && !g->lo && !in_memory(root)) {
		from = host_reg(root);
	} else {
		emit_group_address(t, g, g->lo);
	}
	emit_lea(&t->e, H_S2, from, g->hi - 1 - g->lo);
	jit_emit_compare(t, from, acc, 0);
	branch_to_plain(t);
	jit_emit_addend(t);
	t->j->count.lookups++;
}

static bool begins_with(const struct jit_group *g, unsigned part)
{
	return is_looked_up(g) && !g->steady && !g->late && part == g->part;
}

bool jit_part_has_groups(const struct tr *t, unsigned part)
{
	for (unsigned i = 0; i < t->nr_groups; i++)
		if (begins_with(&t->group[i], part))
			return true;
	return false;
}

static void emit_group(struct tr *t, unsigned i)
{
	const struct jit_group *g = &t->group[i];
	unsigned root = jit_place(t, (unsigned)g->root);
	struct hmem slot = slot_mem(root);

	if (g->align) {
		emit_group_address(t, g, g->align_at);
		emit_rr(&t->e, 0xf6 | X_BYTE, 0, H_S1); /* test */
		emit_8(&t->e, g->align - 1);
		branch_to_plain(t);
	}
	emit_group_lookup(t, g);
	if (g->pointer && in_memory(root))
		emit_rm(&t->e, X_ADD_RM | X_W, H_S1, &slot);
	else if (g->pointer)
		emit_rr(&t->e, X_ADD_RM | X_W, H_S1, host_reg(root));
	emit_store_cpu(&t->e, H_S1, JIT_GROUP_OFF(g->slot));
	t->s1_group = (u8)(i + 1);
}

void jit_emit_groups(struct tr *t)
{
	for (unsigned i = 0; i < t->nr_groups; i++)
		if (begins_with(&t->group[i], t->part))
			emit_group(t, i);
}

bool jit_is_steady(const struct tr *t)
{
	for (unsigned i = 0; i < t->nr_groups; i++)
		if (t->group[i].steady)
			return true;
	return false;
}

/* For how many iterations @g stays in its page, this one counted, or fewer: into JIT_WALK_OFF, if that is not less. */
static void emit_walk(struct tr *t, const struct jit_group *g, bool first)
{
	unsigned step = (unsigned)(g->step < 0 ? -g->step : g->step);
	struct hmem walk = cpu_mem(JIT_WALK_OFF);
	struct emit *e = &t->e;
	u8 *less = NULL;

	emit_group_address(t, g, g->step < 0 ? g->lo : g->hi - 1);
	emit_grp1(e, 0, GRP_AND, H_S1, PAGE_SIZE - 1);
	if (g->step > 0)
		emit_grp1(e, 0, GRP_XOR, H_S1, PAGE_SIZE - 1);
	emit_rr(e, 0x69, H_S1, H_S1); /* imul: a division by the step */
	emit_32(e, 65536 / step);
	emit_rr(e, X_SHIFT_IB, 5, H_S1);
	emit_8(e, 16);
	emit_lea(e, H_S1, H_S1, 1);
	if (!first) {
		emit_rm(e, X_CMP_RM | X_W, H_S1, &walk);
		less = emit_jcc(e, 3, NULL);
	}
	emit_store_cpu(e, H_S1, JIT_WALK_OFF);
	if (less)
		emit_patch(less, e->p);
}

bool jit_emit_steady(struct tr *t)
{
	bool walks = false;

	for (unsigned i = 0; i < t->nr_groups; i++) {
		const struct jit_group *g = &t->group[i];

		if (!g->steady)
			continue;
		emit_group(t, i);
		if (g->step)
			emit_walk(t, g, !walks);
		walks |= g->step != 0;
	}
	t->s1_group = 0;
	return walks;
}

bool jit_group_addend(struct tr *t, u8 use)
{
	if (!use)
		return false;
	jit_emit_count_grouped(t);
	if (t->s1_group != use)
		emit_load_cpu(&t->e, H_S1, JIT_GROUP_OFF(t->group[use - 1].slot));
	t->s1_group = use;
	t->j->count.grouped++;
	return true;
}

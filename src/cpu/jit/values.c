/* What is known of registers while a unit is looked through: one that it had before, and a constant more. For
 * groups (group.c): accesses off registers of one root lie side by side. */
#include "cpu/jit/values.h"
#include "cpu/jit/internal.h"

extern op_set op_mov_EG, op_mov_GE, op_add_EI, op_sub_EI, op_inc, op_dec;

void jit_value_new(struct values *v, unsigned gpr, u8 born)
{
	v->of[gpr].root = (s8)gpr;
	v->of[gpr].part = v->part;
	v->of[gpr].born = born;
	v->of[gpr].delta = 0;
}

static void forget(struct values *v, unsigned offset)
{
	if (offset / 8 < NR_GPR)
		jit_value_new(v, offset / 8, v->now);
}

static void move_value(struct values *v, unsigned to, unsigned from, s64 by)
{
	s64 delta = v->of[from].delta + by;

	v->of[to] = v->of[from];
	v->of[to].delta = (s32)delta;
	if (delta != (s16)delta)
		jit_value_new(v, to, v->now);
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
	else if (row->set == op_inc || row->set == op_dec)
		move_value(v, to, to, row->set == op_inc ? 1 : -1);
	else
		return false;
	return true;
}

static void follow_lea(struct values *v, const struct insn *in)
{
	if (in->width == W_Q && in->index == OFF_ZERO && in->base / 8 < NR_GPR &&
	    !(in->flags & IN_A32))
		move_value(v, in->reg / 8, in->base / 8, in->disp);
	else
		forget(v, in->reg);
}

/* Of 16 bits these move rsp by less, and a handler does them. */
static unsigned narrow(unsigned kind)
{
	switch (kind) {
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
	case RULE_POP:
	case RULE_LEAVE:
		return RULE_NONE;
	default:
		return kind;
	}
}

static void forget_all(struct values *v)
{
	for (unsigned r = 0; r < NR_GPR; r++)
		forget(v, OFF_GPR(r));
}

/* What @in changes by its kind; false: that is what its roles say. */
static bool follow_kind(struct values *v, const struct insn *in, const struct insn_row *row,
			const struct jit_rule *rule)
{
	switch (in->width == W_Q ? rule->kind : narrow(rule->kind)) {
	case RULE_NOP:
	case RULE_JCC:
	case RULE_JMP:
	case RULE_JMP_E:
		return true;
	case RULE_LEA:
		follow_lea(v, in);
		return true;
	case RULE_PUSH:
	case RULE_PUSH_I:
	case RULE_PUSH_E:
	case RULE_CALL:
	case RULE_CALL_E:
		move_value(v, R_RSP, R_RSP, -8);
		return true;
	case RULE_RET: /* in the midst of a unit: to the call's next */
		move_value(v, R_RSP, R_RSP, 8 + (s64)(u16)in->imm);
		return true;
	case RULE_POP:
		move_value(v, R_RSP, R_RSP, 8);
		forget(v, in->rm);
		return true;
	case RULE_LEAVE:
		move_value(v, R_RSP, R_RBP, 8);
		forget(v, OFF_GPR(R_RBP));
		return true;
	case RULE_GPR:
		return !(rule->roles & RO_VW) && follow_constant(v, in, row);
	case RULE_VEC:
		return false;
	default:
		forget_all(v);
		return true;
	}
}

static void forget_written(struct values *v, const struct insn *in, const struct insn_row *row,
			   const struct jit_rule *rule)
{
	bool mem = in->flags & IN_MEM;
	unsigned roles = rule->roles;

	if (rule->kind == RULE_GPR && (roles & RO_VW))
		forget_all(v);
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

void jit_values_follow(struct values *v, const struct insn *in, const struct insn_row *row,
		       const struct jit_rule *rule)
{
	if (!follow_kind(v, in, row, rule))
		forget_written(v, in, row, rule);
}

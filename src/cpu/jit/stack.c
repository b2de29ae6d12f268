/* push, pop, leave. Registers change last; a look-up that fails has changed nothing. */
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"

static void move_rsp(struct tr *t, s32 by)
{
	jit_fl_rsp_moves(t, by);
	emit_lea(&t->e, H_GSP, H_GSP, by);
}

/* A guest register's value in a host register: its own, or H_S0. */
static unsigned in_register(struct tr *t, unsigned gpr)
{
	if (!in_memory(gpr))
		return host_reg(gpr);
	emit_load_cpu(&t->e, H_S0, gpr * 8);
	return H_S0;
}

bool jit_tr_push(struct tr *t)
{
	unsigned z = (t->d.op & 7) | (t->d.rex & 1) << 3, reg = H_S0;
	struct hmem m, from;
	unsigned cold;
	bool second = false;

	if (t->d.width != W_Q)
		return false;
	if (t->rule->kind == RULE_PUSH_E && t->d.mod == 3)
		z = t->d.rm;
	else if (t->rule->kind == RULE_PUSH_E) {
		second = true;
		if (!jit_lookup_e(t, 8, TLB_READ, 0, &from))
			return false;
		jit_fl_settle(t); /* now, not when H_S0 is taken */
		emit_rm(&t->e, X_MOV_LOAD | X_W, H_S0, &from);
	}
	cold = t->nr_cold;
	jit_lookup_stack(t, R_RSP, -8, TLB_WRITE, &m);
	if (second)
		jit_lookup_once(t, cold);
	if (t->rule->kind == RULE_PUSH_I) {
		emit_rm(&t->e, X_MOV_IMM | X_W, 0, &m);
		emit_32(&t->e, (u32)t->d.imm);
	} else {
		if (!second)
			reg = in_register(t, z);
		emit_rm(&t->e, X_MOV_STORE | X_W, reg, &m);
	}
	move_rsp(t, -8);
	return true;
}

bool jit_tr_pop(struct tr *t)
{
	unsigned z = (t->d.op & 7) | (t->d.rex & 1) << 3;
	struct hmem m;

	if (t->d.width != W_Q)
		return false;
	jit_lookup_stack(t, R_RSP, 0, TLB_READ, &m);
	jit_fl_reg_write(t, z);
	if (z == R_RSP) {
		emit_rm(&t->e, X_MOV_LOAD | X_W, H_GSP, &m);
		return true;
	}
	emit_rm(&t->e, X_MOV_LOAD | X_W, in_memory(z) ? H_S0 : host_reg(z), &m);
	if (in_memory(z))
		emit_store_cpu(&t->e, H_S0, z * 8);
	move_rsp(t, 8);
	return true;
}

bool jit_tr_leave(struct tr *t)
{
	struct hmem m;

	if (t->d.width != W_Q)
		return false;
	jit_lookup_stack(t, R_RBP, 0, TLB_READ, &m);
	jit_fl_reg_write(t, R_RSP);
	jit_fl_reg_write(t, R_RBP);
	emit_rm(&t->e, X_MOV_LOAD | X_W, H_S2, &m);
	emit_lea(&t->e, H_GSP, R_RBP, 8);
	emit_move(&t->e, R_RBP, H_S2);
	return true;
}

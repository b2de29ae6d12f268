/* Vector and x87 instructions: the guest's own, with a memory operand that has been looked up and general
 * registers that are mapped. Vector, mask and x87 registers are the guest's in the host's unit (cpu/fpu.h).
 *
 * Left to handlers: what fault-suppressing masks, gathers and scatters do in memory, and whole images.
 */
#include "cpu/decode_vex.h"
#include "cpu/jit/internal.h"
#include "cpu/jit/operand.h"
#include "cpu/vec.h"

/* A mask leaves out bytes of the operand, and their faults: see avx_bind(). */
static bool masked(const struct tr *t)
{
	bool evex = map_is_evex(t->d.map);

	return ATTR_ELEM(t->row->attr) &&
	       (!evex || (t->d.evex & EVEX_AAA) ||
		((t->row->attr & MEM_WRITE) && (t->row->attr & DISP_ELEM)));
}

/*
 * FIP, FOP and FDP are the guest's own. FDP is stored where it changes; the others follow from which instruction
 * was the last: where a unit is left in its midst C looks back (run.c), and at its end they are stored once.
 */
static void emit_operand_pointer(struct tr *t)
{
	jit_emit_address(t, H_S0, false);
	emit_store_cpu(&t->e, H_S0, offsetof(struct cpu, regs.fdp));
}

void jit_x87_settle(struct tr *t)
{
	struct hmem fop = cpu_mem(offsetof(struct cpu, regs.fop));
	const struct insn *in;

	if (!t->x87)
		return;
	in = t->insn[t->x87 - 1];
	emit_mov_imm(&t->e, H_S0, t->parts[jit_part_at(t, t->x87 - 1U)].block->base + (s64)in->off);
	emit_store_cpu(&t->e, H_S0, offsetof(struct cpu, regs.fip));
	emit_rm(&t->e, X_MOV_IMM | X_66, 0, &fop);
	emit_16(&t->e, vec_fop(in));
	t->x87 = 0;
}

bool jit_tr_vec(struct tr *t)
{
	const struct decoded *d = &t->d;
	unsigned roles = t->rule->roles, form = t->row->form, reg = d->reg, rm = d->rm;
	bool mem = t->in->flags & IN_MEM;
	bool e_gpr = d->modrm_at && !mem && form_rm_is_gpr(form) && form != FORM_x87_ax;
	bool g_gpr = d->modrm_at && form_reg_is_gpr(form);
	u32 changed = (t->row->writes | t->row->undefined) & F_OSZAPC;
	unsigned size = mem ? vec_size(t->row, t->in) : 0;
	struct hmem m;

	if ((t->row->attr & VSIB) || size > 64 || (mem && masked(t)))
		return false;
	if (form == FORM_x87_ax)
		rm = R_RAX; /* whatever REX.B says */
	if (t->row->reads)
		jit_fl_unlazy(t);
	if (mem && !jit_lookup_e(t, size, t->row->attr & MEM_WRITE ? TLB_WRITE : TLB_READ,
				 t->row->attr & ALIGN ? size : 0, &m))
		return false;
	if (t->row->reads)
		jit_fl_to_host(t);

	if (g_gpr && (roles & RO_GW) && !changed)
		jit_fl_reg_write(t, d->reg);
	if (e_gpr && (roles & RO_EW))
		jit_fl_reg_write(t, d->rm);
	if ((roles & RO_CW) && !changed)
		jit_fl_reg_write(t, R_RCX);
	if (roles & RO_AW)
		jit_fl_reg_write(t, R_RAX);
	if (g_gpr) {
		reg = in_memory(d->reg) ? H_S0 : host_reg(d->reg);
		if (in_memory(d->reg))
			emit_load_cpu(&t->e, H_S0, d->reg * 8);
	}
	if (e_gpr) {
		rm = in_memory(d->rm) ? H_S2 : host_reg(d->rm);
		if (in_memory(d->rm))
			emit_load_cpu(&t->e, H_S2, d->rm * 8);
	}
	jit_add_trap(t);
	jit_reencode(t, reg, rm, mem ? &m : NULL, -1);
	if (g_gpr && in_memory(d->reg) && (roles & RO_GW))
		emit_store_cpu(&t->e, H_S0, d->reg * 8);
	if (e_gpr && in_memory(d->rm) && (roles & RO_EW))
		emit_store_cpu(&t->e, H_S2, d->rm * 8);
	if (roles & RO_PTRS) {
		t->x87 = (u8)(t->k + 1);
		if (mem)
			emit_operand_pointer(t);
	}
	if (changed)
		jit_fl_set(t, &(struct jflags){.kind = JF_HOST});
	return true;
}

/*
 * x87 instructions, and those that move whole images of the unit's state: handlers around native
 * thunks. See vec.h.
 *
 * The last instruction's address, operand and opcode (FIP, FDP, FOP) in the host's unit are those
 * of our own code. The guest's are kept in struct cpu_regs, written into each image after the host
 * has stored it, and taken from each image that the guest loads. SDM vol. 1, 8.1.8.
 */
#include <string.h>

#include "cpu/vec.h"

VEC_SET(x87, V_X87 | V_PTRS);
VEC_SET(x87_control, V_X87);
VEC_SET(x87_nowait, V_X87 | V_NOWAIT);

/* A set of handlers that look at their operand themselves, or have register forms only. */
#define ONE_SET(name, fn) OPS_BY_EA(op_##name, fn, fn, fn)

VEC_REG(x87_cmp, V_X87 | V_PTRS | V_CC_OUT)
VEC_REG(x87_cmov, V_X87 | V_PTRS | V_CC_IN)
VEC_REG(x87_ax, V_X87 | V_NOWAIT | V_RMOUT)
ONE_SET(x87_cmp, x87_cmp_reg);
ONE_SET(x87_cmov, x87_cmov_reg);
ONE_SET(x87_ax, x87_ax_reg);

VEC_FAST_LOAD(x87, V_X87 | V_PTRS, 4, 0, 4)
VEC_FAST_LOAD(x87, V_X87 | V_PTRS, 8, 0, 8)
VEC_FAST_LOAD(x87, V_X87 | V_PTRS, 10, 0, 10)
VEC_FAST_STORE(x87, V_X87 | V_PTRS, 4, 0, 4)
VEC_FAST_STORE(x87, V_X87 | V_PTRS, 8, 0, 8)
VEC_FAST_STORE(x87, V_X87 | V_PTRS, 10, 0, 10)

const struct vec_fast x87_fast[] = {
	VEC_FAST_ROWS(x87, ld, 4, 4, MEM_READ),	  VEC_FAST_ROWS(x87, ld, 8, 8, MEM_READ),
	VEC_FAST_ROWS(x87, ld, 10, 10, MEM_READ), VEC_FAST_ROWS(x87, st, 4, 4, MEM_WRITE),
	VEC_FAST_ROWS(x87, st, 8, 8, MEM_WRITE),  VEC_FAST_ROWS(x87, st, 10, 10, MEM_WRITE),
};
const unsigned nr_x87_fast = ARRAY_SIZE(x87_fast);

static unsigned row_size(const struct insn *in)
{
	return vec_size(&insn_rows[in->row], in);
}

static void clear_pointers(struct cpu *cpu)
{
	cpu->regs.fip = 0;
	cpu->regs.fdp = 0;
	cpu->regs.fop = 0;
}

static void fninit(struct cpu *cpu, const struct insn *in)
{
	vec_need(cpu, V_X87);
	if (!vec_run(cpu, in, V_X87 | V_NOWAIT, NULL))
		return;
	clear_pointers(cpu);
	NEXT(cpu, in);
}
ONE_SET(fninit, fninit);

/* ---- The x87 environment -------------------------------------------------------------------- */

/* Places in the 28-byte and the 14-byte image; SDM vol. 1, figures 8-9 and 8-11 (protected mode).
 * The short one has no FOP. */
struct env_layout {
	u8 fip, fcs, fop, fdp, fds;
	u8 pointer; /* bytes of FIP and FDP */
};
static const struct env_layout env_layouts[2] = {
	{.fip = 12, .fcs = 16, .fop = 18, .fdp = 20, .fds = 24, .pointer = 4},
	{.fip = 6, .fcs = 8, .fop = 0, .fdp = 10, .fds = 12, .pointer = 2},
};

static const struct env_layout *env_layout(const struct insn *in)
{
	return &env_layouts[in->width == W_W ? 1 : 0];
}

static void env_put_pointers(const struct cpu_regs *regs, const struct env_layout *l, u8 *env)
{
	memcpy(env + l->fip, &regs->fip, l->pointer);
	memcpy(env + l->fdp, &regs->fdp, l->pointer);
	memset(env + l->fcs, 0, 2);
	memset(env + l->fds, 0, 2);
	if (l->fop)
		memcpy(env + l->fop, &regs->fop, sizeof(regs->fop));
}

static void env_get_pointers(struct cpu_regs *regs, const struct env_layout *l, const u8 *env)
{
	regs->fip = regs->fdp = 0;
	memcpy(&regs->fip, env + l->fip, l->pointer);
	memcpy(&regs->fdp, env + l->fdp, l->pointer);
	regs->fop = 0;
	if (l->fop)
		memcpy(&regs->fop, env + l->fop, sizeof(regs->fop));
	regs->fop &= 0x7ff;
}

/* FNSTENV, and FNSAVE, whose image begins with the environment. */
static void *store_env(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = ea_full(cpu, in);
	void *p;

	vec_need(cpu, V_X87);
	p = vec_open(cpu, in, V_X87 | V_NOWAIT, ea, row_size(in), TLB_WRITE, 0, true);
	if (!p)
		vec_fault_of_image(cpu, ea, row_size(in), TLB_WRITE, false);
	if (!p || !vec_run(cpu, in, V_X87 | V_NOWAIT, p))
		return NULL;
	env_put_pointers(&cpu->regs, env_layout(in), p);
	return p;
}

static void fnstenv(struct cpu *cpu, const struct insn *in)
{
	void *p = store_env(cpu, in);

	if (!p)
		return;
	GOTO(cpu, mem_close(cpu, in, p));
}
ONE_SET(fnstenv, fnstenv);

static void fnsave(struct cpu *cpu, const struct insn *in)
{
	void *p = store_env(cpu, in);

	if (!p)
		return;
	clear_pointers(cpu);
	GOTO(cpu, mem_close(cpu, in, p));
}
ONE_SET(fnsave, fnsave);

/* FLDENV and FRSTOR. */
static void fldenv(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = ea_full(cpu, in);
	const void *p;

	vec_need(cpu, V_X87);
	p = vec_open(cpu, in, V_X87, ea, row_size(in), TLB_READ, 0, true);
	if (!p)
		vec_fault_of_image(cpu, ea, row_size(in), TLB_READ, false);
	if (!p || !vec_run(cpu, in, V_X87, (void *)p))
		return;
	env_get_pointers(&cpu->regs, env_layout(in), p);
	NEXT(cpu, in);
}
ONE_SET(fldenv, fldenv);

/* ---- FXSAVE, FXRSTOR, LDMXCSR --------------------------------------------------------------- */

static void fxsave(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = ea_full(cpu, in);
	void *p;

	vec_need(cpu, V_X87);
	p = vec_open(cpu, in, V_X87 | V_NOWAIT, ea, FX_SIZE, TLB_WRITE, 16, true);
	if (!p)
		vec_fault_of_image(cpu, ea, FX_SIZE, TLB_WRITE, true);
	if (!p || !vec_run(cpu, in, V_X87 | V_NOWAIT, p))
		return;
	fpu_image_put_pointers(p, &cpu->regs, in->width == W_Q);
	GOTO(cpu, mem_close(cpu, in, p));
}
ONE_SET(fxsave, fxsave);

static bool mxcsr_legal(const void *p)
{
	u32 mxcsr;

	memcpy(&mxcsr, p, sizeof(mxcsr));
	return !(mxcsr & ~MXCSR_MASK);
}

static void fxrstor(struct cpu *cpu, const struct insn *in)
{
	gva_t ea = ea_full(cpu, in);
	const u8 *p;

	vec_need(cpu, V_X87);
	p = vec_open(cpu, in, V_X87 | V_NOWAIT, ea, FX_SIZE, TLB_READ, 16, true);
	if (!p) {
		vec_fault_of_image(cpu, ea, FX_SIZE, TLB_READ, true);
		return;
	}
	if (!mxcsr_legal(p + FX_MXCSR)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	if (!vec_run(cpu, in, V_X87 | V_NOWAIT, (void *)p))
		return;
	fpu_image_get_pointers(p, &cpu->regs, in->width == W_Q);
	NEXT(cpu, in);
}
ONE_SET(fxrstor, fxrstor);

static void ldmxcsr(struct cpu *cpu, const struct insn *in)
{
	const void *p = vec_open(cpu, in, 0, ea_full(cpu, in), 4, TLB_READ, 0, true);

	if (!p)
		return;
	if (!mxcsr_legal(p)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	if (!vec_run(cpu, in, 0, (void *)p))
		return;
	NEXT(cpu, in);
}
ONE_SET(ldmxcsr, ldmxcsr);

/* ---- MASKMOVDQU, MASKMOVQ ------------------------------------------------------------------- */

/* What a masked store of up to 16 bytes would write: the bytes that are the same in both. */
struct masked {
	u8 data[16], over[16];
};

/* Runs the thunk on zeros and on ones: the bytes that come out the same are the selected ones.
 * False: exception raised. */
static bool masked_run(struct cpu *cpu, const struct insn *in, unsigned v, struct masked *m)
{
	memset(m->data, 0, sizeof(m->data));
	memset(m->over, 0xff, sizeof(m->over));
	return vec_run(cpu, in, v, m->data) && vec_run(cpu, in, v, m->over);
}

/* Whether unselected bytes may fault depends on the model (SDM vol. 2B, MASKMOVDQU): as seen on Zen 4
 * they do, even if nothing is selected.
 *
 * Return: the instruction to go on with; NULL: exception raised. No handler itself, because a
 * function whose locals have addresses makes no tail call. */
static __attribute__((noinline)) const struct insn *masked_store(struct cpu *cpu,
								 const struct insn *in, unsigned v)
{
	struct masked m;
	gva_t ea = cpu->regs.gpr[R_RDI];
	u64 ac = cpu->regs.flags & F_AC;
	unsigned size = v & V_X87 ? 8 : 16;
	u8 *p;

	vec_need(cpu, v);
	if (!masked_run(cpu, in, v, &m))
		return NULL;
	ea = (in->flags & IN_A32 ? (u32)ea : ea) + REG(cpu, in->seg, Q);
	if (ac && (ea & 7)) {
		cpu_raise(cpu, in, canonical(ea) ? X86_AC : X86_GP, 0);
		return NULL;
	}
	cpu->regs.flags &= ~F_AC; /* checked: not again for 16 */
	p = vec_open(cpu, in, v, ea, size, TLB_WRITE, 0, true);
	cpu->regs.flags |= ac;
	if (!p)
		return NULL;
	for (unsigned i = 0; i < size; i++)
		if (m.data[i] == m.over[i])
			p[i] = m.data[i];
	return mem_close(cpu, in, p);
}

static void maskmovdqu(struct cpu *cpu, const struct insn *in)
{
	const struct insn *next = masked_store(cpu, in, 0);

	if (next)
		GOTO(cpu, next);
}
ONE_SET(maskmovdqu, maskmovdqu);

static void maskmovq(struct cpu *cpu, const struct insn *in)
{
	const struct insn *next = masked_store(cpu, in, V_X87);

	if (next)
		GOTO(cpu, next);
}
ONE_SET(maskmovq, maskmovq);

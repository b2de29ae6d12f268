/* Control transfer: JMP, Jcc, CALL, RET, LOOP, JRCXZ, system entries, software interrupts. Far forms
 * are in op_seg.c.
 *
 * A near branch is 64 bits wide; with 66 and no REX.W AMD cuts rip to 16 bits and pushes and pops so
 * many, Intel ignores 66 (decode.c, WIDTH_NB: then width is never W_W). A target that is not
 * canonical faults at the branch: #GP(0), nothing pushed. SDM vol. 1, 6.2 and 7.3.8.
 */
#include "cpu/interp.h"
#include "cpu/model.h"

/* The target of an indirect branch; raises #GP when it is no address. */
static __always_inline_ bool target_ok(struct cpu *cpu, const struct insn *in, gva_t target)
{
	if (likely(canonical(target)))
		return true;
	cpu_raise(cpu, in, X86_GP, 0);
	return false;
}

static gva_t next_rip(const struct cpu *cpu, const struct insn *in)
{
	return cpu->regs.rip + (s64)in->off + in->len;
}

/* Slow ways out of a block: link 0 or 1 to the address in imm, link 0 to what follows. */
static __attribute__((noinline)) void goto_imm_0(struct cpu *cpu, const struct insn *in)
{
	GOTO(cpu, block_goto(cpu, 0, in->imm));
}

static __attribute__((noinline)) void goto_imm_1(struct cpu *cpu, const struct insn *in)
{
	GOTO(cpu, block_goto(cpu, 1, in->imm));
}

static __attribute__((noinline)) void goto_next(struct cpu *cpu, const struct insn *in)
{
	GOTO(cpu, block_goto(cpu, 0, next_rip(cpu, in)));
}

/* Direct branches: a target beyond the canonical half shows at the fetch, as #GP there; user code
 * ends a page before. */
static void jmp(struct cpu *cpu, const struct insn *in)
{
	GOTO_LINK(cpu, in, 0, goto_imm_0);
}
op_set op_jmp = OPS_ONE(jmp);

#define JCC(name, code)                                                                            \
	static void jcc_##code(struct cpu *cpu, const struct insn *in)                             \
	{                                                                                          \
		if (condition(cpu, code))                                                          \
			GOTO_LINK(cpu, in, 1, goto_imm_1);                                         \
		GOTO_LINK(cpu, in, 0, goto_next);                                                  \
	}                                                                                          \
	op_set op_j##name = OPS_ONE(jcc_##code);
JCC(o, 0)
JCC(no, 1)
JCC(b, 2)
JCC(ae, 3)
JCC(e, 4)
JCC(ne, 5)
JCC(be, 6)
JCC(a, 7)
JCC(s, 8)
JCC(ns, 9)
JCC(p, 10)
JCC(np, 11)
JCC(l, 12)
JCC(ge, 13)
JCC(le, 14)
JCC(g, 15)

/* LOOP, LOOPE, LOOPNE: rcx, or ecx with 67, counts down; no flag changes. */
static bool count_down(struct cpu *cpu, const struct insn *in)
{
	if (in->flags & IN_A32)
		return SET_L(cpu, OFF_GPR(R_RCX), REG(cpu, OFF_GPR(R_RCX), L) - 1) != 0;
	return --cpu->regs.gpr[R_RCX] != 0;
}

#define LOOP(f, and_if)                                                                            \
	static void f(struct cpu *cpu, const struct insn *in)                                      \
	{                                                                                          \
		if (count_down(cpu, in) && (and_if))                                               \
			GOTO_LINK(cpu, in, 1, goto_imm_1);                                         \
		GOTO_LINK(cpu, in, 0, goto_next);                                                  \
	}                                                                                          \
	op_set op_##f = OPS_ONE(f);

/* What ZF is to be. As seen on Zen 4: F3 and F2 decide it, as they do for string instructions. */
static bool zf_is(struct cpu *cpu, const struct insn *in, bool set)
{
	if ((in->flags & (IN_REP | IN_REPNE)) && cpu_has(cpu, FEAT_AMD))
		set = in->flags & IN_REP;
	return set ? condition(cpu, 4) : condition(cpu, 5);
}
LOOP(loop, true)
LOOP(loope, zf_is(cpu, in, true))
LOOP(loopne, zf_is(cpu, in, false))

static void jrcxz(struct cpu *cpu, const struct insn *in)
{
	u64 count = cpu->regs.gpr[R_RCX];

	if (in->flags & IN_A32)
		count = (u32)count;
	if (!count)
		GOTO_LINK(cpu, in, 1, goto_imm_1);
	GOTO_LINK(cpu, in, 0, goto_next);
}
op_set op_jrcxz = OPS_ONE(jrcxz);

/* Pushes a return address. @in keeps the fault; the store's own continuation does not matter, as the
 * block ends here. */
static __always_inline_ bool push_rip(struct cpu *cpu, const struct insn *in)
{
	gva_t ret = next_rip(cpu, in), sp = cpu->regs.gpr[R_RSP] - 8;
	void *p =
		likely(!(cpu->regs.flags & F_AC)) ? tlb_lookup(&cpu->tlb, sp, 8, TLB_WRITE) : NULL;

	if (likely(p))
		*(mem_Q *)p = ret;
	else if (!mem_push_slow(cpu, in, sp, W_Q, ret))
		return false;
	cpu->regs.gpr[R_RSP] = sp;
	return true;
}

/* Pushes a return address of 16 bits. */
static bool push_ip(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP] - 2;

	if (!mem_push_slow(cpu, in, sp, W_W, next_rip(cpu, in)))
		return false;
	cpu->regs.gpr[R_RSP] = sp;
	return true;
}

static void call_rel_16(struct cpu *cpu, const struct insn *in)
{
	if (push_ip(cpu, in))
		GOTO_ADDRESS(cpu, in->imm);
}

static void ret_16(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP];
	struct mem_value m = mem_pop(cpu, in, sp, W_W);

	if (unlikely(!m.ok))
		return;
	cpu->regs.gpr[R_RSP] = sp + 2 + (u16)in->imm;
	GOTO_ADDRESS(cpu, m.val);
}

static void indirect_16(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = {REG(cpu, in->rm, W), true};

	if (in->flags & IN_MEM)
		m = mem_read(cpu, in, ea_full(cpu, in), W_W, true);
	if (unlikely(!m.ok))
		return;
	if (insn_rows[in->row].ext == 2 && !push_ip(cpu, in)) /* call */
		return;
	GOTO_ADDRESS(cpu, m.val);
}

/* A set by width: 16 bits or 64, the flags and kinds of operand alike. */
#define OPS_NEAR(w, q)                                                                             \
	{                                                                                          \
		[VARIANT(W_W, EA_REG, 0)] = w, [VARIANT(W_W, EA_FULL, 0)] = w,                     \
				      [VARIANT(W_Q, EA_REG, 0)] = q,                               \
				      [VARIANT(W_Q, EA_FULL, 0)] = q,                              \
	}

static void call(struct cpu *cpu, const struct insn *in)
{
	if (unlikely(!push_rip(cpu, in)))
		return;
	GOTO_LINK(cpu, in, 0, goto_imm_0);
}
op_set op_call = OPS_NEAR(call_rel_16, call);

/* A CALL whose target is not canonical: #GP, but as seen on Zen 4 what the push would raise comes
 * first. */
static __attribute__((noinline)) bool call_to_nowhere(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP] - 8;

	if (!canonical(sp) || !canonical(sp + 7))
		cpu_raise(cpu, in, X86_SS, 0);
	else if (mem_open_slow(cpu, in, sp, 8, TLB_WRITE))
		cpu_raise(cpu, in, X86_GP, 0);
	return false;
}

static __always_inline_ bool call_target_ok(struct cpu *cpu, const struct insn *in, gva_t target)
{
	return likely(canonical(target)) || call_to_nowhere(cpu, in);
}

static void call_r(struct cpu *cpu, const struct insn *in)
{
	gva_t target = REG(cpu, in->rm, Q);

	if (!call_target_ok(cpu, in, target) || unlikely(!push_rip(cpu, in)))
		return;
	GOTO_ADDRESS(cpu, target);
}

static void call_m(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), W_Q, true);

	if (unlikely(!m.ok) || !call_target_ok(cpu, in, m.val) || unlikely(!push_rip(cpu, in)))
		return;
	GOTO_ADDRESS(cpu, m.val);
}

static void jmp_r(struct cpu *cpu, const struct insn *in)
{
	gva_t target = REG(cpu, in->rm, Q);

	if (unlikely(!target_ok(cpu, in, target)))
		return;
	GOTO_ADDRESS(cpu, target);
}

static void jmp_m(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), W_Q, true);

	if (unlikely(!m.ok) || unlikely(!target_ok(cpu, in, m.val)))
		return;
	GOTO_ADDRESS(cpu, m.val);
}

#define BY_KIND(r, m)                                                                              \
	{                                                                                          \
		[VARIANT(W_W, EA_REG, 0)] = indirect_16, [VARIANT(W_W, EA_BASE, 0)] = indirect_16, \
				      [VARIANT(W_W, EA_FULL, 0)] = indirect_16,                    \
				      [VARIANT(W_Q, EA_REG, 0)] = r,                               \
				      [VARIANT(W_Q, EA_BASE, 0)] = m,                              \
				      [VARIANT(W_Q, EA_FULL, 0)] = m,                              \
	}
op_set op_call_E = BY_KIND(call_r, call_m);
op_set op_jmp_E = BY_KIND(jmp_r, jmp_m);

/* RET, RET imm16. */
static void ret(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP];
	struct mem_value m = mem_pop(cpu, in, sp, W_Q);

	if (unlikely(!m.ok) || unlikely(!target_ok(cpu, in, m.val)))
		return;
	cpu->regs.gpr[R_RSP] = sp + 8 + (u16)in->imm;
	GOTO_ADDRESS(cpu, m.val);
}
op_set op_ret = OPS_NEAR(ret_16, ret);

/* SYSCALL: rcx = rip, r11 = flags. RF and the rest are the kernel's business. */
static void op_do_syscall(struct cpu *cpu, const struct insn *in)
{
	cpu->regs.gpr[R_RCX] = next_rip(cpu, in);
	cpu->regs.gpr[R_R11] = flags_join(cpu);
	cpu_stop_after(cpu, in, CPU_SYSCALL, 0);
}
op_set op_syscall = OPS_ONE(op_do_syscall);

/* INT n: Linux lets user mode call gates 3, 4 and 0x80 only; the others are #GP with the vector in
 * the error code (bit 1: IDT). */
static void int_n(struct cpu *cpu, const struct insn *in)
{
	u8 n = (u8)in->imm;

	if (n == 0x80)
		cpu_stop_after(cpu, in, CPU_INT80, 0);
	else if (n == X86_BP || n == X86_OF)
		cpu_stop_after(cpu, in, CPU_EXCEPTION, n);
	else
		cpu_raise(cpu, in, X86_GP, n * 8 + 2);
}
op_set op_int = OPS_ONE(int_n);

static void int3(struct cpu *cpu, const struct insn *in)
{
	cpu_stop_after(cpu, in, CPU_EXCEPTION, X86_BP);
}
op_set op_int3 = OPS_ONE(int3);

/* INT1: a #DB that no trap flag caused. */
static void int1(struct cpu *cpu, const struct insn *in)
{
	cpu_stop_after(cpu, in, CPU_EXCEPTION, X86_DB);
	cpu->exit.icebp = true;
}
op_set op_int1 = OPS_ONE(int1);

/* Encodings that exist but are not for user mode, or not for this machine. */
static void raise_ud(struct cpu *cpu, const struct insn *in)
{
	cpu_raise(cpu, in, X86_UD, 0);
}
op_set op_ud = OPS_ONE(raise_ud);

static void raise_gp(struct cpu *cpu, const struct insn *in)
{
	cpu_raise(cpu, in, X86_GP, 0);
}
op_set op_gp = OPS_ONE(raise_gp);

/* MOV to and from control and debug registers: #UD for those that do not exist, else #GP. */
static void mov_cr(struct cpu *cpu, const struct insn *in)
{
	static const u16 exist = 0x11d; /* 0, 2, 3, 4, 8 */

	cpu_raise(cpu, in, exist >> in->reg & 1 ? X86_GP : X86_UD, 0);
}
op_set op_mov_cr = OPS_ONE(mov_cr);

static void mov_dr(struct cpu *cpu, const struct insn *in)
{
	cpu_raise(cpu, in, in->reg < 8 ? X86_GP : X86_UD, 0);
}
op_set op_mov_dr = OPS_ONE(mov_dr);

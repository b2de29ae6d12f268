/* PUSH, POP, PUSHF, POPF, ENTER, LEAVE. The stack address is always 64 bits; operands are 64 or,
 * with 66, 16 bits. A non-canonical stack pointer is #SS(0). SDM vol. 1, 6.2.
 */
#include "cpu/interp.h"

/* Register or immediate to the stack; rsp moves last. */
#define PUSH(f, W, source, careful)                                                                \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		gva_t sp = cpu->regs.gpr[R_RSP] - sizeof(reg_##W);                                 \
		const struct insn *next =                                                          \
			mem_push(cpu, in, sp, WIDTH_OF_##W, (reg_##W)(source), careful);           \
                                                                                                   \
		if (unlikely(!next))                                                               \
			return;                                                                    \
		cpu->regs.gpr[R_RSP] = sp;                                                         \
		GOTO(cpu, next);                                                                   \
	}
PUSH(push, W, REG(cpu, in->rm, W), false)
PUSH(push, Q, REG(cpu, in->rm, Q), false)
PUSH(push_careful, W, REG(cpu, in->rm, W), true)
PUSH(push_careful, Q, REG(cpu, in->rm, Q), true)
PUSH(push_imm, W, in->imm, true)
PUSH(push_imm, Q, in->imm, true)

/* PUSH E from memory: an rsp in the address is the value before. */
static void push_m(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), in->width, true);
	gva_t sp = cpu->regs.gpr[R_RSP] - (1UL << in->width);
	const struct insn *next;

	if (unlikely(!m.ok))
		return;
	next = mem_push(cpu, in, sp, in->width, m.val, true);
	if (unlikely(!next))
		return;
	cpu->regs.gpr[R_RSP] = sp;
	GOTO(cpu, next);
}

#define OPS_WQ(f, ea) [VARIANT(W_W, ea, 0)] = f##_W, [VARIANT(W_Q, ea, 0)] = f##_Q
op_set op_push = {OPS_WQ(push, EA_REG), OPS_WQ(push_careful, EA_FULL)};
op_set op_push_I = {OPS_WQ(push_imm, EA_REG), OPS_WQ(push_imm, EA_FULL)};
op_set op_push_E = {OPS_WQ(push_careful, EA_REG),
		    [VARIANT(W_B, EA_BASE, 0)... VARIANT(W_Q, EA_FULL, 0)] = push_m};

/* POP into a register: POP rsp ends with the value read. */
#define POP(W)                                                                                     \
	static void pop_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = mem_pop(cpu, in, cpu->regs.gpr[R_RSP], WIDTH_OF_##W);         \
                                                                                                   \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		cpu->regs.gpr[R_RSP] += sizeof(reg_##W);                                           \
		SET_##W(cpu, in->rm, m.val);                                                       \
		NEXT(cpu, in);                                                                     \
	}
POP(W)
POP(Q)

/* POP into memory: an rsp in the address is the value after. */
static void pop_m(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP], ea;
	struct mem_value m = mem_pop(cpu, in, sp, in->width);
	const struct insn *next;

	if (unlikely(!m.ok))
		return;
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	ea = ea_full(cpu, in);
	cpu->regs.gpr[R_RSP] = sp;
	next = mem_write(cpu, in, ea, in->width, m.val, true);
	if (unlikely(!next))
		return;
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	GOTO(cpu, next);
}
op_set op_pop = {OPS_WQ(pop, EA_REG), OPS_WQ(pop, EA_FULL)};
op_set op_pop_E = {OPS_WQ(pop, EA_REG),
		   [VARIANT(W_B, EA_BASE, 0)... VARIANT(W_Q, EA_FULL, 0)] = pop_m};

/* PUSHF: VM and RF read as 0. */
static void pushf(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP] - (1UL << in->width);
	const struct insn *next = mem_push(cpu, in, sp, in->width, flags_join(cpu), true);

	if (unlikely(!next))
		return;
	cpu->regs.gpr[R_RSP] = sp;
	GOTO(cpu, next);
}
op_set op_pushf = OPS_ONE(pushf);

/* POPF in user mode changes what F_USER says, IOPL and IF silently not. TF and AC change how code
 * is decoded, so the block ends. */
static void popf(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP];
	struct mem_value m = mem_pop(cpu, in, sp, in->width);
	u64 may = in->width == W_W ? F_USER & 0xffff : F_USER, old;

	if (unlikely(!m.ok))
		return;
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	old = flags_join(cpu);
	flags_split(cpu, (old & ~may) | (m.val & may));
	cpu->regs.rip += (s64)in->off + in->len;
	GOTO(cpu, block_enter(cpu));
}
op_set op_popf = OPS_ONE(popf);

/* LEAVE: rsp = rbp, pop rbp. */
static void leave(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RBP];
	struct mem_value m = mem_pop(cpu, in, sp, in->width);

	if (unlikely(!m.ok))
		return;
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	reg_write(cpu, OFF_GPR(R_RBP), in->width, m.val);
	NEXT(cpu, in);
}
op_set op_leave = OPS_ONE(leave);

/* One push of several. *@next, where to go on after all of them, changes if this one hit the code that
 * is running. False: fault raised. */
static bool push_one(struct cpu *cpu, const struct insn *in, gva_t sp, u64 val,
		     const struct insn **next)
{
	const struct insn *then = mem_push(cpu, in, sp, in->width, val, true);

	if (unlikely(then != in + 1))
		*next = then;
	return then;
}

/* ENTER size, level: pushes rbp and level - 1 frame pointers of the outer frames, then its own.
 * The new rsp must be writable, as if probed by a push. SDM vol. 2A, ENTER.
 *
 * Frame pointers that were pushed when a later push faults stay in memory below rsp, as on hardware;
 * registers change last. Any of the pushes, and the probe, may hit the code that is running: the rest
 * is done all the same, and then what follows is decoded anew. */
static void enter(struct cpu *cpu, const struct insn *in)
{
	u64 size = (u16)in->imm, level = (in->imm >> 16) & 31, step = 1UL << in->width;
	gva_t sp = cpu->regs.gpr[R_RSP] - step, frame = sp, bp = cpu->regs.gpr[R_RBP];
	const struct insn *next = in + 1;
	struct mem_value m;
	void *probe;

	if (unlikely(!push_one(cpu, in, sp, bp, &next)))
		return;
	for (u64 i = 1; i <= level; i++) {
		m = (struct mem_value){frame, true};
		if (i < level) {
			bp -= step;
			m = mem_pop(cpu, in, bp, in->width);
		}
		sp -= step;
		if (unlikely(!m.ok) || unlikely(!push_one(cpu, in, sp, m.val, &next)))
			return;
	}
	sp -= size;
	probe = mem_open(cpu, in, sp, step, TLB_WRITE, true);
	if (unlikely(!probe))
		return;
	if (next == in + 1)
		next = mem_close(cpu, in, probe);
	reg_write(cpu, OFF_GPR(R_RBP), in->width, frame);
	cpu->regs.gpr[R_RSP] = sp;
	GOTO(cpu, next);
}
op_set op_enter = OPS_ONE(enter);

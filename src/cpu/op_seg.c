/* Selectors: moves to and from segment registers, far pointers and returns, IRET, LAR and kin, and the
 * instructions that UMIP withholds.
 *
 * Selectors are values only: there are no descriptor tables. What may be loaded follows 64-bit
 * Linux's GDT as user mode sees it; 32-bit code cannot run here. A null FS or GS has base 0 (older AMD
 * CPUs keep the base; Linux code relies on neither). See: SDM vol. 3A, 5; vol. 2; arch/x86/include/
 * asm/segment.h.
 */
#include "cpu/interp.h"
#include "cpu/model.h"

enum { SEL_ES, SEL_CS, SEL_SS, SEL_DS, SEL_FS, SEL_GS }; /* by encoding number */

#define USER32_CS 0x23
#define USER_DS 0x2b
#define USER_CS 0x33
#define CPUNODE 0x7b /* read-only data whose limit tells CPU and node */

/* ES, CS, SS, DS, FS, GS by encoding number. CS cannot be loaded by MOV. */
static u16 *selector(struct cpu *cpu, unsigned n)
{
	struct cpu_regs *r = &cpu->regs;
	u16 *const sel[8] = {&r->es, &r->cs, &r->ss, &r->ds, &r->fs, &r->gs, NULL, NULL};

	return sel[n & 7];
}

/* A register takes the operand size, memory always 16 bits. */
static void mov_from_sel(struct cpu *cpu, const struct insn *in)
{
	const u16 *sel = selector(cpu, in->reg);

	if (!sel) {
		cpu_raise(cpu, in, X86_UD, 0);
		return;
	}
	if (in->flags & IN_MEM) {
		in = mem_write(cpu, in, ea_full(cpu, in), W_W, *sel, true);
		if (unlikely(!in))
			return;
		GOTO(cpu, in);
	}
	reg_write(cpu, in->rm, in->width, *sel);
	NEXT(cpu, in);
}
op_set op_mov_from_sel = OPS_ONE(mov_from_sel);

/* Access rights in Linux's GDT, by selector, for what user mode may see; 0: nothing. SDM vol. 2A, LAR. */
static u32 access_rights(u16 sel)
{
	switch (sel | 3) {
	case USER_DS:
		return 0xcff300;
	case USER_CS:
		return 0xaffb00;
	case USER32_CS:
		return 0xcffb00;
	case CPUNODE:
		return 0x40f500;
	default:
		return 0;
	}
}

/* What user mode may load into data segment registers: null (not SS), the user data segment, and
 * readable code segments (not SS). Else #GP(selector). SDM vol. 3A, 5.5. */
static bool selector_loadable(struct cpu *cpu, const struct insn *in, u16 v, bool ss)
{
	if (ss ? v == USER_DS : v < 4 || access_rights(v))
		return true;
	cpu_raise(cpu, in, X86_GP, v & 0xfffc);
	return false;
}

/* FS and GS: the base becomes the descriptor's, 0, or with a null selector too. */
static void load_selector(struct cpu *cpu, unsigned n, u16 v)
{
	*selector(cpu, n) = v;
	if (n == SEL_FS)
		cpu->regs.fs_base = 0;
	if (n == SEL_GS)
		cpu->regs.gs_base = 0;
}

static void mov_to_sel(struct cpu *cpu, const struct insn *in)
{
	unsigned n = in->reg & 7;
	struct mem_value m = {REG(cpu, in->rm, W), true};

	if (n == SEL_CS || n > SEL_GS) {
		cpu_raise(cpu, in, X86_UD, 0);
		return;
	}
	if (in->flags & IN_MEM)
		m = mem_read(cpu, in, ea_full(cpu, in), W_W, true);
	if (unlikely(!m.ok))
		return;
	if (!selector_loadable(cpu, in, m.val, n == SEL_SS))
		return;
	load_selector(cpu, n, m.val);
	if (n == SEL_SS)
		cpu->trap = false; /* no #DB before the next instruction is done */
	NEXT(cpu, in);
}
op_set op_mov_to_sel = OPS_ONE(mov_to_sel);

/* PUSH and POP of FS and GS. The row's opcode tells which. */
static void push_sel(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP] - (1UL << in->width);
	u16 sel = insn_rows[in->row].op == 0xa0 ? cpu->regs.fs : cpu->regs.gs;
	const struct insn *next = mem_push(cpu, in, sp, in->width, sel, true);

	if (unlikely(!next))
		return;
	cpu->regs.gpr[R_RSP] = sp;
	GOTO(cpu, next);
}
op_set op_push_sel = OPS_ONE(push_sel);

static void pop_sel(struct cpu *cpu, const struct insn *in)
{
	gva_t sp = cpu->regs.gpr[R_RSP];
	struct mem_value m = mem_pop(cpu, in, sp, in->width);
	bool fs = insn_rows[in->row].op == 0xa1;

	if (unlikely(!m.ok) || !selector_loadable(cpu, in, m.val, false))
		return;
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	load_selector(cpu, fs ? SEL_FS : SEL_GS, m.val);
	NEXT(cpu, in);
}
op_set op_pop_sel = OPS_ONE(pop_sel);

/* LSL, LAR, VERR, VERW: the selectors of user mode answer, others clear ZF. */
static struct mem_value read_selector(struct cpu *cpu, const struct insn *in)
{
	if (in->flags & IN_MEM)
		return mem_read(cpu, in, ea_full(cpu, in), W_W, true);
	return (struct mem_value){REG(cpu, in->rm, W), true};
}

static void lar_lsl(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = read_selector(cpu, in);
	bool lsl = insn_rows[in->row].op == 0x03;
	u32 rights;

	if (unlikely(!m.ok))
		return;
	rights = access_rights(m.val);
	cpu->cc &= ~(u64)CC_Z;
	if (rights) {
		cpu->cc |= CC_Z;
		if (lsl) /* CPUNODE: node 0, and the CPU */
			rights = (m.val | 3) == CPUNODE ? cpu->id : 0xffffffff;
		reg_write(cpu, in->reg, in->width, rights);
	}
	NEXT(cpu, in);
}
op_set op_lar_lsl = OPS_ONE(lar_lsl);

static void verr_verw(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = read_selector(cpu, in);
	bool write = insn_rows[in->row].ext == 5;

	if (unlikely(!m.ok))
		return;
	cpu->cc &= ~(u64)CC_Z;
	if (write ? (m.val | 3) == USER_DS : access_rights(m.val) != 0)
		cpu->cc |= CC_Z;
	NEXT(cpu, in);
}
op_set op_verr_verw = OPS_ONE(verr_verw);

/* ---- Far pointers --------------------------------------------------------------------------- */

/* May control go to @cs? Transfers by pointer take any RPL, returns one of CPL or above: 3. */
static bool code_selector_ok(struct cpu *cpu, const struct insn *in, u16 cs)
{
	if (cs == USER_CS)
		return true;
	if (cs == USER32_CS)
		cpu_raise_unsupported(cpu, in, "32-bit code");
	else
		cpu_raise(cpu, in, X86_GP, cs & 0xfffc);
	return false;
}

static bool far_target_ok(struct cpu *cpu, const struct insn *in, gva_t target)
{
	if (canonical(target))
		return true;
	cpu_raise(cpu, in, X86_GP, 0);
	return false;
}

struct far_pointer {
	u64 offset;
	u16 sel;
	bool ok; /* false: fault raised */
};

/* m16:16, m16:32, m16:64; AMD has no m16:64, and REX.W means 32 there. */
static unsigned far_width(const struct cpu *cpu, const struct insn *in)
{
	return in->width == W_Q && cpu_has(cpu, FEAT_AMD) ? W_L : in->width;
}

static struct far_pointer read_far_pointer(struct cpu *cpu, const struct insn *in)
{
	unsigned width = far_width(cpu, in);
	gva_t ea = ea_full(cpu, in);
	struct far_pointer p = {0};
	struct mem_value m = mem_read(cpu, in, ea, width, true);

	if (!m.ok)
		return p;
	p.offset = m.val;
	m = mem_read(cpu, in, ea + (1UL << width), W_W, true);
	p.sel = m.val;
	p.ok = m.ok;
	return p;
}

/* LSS, LFS, LGS: opcodes B2, B4, B5. */
static void load_far(struct cpu *cpu, const struct insn *in)
{
	unsigned n = insn_rows[in->row].op & 7;
	struct far_pointer p = read_far_pointer(cpu, in);

	if (!p.ok || !selector_loadable(cpu, in, p.sel, n == SEL_SS))
		return;
	load_selector(cpu, n, p.sel);
	reg_write(cpu, in->reg, far_width(cpu, in), p.offset);
	NEXT(cpu, in);
}
op_set op_load_far = OPS_ONE(load_far);

/* JMP and CALL by a far pointer: /5 and /3. */
static void far_branch(struct cpu *cpu, const struct insn *in)
{
	struct far_pointer p = read_far_pointer(cpu, in);
	unsigned width = far_width(cpu, in);
	u64 step = 1UL << width, sp = cpu->regs.gpr[R_RSP] - 2 * step;
	u64 ret = cpu->regs.rip + (s64)in->off + in->len; /* a push into this block moves rip */

	if (!p.ok || !code_selector_ok(cpu, in, p.sel < 4 ? p.sel : p.sel | 3) ||
	    !far_target_ok(cpu, in, p.offset))
		return;
	if (insn_rows[in->row].ext == 3) {
		if (!mem_push(cpu, in, sp + step, width, USER_CS, true) ||
		    !mem_push(cpu, in, sp, width, ret, true))
			return;
		cpu->regs.gpr[R_RSP] = sp;
	}
	GOTO_ADDRESS(cpu, p.offset);
}
op_set op_far_branch = OPS_ONE(far_branch);

/* RETF, RETF imm16. */
static void retf(struct cpu *cpu, const struct insn *in)
{
	u64 sp = cpu->regs.gpr[R_RSP], step = 1UL << in->width;
	struct mem_value cs = mem_pop(cpu, in, sp + step, in->width), rip;

	if (!cs.ok)
		return;
	rip = mem_pop(cpu, in, sp, in->width);
	if (!rip.ok || !code_selector_ok(cpu, in, cs.val) || !far_target_ok(cpu, in, rip.val))
		return;
	cpu->regs.gpr[R_RSP] = sp + 2 * step + (u16)in->imm;
	GOTO_ADDRESS(cpu, rip.val);
}
op_set op_retf = OPS_ONE(retf);

/* IRET to user mode: rip, cs, flags, rsp, ss are always popped in 64-bit mode. Flags change as by
 * POPF. SDM vol. 2A, IRET. */
static void iret(struct cpu *cpu, const struct insn *in)
{
	static const u8 order[5] = {2, 1, 0, 3, 4}; /* as seen on Zen 4 */
	u64 v[5], sp = cpu->regs.gpr[R_RSP];
	u64 may = in->width == W_W ? F_USER & 0xffff : F_USER;

	if (cpu->regs.flags & F_NT) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	for (unsigned i = 0; i < 5; i++) {
		struct mem_value m = mem_pop(cpu, in, sp + ((u64)order[i] << in->width), in->width);

		if (!m.ok)
			return;
		v[order[i]] = m.val;
	}
	if (!code_selector_ok(cpu, in, v[1]) || !selector_loadable(cpu, in, v[4], true) ||
	    !far_target_ok(cpu, in, v[0]))
		return;
	flags_split(cpu, (flags_join(cpu) & ~may) | (v[2] & may));
	cpu->regs.gpr[R_RSP] = v[3];
	cpu->regs.rip = v[0];
	GOTO(cpu, block_enter(cpu));
}
op_set op_iret = OPS_ONE(iret);

/* ---- UMIP ----------------------------------------------------------------------------------- */

/* SGDT, SIDT, SLDT, STR, SMSW: #GP(0), with what the kernel needs to emulate them. */
static void umip(struct cpu *cpu, const struct insn *in)
{
	const struct insn_row *row = &insn_rows[in->row];
	bool mem = in->flags & IN_MEM;
	gva_t ea = mem ? ea_full(cpu, in) : in->rm / 8;

	cpu_raise(cpu, in, X86_GP, 0);
	cpu->exit.umip = (struct cpu_umip){
		.what = row->op == 0	? (row->ext ? UMIP_STR : UMIP_SLDT)
			: row->ext == 4 ? UMIP_SMSW
			: row->ext	? UMIP_SIDT
					: UMIP_SGDT,
		.memory = mem,
		.len = in->len,
		.size = 1 << in->width,
		.operand = ea,
	};
}
op_set op_umip = OPS_ONE(umip);

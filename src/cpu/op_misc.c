/* Flag moves, NOPs and fences, CPUID, time stamps, selectors, segment bases, random numbers.
 *
 * Selectors are values only: loading one follows what 64-bit Linux's GDT allows user mode, and
 * changes no base but FS's and GS's, which become 0 with a null selector (AMD keeps them; Linux code
 * relies on neither). SDM vol. 1, 7.3.14 on; vol. 2.
 */
#include "cpu/interp.h"
#include "cpu/model.h"

static void nop(struct cpu *cpu, const struct insn *in)
{
	NEXT(cpu, in);
}
op_set op_nop = OPS_ONE(nop);

/* Fences, PAUSE and cache hints: memory is touched by one thread at a time. CLFLUSH needs a readable
 * address. */
static void clflush(struct cpu *cpu, const struct insn *in)
{
	struct mem_value m = mem_read(cpu, in, ea_full(cpu, in), W_B, true);

	if (unlikely(!m.ok))
		return;
	NEXT(cpu, in);
}
op_set op_clflush = OPS_ONE(clflush);

#define FLAG_OP(f, change)                                                                         \
	static void f(struct cpu *cpu, const struct insn *in)                                      \
	{                                                                                          \
		change;                                                                            \
		NEXT(cpu, in);                                                                     \
	}                                                                                          \
	op_set op_##f = OPS_ONE(f);
FLAG_OP(clc, cpu->cc &= ~(u64)CC_C)
FLAG_OP(stc, cpu->cc |= CC_C)
FLAG_OP(cmc, cpu->cc ^= CC_C)
FLAG_OP(cld, cpu->regs.flags &= ~F_DF)
FLAG_OP(std, cpu->regs.flags |= F_DF)
FLAG_OP(lahf, SET_B(cpu, OFF_GPR(R_RAX) + 1, (cpu->cc >> 8) | 2))
FLAG_OP(sahf, cpu->cc = (cpu->cc & CC_O) | 0x200 |
			(REG(cpu, OFF_GPR(R_RAX) + 1, B) & (F_OSZAPC & 0xff)) << 8)

static void do_cpuid(struct cpu *cpu, const struct insn *in)
{
	struct cpuid_leaf leaf =
		cpuid_leaf(cpu, REG(cpu, OFF_GPR(R_RAX), L), REG(cpu, OFF_GPR(R_RCX), L));

	SET_L(cpu, OFF_GPR(R_RAX), leaf.a);
	SET_L(cpu, OFF_GPR(R_RBX), leaf.b);
	SET_L(cpu, OFF_GPR(R_RCX), leaf.c);
	SET_L(cpu, OFF_GPR(R_RDX), leaf.d);
	NEXT(cpu, in);
}
op_set op_cpuid = OPS_ONE(do_cpuid);

static u64 read_tsc(struct cpu *cpu)
{
	return cpu->read_tsc ? cpu->read_tsc(cpu->read_tsc_arg) : __builtin_ia32_rdtsc();
}

static void rdtsc(struct cpu *cpu, const struct insn *in)
{
	u64 t = read_tsc(cpu);

	SET_L(cpu, OFF_GPR(R_RAX), t);
	SET_L(cpu, OFF_GPR(R_RDX), t >> 32);
	NEXT(cpu, in);
}
op_set op_rdtsc = OPS_ONE(rdtsc);

/* TSC_AUX holds the CPU's number, as Linux sets it (node 0). */
static void rdtscp(struct cpu *cpu, const struct insn *in)
{
	u64 t = read_tsc(cpu);

	SET_L(cpu, OFF_GPR(R_RAX), t);
	SET_L(cpu, OFF_GPR(R_RDX), t >> 32);
	SET_L(cpu, OFF_GPR(R_RCX), cpu->id);
	NEXT(cpu, in);
}
op_set op_rdtscp = OPS_ONE(rdtscp);

static void rdpid(struct cpu *cpu, const struct insn *in)
{
	SET_Q(cpu, in->rm, cpu->id);
	NEXT(cpu, in);
}
op_set op_rdpid = OPS_ONE(rdpid);

/* XCR0: x87 and SSE state. */
static void xgetbv(struct cpu *cpu, const struct insn *in)
{
	if (REG(cpu, OFF_GPR(R_RCX), L)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	SET_L(cpu, OFF_GPR(R_RAX), 3);
	SET_L(cpu, OFF_GPR(R_RDX), 0);
	NEXT(cpu, in);
}
op_set op_xgetbv = OPS_ONE(xgetbv);

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

#define USER_DS 0x2b
#define USER_CS 0x33
#define USER32_CS 0x23

/* What user mode may load into data segment registers: null (not SS), the user data segment, and
 * readable code segments (not SS). Else #GP(selector). SDM vol. 3A, 5.5. */
static bool selector_loadable(u16 v, bool ss)
{
	if ((v | 3) == USER_DS)
		return !ss || v == USER_DS;
	if (ss)
		return false;
	return v < 4 || (v | 3) == USER_CS || (v | 3) == USER32_CS;
}

static void mov_to_sel(struct cpu *cpu, const struct insn *in)
{
	unsigned n = in->reg & 7;
	struct mem_value m = {REG(cpu, in->rm, W), true};

	if (n == 1 || n > 5) {
		cpu_raise(cpu, in, X86_UD, 0);
		return;
	}
	if (in->flags & IN_MEM)
		m = mem_read(cpu, in, ea_full(cpu, in), W_W, true);
	if (unlikely(!m.ok))
		return;
	if (!selector_loadable(m.val, n == 2)) {
		cpu_raise(cpu, in, X86_GP, m.val & 0xfffc);
		return;
	}
	*selector(cpu, n) = m.val;
	if (n == 4)
		cpu->regs.fs_base = 0;
	if (n == 5)
		cpu->regs.gs_base = 0;
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

	if (unlikely(!m.ok))
		return;
	if (!selector_loadable(m.val, false)) {
		cpu_raise(cpu, in, X86_GP, m.val & 0xfffc);
		return;
	}
	cpu->regs.gpr[R_RSP] = sp + (1UL << in->width);
	*(fs ? &cpu->regs.fs : &cpu->regs.gs) = m.val;
	*(fs ? &cpu->regs.fs_base : &cpu->regs.gs_base) = 0;
	NEXT(cpu, in);
}
op_set op_pop_sel = OPS_ONE(pop_sel);

/* RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: /0 to /3. */
static void segbase(struct cpu *cpu, const struct insn *in)
{
	unsigned what = insn_rows[in->row].ext;
	u64 *base = what & 1 ? &cpu->regs.gs_base : &cpu->regs.fs_base, v;

	if (what < 2) {
		reg_write(cpu, in->rm, in->width, *base);
		NEXT(cpu, in);
	}
	v = reg_read(cpu, in->rm, in->width);
	if (!canonical(v)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	*base = v;
	NEXT(cpu, in);
}
op_set op_segbase = OPS_ONE(segbase);

/* LSL, LAR, VERR, VERW: the selectors of Linux's user segments answer, others clear ZF. Access
 * rights as in Linux's GDT (accessed). SDM vol. 2A, LAR, LSL. */
static u32 access_rights(u16 sel)
{
	switch (sel | 3) {
	case USER_DS:
		return 0xcff300;
	case USER_CS:
		return 0xaffb00;
	case USER32_CS:
		return 0xcffb00;
	default:
		return 0;
	}
}

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
		reg_write(cpu, in->reg, in->width, lsl ? 0xffffffff : rights);
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

/* RDRAND, RDSEED from the host: only models that follow the host offer them. */
static void rdrand(struct cpu *cpu, const struct insn *in)
{
	u64 v;
	u8 ok;

	__asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(v), "=q"(ok) : : "cc");
	reg_write(cpu, in->rm, in->width, ok ? v : 0);
	cpu->cc = 0x200 | (ok ? CC_C : 0);
	NEXT(cpu, in);
}
op_set op_rdrand = OPS_ONE(rdrand);

/* ADCX, ADOX: carry chains that change one flag each. */
#define ADX(f, bit, W, wide)                                                                       \
	static void f##_##W(struct cpu *cpu, const struct insn *in)                                \
	{                                                                                          \
		struct mem_value m = {REG(cpu, in->rm, W), true};                                  \
		wide sum;                                                                          \
                                                                                                   \
		if (in->flags & IN_MEM)                                                            \
			m = mem_read(cpu, in, ea_full(cpu, in), WIDTH_OF_##W, true);               \
		if (unlikely(!m.ok))                                                               \
			return;                                                                    \
		sum = (wide)REG(cpu, in->reg, W) + (reg_##W)m.val + !!(cpu->cc & (bit));           \
		SET_##W(cpu, in->reg, sum);                                                        \
		cpu->cc = (cpu->cc & ~(u64)(bit)) | (sum >> (8 * sizeof(reg_##W)) ? (bit) : 0);    \
		NEXT(cpu, in);                                                                     \
	}
ADX(adcx, CC_C, L, u64)
ADX(adcx, CC_C, Q, unsigned __int128)
ADX(adox, CC_O, L, u64)
ADX(adox, CC_O, Q, unsigned __int128)
#define OPS_LQ(f, ea)                                                                              \
	[VARIANT(W_L, ea, 0)] = f##_L, [VARIANT(W_Q, ea, 0)] = f##_Q,                              \
			  [VARIANT(W_L, ea, 1)] = f##_L, [VARIANT(W_Q, ea, 1)] = f##_Q
op_set op_adcx = {OPS_LQ(adcx, EA_REG), OPS_LQ(adcx, EA_BASE), OPS_LQ(adcx, EA_FULL)};
op_set op_adox = {OPS_LQ(adox, EA_REG), OPS_LQ(adox, EA_BASE), OPS_LQ(adox, EA_FULL)};

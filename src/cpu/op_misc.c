/* Flag moves, NOPs and fences, CPUID, time stamps, segment bases, random numbers, cache lines.
 * SDM vol. 1, 7.3.14 on; vol. 2.
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
	u64 t;

	if (unlikely(cpu->tsc_faults)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	t = read_tsc(cpu);
	SET_L(cpu, OFF_GPR(R_RAX), t);
	SET_L(cpu, OFF_GPR(R_RDX), t >> 32);
	NEXT(cpu, in);
}
op_set op_rdtsc = OPS_ONE(rdtsc);

/* TSC_AUX holds the CPU's number, as Linux sets it (node 0). */
static void rdtscp(struct cpu *cpu, const struct insn *in)
{
	u64 t;

	if (unlikely(cpu->tsc_faults)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	t = read_tsc(cpu);
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

/* XCR0; with ecx 1 those components of it that are in use. */
static void xgetbv(struct cpu *cpu, const struct insn *in)
{
	u32 which = REG(cpu, OFF_GPR(R_RCX), L);
	u64 v = cpu->xcr0;

	if (which > (cpu_has(cpu, FEAT_XGETBV1) ? 1 : 0)) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	if (which) {
		fpu_sync(cpu);
		v &= fpu_in_use(cpu->fpu, true);
	}
	SET_L(cpu, OFF_GPR(R_RAX), v);
	SET_L(cpu, OFF_GPR(R_RDX), v >> 32);
	NEXT(cpu, in);
}
op_set op_xgetbv = OPS_ONE(xgetbv);

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

/* RDRAND, RDSEED: splitmix64, from the machine's seed; never out of numbers. Fit for no secret, as
 * all randomness of the machine. */
static void rdrand(struct cpu *cpu, const struct insn *in)
{
	u64 v = cpu->random += 0x9e3779b97f4a7c15UL;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9UL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebUL;
	reg_write(cpu, in->rm, in->width, v ^ v >> 31);
	cpu->cc = 0x200 | CC_C;
	NEXT(cpu, in);
}
op_set op_rdrand = OPS_ONE(rdrand);

/* MOVDIR64B: 64 bytes from memory to the aligned address in G, which is in ES. CLZERO: the cache
 * line at rax (seg and 67 as for any address) becomes 0. */
static const struct insn *store_line(struct cpu *cpu, const struct insn *in, gva_t to,
				     const u64 line[8])
{
	u64 *p = mem_open(cpu, in, to, 64, TLB_WRITE, true);

	if (unlikely(!p))
		return NULL;
	for (unsigned i = 0; i < 8; i++)
		p[i] = line[i];
	return mem_close(cpu, in, p);
}

static void movdir64b(struct cpu *cpu, const struct insn *in)
{
	const u64 *p = mem_open(cpu, in, ea_full(cpu, in), 64, TLB_READ, true);
	gva_t to = REG(cpu, in->reg, Q);
	u64 line[8];

	if (unlikely(!p))
		return;
	for (unsigned i = 0; i < 8; i++)
		line[i] = ((const mem_Q *)p)[i];
	if (in->flags & IN_A32)
		to = (u32)to;
	if (to & 63) {
		cpu_raise(cpu, in, X86_GP, 0);
		return;
	}
	in = store_line(cpu, in, to, line);
	if (in)
		GOTO(cpu, in);
}
op_set op_movdir64b = OPS_ONE(movdir64b);

static void clzero(struct cpu *cpu, const struct insn *in)
{
	static const u64 zero[8];
	gva_t to = cpu->regs.gpr[R_RAX];

	if (in->flags & IN_A32)
		to = (u32)to;
	in = store_line(cpu, in, (to + REG(cpu, in->seg, Q)) & ~63UL, zero);
	if (in)
		GOTO(cpu, in);
}
op_set op_clzero = OPS_ONE(clzero);

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
op_set op_adcx = {OPS_LQ(adcx, EA_REG), OPS_LQ(adcx, EA_BASE), OPS_LQ(adcx, EA_FULL)};
op_set op_adox = {OPS_LQ(adox, EA_REG), OPS_LQ(adox, EA_BASE), OPS_LQ(adox, EA_FULL)};

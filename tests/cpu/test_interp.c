/* cpu_run(): precise faults, budgets, code that changes, pages that move, single steps. What single
 * instructions compute is checked against the host CPU by tests/diff/insn. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cpu/block.h"
#include "cpu/model.h"
#include "flat.h"

#define CODE FLAT_BASE
#define CODE2 (FLAT_BASE + PAGE_SIZE)
#define DATA (FLAT_BASE + 0x8000)
#define DATA2 (DATA + PAGE_SIZE)
#define NON_CANONICAL 0x800000000000UL

#define RUN(f, budget, ...)                                                                        \
	({                                                                                         \
		static const u8 _code[] = {__VA_ARGS__};                                           \
		flat_write(f, CODE, _code, sizeof(_code));                                         \
		(f)->cpu.regs.rip = CODE;                                                          \
		cpu_run(&(f)->cpu, budget);                                                        \
	})

static struct flat *machine(void)
{
	struct flat *f = flat_new(CPU_MODEL_V1);

	f->cpu.regs.gpr[R_RSP] = DATA + 0x800;
	f->cpu.regs.gpr[R_RBX] = DATA;
	return f;
}

static u64 *gpr(struct flat *f)
{
	return f->cpu.regs.gpr;
}

static void expect_fault(struct flat *f, u8 vector, u32 error_code, u64 rip)
{
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, vector);
	CU_ASSERT_EQUAL(f->cpu.exit.error_code, error_code);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, rip);
}

static void a_budget_is_exact(void)
{
	struct flat *f = machine();

	/* five times inc eax */
	CU_ASSERT_EQUAL(RUN(f, 3, 0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0),
			CPU_BUDGET);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 3);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE + 6);
	CU_ASSERT_EQUAL(f->cpu.retired, 3);
	flat_free(f);
}

static void rep_counts_each_iteration(void)
{
	struct flat *f = machine();

	gpr(f)[R_RCX] = 100;
	gpr(f)[R_RDI] = DATA;
	gpr(f)[R_RAX] = 0x41;
	CU_ASSERT_EQUAL(RUN(f, 30, 0xf3, 0xaa, 0xcc), CPU_BUDGET); /* rep stosb; int3 */
	CU_ASSERT_EQUAL(gpr(f)[R_RCX], 70);
	CU_ASSERT_EQUAL(gpr(f)[R_RDI], DATA + 30);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE);
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_BP);
	CU_ASSERT_EQUAL(f->cpu.retired, 101); /* int3 retires too */
	flat_free(f);
}

static void a_rep_fault_keeps_whole_iterations(void)
{
	struct flat *f = machine();

	flat_protect(f, DATA2, FLAT_NONE);
	gpr(f)[R_RCX] = 4;
	gpr(f)[R_RSI] = DATA;
	gpr(f)[R_RDI] = DATA2 - 20;
	RUN(f, 1000, 0xf3, 0x48, 0xa5); /* rep movsq */
	expect_fault(f, X86_PF, PF_USER | PF_WRITE, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	CU_ASSERT_EQUAL(gpr(f)[R_RCX], 2);
	CU_ASSERT_EQUAL(gpr(f)[R_RDI], DATA2 - 4);
	CU_ASSERT_EQUAL(gpr(f)[R_RSI], DATA + 16);
	CU_ASSERT_EQUAL(f->cpu.retired, 2);
	flat_free(f);
}

static void a_fault_changes_nothing(void)
{
	struct flat *f = machine();

	flat_protect(f, DATA2, FLAT_R);
	gpr(f)[R_RAX] = 1;
	gpr(f)[R_RCX] = DATA2;
	/* add rax, rax; add [rcx], rax; add rax, rax */
	RUN(f, 1000, 0x48, 0x01, 0xc0, 0x48, 0x01, 0x01, 0x48, 0x01, 0xc0);
	expect_fault(f, X86_PF, PF_USER | PF_WRITE | PF_PROT, CODE + 3);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 2);
	CU_ASSERT_EQUAL(f->cpu.retired, 1);
	flat_free(f);
}

static void flags_are_exact_at_a_fault(void)
{
	struct flat *f = machine();

	gpr(f)[R_RCX] = NON_CANONICAL;
	gpr(f)[R_RAX] = ~0UL;
	/* add rax, 1 (CF, ZF, AF, PF); mov [rcx], al; cmp rax, 1 */
	RUN(f, 1000, 0x48, 0x83, 0xc0, 0x01, 0x88, 0x01, 0x48, 0x83, 0xf8, 0x01);
	expect_fault(f, X86_GP, 0, CODE + 4);
	CU_ASSERT_EQUAL(f->cpu.regs.flags, 0x202 | F_CF | F_ZF | F_AF | F_PF);
	flat_free(f);
}

static void a_crossing_store_checks_both_pages_first(void)
{
	struct flat *f = machine();
	u8 *low = flat_ptr(f, DATA2 - 4);
	u64 v;

	flat_protect(f, DATA2, FLAT_NONE);
	memset(low, 0x11, 4);
	gpr(f)[R_RCX] = DATA2 - 4;
	gpr(f)[R_RAX] = ~0UL;
	RUN(f, 1000, 0x48, 0x89, 0x01); /* mov [rcx], rax */
	expect_fault(f, X86_PF, PF_USER | PF_WRITE, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	memcpy(&v, low, sizeof(v));
	CU_ASSERT_EQUAL((u32)v, 0x11111111);
	flat_protect(f, DATA2, FLAT_RWX);
	RUN(f, 1, 0x48, 0x89, 0x01);
	memcpy(&v, low, sizeof(v));
	CU_ASSERT_EQUAL(v, ~0UL);
	RUN(f, 1, 0x48, 0x83, 0x29, 0x01); /* sub qword [rcx], 1 */
	memcpy(&v, low, sizeof(v));
	CU_ASSERT_EQUAL(v, ~0UL - 1);
	flat_free(f);
}

static void non_canonical_stack_is_ss(void)
{
	struct flat *f = machine();

	gpr(f)[R_RSP] = NON_CANONICAL + 8;
	RUN(f, 1000, 0x50); /* push rax */
	expect_fault(f, X86_SS, 0, CODE);
	CU_ASSERT_EQUAL(gpr(f)[R_RSP], NON_CANONICAL + 8);
	gpr(f)[R_RBP] = NON_CANONICAL;
	RUN(f, 1000, 0x8b, 0x45, 0x00); /* mov eax, [rbp] */
	expect_fault(f, X86_SS, 0, CODE);
	flat_free(f);
}

static void a_fetch_fault_names_the_second_page(void)
{
	static const u8 add_imm[] = {0x05, 1, 0, 0, 0}; /* add eax, 1 */
	struct flat *f = machine();

	flat_write(f, CODE2 - 2, add_imm, sizeof(add_imm));
	flat_protect(f, CODE2, FLAT_NONE);
	f->cpu.regs.rip = CODE2 - 2;
	cpu_run(&f->cpu, 1);
	expect_fault(f, X86_PF, PF_USER | PF_INSTR, CODE2 - 2);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, CODE2);
	flat_protect(f, CODE2, FLAT_RWX);
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1), CPU_BUDGET);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 1);
	/* Its second half changes. */
	f->cpu.regs.rip = CODE2 - 2;
	flat_write(f, CODE2 - 1, "\x05", 1);
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1), CPU_BUDGET);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 6);
	f->cpu.regs.rip = CODE2 - 2;
	flat_write(f, CODE2, "\x01", 1); /* in the second page: 0x105 */
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1), CPU_BUDGET);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 6 + 0x105);
	flat_free(f);
}

static void bytes_behind_an_instruction_are_not_fetched(void)
{
	struct flat *f = machine();

	flat_write(f, CODE2 - 1, "\x90", 1);
	flat_protect(f, CODE2, FLAT_NONE);
	f->cpu.regs.rip = CODE2 - 1;
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1), CPU_BUDGET);
	cpu_run(&f->cpu, 1);
	expect_fault(f, X86_PF, PF_USER | PF_INSTR, CODE2);
	flat_free(f);
}

static void code_that_rewrites_the_next_instruction(void)
{
	struct flat *f = machine();

	gpr(f)[R_RDI] = CODE + 4;
	/* mov byte [rdi], 0x05 turns inc-less add's immediate: add eax, 1 -> add eax, 5 */
	CU_ASSERT_EQUAL(RUN(f, 2, 0xc6, 0x07, 0x05, /* add eax, imm32: */ 0x05, 1, 0, 0, 0, 0xcc),
			CPU_BUDGET);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 5);
	CU_ASSERT_EQUAL(f->cpu.retired, 2);
	/* The same by a read-modify-write: inc byte [rdi]. */
	gpr(f)[R_RAX] = 0;
	CU_ASSERT_EQUAL(RUN(f, 100, 0xfe, 0x07, 0x90, 0x05, 1, 0, 0, 0, 0xcc), CPU_EXCEPTION);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 2);
	CU_ASSERT_EQUAL(f->cpu.retired, 2 + 4);
	flat_free(f);
}

static void code_that_was_linked_is_found_changed(void)
{
	struct flat *f = machine();

	gpr(f)[R_RCX] = 10;
	gpr(f)[R_RDI] = CODE + 1;
	/* add al, 1; loop: -4; then the immediate grows and it all runs again */
	RUN(f, 1000, 0x04, 1, 0xe2, 0xfc, 0xcc);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 10);
	gpr(f)[R_RCX] = 10;
	gpr(f)[R_RAX] = 0;
	/* add al, 1; inc byte [rdi]; loop: 1 + 2 + .. + 10 */
	RUN(f, 1000, 0x04, 1, 0xfe, 0x07, 0xe2, 0xfa, 0xcc);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 55);
	CU_ASSERT_EQUAL(f->cpu.retired, 21 + 31);
	flat_free(f);
}

static void int_n_asks_for_a_call_or_faults(void)
{
	struct flat *f = machine();

	CU_ASSERT_EQUAL(RUN(f, 9, 0xcd, 0x80), CPU_INT80);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE + 2);
	RUN(f, 9, 0xcd, 0x81);
	expect_fault(f, X86_GP, 0x40a, CODE);
	RUN(f, 9, 0xcc);
	expect_fault(f, X86_BP, 0, CODE + 1);
	RUN(f, 9, 0x0f, 0x0b);
	expect_fault(f, X86_UD, 0, CODE);
	RUN(f, 9, 0xf4);
	expect_fault(f, X86_GP, 0, CODE);
	RUN(f, 9, 0x31, 0xc9, 0xf7, 0xf1); /* xor ecx, ecx; div ecx */
	expect_fault(f, X86_DE, 0, CODE + 2);
	flat_free(f);
}

static void syscall_keeps_rip_and_flags(void)
{
	struct flat *f = machine();

	CU_ASSERT_EQUAL(RUN(f, 9, 0xf9, 0x0f, 0x05), CPU_SYSCALL); /* stc; syscall */
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE + 3);
	CU_ASSERT_EQUAL(gpr(f)[R_RCX], CODE + 3);
	CU_ASSERT_EQUAL(gpr(f)[R_R11], 0x203);
	CU_ASSERT_EQUAL(f->cpu.regs.flags, 0x203);
	flat_free(f);
}

static void a_trap_flag_stops_after_one_instruction(void)
{
	struct flat *f = machine();

	f->cpu.regs.flags |= F_TF;
	RUN(f, 100, 0xff, 0xc0, 0xff, 0xc0);
	expect_fault(f, X86_DB, 0, CODE + 2);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 1);
	f->cpu.regs.flags = 0x202;
	/* pushf; or dword [rsp], 0x100; popf; inc eax; inc eax: the trap comes after the first inc */
	RUN(f, 100, 0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0xff, 0xc0, 0xff, 0xc0);
	expect_fault(f, X86_DB, 0, CODE + 11);
	flat_free(f);
}

static void alignment_is_checked_when_asked(void)
{
	struct flat *f = machine();

	gpr(f)[R_RCX] = DATA + 1;
	RUN(f, 1, 0x8b, 0x01); /* mov eax, [rcx] */
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	f->cpu.regs.flags |= F_AC;
	RUN(f, 1, 0x8b, 0x01);
	expect_fault(f, X86_AC, 0, CODE);
	gpr(f)[R_RCX] = DATA + 4;
	CU_ASSERT_EQUAL(RUN(f, 1, 0x8b, 0x01), CPU_BUDGET);
	flat_free(f);
}

static void an_interrupt_stops_a_loop(void)
{
	struct flat *f = machine();

	cpu_interrupt(&f->cpu);
	CU_ASSERT_EQUAL(RUN(f, 1000000, 0xeb, 0xfe), CPU_INTERRUPTED);
	CU_ASSERT_EQUAL(f->cpu.retired, 0);
	CU_ASSERT_EQUAL(cpu_run(&f->cpu, 1000), CPU_BUDGET);
	CU_ASSERT_EQUAL(f->cpu.retired, 1000);
	flat_free(f);
}

static void what_is_missing_is_named(void)
{
	struct flat *f = machine();

	RUN(f, 9, 0xc5, 0xf4, 0x58, 0xc0); /* vaddps */
	expect_fault(f, X86_UD, 0, CODE);
	CU_ASSERT_FATAL(f->cpu.exit.unsupported != NULL);
	CU_ASSERT_STRING_EQUAL(f->cpu.exit.unsupported, "AVX: not in this --cpu model");
	RUN(f, 9, 0x0f, 0x0b);
	CU_ASSERT_PTR_NULL(f->cpu.exit.unsupported);
	flat_free(f);
}

struct leaf {
	u32 a, b, c, d;
};

static struct leaf cpuid(struct flat *f, u32 leaf, u32 sub)
{
	struct leaf l;

	cpu_cpuid(&f->cpu, leaf, sub, &l.a, &l.b, &l.c, &l.d);
	return l;
}

static void cpuid_says_v1(void)
{
	struct flat *f = machine();

	CU_ASSERT_EQUAL(cpuid(f, 1, 0).d & 0x07808111, 0x07808111); /* fpu .. sse2 */
	CU_ASSERT_EQUAL(cpuid(f, 1, 0).c & ~0x2000U, 0);	    /* cx16 */
	CU_ASSERT_EQUAL(cpuid(f, 7, 0).a, 0);
	CU_ASSERT_EQUAL(cpuid(f, 7, 0).b, 0x2000); /* zero fcs, fds */
	CU_ASSERT_EQUAL(cpuid(f, 7, 0).c, 4);	   /* umip */
	CU_ASSERT_EQUAL(cpuid(f, 7, 0).d, 0);
	CU_ASSERT_EQUAL(cpuid(f, 0xd, 0).b, 0);
	CU_ASSERT_EQUAL(cpuid(f, 0x80000001, 0).d & 0x20000800, 0x20000800); /* lm syscall */
	flat_free(f);
}

/* Each model has what the one before has; no bit comes without the host's or beside the table. */
static void models_grow(void)
{
	static const u32 leaves[][2] = {{1, 0}, {7, 0}, {7, 1}, {0xd, 1}, {0x80000001, 0}};

	for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct leaf less = {0}, l;

		for (unsigned m = CPU_MODEL_V1; m <= CPU_MODEL_HOST; m++) {
			struct flat *f = flat_new(m);

			l = cpuid(f, leaves[i][0], leaves[i][1]);
			CU_ASSERT_EQUAL(less.c & ~l.c, 0);
			CU_ASSERT_EQUAL(less.d & ~l.d, 0);
			if (leaves[i][0] == 7)
				CU_ASSERT_EQUAL(less.b & ~l.b, 0);
			less = l;
			flat_free(f);
		}
	}
}

/* The levels as the System V psABI of x86-64, table 3.1, has them, written down apart from feat.def: its
 * names, CPUID's bits from SDM vol. 2A. OSFXSR and SCE have none of their own: CR4 and EFER. */
#define BY_BASE FEAT_BASE /* part of any x86-64 here: no row hangs on it */
static const struct {
	unsigned level;
	const char *name;
	enum cpu_feat feat;
	u32 leaf;
	char reg;
	u8 bit;
} psabi[] = {
	{1, "CMOV", BY_BASE, 1, 'd', 15},
	{1, "CX8", BY_BASE, 1, 'd', 8},
	{1, "FPU", BY_BASE, 1, 'd', 0},
	{1, "FXSR, OSFXSR", BY_BASE, 1, 'd', 24},
	{1, "MMX", BY_BASE, 1, 'd', 23},
	{1, "SCE", BY_BASE, 0x80000001, 'd', 11}, /* SYSCALL, in 64-bit mode */
	{1, "SSE", BY_BASE, 1, 'd', 25},
	{1, "SSE2", BY_BASE, 1, 'd', 26},
	{2, "CMPXCHG16B", FEAT_CX16, 1, 'c', 13},
	{2, "LAHF-SAHF", FEAT_LAHF, 0x80000001, 'c', 0},
	{2, "POPCNT", FEAT_POPCNT, 1, 'c', 23},
	{2, "SSE3", FEAT_SSE3, 1, 'c', 0},
	{2, "SSE4_1", FEAT_SSE4_1, 1, 'c', 19},
	{2, "SSE4_2", FEAT_SSE4_2, 1, 'c', 20},
	{2, "SSSE3", FEAT_SSSE3, 1, 'c', 9},
	{3, "AVX", FEAT_AVX, 1, 'c', 28},
	{3, "AVX2", FEAT_AVX2, 7, 'b', 5},
	{3, "BMI1", FEAT_BMI1, 7, 'b', 3},
	{3, "BMI2", FEAT_BMI2, 7, 'b', 8},
	{3, "F16C", FEAT_F16C, 1, 'c', 29},
	{3, "FMA", FEAT_FMA, 1, 'c', 12},
	{3, "LZCNT", FEAT_LZCNT, 0x80000001, 'c', 5},
	{3, "MOVBE", FEAT_MOVBE, 1, 'c', 22},
	{3, "OSXSAVE", FEAT_XSAVE, 1, 'c', 27},
	{4, "AVX512F", FEAT_AVX512F, 7, 'b', 16},
	{4, "AVX512BW", FEAT_AVX512BW, 7, 'b', 30},
	{4, "AVX512CD", FEAT_AVX512CD, 7, 'b', 28},
	{4, "AVX512DQ", FEAT_AVX512DQ, 7, 'b', 17},
	{4, "AVX512VL", FEAT_AVX512VL, 7, 'b', 31},
};

/* What the levels have here and not there. */
static const struct {
	enum cpu_feat feat;
	const char *reason;
} beyond_psabi[] = {
	{FEAT_BASE, "the baseline itself"},
	{FEAT_AMD, "the host's maker"},
	{FEAT_INTEL, "the host's maker"},
	{FEAT_CX16, "v1 too: all CPUs but the first have it, and no program needs it to be away"},
	{FEAT_LAHF, "v1 too: likewise"},
	{FEAT_UMIP, "what Linux does with SGDT and kin, not an instruction"},
	{FEAT_ZERO_FCS_FDS, "says what x87's pointers hold, not an instruction"},
	{FEAT_AES, "v3, if the host has it: ciphers of libraries are chosen by it"},
	{FEAT_PCLMUL, "likewise"},
	{FEAT_SHA, "likewise; Intel's CPUs of that level have it only since Ice Lake"},
	{FEAT_ADX, "likewise, for long numbers; AMD's have it since Zen"},
};

static const struct {
	enum cpu_feat feat;
	const char *level, *how;
} feat_rows[] = {
#define FEAT(name, level, how, ...) {FEAT_##name, #level, #how},
#include "cpu/feat.def"
#undef FEAT
};

/* Else --cpu v3, the default, would not be there on a host that the psABI calls one of that level. */
static void models_need_what_the_psabi_lists_and_no_more(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(feat_rows); i++) {
		bool listed = false;

		for (unsigned k = 0; k < ARRAY_SIZE(psabi); k++)
			listed |= psabi[k].feat == feat_rows[i].feat && psabi[k].feat != BY_BASE;
		if (strcmp(feat_rows[i].how, "HOST") || !strcmp(feat_rows[i].level, "HOST"))
			continue;
		CU_ASSERT(listed);
		if (!listed)
			fprintf(stderr, "feature %u\n", i);
	}
}

static void models_are_the_levels_of_the_psabi(void)
{
	for (unsigned m = CPU_MODEL_V1; m <= CPU_MODEL_V4; m++) {
		struct flat *f = flat_new(m);
		u64 must = 0, may = 0, have = cpu_model_features(m);

		for (unsigned i = 0; i < ARRAY_SIZE(psabi); i++) {
			struct leaf l = cpuid(f, psabi[i].leaf, 0);
			u32 reg = psabi[i].reg == 'b' ? l.b : psabi[i].reg == 'c' ? l.c : l.d;
			bool shown = reg >> psabi[i].bit & 1;

			if (psabi[i].level > m - CPU_MODEL_V1 + 1) {
				CU_ASSERT(!shown || psabi[i].feat == FEAT_CX16 ||
					  psabi[i].feat == FEAT_LAHF);
				continue;
			}
			must |= BIT(psabi[i].feat);
			CU_ASSERT(shown || !cpu_model_possible(m));
			if (!shown && cpu_model_possible(m))
				fprintf(stderr, "v%u lacks %s\n", m - CPU_MODEL_V1 + 1,
					psabi[i].name);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(beyond_psabi); i++)
			may |= BIT(beyond_psabi[i].feat);
		if (cpu_model_possible(m))
			CU_ASSERT_EQUAL(must & ~have, 0);
		CU_ASSERT_EQUAL(have & ~(must | may), 0);
		flat_free(f);
	}
}

/* One socket, one core, one thread; sizes that fit each other. */
static void leaves_are_consistent(void)
{
	for (unsigned m = CPU_MODEL_V1; m <= CPU_MODEL_HOST; m++) {
		struct flat *f = flat_new(m);
		struct leaf xsave = cpuid(f, 0xd, 0);
		bool avx = cpuid(f, 1, 0).c >> 28 & 1;

		CU_ASSERT_EQUAL(cpuid(f, 1, 0).b >> 16 & 0xff, 1);
		CU_ASSERT_EQUAL(cpuid(f, 0xb, 0).b, 1);
		CU_ASSERT_EQUAL(cpuid(f, 0xb, 0).c, 0x100);
		CU_ASSERT_EQUAL(cpuid(f, 0xb, 1).b, 1);
		CU_ASSERT_EQUAL(cpuid(f, 0xb, 1).c, 0x201);
		CU_ASSERT_EQUAL(cpuid(f, 0xb, 2).b, 0);
		CU_ASSERT_EQUAL(cpuid(f, 4, 0).a >> 14, 0);
		CU_ASSERT_EQUAL(cpuid(f, 0x8000001d, 0).a >> 14, 0);
		CU_ASSERT_EQUAL(cpuid(f, 0x8000001e, 0).b, 0);
		CU_ASSERT_EQUAL(cpuid(f, 0x80000008, 0).c & 0xff, 0);
		CU_ASSERT_EQUAL(xsave.a != 0, cpuid(f, 1, 0).c >> 27 & 1); /* osxsave */
		CU_ASSERT_EQUAL(xsave.a >> 2 & 1, avx);
		if (avx)
			CU_ASSERT(xsave.b >= cpuid(f, 0xd, 2).a + cpuid(f, 0xd, 2).b);
		CU_ASSERT_EQUAL(xsave.b, xsave.c);
		CU_ASSERT_EQUAL(cpuid(f, 0x40000000, 0).a, 0);
		flat_free(f);
	}
}

static u64 tsc_of_test(void *arg)
{
	return ++*(u64 *)arg;
}

/* What tests/diff cannot compare, since it differs by nature. */
static void the_machine_answers_for_itself(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);
	u64 tsc = 0x1122334455667788, first;
	u64 feats = cpu_features(&f->cpu);

	f->cpu.read_tsc = tsc_of_test;
	f->cpu.read_tsc_arg = &tsc;
	f->cpu.id = 5;
	RUN(f, 1, 0x0f, 0x31); /* rdtsc */
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], 0x55667789);
	CU_ASSERT_EQUAL(gpr(f)[R_RDX], 0x11223344);
	if (feats >> FEAT_RDTSCP & 1) {
		RUN(f, 1, 0x0f, 0x01, 0xf9);
		CU_ASSERT_EQUAL(gpr(f)[R_RCX], 5);
	}
	if (feats >> FEAT_RDPID & 1) {
		RUN(f, 1, 0xf3, 0x0f, 0xc7, 0xf8);
		CU_ASSERT_EQUAL(gpr(f)[R_RAX], 5);
	}
	if (feats >> FEAT_RDRAND & 1) {
		f->cpu.random = 7;
		RUN(f, 1, 0x48, 0x0f, 0xc7, 0xf0);
		first = gpr(f)[R_RAX];
		CU_ASSERT_EQUAL(f->cpu.regs.flags & F_OSZAPC, F_CF);
		RUN(f, 1, 0x48, 0x0f, 0xc7, 0xf0);
		CU_ASSERT_NOT_EQUAL(gpr(f)[R_RAX], first);
		f->cpu.random = 7;
		RUN(f, 1, 0x48, 0x0f, 0xc7, 0xf0);
		CU_ASSERT_EQUAL(gpr(f)[R_RAX], first);
	}
	if (feats >> FEAT_FSGSBASE & 1) {
		gpr(f)[R_RCX] = 0x7fff12345678;
		RUN(f, 2, 0xf3, 0x48, 0x0f, 0xae, 0xd1, 0xf3, 0x48, 0x0f, 0xae,
		    0xc2); /* wr, rd fs */
		CU_ASSERT_EQUAL(f->cpu.regs.fs_base, 0x7fff12345678);
		CU_ASSERT_EQUAL(gpr(f)[R_RDX], 0x7fff12345678);
		RUN(f, 2, 0xf3, 0x48, 0x0f, 0xae, 0xd9, 0xf3, 0x0f, 0xae, 0xca); /* wr, rd gs, 32 */
		CU_ASSERT_EQUAL(f->cpu.regs.gs_base, 0x7fff12345678);
		CU_ASSERT_EQUAL(gpr(f)[R_RDX], 0x12345678);
		gpr(f)[R_RCX] = 1UL << 60;
		RUN(f, 1, 0xf3, 0x48, 0x0f, 0xae, 0xd1);
		expect_fault(f, X86_GP, 0, CODE);
	}
	RUN(f, 1, 0xf1);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_DB);
	CU_ASSERT(f->cpu.exit.icebp);
	flat_free(f);
}

static u64 seed = 88172645463325252UL;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Appends random instructions that work on registers alone; returns how many. */
static unsigned random_block(struct flat *f, u8 *code, unsigned size)
{
	struct decoded d;
	unsigned n = 0, at = 0;
	u8 bytes[15];

	while (at + 15 < size) {
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = rnd() >> 24;
		if (rnd() & 1)
			bytes[0] = 0x40 | (bytes[0] & 15);
		if (decode(&f->code->decoder, cpu_features(&f->cpu), bytes, 15, &d) != DECODE_OK)
			continue;
		if ((insn_rows[d.row].attr & (NOFAULT | ENDS | THUNK)) != NOFAULT)
			continue;
		if (d.modrm_at && d.mod != 3 && !(insn_rows[d.row].attr & NOACCESS))
			continue;
		memcpy(code + at, bytes, d.len);
		at += d.len;
		n++;
	}
	code[at] = 0xcc;
	return n;
}

/* Blocks skip flags that nobody reads; step by step nothing is skipped. Both must end alike, from any
 * budget. */
static void blocks_and_single_steps_agree(void)
{
	struct flat *f = machine();
	struct cpu_regs start, stepped;
	u8 code[600];
	unsigned n, bad = 0;

	for (unsigned i = 0; i < 2000; i++) {
		n = random_block(f, code, sizeof(code));
		flat_write(f, CODE, code, sizeof(code));
		for (unsigned r = 0; r < NR_GPR; r++)
			gpr(f)[r] = rnd() >> (rnd() & 63);
		f->cpu.regs.flags = 0x202 | (rnd() & F_OSZAPC);
		f->cpu.regs.rip = CODE;
		start = f->cpu.regs;
		f->cpu.single_step = true;
		n = rnd() & 1 ? n + 1 : 1 + rnd() % n;
		cpu_run(&f->cpu, n);
		stepped = f->cpu.regs;
		f->cpu.regs = start;
		f->cpu.single_step = false;
		cpu_run(&f->cpu, n);
		bad += memcmp(&stepped, &f->cpu.regs, sizeof(stepped)) != 0;
	}
	CU_ASSERT_EQUAL(bad, 0);
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(blocks_and_single_steps_agree),
	UNIT_TEST(a_budget_is_exact),
	UNIT_TEST(rep_counts_each_iteration),
	UNIT_TEST(a_rep_fault_keeps_whole_iterations),
	UNIT_TEST(a_fault_changes_nothing),
	UNIT_TEST(flags_are_exact_at_a_fault),
	UNIT_TEST(a_crossing_store_checks_both_pages_first),
	UNIT_TEST(non_canonical_stack_is_ss),
	UNIT_TEST(a_fetch_fault_names_the_second_page),
	UNIT_TEST(bytes_behind_an_instruction_are_not_fetched),
	UNIT_TEST(code_that_rewrites_the_next_instruction),
	UNIT_TEST(code_that_was_linked_is_found_changed),
	UNIT_TEST(int_n_asks_for_a_call_or_faults),
	UNIT_TEST(syscall_keeps_rip_and_flags),
	UNIT_TEST(a_trap_flag_stops_after_one_instruction),
	UNIT_TEST(alignment_is_checked_when_asked),
	UNIT_TEST(an_interrupt_stops_a_loop),
	UNIT_TEST(what_is_missing_is_named),
	UNIT_TEST(cpuid_says_v1),
	UNIT_TEST(models_grow),
	UNIT_TEST(models_are_the_levels_of_the_psabi),
	UNIT_TEST(models_need_what_the_psabi_lists_and_no_more),
	UNIT_TEST(leaves_are_consistent),
	UNIT_TEST(the_machine_answers_for_itself),
	UNIT_END,
};
const struct unit_suite suite_interp = {"interp", tests};

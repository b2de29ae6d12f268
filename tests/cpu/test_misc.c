/* What the host CPU cannot confirm: instructions that it may lack and the engine does by itself, and
 * those whose results are the model's own. All others: tests/diff. */
#include "unit.h"

#include <string.h>

#include "cpu/block.h"
#include "cpu/model.h"
#include "flat.h"

#define CODE FLAT_BASE
#define DATA (FLAT_BASE + 0x8000)
#define DATA2 (DATA + PAGE_SIZE)

#define RUN(f, ...)                                                                                \
	({                                                                                         \
		static const u8 _code[] = {__VA_ARGS__};                                           \
		flat_write(f, CODE, _code, sizeof(_code));                                         \
		(f)->cpu.regs.rip = CODE;                                                          \
		cpu_run(&(f)->cpu, 1);                                                             \
	})

/* A machine of the host's model that also has @feats; none of them may need the host. */
static struct flat *machine(u64 feats)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	f->cpu.features |= feats;
	f->cpu.regs.gpr[R_RSP] = DATA + 0x800;
	f->cpu.regs.gpr[R_RBX] = DATA;
	return f;
}

static u64 *gpr(struct flat *f)
{
	return f->cpu.regs.gpr;
}

static void expect_fault(struct flat *f, u8 vector, u32 error_code)
{
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, vector);
	CU_ASSERT_EQUAL(f->cpu.exit.error_code, error_code);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE);
}

/* ---- XGETBV --------------------------------------------------------------------------------- */

static enum cpu_stop xgetbv(struct flat *f, u64 ecx)
{
	gpr(f)[R_RAX] = gpr(f)[R_RDX] = ~0UL;
	gpr(f)[R_RCX] = ecx;
	return RUN(f, 0x0f, 0x01, 0xd0);
}

static void xgetbv_0_is_xcr0(void)
{
	struct flat *f = machine(0);

	if (cpu_has(&f->cpu, FEAT_XSAVE)) {
		CU_ASSERT_EQUAL(xgetbv(f, 0xffffffff00000000UL), CPU_BUDGET); /* ecx counts */
		CU_ASSERT_EQUAL(gpr(f)[R_RAX], f->cpu.xcr0);
		CU_ASSERT_EQUAL(gpr(f)[R_RDX], 0);
	}
	flat_free(f);
}

/* ecx 1: what is in use of it. */
static void xgetbv_1_follows_the_state(void)
{
	struct flat *f = machine(0);

	if (cpu_has(&f->cpu, FEAT_XGETBV1) && cpu_has(&f->cpu, FEAT_AVX)) {
		CU_ASSERT_EQUAL(xgetbv(f, 1), CPU_BUDGET);
		CU_ASSERT_EQUAL(gpr(f)[R_RAX] & XS_BIT_AVX, 0);
		RUN(f, 0xc5, 0xfd, 0x76, 0xc0); /* vpcmpeqd ymm0, ymm0, ymm0 */
		CU_ASSERT_EQUAL(xgetbv(f, 1), CPU_BUDGET);
		CU_ASSERT_EQUAL(gpr(f)[R_RAX] & (XS_BIT_SSE | XS_BIT_AVX), XS_BIT_SSE | XS_BIT_AVX);
		CU_ASSERT_EQUAL(gpr(f)[R_RDX], 0);
	}
	f->cpu.features &= ~BIT(FEAT_XGETBV1);
	if (cpu_has(&f->cpu, FEAT_XSAVE)) {
		CU_ASSERT_EQUAL(xgetbv(f, 1), CPU_EXCEPTION);
		expect_fault(f, X86_GP, 0);
	}
	flat_free(f);
}

static void xgetbv_2_is_gp(void)
{
	struct flat *f = machine(0);

	if (cpu_has(&f->cpu, FEAT_XSAVE)) {
		CU_ASSERT_EQUAL(xgetbv(f, 2), CPU_EXCEPTION);
		expect_fault(f, X86_GP, 0);
		CU_ASSERT_EQUAL(gpr(f)[R_RAX], ~0UL);
	}
	flat_free(f);
}

/* XGETBV with ecx 1, XSAVEOPT and XSAVEC are offered where the host has them. */
static void leaf_13_tells_of_xgetbv1(void)
{
	struct flat *f = machine(0);
	u32 a, b, c, d;

	cpu_cpuid(&f->cpu, 0xd, 1, &a, &b, &c, &d);
	CU_ASSERT_EQUAL(a >> 2 & 1, cpu_has(&f->cpu, FEAT_XGETBV1));
	flat_free(f);
}

/* ---- MOVDIRI, MOVDIR64B, SERIALIZE ---------------------------------------------------------- */

static void movdiri_stores_as_mov_does(void)
{
	struct flat *f = machine(BIT(FEAT_MOVDIRI));
	u8 *data = flat_ptr(f, DATA);

	gpr(f)[R_RAX] = 0x1122334455667788;
	memset(data, 0xaa, 16);
	CU_ASSERT_EQUAL(RUN(f, 0x0f, 0x38, 0xf9, 0x03), CPU_BUDGET); /* movdiri [rbx], eax */
	CU_ASSERT_EQUAL(memcmp(data, "\x88\x77\x66\x55\xaa", 5), 0);
	CU_ASSERT_EQUAL(RUN(f, 0x48, 0x0f, 0x38, 0xf9, 0x03), CPU_BUDGET);
	CU_ASSERT_EQUAL(memcmp(data, "\x88\x77\x66\x55\x44\x33\x22\x11\xaa", 9), 0);
	flat_free(f);
}

/* movdir64b rax, [rbx] */
#define MOVDIR64B(f) RUN(f, 0x66, 0x0f, 0x38, 0xf8, 0x03)

static void movdir64b_copies_a_line(void)
{
	struct flat *f = machine(BIT(FEAT_MOVDIR64B));
	u8 *data = flat_ptr(f, DATA);

	for (unsigned i = 0; i < 256; i++)
		data[i] = (u8)i;
	gpr(f)[R_RBX] = DATA + 3; /* the source need not be aligned */
	gpr(f)[R_RAX] = DATA + 128;
	CU_ASSERT_EQUAL(MOVDIR64B(f), CPU_BUDGET);
	CU_ASSERT_EQUAL(memcmp(data + 128, data + 3, 64), 0);
	CU_ASSERT_EQUAL(data[127], 127);
	CU_ASSERT_EQUAL(data[192], 192);
	flat_free(f);
}

static void movdir64b_wants_an_aligned_line(void)
{
	struct flat *f = machine(BIT(FEAT_MOVDIR64B));
	u8 *data = flat_ptr(f, DATA);

	memset(data, 1, 64);
	gpr(f)[R_RAX] = DATA + 160;
	CU_ASSERT_EQUAL(MOVDIR64B(f), CPU_EXCEPTION);
	expect_fault(f, X86_GP, 0);
	CU_ASSERT_EQUAL(data[160], 0);
	flat_free(f);
}

static void movdir64b_faults_for_its_source_first(void)
{
	struct flat *f = machine(BIT(FEAT_MOVDIR64B));

	flat_protect(f, DATA2, FLAT_NONE);
	gpr(f)[R_RBX] = DATA2 - 8;
	gpr(f)[R_RAX] = DATA2;
	CU_ASSERT_EQUAL(MOVDIR64B(f), CPU_EXCEPTION);
	expect_fault(f, X86_PF, 4);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	gpr(f)[R_RBX] = DATA;
	CU_ASSERT_EQUAL(MOVDIR64B(f), CPU_EXCEPTION);
	expect_fault(f, X86_PF, 6);
	flat_free(f);
}

static void serialize_does_nothing(void)
{
	struct flat *f = machine(BIT(FEAT_SERIALIZE));

	CU_ASSERT_EQUAL(RUN(f, 0x0f, 0x01, 0xe8), CPU_BUDGET);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, CODE + 3);
	flat_free(f);
}

/* ---- Numbers -------------------------------------------------------------------------------- */

/* The machine's seed decides, so runs repeat; no number is the same as the one before. */
static void rdrand_repeats_with_the_seed(void)
{
	struct flat *f = machine(BIT(FEAT_RDRAND));
	u64 first, second;

	f->cpu.random = 12345;
	CU_ASSERT_EQUAL(RUN(f, 0x48, 0x0f, 0xc7, 0xf0), CPU_BUDGET); /* rdrand rax */
	first = gpr(f)[R_RAX];
	RUN(f, 0x48, 0x0f, 0xc7, 0xf0);
	second = gpr(f)[R_RAX];
	CU_ASSERT_NOT_EQUAL(first, second);
	f->cpu.random = 12345;
	RUN(f, 0x48, 0x0f, 0xc7, 0xf0);
	CU_ASSERT_EQUAL(gpr(f)[R_RAX], first);
	CU_ASSERT_EQUAL(f->cpu.regs.flags & F_OSZAPC, F_CF);
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(xgetbv_0_is_xcr0),
	UNIT_TEST(xgetbv_1_follows_the_state),
	UNIT_TEST(xgetbv_2_is_gp),
	UNIT_TEST(leaf_13_tells_of_xgetbv1),
	UNIT_TEST(movdiri_stores_as_mov_does),
	UNIT_TEST(movdir64b_copies_a_line),
	UNIT_TEST(movdir64b_wants_an_aligned_line),
	UNIT_TEST(movdir64b_faults_for_its_source_first),
	UNIT_TEST(serialize_does_nothing),
	UNIT_TEST(rdrand_repeats_with_the_seed),
	UNIT_END,
};
const struct unit_suite suite_misc = {"misc", tests};

/* src/cpu/thunk.c and the handlers around it: what tests/diff/vec cannot see, because it goes
 * wrong, crosses pages or needs a particular machine. */
#include "unit.h"

#include <string.h>

#include "base/err.h"
#include "cpu/fpu.h"
#include "cpu/thunk.h"
#include "flat.h"

#define CODE FLAT_BASE
#define DATA (FLAT_BASE + 0x8000)
#define DATA2 (DATA + PAGE_SIZE)

#define RUN(f, n, ...)                                                                             \
	({                                                                                         \
		static const u8 _code[] = {__VA_ARGS__};                                           \
		run(f, _code, sizeof(_code), n);                                                   \
	})

static enum cpu_stop run(struct flat *f, const u8 *code, size_t len, s64 budget)
{
	flat_write(f, CODE, code, len);
	f->cpu.regs.rip = CODE;
	return cpu_run(&f->cpu, budget);
}

static struct flat *machine(void)
{
	struct flat *f = flat_new(CPU_MODEL_V1);

	for (unsigned i = 0; i < 256; i++)
		f->fpu.area[FX_XMM0 + i] = (u8)(i + 1);
	f->cpu.regs.gpr[R_RBX] = DATA;
	return f;
}

static void expect_fault(struct flat *f, u8 vector, u64 rip)
{
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, vector);
	CU_ASSERT_EQUAL(f->cpu.regs.rip, rip);
}

static void one_thunk_for_one_encoding(void)
{
	static const u8 addps[] = {0x0f, 0x58, 0xc1}, mulps[] = {0x0f, 0x59, 0xc1};
	struct thunk_pool *p = thunk_pool_new();
	const void *a, *b;

	CU_ASSERT_FATAL(!IS_ERR(p));
	a = thunk_make(p, addps, sizeof(addps), THUNK_PLAIN);
	b = thunk_make(p, mulps, sizeof(mulps), THUNK_PLAIN);
	CU_ASSERT(a && b && a != b);
	CU_ASSERT_PTR_EQUAL(thunk_make(p, addps, sizeof(addps), THUNK_PLAIN), a);
	CU_ASSERT_PTR_NOT_EQUAL(thunk_make(p, addps, sizeof(addps), THUNK_FLAGS_OUT), a);
	CU_ASSERT_EQUAL(p->nr, NR_FIXED_THUNKS + 3);
	thunk_pool_free(p);
}

static void a_full_pool_says_so_and_works_after_reset(void)
{
	struct thunk_pool *p = thunk_pool_new();
	u8 mov[] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov eax, n */
	const void *thunk;
	u64 rax = 0;
	u32 n = 0;

	CU_ASSERT_FATAL(!IS_ERR(p));
	for (;; n++) {
		memcpy(mov + 1, &n, sizeof(n));
		if (!thunk_make(p, mov, 5, THUNK_PLAIN))
			break;
	}
	CU_ASSERT_EQUAL(n, THUNK_MAX - NR_FIXED_THUNKS);
	thunk_pool_reset(p);
	thunk = thunk_make(p, mov, 5, THUNK_PLAIN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(thunk);
	CU_ASSERT_EQUAL(thunk_call_rax(thunk, NULL, &rax), 0);
	CU_ASSERT_EQUAL(rax, n);
	thunk_pool_free(p);
}

static void misaligned_movaps_is_gp(void)
{
	struct flat *f = machine();

	f->cpu.regs.gpr[R_RBX] = DATA + 8;
	RUN(f, 1, 0x0f, 0x29, 0x03); /* movaps [rbx], xmm0 */
	expect_fault(f, X86_GP, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.error_code, 0);
	CU_ASSERT_EQUAL(*(u8 *)flat_ptr(f, DATA + 8), 0);
	CU_ASSERT_EQUAL(RUN(f, 1, 0x0f, 0x11, 0x03), CPU_BUDGET); /* movups [rbx], xmm0 */
	CU_ASSERT_EQUAL(*(u8 *)flat_ptr(f, DATA + 8), 1);
	flat_free(f);
}

static void non_canonical_operand_is_gp_or_ss(void)
{
	struct flat *f = machine();

	f->cpu.regs.gpr[R_RBX] = f->cpu.regs.gpr[R_RBP] = 1UL << 47;
	RUN(f, 1, 0x0f, 0x10, 0x03); /* movups xmm0, [rbx] */
	expect_fault(f, X86_GP, CODE);
	RUN(f, 1, 0x0f, 0x10, 0x45, 0x00); /* movups xmm0, [rbp] */
	expect_fault(f, X86_SS, CODE);
	flat_free(f);
}

static void a_store_across_pages_goes_to_both(void)
{
	struct flat *f = machine();

	f->cpu.regs.gpr[R_RBX] = DATA2 - 5;
	CU_ASSERT_EQUAL(RUN(f, 1, 0x0f, 0x11, 0x03), CPU_BUDGET);
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(*(u8 *)flat_ptr(f, DATA2 - 5 + i), i + 1);
	CU_ASSERT_EQUAL(RUN(f, 1, 0x0f, 0x10, 0x0b), CPU_BUDGET); /* movups xmm1, [rbx] */
	CU_ASSERT_EQUAL(memcmp(f->fpu.area + FX_XMM0, f->fpu.area + FX_XMM0 + 16, 16), 0);
	flat_free(f);
}

static void a_fault_on_the_second_page_changes_nothing(void)
{
	struct flat *f = machine();

	f->cpu.regs.gpr[R_RBX] = DATA2 - 5;
	flat_protect(f, DATA2, FLAT_R);
	RUN(f, 1, 0x0f, 0x11, 0x03);
	expect_fault(f, X86_PF, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	CU_ASSERT_EQUAL(f->cpu.exit.error_code, PF_USER | PF_WRITE | PF_PROT);
	CU_ASSERT_EQUAL(*(u8 *)flat_ptr(f, DATA2 - 5), 0);

	flat_protect(f, DATA2, FLAT_NONE);
	RUN(f, 1, 0xdb, 0x2b); /* fld m80 [rbx] */
	expect_fault(f, X86_PF, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	CU_ASSERT_EQUAL(f->cpu.exit.error_code, PF_USER);
	CU_ASSERT_EQUAL(f->fpu.area[FX_FTW], 0);
	flat_free(f);
}

static void fxsave_across_pages(void)
{
	struct flat *f = machine();

	f->cpu.regs.gpr[R_RBX] = DATA2 - 64;
	f->cpu.regs.fip = 0x123456789a;
	f->cpu.regs.fop = 0x5dd;
	CU_ASSERT_EQUAL(RUN(f, 1, 0x48, 0x0f, 0xae, 0x03), CPU_BUDGET); /* fxsave64 [rbx] */
	CU_ASSERT_EQUAL(memcmp(flat_ptr(f, DATA2 - 64 + FX_XMM0), f->fpu.area + FX_XMM0, 256), 0);
	CU_ASSERT_EQUAL(*(u64 *)flat_ptr(f, DATA2 - 64 + FX_FIP), 0x123456789a);
	CU_ASSERT_EQUAL(*(u16 *)flat_ptr(f, DATA2 - 64 + FX_FOP), 0x5dd);
	CU_ASSERT_EQUAL(*(u32 *)flat_ptr(f, DATA2 - 64 + FX_MXCSR_MASK), MXCSR_MASK);

	f->cpu.regs.fip = f->cpu.regs.fop = 0;
	memset(f->fpu.area + FX_XMM0, 0, 256);
	CU_ASSERT_EQUAL(RUN(f, 1, 0x48, 0x0f, 0xae, 0x0b), CPU_BUDGET); /* fxrstor64 [rbx] */
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0 + 255], 0);
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0 + 254], 255);
	CU_ASSERT_EQUAL(f->cpu.regs.fip, 0x123456789a);
	CU_ASSERT_EQUAL(f->cpu.regs.fop, 0x5dd);
	f->cpu.regs.gpr[R_RBX] = DATA + 8;
	RUN(f, 1, 0x0f, 0xae, 0x03);
	expect_fault(f, X86_GP, CODE);
	flat_free(f);
}

static void reserved_mxcsr_bits_are_gp(void)
{
	struct flat *f = machine();

	*(u32 *)flat_ptr(f, DATA) = MXCSR_DEFAULT | 0x20000; /* AMD's, not in any model */
	RUN(f, 1, 0x0f, 0xae, 0x13);			     /* ldmxcsr [rbx] */
	expect_fault(f, X86_GP, CODE);
	*(u32 *)flat_ptr(f, DATA) = 0x3f80;
	CU_ASSERT_EQUAL(RUN(f, 1, 0x0f, 0xae, 0x13), CPU_BUDGET);
	CU_ASSERT_EQUAL(*(u32 *)(f->fpu.area + FX_MXCSR), 0x3f80);

	memcpy(flat_ptr(f, DATA), f->fpu.area, FX_SIZE);
	*(u32 *)flat_ptr(f, DATA + FX_MXCSR) = 0x20000;
	RUN(f, 1, 0x0f, 0xae, 0x0b); /* fxrstor [rbx] */
	expect_fault(f, X86_GP, CODE);
	flat_free(f);
}

/* As a Zen 4 does it; SDM vol. 2B, MASKMOVDQU, leaves it open. */
static void masked_stores_write_selected_bytes_but_fault_for_all(void)
{
	static const u8 mask[16] = {0, 0x80, 0, 0xff};
	struct flat *f = machine();

	memcpy(f->fpu.area + FX_XMM0 + 16, mask, 16);
	flat_protect(f, DATA2, FLAT_NONE);
	f->cpu.regs.gpr[R_RDI] = DATA2 - 16;
	memset(flat_ptr(f, DATA2 - 16), 0xaa, 16);
	CU_ASSERT_EQUAL(RUN(f, 1, 0x66, 0x0f, 0xf7, 0xc1), CPU_BUDGET); /* maskmovdqu xmm0, xmm1 */
	CU_ASSERT_EQUAL(memcmp(flat_ptr(f, DATA2 - 16), "\xaa\x02\xaa\x04\xaa", 5), 0);
	f->cpu.regs.gpr[R_RDI]++;
	RUN(f, 1, 0x66, 0x0f, 0xf7, 0xc1);
	expect_fault(f, X86_PF, CODE);
	CU_ASSERT_EQUAL(f->cpu.exit.cr2, DATA2);
	CU_ASSERT_EQUAL(memcmp(flat_ptr(f, DATA2 - 16), "\xaa\x02\xaa\x04\xaa", 5), 0);
	memset(f->fpu.area + FX_XMM0 + 16, 0, 16);
	f->cpu.regs.gpr[R_RDI] = DATA2;
	RUN(f, 1, 0x66, 0x0f, 0xf7, 0xc1);
	expect_fault(f, X86_PF, CODE);
	flat_free(f);
}

static void unmasked_sse_exception_is_xm(void)
{
	static const double one = 1;
	struct flat *f = machine();
	u8 xmm[256];

	memset(f->fpu.area + FX_XMM0 + 16, 0, 16);
	memcpy(f->fpu.area + FX_XMM0, &one, sizeof(one));
	*(u32 *)(f->fpu.area + FX_MXCSR) = MXCSR_DEFAULT & ~0x200U; /* ZM */
	memcpy(xmm, f->fpu.area + FX_XMM0, sizeof(xmm));
	RUN(f, 3, 0x66, 0x0f, 0xef, 0xd2, 0xf2, 0x0f, 0x5e, 0xc1); /* pxor xmm2; divsd xmm0, xmm1 */
	expect_fault(f, X86_XM, CODE + 4);
	CU_ASSERT_EQUAL(memcmp(f->fpu.area + FX_XMM0, xmm, 32), 0);
	CU_ASSERT_EQUAL(*(u32 *)(f->fpu.area + FX_MXCSR), (MXCSR_DEFAULT & ~0x200U) | 4); /* ZE */
	CU_ASSERT_EQUAL(f->cpu.retired, 1);
	flat_free(f);
}

static void unmasked_x87_exception_is_mf_at_the_next_waiting_one(void)
{
	struct flat *f = machine();

	*(u16 *)(f->fpu.area + FX_FCW) = X87_CW_DEFAULT & ~4; /* ZM */
	/* fld1; fldz; fdivp; fnstcw [rbx]; fld1 */
	RUN(f, 5, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0x3b, 0xd9, 0xe8);
	expect_fault(f, X86_MF, CODE + 8);
	CU_ASSERT_EQUAL(f->cpu.regs.fip, CODE + 4);
	CU_ASSERT_EQUAL(f->cpu.regs.fop, 0x6f9);
	CU_ASSERT_EQUAL(*(u16 *)(f->fpu.area + FX_FSW) & 0xff, X87_SW_ES | 4);
	CU_ASSERT_EQUAL(*(u16 *)flat_ptr(f, DATA), X87_CW_DEFAULT & ~4);
	/* Still pending after leaving and entering; before a fault of the operand. */
	f->cpu.regs.gpr[R_RBX] = 0x1000;
	RUN(f, 1, 0xdd, 0x03); /* fld m64 [rbx] */
	expect_fault(f, X86_MF, CODE);
	RUN(f, 1, 0x9b);
	expect_fault(f, X86_MF, CODE);
	CU_ASSERT_EQUAL(RUN(f, 3, 0xdb, 0xe2, 0x9b, 0xd9, 0xe8), CPU_BUDGET); /* fnclex; fwait */
	flat_free(f);
}

static void instructions_the_model_lacks_are_ud(void)
{
	struct flat *f = machine();

	RUN(f, 1, 0xf2, 0x0f, 0xf0, 0x03); /* lddqu xmm0, [rbx]: SSE3 */
	expect_fault(f, X86_UD, CODE);
	RUN(f, 1, 0xdb, 0x0b); /* fisttp m32 [rbx] */
	expect_fault(f, X86_UD, CODE);
	RUN(f, 1, 0x66, 0x0f, 0x12, 0xc1); /* movlpd has no register form */
	expect_fault(f, X86_UD, CODE);
	RUN(f, 1, 0xf3, 0x0f, 0xfc, 0xc1); /* no such prefix */
	expect_fault(f, X86_UD, CODE);
	flat_free(f);
}

static void comparisons_set_flags_and_fcmov_reads_them(void)
{
	static const double two = 2;
	struct flat *f = machine();

	memset(f->fpu.area + FX_XMM0, 0, 32);
	memcpy(f->fpu.area + FX_XMM0 + 16, &two, sizeof(two));
	f->cpu.regs.flags = 0x202 | F_OSZAPC;
	CU_ASSERT_EQUAL(RUN(f, 1, 0x66, 0x0f, 0x2e, 0xc1), CPU_BUDGET); /* ucomisd xmm0, xmm1 */
	CU_ASSERT_EQUAL(f->cpu.regs.flags, 0x202 | F_CF);
	/* fldz; fld1; fcmovb st, st(1): CF is set, so 0 */
	CU_ASSERT_EQUAL(RUN(f, 3, 0xd9, 0xee, 0xd9, 0xe8, 0xda, 0xc1), CPU_BUDGET);
	CU_ASSERT_EQUAL(f->fpu.area[FX_ST0 + 9], 0);
	f->cpu.regs.flags = 0x202;
	/* fld1; fcmovb st, st(1): 1 */
	CU_ASSERT_EQUAL(RUN(f, 2, 0xd9, 0xe8, 0xda, 0xc1), CPU_BUDGET);
	CU_ASSERT_EQUAL(f->fpu.area[FX_ST0 + 9], 0x3f);
	CU_ASSERT_EQUAL(f->cpu.regs.flags, 0x202);
	flat_free(f);
}

static void a_store_into_the_running_block_takes_effect(void)
{
	static const u8 nops[16] = {0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8,
				    0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8};
	struct flat *f = machine();

	/* movaps [rbx], xmm0 overwrites the fninit behind it with fld1s. */
	memcpy(f->fpu.area + FX_XMM0, nops, 16);
	f->cpu.regs.gpr[R_RBX] = CODE + 16;
	CU_ASSERT_EQUAL(RUN(f, 7, 0x0f, 0x28, 0xc0, 0x0f, 0x28, 0xc0, 0x0f, 0x28, 0xc0, 0x0f, 0x28,
			    0xc0, 0x0f, 0x29, 0x03, 0x9b, 0xdb, 0xe3),
			CPU_BUDGET);
	CU_ASSERT_EQUAL(f->fpu.area[FX_FTW], 0x80);
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(one_thunk_for_one_encoding),
	UNIT_TEST(a_full_pool_says_so_and_works_after_reset),
	UNIT_TEST(misaligned_movaps_is_gp),
	UNIT_TEST(non_canonical_operand_is_gp_or_ss),
	UNIT_TEST(a_store_across_pages_goes_to_both),
	UNIT_TEST(a_fault_on_the_second_page_changes_nothing),
	UNIT_TEST(fxsave_across_pages),
	UNIT_TEST(reserved_mxcsr_bits_are_gp),
	UNIT_TEST(masked_stores_write_selected_bytes_but_fault_for_all),
	UNIT_TEST(unmasked_sse_exception_is_xm),
	UNIT_TEST(unmasked_x87_exception_is_mf_at_the_next_waiting_one),
	UNIT_TEST(instructions_the_model_lacks_are_ud),
	UNIT_TEST(comparisons_set_flags_and_fcmov_reads_them),
	UNIT_TEST(a_store_into_the_running_block_takes_effect),
	UNIT_END,
};
const struct unit_suite suite_thunk = {"thunk", tests};

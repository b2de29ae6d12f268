/* src/cpu/fpu.c: what comes in and out of cpu_run(). */
#include "unit.h"

#include <string.h>

#include "cpu/fpu.h"
#include "flat.h"

#define CODE FLAT_BASE

static void run(struct flat *f, const char *code, size_t len, s64 budget)
{
	flat_write(f, CODE, code, len);
	f->cpu.regs.rip = CODE;
	cpu_run(&f->cpu, budget);
}

static u16 host_cw(void)
{
	u16 cw;

	asm volatile("fnstcw %0" : "=m"(cw));
	return cw;
}

static u32 host_mxcsr(void)
{
	u32 mxcsr;

	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	return mxcsr;
}

/* Empty: loading eight values does not overflow. */
static bool host_stack_empty(void)
{
	u16 sw;

	asm volatile("fnclex\n\t"
		     "fldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\t"
		     "fnstsw %0\n\t"
		     "emms"
		     : "=a"(sw));
	return !(sw & 0x41);
}

static void a_fresh_state_is_that_of_exec(void)
{
	struct fpu_state s;
	u8 zero[FX_SIZE] = {0};

	fpu_state_init(&s);
	CU_ASSERT_EQUAL(*(u16 *)(s.area + FX_FCW), 0x37f);
	CU_ASSERT_EQUAL(*(u32 *)(s.area + FX_MXCSR), 0x1f80);
	CU_ASSERT_EQUAL(s.area[FX_FTW], 0);
	CU_ASSERT_EQUAL(memcmp(s.area + FX_ST0, zero, FX_SIZE - FX_ST0), 0);
}

static void the_host_gets_its_modes_back(void)
{
	struct flat *f = flat_new(CPU_MODEL_V1);
	u32 mxcsr = host_mxcsr() & ~0x3fU;
	u16 cw = host_cw();

	*(u32 *)(f->fpu.area + FX_MXCSR) = 0x7f80;
	*(u16 *)(f->fpu.area + FX_FCW) = 0xc7f;
	run(f, "\x0f\x28\xc1", 3, 1); /* movaps: the x87 half is not loaded */
	CU_ASSERT_EQUAL(host_mxcsr() & ~0x3fU, mxcsr);
	CU_ASSERT_EQUAL(host_cw(), cw);
	CU_ASSERT_EQUAL(*(u16 *)(f->fpu.area + FX_FCW), 0xc7f);
	run(f, "\xd9\xe8", 2, 1); /* fld1 */
	CU_ASSERT_EQUAL(host_mxcsr() & ~0x3fU, mxcsr);
	CU_ASSERT_EQUAL(host_cw(), cw);
	CU_ASSERT_EQUAL(*(u16 *)(f->fpu.area + FX_FCW), 0xc7f);
	CU_ASSERT_EQUAL(*(u32 *)(f->fpu.area + FX_MXCSR), 0x7f80);
	CU_ASSERT(host_stack_empty());
	flat_free(f);
}

static void a_pending_exception_stays_with_the_guest(void)
{
	struct flat *f = flat_new(CPU_MODEL_V1);

	*(u16 *)(f->fpu.area + FX_FCW) = 0x37b;	  /* ZM off */
	run(f, "\xd9\xe8\xd9\xee\xde\xf9", 6, 3); /* fld1; fldz; fdivp */
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	CU_ASSERT(*(u16 *)(f->fpu.area + FX_FSW) & X87_SW_ES);
	CU_ASSERT(host_stack_empty());
	run(f, "\xdf\xe0", 2, 1); /* fnstsw ax */
	CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX] & 0xff, X87_SW_ES | 4);
	flat_free(f);
}

static void xmm_survives_when_x87_is_loaded_late(void)
{
	struct flat *f = flat_new(CPU_MODEL_V1);

	memset(f->fpu.area + FX_XMM0, 0x5a, 16);
	/* paddb xmm0, xmm0; fld1; movaps xmm15, xmm0 */
	run(f, "\x66\x0f\xfc\xc0\xd9\xe8\x44\x0f\x28\xf8", 10, 3);
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0], 0xb4);
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0 + 255], 0xb4);
	CU_ASSERT_EQUAL(f->fpu.area[FX_FTW], 0x80);
	flat_free(f);
}

static void pointers_come_and_go_with_an_image(void)
{
	struct cpu_regs regs = {.fip = 0x7fff12345678, .fdp = 0x555512345678, .fop = 0x7ff};
	struct cpu_regs got = {.fip = 1};
	u8 image[FX_SIZE] = {0};

	fpu_image_put_pointers(image, &regs, true);
	fpu_image_get_pointers(image, &got, true);
	CU_ASSERT(got.fip == regs.fip && got.fdp == regs.fdp && got.fop == regs.fop);
	fpu_image_put_pointers(image, &regs, false);
	CU_ASSERT_EQUAL(*(u16 *)(image + FX_FCS), 0);
	fpu_image_get_pointers(image, &got, false);
	CU_ASSERT_EQUAL(got.fip, 0x12345678);
}

static void a_hostile_image_is_made_loadable(void)
{
	struct fpu_state s;

	memset(&s, 0xff, sizeof(s));
	fpu_state_sanitize(&s);
	CU_ASSERT_EQUAL(*(u32 *)(s.area + FX_MXCSR), MXCSR_MASK);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_fresh_state_is_that_of_exec),
	UNIT_TEST(the_host_gets_its_modes_back),
	UNIT_TEST(a_pending_exception_stays_with_the_guest),
	UNIT_TEST(xmm_survives_when_x87_is_loaded_late),
	UNIT_TEST(pointers_come_and_go_with_an_image),
	UNIT_TEST(a_hostile_image_is_made_loadable),
	UNIT_END,
};
const struct unit_suite suite_fpu = {"fpu", tests};

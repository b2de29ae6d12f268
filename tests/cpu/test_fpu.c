/* src/cpu/fpu.c: what comes in and out of cpu_run(). */
#include "unit.h"

#include <string.h>

#include "cpu/fpu.h"
#include "cpu/model.h"
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

/* A machine of the host's own model; NULL: the host has no AVX. */
static struct flat *avx_machine(void)
{
	struct flat *f = flat_new(CPU_MODEL_HOST);

	if (f->cpu.xcr0 & XS_BIT_AVX)
		return f;
	flat_free(f);
	return NULL;
}

#define DATA (FLAT_BASE + 0x8000)

static void upper_halves_live_across_runs(void)
{
	struct flat *f = avx_machine();

	if (!f)
		return;
	memset(flat_ptr(f, DATA), 0x11, 64);
	f->cpu.regs.gpr[R_RBX] = DATA;
	run(f, "\xc5\xfe\x6f\x03", 4, 1); /* vmovdqu ymm0, [rbx] */
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 15], 0x11);
	CU_ASSERT(f->fpu.area[XS_BV] & XS_BIT_AVX);
	run(f, "\x66\x0f\xfc\xc0", 4, 1); /* paddb xmm0, xmm0: the upper half stays */
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0], 0x22);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 15], 0x11);
	run(f, "\xc5\xfd\x6f\xc8", 4, 1); /* vmovdqa ymm1, ymm0 */
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 31], 0x11);
	run(f, "\xc5\xf8\x77", 3, 1); /* vzeroupper */
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 15], 0);
	CU_ASSERT_EQUAL(f->fpu.area[FX_XMM0 + 16], 0x22);
	flat_free(f);
}

static void xsave_and_xrstor_in_the_guest(void)
{
	struct flat *f = avx_machine();
	u8 *image;

	if (!f)
		return;
	image = flat_ptr(f, DATA + 0xfc0); /* crosses a page */
	f->cpu.regs.gpr[R_RBX] = DATA + 0xfc0;
	f->cpu.regs.gpr[R_RAX] = 7;
	memset(f->fpu.area + XS_YMM_HI, 0x33, 256);
	f->fpu.area[XS_BV] |= XS_BIT_AVX;
	run(f, "\x48\x0f\xae\x23", 4, 1); /* xsave64 [rbx] */
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	CU_ASSERT_EQUAL(image[XS_BV], XS_BIT_AVX);
	CU_ASSERT_EQUAL(image[XS_YMM_HI + 255], 0x33);
	memset(f->fpu.area + XS_YMM_HI, 0, 256);
	run(f, "\x48\x0f\xae\x2b", 4, 1); /* xrstor64 [rbx] */
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 255], 0x33);
	memset(image, 0, XS_SIZE);
	run(f, "\x48\x0f\xc7\x23", 4, 1); /* xsavec64 [rbx] */
	CU_ASSERT_EQUAL(*(u64 *)(image + XS_XCOMP_BV), BIT(63) | 7);
	CU_ASSERT_EQUAL(image[XS_YMM_HI], 0x33);
	run(f, "\x48\x0f\xae\x2b", 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	image[XS_HEADER_END - 1] = 1; /* reserved */
	run(f, "\x48\x0f\xae\x2b", 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_GP);
	f->cpu.regs.gpr[R_RBX] += 16; /* misaligned */
	run(f, "\x48\x0f\xae\x23", 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_GP);
	flat_free(f);
}

#define XSAVE64 "\x48\x0f\xae\x23"  /* [rbx] */
#define XRSTOR64 "\x48\x0f\xae\x2b" /* [rbx] */
#define XSAVEC64 "\x48\x0f\xc7\x23" /* [rbx] */

/* XSAVEC and the format that it writes come together. */
static void compacted_images_are_for_models_with_xsavec(void)
{
	struct flat *f;
	u8 *image;

	if (!cpu_model_possible(CPU_MODEL_V3))
		return;
	f = flat_new(CPU_MODEL_V3);
	image = flat_ptr(f, DATA);
	f->cpu.regs.gpr[R_RBX] = DATA;
	f->cpu.regs.gpr[R_RAX] = 7;
	*(u32 *)(image + FX_MXCSR) = MXCSR_DEFAULT;
	*(u64 *)(image + XS_BV) = XS_BIT_AVX;
	memset(image + XS_HEADER_END, 0x5a, 256);
	run(f, XRSTOR64, 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI], 0x5a);
	*(u64 *)(image + XS_XCOMP_BV) = BIT(63) | 7;
	memset(image + XS_HEADER_END, 0x77, 256);
	run(f, XRSTOR64, 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_EXCEPTION);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_GP);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI], 0x5a);
	run(f, XSAVEC64, 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.vector, X86_UD);
	flat_free(f);
}

/* XSTATE_BV after the instruction at @code stored nothing but MXCSR that is not as at exec. */
static u64 components_of(struct flat *f, const char *code)
{
	u8 *image = flat_ptr(f, DATA);

	memset(image, 0, XS_SIZE);
	run(f, code, 4, 1);
	CU_ASSERT_EQUAL(f->cpu.exit.why, CPU_BUDGET);
	return *(u64 *)(image + XS_BV);
}

static void mxcsr_alone_is_no_sse_state_but_for_xsavec(void)
{
	struct flat *f = avx_machine();

	if (!f)
		return;
	f->cpu.regs.gpr[R_RBX] = DATA;
	f->cpu.regs.gpr[R_RAX] = 7;
	*(u32 *)(f->fpu.area + FX_MXCSR) = MXCSR_DEFAULT | 0x20;
	CU_ASSERT_EQUAL(components_of(f, XSAVE64), 0);
	CU_ASSERT_EQUAL(*(u32 *)((u8 *)flat_ptr(f, DATA) + FX_MXCSR), MXCSR_DEFAULT | 0x20);
	if (cpu_has(&f->cpu, FEAT_XSAVEOPT))
		CU_ASSERT_EQUAL(components_of(f, "\x48\x0f\xae\x33"), 0);
	if (cpu_has(&f->cpu, FEAT_XSAVEC))
		CU_ASSERT_EQUAL(components_of(f, XSAVEC64), XS_BIT_SSE);
	if (cpu_has(&f->cpu, FEAT_XGETBV1)) {
		f->cpu.regs.gpr[R_RCX] = 1;
		run(f, "\x0f\x01\xd0", 3, 1);
		CU_ASSERT_EQUAL(f->cpu.regs.gpr[R_RAX], XS_BIT_SSE);
	}
	flat_free(f);
}

/* Where an image that lies before a page that is not there is read to. */
static void xrstor_reads_as_far_as_it_must(void)
{
	static const struct {
		u64 bv, comp, rfbm;
		u32 fault; /* offset in the image; 0: none */
	} images[] = {
		{3, 0, 3, 0},		{7, 0, 7, 831},		  {3, 0, 7, 831},
		{7, 0, 3, 0},		{7, BIT(63) | 7, 7, 831}, {7, BIT(63) | 7, 3, 0},
		{3, BIT(63) | 7, 7, 0}, {0, BIT(63) | 7, 7, 0},
	};
	struct flat *f = avx_machine();
	u64 at = DATA + PAGE_SIZE - XS_HEADER_END;
	u8 *image;

	if (!f)
		return;
	flat_protect(f, DATA + PAGE_SIZE, FLAT_NONE);
	image = flat_ptr(f, at);
	*(u32 *)(image + FX_MXCSR) = MXCSR_DEFAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(images); i++) {
		if (images[i].comp && !cpu_has(&f->cpu, FEAT_XSAVEC))
			continue;
		f->cpu.regs.gpr[R_RBX] = at;
		f->cpu.regs.gpr[R_RAX] = images[i].rfbm;
		f->cpu.regs.gpr[R_RDX] = 0;
		memcpy(image + XS_BV, &images[i].bv, 8);
		memcpy(image + XS_XCOMP_BV, &images[i].comp, 8);
		run(f, XRSTOR64, 4, 1);
		CU_ASSERT_EQUAL(f->cpu.exit.why, images[i].fault ? CPU_EXCEPTION : CPU_BUDGET);
		if (images[i].fault)
			CU_ASSERT_EQUAL(f->cpu.exit.cr2, at + images[i].fault);
	}
	flat_free(f);
}

static void signal_frames_carry_all_of_it(void)
{
	struct flat *f = avx_machine();
	static u8 frame[FPU_FRAME_MAX];
	u32 size;

	if (!f)
		return;
	size = fpu_frame_size(&f->cpu);
	memset(f->fpu.area + XS_YMM_HI, 0x44, 256);
	f->cpu.regs.fip = 0x1234;
	fpu_frame_write(&f->cpu, frame);
	CU_ASSERT_EQUAL(*(u32 *)(frame + 464), 0x46505853);
	CU_ASSERT_EQUAL(*(u32 *)(frame + 468), size);
	CU_ASSERT_EQUAL(*(u64 *)(frame + 472), f->cpu.xcr0);
	CU_ASSERT_EQUAL(*(u32 *)(frame + 480), size - 4);
	CU_ASSERT_EQUAL(*(u32 *)(frame + size - 4), 0x46505845);
	CU_ASSERT_EQUAL(frame[XS_BV], 7);
	fpu_state_init(&f->fpu);
	f->cpu.regs.fip = 0;
	CU_ASSERT_EQUAL(fpu_frame_len(&f->cpu, frame), size);
	CU_ASSERT_EQUAL(fpu_frame_restore(&f->cpu, frame, size, 64), 0);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 255], 0x44);
	CU_ASSERT_EQUAL(f->cpu.regs.fip, 0x1234);
	/* Without the magic only what FXSAVE knows comes back. */
	memset(frame + 464, 0, 4);
	CU_ASSERT_EQUAL(fpu_frame_len(&f->cpu, frame), FX_SIZE);
	CU_ASSERT_EQUAL(fpu_frame_restore(&f->cpu, frame, FX_SIZE, 64), 0);
	CU_ASSERT_EQUAL(f->fpu.area[XS_YMM_HI + 255], 0);
	/* A header that XRSTOR would not take. */
	fpu_frame_write(&f->cpu, frame);
	frame[XS_XCOMP_BV] = 1;
	CU_ASSERT(fpu_frame_restore(&f->cpu, frame, size, 64) < 0);
	flat_free(f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(a_fresh_state_is_that_of_exec),
	UNIT_TEST(the_host_gets_its_modes_back),
	UNIT_TEST(a_pending_exception_stays_with_the_guest),
	UNIT_TEST(xmm_survives_when_x87_is_loaded_late),
	UNIT_TEST(pointers_come_and_go_with_an_image),
	UNIT_TEST(upper_halves_live_across_runs),
	UNIT_TEST(xsave_and_xrstor_in_the_guest),
	UNIT_TEST(compacted_images_are_for_models_with_xsavec),
	UNIT_TEST(mxcsr_alone_is_no_sse_state_but_for_xsavec),
	UNIT_TEST(xrstor_reads_as_far_as_it_must),
	UNIT_TEST(signal_frames_carry_all_of_it),
	UNIT_END,
};
const struct unit_suite suite_fpu = {"fpu", tests};

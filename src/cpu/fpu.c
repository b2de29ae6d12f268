/*
 * The guest's x87 and SIMD state between memory and the host's unit. See the header.
 */
#include "cpu/fpu.h"

#include <string.h>

#include "cpu/cpu.h"

/* All sixteen at once, so that no compiler can put anything between. */
#define EACH_8(move) move(0) move(1) move(2) move(3) move(4) move(5) move(6) move(7)
#define EACH_XMM(move)                                                                             \
	EACH_8(move)                                                                               \
	move(8) move(9) move(10) move(11) move(12) move(13) move(14) move(15)
#define EACH_HIGH(move)                                                                            \
	move(16) move(17) move(18) move(19) move(20) move(21) move(22) move(23) move(24) move(25)  \
		move(26) move(27) move(28) move(29) move(30) move(31)
#define XMM_STORE(n) "movaps %%xmm" #n ", 160 + 16 * " #n "(%0)\n\t"
#define XMM_LOAD(n) "movaps 160 + 16 * " #n "(%0), %%xmm" #n "\n\t"

/* The upper halves of ymm, the upper halves of zmm0-15, zmm16-31, masks. VEX loads clear what is
 * above. */
#define YMM_STORE(n) "vextractf128 $1, %%ymm" #n ", 576 + 16 * " #n "(%0)\n\t"
#define YMM_LOAD(n) "vinsertf128 $1, 576 + 16 * " #n "(%0), %%ymm" #n ", %%ymm" #n "\n\t"
#define ZMM_STORE(n) "vextractf64x4 $1, %%zmm" #n ", 1152 + 32 * " #n "(%0)\n\t"
#define ZMM_LOAD(n) "vinsertf64x4 $1, 1152 + 32 * " #n "(%0), %%zmm" #n ", %%zmm" #n "\n\t"
#define HIGH_STORE(n) "vmovaps %%zmm" #n ", 1664 - 1024 + 64 * " #n "(%0)\n\t"
#define HIGH_LOAD(n) "vmovaps 1664 - 1024 + 64 * " #n "(%0), %%zmm" #n "\n\t"
#define MASK_STORE(n) "kmovq %%k" #n ", 1088 + 8 * " #n "(%0)\n\t"
#define MASK_LOAD(n) "kmovq 1088 + 8 * " #n "(%0), %%k" #n "\n\t"

static u16 get16(const u8 *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void store_sse(struct fpu_state *state)
{
	asm volatile(EACH_XMM(XMM_STORE) "stmxcsr 24(%0)" : : "r"(state->area) : "memory");
}

static void load_sse(const struct fpu_state *state)
{
	asm volatile(EACH_XMM(XMM_LOAD) "ldmxcsr 24(%0)" : : "r"(state->area) : "memory");
}

void fpu_enter(struct cpu *cpu)
{
	struct fpu_live *live = &cpu->fpu_live;

	live->x87 = live->avx = live->avx512 = false;
	asm volatile("stmxcsr %0\n\t"
		     "fnstcw %1"
		     : "=m"(live->host_mxcsr), "=m"(live->host_cw));
	load_sse(cpu->fpu);
}

void fpu_load_x87(struct cpu *cpu)
{
	store_sse(cpu->fpu);
	asm volatile("fxrstor64 (%0)" : : "r"(cpu->fpu->area) : "memory");
	cpu->fpu_live.x87 = true;
}

void fpu_load_avx(struct cpu *cpu)
{
	u64 used = get64(cpu->fpu->area + XS_BV);

	cpu->fpu_live.avx = true;
	if (used & (XS_BIT_AVX | XS_BITS_AVX512))
		asm volatile(EACH_XMM(YMM_LOAD) : : "r"(cpu->fpu->area) : "memory");
	else
		asm volatile("vzeroupper");
	if (used & XS_BITS_AVX512)
		fpu_load_avx512(cpu);
}

void fpu_load_avx512(struct cpu *cpu)
{
	asm volatile(EACH_XMM(ZMM_LOAD) EACH_HIGH(HIGH_LOAD) EACH_8(MASK_LOAD)
		     :
		     : "r"(cpu->fpu->area)
		     : "memory");
	cpu->fpu_live.avx512 = true;
}

/* What is wider than xmm. */
static void store_wide(const struct fpu_live *live, struct fpu_state *state)
{
	u64 used = get64(state->area + XS_BV) | XS_BIT_AVX;

	asm volatile(EACH_XMM(YMM_STORE) : : "r"(state->area) : "memory");
	if (live->avx512) {
		asm volatile(EACH_XMM(ZMM_STORE) EACH_HIGH(HIGH_STORE) EACH_8(MASK_STORE)
			     :
			     : "r"(state->area)
			     : "memory");
		used |= XS_BITS_AVX512;
	}
	memcpy(state->area + XS_BV, &used, sizeof(used));
}

void fpu_sync(struct cpu *cpu)
{
	if (cpu->fpu_live.avx)
		store_wide(&cpu->fpu_live, cpu->fpu);
	if (cpu->fpu_live.x87)
		asm volatile("fxsave64 (%0)" : : "r"(cpu->fpu->area) : "memory");
	else
		store_sse(cpu->fpu);
}

void fpu_reload(struct cpu *cpu)
{
	struct fpu_live *live = &cpu->fpu_live;
	bool wide = live->avx512;

	if (live->x87)
		asm volatile("fxrstor64 (%0)" : : "r"(cpu->fpu->area) : "memory");
	else
		load_sse(cpu->fpu);
	if (live->avx) {
		live->avx512 = false;
		fpu_load_avx(cpu);
	}
	if (wide &&
	    !live->avx512) /* translated code looks when it is entered, and goes on behind xrstor */
		fpu_load_avx512(cpu);
}

void fpu_leave(struct cpu *cpu)
{
	struct fpu_live *live = &cpu->fpu_live;
	struct fpu_state *state = cpu->fpu;

	if (live->avx) {
		store_wide(live, state);
		asm volatile("vzeroupper"); /* the host's code wants it so; xmm stays */
	}
	if (live->x87) {
		asm volatile("fxsave64 (%0)" : : "r"(state->area) : "memory");
		/*
		 * The host's code finds an empty stack and its own control word; the sticky flags
		 * of the status word mean nothing to it. FNINIT would cost 28 ns. EMMS and FLDCW
		 * wait, so a pending exception must be dropped first.
		 */
		if (get16(state->area + FX_FSW) & X87_SW_ES)
			asm volatile("fnclex");
		asm volatile("emms\n\t"
			     "fldcw %0"
			     :
			     : "m"(live->host_cw));
		live->x87 = false;
	} else {
		store_sse(state);
	}
	asm volatile("ldmxcsr %0" : : "m"(live->host_mxcsr));
}

void fpu_state_init(struct fpu_state *f)
{
	static const u16 cw = X87_CW_DEFAULT;
	static const u32 mxcsr = MXCSR_DEFAULT, mask = MXCSR_MASK;

	memset(f, 0, sizeof(*f));
	memcpy(f->area + FX_FCW, &cw, sizeof(cw));
	memcpy(f->area + FX_MXCSR, &mxcsr, sizeof(mxcsr));
	memcpy(f->area + FX_MXCSR_MASK, &mask, sizeof(mask));
	f->area[FX_SIZE] = 3; /* XSTATE_BV: x87 and SSE. SDM vol. 1, 13.4.2 */
}

void fpu_image_put_pointers(void *image, const struct cpu_regs *regs, bool wide)
{
	static const u32 mask = MXCSR_MASK;
	u64 fip = wide ? regs->fip : (u32)regs->fip;
	u64 fdp = wide ? regs->fdp : (u32)regs->fdp;
	u8 *p = image;

	memcpy(p + FX_FOP, &regs->fop, sizeof(regs->fop));
	memcpy(p + FX_FIP, &fip, sizeof(fip));
	memcpy(p + FX_FDP, &fdp, sizeof(fdp));
	memcpy(p + FX_MXCSR_MASK, &mask, sizeof(mask));
}

void fpu_image_get_pointers(const void *image, struct cpu_regs *regs, bool wide)
{
	const u8 *p = image;

	regs->fop = get16(p + FX_FOP) & 0x7ff;
	regs->fip = wide ? get64(p + FX_FIP) : get32(p + FX_FIP);
	regs->fdp = wide ? get64(p + FX_FDP) : get32(p + FX_FDP);
}

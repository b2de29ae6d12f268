/* The guest's x87 and SIMD state: in struct fpu_state outside of cpu_run(), in the host's own
 * unit inside.
 *
 *   fpu_enter()     host's MXCSR and control word kept; xmm0-15 and MXCSR loaded
 *   fpu_need_x87()  first x87 or MMX instruction of this cpu_run(): the x87 half is loaded too
 *   fpu_load_avx(), fpu_load_avx512()  the same for wider registers
 *   fpu_leave()     what was loaded is stored, the host's MXCSR and control word come back
 *
 * The x87 half is slow to move (FXSAVE 31 ns, FXRSTOR 60 ns, against 5 ns for the SSE half by
 * plain moves; measured on Zen 4) and most programs never use it, so it is loaded on demand.
 * While it is not, the host's x87 unit holds nothing of the guest's.
 *
 * So are the upper halves of ymm (fpu_load_avx(), first VEX instruction), and what AVX-512 adds
 * (fpu_load_avx512(), first EVEX instruction); a program that uses SSE only pays for neither.
 * XSTATE_BV in the area says whether they hold anything at all.
 *
 * Core code: general registers only but for the instructions named here.
 */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "base/types.h"

struct cpu;
struct cpu_regs;
struct fpu_state;

/* MXCSR bits that the guest may set: no more than the model, whatever the host has (AMD's bit
 * 17). A reserved bit in LDMXCSR, FXRSTOR or a signal frame is #GP or cleared. */
#define MXCSR_MASK 0xffffU
#define MXCSR_DEFAULT 0x1f80U
#define MXCSR_FLAGS 0x3fU /* exceptions that have been */
#define X87_CW_DEFAULT 0x37fU
#define X87_SW_ES 0x80U /* an unmasked exception is pending */

/* Offsets in an FXSAVE image. SDM vol. 1, table 10-2. */
enum {
	FX_FCW = 0,
	FX_FSW = 2,
	FX_FTW = 4,
	FX_FOP = 6,
	FX_FIP = 8,
	FX_FCS = 12,
	FX_FDP = 16,
	FX_FDS = 20,
	FX_MXCSR = 24,
	FX_MXCSR_MASK = 28,
	FX_ST0 = 32,
	FX_XMM0 = 160,
	FX_USED = 416, /* what FXSAVE writes ends here */
	FX_SIZE = 512,
};

/* Offsets in struct fpu_state: an XSAVE area in standard format. The offsets are those of CPUs with
 * MPX (whose place stays empty), whatever the host's are. SDM vol. 1, 13.4. */
enum {
	XS_BV = 512, /* XSTATE_BV: which of the wider registers are not all zero */
	XS_XCOMP_BV = 520,
	XS_HEADER_END = 576,
	XS_YMM_HI = 576,    /* 16 * 16 */
	XS_OPMASK = 1088,   /* 8 * 8 */
	XS_ZMM_HI = 1152,   /* 16 * 32 */
	XS_ZMM_HI16 = 1664, /* 16 * 64 */
	XS_SIZE = 2688,
};
/* State components. SDM vol. 1, 13.1. */
#define XS_BIT_X87 BIT(0)
#define XS_BIT_SSE BIT(1)
#define XS_BIT_AVX BIT(2)
#define XS_BITS_AVX512 (BIT(5) | BIT(6) | BIT(7))

/* Fields of an image, which may stand anywhere. */
static inline u32 get32(const u8 *p)
{
	u32 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline u64 get64(const u8 *p)
{
	u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* One CPU's notes while the guest's state is live. */
struct fpu_live {
	u32 host_mxcsr; /* set by fpu_enter() */
	u16 host_cw;
	/* Loaded; cleared by fpu_enter(). */
	bool x87;
	bool avx;    /* upper halves of ymm0-15; those of zmm0-15 hold the guest's, too */
	bool avx512; /* zmm0-31 and k0-7; avx is set as well */
};

/* First and last thing that cpu_run() does with the unit: cpu->fpu is loaded and stored. Neither
 * faults nor blocks. cpu->fpu must be the same in both, and hold no reserved bit of MXCSR. */
void fpu_enter(struct cpu *cpu);
void fpu_leave(struct cpu *cpu);

/* Before any x87 or MMX instruction, FXSAVE or FXRSTOR runs on the host: loads the x87 half if
 * cpu->fpu_live.x87 is false. */
void fpu_load_x87(struct cpu *cpu);
/* Before any VEX instruction runs on the host, if cpu->fpu_live.avx is false. */
void fpu_load_avx(struct cpu *cpu);
/* Before any EVEX or opmask instruction, if cpu->fpu_live.avx512 is false; after fpu_load_avx(). */
void fpu_load_avx512(struct cpu *cpu);

/**
 * fpu_image_put_pointers - the guest's FIP, FDP, FOP and MXCSR_MASK into an FXSAVE image
 * @image: 512 bytes that FXSAVE has written, or a signal frame's copy of struct fpu_state
 * @wide:  the 64-bit format (FXSAVE64, signal frames); otherwise offsets and selectors of 32 bits
 *
 * The host's unit holds addresses of our own code there. Selectors are stored as 0, as CPUs do
 * that deprecate FCS and FDS (CPUID 7.EBX[13]); they would not outlive a task switch by
 * FXSAVE64 anyhow.
 */
void fpu_image_put_pointers(void *image, const struct cpu_regs *regs, bool wide);
/* The reverse, for FXRSTOR and sigreturn. */
void fpu_image_get_pointers(const void *image, struct cpu_regs *regs, bool wide);

/* Inside cpu_run(): the live state into cpu->fpu, staying live; and cpu->fpu, which has changed,
 * into the unit again. */
void fpu_sync(struct cpu *cpu);
void fpu_reload(struct cpu *cpu);

/* XSAVE images, standard or compacted, by components (XCR0's numbers, XS_BIT_*). */
/* XINUSE: those not in their initial configuration. MXCSR is a part of SSE's for XSAVEC and XGETBV
 * only (@with_mxcsr). SDM vol. 1, 13.6. */
u64 fpu_in_use(const struct fpu_state *state, bool with_mxcsr);
/* Is any register that only AVX-512 has other than 0? One load for who has never used them. */
bool fpu_uses_avx512(const struct fpu_state *state);
/* Bytes of an image that holds @components: in standard format up to the end of the last one, in compacted
 * format one behind the other. Legacy area and header count always. SDM vol. 1, 13.4.3. */
u32 fpu_xsave_size(u64 components, bool compact);
/* Place in a standard image and bytes of component @n, from 2 on; 0, 0: unknown. */
void fpu_component(unsigned n, u32 *at, u32 *size);

/* What XSAVE and kin write of the requested components: all; those in use; those, one behind the
 * other. */
enum xsave_kind { XSAVE_ALL, XSAVE_USED, XSAVE_COMPACT };
/* cpu->fpu into @image, as XSAVE does (@wide_pointers: REX.W). Bytes that it does not write stay. */
void fpu_xsave(struct cpu *cpu, void *image, u64 rfbm, enum xsave_kind kind, bool wide_pointers);
/* XRSTOR's checks of the header, which ends at XS_HEADER_END: false is #GP. SDM vol. 1, 13.8. */
bool fpu_header_legal(const struct cpu *cpu, const void *image);
/* How many bytes it goes on to read: in the standard format up to the last component asked for; in
 * the compacted one up to the last that is loaded. As seen on Zen 4. */
u32 fpu_image_size(const void *image, u64 rfbm);
/* The components of a legal @image into cpu->fpu. -EINVAL: reserved bits of MXCSR, nothing changed. */
int fpu_xrstor(struct cpu *cpu, const void *image, u64 rfbm, bool wide_pointers);

/*
 * Signal frames, outside of cpu_run(). The frame is an XSAVE image with Linux's software bytes and
 * FP_XSTATE_MAGIC2 behind it, or the 512 bytes of FXSAVE where the model has no XSAVE.
 *
 *   deliver  sp = (sp - fpu_frame_size()) & ~63; fpu_frame_write() there; UC_FP_XSTATE if xcr0
 *   return   read 512 bytes; read fpu_frame_len() bytes; fpu_frame_restore()
 */
u32 fpu_frame_size(const struct cpu *cpu); /* at most FPU_FRAME_MAX */
#define FPU_FRAME_MAX (XS_SIZE + 4)
/* cpu->fpu and the pointers of cpu->regs as such a frame, fpu_frame_size() bytes. */
void fpu_frame_write(struct cpu *cpu, void *frame);
/* Bytes of the frame whose first 512 are @fx: what the guest left there decides. */
u32 fpu_frame_len(const struct cpu *cpu, const void *fx);
/* @frame: a buffer of FPU_FRAME_MAX bytes with the @len that were read at @at; changed. 0; -EINVAL:
 * no image that XRSTOR, or FXRSTOR if there is no more, would take from there (SIGSEGV). */
int fpu_frame_restore(struct cpu *cpu, void *frame, u32 len, gva_t at);

#endif

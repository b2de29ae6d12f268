/* The guest's x87 and SIMD state: in struct fpu_state outside of cpu_run(), in the host's own
 * unit inside.
 *
 *   fpu_enter()     host's MXCSR and control word kept; xmm0-15 and MXCSR loaded
 *   fpu_need_x87()  first x87 or MMX instruction of this cpu_run(): the x87 half is loaded too
 *   fpu_leave()     what was loaded is stored, the host's MXCSR and control word come back
 *
 * The x87 half is slow to move (FXSAVE 31 ns, FXRSTOR 60 ns, against 5 ns for the SSE half by
 * plain moves; measured on Zen 4) and most programs never use it, so it is loaded on demand.
 * While it is not, the host's x87 unit holds nothing of the guest's.
 *
 * Not for: AVX state, which needs XSAVE and comes with the CPU models that offer it.
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

/* One CPU's notes while the guest's state is live. */
struct fpu_live {
	u32 host_mxcsr; /* set by fpu_enter() */
	u16 host_cw;
	bool x87; /* the x87 half is loaded; cleared by fpu_enter() */
};

/* First and last thing that cpu_run() does with the unit: cpu->fpu is loaded and stored. Neither
 * faults nor blocks. cpu->fpu must be the same in both, and hold no reserved bit of MXCSR. */
void fpu_enter(struct cpu *cpu);
void fpu_leave(struct cpu *cpu);

/* Before any x87 or MMX instruction, FXSAVE or FXRSTOR runs on the host: loads the x87 half if
 * cpu->fpu_live.x87 is false. */
void fpu_load_x87(struct cpu *cpu);

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

/* Makes an image that the guest wrote (sigreturn) safe to load: reserved bits of MXCSR go, as in
 * Linux. */
void fpu_state_sanitize(struct fpu_state *state);

#endif

/* Runs a few bytes of machine code on the host CPU, with chosen registers and state, and catches
 * what it raises: the oracle of tests/diff.
 *
 * The code may use the stack, change segment bases and selectors, and jump: all registers are the
 * caller's, rsp too, and everything of the host's comes back before any C runs.
 */
#ifndef TESTS_DIFF_NATIVE_H
#define TESTS_DIFF_NATIVE_H

#include "base/types.h"

/* Before and after. Offsets: native_entry.S. */
struct native_state {
	u64 gpr[16]; /* by x86 encoding number */
	u64 flags;
	u8 fx[512] __attribute__((aligned(16))); /* FXSAVE64 image */
	u8 env[32];				 /* FNSTENV image after the run: FIP, FDP, FOP */
	u32 trap;				 /* exception vector + 1; 0: none */
	u32 error;				 /* its error code */
	u64 rip;				 /* where the code came to; with a trap: its rip */
	u64 fault_addr;				 /* si_addr */
	/* Wide registers, as far as native_level() goes; the low 16 bytes also stand in fx. */
	u8 vec[32][64] __attribute__((aligned(64)));
	u64 k[8];
	u64 fs_base, gs_base; /* where native_segments() */
	u16 sel[4];	      /* ds, es, fs, gs afterwards, if asked for */
};

/* 0: xmm only; 1: ymm; 2: AVX-512. After native_init(). */
unsigned native_level(void);
/* No more than that from now on. */
void native_limit(unsigned most);
/* Whether fs_base and gs_base are loaded: FSGSBASE is there, and the kernel lets us. */
bool native_segments(void);

/* Maps @pages pages at @base, readable, writable and executable, and installs the handlers of
 * SIGFPE, SIGSEGV, SIGBUS, SIGILL and SIGTRAP in front of those there are. 0 or -errno.
 */
/* The first 16 bytes of the pages are used. */
int native_init(u64 base, unsigned pages);

#define NATIVE_JUMP 6 /* bytes of native_put_exit() */
/* Writes code at @at that leaves, with native_state.rip @at. Two may be in use: @taken
 * says which one this is. */
void native_put_exit(u64 at, bool taken);

/* Runs from @code until an exit or an exception. @wide: load the registers above xmm; @selectors:
 * keep ds, es, fs, gs and put them back to 0. */
void native_run(struct native_state *s, u64 code, bool wide, bool selectors);

#endif

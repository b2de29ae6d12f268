/* Runs a few bytes of machine code on the host CPU, with chosen registers and state, and catches
 * what it raises: the oracle of tests/diff. */
#ifndef TESTS_DIFF_NATIVE_H
#define TESTS_DIFF_NATIVE_H

#include "base/types.h"

/* Before and after. rsp is not loaded: the code must not touch it. */
struct native_state {
	u64 gpr[16]; /* by x86 encoding number */
	u64 flags;
	u8 fx[512] __attribute__((aligned(16))); /* FXSAVE64 image */
	u8 env[32];				 /* FNSTENV image after the run: FIP, FDP, FOP */
	u32 trap;				 /* exception vector + 1; 0: none */
	u64 fault_rip, fault_addr;
	/* Wide registers, as far as native_level() goes; the low 16 bytes also stand in fx. */
	u8 vec[32][64] __attribute__((aligned(64)));
	u64 k[8];
};

/* 0: xmm only; 1: ymm; 2: AVX-512. After native_init(). */
unsigned native_level(void);

/* Maps @pages pages at @base, readable, writable and executable, and installs the handlers of
 * SIGFPE, SIGSEGV, SIGBUS and SIGILL in front of those there are. 0 or -errno. */
int native_init(u64 base, unsigned pages);
/* Runs the @len bytes at @code, which lie in the mapped pages with 6 bytes to spare behind. The
 * first 8 bytes of the pages are used. */
void native_run(struct native_state *s, u64 code, unsigned len);

#endif

/* What the host CPU makes of a few bytes: whether they are an instruction, and whether it wants
 * more of them. The bytes end where a PROT_NONE page begins. */
#ifndef TESTS_DIFF_EDGE_H
#define TESTS_DIFF_EDGE_H

#include "base/types.h"

enum edge_result {
	EDGE_RAN,   /* it ran, or faulted for its operands */
	EDGE_FETCH, /* the CPU asked for the byte behind them */
	EDGE_UD,
	EDGE_GP,
};

/* 0 or -errno. Takes SIGILL, SIGSEGV, SIGBUS, SIGTRAP and SIGFPE for good, and an alternate stack. */
int edge_init(void);
/* Is FS 0 while the bytes run? If not, they must not touch memory by it. */
bool edge_fs_is_harmless(void);

/**
 * edge_run - run one instruction
 * @code: @n bytes, 1 .. 15
 * @step: with EFLAGS.TF, needed for what may go elsewhere; five times as slow
 *
 * All general registers are 0, so that memory operands fault: nothing is mapped below 64 KiB or
 * within 2 GiB of the code. Not for system calls and hypercalls.
 */
enum edge_result edge_run(const u8 *code, unsigned n, bool step);

#endif

/* A CPU's own notes that no other room needs to see: what struct cpu (cpu.h) must not show, because it
 * would have the whole tree depend on it. */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "cpu/model.h"

/* The host's CPUID leaves already asked for: each CPUID costs a virtual machine's exit, 5 to 20 us. */
struct host_leaves {
	u32 n;
	struct host_leaf {
		u32 leaf, subleaf;
		struct cpuid_leaf l;
	} known[32];
};

struct cpu_internal {
	struct host_leaves host;
	bool guarded; /* cpu_guard_stack() */
};

#endif

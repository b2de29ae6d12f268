/* A CPU's own notes that no other room needs to see: what struct cpu (cpu.h) must not show, because it
 * would have the whole tree depend on it. */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "cpu/model.h"

struct cpu_internal {
	bool guarded; /* cpu_guard_stack() */
};

#endif

/* A CPU's own notes that no other room needs to see. */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "cpu/fpu.h"

struct cpu_internal {
	struct fpu_live fpu;
};

#endif

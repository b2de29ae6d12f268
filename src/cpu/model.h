/* What the CPU models offer: features for the decoder, leaves for CPUID. Core code. */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include "cpu/insn.h"

struct cpuid_leaf {
	u32 a, b, c, d;
};

/* Bit mask of enum cpu_feat. */
u64 cpu_features(const struct cpu *cpu);
struct cpuid_leaf cpuid_leaf(const struct cpu *cpu, u32 leaf, u32 subleaf);

#endif

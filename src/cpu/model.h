/* What the CPU models offer: features for the decoder, leaves for CPUID. Not for: what a feature's
 * instructions do (opcodes*.def, op_*.c). Core code: all of this may run inside cpu_run(). */
#ifndef CPU_MODEL_H
#define CPU_MODEL_H

#include "cpu/insn.h"

/* What `--cpu` is without `--cpu`, where the host can. */
#define CPU_MODEL_DEFAULT CPU_MODEL_V3

struct cpuid_leaf {
	u32 a, b, c, d;
};

/* XSAVE's state components. SDM vol. 1, 13.1. */
#define XCR0_X87 BIT(0)
#define XCR0_SSE BIT(1)
#define XCR0_AVX BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))

/* Makes @cpu one of @model: sets model, features, xcr0. */
void cpu_model_init(struct cpu *cpu, enum cpu_model model);
/* Bit mask of enum cpu_feat: what a CPU of @model has on this host. */
u64 cpu_model_features(enum cpu_model model);
/* Whether the host has it, whatever a model offers. */
bool cpu_host_has(enum cpu_feat feat);
static inline u64 cpu_features(const struct cpu *cpu)
{
	return cpu->features;
}
static inline bool cpu_has(const struct cpu *cpu, enum cpu_feat feat)
{
	return cpu->features >> feat & 1;
}

/* What CPUID answers on @cpu, as cpu_cpuid() (cpu.h) hands it out. No leaf of the host shows through but
 * those that name the maker, the family and the caches. SDM vol. 2A, CPUID. */
struct cpuid_leaf cpuid_leaf(const struct cpu *cpu, u32 leaf, u32 subleaf);

#endif

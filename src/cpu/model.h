/* What the CPU models offer: features for the decoder, leaves for CPUID. Core code. */
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
static inline u64 cpu_features(const struct cpu *cpu)
{
	return cpu->features;
}
static inline bool cpu_has(const struct cpu *cpu, enum cpu_feat feat)
{
	return cpu->features >> feat & 1;
}

/* Bytes of the standard XSAVE area that holds @components; where one of them lies in it (from 2 on).
 * They are Vellum's own, whatever the host's are: fpu.h. */
u32 xsave_size(u64 components);
struct cpuid_leaf xsave_component(unsigned n); /* a: bytes, b: offset */

struct cpuid_leaf cpuid_leaf(const struct cpu *cpu, u32 leaf, u32 subleaf);

#endif

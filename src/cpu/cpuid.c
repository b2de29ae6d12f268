/* CPUID. A model is a cut of the host: vendor, family and caches are the host's, features are what
 * the model has and the host can do. CPUID itself speaks for x86-64-v1 only so far, whatever the
 * model; the decoder knows what exists of the others, so that their rows can be tested.
 *
 * To v1 comes what no 64-bit CPU has lacked since 2006 and the interpreter does by itself:
 * CMPXCHG16B, LAHF. See: x86-64 psABI, table 3.1; SDM vol. 2A, CPUID.
 */
#include "cpu/model.h"

#define V1_FEATURES (BIT(FEAT_BASE) | BIT(FEAT_CX16) | BIT(FEAT_LAHF) | BIT(FEAT_PREFETCHW))
#define V2_FEATURES (V1_FEATURES | BIT(FEAT_POPCNT) | BIT(FEAT_SSE3))
#define V3_FEATURES (V2_FEATURES | BIT(FEAT_MOVBE) | BIT(FEAT_LZCNT) | BIT(FEAT_BMI1))
#define HOST_FEATURES                                                                              \
	(V3_FEATURES | BIT(FEAT_ADX) | BIT(FEAT_RDTSCP) | BIT(FEAT_RDPID) | BIT(FEAT_FSGSBASE) |   \
	 BIT(FEAT_CLFLUSHOPT) | BIT(FEAT_CLWB))

/* Leaf 1 edx: fpu tsc cx8 sep pge cmov pat pse36 clflush mmx fxsr sse sse2, and the system bits that
 * every 64-bit kernel sees (vme de pse msr pae mce apic mtrr mca). */
#define V1_1_EDX 0x078bfbffU
/* Leaf 1 ecx: cx16. */
#define V1_1_ECX 0x00002000U
/* 0x80000001 ecx: lahf; edx: the AMD copy of leaf 1, syscall, nx, lm. */
#define V1_8_1_ECX 0x00000001U
#define V1_8_1_EDX 0x20100800U
#define AMD_COPY_EDX 0x0183f3ffU

static struct cpuid_leaf host(u32 leaf, u32 subleaf)
{
	struct cpuid_leaf l;

	__asm__ volatile("cpuid"
			 : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
			 : "a"(leaf), "c"(subleaf));
	return l;
}

u64 cpu_features(const struct cpu *cpu)
{
	static const u64 features[] = {
		[CPU_MODEL_V1] = V1_FEATURES,	  [CPU_MODEL_V2] = V2_FEATURES,
		[CPU_MODEL_V3] = V3_FEATURES,	  [CPU_MODEL_V4] = V3_FEATURES,
		[CPU_MODEL_HOST] = HOST_FEATURES,
	};

	return features[cpu->model];
}

static bool amd(void)
{
	return host(0, 0).b == 0x68747541; /* "Auth" */
}

static struct cpuid_leaf leaf_vendor(const struct cpu *cpu __unused, u32 sub __unused)
{
	struct cpuid_leaf l = host(0, 0);

	l.a = 0xd;
	return l;
}

/* Family and model of the host; one logical CPU; CLFLUSH line of 64 bytes. */
static struct cpuid_leaf leaf_features(const struct cpu *cpu, u32 sub __unused)
{
	struct cpuid_leaf l = host(1, 0);

	l.b = (cpu->id << 24) | 1 << 16 | 8 << 8;
	l.c = V1_1_ECX;
	l.d &= V1_1_EDX;
	return l;
}

static struct cpuid_leaf leaf_host(const struct cpu *cpu __unused, u32 sub, u32 leaf)
{
	return host(leaf, sub);
}

/* Intel's cache descriptors: "see leaf 4". */
static struct cpuid_leaf leaf_descriptors(const struct cpu *cpu, u32 sub)
{
	return amd() ? (struct cpuid_leaf){0} : leaf_host(cpu, sub, 2);
}

/* Intel's caches, none shared: one CPU in the package. */
static struct cpuid_leaf leaf_caches(const struct cpu *cpu, u32 sub)
{
	struct cpuid_leaf l = {0};

	if (!amd()) {
		l = leaf_host(cpu, sub, 4);
		l.a &= 0x3fff;
	}
	return l;
}

static struct cpuid_leaf leaf_none(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){0};
}

static struct cpuid_leaf leaf_max_extended(const struct cpu *cpu __unused, u32 sub __unused)
{
	struct cpuid_leaf l = host(0x80000000, 0);

	l.a = 0x80000008;
	if (!amd())
		l.b = l.c = l.d = 0;
	return l;
}

static struct cpuid_leaf leaf_extended_features(const struct cpu *cpu __unused, u32 sub __unused)
{
	struct cpuid_leaf l = host(0x80000001, 0);

	l.b = 0;
	l.c = V1_8_1_ECX;
	l.d = V1_8_1_EDX;
	if (amd())
		l.d |= host(1, 0).d & AMD_COPY_EDX & V1_1_EDX;
	return l;
}

/* "Vellum x86-64-v1", in three leaves of 16 bytes. */
static struct cpuid_leaf leaf_brand(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){0x6c6c6556, 0x78206d75, 0x362d3638, 0x31762d34};
}

static struct cpuid_leaf leaf_amd_l1(const struct cpu *cpu __unused, u32 sub __unused)
{
	return host(0x80000005, 0);
}

static struct cpuid_leaf leaf_l2(const struct cpu *cpu __unused, u32 sub __unused)
{
	return host(0x80000006, 0);
}

/* Invariant TSC. */
static struct cpuid_leaf leaf_power(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){.d = host(0x80000007, 0).d & 0x100};
}

/* 48 bits of linear address; one core. */
static struct cpuid_leaf leaf_sizes(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){.a = (48 << 8) | (host(0x80000008, 0).a & 0xff)};
}

typedef struct cpuid_leaf leaf_fn(const struct cpu *cpu, u32 subleaf);

/* Anything else in range is all zero: 7 and 0xd say that there is nothing beyond v1. */
static const struct {
	u32 leaf;
	leaf_fn *fn;
} leaves[] = {
	{0, leaf_vendor},
	{1, leaf_features},
	{2, leaf_descriptors},
	{4, leaf_caches},
	{7, leaf_none},
	{0xd, leaf_none},
	{0x80000000, leaf_max_extended},
	{0x80000001, leaf_extended_features},
	{0x80000002, leaf_brand},
	{0x80000003, leaf_none},
	{0x80000004, leaf_none},
	{0x80000005, leaf_amd_l1},
	{0x80000006, leaf_l2},
	{0x80000007, leaf_power},
	{0x80000008, leaf_sizes},
};

struct cpuid_leaf cpuid_leaf(const struct cpu *cpu, u32 leaf, u32 subleaf)
{
	for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].leaf == leaf)
			return leaves[i].fn(cpu, subleaf);
	return (struct cpuid_leaf){0};
}

void cpu_cpuid(const struct cpu *cpu, u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	struct cpuid_leaf l = cpuid_leaf(cpu, leaf, subleaf);

	*a = l.a;
	*b = l.b;
	*c = l.c;
	*d = l.d;
}

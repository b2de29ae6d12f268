/* CPUID. A model is a cut of the host: vendor, family and caches are the host's, features are what
 * the model has (feat.def), and the machine is one socket with one core of one thread. What the
 * model lacks shows nowhere: no leaf hands the host's feature bits through.
 *
 * To v1 comes what no 64-bit CPU has lacked since 2006 and the interpreter does by itself:
 * CMPXCHG16B, LAHF. See: x86-64 psABI, table 3.1; SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E.
 */
#include "cpu/internal.h"
#include "cpu/model.h"

_Static_assert(NR_FEATS <= 64, "struct cpu's features");

/* Leaf 1 edx: fpu tsc cx8 sep pge cmov pat pse36 clflush mmx fxsr sse sse2, and the system bits that
 * every 64-bit kernel sees (vme de pse msr pae mce apic mtrr mca). */
#define V1_1_EDX 0x078bfbffU
/* Leaf 1 ecx: osxsave, which follows xsave. */
#define OSXSAVE BIT(27)
/* 0x80000001 edx: the AMD copy of leaf 1, syscall, nx, lm, and on AMD what SSE has of MMX; ecx: AMD's
 * leaves 0x8000001d and 1e. */
#define V1_8_1_EDX 0x20100800U
#define AMD_COPY_EDX 0x0183f3ffU
#define MMXEXT BIT(22)
#define TOPOEXT BIT(22)
/* 0x80000007 edx. */
#define INVARIANT_TSC 0x100

#define MAX_BASIC 0xd
#define MAX_EXTENDED_AMD 0x8000001e
#define MAX_EXTENDED 0x80000008

static struct cpuid_leaf ask_host(u32 leaf, u32 subleaf)
{
	struct cpuid_leaf l;

	__asm__ volatile("cpuid"
			 : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
			 : "a"(leaf), "c"(subleaf));
	return l;
}

/* What the host has said. It never changes, and to ask costs a virtual machine's exit, 1 to 16 us. */
static struct cpuid_leaf host(u32 leaf, u32 subleaf)
{
	static struct {
		u32 leaf, subleaf;
		struct cpuid_leaf l;
	} leaves_known[32];
	static u32 nr_leaves_known;
	u32 i = 0;

	while (i < nr_leaves_known &&
	       (leaves_known[i].leaf != leaf || leaves_known[i].subleaf != subleaf))
		i++;
	if (i == ARRAY_SIZE(leaves_known))
		i = nr_leaves_known = 0; /* more than anybody asks for: start again */
	if (i == nr_leaves_known) {
		leaves_known[i].leaf = leaf;
		leaves_known[i].subleaf = subleaf;
		leaves_known[i].l = ask_host(leaf, subleaf);
		nr_leaves_known++;
	}
	return leaves_known[i].l;
}

static bool host_is_amd(void)
{
	return host(0, 0).b == 0x68747541; /* "Auth" */
}

/* ---- Features ------------------------------------------------------------------------------- */

enum how { HOW_HOST, HOW_ALSO, HOW_SELF, HOW_HINT, HOW_AMD, HOW_INTEL };

static const struct feature {
	u32 leaf;
	u8 subleaf, level, how;
	char reg;
	u8 bit;
} feature_table[NR_FEATS] = {
#define CPU_MODEL_(level) CPU_MODEL_##level
#define FEAT(name, level, how, leaf, subleaf, reg, bit)                                            \
	[FEAT_##name] = {leaf, subleaf, CPU_MODEL_(level), HOW_##how, #reg[0], bit},
#include "cpu/feat.def"
#undef FEAT
};

static u32 *leaf_reg(struct cpuid_leaf *l, char reg)
{
	return reg == 'a' ? &l->a : reg == 'b' ? &l->b : reg == 'c' ? &l->c : &l->d;
}

/* A leaf beyond the host's last is all zero, whatever an Intel CPU answers. */
static bool host_has_leaf(u32 leaf)
{
	return host(leaf & 0x80000000, 0).a >= leaf;
}

bool cpu_host_tsc_invariant(void)
{
	return host_has_leaf(0x80000007) && (host(0x80000007, 0).d & INVARIANT_TSC);
}

/* The host's XCR0, 0 if it has none. */
static u64 host_xcr0(void)
{
	u32 lo, hi;

	if (!(host(1, 0).c & OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

/* All that the host has, its kernel's consent to wide registers included. */
static u64 host_features(void)
{
	static const u64 avx = BIT(FEAT_AVX) | BIT(FEAT_AVX2) | BIT(FEAT_F16C) | BIT(FEAT_FMA) |
			       BIT(FEAT_VAES) | BIT(FEAT_VPCLMUL) | BIT(FEAT_AVX_VNNI);
	u64 xcr0 = host_xcr0(), feats = BIT(FEAT_BASE);

	for (unsigned i = 0; i < NR_FEATS; i++) {
		const struct feature *f = &feature_table[i];
		struct cpuid_leaf l = {0};

		if (host_has_leaf(f->leaf))
			l = host(f->leaf, f->subleaf);
		if (*leaf_reg(&l, f->reg) >> f->bit & 1)
			feats |= BIT(i);
	}
	if (!xcr0)
		feats &= ~(BIT(FEAT_XSAVE) | BIT(FEAT_XSAVEOPT) | BIT(FEAT_XSAVEC) |
			   BIT(FEAT_XGETBV1));
	if (!(xcr0 & XCR0_AVX))
		feats &= ~avx;
	if ((xcr0 & XCR0_AVX512) != XCR0_AVX512)
		for (unsigned i = FEAT_AVX512F; i < NR_FEATS; i++)
			if (i <= FEAT_AVX512VL || i >= FEAT_AVX512_IFMA)
				feats &= ~BIT(i);
	return feats;
}

/* Features that some row asks for. */
static u64 features_of_rows(void)
{
	u64 feats = 0;

	for (unsigned i = 0; i < nr_insn_rows; i++)
		feats |= BIT(insn_rows[i].feat);
	if (feats & BIT(FEAT_AVX512F))
		feats |= BIT(FEAT_AVX512VL); /* asked for by lengths, not by name: decode_vex.c */
	return feats;
}

static bool offered(const struct feature *f, enum cpu_model model, bool on_amd, bool of_host,
		    bool has_row)
{
	if (f->level > model)
		return false;
	if (f->how == HOW_AMD || f->how == HOW_INTEL)
		return on_amd == (f->how == HOW_AMD);
	if (f->how == HOW_HINT)
		return f->level != CPU_MODEL_HOST || of_host;
	return has_row && (of_host || f->how == HOW_SELF);
}

u64 cpu_model_features(enum cpu_model model)
{
	u64 of_host = host_features(), rows = features_of_rows(), feats = 0;
	bool on_amd = host_is_amd();

	for (unsigned i = 0; i < NR_FEATS; i++)
		if (offered(&feature_table[i], model, on_amd, of_host >> i & 1, rows >> i & 1))
			feats |= BIT(i);
	return feats;
}

bool cpu_host_has(enum cpu_feat feat)
{
	return host_features() >> feat & 1;
}

static bool has(u64 feats, enum cpu_feat f)
{
	return feats >> f & 1;
}

static u64 model_xcr0(u64 feats)
{
	if (!has(feats, FEAT_XSAVE))
		return 0;
	return XCR0_X87 | XCR0_SSE | (has(feats, FEAT_AVX) ? XCR0_AVX : 0) |
	       (has(feats, FEAT_AVX512F) ? XCR0_AVX512 : 0);
}

void cpu_model_init(struct cpu *cpu, enum cpu_model model)
{
	cpu->model = model;
	cpu->features = cpu_model_features(model);
	cpu->xcr0 = model_xcr0(cpu->features);
}

bool cpu_model_possible(enum cpu_model model)
{
	u64 of_host = host_features();

	for (unsigned i = 0; model != CPU_MODEL_HOST && i < NR_FEATS; i++)
		if (feature_table[i].level <= model && feature_table[i].how == HOW_HOST &&
		    !(of_host >> i & 1))
			return false;
	return true;
}

/* The model's feature bits in one leaf. */
static struct cpuid_leaf feature_bits(const struct cpu *cpu, u32 leaf, u32 subleaf)
{
	struct cpuid_leaf l = {0};

	for (unsigned i = 0; i < NR_FEATS; i++) {
		const struct feature *f = &feature_table[i];

		if (f->leaf && f->leaf == leaf && f->subleaf == subleaf && cpu_has(cpu, i))
			*leaf_reg(&l, f->reg) |= 1U << f->bit;
	}
	return l;
}

/* ---- Leaves --------------------------------------------------------------------------------- */

static struct cpuid_leaf leaf_none(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){0};
}

static struct cpuid_leaf leaf_vendor(const struct cpu *cpu __unused, u32 sub __unused)
{
	struct cpuid_leaf l = host(0, 0);

	l.a = MAX_BASIC;
	return l;
}

/* Family and model of the host; one logical CPU; CLFLUSH line of 64 bytes. */
static struct cpuid_leaf leaf_features(const struct cpu *cpu, u32 sub __unused)
{
	struct cpuid_leaf l = host(1, 0);

	l.b = (cpu->id << 24) | 1 << 16 | 8 << 8;
	l.c = feature_bits(cpu, 1, 0).c | (cpu_has(cpu, FEAT_XSAVE) ? OSXSAVE : 0);
	l.d &= V1_1_EDX;
	return l;
}

/* Intel's cache descriptors: "see leaf 4". */
static struct cpuid_leaf leaf_descriptors(const struct cpu *cpu, u32 sub)
{
	return host_is_amd() ? leaf_none(cpu, sub) : host(2, sub);
}

/* Intel's caches, none shared: one CPU in the package. */
static struct cpuid_leaf leaf_caches(const struct cpu *cpu, u32 sub)
{
	struct cpuid_leaf l;

	if (host_is_amd())
		return leaf_none(cpu, sub);
	l = host(4, sub);
	l.a &= 0x3fff;
	return l;
}

/* Always running APIC timer: what keeps Linux from complaining. */
static struct cpuid_leaf leaf_thermal(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){.a = 4};
}

static struct cpuid_leaf leaf_structured(const struct cpu *cpu, u32 sub)
{
	struct cpuid_leaf l = feature_bits(cpu, 7, sub);

	if (!sub)
		l.a = feature_bits(cpu, 7, 1).a ? 1 : 0;
	return l;
}

/* Threads of a core, cores of the package: one each. */
static struct cpuid_leaf leaf_topology(const struct cpu *cpu, u32 sub)
{
	return (struct cpuid_leaf){
		.b = sub < 2,
		.c = sub < 2 ? sub | (sub + 1) << 8 : sub & 0xff,
		.d = cpu->id,
	};
}

static struct cpuid_leaf leaf_xsave(const struct cpu *cpu, u32 sub)
{
	struct cpuid_leaf l = {0};

	if (!cpu->xcr0)
		return l;
	if (sub == 0)
		return (struct cpuid_leaf){.a = (u32)cpu->xcr0,
					   .b = fpu_xsave_size(cpu->xcr0, false),
					   .c = fpu_xsave_size(cpu->xcr0, false),
					   .d = (u32)(cpu->xcr0 >> 32)};
	if (sub == 1) {
		l = feature_bits(cpu, 0xd, 1);
		if (cpu_has(cpu, FEAT_XSAVEC))
			l.b = fpu_xsave_size(cpu->xcr0, true);
		return l;
	}
	if (sub < 63 && (cpu->xcr0 >> sub & 1))
		fpu_component(sub, &l.b, &l.a);
	return l;
}

static struct cpuid_leaf leaf_max_extended(const struct cpu *cpu __unused, u32 sub __unused)
{
	struct cpuid_leaf l = host(0x80000000, 0);

	l.a = MAX_EXTENDED_AMD;
	if (!host_is_amd()) {
		l.a = MAX_EXTENDED;
		l.b = l.c = l.d = 0;
	}
	return l;
}

static struct cpuid_leaf leaf_extended_features(const struct cpu *cpu, u32 sub __unused)
{
	struct cpuid_leaf l = host(0x80000001, 0), bits = feature_bits(cpu, 0x80000001, 0);

	l.b = 0;
	l.c = bits.c;
	l.d = bits.d | V1_8_1_EDX;
	if (host_is_amd()) {
		l.c |= TOPOEXT;
		l.d |= (host(1, 0).d & AMD_COPY_EDX & V1_1_EDX) | MMXEXT;
	}
	return l;
}

/* "Vellum x86-64-v1" or "Vellum x86-64", in three leaves of 16 bytes. */
static struct cpuid_leaf leaf_brand(const struct cpu *cpu, u32 sub __unused)
{
	struct cpuid_leaf l = {0x6c6c6556, 0x78206d75, 0x362d3638, 0x34};

	if (cpu->model != CPU_MODEL_HOST)
		l.d = 0x30762d34 + (((u32)cpu->model + 1) << 24);
	return l;
}

static struct cpuid_leaf leaf_amd_l1(const struct cpu *cpu, u32 sub)
{
	return host_is_amd() ? host(0x80000005, 0) : leaf_none(cpu, sub);
}

static struct cpuid_leaf leaf_l2(const struct cpu *cpu __unused, u32 sub __unused)
{
	return host(0x80000006, 0);
}

/* Invariant TSC. */
static struct cpuid_leaf leaf_power(const struct cpu *cpu __unused, u32 sub __unused)
{
	return (struct cpuid_leaf){.d = cpu_host_tsc_invariant() ? INVARIANT_TSC : 0};
}

/* AMD: images of x87's state always hold FIP, FDP and FOP, as fpu_image_put_pointers() has it. */
#define XSAVE_ER_PTR BIT(2)

/* 48 bits of linear address; one core. */
static struct cpuid_leaf leaf_sizes(const struct cpu *cpu, u32 sub __unused)
{
	struct cpuid_leaf l = feature_bits(cpu, 0x80000008, 0);

	l.a = (48 << 8) | (host(0x80000008, 0).a & 0xff);
	if (host_is_amd())
		l.b |= XSAVE_ER_PTR;
	return l;
}

/* AMD's caches, none shared. */
static struct cpuid_leaf leaf_amd_caches(const struct cpu *cpu, u32 sub)
{
	struct cpuid_leaf l;

	if (!host_is_amd() || !host_has_leaf(0x8000001d))
		return leaf_none(cpu, sub);
	l = host(0x8000001d, sub);
	l.a &= 0x3fff;
	return l;
}

/* AMD's topology: APIC id; core 0 of one thread; node 0 of one. */
static struct cpuid_leaf leaf_amd_topology(const struct cpu *cpu, u32 sub __unused)
{
	return (struct cpuid_leaf){.a = host_is_amd() ? cpu->id : 0};
}

typedef struct cpuid_leaf leaf_fn(const struct cpu *cpu, u32 subleaf);

/* Anything else, in range or not, is all zero. */
static const struct {
	u32 leaf;
	leaf_fn *fn;
} leaves[] = {
	{0, leaf_vendor},
	{1, leaf_features},
	{2, leaf_descriptors},
	{4, leaf_caches},
	{6, leaf_thermal},
	{7, leaf_structured},
	{0xb, leaf_topology},
	{0xd, leaf_xsave},
	{0x80000000, leaf_max_extended},
	{0x80000001, leaf_extended_features},
	{0x80000002, leaf_brand},
	{0x80000005, leaf_amd_l1},
	{0x80000006, leaf_l2},
	{0x80000007, leaf_power},
	{0x80000008, leaf_sizes},
	{0x8000001d, leaf_amd_caches},
	{0x8000001e, leaf_amd_topology},
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

/* /proc/cpuinfo: the one CPU, as CPUID shows it. See: proc(5); Linux, arch/x86/kernel/cpu/proc.c. */
#include <string.h>
#include <time.h>

#include "base/host.h"
#include "proc/procfs/internal.h"

struct cpuid_regs {
	u32 a, b, c, d;
};

static struct cpuid_regs cpuid_subleaf(const struct machine *m, u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	cpu_cpuid(&m->cpu, leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
	return r;
}

static struct cpuid_regs cpuid_of(const struct machine *m, u32 leaf)
{
	return cpuid_subleaf(m, leaf, 0);
}

static u32 cpuid_reg(struct cpuid_regs r, bool always, char reg)
{
	if (always)
		return ~0U;
	return reg == 'a' ? r.a : reg == 'b' ? r.b : reg == 'c' ? r.c : r.d;
}

static void put_flags(struct seq *out, const struct machine *m)
{
	static const struct {
		u32 leaf, subleaf;
		u8 bit;
		bool always;
		char reg; /* a, b, c, d */
		const char *name;
	} flags[] = {
#define CPU_FLAG(leaf, subleaf, reg, bit, name)                                                    \
	{leaf, subleaf, bit, sizeof(#reg) > sizeof("a"), #reg[0], #name},
#include "proc/procfs/cpu_flags.def"
#undef CPU_FLAG
	};
	u32 max_leaf = cpuid_of(m, 0).a;

	seq_puts(out, "flags\t\t:");
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct cpuid_regs r;

		if (flags[i].leaf < 0x80000000 && flags[i].leaf > max_leaf)
			continue;
		r = cpuid_subleaf(m, flags[i].leaf, flags[i].subleaf);
		if (!(cpuid_reg(r, flags[i].always, flags[i].reg) >> flags[i].bit & 1))
			continue;
		seq_putc(out, ' ');
		seq_puts(out, flags[i].name);
	}
	seq_putc(out, '\n');
}

static void put_vendor_and_name(struct seq *out, const struct machine *m)
{
	struct cpuid_regs v = cpuid_of(m, 0), s = cpuid_of(m, 1), brand[3];
	u32 family = s.a >> 8 & 15, model = s.a >> 4 & 15;
	char vendor[13] = "", name[sizeof(brand) + 1] = "";

	memcpy(vendor, &v.b, 4);
	memcpy(vendor + 4, &v.d, 4);
	memcpy(vendor + 8, &v.c, 4);
	for (u32 i = 0; i < 3; i++)
		brand[i] = cpuid_of(m, 0x80000002 + i);
	memcpy(name, brand, sizeof(brand));
	if (family >= 6)
		model |= (s.a >> 16 & 15) << 4;
	if (family == 15)
		family += s.a >> 20 & 255;
	seq_printf(out, "processor\t: 0\nvendor_id\t: %s\n", vendor);
	seq_printf(out, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	seq_printf(out, "model name\t: %s\nstepping\t: %u\n", name[0] ? name : "unknown", s.a & 15);
}

/* The frequency of the guest's time stamp counter in kHz: virtual time counts nanoseconds; the
 * host's counter is measured, which takes a fifth of a millisecond. */
static u64 tsc_khz(const struct machine *m)
{
	u64 t0, t1, ns0, ns1;

	if (m->config.deterministic)
		return 1000000;
	t0 = __builtin_ia32_rdtsc();
	ns0 = host_clock_ns(CLOCK_MONOTONIC);
	do
		ns1 = host_clock_ns(CLOCK_MONOTONIC);
	while (ns1 - ns0 < 200000);
	t1 = __builtin_ia32_rdtsc();
	return (t1 - t0) * 1000000 / (ns1 - ns0);
}

/* /proc/cpuinfo: the one CPU, as cpuid shows it. */
int proc_show_cpuinfo(struct seq *out, struct machine *m)
{
	struct cpuid_regs ext = cpuid_of(m, 0x80000000);
	u32 apic = cpuid_of(m, 1).b >> 24, cache = 0, sizes = 0x3024;
	u64 khz = tsc_khz(m);

	if (ext.a >= 0x80000006)
		cache = cpuid_of(m, 0x80000006).c >> 16;
	if (ext.a >= 0x80000008)
		sizes = cpuid_of(m, 0x80000008).a;
	put_vendor_and_name(out, m);
	seq_printf(out, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
	if (cache)
		seq_printf(out, "cache size\t: %u KB\n", cache);
	seq_printf(out,
		   "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
		   "apicid\t\t: %u\ninitial apicid\t: %u\n",
		   apic, apic);
	seq_printf(out, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		   cpuid_of(m, 0).a);
	put_flags(out, m);
	seq_printf(out, "bugs\t\t:\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
	seq_printf(out, "clflush size\t: 64\ncache_alignment\t: 64\n");
	seq_printf(out, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		   sizes & 255, sizes >> 8 & 255);
	return 0;
}

/* For probes that look at single pages: the words of /proc/kpageflags, and the way to a state of the LRU
 * lists that does not depend on what else the CPU does. Only root sees frame numbers. */
#ifndef KPF_H
#define KPF_H

#include "probe.h"

#include <linux/kernel-page-flags.h>

/* The kernel's own header has these. */
#define KPF_MLOCKED 33
#define KPF_ANON_EXCLUSIVE 34 /* of anonymous pages only */

static char *drain_page;

HELPER uint64_t word_at(const char *path, uint64_t index)
{
	int fd = open(path, O_RDONLY);
	uint64_t v = 0;

	if (fd < 0 || pread(fd, &v, 8, index * 8) != 8)
		v = 0;
	close(fd);
	return v;
}

HELPER uint64_t flags_of(char *p)
{
	uint64_t v = word_at("/proc/self/pagemap", (uintptr_t)p / PG);
	uint64_t pfn = v & ((1UL << 55) - 1);

	return v >> 63 && pfn ? word_at("/proc/kpageflags", pfn) : 0;
}

/* From now on the program stays on one CPU, whose batches drain() empties: pages that wait for their
 * place on a list get it (mlock() does that first of all). */
HELPER void one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
	drain_page = mmap(0, PG, RW, ANON, -1, 0);
}

HELPER void drain(void)
{
	mlock(drain_page, PG);
	munlock(drain_page, PG);
}

/* Pages [p, p + n), equal neighbours together, after a drain. */
HELPER void kpf(const char *label, char *p, long n)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{KPF_MMAP, "mmap"},	      {KPF_ANON, "anon"},   {KPF_SWAPBACKED, "swapb"},
		{KPF_UPTODATE, "upt"},	      {KPF_DIRTY, "dirty"}, {KPF_LRU, "lru"},
		{KPF_REFERENCED, "ref"},      {KPF_ACTIVE, "act"},  {KPF_UNEVICTABLE, "unev"},
		{KPF_MLOCKED, "mlock"},	      {KPF_KSM, "ksm"},	    {24, "zero"},
		{KPF_ANON_EXCLUSIVE, "excl"},
	};
	uint64_t last = 0;
	long run = 0;

	drain();
	printf("%s:", label);
	for (long i = 0; i <= n; i++) {
		uint64_t f = 0, mask = 0;

		for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
			mask |= 1UL << names[k].bit;
		f = i < n ? flags_of(p + i * PG) & mask : ~0UL;
		if (!(f >> KPF_ANON & 1))
			f &= ~(1UL << KPF_ANON_EXCLUSIVE);
		if (i < n && f >> 24 & 1)
			f = 1UL << 24; /* the zero page's other ones are everybody's doing */
		if (i && f != last) {
			printf(" %ldx(", run);
			for (unsigned k = 0, any = 0; k < sizeof names / sizeof *names; k++)
				if (last >> names[k].bit & 1)
					printf("%s%s", any++ ? " " : "", names[k].name);
			printf(")");
			run = 0;
		}
		last = f;
		run++;
	}
	printf("\n");
}

#endif

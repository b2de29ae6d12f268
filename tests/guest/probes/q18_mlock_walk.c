/* q18_mlock_walk: VmLck, Locked and residence through mlock, mlock2, munlock and mlockall (5.8). */
#include "probe.h"

static char *p;

static void show(const char *label)
{
	static long base = -1;
	long v = st("VmLck");

	if (base < 0)
		base = v;
	printf("  %s: VmLck %+ld", label, v - base);
	shape("", p, 40);
}

int main(void)
{
	begin();
	p = arena(64);
	int fd = memfd("m", 8), ro = scratch(4);
	show("start");
	map(p, 8, RW, ANON, -1, 0);
	map(p + 8 * PG, 4, PROT_READ, ANON, -1, 0);
	map(p + 12 * PG, 4, PROT_NONE, ANON, -1, 0);
	map(p + 20 * PG, 4, RW, MAP_SHARED, fd, 0);
	map(p + 24 * PG, 4, PROT_READ, MAP_PRIVATE, ro, 0);
	F("mlock rw", T("mlock", mlock(p + 1, 2 * PG)));
	show("2 pages and a byte");
	counters("rw", p);
	F("mlock r", T("mlock", mlock(p + 8 * PG, 4 * PG)));
	counters("r: zero pages", p + 8 * PG);
	T("none", mlock(p + 12 * PG, 2 * PG));
	show("none");
	T("across a hole", mlock(p + 14 * PG, 8 * PG));
	show("across a hole");
	T("starting in a hole", mlock(p + 18 * PG, 4 * PG));
	show("starting in a hole");
	F("memfd", T("mlock", mlock(p + 20 * PG, 4 * PG)));
	entry("memfd", p + 20 * PG);
	T("private file", mlock(p + 24 * PG, 2 * PG));
	entry("private file", p + 24 * PG);
	T("mlock2 ONFAULT over locked", mlock2(p, 8 * PG, 1));
	entry("onfault", p);
	p[6 * PG] = 1;
	counters("touched 6", p);
	T("mlock over ONFAULT", mlock(p, 4 * PG));
	show("flags split");
	T("mlock2 2", mlock2(p, PG, 2));
	T("munlock across the hole", munlock(p + 10 * PG, 12 * PG));
	show("munlock");
	T("munlock nothing locked", munlock(p + 12 * PG, PG));
	T("munlock length 0", munlock(p, 0));
	T("munlock wrap", munlock(p, -PG));
	TA("mremap of a locked one",
	   mremap(p, 2 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 30 * PG), p);
	show("moved, grown");
	counters("moved", p + 30 * PG);
	T("DONTUNMAP",
	  syscall(SYS_mremap, p + 30 * PG, 4 * PG, 4 * PG, 7, p + 36 * PG) == (long)(p + 36 * PG));
	show("DONTUNMAP");
	entry("old", p + 30 * PG);
	entry("new", p + 36 * PG);
	T("munlockall", munlockall());
	show("munlockall");
	static const int flags[] = {0, 8, 4, 1 | 8, 2 | 4};
	for (unsigned i = 0; i < 5; i++)
		T("mlockall bad or future", mlockall(flags[i]));
	map(p, 4, RW, ANON, -1, 0);
	entry("FUTURE|ONFAULT", p);
	T("mlockall FUTURE", mlockall(MCL_FUTURE));
	F("mmap under FUTURE", map(p, 4, RW, ANON, -1, 0));
	entry("FUTURE", p);
	F("none under FUTURE", map(p, 4, PROT_NONE, ANON, -1, 0));
	entry("none", p);
	F("mprotect makes it rw", mprotect(p, 4 * PG, RW));
	entry("then rw", p);
	T("munlockall", munlockall());
	map(p, 4, RW, ANON, -1, 0);
	entry("after", p);
	return 0;
}

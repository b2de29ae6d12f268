/* q01_growth: how far a GROWSDOWN VMA grows, what stops it, and who keeps away from it (1.4). */
#include "probe.h"

static void neighbour(const char *label, char *p, int prot)
{
	map(p, 2048, PROT_NONE, SHANON, -1, 0);
	munmap(p, 2048 * PG);
	map(p, 1, prot, ANON, -1, 0);
	map(p + 600 * PG, 2, RW, ANON | MAP_GROWSDOWN, -1, 0);
	printf("-- neighbour %s\n", label);
	try_access("page 599", p + 599 * PG, 'r');
	try_access("page 300", p + 300 * PG, 'w');
	try_access("page 257", p + 257 * PG, 'w');
	try_access("page 256", p + 256 * PG, 'w');
	try_access("page 1", p + PG, 'w');
	shape("shape", p, 700);
}

int main(void)
{
	begin();
	catch_faults();
	char *p = arena(2048);
	neighbour("rw", p, RW);
	neighbour("r", p, PROT_READ);
	neighbour("none", p, PROT_NONE);
	/* hints stay 256 pages below; FIXED does not care */
	munmap(p, 2048 * PG);
	map(p + 1000 * PG, 2, RW, ANON | MAP_GROWSDOWN, -1, 0);
	TA("hint 1 page below",
	   mmap(p + 999 * PG, PG, RW, ANON, -1, 0) == p + 999 * PG ? p : p + PG, p);
	TA("hint 256 pages below", mmap(p + 743 * PG, PG, RW, ANON, -1, 0), p);
	TA("FIXED_NOREPLACE just below", mmap(p + 999 * PG, PG, PROT_READ, ANON | 0x100000, -1, 0),
	   p);
	shape("shape", p, 1100);
	try_access("growth into what is mapped", p + 998 * PG, 'w');
	/* read-only and split areas grow too */
	munmap(p, 2048 * PG);
	map(p + 1000 * PG, 4, PROT_READ, ANON | MAP_GROWSDOWN, -1, 0);
	try_access("read-only, read below", p + 990 * PG, 'r');
	try_access("read-only, write below", p + 980 * PG, 'w');
	shape("shape", p, 1100);
	mprotect(p + 992 * PG, 2 * PG, RW);
	shape("split", p, 1100);
	try_access("below the split", p + 970 * PG, 'r');
	shape("shape", p, 1100);
	entry("lowest", p + 970 * PG);
	/* the kernel's own accesses */
	int fd = memfd("m", 1);
	munmap(p, 2048 * PG);
	map(p + 1000 * PG, 1, RW, ANON | MAP_GROWSDOWN, -1, 0);
	T("read below it", pread(fd, p + 900 * PG, 100, 0));
	T("write from below it", pwrite(fd, p + 850 * PG, 100, 0));
	shape("shape", p, 1100);
	TA("mremap of it, in place", mremap(p + 999 * PG, PG, 2 * PG, 0), p);
	T("mprotect GROWSDOWN", mprotect(p + 999 * PG, PG, PROT_READ | PROT_GROWSDOWN));
	shape("shape", p, 1100);
	return 0;
}

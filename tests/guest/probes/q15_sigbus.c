/* q15_sigbus: the pages of a mapping past the end of its object, before and after truncation (5.10, 5.11). */
#include "probe.h"

static char *p;

static void kind(const char *label, int fd, int flags)
{
	char b[PG];

	printf("-- %s\n", label);
	ftruncate(fd, 4 * PG);
	map(p, 8, RW, flags, fd, 0);
	try_access("last page", p + 3 * PG, 'r');
	try_access("past the end", p + 4 * PG, 'r');
	try_access("past the end", p + 7 * PG + 5, 'w');
	p[2 * PG] = 'w';
	p[3 * PG] = 'w';
	ftruncate(fd, 2 * PG + 100);
	try_access("cut in page 2", p + 2 * PG, 'r');
	printf("byte 100 of it is %d, byte 4095 %d\n", p[2 * PG + 100], p[3 * PG - 1]);
	try_access("page 3 is gone", p + 3 * PG, 'r');
	try_access("page 3 is gone", p + 3 * PG, 'w');
	counters("counters", p);
	pagemap("pagemap", p, 5);
	T("read(2) into it", pread(fd, p + 3 * PG, 10, 0));
	T("write(2) from it", write(open("/tmp", O_TMPFILE | O_RDWR, 0600), p + 2 * PG, 2 * PG));
	ftruncate(fd, 4 * PG);
	try_access("grown: page 3", p + 3 * PG, 'r');
	F("write again", p[3 * PG] = 1);
	ftruncate(fd, 0);
	try_access("empty", p, 'r');
	T("mlock", mlock(p, PG));
	T("munlock", munlock(p, PG));
	T("POPULATE_READ", madvise(p, PG, 22));
	T("POPULATE_WRITE", madvise(p, PG, 23));
	T("DONTNEED", madvise(p, 8 * PG, MADV_DONTNEED));
	T("pwrite 1 page", pwrite(fd, memset(b, 'n', PG), PG, 0));
	try_access("page 0 is back", p, 'r');
	counters("counters", p);
	munmap(p, 8 * PG);
}

int main(void)
{
	begin();
	catch_faults();
	p = arena(16);
	kind("memfd shared", memfd("m", 0), MAP_SHARED);
	kind("memfd private", memfd("m", 0), MAP_PRIVATE);
	kind("file shared", scratch(4), MAP_SHARED);
	kind("file private", scratch(4), MAP_PRIVATE);
	map(p, 2, RW, SHANON, -1, 0);
	TA("shared anon grown past its object", mremap(p, 2 * PG, 4 * PG, 0), p);
	try_access("page 1", p + PG, 'w');
	try_access("page 2", p + 2 * PG, 'w');
	return 0;
}

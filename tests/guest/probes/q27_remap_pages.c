/* q27_remap_pages: remap_file_pages, mremap with old size 0 and other second views of one object (5.5). */
#include "probe.h"

#define remap(at, pages, prot, pgoff, flags)                                                       \
	syscall(SYS_remap_file_pages, at, (pages)*PG, prot, pgoff, flags)

int main(void)
{
	begin();
	char *p = arena(64);
	int fd = memfd("m", 8);
	map(p, 8, RW, MAP_SHARED, fd, 0);
	T("swap 0 to 5", remap(p, 1, 0, 5, 0));
	printf("page 0 is %c\n", p[0]);
	shape("shape", p, 8);
	T("swap 5 to 0", remap(p + 5 * PG, 1, 0, 0, 0));
	printf("page 5 is %c\n", p[5 * PG]);
	shape("shape", p, 8);
	T("two at once", remap(p + 1 * PG, 2, 0, 6, 0));
	shape("shape", p, 8);
	counters("counters", p);
	T("past the object", remap(p + 3 * PG, 1, 0, 100, 0));
	T("prot not 0", remap(p + 3 * PG, 1, PROT_READ, 0, 0));
	T("length 0", remap(p, 0, 0, 0, 0));
	T("offset wraps", remap(p, 2, 0, -1L, 0));
	T("in a hole", remap(p + 20 * PG, 1, 0, 0, 0));
	T("across areas", remap(p + 4 * PG, 2, 0, 0, 0));
	T("back", remap(p, 8, 0, 0, 0));
	shape("shape", p, 8);
	map(p + 10 * PG, 4, RW, MAP_PRIVATE, fd, 0);
	T("private", remap(p + 10 * PG, 1, 0, 1, 0));
	map(p + 10 * PG, 4, RW, ANON, -1, 0);
	T("anon", remap(p + 10 * PG, 1, 0, 1, 0));
	map(p + 10 * PG, 4, RW, SHANON, -1, 0);
	for (int i = 0; i < 4; i++)
		p[(10 + i) * PG] = 'a' + i;
	T("shared anon", remap(p + 10 * PG, 1, 0, 3, 0));
	printf("page 0 is %c\n", p[10 * PG]);
	shape("shape", p + 10 * PG, 4);
	map(p + 20 * PG, 4, RW, MAP_SHARED | MAP_LOCKED, fd, 0);
	T("locked", remap(p + 20 * PG, 1, 0, 3, 0));
	entry("locked", p + 20 * PG);
	T("NONBLOCK", remap(p + 21 * PG, 1, 0, 3, MAP_NONBLOCK));
	/* old size 0 */
	TA("second view",
	   mremap(p + 10 * PG, 0, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 30 * PG), p);
	shape("shape", p + 30 * PG, 4);
	p[30 * PG] = 'v';
	printf("seen through the first %c, object's page 3 %c\n", p[10 * PG], p[13 * PG]);
	counters("second", p + 30 * PG);
	TA("of a private one", mremap(p, 0, 4 * PG, 0), p);
	map(p, 4, RW, ANON, -1, 0);
	TA("of an anonymous one", mremap(p, 0, 4 * PG, MREMAP_MAYMOVE), p);
	map(p, 4, RW, MAP_SHARED, fd, 2);
	TA("from its middle", mremap(p + PG, 0, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 40 * PG),
	   p);
	printf("page is %c\n", p[40 * PG]);
	shape("shape", p + 40 * PG, 4);
	TA("larger than the area", mremap(p, 0, 8 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 44 * PG),
	   p);
	shape("shape", p + 44 * PG, 8);
	return 0;
}

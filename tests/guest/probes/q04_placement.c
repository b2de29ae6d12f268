/* q04_placement: where mmap puts things: highest hole, 2 MiB alignment, hints, MAP_32BIT (1.1, 5.2). */
#include "probe.h"

int main(void)
{
	begin();
	/* what is free above the last mapping is filled, so that the next is at the bottom */
	char *z = mmap(0, 4096 * PG + PG, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), *a, *b, *c;
	char *low = z;
	a = mmap(0, PG, RW, ANON, -1, 0);
	TA("one page", a, low);
	b = mmap(0, 3 * PG, PROT_READ, ANON, -1, 0);
	TA("three pages", b, low);
	munmap(a, PG);
	TA("two pages do not fit the hole of one", mmap(0, 2 * PG, PROT_NONE, ANON, -1, 0), low);
	TA("one page does", mmap(0, PG, PROT_EXEC, ANON, -1, 0), low);
	c = mmap(0, 512 * PG, RW, ANON, -1, 0);
	printf("2 MiB anonymous: aligned %d\n", !((uintptr_t)c & ((1 << 21) - 1)));
	c = mmap(0, 1024 * PG, PROT_NONE, SHANON, -1, 0);
	printf("4 MiB shared: aligned %d\n", !((uintptr_t)c & ((1 << 21) - 1)));
	c = mmap(0, 513 * PG, RW, ANON, -1, 0);
	printf("513 pages: aligned %d\n", !((uintptr_t)c & ((1 << 21) - 1)));
	/* holes inside a fenced arena by hints */
	char *p = arena(64);
	TA("hint free", mmap(p + 8 * PG, PG, RW, ANON, -1, 0), p);
	TA("hint in the middle of a page", mmap(p + 10 * PG + 123, PG, RW, ANON, -1, 0), p);
	a = mmap(p + 8 * PG, PG, RW, ANON, -1, 0);
	printf("hint taken: elsewhere %d\n",
	       a != p + 8 * PG && (a < p || a >= p + 64 * PG || a > p + 8 * PG));
	TA("hint whose range meets a mapping, inside",
	   mmap(p + 7 * PG, 2 * PG, RW, ANON, -1, 0) == p + 7 * PG ? p : p + PG, p);
	TA("FIXED_NOREPLACE free", mmap(p + 20 * PG, PG, RW, ANON | 0x100000, -1, 0), p);
	TA("FIXED_NOREPLACE over half", mmap(p + 20 * PG, 2 * PG, RW, ANON | 0x100000, -1, 0), p);
	TA("FIXED over it", mmap(p + 19 * PG, 3 * PG, PROT_READ, ANON | FX, -1, 0), p);
	shape("shape", p, 24);
	/* low addresses */
	a = mmap((void *)1, PG, RW, ANON, -1, 0);
	printf("hint 1: none %d\n", a > (char *)0x100000000);
	a = mmap((void *)0x2000, PG, RW, ANON, -1, 0);
	printf("hint 0x2000: %p\n", (void *)a);
	a = mmap((void *)0x2000, PG, RW, ANON, -1, 0);
	printf("again: high %d\n", a > (char *)0x100000000);
	T("FIXED at user end", mmap((void *)0x7ffffffff000, PG, RW, ANON | FX, -1, 0));
	a = mmap((void *)0xffff800000000000, PG, RW, ANON, -1, 0);
	printf("hint in the kernel: ok %d\n", a != MAP_FAILED);
	/* 32 bit */
	a = mmap(0, PG, RW, ANON | MAP_32BIT, -1, 0);
	b = mmap(0, 16 * PG, RW, ANON | MAP_32BIT, -1, 0);
	printf("32BIT: in [1, 2) GiB %d %d\n", (uintptr_t)a >> 30 == 1, (uintptr_t)b >> 30 == 1);
	TA("32BIT, hint", mmap((void *)0x30000000, PG, RW, ANON | MAP_32BIT, -1, 0), 0x30000000);
	T("32BIT, 2 GiB", mmap(0, 2UL << 30, PROT_NONE, ANON | MAP_32BIT | MAP_NORESERVE, -1, 0));
	TA("32BIT with FIXED high", mmap(p, PG, RW, ANON | MAP_32BIT | FX, -1, 0), p);
	return 0;
}

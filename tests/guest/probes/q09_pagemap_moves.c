/* q09_pagemap_moves: the bits of pagemap, and mincore, through every call that moves a page (4.2, 5.8). */
#include "probe.h"

static char *p;

static void show(const char *label, long n)
{
	unsigned char v[16] = {0};

	pagemap(label, p, n);
	if (mincore(p, n * PG, v)) {
		printf("  mincore %s\n", en(errno));
		return;
	}
	printf("  mincore");
	for (long i = 0; i < n; i++)
		printf(" %d", v[i]);
	printf("\n");
}

int main(void)
{
	begin();
	p = arena(64);
	int fd = memfd("m", 4), status;
	map(p, 8, RW, ANON, -1, 0);
	show("fresh", 8);
	(void)*(volatile char *)p;
	memset(p + PG, 1, 4 * PG);
	show("0 read, 1-4 written", 8);
	madvise(p + 2 * PG, PG, MADV_DONTNEED);
	madvise(p + 3 * PG, PG, MADV_FREE);
	madvise(p + 6 * PG, PG, ADV_GUARD_INSTALL);
	show("DONTNEED 2, FREE 3, guard 6", 8);
	mprotect(p, 8 * PG, PROT_NONE);
	show("PROT_NONE", 8);
	mprotect(p, 8 * PG, RW);
	TA("moved", syscall(SYS_mremap, p, 8 * PG, 8 * PG, 3, p + 20 * PG), p);
	show("left behind", 8);
	p += 20 * PG;
	show("there", 8);
	TA("moved with DONTUNMAP", syscall(SYS_mremap, p, 8 * PG, 8 * PG, 7, p + 20 * PG), p);
	show("left behind", 8);
	p += 20 * PG;
	show("there", 8);
	if (!fork()) {
		show("child", 8);
		p[PG] = 2;
		show("child stored in 1", 8);
		_exit(0);
	}
	wait(&status);
	show("parent, child gone", 8);
	madvise(p, 8 * PG, MADV_DONTNEED);
	show("DONTNEED all: guards survive", 8);
	madvise(p, 8 * PG, MADV_WIPEONFORK);
	p[0] = 1;
	if (!fork()) {
		show("child, wiped", 8);
		_exit(0);
	}
	wait(&status);
	map(p, 4, RW, MAP_PRIVATE, fd, 0);
	show("private memfd", 4);
	(void)*(volatile char *)(p + PG);
	show("read 1", 4);
	p[2 * PG] = 1;
	show("written 2", 4);
	ftruncate(fd, 2 * PG);
	show("truncated to 2", 4);
	ftruncate(fd, 4 * PG);
	show("and back", 4);
	map(p, 4, RW, SHANON, -1, 0);
	p[PG] = 1;
	show("shared anon, 1 written", 4);
	madvise(p, 4 * PG, MADV_DONTNEED);
	show("DONTNEED", 4);
	madvise(p, 4 * PG, MADV_REMOVE);
	show("REMOVE", 4);
	madvise(p + PG, PG, ADV_GUARD_INSTALL);
	show("guard in it", 4);
	mlock2(p, PG, 0);
	show("mlock 0", 4);
	return 0;
}

/* memory: contents seen through mmap, mremap, mprotect, brk, files and the stack's growth. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PG 4096L
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned long sum(const char *p, long len)
{
	unsigned long s = 0;

	for (long i = 0; i < len; i++)
		s = s * 31 + (unsigned char)p[i];
	return s;
}

static void fill(char *p, long pages)
{
	for (long i = 0; i < pages; i++)
		memset(p + i * PG, (int)(i * 11 + 1), PG);
}

static void anonymous(void)
{
	char *p = mmap(NULL, 64 * PG, RW, ANON, -1, 0), *q;

	printf("fresh %lx\n", sum(p, 64 * PG));
	fill(p, 64);
	munmap(p + 8 * PG, 8 * PG);
	mprotect(p + 20 * PG, 4 * PG, PROT_READ);
	q = mremap(p + 32 * PG, 32 * PG, 64 * PG, MREMAP_MAYMOVE);
	printf("moved %lx tail %lx\n", sum(q, 32 * PG), sum(q + 32 * PG, 32 * PG));
	mmap(p + 8 * PG, 8 * PG, RW, ANON | MAP_FIXED, -1, 0);
	printf("hole refilled %lx\n", sum(p, 32 * PG));
	madvise(p, 4 * PG, MADV_DONTNEED);
	printf("after DONTNEED %lx\n", sum(p, 32 * PG));
	printf("unknown advice %d %d\n", madvise(p, PG, 12345), errno);
}

static void files(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[64], *shared, *private;

	for (int i = 0; i < 3000; i++)
		dprintf(fd, "line %d\n", i);
	shared = mmap(NULL, 8 * PG, RW, MAP_SHARED, fd, 0);
	private = mmap(NULL, 8 * PG, RW, MAP_PRIVATE, fd, 0);
	printf("read through maps %lx %lx\n", sum(shared, 6 * PG), sum(private, 6 * PG));
	memcpy(shared + PG, "SHARED", 6);
	memcpy(private + 2 * PG, "PRIVATE", 7);
	pread(fd, buf, 6, PG);
	printf("read() sees %.6s; ", buf);
	pwrite(fd, "WRITTEN", 7, 3 * PG);
	printf("maps see %.7s %.7s; ", shared + 3 * PG, private + 3 * PG);
	pread(fd, buf, 7, 2 * PG);
	printf("private stays: %d\n", !memcmp(buf, private + 2 * PG, 7));
	msync(shared, 8 * PG, MS_SYNC);
	munmap(private, 8 * PG);
	munmap(shared, 8 * PG);
	close(fd);
}

static long deep(int n)
{
	volatile char frame[1000];

	memset((char *)frame, n, sizeof(frame));
	return n ? deep(n - 1) + frame[n % 1000] : 0;
}

static void heap(void)
{
	char *old = sbrk(0), *p;
	unsigned long s = 0;

	p = sbrk(100 * PG);
	fill(p, 100);
	printf("brk %d %lx\n", p == old, sum(p, 100 * PG));
	sbrk(-50 * PG);
	sbrk(50 * PG);
	printf("brk again %lx\n", sum(p, 100 * PG));
	for (int i = 1; i < 2000; i++) {
		p = malloc(i * 37 % 5000 + 1);
		memset(p, i, i * 37 % 5000 + 1);
		s += (unsigned char)p[i * 37 % 5000];
		if (i % 3)
			free(p);
	}
	printf("malloc %lx\n", s);
}

int main(void)
{
	anonymous();
	files();
	heap();
	printf("stack %lx\n", deep(3000));
	return 0;
}

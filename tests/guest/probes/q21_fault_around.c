/* q21_fault_around: the window that one read fault of a mapped file fills, by position and size (6). */
#include "probe.h"

static char *p;

static void window(const char *label, long at, long pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	long from = -1, n = 0;
	uint64_t v;

	(void)*(volatile char *)(p + at * PG);
	for (long i = 0; i < pages; i++) {
		pread(fd, &v, 8, ((uintptr_t)p / PG + i) * 8);
		if (v >> 63) {
			if (from < 0)
				from = i;
			n++;
		}
	}
	printf("%s: read page %ld: %ld pages from %ld\n", label, at, n, from);
	close(fd);
	madvise(p, pages * PG, MADV_DONTNEED);
}

int main(void)
{
	begin();
	char *base = arena(600);
	int fd = memfd("m", 600), file = scratch(40);
	p = base;
	map(p, 64, PROT_READ, MAP_SHARED, fd, 0);
	window("aligned", 0, 64);
	window("aligned", 15, 64);
	window("aligned", 16, 64);
	window("aligned", 63, 64);
	map(p, 64, RW, MAP_PRIVATE, fd, 5);
	window("offset 5: virtual windows", 3, 64);
	window("offset 5", 20, 64);
	map(p, 64, PROT_NONE, SHANON, -1, 0);
	p = base + 5 * PG;
	map(p, 20, PROT_READ, MAP_PRIVATE, fd, 5);
	window("clipped by the area", 0, 20);
	window("clipped by the area", 12, 20);
	window("clipped by the area", 19, 20);
	p = base;
	map(p, 600, PROT_READ, MAP_PRIVATE, fd, 0);
	window("last page of a table", 511, 600);
	window("first page of the next", 512, 600);
	window("end of the object", 599, 600);
	ftruncate(fd, 100 * PG);
	window("end of a shorter object", 99, 200);
	window("one before a hole", 90, 200);
	fallocate(fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, 20 * PG, 4 * PG);
	window("holes are left out", 19, 64);
	window("a hole itself", 21, 64);
	window("now filled", 19, 64);
	madvise(p, 64 * PG, MADV_RANDOM);
	window("RANDOM", 3, 64);
	madvise(p, 64 * PG, MADV_SEQUENTIAL);
	window("SEQUENTIAL", 3, 64);
	mprotect(p + 8 * PG, PG, PROT_READ | PROT_WRITE);
	window("split by mprotect", 3, 64);
	mprotect(p, 64 * PG, RW);
	p[2 * PG] = 1;
	window("a private copy is not replaced", 3, 64);
	p = base;
	map(p, 64, PROT_READ, MAP_SHARED, file, 0);
	window("file", 3, 40);
	window("file, last page", 39, 64);
	int id = shmget(IPC_PRIVATE, 16 * PG, 0600 | IPC_CREAT);
	munmap(p, 64 * PG);
	shmat(id, p, 0);
	memset(p, 1, 16 * PG);
	madvise(p, 16 * PG, MADV_DONTNEED);
	window("SysV: no window", 3, 16);
	shmctl(id, IPC_RMID, 0);
	map(p, 16, RW, SHANON, -1, 0);
	memset(p, 1, 16 * PG);
	madvise(p, 16 * PG, MADV_DONTNEED);
	window("shared anon", 3, 16);
	return 0;
}

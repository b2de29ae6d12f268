/* q41_ptes_of_a_run: a cold file of 256 pages, mapped and loaded from page by page from its start: which loads
 * bring ptes, and which. docs/memory.md explains the first of them. Windows of 32 pages, of another size where the
 * device's read_ahead_kb is not 128. */
#include "cold.h"

#define LOADS 64L

static int present(const uint64_t *entries, long i)
{
	return entries[i] >> 63;
}

static void look(int pagemap_fd, const volatile char *p, uint64_t *entries)
{
	pread(pagemap_fd, entries, LOADS * 8, (uintptr_t)p / PG * 8);
}

static void run(const char *what, int prot, int advice)
{
	int fd = cold_open(), pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t before[LOADS], after[LOADS];
	volatile char *p = mmap(arena(256), 256 * PG, prot, MAP_PRIVATE | MAP_FIXED, fd, 0);

	madvise((void *)p, 256 * PG, advice);
	printf("-- %s\n", what);
	for (long i = 0; i < LOADS; i++) {
		resident(); /* a page that is on its way is not mapped around */
		look(pagemap_fd, p, before);
		if (present(before, i))
			continue;
		(void)p[i * PG];
		look(pagemap_fd, p, after);
		printf("  load %ld brings", i);
		for (long k = 0, n; k < LOADS; k += n) {
			for (n = 0;
			     k + n < LOADS && present(after, k + n) && !present(before, k + n); n++)
				;
			if (n)
				printf(n > 1 ? " %ld-%ld" : " %ld", k, k + n - 1);
			n += !n;
		}
		printf("\n");
	}
	munmap((void *)p, 256 * PG);
	close(pagemap_fd);
	close(fd);
}

int main(void)
{
	begin();
	cold_file(256, 0);
	run("a mapping to read", PROT_READ, MADV_NORMAL);
	run("RANDOM", PROT_READ, MADV_RANDOM);
	run("SEQUENTIAL", PROT_READ, MADV_SEQUENTIAL);
	run("code", PROT_READ | PROT_EXEC, MADV_NORMAL);
	unlink(cold_name);
	return 0;
}

/* Every memory call with each flag bit and with arguments that are wrong in every way: what comes
 * back must be what Linux says. One line a call, the results as a row. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* The playground: 0-3 private, 4-5 hole, 6-7 read-only, 8-9 shared, 10 no rights, 11 a file's,
 * 12-13 locked, then nothing. */
static char *area;
static int file_fd;

static void build(void)
{
	munmap(area, 64 * PG);
	mmap(area, 4 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mmap(area + 6 * PG, 2 * PG, PROT_READ, ANON | MAP_FIXED, -1, 0);
	mmap(area + 8 * PG, 2 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(area + 10 * PG, PG, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	mmap(area + 11 * PG, PG, PROT_READ, MAP_SHARED | MAP_FIXED, file_fd, 0);
	mmap(area + 12 * PG, 2 * PG, RW, ANON | MAP_FIXED, -1, 0);
	mlock(area + 12 * PG, 2 * PG);
	area[0] = area[3 * PG] = 1;
}

/* Layout after a call, so that an effect on the way to an error shows. */
static unsigned long layout(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long s, e, h = 5381;
	char rights[8];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &s, &e, rights) != 3 || e <= (unsigned long)area ||
		    s >= (unsigned long)area + 64 * PG)
			continue;
		h = h * 33 + (s - (unsigned long)area) / PG;
		h = h * 33 + (e - (unsigned long)area) / PG;
		for (char *c = rights; *c; c++)
			h = h * 33 + (unsigned char)*c;
	}
	if (f)
		fclose(f);
	return h & 0xffff;
}

static const uint64_t odd[] = {
	0,
	1,
	PG,
	PG - 1,
	3 * PG + 5,
	16 * PG,
	1UL << 31,
	1UL << 40,
	1UL << 47,
	(1UL << 47) - PG,
	1UL << 63,
	-1UL,
	-PG,
	-1UL - PG,
	0xffff800000000000,
	0xffffffffff600000,
};
#define NR_ODD (sizeof(odd) / sizeof(*odd))

static const struct {
	const char *name;
	int start, pages;
} places[] = {
	{"page", 0, 1},	     {"two", 1, 2},	  {"into hole", 3, 2}, {"hole", 4, 2},
	{"over hole", 2, 5}, {"read-only", 6, 1}, {"mixed", 6, 4},     {"shared", 8, 2},
	{"none", 10, 1},     {"file", 11, 1},	  {"locked", 12, 2},   {"all", 0, 14},
	{"from hole", 5, 3},
};
#define NR_PLACES (sizeof(places) / sizeof(*places))

static void result(long r)
{
	/* An address is told as its page in the area, or as some place. */
	if (r == -1)
		printf(" %s", strerrorname_np(errno));
	else if ((unsigned long)r >= (unsigned long)area &&
		 (unsigned long)r < (unsigned long)area + 64 * PG)
		printf(" p%ld", (r - (long)area) / (long)PG);
	else
		printf(" %s", (unsigned long)r > 4096 ? "place" : r ? "more" : "0");
}

/* @call with start and length odd in each way, a and b as they are. */
static void odd_ranges(const char *name, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	printf("%s odd start:", name);
	for (unsigned i = 0; i < NR_ODD; i++) {
		build();
		errno = 0;
		result(syscall(nr, odd[i], PG, a, b, c));
	}
	printf("\n%s odd offset:", name);
	for (unsigned i = 0; i < 8; i++) {
		build();
		errno = 0;
		result(syscall(nr, area + (1UL << i), PG, a, b, c));
	}
	printf("\n%s odd length:", name);
	for (unsigned i = 0; i < NR_ODD; i++) {
		if (odd[i] >= 1UL << 31 && odd[i] < 1UL << 47)
			continue; /* so far that it meets who knows what */
		build();
		errno = 0;
		result(syscall(nr, area, odd[i], a, b, c));
	}
	printf(" (%lx)\n", layout());
}

/* Each place, with the third argument @a. */
static void all_places(const char *name, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	printf("%s %llx:", name, (unsigned long long)a);
	for (unsigned i = 0; i < NR_PLACES; i++) {
		build();
		errno = 0;
		result(syscall(nr, area + places[i].start * PG, places[i].pages * PG, a, b, c));
		printf("/%lx", layout());
	}
	printf("\n");
}

static void by_bits(const char *name, int nr, uint64_t base, int bits, uint64_t b, uint64_t c)
{
	for (int i = -1; i < bits; i++)
		all_places(name, nr, base | (i < 0 ? 0 : 1UL << i), b, c);
}

/* Where the kernel chose is its own business, and must not be in the way later. */
static void moved(long r, unsigned flags, uint64_t len)
{
	if (r == -1 || (flags & MREMAP_FIXED) ||
	    (r >= (long)area && r < (long)area + 14 * (long)PG)) {
		result(r);
		return;
	}
	printf(" moved");
	munmap((void *)r, len);
}

static void mremaps(void)
{
	static const struct {
		int from, old, new, to;
	} moves[] = {
		{0, 1, 1, 20},	 {0, 2, 1, 20},	 {0, 1, 2, 20},	 {3, 1, 2, 20}, {3, 1, 6, 20},
		{2, 3, 3, 20},	 {4, 1, 1, 20},	 {0, 0, 1, 20},	 {8, 0, 2, 20}, {8, 2, 4, 20},
		{11, 0, 1, 20},	 {11, 1, 3, 20}, {12, 2, 4, 20}, {0, 4, 4, 2},	{0, 2, 2, 1},
		{0, 14, 14, 20}, {10, 1, 1, 0},	 {6, 2, 2, 8},	 {0, 4, 0, 20}, {12, 1, 1, 20},
	};

	for (unsigned m = 0; m < sizeof(moves) / sizeof(*moves); m++) {
		printf("mremap %d %d %d:", moves[m].from, moves[m].old, moves[m].new);
		for (unsigned flags = 0; flags < 17; flags++) {
			build();
			errno = 0;
			moved(syscall(SYS_mremap, area + moves[m].from * PG, moves[m].old * PG,
				      moves[m].new *PG, flags, area + moves[m].to * PG),
			      flags, moves[m].new *PG);
			printf("/%lx", layout());
		}
		printf("\n");
	}
	for (unsigned which = 0; which < 4; which++) {
		printf("mremap odd %u:", which);
		for (unsigned flags = 0; flags < 8; flags++) {
			for (unsigned i = 0; i < NR_ODD; i++) {
				uint64_t v[4] = {(uint64_t)area, PG, 2 * PG,
						 (uint64_t)area + 20 * PG};

				/* Not so far that it may fit, depending on what is free. */
				if (which && which < 3 && odd[i] >= 1UL << 31 && odd[i] < 1UL << 47)
					continue;
				v[which] = odd[i];
				if (odd[i] == 1UL << 31 || odd[i] == 1UL << 40)
					continue; /* a shrink would take who knows what */
				build();
				errno = 0;
				moved(syscall(SYS_mremap, v[0], v[1], v[2], flags, v[3]), flags,
				      v[2]);
			}
			printf(" |");
		}
		printf("\n");
	}
}

static void mmaps(void)
{
	printf("mmap flags:");
	for (int base = 0; base < 4; base++) {
		for (int bit = 2; bit < 33; bit++) {
			if (bit == 18) /* huge pages: the machine's pool */
				continue;
			munmap(area + 30 * PG, 4 * PG);
			errno = 0;
			result(syscall(SYS_mmap, area + 30 * PG, PG, PROT_READ,
				       base | MAP_ANONYMOUS | MAP_FIXED | 1UL << bit, -1, 0));
		}
		printf(" |");
	}
	printf("\nmmap of a file:");
	for (int base = 0; base < 4; base++) {
		for (int bit = 2; bit < 33; bit++) {
			if (bit == 18)
				continue;
			munmap(area + 30 * PG, 4 * PG);
			errno = 0;
			result(syscall(SYS_mmap, area + 30 * PG, PG, PROT_READ,
				       base | MAP_FIXED | 1UL << bit, file_fd, 0));
		}
		printf(" |");
	}
	printf("\nmmap rights:");
	for (int prot = 0; prot < 64; prot++) {
		errno = 0;
		result(syscall(SYS_mmap, area + 30 * PG, PG, prot, ANON | MAP_FIXED, -1, 0));
		errno = 0;
		result(syscall(SYS_mmap, area + 30 * PG, PG, prot, MAP_SHARED | MAP_FIXED, file_fd,
			       0));
	}
	printf("\nmmap odd length:");
	for (unsigned i = 0; i < NR_ODD; i++) {
		if (odd[i] >= 1UL << 31 && odd[i] < 1UL << 47)
			continue;
		errno = 0;
		result(syscall(SYS_mmap, 0, odd[i], RW, ANON | MAP_NORESERVE, -1, 0));
	}
	printf("\nmmap odd place:");
	for (unsigned i = 0; i < NR_ODD; i++) {
		if (odd[i] > PG && odd[i] < 1UL << 47 && odd[i] != 16 * PG)
			continue;
		errno = 0;
		result(syscall(SYS_mmap, odd[i], PG, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	}
	printf("\nmmap odd offset:");
	for (unsigned i = 0; i < NR_ODD; i++) {
		errno = 0;
		result(syscall(SYS_mmap, 0, PG, PROT_READ, MAP_PRIVATE, file_fd, odd[i]));
		errno = 0;
		result(syscall(SYS_mmap, 0, 2 * PG, PROT_READ, ANON, -1, odd[i]));
	}
	printf("\nmmap odd descriptor:");
	for (int fd = -2; fd < 12; fd += 11) {
		errno = 0;
		result(syscall(SYS_mmap, 0, PG, PROT_READ, MAP_PRIVATE, fd, 0));
		errno = 0;
		result(syscall(SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE, fd, 0));
	}
	printf("\n");
}

static void remaps(void)
{
	for (int bit = -1; bit < 20; bit++) {
		printf("remap_file_pages %d:", bit);
		for (unsigned i = 0; i < NR_PLACES; i++) {
			build();
			errno = 0;
			result(syscall(SYS_remap_file_pages, area + places[i].start * PG,
				       places[i].pages * PG, 0, 1, bit < 0 ? 0 : 1UL << bit));
		}
		printf("\n");
	}
	printf("remap_file_pages odd:");
	for (unsigned i = 0; i < NR_ODD; i++) {
		build();
		errno = 0;
		result(syscall(SYS_remap_file_pages, area + 8 * PG, PG, odd[i], 0, 0));
		errno = 0;
		result(syscall(SYS_remap_file_pages, area + 8 * PG, PG, 0, odd[i], 0));
		errno = 0;
		result(syscall(SYS_remap_file_pages, area + 8 * PG, odd[i], 0, 0, 0));
	}
	printf("\n");
}

int main(void)
{
	struct rlimit rl = {64 << 20, 64 << 20};
	char *vec = malloc(4 * PG);
	char *m =
		mmap(NULL, 1024 * PG, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	setrlimit(RLIMIT_MEMLOCK, &rl);
	file_fd = open("/proc/self/exe", O_RDONLY);
	area = (char *)(((uintptr_t)m + (1 << 21) - 1) & ~((1UL << 21) - 1));
	odd_ranges("munmap", SYS_munmap, 0, 0, 0);
	all_places("munmap", SYS_munmap, 0, 0, 0);
	odd_ranges("mprotect", SYS_mprotect, PROT_READ, 0, 0);
	by_bits("mprotect", SYS_mprotect, 0, 32, 0, 0);
	by_bits("mprotect", SYS_mprotect, PROT_GROWSDOWN, 3, 0, 0);
	all_places("mprotect", SYS_mprotect, PROT_GROWSDOWN | PROT_GROWSUP, 0, 0);
	odd_ranges("mincore", SYS_mincore, (uint64_t)vec, 0, 0);
	all_places("mincore", SYS_mincore, 8, 0, 0);
	all_places("mincore", SYS_mincore, 1UL << 63, 0, 0);
	odd_ranges("msync", SYS_msync, MS_SYNC, 0, 0);
	by_bits("msync", SYS_msync, 0, 16, 0, 0);
	for (int f = 0; f < 8; f++)
		all_places("msync", SYS_msync, f, 0, 0);
	odd_ranges("mlock", SYS_mlock, 0, 0, 0);
	all_places("mlock", SYS_mlock, 0, 0, 0);
	odd_ranges("mlock2", SYS_mlock2, 1, 0, 0);
	by_bits("mlock2", SYS_mlock2, 0, 32, 0, 0);
	odd_ranges("munlock", SYS_munlock, 0, 0, 0);
	all_places("munlock", SYS_munlock, 0, 0, 0);
	for (unsigned f = 0; f < 17; f++) {
		printf("mlockall %x: ", f);
		munlockall();
		errno = 0;
		/* What is not refused would lock all there is: once is enough. */
		result(f && f < 8 && f != 4 ? 0 : syscall(SYS_mlockall, f));
		printf("\n");
	}
	odd_ranges("madvise", SYS_madvise, MADV_DONTNEED, 0, 0);
	odd_ranges("madvise", SYS_madvise, MADV_NORMAL, 0, 0);
	odd_ranges("madvise", SYS_madvise, 999, 0, 0);
	for (int a = -2; a < 110; a++)
		if (a != 100 && a != 101 && a != 14 && a != 25 && a != 21)
			all_places("madvise", SYS_madvise, a, 0, 0);
	odd_ranges("mseal", 462, 1, 0, 0); /* refused: a seal would stay */
	mremaps();
	mmaps();
	remaps();
	return 0;
}

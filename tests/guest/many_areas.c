/* A million areas in one address space, and a 16 GiB mapping touched at random. Prints what is the
 * same everywhere; with an argument, times too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define AREAS 1000000UL
#define TOUCHES 100000

static int timed;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void done(const char *what, double since, unsigned long n)
{
	printf("%s\n", what);
	if (timed)
		printf("  %.0f ns each\n", (now_ns() - since) / n);
}

static unsigned long next(unsigned long *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void many_areas(void)
{
	char *m = mmap(NULL, AREAS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long x = 1, sum = 0, bytes = 0;
	static char buf[65536];
	double t = now_ns();
	ssize_t n;
	int fd;

	for (unsigned long i = 0; i < AREAS; i += 2)
		if (mprotect(m + i * PAGE, PAGE, PROT_READ))
			printf("mprotect failed at %lu\n", i);
	done("a million areas", t, AREAS / 2);
	t = now_ns();
	for (int i = 0; i < TOUCHES; i++)
		sum += m[next(&x) % (AREAS / 2) * 2 * PAGE];
	done(sum ? "not zero" : "all read zero", t, TOUCHES);
	t = now_ns();
	for (int i = 0; i < TOUCHES; i++)
		munmap(mmap(NULL, PAGE * (1 + i % 3), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0),
		       PAGE * (1 + i % 3));
	done("mapped and unmapped among them", t, TOUCHES);
	fd = open("/proc/self/maps", O_RDONLY);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		bytes += n;
	close(fd);
	printf("maps is long: %d\n", bytes > AREAS * 40);
	munmap(m, AREAS * PAGE);
}

static void sparse(void)
{
	unsigned long size = 16UL << 30, x = 2, kept = 0;
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double t = now_ns();

	for (int i = 0; i < TOUCHES; i++)
		m[next(&x) % size] = 1;
	done("touched", t, TOUCHES);
	x = 2;
	t = now_ns();
	for (int i = 0; i < TOUCHES; i++)
		kept += m[next(&x) % size] == 1;
	done("touched again", t, TOUCHES);
	printf("kept %lu\n", kept);
	munmap(m, size);
}

int main(int argc, char **argv __attribute__((unused)))
{
	int fd = open("/proc/sys/vm/max_map_count", O_RDWR);
	char old[32];
	ssize_t n = read(fd, old, sizeof(old));

	timed = argc > 1;
	if (fd < 0 || pwrite(fd, "2000000", 7, 0) != 7)
		return puts("needs root"), 0;
	many_areas();
	pwrite(fd, old, n > 0 ? n : 0, 0);
	sparse();
	return 0;
}

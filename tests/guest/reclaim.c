/*
 * reclaim [MIB]: more of a file than there is memory (--mem): mapped shared and private, read, stored to,
 * locked in part, by several processes at a time. Every byte must be what was stored last. Prints
 * nothing that depends on how much memory there is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096L
#define EATEN 1650L /* pages; a little less than 8 MiB can give */

static long pages;
static unsigned bad;

static uint64_t word(long page, uint64_t version)
{
	return (page + 1) * 0x9e3779b97f4a7c15ULL + version;
}

static uint64_t *at(char *map, long page)
{
	return (uint64_t *)(map + page * PG + page * 8 % PG);
}

static void check(char *map, long page, uint64_t version)
{
	if (*at(map, page) != word(page, version) && !bad++)
		printf("page %ld: %#lx\n", page, *at(map, page));
}

static char *map_file(int fd, int prot, int flags)
{
	char *p = mmap(0, pages * PG, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* A file whose pages say where they are. */
static int make_file(void)
{
	char name[] = "/tmp/reclaimXXXXXX";
	static char buf[PG];
	int fd = mkstemp(name);

	unlink(name);
	for (long i = 0; i < pages; i++) {
		memset(buf, i, PG);
		*(uint64_t *)(buf + i * 8 % PG) = word(i, 0);
		if (write(fd, buf, PG) != PG)
			exit(2);
	}
	return fd;
}

static void reader(int fd)
{
	char *p = map_file(fd, PROT_READ, MAP_SHARED);

	mlock(p + 16 * PG, 16 * PG);
	for (int pass = 0; pass < 2; pass++)
		for (long i = 0; i < pages; i++)
			check(p, i, 0);
	printf("mincore of locked pages:");
	for (long i = 16; i < 32; i++) {
		unsigned char in = 0;

		mincore(p + i * PG, PG, &in);
		printf(" %d", in & 1);
	}
	printf("\n");
}

/* Some pages are copied; those are anonymous and stay. */
static void private_writer(int fd)
{
	char *p = map_file(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);

	for (long i = 0; i < pages; i += 64)
		*at(p, i) = word(i, 7);
	for (long i = 0; i < pages; i++)
		check(p, i, i % 64 ? 0 : 7);
	for (long i = 0; i < pages; i += 64)
		*at(p, i) += 1; /* a child shares them */
	if (!fork()) {
		for (long i = 0; i < pages; i += 64)
			check(p, i, 8);
		_exit(bad != 0);
	}
	wait(0);
	munmap(p + pages / 4 * PG, pages / 4 * PG);
	for (long i = pages / 2; i < pages; i++)
		check(p, i, i % 64 ? 0 : 8);
}

/* Random accesses; the accessed bits decide. */
static void wanderer(int fd)
{
	char *p = map_file(fd, PROT_READ, MAP_PRIVATE), buf[16];
	uint64_t x = 88172645463325252ULL;

	for (long n = 0; n < pages; n++) {
		long i;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		i = x % pages;
		check(p, i, 0);
		if (n % 5 == 0 && pread(fd, buf, 8, i * PG + i * 8 % PG) == 8 &&
		    memcmp(buf, at(p, i), 8))
			bad++;
		if (n % 1000 == 0)
			madvise(p + i / 2 * PG, 64 * PG, MADV_RANDOM);
	}
}

static void run(const char *name, void (*fn)(int fd), int fd)
{
	int status;
	pid_t kid = fork();

	if (!kid) {
		fn(fd);
		fflush(stdout);
		_exit(bad != 0);
	}
	waitpid(kid, &status, 0);
	printf("%s: %#x\n", name, status);
	fflush(stdout);
}

static void run_together(int fd)
{
	void (*const fns[])(int fd) = {private_writer, wanderer, private_writer, wanderer};
	int status, all = 0;

	for (unsigned i = 0; i < 4; i++) {
		if (fork())
			continue;
		fns[i](fd);
		_exit(bad != 0);
	}
	while (wait(&status) > 0)
		all |= status;
	printf("together: %#x\n", all);
}

/* The pages of the file's start go to the file, and out of memory. */
static void drop_start(int fd, char *p)
{
	madvise(p, 4 * PG, MADV_DONTNEED);
	posix_fadvise(fd, 0, 4 * PG, POSIX_FADV_DONTNEED); /* writes */
	posix_fadvise(fd, 0, 4 * PG, POSIX_FADV_DONTNEED);
}

/* write(2) to pages of which some are absent, and others hold stores that the file has not got yet: what
 * reads the absent ones in may reclaim the others. The first @eaten pages of memory are in use. */
static unsigned write_over_stores(int fd, char *p, char *eater, long eaten)
{
	static char buf[2 * PG], junk[PG];
	unsigned lost = 0;

	for (long i = 0; i < eaten; i++)
		eater[i * PG] = 1;
	for (int i = 0; i < 200; i++) {
		drop_start(fd, p);
		p[PG] = p[2 * PG] = 101; /* page 0 is absent */
		for (int k = 0; k < i % 37; k++)
			lost += pread(fd, junk, PG, (4 + (i * 37 + k) % 500) * PG) != PG;
		memset(buf, 1 + i % 100, sizeof(buf));
		lost += pwrite(fd, buf, sizeof(buf) - 200, 200) != sizeof(buf) - 200;
		drop_start(fd, p);
		lost += pread(fd, buf, sizeof(buf) - 200, 200) != sizeof(buf) - 200;
		for (unsigned k = 0; k < sizeof(buf); k++)
			lost += buf[k] != 1 + i % 100;
	}
	return lost;
}

static void half_writer(int fd)
{
	char *p = map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *eater;
	unsigned lost = 0;

	eater = mmap(0, EATEN * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(p, pages * PG, MADV_RANDOM);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (long eaten = EATEN - 400; eaten <= EATEN; eaten += 25)
		lost += write_over_stores(fd, p, eater, eaten);
	printf("bytes lost in write: %u\n", lost);
}

int main(int argc, char **argv)
{
	char *p;
	int fd;

	pages = (argc > 1 ? atol(argv[1]) : 16) << 8;
	fd = make_file();
	fflush(stdout);
	run("reader", reader, fd);
	run("private writer", private_writer, fd);
	run("wanderer", wanderer, fd);
	run_together(fd);
	/* Dirty pages go to the file, and come back. */
	p = map_file(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (uint64_t version = 1; version <= 2; version++) {
		for (long i = 0; i < pages; i++) {
			check(p, i, version - 1);
			*at(p, i) = word(i, version);
		}
	}
	for (long i = 0; i < pages; i++)
		check(p, i, 2);
	munmap(p, pages * PG);
	printf("stores: %s\n", bad ? "lost" : "kept");
	fflush(stdout);
	run("half writer", half_writer, fd);
	return bad != 0;
}

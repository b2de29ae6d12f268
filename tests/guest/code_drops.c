/* code_drops HOW: runs functions on several pages, changes something of one page, runs all again, many times. What each
 * change costs in blocks is read from --stats by tests/scripts/code_drops.sh. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 4
#define FUNCTIONS 20
#define APART 128
#define ROUNDS 200
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

typedef int (*fn_t)(void);

static unsigned char *code;
static int fd; /* of the pages, and of a pipe's ends */
static int ends[2];
static int values[FUNCTIONS]; /* of page 1 */

static unsigned char *function(unsigned page, unsigned i)
{
	return code + page * PAGE + i * APART;
}

/* mov $value, %eax; ret */
static void emit(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

static void fill(unsigned page)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		emit(function(page, i), page == 1 ? values[i] : (int)(page * 100 + i));
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void none(unsigned round __attribute__((unused)))
{
}

static void store_beside(unsigned round)
{
	memcpy(function(1, 3) + 6, &round, sizeof(round)); /* right behind the ret */
	memcpy(function(1, 4) - 4, &round, sizeof(round));
}

static void store_onto(unsigned round)
{
	values[5] = (int)round;
	memcpy(function(1, 5) + 1, &values[5], sizeof(int));
}

static void store_onto_two(unsigned round)
{
	values[5] = values[6] = (int)(round * 3);
	function(1, 5)[1] = (unsigned char)values[5];
	function(1, 6)[1] = (unsigned char)values[6];
}

static void read_beside(unsigned round)
{
	must(write(ends[1], &round, 4) == 4 && read(ends[0], function(1, 3) + 6, 4) == 4, "pipe");
}

static void read_onto(unsigned round)
{
	values[5] = (int)round;
	must(write(ends[1], &round, 4) == 4 && read(ends[0], function(1, 5) + 1, 4) == 4, "pipe");
}

static void file_beside(unsigned round)
{
	must(pwrite(fd, &round, 4, PAGE + 3 * APART + 6) == 4, "pwrite");
}

static void file_onto(unsigned round)
{
	values[5] = (int)round;
	must(pwrite(fd, &round, 4, PAGE + 5 * APART + 1) == 4, "pwrite");
}

static void protect(unsigned round __attribute__((unused)))
{
	must(!mprotect(code + PAGE, PAGE, PROT_READ), "mprotect");
	must(!mprotect(code + PAGE, PAGE, RWX), "mprotect");
}

static void unmap(unsigned round __attribute__((unused)))
{
	must(!munmap(code + PAGE, PAGE), "munmap");
	must(mmap(code + PAGE, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
		     MAP_FAILED,
	     "mmap");
	fill(1);
}

static void dontneed(unsigned round __attribute__((unused)))
{
	must(!madvise(code + PAGE, PAGE, MADV_DONTNEED), "madvise");
	fill(1);
}

/* A child has the page, so a store beside the code moves this one's to another frame. */
static void copy_on_write(unsigned round)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid) {
		while (read(ends[0], &status, 1) != 1)
			;
		_exit(0);
	}
	store_beside(round);
	must(write(ends[1], "", 1) == 1 && waitpid(pid, &status, 0) == pid, "waitpid");
}

static const struct {
	const char *name;
	void (*change)(unsigned round);
	int file; /* the pages are a file's */
} ways[] = {
	{"none", none, 0},
	{"store-beside", store_beside, 0},
	{"store-onto", store_onto, 0},
	{"store-onto-two", store_onto_two, 0},
	{"read-beside", read_beside, 0},
	{"read-onto", read_onto, 0},
	{"file-beside", file_beside, 1},
	{"file-onto", file_onto, 1},
	{"mprotect", protect, 0},
	{"munmap", unmap, 0},
	{"dontneed", dontneed, 0},
	{"cow", copy_on_write, 0},
};

static long run_all(void)
{
	long sum = 0;

	for (unsigned page = 0; page < PAGES; page++)
		for (unsigned i = 0; i < FUNCTIONS; i++)
			sum = sum * 3 + ((fn_t)(void *)function(page, i))();
	return sum;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/code_dropsXXXXXX";
	unsigned w = 0;
	long sum;

	while (argc < 2 || strcmp(ways[w].name, argv[1]))
		if (++w == sizeof(ways) / sizeof(ways[0]))
			return 2;
	fd = mkstemp(path);
	must(fd >= 0 && !unlink(path) && !ftruncate(fd, PAGES * PAGE) && !pipe(ends), "files");
	code = mmap(NULL, PAGES * PAGE, RWX,
		    ways[w].file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, ways[w].file ? fd : -1,
		    0);
	must(code != MAP_FAILED, "mmap");
	for (unsigned i = 0; i < FUNCTIONS; i++)
		values[i] = 100 + (int)i;
	for (unsigned page = 0; page < PAGES; page++)
		fill(page);
	sum = run_all();
	for (unsigned round = 1; round <= ROUNDS; round++) {
		ways[w].change(round);
		sum = sum * 5 + run_all();
	}
	printf("%s %lx\n", ways[w].name, sum);
	return 0;
}

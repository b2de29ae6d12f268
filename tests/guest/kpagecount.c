/* /proc/kpagecount: how many times a frame is mapped, for anonymous, shared, file and zero pages, while
 * children come and go; what reading it refuses. Only root sees which frames a program has. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define PG 4096UL

static int counts, frames;
static char *volatile wild = (char *)8; /* nothing is mapped there */

static void count(const char *what, const char *p)
{
	uint64_t pte = 0, n = ~0UL;
	uint64_t pfn;

	pread(frames, &pte, 8, (uintptr_t)p / PG * 8);
	pfn = pte & ((1UL << 55) - 1);
	if (!(pte >> 63) || !pfn) {
		printf("%s: not there\n", what);
		return;
	}
	pread(counts, &n, 8, pfn * 8);
	printf("%s: %ld\n", what, (long)n);
}

static char *map(int flags, int fd)
{
	return mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, flags, fd, 0);
}

int main(void)
{
	char *own = map(MAP_PRIVATE | MAP_ANONYMOUS, -1),
	     *shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	int fd = open("file", O_CREAT | O_RDWR | O_TRUNC, 0600);
	char *text, *again, odd[9];
	pid_t child;

	counts = open("/proc/kpagecount", O_RDONLY);
	frames = open("/proc/self/pagemap", O_RDONLY);
	SHOW(ftruncate(fd, 2 * PG));
	text = map(MAP_SHARED, fd);
	again = map(MAP_PRIVATE, fd);
	count("nothing yet", own);
	own[0] = shared[0] = text[0] = 1;
	count("own", own);
	count("shared", shared);
	count("file", text);
	(void)*(volatile char *)again;
	count("file, mapped twice", text);
	again[0] = 2;
	count("its copy", again);
	count("file, after the copy", text);
	child = fork();
	if (!child)
		pause();
	count("own, with a child", own);
	count("shared, with a child", shared); /* a child takes no ptes of it along */
	own[0] = 3;
	count("own, written after fork", own);
	kill(child, SIGKILL);
	wait(NULL);
	count("own, child gone", own);
	count("copy, child gone", again);
	munmap(again, 2 * PG);
	SHOW(pread(counts, odd, 9, 0));
	SHOW(pread(counts, odd, 8, 4));
	SHOW(pread(counts, odd, 0, 8));
	SHOW(pread(counts, odd, 8, 1L << 60));
	SHOW(pread(counts, wild, 8, 8));
	SHOW(write(counts, odd, 8));
	unlink("file");
	return 0;
}

/* /proc/kpagecgroup: which pages are charged to a control group, and how the file is read. The group's
 * inode number is the host's own affair: shown is whether there is one. Frame numbers are root's to see. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define PFN ((1UL << 55) - 1)

static int kpagecgroup;
static void *volatile wild = (void *)8; /* nothing is mapped there */

static void charged(const char *what, const void *at)
{
	uint64_t entry = 0, ino = ~0UL;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, 8, (uintptr_t)at / PAGE * 8) != 8 || !(entry & PFN))
		printf("%s: no frame\n", what);
	else if (pread(kpagecgroup, &ino, 8, (entry & PFN) * 8) != 8)
		printf("%s: cannot be read\n", what);
	else
		printf("%s: %s\n", what, ino ? "charged" : "not charged");
	close(fd);
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, PAGE, RW, flags, fd, 0);

	madvise(p, PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void pages(void)
{
	char *written = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), *read_only, *shared, *file, *copy;
	int fd = open("/proc/self/exe", O_RDONLY), memfd = memfd_create("kpagecgroup", 0);
	volatile char sum = 0;

	*written = 1;
	charged("an anonymous page", written);
	read_only = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	sum += *read_only;
	charged("the zero page", read_only);
	shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	*shared = 1;
	charged("shared memory", shared);
	if (ftruncate(memfd, PAGE))
		exit(1);
	copy = map(MAP_SHARED, memfd);
	sum += *copy;
	charged("a page of a memfd", copy);
	file = map(MAP_PRIVATE, fd);
	sum += *file;
	charged("a page of a file", file);
	*file = 1;
	charged("a private copy of it", file);
	fflush(stdout);
	if (!fork()) {
		charged("a page that a child shares", written);
		*written = 2;
		charged("the child's copy", written);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	uint64_t words[4];
	char byte;

	kpagecgroup = (int)show("open", open("/proc/kpagecgroup", O_RDONLY));
	if (kpagecgroup < 0)
		return 0;
	SHOW(open("/proc/kpagecgroup", O_WRONLY) < 0);
	pages();
	SHOW(pread(kpagecgroup, words, 8, 0));
	SHOW(pread(kpagecgroup, words, 32, 8));
	SHOW(pread(kpagecgroup, words, 8, 4));
	SHOW(pread(kpagecgroup, &byte, 1, 0));
	SHOW(pread(kpagecgroup, words, 0, 0));
	SHOW(pread(kpagecgroup, words, 8, 1L << 60)); /* behind the last frame */
	SHOW(pread(kpagecgroup, words, 7, 1L << 60));
	SHOW(pread(kpagecgroup, wild, 8, 0));
	SHOW(lseek(kpagecgroup, 16, SEEK_SET));
	SHOW(read(kpagecgroup, words, 16));
	SHOW(lseek(kpagecgroup, 0, SEEK_CUR));
	SHOW(lseek(kpagecgroup, 0, SEEK_END));
	return 0;
}

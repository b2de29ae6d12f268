/*
 * smaps_file: all that smaps says of mappings of a scratch file. The file is written by single
 * pages, each fsynced, so that every kernel holds it in pages of 4 KiB; what is touched is then the
 * same everywhere.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PG 4096L
#define PAGES 64
#define BASE ((char *)0x200000000000) /* far from what ASLR moves */

static char buf[1 << 17];

/* The entries of mappings at BASE and above; without inode and path. */
static void show(const char *title)
{
	int fd = open("/proc/self/smaps", O_RDONLY), wanted = 0;
	long n = 0, r;

	while ((r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += r;
	close(fd);
	buf[n] = 0;
	printf("-- %s\n", title);
	for (char *line = buf, *next; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (line[0] < 'A' || line[0] >= 'a')
			wanted = !strncmp(line, "200000", 6) && line[12] == '-';
		if (wanted)
			printf("%.39s\n", line);
	}
}

static char *map(int at, int prot, int flags, int fd)
{
	return mmap(BASE + at * PAGES * PG, PAGES * PG, prot, flags | MAP_FIXED, fd, 0);
}

int main(void)
{
	int fd = open("scratch", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PG], *shared, *private, *text;
	unsigned sum = 0;

	for (int i = 0; i < PAGES; i++) {
		memset(page, i + 1, PG);
		if (write(fd, page, PG) != PG || fsync(fd))
			return 1;
	}
	shared = map(0, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	private = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	text = map(4, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd);
	show("untouched");
	sum += shared[0] + private[20 * PG] + text[63 * PG];
	show("one page of each read: fault-around");
	for (int i = 0; i < 10; i++)
	private[2 * i * PG] = shared[3 * i * PG] = 7;
	show("written to");
	msync(shared, PAGES * PG, MS_SYNC);
	show("synced");
	madvise(private, 8 * PG, MADV_DONTNEED);
	munmap(text, 32 * PG);
	mprotect(shared + 16 * PG, 16 * PG, PROT_READ);
	show("less");
	printf("%u\n", sum);
	return 0;
}

/* q35_readahead: which pages of a cold file read(2) brings in: first window, growth, the marked page,
 * strides, big and backward reads, advice. Linux: mm/readahead.c. */
#include "cold.h"

#define END 6000

static int fd;

static void rd(long page, long bytes)
{
	char label[64];

	snprintf(label, sizeof label, "  pread %ld+%ld", page, bytes);
	if (pread(fd, big, bytes, page * PG) != bytes)
		printf("short read\n");
	show(label);
}

static void begins(const char *what)
{
	if (fd > 0)
		close(fd);
	fd = cold_open();
	printf("-- %s\n", what);
}

static void sequential(const char *what, long first, long bytes, int times)
{
	begins(what);
	for (int i = 0; i < times; i++) {
		if (pread(fd, big, bytes, first * PG + i * bytes) != bytes)
			printf("short read\n");
		show("  ");
	}
}

static void by_read(void)
{
	begins("read(2) byte by byte and on");
	for (int i = 0; i < 6; i++) {
		read(fd, big, i < 3 ? 1 : 5000);
		show("  ");
	}
	lseek(fd, 100 * PG + 17, SEEK_SET);
	read(fd, big, 10);
	show("  far");
	read(fd, big, 10);
	show("  the same page");
	read(fd, big, PG);
	show("  the next");
}

static void patterns(void)
{
	begins("backward");
	for (long i = 40; i > 36; i--)
		rd(i, PG);
	begins("a stride of 3");
	for (long i = 0; i < 8; i++)
		rd(3 * i, PG);
	begins("a stride of 16 from 64");
	for (long i = 0; i < 4; i++)
		rd(64 + 16 * i, PG);
	begins("two readers of one file");
	for (long i = 0; i < 10; i++)
		rd(i / 2 + 200 * (i % 2), PG);
	begins("history: pages 8 to 11 are there");
	rd(8, 4 * PG);
	close(fd);
	fd = open(cold_name, O_RDONLY);
	rd(12, PG);
	rd(13, PG);
	begins("history from the start of the file");
	for (int i = 0; i < 3; i++) {
		rd(2 * i, 2 * PG);
		close(fd);
		fd = open(cold_name, O_RDONLY);
	}
	begins("a marked page met by another");
	rd(0, PG);
	close(fd);
	fd = open(cold_name, O_RDONLY);
	rd(1, PG);
	rd(2, PG);
	rd(4, PG);
}

static void ends(void)
{
	begins("at the end");
	rd(END - 3, PG);
	rd(END - 2, PG);
	rd(END - 1, PG);
	T("  past it", pread(fd, big, PG, END * PG));
	T("  past it", pread(fd, big, PG, (END + 1) * PG));
	show("  all");
	begins("a long read over the end");
	T("  read", pread(fd, big, 64 * PG, (END - 5) * PG));
	show("  all");
	begins("the last page first");
	rd(END - 1, 100);
	rd(END - 2, 100);
}

static void advice(void)
{
	begins("RANDOM");
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (long i = 0; i < 3; i++)
		rd(i, PG);
	rd(10, 7 * PG);
	posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
	rd(17, PG);
	begins("SEQUENTIAL");
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	rd(0, PG);
	rd(4, 100 * PG);
	rd(300, 200 * PG);
	rd(500, PG);
	begins("NOREUSE changes no window");
	posix_fadvise(fd, 0, 0, POSIX_FADV_NOREUSE);
	rd(0, PG);
	rd(1, PG);
	begins("WILLNEED");
	T("  part of pages 10 to 12", posix_fadvise(fd, 10 * PG + 100, 2 * PG, POSIX_FADV_WILLNEED));
	show("  ");
	T("  over them", posix_fadvise(fd, 8 * PG, 8 * PG, POSIX_FADV_WILLNEED));
	show("  ");
	T("  the end", posix_fadvise(fd, (END - 2) * PG, 100 * PG, POSIX_FADV_WILLNEED));
	show("  ");
	T("  behind it", posix_fadvise(fd, (END + 2) * PG, PG, POSIX_FADV_WILLNEED));
	show("  ");
	T("  all", posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	show("  ");
	begins("readahead(2)");
	T("  pages 5 to 9", readahead(fd, 5 * PG, 5 * PG));
	show("  ");
	T("  a byte of 20 and 21", readahead(fd, 21 * PG - 1, 2));
	show("  ");
	T("  nothing is everything", readahead(fd, 100 * PG, 0));
	show("  ");
	rd(4, PG);
	rd(10, PG);
}

int main(void)
{
	begin();
	cold_file(END, 0);
	show("cold");
	sequential("4 KiB from 0", 0, PG, 24);
	sequential("4 KiB from 7", 7, PG, 24);
	sequential("8 KiB from 0", 0, 2 * PG, 14);
	sequential("12 KiB from 5", 5, 3 * PG, 14);
	sequential("64 KiB from 0", 0, 16 * PG, 12);
	sequential("132 KiB from 0", 0, 33 * PG, 8);
	sequential("256 KiB from 3", 3, 64 * PG, 6);
	sequential("100 bytes from 0", 0, 100, 3);
	sequential("1 MiB - 1 from 1000", 1000, 256 * PG - 1, 4);
	by_read();
	patterns();
	ends();
	advice();
	unlink(cold_name);
	return 0;
}

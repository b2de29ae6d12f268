/* q36_mmap_readahead: which pages of a cold file faults bring in: around, behind, none, and what
 * madvise() and many misses change. Linux: mm/filemap.c, do_sync_mmap_readahead(). */
#include "cold.h"

#define END 9000

static int fd;
static volatile char *p;
static long len;

static long majflt(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_majflt;
}

static void begins(const char *what, long first, long pages, int prot, int flags)
{
	if (fd > 0) {
		munmap((void *)p, len);
		close(fd);
	}
	cold();
	fd = open(cold_name, O_RDWR);
	len = pages * PG;
	p = mmap(0, len, prot, flags, fd, first * PG);
	printf("-- %s\n", what);
}

static void touch(long page, char how)
{
	char label[64];
	long major = majflt();

	if (how == 'w')
		p[page * PG + 9] = 1;
	else
		(void)p[page * PG];
	snprintf(label, sizeof label, "  %c %ld major %ld", how, page, majflt() - major);
	show(label);
}

static void around(void)
{
	begins("a fault in the middle", 0, END, PROT_READ, MAP_SHARED);
	touch(4000, 'r');
	touch(4001, 'r');
	touch(3000, 'r');
	begins("at the start, and on to the mark", 0, END, PROT_READ, MAP_PRIVATE);
	touch(10, 'r');
	touch(1500, 'r');
	touch(1535, 'r');
	touch(1536, 'r');
	touch(1600, 'r');
	begins("at the end", 0, END, PROT_READ, MAP_SHARED);
	touch(END - 1, 'r');
	touch(END - 1500, 'r');
	begins("a part of the file", 5000, 20, PROT_READ, MAP_SHARED);
	touch(10, 'r');
	begins("a private store", 0, END, RW, MAP_PRIVATE);
	touch(4000, 'w');
	touch(4001, 'w');
	begins("a shared store", 0, END, RW, MAP_SHARED);
	touch(4000, 'w');
	touch(6000, 'w');
}

static void advised(int advice, const char *what)
{
	begins(what, 0, END, PROT_READ, MAP_SHARED);
	madvise((void *)p, len, advice);
	touch(100, 'r');
	touch(101, 'r');
	touch(103, 'r');
	touch(0, 'r');
	touch(1, 'r');
	touch(4000, 'r');
	madvise((void *)p, len, MADV_NORMAL);
	touch(6000, 'r');
}

static void code(void)
{
	begins("code", 3000, 1000, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	touch(100, 'r');
	touch(101, 'r');
	touch(99, 'r');
	touch(990, 'r');
	begins("code and RANDOM", 3000, 1000, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	madvise((void *)p, len, MADV_RANDOM);
	touch(100, 'r');
	begins("code and SEQUENTIAL", 3000, 1000, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	madvise((void *)p, len, MADV_SEQUENTIAL);
	touch(100, 'r');
	touch(101, 'r');
}

static void willneed(void)
{
	begins("WILLNEED", 100, 8000, PROT_READ, MAP_SHARED);
	T("  pages 10 to 12", madvise((void *)(p + 10 * PG), 3 * PG, MADV_WILLNEED));
	show("  ");
	T("  8 to 19", madvise((void *)(p + 8 * PG), 12 * PG, MADV_WILLNEED));
	show("  ");
	touch(12, 'r');
	T("  all", madvise((void *)p, len, MADV_WILLNEED));
	show("  ");
	begins("POPULATE_READ", 100, 100, PROT_READ, MAP_SHARED);
	madvise((void *)p, len, MADV_RANDOM);
	T("  3 pages", madvise((void *)(p + 10 * PG), 3 * PG, 22));
	show("  ");
	begins("MAP_POPULATE", 100, 3, PROT_READ, MAP_SHARED | MAP_POPULATE);
	show("  ");
}

/* Read-ahead state is the open file's: read(2) and faults share it. */
static void with_read(void)
{
	begins("read(2) and faults", 0, END, PROT_READ, MAP_SHARED);
	pread(fd, big, PG, 0);
	show("  read 0");
	touch(1, 'r');
	pread(fd, big, PG, 4 * PG);
	show("  read 4");
	touch(5000, 'r');
	pread(fd, big, PG, 5001 * PG);
	show("  read 5001");
	begins("fadvise RANDOM and faults", 0, END, PROT_READ, MAP_SHARED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	touch(4000, 'r');
	begins("fadvise SEQUENTIAL and faults", 0, END, PROT_READ, MAP_SHARED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	touch(4200, 'r');
}

/* A hundred stores that miss, and the neighbourhood is not read any more; a load finds it and makes up
 * for many, a store for one. */
static void misses(void)
{
	begins("many misses", 0, END, RW, MAP_PRIVATE);
	for (int i = 0; i < 103; i++) {
		cold();
		p[(i % 3 * 2500 + 1000) * PG] = 1;
		madvise((void *)p, len, MADV_DONTNEED);
		if (i >= 98)
			show("  ");
	}
	for (int i = 0; i < 4; i++) {
		pread(fd, big, PG, 8000 * PG);
		p[8000 * PG] = 1;
		madvise((void *)p, len, MADV_DONTNEED);
		cold();
		touch(i * 300, 'w');
		madvise((void *)p, len, MADV_DONTNEED);
	}
	cold();
	pread(fd, big, 20 * PG, 8000 * PG);
	resident();
	(void)p[8000 * PG];
	madvise((void *)p, len, MADV_DONTNEED);
	cold();
	touch(4000, 'r');
}

int main(void)
{
	begin();
	cold_file(END, 0);
	around();
	advised(MADV_RANDOM, "RANDOM");
	advised(MADV_SEQUENTIAL, "SEQUENTIAL");
	code();
	willneed();
	with_read();
	misses();
	unlink(cold_name);
	return 0;
}

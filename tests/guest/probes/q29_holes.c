/* q29_holes: sparse objects: what mapping, MADV_REMOVE and fallocate do to blocks and contents (5.7). */
#include "probe.h"

static char *p;

static void blocks(const char *label, int fd)
{
	struct stat s;
	fstat(fd, &s);
	printf("%s: size %ld pages, blocks %ld, data", label, (long)(s.st_size / PG),
	       (long)s.st_blocks);
	for (off_t at = 0, end; (at = lseek(fd, at, SEEK_DATA)) >= 0; at = end) {
		end = lseek(fd, at, SEEK_HOLE);
		printf(" [%ld,%ld)", (long)(at / PG), (long)(end / PG));
	}
	printf("\n");
}

static void object(const char *label, int fd)
{
	unsigned char v[16];

	printf("-- %s\n", label);
	ftruncate(fd, 16 * PG);
	map(p, 16, RW, MAP_SHARED, fd, 0);
	blocks("empty", fd);
	(void)*(volatile char *)(p + 2 * PG);
	blocks("page 2 read", fd);
	p[4 * PG] = 'a';
	p[5 * PG] = 'b';
	p[9 * PG] = 'c';
	msync(p, 16 * PG, MS_SYNC);
	blocks("4, 5, 9 written", fd);
	T("REMOVE 5-8", madvise(p + 5 * PG, 4 * PG, MADV_REMOVE));
	blocks("removed", fd);
	printf("reads %d %d\n", p[5 * PG], p[9 * PG]);
	p[5 * PG] = 'd';
	pwrite(fd, "e", 1, 12 * PG);
	msync(p, 16 * PG, MS_SYNC);
	blocks("5 and 12 again", fd);
	T("punch half of 9", fallocate(fd, 3, 9 * PG, PG / 2));
	printf("reads %d\n", p[9 * PG]);
	T("punch without KEEP_SIZE", fallocate(fd, 2, 0, PG));
	T("length 0", fallocate(fd, 0, 0, 0));
	T("negative", fallocate(fd, 0, -1, PG));
	T("truncate to 4.5 pages", ftruncate(fd, 4 * PG + PG / 2));
	blocks("cut", fd);
	mincore(p, 5 * PG, v);
	printf("reads %d\n", p[4 * PG]);
	T("truncate up", ftruncate(fd, 8 * PG));
	printf("reads %d %d\n", p[4 * PG], p[5 * PG]);
	p[4 * PG + PG - 1] = 'z';
	printf("last byte %d\n", p[4 * PG + PG - 1]);
	munmap(p, 16 * PG);
}

int main(void)
{
	begin();
	p = arena(64);
	object("memfd", memfd("m", 0));
	int fd = memfd("m2", 0);
	T("allocate 4", fallocate(fd, 0, 0, 4 * PG));
	blocks("allocated", fd);
	T("keep size", fallocate(fd, 1, 4 * PG, 2 * PG));
	blocks("kept", fd);
	T("zero range", fallocate(fd, 16, 0, PG));
	T("collapse", fallocate(fd, 8, 0, PG));
	T("seek data past the end", lseek(fd, 8 * PG, SEEK_DATA));
	T("seek hole at 0", lseek(fd, 0, SEEK_HOLE) / PG);
	map(p, 4, RW, MAP_PRIVATE, fd, 0);
	p[0] = 1;
	T("REMOVE through a private mapping", madvise(p, PG, MADV_REMOVE));
	T("punch under a private copy", fallocate(fd, 3, 0, PG));
	printf("the copy stays %d\n", p[0]);
	map(p, 4, PROT_READ, MAP_SHARED, fd, 0);
	T("REMOVE through r of an rw descriptor", madvise(p, PG, MADV_REMOVE));
	map(p, 8, RW, SHANON, -1, 0);
	memset(p, 3, 8 * PG);
	T("REMOVE of shared anon", madvise(p + 2 * PG, 2 * PG, MADV_REMOVE));
	counters("counters", p);
	printf("reads %d %d\n", p[2 * PG], p[4 * PG]);
	return 0;
}

/* q36_direct_io: O_DIRECT: what must be aligned, what statx() says of it, and that both ways to a file
 * see the same bytes (open(2) NOTES; ext4). */
#include "cold.h"
#include <sys/vfs.h>

static char area[64 << 10] __attribute__((aligned(4096)));
static int fd;

static void rw(const char *label, int write, long at, long len, long off)
{
	errno = 0;
	long r = write ? pwrite(fd, area + at, len, off) : pread(fd, area + at, len, off);

	printf("  %s: memory +%ld len %ld at %ld: %ld %s\n", label, at, len, off, r, en(errno));
}

static void align(const char *label, int f)
{
	struct statx s = {0};
	int r = statx(f, "", AT_EMPTY_PATH, 0x2000 | STATX_BASIC_STATS, &s);

	printf("%s: %d mask %#x memory %u offset %u\n", label, r, s.stx_mask & 0x2000,
	       *(uint32_t *)((char *)&s + 0x98), *(uint32_t *)((char *)&s + 0x9c));
	memset(&s, 0, sizeof s);
	statx(f, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &s);
	printf("%s unasked: mask %#x\n", label, s.stx_mask & 0x2000);
}

static void alignments(int write)
{
	const char *w = write ? "write" : "read";

	rw(w, write, 0, 4096, 0);
	rw(w, write, 0, 512, 512);
	rw(w, write, 512, 512, 1024);
	rw(w, write, 4, 512, 0);
	rw(w, write, 1, 512, 0);
	rw(w, write, 256, 512, 0);
	rw(w, write, 0, 511, 0);
	rw(w, write, 0, 513, 0);
	rw(w, write, 0, 512, 1);
	rw(w, write, 0, 512, 256);
	rw(w, write, 0, 0, 1);
	rw(w, write, 3, 0, 0);
}

static void vectors(void)
{
	struct iovec ok[2] = {{area, 512}, {area + 4096, 1024}};
	struct iovec odd[2] = {{area, 256}, {area + 4096, 256}};
	struct iovec last[2] = {{area, 512}, {area + 4099, 512}};
	struct iovec empty[3] = {{area, 512}, {area + 3, 0}, {area + 512, 512}};

	T("  readv aligned", preadv(fd, ok, 2, 0));
	T("  readv of halves", preadv(fd, odd, 2, 0));
	T("  readv, the second is odd", preadv(fd, last, 2, 0));
	T("  readv, an odd one is empty", preadv(fd, empty, 3, 0));
	T("  writev aligned", pwritev(fd, ok, 2, 0));
	T("  writev of halves", pwritev(fd, odd, 2, 0));
}

static void ends(void)
{
	printf("-- at the end, %ld bytes\n", 20 * PG + 100);
	rw("read", 0, 0, 8192, 20 * PG - 4096);
	rw("read", 0, 0, 4096, 20 * PG);
	rw("read", 0, 0, 512, 20 * PG + 512);
	rw("read", 0, 0, 512, 21 * PG);
	rw("read", 0, 1, 5, 21 * PG + 3);
	rw("read", 0, 1, 5, 20 * PG + 101);
	rw("read", 0, 1, 5, 20 * PG + 99);
	rw("write over it", 1, 0, 1024, 20 * PG);
	printf("  size %ld\n", (long)lseek(fd, 0, SEEK_END));
	rw("write behind it", 1, 0, 512, 25 * PG);
	printf("  size %ld\n", (long)lseek(fd, 0, SEEK_END));
}

static void both_ways(void)
{
	int cached_fd = open(cold_name, O_RDWR);
	volatile char *p = mmap(0, PG, RW, MAP_SHARED, cached_fd, 0);

	printf("-- with the page cache\n");
	pwrite(cached_fd, "written", 7, 0);
	pread(fd, area, 512, 0);
	printf("  direct after write: %.7s\n", area);
	p[0] = 'W';
	pread(fd, area, 512, 0);
	printf("  direct after a store: %.7s\n", area);
	memset(area, 'd', PG);
	pwrite(fd, area, PG, 0);
	printf("  the mapping after direct: %.4s\n", (char *)p);
	pread(cached_fd, area, 4, 0);
	printf("  read after direct: %.4s\n", area);
	munmap((void *)p, PG);
	close(cached_fd);
	cold();
	pread(fd, area, 4096, 4096);
	show("  direct reads leave no pages");
	pwrite(fd, area, 4096, 8192);
	show("  nor do direct writes");
	readahead(cold_fd, 0, 8 * PG);
	resident();
	pread(fd, area, 4096, 4096);
	show("  direct reads take no clean ones");
	pwrite(fd, area, 4096, 8192);
	show("  direct writes take theirs");
	T("  into a bad buffer", pread(fd, (char *)4096, 512, 0));
	T("  from a bad buffer", pwrite(fd, (char *)4096, 512, 0));
	T("  an odd bad buffer", pread(fd, (char *)4097, 512, 0));
}

static void flags(void)
{
	int f = open(cold_name, O_RDWR), p[2];

	printf("-- turned on later\n");
	fd = f;
	rw("read", 0, 1, 5, 3);
	T("  F_SETFL", fcntl(f, F_SETFL, O_DIRECT));
	printf("  F_GETFL %#x\n", fcntl(f, F_GETFL));
	rw("read", 0, 1, 5, 3);
	rw("read", 0, 0, 512, 512);
	T("  off", fcntl(f, F_SETFL, 0));
	rw("read", 0, 1, 5, 3);
	T("  /dev/shm", open("/dev/shm", O_TMPFILE | O_RDWR | O_DIRECT, 0600) > 0);
	T("  memfd", fcntl(memfd("m", 1), F_SETFL, O_DIRECT));
	T("  folder", open("/tmp", O_RDONLY | O_DIRECT | O_DIRECTORY) > 0);
	T("  /dev/null", open("/dev/null", O_RDWR | O_DIRECT));
	T("  /dev/zero", open("/dev/zero", O_RDWR | O_DIRECT));
	T("  /proc", open("/proc/self/maps", O_RDONLY | O_DIRECT));
	T("  proc F_SETFL", fcntl(open("/proc/self/maps", O_RDONLY), F_SETFL, O_DIRECT));
	pipe(p);
	T("  pipe F_SETFL", fcntl(p[1], F_SETFL, O_DIRECT));
	T("  O_CREAT", open("/dev/null/x", O_CREAT | O_RDWR | O_DIRECT, 0600));
}

int main(void)
{
	begin();
	cold_file(20, 100);
	fd = open(cold_name, O_RDWR | O_DIRECT);
	printf("flags %#x\n", fcntl(fd, F_GETFL));
	align("file", fd);
	align("folder", open("/tmp", O_RDONLY));
	align("memfd", memfd("m", 1));
	align("/dev/null", open("/dev/null", O_RDONLY));
	align("/proc/self/maps", open("/proc/self/maps", O_RDONLY));
	printf("-- alignment\n");
	alignments(0);
	alignments(1);
	vectors();
	ends();
	both_ways();
	flags();
	unlink(cold_name);
	return 0;
}

/* q35_cachestat: cachestat(2), and what posix_fadvise(2) and readahead(2) refuse and drop. */
#include "cold.h"
#include <sys/socket.h>

struct range {
	uint64_t off, len;
};

struct stats {
	uint64_t cache, dirty, writeback, evicted, recently;
};

static void stats(const char *label, int fd, uint64_t off, uint64_t len)
{
	struct range r = {off, len};
	struct stats s = {7, 7, 7, 7, 7};
	long ret = syscall(451, fd, &r, &s, 0);

	if (ret)
		printf("%s: %s\n", label, en(errno));
	else
		printf("%s: cache %lu dirty %lu writeback %lu evicted %lu recently %lu\n", label,
		       s.cache, s.dirty, s.writeback, s.evicted, s.recently);
}

static void counts(void)
{
	int fd = cold_open();

	printf("-- counts\n");
	stats("cold", fd, 0, 0);
	readahead(fd, 10 * PG, 20 * PG);
	resident();
	stats("20 pages", fd, 0, 0);
	stats("5 of them", fd, 25 * PG, 10 * PG);
	stats("a byte", fd, 10 * PG + 5, 1);
	stats("2 bytes of 2 pages", fd, 11 * PG - 1, 2);
	stats("none", fd, 0, 10 * PG);
	stats("the last byte before", fd, 10 * PG - 1, 1);
	stats("from there to the end", fd, 20 * PG, 0);
	stats("behind the end", fd, 1L << 40, 0);
	stats("all there can be", fd, 0, ~0UL);
	stats("wrapped", fd, 20 * PG, ~0UL);
	stats("wrapped a little", fd, PG, -PG);
	pwrite(cold_fd, big, 3 * PG, 12 * PG);
	stats("3 dirty", fd, 0, 0);
	pwrite(cold_fd, big, PG, 100 * PG + 50);
	stats("and 2", fd, 0, 0);
	stats("1 of them", fd, 101 * PG, 0);
	fsync(cold_fd);
	stats("clean", fd, 0, 0);
	close(fd);
}

static void kinds(void)
{
	struct range r = {0, 0};
	struct stats s;
	int fd, p[2], sv[2];
	char *m;

	printf("-- kinds and errors\n");
	fd = memfd("m", 3);
	stats("memfd", fd, 0, 0);
	m = mmap(0, 3 * PG, RW, MAP_SHARED, fd, 0);
	m[PG] = 1;
	stats("a page of it stored to", fd, 0, 0);
	close(fd);
	pipe(p);
	stats("pipe", p[0], 0, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	stats("socket", sv[0], 0, 0);
	stats("/dev/null", open("/dev/null", O_RDWR), 0, 0);
	stats("a folder of proc", open("/proc/self", O_RDONLY), 0, 0);
	stats("a file of proc", open("/proc/self/maps", O_RDONLY), 0, 0);
	stats("O_PATH", open(cold_name, O_PATH), 0, 0);
	stats("no such descriptor", 999, 0, 0);
	T("bad range", syscall(451, cold_fd, 8, &s, 0));
	T("bad result", syscall(451, cold_fd, &r, 8, 0));
	T("flags", syscall(451, cold_fd, &r, &s, 1));
	T("flags and a bad range", syscall(451, cold_fd, 8, &s, 1));
	T("flags and a bad result", syscall(451, cold_fd, &r, 8, 1));
	T("high bits of flags", syscall(451, cold_fd, &r, &s, 1UL << 32));
}

static void advise(const char *label, int fd)
{
	printf("%s:", label);
	for (int i = 0; i < 7; i++)
		printf(" %s", en(posix_fadvise(fd, 0, 0, i)));
	printf(", -1 %s", en(posix_fadvise(fd, 0, 0, -1)));
	printf(", len -1 %s", en(posix_fadvise(fd, 0, -1, 0)));
	printf(", off -1 %s", en(posix_fadvise(fd, -1, 0, 0)));
	printf(", both 7 %s", en(posix_fadvise(fd, -1, -1, 7)));
	errno = 0;
	readahead(fd, 0, PG);
	printf(", readahead %s", en(errno));
	errno = 0;
	readahead(fd, -1, PG);
	printf(" off -1 %s", en(errno));
	errno = 0;
	readahead(fd, 0, -1);
	printf(" len -1 %s\n", en(errno));
}

static void refusals(void)
{
	int p[2], sv[2];

	printf("-- advice on\n");
	advise("file", cold_fd);
	advise("file for reading", open(cold_name, O_RDONLY));
	advise("file for writing", open(cold_name, O_WRONLY));
	advise("O_PATH", open(cold_name, O_PATH));
	advise("folder", open("/tmp", O_RDONLY));
	advise("memfd", memfd("m", 1));
	advise("/dev/shm", open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	pipe(p);
	advise("pipe", p[0]);
	advise("pipe's other end", p[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	advise("socket", sv[0]);
	advise("/dev/null", open("/dev/null", O_RDWR));
	advise("/proc/self/maps", open("/proc/self/maps", O_RDONLY));
	advise("/proc/self", open("/proc/self", O_RDONLY));
	advise("none", 999);
}

static void drops(long off, long len)
{
	char label[64];

	cold();
	readahead(cold_fd, 0, 12 * PG);
	resident();
	posix_fadvise(cold_fd, off, len, POSIX_FADV_DONTNEED);
	snprintf(label, sizeof label, "drop %ld+%ld", off, len);
	show(label);
}

static void dontneed(void)
{
	volatile char *p;
	int fd;

	printf("-- DONTNEED\n");
	drops(0, PG);
	drops(PG, 2 * PG);
	drops(1, PG);
	drops(1, 2 * PG - 1);
	drops(0, PG - 1);
	drops(0, PG + 1);
	drops(5 * PG, 0);
	drops(5 * PG + 1, 0);
	drops(0, 100 * PG);
	cold();
	readahead(cold_fd, 0, 12 * PG);
	resident();
	p = mmap(0, 12 * PG, PROT_READ, MAP_SHARED, cold_fd, 0);
	madvise((void *)p, 12 * PG, MADV_RANDOM);
	(void)p[0];
	posix_fadvise(cold_fd, 0, 0, POSIX_FADV_DONTNEED);
	show("mapped");
	munmap((void *)p, 12 * PG);
	posix_fadvise(cold_fd, 0, 0, POSIX_FADV_DONTNEED);
	show("not any more");
	/* Pages that came together go together. */
	fd = cold_open();
	for (int i = 0; i < 2; i++)
		pread(fd, big, PG, i * PG);
	show("read ahead");
	posix_fadvise(cold_fd, 5 * PG, 5 * PG, POSIX_FADV_DONTNEED);
	show("5 to 9 dropped");
	posix_fadvise(cold_fd, 8 * PG, 5 * PG, POSIX_FADV_DONTNEED);
	show("8 to 12 dropped");
	close(fd);
	cold();
	readahead(cold_fd, cold_pages * PG - 3 * PG, 3 * PG);
	resident();
	posix_fadvise(cold_fd, (cold_pages - 2) * PG, PG + 100, POSIX_FADV_DONTNEED);
	show("to the last byte");
}

static void as_nobody(void)
{
	int ro = open(cold_name, O_RDONLY), rw;

	chmod(cold_name, 0644);
	setresuid(65534, 65534, 65534);
	stats("another's, for reading", ro, 0, 0);
	stats("another's, for writing", cold_fd, 0, 0);
	rw = open("/dev/zero", O_RDONLY);
	stats("a device all may write", rw, 0, 0);
}

int main(void)
{
	begin();
	cold_file(300, 100);
	counts();
	kinds();
	refusals();
	dontneed();
	in_child("nobody", as_nobody);
	unlink(cold_name);
	return 0;
}

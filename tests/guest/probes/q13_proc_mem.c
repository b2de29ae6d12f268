/* q13_proc_mem: /proc/self/mem: what reads and writes reach, what they fault in, where they stop (4.3). */
#include "probe.h"

int main(void)
{
	begin();
	char *p = arena(64), b[3 * PG];
	int m = open("/proc/self/mem", O_RDWR), fd = memfd("m", 4), status;
	memset(b, 'z', sizeof b);
#define RD(at, n) pread(m, b, n, (off_t)(uintptr_t)(at))
#define WR(at, n) pwrite(m, b, n, (off_t)(uintptr_t)(at))
	map(p, 4, RW, ANON, -1, 0);
	map(p + 10 * PG, 4, PROT_READ, ANON, -1, 0);
	map(p + 20 * PG, 4, PROT_NONE, ANON, -1, 0);
	map(p + 30 * PG, 4, PROT_READ, MAP_SHARED, fd, 0);
	map(p + 40 * PG, 4, PROT_READ, MAP_PRIVATE, fd, 0);
	map(p + 50 * PG, 4, PROT_EXEC, ANON, -1, 0);
	F("read fresh", T("rw", RD(p, 10)));
	counters("maps the zero page", p);
	F("write", T("rw", WR(p + PG - 5, 10)));
	counters("two pages", p);
	printf("seen %d %d\n", p[PG - 1], p[PG]);
	T("write to read-only anon", WR(p + 10 * PG, 10));
	counters("a copy", p + 10 * PG);
	printf("seen %d\n", p[10 * PG]);
	T("read PROT_NONE", RD(p + 20 * PG, 10));
	T("write PROT_NONE", WR(p + 20 * PG, 10));
	counters("none", p + 20 * PG);
	T("write exec-only", WR(p + 50 * PG, 10));
	T("write shared read-only", WR(p + 30 * PG, 10));
	T("read shared read-only", RD(p + 30 * PG, 10));
	T("write private file read-only", WR(p + 40 * PG, 10));
	char c = 0;
	pread(fd, &c, 1, 0);
	printf("file has %d, mapping %d\n", c, p[40 * PG]);
	counters("private file", p + 40 * PG);
	entry("flags as before", p + 40 * PG);
	T("read into a hole", RD(p + 3 * PG, 2 * PG));
	T("write into a hole", WR(p + 3 * PG + 100, 2 * PG));
	T("read in a hole", RD(p + 5 * PG, 10));
	T("read at 0", RD(0, 10));
	T("length 0 in a hole", RD(p + 5 * PG, 0));
	T("kernel half", pread(m, b, 10, (off_t)0xffff800000000000));
	T("at user end", RD(0x7ffffffff000, 10));
	madvise(p + PG, PG, ADV_GUARD_INSTALL);
	T("over a guard", RD(p, 3 * PG));
	T("at the guard", WR(p + PG, 3));
	ftruncate(fd, PG);
	T("past EOF", RD(p + 31 * PG, 10));
	T("bad buffer", syscall(SYS_pread64, m, 8, 10, p));
	T("seek set", lseek(m, 0x1000, SEEK_SET));
	T("seek cur", lseek(m, 1, SEEK_CUR));
	T("seek end", lseek(m, 0, SEEK_END));
	if (!fork()) {
		T("child through the parent's descriptor",
		  pwrite(m, "child", 5, (off_t)(uintptr_t)p));
		printf("child's own %d\n", p[0]);
		_exit(0);
	}
	wait(&status);
	printf("parent's %.5s\n", p);
	map(p, 1, RW, ANON | MAP_GROWSDOWN, -1, 0);
	munmap(p, PG);
	T("O_TRUNC", open("/proc/self/mem", O_RDWR | O_TRUNC) < 0 ? -1 : 0);
	return 0;
}

/* q20_fault_counts: minor faults of copy-on-write, rights coming back, zero pages and kernel copies (6). */
#include "probe.h"

static char *p;
static void rd(long from, long n)
{
	for (long i = 0; i < n; i++)
		(void)*(volatile char *)(p + (from + i) * PG);
}
static void wr(long from, long n)
{
	for (long i = 0; i < n; i++)
		p[(from + i) * PG] = 1;
}

int main(void)
{
	begin();
	int fd = memfd("m", 64), status;
	p = arena(256);
	map(p, 64, RW, ANON, -1, 0);
	F("read 16", rd(0, 16));
	F("write 32", wr(0, 32));
	F("read 48", rd(0, 48));
	mprotect(p, 64 * PG, PROT_READ);
	F("read-only: read 48", rd(0, 48));
	mprotect(p, 64 * PG, RW);
	F("rw again: write 48", wr(0, 48));
	if (!fork()) {
		F("child reads 48", rd(0, 48));
		F("child writes 16", wr(0, 16));
		F("child mprotect r, rw, write 16",
		  (mprotect(p, 64 * PG, PROT_READ), mprotect(p, 64 * PG, RW), wr(0, 16)));
		F("child writes 16 others", wr(16, 16));
		F("child fresh 16", wr(48, 16));
		_exit(0);
	}
	wait(&status);
	F("parent writes 48, child gone", wr(0, 48));
	F("again", wr(0, 48));
	if (!fork())
		_exit(0);
	wait(&status);
	F("mprotect none, rw, write 16",
	  (mprotect(p, 64 * PG, PROT_NONE), mprotect(p, 64 * PG, RW), wr(0, 16)));
	F("DONTNEED, write 16", (madvise(p, 16 * PG, 4), wr(0, 16)));
	F("FREE, write 16", (madvise(p, 16 * PG, 8), wr(0, 16)));
	F("read(2) of 16 pages into fresh", (madvise(p, 16 * PG, 4), pread(fd, p, 16 * PG, 0)));
	F("write(2) from 16 fresh", (madvise(p, 16 * PG, 4), pwrite(fd, p, 16 * PG, 0)));
	F("then write", wr(0, 16));
	F("POPULATE_READ 16", (madvise(p, 16 * PG, 4), madvise(p, 16 * PG, 22)));
	F("POPULATE_WRITE 16", madvise(p, 16 * PG, 23));
	F("again", madvise(p, 16 * PG, 23));
	F("mlock of 16 zero pages", (madvise(p, 16 * PG, 4), rd(0, 16), mlock(p, 16 * PG)));
	F("munlock, write", (munlock(p, 16 * PG), wr(0, 16)));
	F("MAP_POPULATE 16", map(p, 16, RW, ANON | MAP_POPULATE, -1, 0));
	F("MAP_POPULATE r", map(p, 16, PROT_READ, ANON | MAP_POPULATE, -1, 0));
	F("MAP_POPULATE shared", map(p, 16, RW, SHANON | MAP_POPULATE, -1, 0));
	F("MAP_POPULATE private memfd", map(p, 16, RW, MAP_PRIVATE | MAP_POPULATE, fd, 0));
	F("MAP_POPULATE private memfd r", map(p, 16, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0));
	F("MAP_POPULATE shared memfd", map(p, 16, RW, MAP_SHARED | MAP_POPULATE, fd, 0));
	F("MAP_LOCKED", map(p, 16, RW, ANON | MAP_LOCKED, -1, 0));
	F("POPULATE|NONBLOCK", map(p, 16, RW, ANON | MAP_POPULATE | MAP_NONBLOCK, -1, 0));
	map(p, 16, RW, MAP_PRIVATE, fd, 0);
	F("private memfd: read 16", rd(0, 16));
	F("write 16", wr(0, 16));
	F("mremap, read and write there",
	  (mremap(p, 16 * PG, 16 * PG, 3, p + 64 * PG), rd(64, 16), wr(64, 16)));
	map(p, 16, RW, SHANON, -1, 0);
	wr(0, 16);
	if (!fork()) {
		F("child, shared anon: read 16", rd(0, 16));
		F("write 16", wr(0, 16));
		_exit(0);
	}
	wait(&status);
	F("parent shared anon write 16", wr(0, 16));
	pid_t pid = vfork();
	if (!pid) {
		wr(48, 16);
		_exit(0);
	}
	wait(&status);
	F("after a vfork child wrote: read", rd(48, 16));
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	printf("majflt small: %d\n", r.ru_majflt < 16);
	return 0;
}

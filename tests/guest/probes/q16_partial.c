/* q16_partial: how far calls get with a buffer that ends in a hole, by kind of file (5.11). */
#include "probe.h"

static char *p;

static void file(const char *label, int fd, int seek)
{
	struct iovec v[3] = {{p, 100}, {p + 5 * PG, 100}, {p + PG, 100}},
		     w[2] = {{p + 2 * PG - 50, 100}, {p, 10}};

	printf("-- %s\n", label);
#define AT0 (seek ? lseek(fd, 0, SEEK_SET) : 0)
	AT0;
	F("write from fresh pages into a hole", T("write", write(fd, p + PG, 3 * PG)));
	AT0;
	T("write in a hole", write(fd, p + 5 * PG, 10));
	AT0;
	T("write, none", write(fd, p + 10 * PG, 10));
	AT0;
	T("write 0 from a hole", write(fd, p + 5 * PG, 0));
	AT0;
	T("write, kernel half", write(fd, (void *)0xffff800000000000, 10));
	AT0;
	T("write, wraps", syscall(SYS_write, fd, p, -PG));
	AT0;
	T("writev, middle bad", writev(fd, v, 3));
	AT0;
	T("writev, first runs out", writev(fd, w, 2));
	AT0;
	T("writev count -1", syscall(SYS_writev, fd, v, -1));
	AT0;
	T("writev 1025", syscall(SYS_writev, fd, v, 1025));
	AT0;
	T("writev bad vector", syscall(SYS_writev, fd, 8, 1));
	v[0].iov_len = -1;
	AT0;
	T("writev length -1", writev(fd, v, 1));
	v[0].iov_len = 100;
	AT0;
	F("read into fresh pages and a hole", T("read", read(fd, p + 21 * PG, 3 * PG)));
	AT0;
	T("read in a hole", read(fd, p + 5 * PG, 10));
	AT0;
	T("read to read-only", read(fd, p + 30 * PG, 10));
	AT0;
	T("readv, middle bad", readv(fd, v, 3));
	AT0;
	T("read 0", read(fd, p + 5 * PG, 0));
	counters("buffers", p);
}

int main(void)
{
	begin();
	p = arena(64);
	int z = open("/dev/zero", O_RDWR), n = open("/dev/null", O_RDWR), fds[2];
	for (int i = 0; i < 5; i++) {
		munmap(p, 40 * PG);
		map(p, 2, RW, ANON, -1, 0);
		map(p + 10 * PG, 2, PROT_NONE, ANON, -1, 0);
		map(p + 20 * PG, 3, RW, ANON, -1, 0);
		map(p + 30 * PG, 2, PROT_READ, ANON, -1, 0);
		p[0] = 'x';
		if (i == 0)
			file("scratch file", scratch(4), 1);
		else if (i == 1)
			file("memfd", memfd("m", 4), 1);
		else if (i == 2)
			file("/dev/zero", z, 0);
		else if (i == 3)
			file("/dev/null", n, 0);
	}
	pipe(fds);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	T("pipe, write from rw into a hole", write(fds[1], p + PG, 2 * PG));
	T("pipe, write in a hole", write(fds[1], p + 5 * PG, 10));
	T("pipe, write 3 pages", write(fds[1], p + 20 * PG, 3 * PG));
	T("pipe, read in a hole", read(fds[0], p + 5 * PG, 10));
	T("pipe, read into rw and a hole", read(fds[0], p + PG, 2 * PG));
	T("pipe, what is left", read(fds[0], p + 20 * PG, 3 * PG));
	T("getrandom over the edge", syscall(SYS_getrandom, p + 2 * PG - 10, 20, 0));
	T("stat to read-only", syscall(SYS_fstat, 1, p + 30 * PG));
	T("uname in a hole", syscall(SYS_uname, p + 5 * PG));
	T("path over the edge", open(memset(p + 2 * PG - 4, '/', 4), O_RDONLY));
	T("path in a hole", open(p + 5 * PG, O_RDONLY));
	return 0;
}

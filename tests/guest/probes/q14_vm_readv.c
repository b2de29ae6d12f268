/* q14_vm_readv: process_vm_readv and writev between two tasks: counts, holes, rights (5.11). */
#include "probe.h"

static char *p;

static long both(int write, pid_t pid, struct iovec *l, long nl, struct iovec *r, long nr,
		 long flags)
{
	return syscall(write ? SYS_process_vm_writev : SYS_process_vm_readv, pid, l, nl, r, nr,
		       flags);
}

int main(void)
{
	begin();
	int up[2], down[2], status;
	char b[8 * PG], c;
	p = arena(64);
	if (pipe(up) || pipe(down))
		return 1;
	memset(b, 'l', sizeof b);
	map(p, 4, RW, ANON, -1, 0);
	map(p + 10 * PG, 4, PROT_READ, ANON, -1, 0);
	map(p + 20 * PG, 4, PROT_NONE, ANON, -1, 0);
	memset(p, 'p', 2 * PG);
	pid_t pid = fork();
	if (!pid) {
		memset(p, 'c', 2 * PG);
		write(up[1], "x", 1);
		read(down[0], &c, 1);
		counters("child", p);
		counters("child read-only", p + 10 * PG);
		printf("child has %c %c\n", p[0], p[PG]);
		_exit(0);
	}
	read(up[0], &c, 1);
#define L(at, n)                                                                                   \
	(struct iovec)                                                                             \
	{                                                                                          \
		at, n                                                                              \
	}
	struct iovec l[4] = {L(b, 100)}, r[4] = {L(p, 100)};
	T("read", both(0, pid, l, 1, r, 1, 0));
	printf("got %c\n", b[0]);
	T("write", both(1, pid, l, 1, r, 1, 0));
	T("flags", both(0, pid, l, 1, r, 1, 1));
	T("no task", both(0, 0x3fffffff, l, 1, r, 1, 0));
	T("count 0 local", both(0, pid, l, 0, r, 1, 0));
	T("count 0 remote", both(0, pid, l, 1, r, 0, 0));
	T("count 1025", both(0, pid, l, 1025, r, 1, 0));
	T("bad vector", both(0, pid, (void *)8, 1, r, 1, 0));
	T("bad remote vector", both(0, pid, l, 1, (void *)8, 1, 0));
	r[0] = L(p, -1L);
	T("length -1", both(0, pid, l, 1, r, 1, 0));
	r[0] = L(p + 3 * PG, 2 * PG);
	l[0] = L(b, 2 * PG);
	T("into a hole", both(0, pid, l, 1, r, 1, 0));
	r[0] = L(p + 5 * PG, 10);
	T("in a hole", both(0, pid, l, 1, r, 1, 0));
	r[0] = L(p, 10), r[1] = L(p + 5 * PG, 10), r[2] = L(p + PG, 10);
	T("three, the middle one in a hole", both(0, pid, l, 1, r, 3, 0));
	r[1] = L(p + PG, 0), r[2] = L(p + PG, 20);
	T("three, the middle one empty", both(0, pid, l, 1, r, 3, 0));
	l[0] = L(b, 15), l[1] = L(b + 100, 5);
	T("local shorter", both(0, pid, l, 2, r, 3, 0));
	r[0] = L(p + 10 * PG, 10);
	T("read-only read", both(0, pid, l, 1, r, 1, 0));
	T("read-only write", both(1, pid, l, 1, r, 1, 0));
	r[0] = L(p + 20 * PG, 10);
	T("none read", both(0, pid, l, 1, r, 1, 0));
	r[0] = L(p, 10);
	l[0] = L((void *)8, 10);
	T("bad local", both(0, pid, l, 1, r, 1, 0));
	l[0] = L(p + 10 * PG, 10);
	T("local read-only", both(0, pid, l, 1, r, 1, 0));
	l[0] = L(b, 3 * PG);
	r[0] = L(p + 2 * PG, 2 * PG);
	T("write to untouched pages", both(1, pid, l, 1, r, 1, 0));
	counters("own", p);
	write(down[1], "x", 1);
	wait(&status);
	T("gone", both(0, pid, l, 1, r, 1, 0));
	T("itself", both(0, getpid(), l, 1, r, 1, 0));
	return 0;
}

/* q19_limits_mm: RLIMIT_AS, DATA and MEMLOCK met by each call that adds memory (5.1, 5.2, 5.5, 5.6, 5.8). */
#include "probe.h"

static char *p;

static void limit(int which, long more, const char *field)
{
	struct rlimit r;

	getrlimit(which, &r);
	r.rlim_cur = (field ? st(field) * 1024 : 0) + more * PG;
	setrlimit(which, &r);
}

static void calls(void)
{
	TA("mmap 8", map(p + 20 * PG, 8, RW, ANON, -1, 0), p);
	TA("mmap 9", map(p + 40 * PG, 9, RW, ANON, -1, 0), p);
	TA("mmap 9 none", map(p + 40 * PG, 9, PROT_NONE, ANON, -1, 0), p);
	TA("mmap 9 shared", map(p + 50 * PG, 9, RW, SHANON, -1, 0), p);
	TA("mmap 1", map(p + 60 * PG, 1, RW, ANON, -1, 0), p);
	T("mprotect none to rw", mprotect(p + 10 * PG, PG, RW));
	TA("mremap grows", mremap(p, 4 * PG, 5 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 70 * PG),
	   p);
	TA("mremap moves", mremap(p, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 70 * PG),
	   p);
	TA("DONTUNMAP", syscall(SYS_mremap, p + 70 * PG, 4 * PG, 4 * PG, 7, p + 80 * PG), p);
	TA("FIXED over itself", map(p + 20 * PG, 8, RW, ANON, -1, 0), p);
	TA("FIXED over none", map(p + 12 * PG, 2, RW, ANON, -1, 0), p);
	long b = syscall(SYS_brk, 0);
	T("brk grows", syscall(SYS_brk, b + 32 * PG) == b + 32 * (long)PG);
	T("mlock 4", mlock(p + 20 * PG, 4 * PG));
	TA("MAP_LOCKED 5", map(p + 90 * PG, 5, RW, ANON | MAP_LOCKED, -1, 0), p);
	T("mlock 5 more", mlock(p + 23 * PG, 5 * PG));
	T("mlock the same again", mlock(p + 20 * PG, 4 * PG));
	T("mlockall", mlockall(MCL_CURRENT));
	T("mlockall future", mlockall(MCL_FUTURE));
	TA("mmap 9 under it", map(p + 90 * PG, 9, RW, ANON, -1, 0), p);
	TA("locked grows", mremap(p + 20 * PG, 4 * PG, 12 * PG, MREMAP_MAYMOVE), p);
	T("munlock", munlock(p + 20 * PG, 4 * PG));
	printf("VmLck %ld\n", st("VmLck"));
}

static void child(const char *label, int which, long more, const char *field, int user)
{
	int status;

	printf("-- %s\n", label);
	if (!fork()) {
		map(p, 4, RW, ANON, -1, 0);
		map(p + 10 * PG, 4, PROT_NONE, ANON, -1, 0);
		st("VmLck");
		if (user && (setgid(65534) || setuid(65534)))
			_exit(1);
		limit(which, more, field);
		calls();
		_exit(0);
	}
	wait(&status);
	printf("%s\n", ended(status));
}

int main(void)
{
	begin();
	p = arena(128);
	child("AS, 8 pages more", RLIMIT_AS, 8, "VmSize", 0);
	child("DATA, 8 pages more", RLIMIT_DATA, 8, "VmData", 0);
	child("MEMLOCK 8 pages, root", RLIMIT_MEMLOCK, 8, 0, 0);
	child("MEMLOCK 8 pages, user", RLIMIT_MEMLOCK, 8, 0, 1);
	child("MEMLOCK 0, user", RLIMIT_MEMLOCK, 0, 0, 1);
	child("AS far below", RLIMIT_AS, 1, 0, 0);
	child("DATA 0", RLIMIT_DATA, 0, 0, 0);
	return 0;
}

/* q26_seals: memfd seals against mappings, and what a sealed mapping shows (3.3, 5.2). */
#include "probe.h"

static char *p;

static void tries(const char *label, int fd)
{
	char b[16] = "seal";

	printf("-- %s: seals %#x\n", label, fcntl(fd, F_GET_SEALS));
	TA("map shared rw", map(p, 2, RW, MAP_SHARED, fd, 0), p);
	TA("map shared r", map(p, 2, PROT_READ, MAP_SHARED, fd, 0), p);
	T("mprotect to rw", mprotect(p, PG, RW));
	entry("entry", p + PG);
	TA("map private rw", map(p, 2, RW, MAP_PRIVATE, fd, 0), p);
	p[0] = 'x';
	counters("private", p);
	munmap(p, 2 * PG);
	T("write", pwrite(fd, b, 4, 0));
	T("write past the end", pwrite(fd, b, 4, 4 * PG));
	T("write across the end", pwrite(fd, b, 8, 4 * PG - 4));
	T("shrink", ftruncate(fd, 3 * PG));
	T("grow", ftruncate(fd, 5 * PG));
	T("same size", ftruncate(fd, 4 * PG));
	T("punch", fallocate(fd, 3, 0, PG));
	T("allocate", fallocate(fd, 0, 0, 6 * PG));
}

int main(void)
{
	begin();
	p = arena(16);
	int fd = memfd("plain", 4);
	tries("none", fd);
	static const int seal[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
				   0x10 /* FUTURE_WRITE */, 0x20 /* EXEC */};
	for (unsigned i = 0; i < 5; i++) {
		fd = memfd("sealed", 4);
		T("add", fcntl(fd, F_ADD_SEALS, seal[i]));
		tries("sealed", fd);
		T("fchmod x", fchmod(fd, 0700));
		close(fd);
	}
	fd = memfd("mapped", 4);
	map(p, 2, RW, MAP_SHARED, fd, 0);
	T("WRITE while mapped rw", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	T("FUTURE_WRITE while mapped rw", fcntl(fd, F_ADD_SEALS, 0x10));
	p[0] = 'f';
	printf("still writable %c\n", p[0]);
	mprotect(p, 2 * PG, PROT_READ);
	T("WRITE while mapped r", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, 2 * PG);
	T("WRITE unmapped", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	T("SEAL", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	T("then anything", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	T("unknown", fcntl(fd, F_ADD_SEALS, 0x40));
	fd = syscall(SYS_memfd_create, "no sealing", 0);
	T("without ALLOW_SEALING", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	printf("seals %#x\n", fcntl(fd, F_GET_SEALS));
	fd = syscall(SYS_memfd_create, "noexec", 8);
	printf("NOEXEC_SEAL seals %#x\n", fcntl(fd, F_GET_SEALS));
	struct stat s;
	fstat(fd, &s);
	printf("mode %o\n", s.st_mode);
	T("EXEC and NOEXEC", syscall(SYS_memfd_create, "x", 8 | 16));
	T("flags", syscall(SYS_memfd_create, "x", 0x40));
	T("bad name", syscall(SYS_memfd_create, 8, 0));
	char name[300];
	memset(name, 'n', sizeof name);
	name[250] = 0;
	T("250 bytes", syscall(SYS_memfd_create, name, 0));
	name[249] = 0;
	printf("249 bytes %d\n", (int)syscall(SYS_memfd_create, name, 0) >= 0);
	return 0;
}

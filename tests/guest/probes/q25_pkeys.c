/* q25_pkeys: protection keys where the CPU has none, and the corners of mprotect (5.6). */
#include "probe.h"

int main(void)
{
	begin();
	char *p = arena(32);
	T("pkey_alloc", syscall(SYS_pkey_alloc, 0, 0));
	T("pkey_alloc flags", syscall(SYS_pkey_alloc, 1, 0));
	T("pkey_alloc rights 4", syscall(SYS_pkey_alloc, 0, 4));
	T("pkey_free 0", syscall(SYS_pkey_free, 0));
	T("pkey_free 1", syscall(SYS_pkey_free, 1));
	T("pkey_free -1", syscall(SYS_pkey_free, -1));
	map(p, 4, RW, ANON, -1, 0);
	map(p + 6 * PG, 4, RW, ANON | MAP_GROWSDOWN, -1, 0);
	T("pkey_mprotect -1", syscall(SYS_pkey_mprotect, p, PG, PROT_READ, -1));
	T("pkey_mprotect 0", syscall(SYS_pkey_mprotect, p, PG, PROT_READ, 0));
	T("pkey_mprotect 1", syscall(SYS_pkey_mprotect, p, PG, PROT_READ, 1));
	T("pkey_mprotect 16", syscall(SYS_pkey_mprotect, p, PG, PROT_READ, 16));
	T("pkey_mprotect 1, length 0", syscall(SYS_pkey_mprotect, p, 0, PROT_READ, 1));
	T("pkey_mprotect 1, unaligned", syscall(SYS_pkey_mprotect, p + 1, PG, PROT_READ, 1));
	shape("shape", p, 12);
	T("prot 0x10", mprotect(p, PG, 0x10));
	T("PROT_SEM", mprotect(p, PG, RW | 8));
	T("GROWSDOWN on a plain area", mprotect(p + PG, PG, PROT_READ | PROT_GROWSDOWN));
	T("GROWSDOWN, from its middle", mprotect(p + 8 * PG, PG, PROT_READ | PROT_GROWSDOWN));
	shape("shape", p, 12);
	T("GROWSUP", mprotect(p, PG, PROT_READ | PROT_GROWSUP));
	T("both", mprotect(p, PG, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
	T("GROWSDOWN, in a hole", mprotect(p + 4 * PG, PG, PROT_READ | PROT_GROWSDOWN));
	T("GROWSDOWN, hole below the area",
	  mprotect(p + 5 * PG, 2 * PG, PROT_NONE | PROT_GROWSDOWN));
	shape("shape", p, 12);
	T("length rounds to 0", mprotect(p, -1UL, PROT_READ));
	T("wrap", mprotect(p, -PG, PROT_READ));
	T("length 0 in a hole", mprotect(p + 20 * PG, 0, PROT_READ));
	T("kernel half", mprotect((void *)0xffff800000000000, PG, PROT_READ));
	T("user end", mprotect((void *)0x7ffffffff000, PG, PROT_READ));
	T("vsyscall", mprotect((void *)0xffffffffff600000, PG, PROT_READ));
	int fd = memfd("m", 4);
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int ro = open(path, O_RDONLY);
	map(p + 14 * PG, 2, PROT_READ, MAP_SHARED, ro, 0);
	map(p + 12 * PG, 2, PROT_NONE, ANON, -1, 0);
	map(p + 16 * PG, 2, PROT_NONE, ANON, -1, 0);
	T("rw over none, shared read-only, none", mprotect(p + 12 * PG, 6 * PG, RW));
	shape("shape", p + 12 * PG, 6);
	T("exec of it", mprotect(p + 14 * PG, PG, PROT_READ | PROT_EXEC));
	T("none of it", mprotect(p + 14 * PG, PG, PROT_NONE));
	T("write-only", mprotect(p + 14 * PG, PG, PROT_WRITE));
	shape("shape", p + 12 * PG, 6);
	return 0;
}

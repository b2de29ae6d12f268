/* q07_kinds: the smaps entry of each kind of VMA, untouched, read, written (3.2, 3.3). */
#include "probe.h"

static void kind(const char *label, char *p, int prot)
{
	printf("-- %s\n", label);
	entry("fresh", p);
	if (prot & PROT_READ) {
		(void)*(volatile char *)p;
		counters("page 0 read", p);
	}
	if (prot & PROT_WRITE) {
		p[2 * PG] = 1;
		counters("page 2 written", p);
		p[0] = 1;
		counters("page 0 written", p);
	}
	pagemap("pagemap", p, 4);
	munmap(p, 8 * PG);
}

int main(void)
{
	begin();
	char *p = arena(16);
	int fd = memfd("m", 8), file = scratch(8), zero = open("/dev/zero", O_RDWR);
	kind("private anon", map(p, 4, RW, ANON, -1, 0), RW);
	kind("private anon r", map(p, 4, PROT_READ, ANON, -1, 0), PROT_READ);
	kind("private anon rx", map(p, 4, PROT_READ | PROT_EXEC, ANON, -1, 0), PROT_READ);
	kind("noreserve", map(p, 4, RW, ANON | MAP_NORESERVE, -1, 0), RW);
	kind("stack flag", map(p, 4, RW, ANON | MAP_STACK, -1, 0), RW);
	kind("grows down", map(p, 4, RW, ANON | MAP_GROWSDOWN, -1, 0), RW);
	kind("locked", map(p, 4, RW, ANON | MAP_LOCKED, -1, 0), RW);
	kind("droppable", map(p, 4, RW, DROPPABLE, -1, 0), RW);
	kind("shared anon", map(p, 4, RW, SHANON, -1, 0), RW);
	kind("shared anon r", map(p, 4, PROT_READ, SHANON, -1, 0), PROT_READ);
	kind("shared anon locked", map(p, 4, RW, SHANON | MAP_LOCKED, -1, 0), RW);
	kind("/dev/zero private", map(p, 4, RW, MAP_PRIVATE, zero, 0), RW);
	kind("/dev/zero shared", map(p, 4, RW, MAP_SHARED, zero, 0), RW);
	kind("memfd private", map(p, 4, RW, MAP_PRIVATE, fd, 0), RW);
	kind("memfd shared", map(p, 4, RW, MAP_SHARED, fd, 0), RW);
	kind("memfd shared r", map(p, 4, PROT_READ, MAP_SHARED, fd, 2), PROT_READ);
	kind("file private r", map(p, 4, PROT_READ, MAP_PRIVATE, file, 0), PROT_READ);
	kind("file private rw", map(p, 4, RW, MAP_PRIVATE, file, 0), RW);
	kind("file shared r", map(p, 4, PROT_READ, MAP_SHARED, file, 0), PROT_READ);
	kind("file shared rw", map(p, 4, RW, MAP_SHARED, file, 0), RW);
	fsync(file);
	kind("file rx", map(p, 4, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0), PROT_READ);
	int id = shmget(IPC_PRIVATE, 4 * PG, 0600 | IPC_CREAT);
	kind("SysV", shmat(id, p, 0), RW);
	shmdt(p);
	kind("SysV r", shmat(id, p, SHM_RDONLY), PROT_READ);
	shmdt(p);
	shmctl(id, IPC_RMID, 0);
	map(p, 4, RW, ANON, -1, 0);
	T("guard on 2", madvise(p + 2 * PG, PG, ADV_GUARD_INSTALL));
	p[0] = p[3 * PG] = 1;
	entry("guarded", p);
	pagemap("guarded", p, 4);
	T("removed", madvise(p, 4 * PG, ADV_GUARD_REMOVE));
	entry("after removal", p);
	return 0;
}

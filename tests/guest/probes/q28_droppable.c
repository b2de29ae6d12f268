/* q28_droppable: MAP_DROPPABLE: counts, fork, locks, advice and moves (5.2, 3.3). */
#include "probe.h"

int main(void)
{
	begin();
	char *p = arena(64);
	int status, fd = memfd("m", 4);
	long lck = st("VmLck");
	TA("with a file", map(p, 4, RW, 8, fd, 0), p);
	TA("LOCKED", map(p, 4, RW, DROPPABLE | MAP_LOCKED, -1, 0), p);
	TA("GROWSDOWN", map(p, 4, RW, DROPPABLE | MAP_GROWSDOWN, -1, 0), p);
	TA("HUGETLB", map(p, 512, RW, DROPPABLE | MAP_HUGETLB, -1, 0), p);
	TA("offset", map(p, 4, RW, DROPPABLE, -1, 3), p);
	TA("plain", map(p, 4, RW, DROPPABLE, -1, 0), p);
	TA("neighbour", map(p + 4 * PG, 4, RW, DROPPABLE, -1, 0), p);
	shape("merged", p, 10);
	long data = st("VmData");
	p[0] = 1;
	(void)*(volatile char *)(p + PG);
	entry("one written, one read", p);
	pagemap("pagemap", p, 4);
	printf("VmData %+ld\n", st("VmData") - data);
	T("mlock", mlock(p, PG));
	entry("after mlock", p);
	printf("VmLck %+ld\n", st("VmLck") - lck);
	T("mlockall", mlockall(MCL_CURRENT));
	entry("after mlockall", p);
	T("munlockall", munlockall());
	T("KEEPONFORK", madvise(p, PG, MADV_KEEPONFORK));
	T("WIPEONFORK", madvise(p, PG, MADV_WIPEONFORK));
	T("DODUMP", madvise(p, PG, MADV_DODUMP));
	T("DONTDUMP", madvise(p, PG, MADV_DONTDUMP));
	T("FREE", madvise(p, PG, MADV_FREE));
	T("GUARD", madvise(p + 3 * PG, PG, ADV_GUARD_INSTALL));
	p[0] = 5;
	if (!fork()) {
		entry("child", p);
		printf("child reads %d\n", p[0]);
		_exit(0);
	}
	wait(&status);
	printf("parent reads %d\n", p[0]);
	counters("parent", p);
	T("mprotect r", mprotect(p, 2 * PG, PROT_READ));
	T("mprotect rw", mprotect(p, 2 * PG, RW));
	shape("shape", p, 10);
	TA("mremap", mremap(p, 4 * PG, 6 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PG), p);
	entry("there", p + 20 * PG);
	TA("DONTUNMAP", syscall(SYS_mremap, p + 20 * PG, 6 * PG, 6 * PG, 7, p + 30 * PG), p);
	entry("left", p + 20 * PG);
	T("mseal", syscall(462, p + 30 * PG, 6 * PG, 0));
	T("DONTNEED sealed", madvise(p + 30 * PG, PG, MADV_DONTNEED));
	return 0;
}

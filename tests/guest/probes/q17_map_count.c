/* q17_map_count: which calls still work when the number of VMAs is at its limit (5.12). */
#include "probe.h"

int main(void)
{
	begin();
	long limit = strtol(slurp("/proc/sys/vm/max_map_count"), 0, 10), n = 0, maps = 0;
	char *p = mmap(0, (limit + 64) * 2 * PG, PROT_NONE, SHANON | MAP_NORESERVE, -1, 0), *q;
	char *text = slurp("/proc/self/maps");
	while (next_line(&text))
		maps++;
	maps--; /* [vsyscall] is none of the mm's */
	/* each page made readable is two areas more */
	while (maps + 2 * n < limit - 2 && !mprotect(p + (2 * n + 1) * PG, PG, PROT_READ))
		n++;
	printf("split until %ld below the limit\n", limit - maps - 2 * n);
	long left = limit - maps - 2 * n;
	q = p + (2 * n + 9) * PG;
	for (; left > 1; left--)
		T("split in two", mprotect(q, PG * (2 * (limit + 64) - (2 * n + 9)), PROT_WRITE));
	T("mmap, the last", mmap(0, PG, PROT_NONE, SHANON, -1, 0) == MAP_FAILED ? -1 : 0);
	T("mmap at the limit", mmap(0, PG, PROT_READ, SHANON, -1, 0) == MAP_FAILED ? -1 : 0);
	T("mmap above it", mmap(0, PG, PROT_NONE, SHANON, -1, 0) == MAP_FAILED ? -1 : 0);
	T("mprotect splits", mprotect(q + 8 * PG, PG, PROT_NONE));
	T("mlock splits", mlock(q + 8 * PG, PG));
	T("madvise splits", madvise(q + 8 * PG, PG, MADV_DONTFORK));
	T("madvise, no split", madvise(q + 8 * PG, PG, MADV_DONTNEED));
	T("munmap in the middle", munmap(q + 8 * PG, PG));
	T("mremap in the middle",
	  mremap(q + 8 * PG, PG, 2 * PG, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	T("mremap shrinks an end", mremap(q, 100 * PG, 50 * PG, 0) == MAP_FAILED ? -1 : 0);
	T("FIXED in the middle",
	  map(q + 8 * PG, 1, PROT_NONE, SHANON, -1, 0) == MAP_FAILED ? -1 : 0);
	T("FIXED over a whole one",
	  map(p + PG, 1, PROT_NONE, SHANON, -1, 0) == MAP_FAILED ? -1 : 0);
	T("brk", syscall(SYS_brk, syscall(SYS_brk, 0) + 64 * PG) ? 0 : -1);
	T("munmap of a whole one", munmap(p + 3 * PG, PG));
	T("munmap of its neighbour", munmap(p + 5 * PG, PG));
	T("mprotect back merges", mprotect(p + 7 * PG, PG, PROT_NONE));
	T("mprotect splits again", mprotect(q + 8 * PG, PG, PROT_NONE));
	return 0;
}

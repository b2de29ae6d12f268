/* q08_status_walk: how the Vm lines of status and the fields of statm move, call by call (4.1). */
#include "probe.h"

static const char *const field[] = {"VmSize",	"VmLck",  "RssAnon",	 "RssFile",
				    "RssShmem", "VmData", "VmStk",	 "VmExe",
				    "VmLib",	"VmSwap", "HugetlbPages"};
#define N (int)(sizeof field / sizeof *field)
static long before[N], statm_before[7];

static void moved(const char *label)
{
	long now[N], m[7];

	printf("%s:", label);
	for (int i = 0; i < N; i++)
		now[i] = st(field[i]);
	sscanf(slurp("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", m, m + 1, m + 2, m + 3,
	       m + 4, m + 5, m + 6);
	for (int i = 0; i < N; i++) {
		if (now[i] != before[i])
			printf(" %s%+ld", field[i], now[i] - before[i]);
		before[i] = now[i];
	}
	printf(" | statm");
	for (int i = 0; i < 7; i++) {
		printf(" %+ld", m[i] - statm_before[i]);
		statm_before[i] = m[i];
	}
	printf(" sum %s\n", now[2] + now[3] + now[4] == st("VmRSS") ? "ok" : "WRONG");
}

int main(void)
{
	begin();
	warm(); /* sscanf is first used between two readings */
	char *p = arena(64);
	int fd = memfd("m", 8);
	for (int i = 0; i < N; i++)
		before[i] = st(field[i]);
	printf("fields %d",
	       sscanf(slurp("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", statm_before,
		      statm_before + 1, statm_before + 2, statm_before + 3, statm_before + 4,
		      statm_before + 5, statm_before + 6));
	for (int i = 0; i < 2; i++)
		moved(i ? "nothing" : " first");
#define DO(call)                                                                                   \
	do {                                                                                       \
		call;                                                                              \
		moved(#call);                                                                      \
	} while (0)
	DO(map(p, 8, RW, ANON, -1, 0));
	DO(memset(p, 1, 4 * PG));
	DO((void)*(volatile char *)(p + 5 * PG));
	DO(mprotect(p, 8 * PG, PROT_READ));
	DO(mprotect(p, 4 * PG, PROT_READ | PROT_EXEC));
	DO(mprotect(p, 4 * PG, PROT_READ | PROT_WRITE | PROT_EXEC));
	DO(mprotect(p, 8 * PG, PROT_NONE));
	DO(mprotect(p, 8 * PG, RW));
	DO(mlock(p, 3 * PG));
	DO(mremap(p, 2 * PG, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PG));
	DO(munlock(p + 20 * PG, PG));
	DO(munmap(p, 8 * PG));
	DO(munmap(p + 20 * PG, 2 * PG));
	DO(map(p, 8, RW, SHANON, -1, 0));
	DO(memset(p, 1, 5 * PG));
	DO(madvise(p, 2 * PG, MADV_DONTNEED));
	DO(madvise(p + 2 * PG, 2 * PG, MADV_REMOVE));
	DO(map(p, 8, RW, MAP_PRIVATE, fd, 0));
	DO((void)*(volatile char *)p);
	DO(p[0] = 1);
	DO(madvise(p, 8 * PG, MADV_DONTNEED));
	DO(map(p, 8, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0));
	DO(ftruncate(fd, 3 * PG));
	DO(map(p, 8, RW, ANON | MAP_GROWSDOWN | MAP_LOCKED, -1, 0));
	DO(map(p, 8, RW, DROPPABLE, -1, 0));
	DO(map(p, 8, PROT_WRITE, ANON, -1, 0));
	DO(map(p, 8, PROT_EXEC, ANON, -1, 0));
	DO(munmap(p, 8 * PG));
	return 0;
}

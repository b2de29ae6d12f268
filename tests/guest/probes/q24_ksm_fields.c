/* q24_ksm_fields: mergeable areas while ksmd sleeps: flags, ksm_stat, prctl and fork (5.7). */
#include "probe.h"

#define PR_SET_MEMORY_MERGE_ 67
#define PR_GET_MEMORY_MERGE_ 68

static void stat_text(const char *label)
{
	printf("-- %s\n%s", label, slurp("/proc/self/ksm_stat"));
	printf("merging %s", slurp("/proc/self/ksm_merging_pages"));
}

int main(void)
{
	begin();
	char *p = arena(64);
	int status, fd = memfd("m", 4);
	stat_text("at the start");
	map(p, 4, RW, ANON, -1, 0);
	map(p + 10 * PG, 4, RW, SHANON, -1, 0);
	map(p + 20 * PG, 4, RW, MAP_PRIVATE, fd, 0);
	map(p + 30 * PG, 4, RW, DROPPABLE, -1, 0);
	memset(p, 7, 4 * PG);
	for (int i = 0; i < 4; i++)
		T("MERGEABLE", madvise(p + 10 * i * PG, 4 * PG, MADV_MERGEABLE));
	for (int i = 0; i < 4; i++)
		entry("flags", p + 10 * i * PG);
	T("MERGEABLE on part", madvise(p + PG, PG, MADV_UNMERGEABLE));
	shape("shape", p, 8);
	T("back", madvise(p, 4 * PG, MADV_MERGEABLE));
	shape("shape", p, 8);
	T("get", prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0));
	T("get with an argument", prctl(PR_GET_MEMORY_MERGE_, 1, 0, 0, 0));
	T("set with a third", prctl(PR_SET_MEMORY_MERGE_, 1, 1, 0, 0));
	T("set", prctl(PR_SET_MEMORY_MERGE_, 1, 0, 0, 0));
	T("get", prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0));
	map(p + 40 * PG, 4, RW, ANON, -1, 0);
	map(p + 50 * PG, 4, PROT_READ, SHANON, -1, 0);
	entry("new area", p + 40 * PG);
	entry("new shared area", p + 50 * PG);
	stat_text("set");
	if (!fork()) {
		T("child: get", prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0));
		map(p + 54 * PG, 4, RW, ANON, -1, 0);
		entry("child: new area", p + 54 * PG);
		_exit(0);
	}
	wait(&status);
	T("clear", prctl(PR_SET_MEMORY_MERGE_, 0, 0, 0, 0));
	entry("old area", p + 40 * PG);
	entry("first", p);
	T("set 2", prctl(PR_SET_MEMORY_MERGE_, 2, 0, 0, 0));
	T("get", prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0));
	stat_text("cleared");
	return 0;
}

/* q34_lru_counts: what 16,384 pages do to the counters of /proc/meminfo, vmstat, zoneinfo and numa_maps when
 * they are locked, given up, used (8). The machine does other things meanwhile: counts are shown in
 * quarters of that number (5.8). */
#include "kpf.h"

#define PAGES 16384L

static const char *const vmstat_names[] = {
	"nr_mlock",
	"nr_unevictable",
	"nr_zone_unevictable",
	"unevictable_pgs_culled",
	"unevictable_pgs_scanned",
	"unevictable_pgs_rescued",
	"unevictable_pgs_mlocked",
	"unevictable_pgs_munlocked",
	"unevictable_pgs_cleared",
	"unevictable_pgs_stranded",
	"pglazyfree",
	"pglazyfreed",
};

#define NR (sizeof vmstat_names / sizeof *vmstat_names)

static long before[NR + 2];

/* The value of a line "name value" or "name: value kB"; all lines of that name together. */
static long sum_of(char *text, const char *name)
{
	size_t n = strlen(name);
	long sum = 0;

	for (char *l; (l = next_line(&text));) {
		l += strspn(l, " ");
		if (!strncmp(l, name, n) && (l[n] == ' ' || l[n] == ':'))
			sum += strtol(l + n + 1, 0, 10);
	}
	return sum;
}

static void snapshot(long *v)
{
	drain();
	for (unsigned i = 0; i < NR; i++)
		v[i] = sum_of(slurp("/proc/vmstat"), vmstat_names[i]);
	v[NR] = sum_of(slurp("/proc/meminfo"), "Mlocked") / 4;
	v[NR + 1] = sum_of(slurp("/proc/meminfo"), "Unevictable") / 4;
}

static long quarters(long pages)
{
	return (pages + PAGES / 8 * (pages < 0 ? -1 : 1)) / (PAGES / 4);
}

/* What has changed since the last call. */
static void changed(const char *label)
{
	long now[NR + 2];

	snapshot(now);
	printf("%s:", label);
	for (unsigned i = 0; i < NR + 2; i++) {
		long n = quarters(now[i] - before[i]);

		if (n)
			printf(" %s %+ld",
			       i < NR	? vmstat_names[i]
			       : i > NR ? "Unevictable"
					: "Mlocked",
			       n);
		before[i] = now[i];
	}
	printf("\n");
}

/* numa_maps' active= of the entry at p. */
static void active(const char *label, char *p)
{
	char *text = slurp("/proc/self/numa_maps"), *at;
	char key[32];

	snprintf(key, sizeof key, "%lx ", (unsigned long)p);
	for (char *l; (l = next_line(&text));) {
		if (strncmp(l, key, strlen(key)))
			continue;
		at = strstr(l, "active=");
		printf("%s: active %ld\n", label, at ? atol(at + 7) : -1);
	}
}

int main(void)
{
	char *p;
	int fd;

	begin();
	one_cpu();
	p = arena(PAGES);
	snapshot(before);
	map(p, PAGES, RW, ANON, -1, 0);
	memset(p, 1, PAGES * PG);
	changed("touched");
	active("touched", p);
	mlock(p, PAGES * PG);
	changed("mlock");
	active("mlock", p);
	mlock(p, PAGES * PG);
	changed("mlock again");
	munlock(p, PAGES / 2 * PG);
	changed("munlock of half");
	munmap(p + PAGES / 4 * PG, PAGES / 2 * PG);
	changed("munmap of the middle");
	if (!fork())
		_exit(0);
	wait(0);
	changed("a child came and went");
	munmap(p, PAGES * PG);
	changed("munmap");
	map(p, PAGES, RW, ANON | MAP_LOCKED, -1, 0);
	changed("MAP_LOCKED");
	if (!fork()) {
		mlockall(MCL_CURRENT);
		_exit(0);
	}
	wait(0);
	changed("a child locked them, too, and ended");
	munlockall();
	changed("munlockall");
	madvise(p, PAGES * PG, MADV_FREE);
	changed("FREE");
	active("FREE", p);
	munmap(p, PAGES * PG);
	changed("munmap");

	fd = memfd("m", 0);
	T("truncate", ftruncate(fd, PAGES * PG));
	map(p, PAGES, RW, MAP_SHARED, fd, 0);
	mlock(p, PAGES / 2 * PG);
	changed("memfd, half locked");
	active("memfd", p);
	T("truncate", ftruncate(fd, PAGES / 4 * PG));
	changed("memfd, a quarter left");
	munmap(p, PAGES * PG);
	changed("munmap");
	return 0;
}

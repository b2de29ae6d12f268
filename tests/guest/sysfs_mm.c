/* Huge pages and the node in /sys: which files there are, and how they may be opened; with the argument
 * `write` (for Vellum only: the host's settings are nobody's to change) what each takes and refuses, by the
 * kernel's own rules: mm/huge_memory.c, mm/khugepaged.c, mm/shmem.c, mm/hugetlb_sysfs.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "settings.h"

#define MM "/sys/kernel/mm/"
#define THP MM "transparent_hugepage/"
#define POOL MM "hugepages/hugepages-2048kB/"
#define GIANT MM "hugepages/hugepages-1048576kB/"
#define NODE "/sys/devices/system/node/"

/* Those that kernels have had for long, whatever their configuration. */
static const char *const names[] = {
	THP "defrag",
	THP "enabled",
	THP "hpage_pmd_size",
	THP "shmem_enabled",
	THP "use_zero_page",
	THP "khugepaged",
	THP "khugepaged/alloc_sleep_millisecs",
	THP "khugepaged/defrag",
	THP "khugepaged/full_scans",
	THP "khugepaged/max_ptes_none",
	THP "khugepaged/max_ptes_shared",
	THP "khugepaged/max_ptes_swap",
	THP "khugepaged/pages_collapsed",
	THP "khugepaged/pages_to_scan",
	THP "khugepaged/scan_sleep_millisecs",
	THP "hugepages-64kB/enabled",
	THP "hugepages-64kB/stats",
	THP "hugepages-64kB/stats/anon_fault_alloc",
	THP "hugepages-64kB/..",
	THP "hugepages-4kB",
	THP "hugepages-064kB",
	THP "hugepages-4096kB",
	THP "hugepages-SIZE",
	POOL "free_hugepages",
	POOL "nr_hugepages",
	POOL "nr_hugepages_mempolicy",
	POOL "nr_overcommit_hugepages",
	POOL "resv_hugepages",
	POOL "surplus_hugepages",
	POOL "demote",
	MM "hugepages/hugepages-1024kB",
	NODE "has_cpu",
	NODE "has_memory",
	NODE "has_normal_memory",
	NODE "online",
	NODE "possible",
	NODE "node0/compact",
	NODE "node0/cpulist",
	NODE "node0/cpumap",
	NODE "node0/distance",
	NODE "node0/meminfo",
	NODE "node0/numastat",
	NODE "node0/vmstat",
	NODE "node0/hugepages/hugepages-2048kB/free_hugepages",
	NODE "node0/hugepages/hugepages-2048kB/nr_hugepages",
	NODE "node0/hugepages/hugepages-2048kB/resv_hugepages",
	NODE "node0/hugepages/hugepages-2048kB/surplus_hugepages",
};

static int open_error(const char *name, int flags)
{
	int fd = open(name, flags);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void list(void)
{
	struct stat st;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (stat(names[i], &st)) {
			printf("%s: %s\n", names[i], strerrorname_np(errno));
			continue;
		}
		printf("%s: %o %ld", names[i], st.st_mode, S_ISREG(st.st_mode) ? st.st_size : 0);
		if (S_ISREG(st.st_mode)) /* opening alone changes nothing */
			printf(" r %d w %d", open_error(names[i], O_RDONLY),
			       open_error(names[i], O_WRONLY));
		printf("\n");
	}
}

/* The first word of each line. */
static void print_words(const char *name)
{
	char line[200];
	FILE *f = fopen(name, "r");

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " ")] = 0;
		puts(line);
	}
	if (f)
		fclose(f);
}

static void words(void)
{
	expect(THP "enabled", "always\n", 0, "[always] madvise never");
	expect(THP "enabled", "never", 0, "always madvise [never]");
	expect(THP "enabled", "inherit", EINVAL, "always madvise [never]");
	expect(THP "enabled", " always", EINVAL, "always madvise [never]");
	expect(THP "enabled", "madvise\n\n", EINVAL, "always madvise [never]");
	expect(THP "enabled", "madvise", 0, "always [madvise] never");
	expect(THP "defrag", "defer+madvise", 0, "always defer [defer+madvise] madvise never");
	expect(THP "defrag", "defer", 0, "always [defer] defer+madvise madvise never");
	expect(THP "defrag", "1", EINVAL, "always [defer] defer+madvise madvise never");
	expect(THP "shmem_enabled", "force", 0, "always within_size advise never deny [force]");
	expect(THP "hugepages-64kB/shmem_enabled", "inherit", EINVAL,
	       "always inherit within_size advise [never]");
	expect(THP "hugepages-2048kB/shmem_enabled", "inherit", 0,
	       "always [inherit] within_size advise never");
	expect(THP "shmem_enabled", "within_size", 0,
	       "always [within_size] advise never deny force");
	expect(THP "hugepages-64kB/shmem_enabled", "inherit", 0,
	       "always [inherit] within_size advise never");
	expect(THP "hugepages-64kB/shmem_enabled", "force", EINVAL,
	       "always [inherit] within_size advise never");
	expect(THP "shmem_enabled", "force", EINVAL,
	       "always [within_size] advise never deny force");
	expect(THP "hugepages-64kB/enabled", "inherit", 0, "always [inherit] madvise never");
	expect(THP "hugepages-32kB/enabled", "x", EINVAL, "always inherit madvise [never]");
	expect(THP "hugepages-2048kB/enabled", "never\n", 0, "always inherit madvise [never]");
}

static void numbers(void)
{
	expect(THP "use_zero_page", "0x0", 0, "0");
	expect(THP "use_zero_page", "2", EINVAL, "0");
	expect(THP "use_zero_page", "99999999999999999999", ERANGE, "0");
	expect(THP "use_zero_page", "1\n", 0, "1");
	expect(THP "shrink_underused", "n", 0, "0");
	expect(THP "shrink_underused", "2", EINVAL, "0");
	expect(THP "khugepaged/defrag", "-1", EINVAL, "1");
	expect(THP "khugepaged/pages_to_scan", "0", EINVAL, "4096");
	expect(THP "khugepaged/pages_to_scan", "4294967295", 0, "4294967295");
	expect(THP "khugepaged/scan_sleep_millisecs", "4294967296", EINVAL, "10000");
	expect(THP "khugepaged/alloc_sleep_millisecs", "0", 0, "0");
	expect(THP "khugepaged/max_ptes_none", "512", EINVAL, "511");
	expect(THP "khugepaged/max_ptes_none", "0", 0, "0");
	expect(THP "khugepaged/max_ptes_shared", "0x10", EINVAL, "256");
	expect(THP "khugepaged/max_ptes_swap", "511", 0, "511");
	expect(THP "khugepaged/full_scans", "0", EACCES, "0");
	expect(THP "hpage_pmd_size", "0", EACCES, "2097152");
}

/* No huge page can be had, however many are asked for. */
static void pools(void)
{
	expect(POOL "nr_hugepages", "5", 0, "0");
	expect(POOL "nr_hugepages", "0x5", EINVAL, "0");
	expect(POOL "nr_hugepages", "99999999999999999999", ERANGE, "0");
	expect(POOL "nr_hugepages_mempolicy", "5\n", 0, "0");
	expect(GIANT "nr_hugepages", "1", 0, "0");
	expect(NODE "node0/hugepages/hugepages-2048kB/nr_hugepages", "7", 0, "0");
	expect(NODE "node0/hugepages/hugepages-2048kB/nr_hugepages", "-7", EINVAL, "0");
	expect(POOL "free_hugepages", "1", EACCES, "0");
	expect(POOL "nr_overcommit_hugepages", "7", 0, "7");
	expect("/proc/sys/vm/nr_overcommit_hugepages", "9", 0, "9");
	expect(POOL "nr_overcommit_hugepages", "", 0, "9");
	expect(GIANT "nr_overcommit_hugepages", "7", EINVAL, "0");
	expect("/proc/sys/vm/nr_overcommit_hugepages", "0", 0, "0");
	expect(GIANT "demote_size", "1G", EINVAL, "2048kB");
	expect(GIANT "demote_size", "4096", EINVAL, "2048kB");
	expect(GIANT "demote_size", "2M", 0, "2048kB");
	expect(GIANT "demote", "1", 0, "");
	expect(GIANT "demote", "x", EINVAL, "");
	expect(POOL "demote", "1", ENOENT, "");
	expect(NODE "node0/compact", "x", 0, "");
	expect(NODE "has_cpu", "x", EACCES, "0");
}

/* A directory of sizes lists each once, and its files' names lead back to it. */
static void sizes(void)
{
	unsigned nr = 0;
	struct dirent *e;
	char path[100];
	DIR *d;

	if (chdir(THP "hugepages-8kB/stats") || !getcwd(path, sizeof(path)) ||
	    strcmp(path, THP "hugepages-8kB/stats") || access("swpout", R_OK) ||
	    !access("nr_anon", F_OK) || !access("../enabled", F_OK))
		wrong = 2;
	if (chdir("../..") || !getcwd(path, sizeof(path)) || access("enabled", R_OK))
		wrong = 3;
	d = opendir(".");
	while (d && (e = readdir(d)))
		nr += !strncmp(e->d_name, "hugepages-", 10) && e->d_type == DT_DIR;
	if (nr != 9)
		wrong = 4;
}

int main(int argc, char **argv)
{
	list();
	print_words(NODE "node0/numastat");
	if (argc > 1 && !strcmp(argv[1], "write")) {
		words();
		numbers();
		pools();
		sizes();
	}
	if (wrong)
		printf("wrong: %d\n", wrong);
	return !!wrong;
}

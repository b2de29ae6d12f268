/* /proc/sys/vm: every file can be read as its mode says; with the argument `write` (for Vellum only: the
 * host's settings are nobody's to change) also what each takes and refuses, by the kernel's own bounds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "settings.h"

/* name, lowest, highest as text; one below and one above are refused. */
static const struct {
	const char *name;
	long low, high;
} bounds[] = {
	{"compact_unevictable_allowed", 0, 1},
	{"compaction_proactiveness", 0, 100},
	{"defrag_mode", 0, 1},
	{"dirty_expire_centisecs", 0, 0x7fffffff},
	{"dirty_background_ratio", 0, 100},
	{"dirty_ratio", 0, 100},
	{"extfrag_threshold", 0, 1000},
	{"legacy_va_layout", 0, 1},
	{"unprivileged_userfaultfd", 0, 1},
	{"watermark_boost_factor", 0, 0x7fffffff},
	{"watermark_scale_factor", 1, 3000},
	{"dirtytime_expire_seconds", 0, 0x7fffffff},
	{"max_map_count", 0, 0x7fffffff},
	{"page_lock_unfairness", 0, 0x7fffffff},
	{"min_slab_ratio", 0, 100},
	{"min_unmapped_ratio", 0, 100},
	{"mmap_rnd_bits", 28, 32},
	{"mmap_rnd_compat_bits", 8, 16},
	{"numa_stat", 0, 1},
	{"overcommit_memory", 0, 2},
	{"page-cluster", 0, 31},
	{"panic_on_oom", 0, 2},
	{"swappiness", 0, 200},
	{"vfs_cache_pressure", 0, 0x7fffffff},
	{"vfs_cache_pressure_denom", 100, 0x7fffffff},
	{"zone_reclaim_mode", 0, 0x7fffffff},
};

static void ranges(void)
{
	char text[32], was[32];

	for (unsigned i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		strcpy(was, get(bounds[i].name));
		snprintf(text, sizeof(text), "%ld", bounds[i].high);
		expect(bounds[i].name, text, 0, text);
		snprintf(text, sizeof(text), "%ld", bounds[i].low);
		expect(bounds[i].name, text, 0, text);
		expect(bounds[i].name, "x", EINVAL, text);
		snprintf(text, sizeof(text), "%ld", bounds[i].low - 1);
		expect(bounds[i].name, text, EINVAL, NULL);
		snprintf(text, sizeof(text), "%ld", bounds[i].high + 1);
		if (strcmp(bounds[i].name, "legacy_va_layout"))
			expect(bounds[i].name, text, EINVAL, NULL);
		expect(bounds[i].name, was, 0, was);
	}
}

/* Of these pairs one holds at a time. */
static void pairs(void)
{
	expect("dirty_bytes", "8191", EINVAL, "0");
	expect("dirty_bytes", "8192", 0, "8192");
	if (strcmp(get("dirty_ratio"), "0"))
		wrong = 1;
	expect("dirty_ratio", "30", 0, "30");
	if (strcmp(get("dirty_bytes"), "0"))
		wrong = 1;
	expect("dirty_background_bytes", "0", EINVAL, "0");
	expect("dirty_background_bytes", "1", 0, "1");
	expect("dirty_background_ratio", "10", 0, "10");
	expect("overcommit_kbytes", "1000000", 0, "1000000");
	if (strcmp(get("overcommit_ratio"), "0"))
		wrong = 1;
	expect("overcommit_ratio", "50", 0, "50");
	expect("percpu_pagelist_high_fraction", "7", EINVAL, "0");
	expect("percpu_pagelist_high_fraction", "8", 0, "8");
}

/* The number behind @name in @path, the @nth time that it stands there. */
static long number(const char *path, const char *name, int nth)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, k;
	char *at = text;

	while ((k = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += k;
	close(fd);
	text[n] = 0;
	while (nth-- && at)
		at = strstr(at + 1, name);
	return at ? strtol(at + strlen(name), 0, 10) : -1;
}

static void check(int ok, const char *what)
{
	if (ok)
		return;
	printf("wrong: %s\n", what);
	wrong = 1;
}

/* Zones' watermarks and reserves follow their settings at once. */
static void zones(void)
{
	static const char zoneinfo[] = "/proc/zoneinfo";
	long min, low, was = atol(get("min_free_kbytes"));
	char text[32];

	expect("min_free_kbytes", "8192", 0, "8192");
	min = number(zoneinfo, "        min      ", 1) + number(zoneinfo, "        min      ", 2) +
	      number(zoneinfo, "        min      ", 3);
	check(min > 2040 && min <= 2048, "the zones' min add up to 8 MiB");
	expect("watermark_scale_factor", "1000", 0, "1000");
	min = number(zoneinfo, "        min      ", 2);
	low = number(zoneinfo, "        low      ", 2);
	check(low - min >= number(zoneinfo, "managed  ", 2) / 10 - 1, "low is a tenth above min");
	expect("watermark_scale_factor", "10", 0, "10");
	expect("watermark_scale_factor", "0", EINVAL, "10");
	snprintf(text, sizeof(text), "%ld", was);
	expect("min_free_kbytes", text, 0, text);

	low = number(zoneinfo, "protection: (0, ", 1);
	expect("lowmem_reserve_ratio", "128 64", 0, "128\t64\t32\t0\t0");
	check(labs(number(zoneinfo, "protection: (0, ", 1) - 2 * low) < 2, "twice the reserve");
	expect("lowmem_reserve_ratio", "0 -1", 0, "0\t0\t32\t0\t0");
	check(number(zoneinfo, "protection: (0, ", 1) == 0, "no reserve");
	expect("lowmem_reserve_ratio", "5 x", EINVAL, "5\t0\t32\t0\t0");
	expect("lowmem_reserve_ratio", "256\t256\n32 0 0\n", 0, "256\t256\t32\t0\t0");
	check(number(zoneinfo, "protection: (0, ", 1) == low, "the reserve as before");
}

/* What is dirty goes back when it is due, and not while the flusher does not wake up. */
static void flusher(void)
{
	char name[] = "/tmp/vm_sysctlXXXXXX";
	int fd = mkstemp(name), waited = 0;
	char *p;

	unlink(name);
	check(!ftruncate(fd, 4096), "ftruncate");
	p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect("dirty_writeback_centisecs", "0", 0, "0");
	expect("dirty_expire_centisecs", "10", 0, "10");
	*p = 1;
	usleep(300000);
	check(number("/proc/vmstat", "nr_dirty ", 1) >= 1, "a dirty page, nobody writes it back");
	expect("dirty_writeback_centisecs", "20", 0, "20");
	while (number("/proc/vmstat", "nr_dirty ", 1) && waited++ < 100)
		usleep(20000);
	check(waited < 100, "written back when the flusher wakes up");
	*p = 2;
	for (waited = 0; number("/proc/vmstat", "nr_dirty ", 1) && waited < 100; waited++)
		usleep(20000);
	check(waited < 100, "written back when it is due");
	expect("dirty_writeback_centisecs", "500", 0, "500");
	expect("dirty_expire_centisecs", "3000", 0, "3000");
	expect("dirty_writeback_centisecs", "-1", 0, "-1");
	expect("dirty_writeback_centisecs", "500", 0, "500");
	munmap(p, 4096);
	close(fd);
}

/* Numbers that steer nothing, but have rules. */
static void rules(void)
{
	expect("laptop_mode", "5", 0, "5");
	expect("laptop_mode", "0", 0, "0");
	expect("stat_interval", "10", 0, "10");
	expect("stat_interval", "1", 0, "1");
	expect("nr_hugepages", "8", 0, "0"); /* none can be had */
	expect("nr_hugepages", "-1", EINVAL, "0");
	expect("nr_hugepages_mempolicy", "8", 0, "0");
	expect("nr_overcommit_hugepages", "8", 0, "8");
	expect("nr_overcommit_hugepages", "0", 0, "0");
	expect("hugetlb_optimize_vmemmap", "7", 0, "1");
	expect("hugetlb_optimize_vmemmap", "x", EINVAL, "1");
	expect("hugetlb_optimize_vmemmap", "0", 0, "0");
	expect("overcommit_memory", "-5", EINVAL, "0");
	expect("overcommit_memory", "0 1", 0, "0");
	expect("overcommit_ratio", "-5", 0, "-5");
	expect("overcommit_ratio", "50", 0, "50");
	expect("user_reserve_kbytes", "-1", EINVAL, NULL);
	expect("dirty_bytes", "17592186048512", ERANGE, "0");
	expect("numa_zonelist_order", "default", 0, "Node");
	expect("numa_zonelist_order", "zone", EINVAL, "Node");
	expect("numa_zonelist_order", " node", EINVAL, "Node");
}

#define KSM "/sys/kernel/mm/ksm/"

static void ksm_knobs(void)
{
	expect(KSM "advisor_mode", "scan-time\n", 0, "none [scan-time]");
	expect(KSM "pages_to_scan", "7", EINVAL, "500"); /* the advisor's */
	expect(KSM "advisor_mode", "scan", EINVAL, "none [scan-time]");
	expect(KSM "advisor_mode", "none", 0, "[none] scan-time");
	expect(KSM "pages_to_scan", "+7\n", 0, "7");
	expect(KSM "pages_to_scan", "0x10", EINVAL, "7");
	expect(KSM "pages_to_scan", "100", 0, "100");
	expect(KSM "advisor_target_scan_time", "0", EINVAL, "200");
	expect(KSM "advisor_target_scan_time", "5", 0, "5");
	expect(KSM "advisor_max_cpu", "-1", EINVAL, "70");
	expect(KSM "advisor_min_pages_to_scan", "501", 0, "501");
	expect(KSM "advisor_max_pages_to_scan", "18446744073709551616", EINVAL, "30000");
	expect(KSM "use_zero_pages", "yes", 0, "1");
	expect(KSM "use_zero_pages", "oFf", 0, "0");
	expect(KSM "smart_scan", "maybe", EINVAL, "1");
	expect(KSM "merge_across_nodes", "2", EINVAL, "1");
	expect(KSM "merge_across_nodes", "18446744073709551616", ERANGE, "1");
	expect(KSM "merge_across_nodes", "0", 0, "0");
	expect(KSM "max_page_sharing", "1", EINVAL, "256");
	expect(KSM "max_page_sharing", "-3", EINVAL, "256");
	expect(KSM "max_page_sharing", "3000000000", ERANGE, "256");
	expect(KSM "sleep_millisecs", "4294967295", 0, "4294967295");
	expect(KSM "sleep_millisecs", "4294967296", EINVAL, "4294967295");
	expect(KSM "stable_node_chains_prune_millisecs", "10", 0, "10");
	expect(KSM "run", "3", EINVAL, "0");
	expect(KSM "run", " 1", EINVAL, "0");
	expect(KSM "run", "", 0, "0");
}

static void actions(void)
{
	static const char *const good[] = {"1", "2", "3", "4", "1\n", " 3 "};
	static const char *const bad[] = {"0", "5", "9", "-1", "x"};
	int fd;

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		expect("drop_caches", good[i], 0, NULL);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect("drop_caches", bad[i], EINVAL, NULL);
	expect("compact_memory", "1", 0, NULL);
	expect("compact_memory", "2", EINVAL, NULL);
	expect("stat_refresh", "", 0, "");
	expect("memfd_noexec", "2", 0, "2");
	fd = memfd_create("x", 16 /* MFD_EXEC */);
	if (fd >= 0 || errno != EACCES)
		wrong = 1;
	fd = memfd_create("x", 0);
	if (fcntl(fd, F_GET_SEALS) != 0x20 /* F_SEAL_EXEC */) {
		printf("seals %x\n", fcntl(fd, F_GET_SEALS));
		wrong = 1;
	}
}

/* Files that both sides have, and whether their owner may read and write them. */
static void list(void)
{
	static const char *const names[] = {
		"admin_reserve_kbytes", "compact_memory",	 "drop_caches",
		"max_map_count",	"mmap_rnd_bits",	 "overcommit_kbytes",
		"overcommit_memory",	"page-cluster",		 "stat_refresh",
		"swappiness",		"watermark_boost_factor"};
	char path[100];
	struct stat st;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/vm/%s", names[i]);
		if (stat(path, &st))
			st.st_mode = 0;
		printf("%s %o %d %d\n", names[i], st.st_mode, access(path, R_OK),
		       access(path, W_OK));
	}
}

int main(int argc, char **argv)
{
	list();
	if (argc > 1 && !strcmp(argv[1], "write")) {
		ranges();
		pairs();
		zones();
		flusher();
		rules();
		ksm_knobs();
		actions();
	}
	return wrong;
}

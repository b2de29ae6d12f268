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

static int wrong;

static int put(const char *name, const char *value)
{
	char path[100];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static const char *get(const char *name)
{
	static char text[100];
	char path[100];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
	return text;
}

static void expect(const char *name, const char *value, int error, const char *after)
{
	int err = put(name, value);
	const char *now = after ? get(name) : "";

	if (err == error && (!after || !strcmp(now, after)))
		return;
	printf("%s <- \"%s\": %s, then %s\n", name, value, err ? strerrorname_np(err) : "ok", now);
	wrong = 1;
}

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
		actions();
	}
	return wrong;
}

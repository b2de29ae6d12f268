/* What the kernel says of this process: maps, smaps, status, mincore and pagemap, each cut down to
 * what must be the same on Linux and in Vellum, and hashed.
 *
 * Left out: inode numbers; the kernel's own areas ([vdso] and kin); of smaps LazyFree, which waits
 * in batches of the CPU's, and, unless asked for, Referenced, for the same reason (docs/adr/0002);
 * of the program's own file what other processes that run it change (Rss to Referenced, Locked).
 * Scratch files, anonymous memory and shmem are compared in all else.
 */
#include "random_mm.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char out[1 << 17];
static int out_len;
static char text[1 << 18];
static char arena_map[PAGES]; /* 'f': a scratch file's area, '-': nothing, else 'a' */
static unsigned long vm_size, vm_data;

bool keep_referenced;

void put(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_len += vsnprintf(out + out_len, sizeof(out) - out_len, fmt, ap);
	va_end(ap);
}

void put_flush(void)
{
	for (int at = 0; at < out_len;) {
		int n = write(1, out + at, out_len - at);

		if (n <= 0)
			_exit(3);
		at += n;
	}
	out_len = 0;
}

static void warm_stack(void)
{
	volatile char stack[65536];

	for (unsigned i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
}

void state_warm(void)
{
	extern char __data_start[], end[];

	warm_stack();
	for (char *p = (char *)((unsigned long)__data_start & -PG); p < end; p += PG) {
		volatile char *byte = p < __data_start ? __data_start : p;

		*byte = *byte;
	}
}

static uint64_t hash(uint64_t h, const void *bytes, unsigned long n)
{
	const char *s = bytes;
	uint64_t word;

	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15UL;
		h ^= h >> 29;
	}
	word = n;
	memcpy(&word, s, n);
	h = (h ^ word ^ n << 56) * 0x9e3779b97f4a7c15UL;
	return h ^ h >> 29;
}

static void slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, got;

	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
}

/* --- maps and smaps -------------------------------------------------------------------------- */

enum area_kind { OURS, PROGRAM_FILE, KERNELS };

/* Hashes the line at @l, "start-end perms off dev inode name", less the inode; @*end: its newline. */
static uint64_t header_hash(uint64_t h, char *l, char **end, enum area_kind *kind)
{
	char *nl = strchr(l, '\n'), *at = l, *name;
	bool inode;

	for (int blanks = 0; blanks < 4; at++)
		blanks += *at == ' ';
	inode = *at != '0';
	for (name = at; *name != ' '; name++)
		;
	while (*name == ' ')
		name++;
	*end = nl;
	*kind = OURS;
	if (*name == '[' && name[1] == 'v')
		*kind = KERNELS;
	else if (inode && strncmp(at - 6, "00:", 3) && nl[-1] != ')')
		*kind = PROGRAM_FILE;
	if (*kind == KERNELS)
		return h;
	h = hash(h, l, at - l);
	return hash(h + inode, name, nl - name);
}

static uint64_t maps_hash(void)
{
	uint64_t h = 1;
	enum area_kind kind;

	slurp("/proc/self/maps");
	for (char *l = text, *nl; *l; l = nl + 1)
		h = header_hash(h, l, &nl, &kind);
	return h;
}

#define KB_LINE 28 /* "Rss:                   4 kB\n" */
#define KB_LINES 22
enum { F_RSS = 3, F_REFERENCED = 10, F_LAZYFREE = 13, F_LOCKED = 21 };

static bool keep_field(int i, enum area_kind kind)
{
	if (i == F_LAZYFREE || (i == F_REFERENCED && !keep_referenced))
		return false;
	return kind == OURS || !((i >= F_RSS && i <= F_REFERENCED) || i == F_LOCKED);
}

static void note_area(const char *header, bool file)
{
	unsigned long s = strtoul(header, NULL, 16), e;
	const char *dash = strchr(header, '-');

	if (s >= (unsigned long)ARENA + PAGES * PG || !dash)
		return;
	e = strtoul(dash + 1, NULL, 16);
	if (s < (unsigned long)ARENA)
		s = (unsigned long)ARENA;
	for (; s < e && s < (unsigned long)ARENA + PAGES * PG; s += PG)
		arena_map[(s - (unsigned long)ARENA) / PG] = file ? 'f' : 'a';
}

static void show_area(const char *header, const char *nl, const char *fields, enum area_kind kind)
{
	put("  %.*s\n", (int)(nl - header), header);
	for (int i = 0; i < KB_LINES; i++)
		if (i > 2 && strncmp(fields + i * KB_LINE + 22, " 0", 2))
			put("    %s%.*s", keep_field(i, kind) ? "" : "(not compared) ", KB_LINE,
			    fields + i * KB_LINE);
}

static uint64_t smaps_hash(bool show)
{
	uint64_t h = 2;
	enum area_kind kind;

	memset(arena_map, '-', sizeof(arena_map));
	slurp("/proc/self/smaps");
	for (char *l = text, *nl; *l;) {
		char *fields, *flags;

		h = header_hash(h, l, &nl, &kind);
		fields = nl + 1;
		flags = strstr(fields + KB_LINES * KB_LINE, "VmFlags:");
		if (strncmp(fields + F_LAZYFREE * KB_LINE, "LazyFree:", 9) || !flags) {
			put("smaps has not the lines of Linux 6.18\n");
			put_flush();
			_exit(4);
		}
		nl = strchr(flags, '\n');
		if (kind != KERNELS) {
			/* From one field that does not count to the next. */
			for (int i = 0, from = 0; i <= KB_LINES; i++) {
				if (i < KB_LINES && keep_field(i, kind))
					continue;
				h = hash(h, fields + from * KB_LINE, (i - from) * KB_LINE);
				from = i + 1;
			}
			h = hash(h, fields + KB_LINES * KB_LINE, nl - fields - KB_LINES * KB_LINE);
			note_area(l, strstr(l, "scratch") && strstr(l, "scratch") < fields);
			if (show) {
				show_area(l, fields - 1, fields, kind);
				for (char *t = fields + KB_LINES * KB_LINE; t < nl;
				     t = strchr(t, '\n') + 1)
					put("    %.*s", (int)(strchr(t, '\n') + 1 - t), t);
			}
		}
		l = nl + 1;
	}
	return h;
}

bool state_file_in_arena(long page, long n)
{
	return memchr(arena_map + page, 'f', n);
}

/* --- status, mincore, pagemap ------------------------------------------------------------------ */

static uint64_t status_hash(bool show)
{
	/* Not: VmHWM, VmRSS and RssFile, which hold the program's own file; VmPin stays 0. */
	static const char *const names[] = {
		"VmPeak:", "VmSize:", "VmLck:", "RssAnon:", "RssShmem:", "VmData:",
		"VmStk:",  "VmExe:",  "VmLib:", "VmPTE:",   "VmSwap:"};
	uint64_t h = 3;
	char *l = text;

	slurp("/proc/self/status");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *nl;

		l = strstr(l, names[i]);
		if (!l)
			_exit(4);
		nl = strchr(l, '\n');
		h = hash(h, l, nl - l);
		if (show)
			put("  %.*s\n", (int)(nl - l), l);
		if (i == 1)
			vm_size = strtoul(l + 7, NULL, 10) * 1024;
		if (i == 5)
			vm_data = strtoul(l + 7, NULL, 10) * 1024;
	}
	return h;
}

unsigned long state_vm_size(void)
{
	return vm_size;
}

unsigned long state_vm_data(void)
{
	return vm_data;
}

static uint64_t mincore_hash(bool show)
{
	unsigned char vec[PAGES];
	char line[PAGES + 1];

	memset(line, '-', sizeof(line));
	for (long i = 0, n; i < PAGES; i += n) {
		n = 1;
		if (arena_map[i] != 'a')
			continue; /* what the cache holds of a file is the host's business */
		while (i + n < PAGES && arena_map[i + n] == 'a')
			n++;
		if (mincore(ARENA + i * PG, n * PG, vec))
			continue; /* a hole that maps does not know of: told by what follows */
		for (long k = 0; k < n; k++)
			line[i + k] = '0' + vec[k];
	}
	line[PAGES] = 0;
	if (show)
		put("  mincore %s\n", line);
	return hash(4, line, PAGES);
}

static uint64_t pagemap_hash(bool show)
{
	uint64_t e[PAGES];
	char line[PAGES + 1];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	memset(e, 0, sizeof(e));
	if (pread(fd, e, sizeof(e), (long)ARENA / PG * 8) != sizeof(e))
		put("pagemap: short\n");
	close(fd);
	for (long i = 0; i < PAGES; i++) {
		/* present, swapped, of a file or shared; exclusive and guard */
		unsigned bits = e[i] >> 61 << 2 | ((e[i] >> 58) & 1) << 1 | ((e[i] >> 56) & 1);

		line[i] = "0123456789abcdefghijklmnopqrstuv"[bits & 31];
	}
	line[PAGES] = 0;
	if (show)
		put("  pagemap %s\n", line);
	return hash(5, line, PAGES);
}

void state_report(bool show)
{
	uint64_t h[5];

	state_warm();
	if (show)
		put("\n");
	h[0] = maps_hash();
	h[1] = smaps_hash(show);
	h[2] = status_hash(show);
	h[3] = mincore_hash(show);
	h[4] = pagemap_hash(show);
	put(" |");
	for (int i = 0; i < 5; i++)
		put(" %06lx", h[i] & 0xffffff);
	put("\n");
	put_flush();
}

/* q37_pagemap_scan: ioctl(PAGEMAP_SCAN) on /proc/PID/pagemap: each category, flag and error (4.3). */
#include "probe.h"
#include <linux/userfaultfd.h>
#include <stddef.h>

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, mask, anyof, ret;
};
struct region {
	uint64_t start, end, categories;
};
#define SCAN _IOWR('f', 16, struct scan_arg)
enum { WPASYNC = 1, WRITTEN = 2, FILEP = 4, PRESENT = 8, SWAPPED = 16, PFNZERO = 32, HUGE = 64 };
enum { SOFT = 128, GUARD = 256, ALL = 511, WP = 1, CHECK = 2 };

static int fd, uffd;
static char *p;
static struct region vec[2048];

static void put_walk(const struct scan_arg *a)
{
	if (a->walk_end >= (uintptr_t)p && a->walk_end <= (uintptr_t)p + 4096 * PG)
		printf(" end %ld", (long)((a->walk_end - (uintptr_t)p) / PG));
	else
		printf(" end %#lx", (long)a->walk_end);
}

/* Scans pages [first, last) of the arena and prints the regions. */
static void scan(const char *label, long first, long last, struct scan_arg a)
{
	long n;

	a.size = sizeof a;
	a.start = (uintptr_t)(p + first * PG);
	a.end = (uintptr_t)(p + last * PG);
	if (a.vec_len)
		a.vec = (uintptr_t)vec;
	n = ioctl(fd, SCAN, &a);
	printf("%s:", label);
	if (n < 0)
		printf(" %s", en(errno));
	else
		printf(" %ld", n);
	put_walk(&a);
	for (long i = 0; i < n && i < 24 && a.vec; i++)
		printf(" [%ld,%ld)%lx", (long)((vec[i].start - (uintptr_t)p) / PG),
		       (long)((vec[i].end - (uintptr_t)p) / PG), (long)vec[i].categories);
	printf("\n");
}

/* With room for 64 regions and all categories returned, unless ... says otherwise. */
#define S(label, first, last, ...)                                                                 \
	do {                                                                                       \
		_Pragma("GCC diagnostic push")                                                     \
		_Pragma("GCC diagnostic ignored \"-Woverride-init\"")                              \
		struct scan_arg a_ = {.vec_len = 64, .ret = ALL, ##__VA_ARGS__};                   \
		_Pragma("GCC diagnostic pop")                                                      \
		scan(label, first, last, a_);                                                      \
	} while (0)

/* The argument as a whole, for what it refuses. */
static void raw(const char *label, struct scan_arg a)
{
	long n = ioctl(fd, SCAN, &a);

	printf("%s: ", label);
	if (n < 0)
		printf("%s", en(errno));
	else
		printf("%ld", n);
	if (a.walk_end == a.end)
		printf(" end = end\n");
	else if (a.walk_end == 7)
		printf(" end untouched\n");
	else
		printf(" end %+ld\n", (long)(a.walk_end - a.start) / (long)PG);
}

static void errors(void)
{
	uint64_t at = (uintptr_t)p;
	struct scan_arg a = {.size = sizeof a, .start = at, .end = at + 8 * PG, .walk_end = 7,
			     .vec = (uintptr_t)vec, .vec_len = 64, .ret = ALL}, b;
	static const struct { const char *label; size_t field; uint64_t value; } bad[] = {
		{"size 0", offsetof(struct scan_arg, size), 0},
		{"size 88", offsetof(struct scan_arg, size), 88},
		{"size 104", offsetof(struct scan_arg, size), 104},
		{"flags 4", offsetof(struct scan_arg, flags), 4},
		{"inverted bit 9", offsetof(struct scan_arg, inverted), 512},
		{"mask bit 9", offsetof(struct scan_arg, mask), 512},
		{"anyof bit 9", offsetof(struct scan_arg, anyof), 512},
		{"return bit 9", offsetof(struct scan_arg, ret), 512},
		{"end 0", offsetof(struct scan_arg, end), 0},
		{"end in the kernel", offsetof(struct scan_arg, end), 1ul << 63},
		{"end past the top", offsetof(struct scan_arg, end), 0x7ffffffff001},
		{"end 2^47", offsetof(struct scan_arg, end), 1ul << 47},
		{"no vec", offsetof(struct scan_arg, vec), 0},
		{"vec in the kernel", offsetof(struct scan_arg, vec), 1ul << 63},
		{"vec unmapped", offsetof(struct scan_arg, vec), 4096},
		{"vec_len 0", offsetof(struct scan_arg, vec_len), 0},
		{"vec_len huge", offsetof(struct scan_arg, vec_len), 1ul << 62},
		{"vec_len above user space", offsetof(struct scan_arg, vec_len), 1ul << 44},
		{"max_pages 1", offsetof(struct scan_arg, max_pages), 1},
		{"mask all", offsetof(struct scan_arg, mask), ALL},
		{"return none", offsetof(struct scan_arg, ret), 0},
	};

	map(p, 8, RW, ANON, -1, 0);
	p[3 * PG] = 1;
	raw("plain", a);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		b = a;
		*(uint64_t *)((char *)&b + bad[i].field) = bad[i].value;
		raw(bad[i].label, b);
	}
	b = a, b.end = 0x7ffffffff000, b.mask = GUARD;
	raw("end at the top", b);
	b = a, b.start += 1;
	raw("start odd", b);
	b = a, b.end -= 100;
	raw("end odd", b);
	b = a, b.end = b.start;
	raw("nothing", b);
	b = a, b.end = b.start - PG;
	raw("end below start", b);
	b = a, b.start = 0, b.end = 1 << 16;
	raw("from 0", b);
	T("bad pointer", ioctl(fd, SCAN, 8));
	T("null", ioctl(fd, SCAN, 0));
	T("other command", ioctl(fd, 0x5401, &a));
	T("other command of the kind", ioctl(fd, _IOWR('f', 17, struct scan_arg), &a));
	T("other size", ioctl(fd, _IOWR('f', 16, int), &a));
	int other = open("/proc/self/maps", O_RDONLY);
	T("on maps", ioctl(other, SCAN, &a));
	close(other);
	a.size = sizeof a;
	char *ro = p + 300 * PG; /* the answer cannot be written back */
	map(ro, 1, RW, ANON, -1, 0);
	memcpy(ro, &a, sizeof a);
	mprotect(ro, PG, PROT_READ);
	T("argument read-only", ioctl(fd, SCAN, ro));
	munmap(ro, PG);
	munmap(p, 8 * PG);
}

static void categories(void)
{
	int m = memfd("m", 4), file = scratch(4);

	map(p, 8, RW, ANON, -1, 0);
	S("fresh", 0, 8);
	(void)*(volatile char *)p;
	memset(p + PG, 1, 2 * PG);
	p[5 * PG] = 1;
	S("0 read, 1 2 5 written", 0, 8);
	S("from 2 to 6", 2, 6);
	S("holes around", 0, 200);
	S("present", 0, 8, .mask = PRESENT);
	S("not present", 0, 8, .mask = PRESENT, .inverted = PRESENT);
	S("zero page", 0, 8, .mask = PFNZERO);
	S("any of zero, file", 0, 8, .anyof = PFNZERO | FILEP);
	S("present, not zero", 0, 8, .mask = PRESENT | PFNZERO, .inverted = PFNZERO);
	S("written", 0, 8, .mask = WRITTEN);
	S("written, only that returned", 0, 8, .mask = WRITTEN, .ret = WRITTEN);
	S("returned: none", 0, 8, .ret = 0);
	S("returned: present", 0, 8, .ret = PRESENT);
	S("WP on plain memory", 0, 8, .flags = WP);
	S("CHECK on plain memory", 0, 8, .flags = CHECK);
	S("max 1", 0, 8, .max_pages = 1);
	S("max 3", 0, 8, .max_pages = 3, .mask = PRESENT);
	S("max 100", 0, 8, .max_pages = 100);
	S("vec 1", 0, 8, .vec_len = 1);
	S("vec 2", 0, 8, .vec_len = 2);
	S("no vec", 0, 8, .vec_len = 0);
	madvise(p + 6 * PG, PG, ADV_GUARD_INSTALL);
	S("guard", 0, 8);
	S("guards only", 0, 8, .mask = GUARD);
	mprotect(p, 8 * PG, PROT_NONE);
	S("PROT_NONE", 0, 8);
	map(p + 10 * PG, 4, RW, MAP_SHARED, m, 0);
	p[10 * PG] = 1;
	(void)*(volatile char *)(p + 11 * PG);
	map(p + 14 * PG, 4, RW, MAP_PRIVATE, m, 0);
	p[14 * PG] = 1;
	(void)*(volatile char *)(p + 15 * PG);
	map(p + 20 * PG, 4, RW, MAP_PRIVATE, file, 0);
	p[20 * PG] = 1;
	(void)*(volatile char *)(p + 22 * PG);
	map(p + 24 * PG, 4, RW, SHANON, -1, 0);
	p[25 * PG] = 1;
	S("memfd shared", 10, 14, .anyof = PRESENT);
	S("memfd private", 14, 18, .anyof = PRESENT);
	S("file private", 20, 24, .anyof = PRESENT);
	S("shared anonymous", 24, 28, .anyof = PRESENT);
	S("file pages", 0, 28, .mask = FILEP);
	S("not file, present", 0, 28, .mask = PRESENT | FILEP, .inverted = FILEP);
	munmap(p, 28 * PG);
	S("unmapped", 0, 28);
	close(m);
	close(file);
}

/* More regions than the kernel's buffer holds. */
static void many(void)
{
	struct scan_arg a = {.size = sizeof a, .start = (uintptr_t)p, .end = (uintptr_t)p + 2048 * PG,
			     .vec = (uintptr_t)vec, .vec_len = 2048, .mask = PRESENT, .ret = ALL};
	long n;

	map(p, 2048, RW, ANON, -1, 0);
	for (long i = 0; i < 2048; i += 2)
		p[i * PG] = 1;
	n = ioctl(fd, SCAN, &a);
	printf("1024 regions: %ld", n);
	put_walk(&a);
	for (long i = 0; i < n; i++)
		if (vec[i].start != (uintptr_t)p + 2 * i * PG || vec[i].end != vec[i].start + PG)
			printf(" wrong at %ld", i), i = n;
	a.vec_len = 600;
	printf("\n600 of them: %ld", (long)ioctl(fd, SCAN, &a));
	put_walk(&a);
	a.vec_len = 512;
	printf("\n512 of them: %ld", (long)ioctl(fd, SCAN, &a));
	put_walk(&a);
	a.vec_len = 2048, a.max_pages = 700;
	printf("\n700 pages: %ld", (long)ioctl(fd, SCAN, &a));
	put_walk(&a);
	a.max_pages = 1024;
	printf("\n1024 pages: %ld", (long)ioctl(fd, SCAN, &a));
	put_walk(&a);
	a.max_pages = 0, a.mask = 0;
	printf("\nall: %ld", (long)ioctl(fd, SCAN, &a));
	put_walk(&a);
	printf("\n");
	munmap(p, 2048 * PG);
}

static int registered(long first, long n, uint64_t mode)
{
	struct uffdio_register r = {.range = {(uintptr_t)(p + first * PG), n * PG}, .mode = mode};

	return ioctl(uffd, UFFDIO_REGISTER, &r);
}

/* Pages that are noted, not asked for, when they are written. */
static void written(void)
{
	struct uffdio_api api = {.api = UFFD_API, .features = 1 << 15 /* WP_ASYNC */};
	int m = memfd("m", 4);

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | 1);
	T("api", ioctl(uffd, UFFDIO_API, &api));
	map(p, 16, RW, ANON, -1, 0);
	memset(p, 1, 4 * PG);
	T("register", registered(0, 8, UFFDIO_REGISTER_MODE_WP));
	S("registered", 0, 8);
	S("CHECK", 0, 8, .flags = CHECK);
	S("CHECK beyond", 0, 16, .flags = CHECK);
	S("WPASYNC only", 0, 16, .mask = WPASYNC);
	S("not WPASYNC", 0, 16, .mask = WPASYNC, .inverted = WPASYNC);
	S("written", 0, 16, .mask = WRITTEN);
	S("written, fast", 0, 16, .mask = WRITTEN, .ret = WRITTEN);
	S("protect what is written", 0, 16, .flags = WP, .mask = WRITTEN);
	pagemap("pagemap", p, 10);
	S("written", 0, 16, .mask = WRITTEN);
	p[0] = 2;
	p[2 * PG] = 2;
	S("0 2 written", 0, 8, .mask = WRITTEN);
	S("get and clear, fast", 0, 8, .flags = WP | CHECK, .mask = WRITTEN, .ret = WRITTEN);
	pagemap("pagemap", p, 10);
	S("again", 0, 8, .flags = WP | CHECK, .mask = WRITTEN, .ret = WRITTEN);
	p[1 * PG] = 2;
	p[6 * PG] = 2;
	S("1 6 written", 0, 8);
	S("clear at most one", 0, 8, .flags = WP, .mask = WRITTEN, .max_pages = 1);
	S("then", 0, 8, .mask = WRITTEN);
	S("clear without a vec", 0, 8, .flags = WP, .vec_len = 0);
	S("then", 0, 8);
	pagemap("pagemap", p, 10);
	p[3 * PG] = 2;
	S("clear only where zero", 0, 8, .flags = WP, .mask = PFNZERO, .vec_len = 0);
	S("then", 0, 8, .mask = WRITTEN);
	madvise(p + 2 * PG, PG, MADV_DONTNEED);
	madvise(p + 4 * PG, PG, ADV_GUARD_INSTALL);
	S("2 dropped, 4 guard", 0, 8);
	S("clear all", 0, 8, .flags = WP);
	pagemap("pagemap", p, 10);
	S("then", 0, 8);
	(void)*(volatile char *)(p + 2 * PG);
	S("2 read", 0, 8);
	madvise(p + 4 * PG, PG, ADV_GUARD_REMOVE);
	S("guard gone", 0, 8);
	/* A table of its own, not there yet. */
	map(p + 512 * PG, 520, RW, ANON, -1, 0);
	T("register", registered(512, 520, UFFDIO_REGISTER_MODE_WP));
	S("hole", 512, 1032);
	S("hole, written", 512, 1032, .mask = WRITTEN);
	S("hole, fast", 512, 1032, .mask = WRITTEN, .ret = WRITTEN);
	p[600 * PG] = 1;
	S("one page, fast", 512, 1032, .mask = WRITTEN, .ret = WRITTEN);
	S("clear all", 512, 1032, .flags = WP);
	S("then", 512, 1032);
	map(p + 1100 * PG, 4, RW, MAP_SHARED, m, 0);
	p[1100 * PG] = 1;
	T("register memfd", registered(1100, 4, UFFDIO_REGISTER_MODE_WP));
	S("memfd", 1100, 1104);
	S("clear", 1100, 1104, .flags = WP | CHECK);
	S("then", 1100, 1104);
	(void)*(volatile char *)(p + 1101 * PG);
	p[1102 * PG] = 1;
	S("1 read, 2 written", 1100, 1104);
	munmap(p, 1200 * PG);
	close(uffd);
	close(m);
}

int main(void)
{
	begin();
	memset(vec, 0, sizeof vec);
	p = arena(4096);
	fd = open("/proc/self/pagemap", O_RDONLY);
	categories();
	errors();
	many();
	written();
	int status, pid;
	if (!(pid = fork()))
		pause();
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
	close(fd);
	fd = open(path, O_RDONLY);
	S("of a child: nothing", 0, 8);
	kill(pid, SIGKILL);
	wait(&status);
	S("of nobody", 0, 8);
	T("null", ioctl(fd, SCAN, 0));
	T("other command", ioctl(fd, 0x5401, 0));
	return 0;
}

/*
 * Each system call with each kind of bad pointer (efault_all.def): result, bytes that came before
 * the bad page, file offset. The same on the host and here.
 *
 *	| good, the pointer here: half of the bytes | a hole |
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define PTR 0x5a5a0001L
#define VECTOR 0x5a5a0002L /* two iovecs: one good, one bad */
#define ARENA_ 0x10000000000L
#define EDGE (ARENA_ + 0x2000)
#define RDONLY (ARENA_ + 0x10000)
#define RD_EDGE (ARENA_ + 0x20000 + 0x2000) /* good, then read-only */
#define SCRATCH (ARENA_ + 0x30000)
#define GOOD SCRATCH
#define STR ((long)"efault_none")
#define STR_ROOT ((long)"/")
#define STR_LINK ((long)"/proc/self/exe")
#define ZEROTIME (SCRATCH + 0x1000)
#define IOV (SCRATCH + 0x1100)
#define VECTORS (SCRATCH + 0x1200)
#define SELF 0x5a5a0003L /* getpid() */

enum { FILE_ = 50, FILE2, ZERO, NUL, DIR_, PIPE, PIPE_W };

static long pid;

static const struct call {
	const char *text;
	int nr;
	unsigned bytes;
	bool waits; /* NULL: for ever */
	long arg[6];
} calls[] = {
#define C(call, bytes, ...) {#call "(" #__VA_ARGS__ ")", SYS_##call, bytes, false, {__VA_ARGS__}},
#define W(call, bytes, ...) {#call "(" #__VA_ARGS__ ")", SYS_##call, bytes, true, {__VA_ARGS__}},
#include "efault_all.def"
#undef C
#undef W
};

static const struct kind {
	const char *name;
	long at;
	bool half; /* half of the bytes lie before */
} kinds[] = {
	{"null", 0, false},
	{"hole", EDGE + 0x100, false},
	{"read-only", RDONLY + 0x100, false},
	{"into hole", EDGE, true},
	{"into read-only", RD_EDGE, true},
	{"kernel", (long)0xffff800000001000, false},
	{"last", -16, false},
	{"not canonical", (long)(1UL << 63), false},
	{"above user", 0x7ffffffff000, false},
};

static void map(long at, long len, int prot)
{
	if (mmap((void *)at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    (void *)at)
		exit(2);
}

static void put(int at, int fd)
{
	if (fd < 0 || dup2(fd, at) != at)
		exit(3);
	if (fd != at)
		close(fd);
}

static void set_up(void)
{
	static char bytes[10000];
	int p[2];

	pid = getpid();
	mkdir("folder", 0700);
	map(ARENA_, 0x2000, PROT_READ | PROT_WRITE);
	map(RD_EDGE - 0x2000, 0x4000, PROT_READ | PROT_WRITE);
	mprotect((void *)RD_EDGE, 0x2000, PROT_READ);
	map(RDONLY, 0x4000, PROT_READ);
	map(SCRATCH, 0x2000, PROT_READ | PROT_WRITE);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = 'A' + i % 23;
	put(FILE_, memfd_create("one", 0));
	put(FILE2, memfd_create("two", 0));
	put(ZERO, open("/dev/zero", O_RDONLY));
	put(NUL, open("/dev/null", O_WRONLY));
	put(DIR_, open("folder", O_RDONLY | O_DIRECTORY));
	if (pipe(p))
		exit(3);
	put(PIPE, p[0]);
	put(PIPE_W, p[1]);
	fcntl(PIPE, F_SETFL, O_NONBLOCK);
	fcntl(PIPE_W, F_SETFL, O_NONBLOCK);
	if (pwrite(FILE_, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    write(PIPE_W, bytes, 40) != 40)
		exit(3);
}

/* What the last call may have changed. */
static void reset(long at, const struct kind *k, unsigned bytes)
{
	static const struct timespec none;
	struct iovec *v = (struct iovec *)VECTORS;

	lseek(FILE_, 100, SEEK_SET);
	lseek(FILE2, 0, SEEK_SET);
	lseek(DIR_, 0, SEEK_SET);
	memset((void *)SCRATCH, 0, 0x2000);
	memset((void *)ARENA_, 0x11, 0x2000);
	memset((void *)(RD_EDGE - 0x2000), 0x11, 0x2000);
	if (k->half && k->at < (long)SCRATCH)
		memset((void *)at, bytes == 20 ? 'e' : 0, bytes / 2);
	memcpy((void *)ZEROTIME, &none, sizeof(none));
	*(struct iovec *)IOV = (struct iovec){(void *)(SCRATCH + 0x400), 300};
	v[0] = (struct iovec){(void *)(SCRATCH + 0x800), 30};
	v[1] = (struct iovec){(void *)at, bytes};
}

static long substitute(long arg, long at)
{
	return arg == PTR ? at : arg == VECTOR ? VECTORS : arg == SELF ? pid : arg;
}

/* Bytes that were not as they had been, of the half that could be written. */
static unsigned changed(const struct kind *k, long at, unsigned bytes, const char *before)
{
	unsigned n = 0;

	if (!k->half || k->at > (long)SCRATCH)
		return 0;
	for (unsigned i = 0; i < bytes / 2; i++)
		n += ((const char *)at)[i] != before[i];
	return n;
}

static void run(const struct call *c, const struct kind *k)
{
	static char before[8192];
	long at = k->at - (k->half ? c->bytes / 2 : 0), a[6], r;
	bool compare = k->half && k->at < (long)SCRATCH;

	reset(at, k, c->bytes);
	if (compare)
		memcpy(before, (void *)at, c->bytes / 2);
	for (unsigned i = 0; i < 6; i++)
		a[i] = substitute(c->arg[i], at);
	errno = 0;
	r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	printf("%s | %s:", c->text, k->name);
	if (r < 0 && errno)
		printf(" %s", strerrorname_np(errno));
	else if (c->nr == SYS_time || c->nr == SYS_times)
		printf(" done");
	else
		printf(" %ld", r);
	if (compare && c->bytes >= 200 && c->nr != SYS_getrandom && c->nr != SYS_uname &&
	    c->nr != SYS_statx && c->nr != SYS_getdents && c->nr != SYS_getdents64 &&
	    changed(k, at, c->bytes, before))
		printf(" %u bytes", changed(k, at, c->bytes, before));
	printf(" at %ld\n", lseek(FILE_, 0, SEEK_CUR));
	if (r > 100 && c->nr == SYS_fcntl)
		close(r);
	for (int fd = 3; fd < 12; fd++)
		close(fd);
}

int main(void)
{
	set_up();
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (unsigned j = 0; j < sizeof(kinds) / sizeof(*kinds); j++)
			if (!calls[i].waits || kinds[j].at)
				run(&calls[i], &kinds[j]);
	return 0;
}

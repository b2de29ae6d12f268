/* userfaultfd(2): faults that another process serves, write protection, events, errors. The handler
 * is a forked child, which holds the descriptor of its parent's memory, or one that shares it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define RW (PROT_READ | PROT_WRITE)

/* The ABI of 6.18: the host's headers may be older. */
struct api {
	uint64_t api, features, ioctls;
};
struct range {
	uint64_t start, len;
};
struct reg {
	struct range r;
	uint64_t mode, ioctls;
};
struct copy {
	uint64_t dst, src, len, mode;
	int64_t done;
};
struct fill {
	struct range r;
	uint64_t mode;
	int64_t done;
};
struct wp {
	struct range r;
	uint64_t mode;
};
struct msg {
	uint8_t event, pad[7];
	uint64_t a, b, c;
};
#define API _IOWR(0xaa, 0x3f, struct api)
#define REGISTER _IOWR(0xaa, 0, struct reg)
#define UNREGISTER _IOR(0xaa, 1, struct range)
#define WAKE _IOR(0xaa, 2, struct range)
#define COPY _IOWR(0xaa, 3, struct copy)
#define ZEROPAGE _IOWR(0xaa, 4, struct fill)
#define MOVE _IOWR(0xaa, 5, struct copy)
#define WRITEPROTECT _IOWR(0xaa, 6, struct wp)
#define CONTINUE _IOWR(0xaa, 7, struct fill)
#define POISON _IOWR(0xaa, 8, struct fill)
enum { MISSING = 1, WP = 2, MINOR = 4 };
enum {
	F_FORK = 1 << 1,
	F_REMAP = 1 << 2,
	F_REMOVE = 1 << 3,
	F_UNMAP = 1 << 6,
	F_SIGBUS = 1 << 7,
	F_THREAD = 1 << 8,
	F_EXACT = 1 << 11,
	F_UNPOP = 1 << 13,
	F_ASYNC = 1 << 15,
};

static char *area;
static char src[4 * PG] __attribute__((aligned(4096)));

static int uffd_open(int flags, uint64_t features)
{
	struct api a = {0xaa, features, 0};
	int fd = syscall(SYS_userfaultfd, flags);

	if (fd < 0 || ioctl(fd, API, &a)) {
		printf("no userfaultfd: %d\n", errno);
		exit(1);
	}
	return fd;
}

static char *map(int pages, int flags)
{
	return mmap(area, pages * PG, RW, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static int reg(int fd, void *at, int pages, int mode)
{
	struct reg r = {{(uint64_t)at, pages * PG}, mode, 0};
	int e = ioctl(fd, REGISTER, &r) ? errno : 0;

	if (!e)
		printf("  ioctls %llx\n", (unsigned long long)r.ioctls);
	return e;
}

static int unreg(int fd, void *at, int pages)
{
	struct range r = {(uint64_t)at, pages * PG};

	return ioctl(fd, UNREGISTER, &r) ? errno : 0;
}

static int copy(int fd, void *dst, void *from, uint64_t len, int mode)
{
	struct copy c = {(uint64_t)dst, (uint64_t)from, len, mode, 77};
	int e = ioctl(fd, COPY, &c) ? errno : 0;

	if (e)
		printf("  copy: error %d, done %lld\n", e, (long long)c.done);
	return e;
}

static int fill(int fd, unsigned long cmd, void *dst, uint64_t len, int mode)
{
	struct fill f = {{(uint64_t)dst, len}, mode, 77};
	int e = ioctl(fd, cmd, &f) ? errno : 0;

	if (e)
		printf("  fill %lu: error %d, done %lld\n", cmd & 0xff, e, (long long)f.done);
	return e;
}

static int protect(int fd, void *at, int pages, int mode)
{
	struct wp w = {{(uint64_t)at, pages * PG}, mode};

	return ioctl(fd, WRITEPROTECT, &w) ? errno : 0;
}

static void show_msg(const struct msg *m)
{
	if (m->event == 0x12)
		printf("  fault flags %llx at page %lld+%llx%s\n", (unsigned long long)m->a,
		       (long long)((m->b - (uint64_t)area) / PG), (unsigned long long)(m->b & 4095),
		       (uint32_t)m->c ? " tid" : "");
	else if (m->event == 0x13)
		printf("  fork, a descriptor: %d\n", (int)m->a > 2);
	else
		printf("  event %x %lld %lld %lld\n", m->event,
		       (long long)(m->a - (uint64_t)area) / (long long)PG,
		       (long long)(m->b - (uint64_t)area) / (long long)PG,
		       m->event == 0x14 ? (long long)(m->c / PG) : 0);
}

static void vmflags(void *at)
{
	char line[4096];
	int in = 0;
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long s = 0, e = 0, from, to;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			s = from, e = to, in = s <= (unsigned long)at && (unsigned long)at < e;
		else if (in && !strncmp(line, "VmFlags:", 8))
			printf("  %ld pages:%s", (long)((e - s) / PG), line + 8);
	}
	fclose(f);
}

static void pagemap(void *at, int pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t v;

	printf("  pagemap");
	for (int i = 0; i < pages; i++) {
		if (pread(fd, &v, 8, ((uint64_t)at / PG + i) * 8) != 8)
			break;
		printf(" %c%c%c", v >> 63 ? 'P' : '-', v >> 57 & 1 ? 'W' : '-',
		       v >> 62 & 1 ? 'S' : '-');
	}
	printf("\n");
	close(fd);
}

/* --- handlers ---------------------------------------------------------------------------------- */

static int handler_fd, handler_n;
enum how { H_COPY, H_ZERO, H_UNPROTECT, H_CONTINUE, H_UNREGISTER, H_POISON, H_EVENTS } handler_how;
static struct msg handler_msgs[16];

static int serve(void *arg)
{
	(void)arg;
	for (int i = 0; i < handler_n; i++) {
		struct msg *m = &handler_msgs[i];
		void *page;

		if (read(handler_fd, m, sizeof(*m)) != sizeof(*m))
			_exit(9);
		page = (void *)(m->b & ~4095UL);
		switch (handler_how) {
		case H_COPY:
			memset(src, 'a' + i, PG);
			copy(handler_fd, page, src, PG, 0);
			break;
		case H_ZERO:
			fill(handler_fd, ZEROPAGE, page, PG, 0);
			break;
		case H_UNPROTECT:
			protect(handler_fd, page, 1, 0);
			break;
		case H_CONTINUE:
			fill(handler_fd, CONTINUE, page, PG, 0);
			break;
		case H_UNREGISTER:
			unreg(handler_fd, page, 1);
			break;
		case H_POISON:
			fill(handler_fd, POISON, page, PG, 0);
			break;
		case H_EVENTS:
			break;
		}
	}
	return 0;
}

/* A forked child serves: its descriptor is of our memory. Its messages come by a shared page. */
static pid_t start(int fd, enum how how, int n, int share)
{
	static char stack[65536] __attribute__((aligned(64)));
	struct msg *shared = NULL;
	pid_t pid;

	handler_fd = fd;
	handler_how = how;
	handler_n = n;
	memset(handler_msgs, 0, sizeof(handler_msgs));
	fflush(stdout);
	(void)shared;
	if (share)
		return clone(serve, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	pid = fork();
	if (!pid) {
		serve(NULL);
		for (int i = 0; i < n; i++)
			show_msg(&handler_msgs[i]);
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

static void finish(pid_t pid, int share)
{
	int status;

	waitpid(pid, &status, 0);
	if (share)
		for (int i = 0; i < handler_n; i++)
			show_msg(&handler_msgs[i]);
	printf("  handler: %x\n", status);
}

/* --- tests ------------------------------------------------------------------------------------- */

static sigjmp_buf jump;
static volatile int armed;
static volatile int bus_code, bus_lsb, bus_sig;
static void *volatile bus_addr;

static void on_bus(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	bus_sig = sig;
	bus_code = si->si_code;
	bus_addr = si->si_addr;
	bus_lsb = si->si_code == 4 ? si->si_addr_lsb : 0;
	if (!armed) { /* a surprise */
		fprintf(stderr, "signal %d code %d at %p\n", sig, si->si_code, si->si_addr);
		_exit(1);
	}
	siglongjmp(jump, 1);
}

static void touch(const char *what, volatile char *p, int write)
{
	armed = 1;
	if (!sigsetjmp(jump, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
		armed = 0;
		printf("  %s: fine, %d\n", what, *p);
		return;
	}
	armed = 0;
	printf("  %s: signal %d code %d lsb %d at page %ld\n", what, bus_sig, bus_code, bus_lsb,
	       (long)(((char *)bus_addr - area) / (long)PG));
}

static void test_missing(int share)
{
	int fd = uffd_open(0, share ? F_THREAD | F_EXACT : 0);
	pid_t pid;
	char buf[8] = "";

	printf("missing, %s\n", share ? "shared" : "forked");
	map(4, MAP_PRIVATE);
	printf("  register %d\n", reg(fd, area, 4, MISSING));
	vmflags(area);
	pid = start(fd, H_COPY, 3, share);
	printf("  read %c\n", area[5]);
	area[PG + 7] = 'W';
	printf("  write %c %c\n", area[PG + 6], area[PG + 7]);
	/* The kernel's own access waits as well. */
	int p[2];
	if (pipe(p) || write(p[1], "0123456", 7) != 7)
		exit(1);
	printf("  read() into it: %zd\n", read(p[0], area + 2 * PG + 3, 7));
	memcpy(buf, area + 2 * PG + 3, 7);
	printf("  %s then %c\n", buf, area[2 * PG + 10]);
	finish(pid, share);
	close(p[0]);
	close(p[1]);
	printf("  unregister %d\n", unreg(fd, area, 4));
	printf("  not served any more: %d\n", area[3 * PG]);
	vmflags(area);
	close(fd);
}

static void test_straddle(void)
{
	int fd = uffd_open(0, 0);
	pid_t pid;
	uint64_t v;

	printf("straddle\n");
	map(4, MAP_PRIVATE);
	reg(fd, area, 4, MISSING);
	pid = start(fd, H_ZERO, 2, 1);
	memcpy(&v, area + PG - 4, 8);
	printf("  %llx\n", (unsigned long long)v);
	finish(pid, 1);
	*(volatile char *)area = 3; /* the zero page is copied as ever */
	printf("  %d %d\n", area[0], area[PG]);
	close(fd);
	printf("  closed: %d\n", area[3 * PG]);
	vmflags(area);
}

static void test_wp(int flags, const char *name)
{
	int fd = uffd_open(O_NONBLOCK, F_UNPOP);
	struct pollfd pf = {fd, POLLIN, 0};
	pid_t pid;

	printf("write protection, %s\n", name);
	map(4, flags);
	memset(area, 5, 3 * PG);
	reg(fd, area, 4, WP);
	vmflags(area);
	printf("  protect %d\n", protect(fd, area, 4, 1));
	pagemap(area, 4);
	printf("  poll %d\n", poll(&pf, 1, 0));
	printf("  reads: %d %d\n", area[0], area[PG]);
	fcntl(fd, F_SETFL, 0);
	pid = start(fd, H_UNPROTECT, 2, 1);
	area[PG + 9] = 6;
	area[3 * PG] = 7;
	finish(pid, 1);
	pagemap(area, 4);
	printf("  %d %d\n", area[PG + 9], area[3 * PG]);
	printf("  mprotect %d", mprotect(area, 4 * PG, PROT_READ));
	printf(" %d\n", mprotect(area, 4 * PG, RW));
	pagemap(area, 4);
	printf("  DONTNEED %d\n", madvise(area, 2 * PG, MADV_DONTNEED));
	pagemap(area, 4);
	printf("  both bits %d, dontwake only %d, unknown %d\n", protect(fd, area, 1, 3),
	       protect(fd, area, 1, 2), protect(fd, area, 1, 4));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		printf("  child:\n");
		vmflags(area);
		pagemap(area, 4);
		area[2 * PG] = 1;
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("  unprotect %d\n", protect(fd, area, 4, 0));
	pagemap(area, 4);
	protect(fd, area, 3, 1);
	printf("  unregister %d\n", unreg(fd, area, 4));
	pagemap(area, 4);
	area[2 * PG] = 9;
	printf("  %d\n", area[2 * PG]);
	close(fd);
}

static void test_async(void)
{
	int fd = uffd_open(O_NONBLOCK, F_ASYNC);

	printf("asynchronous\n");
	map(4, MAP_PRIVATE);
	memset(area, 5, 2 * PG);
	reg(fd, area, 4, WP);
	protect(fd, area, 4, 1);
	pagemap(area, 4);
	area[PG] = area[3 * PG] = 1;
	pagemap(area, 4);
	close(fd);
	pagemap(area, 4);
}

static void test_minor(void)
{
	int fd = uffd_open(0, 0);
	pid_t pid;
	char *other;

	printf("minor\n");
	map(4, MAP_SHARED);
	other = mremap(area, 0, 4 * PG, MREMAP_MAYMOVE);
	memset(other, 'm', 2 * PG);
	reg(fd, area, 4, MINOR | MISSING);
	vmflags(area);
	printf("  continue where nothing is\n");
	fill(fd, CONTINUE, area + 3 * PG, PG, 0);
	pid = start(fd, H_CONTINUE, 2, 1);
	printf("  %c\n", area[0]);
	area[PG] = 'M';
	printf("  %c\n", other[PG]);
	finish(pid, 1);
	memset(src, 's', PG);
	printf("  copy %d\n", copy(fd, area + 2 * PG, src, PG, 0));
	printf("  the object has it: %c\n", other[2 * PG + 1]);
	copy(fd, area + 2 * PG, src, PG, 0);
	madvise(area + 2 * PG, PG, MADV_DONTNEED);
	copy(fd, area + 2 * PG, src, PG, 0);
	printf("  zero %d\n", fill(fd, ZEROPAGE, area + 3 * PG, PG, 0));
	close(fd);
	munmap(other, 4 * PG);
}

static void test_sigbus(void)
{
	int fd = uffd_open(O_NONBLOCK, F_SIGBUS), p[2];

	printf("SIGBUS\n");
	map(4, MAP_PRIVATE);
	reg(fd, area, 4, MISSING);
	touch("read", area, 0);
	touch("write", area + PG, 1);
	if (pipe(p) || write(p[1], "xy", 2) != 2)
		exit(1);
	printf("  read() %zd %d\n", read(p[0], area, 2), errno);
	printf("  poison %d\n", fill(fd, POISON, area + PG, 2 * PG, 0));
	touch("poisoned", area + PG + 3, 0);
	touch("poisoned", area + 2 * PG, 1);
	errno = 0;
	printf("  read() %zd %d\n", read(p[0], area + PG, 2), errno);
	pagemap(area, 4);
	printf("  again %d\n", fill(fd, POISON, area + PG, PG, 0));
	printf("  zero over it %d\n", fill(fd, ZEROPAGE, area + PG, PG, 0));
	printf("  copy over it %d\n", copy(fd, area + PG, src, PG, 0));
	touch("good again", area + PG, 0);
	printf("  DONTNEED %d\n", madvise(area + 2 * PG, PG, MADV_DONTNEED));
	pagemap(area, 4);
	close(fd);
	touch("closed", area, 1);
	fd = uffd_open(O_NONBLOCK | 1, 0);
	map(4, MAP_PRIVATE);
	reg(fd, area, 4, MISSING);
	errno = 0;
	printf("  user mode only: read() %zd %d\n", read(p[0], area, 2), errno);
	close(fd);
	close(p[0]);
	close(p[1]);
}

static void test_events(void)
{
	int fd = uffd_open(0, F_FORK | F_REMAP | F_REMOVE | F_UNMAP);
	pid_t pid, child;
	char *to;
	int status;

	printf("events\n");
	map(8, MAP_PRIVATE);
	memset(area, 1, 8 * PG);
	reg(fd, area, 8, MISSING | WP);
	pid = start(fd, H_EVENTS, 5, 1);
	madvise(area + PG, PG, MADV_DONTNEED);
	munmap(area + 2 * PG, PG);
	to = mremap(area + 3 * PG, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, area + 16 * PG);
	printf("  moved %ld\n", (long)((to - area) / PG));
	fflush(stdout);
	child = fork();
	if (!child) {
		vmflags(area + 4 * PG);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	finish(pid, 1);
	vmflags(area);
	vmflags(area + 4 * PG);
	vmflags(to);
	close(fd);
	munmap(to, PG);
	/* Who did not ask: moved pages are registered no more. */
	fd = uffd_open(O_NONBLOCK, 0);
	map(8, MAP_PRIVATE);
	memset(area, 1, 8 * PG);
	reg(fd, area, 8, WP);
	protect(fd, area, 8, 1);
	to = mremap(area + 3 * PG, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, area + 16 * PG);
	vmflags(to);
	pagemap(to, 1);
	pagemap(area, 4);
	to[0] = 4;
	munmap(to, PG);
	close(fd);
}

static void test_unregister_wakes(void)
{
	int fd = uffd_open(0, 0);
	pid_t pid;

	printf("unregister wakes\n");
	map(2, MAP_PRIVATE);
	reg(fd, area, 2, MISSING);
	pid = start(fd, H_UNREGISTER, 1, 1);
	printf("  %d\n", area[PG]);
	finish(pid, 1);
	vmflags(area);
	vmflags(area + PG);
	close(fd);
	vmflags(area);
}

static void on_alarm(int sig)
{
	(void)sig;
	copy(handler_fd, area, src, PG, 0);
}

static void test_signal(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	int fd = uffd_open(O_NONBLOCK, 0);
	struct pollfd pf = {fd, POLLIN, 0};
	struct msg m;

	printf("a signal while it waits\n");
	sigaction(SIGUSR1, &sa, NULL);
	map(2, MAP_PRIVATE);
	reg(fd, area, 2, MISSING);
	handler_fd = fd;
	memset(src, 'q', PG);
	fflush(stdout);
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		poll(&pf, 1, -1);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	printf("  %c\n", area[0]);
	waitpid(pid, NULL, 0);
	errno = 0;
	printf("  nothing to read: %zd %d\n", read(fd, &m, sizeof(m)), errno);
	close(fd);
	/* A fatal one ends it. */
	fd = uffd_open(O_NONBLOCK, 0);
	map(2, MAP_PRIVATE);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int ufd = uffd_open(O_NONBLOCK, 0), p[2];

		reg(ufd, area, 2, MISSING);
		fflush(stdout);
		if (pipe(p) || write(p[1], "z", 1) != 1)
			_exit(1);
		alarm(1);
		_exit(read(p[0], area, 1));
	}
	int status;
	waitpid(pid, &status, 0);
	printf("  killed by %d\n", WTERMSIG(status));
	close(fd);
}

static void test_move(void)
{
	int fd = uffd_open(O_NONBLOCK, 0);
	char *from;
	struct copy c;

	printf("move\n");
	map(4, MAP_PRIVATE);
	from = mmap(area + 8 * PG, 4 * PG, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(from, 'v', 2 * PG);
	reg(fd, area, 4, MISSING);
	c = (struct copy){(uint64_t)area, (uint64_t)from, 2 * PG, 0, 77};
	printf("  %d", ioctl(fd, MOVE, &c) ? errno : 0);
	printf(" done %lld, %c\n", (long long)c.done, area[PG]);
	pagemap(from, 2);
	c = (struct copy){(uint64_t)area, (uint64_t)from, PG, 0, 77};
	printf("  a hole: %d", ioctl(fd, MOVE, &c) ? errno : 0);
	printf(" done %lld\n", (long long)c.done);
	c = (struct copy){(uint64_t)area + 2 * PG, (uint64_t)from, PG, 2, 77};
	printf("  allowed: %d", ioctl(fd, MOVE, &c) ? errno : 0);
	printf(" done %lld\n", (long long)c.done);
	from[0] = 1;
	c = (struct copy){(uint64_t)area, (uint64_t)from, PG, 0, 77};
	printf("  onto a page: %d", ioctl(fd, MOVE, &c) ? errno : 0);
	printf(" done %lld\n", (long long)c.done);
	close(fd);
	munmap(from, 4 * PG);
}

static void test_errors(void)
{
	int fd = syscall(SYS_userfaultfd, O_NONBLOCK), other, f;
	struct range r = {(uint64_t)area, PG};
	struct msg m;
	struct api a = {0xab, 0, 5};

	printf("errors\n");
	map(4, MAP_PRIVATE);
	printf("  flags %ld %d\n", syscall(SYS_userfaultfd, 2), errno);
	printf("  before API: %d", ioctl(fd, UNREGISTER, &r));
	printf(" %d", errno);
	printf(" %zd", read(fd, &m, sizeof(m)));
	printf(" %d\n", errno);
	printf("  api %d", ioctl(fd, API, &a));
	printf(" %d, %llx %llx\n", errno, (unsigned long long)a.api, (unsigned long long)a.ioctls);
	a = (struct api){0xaa, 1ull << 20, 5};
	printf("  api %d", ioctl(fd, API, &a));
	printf(" %d, %llx %llx\n", errno, (unsigned long long)a.api,
	       (unsigned long long)a.features);
	printf("  api %d %d\n", ioctl(fd, API, 8), errno);
	a = (struct api){0xaa, 0, 0};
	printf("  api %d\n", ioctl(fd, API, &a));
	printf("  api %d", ioctl(fd, API, &a));
	printf(" %d %llx\n", errno, (unsigned long long)a.api);
	for (int mode = 0; mode < 9; mode++)
		printf("  mode %d: %d\n", mode, reg(fd, area, 1, mode));
	printf("  reading: %zd", read(fd, &m, sizeof(m)));
	printf(" %d, short %zd", errno, read(fd, &m, 8));
	printf(" %d\n", errno);
	printf("  unaligned %d, empty %d, hole %d, kernel %d, low %d\n", reg(fd, area + 1, 1, 1),
	       reg(fd, area, 0, 1), reg(fd, area + 40 * PG, 1, 1),
	       reg(fd, (void *)0xffff800000000000, 1, 1), reg(fd, NULL, 1, 1));
	other = uffd_open(O_NONBLOCK, 0);
	printf("  busy %d, foreign %d\n", reg(other, area, 1, MISSING), unreg(other, area, 1));
	f = open("/proc/self/exe", O_RDONLY);
	mmap(area + 2 * PG, PG, RW, MAP_PRIVATE | MAP_FIXED, f, 0);
	printf("  a file %d\n", reg(fd, area + 2 * PG, 1, MISSING));
	mmap(area + 2 * PG, PG, PROT_READ, MAP_SHARED | MAP_FIXED, f, 0);
	printf("  a file %d\n", reg(fd, area + 2 * PG, 1, MISSING));
	printf("  across %d\n", reg(fd, area, 4, MISSING));
	munmap(area + 2 * PG, PG);
	printf("  with a hole %d\n", reg(fd, area, 4, MISSING));
	printf("  unregistered copy\n");
	copy(fd, area + 16 * PG, src, PG, 0);
	printf("  across the end\n");
	copy(fd, area + PG, src, 2 * PG, 0);
	printf("  copy modes\n");
	copy(fd, area, src, PG, 4);
	copy(fd, area, src, PG, 2);
	copy(fd, area, src, 100, 0);
	copy(fd, area, src, 0, 0);
	copy(fd, area, (void *)8, PG, 0);
	copy(fd, area, src + 1, PG, 0);
	printf("  there already\n");
	copy(fd, area, src, PG, 0);
	copy(fd, area, src, 2 * PG, 0);
	madvise(area, PG, MADV_DONTNEED);
	copy(fd, area + PG, src, PG, 0);
	printf("  half\n");
	copy(fd, area, src, 2 * PG, 0);
	printf("  zero there already\n");
	fill(fd, ZEROPAGE, area, PG, 0);
	fill(fd, ZEROPAGE, area, PG, 2);
	fill(fd, CONTINUE, area + 3 * PG, PG, 0);
	fill(fd, CONTINUE, area + 3 * PG, PG, 4);
	fill(fd, POISON, area, PG, 0);
	printf("  protect %d\n", protect(fd, area, 1, 1));
	printf("  wake %d", ioctl(fd, WAKE, &r));
	r.len = 0;
	printf(" %d", ioctl(fd, WAKE, &r));
	printf(" unknown %d", ioctl(fd, _IO(0xaa, 9)));
	printf(" %d\n", errno);
	vmflags(area);
	close(f);
	close(fd);
	close(other);
	vmflags(area);
}

static void on_bus_setup(void)
{
	struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
}

int main(void)
{
	/* A hole among mappings that nothing merges with. */
	char *m =
		mmap(NULL, 1024 * PG, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	setvbuf(stdout, NULL, _IOFBF, 65536);
	on_bus_setup();
	area = (char *)(((uintptr_t)m + (1 << 21) - 1) & ~((1UL << 21) - 1));
	munmap(area, 64 * PG);
	test_missing(0);
	test_missing(1);
	test_straddle();
	test_wp(MAP_PRIVATE, "private");
	test_wp(MAP_SHARED, "shared");
	test_async();
	test_minor();
	test_sigbus();
	test_unregister_wakes();
	test_signal();
	test_move();
	test_errors();
	test_events();
	return 0;
}

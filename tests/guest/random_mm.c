/* random_mm SEED STEPS [FROM TO]: a seeded stream of memory calls and accesses on one arena, to be run
 * natively and in Vellum. After each step: the call, its result, and a hash of what smaps, status
 * and mincore say of the arena; from step FROM to TO the text itself.
 *
 * What may differ is left out: LazyFree and Referenced (the marks that MADV_FREE, POPULATE and
 * read() leave on pages wait in batches of the CPU's, which everybody who runs there fills and
 * empties), inode numbers, and everything outside the arena. Nothing here depends on addresses
 * that the kernel chooses.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define ARENA ((char *)0x100000000000UL)
#define PAGES 48L
#define MEMFD_PAGES 40L

static uint64_t rng;
static long step, show_from, show_to;
static int memfd[2];

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 20) % n;
}

/* --- output, gathered and written at once: stdio would touch memory of its own ------------- */

static char out[1 << 16];
static int out_len;

static void put(const char *fmt, ...)
{
	va_list ap;

	__builtin_va_start(ap, fmt);
	out_len += vsnprintf(out + out_len, sizeof(out) - out_len, fmt, ap);
	__builtin_va_end(ap);
}

static void put_flush(void)
{
	for (int at = 0; at < out_len;) {
		int n = write(1, out + at, out_len - at);

		if (n <= 0)
			_exit(3);
		at += n;
	}
	out_len = 0;
}

/* --- what the kernel says -------------------------------------------------------------------- */

static char text[1 << 18];

static uint64_t hash_bytes(uint64_t h, const char *s, long n)
{
	for (long i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3UL;
	return h;
}

static long slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = 0, got;

	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	return n;
}

/* A line of smaps that both must have alike. @header: "start-end perms off dev ino name". */
static int keep(const char *line)
{
	return strncmp(line, "LazyFree:", 9) && strncmp(line, "Referenced:", 11);
}

static uint64_t smaps_hash(int show)
{
	uint64_t h = 0xcbf29ce484222325UL;
	char head[256];
	int in = 0;

	slurp("/proc/self/smaps");
	for (char *l = text, *nx; *l; l = nx) {
		unsigned long s, e, off, ino;
		unsigned mj, mn;
		char pr[8];
		int at = 0;

		nx = strchr(l, '\n');
		*nx++ = 0;
		if (sscanf(l, "%lx-%lx %7s %lx %x:%x %lu%n", &s, &e, pr, &off, &mj, &mn, &ino,
			   &at) == 7) {
			in = e > (unsigned long)ARENA - 1024 * PG &&
			     s < (unsigned long)ARENA + 1024 * PG;
			if (!in)
				continue;
			snprintf(head, sizeof(head), "[%ld,%ld) %s %lx %x:%x %d%s",
				 ((long)s - (long)ARENA) / (long)PG,
				 ((long)e - (long)ARENA) / (long)PG, pr, off / PG, mj, mn, ino != 0,
				 l + at + strspn(l + at, " "));
			h = hash_bytes(h, head, strlen(head));
			if (show)
				put("  %s\n", head);
			continue;
		}
		if (!in || !keep(l))
			continue;
		h = hash_bytes(h, l, strlen(l));
		if (show && !strstr(l, " 0 kB") && strncmp(l, "KernelP", 7) &&
		    strncmp(l, "MMUP", 4))
			put("    %s\n", l);
	}
	return h;
}

static long status_kb(const char *name)
{
	char *l = strstr(text, name);

	return l ? strtol(l + strlen(name), NULL, 10) : -1;
}

static long base_anon, base_shmem, base_size, base_data, base_pte;

static uint64_t status_hash(int show)
{
	long v[6];

	slurp("/proc/self/status");
	v[0] = status_kb("VmLck:");
	v[1] = status_kb("RssAnon:") - base_anon;
	v[2] = status_kb("RssShmem:") - base_shmem;
	v[3] = status_kb("VmSize:") - base_size;
	v[4] = status_kb("VmData:") - base_data;
	v[5] = status_kb("VmPTE:") - base_pte;
	if (show)
		put("  VmLck %ld RssAnon %+ld RssShmem %+ld VmSize %+ld VmData %+ld VmPTE %+ld\n",
		    v[0], v[1], v[2], v[3], v[4], v[5]);
	return hash_bytes(7, (char *)v, sizeof(v));
}

static uint64_t mincore_hash(int show)
{
	unsigned char vec[PAGES];
	char line[PAGES + 1];

	for (long i = 0; i < PAGES; i++)
		line[i] = mincore(ARENA + i * PG, PG, vec) ? '-' : '0' + (vec[0] & 1);
	line[PAGES] = 0;
	if (show)
		put("  mincore %s\n", line);
	return hash_bytes(9, line, PAGES);
}

static uint64_t pagemap_hash(int show)
{
	uint64_t e[PAGES];
	char line[PAGES + 1];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	memset(e, 0, sizeof(e));
	if (pread(fd, e, sizeof(e), (long)ARENA / PG * 8) != sizeof(e))
		put("pagemap: short\n");
	close(fd);
	for (long i = 0; i < PAGES; i++) {
		unsigned bits = (e[i] >> 63) << 3 | ((e[i] >> 62) & 1) << 2 |
				((e[i] >> 61) & 1) << 1 | ((e[i] >> 56) & 1);

		line[i] = "0123456789abcdef"[bits];
	}
	line[PAGES] = 0;
	if (show)
		put("  pagemap %s\n", line);
	return hash_bytes(11, line, PAGES);
}

static void report(void)
{
	int show = step >= show_from && step <= show_to;
	uint64_t s = smaps_hash(show), t = status_hash(show);

	put(" | %08lx %08lx", s & 0xffffffff, t & 0xffffffff);
	s = mincore_hash(show);
	t = pagemap_hash(show);
	put(" %08lx %08lx\n", s & 0xffffffff, t & 0xffffffff);
	put_flush();
}

/* --- accesses -------------------------------------------------------------------------------- */

static sigjmp_buf caught;
static volatile int sig_no, sig_code;
static volatile long sig_at;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	sig_no = sig;
	sig_code = si->si_code;
	sig_at = (char *)si->si_addr - ARENA;
	siglongjmp(caught, 1);
}

static void touch(long page, int write_it)
{
	volatile unsigned char *p = (unsigned char *)ARENA + page * PG + rnd(4096);
	unsigned v = rnd(256);

	put("%s %ld", write_it ? "write" : "read", page);
	if (sigsetjmp(caught, 1)) {
		put(" = signal %d code %d at %lx", sig_no, sig_code, sig_at);
		return;
	}
	if (write_it)
		*p = v;
	else
		put(" = %u", *p);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void result(long r)
{
	if (r == -1)
		put(" = E%d", errno);
	else
		put(" = %ld", r >= (long)ARENA ? (r - (long)ARENA) / (long)PG : r);
}

static const int prots[] = {0, 1, 3, 3, 3, 3, 5, 7, 2};

static void range(long *at, long *n)
{
	*at = rnd(PAGES);
	*n = 1 + rnd(rnd(4) ? 6 : PAGES - *at);
	if (*at + *n > PAGES)
		*n = PAGES - *at;
}

static void do_mmap(void)
{
	static const int extra[] = {0, 0, 0, MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED, MAP_STACK};
	int prot = prots[rnd(9)], flags = MAP_FIXED | extra[rnd(7)], fd = -1;
	long at, n, off = 0;
	unsigned kind = rnd(8);

	range(&at, &n);
	if (kind < 4)
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	else if (kind == 4)
		flags |= MAP_SHARED | MAP_ANONYMOUS;
	else
		flags |= kind == 5 ? MAP_PRIVATE : MAP_SHARED;
	if (kind > 4) {
		fd = memfd[rnd(2)];
		off = rnd(MEMFD_PAGES);
	}
	put("mmap %ld+%ld prot %d flags %x fd %d off %ld", at, n, prot, flags, fd, off);
	result((long)mmap(ARENA + at * PG, n * PG, prot, flags, fd, off * PG));
}

static void do_mremap(void)
{
	long at, n, to, m;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	range(&at, &n);
	range(&to, &m);
	switch (rnd(5)) {
	case 0: /* in place */
		flags = 0;
		break;
	case 1:
		flags |= 4; /* DONTUNMAP */
		m = n;
		break;
	case 2:
	case 3:
		m = n;
		break;
	}
	if (to + m > PAGES)
		to = PAGES - m;
	put("mremap %ld+%ld to %ld+%ld flags %x", at, n, to, m, flags);
	result(syscall(SYS_mremap, ARENA + at * PG, n * PG, m * PG, flags, ARENA + to * PG));
}

static void do_advise(void)
{
	static const int advice[] = {0,	 1,  2,	 3,  4,	 4,  8,	 8,  9,	 10,  11,  12,	13, 16,
				     17, 18, 19, 20, 21, 22, 23, 24, 25, 102, 102, 103, 14, 15};
	int adv = advice[rnd(sizeof(advice) / sizeof(*advice))];
	long at, n;

	range(&at, &n);
	put("madvise %ld+%ld %d", at, n, adv);
	result(madvise(ARENA + at * PG, n * PG, adv));
}

static void do_lock(void)
{
	unsigned how = rnd(6);
	long at, n;

	range(&at, &n);
	put("%s %ld+%ld", how < 3 ? "munlock" : how < 5 ? "mlock" : "mlock2", at, n);
	if (how < 3)
		result(munlock(ARENA + at * PG, n * PG));
	else if (how < 5)
		result(mlock(ARENA + at * PG, n * PG));
	else
		result(syscall(SYS_mlock2, ARENA + at * PG, n * PG, 1));
}

static void do_file(void)
{
	int fd = memfd[rnd(2)];
	long at = rnd(MEMFD_PAGES), n = 1 + rnd(4);
	char buf[100];

	switch (rnd(4)) {
	case 0:
		put("pwrite %d %ld", fd, at);
		memset(buf, at, sizeof(buf));
		result(pwrite(fd, buf, sizeof(buf), at * PG + rnd(4000)));
		break;
	case 1:
		put("pread %d %ld", fd, at);
		result(pread(fd, buf, sizeof(buf), at * PG + rnd(4000)));
		break;
	case 2:
		put("punch %d %ld+%ld", fd, at, n);
		result(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				 at * PG + rnd(2) * 100, n * PG));
		break;
	case 3:
		at += MEMFD_PAGES / 2;
		put("ftruncate %d %ld", fd, at);
		result(ftruncate(fd, at * PG - rnd(2) * 50));
	}
}

static void do_kernel_copy(void)
{
	long at, n, r;
	int fd;

	range(&at, &n);
	if (rnd(2)) {
		fd = open("/dev/zero", O_RDONLY);
		put("read zeros %ld+%ld", at, n);
		r = read(fd, ARENA + at * PG + 10, n * PG - 20);
	} else {
		fd = memfd[rnd(2)];
		put("write from %ld+%ld", at, n);
		r = pwrite(fd, ARENA + at * PG + 10, n * PG - 20, rnd(MEMFD_PAGES) * PG);
		fd = -1;
	}
	result(r);
	if (fd >= 0)
		close(fd);
}

static void one_step(int in_child);

/* A child with a copy: it works, reports, and ends; then the parent's own state is looked at. */
static void do_fork(void)
{
	int status;
	pid_t pid;

	put("fork\n");
	put_flush();
	pid = fork();
	if (!pid) {
		rng += 12345;
		report();
		for (unsigned n = rnd(5); n; n--) {
			put("  child: ");
			one_step(1);
			report();
		}
		_exit(7);
	}
	waitpid(pid, &status, 0);
	put("forked %x", status);
}

static void one_step(int in_child)
{
	unsigned op = rnd(100);
	long at, n;

	range(&at, &n);
	if (op < 14) {
		do_mmap();
	} else if (op < 20) {
		put("munmap %ld+%ld", at, n);
		result(munmap(ARENA + at * PG, n * PG));
	} else if (op < 30) {
		int prot = prots[rnd(9)];

		put("mprotect %ld+%ld %d", at, n, prot);
		result(mprotect(ARENA + at * PG, n * PG, prot));
	} else if (op < 36) {
		do_mremap();
	} else if (op < 50) {
		do_advise();
	} else if (op < 54) {
		do_lock();
	} else if (op < 59) {
		do_file();
	} else if (op < 62) {
		do_kernel_copy();
	} else if (op < 64 && !in_child) {
		do_fork();
	} else {
		touch(at, op & 1);
	}
}

static void prepare(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	volatile char stack[65536];

	for (unsigned i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
	memset(out, 1, sizeof(out));
	memset(text, 1, sizeof(text));
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (int i = 0; i < 2; i++) {
		memfd[i] = syscall(SYS_memfd_create, "arena", 0);
		if (ftruncate(memfd[i], MEMFD_PAGES * PG))
			_exit(2);
	}
	put("warm\n");
	out_len = 0;
	/* The tables of the arena are there from the start. */
	mmap(ARENA + PAGES * PG, PG, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	munmap(ARENA + PAGES * PG, PG);
	slurp("/proc/self/status");
	slurp("/proc/self/status");
	base_anon = status_kb("RssAnon:");
	base_shmem = status_kb("RssShmem:");
	base_size = status_kb("VmSize:");
	base_data = status_kb("VmData:");
	base_pte = status_kb("VmPTE:");
}

int main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 1000;

	rng = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15UL + 1;
	show_from = argc > 4 ? atol(argv[3]) : -1;
	show_to = argc > 4 ? atol(argv[4]) : -2;
	prepare();
	for (step = 0; step < steps; step++) {
		put("%ld ", step);
		one_step(0);
		report();
	}
	return 0;
}

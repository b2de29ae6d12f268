/* random_mm [-r | -R] SEED STEPS [FROM TO]: a seeded stream of memory calls and accesses, to be run
 * natively and in Vellum (`vellum compare`, from an empty folder). After each step: the call, its
 * result, and hashes of what maps, smaps, status, mincore and pagemap say (state.c); from step FROM
 * to TO the texts themselves.
 *
 *   -r   compares Referenced, too, and leaves out what marks pages through the CPU's batches
 *        (MADV_FREE, mlock, read(2) and kin): everybody who runs there fills and empties those
 *   -R   compares Referenced and leaves nothing out: for measuring. See docs/adr/0002
 *
 * Most happens in a small arena, where areas meet. Stacks grow in a wide one; what the kernel places
 * itself is kept in a list, and the break moves. Up to three children of each process, with children
 * of their own, stay alive and are woken for more steps.
 */
#include "random_mm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define FILE_PAGES 40L
#define MAX_AWAY 6
#define MAX_CHILDREN 3
#define MAX_DEPTH 3

enum { MEMFD, MEMFD2, SCRATCH, SCRATCH2, READ_ONLY, NR_FDS };

static uint64_t rng;
static long step, show_from = -1, show_to = -2;
static int fds[NR_FDS];
static int holders[2][2];    /* pipes: hold_pages() */
static char *away[MAX_AWAY]; /* areas that the kernel placed, as we know them */
static long away_pages[MAX_AWAY];
static char *break_base;
static int depth;
static bool only_accesses; /* -r */
static int limit_steps;	   /* until the limit goes away again */
static struct child {
	pid_t pid;
	int to, from;
} children[MAX_CHILDREN];
static int nr_children;
static char bytes[16 * PG]; /* of our own, for the kernel to copy to and from */

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 20) % n;
}

#define PICK(array) array[rnd(sizeof(array) / sizeof(*(array)))]

static void result(long r)
{
	if (r == -1)
		put(" = E%d", errno);
	else if (r >= 4096)
		put(" = %lx", r);
	else
		put(" = %ld", r);
}

static void range(long *at, long *n)
{
	*at = rnd(PAGES);
	*n = 1 + rnd(rnd(4) ? 6 : PAGES - *at);
	if (*at + *n > PAGES)
		*n = PAGES - *at;
}

/* --- accesses ---------------------------------------------------------------------------------- */

static sigjmp_buf caught;
static volatile int sig_no, sig_code, sig_error;
static volatile unsigned long sig_at;

static void on_fault(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	sig_no = sig;
	sig_code = si->si_code;
	sig_error = uc->uc_mcontext.gregs[REG_ERR];
	sig_at = (unsigned long)si->si_addr;
	siglongjmp(caught, 1);
}

static void access_byte(char *at, int how)
{
	volatile unsigned char *p = (unsigned char *)at;
	unsigned v = rnd(256);

	put("%s %lx", how == 0 ? "read" : how == 1 ? "write" : "call", (unsigned long)at);
	if (sigsetjmp(caught, 1)) {
		put(" = signal %d code %d error %x at %lx", sig_no, sig_code, sig_error, sig_at);
		return;
	}
	if (how == 0) {
		put(" = %u", *p);
	} else if (how == 1) {
		*p = v;
	} else {
		*p = 0xc3; /* ret */
		((void (*)(void))(unsigned long)p)();
		put(" = back");
	}
}

static void do_touch(void)
{
	int how = rnd(16);

	access_byte(ARENA + rnd(PAGES) * PG + rnd(PG), how == 15 ? 2 : how & 1);
}

/* Every page of a stretch: many faults, one report. */
static void do_touch_many(void)
{
	long at, n;
	volatile long served = 0;
	volatile unsigned char sum = 0;
	int write_it = rnd(2);

	range(&at, &n);
	put("%s %ld+%ld", write_it ? "write all" : "read all", at, n);
	for (volatile long i = 0; i < n; i++) {
		volatile unsigned char *p = (unsigned char *)ARENA + (at + i) * PG + 8;

		if (sigsetjmp(caught, 1))
			continue;
		if (write_it)
			*p = i;
		else
			sum += *p;
		served++;
	}
	put(" = %ld %u", served, sum);
}

/* --- mappings ---------------------------------------------------------------------------------- */

static const int prots[] = {0, 1, 3, 3, 3, 3, 5, 7, 2};

static void mapping_kind(int *flags, int *fd, long *off)
{
	unsigned kind = rnd(only_accesses ? 10 : 16);

	*fd = -1;
	*off = 0;
	if (kind < 7) {
		*flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	} else if (kind == 7) {
		*flags |= 8 | MAP_ANONYMOUS; /* MAP_DROPPABLE */
	} else if (kind < 10) {
		*flags |= MAP_SHARED | MAP_ANONYMOUS;
	} else {
		*flags |= kind < 13 ? MAP_PRIVATE : MAP_SHARED;
		*fd = rnd(NR_FDS);
		*off = rnd(FILE_PAGES);
	}
}

static void do_mmap(void)
{
	static const int extra[] = {0,		0,	  0, 0, 0, MAP_NORESERVE, MAP_POPULATE,
				    MAP_LOCKED, MAP_STACK};
	int prot = PICK(prots), flags = PICK(extra), fd;
	long at, n, off;

	if (only_accesses)
		flags &= ~(MAP_POPULATE | MAP_LOCKED);
	flags |= rnd(12) ? MAP_FIXED : 0x100000; /* FIXED_NOREPLACE */
	range(&at, &n);
	mapping_kind(&flags, &fd, &off);
	put("mmap %ld+%ld prot %d flags %x fd %d off %ld", at, n, prot, flags, fd, off);
	result((long)mmap(ARENA + at * PG, n * PG, prot, flags, fd < 0 ? -1 : fds[fd], off * PG));
}

static void forget_away(int i)
{
	put("munmap %lx+%ld", (unsigned long)away[i], away_pages[i]);
	result(munmap(away[i], away_pages[i] * PG));
	away_pages[i] = 0;
}

static void remember_away(char *p, long n)
{
	int i;

	for (i = 0; i < MAX_AWAY && away_pages[i]; i++)
		;
	if (p == MAP_FAILED)
		return;
	if (i == MAX_AWAY) {
		put("; ");
		i = rnd(MAX_AWAY);
		forget_away(i);
	}
	away[i] = p;
	away_pages[i] = n;
}

/* The kernel chooses the place: hint or none. */
static void do_mmap_anywhere(void)
{
	int flags = rnd(8) ? 0 : 0x40 /* MAP_32BIT */, fd;
	long n = 1 + rnd(8), off;
	char *hint = rnd(3) ? NULL : ARENA + rnd(PAGES) * PG + rnd(2) * 100, *p;

	mapping_kind(&flags, &fd, &off);
	put("mmap anywhere, hint %lx, %ld, flags %x fd %d off %ld", (unsigned long)hint, n, flags,
	    fd, off);
	p = mmap(hint, n * PG, PROT_READ | (fd == READ_ONLY ? 0 : PROT_WRITE), flags,
		 fd < 0 ? -1 : fds[fd], off * PG);
	result((long)p);
	if (p < ARENA || p >= ARENA + PAGES * PG)
		remember_away(p, n);
}

static void do_mremap(void)
{
	long at, n, to, m;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	range(&at, &n);
	range(&to, &m);
	switch (rnd(7)) {
	case 0: /* in place */
		flags = 0;
		break;
	case 1:
		flags |= 4; /* DONTUNMAP */
		m = n;
		break;
	case 2:
	case 3:
	case 4:
		m = n;
		break;
	case 5:
		n = 0; /* a second mapping of what is shared */
		break;
	}
	if (to + m > PAGES)
		to = PAGES - m;
	put("mremap %ld+%ld to %ld+%ld flags %x", at, n, to, m, flags);
	result(syscall(SYS_mremap, ARENA + at * PG, n * PG, m * PG, flags, ARENA + to * PG));
}

/* Out of the arena, to where the kernel likes, and back. */
static void do_mremap_away(void)
{
	int i = rnd(MAX_AWAY), flags;
	long at, n, m;
	char *p;

	if (away_pages[i]) {
		m = away_pages[i];
		n = 1 + rnd(m + 3);
		at = rnd(PAGES - n);
		put("mremap back %lx+%ld to %ld+%ld", (unsigned long)away[i], m, at, n);
		p = mremap(away[i], m * PG, n * PG, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA + at * PG);
		result((long)p);
		if (p != MAP_FAILED)
			away_pages[i] = 0;
		return;
	}
	range(&at, &n);
	m = rnd(10) ? n + rnd(5) : 1 + rnd(n);
	flags = MREMAP_MAYMOVE;
	if (!rnd(4)) {
		flags |= 4;
		m = n;
	} else if (!rnd(4)) {
		n = 0;
	}
	put("mremap %ld+%ld to anywhere+%ld flags %x", at, n, m, flags);
	p = (char *)syscall(SYS_mremap, ARENA + at * PG, n * PG, m * PG, flags, 0);
	result((long)p);
	if (p < ARENA || p >= ARENA + PAGES * PG)
		remember_away(p, m);
}

static void do_munmap(void)
{
	long at, n;

	range(&at, &n);
	put("munmap %ld+%ld", at, n);
	result(munmap(ARENA + at * PG, n * PG));
}

static void do_mprotect(void)
{
	int prot = PICK(prots);
	long at, n;

	range(&at, &n);
	if (!rnd(10))
		prot |= PROT_GROWSDOWN;
	put("mprotect %ld+%ld %x", at, n, prot);
	if (rnd(8))
		result(mprotect(ARENA + at * PG, n * PG, prot));
	else
		result(syscall(SYS_pkey_mprotect, ARENA + at * PG, n * PG, prot, -1));
}

static void do_remap_file_pages(void)
{
	long at, n, off = rnd(FILE_PAGES);

	range(&at, &n);
	put("remap_file_pages %ld+%ld to %ld", at, n, off);
	result(syscall(SYS_remap_file_pages, ARENA + at * PG, n * PG, 0, off, rnd(2) << 16));
}

static void do_name(void)
{
	long at, n;

	range(&at, &n);
	put("name %ld+%ld", at, n);
	result(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ARENA + at * PG, n * PG, "arena"));
}

static void do_seal(void)
{
	long at, n;

	range(&at, &n);
	n = 1 + n % 3;
	if (!depth || at + n > PAGES) {
		put("no seal");
		return;
	}
	put("mseal %ld+%ld", at, n);
	result(syscall(462, ARENA + at * PG, n * PG, 0));
}

/* --- scratch files ------------------------------------------------------------------------------ */

/* A pipe holds the pages of each scratch file: a host that reclaims by itself (DAMON) takes clean
 * pages that nobody maps, but none that somebody holds. That does not count as a mapping. What comes
 * out of the pipe is not looked at: natively it is the file's own pages, with what was written since. */
static void hold_pages(int fd, bool hold)
{
	static char drained[16 * PG];
	const int *pipe = holders[fd == fds[SCRATCH2]];
	off_t at = 0;

	if (hold)
		while (at < FILE_PAGES * (long)PG &&
		       sendfile(pipe[1], fd, &at, FILE_PAGES * PG - at) > 0)
			;
	else
		while (read(pipe[0], drained, sizeof(drained)) > 0)
			;
}

/* Pages of a scratch file are written one at a time, so that each is a folio of its own, and are
 * clean afterwards. No hole stays: read-ahead would fill it with larger folios. */
static void fill_file(int fd, long first)
{
	hold_pages(fd, false);
	for (long i = first; i < FILE_PAGES; i++) {
		memset(bytes, i + fd, PG);
		if (pwrite(fd, bytes, PG, i * PG) != (long)PG)
			_exit(2);
	}
	if (fsync(fd))
		_exit(2);
	/* Used twice: the host does not take them first when others need memory. */
	for (int round = 0; round < 2; round++)
		for (long i = 0; i < FILE_PAGES; i++)
			if (pread(fd, bytes, 1, i * PG) != 1)
				_exit(2);
	hold_pages(fd, true);
}

/* --- advice, locks ------------------------------------------------------------------------------ */

static void do_advise(void)
{
	static const int usual[] = {0,	1,  2,	3,  4,	4,  8,	8,  9,	10,  11,  12,  13, 16,
				    17, 18, 19, 20, 21, 22, 23, 24, 25, 102, 102, 103, 14, 15};
	static const int unmarking[] = {0,  1,	2,  3,	4,  4,	9,  10,	 11,  12,
					13, 16, 17, 18, 19, 24, 25, 102, 103, 14};
	int adv = only_accesses ? PICK(unmarking) : PICK(usual);
	long at, n;

	range(&at, &n);
	/* Which clean pages of files PAGEOUT gets depends on the CPU's batches: docs/adr/0002. */
	if (adv == 21 && state_file_in_arena(at, n))
		adv = 20;
	put("madvise %ld+%ld %d", at, n, adv);
	result(madvise(ARENA + at * PG, n * PG, adv));
	if (adv == 9 && state_file_in_arena(at, n)) {
		fill_file(fds[SCRATCH], 0);
		fill_file(fds[SCRATCH2], 0);
	}
}

static void do_lock(void)
{
	static const int all[] = {1, 2, 3, 5, 6, 7, 4, 0, 8};
	unsigned how = rnd(16);
	long at, n;
	int flags;

	range(&at, &n);
	if (how == 0) {
		flags = PICK(all);
		put("mlockall %d", flags);
		result(mlockall(flags));
	} else if (how < 4) {
		put("munlockall");
		result(munlockall());
	} else if (how < 9) {
		put("munlock %ld+%ld", at, n);
		result(munlock(ARENA + at * PG, n * PG));
	} else if (how < 13) {
		put("mlock %ld+%ld", at, n);
		result(mlock(ARENA + at * PG + rnd(100), n * PG - 100));
	} else {
		put("mlock2 %ld+%ld", at, n);
		result(syscall(SYS_mlock2, ARENA + at * PG, n * PG, 1));
	}
}

static void do_msync(void)
{
	static const int how[] = {0, MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE};
	int flags = PICK(how);
	long at, n;

	range(&at, &n);
	put("msync %ld+%ld %d", at, n, flags);
	result(msync(ARENA + at * PG, n * PG, flags));
}

/* --- the objects behind ------------------------------------------------------------------------- */

static void do_scratch_file(void)
{
	int fd = fds[SCRATCH + rnd(2)];
	long at = rnd(FILE_PAGES);

	switch (rnd(6)) {
	case 0:
		at = rnd(lseek(fd, 0, SEEK_END) / PG + 1); /* never longer: that is a hole, too */
		put("cut %d to %ld and fill", fd, at);
		if (ftruncate(fd, at * PG - (at ? rnd(2) * 50 : 0)))
			put(" E%d", errno);
		fsync(fd);
		if (rnd(2)) /* else the next step sees it short; filled again by fsync's case */
			fill_file(fd, at ? at - 1 : 0);
		break;
	case 1:
	case 2:
		put("fill %d", fd);
		fill_file(fd, 0);
		break;
	case 3:
		put("fsync %d", fd);
		result(fsync(fd));
		break;
	case 4:
		at = rnd(lseek(fd, 0, SEEK_END) / PG + 1); /* not behind the end: no holes */
		put("pwrite %d %ld", fd, at);
		result(pwrite(fd, bytes, 100, at * PG + (at ? 0 : rnd(3900))));
		break;
	case 5:
		put("pread %d %ld", fd, at);
		result(pread(fd, bytes, 100, at * PG + rnd(4000)));
		put(" %d", bytes[50]);
	}
}

static void do_memfd(void)
{
	int fd = fds[MEMFD + rnd(2)];
	long at = rnd(FILE_PAGES), n = 1 + rnd(4);

	switch (rnd(4)) {
	case 0:
		put("pwrite %d %ld", fd, at);
		memset(bytes, at, 100);
		result(pwrite(fd, bytes, 100, at * PG + rnd(4000)));
		break;
	case 1:
		put("pread %d %ld", fd, at);
		result(pread(fd, bytes, 100, at * PG + rnd(4000)));
		break;
	case 2:
		put("punch %d %ld+%ld", fd, at, n);
		result(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				 at * PG + rnd(2) * 100, n * PG));
		break;
	case 3:
		at += FILE_PAGES / 2;
		put("ftruncate %d %ld", fd, at);
		result(ftruncate(fd, at * PG - rnd(2) * 50));
	}
}

/* The kernel reads or writes the arena for us, and may stop half way. */
static void do_kernel_copy(void)
{
	struct iovec ours = {bytes, sizeof(bytes)}, theirs;
	long at, n, off;
	int fd;

	range(&at, &n);
	switch (rnd(4)) {
	case 0:
		put("read zeros %ld+%ld", at, n);
		fd = open("/dev/zero", O_RDONLY);
		result(read(fd, ARENA + at * PG + 10, n * PG - 20));
		close(fd);
		break;
	case 1:
		fd = fds[rnd(2)];
		off = rnd(FILE_PAGES);
		put("write from %ld+%ld to %d %ld", at, n, fd, off);
		result(pwrite(fd, ARENA + at * PG + 10, n * PG - 20, off * PG));
		break;
	default:
		theirs.iov_base = ARENA + at * PG + 10;
		theirs.iov_len = n * PG - 20;
		if (theirs.iov_len > sizeof(bytes))
			theirs.iov_len = sizeof(bytes);
		if (rnd(2)) {
			put("process_vm_readv %ld+%ld", at, n);
			result(process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0));
		} else {
			put("process_vm_writev %ld+%ld", at, n);
			result(process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
		}
	}
}

/* --- break, stacks, limits ------------------------------------------------------------------------ */

static void do_brk(void)
{
	char *to = break_base + rnd(40) * PG + rnd(3) * 100;

	if (rnd(2)) {
		put("brk %lx", (unsigned long)to);
		result(syscall(SYS_brk, to));
	} else {
		access_byte(to, rnd(2));
	}
}

static void do_away(void)
{
	int i = rnd(MAX_AWAY);

	if (!away_pages[i])
		put("nothing away");
	else if (rnd(4))
		access_byte(away[i] + rnd(away_pages[i]) * PG + 20, rnd(2));
	else
		forget_away(i);
}

/* Areas that grow down, what they meet below, and how far they get. */
static void do_stack(void)
{
	long at = rnd(GROW_PAGES - 8), n = 1 + rnd(8), below;
	char *p = GROW + at * PG;

	switch (rnd(8)) {
	case 0:
		put("stack at %ld+%ld", at, n);
		result((long)mmap(p, n * PG, PICK(prots),
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
		break;
	case 1:
		put("area at %ld+%ld", at, n);
		result((long)mmap(p, n * PG, PICK(prots), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				  -1, 0));
		break;
	case 2:
		n = rnd(GROW_PAGES - at) + 1;
		put("no stacks in %ld+%ld", at, n);
		result(munmap(p, n * PG));
		break;
	case 3:
		n = rnd(200);
		put("mprotect stacks %ld+%ld", at, n);
		result(mprotect(p, n * PG, PICK(prots) | (rnd(2) ? PROT_GROWSDOWN : 0)));
		break;
	case 4:
		put("mlock stacks %ld+%ld", at, n);
		result(!only_accesses && rnd(2) ? mlock(p, n * PG) : munlock(p, 100 * PG));
		break;
	default:
		/* Somewhere below an area, if one is there; near more often than far. */
		below = rnd(rnd(3) ? 20 : 600);
		for (long tries = 0; tries < 64; tries++, p = GROW + rnd(GROW_PAGES) / 8 * 8 * PG)
			if (!madvise(p, PG, 0))
				break;
		access_byte(p - below * PG + rnd(PG), rnd(2));
	}
}

static void do_limit(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};
	int data = rnd(2);
	long room = rnd(16);

	lim.rlim_cur = (data ? state_vm_data() : state_vm_size()) + room * PG;
	put("limit %s to %ld pages more", data ? "data" : "size", room);
	result(setrlimit(data ? RLIMIT_DATA : RLIMIT_AS, &lim));
	limit_steps = 1 + rnd(6);
}

static void no_limit(void)
{
	const struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_DATA, &lim);
	setrlimit(RLIMIT_AS, &lim);
}

/* --- children -------------------------------------------------------------------------------------- */

/* What a child is told through its pipe. */
struct order {
	long step; /* of the first process: for FROM and TO */
	int nr;
};

static void one_step(void);

static void child_steps(int n)
{
	while (n--) {
		put("  %*s", 2 * depth, "");
		one_step();
	}
}

static void end_child(int i)
{
	int status;

	close(children[i].to);
	close(children[i].from);
	waitpid(children[i].pid, &status, 0);
	put("ended %x", status);
	children[i] = children[--nr_children];
}

/* A child's life: steps when told how many, until the pipe closes. */
static void child_main(int from_parent, int to_parent)
{
	struct order o;

	depth++;
	rng += 12345;
	/* Our parent's children are not ours; their pipes are. */
	for (int i = 0; i < nr_children; i++) {
		close(children[i].to);
		close(children[i].from);
	}
	nr_children = 0;
	put("  %*sborn", 2 * depth, "");
	state_report(step >= show_from && step <= show_to);
	do {
		if (write(to_parent, "", 1) != 1 || read(from_parent, &o, sizeof(o)) != sizeof(o)) {
			while (nr_children)
				end_child(nr_children - 1);
			_exit(7);
		}
		step = o.step;
		child_steps(o.nr);
	} while (1);
}

static void tell(struct child *c, int steps)
{
	const struct order o = {step, steps};
	char done;

	if (write(c->to, &o, sizeof(o)) != sizeof(o) || read(c->from, &done, 1) != 1)
		put("the child is gone");
}

static void do_fork(void)
{
	int to[2], from[2];
	char born;

	if (depth == MAX_DEPTH || nr_children == MAX_CHILDREN) {
		put("no fork");
		return;
	}
	put("fork\n");
	put_flush();
	if (pipe(to) || pipe(from)) {
		put("pipe: E%d", errno);
		return;
	}
	children[nr_children].pid = fork();
	if (!children[nr_children].pid) {
		close(to[1]);
		close(from[0]);
		child_main(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	if (children[nr_children].pid < 0) {
		put("failed E%d", errno);
		close(to[1]);
		close(from[0]);
		return;
	}
	children[nr_children].to = to[1];
	children[nr_children].from = from[0];
	if (read(from[0], &born, 1) != 1)
		put("stillborn ");
	nr_children++;
	put("forked");
}

static void do_child(void)
{
	int i;

	if (!nr_children) {
		put("no child");
		return;
	}
	i = rnd(nr_children);
	if (!rnd(6)) {
		end_child(i);
		return;
	}
	put("wake %d\n", i);
	put_flush();
	tell(&children[i], 1 + rnd(3));
	put("child %d sleeps", i);
}

/* --- the stream --------------------------------------------------------------------------------------- */

static const struct op {
	unsigned weight;
	void (*take)(void);
} ops[] = {
	{26, do_touch},	     {6, do_touch_many}, {16, do_mmap},	 {3, do_mmap_anywhere},
	{4, do_munmap},	     {10, do_mprotect},	 {6, do_mremap}, {4, do_mremap_away},
	{14, do_advise},     {5, do_lock},	 {2, do_msync},	 {1, do_remap_file_pages},
	{1, do_name},	     {2, do_seal},	 {3, do_memfd},	 {4, do_scratch_file},
	{4, do_kernel_copy}, {3, do_brk},	 {3, do_away},	 {6, do_stack},
	{1, do_limit},	     {2, do_fork},	 {6, do_child},
};

static void one_step(void)
{
	unsigned all = 0, op;
	const struct op *o = ops;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		all += ops[i].weight;
	for (op = rnd(all); op >= o->weight; o++)
		op -= o->weight;
	/* The files' cache pages, and what the kernel touches for us. */
	if (only_accesses &&
	    (o->take == do_lock || o->take == do_memfd || o->take == do_kernel_copy ||
	     o->take == do_scratch_file || o->take == do_remap_file_pages))
		o = ops;
	if (limit_steps && !--limit_steps)
		no_limit();
	o->take();
	state_report(step >= show_from && step <= show_to);
}

static void scratch_files(void)
{
	for (int i = SCRATCH; i <= SCRATCH2; i++) {
		fds[i] = open("scratch", O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fds[i] < 0)
			_exit(2);
		if (i == SCRATCH)
			fds[READ_ONLY] = open("scratch", O_RDONLY);
		unlink("scratch");
		if (pipe2(holders[i - SCRATCH], O_NONBLOCK) ||
		    fcntl(holders[i - SCRATCH][1], F_SETPIPE_SZ, 64 * PG) < 0)
			_exit(2);
		fill_file(fds[i], 0);
	}
}

static void prepare(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static char handler_stack[65536];
	const stack_t ss = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	cpu_set_t one;

	/* One CPU, so that all that waits for the pages' lists waits in one place. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (int i = MEMFD; i <= MEMFD2; i++) {
		fds[i] = memfd_create("arena", 0);
		if (ftruncate(fds[i], FILE_PAGES * PG))
			_exit(2);
		/* Pages that were only read are clean, and a host that reclaims may take them. */
		for (long k = 0; k < FILE_PAGES; k++)
			if (pwrite(fds[i], bytes, 1, k * PG) != 1)
				_exit(2);
	}
	scratch_files();
	break_base = (char *)(((unsigned long)sbrk(0) + PG - 1) & -PG);
	no_limit();
}

int main(int argc, char **argv)
{
	long steps = 1000;

	if (argc > 1 && (!strcmp(argv[1], "-r") || !strcmp(argv[1], "-R"))) {
		keep_referenced = true;
		only_accesses = argv[1][1] == 'r';
		argc--;
		argv++;
	}
	rng = (argc > 1 ? strtoul(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15UL + 1;
	if (argc > 2)
		steps = atol(argv[2]);
	if (argc > 4) {
		show_from = atol(argv[3]);
		show_to = atol(argv[4]);
	}
	prepare();
	for (step = 0; step < steps; step++) {
		put("%ld ", step);
		one_step();
		if (step % 400 == 399) { /* before the kernel writes them back by itself */
			fsync(fds[SCRATCH]);
			fsync(fds[SCRATCH2]);
		}
	}
	while (nr_children) {
		end_child(nr_children - 1);
		put("\n");
	}
	put_flush();
	return 0;
}

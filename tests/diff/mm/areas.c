/* Calls on areas: of the arena, of the wide place where stacks grow, of the break, and of those that the
 * kernel placed ("away"), which are kept in a list. */
#include "random_mm.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_AWAY 6

static char *away[MAX_AWAY]; /* as we know them */
static long away_pages[MAX_AWAY];
static char *break_base;
static int limit_steps; /* until the limit goes away again */

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

void do_mmap(void)
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
void do_mmap_anywhere(void)
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

void do_mremap(void)
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
void do_mremap_away(void)
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

void do_munmap(void)
{
	long at, n;

	range(&at, &n);
	put("munmap %ld+%ld", at, n);
	result(munmap(ARENA + at * PG, n * PG));
}

void do_mprotect(void)
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

void do_remap_file_pages(void)
{
	long at, n, off = rnd(FILE_PAGES);

	range(&at, &n);
	put("remap_file_pages %ld+%ld to %ld", at, n, off);
	result(syscall(SYS_remap_file_pages, ARENA + at * PG, n * PG, 0, off, rnd(2) << 16));
}

void do_name(void)
{
	long at, n;

	range(&at, &n);
	put("name %ld+%ld", at, n);
	result(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ARENA + at * PG, n * PG, "arena"));
}

void do_seal(void)
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

/* --- advice, locks ------------------------------------------------------------------------------ */

void do_advise(void)
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
	if (adv == 9 && state_file_in_arena(at, n))
		fill_scratch_files();
}

void do_lock(void)
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

void do_msync(void)
{
	static const int how[] = {0, MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE};
	int flags = PICK(how);
	long at, n;

	range(&at, &n);
	put("msync %ld+%ld %d", at, n, flags);
	result(msync(ARENA + at * PG, n * PG, flags));
}

/* --- break, stacks, limits ------------------------------------------------------------------------ */

void do_brk(void)
{
	char *to = break_base + rnd(40) * PG + rnd(3) * 100;

	if (rnd(2)) {
		put("brk %lx", (unsigned long)to);
		result(syscall(SYS_brk, to));
	} else {
		access_byte(to, rnd(2));
	}
}

void do_away(void)
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
void do_stack(void)
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

void do_limit(void)
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

void limit_passes(void)
{
	if (limit_steps && !--limit_steps)
		no_limit();
}

void areas_begin(void)
{
	break_base = (char *)(((unsigned long)sbrk(0) + PG - 1) & -PG);
	no_limit();
}

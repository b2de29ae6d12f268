/* Random mmap, munmap, mprotect, mremap and madvise calls, made here and by this very process on
 * its host's kernel, at the same addresses: results and areas must be the same.
 *
 * Needs Linux 6.18 (mremap over several areas, merging of areas with one anon_vma); on an older
 * host it does nothing. No libc function stands between: raw calls, as libc might change them.
 */
#include "vma_shape.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PAGES 48UL /* small: so that calls meet each other's areas */
#ifdef CONFIG_ASAN /* each call there checks everything, and reads a long /proc/self/maps */
#define ROUNDS 8
#else
#define ROUNDS 40
#endif
#define CALLS 400

static u64 seed;

static u64 rnd(u64 below)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % below;
}

struct both {
	struct world *w;
	int fd;
	char call[160]; /* the last one, for the report */
};

static long host(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	long ret = syscall(nr, a, b, c, d, e, f);

	return ret == -1 ? -errno : ret;
}

static bool host_is_reference(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	return sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 18));
}

/* The host's areas of the arena in the words of shape(). */
static const char *host_shape(void)
{
	static char buf[1 << 16];
	size_t len = 0;
	u64 start, end, off;
	char line[512], prot[5];
	FILE *f = fopen("/proc/self/maps", "r");

	buf[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, prot, &off) != 4 ||
		    end <= ARENA || start >= ARENA + PAGES * PG)
			continue;
		len += snprintf(buf + len, sizeof(buf) - len, "%s[%ld,%ld)%s", len ? " " : "",
				(long)(start - ARENA) / (long)PG, (long)(end - ARENA) / (long)PG,
				prot);
		if (off)
			len += snprintf(buf + len, sizeof(buf) - len, "+%lx", off / PG);
	}
	if (f)
		fclose(f);
	return buf;
}

static u64 random_prot(void)
{
	static const u64 prot[] = {0, PROT_READ, RW, RW, RW, RW | PROT_EXEC, PROT_READ | PROT_EXEC};

	return prot[rnd(ARRAY_SIZE(prot))];
}

static void call_mmap(struct both *b, u64 page, u64 pages, long *ours, long *theirs)
{
	static const u64 type[] = {MAP_PRIVATE,
				   MAP_PRIVATE,
				   MAP_PRIVATE,
				   MAP_SHARED,
				   MAP_PRIVATE | MAP_NORESERVE,
				   MAP_PRIVATE | MAP_STACK};
	u64 flags = type[rnd(ARRAY_SIZE(type))], prot = random_prot(), off = rnd(4);
	struct mmap_file f = {.file = (struct file *)&b->w->file,
			      .can_read = true,
			      .can_write = true,
			      .regular = true};
	bool file = !rnd(4);

	flags |= rnd(6) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	if (!file)
		flags |= MAP_ANONYMOUS;
	snprintf(b->call, sizeof(b->call), "mmap(%lu, %lu, %lx, %lx, file %d+%lu)", page, pages,
		 prot, flags, file, off);
	*ours = do_mmap(b->w->mm, file ? &f : NULL, ARENA + page * PG, pages * PG, prot, flags,
			file ? off : 0, false);
	*theirs = host(SYS_mmap, ARENA + page * PG, pages * PG, prot, flags, file ? b->fd : -1,
		       file ? off * PG : 0);
}

static void call_mremap(struct both *b, u64 page, u64 pages, long *ours, long *theirs)
{
	u64 new_pages = rnd(2) ? pages : 1 + rnd(8), to = rnd(PAGES - 8), flags = 0;

	if (rnd(4))
		flags = MREMAP_MAYMOVE | MREMAP_FIXED | (rnd(5) ? 0 : MREMAP_DONTUNMAP);
	snprintf(b->call, sizeof(b->call), "mremap(%lu, %lu, %lu, %lx, %lu)", page, pages,
		 new_pages, flags, to);
	*ours = do_mremap(b->w->mm, ARENA + page * PG, pages * PG, new_pages * PG, flags,
			  ARENA + to * PG);
	*theirs = host(SYS_mremap, ARENA + page * PG, pages * PG, new_pages * PG, flags,
		       ARENA + to * PG, 0);
}

static void call_touch(struct both *b, u64 page)
{
	gva_t addr = ARENA + page * PG;
	struct vm_area_struct *vma = vma_lookup(b->w->mm, addr);

	snprintf(b->call, sizeof(b->call), "store(%lu)", page);
	if (!vma || !(vma->vm_flags & VM_WRITE) || touch(b->w, addr, TLB_WRITE, &(u8){1}, NULL))
		return;
	*(volatile char *)addr = 1; /* what is writable here must be writable there */
}

static void call_both(struct both *b, long *ours, long *theirs)
{
	static const int advice[] = {0, 1, 2, 4, 10, 11, 16, 17, 18, 19, 8};
	u64 page = rnd(PAGES - 8), pages = 1 + rnd(8), prot, what = rnd(10);
	gva_t addr = ARENA + page * PG;
	int adv;

	*ours = *theirs = 0;
	if (what < 3) {
		call_mmap(b, page, pages, ours, theirs);
	} else if (what < 4) {
		snprintf(b->call, sizeof(b->call), "munmap(%lu, %lu)", page, pages);
		*ours = do_munmap(b->w->mm, addr, pages * PG);
		*theirs = host(SYS_munmap, addr, pages * PG, 0, 0, 0, 0);
	} else if (what < 6) {
		prot = random_prot();
		snprintf(b->call, sizeof(b->call), "mprotect(%lu, %lu, %lx)", page, pages, prot);
		*ours = do_mprotect(b->w->mm, addr, pages * PG, prot);
		*theirs = host(SYS_mprotect, addr, pages * PG, prot, 0, 0, 0);
	} else if (what < 7) {
		adv = advice[rnd(ARRAY_SIZE(advice))];
		snprintf(b->call, sizeof(b->call), "madvise(%lu, %lu, %d)", page, pages, adv);
		*ours = do_madvise(b->w->mm, addr, pages * PG, adv);
		*theirs = host(SYS_madvise, addr, pages * PG, adv, 0, 0, 0);
	} else if (what < 8) {
		call_mremap(b, page, pages, ours, theirs);
	} else {
		call_touch(b, page);
	}
}

/* One sequence; false at the first difference. */
static bool round_agrees(struct both *b, u64 round)
{
	static char before[4096];
	long ours, theirs;

	seed = round;
	for (unsigned i = 0; i < CALLS; i++) {
		snprintf(before, sizeof(before), "%s", host_shape());
		call_both(b, &ours, &theirs);
		if (ours == theirs && !strcmp(shape(b->w->mm, PAGES), host_shape()))
			continue;
		fprintf(stderr, "round %lu, call %u: %s\nbefore %s\nhere   %ld %s\nhost   %ld %s\n",
			round, i, b->call, before, ours, shape(b->w->mm, PAGES), theirs,
			host_shape());
		return false;
	}
	return true;
}

static void the_host_has_the_same_areas(void)
{
	char name[] = "/tmp/vellum-test-XXXXXX";
	struct both b = {.fd = mkstemp(name)};
	unsigned failed = 0;

	CU_ASSERT_FATAL(b.fd >= 0);
	unlink(name);
	CU_ASSERT_EQUAL_FATAL(ftruncate(b.fd, FILE_PAGES * PG), 0);
	for (u64 round = 0; host_is_reference() && round < ROUNDS && failed < 3; round++) {
		b.w = world_new(64 << 20);
		if (!round_agrees(&b, round))
			failed++;
		host(SYS_munmap, ARENA, (PAGES + 16) * PG, 0, 0, 0, 0);
		world_end(b.w);
	}
	CU_ASSERT_EQUAL(failed, 0);
	close(b.fd);
}

static const struct unit_test tests[] = {
	UNIT_TEST(the_host_has_the_same_areas),
	UNIT_END,
};
const struct unit_suite suite_vma_host = {"vma_host", tests};

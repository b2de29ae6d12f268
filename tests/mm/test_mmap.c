/* mmap, munmap, brk, mlock, msync and mincore: the rows of probes p03, p18, p20, p21, p23, p30
 * and p32, as Linux 6.18 printed them. */
#include "vma_shape.h"

#define UNKNOWN_FLAG 0x2000000UL

static long mm_(struct world *w, gva_t addr, u64 len, u64 prot, u64 flags)
{
	return do_mmap(w->mm, NULL, addr, len, prot, flags, 0, false);
}

/* Places: probe p03. */
static void placement_is_top_down(void)
{
	static const struct {
		u64 pages;
		gva_t want;
	} row[] = {
		{1, 0x7ffff7ff6000},   {3, 0x7ffff7ff3000},    {256, 0x7ffff7ef3000},
		{511, 0x7ffff7cf4000}, {512, 0x7ffff7a00000},  {512, 0x7ffff7800000},
		{513, 0x7ffff75ff000}, {1024, 0x7ffff7000000},
	};
	struct world *w = world_new(64 << 20);
	gva_t hole = 0x7ffff7ff3000, low;

	world_map(w, 0x7ffff7ff7000, 8, PROT_READ, MAP_PRIVATE); /* where vdso and vvar are */
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		CU_ASSERT_EQUAL(world_map(w, 0, row[i].pages, RW, MAP_PRIVATE), row[i].want);
	CU_ASSERT_EQUAL(world_map(w, 0, 512, 0, MAP_PRIVATE), 0x7ffff6e00000);
	CU_ASSERT_EQUAL(world_map(w, 0, 512, RW, MAP_SHARED), 0x7ffff6c00000);
	CU_ASSERT_EQUAL(world_map(w, 0, 1, RW, MAP_PRIVATE | MAP_32BIT), 0x40000000);
	CU_ASSERT_EQUAL(world_map(w, 0, 1, RW, MAP_PRIVATE | MAP_32BIT), 0x40001000);
	do_munmap(w->mm, hole, 3 * PG);
	CU_ASSERT_EQUAL(world_map(w, 0, 1, RW, MAP_PRIVATE), hole + 2 * PG);
	/* Shared memory is not placed for large pages, files are. */
	low = world_map(w, 0, 700, RW, MAP_SHARED);
	CU_ASSERT_EQUAL(world_map(w, 0, 512, RW, MAP_SHARED), low - 512 * PG);
	CU_ASSERT_EQUAL(world_map_file(w, 0, 600, PROT_READ, MAP_PRIVATE, 0) & (PMD_SIZE - 1), 0);
	CU_ASSERT_EQUAL(world_map_file(w, 0, 1021, PROT_READ, MAP_PRIVATE, 3) & (PMD_SIZE - 1),
			0x3000);
	world_end(w);
}

static void legacy_and_compat_placement(void)
{
	struct world *w = world_new(64 << 20);

	w->mm->mmap_compat_base = 0xf7ffe000;
	CU_ASSERT_EQUAL(do_mmap(w->mm, NULL, 0, 2 * PG, RW, ANON, 0, true), 0xf7ffc000);
	w->mm->mmap_legacy = true;
	CU_ASSERT_EQUAL(world_map(w, 0, 1, RW, MAP_PRIVATE), 0x2aaaaaaab000);
	CU_ASSERT_EQUAL(world_map(w, 0, 1, RW, MAP_PRIVATE), 0x2aaaaaaac000);
	world_end(w);
}

static void hints_are_kept_when_free(void)
{
	struct world *w = world_new(64 << 20);

	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, ANON), ARENA);
	CU_ASSERT_NOT_EQUAL(mm_(w, ARENA + 1, PG, RW, ANON), ARENA);
	CU_ASSERT_EQUAL(mm_(w, ARENA + PG + 5, PG, RW, ANON), ARENA + PG);
	CU_ASSERT(mm_(w, 1, PG, RW, ANON) > (long)ARENA);
	CU_ASSERT_EQUAL(mm_(w, 0x1000, PG, RW, ANON), 0x10000);
	CU_ASSERT(mm_(w, 0x3001, PG, RW, ANON) > (long)ARENA); /* taken */
	CU_ASSERT(mm_(w, 0xffff800000000000, PG, RW, ANON) > (long)ARENA);
	CU_ASSERT_EQUAL(mm_(w, 0x20000000, PG, RW, ANON | MAP_32BIT), 0x20000000);
	CU_ASSERT_EQUAL(mm_(w, 0, 3UL << 30, 0, ANON | MAP_32BIT), -ENOMEM);
	/* 256 pages stay free below a stack, but for MAP_FIXED. */
	fx(w, 1000, 1, RW, MAP_PRIVATE | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(mm_(w, ARENA + 743 * PG, PG, RW, ANON), ARENA + 743 * PG);
	CU_ASSERT_NOT_EQUAL(mm_(w, ARENA + 744 * PG, PG, RW, ANON), ARENA + 744 * PG);
	fx(w, 999, 1, RW, MAP_PRIVATE);
	world_end(w);
}

static void arguments_of_anonymous_maps(void)
{
	static const u64 caps = MM_CAP_SYS_RAWIO;
	struct world *w = world_new(64 << 20);

	CU_ASSERT_EQUAL(mm_(w, ARENA, 0, RW, ANON), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, 0, -1UL, RW, ANON), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, 0, -PG, RW, ANON), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, 0, 1UL << 47, 0, ANON | MAP_NORESERVE), -ENOMEM);
	CU_ASSERT(mm_(w, 0, 1UL << 46, 0, ANON | MAP_NORESERVE) > 0);
	CU_ASSERT_EQUAL(mm_(w, 0, 1UL << 45, RW, ANON), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, MAP_ANONYMOUS), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, 4 | MAP_ANONYMOUS), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, MAP_DROPPABLE | MAP_ANONYMOUS), ARENA);
	CU_ASSERT_EQUAL(mm_(w, 0, PG, RW, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_LOCKED), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, 0, PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, ARENA + 1, PG, RW, ANON | MAP_FIXED), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, TASK_SIZE, PG, 0, ANON | MAP_FIXED), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, 0xffff800000000000, PG, RW, ANON | MAP_FIXED), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	CU_ASSERT_EQUAL(mm_(w, ARENA - PG, 2 * PG, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	CU_ASSERT_EQUAL(mm_(w, ARENA + 1, PG, RW, ANON | MAP_FIXED_NOREPLACE), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, ARENA + 4 * PG, PG, RW, ANON | MAP_FIXED_NOREPLACE), ARENA + 4 * PG);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, PROT_READ | 0x10 | PROT_GROWSDOWN, ANON | MAP_FIXED),
			ARENA);
	CU_ASSERT_EQUAL(mm_(w, 0, 1 << 21, RW, ANON | MAP_HUGETLB), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, 0, 1 << 21, RW, ANON | MAP_HUGETLB | 3UL << 26), -EINVAL);
	CU_ASSERT_EQUAL(mm_(w, 0, PG, RW, ANON | MAP_FIXED), -EPERM);
	w->m.caps = &caps;
	CU_ASSERT_EQUAL(mm_(w, 0, PG, RW, ANON | MAP_FIXED), 0);
	world_end(w);
}

static void arguments_of_file_maps(void)
{
	struct world *w = world_new(64 << 20);
	struct mmap_file rw = {.file = (struct file *)&w->file,
			       .can_read = true,
			       .can_write = true,
			       .regular = true};
	struct mmap_file ro = rw, wo = rw, pipe = rw, noexec = rw;

	ro.can_write = false;
	wo.can_read = false;
	pipe.regular = false;
	noexec.noexec = true;
#define FM(f, p, fl, off) do_mmap(w->mm, &(f), ARENA, PG, p, fl, off, false)
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_SHARED_VALIDATE, 0), ARENA);
	do_munmap(w->mm, ARENA, PG);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_SHARED_VALIDATE | UNKNOWN_FLAG, 0), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_SHARED_VALIDATE | MAP_SYNC, 0), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_SHARED | UNKNOWN_FLAG, 0), ARENA);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_PRIVATE | MAP_FIXED | UNKNOWN_FLAG, 1UL << 50), ARENA);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_DROPPABLE, 0), -EINVAL);
	CU_ASSERT_EQUAL(FM(ro, RW, MAP_SHARED, 0), -EACCES);
	CU_ASSERT_EQUAL(FM(ro, RW, MAP_PRIVATE | MAP_FIXED, 0), ARENA);
	CU_ASSERT_EQUAL(FM(ro, PROT_READ, MAP_SHARED | MAP_FIXED, 0), ARENA);
	CU_ASSERT_EQUAL(vma_lookup(w->mm, ARENA)->vm_flags,
			VM_READ | VM_MAYREAD | VM_MAYEXEC | VM_MAYSHARE);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, PG, RW), -EACCES);
	CU_ASSERT_EQUAL(FM(wo, PROT_WRITE, MAP_SHARED, 0), -EACCES);
	CU_ASSERT_EQUAL(FM(wo, 0, MAP_PRIVATE, 0), -EACCES);
	CU_ASSERT_EQUAL(FM(pipe, PROT_READ, MAP_PRIVATE, 0), -ENODEV);
	CU_ASSERT_EQUAL(FM(rw, RW, MAP_PRIVATE | MAP_GROWSDOWN, 0), -EINVAL);
	CU_ASSERT_EQUAL(FM(noexec, PROT_EXEC, MAP_PRIVATE, 0), -EPERM);
	CU_ASSERT_EQUAL(FM(rw, PROT_READ, MAP_PRIVATE, -1UL), -EOVERFLOW);
	CU_ASSERT_EQUAL(FM(rw, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, 0), -EINVAL);
#undef FM
	world_end(w);
}

static void flags_as_smaps_shows_them(void)
{
	const vm_flags_t may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, rw = VM_READ | VM_WRITE | may;
	const struct {
		u64 prot, flags;
		vm_flags_t want;
	} row[] = {
		{0, MAP_PRIVATE, may},
		{PROT_READ, MAP_PRIVATE, VM_READ | may},
		{RW, MAP_PRIVATE, rw | VM_ACCOUNT},
		{RW | PROT_EXEC, MAP_PRIVATE, rw | VM_EXEC | VM_ACCOUNT},
		{RW, MAP_PRIVATE | MAP_NORESERVE, rw | VM_NORESERVE},
		{RW, MAP_PRIVATE | MAP_GROWSDOWN, rw | VM_GROWSDOWN | VM_ACCOUNT},
		{RW, MAP_PRIVATE | MAP_STACK, rw | VM_ACCOUNT | VM_NOHUGEPAGE},
		{RW, MAP_PRIVATE | MAP_LOCKED, rw | VM_LOCKED | VM_ACCOUNT},
		{RW, MAP_DROPPABLE, rw | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP | VM_DROPPABLE},
		{RW, MAP_SHARED, rw | VM_SHARED | VM_MAYSHARE},
		{PROT_READ, MAP_SHARED, VM_READ | VM_SHARED | VM_MAYSHARE | may},
		{RW, MAP_SHARED | MAP_NORESERVE, rw | VM_SHARED | VM_MAYSHARE | VM_NORESERVE},
	};
	struct world *w = world_new(64 << 20);

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		fx(w, 0, 4, row[i].prot, row[i].flags);
		CU_ASSERT_EQUAL(vma_lookup(w->mm, ARENA)->vm_flags, row[i].want);
	}
	world_end(w);
}

static void populating_fills_what_it_may(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_PRIVATE | MAP_POPULATE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 8);
	fx(w, 0, 8, RW, MAP_PRIVATE | MAP_POPULATE | MAP_NONBLOCK);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
	fx(w, 0, 8, RW, MAP_PRIVATE | MAP_LOCKED);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 8);
	CU_ASSERT_EQUAL(w->mm->locked_vm, 8);
	fx(w, 0, 8, PROT_READ, MAP_PRIVATE | MAP_LOCKED);
	fx(w, 0, 8, 0, MAP_PRIVATE | MAP_LOCKED);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
	fx(w, 0, 8, RW, MAP_SHARED | MAP_POPULATE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_SHMEMPAGES], 8);
	CU_ASSERT_EQUAL(w->mm->locked_vm, 0);
	world_end(w);
}

static void unmapping_as_probe_p23(void)
{
	struct world *w = world_new(64 << 20);
#define UN(page, pages) do_munmap(w->mm, ARENA + (page)*PG, (pages)*PG)
	fx(w, 0, 16, RW, MAP_PRIVATE);
	for (u64 i = 0; i < 16; i++)
		poke(w, ARENA + i * PG, 1);
	CU_ASSERT_EQUAL(UN(4, 2), 0);
	CHECK_SHAPE(w, 32, "[0,4)rw-p [6,16)rw-p");
	CU_ASSERT_EQUAL(UN(4, 2), 0);
	CU_ASSERT_EQUAL(UN(3, 4), 0);
	CHECK_SHAPE(w, 32, "[0,3)rw-p [7,16)rw-p");
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, 1), 0);
	CU_ASSERT_EQUAL(UN(1, 1), 0);
	CU_ASSERT_EQUAL(UN(15, 5), 0);
	CHECK_SHAPE(w, 32, "[2,3)rw-p [7,15)rw-p");
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 9);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA + 1, PG), -EINVAL);
	CU_ASSERT_EQUAL(UN(0, 0), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, -1UL), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, -PG), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(w->mm, 0, PG), 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, TASK_SIZE, PG), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(w->mm, TASK_SIZE - PG, 2 * PG), -EINVAL);
	CU_ASSERT_EQUAL(do_munmap(w->mm, 0xffffffffff600000, PG), -EINVAL);
	UN(0, 32);
	CU_ASSERT_EQUAL(w->mm->pgtables_bytes, 0);
	fx(w, 0, 4, RW, MAP_PRIVATE);
	do_mprotect(w->mm, ARENA + PG, PG, PROT_READ);
	fx(w, 6, 2, RW, MAP_PRIVATE);
	fx(w, 10, 2, RW, MAP_SHARED);
	CHECK_SHAPE(w, 32, "[0,1)rw-p [1,2)r--p [2,4)rw-p [6,8)rw-p [10,12)rw-s");
	CU_ASSERT_EQUAL(UN(1, 10), 0);
	CHECK_SHAPE(w, 32, "[0,1)rw-p [11,12)rw-s+1");
#undef UN
	world_end(w);
}

/* probe p18 */
static void the_break_moves(void)
{
	struct world *w = world_new(64 << 20);
	struct mm_struct *mm = w->mm;
	const gva_t b = ARENA;

	CU_ASSERT_EQUAL(vm_brk_flags(mm, b - 2 * PG, 2 * PG, 0), 0); /* the bss */
	mm->start_brk = mm->brk = b;
	mm->start_data = b - 2 * PG;
	mm->end_data = b - PG;
	CU_ASSERT_EQUAL(do_brk(mm, 0), b);
	CU_ASSERT_EQUAL(do_brk(mm, -1UL), b);
	CU_ASSERT_EQUAL(do_brk(mm, b + 1), b + 1);
	CU_ASSERT_EQUAL(mm->map_count, 2); /* not part of the bss */
	poke(w, b + 100, 8);
	CU_ASSERT_EQUAL(do_brk(mm, b + PG + 1), b + PG + 1);
	poke(w, b + PG, 5);
	CU_ASSERT_EQUAL(do_brk(mm, b + 50), b + 50);
	CU_ASSERT_EQUAL(peek(w, b + 100), 8);
	CU_ASSERT_EQUAL(do_brk(mm, b + 2 * PG), b + 2 * PG);
	CU_ASSERT_EQUAL(peek(w, b + PG), 0);
	do_brk(mm, b + PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + (1UL << 46)), b + PG);
	CU_ASSERT_EQUAL(do_brk(mm, 0xffff800000000000), b + PG);
	fx(w, 6, 1, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(do_brk(mm, b + 5 * PG), b + 5 * PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + 5 * PG + 1), b + 5 * PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + 7 * PG), b + 5 * PG);
	do_munmap(mm, b + 6 * PG, PG);
	fx(w, 300, 1, RW, MAP_PRIVATE | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(do_brk(mm, b + 43 * PG), b + 43 * PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + 44 * PG), b + 43 * PG);
	do_munmap(mm, b + 300 * PG, PG);
	do_brk(mm, b + 8 * PG);
	do_munmap(mm, b + 2 * PG, PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + 9 * PG), b + 9 * PG);
	CU_ASSERT_EQUAL(do_brk(mm, b + PG), b + PG);
	w->rlim[RLIM_DATA] = 0;
	CU_ASSERT_EQUAL(do_brk(mm, b + 2 * PG), b + PG);
	CU_ASSERT_EQUAL(do_brk(mm, b), b + PG); /* shrinking is checked, too */
	w->rlim[RLIM_DATA] = RLIM_INF;
	w->rlim[RLIM_AS] = 0;
	CU_ASSERT_EQUAL(do_brk(mm, b + 2 * PG), b + PG);
	w->rlim[RLIM_AS] = RLIM_INF;
	CU_ASSERT_EQUAL(do_brk(mm, b + 2 * PG), b + 2 * PG);
	world_end(w);
}

static void limits_of_the_address_space(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 4, 0, MAP_PRIVATE);
	w->rlim[RLIM_AS] = 6 * PG;
	CU_ASSERT_EQUAL(mm_(w, 0, 3 * PG, 0, ANON), -ENOMEM);
	CU_ASSERT(mm_(w, 0, 2 * PG, 0, ANON) > 0);
	fx(w, 0, 4, 0, MAP_PRIVATE); /* what it replaces is deducted */
	w->rlim[RLIM_AS] = RLIM_INF;
	fx(w, 8, 2, RW, MAP_PRIVATE);
	w->rlim[RLIM_DATA] = 2 * PG;
	CU_ASSERT_EQUAL(mm_(w, 0, PG, RW, ANON), -ENOMEM);
	CU_ASSERT_EQUAL(mm_(w, ARENA, PG, RW, ANON | MAP_FIXED), ARENA); /* p of facts 5.2 */
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA + PG, PG, RW), -ENOMEM);
	w->rlim[RLIM_MEMLOCK] = 2 * PG;
	CU_ASSERT_EQUAL(mm_(w, 0, 3 * PG, 0, ANON | MAP_LOCKED), -EAGAIN);
	w->rlim[RLIM_MEMLOCK] = 0;
	CU_ASSERT_EQUAL(mm_(w, 0, PG, 0, ANON | MAP_LOCKED), -EPERM);
	world_end(w);
}

static void locking_fills_and_counts(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA + 2 * PG + 5, PG, 0), 0);
	CHECK_SHAPE(w, 16, "[0,2)rw-p [2,4)rw-p [4,8)rw-p");
	CU_ASSERT_EQUAL(w->mm->locked_vm, 2);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 2);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA + 4 * PG, PG, MLOCK_ONFAULT), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 2);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA, PG, 2), -EINVAL);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA + 6 * PG, 8 * PG, 0), -ENOMEM); /* hole */
	CU_ASSERT_EQUAL(w->mm->locked_vm, 5);
	CU_ASSERT_EQUAL(do_munlock(w->mm, ARENA, 8 * PG), 0);
	CHECK_SHAPE(w, 16, "[0,8)rw-p");
	CU_ASSERT_EQUAL(w->mm->locked_vm, 0);
	w->rlim[RLIM_MEMLOCK] = 2 * PG;
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA, 3 * PG, 0), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA, 2 * PG, 0), 0);
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA, 2 * PG, 0), 0); /* not charged twice */
	w->rlim[RLIM_MEMLOCK] = RLIM_INF;
	CU_ASSERT_EQUAL(do_mlockall(w->mm, MCL_ONFAULT), -EINVAL);
	CU_ASSERT_EQUAL(do_mlockall(w->mm, MCL_CURRENT | MCL_FUTURE), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 8);
	fx(w, 20, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 10);
	CU_ASSERT_EQUAL(do_munlockall(w->mm), 0);
	CU_ASSERT_EQUAL(w->mm->locked_vm, 0);
	fx(w, 30, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(w->mm->locked_vm, 0);
	world_end(w);
}

static void msync_as_probe_p32(void)
{
	struct world *w = world_new(64 << 20);
	struct mm_struct *mm = w->mm;

	world_map_file(w, ARENA, 8, RW, MAP_SHARED, 0);
	fx(w, 10, 4, RW, MAP_PRIVATE);
	poke(w, ARENA, 'x');
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, MS_ASYNC), 0);
	CU_ASSERT_EQUAL(w->file_writes, 0);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, MS_SYNC), 0);
	CU_ASSERT_EQUAL(w->file_writes, 1);
	CU_ASSERT_EQUAL(w->written[0], 'x');
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, MS_SYNC | MS_ASYNC), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, 8), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA + 1, PG, MS_SYNC), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA + 20 * PG, 0, MS_SYNC), 0);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA + 20 * PG, PG, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 14 * PG, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 14 * PG, MS_ASYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, -PG, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, -1UL, MS_SYNC), 0);
	do_mlock(mm, ARENA, PG, 0);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, MS_SYNC | MS_INVALIDATE), -EBUSY);
	CU_ASSERT_EQUAL(do_msync(mm, ARENA, 8 * PG, MS_SYNC), 0);
	world_end(w);
}

static void mincore_as_probe_p30(void)
{
	struct world *w = world_new(64 << 20);
	struct mm_struct *mm = w->mm;
	gva_t vec = ARENA + 100 * PG;

	fx(w, 100, 1, RW, MAP_PRIVATE);
	fx(w, 0, 8, RW, MAP_PRIVATE);
	poke(w, ARENA + PG, 1);
	peek(w, ARENA + 3 * PG);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, 8 * PG, vec), 0);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(peek(w, vec + i), i == 1 || i == 3);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA + 1, PG, vec), -EINVAL);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, 16 * PG, vec), -ENOMEM);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA + 20 * PG, 0, vec), 0);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, 1, vec), 0);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, PG, 8), -EFAULT);
	CU_ASSERT_EQUAL(do_mincore(mm, 0xffff800000000000, 0, vec), -ENOMEM);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, -1UL, vec), -ENOMEM);
	world_map_file(w, ARENA, 4, PROT_READ, MAP_PRIVATE, FILE_PAGES - 2);
	peek(w, ARENA + PG);
	CU_ASSERT_EQUAL(do_mincore(mm, ARENA, 4 * PG, vec), 0);
	CU_ASSERT_EQUAL(peek(w, vec + 1), 1);
	CU_ASSERT_EQUAL(peek(w, vec + 2), 0);
	world_end(w);
}

/* --- a failed call changes nothing -------------------------------------------------------- */

static long map_new(struct world *w)
{
	return mm_(w, 0, 4 * PG, RW, ANON);
}

static long map_shared(struct world *w)
{
	return mm_(w, 0, 4 * PG, RW, MAP_SHARED | MAP_ANONYMOUS);
}

static void with_break(struct world *w)
{
	w->mm->start_brk = w->mm->brk = ARENA;
}

static long grow_break(struct world *w)
{
	return do_brk(w->mm, ARENA + PG) == (long)ARENA ? -ENOMEM : 0;
}

static void with_eight(struct world *w)
{
	fx(w, 0, 8, RW, MAP_PRIVATE);
	poke(w, ARENA, 1);
}

static long lock_on_fault(struct world *w)
{
	return do_mlock(w->mm, ARENA + 2 * PG, PG, MLOCK_ONFAULT);
}

static void failed_calls_change_nothing(void)
{
	fails_cleanly(NULL, map_new, ENOMEM);
	fails_cleanly(NULL, map_shared, ENOMEM);
	fails_cleanly(with_break, grow_break, ENOMEM);
	fails_cleanly(with_eight, lock_on_fault, ENOMEM);
}

static const struct unit_test tests[] = {
	UNIT_TEST(placement_is_top_down),
	UNIT_TEST(legacy_and_compat_placement),
	UNIT_TEST(hints_are_kept_when_free),
	UNIT_TEST(arguments_of_anonymous_maps),
	UNIT_TEST(arguments_of_file_maps),
	UNIT_TEST(flags_as_smaps_shows_them),
	UNIT_TEST(populating_fills_what_it_may),
	UNIT_TEST(unmapping_as_probe_p23),
	UNIT_TEST(the_break_moves),
	UNIT_TEST(limits_of_the_address_space),
	UNIT_TEST(locking_fills_and_counts),
	UNIT_TEST(msync_as_probe_p32),
	UNIT_TEST(mincore_as_probe_p30),
	UNIT_TEST(failed_calls_change_nothing),
	UNIT_END,
};
const struct unit_suite suite_mmap = {"mmap", tests};

/* Failure at every step: in each call of the family the first allocation of a frame or a slab object
 * fails, then the second, and so on until the call needs no more. Each time the call ends as Linux
 * lets it end, everything still agrees, the call succeeds when it is made again, and at the end
 * nothing is left: no frame, no object. */
#include "vma_shape.h"

#include "mm/internal.h"
#include "mm/ksm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_AT (ARENA + (1UL << 30))
#define FAR (ARENA + (1UL << 32)) /* page tables of its own */
#define STACK_TOP (ARENA + (1UL << 33))

/* How a call that lacked memory may end. */
enum ending {
	CLEAN,	  /* the error, and nothing has changed */
	PARTIAL,  /* the error, and what was done before stays, as in Linux */
	SURVIVES, /* or it does without what it did not get */
};

struct scene {
	const char *name;
	void (*prepare)(struct world *w); /* may be NULL */
	long (*call)(struct world *w);	  /* 0 or more, or -errno */
	long error;
	enum ending ending;
};

static long at(u64 page)
{
	return ARENA + page * PG;
}

static void touch_pages(struct world *w, u64 page, u64 n)
{
	while (n--)
		poke(w, at(page + n), n + 1);
}

/* --- what is there before --------------------------------------------------------------------- */

static void eight_touched(struct world *w)
{
	fx(w, 0, 8, RW, ANON);
	touch_pages(w, 0, 8);
}

static void eight_untouched(struct world *w)
{
	fx(w, 0, 8, RW, ANON);
}

static void eight_read_only(struct world *w)
{
	fx(w, 0, 8, PROT_READ, ANON);
}

static void three_pieces(struct world *w)
{
	eight_touched(w);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at(2), 3 * PG, PROT_READ), 0);
}

static void shared_eight(struct world *w)
{
	fx(w, 0, 8, RW, MAP_SHARED | MAP_ANONYMOUS);
}

static void private_file(struct world *w)
{
	world_map_file(w, FILE_AT, 40, RW, MAP_PRIVATE, 0);
}

static void shared_file(struct world *w)
{
	world_map_file(w, FILE_AT, 40, RW, MAP_SHARED, 0);
}

static void zero_pages(struct world *w)
{
	eight_untouched(w);
	for (u64 i = 0; i < 8; i++)
		(void)peek(w, at(i));
}

static void equal_pages(struct world *w)
{
	fx(w, 0, 8, RW, ANON);
	for (u64 i = 0; i < 8; i++)
		poke(w, at(i), 7);
	CU_ASSERT_EQUAL(do_madvise(w->mm, at(0), 8 * PG, 12 /* MERGEABLE */), 0);
	CU_ASSERT_EQUAL(ksm_set_run(&w->m, KSM_RUN_MERGE), 0);
}

static void merged_pages(struct world *w)
{
	equal_pages(w);
	for (int i = 0; i < 3; i++)
		ksm_do_scan(&w->m, 1000);
}

static void with_break(struct world *w)
{
	w->mm->start_brk = w->mm->brk = at(0);
}

static void with_stack(struct world *w)
{
	CU_ASSERT_FALSE(IS_ERR(vm_stack_create(w->mm, STACK_TOP, 4 * PG)));
}

/* A child has the pages, too; it stays in @w->m's list until its world's end. */
static void forked_eight(struct world *w)
{
	eight_touched(w);
	w->child = dup_mm(w->mm);
	CU_ASSERT_FALSE_FATAL(IS_ERR(w->child));
}

static void fork_shapes(struct world *w)
{
	three_pieces(w);
	fx(w, 10, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
	touch_pages(w, 10, 4);
	private_file(w);
	poke(w, FILE_AT + PG, 1);
	fx(w, 20, 4, RW, ANON);
	touch_pages(w, 20, 4);
	CU_ASSERT_EQUAL(do_madvise(w->mm, at(20), 2 * PG, 10 /* DONTFORK */), 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, at(23), PG, 18 /* WIPEONFORK */), 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, at(0), PG, 102 /* GUARD_INSTALL */), 0);
	world_map(w, FAR, 2, RW, MAP_PRIVATE);
	poke(w, FAR, 1);
}

/* --- calls ------------------------------------------------------------------------------------- */

static long mmap_at(struct world *w, gva_t addr, u64 pages, u64 flags)
{
	return do_mmap(w->mm, NULL, addr, pages * PG, RW, flags | MAP_ANONYMOUS | MAP_FIXED, 0,
		       false);
}

static long map_new(struct world *w)
{
	return mmap_at(w, at(0), 8, MAP_PRIVATE);
}

static long map_shared(struct world *w)
{
	return mmap_at(w, at(0), 8, MAP_SHARED);
}

static long map_over_middle(struct world *w)
{
	return mmap_at(w, at(3), 1, MAP_PRIVATE | MAP_NORESERVE);
}

static long map_populated(struct world *w)
{
	return mmap_at(w, FAR, 8, MAP_PRIVATE | MAP_POPULATE);
}

static long map_file(struct world *w)
{
	const struct mmap_file f = {(struct file *)&w->file, .can_read = true, .can_write = true,
				    .regular = true};

	return do_mmap(w->mm, &f, FILE_AT, 8 * PG, RW, MAP_SHARED | MAP_FIXED, 0, false);
}

static long unmap_middle(struct world *w)
{
	return do_munmap(w->mm, at(3), PG);
}

static long remap(struct world *w, u64 from, u64 n, u64 m, u64 flags, gva_t to)
{
	long ret = do_mremap(w->mm, at(from), n * PG, m * PG, flags, to);

	return ret == -EFAULT && !vma_lookup(w->mm, at(from)) ? 0 : ret; /* moved before */
}

static long grow_in_place(struct world *w)
{
	return remap(w, 4, 4, 6, 0, 0);
}

static long move_middle(struct world *w)
{
	return remap(w, 2, 3, 3, 3, FAR);
}

static long move_growing(struct world *w)
{
	return remap(w, 2, 3, 6, 1, 0);
}

static long move_dontunmap(struct world *w)
{
	return remap(w, 0, 8, 8, 7, FAR);
}

static long move_several(struct world *w)
{
	return remap(w, 0, 8, 8, 3, FAR);
}

static long double_shared(struct world *w)
{
	return remap(w, 0, 0, 8, 1, 0);
}

static long shrink(struct world *w)
{
	return remap(w, 0, 8, 2, 0, 0);
}

static long protect_middle(struct world *w)
{
	return do_mprotect(w->mm, at(3), 2 * PG, PROT_READ | PROT_EXEC);
}

static long protect_to_join(struct world *w)
{
	return do_mprotect(w->mm, at(0), 8 * PG, RW);
}

static long brk_up(struct world *w)
{
	return do_brk(w->mm, at(9)) == (long)at(9) ? 0 : -ENOMEM;
}

static long lock_all(struct world *w)
{
	return do_mlock(w->mm, at(0), 8 * PG, 0);
}

static long lock_middle_on_fault(struct world *w)
{
	return do_mlock(w->mm, at(3), 2 * PG, 1);
}

static long lockall(struct world *w)
{
	return do_mlockall(w->mm, 3);
}

static long unlock_middle(struct world *w)
{
	(void)do_mlock(w->mm, at(0), 8 * PG, 1);
	return do_munlock(w->mm, at(3), PG);
}

static long seal_middle(struct world *w)
{
	return do_mseal(w->mm, at(3), PG, 0);
}

/* Each advice on the middle; some are refused, which is no lack of memory. */
static int advice;

static long advise_middle(struct world *w)
{
	long ret = do_madvise(w->mm, at(2), 4 * PG, advice);

	return ret == -EINVAL || ret == -EACCES ? 0 : ret;
}

static long advise_file(struct world *w)
{
	long ret = do_madvise(w->mm, FILE_AT + 2 * PG, 20 * PG, advice);

	return ret == -EINVAL || ret == -EACCES || ret == -EOPNOTSUPP ? 0 : ret;
}

static long fork_mm(struct world *w)
{
	struct mm_struct *mm = dup_mm(w->mm);

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	mmput(mm);
	return 0;
}

static long fault(struct world *w, gva_t addr, enum tlb_access acc)
{
	struct fault_signal sig;
	u8 byte = 1;

	if (!touch(w, addr, acc, &byte, &sig))
		return 0;
	CU_ASSERT_TRUE(sig.oom);
	CU_ASSERT_EQUAL(sig.signo, SIGKILL);
	return -ENOMEM;
}

static long store(struct world *w)
{
	return fault(w, at(3), TLB_WRITE);
}

static long load(struct world *w)
{
	return fault(w, at(3), TLB_READ);
}

static long store_file(struct world *w)
{
	return fault(w, FILE_AT + 5 * PG, TLB_WRITE);
}

static long load_file(struct world *w)
{
	return fault(w, FILE_AT + 5 * PG, TLB_READ);
}

/* A stack that cannot grow is SIGSEGV, whatever the reason. See: Linux, expand_stack(). */
static long store_below_stack(struct world *w)
{
	struct fault_signal sig;
	u8 byte = 1;

	if (!touch(w, STACK_TOP - 9 * PG, TLB_WRITE, &byte, &sig))
		return 0;
	CU_ASSERT_TRUE(sig.oom || sig.signo == SIGSEGV);
	return -ENOMEM;
}

static long store_both(struct world *w)
{
	return fault(w, at(3), TLB_WRITE) ?: fault(w, at(4), TLB_WRITE);
}

static long copy_out(struct world *w)
{
	u8 bytes[300];

	memset(bytes, 5, sizeof(bytes));
	return copy_to_user(w->mm, at(3) - 100, bytes, sizeof(bytes)) ? -EFAULT : 0;
}

static long remote_write(struct world *w)
{
	u8 byte = 3;

	return access_remote_vm(w->mm, at(3), &byte, 1, true, false) == 1 ? 0 : -EFAULT;
}

/* An anonymous page that a child shares is copied even to be read. */
static long pinned_read(struct world *w)
{
	u64 pinned;

	return pin_user_pages_remote(w->mm, at(3), 1, false, &pinned) == 1 ? 0 : -EFAULT;
}

static long fill_cache(struct world *w)
{
	bool major = false;
	struct page *page = filemap_get_page(&w->file, 7, &major);

	if (IS_ERR(page))
		return PTR_ERR(page);
	put_page(&w->m, page);
	return 0;
}

static long shmem_pages(struct world *w)
{
	struct address_space *as = vma_lookup(w->mm, at(0))->vm_mapping;

	for (u64 i = 0; i < 3; i++) {
		struct page *page = shmem_get_page(as, i);

		if (IS_ERR(page))
			return PTR_ERR(page);
		put_page(&w->m, page);
	}
	return 0;
}

static long merge(struct world *w)
{
	for (int i = 0; i < 3; i++)
		ksm_do_scan(&w->m, 1000);
	return 0;
}

static long unmerge(struct world *w)
{
	return do_madvise(w->mm, at(0), 8 * PG, 13);
}

static long stop_ksm(struct world *w)
{
	return ksm_set_run(&w->m, KSM_RUN_UNMERGE);
}

/* clang-format off */
static const struct scene scenes[] = {
	{"mmap",                     NULL,            map_new,          ENOMEM, CLEAN},
	{"mmap shared",              NULL,            map_shared,       ENOMEM, CLEAN},
	{"mmap over middle",         eight_touched,   map_over_middle,  ENOMEM, CLEAN},
	{"mmap over pieces",         three_pieces,    map_over_middle,  ENOMEM, CLEAN},
	{"mmap populated",           NULL,            map_populated,    ENOMEM, SURVIVES},
	{"mmap file",                NULL,            map_file,         ENOMEM, CLEAN},
	{"munmap split",             eight_touched,   unmap_middle,     ENOMEM, CLEAN},
	{"munmap split, shared",     shared_eight,    unmap_middle,     ENOMEM, CLEAN},
	{"mremap grows",             eight_touched,   grow_in_place,    ENOMEM, CLEAN},
	{"mremap moves middle",      eight_touched,   move_middle,      ENOMEM, CLEAN},
	{"mremap moves and grows",   eight_touched,   move_growing,     ENOMEM, CLEAN},
	{"mremap DONTUNMAP",         eight_touched,   move_dontunmap,   ENOMEM, CLEAN},
	{"mremap of several",        three_pieces,    move_several,     ENOMEM, PARTIAL},
	{"mremap old size 0",        shared_eight,    double_shared,    ENOMEM, CLEAN},
	{"mremap shrinks",           eight_touched,   shrink,           ENOMEM, CLEAN},
	{"mremap of merged pages",   merged_pages,    move_middle,      ENOMEM, PARTIAL},
	{"mprotect splits",          eight_touched,   protect_middle,   ENOMEM, CLEAN},
	{"mprotect joins",           three_pieces,    protect_to_join,  ENOMEM, CLEAN},
	{"mprotect across",          three_pieces,    protect_middle,   ENOMEM, PARTIAL},
	{"brk",                      with_break,      brk_up,           ENOMEM, CLEAN},
	{"mlock",                    eight_untouched, lock_all,         EAGAIN, PARTIAL},
	{"mlock of zero pages",      zero_pages,      lock_all,         EAGAIN, PARTIAL},
	{"mlock read-only",          eight_read_only, lock_all,         EAGAIN, PARTIAL},
	{"mlock2 ONFAULT middle",    eight_touched,   lock_middle_on_fault, ENOMEM, CLEAN},
	{"mlockall",                 eight_untouched,   lockall,          ENOMEM, SURVIVES},
	{"munlock splits",           eight_touched,   unlock_middle,    ENOMEM, PARTIAL},
	{"mseal splits",             eight_touched,   seal_middle,      ENOMEM, CLEAN},
	{"fork",                     eight_touched,   fork_mm,          ENOMEM, CLEAN},
	{"fork of many shapes",      fork_shapes,     fork_mm,          ENOMEM, CLEAN},
	{"fork of merged pages",     merged_pages,    fork_mm,          ENOMEM, CLEAN},
	{"store",                    eight_untouched, store,            ENOMEM, PARTIAL},
	{"load, zero page",          eight_untouched, load,             ENOMEM, CLEAN},
	{"store over zero page",     zero_pages,      store,            ENOMEM, PARTIAL},
	{"store, shared",            shared_eight,    store,            ENOMEM, CLEAN},
	{"load, shared",             shared_eight,    load,             ENOMEM, CLEAN},
	{"store, COW of a fork",     forked_eight,    store_both,       ENOMEM, PARTIAL},
	{"store, merged page",       merged_pages,    store,            ENOMEM, CLEAN},
	{"store, private file",      private_file,    store_file,       ENOMEM, PARTIAL},
	{"load, private file",       private_file,    load_file,        ENOMEM, CLEAN},
	{"store, shared file",       shared_file,     store_file,       ENOMEM, CLEAN},
	{"stack growth",             with_stack,      store_below_stack, ENOMEM, PARTIAL},
	{"copy_to_user",             eight_untouched, copy_out,         EFAULT, PARTIAL},
	{"access_remote_vm",         eight_untouched, remote_write,     EFAULT, PARTIAL},
	{"process_vm_readv, forked", forked_eight,    pinned_read,      EFAULT, CLEAN},
	{"page cache",               NULL,            fill_cache,       ENOMEM, SURVIVES},
	{"shmem",                    shared_eight,    shmem_pages,      ENOMEM, PARTIAL},
	{"KSM merges",               equal_pages,     merge,            ENOMEM, SURVIVES},
	{"KSM unmerges",             merged_pages,    unmerge,          EAGAIN, PARTIAL},
	{"KSM stops",                merged_pages,    stop_ksm,         ENOMEM, PARTIAL},
};
/* clang-format on */

/* --- the loop ----------------------------------------------------------------------------------- */

/* Objects of all caches that are handed out. */
static u64 objects_out(const struct memory *m)
{
	struct slabinfo s;
	u64 n = 0;

	for (unsigned i = 0; slab_info(m, i, &s); i++)
		n += s.active_objs;
	return n;
}

/* The world before anybody lived in it. */
struct empty {
	u64 frames, objects;
};

static struct empty look(struct memory *m)
{
	struct empty e;

	lru_add_drain(m);
	slab_shrink(m);
	drain_all_pages(m);
	e.frames = nr_free_pages(m);
	e.objects = objects_out(m);
	return e;
}

/* Everybody leaves, and an empty mm takes the place of the one that goes. */
static struct empty all_leave(struct world *w)
{
	struct mm_struct *mm = w->mm;

	ksm_set_run(&w->m, KSM_RUN_UNMERGE);
	if (w->child)
		mmput(w->child);
	w->child = NULL;
	w->mm = mm_alloc(&w->m);
	CU_ASSERT_FALSE_FATAL(IS_ERR(w->mm));
	w->mm->mmap_base = mm->mmap_base;
	tlb_switch(&w->tlb, w->mm);
	mmput(mm);
	truncate_inode_pages_range(&w->file, 0, ~0UL);
	return look(&w->m);
}

static void expect_empty(struct world *w, struct empty before, const struct scene *s, u32 nth)
{
	struct empty after = all_leave(w);

	if (after.frames != before.frames || after.objects != before.objects)
		fprintf(stderr, "%s, allocation %u: %ld frames, %ld objects are lost\n", s->name,
			nth, (long)(before.frames - after.frames),
			(long)(after.objects - before.objects));
	CU_ASSERT_EQUAL(after.frames, before.frames);
	CU_ASSERT_EQUAL(after.objects, before.objects);
}

/* One try: the @nth allocation fails. False: the call did not make so many. */
static bool one_failure(const struct scene *s, u32 nth)
{
	struct world *w = world_new(64 << 20);
	struct empty empty;
	char *before, *after;
	bool reached, right;
	long ret;

	/* What is made once, and stays, is there before. */
	equal_pages(w);
	empty = all_leave(w);
	if (s->prepare)
		s->prepare(w);
	before = snapshot(w->mm);
	w->m.fail_nth = nth;
	ret = s->call(w);
	reached = !w->m.fail_nth;
	w->m.fail_nth = 0;
	after = snapshot(w->mm);
	right = !IS_ERR_VALUE(ret) || ret == -s->error || ret == -ENOMEM;
	if (reached && IS_ERR_VALUE(ret) && s->ending == CLEAN && strcmp(before, after))
		right = false;
	if (!reached && IS_ERR_VALUE(ret))
		right = false;
	if (!right)
		fprintf(stderr, "%s, allocation %u: %ld\n%safter:\n%s", s->name, nth, ret, before,
			after);
	CU_ASSERT_TRUE(right);
	free(before);
	free(after);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	if (IS_ERR_VALUE(ret)) { /* the machine is not hurt: now there is memory */
		ret = s->call(w);
		if (IS_ERR_VALUE(ret))
			fprintf(stderr, "%s, allocation %u: again: %ld\n", s->name, nth, ret);
		CU_ASSERT_FALSE(IS_ERR_VALUE(ret));
	}
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	expect_empty(w, empty, s, nth);
	world_end(w);
	return reached;
}

/* How many failures a scene has; it ends at the first n that the call does not reach. */
static u32 all_failures(const struct scene *s)
{
	u32 nth;

	for (nth = 1; nth < 1000; nth++)
		if (!one_failure(s, nth))
			return nth - 1;
	CU_FAIL("it never succeeds");
	return nth;
}

static void every_call_survives_the_failure_of_each_allocation(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < ARRAY_SIZE(scenes); i++) {
		u32 n = all_failures(&scenes[i]);

		if (getenv("SHOW_FAILURES"))
			fprintf(stderr, "%-26s %3u\n", scenes[i].name, n);
		sum += n;
	}
	CU_ASSERT_TRUE(sum > 200);
}

static void every_advice_survives_the_failure_of_each_allocation(void)
{
	static const struct scene shapes[] = {
		{"advice", eight_touched, advise_middle, EAGAIN, PARTIAL},
		{"advice, untouched", eight_untouched, advise_middle, EAGAIN, PARTIAL},
		{"advice, shared", shared_eight, advise_middle, EAGAIN, PARTIAL},
		{"advice, merged", merged_pages, advise_middle, EAGAIN, PARTIAL},
		{"advice, forked", forked_eight, advise_middle, EAGAIN, PARTIAL},
		{"advice, file", shared_file, advise_file, EAGAIN, PARTIAL},
		{"advice, private file", private_file, advise_file, EAGAIN, PARTIAL},
	};
	u32 sum = 0;

	for (advice = 0; advice <= 103; advice++) {
		if (!madvise_is_valid(advice))
			continue;
		for (u32 i = 0; i < ARRAY_SIZE(shapes); i++) {
			struct scene s = shapes[i];
			u32 n;

			/* What fills pages, or makes markers, has no other errno for it. */
			if (advice == 22 || advice == 23 || advice == 102)
				s.error = ENOMEM;
			n = all_failures(&s);
			if (n && getenv("SHOW_FAILURES"))
				fprintf(stderr, "%-22s %3d %3u\n", s.name, advice, n);
			sum += n;
		}
	}
	CU_ASSERT_TRUE(sum > 50);
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_call_survives_the_failure_of_each_allocation),
	UNIT_TEST(every_advice_survives_the_failure_of_each_allocation),
	UNIT_END,
};
const struct unit_suite suite_failures = {"failures", tests};

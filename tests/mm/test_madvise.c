/* madvise: the matrix of probe p26 (what is built), effects, and that a failure changes nothing. */
#include <signal.h>

#include "vma_shape.h"

#define NR_KINDS 8
#define NOT_BUILT (-EINVAL)

/* Columns: private rw, none, read-only, locked, shared anonymous, private file, droppable, hole. */
static void map_kind(struct world *w, unsigned kind)
{
	static const struct {
		u64 prot, flags;
	} anon[] = {{RW, MAP_PRIVATE},
		    {0, MAP_PRIVATE},
		    {PROT_READ, MAP_PRIVATE},
		    {RW, MAP_PRIVATE | MAP_LOCKED},
		    {RW, MAP_SHARED}};

	do_munmap(w->mm, ARENA, 4 * PG);
	if (kind < ARRAY_SIZE(anon))
		fx(w, 0, 4, anon[kind].prot, anon[kind].flags);
	else if (kind == 5)
		world_map_file(w, ARENA, 4, RW, MAP_PRIVATE, 0);
	else if (kind == 6)
		fx(w, 0, 4, RW, MAP_DROPPABLE);
}

static void errors_by_kind_of_area(void)
{
	enum { I = -EINVAL, N = -ENOMEM };
	static const struct {
		int advice, want[NR_KINDS];
	} row[] = {
		{0, {0, 0, 0, 0, 0, 0, 0, N}},	{1, {0, 0, 0, 0, 0, 0, 0, N}},
		{2, {0, 0, 0, 0, 0, 0, 0, N}},	{3, {0, 0, 0, 0, 0, 0, 0, N}},
		{4, {0, 0, 0, I, 0, 0, 0, N}},	{8, {0, 0, 0, I, I, I, 0, N}},
		{10, {0, 0, 0, 0, 0, 0, 0, N}}, {11, {0, 0, 0, 0, 0, 0, 0, N}},
		{12, {0, 0, 0, 0, 0, 0, 0, N}}, {13, {0, 0, 0, 0, 0, 0, 0, N}},
		{14, {0, 0, 0, 0, 0, 0, 0, N}}, {15, {0, 0, 0, 0, 0, 0, 0, N}},
		{16, {0, 0, 0, 0, 0, 0, 0, N}}, {17, {0, 0, 0, 0, 0, 0, I, N}},
		{18, {0, 0, 0, 0, I, I, 0, N}}, {19, {0, 0, 0, 0, 0, 0, I, N}},
		{20, {0, 0, 0, I, 0, 0, 0, N}}, {22, {0, I, 0, 0, 0, 0, 0, N}},
		{23, {0, I, I, 0, 0, 0, 0, N}}, {24, {0, 0, 0, 0, 0, 0, 0, N}},
	};
	struct world *w = world_new(64 << 20);

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		for (unsigned kind = 0; kind < NR_KINDS; kind++) {
			map_kind(w, kind);
			CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, row[i].advice),
					row[i].want[kind]);
		}
	}
	world_end(w);
}

static void unknown_advice_is_refused(void)
{
	static const int unknown[] = {-1, 5, 6, 7, 26, 27, 99, 100, 101, 104, 0x40000000};
	struct world *w = world_new(64 << 20);

	map_kind(w, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
		CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, unknown[i]), NOT_BUILT);
		CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 0, unknown[i]), -EINVAL);
	}
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 1, PG, 4), -EINVAL);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 8 * PG, 0, 4), 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, -1UL, 4), -EINVAL);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, -PG, 4), -EINVAL);
	CU_ASSERT_EQUAL(do_madvise(w->mm, 0xffff800000000000, PG, 4), -ENOMEM);
	world_end(w);
}

static void holes_do_not_stop_dontneed(void)
{
	struct world *w = world_new(64 << 20);

	map_kind(w, 0);
	do_munmap(w->mm, ARENA + PG, PG);
	poke(w, ARENA, 1);
	poke(w, ARENA + 2 * PG, 1);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 4 * PG, 4), -ENOMEM);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
	poke(w, ARENA, 1);
	poke(w, ARENA + 2 * PG, 1);
	poke(w, ARENA + 3 * PG, 1);
	do_mlock(w->mm, ARENA + 2 * PG, PG, 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 4 * PG, 4), -EINVAL);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 2); /* the walk ends at the locked area */
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 4 * PG, 24), -ENOMEM);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
	world_end(w);
}

static void hints_set_flags_split_and_join(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_PRIVATE);
	do_madvise(w->mm, ARENA + 2 * PG, PG, 10);
	CHECK_SHAPE(w, 16, "[0,2)rw-p [2,3)rw-p [3,8)rw-p");
	CU_ASSERT(vma_lookup(w->mm, ARENA + 2 * PG)->vm_flags & VM_DONTCOPY);
	do_madvise(w->mm, ARENA + 2 * PG, PG, 11);
	CHECK_SHAPE(w, 16, "[0,8)rw-p");
	do_madvise(w->mm, ARENA + 5 * PG, PG, 1);
	CHECK_SHAPE(w, 16, "[0,5)rw-p [5,6)rw-p [6,8)rw-p");
	do_madvise(w->mm, ARENA, 8 * PG, 0);
	CHECK_SHAPE(w, 16, "[0,8)rw-p");
	do_madvise(w->mm, ARENA, 8 * PG, 14);
	do_madvise(w->mm, ARENA, 8 * PG, 15);
	CU_ASSERT_EQUAL(vma_lookup(w->mm, ARENA)->vm_flags & (VM_HUGEPAGE | VM_NOHUGEPAGE),
			VM_NOHUGEPAGE);
	world_end(w);
}

static void freed_pages_stay_clean_until_written(void)
{
	struct world *w = world_new(64 << 20);
	pte_t *pte;

	map_kind(w, 0);
	poke(w, ARENA, 5);
	pte = pte_offset(w->mm, ARENA);
	CU_ASSERT(pte->pte & _PAGE_DIRTY);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 8), 0);
	CU_ASSERT_FALSE(pte->pte & _PAGE_DIRTY);
	CU_ASSERT_EQUAL(peek(w, ARENA), 5);
	CU_ASSERT_FALSE(pte->pte & _PAGE_DIRTY);
	poke(w, ARENA, 6);
	CU_ASSERT(pte->pte & _PAGE_DIRTY);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 20), 0);
	CU_ASSERT_FALSE(pte->pte & _PAGE_ACCESSED);
	CU_ASSERT_EQUAL(peek(w, ARENA), 6);
	CU_ASSERT(pte->pte & _PAGE_ACCESSED);
	world_end(w);
}

static void populating_and_reading_ahead(void)
{
	struct world *w = world_new(64 << 20);

	map_kind(w, 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 4 * PG, 22), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0); /* the zero page */
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 4 * PG, 23), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 4);
	world_map_file(w, ARENA, 8, PROT_READ, MAP_SHARED, FILE_PAGES - 4);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 8 * PG, 3), 0);
	CU_ASSERT_EQUAL(w->file_reads, 4); /* to the end of the file */
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 0);
	world_end(w);
}

/* --- a failed call changes nothing -------------------------------------------------------- */

static void with_eight(struct world *w)
{
	fx(w, 0, 8, RW, MAP_PRIVATE);
	poke(w, ARENA, 1);
}

static long dontfork(struct world *w)
{
	return do_madvise(w->mm, ARENA + 2 * PG, PG, 10);
}

static void guards_stay_until_removed(void)
{
	struct world *w = world_new(64 << 20);
	struct fault_signal sig;
	u8 b = 1;

	fx(w, 0, 8, RW, MAP_PRIVATE);
	for (unsigned i = 0; i < 8; i++)
		poke(w, ARENA + i * PG, i);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + PG, PG, 102), 0);
	CU_ASSERT_EQUAL(w->mm->map_count, 1);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 7);
	CU_ASSERT_EQUAL(touch(w, ARENA + PG, TLB_READ, &b, &sig), SIGSEGV);
	CU_ASSERT_EQUAL(sig.code, SEGV_MAPERR);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 8 * PG, 4), 0); /* DONTNEED */
	CU_ASSERT_EQUAL(touch(w, ARENA + PG, TLB_WRITE, &b, NULL), SIGSEGV);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 8 * PG, 23), -EFAULT); /* POPULATE_WRITE */
	CU_ASSERT_EQUAL(do_mlock(w->mm, ARENA, 8 * PG, 0), -ENOMEM);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + PG, PG, 102), -EINVAL); /* locked */
	CU_ASSERT_EQUAL(do_munlock(w->mm, ARENA, 8 * PG), 0);
	CU_ASSERT_EQUAL(do_mremap(w->mm, ARENA, 2 * PG, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
				  ARENA + 32 * PG),
			ARENA + 32 * PG);
	CU_ASSERT_EQUAL(touch(w, ARENA + 33 * PG, TLB_READ, &b, NULL), SIGSEGV);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 32 * PG, 2 * PG, 103), 0);
	CU_ASSERT_EQUAL(peek(w, ARENA + 33 * PG), 0);
	world_end(w);
}

static void guard_flag_sticks_when_areas_join(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 102), 0);
	fx(w, 2, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(w->mm->map_count, 1);
	CU_ASSERT(vma_lookup(w->mm, ARENA + 3 * PG)->vm_flags & VM_MAYBE_GUARD);
	world_end(w);
}

static void sealed_areas_keep_place_rights_and_contents(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 4, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(do_mseal(w->mm, ARENA, PG, 1), -EINVAL);
	CU_ASSERT_EQUAL(do_mseal(w->mm, ARENA + 1, PG, 0), -EINVAL);
	CU_ASSERT_EQUAL(do_mseal(w->mm, ARENA + 3 * PG, 4 * PG, 0), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, PG, PROT_READ), 0);
	CU_ASSERT_EQUAL(do_mseal(w->mm, ARENA, 2 * PG, 0), 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, 4 * PG), -EPERM);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, PG, RW), -EPERM);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 4), -EPERM);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + PG, PG, 4), 0); /* writable anyway */
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, PG, 1), 0);
	world_end(w);
}

static void free_is_marked_in_batches(void)
{
	struct world *w = world_new(64 << 20);
	struct page *page;

	fx(w, 0, 40, RW, MAP_PRIVATE);
	for (unsigned i = 0; i < 40; i++)
		poke(w, ARENA + i * PG, 1);
	page = pfn_to_page(&w->m, pte_pfn(*pte_offset(w->mm, ARENA)));
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 8 * PG, 8), 0);
	CU_ASSERT(page_test(page, PG_swapbacked));
	CU_ASSERT_EQUAL(page->refcount, 2);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 8 * PG, 23 * PG, 8), 0);
	CU_ASSERT(!page_test(page, PG_swapbacked));
	CU_ASSERT_EQUAL(page->refcount, 1);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 40 * PG, 21), 0); /* PAGEOUT: they go */
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 9);
	world_end(w);
}

static void remove_and_pageout_of_shared_memory(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_SHARED);
	poke(w, ARENA, 1);
	poke(w, ARENA + PG, 2);
	CU_ASSERT_EQUAL(peek(w, ARENA + 2 * PG), 0);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 8 * PG, 21), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_SHMEMPAGES], 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 2); /* the page of zeros went */
	CU_ASSERT_EQUAL(peek(w, ARENA + PG), 2);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 2 * PG, 9), 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 0);
	CU_ASSERT_EQUAL(peek(w, ARENA + PG), 0);
	world_end(w);
}

static void failed_calls_change_nothing(void)
{
	fails_cleanly(with_eight, dontfork, EAGAIN);
}

static const struct unit_test tests[] = {
	UNIT_TEST(errors_by_kind_of_area),
	UNIT_TEST(unknown_advice_is_refused),
	UNIT_TEST(holes_do_not_stop_dontneed),
	UNIT_TEST(hints_set_flags_split_and_join),
	UNIT_TEST(freed_pages_stay_clean_until_written),
	UNIT_TEST(populating_and_reading_ahead),
	UNIT_TEST(guards_stay_until_removed),
	UNIT_TEST(guard_flag_sticks_when_areas_join),
	UNIT_TEST(sealed_areas_keep_place_rights_and_contents),
	UNIT_TEST(free_is_marked_in_batches),
	UNIT_TEST(remove_and_pageout_of_shared_memory),
	UNIT_TEST(failed_calls_change_nothing),
	UNIT_END,
};
const struct unit_suite suite_madvise = {"madvise", tests};

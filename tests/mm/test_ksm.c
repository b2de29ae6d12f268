/*
 * src/mm/ksm*.c. Equal pages become one, a store takes a copy out, and the counts always add up.
 */
#include "mm_world.h"

#include "mm/ksm.h"

#include <stdlib.h>

#define ARENA 0x10000000UL
#define PG PAGE_SIZE
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define MADV_FREE 8
#define MADV_MERGEABLE 12
#define MADV_UNMERGEABLE 13

/* @n pages at ARENA; page i is filled with fill(i). */
static struct world *filled(unsigned n, u8 (*fill)(unsigned i))
{
	struct world *w = world_new(64UL << 20);

	world_map(w, ARENA, n, RW, ANON);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < PG; j += 512)
			poke(w, ARENA + i * PG + j, fill(i));
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, n * PG, MADV_MERGEABLE), 0);
	CU_ASSERT_EQUAL(ksm_set_run(&w->m, KSM_RUN_MERGE), 0);
	return w;
}

static u8 all_equal(unsigned i __unused)
{
	return 7;
}

static u8 in_threes(unsigned i)
{
	return 1 + i / 3;
}

/* Three passes: a checksum, an unchanged page, a merge. */
static void scan(struct world *w)
{
	for (unsigned i = 0; i < 3; i++)
		ksm_do_scan(&w->m, 100000);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
}

static struct ksm_info info(struct world *w)
{
	struct ksm_info i;

	ksm_read_info(&w->m, &i);
	return i;
}

static void equal_pages_become_one(void)
{
	struct world *w = filled(12, in_threes);
	u64 free = nr_free_pages(&w->m);
	struct ksm_info i;

	ksm_do_scan(&w->m, 100000);
	CU_ASSERT_EQUAL(info(w).pages_shared, 0); /* one pass sees no page unchanged */
	CU_ASSERT_EQUAL(info(w).full_scans, 1);
	scan(w);
	i = info(w);
	CU_ASSERT_EQUAL(i.pages_shared, 4);
	CU_ASSERT_EQUAL(i.pages_sharing, 8);
	CU_ASSERT_EQUAL(i.pages_unshared, 0);
	CU_ASSERT_EQUAL(i.pages_volatile, 0);
	CU_ASSERT(nr_free_pages(&w->m) >= free + 8 - 4); /* less the items' slabs */
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 12);
	CU_ASSERT_EQUAL(w->mm->ksm_merging_pages, 12);
	for (unsigned k = 0; k < 12; k++)
		CU_ASSERT_EQUAL(peek(w, ARENA + k * PG + 512), in_threes(k));
	world_end(w);
}

static void a_store_takes_its_page_out(void)
{
	struct world *w = filled(3, all_equal);

	scan(w);
	poke(w, ARENA + PG, 99);
	CU_ASSERT_EQUAL(w->m.events[EV_cow_ksm], 1);
	CU_ASSERT_EQUAL(peek(w, ARENA), 7);
	CU_ASSERT_EQUAL(peek(w, ARENA + PG), 99);
	CU_ASSERT_EQUAL(peek(w, ARENA + 2 * PG), 7);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 1);
	/* The last user copies, too: a merged page never changes. */
	poke(w, ARENA, 1);
	poke(w, ARENA + 2 * PG, 2);
	CU_ASSERT_EQUAL(w->m.events[EV_cow_ksm], 3);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_shared, 0);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 0);
	world_end(w);
}

static void forked_pages_are_shared_once_only(void)
{
	struct world *w = filled(4, all_equal);
	struct mm_struct *child = world_fork(w);

	CU_ASSERT_EQUAL(ksm_fork(child, w->mm), 0);
	scan(w);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_shared, 1);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 7);
	CU_ASSERT_EQUAL(child->ksm_merging_pages, 4);
	mmput(child);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 3);
	world_end(w);
}

static void unmerging_gives_the_pages_back(void)
{
	struct world *w = filled(6, all_equal);
	u64 free = nr_free_pages(&w->m);

	scan(w);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 2 * PG, MADV_UNMERGEABLE), 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 3);
	CU_ASSERT_EQUAL(ksm_set_run(&w->m, KSM_RUN_UNMERGE), 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(info(w).pages_shared + info(w).pages_sharing, 0);
	CU_ASSERT_EQUAL(info(w).full_scans, 0);
	CU_ASSERT(nr_free_pages(&w->m) <= free);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(peek(w, ARENA + i * PG), 7);
	CU_ASSERT_FALSE(ksm_should_run(&w->m));
	world_end(w);
}

static void moved_and_unmapped_pages_leave_the_trees(void)
{
	struct world *w = filled(8, all_equal);
	long to;

	scan(w);
	to = do_mremap(w->mm, ARENA, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
		       ARENA + 64 * PG);
	CU_ASSERT_EQUAL(to, (long)(ARENA + 64 * PG));
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(peek(w, to), 7);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA + 4 * PG, 2 * PG), 0);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_shared, 1);
	CU_ASSERT_EQUAL(info(w).pages_sharing, 5);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA, 100 * PG), 0);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_shared, 0);
	CU_ASSERT_PTR_NULL(w->mm->ksm_slot); /* nothing mergeable is left */
	world_end(w);
}

static void a_page_is_shared_so_often_at_most(void)
{
	struct world *w = filled(10, all_equal);
	struct ksm_info i;

	CU_ASSERT_EQUAL(ksm_set_max_page_sharing(&w->m, 1), -EINVAL);
	CU_ASSERT_EQUAL(ksm_set_max_page_sharing(&w->m, 4), 0);
	scan(w);
	scan(w);
	i = info(w);
	CU_ASSERT_EQUAL(ksm_set_max_page_sharing(&w->m, 5), -EBUSY);
	CU_ASSERT_EQUAL(i.pages_shared, 3); /* 4 + 4 + 2 */
	CU_ASSERT_EQUAL(i.pages_sharing, 7);
	CU_ASSERT_EQUAL(i.stable_node_chains, 1);
	CU_ASSERT_EQUAL(i.stable_node_dups, 3);
	world_end(w);
}

static void pages_that_change_stay_apart(void)
{
	struct world *w = filled(4, all_equal);

	for (unsigned n = 0; n < 6; n++) {
		for (unsigned i = 0; i < 4; i++)
			poke(w, ARENA + i * PG, 10 + n);
		ksm_do_scan(&w->m, 100000);
	}
	CU_ASSERT_EQUAL(info(w).pages_shared, 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	world_end(w);
}

/* Stores, unmaps and passes in any order: bytes are those of the model, the state is sound. */
static void random_stores_and_passes(void)
{
	enum { N = 64 };
	struct world *w = filled(N, in_threes);
	u8 model[N];

	srand(3);
	for (unsigned i = 0; i < N; i++)
		model[i] = in_threes(i);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned i = rand() % N;
		gva_t addr = ARENA + i * PG;

		switch (rand() % 8) {
		case 0:
			ksm_do_scan(&w->m, rand() % 200);
			break;
		case 1:
			CU_ASSERT_EQUAL(do_madvise(w->mm, addr, PG, 4), 0);
			model[i] = 0;
			break;
		case 2:
			CU_ASSERT_EQUAL(do_madvise(w->mm, addr, PG, 12 + rand() % 2), 0);
			break;
		case 3:
			CU_ASSERT_EQUAL(do_mprotect(w->mm, addr, PG, PROT_READ), 0);
			CU_ASSERT_EQUAL(do_mprotect(w->mm, addr, PG, RW), 0);
			break;
		default:
			model[i] = rand() % 3;
			for (unsigned j = 0; j < PG; j += 512)
				poke(w, addr + j, model[i]);
		}
		CU_ASSERT_EQUAL_FATAL(peek(w, ARENA + rand() % N * PG) > 250, 0);
		CU_ASSERT_EQUAL_FATAL(peek(w, addr), model[i]);
		if (step % 100 == 0)
			CU_ASSERT_EQUAL_FATAL(memory_validate(&w->m), 0);
	}
	world_end(w);
}

static u8 empty(unsigned i __unused)
{
	return 0;
}

static void empty_pages_become_the_zero_page(void)
{
	struct world *w = filled(12, empty);
	struct mm_struct *child;
	struct ksm_info i;

	CU_ASSERT_EQUAL(ksm_set_use_zero_pages(&w->m, true), 0);
	scan(w);
	i = info(w);
	CU_ASSERT_EQUAL(i.ksm_zero_pages, 12);
	CU_ASSERT_EQUAL(i.pages_shared, 0);
	CU_ASSERT_EQUAL(w->mm->ksm_zero_pages, 12);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 0);
	child = world_fork(w);
	CU_ASSERT_EQUAL(child->ksm_zero_pages, 12);
	CU_ASSERT_EQUAL(info(w).ksm_zero_pages, 24);
	mmput(child);
	poke(w, ARENA, 1); /* a store takes its own out */
	CU_ASSERT_EQUAL(info(w).ksm_zero_pages, 11);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA + PG, PG), 0);
	CU_ASSERT_EQUAL(info(w).ksm_zero_pages, 10);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 2 * PG, 4 * PG, MADV_UNMERGEABLE), 0);
	CU_ASSERT_EQUAL(info(w).ksm_zero_pages, 6);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 5);
	CU_ASSERT_EQUAL(peek(w, ARENA + 2 * PG), 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	world_end(w);
}

static void a_whole_process_may_be_merged(void)
{
	struct world *w = world_new(64UL << 20);
	struct mm_struct *child;

	world_map(w, ARENA, 2, RW, ANON);
	w->m.fail_nth = 1;
	CU_ASSERT_EQUAL(ksm_enable_merge_any(w->mm), -ENOMEM);
	CU_ASSERT_FALSE(ksm_process_mergeable(w->mm));
	w->m.fail_nth = 0;
	CU_ASSERT_EQUAL(ksm_enable_merge_any(w->mm), 0);
	CU_ASSERT(vma_lookup(w->mm, ARENA)->vm_flags & VM_MERGEABLE);
	world_map(w, ARENA + 4 * PG, 2, RW, ANON);
	world_map(w, ARENA + 8 * PG, 2, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
	CU_ASSERT(vma_lookup(w->mm, ARENA + 4 * PG)->vm_flags & VM_MERGEABLE);
	CU_ASSERT_FALSE(vma_lookup(w->mm, ARENA + 8 * PG)->vm_flags & VM_MERGEABLE);
	child = dup_mm(w->mm);
	CU_ASSERT(child->ksm_merge_any);
	mmput(child);
	CU_ASSERT_EQUAL(ksm_disable_merge_any(w->mm), 0);
	CU_ASSERT_FALSE(ksm_process_mergeable(w->mm));
	world_end(w);
}

/* A pass that begins at @start and ends at @end seconds, for which ksmd had @cpu seconds, ever. */
static u32 advised(struct world *w, u64 start, u64 end, u64 cpu)
{
	ksm_set_clock(&w->m, start * 1000000000, 0);
	ksm_do_scan(&w->m, 1);
	ksm_set_clock(&w->m, end * 1000000000, cpu * 1000000000);
	ksm_do_scan(&w->m, 100000);
	return info(w).pages_to_scan;
}

static void the_advisor_follows_the_time_of_a_pass(void)
{
	struct world *w = filled(12, in_threes);

	CU_ASSERT_EQUAL(advised(w, 0, 100, 1), KSM_PAGES_TO_SCAN); /* there is none */
	CU_ASSERT_EQUAL(ksm_set_advisor_target_scan_time(&w->m, 0), -EINVAL);
	CU_ASSERT_EQUAL(ksm_set_advisor_target_scan_time(&w->m, 1), 0);
	CU_ASSERT_EQUAL(ksm_set_advisor_mode(&w->m, KSM_ADVISOR_SCAN_TIME), 0);
	CU_ASSERT_EQUAL(info(w).pages_to_scan, 500);
	CU_ASSERT_EQUAL(ksm_set_pages_to_scan(&w->m, 7), -EINVAL);
	/* Ten times too long: 5000, of which a third at first. */
	CU_ASSERT_EQUAL(advised(w, 100, 110, 1), 1500);
	/* 24300, but with a tenth of the CPU 1500 pages, so with 70 % 10500. */
	CU_ASSERT_EQUAL(advised(w, 120, 140, 3), 10500);
	CU_ASSERT_EQUAL(ksm_set_advisor_max_pages_to_scan(&w->m, 2000), 0);
	CU_ASSERT_EQUAL(advised(w, 140, 160, 4), 2000);
	/* The other way round: in no time, but a tenth of the CPU it may always have. */
	CU_ASSERT_EQUAL(ksm_set_advisor_target_scan_time(&w->m, 1000), 0);
	CU_ASSERT_EQUAL(advised(w, 160, 161, 4), 2000);
	CU_ASSERT_EQUAL(ksm_set_advisor_mode(&w->m, KSM_ADVISOR_NONE), 0);
	CU_ASSERT_EQUAL(info(w).pages_to_scan, KSM_PAGES_TO_SCAN);
	world_end(w);
}

static void nodes_may_be_split_while_nothing_is_merged(void)
{
	struct world *w = filled(12, in_threes);

	CU_ASSERT(info(w).merge_across_nodes);
	CU_ASSERT_EQUAL(ksm_set_merge_across_nodes(&w->m, false), 0);
	scan(w);
	CU_ASSERT_EQUAL(info(w).pages_shared, 4);
	CU_ASSERT_EQUAL(ksm_set_merge_across_nodes(&w->m, false), 0);
	CU_ASSERT_EQUAL(ksm_set_merge_across_nodes(&w->m, true), -EBUSY);
	world_end(w);
}

/* Memory for an item is short, and what could be reclaimed is the page that it is for. */
static void a_page_that_is_looked_at_stays(void)
{
	struct world *w = filled(64, all_equal);
	struct page **held = calloc(w->m.ram_size / PG, sizeof(*held)), *page;
	unsigned nr = 0;

	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA, 64 * PG, MADV_FREE), 0);
	lru_add_drain(&w->m);
	while ((page = alloc_pages(&w->m, GFP_NOWAIT, 0)))
		held[nr++] = page;
	ksm_do_scan(&w->m, 1);
	CU_ASSERT(w->m.events[EV_pglazyfreed] > 0);
	CU_ASSERT(pte_present(*pte_offset(w->mm, ARENA)));
	while (nr)
		put_page(&w->m, held[--nr]);
	free(held);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(equal_pages_become_one),
	UNIT_TEST(a_store_takes_its_page_out),
	UNIT_TEST(forked_pages_are_shared_once_only),
	UNIT_TEST(unmerging_gives_the_pages_back),
	UNIT_TEST(moved_and_unmapped_pages_leave_the_trees),
	UNIT_TEST(a_page_is_shared_so_often_at_most),
	UNIT_TEST(pages_that_change_stay_apart),
	UNIT_TEST(random_stores_and_passes),
	UNIT_TEST(empty_pages_become_the_zero_page),
	UNIT_TEST(a_whole_process_may_be_merged),
	UNIT_TEST(the_advisor_follows_the_time_of_a_pass),
	UNIT_TEST(nodes_may_be_split_while_nothing_is_merged),
	UNIT_TEST(a_page_that_is_looked_at_stays),
	UNIT_END,
};
const struct unit_suite suite_ksm = {"ksm", tests};

/* The LRU lists, mlock's pages, reclaim: exact counts, which a probe that runs beside other programs
 * cannot see (tests/guest/probes/q33, q34 compare single pages with Linux). */
#include "mm/lru.h"
#include "mm/vmscan.h"
#include "mm_world.h"

#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define AT 0x10000000UL
#define PG PAGE_SIZE
#define MADV_FREE_K 8
#define MADV_COLD_K 20
#define MADV_PAGEOUT_K 21

/* What is counted, after the batches are drained. */
static void expect(struct world *w, s64 inactive_anon, s64 inactive_file, s64 unevictable,
		   s64 mlock)
{
	lru_add_drain(&w->m);
	CU_ASSERT_EQUAL(w->m.stats[ST_inactive_anon], inactive_anon);
	CU_ASSERT_EQUAL(w->m.stats[ST_inactive_file], inactive_file);
	CU_ASSERT_EQUAL(w->m.stats[ST_unevictable], unevictable);
	CU_ASSERT_EQUAL(w->m.stats[ST_mlock], mlock);
	CU_ASSERT_EQUAL(lru_validate(&w->m), 0);
	CU_ASSERT_EQUAL(mm_validate(w->mm), 0);
}

static u64 event(struct world *w, enum vm_event e)
{
	u64 n = w->m.events[e];

	w->m.events[e] = 0;
	return n;
}

static struct page *page_at(struct world *w, gva_t addr)
{
	pte_t *pte = pte_offset(w->mm, addr);

	return pte && pte_present(*pte) ? pfn_to_page(&w->m, pte_pfn(*pte)) : NULL;
}

static void poke_all(struct world *w, gva_t at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		poke(w, at + i * PG, 1);
}

static void peek_all(struct world *w, gva_t at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		(void)peek(w, at + i * PG);
}

/* Until there is nothing more to be had; pages freed. */
static u64 reclaim_all(struct world *w)
{
	u64 freed = 0, n;

	while ((n = try_to_free_pages(&w->m, 1000)))
		freed += n;
	return freed;
}

static void new_pages_wait_in_a_batch(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 64, RW, PRIVATE);

	poke_all(w, a, 40);
	CU_ASSERT_EQUAL(w->m.stats[ST_inactive_anon], 31);
	CU_ASSERT_FALSE(page_test(page_at(w, a + 35 * PG), PG_lru));
	CU_ASSERT_EQUAL(page_at(w, a + 35 * PG)->refcount, 2);
	expect(w, 40, 0, 0, 0);
	poke_all(w, a + 40 * PG, 5);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a, 64 * PG), 0); /* from the lists and from the batch */
	CU_ASSERT_EQUAL(w->m.stats[ST_inactive_anon], 0);
	expect(w, 0, 0, 0, 0);
	world_end(w);
}

static void mlock_counts_pages_and_events(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 16, RW, PRIVATE);

	poke_all(w, a, 8);
	CU_ASSERT_EQUAL(do_mlock(w->mm, a, 4 * PG, 0), 0);
	expect(w, 4, 0, 4, 4);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_mlocked), 4);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_culled), 4);
	CU_ASSERT_EQUAL(do_mlock(w->mm, a, 12 * PG, 0), 0); /* 4 as they were, 4 present, 4 new */
	expect(w, 0, 0, 12, 12);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_mlocked), 8);
	CU_ASSERT_EQUAL(do_munlock(w->mm, a, 2 * PG), 0);
	expect(w, 2, 0, 10, 10);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_munlocked), 2);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_rescued), 2);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a, 6 * PG), 0);
	expect(w, 0, 0, 6, 6);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_munlocked), 4);
	CU_ASSERT_EQUAL(do_munlockall(w->mm), 0);
	expect(w, 6, 0, 0, 0);
	CU_ASSERT_EQUAL(do_mlock(w->mm, a + 12 * PG, 4 * PG, 1 /* ONFAULT */), 0);
	expect(w, 6, 0, 0, 0);
	poke(w, a + 13 * PG, 1);
	CU_ASSERT_EQUAL(w->m.stats[ST_mlock], 1); /* at once */
	expect(w, 6, 0, 1, 1);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_cleared), 0);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_stranded), 0);
	world_end(w);
}

static void a_copy_of_a_locked_page_is_locked(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 4, RW, PRIVATE);
	struct mm_struct *child;
	struct page *was;

	CU_ASSERT_EQUAL(do_mlock(w->mm, a, 4 * PG, 0), 0);
	child = world_fork(w);
	expect(w, 0, 0, 4, 4);
	was = page_at(w, a);
	poke(w, a, 1); /* the child keeps the old one, which it has not locked */
	CU_ASSERT_PTR_NOT_EQUAL(page_at(w, a), was);
	expect(w, 1, 0, 4, 4);
	CU_ASSERT_TRUE(page_test(page_at(w, a), PG_unevictable));
	CU_ASSERT_FALSE(page_test(was, PG_mlocked));
	CU_ASSERT_TRUE(do_mremap(w->mm, a, 4 * PG, 4 * PG, 3, a + (1 << 20)) > 0);
	expect(w, 1, 0, 4, 4);
	mmput(child);
	expect(w, 0, 0, 4, 4);
	world_end(w);
}

static void two_locks_of_one_page_are_counted(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map_file(w, AT, 16, RW, MAP_SHARED, 0);
	gva_t b = world_map_file(w, AT + (1 << 20), 16, PROT_READ, MAP_SHARED, 0);
	u64 cached;

	(void)peek(w, a);
	lru_add_drain(&w->m);
	cached = w->file.nrpages;
	expect(w, 0, cached, 0, 0);
	CU_ASSERT_EQUAL(do_mlock(w->mm, a, 8 * PG, 0), 0);
	CU_ASSERT_EQUAL(do_mlock(w->mm, b, 4 * PG, 0), 0);
	expect(w, 0, cached - 8, 8, 8);
	CU_ASSERT_EQUAL(page_at(w, a)->mlock_count, 2);
	CU_ASSERT_EQUAL(do_munlock(w->mm, a, 8 * PG), 0);
	expect(w, 0, cached - 4, 4, 4);
	truncate_pagecache(&w->file, 2 * PG); /* locked pages go, too */
	expect(w, 0, 0, 2, 2);
	world_end(w);
}

static void a_locked_segment_takes_new_pages_out_of_sight(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 8, RW, MAP_SHARED | MAP_ANONYMOUS);
	struct address_space *as = find_vma(w->mm, a)->vm_mapping;

	poke_all(w, a, 3);
	expect(w, 3, 0, 0, 0);
	mapping_set_unevictable(as, true);
	poke_all(w, a, 5);
	expect(w, 3, 0, 2, 0); /* who is on a list stays until reclaim sees him */
	mapping_set_unevictable(as, false);
	expect(w, 5, 0, 0, 0);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_scanned), 5);
	CU_ASSERT_EQUAL(event(w, EV_unevictable_pgs_rescued), 2);
	world_end(w);
}

static void use_makes_active_and_advice_inactive(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 40, RW, PRIVATE);
	gva_t f = world_map_file(w, AT + (1 << 20), 16, PROT_READ, MAP_SHARED, 0);
	u64 cached;

	poke_all(w, a, 40);
	CU_ASSERT_EQUAL(do_madvise(w->mm, a, 34 * PG, MADV_FREE_K), 0);
	CU_ASSERT_EQUAL(event(w, EV_pglazyfree), 31);
	expect(w, 6, 34, 0, 0); /* with the files' */
	CU_ASSERT_EQUAL(event(w, EV_pglazyfree), 3);
	CU_ASSERT_EQUAL(do_munmap(w->mm, a, 40 * PG), 0);
	for (unsigned i = 0; i < 2; i++) { /* each unmap marks what was young */
		CU_ASSERT_EQUAL(w->m.stats[ST_active_file], 0);
		f = world_map_file(w, AT + (1 << 20), 16, PROT_READ, MAP_SHARED, 0);
		(void)peek(w, f);
		CU_ASSERT_EQUAL(do_munmap(w->mm, f, 16 * PG), 0);
	}
	cached = w->file.nrpages;
	expect(w, 0, cached - 16, 0, 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_active_file], 16);
	CU_ASSERT_EQUAL(event(w, EV_pgactivate), 16);
	f = world_map_file(w, AT + (1 << 20), 16, PROT_READ, MAP_SHARED, 0);
	(void)peek(w, f);
	CU_ASSERT_EQUAL(do_madvise(w->mm, f, 4 * PG, MADV_COLD_K), 0);
	expect(w, 0, cached - 12, 0, 0);
	CU_ASSERT_EQUAL(event(w, EV_pgdeactivate), 4);
	CU_ASSERT_EQUAL(do_madvise(w->mm, f, 2 * PG, MADV_PAGEOUT_K), 0);
	CU_ASSERT_EQUAL(w->file.nrpages, cached - 2);
	CU_ASSERT_PTR_NULL(page_at(w, f));
	expect(w, 0, cached - 14, 0, 0);
	world_end(w);
}

/* Mapped pages are looked at twice; locked ones, and those that somebody holds, stay. */
static void reclaim_takes_mapped_pages_of_files(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map_file(w, AT, FILE_PAGES, RW, MAP_SHARED, 0);
	struct page *held;

	peek_all(w, a, FILE_PAGES);
	poke(w, a + 50 * PG + 5, 99);
	CU_ASSERT_EQUAL(do_mlock(w->mm, a + 10 * PG, 2 * PG, 0), 0);
	held = find_get_page(&w->file, 20);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], FILE_PAGES);
	CU_ASSERT_EQUAL(reclaim_all(w), FILE_PAGES - 3);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 3);
	CU_ASSERT_EQUAL(w->file.nrpages, 3);
	CU_ASSERT_EQUAL(w->file_writes, 1);
	CU_ASSERT_EQUAL(w->written[5], 99);
	CU_ASSERT_EQUAL(event(w, EV_pgsteal_direct), FILE_PAGES - 3);
	CU_ASSERT_EQUAL(event(w, EV_pgsteal_file), FILE_PAGES - 3);
	CU_ASSERT_TRUE(w->m.events[EV_pgscan_direct] >= 2 * (FILE_PAGES - 3));
	CU_ASSERT_EQUAL(w->m.events[EV_pgscan_direct], w->m.events[EV_pgscan_file]);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_PTR_NOT_NULL(page_at(w, a + 10 * PG));
	CU_ASSERT_PTR_NOT_NULL(page_at(w, a + 20 * PG));
	put_page(&w->m, held);
	CU_ASSERT_EQUAL(peek(w, a + 30 * PG), (u8)(30 * 7 + 1));
	world_end(w);
}

/* What was used through a read and through a mapping outlives what was used once. */
static void what_is_used_twice_stays_longer(void)
{
	struct world *w = world_new(64UL << 20);
	bool major;

	for (u64 i = 0; i < FILE_PAGES; i++) {
		struct page *page = filemap_get_page(&w->file, i, &major);

		CU_ASSERT_FALSE_FATAL(IS_ERR(page));
		lru_add_drain(&w->m);
		folio_mark_accessed(&w->m, page);
		if (i < 40)
			folio_mark_accessed(&w->m, page);
		put_page(&w->m, page);
	}
	expect(w, 0, FILE_PAGES - 40, 0, 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_active_file], 40);
	while (w->file.nrpages > 40)
		CU_ASSERT_TRUE_FATAL(try_to_free_pages(&w->m, 10) > 0);
	CU_ASSERT_TRUE(w->m.stats[ST_active_file] > 0);
	for (u64 i = 0; i < 8; i++)
		CU_ASSERT_PTR_NOT_NULL(radix_find(&w->file.i_pages, 39 - i));
	CU_ASSERT_TRUE(event(w, EV_pgrefill) >= event(w, EV_pgdeactivate));
	CU_ASSERT_TRUE(reclaim_all(w) > 20);
	CU_ASSERT_EQUAL(w->file.nrpages, 0);
	world_end(w);
}

static void reclaim_takes_what_was_given_up(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t a = world_map(w, AT, 64, RW, PRIVATE);

	poke_all(w, a, 62);
	CU_ASSERT_EQUAL(do_madvise(w->mm, a, 62 * PG, MADV_FREE_K), 0);
	poke(w, a + 5 * PG, 7);
	expect(w, 0, 62, 0, 0);
	CU_ASSERT_EQUAL(reclaim_all(w), 61);
	CU_ASSERT_EQUAL(event(w, EV_pglazyfreed), 61);
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 1);
	CU_ASSERT_EQUAL(peek(w, a + 5 * PG), 7);
	CU_ASSERT_EQUAL(peek(w, a + 6 * PG), 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	world_end(w);
}

/* Four times as much of a file as there is memory, mapped, and stored to. */
static void a_short_machine_maps_a_long_file(void)
{
	struct world *w = world_new(8UL << 20);
	u64 pages = (32UL << 20) / PG;
	gva_t a;

	w->file.i_size = pages * PG;
	a = world_map_file(w, AT, pages, RW, MAP_SHARED, 0);
	for (u64 i = 0; i < pages; i++) {
		CU_ASSERT_EQUAL(peek(w, a + i * PG), (u8)(i * 7 + 1));
		if (i % 3 == 0)
			poke(w, a + i * PG, 1);
	}
	CU_ASSERT_TRUE(w->file_writes > pages / 6);
	CU_ASSERT_EQUAL(w->m.events[EV_oom_kill], 0);
	CU_ASSERT_TRUE(w->m.events[EV_allocstall_movable] > 0);
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(new_pages_wait_in_a_batch),
	UNIT_TEST(mlock_counts_pages_and_events),
	UNIT_TEST(a_copy_of_a_locked_page_is_locked),
	UNIT_TEST(two_locks_of_one_page_are_counted),
	UNIT_TEST(a_locked_segment_takes_new_pages_out_of_sight),
	UNIT_TEST(use_makes_active_and_advice_inactive),
	UNIT_TEST(reclaim_takes_mapped_pages_of_files),
	UNIT_TEST(what_is_used_twice_stays_longer),
	UNIT_TEST(reclaim_takes_what_was_given_up),
	UNIT_TEST(a_short_machine_maps_a_long_file),
	UNIT_END,
};

const struct unit_suite suite_lru = {"lru", tests};

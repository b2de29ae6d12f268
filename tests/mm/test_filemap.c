/* The page cache over a file that is a pattern: read-in, fault-around, dirty pages, truncation,
 * reclaim. */
#include "mm_world.h"

#include <signal.h>

#include "mm/readahead.h"

#define RW 3
#define RD 1
#define SHARED 1
#define PRIVATE 2

static u8 pattern(u64 page)
{
	return page * 7 + 1;
}

/* Reads what is absent of @nr pages. */
static void read_in(struct world *w, u64 first, u64 nr)
{
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	force_page_cache_ra(&w->file, &ra, first, nr);
}

static void only_what_is_absent_is_read(void)
{
	struct world *w = world_new(64UL << 20);
	struct page *page;
	bool major = false;

	page = filemap_get_page(&w->file, 3, &major);
	CU_ASSERT_FALSE_FATAL(IS_ERR(page));
	CU_ASSERT_TRUE(major);
	CU_ASSERT_EQUAL(*(u8 *)page_address(&w->m, page), pattern(3));
	put_page(&w->m, page);
	CU_ASSERT_EQUAL(w->file_reads, 1);

	read_in(w, 0, 8); /* before and behind the page that is there */
	CU_ASSERT_EQUAL(w->file_reads, 8);
	read_in(w, 90, 32); /* up to the end of the file */
	CU_ASSERT_EQUAL(w->file_reads, 18);
	major = false;
	page = filemap_get_page(&w->file, 99, &major);
	CU_ASSERT_FALSE(major);
	put_page(&w->m, page);
	CU_ASSERT_EQUAL(w->file.nrpages, 18);
	CU_ASSERT_EQUAL(w->m.stats[ST_file_pages], 18);
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

static void faults_bring_the_neighbourhood(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map_file(w, 0x10000000, FILE_PAGES, RD, PRIVATE, 0);

	CU_ASSERT_EQUAL(peek(w, at + 40 * PAGE_SIZE), pattern(40));
	CU_ASSERT_EQUAL(w->mm->maj_flt, 1);
	CU_ASSERT_EQUAL(w->file_reads, 32);	       /* 24 .. 55 */
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 16); /* those of the window 32 .. 47 */
	CU_ASSERT_EQUAL(peek(w, at + 33 * PAGE_SIZE), pattern(33));
	CU_ASSERT_EQUAL(w->mm->maj_flt, 1);
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 16);
	CU_ASSERT_EQUAL(peek(w, at + 24 * PAGE_SIZE), pattern(24)); /* 16 .. 31: half is cached */
	CU_ASSERT_EQUAL(w->mm->rss[MM_FILEPAGES], 24);
	world_end(w);
}

static void stores_make_pages_dirty_until_written_back(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map_file(w, 0x10000000, FILE_PAGES, RW, SHARED, 0);

	CU_ASSERT_EQUAL(peek(w, at + PAGE_SIZE), pattern(1));
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	poke(w, at + PAGE_SIZE, 0xee);
	poke(w, at + 2 * PAGE_SIZE, 0xdd);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 2);
	CU_ASSERT_EQUAL(w->m.stats[ST_file_dirty], 2);
	CU_ASSERT_EQUAL(filemap_write_and_wait_range(&w->file, 1, 1), 0);
	CU_ASSERT_EQUAL(w->file_writes, 1);
	CU_ASSERT_EQUAL(w->written[0], 0xee);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 1);
	poke(w, at + PAGE_SIZE, 0xcc); /* seen again */
	CU_ASSERT_EQUAL(w->file.nr_dirty, 2);
	CU_ASSERT_EQUAL(sync_mappings(&w->m), 0);
	CU_ASSERT_EQUAL(w->file_writes, 3);
	CU_ASSERT_EQUAL(w->m.stats[ST_file_dirty], 0);
	CU_ASSERT_EQUAL(peek(w, at + PAGE_SIZE), 0xcc);
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

/* By its own age, not by the flusher's rounds: a file that was written back meanwhile is young again. */
static void the_flusher_writes_what_has_been_dirty_long_enough(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map_file(w, 0x10000000, FILE_PAGES, RW, SHARED, 0);
	const u64 ticks = 6;

	poke(w, at + PAGE_SIZE, 1);
	for (u64 i = 0; i < ticks - 1; i++)
		CU_ASSERT_TRUE(writeback_old(&w->m, ticks));
	CU_ASSERT_EQUAL(sync_mappings(&w->m), 0);
	CU_ASSERT_FALSE(writeback_old(&w->m, ticks));

	poke(w, at + PAGE_SIZE, 2);
	for (u64 i = 0; i < ticks; i++) {
		CU_ASSERT_TRUE(writeback_old(&w->m, ticks));
		poke(w, at + 2 * PAGE_SIZE, 3); /* later stores make it no younger */
	}
	CU_ASSERT_EQUAL(w->file.nr_dirty, 2);
	CU_ASSERT_FALSE(writeback_old(&w->m, ticks));
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	world_end(w);
}

static void updates_reach_cached_pages_only(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map_file(w, 0x10000000, FILE_PAGES, RD, SHARED, 0);
	bool major;

	put_page(&w->m, filemap_get_page(&w->file, 4, &major));
	filemap_update(&w->file, 4 * PAGE_SIZE - 2, "abcd", 4);
	CU_ASSERT_EQUAL(w->file.nrpages, 1);
	CU_ASSERT_EQUAL(peek(w, at + 4 * PAGE_SIZE), 'c');
	CU_ASSERT_EQUAL(peek(w, at + 4 * PAGE_SIZE + 1), 'd');
	CU_ASSERT_EQUAL(peek(w, at + 4 * PAGE_SIZE + 2), pattern(4));
	world_end(w);
}

static void truncation_takes_pages_from_everybody(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t shared = world_map_file(w, 0x10000000, FILE_PAGES, RW, SHARED, 0);
	gva_t private = world_map_file(w, 0x20000000, FILE_PAGES, RW, PRIVATE, 0);
	struct fault_signal sig;
	u8 byte = 1;

	poke(w, shared + 5 * PAGE_SIZE, 1);
	poke(w, private + 6 * PAGE_SIZE, 1);
	poke(w, private + 2 * PAGE_SIZE + 200, 9);
	CU_ASSERT_EQUAL(peek(w, shared + 2 * PAGE_SIZE + 200), pattern(2));
	truncate_pagecache(&w->file, 2 * PAGE_SIZE + 100);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	CU_ASSERT_EQUAL(peek(w, shared + 2 * PAGE_SIZE + 99), pattern(2));
	CU_ASSERT_EQUAL(peek(w, shared + 2 * PAGE_SIZE + 200), 0);
	CU_ASSERT_EQUAL(peek(w, private + 2 * PAGE_SIZE + 200), 9);
	CU_ASSERT_EQUAL(touch(w, shared + 5 * PAGE_SIZE, TLB_READ, &byte, &sig), 7);
	CU_ASSERT_EQUAL(sig.addr, shared + 5 * PAGE_SIZE);
	CU_ASSERT_EQUAL(touch(w, private + 6 * PAGE_SIZE, TLB_WRITE, &byte, &sig), 7);
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

static void reclaim_drops_what_nobody_needs(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map_file(w, 0x10000000, FILE_PAGES, RW, SHARED, 0);
	struct page *held;

	read_in(w, 0, 64);
	held = find_get_page(&w->file, 50);
	CU_ASSERT_EQUAL(peek(w, at), pattern(0)); /* maps 16 */
	poke(w, at + 60 * PAGE_SIZE, 1);	  /* dirty */
	zap_page_range(w->mm, at + 60 * PAGE_SIZE, at + 61 * PAGE_SIZE);
	drop_pagecache(&w->m);
	CU_ASSERT_EQUAL(w->file.nrpages, 18);
	put_page(&w->m, held);
	drop_pagecache(&w->m);
	CU_ASSERT_EQUAL(w->file.nrpages, 17);
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

/* Four times as much cache as there is memory. */
static void a_short_machine_reads_a_long_file(void)
{
	struct world *w = world_new(8UL << 20);
	struct page *page;
	bool major;
	u64 i;

	w->file.i_size = 32UL << 20;
	for (i = 0; i < w->file.i_size >> PAGE_SHIFT; i++) {
		if (!(i % 32))
			read_in(w, i, 32);
		page = filemap_get_page(&w->file, i, &major);
		CU_ASSERT_FALSE_FATAL(IS_ERR(page));
		CU_ASSERT_EQUAL(*(u8 *)page_address(&w->m, page), pattern(i));
		put_page(&w->m, page);
	}
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

static void a_failed_allocation_leaves_no_trace(void)
{
	struct world *w = world_new(64UL << 20);
	struct page *page = ERR_PTR(-ENOMEM);
	bool major;
	u32 nth;

	for (nth = 1; IS_ERR(page) && nth < 100; nth++) {
		w->m.fail_nth = nth;
		page = filemap_get_page(&w->file, 70, &major);
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	}
	CU_ASSERT_TRUE(nth > 2);
	CU_ASSERT_FALSE_FATAL(IS_ERR(page));
	put_page(&w->m, page);
	world_end(w);
}

/* write(2) has given the bytes to the host already: dirty for who asks, and nothing to do. */
static void written_pages_are_dirty_and_not_sent_again(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a = world_map_file(w, 0x10000000, 4, PROT_READ | PROT_WRITE, MAP_SHARED, 0);

	(void)peek(w, a);
	(void)peek(w, a + PAGE_SIZE);
	filemap_mark_written(&w->file, 100, PAGE_SIZE); /* pages 0 and 1 */
	CU_ASSERT_EQUAL(w->file.nr_dirty, 2);
	CU_ASSERT_FALSE(filemap_has_unsent(&w->file));
	poke(w, a, 1); /* this the host has not got */
	CU_ASSERT_EQUAL(w->file.nr_written, 1);
	CU_ASSERT_TRUE(filemap_has_unsent(&w->file));
	CU_ASSERT_EQUAL(memory_validate(&w->m), 0);
	CU_ASSERT_EQUAL(filemap_write_and_wait_range(&w->file, 0, ~0UL), 0);
	CU_ASSERT_EQUAL(w->file_writes, 1);
	CU_ASSERT_EQUAL(w->file.nr_dirty, 0);
	CU_ASSERT_EQUAL(w->file.nr_written, 0);
	world_end(w);
}

/* Behind the end of the file: no page, and no page table for it. */
static void a_fault_that_fails_leaves_no_table(void)
{
	struct world *w = world_new(64 << 20);
	gva_t a =
		world_map_file(w, 0x7000000000, 2, PROT_READ | PROT_WRITE, MAP_SHARED, FILE_PAGES);
	u64 bytes;
	u8 byte = 1;

	CU_ASSERT_EQUAL(touch(w, a, TLB_READ, &byte, NULL), SIGBUS);
	bytes = w->mm->pgtables_bytes;
	CU_ASSERT_EQUAL(bytes, 2 * PAGE_SIZE); /* the two upper levels, as in Linux */
	CU_ASSERT_EQUAL(touch(w, a + PAGE_SIZE, TLB_WRITE, &byte, NULL), SIGBUS);
	CU_ASSERT_EQUAL(w->mm->pgtables_bytes, bytes);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(only_what_is_absent_is_read),
	UNIT_TEST(faults_bring_the_neighbourhood),
	UNIT_TEST(stores_make_pages_dirty_until_written_back),
	UNIT_TEST(the_flusher_writes_what_has_been_dirty_long_enough),
	UNIT_TEST(updates_reach_cached_pages_only),
	UNIT_TEST(truncation_takes_pages_from_everybody),
	UNIT_TEST(reclaim_drops_what_nobody_needs),
	UNIT_TEST(a_short_machine_reads_a_long_file),
	UNIT_TEST(a_failed_allocation_leaves_no_trace),
	UNIT_TEST(written_pages_are_dirty_and_not_sent_again),
	UNIT_TEST(a_fault_that_fails_leaves_no_table),
	UNIT_END,
};

const struct unit_suite suite_filemap = {"filemap", tests};

/* Read-ahead windows. What is expected was seen on Linux 6.18, ext4, read_ahead_kb 8192 and
 * max_sectors_kb 4096; probes q35_readahead and q36_mmap_readahead ask the host for the same. */
#include "mm_world.h"

#include <fcntl.h>

#include "mm/readahead.h"

#define PAGES 6000UL

static struct world *big_file(void)
{
	struct world *w = world_new(64UL << 20);

	w->file.i_size = PAGES * PAGE_SIZE;
	w->file.ra_pages = 2048;
	w->file.io_pages = 1024;
	return w;
}

/* As fs/hostfile.c's read. */
static void read_file(struct world *w, struct file_ra_state *ra, u64 index, u64 nr)
{
	u64 end = index + nr;
	struct page *page;
	bool major;

	for (; index < end && index < PAGES; index++) {
		page = find_get_page(&w->file, index);
		if (!page) {
			page_cache_sync_ra(&w->file, ra, index, end - index);
			page = filemap_get_page(&w->file, index, &major);
		}
		CU_ASSERT_FALSE_FATAL(IS_ERR(page));
		if (page_test(page, PG_readahead))
			page_cache_async_ra(&w->file, ra, page, end - folio_index(page));
		put_page(&w->m, page);
	}
	ra->prev_pos = end * PAGE_SIZE;
}

/* Are [@first, @last] there, and @first - 1 and @last + 1 not? */
static bool run_is(struct world *w, u64 first, u64 last)
{
	u64 i;

	for (i = first; i <= last; i++)
		if (!radix_find(&w->file.i_pages, i))
			return false;
	return !radix_find(&w->file.i_pages, last + 1) &&
	       (!first || !radix_find(&w->file.i_pages, first - 1));
}

static void windows_grow(void)
{
	static const struct {
		u64 first, nr, times; /* reads of nr pages one after the other */
		u64 last[7];	      /* the last page that is there after each */
	} rows[] = {
		{0, 1, 6, {3, 19, 19, 19, 79, 79}},
		{7, 1, 6, {7, 11, 27, 27, 27, 79}},
		{0, 2, 5, {7, 39, 39, 39, 159}},
		{5, 3, 7, {7, 23, 87, 87, 87, 87, 335}},
		{0, 16, 5, {63, 319, 319, 319, 831}},
		{3, 64, 6, {66, 322, 831, 831, 831, 1839}},
		{1000, 256, 4, {1255, 1767, 2791, 4831}},
	};

	for (unsigned r = 0; r < ARRAY_SIZE(rows); r++) {
		struct world *w = big_file();
		struct file_ra_state ra;

		file_ra_state_init(&ra, &w->file);
		for (u64 i = 0; i < rows[r].times; i++) {
			read_file(w, &ra, rows[r].first + i * rows[r].nr, rows[r].nr);
			CU_ASSERT_TRUE(run_is(w, rows[r].first, rows[r].last[i]));
		}
		CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
		world_end(w);
	}
}

static void what_is_not_sequential_is_read_alone(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	for (u64 i = 40; i > 36; i--)
		read_file(w, &ra, i, 1);
	CU_ASSERT_TRUE(run_is(w, 37, 40));
	read_file(w, &ra, 100, 3);
	CU_ASSERT_TRUE(run_is(w, 100, 102));
	CU_ASSERT_EQUAL(ra.size, 0);
	world_end(w);
}

/* Two readers of one open file: each mark is met with the other's window open, and the walk to the end
 * of what is there counts from the second page of a folio. */
static void two_readers(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	for (u64 i = 0; i < 10; i++)
		read_file(w, &ra, i / 2 + 200 * (i % 2), 1);
	CU_ASSERT_TRUE(run_is(w, 0, 19));
	CU_ASSERT_TRUE(run_is(w, 21, 91));
	CU_ASSERT_TRUE(run_is(w, 200, 207));
	world_end(w);
}

static void another_readers_traces_count(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	read_file(w, &ra, 8, 4);
	file_ra_state_init(&ra, &w->file);
	read_file(w, &ra, 12, 1);
	CU_ASSERT_TRUE(run_is(w, 8, 16));
	CU_ASSERT_EQUAL(ra.size, 5);
	CU_ASSERT_EQUAL(ra.async_size, 1);
	world_end(w);
}

static void the_end_of_the_file_ends_it(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	for (u64 i = 0; i < 3; i++)
		read_file(w, &ra, PAGES - 3 + i, 1);
	CU_ASSERT_TRUE(run_is(w, PAGES - 3, PAGES - 1));
	page_cache_sync_ra(&w->file, &ra, PAGES, 4);
	page_cache_sync_ra(&w->file, &ra, ~0UL >> 12, 4);
	CU_ASSERT_EQUAL(w->file.nrpages, 3);
	world_end(w);
}

static void advice_steers(void)
{
	struct world *w = big_file();
	struct address_space *as = &w->file;
	struct file_ra_state ra;

	file_ra_state_init(&ra, as);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, 0, 6), -EINVAL);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, 0, -1), -EINVAL);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, -1, POSIX_FADV_NORMAL), -EINVAL);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, -1, 0, POSIX_FADV_NORMAL), 0);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, 0, POSIX_FADV_RANDOM), 0);
	read_file(w, &ra, 0, 1);
	read_file(w, &ra, 1, 2);
	CU_ASSERT_TRUE(run_is(w, 0, 2));
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	CU_ASSERT_EQUAL(ra.ra_pages, 4096);
	read_file(w, &ra, 3, 1);
	CU_ASSERT_TRUE(run_is(w, 0, 6));
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 1, 2 * PAGE_SIZE - 1, POSIX_FADV_DONTNEED), 0);
	CU_ASSERT_TRUE(run_is(w, 0, 0));
	CU_ASSERT_TRUE(run_is(w, 2, 6));
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 0, 0, POSIX_FADV_NORMAL), 0);
	CU_ASSERT_EQUAL(ra.ra_pages, 2048);
	CU_ASSERT_EQUAL(generic_fadvise(as, &ra, 3000 * PAGE_SIZE, 0, POSIX_FADV_WILLNEED), 0);
	CU_ASSERT_TRUE(run_is(w, 3000, 5047)); /* a window, and no more */
	world_end(w);
}

/* Linux reads ahead in folios of several pages, and drops them whole. */
static void folios_go_whole(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;

	file_ra_state_init(&ra, &w->file);
	read_file(w, &ra, 0, 1);
	read_file(w, &ra, 1, 1);
	CU_ASSERT_TRUE(run_is(w, 0, 19)); /* 4 .. 19: four pages a folio */
	invalidate_mapping_pages(&w->file, 5, 9);
	CU_ASSERT_TRUE(run_is(w, 0, 19));
	invalidate_mapping_pages(&w->file, 8, 12);
	CU_ASSERT_TRUE(run_is(w, 0, 7));
	CU_ASSERT_TRUE(run_is(w, 12, 19));
	CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
	world_end(w);
}

/* Windows are wishes: without memory the page that is asked for comes alone. */
static void little_memory_is_no_error(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;
	u32 nth;

	for (nth = 1; nth < 12; nth++) {
		file_ra_state_init(&ra, &w->file);
		w->m.fail_nth = nth;
		page_cache_sync_ra(&w->file, &ra, 0, 8);
		w->m.fail_nth = 0;
		CU_ASSERT_EQUAL(filemap_validate(&w->m), 0);
		read_file(w, &ra, 0, 8);
		CU_ASSERT_PTR_NOT_NULL(radix_find(&w->file.i_pages, 7));
		invalidate_mapping_pages(&w->file, 0, ~0UL);
		CU_ASSERT_EQUAL(w->file.nrpages, 0);
	}
	world_end(w);
}

static void cachestat_counts(void)
{
	struct world *w = big_file();
	struct file_ra_state ra;
	struct cachestat cs = {0};

	file_ra_state_init(&ra, &w->file);
	force_page_cache_ra(&w->file, &ra, 10, 20);
	filemap_mark_written(&w->file, 12 * PAGE_SIZE, 3 * PAGE_SIZE);
	filemap_cachestat(&w->file, 0, ~0UL, &cs);
	CU_ASSERT_EQUAL(cs.nr_cache, 20);
	CU_ASSERT_EQUAL(cs.nr_dirty, 3);
	filemap_cachestat(&w->file, 14, 14, &cs);
	CU_ASSERT_EQUAL(cs.nr_cache, 21);
	CU_ASSERT_EQUAL(cs.nr_dirty, 4);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(windows_grow),
	UNIT_TEST(what_is_not_sequential_is_read_alone),
	UNIT_TEST(two_readers),
	UNIT_TEST(another_readers_traces_count),
	UNIT_TEST(the_end_of_the_file_ends_it),
	UNIT_TEST(advice_steers),
	UNIT_TEST(folios_go_whole),
	UNIT_TEST(little_memory_is_no_error),
	UNIT_TEST(cachestat_counts),
	UNIT_END,
};

const struct unit_suite suite_readahead = {"readahead", tests};

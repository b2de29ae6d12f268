/* Shared anonymous memory: one object behind several mappings. */
#include "mm/vmscan.h"
#include "mm_world.h"

#define RW 3
#define SHARED_ANON 0x21

static void holes_get_pages_when_read(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map(w, 0x10000000, 32, RW, SHARED_ANON);
	u64 faults;

	CU_ASSERT_EQUAL(peek(w, at), 0);
	CU_ASSERT_EQUAL(w->mm->rss[MM_SHMEMPAGES], 1);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 1);
	CU_ASSERT_EQUAL(w->m.stats[ST_file_pages], 1);
	faults = w->mm->min_flt;
	poke(w, at, 5); /* writable at once */
	CU_ASSERT_EQUAL(w->mm->min_flt, faults);
	poke(w, at + 9 * PAGE_SIZE, 6);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 2);
	CU_ASSERT_EQUAL(w->m.stats[ST_file_dirty], 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 32 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_inactive_anon], 0);
	world_end(w);
}

static void the_object_lives_as_long_as_any_mapping(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map(w, 0x10000000, 8, RW, SHARED_ANON);

	CU_ASSERT_EQUAL(w->m.committed_as, 8);
	poke(w, at + 6 * PAGE_SIZE, 66);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 2 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 8); /* by size, whatever is mapped */
	CU_ASSERT_EQUAL(do_munmap(w->mm, at + 6 * PAGE_SIZE, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 1); /* unmapped, but the object has it */
	CU_ASSERT_EQUAL(try_to_free_pages(&w->m, 100), 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 8 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	world_end(w);
}

static void contents_survive_dontneed(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map(w, 0x10000000, 8, RW, SHARED_ANON);

	poke(w, at + PAGE_SIZE, 42);
	zap_page_range(w->mm, at, at + 8 * PAGE_SIZE);
	CU_ASSERT_EQUAL(w->mm->rss[MM_SHMEMPAGES], 0);
	CU_ASSERT_EQUAL(peek(w, at + PAGE_SIZE), 42);
	world_end(w);
}

static void behind_the_object_is_sigbus(void)
{
	struct world *w = world_new(64UL << 20);
	gva_t at = world_map(w, 0x10000000, 4, RW, SHARED_ANON);
	long grown = do_mremap(w->mm, at, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 1, 0);
	struct fault_signal sig;
	u8 byte;

	CU_ASSERT_TRUE_FATAL(grown > 0);
	poke(w, grown + 3 * PAGE_SIZE, 1);
	CU_ASSERT_EQUAL(touch(w, grown + 4 * PAGE_SIZE, TLB_READ, &byte, &sig), 7);
	CU_ASSERT_EQUAL(sig.addr, (gva_t)grown + 4 * PAGE_SIZE);
	world_end(w);
}

static void objects_have_numbers_and_accounts_of_their_own(void)
{
	struct world *w = world_new(64UL << 20);
	struct address_space *a = shmem_new(&w->m, 1, 0), *b = shmem_new(&w->m, 1, VM_NORESERVE);

	CU_ASSERT_NOT_EQUAL(a->ino, b->ino);
	CU_ASSERT_EQUAL(a->dev_major, 0);
	CU_ASSERT_EQUAL(a->dev_minor, 1);
	CU_ASSERT_EQUAL(w->m.committed_as, 1);
	shmem_put(a);
	shmem_put(b);
	CU_ASSERT_EQUAL(PTR_ERR(shmem_new(&w->m, 1UL << 40, 0)), -ENOMEM);
	a = shmem_new(&w->m, 1UL << 40, VM_NORESERVE);
	CU_ASSERT_FALSE(IS_ERR(a));
	shmem_put(a);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(holes_get_pages_when_read),
	UNIT_TEST(the_object_lives_as_long_as_any_mapping),
	UNIT_TEST(contents_survive_dontneed),
	UNIT_TEST(behind_the_object_is_sigbus),
	UNIT_TEST(objects_have_numbers_and_accounts_of_their_own),
	UNIT_END,
};

const struct unit_suite suite_shmem = {"shmem", tests};

/* Overcommit: what each mode refuses, to the page, and what Committed_AS counts. See: proc(5)
 * overcommit_memory; Documentation/mm/overcommit-accounting.rst. */
#include "mm_world.h"

#define RAM (64UL << 20)
#define R 1
#define RW 3
#define PRIVATE 0x22 /* | MAP_ANONYMOUS */
#define SHARED 0x21
#define NORESERVE 0x4000
#define BASE 0x10000000UL

/* Without a hint: somewhere below the top. */
static long map(struct world *w, u64 pages, u64 prot, u64 flags)
{
	w->mm->mmap_base = 0x7ffff7fff000UL;
	return do_mmap(w->mm, NULL, 0, pages << PAGE_SHIFT, prot, flags, 0, false);
}

/* Mode 2 with a limit of @kbytes, and nothing kept back. */
static struct world *strict(u64 kbytes)
{
	struct world *w = world_new(RAM);

	w->m.overcommit_memory = OVERCOMMIT_NEVER;
	w->m.overcommit_kbytes = kbytes;
	w->m.admin_reserve_kbytes = w->m.user_reserve_kbytes = 0;
	return w;
}

static void guessing_refuses_only_what_no_machine_could_hold(void)
{
	struct world *w = world_new(RAM);
	u64 total = totalram_pages(&w->m);

	CU_ASSERT_EQUAL(map(w, total + 1, RW, PRIVATE), -ENOMEM);
	CU_ASSERT(map(w, total, RW, PRIVATE) > 0);
	CU_ASSERT(map(w, total, RW, PRIVATE) > 0); /* one request at a time is looked at */
	CU_ASSERT_EQUAL(w->m.committed_as, 2 * total);
	CU_ASSERT(map(w, total + 1, RW, PRIVATE | NORESERVE) > 0);
	CU_ASSERT(map(w, total + 1, R, PRIVATE) > 0);
	CU_ASSERT_EQUAL(map(w, total + 1, R, SHARED), -ENOMEM);
	CU_ASSERT(map(w, total + 1, R, SHARED | NORESERVE) > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 2 * total);
	world_end(w);
}

static void always_refuses_nothing_and_counts_all_the_same(void)
{
	struct world *w = world_new(RAM);
	u64 total = totalram_pages(&w->m);

	w->m.overcommit_memory = OVERCOMMIT_ALWAYS;
	CU_ASSERT(map(w, 100 * total, RW, PRIVATE) > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 100 * total);
	CU_ASSERT(map(w, 3 * total, R, SHARED) > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 103 * total);
	CU_ASSERT(map(w, total, RW, PRIVATE | NORESERVE) > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 103 * total);
	world_end(w);
}

static void the_limit_is_a_part_of_ram_or_a_number(void)
{
	struct world *w = world_new(RAM);

	CU_ASSERT_EQUAL(vm_commit_limit(&w->m), totalram_pages(&w->m) * 50 / 100);
	w->m.overcommit_ratio = 120;
	CU_ASSERT_EQUAL(vm_commit_limit(&w->m), totalram_pages(&w->m) * 120 / 100);
	w->m.overcommit_kbytes = 4096;
	CU_ASSERT_EQUAL(vm_commit_limit(&w->m), 1024);
	world_end(w);
}

/* Committed_AS stays below the limit: equal is too much. */
static void never_stops_one_page_short_of_the_limit(void)
{
	struct world *w = strict(400); /* 100 pages */
	long at;

	CU_ASSERT_EQUAL(map(w, 100, RW, PRIVATE), -ENOMEM);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	at = map(w, 99, RW, PRIVATE);
	CU_ASSERT(at > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 99);
	CU_ASSERT_EQUAL(map(w, 1, RW, PRIVATE), -ENOMEM);
	CU_ASSERT_EQUAL(map(w, 1, RW, PRIVATE | NORESERVE), -ENOMEM); /* the flag is ignored */
	CU_ASSERT_EQUAL(map(w, 1, R, SHARED), -ENOMEM);
	CU_ASSERT(map(w, 1000, R, PRIVATE) > 0); /* nothing can come of it */
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 9 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 90);
	CU_ASSERT(map(w, 9, R, SHARED) > 0);
	CU_ASSERT_EQUAL(map(w, 1, RW, PRIVATE), -ENOMEM);
	world_end(w);
}

static void rights_given_later_are_charged_then(void)
{
	struct world *w = strict(400);
	gva_t at = world_map(w, BASE, 120, 0, PRIVATE);

	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 100 * PAGE_SIZE, RW), -ENOMEM);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 50 * PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 50);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 50 * PAGE_SIZE, R), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 50 * PAGE_SIZE, RW), 0);
	poke(w, at, 1);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 50 * PAGE_SIZE, R), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 50); /* what has pages stays charged */
	CU_ASSERT_EQUAL(do_mprotect(w->mm, at, 60 * PAGE_SIZE, RW), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 60);
	world_end(w);
}

static void growth_and_copies_are_charged(void)
{
	struct world *w = strict(400);
	gva_t at = world_map(w, BASE, 40, RW, PRIVATE);
	struct mm_struct *child;

	poke(w, at, 1);
	CU_ASSERT_EQUAL(do_mremap(w->mm, at, 40 * PAGE_SIZE, 100 * PAGE_SIZE, 0, 0), -ENOMEM);
	CU_ASSERT_EQUAL((u64)do_mremap(w->mm, at, 40 * PAGE_SIZE, 45 * PAGE_SIZE, 0, 0), at);
	CU_ASSERT_EQUAL(w->m.committed_as, 45);
	child = dup_mm(w->mm);
	CU_ASSERT_FALSE_FATAL(IS_ERR(child));
	CU_ASSERT_EQUAL(w->m.committed_as, 90);
	CU_ASSERT_PTR_EQUAL(dup_mm(w->mm), ERR_PTR(-ENOMEM)); /* a third one */
	CU_ASSERT_EQUAL(w->m.committed_as, 90);
	mmput(child);
	CU_ASSERT_EQUAL(w->m.committed_as, 45);
	world_end(w);
}

/* A thirty-second part of the process, at most the setting, for root to log in with; and from who is not
 * root, the administrator's. */
static void reserves_are_kept_back(void)
{
	static const u64 caps = MM_CAP_SYS_ADMIN;
	struct world *w = strict(4000); /* 1000 pages */
	long at;

	w->m.admin_reserve_kbytes = 400;
	w->m.caps = &caps;
	CU_ASSERT((at = map(w, 999, RW, PRIVATE)) > 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 999 * PAGE_SIZE), 0);
	w->m.caps = NULL;
	CU_ASSERT_EQUAL(map(w, 900, RW, PRIVATE), -ENOMEM);
	CU_ASSERT((at = map(w, 899, RW, PRIVATE)) > 0);
	CU_ASSERT_EQUAL(do_munmap(w->mm, at, 899 * PAGE_SIZE), 0);

	w->m.admin_reserve_kbytes = 0;
	w->m.user_reserve_kbytes = 40;		       /* 10 pages */
	CU_ASSERT((at = map(w, 320, 0, PRIVATE)) > 0); /* total_vm 320: a part of 10 */
	CU_ASSERT_EQUAL(map(w, 990, RW, PRIVATE), -ENOMEM);
	CU_ASSERT(map(w, 989, RW, PRIVATE) > 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 989);
	world_end(w);
}

/* Objects: by size when they are made, or by page. */
static void shared_objects_are_charged(void)
{
	struct world *w = strict(400);
	struct address_space *as = shmem_new(&w->m, 50 * PAGE_SIZE + 1, 0);
	struct page *page;

	CU_ASSERT_EQUAL(w->m.committed_as, 51);
	CU_ASSERT_PTR_EQUAL(shmem_new(&w->m, 49 * PAGE_SIZE, 0), ERR_PTR(-ENOMEM));
	CU_ASSERT_EQUAL(shmem_setattr_size(as, 100 * PAGE_SIZE), -ENOMEM);
	CU_ASSERT_EQUAL(shmem_setattr_size(as, 99 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 99);
	CU_ASSERT_EQUAL(shmem_setattr_size(as, PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 1);
	shmem_put(as);

	as = shmem_new(&w->m, 1000 * PAGE_SIZE, VM_NORESERVE);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_EQUAL(shmem_allocate(as, 0, 100), -ENOSPC);
	CU_ASSERT_EQUAL(w->m.committed_as, 0); /* nothing of it stayed */
	CU_ASSERT_EQUAL(w->m.stats[ST_shmem], 0);
	CU_ASSERT_EQUAL(shmem_allocate(as, 0, 99), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 99);
	CU_ASSERT_FALSE(shmem_is_data(as, 5)); /* allocated, but not written */
	page = shmem_get_page(as, 5);
	CU_ASSERT_TRUE(shmem_is_data(as, 5));
	put_page(&w->m, page);
	CU_ASSERT_PTR_EQUAL(shmem_get_page(as, 500), ERR_PTR(-ENOSPC));
	shmem_punch_hole(as, 0, 50 * PAGE_SIZE);
	CU_ASSERT_EQUAL(w->m.committed_as, 49);
	shmem_put(as);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(guessing_refuses_only_what_no_machine_could_hold),
	UNIT_TEST(always_refuses_nothing_and_counts_all_the_same),
	UNIT_TEST(the_limit_is_a_part_of_ram_or_a_number),
	UNIT_TEST(never_stops_one_page_short_of_the_limit),
	UNIT_TEST(rights_given_later_are_charged_then),
	UNIT_TEST(growth_and_copies_are_charged),
	UNIT_TEST(reserves_are_kept_back),
	UNIT_TEST(shared_objects_are_charged),
	UNIT_END,
};

const struct unit_suite suite_overcommit = {"overcommit", tests};

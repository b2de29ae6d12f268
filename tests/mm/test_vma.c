/* Which areas become one, where they split, limits and the stack: as probe p05 saw on Linux 6.18,
 * and that a failed call changes nothing. */
#include "vma_shape.h"

static long prot(struct world *w, u64 page, u64 pages, u64 p)
{
	return do_mprotect(w->mm, ARENA + page * PG, pages * PG, p);
}

static void touch_page(struct world *w, u64 page)
{
	poke(w, ARENA + page * PG, 1);
}

static void neighbours_with_equal_flags_are_one(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 1, RW, MAP_PRIVATE);
	fx(w, 1, 1, RW, MAP_PRIVATE);
	CHECK_SHAPE(w, 16, "[0,2)rw-p");
	fx(w, 2, 1, PROT_READ, MAP_PRIVATE);
	CHECK_SHAPE(w, 16, "[0,2)rw-p [2,3)r--p");
	CU_ASSERT_EQUAL(prot(w, 2, 1, RW), 0);
	CHECK_SHAPE(w, 16, "[0,3)rw-p");
	CU_ASSERT_EQUAL(prot(w, 1, 1, PROT_READ), 0);
	CHECK_SHAPE(w, 16, "[0,1)rw-p [1,2)r--p [2,3)rw-p");
	touch_page(w, 0);
	touch_page(w, 2);
	CU_ASSERT_EQUAL(prot(w, 1, 1, RW), 0);
	CHECK_SHAPE(w, 16, "[0,2)rw-p [2,3)rw-p"); /* two anon_vmas */
	world_end(w);
}

static void flags_keep_areas_apart(void)
{
	static const u64 other[] = {MAP_NORESERVE, MAP_STACK, MAP_LOCKED, MAP_GROWSDOWN};
	struct world *w = world_new(64 << 20);

	for (unsigned i = 0; i < ARRAY_SIZE(other); i++) {
		fx(w, 0, 1, RW, MAP_PRIVATE);
		fx(w, 1, 1, RW, MAP_PRIVATE | other[i]);
		CHECK_SHAPE(w, 16, "[0,1)rw-p [1,2)rw-p");
	}
	fx(w, 0, 1, RW, MAP_SHARED);
	fx(w, 1, 1, RW, MAP_SHARED);
	CHECK_SHAPE(w, 16, "[0,1)rw-s [1,2)rw-s");
	world_end(w);
}

static void a_hole_filled_between_two_families_joins_the_left_one(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 1, RW, MAP_PRIVATE);
	fx(w, 2, 1, RW, MAP_PRIVATE);
	touch_page(w, 0);
	touch_page(w, 2);
	fx(w, 1, 1, RW, MAP_PRIVATE);
	CHECK_SHAPE(w, 16, "[0,2)rw-p [2,3)rw-p");
	do_munmap(w->mm, ARENA, 16 * PG);
	fx(w, 0, 1, RW, MAP_PRIVATE);
	fx(w, 2, 1, RW, MAP_PRIVATE);
	fx(w, 1, 1, RW, MAP_PRIVATE);
	CHECK_SHAPE(w, 16, "[0,3)rw-p");
	/* The middle replaced: both sides are of one family, and close again. */
	touch_page(w, 0);
	fx(w, 1, 1, RW, MAP_PRIVATE);
	CHECK_SHAPE(w, 16, "[0,3)rw-p");
	world_end(w);
}

static void files_join_when_offsets_continue(void)
{
	struct world *w = world_new(64 << 20);

	world_map_file(w, ARENA, 1, PROT_READ, MAP_PRIVATE, 0);
	world_map_file(w, ARENA + PG, 1, PROT_READ, MAP_PRIVATE, 1);
	CHECK_SHAPE(w, 16, "[0,2)r--p");
	world_map_file(w, ARENA + 2 * PG, 1, PROT_READ, MAP_PRIVATE, 5);
	CHECK_SHAPE(w, 16, "[0,2)r--p [2,3)r--p+5");
	world_map_file(w, ARENA + 3 * PG, 1, PROT_READ, MAP_SHARED, 6);
	CHECK_SHAPE(w, 16, "[0,2)r--p [2,3)r--p+5 [3,4)r--s+6");
	CU_ASSERT_EQUAL(prot(w, 0, 1, RW), 0);
	CU_ASSERT_EQUAL(prot(w, 0, 1, PROT_READ), 0);
	/* What was made writable once stays accounted. */
	CHECK_SHAPE(w, 16, "[0,1)r--p [1,2)r--p+1 [2,3)r--p+5 [3,4)r--s+6");
	world_end(w);
}

static void shared_anonymous_memory_splits_and_joins_again(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_SHARED);
	CU_ASSERT_EQUAL(prot(w, 2, 2, PROT_READ), 0);
	CHECK_SHAPE(w, 16, "[0,2)rw-s [2,4)r--s+2 [4,8)rw-s+4");
	CU_ASSERT_EQUAL(prot(w, 2, 2, RW), 0);
	CHECK_SHAPE(w, 16, "[0,8)rw-s");
	world_end(w);
}

static void mprotect_as_probe_p25(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(prot(w, 2, 2, PROT_READ), 0);
	CU_ASSERT_EQUAL(prot(w, 2, 2, RW), 0);
	CHECK_SHAPE(w, 32, "[0,8)rw-p");
	CU_ASSERT_EQUAL(prot(w, 0, 1, 0), 0);
	CU_ASSERT_EQUAL(prot(w, 7, 1, PROT_READ | PROT_EXEC), 0);
	CHECK_SHAPE(w, 32, "[0,1)---p [1,7)rw-p [7,8)r-xp");
	CU_ASSERT_EQUAL(prot(w, 0, 8, RW | PROT_EXEC), 0);
	CHECK_SHAPE(w, 32, "[0,8)rwxp");
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, 1, RW), 0);
	CHECK_SHAPE(w, 32, "[0,1)rw-p [1,8)rwxp");
	CU_ASSERT_EQUAL(prot(w, 0, 0, PROT_READ), 0);
	CU_ASSERT_EQUAL(prot(w, 20, 0, PROT_READ), 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA + 1, 0, PROT_READ), -EINVAL);
	CU_ASSERT_EQUAL(prot(w, 20, 1, PROT_READ), -ENOMEM);
	CU_ASSERT_EQUAL(prot(w, 0, 1, 0x10), -EINVAL);
	CU_ASSERT_EQUAL(prot(w, 0, 1, RW | PROT_SEM), 0);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, -PG, PROT_READ), -ENOMEM);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA, -1UL, PROT_READ), -ENOMEM);
	do_munmap(w->mm, ARENA, 32 * PG);
	fx(w, 0, 4, RW, MAP_PRIVATE);
	fx(w, 6, 2, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(prot(w, 2, 6, PROT_READ), -ENOMEM);
	CHECK_SHAPE(w, 32, "[0,2)rw-p [2,4)r--p [6,8)rw-p");
	CU_ASSERT_EQUAL(prot(w, 4, 4, PROT_READ), -ENOMEM);
	CU_ASSERT_EQUAL(prot(w, 6, 8, 0), -ENOMEM);
	CHECK_SHAPE(w, 32, "[0,2)rw-p [2,4)r--p [6,8)---p");
	do_munmap(w->mm, ARENA, 32 * PG);
	fx(w, 8, 4, RW, MAP_PRIVATE | MAP_GROWSDOWN);
	CU_ASSERT_EQUAL(prot(w, 10, 1, PROT_READ | PROT_GROWSDOWN), 0);
	CHECK_SHAPE(w, 32, "[8,11)r--p [11,12)rw-p");
	CU_ASSERT_EQUAL(prot(w, 8, 1, PROT_READ | PROT_GROWSUP), -EINVAL);
	CU_ASSERT_EQUAL(prot(w, 7, 2, RW | PROT_GROWSDOWN), 0);
	CHECK_SHAPE(w, 32, "[8,9)rw-p [9,11)r--p [11,12)rw-p");
	CU_ASSERT_EQUAL(prot(w, 6, 1, RW | PROT_GROWSDOWN), -ENOMEM);
	world_end(w);
}

static void committed_memory_follows_rights(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 8, 0, MAP_PRIVATE);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	prot(w, 0, 4, RW);
	CU_ASSERT_EQUAL(w->m.committed_as, 4);
	prot(w, 0, 2, 0); /* never touched: given back */
	CU_ASSERT_EQUAL(w->m.committed_as, 2);
	touch_page(w, 3);
	prot(w, 2, 2, 0); /* touched: kept */
	CU_ASSERT_EQUAL(w->m.committed_as, 2);
	CHECK_SHAPE(w, 16, "[0,2)---p [2,4)---p [4,8)---p");
	fx(w, 20, 3, PROT_READ, MAP_SHARED);
	CU_ASSERT_EQUAL(w->m.committed_as, 5);
	fx(w, 24, 3, RW, MAP_PRIVATE | MAP_NORESERVE);
	CU_ASSERT_EQUAL(w->m.committed_as, 5);
	do_munmap(w->mm, ARENA, 100 * PG);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	CU_ASSERT_EQUAL(do_mmap(w->mm, NULL, 0, 65 << 20, RW, ANON | MAP_ANONYMOUS, 0, false),
			-ENOMEM);
	CU_ASSERT_EQUAL(w->m.committed_as, 0);
	world_end(w);
}

static void stacks_grow_down_to_their_limits(void)
{
	struct world *w = world_new(64 << 20);
	struct vm_area_struct *stack = vm_stack_create(w->mm, ARENA + 10000 * PG, 33 * PG);
	gva_t low = stack->vm_start;

	CU_ASSERT_EQUAL(expand_stack(stack, low - 100), 0);
	CU_ASSERT_EQUAL(stack->vm_start, low - PG);
	CU_ASSERT_EQUAL(expand_stack(stack, ARENA + (10000 - 2048) * PG), 0);
	CU_ASSERT_EQUAL(expand_stack(stack, ARENA + (10000 - 2049) * PG), -ENOMEM);
	CU_ASSERT_EQUAL(w->mm->stack_vm, 2048);
	w->rlim[RLIM_STACK] = 64 << 20;
	fx(w, 7000, 1, PROT_READ, MAP_PRIVATE); /* 256 pages stay free above it */
	CU_ASSERT_EQUAL(expand_stack(stack, ARENA + 7256 * PG), -ENOMEM);
	CU_ASSERT_EQUAL(expand_stack(stack, ARENA + 7257 * PG), 0);
	prot(w, 7000, 1, 0); /* nobody can reach it: no gap needed */
	CU_ASSERT_EQUAL(expand_stack(stack, ARENA + 7001 * PG), 0);
	CHECK_SHAPE(w, 10000, "[7000,7001)---p [7001,10000)rw-p");
	world_end(w);
}

static void the_map_limit_stops_splits(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 40, RW, MAP_PRIVATE);
	w->m.max_map_count = 3;
	CU_ASSERT_EQUAL(prot(w, 1, 1, 0), 0);
	CU_ASSERT_EQUAL(prot(w, 5, 1, 0), -ENOMEM);
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA + 8 * PG, PG), -ENOMEM);
	CU_ASSERT_EQUAL(do_madvise(w->mm, ARENA + 8 * PG, PG, 10), -EAGAIN);
	CHECK_SHAPE(w, 99, "[0,1)rw-p [1,2)---p [2,40)rw-p");
	CU_ASSERT_EQUAL(do_munmap(w->mm, ARENA + 39 * PG, PG), 0); /* no split */
	fx(w, 50, 1, RW, MAP_PRIVATE); /* one more than the limit, as Linux */
	CU_ASSERT_EQUAL(do_mmap(w->mm, NULL, ARENA + 60 * PG, PG, RW, ANON | MAP_ANONYMOUS, 0, 0),
			-ENOMEM);
	world_end(w);
}

/* --- a failed call changes nothing -------------------------------------------------------- */

static void three_touched_pieces(struct world *w)
{
	fx(w, 0, 8, RW, MAP_PRIVATE);
	touch_page(w, 1);
	fx(w, 8, 8, PROT_READ, MAP_PRIVATE);
	fx(w, 16, 8, RW, MAP_PRIVATE);
	touch_page(w, 20);
}

static long protect_middle(struct world *w)
{
	return prot(w, 2, 2, PROT_READ);
}

static long protect_to_join(struct world *w)
{
	return prot(w, 8, 8, RW);
}

static long unmap_middle(struct world *w)
{
	return do_munmap(w->mm, ARENA + 3 * PG, 2 * PG);
}

static long map_over_middle(struct world *w)
{
	return do_mmap(w->mm, NULL, ARENA + 3 * PG, 2 * PG, PROT_EXEC,
		       ANON | MAP_ANONYMOUS | MAP_FIXED, 0, false);
}

static long map_shared_over_middle(struct world *w)
{
	return do_mmap(w->mm, NULL, ARENA + 3 * PG, 2 * PG, RW,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0, false);
}

static long grow_stack(struct world *w)
{
	struct vm_area_struct *stack = vma_lookup(w->mm, ARENA + 3999 * PG);

	return expand_stack(stack, stack->vm_start - 5 * PG);
}

static void with_stack(struct world *w)
{
	vm_stack_create(w->mm, ARENA + 4000 * PG, 33 * PG);
}

static void failed_calls_change_nothing(void)
{
	fails_cleanly(three_touched_pieces, protect_middle, ENOMEM);
	fails_cleanly(three_touched_pieces, protect_to_join, ENOMEM);
	fails_cleanly(three_touched_pieces, unmap_middle, ENOMEM);
	fails_cleanly(three_touched_pieces, map_over_middle, ENOMEM);
	fails_cleanly(three_touched_pieces, map_shared_over_middle, ENOMEM);
	fails_cleanly(with_stack, grow_stack, ENOMEM);
}

static const struct unit_test tests[] = {
	UNIT_TEST(neighbours_with_equal_flags_are_one),
	UNIT_TEST(flags_keep_areas_apart),
	UNIT_TEST(a_hole_filled_between_two_families_joins_the_left_one),
	UNIT_TEST(files_join_when_offsets_continue),
	UNIT_TEST(shared_anonymous_memory_splits_and_joins_again),
	UNIT_TEST(mprotect_as_probe_p25),
	UNIT_TEST(committed_memory_follows_rights),
	UNIT_TEST(stacks_grow_down_to_their_limits),
	UNIT_TEST(the_map_limit_stops_splits),
	UNIT_TEST(failed_calls_change_nothing),
	UNIT_END,
};
const struct unit_suite suite_vma = {"vma", tests};

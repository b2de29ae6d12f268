/* mremap: the rows of probe p24, and that a failed call changes nothing. */
#include "vma_shape.h"

#define MAY MREMAP_MAYMOVE
#define FIX (MREMAP_MAYMOVE | MREMAP_FIXED)
#define DU MREMAP_DONTUNMAP
#define P(n) (ARENA + (n)*PG)

static long mr(struct world *w, gva_t old, u64 old_pages, u64 new_pages, u64 flags, gva_t new)
{
	return do_mremap(w->mm, old, old_pages * PG, new_pages * PG, flags, new);
}

static void fill(struct world *w, u64 page, u64 pages, u8 val)
{
	while (pages--)
		poke(w, P(page++), val);
}

static void growing_shrinking_moving(void)
{
	struct world *w = world_new(64 << 20);
	long q;

	fx(w, 0, 4, RW, MAP_PRIVATE);
	fill(w, 0, 4, 1);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 8, 0, 0), P(0));
	CHECK_SHAPE(w, 64, "[0,8)rw-p");
	CU_ASSERT_EQUAL(mr(w, P(0), 8, 2, 0, 0), P(0));
	CU_ASSERT_EQUAL(mr(w, P(0), 2, 2, 0, 0), P(0));
	CU_ASSERT_EQUAL(do_mremap(w->mm, P(0), 2 * PG, 2 * PG + 1, 0, 0), P(0));
	CHECK_SHAPE(w, 64, "[0,3)rw-p");
	fx(w, 4, 1, 0, MAP_PRIVATE);
	CU_ASSERT_EQUAL(mr(w, P(0), 3, 6, 0, 0), -ENOMEM);
	poke(w, P(0), 9);
	q = mr(w, P(0), 3, 6, MAY, 0);
	CU_ASSERT_FATAL(q > 0 && q != (long)P(0));
	CU_ASSERT_EQUAL(peek(w, q), 9);
	CHECK_SHAPE(w, 8, "[4,5)---p");
	CU_ASSERT_EQUAL(mr(w, q, 6, 6, FIX, P(0)), P(0));
	CHECK_SHAPE(w, 64, "[0,6)rw-p");
	fx(w, 20, 4, PROT_READ, MAP_PRIVATE);
	CU_ASSERT_EQUAL(mr(w, P(0), 6, 6, FIX, P(21)), P(21));
	CHECK_SHAPE(w, 64, "[20,21)r--p [21,27)rw-p");
	CU_ASSERT_EQUAL(mr(w, P(21), 6, 2, FIX, P(40)), P(40));
	CHECK_SHAPE(w, 64, "[20,21)r--p [40,42)rw-p");
	CU_ASSERT_EQUAL(mr(w, P(40), 2, 4, FIX, P(0)), P(0));
	CHECK_SHAPE(w, 64, "[0,4)rw-p [20,21)r--p");
	CU_ASSERT_EQUAL(peek(w, P(0)), 9);
	CU_ASSERT_EQUAL(mr(w, P(1), 1, 1, FIX, P(10)), P(10));
	CHECK_SHAPE(w, 64, "[0,1)rw-p [2,4)rw-p [10,11)rw-p [20,21)r--p");
	CU_ASSERT_EQUAL(w->m.committed_as, 4);
	world_end(w);
}

static void what_dontunmap_leaves(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 4, RW, MAP_PRIVATE);
	fill(w, 0, 4, 7);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 4, FIX | DU, P(8)), P(8));
	CHECK_SHAPE(w, 64, "[0,4)rw-p [8,12)rw-p");
	CU_ASSERT_EQUAL(peek(w, P(8)), 7);
	CU_ASSERT_EQUAL(peek(w, P(0)), 0);
	CU_ASSERT_EQUAL(w->m.committed_as, 8);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 8, MAY | DU, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 4, DU, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 0, 4, MAY, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 0, 4, 0, 0), -EINVAL);
	do_munmap(w->mm, P(0), 64 * PG);
	fx(w, 0, 4, RW, MAP_PRIVATE);
	do_mlock(w->mm, P(0), 4 * PG, 0);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 8, 0, 0), P(0));
	CU_ASSERT_EQUAL(w->mm->rss[MM_ANONPAGES], 8); /* the new part is filled */
	CU_ASSERT_EQUAL(mr(w, P(0), 8, 8, FIX | DU, P(20)), P(20));
	CU_ASSERT_EQUAL(vma_lookup(w->mm, P(0))->vm_flags & VM_LOCKED, 0);
	CU_ASSERT_EQUAL(vma_lookup(w->mm, P(20))->vm_flags & VM_LOCKED, VM_LOCKED);
	CU_ASSERT_EQUAL(w->mm->locked_vm, 16); /* as Linux, which forgets the old range */
	world_end(w);
}

static void shared_mappings_can_be_doubled(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 20, 4, RW, MAP_SHARED);
	poke(w, P(20), 5);
	CU_ASSERT_EQUAL(mr(w, P(20), 0, 4, FIX, P(30)), P(30));
	CU_ASSERT_EQUAL(peek(w, P(30)), 5);
	poke(w, P(30), 6);
	CU_ASSERT_EQUAL(peek(w, P(20)), 6);
	CU_ASSERT(mr(w, P(20), 4, 4, MAY | DU, 0) > 0);
	CU_ASSERT_EQUAL(mr(w, P(20), 4, 6, 0, 0), P(20));
	CU_ASSERT_EQUAL(mr(w, P(20), 0, 2, 0, 0), -ENOMEM);
	CU_ASSERT_EQUAL(touch(w, P(25), TLB_READ, &(u8){0}, NULL), 7); /* SIGBUS */
	CU_ASSERT_EQUAL(w->m.committed_as, 4);
	world_map_file(w, P(40), 2, PROT_READ, MAP_PRIVATE, 1);
	CU_ASSERT_EQUAL(mr(w, P(40), 2, 5, 0, 0), P(40));
	CU_ASSERT_EQUAL(peek(w, P(44)), 5 * 7 + 1);
	CU_ASSERT_EQUAL(mr(w, P(40), 5, 5, FIX | DU, P(50)), P(50));
	CHECK_SHAPE(w, 64, "[20,26)rw-s [30,34)rw-s [40,45)r--p+1 [50,55)r--p+1");
	world_end(w);
}

static void bad_arguments_move_nothing(void)
{
	const gva_t kernel = 0xffff800000000000;
	struct world *w = world_new(64 << 20);

	fx(w, 0, 4, RW, MAP_PRIVATE);
	CU_ASSERT_EQUAL(mr(w, P(0) + 1, 1, 1, MAY, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 0, MAY, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 1, MAY | 8, 0), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 1, MREMAP_FIXED, P(10)), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 1, FIX, P(10) + 1), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(1), 2, 2, FIX, P(0)), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 2, 2, FIX, P(1)), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 2, 2, FIX, P(0)), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 1, FIX, kernel), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(0), 1, 2, FIX, TASK_SIZE - PG), -EINVAL);
	CU_ASSERT_EQUAL(mr(w, P(50), 1, 2, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(50), 1, 1, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(50), 2, 1, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, kernel, 1, 1, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(0), 8, 16, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(0), 8, 8, MAY, 0), P(0));
	CU_ASSERT_EQUAL(mr(w, P(0), 8, 2, 0, 0), P(0));
	CHECK_SHAPE(w, 64, "[0,2)rw-p");
	CU_ASSERT_EQUAL(do_mremap(w->mm, P(0), PG, 1UL << 47, MAY, 0), -EINVAL);
	CU_ASSERT_EQUAL(do_mremap(w->mm, P(0), PG, -1UL, MAY, 0), -EINVAL);
	world_end(w);
}

static void ranges_of_several_areas(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 4, RW, MAP_PRIVATE);
	do_mprotect(w->mm, P(2), PG, PROT_READ);
	CU_ASSERT_EQUAL(mr(w, P(0), 3, 1, 0, 0), P(0));
	CHECK_SHAPE(w, 64, "[0,1)rw-p [3,4)rw-p");
	fx(w, 0, 4, RW, MAP_PRIVATE);
	do_mprotect(w->mm, P(2), 2 * PG, PROT_READ);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 8, MAY, 0), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(0), 4, 4, FIX, P(20)), P(20));
	CHECK_SHAPE(w, 64, "[20,22)rw-p [22,24)r--p");
	CU_ASSERT_EQUAL(mr(w, P(20), 4, 3, FIX, P(40)), -EFAULT);
	CU_ASSERT_EQUAL(mr(w, P(20), 4, 1, FIX, P(40)), P(40));
	do_munmap(w->mm, P(0), 64 * PG);
	fx(w, 0, 2, RW, MAP_PRIVATE);
	fx(w, 3, 1, RW, MAP_SHARED);
	fx(w, 5, 1, PROT_READ, MAP_PRIVATE);
	fill(w, 0, 2, 1);
	CU_ASSERT_EQUAL(mr(w, P(0), 6, 6, FIX, P(20)), P(20));
	CHECK_SHAPE(w, 64, "[20,22)rw-p [23,24)rw-s [25,26)r--p");
	world_end(w);
}

/* probe p05 */
static void moved_areas_join_their_own_kind(void)
{
	struct world *w = world_new(64 << 20);

	fx(w, 0, 2, RW, MAP_PRIVATE);
	fx(w, 4, 2, RW, MAP_PRIVATE);
	fill(w, 0, 1, 1);
	fill(w, 4, 1, 1);
	mr(w, P(4), 2, 2, FIX, P(2));
	CHECK_SHAPE(w, 64, "[0,2)rw-p [2,4)rw-p");
	do_munmap(w->mm, P(0), 64 * PG);
	fx(w, 0, 4, RW, MAP_PRIVATE);
	mr(w, P(2), 2, 2, FIX, P(8));
	mr(w, P(8), 2, 2, FIX, P(2));
	CHECK_SHAPE(w, 64, "[0,4)rw-p");
	fill(w, 0, 4, 1);
	mr(w, P(2), 2, 2, FIX, P(8));
	CHECK_SHAPE(w, 64, "[0,2)rw-p [8,10)rw-p");
	mr(w, P(8), 2, 2, FIX, P(2));
	CHECK_SHAPE(w, 64, "[0,4)rw-p");
	world_end(w);
}

/* The target touches the source itself: every way to lie next to it. */
static void untouched_areas_move_beside_themselves(void)
{
	struct world *w = world_new(64 << 20);

	for (u64 from = 10; from < 14; from++) {
		for (u64 to = 8; to <= 14; to += 6) {
			do_munmap(w->mm, P(0), 64 * PG);
			fx(w, 10, 4, RW, MAP_PRIVATE);
			CU_ASSERT_EQUAL((gva_t)mr(w, P(from), 1, 2, FIX, P(to)), P(to));
			CU_ASSERT_EQUAL(w->mm->total_vm, 5);
			CU_ASSERT_EQUAL(w->m.committed_as, 5);
			CU_ASSERT_EQUAL(mm_validate(w->mm), 0);
		}
	}
	CHECK_SHAPE(w, 64, "[10,13)rw-p [14,16)rw-p");
	world_end(w);
}

/* --- a failed call changes nothing -------------------------------------------------------- */

static void with_eight(struct world *w)
{
	fx(w, 0, 8, RW, MAP_PRIVATE);
	fill(w, 0, 8, 3);
}

static void with_eight_and_a_neighbour(struct world *w)
{
	with_eight(w);
	do_mprotect(w->mm, P(4), 4 * PG, PROT_READ);
	do_mprotect(w->mm, P(4), 4 * PG, RW);
	fx(w, 513, 1, 0, MAP_PRIVATE);
}

static long move_middle(struct world *w)
{
	return mr(w, P(2), 2, 2, FIX, P(600));
}

static long move_away(struct world *w)
{
	return mr(w, P(0), 8, 16, FIX, P(700));
}

static long dontunmap(struct world *w)
{
	return mr(w, P(0), 8, 8, FIX | DU, P(700));
}

static void failed_calls_change_nothing(void)
{
	fails_cleanly(with_eight, move_middle, ENOMEM);
	fails_cleanly(with_eight, move_away, ENOMEM);
	fails_cleanly(with_eight, dontunmap, ENOMEM);
	fails_cleanly(with_eight_and_a_neighbour, move_middle, ENOMEM);
	fails_cleanly(with_eight_and_a_neighbour, move_away, ENOMEM);
}

static const struct unit_test tests[] = {
	UNIT_TEST(growing_shrinking_moving),
	UNIT_TEST(what_dontunmap_leaves),
	UNIT_TEST(shared_mappings_can_be_doubled),
	UNIT_TEST(bad_arguments_move_nothing),
	UNIT_TEST(ranges_of_several_areas),
	UNIT_TEST(moved_areas_join_their_own_kind),
	UNIT_TEST(untouched_areas_move_beside_themselves),
	UNIT_TEST(failed_calls_change_nothing),
	UNIT_END,
};
const struct unit_suite suite_mremap = {"mremap", tests};

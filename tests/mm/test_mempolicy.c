/* src/mm/nodemask.c, mempolicy.c, mbind.c. NUMA policies: masks of many nodes, which no machine of tests has; what shared objects keep; and calls that
 * run out of memory. The calls themselves: tests/guest/mempolicy.c. */
#include "mm/mempolicy.h"

#include "vma_shape.h"

static nodemask_t mask_of(unsigned a, unsigned b, unsigned c)
{
	nodemask_t mask = {0};

	node_set(a, &mask);
	node_set(b, &mask);
	node_set(c, &mask);
	return mask;
}

static void masks_hold_every_node(void)
{
	nodemask_t none = {0}, some = mask_of(3, 64, MAX_NUMNODES - 1), less = mask_of(3, 3, 64),
		   both;

	CU_ASSERT_TRUE(nodes_empty(&none));
	CU_ASSERT_FALSE(nodes_empty(&some));
	CU_ASSERT_TRUE(nodes_subset(&less, &some));
	CU_ASSERT_FALSE(nodes_subset(&some, &less));
	CU_ASSERT_TRUE(nodes_subset(&none, &less));
	nodes_and(&both, &some, &less);
	CU_ASSERT_TRUE(nodes_subset(&both, &less) && nodes_subset(&less, &both));
	CU_ASSERT_EQUAL(next_node_in(0, &some), 3);
	CU_ASSERT_EQUAL(next_node_in(3, &some), 64);
	CU_ASSERT_EQUAL(next_node_in(64, &some), MAX_NUMNODES - 1);
	CU_ASSERT_EQUAL(next_node_in(MAX_NUMNODES - 1, &some), 3);
	CU_ASSERT_EQUAL(next_node_in(7, &none), MAX_NUMNODES);
}

static void text_as_numa_maps_has_it(void)
{
	struct mempolicy pol = {.mode = MPOL_PREFERRED_MANY, .nodes = mask_of(0, 1, 2)};
	char text[MPOL_STR_MAX];

	mpol_to_str(text, NULL);
	CU_ASSERT_STRING_EQUAL(text, "default");
	mpol_to_str(text, &pol);
	CU_ASSERT_STRING_EQUAL(text, "prefer (many):0-2");
	pol.mode = MPOL_BIND;
	pol.nodes = mask_of(63, 64, 1023);
	pol.flags = MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
	mpol_to_str(text, &pol);
	CU_ASSERT_STRING_EQUAL(text, "bind=relative|balancing:63-64,1023");
	for (unsigned node = 0; node < MAX_NUMNODES; node += 2) /* more than fits */
		node_set(node, &pol.nodes);
	mpol_to_str(text, &pol);
	CU_ASSERT_TRUE(strlen(text) < MPOL_STR_MAX && strlen(text) > MPOL_STR_MAX - 32);
}

static void relative_nodes_fold_onto_those_there_are(void)
{
	struct memory *m = new_memory(16 << 20);
	nodemask_t far = mask_of(5, 6, 700);
	struct mempolicy *pol = mpol_new(m, MPOL_BIND, MPOL_F_RELATIVE_NODES, &far);

	CU_ASSERT_FATAL(!IS_ERR_OR_NULL(pol));
	CU_ASSERT_TRUE(node_isset(0, &pol->nodes));
	CU_ASSERT_EQUAL(next_node_in(0, &pol->nodes), 0);
	CU_ASSERT_TRUE(node_isset(700, &pol->user_nodes));
	mpol_put(pol);
	CU_ASSERT_EQUAL(PTR_ERR(mpol_new(m, MPOL_BIND, MPOL_F_STATIC_NODES, &far)), -EINVAL);
	end_memory(m);
}

/* Ranges of an object, cut by later ones in every way. */
static void a_later_range_cuts_earlier_ones(void)
{
	static const struct {
		u64 start, end;
		int which;
	} rows[] = {
		{2, 6, 1},   {3, 5, 2},	 {0, 3, 2}, {4, 12, 1}, {0, 12, 0},
		{11, 12, 2}, {0, 11, 1}, {5, 6, 0}, {5, 6, 2},	{4, 8, 0},
	};
	struct memory *m = new_memory(16 << 20);
	nodemask_t zero = mask_of(0, 0, 0);
	struct mempolicy *pol[3] = {NULL, mpol_new(m, MPOL_BIND, 0, &zero),
				    mpol_new(m, MPOL_INTERLEAVE, 0, &zero)};
	struct shared_policy sp = {NULL};
	char model[13] = "............";

	for (unsigned r = 0; r < ARRAY_SIZE(rows); r++) {
		char seen[13] = "............";

		CU_ASSERT_EQUAL(mpol_set_shared_policy(m, &sp, rows[r].start, rows[r].end,
						       pol[rows[r].which]),
				0);
		for (u64 i = rows[r].start; i < rows[r].end; i++)
			model[i] = ".12"[rows[r].which];
		for (u64 i = 0; i < 12; i++) {
			const struct mempolicy *p = mpol_shared_policy_lookup(&sp, i);

			seen[i] = !p ? '.' : p == pol[1] ? '1' : '2';
		}
		CU_ASSERT_STRING_EQUAL(seen, model);
	}
	mpol_free_shared_policy(m, &sp);
	CU_ASSERT_EQUAL(pol[1]->refcount, 1);
	CU_ASSERT_EQUAL(pol[2]->refcount, 1);
	mpol_put(pol[1]);
	mpol_put(pol[2]);
	end_memory(m);
}

static void with_areas(struct world *w)
{
	world_map(w, ARENA, 8, RW, MAP_PRIVATE);
	poke(w, ARENA, 1);
	poke(w, ARENA + 3 * PG, 1);
}

static long bind_middle(struct world *w)
{
	nodemask_t zero = mask_of(0, 0, 0);

	return do_mbind(w->mm, ARENA + 2 * PG, 2 * PG, MPOL_BIND, 0, &zero, MPOL_MF_STRICT);
}

static void with_bound(struct world *w)
{
	with_areas(w);
	CU_ASSERT_EQUAL(bind_middle(w), 0);
}

static long home_middle(struct world *w)
{
	return do_set_home_node(w->mm, ARENA + 2 * PG, PG, 0, 0);
}

static void with_object(struct world *w)
{
	world_map(w, ARENA, 8, RW, MAP_SHARED);
	poke(w, ARENA, 1);
}

static void failed_calls_change_nothing(void)
{
	fails_cleanly(with_areas, bind_middle, ENOMEM);
	fails_cleanly(with_bound, home_middle, ENOMEM);
}

/* Each area and each task of a family has its reference; the last one frees the policy. */
static void policies_go_with_their_areas(void)
{
	struct world *w = world_new(64 << 20);
	struct mm_struct *child;
	struct mempolicy *pol;

	with_object(w);
	CU_ASSERT_EQUAL(bind_middle(w), 0);
	pol = get_vma_policy(vma_lookup(w->mm, ARENA + 3 * PG), ARENA + 3 * PG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pol);
	CU_ASSERT_EQUAL(pol->refcount, 2); /* the area's and the object's */
	child = dup_mm(w->mm);
	CU_ASSERT_EQUAL(pol->refcount, 3);
	mmput(child);
	CU_ASSERT_EQUAL(pol->refcount, 2);
	CU_ASSERT_EQUAL(do_mprotect(w->mm, ARENA + 3 * PG, PG, PROT_READ), 0); /* in two */
	CU_ASSERT_EQUAL(pol->refcount, 3);
	do_munmap(w->mm, ARENA, 8 * PG);
	world_end(w);
}

static const struct unit_test tests[] = {
	UNIT_TEST(masks_hold_every_node),
	UNIT_TEST(text_as_numa_maps_has_it),
	UNIT_TEST(relative_nodes_fold_onto_those_there_are),
	UNIT_TEST(a_later_range_cuts_earlier_ones),
	UNIT_TEST(failed_calls_change_nothing),
	UNIT_TEST(policies_go_with_their_areas),
	UNIT_END,
};
const struct unit_suite suite_mempolicy = {"mempolicy", tests};

/*
 * The radix tree against an array, with every allocation failing in turn.
 */
#include "unit.h"

#include "base/err.h"
#include "base/radix.h"

#include <stdlib.h>

static unsigned nodes_out, fail_after = ~0U;

static struct radix_node *node_alloc(void *arg)
{
	(void)arg;
	if (!fail_after)
		return NULL;
	fail_after--;
	nodes_out++;
	return malloc(sizeof(struct radix_node));
}

static void node_free(void *arg, struct radix_node *node)
{
	(void)arg;
	nodes_out--;
	free(node);
}

static const struct radix_ops ops = {node_alloc, node_free};

static void an_empty_tree_has_nothing(void)
{
	struct radix_tree t;
	u64 index = 0;

	radix_init(&t, &ops, NULL);
	CU_ASSERT_PTR_NULL(radix_find(&t, 0));
	CU_ASSERT_PTR_NULL(radix_find(&t, ~0UL));
	CU_ASSERT_PTR_NULL(radix_erase(&t, 5));
	CU_ASSERT_PTR_NULL(radix_next(&t, &index));
	CU_ASSERT_TRUE(radix_empty(&t));
	radix_destroy(&t);
}

static void indices_of_every_height_work(void)
{
	static const u64 at[] = {0, 1, 63, 64, 4095, 4096, 1UL << 35, ~0UL - 64, ~0UL};
	struct radix_tree t;
	u64 index = 0;

	radix_init(&t, &ops, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		CU_ASSERT_EQUAL(radix_insert(&t, at[i], (void *)&at[i]), 0);
		CU_ASSERT_EQUAL(radix_insert(&t, at[i], &t), -EEXIST);
		CU_ASSERT_EQUAL(radix_validate(&t), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++, index++) {
		CU_ASSERT_PTR_EQUAL(radix_next(&t, &index), &at[i]);
		CU_ASSERT_EQUAL(index, at[i]);
	}
	for (unsigned i = ARRAY_SIZE(at); i--;) {
		CU_ASSERT_PTR_EQUAL(radix_erase(&t, at[i]), &at[i]);
		CU_ASSERT_EQUAL(radix_validate(&t), 0);
	}
	CU_ASSERT_TRUE(radix_empty(&t));
	CU_ASSERT_EQUAL(nodes_out, 0);
}

static void nothing_lies_behind_the_last(void)
{
	struct radix_tree t;
	u64 index = 65;

	radix_init(&t, &ops, NULL);
	radix_insert(&t, 64, &t);
	CU_ASSERT_PTR_NULL(radix_next(&t, &index));
	radix_insert(&t, ~0UL, &t);
	index = ~0UL - 1;
	CU_ASSERT_PTR_EQUAL(radix_next(&t, &index), &t);
	CU_ASSERT_EQUAL(index, ~0UL);
	radix_destroy(&t);
	CU_ASSERT_EQUAL(nodes_out, 0);
}

static void a_failed_insert_changes_nothing(void)
{
	struct radix_tree t;

	radix_init(&t, &ops, NULL);
	radix_insert(&t, 3, &t);
	for (unsigned n = 0;; n++) {
		unsigned before = nodes_out;
		int err;

		fail_after = n;
		err = radix_insert(&t, 1UL << 40, &fail_after);
		fail_after = ~0U;
		CU_ASSERT_EQUAL(radix_validate(&t), 0);
		CU_ASSERT_PTR_EQUAL(radix_find(&t, 3), &t);
		if (!err)
			break;
		CU_ASSERT_EQUAL(err, -ENOMEM);
		CU_ASSERT_EQUAL(nodes_out, before);
		CU_ASSERT_EQUAL(t.count, 1);
	}
	radix_destroy(&t);
	CU_ASSERT_EQUAL(nodes_out, 0);
}

#define MODEL 8192

static void random_changes_agree_with_an_array(void)
{
	static void *model[MODEL];
	struct radix_tree t;
	u64 count = 0, index = 0;
	int same = 1;

	srandom(1);
	radix_init(&t, &ops, NULL);
	for (unsigned step = 0; step < 200000; step++) {
		u64 i = random() % MODEL;

		if (step % 20000 < 10000 ? random() % 3 : !(random() % 3)) {
			int err = radix_insert(&t, i, &model[i]);

			same &= err == (model[i] ? -EEXIST : 0);
			count += !err;
			model[i] = &model[i];
		} else {
			same &= radix_erase(&t, i) == model[i];
			count -= model[i] != NULL;
			model[i] = NULL;
		}
		same &= t.count == count;
		if (step % 1000 == 0)
			same &= !radix_validate(&t);
	}
	for (u64 i = 0; i < MODEL; i++) {
		same &= radix_find(&t, i) == model[i];
		if (model[i])
			same &= radix_next(&t, &index) == model[i] && index++ == i;
	}
	CU_ASSERT_TRUE(same);
	radix_destroy(&t);
	CU_ASSERT_EQUAL(nodes_out, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(an_empty_tree_has_nothing),	       UNIT_TEST(indices_of_every_height_work),
	UNIT_TEST(nothing_lies_behind_the_last),       UNIT_TEST(a_failed_insert_changes_nothing),
	UNIT_TEST(random_changes_agree_with_an_array), UNIT_END,
};
const struct unit_suite suite_radix = {"radix", tests};

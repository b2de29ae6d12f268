/*
 * The treap against a sorted array, with a sum that each node keeps of its subtree.
 */
#include "unit.h"

#include "base/treap.h"

#include <stdlib.h>

struct item {
	struct treap_node node;
	u32 key;
	u32 nr; /* items in the subtree */
};

static struct item *to_item(struct treap_node *n)
{
	return n ? treap_entry(n, struct item, node) : NULL;
}

static void count(struct treap_node *n)
{
	struct item *i = to_item(n), *l = to_item(n->left), *r = to_item(n->right);

	i->nr = 1 + (l ? l->nr : 0) + (r ? r->nr : 0);
}

static void insert(struct treap *t, struct item *i)
{
	struct treap_node **link = &t->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = i->key < to_item(parent)->key ? &parent->left : &parent->right;
	}
	treap_link(t, &i->node, parent, link);
}

static unsigned depth(const struct treap_node *n)
{
	unsigned l, r;

	if (!n)
		return 0;
	l = depth(n->left);
	r = depth(n->right);
	return 1 + (l > r ? l : r);
}

static void check(const struct treap *t, u32 nr)
{
	u32 seen = 0, last = 0;

	for (struct treap_node *n = treap_first(t); n; n = treap_next(n)) {
		struct item *i = to_item(n), was = *i;

		CU_ASSERT_FATAL(i->key >= last);
		last = i->key;
		count(&was.node);
		CU_ASSERT_EQUAL_FATAL(was.nr, i->nr);
		CU_ASSERT_FATAL(!n->parent || n->parent->priority >= n->priority);
		seen++;
	}
	CU_ASSERT_EQUAL(seen, nr);
	CU_ASSERT_EQUAL(t->root ? to_item(t->root)->nr : 0, nr);
}

static void order_and_sums_hold_through_any_changes(void)
{
	static struct item items[2000];
	struct treap t = {.augment = count};
	bool in[ARRAY_SIZE(items)] = {false};
	u32 nr = 0;

	srand(1);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned k = rand() % ARRAY_SIZE(items);

		if (in[k]) {
			treap_erase(&t, &items[k].node);
			nr--;
		} else {
			items[k].key = rand() % 5000;
			insert(&t, &items[k]);
			nr++;
		}
		in[k] = !in[k];
		if (step % 500 == 0)
			check(&t, nr);
	}
	check(&t, nr);
}

static void ascending_keys_give_a_shallow_tree(void)
{
	static struct item items[1 << 16];
	struct treap t = {0};

	for (unsigned k = 0; k < ARRAY_SIZE(items); k++) {
		items[k].key = k;
		insert(&t, &items[k]);
	}
	CU_ASSERT(depth(t.root) < 60);
}

static const struct unit_test tests[] = {
	UNIT_TEST(order_and_sums_hold_through_any_changes),
	UNIT_TEST(ascending_keys_give_a_shallow_tree),
	UNIT_END,
};
const struct unit_suite suite_treap = {"treap", tests};

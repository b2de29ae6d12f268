/* A balanced binary tree of nodes that live inside the caller's structs, like the kernel's rbtree:
 * the caller searches, links the new node where it belongs, and the tree keeps itself balanced.
 *
 *	while (*link) {
 *		parent = *link;
 *		link = before(item, parent) ? &parent->left : &parent->right;
 *	}
 *	treap_link(&tree, &item->node, parent, link);
 *
 * A treap: each node has a random priority and no child's is above its parent's, so the depth is
 * O(log n) whatever the order of keys. With @augment each node can sum up what is below it.
 *
 *	        5 (priority 90)
 *	       /  \
 *	 2 (61)    8 (47)          keys in order from left to right, priorities falling from the root
 *
 * No locking, no allocation. Not for: many keys of small integers (radix.h), areas of an address space (mm/).
 */
#ifndef BASE_TREAP_H
#define BASE_TREAP_H

#include "base/types.h"

struct treap_node {
	struct treap_node *parent, *left, *right; /* changed by each link and erase */
	u32 priority;				  /* set by treap_link() */
};

/* All zero is an empty tree without sums. */
struct treap {
	struct treap_node *root;
	u32 seed; /* of priorities: the same calls give the same tree */
	/* Recomputes the sum of @n from its own fields and its children; may be NULL. */
	void (*augment)(struct treap_node *n);
};

/* Puts @n at *@link, a free place below @parent (NULL: the tree is empty). */
void treap_link(struct treap *t, struct treap_node *n, struct treap_node *parent,
		struct treap_node **link);
/* Takes @n out; it may be linked again or freed. */
void treap_erase(struct treap *t, struct treap_node *n);
/* The node's own fields have changed, its place has not: sums up to the root. */
void treap_update(struct treap *t, struct treap_node *n);
/* In order; NULL behind the last. */
struct treap_node *treap_first(const struct treap *t);
struct treap_node *treap_next(const struct treap_node *n);

#define treap_entry(ptr, type, member) container_of(ptr, type, member)

#endif

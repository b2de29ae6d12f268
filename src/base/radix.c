/* The radix tree. Nodes exist only where there are items below them, and the tree is only as high
 * as its greatest index needs: erase takes away what has become empty and lowers the root. */
#include "base/radix.h"

#include <string.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/log.h"

#define RADIX_MASK (RADIX_SLOTS - 1)

static unsigned slot_of(const struct radix_node *node, u64 index)
{
	return (index >> node->shift) & RADIX_MASK;
}

/* @index lies below the greatest that a tree with this root node can hold. */
static bool in_reach(const struct radix_node *node, u64 index)
{
	unsigned bits = node->shift + RADIX_SHIFT;

	return bits >= 64 || !(index >> bits);
}

static struct radix_node *new_node(struct radix_tree *root, unsigned shift)
{
	struct radix_node *node = root->ops->alloc(root->arg);

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->shift = shift;
	return node;
}

static void put_slot(struct radix_node *parent, unsigned slot, void *what)
{
	parent->slots[slot] = what;
	parent->count++;
}

void radix_init(struct radix_tree *root, const struct radix_ops *ops, void *arg)
{
	*root = (struct radix_tree){.ops = ops, .arg = arg};
}

void radix_destroy(struct radix_tree *root)
{
	struct radix_node *node = root->node;

	/* Down to a leaf, free it, and go on in its parent, whose slot is cleared. */
	while (node) {
		struct radix_node *next = NULL;

		for (unsigned i = 0; node->shift && node->count && i < RADIX_SLOTS; i++) {
			if (!node->slots[i])
				continue;
			next = node->slots[i];
			node->slots[i] = NULL;
			node->count--;
			break;
		}
		if (!next) {
			next = node->parent;
			root->ops->free(root->arg, node);
		}
		node = next;
	}
	root->node = NULL;
	root->count = 0;
}

/* The leaf node for @index, or NULL. */
static struct radix_node *find_leaf(const struct radix_tree *root, u64 index)
{
	struct radix_node *node = root->node;

	if (!node || !in_reach(node, index))
		return NULL;
	while (node && node->shift)
		node = node->slots[slot_of(node, index)];
	return node;
}

void *radix_find(const struct radix_tree *root, u64 index)
{
	struct radix_node *leaf = find_leaf(root, index);

	return leaf ? leaf->slots[index & RADIX_MASK] : NULL;
}

/* Takes @node away if it is empty, then its parents, and lowers a root that has only slot 0. */
static void prune(struct radix_tree *root, struct radix_node *node)
{
	while (node && !node->count) {
		struct radix_node *parent = node->parent;

		if (parent) {
			parent->slots[node->offset] = NULL;
			parent->count--;
		} else {
			root->node = NULL;
		}
		root->ops->free(root->arg, node);
		node = parent;
	}
	while ((node = root->node) && node->shift && node->count == 1 && node->slots[0]) {
		root->node = node->slots[0];
		root->node->parent = NULL;
		root->ops->free(root->arg, node);
	}
}

/* Raises the root until @index is in reach. -ENOMEM leaves a higher root, which prune() lowers. */
static int grow_root(struct radix_tree *root, u64 index)
{
	while (!in_reach(root->node, index)) {
		struct radix_node *top = new_node(root, root->node->shift + RADIX_SHIFT);

		if (!top)
			return -ENOMEM;
		put_slot(top, 0, root->node);
		root->node->parent = top;
		root->node = top;
	}
	return 0;
}

int radix_insert(struct radix_tree *root, u64 index, void *item)
{
	struct radix_node *node, *child;
	unsigned shift = 0;

	VM_BUG_ON(!item);
	if (!root->node) {
		while (shift + RADIX_SHIFT < 64 && index >> (shift + RADIX_SHIFT))
			shift += RADIX_SHIFT;
		root->node = new_node(root, shift);
		if (!root->node)
			return -ENOMEM;
	}
	if (grow_root(root, index)) {
		prune(root, NULL);
		return -ENOMEM;
	}

	for (node = root->node; node->shift; node = child) {
		unsigned slot = slot_of(node, index);

		child = node->slots[slot];
		if (child)
			continue;
		child = new_node(root, node->shift - RADIX_SHIFT);
		if (!child) {
			prune(root, node);
			return -ENOMEM;
		}
		child->parent = node;
		child->offset = slot;
		put_slot(node, slot, child);
	}
	if (node->slots[index & RADIX_MASK])
		return -EEXIST; /* the way was all there: nothing to take back */
	put_slot(node, index & RADIX_MASK, item);
	root->count++;
	return 0;
}

void *radix_erase(struct radix_tree *root, u64 index)
{
	struct radix_node *leaf = find_leaf(root, index);
	unsigned slot = index & RADIX_MASK;
	void *old = leaf ? leaf->slots[slot] : NULL;

	if (!old)
		return NULL;
	leaf->slots[slot] = NULL;
	leaf->count--;
	root->count--;
	prune(root, leaf);
	return old;
}

void *radix_next(const struct radix_tree *root, u64 *index)
{
	struct radix_node *node = root->node;
	u64 at = *index;

	if (!node || !in_reach(node, at))
		return NULL;
	for (;;) {
		unsigned slot = slot_of(node, at);

		while (slot < RADIX_SLOTS && !node->slots[slot]) {
			slot++;
			at = ((at >> node->shift) + 1) << node->shift;
		}
		if (slot == RADIX_SLOTS) {
			/* Carried into the parent's digit: @at is where its next slot begins. It is
			 * 0 when nothing lies behind the greatest index. */
			do {
				node = node->parent;
			} while (node && !slot_of(node, at));
			if (!node || !at)
				return NULL;
			continue;
		}
		if (!node->shift) {
			*index = at;
			return node->slots[slot];
		}
		node = node->slots[slot];
	}
}

static int bad(const char *what, const struct radix_node *node)
{
	log_line("radix: %s (node %p, shift %u)", what, (const void *)node, node->shift);
	return -EFAULT;
}

static int validate_node(const struct radix_node *node, u64 *items)
{
	unsigned used = 0;
	int err = 0;

	for (unsigned i = 0; i < RADIX_SLOTS; i++) {
		const struct radix_node *child = node->slots[i];

		if (!child)
			continue;
		used++;
		if (!node->shift) {
			++*items;
			continue;
		}
		if (child->parent != node || child->offset != i ||
		    child->shift + RADIX_SHIFT != node->shift)
			return bad("child does not know its place", child);
		err = validate_node(child, items);
		if (err)
			return err;
	}
	if (!used)
		return bad("empty node", node);
	return used == node->count ? 0 : bad("wrong slot count", node);
}

int radix_validate(const struct radix_tree *root)
{
	u64 items = 0;
	int err;

	if (!root->node)
		return root->count ? -EFAULT : 0;
	if (root->node->parent)
		return bad("root has a parent", root->node);
	err = validate_node(root->node, &items);
	if (!err && items != root->count)
		err = bad("wrong item count", root->node);
	return err;
}

/* A radix tree from u64 index to pointer, as the kernel's xarray: 64 slots a node, as high as the
 * greatest index needs. The page cache keeps its pages in one.
 *
 *   root -> node (shift 6) -> node (shift 0) -> items
 *
 * Nodes come from the owner's callbacks, so that they live in guest RAM. Not for: locking, marks,
 * ranges. Items are never NULL. A lookup costs one step for each 6 bits of the greatest index.
 */
#ifndef BASE_RADIX_H
#define BASE_RADIX_H

#include "base/types.h"

#define RADIX_SHIFT 6
#define RADIX_SLOTS (1U << RADIX_SHIFT)

/* Open so that its size can be given to kmem_cache_create(). */
struct radix_node {
	u8 shift;  /* bits of the index below this node's slots; set once */
	u8 offset; /* slot in the parent; set once */
	u16 count; /* slots in use */
	struct radix_node *parent;
	void *slots[RADIX_SLOTS]; /* shift 0: items; else nodes */
};

struct radix_ops {
	/* Memory for one struct radix_node, or NULL; its bytes are arbitrary. */
	struct radix_node *(*alloc)(void *arg);
	void (*free)(void *arg, struct radix_node *node);
};

struct radix_tree {
	struct radix_node *node; /* NULL: empty */
	u64 count;		 /* items */
	const struct radix_ops *ops;
	void *arg;
};

/* Makes @root an empty tree whose nodes come from @ops with @arg. */
void radix_init(struct radix_tree *root, const struct radix_ops *ops, void *arg);
/* Frees all nodes; the items are the caller's business. The tree is empty afterwards. */
void radix_destroy(struct radix_tree *root);

/* The item at @index, or NULL. */
void *radix_find(const struct radix_tree *root, u64 index);
/* 0; -EEXIST; -ENOMEM. On error nothing has changed. */
int radix_insert(struct radix_tree *root, u64 index, void *item);
/* Takes the item at @index out and returns it, or NULL. Never allocates. */
void *radix_erase(struct radix_tree *root, u64 index);
/* The first item at or after *@index, whose index goes to *@index; NULL if there is none. */
void *radix_next(const struct radix_tree *root, u64 *index);

static inline bool radix_empty(const struct radix_tree *root)
{
	return !root->node;
}

/* for (index = first; (item = radix_next(root, &index)); index++) visits all; the body may erase
 * the item it stands on. An item at ~0 must be the last the body looks at. */

/* Walks all: counts, shifts, parents. 0 or -EFAULT with a line on the log. */
int radix_validate(const struct radix_tree *root);

#endif

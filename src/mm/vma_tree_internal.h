/* The nodes of the B-tree of VMAs, shared by vma_tree.c, vma_gap.c and vma_tree_validate.c alone.
 *
 *                [ last: 39 89 | gap: 8 20 ]                inner: last and gap of the child
 *                  /              \
 *   [ last: 9 24 39 | gap: 8 2 0 ] <-> [ last: 69 89 | gap: 20 5 ]      leaf: slots are areas
 *
 * A slot's key is the last page of the highest area below it, so the search for an address reads
 * only keys. A page number has 35 bits. What a search compares are the lower 32 of them: 28 keys
 * and the node's header are two cache lines, where a search among a million areas spends its time
 * (all but the leaf's lines stay in the host's cache). The upper bits differ within a node only
 * where it spans a multiple of 16 TiB: such a node is "wide", and there are few.
 *
 * A leaf's gap[i] is the room between the area before slot i (wherever that is) and slot i's area
 * less its stack guard gap, so a hole that fits by these numbers fits by Linux's rules. The room
 * above the last area has no slot.
 */
#ifndef MM_VMA_TREE_INTERNAL_H
#define MM_VMA_TREE_INTERNAL_H

#include "mm/vma_internal.h"

#define NR_SLOTS 28
#define MIN_SLOTS 9 /* below that a node looks for a sibling to join */
#define NO_KEY 0x7fffffff
#define WIDE (~0U)

typedef s32 key_vector __attribute__((vector_size(16)));

struct vma_tree_node {
	u8 nr;
	bool leaf;
	u32 high_all; /* the upper bits of all keys, or WIDE */
	struct vma_tree_node *parent;
	union { /* the lower 32 bits, less 2^31: the host's vectors compare signed numbers */
		s32 low[NR_SLOTS];
		key_vector low_vector[NR_SLOTS / 4];
	};
	union {
		struct vma_tree_node *child[NR_SLOTS];
		struct vm_area_struct *area[NR_SLOTS];
	};
	u64 gap[NR_SLOTS];
	struct vma_tree_node *next, *prev; /* leaves, in order */
	u8 high[NR_SLOTS];		   /* the upper bits of each key */
};

_Static_assert(offsetof(struct vma_tree_node, child) == 128, "two cache lines");
_Static_assert(TASK_SIZE >> PAGE_SHIFT < 1UL << 40, "a key's upper bits are one byte");

/* The last page of slot @i. */
static inline u64 slot_last(const struct vma_tree_node *n, unsigned i)
{
	u64 high = n->high_all == WIDE ? n->high[i] : n->high_all;

	return high << 32 | ((u32)n->low[i] ^ 0x80000000);
}

/* Where the areas below slot @i end. */
static inline gva_t slot_end(const struct vma_tree_node *n, unsigned i)
{
	return (slot_last(n, i) + 1) << PAGE_SHIFT;
}

static inline gva_t node_end(const struct vma_tree_node *n)
{
	return slot_end(n, n->nr - 1);
}

static inline u64 node_max_gap(const struct vma_tree_node *n)
{
	u64 most = n->gap[0];
	unsigned i;

	for (i = 1; i < n->nr; i++)
		if (n->gap[i] > most)
			most = n->gap[i];
	return most;
}

/* The room between @prev_end and @vma, less the guard gap of a stack. */
static inline u64 gap_before(const struct vm_area_struct *vma, gva_t prev_end)
{
	gva_t start = vm_start_gap(vma);

	return start > prev_end ? start - prev_end : 0;
}

#endif

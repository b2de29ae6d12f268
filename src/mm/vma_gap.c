/* The search for a hole in the B-tree of VMAs, O(log n): the nodes know the largest gap below each slot.
 *
 * Not for: which hole an mmap wants (unmapped.c).
 */
#include "mm/vma_tree_internal.h"

/* What a search for a hole wants. */
struct gap_search {
	gva_t low, high;  /* the hole lies in [low, high) */
	u64 len;	  /* with the room that alignment may cost */
	gva_t start, end; /* out: the hole, clipped */
};

/* Is [start, end), clipped, large enough? */
static bool gap_fits(struct gap_search *s, gva_t start, gva_t end)
{
	s->start = max(start, s->low);
	s->end = min(end, s->high);
	return s->end > s->start && s->end - s->start >= s->len;
}

/* The highest hole below @n, whose first area follows something that ends at @floor. Only the
 * nodes at the two ends of [low, high) can promise a hole and not have it. */
static bool gap_highest(const struct vma_tree_node *n, gva_t floor, struct gap_search *s)
{
	unsigned i = n->nr;

	while (i--) {
		gva_t below;

		if (n->gap[i] < s->len)
			continue;
		if (slot_end(n, i) <= s->low)
			return false;
		below = i ? slot_end(n, i - 1) : floor;
		if (below >= s->high)
			continue;
		if (n->leaf ? gap_fits(s, below, below + n->gap[i])
			    : gap_highest(n->child[i], below, s))
			return true;
	}
	return false;
}

static bool gap_lowest(const struct vma_tree_node *n, gva_t floor, struct gap_search *s)
{
	unsigned i;

	for (i = 0; i < n->nr; i++) {
		gva_t below;

		if (n->gap[i] < s->len)
			continue;
		below = i ? slot_end(n, i - 1) : floor;
		if (below >= s->high)
			return false;
		if (slot_end(n, i) <= s->low)
			continue;
		if (n->leaf ? gap_fits(s, below, below + n->gap[i])
			    : gap_lowest(n->child[i], below, s))
			return true;
	}
	return false;
}

static bool gap_search_init(struct gap_search *s, u64 len, gva_t low, gva_t high, u64 align)
{
	/* Linux pays for the worst alignment before it looks: mm/vma.c, unmapped_area(). */
	s->len = len + align - PAGE_SIZE;
	s->low = low;
	s->high = min(high, (gva_t)TASK_SIZE);
	return len && s->len >= len && s->high > low && s->high - low >= s->len;
}

long vma_gap_topdown(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align)
{
	const struct vma_tree_node *root = mm->mt.root;
	gva_t top = root ? node_end(root) : 0;
	struct gap_search s;

	if (!gap_search_init(&s, len, low, high, align))
		return -ENOMEM;
	if (!gap_fits(&s, top, TASK_SIZE) && !(root && gap_highest(root, 0, &s)))
		return -ENOMEM;
	return (s.end - len) & ~(align - 1);
}

long vma_gap_bottomup(struct mm_struct *mm, u64 len, gva_t low, gva_t high, u64 align)
{
	const struct vma_tree_node *root = mm->mt.root;
	gva_t top = root ? node_end(root) : 0;
	struct gap_search s;

	if (!gap_search_init(&s, len, low, high, align))
		return -ENOMEM;
	if (!(root && gap_lowest(root, 0, &s)) && !gap_fits(&s, top, TASK_SIZE))
		return -ENOMEM;
	return (s.start + align - 1) & ~(align - 1);
}

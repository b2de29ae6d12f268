/* Sets of NUMA nodes. See nodemask.h. */
#include "mm/nodemask.h"

#define MASK_WORDS (MAX_NUMNODES / 64)

bool nodes_empty(const nodemask_t *mask)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		if (mask->bits[i])
			return false;
	return true;
}

bool nodes_subset(const nodemask_t *inner, const nodemask_t *outer)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		if (inner->bits[i] & ~outer->bits[i])
			return false;
	return true;
}

bool nodes_equal(const nodemask_t *a, const nodemask_t *b)
{
	return nodes_subset(a, b) && nodes_subset(b, a);
}

void nodes_and(nodemask_t *dst, const nodemask_t *a, const nodemask_t *b)
{
	for (unsigned i = 0; i < MASK_WORDS; i++)
		dst->bits[i] = a->bits[i] & b->bits[i];
}

unsigned nodes_weight(const nodemask_t *mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MASK_WORDS; i++)
		n += __builtin_popcountl(mask->bits[i]);
	return n;
}

unsigned next_node(unsigned from, const nodemask_t *mask)
{
	for (; from < MAX_NUMNODES; from = (from & ~63U) + 64) {
		u64 word = mask->bits[from / 64] >> (from % 64);

		if (word)
			return from + __builtin_ctzl(word);
	}
	return MAX_NUMNODES;
}

unsigned next_node_in(unsigned node, const nodemask_t *mask)
{
	unsigned next = next_node(node + 1, mask);

	return next < MAX_NUMNODES ? next : next_node(0, mask);
}

/* Sets of NUMA nodes, as bits of MAX_NUMNODES. Linux: include/linux/nodemask.h. */
#ifndef MM_NODEMASK_H
#define MM_NODEMASK_H

#include "base/types.h"

#define MAX_NUMNODES 1024 /* CONFIG_NODES_SHIFT 10 */
#define NUMA_NO_NODE (-1)

typedef struct nodemask {
	u64 bits[MAX_NUMNODES / 64];
} nodemask_t;

static inline bool node_isset(unsigned node, const nodemask_t *mask)
{
	return mask->bits[node / 64] >> (node % 64) & 1;
}

static inline void node_set(unsigned node, nodemask_t *mask)
{
	mask->bits[node / 64] |= BIT(node % 64);
}

/* No node at all? Is every node of @inner in @outer? Do both have the same? */
bool nodes_empty(const nodemask_t *mask);
bool nodes_subset(const nodemask_t *inner, const nodemask_t *outer);
bool nodes_equal(const nodemask_t *a, const nodemask_t *b);
/* *@dst: the nodes that are in both; it may be one of them. */
void nodes_and(nodemask_t *dst, const nodemask_t *a, const nodemask_t *b);
unsigned nodes_weight(const nodemask_t *mask); /* how many it has */
/* The first node of @mask at or above @from, or MAX_NUMNODES. */
unsigned next_node(unsigned from, const nodemask_t *mask);
/* The node of @mask above @node, else its lowest; MAX_NUMNODES: @mask is empty. */
unsigned next_node_in(unsigned node, const nodemask_t *mask);

#define for_each_node(node, mask)                                                                  \
	for (node = next_node(0, mask); node < MAX_NUMNODES; node = next_node(node + 1, mask))

#endif

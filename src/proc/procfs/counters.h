/* The counters of struct memory by the names of node_stat.def and vmstat.def, for the files that print
 * them: ST(x), EV(x) of a variable m. */
#ifndef PROC_PROCFS_COUNTERS_H
#define PROC_PROCFS_COUNTERS_H

#include "mm/memory.h"

/* Counters never go below zero for long; Linux prints such a moment as 0. */
static inline u64 node_stat(const struct memory *m, enum node_stat s)
{
	return max(m->stats[s], 0L);
}

#define ST(name) node_stat(m, ST_##name)
#define EV(name) (m->events[EV_##name])
#define PGALLOC (EV(pgalloc_dma) + EV(pgalloc_dma32) + EV(pgalloc_normal))

/* Pages that ordinary allocations never get: calculate_totalreserve_pages(). */
u64 totalreserve_pages(const struct memory *m);

#endif

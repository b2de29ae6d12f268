/* Reclaim: pages that can be had back when memory is short. Linux: mm/vmscan.c.
 *
 *   active list --(not used lately)--> inactive list --(not used since)--> unmapped, written, freed
 *
 * Only the files' lists are looked at: without swap there is no place for anonymous and shmem pages. All
 * of it is direct reclaim, by who needs the memory; kswapd will come with swap.
 */
#ifndef MM_VMSCAN_H
#define MM_VMSCAN_H

#include "mm/page.h"

#define SWAP_CLUSTER_MAX 32UL /* pages that a list is scanned by, and asked for at once */

/* Frees about @nr pages of files, clean or written back, mapped or not, and what MADV_FREE gave up; pages
 * freed, 0: there is nothing left to be had. Asks the host where a page is dirty. Pages with references
 * besides their cache's and their ptes' stay mapped: so whoever works on one, and allocates meanwhile, holds
 * one. See: Linux, do_try_to_free_pages(). */
u64 try_to_free_pages(struct memory *m, u64 nr);

/* MADV_PAGEOUT: @page, isolated (folio_isolate_lru()), goes out of memory if that loses nothing, used or
 * not. Gives the page and the caller's reference back. */
void reclaim_folio(struct memory *m, struct page *page);

#endif

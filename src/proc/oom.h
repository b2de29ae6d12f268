/* The machine is out of memory: who dies for it, and what the others do meanwhile.
 *
 *	alloc_pages() finds nothing --> hooks.oom_kill --> out_of_memory(): SIGKILL to the worst
 *	a page fault, a read or write of a file --> hooks.pagefault_oom, oom_wait: sleeps until the
 *		victim has left its memory, then looks again
 *
 * Not for: what can be reclaimed without killing (mm/vmscan.c).
 * See: mm/oom_kill.c; proc(5), /proc/PID/oom_score_adj.
 */
#ifndef PROC_OOM_H
#define PROC_OOM_H

#include "base/types.h"

struct machine;
struct task_struct;

#define OOM_SCORE_ADJ_MIN (-1000) /* never killed for its memory */
#define OOM_NEVER (-0x7fffffffffffffffL)

/* How much would come back if @t died, in pages, moved by oom_score_adj in thousandths of @total pages;
 * OOM_NEVER: it is spared. Never sleeps. See: oom_badness(). */
s64 oom_badness(struct task_struct *t, u64 total);

/* Kills whoever has most, unless somebody is dying for it already. True: somebody is, memory will come
 * back once he has run; false: there is nobody to kill. Never sleeps. */
bool out_of_memory(struct machine *m);

/* Once, by machine_init(): tells mm/ whom to ask. */
void machine_oom_init(struct machine *m);

#endif

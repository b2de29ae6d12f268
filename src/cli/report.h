/* --stats: what the memory subsystem did, for people. Not for: programs, which read /proc/vmstat. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "proc/machine.h"

/* Prints the summary on the log: instructions, faults, TLB, frames by owner, slab, in lines of at most
 * 80 columns. Reads only, changes nothing; @m runs, its frames still in use (machine.on_exit). */
void report_stats(struct machine *m);

#endif

/* --stats: what the memory subsystem did, for people. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "proc/machine.h"

/* Prints the summary on the log: instructions, faults, TLB, frames by owner, slab. */
void report_stats(struct machine *m);

#endif

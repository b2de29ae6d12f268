/* --stats and --at-exit: what the memory subsystem did, for people. Not for: programs, which read /proc/vmstat. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "proc/machine.h"

/* Prints the summary on the log: instructions, faults, TLB, frames by owner, slab, in lines of at most
 * 80 columns. Reads only, changes nothing; @m runs, its frames still in use (machine.on_exit). */
void report_stats(struct machine *m);

/* Prints files of @t's /proc/self, or of /proc, on the log, each as the program itself would read it now, below a
 * line with its name. @files: names that procfs_has_text() knows, with commas between. */
void report_proc_files(struct machine *m, struct task_struct *t, const char *files);

/* Writes /tmp/perf-PID.map, with Vellum's own PID, where perf looks for names of generated code: those of @t's program,
 * and for other programs' their addresses.
 * Says so on the log if it cannot. See: perf-report(1), tools/perf/Documentation/jit-interface.txt. */
void report_perf_map(struct machine *m, struct task_struct *t);

#endif

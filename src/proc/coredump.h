/* Core files: what is left of a process that a signal ended whose default action is "core" (signal.def).
 *
 *	a thread takes SIGSEGV --> do_coredump(): the others are killed, and wait in do_exit()
 *	                       --> the file: core_pattern, in the thread's working directory
 *	                       --> elf_core_dump(): notes of each thread, then memory (elf_core.h)
 *	                       --> all go on to their end; 0x80 in the status if there is a file
 *
 * Who begins that has SIGKILL as its only signal left: it ends the dump where it is. The others still have their
 * registers and the address space, so the file shows the process as it was.
 *
 * Not for: which signals do that, and whose action they are (signal_deliver.c). Patterns that begin with '|' or '@', a
 * program's or a socket's, are refused.
 * See: core(5), signal(7); fs/coredump.c.
 */
#ifndef PROC_COREDUMP_H
#define PROC_COREDUMP_H

#include "base/types.h"

struct k_siginfo;
struct machine;
struct task_struct;

#define CORENAME_MAX_SIZE 128 /* of kernel.core_pattern, with its NUL */

/* A thread that waits until the file is written; on its own stack. */
struct core_thread {
	struct task_struct *task; /* NULL: it may go on */
	struct core_thread *next; /* who came after it */
};

/* signal_struct.core_state, on the stack of who writes. */
struct core_state {
	struct task_struct *dumper;
	struct core_thread *first, **last;
	u32 nr_running; /* threads that are yet to stop */
};

/* core_pattern as it is at boot. Once. */
void coredump_init(struct machine *m);
/* @t, the current task, ends by the signal of @info: the process gets its status, its other threads stop for good, and
 * if limits, prctl(PR_SET_DUMPABLE) and the file system allow it there is a core file. Nothing happens if the process
 * is ending already. Sleeps. do_group_exit() is the caller's. */
void do_coredump(struct task_struct *t, const struct k_siginfo *info);
/* @t begins to end: if its process is being dumped it waits here. For do_exit(). */
void coredump_task_exit(struct task_struct *t);
/* kernel.core_pattern becomes @pattern, up to its first newline. 0; -EINVAL: the pattern of a program or socket. */
int coredump_set_pattern(struct machine *m, const char *pattern);
/* What @pattern makes of @t, its process and signal @sig; @name has PATH_MAX bytes. False: it is too long. */
bool format_corename(struct task_struct *t, int sig, const char *pattern, char *name);

#endif

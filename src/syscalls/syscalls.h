/* The system calls: one table (table.def), thin handlers: check, call below, return.
 *
 *   cpu_run() ends --> task loop --> machine.do_syscall (dispatch.c) --> row of table.def --> sys_x()
 *
 * What is added is a row in table.def and a function in a sys_*.c. Not for: state; a call's is its task's.
 */
#ifndef SYSCALLS_SYSCALLS_H
#define SYSCALLS_SYSCALLS_H

#include <stdio.h>

#include "proc/task.h"

/* A register as the program filled it. A handler takes as many of its bits as the argument's C type
 * has, as SYSCALL_DEFINE() does; that is why narrowing a sysarg_t is no mistake (.clang-tidy). */
typedef u64 sysarg_t;

/* The six argument registers as they came; int 0x80: their lower halves. */
struct sysargs {
	sysarg_t arg[6];
};

enum sys_status { SYS_NONE, SYS_PARTIAL, SYS_FULL };

/* Registers dispatch, and whose calls sockets serve, with the machine. At boot, once. */
void syscalls_init(struct machine *m);

/* Rows, for docs/compat.md and tests. */
struct syscall_desc {
	const char *name; /* NULL: no such number */
	u32 nargs;
	long (*fn)(struct task_struct *t, const struct sysargs *a);
	enum sys_status status;
	const char *note;
	const char
		*args; /* strace: the result's letter, a blank, a letter an argument: table.def */
};
const struct syscall_desc *syscall_desc(unsigned nr, bool compat); /* NULL: unknown */
unsigned nr_syscalls(bool compat); /* one more than the greatest number */

/* The tables as docs/compat.md has them: Markdown. */
void compat_print(FILE *out);

#endif

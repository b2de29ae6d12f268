/* The system calls: one table (table.def), thin handlers: check, call below, return. */
#ifndef SYSCALLS_SYSCALLS_H
#define SYSCALLS_SYSCALLS_H

#include <stdio.h>

#include "proc/task.h"

struct sysargs {
	u64 arg[6];
};

enum sys_status { SYS_NONE, SYS_PARTIAL, SYS_FULL };

/* Registers dispatch with the machine. */
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

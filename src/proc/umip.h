/* What Linux makes of SGDT, SIDT, SLDT, STR and SMSW in user mode. */
#ifndef PROC_UMIP_H
#define PROC_UMIP_H

#include "proc/task.h"

/* The task's CPU has raised #GP for @u, at rip: stores what the kernel shows and steps over it, or
 * sends SIGSEGV. See: arch/x86/kernel/umip.c, fixup_umip_exception() */
void fixup_umip_exception(struct task_struct *t, const struct cpu_umip *u);

#endif

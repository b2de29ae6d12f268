/* What Linux makes of SGDT, SIDT, SLDT, STR and SMSW in user mode, which the CPU refuses (UMIP): dummy
 * values. */
#ifndef PROC_UMIP_H
#define PROC_UMIP_H

struct cpu_umip;
struct task_struct;

/* The CPU has raised #GP for @u in @t, the current task, at rip: stores what the kernel shows and steps over
 * it, or sends SIGSEGV. @u is the caller's own copy: a store may sleep, and others use the CPU. See:
 * arch/x86/kernel/umip.c, fixup_umip_exception() */
void fixup_umip_exception(struct task_struct *t, const struct cpu_umip *u);

#endif

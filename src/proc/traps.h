/* What becomes of an exception in guest code: a page fault that is served, an instruction that the kernel
 * completes (UMIP, vsyscall), or a signal.
 *
 * Not for: finding the page (mm/fault.c), delivering the signal (signal.h).
 * See: SDM vol. 3A, 6.15; arch/x86/kernel/traps.c.
 */
#ifndef PROC_TRAPS_H
#define PROC_TRAPS_H

struct task_struct;

/* Serves what cpu_run() has stopped at: machine.cpu.exit. @t is the current task. The registers are as
 * before the instruction (faults) or behind it (traps); afterwards it runs again, is stepped over, or a
 * signal is pending. May sleep: page faults, user memory. */
void do_trap(struct task_struct *t);

#endif

/* The task loop: runs guest code and serves what stops it.
 *
 *	            +--> do_signal(): what is pending (signal.h)
 *	task_loop --+--> cpu_run(), for a slice at most
 *	            |      CPU_SYSCALL, CPU_INT80  --> machine.do_syscall (syscalls/)
 *	            |      CPU_EXCEPTION           --> do_trap() (traps.h): a page, or a signal
 *	            |      CPU_BUDGET, _INTERRUPTED --> reschedule(): events, CPU timers, others' turn
 *	            +--- and again
 */
#ifndef PROC_LOOP_H
#define PROC_LOOP_H

#include "base/types.h"

struct task_struct;

/* Never returns: schedule() away for good at the end. Runs on @t's own kernel stack, which is empty but
 * for this; entry of each user task. */
void task_loop(struct task_struct *t) __noreturn;

#endif

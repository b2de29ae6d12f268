/* Kernel threads: tasks of the guest kernel's own. They have no address space and run on whichever one
 * the CPU has loaded; pids count from 2, apart from the programs'.
 *
 * Who makes some: ksmd.c, host_signals.c. Not for: the first task, which begins as one (init.c).
 * See: Linux, kernel/kthread.c.
 */
#ifndef PROC_KTHREAD_H
#define PROC_KTHREAD_H

struct machine;
struct task_struct;

/* A new one, asleep: wake_up_process() starts it. @name: up to 15 characters. It ends when @fn returns,
 * with that as its exit code; all signals are blocked. The machine's: it lives until it ends or the machine
 * does. ERR_PTR(-ENOMEM). Never sleeps. */
struct task_struct *kthread_create(struct machine *m, const char *name,
				   int (*fn)(struct task_struct *t, void *arg), void *arg);

#endif

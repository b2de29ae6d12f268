/* The first task, and all that it takes over from the host process that Vellum was started as: ids,
 * capabilities, limits, ignored signals, root, working directory, umask, descriptors.
 *
 *	machine_exec --> task_create_init --> kernel_init() as a kernel thread --> do_execveat
 *	                                      --> sleeps, its program loaded; machine_run() wakes it
 *
 * Not for: the machine that it lives in (machine.h), tasks in general (task.h).
 * See: Linux, init/main.c, kernel_init().
 */
#ifndef PROC_INIT_H
#define PROC_INIT_H

struct machine;
struct task_struct;

/* Makes the first task and lets it execute @filename, a path of the guest: the program is ready to run,
 * and machine_run() is next; or -errno with the reason in @why, for people. Once a machine, on the
 * host's stack. Strings are the host's, copied; @argv and @envp end with NULL. */
int machine_exec(struct machine *m, const char *filename, char *const *argv, char *const *envp,
		 char why[160]);

/* The first task alone, without a program and an address space, asleep; machine_exec() and tests. Its
 * descriptors are copies of those that Vellum inherited. ERR_PTR(-ENOMEM, ...). */
struct task_struct *task_create_init(struct machine *m);

/* For a host process that is one machine: its inherited descriptors, which the first task has copies of,
 * are closed (0 and 1 become /dev/null), so that the guest's closing one is seen outside. */
void machine_drop_inherited(void);

#endif

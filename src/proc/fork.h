/* fork(2) and its kin: a task is copied part by part, or shares with its parent what CLONE_ flags say.
 * All tasks live in one host process, which never forks itself.
 *
 *	copy_process: check --> dup_task_struct --> a number --> stack, signal, sighand, files, fs, mm
 *	              (all that can fail)                        then join(): it can be found, and runs
 *
 * Not for: the address space's own copying (mm/fork.c). Threads and name spaces are not built yet.
 * See: clone(2); kernel/fork.c.
 */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "base/types.h"

struct task_struct;

struct kernel_clone_args {
	u64 flags;	 /* CLONE_*, without the exit signal */
	int exit_signal; /* 0 .. 64; 0: none */
	gva_t parent_tid, child_tid, tls;
	gva_t stack; /* the child's first rsp; 0: as the parent's */
	gva_t pidfd; /* CLONE_PIDFD: where the descriptor goes */
};

/* fork(2), vfork(2), clone(2) for @t, the current task: the child's pid; -EAGAIN: RLIMIT_NPROC or too
 * many tasks; -ENOMEM; -EINVAL: flags that exclude each other; -EPERM: a new name space; -EFAULT: the
 * pidfd's place; -EMFILE, -ENFILE; -ENOSYS: threads; -ERESTARTNOINTR: a signal came first. On error
 * nothing has changed. Sleeps: for pages that copies fault in, and with CLONE_VFORK until the child has
 * left the address space. */
long kernel_clone(struct task_struct *t, const struct kernel_clone_args *args);

/* For exec: descriptors and signal actions of its own, where they are shared. 0; -ENOMEM: as before. */
int unshare_files(struct task_struct *t);
int unshare_sighand(struct task_struct *t);

/* @t, the current task, is about to leave t->mm (exec, exit): robust locks, CLONE_CHILD_CLEARTID, the end
 * of a vfork. May sleep: it writes user memory. */
void mm_release(struct task_struct *t);

#endif

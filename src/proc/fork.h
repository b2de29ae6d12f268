/* fork(2) and its kin: a task is copied part by part, or shares with its parent what CLONE_ flags say.
 * All tasks live in one host process, which never forks itself.
 *
 *	copy_process: check --> dup_task_struct --> a number --> stack, signal, sighand, files, fs, mm
 *	              (all that can fail)                        then join(): it can be found, and runs
 *
 * A thread (CLONE_THREAD) is a task that shares its signal_struct, too. There are no name spaces.
 *
 * Not for: the address space's own copying (mm/fork.c).
 * See: clone(2); kernel/fork.c.
 */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "base/types.h"

struct fs_struct;
struct task_struct;

struct kernel_clone_args {
	u64 flags;	 /* CLONE_*, without the exit signal */
	int exit_signal; /* 0 .. 64; 0: none */
	gva_t parent_tid, child_tid, tls;
	gva_t stack; /* the child's first rsp; 0: as the parent's */
	gva_t pidfd; /* CLONE_PIDFD: where the descriptor goes */
	s32 set_tid; /* the number that it is to have; 0: any */
};

/* What clone(2) and unshare(2) call the kinds of name spaces. */
#define CLONE_NEWTIME_K 0x80UL
#define CLONE_NEW_ANY                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME_K)

/* fork(2), vfork(2), clone(2) for @t, the current task: the child's pid; -EAGAIN: RLIMIT_NPROC or too
 * many tasks; -ENOMEM; -EINVAL: flags that exclude each other; -EEXIST: the number is another's; -EPERM: a
 * new name space; -EFAULT: the
 * pidfd's place; -EMFILE, -ENFILE; -ERESTARTNOINTR: a signal came first; -EINTR: killed meanwhile. On error
 * nothing has changed. Sleeps: for pages that copies fault in, and with CLONE_VFORK until the child has
 * left the address space. */
long kernel_clone(struct task_struct *t, const struct kernel_clone_args *args);

/* @t, the current task, is about to leave t->mm (exec, exit): robust locks, CLONE_CHILD_CLEARTID, the end
 * of a vfork. May sleep: it writes user memory. */
void mm_release(struct task_struct *t);

/* --- unshare.c: 0; -ENOMEM: as before ------------------------------------------------------------- */

/* Descriptors and signal actions of @t's own, where they are shared. */
int unshare_files(struct task_struct *t);
int unshare_sighand(struct task_struct *t);
/* A copy of t->fs with one user; the caller's, for fs_put(). NULL: no memory. */
struct fs_struct *copy_fs_struct(struct task_struct *t);
/* unshare(2) of what @flags name, CLONE_*. -EINVAL: flags that it does not know, or that cannot be; -EPERM: a
 * new name space. On error nothing has changed. */
int ksys_unshare(struct task_struct *t, u64 flags);

#endif

/* pidfds: descriptors that stand for a process, however its number is used later.
 *
 *   pidfd files --> dentry --> struct pid (pid.h) <--> task_struct   until the task has been waited for
 *
 * Not for: the system calls (syscalls/sys_pidfd.c), struct pid itself (pid.h).
 * See: pidfd_open(2); Linux, fs/pidfs.c.
 */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "fs/file.h"
#include "proc/pid.h"

/* Flags of pidfd_open(2), which are the file's, too. */
#define PIDFD_NONBLOCK_K O_NONBLOCK
#define PIDFD_THREAD_K O_EXCL
/* In place of a descriptor: the caller, its thread group. */
#define PIDFD_SELF_THREAD_K (-10000)
#define PIDFD_SELF_THREAD_GROUP_K (-10001)

/* A new pidfd for @p, which may be a zombie; @flags PIDFD_*_K. The caller's, to install or fput().
 * ERR_PTR(-ENOMEM, -ENFILE). Never sleeps. */
struct file *pidfd_create(struct task_struct *p, int flags);
/* What @f stands for, no reference: it lives as long as @f. NULL: it is no pidfd. */
struct pid *pidfd_pid(const struct file *f);

/* @p has become a zombie, or the last record of its process: pollers wake up. */
void pidfd_notify_exit(struct task_struct *p);
/* @p's record goes: what is left of it is its struct pid, and pollers see that. */
void pidfd_release_task(struct task_struct *p);

#endif

/* pidfds: descriptors that stand for a process, however its number is used later.
 *
 *   pidfd files --> dentry --> struct pid <--> task_struct   until the task has been waited for
 *
 * A task has a struct pid only once somebody has asked for a pidfd of it.
 * See: pidfd_open(2); Linux, kernel/pid.c, fs/pidfs.c.
 */
#ifndef PROC_PIDFD_H
#define PROC_PIDFD_H

#include "base/wait.h"
#include "fs/file.h"

struct task_struct;

/* Flags of pidfd_open(2), which are the file's, too. */
#define PIDFD_NONBLOCK_K O_NONBLOCK
#define PIDFD_THREAD_K O_EXCL
/* In place of a descriptor: the caller, its thread group. */
#define PIDFD_SELF_THREAD_K (-10000)
#define PIDFD_SELF_THREAD_GROUP_K (-10001)

struct pid {
	u32 refcount;		  /* files, and the task */
	s32 nr;			  /* set once */
	u64 ino;		  /* set once: all pidfds of the process show it */
	struct task_struct *task; /* NULL: it is gone */
	bool exited;		  /* a zombie, or gone */
	int exit_code;		  /* with @exited: wait(2) status word */
	struct memory *mem;
	struct wait_queue_head wait_pidfd; /* pollers: woken at the end, and when it is reaped */
};

/* A new pidfd for @p; @flags PIDFD_*_K. ERR_PTR(-ENOMEM, -ENFILE). */
struct file *pidfd_create(struct task_struct *p, int flags);
/* What @f stands for, no reference; NULL: it is no pidfd. */
struct pid *pidfd_pid(const struct file *f);

/* @p has become a zombie. */
void pidfd_notify_exit(struct task_struct *p);
/* @p's record goes: what is left of it is its struct pid. */
void pidfd_release_task(struct task_struct *p);
/* fdinfo's lines, after those of every file. */
void pidfd_show_fdinfo(struct file *f, struct seq *out);

#endif

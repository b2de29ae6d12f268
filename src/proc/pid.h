/* Which tasks there are, by number, and the object that stands for a process after its number may have
 * been given to another.
 *
 *	machine.pid_hash[nr] --> task_struct ... <--> struct pid <-- pidfds (pidfd.h)
 *	machine.tasks        --> every task, in the order of birth, zombies and kernel threads included
 *	machine.unborn       --> those that fork has given a number only
 *
 * A number is in use as long as a task has it, or a process group or session is called by it. A task has
 * a struct pid only once somebody has asked for one. There is one name space of numbers.
 *
 * Not for: what a task is made of (task.h), descriptors (pidfd.h). Nothing here sleeps.
 * See: Linux, kernel/pid.c, whose words these are.
 */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "base/types.h"
#include "base/wait.h"

struct machine;
struct memory;
struct task_struct;

struct pid {
	u32 refcount;			   /* files, and the task */
	s32 nr;				   /* set once */
	u64 ino;			   /* set once: all pidfds of the process show it */
	struct task_struct *task;	   /* set once; NULL from its release on */
	bool exited;			   /* a zombie, or gone: set by pidfd_notify_exit() */
	int exit_code;			   /* with @exited: wait(2) status word */
	struct memory *mem;		   /* set once: where it was allocated */
	struct wait_queue_head wait_pidfd; /* pollers: woken at the end, and when it is reaped */
};

/* Empty lists. Once, by machine_init(). */
void pid_init(struct machine *m);

/* The task called @pid, zombies and kernel threads too, no reference; NULL: there is none, or it is not
 * born yet. It may be gone after anything that sleeps. */
struct task_struct *find_task_by_pid(struct machine *m, s32 pid);

/* The next number that nothing is called by, 300 .. 32767. It is not taken by that: task_reserve_pid(). */
s32 alloc_pid(struct machine *m);
/* Gives @t, in no list yet, such a number, which nobody else gets while the rest of it is made. */
void task_reserve_pid(struct task_struct *t);

/* Enters a complete task, with its number, in the machine's lists: from now on it can be found. */
void task_link(struct task_struct *t);
/* Takes it out again: nobody can find it any longer. Its number is free unless a group has it. */
void task_unlink(struct task_struct *t);

/* @t's, made at the first call; a reference, for put_pid(). NULL: no memory. See: kernel/pid.c */
struct pid *get_task_pid(struct task_struct *t);
/* Drops a reference; the last one frees it. */
void put_pid(struct pid *pid);

#endif

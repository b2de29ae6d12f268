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
	int exit_code;			   /* once @task is NULL: its wait(2) status word */
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
/* Gives @t, in no list yet, such a number, or @pid if that is not 0; nobody else gets it while the rest of it
 * is made. 0; of @pid: -EINVAL: no number of a task; -EEXIST. */
int task_reserve_pid(struct task_struct *t, s32 pid);

/* Enters a complete task, with its number, in the machine's lists: from now on it can be found. */
void task_link(struct task_struct *t);
/* Takes it out again: nobody can find it any longer. Its number is free unless a group has it. */
void task_unlink(struct task_struct *t);

/* Two tasks in the lists change numbers, and places in machine.tasks; not what their struct pid say. */
void task_exchange_pids(struct task_struct *a, struct task_struct *b);

/* @t's, made at the first call; a reference, for put_pid(). NULL: no memory. See: kernel/pid.c */
struct pid *get_task_pid(struct task_struct *t);
/* Drops a reference; the last one frees it. */
void put_pid(struct pid *pid);

#endif

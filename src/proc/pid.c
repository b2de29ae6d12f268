/* Numbers of tasks, and struct pid. See pid.h. */
#include "proc/pid.h"

#include "base/bug.h"
#include "proc/task.h"

#define PID_MAX 32768
#define PID_RESERVED 300 /* where numbers start again; low ones are the kernel's threads */

/* --- numbers and lists ----------------------------------------------------------------------- */

static struct list_head *pid_bucket(struct machine *m, s32 pid)
{
	return &m->pid_hash[(u32)pid % PID_HASH_SIZE];
}

struct task_struct *find_task_by_pid(struct machine *m, s32 pid)
{
	struct list_head *head = pid_bucket(m, pid);
	struct task_struct *t;

	list_for_each_entry (t, head, pid_link)
		if (t->pid == pid)
			return t;
	return NULL;
}

static bool is_unborn(struct machine *m, s32 pid)
{
	struct task_struct *t;

	list_for_each_entry (t, &m->unborn, tasks)
		if (t->pid == pid)
			return true;
	return false;
}

/* A number outlives its task as long as a process group or session is called by it. */
static bool pid_in_use(struct machine *m, s32 pid)
{
	struct task_struct *t;

	if (find_task_by_pid(m, pid))
		return true;
	if (!m->pids_wrapped)
		return false;
	if (is_unborn(m, pid))
		return true;
	list_for_each_entry (t, &m->tasks, tasks)
		if (t->signal->pgrp == pid || t->signal->session == pid)
			return true;
	return false;
}

s32 alloc_pid(struct machine *m)
{
	do {
		if (++m->last_pid >= PID_MAX) {
			m->last_pid = PID_RESERVED;
			m->pids_wrapped = true;
		}
	} while (pid_in_use(m, m->last_pid));
	return m->last_pid;
}

/* A group or session of that number does not stand in the way of a task that was asked for by it. */
static int check_pid(struct machine *m, s32 pid)
{
	if (pid < 1 || pid >= PID_MAX)
		return -EINVAL;
	return find_task_by_pid(m, pid) || is_unborn(m, pid) ? -EEXIST : 0;
}

int task_reserve_pid(struct task_struct *t, s32 pid)
{
	int err = pid ? check_pid(t->machine, pid) : 0;

	if (err)
		return err;
	t->pid = t->tgid = pid ? pid : alloc_pid(t->machine);
	t->machine->pids_wrapped |= pid != 0; /* it may come up again */
	list_add_tail(&t->tasks, &t->machine->unborn);
	return 0;
}

void task_link(struct task_struct *t)
{
	struct machine *m = t->machine;

	list_move_tail(&t->tasks, &m->tasks);
	list_add(&t->pid_link, pid_bucket(m, t->pid));
	list_add_tail(&t->thread_node, &t->signal->threads);
	t->signal->nr_threads++;
	t->signal->live++;
	m->nr_records++;
}

void task_unlink(struct task_struct *t)
{
	list_del_init(&t->tasks);
	list_del(&t->pid_link);
	list_del_init(&t->thread_node);
	t->signal->nr_threads--;
	t->machine->nr_records--;
}

void task_exchange_pids(struct task_struct *a, struct task_struct *b)
{
	struct machine *m = a->machine;
	s32 pid = a->pid;
	struct list_head place;

	list_add(&place, &a->tasks);
	list_move(&a->tasks, &b->tasks);
	list_move(&b->tasks, &place);
	list_del(&place);
	a->pid = b->pid;
	b->pid = pid;
	list_move(&a->pid_link, pid_bucket(m, a->pid));
	list_move(&b->pid_link, pid_bucket(m, b->pid));
}

void pid_init(struct machine *m)
{
	m->last_pid = PID_RESERVED - 1;
	m->last_kthread_pid = 1;
	INIT_LIST_HEAD(&m->tasks);
	INIT_LIST_HEAD(&m->unborn);
	for (unsigned i = 0; i < PID_HASH_SIZE; i++)
		INIT_LIST_HEAD(&m->pid_hash[i]);
}

/* --- struct pid ------------------------------------------------------------------------------ */

struct pid *get_task_pid(struct task_struct *t)
{
	struct machine *m = t->machine;
	struct pid *pid = t->thread_pid;

	if (!pid) {
		pid = kzalloc(&m->mem, sizeof(*pid), GFP_KERNEL);
		if (!pid)
			return NULL;
		pid->refcount = 1; /* the task's */
		pid->nr = t->pid;
		pid->ino = ++m->last_pidfs_ino;
		pid->task = t;
		pid->mem = &m->mem;
		init_waitqueue_head(&pid->wait_pidfd, &m->sched);
		t->thread_pid = pid;
	}
	pid->refcount++;
	return pid;
}

void put_pid(struct pid *pid)
{
	VM_BUG_ON(!pid->refcount);
	if (!--pid->refcount)
		kfree(pid->mem, pid);
}

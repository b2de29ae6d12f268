/* The threads of a process that calls execve(2): one is left, and it has the process's number.
 *
 *	leader 100, threads 101, 102;  102 execs:   100, 101 are killed, and gone but for 100's zombie
 *	                                            102 takes 100's number, place, parent and pidfds
 *	                                            100's record goes, as 102
 *
 * See exec.h; fs/exec.c, de_thread(). */
#include "proc/exec.h"

#include "proc/exit.h"

/* Who is called what: the numbers change hands, and with them what others found by them. */
static void exchange_tids(struct task_struct *t, struct task_struct *leader)
{
	struct pid *pid = t->thread_pid;

	t->thread_pid = leader->thread_pid;
	leader->thread_pid = pid;
	if (t->thread_pid)
		t->thread_pid->task = t;
	if (pid)
		pid->task = leader;
	task_exchange_pids(t, leader);
}

/* Takes over from the dead @leader, whose record goes. */
static void become_leader(struct task_struct *t, struct task_struct *leader)
{
	t->start_ns = leader->start_ns;
	exchange_tids(t, leader);
	list_add(&t->sibling, &leader->sibling); /* the place among its parent's children */
	list_del_init(&leader->sibling);
	t->signal->leader = t;
	t->exit_signal = SIGCHLD;
	leader->exit_signal = -1;
	leader->exit_state = EXIT_DEAD;
	if (leader->tracer) /* it may wait for that one, which is no more */
		wake_up_all(&leader->tracer->signal->wait_chldexit);
	release_task(leader);
}

/* Is nobody left but @t, and a leader that is dead? */
static bool is_alone(const struct task_struct *t)
{
	const struct signal_struct *s = t->signal;

	if (thread_group_leader(t))
		return s->nr_threads == 1;
	return s->nr_threads == 2 && task_is_dead(s->leader);
}

int de_thread(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	int err = 0;

	if (s->nr_threads == 1)
		return 0;
	if (s->group_exit || s->group_exec)
		return -EAGAIN;
	s->group_exec = t;
	zap_other_threads(t);
	while (!err && !is_alone(t)) { /* each end wakes it: exit_notify() */
		t->state = TASK_KILLABLE;
		schedule(t->machine);
		if (fatal_signal_pending(t))
			err = -EAGAIN;
	}
	s->group_exec = NULL;
	if (!err && !thread_group_leader(t))
		become_leader(t, s->leader);
	return err;
}

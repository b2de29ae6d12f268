/* wait4(2), waitid(2). See wait.h. */
#include "proc/wait.h"

#include <sys/wait.h>

#include "proc/task.h"

/* --- one child ------------------------------------------------------------------------------- */

static bool eligible_child(const struct wait_opts *wo, const struct task_struct *p)
{
	if (wo->which == WAIT_PID && p->pid != wo->id)
		return false;
	if (wo->which == WAIT_PGID && p->signal->pgrp != wo->id)
		return false;
	/* "clone" children are those that do not report with SIGCHLD. */
	return (wo->flags & __WALL) || (p->exit_signal != SIGCHLD) == !!(wo->flags & __WCLONE);
}

static void found(struct wait_opts *wo, struct task_struct *p, int status, int cause, int value)
{
	wo->pid = p->pid;
	wo->uid = p->uid;
	wo->status = status;
	wo->cause = cause;
	wo->value = value;
	if (wo->ru)
		task_rusage(p, RUSAGE_BOTH_K, wo->ru);
}

static void wait_task_zombie(struct wait_opts *wo, struct task_struct *t, struct task_struct *p)
{
	int code = p->signal->group_exit_code, sig = code & 0x7f;

	found(wo, p, code,
	      code & 0x80 ? CLD_DUMPED
	      : sig	  ? CLD_KILLED
			  : CLD_EXITED,
	      sig ? sig : code >> 8);
	if (wo->flags & WNOWAIT)
		return;
	task_usage_inherit(t, p);
	p->exit_state = EXIT_DEAD;
	release_task(p);
}

/* Looks whether @p has something to report. False: it never will, of what is asked for. */
static bool wait_consider_task(struct wait_opts *wo, struct task_struct *t, struct task_struct *p)
{
	struct signal_struct *s = p->signal;
	bool keep = wo->flags & WNOWAIT;

	if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p)) {
		if (!(wo->flags & WEXITED))
			return false;
		wait_task_zombie(wo, t, p);
	} else if ((wo->flags & WSTOPPED) && s->stopped && s->stop_sig) {
		found(wo, p, s->stop_sig << 8 | 0x7f, CLD_STOPPED, s->stop_sig);
		if (!keep)
			s->stop_sig = 0;
	} else if ((wo->flags & WCONTINUED) && s->continued) {
		found(wo, p, 0xffff, CLD_CONTINUED, SIGCONT);
		if (!keep)
			s->continued = false;
	}
	return true;
}

/* Looks at every child of the thread @t once; wo->pid is set, 0, or -ECHILD: none to wait for. */
static int do_wait_thread(struct wait_opts *wo, struct task_struct *t)
{
	struct task_struct *p, *next;
	int err = -ECHILD;

	list_for_each_entry_safe (p, next, &t->children, sibling) {
		if (p->exit_state == EXIT_DEAD || !eligible_child(wo, p))
			continue;
		if (wait_consider_task(wo, t, p))
			err = 0;
		if (wo->pid)
			break;
	}
	return err;
}

/* The same for all threads' children, or with __WNOTHREAD for @t's own. */
static int look(struct wait_opts *wo, struct task_struct *t)
{
	struct task_struct *p;
	int err = -ECHILD;

	if (wo->flags & __WNOTHREAD)
		return do_wait_thread(wo, t);
	for_each_thread(t, p)
	{
		if (!do_wait_thread(wo, p))
			err = 0;
		if (wo->pid)
			break;
	}
	return err;
}

/* Something to return with? */
static bool done(struct wait_opts *wo, struct task_struct *t, int *err)
{
	*err = look(wo, t);
	return *err || wo->pid || (wo->flags & WNOHANG);
}

int do_wait(struct task_struct *t, struct wait_opts *wo)
{
	int err, signal;

	wo->pid = 0;
	signal = wait_event_interruptible(&t->signal->wait_chldexit, done(wo, t, &err));
	return signal ? signal : err;
}

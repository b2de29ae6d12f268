/* wait4(2), waitid(2). See wait.h. */
#include "proc/wait.h"

#include <sys/wait.h>

#include "proc/exit.h"
#include "proc/ptrace.h"
#include "proc/task.h"

/* --- one child ------------------------------------------------------------------------------- */

/* @traced: it is looked at as a tracee. */
static bool eligible_child(const struct wait_opts *wo, bool traced, const struct task_struct *p)
{
	if (wo->which == WAIT_PID && p->pid != wo->id)
		return false;
	if (wo->which == WAIT_PGID && p->signal->pgrp != wo->id)
		return false;
	/* "clone" children are those that do not report with SIGCHLD. */
	return traced || (wo->flags & __WALL) ||
	       (p->exit_signal != SIGCHLD) == !!(wo->flags & __WCLONE);
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
	const struct signal_struct *s = p->signal;
	int code = s->group_exit ? s->group_exit_code : p->exit_code, sig = code & 0x7f;

	found(wo, p, code,
	      code & 0x80 ? CLD_DUMPED
	      : sig	  ? CLD_KILLED
			  : CLD_EXITED,
	      sig ? sig : code >> 8);
	if (wo->flags & WNOWAIT)
		return;
	if (ptrace_reparented(p) && thread_group_leader(p)) {
		/* The tracer has seen it; now it is its parent's. */
		ptrace_unlink(p);
		if (!do_notify_parent(p, p->exit_signal))
			return;
	} else if (thread_group_leader(p)) {
		task_usage_inherit(t, p);
	}
	p->exit_state = EXIT_DEAD;
	release_task(p);
}

/* A stop: of a tracee, which is told whatever was asked for, or of all of a process. */
static bool wait_task_stopped(struct wait_opts *wo, bool traced, struct task_struct *p)
{
	struct signal_struct *s = p->signal;
	int code = 0;

	if (!traced && !(wo->flags & WSTOPPED))
		return false;
	if (traced && p->state == TASK_TRACED && !(p->jobctl & JOBCTL_LISTENING))
		code = p->exit_code;
	else if (!traced && s->stopped)
		code = s->stop_sig;
	if (!code)
		return false;
	found(wo, p, code << 8 | 0x7f, traced ? CLD_TRAPPED : CLD_STOPPED, code);
	if (wo->flags & WNOWAIT)
		return true;
	if (traced)
		p->exit_code = 0;
	else
		s->stop_sig = 0;
	return true;
}

/* Looks whether @p, a child, or (@traced) a tracee, has something to report. */
static void wait_consider_task(struct wait_opts *wo, bool traced, struct task_struct *t,
			       struct task_struct *p)
{
	if (p->exit_state == EXIT_DEAD || !eligible_child(wo, traced, p))
		return;
	/* Its parent's own process traces it: one stop is not to be told twice. */
	if (p->ptrace && !ptrace_reparented(p))
		traced = true;
	if (p->exit_state == EXIT_ZOMBIE) {
		bool delayed = thread_group_leader(p) && !thread_group_empty(p);

		if (!delayed && (traced || !p->ptrace)) {
			if (!(wo->flags & WEXITED))
				return; /* it will never report what is asked for */
			wo->somebody = true;
			wait_task_zombie(wo, t, p);
			return;
		}
		/* A tracee's zombie is its tracer's for now, and a leader may wait for its threads. */
		wo->somebody |= !traced || (wo->flags & (WCONTINUED | WEXITED));
	} else {
		wo->somebody = true;
	}
	if (wait_task_stopped(wo, traced, p))
		return;
	if ((wo->flags & WCONTINUED) && p->signal->continued) {
		found(wo, p, 0xffff, CLD_CONTINUED, SIGCONT);
		if (!(wo->flags & WNOWAIT))
			p->signal->continued = false;
	}
}

/* Looks at every child of the thread @t once, and at whom it traces, until wo->pid is set. */
static void do_wait_thread(struct wait_opts *wo, struct task_struct *t)
{
	struct task_struct *p, *next;

	list_for_each_entry_safe (p, next, &t->children, sibling) {
		wait_consider_task(wo, false, t, p);
		if (wo->pid)
			return;
	}
	list_for_each_entry_safe (p, next, &t->ptraced, ptrace_entry) {
		wait_consider_task(wo, true, t, p);
		if (wo->pid)
			return;
	}
}

/* The same for all threads', or with __WNOTHREAD for @t's own. 0, or -ECHILD: none to wait for. */
static int look(struct wait_opts *wo, struct task_struct *t)
{
	struct task_struct *p;

	wo->somebody = false;
	if (wo->flags & __WNOTHREAD) {
		do_wait_thread(wo, t);
		return wo->somebody ? 0 : -ECHILD;
	}
	for_each_thread(t, p)
	{
		do_wait_thread(wo, p);
		if (wo->pid)
			break;
	}
	return wo->somebody ? 0 : -ECHILD;
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

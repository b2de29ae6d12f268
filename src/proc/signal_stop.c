/* Stopping and continuing all threads of a process, and telling its parent.
 *
 *	a thread takes a stop signal --> each thread: JOBCTL_STOP_PENDING, and woken
 *	each, on its way back to the program: TASK_STOPPED; the last one: signal_struct.stopped, CLD_STOPPED
 *	SIGCONT is sent --> all of that undone; the first who runs again: CLD_CONTINUED
 *
 * Not for: which signals do that (signal.def), terminals (tty_jobctrl.h). See signal.h; do_signal_stop(),
 * prepare_signal() in kernel/signal.c. */
#include "base/log.h"
#include "proc/exit.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

/* @t stops, or ends instead. True: it was the last one, so all of the process has stopped. Linux:
 * task_participate_group_stop() */
static bool participate_group_stop(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_DEQUEUED);
	if (s->group_stop_count)
		s->group_stop_count--;
	if (s->group_stop_count || s->stopped)
		return false;
	s->stopped = true;
	s->continued = false;
	return true;
}

/* All threads are to stop by @sig. False: somebody has sent SIGCONT since, or it is the end. */
static bool begin_group_stop(struct task_struct *t, int sig)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	if (!(t->jobctl & JOBCTL_STOP_DEQUEUED) || s->group_exit || s->group_exec)
		return false;
	if (!s->stopped)
		s->stop_sig = sig;
	s->group_stop_count = 0;
	for_each_thread(t, p)
	{
		if (p->exiting || fatal_signal_pending(p) || p->state == TASK_STOPPED)
			continue;
		p->jobctl |= JOBCTL_STOP_PENDING;
		s->group_stop_count++;
		if (p != t)
			signal_wake_up(p, false);
	}
	return true;
}

bool do_signal_stop(struct task_struct *t, int sig)
{
	struct signal_struct *s = t->signal;
	bool last;

	if (!(t->jobctl & JOBCTL_STOP_PENDING) && !begin_group_stop(t, sig))
		return false;
	sig = s->stop_sig;
	last = participate_group_stop(t);
	t->state = TASK_STOPPED;
	if (last) {
		if (t->machine->config.strace)
			log_text("--- stopped by %s ---\n", sig_name(sig));
		do_notify_parent_cldstop(t, CLD_STOPPED, sig);
		machine_stop_with_host(t, sig); /* SIGCONT, then: it goes on at once */
	}
	schedule(t->machine);
	recalc_sigpending(t);
	return true;
}

void signal_continue(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	flush_signal_mask(t, STOP_SIGNALS);
	for_each_thread(t, p)
	{
		p->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_DEQUEUED);
		if (p->state == TASK_STOPPED)
			wake_up_process(p);
	}
	if (s->stopped)
		s->cld_notify = CLD_CONTINUED;
	else if (s->group_stop_count) /* as if it had been over, and the next SIGCHLD were lost */
		s->cld_notify = CLD_STOPPED;
	else
		return;
	s->stopped = false;
	s->group_stop_count = 0;
	s->stop_sig = 0;
	s->continued = true;
}

void notify_continued(struct task_struct *t)
{
	int why = t->signal->cld_notify;

	t->signal->cld_notify = 0;
	do_notify_parent_cldstop(t, why, why == CLD_CONTINUED ? SIGCONT : t->signal->stop_sig);
}

void exit_signals(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	t->exiting = true;
	if (thread_group_empty(t) || s->group_exit || !t->sigpending)
		return;
	retarget_shared_pending(t, ~t->blocked);
	if ((t->jobctl & JOBCTL_STOP_PENDING) && participate_group_stop(t))
		do_notify_parent_cldstop(t, CLD_STOPPED, s->stop_sig);
}

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
#include "proc/ptrace.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

/* --- what is due --------------------------------------------------------------------------------- */

bool set_jobctl_pending(struct task_struct *t, u32 mask)
{
	if (t->exiting || fatal_signal_pending(t))
		return false;
	if (mask & JOBCTL_STOP_SIGMASK)
		t->jobctl &= ~JOBCTL_STOP_SIGMASK;
	t->jobctl |= mask;
	return true;
}

void clear_jobctl_trapping(struct task_struct *t)
{
	if (!(t->jobctl & JOBCTL_TRAPPING))
		return;
	t->jobctl &= ~JOBCTL_TRAPPING;
	if (t->tracer)
		wake_up_all(&t->tracer->signal->wait_chldexit);
}

void clear_jobctl_pending(struct task_struct *t, u32 mask)
{
	if (mask & JOBCTL_STOP_PENDING)
		mask |= JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED;
	t->jobctl &= ~mask;
	if (!(t->jobctl & JOBCTL_PENDING_MASK))
		clear_jobctl_trapping(t);
}

void ptrace_signal_wake_up(struct task_struct *t, bool resume)
{
	signal_wake_up(t, false);
	if (resume && t->state == TASK_TRACED)
		wake_up_process(t);
}

/* A tracee with PTRACE_SEIZE: a group stop began, or SIGCONT came. */
static void ptrace_trap_notify(struct task_struct *t)
{
	set_jobctl_pending(t, JOBCTL_TRAP_NOTIFY);
	ptrace_signal_wake_up(t, t->jobctl & JOBCTL_LISTENING);
}

/* --- stops --------------------------------------------------------------------------------------- */

/* Linux: task_participate_group_stop() */
bool participate_group_stop(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	bool consume = t->jobctl & JOBCTL_STOP_CONSUME;

	clear_jobctl_pending(t, JOBCTL_STOP_PENDING);
	if (!consume)
		return false;
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
	u32 stop = (u32)sig | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	if (!(t->jobctl & JOBCTL_STOP_DEQUEUED) || s->group_exit || s->group_exec)
		return false;
	if (!s->stopped)
		s->stop_sig = sig;
	s->group_stop_count = 0;
	for_each_thread(t, p)
	{
		if (p->state == TASK_STOPPED || !set_jobctl_pending(p, stop))
			continue;
		s->group_stop_count++;
		if (p == t)
			continue;
		if (p->ptrace & PT_SEIZED)
			ptrace_trap_notify(p);
		else
			signal_wake_up(p, false);
	}
	return true;
}

void join_group_stop(struct task_struct *p, const struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	u32 mask = t->jobctl & JOBCTL_STOP_SIGMASK;

	if (s->group_stop_count) {
		s->group_stop_count++;
		mask |= JOBCTL_STOP_CONSUME;
	} else if (!s->stopped) {
		return;
	}
	set_jobctl_pending(p, mask | JOBCTL_STOP_PENDING);
	recalc_sigpending(p);
}

bool do_signal_stop(struct task_struct *t, int sig)
{
	struct signal_struct *s = t->signal;
	bool last;

	if (!(t->jobctl & JOBCTL_STOP_PENDING) && !begin_group_stop(t, sig))
		return false;
	if (t->ptrace) {
		set_jobctl_pending(t, JOBCTL_TRAP_STOP);
		return false;
	}
	sig = s->stop_sig;
	last = participate_group_stop(t);
	t->state = TASK_STOPPED;
	if (last) {
		if (t->machine->config.strace)
			log_text("--- stopped by %s ---\n", sig_name(sig));
		do_notify_parent_cldstop(t, false, CLD_STOPPED);
		machine_stop_with_host(t, sig); /* SIGCONT, then: it goes on at once */
	}
	schedule(t->machine);
	recalc_sigpending(t);
	return true;
}

void do_jobctl_trap(struct task_struct *t)
{
	const struct signal_struct *s = t->signal;
	int sig = t->jobctl & JOBCTL_STOP_SIGMASK;

	if (!(t->ptrace & PT_SEIZED)) {
		ptrace_stop(t, sig, CLD_STOPPED, 0, NULL);
		return;
	}
	if (!s->group_stop_count && !s->stopped)
		sig = SIGTRAP;
	ptrace_do_notify(t, sig, sig | PTRACE_EVENT_STOP << 8, CLD_STOPPED, 0);
}

void signal_continue(struct task_struct *t)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	flush_signal_mask(t, STOP_SIGNALS);
	for_each_thread(t, p)
	{
		clear_jobctl_pending(p, JOBCTL_STOP_PENDING);
		if (p->ptrace & PT_SEIZED)
			ptrace_trap_notify(p);
		else if (p->state == TASK_STOPPED)
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

	struct task_struct *leader = t->signal->leader;

	t->signal->cld_notify = 0;
	do_notify_parent_cldstop(t, false, why);
	if (leader && ptrace_reparented(leader))
		do_notify_parent_cldstop(leader, true, why);
}

void exit_signals(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	t->exiting = true;
	if (thread_group_empty(t) || s->group_exit || !t->sigpending)
		return;
	retarget_shared_pending(t, ~t->blocked);
	if ((t->jobctl & JOBCTL_STOP_PENDING) && participate_group_stop(t))
		do_notify_parent_cldstop(t, false, CLD_STOPPED);
}

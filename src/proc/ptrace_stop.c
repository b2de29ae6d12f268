/* How a tracee stops, and what it does with what its tracer says. See ptrace.h; ptrace_stop() in
 * kernel/signal.c, ptrace_report_syscall() in include/linux/ptrace.h. */
#include "base/err.h"
#include "proc/exit.h"
#include "proc/ptrace.h"
#include "proc/task.h"

int ptrace_stop(struct task_struct *t, int code, int why, u64 message, struct k_siginfo *info)
{
	bool group_stopped = false, was_pending;

	if (!t->ptrace || fatal_signal_pending(t))
		return code;
	t->state = TASK_TRACED;
	t->ptrace_message = message;
	t->last_siginfo = info;
	t->exit_code = code;
	if (why == CLD_STOPPED && (t->jobctl & JOBCTL_STOP_PENDING))
		group_stopped = participate_group_stop(t);
	/* Any stop is what PTRACE_INTERRUPT asked for; one of its kind tells of SIGCONT, too. */
	clear_jobctl_pending(t, JOBCTL_TRAP_STOP);
	if (info && info->si_code >> 8 == PTRACE_EVENT_STOP)
		clear_jobctl_pending(t, JOBCTL_TRAP_NOTIFY);
	clear_jobctl_trapping(t);
	do_notify_parent_cldstop(t, true, why);
	if (group_stopped && ptrace_reparented(t))
		do_notify_parent_cldstop(t, false, CLD_STOPPED);
	schedule(t->machine);
	code = t->exit_code;
	t->last_siginfo = NULL;
	t->ptrace_message = 0;
	t->exit_code = 0;
	t->jobctl &= ~JOBCTL_LISTENING;
	/* Signals did not look at it meanwhile. What was due stays so, also if this stop was all that it was: a
	 * call that it has interrupted is to be made again. */
	was_pending = t->sigpending;
	recalc_sigpending(t);
	t->sigpending |= was_pending;
	return code;
}

int ptrace_do_notify(struct task_struct *t, int sig, int code, int why, u64 message)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = code};

	info.kill.pid = t->pid;
	info.kill.uid = t->uid;
	return ptrace_stop(t, code, why, message, &info);
}

int ptrace_notify(struct task_struct *t, int code, u64 message)
{
	return ptrace_do_notify(t, SIGTRAP, code, CLD_TRAPPED, message);
}

bool ptrace_event_enabled(const struct task_struct *t, int event)
{
	return t->ptrace & PT_EVENT_FLAG(event);
}

void ptrace_event(struct task_struct *t, int event, u64 message)
{
	struct k_siginfo info = {.si_signo = SIGTRAP, .si_code = SI_USER};

	if (ptrace_event_enabled(t, event)) {
		ptrace_notify(t, event << 8 | SIGTRAP, message);
	} else if (event == PTRACE_EVENT_EXEC &&
		   (t->ptrace & (PT_PTRACED | PT_SEIZED)) == PT_PTRACED) {
		info.kill.pid = t->tgid; /* as if it had been sent to itself: SEND_SIG_NOINFO */
		info.kill.uid = t->uid;
		send_sig_info(SIGTRAP, &info, t);
	}
}

int ptrace_signal(struct task_struct *t, int sig, struct k_siginfo *info, bool shared)
{
	/* The tracer may make another signal of it, one that stops. */
	t->jobctl |= JOBCTL_STOP_DEQUEUED;
	sig = ptrace_stop(t, sig, CLD_TRAPPED, 0, info);
	if (!sig)
		return 0;
	if (sig != info->si_signo) {
		const struct task_struct *parent = t->tracer ? t->tracer : t->real_parent;

		*info = (struct k_siginfo){.si_signo = sig, .si_code = SI_USER};
		info->kill.pid = parent ? parent->pid : 1;
		info->kill.uid = parent ? parent->uid : 0;
	}
	if (!(t->blocked & sigmask_k(sig)) && !fatal_signal_pending(t))
		return sig;
	if (shared)
		group_send_sig_info(sig, info, t);
	else
		send_sig_info(sig, info, t);
	return 0;
}

/* One of the two stops of PTRACE_SYSCALL. A signal to go on with is sent. */
static void report_syscall(struct task_struct *t, u64 message)
{
	int sig;

	if (!t->ptrace)
		return;
	sig = ptrace_notify(t, SIGTRAP | (t->ptrace & PT_TRACESYSGOOD ? 0x80 : 0), message);
	if (sig)
		send_sig_info(sig, NULL, t);
}

bool ptrace_syscall_enter(struct task_struct *t)
{
	bool emu = t->syscall_work & SYSWORK_EMU;

	task_regs(t)->gpr[R_RAX] = -ENOSYS;
	if (!(t->syscall_work & (SYSWORK_TRACE | SYSWORK_EMU)))
		return true;
	report_syscall(t, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	return !emu && !fatal_signal_pending(t);
}

void ptrace_syscall_exit(struct task_struct *t)
{
	u32 work = t->syscall_work;

	if ((work & (SYSWORK_EXIT_TRAP | SYSWORK_EMU)) == SYSWORK_EXIT_TRAP)
		/* user_single_step_report() */
		force_sig_fault(t, SIGTRAP, TRAP_BRKPT, task_regs(t)->rip, X86_DB, 0, 0);
	else if (work & SYSWORK_TRACE)
		report_syscall(t, PTRACE_EVENTMSG_SYSCALL_EXIT);
}

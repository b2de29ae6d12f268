/* Signals on their way into a program: what each one does, handlers, stops, and the system call
 * that it interrupted. See signal.h; signal(7); get_signal() in kernel/signal.c.
 */
#include "proc/signal.h"

#include "base/err.h"
#include "base/log.h"
#include "proc/exit.h"
#include "proc/ptrace.h"
#include "proc/rseq.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

/* An interrupted system call starts again after the handler, or returns EINTR. */
static void restart_syscall(struct task_struct *t, bool handler, u64 sa_flags)
{
	struct cpu_regs *r = &t->machine->cpu.regs;
	long ret = r->gpr[R_RAX];

	if (t->syscall_nr == ~0UL)
		return;
	switch (-ret) {
	case ERESTARTSYS:
		if (handler && !(sa_flags & SA_RESTART)) {
			r->gpr[R_RAX] = -EINTR;
			break;
		}
		/* fall through */
	case ERESTARTNOINTR:
		r->gpr[R_RAX] = t->syscall_nr;
		r->rip -= 2;
		break;
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		if (handler) {
			r->gpr[R_RAX] = -EINTR;
		} else {
			r->gpr[R_RAX] = -ret == ERESTARTNOHAND ? t->syscall_nr : 219;
			r->rip -= 2;
		}
		break;
	}
	t->syscall_nr = ~0UL;
}

/* @ka is what was set for @sig when it was taken. */
static void handle_signal(struct task_struct *t, int sig, const struct k_sigaction *ka,
			  const struct k_siginfo *info)
{
	sigset_k old = t->restore_sigmask ? t->saved_blocked : t->blocked, blocked;
	bool stepping = t->single_step;

	restart_syscall(t, true, ka->flags);
	if (stepping)
		user_disable_single_step(t);
	rseq_signal_deliver(t, sig);
	t->restore_sigmask = false;
	if (setup_rt_frame(t, sig, ka, info, old)) {
		force_sigsegv(t, sig);
		return;
	}
	if ((u32)t->altstack.ss_flags & SS_AUTODISARM_K)
		t->altstack = (stack_t_k){.ss_flags = SS_DISABLE};
	blocked = t->blocked | ka->mask;
	if (!(ka->flags & SA_NODEFER))
		blocked |= sigmask_k(sig);
	set_task_blocked(t, blocked & ~UNBLOCKABLE_MASK);
	if (stepping) /* the handler's first instruction is where the step ends */
		ptrace_notify(t, SIGTRAP, 0);
}

/* By @sig, which @t has taken. */
static void __noreturn die_of(struct task_struct *t, int sig, const struct k_siginfo *info)
{
	t->signaled = true;
	if (sig_coredump(sig))
		do_coredump(t, info);
	do_group_exit(t, sig);
}

/* The process ends, or another thread of it has called exec. */
static void __noreturn die_with_group(struct task_struct *t)
{
	t->signaled = true;
	do_group_exit(t, 0); /* with the process's own status */
}

/* What the default action does. Returns unless it is the end. */
static void default_action(struct task_struct *t, int sig, const struct k_siginfo *info)
{
	switch (sig_default_action(sig)) {
	case SIG_DEFAULT_IGN:
	case SIG_DEFAULT_CONT:
		return;
	case SIG_DEFAULT_STOP:
		/* Nobody could continue an orphaned group; SIGSTOP stops it all the same. */
		if (sig == SIGSTOP || !is_orphaned_pgrp(t->machine, t->signal->pgrp, NULL))
			do_signal_stop(t, sig);
		return;
	case SIG_DEFAULT_TERM:
		die_of(t, sig, info);
	}
}

/* What comes before any signal: news for the parent, the end, a stop. */
static void do_jobctl(struct task_struct *t)
{
	for (;;) {
		if (t->signal->cld_notify)
			notify_continued(t);
		if (t->signal->group_exit || t->signal->group_exec) {
			t->pending.signal &= ~sigmask_k(SIGKILL); /* has had its effect */
			die_with_group(t);
		}
		if ((t->jobctl & JOBCTL_STOP_PENDING) && do_signal_stop(t, 0))
			continue;
		if (!(t->jobctl & JOBCTL_TRAP_MASK))
			return;
		do_jobctl_trap(t);
	}
}

/* The next signal that a handler is for, *@ka; those without have had their effect. 0: none. May not
 * return. Linux: get_signal() */
static int get_signal(struct task_struct *t, struct k_sigaction *ka, struct k_siginfo *info)
{
	for (;;) {
		sigset_k mask = t->blocked & ~UNBLOCKABLE_MASK;
		struct k_sigaction *action;
		bool shared;
		int sig;

		do_jobctl(t);
		shared = !(t->pending.signal & ~mask);
		sig = dequeue_synchronous_signal(t, info);
		if (!sig)
			sig = dequeue_signal(t, mask, info);
		if (!sig)
			return 0;
		if (unlikely(t->ptrace) && sig != SIGKILL &&
		    !(t->sighand->action[sig - 1].flags & SA_IMMUTABLE))
			sig = ptrace_signal(t, sig, info, shared);
		if (!sig)
			continue;
		action = &t->sighand->action[sig - 1];
		*ka = *action;
		trace_event(t->machine->mem.trace, TP_signal_signal_deliver,
			    "sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx", sig,
			    info->si_errno, info->si_code, ka->handler, ka->flags);
		if (ka->handler == (gva_t)SIG_IGN)
			continue;
		if (ka->handler == (gva_t)SIG_DFL) {
			default_action(t, sig, info);
			continue;
		}
		if (ka->flags & SA_RESETHAND)
			action->handler = (gva_t)SIG_DFL;
		return sig;
	}
}

void do_signal(struct task_struct *t)
{
	struct k_siginfo info;
	struct k_sigaction ka;
	int sig;

	while ((sig = get_signal(t, &ka, &info)))
		handle_signal(t, sig, &ka, &info); /* another one may nest on top, as in Linux */
	restart_syscall(t, false, 0);
	if (t->restore_sigmask) {
		t->restore_sigmask = false;
		set_task_blocked(t, t->saved_blocked);
	}
}

/* Signals on their way into a program: what each one does, handlers, stops, and the system call
 * that it interrupted. See signal.h; signal(7); get_signal() in kernel/signal.c.
 */
#include "proc/signal.h"

#include "base/err.h"
#include "base/host_proc.h"
#include "base/log.h"
#include "proc/exit.h"
#include "proc/task.h"

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

static void handle_signal(struct task_struct *t, int sig, const struct k_siginfo *info)
{
	struct k_sigaction ka = t->sighand->action[sig - 1];
	sigset_k old = t->restore_sigmask ? t->saved_blocked : t->blocked;

	restart_syscall(t, true, ka.flags);
	t->restore_sigmask = false;
	if (setup_rt_frame(t, sig, &ka, info, old)) {
		/* No room for the frame: SIGSEGV, and for a lost SIGSEGV the end. */
		if (sig == SIGSEGV)
			t->sighand->action[SIGSEGV - 1].handler = (gva_t)SIG_DFL;
		force_sig_info(SIGSEGV, NULL, t);
		return;
	}
	if ((u32)t->altstack.ss_flags & SS_AUTODISARM_K)
		t->altstack = (stack_t_k){.ss_flags = SS_DISABLE};
	if (ka.flags & SA_RESETHAND)
		t->sighand->action[sig - 1].handler = (gva_t)SIG_DFL;
	t->blocked |= ka.mask;
	if (!(ka.flags & SA_NODEFER))
		t->blocked |= sigmask_k(sig);
	t->blocked &= ~UNBLOCKABLE_MASK;
}

/* The host's shell sees Vellum stop, if there is nobody in the guest who could do anything about
 * the stop. It goes on when the host's user says so. */
static void stop_with_host(struct task_struct *t)
{
	struct machine *m = t->machine;

	if (m->signal_fd < 0 || t->pid != m->init_pid || m->nr_tasks != 1)
		return;
	host_raise(SIGSTOP);
	group_send_sig_info(SIGCONT, NULL, t);
}

static void do_signal_stop(struct task_struct *t, int sig)
{
	struct signal_struct *s = t->signal;

	s->stopped = true;
	s->continued = false;
	s->stop_sig = sig;
	if (t->machine->config.strace)
		log_text("--- stopped by %s ---\n", sig_name(sig));
	t->state = TASK_STOPPED;
	do_notify_parent_cldstop(t, CLD_STOPPED, sig);
	stop_with_host(t);
	while (s->stopped && !fatal_signal_pending(t)) {
		t->state = TASK_STOPPED;
		schedule(t->machine);
	}
	t->state = TASK_RUNNING;
}

static void __noreturn die_of(struct task_struct *t, int sig)
{
	bool core = sig_coredump(sig);

	if (t->machine->config.strace)
		log_text("+++ killed by %s%s +++\n", sig_name(sig), core ? " (core dumped)" : "");
	do_group_exit(t, sig | (core && rlimit(t, RLIMIT_CORE) ? 0x80 : 0));
}

/* What the default action does. Returns unless it is the end. */
static void default_action(struct task_struct *t, int sig)
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
		die_of(t, sig);
	}
}

void do_signal(struct task_struct *t)
{
	struct k_siginfo info;
	gva_t handler;
	int sig;

	for (;;) {
		if (t->signal->group_exit) {
			t->pending.signal &= ~sigmask_k(SIGKILL); /* has had its effect */
			die_of(t, t->signal->group_exit_code);
		}
		sig = dequeue_signal(t, t->blocked & ~UNBLOCKABLE_MASK, &info);
		if (!sig)
			break;
		handler = t->sighand->action[sig - 1].handler;
		trace_event(t->machine->mem.trace, TP_signal_signal_deliver,
			    "sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx", sig,
			    info.si_errno, info.si_code, handler,
			    t->sighand->action[sig - 1].flags);
		if (handler == (gva_t)SIG_DFL)
			default_action(t, sig);
		else if (handler != (gva_t)SIG_IGN)
			handle_signal(t, sig, &info); /* another one may nest on top, as in Linux */
	}
	restart_syscall(t, false, 0);
	if (t->restore_sigmask) {
		t->restore_sigmask = false;
		t->blocked = t->saved_blocked;
	}
}

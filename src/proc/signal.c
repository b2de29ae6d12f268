/* Signals: sending, choosing, default actions. The user's frame is sigframe.c's. See signal.h. */
#include "proc/signal.h"


#include "base/err.h"
#include "base/log.h"
#include "proc/task.h"

enum sig_default { SIG_TERM, SIG_IGNORE, SIG_STOPS, SIG_CONTINUES };
#define SIG_DEFAULT_TERM SIG_TERM
#define SIG_DEFAULT_IGN SIG_IGNORE
#define SIG_DEFAULT_STOP SIG_STOPS
#define SIG_DEFAULT_CONT SIG_CONTINUES

static const struct sig_desc {
	const char *name;
	u8 action, core;
} sig_table[NR_SIGNALS + 1] = {
#define SIGNAL(nr, name, action, core) [nr] = { "SIG" #name, SIG_DEFAULT_##action, core },
#include "proc/signal.def"
#undef SIGNAL
};

#define SYNCHRONOUS_MASK                                                                           \
	(sigmask_k(SIGSEGV) | sigmask_k(SIGBUS) | sigmask_k(SIGILL) | sigmask_k(SIGTRAP) |         \
	 sigmask_k(SIGFPE) | sigmask_k(SIGSYS))
#define UNBLOCKABLE_MASK (sigmask_k(SIGKILL) | sigmask_k(SIGSTOP))

const char *sig_name(int sig)
{
	if (sig >= 1 && sig <= NR_SIGNALS && sig_table[sig].name)
		return sig_table[sig].name;
	return "SIGRT";
}

bool sig_coredump(int sig)
{
	return sig >= 1 && sig <= NR_SIGNALS && sig_table[sig].core;
}

static bool sig_ignored(const struct task_struct *t, int sig)
{
	gva_t handler = t->sighand->action[sig - 1].handler;
	u8 action = sig_table[sig].action;

	if (t->blocked & sigmask_k(sig)) /* it may be unblocked under another action */
		return false;
	if (handler == (gva_t)SIG_IGN)
		return true;
	return handler == (gva_t)SIG_DFL && (action == SIG_IGNORE || action == SIG_CONTINUES);
}

static void queue_signal(struct sigpending *p, int sig, const struct k_siginfo *info,
			 struct task_struct *t)
{
	struct sigqueue *q;

	if (sig < 32 && (p->signal & sigmask_k(sig)))
		return; /* standard signals are pending once */
	q = kmem_cache_zalloc(t->machine->sigqueue_cache, GFP_ATOMIC);
	if (q) { /* without memory the signal comes, but not its siginfo */
		if (info)
			q->info = *info;
		else
			q->info.si_code = SI_KERNEL;
		q->info.si_signo = sig;
		list_add_tail(&q->list, &p->list);
	}
	p->signal |= sigmask_k(sig);
}

int send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t)
{
	if (t->exit_state != EXIT_NONE || sig_ignored(t, sig))
		return 0;
	queue_signal(&t->pending, sig, info, t);
	if (!(t->blocked & sigmask_k(sig)) && t->state != TASK_UNINTERRUPTIBLE)
		wake_up_process(t);
	return 0;
}

void force_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t)
{
	struct k_sigaction *ka = &t->sighand->action[sig - 1];

	if (ka->handler == (gva_t)SIG_IGN || (t->blocked & sigmask_k(sig))) {
		ka->handler = (gva_t)SIG_DFL;
		t->blocked &= ~sigmask_k(sig);
	}
	queue_signal(&t->pending, sig, info, t);
}

void force_sig_fault(struct task_struct *t, int sig, int code, gva_t addr, u32 trapno,
		     u32 error_code, gva_t cr2)
{
	struct k_siginfo info = { .si_signo = sig, .si_code = code };

	info.fault.addr = addr;
	t->trap_nr = trapno;
	t->trap_error = error_code;
	if (trapno == X86_PF)
		t->cr2 = cr2;
	force_sig_info(sig, &info, t);
}

bool signal_pending(const struct task_struct *t)
{
	return (t->pending.signal | t->signal->shared_pending.signal) &
	       ~(t->blocked & ~UNBLOCKABLE_MASK);
}

void flush_signals(struct sigpending *p, struct task_struct *t)
{
	struct sigqueue *q, *n;

	list_for_each_entry_safe(q, n, &p->list, list) {
		list_del(&q->list);
		kmem_cache_free(t->machine->sigqueue_cache, q);
	}
	p->signal = 0;
}

/* Takes @sig from @p with its siginfo. */
static void collect_signal(struct task_struct *t, struct sigpending *p, int sig,
			   struct k_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry(q, &p->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first)
			more = true;
		else
			first = q;
	}
	if (!more)
		p->signal &= ~sigmask_k(sig);
	*info = (struct k_siginfo){ .si_signo = sig };
	if (first) {
		*info = first->info;
		list_del(&first->list);
		kmem_cache_free(t->machine->sigqueue_cache, first);
	}
}

int dequeue_signal(struct task_struct *t, sigset_k mask, struct k_siginfo *info)
{
	struct sigpending *sets[] = { &t->pending, &t->signal->shared_pending };

	for (unsigned i = 0; i < ARRAY_SIZE(sets); i++) {
		sigset_k ready = sets[i]->signal & ~mask;
		int sig;

		if (!ready)
			continue;
		if (ready & SYNCHRONOUS_MASK)
			ready &= SYNCHRONOUS_MASK;
		sig = __builtin_ctzl(ready) + 1;
		collect_signal(t, sets[i], sig, info);
		return sig;
	}
	return 0;
}

int do_sigaction(struct task_struct *t, int sig, const struct k_sigaction *act,
		 struct k_sigaction *old)
{
	struct k_sigaction *ka;

	if (sig < 1 || sig > NR_SIGNALS || (act && (sigmask_k(sig) & UNBLOCKABLE_MASK)))
		return -EINVAL;
	ka = &t->sighand->action[sig - 1];
	if (old)
		*old = *ka;
	if (!act)
		return 0;
	*ka = *act;
	ka->mask &= ~UNBLOCKABLE_MASK;
	if (!(t->blocked & sigmask_k(sig)) && sig_ignored(t, sig)) {
		struct k_siginfo drop;

		while (t->pending.signal & sigmask_k(sig))
			collect_signal(t, &t->pending, sig, &drop);
		while (t->signal->shared_pending.signal & sigmask_k(sig))
			collect_signal(t, &t->signal->shared_pending, sig, &drop);
	}
	return 0;
}

void inherit_signal_actions(struct task_struct *t)
{
	struct sigaction sa;
	sigset_t set;

	for (int sig = 1; sig <= NR_SIGNALS; sig++) {
		if (sig == SIGPIPE) /* Vellum ignores it for itself; what it met is in the config */
			continue;
		if (!sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN)
			t->sighand->action[sig - 1].handler = (gva_t)SIG_IGN;
	}
	if (t->machine->config.sigpipe_ignored)
		t->sighand->action[SIGPIPE - 1].handler = (gva_t)SIG_IGN;
	if (!sigprocmask(SIG_BLOCK, NULL, &set))
		for (int sig = 1; sig <= NR_SIGNALS; sig++)
			if (sigismember(&set, sig) == 1)
				t->blocked |= sigmask_k(sig);
}

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
	if (ka.flags & SA_RESETHAND)
		t->sighand->action[sig - 1].handler = (gva_t)SIG_DFL;
	t->blocked |= ka.mask;
	if (!(ka.flags & SA_NODEFER))
		t->blocked |= sigmask_k(sig);
	t->blocked &= ~UNBLOCKABLE_MASK;
}

void do_signal(struct task_struct *t)
{
	struct k_siginfo info;
	int sig;

	while ((sig = dequeue_signal(t, t->blocked & ~UNBLOCKABLE_MASK, &info))) {
		gva_t handler = t->sighand->action[sig - 1].handler;

		if (handler == (gva_t)SIG_IGN)
			continue;
		if (handler != (gva_t)SIG_DFL) {
			handle_signal(t, sig, &info);
			continue; /* another one may nest on top, as in Linux */
		}
		switch (sig_table[sig].action) {
		case SIG_IGNORE:
		case SIG_CONTINUES:
			continue;
		case SIG_STOPS:
			/* One task is the whole machine so far: it stops as a whole. */
			raise(SIGSTOP);
			continue;
		}
		if (t->machine->config.strace)
			log_text("+++ killed by %s%s +++\n", sig_name(sig),
				 sig_coredump(sig) ? " (core dumped)" : "");
		do_group_exit(t, sig | (sig_coredump(sig) && rlimit(t, RLIMIT_CORE) ? 0x80 : 0));
	}
	restart_syscall(t, false, 0);
	if (t->restore_sigmask) {
		t->restore_sigmask = false;
		t->blocked = t->saved_blocked;
	}
}

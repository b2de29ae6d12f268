/* Signals: who gets them, and actions. Queues are signal_queue.c's, stops signal_stop.c's, delivery
 * signal_deliver.c's. See signal.h; kernel/signal.c. */
#include "proc/signal.h"

#include "base/err.h"
#include "proc/exit.h"
#include "proc/posix_timer.h"
#include "proc/signalfd.h"
#include "proc/task.h"

static const struct sig_desc {
	const char *name;
	u8 action, core;
} sig_table[NR_SIGNALS + 1] = {
#define SIGNAL(nr, name, action, core) [nr] = {"SIG" #name, SIG_DEFAULT_##action, core},
#include "proc/signal.def"
#undef SIGNAL
};

/* Of sa_flags, what the kernel knows: the rest reads back as 0. */
#define UAPI_SA_FLAGS                                                                              \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |         \
	 SA_RESETHAND | 0x800 /* SA_EXPOSE_TAGBITS */ | 0x04000000 /* SA_RESTORER */)

const char *sig_name(int sig)
{
	if (sig >= 1 && sig <= NR_SIGNALS && sig_table[sig].name)
		return sig_table[sig].name;
	return "SIGRT";
}

enum sig_default sig_default_action(int sig)
{
	return sig_table[sig].action;
}

bool sig_coredump(int sig)
{
	return sig >= 1 && sig <= NR_SIGNALS && sig_table[sig].core;
}

static bool handler_ignores(const struct task_struct *t, int sig)
{
	gva_t handler = t->sighand->action[sig - 1].handler;
	u8 action = sig_table[sig].action;

	if (handler == (gva_t)SIG_IGN)
		return true;
	return handler == (gva_t)SIG_DFL &&
	       (action == SIG_DEFAULT_IGN || action == SIG_DEFAULT_CONT);
}

static bool sig_ignored(const struct task_struct *t, int sig)
{
	if ((t->blocked | t->real_blocked) & sigmask_k(sig))
		return false; /* it may be unblocked under another action */
	if (t->ptrace && sig != SIGKILL)
		return false; /* its tracer is to see it */
	return handler_ignores(t, sig);
}

/* --- sending ----------------------------------------------------------------------------------- */

void kill_thread(struct task_struct *t)
{
	clear_jobctl_pending(t, JOBCTL_PENDING_MASK); /* it does not stop any more */
	t->pending.signal |= sigmask_k(SIGKILL);
	signal_wake_up(t, true);
}

bool prepare_signal(int sig, struct task_struct *t)
{
	if (t->signal->group_exit) /* a core file can still be ended */
		return t->signal->core_state && sig == SIGKILL;
	if (sigmask_k(sig) & STOP_SIGNALS)
		flush_signal_mask(t, sigmask_k(SIGCONT));
	else if (sig == SIGCONT)
		signal_continue(t);
	return !sig_ignored(t, sig);
}

/* Will it, which @t is to take, end the process without a core? */
static bool sig_fatal(const struct task_struct *t, int sig)
{
	if (sig == SIGKILL)
		return true;
	if ((t->real_blocked & sigmask_k(sig)) || t->ptrace)
		return false;
	return t->sighand->action[sig - 1].handler == (gva_t)SIG_DFL &&
	       sig_table[sig].action == SIG_DEFAULT_TERM && !sig_table[sig].core;
}

/* Will @t look at its signals soon, and find @sig? One that has others to handle is no good choice. */
static bool wants_signal(int sig, const struct task_struct *t)
{
	if (t->exiting)
		return false;
	if (sig == SIGKILL)
		return true;
	if (t->blocked & sigmask_k(sig))
		return false;
	if (t->state == TASK_STOPPED || t->state == TASK_TRACED)
		return false;
	return t == current_task(t->machine) || !t->sigpending;
}

/* Who is to take a signal of the process: the one that it was sent to, if that may; or the threads have
 * turns. NULL: nobody for now; whoever looks next takes it. */
static struct task_struct *choose_thread(int sig, struct task_struct *t, bool group)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;

	if (wants_signal(sig, t))
		return t;
	if (!group || thread_group_empty(t))
		return NULL;
	if (!s->curr_target)
		s->curr_target = t;
	p = s->curr_target;
	while (!wants_signal(sig, p)) {
		p = next_thread(p);
		if (p == s->curr_target)
			return NULL;
	}
	s->curr_target = p;
	return p;
}

static void complete_signal(int sig, struct task_struct *t, bool group)
{
	struct task_struct *p;

	t = choose_thread(sig, t, group);
	if (!t)
		return;
	if (sig_fatal(t, sig)) {
		/* From here on nothing else matters: even a sleep for a disk ends. */
		t->signal->group_exit = true;
		t->signal->group_exit_code = sig;
		t->signal->group_stop_count = 0;
		for_each_thread(t, p) if (!task_is_dead(p)) kill_thread(p);
		return;
	}
	signal_wake_up(t, sig == SIGKILL);
}

static int send_signal(int sig, const struct k_siginfo *info, struct task_struct *t,
		       struct sigpending *p)
{
	bool group = p == &t->signal->shared_pending;
	int err;

	if ((group ? !t->signal->live : task_is_dead(t)) || !prepare_signal(sig, t))
		return 0;
	err = queue_signal(p, sig, info, t);
	if (err)
		return err;
	signalfd_notify(t->sighand);
	complete_signal(sig, t, group);
	return 0;
}

void queue_sigqueue(struct sigqueue *q, struct task_struct *t, bool group)
{
	struct sigpending *p = group ? &t->signal->shared_pending : &t->pending;

	list_add_tail(&q->list, &p->list);
	p->signal |= sigmask_k(q->info.si_signo);
	signalfd_notify(t->sighand);
	complete_signal(q->info.si_signo, t, group);
}

int send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t)
{
	return send_signal(sig, info, t, &t->pending);
}

int group_send_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t)
{
	return send_signal(sig, info, t, &t->signal->shared_pending);
}

void kill_pgrp(struct machine *m, int sig, const struct k_siginfo *info, s32 pgrp)
{
	struct task_struct *t, *next;

	list_for_each_entry_safe (t, next, &m->tasks, tasks)
		if (t->signal->pgrp == pgrp && !t->kthread && thread_group_leader(t))
			group_send_sig_info(sig, info, t);
}

void force_sig_info(int sig, const struct k_siginfo *info, struct task_struct *t)
{
	struct k_sigaction *ka = &t->sighand->action[sig - 1];

	if (ka->handler == (gva_t)SIG_IGN || (t->blocked & sigmask_k(sig))) {
		ka->handler = (gva_t)SIG_DFL;
		t->blocked &= ~sigmask_k(sig);
	}
	queue_signal(&t->pending, sig, info, t);
	signal_wake_up(t, false);
}

void force_fatal_sig(int sig, struct task_struct *t)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = SI_KERNEL};

	t->sighand->action[sig - 1].handler = (gva_t)SIG_DFL;
	force_sig_info(sig, &info, t);
}

void force_sigsegv(struct task_struct *t, int sig)
{
	if (sig == SIGSEGV)
		force_fatal_sig(SIGSEGV, t);
	else
		force_sig_info(SIGSEGV, NULL, t);
}

void force_sig_fault(struct task_struct *t, int sig, int code, gva_t addr, u32 trapno,
		     u32 error_code, gva_t cr2)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = code};

	info.fault.addr = addr;
	/* A fault, not a trap: its frame says that the instruction is to run on. SDM vol. 3,
	 * 17.3.1.1. The handler starts without it, and sigreturn drops it. */
	if (trapno != X86_DB && trapno != X86_BP && trapno != X86_OF)
		t->machine->cpu.regs.flags |= F_RF;
	t->trap_nr = trapno;
	t->trap_error = error_code;
	if (trapno == X86_PF)
		t->cr2 = cr2;
	force_sig_info(sig, &info, t);
}

/* --- actions ------------------------------------------------------------------------------------ */

int do_sigaction(struct task_struct *t, int sig, const struct k_sigaction *act,
		 struct k_sigaction *old)
{
	struct k_sigaction *ka;
	bool was_ignored;

	if (sig < 1 || sig > NR_SIGNALS || (act && (sigmask_k(sig) & UNBLOCKABLE_MASK)))
		return -EINVAL;
	ka = &t->sighand->action[sig - 1];
	was_ignored = ka->handler == (gva_t)SIG_IGN;
	if (old)
		*old = *ka;
	if (!act)
		return 0;
	*ka = *act;
	ka->flags &= UAPI_SA_FLAGS;
	ka->mask &= ~UNBLOCKABLE_MASK;
	if (handler_ignores(t, sig)) /* POSIX: pending ones go, blocked or not */
		flush_signal_mask(t, sigmask_k(sig));
	else if (was_ignored)
		posixtimer_sig_unignore(t, sig);
	return 0;
}

void flush_signal_handlers(struct task_struct *t, bool force_default)
{
	for (int i = 0; i < NR_SIGNALS; i++) {
		struct k_sigaction *ka = &t->sighand->action[i];
		gva_t handler = ka->handler;

		*ka = (struct k_sigaction){0};
		if (handler == (gva_t)SIG_IGN && !force_default)
			ka->handler = handler;
	}
}

/* Signals: who gets them, queues, actions. Delivery is signal_deliver.c's, the user's frame
 * sigframe.c's. See signal.h; kernel/signal.c. */
#include "proc/signal.h"

#include "base/err.h"
#include "proc/exit.h"
#include "proc/task.h"

static const struct sig_desc {
	const char *name;
	u8 action, core;
} sig_table[NR_SIGNALS + 1] = {
#define SIGNAL(nr, name, action, core) [nr] = {"SIG" #name, SIG_DEFAULT_##action, core},
#include "proc/signal.def"
#undef SIGNAL
};

#define SYNCHRONOUS_MASK                                                                           \
	(sigmask_k(SIGSEGV) | sigmask_k(SIGBUS) | sigmask_k(SIGILL) | sigmask_k(SIGTRAP) |         \
	 sigmask_k(SIGFPE) | sigmask_k(SIGSYS))
#define STOP_MASK                                                                                  \
	(sigmask_k(SIGSTOP) | sigmask_k(SIGTSTP) | sigmask_k(SIGTTIN) | sigmask_k(SIGTTOU))
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

/* --- queues ------------------------------------------------------------------------------------ */

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
	return handler_ignores(t, sig);
}

static void sigqueue_free(struct machine *m, struct sigqueue *q)
{
	list_del(&q->list);
	m->nr_sigqueue--;
	kmem_cache_free(m->sigqueue_cache, q);
}

/* NULL: no memory, or the limit is reached. @own: the kernel's own signals have no limit. */
static struct sigqueue *sigqueue_alloc(struct task_struct *t, bool own)
{
	struct machine *m = t->machine;
	struct sigqueue *q;

	if (!own && m->nr_sigqueue >= rlimit(t, RLIMIT_SIGPENDING))
		return NULL;
	q = kmem_cache_zalloc(m->sigqueue_cache, GFP_ATOMIC);
	if (q)
		m->nr_sigqueue++;
	return q;
}

/* 0; -EAGAIN: a real-time signal with a value that cannot be queued. */
static int queue_signal(struct sigpending *p, int sig, const struct k_siginfo *info,
			struct task_struct *t)
{
	struct sigqueue *q;

	if (sig < 32 && (p->signal & sigmask_k(sig)))
		return 0; /* standard signals are pending once */
	q = sigqueue_alloc(t, sig < 32 && (!info || info->si_code >= 0));
	if (q) { /* without memory the signal comes, but not its siginfo */
		if (info)
			q->info = *info;
		else
			q->info.si_code = SI_KERNEL;
		q->info.si_signo = sig;
		list_add_tail(&q->list, &p->list);
	} else if (sig >= 32 && info && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	p->signal |= sigmask_k(sig);
	return 0;
}

void flush_signals(struct sigpending *p, struct task_struct *t)
{
	struct sigqueue *q, *n;

	list_for_each_entry_safe (q, n, &p->list, list)
		sigqueue_free(t->machine, q);
	p->signal = 0;
}

/* Takes the signals of @mask out of @p. */
static void flush_sigqueue_mask(struct sigpending *p, sigset_k mask, struct task_struct *t)
{
	struct sigqueue *q, *n;

	if (!(p->signal & mask))
		return;
	p->signal &= ~mask;
	list_for_each_entry_safe (q, n, &p->list, list)
		if (mask & sigmask_k(q->info.si_signo))
			sigqueue_free(t->machine, q);
}

static void flush_everywhere(struct task_struct *t, sigset_k mask)
{
	flush_sigqueue_mask(&t->pending, mask, t);
	flush_sigqueue_mask(&t->signal->shared_pending, mask, t);
}

/* Takes @sig from @p with its siginfo. */
static void collect_signal(struct task_struct *t, struct sigpending *p, int sig,
			   struct k_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry (q, &p->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		p->signal &= ~sigmask_k(sig);
	*info = (struct k_siginfo){.si_signo = sig};
	if (first) {
		*info = first->info;
		sigqueue_free(t->machine, first);
	}
}

/* --- sending ----------------------------------------------------------------------------------- */

bool signal_pending(const struct task_struct *t)
{
	return (t->pending.signal | t->signal->shared_pending.signal) &
	       ~(t->blocked & ~UNBLOCKABLE_MASK);
}

bool fatal_signal_pending(const struct task_struct *t)
{
	return t->pending.signal & sigmask_k(SIGKILL);
}

static void signal_wake_up(struct task_struct *t, bool fatal)
{
	if (t->state == TASK_INTERRUPTIBLE ||
	    (fatal && (t->state == TASK_KILLABLE || t->state == TASK_STOPPED)))
		wake_up_process(t);
}

/* A stopped process goes on, whatever it does with SIGCONT. */
static void signal_continue(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	flush_everywhere(t, STOP_MASK);
	if (!s->stopped)
		return;
	s->stopped = false;
	s->stop_sig = 0;
	s->continued = true;
	if (t->state == TASK_STOPPED)
		wake_up_process(t);
	do_notify_parent_cldstop(t, CLD_CONTINUED, SIGCONT);
}

/* What happens to a signal before anybody looks at its action. False: it is dropped. */
static bool prepare_signal(int sig, struct task_struct *t)
{
	if (t->signal->group_exit)
		return false;
	if (sigmask_k(sig) & STOP_MASK)
		flush_everywhere(t, sigmask_k(SIGCONT));
	else if (sig == SIGCONT)
		signal_continue(t);
	return !sig_ignored(t, sig);
}

/* Will it end the process, without a core and whatever else is pending? */
static bool sig_fatal(const struct task_struct *t, int sig)
{
	if (sig == SIGKILL)
		return true;
	if ((t->blocked | t->real_blocked) & sigmask_k(sig))
		return false;
	return t->sighand->action[sig - 1].handler == (gva_t)SIG_DFL &&
	       sig_table[sig].action == SIG_DEFAULT_TERM && !sig_table[sig].core;
}

static void complete_signal(int sig, struct task_struct *t)
{
	if ((t->blocked & sigmask_k(sig)) && sig != SIGKILL)
		return;
	if (sig_fatal(t, sig)) {
		/* From here on nothing else matters: even a sleep for a disk ends. */
		t->signal->group_exit = true;
		t->signal->group_exit_code = sig;
		t->pending.signal |= sigmask_k(SIGKILL);
		signal_wake_up(t, true);
		return;
	}
	signal_wake_up(t, false);
}

static int send_signal(int sig, const struct k_siginfo *info, struct task_struct *t,
		       struct sigpending *p)
{
	int err;

	if (task_is_dead(t) || !prepare_signal(sig, t))
		return 0;
	err = queue_signal(p, sig, info, t);
	if (!err)
		complete_signal(sig, t);
	return err;
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
		if (t->signal->pgrp == pgrp && !t->kthread)
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
}

void force_fatal_sig(int sig, struct task_struct *t)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = SI_KERNEL};

	t->sighand->action[sig - 1].handler = (gva_t)SIG_DFL;
	force_sig_info(sig, &info, t);
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

/* --- taking ------------------------------------------------------------------------------------ */

int dequeue_signal(struct task_struct *t, sigset_k mask, struct k_siginfo *info)
{
	struct sigpending *sets[] = {&t->pending, &t->signal->shared_pending};

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
	ka->flags &= UAPI_SA_FLAGS;
	ka->mask &= ~UNBLOCKABLE_MASK;
	if (handler_ignores(t, sig)) /* POSIX: pending ones go, blocked or not */
		flush_everywhere(t, sigmask_k(sig));
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

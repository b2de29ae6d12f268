/* Who traces whom, and how a tracee is let go on. See ptrace.h; kernel/ptrace.c. */
#include "proc/ptrace.h"

#include <linux/capability.h>

#include "base/err.h"
#include "proc/exit.h"
#include "proc/task.h"

/* --- links --------------------------------------------------------------------------------------- */

static void ptrace_link(struct task_struct *child, struct task_struct *tracer, u32 flags)
{
	child->ptrace = flags;
	child->tracer = tracer;
	child->syscall_work |= SYSWORK_PTRACED;
	if (tracer)
		list_add(&child->ptrace_entry, &tracer->ptraced);
}

bool ptrace_reparented(const struct task_struct *t)
{
	return t->tracer ? !t->real_parent || t->real_parent->signal != t->tracer->signal
			 : t->ptrace && t->real_parent;
}

/* __ptrace_unlink(): a group stop that it has slept through counts now. */
void ptrace_unlink(struct task_struct *child)
{
	const struct signal_struct *s = child->signal;

	clear_jobctl_pending(child, JOBCTL_TRAP_MASK);
	clear_jobctl_trapping(child);
	child->syscall_work &= SYSWORK_USER_DISPATCH;
	child->tracer = NULL;
	child->ptrace = 0;
	list_del_init(&child->ptrace_entry);
	if (!child->exiting && (s->stopped || s->group_stop_count))
		child->jobctl |= JOBCTL_STOP_PENDING;
	if ((child->jobctl & JOBCTL_STOP_PENDING) || child->state == TASK_TRACED)
		ptrace_signal_wake_up(child, true);
}

void ptrace_forget(struct task_struct *t)
{
	struct task_struct *p, *next;

	list_for_each_entry_safe (p, next, &t->ptraced, ptrace_entry)
		ptrace_forget(p);
	t->tracer = NULL;
	t->ptrace = 0;
	list_del_init(&t->ptrace_entry);
}

static bool ignores_children(const struct task_struct *t)
{
	const struct k_sigaction *ka = &t->sighand->action[SIGCHLD - 1];

	return ka->handler == (gva_t)SIG_IGN || (ka->flags & SA_NOCLDWAIT);
}

/* Lets go of @p. A zombie is its parent's to wait for now, or goes. __ptrace_detach() */
static void detach(struct task_struct *tracer, struct task_struct *p)
{
	bool dead;

	ptrace_unlink(p);
	if (p->exit_state != EXIT_ZOMBIE)
		return;
	dead = !thread_group_leader(p);
	if (!dead && thread_group_empty(p)) {
		if (!p->real_parent || p->real_parent->signal != tracer->signal) {
			dead = do_notify_parent(p, p->exit_signal);
		} else if (ignores_children(tracer)) {
			wake_up_all(&tracer->signal->wait_chldexit);
			dead = true;
		}
	}
	if (!dead)
		return;
	p->exit_state = EXIT_DEAD;
	release_task(p);
}

void exit_ptrace(struct task_struct *t)
{
	while (!list_empty(&t->ptraced)) {
		struct task_struct *p =
			list_first_entry(&t->ptraced, struct task_struct, ptrace_entry);

		if (p->ptrace & PT_EXITKILL)
			send_sig_info(SIGKILL, NULL, p);
		detach(t, p);
	}
}

void ptrace_init_task(struct task_struct *p, struct task_struct *t, bool trace)
{
	if (!trace || !t->ptrace)
		return;
	ptrace_link(p, t->tracer, t->ptrace);
	if (p->ptrace & PT_SEIZED)
		set_jobctl_pending(p, JOBCTL_TRAP_STOP);
	else
		p->pending.signal |= sigmask_k(SIGSTOP);
	recalc_sigpending(p);
}

/* --- beginning and end --------------------------------------------------------------------------- */

int ptrace_traceme(struct task_struct *t)
{
	struct task_struct *parent = t->real_parent;

	if (t->ptrace)
		return -EPERM;
	if (!parent || !parent->exiting)
		ptrace_link(t, parent, PT_PTRACED);
	return 0;
}

int ptrace_check_options(const struct task_struct *t, u64 options)
{
	if (options & ~(u64)PTRACE_O_MASK)
		return -EINVAL;
	if (!(options & PTRACE_O_SUSPEND_SECCOMP))
		return 0;
	if (!task_capable(t, CAP_SYS_ADMIN) || t->seccomp.mode || (t->ptrace & PT_SUSPEND_SECCOMP))
		return -EPERM;
	return 0;
}

/* One that stands still in its process's stop goes over to a stop of its tracer's. Linux:
 * ptrace_set_stopped() */
static void set_stopped(struct task_struct *child, bool seize)
{
	if (!seize)
		send_sig_info(SIGSTOP, NULL, child);
	if (child->state == TASK_STOPPED &&
	    set_jobctl_pending(child, JOBCTL_TRAP_STOP | JOBCTL_TRAPPING)) {
		child->sigpending = true;
		wake_up_process(child);
	}
}

static bool is_trapping(const struct task_struct *t, s32 pid)
{
	const struct task_struct *child = find_task_by_pid(t->machine, pid);

	return child && child->tracer == t && (child->jobctl & JOBCTL_TRAPPING);
}

int ptrace_attach(struct task_struct *t, struct task_struct *child, bool seize, u64 addr,
		  u64 options)
{
	u32 flags = PT_PTRACED;
	s32 pid = child->pid;
	int err;

	if (seize) {
		if (addr || (options & ~(u64)PTRACE_O_MASK))
			return -EIO;
		err = ptrace_check_options(t, options);
		if (err)
			return err;
		flags |= PT_SEIZED | (u32)options << PT_OPT_FLAG_SHIFT;
	}
	if (child->kthread || child->signal == t->signal)
		return -EPERM;
	err = ptrace_may_access(t, child, PTRACE_MODE_ATTACH);
	if (err)
		return err;
	if (task_is_dead(child) || child->ptrace)
		return -EPERM;
	ptrace_link(child, t, flags);
	set_stopped(child, seize);
	/* Killed meanwhile: its end lets go of the tracee. */
	(void)wait_event_killable(&t->signal->wait_chldexit, !is_trapping(t, pid));
	return 0;
}

int ptrace_check_attach(struct task_struct *t, struct task_struct *child, bool any_state)
{
	if (child->tracer != t)
		return -ESRCH;
	if (any_state)
		return 0;
	if (child->state != TASK_TRACED || fatal_signal_pending(child) ||
	    (child->jobctl & JOBCTL_LISTENING))
		return -ESRCH;
	/* It has got another number by exec, and the tracer has not heard of that yet: it may mean the old
	 * leader. looks_like_a_spurious_pid() */
	if (child->exit_code == (PTRACE_EVENT_EXEC << 8 | SIGTRAP) &&
	    (s32)child->ptrace_message != child->pid)
		return -ESRCH;
	return 0;
}

int ptrace_detach(struct task_struct *t, struct task_struct *child, u64 sig)
{
	if (sig > NR_SIGNALS)
		return -EIO;
	user_disable_single_step(child);
	child->exit_code = (int)sig;
	detach(t, child);
	return 0;
}

/* --- going on ------------------------------------------------------------------------------------ */

int ptrace_resume(struct task_struct *child, u64 request, u64 sig)
{
	bool emu = request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;

	if (sig > NR_SIGNALS)
		return -EIO;
	child->syscall_work &= ~(SYSWORK_TRACE | SYSWORK_EMU);
	if (request == PTRACE_SYSCALL)
		child->syscall_work |= SYSWORK_TRACE;
	if (emu)
		child->syscall_work |= SYSWORK_EMU;
	if (request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP)
		user_enable_single_step(child);
	else if (request == PTRACE_SINGLEBLOCK)
		user_enable_block_step(child);
	else
		user_disable_single_step(child);
	if (!child->debug.armed)
		task_regs(child)->flags &=
			~F_RF; /* it is for one instruction, and no breakpoint is there */
	child->exit_code = (int)sig;
	wake_up_process(child);
	return 0;
}

int ptrace_interrupt(struct task_struct *child)
{
	if (!(child->ptrace & PT_SEIZED) || task_is_dead(child))
		return -EIO;
	if (set_jobctl_pending(child, JOBCTL_TRAP_STOP))
		ptrace_signal_wake_up(child, child->jobctl & JOBCTL_LISTENING);
	return 0;
}

int ptrace_listen(struct task_struct *child)
{
	const struct k_siginfo *info = child->last_siginfo;

	if (!(child->ptrace & PT_SEIZED) || !info || info->si_code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	child->jobctl |= JOBCTL_LISTENING;
	/* Something has happened since this stop began: there is news at once. */
	if (child->jobctl & JOBCTL_TRAP_NOTIFY)
		ptrace_signal_wake_up(child, true);
	return 0;
}

/* How a task ends. See exit.h; kernel/exit.c. */
#include "proc/exit.h"

#include "base/log.h"
#include "fs/fdtable.h"
#include "fs/ipc_sem.h"
#include "proc/coredump.h"
#include "proc/fork.h"
#include "proc/host_signals.h"
#include "proc/itimer.h"
#include "proc/pidfd.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

static void exit_mm(struct task_struct *t)
{
	struct mm_struct *mm = t->mm;
	struct mm_counts c;

	if (!mm)
		return;
	mm_release(t);
	mm_read_counts(mm, &c);
	t->signal->maxrss = max(t->signal->maxrss, c.peak_rss);
	t->mm = NULL;
	tlb_switch(&t->machine->cpu.tlb, NULL);
	mmput(mm);
}

static void exit_files(struct task_struct *t)
{
	if (t->files)
		files_put(t->files);
	t->files = NULL;
	if (t->fs)
		fs_put(t->machine, t->fs);
	t->fs = NULL;
}

/* --- process groups that nobody can continue ----------------------------------------------------- */

bool is_orphaned_pgrp(struct machine *m, s32 pgrp, const struct task_struct *leaving)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks) {
		const struct task_struct *parent = p->real_parent;

		if (!thread_group_leader(p) || p == leaving || p->signal->pgrp != pgrp ||
		    (task_is_dead(p) && thread_group_empty(p)))
			continue;
		/* The first task's group is the caller's of Vellum to continue. */
		if (!parent && !p->adopted && !p->signal->session_leader)
			return false;
		if (parent && parent->signal->pgrp != pgrp &&
		    parent->signal->session == p->signal->session)
			return false;
	}
	return true;
}

static bool has_stopped_members(struct machine *m, s32 pgrp)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks)
		if (p->signal->pgrp == pgrp && p->signal->stopped && !p->signal->group_exit)
			return true;
	return false;
}

/* @t leaves, or (@parent: the one that leaves) loses its parent: was that what kept its group from
 * being orphaned? Then stopped members hear of it. */
static void kill_orphaned_pgrp(struct task_struct *t, const struct task_struct *parent)
{
	struct machine *m = t->machine;
	const struct task_struct *leaving = parent ? NULL : t;
	s32 pgrp = t->signal->pgrp;

	if (!parent)
		parent = t->real_parent;
	if (!parent || parent->signal->pgrp == pgrp ||
	    parent->signal->session != t->signal->session)
		return;
	if (!has_stopped_members(m, pgrp) || !is_orphaned_pgrp(m, pgrp, leaving))
		return;
	kill_pgrp(m, SIGHUP, NULL, pgrp);
	kill_pgrp(m, SIGCONT, NULL, pgrp);
}

/* --- telling the parent ------------------------------------------------------------------------ */

static void fill_chld_info(struct task_struct *t, s32 pid, struct k_siginfo *info)
{
	u64 utime, stime;

	*info = (struct k_siginfo){.si_signo = SIGCHLD};
	info->chld.pid = pid;
	info->chld.uid = t->uid;
	group_cputime(t, &utime, &stime);
	info->chld.utime = utime / NSEC_PER_TICK;
	info->chld.stime = stime / NSEC_PER_TICK;
}

bool do_notify_parent(struct task_struct *t, int sig)
{
	struct task_struct *parent = t->tracer ? t->tracer : t->real_parent;
	const struct k_sigaction *ka;
	struct k_siginfo info;
	bool autoreap = false;

	if (!parent)
		return true;
	/* A program that the parent has become since does not know what was agreed on. */
	if (t->parent_exec_id != parent->self_exec_id)
		sig = SIGCHLD;
	fill_chld_info(t, t->pid, &info);
	info.si_signo = sig;
	info.si_code = t->exit_code & 0x80   ? CLD_DUMPED
		       : t->exit_code & 0x7f ? CLD_KILLED
					     : CLD_EXITED;
	info.chld.status = t->exit_code & 0x7f ? t->exit_code & 0x7f : t->exit_code >> 8;
	ka = &parent->sighand->action[SIGCHLD - 1];
	if (!t->ptrace && sig == SIGCHLD &&
	    (ka->handler == (gva_t)SIG_IGN || (ka->flags & SA_NOCLDWAIT))) {
		autoreap = true;
		if (ka->handler == (gva_t)SIG_IGN)
			sig = 0;
	}
	if (sig > 0 && sig <= NR_SIGNALS)
		group_send_sig_info(sig, &info, parent);
	wake_up_all(&parent->signal->wait_chldexit);
	return autoreap;
}

void do_notify_parent_cldstop(struct task_struct *t, bool for_tracer, int why)
{
	struct task_struct *parent = for_tracer ? t->tracer : t->real_parent;
	const struct k_sigaction *ka;
	struct k_siginfo info;

	if (!parent)
		return;
	fill_chld_info(t, for_tracer ? t->pid : t->tgid, &info);
	info.si_code = why;
	info.chld.status = why == CLD_CONTINUED ? SIGCONT
			   : why == CLD_STOPPED ? t->signal->stop_sig
						: t->exit_code & 0x7f;
	ka = &parent->sighand->action[SIGCHLD - 1];
	if (ka->handler != (gva_t)SIG_IGN && !(ka->flags & SA_NOCLDSTOP))
		group_send_sig_info(SIGCHLD, &info, parent);
	wake_up_all(&parent->signal->wait_chldexit);
}

/* --- children without a parent ------------------------------------------------------------------- */

static struct task_struct *find_alive_thread(struct task_struct *t)
{
	struct task_struct *p;

	for_each_thread(t, p) if (!p->exiting) return p;
	return NULL;
}

/* Another thread of the process, or else the nearest ancestor that asked for them; NULL: the machine's
 * init. */
static struct task_struct *find_new_reaper(struct task_struct *t)
{
	struct task_struct *p, *thread = find_alive_thread(t);

	if (thread)
		return thread;
	for (p = t->real_parent; p; p = p->real_parent) {
		if (!p->signal->is_child_subreaper)
			continue;
		thread = find_alive_thread(p);
		if (thread)
			return thread;
	}
	return NULL;
}

/* What a new parent outside of the process of the old one, @old, means to @child. */
static void reparent_leader(struct task_struct *child, struct task_struct *old)
{
	child->exit_signal = SIGCHLD;
	if (!child->ptrace && child->exit_state == EXIT_ZOMBIE && thread_group_empty(child) &&
	    do_notify_parent(child, child->exit_signal)) {
		child->exit_state = EXIT_DEAD;
		release_task(child);
		return;
	}
	kill_orphaned_pgrp(child, old);
}

static void reparent(struct task_struct *child, struct task_struct *reaper)
{
	struct task_struct *old = child->real_parent, *p;

	if (reaper)
		list_move_tail(&child->sibling, &reaper->children);
	else
		list_del_init(&child->sibling);
	for_each_thread(child, p)
	{
		struct k_siginfo info = {.si_signo = p->pdeath_signal, .si_code = SI_USER};

		info.kill.pid = old->tgid;
		info.kill.uid = old->uid;
		p->real_parent = reaper;
		p->adopted = !reaper;
		if (p->pdeath_signal && !task_is_dead(p))
			group_send_sig_info(p->pdeath_signal, &info, p);
	}
	if (!reaper || reaper->signal != old->signal)
		reparent_leader(child, old);
}

static void forget_original_parent(struct task_struct *t)
{
	struct task_struct *child, *next, *reaper;

	exit_ptrace(t);
	reaper = find_new_reaper(t);
	list_for_each_entry_safe (child, next, &t->children, sibling)
		reparent(child, reaper);
}

/* --- the end --------------------------------------------------------------------------------------- */

static void account_end(struct task_struct *t, bool group_dead)
{
	struct machine *m = t->machine;

	if (group_dead && t->tgid == m->init_pid) {
		m->exit_status = t->signal->group_exit_code;
		m->init_ended = true;
		host_signals_init_ended(m);
	}
	if (!--m->nr_tasks)
		m->ended = true;
}

/* The last thread's status is the process's, unless that has one. True: @t was the last. */
static bool synchronize_group_exit(struct task_struct *t, int status_word)
{
	struct signal_struct *s = t->signal;

	exit_signals(t);
	t->exit_code = status_word;
	if (--s->live)
		return false;
	if (!s->group_exit) {
		s->group_exit = true;
		s->group_exit_code = status_word;
	}
	return true;
}

void leader_is_alone(struct task_struct *leader)
{
	bool forgotten;

	if (leader->signal->group_exit)
		leader->exit_code = leader->signal->group_exit_code;
	forgotten = do_notify_parent(leader, leader->exit_signal);
	pidfd_notify_exit(leader);
	if (!forgotten)
		return;
	leader->exit_state = EXIT_DEAD;
	release_task(leader);
}

/* A tracee's end is its tracer's to hear of; with threads left, a leader's by leader_is_alone(). */
static bool notify_of_end(struct task_struct *t)
{
	bool whole = thread_group_leader(t) && thread_group_empty(t);

	if (t->ptrace && !t->tracer)
		ptrace_unlink(t); /* init has waited for it */
	if (t->ptrace)
		return do_notify_parent(t,
					whole && !ptrace_reparented(t) ? t->exit_signal : SIGCHLD);
	if (!thread_group_leader(t))
		return true;
	return whole && do_notify_parent(t, t->exit_signal);
}

/* exit_notify(): who is to hear of it, and who forgets @t. */
static void exit_notify(struct task_struct *t, bool group_dead)
{
	struct signal_struct *s = t->signal;
	bool autoreap;

	forget_original_parent(t);
	if (group_dead && s->leader)
		kill_orphaned_pgrp(s->leader, NULL);
	t->exit_state = EXIT_ZOMBIE;
	autoreap = notify_of_end(t);
	pidfd_notify_exit(t);
	if (autoreap)
		t->exit_state = EXIT_DEAD;
	if (s->group_exec)
		wake_up_process(s->group_exec);
}

static void log_end(const struct task_struct *t, int status_word)
{
	const struct signal_struct *s = t->signal;
	int code = s->group_exit ? s->group_exit_code : status_word;

	if (t->machine->config.strace && t->signaled && (code & 0x7f))
		log_text("+++ killed by %s%s +++\n", sig_name(code & 0x7f),
			 code & 0x80 ? " (core dumped)" : "");
}

void do_exit(struct task_struct *t, int status_word)
{
	struct machine *m = t->machine;
	bool program = t->mm || t->pid == m->init_pid, group_dead;

	coredump_task_exit(t);
	log_end(t, status_word);
	ptrace_event(t, PTRACE_EVENT_EXIT, status_word);
	group_dead = synchronize_group_exit(t, status_word);
	if (group_dead) {
		exit_itimers(t);
		if (m->on_exit)
			m->on_exit(m, t, m->on_exit_arg);
	}
	seccomp_put(t);
	exit_mm(t);
	exit_sem(&m->vfs, t->sysvsem, t->tgid);
	t->sysvsem = NULL;
	exit_files(t);
	if (group_dead && program)
		disassociate_ctty(t, true);
	t->retired = task_retired(t);
	exit_notify(t, group_dead);
	if (program)
		account_end(t, group_dead);
	schedule_dead(m);
}

void zap_other_threads(struct task_struct *t)
{
	struct task_struct *p;

	for_each_thread(t, p) if (p != t && !task_is_dead(p)) kill_thread(p);
}

void do_group_exit(struct task_struct *t, int status_word)
{
	struct signal_struct *s = t->signal;

	if (s->group_exit) {
		status_word = s->group_exit_code;
	} else if (s->group_exec) {
		status_word = 0;
	} else {
		s->group_exit = true;
		s->group_exit_code = status_word;
		zap_other_threads(t);
	}
	do_exit(t, status_word);
}

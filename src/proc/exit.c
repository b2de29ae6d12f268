/* How a task ends. See exit.h; kernel/exit.c. */
#include "proc/exit.h"

#include "fs/fdtable.h"
#include "proc/fork.h"
#include "proc/host_signals.h"
#include "proc/itimer.h"
#include "proc/pidfd.h"
#include "proc/task.h"

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

		if (p == leaving || p->signal->pgrp != pgrp || task_is_dead(p))
			continue;
		/* The first task's group is the caller's of Vellum to continue. */
		if (!parent && !p->adopted)
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
		if (p->signal->pgrp == pgrp && p->signal->stopped && !task_is_dead(p))
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

static void fill_chld_info(struct task_struct *t, struct k_siginfo *info)
{
	u64 utime, stime;

	*info = (struct k_siginfo){.si_signo = SIGCHLD};
	info->chld.pid = t->tgid;
	info->chld.uid = t->uid;
	task_cputime(t, &utime, &stime);
	info->chld.utime = utime / NSEC_PER_TICK;
	info->chld.stime = stime / NSEC_PER_TICK;
}

/* True: nobody is interested in the zombie. */
static bool do_notify_parent(struct task_struct *t)
{
	struct task_struct *parent = t->real_parent;
	const struct k_sigaction *ka;
	struct k_siginfo info;
	bool autoreap = false;
	int sig = t->exit_signal;

	if (!parent)
		return true;
	fill_chld_info(t, &info);
	info.si_signo = sig;
	info.si_code = t->exit_code & 0x80   ? CLD_DUMPED
		       : t->exit_code & 0x7f ? CLD_KILLED
					     : CLD_EXITED;
	info.chld.status = t->exit_code & 0x7f ? t->exit_code & 0x7f : t->exit_code >> 8;
	ka = &parent->sighand->action[SIGCHLD - 1];
	if (sig == SIGCHLD && (ka->handler == (gva_t)SIG_IGN || (ka->flags & SA_NOCLDWAIT))) {
		autoreap = true;
		if (ka->handler == (gva_t)SIG_IGN)
			sig = 0;
	}
	if (sig > 0 && sig <= NR_SIGNALS)
		group_send_sig_info(sig, &info, parent);
	wake_up_all(&parent->signal->wait_chldexit);
	return autoreap;
}

void do_notify_parent_cldstop(struct task_struct *t, int why, int status)
{
	struct task_struct *parent = t->real_parent;
	const struct k_sigaction *ka;
	struct k_siginfo info;

	if (!parent)
		return;
	fill_chld_info(t, &info);
	info.si_code = why;
	info.chld.status = status;
	ka = &parent->sighand->action[SIGCHLD - 1];
	if (ka->handler != (gva_t)SIG_IGN && !(ka->flags & SA_NOCLDSTOP))
		group_send_sig_info(SIGCHLD, &info, parent);
	wake_up_all(&parent->signal->wait_chldexit);
}

/* --- children without a parent ------------------------------------------------------------------- */

/* The nearest ancestor that asked for them; NULL: the machine's init. */
static struct task_struct *find_new_reaper(struct task_struct *t)
{
	struct task_struct *p;

	for (p = t->real_parent; p; p = p->real_parent)
		if (p->signal->is_child_subreaper && !task_is_dead(p))
			return p;
	return NULL;
}

static void reparent(struct task_struct *child, struct task_struct *reaper)
{
	struct task_struct *old = child->real_parent;

	child->real_parent = reaper;
	child->adopted = !reaper;
	if (reaper)
		list_move_tail(&child->sibling, &reaper->children);
	else
		list_del_init(&child->sibling);
	if (child->pdeath_signal && !task_is_dead(child)) {
		struct k_siginfo info = {.si_signo = child->pdeath_signal, .si_code = SI_USER};

		group_send_sig_info(child->pdeath_signal, &info, child);
	}
	child->exit_signal = SIGCHLD;
	if (child->exit_state == EXIT_ZOMBIE && do_notify_parent(child)) {
		child->exit_state = EXIT_DEAD;
		release_task(child);
		return;
	}
	kill_orphaned_pgrp(child, old);
}

static void forget_original_parent(struct task_struct *t)
{
	struct task_struct *child, *next, *reaper = find_new_reaper(t);

	list_for_each_entry_safe (child, next, &t->children, sibling)
		reparent(child, reaper);
}

/* --- the end --------------------------------------------------------------------------------------- */

static void account_end(struct task_struct *t)
{
	struct machine *m = t->machine;

	if (t->pid == m->init_pid) {
		m->exit_status = t->exit_code;
		m->init_ended = true;
		host_signals_init_ended(m);
	}
	if (!--m->nr_tasks)
		m->ended = true;
}

void do_exit(struct task_struct *t, int status_word)
{
	struct machine *m = t->machine;
	bool program = t->mm || t->pid == m->init_pid;

	t->exit_code = status_word;
	t->signal->group_exit = true;
	exit_itimers(t);
	if (m->on_exit)
		m->on_exit(m, t, m->on_exit_arg);
	exit_mm(t);
	exit_files(t);
	t->retired = task_retired(t);
	forget_original_parent(t);
	kill_orphaned_pgrp(t, NULL);
	t->exit_state = do_notify_parent(t) ? EXIT_DEAD : EXIT_ZOMBIE;
	pidfd_notify_exit(t);
	if (program)
		account_end(t);
	schedule_dead(m);
}

void do_group_exit(struct task_struct *t, int status_word)
{
	t->signal->group_exit = true;
	t->signal->group_exit_code = status_word;
	do_exit(t, status_word); /* there are no other threads yet */
}

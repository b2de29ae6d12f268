/* Sessions, process groups and terminals. See tty_jobctrl.h; Linux, drivers/tty/tty_jobctrl.c. */
#include "proc/tty_jobctrl.h"

#include <linux/capability.h>
#include <sys/ioctl.h>

#include "base/host_proc.h"
#include "fs/tty.h"
#include "mm/uaccess.h"
#include "proc/exit.h"
#include "proc/task.h"

static struct task_struct *running(struct vfs *v)
{
	return current_task(vfs_machine(v));
}

/* The first task of group @pgrp, or of session @session (0: any). NULL: none. */
static struct task_struct *pgrp_member(struct machine *m, s32 pgrp, s32 session)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks)
		if (p->signal->pgrp == pgrp && !p->kthread &&
		    (!session || p->signal->session == session))
			return p;
	return NULL;
}

/* --- whose terminal ---------------------------------------------------------------------------- */

void tty_fork(struct signal_struct *s, const struct signal_struct *parent)
{
	s->tty = parent->tty;
	if (s->tty)
		tty_get(s->tty);
}

void proc_clear_tty(struct signal_struct *s)
{
	struct tty_struct *tty = s->tty;

	s->tty = NULL;
	if (tty)
		tty_put(tty);
}

static void session_clear_tty(struct machine *m, s32 session)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks)
		if (p->signal->session == session)
			proc_clear_tty(p->signal);
}

static void proc_set_tty(struct task_struct *t, struct tty_struct *tty)
{
	struct tty_ctrl *ctrl = tty_ctrl(tty);

	tty_get(tty);
	proc_clear_tty(t->signal);
	t->signal->tty = tty;
	t->signal->tty_old_pgrp = 0;
	ctrl->session = t->signal->session;
	ctrl->pgrp = t->signal->pgrp;
}

static void job_open_proc_set_tty(struct tty_struct *tty, struct file *f)
{
	struct task_struct *t = running(tty_vfs(tty));

	if (t && t->signal->session_leader && !t->signal->tty && !tty_ctrl(tty)->session &&
	    (f->f_mode & FMODE_READ))
		proc_set_tty(t, tty);
}

static struct tty_struct *job_current_tty(struct vfs *v)
{
	struct task_struct *t = running(v);

	return t ? t->signal->tty : NULL;
}

static bool job_is_admin(struct vfs *v)
{
	struct task_struct *t = running(v);

	return !t || task_capable(t, CAP_SYS_ADMIN);
}

/* --- who may use it ---------------------------------------------------------------------------- */

static bool job_in_background(struct tty_struct *tty)
{
	struct task_struct *t = running(tty_vfs(tty));
	s32 pgrp = tty_ctrl(tty)->pgrp;

	return t && t->signal->tty == tty && pgrp && pgrp != t->signal->pgrp;
}

static bool is_ignored(const struct task_struct *t, int sig)
{
	return (t->blocked & sigmask_k(sig)) ||
	       t->sighand->action[sig - 1].handler == (gva_t)SIG_IGN;
}

static int job_check_change(struct tty_struct *tty, int sig)
{
	struct machine *m = vfs_machine(tty_vfs(tty));
	struct task_struct *t = current_task(m);

	if (!job_in_background(tty))
		return 0;
	if (is_ignored(t, sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (is_orphaned_pgrp(m, t->signal->pgrp, NULL))
		return -EIO;
	kill_pgrp(m, sig, NULL, t->signal->pgrp);
	return -ERESTARTSYS;
}

static void job_kill_pgrp(struct vfs *v, s32 pgrp, int sig)
{
	if (pgrp)
		kill_pgrp(vfs_machine(v), sig, NULL, pgrp);
}

static bool job_signal_pending(struct vfs *v)
{
	struct task_struct *t = running(v);

	return t && signal_pending(t);
}

/* --- the end of a session ---------------------------------------------------------------------- */

static void job_hangup_session(struct tty_struct *tty)
{
	struct machine *m = vfs_machine(tty_vfs(tty));
	struct tty_ctrl *ctrl = tty_ctrl(tty);
	struct task_struct *p, *next;

	if (!ctrl->session)
		return;
	list_for_each_entry_safe (p, next, &m->tasks, tasks) {
		if (p->signal->session != ctrl->session || !thread_group_leader(p))
			continue;
		if (p->signal->tty == tty)
			proc_clear_tty(p->signal);
		if (!p->signal->session_leader)
			continue;
		group_send_sig_info(SIGHUP, NULL, p);
		group_send_sig_info(SIGCONT, NULL, p);
		p->signal->tty_old_pgrp = ctrl->pgrp;
	}
}

/* The foreground is told that its terminal goes. */
static void hangup_pgrp(struct machine *m, s32 pgrp, bool go_on)
{
	if (!pgrp)
		return;
	kill_pgrp(m, SIGHUP, NULL, pgrp);
	if (go_on)
		kill_pgrp(m, SIGCONT, NULL, pgrp);
}

void disassociate_ctty(struct task_struct *t, bool on_exit)
{
	struct signal_struct *s = t->signal;
	struct tty_struct *tty = s->tty;
	s32 old = s->tty_old_pgrp;

	if (!s->session_leader)
		return;
	s->tty_old_pgrp = 0;
	if (tty) {
		hangup_pgrp(t->machine, tty_ctrl(tty)->pgrp, !on_exit || tty_is_host(tty));
		*tty_ctrl(tty) = (struct tty_ctrl){0, 0};
		session_clear_tty(t->machine, s->session);
	} else if (on_exit) {
		hangup_pgrp(t->machine, old, true);
	}
}

/* --- ioctls ------------------------------------------------------------------------------------ */

static long tiocsctty(struct task_struct *t, struct tty_struct *tty, struct file *f, u64 arg)
{
	struct signal_struct *s = t->signal;
	struct tty_ctrl *ctrl = tty_ctrl(tty);

	if (s->session_leader && s->session == ctrl->session)
		return 0;
	if (!s->session_leader || s->tty)
		return -EPERM;
	if (ctrl->session) {
		if (arg != 1 || !task_capable(t, CAP_SYS_ADMIN))
			return -EPERM;
		session_clear_tty(t->machine, ctrl->session); /* stolen */
	}
	if (!(f->f_mode & FMODE_READ) && !task_capable(t, CAP_SYS_ADMIN))
		return -EPERM;
	proc_set_tty(t, tty);
	return 0;
}

static long tiocnotty(struct task_struct *t, struct tty_struct *tty)
{
	if (t->signal->tty != tty)
		return -ENOTTY;
	disassociate_ctty(t, false);
	proc_clear_tty(t->signal);
	return 0;
}

static long tiocspgrp(struct task_struct *t, struct tty_struct *real, gva_t arg)
{
	struct signal_struct *s = t->signal;
	struct task_struct *p;
	int err = job_check_change(real, SIGTTOU);
	s32 pgrp;

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(t->mm, pgrp, arg))
		return -EFAULT;
	if (pgrp < 0)
		return -EINVAL;
	if (!s->tty || s->tty != real || tty_ctrl(real)->session != s->session)
		return -ENOTTY;
	p = pgrp_member(t->machine, pgrp, 0);
	if (!p)
		p = find_task_by_pid(t->machine, pgrp);
	if (!p || !pgrp)
		return -ESRCH;
	if (p->signal->session != s->session)
		return -EPERM;
	tty_ctrl(real)->pgrp = pgrp;
	return 0;
}

static long job_ioctl(struct tty_struct *tty, struct tty_struct *real, struct file *f, u32 cmd,
		      u64 arg, struct mm_struct *mm)
{
	struct task_struct *t = running(tty_vfs(tty));
	const struct tty_ctrl *ctrl = tty_ctrl(real);

	if (!t)
		return -ENOTTY;
	switch (cmd) {
	case TIOCNOTTY:
		return tiocnotty(t, tty);
	case TIOCSCTTY:
		return tiocsctty(t, real, f, arg);
	case TIOCSPGRP:
		return tiocspgrp(t, real, arg);
	case TIOCGPGRP:
		if (tty == real && t->signal->tty != real)
			return -ENOTTY;
		return put_user(mm, ctrl->pgrp, arg);
	case TIOCGSID:
		if ((tty == real && t->signal->tty != real) || !ctrl->session)
			return -ENOTTY;
		return put_user(mm, ctrl->session, arg);
	}
	return -ENOTTY;
}

static const struct tty_job_ops machine_tty_jobs = {
	.check_change = job_check_change,
	.open_proc_set_tty = job_open_proc_set_tty,
	.current_tty = job_current_tty,
	.ioctl = job_ioctl,
	.kill_pgrp = job_kill_pgrp,
	.hangup_session = job_hangup_session,
	.is_admin = job_is_admin,
	.signal_pending = job_signal_pending,
	.in_background = job_in_background,
};

void tty_jobctrl_init(struct machine *m)
{
	m->vfs.tty_jobs = &machine_tty_jobs;
}

int tty_start_session(struct task_struct *t)
{
	struct tty_struct *tty = tty_host_start(&t->machine->vfs);

	if (IS_ERR(tty))
		return PTR_ERR(tty);
	t->signal->session_leader = host_leads_session();
	if (tty) {
		proc_set_tty(t, tty);
		tty_put(tty);
	}
	return 0;
}

/* --- system calls ------------------------------------------------------------------------------ */

long do_setsid(struct task_struct *t)
{
	struct signal_struct *s = t->signal;

	if (s->session_leader || pgrp_member(t->machine, s->tgid, 0))
		return -EPERM;
	s->session_leader = true;
	s->pgrp = s->session = s->tgid;
	s->autogroup_nice = 0;
	proc_clear_tty(s);
	return s->session;
}

long do_setpgid(struct task_struct *t, s32 pid, s32 pgid)
{
	struct task_struct *p = pid ? find_task_by_pid(t->machine, pid) : t;
	struct signal_struct *s;

	if (pgid < 0)
		return -EINVAL;
	if (!p)
		return -ESRCH;
	if (pid && !thread_group_leader(p))
		return -EINVAL;
	s = p->signal;
	if (p->real_parent && p->real_parent->signal == t->signal && s != t->signal) {
		if (s->session != t->signal->session)
			return -EPERM;
		if (s->did_exec)
			return -EACCES;
	} else if (s != t->signal) {
		return -ESRCH;
	}
	if (s->session_leader)
		return -EPERM;
	if (!pgid)
		pgid = s->tgid;
	if (pgid != s->tgid && !pgrp_member(t->machine, pgid, t->signal->session))
		return -EPERM;
	s->pgrp = pgid;
	return 0;
}

long do_vhangup(struct task_struct *t)
{
	if (!task_capable(t, CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (t->signal->tty)
		tty_vhangup(t->signal->tty);
	return 0;
}

/* --- what others ask --------------------------------------------------------------------------- */

void task_tty_numbers(const struct task_struct *t, u32 *tty_nr, s32 *tpgid)
{
	struct tty_struct *tty = t->signal->tty;
	u32 dev = tty ? tty_devnum(tty) : 0;

	*tty_nr = dev;
	*tpgid = tty ? tty_ctrl(tty)->pgrp : -1;
}

void machine_terminal_signal(struct machine *m, int sig, const struct k_siginfo *info)
{
	struct task_struct *first = find_task_by_pid(m, m->init_pid);
	s32 pgrp = tty_host_pgrp(&m->vfs);

	/* At its end the foreground hears of it, too: disassociate_ctty(). */
	if (sig == SIGHUP && first->signal->session_leader)
		group_send_sig_info(sig, info, first);
	else
		kill_pgrp(m, sig, info, pgrp ? pgrp : first->signal->pgrp);
}

/* Do all programs (of group @pgrp only, unless that is 0) stand still? */
static bool all_stopped(struct machine *m, s32 pgrp)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks)
		if (thread_group_leader(p) && !p->kthread && !p->signal->stopped &&
		    !task_is_dead(p) && (!pgrp || p->signal->pgrp == pgrp))
			return false;
	return true;
}

bool machine_stop_with_host(struct task_struct *t, int sig)
{
	struct machine *m = t->machine;
	struct task_struct *first = find_task_by_pid(m, m->init_pid);

	if (m->signal_fd < 0 || !first || !first->signal->stopped)
		return false;
	if (!all_stopped(m, 0) && (sig == SIGSTOP || !all_stopped(m, first->signal->pgrp)))
		return false;
	tty_host_restore(&m->vfs);
	host_raise_unblocked(sig == SIGSTOP ? SIGSTOP : SIGTSTP);
	tty_host_resume(&m->vfs);
	kill_pgrp(m, SIGCONT, NULL, first->signal->pgrp);
	return true;
}

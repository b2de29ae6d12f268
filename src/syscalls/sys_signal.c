/* Signal calls: actions, masks, sending, waiting. Delivery is proc/signal.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <string.h>

#include "proc/pidfd.h"
#include "proc/procfs/procfs.h"

/* sigaction(2). -EINVAL: the signal, the mask's size. */
long sys_rt_sigaction(struct task_struct *t, const struct sysargs *a)
{
	struct k_sigaction act, old;
	int err;

	if (a->arg[3] != SIGSET_SIZE)
		return -EINVAL;
	if (a->arg[1] && get_user(t->mm, act, a->arg[1]))
		return -EFAULT;
	err = do_sigaction(t, (int)a->arg[0], a->arg[1] ? &act : NULL, &old);
	if (err)
		return err;
	return a->arg[2] ? put_user(t->mm, old, a->arg[2]) : 0;
}

static int change_mask(struct task_struct *t, int how, sigset_k set)
{
	set &= ~UNBLOCKABLE;
	switch (how) {
	case SIG_BLOCK:
		set |= t->blocked;
		break;
	case SIG_UNBLOCK:
		set = t->blocked & ~set;
		break;
	case SIG_SETMASK:
		break;
	default:
		return -EINVAL;
	}
	set_task_blocked(t, set);
	return 0;
}

/* sigprocmask(2). -EINVAL: how, the mask's size. */
long sys_rt_sigprocmask(struct task_struct *t, const struct sysargs *a)
{
	sigset_k old = t->blocked, set;
	int err;

	if (a->arg[3] != SIGSET_SIZE)
		return -EINVAL;
	if (a->arg[1]) {
		if (get_user(t->mm, set, a->arg[1]))
			return -EFAULT;
		err = change_mask(t, (int)a->arg[0], set);
		if (err)
			return err;
	}
	return a->arg[2] ? put_user(t->mm, old, a->arg[2]) : 0;
}

/* sigpending(2). -EINVAL: the mask's size. */
long sys_rt_sigpending(struct task_struct *t, const struct sysargs *a)
{
	sigset_k set = (t->pending.signal | t->signal->shared_pending.signal) & t->blocked;

	if (a->arg[1] > SIGSET_SIZE)
		return -EINVAL;
	return copy_to_user(t->mm, a->arg[0], &set, a->arg[1]) ? -EFAULT : 0;
}

/* sigreturn(2). Everything is what the frame says; a bad one is SIGSEGV. */
long sys_rt_sigreturn(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return do_rt_sigreturn(t);
}

/* --- waiting --------------------------------------------------------------------------------- */

int set_user_sigmask(struct task_struct *t, gva_t addr, u64 size)
{
	sigset_k set;

	if (!addr)
		return 0;
	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(t->mm, set, addr))
		return -EFAULT;
	t->saved_blocked = t->blocked;
	t->restore_sigmask = true;
	set_task_blocked(t, set & ~UNBLOCKABLE);
	return 0;
}

void restore_user_sigmask(struct task_struct *t, bool interrupted)
{
	if (interrupted || !t->restore_sigmask)
		return;
	set_task_blocked(t, t->saved_blocked);
	t->restore_sigmask = false;
}

/* sigsuspend(2). -EINVAL: the mask's size; sleeps until a handler has run: -EINTR. */
long sys_rt_sigsuspend(struct task_struct *t, const struct sysargs *a)
{
	sigset_k set;

	if (a->arg[1] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(t->mm, set, a->arg[0]))
		return -EFAULT;
	t->saved_blocked = t->blocked;
	t->restore_sigmask = true;
	set_task_blocked(t, set & ~UNBLOCKABLE);
	return sleep_interruptible(t, WAIT_FOREVER);
}

/* pause(2). Sleeps until a handler has run: -EINTR. */
long sys_pause(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return sleep_interruptible(t, WAIT_FOREVER);
}

/* Takes a signal of @set, waiting for one until @deadline_ns (0: not at all). Its number, -EAGAIN or
 * -EINTR. */
static int do_sigtimedwait(struct task_struct *t, sigset_k set, struct k_siginfo *info,
			   u64 deadline_ns)
{
	int sig, err;

	set &= ~UNBLOCKABLE;
	sig = dequeue_signal(t, ~set, info);
	if (sig || !deadline_ns)
		return sig ? sig : -EAGAIN;
	/* Signals of the set wake us although they are blocked; they stay what they are. */
	t->real_blocked = t->blocked;
	t->blocked &= ~set;
	recalc_sigpending(t);
	err = sleep_interruptible(t, deadline_ns);
	set_task_blocked(t, t->real_blocked);
	t->real_blocked = 0;
	sig = dequeue_signal(t, ~set, info);
	return sig ? sig : err ? -EINTR : -EAGAIN;
}

/* sigtimedwait(2). The signal. -EINVAL: the mask's size, the time; -EAGAIN: it is over; -EINTR. */
long sys_rt_sigtimedwait(struct task_struct *t, const struct sysargs *a)
{
	u64 deadline = WAIT_FOREVER;
	struct k_siginfo info;
	struct timespec ts;
	sigset_k set;
	int sig;

	if (a->arg[3] != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(t->mm, set, a->arg[0]))
		return -EFAULT;
	if (a->arg[2]) {
		if (get_user(t->mm, ts, a->arg[2]))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = timeout_deadline(t, &ts);
	}
	sig = do_sigtimedwait(t, set, &info, deadline);
	if (sig > 0 && a->arg[1] && copy_to_user(t->mm, a->arg[1], &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

/* --- the alternate stack --------------------------------------------------------------------- */

static bool on_altstack(const struct task_struct *t)
{
	u64 sp = t->machine->cpu.regs.gpr[R_RSP];

	if ((u32)t->altstack.ss_flags & SS_AUTODISARM_K)
		return false;
	return sp > t->altstack.ss_sp && sp - t->altstack.ss_sp <= t->altstack.ss_size;
}

static int set_altstack(struct task_struct *t, stack_t_k *ss)
{
	u32 mode = (u32)ss->ss_flags & ~SS_AUTODISARM_K;

	if (on_altstack(t))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (ss->ss_sp == t->altstack.ss_sp && ss->ss_size == t->altstack.ss_size &&
	    ss->ss_flags == t->altstack.ss_flags)
		return 0; /* no change, even if it is too small */
	if (mode == SS_DISABLE)
		ss->ss_sp = ss->ss_size = 0;
	else if (ss->ss_size < MINSIGSTKSZ_K)
		return -ENOMEM;
	t->altstack = *ss;
	return 0;
}

/* sigaltstack(2). -EPERM: on it now; -EINVAL: flags; -ENOMEM: too small. */
long sys_sigaltstack(struct task_struct *t, const struct sysargs *a)
{
	stack_t_k old = t->altstack, ss;
	u32 state = on_altstack(t) ? SS_ONSTACK : 0;
	int err;

	if (!old.ss_size)
		state = SS_DISABLE;
	if (a->arg[0]) {
		if (get_user(t->mm, ss, a->arg[0]))
			return -EFAULT;
		err = set_altstack(t, &ss);
		if (err)
			return err;
	}
	old.ss_flags = state | ((u32)old.ss_flags & SS_AUTODISARM_K);
	old.pad = 0;
	return a->arg[1] ? put_user(t->mm, old, a->arg[1]) : 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static bool may_kill(const struct task_struct *t, const struct task_struct *to, int sig)
{
	if (sig == SIGCONT && t->signal->session == to->signal->session)
		return true;
	return t->euid == to->suid || t->euid == to->uid || t->uid == to->suid ||
	       t->uid == to->uid || capable(t, CAP_KILL);
}

/* @group: to the process, not to that one thread. */
static long send_to(struct task_struct *t, struct task_struct *to, int sig,
		    const struct k_siginfo *info, bool group)
{
	if (sig < 0 || sig > NR_SIGNALS)
		return -EINVAL;
	if (!may_kill(t, to, sig))
		return -EPERM;
	if (!sig)
		return 0;
	return group ? group_send_sig_info(sig, info, to) : send_sig_info(sig, info, to);
}

static struct k_siginfo own_siginfo(const struct task_struct *t, int sig, int code)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = code};

	info.kill.pid = t->tgid;
	info.kill.uid = t->uid;
	return info;
}

/* @pid as in kill(2), not positive: is @to meant? */
static bool kill_means(const struct task_struct *t, const struct task_struct *to, s32 pid)
{
	if (to->kthread || to->pid != to->tgid)
		return false;
	if (pid == -1)
		return to->tgid != t->tgid;
	return to->signal->pgrp == (pid ? -pid : t->signal->pgrp);
}

static long kill_many(struct task_struct *t, s32 pid, int sig, const struct k_siginfo *info)
{
	struct task_struct *to, *next;
	bool any = false, taken = false;
	long err = 0;

	list_for_each_entry_safe (to, next, &t->machine->tasks, tasks) {
		if (!kill_means(t, to, pid))
			continue;
		any = true;
		err = send_to(t, to, sig, info, true);
		taken |= !err; /* one that took it is enough */
	}
	if (!any)
		return -ESRCH;
	/* kill(-1) does not tell that some were out of reach. */
	return taken || (pid == -1 && err == -EPERM) ? 0 : err;
}

/* kill(2). -EINVAL: the signal; -ESRCH, -EPERM. */
long sys_kill(struct task_struct *t, const struct sysargs *a)
{
	int sig = a->arg[1];
	struct k_siginfo info = own_siginfo(t, sig, SI_USER);
	s32 pid = a->arg[0];
	struct task_struct *to;

	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid <= 0)
		return kill_many(t, pid, sig, &info);
	to = find_task_by_pid(t->machine, pid);
	return to ? send_to(t, to, sig, &info, true) : -ESRCH;
}

static long do_tkill(struct task_struct *t, s32 tgid, s32 pid, int sig,
		     const struct k_siginfo *info)
{
	struct task_struct *to = find_task_by_pid(t->machine, pid);

	if (!to || (tgid > 0 && to->tgid != tgid))
		return -ESRCH;
	return send_to(t, to, sig, info, false);
}

/* tgkill(2). -EINVAL: the signal, no pid; -ESRCH, -EPERM. */
long sys_tgkill(struct task_struct *t, const struct sysargs *a)
{
	struct k_siginfo info = own_siginfo(t, a->arg[2], SI_TKILL);

	if ((s32)a->arg[0] <= 0 || (s32)a->arg[1] <= 0)
		return -EINVAL;
	return do_tkill(t, a->arg[0], a->arg[1], (int)a->arg[2], &info);
}

/* tkill(2). As tgkill(2). */
long sys_tkill(struct task_struct *t, const struct sysargs *a)
{
	struct k_siginfo info = own_siginfo(t, a->arg[1], SI_TKILL);

	if ((s32)a->arg[0] <= 0)
		return -EINVAL;
	return do_tkill(t, 0, a->arg[0], (int)a->arg[1], &info);
}

#define SIGINFO_KNOWN 48 /* sizeof(struct kernel_siginfo): what any si_code so far uses */

/* Only the kernel says si_code >= 0 to others. */
static int get_siginfo(struct task_struct *t, struct k_siginfo *info, gva_t from, int sig, s32 to)
{
	u8 rest[sizeof(*info) - SIGINFO_KNOWN];

	memset(info, 0, sizeof(*info));
	if (copy_from_user(t->mm, info, from, SIGINFO_KNOWN))
		return -EFAULT;
	if (!siginfo_layout_known(sig, info->si_code)) {
		if (copy_from_user(t->mm, rest, from + SIGINFO_KNOWN, sizeof(rest)))
			return -EFAULT;
		for (unsigned i = 0; i < sizeof(rest); i++)
			if (rest[i])
				return -E2BIG;
	}
	info->si_signo = sig;
	return (info->si_code >= 0 || info->si_code == SI_TKILL) && to != t->tgid ? -EPERM : 0;
}

/* rt_sigqueueinfo(2). -EINVAL, -ESRCH; -EPERM: a si_code that is the kernel's; -E2BIG: unknown fields. */
long sys_rt_sigqueueinfo(struct task_struct *t, const struct sysargs *a)
{
	struct k_siginfo info;
	struct task_struct *to;
	int sig = a->arg[1], err = get_siginfo(t, &info, a->arg[2], sig, a->arg[0]);

	if (err)
		return err;
	to = find_task_by_pid(t->machine, a->arg[0]);
	return to ? send_to(t, to, sig, &info, true) : -ESRCH;
}

/* rt_tgsigqueueinfo(2). As rt_sigqueueinfo(2). */
long sys_rt_tgsigqueueinfo(struct task_struct *t, const struct sysargs *a)
{
	struct k_siginfo info;
	int err = get_siginfo(t, &info, a->arg[3], (int)a->arg[2], a->arg[0]);

	if (err)
		return err;
	if ((s32)a->arg[0] <= 0 || (s32)a->arg[1] <= 0)
		return -EINVAL;
	return do_tkill(t, a->arg[0], a->arg[1], (int)a->arg[2], &info);
}

/* --- pidfd_send_signal(2) ------------------------------------------------------------------------ */

#define PIDFD_SIGNAL_THREAD_K 1U
#define PIDFD_SIGNAL_THREAD_GROUP_K 2U
#define PIDFD_SIGNAL_PROCESS_GROUP_K 4U

/* Who is meant, *@scope PIDFD_SIGNAL_*_K unless the caller said. -EBADF; *@to NULL: it is gone. */
static int signal_target(struct task_struct *t, s32 fd, u32 *scope, struct task_struct **to)
{
	struct file *f;
	struct pid *pid;
	s32 tgid;
	int err = 0;

	*to = t;
	if (fd == PIDFD_SELF_THREAD_K || fd == PIDFD_SELF_THREAD_GROUP_K) {
		if (!*scope)
			*scope = fd == PIDFD_SELF_THREAD_K ? PIDFD_SIGNAL_THREAD_K
							   : PIDFD_SIGNAL_THREAD_GROUP_K;
		return 0;
	}
	f = fdget(t, fd);
	if (!f)
		return -EBADF;
	pid = pidfd_pid(f);
	if (!*scope)
		*scope = f->f_flags & PIDFD_THREAD_K ? PIDFD_SIGNAL_THREAD_K
						     : PIDFD_SIGNAL_THREAD_GROUP_K;
	if (pid)
		*to = pid->task;
	else if ((tgid = procfs_file_tgid(f)) > 0) /* a directory of /proc does as well */
		*to = find_task_by_pid(t->machine, tgid);
	else
		err = -EBADF;
	fput(f);
	return err;
}

/* pidfd_send_signal(2). -EBADF; -EINVAL: flags, another signal in the siginfo; -ESRCH, -EPERM. */
long sys_pidfd_send_signal(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[3], scope = flags;
	int sig = a->arg[1], err;
	struct k_siginfo info = own_siginfo(t, sig, SI_USER);
	struct task_struct *to;

	if ((flags & ~7U) || (flags & (flags - 1)))
		return -EINVAL;
	err = signal_target(t, a->arg[0], &scope, &to);
	if (err)
		return err;
	if (scope == PIDFD_SIGNAL_THREAD_K)
		info.si_code = SI_TKILL;
	if (a->arg[2]) {
		if (get_user(t->mm, info, a->arg[2]))
			return -EFAULT;
		if (info.si_signo != sig)
			return -EINVAL;
		if ((to != t || scope == PIDFD_SIGNAL_PROCESS_GROUP_K) &&
		    (info.si_code >= 0 || info.si_code == SI_TKILL))
			return -EPERM;
		err = signal_target(t, a->arg[0], &scope, &to); /* the copy may have slept */
		if (err)
			return err;
	}
	if (!to)
		return -ESRCH;
	if (scope == PIDFD_SIGNAL_PROCESS_GROUP_K)
		return kill_many(t, -to->pid, sig, &info);
	return send_to(t, to, sig, &info, scope == PIDFD_SIGNAL_THREAD_GROUP_K);
}

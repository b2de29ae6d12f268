/* Whom readiness is told of by a signal: F_SETOWN and its kin of fcntl(2), and the signal itself. When is fs/fasync.c's. */
#include "syscalls/internal.h"

#include "fs/fasync.h"

#define K_F_OWNER_TID 0
#define K_F_OWNER_PID 1
#define K_F_OWNER_PGRP 2
#define K_F_SETOWN_EX 15
#define K_F_GETOWN_EX 16

struct f_owner_ex_k {
	s32 type, pid;
};

static bool group_exists(struct machine *m, s32 pgrp)
{
	struct task_struct *p;

	list_for_each_entry (p, &m->tasks, tasks)
		if (!p->kthread && p->signal->pgrp == pgrp)
			return true;
	return false;
}

static bool owner_exists(struct machine *m, int type, s32 pid)
{
	return type == K_F_OWNER_PGRP ? group_exists(m, pid) : !!find_task_by_pid(m, pid);
}

/* 0; -ESRCH: there is no such process, thread or group; -ENOMEM. */
static long set_owner(struct task_struct *t, struct file *f, int type, s32 pid)
{
	struct fown_struct *fown;

	if (pid && !owner_exists(t->machine, type, pid))
		return -ESRCH;
	fown = file_owner(f);
	if (!fown)
		return -ENOMEM;
	fown->type = type;
	fown->pid = pid;
	fown->uid = t->uid;
	fown->euid = t->euid;
	return pid ? fasync_want_urgent(f) : 0;
}

/* Who is gone is nobody. */
static s32 owner_pid(struct task_struct *t, const struct fown_struct *fown)
{
	return fown && fown->pid && owner_exists(t->machine, fown->type, fown->pid) ? fown->pid : 0;
}

static long set_owner_ex(struct task_struct *t, struct file *f, gva_t arg)
{
	struct f_owner_ex_k ex;

	if (get_user(t->mm, ex, arg))
		return -EFAULT;
	if (ex.type < K_F_OWNER_TID || ex.type > K_F_OWNER_PGRP)
		return -EINVAL;
	return set_owner(t, f, ex.type, ex.pid);
}

static long get_owner_ex(struct task_struct *t, struct file *f, gva_t arg)
{
	struct f_owner_ex_k ex = {f->f_owner ? f->f_owner->type : 0, owner_pid(t, f->f_owner)};

	return put_user(t->mm, ex, arg);
}

static long set_signal(struct file *f, u64 sig)
{
	struct fown_struct *fown;

	if (sig > NR_SIGNALS)
		return -EINVAL;
	fown = file_owner(f);
	if (!fown)
		return -ENOMEM;
	fown->signum = (int)sig;
	return 0;
}

long fcntl_owner(struct task_struct *t, struct file *f, u32 cmd, u64 arg)
{
	s32 who = (s32)arg;

	switch (cmd) {
	case F_SETOWN:
		if (who == INT32_MIN)
			return -EINVAL;
		return set_owner(t, f, who < 0 ? K_F_OWNER_PGRP : K_F_OWNER_PID,
				 who < 0 ? -who : who);
	case F_GETOWN:
		who = owner_pid(t, f->f_owner);
		return who && f->f_owner->type == K_F_OWNER_PGRP ? -who : who;
	case K_F_SETOWN_EX:
		return set_owner_ex(t, f, arg);
	case K_F_GETOWN_EX:
		return get_owner_ex(t, f, arg);
	case F_SETSIG:
		return set_signal(f, arg);
	default: /* F_GETSIG */
		return f->f_owner ? f->f_owner->signum : 0;
	}
}

/* --- the signal ------------------------------------------------------------------------------------ */

/* May who set the owner signal @t? See: sigio_perm(). */
static bool sigio_perm(const struct task_struct *t, const struct fown_struct *fown)
{
	return !fown->euid || fown->euid == t->suid || fown->euid == t->uid ||
	       fown->uid == t->suid || fown->uid == t->uid;
}

/* @sig by the kernel, to @t or to its process. */
static void kernel_signal(struct task_struct *t, const struct fown_struct *fown, int sig)
{
	if (fown->type == K_F_OWNER_TID)
		send_sig_info(sig, NULL, t);
	else
		group_send_sig_info(sig, NULL, t);
}

static void tell(struct task_struct *t, const struct fown_struct *fown,
		 const struct k_siginfo *info)
{
	bool thread = fown->type == K_F_OWNER_TID;
	int err = -EAGAIN;

	if (!sigio_perm(t, fown))
		return;
	if (fown->signum)
		err = thread ? send_sig_info(fown->signum, info, t)
			     : group_send_sig_info(fown->signum, info, t);
	if (err == -EAGAIN) /* no room to queue it: as if there were no F_SETSIG */
		kernel_signal(t, fown, SIGIO);
}

static void tell_urgent(struct task_struct *t, const struct fown_struct *fown,
			const struct k_siginfo *info __unused)
{
	if (sigio_perm(t, fown))
		kernel_signal(t, fown, SIGURG);
}

/* @fn for each that @fown names. */
static void for_owners(struct vfs *v, const struct fown_struct *fown, const struct k_siginfo *info,
		       void (*fn)(struct task_struct *, const struct fown_struct *,
				  const struct k_siginfo *))
{
	struct machine *m = container_of(v, struct machine, vfs);
	struct task_struct *p, *next;

	if (fown->type != K_F_OWNER_PGRP) {
		p = find_task_by_pid(m, fown->pid);
		if (p)
			fn(p, fown, info);
		return;
	}
	list_for_each_entry_safe (p, next, &m->tasks, tasks)
		if (!p->kthread && p->signal->pgrp == fown->pid && thread_group_leader(p))
			fn(p, fown, info);
}

/* vfs.send_sigio */
static void send_sigio(struct vfs *v, const struct fown_struct *fown, int reason, s64 band)
{
	struct k_siginfo info = {.si_signo = fown->signum, .si_code = reason};

	info.poll.band = band;
	info.poll.fd = fown->fd;
	for_owners(v, fown, &info, tell);
}

/* vfs.send_sigurg */
static void send_sigurg(struct vfs *v, const struct fown_struct *fown)
{
	for_owners(v, fown, NULL, tell_urgent);
}

void sigio_init(struct machine *m)
{
	m->vfs.send_sigio = send_sigio;
	m->vfs.send_sigurg = send_sigurg;
}

/* seccomp(2), and prctl(2)'s older forms of it. The filters are proc/seccomp.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>

#include "base/err.h"
#include "proc/seccomp_notify.h"

#define FLAGS_KNOWN                                                                                \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |    \
	 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                      \
	 FLAG_WAIT_KILLABLE_RECV)
#define FLAG_WAIT_KILLABLE_RECV (1UL << 5)

/* struct sock_fprog, as a 64-bit program has it. */
struct fprog {
	u16 len;
	u64 filter;
};

long seccomp_set_strict(struct task_struct *t)
{
	if (t->seccomp.mode && t->seccomp.mode != SECCOMP_MODE_STRICT)
		return -EINVAL;
	t->seccomp.mode = SECCOMP_MODE_STRICT;
	return 0;
}

/* The program at @user, copied and checked. ERR_PTR(-EFAULT, -EINVAL, -EACCES, -ENOMEM). */
static struct seccomp_filter *get_filter(struct task_struct *t, gva_t user)
{
	struct memory *m = &t->machine->mem;
	struct seccomp_filter *f;
	struct fprog prog;
	int err;

	if (copy_from_user(t->mm, &prog, user, sizeof(prog)))
		return ERR_PTR(-EFAULT);
	if (!prog.len || prog.len > BPF_MAXINSNS)
		return ERR_PTR(-EINVAL);
	if (!t->no_new_privs && !capable(t, CAP_SYS_ADMIN))
		return ERR_PTR(-EACCES);
	f = kzalloc(m, sizeof(*f) + prog.len * sizeof(f->insns[0]), GFP_KERNEL);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->users = 1;
	f->len = prog.len;
	err = copy_from_user(t->mm, f->insns, prog.filter, prog.len * sizeof(f->insns[0]))
		      ? -EFAULT
		      : seccomp_check_filter(m, f->insns, f->len);
	if (!err)
		return f;
	kfree(m, f);
	return ERR_PTR(err);
}

/* @t, and all its threads, get @f. 0; else it is still the caller's: -EINVAL, -EBUSY: a @second listener; -ENOMEM,
 * -ESRCH, or the number of a thread that cannot be brought along. */
static long attach(struct task_struct *t, struct seccomp_filter *f, u64 flags, bool second)
{
	struct seccomp_state old = t->seccomp;
	s32 other;

	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	if (second)
		return -EBUSY;
	if (seccomp_too_long(t, f))
		return -ENOMEM;
	seccomp_attach_filter(t, f);
	other = flags & SECCOMP_FILTER_FLAG_TSYNC ? seccomp_sync_threads(t) : 0;
	if (!other)
		return 0;
	t->seccomp = old;
	f->prev = NULL;
	return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other;
}

/* As attach(), with a listener, whose descriptor it returns. @f is taken over. */
static long set_listener(struct task_struct *t, struct seccomp_filter *f, u64 flags)
{
	bool second = seccomp_has_listener(t);
	struct file *listener;
	long ret = fd_available(t);

	listener = ret ? ERR_PTR(ret) : seccomp_listener_create(t->machine, f);
	ret = IS_ERR(listener) ? PTR_ERR(listener) : attach(t, f, flags, second);
	if (!ret)
		return fd_install_one(t, listener, true);
	seccomp_filter_put(&t->machine->mem, f); /* with a listener it is that one's to free */
	if (!IS_ERR(listener))
		fput(listener);
	return ret;
}

long seccomp_set_filter(struct task_struct *t, u64 flags, gva_t user)
{
	struct seccomp_filter *f;
	long ret;

	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	if ((flags & SECCOMP_FILTER_FLAG_TSYNC) && (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	    !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	if ((flags & FLAG_WAIT_KILLABLE_RECV) && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -EINVAL;
	f = get_filter(t, user);
	if (IS_ERR(f))
		return PTR_ERR(f);
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	f->wait_killable = flags & FLAG_WAIT_KILLABLE_RECV;
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return set_listener(t, f, flags);
	ret = attach(t, f, flags, false);
	if (ret)
		seccomp_filter_put(&t->machine->mem, f);
	return ret;
}

static long action_avail(struct task_struct *t, gva_t user)
{
	u32 action;

	if (get_user(t->mm, action, user))
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* seccomp(2). 0, or a listener's descriptor; -EINVAL; -EACCES: neither CAP_SYS_ADMIN nor no_new_privs; -EOPNOTSUPP: no
 * such action; -ENOMEM: too many instructions; -EBUSY: a second listener; -ESRCH, or the number of a thread that cannot
 * be brought along. */
long sys_seccomp(struct task_struct *t, const struct sysargs *a)
{
	const struct seccomp_notif_sizes sizes = {
		.seccomp_notif = sizeof(struct seccomp_notif),
		.seccomp_notif_resp = sizeof(struct seccomp_notif_resp),
		.seccomp_data = sizeof(struct seccomp_data),
	};
	u32 flags = a->arg[1];

	switch ((u32)a->arg[0]) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || a->arg[2] ? -EINVAL : seccomp_set_strict(t);
	case SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(t, flags, a->arg[2]);
	case SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_avail(t, a->arg[2]);
	case SECCOMP_GET_NOTIF_SIZES:
		if (flags)
			return -EINVAL;
		return put_user(t->mm, sizes, a->arg[2]) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

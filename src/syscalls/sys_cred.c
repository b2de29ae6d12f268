/* Who a task is: user and group ids, process groups, sessions, capabilities.
 *
 * The ids are the guest's own data: files are opened by Vellum's host process with its own.
 */
#include "syscalls/internal.h"

#include <linux/capability.h>

#include "proc/tty_jobctrl.h"

#define NO_CHANGE (~0U)

bool capable(const struct task_struct *t, int cap)
{
	return task_capable(t, cap);
}

/* The version and pid of a header. 0; or what the call returns at once (@probe: a NULL data pointer
 * asks for the version only). */
static long read_cap_header(struct task_struct *t, gva_t at, bool probe,
			    struct __user_cap_header_struct *head)
{
	u32 version;

	if (get_user(t->mm, version, at))
		return -EFAULT;
	if (version == _LINUX_CAPABILITY_VERSION_1 || version == _LINUX_CAPABILITY_VERSION_2 ||
	    version == _LINUX_CAPABILITY_VERSION_3)
		return get_user(t->mm, *head, at) ? -EFAULT : 0;
	version = _LINUX_CAPABILITY_VERSION_3; /* alone: the pid behind it may not be there */
	if (put_user(t->mm, version, at))
		return -EFAULT;
	return probe ? 1 : -EINVAL;
}

/* Bytes of the sets that go with a header: one word a set, or two. */
static u64 cap_data_size(const struct __user_cap_header_struct *head)
{
	return head->version == _LINUX_CAPABILITY_VERSION_1 ? 12 : 24;
}

/* capget(2). -EINVAL: version, a negative pid; -ESRCH. */
long sys_capget(struct task_struct *t, const struct sysargs *a)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2];
	const struct task_caps *c = &t->caps;
	long err = read_cap_header(t, a->arg[0], !a->arg[1], &head);

	if (err < 0)
		return err;
	if (err || !a->arg[1]) /* it asks for the version only: nobody looks at the pid */
		return 0;
	if (head.pid < 0)
		return -EINVAL;
	if (head.pid) {
		struct task_struct *other = find_task_by_pid(t->machine, head.pid);

		if (!other)
			return -ESRCH;
		c = &other->caps;
	}
	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = c->effective >> (32 * i);
		data[i].permitted = c->permitted >> (32 * i);
		data[i].inheritable = c->inheritable >> (32 * i);
	}
	return copy_to_user(t->mm, a->arg[1], data, cap_data_size(&head)) ? -EFAULT : 0;
}

/* capset(2): of the calling thread only. -EINVAL: version; -EPERM. */
long sys_capset(struct task_struct *t, const struct sysargs *a)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2] = {0};
	struct task_caps new = {0};
	long err = read_cap_header(t, a->arg[0], false, &head);

	if (err)
		return err;
	if (head.pid && head.pid != t->pid)
		return -EPERM;
	if (copy_from_user(t->mm, data, a->arg[1], cap_data_size(&head)))
		return -EFAULT;
	new.effective = (data[0].effective | (u64)data[1].effective << 32) & CAP_ALL;
	new.permitted = (data[0].permitted | (u64)data[1].permitted << 32) & CAP_ALL;
	new.inheritable = (data[0].inheritable | (u64)data[1].inheritable << 32) & CAP_ALL;
	return caps_set(t, &new);
}

/* --- reading --------------------------------------------------------------------------------- */

/* getuid(2) */
long sys_getuid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->uid;
}

/* geteuid(2) */
long sys_geteuid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->euid;
}

/* getgid(2) */
long sys_getgid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->gid;
}

/* getegid(2) */
long sys_getegid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->egid;
}

static long put_ids(struct task_struct *t, const struct sysargs *a, u32 real, u32 effective,
		    u32 saved)
{
	if (put_user(t->mm, real, a->arg[0]) || put_user(t->mm, effective, a->arg[1]) ||
	    put_user(t->mm, saved, a->arg[2]))
		return -EFAULT;
	return 0;
}

/* getresuid(2). -EFAULT. */
long sys_getresuid(struct task_struct *t, const struct sysargs *a)
{
	return put_ids(t, a, t->uid, t->euid, t->suid);
}

/* getresgid(2). -EFAULT. */
long sys_getresgid(struct task_struct *t, const struct sysargs *a)
{
	return put_ids(t, a, t->gid, t->egid, t->sgid);
}

/* getgroups(2). How many; size 0 asks only. -EINVAL: no room for all. */
long sys_getgroups(struct task_struct *t, const struct sysargs *a)
{
	int size = a->arg[0];

	if (size < 0)
		return -EINVAL;
	if (!size)
		return t->ngroups;
	if ((u32)size < t->ngroups)
		return -EINVAL;
	if (copy_to_user(t->mm, a->arg[1], t->groups, t->ngroups * sizeof(t->groups[0])))
		return -EFAULT;
	return t->ngroups;
}

/* setgroups(2). -EPERM without CAP_SETGID; -EINVAL: more than a task can have. */
long sys_setgroups(struct task_struct *t, const struct sysargs *a)
{
	u32 n = a->arg[0], groups[ARRAY_SIZE(t->groups)];

	if (!capable(t, CAP_SETGID))
		return -EPERM;
	if (n > ARRAY_SIZE(groups))
		return -EINVAL;
	if (copy_from_user(t->mm, groups, a->arg[1], n * sizeof(groups[0])))
		return -EFAULT;
	for (u32 i = 0; i < n; i++)
		t->groups[i] = groups[i];
	t->ngroups = n;
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* One of uid or gid in its four forms. */
struct ids {
	u32 *real, *effective, *saved, *fs;
	bool privileged;
};

static struct ids uids(struct task_struct *t)
{
	return (struct ids){&t->uid, &t->euid, &t->suid, &t->fsuid, capable(t, CAP_SETUID)};
}

static struct ids gids(struct task_struct *t)
{
	return (struct ids){&t->gid, &t->egid, &t->sgid, &t->fsgid, capable(t, CAP_SETGID)};
}

/* setuid(2), setgid(2) */
static long set_id(struct ids ids, u32 id)
{
	if (id == NO_CHANGE)
		return -EINVAL;
	if (ids.privileged)
		*ids.real = *ids.saved = id;
	else if (id != *ids.real && id != *ids.saved)
		return -EPERM;
	*ids.effective = *ids.fs = id;
	return 0;
}

/* setreuid(2), setregid(2) */
static long set_re(struct ids ids, u32 real, u32 effective)
{
	u32 old = *ids.real;

	if (!ids.privileged) {
		if (real != NO_CHANGE && real != *ids.real && real != *ids.effective)
			return -EPERM;
		if (effective != NO_CHANGE && effective != *ids.real &&
		    effective != *ids.effective && effective != *ids.saved)
			return -EPERM;
	}
	if (real != NO_CHANGE)
		*ids.real = real;
	if (effective != NO_CHANGE)
		*ids.effective = effective;
	if (real != NO_CHANGE || (effective != NO_CHANGE && effective != old))
		*ids.saved = *ids.effective;
	*ids.fs = *ids.effective;
	return 0;
}

static bool is_one(struct ids ids, u32 id)
{
	return id == NO_CHANGE || id == *ids.real || id == *ids.effective || id == *ids.saved;
}

/* setresuid(2), setresgid(2) */
static long set_res(struct ids ids, u32 real, u32 effective, u32 saved)
{
	if (!ids.privileged && !(is_one(ids, real) && is_one(ids, effective) && is_one(ids, saved)))
		return -EPERM;
	if (real != NO_CHANGE)
		*ids.real = real;
	if (effective != NO_CHANGE)
		*ids.effective = effective;
	if (saved != NO_CHANGE)
		*ids.saved = saved;
	*ids.fs = *ids.effective;
	return 0;
}

/* setfsuid(2), setfsgid(2): the old one, whatever happened. */
static long set_fs(struct ids ids, u32 id)
{
	u32 old = *ids.fs;

	if (id != NO_CHANGE && (ids.privileged || is_one(ids, id) || id == old))
		*ids.fs = id;
	return old;
}

/* After ids were set (@ret: 0): what goes by them follows. */
static long ids_set(struct task_struct *t, const struct old_creds *old, long ret)
{
	if (!ret) {
		caps_fix_setuid(t, old->uid, old->euid, old->suid);
		creds_changed(t, old);
	}
	return ret;
}

/* setuid(2). -EINVAL: -1; -EPERM. */
long sys_setuid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_id(uids(t), a->arg[0]));
}

/* setgid(2). -EINVAL: -1; -EPERM. */
long sys_setgid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_id(gids(t), a->arg[0]));
}

/* setreuid(2). -1 leaves an id. -EPERM. */
long sys_setreuid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_re(uids(t), a->arg[0], a->arg[1]));
}

/* setregid(2). -1 leaves an id. -EPERM. */
long sys_setregid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_re(gids(t), a->arg[0], a->arg[1]));
}

/* setresuid(2). -1 leaves an id. -EPERM. */
long sys_setresuid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_res(uids(t), a->arg[0], a->arg[1], a->arg[2]));
}

/* setresgid(2). -1 leaves an id. -EPERM. */
long sys_setresgid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	return ids_set(t, &old, set_res(gids(t), a->arg[0], a->arg[1], a->arg[2]));
}

/* setfsuid(2). The old one; never an error. */
long sys_setfsuid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	set_fs(uids(t), a->arg[0]);
	caps_fix_setfsuid(t, old.fsuid);
	creds_changed(t, &old);
	return old.fsuid;
}

/* setfsgid(2). The old one; never an error. */
long sys_setfsgid(struct task_struct *t, const struct sysargs *a)
{
	struct old_creds old = creds_save(t);

	set_fs(gids(t), a->arg[0]);
	creds_changed(t, &old);
	return old.fsgid;
}

/* --- process groups and sessions ------------------------------------------------------------- */

static struct task_struct *task_or_self(struct task_struct *t, u64 pid)
{
	return (s32)pid ? find_task_by_pid(t->machine, (s32)pid) : t;
}

/* getpgid(2). -ESRCH. */
long sys_getpgid(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p = task_or_self(t, a->arg[0]);

	return p ? p->signal->pgrp : -ESRCH;
}

/* getpgrp(2) */
long sys_getpgrp(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return t->signal->pgrp;
}

/* getsid(2). -ESRCH. */
long sys_getsid(struct task_struct *t, const struct sysargs *a)
{
	struct task_struct *p = task_or_self(t, a->arg[0]);

	return p ? p->signal->session : -ESRCH;
}

/* setpgid(2). -EINVAL: negative, a thread; -ESRCH: not a child; -EACCES: a child after execve(2); -EPERM:
 * another session, or its leader. */
long sys_setpgid(struct task_struct *t, const struct sysargs *a)
{
	return do_setpgid(t, a->arg[0], a->arg[1]);
}

/* setsid(2). -EPERM: leads a process group. */
long sys_setsid(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return do_setsid(t);
}

/* vhangup(2). -EPERM: without CAP_SYS_TTY_CONFIG. */
long sys_vhangup(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return do_vhangup(t);
}

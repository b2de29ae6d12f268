/* unshare(2), setns(2). There is one name space of each kind: none can be made, and to join one is to stay. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <linux/sched.h>

#include "fs/namei.h"
#include "proc/fork.h"
#include "proc/pidfd.h"
#include "proc/procfs/procfs.h"

/* unshare(2). -EINVAL: flags, or what cannot be undone; -EPERM: a new name space; -ENOMEM. */
long sys_unshare(struct task_struct *t, const struct sysargs *a)
{
	return ksys_unshare(t, a->arg[0]);
}

/* The rules of each kind's install(), of the name space that @t is in. */
static int ns_install(const struct task_struct *t, u64 type)
{
	if (type == CLONE_NEWUSER) /* one's own: capabilities do not come back so */
		return -EINVAL;
	if (type == CLONE_NEWTIME && !thread_group_empty(t))
		return -EUSERS;
	if (!capable(t, CAP_SYS_ADMIN) || (type == CLONE_NEWNS && !capable(t, CAP_SYS_CHROOT)))
		return -EPERM;
	return type == CLONE_NEWNS && t->fs->users != 1 ? -EINVAL : 0;
}

/* All those of a process. */
static int setns_pidfd(struct task_struct *t, s32 fd, u64 flags)
{
	struct task_struct *p;
	int err = 0;

	if (!flags || (flags & ~(u64)CLONE_NEW_ANY))
		return -EINVAL;
	p = pidfd_get_task(t, fd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (ptrace_may_access(t, p, PTRACE_MODE_READ))
		return -EPERM;
	for (u64 type = 1; type <= CLONE_NEW_ANY && !err; type <<= 1)
		if (flags & type)
			err = ns_install(t, type);
	return err;
}

/* Joining a mount name space goes to its root. */
static void mntns_enter(struct task_struct *t)
{
	struct vfs *v = &t->machine->vfs;
	struct path root, pwd;

	if (vfs_start_paths(v, &root, &pwd))
		return;
	path_put(&pwd);
	path_put(&t->fs->root);
	path_put(&t->fs->pwd);
	t->fs->root = t->fs->pwd = root;
	path_get(&root);
}

/* setns(2). -EBADF; -EINVAL: neither a name space of that kind nor a process, or one's own user name space;
 * -ESRCH: the process is gone; -EPERM, -EUSERS. */
long sys_setns(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	u64 type, flags = (u32)a->arg[1];
	int err;

	if (!f)
		return -EBADF;
	type = proc_ns_type(f);
	if (type)
		err = flags && flags != type ? -EINVAL : ns_install(t, type);
	else
		err = pidfd_pid(f) ? setns_pidfd(t, a->arg[0], flags) : -EINVAL;
	fput(f);
	if (!err && ((type ? type : flags) & CLONE_NEWNS))
		mntns_enter(t);
	return err;
}

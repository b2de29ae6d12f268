/* System V shared memory. The segments are fs/ipc_shm.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>

#include "fs/ipc_shm.h"

#define K_SHM_STAT_ANY 15

/* can_do_hugetlb_shm() */
static bool may_hugetlb(const struct task_struct *t)
{
	u32 gid = t->machine->sysctl[SYSCTL_hugetlb_shm_group];

	if (capable(t, CAP_IPC_LOCK) || t->fsgid == gid)
		return true;
	for (u32 i = 0; i < t->ngroups; i++)
		if (t->groups[i] == gid)
			return true;
	return false;
}

struct ipc_cred ipc_cred_of(const struct task_struct *t)
{
	return (struct ipc_cred){
		.pid = t->tgid,
		.euid = t->euid,
		.egid = t->egid,
		.uid = t->uid,
		.groups = t->groups,
		.ngroups = t->ngroups,
		.memlock = capable(t, CAP_IPC_LOCK) ? ~0UL : rlimit(t, RLIMIT_MEMLOCK),
		.privileged = capable(t, CAP_IPC_OWNER),
		.admin = capable(t, CAP_SYS_ADMIN),
		.resource = capable(t, CAP_SYS_RESOURCE),
		.may_hugetlb = may_hugetlb(t),
	};
}

/* shmget(2). What do_shmget() says. */
long sys_shmget(struct task_struct *t, const struct sysargs *a)
{
	struct ipc_cred who = ipc_cred_of(t);

	return do_shmget(&t->machine->vfs, &who, a->arg[0], a->arg[1], a->arg[2]);
}

/* shmat(2). What do_shmat() says. */
long sys_shmat(struct task_struct *t, const struct sysargs *a)
{
	struct ipc_cred who = ipc_cred_of(t);

	return do_shmat(&t->machine->vfs, &who, t->mm, a->arg[0], a->arg[1], a->arg[2]);
}

/* shmdt(2). -EINVAL: nothing is attached there. */
long sys_shmdt(struct task_struct *t, const struct sysargs *a)
{
	return do_shmdt(t->mm, a->arg[0]);
}

/* SHM_STAT and kin: @out goes to the guest, the result is the segment's number. */
static long stat_to_user(struct task_struct *t, const struct ipc_cred *who, int id, int cmd,
			 gva_t buf)
{
	struct shmid_ds ds;
	long ret = shm_stat(&t->machine->vfs, who, id, cmd != IPC_STAT, cmd == K_SHM_STAT_ANY, &ds);

	if (ret < 0)
		return ret;
	return put_user(t->mm, ds, buf) ? -EFAULT : ret;
}

/* shmctl(2). -EINVAL: no such command or segment; -EACCES, -EPERM; -ENOMEM: SHM_LOCK over the limit. */
long sys_shmctl(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	int id = a->arg[0], cmd = a->arg[1];
	gva_t buf = a->arg[2];
	struct shm_info usage;
	struct shminfo limits;
	struct shmid_ds ds;
	long ret;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		ret = shm_limits(v, &limits);
		return put_user(t->mm, limits, buf) ? -EFAULT : ret;
	case SHM_INFO:
		ret = shm_usage(v, &usage);
		return put_user(t->mm, usage, buf) ? -EFAULT : ret;
	case IPC_STAT:
	case SHM_STAT:
	case K_SHM_STAT_ANY:
		return stat_to_user(t, &who, id, cmd, buf);
	case IPC_SET:
		return get_user(t->mm, ds, buf) ? -EFAULT : shm_set(v, &who, id, &ds);
	case IPC_RMID:
		return shm_remove(v, &who, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(v, &who, id, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

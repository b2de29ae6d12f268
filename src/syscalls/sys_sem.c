/* System V semaphores. The arrays are fs/ipc_sem.c's. */
#include "syscalls/internal.h"

#include "fs/ipc_sem.h"

#define FAST_SOPS 16U

/* semget(2). What do_semget() says. */
long sys_semget(struct task_struct *t, const struct sysargs *a)
{
	struct ipc_cred who = ipc_cred_of(t);

	return do_semget(&t->machine->vfs, &who, a->arg[0], a->arg[1], a->arg[2]);
}

/* @timeout: relative, 0: none. -E2BIG, -EINVAL, and what do_semtimedop() says. */
static long sem_call(struct task_struct *t, int id, gva_t user, u32 nsops, gva_t timeout)
{
	struct sembuf fast[FAST_SOPS], *sops = fast;
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	u64 deadline = WAIT_FOREVER;
	struct timespec ts;
	long ret = -EFAULT;

	if (timeout && get_user(t->mm, ts, timeout))
		return -EFAULT;
	if ((s64)nsops > sem_get_limits(v).opm)
		return -E2BIG;
	if (nsops < 1)
		return -EINVAL;
	if (nsops > FAST_SOPS)
		sops = kmalloc(v->mem, nsops * sizeof(*sops), GFP_KERNEL);
	if (!sops)
		return -ENOMEM;
	if (copy_from_user(t->mm, sops, user, nsops * sizeof(*sops)))
		goto out;
	ret = -EINVAL;
	if (id < 0 || (timeout && !timespec_valid(&ts)))
		goto out;
	if (timeout)
		deadline = deadline_after(t, &ts);
	ret = do_semtimedop(v, &who, &t->sysvsem, id, sops, nsops, deadline);
out:
	if (sops != fast)
		kfree(v->mem, sops);
	return ret;
}

/* semop(2). Sleeps: -EINTR whatever the signal's action. */
long sys_semop(struct task_struct *t, const struct sysargs *a)
{
	return sem_call(t, a->arg[0], a->arg[1], a->arg[2], 0);
}

/* semtimedop(2). As semop(2); -EAGAIN: the time is over. */
long sys_semtimedop(struct task_struct *t, const struct sysargs *a)
{
	return sem_call(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3]);
}

/* GETALL and SETALL: the array at @user has as many values as there are semaphores. */
static long sem_all(struct task_struct *t, const struct ipc_cred *who, int id, bool set, gva_t user)
{
	struct vfs *v = &t->machine->vfs;
	long nsems = sem_count(v, who, id, set ? 0222 : 0444), ret;
	u16 *vals;

	if (nsems < 0)
		return nsems;
	vals = kmalloc(v->mem, nsems * sizeof(*vals), GFP_KERNEL);
	if (!vals)
		return -ENOMEM;
	if (set) {
		ret = copy_from_user(t->mm, vals, user, nsems * sizeof(*vals)) ? -EFAULT : 0;
		if (!ret && sem_count(v, who, id, 0222) != nsems)
			ret = -EIDRM;
		if (!ret)
			ret = sem_setall(v, who, id, vals, nsems);
	} else {
		ret = sem_getall(v, who, id, vals, nsems);
		if (!ret && copy_to_user(t->mm, user, vals, nsems * sizeof(*vals)))
			ret = -EFAULT;
	}
	kfree(v->mem, vals);
	return ret;
}

/* IPC_STAT and kin: what is known goes to the guest; the result is the array's number, or 0. */
static long stat_to_user(struct task_struct *t, const struct ipc_cred *who, int id, int cmd,
			 gva_t buf)
{
	struct semid_ds ds;
	long ret = sem_stat(&t->machine->vfs, who, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY, &ds);

	if (ret < 0)
		return ret;
	return put_user(t->mm, ds, buf) ? -EFAULT : ret;
}

/* semctl(2). -EINVAL: no such command, array or semaphore; -EACCES, -EPERM, -ERANGE, -EIDRM. */
long sys_semctl(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	int id = a->arg[0], num = a->arg[1], cmd = a->arg[2];
	gva_t arg = a->arg[3];
	struct seminfo info;
	struct semid_ds ds;
	long ret;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		ret = sem_info(v, cmd == SEM_INFO, &info);
		return put_user(t->mm, info, arg) ? -EFAULT : ret;
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat_to_user(t, &who, id, cmd, arg);
	case GETALL:
	case SETALL:
		return sem_all(t, &who, id, cmd == SETALL, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_get(v, &who, id, num, cmd);
	case SETVAL:
		return sem_setval(v, &who, id, num, (int)arg);
	case IPC_SET:
		return get_user(t->mm, ds, arg) ? -EFAULT : sem_set(v, &who, id, &ds);
	case IPC_RMID:
		return sem_remove(v, &who, id);
	default:
		return -EINVAL;
	}
}

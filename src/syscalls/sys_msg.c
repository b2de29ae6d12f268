/* System V message queues. The queues are fs/ipc_msg.c's. */
#include "syscalls/internal.h"

#include "fs/ipc_msg.h"

/* msgget(2). What do_msgget() says. */
long sys_msgget(struct task_struct *t, const struct sysargs *a)
{
	struct ipc_cred who = ipc_cred_of(t);

	return do_msgget(&t->machine->vfs, &who, a->arg[0], a->arg[1]);
}

/* msgsnd(2). -EINVAL: too long, no type; what do_msgsnd() says. Sleeps: -ERESTARTNOHAND. */
long sys_msgsnd(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	gva_t user = a->arg[1];
	u64 len = a->arg[2];
	struct msg_msg *msg;
	s64 type;
	long ret;

	if (get_user(t->mm, type, user))
		return -EFAULT;
	if ((s64)len < 0 || len > (u64)msg_get_limits(v).max || (int)a->arg[0] < 0 || type < 1)
		return -EINVAL;
	msg = msg_alloc(v->mem, len);
	if (!msg)
		return -ENOMEM;
	msg->type = type;
	if (copy_from_user(t->mm, msg->data, user + sizeof(type), len))
		ret = -EFAULT;
	else
		ret = do_msgsnd(v, &who, a->arg[0], msg, a->arg[3]);
	if (ret)
		kfree(v->mem, msg);
	return ret;
}

/* msgrcv(2). Bytes; -EINVAL, what do_msgrcv() says. A message that cannot be stored is lost, as on Linux.
 * Sleeps: -ERESTARTNOHAND. */
long sys_msgrcv(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	gva_t user = a->arg[1];
	u64 size = a->arg[2];
	struct msg_msg *msg;
	long ret;

	if ((int)a->arg[0] < 0 || (s64)size < 0)
		return -EINVAL;
	msg = do_msgrcv(v, &who, a->arg[0], size, a->arg[3], a->arg[4]);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = (long)(msg->len < size ? msg->len : size);
	if (put_user(t->mm, msg->type, user) ||
	    copy_to_user(t->mm, user + sizeof(msg->type), msg->data, ret))
		ret = -EFAULT;
	kfree(v->mem, msg);
	return ret;
}

/* IPC_STAT and kin, as semctl(2)'s. */
static long stat_to_user(struct task_struct *t, const struct ipc_cred *who, int id, int cmd,
			 gva_t buf)
{
	struct msqid_ds ds;
	long ret = msg_stat(&t->machine->vfs, who, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY, &ds);

	if (ret < 0)
		return ret;
	return put_user(t->mm, ds, buf) ? -EFAULT : ret;
}

/* msgctl(2). -EINVAL: no such command or queue; -EACCES, -EPERM. */
long sys_msgctl(struct task_struct *t, const struct sysargs *a)
{
	struct vfs *v = &t->machine->vfs;
	struct ipc_cred who = ipc_cred_of(t);
	int id = a->arg[0], cmd = a->arg[1];
	gva_t buf = a->arg[2];
	struct msginfo info;
	struct msqid_ds ds;
	long ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		ret = msg_info(v, cmd == MSG_INFO, &info);
		return put_user(t->mm, info, buf) ? -EFAULT : ret;
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat_to_user(t, &who, id, cmd, buf);
	case IPC_SET:
		return get_user(t->mm, ds, buf) ? -EFAULT : msg_set(v, &who, id, &ds);
	case IPC_RMID:
		return msg_remove(v, &who, id);
	default:
		return -EINVAL;
	}
}

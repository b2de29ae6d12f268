/* POSIX message queues. They are fs/mqueue.c's. */
#include "syscalls/internal.h"

#include <linux/capability.h>

#include "fs/mqueue.h"
#include "proc/pid.h"
#include "syscalls/user_path.h"

#define K_SI_MESGQ (-3)

/* vfs.mq_signal: process @tgid hears of a message from the running task. */
static void mq_signal(struct vfs *v, s32 tgid, int sig, u64 value)
{
	struct machine *m = vfs_machine(v);
	struct task_struct *t = current_task(m), *to = find_task_by_pid(m, tgid);
	struct k_siginfo info = {.si_signo = sig, .si_code = K_SI_MESGQ};

	if (!to || !sig)
		return;
	info.kill.pid = t ? t->tgid : 0;
	info.kill.uid = t ? t->uid : 0;
	info.kill.value = value;
	group_send_sig_info(sig, &info, to);
}

void mqueues_init(struct machine *m)
{
	m->vfs.mq_signal = mq_signal;
}

/* mq_open(2). A file's number; what mq_open_name() says; -EMFILE. Flags that are none are not looked at. */
long sys_mq_open(struct task_struct *t, const struct sysargs *a)
{
	struct mq_maker who = {
		.uid = t->uid,
		.rlimit = rlimit(t, RLIMIT_MSGQUEUE),
		.no_cap = !capable(t, CAP_SYS_RESOURCE),
	};
	int flags = a->arg[1], err;
	struct mq_attr attr;
	struct file *f;
	char *name;

	if (a->arg[3] && get_user(t->mm, attr, a->arg[3]))
		return -EFAULT;
	name = getname(t, a->arg[0], false);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = fd_available(t);
	if (err)
		f = ERR_PTR(err);
	else
		f = mq_open_name(&t->machine->vfs, &who, name, flags,
				 a->arg[2] & 07777 & ~t->fs->umask, a->arg[3] ? &attr : NULL);
	kfree(&t->machine->mem, name);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, true);
}

/* mq_unlink(2). -ENOENT, -EACCES, -EPERM, -ENAMETOOLONG. */
long sys_mq_unlink(struct task_struct *t, const struct sysargs *a)
{
	char *name = getname(t, a->arg[0], false);
	long ret;

	if (IS_ERR(name))
		return PTR_ERR(name);
	ret = mq_unlink_name(&t->machine->vfs, name);
	kfree(&t->machine->mem, name);
	return ret;
}

/* An absolute time at @user (0: none) as a deadline. 0, -EINVAL. */
static int get_deadline(struct task_struct *t, gva_t user, u64 *deadline_ns)
{
	struct timespec ts;

	*deadline_ns = WAIT_FOREVER;
	if (!user)
		return 0;
	if (get_user(t->mm, ts, user))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline_ns = deadline_at(t, CLOCK_REALTIME, &ts);
	return 0;
}

static long send_from_user(struct task_struct *t, struct file *f, gva_t user, u64 len, u32 prio,
			   u64 deadline_ns)
{
	long ret = mq_may_send(f, len);
	struct msg_msg *msg;

	if (ret)
		return ret;
	msg = msg_alloc(&t->machine->mem, len);
	if (!msg)
		return -ENOMEM;
	msg->type = prio;
	ret = copy_from_user(t->mm, msg->data, user, len) ? -EFAULT
							  : mq_send_msg(f, msg, deadline_ns);
	if (ret)
		kfree(&t->machine->mem, msg);
	return ret;
}

/* mq_timedsend(2). -EINVAL: priority, time; -EBADF; what mq_send_msg() says. Sleeps: -ERESTARTSYS. */
long sys_mq_timedsend(struct task_struct *t, const struct sysargs *a)
{
	u32 prio = a->arg[3];
	struct file *f;
	u64 deadline;
	long ret = get_deadline(t, a->arg[4], &deadline);

	if (ret)
		return ret;
	if (prio >= MQ_PRIO_MAX_K)
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	ret = send_from_user(t, f, a->arg[1], a->arg[2], prio, deadline);
	fput(f);
	return ret;
}

/* mq_timedreceive(2). Bytes; -EINVAL: time; -EBADF; what mq_receive_msg() says. A message that cannot be
 * stored is lost, as on Linux. Sleeps: -ERESTARTSYS. */
long sys_mq_timedreceive(struct task_struct *t, const struct sysargs *a)
{
	gva_t user_prio = a->arg[3];
	struct msg_msg *msg;
	struct file *f;
	u64 deadline;
	u32 prio;
	long ret = get_deadline(t, a->arg[4], &deadline);

	if (ret)
		return ret;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	msg = mq_receive_msg(f, a->arg[2], deadline);
	fput(f);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	prio = (u32)msg->type;
	ret = (long)msg->len;
	if ((user_prio && put_user(t->mm, prio, user_prio)) ||
	    copy_to_user(t->mm, a->arg[1], msg->data, msg->len))
		ret = -EFAULT;
	kfree(&t->machine->mem, msg);
	return ret;
}

/* SIGEV_THREAD: libc's thread waits at netlink socket sigev_signo for the bytes at sigev_value. 0, -ENOMEM, -EFAULT,
 * -EBADF, -ENOTSOCK, -EINVAL. */
static long get_thread_notice(struct task_struct *t, struct mq_notice *n)
{
	struct sock_note *note = kzalloc(&t->machine->mem, sizeof(*note), GFP_KERNEL);
	struct file *f = NULL;
	long ret;

	if (!note)
		return -ENOMEM;
	ret = copy_from_user(t->mm, note->data, n->value, sizeof(note->data)) ? -EFAULT : 0;
	if (!ret) {
		f = fdget(t, n->sig);
		ret = f ? sock_note_check(f) : -EBADF;
	}
	if (ret) {
		if (f)
			fput(f);
		kfree(&t->machine->mem, note);
		return ret;
	}
	n->sock = f;
	n->note = note;
	return 0;
}

/* struct sigevent at @user. As get_thread_notice(); 0: it is to be put. */
static long get_notice(struct task_struct *t, gva_t user, struct mq_notice *n)
{
	struct sigevent ev;

	if (copy_from_user(t->mm, &ev, user, sizeof(ev)))
		return -EFAULT;
	*n = (struct mq_notice){
		.how = ev.sigev_notify,
		.sig = ev.sigev_signo,
		.value = (u64)ev.sigev_value.sival_ptr,
	};
	if (n->how == SIGEV_THREAD)
		return get_thread_notice(t, n);
	if (n->how == SIGEV_SIGNAL)
		return (u32)n->sig > NR_SIGNALS ? -EINVAL : 0;
	return n->how == SIGEV_NONE ? 0 : -EINVAL;
}

/* mq_notify(2). -EINVAL, -EBADF, -EBUSY: somebody is to be told already; what get_thread_notice() says. */
long sys_mq_notify(struct task_struct *t, const struct sysargs *a)
{
	struct mq_notice n = {0};
	struct file *f;
	long ret = a->arg[1] ? get_notice(t, a->arg[1], &n) : 0;

	if (ret)
		return ret;
	f = fdget(t, a->arg[0]);
	ret = f && is_mqueue_file(f) ? mq_set_notify(f, a->arg[1] ? &n : NULL) : -EBADF;
	if (f)
		fput(f);
	if (ret && n.note) {
		fput(n.sock);
		kfree(&t->machine->mem, n.note);
	}
	return ret;
}

/* mq_getsetattr(2). -EINVAL: other flags than O_NONBLOCK; -EBADF. */
long sys_mq_getsetattr(struct task_struct *t, const struct sysargs *a)
{
	struct mq_attr new, old;
	struct file *f;

	if (a->arg[1]) {
		if (get_user(t->mm, new, a->arg[1]))
			return -EFAULT;
		if (new.mq_flags & ~O_NONBLOCK)
			return -EINVAL;
	}
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	if (!is_mqueue_file(f)) {
		fput(f);
		return -EBADF;
	}
	mq_getset(f, a->arg[1] ? &new : NULL, &old);
	fput(f);
	return a->arg[2] && put_user(t->mm, old, a->arg[2]) ? -EFAULT : 0;
}

/* POSIX message queues: messages with a priority, in files with names of their own.
 *
 *   "name" --> mqueue_ns.queues --> struct mqueue <--fs_private-- dentry <-- struct file (mqd_t)
 *                                      |  messages: the highest priority first, of one the oldest
 *                                      |  receivers, senders: who sleeps
 *                                      '- owner: who is told of the first message in an empty queue
 *
 * A queue lives while it has a name or is open. Names are one component below a root that need not be mounted. Only mq_send() and mq_receive() may sleep.
 * Not for: reading and storing arguments (syscalls/sys_mqueue.c). See: Linux, ipc/mqueue.c; mq_overview(7).
 */
#ifndef FS_MQUEUE_H
#define FS_MQUEUE_H

#include <mqueue.h>

#include "fs/file.h"
#include "fs/ipc_msg.h"
#include "fs/sock_note.h"

#define MQ_PRIO_MAX_K 32768U

/* fs.mqueue.*: proc(5). */
struct mqueue_limits {
	s32 queues_max, msg_max, msgsize_max, msg_default, msgsize_default;
};
#define MQUEUE_LIMITS_DEFAULT                                                                      \
	{                                                                                          \
		.queues_max = 256, .msg_max = 10, .msgsize_max = 8192, .msg_default = 10,          \
		.msgsize_default = 8192                                                            \
	}
struct mqueue_limits mqueue_get_limits(const struct vfs *v);
void mqueue_set_limits(struct vfs *v, const struct mqueue_limits *limits);

/* Who makes a queue. */
struct mq_maker {
	u32 uid;     /* whose queues count together, the real one */
	u64 rlimit;  /* RLIMIT_MSGQUEUE, bytes */
	bool no_cap; /* without CAP_SYS_RESOURCE: the limits above hold */
};

/**
 * mq_open_name - open, or make, the queue @name
 * @flags: open(2)'s
 * @mode:  of a new one, umask done
 * @attr:  mq_maxmsg and mq_msgsize of a new one; NULL: as the limits say
 *
 * Return: a file (a reference); ERR_PTR(-EACCES: no such name can be, or no right; -ENAMETOOLONG, -ENOENT,
 * -EEXIST, -EINVAL, -ENOSPC, -EMFILE: RLIMIT_MSGQUEUE; -EOVERFLOW, -ENOMEM, -ENFILE). See: mq_open(3).
 */
struct file *mq_open_name(struct vfs *v, const struct mq_maker *who, const char *name, int flags,
			  u32 mode, const struct mq_attr *attr);
/* The name goes. 0, -EACCES, -ENAMETOOLONG, -ENOENT, -EPERM. See: mq_unlink(3). */
int mq_unlink_name(struct vfs *v, const char *name);
/* Is @f a queue? */
bool is_mqueue_file(const struct file *f);

/* Sends @msg, whose type is the priority: it is the queue's if that succeeds. @deadline_ns: of the machine's
 * clock. 0, -EBADF (not for writing), -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. May sleep. */
long mq_send_msg(struct file *f, struct msg_msg *msg, u64 deadline_ns);
/* May one of @len bytes be sent? 0, -EBADF, -EMSGSIZE. */
long mq_may_send(const struct file *f, u64 len);
/* The next message, the caller's: @len bytes are room enough for any. ERR_PTR(-EBADF, -EMSGSIZE, -EAGAIN,
 * -ETIMEDOUT, -ERESTARTSYS). May sleep. */
struct msg_msg *mq_receive_msg(struct file *f, u64 len, u64 deadline_ns);
/* How the running process wants to be told. */
struct mq_notice {
	int how, sig; /* sigev_notify, sigev_signo */
	u64 value;
	struct file *sock; /* SIGEV_THREAD: a netlink socket, and what it gets: sock_note.h */
	struct sock_note *note;
};
/* mq_notify(3) for the running process. @n NULL: no more. 0: n->sock (a reference) and n->note are the queue's;
 * -EBUSY. */
int mq_set_notify(struct file *f, const struct mq_notice *n);
/* What there is; then (@new: NULL: nothing) O_NONBLOCK is changed. See: mq_getattr(3). */
void mq_getset(struct file *f, const struct mq_attr *new, struct mq_attr *old);

/* What mount(2) calls "mqueue": the names as files, each a line about its queue. */
extern const struct file_system_type mqueue_fs_type;
/* Mounts it on /dev/mqueue, where the host has such a folder. 0 or -ENOMEM. */
int devmqueue_init(struct vfs *v);
/* At the end of the machine: the names go. */
void mqueue_destroy_all(struct vfs *v);

#endif

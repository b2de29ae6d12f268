/* System V message queues: messages with a type, taken in order or by type.
 *
 *   id (ipc_util.h) --> struct msg_queue --> messages: msg_msg ..., the oldest first
 *                             |  receivers: who sleeps until one comes that fits
 *                             '- senders: who sleeps until there is room
 *
 * A message that a sleeping receiver waits for goes to it at once, and never stands in the queue. Not for:
 * reading and storing arguments (syscalls/sys_msg.c). See: Linux, ipc/msg.c; msgop(2).
 */
#ifndef FS_IPC_MSG_H
#define FS_IPC_MSG_H

#include <sys/msg.h>

#include "fs/ipc_util.h"
#include "fs/vfs.h"

/* kernel.msgmax, msgmnb (bytes of a message, of a queue), msgmni (queues): proc(5). */
struct msg_limits {
	s32 max, mnb, mni;
};
#define MSG_LIMITS_DEFAULT                                                                         \
	{                                                                                          \
		.max = 8192, .mnb = 16384, .mni = 32000                                            \
	}
struct msg_limits msg_get_limits(const struct vfs *v);
void msg_set_limits(struct vfs *v, const struct msg_limits *limits);

/* A message; POSIX queues have them, too (mqueue.c). */
struct msg_msg {
	struct list_head list;
	s64 type;
	u64 len;
	u8 data[];
};
/* One with room for @len bytes; kfree()d by whoever has it. NULL: no memory. */
struct msg_msg *msg_alloc(struct memory *m, u64 len);

/* The queue's number: a new one, or the one that has @key. -ENOENT, -EEXIST, -EACCES, -ENOSPC, -ENOMEM. */
long do_msgget(struct vfs *v, const struct ipc_cred *who, s32 key, int flags);
/* Sends @msg, which is the queue's if that succeeds. May sleep. 0, -EINVAL, -EACCES, -EAGAIN (IPC_NOWAIT),
 * -EIDRM, -ERESTARTNOHAND. See: msgsnd(2). */
long do_msgsnd(struct vfs *v, const struct ipc_cred *who, int id, struct msg_msg *msg, int flags);
/* A message of at most @size bytes (MSG_NOERROR: of any) that fits @type: the caller's. May sleep.
 * ERR_PTR(-EINVAL, -EACCES, -E2BIG, -ENOMSG (IPC_NOWAIT), -EIDRM, -ERESTARTNOHAND, -ENOMEM). See: msgrcv(2). */
struct msg_msg *do_msgrcv(struct vfs *v, const struct ipc_cred *who, int id, u64 size, s64 type,
			  int flags);

/* As shm_stat(), shm_set(), shm_remove(). msg_set(): -EPERM also for more bytes than the limit. */
long msg_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct msqid_ds *out);
int msg_set(struct vfs *v, const struct ipc_cred *who, int id, const struct msqid_ds *in);
int msg_remove(struct vfs *v, const struct ipc_cred *who, int id);
/* IPC_INFO, and (@usage) MSG_INFO: the highest place in use. */
long msg_info(struct vfs *v, bool usage, struct msginfo *out);
/* /proc/sysvipc/msg: the queue at or after place *@at. False: none. */
bool msg_next(struct vfs *v, unsigned *at, int *id, struct msqid_ds *out);

/* At the end of the machine. */
void msg_destroy_all(struct vfs *v);

#endif

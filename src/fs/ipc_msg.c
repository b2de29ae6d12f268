/* System V message queues. See ipc_msg.h. */
#include "fs/ipc_msg.h"

#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/wait.h"
#include "fs/internal.h"

#define MSG_SSZ 16 /* IPC_INFO's segments: none of ours */
#define MSG_SEG 0xffff

struct msg_queue {
	struct kern_ipc_perm perm; /* first: ipc_util.h */
	struct vfs *vfs;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes; /* bytes and messages in it; how many bytes it may have */
	s32 lspid, lrpid;
	struct list_head messages, receivers, senders;
};

enum search { SEARCH_ANY, SEARCH_EQUAL, SEARCH_NOTEQUAL, SEARCH_LESSEQUAL, SEARCH_NUMBER };

/* Who sleeps, on its stack. */
struct msg_receiver {
	struct list_head list;
	enum search mode;
	s64 type;
	u64 max_size; /* ~0: any */
	s32 pid;
	struct msg_msg *msg; /* NULL: still waits; or ERR_PTR() */
	struct wait_queue_head wait;
};

struct msg_sender {
	struct list_head list;
	u64 len;
	int status; /* 1: still waits; 0: look again; -EIDRM */
	struct wait_queue_head wait;
};

static struct ipc_ids *msg_ids(const struct vfs *v)
{
	return &v->in->msg.ids;
}

struct msg_limits msg_get_limits(const struct vfs *v)
{
	return v->in->msg.limits;
}

void msg_set_limits(struct vfs *v, const struct msg_limits *limits)
{
	v->in->msg.limits = *limits;
}

static struct msg_queue *queue(struct kern_ipc_perm *p)
{
	return (struct msg_queue *)p;
}

static struct msg_queue *find_id(struct vfs *v, int id)
{
	return queue(ipc_find_id(msg_ids(v), id));
}

struct msg_msg *msg_alloc(struct memory *m, u64 len)
{
	struct msg_msg *msg = kmalloc(m, sizeof(*msg) + len, GFP_KERNEL);

	if (!msg)
		return NULL;
	INIT_LIST_HEAD(&msg->list);
	msg->len = len;
	return msg;
}

/* --- msgget ------------------------------------------------------------------------------ */

static long newque(struct vfs *v, const struct ipc_cred *who, s32 key, int flags)
{
	struct msg_queue *q = kzalloc(v->mem, sizeof(*q), GFP_KERNEL);
	int err;

	if (!q)
		return -ENOMEM;
	q->vfs = v;
	q->ctime = ipc_now(v);
	q->qbytes = v->in->msg.limits.mnb;
	INIT_LIST_HEAD(&q->messages);
	INIT_LIST_HEAD(&q->receivers);
	INIT_LIST_HEAD(&q->senders);
	ipc_init_perm(&q->perm, who, key, flags);
	err = ipc_addid(v->mem, msg_ids(v), &q->perm, v->in->msg.limits.mni);
	if (err) {
		kfree(v->mem, q);
		return err;
	}
	return q->perm.id;
}

long do_msgget(struct vfs *v, const struct ipc_cred *who, s32 key, int flags)
{
	struct kern_ipc_perm *p = key == IPC_PRIVATE ? NULL : ipc_find_key(msg_ids(v), key);

	if (!p) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return newque(v, who, key, flags);
	}
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	return ipc_may(who, p, flags) ? p->id : -EACCES;
}

/* --- sending ----------------------------------------------------------------------------- */

static bool matches(const struct msg_msg *msg, enum search mode, s64 type)
{
	switch (mode) {
	case SEARCH_EQUAL:
		return msg->type == type;
	case SEARCH_NOTEQUAL:
		return msg->type != type;
	case SEARCH_LESSEQUAL:
		return msg->type <= type;
	default:
		return true;
	}
}

static void complete(struct msg_receiver *r, struct msg_msg *msg)
{
	list_del_init(&r->list);
	r->msg = msg;
	wake_up_all(&r->wait);
}

/* Hands @msg to the first who sleeps for it; those who have no room for it learn that. False: nobody. */
static bool pipelined_send(struct msg_queue *q, struct msg_msg *msg)
{
	struct msg_receiver *r, *next;

	list_for_each_entry_safe (r, next, &q->receivers, list) {
		if (!matches(msg, r->mode, r->type))
			continue;
		if (msg->len > r->max_size) {
			complete(r, ERR_PTR(-E2BIG));
			continue;
		}
		q->lrpid = r->pid;
		q->rtime = ipc_now(q->vfs);
		complete(r, msg);
		return true;
	}
	return false;
}

static bool has_room(const struct msg_queue *q, u64 len)
{
	return len + q->cbytes <= q->qbytes && q->qnum + 1 <= q->qbytes;
}

/* Sleeps until there may be room. 0: look again; -EIDRM, -ERESTARTNOHAND. */
static int wait_room(struct msg_queue *q, u64 len)
{
	struct msg_sender s = {.len = len, .status = 1};
	int err;

	init_waitqueue_head(&s.wait, q->vfs->events->sched);
	list_add_tail(&s.list, &q->senders);
	err = wait_event_interruptible(&s.wait, s.status <= 0);
	if (!err)
		return s.status;
	list_del(&s.list);
	return -ERESTARTNOHAND;
}

static void wake_senders(struct msg_queue *q, int status)
{
	struct msg_sender *s, *next;

	list_for_each_entry_safe (s, next, &q->senders, list) {
		if (!status && !has_room(q, s->len))
			continue;
		list_del_init(&s->list);
		s->status = status;
		wake_up_all(&s->wait);
	}
}

long do_msgsnd(struct vfs *v, const struct ipc_cred *who, int id, struct msg_msg *msg, int flags)
{
	struct msg_queue *q = find_id(v, id);
	int err;

	if (!q)
		return -EINVAL;
	for (;;) {
		if (!ipc_may(who, &q->perm, 0222))
			return -EACCES;
		if (has_room(q, msg->len))
			break;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		err = wait_room(q, msg->len);
		if (err)
			return err;
		if (find_id(v, id) != q) /* removed between the wake-up and now */
			return -EIDRM;
	}
	q->lspid = who->pid;
	q->stime = ipc_now(v);
	if (!pipelined_send(q, msg)) {
		list_add_tail(&msg->list, &q->messages);
		q->cbytes += msg->len;
		q->qnum++;
		v->in->msg.bytes += msg->len;
		v->in->msg.hdrs++;
	}
	return 0;
}

/* --- receiving --------------------------------------------------------------------------- */

static enum search convert_mode(s64 *type, int flags)
{
	if (flags & MSG_COPY)
		return SEARCH_NUMBER;
	if (!*type)
		return SEARCH_ANY;
	if (*type < 0) {
		*type = *type == LONG_MIN ? LONG_MAX : -*type;
		return SEARCH_LESSEQUAL;
	}
	return flags & MSG_EXCEPT ? SEARCH_NOTEQUAL : SEARCH_EQUAL;
}

/* The message that is next for such a receiver: of SEARCH_LESSEQUAL the lowest type. */
static struct msg_msg *find_msg(struct msg_queue *q, s64 type, enum search mode)
{
	struct msg_msg *msg, *found = NULL;
	s64 count = 0;

	list_for_each_entry (msg, &q->messages, list) {
		if (mode == SEARCH_NUMBER) {
			if (count++ == type)
				return msg;
			continue;
		}
		if (!matches(msg, mode, type))
			continue;
		if (mode != SEARCH_LESSEQUAL || msg->type == 1)
			return msg;
		type = msg->type - 1;
		found = msg;
	}
	return found;
}

/* MSG_COPY: @msg stays. ERR_PTR(-EINVAL): it is longer than @size. */
static struct msg_msg *copy_msg(struct vfs *v, const struct msg_msg *msg, u64 size)
{
	struct msg_msg *copy;

	if (msg->len > size)
		return ERR_PTR(-EINVAL);
	copy = msg_alloc(v->mem, msg->len);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	copy->type = msg->type;
	memcpy(copy->data, msg->data, msg->len);
	return copy;
}

static struct msg_msg *take(struct msg_queue *q, struct msg_msg *msg, s32 pid)
{
	list_del_init(&msg->list);
	q->qnum--;
	q->cbytes -= msg->len;
	q->vfs->in->msg.bytes -= msg->len;
	q->vfs->in->msg.hdrs--;
	q->rtime = ipc_now(q->vfs);
	q->lrpid = pid;
	wake_senders(q, 0);
	return msg;
}

/* Sleeps until a message is handed over, or ERR_PTR(-EAGAIN: look again; -E2BIG, -EIDRM,
 * -ERESTARTNOHAND). */
static struct msg_msg *wait_msg(struct msg_queue *q, struct msg_receiver *r)
{
	r->msg = NULL;
	init_waitqueue_head(&r->wait, q->vfs->events->sched);
	list_add_tail(&r->list, &q->receivers);
	if (!wait_event_interruptible(&r->wait, r->msg))
		return r->msg;
	list_del(&r->list);
	return ERR_PTR(-ERESTARTNOHAND);
}

struct msg_msg *do_msgrcv(struct vfs *v, const struct ipc_cred *who, int id, u64 size, s64 type,
			  int flags)
{
	struct msg_receiver r = {.pid = who->pid, .max_size = flags & MSG_NOERROR ? ~0UL : size};
	struct msg_queue *q;
	struct msg_msg *msg;

	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return ERR_PTR(-EINVAL);
	q = find_id(v, id);
	if (!q)
		return ERR_PTR(-EINVAL);
	r.mode = convert_mode(&type, flags);
	r.type = type;
	do {
		if (!ipc_may(who, &q->perm, 0444))
			return ERR_PTR(-EACCES);
		msg = find_msg(q, type, r.mode);
		if (msg && msg->len > r.max_size)
			return ERR_PTR(-E2BIG);
		if (msg && (flags & MSG_COPY))
			return copy_msg(v, msg, size);
		if (msg)
			return take(q, msg, who->pid);
		if (flags & IPC_NOWAIT)
			return ERR_PTR(-ENOMSG);
		msg = wait_msg(q, &r);
		if (msg == ERR_PTR(-EAGAIN) && find_id(v, id) != q)
			return ERR_PTR(-EIDRM);
	} while (msg == ERR_PTR(-EAGAIN));
	return msg;
}

/* --- msgctl ------------------------------------------------------------------------------ */

static void show(const struct msg_queue *q, struct msqid_ds *out)
{
	*out = (struct msqid_ds){
		.msg_stime = q->stime,
		.msg_rtime = q->rtime,
		.msg_ctime = q->ctime,
		.__msg_cbytes = q->cbytes,
		.msg_qnum = q->qnum,
		.msg_qbytes = q->qbytes,
		.msg_lspid = q->lspid,
		.msg_lrpid = q->lrpid,
	};
	ipc_get_perm(&q->perm, &out->msg_perm);
}

long msg_stat(struct vfs *v, const struct ipc_cred *who, int id, bool index, bool any,
	      struct msqid_ds *out)
{
	struct msg_queue *q = index ? queue(ipc_find_place(msg_ids(v), id)) : find_id(v, id);

	if (!q)
		return -EINVAL;
	if (!any && !ipc_may(who, &q->perm, 0444))
		return -EACCES;
	show(q, out);
	return index ? q->perm.id : 0;
}

static void wake_receivers(struct msg_queue *q, int err)
{
	while (!list_empty(&q->receivers))
		complete(list_first_entry(&q->receivers, struct msg_receiver, list), ERR_PTR(err));
}

int msg_set(struct vfs *v, const struct ipc_cred *who, int id, const struct msqid_ds *in)
{
	struct msg_queue *q = find_id(v, id);

	if (!q)
		return -EINVAL;
	if (!ipc_owns(who, &q->perm))
		return -EPERM;
	if (in->msg_qbytes > (u64)v->in->msg.limits.mnb && !who->resource)
		return -EPERM;
	ipc_set_perm(&q->perm, &in->msg_perm);
	q->qbytes = in->msg_qbytes;
	q->ctime = ipc_now(v);
	/* They may have lost or got the right, or room. */
	wake_receivers(q, -EAGAIN);
	wake_senders(q, 0);
	return 0;
}

static void freeque(struct msg_queue *q)
{
	struct vfs *v = q->vfs;

	wake_receivers(q, -EIDRM);
	wake_senders(q, -EIDRM);
	while (!list_empty(&q->messages)) {
		struct msg_msg *msg = list_first_entry(&q->messages, struct msg_msg, list);

		list_del(&msg->list);
		v->in->msg.bytes -= msg->len;
		v->in->msg.hdrs--;
		kfree(v->mem, msg);
	}
	ipc_rmid(msg_ids(v), &q->perm);
	kfree(v->mem, q);
}

int msg_remove(struct vfs *v, const struct ipc_cred *who, int id)
{
	struct msg_queue *q = find_id(v, id);

	if (!q)
		return -EINVAL;
	if (!ipc_owns(who, &q->perm))
		return -EPERM;
	freeque(q);
	return 0;
}

/* The fields that Linux does not use either are as there: include/uapi/linux/msg.h. */
long msg_info(struct vfs *v, bool usage, struct msginfo *out)
{
	const struct msg_limits defaults = MSG_LIMITS_DEFAULT, *l = &v->in->msg.limits;

	*out = (struct msginfo){
		.msgpool = defaults.mni * (defaults.mnb / 1024),
		.msgmap = defaults.mnb,
		.msgmax = l->max,
		.msgmnb = l->mnb,
		.msgmni = l->mni,
		.msgssz = MSG_SSZ,
		.msgtql = defaults.mnb,
		.msgseg = MSG_SEG,
	};
	if (usage) {
		out->msgpool = (int)msg_ids(v)->in_use;
		out->msgmap = (int)v->in->msg.hdrs;
		out->msgtql = (int)v->in->msg.bytes;
	}
	return ipc_max_place(msg_ids(v));
}

bool msg_next(struct vfs *v, unsigned *at, int *id, struct msqid_ds *out)
{
	struct kern_ipc_perm *p = ipc_next(msg_ids(v), at);

	if (!p)
		return false;
	*id = p->id;
	show(queue(p), out);
	return true;
}

void msg_destroy_all(struct vfs *v)
{
	struct kern_ipc_perm *p;

	for (unsigned at = 0; (p = ipc_next(msg_ids(v), &at)); at++)
		freeque(queue(p));
	ipc_free_ids(v->mem, msg_ids(v));
}

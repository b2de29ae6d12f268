/* POSIX message queues: what is sent and received, who waits, who is told. See mqueue.h; names are
 * mqueuefs.c's. */
#include "fs/mqueue.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/mqueue_internal.h"
#include "fs/poll.h"

#define HARD_MSGMAX 65536 /* with CAP_SYS_RESOURCE */
#define HARD_MSGSIZEMAX (16 * 1024 * 1024)
#define MSG_MSG_SIZE 48UL /* what Linux counts for each message, and for each priority */
#define TREE_NODE_SIZE 48UL

/* Who sleeps, on its stack. */
struct mq_waiter {
	struct list_head list;
	struct msg_msg *msg; /* a sender's; a receiver's: NULL while it waits */
	bool ready;
	struct wait_queue_head wait;
};

struct mqueue_limits mqueue_get_limits(const struct vfs *v)
{
	return v->in->mqueue.limits;
}

void mqueue_set_limits(struct vfs *v, const struct mqueue_limits *limits)
{
	v->in->mqueue.limits = *limits;
}

/* --- a queue's life ---------------------------------------------------------------------------- */

/* 0, -EINVAL, -EOVERFLOW; *@charge: what it costs. */
static int check_sizes(const struct mqueue_ns *ns, const struct mq_maker *who, s64 maxmsg,
		       s64 msgsize, u64 *charge)
{
	s64 most = who->no_cap ? ns->limits.msg_max : HARD_MSGMAX;
	s64 largest = who->no_cap ? ns->limits.msgsize_max : HARD_MSGSIZEMAX;

	if (maxmsg <= 0 || msgsize <= 0 || maxmsg > most || msgsize > largest)
		return -EINVAL;
	/* Neither can overflow below the hard limits. */
	*charge = maxmsg * msgsize + maxmsg * MSG_MSG_SIZE +
		  min(maxmsg, (s64)MQ_PRIO_MAX_K) * TREE_NODE_SIZE;
	return 0;
}

static u64 charged(const struct mqueue_ns *ns, u32 uid)
{
	const struct mqueue *q;
	u64 bytes = 0;

	list_for_each_entry (q, &ns->all, all)
		if (q->maker == uid)
			bytes += q->charge;
	return bytes;
}

struct mqueue *mqueue_new(struct vfs *v, const struct mq_maker *who, const char *name,
			  const struct mq_attr *attr)
{
	struct mqueue_ns *ns = &v->in->mqueue;
	s64 maxmsg = min(ns->limits.msg_max, ns->limits.msg_default);
	s64 msgsize = min(ns->limits.msgsize_max, ns->limits.msgsize_default);
	struct mqueue *q;
	u64 charge;
	int err;

	if (ns->count >= (u32)ns->limits.queues_max && who->no_cap)
		return ERR_PTR(-ENOSPC);
	if (attr) {
		maxmsg = attr->mq_maxmsg;
		msgsize = attr->mq_msgsize;
	}
	err = check_sizes(ns, who, maxmsg, msgsize, &charge);
	if (!err && charged(ns, who->uid) + charge > who->rlimit)
		err = -EMFILE;
	if (err)
		return ERR_PTR(err);
	q = kzalloc(v->mem, sizeof(*q) + strlen(name) + 1, GFP_KERNEL);
	if (!q)
		return ERR_PTR(-ENOMEM);
	strcpy(q->name, name);
	q->vfs = v;
	q->maker = who->uid;
	q->charge = charge;
	q->maxmsg = maxmsg;
	q->msgsize = msgsize;
	INIT_LIST_HEAD(&q->messages);
	INIT_LIST_HEAD(&q->receivers);
	INIT_LIST_HEAD(&q->senders);
	INIT_LIST_HEAD(&q->names);
	init_waitqueue_head(&q->wait, v->events->sched);
	list_add(&q->all, &ns->all);
	ns->count++;
	return q;
}

void mqueue_free(struct mqueue *q)
{
	struct vfs *v = q->vfs;

	/* Who shares descriptors with the owner has closed the last one: nobody was told of the end. */
	if (q->notice.note) {
		fput(q->notice.sock);
		kfree(v->mem, q->notice.note);
	}
	while (!list_empty(&q->messages)) {
		struct msg_msg *msg = list_first_entry(&q->messages, struct msg_msg, list);

		list_del(&msg->list);
		kfree(v->mem, msg);
	}
	list_del(&q->all);
	v->in->mqueue.count--;
	kfree(v->mem, q);
}

/* All three, as simple_inode_init_ts(). */
static void touch(struct mqueue *q)
{
	q->attr.atime = q->attr.mtime = q->attr.ctime = current_time(q->vfs);
}

/* --- sending and receiving --------------------------------------------------------------------- */

/* Behind those of its priority. */
static void msg_insert(struct mqueue *q, struct msg_msg *msg)
{
	struct list_head *at = q->messages.prev;

	while (at != &q->messages && list_entry(at, struct msg_msg, list)->type < msg->type)
		at = at->prev;
	list_add(&msg->list, at);
	q->curmsgs++;
	q->qsize += msg->len;
}

/* The last byte of what the socket gets: a message is there, or there will be none. */
#define NOTIFY_WOKENUP 1
#define NOTIFY_REMOVED 2

/* The owner is told no more, after this @code. */
static void end_notice(struct mqueue *q, u8 code)
{
	struct mq_notice n = q->notice;

	q->owner = 0;
	q->notice = (struct mq_notice){0};
	if (!n.note)
		return;
	n.note->data[SOCK_NOTE_LEN - 1] = code;
	sock_note_send(n.sock, n.note);
	fput(n.sock);
}

/* The queue was empty, and nobody waited for the message: its owner is told, once. Pollers are always. */
static void do_notify(struct mqueue *q)
{
	if (q->owner && q->curmsgs == 1) {
		const struct mq_notice *n = &q->notice;

		if (n->how == SIGEV_SIGNAL && q->vfs->mq_signal)
			q->vfs->mq_signal(q->vfs, q->owner, n->sig, n->value);
		end_notice(q, NOTIFY_WOKENUP);
	}
	wake_up_all(&q->wait);
}

static struct mq_waiter *first_waiter(struct list_head *head)
{
	return list_empty(head) ? NULL : list_first_entry(head, struct mq_waiter, list);
}

static void make_ready(struct mq_waiter *w)
{
	list_del_init(&w->list);
	w->ready = true;
	wake_up_all(&w->wait);
}

/* Sleeps in @head until somebody has served @w. 0, -ETIMEDOUT, -ERESTARTSYS. */
static int wq_sleep(struct mqueue *q, struct list_head *head, struct mq_waiter *w, u64 deadline_ns)
{
	int err;

	w->ready = false;
	init_waitqueue_head(&w->wait, q->vfs->events->sched);
	list_add_tail(&w->list, head);
	err = wait_event_interruptible_until(&w->wait, w->ready, deadline_ns);
	if (err)
		list_del(&w->list);
	return err == -ETIME ? -ETIMEDOUT : err;
}

long mq_may_send(const struct file *f, u64 len)
{
	if (!is_mqueue_file(f) || !(f->f_mode & FMODE_WRITE))
		return -EBADF;
	return len > (u64)mqueue_of(f)->msgsize ? -EMSGSIZE : 0;
}

long mq_send_msg(struct file *f, struct msg_msg *msg, u64 deadline_ns)
{
	struct mqueue *q = mqueue_of(f);
	struct mq_waiter *receiver;

	if (q->curmsgs == q->maxmsg) {
		struct mq_waiter w = {.msg = msg};

		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		return wq_sleep(q, &q->senders, &w, deadline_ns);
	}
	receiver = first_waiter(&q->receivers);
	if (receiver) {
		receiver->msg = msg;
		make_ready(receiver);
	} else {
		msg_insert(q, msg);
		do_notify(q);
	}
	touch(q);
	return 0;
}

/* The first who waits for room has it now. */
static void pipelined_receive(struct mqueue *q)
{
	struct mq_waiter *sender = first_waiter(&q->senders);

	if (!sender) {
		wake_up_all(&q->wait); /* whoever polls for room */
		return;
	}
	msg_insert(q, sender->msg);
	make_ready(sender);
}

struct msg_msg *mq_receive_msg(struct file *f, u64 len, u64 deadline_ns)
{
	struct mqueue *q;
	struct msg_msg *msg;

	if (!is_mqueue_file(f) || !(f->f_mode & FMODE_READ))
		return ERR_PTR(-EBADF);
	q = mqueue_of(f);
	if (len < (u64)q->msgsize)
		return ERR_PTR(-EMSGSIZE);
	if (!q->curmsgs) {
		struct mq_waiter w = {.msg = NULL};
		int err = f->f_flags & O_NONBLOCK ? -EAGAIN
						  : wq_sleep(q, &q->receivers, &w, deadline_ns);

		return err ? ERR_PTR(err) : w.msg;
	}
	msg = list_first_entry(&q->messages, struct msg_msg, list);
	list_del_init(&msg->list);
	q->curmsgs--;
	q->qsize -= msg->len;
	touch(q);
	pipelined_receive(q);
	return msg;
}

/* --- attributes, and who is told --------------------------------------------------------------- */

static s32 current_tgid(struct vfs *v)
{
	struct vfs_cred c;

	vfs_cred(v, false, &c);
	return c.tgid;
}

int mq_set_notify(struct file *f, const struct mq_notice *n)
{
	struct mqueue *q = mqueue_of(f);
	s32 self = current_tgid(f->vfs);

	if (!n) {
		if (q->owner != self)
			return 0;
		end_notice(q, NOTIFY_REMOVED);
	} else {
		if (q->owner)
			return -EBUSY;
		q->owner = self;
		q->notice = *n;
	}
	q->attr.atime = q->attr.ctime = current_time(f->vfs);
	return 0;
}

void mq_getset(struct file *f, const struct mq_attr *new, struct mq_attr *old)
{
	struct mqueue *q = mqueue_of(f);

	*old = (struct mq_attr){
		.mq_flags = f->f_flags & O_NONBLOCK,
		.mq_maxmsg = q->maxmsg,
		.mq_msgsize = q->msgsize,
		.mq_curmsgs = q->curmsgs,
	};
	if (!new)
		return;
	f->f_flags = (f->f_flags & ~O_NONBLOCK) | (new->mq_flags &O_NONBLOCK);
	q->attr.atime = q->attr.ctime = current_time(f->vfs);
}

/* --- as a file --------------------------------------------------------------------------------- */

/* One line of what is in it. */
static long mqueue_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct mqueue *q = mqueue_of(f);
	char text[MQUEUE_FILENT_SIZE];
	u64 len, n;

	snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		 q->qsize, q->notice.how, q->notice.how == SIGEV_SIGNAL ? q->notice.sig : 0,
		 q->owner);
	len = strlen(text);
	if (*pos >= len)
		return 0;
	n = copy_to_iter(text + *pos, min(to->count, len - *pos), to);
	if (!n && to->count)
		return -EFAULT;
	*pos += n;
	q->attr.atime = q->attr.ctime = current_time(f->vfs);
	return (long)n;
}

static unsigned mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = mqueue_of(f);
	unsigned mask = 0;

	poll_wait(f, &q->wait, pt);
	if (q->curmsgs)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (q->curmsgs < q->maxmsg)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* Whoever closes one of its descriptors is told no more. */
static void mqueue_flush(struct file *f)
{
	struct mqueue *q = mqueue_of(f);

	if (q->owner && q->owner == current_tgid(f->vfs))
		end_notice(q, NOTIFY_REMOVED);
}

static s64 mqueue_llseek(struct file *f, s64 off, int whence)
{
	return generic_llseek(f, off, whence, MQUEUE_FILENT_SIZE);
}

/* The text stays as it is. */
static int mqueue_ftruncate(struct file *f __unused, u64 size __unused)
{
	return 0;
}

const struct file_operations mqueue_fops = {
	.read_iter = mqueue_read_iter,
	.poll = mqueue_poll,
	.llseek = mqueue_llseek,
	.ftruncate = mqueue_ftruncate,
	.flush = mqueue_flush,
};

bool is_mqueue_file(const struct file *f)
{
	return f->f_op == &mqueue_fops;
}

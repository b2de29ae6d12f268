/* AF_UNIX sockets: birth, the end, what all types have in common, and the three tables of what they can do. See
 * unix_internal.h; unix(7); Linux, net/unix/af_unix.c. Names are unix_addr.c's.
 */
#include <sys/ioctl.h>

#include "base/err.h"
#include "fs/unix_internal.h"
#include "mm/uaccess.h"

static const struct proto_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;

/* --- life ------------------------------------------------------------------------------------ */

/* The machine's table, made with its first socket. NULL: no memory. */
static struct unix_table *get_table(struct vfs *v)
{
	struct unix_table *t = v->in->unix_table;

	if (t)
		return t;
	t = kzalloc(v->mem, sizeof(*t), GFP_KERNEL);
	if (!t)
		return NULL;
	INIT_LIST_HEAD(&t->all);
	INIT_LIST_HEAD(&t->flying);
	for (u32 i = 0; i < UNIX_HASH_SIZE; i++)
		INIT_LIST_HEAD(&t->bucket[i]);
	v->in->unix_table = t;
	return t;
}

static bool peer_wake_fn(struct wait_queue_head *wq __unused, struct wait_queue_entry *we)
{
	struct unix_sock *u = we->private;

	remove_wait_queue(NULL, we);
	return wake_up_all(&u->sk.wq);
}

/* @sock NULL: for a connection that nobody has accepted. NULL: no memory. */
struct unix_sock *unix_create1(struct socket *sock, struct vfs *v, int type)
{
	struct unix_table *table = get_table(v);
	struct socket none = {.vfs = v, .type = type};
	struct unix_sock *u;

	if (!table)
		return NULL;
	u = kzalloc(v->mem, sizeof(*u), GFP_KERNEL);
	if (!u)
		return NULL;
	sock_init(&u->sk, sock ? sock : &none, AF_UNIX);
	u->sk.socket = sock;
	u->state = TCP_CLOSE_K;
	u->max_qlen = UNIX_MAX_DGRAM_QLEN;
	INIT_LIST_HEAD(&u->hash);
	INIT_LIST_HEAD(&u->queue);
	INIT_LIST_HEAD(&u->gc_link);
	INIT_LIST_HEAD(&u->inflight_link);
	INIT_LIST_HEAD(&u->peer_wake.entry);
	u->peer_wake.func = peer_wake_fn;
	u->peer_wake.private = u;
	init_waitqueue_head(&u->peer_wait, v->events->sched);
	list_add_tail(&u->all, &table->all);
	return u;
}

void unix_put(struct unix_sock *u)
{
	VM_BUG_ON(!u->sk.refcount);
	if (--u->sk.refcount)
		return;
	VM_BUG_ON(u->qlen || u->sk.wmem || u->peer || u->inflight);
	list_del(&u->all);
	unix_addr_put(unix_mem(u), u->addr);
	kfree(unix_mem(u), u);
}

static void unlink_name(struct unix_sock *u)
{
	list_del_init(&u->hash);
	if (u->path.dentry)
		path_put(&u->path);
}

/* What the peer of a connection learns. */
static void hang_up(struct unix_sock *peer, bool unread)
{
	peer->sk.shutdown = SHUTDOWN_MASK;
	if (unread)
		peer->sk.err = ECONNRESET;
	wake_up_all(&peer->sk.wq);
}

void unix_release_sock(struct unix_sock *u, bool embryo)
{
	struct vfs *v = u->sk.vfs;
	bool listening = u->state == TCP_LISTEN_K;
	struct unix_sock *peer = u->peer;
	struct sk_buff *skb;

	unlink_name(u);
	unix_outside_close(u);
	u->sk.socket = NULL;
	u->sk.dead = true;
	u->sk.listening = false;
	u->sk.shutdown = SHUTDOWN_MASK;
	u->state = TCP_CLOSE_K;
	wake_up_all(&u->peer_wait);
	wake_up_all(&u->sk.wq);
	if (peer) {
		if (unix_connection_based(u))
			hang_up(peer, unix_unread(u) || embryo);
		unix_dgram_peer_wake_disconnect(u, peer);
		u->peer = NULL;
		unix_put(peer);
	}
	while ((skb = unix_peek_skb(u))) {
		unix_unlink(u, skb);
		if (listening)
			unix_release_sock(skb->sk, true);
		unix_free_skb(skb);
	}
	unix_put(u);
	if (v->in->unix_table->inflight)
		unix_gc(v);
}

static void unix_release(struct socket *sock)
{
	struct unix_sock *u = unix_sk(sock);

	sock->sk = NULL;
	unix_release_sock(u, false);
}

static int unix_create(struct socket *sock, int protocol)
{
	struct unix_sock *u;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (sock->type) {
	case SOCK_STREAM:
		sock->ops = &unix_stream_ops;
		break;
	case SOCK_RAW: /* as BSD had it */
		sock->type = SOCK_DGRAM;
		/* fall through */
	case SOCK_DGRAM:
		sock->ops = &unix_dgram_ops;
		break;
	case SOCK_SEQPACKET:
		sock->ops = &unix_seqpacket_ops;
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	u = unix_create1(sock, sock->vfs, sock->type);
	if (!u)
		return -ENOMEM;
	sock->sk = &u->sk;
	return 0;
}

const struct net_proto_family unix_family = {.family = AF_UNIX, .create = unix_create};

void unix_destroy(struct vfs *v)
{
	struct unix_table *table = v->in ? v->in->unix_table : NULL;

	if (!table)
		return;
	unix_gc(v);
	VM_BUG_ON(!list_empty(&table->all));
	kfree(v->mem, table);
	v->in->unix_table = NULL;
}

void unix_init_peercred(struct unix_sock *u)
{
	current_sock_cred(u->sk.vfs, &u->sk.peercred);
}

/* --- pairs, listening, shutting down --------------------------------------------------------- */

static int unix_socketpair(struct socket *a, struct socket *b)
{
	struct unix_sock *ua = unix_sk(a), *ub = unix_sk(b);

	ua->peer = unix_hold(ub);
	ub->peer = unix_hold(ua);
	unix_init_peercred(ua);
	unix_init_peercred(ub);
	ua->state = ub->state = TCP_ESTABLISHED_K;
	a->state = b->state = SS_CONNECTED;
	return 0;
}

static int unix_listen(struct socket *sock, u32 backlog)
{
	struct unix_sock *u = unix_sk(sock);

	if (!u->addr)
		return -EINVAL;
	if (u->state != TCP_CLOSE_K && u->state != TCP_LISTEN_K)
		return -EINVAL;
	if (backlog > u->max_qlen)
		wake_up_all(&u->peer_wait);
	u->max_qlen = backlog;
	u->state = TCP_LISTEN_K;
	u->sk.listening = true;
	unix_init_peercred(u);
	unix_outside_listen(u, backlog);
	return 0;
}

static int unix_no_listen(struct socket *sock __unused, u32 backlog __unused)
{
	return -EOPNOTSUPP;
}

static int unix_no_accept(struct socket *sock __unused, struct socket *newsock __unused,
			  bool nonblock __unused)
{
	return -EOPNOTSUPP;
}

static int unix_shutdown(struct socket *sock, int how)
{
	static const u8 mine[] = {RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK};
	static const u8 its[] = {SEND_SHUTDOWN, RCV_SHUTDOWN, SHUTDOWN_MASK};
	struct unix_sock *u = unix_sk(sock), *peer = u->peer;

	u->sk.shutdown |= mine[how];
	wake_up_all(&u->sk.wq);
	if (peer && unix_connection_based(u)) {
		peer->sk.shutdown |= its[how];
		wake_up_all(&peer->sk.wq);
	}
	return 0;
}

u32 unix_inq(const struct unix_sock *u)
{
	struct sk_buff *skb;
	u32 n = u->oob_dropped; /* manage_oob() of Linux 6.18 does not take them off inq_len */

	list_for_each_entry (skb, &u->queue, list) {
		n += unix_skb_len(skb);
		if (!unix_connection_based(u))
			break;
	}
	return n;
}

static long unix_ioctl(struct socket *sock, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct unix_sock *u = unix_sk(sock);
	int n;

	switch (cmd) {
	case TIOCOUTQ: /* SIOCOUTQ */
		n = u->sk.wmem;
		break;
	case FIONREAD: /* SIOCINQ */
		if (u->state == TCP_LISTEN_K)
			return -EINVAL;
		n = (int)unix_inq(u);
		break;
	case SIOCATMARK:
		if (u->sk.type != SOCK_STREAM)
			return -EOPNOTSUPP;
		n = unix_at_mark(u);
		break;
	default:
		return -ENOTTY;
	}
	return put_user(mm, n, arg);
}

/* What all three types do alike. */
#define UNIX_OPS                                                                                   \
	.release = unix_release, .bind = unix_bind, .socketpair = unix_socketpair,                 \
	.getname = unix_getname, .ioctl = unix_ioctl, .shutdown = unix_shutdown

static const struct proto_ops unix_stream_ops = {
	UNIX_OPS,
	.connect = unix_stream_connect,
	.accept = unix_accept,
	.poll = unix_stream_poll,
	.listen = unix_listen,
	.sendmsg = unix_stream_sendmsg,
	.recvmsg = unix_stream_recvmsg,
};

static const struct proto_ops unix_dgram_ops = {
	UNIX_OPS,
	.connect = unix_dgram_connect,
	.accept = unix_no_accept,
	.poll = unix_dgram_poll,
	.listen = unix_no_listen,
	.sendmsg = unix_dgram_sendmsg,
	.recvmsg = unix_dgram_recvmsg,
};

static const struct proto_ops unix_seqpacket_ops = {
	UNIX_OPS,
	.connect = unix_stream_connect,
	.accept = unix_accept,
	.poll = unix_dgram_poll,
	.listen = unix_listen,
	.may_send = unix_seqpacket_may_send,
	.sendmsg = unix_seqpacket_sendmsg,
	.recvmsg = unix_seqpacket_recvmsg,
};

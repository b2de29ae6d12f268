/* AF_UNIX messages with bounds: datagrams, and the packets of a connection. See unix_internal.h;
 * unix(7); Linux, net/unix/af_unix.c.
 *
 * A receiver that is not the sender's own partner takes max_qlen messages and then makes senders wait
 * on its peer_wait; who polls instead has an entry of his own put there (peer_wake).
 */

#include "base/err.h"
#include "fs/host_sock.h"
#include "fs/iov_iter.h"
#include "fs/unix_internal.h"

/* --- full receivers -------------------------------------------------------------------------- */

bool unix_dgram_peer_wake_me(struct unix_sock *u, struct unix_sock *other)
{
	if (other->sk.dead || !unix_recvq_full(other))
		return false;
	if (list_empty(&u->peer_wake.entry))
		add_wait_queue(&other->peer_wait, &u->peer_wake);
	return true;
}

void unix_dgram_peer_wake_disconnect(struct unix_sock *u, struct unix_sock *other __unused)
{
	if (!list_empty(&u->peer_wake.entry))
		remove_wait_queue(NULL, &u->peer_wake);
}

/* --- connecting ------------------------------------------------------------------------------ */

static bool may_send(const struct unix_sock *from, const struct unix_sock *to)
{
	return !to->peer || to->peer == from;
}

/* What came from the old partner is lost; he, if we were his, hears of it. */
static void disconnected(struct unix_sock *u, struct unix_sock *other)
{
	if (!u->qlen)
		return;
	unix_purge_queue(u);
	wake_up_all(&u->peer_wait);
	if (!other->sk.dead && other->peer == u) {
		other->sk.err = ECONNRESET;
		wake_up_all(&other->sk.wq);
	}
}

/* @other (a reference, taken over; NULL) is the partner from now on. */
static void set_peer(struct unix_sock *u, struct unix_sock *other)
{
	struct unix_sock *old = u->peer;

	u->peer = other;
	if (!other)
		u->state = TCP_CLOSE_K;
	if (!old)
		return;
	if (old != other) {
		unix_dgram_peer_wake_disconnect(u, old);
		wake_up_all(&u->sk.wq);
		disconnected(u, old);
	}
	unix_put(old);
}

int unix_dgram_connect(struct socket *sock, const struct sock_addr *addr,
		       const struct fs_struct *fs, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock), *other = NULL;
	int err;

	if (addr->len < sizeof(addr->ss.ss_family))
		return -EINVAL;
	if (addr->ss.ss_family != AF_UNSPEC) {
		err = unix_validate_addr(addr);
		if (!err)
			err = unix_want_name(u);
		if (err)
			return err;
		other = unix_find_other(u->sk.vfs, addr, SOCK_DGRAM, fs);
		if (PTR_ERR(other) == -ECONNREFUSED && !u->peer)
			return host_unix_connect(sock, addr, fs, nonblock);
		if (IS_ERR(other))
			return PTR_ERR(other);
		if (!may_send(u, other)) {
			unix_put(other);
			return -EPERM;
		}
		u->state = other->state = TCP_ESTABLISHED_K;
	}
	set_peer(u, other);
	sock->state = other ? SS_CONNECTED : SS_UNCONNECTED;
	return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

/* Whom this message is for (a reference). ERR_PTR; @lost: that there is nobody. */
static struct unix_sock *receiver(struct unix_sock *u, const struct sock_msg *msg,
				  const struct fs_struct *fs, int lost)
{
	if (msg->name)
		return unix_find_other(u->sk.vfs, msg->name, u->sk.type, fs);
	return u->peer ? unix_hold(u->peer) : ERR_PTR(lost);
}

/* @other has been closed. -errno; 0: it was not our partner, look again. */
static int send_to_dead(struct unix_sock *u, struct unix_sock *other)
{
	if (u->sk.type == SOCK_SEQPACKET)
		return -EPIPE;
	if (u->peer != other)
		return 0;
	set_peer(u, NULL);
	return -ECONNREFUSED;
}

/* May a message go to @other now? 0, or with *@again: not yet, look again (it may have slept); -errno. */
static int check_receiver(struct unix_sock *u, struct unix_sock *other, u64 deadline_ns,
			  bool *again)
{
	int err;

	*again = false;
	if (!may_send(u, other))
		return -EPERM;
	if (other->sk.dead) {
		err = send_to_dead(u, other);
		*again = !err;
		return err;
	}
	if (other->sk.shutdown & RCV_SHUTDOWN)
		return -EPIPE;
	if (other == u || other->peer == u || !unix_recvq_full(other))
		return 0;
	err = sock_wait(&other->peer_wait,
			!unix_recvq_full(other) || other->sk.dead ||
				(other->sk.shutdown & RCV_SHUTDOWN),
			deadline_ns);
	*again = !err;
	return err;
}

/* The message goes into somebody's queue. On error it is still the caller's. */
static int deliver(struct unix_sock *u, struct sk_buff *skb, struct sock_msg *msg,
		   const struct fs_struct *fs, u64 deadline_ns)
{
	struct unix_sock *other;
	int err, lost = -ENOTCONN;
	bool again;

	do {
		other = receiver(u, msg, fs, lost);
		lost = -ECONNRESET;
		if (IS_ERR(other))
			return PTR_ERR(other);
		err = check_receiver(u, other, deadline_ns, &again);
		if (!err && !again)
			err = unix_scm_to_skb(&msg->scm, skb, u, other);
		if (!err && !again)
			unix_queue_tail(other, skb);
		unix_put(other);
	} while (!err && again);
	return err;
}

/* From @u; the caller has a reference of it. */
static long send_message(struct unix_sock *u, struct sock_msg *msg, const struct fs_struct *fs)
{
	u64 len = msg->iter->count, deadline = sock_deadline(&u->sk, u->sk.sndtimeo, msg->nonblock);
	struct sk_buff *skb;
	int err;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = msg->name ? unix_validate_addr(msg->name) : 0;
	if (!err)
		err = unix_want_name(u);
	if (err)
		return err;
	if (len > u->sk.sndbuf - 32)
		return -EMSGSIZE;
	skb = unix_alloc_skb(u, msg->iter, len, unix_dgram_truesize(len), deadline);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	err = deliver(u, skb, msg, fs, deadline);
	if (!err)
		return len;
	unix_free_skb(skb);
	return err;
}

long unix_dgram_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs)
{
	struct unix_sock *u =
		unix_hold(unix_sk(sock)); /* host_unix_connect() may replace it meanwhile */
	struct iov_iter start = *msg->iter;
	long ret = send_message(u, msg, fs);

	if (ret == -ECONNREFUSED && msg->name && fs) {
		*msg->iter = start; /* perhaps for a program outside */
		ret = host_unix_sendto(sock, msg, fs);
	}
	unix_put(u);
	return ret;
}

int unix_seqpacket_may_send(struct socket *sock)
{
	struct unix_sock *u = unix_sk(sock);
	int err = sock_error(&u->sk);

	if (err)
		return err;
	return u->state == TCP_ESTABLISHED_K ? 0 : -ENOTCONN;
}

long unix_seqpacket_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs)
{
	int err = unix_seqpacket_may_send(sock);

	if (err)
		return err;
	msg->name = NULL; /* ignored */
	return unix_dgram_sendmsg(sock, msg, fs);
}

/* --- receiving ------------------------------------------------------------------------------- */

/* The first message; with SO_PEEK_OFF the one that it points into, at *@skip. NULL: none. */
static struct sk_buff *first_message(struct unix_sock *u, bool peek, u32 *skip)
{
	s64 off = peek && u->sk.peek_off > 0 ? u->sk.peek_off : 0;
	struct sk_buff *skb;

	list_for_each_entry (skb, &u->queue, list) {
		if (off && off >= skb->len) {
			off -= skb->len;
			continue;
		}
		*skip = off;
		return skb;
	}
	return NULL;
}

/* NULL: the end; ERR_PTR. See: __skb_wait_for_more_packets(). */
static struct sk_buff *wait_for_message(struct unix_sock *u, bool peek, u64 deadline_ns, u32 *skip)
{
	struct sock *sk = &u->sk;
	struct sk_buff *skb;
	u32 qlen;
	int err;

	for (;;) {
		err = sock_error(sk);
		if (err)
			return ERR_PTR(err);
		skb = first_message(u, peek, skip);
		if (skb)
			return skb;
		/* Who does not wait learns the end of a connection, but not that of datagrams. */
		if ((sk->shutdown & RCV_SHUTDOWN) && (deadline_ns || unix_connection_based(u)))
			return NULL;
		if (!deadline_ns)
			return ERR_PTR(-EAGAIN);
		qlen = u->qlen;
		err = sock_wait(&sk->wq,
				u->qlen != qlen || sk->err || (sk->shutdown & RCV_SHUTDOWN),
				deadline_ns);
		if (err)
			return ERR_PTR(err);
	}
}

/* Bytes to the reader: 0 or -EFAULT. One who only looks holds nothing of the message meanwhile, so
 * then -EAGAIN: it slept, and the message may be gone. */
static int copy_bytes(struct sk_buff *skb, u32 skip, u32 n, struct iov_iter *to, bool peek)
{
	struct iov_iter start = *to;
	u32 got;

	if (peek)
		iov_iter_nosleep_begin(to);
	got = unix_skb_to_iter(skb, skip, n, to);
	if (peek && iov_iter_nosleep_end(to, &start, n, true))
		return -EAGAIN;
	return got < n ? -EFAULT : 0;
}

/* The bytes, as many as fit, and what comes with them. What the call returns; -EAGAIN: as above. */
static long receive(struct unix_sock *u, struct sk_buff *skb, u32 skip, struct sock_msg *msg)
{
	bool peek = msg->flags & MSG_PEEK;
	u32 left = skb->len - skip, n = min((u64)left, msg->iter->count);
	int err = copy_bytes(skb, skip, n, msg->iter, peek);

	if (err)
		return err;
	if (msg->name && skb->sk->addr)
		unix_copy_addr(msg->name, skb->sk);
	msg->got = true;
	if (n < left)
		msg->out_flags |= MSG_TRUNC;
	err = unix_scm_recv(skb, &msg->scm, peek);
	if (err)
		return err;
	if (u->sk.peek_off >= 0)
		u->sk.peek_off =
			peek ? u->sk.peek_off + (s32)n : max(u->sk.peek_off - (s32)skb->len, 0);
	return msg->flags & MSG_TRUNC ? left : n;
}

/* What @u receives; the caller has a reference of it. */
static long recv_message(struct unix_sock *u, struct sock_msg *msg)
{
	bool peek = msg->flags & MSG_PEEK;
	struct sk_buff *skb;
	u32 skip = 0;
	u64 deadline;
	long ret;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	deadline = sock_deadline(&u->sk, u->sk.rcvtimeo, msg->nonblock);
	do {
		skb = wait_for_message(u, peek, deadline, &skip);
		if (IS_ERR_OR_NULL(skb))
			return PTR_ERR(skb);
		if (!peek)
			unix_unlink(u, skb);
		wake_up_all(&u->peer_wait);
		ret = receive(u, skb, skip, msg);
	} while (ret == -EAGAIN);
	if (!peek) /* even if it could not be stored */
		unix_free_skb(skb);
	return ret;
}

long unix_dgram_recvmsg(struct socket *sock, struct sock_msg *msg)
{
	struct unix_sock *u = unix_hold(unix_sk(sock));
	long ret = recv_message(u, msg);
	bool replaced = sock->sk != &u->sk;

	unix_put(u);
	/* While this slept another thread has connected it to a program outside. */
	return replaced && !ret ? sock->ops->recvmsg(sock, msg) : ret;
}

long unix_seqpacket_recvmsg(struct socket *sock, struct sock_msg *msg)
{
	if (unix_sk(sock)->state != TCP_ESTABLISHED_K)
		return -ENOTCONN;
	return unix_dgram_recvmsg(sock, msg);
}

unsigned unix_dgram_poll(struct file *f, struct socket *sock, struct poll_table *pt)
{
	struct unix_sock *u = unix_sk(sock), *other = u->peer;
	unsigned mask = 0;

	poll_wait(f, &u->sk.wq, pt);
	if (u->sk.err)
		mask |= EPOLLERR;
	if (u->sk.shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (u->sk.shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (u->qlen || unix_outside_pending(u))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (unix_connection_based(u) && u->state == TCP_CLOSE_K)
		mask |= EPOLLHUP;
	if (unix_writable(u) && !(other && other->peer != u && unix_dgram_peer_wake_me(u, other)))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}

/* AF_UNIX connections: connect and accept (of packets, too), and the stream's bytes. See
 * unix_internal.h; unix(7); Linux, net/unix/af_unix.c.
 *
 * Nothing here is locked: a call gives the machine up only where it sleeps, and looks at everything
 * again afterwards.
 */

#include "base/err.h"
#include "fs/host_sock.h"
#include "fs/iov_iter.h"
#include "fs/unix_internal.h"

#define STREAM_PART_MAX                                                                            \
	(3776U + 32768U) /* bytes of one sk_buff: a page less what is kept there, frags */

/* --- connect and accept ---------------------------------------------------------------------- */

/* Somebody who listens and has room for one more (a reference). ERR_PTR. */
static struct unix_sock *find_listener(struct unix_sock *u, const struct sock_addr *addr,
				       const struct fs_struct *fs, u64 deadline_ns)
{
	struct unix_sock *other;
	int err;

	for (;;) {
		other = unix_find_other(u->sk.vfs, addr, u->sk.type, fs);
		if (IS_ERR(other))
			return other;
		err = 0;
		if (other->state != TCP_LISTEN_K || (other->sk.shutdown & RCV_SHUTDOWN))
			err = -ECONNREFUSED;
		else if (!unix_recvq_full(other))
			return other;
		if (!err)
			err = sock_wait(&other->peer_wait,
					other->sk.dead || !unix_recvq_full(other) ||
						(other->sk.shutdown & RCV_SHUTDOWN),
					deadline_ns);
		unix_put(other);
		if (err)
			return ERR_PTR(err);
	}
}

/* The listener's end of the new connection, and the request that brings it. Never blocks. */
static int request_connection(struct unix_sock *u, struct unix_sock *other)
{
	struct vfs *v = u->sk.vfs;
	struct unix_sock *newsk = unix_create1(NULL, v, u->sk.type);
	struct sk_buff *skb;

	if (!newsk)
		return -ENOMEM;
	skb = unix_request_skb(unix_hold(newsk));
	if (IS_ERR(skb)) {
		unix_put(newsk);
		unix_put(newsk);
		return PTR_ERR(skb);
	}
	newsk->peer = unix_hold(u);
	newsk->state = TCP_ESTABLISHED_K;
	unix_init_peercred(newsk);
	sock_inherit_options(&newsk->sk, &other->sk);
	newsk->addr = unix_addr_get(other->addr);
	if (other->path.dentry) {
		newsk->path = other->path;
		path_get(&newsk->path);
	}
	u->sk.peercred = other->sk.peercred;
	u->peer = unix_hold(newsk);
	u->state = TCP_ESTABLISHED_K;
	u->sk.socket->state = SS_CONNECTED;
	unix_queue_tail(other, skb);
	return 0;
}

/* The caller has a reference of @u, @sock's. */
static int do_connect(struct socket *sock, struct unix_sock *u, const struct sock_addr *addr,
		      const struct fs_struct *fs, bool nonblock)
{
	struct unix_sock *other =
		find_listener(u, addr, fs, sock_deadline(&u->sk, u->sk.sndtimeo, nonblock));
	int err;

	if (PTR_ERR(other) == -ECONNREFUSED && u->state == TCP_CLOSE_K && !u->sk.dead)
		return host_unix_connect(sock, addr, fs, nonblock);
	if (IS_ERR(other))
		return PTR_ERR(other);
	if (u->sk.dead) /* another thread was faster, and it is the host's now */
		err = -EISCONN;
	else if (u->state != TCP_CLOSE_K)
		err = u->state == TCP_ESTABLISHED_K ? -EISCONN : -EINVAL;
	else
		err = request_connection(u, other);
	unix_put(other);
	return err;
}

int unix_stream_connect(struct socket *sock, const struct sock_addr *addr,
			const struct fs_struct *fs, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock);
	int err = unix_validate_addr(addr);

	if (!err)
		err = unix_want_name(u);
	if (err)
		return err;
	unix_hold(u);
	err = do_connect(sock, u, addr, fs, nonblock);
	unix_put(u);
	return err;
}

int unix_accept(struct socket *sock, struct socket *newsock, bool nonblock)
{
	struct unix_sock *u = unix_sk(sock), *newsk;
	u64 deadline = sock_deadline(&u->sk, u->sk.rcvtimeo, nonblock);
	struct sk_buff *skb;
	int err;

	if (u->state != TCP_LISTEN_K)
		return -EINVAL;
	while (!(skb = unix_peek_skb(u))) {
		if ((u->sk.shutdown & RCV_SHUTDOWN) && deadline)
			return -EINVAL;
		err = unix_outside_accept(u, newsock);
		if (err != -EAGAIN || !deadline)
			return err;
		err = sock_wait(&u->sk.wq,
				u->qlen || (u->sk.shutdown & RCV_SHUTDOWN) ||
					unix_outside_pending(u),
				deadline);
		if (err)
			return err;
	}
	unix_unlink(u, skb);
	newsk = skb->sk;
	unix_free_skb(skb);
	wake_up_all(&u->peer_wait);
	newsock->ops = sock->ops;
	newsock->state = SS_CONNECTED;
	newsock->sk = &newsk->sk;
	newsk->sk.socket = newsock;
	return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static u32 part_size(const struct unix_sock *u, u64 left)
{
	u64 part = min(left, (u64)u->sk.sndbuf / 2 - 64);

	return min(part, (u64)STREAM_PART_MAX);
}

/* One part of @left bytes goes into the peer's queue. Bytes or -errno; -EPIPE with *@gone: nobody reads any more. */
static long send_part(struct unix_sock *u, struct sock_msg *msg, u64 left, u64 deadline_ns,
		      bool *gone)
{
	u32 n = part_size(u, left);
	struct unix_sock *other;
	struct sk_buff *skb;
	int err;

	skb = unix_alloc_skb(u, msg->iter, n, unix_stream_truesize(n), deadline_ns);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	other = u->peer; /* for good: a connection has one */
	err = unix_scm_to_skb(&msg->scm, skb, u, other);
	if (!err && (other->sk.dead || (other->sk.shutdown & RCV_SHUTDOWN))) {
		*gone = true;
		err = -EPIPE;
	}
	if (err) {
		unix_free_skb(skb);
		return err;
	}
	unix_queue_tail(other, skb);
	return n;
}

long unix_stream_sendmsg(struct socket *sock, struct sock_msg *msg,
			 const struct fs_struct *fs __unused)
{
	struct unix_sock *u = unix_sk(sock);
	u64 deadline = sock_deadline(&u->sk, u->sk.sndtimeo, msg->nonblock);
	u64 len = msg->iter->count;
	bool gone = false, oob = msg->flags & MSG_OOB;
	long sent = 0, n = 0;

	if (oob && !len--) /* the last byte goes for itself */
		return -EOPNOTSUPP;
	if (msg->name)
		return u->state == TCP_ESTABLISHED_K ? -EISCONN : -EOPNOTSUPP;
	if (!u->peer)
		return -ENOTCONN;
	if (u->sk.shutdown & SEND_SHUTDOWN) {
		gone = true;
		n = -EPIPE;
	}
	while (!gone && (u64)sent < len) {
		n = send_part(u, msg, len - sent, deadline, &gone);
		if (n < 0)
			break;
		sent += n;
	}
	if (oob && !gone && n >= 0) {
		n = unix_queue_oob(u, u->peer, msg, deadline);
		sent += !n;
	}
	msg->sigpipe = gone && !sent && !(msg->flags & MSG_NOSIGNAL);
	return sent ? sent : n;
}

/* --- receiving ------------------------------------------------------------------------------- */

struct stream_read {
	struct unix_sock *u;
	struct sock_msg *msg;
	u64 left, copied, target; /* bytes */
	s64 skip;		  /* MSG_PEEK with SO_PEEK_OFF: bytes to look past */
	bool named, have_creds;
};

static bool same_creds(const struct scm_cookie *a, const struct scm_cookie *b)
{
	return a->has_creds == b->has_creds && a->pid == b->pid && a->uid == b->uid &&
	       a->gid == b->gid;
}

/* May @skb's bytes go into the same read as those before it? */
static bool goes_along(struct stream_read *r, const struct sk_buff *skb)
{
	if (r->have_creds)
		return same_creds(&r->msg->scm, &skb->scm);
	if (sock_passes_cred(&r->u->sk)) {
		r->msg->scm = skb->scm;
		r->msg->scm.fp = NULL;
		r->have_creds = true;
	}
	return true;
}

static void name_sender(struct sock_msg *msg, const struct sk_buff *skb)
{
	if (msg->name && skb->sk->addr)
		unix_copy_addr(msg->name, skb->sk);
}

static int take_files(struct stream_read *r, struct sk_buff *skb, bool peek)
{
	struct scm_cookie scm;
	int err;

	if (!skb->scm.fp)
		return 0;
	err = unix_scm_recv(skb, &scm, peek);
	if (err)
		return err;
	r->msg->scm.fp = scm.fp;
	return 0;
}

#define LOOK_AGAIN 2 /* it slept: the queue may be another */

/* Nothing of a message was taken, and it may have gone: nor is who sent it known any more. What was
 * looked at before would be found once more. */
static int look_again(struct stream_read *r, bool peek)
{
	if (peek && r->copied)
		return 1;
	if (!r->copied) {
		r->have_creds = r->named = false;
		if (r->msg->name)
			r->msg->name->len = 0;
		r->msg->scm = (struct scm_cookie){0};
	}
	return LOOK_AGAIN;
}

/* What is in @skb. 0: go on with the next; 1: enough; LOOK_AGAIN; -errno. */
static int read_skb(struct stream_read *r, struct sk_buff *skb)
{
	bool peek = r->msg->flags & MSG_PEEK;
	struct iov_iter start = *r->msg->iter;
	u32 n, got, off = r->skip;
	int err;

	if (!goes_along(r, skb))
		return 1;
	if (!r->named)
		name_sender(r->msg, skb);
	r->named = true;
	r->skip = 0;
	n = min((u64)(unix_skb_len(skb) - off), r->left);
	iov_iter_nosleep_begin(r->msg->iter);
	got = unix_skb_to_iter(skb, off, n, r->msg->iter);
	if (unlikely(iov_iter_nosleep_end(r->msg->iter, &start, n, true)))
		return look_again(r, peek);
	if (got < n) /* the bytes stay where they are */
		return r->copied ? 1 : -EFAULT;
	err = take_files(r, skb, peek);
	if (err)
		return r->copied ? 1 : err;
	r->copied += n;
	r->left -= n;
	if (!peek) {
		skb->consumed += n;
		if (r->u->sk.peek_off >= 0)
			r->u->sk.peek_off = max(r->u->sk.peek_off - (s32)n, 0);
		if (unix_skb_len(skb))
			return 1;
		unix_unlink(r->u, skb);
		unix_free_skb(skb);
	} else if (r->u->sk.peek_off >= 0) {
		r->u->sk.peek_off += n;
	}
	/* Who peeks goes on to the next files, even without room for bytes: so does Linux. */
	return r->msg->scm.fp || (!r->left && !peek);
}

/* From the first message that is not looked past. As read_skb(); *@empty: there was none. */
static int read_queue(struct stream_read *r, bool *empty)
{
	bool peek = r->msg->flags & MSG_PEEK;
	struct sk_buff *skb = unix_peek_skb(r->u);
	int ret;

	*empty = true;
	while (skb) {
		skb = unix_manage_oob(r->u, skb, peek, r->copied);
		if (!skb)
			return r->copied > 0;
		while (skb && r->skip >= unix_skb_len(skb)) {
			r->skip -= unix_skb_len(skb);
			skb = unix_next_skb(r->u, skb);
		}
		if (!skb)
			break;
		*empty = false;
		ret = read_skb(r, skb);
		if (ret)
			return ret;
		skb = peek ? unix_next_skb(r->u, skb) : unix_peek_skb(r->u);
	}
	return peek && !*empty; /* what was looked at is not looked at again */
}

/* 0: something may have come; 1: that was all; -errno. */
static int wait_for_bytes(struct stream_read *r, u64 deadline_ns)
{
	struct sock *sk = &r->u->sk;
	u32 qlen = r->u->qlen; /* looked past, when peeking */
	int err;

	if (r->copied >= r->target)
		return 1;
	err = sock_error(sk);
	if (err)
		return err;
	if (sk->shutdown & RCV_SHUTDOWN)
		return 1;
	return sock_wait(&sk->wq, r->u->qlen != qlen || sk->err || (sk->shutdown & RCV_SHUTDOWN),
			 deadline_ns);
}

long unix_stream_recvmsg(struct socket *sock, struct sock_msg *msg)
{
	struct unix_sock *u = unix_sk(sock);
	u64 deadline = sock_deadline(&u->sk, u->sk.rcvtimeo, msg->nonblock),
	    size = msg->iter->count;
	bool peek = msg->flags & MSG_PEEK, empty;
	struct stream_read r = {.u = u, .msg = msg, .left = size};
	int ret;

	if (u->state != TCP_ESTABLISHED_K)
		return -EINVAL;
	if (msg->flags & MSG_OOB)
		return unix_recv_oob(u, msg);
	r.target = msg->flags & MSG_WAITALL ? size : min((u64)u->sk.rcvlowat, size);
	r.target = max(r.target, 1UL);
	do {
		r.skip = peek && u->sk.peek_off > 0 ? u->sk.peek_off : 0;
		ret = read_queue(&r, &empty);
		if (!ret)
			ret = wait_for_bytes(&r, deadline);
	} while (!ret || ret == LOOK_AGAIN);
	msg->got = true; /* the end of a stream has its control messages, too */
	if (sock_option(&u->sk, SO_INQ_K))
		msg->inq = (s32)unix_inq(u);
	return ret < 0 && !r.copied ? ret : (long)r.copied;
}

unsigned unix_stream_poll(struct file *f, struct socket *sock, struct poll_table *pt)
{
	struct unix_sock *u = unix_sk(sock);
	unsigned mask = 0;

	poll_wait(f, &u->sk.wq, pt);
	if (u->sk.err)
		mask |= EPOLLERR;
	if (u->sk.shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (u->sk.shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (u->qlen || unix_outside_pending(u))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (u->oob_skb)
		mask |= EPOLLPRI;
	if (u->state == TCP_CLOSE_K)
		mask |= EPOLLHUP;
	if (unix_writable(u))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}

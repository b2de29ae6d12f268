/* Messages of sockets that the host keeps. See host_sock.h; send(2), recv(2).
 *
 * Bytes pass through a buffer of the guest kernel's. Of a stream no more is taken off the host than the guest's
 * buffer can hold; a datagram that it cannot hold is lost, as on Linux. What a call did before it failed
 * is its result, and the error is the next call's (sk.err).
 */
#include "fs/host_sock.h"

#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "base/host_net.h"
#include "base/host_proc.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/sock_note.h"

#define BOUNCE 65536UL	  /* of a stream, at a time */
#define BOUNCE_MIN 4096UL /* when there is no larger block */
#define SOCK_DESTROY_K 21
#define DGRAM_MAX 262144UL /* no datagram is larger */

static bool is_stream(const struct host_sock *hs)
{
	return hs->sk.type == SOCK_STREAM;
}

/* A buffer of *@size bytes, or of a stream less. NULL: no memory. */
static void *bounce_alloc(struct host_sock *hs, u64 *size)
{
	void *buf = kmalloc(hs->sk.vfs->mem, max(*size, 1UL), GFP_KERNEL);

	if (!buf && is_stream(hs) && *size > BOUNCE_MIN) {
		*size = BOUNCE_MIN;
		buf = kmalloc(hs->sk.vfs->mem, *size, GFP_KERNEL);
	}
	return buf;
}

/* After @done bytes the host's error @n is for the next call, since the host tells it once. */
static long result(struct host_sock *hs, long done, long n)
{
	if (!done)
		return n;
	if (n < 0 && n != -EAGAIN && n != -EPIPE && n != -EFAULT && n != -ERESTARTSYS &&
	    n != -EINTR)
		hs->sk.err = (int)-n;
	return done;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* One attempt after another until the host takes some of it. Bytes or -errno. */
static long send_bytes(struct host_sock *hs, const struct msghdr *h, int flags, u64 deadline)
{
	u64 seen;
	long n;
	int err;

	for (;;) {
		seen = hs->edges;
		n = host_sendmsg(hs->fd, h, flags);
		if (n != -EAGAIN)
			return n;
		hs->nospace = true;
		err = host_sock_wait(hs, seen, deadline);
		if (err)
			return err;
	}
}

/* One piece of a stream: what does not fit now is still the guest's to send. */
static long send_piece(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 deadline)
{
	struct iov_iter start = *msg->iter;
	int flags = msg->flags & ~MSG_ZEROCOPY;
	u64 n = copy_from_iter(h->msg_iov->iov_base, h->msg_iov->iov_len, msg->iter);
	long put;

	if (!n && start.count)
		return -EFAULT;
	h->msg_iov->iov_len = n;
	if (msg->iter->count) /* the byte out of band is the last one of all */
		flags = (flags & ~(MSG_OOB | MSG_EOR)) | MSG_MORE;
	put = send_bytes(hs, h, flags, deadline);
	if (put < (long)n) {
		*msg->iter = start;
		iov_iter_advance(msg->iter, max(put, 0L));
	}
	return put;
}

static long stream_send(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 room,
			u64 deadline)
{
	long done = 0, n;

	do {
		h->msg_iov->iov_len = min(msg->iter->count, room);
		n = send_piece(hs, msg, h, deadline);
		if (n > 0)
			done += n;
		if (n > 0 && hs->sk.family == AF_UNIX)
			h->msg_controllen = 0; /* descriptors go once */
	} while (n > 0 && msg->iter->count);
	msg->sigpipe = n == -EPIPE && !done && !(msg->flags & MSG_NOSIGNAL);
	return result(hs, done, n);
}

/* Has Vellum a right that the running task lacks? Where neither has it the host refuses, in its own words. */
static bool host_has_more(const struct host_sock *hs, unsigned cap)
{
	u64 inheritable, permitted, effective;

	return !vfs_capable(hs->sk.vfs, cap) &&
	       !host_capget(&inheritable, &permitted, &effective) && (effective & BIT(cap));
}

/* Does a message change the host's network? rtnetlink(7): what is no question. sock_diag(7): SOCK_DESTROY. */
static bool netlink_changes(const struct host_sock *hs, u16 type)
{
	if (hs->sk.protocol == NETLINK_SOCK_DIAG)
		return type == SOCK_DESTROY_K;
	return hs->sk.protocol == NETLINK_ROUTE && type >= NLMSG_MIN_TYPE && (type & 3) != 2;
}

/* To change it takes the right to. All of the messages in one datagram are looked at. */
static bool may_send_netlink(const struct host_sock *hs, const u8 *data, u64 len)
{
	struct nlmsghdr m;

	if (hs->sk.family != AF_NETLINK)
		return true;
	for (u64 at = 0; at + sizeof(m) <= len; at += NLMSG_ALIGN(m.nlmsg_len)) {
		memcpy(&m, data + at, sizeof(m));
		if (m.nlmsg_len < sizeof(m) || m.nlmsg_len > len - at)
			break; /* nor does the host look further */
		if (netlink_changes(hs, m.nlmsg_type))
			return !host_has_more(hs, CAP_NET_ADMIN);
	}
	return true;
}

static long dgram_send(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 deadline)
{
	u64 len = msg->iter->count;

	if (copy_from_iter(h->msg_iov->iov_base, len, msg->iter) < len)
		return -EFAULT;
	if (!may_send_netlink(hs, h->msg_iov->iov_base, len))
		return -EPERM;
	h->msg_iov->iov_len = len;
	return send_bytes(hs, h, msg->flags & ~MSG_ZEROCOPY, deadline);
}

static u64 send_room(const struct host_sock *hs, u64 count)
{
	return is_stream(hs) ? min(count, BOUNCE) : count;
}

long host_sock_sendmsg(struct socket *sock, struct sock_msg *msg,
		       const struct fs_struct *fs __unused)
{
	struct host_sock *hs = host_sk(sock);
	u64 room = send_room(hs, msg->iter->count);
	u64 deadline = sock_deadline(&hs->sk, hs->sk.sndtimeo, msg->nonblock);
	struct iovec iov;
	struct msghdr h = {
		.msg_name = msg->name ? &msg->name->ss : NULL,
		.msg_namelen = msg->name ? msg->name->len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = msg->control,
		.msg_controllen = msg->control ? msg->control_len : 0,
	};
	long ret = sock_error(&hs->sk);
	void *buf;

	if (ret)
		return ret;
	if (!is_stream(hs) && room > DGRAM_MAX)
		return -EMSGSIZE;
	buf = bounce_alloc(hs, &room);
	if (!buf)
		return -ENOBUFS;
	iov.iov_base = buf;
	if (is_stream(hs))
		ret = stream_send(hs, msg, &h, room, deadline);
	else
		ret = dgram_send(hs, msg, &h, deadline);
	kfree(hs->sk.vfs->mem, buf);
	if (ret > 0 && hs->zerocopy && (msg->flags & MSG_ZEROCOPY)) {
		hs->zc_next++;
		wake_up_all(&hs->sk.wq);
	}
	return ret;
}

/* --- receiving -------------------------------------------------------------------------------- */

static long recv_bytes(struct host_sock *hs, struct msghdr *h, int flags, u64 deadline)
{
	bool waits = !(flags & (MSG_ERRQUEUE | MSG_OOB));
	u64 seen, control_len = h->msg_controllen;
	u32 namelen = h->msg_namelen;
	long n;
	int err;

	for (;;) {
		seen = hs->edges;
		h->msg_controllen = control_len;
		h->msg_namelen = namelen;
		n = host_recvmsg(hs->fd, h, flags);
		hs->sk.vfs->events->epoch++;
		if (n != -EAGAIN || !waits || !list_empty(&hs->notes))
			return n;
		err = host_sock_wait(hs, seen, deadline);
		if (err)
			return err;
	}
}

/* What the host said beside the bytes. */
static void tell(struct sock_msg *msg, const struct msghdr *h)
{
	msg->out_flags = h->msg_flags & ~MSG_CMSG_CLOEXEC;
	msg->control_len = h->msg_controllen;
	if (msg->name)
		msg->name->len = min(h->msg_namelen, (u32)sizeof(msg->name->ss));
}

/* tcp(7), MSG_TRUNC: the bytes go nowhere. Not those of an error queue. */
static bool drops(const struct host_sock *hs, const struct sock_msg *msg)
{
	return (msg->flags & MSG_TRUNC) && !(msg->flags & MSG_ERRQUEUE) && is_stream(hs) &&
	       hs->sk.family != AF_UNIX;
}

/* At most @room bytes. Bytes, 0: the end, -errno. */
static long recv_piece(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 room,
		       u64 deadline)
{
	u64 n = min(msg->iter->count, room);
	bool drop = drops(hs, msg);
	long got;

	if (n && !drop) {
		n = iov_iter_fault_in(msg->iter, n, true);
		if (!n)
			return -EFAULT;
	}
	h->msg_iov->iov_len = n;
	got = recv_bytes(hs, h, msg->flags & ~MSG_WAITALL, deadline);
	if (got < 0)
		return got;
	tell(msg, h);
	hs->taken += msg->flags & MSG_PEEK ? 0 : got;
	if (drop)
		iov_iter_advance(msg->iter, got);
	else if (copy_to_iter(h->msg_iov->iov_base, got, msg->iter) < (u64)got)
		return -EFAULT;
	return got;
}

/* A read that has something ends there, MSG_WAITALL or not. */
static bool at_mark(const struct host_sock *hs)
{
	int at = 0;

	return host_ioctl(hs->fd, SIOCATMARK, &at) >= 0 && at;
}

static long stream_recv(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 room,
			u64 deadline)
{
	u64 count = msg->iter->count, target = min((u64)hs->sk.rcvlowat, count);
	u64 control_room = h->msg_controllen, seen;
	struct iov_iter start = *msg->iter;
	bool peek = msg->flags & MSG_PEEK;
	long done = 0, n;

	if (msg->flags & MSG_WAITALL)
		target = peek ? min(count, room) : count;
	do {
		seen = hs->edges;
		h->msg_controllen = control_room;
		/* What need not be waited for goes along, too. */
		n = recv_piece(hs, msg, h, room, done && (u64)done >= target ? 0 : deadline);
		if (n <= 0)
			break;
		done = peek ? n : done + n;
		if (!peek)
			continue;
		if ((u64)done >= target || host_sock_wait(hs, seen, deadline))
			break;
		*msg->iter = start; /* look at the same bytes, and at what has come */
	} while (msg->iter->count && ((u64)done < target || n == (long)room) &&
		 (peek || !at_mark(hs)));
	return result(hs, done, n);
}

static long dgram_recv(struct host_sock *hs, struct sock_msg *msg, struct msghdr *h, u64 room,
		       u64 deadline)
{
	long got, fits;

	h->msg_iov->iov_len = room;
	got = recv_bytes(hs, h, msg->flags & ~MSG_WAITALL, deadline);
	if (got < 0)
		return got;
	tell(msg, h);
	fits = drops(hs, msg) ? 0 : min(got, (long)room);
	return copy_to_iter(h->msg_iov->iov_base, fits, msg->iter) < (u64)fits ? -EFAULT : got;
}

/* MSG_ZEROCOPY: all that was sent was copied, so that its pages are the program's again. One message tells
 * of all that is known. See: Linux, Documentation/networking/msg_zerocopy.rst. */
static long recv_zerocopy(struct host_sock *hs, struct sock_msg *msg)
{
	bool v6 = hs->sk.family == AF_INET6;
	struct {
		u64 len; /* a struct cmsghdr */
		int level, type;
		struct sock_extended_err e;
		struct sockaddr_in6 none;
	} m = {
		0,
		v6 ? SOL_IPV6 : SOL_IP,
		v6 ? IPV6_RECVERR : IP_RECVERR,
		{.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
		 .ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
		 .ee_info = hs->zc_reported,
		 .ee_data = hs->zc_next - 1},
		{0},
	};

	m.len = offsetof(typeof(m), none) +
		(v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	msg->out_flags = MSG_ERRQUEUE;
	if (msg->name)
		msg->name->len = 0;
	if (!msg->control || msg->control_len < m.len) {
		msg->out_flags |= MSG_CTRUNC;
		msg->control_len = 0;
	} else {
		memcpy(msg->control, &m, m.len);
		msg->control_len = m.len;
	}
	hs->zc_reported = hs->zc_next;
	return 0;
}

/* Of a datagram as much as can be, of a stream a piece; to look at a stream's bytes takes room for all. */
static u64 recv_room(const struct host_sock *hs, const struct sock_msg *msg)
{
	bool piece = is_stream(hs) && !(msg->flags & MSG_PEEK);

	return min(msg->iter->count, piece ? BOUNCE : DGRAM_MAX);
}

/* There is a datagram of the kernel's own, which no error queue has. */
static bool has_note(const struct host_sock *hs, const struct sock_msg *msg)
{
	return !list_empty(&hs->notes) && !(msg->flags & (MSG_ERRQUEUE | MSG_OOB));
}

long host_sock_recvmsg(struct socket *sock, struct sock_msg *msg)
{
	struct host_sock *hs = host_sk(sock);
	u64 room = recv_room(hs, msg);
	u64 deadline = sock_deadline(&hs->sk, hs->sk.rcvtimeo, msg->nonblock);
	struct iovec iov;
	struct msghdr h = {
		.msg_name = msg->name ? &msg->name->ss : NULL,
		.msg_namelen = msg->name ? sizeof(msg->name->ss) : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = msg->control,
		.msg_controllen = msg->control ? msg->control_len : 0,
	};
	long ret;
	void *buf;

	if ((msg->flags & MSG_ERRQUEUE) && hs->zc_next != hs->zc_reported)
		return recv_zerocopy(hs, msg);
	ret = sock_error(&hs->sk);
	if (ret)
		return ret;
	if (unlikely(has_note(hs, msg)))
		return sock_note_recv(hs, msg);
	buf = bounce_alloc(hs, &room);
	if (!buf)
		return -ENOBUFS;
	iov.iov_base = buf;
	if (is_stream(hs) && !(msg->flags & (MSG_ERRQUEUE | MSG_OOB)))
		ret = stream_recv(hs, msg, &h, room, deadline);
	else
		ret = dgram_recv(hs, msg, &h, room, deadline);
	kfree(hs->sk.vfs->mem, buf);
	host_sock_urgent_read(hs);
	return ret == -EAGAIN && has_note(hs, msg) ? sock_note_recv(hs, msg) : ret;
}

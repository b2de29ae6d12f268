/* Sockets that the host keeps: their life, names, connections and readiness. See host_sock.h. */
#include "fs/host_sock.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "base/host_net.h"
#include "fs/inode.h"
#include "fs/libfs.h"
#include "fs/poll.h"
#include "fs/sock_note.h"
#include "fs/unix_internal.h"

#define SHRINK_BATCH 32U
#define RETRY_NS 2000000UL /* what gives no notice of its end is asked about so often */
#define NSEC_PER_SEC 1000000000UL
#define POLL_ASKED                                                                                 \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND |    \
	 EPOLLWRBAND)

/* --- waiting ---------------------------------------------------------------------------------- */

/* The host says what @hs is ready for, not what has changed. That there is room is news only if there was none, and
 * an end is news for everybody. See: sk_stream_write_space(), sock_def_wakeup(). */
static u32 edge_key(struct host_sock *hs, u32 revents)
{
	bool room_only = !(revents & ~(u32)EPOLLOUT),
	     ends = revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	u32 key = revents;

	if (!hs->nospace && !room_only && !ends)
		key &= ~(u32)EPOLLOUT;
	if (revents & EPOLLOUT)
		hs->nospace = false;
	return key;
}

#define URGENT_SOMEWHERE ~0UL

/* How many bytes one read would give now: it ends before an urgent one. What the guest said of reads that only look
 * (SO_PEEK_OFF) is to stay so. */
static u64 bytes_ahead(struct host_sock *hs)
{
	struct iovec all = {NULL, UINT32_MAX};
	struct msghdr h = {.msg_iov = &all, .msg_iovlen = 1};
	int off = -1, none = -1;
	u32 len = sizeof(off);
	long n;

	host_getsockopt(hs->fd, SOL_SOCKET, SO_PEEK_OFF, &off, &len);
	if (off >= 0)
		host_setsockopt(hs->fd, SOL_SOCKET, SO_PEEK_OFF, &none, sizeof(none));
	n = host_recvmsg(hs->fd, &h, MSG_PEEK | MSG_TRUNC);
	if (off >= 0)
		host_setsockopt(hs->fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off));
	return max(n, 0L);
}

/* The urgent byte is the next one of all: which one of those that have come, since one that nobody read gives way to one
 * right behind it. */
static u64 urgent_number(struct host_sock *hs)
{
	struct tcp_info info = {0};
	u32 len = sizeof(info);
	u64 behind = bytes_ahead(hs);

	host_getsockopt(hs->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_bytes_received - behind;
}

/* Where the urgent byte is, counted in bytes that were read. */
static struct urgent urgent_mark(struct host_sock *hs)
{
	int left = 0, inlined = 0, at_mark = 0;
	u32 len = sizeof(inlined);

	/* To look further would take a pending error away: SO_ERROR. */
	if (host_poll(hs->fd, EPOLLERR, 0) & EPOLLERR)
		return hs->urgent.mark ? hs->urgent : (struct urgent){URGENT_SOMEWHERE, 0};
	host_getsockopt(hs->fd, SOL_SOCKET, SO_OOBINLINE, &inlined, &len);
	if (hs->sk.family == AF_UNIX ||
	    host_ioctl(hs->fd, inlined ? SIOCATMARK : FIONREAD, inlined ? &at_mark : &left) < 0)
		return (struct urgent){URGENT_SOMEWHERE, 0};
	if (inlined) /* FIONREAD counts beyond it */
		return (struct urgent){hs->taken + 1 + (at_mark ? 0 : bytes_ahead(hs)), 0};
	return (struct urgent){hs->taken + (u32)left + 1, left ? 0 : urgent_number(hs)};
}

/* The host says that there is one, and says it again with each change. */
static void urgent_here(struct host_sock *hs, bool send_signal)
{
	struct urgent was = hs->urgent;

	if (hs->sk.type != SOCK_STREAM)
		return;
	hs->urgent = urgent_mark(hs);
	if (was.mark && (was.mark == URGENT_SOMEWHERE || hs->urgent.mark == URGENT_SOMEWHERE))
		return; /* nobody knows whether it is another one */
	if (hs->urgent.mark == was.mark &&
	    (!was.number || !hs->urgent.number || hs->urgent.number == was.number))
		return;
	if (send_signal)
		sock_send_urg(&hs->sk);
}

void host_sock_urgent_read(struct host_sock *hs)
{
	if (!hs->urgent.mark)
		return;
	if (host_poll(hs->fd, EPOLLPRI, 0) & EPOLLPRI)
		urgent_here(hs, true);
	else
		hs->urgent = (struct urgent){0};
}

static void host_sock_edge(struct event_fd *w, u32 revents)
{
	struct host_sock *hs = container_of(w, struct host_sock, watch);

	hs->edges++;
	if (revents & EPOLLPRI)
		urgent_here(hs, true);
	wake_up_poll(&hs->sk.wq, edge_key(hs, revents));
}

int host_sock_wait(struct host_sock *hs, u64 seen, u64 deadline_ns)
{
	struct event_loop *l = hs->sk.vfs->events;
	int err;

	l->epoch++;
	if (!deadline_ns)
		return -EAGAIN;
	err = event_fd_watch(l, &hs->watch, hs->fd);
	return err ? err : sock_wait(&hs->sk.wq, hs->edges != seen, deadline_ns);
}

static unsigned host_sock_poll(struct file *f, struct socket *sock, struct poll_table *pt)
{
	struct host_sock *hs = host_sk(sock);
	struct event_loop *l = hs->sk.vfs->events;
	bool watched = hs->watch.events;
	int mask, err;

	if (pt && pt->qproc) {
		err = event_fd_watch(l, &hs->watch, hs->fd);
		if (err)
			pt->error = err;
		poll_wait(f, &hs->sk.wq, pt);
	}
	mask = host_poll(hs->fd, POLL_ASKED, 0);
	l->epoch++;
	mask = max(mask, 0);
	if (!watched && (mask & EPOLLPRI))
		urgent_here(hs, false); /* it came before anybody wanted to be told */
	hs->nospace |= !(mask & EPOLLOUT);
	if (hs->sk.err)
		mask |= EPOLLERR | EPOLLIN | EPOLLRDNORM;
	if (hs->zc_next != hs->zc_reported)
		mask |= EPOLLERR;
	if (!list_empty(&hs->notes))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

/* --- life ------------------------------------------------------------------------------------- */

static bool out_of_fds(int err)
{
	return err == -EMFILE || err == -ENFILE;
}

int host_sock_open(struct vfs *v, int family, int type, int protocol)
{
	int fd = host_socket(family, type, protocol);

	if (out_of_fds(fd) && inode_shrink(v, SHRINK_BATCH))
		fd = host_socket(family, type, protocol);
	return out_of_fds(fd) ? -ENFILE : fd;
}

static struct host_sock *host_sock_alloc(struct socket *sock, int family)
{
	struct host_sock *hs = kzalloc(sock->vfs->mem, sizeof(*hs), GFP_KERNEL);

	if (!hs)
		return NULL;
	sock_init(&hs->sk, sock, family);
	hs->fd = -1;
	event_fd_init(&hs->watch, host_sock_edge);
	INIT_LIST_HEAD(&hs->notes);
	return hs;
}

/* Its inode has the host's number, so that /proc/net, which is the host's, tells whose a connection is. */
static void host_sock_install(struct socket *sock, struct host_sock *hs, int fd)
{
	struct stat st;
	u32 len = sizeof(hs->sk.protocol), family = hs->sk.family;

	hs->fd = fd;
	host_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &hs->sk.protocol, &len);
	if (family != AF_UNIX && !host_fstat(fd, &st))
		sock->file->f_path.dentry->ino = st.st_ino;
	sock->ops = family == AF_UNIX ? &host_unix_ops : &host_sock_ops;
	sock->sk = &hs->sk;
}

int host_sock_attach(struct socket *sock, int fd, int family)
{
	struct host_sock *hs = host_sock_alloc(sock, family);

	if (!hs) {
		host_close(fd);
		return -ENOMEM;
	}
	host_sock_install(sock, hs, fd);
	return 0;
}

/* Is anything still on its way that close(2) has to wait for? */
static bool lingers(struct host_sock *hs)
{
	struct tcp_info info = {0};
	u32 len = sizeof(info);

	if (host_getsockopt(hs->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return false;
	/* TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING. See: sk_stream_closing(). */
	return info.tcpi_state == 4 || info.tcpi_state == 9 || info.tcpi_state == 11;
}

/* SO_LINGER: the host would block in close(2), so the task waits here. Nobody waits for an exiting one. */
static void linger(struct host_sock *hs)
{
	struct linger lg = {0}, off = {0};
	u32 len = sizeof(lg);
	struct sock_cred cred;
	u64 deadline, seen;
	int unread = 0;

	if (hs->sk.type != SOCK_STREAM || hs->sk.family == AF_UNIX ||
	    host_getsockopt(hs->fd, SOL_SOCKET, SO_LINGER, &lg, &len) || !lg.l_onoff ||
	    !lg.l_linger)
		return;
	host_setsockopt(hs->fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	current_sock_cred(hs->sk.vfs, &cred);
	if (!cred.pid || cred.exiting || host_ioctl(hs->fd, FIONREAD, &unread) || unread ||
	    host_shutdown(hs->fd, SHUT_WR))
		return;
	deadline = event_now(hs->sk.vfs->events) + (u32)lg.l_linger * NSEC_PER_SEC;
	do
		seen = hs->edges;
	while (lingers(hs) && !host_sock_wait(hs, seen, deadline));
}

static void host_sock_release(struct socket *sock)
{
	struct host_sock *hs = host_sk(sock);

	linger(hs);
	sock->sk = NULL;
	event_fd_del(hs->sk.vfs->events, &hs->watch);
	host_close(hs->fd);
	unix_addr_put(hs->sk.vfs->mem, hs->name);
	sock_notes_free(hs);
	kfree(hs->sk.vfs->mem, hs);
}

/* --- names and connections -------------------------------------------------------------------- */

int host_sock_getname(struct socket *sock, struct sock_addr *out, bool peer)
{
	int err;

	out->len = sizeof(out->ss);
	err = host_getsockname(host_sk(sock)->fd, &out->ss, &out->len, peer);
	out->len = min(out->len, (u32)sizeof(out->ss));
	return err;
}

/* First among the ports that everybody may bind. net.ipv4.ip_unprivileged_port_start: the host's. */
static u32 unprivileged_port_start(void)
{
	int fd = host_open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY, 0);
	char text[16] = "1024";
	long n;
	u32 port = 0;

	if (fd < 0)
		return 1024;
	n = host_read(fd, text, sizeof(text));
	host_close(fd);
	for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		port = port * 10 + text[i] - '0';
	return port;
}

/* The host asks Vellum's rights; a guest task may have fewer. */
static bool may_bind(struct socket *sock, const struct sock_addr *addr)
{
	u16 family = addr->ss.ss_family;
	u32 port;

	if (addr->len < sizeof(struct sockaddr_in) || (family != AF_INET && family != AF_INET6))
		return true;
	/* sin6_port lies where sin_port does. */
	port = ntohs(((const struct sockaddr_in *)&addr->ss)->sin_port);
	return !port || sock->type == SOCK_RAW || port >= 1024 ||
	       vfs_capable(sock->vfs, CAP_NET_BIND_SERVICE) || port >= unprivileged_port_start();
}

static int host_sock_bind(struct socket *sock, const struct sock_addr *addr,
			  const struct fs_struct *fs __unused)
{
	if (!may_bind(sock, addr))
		return -EACCES;
	return host_bind(host_sk(sock)->fd, &addr->ss, addr->len);
}

/* How long one wait may take: AF_UNIX tells nobody when a listener's queue has room again. */
static u64 connect_until(struct host_sock *hs, int err, u64 deadline)
{
	if (err != -EAGAIN || !deadline)
		return deadline;
	return min(deadline, event_now(hs->sk.vfs->events) + RETRY_NS);
}

int host_sock_connect(struct socket *sock, const struct sock_addr *addr,
		      const struct fs_struct *fs __unused, bool nonblock)
{
	struct host_sock *hs = host_sk(sock);
	u64 deadline = sock_deadline(&hs->sk, hs->sk.sndtimeo, nonblock), seen, until;
	int err, woken;

	for (;;) {
		seen = hs->edges;
		err = host_connect(hs->fd, &addr->ss, addr->len);
		if (err != -EINPROGRESS && err != -EALREADY && err != -EAGAIN)
			break;
		until = connect_until(hs, err, deadline);
		woken = host_sock_wait(hs, seen, until);
		if (woken == -EINTR && until != deadline && deadline == WAIT_FOREVER)
			woken = -ERESTARTSYS;
		if (woken == -EAGAIN && until != deadline)
			continue;
		if (woken)
			return woken == -EAGAIN ? err : woken;
	}
	if (!err)
		sock->state = SS_CONNECTED;
	return err;
}

static int host_sock_listen(struct socket *sock, u32 backlog)
{
	return host_listen(host_sk(sock)->fd, backlog);
}

static int host_sock_accept(struct socket *sock, struct socket *newsock, bool nonblock)
{
	struct host_sock *hs = host_sk(sock), *newsk = host_sock_alloc(newsock, hs->sk.family);
	u64 deadline = sock_deadline(&hs->sk, hs->sk.rcvtimeo, nonblock), seen;
	int fd, err;

	if (!newsk)
		return -ENOMEM;
	do {
		seen = hs->edges;
		fd = host_accept(hs->fd);
		if (out_of_fds(fd))
			fd = inode_shrink(sock->vfs, SHRINK_BATCH) ? host_accept(hs->fd) : -ENFILE;
		err = fd == -EAGAIN ? host_sock_wait(hs, seen, deadline) : fd;
	} while (fd == -EAGAIN && !err);
	if (fd < 0) {
		kfree(sock->vfs->mem, newsk);
		return err == -EMFILE ? -ENFILE : err;
	}
	host_sock_install(newsock, newsk, fd);
	newsk->sk.sndtimeo = hs->sk.sndtimeo;
	newsk->sk.rcvtimeo = hs->sk.rcvtimeo;
	newsk->sk.rcvlowat = hs->sk.rcvlowat;
	newsk->zerocopy = hs->zerocopy;
	newsock->state = SS_CONNECTED;
	return 0;
}

static int host_sock_shutdown(struct socket *sock, int how)
{
	return host_shutdown(host_sk(sock)->fd, how);
}

static int host_sock_no_pair(struct socket *a __unused, struct socket *b __unused)
{
	return -EOPNOTSUPP;
}

#define HOST_SOCK_OPS                                                                              \
	.release = host_sock_release, .socketpair = host_sock_no_pair, .accept = host_sock_accept, \
	.poll = host_sock_poll, .ioctl = host_sock_ioctl, .listen = host_sock_listen,              \
	.shutdown = host_sock_shutdown, .setsockopt = host_sock_setsockopt,                        \
	.getsockopt = host_sock_getsockopt

const struct proto_ops host_sock_ops = {
	HOST_SOCK_OPS,
	.bind = host_sock_bind,
	.connect = host_sock_connect,
	.getname = host_sock_getname,
	.sendmsg = host_sock_sendmsg,
	.recvmsg = host_sock_recvmsg,
	.raw_control = true,
};

const struct proto_ops host_unix_ops = {
	HOST_SOCK_OPS,
	.bind = host_unix_bind,
	.connect = host_unix_reconnect,
	.getname = host_unix_getname,
	.sendmsg = host_unix_sendmsg,
	.recvmsg = host_unix_recvmsg,
};

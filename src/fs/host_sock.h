/* Sockets that the host keeps: AF_INET, AF_INET6, AF_NETLINK, those that Vellum inherited, and AF_UNIX ones whose peer
 * is a program outside. Only files of fs/ have a use for it.
 *
 *	struct socket --> struct host_sock --fd--> a socket of the host's
 *	                       ^ watch: edges ---- event loop (base/event.h)
 *
 *	host_sock.c      life, names, connections, readiness
 *	host_sock_msg.c  bytes: what waits, and how much of a buffer goes at once
 *	host_sock_opt.c  options and ioctls
 *	inet.c           which families there are, and who may have them
 *
 * A call is tried on the host, where it never blocks. If it would have to wait, the task sleeps on sk.wq until the
 * host tells of any change, and tries again: so states, errors and order are the host's. Readiness is
 * asked for when somebody wants to know, and is kept nowhere. Pollers stay on sk.wq, and hear of each change as
 * they would natively: edge-triggered ones, too.
 *
 * Not for: sockets between guest tasks, which are AF_UNIX's (unix_internal.h).
 */
#ifndef FS_HOST_SOCK_H
#define FS_HOST_SOCK_H

#include "fs/internal.h"
#include "fs/socket.h"

/* A place in a stream: @mark 0: none; @number 0: not known. */
struct urgent {
	u64 mark, number;
};

struct host_sock {
	struct sock sk; /* first */
	int fd;		/* of the host; ours; set once */
	struct event_fd watch;
	u64 edges;    /* changes so far; counted by the event loop */
	bool nospace; /* somebody found that it takes no bytes: SOCK_NOSPACE */
	struct unix_address
		*name;	      /* of AF_UNIX, as the guest gave it; a reference; NULL: the host's */
	u64 taken;	      /* bytes of a stream that were read */
	struct urgent urgent; /* its urgent byte that the host has told of */
	bool zerocopy;	      /* SO_ZEROCOPY */
	u32 zc_next;	      /* MSG_ZEROCOPY sends so far */
	u32 zc_reported;      /* of those, told on the error queue */
	struct list_head notes; /* of AF_NETLINK: sock_note.h */
};

static inline struct host_sock *host_sk(const struct socket *sock)
{
	return container_of(sock->sk, struct host_sock, sk);
}

/* --- host_sock.c ------------------------------------------------------------------------------ */

/* Gives @sock, which has none, a sock that keeps host descriptor @fd: taken over, and closed also on failure. 0 or
 * -ENOMEM. */
int host_sock_attach(struct socket *sock, int fd, int family);
/* After an attempt that was -EAGAIN: sleeps until the host tells of a change since hs->edges was @seen. 0: try again;
 * -EAGAIN (the deadline), -ERESTARTSYS, -EINTR, -ENOMEM. */
int host_sock_wait(struct host_sock *hs, u64 seen, u64 deadline_ns);
/* After bytes were read: is the urgent one still among those to come? */
void host_sock_urgent_read(struct host_sock *hs);
/* As host_socket() (base/host_net.h), with idle descriptors given up when there are too many. -ENFILE: still. */
int host_sock_open(struct vfs *v, int family, int type, int protocol);

/* Members of host_sock_ops that those of host_unix_ops go on to. */
int host_sock_getname(struct socket *sock, struct sock_addr *out, bool peer);
int host_sock_connect(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs,
		      bool nonblock);

extern const struct proto_ops host_sock_ops, host_unix_ops; /* of AF_UNIX: the latter */

/* --- host_sock_msg.c: members of struct proto_ops ---------------------------------------------- */

long host_sock_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
long host_sock_recvmsg(struct socket *sock, struct sock_msg *msg);

/* --- host_unix.c ------------------------------------------------------------------------------- */

/* Members of host_unix_ops: names are looked up in the guest's tree, and what travels with the bytes is translated. */
int host_unix_bind(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs);
int host_unix_reconnect(struct socket *sock, const struct sock_addr *addr,
			const struct fs_struct *fs, bool nonblock);
int host_unix_getname(struct socket *sock, struct sock_addr *out, bool peer);
long host_unix_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
long host_unix_recvmsg(struct socket *sock, struct sock_msg *msg);
/* @sock, an AF_UNIX one of the guest's that is not connected, becomes the host's, connected to who listens outside.
 * 0; -ECONNREFUSED: nobody does, or --no-network; what the host says. May sleep. */
int host_unix_connect(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs,
		      bool nonblock);
/* One datagram to msg->name outside. Bytes, or as host_unix_connect(). May sleep. */
long host_unix_sendto(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);

/* --- host_sock_opt.c: likewise ------------------------------------------------------------------ */

int host_sock_setsockopt(struct socket *sock, int level, int name, const void *val, u32 len,
			 struct mm_struct *mm);
int host_sock_getsockopt(struct socket *sock, int level, int name, void *val, u32 *len);
long host_sock_ioctl(struct socket *sock, u32 cmd, u64 arg, struct mm_struct *mm);

#endif

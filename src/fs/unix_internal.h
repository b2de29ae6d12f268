/* What the files of AF_UNIX share: unix_socket.c (birth, end), unix_addr.c (names), unix_skb.c (messages),
 * unix_stream.c, unix_oob.c (its urgent byte), unix_dgram.c, unix_gc.c (descriptors on their way).
 *
 *	 connected:  a <--peer--> b        each write makes sk_buffs, put into the other's queue
 *	 listening:  l   queue: [request: n1] [request: n2]     n1's peer has connected already
 *	 datagrams:  s --peer--> r, or a name a message
 *
 * A reference of a unix_sock: its struct socket, each peer pointer, each sk_buff that it has sent or
 * (a request) that carries it. A dead one, closed, is still somebody's peer until they notice.
 *
 * Nothing here sleeps but what says so. Whatever sleeps looks at peers, states and queues again afterwards.
 */
#ifndef FS_UNIX_INTERNAL_H
#define FS_UNIX_INTERNAL_H

#include <sys/un.h>

#include "fs/internal.h"
#include "fs/poll.h"
#include "fs/socket.h"

#define UNIX_HASH_SIZE 64U
#define UNIX_MAX_DGRAM_QLEN 10U /* net.unix.max_dgram_qlen */
#define UNIX_PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

enum unix_state { TCP_ESTABLISHED_K = 1, TCP_CLOSE_K = 7, TCP_LISTEN_K = 10 };

/* A name, shared by the connections that a listener makes. kmalloc'ed. */
struct unix_address {
	u32 refcount;
	u32 len; /* of the whole sockaddr_un; a path's zero counts */
	char sun_path[];
};

struct unix_sock {
	struct sock sk; /* first */
	enum unix_state state;
	struct unix_address *addr; /* NULL: no name */
	struct path path;	   /* of a name in the file system; dentry NULL: none */
	struct unix_sock *peer;	   /* a reference */
	struct list_head all;	   /* in unix_table.all */
	struct list_head hash;	   /* in unix_table.bucket; self-linked: no name to be found by */
	struct list_head queue;	   /* of sk_buff: received */
	u32 qlen, max_qlen;	   /* messages in it; more than max_qlen: full */
	struct sk_buff *oob_skb; /* of those in it: the last urgent byte; NULL: none. A stream's */
	u32 oob_dropped;	 /* urgent bytes that reads stepped over: unix_inq() */
	struct wait_queue_head peer_wait;  /* senders and connectors, while the queue is full */
	struct wait_queue_entry peer_wake; /* ours on the peer's peer_wait, for who polls us */
	u32 inflight;			   /* references of sk_buffs to its file */
	struct unix_outside *
		outside; /* a name in the host's tree: who listens there for programs outside; NULL */
	struct list_head inflight_link; /* in unix_table.flying, while it is in flight */
	bool gc_candidate;
	struct list_head gc_link;
};

/* A message, or the part of a stream that one write left. */
struct sk_buff {
	struct list_head list;
	struct unix_sock *sk; /* who sent it, or (a request) whom it brings; a reference */
	struct vfs *vfs;
	u32 len, consumed;     /* bytes; of a stream, some may have been read */
	u32 truesize;	       /* charged to sk->sk.wmem; as Linux counts */
	struct scm_cookie scm; /* fp: the references are counted as in flight */
	bool paged;	       /* the bytes are in pages, or right here */
	union {
		struct page *pages[0];
		u8 data[0];
	};
};

struct unix_table {
	struct list_head all; /* of unix_sock */
	struct list_head bucket[UNIX_HASH_SIZE];
	struct list_head flying; /* of unix_sock: those on their way */
	u64 inflight;		 /* descriptors on their way */
	u32 next_auto;		 /* number of the next name of our choice */
	bool maybe_cyclic; /* of those on their way some may hold each other: unix_gc_edge() */
	bool gc_running, dropping;
	struct scm_fp_list *to_drop; /* unix_drop_fp()'s, oldest first */
};

static inline struct unix_sock *unix_sk(const struct socket *sock)
{
	return container_of(sock->sk, struct unix_sock, sk);
}

static inline struct memory *unix_mem(const struct unix_sock *u)
{
	return u->sk.vfs->mem;
}

static inline bool unix_connection_based(const struct unix_sock *u)
{
	return u->sk.type != SOCK_DGRAM;
}

static inline bool unix_recvq_full(const struct unix_sock *u)
{
	return u->qlen > u->max_qlen;
}

/* Room for a message? So poll and the wake-ups have it: three quarters are to be free. Linux counts one more. */
static inline bool unix_writable(const struct unix_sock *u)
{
	return u->state != TCP_LISTEN_K && (u->sk.wmem + 1) * 4UL <= u->sk.sndbuf;
}

/* Bytes of @skb that nobody has read. */
static inline u32 unix_skb_len(const struct sk_buff *skb)
{
	return skb->len - skb->consumed;
}

/* --- unix_socket.c --------------------------------------------------------------------------- */

/* A new one of @type (SOCK_*), one reference; @sock NULL: for a connection that nobody has accepted. NULL: no
 * memory. */
struct unix_sock *unix_create1(struct socket *sock, struct vfs *v, int type);
static inline struct unix_sock *unix_hold(struct unix_sock *u)
{
	u->sk.refcount++;
	return u;
}
/* Drops a reference; with the last one it is freed. */
void unix_put(struct unix_sock *u);
/* Closes it: peers, names and messages go, and the caller's reference. @embryo: nobody ever accepted
 * it. What the messages carried is closed, too: may sleep. */
void unix_release_sock(struct unix_sock *u, bool embryo);
/* Bytes that the next reads give, and as Linux does the urgent ones that reads have stepped over: SIOCINQ. */
u32 unix_inq(const struct unix_sock *u);
/* Who connects to it, or was paired with it, is told of the running task from now on: SO_PEERCRED. */
void unix_init_peercred(struct unix_sock *u);

/* --- unix_addr.c ----------------------------------------------------------------------------- */

/* One reference more or less; NULL is fine. */
struct unix_address *unix_addr_get(struct unix_address *a);
void unix_addr_put(struct memory *m, struct unix_address *a);
/* Is it a sockaddr_un with a name? 0 or -EINVAL. */
int unix_validate_addr(const struct sock_addr *addr);
/* A path name, as it is given. NULL: no memory. */
struct unix_address *unix_addr_new(struct memory *m, const struct sock_addr *addr);
/* @a for the guest; NULL: the family alone. */
void unix_put_name(struct sock_addr *out, const struct unix_address *a);
/* The name of @u for the guest; the family alone if it has none. */
void unix_copy_addr(struct sock_addr *out, const struct unix_sock *u);
/* Whom a name means (a reference). ERR_PTR(-ECONNREFUSED, -EPROTOTYPE, -EACCES, -ENOENT, ...). */
struct unix_sock *unix_find_other(struct vfs *v, const struct sock_addr *addr, int type,
				  const struct fs_struct *fs);
/* The node of a name at which nobody of the guest's listens, but perhaps a program outside (a reference). 0;
 * -ECONNREFUSED: there is none; as path_lookup(). */
int unix_find_outside(struct vfs *v, const struct sock_addr *addr, const struct fs_struct *fs,
		      struct path *node);
/* The folder that a path name's last component, @last, is in (a reference). 0; -EEXIST: it is no name; -ENOENT: a slash
 * behind it; as path_lookup(). */
int unix_path_parent(const struct sock_addr *addr, const struct fs_struct *fs, struct path *dir,
		     char last[NAME_MAX + 1]);
/* A name for one that needs one and has none: five hex digits, abstract. 0, -ENOMEM, -ENOSPC. */
int unix_autobind(struct unix_sock *u);
/* SO_PASSCRED: who is to answer must have a name. As unix_autobind(). */
int unix_want_name(struct unix_sock *u);
/* Members of struct proto_ops. */
int unix_bind(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs);
int unix_getname(struct socket *sock, struct sock_addr *out, bool peer);

/* --- unix_skb.c ------------------------------------------------------------------------------ */

/* @len bytes of @from, sent by @u; may sleep for room. ERR_PTR(-EAGAIN, -ENOBUFS, -EPIPE, -EFAULT,
 * -ERESTARTSYS, ...). @truesize: what it counts for. */
struct sk_buff *unix_alloc_skb(struct unix_sock *u, struct iov_iter *from, u32 len, u32 truesize,
			       u64 deadline_ns);
/* A connection request: brings @embryo, whose reference it takes over. ERR_PTR(-ENOMEM). */
struct sk_buff *unix_request_skb(struct unix_sock *embryo);
/* What @len bytes count for, as Linux counts: bytes. */
u32 unix_stream_truesize(u32 len);
u32 unix_dgram_truesize(u32 len);
/* It is on no queue; whatever it holds goes. */
void unix_free_skb(struct sk_buff *skb);
/* Drops files that are not in flight any more. Closing a socket drops what its queue holds, and so
 * on: the outermost call does it all, one after the other, whatever the depth. */
void unix_drop_fp(struct vfs *v, struct scm_fp_list *fp);
/* @skb, taken over, becomes the last of @to's queue, and whoever waits there is woken. */
void unix_queue_tail(struct unix_sock *to, struct sk_buff *skb);
/* @skb leaves @from's queue and is the caller's. */
void unix_unlink(struct unix_sock *from, struct sk_buff *skb);
/* The first of @u's queue, still in it; NULL: none. */
static inline struct sk_buff *unix_peek_skb(const struct unix_sock *u)
{
	return list_empty(&u->queue) ? NULL : list_first_entry(&u->queue, struct sk_buff, list);
}
/* The one behind @skb in @u's queue; NULL: none. */
static inline struct sk_buff *unix_next_skb(const struct unix_sock *u, const struct sk_buff *skb)
{
	return skb->list.next == &u->queue ? NULL
					   : list_entry(skb->list.next, struct sk_buff, list);
}
/* Has anybody left in @u's queue what is worth an ECONNRESET? Not an urgent byte that was read. */
bool unix_unread(const struct unix_sock *u);
/* Frees all that @u has received. */
void unix_purge_queue(struct unix_sock *u);
/* Bytes copied, from @off of what is unread. */
u32 unix_skb_to_iter(const struct sk_buff *skb, u32 off, u32 n, struct iov_iter *to);
/* The sender's cookie goes into @skb: its files are in flight from now on. 0, -ETOOMANYREFS; -EPERM: @to wants
 * none. */
int unix_scm_to_skb(struct scm_cookie *scm, struct sk_buff *skb, const struct unix_sock *from,
		    const struct unix_sock *to);
/* What came with @skb, for the receiver: moved, or (@peek) once more. 0 or -ENOMEM. */
int unix_scm_recv(struct sk_buff *skb, struct scm_cookie *scm, bool peek);

/* --- unix_stream.c, unix_dgram.c --------------------------------------------------------------- */

/* Who polls @u is told when @other's queue has room. False: it has. */
bool unix_dgram_peer_wake_me(struct unix_sock *u, struct unix_sock *other);
/* @other is nothing to @u any more. */
void unix_dgram_peer_wake_disconnect(struct unix_sock *u, struct unix_sock *other);

/* Members of struct proto_ops; all but poll may sleep. */
int unix_stream_connect(struct socket *sock, const struct sock_addr *addr,
			const struct fs_struct *fs, bool nonblock);
int unix_accept(struct socket *sock, struct socket *newsock, bool nonblock);
long unix_stream_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
long unix_stream_recvmsg(struct socket *sock, struct sock_msg *msg);
unsigned unix_stream_poll(struct file *f, struct socket *sock, struct poll_table *pt);
int unix_dgram_connect(struct socket *sock, const struct sock_addr *addr,
		       const struct fs_struct *fs, bool nonblock);
long unix_dgram_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
long unix_dgram_recvmsg(struct socket *sock, struct sock_msg *msg);
unsigned unix_dgram_poll(struct file *f, struct socket *sock, struct poll_table *pt);
int unix_seqpacket_may_send(struct socket *sock);
long unix_seqpacket_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
long unix_seqpacket_recvmsg(struct socket *sock, struct sock_msg *msg);

/* --- unix_oob.c ------------------------------------------------------------------------------ */

/* The last byte of msg->iter goes to @other as the urgent one, and SIGURG with it. May sleep for room. 0, -EPIPE, or as
 * unix_alloc_skb(). */
int unix_queue_oob(struct unix_sock *u, struct unix_sock *other, struct sock_msg *msg,
		   u64 deadline_ns);
/* recv(2) with MSG_OOB. 1, -EINVAL: there is none, or it is inline; -EFAULT. */
long unix_recv_oob(struct unix_sock *u, struct sock_msg *msg);
/* What a stream's reader, who has @copied bytes already, looks at instead of @skb, the next of @u's queue: reads end at an
 * urgent byte, and the next one drops it if it is not inline. NULL: nothing (after all). */
struct sk_buff *unix_manage_oob(struct unix_sock *u, struct sk_buff *skb, bool peek, u64 copied);
/* SIOCATMARK. */
bool unix_at_mark(const struct unix_sock *u);

/* --- host_unix.c: programs outside ------------------------------------------------------------ */

/* Makes the node @name in @dir, a folder of the host's, with permissions @mode, such that programs outside find @u there. 0
 * or as mknod(2); -EOPNOTSUPP: it cannot be so, and a node for the guest's eyes alone must do. */
int unix_outside_bind(struct unix_sock *u, const struct dentry *dir, const char *name, u32 mode);
/* @u listens, or goes on to with another @backlog: for programs outside, too, if it can. */
void unix_outside_listen(struct unix_sock *u, u32 backlog);
/* A connection from outside, if there is one now, becomes @newsock's. 0; -EAGAIN: none; -errno. */
int unix_outside_accept(struct unix_sock *u, struct socket *newsock);
/* Is there one? */
bool unix_outside_pending(const struct unix_sock *u);
/* Nobody is listened to any more. */
void unix_outside_close(struct unix_sock *u);

/* --- unix_gc.c ------------------------------------------------------------------------------- */

/* The files of @fp come into flight, or leave it. */
void unix_inflight(struct vfs *v, const struct scm_fp_list *fp);
void unix_notinflight(struct vfs *v, const struct scm_fp_list *fp);
/* A message that carries @fp goes into @to's queue: what unix_gc() is to look at from now on. */
void unix_gc_edge(const struct unix_sock *to, const struct scm_fp_list *fp);
/* Frees what only messages that nobody can receive hold. */
void unix_gc(struct vfs *v);

#endif

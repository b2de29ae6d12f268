/* Sockets: the file that a program holds, the families behind it, and what the system calls ask.
 *
 *	struct file --> struct socket --> struct sock (struct unix_sock, ...)
 *	  socket_fops     type, ops         queue, options, peer: the family's
 *
 * A socket lives in an inode of sockfs, as a pipe does in one of pipefs, and ends with the last file. Its
 * sock may live on: messages that it has sent, and peers, hold references.
 *
 *	socketpair, connect:  a --peer--> b     what one sends goes into the other's queue
 *	listen:               l --queue--> requests, each with a sock that nobody has accepted yet
 *
 * Only what says so may sleep. Not for: system call arguments; sockets that the host keeps (host_sock.h). See: Linux, include/linux/net.h, include/net/sock.h, net/socket.c.
 */
#ifndef FS_SOCKET_H
#define FS_SOCKET_H

#include <sys/socket.h>

#include "fs/file.h"
#include "fs/libfs.h"

#define SOCK_TYPE_MASK_K 0xf
#define NR_FAMILIES 46	  /* AF_* that the kernel knows */
#define SOMAXCONN_K 4096U /* net.core.somaxconn */
#define SCM_MAX_FD 253U
#define SK_WMEM_DEFAULT 212992U /* bytes; net.core.*mem_default */
#define SK_WMEM_MAX 4194304U
#define SHUTDOWN_MASK 3U
#define RCV_SHUTDOWN 1U
#define SEND_SHUTDOWN 2U

enum socket_state { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED };

/* An address as a program gave it, or as it will be given one. @len bytes of it count. */
struct sock_addr {
	u32 len;
	struct sockaddr_storage ss;
};

/* Who calls. The proc/ side fills it in: vfs.current_cred. */
struct sock_cred {
	s32 pid;
	u32 uid, gid, euid, egid;
	u64 max_inflight; /* descriptors that may be on their way */
	bool exiting;	  /* closes all it has, and waits for nothing */
};

/* Files on their way in a message: a reference each. */
struct scm_fp_list {
	struct scm_fp_list *next; /* unix_drop_fp()'s */
	u32 count;
	struct file *fp[];
};

/* What goes with the bytes of a message. */
struct scm_cookie {
	struct scm_fp_list *fp; /* kmalloc'ed; NULL: none */
	bool has_creds;
	s32 pid;
	u32 uid, gid;
};

/* One sendmsg or recvmsg. */
struct sock_msg {
	struct iov_iter *iter;
	struct sock_addr *name; /* send: whither, NULL: to the peer. receive: out, or NULL */
	int flags;		/* MSG_* */
	bool nonblock;		/* O_NONBLOCK or MSG_DONTWAIT */
	int out_flags;		/* receive: MSG_TRUNC */
	bool got;		/* receive, out: not the end of messages */
	s32 inq;		/* receive, out, with SO_INQ: bytes that are left */
	bool sigpipe;		/* send, out: SIGPIPE goes with -EPIPE */
	struct scm_cookie scm;	/* send: what goes along, taken over; receive: the caller's then */
	/* Families with raw_control: control messages as they are, in the caller's host memory. Receive:
	 * so much room, then so much was said. NULL: none. */
	void *control;
	u64 control_len; /* bytes */
};

struct fs_struct;
struct seq;
struct socket;

/* What a family does. All return 0 or -errno unless said; connect, accept, sendmsg and recvmsg may sleep. */
struct proto_ops {
	void (*release)(struct socket *sock); /* the last file has gone */
	int (*bind)(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs);
	int (*connect)(struct socket *sock, const struct sock_addr *addr,
		       const struct fs_struct *fs, bool nonblock);
	int (*socketpair)(struct socket *a, struct socket *b);
	int (*accept)(struct socket *sock, struct socket *newsock, bool nonblock);
	int (*getname)(struct socket *sock, struct sock_addr *out, bool peer);
	unsigned (*poll)(struct file *f, struct socket *sock, struct poll_table *pt);
	long (*ioctl)(struct socket *sock, u32 cmd, u64 arg, struct mm_struct *mm);
	int (*listen)(struct socket *sock, u32 backlog);
	int (*shutdown)(struct socket *sock, int how); /* SHUT_*, checked */
	/* What stands in the way of any message, before control messages are looked at; NULL: nothing. */
	int (*may_send)(struct socket *sock);
	/* Bytes, or -errno. @fs: whose eyes a path in the address is read with; NULL: there is none. */
	long (*sendmsg)(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs);
	long (*recvmsg)(struct socket *sock, struct sock_msg *msg);
	/* All levels, SOL_SOCKET included; @val: a host copy, in which addresses are @mm's. NULL: the family has
	 * those of sock_setsockopt() alone. */
	int (*setsockopt)(struct socket *sock, int level, int name, const void *val, u32 len,
			  struct mm_struct *mm);
	int (*getsockopt)(struct socket *sock, int level, int name, void *val, u32 *len);
	bool raw_control; /* knows control messages of its own (struct sock_msg) */
};

struct net_proto_family {
	int family;
	/* A sock for @sock, whose type is set, and its ops. */
	int (*create)(struct socket *sock, int protocol);
};

struct socket {
	struct simple_attr attr; /* first (libfs.h) */
	struct vfs *vfs;
	u16 type;		 /* SOCK_STREAM, ...; set once */
	enum socket_state state; /* changed by the family */
	const struct proto_ops *ops;
	struct sock *sk;   /* NULL before create() and after release() */
	struct file *file; /* no reference: it is what holds us; NULL when it is gone */
};

/* Options that are on or off: a bit each, by number. */
struct sock_options {
	u64 bits[2];
};

/* Options that are a number which is only kept. */
enum sock_value { SV_BUSY_POLL, SV_INCOMING_CPU, SV_BINDTOIFINDEX, SV_BUF_LOCK, NR_SOCK_VALUES };

/* What every family's sock begins with, and the SOL_SOCKET options act on (sndbuf and what follows
 * it). The family changes the rest. */
struct sock {
	u32 refcount;
	struct vfs *vfs;
	struct socket *socket; /* NULL: not accepted yet, or closed */
	u16 family, type;
	int protocol;
	bool dead;		  /* closed */
	bool listening;		  /* accepts connections */
	u32 shutdown;		  /* RCV_SHUTDOWN, SEND_SHUTDOWN */
	int err;		  /* positive errno, to be told once: SO_ERROR */
	u32 sndbuf, rcvbuf, wmem; /* bytes; wmem: of messages that nobody has read yet */
	u32 rcvlowat;
	s32 peek_off;		/* SO_PEEK_OFF; -1: off */
	u64 sndtimeo, rcvtimeo; /* ns; WAIT_FOREVER */
	struct sock_options options;
	s32 values[NR_SOCK_VALUES];
	u64 cookie;	/* SO_COOKIE; 0: nobody has asked */
	u64 max_pacing; /* SO_MAX_PACING_RATE: bytes a second */
	u8 stamp;	/* SO_TIMESTAMP or one of its kin; 0: off */
	u32 priority, mark;
	s32 linger; /* seconds */
	bool linger_on;
	struct sock_cred peercred; /* pid, euid, egid; pid 0: nobody yet */
	struct wait_queue_head wq; /* whatever changes */
};

#define SO_TIMESTAMP_NEW_K 63
#define SO_PASSPIDFD_K 76
#define SO_PEERPIDFD_K 77
#define SO_PASSRIGHTS_K 83
#define SO_INQ_K 84

/* An on/off option, SO_x. */
static inline bool sock_option(const struct sock *sk, int so)
{
	return sk->options.bits[so / 64] >> (so % 64) & 1;
}

static inline void sock_set_option(struct sock *sk, int so, bool on)
{
	u64 *bits = &sk->options.bits[so / 64];

	*bits = on ? *bits | BIT(so % 64) : *bits & ~BIT(so % 64);
}

/* Does it want to know who sends? */
static inline bool sock_passes_cred(const struct sock *sk)
{
	return sock_option(sk, SO_PASSCRED) || sock_option(sk, SO_PASSPIDFD_K);
}

/* All zero before: one reference, default options; type and vfs are @sock's. */
void sock_init(struct sock *sk, struct socket *sock, int family);
/* An urgent byte has come: SIGURG to whom the file's owner is (fasync.h). */
void sock_send_urg(const struct sock *sk);
/* A connection that @listener's socket takes has its options for what goes along with messages. */
void sock_inherit_options(struct sock *sk, const struct sock *listener);
/* The pending error as -errno, and no longer pending; 0: none. */
int sock_error(struct sock *sk);
/* Until when, by the machine's clock, a call may sleep: 0: not at all; WAIT_FOREVER. @timeo_ns: SO_SNDTIMEO or
 * SO_RCVTIMEO. */
u64 sock_deadline(const struct sock *sk, u64 timeo_ns, bool nonblock);

/* Sleeps until @cond. 0, -EAGAIN (the deadline), -ERESTARTSYS; -EINTR where there is a deadline: such a
 * call is not begun again. */
#define sock_wait(wq, cond, deadline_ns)                                                           \
	sock_wait_result((cond)		 ? 0                                                       \
			 : (deadline_ns) ? wait_event_interruptible_until(wq, cond, deadline_ns)   \
					 : -ETIME,                                                 \
			 deadline_ns)

static inline int sock_wait_result(int err, u64 deadline_ns)
{
	if (err == -ETIME)
		return -EAGAIN;
	return err == -ERESTARTSYS && deadline_ns != WAIT_FOREVER ? -EINTR : err;
}

/* The caller's identity; zeros without a task. */
void current_sock_cred(struct vfs *v, struct sock_cred *cred);

/* A socket in a file of its own (one reference), unconnected. @type: SOCK_*, without flags; @flags: O_NONBLOCK.
 * ERR_PTR(-EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EINVAL, -ENOMEM, -ENFILE). */
struct file *sock_create_file(struct vfs *v, int family, int type, int protocol, int flags);
/* Two that are each other's peers. 0 or -errno. See: socketpair(2). */
int sock_create_pair(struct vfs *v, struct file *files[2], int family, int type, int protocol,
		     int flags);
/* The next connection in a file of its own (a reference). May sleep. ERR_PTR(-EINVAL, -EAGAIN,
 * -ERESTARTSYS, -EINTR, -ENFILE, -EOPNOTSUPP). See: accept(2). */
struct file *sock_accept_file(struct socket *sock, bool nonblock, int flags);
/* The socket behind @f, for as long as @f lives, or NULL: another kind of file. */
struct socket *sock_from_file(const struct file *f);
/* A socket for the host's descriptor @fd, which Vellum inherited or was sent: taken over, closed also on failure; it stays
 * in the mode in which it came. @flags: O_*, of F_GETFL. ERR_PTR(-ENOMEM, -ENFILE, or the host's). */
struct file *sock_adopt_file(struct vfs *v, int fd, int flags);

/* SOL_SOCKET. @val: host memory; set: @len bytes of it (up to 16 are looked at), get: as many as fit
 * in *@len, which then says how many there are. -ENOPROTOOPT, -EINVAL, -EDOM, -EPERM, -ENODATA.
 * -EOPNOTSUPP, -EACCES, -ENOENT.
 * @net_admin: CAP_NET_ADMIN. See: socket(7). */
#define SOCKOPT_MAX 40U
int sock_setsockopt(struct socket *sock, int name, const void *val, u32 len, bool net_admin);
int sock_getsockopt(struct socket *sock, int name, void *val, u32 *len);

/* Drops the files of @fp, and @fp; NULL is fine. */
void scm_fp_free(struct vfs *v, struct scm_fp_list *fp);

/* --- AF_UNIX (unix_socket.c) ------------------------------------------------------------------ */

extern const struct net_proto_family unix_family;
/* /proc/net/unix. */
void unix_show(struct vfs *v, struct seq *out);
/* At the end of the machine: what messages in unreachable sockets still hold. */
void unix_destroy(struct vfs *v);

#endif

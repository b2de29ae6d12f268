/* Messages: sendto, sendmsg, sendmmsg, recvfrom, recvmsg, recvmmsg, and what travels beside the bytes.
 * See: send(2), recv(2), cmsg(3), unix(7); Linux, net/socket.c, net/core/scm.c. */
#include "syscalls/internal.h"

#include <limits.h>
#include <linux/capability.h>

#include "syscalls/sock_internal.h"

#define OPTMEM_MAX 131072UL    /* bytes of control messages; net.core.optmem_max */
#define CONTROL_IN_MAX 16384UL /* bytes of them that a family of the host's can say at once */
#define CMSG_COMPAT_K 0x80000000U
#define SCM_PIDFD_K 4
#define NSEC_PER_USEC_K 1000L
#define CMSG_HDR sizeof(struct cmsghdr)

/* struct msghdr as the kernel reads it. */
struct user_msghdr {
	gva_t name;
	s32 namelen, pad;
	gva_t iov;
	u64 iovlen;
	gva_t control;
	u64 controllen;
	u32 flags, pad2;
};

struct user_mmsghdr {
	struct user_msghdr hdr;
	u32 len, pad;
};

/* The result of a send: SIGPIPE goes with it. */
static long sent(struct task_struct *t, const struct sock_msg *msg, long ret)
{
	if (msg->sigpipe)
		send_own(t, SIGPIPE);
	return ret;
}

static bool nonblock(const struct file *f, u32 flags)
{
	return (f->f_flags & O_NONBLOCK) || (flags & MSG_DONTWAIT);
}

/* --- control messages out -------------------------------------------------------------------- */

/* Files by number, from the host copy of a control message's data. */
static int scm_fp_copy(struct task_struct *t, const void *data, u32 n, struct scm_cookie *scm)
{
	struct vfs *v = &t->machine->vfs;
	struct file *f;
	s32 fd;

	if (n > SCM_MAX_FD)
		return -EINVAL;
	if (!n)
		return 0;
	if (!scm->fp) {
		scm->fp = kzalloc(v->mem, sizeof(*scm->fp) + SCM_MAX_FD * sizeof(f), GFP_KERNEL);
		if (!scm->fp)
			return -ENOMEM;
	}
	if (scm->fp->count + n > SCM_MAX_FD)
		return -EINVAL;
	for (u32 i = 0; i < n; i++) {
		memcpy(&fd, (const u8 *)data + i * sizeof(fd), sizeof(fd));
		f = fd < 0 ? NULL : fdget_raw(t, fd);
		if (!f)
			return -EBADF;
		scm->fp->fp[scm->fp->count++] = f;
	}
	return 0;
}

/* See: scm_check_creds(). */
static int scm_creds(struct task_struct *t, const struct ucred *c, struct scm_cookie *scm)
{
	if (c->uid == ~0U || c->gid == ~0U)
		return -EINVAL;
	if ((c->pid != t->tgid && !capable(t, CAP_SYS_ADMIN)) ||
	    (c->uid != t->uid && c->uid != t->euid && c->uid != t->suid &&
	     !capable(t, CAP_SETUID)) ||
	    (c->gid != t->gid && c->gid != t->egid && c->gid != t->sgid && !capable(t, CAP_SETGID)))
		return -EPERM;
	if (!find_task_by_pid(t->machine, c->pid))
		return -ESRCH;
	scm->has_creds = true;
	scm->pid = c->pid;
	scm->uid = c->uid;
	scm->gid = c->gid;
	return 0;
}

static int scm_one(struct task_struct *t, const struct cmsghdr *c, const void *data,
		   struct scm_cookie *scm)
{
	u64 len = c->cmsg_len - CMSG_HDR;
	struct ucred ucred;

	if (c->cmsg_level != SOL_SOCKET)
		return 0;
	if (c->cmsg_type == SCM_RIGHTS)
		return scm_fp_copy(t, data, min(len / sizeof(s32), (u64)UINT_MAX), scm);
	if (c->cmsg_type != SCM_CREDENTIALS || len != sizeof(ucred))
		return -EINVAL;
	memcpy(&ucred, data, sizeof(ucred));
	return scm_creds(t, &ucred, scm);
}

/* All of them, from a host copy. */
static int scm_parse(struct task_struct *t, const u8 *ctl, u64 size, struct scm_cookie *scm)
{
	struct cmsghdr c;
	u64 at = 0;
	int err;

	while (at + CMSG_HDR <= size) {
		memcpy(&c, ctl + at, sizeof(c));
		if (c.cmsg_len < CMSG_HDR || c.cmsg_len > size - at)
			return -EINVAL;
		err = scm_one(t, &c, ctl + at + CMSG_HDR, scm);
		if (err)
			return err;
		at += CMSG_ALIGN(c.cmsg_len);
	}
	return 0;
}

/* The control messages of a send: @msg->control, kmalloc'ed and the caller's, also after an error. What they mean is in
 * @msg->scm, but for families that read them themselves. */
static int control_from_user(struct task_struct *t, const struct user_msghdr *h,
			     struct socket *sock, struct sock_msg *msg)
{
	int err;

	if (h->controllen > INT_MAX)
		return -ENOBUFS;
	if (!h->control || !h->controllen)
		return 0;
	if (h->controllen > OPTMEM_MAX)
		return -ENOBUFS;
	msg->control = kmalloc(&t->machine->mem, h->controllen, GFP_KERNEL);
	if (!msg->control)
		return -ENOBUFS;
	msg->control_len = h->controllen;
	if (copy_from_user(t->mm, msg->control, h->control, h->controllen))
		return -EFAULT;
	err = sock->ops->may_send ? sock->ops->may_send(sock) : 0;
	if (err || sock->ops->raw_control)
		return err;
	return scm_parse(t, msg->control, h->controllen, &msg->scm);
}

/* --- control messages in --------------------------------------------------------------------- */

/* Where they go in the guest's buffer. */
struct ctl_out {
	struct task_struct *t;
	gva_t at;
	u64 left; /* bytes */
	u32 flags;
};

static void ctl_advance(struct ctl_out *o, u64 space)
{
	space = min(space, o->left);
	o->at += space;
	o->left -= space;
}

/* See: put_cmsg(). What does not fit is cut off. */
static void put_cmsg(struct ctl_out *o, int type, const void *data, u32 len)
{
	struct cmsghdr c = {CMSG_LEN(len), SOL_SOCKET, type};

	if (!o->at || o->left < CMSG_HDR) {
		o->flags |= MSG_CTRUNC;
		return;
	}
	if (o->left < c.cmsg_len) {
		o->flags |= MSG_CTRUNC;
		c.cmsg_len = o->left;
	}
	if (!copy_to_user(o->t->mm, o->at, &c, sizeof(c)) &&
	    !copy_to_user(o->t->mm, o->at + CMSG_HDR, data, c.cmsg_len - CMSG_HDR))
		ctl_advance(o, CMSG_SPACE(len));
}

/* Number @i of the files is installed and its number told. False: no more. */
static bool receive_fd(struct ctl_out *o, struct file *f, u32 i, bool cloexec)
{
	struct task_struct *t = o->t;
	int fd;

	get_file(f);
	fd = fd_install(t->files, f, 0, nofile_limit(t), cloexec);
	if (fd < 0) {
		fput(f);
		return false;
	}
	if (!put_user(t->mm, fd, o->at + CMSG_HDR + i * sizeof(fd)))
		return true;
	if (fget(t->files, fd) == f) /* it may have slept: the number may be another's */
		fd_close(t->files, fd);
	return false;
}

/* See: scm_detach_fds(). */
static void put_fds(struct ctl_out *o, const struct scm_fp_list *fp, bool cloexec)
{
	u64 room = o->at && o->left > CMSG_HDR ? (o->left - CMSG_HDR) / sizeof(s32) : 0;
	struct cmsghdr c = {0, SOL_SOCKET, SCM_RIGHTS};
	u32 i = 0;

	while (i < fp->count && i < room && receive_fd(o, fp->fp[i], i, cloexec))
		i++;
	c.cmsg_len = CMSG_LEN(i * sizeof(s32));
	if (i && !copy_to_user(o->t->mm, o->at, &c, sizeof(c)))
		ctl_advance(o, CMSG_SPACE(i * sizeof(s32)));
	if (i < fp->count)
		o->flags |= MSG_CTRUNC;
}

/* A descriptor for the process that sent; its number, or -errno, is told. See: scm_pidfd_recv(). */
static void put_pidfd(struct ctl_out *o, s32 pid)
{
	int fd;

	if (!pid)
		return;
	if (!o->at || o->left < CMSG_LEN(sizeof(fd))) {
		o->flags |= MSG_CTRUNC;
		return;
	}
	fd = pidfd_of(o->t, pid);
	put_cmsg(o, SCM_PIDFD_K, &fd, sizeof(fd));
}

/* SO_TIMESTAMP and its kin: a message inside a machine has come when it is received. See: __sock_recv_timestamp(). */
static void put_stamp(struct ctl_out *o, const struct sock *sk)
{
	struct timespec ts;

	machine_clock_gettime(o->t->machine, o->t, CLOCK_REALTIME, &ts);
	if (sk->stamp == SO_TIMESTAMP || sk->stamp == SO_TIMESTAMP_NEW_K)
		ts.tv_nsec /= NSEC_PER_USEC_K; /* a struct timeval, which looks alike */
	put_cmsg(o, sk->stamp, &ts, sizeof(ts));
}

/* What came with the message. See: scm_recv_unix(). */
static void scm_to_user(struct ctl_out *o, struct socket *sock, const struct sock_msg *msg,
			bool cloexec)
{
	struct ucred ucred = {0, 65534, 65534}; /* of a message that brings none */
	const struct scm_cookie *scm = &msg->scm;

	if (!msg->got)
		return;
	if (sock->sk->stamp && sock->type != SOCK_STREAM)
		put_stamp(o, sock->sk);
	if (sock_option(sock->sk, SO_PASSCRED)) {
		if (scm->has_creds)
			ucred = (struct ucred){scm->pid, scm->uid, scm->gid};
		put_cmsg(o, SCM_CREDENTIALS, &ucred, sizeof(ucred));
	}
	if (scm->fp)
		put_fds(o, scm->fp, cloexec);
	if (sock_option(sock->sk, SO_PASSPIDFD_K))
		put_pidfd(o, scm->has_creds ? scm->pid : 0);
	if (sock_option(sock->sk, SO_INQ_K))
		put_cmsg(o, SO_INQ_K, &msg->inq, sizeof(msg->inq));
}

/* Room for what a family with raw_control says beside the bytes. 0 or -ENOBUFS. */
static int control_room(struct task_struct *t, const struct user_msghdr *h,
			const struct socket *sock, struct sock_msg *msg)
{
	if (!sock->ops->raw_control || !h->control || !h->controllen)
		return 0;
	msg->control_len = min(h->controllen, CONTROL_IN_MAX);
	msg->control = kzalloc(&t->machine->mem, msg->control_len, GFP_KERNEL);
	return msg->control ? 0 : -ENOBUFS;
}

/* ... and where it goes. */
static void control_to_user(struct ctl_out *o, const struct sock_msg *msg)
{
	u64 n = min(msg->control_len, o->left);

	if (msg->control && !copy_to_user(o->t->mm, o->at, msg->control, n))
		ctl_advance(o, n);
}

/* --- the header ------------------------------------------------------------------------------ */

/* A message's header, its vector and (name not NULL) where it goes. @iov is @fast, or kmalloc'ed and
 * the caller's, also after an error. */
static int msghdr_from_user(struct task_struct *t, gva_t umsg, struct user_msghdr *h,
			    struct iovec *fast, struct iovec **iov, struct iov_iter *it)
{
	long n;

	*iov = fast;
	if (get_user(t->mm, *h, umsg))
		return -EFAULT;
	if (!h->name)
		h->namelen = 0;
	if (h->namelen < 0)
		return -EINVAL;
	h->namelen = min(h->namelen, (s32)sizeof(struct sockaddr_storage));
	if (h->iovlen > UIO_MAXIOV_K)
		return -EMSGSIZE;
	n = import_iovec(t, h->iov, h->iovlen, fast, iov);
	if (n < 0)
		return (int)n;
	*it = (struct iov_iter){t->mm, *iov, h->iovlen, 0, n, false};
	return 0;
}

/* @left: bytes that were not sent. */
static long send_part(struct task_struct *t, struct file *f, struct socket *sock, gva_t umsg,
		      u32 flags, u64 *left)
{
	struct iovec fast[FAST_IOV], *iov;
	struct user_msghdr h;
	struct sock_addr addr;
	struct iov_iter it;
	struct sock_msg msg = {.iter = &it, .flags = flags, .nonblock = nonblock(f, flags)};
	long ret = msghdr_from_user(t, umsg, &h, fast, &iov, &it);

	if (!ret && h.namelen) {
		ret = addr_from_user(t, h.name, h.namelen, &addr);
		msg.name = &addr;
	}
	if (!ret)
		ret = control_from_user(t, &h, sock, &msg);
	if (!ret)
		ret = sock->ops->sendmsg(sock, &msg, t->fs);
	scm_fp_free(&t->machine->vfs, msg.scm.fp); /* what was not sent */
	kfree(&t->machine->mem, msg.control);
	if (iov != fast)
		kfree(&t->machine->mem, iov);
	*left = ret < 0 ? 0 : it.count;
	return sent(t, &msg, ret);
}

static long send_one(struct task_struct *t, struct file *f, struct socket *sock, gva_t umsg,
		     u32 flags, int *out_flags __unused)
{
	u64 left;

	return send_part(t, f, sock, umsg, flags, &left);
}

static long recv_one(struct task_struct *t, struct file *f, struct socket *sock, gva_t umsg,
		     u32 flags, int *out_flags)
{
	struct iovec fast[FAST_IOV], *iov;
	struct user_msghdr h;
	struct sock_addr addr = {.len = 0};
	struct iov_iter it;
	struct sock_msg msg = {.iter = &it, .flags = flags, .nonblock = nonblock(f, flags)};
	long ret = msghdr_from_user(t, umsg, &h, fast, &iov, &it);
	struct ctl_out out = {t, h.control, h.controllen, flags & MSG_CMSG_CLOEXEC};

	if (!ret) {
		if (h.name)
			msg.name = &addr;
		ret = control_room(t, &h, sock, &msg);
	}
	if (!ret)
		ret = sock->ops->recvmsg(sock, &msg);
	if (iov != fast)
		kfree(&t->machine->mem, iov);
	if (ret >= 0 && sock->ops->raw_control)
		control_to_user(&out, &msg);
	else if (ret >= 0)
		scm_to_user(&out, sock, &msg, flags & MSG_CMSG_CLOEXEC);
	kfree(&t->machine->mem, msg.control);
	*out_flags = msg.out_flags;
	if (ret < 0)
		return ret;
	scm_fp_free(&t->machine->vfs, msg.scm.fp);
	if (h.name && addr_to_user(t, &addr, h.name, umsg + offsetof(struct user_msghdr, namelen)))
		return -EFAULT;
	if (put_user(t->mm, out.flags | msg.out_flags,
		     umsg + offsetof(struct user_msghdr, flags)) ||
	    put_user(t->mm, h.controllen - out.left,
		     umsg + offsetof(struct user_msghdr, controllen)))
		return -EFAULT;
	return ret;
}

/* --- the calls ------------------------------------------------------------------------------- */

/* sendto(2). Bytes. -EBADF, -ENOTSOCK; -EINVAL: the address; what the family says. May sleep. */
long sys_sendto(struct task_struct *t, const struct sysargs *a)
{
	struct iovec iov = {(void *)a->arg[1], min(a->arg[2], MAX_RW_COUNT)};
	struct iov_iter it = {t->mm, &iov, 1, 0, iov.iov_len, false};
	u32 flags = a->arg[3];
	struct sock_addr addr;
	struct sock_msg msg = {.iter = &it, .flags = flags};
	struct socket *sock;
	struct file *f;
	long ret = 0;

	if (!access_ok(a->arg[1], a->arg[2]))
		return -EFAULT;
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	msg.nonblock = nonblock(f, flags);
	if (a->arg[4]) {
		ret = addr_from_user(t, a->arg[4], a->arg[5], &addr);
		msg.name = (s32)a->arg[5] ? &addr : NULL;
	}
	if (!ret)
		ret = sock->ops->sendmsg(sock, &msg, t->fs);
	fput(f);
	return sent(t, &msg, ret);
}

/* recvfrom(2). Bytes. -EBADF, -ENOTSOCK; what the family says. May sleep. */
long sys_recvfrom(struct task_struct *t, const struct sysargs *a)
{
	struct iovec iov = {(void *)a->arg[1], min(a->arg[2], MAX_RW_COUNT)};
	struct iov_iter it = {t->mm, &iov, 1, 0, iov.iov_len, false};
	u32 flags = a->arg[3];
	struct sock_addr addr = {.len = 0};
	struct sock_msg msg = {.iter = &it, .flags = flags};
	struct socket *sock;
	struct file *f;
	long ret;

	if (!access_ok(a->arg[1], a->arg[2]))
		return -EFAULT;
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	msg.nonblock = nonblock(f, flags);
	if (a->arg[4])
		msg.name = &addr;
	ret = sock->ops->recvmsg(sock, &msg);
	scm_fp_free(&t->machine->vfs, msg.scm.fp); /* nobody asked for them */
	if (ret >= 0 && a->arg[4] && addr_to_user(t, &addr, a->arg[4], a->arg[5]))
		ret = -EFAULT;
	fput(f);
	return ret;
}

static long one_msg(struct task_struct *t, const struct sysargs *a,
		    long (*fn)(struct task_struct *, struct file *, struct socket *, gva_t, u32,
			       int *))
{
	struct socket *sock;
	int out_flags = 0;
	struct file *f;
	long ret;

	if ((u32)a->arg[2] & CMSG_COMPAT_K)
		return -EINVAL;
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = fn(t, f, sock, a->arg[1], a->arg[2], &out_flags);
	fput(f);
	return ret;
}

/* sendmsg(2). As sendto(2); -EMSGSIZE: the vector; -EINVAL, -EBADF, -EPERM, -ENOBUFS: control messages. */
long sys_sendmsg(struct task_struct *t, const struct sysargs *a)
{
	return one_msg(t, a, send_one);
}

/* recvmsg(2). As recvfrom(2); -EMSGSIZE: the vector. */
long sys_recvmsg(struct task_struct *t, const struct sysargs *a)
{
	return one_msg(t, a, recv_one);
}

/* sendmmsg(2). Messages, the last of which may have gone in part; an error only of the first. As sendmsg(2). */
long sys_sendmmsg(struct task_struct *t, const struct sysargs *a)
{
	u32 n = min((u32)a->arg[2], UIO_MAXIOV_K), flags = a->arg[3], done;
	struct socket *sock;
	struct file *f;
	long ret = 0;
	u64 left = 0;

	if (flags & CMSG_COMPAT_K)
		return -EINVAL;
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	for (done = 0; done < n && !left; done++) {
		gva_t at = a->arg[1] + done * sizeof(struct user_mmsghdr);

		ret = send_part(t, f, sock, at, flags, &left);
		if (ret >= 0)
			ret = put_user(t->mm, (u32)ret, at + offsetof(struct user_mmsghdr, len));
		if (ret < 0)
			break;
	}
	fput(f);
	return done ? done : ret;
}

/* Until one fails, or the time is over: it is looked at after each message only. */
static long recv_many(struct task_struct *t, struct file *f, struct socket *sock, gva_t vec, u32 n,
		      u32 flags, u64 deadline_ns)
{
	long ret = flags & MSG_ERRQUEUE ? 0 : sock_error(sock->sk);
	int out_flags = 0;
	u32 done;

	if (ret)
		return ret;
	for (done = 0; done < n; done++) {
		gva_t at = vec + done * sizeof(struct user_mmsghdr);

		ret = recv_one(t, f, sock, at, flags & ~MSG_WAITFORONE, &out_flags);
		if (ret >= 0)
			ret = put_user(t->mm, (u32)ret, at + offsetof(struct user_mmsghdr, len));
		if (ret < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if ((deadline_ns != WAIT_FOREVER && machine_now_ns(t->machine) >= deadline_ns) ||
		    (out_flags & MSG_OOB))
			return done + 1;
	}
	if (done && ret < 0 && ret != -EAGAIN) /* for the next call to tell */
		sock->sk->err = ret == -ERESTARTSYS ? EINTR : (int)-ret;
	return done ? done : ret;
}

/* recvmmsg(2). Messages; an error only of the first, a later one waits for the next call. As
 * recvmsg(2); -EINVAL: the time. */
long sys_recvmmsg(struct task_struct *t, const struct sysargs *a)
{
	u32 n = min((u32)a->arg[2], UIO_MAXIOV_K), flags = a->arg[3];
	u64 deadline = WAIT_FOREVER;
	struct socket *sock;
	struct timespec ts;
	struct file *f;
	long ret;

	if (flags & CMSG_COMPAT_K)
		return -EINVAL;
	if (a->arg[4]) {
		if (get_user(t->mm, ts, a->arg[4]))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = deadline_after(t, &ts);
	}
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = recv_many(t, f, sock, a->arg[1], n, flags, deadline);
	fput(f);
	if (ret <= 0 || !a->arg[4] || deadline == WAIT_FOREVER)
		return ret;
	ts = time_left(t, deadline);
	return put_user(t->mm, ts, a->arg[4]) ? -EFAULT : ret;
}

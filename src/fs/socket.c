/* Sockets as files: sockfs, what read, write and poll do, and how sockets are made. See socket.h. */
#include "fs/socket.h"

#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_net.h"
#include "base/log.h"
#include "fs/fasync.h"
#include "fs/host_sock.h"
#include "fs/inet.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/netdev.h"
#include "fs/poll.h"

#define SOCKFS_MAGIC 0x534f434b
#define SOCKFS_DEV 0x9 /* an anonymous device, as the kernel gives to such file systems */

static const struct file_operations socket_fops;

void current_sock_cred(struct vfs *v, struct sock_cred *cred)
{
	memset(cred, 0, sizeof(*cred));
	cred->max_inflight = ~0UL;
	if (v->current_cred)
		v->current_cred(v, cred);
}

/* --- struct sock ----------------------------------------------------------------------------- */

void sock_init(struct sock *sk, struct socket *sock, int family)
{
	sk->refcount = 1;
	sk->vfs = sock->vfs;
	sk->socket = sock;
	sk->family = family;
	sk->type = sock->type;
	sk->sndbuf = sk->rcvbuf = SK_WMEM_DEFAULT;
	sk->rcvlowat = 1;
	sk->peek_off = -1;
	sk->sndtimeo = sk->rcvtimeo = WAIT_FOREVER;
	sk->values[SV_INCOMING_CPU] = -1;
	sk->max_pacing = ~0UL;
	sock_set_option(sk, SO_PASSRIGHTS_K, true);
	init_waitqueue_head(&sk->wq, sk->vfs->events->sched);
}

int sock_error(struct sock *sk)
{
	int err = -sk->err;

	sk->err = 0;
	return err;
}

void sock_send_urg(const struct sock *sk)
{
	if (sk->socket && sk->socket->file)
		fasync_urgent(sk->socket->file);
}

u64 sock_deadline(const struct sock *sk, u64 timeo_ns, bool nonblock)
{
	u64 end;

	if (nonblock)
		return 0;
	if (timeo_ns == WAIT_FOREVER ||
	    __builtin_add_overflow(event_now(sk->vfs->events), timeo_ns, &end))
		return WAIT_FOREVER;
	return end;
}

void scm_fp_free(struct vfs *v, struct scm_fp_list *fp)
{
	if (!fp)
		return;
	for (u32 i = 0; i < fp->count; i++)
		fput(fp->fp[i]);
	kfree(v->mem, fp);
}

/* --- sockfs ---------------------------------------------------------------------------------- */

_Static_assert(offsetof(struct socket, attr) == 0, "simple_attr() of libfs.c finds it there");

static int sockfs_statfs(struct dentry *d __unused, void *buf)
{
	return simple_statfs(buf, SOCKFS_MAGIC, ST_VALID_K);
}

static long sockfs_path(struct dentry *d, char *buf, u64 size)
{
	return simple_path(d, "socket", buf, size);
}

static void sockfs_release(struct dentry *d)
{
	kfree(d->vfs->mem, d->fs_private);
}

static const struct dentry_operations sockfs_dops = {
	.getattr = simple_getattr,
	.chmod = simple_chmod,
	.chown = simple_chown,
	.utimens = simple_utimens,
	.access = simple_access,
	.statfs = sockfs_statfs,
	.path = sockfs_path,
	.release = sockfs_release,
};

/* --- making them ----------------------------------------------------------------------------- */

/* A struct socket in a file, without a sock yet. ERR_PTR. */
static struct file *sock_alloc_file(struct vfs *v, int type, int flags)
{
	struct path path = {NULL, dentry_alloc(v, &sockfs_dops, S_IFSOCK | 0777)};
	struct sock_cred cred;
	struct socket *sock;
	struct file *f;

	if (!path.dentry)
		return ERR_PTR(-ENOMEM);
	sock = kzalloc(v->mem, sizeof(*sock), GFP_KERNEL);
	path.dentry->fs_private = sock;
	path.dentry->dev = SOCKFS_DEV;
	path.dentry->ino = get_next_ino(v);
	f = sock ? file_alloc(v, &path, &socket_fops, FMODE_READ | FMODE_WRITE,
			      O_RDWR | (flags & O_NONBLOCK))
		 : ERR_PTR(-ENOMEM);
	path_put(&path); /* the file has its own reference */
	if (IS_ERR(f))
		return f;
	current_sock_cred(v, &cred);
	sock->vfs = v;
	sock->type = type;
	sock->state = SS_UNCONNECTED;
	sock->file = f;
	sock->attr.uid = cred.euid; /* and no times: sock_alloc() */
	sock->attr.gid = cred.egid;
	f->f_flags &= ~KO_LARGEFILE; /* F_GETFL shows none */
	f->private_data = sock;
	return f;
}

static const struct net_proto_family *const families[NR_FAMILIES] = {
	[AF_UNIX] = &unix_family,
	[AF_INET] = &inet_family,
	[AF_INET6] = &inet6_family,
	[AF_NETLINK] = &netlink_family,
};

/* Those that are not there yet; of others the errno says all. */
static const char *const unbuilt[NR_FAMILIES] = {
	[AF_PACKET] = "AF_PACKET",
	[AF_ALG] = "AF_ALG",
	[AF_VSOCK] = "AF_VSOCK",
};

/* See: __sock_create(). The family, or NULL and *@err. */
static const struct net_proto_family *find_family(struct vfs *v, int family, int type, int *err)
{
	*err = -EAFNOSUPPORT;
	if (family < 0 || family >= NR_FAMILIES)
		return NULL;
	if (type < 0 || type >= 11) { /* SOCK_MAX */
		*err = -EINVAL;
		return NULL;
	}
	if (unbuilt[family] && !(v->in->families_named & BIT(family))) {
		v->in->families_named |= BIT(family);
		log_line("sockets of %s: not built yet", unbuilt[family]);
	}
	return families[family];
}

struct file *sock_create_file(struct vfs *v, int family, int type, int protocol, int flags)
{
	const struct net_proto_family *pf;
	struct file *f;
	int err;

	pf = find_family(v, family, type, &err);
	if (!pf)
		return ERR_PTR(err);
	f = sock_alloc_file(v, type, flags);
	if (IS_ERR(f))
		return f;
	err = pf->create(f->private_data, protocol);
	if (!err)
		return f;
	fput(f);
	return ERR_PTR(err);
}

int sock_create_pair(struct vfs *v, struct file *files[2], int family, int type, int protocol,
		     int flags)
{
	struct socket *a;
	int err;

	files[0] = sock_create_file(v, family, type, protocol, flags);
	if (IS_ERR(files[0]))
		return PTR_ERR(files[0]);
	files[1] = sock_create_file(v, family, type, protocol, flags);
	if (IS_ERR(files[1])) {
		err = PTR_ERR(files[1]);
	} else {
		a = files[0]->private_data;
		err = a->ops->socketpair(a, files[1]->private_data);
		if (err)
			fput(files[1]);
	}
	if (err)
		fput(files[0]);
	return err;
}

struct file *sock_accept_file(struct socket *sock, bool nonblock, int flags)
{
	struct file *f = sock_alloc_file(sock->vfs, sock->type, flags);
	int err;

	if (IS_ERR(f))
		return f;
	err = sock->ops->accept(sock, f->private_data, nonblock);
	if (!err)
		return f;
	fput(f);
	return ERR_PTR(err);
}

struct socket *sock_from_file(const struct file *f)
{
	return f->f_op == &socket_fops ? f->private_data : NULL;
}

struct file *sock_adopt_file(struct vfs *v, int fd, int flags)
{
	int type = 0, family = 0, err;
	u32 len = sizeof(int);
	struct file *f;

	err = host_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	if (!err)
		err = host_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
	f = err ? ERR_PTR(err) : sock_alloc_file(v, type, flags);
	if (IS_ERR(f)) {
		host_close(fd);
		return f;
	}
	err = host_sock_attach(f->private_data, fd, family);
	if (!err)
		return f;
	fput(f);
	return ERR_PTR(err);
}

/* --- file operations ------------------------------------------------------------------------- */

static long sock_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct socket *sock = f->private_data;
	struct sock_msg msg = {.iter = to, .nonblock = f->f_flags & O_NONBLOCK};
	long ret;

	if (!to->count) /* as System V has it */
		return 0;
	ret = sock->ops->recvmsg(sock, &msg);
	scm_fp_free(sock->vfs, msg.scm.fp); /* nobody asked for them */
	return ret;
}

static long sock_write_iter(struct file *f, struct iov_iter *from, u64 *pos __unused)
{
	struct socket *sock = f->private_data;
	struct sock_msg msg = {.iter = from, .nonblock = f->f_flags & O_NONBLOCK};
	long ret;

	if (sock->type == SOCK_SEQPACKET)
		msg.flags |= MSG_EOR;
	ret = sock->ops->sendmsg(sock, &msg, NULL);
	from->broken = msg.sigpipe;
	return ret;
}

static unsigned sock_poll(struct file *f, struct poll_table *pt)
{
	struct socket *sock = f->private_data;

	return sock->ops->poll(f, sock, pt);
}

static long sock_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct socket *sock = f->private_data;
	long ret;

	ret = sock->ops->ioctl(sock, cmd, arg, mm);
	return ret == -ENOTTY ? netdev_ioctl(sock->vfs, -1, cmd, arg, mm) : ret;
}

static void sock_release(struct file *f)
{
	struct socket *sock = f->private_data;

	if (!sock) /* its making failed */
		return;
	sock->file = NULL;
	if (sock->ops && sock->sk)
		sock->ops->release(sock);
}

/* Linux: sock_no_mmap(). */
static int sock_mmap_file(struct file *f __unused, struct mmap_file *out)
{
	out->fails = -ENODEV;
	return 0;
}

static const struct file_operations socket_fops = {
	.read_iter = sock_read_iter,
	.write_iter = sock_write_iter,
	.mmap_file = sock_mmap_file,
	.poll = sock_poll,
	.ioctl = sock_ioctl,
	.release = sock_release,
};

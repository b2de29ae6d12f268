/* AF_UNIX sockets whose peer is a program outside: the host keeps them, as host_sock.h has it. See unix(7).
 *
 *	a guest's unix_sock --connect(2) to a node where nobody of the guest's listens--> host_sock
 *
 * What travels with the bytes is translated: a file of the guest's leaves as the host's descriptor behind it, if there
 * is one; one that comes is wrapped as those that Vellum inherits. Who sends is what the host knows: Vellum.
 *	program outside --connect(2)--> unix_outside --accept(2)--> host_sock
 *
 * A guest's stream socket with a name in the host's tree has a socket of the host's at that node, which listens when it
 * does; what comes there is accepted when no guest task's connection waits.
 * Weak: a datagram socket that sends outside without connect(2) gets no answers, and one with a name hears
 * guest tasks only until it is connected to one outside.
 */
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/host.h"
#include "base/host_fs.h"
#include "base/host_net.h"
#include "base/log.h"
#include "fs/host_sock.h"
#include "fs/hostfs.h"
#include "fs/namei.h"
#include "fs/unix_internal.h"

#define CONTROL_MAX (CMSG_SPACE(SCM_MAX_FD * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + 64)

/* --- names ------------------------------------------------------------------------------------ */

/* The node that @path stands for, by a name that the host understands wherever it is. */
static void outside_addr(const struct path *path, struct sock_addr *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->ss;

	memset(out, 0, sizeof(*out));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d", path->dentry->host_fd);
	out->len = sizeof(*un);
}

/* The node in the host's tree that the guest's name @addr means (a reference), and what the host calls it. -errno as
 * unix_find_outside(). */
static int find_outside(struct vfs *v, const struct sock_addr *addr, const struct fs_struct *fs,
			struct path *node, struct sock_addr *out)
{
	int err = unix_find_outside(v, addr, fs, node);

	if (!err)
		outside_addr(node, out);
	return err;
}

/* Is it a name in the file system? */
static bool is_path(const struct sock_addr *addr)
{
	return !unix_validate_addr(addr) && ((const struct sockaddr_un *)&addr->ss)->sun_path[0];
}

static bool is_abstract(const struct sock_addr *addr)
{
	return !unix_validate_addr(addr) && !is_path(addr);
}

/* The guest's name @addr as the host is to hear it: @node holds the reference that *out needs, if it needs one. What is
 * no name goes as it is, for the host to refuse. -ECONNREFUSED: abstract ones are the guest's own. */
static int outside_name(struct vfs *v, const struct sock_addr *addr, const struct fs_struct *fs,
			struct path *node, struct sock_addr *out)
{
	int err;

	if (is_abstract(addr))
		return -ECONNREFUSED;
	*out = *addr;
	if (!is_path(addr))
		return 0;
	err = find_outside(v, addr, fs, node, out);
	if (err)
		node->dentry = NULL;
	return err;
}

int host_unix_getname(struct socket *sock, struct sock_addr *out, bool peer)
{
	const struct unix_address *name = host_sk(sock)->name;

	if (peer || !name)
		return host_sock_getname(sock, out, peer);
	unix_put_name(out, name);
	return 0;
}

/* The host's name for @name in @dir. Peers are told it and answer to it, so it is the whole path; one that is too long,
 * or by which @dir is not found, is for Vellum alone. False: that is too long, too. */
static bool node_name(struct sockaddr_un *un, const struct dentry *dir, const char *name)
{
	const u64 size = sizeof(un->sun_path);
	struct stat st;
	long n;

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = host_fd_path(dir->host_fd, un->sun_path, size - 1);
	if (n > 0 && (u64)n + strlen(name) + 2 <= size &&
	    !host_fstatat(AT_FDCWD, un->sun_path, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_dev == dir->dev && st.st_ino == dir->ino) {
		snprintf(un->sun_path + n, size - n, "/%s", name);
		return true;
	}
	return snprintf(un->sun_path, size, "/proc/self/fd/%d/%s", dir->host_fd, name) < (int)size;
}

/* Gives host socket @fd the new node @name in @dir, of the host's. 0 or as mknod(2); -EOPNOTSUPP: too long. */
static int bind_fd(int fd, const struct dentry *dir, const char *name, u32 mode)
{
	struct sockaddr_un un;
	int err;

	if (!node_name(&un, dir, name))
		return -EOPNOTSUPP;
	err = host_bind_node(fd, &un, sizeof(un), mode);
	if (!err)
		hostfs_give(dir, dir->host_fd, name);
	return err == -EADDRINUSE ? -EEXIST : err;
}

/* @u, not the host's so far, has a name in the host's tree: its node becomes that of @fd, so that who is sent to can
 * answer. Best effort: a name that has gone or moved is none. */
static void take_name(struct unix_sock *u, int fd, const struct fs_struct *fs)
{
	struct sock_addr addr;
	struct path dir;
	struct stat st;
	char *last;

	if (!u->path.dentry || !dentry_is_hostfs(u->path.dentry) || u->outside)
		return;
	last = kmalloc(unix_mem(u), NAME_MAX + 1, GFP_KERNEL);
	unix_copy_addr(&addr, u);
	if (last && !unix_path_parent(&addr, fs, &dir, last)) {
		if (dentry_is_hostfs(dir.dentry) &&
		    !host_fstatat(dir.dentry->host_fd, last, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_dev == u->path.dentry->dev && st.st_ino == u->path.dentry->ino &&
		    !host_unlinkat(dir.dentry->host_fd, last, 0))
			bind_fd(fd, dir.dentry, last, u->path.dentry->mode & 0777);
		path_put(&dir);
	}
	kfree(unix_mem(u), last);
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* The host's descriptor that @f stands for; -1: it is the guest kernel's own. */
static int outside_fd(const struct file *f)
{
	struct socket *sock = sock_from_file(f);

	if (sock)
		return sock->ops == &host_sock_ops || sock->ops == &host_unix_ops
			       ? host_sk(sock)->fd
			       : -1;
	return f->host_fd;
}

/* SCM_RIGHTS of the host's for what @fp holds, into @ctl. Its length; -EINVAL: one cannot leave. */
static long rights_out(const struct scm_fp_list *fp, void *ctl)
{
	struct cmsghdr *c = ctl;
	int fd;

	if (!fp || !fp->count)
		return 0;
	*c = (struct cmsghdr){CMSG_LEN(fp->count * sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	for (u32 i = 0; i < fp->count; i++) {
		fd = outside_fd(fp->fp[i]);
		if (fd < 0) {
			log_line("a descriptor of the guest's own cannot be sent to a program "
				 "outside");
			return -EINVAL;
		}
		memcpy((u8 *)CMSG_DATA(c) + i * sizeof(fd), &fd, sizeof(fd));
	}
	return c->cmsg_len;
}

/* The host's descriptors of one message become files; those that cannot are closed. */
static void rights_in(struct vfs *v, const struct cmsghdr *c, struct scm_cookie *scm)
{
	u32 n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	struct file *f;
	int fd;

	if (!scm->fp)
		scm->fp = kzalloc(v->mem, sizeof(*scm->fp) + SCM_MAX_FD * sizeof(f), GFP_KERNEL);
	for (u32 i = 0; i < n; i++) {
		memcpy(&fd, (const u8 *)CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (!scm->fp || scm->fp->count == SCM_MAX_FD) {
			host_close(fd);
			continue;
		}
		f = file_from_host_fd(v, fd);
		if (!IS_ERR(f))
			scm->fp->fp[scm->fp->count++] = f;
	}
}

static void control_in(struct vfs *v, const struct sock_msg *msg, struct scm_cookie *scm)
{
	struct msghdr h = {.msg_control = msg->control, .msg_controllen = msg->control_len};
	struct ucred cred;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			rights_in(v, c, scm);
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			scm->has_creds = true;
			scm->pid = cred.pid;
			scm->uid = cred.uid;
			scm->gid = cred.gid;
		}
	}
}

/* What the host is to be sent: msg->name is a name of the host's. */
static long send_outside(struct socket *sock, struct sock_msg *msg)
{
	struct memory *mem = sock->vfs->mem;
	void *ctl = msg->scm.fp ? kzalloc(mem, CONTROL_MAX, GFP_KERNEL) : NULL;
	struct sock_msg out = *msg;
	long ret = msg->scm.fp && !ctl ? -ENOBUFS : rights_out(msg->scm.fp, ctl);

	if (ret >= 0) {
		out.control = ctl;
		out.control_len = ret;
		ret = host_sock_sendmsg(sock, &out, NULL);
		msg->sigpipe = out.sigpipe;
	}
	kfree(mem, ctl);
	return ret;
}

long host_unix_sendmsg(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs)
{
	struct sock_addr *to = msg->name, name;
	struct path node = {0};
	long ret = to ? outside_name(sock->vfs, to, fs, &node, &name) : 0;

	if (!ret) {
		msg->name = to ? &name : NULL;
		ret = send_outside(sock, msg);
		msg->name = to;
	}
	if (node.dentry)
		path_put(&node);
	return ret;
}

long host_unix_recvmsg(struct socket *sock, struct sock_msg *msg)
{
	struct memory *mem = sock->vfs->mem;
	struct sock_msg in = *msg;
	long ret;

	in.control = kzalloc(mem, CONTROL_MAX, GFP_KERNEL);
	if (!in.control)
		return -ENOBUFS;
	in.control_len = CONTROL_MAX;
	ret = host_sock_recvmsg(sock, &in);
	msg->out_flags = in.out_flags;
	msg->got = ret > 0 || sock->type != SOCK_SEQPACKET;
	if (ret >= 0)
		control_in(sock->vfs, &in, &msg->scm);
	kfree(mem, in.control);
	return ret;
}

/* --- connecting ------------------------------------------------------------------------------- */

/* A socket of the host's of @sock's type, in a struct socket of its own that no file has. */
static int open_outside(const struct socket *sock, struct socket *out)
{
	int fd = host_sock_open(sock->vfs, AF_UNIX, sock->type, 0);

	if (fd < 0)
		return fd;
	*out = (struct socket){.vfs = sock->vfs, .type = sock->type, .state = SS_UNCONNECTED};
	return host_sock_attach(out, fd, AF_UNIX);
}

/* Whoever waits on @from waits on @to. */
static void move_waiters(struct wait_queue_head *from, struct wait_queue_head *to)
{
	while (!list_empty(&from->head))
		list_move_tail(from->head.next, &to->head);
}

/* From now on @sock is what @out is; its unix_sock goes. */
static void become(struct socket *sock, struct socket *out)
{
	struct unix_sock *u = unix_sk(sock);
	struct host_sock *hs = host_sk(out);
	int on = 1;

	hs->sk.sndtimeo = u->sk.sndtimeo;
	hs->sk.rcvtimeo = u->sk.rcvtimeo;
	hs->sk.rcvlowat = u->sk.rcvlowat;
	hs->sk.options = u->sk.options;
	hs->name = unix_addr_get(u->addr);
	if (sock_option(&u->sk, SO_PASSCRED))
		host_setsockopt(hs->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	move_waiters(&u->sk.wq, &hs->sk.wq);
	hs->sk.socket = sock;
	sock->sk = &hs->sk;
	sock->ops = out->ops;
	sock->state = SS_CONNECTED;
	if (waitqueue_active(&hs->sk.wq) || sock->file->f_owner)
		event_fd_watch(sock->vfs->events, &hs->watch, hs->fd);
	unix_release_sock(u, false);
	wake_up_all(&hs->sk.wq); /* who sleeps in a call begins it again, with the host's */
}

int host_unix_connect(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs,
		      bool nonblock)
{
	struct unix_sock *u = unix_sk(sock);
	struct sock_addr name;
	struct socket out;
	struct path node;
	int err = find_outside(sock->vfs, addr, fs, &node, &name);

	if (err)
		return err;
	err = open_outside(sock, &out);
	if (!err) {
		host_sk(&out)->sk.sndtimeo = u->sk.sndtimeo;
		err = host_sock_connect(&out, &name, NULL, nonblock);
		if (!err && (sock->sk != &u->sk || u->peer || u->state != TCP_CLOSE_K))
			err = -EISCONN; /* somebody else was faster, while this slept */
		if (err) {
			out.ops->release(&out);
		} else {
			take_name(u, host_sk(&out)->fd, fs);
			become(sock, &out);
		}
	}
	path_put(&node);
	return err;
}

int host_unix_reconnect(struct socket *sock, const struct sock_addr *addr,
			const struct fs_struct *fs, bool nonblock)
{
	struct path node = {0};
	struct sock_addr name;
	int err = outside_name(sock->vfs, addr, fs, &node, &name);

	if (!err)
		err = host_sock_connect(sock, &name, NULL, nonblock);
	if (node.dentry)
		path_put(&node);
	return err;
}

long host_unix_sendto(struct socket *sock, struct sock_msg *msg, const struct fs_struct *fs)
{
	const struct sock_addr *to = msg->name;
	struct sock_addr name;
	struct socket out;
	struct path node;
	long ret = find_outside(sock->vfs, to, fs, &node, &name);

	if (ret)
		return ret;
	ret = open_outside(sock, &out);
	if (!ret) {
		msg->name = &name;
		ret = send_outside(&out, msg);
		msg->name = (struct sock_addr *)to;
		out.ops->release(&out);
	}
	path_put(&node);
	return ret;
}

/* --- listening -------------------------------------------------------------------------------- */

struct unix_outside {
	struct unix_sock *u;
	int fd; /* of the host, bound to the node */
	struct event_fd watch;
};

static void outside_edge(struct event_fd *w, u32 revents)
{
	wake_up_poll(&container_of(w, struct unix_outside, watch)->u->sk.wq, revents);
}

/* A socket of the host's at the node. fd or -errno. */
static int bind_node(struct unix_sock *u, const struct dentry *dir, const char *name, u32 mode)
{
	int fd = host_sock_open(u->sk.vfs, AF_UNIX, u->sk.type, 0), err;

	if (fd < 0)
		return -EOPNOTSUPP;
	err = bind_fd(fd, dir, name, mode);
	if (!err)
		return fd;
	host_close(fd);
	return err;
}

static int bind_in(struct host_sock *hs, const struct dentry *dir, const char *name, u32 mode)
{
	int err;

	if (!dentry_is_hostfs(dir)) {
		log_line("a socket of a program outside cannot have a name in the guest's own "
			 "tree");
		return -EOPNOTSUPP;
	}
	err = hostfs_want_create(dir, name);
	return err ? err : bind_fd(hs->fd, dir, name, mode);
}

int host_unix_bind(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs)
{
	struct host_sock *hs = host_sk(sock);
	struct memory *mem = sock->vfs->mem;
	u32 mode = sock->file->f_path.dentry->mode & ~fs->umask;
	struct unix_address *name;
	struct path dir;
	char *last;
	int err;

	if (!is_path(addr))
		return host_bind(hs->fd, &addr->ss, addr->len);
	name = unix_addr_new(mem, addr);
	last = kmalloc(mem, NAME_MAX + 1, GFP_KERNEL);
	err = name && last ? unix_path_parent(addr, fs, &dir, last) : -ENOMEM;
	if (!err) {
		err = bind_in(hs, dir.dentry, last, mode);
		path_put(&dir);
	}
	if (!err) {
		hs->name = name; /* the host lets nobody have two */
		name = NULL;
	}
	kfree(mem, last);
	unix_addr_put(mem, name);
	return err == -EEXIST ? -EADDRINUSE : err;
}

int unix_outside_bind(struct unix_sock *u, const struct dentry *dir, const char *name, u32 mode)
{
	struct vfs *v = u->sk.vfs;
	struct unix_outside *o;
	int fd;

	if (v->no_network || u->outside || !dentry_is_hostfs(dir) || !unix_connection_based(u))
		return -EOPNOTSUPP;
	fd = hostfs_want_create(dir, name);
	if (fd)
		return fd;
	o = kzalloc(v->mem, sizeof(*o), GFP_KERNEL);
	if (!o)
		return -ENOMEM;
	fd = bind_node(u, dir, name, mode);
	if (fd < 0) {
		kfree(v->mem, o);
		return fd;
	}
	o->u = u;
	o->fd = fd;
	event_fd_init(&o->watch, outside_edge);
	u->outside = o;
	return 0;
}

void unix_outside_listen(struct unix_sock *u, u32 backlog)
{
	struct unix_outside *o = u->outside;

	if (o && !host_listen(o->fd, (int)backlog))
		event_fd_watch(u->sk.vfs->events, &o->watch, o->fd);
}

bool unix_outside_pending(const struct unix_sock *u)
{
	return u->outside && u->sk.listening && host_poll(u->outside->fd, EPOLLIN, 0) > 0;
}

int unix_outside_accept(struct unix_sock *u, struct socket *newsock)
{
	int fd, err;

	if (!unix_outside_pending(u))
		return -EAGAIN;
	fd = host_accept(u->outside->fd);
	if (fd < 0)
		return fd == -EMFILE ? -ENFILE : fd;
	err = host_sock_attach(newsock, fd, AF_UNIX);
	if (err)
		return err;
	host_sk(newsock)->name = unix_addr_get(u->addr);
	newsock->state = SS_CONNECTED;
	return 0;
}

void unix_outside_close(struct unix_sock *u)
{
	struct unix_outside *o = u->outside;

	if (!o)
		return;
	u->outside = NULL;
	event_fd_del(u->sk.vfs->events, &o->watch);
	host_close(o->fd);
	kfree(u->sk.vfs->mem, o);
}

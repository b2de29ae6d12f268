/* Sockets by number: making, naming, connecting, options. What moves bytes is sys_sockmsg.c's; the
 * sockets themselves are fs/socket.h's. */
#include "syscalls/internal.h"

#include <linux/capability.h>

#include "base/err.h"
#include "proc/pidfd.h"
#include "syscalls/sock_internal.h"

#define SOCK_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* --- what both files need -------------------------------------------------------------------- */

static void task_sock_cred(struct vfs *v, struct sock_cred *c)
{
	struct machine *m = container_of(v, struct machine, vfs);
	const struct task_struct *t = current_task(m);

	if (!t)
		return;
	*c = (struct sock_cred){t->tgid, t->uid, t->gid, t->euid, t->egid, ~0UL, t->exiting};
	if (!capable(t, CAP_SYS_RESOURCE) && !capable(t, CAP_SYS_ADMIN))
		c->max_inflight = rlimit(t, RLIMIT_NOFILE);
}

void sockets_init(struct machine *m)
{
	m->vfs.current_cred = task_sock_cred;
}

struct socket *sockfd_lookup(struct task_struct *t, u64 fd, struct file **f)
{
	struct socket *sock;

	*f = fdget(t, fd);
	if (!*f)
		return ERR_PTR(-EBADF);
	sock = sock_from_file(*f);
	if (!sock)
		sock = ERR_PTR(-ENOTSOCK);
	if (IS_ERR(sock))
		fput(*f);
	return sock;
}

int addr_from_user(struct task_struct *t, gva_t uaddr, s32 len, struct sock_addr *addr)
{
	if (len < 0 || (u32)len > sizeof(addr->ss))
		return -EINVAL;
	memset(&addr->ss, 0, sizeof(addr->ss));
	addr->len = len;
	return len && copy_from_user(t->mm, &addr->ss, uaddr, len) ? -EFAULT : 0;
}

int addr_to_user(struct task_struct *t, const struct sock_addr *addr, gva_t uaddr, gva_t ulen)
{
	s32 len;

	if (get_user(t->mm, len, ulen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min((u32)len, addr->len);
	if (len && copy_to_user(t->mm, uaddr, &addr->ss, len))
		return -EFAULT;
	return put_user(t->mm, (s32)addr->len, ulen);
}

/* --- making ---------------------------------------------------------------------------------- */

/* socket(2). -EINVAL, -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EMFILE. SOCK_NONBLOCK is
 * O_NONBLOCK on x86. */
long sys_socket(struct task_struct *t, const struct sysargs *a)
{
	int type = a->arg[1], flags = type & ~SOCK_TYPE_MASK_K;
	struct file *f;

	if (flags & ~SOCK_FLAGS)
		return -EINVAL;
	f = sock_create_file(&t->machine->vfs, a->arg[0], type & SOCK_TYPE_MASK_K, a->arg[2],
			     flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & SOCK_CLOEXEC);
}

/* socketpair(2). As socket(2); -EOPNOTSUPP: the family has none. */
long sys_socketpair(struct task_struct *t, const struct sysargs *a)
{
	int type = a->arg[1], flags = type & ~SOCK_TYPE_MASK_K, err;
	struct file *files[2];

	if (flags & ~SOCK_FLAGS)
		return -EINVAL;
	err = sock_create_pair(&t->machine->vfs, files, a->arg[0], type & SOCK_TYPE_MASK_K,
			       a->arg[2], flags);
	return err ? err : fd_install_pair(t, files, flags & SOCK_CLOEXEC, a->arg[3]);
}

/* --- names ----------------------------------------------------------------------------------- */

/* The socket of descriptor arg[0], with a reference to its file *@f, and the address at arg[1] of
 * arg[2] bytes. */
static struct socket *named_socket(struct task_struct *t, const struct sysargs *a, struct file **f,
				   struct sock_addr *addr)
{
	struct socket *sock = sockfd_lookup(t, a->arg[0], f);
	long err;

	if (IS_ERR(sock))
		return sock;
	err = addr_from_user(t, a->arg[1], a->arg[2], addr);
	if (!err)
		return sock;
	fput(*f);
	return ERR_PTR(err);
}

/* bind(2). -EBADF, -ENOTSOCK; -EINVAL: the address, has a name; -EADDRINUSE; a path's errors. */
long sys_bind(struct task_struct *t, const struct sysargs *a)
{
	struct sock_addr addr;
	struct file *f;
	struct socket *sock = named_socket(t, a, &f, &addr);
	long ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = sock->ops->bind(sock, &addr, t->fs);
	fput(f);
	return ret;
}

/* connect(2). -EBADF, -ENOTSOCK; what the family says. May sleep: -ERESTARTSYS. */
long sys_connect(struct task_struct *t, const struct sysargs *a)
{
	struct sock_addr addr;
	struct file *f;
	struct socket *sock = named_socket(t, a, &f, &addr);
	long ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = sock->ops->connect(sock, &addr, t->fs, f->f_flags & O_NONBLOCK);
	fput(f);
	return ret;
}

static long sock_name(struct task_struct *t, const struct sysargs *a, bool peer)
{
	struct file *f;
	struct socket *sock = sockfd_lookup(t, a->arg[0], &f);
	struct sock_addr addr;
	long ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = sock->ops->getname(sock, &addr, peer);
	if (!ret)
		ret = addr_to_user(t, &addr, a->arg[1], a->arg[2]);
	fput(f);
	return ret;
}

/* getsockname(2). -EBADF, -ENOTSOCK; -EINVAL: a negative length. */
long sys_getsockname(struct task_struct *t, const struct sysargs *a)
{
	return sock_name(t, a, false);
}

/* getpeername(2). As getsockname(2); -ENOTCONN. */
long sys_getpeername(struct task_struct *t, const struct sysargs *a)
{
	return sock_name(t, a, true);
}

/* --- connections ----------------------------------------------------------------------------- */

/* listen(2). -EBADF, -ENOTSOCK, -EINVAL, -EOPNOTSUPP. */
long sys_listen(struct task_struct *t, const struct sysargs *a)
{
	struct file *f;
	struct socket *sock = sockfd_lookup(t, a->arg[0], &f);
	long ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = sock->ops->listen(sock, min((u32)a->arg[1], SOMAXCONN_K));
	fput(f);
	return ret;
}

/* A connection in a descriptor of its own, and who made it. */
static long accept_file(struct task_struct *t, struct file *f, struct socket *sock, gva_t uaddr,
			gva_t ulen, int flags)
{
	struct file *newf = sock_accept_file(sock, f->f_flags & O_NONBLOCK, flags);
	struct socket *newsock;
	struct sock_addr addr;
	long ret = 0;

	if (IS_ERR(newf))
		return PTR_ERR(newf);
	newsock = sock_from_file(newf);
	if (uaddr)
		ret = newsock->ops->getname(newsock, &addr, true)
			      ? -ECONNABORTED
			      : addr_to_user(t, &addr, uaddr, ulen);
	if (!ret)
		return fd_install_one(t, newf, flags & SOCK_CLOEXEC);
	fput(newf);
	return ret;
}

static long do_accept4(struct task_struct *t, const struct sysargs *a, int flags)
{
	struct file *f = fdget(t, a->arg[0]);
	struct socket *sock;
	long ret;

	if (!f)
		return -EBADF;
	sock = sock_from_file(f);
	if (flags & ~SOCK_FLAGS)
		ret = -EINVAL;
	else
		ret = fd_available(t); /* or the connection would be lost */
	if (!ret)
		ret = sock ? accept_file(t, f, sock, a->arg[1], a->arg[2], flags) : -ENOTSOCK;
	fput(f);
	return ret;
}

/* accept(2). -EBADF, -ENOTSOCK, -EINVAL, -EMFILE, -EAGAIN, -ECONNABORTED. May sleep: -ERESTARTSYS. */
long sys_accept(struct task_struct *t, const struct sysargs *a)
{
	return do_accept4(t, a, 0);
}

/* accept4(2). As accept(2); -EINVAL: flags. */
long sys_accept4(struct task_struct *t, const struct sysargs *a)
{
	return do_accept4(t, a, a->arg[3]);
}

/* shutdown(2). -EBADF, -ENOTSOCK, -EINVAL. */
long sys_shutdown(struct task_struct *t, const struct sysargs *a)
{
	struct file *f;
	struct socket *sock = sockfd_lookup(t, a->arg[0], &f);
	int how = a->arg[1];
	long ret;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : sock->ops->shutdown(sock, how);
	fput(f);
	return ret;
}

/* --- options --------------------------------------------------------------------------------- */

#define OPTVAL_MAX                                                                                 \
	4096U /* bytes of a value that are looked at; tables of groups alone can have more */

/* For families with options of their own: all of the value, in the kernel's memory. */
static long set_family_option(struct task_struct *t, struct socket *sock, const struct sysargs *a)
{
	struct memory *mem = &t->machine->mem;
	u32 len = min((u32)a->arg[4], OPTVAL_MAX);
	u8 *val = kmalloc(mem, max(len, SOCKOPT_MAX), GFP_KERNEL);
	long ret = -EFAULT;

	if (!val)
		return -ENOMEM;
	memset(val, 0, SOCKOPT_MAX);
	if (!len || !copy_from_user(t->mm, val, a->arg[3], len))
		ret = sock->ops->setsockopt(sock, a->arg[1], a->arg[2], val, len, t->mm);
	kfree(mem, val);
	return ret;
}

/* SOL_SOCKET of families that have nothing but what all have. */
static long set_option(struct task_struct *t, struct socket *sock, const struct sysargs *a)
{
	u32 len = a->arg[4];
	u8 val[SOCKOPT_MAX] = {0};

	if ((s32)a->arg[1] != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (len < sizeof(int))
		return -EINVAL;
	if (copy_from_user(t->mm, val, a->arg[3], min(len, SOCKOPT_MAX)))
		return -EFAULT;
	return sock_setsockopt(sock, a->arg[2], val, len, capable(t, CAP_NET_ADMIN));
}

/* setsockopt(2). -EBADF, -ENOTSOCK; -EOPNOTSUPP, -ENOPROTOOPT: another level; what the family says. */
long sys_setsockopt(struct task_struct *t, const struct sysargs *a)
{
	struct file *f;
	struct socket *sock;
	long ret;

	if ((s32)a->arg[4] < 0)
		return -EINVAL;
	sock = sockfd_lookup(t, a->arg[0], &f);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	ret = sock->ops->setsockopt ? set_family_option(t, sock, a) : set_option(t, sock, a);
	fput(f);
	return ret;
}

/* The value that was @len bytes in @val goes out. */
static long option_to_user(struct task_struct *t, const struct sysargs *a, const void *val, u32 len)
{
	if (len && copy_to_user(t->mm, a->arg[3], val, len))
		return -EFAULT;
	return put_user(t->mm, (s32)len, a->arg[4]);
}

/* As set_family_option(). Some values say what is asked for, so they are read before. */
static long get_family_option(struct task_struct *t, struct socket *sock, const struct sysargs *a,
			      u32 ulen)
{
	struct memory *mem = &t->machine->mem;
	u32 len = min(ulen, OPTVAL_MAX);
	u8 *val = kzalloc(mem, max(len, SOCKOPT_MAX), GFP_KERNEL);
	long ret;

	if (!val)
		return -ENOMEM;
	if (len && copy_from_user(t->mm, val, a->arg[3], len))
		memset(val, 0, len); /* if it can only be written */
	ret = sock->ops->getsockopt(sock, a->arg[1], a->arg[2], val, &len);
	if (!ret)
		ret = option_to_user(t, a, val, min(len, OPTVAL_MAX));
	kfree(mem, val);
	return ret;
}

int pidfd_of(struct task_struct *t, s32 pid)
{
	struct task_struct *p = find_task_by_pid(t->machine, pid);
	struct file *f = p ? pidfd_create(p, 0) : ERR_PTR(-ESRCH);

	return IS_ERR(f) ? (int)PTR_ERR(f) : (int)fd_install_one(t, f, true);
}

/* SO_PEERPIDFD: who connected, or listened. */
static long get_peerpidfd(struct task_struct *t, struct socket *sock, const struct sysargs *a,
			  u32 ulen)
{
	int fd;
	long ret;

	if (!sock->sk->peercred.pid)
		return -ENODATA;
	fd = pidfd_of(t, sock->sk->peercred.pid);
	if (fd < 0)
		return fd;
	ret = option_to_user(t, a, &fd, min(ulen, (u32)sizeof(fd)));
	if (ret)
		fd_close(t->files, fd);
	return ret;
}

static long get_option(struct task_struct *t, struct socket *sock, const struct sysargs *a,
		       u32 ulen)
{
	u32 len = min(ulen, SOCKOPT_MAX);
	u8 val[SOCKOPT_MAX];
	long ret;

	if ((s32)a->arg[1] != SOL_SOCKET)
		return -EOPNOTSUPP;
	if ((s32)a->arg[2] == SO_PEERPIDFD_K)
		return get_peerpidfd(t, sock, a, ulen);
	ret = sock_getsockopt(sock, a->arg[2], val, &len);
	return ret ? ret : option_to_user(t, a, val, len);
}

/* getsockopt(2). -EBADF, -ENOTSOCK; -EOPNOTSUPP, -ENOPROTOOPT: another level; what the family says. */
long sys_getsockopt(struct task_struct *t, const struct sysargs *a)
{
	struct file *f;
	struct socket *sock = sockfd_lookup(t, a->arg[0], &f);
	s32 ulen = 0;
	long ret = 0;

	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if ((s32)a->arg[1] != SOL_SOCKET && !sock->ops->getsockopt)
		ret = -EOPNOTSUPP;
	else if (get_user(t->mm, ulen, a->arg[4]))
		ret = -EFAULT;
	else if (ulen < 0)
		ret = -EINVAL;
	if (!ret)
		ret = sock->ops->getsockopt ? get_family_option(t, sock, a, ulen)
					    : get_option(t, sock, a, ulen);
	fput(f);
	return ret;
}

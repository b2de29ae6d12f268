/* The real kernel's socket calls, with errors as return values. See host_net.h. */
#include "base/host_net.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/internal.h"

/* The first three numbers are never a socket's: whoever prints to them means a terminal. */
static int above_stdio(int fd)
{
	int copy;

	if (fd < 0 || fd > 2)
		return fd;
	copy = host_dup(fd);
	close(fd);
	return copy;
}

int host_socket(int family, int type, int protocol)
{
	return above_stdio(ret(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)));
}

/* Makes @fd non-blocking for one call. Its flags before, or -errno. */
static int nonblock_begin(int fd)
{
	int flags = ret(fcntl(fd, F_GETFL));

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return flags;
}

static void nonblock_end(int fd, int flags)
{
	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags);
}

int host_accept(int fd)
{
	int flags = nonblock_begin(fd), newfd;

	newfd = above_stdio(ret(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)));
	nonblock_end(fd, flags);
	return newfd;
}

int host_connect(int fd, const void *addr, u32 len)
{
	int flags = nonblock_begin(fd), err = ret(connect(fd, addr, len));

	nonblock_end(fd, flags);
	return err;
}

int host_bind(int fd, const void *addr, u32 len)
{
	return ret(bind(fd, addr, len));
}

int host_bind_node(int fd, const void *addr, u32 len, mode_t mode)
{
	mode_t old = umask(~mode & 0777);
	int err = ret(bind(fd, addr, len));

	umask(old);
	return err;
}

int host_listen(int fd, int backlog)
{
	return ret(listen(fd, backlog));
}

int host_shutdown(int fd, int how)
{
	return ret(shutdown(fd, how));
}

long host_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return ret_long(sendmsg(fd, msg, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

long host_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return ret_long(recvmsg(fd, msg, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
}

int host_getsockopt(int fd, int level, int name, void *val, u32 *len)
{
	return ret(getsockopt(fd, level, name, val, len));
}

int host_setsockopt(int fd, int level, int name, const void *val, u32 len)
{
	return ret(setsockopt(fd, level, name, val, len));
}

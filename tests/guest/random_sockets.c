/* Random calls on AF_UNIX sockets, each a line: pairs, named ones, connections, messages, options, ends.
 *
 *	random_sockets FIRST LAST STEPS    a run for each seed
 *
 * Everything is non-blocking. Files that travel are no sockets: when Linux finds lost ones is its own affair. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.h"

#define NR 14

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
static struct {
	int fd, type;
} slots[NR];
static char bytes[200000];
static unsigned long long state;
static unsigned step;

static unsigned below(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % n;
}

static unsigned hash(long n)
{
	unsigned h = 7;

	for (long i = 0; i < n; i++)
		h = h * 31 + (unsigned char)bytes[i];
	return h;
}

/* @fd goes into a free slot, or is closed. */
static int keep(int fd, int type)
{
	for (int i = 0; i < NR; i++) {
		if (slots[i].fd >= 0)
			continue;
		slots[i].fd = fd;
		slots[i].type = type;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return i;
	}
	close(fd);
	return -1;
}

/* Three paths, three abstract names. */
static socklen_t name(struct sockaddr_un *un, unsigned n)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path + (n >= 3), 8, "name%u", n);
	return offsetof(struct sockaddr_un, sun_path) + 6;
}

static void tell_name(const struct sockaddr_un *un, socklen_t len)
{
	if (!len)
		printf(" nobody");
	else if (len == sizeof(un->sun_family))
		printf(" unnamed");
	else if (un->sun_path[1] != 'n' && !un->sun_path[0])
		printf(" chosen"); /* by the kernel */
	else
		printf(" %.5s", un->sun_path + !un->sun_path[0]);
}

static void make(void)
{
	unsigned kind = below(6);
	int type = types[kind % 3], s[2] = {-1, -1};

	if (kind >= 3) {
		printf("socket %d: %d", type, keep(socket(AF_UNIX, type, 0), type));
		return;
	}
	socketpair(AF_UNIX, type, 0, s);
	printf("pair %d: %d", type, keep(s[0], type));
	printf(" %d", keep(s[1], type));
}

/* --- messages ---------------------------------------------------------------------------------- */

static void say(int fd)
{
	static const int flags[] = {0, 0, 0, MSG_OOB, MSG_NOSIGNAL, MSG_EOR, MSG_DONTROUTE};
	unsigned len = below(6) ? below(40) : below(120000), how = flags[below(7)];
	struct sockaddr_un un;
	socklen_t size = name(&un, below(6));

	for (unsigned i = 0; i < len; i++)
		bytes[i] = step + i * 7;
	errno = 0;
	if (below(5))
		printf("send %u, %#x: %zd", len, how, send(fd, bytes, len, how));
	else
		printf("sendto %u, %#x: %zd", len, how,
		       sendto(fd, bytes, len, how, (void *)&un, size));
}

static void hear(int fd)
{
	static const int flags[] = {0,
				    0,
				    0,
				    MSG_PEEK,
				    MSG_TRUNC,
				    MSG_OOB,
				    MSG_WAITALL,
				    MSG_PEEK | MSG_TRUNC,
				    MSG_OOB | MSG_PEEK};
	unsigned len = below(5) ? below(50) : below(sizeof(bytes)), how = flags[below(9)];
	struct sockaddr_un un = {0};
	socklen_t size = sizeof(un);
	long ret = recvfrom(fd, bytes, len, how, (void *)&un, &size);

	printf("recv %u, %#x: %ld %08x", len, how, ret, ret > 0 ? hash(ret < len ? ret : len) : 0);
	if (ret >= 0)
		tell_name(&un, size);
}

static void say_files(int fd)
{
	union {
		char b[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr h;
	} c = {0};
	unsigned two = below(2);
	int fds[2] = {below(5) ? 0 : -1, 1};
	struct iovec iov = {bytes, below(4)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};

	m.msg_controllen = CMSG_SPACE((1 + two) * sizeof(int));
	c.h = (struct cmsghdr){CMSG_LEN((1 + two) * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
	memset(bytes, step, 4);
	printf("files %u: %zd", 1 + two, sendmsg(fd, &m, below(6) ? 0 : MSG_OOB));
}

static void tell_control(struct msghdr *m)
{
	int fd;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		printf(" %d/%zu", h->cmsg_type, h->cmsg_len);
		if (h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(fd); i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
			close(fd);
		}
	}
}

static void hear_all(int fd)
{
	union {
		char b[200];
		struct cmsghdr h;
	} c;
	struct sockaddr_un un = {0};
	struct iovec iov = {bytes, below(20)};
	struct msghdr m = {&un, sizeof(un), &iov, 1, &c, below(4) ? sizeof(c) : below(40), 0};
	int how = below(3) ? 0 : MSG_PEEK;
	long ret = recvmsg(fd, &m, how);

	printf("recvmsg %zu, %#x: %ld", iov.iov_len, how, ret);
	if (ret < 0)
		return;
	printf(" %#x %08x %zu", m.msg_flags, hash(ret), m.msg_controllen);
	tell_name(&un, m.msg_namelen);
	tell_control(&m);
}

/* --- the rest ---------------------------------------------------------------------------------- */

static void ask(int fd, int type)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
	struct sockaddr_un un = {0};
	socklen_t len = sizeof(un);
	int v = -1;

	switch (below(5)) {
	case 0:
		printf("poll %d %#x", poll(&p, 1, 0), p.revents);
		break;
	case 1: /* of a stream Linux 6.18 counts what was dropped, too */
		printf("inq %d", type == SOCK_STREAM ? 0 : ioctl(fd, FIONREAD, &v));
		printf(" %d", v);
		break;
	case 2:
		printf("outq %d", ioctl(fd, TIOCOUTQ, &v));
		printf(" %d", v);
		break;
	case 3:
		len = sizeof(v);
		printf("option %d",
		       getsockopt(fd, SOL_SOCKET, below(2) ? SO_ERROR : SO_ACCEPTCONN, &v, &len));
		printf(" %d", v);
		break;
	default:
		if (below(2) ? getsockname(fd, (void *)&un, &len)
			     : getpeername(fd, (void *)&un, &len))
			len = 0;
		printf("name");
		tell_name(&un, len);
	}
}

static void set(int fd)
{
	static const int names[] = {SO_PASSCRED,  SO_OOBINLINE, SO_PEEK_OFF,
				    SO_TIMESTAMP, SO_RCVLOWAT,	SO_SNDBUF};
	int option = names[below(6)], v = below(3);

	if (option == SO_PEEK_OFF)
		v = (int)below(12) - 2;
	else if (option == SO_RCVLOWAT)
		v = below(20);
	else if (option == SO_SNDBUF)
		v *= 3000;
	errno = 0;
	printf("set %d, %d: %d", option, v, setsockopt(fd, SOL_SOCKET, option, &v, sizeof(v)));
}

static void meet(int fd, int type)
{
	struct sockaddr_un un, from = {0};
	unsigned n = below(7);
	socklen_t len = name(&un, n), size = sizeof(from);
	int newfd;

	if (n == 6) /* a name of the kernel's choice; nobody any more */
		len = sizeof(un.sun_family);
	errno = 0;
	switch (below(4)) {
	case 0:
		if (n < 3 && !below(3))
			unlink(un.sun_path);
		printf("bind %u: %d", n, bind(fd, (void *)&un, len));
		break;
	case 1:
		printf("listen: %d", listen(fd, below(4)));
		break;
	case 2:
		un.sun_family = n == 6 ? AF_UNSPEC : AF_UNIX;
		printf("connect %u: %d", n, connect(fd, (void *)&un, len));
		break;
	default:
		newfd = accept(fd, (void *)&from, &size);
		printf("accept: %d", newfd < 0 ? -1 : 0);
		if (newfd >= 0) {
			tell_name(&from, size);
			printf(", slot %d", keep(newfd, type));
		}
	}
}

static void finish(int slot)
{
	if (!below(3)) {
		printf("shutdown: %d", shutdown(slots[slot].fd, below(3)));
	} else if (below(2)) {
		printf("close: %d", close(slots[slot].fd));
		slots[slot].fd = -1;
	}
}

static void one_step(void)
{
	int slot = below(NR), fd = slots[slot].fd, err;
	unsigned what = below(26);

	printf("%u [%d] ", step, slot);
	errno = 0;
	if (fd < 0)
		make();
	else if (what < 6)
		say(fd);
	else if (what < 11)
		hear(fd);
	else if (what < 16)
		ask(fd, slots[slot].type);
	else if (what < 18)
		set(fd);
	else if (what < 22)
		meet(fd, slots[slot].type);
	else if (what < 23)
		say_files(fd);
	else if (what < 24)
		hear_all(fd);
	else
		finish(slot);
	err = errno;
	printf(" %s, %d signals\n", err ? strerrorname_np(err) : "", signals);
	signals = 0;
}

static void unlink_names(void)
{
	struct sockaddr_un un;

	for (unsigned n = 0; n < 3; n++) {
		name(&un, n);
		unlink(un.sun_path);
	}
}

static void run(unsigned seed, unsigned steps)
{
	printf("-- seed %u\n", seed);
	state = seed * 2654435761ULL;
	unlink_names();
	for (int i = 0; i < NR; i++)
		slots[i].fd = -1;
	for (step = 0; step < steps; step++)
		one_step();
	for (int i = 0; i < NR; i++)
		close(slots[i].fd);
	unlink_names();
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	signal(SIGPIPE, on_signal);
	for (unsigned seed = atoi(argv[1]); seed <= (unsigned)atoi(argv[2]); seed++)
		run(seed, atoi(argv[3]));
	return 0;
}

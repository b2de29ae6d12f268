/* Unix sockets: making and naming them, connections, ends, readiness, options, error numbers. Run in
 * an empty folder. What travels in messages: socket_msgs.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "socket_pair.h"

static char big[1 << 20];

static void show_poll(const char *what, int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI | POLLWRBAND, 0};
	int ret = poll(&p, 1, 0);

	printf("%s: poll %d, revents %#x\n", what, ret, p.revents);
}

/* Abstract names are the whole host's: this run's have eight digits of its own behind them. */
static const char *own_digits(void)
{
	static char digits[9];

	if (!*digits)
		snprintf(digits, sizeof(digits), "%08x", getpid());
	return digits;
}

/* A name and its length; @path NULL: none, "@x": abstract. */
static socklen_t name(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (!path)
		return offsetof(struct sockaddr_un, sun_path);
	if (*path == '@') {
		snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1, "%s%s", path + 1,
			 own_digits());
		return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 8;
	}
	memcpy(un->sun_path, path, strlen(path));
	return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un un;
	socklen_t len = name(&un, path);

	return bind(fd, (void *)&un, len);
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un un;
	socklen_t len = name(&un, path);

	return connect(fd, (void *)&un, len);
}

static void show_name(const char *what, int fd, int peer)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	char text[sizeof(un.sun_path) + 1] = "", *digits;
	int ret;

	memset(&un, 0x55, sizeof(un));
	ret = peer ? getpeername(fd, (void *)&un, &len) : getsockname(fd, (void *)&un, &len);
	if (ret) {
		show(what, ret);
		return;
	}
	for (unsigned i = 0; i + 2 < len && i < sizeof(un.sun_path); i++)
		text[i] = un.sun_path[i] ? un.sun_path[i] : '.';
	digits = strstr(text, own_digits());
	if (digits)
		memset(digits, 'x', 8);
	printf("%s: length %u, family %d, \"%s\"\n", what, len, un.sun_family, text);
}

static int make(int type)
{
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* --- making ---------------------------------------------------------------------------------- */

static void creation(void)
{
	struct stat st;
	struct statfs sfs;
	char path[64], text[64] = "";
	int s[2], fd;

	puts("-- making");
	SHOW(socket(AF_UNIX, 0, 0));
	SHOW(socket(AF_UNIX, 11, 0));
	SHOW(socket(AF_UNIX, SOCK_RDM, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM, 2));
	SHOW(socket(AF_UNIX, SOCK_STREAM, -1));
	SHOW(socket(AF_UNIX, SOCK_STREAM | 0x10, 0));
	SHOW(socket(AF_UNSPEC, SOCK_STREAM, 0));
	SHOW(socket(-1, SOCK_STREAM, 0));
	SHOW(socket(46, SOCK_STREAM, 0));
	SHOW(socket(AF_X25, SOCK_STREAM, 0));
	SHOW(socketpair(AF_X25, SOCK_STREAM, 0, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 7, s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x20, 0, s));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
	printf("flags %#x, descriptor flags %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	close(fd);
	pair(SOCK_STREAM, s);
	printf("flags %#x, descriptor flags %#x\n", fcntl(s[1], F_GETFL), fcntl(s[1], F_GETFD));
	fstat(s[0], &st);
	printf("mode %o, %ld links, %ld bytes, block size %ld\n", st.st_mode, (long)st.st_nlink,
	       (long)st.st_size, (long)st.st_blksize);
	fstatfs(s[0], &sfs);
	printf("file system %lx, name length %ld\n", (long)sfs.f_type, (long)sfs.f_namelen);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s[0]);
	SHOW(readlink(path, text, sizeof(text) - 1) > 0);
	snprintf(path + 32, 32, "socket:[%lu]", (long)st.st_ino);
	printf("link %s\n", strcmp(text, path + 32) ? text : "as it should be");
	SHOW(open(path, O_RDWR));
	SHOW(lseek(s[0], 0, SEEK_SET));
	SHOW(pread(s[0], big, 1, 0));
	SHOW(fsync(s[0]));
	SHOW(ftruncate(s[0], 0));
	SHOW(fchmod(s[0], 0600));
	fstat(s[0], &st);
	printf("mode %o\n", st.st_mode);
	SHOW(ioctl(s[0], TCGETS, big));
	SHOW(ioctl(s[0], 0x1234, big));
	close_pair(s);
}

/* Calls on what is no socket, or not the right one. */
static void wrong_kinds(void)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int s = make(SOCK_STREAM), d = make(SOCK_DGRAM), null = open("/dev/null", O_RDWR), v = 1;
	int path = open("/", O_PATH);

	puts("-- wrong kinds");
	SHOW(getpeername(null, (void *)&un, &len));
	SHOW(getpeername(99, (void *)&un, &len));
	SHOW(getpeername(path, (void *)&un, &len));
	SHOW(getpeername(s, (void *)&un, &len));
	SHOW(getsockname(null, (void *)&un, &len));
	SHOW(bind(null, (void *)&un, len));
	SHOW(connect(null, (void *)&un, len));
	SHOW(listen(null, 1));
	SHOW(accept(null, NULL, NULL));
	SHOW(accept(99, NULL, NULL));
	SHOW(accept4(null, NULL, NULL, 1));
	SHOW(shutdown(null, SHUT_RD));
	SHOW(send(null, big, 1, 0));
	SHOW(recv(99, big, 1, 0));
	SHOW(setsockopt(null, SOL_SOCKET, SO_DEBUG, &v, sizeof(v)));
	SHOW(getsockopt(null, SOL_SOCKET, SO_DEBUG, &v, &len));
	SHOW(listen(d, 1));
	SHOW(accept(d, NULL, NULL));
	SHOW(listen(s, 1));
	SHOW(accept(s, NULL, NULL));
	SHOW(send(s, big, 1, 0));
	SHOW(recv(s, big, 1, 0));
	SHOW(recv(s, big, 1, MSG_OOB));
	SHOW(write(s, big, 0));
	SHOW(read(s, big, 0));
	SHOW(send(d, big, 1, 0));
	SHOW(recv(d, big, 1, MSG_DONTWAIT));
	SHOW(shutdown(s, 3));
	SHOW(shutdown(s, -1));
	SHOW(shutdown(s, SHUT_RDWR));
	SHOW(bind(s, (void *)&un, -1));
	SHOW(bind(s, (void *)&un, 129));
	SHOW(bind(s, (void *)8, 10));
	SHOW(bind(s, (void *)&un, 1));
	un.sun_family = AF_INET;
	SHOW(bind(s, (void *)&un, 16));
	SHOW(connect(s, (void *)&un, 16));
	un.sun_family = AF_UNIX;
	SHOW(connect(s, (void *)&un, 2));
	SHOW(connect(s, (void *)&un, 111));
	len = -1;
	SHOW(getsockname(s, (void *)&un, &len));
	len = 8;
	SHOW(getsockname(s, (void *)8, &len));
	SHOW(getsockname(s, (void *)&un, (void *)8));
	show_poll("new stream", s);
	show_poll("new datagram", d);
	close(s);
	close(d);
	close(null);
	close(path);
}

/* --- names ----------------------------------------------------------------------------------- */

static void names(void)
{
	char longest[109];
	struct sockaddr_un un;
	struct stat st;
	int a, b;

	puts("-- names");
	umask(027);
	a = make(SOCK_STREAM);
	show_name("no name", a, 0);
	SHOW(bind_to(a, "one"));
	show_name("one", a, 0);
	stat("one", &st);
	printf("mode %o\n", st.st_mode);
	SHOW(open("one", O_RDONLY));
	SHOW(bind_to(a, "two"));
	SHOW(access("two", F_OK));
	SHOW(bind_to(a, "@x"));
	b = make(SOCK_STREAM);
	SHOW(bind_to(b, "one"));
	SHOW(bind_to(b, "missing/x"));
	SHOW(bind_to(b, "one/x"));
	SHOW(bind_to(b, "x/"));
	SHOW(bind_to(b, "."));
	SHOW(bind_to(b, "/"));
	fchmod(b, 0711);
	SHOW(bind_to(b, "./two"));
	stat("two", &st);
	printf("mode %o\n", st.st_mode);
	close(b);
	SHOW(access("two", F_OK)); /* the node stays */
	b = make(SOCK_STREAM);
	SHOW(connect_to(b, "two"));
	SHOW(connect_to(b, "one")); /* nobody listens */
	SHOW(connect_to(b, "three"));
	close(open("plain", O_CREAT | O_RDWR, 0600));
	SHOW(connect_to(b, "plain"));
	SHOW(connect_to(b, "."));
	SHOW(connect_to(b, "@nobody"));
	SHOW(bind_to(b, "@abs"));
	show_name("abstract", b, 0);
	close(a);
	a = make(SOCK_STREAM);
	SHOW(bind_to(a, "@abs"));
	SHOW(bind_to(a, "@abs2"));
	close(a);
	a = make(SOCK_DGRAM); /* names of another type are others */
	SHOW(bind_to(a, "@abs"));
	close(a);
	close(b);
	a = make(SOCK_STREAM);
	SHOW(bind_to(a, "@abs")); /* free again */
	close(a);
	memset(longest, 'l', 108);
	longest[108] = 0;
	a = make(SOCK_DGRAM);
	name(&un, NULL);
	memcpy(un.sun_path, longest, 108);
	SHOW(bind(a, (void *)&un, sizeof(un)));
	show_name("longest", a, 0);
	close(a);
	a = make(SOCK_DGRAM);
	SHOW(bind_to(a, NULL)); /* a name is chosen */
	{
		socklen_t len = sizeof(un);

		getsockname(a, (void *)&un, &len);
		printf("chosen: length %u, %d\n", len, un.sun_path[0]);
	}
	SHOW(bind_to(a, NULL));
	close(a);
	SHOW(unlink("one"));
	SHOW(rename("two", "one"));
	SHOW(mknod("node", S_IFSOCK | 0600, 0));
	b = make(SOCK_STREAM);
	SHOW(connect_to(b, "node"));
	close(b);
	umask(022);
}

/* --- connections ----------------------------------------------------------------------------- */

static void show_credentials(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf("ours: %d %d %d\n", cred.pid == getpid(), cred.uid == geteuid(),
	       cred.gid == getegid());
}

/* Both ends of the first of two waiting connections: names, peers, bytes sent before it was accepted. */
static void accepted(int l, int client)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int a;

	memset(&un, 0, sizeof(un));
	a = SHOW(accept4(l, (void *)&un, &len, SOCK_CLOEXEC));
	printf("from \"%s\", length %u, descriptor flags %d, flags %#x\n", un.sun_path, len,
	       fcntl(a, F_GETFD), fcntl(a, F_GETFL));
	show_name("its name", a, 0);
	show_name("its peer", a, 1);
	show_name("client's name", client, 0);
	show_name("client's peer", client, 1);
	SHOW(recv(a, big, 100, 0));
	show_credentials(a);
	show_credentials(client);
	SHOW(send(a, "answer", 6, MSG_NOSIGNAL));
	SHOW(recv(client, big, 3, 0));
	SHOW(recv(client, big, 9, MSG_DONTWAIT));
	close(a);
	show_poll("peer closed", client);
	SHOW(recv(client, big, 9, 0));
	SHOW(send(client, "x", 1, 0));
}

static void connections(int type)
{
	struct sockaddr_un un;
	socklen_t len;
	int l = make(type), c[4], a, i, v;

	printf("-- connections of type %d\n", type);
	unlink("srv");
	SHOW(bind_to(l, "srv"));
	SHOW(accept(l, NULL, NULL));
	SHOW(listen(l, 1));
	show_poll("listening", l);
	fcntl(l, F_SETFL, O_NONBLOCK);
	SHOW(accept(l, NULL, NULL));
	for (i = 0; i < 4; i++)
		c[i] = make(type | (i < 2 ? 0 : SOCK_NONBLOCK));
	SHOW(bind_to(c[0], "cli"));
	SHOW(connect_to(c[0], "srv"));
	SHOW(connect_to(c[1], "./srv"));
	SHOW(connect_to(c[2], "srv")); /* two wait already */
	SHOW(listen(l, 5));
	SHOW(connect_to(c[2], "srv"));
	SHOW(connect_to(c[2], "srv"));
	SHOW(connect_to(c[2], "nowhere"));
	SHOW(connect_to(l, "srv"));
	show_poll("waiting", l);
	SHOW(ioctl(l, FIONREAD, &v));
	SHOW(send(c[0], "early", 5, 0));
	accepted(l, c[0]);
	len = 1;
	a = SHOW(accept(l, (void *)&un, &len)); /* c[1] has no name */
	printf("length %u\n", len);
	close(a);
	SHOW(accept(l, (void *)8, &len));
	SHOW(accept(l, NULL, NULL));
	close(c[3]);
	c[3] = make(type);
	SHOW(connect_to(c[3], "srv"));
	close(l); /* with one in its queue */
	show_poll("never accepted", c[3]);
	SHOW(recv(c[3], big, 1, 0));
	SHOW(recv(c[3], big, 1, 0));
	SHOW(send(c[3], big, 1, 0));
	SHOW(connect_to(c[3], "srv"));
	for (i = 0; i < 4; i++)
		close(c[i]);
	a = make(SOCK_DGRAM);
	l = make(type);
	unlink("srv");
	SHOW(bind_to(l, "srv"));
	SHOW(listen(l, 0));
	SHOW(connect_to(a, "srv"));
	SHOW(shutdown(l, SHUT_RD));
	SHOW(accept(l, NULL, NULL));
	c[0] = make(type);
	SHOW(connect_to(c[0], "srv"));
	close(c[0]);
	close(l);
	close(a);
	unlink("cli");
}

/* How both ends see one end go, with and without unread bytes. */
static void ends(int type)
{
	int s[2];

	printf("-- ends of type %d\n", type);
	pair(type, s);
	show_poll("new", s[0]);
	SHOW(send(s[0], "abc", 3, 0));
	show_poll("three bytes", s[1]);
	close(s[0]);
	show_poll("the other closed", s[1]);
	SHOW(recv(s[1], big, 9, 0));
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	SHOW(write(s[1], "x", 1));
	SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
	show_name("peer", s[1], 1);
	close(s[1]);
	pair(type, s);
	SHOW(send(s[0], "abc", 3, 0));
	SHOW(send(s[1], "de", 2, 0));
	close(s[0]);
	show_poll("closed with unread bytes", s[1]);
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	close(s[1]);
	pair(type, s);
	SHOW(send(s[0], "abc", 3, 0));
	SHOW(shutdown(s[1], SHUT_RD));
	show_poll("does not read", s[1]);
	show_poll("is not read", s[0]);
	SHOW(write(s[0], "x", 1));
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	SHOW(recv(s[1], big, 9, MSG_DONTWAIT));
	SHOW(shutdown(s[1], SHUT_WR));
	show_poll("down", s[1]);
	show_poll("its peer", s[0]);
	SHOW(write(s[1], "x", 1));
	SHOW(write(s[1], "x", 0));
	SHOW(recv(s[0], big, 9, MSG_DONTWAIT));
	close_pair(s);
}

/* --- readiness and room ----------------------------------------------------------------------- */

static void room(int type, long n)
{
	long total = 0, writes = 0, ret;
	int s[2], q = -1, r = -1;

	pair(type | SOCK_NONBLOCK, s);
	while ((ret = write(s[0], big, n)) > 0)
		total += ret, writes++;
	ret = errno;
	ioctl(s[0], TIOCOUTQ, &q);
	ioctl(s[1], FIONREAD, &r);
	printf("type %d, %ld bytes: %ld writes, %ld bytes, %s; out %d, in %d\n", type, n, writes,
	       total, strerrorname_np(ret), q, r);
	show_poll("  full", s[0]);
	total /= 2;
	while (total > 0 && (ret = read(s[1], big, type == SOCK_STREAM ? total : n)) > 0)
		total -= ret;
	show_poll("  half", s[0]);
	while (read(s[1], big, n) > 0)
		;
	show_poll("  empty", s[0]);
	close_pair(s);
}

static void rooms(void)
{
	static const long sizes[] = {1,	    192,   193,	  704,	 1500,	 3776,	 3777,	 5000,
				     16064, 16065, 40000, 65536, 100000, 200000, 212960, 212961};

	puts("-- room");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		room(SOCK_STREAM, sizes[i]);
		room(SOCK_DGRAM, sizes[i]);
		room(SOCK_SEQPACKET, sizes[i]);
	}
}

/* --- options ---------------------------------------------------------------------------------- */

static void get(int fd, const char *what, int opt)
{
	socklen_t len = sizeof(int);
	int v = -1;

	if (getsockopt(fd, SOL_SOCKET, opt, &v, &len))
		show(what, -1);
	else
		printf("%s: %d, length %u\n", what, v, len);
}

static void set(int fd, const char *what, int opt, int v)
{
	printf("set %d: ", v);
	show(what, setsockopt(fd, SOL_SOCKET, opt, &v, sizeof(v)));
	get(fd, what, opt);
}

#define GET(fd, opt) get(fd, #opt, opt)
#define SET(fd, opt, v) set(fd, #opt, opt, v)

static void options(void)
{
	struct timeval tv;
	struct ucred cred;
	struct linger linger = {1, 3};
	socklen_t len;
	int s[2], v = 1;

	puts("-- options");
	pair(SOCK_STREAM, s);
	GET(s[0], SO_TYPE);
	GET(s[0], SO_DOMAIN);
	GET(s[0], SO_PROTOCOL);
	GET(s[0], SO_ERROR);
	GET(s[0], SO_ACCEPTCONN);
	GET(s[0], SO_SNDBUF);
	GET(s[0], SO_RCVBUF);
	GET(s[0], SO_SNDLOWAT);
	GET(s[0], SO_SNDBUFFORCE);
	GET(s[0], 999);
	SET(s[0], SO_SNDBUF, 0);
	SET(s[0], SO_SNDBUF, 10000);
	SET(s[0], SO_RCVBUF, 1);
	SET(s[0], SO_RCVBUF, 50000);
	SET(s[0], SO_RCVLOWAT, 0);
	SET(s[0], SO_RCVLOWAT, -1);
	SET(s[0], SO_RCVLOWAT, 1);
	SET(s[0], SO_REUSEADDR, 5);
	SET(s[0], SO_KEEPALIVE, 1);
	SET(s[0], SO_BROADCAST, 1);
	SET(s[0], SO_OOBINLINE, 1);
	SET(s[0], SO_PASSCRED, 2);
	SET(s[0], SO_PASSCRED, 0);
	SET(s[0], SO_PRIORITY, 3);
	SET(s[0], SO_PEEK_OFF, 0);
	SET(s[0], SO_PEEK_OFF, -1);
	SET(s[0], SO_TYPE, 1);
	SET(s[0], SO_ERROR, 1);
	SET(s[0], SO_DOMAIN, 1);
	SET(s[0], SO_SNDLOWAT, 1);
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, 3));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, -1));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, (void *)8, 4));
	SHOW(setsockopt(s[0], 6, 1, &v, 4));
	len = 4;
	SHOW(getsockopt(s[0], 6, 1, &v, &len));
	len = -1;
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	len = 2;
	v = -1;
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	printf("%#x, length %u\n", v, len);
	len = 4;
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, (void *)8, &len));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, (void *)8));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	linger = (struct linger){0};
	len = sizeof(linger);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, &len));
	printf("%d %d\n", linger.l_onoff, linger.l_linger);
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, 4));
	for (int i = 0; i < 5; i++) {
		static const struct timeval times[] = {
			{0, 0}, {0, 1}, {3, 999999}, {-1, 0}, {1, 1000000}};

		tv = times[i];
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
		len = sizeof(tv);
		getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
		printf("%ld.%06ld, length %u\n", (long)tv.tv_sec, (long)tv.tv_usec, len);
	}
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, 8));
	close_pair(s);
	v = make(SOCK_STREAM);
	len = sizeof(cred);
	SHOW(getsockopt(v, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf("%d %d %d\n", cred.pid, (int)cred.uid, (int)cred.gid);
	SHOW(getsockopt(v, SOL_SOCKET, SO_PEERNAME, big, &len));
	close(v);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void later(void (*fn)(int), int fd)
{
	if (fork())
		return;
	usleep(30000);
	fn(fd);
	_exit(0);
}

static void do_write(int fd)
{
	if (write(fd, "late", 4) != 4)
		_exit(1);
}

static void do_read(int fd)
{
	while (recv(fd, big, sizeof(big), MSG_DONTWAIT) > 0)
		;
}

static void do_close(int fd)
{
	(void)fd; /* the child's end is the last one */
}

static void do_accept(int fd)
{
	close(accept(fd, NULL, NULL));
}

static void do_kill(int fd)
{
	(void)fd;
	kill(getppid(), SIGUSR1);
}

static void reap(void)
{
	while (wait(NULL) > 0)
		;
}

static void with_handler(int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(SIGUSR1, &sa, NULL);
}

static void waits(void)
{
	struct timeval tv = {0, 40000};
	struct pollfd p;
	fd_set set;
	int s[2], l, c;

	puts("-- waits");
	pair(SOCK_STREAM, s);
	later(do_write, s[1]);
	SHOW(read(s[0], big, 100));
	later(do_write, s[1]);
	SHOW(send(s[0], "x", 1, 0));
	p = (struct pollfd){s[0], POLLIN, 0};
	SHOW(poll(&p, 1, -1));
	later(do_write, s[1]);
	SHOW(recv(s[0], big, 8, MSG_WAITALL));
	FD_ZERO(&set);
	FD_SET(s[0], &set);
	later(do_write, s[1]);
	SHOW(select(s[0] + 1, &set, NULL, NULL, NULL));
	SHOW(read(s[0], big, 100));
	reap();
	later(do_close, 0);
	close(s[1]);
	SHOW(read(s[0], big, 100)); /* the child held the last end */
	reap();
	close(s[0]);
	pair(SOCK_STREAM, s);
	while (send(s[0], big, 5000, MSG_DONTWAIT) > 0)
		;
	later(do_read, s[1]);
	SHOW(send(s[0], big, 70000, 0));
	reap();
	with_handler(0);
	do_read(s[1]);
	later(do_kill, 0);
	SHOW(read(s[1], big, 1));
	with_handler(SA_RESTART);
	later(do_kill, 0);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	tv.tv_sec = 5;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(read(s[1], big, 1)); /* with a timeout it is not begun again */
	tv.tv_sec = 0;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(read(s[1], big, 1));
	SHOW(recv(s[1], big, 1, 0));
	reap();
	close_pair(s);
	unlink("srv");
	l = make(SOCK_STREAM);
	bind_to(l, "srv");
	listen(l, 0);
	c = make(SOCK_STREAM);
	SHOW(connect_to(c, "srv"));
	later(do_accept, l);
	s[0] = make(SOCK_STREAM);
	SHOW(connect_to(s[0], "srv")); /* waits for room in the queue */
	reap();
	setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	s[1] = make(SOCK_STREAM);
	setsockopt(s[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	SHOW(connect_to(s[1], "srv"));
	close_pair(s);
	close(c);
	close(l);
}

/* A server that answers each client, and three clients. */
static void server(void)
{
	int l = make(SOCK_STREAM), status, sum = 0;
	char text[32];

	puts("-- server");
	unlink("srv");
	bind_to(l, "srv");
	listen(l, 8);
	for (int i = 0; i < 3; i++) {
		if (fork())
			continue;
		int c = make(SOCK_STREAM);

		connect_to(c, "srv");
		for (int k = 0; k < 50; k++) {
			int n = sprintf(text, "%d", i * 1000 + k);

			if (write(c, text, n + 1) != n + 1 || read(c, text, 32) <= 0)
				_exit(1);
			sum += atoi(text);
		}
		_exit(sum == 2 * 50 * (i * 1000) + 2 * 1225 ? 0 : 2);
	}
	for (int i = 0; i < 3; i++) {
		int c = accept(l, NULL, NULL);

		if (fork()) {
			close(c);
			continue;
		}
		while (read(c, text, 32) > 0) {
			int n = sprintf(text, "%d", 2 * atoi(text));

			if (write(c, text, n + 1) < 0)
				break;
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		if (status)
			printf("status %#x\n", status);
	puts("served");
	close(l);
}

/* /proc/net/unix, of a name: what is not each kernel's own. */
static void show_listed(const char *name, int fd)
{
	char line[256], found[110] = "";
	unsigned protocol, flags, type, state;
	unsigned long inode;
	struct stat st;
	FILE *f = fopen("/proc/net/unix", "r");

	fstat(fd, &st);
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*x %x %x %x %x %lu %109s", &protocol, &flags, &type, &state,
			   &inode, found) == 6 &&
		    !strncmp(found, name, strlen(name)) && inode == st.st_ino)
			printf("%s: protocol %x, flags %x, type %x, state %x\n", name, protocol,
			       flags, type, state);
	}
	if (f)
		fclose(f);
}

static void listing(void)
{
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	int d = socket(AF_UNIX, SOCK_DGRAM, 0);

	puts("-- /proc/net/unix");
	bind_to(l, "@listed");
	show_listed("@listed", l);
	listen(l, 3);
	show_listed("@listed", l);
	bind_to(c, "@client");
	connect_to(c, "@listed");
	show_listed("@client", c);
	s = accept(l, NULL, NULL);
	show_listed("@listed", s);
	bind_to(d, "datagrams");
	show_listed("datagrams", d);
	close(l);
	close(c);
	close(s);
	close(d);
}

int main(void)
{
	signal(SIGPIPE, on_signal);
	setvbuf(stdout, NULL, _IONBF, 0);
	creation();
	wrong_kinds();
	names();
	connections(SOCK_STREAM);
	connections(SOCK_SEQPACKET);
	ends(SOCK_STREAM);
	ends(SOCK_DGRAM);
	ends(SOCK_SEQPACKET);
	rooms();
	options();
	waits();
	server();
	listing();
	return 0;
}

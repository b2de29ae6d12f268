/* Unix sockets: what travels in messages. Bounds, flags, descriptors and credentials, many at once, and
 * descriptors that only messages hold. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "socket_pair.h"

static char big[300000], got[300000];

static socklen_t name(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	return offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
}

/* A datagram socket called @path; NULL: without a name. */
static int dgram(const char *path, int flags)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | flags, 0);
	struct sockaddr_un un;

	if (!path)
		return fd;
	unlink(path);
	if (bind(fd, (void *)&un, name(&un, path)))
		perror(path);
	return fd;
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 300; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* --- bounds and flags ------------------------------------------------------------------------- */

static void bounds(int type)
{
	int s[2], v;

	printf("-- bounds of type %d\n", type);
	pair(type, s);
	SHOW(send(s[0], "one", 3, 0));
	SHOW(send(s[0], "", 0, 0));
	SHOW(send(s[0], "three", 5, MSG_EOR));
	SHOW(ioctl(s[1], FIONREAD, &v));
	printf("in %d\n", v);
	SHOW(recv(s[1], got, 2, MSG_PEEK));
	SHOW(recv(s[1], got, 2, MSG_PEEK | MSG_TRUNC));
	SHOW(recv(s[1], got, 2, 0));
	SHOW(recv(s[1], got, 2, MSG_DONTWAIT));
	SHOW(recv(s[1], got, 2, MSG_DONTWAIT | MSG_TRUNC));
	SHOW(recv(s[1], got, 100, MSG_DONTWAIT));
	SHOW(recv(s[1], got, 100, MSG_DONTWAIT));
	if (type != SOCK_STREAM) { /* streams have urgent bytes in Linux */
		SHOW(send(s[0], "xyz", 3, MSG_OOB));
		SHOW(recv(s[1], got, 100, MSG_OOB | MSG_DONTWAIT));
	}
	SHOW(send(s[0], "abc", 3, MSG_MORE | MSG_DONTROUTE | MSG_CONFIRM));
	SHOW(recv(s[1], got, 0, MSG_DONTWAIT));
	SHOW(recv(s[1], got, 9, MSG_DONTWAIT | MSG_WAITALL));
	SHOW(send(s[0], (void *)8, 3, 0));
	SHOW(send(s[0], (void *)-1UL, 3, 0));
	SHOW(send(s[0], "abc", 3, 0));
	SHOW(recv(s[1], (void *)8, 3, 0));
	SHOW(recv(s[1], got, 3, MSG_DONTWAIT));
	close_pair(s);
}

/* Reads that span writes; a peek that goes on. */
static void streams(void)
{
	struct iovec iov[3] = {{got, 2}, {got + 10, 0}, {got + 20, 5}};
	int s[2], v = 0;

	puts("-- streams");
	pair(SOCK_STREAM, s);
	for (int i = 0; i < 100000; i++)
		big[i] = i * 7;
	SHOW(write(s[0], big, 100000));
	SHOW(write(s[0], "tail", 4));
	SHOW(recv(s[1], got, 50000, MSG_PEEK));
	SHOW(recv(s[1], got, 200000, MSG_PEEK));
	SHOW(recv(s[1], got, 99999, 0));
	printf("same %d\n", !memcmp(big, got, 99999));
	SHOW(readv(s[1], iov, 3));
	printf("%.1s %.4s\n", got + 1, got + 20);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, sizeof(v)));
	SHOW(write(s[0], "0123456789", 10));
	SHOW(recv(s[1], got, 4, MSG_PEEK));
	SHOW(recv(s[1], got, 4, MSG_PEEK));
	printf("%.4s\n", got);
	SHOW(recv(s[1], got, 3, 0));
	SHOW(recv(s[1], got, 1, MSG_PEEK));
	printf("%.1s\n", got);
	SHOW(recv(s[1], got, 4, MSG_PEEK));
	SHOW(recv(s[1], got, 4, MSG_PEEK | MSG_DONTWAIT));
	SHOW(writev(s[0], (struct iovec[]){{"ab", 2}, {"", 0}, {"cd", 2}}, 3));
	SHOW(recv(s[1], got, 100, 0));
	printf("%.11s\n", got);
	v = 5;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v)));
	SHOW(write(s[0], "abc", 3));
	SHOW(recv(s[1], got, 100, MSG_DONTWAIT));
	close_pair(s);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static void datagrams(void)
{
	int a = dgram("a", SOCK_NONBLOCK), b = dgram("b", SOCK_NONBLOCK),
	    c = dgram(NULL, SOCK_NONBLOCK);
	struct sockaddr_un un, from;
	struct pollfd p;
	socklen_t len = name(&un, "a"), flen;
	int n = 0, s[2];

	puts("-- datagrams");
	SHOW(sendto(b, "hello", 5, 0, (void *)&un, len));
	SHOW(sendto(c, "nobody", 6, 0, (void *)&un, len));
	SHOW(sendto(c, "none", 4, 0, (void *)&un, 0));
	SHOW(sendto(c, "bad", 3, 0, (void *)&un, 2));
	SHOW(sendto(c, "bad", 3, 0, (void *)&un, 200));
	SHOW(sendto(c, "bad", 3, 0, (void *)8, 20));
	flen = sizeof(from);
	SHOW(recvfrom(a, got, 100, 0, (void *)&from, &flen));
	printf("from \"%s\", length %u\n", from.sun_path, flen);
	flen = sizeof(from);
	SHOW(recvfrom(a, got, 100, 0, (void *)&from, &flen));
	printf("length %u\n", flen);
	SHOW(recvfrom(a, got, 100, 0, (void *)&from, &flen));
	len = name(&un, "missing");
	SHOW(sendto(c, "x", 1, 0, (void *)&un, len));
	len = name(&un, "a");
	SHOW(connect(c, (void *)&un, len));
	while (send(c, "fill", 4, 0) == 4)
		n++;
	show("full", -1);
	printf("%d messages\n", n);
	SHOW(sendto(b, "x", 1, 0, (void *)&un, len));
	p = (struct pollfd){c, POLLOUT, 0};
	SHOW(poll(&p, 1, 0));
	p.fd = b; /* not its partner: always ready */
	SHOW(poll(&p, 1, 0));
	if (!fork()) {
		usleep(30000);
		while (recv(a, got, 4, 0) > 0)
			;
		_exit(0);
	}
	p.fd = c;
	SHOW(poll(&p, 1, 5000));
	wait(NULL);
	SHOW(send(c, "again", 5, 0));
	len = name(&un, "b");
	SHOW(connect(a, (void *)&un, len)); /* a takes from b only, now */
	SHOW(send(c, "no", 2, 0));
	len = name(&un, "a");
	SHOW(sendto(c, "no", 2, 0, (void *)&un, len));
	SHOW(connect(c, (void *)&un, len));
	SHOW(sendto(b, "yes", 3, 0, (void *)&un, len));
	un.sun_family = AF_UNSPEC;
	SHOW(connect(a, (void *)&un, 1));
	SHOW(connect(a, (void *)&un, 2));
	SHOW(send(a, "x", 1, 0));
	un.sun_family = AF_UNIX;
	SHOW(connect(c, (void *)&un, len));
	close(a);
	SHOW(send(c, "x", 1, 0));
	SHOW(send(c, "x", 1, 0));
	SHOW(sendto(c, "x", 1, 0, (void *)&un, len));
	close(b);
	close(c);
	pair(SOCK_DGRAM, s);
	SHOW(shutdown(s[1], SHUT_RD));
	SHOW(send(s[0], "x", 1, 0));
	SHOW(shutdown(s[0], SHUT_WR));
	SHOW(send(s[0], "x", 1, 0));
	SHOW(send(s[1], "x", 1, 0));
	close_pair(s);
	unlink("a");
	unlink("b");
}

/* --- descriptors ------------------------------------------------------------------------------ */

union control {
	struct cmsghdr align;
	char bytes[2048];
};

static long send_fds(int fd, const char *text, size_t len, const int *fds, int n)
{
	union control ctl;
	struct iovec iov = {(void *)text, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	memset(&ctl, 0, sizeof(ctl));
	if (n) {
		m.msg_control = &ctl;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(fd, &m, 0);
}

/* Shows what came; the descriptors go to @fds. How many. */
static int receive(const char *what, int fd, size_t len, size_t room, int flags, int *fds)
{
	union control ctl;
	struct iovec iov = {got, len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = room ? &ctl : NULL,
			   .msg_controllen = room,
			   .msg_flags = 0x1234};
	struct ucred cred;
	struct cmsghdr *c;
	int n = 0;
	long ret;

	memset(&ctl, 0x55, sizeof(ctl));
	ret = recvmsg(fd, &m, flags);
	if (show(what, ret) < 0)
		return 0;
	printf("  \"%.*s\", flags %#x, control %zu\n", ret < 20 ? (int)ret : 20, got, m.msg_flags,
	       m.msg_controllen);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		printf("  level %d, type %d, length %zu\n", c->cmsg_level, c->cmsg_type,
		       c->cmsg_len);
		if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(cred))) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			printf("  pid %s, uid %s, gid %s\n",
			       cred.pid == getpid() ? "ours"
			       : cred.pid	    ? "other"
						    : "0",
			       cred.uid == getuid() ? "ours"
			       : cred.uid == 65534  ? "nobody"
						    : "other",
			       cred.gid == getgid() ? "ours"
			       : cred.gid == 65534  ? "nobody"
						    : "other");
		}
		if (c->cmsg_type == SCM_RIGHTS) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			if (fds)
				memcpy(fds, CMSG_DATA(c), n * sizeof(int));
			for (int i = 0; i < n && i < 4; i++) {
				int one;

				memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
				printf("  descriptor flags %d\n", fcntl(one, F_GETFD));
				if (!fds)
					close(one);
			}
		}
	}
	return n;
}

static void descriptors(int type)
{
	int s[2], p[2], fds[300], before, n, file = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600);
	struct stat st[2];

	printf("-- descriptors over type %d\n", type);
	pair(type, s);
	if (pipe(p))
		exit(1);
	before = count_fds();
	SHOW(send_fds(s[0], "pipe", 4, p, 2));
	n = receive("two", s[1], 100, 200, 0, fds);
	fstat(p[0], &st[0]);
	fstat(fds[0], &st[1]);
	printf("%d, the same %d\n", n, st[0].st_ino == st[1].st_ino);
	SHOW(write(fds[1], "through", 7));
	SHOW(read(p[0], got, 100));
	close(fds[0]);
	close(fds[1]);
	SHOW(send_fds(s[0], "file", 4, &file, 1));
	receive("cloexec", s[1], 100, 200, MSG_CMSG_CLOEXEC, fds);
	SHOW(write(file, "12345", 5));
	SHOW(lseek(fds[0], 0, SEEK_CUR)); /* one open file */
	close(fds[0]);
	SHOW(send_fds(s[0], "path", 4, (int[]){open(".", O_PATH)}, 1));
	receive("O_PATH", s[1], 100, 200, 0, NULL);
	/* too little room: what does not fit is closed */
	SHOW(send_fds(s[0], "cut", 3, (int[]){0, 1, 2, file}, 4));
	receive("room for two", s[1], 100, CMSG_LEN(2 * sizeof(int)), 0, NULL);
	SHOW(send_fds(s[0], "cut", 3, p, 2));
	receive("room for none", s[1], 100, sizeof(struct cmsghdr), 0, NULL);
	SHOW(send_fds(s[0], "cut", 3, p, 2));
	receive("no room", s[1], 100, 0, 0, NULL);
	SHOW(send_fds(s[0], "read", 4, p, 2));
	SHOW(read(s[1], got, 100));
	SHOW(send_fds(s[0], "peek", 4, p, 1));
	receive("peek", s[1], 100, 200, MSG_PEEK, NULL);
	receive("peeked", s[1], 100, 200, 0, NULL);
	SHOW(send_fds(s[0], "bad", 3, (int[]){0, 999}, 2));
	SHOW(send_fds(s[0], "bad", 3, (int[]){-1}, 1));
	for (int i = 0; i < 254; i++)
		fds[i] = file;
	SHOW(send_fds(s[0], "many", 4, fds, 254));
	SHOW(send_fds(s[0], "many", 4, fds, 253));
	n = receive("many", s[1], 100, 2000, 0, fds);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	printf("%d\n", n);
	/* bytes before, with, and behind descriptors */
	SHOW(send(s[0], "before ", 7, 0));
	SHOW(send_fds(s[0], "with ", 5, p, 1));
	SHOW(send_fds(s[0], "two ", 4, p, 1));
	SHOW(send(s[0], "behind", 6, 0));
	receive("first", s[1], 100, 200, MSG_DONTWAIT, NULL);
	receive("second", s[1], 100, 200, MSG_DONTWAIT, NULL);
	receive("third", s[1], 100, 200, MSG_DONTWAIT, NULL);
	receive("fourth", s[1], 100, 200, MSG_DONTWAIT, NULL);
	SHOW(send_fds(s[0], "", 0, p, 1));
	receive("empty", s[1], 100, 200, MSG_DONTWAIT, NULL);
	close(p[1]);
	SHOW(send_fds(s[0], "x", 1, &p[0], 1));
	close(p[0]);
	n = receive("only the message held it", s[1], 100, 200, 0, fds);
	SHOW(read(fds[0], got, 1));
	close(fds[0]);
	printf("%d more than before\n", count_fds() - before + 2);
	close(file);
	close_pair(s);
	unlink("f");
}

/* A descriptor reaches a child that does not have it, and comes back. */
static void over_fork(void)
{
	int s[2], p[2], fds[4], n;
	char c;

	puts("-- over fork");
	pair(SOCK_STREAM, s);
	if (!fork()) {
		close(s[0]);
		n = 0;
		if (read(s[1], &c, 1) == 1 && pipe(p) == 0 && write(p[1], "gift", 4) == 4)
			n = send_fds(s[1], "g", 1, p, 1) == 1;
		_exit(!n);
	}
	close(s[1]);
	SHOW(write(s[0], "x", 1));
	n = receive("from the child", s[0], 10, 100, 0, fds);
	wait(&n);
	printf("status %#x\n", n);
	SHOW(read(fds[0], got, 10));
	SHOW(read(fds[0], got, 10));
	close(fds[0]);
	close(s[0]);
}

/* Descriptors that nobody can receive any more are closed: seen by the pipe that goes with them. */
static void cycles(void)
{
	int a[2], b[2], p[2], fds[3];
	struct sockaddr_un un;
	struct pollfd pf;
	socklen_t len;

	puts("-- cycles");
	if (pipe2(p, O_NONBLOCK))
		exit(1);
	pair(SOCK_STREAM, a);
	pair(SOCK_DGRAM, b);
	fds[0] = a[0], fds[1] = p[1], fds[2] = b[0];
	SHOW(send_fds(a[1], "self", 4, fds, 3));
	fds[0] = b[0], fds[1] = a[0];
	SHOW(send_fds(b[1], "both", 4, fds, 2));
	close(p[1]);
	SHOW(read(p[0], got, 1));
	close_pair(a);
	close_pair(b);
	pair(SOCK_STREAM,
	     a); /* closing a socket looks for what is lost; Linux does it a bit later */
	close_pair(a);
	pf = (struct pollfd){p[0], POLLIN, 0};
	SHOW(poll(&pf, 1, 5000));
	SHOW(read(p[0], got, 1));
	close(p[0]);
	/* a listener in the queue of a connection that it has not accepted */
	if (pipe2(p, O_NONBLOCK))
		exit(1);
	a[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	a[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	len = name(&un, "circle");
	SHOW(bind(a[0], (void *)&un, len));
	SHOW(listen(a[0], 1));
	SHOW(connect(a[1], (void *)&un, len));
	fds[0] = a[0], fds[1] = p[1];
	SHOW(send_fds(a[1], "l", 1, fds, 2));
	close(p[1]);
	close_pair(a);
	pair(SOCK_STREAM, a);
	close_pair(a);
	pf = (struct pollfd){p[0], POLLIN, 0};
	SHOW(poll(&pf, 1, 5000));
	close(p[0]);
	unlink("circle");
	/* a long chain: each in the queue of the next */
	if (pipe2(p, O_NONBLOCK))
		exit(1);
	fds[0] = p[1];
	for (int i = 0; i < 3000; i++) {
		pair(SOCK_STREAM, a);
		if (send_fds(a[0], "c", 1, fds, 1) != 1)
			printf("chain %d: %s\n", i, strerrorname_np(errno));
		close(fds[0]);
		close(a[0]);
		fds[0] = a[1];
	}
	SHOW(read(p[0], got, 1));
	close(fds[0]);
	pair(SOCK_STREAM, a);
	close_pair(a);
	pf = (struct pollfd){p[0], POLLIN, 0};
	SHOW(poll(&pf, 1, 5000));
	close(p[0]);
}

/* --- credentials ------------------------------------------------------------------------------ */

static long send_cred(int fd, pid_t pid, uid_t uid, gid_t gid, size_t len)
{
	union control ctl;
	struct iovec iov = {"cred", 4};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &ctl,
			   .msg_controllen = CMSG_SPACE(len)};
	struct ucred cred = {pid, uid, gid};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memset(&ctl, 0, sizeof(ctl));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	return sendmsg(fd, &m, 0);
}

static void credentials(int type)
{
	size_t size = sizeof(struct ucred);
	int s[2], on = 1, p[2];

	printf("-- credentials over type %d\n", type);
	pair(type, s);
	SHOW(send(s[0], "before", 6, 0));
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	SHOW(send(s[0], "after", 5, 0));
	receive("before", s[1], 100, 200, MSG_DONTWAIT, NULL);
	receive("after", s[1], 100, 200, MSG_DONTWAIT, NULL);
	if (!fork())
		_exit(send(s[0], "child", 5, 0) != 5);
	wait(NULL);
	SHOW(send(s[0], "us", 2, 0));
	receive("child", s[1], 100, 200, MSG_DONTWAIT, NULL);
	receive("us", s[1], 100, 200, MSG_DONTWAIT, NULL);
	SHOW(send_cred(s[0], getpid(), getuid(), getgid(), size));
	receive("given", s[1], 100, 200, 0, NULL);
	SHOW(send_cred(s[0], 0x3ffffff, getuid(), getgid(), size));
	SHOW(send_cred(s[0], getpid(), getuid(), getgid(), size - 1));
	SHOW(send_cred(s[0], getpid(), getuid(), -1, size));
	SHOW(send(s[0], "little", 6, 0));
	receive("little room", s[1], 100, 20, 0, NULL);
	SHOW(send(s[0], "no", 2, 0));
	receive("no room", s[1], 100, 0, 0, NULL);
	if (pipe(p))
		exit(1);
	SHOW(send_fds(s[0], "both", 4, p, 2));
	receive("both", s[1], 100, 200, 0, NULL);
	close_pair(p);
	close_pair(s);
}

#define PASSPIDFD 76 /* SO_PASSPIDFD, SO_PEERPIDFD: younger than libc's headers */
#define PEERPIDFD 77

/* The sender's pidfd, with a message, and the peer's, of a connection. */
static void sender_pidfd(int type)
{
	char text[64];
	union control ctl;
	struct iovec iov = {text, sizeof(text)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int s[2], on = 1, fd = -1, u = socket(AF_UNIX, type, 0);
	socklen_t len = sizeof(fd);

	printf("-- pidfds over type %d\n", type);
	pair(type, s);
	SHOW(setsockopt(s[1], SOL_SOCKET, PASSPIDFD, &on, sizeof(on)));
	SHOW(getsockopt(s[1], SOL_SOCKET, PASSPIDFD, &fd, &len));
	printf("%d, len %u\n", fd, len);
	SHOW(send(s[0], "who", 3, 0));
	m.msg_control = &ctl;
	m.msg_controllen = sizeof(ctl);
	SHOW(recvmsg(s[1], &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		printf("type %d, len %lu, signal %ld\n", c->cmsg_type, (long)c->cmsg_len,
		       syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
		printf("cloexec %d\n", fcntl(fd, F_GETFD));
		close(fd);
	}
	SHOW(send(s[0], "who", 3, 0));
	m.msg_controllen = 8;
	SHOW(recvmsg(s[1], &m, 0));
	printf("flags %#x\n", m.msg_flags);
	WORKS(getsockopt(s[0], SOL_SOCKET, PEERPIDFD, &fd, &len));
	printf("len %u, signal %ld\n", len, syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	close(fd);
	SHOW(getsockopt(u, SOL_SOCKET, PEERPIDFD, &fd, &len));
	SHOW(getsockopt(s[0], SOL_SOCKET, PEERPIDFD, (void *)8, &len));
	close(u);
	close_pair(s);
}

/* --- headers ---------------------------------------------------------------------------------- */

static void headers(void)
{
	struct iovec iov = {"text", 4}, bad = {(void *)8, 4};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union control ctl;
	struct sockaddr_un un;
	int s[2], null = open("/dev/null", O_RDWR);

	puts("-- headers");
	pair(SOCK_DGRAM, s);
	memset(&ctl, 0, sizeof(ctl));
	SHOW(sendmsg(s[0], (void *)8, 0));
	SHOW(sendmsg(null, &m, 0));
	SHOW(sendmsg(999, &m, 0));
	SHOW(recvmsg(null, &m, 0));
	SHOW(sendmsg(s[0], &m, 0x80000000));
	m.msg_iovlen = 1025;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_iovlen = 1;
	m.msg_iov = &bad;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_iov = (void *)8;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_iov = &iov;
	m.msg_namelen = -1;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_name = &un;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_namelen = name(&un, "nowhere");
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_name = NULL;
	m.msg_control = &ctl;
	m.msg_controllen = 1UL << 31;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_controllen = 1UL << 20;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_controllen = 8;
	SHOW(sendmsg(s[0], &m, 0)); /* too short for one: there is none */
	m.msg_controllen = sizeof(ctl);
	SHOW(sendmsg(s[0], &m, 0)); /* length 0 */
	ctl.align.cmsg_len = 4096;
	SHOW(sendmsg(s[0], &m, 0));
	ctl.align = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, 99};
	m.msg_controllen = CMSG_SPACE(4);
	SHOW(sendmsg(s[0], &m, 0));
	ctl.align = (struct cmsghdr){CMSG_LEN(4), 6, 99}; /* another level's: not looked at */
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_control = (void *)8;
	SHOW(sendmsg(s[0], &m, 0));
	SHOW(recv(s[1], got, 10, 0));
	SHOW(recv(s[1], got, 10, MSG_DONTWAIT));
	SHOW(recv(s[1], got, 10, MSG_DONTWAIT));
	SHOW(recv(s[1], got, 10, MSG_DONTWAIT));
	close_pair(s);
	close(null);
}

static void many(void)
{
	struct iovec in[4], out[4];
	struct mmsghdr mi[4], mo[4];
	struct timespec ts = {0, 20000000};
	int s[2], sent;

	puts("-- many");
	pair(SOCK_DGRAM, s);
	memset(mi, 0, sizeof(mi));
	memset(mo, 0, sizeof(mo));
	for (int i = 0; i < 4; i++) {
		out[i] = (struct iovec){"abcdef", i + 1};
		in[i] = (struct iovec){got + i * 100, 3};
		mo[i].msg_hdr.msg_iov = &out[i];
		mo[i].msg_hdr.msg_iovlen = 1;
		mi[i].msg_hdr.msg_iov = &in[i];
		mi[i].msg_hdr.msg_iovlen = 1;
	}
	/* short of memory it sends some of them */
	SHOW(sent = sendmmsg(s[0], mo, 4, 0));
	for (int i = 0; i < 4; i++)
		printf("  %u\n", mo[i].msg_len);
	SHOW(recvmmsg(s[1], mi, 4, sent == 4 ? 0 : MSG_DONTWAIT, NULL));
	for (int i = 0; i < 4; i++)
		printf("  %u, flags %#x\n", mi[i].msg_len, mi[i].msg_hdr.msg_flags);
	SHOW(sendmmsg(s[0], mo, 2, 0));
	SHOW(recvmmsg(s[1], mi, 4, MSG_WAITFORONE, NULL));
	SHOW(recvmmsg(s[1], mi, 4, MSG_DONTWAIT, NULL));
	out[2].iov_base = (void *)8;
	SHOW(sent = sendmmsg(s[0], mo, 4, 0));
	SHOW(sendmmsg(s[0], mo + 2, 2, 0));
	SHOW(sendmmsg(s[0], mo, 0, 0));
	usleep(1);
	SHOW(recvmmsg(s[1], mi, 2, sent == 2 ? 0 : MSG_DONTWAIT, &ts));
	printf("some time left %d\n", ts.tv_nsec < 20000000);
	ts.tv_nsec = -1;
	SHOW(recvmmsg(s[1], mi, 2, 0, &ts));
	SHOW(recvmmsg(s[1], mi, 2, 0, (void *)8));
	SHOW(recvmmsg(s[1], (void *)8, 2, MSG_DONTWAIT, NULL));
	close_pair(s);
	pair(SOCK_STREAM, s);
	close(s[1]);
	SHOW(sendmmsg(s[0], mo, 2, 0));
	close(s[0]);
}

/* In a child without the right to more: how many descriptors may be on their way. */
static void limits(void)
{
	struct rlimit rl = {20, 20};
	int s[2], fds[4] = {0, 1, 2, 0}, got_fds[4];

	puts("-- limits");
	fflush(stdout);
	if (fork()) {
		wait(NULL);
		return;
	}
	pair(SOCK_STREAM, s);
	setrlimit(RLIMIT_NOFILE, &rl);
	while (dup(0) >= 0)
		;
	show("dup", -1);
	SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, got_fds));
	close(19);
	SHOW(send_fds(s[0], "x", 1, fds, 4));
	receive("one fits", s[1], 10, 100, 0, got_fds);
	SHOW(send_fds(s[0], "x", 1, fds, 4));
	receive("none fits", s[1], 10, 100, 0, got_fds);
	SHOW(accept(s[0], NULL, NULL));
	_exit(0);
}

int main(void)
{
	signal(SIGPIPE, on_signal);
	setvbuf(stdout, NULL, _IONBF, 0);
	bounds(SOCK_STREAM);
	bounds(SOCK_DGRAM);
	bounds(SOCK_SEQPACKET);
	streams();
	datagrams();
	descriptors(SOCK_STREAM);
	descriptors(SOCK_DGRAM);
	descriptors(SOCK_SEQPACKET);
	over_fork();
	cycles();
	credentials(SOCK_STREAM);
	credentials(SOCK_DGRAM);
	sender_pidfd(SOCK_STREAM);
	sender_pidfd(SOCK_DGRAM);
	headers();
	many();
	limits();
	return 0;
}

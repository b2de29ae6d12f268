/* Urgent bytes: MSG_OOB of streams, AF_UNIX and TCP; the mark, SO_OOBINLINE, and SIGURG. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "inet_pair.h"
#include "report.h"
#include "socket_pair.h"

static char got[64];

static void options(int fd, int inlined)
{
	if (setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &inlined, sizeof(inlined)))
		perror("SO_OOBINLINE");
}

/* Linux 6.18 counts a byte that was dropped as one that is there, for ever. */
static void state(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
	int in = -1, mark = -1;

	poll(&p, 1, 0);
	ioctl(fd, FIONREAD, &in);
	show("  mark", ioctl(fd, SIOCATMARK, &mark));
	printf("  poll %#x, %d bytes, mark %d\n", p.revents, in, mark);
}

static void take(int fd, int len, int flags)
{
	memset(got, '.', sizeof(got));
	show("recv", recv(fd, got, len, flags | MSG_DONTWAIT));
	printf("  %d, %#x: %.10s\n", len, flags, got);
	state(fd);
}

/* What one end says, step by step, and how the other reads it. */
static void readings(int inlined)
{
	static const struct {
		const char *say;
		int urgent, len, flags;
	} steps[] = {
		{"abcd", 1, 10, 0},	 {NULL, 0, 10, 0},     {"efg", 1, 1, MSG_OOB},
		{NULL, 0, 10, MSG_PEEK}, {NULL, 0, 10, 0},     {"hi", 1, 1, MSG_OOB | MSG_PEEK},
		{"jk", 1, 10, MSG_PEEK}, {NULL, 0, 2, 0},      {NULL, 0, 1, MSG_OOB},
		{"lm", 0, 10, 0},	 {"n", 1, 1, MSG_OOB}, {"o", 1, 1, MSG_OOB},
		{"pq", 0, 10, MSG_PEEK}, {NULL, 0, 1, 0},      {NULL, 0, 10, 0},
		{"r", 1, 0, MSG_OOB},	 {"st", 0, 10, 0},     {"u", 1, 10, MSG_WAITALL},
		{"v", 1, 10, MSG_PEEK},	 {NULL, 0, 10, 0},     {NULL, 0, 10, 0},
	};
	int s[2];

	printf("-- readings, inline %d\n", inlined);
	pair(SOCK_STREAM, s);
	options(s[1], inlined);
	state(s[1]);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].say) {
			printf("send %s: %zd\n", steps[i].say,
			       send(s[0], steps[i].say, strlen(steps[i].say),
				    steps[i].urgent ? MSG_OOB : 0));
			state(s[1]);
		}
		take(s[1], steps[i].len, steps[i].flags);
	}
	close_pair(s);
}

static void errors(void)
{
	int s[2], type, fd[2];
	char c[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {"x", 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(c)};
	struct cmsghdr *h;

	puts("-- errors");
	for (type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
		pair(type, s);
		SHOW(send(s[0], "x", 1, MSG_OOB));
		SHOW(recv(s[1], got, 1, MSG_OOB));
		send(s[0], "", 0, 0);
		state(s[1]);
		SHOW(close(s[1]));
		SHOW(recv(s[0], got, 1, MSG_DONTWAIT));
		close(s[0]);
	}
	pair(SOCK_STREAM, s);
	SHOW(send(s[0], "", 0, MSG_OOB));
	SHOW(send(s[0], (void *)8, 1, MSG_OOB));
	SHOW(send(s[0], "x", 1, MSG_OOB));
	SHOW(recv(s[1], (void *)8, 1, MSG_OOB));
	SHOW(recv(s[1], got, 1, MSG_OOB));
	state(s[1]);
	/* What goes along with it. */
	pipe(fd);
	memset(c, 0, sizeof(c));
	h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(h), &fd[1], sizeof(int));
	SHOW(sendmsg(s[0], &m, MSG_OOB));
	close(fd[1]);
	iov.iov_base = got;
	SHOW(recvmsg(s[1], &m, MSG_OOB));
	printf("flags %#x, control %zu\n", m.msg_flags, m.msg_controllen);
	SHOW(read(fd[0], got, 0));
	SHOW(send(s[0], "y", 1, 0));
	SHOW(recv(s[1], got, 9, 0));
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	SHOW(read(fd[0], got, 1));
	SHOW(shutdown(s[1], SHUT_RD));
	SHOW(send(s[0], "x", 1, MSG_OOB));
	SHOW(send(s[0], "xy", 2, MSG_OOB));
	close_pair(s);
	/* Is a byte that was read out of turn unread? */
	for (int more = 0; more < 2; more++) {
		pair(SOCK_STREAM, s);
		SHOW(send(s[0], "z", 1, MSG_OOB));
		SHOW(recv(s[1], got, 1, MSG_OOB));
		if (more)
			SHOW(send(s[0], "a", 1, 0));
		close(s[1]);
		SHOW(recv(s[0], got, 1, 0));
		close(s[0]);
	}
}

/* Waits for @sig, which is blocked. */
static void wait_signal(const char *what, int sig)
{
	struct timespec patience = {10, 0};
	siginfo_t si = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	show(what, sigtimedwait(&set, &si, &patience) == sig);
	printf("code %s\n", si.si_code == SI_KERNEL  ? "SI_KERNEL"
			    : si.si_code == POLL_PRI ? "POLL_PRI"
						     : "?");
	if (si.si_code == POLL_PRI)
		printf("band %#lx\n", si.si_band);
}

static int pending(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

static void urgent_signals(const char *what, int s[2])
{
	printf("-- signals: %s\n", what);
	SHOW(send(s[0], "a", 1, MSG_OOB));
	printf("nobody's: %d\n", pending(SIGURG));
	SHOW(recv(s[1], got, 1, MSG_OOB));
	SHOW(fcntl(s[1], F_SETOWN, getpid()));
	SHOW(send(s[0], "b", 1, 0));
	SHOW(recv(s[1], got, 9, 0));
	printf("of a byte as others: %d\n", pending(SIGURG));
	SHOW(send(s[0], "c", 1, MSG_OOB));
	wait_signal("first", SIGURG);
	SHOW(send(s[0], "d", 1, 0));
	SHOW(send(s[0], "e", 1, MSG_OOB));
	wait_signal("second", SIGURG);
	SHOW(recv(s[1], got, 1, MSG_OOB));
	printf("%c\n", got[0]);
	SHOW(recv(s[1], got, 9, MSG_DONTWAIT));
	printf("%.*s\n", 2, got);
	SHOW(send(s[0], "f", 1, MSG_OOB));
	wait_signal("third", SIGURG);
	SHOW(fcntl(s[1], F_SETSIG, SIGRTMIN));
	SHOW(fcntl(s[1], F_SETFL, O_ASYNC));
	SHOW(send(s[0], "g", 1, MSG_OOB));
	wait_signal("fourth", SIGURG);
	wait_signal("and", SIGRTMIN);
	printf("left: %d\n", pending(SIGURG));
	close(s[0]);
	close(s[1]);
}

/* TCP: inline, each of two that nobody reads has its signal; what looks at them leaves SO_PEEK_OFF alone. */
static void inline_signals(int s[2])
{
	int at = 1;

	puts("-- signals, inline");
	SHOW(fcntl(s[1], F_SETOWN, getpid()));
	SHOW(send(s[0], "abc", 3, 0));
	SHOW(send(s[0], "d", 1, MSG_OOB));
	wait_signal("first", SIGURG);
	options(s[1], 1);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &at, sizeof(at)));
	SHOW(send(s[0], "e", 1, MSG_OOB));
	wait_signal("second", SIGURG);
	SHOW(send(s[0], "fg", 2, MSG_OOB));
	wait_signal("third", SIGURG);
	memset(got, '.', sizeof(got));
	SHOW(recv(s[1], got, 2, MSG_PEEK));
	SHOW(recv(s[1], got + 2, 9, 0));
	SHOW(recv(s[1], got + 12, 9, 0));
	printf("%.16s, left: %d\n", got, pending(SIGURG));
	options(s[1], 0);
	SHOW(send(s[0], "h", 1, MSG_OOB));
	wait_signal("fourth", SIGURG);
	memset(got, '.', sizeof(got));
	SHOW(recv(s[1], got, 1, MSG_OOB | MSG_TRUNC));
	printf("%.2s\n", got);
	options(s[1], 1);
	send(s[0], "ij", 2, 0);
	SHOW(send(s[0], "k", 1, MSG_OOB));
	wait_signal("fifth", SIGURG);
	SHOW(recv(s[1], got, 4, MSG_WAITALL));
	SHOW(recv(s[1], got, 3, MSG_DONTWAIT));
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	int s[2];
	sigset_t set;

	signal(SIGPIPE, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	readings(0);
	readings(1);
	errors();
	pair(SOCK_STREAM, s);
	urgent_signals("AF_UNIX", s);
	connection(AF_INET, SOCK_STREAM, s);
	urgent_signals("TCP", s);
	connection(AF_INET, SOCK_STREAM, s);
	inline_signals(s);
	return 0;
}

/* Sockets of AF_INET and AF_INET6 on loopback, each end in this program: making and naming them, connections, ends,
 * readiness, times, signals, error numbers. Ports are the host's choice, and are never printed. What goes beside
 * the bytes, and options: inet_msgs.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "inet_pair.h"
#include "report.h"

static char big[1 << 21], *volatile nowhere = (char *)8;

static void show_poll(const char *what, int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
	int ret = poll(&p, 1, 0);

	printf("%s: poll %d, revents %#x\n", what, ret, p.revents);
}

/* Loopback delivers at once, natively; elsewhere the world outside is looked at now and then. */
static void wait_for(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	poll(&p, 1, 5000);
}

static void making(void)
{
	struct stat st;
	int fd;

	puts("-- making");
	WORKS(fd = socket(AF_INET, SOCK_STREAM, 0));
	fstat(fd, &st);
	printf("mode %o, size %ld\n", st.st_mode, (long)st.st_size);
	printf("flags %#x, cloexec %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	close(fd);
	WORKS(fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
	printf("flags %#x, cloexec %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pread(fd, big, 1, 0));
	close(fd);
	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
	SHOW(socket(AF_INET, 11, 0));
	SHOW(socket(AF_INET, SOCK_STREAM, 256));
	SHOW(socket(AF_INET, SOCK_STREAM, -1));
	SHOW(socket(AF_INET, SOCK_RDM, 0));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
	if (!fork()) {
		setgid(65534);
		setuid(65534);
		SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
		SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
		exit(0);
	}
	wait(NULL);
}

static void naming(void)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (void *)&ss;
	socklen_t len = loopback(AF_INET, &ss);
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);

	puts("-- naming");
	SHOW(bind(a, (void *)&ss, 2));
	SHOW(bind(a, (void *)&ss, -1));
	SHOW(bind(a, (void *)&ss, 129));
	SHOW(bind(a, NULL, len));
	SHOW(bind(a, (void *)&ss, len));
	SHOW(bind(a, (void *)&ss, len));
	len = sizeof(ss);
	SHOW(getsockname(a, (void *)&ss, &len));
	printf("len %u, family %d, loopback %d, port %d\n", len, in->sin_family,
	       in->sin_addr.s_addr == htonl(INADDR_LOOPBACK), in->sin_port != 0);
	SHOW(getpeername(a, (void *)&ss, &len));
	SHOW(bind(b, (void *)&ss, sizeof(*in)));
	in->sin_addr.s_addr = htonl(0xc0000201); /* TEST-NET-1: nobody's */
	in->sin_port = 0;
	SHOW(bind(b, (void *)&ss, sizeof(*in)));
	in->sin_family = AF_INET6;
	SHOW(bind(b, (void *)&ss, sizeof(*in)));
	len = 5;
	SHOW(getsockname(b, (void *)&ss, &len));
	printf("len %u\n", len);
	len = -1;
	SHOW(getsockname(b, (void *)&ss, &len));
	SHOW(getsockname(b, (void *)&ss, NULL));
	if (!fork()) {
		setgid(65534);
		setuid(65534);
		loopback(AF_INET, &ss);
		in->sin_port = htons(7);
		SHOW(bind(b, (void *)&ss, sizeof(*in)));
		exit(0);
	}
	wait(NULL);
	close(a);
	close(b);
}

static void not_connected(void)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM, 0), l, port;

	puts("-- not connected");
	SHOW(read(fd, big, 1));
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(send(fd, "x", 1, 0));
	SHOW(accept(fd, NULL, NULL));
	SHOW(shutdown(fd, SHUT_RD));
	SHOW(shutdown(fd, 3));
	show_poll("fresh", fd);
	l = listener(AF_INET, 1);
	port = port_of(l);
	close(l);
	loopback(AF_INET, &ss);
	((struct sockaddr_in *)&ss)->sin_port = port;
	len = sizeof(struct sockaddr_in);
	SHOW(connect(fd, (void *)&ss, len));
	SHOW(connect(fd, (void *)&ss, 3));
	SHOW(connect(fd, NULL, len));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect(fd, (void *)&ss, len));
	wait_for(fd, POLLOUT);
	show_poll("refused", fd);
	len = sizeof(port);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &port, &len);
	printf("SO_ERROR %s\n", strerrorname_np(port));
	SHOW(write(fd, "x", 1));
	close(fd);
	((struct sockaddr_in *)&ss)->sin_addr.s_addr = htonl(0xe0000001);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(fd, (void *)&ss, sizeof(struct sockaddr_in)));
	close(fd);
}

static void streams(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int l = listener(family, 5), c, s, n = -1;

	printf("-- streams of %s\n", family == AF_INET ? "AF_INET" : "AF_INET6");
	show_poll("listening", l);
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept(l, NULL, NULL));
	SHOW(fcntl(l, F_SETFL, 0));
	c = socket(family, SOCK_STREAM, 0);
	SHOW(connect_to(c, l));
	SHOW(connect_to(c, l));
	wait_for(l, POLLIN);
	show_poll("listening, one came", l);
	WORKS(s = accept4(l, (void *)&ss, &len, SOCK_CLOEXEC));
	printf("len %u, family %d, cloexec %d, flags %#x\n", len, ss.ss_family, fcntl(s, F_GETFD),
	       fcntl(s, F_GETFL));
	SHOW(accept4(l, NULL, NULL, 1));
	show_poll("connected", c);
	SHOW(write(c, "hello", 5));
	wait_for(s, POLLIN);
	show_poll("readable", s);
	SHOW(ioctl(s, FIONREAD, &n));
	printf("%d bytes\n", n);
	SHOW(recv(s, big, 3, MSG_PEEK));
	SHOW(read(s, big, 3));
	SHOW(recv(s, big, 100, MSG_DONTWAIT));
	SHOW(recv(s, big, 100, MSG_DONTWAIT));
	SHOW(send(c, "abcdef", 6, 0));
	SHOW(recv(s, big, 4, MSG_WAITALL));
	len = sizeof(ss);
	SHOW(recvfrom(s, big, 4, 0, (void *)&ss, &len));
	printf("%.2s, len %u\n", big, len);
	SHOW(send(c, "abcdef", 6, MSG_OOB));
	wait_for(s, POLLPRI);
	show_poll("out of band", s);
	SHOW(read(s, big, 100));
	SHOW(recv(s, big, 100, MSG_OOB));
	printf("%c\n", big[0]);
	SHOW(recv(s, big, 100, MSG_OOB));
	SHOW(write(c, nowhere, 5));
	SHOW(write(c, "xyz", 3));
	SHOW(read(s, nowhere, 5));
	SHOW(read(s, big, 5));
	SHOW(send(c, "123456", 6, 0));
	SHOW(recv(s, NULL, 4, MSG_TRUNC | MSG_WAITALL));
	SHOW(recv(s, big, 4, 0));
	SHOW(shutdown(c, SHUT_WR));
	wait_for(s, POLLIN);
	show_poll("the other end shut", s);
	SHOW(read(s, big, 5));
	signal(SIGPIPE, on_signal);
	SHOW(write(c, "x", 1));
	SHOW(send(c, "x", 1, MSG_NOSIGNAL));
	SHOW(write(s, "back", 4));
	SHOW(read(c, big, 9));
	close(s);
	wait_for(c, POLLHUP);
	show_poll("closed", c);
	close(c);
	close(l);
}

/* More than any buffer holds, each way, and who waits for it. */
static void flood(void)
{
	int s[2], status;
	long sum = 0, got, n;

	puts("-- flood");
	connection(AF_INET, SOCK_STREAM, s);
	for (n = 0; n < (long)sizeof(big); n++)
		big[n] = n * 7 + (n >> 9);
	if (!fork()) {
		close(s[0]);
		for (int i = 0; i < 4; i++)
			if (write(s[1], big, sizeof(big)) != sizeof(big))
				exit(1);
		exit(0);
	}
	close(s[1]);
	while ((n = read(s[0], big, 100000)) > 0)
		for (got = 0; got < n; got++)
			sum += (unsigned char)big[got];
	wait(&status);
	printf("sum %ld, status %d\n", sum, status);
	close(s[0]);
	connection(AF_INET, SOCK_STREAM, s);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	for (sum = 0; (n = write(s[1], big, 65536)) > 0;)
		sum += n;
	printf("full: %s, %d\n", strerrorname_np(errno), sum > 100000);
	show_poll("full", s[1]);
	if (!fork()) {
		close(s[1]);
		usleep(20000);
		for (got = 0; got < sum && (n = recv(s[0], big, 1 << 20, MSG_WAITALL)) > 0;)
			got += n;
		printf("drained %d\n", got == sum + 3);
		exit(0);
	}
	close(s[0]);
	fcntl(s[1], F_SETFL, 0);
	wait_for(s[1], POLLOUT);
	SHOW(write(s[1], "end", 3));
	close(s[1]);
	wait(NULL);
}

static void times(void)
{
	struct timeval tv = {0, 30000};
	struct sigaction sa = {.sa_handler = on_signal};
	int s[2], l = listener(AF_INET, 1);

	puts("-- times and signals");
	connection(AF_INET, SOCK_STREAM, s);
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(read(s[0], big, 1));
	SHOW(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(accept(l, NULL, NULL));
	sigaction(SIGALRM, &sa, NULL);
	signals_when_asleep(SIGALRM);
	SHOW(read(s[1], big, 1));
	wait(NULL);
	signals_when_asleep(SIGALRM);
	tv.tv_sec = 10;
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	SHOW(read(s[0], big, 1)); /* with a time, none goes on */
	wait(NULL);
	fflush(stdout);
	if (!fork()) {
		until_asleep(getppid());
		kill(getppid(), SIGALRM);
		until_asleep(getppid());
		write(s[0], "z", 1);
		_exit(0);
	}
	SHOW(read(s[1], big, 1));
	wait(NULL);
	setsockopt(s[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	close(s[0]);
	close(s[1]);
	close(l);
}

static void resets(void)
{
	struct linger lg = {1, 0};
	int s[2];

	puts("-- resets");
	connection(AF_INET, SOCK_STREAM, s);
	setsockopt(s[0], SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(s[0]);
	wait_for(s[1], POLLHUP);
	show_poll("reset", s[1]);
	SHOW(write(s[1], "x", 1));
	SHOW(write(s[1], "x", 1));
	SHOW(read(s[1], big, 1));
	close(s[1]);
	connection(AF_INET, SOCK_STREAM, s);
	lg.l_linger = 5;
	setsockopt(s[0], SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	write(s[0], "last words", 10);
	close(s[0]);
	SHOW(recv(s[1], big, 100, MSG_WAITALL));
	close(s[1]);
}

static void datagrams(int family)
{
	struct sockaddr_storage ss, from;
	socklen_t len, fromlen = sizeof(from);
	int a = bound(family, SOCK_DGRAM), b = bound(family, SOCK_DGRAM), n;

	printf("-- datagrams of %s\n", family == AF_INET ? "AF_INET" : "AF_INET6");
	len = name_of(a, &ss);
	show_poll("fresh", a);
	SHOW(send(b, "x", 1, 0));
	SHOW(sendto(b, "hello", 5, 0, (void *)&ss, len));
	SHOW(sendto(b, "", 0, 0, (void *)&ss, len));
	wait_for(a, POLLIN);
	show_poll("readable", a);
	SHOW(ioctl(a, FIONREAD, &n));
	printf("%d bytes\n", n);
	SHOW(recvfrom(a, big, 3, MSG_PEEK | MSG_TRUNC, (void *)&from, &fromlen));
	SHOW(recvfrom(a, big, 3, 0, (void *)&from, &fromlen));
	printf("len %u, family %d, from b %d\n", fromlen, from.ss_family, same_port(&from, b));
	SHOW(recv(a, big, 3, 0));
	SHOW(recv(a, big, 3, MSG_DONTWAIT));
	SHOW(sendto(b, big, 65536, 0, (void *)&ss, len));
	SHOW(sendto(b, big, 70000, 0, (void *)&ss, len));
	SHOW(sendto(b, big, 5, 0, (void *)&ss, 3));
	SHOW(sendto(b, nowhere, 5, 0, (void *)&ss, len));
	SHOW(connect(b, (void *)&ss, len));
	SHOW(getpeername(b, (void *)&from, &fromlen));
	SHOW(send(b, big, 60000, 0));
	SHOW(recv(a, nowhere, 100, 0));
	SHOW(send(b, big, 60000, 0));
	SHOW(recv(a, big + 100000, 100000, 0));
	printf("same %d\n", !memcmp(big, big + 100000, 60000));
	close(a);
	SHOW(send(b, "x", 1, 0));
	wait_for(b, POLLERR);
	show_poll("refused", b);
	SHOW(recv(b, big, 1, MSG_DONTWAIT));
	SHOW(recv(b, big, 1, MSG_DONTWAIT));
	SHOW(shutdown(b, SHUT_WR));
	SHOW(send(b, "x", 1, 0));
	SHOW(listen(b, 1));
	SHOW(accept(b, NULL, NULL));
	close(b);
}

/* --- one thread sleeps in a call, and the other does something to the socket --------------------- */

static int sleeper_fd;

static void *sleep_in_accept(void *what)
{
	show(what, accept(sleeper_fd, NULL, NULL));
	return NULL;
}

static void *sleep_in_recv(void *what)
{
	show(what, recv(sleeper_fd, big, 100, 0));
	return NULL;
}

static pthread_t sleeper(void *(*fn)(void *), int fd, const char *what)
{
	pthread_t t;

	sleeper_fd = fd;
	if (pthread_create(&t, NULL, fn, (void *)what))
		exit(1);
	until_others_asleep();
	return t;
}

static void threads(void)
{
	int s[2], l = listener(AF_INET, 5), u = bound(AF_INET, SOCK_DGRAM);
	struct sockaddr_storage ss;
	socklen_t len = name_of(u, &ss);
	pthread_t t;

	puts("-- threads");
	t = sleeper(sleep_in_accept, l, "accept, and it is shut");
	shutdown(l, SHUT_RD);
	pthread_join(t, NULL);
	connection(AF_INET, SOCK_STREAM, s);
	t = sleeper(sleep_in_recv, s[0], "recv, and bytes come");
	write(s[1], "abc", 3);
	pthread_join(t, NULL);
	t = sleeper(sleep_in_recv, s[0], "recv, and it is shut");
	shutdown(s[0], SHUT_RD);
	pthread_join(t, NULL);
	t = sleeper(sleep_in_recv, u, "recv, and a datagram comes");
	sendto(u, "hello", 5, 0, (void *)&ss, len);
	pthread_join(t, NULL);
	close(s[0]);
	close(s[1]);
	close(l);
	close(u);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, on_signal);
	making();
	naming();
	not_connected();
	streams(AF_INET);
	streams(AF_INET6);
	flood();
	times();
	resets();
	datagrams(AF_INET);
	datagrams(AF_INET6);
	threads();
	return 0;
}

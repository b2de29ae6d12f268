/* Many connections at once on loopback: an echo server that waits with epoll, and a client that waits with poll.
 *   inet_many serve N FILE   the port goes to FILE; ends after N connections, printing what it echoed
 *   inet_many ask N FILE     N connections, all open before the first speaks; the port from FILE
 *   inet_many both N         the two, as two processes
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "inet_pair.h"

#define MAX_CONNECTIONS 2000
#define WORDS 2500 /* bytes a connection sends */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- the server ------------------------------------------------------------------------------- */

static long echoed;

/* Takes what is there, and gives it back. 1: that was all. */
static int echo(int fd)
{
	char buf[4096];
	ssize_t n, done, put;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (done = 0; done < n; done += put) {
			put = write(fd, buf + done, n - done);
			if (put < 0)
				die("write");
		}
		echoed += n;
	}
	if (n < 0 && errno != EAGAIN)
		die("read");
	return !n;
}

static void accept_all(int ep, int l)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
	int fd;

	while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		ev.data.fd = fd;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
			die("epoll_ctl");
	}
	if (errno != EAGAIN)
		die("accept4");
}

static void serve(int l, int connections)
{
	struct epoll_event ev[64] = {{.events = EPOLLIN, .data.fd = l}};
	int ep = epoll_create1(0), ended = 0, n;

	fcntl(l, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, l, ev))
		die("epoll_ctl");
	while (ended < connections) {
		n = epoll_wait(ep, ev, 64, 30000);
		if (n <= 0)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == l) {
				accept_all(ep, l);
			} else if (echo(ev[i].data.fd)) {
				close(ev[i].data.fd);
				ended++;
			}
		}
	}
	printf("served %d, echoed %ld\n", ended, echoed);
}

/* --- the client ------------------------------------------------------------------------------- */

static struct conn {
	int sent, got;
	unsigned sum;
} conns[MAX_CONNECTIONS];

static unsigned char byte_of(int conn, int at)
{
	return conn * 31 + at * 7 + (at >> 5);
}

static void speak(struct pollfd *p, int i)
{
	unsigned char buf[1000];
	struct conn *c = &conns[i];
	ssize_t n;

	if (p->revents & POLLOUT) {
		for (n = 0; n < (ssize_t)sizeof(buf) && c->sent + n < WORDS; n++)
			buf[n] = byte_of(i, c->sent + n);
		n = write(p->fd, buf, n);
		if (n < 0 && errno != EAGAIN)
			die("write");
		c->sent += n > 0 ? n : 0;
		if (c->sent == WORDS) {
			p->events = POLLIN;
			shutdown(p->fd, SHUT_WR);
		}
	}
	if (!(p->revents & (POLLIN | POLLHUP)))
		return;
	n = read(p->fd, buf, sizeof(buf));
	if (n < 0 && errno != EAGAIN)
		die("read");
	for (ssize_t k = 0; k < n; k++)
		c->sum += buf[k] == byte_of(i, c->got++);
	if (!n) {
		close(p->fd);
		p->fd = -1;
	}
}

static void ask(int port, int connections)
{
	static struct pollfd p[MAX_CONNECTIONS];
	struct sockaddr_storage ss;
	socklen_t len = loopback(AF_INET, &ss);
	long right = 0;
	int open;

	((struct sockaddr_in *)&ss)->sin_port = port;
	for (int i = 0; i < connections; i++) {
		p[i] = (struct pollfd){socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
				       POLLIN | POLLOUT, 0};
		if (p[i].fd < 0)
			die("socket");
		if (connect(p[i].fd, (void *)&ss, len) && errno != EINPROGRESS)
			die("connect");
	}
	do {
		if (poll(p, connections, 30000) <= 0)
			die("poll");
		open = 0;
		for (int i = 0; i < connections; i++) {
			if (p[i].fd >= 0 && p[i].revents)
				speak(&p[i], i);
			open += p[i].fd >= 0;
		}
	} while (open);
	for (int i = 0; i < connections; i++)
		right += conns[i].sum;
	printf("asked %d, %ld right bytes\n", connections, right);
}

/* The port that a server in another process has written to @file; it may still be about to. */
static int port_from(const char *file)
{
	int port = 0;

	for (int tries = 0; tries < 3000; tries++) {
		FILE *f = fopen(file, "r");
		int n = f ? fscanf(f, "%d.", &port) : 0;

		if (f)
			fclose(f);
		if (n == 1)
			return port;
		usleep(10000);
	}
	fprintf(stderr, "no port in %s\n", file);
	exit(1);
}

int main(int argc, char **argv)
{
	struct rlimit rl;
	int n = argc > 2 ? atoi(argv[2]) : 0, l, status = 0;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (n < 1 || n > MAX_CONNECTIONS)
		return 2;
	if (argc > 3 && !strcmp(argv[1], "ask")) {
		ask(port_from(argv[3]), n);
		return 0;
	}
	l = listener(AF_INET, 1000);
	if (argc > 3) {
		FILE *f = fopen(argv[3], "w");

		if (!f || fprintf(f, "%d.\n", port_of(l)) < 0 || fclose(f))
			die(argv[3]);
		serve(l, n);
		return 0;
	}
	if (!fork()) {
		int port = port_of(l);

		close(l);
		ask(port, n);
		return 0;
	}
	serve(l, n);
	wait(&status);
	return status != 0;
}

/* Epolls that watch epolls: circles, depth, how many paths; and files of the host's. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static int add(int ep, int fd, unsigned events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int count(int ep)
{
	struct epoll_event ev[4];

	return epoll_wait(ep, ev, 4, 0);
}

static void circles(void)
{
	int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0);
	int chain[8];

	SHOW(add(a, a, EPOLLIN));
	SHOW(add(a, b, EPOLLIN));
	SHOW(add(b, a, EPOLLIN));
	SHOW(add(b, c, EPOLLIN));
	SHOW(add(c, a, EPOLLIN));
	SHOW(add(a, c, EPOLLIN));
	SHOW(add(c, b, EPOLLIN | EPOLLEXCLUSIVE));
	close(b);
	SHOW(add(c, a, EPOLLIN));
	close(a);
	close(c);
	for (int i = 0; i < 8; i++) {
		chain[i] = epoll_create1(0);
		if (i)
			show("down", add(chain[i - 1], chain[i], EPOLLIN));
	}
	for (int i = 0; i < 8; i++)
		close(chain[i]);
	for (int i = 0; i < 8; i++) {
		chain[i] = epoll_create1(0);
		if (i)
			show("up", add(chain[i], chain[i - 1], EPOLLIN));
	}
	for (int i = 0; i < 8; i++)
		close(chain[i]);
	/* Two chains of three that would become one of six. */
	for (int i = 0; i < 6; i++) {
		chain[i] = epoll_create1(0);
		if (i % 3)
			show("part", add(chain[i - 1], chain[i], EPOLLIN));
	}
	SHOW(add(chain[2], chain[3], EPOLLIN));
	SHOW(add(chain[1], chain[3], EPOLLIN));
	SHOW(add(chain[0], chain[3], EPOLLIN));
	for (int i = 0; i < 6; i++)
		close(chain[i]);
}

static void readiness(void)
{
	int top = epoll_create1(0), mid = epoll_create1(0), low = epoll_create1(0);
	int fd = eventfd(0, 0);
	struct pollfd p = {top, POLLIN, 0};
	unsigned long long v;
	pid_t pid;

	add(top, mid, EPOLLIN);
	add(mid, low, EPOLLIN | EPOLLET);
	add(low, fd, EPOLLIN);
	SHOW(count(top));
	SHOW(poll(&p, 1, 0));
	eventfd_write(fd, 1);
	SHOW(poll(&p, 1, 0));
	SHOW(count(top));
	SHOW(count(mid));
	SHOW(count(mid));
	SHOW(count(top));
	SHOW(count(low));
	SHOW(count(low));
	SHOW(read(fd, &v, 8) == 8);
	SHOW(count(low));
	SHOW(count(top));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(10000);
		_exit(eventfd_write(fd, 1));
	}
	SHOW(poll(&p, 1, -1));
	SHOW(count(top));
	waitpid(pid, NULL, 0);
	close(fd);
	SHOW(poll(&p, 1, 0));
	close(low);
	close(mid);
	SHOW(count(top));
	close(top);
}

/* One file below very many epolls that all are watched: more than 500 paths of length two. */
static void paths(void)
{
	int fd = eventfd(0, 0), top = epoll_create1(0), mid[600], n = 0, err = 0;

	for (; n < 600 && !err; n++) {
		mid[n] = epoll_create1(0);
		err = add(mid[n], fd, EPOLLIN) || add(top, mid[n], EPOLLIN) ? errno : 0;
	}
	printf("after %d: %s\n", n, err ? strerrorname_np(err) : "no error");
	while (n)
		close(mid[--n]);
	close(top);
	close(fd);
}

/* A pipe that is the host's in Vellum: this program's standard input, which a shell gives it. */
static void inherited(void)
{
	int ep = epoll_create1(0);
	char c;

	SHOW(add(ep, 0, EPOLLIN));
	SHOW(poll(&(struct pollfd){ep, POLLIN, 0}, 1, 5000));
	SHOW(count(ep));
	SHOW(read(0, &c, 1));
	SHOW(count(ep));
	close(ep);
	ep = epoll_create1(0);
	SHOW(add(ep, 0, EPOLLIN | EPOLLET));
	SHOW(count(ep));
	SHOW(count(ep));
	SHOW(read(0, &c, 1));
	SHOW(count(ep));
	while (read(0, &c, 1) == 1)
		;
	close(ep);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		inherited();
		return 0;
	}
	circles();
	readiness();
	paths();
	return 0;
}

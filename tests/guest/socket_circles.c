/* Random sockets sent through each other: socket_circles SEED ROUNDS. With every socket goes the writing end of a pipe;
 * when all descriptors are closed the reading end sees the end of file, whatever circles of messages were left. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NR 10
#define STEPS 60

union control {
	struct cmsghdr h;
	char room[CMSG_SPACE(4 * sizeof(int))];
};

static int slot[NR]; /* -1: none */
static int names;

static void drop(int i)
{
	if (slot[i] >= 0)
		close(slot[i]);
	slot[i] = -1;
}

/* As a descriptor that never waits. */
static void keep(int i, int fd)
{
	slot[i] = fd;
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void send_two(int over, int a, int b)
{
	union control c = {.h = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {"c", 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
	int fds[2] = {a, b};

	m.msg_controllen = CMSG_SPACE(sizeof(fds));
	memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
	sendmsg(over, &m, MSG_NOSIGNAL); /* it may be full, or not connected */
}

/* The socket that a message brought, or -1. */
static int receive_one(int from)
{
	char byte;
	union control c;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
	int fds[2];

	m.msg_controllen = sizeof(c);
	if (recvmsg(from, &m, 0) <= 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(fds, CMSG_DATA(&c.h), sizeof(fds));
	close(fds[1]);
	return fds[0];
}

static void make_pair(int i, int j)
{
	int s[2];

	if (socketpair(AF_UNIX, rand() % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, s))
		exit(1);
	keep(i, s[0]);
	keep(j, s[1]);
}

/* A listener, and a connection that waits in it. */
static void make_listener(int i, int j)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t) + 1;

	len += sprintf(un.sun_path + 1, "circle %d %d", getpid(), names++);
	keep(i, socket(AF_UNIX, SOCK_STREAM, 0));
	keep(j, socket(AF_UNIX, SOCK_STREAM, 0));
	if (bind(slot[i], (void *)&un, len) || listen(slot[i], 3) ||
	    connect(slot[j], (void *)&un, len))
		exit(1);
}

static void step(int pipe_end)
{
	int i = rand() % NR, j = rand() % NR, what = rand() % 12;

	if (slot[i] < 0) {
		if (slot[j] >= 0 || i == j)
			return;
		if (what < 6)
			make_pair(i, j);
		else
			make_listener(i, j);
	} else if (slot[j] >= 0 && what < 8) {
		send_two(slot[i], slot[j], pipe_end);
		if (what < 4)
			drop(j);
	} else if (slot[j] < 0 && what < 6) {
		keep(j, receive_one(slot[i]));
	} else if (slot[j] < 0 && what < 10) {
		keep(j, accept(slot[i], NULL, NULL));
	} else {
		drop(i);
	}
}

/* Closing a socket looks for what is lost; Linux does it a bit later. */
static int all_closed(int reading)
{
	int s[2];
	char c;

	for (int i = 0; i < 2000; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
			exit(1);
		close(s[0]);
		close(s[1]);
		if (!read(reading, &c, 1))
			return 1;
		usleep(1000);
	}
	return 0;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

int main(int argc, char **argv)
{
	int p[2], first = next_descriptor();

	if (argc < 3)
		return 2;
	srand(atoi(argv[1]));
	for (int round = 0; round < atoi(argv[2]); round++) {
		if (pipe2(p, O_NONBLOCK))
			return 1;
		for (int i = 0; i < NR; i++)
			slot[i] = -1;
		for (int i = 0; i < STEPS; i++)
			step(p[1]);
		for (int i = 0; i < NR; i++)
			drop(i);
		close(p[1]);
		if (!all_closed(p[0]))
			printf("round %d: something is still open\n", round);
		close(p[0]);
	}
	printf("descriptors lost %d\n", next_descriptor() != first);
	return 0;
}

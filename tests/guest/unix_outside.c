/* A server and a client of AF_UNIX that talk by paths, each natively or in Vellum: tests/scripts/loopback.sh.
 *   unix_outside serve PATH   a stream at PATH.stream, datagrams at PATH.dgram: one client each
 *   unix_outside ask PATH     that client; waits until they are there
 * With one more argument there are no datagrams, and the server sends a file. Bytes go both ways, and
 * descriptors: a file from the client, a pipe from the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_un path_of(const char *base, const char *kind)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s.%s", base, kind);
	return un;
}

static void send_fd(int s, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = "";
	struct iovec iov = {"fd", 2};
	struct msghdr h = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct cmsghdr *c = (void *)control;

	*c = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(s, &h, 0) != 2)
		die("sendmsg");
	close(fd);
}

static void show_fd(int s)
{
	char control[256], buf[64] = "";
	struct iovec iov = {buf, 2};
	struct msghdr h = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct cmsghdr *c = (void *)control;
	int fd;

	if (recvmsg(s, &h, MSG_CMSG_CLOEXEC) != 2)
		die("recvmsg");
	if (h.msg_controllen < CMSG_LEN(sizeof(fd)) || c->cmsg_type != SCM_RIGHTS) {
		puts("no descriptor came");
		return;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	memset(buf, 0, sizeof(buf));
	if (read(fd, buf, 12) < 0)
		die("read of what came");
	printf("%.2s: %s, cloexec %d\n", "fd", buf, fcntl(fd, F_GETFD));
	close(fd);
}

static int bound(const char *base, const char *kind, int type)
{
	struct sockaddr_un un = path_of(base, kind);
	int s = socket(AF_UNIX, type, 0);

	unlink(un.sun_path);
	if (bind(s, (void *)&un, sizeof(un)))
		die("bind");
	return s;
}

static int some_pipe(void)
{
	int p[2];

	if (pipe(p) || write(p[1], "by a pipe", 9) != 9)
		die("pipe");
	close(p[1]);
	return p[0];
}

static int some_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "from a file", 11) != 11)
		die(path);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void serve(const char *base, int streams)
{
	int d = streams ? -1 : bound(base, "dgram", SOCK_DGRAM);
	int l = bound(base, "stream", SOCK_STREAM), s;
	struct pollfd pf = {l, POLLIN, 0};
	char buf[100] = "";

	if (listen(l, 5))
		die("listen");
	poll(&pf, 1, 30000);
	printf("somebody came: %#x\n", pf.revents);
	s = accept(l, NULL, NULL);
	if (s < 0 || read(s, buf, 99) < 0)
		die("accept");
	printf("server got: %s\n", buf);
	if (write(s, "an answer", 9) != 9)
		die("write");
	show_fd(s);
	send_fd(s, streams ? some_file("sent") : some_pipe());
	for (int i = 0; i < 2 && !streams; i++) {
		memset(buf, 0, sizeof(buf));
		if (recv(d, buf, 99, 0) < 0)
			die("recv");
		printf("server got: %s\n", buf);
	}
	printf("the end: %zd\n", read(s, buf, 1));
}

static int connected(const char *base, const char *kind, int type)
{
	struct sockaddr_un un = path_of(base, kind);
	int s = socket(AF_UNIX, type, 0);

	for (int tries = 0; connect(s, (void *)&un, sizeof(un)); tries++) {
		if (tries == 3000 || (errno != ENOENT && errno != ECONNREFUSED))
			die(un.sun_path);
		usleep(10000);
	}
	return s;
}

static void ask(const char *base, int streams)
{
	struct sockaddr_un un = path_of(base, "dgram");
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	int s = connected(base, "stream", SOCK_STREAM), d = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct pollfd p = {s, POLLIN | POLLOUT, 0};
	char buf[100] = "";

	printf("poll %d", poll(&p, 1, 0));
	printf(", revents %#x\n", p.revents);
	if (write(s, "a question", 10) != 10)
		die("write");
	p.events = POLLIN;
	poll(&p, 1, 10000);
	printf("client got: %.*s\n", (int)read(s, buf, 99), buf);
	printf("SO_PEERCRED %d", getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	printf(", pid %d\n", cred.pid > 0);
	send_fd(s, some_file(base));
	show_fd(s);
	if (streams)
		return;
	if (sendto(d, "to a name", 9, 0, (void *)&un, sizeof(un)) != 9)
		die("sendto");
	close(d);
	d = connected(base, "dgram", SOCK_DGRAM);
	if (send(d, "connected", 9, 0) != 9)
		die("send");
	shutdown(s, SHUT_WR);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc < 3)
		return 2;
	(strcmp(argv[1], "serve") ? ask : serve)(argv[2], argc > 3);
	return 0;
}

/* Datagram sockets of AF_UNIX that have names, with a peer natively or in Vellum: tests/scripts/loopback.sh, root.sh.
 *   unix_names serve PATH               answers two messages, and says whose they are
 *   unix_names ask PATH OWN before|after    has the name OWN before or after it connects to PATH; another thread waits for
 *                                       the answer since before that
 *   unix_names leave PATH OUT           is connected to PATH, and then tries to reach OUT, out of its root
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int s;

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	return un;
}

static void say(const char *what, long ret)
{
	printf("%s: %s\n", what, ret < 0 ? strerrorname_np(errno) : "done");
}

static int bind_to(const char *path)
{
	struct sockaddr_un un = name_of(path);

	return bind(s, (void *)&un, sizeof(un));
}

static int connect_to(const char *path)
{
	struct sockaddr_un un = name_of(path);

	return connect(s, (void *)&un, sizeof(un));
}

static void serve(const char *path)
{
	struct pollfd pf = {s, POLLIN, 0};
	struct sockaddr_un from;
	char buf[100];

	unlink(path);
	say("bind", bind_to(path));
	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(from);
		long n = poll(&pf, 1, 20000) == 1
				 ? recvfrom(s, buf, sizeof(buf), 0, (void *)&from, &len)
				 : -1;

		if (n < 0)
			exit(1);
		printf("%.*s from %s\n", (int)n, buf, strrchr(from.sun_path, '/'));
		say("answer", sendto(s, "an answer", 9, 0, (void *)&from, len));
	}
}

static void *wait_for_answer(void *unused)
{
	char buf[100];
	long n = recv(s, buf, sizeof(buf), 0);

	printf("received %.*s\n", n < 0 ? 0 : (int)n, buf);
	return unused;
}

static void ask(const char *path, const char *own, int before)
{
	struct sockaddr_un mine = {0};
	socklen_t len = sizeof(mine);
	pthread_t t;

	unlink(own);
	if (before)
		say("bind", bind_to(own));
	pthread_create(&t, NULL, wait_for_answer, NULL);
	usleep(50000);
	for (int i = 0; i < 500 && connect_to(path); i++)
		usleep(20000);
	if (!before)
		say("bind", bind_to(own));
	say("another name", bind_to("another"));
	getsockname(s, (void *)&mine, &len);
	printf("own name: %s, %u\n", mine.sun_path, len - (unsigned)strlen(own));
	say("send", send(s, "a question", 10, 0));
	pthread_join(t, NULL);
	unlink("another");
}

static void leave(const char *path, const char *out)
{
	struct sockaddr_un un = name_of(out);
	char node[100];

	say("connect", connect_to(path));
	snprintf(node, sizeof(node), "%s.made", out);
	say("sendto", sendto(s, "out", 3, 0, (void *)&un, sizeof(un)));
	say("bind", bind_to(node));
	say("connect", connect_to(out));
	un.sun_path[0] = '\0'; /* abstract */
	say("connect", connect(s, (void *)&un, sizeof(un)));
}

int main(int argc, char **argv)
{
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (argc > 4)
		ask(argv[2], argv[3], argv[4][0] == 'b');
	else if (argc > 3)
		leave(argv[2], argv[3]);
	else if (argc > 2)
		serve(argv[2]);
	return 0;
}

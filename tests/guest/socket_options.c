/* Options of sockets, one by one: what each family says to each value and length, and reads back. */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "report.h"
#include "socket_pair.h"

#define SO_TIMESTAMP_NEW_K 63
#define SO_BUF_LOCK_K 72

/* Those that Linux 5.16 knows. Not there: filters, time stamps of the hardware, what depends on the machine. */
static const int names[] = {
	SO_DEBUG,
	SO_REUSEADDR,
	SO_TYPE,
	SO_ERROR,
	SO_DONTROUTE,
	SO_BROADCAST,
	SO_SNDBUF,
	SO_RCVBUF,
	SO_KEEPALIVE,
	SO_OOBINLINE,
	SO_NO_CHECK,
	SO_PRIORITY,
	SO_LINGER,
	SO_BSDCOMPAT,
	SO_PASSCRED,
	SO_RCVLOWAT,
	SO_SNDLOWAT,
	SO_TIMESTAMP,
	SO_ACCEPTCONN,
	SO_PROTOCOL,
	SO_DOMAIN,
	SO_RXQ_OVFL,
	SO_PEEK_OFF,
	SO_NOFCS,
	SO_TIMESTAMPNS,
	SO_LOCK_FILTER,
	SO_SELECT_ERR_QUEUE,
	SO_MAX_PACING_RATE,
	SO_INCOMING_CPU,
	SO_CNX_ADVICE,
	SO_BINDTOIFINDEX,
	SO_TIMESTAMP_NEW_K,
	64,
	66,
	67,
	SO_BUF_LOCK_K,
	SO_RCVTIMEO,
	SO_SNDTIMEO,
	58,
	200,
	-1,
};

static int made(int family, int type)
{
	int s[2];

	if (family != AF_UNIX)
		return socket(family, type, 0);
	pair(type, s);
	close(s[1]);
	return s[0];
}

static void read_back(int fd, int level, int name, socklen_t len)
{
	unsigned char b[64];
	int ret;

	memset(b, 0xee, sizeof(b));
	ret = getsockopt(fd, level, name, b, &len);
	if (ret) {
		printf(" %s", strerrorname_np(errno));
		return;
	}
	printf(" %u:", len);
	for (socklen_t i = 0; i < len && i < 16; i++)
		printf("%02x", b[i]);
}

static void try_option(int fd, int level, int name)
{
	static const int values[] = {1, 0, -1, 6, 70000};
	static const socklen_t lengths[] = {0, 3, 4, 8, 16};
	int v[4] = {0};

	printf("%d/%d:", level, name);
	for (unsigned i = 0; i < 5; i++)
		read_back(fd, level, name, lengths[i]);
	puts("");
	for (unsigned i = 0; i < 25; i++) {
		v[0] = values[i / 5];
		errno = 0;
		if (setsockopt(fd, level, name, v, lengths[i % 5]))
			printf(" %s", strerrorname_np(errno));
		else
			read_back(fd, level, name, 16);
	}
	puts("");
}

static void family(const char *what, int af, int type)
{
	int fd;

	printf("-- %s\n", what);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = made(af, type);
		try_option(fd, SOL_SOCKET, names[i]);
		close(fd);
	}
	for (int level = -1; level < 300; level += 7) { /* nobody's, nearly all of them */
		fd = made(af, type);
		try_option(fd, level, 64);
		close(fd);
	}
}

/* A message tells when it came. */
static void stamps(int option, size_t size)
{
	union {
		char b[CMSG_SPACE(sizeof(struct timespec)) * 2];
		struct cmsghdr h;
	} c;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	int s[2], on = 1;
	struct cmsghdr *h;
	time_t sec;

	pair(SOCK_DGRAM, s);
	setsockopt(s[1], SOL_SOCKET, option, &on, sizeof(on));
	SHOW(send(s[0], "a", 1, 0));
	SHOW(recvmsg(s[1], &m, 0));
	h = CMSG_FIRSTHDR(&m);
	if (h) {
		memcpy(&sec, CMSG_DATA(h), sizeof(sec));
		printf("%d/%d: %zu of %zu, now %d\n", h->cmsg_level, h->cmsg_type,
		       h->cmsg_len - CMSG_LEN(0), size, labs(sec - time(NULL)) < 60);
	}
	printf("flags %#x, %zu\n", m.msg_flags, m.msg_controllen);
	close_pair(s);
}

/* The first of two is larger than there is room for: the second waits for another call. */
static void half_sent(void)
{
	static char big[1 << 20];
	struct iovec iov[2] = {{big, sizeof(big)}, {"x", 1}};
	struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}, .msg_len = 7},
			       {.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}, .msg_len = 7}};
	int s[2];

	puts("-- half sent");
	pair(SOCK_STREAM, s);
	SHOW(sendmmsg(s[0], m, 2, MSG_DONTWAIT));
	printf("%d %u\n", m[0].msg_len > 1000 && m[0].msg_len < sizeof(big), m[1].msg_len);
	close_pair(s);
}

int main(void)
{
	family("unix stream", AF_UNIX, SOCK_STREAM);
	family("unix dgram", AF_UNIX, SOCK_DGRAM);
	family("tcp", AF_INET, SOCK_STREAM);
	family("udp", AF_INET, SOCK_DGRAM);
	stamps(SO_TIMESTAMP, sizeof(struct timeval));
	stamps(SO_TIMESTAMPNS, sizeof(struct timespec));
	half_sent();
	return 0;
}

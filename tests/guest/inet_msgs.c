/* What sockets of AF_INET, AF_INET6 and AF_NETLINK carry beside bytes: options of all levels, control messages, error
 * queues, several messages a call, ioctls of devices, addresses by netlink; edges, filters, files sent. Only loopback is
 * looked at, and nothing is printed that is the host's alone. Making and connecting: inet.c. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inet_pair.h"
#include "report.h"

static char buf[1 << 17], *volatile nowhere = (char *)8;

static void wait_for(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	poll(&p, 1, 5000);
}

static void show_option(int fd, const char *what, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	printf("%s: ", what);
	if (getsockopt(fd, level, name, &v, &len))
		printf("%s\n", strerrorname_np(errno));
	else
		printf("%d, len %u\n", v, len);
}

#define OPTION(fd, level, name) show_option(fd, #name, level, name)
#define SET(fd, level, name, v)                                                                    \
	SHOW(setsockopt(fd, level, name, (int[]){v}, sizeof(int))), OPTION(fd, level, name)

static void options(void)
{
	struct timeval tv = {1, 500000};
	socklen_t len = sizeof(tv);
	int s[2], u = bound(AF_INET, SOCK_DGRAM), six = bound(AF_INET6, SOCK_DGRAM);

	puts("-- options");
	connection(AF_INET, SOCK_STREAM, s);
	OPTION(s[0], SOL_SOCKET, SO_TYPE);
	OPTION(s[0], SOL_SOCKET, SO_DOMAIN);
	OPTION(s[0], SOL_SOCKET, SO_PROTOCOL);
	OPTION(u, SOL_SOCKET, SO_PROTOCOL);
	OPTION(s[0], SOL_SOCKET, SO_ACCEPTCONN);
	OPTION(s[0], SOL_SOCKET, SO_ERROR);
	SET(s[0], SOL_SOCKET, SO_REUSEADDR, 1);
	SET(s[0], SOL_SOCKET, SO_REUSEPORT, 1);
	SET(s[0], SOL_SOCKET, SO_KEEPALIVE, 5);
	SET(s[0], SOL_SOCKET, SO_OOBINLINE, 1);
	SET(s[0], SOL_SOCKET, SO_SNDBUF, 30000);
	SET(s[0], SOL_SOCKET, SO_RCVBUF, 30000);
	SET(s[0], SOL_SOCKET, SO_RCVLOWAT, 3);
	SET(s[0], SOL_SOCKET, SO_PRIORITY, 4);
	SET(u, SOL_SOCKET, SO_BROADCAST, 1);
	SET(u, SOL_SOCKET, SO_TIMESTAMP, 1);
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	memset(&tv, 0, sizeof(tv));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	printf("%ld.%06ld, len %u\n", tv.tv_sec, tv.tv_usec, len);
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 4));
	SET(s[0], IPPROTO_TCP, TCP_NODELAY, 1);
	SET(s[0], IPPROTO_TCP, TCP_CORK, 1);
	SET(s[0], IPPROTO_TCP, TCP_KEEPIDLE, 77);
	SET(s[0], IPPROTO_TCP, TCP_KEEPCNT, 300);
	SET(s[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
	SET(s[0], IPPROTO_IP, IP_TTL, 33);
	SET(s[0], IPPROTO_IP, IP_TTL, 300);
	SET(s[0], IPPROTO_IP, IP_TOS, 16);
	SET(u, IPPROTO_IP, IP_PKTINFO, 1);
	SET(u, IPPROTO_IP, IP_RECVERR, 1);
	SET(u, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	SET(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	SET(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
	SET(u, IPPROTO_UDP, UDP_CORK, 0);
	OPTION(s[0], IPPROTO_UDP, UDP_CORK);
	OPTION(s[0], 12345, 1);
	OPTION(s[0], SOL_SOCKET, 5000);
	OPTION(s[0], IPPROTO_TCP, 5000);
	close(s[0]);
	close(s[1]);
	close(u);
	close(six);
}

static void long_options(void)
{
	char text[16] = "";
	struct tcp_info info;
	socklen_t len;
	int s[2];

	puts("-- longer options, and errors");
	connection(AF_INET, SOCK_STREAM, s);
	len = sizeof(text);
	SHOW(setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	SHOW(getsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, text, &len));
	printf("%.16s, len %u\n", text, len);
	SHOW(setsockopt(s[0], IPPROTO_TCP, TCP_CONGESTION, "nothing", 7));
	len = sizeof(info);
	SHOW(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &len));
	printf("state %u\n", info.tcpi_state);
	len = 2;
	SHOW(getsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, text, &len));
	len = -1;
	SHOW(getsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, text, &len));
	len = 4;
	SHOW(getsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, nowhere, &len));
	SHOW(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, nowhere, 4));
	SHOW(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, text, 1));
	SHOW(setsockopt(s[0], IPPROTO_TCP, TCP_NODELAY, text, -1));
	SHOW(setsockopt(open("/dev/null", O_RDWR), SOL_SOCKET, SO_DEBUG, text, 4));
	SHOW(setsockopt(99, SOL_SOCKET, SO_DEBUG, text, 4));
	if (!fork()) {
		setgid(65534);
		setuid(65534);
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_MARK, (int[]){5}, 4));
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_PRIORITY, (int[]){7}, 4));
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUFFORCE, (int[]){7}, 4));
		exit(0);
	}
	wait(NULL);
	close(s[0]);
	close(s[1]);
}

static void show_controls(struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		printf("control: level %d, type %d, len %lu\n", c->cmsg_level, c->cmsg_type,
		       (long)c->cmsg_len);
	printf("flags %#x, namelen %u, controllen %lu\n", h->msg_flags, h->msg_namelen,
	       (long)h->msg_controllen);
}

static void controls(void)
{
	struct sockaddr_storage from;
	char control[512];
	struct iovec iov[2] = {{buf, 3}, {buf + 100, 100}};
	struct msghdr h = {&from, sizeof(from), iov, 2, control, sizeof(control), 0};
	int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
	struct cmsghdr *c = (void *)control;

	puts("-- control messages");
	setsockopt(a, IPPROTO_IP, IP_PKTINFO, (int[]){1}, 4);
	setsockopt(a, IPPROTO_IP, IP_RECVTTL, (int[]){1}, 4);
	setsockopt(a, IPPROTO_IP, IP_RECVTOS, (int[]){1}, 4);
	setsockopt(a, SOL_SOCKET, SO_TIMESTAMP, (int[]){1}, 4);
	connect_to(b, a);
	send(b, "abcdefgh", 8, 0);
	SHOW(recvmsg(a, &h, 0));
	show_controls(&h);
	printf("%.3s %.5s\n", buf, buf + 100);
	send(b, "abcdefgh", 8, 0);
	h.msg_controllen = 20;
	h.msg_iovlen = 1;
	SHOW(recvmsg(a, &h, 0));
	printf("flags %#x\n", h.msg_flags);
	memset(control, 0, sizeof(control));
	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), IPPROTO_IP, IP_TTL};
	*(int *)CMSG_DATA(c) = 7;
	h = (struct msghdr){NULL, 0, iov, 1, control, CMSG_SPACE(sizeof(int)), 0};
	SHOW(sendmsg(b, &h, 0));
	h.msg_controllen = sizeof(control);
	SHOW(recvmsg(a, &h, 0));
	for (c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			printf("ttl %d\n", *(int *)CMSG_DATA(c));
	memset(control, 0, sizeof(control));
	c = (void *)control;
	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), IPPROTO_IP, IP_TTL};
	*(int *)CMSG_DATA(c) = 700;
	h.msg_controllen = CMSG_SPACE(sizeof(int));
	SHOW(sendmsg(b, &h, 0));
	c->cmsg_len = 3;
	SHOW(sendmsg(b, &h, 0));
	h.msg_control = nowhere;
	SHOW(sendmsg(b, &h, 0));
	close(a);
	setsockopt(b, IPPROTO_IP, IP_RECVERR, (int[]){1}, 4);
	SHOW(send(b, "lost", 4, 0));
	wait_for(b, POLLERR);
	h = (struct msghdr){&from, sizeof(from), iov, 1, control, sizeof(control), 0};
	SHOW(recvmsg(b, &h, MSG_ERRQUEUE));
	show_controls(&h);
	SHOW(recvmsg(b, &h, MSG_ERRQUEUE));
	close(b);
}

static void several(void)
{
	struct iovec iov[4];
	struct mmsghdr m[4] = {{{0}, 0}};
	struct timespec ts = {0, 20000000};
	int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);

	puts("-- several");
	connect_to(b, a);
	for (int i = 0; i < 4; i++) {
		iov[i] = (struct iovec){buf + 100 * i, 10 * i};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	SHOW(sendmmsg(b, m, 4, 0));
	printf("%u %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len, m[3].msg_len);
	for (int i = 0; i < 4; i++)
		iov[i].iov_len = 15;
	SHOW(recvmmsg(a, m, 3, 0, NULL));
	printf("%u %u %u, flags %#x\n", m[0].msg_len, m[1].msg_len, m[2].msg_len,
	       m[2].msg_hdr.msg_flags);
	SHOW(recvmmsg(a, m, 3, MSG_WAITFORONE, NULL));
	SHOW(recvmmsg(a, m, 3, MSG_DONTWAIT, &ts));
	SHOW(recvmmsg(a, (void *)nowhere, 3, MSG_DONTWAIT, NULL));
	close(a);
	close(b);
}

static void zerocopy(void)
{
	char control[128];
	struct iovec iov = {buf, 1000};
	struct msghdr h = {NULL, 0, &iov, 1, control, sizeof(control), 0};
	struct sock_extended_err *e;
	int s[2];

	puts("-- MSG_ZEROCOPY");
	connection(AF_INET, SOCK_STREAM, s);
	SHOW(send(s[0], buf, 1000, MSG_ZEROCOPY));
	SET(s[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	SET(s[0], SOL_SOCKET, SO_ZEROCOPY, 2);
	SHOW(send(s[0], buf, 1000, MSG_ZEROCOPY));
	SHOW(send(s[0], buf, 1000, MSG_ZEROCOPY));
	SHOW(recv(s[1], buf, 3000, MSG_WAITALL));
	usleep(10000);
	wait_for(s[0], POLLERR);
	SHOW(recvmsg(s[0], &h, MSG_ERRQUEUE));
	show_controls(&h);
	e = (void *)CMSG_DATA((struct cmsghdr *)control);
	printf("errno %u, origin %u, code %u, %u to %u\n", e->ee_errno, e->ee_origin, e->ee_code,
	       e->ee_info, e->ee_data);
	SHOW(recvmsg(s[0], &h, MSG_ERRQUEUE));
	close(s[0]);
	close(s[1]);
}

static void show_edges(int ep, const char *what)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, 100);

	printf("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		printf(" %#x", ev[i].events);
	puts("");
}

static void edges(void)
{
	struct epoll_event ev = {EPOLLIN | EPOLLRDHUP | EPOLLET, {0}};
	int s[2], ep = epoll_create1(0), l = listener(AF_INET, 5), c;

	puts("-- edges");
	connection(AF_INET, SOCK_STREAM, s);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev));
	show_edges(ep, "nothing");
	write(s[0], "abc", 3);
	show_edges(ep, "bytes");
	show_edges(ep, "the same");
	write(s[0], "abc", 3);
	show_edges(ep, "more bytes");
	SHOW(read(s[1], buf, 2));
	show_edges(ep, "some left");
	shutdown(s[0], SHUT_WR);
	show_edges(ep, "shut");
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev));
	c = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(c, l);
	show_edges(ep, "a connection");
	show_edges(ep, "the same");
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, s[1], NULL));
	close(c);
	close(l);
	close(ep);
	close(s[0]);
	close(s[1]);
}

/* Who asks for room alone hears of room alone. */
static void edges_of_room(void)
{
	struct epoll_event ev = {EPOLLOUT | EPOLLET, {0}};
	int s[2], ep = epoll_create1(0);

	puts("-- edges of room");
	connection(AF_INET, SOCK_STREAM, s);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev));
	show_edges(ep, "room at first");
	write(s[0], "abc", 3);
	show_edges(ep, "bytes came");
	read(s[1], buf, 3);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	while (write(s[1], buf, sizeof(buf)) > 0)
		;
	show_edges(ep, "full");
	write(s[0], "abc", 3);
	show_edges(ep, "full, and bytes came");
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100; i++) {
		while (read(s[0], buf, sizeof(buf)) > 0)
			;
		usleep(1000);
	}
	show_edges(ep, "room again");
	show_edges(ep, "the same");
	close(s[0]);
	show_edges(ep, "closed");
	close(s[1]);
	close(ep);
}

static void devices(void)
{
	struct ifreq r[40];
	struct ifconf ifc = {sizeof(r), {(void *)r}};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), un = socket(AF_UNIX, SOCK_DGRAM, 0), found = 0;
	struct ifaddrs *all, *i;

	puts("-- devices");
	SHOW(ioctl(fd, SIOCGIFCONF, &ifc));
	for (int n = 0; n < ifc.ifc_len / (int)sizeof(*r); n++)
		found += !strcmp(r[n].ifr_name, "lo");
	printf("lo %d\n", found);
	memset(r, 0, sizeof(r));
	strcpy(r->ifr_name, "lo");
	SHOW(ioctl(fd, SIOCGIFFLAGS, r));
	printf("flags %#x\n", r->ifr_flags);
	SHOW(ioctl(un, SIOCGIFFLAGS, r));
	SHOW(ioctl(un, SIOCGIFADDR, r));
	SHOW(ioctl(fd, SIOCGIFADDR, r));
	printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r->ifr_addr)->sin_addr));
	SHOW(ioctl(fd, SIOCGIFMTU, r));
	SHOW(ioctl(fd, SIOCGIFINDEX, r));
	printf("index %d, %u\n", r->ifr_ifindex, if_nametoindex("lo"));
	strcpy(r->ifr_name, "no such one");
	SHOW(ioctl(fd, SIOCGIFFLAGS, r));
	SHOW(ioctl(fd, SIOCGIFFLAGS, nowhere));
	SHOW(ioctl(fd, 0x12345678, r));
	SHOW(getifaddrs(&all));
	found = 0;
	for (i = all; i; i = i->ifa_next)
		if (!strcmp(i->ifa_name, "lo") && i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			found++;
	printf("lo %d\n", found);
	freeifaddrs(all);
	close(fd);
	close(un);
}

static void netlink(void)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} req = {{sizeof(req), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 7, 0}, {AF_UNSPEC}};
	struct nlmsghdr *h = (void *)buf;
	socklen_t len = sizeof(nl);
	int fd, more = 1, links = 0;
	long n;

	puts("-- netlink");
	SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
	SHOW(socket(AF_NETLINK, SOCK_RAW, 60));
	WORKS(fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	SHOW(bind(fd, (void *)&nl, sizeof(nl)));
	SHOW(getsockname(fd, (void *)&nl, &len));
	printf("len %u, family %d, port %d, groups %u\n", len, nl.nl_family, nl.nl_pid != 0,
	       nl.nl_groups);
	SHOW(recv(fd, buf, 100, MSG_DONTWAIT));
	SHOW(send(fd, &req, sizeof(req), 0));
	while (more && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (h = (void *)buf; NLMSG_OK(h, n) && more; h = NLMSG_NEXT(h, n)) {
			links += h->nlmsg_type == RTM_NEWLINK && h->nlmsg_seq == 7;
			more = h->nlmsg_type != NLMSG_DONE;
		}
	printf("links %d\n", links > 0);
	req.h.nlmsg_flags = NLM_F_REQUEST;
	req.h.nlmsg_type = 999;
	SHOW(send(fd, &req, sizeof(req), 0));
	n = recv(fd, buf, sizeof(buf), 0);
	h = (void *)buf;
	printf("type %u, error %s\n", h->nlmsg_type,
	       strerrorname_np(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
	close(fd);
}

static void files(void)
{
	char text[64];
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {1, &none};
	int s[2], p[2], fd = open("/proc/self/exe", O_RDONLY), u = bound(AF_INET, SOCK_DGRAM);
	long sent = 0, got = 0, n;

	puts("-- files and filters");
	connection(AF_INET, SOCK_STREAM, s);
	SHOW(readlink("/proc/self/fd/0", text, 0) >= 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", s[0]);
	n = readlink(text, buf, 100);
	printf("%.8s\n", n > 8 ? buf : "?");
	SHOW(open(text, O_RDWR));
	if (!fork()) {
		while ((n = recv(s[1], buf, sizeof(buf), 0)) > 0)
			got += n;
		printf("received %ld\n", got);
		exit(0);
	}
	while (sent < 300000 && (n = sendfile(s[0], fd, NULL, 100000)) > 0)
		sent += n;
	pipe(p);
	SHOW(write(p[1], "through a pipe", 14));
	SHOW(splice(p[0], NULL, s[0], NULL, 14, 0));
	shutdown(s[0], SHUT_RDWR);
	wait(NULL);
	close(s[0]);
	close(s[1]);
	SHOW(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	connect_to(u, u);
	SHOW(send(u, "filtered", 8, 0));
	usleep(1000);
	SHOW(recv(u, buf, 8, MSG_DONTWAIT));
	SHOW(setsockopt(u, SOL_SOCKET, SO_DETACH_FILTER, &prog, sizeof(prog)));
	SHOW(send(u, "let pass", 8, 0));
	SHOW(recv(u, buf, 8, 0));
	prog.filter = (void *)nowhere;
	SHOW(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	prog.len = 0;
	SHOW(setsockopt(u, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	close(u);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, on_signal);
	options();
	long_options();
	controls();
	several();
	zerocopy();
	edges();
	edges_of_room();
	devices();
	netlink();
	files();
	return 0;
}

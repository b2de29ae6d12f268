/* Sockets on loopback, for the programs that try those of AF_INET and AF_INET6. Ports are the host's choice. */
#ifndef INET_PAIR_H
#define INET_PAIR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The address without a port; its length. */
static inline socklen_t loopback(int family, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (void *)ss;
	struct sockaddr_in6 *in6 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = family;
	if (family == AF_INET) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	in6->sin6_addr = in6addr_loopback;
	return sizeof(*in6);
}

static inline socklen_t name_of(int fd, struct sockaddr_storage *ss)
{
	socklen_t len = sizeof(*ss);

	if (getsockname(fd, (void *)ss, &len))
		perror("getsockname");
	return len;
}

/* In network order; sin6_port lies where sin_port does. */
static inline int port_of(int fd)
{
	struct sockaddr_storage ss;

	name_of(fd, &ss);
	return ((struct sockaddr_in *)&ss)->sin_port;
}

static inline int same_port(const struct sockaddr_storage *ss, int fd)
{
	return ((const struct sockaddr_in *)ss)->sin_port == port_of(fd);
}

static inline int bound(int family, int type)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss);
	int fd = socket(family, type, 0);

	if (fd < 0 || bind(fd, (void *)&ss, len)) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static inline int listener(int family, int backlog)
{
	int fd = bound(family, SOCK_STREAM);

	if (listen(fd, backlog)) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static inline int connect_to(int fd, int to)
{
	struct sockaddr_storage ss;
	socklen_t len = name_of(to, &ss);

	return connect(fd, (void *)&ss, len);
}

/* Two ends of a connection. */
static inline void connection(int family, int type, int s[2])
{
	int l = listener(family, 1);

	s[0] = socket(family, type, 0);
	if (connect_to(s[0], l) || (s[1] = accept(l, NULL, NULL)) < 0) {
		perror("connect");
		exit(1);
	}
	close(l);
}

#endif

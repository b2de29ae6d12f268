/* Who may have a socket of the host's. See inet.h; socket(2), ip(7), netlink(7). */
#include "fs/inet.h"

#include <linux/capability.h>
#include <linux/netlink.h>

#include "base/err.h"
#include "base/host.h"
#include "base/log.h"
#include "fs/host_sock.h"
#include "fs/libfs.h"

#define SOCK_PACKET_K 10 /* AF_PACKET by an old name, which is not there */

/* What is no such combination is refused as such first, as by the kernel. */
static int create(struct socket *sock, int family, int protocol, bool raw)
{
	struct vfs *v = sock->vfs;
	int fd;

	if (v->no_network)
		return -EACCES;
	fd = host_sock_open(v, family, sock->type, protocol);
	if (fd < 0)
		return fd;
	if (raw && !vfs_capable(v, CAP_NET_RAW)) {
		host_close(fd);
		return -EPERM;
	}
	return host_sock_attach(sock, fd, family);
}

static int inet_create(struct socket *sock, int protocol)
{
	if (sock->type == SOCK_PACKET_K)
		return -ESOCKTNOSUPPORT;
	return create(sock, AF_INET, protocol, sock->type == SOCK_RAW);
}

static int inet6_create(struct socket *sock, int protocol)
{
	return create(sock, AF_INET6, protocol, sock->type == SOCK_RAW);
}

static int netlink_create(struct socket *sock, int protocol)
{
	if (sock->type != SOCK_RAW && sock->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG &&
	    protocol != NETLINK_KOBJECT_UEVENT) {
		if (protocol >= 0 && protocol < MAX_LINKS)
			log_line("netlink protocol %d: not built", protocol);
		return -EPROTONOSUPPORT;
	}
	return create(sock, AF_NETLINK, protocol, false);
}

const struct net_proto_family inet_family = {.family = AF_INET, .create = inet_create};
const struct net_proto_family inet6_family = {.family = AF_INET6, .create = inet6_create};
const struct net_proto_family netlink_family = {.family = AF_NETLINK, .create = netlink_create};

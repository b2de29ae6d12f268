/* The families of sockets that the host keeps from their birth: AF_INET, AF_INET6, AF_NETLINK. See host_sock.h for what
 * they do. */
#ifndef FS_INET_H
#define FS_INET_H

#include "fs/socket.h"

/* create(): -EACCES: --no-network; -EPERM: SOCK_RAW without CAP_NET_RAW; -EPROTONOSUPPORT: of AF_NETLINK only
 * rtnetlink(7), sock_diag(7) and kobject events are there; or what the host says. */
extern const struct net_proto_family inet_family, inet6_family, netlink_family;

#endif

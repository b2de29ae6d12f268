/* Options and ioctls of sockets that the host keeps. See host_sock.h; socket(7), ip(7), tcp(7), netdevice(7).
 *
 * An option is a few bytes that the host understands as the guest means them, but for: times, which the guest's
 * clock counts; programs and descriptors, which are the guest's; what takes a right that the task may not have,
 * though Vellum has it; and addresses in the value, which nobody here would check.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "base/host_net.h"
#include "fs/host_sock.h"
#include "fs/libfs.h"
#include "fs/netdev.h"
#include "mm/uaccess.h"

#define SOL_NETLINK_K 270
#define SOL_MPTCP_K 284
#define MPTCP_FULL_INFO_K 4
#define SO_TIMEO_NEW_DELTA                                                                         \
	(66 - SO_RCVTIMEO) /* SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW: alike on 64 bits */
#define TCP_ZEROCOPY_RECEIVE_K 35
#define BPF_MAXINSNS_K 4096U

_Static_assert(SO_SNDTIMEO == SO_RCVTIMEO + 1, "both move alike");

/* --- what goes to the host -------------------------------------------------------------------- */

/* May a value go to the host as it is? Not if it has addresses in it: tables of netfilter, of multicast routers, of
 * levels that nobody here knows. */
static bool plain_value(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
	case SOL_UDP:
	case SOL_RAW:
	case SOL_ICMPV6:
	case SOL_NETLINK_K:
		return true;
	case SOL_MPTCP_K: /* MPTCP_FULL_INFO has addresses, too */
		return name != MPTCP_FULL_INFO_K;
	case SOL_IP:
		return name < 64;
	case SOL_IPV6:
		return name < 80 && name != 64 && name != 65 && name != 68 && name != 69;
	case SOL_TCP:
		return name != TCP_ZEROCOPY_RECEIVE_K;
	default:
		return false;
	}
}

/* Others go without a value: what the host has against them is the answer. */
static int host_refuses(const struct host_sock *hs, int level, int name, bool set)
{
	u8 none[SOCKOPT_MAX] = {0};
	u32 len = 0;
	int err = set ? host_setsockopt(hs->fd, level, name, none, len)
		      : host_getsockopt(hs->fd, level, name, none, &len);

	return err ? err : -ENOPROTOOPT;
}

static const struct admin_opt {
	int level, name;
} admin_opts[] = {
	{SOL_SOCKET, SO_MARK},
	{SOL_SOCKET, SO_DEBUG},
	{SOL_SOCKET, SO_SNDBUFFORCE},
	{SOL_SOCKET, SO_RCVBUFFORCE},
	{SOL_IP, IP_TRANSPARENT},
	{SOL_IPV6, IPV6_TRANSPARENT},
	{SOL_TCP, TCP_REPAIR},
	{SOL_TCP, TCP_REPAIR_QUEUE},
	{SOL_TCP, TCP_REPAIR_OPTIONS},
	{SOL_TCP, TCP_REPAIR_WINDOW},
	{SOL_NETLINK_K, 1 /* NETLINK_ADD_MEMBERSHIP */},
};

/* Has the task the right that the host asks of Vellum? */
static bool may_set(struct socket *sock, int level, int name, const void *val, u32 len)
{
	const struct admin_opt *o = admin_opts;
	int v = 0;

	memcpy(&v, val, min(len, (u32)sizeof(v)));
	while (o < admin_opts + ARRAY_SIZE(admin_opts) && (o->level != level || o->name != name))
		o++;
	if (level == SOL_SOCKET && name == SO_PRIORITY ? (v >= 0 && v <= 6)
						       : o == admin_opts + ARRAY_SIZE(admin_opts))
		return true;
	if (level == SOL_NETLINK_K && host_sk(sock)->sk.protocol == 0) /* rtnetlink's are for all */
		return true;
	return vfs_capable(sock->vfs, CAP_NET_ADMIN);
}

/* A classic filter: the program is the guest's. */
static int attach_filter(struct host_sock *hs, int name, const void *val, u32 len,
			 struct mm_struct *mm)
{
	struct memory *mem = hs->sk.vfs->mem;
	struct sock_fprog prog;
	struct sock_filter *insns;
	int err = -EFAULT;

	if (len != sizeof(prog))
		return -EINVAL;
	memcpy(&prog, val, sizeof(prog));
	if (!prog.filter || !prog.len || prog.len > BPF_MAXINSNS_K)
		return -EINVAL;
	insns = kmalloc(mem, prog.len * sizeof(*insns), GFP_KERNEL);
	if (!insns)
		return -ENOMEM;
	if (!copy_from_user(mm, insns, (gva_t)prog.filter, prog.len * sizeof(*insns))) {
		prog.filter = insns;
		err = host_setsockopt(hs->fd, SOL_SOCKET, name, &prog, sizeof(prog));
	}
	kfree(mem, insns);
	return err;
}

static bool is_timeout(int name)
{
	return name == SO_RCVTIMEO || name == SO_SNDTIMEO;
}

/* The option as it is called here: times have two names each. */
static int old_name(int level, int name)
{
	return level == SOL_SOCKET && is_timeout(name - SO_TIMEO_NEW_DELTA)
		       ? name - SO_TIMEO_NEW_DELTA
		       : name;
}

/* What the host took is remembered here, where it counts here. */
static void note_set(struct host_sock *hs, int name)
{
	u32 v = 0, len = sizeof(v);

	if (name != SO_RCVLOWAT && name != SO_ZEROCOPY && name != SO_PASSCRED)
		return;
	if (host_getsockopt(hs->fd, SOL_SOCKET, name, &v, &len))
		return;
	if (name == SO_ZEROCOPY)
		hs->zerocopy = v;
	else if (name == SO_PASSCRED)
		sock_set_option(&hs->sk, name, v);
	else
		hs->sk.rcvlowat = v;
}

int host_sock_setsockopt(struct socket *sock, int level, int name, const void *val, u32 len,
			 struct mm_struct *mm)
{
	struct host_sock *hs = host_sk(sock);
	int err;

	name = old_name(level, name);
	if (!plain_value(level, name))
		return host_refuses(hs, level, name, true);
	if (level == SOL_SOCKET && is_timeout(name))
		return sock_setsockopt(sock, name, val, len, false);
	if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF))
		return attach_filter(hs, name, val, len, mm);
	if (level == SOL_SOCKET && (name == SO_ATTACH_BPF || name == SO_ATTACH_REUSEPORT_EBPF))
		return -EINVAL; /* no descriptor here is of such a program */
	if (level == SOL_SOCKET && name == SO_PASSPIDFD_K && hs->sk.family == AF_UNIX)
		return -EOPNOTSUPP; /* it would be the host's */
	if (!may_set(sock, level, name, val, len))
		return -EPERM;
	err = host_setsockopt(hs->fd, level, name, val, len);
	if (!err && level == SOL_SOCKET)
		note_set(hs, name);
	return err;
}

int host_sock_getsockopt(struct socket *sock, int level, int name, void *val, u32 *len)
{
	struct host_sock *hs = host_sk(sock);

	name = old_name(level, name);
	if (!plain_value(level, name))
		return host_refuses(hs, level, name, false);
	if (level == SOL_SOCKET) {
		if (is_timeout(name) || (name == SO_ERROR && hs->sk.err))
			return sock_getsockopt(sock, name, val, len);
		if ((name == SO_PEERPIDFD_K && hs->sk.family == AF_UNIX) ||
		    name == SO_GET_FILTER) /* a number, a length in other units */
			return -ENOPROTOOPT;
	}
	return host_getsockopt(hs->fd, level, name, val, len);
}

/* --- ioctl ------------------------------------------------------------------------------------ */

long host_sock_ioctl(struct socket *sock, u32 cmd, u64 arg, struct mm_struct *mm)
{
	static const struct {
		u32 cmd, size;
	} rows[] = {
		{FIONREAD, 4},	  {TIOCOUTQ, 4},	{SIOCATMARK, 4},
		{SIOCOUTQNSD, 4}, {SIOCGSTAMP_OLD, 16}, {SIOCGSTAMPNS_OLD, 16},
	};
	struct host_sock *hs = host_sk(sock);
	u64 buf[2] = {0};
	long ret;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].cmd != cmd)
			continue;
		ret = host_ioctl(hs->fd, cmd, buf);
		return ret >= 0 && copy_to_user(mm, arg, buf, rows[i].size) ? -EFAULT : ret;
	}
	return netdev_ioctl(hs->sk.vfs, hs->fd, cmd, arg, mm);
}

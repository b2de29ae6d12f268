/* /proc/net: the network is the host's, and so is what these files say of it; AF_UNIX is ours. See: proc_net(5).
 *
 * A socket of the guest's that the host keeps has the host's inode number (fs/host_sock.h), so that a line of tcp
 * can be found in /proc/PID/fd. With --no-network there is nobody: tables have their heads only.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/err.h"
#include "base/host.h"
#include "fs/seq_file.h"
#include "fs/socket.h"
#include "proc/procfs/internal.h"

#define CHUNK 512

/* The end of the @lines'th line of @n bytes, or @n if it is not among them; *@lines: how many are left to find. */
static u64 end_of_lines(const char *text, u64 n, unsigned *lines)
{
	u64 at = 0;

	while (at < n && *lines)
		if (text[at++] == '\n')
			--*lines;
	return at;
}

/* File @path of the host's; without a network its first @heads lines. */
static int show_host_file(struct seq *out, struct machine *m, const char *path, unsigned heads)
{
	int fd = host_open(path, O_RDONLY, 0);
	bool all = !m->vfs.no_network;
	char buf[CHUNK];
	long n;

	if (fd < 0)
		return fd;
	while ((all || heads) && (n = host_read(fd, buf, sizeof(buf))) > 0)
		seq_write(out, buf, all ? (u64)n : end_of_lines(buf, n, &heads));
	host_close(fd);
	return 0;
}

#define NET_FILE(name, heads)                                                                      \
	int proc_show_net_##name(struct seq *out, struct machine *m)                               \
	{                                                                                          \
		return show_host_file(out, m, "/proc/self/net/" #name, heads);                     \
	}

NET_FILE(arp, 1)
NET_FILE(dev, 2)
NET_FILE(icmp, 1)
NET_FILE(icmp6, 1)
NET_FILE(if_inet6, 0)
NET_FILE(igmp, 1)
NET_FILE(ipv6_route, 0)
NET_FILE(netlink, 1)
NET_FILE(netstat, 0)
NET_FILE(packet, 1)
NET_FILE(protocols, 1)
NET_FILE(raw, 1)
NET_FILE(raw6, 1)
NET_FILE(route, 1)
NET_FILE(snmp, 0)
NET_FILE(snmp6, 0)
NET_FILE(sockstat, 0)
NET_FILE(sockstat6, 0)
NET_FILE(tcp, 1)
NET_FILE(tcp6, 1)
NET_FILE(udp, 1)
NET_FILE(udp6, 1)

/* /proc/net/unix, unix(7): the machine's sockets, in the order of their making. */
int proc_show_net_unix(struct seq *out, struct machine *m)
{
	unix_show(&m->vfs, out);
	return 0;
}

/* /proc/net: a process's own view, of which there is one. */
long proc_text_net(struct machine *m __unused, char *buf, u64 size)
{
	return snprintf(buf, size, "self/net");
}

/* The tables of strace_flags.h. */
#include "syscalls/strace_flags.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N(x)                                                                                       \
	{                                                                                          \
		x, #x                                                                              \
	}
#define END                                                                                        \
	{                                                                                          \
		0, NULL                                                                            \
	}

/* clang-format off */
static const struct flag_name open_names[] = {
	N(O_WRONLY),	N(O_RDWR),	N(O_CREAT),	N(O_EXCL),   N(O_NOCTTY),
	N(O_TRUNC),	N(O_APPEND),	N(O_NONBLOCK),	N(O_SYNC),   N(O_DSYNC),
	N(O_ASYNC),	N(O_DIRECT),	{ 0100000, "O_LARGEFILE" }, N(O_NOFOLLOW), N(O_NOATIME),
	N(O_CLOEXEC),	N(O_PATH),	{ O_TMPFILE, "O_TMPFILE" }, N(O_DIRECTORY), END
};
static const struct flag_name prot_names[] = { N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC),
					       { 8, "PROT_SEM" }, N(PROT_GROWSDOWN),
					       N(PROT_GROWSUP), END };
static const struct flag_name map_names[] = {
	{ 3, "MAP_SHARED_VALIDATE" }, N(MAP_SHARED), N(MAP_PRIVATE), { 8, "MAP_DROPPABLE" },
	N(MAP_FIXED), N(MAP_ANONYMOUS), N(MAP_32BIT), N(MAP_NORESERVE), N(MAP_POPULATE),
	N(MAP_NONBLOCK), N(MAP_GROWSDOWN), N(MAP_DENYWRITE), N(MAP_EXECUTABLE), N(MAP_LOCKED),
	N(MAP_STACK), N(MAP_HUGETLB), N(MAP_FIXED_NOREPLACE), END
};
static const struct flag_name mremap_names[] = { N(MREMAP_MAYMOVE), N(MREMAP_FIXED),
						 { 4, "MREMAP_DONTUNMAP" }, END };
static const struct flag_name madvise_names[] = {
#define MADV(number, name, ...) { number, "MADV_" #name },
#include "mm/madvise.def"
#undef MADV
	{ 100, "MADV_HWPOISON" }, { 101, "MADV_SOFT_OFFLINE" }, END
};
static const struct flag_name msync_names[] = { N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC), END };
static const struct flag_name clock_names[] = {
	N(CLOCK_REALTIME), N(CLOCK_MONOTONIC), N(CLOCK_PROCESS_CPUTIME_ID),
	N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
	N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME), N(CLOCK_REALTIME_ALARM),
	N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI), END
};
static const struct flag_name whence_names[] = { N(SEEK_SET), N(SEEK_CUR), N(SEEK_END),
						 N(SEEK_DATA), N(SEEK_HOLE), END };
static const struct flag_name access_names[] = { N(R_OK), N(W_OK), N(X_OK), END };
static const struct flag_name at_names[] = {
	{ 0x2000, "AT_STATX_FORCE_SYNC" }, { 0x4000, "AT_STATX_DONT_SYNC" },
	N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR), N(AT_SYMLINK_FOLLOW), N(AT_NO_AUTOMOUNT),
	N(AT_EMPTY_PATH), END
};
static const struct flag_name fcntl_names[] = {
	N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETFL), N(F_GETLK), N(F_SETLK),
	N(F_SETLKW), N(F_SETOWN), N(F_GETOWN), N(F_SETSIG), N(F_GETSIG), N(F_OFD_GETLK),
	N(F_OFD_SETLK), N(F_OFD_SETLKW), N(F_SETLEASE), N(F_GETLEASE), N(F_NOTIFY),
	N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS), END
};
static const struct flag_name ioctl_names[] = {
	N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP),
	N(TIOCSPGRP), N(FIONREAD), N(FIONBIO), N(FIOCLEX), N(FIONCLEX), END
};
static const struct flag_name rlimit_names[] = {
	N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA), N(RLIMIT_STACK), N(RLIMIT_CORE),
	N(RLIMIT_RSS), N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), N(RLIMIT_AS),
	N(RLIMIT_LOCKS), N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE), N(RLIMIT_NICE),
	N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME), END
};
static const struct flag_name how_names[] = { N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK), END };
static const struct flag_name random_names[] = { { 1, "GRND_NONBLOCK" }, { 2, "GRND_RANDOM" },
						 { 4, "GRND_INSECURE" }, END };
static const struct flag_name arch_names[] = {
	{ 0x1001, "ARCH_SET_GS" }, { 0x1002, "ARCH_SET_FS" }, { 0x1003, "ARCH_GET_FS" },
	{ 0x1004, "ARCH_GET_GS" }, { 0x3001, "ARCH_CET_STATUS" }, END
};
static const struct flag_name prctl_names[] = {
	N(PR_SET_NAME), N(PR_GET_NAME), N(PR_SET_DUMPABLE), N(PR_GET_DUMPABLE),
	N(PR_SET_PDEATHSIG), N(PR_GET_PDEATHSIG), N(PR_CAPBSET_READ), N(PR_SET_VMA),
	N(PR_SET_NO_NEW_PRIVS), N(PR_GET_NO_NEW_PRIVS), N(PR_SET_SECCOMP), N(PR_GET_SECCOMP),
	N(PR_SET_MM), N(PR_SET_TIMERSLACK), N(PR_GET_TIMERSLACK), N(PR_SET_THP_DISABLE),
	N(PR_GET_THP_DISABLE), { 65, "PR_SET_MDWE" }, { 66, "PR_GET_MDWE" },
	{ 67, "PR_SET_MEMORY_MERGE" }, { 68, "PR_GET_MEMORY_MERGE" }, END
};
static const struct flag_name pidfd_names[] = { { O_NONBLOCK, "PIDFD_NONBLOCK" },
						{ O_EXCL, "PIDFD_THREAD" }, END };
static const struct flag_name uffd_names[] = { N(O_NONBLOCK), N(O_CLOEXEC),
					       { 1, "UFFD_USER_MODE_ONLY" }, END };
static const struct flag_name sa_names[] = { { 0x04000000, "SA_RESTORER" }, N(SA_ONSTACK),
					     N(SA_RESTART), N(SA_NODEFER), { 0x80000000, "SA_RESETHAND" },
					     N(SA_SIGINFO), N(SA_NOCLDSTOP), N(SA_NOCLDWAIT), END };
static const struct flag_name poll_names[] = { N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLRDNORM),
					       N(POLLRDBAND), N(POLLWRNORM), N(POLLWRBAND),
					       N(POLLERR), N(POLLHUP), N(POLLNVAL), END };

static const struct flag_name family_names[] = { N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6),
						 N(AF_NETLINK), N(AF_PACKET), N(AF_ALG), N(AF_VSOCK), END };
static const struct flag_name type_names[] = { N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RAW),
					       N(SOCK_RDM), N(SOCK_SEQPACKET), END };
static const struct flag_name sockflag_names[] = { N(SOCK_CLOEXEC), N(SOCK_NONBLOCK), END };
static const struct flag_name msg_names[] = {
	N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE), N(MSG_CTRUNC), N(MSG_TRUNC), N(MSG_DONTWAIT),
	N(MSG_EOR), N(MSG_WAITALL), N(MSG_NOSIGNAL), N(MSG_MORE), N(MSG_WAITFORONE),
	N(MSG_CMSG_CLOEXEC), END
};
static const struct flag_name shut_names[] = { N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR), END };
static const struct flag_name level_names[] = {
	N(SOL_SOCKET), { IPPROTO_IP, "SOL_IP" }, { IPPROTO_TCP, "SOL_TCP" }, { IPPROTO_UDP, "SOL_UDP" },
	{ IPPROTO_IPV6, "SOL_IPV6" }, { IPPROTO_RAW, "SOL_RAW" }, { 270, "SOL_NETLINK" }, END
};
static const struct flag_name tcp_names[] = {
	N(TCP_NODELAY), N(TCP_MAXSEG), N(TCP_CORK), N(TCP_KEEPIDLE), N(TCP_KEEPINTVL), N(TCP_KEEPCNT),
	N(TCP_SYNCNT), N(TCP_LINGER2), N(TCP_DEFER_ACCEPT), N(TCP_WINDOW_CLAMP), N(TCP_INFO),
	N(TCP_QUICKACK), N(TCP_CONGESTION), N(TCP_USER_TIMEOUT), N(TCP_FASTOPEN), END
};
static const struct flag_name ip_names[] = {
	N(IP_TOS), N(IP_TTL), N(IP_HDRINCL), N(IP_OPTIONS), N(IP_RECVOPTS), N(IP_PKTINFO),
	N(IP_MTU_DISCOVER), N(IP_RECVERR), N(IP_RECVTTL), N(IP_RECVTOS), N(IP_MTU), N(IP_FREEBIND),
	N(IP_TRANSPARENT), N(IP_MULTICAST_IF), N(IP_MULTICAST_TTL), N(IP_MULTICAST_LOOP),
	N(IP_ADD_MEMBERSHIP), N(IP_DROP_MEMBERSHIP), END
};
static const struct flag_name ipv6_names[] = {
	N(IPV6_UNICAST_HOPS), N(IPV6_MULTICAST_IF), N(IPV6_MULTICAST_HOPS), N(IPV6_MULTICAST_LOOP),
	N(IPV6_MTU), N(IPV6_RECVERR), N(IPV6_V6ONLY), N(IPV6_RECVPKTINFO), N(IPV6_TCLASS), END
};
static const struct flag_name so_names[] = {
	N(SO_DEBUG), N(SO_REUSEADDR), N(SO_TYPE), N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST),
	N(SO_SNDBUF), N(SO_RCVBUF), N(SO_KEEPALIVE), N(SO_OOBINLINE), N(SO_PRIORITY), N(SO_LINGER),
	N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED), N(SO_RCVLOWAT), N(SO_SNDLOWAT),
	{ SO_RCVTIMEO, "SO_RCVTIMEO_OLD" }, { SO_SNDTIMEO, "SO_SNDTIMEO_OLD" }, N(SO_PEERNAME),
	N(SO_ACCEPTCONN), N(SO_PEERSEC), N(SO_SNDBUFFORCE), N(SO_RCVBUFFORCE), N(SO_PROTOCOL),
	N(SO_DOMAIN), N(SO_PEEK_OFF), N(SO_BINDTODEVICE), N(SO_ATTACH_FILTER), N(SO_DETACH_FILTER),
	N(SO_TIMESTAMP), N(SO_ZEROCOPY), N(SO_COOKIE), N(SO_MARK), END
};

static const struct flag_set sets[] = {
	{ 'o', true, NULL, open_names },
	{ 'P', true, "PROT_NONE", prot_names },
	{ 'M', true, NULL, map_names },
	{ 'R', true, NULL, mremap_names },
	{ 'A', false, NULL, madvise_names },
	{ 'Y', true, NULL, msync_names },
	{ 'k', false, NULL, clock_names },
	{ 'w', false, NULL, whence_names },
	{ 'a', true, "F_OK", access_names },
	{ 'n', true, NULL, at_names },
	{ 'q', false, NULL, fcntl_names },
	{ 'y', false, NULL, ioctl_names },
	{ 'r', false, NULL, rlimit_names },
	{ 'h', false, NULL, how_names },
	{ 'F', true, NULL, random_names },
	{ 'j', false, NULL, arch_names },
	{ 'N', false, NULL, prctl_names },
	{ 'I', true, NULL, pidfd_names },
	{ 'Q', true, NULL, uffd_names },
	{ 'H', false, NULL, family_names },
	{ '&', false, NULL, type_names },
	{ 'X', true, NULL, sockflag_names },
	{ 'Z', true, NULL, msg_names },
	{ '@', false, NULL, shut_names },
	{ '(', false, NULL, level_names },
	{ '*', false, NULL, so_names }, /* of SOL_SOCKET; the next three: of other levels */
	{ '1', false, NULL, tcp_names },
	{ '2', false, NULL, ip_names },
	{ '3', false, NULL, ipv6_names },
	{ '!', true, NULL, sa_names },	/* inside a struct sigaction */
	{ '?', true, NULL, poll_names }, /* inside a struct pollfd */
};

/* clang-format on */

const struct flag_set *strace_flag_set(char letter)
{
	for (u64 i = 0; i < ARRAY_SIZE(sets); i++)
		if (sets[i].letter == letter)
			return &sets[i];
	return NULL;
}

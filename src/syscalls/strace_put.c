/* Pieces of a strace line. See strace_put.h. */
#include "syscalls/strace_put.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "syscalls/internal.h"
#include "syscalls/strace_flags.h"

#define MAX_STRING 32 /* bytes of a string that are shown */

void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len = min(l->len + (u32)n, (u32)sizeof(l->text) - 1);
}

bool failed(const struct line *l)
{
	return IS_ERR_VALUE(l->ret);
}

void put_addr(struct line *l, gva_t addr)
{
	if (addr)
		put(l, "%#lx", addr);
	else
		put(l, "NULL");
}

/* A struct at @addr: false (and the address is printed) if there is none to show. */
static bool get_struct(struct line *l, void *to, gva_t addr, u64 size, bool out)
{
	if (addr && !(out && (failed(l) || !l->done)) && !copy_from_user(l->t->mm, to, addr, size))
		return true;
	put_addr(l, addr);
	return false;
}

/* --- constants ------------------------------------------------------------------------------- */

static void put_mask(struct line *l, u64 v, const struct flag_set *set)
{
	const char *sep = "";

	if (!v) {
		put(l, "%s", set->zero ? set->zero : "0");
		return;
	}
	for (const struct flag_name *n = set->names; n->name; n++) {
		if ((v & n->value) != n->value)
			continue;
		put(l, "%s%s", sep, n->name);
		v &= ~n->value;
		sep = "|";
	}
	if (v)
		put(l, "%s%#lx", sep, v);
}

void put_flags(struct line *l, u64 v, char letter)
{
	const struct flag_set *set = strace_flag_set(letter);

	v = (u32)v;
	if (set->mask) {
		put_mask(l, v, set);
		return;
	}
	for (const struct flag_name *n = set->names; n->name; n++) {
		if (n->value == v) {
			put(l, "%s", n->name);
			return;
		}
	}
	put(l, "%#lx", v);
}

void put_sock_option(struct line *l, u64 level, u64 v)
{
	switch ((s32)level) {
	case IPPROTO_TCP:
		put_flags(l, v, '1');
		break;
	case IPPROTO_IP:
		put_flags(l, v, '2');
		break;
	case IPPROTO_IPV6:
		put_flags(l, v, '3');
		break;
	case SOL_SOCKET:
		put_flags(l, v, '*');
		break;
	default:
		put(l, "%#lx", (u64)(u32)v);
	}
}

void put_open_flags(struct line *l, u64 v)
{
	v = (u32)v;
	if (!(v & O_ACCMODE))
		put(l, v ? "O_RDONLY|" : "O_RDONLY");
	if (v)
		put_flags(l, v, 'o');
}

void put_mode(struct line *l, u32 mode)
{
	static const char *const types[16] = {
		[1] = "S_IFIFO", [2] = "S_IFCHR",  [4] = "S_IFDIR",  [6] = "S_IFBLK",
		[8] = "S_IFREG", [10] = "S_IFLNK", [12] = "S_IFSOCK"};
	const char *type = types[mode >> 12 & 15];

	if (type)
		put(l, "%s|%#03o", type, mode & 07777);
	else
		put(l, "%#03o", mode);
}

void put_signal(struct line *l, u64 sig)
{
	if ((s32)sig >= 1 && sig < 32)
		put(l, "%s", sig_name((int)sig));
	else if (sig >= 32 && sig <= NR_SIGNALS)
		put(l, sig == 32 ? "SIGRTMIN" : "SIGRT_%d", (int)sig - 32);
	else
		put(l, "%d", (s32)sig);
}

static void put_sigset(struct line *l, sigset_k set)
{
	bool most = __builtin_popcountl(set) > NR_SIGNALS / 2;
	const char *sep = "";

	put(l, most ? "~[" : "[");
	for (int sig = 1; sig <= NR_SIGNALS; sig++) {
		if (!(set >> (sig - 1) & 1) != most)
			continue;
		if (sig < 32)
			put(l, "%s%s", sep, sig_name(sig) + 3);
		else
			put(l, "%sRT_%d", sep, sig - 32);
		sep = " ";
	}
	put(l, "]");
}

void put_sock_type(struct line *l, u64 v)
{
	put_flags(l, v & 15, '&');
	if ((u32)v & ~15U) {
		put(l, "|");
		put_flags(l, v & ~15UL, 'X');
	}
}

/* --- memory ---------------------------------------------------------------------------------- */

static void put_char(struct line *l, u8 c, u8 next)
{
	static const char named[] = "\tt\nn\vv\ff\rr\"\"\\\\";
	const char *n = named;

	while (*n && *n != (char)c)
		n += 2;
	if (*n)
		put(l, "\\%c", n[1]);
	else if (c >= ' ' && c < 127)
		put(l, "%c", c);
	else if (next >= '0' && next <= '9') /* would be read as one more digit */
		put(l, "\\%03o", c);
	else
		put(l, "\\%o", c);
}

/* As far as the next argument says, or, if the call stored them, its result. */
static void put_bytes(struct line *l, gva_t addr, u64 next, bool out)
{
	u8 buf[MAX_STRING + 1] = {0};
	u64 len = out ? (u64)l->ret : next, n = min(len, (u64)MAX_STRING);

	if (!addr || (out && failed(l)) || copy_from_user(l->t->mm, buf, addr, n)) {
		put_addr(l, addr);
		return;
	}
	put(l, "\"");
	for (u64 i = 0; i < n; i++)
		put_char(l, buf[i], i + 1 < n ? buf[i + 1] : 0);
	put(l, len > n ? "\"..." : "\"");
}

/* Paths are shown whole, as strace does. */
static void put_path(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	char part[64];
	long n;

	if (!addr || (out && failed(l)) ||
	    strncpy_from_user(l->t->mm, part, addr, sizeof(part)) < 0) {
		put_addr(l, addr);
		return;
	}
	put(l, "\"");
	do {
		n = strncpy_from_user(l->t->mm, part, addr, sizeof(part));
		for (long i = 0; i < n; i++)
			put_char(l, part[i], i + 1 < n ? part[i + 1] : 0);
		addr += sizeof(part);
	} while (n == sizeof(part) && l->len < sizeof(l->text) - 8);
	put(l, "\"");
}

/* Output vectors show only what the call filled. */
static void put_iovec(struct line *l, gva_t addr, u64 nr, bool out)
{
	u64 left = !out ? ~0UL : failed(l) ? 0 : (u64)l->ret, part;
	struct iovec v;

	if (!addr || nr > 1024 || get_user(l->t->mm, v, addr)) {
		put_addr(l, addr);
		return;
	}
	put(l, "[");
	for (u64 i = 0; i < nr && i < MAX_VECTORS; i++) {
		if (get_user(l->t->mm, v, addr + i * sizeof(v)))
			break;
		part = min(left, (u64)v.iov_len);
		put(l, i ? ", {iov_base=" : "{iov_base=");
		put_bytes(l, (gva_t)v.iov_base, part, false);
		put(l, ", iov_len=%lu}", v.iov_len);
		left -= part;
	}
	put(l, nr > MAX_VECTORS ? ", ...]" : "]");
}

static void put_stat(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct stat st;

	if (!get_struct(l, &st, addr, sizeof(st), out))
		return;
	put(l, "{st_mode=");
	put_mode(l, st.st_mode);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		put(l, ", st_rdev=makedev(%#x, %#x), ...}", major(st.st_rdev), minor(st.st_rdev));
	else
		put(l, ", st_size=%ld, ...}", st.st_size);
}

static void put_statx(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct statx stx;

	if (!get_struct(l, &stx, addr, sizeof(stx), out))
		return;
	put(l, "{stx_mask=%#x, stx_attributes=%#llx, stx_mode=", stx.stx_mask, stx.stx_attributes);
	put_mode(l, stx.stx_mode);
	put(l, ", stx_size=%llu, ...}", stx.stx_size);
}

static void put_timespec(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct timespec ts;

	if (get_struct(l, &ts, addr, sizeof(ts), out))
		put(l, "{tv_sec=%ld, tv_nsec=%ld}", ts.tv_sec, ts.tv_nsec);
}

static void put_timeval(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct timeval tv;

	if (get_struct(l, &tv, addr, sizeof(tv), out))
		put(l, "{tv_sec=%ld, tv_usec=%ld}", tv.tv_sec, tv.tv_usec);
}

static void put_limit(struct line *l, u64 v)
{
	if (v == RLIM_INFINITY)
		put(l, "RLIM64_INFINITY");
	else if (v > 1024 && v % 1024 == 0)
		put(l, "%lu*1024", v / 1024);
	else
		put(l, "%lu", v);
}

static void put_rlimit(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct rlimit rl;

	if (!get_struct(l, &rl, addr, sizeof(rl), out))
		return;
	put(l, "{rlim_cur=");
	put_limit(l, rl.rlim_cur);
	put(l, ", rlim_max=");
	put_limit(l, rl.rlim_max);
	put(l, "}");
}

static void put_sigaction(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	struct k_sigaction sa;

	if (!get_struct(l, &sa, addr, sizeof(sa), out))
		return;
	put(l, "{sa_handler=");
	if (sa.handler <= 1)
		put(l, sa.handler ? "SIG_IGN" : "SIG_DFL");
	else
		put_addr(l, sa.handler);
	put(l, ", sa_mask=");
	put_sigset(l, sa.mask);
	put(l, ", sa_flags=");
	put_flags(l, sa.flags, '!');
	if (sa.flags & 0x04000000)
		put(l, ", sa_restorer=%#lx", sa.restorer);
	put(l, "}");
}

static void put_uname(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	char node[sizeof(((struct utsname *)0)->nodename)];

	if (!get_struct(l, node, addr ? addr + offsetof(struct utsname, nodename) : 0, sizeof(node),
			out))
		return;
	node[sizeof(node) - 1] = 0;
	put(l, "{sysname=\"Linux\", nodename=\"%s\", ...}", node);
}

static void put_pollfds(struct line *l, gva_t addr, u64 next, bool out __unused)
{
	u32 nr = next;
	struct pollfd p;

	if (!addr || !nr || get_user(l->t->mm, p, addr)) {
		put_addr(l, addr);
		return;
	}
	put(l, "[");
	for (u32 i = 0; i < nr && i < MAX_VECTORS; i++) {
		if (get_user(l->t->mm, p, addr + i * sizeof(p)))
			break;
		put(l, "%s{fd=%d, events=", i ? ", " : "", p.fd);
		put_flags(l, (u16)p.events, '?');
		put(l, "}");
	}
	put(l, nr > MAX_VECTORS ? ", ...]" : "]");
}

static void put_inet(struct line *l, const struct sockaddr_in *in)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	put(l, ", sin_port=htons(%u), sin_addr=inet_addr(\"%s\")", ntohs(in->sin_port), text);
}

static void put_inet6(struct line *l, const struct sockaddr_in6 *in6)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	put(l, ", sin6_port=htons(%u), sin6_addr=\"%s\"", ntohs(in6->sin6_port), text);
}

/* An abstract name's zero is strace's "@". */
static void put_sockaddr(struct line *l, gva_t addr, u64 len, bool out __unused)
{
	struct sockaddr_un un = {0};
	u32 n = min((u32)len, (u32)sizeof(un)), head = offsetof(struct sockaddr_un, sun_path);

	if (!addr || n < sizeof(un.sun_family) || copy_from_user(l->t->mm, &un, addr, n)) {
		put_addr(l, addr);
		return;
	}
	put(l, "{sa_family=");
	put_flags(l, un.sun_family, 'H');
	if (un.sun_family == AF_UNIX && n > head && un.sun_path[0])
		put(l, ", sun_path=\"%.*s\"", (int)(n - head), un.sun_path);
	else if (un.sun_family == AF_UNIX && n > head)
		put(l, ", sun_path=@\"%.*s\"", (int)(n - head - 1), un.sun_path + 1);
	else if (un.sun_family == AF_INET && n >= sizeof(struct sockaddr_in))
		put_inet(l, (const struct sockaddr_in *)&un);
	else if (un.sun_family == AF_INET6 && n >= sizeof(struct sockaddr_in6))
		put_inet6(l, (const struct sockaddr_in6 *)&un);
	put(l, "}");
}

static void put_sigset_at(struct line *l, gva_t addr, u64 next __unused, bool out)
{
	sigset_k set;

	if (get_struct(l, &set, addr, sizeof(set), out))
		put_sigset(l, set);
}

/* The letters of table.def whose meaning lies in memory, read by the call (IN) or stored by it (OUT). */
enum { IN, OUT };
/* clang-format off */
static const struct {
	char letter;
	bool out;
	void (*put)(struct line *l, gva_t addr, u64 next, bool out);
} pointed[] = {
	{'s', IN,  put_path},
	{'S', OUT, put_path},
	{'b', IN,  put_bytes},
	{'B', OUT, put_bytes},
	{'V', IN,  put_iovec},
	{'W', OUT, put_iovec},
	{'i', OUT, put_stat},
	{'e', OUT, put_statx},
	{'t', IN,  put_timespec},
	{'T', OUT, put_timespec},
	{'v', OUT, put_timeval},
	{'L', IN,  put_rlimit},
	{'K', OUT, put_rlimit},
	{'C', IN,  put_sigaction},
	{'E', OUT, put_sigaction},
	{'G', IN,  put_sigset_at},
	{'J', OUT, put_sigset_at},
	{'U', OUT, put_uname},
	{'O', IN,  put_pollfds},
	{'#', IN,  put_sockaddr},
};
/* clang-format on */

bool put_pointed(struct line *l, char letter, u64 v, u64 next)
{
	for (u64 i = 0; i < ARRAY_SIZE(pointed); i++) {
		if (pointed[i].letter == letter) {
			pointed[i].put(l, v, next, pointed[i].out);
			return true;
		}
	}
	return false;
}

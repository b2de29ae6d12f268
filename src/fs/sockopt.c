/* The SOL_SOCKET options. See socket.h; socket(7); Linux, net/core/sock.c. */
#include <limits.h>
#include <string.h>
#include <sys/time.h>

#include "base/err.h"
#include "fs/socket.h"

#define NSEC_PER_SEC 1000000000UL
#define NSEC_PER_USEC 1000UL
#define TICK_NS 4000000UL /* timeouts count in ticks, of which a kernel with HZ=250 has these */
#define SOCK_MIN_SNDBUF 4608U
#define SOCK_MIN_RCVBUF 2304U

enum opt_kind {
	OPT_NONE,
	OPT_FLAG,  /* on or off, kept in sk->options */
	OPT_OTHER, /* set_other(), get_other() */
	OPT_READ,  /* get_other(); cannot be set */
};

static const u8 kinds[] = {
	[SO_DEBUG] = OPT_FLAG,	    [SO_REUSEADDR] = OPT_FLAG,	  [SO_TYPE] = OPT_READ,
	[SO_ERROR] = OPT_READ,	    [SO_DONTROUTE] = OPT_FLAG,	  [SO_BROADCAST] = OPT_FLAG,
	[SO_SNDBUF] = OPT_OTHER,    [SO_RCVBUF] = OPT_OTHER,	  [SO_KEEPALIVE] = OPT_FLAG,
	[SO_OOBINLINE] = OPT_FLAG,  [SO_NO_CHECK] = OPT_FLAG,	  [SO_PRIORITY] = OPT_OTHER,
	[SO_LINGER] = OPT_OTHER,    [SO_PASSCRED] = OPT_FLAG,	  [SO_PEERCRED] = OPT_READ,
	[SO_RCVLOWAT] = OPT_OTHER,  [SO_SNDLOWAT] = OPT_READ,	  [SO_RCVTIMEO] = OPT_OTHER,
	[SO_SNDTIMEO] = OPT_OTHER,  [SO_PEERNAME] = OPT_READ,	  [SO_ACCEPTCONN] = OPT_READ,
	[SO_MARK] = OPT_OTHER,	    [SO_SNDBUFFORCE] = OPT_OTHER, [SO_RCVBUFFORCE] = OPT_OTHER,
	[SO_PROTOCOL] = OPT_READ,   [SO_DOMAIN] = OPT_READ,	  [SO_PEEK_OFF] = OPT_OTHER,
	[OPT_PASSPIDFD] = OPT_FLAG,
};

static enum opt_kind kind_of(int name)
{
	return name >= 0 && name < (int)ARRAY_SIZE(kinds) ? kinds[name] : OPT_NONE;
}

/* The number that an option has here. */
static int own_name(int name)
{
	if (name == OPT_PASSPIDFD)
		return -1;
	return name == SO_PASSPIDFD_K ? OPT_PASSPIDFD : name;
}

/* --- setting --------------------------------------------------------------------------------- */

static int set_timeout(u64 *timeo_ns, const void *val, u32 len)
{
	struct timeval tv;
	u64 ns;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0) {
		*timeo_ns = 0;
	} else if ((!tv.tv_sec && !tv.tv_usec) || tv.tv_sec >= (s64)(WAIT_FOREVER / NSEC_PER_SEC)) {
		*timeo_ns = WAIT_FOREVER;
	} else {
		ns = tv.tv_usec * NSEC_PER_USEC;
		*timeo_ns = tv.tv_sec * NSEC_PER_SEC + (ns + TICK_NS - 1) / TICK_NS * TICK_NS;
	}
	return 0;
}

/* Doubled, for the bookkeeping around the bytes counts, too. */
static u32 buffer_size(int val, u32 limit, u32 least)
{
	u32 bytes = min((u32)val, limit);

	return max(min(bytes, INT_MAX / 2U) * 2, least);
}

static void set_sndbuf(struct sock *sk, int val, u32 limit)
{
	sk->sndbuf = buffer_size(val, limit, SOCK_MIN_SNDBUF);
	wake_up_all(&sk->wq);
}

static int set_other(struct sock *sk, int name, int v, const void *val, u32 len, bool net_admin)
{
	struct linger linger;

	switch (name) {
	case SO_SNDBUF:
		set_sndbuf(sk, v, SK_WMEM_MAX);
		return 0;
	case SO_RCVBUF:
		sk->rcvbuf = buffer_size(v, SK_WMEM_MAX, SOCK_MIN_RCVBUF);
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!net_admin)
			return -EPERM;
		if (name == SO_SNDBUFFORCE)
			set_sndbuf(sk, max(v, 0), INT_MAX);
		else
			sk->rcvbuf = buffer_size(max(v, 0), INT_MAX, SOCK_MIN_RCVBUF);
		return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !net_admin)
			return -EPERM;
		sk->priority = v;
		return 0;
	case SO_MARK:
		if (!net_admin)
			return -EPERM;
		sk->mark = v;
		return 0;
	case SO_LINGER:
		if (len < sizeof(linger))
			return -EINVAL;
		memcpy(&linger, val, sizeof(linger));
		sk->linger_on = linger.l_onoff;
		if (linger.l_onoff)
			sk->linger = linger.l_linger;
		return 0;
	case SO_RCVLOWAT:
		sk->rcvlowat = v < 0 ? INT_MAX : v ? v : 1;
		return 0;
	case SO_PEEK_OFF:
		sk->peek_off = v;
		return 0;
	case SO_RCVTIMEO:
		return set_timeout(&sk->rcvtimeo, val, len);
	default: /* SO_SNDTIMEO */
		return set_timeout(&sk->sndtimeo, val, len);
	}
}

int sock_setsockopt(struct socket *sock, int name, const void *val, u32 len, bool net_admin)
{
	struct sock *sk = sock->sk;
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	name = own_name(name);
	switch (kind_of(name)) {
	case OPT_FLAG:
		if (name == SO_DEBUG && v && !net_admin)
			return -EACCES;
		sk->options = v ? sk->options | BIT(name) : sk->options & ~BIT(name);
		return 0;
	case OPT_OTHER:
		return set_other(sk, name, v, val, len, net_admin);
	default:
		return -ENOPROTOOPT;
	}
}

/* --- getting --------------------------------------------------------------------------------- */

static u32 get_timeout(u64 timeo_ns, void *val)
{
	struct timeval tv = {0, 0};

	if (timeo_ns != WAIT_FOREVER) {
		tv.tv_sec = timeo_ns / NSEC_PER_SEC;
		tv.tv_usec = timeo_ns % NSEC_PER_SEC / NSEC_PER_USEC;
	}
	memcpy(val, &tv, sizeof(tv));
	return sizeof(tv);
}

static u32 get_peercred(const struct sock *sk, void *val)
{
	const struct sock_cred *c = &sk->peercred;
	struct ucred ucred = {c->pid, c->euid, c->egid};

	if (!c->pid) /* nobody yet */
		ucred.uid = ucred.gid = ~0U;
	memcpy(val, &ucred, sizeof(ucred));
	return sizeof(ucred);
}

static int get_peername(struct socket *sock, void *val, u32 *len)
{
	struct sock_addr addr;

	if (sock->ops->getname(sock, &addr, true))
		return -ENOTCONN;
	if (addr.len < *len)
		return -EINVAL;
	memcpy(val, &addr.ss, min(*len, SOCKOPT_MAX));
	return 0;
}

static int get_int(struct sock *sk, int name)
{
	switch (name) {
	case SO_TYPE:
		return sk->type;
	case SO_ERROR:
		return -sock_error(sk);
	case SO_SNDBUF:
		return sk->sndbuf;
	case SO_RCVBUF:
		return sk->rcvbuf;
	case SO_PRIORITY:
		return sk->priority;
	case SO_MARK:
		return sk->mark;
	case SO_RCVLOWAT:
		return sk->rcvlowat;
	case SO_SNDLOWAT:
		return 1;
	case SO_PEEK_OFF:
		return sk->peek_off;
	case SO_PROTOCOL:
		return sk->protocol;
	case SO_DOMAIN:
		return sk->family;
	default: /* SO_ACCEPTCONN */
		return sk->listening;
	}
}

int sock_getsockopt(struct socket *sock, int name, void *val, u32 *len)
{
	struct sock *sk = sock->sk;
	u8 out[SOCKOPT_MAX];
	struct linger linger;
	u32 n = sizeof(int);
	int v;

	name = own_name(name);
	if (kind_of(name) == OPT_NONE || name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE)
		return -ENOPROTOOPT;
	if (name == SO_PEERNAME)
		return get_peername(sock, val, len);
	if (name == SO_RCVTIMEO || name == SO_SNDTIMEO) {
		n = get_timeout(name == SO_RCVTIMEO ? sk->rcvtimeo : sk->sndtimeo, out);
	} else if (name == SO_PEERCRED) {
		n = get_peercred(sk, out);
	} else if (name == SO_LINGER) {
		linger = (struct linger){sk->linger_on, sk->linger};
		n = sizeof(linger);
		memcpy(out, &linger, n);
	} else {
		v = kind_of(name) == OPT_FLAG ? sock_option(sk, name) : get_int(sk, name);
		memcpy(out, &v, n);
	}
	*len = min(*len, n);
	memcpy(val, out, *len);
	return 0;
}

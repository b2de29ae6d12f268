/* The SOL_SOCKET options. See socket.h; socket(7); Linux, net/core/sock.c. */
#include <limits.h>
#include <string.h>
#include <sys/time.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/socket.h"

#define NSEC_PER_SEC 1000000000UL
#define NSEC_PER_USEC 1000UL
#define TICK_NS 4000000UL /* timeouts count in ticks, of which a kernel with HZ=250 has these */
#define SOCK_MIN_SNDBUF 4608U
#define SOCK_MIN_RCVBUF 2304U

/* What is not in <sys/socket.h> of all libcs. */
#define SO_MEMINFO_K 55
#define SO_INCOMING_NAPI_ID_K 56
#define SO_COOKIE_K 57
#define SO_BINDTOIFINDEX_K 62
#define SO_TIMESTAMPNS_NEW_K 64
#define SO_RCVTIMEO_NEW_K 66
#define SO_SNDTIMEO_NEW_K 67
#define SO_DETACH_REUSEPORT_BPF_K 68
#define SO_PREFER_BUSY_POLL_K 69
#define SO_BUSY_POLL_BUDGET_K 70
#define SO_BUF_LOCK_K 72
#define SO_RESERVE_MEM_K 73
#define SO_TXREHASH_K 74
#define SO_RCVMARK_K 75
#define SO_DEVMEM_DONTNEED_K 80
#define SO_RCVPRIORITY_K 82
#define SK_MEMINFO_VARS 9
#define BUDGET_MAX 0xffff
#define SKF_AD_MAX_K 64

enum opt_kind {
	OPT_NONE,
	OPT_FLAG,    /* on or off, kept in sk->options */
	OPT_STAMP,   /* on or off, one of them at a time: sk->stamp */
	OPT_VALUE,   /* a number from least to most, in sk->values[value] */
	OPT_OTHER,   /* set_other(), get_other() */
	OPT_READ,    /* get_other(); cannot be set */
	OPT_NOTHING, /* can be set, which means nothing here; cannot be read */
	OPT_REFUSED, /* -errno of setting, which is @set_err; reads as 0 if @get_err is 0 */
};

struct sock_opt {
	u8 kind, value;
	s16 set_err, get_err;
	s32 least, most;
};

static const struct sock_opt opts[] = {
	[SO_DEBUG] = {.kind = OPT_FLAG},
	[SO_REUSEADDR] = {.kind = OPT_FLAG},
	[SO_TYPE] = {.kind = OPT_READ},
	[SO_ERROR] = {.kind = OPT_READ},
	[SO_DONTROUTE] = {.kind = OPT_FLAG},
	[SO_BROADCAST] = {.kind = OPT_FLAG},
	[SO_SNDBUF] = {.kind = OPT_OTHER},
	[SO_RCVBUF] = {.kind = OPT_OTHER},
	[SO_KEEPALIVE] = {.kind = OPT_FLAG},
	[SO_OOBINLINE] = {.kind = OPT_FLAG},
	[SO_NO_CHECK] = {.kind = OPT_FLAG},
	[SO_PRIORITY] = {.kind = OPT_OTHER},
	[SO_LINGER] = {.kind = OPT_OTHER},
	[SO_BSDCOMPAT] = {.kind = OPT_REFUSED}, /* nor does it mean anything to Linux */
	[SO_REUSEPORT] = {.kind = OPT_OTHER},
	[SO_PASSCRED] = {.kind = OPT_FLAG},
	[SO_PEERCRED] = {.kind = OPT_READ},
	[SO_RCVLOWAT] = {.kind = OPT_OTHER},
	[SO_SNDLOWAT] = {.kind = OPT_READ},
	[SO_RCVTIMEO] = {.kind = OPT_OTHER},
	[SO_SNDTIMEO] = {.kind = OPT_OTHER},
	[SO_DETACH_FILTER] = {.kind = OPT_REFUSED,
			      .set_err = -ENOENT,
			      .get_err = -ENOPROTOOPT}, /* there is none */
	[SO_PEERNAME] = {.kind = OPT_READ},
	[SO_TIMESTAMP] = {.kind = OPT_STAMP},
	[SO_ACCEPTCONN] = {.kind = OPT_READ},
	[SO_SNDBUFFORCE] = {.kind = OPT_OTHER},
	[SO_RCVBUFFORCE] = {.kind = OPT_OTHER},
	[SO_PASSSEC] = {.kind = OPT_FLAG},
	[SO_TIMESTAMPNS] = {.kind = OPT_STAMP},
	[SO_MARK] = {.kind = OPT_OTHER},
	[SO_PROTOCOL] = {.kind = OPT_READ},
	[SO_DOMAIN] = {.kind = OPT_READ},
	[SO_RXQ_OVFL] = {.kind = OPT_FLAG},
	[SO_WIFI_STATUS] = {.kind = OPT_FLAG},
	[SO_PEEK_OFF] = {.kind = OPT_OTHER},
	[SO_NOFCS] = {.kind = OPT_FLAG},
	[SO_LOCK_FILTER] = {.kind = OPT_OTHER},
	[SO_SELECT_ERR_QUEUE] = {.kind = OPT_FLAG},
	[SO_BUSY_POLL] = {.kind = OPT_VALUE, .value = SV_BUSY_POLL, .most = INT_MAX},
	[SO_MAX_PACING_RATE] = {.kind = OPT_OTHER},
	[SO_BPF_EXTENSIONS] = {.kind = OPT_READ},
	[SO_INCOMING_CPU] = {.kind = OPT_VALUE,
			     .value = SV_INCOMING_CPU,
			     .least = INT_MIN,
			     .most = INT_MAX},
	[SO_CNX_ADVICE] = {.kind = OPT_NOTHING, .least = INT_MIN, .most = INT_MAX},
	[SO_MEMINFO_K] = {.kind = OPT_READ},
	[SO_INCOMING_NAPI_ID_K] = {.kind = OPT_READ},
	[SO_COOKIE_K] = {.kind = OPT_READ},
	[SO_ZEROCOPY] = {.kind = OPT_REFUSED, .set_err = -EOPNOTSUPP},
	[SO_BINDTOIFINDEX_K] = {.kind = OPT_VALUE, .value = SV_BINDTOIFINDEX, .most = INT_MAX},
	[SO_TIMESTAMP_NEW_K] = {.kind = OPT_STAMP},
	[SO_TIMESTAMPNS_NEW_K] = {.kind = OPT_STAMP},
	[SO_RCVTIMEO_NEW_K] = {.kind = OPT_OTHER},
	[SO_SNDTIMEO_NEW_K] = {.kind = OPT_OTHER},
	[SO_DETACH_REUSEPORT_BPF_K] = {.kind = OPT_REFUSED,
				       .set_err = -EINVAL,
				       .get_err = -ENOPROTOOPT},
	[SO_PREFER_BUSY_POLL_K] = {.kind = OPT_FLAG},
	[SO_BUSY_POLL_BUDGET_K] = {.kind = OPT_NOTHING, .most = BUDGET_MAX},
	[SO_BUF_LOCK_K] = {.kind = OPT_VALUE, .value = SV_BUF_LOCK, .most = 3},
	[SO_RESERVE_MEM_K] = {.kind = OPT_REFUSED,
			      .set_err = -EOPNOTSUPP}, /* a kernel without a group of memory */
	[SO_TXREHASH_K] = {.kind = OPT_REFUSED, .set_err = -EOPNOTSUPP, .get_err = -EOPNOTSUPP},
	[SO_RCVMARK_K] = {.kind = OPT_FLAG},
	[SO_PASSPIDFD_K] = {.kind = OPT_FLAG},
	[SO_DEVMEM_DONTNEED_K] = {.kind = OPT_REFUSED, .set_err = -EBADF, .get_err = -ENOPROTOOPT},
	[SO_RCVPRIORITY_K] = {.kind = OPT_FLAG},
	[SO_PASSRIGHTS_K] = {.kind = OPT_FLAG},
	[SO_INQ_K] = {.kind = OPT_OTHER},
};

static const struct sock_opt *opt_of(int name)
{
	static const struct sock_opt none = {.kind = OPT_NONE};

	return name >= 0 && name < (int)ARRAY_SIZE(opts) ? &opts[name] : &none;
}

void sock_inherit_options(struct sock *sk, const struct sock *listener)
{
	static const u8 names[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD_K, SO_PASSRIGHTS_K};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		sock_set_option(sk, names[i], sock_option(listener, names[i]));
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
	sk->values[SV_BUF_LOCK] |= 1;
	wake_up_all(&sk->wq);
}

static void set_rcvbuf(struct sock *sk, int val, u32 limit)
{
	sk->rcvbuf = buffer_size(val, limit, SOCK_MIN_RCVBUF);
	sk->values[SV_BUF_LOCK] |= 2;
}

static int set_linger(struct sock *sk, const void *val, u32 len)
{
	struct linger linger;

	if (len < sizeof(linger))
		return -EINVAL;
	memcpy(&linger, val, sizeof(linger));
	sk->linger_on = linger.l_onoff;
	if (linger.l_onoff)
		sk->linger = linger.l_linger;
	return 0;
}

/* Either in 32 bits, in which all ones are without bound, or in 64. */
static void set_max_pacing(struct sock *sk, int v, const void *val, u32 len)
{
	sk->max_pacing = v == -1 ? ~0UL : (u32)v;
	if (len >= sizeof(sk->max_pacing))
		memcpy(&sk->max_pacing, val, sizeof(sk->max_pacing));
}

static int set_inq(struct sock *sk, int v, u32 len)
{
	if (sk->family != AF_UNIX || sk->type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (len != sizeof(v) || v < 0 || v > 1)
		return -EINVAL;
	sock_set_option(sk, SO_INQ_K, v);
	return 0;
}

static int set_other(struct sock *sk, int name, int v, const void *val, u32 len, bool net_admin)
{
	switch (name) {
	case SO_SNDBUF:
		set_sndbuf(sk, v, SK_WMEM_MAX);
		return 0;
	case SO_RCVBUF:
		set_rcvbuf(sk, v, SK_WMEM_MAX);
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!net_admin)
			return -EPERM;
		if (name == SO_SNDBUFFORCE)
			set_sndbuf(sk, max(v, 0), INT_MAX);
		else
			set_rcvbuf(sk, max(v, 0), INT_MAX);
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
		return set_linger(sk, val, len);
	case SO_REUSEPORT:
		return v ? -EOPNOTSUPP : 0;
	case SO_LOCK_FILTER: /* for ever */
		if (!v && sock_option(sk, name))
			return -EPERM;
		sock_set_option(sk, name, v);
		return 0;
	case SO_MAX_PACING_RATE:
		set_max_pacing(sk, v, val, len);
		return 0;
	case SO_INQ_K:
		return set_inq(sk, v, len);
	case SO_RCVLOWAT:
		sk->rcvlowat = v < 0 ? INT_MAX : v ? v : 1;
		return 0;
	case SO_PEEK_OFF:
		sk->peek_off = v;
		return 0;
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW_K:
		return set_timeout(&sk->rcvtimeo, val, len);
	default: /* SO_SNDTIMEO, SO_SNDTIMEO_NEW */
		return set_timeout(&sk->sndtimeo, val, len);
	}
}

int sock_setsockopt(struct socket *sock, int name, const void *val, u32 len, bool net_admin)
{
	struct sock *sk = sock->sk;
	const struct sock_opt *o = opt_of(name);
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	switch (o->kind) {
	case OPT_FLAG:
		if (v && !net_admin && (name == SO_DEBUG || name == SO_PREFER_BUSY_POLL_K))
			return name == SO_DEBUG ? -EACCES : -EPERM;
		sock_set_option(sk, name, v);
		return 0;
	case OPT_STAMP:
		sk->stamp = v ? name : 0;
		return 0;
	case OPT_VALUE:
	case OPT_NOTHING:
		if (v < o->least || v > o->most)
			return -EINVAL;
		if (o->kind == OPT_VALUE)
			sk->values[o->value] = v;
		return 0;
	case OPT_OTHER:
		return set_other(sk, name, v, val, len, net_admin);
	case OPT_REFUSED:
		return o->set_err;
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

static u32 get_meminfo(const struct sock *sk, void *val)
{
	u32 info[SK_MEMINFO_VARS] = {0, sk->rcvbuf, sk->wmem, sk->sndbuf};

	memcpy(val, info, sizeof(info));
	return sizeof(info);
}

static u64 get_cookie(struct sock *sk)
{
	if (!sk->cookie)
		sk->cookie = ++sk->vfs->in->socket_cookies;
	return sk->cookie;
}

static u32 get_linger(const struct sock *sk, void *val)
{
	struct linger linger = {sk->linger_on, sk->linger};

	memcpy(val, &linger, sizeof(linger));
	return sizeof(linger);
}

/* What is no int: its bytes in @val; 0: it is one. */
static u32 get_wide(struct sock *sk, int name, u32 len, void *val)
{
	u64 v;

	switch (name) {
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW_K:
		return get_timeout(sk->rcvtimeo, val);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW_K:
		return get_timeout(sk->sndtimeo, val);
	case SO_PEERCRED:
		return get_peercred(sk, val);
	case SO_LINGER:
		return get_linger(sk, val);
	case SO_MEMINFO_K:
		return get_meminfo(sk, val);
	case SO_COOKIE_K:
		v = get_cookie(sk);
		break;
	case SO_MAX_PACING_RATE:
		if (len >= sizeof(v)) {
			v = sk->max_pacing;
			break;
		}
		v = min(sk->max_pacing, (u64)UINT_MAX);
		memcpy(val, &v, sizeof(u32));
		return sizeof(u32);
	default:
		return 0;
	}
	memcpy(val, &v, sizeof(v));
	return sizeof(v);
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
	case SO_ACCEPTCONN:
		return sk->listening;
	case SO_LOCK_FILTER:
		return sock_option(sk, name);
	case SO_BPF_EXTENSIONS:
		return SKF_AD_MAX_K;
	default: /* SO_REUSEPORT, SO_INCOMING_NAPI_ID, what is refused */
		return 0;
	}
}

int sock_getsockopt(struct socket *sock, int name, void *val, u32 *len)
{
	struct sock *sk = sock->sk;
	const struct sock_opt *o = opt_of(name);
	u8 out[SOCKOPT_MAX];
	u32 n;
	int v;

	if (o->kind == OPT_NONE || o->kind == OPT_NOTHING || name == SO_SNDBUFFORCE ||
	    name == SO_RCVBUFFORCE || name == SO_INQ_K)
		return -ENOPROTOOPT;
	if (o->kind == OPT_REFUSED && o->get_err)
		return o->get_err;
	if (name == SO_PEERNAME)
		return get_peername(sock, val, len);
	if (name == SO_COOKIE_K && *len < sizeof(u64))
		return -EINVAL;
	n = get_wide(sk, name, *len, out);
	if (!n) {
		if (o->kind == OPT_FLAG)
			v = sock_option(sk, name);
		else if (o->kind == OPT_STAMP)
			v = sk->stamp == name;
		else
			v = o->kind == OPT_VALUE ? sk->values[o->value] : get_int(sk, name);
		n = sizeof(v);
		memcpy(out, &v, n);
	}
	*len = min(*len, n);
	memcpy(val, out, *len);
	return 0;
}

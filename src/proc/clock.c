/* The machine's clocks and its repeatable randomness. See clock.h. */
#include "proc/clock.h"

#include <string.h>

#include "base/host.h"
#include "proc/machine.h"
#include "proc/rusage.h"

/* --deterministic: the first moment of a virtual machine, 2026-01-01 00:00:00 UTC. */
#define VIRTUAL_EPOCH 1767225600UL

/* Virtual time: a nanosecond an instruction, plus what was skipped while idle. */
static u64 virtual_now(const struct machine *m)
{
	return m->virtual_ns + m->cpu.retired;
}

static u64 clock_now(void *arg)
{
	struct machine *m = arg;

	return m->config.deterministic ? virtual_now(m) : host_clock_ns(CLOCK_MONOTONIC);
}

static void clock_advance_to(void *arg, u64 ns)
{
	struct machine *m = arg;

	if (ns > virtual_now(m))
		m->virtual_ns += ns - virtual_now(m);
}

static u64 clock_tsc(void *arg)
{
	return virtual_now(arg);
}

u64 machine_now_ns(struct machine *m)
{
	return clock_now(m);
}

/* The machine's start counts as a second of up time, so that no clock reads 0. */
void machine_clock_init(struct machine *m)
{
	m->events.now_ns = clock_now;
	m->events.now_arg = m;
	if (m->config.deterministic) {
		m->virtual_ns = NSEC_PER_SEC;
		m->events.advance_to = clock_advance_to;
		m->cpu.read_tsc = clock_tsc;
		m->cpu.read_tsc_arg = m;
	}
	m->boot_ns = clock_now(m);
}

static void ns_to_timespec(u64 ns, struct timespec *ts)
{
	ts->tv_sec = ns / NSEC_PER_SEC;
	ts->tv_nsec = ns % NSEC_PER_SEC;
}

int machine_clock_gettime(struct machine *m, struct task_struct *t, int clk, struct timespec *ts)
{
	u64 utime, stime;

	switch (clk) {
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		task_cputime(t, &utime, &stime);
		ns_to_timespec(utime + stime, ts);
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		if (!m->config.deterministic)
			break;
		ns_to_timespec(VIRTUAL_EPOCH * NSEC_PER_SEC + virtual_now(m), ts);
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		if (!m->config.deterministic)
			break;
		ns_to_timespec(virtual_now(m), ts);
		return 0;
	default:
		return -EINVAL;
	}
	ns_to_timespec(host_clock_ns(clk), ts);
	return 0;
}

/* xoshiro256**: repeatable, and not fit for secrets (--help says so). */
static u64 rotl(u64 x, int k)
{
	return x << k | x >> (64 - k);
}

static u64 rng_next(u64 s[4])
{
	u64 result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

void machine_rng_init(struct machine *m)
{
	u64 z = m->config.seed;

	for (int i = 0; i < 4; i++) { /* splitmix64 fills the state */
		u64 x = z += 0x9e3779b97f4a7c15UL;

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
		x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
		m->rng[i] = x ^ x >> 31;
	}
	m->cpu.random = z; /* rdrand goes on from there, on its own */
}

void machine_random(struct machine *m, void *buf, u64 n)
{
	u8 *p = buf;

	while (n) {
		u64 v = rng_next(m->rng), k = min(n, (u64)8);

		memcpy(p, &v, k);
		p += k;
		n -= k;
	}
}

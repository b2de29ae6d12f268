/* The machine's clocks and its repeatable randomness. See clock.h. */
#include "proc/clock.h"

#include <string.h>

#include "base/host.h"
#include "proc/task.h"

/* Virtual time: a nanosecond an instruction, plus what was skipped while idle. */
static u64 virtual_now(const struct machine *m)
{
	return m->virtual_ns + m->cpu.retired;
}

static u64 clock_now(void *arg)
{
	struct machine *m = arg;

	return m->config.deterministic ? virtual_now(m) : timekeeping_ns(&m->tk, CLOCK_MONOTONIC);
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

void machine_clock_tick(struct machine *m)
{
	if (!m->config.deterministic)
		timekeeping_tick(&m->tk);
}

void machine_clock_share(struct machine *m, struct vdso_data *shared)
{
	timekeeping_share(&m->tk, shared);
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
		m->tk.data.tick_ns = NSEC_PER_JIFFY;
	} else {
		timekeeping_init(&m->tk, NSEC_PER_JIFFY);
	}
	m->boot_ns = clock_now(m);
}

/* --- clocks of CPU time ------------------------------------------------------------------------ */

/* A negative number: ~pid << 3, whether a thread's, and of what. See: Linux, posix-timers_types.h. */
#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_WHICH 3
enum { CPUCLOCK_PROF, CPUCLOCK_VIRT, CPUCLOCK_SCHED, CPUCLOCK_NONE };

bool is_cpu_clock(int clk)
{
	return clk < 0 || clk == CLOCK_PROCESS_CPUTIME_ID || clk == CLOCK_THREAD_CPUTIME_ID;
}

/* CLOCK_PROCESS_CPUTIME_ID and its kin as what they are short for. */
static int long_name(int clk)
{
	if (clk < 0)
		return clk;
	return ~7 | CPUCLOCK_SCHED | (clk == CLOCK_THREAD_CPUTIME_ID ? CPUCLOCK_PERTHREAD : 0);
}

struct task_struct *cpu_clock_task(struct task_struct *t, int clk, bool get)
{
	struct task_struct *p;
	s32 pid;

	clk = long_name(clk);
	pid = ~(clk >> 3);
	if ((clk & CPUCLOCK_WHICH) == CPUCLOCK_NONE) /* a descriptor's: no file here has a clock */
		return NULL;
	if (!pid)
		return clk & CPUCLOCK_PERTHREAD ? t : t->signal->leader;
	p = find_task_by_pid(t->machine, pid);
	if (!p || p->kthread)
		return NULL;
	if (clk & CPUCLOCK_PERTHREAD)
		return p->signal == t->signal ? p : NULL;
	return thread_group_leader(p) || (get && p == t) ? p : NULL;
}

u64 cpu_clock_sample(struct task_struct *p, int clk)
{
	u64 utime, stime;

	clk = long_name(clk);
	if (clk & CPUCLOCK_PERTHREAD)
		task_cputime(p, &utime, &stime);
	else
		group_cputime(p, &utime, &stime);
	return (clk & CPUCLOCK_WHICH) == CPUCLOCK_VIRT ? utime : utime + stime;
}

static int cpu_clock_ns(struct task_struct *t, int clk, u64 *ns)
{
	struct task_struct *p = cpu_clock_task(t, clk, true);

	if (!p)
		return -EINVAL;
	*ns = cpu_clock_sample(p, clk);
	return 0;
}

int machine_clock_check(struct task_struct *t, int clk)
{
	if (is_cpu_clock(clk))
		return cpu_clock_task(t, clk, false) ? 0 : -EINVAL;
	if ((u32)clk < VDSO_NR_CLOCKS && VDSO_CLOCKS & 1U << clk)
		return 0;
	return -EINVAL; /* also CLOCK_REALTIME_ALARM and the like: there is no RTC that could wake anybody */
}

/* --- reading any clock -------------------------------------------------------------------------- */

static u64 virtual_ns(const struct machine *m, int clk)
{
	switch (clk) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		return VIRTUAL_EPOCH_NS + virtual_now(m);
	default:
		return virtual_now(m);
	}
}

static void ns_to_timespec(u64 ns, struct timespec *ts)
{
	ts->tv_sec = ns / NSEC_PER_SEC;
	ts->tv_nsec = ns % NSEC_PER_SEC;
}

int machine_clock_gettime(struct machine *m, struct task_struct *t, int clk, struct timespec *ts)
{
	int err = 0;
	u64 ns = 0;

	if (is_cpu_clock(clk))
		err = cpu_clock_ns(t, long_name(clk), &ns);
	else if ((err = machine_clock_check(t, clk)))
		return err;
	else if (m->config.deterministic)
		ns = virtual_ns(m, clk);
	else
		ns = timekeeping_ns(&m->tk, clk);
	if (!err)
		ns_to_timespec(ns, ts);
	return err;
}

int machine_clock_getres(struct task_struct *t, int clk, u64 *ns)
{
	bool ticks = clk < 0 ? (clk & CPUCLOCK_WHICH) != CPUCLOCK_SCHED
			     : clk == CLOCK_REALTIME_COARSE || clk == CLOCK_MONOTONIC_COARSE;

	*ns = ticks ? NSEC_PER_JIFFY : 1;
	return machine_clock_check(t, clk);
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

static void get_random(struct vfs *v, void *buf, u64 n)
{
	machine_random(container_of(v, struct machine, vfs), buf, n);
}

void machine_rng_init_dev(struct machine *m)
{
	m->vfs.get_random = get_random;
}

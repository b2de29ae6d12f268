/* Clocks and sleeping. The clocks are proc/clock.c's. */
#include "syscalls/internal.h"

#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#define CLOCK_TICK_NS 10000000UL /* USER_HZ is 100 */

u64 timespec_ns(const struct timespec *ts)
{
	u64 ns;

	if (__builtin_mul_overflow((u64)ts->tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (u64)ts->tv_nsec, &ns))
		return WAIT_FOREVER;
	return ns;
}

int sleep_interruptible(struct task_struct *t, u64 deadline_ns)
{
	struct wait_queue_head nobody;

	init_waitqueue_head(&nobody, &t->machine->sched);
	return wait_event_interruptible_until(&nobody, false, deadline_ns) == -ETIME
		       ? 0
		       : -ERESTARTNOHAND;
}

static u64 add_sat(u64 a, u64 b)
{
	return a + b < a ? WAIT_FOREVER : a + b;
}

/* --- reading clocks -------------------------------------------------------------------------- */

static long put_timespec(struct task_struct *t, const struct timespec *ts, gva_t to)
{
	return put_user(t->mm, *ts, to);
}

/* clock_gettime(2). -EINVAL: no such clock. */
long sys_clock_gettime(struct task_struct *t, const struct sysargs *a)
{
	struct timespec ts;
	int err = machine_clock_gettime(t->machine, t, (int)a->arg[0], &ts);

	return err ? err : put_timespec(t, &ts, a->arg[1]);
}

/* clock_getres(2). -EINVAL: no such clock. */
long sys_clock_getres(struct task_struct *t, const struct sysargs *a)
{
	u64 ns;
	int err = machine_clock_getres(t, (int)a->arg[0], &ns);
	struct timespec ts = {0, (s64)ns};

	return err || !a->arg[1] ? err : put_timespec(t, &ts, a->arg[1]);
}

/* gettimeofday(2): UTC. */
long sys_gettimeofday(struct task_struct *t, const struct sysargs *a)
{
	static const struct timezone utc;
	struct timespec ts;
	struct timeval tv;

	machine_clock_gettime(t->machine, t, CLOCK_REALTIME, &ts);
	tv.tv_sec = ts.tv_sec;
	tv.tv_usec = ts.tv_nsec / 1000;
	if (a->arg[0] && put_user(t->mm, tv, a->arg[0]))
		return -EFAULT;
	if (a->arg[1] && copy_to_user(t->mm, a->arg[1], &utc, sizeof(utc)))
		return -EFAULT;
	return 0;
}

static s64 seconds_now(struct task_struct *t)
{
	struct timespec ts;

	machine_clock_gettime(t->machine, t, CLOCK_REALTIME_COARSE, &ts); /* as Linux's */
	return ts.tv_sec;
}

/* time(2). Seconds; -EFAULT. */
long sys_time(struct task_struct *t, const struct sysargs *a)
{
	s64 now = seconds_now(t);

	if (a->arg[0] && put_user(t->mm, now, a->arg[0]))
		return -EFAULT;
	return now;
}

/* i386's time(2): 32 bits. */
long sys_time32(struct task_struct *t, const struct sysargs *a)
{
	s32 now = (s32)seconds_now(t); /* old_time32_t: over in 2038 */

	if (a->arg[0] && put_user(t->mm, now, a->arg[0]))
		return -EFAULT;
	return now;
}

/* times(2). Ticks of the monotonic clock, 100 a second. */
long sys_times(struct task_struct *t, const struct sysargs *a)
{
	u64 utime, stime;
	struct tms tms = {0};

	if (a->arg[0]) {
		group_cputime(t, &utime, &stime);
		tms.tms_utime = utime / CLOCK_TICK_NS;
		tms.tms_stime = stime / CLOCK_TICK_NS;
		task_children_cputime(t, &utime, &stime);
		tms.tms_cutime = utime / CLOCK_TICK_NS;
		tms.tms_cstime = stime / CLOCK_TICK_NS;
		if (put_user(t->mm, tms, a->arg[0]))
			return -EFAULT;
	}
	return machine_now_ns(t->machine) / CLOCK_TICK_NS;
}

/* --- sleeping -------------------------------------------------------------------------------- */

static long sleep_restart(struct task_struct *t);

/* Sleeps until @expires_ns of the machine's clock. A handler ends it with EINTR and the time left;
 * a stop and continue does not: restart_syscall() goes on. */
static long sleep_until(struct task_struct *t, u64 expires_ns, gva_t rmtp)
{
	struct timespec left;

	if (!sleep_interruptible(t, expires_ns))
		return 0;
	left = time_left(t, expires_ns);
	if (rmtp && put_user(t->mm, left, rmtp))
		return -EFAULT;
	t->restart_block.expires_ns = expires_ns;
	t->restart_block.user = rmtp;
	t->restart_block.fn = sleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_restart(struct task_struct *t)
{
	return sleep_until(t, t->restart_block.expires_ns, t->restart_block.user);
}

/* restart_syscall(2): the kernel's own, after a stop. -EINTR: nothing to go on with. */
long sys_restart_syscall(struct task_struct *t, const struct sysargs *a)
{
	long (*fn)(struct task_struct * t) = t->restart_block.fn;

	(void)a;
	t->restart_block.fn = NULL;
	return fn ? fn(t) : -EINTR;
}

/* nanosleep(2). -EINVAL: the time; a handler ends it: -EINTR, and the time left. */
long sys_nanosleep(struct task_struct *t, const struct sysargs *a)
{
	struct timespec ts;

	if (get_user(t->mm, ts, a->arg[0]))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return sleep_until(t, deadline_after(t, &ts), a->arg[1]);
}

/* How long until clock @clk shows @ts. */
static u64 ns_until(struct task_struct *t, int clk, const struct timespec *ts)
{
	struct timespec now;
	u64 at = timespec_ns(ts), n;

	machine_clock_gettime(t->machine, t, clk, &now);
	n = timespec_ns(&now);
	return at > n ? at - n : 0;
}

u64 deadline_after(struct task_struct *t, const struct timespec *ts)
{
	return add_sat(machine_now_ns(t->machine), timespec_ns(ts));
}

u64 deadline_at(struct task_struct *t, int clk, const struct timespec *ts)
{
	return add_sat(machine_now_ns(t->machine), ns_until(t, clk, ts));
}

u64 timeout_deadline(struct task_struct *t, const struct timespec *ts)
{
	return timespec_ns(ts) ? deadline_after(t, ts) : 0;
}

struct timespec time_left(struct task_struct *t, u64 deadline_ns)
{
	u64 now = machine_now_ns(t->machine), ns = deadline_ns > now ? deadline_ns - now : 0;

	return (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

/* --- sleeping by CPU time ---------------------------------------------------------------------- */

#define CPUCLOCK_PERTHREAD 4
#define CPU_SLEEP_MIN_NS (10 * NSEC_PER_MSEC) /* how soon a process's time is looked at again */

/* By the CPU time of another thread or of a process: nobody tells us how that goes on, but it takes at
 * least as long as is left. @at_ns: of that clock. 0, -EINVAL: the clock is gone, -ERESTARTNOHAND. */
static int cpu_sleep_until(struct task_struct *t, int clk, u64 at_ns, u64 *left_ns)
{
	struct timespec now;
	int err;

	for (;;) {
		err = machine_clock_gettime(t->machine, t, clk, &now);
		if (err)
			return err;
		if (timespec_ns(&now) >= at_ns)
			return 0;
		*left_ns = at_ns - timespec_ns(&now);
		err = sleep_interruptible(
			t, add_sat(machine_now_ns(t->machine), max(*left_ns, CPU_SLEEP_MIN_NS)));
		if (err)
			return err;
	}
}

static long cpu_sleep_restart(struct task_struct *t);

static long cpu_sleep(struct task_struct *t, int clk, u64 at_ns, gva_t rmtp, bool absolute)
{
	struct timespec left;
	u64 left_ns = 0;
	int err = cpu_sleep_until(t, clk, at_ns, &left_ns);

	if (err != -ERESTARTNOHAND || absolute)
		return err;
	left = (struct timespec){left_ns / NSEC_PER_SEC, left_ns % NSEC_PER_SEC};
	if (rmtp && put_user(t->mm, left, rmtp))
		return -EFAULT;
	t->restart_block.fn = cpu_sleep_restart;
	t->restart_block.expires_ns = at_ns;
	t->restart_block.user = rmtp;
	t->restart_block.nr = (u32)clk;
	return -ERESTART_RESTARTBLOCK;
}

static long cpu_sleep_restart(struct task_struct *t)
{
	return cpu_sleep(t, (s32)t->restart_block.nr, t->restart_block.expires_ns,
			 t->restart_block.user, false);
}

/* -EINVAL: no such clock, or one's own thread's, which stands still meanwhile. */
static long cpu_nanosleep(struct task_struct *t, int clk, const struct timespec *ts, bool absolute,
			  gva_t rmtp)
{
	s32 pid = (s32)(~(u32)clk >> 3); /* CPUCLOCK_PID() */
	struct timespec now;
	int err = machine_clock_check(t, clk);

	if (clk < 0 && (clk & CPUCLOCK_PERTHREAD) && (!pid || pid == t->pid))
		return -EINVAL;
	if (!err)
		err = machine_clock_gettime(t->machine, t, clk, &now);
	if (err)
		return err;
	return cpu_sleep(t, clk, add_sat(timespec_ns(ts), absolute ? 0 : timespec_ns(&now)), rmtp,
			 absolute);
}

/* Can one sleep by it? 0, -EINVAL, -EOPNOTSUPP. */
static int check_sleep_clock(int clk)
{
	switch (clk) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_REALTIME_ALARM: /* there is no RTC to wake anybody */
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		if (clk >= 0)
			return -EINVAL;
		return (clk & 7) == 3 ? -EOPNOTSUPP : 0; /* a descriptor's; CPU time */
	}
}

/* clock_nanosleep(2). As nanosleep(2); -EINVAL, -EOPNOTSUPP: the clock. */
long sys_clock_nanosleep(struct task_struct *t, const struct sysargs *a)
{
	int clk = a->arg[0], err = check_sleep_clock(clk);
	bool absolute = a->arg[1] & TIMER_ABSTIME;
	struct timespec ts;
	u64 ns;
	long ret;

	if (err)
		return err;
	if (get_user(t->mm, ts, a->arg[2]))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if (clk < 0 || clk == CLOCK_PROCESS_CPUTIME_ID)
		return cpu_nanosleep(t, clk, &ts, absolute, absolute ? 0 : a->arg[3]);
	ns = absolute ? ns_until(t, clk, &ts) : timespec_ns(&ts);
	ret = sleep_until(t, add_sat(machine_now_ns(t->machine), ns), absolute ? 0 : a->arg[3]);
	return absolute && ret == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : ret;
}

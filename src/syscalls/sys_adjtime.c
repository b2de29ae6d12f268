/* Setting clocks and steering them. The machine's follow the host's, so that nobody here may: every
 * change is refused, as to a process without CAP_SYS_TIME, once its arguments have been found right.
 * What a program may read, how well the host's clock is steered, is the host's. */
#include "syscalls/internal.h"

#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "base/host_proc.h"

#define ADJ_ADJTIME_K 0x8000U /* a call of adjtime(3) */
#define ADJ_OFFSET_SINGLESHOT_K 0x0001U
#define ADJ_OFFSET_READONLY_K 0x2000U
#define SETTOD_SEC_MAX (0x7fffffffffffffffL / 1000000000L - 30L * 365 * 24 * 3600)

/* timespec64_valid_settod(): what leaves room to go on from. */
static bool valid_settod(const struct timespec *ts)
{
	return timespec_valid(ts) && ts->tv_sec < SETTOD_SEC_MAX;
}

/* clock_settime(2). -EINVAL: no clock that could be set, not a time; -EPERM. */
long sys_clock_settime(struct task_struct *t, const struct sysargs *a)
{
	int clk = a->arg[0];
	struct timespec ts;

	if (clk > CLOCK_REALTIME)
		return -EINVAL;
	if (get_user(t->mm, ts, a->arg[1]))
		return -EFAULT;
	if (clk < 0 ? machine_clock_check(t, clk) : !valid_settod(&ts))
		return -EINVAL;
	return -EPERM;
}

/* settimeofday(2). -EINVAL: not a time; -EPERM. */
long sys_settimeofday(struct task_struct *t, const struct sysargs *a)
{
	struct timezone tz;
	struct timeval tv;
	struct timespec ts = {0};

	if (a->arg[0]) {
		if (get_user(t->mm, tv, a->arg[0]))
			return -EFAULT;
		if ((u64)tv.tv_usec > 1000000)
			return -EINVAL;
		ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
	}
	if (a->arg[1] && copy_from_user(t->mm, &tz, a->arg[1], sizeof(tz)))
		return -EFAULT;
	return valid_settod(&ts) ? -EPERM : -EINVAL;
}

/* timekeeping_validate_timex(): may @tx be asked for? 0, -EINVAL, -EPERM. */
static int check_timex(const struct timex *tx)
{
	if (tx->modes & ADJ_ADJTIME_K) {
		if (!(tx->modes & ADJ_OFFSET_SINGLESHOT_K))
			return -EINVAL;
		return tx->modes & ADJ_OFFSET_READONLY_K && !(tx->modes & ADJ_SETOFFSET) ? 0
											 : -EPERM;
	}
	return tx->modes ? -EPERM : 0;
}

/* A clock that nobody has ever steered, as virtual time's is. */
static int virtual_timex(struct task_struct *t, struct timex *tx)
{
	struct timespec now;

	machine_clock_gettime(t->machine, t, CLOCK_REALTIME, &now);
	*tx = (struct timex){
		.modes = tx->modes,
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000,
		.time = {now.tv_sec, now.tv_nsec / 1000},
		.tick = 10000,
	};
	return TIME_ERROR;
}

/* The state of the clock, TIME_OK and so on, and in @tx what is known of it. */
static long do_adjtimex(struct task_struct *t, struct timex *tx)
{
	u32 modes = tx->modes;
	int ret = check_timex(tx);

	if (ret)
		return ret;
	if (t->machine->config.deterministic)
		return virtual_timex(t, tx);
	tx->modes = modes ? ADJ_OFFSET_SS_READ : 0; /* whatever else it may say, nothing is set */
	ret = host_adjtimex(tx);
	tx->modes = modes;
	return ret;
}

/* clockid_to_kclock(): of a descriptor (3 in the low bits), or beyond the last, there is none. */
static bool clock_has_number(int clk)
{
	return clk < 0 ? (clk & 7) != 3 : clk <= CLOCK_TAI && clk != CLOCK_TAI - 1;
}

static long adjtimex_of(struct task_struct *t, int clk, gva_t addr)
{
	struct timex tx;
	long ret;

	if (copy_from_user(t->mm, &tx, addr, sizeof(tx)))
		return -EFAULT;
	if (clk != CLOCK_REALTIME)
		return clock_has_number(clk) ? -EOPNOTSUPP : -EINVAL;
	ret = do_adjtimex(t, &tx);
	return ret >= 0 && copy_to_user(t->mm, addr, &tx, sizeof(tx)) ? -EFAULT : ret;
}

/* adjtimex(2). TIME_OK and its kin; -EINVAL; -EPERM: any change. */
long sys_adjtimex(struct task_struct *t, const struct sysargs *a)
{
	return adjtimex_of(t, CLOCK_REALTIME, a->arg[0]);
}

/* clock_adjtime(2). As adjtimex(2); -EOPNOTSUPP: a clock that nobody steers. */
long sys_clock_adjtime(struct task_struct *t, const struct sysargs *a)
{
	return adjtimex_of(t, (int)a->arg[0], a->arg[1]);
}

/* The machine's clocks and its repeatable randomness.
 *
 *	usual            clocks are the host's, by way of the time stamp counter (timekeeping.h)
 *	--deterministic  virtual time: a nanosecond an instruction, plus what was skipped while idle
 *
 * Not for: CPU time of tasks (rusage.h), timers (base/event.h, itimer.h). Nothing here sleeps.
 * See: clock_gettime(2), time(7).
 */
#ifndef PROC_CLOCK_H
#define PROC_CLOCK_H

#include <time.h>

#include "base/types.h"

struct machine;
struct task_struct;
struct vdso_data;

#define NSEC_PER_SEC 1000000000UL
#define NSEC_PER_MSEC 1000000UL
#define NSEC_PER_TICK 10000000UL /* of USER_HZ, which /proc and siginfo count in */
#define HZ_K 250		 /* the kernel's own ticks: some bounds and times show them */
#define NSEC_PER_JIFFY (NSEC_PER_SEC / HZ_K)

/* Once, by machine_init(), when cpu and events are there: sets machine.boot_ns, and whose time the event
 * loop and (deterministic) RDTSC go by. */
void machine_clock_init(struct machine *m);
/* Seeds machine_random() and RDRAND with config.seed. Once, by machine_init(). */
void machine_rng_init(struct machine *m);

/* Looks at the host's clocks if it is time to; where a slice or a sleep has ended. Cheap. */
void machine_clock_tick(struct machine *m);
/* @shared, zeroed, is what programs compute clocks from without a call (vdso_data.h); it is the caller's,
 * and NULL takes it back. */
void machine_clock_share(struct machine *m, struct vdso_data *shared);

/* Nanoseconds of the machine's monotonic clock, which all deadlines are of. */
u64 machine_now_ns(struct machine *m);
/* clock_gettime(2) of clock @clk: CLOCK_*, or a CPU-time clock by its number (clock_getcpuclockid(3)); @t:
 * who asks, and may be NULL for clocks that are not of CPU time. 0; -EINVAL: there is no such clock. */
int machine_clock_gettime(struct machine *m, struct task_struct *t, int clk, struct timespec *ts);
/* Is there such a clock for @t? 0 or -EINVAL. The thread's own number does not name its process here, as
 * it does for machine_clock_gettime(): timers and resolutions. See: Linux, pid_for_clock(). */
int machine_clock_check(struct task_struct *t, int clk);
/* clock_getres(2) in nanoseconds, set even if there is no such clock: 0 or -EINVAL. */
int machine_clock_getres(struct task_struct *t, int clk, u64 *ns);

/* Is @clk a clock of CPU time? For those: whose it is to @t, the thread, or the leader of the
 * process; NULL: there is no such clock, or it is not for @t. @get: it is to be read, for which a thread's
 * own number does for its process. Then what it shows in nanoseconds, of @p. See: Linux, pid_for_clock(). */
bool is_cpu_clock(int clk);
struct task_struct *cpu_clock_task(struct task_struct *t, int clk, bool get);
u64 cpu_clock_sample(struct task_struct *p, int clk);

/* @n bytes of the machine's repeatable randomness (xoshiro256**); not fit for secrets. */
void machine_random(struct machine *m, void *buf, u64 n);
/* Once, after vfs_init(): /dev/random and /dev/urandom are that, too. */
void machine_rng_init_dev(struct machine *m);

#endif

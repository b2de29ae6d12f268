/* The machine's clocks and its repeatable randomness.
 *
 *	usual            clocks are the host's, as they are
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

/* Nanoseconds of the machine's monotonic clock, which all deadlines are of. */
u64 machine_now_ns(struct machine *m);
/* clock_gettime(2) of clock @clk; @t: whose CPU time, and may be NULL for the other clocks. 0;
 * -EINVAL: there is no such clock. */
int machine_clock_gettime(struct machine *m, struct task_struct *t, int clk, struct timespec *ts);

/* @n bytes of the machine's repeatable randomness (xoshiro256**); not fit for secrets. */
void machine_random(struct machine *m, void *buf, u64 n);

#endif

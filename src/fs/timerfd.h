/* timerfd: a timer whose expiries are read from a descriptor.
 *
 *   timerfd_ctx --timer--> event loop (base/event.h): expires --> ticks++, readers and pollers wake
 *
 * One that repeats stands still from its expiry until somebody looks (read, gettime, settime), and what passed meanwhile
 * is added then. Deadlines are of the machine's monotonic clock: no guest can set a clock, so the others keep their
 * distance to it. Not for: signals on expiry (proc/posix_timer.h, proc/itimer.h).
 * See: timerfd_create(2); Linux, fs/timerfd.c.
 */
#ifndef FS_TIMERFD_H
#define FS_TIMERFD_H

#include "fs/file.h"

struct timerfd_ctx;

/* Nanoseconds. value_ns: until the next expiry; 0: not set. interval_ns: 0: once. */
struct timerfd_spec {
	u64 value_ns, interval_ns;
};

/* A new one (a reference) of clock @clockid (as fdinfo shows it). @flags: TFD_NONBLOCK. Never sleeps. ERR_PTR(-ENOMEM,
 * -ENFILE). */
struct file *timerfd_create_file(struct vfs *v, int clockid, int flags);
/* The timer that @f is, for as long as @f lives; NULL: another kind of file. */
struct timerfd_ctx *timerfd_get(const struct file *f);
/* The clock it was made with. */
int timerfd_clock(const struct timerfd_ctx *ctx);

/* Sets it for @expires_ns of the machine's clock (0: off) and every @interval_ns from there; @flags: TFD_TIMER_*, for
 * fdinfo. What it was before goes to *@old. */
void timerfd_set(struct timerfd_ctx *ctx, int flags, u64 expires_ns, u64 interval_ns,
		 struct timerfd_spec *old);
/* What is left, and the interval. */
void timerfd_left(struct timerfd_ctx *ctx, struct timerfd_spec *cur);

#endif

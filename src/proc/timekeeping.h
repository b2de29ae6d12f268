/* The machine's time on the real clock, computed from the time stamp counter, so that the vdso may compute
 * the same without asking.
 *
 *	host clocks --sample--> struct timekeeper.data --copy--> the page below [vdso] --> guest code
 *	rdtsc       -----------'         |
 *	                                 '--> timekeeping_ns(): system calls, deadlines
 *
 * System calls and the vdso therefore never disagree. The host's clocks are looked at again every few
 * milliseconds at first, then 20 times a second: what ours is behind it catches up at once, what it is
 * ahead it loses by going slower, so that no clock ever goes back. Until the counter's frequency is known,
 * and on a host whose counter is not steady, mode is VDSO_CLOCK_NONE: each read asks the host.
 *
 * Not for: virtual time (clock.h); nothing here is used with --deterministic.
 * See: Linux, kernel/time/timekeeping.c.
 */
#ifndef PROC_TIMEKEEPING_H
#define PROC_TIMEKEEPING_H

#include "proc/vdso_data.h"

/* The host's clocks and its counter at one moment. */
struct clock_sample {
	u64 tsc, mono_ns, raw_ns;
};

struct timekeeper {
	struct vdso_data data;	  /* the truth */
	struct vdso_data *shared; /* the copy that guests read; NULL: there is none (yet) */
	bool steady;		  /* the counter can be trusted, so far */
	u32 nr_jumps;		  /* how often it was far from the host's clock */
	u64 interval;		  /* cycles until the host is asked again; 0: each time */
	/* The frequency is taken from @older on, of 16 to 32 seconds; @newer is the next one. */
	struct clock_sample older, newer;
};

/* The first sample. @tick_ns: what the coarse clocks count in. Once. */
void timekeeping_init(struct timekeeper *tk, u64 tick_ns);
/* From now on @shared, zeroed and the caller's, holds what the vdso reads; NULL: no longer. */
void timekeeping_share(struct timekeeper *tk, struct vdso_data *shared);
/* Asks the host if it is time to. Cheap; to be called where a time slice or a sleep ends. */
void timekeeping_tick(struct timekeeper *tk);
/* Nanoseconds of clock @clk, one of VDSO_CLOCKS. */
u64 timekeeping_ns(struct timekeeper *tk, int clk);

#endif

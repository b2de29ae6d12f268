/* What the vdso's code reads without a system call: one page that proc/timekeeping.c writes and
 * loader/vdso_code.S, which is assembler, knows by the offsets below.
 *
 *	ns of a clock = base + ((rdtsc - cycle_last) * mult >> 32) + offset[clock]
 *
 * The reader takes @seq before and after: another one, and it reads again.
 *
 * Not for: how the numbers are found (timekeeping.h).
 * See: Linux, include/vdso/datapage.h, whose idea this is.
 */
#ifndef PROC_VDSO_DATA_H
#define PROC_VDSO_DATA_H

#define VDSO_CLOCK_NONE 0 /* make the system call */
#define VDSO_CLOCK_TSC 1
#define VDSO_NR_CLOCKS 12 /* CLOCK_TAI is the last */

/* By number, below 12: REALTIME, MONOTONIC, RAW, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI. */
#define VDSO_CLOCKS 0x8f3
#define VDSO_COARSE_CLOCKS 0x060

/* Offsets in struct vdso_data. */
#define VDSO_SEQ 0
#define VDSO_MODE 4
#define VDSO_CYCLE_LAST 8
#define VDSO_MONO 16
#define VDSO_RAW 32
#define VDSO_TICK_NS 48
#define VDSO_TICK_PHASE 56
#define VDSO_COARSE_MIN 64
#define VDSO_OFFSET 72
#define VDSO_LINE_BASE 0
#define VDSO_LINE_MULT 8

#ifndef __ASSEMBLER__
#include <stddef.h>

#include "base/types.h"

struct vdso_line {
	u64 base_ns; /* at cycle_last */
	u64 mult;    /* nanoseconds a cycle, times 2^32 */
};

struct vdso_data {
	u32 seq;  /* another one with each change */
	u32 mode; /* VDSO_CLOCK_* */
	u64 cycle_last;
	struct vdso_line mono, raw;
	u64 tick_ns;	   /* what the coarse clocks count in */
	u64 tick_phase_ns; /* of MONOTONIC, below tick_ns: when they count */
	u64 coarse_min_ns; /* MONOTONIC_COARSE is at least that: the phase may move */
	/* From MONOTONIC; MONOTONIC_RAW has a line of its own. */
	u64 offset_ns[VDSO_NR_CLOCKS];
};

_Static_assert(offsetof(struct vdso_data, seq) == VDSO_SEQ, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, mode) == VDSO_MODE, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, cycle_last) == VDSO_CYCLE_LAST, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, mono) == VDSO_MONO, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, raw) == VDSO_RAW, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, tick_ns) == VDSO_TICK_NS, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, tick_phase_ns) == VDSO_TICK_PHASE, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, coarse_min_ns) == VDSO_COARSE_MIN, "vdso_code.S");
_Static_assert(offsetof(struct vdso_data, offset_ns) == VDSO_OFFSET, "vdso_code.S");
_Static_assert(offsetof(struct vdso_line, mult) == VDSO_LINE_MULT, "vdso_code.S");
#endif

#endif

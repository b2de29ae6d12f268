/* Time from the time stamp counter. See timekeeping.h. */
#include "proc/timekeeping.h"

#include <time.h>

#include "base/host.h"
#include "cpu/cpu.h"

#define NS_PER_SEC 1000000000UL
#define FIRST_NS 200000UL /* what the first measure of the frequency takes: exact to some ppm */
#define FIRST_TRIES 8
#define INTERVAL_NS 50000000UL	/* between two looks at the host's clocks, in the end */
#define WINDOW_NS 16000000000UL /* of the frequency; the host's own changes slowly, too */
#define NARROW_CYCLES 20000UL	/* a sample that took longer was interrupted */
#define NOISE_NS 50L		/* of a sample: not worth a correction */
#define SLEW_NS 10000000L	/* in which time what we are ahead is lost */
#define JUMP_NS 1000000L	/* more than that is no drift: something has jumped */
#define MAX_JUMPS 8		/* until the counter is given up */
#define STEP_NS 2000L		/* the host's clock was set, if REALTIME moved so far */

static u64 rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

/* --- asking the host ---------------------------------------------------------------------------- */

struct host_times {
	struct clock_sample s;
	u64 real_ns, boot_ns, tai_ns, coarse_ns;
	u64 width; /* cycles that the clocks were read in: no two of them can be told apart better */
};

/* The best of some tries: all clocks of one, so that an interruption between two is seen. False: each was
 * interrupted. */
static bool sample(struct host_times *best)
{
	best->width = ~0UL;
	for (int i = 0; i < 4; i++) {
		u64 t0 = rdtsc(), mono = host_clock_ns(CLOCK_MONOTONIC), t1 = rdtsc();
		u64 real = host_clock_ns(CLOCK_REALTIME), tai = host_clock_ns(CLOCK_TAI);
		u64 boot = host_clock_ns(CLOCK_BOOTTIME);
		u64 raw = host_clock_ns(CLOCK_MONOTONIC_RAW), t2 = rdtsc();

		if (t2 - t0 >= best->width)
			continue;
		*best = (struct host_times){
			.s = {t0 + (t1 - t0) / 2, mono, raw},
			.real_ns = real,
			.boot_ns = boot,
			.tai_ns = tai,
			.width = t2 - t0,
		};
	}
	best->coarse_ns = host_clock_ns(CLOCK_MONOTONIC_COARSE);
	return best->width < NARROW_CYCLES;
}

static u64 cycles_ns(const struct vdso_line *l, u64 cycles)
{
	return (u64)((unsigned __int128)cycles * l->mult >> 32);
}

static u64 abs_diff(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/* What the other clocks are from MONOTONIC is the same until somebody sets them: what two reads differ by, at most
 * @noise_ns, is no reason to move them, and would make them go back. */
static void update_offset(u64 *offset, u64 now, u64 noise_ns, bool first)
{
	if (first || abs_diff(*offset, now) > noise_ns)
		*offset = now;
}

static void update_offsets(struct vdso_data *d, const struct host_times *h, bool first)
{
	u64 real = d->offset_ns[CLOCK_REALTIME], boot = d->offset_ns[CLOCK_BOOTTIME];
	u64 tai_s = (h->tai_ns - h->real_ns + NS_PER_SEC / 2) / NS_PER_SEC;
	u64 noise_ns = STEP_NS + cycles_ns(&d->mono, h->width);

	update_offset(&real, h->real_ns - h->s.mono_ns, noise_ns, first);
	update_offset(&boot, h->boot_ns - h->s.mono_ns, noise_ns, first);
	/* Without a suspend the two are one. */
	if (boot < 1000000)
		boot = 0;
	d->offset_ns[CLOCK_REALTIME] = d->offset_ns[CLOCK_REALTIME_COARSE] = real;
	d->offset_ns[CLOCK_BOOTTIME] = boot;
	d->offset_ns[CLOCK_TAI] = real + tai_s * NS_PER_SEC;
}

/* The coarse clocks go on with the host's ticks: what it stamps on a file is never later than they say.
 * A tick that came late is not followed, but a later one that is earlier is. */
static void update_phase(struct vdso_data *d, u64 coarse_ns, bool first)
{
	u64 phase = coarse_ns % d->tick_ns;
	u64 late = (phase + d->tick_ns - d->tick_phase_ns) % d->tick_ns;

	if (first || late > d->tick_ns / 2)
		d->tick_phase_ns = phase;
	else
		d->tick_phase_ns = (d->tick_phase_ns + late / 64) % d->tick_ns;
}

/* --- the lines ---------------------------------------------------------------------------------- */

static u64 line_at(const struct vdso_line *l, u64 cycles)
{
	return l->base_ns + cycles_ns(l, cycles);
}

static u64 line_mult(u64 ns, u64 cycles)
{
	return (u64)((double)ns * 4294967296.0 / (double)cycles);
}

/* Goes on from @ours at the pace @mult, towards @host. True: they were so far apart that @l jumps there. */
static bool line_update(struct vdso_line *l, u64 ours, u64 host, u64 mult)
{
	s64 ahead = (s64)(ours - host);

	l->base_ns = ours;
	if (ahead < -NOISE_NS || ahead > JUMP_NS)
		l->base_ns = host;
	if (ahead < -JUMP_NS || ahead > JUMP_NS)
		return true; /* and @mult is of before and after */
	l->mult = mult;
	if (ahead > NOISE_NS)
		l->mult -= (u64)((double)mult * (double)ahead / SLEW_NS);
	return false;
}

static u64 coarse(const struct vdso_data *d, u64 mono_ns)
{
	u64 ns = mono_ns - (mono_ns - d->tick_phase_ns) % d->tick_ns;

	return ns > d->coarse_min_ns ? ns : d->coarse_min_ns;
}

static void publish(struct timekeeper *tk)
{
	tk->data.seq += 2;
	if (tk->shared)
		*tk->shared = tk->data;
}

static void give_up_counter(struct timekeeper *tk)
{
	tk->steady = false;
	tk->data.mode = VDSO_CLOCK_NONE;
}

static void move_window(struct timekeeper *tk, const struct clock_sample *s)
{
	if (s->mono_ns - tk->newer.mono_ns < WINDOW_NS)
		return;
	tk->older = tk->newer;
	tk->newer = *s;
}

/* The first times the host is asked soon: the longer the window, the more exact the frequency. */
static void set_interval(struct timekeeper *tk, u64 window_ns, u64 mult)
{
	u64 ns = window_ns < INTERVAL_NS ? window_ns : INTERVAL_NS;

	tk->interval = (u64)((double)ns * 4294967296.0 / (double)mult);
}

static void update_lines(struct timekeeper *tk, const struct clock_sample *s)
{
	u64 cycles = s->tsc - tk->older.tsc, ns = s->mono_ns - tk->older.mono_ns, past;
	u64 mult = line_mult(ns, cycles),
	    raw_mult = line_mult(s->raw_ns - tk->older.raw_ns, cycles);
	struct vdso_data *d = &tk->data;
	bool jumped = false;

	if (d->mode == VDSO_CLOCK_NONE) {
		d->mono = (struct vdso_line){s->mono_ns, mult};
		d->raw = (struct vdso_line){s->raw_ns, raw_mult};
		d->mode = VDSO_CLOCK_TSC;
	} else {
		past = s->tsc - d->cycle_last;
		jumped |= line_update(&d->mono, line_at(&d->mono, past), s->mono_ns, mult);
		jumped |= line_update(&d->raw, line_at(&d->raw, past), s->raw_ns, raw_mult);
	}
	d->cycle_last = s->tsc;
	set_interval(tk, ns, mult);
	if (jumped) {
		tk->older = tk->newer = *s;
		d->coarse_min_ns = 0;
	}
	if (jumped && ++tk->nr_jumps >= MAX_JUMPS)
		give_up_counter(tk);
	move_window(tk, s);
}

static void update(struct timekeeper *tk)
{
	struct host_times h;

	if (!sample(&h) || h.s.tsc <= tk->data.cycle_last ||
	    h.s.mono_ns - tk->older.mono_ns < FIRST_NS)
		return;
	update_lines(tk, &h.s);
	update_offsets(&tk->data, &h, false);
	tk->data.coarse_min_ns = coarse(&tk->data, tk->data.mono.base_ns);
	update_phase(&tk->data, h.coarse_ns, false);
	publish(tk);
}

/* --- what others call --------------------------------------------------------------------------- */

void timekeeping_init(struct timekeeper *tk, u64 tick_ns)
{
	struct host_times h;
	bool whole = sample(&h);

	/* On a busy host it takes some more tries; it is once, and decides how each clock is read. */
	for (int i = 0; i < FIRST_TRIES && !whole; i++)
		whole = sample(&h);
	*tk = (struct timekeeper){.data.tick_ns = tick_ns};
	tk->steady = whole && cpu_host_tsc_invariant();
	tk->older = tk->newer = h.s;
	update_offsets(&tk->data, &h, true);
	update_phase(&tk->data, h.coarse_ns, true);
}

void timekeeping_share(struct timekeeper *tk, struct vdso_data *shared)
{
	tk->shared = shared;
	publish(tk);
}

void timekeeping_tick(struct timekeeper *tk)
{
	s64 cycles = (s64)(rdtsc() - tk->data.cycle_last);

	if (!tk->steady)
		return;
	if (cycles > (s64)tk->interval) {
		update(tk);
	} else if (cycles < -(s64)NARROW_CYCLES) { /* the CPUs' counters do not agree */
		give_up_counter(tk);
		publish(tk);
	}
}

u64 timekeeping_ns(struct timekeeper *tk, int clk)
{
	const struct vdso_data *d = &tk->data;
	s64 cycles;
	u64 ns;

	timekeeping_tick(tk);
	if (d->mode == VDSO_CLOCK_NONE)
		return host_clock_ns(clk);
	cycles = (s64)(rdtsc() - d->cycle_last);
	ns = line_at(clk == CLOCK_MONOTONIC_RAW ? &d->raw : &d->mono, cycles > 0 ? cycles : 0);
	if (VDSO_COARSE_CLOCKS & 1U << clk)
		ns = coarse(d, ns);
	return ns + d->offset_ns[clk];
}

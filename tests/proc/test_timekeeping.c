/* Time from the time stamp counter: never back, and never far from the host's clocks. */
#include <time.h>

#include "base/host.h"
#include "proc/timekeeping.h"
#include "unit.h"

#define TICK_NS 4000000UL
#define TRIES 5
#define NEAR_NS                                                                                    \
	20000 /* with what the test's own preemption may add; the best of some looks counts */

static struct timekeeper tk;
static struct vdso_data shared;

static void wait_ns(u64 ns)
{
	u64 until = host_clock_ns(CLOCK_MONOTONIC) + ns;

	while (host_clock_ns(CLOCK_MONOTONIC) < until)
		timekeeping_tick(&tk);
}

/* False: this host's counter is not steady, and there is nothing to test. */
static bool start(void)
{
	timekeeping_init(&tk, TICK_NS);
	shared = (struct vdso_data){0};
	timekeeping_share(&tk, &shared);
	wait_ns(2000000);
	return tk.data.mode == VDSO_CLOCK_TSC;
}

/* The least that @clk is ever from the host's. */
static s64 distance(int clk)
{
	s64 best = 1L << 62, d;

	for (int i = 0; i < 50; i++) {
		d = (s64)(timekeeping_ns(&tk, clk) - host_clock_ns(clk));
		if (d < 0)
			d = -d;
		if (d < best)
			best = d;
	}
	return best;
}

static void clocks_are_the_hosts(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
				     CLOCK_BOOTTIME, CLOCK_TAI};

	if (!start())
		return;
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
		CU_ASSERT(distance(clocks[i]) < NEAR_NS);
}

static void readers_see_the_same(void)
{
	u32 seq;

	if (!start())
		return;
	CU_ASSERT_EQUAL(shared.mode, VDSO_CLOCK_TSC);
	CU_ASSERT_EQUAL(shared.mono.mult, tk.data.mono.mult);
	CU_ASSERT_EQUAL(shared.tick_ns, TICK_NS);
	seq = shared.seq;
	wait_ns(120000000);
	CU_ASSERT_NOT_EQUAL(shared.seq, seq);
	CU_ASSERT_EQUAL(shared.cycle_last, tk.data.cycle_last);
	timekeeping_share(&tk, NULL);
	seq = shared.seq;
	wait_ns(120000000);
	CU_ASSERT_EQUAL(shared.seq, seq);
}

/* Reads @clk for so long, and counts how often it goes back. */
static int goes_back(int clk, u64 ns)
{
	u64 last = timekeeping_ns(&tk, clk), end = host_clock_ns(CLOCK_MONOTONIC) + ns, now;
	int back = 0;

	while (host_clock_ns(CLOCK_MONOTONIC) < end) {
		now = timekeeping_ns(&tk, clk);
		back += now < last;
		last = now;
	}
	return back;
}

static void what_is_ahead_goes_slower(void)
{
	bool near = false;

	/* Whoever has the CPU while the counter's pace is measured makes that wrong, and the line jump once. */
	for (int i = 0; i < TRIES && !near; i++) {
		if (!start())
			return;
		tk.data.mono.base_ns += 200000;
		CU_ASSERT(distance(CLOCK_MONOTONIC) > 100000);
		CU_ASSERT_EQUAL(goes_back(CLOCK_MONOTONIC, 200000000), 0);
		near = distance(CLOCK_MONOTONIC) < NEAR_NS && !tk.nr_jumps;
	}
	CU_ASSERT(near);
}

static void what_is_behind_catches_up(void)
{
	bool near = false;

	for (int i = 0; i < TRIES && !near; i++) {
		if (!start())
			return;
		tk.data.mono.base_ns -= 200000;
		CU_ASSERT_EQUAL(goes_back(CLOCK_MONOTONIC, 120000000), 0);
		near = distance(CLOCK_MONOTONIC) < NEAR_NS;
	}
	CU_ASSERT(near);
}

static void coarse_clocks_go_by_ticks_and_not_back(void)
{
	u64 before, coarse, after;

	if (!start())
		return;
	/* A tick of the host's that comes late is none of ours. */
	before = timekeeping_ns(&tk, CLOCK_MONOTONIC);
	coarse = timekeeping_ns(&tk, CLOCK_MONOTONIC_COARSE);
	after = timekeeping_ns(&tk, CLOCK_MONOTONIC);
	CU_ASSERT(coarse <= after);
	CU_ASSERT(coarse + TICK_NS > before);
	CU_ASSERT_EQUAL(goes_back(CLOCK_MONOTONIC_COARSE, 150000000), 0);
	CU_ASSERT_EQUAL(goes_back(CLOCK_REALTIME_COARSE, 150000000), 0);
}

static void an_unsteady_counter_is_given_up(void)
{
	if (!start())
		return;
	for (int i = 0; i < 10 && tk.steady; i++) {
		tk.data.mono.base_ns += 10000000;
		tk.interval = 0;
		wait_ns(1000000);
	}
	CU_ASSERT_FALSE(tk.steady);
	CU_ASSERT_EQUAL(tk.data.mode, VDSO_CLOCK_NONE);
	CU_ASSERT_EQUAL(shared.mode, VDSO_CLOCK_NONE);
	CU_ASSERT(distance(CLOCK_MONOTONIC) < NEAR_NS);
}

static const struct unit_test tests[] = {
	UNIT_TEST(clocks_are_the_hosts),
	UNIT_TEST(readers_see_the_same),
	UNIT_TEST(what_is_ahead_goes_slower),
	UNIT_TEST(what_is_behind_catches_up),
	UNIT_TEST(coarse_clocks_go_by_ticks_and_not_back),
	UNIT_TEST(an_unsteady_counter_is_given_up),
	UNIT_END,
};
const struct unit_suite suite_timekeeping = {"timekeeping", tests};

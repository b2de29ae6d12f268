/* KSM: the advisor, which sets pages_to_scan after each pass so that a pass takes as long as it should
 * (advisor_target_scan_time) for not too much of a CPU.
 * See: Documentation/admin-guide/mm/ksm.rst; Linux 6.18, mm/ksm.c, scan_time_advisor(). */
#include "base/err.h"
#include "mm/ksm_internal.h"

#define MIN_CPU 10UL	 /* percent */
#define EWMA_WEIGHT 30UL /* of what is new, in percent */
#define NSEC_PER_SEC 1000000000UL
#define NSEC_PER_MSEC 1000000UL

void ksm_advisor_init(struct ksm_state *k)
{
	k->advisor.max_cpu = 70;
	k->advisor.min_pages = 500;
	k->advisor.max_pages = 30000;
	k->advisor.target_scan_time = 200;
}

void ksm_set_clock(struct memory *m, u64 now_ns, u64 cpu_ns)
{
	struct ksm_state *k = m->in->ksm;

	k->advisor.now = now_ns;
	k->advisor.cpu = cpu_ns;
}

void ksm_advisor_start_scan(struct ksm_state *k)
{
	if (k->advisor.mode == KSM_ADVISOR_SCAN_TIME)
		k->advisor.start_scan = k->advisor.now;
}

static u64 at_least_1(u64 v)
{
	return v ? v : 1;
}

void ksm_advisor_stop_scan(struct ksm_state *k)
{
	struct ksm_advisor *a = &k->advisor;
	u64 scan_time, cpu_percent, last, factor, change, pages, cost;

	if (a->mode != KSM_ADVISOR_SCAN_TIME)
		return;
	scan_time = at_least_1((a->now - a->start_scan) / NSEC_PER_SEC);
	cpu_percent = at_least_1((a->cpu - a->last_cpu) / NSEC_PER_MSEC * 100 / (scan_time * 1000));
	last = a->scan_time ? a->scan_time : scan_time;
	factor = at_least_1(a->target_scan_time * 100 / scan_time);
	/* How much longer it took than the last time, smoothed. */
	change = at_least_1(scan_time * 100 / last);
	change = ((100 - EWMA_WEIGHT) * a->change + EWMA_WEIGHT * change) / 100;
	pages = k->pages_to_scan * 100UL / factor;
	pages = pages * change / 100;
	cost = at_least_1(k->pages_to_scan / cpu_percent);
	pages = min(pages, cost * a->max_cpu);
	pages = max(pages, cost * MIN_CPU);
	pages = min(pages, a->max_pages);
	a->change = change;
	a->scan_time = scan_time;
	a->last_cpu = a->cpu;
	k->pages_to_scan = pages;
}

/* --- knobs ------------------------------------------------------------------------------- */

/* Another mode begins as the first time. */
int ksm_set_advisor_mode(struct memory *m, enum ksm_advisor_mode mode)
{
	struct ksm_state *k = m->in->ksm;

	if (k->advisor.mode == mode)
		return 0;
	k->advisor.mode = mode;
	if (mode == KSM_ADVISOR_NONE) {
		k->pages_to_scan = KSM_PAGES_TO_SCAN;
		return 0;
	}
	k->advisor.start_scan = k->advisor.scan_time = k->advisor.change = k->advisor.last_cpu = 0;
	k->pages_to_scan = k->advisor.min_pages;
	return 0;
}

int ksm_set_advisor_max_cpu(struct memory *m, u64 percent)
{
	m->in->ksm->advisor.max_cpu = percent;
	return 0;
}

int ksm_set_advisor_min_pages_to_scan(struct memory *m, u64 nr)
{
	m->in->ksm->advisor.min_pages = nr;
	return 0;
}

int ksm_set_advisor_max_pages_to_scan(struct memory *m, u64 nr)
{
	m->in->ksm->advisor.max_pages = nr;
	return 0;
}

int ksm_set_advisor_target_scan_time(struct memory *m, u64 seconds)
{
	struct ksm_state *k = m->in->ksm;

	if (!seconds)
		return -EINVAL;
	k->advisor.target_scan_time = seconds;
	return 0;
}

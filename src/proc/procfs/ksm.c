/* /sys/kernel/mm/ksm, and /proc/PID/ksm_stat and ksm_merging_pages.
 * See: Documentation/admin-guide/mm/ksm.rst; Linux 6.18, mm/ksm.c, fs/proc/base.c. */
#include <limits.h>

#include "base/err.h"
#include "mm/ksm.h"
#include "proc/procfs/internal.h"

/* --- numbers ------------------------------------------------------------------------------ */

#define KSM_SHOW(name, format)                                                                     \
	int proc_show_ksm_##name(struct seq *out, struct machine *m)                               \
	{                                                                                          \
		struct ksm_info i;                                                                 \
                                                                                                   \
		ksm_read_info(&m->mem, &i);                                                        \
		seq_printf(out, format "\n", i.name);                                              \
		return 0;                                                                          \
	}

KSM_SHOW(run, "%u")
KSM_SHOW(pages_to_scan, "%u")
KSM_SHOW(sleep_millisecs, "%u")
KSM_SHOW(max_page_sharing, "%u")
KSM_SHOW(smart_scan, "%u")
KSM_SHOW(use_zero_pages, "%u")
KSM_SHOW(merge_across_nodes, "%u")
KSM_SHOW(prune_millisecs, "%u")
KSM_SHOW(advisor_max_cpu, "%u")
KSM_SHOW(advisor_min_pages_to_scan, "%lu")
KSM_SHOW(advisor_max_pages_to_scan, "%lu")
KSM_SHOW(advisor_target_scan_time, "%lu")
KSM_SHOW(ksm_zero_pages, "%lu")
KSM_SHOW(full_scans, "%lu")
KSM_SHOW(pages_shared, "%lu")
KSM_SHOW(pages_sharing, "%lu")
KSM_SHOW(pages_unshared, "%lu")
KSM_SHOW(pages_volatile, "%lu")
KSM_SHOW(pages_scanned, "%lu")
KSM_SHOW(pages_skipped, "%lu")
KSM_SHOW(stable_node_chains, "%lu")
KSM_SHOW(stable_node_dups, "%lu")
KSM_SHOW(general_profit, "%ld")

/* --- knobs -------------------------------------------------------------------------------- */

/* kstrtouint(): as kstrtoull(), of 32 bits. */
static int parse_uint(const char *text, u64 *v)
{
	return proc_parse_u64(text, 10, v) || *v > UINT_MAX ? -EINVAL : 0;
}

/* kstrtoint() of what may not be negative: -ERANGE: too large. */
static int parse_int(const char *text, u64 *v)
{
	int err = proc_parse_u64(text + (*text == '-'), 10, v);

	if (!err && *v > INT_MAX)
		err = -ERANGE;
	if (*text == '-')
		*v = 0;
	return err;
}

static int parse_ulong(const char *text, u64 *v)
{
	return proc_parse_u64(text, 10, v);
}

/* @range: what a number that cannot be held is; @high: the largest that is taken. */
#define KSM_WRITE(name, parse, high, range)                                                        \
	int proc_write_ksm_##name(struct machine *m, struct task_struct *t __unused,               \
				  u64 sub __unused, char *text)                                    \
	{                                                                                          \
		u64 v;                                                                             \
		int err = parse(text, &v);                                                         \
                                                                                                   \
		if (err)                                                                           \
			return err == -ERANGE ? range : err;                                       \
		return v > (high) ? -EINVAL : ksm_set_##name(&m->mem, v);                          \
	}

KSM_WRITE(run, parse_uint, KSM_RUN_UNMERGE, -EINVAL)
KSM_WRITE(pages_to_scan, parse_uint, UINT_MAX, -EINVAL)
KSM_WRITE(sleep_millisecs, parse_uint, UINT_MAX, -EINVAL)
KSM_WRITE(prune_millisecs, parse_uint, UINT_MAX, -EINVAL)
KSM_WRITE(max_page_sharing, parse_int, INT_MAX, -ERANGE)
KSM_WRITE(merge_across_nodes, parse_ulong, 1, -ERANGE)
KSM_WRITE(smart_scan, proc_parse_bool, 1, -EINVAL)
KSM_WRITE(use_zero_pages, proc_parse_bool, 1, -EINVAL)
KSM_WRITE(advisor_max_cpu, parse_ulong, ~0UL, -EINVAL)
KSM_WRITE(advisor_min_pages_to_scan, parse_ulong, ~0UL, -EINVAL)
KSM_WRITE(advisor_max_pages_to_scan, parse_ulong, ~0UL, -EINVAL)
KSM_WRITE(advisor_target_scan_time, parse_ulong, ~0UL, -EINVAL)

static const char *const advisor_modes[] = {"none", "scan-time", NULL};

int proc_show_ksm_advisor_mode(struct seq *out, struct machine *m)
{
	struct ksm_info i;

	ksm_read_info(&m->mem, &i);
	return proc_show_words(out, advisor_modes, i.advisor_mode);
}

int proc_write_ksm_advisor_mode(struct machine *m, struct task_struct *t __unused, u64 sub __unused,
				char *text)
{
	int mode = proc_find_word(advisor_modes, text);

	return mode < 0 ? mode : ksm_set_advisor_mode(&m->mem, mode);
}

/* --- one process -------------------------------------------------------------------------- */

int proc_show_ksm_merging_pages(struct seq *out, struct task_struct *t)
{
	if (t->mm)
		seq_printf(out, "%lu\n", t->mm->ksm_merging_pages);
	return 0;
}

int proc_show_ksm_stat(struct seq *out, struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	if (!mm)
		return 0;
	seq_printf(out, "ksm_rmap_items %lu\nksm_zero_pages %lu\nksm_merging_pages %lu\n",
		   mm->ksm_rmap_items, mm->ksm_zero_pages, mm->ksm_merging_pages);
	seq_printf(out, "ksm_process_profit %ld\nksm_merge_any: %s\nksm_mergeable: %s\n",
		   ksm_process_profit(mm), mm->ksm_merge_any ? "yes" : "no",
		   ksm_process_mergeable(mm) ? "yes" : "no");
	return 0;
}

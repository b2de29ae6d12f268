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

#define KSM_WRITE(name, high)                                                                      \
	int proc_write_ksm_##name(struct machine *m, struct task_struct *t __unused, char *text)   \
	{                                                                                          \
		int v;                                                                             \
                                                                                                   \
		if (proc_parse_int(text, &v) || v < 0 || v > (high))                               \
			return -EINVAL;                                                            \
		return ksm_set_##name(&m->mem, v);                                                 \
	}

KSM_WRITE(run, 2)
KSM_WRITE(pages_to_scan, INT_MAX)
KSM_WRITE(sleep_millisecs, INT_MAX)
KSM_WRITE(max_page_sharing, INT_MAX)
KSM_WRITE(smart_scan, 1)
KSM_WRITE(use_zero_pages, 1)

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

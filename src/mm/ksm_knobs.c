/* KSM: /sys/kernel/mm/ksm, what is set and what is shown. See ksm.h; Documentation/admin-guide/mm/ksm.rst.
 * The files themselves, with the limits of what may be written to them, are proc/procfs/ksm.c's. */
#include <xxhash.h>

#include "base/err.h"
#include "mm/ksm_internal.h"

/* --- what is shown ----------------------------------------------------------------------- */

static u64 list_length(const struct list_head *head)
{
	u64 n = 0;

	for (const struct list_head *l = head->next; l != head; l = l->next)
		n++;
	return n;
}

static s64 profit(u64 pages, u64 items)
{
	return pages * PAGE_SIZE - items * sizeof(struct ksm_rmap_item);
}

void ksm_read_info(struct memory *m, struct ksm_info *out)
{
	const struct ksm_state *k = m->in->ksm;

	*out = (struct ksm_info){
		.run = k->run,
		.pages_to_scan = k->pages_to_scan,
		.sleep_millisecs = k->sleep_millisecs,
		.max_page_sharing = k->max_page_sharing,
		.smart_scan = k->smart_scan,
		.merge_across_nodes = k->merge_across_nodes,
		.prune_millisecs = k->prune_millisecs,
		.advisor_mode = k->advisor.mode,
		.advisor_max_cpu = k->advisor.max_cpu,
		.advisor_min_pages_to_scan = k->advisor.min_pages,
		.advisor_max_pages_to_scan = k->advisor.max_pages,
		.advisor_target_scan_time = k->advisor.target_scan_time,
		.full_scans = k->scan.seqnr,
		.pages_shared = k->pages_shared,
		.pages_sharing = k->pages_sharing,
		.pages_unshared = k->pages_unshared,
		.pages_volatile =
			k->nr_rmap_items - k->pages_shared - k->pages_sharing - k->pages_unshared,
		.pages_scanned = k->pages_scanned,
		.pages_skipped = k->pages_skipped,
		.use_zero_pages = k->use_zero_pages,
		.ksm_zero_pages = m->ksm_zero_pages,
		.general_profit = profit(k->pages_sharing + m->ksm_zero_pages, k->nr_rmap_items),
	};
	for (struct treap_node *t = treap_first(&k->stable); t; t = treap_next(t)) {
		u64 dups = list_length(&treap_entry(t, struct ksm_stable_node, node)->dups);

		out->stable_node_chains += dups > 0;
		out->stable_node_dups += dups ? dups + 1 : 0;
	}
}

s64 ksm_process_profit(const struct mm_struct *mm)
{
	return profit(mm->ksm_merging_pages + mm->ksm_zero_pages, mm->ksm_rmap_items);
}

/* --- what is set ------------------------------------------------------------------------- */

int ksm_set_run(struct memory *m, u32 run)
{
	struct ksm_state *k = m->in->ksm;
	int err = 0;

	if (run > KSM_RUN_UNMERGE)
		return -EINVAL;
	if (k->run != run) {
		k->run = run;
		if (run & KSM_RUN_UNMERGE)
			err = unmerge_and_remove_all_rmap_items(k);
		if (err)
			k->run = KSM_RUN_STOP;
	}
	ksm_wake(m);
	return err;
}

int ksm_set_pages_to_scan(struct memory *m, u32 nr)
{
	struct ksm_state *k = m->in->ksm;

	if (k->advisor.mode != KSM_ADVISOR_NONE)
		return -EINVAL;
	k->pages_to_scan = nr;
	return 0;
}

int ksm_set_sleep_millisecs(struct memory *m, u32 ms)
{
	struct ksm_state *k = m->in->ksm;

	k->sleep_millisecs = ms;
	ksm_wake(m);
	return 0;
}

int ksm_set_max_page_sharing(struct memory *m, u32 nr)
{
	struct ksm_state *k = m->in->ksm;

	if (nr < 2)
		return -EINVAL;
	if (nr == k->max_page_sharing)
		return 0;
	if (k->pages_shared)
		return -EBUSY;
	k->max_page_sharing = nr;
	return 0;
}

int ksm_set_smart_scan(struct memory *m, bool on)
{
	m->in->ksm->smart_scan = on;
	return 0;
}

int ksm_set_use_zero_pages(struct memory *m, bool on)
{
	struct ksm_state *k = m->in->ksm;

	k->zero_checksum = XXH64(page_address(m, m->zero_page), PAGE_SIZE, 0);
	k->use_zero_pages = on;
	return 0;
}

int ksm_set_merge_across_nodes(struct memory *m, bool on)
{
	struct ksm_state *k = m->in->ksm;

	if (k->merge_across_nodes != on && k->pages_shared)
		return -EBUSY;
	k->merge_across_nodes = on;
	return 0;
}

int ksm_set_prune_millisecs(struct memory *m, u32 ms)
{
	m->in->ksm->prune_millisecs = ms;
	return 0;
}

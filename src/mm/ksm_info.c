/* KSM: what is shown of it, and its checker. See ksm.h. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "mm/ksm_internal.h"

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
	/* Before the first use everything is as it will start. */
	struct ksm_state at_first = {
		.pages_to_scan = KSM_PAGES_TO_SCAN,
		.sleep_millisecs = 20,
		.max_page_sharing = 256,
		.smart_scan = true,
	};
	const struct ksm_state *k = m->in->ksm ? m->in->ksm : &at_first;

	ksm_advisor_init(&at_first);

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

/* --- the checker ------------------------------------------------------------------------- */

struct check {
	const struct ksm_state *k;
	unsigned bad;
	u64 shared, sharing, stable_items, unstable_items, items;
};

static void complain(struct check *c, const char *what, const void *where)
{
	if (c->bad++ < 10)
		log_line("ksm: %p: %s", where, what);
}

static void check_node(struct check *c, const struct ksm_stable_node *n)
{
	const struct ksm_rmap_item *item;
	u64 len = 0;

	list_for_each_entry (item, &n->items, hlist) {
		len++;
		if (item->head != n || item->state != KSM_STABLE || !item->anon_vma)
			complain(c, "item of another node", item);
	}
	if (len != n->len)
		complain(c, "node's length is wrong", n);
	c->shared += len > 0;
	c->sharing += len > 1 ? len - 1 : 0;
	c->stable_items += len;
}

static void check_stable_tree(struct check *c)
{
	const struct memory *m = c->k->m;
	const struct page *last = NULL;

	for (struct treap_node *t = treap_first(&c->k->stable); t; t = treap_next(t)) {
		const struct ksm_stable_node *n = treap_entry(t, struct ksm_stable_node, node), *d;
		const struct page *page = ksm_node_page(m, n);

		check_node(c, n);
		if (!n->in_tree)
			complain(c, "node does not know that it is in the tree", n);
		list_for_each_entry (d, &n->dups, dups) {
			check_node(c, d);
			if (d->in_tree)
				complain(c, "chained node thinks it is in the tree", d);
		}
		if (page && last &&
		    memcmp(page_address(m, last), page_address(m, page), PAGE_SIZE) >= 0)
			complain(c, "stable tree is not sorted: a merged page was written to", n);
		if (page)
			last = page;
	}
}

static void check_items(struct check *c)
{
	const struct ksm_mm_slot *slot;

	list_for_each_entry (slot, &c->k->slots, list) {
		const struct ksm_rmap_item *item;
		u64 mine = 0, merging = 0;
		gva_t last = 0;

		for (item = slot->rmap_list; item; item = item->rmap_list) {
			if (item->mm != slot->mm || (mine && item->address <= last))
				complain(c, "item of another mm, or out of order", item);
			last = item->address;
			mine++;
			merging += item->state == KSM_STABLE;
			c->unstable_items += item->state == KSM_UNSTABLE;
		}
		if (slot->mm->ksm_slot != slot || slot->mm->ksm_rmap_items != mine ||
		    slot->mm->ksm_merging_pages != merging)
			complain(c, "mm's counts are wrong", slot->mm);
		c->items += mine;
	}
}

int ksm_validate(struct memory *m)
{
	struct check c = {.k = m->in ? m->in->ksm : NULL};

	if (!c.k)
		return 0;
	check_stable_tree(&c);
	check_items(&c);
	if (c.items != c.k->nr_rmap_items || c.shared != c.k->pages_shared ||
	    c.sharing != c.k->pages_sharing || c.unstable_items != c.k->pages_unshared)
		complain(&c, "counters disagree with the trees", c.k);
	return c.bad ? -EFAULT : 0;
}

/* KSM: the scan, pass after pass over the pages of all slots, and what becomes of each page. See ksm.h,
 * and ksm_internal.h for the other files. */
#include "mm/ksm.h"

#include <xxhash.h>

#include "base/err.h"
#include "mm/ksm_internal.h"

int ksm_init(struct memory *m)
{
	struct ksm_state *k = kzalloc(m, sizeof(*k), GFP_KERNEL);

	if (!k)
		return -ENOMEM;
	k->m = m;
	k->pages_to_scan = KSM_PAGES_TO_SCAN;
	k->sleep_millisecs = 20;
	k->max_page_sharing = 256;
	k->smart_scan = true;
	k->merge_across_nodes = true;
	k->prune_millisecs = 2000;
	ksm_advisor_init(k);
	INIT_LIST_HEAD(&k->slots);
	m->in->ksm = k;
	return 0;
}

bool ksm_should_run(const struct memory *m)
{
	const struct ksm_state *k = m->in->ksm;

	return (k->run & KSM_RUN_MERGE) && !list_empty(&k->slots);
}

void ksm_wake(struct memory *m)
{
	if (ksm_should_run(m) && m->hooks.ksm_wake)
		m->hooks.ksm_wake(m->hooks.ksm_arg);
}

/* --- rmap items -------------------------------------------------------------------------- */

static struct ksm_rmap_item *alloc_rmap_item(struct ksm_state *k, struct mm_struct *mm)
{
	struct ksm_rmap_item *item = kmem_cache_zalloc(k->rmap_item, GFP_KERNEL | __GFP_NORETRY);

	if (!item)
		return NULL;
	item->mm = mm;
	mm->ksm_rmap_items++;
	k->nr_rmap_items++;
	return item;
}

static void free_rmap_item(struct ksm_state *k, struct ksm_rmap_item *item)
{
	item->mm->ksm_rmap_items--;
	k->nr_rmap_items--;
	kmem_cache_free(k->rmap_item, item);
}

void remove_trailing_rmap_items(struct ksm_state *k, struct ksm_rmap_item **list)
{
	while (*list) {
		struct ksm_rmap_item *item = *list;

		*list = item->rmap_list;
		remove_rmap_item_from_tree(k, item);
		free_rmap_item(k, item);
	}
}

/* --- the cursor -------------------------------------------------------------------------- */

struct ksm_mm_slot *ksm_next_slot(const struct ksm_state *k, const struct ksm_mm_slot *slot)
{
	const struct list_head *next = slot->list.next;

	return next == &k->slots ? NULL : list_entry(next, struct ksm_mm_slot, list);
}

void ksm_scan_from(struct ksm_state *k, struct ksm_mm_slot *slot)
{
	k->scan.slot = slot;
	k->scan.address = 0;
	k->scan.rmap_list = slot ? &slot->rmap_list : NULL;
	if (slot)
		return;
	k->scan.seqnr++;
	k->unstable.root = NULL;
}

/* Pages that keep being different are looked at less often. See: should_skip_rmap_item(). */
static bool should_skip(struct ksm_state *k, struct ksm_rmap_item *item, const struct page *page)
{
	u8 age = item->age;

	if (!k->smart_scan || PageKsm(page))
		return false;
	if (age != 255)
		item->age++;
	if (age < 3)
		return false;
	if (!item->remaining_skips) {
		item->remaining_skips = age <= 3 ? 1 : age <= 5 ? 2 : age <= 8 ? 4 : 8;
		return false;
	}
	item->remaining_skips--;
	k->pages_skipped++;
	remove_rmap_item_from_tree(k, item);
	return true;
}

/* The item of @addr at the cursor; those of pages that are gone are dropped on the way. */
static struct ksm_rmap_item *get_next_rmap_item(struct ksm_state *k, gva_t addr)
{
	struct ksm_rmap_item **list = k->scan.rmap_list, *item;

	while ((item = *list) && item->address < addr) {
		*list = item->rmap_list;
		remove_rmap_item_from_tree(k, item);
		free_rmap_item(k, item);
	}
	if (item && item->address == addr)
		return item;
	item = alloc_rmap_item(k, k->scan.slot->mm);
	if (!item)
		return NULL;
	item->address = addr;
	item->rmap_list = *list;
	*list = item;
	return item;
}

/* The next page of @vma from the cursor on. */
static struct ksm_rmap_item *scan_vma(struct ksm_state *k, struct vm_area_struct *vma,
				      struct page **page)
{
	gva_t *at = &k->scan.address;
	pte_t *pte;

	while ((pte = pte_next_table(vma->vm_mm, at, vma->vm_end))) {
		gva_t stop = min((*at & PMD_MASK) + PMD_SIZE, vma->vm_end);

		for (; *at < stop; *at += PAGE_SIZE, pte++) {
			struct ksm_rmap_item *item;

			if (!pte_present(*pte))
				continue;
			*page = vm_normal_page(k->m, *pte);
			if (!*page || !PageAnon(*page))
				continue;
			get_page(*page); /* or reclaim takes what MADV_FREE gave up */
			item = get_next_rmap_item(k, *at);
			put_page(k->m, *page);
			if (!item)
				return NULL;
			k->scan.rmap_list = &item->rmap_list;
			if (should_skip(k, item, *page))
				continue;
			*at += PAGE_SIZE;
			return item;
		}
	}
	*at = vma->vm_end;
	return NULL;
}

/* The next page to look at; NULL: the pass is over, or there is no memory. */
static struct ksm_rmap_item *scan_get_next_rmap_item(struct ksm_state *k, struct page **page)
{
	if (!k->scan.slot) {
		if (list_empty(&k->slots))
			return NULL;
		lru_add_drain(k->m); /* a reference from a batch keeps a page from merging */
		ksm_advisor_start_scan(k);
		prune_stable_tree(k);
		k->scan.slot = list_first_entry(&k->slots, struct ksm_mm_slot, list);
		k->scan.address = 0;
		k->scan.rmap_list = &k->scan.slot->rmap_list;
	}
	while (k->scan.slot) {
		struct ksm_mm_slot *slot = k->scan.slot;
		struct vm_area_struct *vma = find_vma(slot->mm, k->scan.address);
		bool any = k->scan.address;

		for (; vma; vma = vma_next(vma)) {
			struct ksm_rmap_item *item;

			if (!(vma->vm_flags & VM_MERGEABLE))
				continue;
			any = true;
			k->scan.address = max(k->scan.address, vma->vm_start);
			if (!vma->anon_vma)
				continue;
			item = scan_vma(k, vma, page);
			if (item || k->scan.address < vma->vm_end)
				return item;
		}
		remove_trailing_rmap_items(k, k->scan.rmap_list);
		if (any)
			ksm_scan_from(k, ksm_next_slot(k, slot));
		else /* nothing mergeable: MADV_MERGEABLE brings it back */
			ksm_free_slot(k, slot);
	}
	ksm_advisor_stop_scan(k);
	return NULL;
}

/* --- one page ---------------------------------------------------------------------------- */

/* Two pages of equal bytes, neither merged yet. */
static void merge_two_pages(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page,
			    struct ksm_rmap_item *tree_item, struct page *tree_page)
{
	struct ksm_stable_node *node;

	if (try_to_merge_with_ksm_page(k, item, page, NULL))
		return;
	if (try_to_merge_with_ksm_page(k, tree_item, tree_page, page)) {
		ksm_break_cow(item);
		return;
	}
	node = stable_tree_insert(k, page);
	if (!node) {
		ksm_break_cow(tree_item);
		ksm_break_cow(item);
		return;
	}
	stable_tree_append(k, tree_item, node);
	stable_tree_append(k, item, node);
}

static void cmp_and_merge_page(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page)
{
	struct ksm_rmap_item *tree_item;
	struct page *kpage, *tree_page;
	u64 checksum;

	if (PageKsm(page) && item->head == page_stable_node(page))
		return; /* as it was left */
	remove_rmap_item_from_tree(k, item);
	kpage = stable_tree_search(k, page);
	if (kpage) {
		if (!try_to_merge_with_ksm_page(k, item, page, kpage))
			stable_tree_append(k, item, page_stable_node(kpage));
		return;
	}
	checksum = XXH64(page_address(k->m, page), PAGE_SIZE, 0);
	if (item->checksum != checksum) {
		item->checksum = checksum;
		return;
	}
	if (try_to_merge_with_zero_page(k, item, page))
		return;
	tree_item = unstable_tree_search_insert(k, item, page, &tree_page);
	if (tree_item)
		merge_two_pages(k, item, page, tree_item, tree_page);
}

void ksm_do_scan(struct memory *m, u32 nr)
{
	struct ksm_state *k = m->in->ksm;

	for (; nr; nr--) {
		struct page *page;
		struct ksm_rmap_item *item = scan_get_next_rmap_item(k, &page);

		if (!item)
			return;
		cmp_and_merge_page(k, item, page);
		k->pages_scanned++;
	}
}

/* KSM: the scan, the two trees, merging and unmerging. See ksm.h. */
#include "mm/ksm.h"

#include <string.h>
#include <xxhash.h>

#include "base/err.h"
#include "mm/ksm_internal.h"
#include "mm/tlb.h"

/* --- state ------------------------------------------------------------------------------- */

struct ksm_state *ksm_get(struct memory *m)
{
	struct ksm_state *k = m->in->ksm;

	if (k)
		return k;
	k = kzalloc(m, sizeof(*k), GFP_KERNEL);
	if (!k)
		return NULL;
	k->rmap_item =
		kmem_cache_create(m, "ksm_rmap_item", sizeof(struct ksm_rmap_item), 0, 0, NULL);
	k->stable_node =
		kmem_cache_create(m, "ksm_stable_node", sizeof(struct ksm_stable_node), 0, 0, NULL);
	k->mm_slot = kmem_cache_create(m, "ksm_mm_slot", sizeof(struct ksm_mm_slot), 0, 0, NULL);
	if (IS_ERR(k->rmap_item) || IS_ERR(k->stable_node) || IS_ERR(k->mm_slot)) {
		if (!IS_ERR(k->rmap_item))
			kmem_cache_destroy(k->rmap_item);
		if (!IS_ERR(k->stable_node))
			kmem_cache_destroy(k->stable_node);
		if (!IS_ERR(k->mm_slot))
			kmem_cache_destroy(k->mm_slot);
		kfree(m, k);
		return NULL;
	}
	k->m = m;
	k->pages_to_scan = KSM_PAGES_TO_SCAN;
	ksm_advisor_init(k);
	k->sleep_millisecs = 20;
	k->max_page_sharing = 256;
	k->smart_scan = true;
	INIT_LIST_HEAD(&k->slots);
	kmemleak_not_leak(m, k);
	return m->in->ksm = k;
}

/* Tells ksmd that something may have changed for it. */
static void ksm_wake(struct memory *m)
{
	if (ksm_should_run(m) && m->hooks.ksm_wake)
		m->hooks.ksm_wake(m->hooks.ksm_arg);
}

int ksm_enter(struct mm_struct *mm)
{
	struct ksm_state *k = ksm_get(mm->mem);
	struct ksm_mm_slot *slot;

	if (mm->ksm_slot)
		return 0;
	slot = k ? kmem_cache_zalloc(k->mm_slot, GFP_KERNEL) : NULL;
	if (!slot)
		return -ENOMEM;
	slot->mm = mm;
	mm->ksm_slot = slot;
	/* Behind the cursor, so that a program that has just started settles first. */
	list_add_tail(&slot->list, k->scan.slot ? &k->scan.slot->list : &k->slots);
	ksm_wake(mm->mem);
	return 0;
}

int ksm_fork(struct mm_struct *mm, const struct mm_struct *old)
{
	mm->ksm_merge_any = old->ksm_merge_any;
	if (!old->ksm_slot)
		return 0;
	return ksm_enter(mm);
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

/* Off whichever tree it is on. */
static void remove_rmap_item_from_tree(struct ksm_state *k, struct ksm_rmap_item *item)
{
	if (item->state == KSM_STABLE) {
		list_del(&item->hlist);
		if (--item->head->len)
			k->pages_sharing--;
		else
			k->pages_shared--;
		put_anon_vma(item->anon_vma);
		item->anon_vma = NULL;
		item->head = NULL;
		item->mm->ksm_merging_pages--;
	} else if (item->state == KSM_UNSTABLE) {
		if (item->seqnr == k->scan.seqnr) /* else the tree it was on is gone */
			treap_erase(&k->unstable, &item->node);
		k->pages_unshared--;
	}
	item->state = KSM_NONE;
}

static void remove_trailing_rmap_items(struct ksm_state *k, struct ksm_rmap_item **list)
{
	while (*list) {
		struct ksm_rmap_item *item = *list;

		*list = item->rmap_list;
		remove_rmap_item_from_tree(k, item);
		free_rmap_item(k, item);
	}
}

static struct ksm_mm_slot *next_slot(const struct ksm_state *k, const struct ksm_mm_slot *slot)
{
	const struct list_head *next = slot->list.next;

	return next == &k->slots ? NULL : list_entry(next, struct ksm_mm_slot, list);
}

/* The cursor is at the start of @slot, or, for NULL, between two passes. */
static void scan_from(struct ksm_state *k, struct ksm_mm_slot *slot)
{
	k->scan.slot = slot;
	k->scan.address = 0;
	k->scan.rmap_list = slot ? &slot->rmap_list : NULL;
	if (slot)
		return;
	k->scan.seqnr++;
	k->unstable.root = NULL;
}

static void free_slot(struct ksm_state *k, struct ksm_mm_slot *slot)
{
	if (k->scan.slot == slot)
		scan_from(k, next_slot(k, slot));
	remove_trailing_rmap_items(k, &slot->rmap_list);
	slot->mm->ksm_slot = NULL;
	list_del(&slot->list);
	kmem_cache_free(k->mm_slot, slot);
}

void ksm_exit(struct mm_struct *mm)
{
	if (mm->ksm_slot)
		free_slot(mm->mem->in->ksm, mm->ksm_slot);
}

/* --- ptes -------------------------------------------------------------------------------- */

/* The pte of an anonymous page at @addr; NULL: there is none. */
static pte_t *anon_pte(const struct vm_area_struct *vma, gva_t addr, struct page **page)
{
	pte_t *pte = pte_offset(vma->vm_mm, addr);

	if (!pte || !pte_present(*pte))
		return NULL;
	*page = vm_normal_page(vma->vm_mm->mem, *pte);
	return *page && PageAnon(*page) ? pte : NULL;
}

static struct vm_area_struct *find_mergeable_vma(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	return vma && (vma->vm_flags & VM_MERGEABLE) && vma->anon_vma ? vma : NULL;
}

static struct page *get_mergeable_page(const struct ksm_rmap_item *item)
{
	const struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *page;

	return vma && anon_pte(vma, item->address, &page) ? page : NULL;
}

static int memcmp_pages(const struct memory *m, const struct page *a, const struct page *b)
{
	return memcmp(page_address(m, a), page_address(m, b), PAGE_SIZE);
}

/* From now on nobody changes the page without a fault. Not if somebody holds it in another way. */
static int write_protect_page(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page)
{
	if (page->refcount != page->mapcount)
		return -EAGAIN;
	page_clear(page, PG_anon_exclusive);
	if (pte_dirty(*pte))
		page_set(page, PG_dirty);
	if (pte->pte & (_PAGE_RW | _PAGE_DIRTY)) {
		pte->pte &= ~(_PAGE_RW | _PAGE_DIRTY);
		flush_tlb_page(vma->vm_mm, addr);
	}
	return 0;
}

/* @kpage, which has the same bytes, takes the place of @page. */
static void replace_page(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page,
			 struct page *kpage)
{
	struct memory *m = vma->vm_mm->mem;

	get_page(kpage);
	if (!kpage->mapcount++)
		mod_node_stat(m, ST_anon_pages, 1);
	mlock_vma_folio(m, kpage, vma);
	*pte = pfn_pte(page_to_pfn(m, kpage), vma_page_prot(vma));
	flush_tlb_page(vma->vm_mm, addr);
	page_remove_rmap(page, vma);
	put_page(m, page);
}

/* Makes @item's page merged (@kpage NULL), or @kpage in its place. */
static int try_to_merge_with_ksm_page(struct ksm_state *k, struct ksm_rmap_item *item,
				      struct page *page, struct page *kpage)
{
	struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *there;
	pte_t *pte = vma ? anon_pte(vma, item->address, &there) : NULL;

	if (!pte || there != page)
		return -EFAULT;
	if (page != kpage) {
		int err = write_protect_page(vma, item->address, pte, page);

		if (err)
			return err;
		if (!kpage) {
			set_page_stable_node(page, NULL);
			page_set(page, PG_dirty); /* reclaim must not drop it */
		} else if (memcmp_pages(k->m, page, kpage)) {
			return -EFAULT;
		} else {
			replace_page(vma, item->address, pte, page, kpage);
		}
	}
	remove_rmap_item_from_tree(k, item);
	item->anon_vma = vma->anon_vma;
	item->anon_vma->refcount++;
	return 0;
}

/* A page of its own for one pte that maps a merged one (@page NULL: the zero page, by KSM). */
static int break_ksm(struct vm_area_struct *vma, gva_t addr, pte_t *pte, struct page *page)
{
	struct memory *m = vma->vm_mm->mem;
	struct page *copy = alloc_pages(m, GFP_HIGHUSER_MOVABLE | (page ? 0 : __GFP_ZERO), 0);

	if (!copy)
		return -ENOMEM;
	if (page)
		memcpy(page_address(m, copy), page_address(m, page), PAGE_SIZE);
	else
		ksm_might_unmap_zero_page(vma->vm_mm, *pte);
	page_add_new_anon_rmap(copy, vma, addr);
	*pte = pfn_pte(page_to_pfn(m, copy), vma_page_prot(vma));
	flush_tlb_page(vma->vm_mm, addr);
	if (page) {
		page_remove_rmap(page, vma);
		put_page(m, page);
	} else {
		vma->vm_mm->rss[MM_ANONPAGES]++;
	}
	return 0;
}

int unmerge_ksm_pages(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	int err = 0;
	pte_t *pte;

	while (!err && vma->anon_vma && (pte = pte_next_table(vma->vm_mm, &start, end))) {
		gva_t stop = min((start & PMD_MASK) + PMD_SIZE, end);

		for (; start < stop && !err; start += PAGE_SIZE, pte++) {
			struct page *page;

			if (!pte_present(*pte))
				continue;
			page = vm_normal_page(vma->vm_mm->mem, *pte);
			if (page ? PageKsm(page) : is_ksm_zero_pte(vma->vm_mm->mem, *pte))
				err = break_ksm(vma, start, pte, page);
		}
	}
	return err;
}

/* Undoes the merge of an item that found no place in the stable tree. */
static void break_cow(struct ksm_rmap_item *item)
{
	struct vm_area_struct *vma = find_mergeable_vma(item->mm, item->address);
	struct page *page;
	pte_t *pte;

	put_anon_vma(item->anon_vma);
	item->anon_vma = NULL;
	pte = vma ? anon_pte(vma, item->address, &page) : NULL;
	if (pte && PageKsm(page))
		break_ksm(vma, item->address, pte, page);
}

/* --- the stable tree --------------------------------------------------------------------- */

/* The page of @n, or NULL: the last mapping is gone and the frame has another life. */
struct page *ksm_node_page(const struct memory *m, const struct ksm_stable_node *n)
{
	struct page *page = pfn_to_page(m, n->pfn);

	return PageKsm(page) && page_stable_node(page) == n ? page : NULL;
}

static void stable_link(struct ksm_state *k, struct ksm_stable_node *node);

/* Takes @n, whose page is gone, off the tree and frees it; another of its chain takes its place. */
static void remove_node_from_stable_tree(struct ksm_state *k, struct ksm_stable_node *n)
{
	struct ksm_rmap_item *item, *next;
	struct ksm_stable_node *dup = NULL;

	list_for_each_entry_safe (item, next, &n->items, hlist)
		remove_rmap_item_from_tree(k, item);
	if (n->in_tree) {
		treap_erase(&k->stable, &n->node);
		if (!list_empty(&n->dups))
			dup = list_first_entry(&n->dups, struct ksm_stable_node, dups);
	}
	list_del(&n->dups);
	kmem_cache_free(k->stable_node, n);
	if (dup)
		stable_link(k, dup);
}

/* Where a page of these bytes is, or would be. Nodes without a page go on the way. */
static struct ksm_stable_node *stable_find(struct ksm_state *k, const struct page *page,
					   struct treap_node **parent, struct treap_node ***link)
{
again:
	*parent = NULL;
	*link = &k->stable.root;
	while (**link) {
		struct ksm_stable_node *n = treap_entry(**link, struct ksm_stable_node, node);
		struct page *there = ksm_node_page(k->m, n);
		int order;

		if (!there) {
			remove_node_from_stable_tree(k, n);
			goto again;
		}
		order = memcmp_pages(k->m, page, there);
		if (!order)
			return n;
		*parent = &n->node;
		*link = order < 0 ? &(**link)->left : &(**link)->right;
	}
	return NULL;
}

/* Puts @node, whose page is alive or which goes now, in the tree at its content's place. */
static void stable_link(struct ksm_state *k, struct ksm_stable_node *node)
{
	struct page *page = ksm_node_page(k->m, node);
	struct treap_node *parent, **link;

	node->in_tree = true;
	if (!page) { /* of a chain, and stale: the next one moves up */
		struct ksm_stable_node *dup = NULL;

		if (!list_empty(&node->dups))
			dup = list_first_entry(&node->dups, struct ksm_stable_node, dups);
		node->in_tree = false;
		remove_node_from_stable_tree(k, node);
		if (dup)
			stable_link(k, dup);
		return;
	}
	stable_find(k, page, &parent, &link);
	treap_link(&k->stable, &node->node, parent, link);
}

/* A merged page with the bytes of @page that has room for one more; NULL: none. */
static struct page *stable_tree_search(struct ksm_state *k, struct page *page)
{
	struct treap_node *parent, **link;
	struct ksm_stable_node *head, *n, *next;

	if (PageKsm(page))
		return page;
	head = stable_find(k, page, &parent, &link);
	if (!head)
		return NULL;
	if (head->len < k->max_page_sharing)
		return ksm_node_page(k->m, head);
	list_for_each_entry_safe (n, next, &head->dups, dups) {
		struct page *there = ksm_node_page(k->m, n);

		if (!there)
			remove_node_from_stable_tree(k, n);
		else if (n->len < k->max_page_sharing)
			return there;
	}
	return NULL;
}

/* A node for @kpage, just merged: in the tree, or in the chain of those that are full. */
static struct ksm_stable_node *stable_tree_insert(struct ksm_state *k, struct page *kpage)
{
	struct ksm_stable_node *node = kmem_cache_zalloc(k->stable_node, GFP_KERNEL), *head;
	struct treap_node *parent, **link;

	if (!node)
		return NULL;
	INIT_LIST_HEAD(&node->items);
	INIT_LIST_HEAD(&node->dups);
	node->pfn = page_to_pfn(k->m, kpage);
	set_page_stable_node(kpage, node);
	head = stable_find(k, kpage, &parent, &link);
	if (head) {
		list_add(&node->dups, &head->dups);
	} else {
		node->in_tree = true;
		treap_link(&k->stable, &node->node, parent, link);
	}
	return node;
}

static void stable_tree_append(struct ksm_state *k, struct ksm_rmap_item *item,
			       struct ksm_stable_node *node)
{
	VM_BUG_ON(item->state != KSM_NONE);
	item->head = node;
	item->state = KSM_STABLE;
	list_add(&item->hlist, &node->items);
	if (node->len++)
		k->pages_sharing++;
	else
		k->pages_shared++;
	item->mm->ksm_merging_pages++;
}

/* --- the unstable tree ------------------------------------------------------------------- */

/* An item whose page has the bytes of @page; else @item is put in its place. */
static struct ksm_rmap_item *unstable_tree_search_insert(struct ksm_state *k,
							 struct ksm_rmap_item *item,
							 struct page *page, struct page **tree_page)
{
	struct treap_node **link = &k->unstable.root, *parent = NULL;

	while (*link) {
		struct ksm_rmap_item *there = treap_entry(*link, struct ksm_rmap_item, node);
		int order;

		*tree_page = get_mergeable_page(there);
		/* Gone, or the same page, shared by fork: a later pass sees more. */
		if (!*tree_page || *tree_page == page)
			return NULL;
		order = memcmp_pages(k->m, page, *tree_page);
		if (!order)
			return there;
		parent = *link;
		link = order < 0 ? &parent->left : &parent->right;
	}
	item->state = KSM_UNSTABLE;
	item->seqnr = k->scan.seqnr;
	treap_link(&k->unstable, &item->node, parent, link);
	k->pages_unshared++;
	return NULL;
}

/* Two pages of equal bytes, neither merged yet. */
static void merge_two_pages(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page,
			    struct ksm_rmap_item *tree_item, struct page *tree_page)
{
	struct ksm_stable_node *node;

	if (try_to_merge_with_ksm_page(k, item, page, NULL))
		return;
	if (try_to_merge_with_ksm_page(k, tree_item, tree_page, page)) {
		break_cow(item);
		return;
	}
	node = stable_tree_insert(k, page);
	if (!node) {
		break_cow(tree_item);
		break_cow(item);
		return;
	}
	stable_tree_append(k, tree_item, node);
	stable_tree_append(k, item, node);
}

/* An empty page gives way to the zero page, where that is wanted. True: it did, or may not be
 * touched now. */
static bool merge_with_zero_page(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page)
{
	struct memory *m = k->m;
	struct vm_area_struct *vma;
	struct page *there;
	pte_t *pte;

	if (!k->use_zero_pages || item->checksum != k->zero_checksum)
		return false;
	vma = find_mergeable_vma(item->mm, item->address);
	pte = vma ? anon_pte(vma, item->address, &there) : NULL;
	if (!pte || there != page)
		return true; /* out of date */
	if (write_protect_page(vma, item->address, pte, page) ||
	    memcmp_pages(m, page, m->zero_page))
		return false;
	*pte = pfn_pte(page_to_pfn(m, m->zero_page),
		       vma_page_prot(vma) | _PAGE_SPECIAL | _PAGE_DIRTY);
	flush_tlb_page(vma->vm_mm, item->address);
	item->mm->ksm_zero_pages++;
	m->ksm_zero_pages++;
	update_hiwater_rss(item->mm);
	item->mm->rss[MM_ANONPAGES]--;
	page_remove_rmap(page, vma);
	put_page(m, page);
	return true;
}

/* --- the scan ---------------------------------------------------------------------------- */

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
	if (merge_with_zero_page(k, item, page))
		return;
	tree_item = unstable_tree_search_insert(k, item, page, &tree_page);
	if (tree_item)
		merge_two_pages(k, item, page, tree_item, tree_page);
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

/* Merged pages that nobody maps any more leave nodes behind: once a pass they go. */
static void prune_stable_tree(struct ksm_state *k)
{
	struct treap_node *t = treap_first(&k->stable);

	while (t) {
		struct ksm_stable_node *n = treap_entry(t, struct ksm_stable_node, node), *d, *next;

		t = treap_next(t);
		list_for_each_entry_safe (d, next, &n->dups, dups)
			if (!ksm_node_page(k->m, d))
				remove_node_from_stable_tree(k, d);
		if (!ksm_node_page(k->m, n))
			remove_node_from_stable_tree(k, n);
	}
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
			scan_from(k, next_slot(k, slot));
		else
			free_slot(k, slot); /* nothing mergeable: MADV_MERGEABLE brings it back */
	}
	ksm_advisor_stop_scan(k);
	return NULL;
}

bool ksm_should_run(const struct memory *m)
{
	const struct ksm_state *k = m->in->ksm;

	return k && (k->run & KSM_RUN_MERGE) && !list_empty(&k->slots);
}

void ksm_do_scan(struct memory *m, u32 nr)
{
	struct ksm_state *k = m->in->ksm;

	for (; k && nr; nr--) {
		struct page *page;
		struct ksm_rmap_item *item = scan_get_next_rmap_item(k, &page);

		if (!item)
			return;
		cmp_and_merge_page(k, item, page);
		k->pages_scanned++;
	}
}

/* --- rmap -------------------------------------------------------------------------------- */

typedef int (*rmap_fn)(struct page *page, struct vm_area_struct *vma, gva_t addr, pte_t *pte,
		       void *arg);

/* The areas of @item's anon_vma that hold the page at its address; @forks: those of other mms. */
static int rmap_walk_item(struct page *page, struct ksm_rmap_item *item, bool forks, rmap_fn fn,
			  void *arg)
{
	struct anon_vma_chain *avc, *next;
	int err = 0;

	list_for_each_entry_safe (avc, next, &item->anon_vma->chain, same_anon_vma) {
		struct vm_area_struct *vma = avc->vma;
		struct page *there;
		pte_t *pte;

		if (item->address < vma->vm_start || item->address >= vma->vm_end ||
		    (item->mm != vma->vm_mm) != forks)
			continue;
		pte = anon_pte(vma, item->address, &there);
		if (!pte || there != page)
			continue;
		err = fn(page, vma, item->address, pte, arg);
		if (err)
			break;
	}
	return err;
}

int rmap_walk_ksm(struct memory *m __unused, struct page *page, rmap_fn fn, void *arg)
{
	struct ksm_stable_node *node = page_stable_node(page);
	struct ksm_rmap_item *item, *next;
	int err = 0;

	for (int forks = 0; node && forks < 2 && !err; forks++) {
		list_for_each_entry_safe (item, next, &node->items, hlist) {
			err = rmap_walk_item(page, item, forks, fn, arg);
			if (err)
				break;
		}
	}
	return err;
}

/* --- knobs ------------------------------------------------------------------------------- */

static int unmerge_and_remove_all(struct ksm_state *k)
{
	struct ksm_mm_slot *slot, *next;
	struct vm_area_struct *vma;
	int err = 0;

	list_for_each_entry_safe (slot, next, &k->slots, list) {
		for (vma = vma_first(slot->mm); vma && !err; vma = vma_next(vma))
			if ((vma->vm_flags & VM_MERGEABLE) && vma->anon_vma)
				err = unmerge_ksm_pages(vma, vma->vm_start, vma->vm_end);
		if (err)
			return err;
		remove_trailing_rmap_items(k, &slot->rmap_list);
	}
	scan_from(k, NULL);
	k->scan.seqnr = 0;
	prune_stable_tree(k);
	return 0;
}

int ksm_set_run(struct memory *m, u32 run)
{
	struct ksm_state *k = ksm_get(m);
	int err = 0;

	if (run > KSM_RUN_UNMERGE)
		return -EINVAL;
	if (!k)
		return -ENOMEM;
	if (k->run != run) {
		k->run = run;
		if (run & KSM_RUN_UNMERGE)
			err = unmerge_and_remove_all(k);
		if (err)
			k->run = KSM_RUN_STOP;
	}
	ksm_wake(m);
	return err;
}

int ksm_set_pages_to_scan(struct memory *m, u32 nr)
{
	struct ksm_state *k = ksm_get(m);

	if (!k)
		return -ENOMEM;
	if (k->advisor.mode != KSM_ADVISOR_NONE)
		return -EINVAL;
	k->pages_to_scan = nr;
	return 0;
}

int ksm_set_sleep_millisecs(struct memory *m, u32 ms)
{
	struct ksm_state *k = ksm_get(m);

	if (!k)
		return -ENOMEM;
	k->sleep_millisecs = ms;
	ksm_wake(m);
	return 0;
}

int ksm_set_max_page_sharing(struct memory *m, u32 nr)
{
	struct ksm_state *k = ksm_get(m);

	if (!k)
		return -ENOMEM;
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
	struct ksm_state *k = ksm_get(m);

	if (!k)
		return -ENOMEM;
	k->smart_scan = on;
	return 0;
}

int ksm_set_use_zero_pages(struct memory *m, bool on)
{
	struct ksm_state *k = ksm_get(m);

	if (!k)
		return -ENOMEM;
	k->zero_checksum = XXH64(page_address(m, m->zero_page), PAGE_SIZE, 0);
	k->use_zero_pages = on;
	return 0;
}

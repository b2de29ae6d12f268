/* KSM: the stable and the unstable tree, sorted by the bytes of pages, and the checker of both. See
 * ksm.h. Not for: what a merge does to ptes (ksm_merge.c). */
#include "base/err.h"
#include "base/log.h"
#include "mm/ksm_internal.h"

void remove_rmap_item_from_tree(struct ksm_state *k, struct ksm_rmap_item *item)
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

/* --- the stable tree --------------------------------------------------------------------- */

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

struct page *stable_tree_search(struct ksm_state *k, struct page *page)
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

struct ksm_stable_node *stable_tree_insert(struct ksm_state *k, struct page *kpage)
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

void stable_tree_append(struct ksm_state *k, struct ksm_rmap_item *item,
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

/* Merged pages that nobody maps any more leave nodes behind: once a pass they go. */
void prune_stable_tree(struct ksm_state *k)
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

/* --- the unstable tree ------------------------------------------------------------------- */

struct ksm_rmap_item *unstable_tree_search_insert(struct ksm_state *k, struct ksm_rmap_item *item,
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
		if (page && last && memcmp_pages(m, last, page) >= 0)
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
	struct check c = {.k = m->in->ksm};

	check_stable_tree(&c);
	check_items(&c);
	if (c.items != c.k->nr_rmap_items || c.shared != c.k->pages_shared ||
	    c.sharing != c.k->pages_sharing || c.unstable_items != c.k->pages_unshared)
		complain(&c, "counters disagree with the trees", c.k);
	return c.bad ? -EFAULT : 0;
}

/* What the files of KSM share. See ksm.h.
 *
 *   ksm.c          the scan: pass after pass over the pages of the slots, and what becomes of each
 *   ksm_tree.c     the two trees; the checker
 *   ksm_merge.c    ptes: a page becomes a merged one, or gets its own bytes back
 *   ksm_process.c  which address spaces take part
 *   ksm_advisor.c  how many pages a scan looks at
 *   ksm_knobs.c    /sys/kernel/mm/ksm: what is set, what is shown
 */
#ifndef MM_KSM_INTERNAL_H
#define MM_KSM_INTERNAL_H

#include <string.h>

#include "base/treap.h"
#include "mm/internal.h"
#include "mm/ksm.h"

enum ksm_item_state { KSM_NONE, KSM_UNSTABLE, KSM_STABLE };

/* One scanned page of one mm. */
struct ksm_rmap_item {
	struct ksm_rmap_item *rmap_list; /* the next of the mm, by address */
	struct mm_struct *mm;
	gva_t address;
	u64 checksum;
	u8 state; /* enum ksm_item_state */
	u8 age, remaining_skips;
	u32 seqnr; /* unstable: of the pass whose tree it is on */
	union {
		struct treap_node node; /* unstable: on the tree */
		struct list_head hlist; /* stable: in head->items */
	};
	struct ksm_stable_node *head; /* stable; else NULL */
	struct anon_vma *anon_vma;    /* likewise; a reference */
};

/* One merged page. */
struct ksm_stable_node {
	struct treap_node node; /* if in_tree */
	/* In the tree: list of nodes of the same bytes, each of another page; else: in that list. */
	struct list_head dups;
	struct list_head items; /* ksm_rmap_item.hlist */
	pfn_t pfn;
	u32 len; /* items */
	bool in_tree;
};

struct ksm_mm_slot {
	struct list_head list; /* ksm_state.slots */
	struct mm_struct *mm;
	struct ksm_rmap_item *rmap_list;
};

struct ksm_advisor {
	enum ksm_advisor_mode mode;
	u32 max_cpu;		  /* percent */
	u64 min_pages, max_pages; /* of pages_to_scan */
	u64 target_scan_time;	  /* seconds */
	u64 now, cpu;		  /* ns: ksm_set_clock() */
	u64 start_scan, last_cpu; /* ns: of this pass, of the last */
	u64 scan_time, change;	  /* seconds; percent, smoothed */
};

struct ksm_state {
	struct memory *m;
	struct kmem_cache *rmap_item, *stable_node, *mm_slot; /* made by the first ksm_enter() */
	struct list_head slots;
	struct treap stable, unstable;
	struct {
		struct ksm_mm_slot *slot;	  /* NULL: between two passes */
		gva_t address;			  /* to look at next */
		struct ksm_rmap_item **rmap_list; /* where its item is, or belongs */
		u32 seqnr;			  /* passes done */
	} scan;
	u32 run, pages_to_scan, sleep_millisecs, max_page_sharing;
	u32 prune_millisecs;
	bool smart_scan, use_zero_pages, merge_across_nodes;
	struct ksm_advisor advisor;
	u64 zero_checksum; /* of an empty page, with use_zero_pages */
	u64 nr_rmap_items, pages_shared, pages_sharing, pages_unshared, pages_scanned,
		pages_skipped;
};

static inline int memcmp_pages(const struct memory *m, const struct page *a, const struct page *b)
{
	return memcmp(page_address(m, a), page_address(m, b), PAGE_SIZE);
}

/* The stable node of a merged page; NULL: it has none yet. */
static inline struct ksm_stable_node *page_stable_node(const struct page *page)
{
	return (void *)((u64)page->mapping & ~PAGE_MAPPING_KSM);
}

static inline void set_page_stable_node(struct page *page, struct ksm_stable_node *node)
{
	page->mapping = (void *)((u64)node | PAGE_MAPPING_KSM);
}

/* --- ksm.c ------------------------------------------------------------------------------------- */

/* Tells ksmd that something may have changed for it. */
void ksm_wake(struct memory *m);
/* The cursor goes to the start of @slot, or, for NULL, between two passes. */
void ksm_scan_from(struct ksm_state *k, struct ksm_mm_slot *slot);
/* The slot that the scan comes to behind @slot; NULL: the pass is over. */
struct ksm_mm_slot *ksm_next_slot(const struct ksm_state *k, const struct ksm_mm_slot *slot);
/* Frees the items from *@list on, each off its tree first. */
void remove_trailing_rmap_items(struct ksm_state *k, struct ksm_rmap_item **list);

/* --- ksm_tree.c -------------------------------------------------------------------------------- */

/* Takes @item off whichever tree it is on; drops its anon_vma. */
void remove_rmap_item_from_tree(struct ksm_state *k, struct ksm_rmap_item *item);
/* The page of @n; NULL: the last mapping is gone and the frame has another life. */
struct page *ksm_node_page(const struct memory *m, const struct ksm_stable_node *n);
/* A merged page with the bytes of @page that has room for one more (maybe @page itself); NULL: none. */
struct page *stable_tree_search(struct ksm_state *k, struct page *page);
/* A node for @kpage, just merged: in the tree, or chained to one of the same bytes that is full. NULL: no
 * memory. */
struct ksm_stable_node *stable_tree_insert(struct ksm_state *k, struct page *kpage);
/* @item, on no tree, maps @node's page; its anon_vma is set. */
void stable_tree_append(struct ksm_state *k, struct ksm_rmap_item *item,
			struct ksm_stable_node *node);
/* An item whose page, *@tree_page, has the bytes of @page; NULL: there is none, and @item has been put in
 * its place, unless the tree cannot be searched to the end now. */
struct ksm_rmap_item *unstable_tree_search_insert(struct ksm_state *k, struct ksm_rmap_item *item,
						  struct page *page, struct page **tree_page);
/* Frees the nodes whose pages are gone. */
void prune_stable_tree(struct ksm_state *k);

/* --- ksm_merge.c ------------------------------------------------------------------------------- */

/* The page at @item's address, if it may be merged now; no reference. */
struct page *get_mergeable_page(const struct ksm_rmap_item *item);
/* Makes @item's page a merged one (@kpage NULL), or puts @kpage, if it has the same bytes, in its place;
 * @item holds the area's anon_vma then. 0; -EFAULT: it is another page by now, or its bytes differ; -EAGAIN:
 * somebody holds it in another way than by a pte. */
int try_to_merge_with_ksm_page(struct ksm_state *k, struct ksm_rmap_item *item, struct page *page,
			       struct page *kpage);
/* An empty page gives way to the zero page, where that is wanted. True: it did, or may not be touched now. */
bool try_to_merge_with_zero_page(struct ksm_state *k, struct ksm_rmap_item *item,
				 struct page *page);
/* Undoes the merge of an item that found no place in the stable tree. */
void ksm_break_cow(struct ksm_rmap_item *item);

/* --- ksm_process.c ----------------------------------------------------------------------------- */

/* @slot's address space takes part no more. */
void ksm_free_slot(struct ksm_state *k, struct ksm_mm_slot *slot);
/* Every merged page is given back, and both trees are empty. 0 or -ENOMEM: what was done stays done. */
int unmerge_and_remove_all_rmap_items(struct ksm_state *k);

/* --- ksm_advisor.c ----------------------------------------------------------------------------- */

void ksm_advisor_init(struct ksm_state *k);
/* A pass begins; it is over: pages_to_scan is set anew. Nothing without an advisor. */
void ksm_advisor_start_scan(struct ksm_state *k);
void ksm_advisor_stop_scan(struct ksm_state *k);

#endif

/* What the two files of KSM share: the trees' nodes. See ksm.h. */
#ifndef MM_KSM_INTERNAL_H
#define MM_KSM_INTERNAL_H

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
		struct treap_node node;		/* unstable */
		struct {			/* stable */
			struct list_head hlist; /* in head->items */
		};
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
	struct kmem_cache *rmap_item, *stable_node, *mm_slot;
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

/* memory.in->ksm, made at the first use; NULL: no memory. */
struct ksm_state *ksm_get(struct memory *m);
/* --- ksm_advisor.c --- */
void ksm_advisor_init(struct ksm_state *k);
void ksm_advisor_start_scan(struct ksm_state *k); /* of a pass */
void ksm_advisor_stop_scan(struct ksm_state *k);
/* The page of @n; NULL: it is gone. */
struct page *ksm_node_page(const struct memory *m, const struct ksm_stable_node *n);

static inline struct ksm_stable_node *page_stable_node(const struct page *page)
{
	return (void *)((u64)page->mapping & ~PAGE_MAPPING_KSM);
}

static inline void set_page_stable_node(struct page *page, struct ksm_stable_node *node)
{
	page->mapping = (void *)((u64)node | PAGE_MAPPING_KSM);
}

#endif

/* struct page: what the guest kernel knows of one frame. At most 64 bytes; all zero is valid
 * and means: never used, belongs to the free memory that its zone has not yet carved up. */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "base/bug.h"
#include "base/list.h"
#include "mm/memory.h"

enum pageflag {
	PG_locked,
	PG_referenced,
	PG_uptodate,
	PG_dirty,
	PG_lru,
	PG_active,
	PG_slab,
	PG_buddy,      /* head of a free block; page->private is its order */
	PG_head,       /* compound head; page->order */
	PG_swapbacked, /* anonymous or shmem */
	PG_writeback,
	PG_reserved, /* never freed: zero page, boot structures */
	PG_table,    /* a page table */
	PG_code,     /* holds cached decoded code (cpu/) */
	PG_anon_exclusive,
	PG_kstack,
	PG_pcp,		/* on a per-CPU list */
	PG_written,	/* dirty, but the host has the bytes: write(2) gave them to both */
	PG_unevictable, /* on no list that reclaim looks at: locked, or of a locked segment */
	PG_mlocked,	/* some VM_LOCKED area maps it */
	PG_readahead,	/* who reads it wants the next window read (readahead.h) */
	NR_PAGEFLAGS
};

struct page {
	u64 flags; /* BIT(PG_*) */
	union {
		struct list_head lru; /* free list, per-CPU list, LRU, slab list: one at a time */
		struct {
			struct page *compound_head; /* tail pages: the head, bit 0 set */
			void *freelist;
		};
		struct {
			void *filler;	 /* compound_head */
			u32 mlock_count; /* PG_unevictable: locked areas that map it, or fewer */
		};
	};
	union {
		struct address_space *mapping; /* page cache; else PAGE_MAPPING_* */
		struct kmem_cache *slab_cache;
	};
	union {
		u64 index; /* page offset in mapping (anon: as vm_pgoff counts) */
		u64 inuse; /* slab: objects out */
	};
	u64 private;  /* buddy: order; slab: first free object; page cache: folio_order() */
	s32 mapcount; /* ptes that map it; the zero page is not counted */
	s32 refcount; /* 0: free */
	u16 order;    /* first frame of a used block: its order (compound or not) */
	u16 touched;  /* handed out before: bytes are not known to be zero; page_alloc.c's */
	u32 owner;    /* enum page_owner, for reports: frames by owner */
};

_Static_assert(sizeof(struct page) <= 64, "mem_map: at most 64 bytes a frame");

#define PAGE_MAPPING_ANON 1UL
#define PAGE_MAPPING_KSM 3UL /* merged: a ksm_stable_node; also anonymous */

/* Who uses a frame, for `--stats`: set by whoever allocates. */
enum page_owner {
	OWN_FREE,
	OWN_KERNEL,
	OWN_SLAB,
	OWN_PGTABLE,
	OWN_ANON,
	OWN_FILE,
	OWN_SHMEM,
	OWN_KSTACK,
	NR_PAGE_OWNERS
};

static inline bool page_test(const struct page *p, enum pageflag f)
{
	return p->flags & BIT(f);
}

static inline void page_set(struct page *p, enum pageflag f)
{
	p->flags |= BIT(f);
}

static inline void page_clear(struct page *p, enum pageflag f)
{
	p->flags &= ~BIT(f);
}

static inline bool PageAnon(const struct page *p)
{
	return (u64)p->mapping & PAGE_MAPPING_ANON;
}

static inline bool PageKsm(const struct page *p)
{
	return ((u64)p->mapping & PAGE_MAPPING_KSM) == PAGE_MAPPING_KSM;
}

static inline struct page *pfn_to_page(const struct memory *m, pfn_t pfn)
{
	return m->mem_map + pfn;
}

static inline pfn_t page_to_pfn(const struct memory *m, const struct page *p)
{
	return p - m->mem_map;
}

static inline void *page_address(const struct memory *m, const struct page *p)
{
	return pfn_to_virt(m, page_to_pfn(m, p));
}

static inline struct page *virt_to_page(const struct memory *m, const void *p)
{
	return m->mem_map + virt_to_pfn(m, p);
}

static inline void get_page(struct page *p)
{
	p->refcount++;
}

/* The head of a compound page for any frame of it; any other frame itself. */
static inline struct page *compound_head(const struct page *p)
{
	u64 head = (u64)p->compound_head;

	return head & 1 ? (struct page *)(head - 1) : (struct page *)p;
}

/* Drops a reference; the last one frees the frame (compound: the block). Defined in page_alloc.c */
void put_page(struct memory *m, struct page *p);

#endif

/* struct page: what the guest kernel knows of one frame. At most 64 bytes; all zero is valid
 * and means: never used, belongs to the free memory that its zone has not yet carved up.
 *
 * Who may touch a page: whoever holds a reference (refcount) may read and write its bytes and knows that it
 * stays the page it is. Each pte that maps it is one reference, and counts in mapcount, too; the page cache
 * holds one; a slab, a page table and a batch of lru.h one each.
 *
 * Not for: the frame's bytes (page_address()), giving frames out (page_alloc.h).
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "base/bug.h"
#include "base/list.h"
#include "mm/memory.h"

enum pageflag {
#define PAGE_FLAG(name, kind, kpf) PG_##name,
#include "mm/page_flags.def"
#undef PAGE_FLAG
	NR_PAGEFLAGS
};

/* Flags by kind (page_flags.def): PAGE_FLAGS_TYPE say what a frame is, and like PAGE_FLAGS_HELD must be
 * gone when it is freed. */
enum { PAGE_KIND_STATE, PAGE_KIND_HELD, PAGE_KIND_TYPE };
#define PAGE_FLAG(name, kind, kpf) | (PAGE_KIND_##kind == PAGE_KIND_TYPE ? BIT(PG_##name) : 0)
static const u64 PAGE_FLAGS_TYPE = 0
#include "mm/page_flags.def"
	;
#undef PAGE_FLAG
#define PAGE_FLAG(name, kind, kpf) | (PAGE_KIND_##kind == PAGE_KIND_HELD ? BIT(PG_##name) : 0)
static const u64 PAGE_FLAGS_HELD = 0
#include "mm/page_flags.def"
	;
#undef PAGE_FLAG

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

/* --- flags --------------------------------------------------------------------------------- */

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

/* Anonymous (private memory, or a private copy of a file's page); also when it is merged. */
static inline bool PageAnon(const struct page *p)
{
	return (u64)p->mapping & PAGE_MAPPING_ANON;
}

/* Merged by KSM: many may map it, and nobody may write. */
static inline bool PageKsm(const struct page *p)
{
	return ((u64)p->mapping & PAGE_MAPPING_KSM) == PAGE_MAPPING_KSM;
}

/* --- frame number, struct page, host address -------------------------------------------------- */

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

/* --- references ------------------------------------------------------------------------------- */

/* One more reference; the caller has one, or knows who has. Of a compound page: the head's. */
static inline void get_page(struct page *p)
{
	p->refcount++;
}

/* @len bytes of the frame, from @off on, are about to change: what was decoded from them goes first. */
static inline void page_code_changes(struct memory *m, struct page *page, unsigned off,
				     unsigned len)
{
	if (unlikely(page_test(page, PG_code)) && m->hooks.code_dirty)
		m->hooks.code_dirty(m->hooks.code_arg, page, off, len);
}

/* All of them may change, or the frame goes. */
static inline void page_code_dirty(struct memory *m, struct page *page)
{
	page_code_changes(m, page, 0, PAGE_SIZE);
}

/* The head of a compound page for any frame of it; any other frame itself. */
static inline struct page *compound_head(const struct page *p)
{
	u64 head = (u64)p->compound_head;

	return head & 1 ? (struct page *)(head - 1) : (struct page *)p;
}

/* Drops a reference; the last one frees the frame (compound: the block). @p may be any frame of a compound
 * page. (page_alloc.c) */
void put_page(struct memory *m, struct page *p);

#endif

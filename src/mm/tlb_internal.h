/* The parts of one CPU's TLB, shared by tlb.c, tlb_flush.c and tlb_boot.c alone.
 *
 *   space[0..7]  L1 tables: direct mapped, by page number, one for each recent mm
 *   L2           sets x ways, in parallel arrays; a tag is page number and asid in one word, so
 *                the tags of an 8-way set are one cache line; each entry is also on the list of
 *                its asid (hashed), which is what a flush walks
 *   psc          direct mapped: (GiB of address space, asid) -> its pmd table
 */
#ifndef MM_TLB_INTERNAL_H
#define MM_TLB_INTERNAL_H

#include "mm/paging.h"
#include "mm/tlb.h"

#define TLB_SPACES 8
#define TLB_L2_LISTS 64 /* power of two */
#define TLB_L2_END (~0U)
#define TLB_PSC_ENTRIES 32 /* power of two */
#define TLB_ASID_BITS 29

/* L1 of one address space. */
struct tlb_space {
	struct mm_struct *mm;	 /* NULL: free; then the table is empty */
	u64 used;		 /* tlb_internal.clock when it was last made current */
	struct tlb_entry *table; /* all zero until a space takes it */
	struct tlb_code *code;	 /* right behind it */
	/* Slots filled since the last whole flush, each once: what a flush has to visit. A slot
	 * that flush_tlb_page() emptied stays in the log until then. */
	u16 *log;
	u8 *logged; /* by slot */
	bool made;  /* some space had it */
	u32 nr_log;
};

struct tlb_psc_entry {
	u64 tag; /* GiB number << TLB_ASID_BITS | asid; 0: empty */
	u64 *pmd;
};

struct tlb_internal {
	struct memory *mem;	 /* set once */
	struct tlb_geometry geo; /* set once */
	struct tlb_space *cur;	 /* of tlb.mm; NULL when that is NULL */
	struct tlb_entry *empty; /* the L1 table of no address space */
	u64 clock;		 /* stamps for both LRUs */
	u64 *l2_tag;		 /* all of these: [set * ways + way]; tag 0: empty */
	u64 *l2_pte;		 /* the pte as it was, of a 4 KiB page */
	u64 *l2_used;		 /* clock at the last use */
	u32 *l2_next, *l2_prev;	 /* list of the asid */
	u32 l2_head[TLB_L2_LISTS];
	u32 l2_len[TLB_L2_LISTS];
	struct tlb_psc_entry psc[TLB_PSC_ENTRIES];
	struct tlb_space space[TLB_SPACES];
};

static inline u64 tlb_l2_tag(gva_t page, u32 asid)
{
	return (page >> PAGE_SHIFT) << TLB_ASID_BITS | asid;
}

static inline gva_t tlb_l2_tag_page(u64 tag)
{
	return (tag >> TLB_ASID_BITS) << PAGE_SHIFT;
}

static inline u32 tlb_l2_tag_asid(u64 tag)
{
	return tag & (BIT(TLB_ASID_BITS) - 1);
}

/* First index of the set of @page. */
static inline u32 tlb_l2_set(const struct tlb_internal *in, gva_t page)
{
	return ((page >> PAGE_SHIFT) & (in->geo.l2_sets - 1)) * in->geo.l2_ways;
}

static inline struct tlb_psc_entry *tlb_psc_slot(struct tlb_internal *in, gva_t addr, u32 asid)
{
	return &in->psc[((addr >> PUD_SHIFT) ^ asid) & (TLB_PSC_ENTRIES - 1)];
}

static inline u64 tlb_psc_tag(gva_t addr, u32 asid)
{
	return (addr >> PUD_SHIFT) << TLB_ASID_BITS | asid;
}

/* The page that a filled L1 entry translates: a present page can always be read, so the read
 * tag is set whenever any is. TLB_NO_TAG-like garbage for an empty one, never page aligned. */
static inline gva_t tlb_l1_page(const struct tlb_entry *e)
{
	return e->tag[TLB_READ] & ~TLB_CHECK_BIT;
}

/* One that has never been filled is all zero, as the host's memory comes: so a table costs only what is used of it. As a
 * tag zero is the first page's, but no look-up of that page finds such an entry: see tlb_l1_make(). */
static inline bool tlb_l1_empty(const struct tlb_entry *e)
{
	return e->tag[TLB_READ] == TLB_NO_TAG || !(e->tag[TLB_READ] | e->addend);
}

static inline void tlb_l1_clear(struct tlb_entry *e)
{
	e->tag[TLB_READ] = e->tag[TLB_WRITE] = e->tag[TLB_EXEC] = TLB_NO_TAG;
}

/* Makes an empty table of fresh memory. Tag 0 is looked for in the first slot, by accesses to the first page, and in the
 * last, by those that wrap around to it: only there zero is not empty enough. */
static inline void tlb_l1_make(struct tlb_entry *table, u32 entries)
{
	tlb_l1_clear(&table[0]);
	tlb_l1_clear(&table[entries - 1]);
}

/* Takes entry @i out of its set and its list. tlb.c */
void tlb_l2_drop(struct tlb_internal *in, u32 i);
/* The entry of the page tables for @gva as a pte of a 4 KiB page, 0 if the hardware sees none;
 * *@slot is where accessed and dirty bits go. @psc: through the paging-structure cache. tlb.c */
u64 tlb_walk(struct tlb *t, struct mm_struct *mm, gva_t gva, bool psc, u64 **slot);

/* Of memory.code_pages: the page's. */
static inline u64 tlb_code_bit(gva_t gva)
{
	return ((gva >> PAGE_SHIFT) ^ (gva >> 30)) % TLB_CODE_BITS;
}

#endif

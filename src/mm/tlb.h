/* The translation look-aside buffer: two levels and a paging-structure cache.
 *
 *   L1   direct mapped, one table for each recent address space; the fast paths of cpu/ and
 *        uaccess.c look it up inline, so its entry is open. Layout: docs/adr/0001.
 *   L2   set associative, tagged by address-space id (asid), LRU within a set
 *   PSC  caches pmd table frames (level 2 walks start there)
 *
 * Not for: deciding what a guest may touch. That is the ptes' business alone; an entry here is
 * a copy of one pte and must go before, or together with, any change that takes rights away.
 *
 * This file is core code (reachable inside cpu_run): general registers only, no libc.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "base/types.h"

struct mm_struct;
struct memory;
struct page;

#define TLB_NO_TAG (~0UL) /* never equal to a page address */
/* Set in the tags under --check: no inline compare hits, so each access takes the slow path,
 * which walks the page tables again and compares. */
#define TLB_CHECK_BIT 0x800UL

enum tlb_access { TLB_READ, TLB_WRITE, TLB_EXEC };

/* One translation. A tag is the page's guest address, or TLB_NO_TAG where that access has to
 * go the slow way: write_tag also when the pte is clean or the frame holds cached code.
 * host pointer = gva + addend. Open because fast paths inline the look-up. */
struct tlb_entry {
	u64 tag[3]; /* by enum tlb_access: read, write, execute */
	u64 addend;
};

#define TLB_MOST_L1 16384U

/* A page that may be written, found by comparing an address with its bounds: for translated code, which keeps the
 * stack's here. An access of up to 8 << c bytes, @off bytes behind base, lies in it if off < limit[c]; all
 * 0: there is none. Goes with any entry of level 1 that goes, so it may be stricter than the table, never laxer. */
#define TLB_WINDOW_LIMITS 7
struct tlb_window {
	u64 base, addend;
	u64 limit[TLB_WINDOW_LIMITS];
};

/* What cpu/ knows about jumps of an address space: behind its table of level 1, so that who switches the space switches
 * this. Guest addresses and where their code is by cpu/'s hash, and which pages are where they were. Only cpu/ fills
 * and reads it; what takes a page of tlb_note_code() away, or gives the table to another space, makes it stale. */
#define TLB_JUMPS_LOG 12
#define TLB_JUMPS (1U << TLB_JUMPS_LOG)
#define TLB_PAGES 2048U
#define TLB_SEAMS 1024U /* more of them, by other numbers */
struct tlb_code {
	u64 rip[TLB_JUMPS], code[TLB_JUMPS];
	u8 page[TLB_PAGES + TLB_SEAMS];
	bool stale, used; /* used: it may hold something */
};

/* What --tlb L1,L2WxS chooses. Each a power of two; l2_ways 0: no second level. */
struct tlb_geometry {
	u32 l1_entries; /* 16 .. TLB_MOST_L1; the defaults are options_parse()'s (cli/options.c) */
	u32 l2_ways;	/* 0 .. 16 */
	u32 l2_sets;	/* 1 .. 4096 */
	bool check;	/* --check: walk the page tables at each hit and compare */
};

/* Counters, for /proc/vmstat's kin, --stats and the model in tests/mm/test_tlb.c. */
struct tlb_counters {
	u64 l1_hit[3]; /* by enum tlb_access */
	u64 l1_miss[3];
	u64 l2_hit;
	u64 l2_miss;
	u64 walk;	   /* page-table walks */
	u64 walk_psc_hit;  /* walks that began at a cached pmd table */
	u64 walk_fault;	   /* walks that ended in a fault */
	u64 flush_all;	   /* whole address space */
	u64 flush_range;   /* calls */
	u64 flush_entries; /* entries dropped by either */
};

/* One CPU's TLB. */
struct tlb {
	struct tlb_entry *l1; /* current address space's table; changed by tlb_switch() */
	u64 l1_mask;	      /* (l1_entries - 1) << 5: byte offset mask */
	struct tlb_counters count;
	struct mm_struct *mm;	 /* whose ptes walks read; NULL: none (kernel thread) */
	struct tlb_internal *in; /* mm/tlb.c's own: L2, PSC, tables of other spaces, fill logs */
	/* Told of each page, by its host address, that tlb_fill() lets somebody write to; NULL: nobody. */
	void (*on_write)(void *arg, void *page);
	void *on_write_arg;
	struct tlb_window stack; /* filled by translated code */
	bool check;
};

static inline void tlb_drop_window(struct tlb *t)
{
	for (unsigned i = 0; i < TLB_WINDOW_LIMITS; i++)
		t->stack.limit[i] = 0;
}

/* The error bits of a page fault, as the CPU pushes them. SDM vol. 3A, 4.7. */
#define PF_PROT 1U /* the page was present */
#define PF_WRITE 2U
#define PF_USER 4U
#define PF_INSTR 16U

static inline struct tlb_entry *tlb_l1_slot(const struct tlb *t, gva_t gva)
{
	return (struct tlb_entry *)((char *)t->l1 + ((gva >> (PAGE_SHIFT - 5)) & t->l1_mask));
}

/* Of the current space. */
static inline struct tlb_code *tlb_code(const struct tlb *t)
{
	return (struct tlb_code *)((char *)t->l1 + t->l1_mask + sizeof(struct tlb_entry));
}

/**
 * tlb_hit - host pointer for an access that the first level holds
 * @size: bytes, 1 .. 64; an access that crosses into another page never hits
 *
 * Return: true and *@host; false: call tlb_fill(). Counts hits only; tlb_fill counts the miss.
 */
static __always_inline_ bool tlb_hit(struct tlb *t, gva_t gva, unsigned size, enum tlb_access acc,
				     void **host)
{
	struct tlb_entry *e = tlb_l1_slot(t, gva);

	if (unlikely(((gva + size - 1) & PAGE_MASK) != e->tag[acc]))
		return false;
	t->count.l1_hit[acc]++;
	*host = (void *)(gva + e->addend);
	return true;
}

/* The same, by pointer: NULL on a miss. */
static __always_inline_ void *tlb_lookup(struct tlb *t, gva_t gva, unsigned size,
					 enum tlb_access acc)
{
	void *host;

	return tlb_hit(t, gva, size, acc, &host) ? host : NULL;
}

/**
 * tlb_fill - translate after an inline miss, filling both levels
 * @gva:  any address; only its page matters, so an access that crosses pages is translated
 *        by two calls, one for each page, lower page first
 * @acc:  kind of access
 * @host: where the host pointer for @gva itself goes
 * @user: bits of the error code to return beyond what is found (0 or PF_USER)
 *
 * Sets the accessed bit, and the dirty bit for a write, as the CPU's walker does. Never sleeps,
 * never allocates, changes no VMA. A write to a frame that holds cached code first calls the
 * notifier of memory.h (code_dirty), which drops that frame's code; then it succeeds. See tlb_open().
 *
 * Return: 0, or a page fault's error code with bit 31 set (TLB_FAULT): PF_PROT says whether the
 * page was present. Non-canonical addresses are cpu/'s business and must not come here;
 * kernel-half and >= TASK_SIZE addresses fault with PF_PROT set, as seen on Linux, and count
 * nothing. What level 1 holds all the same (half of an access that crosses pages, --check)
 * counts as a hit.
 */
u32 tlb_fill(struct tlb *t, gva_t gva, enum tlb_access acc, u32 user, void **host);
#define TLB_FAULT 0x80000000U

/**
 * tlb_open - the same, and how much is about to be stored is known
 * @size: bytes from @gva on, of which those in its page count. Only code that was decoded from them is dropped; if
 *        other code is left in the frame, the next store asks again. 0: nothing yet; no code is dropped, and a
 *        frame that has some gets no write tag.
 */
u32 tlb_open(struct tlb *t, gva_t gva, unsigned size, enum tlb_access acc, u32 user, void **host);
#define TLB_ANY_SIZE (~0U) /* any byte of the page */

/* Makes a CPU's TLB at boot, tables in a mapping of the host's, and enters it in mem->tlbs. Only
 * t->check is read before (--check). 0, -EINVAL (geometry, too many CPUs) or -ENOMEM. */
int tlb_init(struct tlb *t, struct memory *mem, const struct tlb_geometry *geo);
void tlb_destroy(struct tlb *t);
/* "256,8x128" -> geometry; 0 or -EINVAL, geo unchanged. */
int tlb_parse_geometry(const char *s, struct tlb_geometry *geo);

/* Makes @mm (NULL: nothing mapped) the address space that look-ups see; cheap. */
void tlb_switch(struct tlb *t, struct mm_struct *mm);

/* Drop what any TLB of the machine holds for @mm: pages [start, end), or all of it. Costs what
 * it drops. Must be called before the frames are freed and before control returns to the
 * guest. Also drops paging-structure entries that overlap (page tables may be freed after). */
void flush_tlb_range(struct mm_struct *mm, gva_t start, gva_t end);
void flush_tlb_page(struct mm_struct *mm, gva_t addr); /* keeps paging-structure entries */
void flush_tlb_mm(struct mm_struct *mm);
/* Only paging-structure entries of [start, end): tables are about to be freed that no pte is left in. */
void tlb_flush_psc(struct mm_struct *mm, gva_t start, gva_t end);
/* Forget @mm for good (its asid is reused): called by the last mmput. */
void tlb_forget_mm(struct mm_struct *mm);
/* The frame now holds cached code (or no longer): drop write tags that reach it. */
void tlb_protect_frame(struct memory *mem, struct page *page);

/* The next store to each page of the current space asks tlb_fill() again. */
void tlb_drop_write_tags(struct tlb *t);

/* From now on the struct tlb_code of a space is made stale when the page of @gva, of which that says where it is and
 * that it can be executed, may have changed there. Core. */
void tlb_note_code(struct memory *mem, gva_t gva);
/* All that a machine's CPUs have: the one behind @c, NULL: the first; NULL: no other. Core. */
struct tlb_code *tlb_next_code(struct memory *mem, const struct tlb_code *c);

/* Compares every valid entry of each level with the page tables; 0, or -EFAULT with a line
 * on the log that names the entry. */
int tlb_validate(struct tlb *t);

#endif

/* What the files of mm/ share and no other room includes. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/lru.h"
#include "mm/paging.h"
#include "mm/hugetlb.h"
#include "mm/slab.h"

#define FOLIO_BATCH 31

/* Pages that wait for a move between the LRU lists (lru.h); a reference each. */
struct folio_batch {
	u32 nr;
	struct page *pages[FOLIO_BATCH];
};

struct cpu_fbatches {
	struct folio_batch lru_add, lru_deactivate, lru_lazyfree, lru_activate;
	struct folio_batch mlock; /* the lower bits say for what: mlock.c */
};

/* memory.in: mm/'s own part of struct memory. Allocated and filled by memory_init(). */
struct mm_internal {
	/* Caches of the guest kernel's objects that mm/ makes. */
	struct kmem_cache *mm_struct;
	struct kmem_cache *vm_area_struct;
	struct kmem_cache *maple_node;	   /* made by vma_tree_init() */
	struct kmem_cache *anon_vma;	   /* made by rmap_init() */
	struct kmem_cache *anon_vma_chain; /* likewise */
	struct kmem_cache *radix_node;	   /* page cache */
	struct kmem_cache *shmem_inode;
	struct kmem_cache *numa_policy;	   /* made by mempolicy_init() */
	struct hstate hstates[NR_HSTATES]; /* pools of huge pages: hugetlb.c */
	struct cpu_fbatches fbatches[MAX_CPUS];
	u64 validate_skipped;	       /* mm_debug_validate() */
	u64 validate_seed;	       /* of the next sample: mm_debug_validate() */
	struct vmalloc_state *vmalloc; /* vmalloc.c; NULL: not used yet */
	struct ksm_state *ksm;	       /* ksm.c; likewise */
};

/* Boot, called by memory_init() after slab_init(); each makes its caches. 0 or -ENOMEM. */
int rmap_init(struct memory *m);
int vma_init(struct memory *m); /* mm_struct, vm_area_struct and, by vma_tree_init(), maple_node */
int vma_tree_init(struct memory *m);

/* --- ptes of a range (pgtable.c) --------------------------------------------------------- */

/* The first pte at or above *@addr whose table exists, with *@addr moved there; NULL: none below
 * @end. The ptes up to the end of that table follow it. */
pte_t *pte_next_table(const struct mm_struct *mm, gva_t *addr, gva_t end);
/* The pmd entry of @addr; NULL: a table above it is missing. */
u64 *pmd_offset(const struct mm_struct *mm, gva_t addr);
/* The same, making the tables above it; NULL: out of memory. */
u64 *pmd_alloc(struct mm_struct *mm, gva_t addr);
/* The table of @addr below the root, if that of @like leads any further. 0 or -ENOMEM. */
int pud_alloc_like(struct mm_struct *mm, gva_t addr, gva_t like);
/* The tables of @addr above the last level, as far down as @like has them. 0 or -ENOMEM. */
int pmd_alloc_like(struct mm_struct *mm, const struct mm_struct *like, gva_t addr);

/* --- rights ------------------------------------------------------------------------------ */

/* Does a first store to a clean page have to be noticed (page_mkwrite)? */
static inline bool vma_wants_writenotify(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) && vma->vm_ops &&
	       (vma->vm_ops->page_mkwrite || (vma->vm_flags & VM_UFFD_WP));
}

/* The bits of a fresh pte of @vma (Linux: vm_page_prot). Private pages are read-only in it:
 * who knows that the page is the area's own adds _PAGE_RW. */
static inline u64 vma_page_prot(const struct vm_area_struct *vma)
{
	u64 prot = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;

	if (!(vma->vm_flags & VM_ACCESS_FLAGS))
		return _PAGE_PROTNONE | _PAGE_ACCESSED;
	if (!(vma->vm_flags & VM_EXEC))
		prot |= _PAGE_NX;
	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) &&
	    !vma_wants_writenotify(vma))
		prot |= _PAGE_RW;
	return prot;
}

/* May the pte, whose page is there, be writable at once, or does a first store have to fault?
 * (pterange.c) */
bool can_change_pte_writable(const struct vm_area_struct *vma, pte_t pte);

/* Do accesses through @vma say that a page will be needed again? */
static inline bool vma_has_recency(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_SEQ_READ | VM_RAND_READ));
}

/* Private, and may be or become writable. */
static inline bool is_cow_mapping(vm_flags_t flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* --- pages behind ptes ------------------------------------------------------------------- */

/* The counted page behind a present pte; NULL: the zero page, a raw frame (vvar). */
static inline struct page *vm_normal_page(const struct memory *m, pte_t pte)
{
	return pte_special(pte) ? NULL : pfn_to_page(m, pte_pfn(pte));
}

static inline enum rss_kind mm_counter_file(const struct page *page)
{
	return page_test(page, PG_swapbacked) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

static inline enum rss_kind mm_counter(const struct page *page)
{
	return PageAnon(page) ? MM_ANONPAGES : mm_counter_file(page);
}

static inline u64 get_mm_rss(const struct mm_struct *mm)
{
	return mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES] + mm->rss[MM_SHMEMPAGES];
}

/* A fault was served, for whoever runs. */
static inline void count_task_fault(struct mm_struct *mm, bool major)
{
	struct fault_counts *f = mm->mem->faults;

	if (major)
		mm->maj_flt++;
	else
		mm->min_flt++;
	if (!f)
		return;
	if (major)
		f->maj_flt++;
	else
		f->min_flt++;
}

/* Before rss shrinks. */
static inline void update_hiwater_rss(struct mm_struct *mm)
{
	mm->hiwater_rss = max(mm->hiwater_rss, get_mm_rss(mm));
}

/* One more mapping of an anonymous page that its anon_vma knows (fork). */
static inline void page_dup_anon_rmap(struct page *page)
{
	VM_BUG_ON(page->mapcount <= 0);
	page->mapcount++;
}

/* The last owner takes a page over: its rmap is @vma's own anon_vma from now on. */
void page_move_anon_rmap(struct page *page, struct vm_area_struct *vma);

/* Drops @page, of a cache, if it is clean and nobody else's. */
void filemap_drop_clean(struct page *page);
/* @page is in its cache and no pte maps it: the cache's reference goes (filemap.c). */
void filemap_remove_page(struct page *page);
/* Brings a dirty page of a file to the host. 0 or -errno: it is dirty still. */
int filemap_write_page(struct page *page);

/* MADV_POPULATE_READ, _WRITE: rights are checked. 0, -EFAULT (a fault that a task would have got a
 * signal for), -ENOMEM; *@at is how far it came. -EAGAIN: it slept, look the area up again
 * (populate.c). */
int faultin_page_range(struct vm_area_struct *vma, gva_t *at, gva_t end, bool write);

/* The area of @addr; a stack below which it lies is grown first. NULL: none (fault.c). */
struct vm_area_struct *find_extend_vma(struct mm_struct *mm, gva_t addr);

/* --- TLB, validation --------------------------------------------------------------------- */
int filemap_init(struct memory *m); /* and m->mappings; calls shmem_init() */
int shmem_init(struct memory *m);

/* Forgets the pmd tables that any TLB knows for [start, end): tables are about to be freed. */
void tlb_flush_psc(struct mm_struct *mm, gva_t start, gva_t end);

/* The part of memory_validate() that is about address spaces: each mm of mm_list, map counts
 * over all of them, every CPU's TLB. 0 or -EFAULT, each violation on the log. */
int memory_validate_mms(struct memory *m);

#endif

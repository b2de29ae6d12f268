/* What the files of mm/ share and no other room includes: mm/'s part of struct memory, and small questions
 * about areas, ptes and pages that many of them ask.
 *
 * Not for: the contract of a file, which is in its own header; VMAs being changed (vma_internal.h).
 */
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
	struct ksm_state *ksm;	       /* ksm.c; set once, by ksm_init() */
};

static inline struct cpu_fbatches *this_cpu_fbatches(const struct memory *m)
{
	return &m->in->fbatches[smp_processor_id()];
}

/* Boot, called by memory_init() after slab_init(); each makes its caches. 0 or -ENOMEM. */
int vma_init(struct memory *m);
int vma_tree_init(struct memory *m);
int mempolicy_init(struct memory *m);
int rmap_init(struct memory *m);
int filemap_init(struct memory *m);
int shmem_init(struct memory *m);
int ksm_init(struct memory *m);
/* One of those caches, into *@cache. 0 or -ENOMEM. */
int mm_cache_create(struct memory *m, struct kmem_cache **cache, const char *name, unsigned size,
		    u32 flags);

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

/* The tracepoint kmem:rss_stat: what a counter is now. (mm_struct.c) */
void trace_rss_stat(const struct mm_struct *mm, enum rss_kind kind);

static inline enum rss_kind mm_counter_file(const struct page *page)
{
	return page_test(page, PG_swapbacked) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

static inline enum rss_kind mm_counter(const struct page *page)
{
	return PageAnon(page) ? MM_ANONPAGES : mm_counter_file(page);
}

/* Who maps or unmaps a counted page says so here, and nowhere else: an rss counter changes. */
static inline void add_mm_counter(struct mm_struct *mm, enum rss_kind kind, s64 nr)
{
	mm->rss[kind] += nr;
	if (unlikely(mm->mem->trace))
		trace_rss_stat(mm, kind);
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

#endif

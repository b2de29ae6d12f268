/* Page tables at work: making and walking them, faults, and the operations on ranges of ptes.
 *
 *   pgtable.c    tables: made, freed, visited        zap.c        pages taken out of a range
 *   fault.c      one page becomes present            pterange.c   rights changed, ptes moved, copied
 *   populate.c   the same for a range, on purpose
 *
 * A pte pointer is good until something sleeps, or frees tables. Not for: what a pte's bits mean
 * (pgtable.h); copies of them (tlb.h); which areas there are (vma.h).
 */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include "mm/mm.h"

/* --- pgtable.c: tables ----------------------------------------------------------------------- */

/* An empty table of any level, counted in nr_page_table_pages; NULL: out of memory. May reclaim. */
u64 *pagetable_alloc(struct memory *m);
/* Frees a table that nothing leads to any more; of what is below, free_pgtables() took care. */
void pagetable_free(struct memory *m, u64 *table);

/* The pmd table of @addr; NULL: it, or the one above, is missing. Inline because core code (tlb.c) walks
 * here, too. */
static inline u64 *pmd_table(const struct mm_struct *mm, gva_t addr)
{
	u64 entry = mm->pgd[table_index(addr, PGDIR_SHIFT)];

	if (!(entry & _PAGE_PRESENT))
		return NULL;
	entry = entry_table(mm->mem, entry)[table_index(addr, PUD_SHIFT)];
	return entry & _PAGE_PRESENT ? entry_table(mm->mem, entry) : NULL;
}

/* The pmd entry, the pte, of @addr; NULL: a table above it is missing. Never allocates. */
u64 *pmd_offset(const struct mm_struct *mm, gva_t addr);
pte_t *pte_offset(const struct mm_struct *mm, gva_t addr);
/* The same, making tables as needed; NULL: out of memory, and tables made so far stay. May reclaim. */
u64 *pmd_alloc(struct mm_struct *mm, gva_t addr);
pte_t *pte_alloc(struct mm_struct *mm, gva_t addr);
/* The table of @addr below the root, if that of @like leads any further. 0 or -ENOMEM. */
int pud_alloc_like(struct mm_struct *mm, gva_t addr, gva_t like);
/* The tables of @addr above the last level, as far down as @like has them. 0 or -ENOMEM. */
int pmd_alloc_like(struct mm_struct *mm, const struct mm_struct *like, gva_t addr);

/* Frees the tables that [start, end) alone used; floor and ceiling (0: none): the neighbours' bounds, tables
 * they share stay. No pte of the range is left, and the TLB was flushed.
 * See: Linux, mm/memory.c, free_pgd_range(). */
void free_pgtables(struct mm_struct *mm, gva_t start, gva_t end, gva_t floor, gva_t ceiling);
/* Frees the last-level table of @addr if nothing is in it. */
void pte_table_drop_empty(struct mm_struct *mm, gva_t addr);

/* The first pte at or above *@addr whose table exists, with *@addr moved there; NULL: none below
 * @end. The ptes up to the end of that table follow it. */
pte_t *pte_next_table(const struct mm_struct *mm, gva_t *addr, gva_t end);
/* Calls @fn for each non-empty pte of [start, end), skipping missing tables quickly. 0, or what @fn said when
 * it was not 0, which ends the walk. @fn may change its pte, but no table. */
int walk_page_range(struct mm_struct *mm, gva_t start, gva_t end,
		    int (*fn)(pte_t *pte, gva_t addr, void *arg), void *arg);

/* --- fault.c: one page ----------------------------------------------------------------------- */

/* How an access asks. Names and meaning are Linux's, the numbers are not. */
#define FAULT_FLAG_WRITE 1U
#define FAULT_FLAG_USER 2U
#define FAULT_FLAG_INSTRUCTION 4U
#define FAULT_FLAG_REMOTE 8U	   /* not the current task's access: ptrace, /proc/PID/mem */
#define FAULT_FLAG_FORCE 16U	   /* FOLL_FORCE */
#define FAULT_FLAG_UNSHARE 32U	   /* a copy of a page that COW shares, without a store */
#define FAULT_FLAG_ALLOW_RETRY 64U /* it may sleep; the caller looks everything up again */
#define FAULT_FLAG_TRIED 128U	   /* it has slept before */

/* How it was served. */
#define VM_FAULT_OOM 0x1U
#define VM_FAULT_SIGBUS 0x2U
#define VM_FAULT_MAJOR 0x4U	/* the owner of the file was asked */
#define VM_FAULT_HWPOISON 0x10U /* UFFDIO_POISON */
#define VM_FAULT_SIGSEGV 0x40U
#define VM_FAULT_NOPAGE 0x100U /* the pte is there, or the access is to be tried again */
#define VM_FAULT_RETRY 0x400U  /* it slept: the area may be gone */
#define VM_FAULT_INTR 0x10000U /* with RETRY: a signal ended the sleep */
#define VM_FAULT_ERROR (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON)

/* One fault on its way, on its server's stack. */
struct vm_fault {
	struct vm_area_struct *vma; /* set once, as all up to flags */
	gva_t address;		    /* page aligned */
	gva_t real_address;	    /* as the access had it */
	u64 pgoff;		    /* of address: linear_page_index() */
	unsigned flags;		    /* FAULT_FLAG_* */
	pte_t *pte;		    /* of address; may be stale after anything that sleeps */
	struct page *page;	    /* out: from vm_ops->fault, with a reference */
	unsigned majmin;	    /* VM_FAULT_MAJOR if the host was asked */
};

/**
 * handle_mm_fault - make one page present for an access that @vma allows
 * @address: any byte of the page, inside @vma
 * @flags:   FAULT_FLAG_*; with ALLOW_RETRY it may sleep, without it what would sleep is VM_FAULT_SIGBUS
 *
 * Counts pgfault and, when it was served, min_flt or maj_flt. May reclaim, may ask the host.
 *
 * Return: VM_FAULT_*: one of VM_FAULT_ERROR, and nothing has changed; VM_FAULT_RETRY: look the area up again;
 * else the page is there, or the access may be tried again.
 * See: Linux, mm/memory.c.
 */
unsigned handle_mm_fault(struct vm_area_struct *vma, gva_t address, unsigned flags);

/* For vm_ops->map_pages: maps @page, which is up to date, read-only or as the area's sharing
 * allows, at @addr (inside vmf->vma and the page table of vmf->address) if nothing is there
 * yet; takes its own reference, counts map and rss. False when a pte was there already. */
bool set_pte_range(struct vm_fault *vmf, struct page *page, gva_t addr);
/* For special mappings: maps frame @pfn at @addr without accounting (vvar), if nothing is there yet.
 * VM_FAULT_NOPAGE or VM_FAULT_OOM. */
unsigned vmf_insert_pfn(struct vm_area_struct *vma, gva_t addr, pfn_t pfn);

/* The area of @addr; a stack below which it lies is grown first. NULL: none, or it cannot grow so far. */
struct vm_area_struct *find_extend_vma(struct mm_struct *mm, gva_t addr);

/* What a failed fault becomes. */
struct fault_signal {
	int signo;	/* SIGSEGV, SIGBUS, with @oom SIGKILL; 0: the fault was served */
	int code;	/* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
	gva_t addr;	/* si_addr and cr2 */
	u32 error_code; /* as the signal frame reports it */
	bool oom;	/* no memory: the task is to be killed */
	bool major;
};

/**
 * do_user_addr_fault - serve a #PF: find the area, grow the stack, check rights, fault in
 * @addr:       any address, as cr2 has it
 * @error_code: PF_* as the CPU pushed it; without PF_USER: the kernel copies for the task
 * @sig:        out: signo 0: restart the instruction, or the copy; else the signal to be sent
 *
 * Counts as handle_mm_fault() does. May sleep (userfaultfd, an OOM victim); a signal ends that: in user mode
 * as if the fault had been served, in a copy as a SIGBUS.
 * See: Linux, arch/x86/mm/fault.c; SDM vol. 3A, 4.7.
 */
void do_user_addr_fault(struct mm_struct *mm, gva_t addr, u32 error_code, struct fault_signal *sig);
/* A fault that may sleep found no memory. True: somebody who had too much is gone, try again; false: the task
 * itself is to die. May sleep, unless pagefault_disable()d (then false). */
bool pagefault_out_of_memory(struct memory *m);

/* --- populate.c: ranges, without an access ---------------------------------------------------- */

/* Faults in [start, end) of @vma as mlock and mprotect do: writes where the area is private and writable
 * (shared: reads, as Linux does). Pages done, or -errno for the first: -EFAULT, -ENOMEM. May reclaim, may
 * ask the host. See: Linux, mm/gup.c. */
long populate_vma_page_range(struct vm_area_struct *vma, gva_t start, gva_t end);
/* The same for all areas of the range; holes, VM_IO and VM_PFNMAP areas are passed over. 0, or the first error
 * if not @ignore (MAP_POPULATE). May sleep. */
int mm_populate(struct mm_struct *mm, gva_t start, u64 len, bool ignore);
/* MADV_POPULATE_READ, _WRITE for part of an area, whose rights are checked. *@at, where to begin, is how far it
 * came. 0; -EFAULT (a fault that a task would have got a signal for), -EHWPOISON, -ENOMEM; -EAGAIN: it slept,
 * look the area up again. */
int faultin_page_range(struct vm_area_struct *vma, gva_t *at, gva_t end, bool write);

/* --- zap.c: pages go ------------------------------------------------------------------------- */

/* Takes the pages of [start, end), page aligned, out of the page tables (of all areas there); ptes become
 * none, map and rss counts follow, dirty bits go to their pages, frames are freed after the TLB flush. For
 * areas that go: guard markers go, too. */
void zap_page_range(struct mm_struct *mm, gva_t start, gva_t end);
/* The same for areas that stay: so do their guard markers. */
void zap_vma_pages(struct mm_struct *mm, gva_t start, gva_t end);
/* Unmaps pages [first, first + nr) of @mapping (nr 0: to the end) in every mm: truncate. @even_cows: private
 * copies as well. The pages stay in the cache. See: Linux, unmap_mapping_pages(). */
void unmap_mapping_range(struct address_space *mapping, u64 first, u64 nr, bool even_cows);

/* --- pterange.c: ptes are changed, moved, copied ---------------------------------------------- */

/* May the pte, whose page is there, be writable at once, or does a first store have to fault? */
bool can_change_pte_writable(const struct vm_area_struct *vma, pte_t pte);
/* Gives present ptes of [start, end) the rights that @vma now has; flushes those that lose some. */
void change_protection(struct vm_area_struct *vma, gva_t start, gva_t end);
/* Moves the ptes of [old_addr, old_addr + len) of @vma to @new_addr, where none is; tables made as needed, the
 * old range flushed. Bytes moved: less than @len when there was no memory for a table. Where the areas lie
 * the caller says. See: Linux, mm/mremap.c. */
u64 move_page_tables(struct vm_area_struct *vma, gva_t old_addr, struct vm_area_struct *new_vma,
		     gva_t new_addr, u64 len);
/* fork: copies the ptes of @src to @dst, its copy in the child, as Linux does (COW; shared file areas left to
 * fault). 0 or -ENOMEM: what was copied stays, for the child's exit. */
int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src);

#endif

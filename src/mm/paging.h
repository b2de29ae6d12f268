/* Page tables at work: faults, and the operations on ranges of ptes. */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include "mm/mm.h"

/* --- pgtable.c: walking ---------------------------------------------------------------- */

/* The pte of @addr, or NULL when a table is missing. Never allocates. Core code. */
pte_t *pte_offset(const struct mm_struct *mm, gva_t addr);
/* The same, making tables as needed; NULL: out of memory. */
pte_t *pte_alloc(struct mm_struct *mm, gva_t addr);
u64 *pgd_alloc(struct memory *m);
/* Frees an empty root table (free_pgtables() took what was below). */
void pgd_free(struct memory *m, u64 *pgd);
/* Frees the tables that [start, end) alone used; floor and ceiling: the neighbours' bounds,
 * tables they share stay. Caller flushed the TLB. */
void free_pgtables(struct mm_struct *mm, gva_t start, gva_t end, gva_t floor, gva_t ceiling);
/* Frees the last-level table of @addr if nothing is in it. */
void pte_table_drop_empty(struct mm_struct *mm, gva_t addr);

/* Calls @fn for each non-empty pte of [start, end), skipping missing tables quickly; stops and
 * returns when @fn returns non-zero. */
int walk_page_range(struct mm_struct *mm, gva_t start, gva_t end,
		    int (*fn)(pte_t *pte, gva_t addr, void *arg), void *arg);

/* --- fault.c -------------------------------------------------------------------------- */

#define FAULT_FLAG_WRITE 1U
#define FAULT_FLAG_USER 2U
#define FAULT_FLAG_INSTRUCTION 4U
#define FAULT_FLAG_REMOTE 8U	   /* not the current task's access: ptrace, /proc/PID/mem */
#define FAULT_FLAG_FORCE 16U	   /* FOLL_FORCE */
#define FAULT_FLAG_ALLOW_RETRY 64U /* it may sleep; the caller looks everything up again */
#define FAULT_FLAG_TRIED 128U	   /* it has slept before */
#define FAULT_FLAG_UNSHARE 32U	   /* a copy of a page that COW shares, without a store */

#define VM_FAULT_OOM 0x1U
#define VM_FAULT_SIGBUS 0x2U
#define VM_FAULT_MAJOR 0x4U
#define VM_FAULT_HWPOISON 0x10U /* UFFDIO_POISON */
#define VM_FAULT_SIGSEGV 0x40U
#define VM_FAULT_NOPAGE 0x100U
#define VM_FAULT_RETRY 0x400U
#define VM_FAULT_INTR 0x10000U /* with RETRY: a signal ended the sleep */
#define VM_FAULT_ERROR (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON)

struct vm_fault {
	struct vm_area_struct *vma;
	gva_t address; /* page aligned */
	gva_t real_address;
	u64 pgoff;
	unsigned flags;	   /* FAULT_FLAG_* */
	pte_t *pte;	   /* of address; may be stale after anything that sleeps */
	struct page *page; /* out: from vm_ops->fault, with a reference */
	unsigned majmin;   /* VM_FAULT_MAJOR if the host was asked */
};

/* handle_mm_fault - make one page present for an access that @vma allows. VM_FAULT_* . */
unsigned handle_mm_fault(struct vm_area_struct *vma, gva_t address, unsigned flags);

/* For vm_ops->map_pages: maps @page, which is up to date, read-only or as the area's sharing
 * allows, at @addr (inside vmf->vma and the page table of vmf->address) if nothing is there
 * yet; takes its own reference, counts map and rss. False when a pte was there already. */
bool set_pte_range(struct vm_fault *vmf, struct page *page, gva_t addr);
/* For special mappings: maps frame @pfn at @addr without accounting (vvar). VM_FAULT_NOPAGE or
 * VM_FAULT_OOM. */
unsigned vmf_insert_pfn(struct vm_area_struct *vma, gva_t addr, pfn_t pfn);

/* What a failed fault becomes. */
struct fault_signal {
	int signo;	/* SIGSEGV, SIGBUS, with @oom SIGKILL; 0: the fault was served */
	int code;	/* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
	gva_t addr;	/* si_addr and cr2 */
	u32 error_code; /* as the signal frame reports it */
	bool oom;	/* no memory: the task is to be killed */
	bool major;
};

/* do_user_addr_fault - serve a #PF at @addr: find the area, grow the stack, check rights, fault
 * in. @error_code as the CPU pushed it. Counts pgfault, min_flt and maj_flt as Linux does (not
 * when it ends in a signal). May read host files. @sig->signo 0: restart the instruction. */
void do_user_addr_fault(struct mm_struct *mm, gva_t addr, u32 error_code, struct fault_signal *sig);
/* A fault that may sleep found no memory: true: somebody who had too much is gone, try again. */
bool pagefault_out_of_memory(struct memory *m);

/* Takes the pages of [start, end) out of the page tables (of all areas there); ptes become
 * none, map and rss counts follow, frames are freed after the TLB flush. For areas that go: guard
 * markers go, too. */
void zap_page_range(struct mm_struct *mm, gva_t start, gva_t end);
/* The same for areas that stay: so do their guard markers. */
void zap_vma_pages(struct mm_struct *mm, gva_t start, gva_t end);
/* Gives present ptes of [start, end) the rights that @vma now has. */
void change_protection(struct vm_area_struct *vma, gva_t start, gva_t end);
/* Moves ptes; tables made as needed. The number of bytes moved (less than len: no memory). */
u64 move_page_tables(struct vm_area_struct *vma, gva_t old_addr, struct vm_area_struct *new_vma,
		     gva_t new_addr, u64 len);
/* Faults in [start, end) as MAP_POPULATE and mlock do: writes where the area is private and
 * writable (shared: reads as Linux does). Pages done or -errno. */
long populate_vma_page_range(struct vm_area_struct *vma, gva_t start, gva_t end);
/* All areas of the range, errors ignored (MAP_POPULATE) when @ignore. 0 or -errno. */
int mm_populate(struct mm_struct *mm, gva_t start, u64 len, bool ignore);
/* Unmaps pages of @mapping from @first on (nr pages; 0: to the end) in every mm: truncate. @even_cows:
 * private copies as well. */
void unmap_mapping_range(struct address_space *mapping, u64 first, u64 nr, bool even_cows);
/* fork: copies the ptes of @src to @dst as Linux does (COW; shared file areas left to fault).
 * 0 or -ENOMEM. */
int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src);

#endif

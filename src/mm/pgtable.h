/* Four-level page tables in guest frames, entries bit-exact x86-64. SDM vol. 3A, 4.5.
 *
 *   pgd (cr3) -> pud -> pmd -> pte       9 bits of the address each; one frame each
 *
 * Nothing but these entries decides what the guest may touch. Frame numbers are the guest's.
 * An entry with both PRESENT and PROTNONE clear is software's: a swap entry, or a marker.
 *
 *   63 .. 59  type      31: a marker, whose offset says which; lower: swap areas, later
 *   58 .. 14  ~offset   inverted, as in Linux (L1TF)
 *
 * Not for: walking and changing tables (paging.h).
 */
#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

#include "mm/page.h"

typedef struct {
	u64 pte;
} pte_t;

#define _PAGE_PRESENT BIT(0)
#define _PAGE_RW BIT(1)
#define _PAGE_USER BIT(2)
#define _PAGE_PWT BIT(3)
#define _PAGE_PCD BIT(4)
#define _PAGE_ACCESSED BIT(5)
#define _PAGE_DIRTY BIT(6)
#define _PAGE_PSE BIT(7)    /* pmd, pud: a large page */
#define _PAGE_GLOBAL BIT(8) /* with PRESENT clear: PROTNONE, as in Linux */
#define _PAGE_PROTNONE _PAGE_GLOBAL
#define _PAGE_SPECIAL BIT(9) /* no struct page accounting: zero page, vvar */
#define _PAGE_UFFD_WP BIT(10)
#define _PAGE_SOFT_DIRTY BIT(11)
#define _PAGE_NX BIT(63)
#define PTE_PFN_MASK 0x000ffffffffff000UL

#define PGDIR_SHIFT 39
#define PUD_SHIFT 30
#define PMD_SHIFT 21
#define PMD_SIZE BIT(PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))
#define PTRS_PER_TABLE 512

static inline bool pte_none(pte_t p)
{
	return !p.pte;
}

/* What the kernel writes into the upper levels: all rights; the pte decides. */
#define _PAGE_TABLE (_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
/* What a change of rights keeps. */
#define _PAGE_CHG_MASK                                                                             \
	(PTE_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL | _PAGE_UFFD_WP |             \
	 _PAGE_SOFT_DIRTY)

/* Slot of @addr in a table whose entries each cover 1 << shift bytes. */
static inline u64 table_index(gva_t addr, unsigned shift)
{
	return (addr >> shift) & (PTRS_PER_TABLE - 1);
}

/* Host address of the table that a present upper-level entry points to. */
static inline u64 *entry_table(const struct memory *m, u64 entry)
{
	return pfn_to_virt(m, (entry & PTE_PFN_MASK) >> PAGE_SHIFT);
}

/* Present to the kernel: also PROT_NONE pages, which the hardware sees as not present. */
static inline bool pte_present(pte_t p)
{
	return p.pte & (_PAGE_PRESENT | _PAGE_PROTNONE);
}

static inline bool pte_write(pte_t p)
{
	return p.pte & _PAGE_RW;
}

static inline bool pte_dirty(pte_t p)
{
	return p.pte & _PAGE_DIRTY;
}

static inline bool pte_young(pte_t p)
{
	return p.pte & _PAGE_ACCESSED;
}

static inline bool pte_special(pte_t p)
{
	return p.pte & _PAGE_SPECIAL;
}

static inline pfn_t pte_pfn(pte_t p)
{
	return (p.pte & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static inline pte_t pfn_pte(pfn_t pfn, u64 prot)
{
	return (pte_t){(pfn << PAGE_SHIFT) | prot};
}

/* --- swap entries and markers -------------------------------------------------------------- */

#define SWP_TYPE_SHIFT 59
#define SWP_OFFSET_SHIFT 14
#define SWP_PTE_MARKER 31UL
#define PTE_MARKER_UFFD_WP BIT(0)  /* the page that comes is write-protected (userfaultfd) */
#define PTE_MARKER_POISONED BIT(1) /* any access is SIGBUS (UFFDIO_POISON) */
#define PTE_MARKER_GUARD BIT(2)	   /* MADV_GUARD_INSTALL: any access is SIGSEGV */

static inline pte_t swp_entry_pte(u64 type, u64 offset)
{
	return (pte_t){type << SWP_TYPE_SHIFT |
		       (~offset << SWP_OFFSET_SHIFT & (BIT(SWP_TYPE_SHIFT) - 1))};
}

/* Neither empty nor a page. */
static inline bool is_swap_pte(pte_t p)
{
	return !pte_none(p) && !pte_present(p);
}

static inline u64 swp_type(pte_t p)
{
	return p.pte >> SWP_TYPE_SHIFT;
}

static inline u64 swp_offset(pte_t p)
{
	return (~p.pte & (BIT(SWP_TYPE_SHIFT) - 1)) >> SWP_OFFSET_SHIFT;
}

/* Of a swap entry or a marker: userfaultfd's protection besides. */
#define _PAGE_SWP_UFFD_WP BIT(2)

static inline bool is_guard_pte(pte_t p)
{
	return (p.pte & ~_PAGE_SWP_UFFD_WP) == swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_GUARD).pte;
}

static inline bool pte_swp_uffd_wp(pte_t p)
{
	return is_swap_pte(p) && (p.pte & _PAGE_SWP_UFFD_WP);
}

static inline bool is_pte_marker(pte_t p, u64 which)
{
	return is_swap_pte(p) && swp_type(p) == SWP_PTE_MARKER && (swp_offset(p) & which);
}

static inline bool is_uffd_wp_marker(pte_t p)
{
	return is_pte_marker(p, PTE_MARKER_UFFD_WP);
}

/* What userfaultfd may write over. */
static inline bool is_uffd_marker(pte_t p)
{
	return is_pte_marker(p, PTE_MARKER_UFFD_WP | PTE_MARKER_POISONED);
}

static inline bool pte_uffd_wp(pte_t p)
{
	return p.pte & _PAGE_UFFD_WP;
}

#endif

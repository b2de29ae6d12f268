/* Changing, moving and copying the ptes of a range: mprotect, mremap, fork. */
#include "base/err.h"
#include "mm/internal.h"
#include "mm/ksm.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"

/* --- mprotect ---------------------------------------------------------------------------- */

bool can_change_pte_writable(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page;

	if (pte_uffd_wp(pte))
		return false;
	if (vma->vm_flags & VM_SHARED) /* write-notify: whoever is dirty was noticed */
		return pte_dirty(pte);
	page = vm_normal_page(vma->vm_mm->mem, pte);
	return page && PageAnon(page) && page_test(page, PG_anon_exclusive);
}

/* Does @old let the CPU do anything that @new does not? */
static bool rights_shrink(pte_t old, pte_t new)
{
	return (old.pte & ~new.pte &(_PAGE_PRESENT | _PAGE_RW)) || (new.pte & ~old.pte &_PAGE_NX);
}

void change_protection(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	u64 prot = vma_page_prot(vma);
	bool try_write = (vma->vm_flags & VM_WRITE) && !(prot & _PAGE_RW);
	gva_t flush_start = 0, flush_end = 0;
	pte_t *p;

	while ((p = pte_next_table(vma->vm_mm, &start, end))) {
		gva_t stop = min((start & PMD_MASK) + PMD_SIZE, end);

		for (; start < stop; start += PAGE_SIZE, p++) {
			pte_t old = *p, new;

			if (!pte_present(old))
				continue;
			new.pte = (old.pte & _PAGE_CHG_MASK) | (prot & ~_PAGE_CHG_MASK);
			if (pte_uffd_wp(new))
				new.pte &= ~_PAGE_RW;
			if (try_write && can_change_pte_writable(vma, new))
				new.pte |= _PAGE_RW;
			*p = new;
			if (rights_shrink(old, new)) {
				if (!flush_end)
					flush_start = start;
				flush_end = start + PAGE_SIZE;
			}
		}
	}
	if (flush_end)
		flush_tlb_range(vma->vm_mm, flush_start, flush_end);
}

/* --- mremap ------------------------------------------------------------------------------ */

/* Moves a whole page table if both sides are aligned to it and nothing is in the new place. */
static bool move_normal_pmd(struct mm_struct *mm, gva_t old, gva_t new)
{
	u64 *from = pmd_offset(mm, old), *to;

	to = pmd_alloc(mm, new);
	if (!to || (*to & _PAGE_PRESENT))
		return false;
	*to = *from;
	*from = 0;
	return true;
}

/* What userfaultfd's protection leaves when it ends. */
static pte_t without_uffd_wp(pte_t pte)
{
	if (pte_present(pte))
		pte.pte &= ~_PAGE_UFFD_WP;
	else if (is_uffd_wp_marker(pte))
		pte.pte = 0;
	return pte;
}

u64 move_page_tables(struct vm_area_struct *vma, gva_t old_addr, struct vm_area_struct *new_vma,
		     gva_t new_addr, u64 len)
{
	struct mm_struct *mm = vma->vm_mm;
	gva_t addr = old_addr, end = old_addr + len;
	bool drop_wp = vma_has_uffd_without_event_remap(vma);
	pte_t *from, *to;

	VM_BUG_ON(new_vma->vm_mm != mm);
	/* Linux makes tables for the new place as far down as the old place has them. */
	if (pud_alloc_like(mm, new_addr, old_addr))
		return 0;
	while ((from = pte_next_table(mm, &addr, end))) {
		gva_t dst = new_addr + (addr - old_addr), stop;

		stop = min((addr & PMD_MASK) + PMD_SIZE, end);
		if (!((addr | dst) & ~PMD_MASK) && stop - addr == PMD_SIZE && !drop_wp &&
		    move_normal_pmd(mm, addr, dst)) {
			addr = stop;
			continue;
		}
		/* To the end of the nearer table's range. */
		stop = min(stop, addr + (PMD_SIZE - (dst & ~PMD_MASK)));
		to = pte_alloc(mm, dst);
		if (!to) {
			flush_tlb_range(mm, old_addr, addr);
			return addr - old_addr;
		}
		for (; addr < stop; addr += PAGE_SIZE, from++, to++) {
			if (pte_none(*from))
				continue;
			VM_BUG_ON(!pte_none(*to));
			*to = drop_wp ? without_uffd_wp(*from) : *from;
			from->pte = 0;
		}
	}
	flush_tlb_range(mm, old_addr, end);
	return len;
}

/* --- fork -------------------------------------------------------------------------------- */

/* Can the child find everything by faulting? Only private copies, and raw frames, it cannot. */
static bool vma_needs_copy(const struct vm_area_struct *dst, const struct vm_area_struct *src)
{
	return userfaultfd_wp(dst) || (src->vm_flags & (VM_PFNMAP | VM_MAYBE_GUARD)) ||
	       src->anon_vma;
}

/* The child's pte for a present one of @src, which loses its write right if the page is shared
 * by copy-on-write from now on. */
static pte_t copy_present_pte(struct vm_area_struct *dst, struct vm_area_struct *src,
			      pte_t *src_pte)
{
	struct page *page = vm_normal_page(src->vm_mm->mem, *src_pte);
	pte_t pte;

	if (page) {
		get_page(page);
		if (PageAnon(page)) {
			page_dup_anon_rmap(page);
			page_clear(page, PG_anon_exclusive);
		} else {
			page_add_file_rmap(page, dst);
		}
		add_mm_counter(dst->vm_mm, mm_counter(page), 1);
	}
	if (!page && unlikely(src->vm_mm->ksm_zero_pages) &&
	    is_ksm_zero_pte(src->vm_mm->mem, *src_pte)) {
		dst->vm_mm->ksm_zero_pages++;
		dst->vm_mm->mem->ksm_zero_pages++;
	}
	if (is_cow_mapping(src->vm_flags))
		src_pte->pte &= ~_PAGE_RW;
	pte = *src_pte;
	if (src->vm_flags & VM_SHARED)
		pte.pte &= ~_PAGE_DIRTY;
	pte.pte &= ~_PAGE_ACCESSED;
	return pte;
}

int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	gva_t addr = src->vm_start, end = src->vm_end, stop;
	pte_t *from, *to;
	int err = 0;

	if (!vma_needs_copy(dst, src))
		return 0;
	/* A table for a table, even if this area has nothing in it. */
	for (; !err && addr < end; addr = (addr & ~(BIT(PUD_SHIFT) - 1)) + BIT(PUD_SHIFT))
		err = pmd_alloc_like(dst->vm_mm, src->vm_mm, addr);
	addr = src->vm_start;
	for (; !err && (from = pte_next_table(src->vm_mm, &addr, end)); addr = stop) {
		stop = min((addr & PMD_MASK) + PMD_SIZE, end);
		to = pte_alloc(dst->vm_mm, addr);
		if (!to)
			err = -ENOMEM;
		for (; !err && addr < stop; addr += PAGE_SIZE, from++, to++)
			if (!pte_none(*from)) {
				*to = pte_present(*from) ? copy_present_pte(dst, src, from) : *from;
				if (!userfaultfd_wp(dst))
					*to = without_uffd_wp(*to);
			}
	}
	if (is_cow_mapping(src->vm_flags))
		flush_tlb_range(src->vm_mm, src->vm_start, src->vm_end);
	return err;
}

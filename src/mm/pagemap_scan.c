/* The walk of PAGEMAP_SCAN. See pagemap_scan.h.
 *
 * What a page that is not there counts as depends on more than the page, as in Linux 6.18: an empty
 * pte is WRITTEN; where there is not even a table, only an area that notes writes says so. */
#include "mm/pagemap_scan.h"

#include "base/err.h"
#include "mm/internal.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* Is it protected, so that a write was not missed? */
static bool pte_is_uffd_wp(pte_t pte)
{
	if (pte_present(pte))
		return pte_uffd_wp(pte);
	return pte_swp_uffd_wp(pte) || is_uffd_wp_marker(pte);
}

/* pagemap_page_category() */
static u64 page_category(const struct memory *m, pte_t pte)
{
	u64 categories = pte_is_uffd_wp(pte) ? 0 : PAGE_IS_WRITTEN;
	const struct page *page;

	if (pte_none(pte))
		return categories;
	if (!pte_present(pte))
		return categories | PAGE_IS_SWAPPED | (is_guard_pte(pte) ? PAGE_IS_GUARD : 0);
	page = vm_normal_page(m, pte);
	if (page && !PageAnon(page))
		categories |= PAGE_IS_FILE;
	if (pte_pfn(pte) == page_to_pfn(m, m->zero_page))
		categories |= PAGE_IS_PFNZERO;
	return categories | PAGE_IS_PRESENT;
}

static bool interesting_page(const struct pagemap_scan *p, u64 categories)
{
	categories ^= p->category_inverted;
	return (categories & p->category_mask) == p->category_mask &&
	       (!p->category_anyof_mask || (categories & p->category_anyof_mask));
}

/* 0: look into @vma; 1: skip it; -EPERM. See: pagemap_scan_test_walk(). */
static int test_walk(struct pagemap_scan *p, const struct vm_area_struct *vma)
{
	bool markers = userfaultfd_wp(vma) &&
		       (!vma_is_anonymous(vma) || (vma->vm_uffd->features & UFFD_WP_UNPOPULATED_F));
	u64 required = p->category_mask & PAGE_IS_WPASYNC;

	p->vma_category = markers && userfaultfd_wp_async(vma) ? PAGE_IS_WPASYNC : 0;
	if (!p->vma_category && (p->flags & PM_SCAN_CHECK_WPASYNC))
		return -EPERM;
	if ((!p->vma_category && (p->flags & PM_SCAN_WP_MATCHING)) || (vma->vm_flags & VM_PFNMAP))
		return 1;
	return ((p->vma_category ^ p->category_inverted) & required) != required;
}

/* Adds a region, or makes the last one longer. False: no room. */
static bool push_range(struct pagemap_scan *p, u64 categories, gva_t start, gva_t end)
{
	struct page_region *last = p->nr ? &p->vec[p->nr - 1] : NULL;

	if (last && last->end == start && last->categories == categories) {
		last->end = end;
		return true;
	}
	if (p->nr == p->vec_len)
		return false;
	p->vec[p->nr++] = (struct page_region){start, end, categories};
	return true;
}

/* Reports [start, *end), which is interesting; *end: how far there was room. 0 or -ENOSPC. */
static int output(struct pagemap_scan *p, u64 categories, gva_t start, gva_t *end)
{
	u64 nr_pages = (*end - start) >> PAGE_SHIFT, room;
	int ret = 0;

	if (!p->vec)
		return 0;
	room = p->max_pages - p->found_pages;
	if (nr_pages > room) {
		nr_pages = room;
		*end = start + (nr_pages << PAGE_SHIFT);
		ret = -ENOSPC;
	}
	if (nr_pages && !push_range(p, categories & p->return_mask, start, *end)) {
		nr_pages = 0;
		*end = start;
		ret = -ENOSPC;
	}
	p->found_pages += nr_pages;
	if (ret)
		p->walk_end = *end;
	return ret;
}

/* make_uffd_wp_pte() */
static void protect_pte(pte_t *pte)
{
	if (pte_present(*pte))
		pte->pte = (pte->pte & ~_PAGE_RW) | _PAGE_UFFD_WP;
	else if (pte_none(*pte))
		*pte = swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_UFFD_WP);
	else
		pte->pte |= _PAGE_SWP_UFFD_WP;
}

/* The ways of Linux through a table: nothing but protection, whatever the masks say; nothing but what
 * was written; and any other. */
enum scan_way { SCAN_PROTECT, SCAN_WRITTEN, SCAN_ANY };

static enum scan_way scan_way(const struct pagemap_scan *p)
{
	if ((p->flags & PM_SCAN_WP_MATCHING) && !p->vec)
		return SCAN_PROTECT;
	if (!p->category_anyof_mask && !p->category_inverted &&
	    p->category_mask == PAGE_IS_WRITTEN && p->return_mask == PAGE_IS_WRITTEN)
		return SCAN_WRITTEN;
	return SCAN_ANY;
}

/* The ptes of [start, end), of one table. pagemap_scan_pmd_entry(). */
static int scan_table(struct pagemap_scan *p, struct vm_area_struct *vma, pte_t *pte, gva_t start,
		      gva_t end)
{
	struct mm_struct *mm = vma->vm_mm;
	enum scan_way way = scan_way(p);
	gva_t addr = start;
	int ret = 0;

	for (; addr != end && !ret; addr += PAGE_SIZE, pte++) {
		u64 categories = p->vma_category | page_category(mm->mem, *pte);
		gva_t next = addr + PAGE_SIZE;

		if (way == SCAN_ANY ? !interesting_page(p, categories)
				    : !(categories & PAGE_IS_WRITTEN))
			continue;
		ret = output(p, categories, addr, &next);
		if (next != addr && (p->flags & PM_SCAN_WP_MATCHING) &&
		    (categories & PAGE_IS_WRITTEN))
			protect_pte(pte);
	}
	if (p->flags & PM_SCAN_WP_MATCHING)
		flush_tlb_range(mm, start, addr);
	return ret;
}

/* [start, end) has no table. pagemap_scan_pte_hole(). */
static int scan_hole(struct pagemap_scan *p, struct vm_area_struct *vma, gva_t start, gva_t end)
{
	u64 categories = p->vma_category | (p->vma_category ? PAGE_IS_WRITTEN : 0);
	int ret, err;

	if (!interesting_page(p, categories))
		return 0;
	ret = output(p, categories, start, &end);
	if (start == end || !(p->flags & PM_SCAN_WP_MATCHING))
		return ret;
	err = uffd_wp_range(vma, start, end, true);
	return err ? err : ret;
}

static int scan_vma(struct pagemap_scan *p, struct vm_area_struct *vma, gva_t addr, gva_t end)
{
	int err = 0;

	while (!err && addr < end) {
		gva_t table = addr, stop;
		pte_t *pte = pte_next_table(vma->vm_mm, &table, end);

		if (!pte || table != addr) {
			stop = pte ? table : end;
			err = scan_hole(p, vma, addr, stop);
		} else {
			stop = min((addr & PMD_MASK) + PMD_SIZE, end);
			err = scan_table(p, vma, pte, addr, stop);
		}
		addr = stop;
	}
	return err;
}

int pagemap_scan_range(struct mm_struct *mm, gva_t start, gva_t end, struct pagemap_scan *p)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);
	int err = 0;

	for (; !err && vma && vma->vm_start < end; vma = vma_next(vma)) {
		err = test_walk(p, vma);
		if (!err)
			err = scan_vma(p, vma, max(start, vma->vm_start), min(end, vma->vm_end));
		else if (err > 0)
			err = 0;
	}
	mm_debug_validate(mm);
	return err;
}

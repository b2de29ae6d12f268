/* mincore(2): a byte a page, 1 where an access would find the page without asking its owner. */
#include "mm/uaccess.h"
#include "mm/vma_internal.h"

#define CHUNK 256UL /* pages a round: their bytes are on the stack */

static u8 page_in_core(struct vm_area_struct *vma, gva_t addr)
{
	const pte_t *pte = pte_offset(vma->vm_mm, addr);
	struct page *page;

	if (pte && pte_present(*pte))
		return 1;
	if (!vma->vm_mapping)
		return 0;
	page = find_get_page(vma->vm_mapping, linear_page_index(vma, addr));
	if (!page)
		return 0;
	put_page(vma->vm_mm->mem, page);
	return page_test(page, PG_uptodate); /* not what is only allocated */
}

/* What others keep in the page cache is no business of who cannot change the file. */
static bool can_do_mincore(struct vm_area_struct *vma)
{
	const struct memory_hooks *h = &vma->vm_mm->mem->hooks;

	if (vma_is_anonymous(vma))
		return true;
	if (!vma->vm_file) /* a shared anonymous object is everybody's; vdso and vvar are nobody's */
		return vma->vm_mapping;
	return !h->file_owner_or_writer || h->file_owner_or_writer(vma->vm_file);
}

/* Fills @vec for up to @pages pages of the one area at @addr. Pages done or -ENOMEM. */
static long mincore_area(struct mm_struct *mm, gva_t addr, u64 pages, u8 *vec)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	bool may;
	u64 i;

	if (!vma)
		return -ENOMEM;
	pages = min(pages, (vma->vm_end - addr) >> PAGE_SHIFT);
	may = can_do_mincore(vma);
	for (i = 0; i < pages; i++)
		vec[i] = may ? page_in_core(vma, addr + (i << PAGE_SHIFT)) : 1;
	return pages;
}

long do_mincore(struct mm_struct *mm, gva_t start, u64 len, gva_t vec)
{
	u64 pages = (len >> PAGE_SHIFT) + (page_offset(len) != 0);
	u8 bytes[CHUNK];
	long n;

	if (!page_aligned(start))
		return -EINVAL;
	if (!access_ok(start, len))
		return -ENOMEM;
	if (!access_ok(vec, pages))
		return -EFAULT;
	for (; pages; pages -= n, vec += n, start += (u64)n << PAGE_SHIFT) {
		n = mincore_area(mm, start, min(pages, CHUNK), bytes);
		if (n < 0)
			return n;
		if (copy_to_user(mm, vec, bytes, n))
			return -EFAULT;
	}
	return 0;
}

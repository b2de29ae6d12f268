/* mseal(2): areas whose place and rights can never change again. What that forbids is checked where
 * it is asked for: munmap.c, mprotect.c, mremap.c, madvise.c. */
#include "mm/vma_internal.h"

/* Is all of [start, end) mapped? */
static bool range_is_mapped(struct mm_struct *mm, gva_t start, gva_t end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	while (vma && vma->vm_end < end) {
		struct vm_area_struct *next = vma_next(vma);

		if (!next || next->vm_start != vma->vm_end)
			return false;
		vma = next;
	}
	return vma;
}

static int seal_range(struct mm_struct *mm, gva_t start, gva_t end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);
		gva_t stop = min(end, vma->vm_end);

		if (!(vma->vm_flags & VM_SEALED)) {
			vma = vma_modify_flags(mm, vma, start, stop, vma->vm_flags | VM_SEALED);
			if (IS_ERR(vma))
				return PTR_ERR(vma);
		}
		start = stop;
	}
	return 0;
}

long do_mseal(struct mm_struct *mm, gva_t start, u64 len, u64 flags)
{
	gva_t end = start + page_align(len);
	int err;

	if (flags || !page_aligned(start) || (len && !page_align(len)) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (!range_is_mapped(mm, start, end))
		return -ENOMEM;
	err = seal_range(mm, start, end);
	mm_debug_validate(mm);
	return err;
}

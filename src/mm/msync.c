/* msync(2): MS_SYNC writes the dirty pages of shared file mappings back to their owners. */
#include "mm/mmap_flags.h"
#include "mm/vma_internal.h"

static int msync_area(struct vm_area_struct *vma, gva_t start, gva_t end, int flags)
{
	if ((flags & MS_INVALIDATE) && (vma->vm_flags & VM_LOCKED))
		return -EBUSY;
	if (!(flags & MS_SYNC) || !(vma->vm_flags & VM_SHARED) || !vma->vm_mapping)
		return 0;	   /* MS_ASYNC: the background does it anyway */
	if (vma_is_secretmem(vma)) /* a file without fsync() */
		return -EINVAL;
	return filemap_write_and_wait_range(vma->vm_mapping, linear_page_index(vma, start),
					    linear_page_index(vma, end) - 1);
}

long do_msync(struct mm_struct *mm, gva_t start, u64 len, int flags)
{
	struct vm_area_struct *vma;
	int err, holes = 0;
	gva_t end;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || !page_aligned(start) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = start + page_align(len);
	if (end < start)
		return -ENOMEM;
	if (end == start)
		return 0;

	while (start < end) {
		vma = find_vma(mm, start); /* anew, as Linux, whose write-back sleeps */
		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (start < vma->vm_start) {
			if (flags == MS_ASYNC)
				return -ENOMEM;
			holes = -ENOMEM;
			start = vma->vm_start;
		}
		err = msync_area(vma, start, min(end, vma->vm_end), flags);
		if (err)
			return err;
		start = min(end, vma->vm_end);
	}
	return holes;
}

/* KSM for whole processes: prctl(PR_SET_MEMORY_MERGE). See ksm.h; Linux 6.18, mm/ksm.c,
 * ksm_enable_merge_any(). New areas get their flag by ksm_vma_flags(). */
#include "base/err.h"
#include "mm/ksm.h"

static void add_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma) if (vma_ksm_compatible(vma)) vma->vm_flags |= VM_MERGEABLE;
}

int ksm_enable_merge_any(struct mm_struct *mm)
{
	if (mm->ksm_merge_any)
		return 0;
	if (ksm_enter(mm))
		return -ENOMEM;
	mm->ksm_merge_any = true;
	add_vmas(mm);
	return 0;
}

int ksm_disable_merge_any(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	int err = 0;

	if (!mm->ksm_merge_any)
		return 0;
	for_each_vma(mm, vma)
	{
		if (!(vma->vm_flags & VM_MERGEABLE))
			continue;
		err = unmerge_ksm_pages(vma, vma->vm_start, vma->vm_end);
		if (err) {
			add_vmas(mm);
			return err;
		}
		vma->vm_flags &= ~VM_MERGEABLE;
	}
	mm->ksm_merge_any = false;
	return 0;
}

bool ksm_process_mergeable(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma(mm, vma) if (vma->vm_flags & VM_MERGEABLE) return true;
	return mm->ksm_merge_any;
}

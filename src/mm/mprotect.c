/* mprotect(2): each area of the range in turn gets the new rights; what came before an error
 * stays changed, as in Linux. */
#include "mm/vma_internal.h"

static int mprotect_fixup(struct mm_struct *mm, struct vm_area_struct **pvma, gva_t start,
			  gva_t end, vm_flags_t newflags)
{
	struct vm_area_struct *vma = *pvma;
	vm_flags_t oldflags = vma->vm_flags;
	u64 pages = (end - start) >> PAGE_SHIFT;
	bool charged = false;

	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	if (newflags == oldflags)
		return 0;
	if (newflags & VM_WRITE) {
		if (!may_expand_vm(mm, newflags, pages) && may_expand_vm(mm, oldflags, pages))
			return -ENOMEM;
		if (!(oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE | VM_HUGETLB))) {
			if (security_vm_enough_memory(mm, pages))
				return -ENOMEM;
			charged = true;
			newflags |= VM_ACCOUNT;
		}
	} else if ((oldflags & VM_ACCOUNT) && vma_is_anonymous(vma) && !vma->anon_vma) {
		newflags &= ~VM_ACCOUNT; /* nothing was ever written */
	}

	vma = vma_modify_flags(mm, vma, start, end, newflags);
	if (IS_ERR(vma)) {
		if (charged)
			vm_unacct_memory(mm->mem, pages);
		return PTR_ERR(vma);
	}
	*pvma = vma;
	change_protection(vma, start, end);
	if ((oldflags & VM_ACCOUNT) && !(newflags & VM_ACCOUNT))
		vm_unacct_memory(mm->mem, pages);
	vm_stat_account(mm, oldflags, -(s64)pages);
	vm_stat_account(mm, newflags, pages);

	/* Private locked pages that become writable are copied now, not at the first store. */
	if ((oldflags & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (newflags & VM_WRITE))
		populate_vma_page_range(vma, start, end);
	return 0;
}

/* Applies @prot from @start, which lies in @vma, up to @end or the first hole. */
static long mprotect_range(struct mm_struct *mm, struct vm_area_struct *vma, gva_t start, gva_t end,
			   u64 prot)
{
	bool rier = (prot & PROT_READ) && read_implies_exec(mm->mem);

	for (;;) {
		gva_t stop = min(vma->vm_end, end);
		vm_flags_t newflags;
		int err;

		newflags = calc_vm_prot_bits(prot) | (vma->vm_flags & ~VM_ACCESS_FLAGS);
		if (rier && (vma->vm_flags & VM_MAYEXEC))
			newflags |= VM_EXEC;
		/* VM_MAY* stand four bits above what they allow. */
		if ((newflags & ~(newflags >> 4)) & VM_ACCESS_FLAGS)
			return -EACCES;
		if (map_deny_write_exec(mm, vma->vm_flags, newflags))
			return -EACCES;
		err = mprotect_fixup(mm, &vma, start, stop, newflags);
		if (err)
			return err;
		start = vma->vm_end; /* a merge may have gone further */
		if (start >= end)
			return 0;
		vma = vma_next(vma);
		if (!vma || vma->vm_start != start)
			return -ENOMEM;
	}
}

long do_mprotect(struct mm_struct *mm, gva_t start, u64 len, u64 prot)
{
	u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct vm_area_struct *vma;
	gva_t end;
	long ret;

	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !page_aligned(start))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + page_align(len);
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;

	vma = find_vma_intersection(mm, start, end);
	if (!vma)
		return -ENOMEM;
	if (grows & PROT_GROWSDOWN) {
		start = vma->vm_start;
		if (!(vma->vm_flags & VM_GROWSDOWN))
			return -EINVAL;
	} else {
		if (vma->vm_start > start)
			return -ENOMEM;
		if (grows & PROT_GROWSUP)
			return -EINVAL; /* nothing grows up on x86 */
	}
	ret = mprotect_range(mm, vma, start, end, prot);
	mm_debug_validate(mm);
	return ret;
}

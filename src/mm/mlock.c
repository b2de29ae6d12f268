/* mlock(2) and kin: VM_LOCKED areas are filled at once and stay filled; locked_vm counts them.
 * Reclaim passes over pages of locked areas. */
#include "mm/mmap_flags.h"
#include "mm/vma_internal.h"

static bool vma_supports_mlock(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_SPECIAL | VM_DROPPABLE));
}

/* The part [start, end) of *@pvma gets @newflags; *@pvma is the area that has it then. */
static int mlock_fixup(struct mm_struct *mm, struct vm_area_struct **pvma, gva_t start, gva_t end,
		       vm_flags_t newflags)
{
	struct vm_area_struct *vma = *pvma;
	vm_flags_t oldflags = vma->vm_flags;
	u64 pages = (end - start) >> PAGE_SHIFT;

	if (newflags == oldflags || !vma_supports_mlock(vma))
		return 0;
	lru_add_drain(mm->mem);
	vma = vma_modify_flags(mm, vma, start, end, newflags);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	*pvma = vma;
	if (!(newflags & VM_LOCKED))
		mm->locked_vm -= pages;
	else if (!(oldflags & VM_LOCKED))
		mm->locked_vm += pages;
	return 0;
}

/* Areas before a hole stay changed. */
static int apply_vma_lock_flags(struct mm_struct *mm, gva_t start, u64 len, vm_flags_t flags)
{
	struct vm_area_struct *vma;
	gva_t end = start + len;
	int err;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = vma_lookup(mm, start);
	if (!vma)
		return -ENOMEM;
	for (;;) {
		vm_flags_t newflags = (vma->vm_flags & ~VM_LOCKED_MASK) | flags;

		err = mlock_fixup(mm, &vma, start, min(end, vma->vm_end), newflags);
		if (err)
			return err;
		start = vma->vm_end;
		if (start >= end)
			return 0;
		vma = vma_next(vma);
		if (!vma || vma->vm_start != start)
			return -ENOMEM;
	}
}

/* Pages of the range that are locked already: they are not charged twice. */
static u64 count_mlocked(struct mm_struct *mm, gva_t start, u64 len)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	gva_t end = start + len;
	u64 pages = 0;

	if (end < start)
		end = TASK_SIZE;
	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		if (vma->vm_flags & VM_LOCKED)
			pages += (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;
	return pages;
}

long do_mlock(struct mm_struct *mm, gva_t start, u64 len, int flags)
{
	u64 limit = rlimit(mm, RLIM_MEMLOCK) >> PAGE_SHIFT, locked;
	int err;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock(mm))
		return -EPERM;
	len = page_align(len + page_offset(start));
	start &= PAGE_MASK;

	locked = (len >> PAGE_SHIFT) + mm->locked_vm;
	if (!mm_capable(mm->mem, MM_CAP_IPC_LOCK) && locked > limit &&
	    locked - count_mlocked(mm, start, len) > limit)
		return -ENOMEM;
	err = apply_vma_lock_flags(mm, start, len,
				   VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
	mm_debug_validate(mm);
	if (err)
		return err;
	err = mm_populate(mm, start, len, false);
	/* POSIX has its own idea of what the errors of a populate are called. */
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

long do_munlock(struct mm_struct *mm, gva_t start, u64 len)
{
	int err;

	len = page_align(len + page_offset(start));
	err = apply_vma_lock_flags(mm, start & PAGE_MASK, len, 0);
	mm_debug_validate(mm);
	return err;
}

/* Errors of single areas are ignored, as Linux does. */
static void lock_all_areas(struct mm_struct *mm, vm_flags_t flags)
{
	struct vm_area_struct *vma = vma_first(mm);

	for (; vma; vma = vma_next(vma))
		mlock_fixup(mm, &vma, vma->vm_start, vma->vm_end,
			    (vma->vm_flags & ~VM_LOCKED_MASK) | flags);
	mm_debug_validate(mm);
}

long do_mlockall(struct mm_struct *mm, int flags)
{
	vm_flags_t lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock(mm))
		return -EPERM;
	if ((flags & MCL_CURRENT) && !mm_capable(mm->mem, MM_CAP_IPC_LOCK) &&
	    mm->total_vm > rlimit(mm, RLIM_MEMLOCK) >> PAGE_SHIFT)
		return -ENOMEM;
	mm->def_flags = (mm->def_flags & ~VM_LOCKED_MASK) | (flags & MCL_FUTURE ? lock : 0);
	if (flags & MCL_CURRENT) {
		lock_all_areas(mm, lock);
		mm_populate(mm, 0, TASK_SIZE, true);
	}
	return 0;
}

long do_munlockall(struct mm_struct *mm)
{
	mm->def_flags &= ~VM_LOCKED_MASK;
	lock_all_areas(mm, 0);
	return 0;
}

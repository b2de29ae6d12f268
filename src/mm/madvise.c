/* madvise(2): the walk over the areas of a range, and what each advice does to one of them.
 * Which advice there is stands in madvise.def; what is not there is EINVAL. */
#include "mm/ksm.h"
#include "mm/madvise.h"

/* --- flags ------------------------------------------------------------------------------- */

static int madv_flags(struct madvise_range *r)
{
	vm_flags_t flags = (r->vma->vm_flags & ~r->desc->clear) | r->desc->set;
	struct vm_area_struct *vma;

	if (flags == r->vma->vm_flags)
		return 0;
	vma = vma_modify_flags(r->mm, r->vma, r->start, r->end, flags);
	if (IS_ERR(vma)) /* "a kernel resource was temporarily unavailable" */
		return PTR_ERR(vma) == -ENOMEM ? -EAGAIN : PTR_ERR(vma);
	r->vma = vma;
	return 0;
}

/* Areas whose pages may not be merged are passed over in silence, as Linux does. */
static int madv_mergeable(struct madvise_range *r)
{
	if (!vma_ksm_compatible(r->vma))
		return 0;
	if (ksm_enter(r->mm))
		return -EAGAIN;
	return madv_flags(r);
}

static int madv_unmergeable(struct madvise_range *r)
{
	if ((r->vma->vm_flags & VM_MERGEABLE) && unmerge_ksm_pages(r->vma, r->start, r->end))
		return -EAGAIN;
	return madv_flags(r);
}

static int madv_dodump(struct madvise_range *r)
{
	if ((r->vma->vm_flags & VM_SPECIAL) && !(r->vma->vm_flags & VM_HUGETLB))
		return -EINVAL;
	return madv_flags(r);
}

static int madv_wipeonfork(struct madvise_range *r)
{
	/* Private memory without a file: anonymous, but vdso and its kin, too. */
	if (r->vma->vm_file || (r->vma->vm_flags & (VM_SHARED | VM_HUGETLB)))
		return -EINVAL;
	return madv_flags(r);
}

/* --- the call ---------------------------------------------------------------------------- */

static const struct madvise_desc madvise_table[] = {
#define MADV_IS_0 0U
#define MADV(nr, name, handler, refused, set, clear, how)                                          \
	{nr, handler, refused, set, clear, MADV_IS_##how},
#include "mm/madvise.def"
#undef MADV
};

static const struct madvise_desc *find_advice(int advice)
{
	for (unsigned i = 0; i < ARRAY_SIZE(madvise_table); i++)
		if (madvise_table[i].advice == advice)
			return &madvise_table[i];
	return NULL;
}

/* Sealed memory keeps what it holds, unless its owner could overwrite that anyway, or it is a
 * file's. See: Linux, mm/madvise.c, can_madvise_modify(). */
static bool can_madvise_modify(const struct vm_area_struct *vma, const struct madvise_desc *desc)
{
	return !(vma->vm_flags & VM_SEALED) || !(desc->how & MADV_IS_DISCARD) ||
	       !vma_is_anonymous(vma) || (vma->vm_flags & VM_WRITE);
}

/* Areas in turn; holes are passed over and reported at the end, but end a populate. */
static int madvise_walk(struct mm_struct *mm, gva_t start, gva_t end,
			const struct madvise_desc *desc)
{
	bool stop_at_hole = desc->apply == madv_populate;
	int err, holes = 0;

	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);
		struct madvise_range r;

		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (vma->vm_start > start) {
			if (stop_at_hole)
				return -ENOMEM;
			holes = -ENOMEM;
			start = vma->vm_start;
		}
		if (!can_madvise_modify(vma, desc))
			return -EPERM;
		if (vma->vm_flags & desc->refused)
			return -EINVAL;
		r = (struct madvise_range){mm, vma, start, min(end, vma->vm_end), desc};
		err = desc->apply(&r);
		if (err)
			return err;
		start = r.end;
	}
	return holes;
}

long do_madvise(struct mm_struct *mm, gva_t start, u64 len, int advice)
{
	const struct madvise_desc *desc = find_advice(advice);
	gva_t end = start + page_align(len);
	int err;

	if (!desc || !page_aligned(start))
		return -EINVAL;
	if ((len && !page_align(len)) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	err = madvise_walk(mm, start, end, desc);
	mm_debug_validate(mm);
	return err;
}

bool madvise_is_remote(int advice)
{
	const struct madvise_desc *desc = find_advice(advice);

	return desc && (desc->how & MADV_IS_REMOTE);
}

bool madvise_is_valid(int advice)
{
	return find_advice(advice);
}

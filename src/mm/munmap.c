/* munmap(2), and the unmapping that mmap MAP_FIXED, brk and mremap need: prepared first, so that
 * it cannot fail half way.
 *
 *   |  first  |        |  area  |   | last  |      trimmed, or taken out whole: no memory needed
 *        [start ............................ end)
 *
 *   |      first = last        |                   a hole: the upper part is a new area
 *        [start ...... end)
 */
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* A hole in the middle of @vma. */
static int prepare_hole(struct vma_unmap *u, struct vm_area_struct *vma)
{
	struct mm_struct *mm = u->mm;

	if (mm->map_count >= mm->mem->max_map_count || vma_tree_reserve(mm, 1))
		return -ENOMEM;
	u->upper = vma_copy(vma);
	if (!u->upper)
		return -ENOMEM;
	u->upper->vm_start = u->end;
	u->upper->vm_pgoff = linear_page_index(vma, u->end);
	return 0;
}

/* Linux cuts before it looks at limits and at the seals of the areas behind the first, and leaves the
 * cuts. Without memory for them it would have failed earlier: here nothing is cut then. */
void vma_split_at_ends(struct mm_struct *mm, gva_t start, gva_t end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	if (vma && vma->vm_start < start && split_vma(mm, vma, start, true))
		return;
	vma = vma_lookup(mm, end);
	if (vma && vma->vm_start < end)
		(void)split_vma(mm, vma, end, false);
}

/* May [start, end) be taken out of @vma? 0, -EPERM (sealed), -EINVAL (it cannot be cut). */
static int may_unmap(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	if (!vma->vm_ops || !vma->vm_ops->may_split)
		return 0;
	if (vma->vm_start < start && vma->vm_ops->may_split(vma, start))
		return -EINVAL;
	return vma->vm_end > end ? vma->vm_ops->may_split(vma, end) : 0;
}

int vma_unmap_prepare(struct mm_struct *mm, gva_t start, gva_t end, struct vma_unmap *u)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);

	*u = (struct vma_unmap){.mm = mm, .start = start, .end = end, .first = vma};
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		u64 pages = (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;
		int err = may_unmap(vma, start, end);

		if (unlikely(err)) {
			vma_unmap_abort(u);
			if (vma != u->first || err == -EINVAL)
				vma_split_at_ends(mm, start, max(start, vma->vm_start));
			return err;
		}
		u->nr_pages += pages;
		if (vma->vm_flags & VM_ACCOUNT)
			u->nr_accounted += pages;
		if (unlikely(vma->vm_uffd) && userfaultfd_unmap_prep(vma, start, end))
			goto abort;
	}
	if (!u->first || u->first->vm_start >= start || u->first->vm_end <= end ||
	    !prepare_hole(u, u->first))
		return 0;
abort:
	vma_unmap_abort(u);
	return -ENOMEM;
}

void vma_unmap_abort(struct vma_unmap *u)
{
	if (u->upper)
		vma_release(u->upper);
	u->upper = NULL;
	userfaultfd_unmap_abort(u->mm, u->start, u->end);
}

/* Takes [start, end) away from one area. The next area, or NULL. */
static struct vm_area_struct *unmap_part(struct vma_unmap *u, struct vm_area_struct *vma)
{
	struct vm_area_struct *next = vma_next(vma);
	gva_t start = max(u->start, vma->vm_start), end = min(u->end, vma->vm_end);
	s64 pages = (end - start) >> PAGE_SHIFT;
	struct mm_struct *mm = u->mm;

	vm_stat_account(mm, vma->vm_flags, -pages);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm -= pages;
	if (u->upper) {
		u->upper->vm_end = vma->vm_end; /* mremap may have made it longer */
		vma_set_range(vma, vma->vm_start, start, vma->vm_pgoff);
		vma_link(mm, u->upper);
		u->upper = NULL;
		count_vm_event(mm->mem, EV_v_vma_split);
	} else if (start > vma->vm_start) {
		vma_set_range(vma, vma->vm_start, start, vma->vm_pgoff);
	} else if (end < vma->vm_end) {
		vma_set_range(vma, end, vma->vm_end, linear_page_index(vma, end));
	} else {
		vma_unlink_free(mm, vma);
	}
	return next;
}

void vma_unmap_commit(struct vma_unmap *u)
{
	struct vm_area_struct *vma = u->first, *prev, *last;
	struct mm_struct *mm = u->mm;
	gva_t floor, ceiling;

	if (!vma)
		return;
	update_hiwater_vm(mm);

	/* Neighbours bound the page tables that may go: those they share stay. */
	prev = vma_prev(vma);
	floor = vma->vm_start < u->start ? u->start : prev ? prev->vm_end : 0;
	last = u->upper ? vma : find_vma(mm, u->end);
	ceiling = last ? max(last->vm_start, u->end) : 0;
	/* No pte lies outside the areas: what they do not cover need not be visited. */
	zap_page_range(mm, max(u->start, vma->vm_start), u->end);
	free_pgtables(mm, max(u->start, vma->vm_start), u->end, floor, ceiling);

	while (vma && vma->vm_start < u->end)
		vma = unmap_part(u, vma);
	if (!u->keep_account && u->nr_accounted)
		vm_unacct_memory(mm->mem, u->nr_accounted);
}

long __do_munmap(struct mm_struct *mm, gva_t start, u64 len)
{
	struct vma_unmap u;
	int err;

	if (!page_aligned(start) || start > TASK_SIZE || len > TASK_SIZE - start ||
	    !page_align(len))
		return -EINVAL;
	err = vma_unmap_prepare(mm, start, start + page_align(len), &u);
	if (err)
		return err;
	vma_unmap_commit(&u);
	mm_debug_validate(mm);
	return 0;
}

long do_munmap(struct mm_struct *mm, gva_t start, u64 len)
{
	long err = __do_munmap(mm, start, len);

	userfaultfd_unmap_complete(mm);
	return err;
}

/* Which neighbouring areas become one, as Linux 6.18 decides (mm/vma.c there).
 *
 *   new range:       prev |  new  | next      prev, or next, or prev over both grow
 *   existing range:  prev |  middle  | next   the range [start, end) of middle gets the flags
 *                                             of a neighbour and goes over to it
 *
 * Areas join when flags, file and anon_vma agree and their page offsets continue each other.
 */
#include "mm/vma_internal.h"

/* An owner that wants to be told of each area's end keeps its areas apart. Not so a plain shmem
 * object: in Linux the file's reference count does what close() does here. */
static bool can_remove(const struct vm_area_struct *vma)
{
	return !vma->vm_ops || !vma->vm_ops->close || vma->vm_ops == &shmem_vm_ops;
}

static bool is_mergeable_vma(const struct vma_merge *vmg, const struct vm_area_struct *vma)
{
	return !((vma->vm_flags ^ vmg->flags) & ~VM_STICKY) && vma->vm_file == vmg->file &&
	       vma->vm_mapping == vmg->mapping && vma->vm_uffd == vmg->uffd &&
	       mpol_equal(vma->vm_policy, vmg->policy);
}

/* anon_vmas of several links belong to a fork's child: joining would mix families. */
static bool is_fork_child(const struct vm_area_struct *vma)
{
	return vma && vma->anon_vma && vma->anon_vma_chain.next->next != &vma->anon_vma_chain;
}

/* See: Linux, mm/vma.c, the function of this name. */
static bool is_mergeable_anon_vma(const struct vma_merge *vmg, const struct vm_area_struct *tgt)
{
	if (!tgt->anon_vma && vmg->anon_vma)
		return !is_fork_child(vmg->middle) && !is_fork_child(vmg->copied_from);
	if (tgt->anon_vma && !vmg->anon_vma)
		return !is_fork_child(tgt);
	return tgt->anon_vma == vmg->anon_vma;
}

static bool can_vma_merge_left(const struct vma_merge *vmg)
{
	const struct vm_area_struct *prev = vmg->prev;

	return prev && prev->vm_end == vmg->start && is_mergeable_vma(vmg, prev) &&
	       is_mergeable_anon_vma(vmg, prev) && prev->vm_pgoff + vma_pages(prev) == vmg->pgoff;
}

static bool can_vma_merge_right(const struct vma_merge *vmg, bool merge_left)
{
	const struct vm_area_struct *next = vmg->next;
	u64 pages = (vmg->end - vmg->start) >> PAGE_SHIFT;

	if (!next || next->vm_start != vmg->end || !is_mergeable_vma(vmg, next) ||
	    !is_mergeable_anon_vma(vmg, next) || next->vm_pgoff != vmg->pgoff + pages)
		return false;
	/* Each may suit the range and still not suit the other. */
	return !merge_left || !vmg->prev->anon_vma || !next->anon_vma ||
	       vmg->prev->anon_vma == next->anon_vma;
}

/* Gives @dst the anon_vmas of @src when it has none. The only step of a merge that may fail. */
static int dup_anon_vma(struct vm_area_struct *dst, const struct vm_area_struct *src)
{
	int err;

	if (!src || !src->anon_vma || dst->anon_vma)
		return 0;
	dst->anon_vma = src->anon_vma;
	err = anon_vma_clone(dst, (struct vm_area_struct *)src);
	if (err)
		dst->anon_vma = NULL;
	return err;
}

/* @vma covers the range now, and has what @parts had of flags that stick. */
static struct vm_area_struct *merged(struct vma_merge *vmg, struct vm_area_struct *vma,
				     vm_flags_t parts)
{
	vma->vm_flags |= (parts | vmg->flags) & VM_STICKY;
	count_vm_event(vmg->mm->mem, EV_v_vma_merge);
	return vma;
}

struct vm_area_struct *vma_merge_new_range(struct vma_merge *vmg)
{
	struct vm_area_struct *prev = vmg->prev, *next = vmg->next;
	vm_flags_t parts = 0;
	bool left, right;

	if (vmg->flags & VM_SPECIAL)
		return NULL;
	left = can_vma_merge_left(vmg);
	right = !vmg->just_expand && can_vma_merge_right(vmg, left);
	if (!left && !right)
		return NULL;
	if (left && right && !can_remove(next))
		right = false;

	if (dup_anon_vma(left ? prev : next, vmg->copied_from) ||
	    (left && right && dup_anon_vma(prev, next))) {
		vmg->no_memory = true;
		return NULL;
	}
	if (!left) {
		vma_set_range(next, vmg->start, next->vm_end, vmg->pgoff);
		return merged(vmg, next, 0);
	}
	if (right) {
		gva_t end = next->vm_end;

		parts = next->vm_flags;
		vma_unlink_free(vmg->mm, next);
		vma_set_range(prev, prev->vm_start, end, prev->vm_pgoff);
	} else {
		vma_set_range(prev, prev->vm_start, vmg->end, prev->vm_pgoff);
	}
	return merged(vmg, prev, parts);
}

/* prev takes the range; @whole: middle goes; @both: next goes too. */
static struct vm_area_struct *merge_left(struct vma_merge *vmg, bool whole, bool both)
{
	struct vm_area_struct *prev = vmg->prev, *middle = vmg->middle, *next = vmg->next;
	gva_t end = both ? next->vm_end : vmg->end;
	vm_flags_t parts = both ? next->vm_flags : 0;

	if (dup_anon_vma(prev, both && next->anon_vma ? next : middle)) {
		vmg->no_memory = true;
		return NULL;
	}
	if (both)
		vma_unlink_free(vmg->mm, next);
	if (whole)
		vma_unlink_free(vmg->mm, middle);
	else
		vma_set_range(middle, vmg->end, middle->vm_end,
			      linear_page_index(middle, vmg->end));
	vma_set_range(prev, prev->vm_start, end, prev->vm_pgoff);
	return merged(vmg, prev, parts);
}

static struct vm_area_struct *merge_right(struct vma_merge *vmg, bool whole)
{
	struct vm_area_struct *middle = vmg->middle, *next = vmg->next;

	if (dup_anon_vma(next, middle)) {
		vmg->no_memory = true;
		return NULL;
	}
	if (whole)
		vma_unlink_free(vmg->mm, middle);
	else
		vma_set_range(middle, middle->vm_start, vmg->start, middle->vm_pgoff);
	vma_set_range(next, vmg->start, next->vm_end, vmg->pgoff);
	return merged(vmg, next, 0);
}

struct vm_area_struct *vma_merge_existing_range(struct vma_merge *vmg)
{
	struct vm_area_struct *middle = vmg->middle;
	bool at_start = vmg->start == middle->vm_start, at_end = vmg->end == middle->vm_end;
	bool whole = at_start && at_end, left, right;

	/* Only an edge of middle touches a neighbour. */
	if ((vmg->flags & VM_SPECIAL) || (!at_start && !at_end))
		return NULL;
	left = at_start && can_vma_merge_left(vmg);
	right = at_end && can_vma_merge_right(vmg, left);
	if ((!left && !right) || (whole && !can_remove(middle)))
		return NULL;
	if (left)
		return merge_left(vmg, whole, right && can_remove(vmg->next));
	return merge_right(vmg, whole);
}

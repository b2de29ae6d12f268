/* mremap(2): grow, shrink or move. Pages are never copied, their ptes move.
 *
 * A move makes the new area first, moves the ptes, and then unmaps the old range. What the last
 * step needs (the area above a hole it leaves) is made before the first, so that nothing fails
 * half way. See: Linux 6.18, mm/mremap.c, whose steps have the same names.
 */
#include "mm/ksm.h"
#include "mm/mmap_flags.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

struct vma_remap {
	struct mm_struct *mm;
	gva_t addr, new_addr;
	u64 old_len, new_len;
	u64 flags;
	struct vm_area_struct *vma;   /* of addr */
	bool populate_expand;	      /* a locked area grew: fill the new part */
	struct userfaultfd_ctx *uffd; /* to be told of the move; a reference */
};

static u64 delta(const struct vma_remap *vrm)
{
	return vrm->new_len > vrm->old_len ? vrm->new_len - vrm->old_len : 0;
}

static bool implies_new_addr(const struct vma_remap *vrm)
{
	return vrm->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* --- check ------------------------------------------------------------------------------- */

static int check_mremap_params(const struct vma_remap *vrm)
{
	const struct mm_struct *mm = vrm->mm;

	if (vrm->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (!page_aligned(vrm->addr) || !vrm->new_len || vrm->new_len > TASK_SIZE)
		return -EINVAL;
	if (!implies_new_addr(vrm))
		return 0;
	if (vrm->new_addr > TASK_SIZE - vrm->new_len || !page_aligned(vrm->new_addr) ||
	    !(vrm->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((vrm->flags & MREMAP_DONTUNMAP) && vrm->old_len != vrm->new_len)
		return -EINVAL;
	if (vrm->addr + vrm->old_len > vrm->new_addr && vrm->new_addr + vrm->new_len > vrm->addr)
		return -EINVAL;
	/* Both ranges may split an area in three; the move itself wants some more. */
	return mm->map_count + 2 >= mm->mem->max_map_count - 3 ? -ENOMEM : 0;
}

/* In whole huge pages, of which there cannot become more: they were reserved by number. */
static bool align_hugetlb(struct vma_remap *vrm)
{
	const struct hstate *h = vma_hstate(vrm->vma);

	vrm->old_len = huge_align(h, vrm->old_len);
	vrm->new_len = huge_align(h, vrm->new_len);
	return huge_aligned(h, vrm->addr | vrm->new_addr) && vrm->new_len <= vrm->old_len;
}

static int check_prep_vma(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	struct mm_struct *mm = vrm->mm;

	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	if ((vma->vm_flags & VM_HUGETLB) && !align_hugetlb(vrm))
		return -EINVAL;
	if (!implies_new_addr(vrm)) {
		vrm->new_addr = vrm->addr;
		if (vrm->new_len <= vrm->old_len)
			return 0;
	}
	/* A private mapping cannot be doubled: its pages are one owner's. */
	if (!vrm->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((vrm->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	if (min(vrm->old_len, vrm->new_len) > vma->vm_end - vrm->addr)
		return -EFAULT;
	if (vrm->new_len <= vrm->old_len)
		return 0;
	if (vma->vm_flags & VM_LOCKED)
		vrm->populate_expand = true;
	if (linear_page_index(vma, vrm->addr) + (vrm->new_len >> PAGE_SHIFT) <
	    linear_page_index(vma, vrm->addr))
		return -EINVAL;
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (!mlock_future_ok(mm, vma->vm_flags, delta(vrm)))
		return -EAGAIN;
	return may_expand_vm(mm, vma->vm_flags, delta(vrm) >> PAGE_SHIFT) ? 0 : -ENOMEM;
}

/* Finds the place to move to, when the caller did not say. */
static int set_new_addr(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	long place;

	place = __get_unmapped_area(vrm->mm, implies_new_addr(vrm) ? vrm->new_addr : 0,
				    vrm->new_len, linear_page_index(vma, vrm->addr),
				    vrm->flags & MREMAP_FIXED ? MAP_FIXED : 0,
				    vma_thp_placement(vma), false);
	if (IS_ERR_VALUE(place))
		return (int)place;
	vrm->new_addr = place;
	return 0;
}

/* --- reserve ----------------------------------------------------------------------------- */

/* Pages of Committed_AS that come on top. */
static u64 calc_charge(const struct vma_remap *vrm)
{
	if (!(vrm->vma->vm_flags & VM_ACCOUNT))
		return 0;
	return (vrm->flags & MREMAP_DONTUNMAP ? vrm->new_len : delta(vrm)) >> PAGE_SHIFT;
}

static void account_new(struct vma_remap *vrm, vm_flags_t flags, u64 bytes)
{
	vm_stat_account(vrm->mm, flags, bytes >> PAGE_SHIFT);
	if (flags & VM_LOCKED)
		vrm->mm->locked_vm += bytes >> PAGE_SHIFT;
}

/* The area [new_addr, new_addr + new_len) that continues vrm->vma's: a neighbour grown, or a new
 * one. ERR_PTR(-ENOMEM). */
static struct vm_area_struct *copy_vma(struct vma_remap *vrm, bool unmap_old)
{
	struct vm_area_struct *vma = vrm->vma, *new;
	struct vma_merge vmg = vmg_like(vma, vrm->new_addr, vrm->new_addr + vrm->new_len,
					linear_page_index(vma, vrm->addr));

	vmg.copied_from = vma;
	/* With no page yet the offset may follow the address: it merges better there. */
	if (vma_is_anonymous(vma) && !vma->anon_vma)
		vmg.pgoff = vrm->new_addr >> PAGE_SHIFT;
	vmg.next = find_vma_prev(vrm->mm, vrm->new_addr, &vmg.prev);
	/* Joining the very end of the source that is about to go would only make a hole of it. */
	if (unmap_old && vmg.next == vma && vrm->addr == vma->vm_start)
		vmg.next = NULL;
	if (unmap_old && vmg.prev == vma && vrm->addr + vrm->old_len == vma->vm_end)
		vmg.prev = NULL;
	new = vma_merge_new_range(&vmg);
	if (new) {
		/* The source itself may have grown over the new range, or joined what did. */
		vrm->vma = vma_lookup(vrm->mm, vrm->addr);
		return new;
	}
	if (vma_tree_reserve(vrm->mm, 2)) /* this one, and the upper part of a hole */
		return ERR_PTR(-ENOMEM);
	new = vma_copy(vma);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->vm_start = vmg.start;
	new->vm_end = vmg.end;
	new->vm_pgoff = vmg.pgoff;
	vma_link(vrm->mm, new);
	return new;
}

/* --- change ------------------------------------------------------------------------------ */

/* The old range of a DONTUNMAP move stays, without pages, and all of its area without their lock.
 * Linux forgets to take it out of locked_vm: VmLck keeps it for good. */
static void dontunmap_complete(struct vma_remap *vrm, struct vm_area_struct *new)
{
	struct vm_area_struct *vma = vrm->vma;

	if (vma->vm_flags & VM_LOCKED) {
		vrm->mm->locked_leaked += vma_pages(vma);
		vma->vm_flags &= ~VM_LOCKED_MASK;
	}
	if (vma == new)
		return;
	if (vma->vm_start == vrm->addr && vma->vm_end == vrm->addr + vrm->old_len && vma->anon_vma)
		unlink_anon_vmas(vma);
}

/* Undoes copy_vma() after ptes could not be moved: they go back, the new range goes. */
static int undo_move(struct vma_remap *vrm, struct vm_area_struct *new, u64 moved)
{
	struct vma_unmap u;

	move_page_tables(new, vrm->new_addr, vrm->vma, vrm->addr, moved);
	account_new(vrm, new->vm_flags, vrm->new_len);
	/* At an edge of whatever it joined, or on its own: no hole, no memory needed. */
	if (vma_unmap_prepare(vrm->mm, vrm->new_addr, vrm->new_addr + vrm->new_len, &u)) {
		/* It joined both neighbours: it stays, empty, and is charged. */
		if (new->vm_flags & VM_ACCOUNT)
			vm_acct_memory(vrm->mm->mem, vrm->new_len >> PAGE_SHIFT);
		return -ENOMEM;
	}
	u.keep_account = true;
	vma_unmap_commit(&u);
	return -ENOMEM;
}

static long move_vma(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma, *new;
	struct mm_struct *mm = vrm->mm;
	bool unmap_old = vrm->old_len && !(vrm->flags & MREMAP_DONTUNMAP);
	u64 charge = calc_charge(vrm), hiwater, moved;
	struct vma_unmap u = {.mm = mm};
	int err;

	if (mm->map_count >= mm->mem->max_map_count - 3)
		return -ENOMEM;
	if (charge && security_vm_enough_memory(mm, charge))
		return -ENOMEM;
	/* What is merged is found by its address. */
	if (vma->vm_flags & VM_MERGEABLE) {
		err = unmerge_ksm_pages(vma, vrm->addr, vrm->addr + vrm->old_len);
		if (err)
			goto uncharge;
	}
	if (unmap_old) {
		err = vma_unmap_prepare(mm, vrm->addr, vrm->addr + vrm->old_len, &u);
		if (err)
			goto uncharge;
	}
	new = copy_vma(vrm, unmap_old);
	if (IS_ERR(new)) {
		err = PTR_ERR(new);
		goto abort;
	}
	vma = vrm->vma;
	moved = move_page_tables(vma, vrm->addr, new, vrm->new_addr, vrm->old_len);
	if (moved < vrm->old_len ||
	    (vma->vm_ops && vma->vm_ops->mremap && vma->vm_ops->mremap(new))) {
		err = undo_move(vrm, new, moved);
		goto abort;
	}

	hiwater = mm->hiwater_vm;
	account_new(vrm, new->vm_flags, vrm->new_len);
	vrm->uffd = mremap_userfaultfd_prep(new);
	if (unmap_old) {
		u.first = vma; /* it may have been merged since */
		u.keep_account = true;
		vma_unmap_commit(&u);
	} else if (vrm->flags & MREMAP_DONTUNMAP) {
		dontunmap_complete(vrm, new);
	}
	mm->hiwater_vm = max(hiwater, mm->total_vm); /* not the moment when both were there */
	return vrm->new_addr;

abort:
	vma_unmap_abort(&u);
uncharge:
	if (charge)
		vm_unacct_memory(mm->mem, charge);
	return err;
}

static int shrink_vma(struct vma_remap *vrm)
{
	gva_t start = vrm->addr + vrm->new_len;
	struct vma_unmap u;
	int err;

	/* As munmap(2) checks: the old length may be anything. */
	if (start > TASK_SIZE || vrm->old_len - vrm->new_len > TASK_SIZE - start)
		return -EINVAL;
	err = vma_unmap_prepare(vrm->mm, start, vrm->addr + vrm->old_len, &u);
	if (!err)
		vma_unmap_commit(&u);
	return err;
}

/* MREMAP_FIXED and DONTUNMAP. What lay at the destination is gone even if the move fails. */
static long mremap_to(struct vma_remap *vrm)
{
	long err;

	if (vrm->flags & MREMAP_FIXED) {
		err = __do_munmap(vrm->mm, vrm->new_addr, vrm->new_len);
		if (err)
			return err;
		vrm->vma = vma_lookup(vrm->mm, vrm->addr);
		if (!vrm->vma)
			return -EFAULT;
	}
	if (vrm->new_len < vrm->old_len) {
		err = shrink_vma(vrm);
		if (err)
			return err;
		vrm->old_len = vrm->new_len;
	}
	if ((vrm->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(vrm->mm, vrm->vma->vm_flags, vrm->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	err = set_new_addr(vrm);
	return err ? err : move_vma(vrm);
}

static bool can_expand_in_place(struct vma_remap *vrm)
{
	gva_t end = vrm->addr + vrm->old_len, new_end = end + delta(vrm);

	return end == vrm->vma->vm_end && new_end > end && new_end <= TASK_SIZE &&
	       !find_vma_intersection(vrm->mm, end, new_end);
}

static long expand_in_place(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	struct vma_merge vmg = vmg_like(vma, vma->vm_end, vma->vm_end + delta(vrm),
					linear_page_index(vma, vma->vm_end));
	u64 charge = calc_charge(vrm);

	vmg.prev = vma;
	vmg.next = vma_next(vma);
	if (charge && security_vm_enough_memory(vrm->mm, charge))
		return -ENOMEM;
	vma = vma_merge_new_range(&vmg);
	if (!vma) {
		if (charge)
			vm_unacct_memory(vrm->mm->mem, charge);
		return -ENOMEM;
	}
	account_new(vrm, vma->vm_flags, delta(vrm));
	return vrm->addr;
}

static long mremap_at(struct vma_remap *vrm)
{
	long err;

	if (vrm->new_len == vrm->old_len)
		return vrm->addr;
	if (vrm->new_len < vrm->old_len) {
		err = shrink_vma(vrm);
		return err ? err : (long)vrm->addr;
	}
	if (can_expand_in_place(vrm))
		return expand_in_place(vrm);
	if (!(vrm->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	err = set_new_addr(vrm);
	return err ? err : move_vma(vrm);
}

/* The call, or one area of it, is done: userfaultfd hears of it, and the caller sleeps meanwhile. */
static void notify_uffd(struct vma_remap *vrm)
{
	if (unlikely(vrm->uffd))
		mremap_userfaultfd_complete(vrm->uffd, vrm->addr, vrm->new_addr, vrm->old_len);
	vrm->uffd = NULL;
	userfaultfd_unmap_complete(vrm->mm);
}

/* The others are moved one after the other without a pause, in which userfaultfd would be told.
 * Linux: vma_multi_allowed(). */
static bool vma_multi_allowed(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_UFFD_FLAGS);
}

/* A move without a change of size takes every area of the range along; holes stay holes. */
static long remap_move(struct vma_remap *vrm)
{
	gva_t start = vrm->addr, end = start + vrm->old_len, target = vrm->new_addr;
	gva_t last_end = start;
	bool seen = false;
	long ret, first = -EFAULT;

	while (last_end < end) {
		struct vm_area_struct *vma = find_vma_intersection(vrm->mm, last_end, end);
		gva_t addr;

		if (!vma)
			break;
		if (!seen && vma->vm_start > start)
			return -EFAULT;
		if (!vma_multi_allowed(vma) && (seen || vma->vm_end < end))
			return -EFAULT;
		addr = max(vma->vm_start, start);
		if (seen)
			target += vma->vm_start - last_end;
		last_end = vma->vm_end;
		vrm->vma = vma;
		vrm->addr = addr;
		vrm->new_addr = target;
		vrm->old_len = vrm->new_len = min(end, vma->vm_end) - addr;
		ret = check_prep_vma(vrm);
		if (!ret)
			ret = mremap_to(vrm);
		notify_uffd(vrm);
		if (IS_ERR_VALUE(ret))
			return ret;
		if (!seen)
			first = ret;
		seen = true;
		target = ret + vrm->new_len;
	}
	return first;
}

long do_mremap(struct mm_struct *mm, gva_t addr, u64 old_len, u64 new_len, u64 flags,
	       gva_t new_addr)
{
	struct vma_remap vrm = {
		.mm = mm,
		.addr = addr,
		.new_addr = new_addr,
		.old_len = page_align(old_len),
		.new_len = page_align(new_len),
		.flags = flags,
	};
	long ret = check_mremap_params(&vrm);
	u64 grown;

	if (ret)
		return ret;
	old_len = vrm.old_len;
	grown = delta(&vrm);
	if ((flags & MREMAP_FIXED) && vrm.old_len == vrm.new_len) {
		ret = remap_move(&vrm);
	} else {
		vrm.vma = vma_lookup(mm, addr);
		ret = check_prep_vma(&vrm);
		if (!ret)
			ret = implies_new_addr(&vrm) ? mremap_to(&vrm) : mremap_at(&vrm);
	}
	mm_debug_validate(mm);
	notify_uffd(&vrm);
	if (!IS_ERR_VALUE(ret) && vrm.populate_expand)
		mm_populate(mm, ret + old_len, grown, true);
	return ret;
}

/* KSM: which address spaces take part: those with mergeable areas, by madvise(2), and whole processes, by
 * prctl(PR_SET_MEMORY_MERGE). See ksm.h; Linux 6.18, mm/ksm.c, ksm_enable_merge_any(). New areas get their
 * flag by ksm_vma_flags(). */
#include "base/err.h"
#include "mm/ksm_internal.h"

/* --- slots ------------------------------------------------------------------------------- */

/* Linux has them from boot on; here most machines never merge. What one call made the next one finds. */
static int make_caches(struct ksm_state *k)
{
	int err = 0;

	if (!k->rmap_item)
		err = mm_cache_create(k->m, &k->rmap_item, "ksm_rmap_item",
				      sizeof(struct ksm_rmap_item), 0);
	if (!err && !k->stable_node)
		err = mm_cache_create(k->m, &k->stable_node, "ksm_stable_node",
				      sizeof(struct ksm_stable_node), 0);
	if (!err && !k->mm_slot)
		err = mm_cache_create(k->m, &k->mm_slot, "ksm_mm_slot", sizeof(struct ksm_mm_slot),
				      0);
	return err;
}

int ksm_enter(struct mm_struct *mm)
{
	struct ksm_state *k = mm->mem->in->ksm;
	struct ksm_mm_slot *slot;

	if (mm->ksm_slot)
		return 0;
	slot = make_caches(k) ? NULL : kmem_cache_zalloc(k->mm_slot, GFP_KERNEL);
	if (!slot)
		return -ENOMEM;
	slot->mm = mm;
	mm->ksm_slot = slot;
	/* Behind the cursor, so that a program that has just started settles first. */
	list_add_tail(&slot->list, k->scan.slot ? &k->scan.slot->list : &k->slots);
	ksm_wake(mm->mem);
	return 0;
}

int ksm_fork(struct mm_struct *mm, const struct mm_struct *old)
{
	mm->ksm_merge_any = old->ksm_merge_any;
	if (!old->ksm_slot)
		return 0;
	return ksm_enter(mm);
}

void ksm_free_slot(struct ksm_state *k, struct ksm_mm_slot *slot)
{
	if (k->scan.slot == slot)
		ksm_scan_from(k, ksm_next_slot(k, slot));
	remove_trailing_rmap_items(k, &slot->rmap_list);
	slot->mm->ksm_slot = NULL;
	list_del(&slot->list);
	kmem_cache_free(k->mm_slot, slot);
}

void ksm_exit(struct mm_struct *mm)
{
	if (mm->ksm_slot)
		ksm_free_slot(mm->mem->in->ksm, mm->ksm_slot);
}

int unmerge_and_remove_all_rmap_items(struct ksm_state *k)
{
	struct ksm_mm_slot *slot, *next;
	struct vm_area_struct *vma;
	int err = 0;

	list_for_each_entry_safe (slot, next, &k->slots, list) {
		for (vma = vma_first(slot->mm); vma && !err; vma = vma_next(vma))
			if ((vma->vm_flags & VM_MERGEABLE) && vma->anon_vma)
				err = unmerge_ksm_pages(vma, vma->vm_start, vma->vm_end);
		if (err)
			return err;
		remove_trailing_rmap_items(k, &slot->rmap_list);
	}
	ksm_scan_from(k, NULL);
	k->scan.seqnr = 0;
	prune_stable_tree(k);
	return 0;
}

/* --- whole processes --------------------------------------------------------------------- */

static void add_vmas(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	for_each_vma (mm, vma)
		if (vma_ksm_compatible(vma))
			vma->vm_flags |= VM_MERGEABLE;
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
	for_each_vma (mm, vma) {
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

	for_each_vma (mm, vma)
		if (vma->vm_flags & VM_MERGEABLE)
			return true;
	return mm->ksm_merge_any;
}

/* A child's copy of an address space: areas, anon_vmas, ptes, charges. Linux: dup_mm(), dup_mmap().
 *
 * The child is built in the list of address spaces as an mm of its own from the start, so what has
 * been copied when memory runs out goes by mmput(), as at exit.
 *
 * Not for: what happens to ptes (copy_page_range(), pterange.c), the task (proc/fork.c).
 */
#include "mm/ksm.h"
#include "mm/tlb.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* What a new mm_struct does not start with at zero. */
static void copy_layout(struct mm_struct *mm, const struct mm_struct *old)
{
	mm->mmap_base = old->mmap_base;
	mm->mmap_compat_base = old->mmap_compat_base;
	mm->mmap_legacy = old->mmap_legacy;
	mm->start_code = old->start_code;
	mm->end_code = old->end_code;
	mm->start_data = old->start_data;
	mm->end_data = old->end_data;
	mm->start_brk = old->start_brk;
	mm->brk = old->brk;
	mm->start_stack = old->start_stack;
	mm->arg_start = old->arg_start;
	mm->arg_end = old->arg_end;
	mm->env_start = old->env_start;
	mm->env_end = old->env_end;
	mm->vdso = old->vdso;
	for (u32 i = 0; i < old->saved_auxv_len; i++)
		mm->saved_auxv[i] = old->saved_auxv[i];
	mm->saved_auxv_len = old->saved_auxv_len;
	mm->dumpable = old->dumpable;
	mm->membarrier_state = old->membarrier_state;
	mm->coredump_filter = old->coredump_filter;
	mm_inherit_flags(mm, old);
	mm->has_ldt = old->has_ldt;
	mm->def_flags = old->def_flags & ~VM_LOCKED_MASK; /* mlockall() is not inherited */
}

/* The child's area, complete but for its pages; not linked. NULL: no memory. */
static struct vm_area_struct *dup_vma(struct mm_struct *mm, struct vm_area_struct *old,
				      struct list_head *uffds)
{
	const struct memory_hooks *h = &mm->mem->hooks;
	struct vm_area_struct *vma = vm_area_dup(old);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	vma->vm_flags &= ~VM_LOCKED_MASK;
	vma->anon_vma = NULL;
	if (dup_userfaultfd(vma, uffds)) {
		vm_area_free(vma);
		return NULL;
	}
	/* A wiped area starts anew, without any tie to the parent's pages. */
	if (!(vma->vm_flags & VM_WIPEONFORK) && anon_vma_fork(vma, old)) {
		userfaultfd_ctx_put(vma->vm_uffd);
		vm_area_free(vma);
		return NULL;
	}
	if (vma->vm_file && h->file_get)
		h->file_get(vma->vm_file);
	mpol_get(vma->vm_policy);
	if (vma->vm_ops && vma->vm_ops->open)
		vma->vm_ops->open(vma);
	return vma;
}

static int dup_area(struct mm_struct *mm, struct vm_area_struct *old, struct list_head *uffds)
{
	u64 charge = old->vm_flags & VM_ACCOUNT ? vma_pages(old) : 0;
	struct vm_area_struct *vma;

	if (charge && security_vm_enough_memory(mm, charge))
		return -ENOMEM;
	vma = vma_tree_reserve(mm, 1) ? NULL : dup_vma(mm, old, uffds);
	if (!vma) {
		vm_unacct_memory(mm->mem, charge);
		return -ENOMEM;
	}
	vma_link(mm, vma);
	vm_stat_account(mm, vma->vm_flags, vma_pages(vma));
	return vma->vm_flags & VM_WIPEONFORK ? 0 : copy_page_range(vma, old);
}

struct mm_struct *dup_mm(struct mm_struct *old)
{
	const struct memory_hooks *h = &old->mem->hooks;
	struct mm_struct *mm = mm_alloc(old->mem);
	struct list_head uffds;
	struct vm_area_struct *vma;
	int err = 0;

	if (IS_ERR(mm))
		return mm;
	INIT_LIST_HEAD(&uffds);
	copy_layout(mm, old);
	mm->exe_file = old->exe_file;
	if (mm->exe_file && h->file_get)
		h->file_get(mm->exe_file);
	err = ksm_fork(mm, old);
	for (vma = vma_first(old); vma && !err; vma = vma_next(vma))
		if (!(vma->vm_flags & VM_DONTCOPY))
			err = dup_area(mm, vma, &uffds);
	if (err) {
		dup_userfaultfd_fail(&uffds);
		mmput(mm);
		return ERR_PTR(err);
	}
	mm->hiwater_rss = get_mm_rss(mm);
	mm->hiwater_vm = mm->total_vm;
	mm_debug_validate(old);
	mm_debug_validate(mm);
	if (unlikely(!list_empty(&uffds)))
		dup_userfaultfd_complete(&uffds);
	return mm;
}

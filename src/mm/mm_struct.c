/* An address space from its first user to its last: mm_alloc, mmput, and what it adds up to.
 *
 * Not for: what lies in it (mmap.c and kin), copying it at fork (fork.c).
 */
#include "base/trace.h"
#include "mm/ksm.h"
#include "mm/tlb.h"
#include "mm/vma_internal.h"

struct mm_struct *mm_alloc(struct memory *m)
{
	struct mm_struct *mm = kmem_cache_zalloc(m->in->mm_struct, GFP_KERNEL);

	if (!mm)
		return ERR_PTR(-ENOMEM);
	mm->pgd = pagetable_alloc(m);
	if (!mm->pgd) {
		kmem_cache_free(m->in->mm_struct, mm);
		return ERR_PTR(-ENOMEM);
	}
	mm->mem = m;
	mm->mm_users = 1;
	mm->mm_count = 1;
	mm->mmap_base = TASK_SIZE;
	mm->coredump_filter = COREDUMP_FILTER_DEFAULT;
	mm->dumpable = SUID_DUMP_USER;
	INIT_LIST_HEAD(&mm->uffd_unmaps);
	list_add_tail(&mm->mmlist, &m->mm_list);
	return mm;
}

int mm_set_mdwe(struct mm_struct *mm, u64 bits)
{
	if ((bits & ~(u64)(PR_MDWE_REFUSE_EXEC_GAIN_K | PR_MDWE_NO_INHERIT_K)) ||
	    bits == PR_MDWE_NO_INHERIT_K)
		return -EINVAL;
	if (mm->mdwe && mm->mdwe != bits)
		return -EPERM;
	mm->mdwe = bits;
	return 0;
}

void mm_inherit_flags(struct mm_struct *mm, const struct mm_struct *old)
{
	mm->mdwe = old->mdwe & PR_MDWE_NO_INHERIT_K ? 0 : old->mdwe;
	mm->thp_disable = old->thp_disable;
}

/* Everything goes: ptes and frames, page tables, areas, tree. Cannot fail. */
static void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vma = vma_first(mm), *next;
	u64 accounted = 0;

	lru_add_drain(mm->mem);
	ksm_exit(mm);
	if (vma) {
		zap_page_range(mm, vma->vm_start, TASK_SIZE);
		free_pgtables(mm, vma->vm_start, TASK_SIZE, 0, 0);
	}
	for (; vma; vma = next) {
		next = vma_next(vma);
		if (vma->vm_flags & VM_ACCOUNT)
			accounted += vma_pages(vma);
		if (vma->vm_mapping)
			list_del_init(&vma->shared);
		vma_release(vma);
	}
	vma_tree_destroy(mm);
	vm_unacct_memory(mm->mem, accounted);
	mm->map_count = 0;
	mm->locked_leaked = 0;
	mm->total_vm = mm->locked_vm = mm->data_vm = mm->exec_vm = mm->stack_vm = 0;
}

/* See: Linux, __oom_reap_task_mm(). Whoever still copies from there on its way out gets SIGBUS or -EFAULT,
 * not zeros. */
void mm_reap(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	mm->reaped = true;
	for_each_vma (mm, vma)
		if (!(vma->vm_flags & (VM_SHARED | VM_PFNMAP)) || vma_is_anonymous(vma))
			zap_page_range(mm, vma->vm_start, vma->vm_end);
	mm_debug_validate(mm);
}

void mmput(struct mm_struct *mm)
{
	const struct memory_hooks *h = &mm->mem->hooks;

	VM_BUG_ON(!mm->mm_users);
	if (--mm->mm_users)
		return;
	exit_mmap(mm);
	if (mm->exe_file && h->file_put)
		h->file_put(mm->exe_file);
	mm->exe_file = NULL;
	list_del_init(&mm->mmlist);
	tlb_forget_mm(mm);
	pagetable_free(mm->mem, mm->pgd);
	mm->pgd = NULL;
	mmdrop(mm);
}

void mmdrop(struct mm_struct *mm)
{
	struct memory *m = mm->mem;

	VM_BUG_ON(!mm->mm_count);
	if (--mm->mm_count)
		return;
	kmem_cache_free(m->in->mm_struct, mm);
}

void trace_rss_stat(const struct mm_struct *mm, enum rss_kind kind)
{
	static const char *const names[NR_MM_COUNTERS] = {"MM_FILEPAGES", "MM_ANONPAGES",
							  "MM_SWAPENTS", "MM_SHMEMPAGES"};
	const struct tlb *tlb = mm->mem->tlbs[0];

	/* The kernel makes a number of the pointer; here the root table's frame tells them apart. */
	trace_event(mm->mem->trace, TP_kmem_rss_stat, "mm_id=%u curr=%d type=%s size=%ldB",
		    (u32)virt_to_pfn(mm->mem, mm->pgd), tlb && tlb->mm == mm, names[kind],
		    mm->rss[kind] << PAGE_SHIFT);
}

void mm_read_counts(struct mm_struct *mm, struct mm_counts *c)
{
	u64 text = (page_align(mm->end_code) - (mm->start_code & PAGE_MASK)) >> PAGE_SHIFT;
	u64 rss;

	c->rss_anon = mm->rss[MM_ANONPAGES];
	c->rss_file = mm->rss[MM_FILEPAGES];
	c->rss_shmem = mm->rss[MM_SHMEMPAGES];
	c->swapents = mm->rss[MM_SWAPENTS];
	rss = c->rss_anon + c->rss_file + c->rss_shmem;
	c->peak_rss = max(mm->hiwater_rss, rss);
	c->total_vm = mm->total_vm;
	c->peak_vm = max(mm->hiwater_vm, mm->total_vm);
	c->locked_vm = mm->locked_vm;
	c->pinned_vm = mm->pinned_vm;
	c->data_vm = mm->data_vm;
	c->stack_vm = mm->stack_vm;
	c->exec_vm = mm->exec_vm;
	c->text_vm = min(text, mm->exec_vm);
	c->lib_vm = mm->exec_vm - c->text_vm;
	c->pgtables_bytes = mm->pgtables_bytes;
}

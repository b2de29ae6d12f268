/* brk(2), and the areas that exec makes itself: bss, heap, stack. */
#include "mm/mmap_flags.h"
#include "mm/ksm.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

#define VM_DATA_DEFAULT_FLAGS                                                                      \
	(VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT)

/* Is [addr, addr + len) a legal place, under the limit on locked memory? */
static int check_brk_limits(struct mm_struct *mm, gva_t addr, u64 len)
{
	long place = __get_unmapped_area(mm, addr, len, 0, MAP_FIXED, THP_NONE, false);

	if (IS_ERR_VALUE(place))
		return (int)place;
	return mlock_future_ok(mm, mm->def_flags, len) ? 0 : -EAGAIN;
}

/* Makes the empty range [addr, addr + len) anonymous and writable, as part of @prev if it can. */
static int do_brk_flags(struct mm_struct *mm, struct vm_area_struct *prev, gva_t addr, u64 len,
			vm_flags_t flags)
{
	struct vma_merge vmg = {.mm = mm,
				.prev = prev,
				.start = addr,
				.end = addr + len,
				.pgoff = addr >> PAGE_SHIFT,
				.just_expand = true};
	u64 pages = len >> PAGE_SHIFT;
	struct vm_area_struct *vma;

	flags |= VM_DATA_DEFAULT_FLAGS | mm->def_flags;
	if (read_implies_exec(mm->mem))
		flags |= VM_EXEC;
	flags = ksm_vma_flags(mm, flags);
	if (!may_expand_vm(mm, flags, pages) || mm->map_count > mm->mem->max_map_count)
		return -ENOMEM;
	if (security_vm_enough_memory(mm, pages))
		return -ENOMEM;
	vmg.flags = flags;
	vma = vma_merge_new_range(&vmg);
	if (!vma) {
		if (vmg.no_memory || vma_tree_reserve(mm, 1) || !(vma = vm_area_alloc(mm))) {
			vm_unacct_memory(mm->mem, pages);
			return -ENOMEM;
		}
		vma->vm_start = addr;
		vma->vm_end = addr + len;
		vma->vm_pgoff = vmg.pgoff;
		vma->vm_flags = flags;
		vma_link(mm, vma);
	}
	vm_stat_account(mm, flags, pages);
	if (flags & VM_LOCKED)
		mm->locked_vm += pages;
	return 0;
}

/* RLIMIT_DATA counts from start_brk, with the data segment on top. Shrinking is checked too. */
static bool over_data_limit(const struct mm_struct *mm, gva_t brk)
{
	u64 limit = rlimit(mm, RLIM_DATA);

	return limit != RLIM_INF && brk - mm->start_brk + (mm->end_data - mm->start_data) > limit;
}

static int brk_shrink(struct mm_struct *mm, gva_t new_end, gva_t old_end)
{
	struct vma_unmap u;
	int err;

	if (!find_vma_intersection(mm, new_end, old_end))
		return -EINVAL;
	err = vma_unmap_prepare(mm, new_end, old_end, &u);
	if (!err)
		vma_unmap_commit(&u);
	return err;
}

static int brk_grow(struct mm_struct *mm, gva_t old_end, gva_t new_end)
{
	struct vm_area_struct *next, *prev;
	int err;

	/* A break near 2^64 wraps to a length that is no place's. */
	err = check_brk_limits(mm, old_end, new_end - old_end);
	if (err)
		return err;
	/* One free page stays above the heap, and the guard gap below a stack. */
	next = find_vma_prev(mm, old_end, &prev);
	if (next && new_end + PAGE_SIZE > vm_start_gap(next))
		return -ENOMEM;
	if (prev && prev->vm_end <= mm->start_brk)
		prev = NULL; /* the bss stays an area of its own */
	return do_brk_flags(mm, prev, old_end, new_end - old_end, 0);
}

long do_brk(struct mm_struct *mm, gva_t brk)
{
	gva_t old_end = page_align(mm->brk), new_end = page_align(brk);
	int err = 0;

	if (brk < mm->start_brk || over_data_limit(mm, brk))
		return mm->brk;
	if (new_end != old_end && brk <= mm->brk)
		err = brk_shrink(mm, new_end, old_end);
	else if (new_end != old_end)
		err = brk_grow(mm, old_end, new_end);
	if (err)
		return mm->brk;
	mm->brk = brk;
	mm_debug_validate(mm);
	userfaultfd_unmap_complete(mm);
	if (new_end > old_end && (mm->def_flags & VM_LOCKED))
		mm_populate(mm, old_end, new_end - old_end, true);
	return brk;
}

int vm_brk_flags(struct mm_struct *mm, gva_t addr, u64 len, vm_flags_t flags)
{
	struct vm_area_struct *prev;
	struct vma_unmap u;
	u64 size = page_align(len);
	int err;

	if (size < len)
		return -ENOMEM;
	if (!size)
		return 0;
	if ((flags & ~VM_EXEC) || !page_aligned(addr))
		return -EINVAL;
	err = check_brk_limits(mm, addr, size);
	if (!err)
		err = vma_unmap_prepare(mm, addr, addr + size, &u);
	if (err)
		return err;
	vma_unmap_commit(&u);
	find_vma_prev(mm, addr, &prev);
	err = do_brk_flags(mm, prev, addr, size, flags);
	mm_debug_validate(mm);
	if (!err && (mm->def_flags & VM_LOCKED))
		mm_populate(mm, addr, size, true);
	return err;
}

struct vm_area_struct *vm_stack_create(struct mm_struct *mm, gva_t end, u64 len)
{
	vm_flags_t flags = VM_DATA_DEFAULT_FLAGS | VM_GROWSDOWN | mm->def_flags;
	struct vm_area_struct *vma;

	if (!len || !page_aligned(end | len) || end > TASK_SIZE || len > end)
		return ERR_PTR(-EINVAL);
	if (find_vma_intersection(mm, end - len, end))
		return ERR_PTR(-EEXIST);
	if (vma_tree_reserve(mm, 1))
		return ERR_PTR(-ENOMEM);
	vma = vm_area_alloc(mm);
	if (!vma)
		return ERR_PTR(-ENOMEM);
	if (security_vm_enough_memory(mm, len >> PAGE_SHIFT)) {
		vm_area_free(vma);
		return ERR_PTR(-ENOMEM);
	}
	vma->vm_start = end - len;
	vma->vm_end = end;
	vma->vm_pgoff = vma->vm_start >> PAGE_SHIFT;
	vma->vm_flags = flags;
	vma_link(mm, vma);
	vm_stat_account(mm, flags, vma_pages(vma));
	if (flags & VM_LOCKED)
		mm->locked_vm += vma_pages(vma);
	mm_debug_validate(mm);
	return vma;
}

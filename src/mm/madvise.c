/* madvise(2): the walk over the areas of a range, and what each advice does to one of them.
 * Which advice there is stands in madvise.def; what is not there is EINVAL. */
#include "mm/tlb.h"
#include "mm/vma_internal.h"

#define MADV_POPULATE_WRITE 23

struct madvise_desc;

/* One area's part of the call. */
struct madvise_range {
	struct mm_struct *mm;
	struct vm_area_struct *vma; /* out: the area there afterwards (a merge may have moved it) */
	gva_t start, end;
	const struct madvise_desc *desc;
};

struct madvise_desc {
	int advice;
	int (*apply)(struct madvise_range *r);
	vm_flags_t refused, set, clear;
};

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
	if (r->vma->vm_flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_DROPPABLE))
		return 0;
	return madv_flags(r);
}

static int madv_wipeonfork(struct madvise_range *r)
{
	/* Private anonymous memory only; /dev/zero has a file. */
	if (r->vma->vm_file || r->vma->vm_ops || (r->vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return madv_flags(r);
}

/* --- pages ------------------------------------------------------------------------------- */

static int madv_dontneed(struct madvise_range *r)
{
	zap_page_range(r->mm, r->start, r->end);
	return 0;
}

/* Reads the file's pages into the cache. Anonymous and shmem pages are in memory already. */
static int madv_willneed(struct madvise_range *r)
{
	struct address_space *as = r->vma->vm_mapping;
	u64 index, last;

	if (!as || as->is_shmem)
		return 0;
	index = linear_page_index(r->vma, r->start);
	last = min(linear_page_index(r->vma, r->end),
		   (as->i_size >> PAGE_SHIFT) + !!page_offset(as->i_size));
	for (; index < last; index++) {
		bool major = false;
		struct page *page = filemap_get_page(as, index, min(last - index, 32UL), &major);

		if (IS_ERR(page))
			break; /* read-ahead: whoever needs it will see the error */
		put_page(r->mm->mem, page);
	}
	return 0;
}

/* A page that only this pte maps; others' use of a shared one is not ours to judge. */
static struct page *own_page(struct mm_struct *mm, pte_t pte)
{
	struct page *page = pte_present(pte) ? vm_normal_page(mm->mem, pte) : NULL;

	return page && page->mapcount == 1 ? page : NULL;
}

static int free_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct page *page = own_page(arg, *pte);

	if (page && PageAnon(page)) {
		pte->pte &= ~(_PAGE_DIRTY | _PAGE_ACCESSED);
		page_clear(page, PG_dirty);
		page_clear(page, PG_referenced);
		page_clear(page, PG_swapbacked); /* clean and not swap-backed: lazyfree */
	}
	return 0;
}

/* Contents stay until reclaim takes the page; a store before makes it dirty, and kept. */
static int madv_free(struct madvise_range *r)
{
	if (!vma_is_anonymous(r->vma))
		return -EINVAL;
	walk_page_range(r->mm, r->start, r->end, free_pte, r->mm);
	flush_tlb_range(r->mm, r->start, r->end); /* stores must set the dirty bit again */
	return 0;
}

static int cold_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct page *page = own_page(arg, *pte);

	if (page) {
		pte->pte &= ~_PAGE_ACCESSED;
		page_clear(page, PG_referenced);
		page_clear(page, PG_active);
	}
	return 0;
}

static int madv_cold(struct madvise_range *r)
{
	walk_page_range(r->mm, r->start, r->end, cold_pte, r->mm);
	flush_tlb_range(r->mm, r->start, r->end);
	return 0;
}

/* Faults in every page as a load or a store would, without one. */
static int madv_populate(struct madvise_range *r)
{
	bool write = r->desc->advice == MADV_POPULATE_WRITE;
	struct vm_area_struct *vma = r->vma;

	if (write ? !(vma->vm_flags & VM_WRITE) : !(vma->vm_flags & VM_ACCESS_FLAGS))
		return -EINVAL;
	for (gva_t addr = r->start; addr < r->end; addr += PAGE_SIZE) {
		const pte_t *pte = pte_offset(r->mm, addr);
		unsigned ret;

		if (pte && pte_present(*pte) && (!write || (pte->pte & _PAGE_RW)))
			continue;
		ret = handle_mm_fault(vma, addr, write ? FAULT_FLAG_WRITE : 0);
		if (ret & VM_FAULT_OOM)
			return -ENOMEM;
		if (ret & VM_FAULT_ERROR)
			return -EFAULT;
		count_vm_event(r->mm->mem, EV_pgfault);
		r->mm->min_flt++;
	}
	return 0;
}

/* --- the call ---------------------------------------------------------------------------- */

static const struct madvise_desc madvise_table[] = {
#define MADV(nr, name, handler, refused, set, clear) {nr, handler, refused, set, clear},
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

/* mlock(2) and kin: VM_LOCKED areas are filled at once and stay filled; locked_vm counts them.
 *
 * A page that a locked area maps is PG_mlocked, at once, and, when its batch is drained, unevictable;
 * mlock_count says of how many areas. It may say too little (a page can be locked while it is on no list):
 * then it becomes evictable too early, and reclaim, which meets the area, locks it again. */
#include "mm/buddy.h"
#include "mm/mmap_flags.h"
#include "mm/vma_internal.h"

/* --- pages ----------------------------------------------------------------------------------- */

/* What a page waits for in the batch: bits of its pointer; neither: munlock. */
#define LRU_FOLIO 1UL /* mlock, and it may be on a list */
#define NEW_FOLIO 2UL /* mlock, and it is on none */

static void set_unevictable(struct page *page)
{
	page_set(page, PG_unevictable);
	page->mlock_count = page_test(page, PG_mlocked);
}

/* On a list again that reclaim looks at. */
static void rescue(struct memory *m, struct zone *z, struct page *page)
{
	lruvec_del_folio(m, z, page);
	page_clear(page, PG_unevictable);
	lruvec_add_folio(m, z, page);
	count_vm_event(m, EV_unevictable_pgs_rescued);
}

static void mlock_lru_folio(struct memory *m, struct zone *z, struct page *page)
{
	if (!page_test(page, PG_lru)) /* nothing more can be done */
		return;
	if (unlikely(folio_evictable(page))) { /* unlocked meanwhile */
		if (page_test(page, PG_unevictable))
			rescue(m, z, page);
		return;
	}
	if (page_test(page, PG_unevictable)) {
		if (page_test(page, PG_mlocked))
			page->mlock_count++;
		return;
	}
	lruvec_del_folio(m, z, page);
	page_clear(page, PG_active);
	set_unevictable(page);
	lruvec_add_folio(m, z, page);
	count_vm_event(m, EV_unevictable_pgs_culled);
}

static void mlock_fresh_folio(struct memory *m, struct zone *z, struct page *page)
{
	VM_BUG_ON(page_test(page, PG_lru));
	if (likely(!folio_evictable(page))) {
		set_unevictable(page);
		count_vm_event(m, EV_unevictable_pgs_culled);
	}
	lruvec_add_folio(m, z, page);
	page_set(page, PG_lru);
}

static void count_mlock(struct memory *m, struct zone *z, s64 nr)
{
	z->nr_mlock += nr;
	mod_node_stat(m, ST_mlock, nr);
}

static void munlock_lru_folio(struct memory *m, struct zone *z, struct page *page)
{
	bool on_list = page_test(page, PG_lru);

	if (on_list && page_test(page, PG_unevictable)) {
		if (page->mlock_count)
			page->mlock_count--;
		if (page->mlock_count)
			return;
	}
	/* It was the last lock, as far as is known. */
	if (page_test(page, PG_mlocked)) {
		page_clear(page, PG_mlocked);
		count_mlock(m, z, -1);
		if (on_list || !page_test(page, PG_unevictable))
			count_vm_event(m, EV_unevictable_pgs_munlocked);
		else
			count_vm_event(m, EV_unevictable_pgs_stranded);
	}
	if (on_list && page_test(page, PG_unevictable) && folio_evictable(page))
		rescue(m, z, page);
}

void mlock_drain(struct memory *m)
{
	struct folio_batch *b = &this_cpu_fbatches(m)->mlock;
	unsigned nr = b->nr;

	b->nr = 0;
	for (unsigned i = 0; i < nr; i++) {
		u64 how = (u64)b->pages[i] & (LRU_FOLIO | NEW_FOLIO);
		struct page *page = (struct page *)((u64)b->pages[i] - how);
		struct zone *z = page_zone(m, page);

		if (how == LRU_FOLIO)
			mlock_lru_folio(m, z, page);
		else if (how == NEW_FOLIO)
			mlock_fresh_folio(m, z, page);
		else
			munlock_lru_folio(m, z, page);
		put_page(m, page);
	}
}

static void mlock_batch_add(struct memory *m, struct page *page, u64 how)
{
	struct folio_batch *b = &this_cpu_fbatches(m)->mlock;

	get_page(page);
	b->pages[b->nr++] = (struct page *)((u64)page | how);
	if (b->nr == FOLIO_BATCH)
		mlock_drain(m);
}

static void set_mlocked(struct memory *m, struct page *page)
{
	page_set(page, PG_mlocked);
	count_mlock(m, page_zone(m, page), 1);
	count_vm_event(m, EV_unevictable_pgs_mlocked);
}

void mlock_folio(struct memory *m, struct page *page)
{
	if (!page_test(page, PG_mlocked))
		set_mlocked(m, page);
	mlock_batch_add(m, page, LRU_FOLIO);
}

void mlock_new_folio(struct memory *m, struct page *page)
{
	set_mlocked(m, page);
	mlock_batch_add(m, page, NEW_FOLIO);
}

/* Whether it stays locked, mlock_count says, which is known when the batch is drained. */
void munlock_folio(struct memory *m, struct page *page)
{
	mlock_batch_add(m, page, 0);
}

static int mlock_pte(pte_t *pte, gva_t addr __unused, void *arg)
{
	const struct vm_area_struct *vma = arg;
	struct memory *m = vma->vm_mm->mem;
	struct page *page = pte_present(*pte) ? vm_normal_page(m, *pte) : NULL;

	if (!page)
		return 0;
	if (vma->vm_flags & VM_LOCKED)
		mlock_folio(m, page);
	else
		munlock_folio(m, page);
	return 0;
}

/* [start, end) of @vma, whose flags are new, has become locked, or unlocked. */
static void mlock_vma_pages_range(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	struct memory *m = vma->vm_mm->mem;

	lru_add_drain(m);
	walk_page_range(vma->vm_mm, start, end, mlock_pte, vma);
	lru_add_drain(m);
}

/* --- areas ----------------------------------------------------------------------------------- */

static bool vma_supports_mlock(const struct vm_area_struct *vma)
{
	/* What is secret was locked when it was mapped, and stays so. */
	return !(vma->vm_flags & (VM_SPECIAL | VM_DROPPABLE)) && !vma_is_secretmem(vma);
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
	vma = vma_modify_flags(mm, vma, start, end, newflags);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	*pvma = vma;
	if (!(newflags & VM_LOCKED))
		mm->locked_vm -= pages;
	else if (!(oldflags & VM_LOCKED))
		mm->locked_vm += pages;
	if ((newflags ^ oldflags) & VM_LOCKED) /* not twice */
		mlock_vma_pages_range(vma, start, end);
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

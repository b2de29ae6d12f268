/* /proc/PID/pagemap: an entry of 64 bits a page, and ioctl(PAGEMAP_SCAN), whose walk is mm/pagemap_scan.c's.
 * See: Linux 6.18, fs/proc/task_mmu.c; Documentation/admin-guide/mm/pagemap.rst. */
#include <string.h>

#include "base/err.h"
#include "mm/pagemap_scan.h"
#include "mm/paging.h"
#include "mm/uaccess.h"
#include "proc/procfs/internal.h"

/* --- entries ------------------------------------------------------------------------------ */

#define PM_ENTRY_BYTES sizeof(u64)
#define PM_PFRAME_MASK (BIT(55) - 1)
#define PM_MMAP_EXCLUSIVE BIT(56)
#define PM_UFFD_WP BIT(57)
#define PM_GUARD_REGION BIT(58)
#define PM_FILE BIT(61)
#define PM_SWAP BIT(62)
#define SWAP_TYPE_BITS 5 /* of the frame number, the offset is above */
#define PM_PRESENT BIT(63)
#define PM_CHUNK_PAGES 512 /* entries made at once */

struct pagemapread {
	const struct memory *mem;
	bool show_pfn;
	gva_t start;  /* of the chunk */
	u64 *entries; /* PM_CHUNK_PAGES */
};

/* A marker; swap entries would come this way, too. */
static u64 pagemap_swap(const struct pagemapread *pm, pte_t pte)
{
	u64 entry = PM_SWAP;

	if (pm->show_pfn)
		entry |= swp_type(pte) | (swp_offset(pte) << SWAP_TYPE_BITS & PM_PFRAME_MASK);
	if (is_uffd_wp_marker(pte) || pte_swp_uffd_wp(pte))
		entry |= PM_UFFD_WP;
	return is_guard_pte(pte) ? entry | PM_GUARD_REGION : entry;
}

/* Bit 55 (soft-dirty) stays 0: it does not exist yet. */
static int pagemap_pte(pte_t *pte, gva_t addr, void *arg)
{
	struct pagemapread *pm = arg;
	const struct page *page;
	u64 entry = PM_PRESENT;

	if (!pte_present(*pte)) {
		pm->entries[(addr - pm->start) >> PAGE_SHIFT] = pagemap_swap(pm, *pte);
		return 0;
	}
	if (pm->show_pfn)
		entry |= pte_pfn(*pte) & PM_PFRAME_MASK;
	if (pte_uffd_wp(*pte))
		entry |= PM_UFFD_WP;
	if (!pte_special(*pte)) {
		page = pfn_to_page(pm->mem, pte_pfn(*pte));
		if (!PageAnon(page))
			entry |= PM_FILE;
		if (page->mapcount == 1)
			entry |= PM_MMAP_EXCLUSIVE;
	}
	pm->entries[(addr - pm->start) >> PAGE_SHIFT] = entry;
	return 0;
}

/* Entries of [start, end) go out; bytes, or -EFAULT when not one did. */
static long pagemap_chunk(struct mm_struct *mm, struct pagemapread *pm, gva_t end,
			  struct iov_iter *to)
{
	u64 len = ((end - pm->start) >> PAGE_SHIFT) * PM_ENTRY_BYTES, done;

	memset(pm->entries, 0, len);
	walk_page_range(mm, pm->start, end, pagemap_pte, pm);
	done = copy_to_iter(pm->entries, len, to);
	return done ? (long)done : -EFAULT;
}

long proc_read_pagemap(const struct proc_mm_file *mf, struct iov_iter *to, u64 *pos)
{
	struct mm_struct *mm = mf->mm;
	struct pagemapread pm = {.mem = mm->mem, .show_pfn = mf->show_pfn};
	long done = 0, n = 0;

	if (!mm->mm_users)
		return 0;
	if (*pos % PM_ENTRY_BYTES || to->count % PM_ENTRY_BYTES)
		return -EINVAL;
	pm.entries = kmalloc(mm->mem, PM_CHUNK_PAGES * PM_ENTRY_BYTES, GFP_KERNEL);
	if (!pm.entries)
		return -ENOMEM;
	mmget(mm); /* a copy may sleep, and the task end */
	while (to->count && *pos / PM_ENTRY_BYTES < TASK_SIZE >> PAGE_SHIFT) {
		u64 first = *pos / PM_ENTRY_BYTES, last = first + to->count / PM_ENTRY_BYTES;

		last = min(last, (first & ~(PM_CHUNK_PAGES - 1UL)) + PM_CHUNK_PAGES);
		last = min(last, TASK_SIZE >> PAGE_SHIFT);
		pm.start = first << PAGE_SHIFT;
		n = pagemap_chunk(mm, &pm, last << PAGE_SHIFT, to);
		if (n < 0)
			break;
		done += n;
		*pos += n;
		if ((u64)n < (last - first) * PM_ENTRY_BYTES)
			break;
	}
	kfree(mm->mem, pm.entries);
	mmput(mm);
	return done ? done : n;
}

/* --- PAGEMAP_SCAN: its argument, and where the results go ---------------------------------- */

#define SCAN_VEC_MAX 512U /* regions collected before they are copied out */

/* struct pm_scan_arg of the ABI. */
struct scan_arg {
	u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
	u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_K 0xc0606610U

static int get_args(struct mm_struct *mm, gva_t uarg, struct scan_arg *a)
{
	u64 bytes;

	if (copy_from_user(mm, a, uarg, sizeof(*a)))
		return -EFAULT;
	if (a->size != sizeof(*a) || (a->flags & ~PM_SCAN_FLAGS) ||
	    ((a->category_inverted | a->category_mask | a->category_anyof_mask | a->return_mask) &
	     ~PM_SCAN_CATEGORIES) ||
	    a->start % PAGE_SIZE)
		return -EINVAL;
	if (!access_ok(a->start, a->end - a->start))
		return -EFAULT;
	if (!a->vec && a->vec_len)
		return -EINVAL;
	if (__builtin_mul_overflow(a->vec_len, sizeof(struct page_region), &bytes) ||
	    !access_ok(a->vec, bytes))
		return -EFAULT;
	a->end = (a->end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (!a->max_pages)
		a->max_pages = ~0UL;
	return 0;
}

/* What was collected goes to the caller's memory @to. The number of regions, or -EFAULT. */
static long flush_regions(struct mm_struct *to, struct scan_arg *a, struct pagemap_scan *p)
{
	long n = p->nr;

	if (n && copy_to_user(to, a->vec, p->vec, n * sizeof(*p->vec)))
		return -EFAULT;
	a->vec += n * sizeof(*p->vec);
	a->vec_len -= n;
	p->nr = 0;
	p->vec_len = min((u64)p->vec_len, a->vec_len);
	return n;
}

/* Walks in steps of what the buffer holds; a copy to the caller may sleep. Regions or -errno. */
static long scan(struct mm_struct *mm, struct mm_struct *to, struct scan_arg *a,
		 struct pagemap_scan *p)
{
	gva_t at = a->start;
	long done = 0, n;
	int err = 0;

	while (at < a->end) {
		err = pagemap_scan_range(mm, at, a->end, p);
		n = flush_regions(to, a, p);
		if (n < 0)
			return n;
		done += n;
		if (err != -ENOSPC || !a->vec_len || p->found_pages == p->max_pages)
			break;
		at = p->walk_end;
	}
	return err && err != -ENOSPC ? err : done;
}

long proc_ioctl_pagemap(struct file *f, u32 cmd, u64 arg, struct mm_struct *curr_mm)
{
	struct mm_struct *mm = ((struct proc_mm_file *)f->private_data)->mm;
	struct pagemap_scan p = {0};
	struct scan_arg a;
	u64 walk_end;
	long ret;

	if (cmd != PAGEMAP_SCAN_K)
		return -EINVAL;
	if (!mm->mm_users)
		return -ESRCH;
	ret = get_args(curr_mm, arg, &a);
	if (ret)
		return ret;
	if (a.vec_len) {
		p.vec_len = min(a.vec_len, (u64)SCAN_VEC_MAX);
		p.vec = kmalloc(mm->mem, p.vec_len * sizeof(*p.vec), GFP_KERNEL);
		if (!p.vec)
			return -ENOMEM;
	}
	p.flags = a.flags;
	p.category_inverted = a.category_inverted;
	p.category_mask = a.category_mask;
	p.category_anyof_mask = a.category_anyof_mask;
	p.return_mask = a.return_mask;
	p.max_pages = a.max_pages;
	mmget(mm); /* a copy may sleep, and the process end */
	ret = scan(mm, curr_mm, &a, &p);
	/* Of a walk that ended by itself it is the end - unless an earlier step stopped. */
	walk_end = p.walk_end ? p.walk_end : a.end;
	if (put_user(curr_mm, walk_end, arg + offsetof(struct scan_arg, walk_end)))
		ret = -EFAULT;
	kfree(mm->mem, p.vec);
	mmput(mm);
	return ret;
}

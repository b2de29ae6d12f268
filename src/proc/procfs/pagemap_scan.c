/* ioctl(PAGEMAP_SCAN) of /proc/PID/pagemap: its argument, and where the results go. The walk is
 * mm/pagemap_scan.c's. See: Linux 6.18, do_pagemap_scan(). */
#include "mm/pagemap_scan.h"

#include "base/err.h"
#include "mm/uaccess.h"
#include "proc/procfs/internal.h"

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

/* NUMA policies of areas, and the pages in them: mbind(2), set_mempolicy_home_node(2), migrate_pages(2),
 * move_pages(2). See mempolicy.h. A machine has one node yet, so nothing ever moves. */
#include "base/err.h"
#include "mm/mempolicy.h"
#include "mm/vma_internal.h"

#define MPOL_MF_VALID (MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)

static bool vma_migratable(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_IO | VM_PFNMAP));
}

struct queue_pages {
	const struct memory *mem;
	const nodemask_t *nodes;
	u64 flags;
	bool migratable; /* the area */
	u64 nr_failed;
};

/* The page behind a pte that could be on the wrong node; NULL: there is none. What the kernel itself put
 * there (vdso) belongs to no file and no area. */
static struct page *movable_page(const struct memory *m, pte_t pte)
{
	struct page *page = pte_present(pte) ? vm_normal_page(m, pte) : NULL;

	return page && page->mapping && !page_test(page, PG_reserved) ? page : NULL;
}

/* Nothing is queued yet: a page whose node is not wanted comes from the only one, and there it goes.
 * With more nodes it is isolated here, and moved when the policy stands. */
static int queue_page(pte_t *pte, gva_t addr __unused, void *arg)
{
	struct queue_pages *qp = arg;
	struct page *page = movable_page(qp->mem, *pte);

	if (!page || node_isset(page_to_nid(qp->mem, page), qp->nodes))
		return 0;
	if ((qp->flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) && qp->migratable)
		return 0;
	qp->nr_failed++;
	return qp->flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) ? 0 : -EIO;
}

/* Pages of the range on other nodes than @nodes that cannot be moved: their number. -EFAULT: a hole
 * (@holes: only when there is nothing else); -EIO: STRICT alone, and there is such a page. */
static long queue_pages_range(struct mm_struct *mm, gva_t start, gva_t end, const nodemask_t *nodes,
			      u64 flags, bool holes)
{
	struct queue_pages qp = {.mem = mm->mem, .nodes = nodes, .flags = flags};
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);

	if (!vma || (!holes && vma->vm_start > start))
		return -EFAULT;
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		struct vm_area_struct *next = vma_next(vma);
		int err = 0;

		if (!holes && vma->vm_end < end && (!next || next->vm_start > vma->vm_end))
			return -EFAULT;
		qp.migratable = vma_migratable(vma);
		if ((flags & MPOL_MF_STRICT) || (flags && qp.migratable))
			err = walk_page_range(mm, max(start, vma->vm_start), min(end, vma->vm_end),
					      queue_page, &qp);
		if (err)
			return err;
	}
	return qp.nr_failed;
}

static int vma_replace_policy(struct vm_area_struct *vma, struct mempolicy *pol)
{
	int err = 0;

	if (vma->vm_ops && vma->vm_ops->set_policy)
		err = vma->vm_ops->set_policy(vma, pol);
	if (err)
		return err;
	mpol_get(pol);
	mpol_put(vma->vm_policy);
	vma->vm_policy = pol;
	return 0;
}

/* The part of *@pvma in [start, end) gets @pol; *@pvma is the area that has it then. */
static int mbind_range(struct mm_struct *mm, struct vm_area_struct **pvma, gva_t start, gva_t end,
		       struct mempolicy *pol)
{
	struct vm_area_struct *vma = *pvma;

	if (mpol_equal(vma->vm_policy, pol))
		return 0;
	vma = vma_modify_policy(mm, vma, max(start, vma->vm_start), min(end, vma->vm_end), pol);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	*pvma = vma;
	return vma_replace_policy(vma, pol);
}

static int mbind_areas(struct mm_struct *mm, gva_t start, gva_t end, struct mempolicy *pol)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);
	int err = 0;

	for (; vma && vma->vm_start < end && !err; vma = vma_next(vma))
		err = mbind_range(mm, &vma, start, end, pol);
	mm_debug_validate(mm);
	return err;
}

long do_mbind(struct mm_struct *mm, gva_t start, u64 len, unsigned mode, unsigned mode_flags,
	      const nodemask_t *nodes, u64 flags)
{
	gva_t end = start + page_align(len);
	struct mempolicy *pol;
	long failed;
	int err;

	if (flags & ~(u64)MPOL_MF_VALID)
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !mm_capable(mm->mem, MM_CAP_SYS_NICE))
		return -EPERM;
	if (!page_aligned(start))
		return -EINVAL;
	if (mode == MPOL_DEFAULT)
		flags &= ~(u64)MPOL_MF_STRICT;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	pol = mpol_new(mm->mem, mode, mode_flags, nodes);
	if (IS_ERR(pol))
		return PTR_ERR(pol);
	failed = queue_pages_range(mm, start, end, nodes, flags, !pol);
	err = failed < 0 ? (int)failed : mbind_areas(mm, start, end, pol);
	mpol_put(pol);
	if (!err && failed && (flags & MPOL_MF_STRICT))
		err = -EIO;
	return err;
}

static struct mempolicy *with_home_node(const struct mempolicy *old, u32 node)
{
	struct mempolicy *pol = kmem_cache_alloc(old->mem->in->numa_policy, GFP_KERNEL);

	if (!pol)
		return ERR_PTR(-ENOMEM);
	*pol = *old;
	pol->refcount = 1;
	pol->home_node = node;
	return pol;
}

long do_set_home_node(struct mm_struct *mm, gva_t start, u64 len, u64 node, u64 flags)
{
	gva_t end = start + page_align(len);
	struct vm_area_struct *vma;
	nodemask_t memory;
	int err = -ENOENT;

	node_memory_mask(mm->mem, &memory);
	if (!page_aligned(start) || flags || node >= MAX_NUMNODES || !node_isset(node, &memory) ||
	    end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = find_vma_intersection(mm, start, end);
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		struct mempolicy *old = vma->vm_policy, *pol;

		if (!old)
			continue;
		if (old->mode != MPOL_BIND && old->mode != MPOL_PREFERRED_MANY)
			return -EOPNOTSUPP;	      /* the areas before keep theirs */
		pol = with_home_node(old, (u32)node); /* below MAX_NUMNODES */
		if (IS_ERR(pol))
			return PTR_ERR(pol);
		err = mbind_range(mm, &vma, start, end, pol);
		mpol_put(pol);
		if (err)
			break;
	}
	mm_debug_validate(mm);
	return err;
}

/* --- moving ----------------------------------------------------------------------------------- */

/* What is on a node that is left lies on the only one, and that is where it goes. */
long do_migrate_pages(struct mm_struct *mm __unused, const nodemask_t *from __unused,
		      const nodemask_t *to __unused)
{
	return 0;
}

int page_status(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	const struct memory *m = mm->mem;
	const struct page *page;
	pte_t *pte;

	if (!vma)
		return -EFAULT;
	pte = pte_offset(mm, addr);
	if (!pte || !pte_present(*pte))
		return -ENOENT;
	page = vm_normal_page(m, *pte);
	if (page)
		return page_to_nid(m, page);
	return pte_pfn(*pte) == page_to_pfn(m, m->zero_page) ? -EFAULT : -ENOENT;
}

int move_one_page(struct mm_struct *mm, gva_t addr, unsigned node, bool all __unused)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	int at;

	if (!vma || !vma_migratable(vma))
		return -EFAULT;
	at = page_status(mm, addr);
	VM_BUG_ON(at >= 0 && (unsigned)at != node); /* there is no other that has memory */
	return at;
}

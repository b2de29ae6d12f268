/* Huge pages by name: see hugetlb.h. Pools, and mappings whose every touch finds a pool empty. */
#include "mm/hugetlb.h"

#include "base/err.h"
#include "mm/vma_internal.h"

void hugetlb_init(struct memory *m)
{
	m->in->hstates[0].shift = HUGE_DEFAULT_SHIFT;
	m->in->hstates[1].shift = HUGE_MAX_SHIFT;
}

struct hstate *hstate_sizelog(struct memory *m, u32 log)
{
	if (!log)
		log = HUGE_DEFAULT_SHIFT;
	for (unsigned i = 0; i < NR_HSTATES; i++)
		if (m->in->hstates[i].shift == log)
			return &m->in->hstates[i];
	return NULL;
}

/* No page of such a size is to be had, and there is none to give back. */
void hugetlb_resize(struct hstate *h, u64 nr_pages __unused)
{
	VM_BUG_ON(h->nr_pages);
}

/* Who fills a pool gives reservations an owner, too: until then none can succeed. */
int hugetlb_reserve_pages(struct hstate *h, u64 bytes)
{
	u64 pages = huge_align(h, bytes) >> h->shift;

	return pages <= h->free_pages - h->resv_pages ? 0 : -ENOMEM;
}

void hugetlb_init_object(struct address_space *as, struct hstate *h)
{
	VM_BUG_ON(as->nrpages);
	as->is_shmem = false;
	as->hstate = h;
}

struct address_space *hugetlb_new(struct memory *m, u64 size, struct hstate *h)
{
	struct address_space *as = shmem_new(m, size, VM_NORESERVE);

	if (!IS_ERR(as))
		hugetlb_init_object(as, h);
	return as;
}

static void hugetlb_open(struct vm_area_struct *vma)
{
	shmem_get(vma->vm_mapping);
}

static void hugetlb_close(struct vm_area_struct *vma)
{
	shmem_put(vma->vm_mapping);
}

/* alloc_hugetlb_folio(): nothing in the pool. */
static unsigned hugetlb_fault(struct vm_fault *vmf __unused)
{
	return VM_FAULT_SIGBUS;
}

static int hugetlb_split(struct vm_area_struct *vma, gva_t addr)
{
	return huge_aligned(vma_hstate(vma), addr) ? 0 : -EINVAL;
}

static const char *hugetlb_name(struct vm_area_struct *vma __unused)
{
	return "/anon_hugepage (deleted)";
}

const struct vm_operations_struct hugetlb_vm_ops = {
	.open = hugetlb_open,
	.close = hugetlb_close,
	.fault = hugetlb_fault,
	.may_split = hugetlb_split,
	.name = hugetlb_name,
};

/* Shared memory objects. See shmem.h.
 *
 * Every VMA that comes from an object (split, fork, mremap) holds a reference, as every file does.
 * Committed_AS counts an object by its size when it is made; one that was made with VM_NORESERVE,
 * page by page, when they come.
 */
#include "mm/shmem.h"

#include "base/err.h"
#include "mm/internal.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

struct shmem_inode {
	struct address_space as;
	u32 refcount;
	bool by_page;		     /* VM_NORESERVE: charged follows as.nrpages */
	u64 charged;		     /* pages counted in Committed_AS */
	struct shmem_blocks *blocks; /* NULL: no limit of its file system's */
	u64 counted;		     /* pages counted there */
	struct shared_policy policy; /* mbind(2) */
};

static const struct address_space_operations shmem_aops;

static struct shmem_inode *SHMEM_I(struct address_space *as)
{
	return container_of(as, struct shmem_inode, as);
}

int shmem_init(struct memory *m)
{
	return mm_cache_create(m, &m->in->shmem_inode, "shmem_inode_cache",
			       sizeof(struct shmem_inode), SLAB_RECLAIM_ACCOUNT);
}

struct address_space *shmem_new(struct memory *m, u64 size, vm_flags_t flags)
{
	bool by_page = flags & VM_NORESERVE;
	u64 charge = by_page ? 0 : size_in_pages(size);
	struct shmem_inode *info;
	int err = vm_enough_memory(m, charge);

	if (err)
		return ERR_PTR(err);
	info = kmem_cache_zalloc(m->in->shmem_inode, GFP_KERNEL);
	if (!info) {
		vm_unacct_memory(m, charge);
		return ERR_PTR(-ENOMEM);
	}
	address_space_init(&info->as, m, &shmem_aops, info);
	info->as.is_shmem = true;
	info->as.i_size = size;
	info->as.dev_minor = 1;
	info->as.ino = ++m->next_anon_ino;
	info->refcount = 1;
	info->by_page = by_page;
	info->charged = charge;
	return &info->as;
}

void shmem_set_blocks(struct address_space *as, struct shmem_blocks *b)
{
	VM_BUG_ON(as->nrpages);
	SHMEM_I(as)->blocks = b;
}

/* Pages came or went: so does their charge. */
static void recalc_charge(struct address_space *as)
{
	struct shmem_inode *info = SHMEM_I(as);

	if (info->blocks) {
		info->blocks->used += as->nrpages - info->counted;
		info->counted = as->nrpages;
	}
	if (!info->by_page)
		return;
	as->mem->committed_as += as->nrpages - info->charged;
	info->charged = as->nrpages;
}

void shmem_get(struct address_space *as)
{
	SHMEM_I(as)->refcount++;
}

void shmem_put(struct address_space *as)
{
	struct shmem_inode *info = SHMEM_I(as);
	struct memory *m = as->mem;

	if (--info->refcount)
		return;
	address_space_destroy(as);
	if (info->blocks)
		info->blocks->used -= info->counted;
	vm_unacct_memory(m, info->charged);
	mpol_free_shared_policy(m, &info->policy);
	kmem_cache_free(m->in->shmem_inode, info);
}

/* --- pages ------------------------------------------------------------------------------- */

/* May @nr more pages come? As in shmem_inode_acct_blocks(), no room to commit is -ENOSPC, too. */
static int may_grow(struct address_space *as, u64 nr)
{
	struct shmem_inode *info = SHMEM_I(as);

	if (info->by_page) {
		if (vm_enough_memory(as->mem, nr))
			return -ENOSPC;
		vm_unacct_memory(as->mem, nr); /* recalc_charge() counts them */
	}
	if (info->blocks && info->blocks->max - info->blocks->used < nr)
		return -ENOSPC;
	return 0;
}

static struct page *make_page(struct address_space *as, u64 index)
{
	struct page *page;
	int err = may_grow(as, 1);

	if (err)
		return ERR_PTR(err);
	page = filemap_grab_page(as, index, true);
	if (!IS_ERR(page))
		recalc_charge(as);
	return page;
}

struct page *shmem_get_page(struct address_space *as, u64 index)
{
	struct page *page = find_get_page(as, index);

	if (!page)
		page = make_page(as, index);
	if (!IS_ERR(page))
		page_set(page, PG_uptodate); /* even if it came from fallocate(2) */
	return page;
}

bool shmem_is_data(struct address_space *as, u64 index)
{
	struct page *page = radix_find(&as->i_pages, index);

	return page && page_test(page, PG_uptodate);
}

/* Their bytes are zeros already; that they are not PG_uptodate makes them pages of a hole. When there is
 * no room for all, none stays: as in Linux, not even those of an earlier call. */
int shmem_allocate(struct address_space *as, u64 first, u64 end)
{
	int err = 0;
	u64 i;

	if (SHMEM_I(as)->blocks && end - first > SHMEM_I(as)->blocks->max)
		return -ENOSPC;
	for (i = first; i < end; i++) {
		struct page *page = find_get_page(as, i);

		if (!page) {
			page = make_page(as, i);
			if (IS_ERR(page)) {
				err = PTR_ERR(page);
				break;
			}
			page_clear(page, PG_uptodate);
		}
		put_page(as->mem, page);
	}
	for (; err && i > first; i--)
		if (radix_find(&as->i_pages, i - 1) && !shmem_is_data(as, i - 1))
			punch_inode_pages_range(as, i - 1, i - 1);
	recalc_charge(as);
	return err;
}

struct page *shmem_write_begin(struct address_space *as, u64 index)
{
	struct page *page = shmem_get_page(as, index);

	if (IS_ERR(page))
		return page;
	folio_mark_accessed(as->mem, page);
	page_code_dirty(as->mem, page);
	return page;
}

struct page *shmem_read_page(struct address_space *as, u64 index)
{
	struct page *page = find_get_page(as, index);

	if (page && !page_test(page, PG_uptodate)) {
		put_page(as->mem, page);
		return NULL;
	}
	return page;
}

/* Zeroes [from, to) of one cached page. */
static void zero_part(struct address_space *as, u64 from, u64 to)
{
	struct page *page = from < to ? find_get_page(as, from >> PAGE_SHIFT) : NULL;

	if (!page)
		return;
	page_code_changes(as->mem, page, page_offset(from), to - from);
	__builtin_memset((u8 *)page_address(as->mem, page) + page_offset(from), 0, to - from);
	folio_mark_dirty(page);
	put_page(as->mem, page);
}

int shmem_setattr_size(struct address_space *as, u64 size)
{
	struct shmem_inode *info = SHMEM_I(as);
	u64 was = size_in_pages(as->i_size), now = size_in_pages(size);
	int err;

	if (!info->by_page && now > was) {
		err = vm_enough_memory(as->mem, now - was);
		if (err)
			return err;
	}
	if (!info->by_page && now < was)
		vm_unacct_memory(as->mem, was - now);
	if (!info->by_page)
		info->charged = now;
	/* Growing shows what a mapping stored behind the old end: only a file system that writes
	 * pages back clears that. The same size does clear it. */
	if (size > as->i_size) {
		as->i_size = size;
		return 0;
	}
	if (page_offset(size)) /* the tail of that page is about to be zeroed */
		zero_part(as, size, page_align(size));
	/* Of the same size, too, pages go that fallocate(2) put behind the end. */
	as->i_size = size;
	truncate_inode_pages_range(as, size_in_pages(size), ~0UL);
	recalc_charge(as);
	return 0;
}

void shmem_punch_hole(struct address_space *as, u64 off, u64 len)
{
	u64 end = off + len, first = size_in_pages(off), last = end >> PAGE_SHIFT;

	if (off >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		zero_part(as, off, end);
		return;
	}
	if (page_offset(off))
		zero_part(as, off, page_align(off));
	if (page_offset(end))
		zero_part(as, end & PAGE_MASK, end);
	if (first < last) {
		punch_inode_pages_range(as, first, last - 1);
		recalc_charge(as);
	}
}

/* --- mappings ---------------------------------------------------------------------------- */

static void shmem_open(struct vm_area_struct *vma)
{
	shmem_get(vma->vm_mapping);
}

static void shmem_close(struct vm_area_struct *vma)
{
	shmem_put(vma->vm_mapping);
}

/* A page that is missing, or there but not mapped, is a program's to bring, if it asked for that. */
static unsigned shmem_userfault(struct vm_fault *vmf, struct address_space *as)
{
	struct page *page = find_get_page(as, vmf->pgoff);

	if (page)
		put_page(as->mem, page);
	if (page && userfaultfd_minor(vmf->vma))
		return handle_userfault(vmf, VM_UFFD_MINOR);
	if (!page && userfaultfd_missing(vmf->vma))
		return handle_userfault(vmf, VM_UFFD_MISSING);
	return 0;
}

/* A hole gets its page even when it is only read. */
static unsigned shmem_fault(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct page *page;

	if (vmf->pgoff >= mapping_pages(as))
		return VM_FAULT_SIGBUS;
	if (unlikely(vmf->vma->vm_flags & (VM_UFFD_MISSING | VM_UFFD_MINOR))) {
		unsigned ret = shmem_userfault(vmf, as);

		if (ret)
			return ret;
	}
	page = shmem_get_page(as, vmf->pgoff);
	if (IS_ERR(page))
		return PTR_ERR(page) == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	vmf->page = page;
	return 0;
}

static const char *shmem_name(struct vm_area_struct *vma __unused)
{
	return "/dev/zero (deleted)";
}

/* Pages of the object, whoever maps them. */
static int shmem_set_policy(struct vm_area_struct *vma, struct mempolicy *pol)
{
	return mpol_set_shared_policy(vma->vm_mm->mem, &SHMEM_I(vma->vm_mapping)->policy,
				      vma->vm_pgoff, vma->vm_pgoff + vma_pages(vma), pol);
}

static struct mempolicy *shmem_get_policy(struct vm_area_struct *vma, gva_t addr)
{
	return mpol_shared_policy_lookup(&SHMEM_I(vma->vm_mapping)->policy,
					 linear_page_index(vma, addr));
}

/* No page_mkwrite: nothing is ever written back, so pages are mapped writable at once. */
const struct vm_operations_struct shmem_vm_ops = {
	.open = shmem_open,
	.close = shmem_close,
	.fault = shmem_fault,
	.map_pages = filemap_map_pages,
	.name = shmem_name,
	.set_policy = shmem_set_policy,
	.get_policy = shmem_get_policy,
};

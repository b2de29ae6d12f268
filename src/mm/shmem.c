/* Shared anonymous memory: objects whose pages live in guest RAM only. See filemap.h.
 *
 * MAP_SHARED|MAP_ANONYMOUS makes one object for each mmap; every VMA that comes from it (split,
 * fork, mremap) holds a reference.
 */
#include "base/err.h"
#include "mm/internal.h"
#include "mm/filemap.h"

struct shmem_inode {
	struct address_space as;
	u32 refcount;
	u64 charged; /* pages counted in Committed_AS */
};

static const struct address_space_operations shmem_aops;

static struct shmem_inode *SHMEM_I(struct address_space *as)
{
	return container_of(as, struct shmem_inode, as);
}

int shmem_init(struct memory *m)
{
	struct kmem_cache *c = kmem_cache_create(m, "shmem_inode_cache", sizeof(struct shmem_inode),
						 0, SLAB_RECLAIM_ACCOUNT, NULL);

	if (IS_ERR(c))
		return PTR_ERR(c);
	m->in->shmem_inode = c;
	return 0;
}

struct address_space *shmem_new(struct memory *m, u64 size, vm_flags_t flags)
{
	u64 pages = (size >> PAGE_SHIFT) + !!page_offset(size);
	u64 charge = flags & VM_NORESERVE ? 0 : pages;
	struct shmem_inode *info;

	/* The obvious overcommit is refused, as vm.overcommit_memory=0 does. */
	if (charge > totalram_pages(m))
		return ERR_PTR(-ENOMEM);
	info = kmem_cache_zalloc(m->in->shmem_inode, GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	address_space_init(&info->as, m, &shmem_aops, info);
	info->as.is_shmem = true;
	info->as.i_size = size;
	info->as.dev_minor = 1;
	info->as.ino = ++m->next_anon_ino;
	info->refcount = 1;
	info->charged = charge;
	m->committed_as += charge;
	return &info->as;
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
	m->committed_as -= info->charged;
	kmem_cache_free(m->in->shmem_inode, info);
}

static void shmem_open(struct vm_area_struct *vma)
{
	shmem_get(vma->vm_mapping);
}

static void shmem_close(struct vm_area_struct *vma)
{
	shmem_put(vma->vm_mapping);
}

/* A hole gets its page even when it is only read. */
static unsigned shmem_fault(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct page *page;

	if (vmf->pgoff >= (as->i_size >> PAGE_SHIFT) + !!page_offset(as->i_size))
		return VM_FAULT_SIGBUS;
	page = filemap_grab_page(as, vmf->pgoff, true);
	if (IS_ERR(page))
		return VM_FAULT_OOM;
	vmf->page = page;
	return 0;
}

static const char *shmem_name(struct vm_area_struct *vma __unused)
{
	return "/dev/zero (deleted)";
}

/* No page_mkwrite: nothing is ever written back, so pages are mapped writable at once. */
const struct vm_operations_struct shmem_vm_ops = {
	.open = shmem_open,
	.close = shmem_close,
	.fault = shmem_fault,
	.map_pages = filemap_map_pages,
	.name = shmem_name,
};

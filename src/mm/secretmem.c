/* Mappings of memfd_secret(2): pages that the kernel takes out of its own map of memory. Here nothing
 * could look at them anyway but what goes through get_user_pages() (populate.c), which refuses.
 *
 * They are locked from the start, never reclaimed, and have nowhere to be written to, so that none is
 * ever dirty. See: Linux 6.18, mm/secretmem.c. The file is fs/secretmem.c's.
 */
#include "base/err.h"
#include "mm/vma_internal.h"

void secretmem_init(struct address_space *as)
{
	VM_BUG_ON(as->nrpages);
	as->is_shmem = false; /* its pages count as a file's */
	as->unevictable = true;
	as->secret = true;
}

static unsigned secretmem_fault(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct page *page;

	if (vmf->pgoff << PAGE_SHIFT >= as->i_size)
		return VM_FAULT_SIGBUS;
	page = filemap_grab_page(as, vmf->pgoff, true);
	if (IS_ERR(page))
		return VM_FAULT_OOM;
	vmf->page = page;
	return 0;
}

const struct vm_operations_struct secretmem_vm_ops = {
	.fault = secretmem_fault,
};

/* Mappings of frames that the kernel itself owns: vdso and vvar.
 *
 * A vdso page is an ordinary page to the accounts (RssFile, map count). vvar frames are raw:
 * their ptes are special, as Linux's, and count nowhere.
 */
#include "mm/vma_internal.h"

static unsigned special_mapping_fault(struct vm_fault *vmf)
{
	const struct vm_special_mapping *spec = vmf->vma->vm_private_data;
	struct memory *m = vmf->vma->vm_mm->mem;
	struct page *page;

	if (vmf->pgoff >= spec->nr_pages)
		return VM_FAULT_SIGBUS;
	page = spec->pages[vmf->pgoff];
	if (spec->pfnmap)
		return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(m, page));
	get_page(page);
	vmf->page = page;
	return 0;
}

static const char *special_mapping_name(struct vm_area_struct *vma)
{
	const struct vm_special_mapping *spec = vma->vm_private_data;

	return spec->name;
}

/* Linux: special_mapping_split(). It is unmapped or changed whole, or not at all. */
static int special_mapping_split(struct vm_area_struct *vma __unused, gva_t addr __unused)
{
	return -EINVAL;
}

static const struct vm_operations_struct special_mapping_vm_ops = {
	.fault = special_mapping_fault,
	.may_split = special_mapping_split,
	.name = special_mapping_name,
};

struct vm_area_struct *install_special_mapping(struct mm_struct *mm, gva_t addr, u64 len,
					       vm_flags_t flags,
					       const struct vm_special_mapping *spec)
{
	struct vm_area_struct *vma;

	VM_BUG_ON(!page_aligned(addr) || !page_aligned(len) || !len);
	if (find_vma_intersection(mm, addr, addr + len))
		return ERR_PTR(-EEXIST);
	flags |= VM_DONTEXPAND;
	if (spec->pfnmap)
		flags |= VM_IO | VM_PFNMAP | VM_DONTDUMP;
	if (mm->map_count >= mm->mem->max_map_count || !may_expand_vm(mm, flags, len >> PAGE_SHIFT))
		return ERR_PTR(-ENOMEM);
	if (vma_tree_reserve(mm, 1))
		return ERR_PTR(-ENOMEM);
	vma = vm_area_alloc(mm);
	if (!vma)
		return ERR_PTR(-ENOMEM);

	vma->vm_start = addr;
	vma->vm_end = addr + len;
	vma->vm_flags = flags;
	vma->vm_ops = &special_mapping_vm_ops;
	vma->vm_private_data = (void *)spec;
	vma_link(mm, vma);
	vm_stat_account(mm, flags, len >> PAGE_SHIFT);
	mm_debug_validate(mm);
	return vma;
}

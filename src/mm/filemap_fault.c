/* Page cache pages in guest address spaces: faults of file mappings, and the cache's checker.
 * See filemap.h. */
#include "base/err.h"
#include "base/log.h"
#include "mm/internal.h"
#include "mm/filemap.h"

#define READAROUND 32U /* pages: 128 KiB around a fault, as Linux */

static u64 pages_of(const struct address_space *as)
{
	return (as->i_size >> PAGE_SHIFT) + !!page_offset(as->i_size);
}

static void revalidate(struct address_space *as)
{
	if (as->a_ops->revalidate)
		as->a_ops->revalidate(as);
}

static unsigned fault_error(long err)
{
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

static unsigned filemap_fault(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct page *page;
	bool major = false;

	revalidate(as);
	if (vmf->pgoff >= pages_of(as))
		return VM_FAULT_SIGBUS;
	page = find_get_page(as, vmf->pgoff);
	if (!page) {
		if (!(vmf->vma->vm_flags & VM_RAND_READ))
			filemap_readaround(as, vmf->pgoff, READAROUND);
		page = filemap_get_page(as, vmf->pgoff, 1, &major);
		vmf->majmin |= VM_FAULT_MAJOR;
	}
	if (IS_ERR(page))
		return fault_error(PTR_ERR(page));
	vmf->page = page;
	return 0;
}

void filemap_map_pages(struct vm_fault *vmf, u64 start_pgoff, u64 end_pgoff)
{
	struct address_space *as = vmf->vma->vm_mapping;
	u64 index, end;
	struct page *page;

	revalidate(as);
	end = min(end_pgoff + 1, pages_of(as));
	for (index = start_pgoff; (page = radix_next(&as->i_pages, &index)) && index < end;
	     index++) {
		gva_t addr = vmf->address + ((index - vmf->pgoff) << PAGE_SHIFT);

		if (!page_test(page, PG_uptodate)) /* fallocate(2)'s: a fault makes it data */
			continue;
		if (!set_pte_range(vmf, page, addr))
			continue;
		if (!as->is_shmem)
			page_set(page, PG_referenced);
		if (addr != vmf->address)
			count_vm_event(as->mem, EV_v_fault_around);
	}
}

/* From now on stores go by unseen until the page is written back, so it counts as dirty. */
static unsigned filemap_page_mkwrite(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;

	if (vmf->page->mapping != as)
		return VM_FAULT_NOPAGE; /* truncated meanwhile: fault again */
	if (vmf->pgoff >= pages_of(as))
		return VM_FAULT_SIGBUS;
	folio_mark_dirty(vmf->page);
	return 0;
}

const struct vm_operations_struct generic_file_vm_ops = {
	.fault = filemap_fault,
	.map_pages = filemap_map_pages,
	.page_mkwrite = filemap_page_mkwrite,
};

/* --- checker ------------------------------------------------------------------------------- */

static int bad(const struct address_space *as, const char *what, u64 index)
{
	log_line("page cache of %u:%u inode %lu: %s at page %lu", as->dev_major, as->dev_minor,
		 as->ino, what, index);
	return -EFAULT;
}

static int validate_mapping(struct address_space *as, u64 *dirty)
{
	u64 index, nr = 0, nr_dirty = 0, nr_written = 0;
	struct page *page;

	if (radix_validate(&as->i_pages))
		return -EFAULT;
	for (index = 0; (page = radix_next(&as->i_pages, &index)); index++, nr++) {
		if (page->mapping != as || page->index != index)
			return bad(as, "page belongs elsewhere", index);
		if (page->refcount < 1 + page->mapcount)
			return bad(as, "fewer references than users", index);
		if (!page_test(page, PG_uptodate) && (!as->is_shmem || page->mapcount))
			return bad(as, "page without contents", index);
		if (page_test(page, PG_lru) == as->is_shmem)
			return bad(as, "page on the wrong list", index);
		nr_dirty += page_test(page, PG_dirty);
		nr_written += page_test(page, PG_written);
		if (page_test(page, PG_written) && !page_test(page, PG_dirty))
			return bad(as, "written, but not dirty", index);
		if (page_test(page, PG_dirty) && !as->is_shmem &&
		    (index < as->dirty_from || index >= as->dirty_to))
			return bad(as, "dirty outside the range", index);
	}
	if (nr != as->nrpages)
		return bad(as, "nrpages is wrong", nr);
	if (as->is_shmem)
		return 0;
	if (nr_dirty != as->nr_dirty)
		return bad(as, "nr_dirty is wrong", nr_dirty);
	if (nr_written != as->nr_written)
		return bad(as, "nr_written is wrong", nr_written);
	*dirty += nr_dirty;
	return 0;
}

int filemap_validate(struct memory *m)
{
	u64 file = 0, shmem = 0, dirty = 0;
	struct address_space *as;
	int err = 0;

	list_for_each_entry (as, &m->mappings, all) {
		if (validate_mapping(as, &dirty))
			err = -EFAULT;
		if (as->is_shmem)
			shmem += as->nrpages;
		else
			file += as->nrpages;
	}
	if (m->stats[ST_file_pages] != (s64)(file + shmem) || m->stats[ST_shmem] != (s64)shmem ||
	    m->stats[ST_file_dirty] != (s64)dirty) {
		log_line("page cache: %lu file, %lu shmem, %lu dirty pages; counted %ld, %ld, %ld",
			 file, shmem, dirty, m->stats[ST_file_pages] - m->stats[ST_shmem],
			 m->stats[ST_shmem], m->stats[ST_file_dirty]);
		err = -EFAULT;
	}
	return err;
}

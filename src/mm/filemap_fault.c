/* Page cache pages in guest address spaces: faults of file mappings, and the cache's checker.
 * See filemap.h. */
#include "base/err.h"
#include "base/log.h"
#include "mm/internal.h"
#include "mm/readahead.h"

#define MMAP_LOTSAMISS 100

static void revalidate(struct address_space *as)
{
	if (as->a_ops->revalidate)
		as->a_ops->revalidate(as);
}

static unsigned fault_error(long err)
{
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* The read-ahead state of the open file that is mapped; @own if there is none. */
static struct file_ra_state *vma_ra(const struct vm_area_struct *vma, struct file_ra_state *own)
{
	const struct memory_hooks *h = &vma->vm_mm->mem->hooks;

	if (vma->vm_file && h->file_ra)
		return h->file_ra(vma->vm_file);
	file_ra_state_init(own, vma->vm_mapping);
	return own;
}

/* The page is absent: reads what is around it, or behind it, or nothing. Code is read on to the end
 * of its area at most, and nothing of it is marked: it is not run through from end to end. */
static void do_sync_mmap_readahead(const struct vm_fault *vmf, struct file_ra_state *ra)
{
	const struct vm_area_struct *vma = vmf->vma;
	struct address_space *as = vma->vm_mapping;

	if ((vma->vm_flags & (VM_RAND_READ | VM_EXEC)) == VM_RAND_READ || !ra->ra_pages)
		return;
	if (vma->vm_flags & VM_SEQ_READ) {
		page_cache_sync_ra(as, ra, vmf->pgoff, ra->ra_pages);
		return;
	}
	if (ra->mmap_miss < MMAP_LOTSAMISS * 10)
		ra->mmap_miss++;
	if (ra->mmap_miss > MMAP_LOTSAMISS)
		return; /* it only hurts */
	ra->order = 0;
	if (vma->vm_flags & VM_EXEC) {
		ra->start = vmf->pgoff;
		ra->size = min((u64)ra->ra_pages, vma->vm_pgoff + vma_pages(vma) - vmf->pgoff);
		ra->async_size = 0;
	} else {
		ra->start = vmf->pgoff - min(vmf->pgoff, (u64)ra->ra_pages / 2);
		ra->size = ra->ra_pages;
		ra->async_size = ra->ra_pages / 4;
	}
	page_cache_ra_order(as, ra);
}

static void do_async_mmap_readahead(const struct vm_fault *vmf, struct page *page)
{
	struct file_ra_state own, *ra;

	if (vmf->vma->vm_flags & VM_RAND_READ)
		return;
	ra = vma_ra(vmf->vma, &own);
	if (!ra->ra_pages)
		return;
	ra->mmap_miss -= !!ra->mmap_miss;
	if (page_test(page, PG_readahead))
		page_cache_async_ra(vmf->vma->vm_mapping, ra, page, ra->ra_pages);
}

static struct page *fault_read(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct file_ra_state own, *ra = vma_ra(vmf->vma, &own);
	struct page *page;
	bool major;

	do_sync_mmap_readahead(vmf, ra);
	page = filemap_get_page(as, vmf->pgoff, &major);
	if (IS_ERR(page))
		shrink_readahead_size_eio(ra);
	vmf->majmin |= VM_FAULT_MAJOR;
	return page;
}

static unsigned filemap_fault(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;
	struct page *page;

	revalidate(as);
	if (vmf->pgoff >= mapping_pages(as))
		return VM_FAULT_SIGBUS;
	page = find_get_page(as, vmf->pgoff);
	if (page)
		do_async_mmap_readahead(vmf, page);
	else
		page = fault_read(vmf);
	if (IS_ERR(page))
		return fault_error(PTR_ERR(page));
	vmf->page = page;
	return 0;
}

/* So many pages were there, maybe since the fault itself has just had them read: as many misses are
 * made good. */
static void forgive_misses(const struct vm_fault *vmf, unsigned found)
{
	struct file_ra_state own, *ra = vma_ra(vmf->vma, &own);

	ra->mmap_miss -= min(found, (unsigned)ra->mmap_miss);
}

void filemap_map_pages(struct vm_fault *vmf, u64 start_pgoff, u64 end_pgoff)
{
	struct address_space *as = vmf->vma->vm_mapping;
	unsigned found = 0;
	u64 index, end;
	struct page *page;

	revalidate(as);
	end = min(end_pgoff + 1, mapping_pages(as));
	for (index = start_pgoff; (page = radix_next(&as->i_pages, &index)) && index < end;
	     index++) {
		gva_t addr = vmf->address + ((index - vmf->pgoff) << PAGE_SHIFT);

		if (!page_test(page, PG_uptodate)) /* fallocate(2)'s: a fault makes it data */
			continue;
		if (page_test(page, PG_readahead)) /* to be noticed */
			continue;
		found++;
		if (!set_pte_range(vmf, page, addr))
			continue;
		if (addr != vmf->address)
			count_vm_event(as->mem, EV_v_fault_around);
	}
	if (!as->is_shmem)
		forgive_misses(vmf, found);
}

/* From now on stores go by unseen until the page is written back, so it counts as dirty. */
static unsigned filemap_page_mkwrite(struct vm_fault *vmf)
{
	struct address_space *as = vmf->vma->vm_mapping;

	if (vmf->page->mapping != as)
		return VM_FAULT_NOPAGE; /* truncated meanwhile: fault again */
	if (vmf->pgoff >= mapping_pages(as))
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

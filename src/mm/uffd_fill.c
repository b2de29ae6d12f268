/* What UFFDIO_COPY, ZEROPAGE, CONTINUE, POISON, WRITEPROTECT and MOVE do to pages. See
 * userfaultfd.h; Linux 6.18, mm/userfaultfd.c. */
#include <string.h>

#include "base/err.h"
#include "mm/filemap.h"
#include "mm/ksm.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/uaccess.h"
#include "mm/userfaultfd.h"
#include "mm/vma_internal.h"

/* One page on its way. */
struct fill {
	struct userfaultfd_ctx *ctx;
	enum uffd_fill how;
	gva_t start, end; /* of the whole range */
	bool wp;
	gva_t addr;
	struct page *page; /* COPY: its bytes; a reference, or NULL when it was taken over */
};

/* The area of the whole range, if it may be filled so; again after anything that slept. */
static struct vm_area_struct *fill_vma(const struct fill *f)
{
	struct mm_struct *mm = f->ctx->mm;
	struct vm_area_struct *vma = mm->mm_users ? vma_lookup(mm, f->start) : NULL;

	if (!vma)
		return ERR_PTR(-ENOENT);
	/* Before it is looked at closer, as in Linux: it shows in what the area later joins. */
	if (vma_is_anonymous(vma) && anon_vma_prepare(vma))
		return ERR_PTR(-ENOMEM);
	if (f->end > vma->vm_end || !vma->vm_uffd)
		return ERR_PTR(-ENOENT);
	if (f->ctx->mmap_changing)
		return ERR_PTR(-EAGAIN);
	if (f->wp && !userfaultfd_wp(vma))
		return ERR_PTR(-EINVAL);
	if (!vma_is_anonymous(vma) && !vma_is_shmem(vma))
		return ERR_PTR(-EINVAL);
	if (f->how == UFFD_CONTINUE && !vma_is_shmem(vma))
		return ERR_PTR(-EINVAL);
	return vma;
}

/* An empty pte, or a marker of ours. ERR_PTR(-ENOMEM, -EEXIST). */
static pte_t *empty_pte(struct vm_area_struct *vma, gva_t addr, bool strict)
{
	pte_t *pte = pte_alloc(vma->vm_mm, addr);

	if (!pte)
		return ERR_PTR(-ENOMEM);
	if (!pte_none(*pte) && (strict || !is_uffd_marker(*pte)))
		return ERR_PTR(-EEXIST);
	return pte;
}

static u64 fill_bits(const struct vm_area_struct *vma, bool writable, bool wp)
{
	u64 bits = vma_page_prot(vma) | _PAGE_DIRTY;

	if (writable && (vma->vm_flags & VM_WRITE))
		bits |= _PAGE_RW;
	return wp ? (bits & ~_PAGE_RW) | _PAGE_UFFD_WP : bits;
}

static int fill_anon(struct fill *f, struct vm_area_struct *vma)
{
	pte_t *pte;

	/* Private copies of an object's pages are anonymous, too. */
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	pte = empty_pte(vma, f->addr, false);
	if (IS_ERR(pte))
		return PTR_ERR(pte);
	page_add_new_anon_rmap(f->page, vma, f->addr);
	add_mm_counter(vma->vm_mm, MM_ANONPAGES, 1);
	*pte = pfn_pte(page_to_pfn(vma->vm_mm->mem, f->page), fill_bits(vma, true, f->wp));
	f->page = NULL;
	return 0;
}

static int fill_zero(struct fill *f, struct vm_area_struct *vma)
{
	struct memory *m = vma->vm_mm->mem;
	pte_t *pte = empty_pte(vma, f->addr, true);

	if (IS_ERR(pte))
		return PTR_ERR(pte);
	*pte = pfn_pte(page_to_pfn(m, m->zero_page), vma_page_prot(vma) | _PAGE_SPECIAL);
	return 0;
}

static int fill_poison(struct fill *f, struct vm_area_struct *vma)
{
	pte_t *pte = empty_pte(vma, f->addr, true);

	if (IS_ERR(pte))
		return PTR_ERR(pte);
	*pte = swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_POISONED);
	return 0;
}

/* The object's page at @index: a new one with f->page's bytes (none: zeros), or, to continue, the
 * one that is there. Referenced. ERR_PTR(-EFAULT, -EEXIST, -ENOMEM). */
static struct page *object_page(struct fill *f, struct address_space *as, u64 index)
{
	struct page *page;

	if (index >= mapping_pages(as))
		return ERR_PTR(-EFAULT);
	page = find_get_page(as, index);
	if (f->how == UFFD_CONTINUE)
		return page ? page : ERR_PTR(-EFAULT);
	if (page) {
		put_page(as->mem, page);
		return ERR_PTR(-EEXIST);
	}
	page = shmem_get_page(as, index);
	if (IS_ERR(page))
		return page;
	if (f->page)
		memcpy(page_address(as->mem, page), page_address(as->mem, f->page), PAGE_SIZE);
	folio_mark_dirty(page);
	return page;
}

static int fill_shmem(struct fill *f, struct vm_area_struct *vma)
{
	pte_t *pte = empty_pte(vma, f->addr, false);
	struct page *page;

	if (IS_ERR(pte))
		return PTR_ERR(pte);
	page = object_page(f, vma->vm_mapping, linear_page_index(vma, f->addr));
	if (IS_ERR(page))
		return PTR_ERR(page);
	page_add_file_rmap(page, vma);
	add_mm_counter(vma->vm_mm, mm_counter_file(page), 1);
	*pte = pfn_pte(page_to_pfn(vma->vm_mm->mem, page),
		       fill_bits(vma, vma->vm_flags & VM_SHARED, f->wp));
	return 0;
}

static int fill_page(struct fill *f, struct vm_area_struct *vma)
{
	bool shared = vma->vm_flags & VM_SHARED;

	switch (f->how) {
	case UFFD_COPY:
		return shared ? fill_shmem(f, vma) : fill_anon(f, vma);
	case UFFD_ZEROPAGE:
		return shared ? fill_shmem(f, vma) : fill_zero(f, vma);
	case UFFD_CONTINUE:
		return fill_shmem(f, vma);
	default:
		return fill_poison(f, vma);
	}
}

/* f->page with the bytes at @src. May sleep. */
static int read_source(struct fill *f, struct mm_struct *mm, gva_t src)
{
	struct memory *m = mm->mem;

	if (!f->page)
		f->page = alloc_pages(m, GFP_HIGHUSER_MOVABLE, 0);
	if (!f->page)
		return -ENOMEM;
	return copy_from_user(mm, page_address(m, f->page), src, PAGE_SIZE) ? -EFAULT : 0;
}

long uffd_fill_range(struct userfaultfd_ctx *ctx, enum uffd_fill how, gva_t dst, gva_t src, u64 len,
		     bool wp, struct mm_struct *src_mm)
{
	struct fill f = {.ctx = ctx, .how = how, .start = dst, .end = dst + len, .wp = wp};
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *vma;
	u64 done = 0;
	long err = 0;

	if (!mm->mm_users)
		return -ESRCH;
	mmget(mm); /* it must not go while this sleeps */
	vma = fill_vma(&f);
	if (IS_ERR(vma))
		err = PTR_ERR(vma);
	for (; !err && done < len; done += err ? 0 : PAGE_SIZE) {
		f.addr = dst + done;
		if (how == UFFD_COPY) {
			err = read_source(&f, src_mm, src + done);
			vma = err ? NULL : fill_vma(&f);
			if (IS_ERR(vma))
				err = PTR_ERR(vma);
		}
		if (!err)
			err = fill_page(&f, vma);
	}
	if (f.page)
		put_page(mm->mem, f.page);
	mm_debug_validate(mm);
	mmput(mm);
	return done ? (long)done : err;
}

/* --- write protection -------------------------------------------------------------------- */

/* A pte of @vma with @enable's protection; empty ones get a marker if @markers. */
static pte_t wp_pte(const struct vm_area_struct *vma, pte_t old, bool enable, bool markers)
{
	pte_t pte = old;

	if (pte_none(old))
		return enable && markers ? swp_entry_pte(SWP_PTE_MARKER, PTE_MARKER_UFFD_WP) : old;
	if (!pte_present(old)) {
		if (!enable && is_uffd_wp_marker(old))
			pte.pte = 0;
		return pte;
	}
	if (enable) {
		pte.pte = (old.pte & ~_PAGE_RW) | _PAGE_UFFD_WP;
		return pte;
	}
	pte.pte &= ~_PAGE_UFFD_WP;
	if (pte.pte != old.pte && (vma->vm_flags & VM_WRITE) && can_change_pte_writable(vma, pte))
		pte.pte |= _PAGE_RW;
	return pte;
}

int uffd_wp_range(struct vm_area_struct *vma, gva_t start, gva_t end, bool enable)
{
	struct mm_struct *mm = vma->vm_mm;
	bool markers = !vma_is_anonymous(vma) ||
		       (vma->vm_uffd && (vma->vm_uffd->features & UFFD_WP_UNPOPULATED_F));
	gva_t addr = start, stop;
	int err = 0;
	pte_t *pte;

	for (; addr < end && !err; addr = stop) {
		if (enable && markers) {
			pte = pte_alloc(mm, addr);
			if (!pte)
				err = -ENOMEM;
		} else {
			pte = pte_next_table(mm, &addr, end);
		}
		if (!pte)
			break;
		stop = min((addr & PMD_MASK) + PMD_SIZE, end);
		for (; addr < stop; addr += PAGE_SIZE, pte++)
			*pte = wp_pte(vma, *pte, enable, markers);
	}
	if (enable)
		flush_tlb_range(mm, start, end);
	return err;
}

int uffd_wp_registered(struct userfaultfd_ctx *ctx, gva_t start, u64 len, bool enable)
{
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *vma;
	gva_t end = start + len;
	int err = -ENOENT;

	if (!mm->mm_users)
		return -ESRCH;
	if (ctx->mmap_changing)
		return -EAGAIN;
	vma = find_vma_intersection(mm, start, end);
	for (; vma && vma->vm_start < end; vma = vma_next(vma)) {
		if (!userfaultfd_wp(vma))
			return -ENOENT;
		err = uffd_wp_range(vma, max(start, vma->vm_start), min(end, vma->vm_end), enable);
		if (err)
			break;
	}
	mm_debug_validate(mm);
	return err;
}

/* --- MOVE -------------------------------------------------------------------------------- */

static int check_move(const struct userfaultfd_ctx *ctx, const struct vm_area_struct *src,
		      const struct vm_area_struct *dst)
{
	if (((src->vm_flags | dst->vm_flags) & (VM_SHARED | VM_IO | VM_PFNMAP)) ||
	    ((src->vm_flags ^ dst->vm_flags) & (VM_ACCESS_FLAGS | VM_LOCKED)) ||
	    !(src->vm_flags & VM_WRITE) || dst->vm_uffd != ctx || !vma_is_anonymous(src) ||
	    !vma_is_anonymous(dst))
		return -EINVAL;
	return 0;
}

static int move_page(struct vm_area_struct *dst_vma, gva_t dst, gva_t src, bool allow_holes)
{
	struct mm_struct *mm = dst_vma->vm_mm;
	pte_t *from = pte_offset(mm, src), *to, old;
	struct page *page;

	if (!from)
		return allow_holes ? 0 : -ENOENT;
	to = empty_pte(dst_vma, dst, true);
	if (IS_ERR(to))
		return PTR_ERR(to);
	old = *from;
	if (pte_none(old))
		return allow_holes ? 0 : -ENOENT;
	if (!pte_present(old))
		return -EFAULT;
	page = vm_normal_page(mm->mem, old);
	if (page && (!PageAnon(page) || !page_test(page, PG_anon_exclusive) || PageKsm(page)))
		return -EBUSY;
	from->pte = 0;
	flush_tlb_page(mm, src);
	if (!page) {
		ksm_might_unmap_zero_page(mm, old);
		*to = pfn_pte(pte_pfn(old), vma_page_prot(dst_vma) | _PAGE_SPECIAL);
		return 0;
	}
	page_move_anon_rmap(page, dst_vma);
	page->index = linear_page_index(dst_vma, dst);
	*to = pfn_pte(pte_pfn(old), vma_page_prot(dst_vma) | _PAGE_RW | _PAGE_SOFT_DIRTY |
					    (old.pte & _PAGE_DIRTY));
	return 0;
}

long uffd_move_range(struct userfaultfd_ctx *ctx, gva_t dst, gva_t src, u64 len, bool allow_holes)
{
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *dst_vma = vma_lookup(mm, dst), *src_vma = vma_lookup(mm, src);
	long err = 0;
	u64 done;

	if (!src_vma || !dst_vma)
		return -ENOENT;
	if (anon_vma_prepare(dst_vma))
		return -ENOMEM;
	if (ctx->mmap_changing)
		return -EAGAIN;
	if (src + len > src_vma->vm_end || dst + len > dst_vma->vm_end)
		return -EINVAL;
	err = check_move(ctx, src_vma, dst_vma);
	for (done = 0; !err && done < len; done += err ? 0 : PAGE_SIZE)
		err = move_page(dst_vma, dst + done, src + done, allow_holes);
	mm_debug_validate(mm);
	return done ? (long)done : err;
}

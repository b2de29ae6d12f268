/* Page faults: from an address and an error code to a present page or a signal.
 *
 *   do_user_addr_fault     area, stack growth, rights, signals
 *     handle_mm_fault      one page of an area that allows the access; counts the fault
 *       do_anonymous_page  zero page (read) or a fresh page
 *       do_read_fault      page cache, with fault-around
 *       do_cow_fault       private file page written first: copied at once
 *       do_shared_fault    shared file page written first
 *       do_wp_page         present but read-only: reuse, copy, or tell the file's owner
 *
 * A page that becomes present, or gains rights, needs no TLB flush: a look-up that found too
 * little walks again. One that changes its frame does.
 */
#include "mm/internal.h"

#include <signal.h>
#include <string.h>

#include "base/trace.h"
#include "mm/filemap.h"
#include "mm/ksm.h"
#include "mm/rmap.h"
#include "mm/tlb.h"
#include "mm/uaccess.h"
#include "mm/userfaultfd.h"

#define FAULT_AROUND_PAGES 16UL

static inline struct memory *vmf_mem(const struct vm_fault *vmf)
{
	return vmf->vma->vm_mm->mem;
}

/* _PAGE_RW if @vma is writable at all: a FOLL_FORCE write leaves a read-only pte. */
static inline u64 maybe_mkwrite(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_WRITE ? _PAGE_RW : 0;
}

/* --- anonymous pages --------------------------------------------------------------------- */

static void map_new_anon(struct vm_fault *vmf, struct page *page, u64 bits)
{
	struct vm_area_struct *vma = vmf->vma;

	page_add_new_anon_rmap(page, vma, vmf->address);
	*vmf->pte = pfn_pte(page_to_pfn(vmf_mem(vmf), page), vma_page_prot(vma) | bits);
}

static unsigned do_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct memory *m = vmf_mem(vmf);
	struct page *page;

	if (unlikely(vma->vm_flags & VM_SHARED))
		return VM_FAULT_SIGBUS;
	if (userfaultfd_missing(vma))
		return handle_userfault(vmf, VM_UFFD_MISSING);
	if (!(vmf->flags & FAULT_FLAG_WRITE)) {
		*vmf->pte =
			pfn_pte(page_to_pfn(m, m->zero_page), vma_page_prot(vma) | _PAGE_SPECIAL);
		count_vm_event(m, EV_v_fault_zero);
		return 0;
	}
	if (anon_vma_prepare(vma))
		return VM_FAULT_OOM;
	page = alloc_pages(m, GFP_HIGHUSER_MOVABLE | __GFP_ZERO, 0);
	if (!page)
		return VM_FAULT_OOM;
	map_new_anon(vmf, page, vma->vm_flags & VM_WRITE ? _PAGE_RW | _PAGE_DIRTY : 0);
	add_mm_counter(vmf->vma->vm_mm, MM_ANONPAGES, 1);
	count_vm_event(m, EV_v_fault_anon);
	return 0;
}

/* --- pages of files ---------------------------------------------------------------------- */

static void map_file_page(struct vm_area_struct *vma, struct page *page, pte_t *pte, u64 bits)
{
	struct mm_struct *mm = vma->vm_mm;

	page_add_file_rmap(page, vma);
	add_mm_counter(mm, mm_counter_file(page), 1);
	*pte = pfn_pte(page_to_pfn(mm->mem, page), vma_page_prot(vma) | bits);
}

bool set_pte_range(struct vm_fault *vmf, struct page *page, gva_t addr)
{
	pte_t *pte = vmf->pte + ((s64)(addr - vmf->address) >> PAGE_SHIFT);

	VM_BUG_ON((addr ^ vmf->address) & PMD_MASK);
	VM_BUG_ON(addr < vmf->vma->vm_start || addr >= vmf->vma->vm_end);
	if (!pte_none(*pte))
		return false;
	get_page(page);
	map_file_page(vmf->vma, page, pte, 0);
	if (addr == vmf->address)
		count_vm_event(vmf_mem(vmf), EV_v_fault_file); /* the others: map_pages' */
	return true;
}

unsigned vmf_insert_pfn(struct vm_area_struct *vma, gva_t addr, pfn_t pfn)
{
	pte_t *pte = pte_alloc(vma->vm_mm, addr);

	if (!pte)
		return VM_FAULT_OOM;
	if (pte_none(*pte))
		*pte = pfn_pte(pfn, vma_page_prot(vma) | _PAGE_SPECIAL);
	return VM_FAULT_NOPAGE;
}

/* Asks the area's owner for the page; then looks the pte up again, as that may have slept. */
static unsigned __do_fault(struct vm_fault *vmf)
{
	unsigned ret;

	vmf->page = NULL;
	ret = vmf->vma->vm_ops->fault(vmf) | vmf->majmin;
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY))
		return ret | VM_FAULT_NOPAGE;
	VM_BUG_ON(!vmf->page);
	vmf->pte = pte_alloc(vmf->vma->vm_mm, vmf->address);
	if (!vmf->pte) {
		put_page(vmf_mem(vmf), vmf->page);
		return ret | VM_FAULT_OOM;
	}
	if (!pte_none(*vmf->pte)) { /* somebody was faster */
		put_page(vmf_mem(vmf), vmf->page);
		return ret | VM_FAULT_NOPAGE;
	}
	return ret;
}

/* The window: 64 KiB, aligned by virtual address, cut to the area and the page table.
 * See: Linux, mm/memory.c, do_fault_around(). */
static void do_fault_around(struct vm_fault *vmf)
{
	u64 pte_off = table_index(vmf->address, PAGE_SHIFT);
	u64 vma_off = vmf->pgoff - vmf->vma->vm_pgoff;
	u64 below = min(pte_off, vma_off); /* pages of the area before, in this table */
	u64 from, to;

	from = max(pte_off & ~(FAULT_AROUND_PAGES - 1), pte_off - below);
	to = min(from + FAULT_AROUND_PAGES, (u64)PTRS_PER_TABLE);
	to = min(to, pte_off + vma_pages(vmf->vma) - vma_off) - 1;
	vmf->vma->vm_ops->map_pages(vmf, vmf->pgoff + from - pte_off, vmf->pgoff + to - pte_off);
}

/* Not where each page's coming is somebody's business. */
static bool should_fault_around(const struct vm_area_struct *vma)
{
	return vma->vm_ops->map_pages && likely(!(vma->vm_flags & (VM_UFFD_WP | VM_UFFD_MINOR)));
}

static unsigned do_read_fault(struct vm_fault *vmf)
{
	unsigned ret;

	if (should_fault_around(vmf->vma)) {
		do_fault_around(vmf);
		if (!pte_none(*vmf->pte))
			return 0;
	}
	ret = __do_fault(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	/* What the read-in brought is there now, too: Linux comes this way a second time. */
	if ((ret & VM_FAULT_MAJOR) && should_fault_around(vmf->vma))
		do_fault_around(vmf);
	if (!pte_none(*vmf->pte)) {
		put_page(vmf_mem(vmf), vmf->page);
		return ret;
	}
	map_file_page(vmf->vma, vmf->page, vmf->pte, 0);
	count_vm_event(vmf_mem(vmf), EV_v_fault_file);
	return ret;
}

static unsigned do_cow_fault(struct vm_fault *vmf)
{
	struct memory *m = vmf_mem(vmf);
	struct page *copy;
	unsigned ret;

	if (anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	copy = alloc_pages(m, GFP_HIGHUSER_MOVABLE, 0);
	if (!copy)
		return VM_FAULT_OOM;
	ret = __do_fault(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) {
		put_page(m, copy);
		return ret;
	}
	memcpy(page_address(m, copy), page_address(m, vmf->page), PAGE_SIZE);
	put_page(m, vmf->page);
	map_new_anon(vmf, copy, _PAGE_DIRTY | maybe_mkwrite(vmf->vma));
	add_mm_counter(vmf->vma->vm_mm, MM_ANONPAGES, 1);
	count_vm_event(m, EV_v_fault_cow);
	return ret;
}

/* vmf->page, referenced, may become writable? 0 or VM_FAULT_*. */
static unsigned do_page_mkwrite(struct vm_fault *vmf)
{
	const struct vm_operations_struct *ops = vmf->vma->vm_ops;
	unsigned ret = ops && ops->page_mkwrite ? ops->page_mkwrite(vmf) : 0;

	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE);
}

/* Shmem and special pages have no owner to be written to: only files count dirty pages. The file's
 * times move with the first store to a page: later ones are not seen. */
static void fault_dirty_shared_page(struct vm_fault *vmf, struct page *page)
{
	const struct memory_hooks *h = &vmf_mem(vmf)->hooks;

	if (!page->mapping)
		return;
	folio_mark_dirty(page);
	if (vmf->vma->vm_file && h->file_update_time)
		h->file_update_time(vmf->vma->vm_file);
}

static unsigned do_shared_fault(struct vm_fault *vmf)
{
	struct page *page;
	unsigned ret, err;

	ret = __do_fault(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	page = vmf->page;
	err = do_page_mkwrite(vmf);
	if (err) {
		put_page(vmf_mem(vmf), page);
		return ret | err;
	}
	map_file_page(vmf->vma, page, vmf->pte, _PAGE_DIRTY | maybe_mkwrite(vmf->vma));
	fault_dirty_shared_page(vmf, page);
	count_vm_event(vmf_mem(vmf), EV_v_fault_file);
	return ret;
}

static unsigned do_fault(struct vm_fault *vmf)
{
	if (!vmf->vma->vm_ops->fault)
		return VM_FAULT_SIGBUS;
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return do_read_fault(vmf);
	if (!(vmf->vma->vm_flags & VM_SHARED))
		return do_cow_fault(vmf);
	return do_shared_fault(vmf);
}

/* --- write to a present, read-only page -------------------------------------------------- */

/* Replaces the page of *vmf->pte (NULL @old: the zero page) by a private copy; one that is only
 * not to be shared any more stays clean and read-only. */
static unsigned wp_page_copy(struct vm_fault *vmf, struct page *old)
{
	bool unshare = vmf->flags & FAULT_FLAG_UNSHARE;
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct memory *m = mm->mem;
	struct page *copy;

	if (old) /* so that reclaim leaves it mapped while memory is looked for */
		get_page(old);
	copy = anon_vma_prepare(vmf->vma)
		       ? NULL
		       : alloc_pages(m, GFP_HIGHUSER_MOVABLE | (old ? 0 : __GFP_ZERO), 0);
	if (old)
		put_page(m, old);
	if (!copy)
		return VM_FAULT_OOM;
	if (old)
		memcpy(page_address(m, copy), page_address(m, old), PAGE_SIZE);

	if (!old)
		ksm_might_unmap_zero_page(mm, *vmf->pte);
	else if (!PageAnon(old))
		add_mm_counter(mm, mm_counter_file(old), -1);
	if (!old || !PageAnon(old))
		add_mm_counter(mm, MM_ANONPAGES, 1);
	*vmf->pte = (pte_t){0};
	flush_tlb_page(mm, vmf->address);
	map_new_anon(vmf, copy, unshare ? 0 : _PAGE_DIRTY | maybe_mkwrite(vmf->vma));
	if (old) {
		page_remove_rmap(old, vmf->vma);
		put_page(m, old);
	}
	count_vm_event(m, old ? EV_v_fault_cow : EV_v_fault_anon);
	return 0;
}

static unsigned wp_page_shared(struct vm_fault *vmf, struct page *page)
{
	unsigned err;

	if (page) {
		get_page(page);
		vmf->page = page;
		err = do_page_mkwrite(vmf);
		if (!err) {
			/* It may have slept, and the page gone from here. */
			vmf->pte = pte_offset(vmf->vma->vm_mm, vmf->address);
			if (!vmf->pte || !pte_present(*vmf->pte) ||
			    pte_pfn(*vmf->pte) != page_to_pfn(vmf_mem(vmf), page))
				err = VM_FAULT_NOPAGE;
		}
		if (err) {
			put_page(vmf_mem(vmf), page);
			return err;
		}
		fault_dirty_shared_page(vmf, page);
		put_page(vmf_mem(vmf), page);
	}
	vmf->pte->pte |= _PAGE_ACCESSED | _PAGE_DIRTY | maybe_mkwrite(vmf->vma);
	count_vm_event(vmf_mem(vmf), EV_pgreuse);
	return 0;
}

static unsigned do_wp_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page = vm_normal_page(vmf_mem(vmf), *vmf->pte);

	if (unlikely(pte_uffd_wp(*vmf->pte)) && userfaultfd_wp(vma) &&
	    !(vmf->flags & FAULT_FLAG_UNSHARE)) {
		if (!userfaultfd_wp_async(vma))
			return handle_userfault(vmf, VM_UFFD_WP);
		vmf->pte->pte &= ~_PAGE_UFFD_WP;
	}
	if (vma->vm_flags & VM_SHARED)
		return wp_page_shared(vmf, page);
	if (!page && (vma->vm_flags & VM_PFNMAP))
		return VM_FAULT_SIGBUS; /* raw frames are never copied */
	if (page && PageAnon(page) && !page_test(page, PG_anon_exclusive) && page->mapcount == 1 &&
	    page->refcount > 1)
		lru_add_drain(vmf_mem(vmf)); /* a batch may hold one more */
	if (page && PageKsm(page)) {
		count_vm_event(vmf_mem(vmf), EV_cow_ksm);
		return wp_page_copy(vmf, page); /* a merged page never changes */
	}
	/* The last reference is this pte's: nobody else can see the page. */
	if (page && PageAnon(page) && (page_test(page, PG_anon_exclusive) || page->refcount == 1)) {
		if (!page_test(page, PG_anon_exclusive))
			page_move_anon_rmap(page, vma);
		if (vmf->flags & FAULT_FLAG_UNSHARE)
			return 0;
		vmf->pte->pte |= _PAGE_ACCESSED | _PAGE_DIRTY | maybe_mkwrite(vma);
		count_vm_event(vmf_mem(vmf), EV_pgreuse);
		return 0;
	}
	return wp_page_copy(vmf, page);
}

/* --- one page ---------------------------------------------------------------------------- */

static unsigned do_pte_missing(struct vm_fault *vmf)
{
	return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_fault(vmf);
}

/* The page was protected before it came: it comes, and keeps its protection. */
static unsigned do_uffd_wp_marker(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t marker = *vmf->pte;
	unsigned ret;

	/* Left behind by a registration that is over. */
	if (!userfaultfd_wp(vma)) {
		vmf->pte->pte = 0;
		return do_pte_missing(vmf);
	}
	if (vma_is_anonymous(vma) && userfaultfd_missing(vma))
		return handle_userfault(vmf, VM_UFFD_MISSING);
	vmf->pte->pte = 0;
	ret = do_pte_missing(vmf);
	if (ret & VM_FAULT_RETRY) /* it slept: neither the area nor the table need be there */
		return ret;
	vmf->pte = pte_offset(vma->vm_mm, vmf->address);
	if (vmf->pte && pte_none(*vmf->pte))
		*vmf->pte = marker;
	else if (vmf->pte && pte_present(*vmf->pte))
		vmf->pte->pte = (vmf->pte->pte & ~_PAGE_RW) | _PAGE_UFFD_WP;
	return ret;
}

static unsigned do_marker(struct vm_fault *vmf)
{
	if (is_pte_marker(*vmf->pte, PTE_MARKER_POISONED))
		return VM_FAULT_HWPOISON;
	return is_uffd_wp_marker(*vmf->pte) ? do_uffd_wp_marker(vmf) : VM_FAULT_SIGSEGV; /* guard */
}

/* The first page of a page table. Linux has it only in reserve until the file's page is there. */
static unsigned fault_without_table(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	unsigned ret;

	vmf->pte = pte_alloc(mm, vmf->address);
	if (!vmf->pte)
		return VM_FAULT_OOM;
	if (vma_is_anonymous(vmf->vma))
		return do_anonymous_page(vmf);
	ret = do_fault(vmf);
	if (ret & VM_FAULT_ERROR)
		pte_table_drop_empty(mm, vmf->address);
	return ret;
}

static unsigned handle_pte_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t pte;

	vmf->pte = pte_offset(vma->vm_mm, vmf->address);
	if (!vmf->pte)
		return fault_without_table(vmf);
	pte = *vmf->pte;
	if (pte_none(pte))
		return do_pte_missing(vmf);
	if (!pte_present(pte))
		return do_marker(vmf);
	if ((vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) && !pte_write(pte))
		return do_wp_page(vmf);
	/* Somebody has served it meanwhile, or a TLB was behind. */
	vmf->pte->pte |= _PAGE_ACCESSED | (vmf->flags & FAULT_FLAG_WRITE ? _PAGE_DIRTY : 0);
	return 0;
}

/* As Linux: pgfault counts failed faults, too, the tasks' counters only served ones. */
static void mm_account_fault(struct mm_struct *mm, unsigned flags, unsigned ret)
{
	if (unlikely(ret & VM_FAULT_RETRY))
		return; /* counted when it is served: then as a major one, since it waited */
	count_vm_event(mm->mem, EV_pgfault);
	if (ret & VM_FAULT_ERROR)
		return;
	if (flags & FAULT_FLAG_TRIED)
		ret |= VM_FAULT_MAJOR;
	if (ret & VM_FAULT_MAJOR)
		count_vm_event(mm->mem, EV_pgmajfault);
	/* Whoever asks, also for another's memory: as in Linux, current. */
	count_task_fault(mm, ret & VM_FAULT_MAJOR);
}

unsigned handle_mm_fault(struct vm_area_struct *vma, gva_t address, unsigned flags)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_fault vmf;
	unsigned ret;

	/* Not an initialiser: most fields are set where they are first of use. */
	vmf.vma = vma;
	vmf.address = address & PAGE_MASK;
	vmf.real_address = address;
	vmf.pgoff = linear_page_index(vma, vmf.address);
	vmf.flags = flags;
	vmf.page = NULL;
	vmf.majmin = 0;
	if (unlikely(mm->reaped)) /* check_stable_address_space() */
		return VM_FAULT_SIGBUS;
	ret = handle_pte_fault(&vmf); /* if it slept, the area may be gone */
	mm_account_fault(mm, flags, ret);
	mm_debug_validate(mm);
	return ret;
}

/* --- the way in from the CPU ------------------------------------------------------------- */

struct vm_area_struct *find_extend_vma(struct mm_struct *mm, gva_t addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (unlikely(!vma))
		return NULL;
	if (likely(vma->vm_start <= addr))
		return vma;
	if (!(vma->vm_flags & VM_GROWSDOWN) || expand_stack(vma, addr & PAGE_MASK))
		return NULL;
	count_vm_event(mm->mem, EV_v_fault_stack);
	return vma;
}

/* Do the area's rights forbid the access? A fetch from a readable page without x is not refused
 * while the page is absent: it is read in, and the CPU comes back with PF_PROT. Absent pages of
 * write-only and execute-only areas can be read. See: Linux, arch/x86/mm/fault.c. */
static bool access_error(u32 error_code, const struct vm_area_struct *vma)
{
	if (error_code & PF_WRITE)
		return !(vma->vm_flags & VM_WRITE);
	if (error_code & PF_PROT)
		return true;
	return !(vma->vm_flags & VM_ACCESS_FLAGS);
}

static void bad_access(struct mm_struct *mm, struct fault_signal *sig, int signo, int code)
{
	sig->signo = signo;
	sig->code = code;
	if (sig->error_code & PF_USER) /* a kernel copy only ends short */
		count_vm_event(mm->mem, EV_v_fault_segv);
}

bool pagefault_out_of_memory(struct memory *m)
{
	const struct memory_hooks *h = &m->hooks;

	return !m->pagefault_disabled && h->pagefault_oom && h->pagefault_oom(h->oom_arg);
}

bool wait_for_memory(struct memory *m)
{
	const struct memory_hooks *h = &m->hooks;

	return !m->pagefault_disabled && h->oom_wait && h->oom_wait(h->oom_arg);
}

void do_user_addr_fault(struct mm_struct *mm, gva_t addr, u32 error_code, struct fault_signal *sig)
{
	struct vm_area_struct *vma;
	unsigned flags, tried = 0, ret;

	*sig = (struct fault_signal){.addr = addr, .error_code = error_code};
	trace_event(mm->mem->trace,
		    error_code & PF_USER ? TP_exceptions_page_fault_user
					 : TP_exceptions_page_fault_kernel,
		    "address=%#lx error_code=%#x", addr, error_code);
	if (unlikely(addr >= TASK_SIZE)) {
		/* As if all of the kernel's half were mapped: nothing is to be learnt from it. */
		sig->error_code |= PF_PROT;
		bad_access(mm, sig, SIGSEGV, SEGV_MAPERR);
		return;
	}
retry:
	vma = find_extend_vma(mm, addr);
	if (unlikely(!vma)) {
		bad_access(mm, sig, SIGSEGV, SEGV_MAPERR);
		return;
	}
	if (unlikely(access_error(error_code, vma))) {
		bad_access(mm, sig, SIGSEGV, SEGV_ACCERR);
		return;
	}
	flags = FAULT_FLAG_ALLOW_RETRY | tried;
	if (error_code & PF_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (error_code & PF_USER)
		flags |= FAULT_FLAG_USER;
	if (error_code & PF_INSTR)
		flags |= FAULT_FLAG_INSTRUCTION;
	ret = handle_mm_fault(vma, addr, flags);
	sig->major = ret & VM_FAULT_MAJOR;
	if (unlikely(ret & VM_FAULT_RETRY)) {
		/* A signal comes first in user mode; a system call goes on, unless it is fatal. */
		if (!(ret & VM_FAULT_INTR)) {
			tried = FAULT_FLAG_TRIED;
			goto retry;
		}
		if (!(error_code & PF_USER))
			bad_access(mm, sig, SIGBUS, BUS_ADRERR);
		return;
	}
	if (likely(!(ret & VM_FAULT_ERROR)))
		return;
	if (ret & VM_FAULT_OOM) {
		if (pagefault_out_of_memory(mm->mem))
			goto retry;
		bad_access(mm, sig, SIGKILL, 0);
		sig->oom = true;
	} else if (ret & (VM_FAULT_SIGBUS | VM_FAULT_HWPOISON)) {
		/* Not BUS_MCEERR_AR: a kernel without CONFIG_MEMORY_FAILURE is modelled. */
		bad_access(mm, sig, SIGBUS, BUS_ADRERR);
	} else {
		bad_access(mm, sig, SIGSEGV, SEGV_MAPERR);
	}
}

/* Faulting in on purpose, without an access: MAP_POPULATE, mlock, and other people's memory.
 * Linux: mm/gup.c. */
#include <string.h>

#include "base/err.h"
#include "mm/filemap.h"
#include "mm/internal.h"
#include "mm/uaccess.h"

#define FOLL_WRITE 1U
#define FOLL_FORCE 2U
#define FOLL_REMOTE 4U
#define FOLL_UNLOCKABLE 16U /* may sleep: -EAGAIN afterwards */
#define FOLL_HWPOISON 64U   /* poison is an error of its own */
#define FOLL_NO_TOUCH 32U   /* this use was noted already */
#define FOLL_PIN 8U /* the bytes are used in place: what is seen must not be shared by COW */

/* Does the area let us ask at all? See: Linux, check_vma_flags(). */
static int check_vma_flags(const struct vm_area_struct *vma, unsigned foll)
{
	if ((vma->vm_flags & (VM_IO | VM_PFNMAP)) || vma_is_secretmem(vma))
		return -EFAULT;
	if (foll & FOLL_WRITE) {
		if (vma->vm_flags & VM_WRITE)
			return 0;
		return (foll & FOLL_FORCE) && is_cow_mapping(vma->vm_flags) ? 0 : -EFAULT;
	}
	if (vma->vm_flags & VM_READ)
		return 0;
	return (foll & FOLL_FORCE) && (vma->vm_flags & VM_MAYREAD) ? 0 : -EFAULT;
}

/* May a write go through this pte? FOLL_FORCE needs no right, but a page of the area's own. */
static bool can_follow_write_pte(const struct vm_area_struct *vma, pte_t pte, unsigned foll)
{
	struct page *page;

	if (pte_write(pte))
		return true;
	if (!(foll & FOLL_FORCE) || (vma->vm_flags & VM_WRITE))
		return false;
	page = vm_normal_page(vma->vm_mm->mem, pte);
	return page && PageAnon(page) && page_test(page, PG_anon_exclusive);
}

/* Linux: gup_must_unshare(), for pins that do not last. */
static bool must_unshare(const struct vm_area_struct *vma, pte_t pte, unsigned foll)
{
	struct page *page;

	if ((foll & (FOLL_WRITE | FOLL_PIN)) != FOLL_PIN || pte_write(pte))
		return false;
	page = vm_normal_page(vma->vm_mm->mem, pte);
	return page && PageAnon(page) && !page_test(page, PG_anon_exclusive);
}

/* The page is used from here, as FOLL_TOUCH says: a write may come by another way than the pte. */
static void touch_page(const struct vm_area_struct *vma, pte_t pte, unsigned foll)
{
	struct page *page = vm_normal_page(vma->vm_mm->mem, pte);

	if (!page)
		return;
	if ((foll & FOLL_WRITE) && !pte_dirty(pte))
		folio_mark_dirty(page);
	if (foll & FOLL_NO_TOUCH)
		return;
	/* Locked pages are on no list where it would matter. */
	if (!(vma->vm_flags & VM_LOCKED) || !page_test(page, PG_referenced))
		folio_mark_accessed(vma->vm_mm->mem, page);
}

void touch_user_page(struct mm_struct *mm, gva_t addr)
{
	const struct vm_area_struct *vma = vma_lookup(mm, addr);
	const pte_t *pte = vma ? pte_offset(mm, addr) : NULL;

	if (pte && pte_present(*pte))
		touch_page(vma, *pte, FOLL_WRITE);
}

/* Makes the page of @addr present in the wanted way; its pte, or ERR_PTR(-EFAULT, -ENOMEM). With
 * FOLL_UNLOCKABLE also -EAGAIN: it slept, and the area may be gone. */
static pte_t *follow_or_fault(struct vm_area_struct *vma, gva_t addr, unsigned foll)
{
	struct memory *m = vma->vm_mm->mem;
	unsigned flags = 0, ret;
	pte_t *pte;

	if (foll & FOLL_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (foll & FOLL_FORCE)
		flags |= FAULT_FLAG_FORCE;
	if (foll & FOLL_REMOTE)
		flags |= FAULT_FLAG_REMOTE;
	if (foll & FOLL_UNLOCKABLE)
		flags |= FAULT_FLAG_ALLOW_RETRY;
	for (;;) {
		pte = pte_offset(vma->vm_mm, addr);
		if (pte && pte_present(*pte) &&
		    (!(foll & FOLL_WRITE) || can_follow_write_pte(vma, *pte, foll))) {
			if (!must_unshare(vma, *pte, foll)) {
				touch_page(vma, *pte, foll);
				return pte;
			}
			flags |= FAULT_FLAG_UNSHARE;
		}
		ret = handle_mm_fault(vma, addr, flags);
		if (ret & VM_FAULT_OOM)
			return ERR_PTR((foll & FOLL_UNLOCKABLE) && pagefault_out_of_memory(m)
					       ? -EAGAIN
					       : -ENOMEM);
		if ((ret & VM_FAULT_HWPOISON) && (foll & FOLL_HWPOISON))
			return ERR_PTR(-EHWPOISON);
		if (ret & VM_FAULT_ERROR)
			return ERR_PTR(-EFAULT);
		if (unlikely(ret & VM_FAULT_RETRY))
			return ERR_PTR(ret & VM_FAULT_INTR ? -EFAULT : -EAGAIN);
	}
}

static long populate_range(struct vm_area_struct *vma, gva_t start, gva_t end, unsigned foll)
{
	struct memory *m = vma->vm_mm->mem; /* the area may go */
	gva_t addr;
	int err;

	if (vma->vm_flags & VM_LOCKONFAULT)
		return (end - start) >> PAGE_SHIFT;
	/* Break COW in advance, but do not dirty what is shared. */
	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		foll |= FOLL_WRITE;
	/* Write-only and execute-only areas can be read on this CPU. */
	if (vma->vm_flags & VM_ACCESS_FLAGS)
		foll |= FOLL_FORCE;
	err = check_vma_flags(vma, foll);
	if (err)
		return err;
	for (addr = start; addr < end; addr += PAGE_SIZE) {
		pte_t *pte = follow_or_fault(vma, addr, foll);

		if (IS_ERR(pte)) {
			err = PTR_ERR(pte);
			break;
		}
	}
	lru_add_drain(m);
	return addr > start ? (long)((addr - start) >> PAGE_SHIFT) : err;
}

long populate_vma_page_range(struct vm_area_struct *vma, gva_t start, gva_t end)
{
	return populate_range(vma, start, end, 0);
}

int faultin_page_range(struct vm_area_struct *vma, gva_t *at, gva_t end, bool write)
{
	unsigned foll = FOLL_UNLOCKABLE | FOLL_HWPOISON | (write ? FOLL_WRITE : 0);
	struct memory *m = vma->vm_mm->mem;
	int err = 0;

	for (; *at < end; *at += PAGE_SIZE) {
		pte_t *pte = follow_or_fault(vma, *at, foll);

		if (IS_ERR(pte)) {
			err = PTR_ERR(pte);
			break;
		}
	}
	lru_add_drain(m);
	return err;
}

int mm_populate(struct mm_struct *mm, gva_t start, u64 len, bool ignore)
{
	gva_t addr = start, end = start + len, stop;
	long done;

	for (; addr < end; addr = stop) {
		struct vm_area_struct *vma = find_vma_intersection(mm, addr, end);

		if (!vma)
			break;
		stop = min(end, vma->vm_end);
		if (vma->vm_flags & (VM_IO | VM_PFNMAP))
			continue;
		addr = max(addr, vma->vm_start);
		done = populate_range(vma, addr, stop, FOLL_UNLOCKABLE);
		if (done == -EAGAIN || (done >= 0 && (u64)done < (stop - addr) >> PAGE_SHIFT)) {
			/* What stopped it comes first now; or it slept, and the area is another. */
			stop = addr + (done > 0 ? (u64)done << PAGE_SHIFT : 0);
			continue;
		}
		if (done < 0 && !ignore)
			return (int)done;
	}
	return 0;
}

/* --- another address space's memory ------------------------------------------------------ */

/* The page of @addr, present in the wanted way, or ERR_PTR(). */
static struct page *get_remote_page(struct mm_struct *mm, gva_t addr, unsigned foll)
{
	struct vm_area_struct *vma = find_extend_vma(mm, addr);
	pte_t *pte;
	int err;

	if (!vma)
		return ERR_PTR(-EFAULT);
	err = check_vma_flags(vma, foll);
	if (err)
		return ERR_PTR(err);
	pte = follow_or_fault(vma, addr, foll);
	return IS_ERR(pte) ? ERR_PTR(PTR_ERR(pte)) : pfn_to_page(mm->mem, pte_pfn(*pte));
}

/* Copies within one page; 0 or -errno. */
static int access_remote_page(struct mm_struct *mm, gva_t addr, void *buf, u64 n, unsigned foll)
{
	struct page *page = get_remote_page(mm, addr, foll);
	struct memory *m = mm->mem;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!(foll & FOLL_WRITE)) {
		memcpy(buf, (u8 *)page_address(m, page) + page_offset(addr), n);
		return 0;
	}
	page_code_changes(m, page, page_offset(addr), n);
	memcpy((u8 *)page_address(m, page) + page_offset(addr), buf, n);
	folio_mark_dirty(page);
	return 0;
}

static long access_vm(struct mm_struct *mm, gva_t addr, void *buf, u64 n, unsigned foll)
{
	u64 done = 0;

	while (done < n && addr < TASK_SIZE) {
		u64 part = min(n - done, PAGE_SIZE - page_offset(addr));

		if (access_remote_page(mm, addr, (u8 *)buf + done, part, foll))
			break;
		addr += part;
		done += part;
	}
	return done || !n ? (long)done : -EFAULT;
}

/* Linux: get_dump_page(), no_page_table() */
bool dump_user_page(struct mm_struct *mm, gva_t addr, void *buf)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	const pte_t *pte = vma ? pte_offset(mm, addr) : NULL;
	const struct page *page;

	if (!vma || check_vma_flags(vma, FOLL_FORCE))
		return false;
	if ((!pte || pte_none(*pte)) && (vma_is_anonymous(vma) || !vma->vm_ops->fault))
		return false;
	pte = follow_or_fault(vma, addr, FOLL_FORCE);
	page = IS_ERR(pte) ? NULL : vm_normal_page(mm->mem, *pte);
	if (!page)
		return false;
	memcpy(buf, page_address(mm->mem, page), PAGE_SIZE);
	return true;
}

long access_remote_vm(struct mm_struct *mm, gva_t addr, void *buf, u64 n, bool write, bool force)
{
	return access_vm(mm, addr, buf, n,
			 FOLL_REMOTE | (write ? FOLL_WRITE : 0) | (force ? FOLL_FORCE : 0));
}

long access_pinned_vm(struct mm_struct *mm, gva_t addr, void *buf, u64 n, bool write)
{
	return access_vm(mm, addr, buf, n,
			 FOLL_REMOTE | FOLL_PIN | FOLL_NO_TOUCH | (write ? FOLL_WRITE : 0));
}

long pin_user_pages_remote(struct mm_struct *mm, gva_t addr, u64 nr, bool write, u64 *pinned)
{
	unsigned foll = FOLL_REMOTE | FOLL_PIN | (write ? FOLL_WRITE : 0);
	struct memory *m = mm->mem;
	u64 done;

	*pinned = 0;
	for (done = 0; done < nr && addr < TASK_SIZE; done++, addr += PAGE_SIZE) {
		const struct page *page = get_remote_page(mm, addr, foll);

		if (IS_ERR(page))
			break;
		if (page == m->zero_page)
			continue;
		count_vm_event(m, EV_nr_foll_pin_acquired);
		(*pinned)++;
	}
	return done || !nr ? (long)done : -EFAULT;
}

void unpin_user_pages(struct memory *m, u64 pinned)
{
	m->events[EV_nr_foll_pin_released] += pinned;
}

/* --- words that tasks share ------------------------------------------------------------------ */

/* A number of the object's own, given when it is first asked for; odd, as no pointer is. */
static u64 mapping_sequence(struct address_space *as)
{
	if (!as->sequence)
		as->sequence = as->mem->last_sequence += 2;
	return as->sequence + 1;
}

/* One way of looking: the pte of @addr, present, or ERR_PTR(). */
static pte_t *follow_word(struct mm_struct *mm, gva_t addr, unsigned foll)
{
	struct vm_area_struct *vma;
	pte_t *pte;
	int err;

	do {
		vma = vma_lookup(mm, addr);
		if (!vma)
			return ERR_PTR(-EFAULT);
		err = check_vma_flags(vma, foll);
		if (err)
			return ERR_PTR(err);
		pte = follow_or_fault(vma, addr, foll | FOLL_UNLOCKABLE);
	} while (IS_ERR(pte) && PTR_ERR(pte) == -EAGAIN);
	return pte;
}

int user_word_shared(struct mm_struct *mm, gva_t addr, bool write, struct user_word *word)
{
	pte_t *pte = follow_word(mm, addr, FOLL_WRITE);
	bool readonly = false;
	struct page *page;

	if (IS_ERR(pte) && PTR_ERR(pte) == -EFAULT && !write) {
		pte = follow_word(mm, addr, 0);
		readonly = true;
	}
	if (IS_ERR(pte))
		return PTR_ERR(pte);
	page = vm_normal_page(mm->mem, *pte);
	if (!page || !page->mapping)
		return -EFAULT;
	if (!PageAnon(page)) {
		word->object = mapping_sequence(page->mapping);
		word->offset = (page->index << PAGE_SHIFT) + page_offset(addr);
		return 0;
	}
	/* Nobody could ever change it to wake us. */
	if (readonly)
		return -EFAULT;
	user_word_private(mm, addr, word);
	return 0;
}

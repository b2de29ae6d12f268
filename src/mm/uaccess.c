/* The guest kernel's access to guest memory: page by page, through the page tables.
 *
 *   user_run -> the TLB's first level (when the mm is the current one) -> the pte -> a fault
 *
 * What the CPU's walker would do to a pte is done here: accessed and dirty bits, and frames with
 * cached code are announced before they change. Look-ups in the TLB here are not counted: they
 * stand for the kernel's own accesses, which no guest instruction made.
 */
#include "mm/uaccess.h"

#include <string.h>

#include "base/err.h"
#include "mm/internal.h"
#include "mm/tlb.h"

/* The TLB that holds @mm's translations, or NULL. */
static inline struct tlb *current_tlb(const struct mm_struct *mm)
{
	struct tlb *t = mm->mem->tlbs[0];

	return t && t->mm == mm ? t : NULL;
}

/* Host address of @addr if it can be accessed as things are, @n bytes in the page; NULL: fault. *@error_code
 * gets PF_PROT when the page is there. */
static void *user_page(struct mm_struct *mm, gva_t addr, u64 n, bool write, u32 *error_code)
{
	u64 need = _PAGE_PRESENT | _PAGE_USER | (write ? _PAGE_RW : 0);
	struct memory *m = mm->mem;
	struct tlb *t = current_tlb(mm);
	struct page *page;
	pte_t *pte;

	if (t) {
		struct tlb_entry *e = tlb_l1_slot(t, addr);

		if (e->tag[write ? TLB_WRITE : TLB_READ] == (addr & PAGE_MASK))
			return (void *)(addr + e->addend);
	}
	*error_code &= ~PF_PROT;
	pte = pte_offset(mm, addr);
	if (!pte || !(pte->pte & _PAGE_PRESENT))
		return NULL;
	*error_code |= PF_PROT;
	if ((pte->pte & need) != need)
		return NULL;
	page = pfn_to_page(m, pte_pfn(*pte));
	if (write)
		page_code_changes(m, page, page_offset(addr), n);
	pte->pte |= _PAGE_ACCESSED | (write ? _PAGE_DIRTY : 0);
	return (u8 *)page_address(m, page) + page_offset(addr);
}

long user_run(struct mm_struct *mm, gva_t addr, u64 n, bool write, void **host)
{
	u32 error_code = write ? PF_WRITE : 0;
	struct fault_signal sig;

	if (unlikely(addr >= TASK_SIZE))
		return -EFAULT;
	n = min(n, PAGE_SIZE - page_offset(addr));
	while (unlikely(!(*host = user_page(mm, addr, n, write, &error_code)))) {
		do_user_addr_fault(mm, addr, error_code, &sig);
		if (sig.signo)
			return -EFAULT;
	}
	return (long)n;
}

struct page *get_user_page(struct mm_struct *mm, gva_t addr)
{
	struct page *page;
	void *host;

	if (user_run(mm, addr, 1, false, &host) < 0)
		return ERR_PTR(-EFAULT);
	page = virt_to_page(mm->mem, host);
	get_page(page);
	return page;
}

int fault_in_user(struct mm_struct *mm, gva_t addr, u64 n, bool write)
{
	void *host;

	while (n) {
		long run = user_run(mm, addr, n, write, &host);

		if (run < 0)
			return (int)run;
		addr += run;
		n -= run;
	}
	return 0;
}

u64 copy_from_user(struct mm_struct *mm, void *to, gva_t from, u64 n)
{
	void *host;

	while (n) {
		long run = user_run(mm, from, n, false, &host);

		if (run < 0)
			break;
		memmove(to, host, run); /* a pipe or file may hold the very page */
		to = (u8 *)to + run;
		from += run;
		n -= run;
	}
	return n;
}

u64 copy_to_user(struct mm_struct *mm, gva_t to, const void *from, u64 n)
{
	void *host;

	while (n) {
		long run = user_run(mm, to, n, true, &host);

		if (run < 0)
			break;
		memmove(host, from, run);
		from = (const u8 *)from + run;
		to += run;
		n -= run;
	}
	return n;
}

u64 clear_user(struct mm_struct *mm, gva_t to, u64 n)
{
	void *host;

	while (n) {
		long run = user_run(mm, to, n, true, &host);

		if (run < 0)
			break;
		memset(host, 0, run);
		to += run;
		n -= run;
	}
	return n;
}

long strncpy_from_user(struct mm_struct *mm, char *to, gva_t from, u64 n)
{
	u64 done = 0;
	void *host;

	while (done < n) {
		long run = user_run(mm, from + done, n - done, false, &host);
		char *nul;

		if (run < 0)
			return run;
		nul = memchr(host, 0, run);
		memcpy(to + done, host, nul ? nul - (char *)host + 1 : run);
		if (nul)
			return done + (nul - (char *)host);
		done += run;
	}
	return n;
}

int copy_struct_from_user(struct mm_struct *mm, void *to, u64 known, gva_t from, u64 size)
{
	u64 done = min(known, size);
	u8 byte;

	for (u64 at = known; at < size; at++) {
		if (copy_from_user(mm, &byte, from + at, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	memset((u8 *)to + done, 0, known - done);
	return copy_from_user(mm, to, from, done) ? -EFAULT : 0;
}

long strnlen_user(struct mm_struct *mm, gva_t s, u64 n)
{
	u64 done = 0;
	void *host;

	while (done < n) {
		long run = user_run(mm, s + done, n - done, false, &host);
		char *nul;

		if (run < 0)
			return 0;
		nul = memchr(host, 0, run);
		if (nul)
			return done + (nul - (char *)host) + 1;
		done += run;
	}
	return n + 1;
}

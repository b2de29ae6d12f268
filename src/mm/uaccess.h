/* The guest kernel's access to guest memory: the same page tables, the same faults.
 *
 * @n and @size are bytes; addresses may be anything, any byte outside of user space is a fault. Each function
 * stops at the first byte that the guest could not reach itself. What copies may sleep, and may reclaim,
 * unless pagefault_disable()d: whoever holds what must not change meanwhile copies before or after.
 *
 * Not for: host pointers handed to somebody who keeps them; a page may move or go at the next fault.
 */
#ifndef MM_UACCESS_H
#define MM_UACCESS_H

#include "mm/mm.h"

/* Bytes NOT copied (0: all). A fault is served as a user access's would be (counted, stack
 * grown, COW broken); what cannot be served ends the copy. What copy_from_user() did not fill is as it was;
 * Linux clears it. See: Linux, Documentation/core-api/mm-api.rst. */
u64 copy_from_user(struct mm_struct *mm, void *to, gva_t from, u64 n) __must_check;
u64 copy_to_user(struct mm_struct *mm, gva_t to, const void *from, u64 n) __must_check;
u64 clear_user(struct mm_struct *mm, gva_t to, u64 n) __must_check;
/* A structure that grows from one kernel to the next: of the caller's @size bytes as many as @to has
 * (@known); what the caller does not know becomes 0, what we do not know must be 0 (-E2BIG). -EFAULT.
 * Its smallest size and its largest (a page) are the caller's to check, in its own order. */
int copy_struct_from_user(struct mm_struct *mm, void *to, u64 known, gva_t from,
			  u64 size) __must_check;
/* Length without the NUL, which is copied; @n when there is none in @n bytes; -EFAULT. */
long strncpy_from_user(struct mm_struct *mm, char *to, gva_t from, u64 n) __must_check;
/* Length with the NUL; 0: fault; more than @n: none found in @n bytes. */
long strnlen_user(struct mm_struct *mm, gva_t s, u64 n) __must_check;
/* Is [addr, addr+n) inside user space? Says nothing of what is mapped there. */
static inline bool access_ok(gva_t addr, u64 n)
{
	return n <= TASK_SIZE && addr <= TASK_SIZE - n;
}

/* A run of guest memory as host memory, for reads and writes without a second copy: at most to
 * the end of the page. *@host valid until the next call into mm/. @write: for storing; the pte is dirty
 * then, whatever the caller stores. Bytes available (1 .. n, @n at least 1) or -EFAULT. */
long user_run(struct mm_struct *mm, gva_t addr, u64 n, bool write, void **host) __must_check;

/* The page at @addr as it can be read, with a reference: whoever keeps it sees what is stored there later, until it
 * is copied or unmapped. May sleep. ERR_PTR(-EFAULT). See: Linux, get_user_pages() without FOLL_PIN. */
struct page *get_user_page(struct mm_struct *mm, gva_t addr);

/* Makes [addr, addr + n) present, for storing if @write. 0; -EFAULT: not all of it, what came stays. When it
 * slept, others may have taken pages away again: look again, or be ready for another fault. */
int fault_in_user(struct mm_struct *mm, gva_t addr, u64 n, bool write) __must_check;

/* A request of the running task's, other than a fault, found no memory. True: somebody who was dying
 * for want of it is gone now, try again (it slept). False: there was nobody, or it must not sleep. (fault.c) */
bool wait_for_memory(struct memory *m);

/* Between the two no copy sleeps, as with userfaultfd(2) it might: it ends as at a bad address. For
 * what others could change or free meanwhile; and where nobody can sleep at all. They nest. To go on:
 * enable, fault in what is missing, and look again at whatever is shared.
 * See: Linux, pagefault_disable(), which forbids every fault. */
static inline void pagefault_disable(struct memory *m)
{
	m->pagefault_disabled++;
}

static inline void pagefault_enable(struct memory *m)
{
	VM_BUG_ON(!m->pagefault_disabled);
	m->pagefault_disabled--;
}

/* Single values: 0 or -EFAULT. */
#define get_user(mm, val, addr) (copy_from_user(mm, &(val), addr, sizeof(val)) ? -EFAULT : 0)
#define put_user(mm, val, addr)                                                                    \
	({                                                                                         \
		__typeof__(val) _v = (val);                                                        \
		copy_to_user(mm, addr, &_v, sizeof(_v)) ? -EFAULT : 0;                             \
	})

/* Copies between @buf and another address space's memory, whatever its owner does meanwhile; bytes done, at
 * least 1, or -EFAULT. @force: also where its rights forbid it, as far as FOLL_FORCE goes (/proc/PID/mem).
 * Never sleeps: what userfaultfd would have to serve is -EFAULT. (populate.c) See: ptrace(2), proc(5). */
long access_remote_vm(struct mm_struct *mm, gva_t addr, void *buf, u64 n, bool write, bool force);
/* The page at @addr to @buf, for a core file. False: zeros, or not to be had; what is absent stays so where reading would
 * make a page of zeros. As access_remote_vm() with force; never sleeps. */
bool dump_user_page(struct mm_struct *mm, gva_t addr, void *buf);
/* The same without force, of pages that pin_user_pages_remote() made present. */
long access_pinned_vm(struct mm_struct *mm, gva_t addr, void *buf, u64 n, bool write);
/* Makes @nr pages from @addr on present, and used, as process_vm_readv(2) does before it copies; an
 * anonymous page that COW shares with another process is copied first, even to be read. Pages, up to the
 * first that cannot be had, or -EFAULT if there is none. *@pinned: how many are counted as pinned, which
 * the zero page never is; unpin_user_pages() counts them as released. Nothing is held: who copies after
 * a pause may fault again. See: Linux, FOLL_PIN, FOLL_TOUCH. */
long pin_user_pages_remote(struct mm_struct *mm, gva_t addr, u64 nr, bool write, u64 *pinned);
void unpin_user_pages(struct memory *m, u64 pinned);

/* What a word of user memory is, whoever maps it wherever: equal for two words if a store to the one is
 * seen in the other. */
struct user_word {
	u64 object; /* an address space, or a file or segment: never the same number again while it is used */
	u64 offset; /* bytes */
};

/* The word at @addr for all who may share it. Its page is made present, for storing if that is allowed
 * (@write: it must be), so a private page is the caller's own afterwards. May sleep. 0; -EFAULT: not
 * there, or a page that belongs to nobody (zero page, vdso); -ENOMEM.
 * See: Linux, get_futex_key(). */
int user_word_shared(struct mm_struct *mm, gva_t addr, bool write, struct user_word *word);

/* The same for those only who use @mm: looks at no page. */
static inline void user_word_private(struct mm_struct *mm, gva_t addr, struct user_word *word)
{
	*word = (struct user_word){(u64)mm, addr};
}

/* Notes a use of the page at @addr, if there is one, as get_user_pages(FOLL_TOUCH | FOLL_WRITE) does. */
void touch_user_page(struct mm_struct *mm, gva_t addr);

#endif

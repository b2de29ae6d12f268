/* The robust list: locks in user memory that a task holds, or is about to take or leave. At its end
 * each of them is marked, so that whoever takes it next knows. The list is the program's own data:
 * nothing in it is trusted, and what cannot be read ends the walk.
 *
 * See: get_robust_list(2); kernel/futex/core.c, exit_robust_list().
 */
#include <linux/futex.h>

#include "mm/uaccess.h"
#include "proc/futex.h"
#include "proc/task.h"

/* struct robust_list_head of the ABI. Bit 0 of an entry's address: a lock with priority inheritance. */
struct robust_head {
	gva_t first;
	s64 futex_offset;
	gva_t pending;
};

/* @pi: the lock's owner is the kernel's business. @pending: it was about to be taken or left. */
static int mark_dead(struct task_struct *t, gva_t futex, bool pi, bool pending)
{
	u32 value;
	int err;

	if (futex % sizeof(value))
		return -EFAULT;
	do { /* others may say that they wait while this sleeps */
		if (get_user(t->mm, value, futex))
			return -EFAULT;
		/* Left, but nobody woken yet. */
		if (pending && !pi && !value)
			(void)futex_wake(t, futex, true, 1, FUTEX_BITSET_MATCH_ANY);
		if ((value & FUTEX_TID_MASK) != (u32)t->pid)
			return 0;
		value = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		pagefault_disable(t->mm->mem);
		err = put_user(t->mm, value, futex);
		pagefault_enable(t->mm->mem);
		if (err && fault_in_user(t->mm, futex, sizeof(value), true))
			return -EFAULT;
	} while (err);
	if (!pi && (value & FUTEX_WAITERS))
		(void)futex_wake(t, futex, true, 1, FUTEX_BITSET_MATCH_ANY);
	return 0;
}

void exit_robust_list(struct task_struct *t)
{
	gva_t head = t->robust_list, entry, next;
	bool pi, pending_pi, next_pi = false;
	struct robust_head h;

	t->robust_list = 0;
	if (!head || get_user(t->mm, h, head))
		return;
	pending_pi = h.pending & 1;
	h.pending &= ~1UL;
	pi = h.first & 1;
	entry = h.first & ~1UL;
	for (int n = 0; entry != head && n < ROBUST_LIST_LIMIT; n++) {
		/* Read before the entry is given up. */
		bool more = !get_user(t->mm, next, entry);

		if (more)
			next_pi = next & 1;
		if (entry != h.pending && mark_dead(t, entry + h.futex_offset, pi, false))
			return;
		if (!more)
			return;
		entry = next & ~1UL;
		pi = next_pi;
	}
	if (h.pending)
		(void)mark_dead(t, h.pending + h.futex_offset, pending_pi, true);
}

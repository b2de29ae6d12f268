/* iov_iter: where read and write put or take bytes. See iov_iter.h. */
#include "fs/iov_iter.h"

#include <string.h>

#include "mm/uaccess.h"

/* The current piece, with empty ones skipped: its length, at most @n; 0: nothing left. */
static u64 piece(struct iov_iter *i, u64 n, void **base)
{
	u64 len = min(n, i->count);

	while (len && i->iov_offset >= i->iov->iov_len) {
		i->iov++;
		i->nr_segs--;
		i->iov_offset = 0;
	}
	if (!len)
		return 0;
	*base = (u8 *)i->iov->iov_base + i->iov_offset;
	return min(len, (u64)i->iov->iov_len - i->iov_offset);
}

void iov_iter_advance(struct iov_iter *i, u64 n)
{
	void *base;
	u64 len;

	while ((len = piece(i, n, &base))) {
		i->iov_offset += len;
		i->count -= len;
		n -= len;
	}
}

u64 copy_to_iter(const void *from, u64 n, struct iov_iter *i)
{
	u64 done = 0, len, left = 0;
	void *base;

	while (!left && (len = piece(i, n - done, &base))) {
		if (i->mm)
			left = copy_to_user(i->mm, (gva_t)base, (const u8 *)from + done, len);
		else
			memcpy(base, (const u8 *)from + done, len);
		i->iov_offset += len - left;
		i->count -= len - left;
		done += len - left;
	}
	return done;
}

u64 copy_from_iter(void *to, u64 n, struct iov_iter *i)
{
	u64 done = 0, len, left = 0;
	void *base;

	while (!left && (len = piece(i, n - done, &base))) {
		if (i->mm)
			left = copy_from_user(i->mm, (u8 *)to + done, (gva_t)base, len);
		else
			memcpy((u8 *)to + done, base, len);
		i->iov_offset += len - left;
		i->count -= len - left;
		done += len - left;
	}
	return done;
}

u64 iov_iter_zero(u64 n, struct iov_iter *i)
{
	u64 done = 0, len, left = 0;
	void *base;

	while (!left && (len = piece(i, n - done, &base))) {
		if (i->mm)
			left = clear_user(i->mm, (gva_t)base, len);
		else
			memset(base, 0, len);
		i->iov_offset += len - left;
		i->count -= len - left;
		done += len - left;
	}
	return done;
}

u64 iov_iter_fault_in(const struct iov_iter *iter, u64 n, bool write)
{
	struct iov_iter copy = *iter;
	u64 done = 0, len;
	void *base, *host;

	if (!iter->mm)
		return min(n, iter->count);
	while (done < n && (len = piece(&copy, n - done, &base))) {
		long run = user_run(copy.mm, (gva_t)base, len, write, &host);

		if (run <= 0)
			break;
		iov_iter_advance(&copy, run);
		done += run;
	}
	return done;
}

void iov_iter_prefault(const struct iov_iter *i, u64 n, bool write)
{
	if (unlikely(i->mm && i->mm->uffd_used))
		(void)iov_iter_fault_in(i, n, write); /* what is not there the copy will report */
}

void iov_iter_nosleep_begin(const struct iov_iter *i)
{
	if (i->mm)
		pagefault_disable(i->mm->mem);
}

bool iov_iter_nosleep_end(struct iov_iter *i, const struct iov_iter *start, u64 n, bool write)
{
	u64 left = n - (start->count - i->count);

	if (!i->mm)
		return false;
	pagefault_enable(i->mm->mem);
	if (likely(!left) || iov_iter_fault_in(i, left, write) < left)
		return false;
	*i = *start;
	return true;
}

/* iov_iter: where read and write put or take bytes, be it guest memory, page by page, or host memory.
 *
 *   iov:  [base,len] [base,len] [base,len]      nr_segs pieces, not yet walked
 *              ^ iov_offset                     count: bytes left in all of them together
 *
 * Walking it moves iov on, so that the vector is the caller's and a copy of the struct is a bookmark.
 * A copy from or to guest memory faults pages in and may sleep there (userfaultfd), unless faults are
 * disabled. Not for: checking addresses, which rw_check() in file.c does before anything moves.
 * See: Linux, lib/iov_iter.c.
 */
#ifndef FS_IOV_ITER_H
#define FS_IOV_ITER_H

#include <sys/uio.h>

#include "base/types.h"

struct mm_struct;

struct iov_iter {
	struct mm_struct *mm;	 /* NULL: host memory */
	const struct iovec *iov; /* host copy of the vector; iov_base is a gva unless mm is NULL */
	u32 nr_segs;
	u64 iov_offset; /* into the first */
	u64 count;	/* bytes left */
	bool broken;	/* out: the stream's reader has gone, so SIGPIPE, whatever was written */
};

/* Copies @n bytes to or from where @i stands, or stores zeros there, and moves @i on by what was done.
 * Bytes; fewer than @n only at a fault, or when @i is at its end. May sleep. */
u64 copy_to_iter(const void *from, u64 n, struct iov_iter *i);
u64 copy_from_iter(void *to, u64 n, struct iov_iter *i);
u64 iov_iter_zero(u64 n, struct iov_iter *i);

/* Of the next @n bytes, those that can be stored to (@write) or loaded now; moves nothing. May sleep. */
u64 iov_iter_fault_in(const struct iov_iter *i, u64 n, bool write);
/* Before a copy of up to @n bytes that must not sleep in the middle, as with userfaultfd it might:
 * faults in what it will touch. Sleeps itself: look again at whatever is shared. */
void iov_iter_prefault(const struct iov_iter *i, u64 n, bool write);

/* Around copies from or to what others may change or free while one sleeps. begin: they do not sleep from
 * here on. end: they may again; were the @n bytes since @start copied? False: they were, or the rest can
 * never be. True: they can be now, but it slept: @i is at @start again, and what is copied must be looked
 * up again. */
void iov_iter_nosleep_begin(const struct iov_iter *i);
bool iov_iter_nosleep_end(struct iov_iter *i, const struct iov_iter *start, u64 n, bool write);

/* Moves on by @n bytes, at most to the end, without copying. Never sleeps. */
void iov_iter_advance(struct iov_iter *i, u64 n);

#endif

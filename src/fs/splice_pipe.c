/* Pipe to pipe, and memory to pipe: buffers change hands, and no byte is copied. splice(2), tee(2), vmsplice(2).
 *
 *   tee:   in  [A][B][C]          out  [A][B]      both hold a reference; only the first may merge what comes
 *   move:  in        [C]          out  [A][B]
 *
 * Not for: pipe and file (splice.c). See: Linux, fs/splice.c, link_pipe(), splice_pipe_to_pipe(), iter_to_pipe().
 */
#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/pipe.h"
#include "mm/uaccess.h"

/* Copies of the first buffers of @in, as far as there is room. Bytes. */
static long link_pipe(struct pipe_inode_info *in, struct pipe_inode_info *out, u64 len)
{
	long done = 0;
	u32 slot;

	for (slot = in->tail; slot != in->head && len && !pipe_full(out); slot++) {
		const struct pipe_buffer *buf = pipe_buf(in, slot);
		u32 n = min((u64)buf->len, len);

		get_page(buf->page);
		pipe_push(out, buf->page, buf->offset, n, buf->flags & ~PIPE_BUF_FLAG_CAN_MERGE);
		done += n;
		len -= n;
	}
	return done;
}

/* The same, and they go from @in: the last one perhaps in part. */
static long move_buffers(struct pipe_inode_info *in, struct pipe_inode_info *out, u64 len)
{
	long done = 0;

	while (len && !pipe_empty(in) && !pipe_full(out)) {
		const struct pipe_buffer *buf = pipe_buf(in, in->tail);
		struct pipe_buffer whole;
		u32 n = min((u64)buf->len, len);

		if (n == buf->len) {
			whole = pipe_pull(in);
			pipe_push(out, whole.page, whole.offset, whole.len, whole.flags);
		} else {
			get_page(buf->page);
			pipe_push(out, buf->page, buf->offset, n,
				  buf->flags & ~PIPE_BUF_FLAG_CAN_MERGE);
			pipe_consume(in, n);
		}
		done += n;
		len -= n;
	}
	return done;
}

long splice_pipe_to_pipe(struct pipe_inode_info *in, struct pipe_inode_info *out, u64 len, bool tee,
			 bool nonblock)
{
	long err;

	do { /* again: others may have read or written */
		err = pipe_wait_readable(in, nonblock);
		if (!err)
			err = pipe_wait_writable(out, nonblock);
		if (err)
			return err;
		if (pipe_empty(in) && !in->writers)
			return 0;
	} while (pipe_empty(in) || pipe_full(out) || in->spliced);
	return tee ? link_pipe(in, out, len) : move_buffers(in, out, len);
}

/* One page of what @from names, or a part of one. Bytes; 0: while a fault slept the pipe became full, or its readers
 * went; -EFAULT. */
static long lend_user_page(struct iov_iter *from, struct pipe_inode_info *pipe)
{
	gva_t at = (gva_t)from->iov->iov_base + from->iov_offset;
	u64 n = min(from->iov->iov_len - from->iov_offset, PAGE_SIZE - page_offset(at));
	struct page *page = get_user_page(from->mm, at);

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (unlikely(pipe_full(pipe) || !pipe->readers)) {
		put_page(pipe->vfs->mem, page);
		return 0;
	}
	n = min(n, from->count);
	pipe_push(pipe, page, page_offset(at), n, 0);
	iov_iter_advance(from, n);
	return n;
}

long splice_user_to_pipe(struct iov_iter *from, struct pipe_inode_info *pipe, bool nonblock)
{
	long done = 0, n = pipe_wait_writable(pipe, nonblock);

	if (n)
		return n;
	while (from->count && !pipe_full(pipe) && pipe->readers) {
		if (from->iov_offset == from->iov->iov_len) {
			from->iov++;
			from->nr_segs--;
			from->iov_offset = 0;
			continue;
		}
		n = lend_user_page(from, pipe);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

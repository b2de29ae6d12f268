/* Between a file and a pipe of the guest's: sendfile(2), splice(2).
 *
 * A page of the page cache is lent, not copied: the pipe holds a reference to it, so that a reader
 * finds what is in the file by then. Not for: pipe to pipe, and memory (splice_pipe.c). See: Linux, fs/splice.c, filemap_splice_read(). */
#include "base/err.h"
#include "fs/fsnotify.h"
#include "fs/iov_iter.h"
#include "fs/pipe.h"

/* As many bytes as the pipe has room for, whole pages or parts of one. Bytes or -errno if there are
 * none. */
static long lend_pages(struct file *in, u64 *pos, struct pipe_inode_info *pipe, u64 len)
{
	u64 end = *pos + len, n;
	struct page *page;
	long done = 0;

	while (*pos < end && !pipe_full(pipe)) {
		page = in->f_op->splice_page(in, *pos, end);
		if (IS_ERR_OR_NULL(page))
			return done ? done : PTR_ERR(page);
		n = min(PAGE_SIZE - page_offset(*pos), end - *pos);
		n = min(n, in->f_mapping->i_size - *pos);
		pipe_push(pipe, page, page_offset(*pos), n, 0);
		*pos += n;
		done += n;
		in->f_ra.prev_pos = *pos;
	}
	return done;
}

/* What has no page cache is read, once, into pages of the pipe's own. Bytes, 0: the end, -errno; -EAGAIN, too,
 * if others filled the pipe while the read slept. */
static long copy_pages(struct file *in, u64 *pos, struct pipe_inode_info *pipe, u64 len)
{
	struct memory *m = pipe->vfs->mem;
	u32 nr = (len + PAGE_SIZE - 1) >> PAGE_SHIFT, have, i;
	struct page **pages = kcalloc(m, nr, sizeof(*pages), GFP_KERNEL);
	struct iovec *iov = kcalloc(m, nr, sizeof(*iov), GFP_KERNEL);
	struct iov_iter to = {.iov = iov};
	long ret = -ENOMEM, done = 0;

	for (have = 0; pages && iov && have < nr; have++) {
		pages[have] = alloc_pages(m, GFP_USER, 0);
		if (!pages[have])
			break;
		iov[have] = (struct iovec){page_address(m, pages[have]),
					   min(len - ((u64)have << PAGE_SHIFT), PAGE_SIZE)};
		to.count += iov[have].iov_len;
	}
	to.nr_segs = have;
	if (have)
		ret = vfs_read(in, &to, pos);
	for (i = 0; i < have; i++) {
		long n = min(ret - done, (long)PAGE_SIZE);

		if (n > 0 && !pipe_full(pipe)) {
			pipe_push(pipe, pages[i], 0, n, 0);
			done += n;
		} else {
			put_page(m, pages[i]);
		}
	}
	if (ret > done) { /* the next call reads that again */
		*pos -= ret - done;
		ret = done ? done : -EAGAIN;
	}
	kfree(m, iov);
	kfree(m, pages);
	return ret;
}

long splice_file_to_pipe(struct file *in, u64 *pos, struct pipe_inode_info *pipe, u64 len,
			 bool nonblock)
{
	u64 room;
	long ret;

	do {
		ret = pipe_wait_writable(pipe, nonblock);
		if (ret)
			return ret;
		room = (u64)(pipe->max_usage - (pipe->head - pipe->tail)) << PAGE_SHIFT;
		room = min(len, room);
		if (!room)
			return 0;
		if (in->f_op->splice_page && !(in->f_flags & O_DIRECT)) {
			ret = lend_pages(in, pos, pipe, room);
			if (ret > 0)
				fsnotify_file(in, IN_ACCESS);
			return ret;
		}
		ret = copy_pages(in, pos, pipe, room);
	} while (ret == -EAGAIN && pipe_full(pipe));
	return ret;
}

/* --- from a pipe ---------------------------------------------------------------------------------- */

/* Of the first buffer at most @len bytes. Nobody else reads meanwhile. Bytes or -errno. */
static long write_first(struct pipe_inode_info *pipe, struct file *out, u64 *pos, u64 len)
{
	struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
	struct iovec iov = {(u8 *)page_address(pipe->vfs->mem, buf->page) + buf->offset,
			    min((u64)buf->len, len)};
	struct iov_iter from = {.iov = &iov, .nr_segs = 1, .count = iov.iov_len};
	long n;

	pipe->spliced = true;
	n = vfs_write(out, &from, pos);
	pipe->spliced = false;
	if (n > 0)
		pipe_consume(pipe, n);
	wake_up_all(&pipe->rd_wait);
	return n;
}

long splice_pipe_to_file(struct pipe_inode_info *pipe, struct file *out, u64 *pos, u64 len,
			 bool nonblock)
{
	long done = 0, n;

	while (len) {
		if (pipe_empty(pipe) && done)
			break;
		n = pipe_wait_readable(pipe, nonblock);
		if (n)
			return done ? done : n;
		if (pipe_empty(pipe)) /* nobody writes any more */
			break;
		n = write_first(pipe, out, pos, len);
		if (n <= 0)
			return done ? done : n;
		done += n;
		len -= n;
	}
	return done;
}

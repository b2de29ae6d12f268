/* From a file into a pipe of the guest's: sendfile(2).
 *
 * A page of the page cache is lent, not copied: the pipe holds a reference to it, so that a reader
 * finds what is in the file by then. See: Linux, fs/splice.c, filemap_splice_read(). */
#include "base/err.h"
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
		if (in->f_op->splice_page && !(in->f_flags & O_DIRECT))
			return lend_pages(in, pos, pipe, room);
		ret = copy_pages(in, pos, pipe, room);
	} while (ret == -EAGAIN && pipe_full(pipe));
	return ret;
}

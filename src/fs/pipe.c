/* Pipes: reading, writing, readiness, size. See pipe.h; pipe(7). Opening is pipe_open.c's.
 *
 * Whoever changes the ring wakes the other side's queue, and each sleeper looks again. A copy from
 * or to the guest comes before the change, so one that faults leaves the pipe as it was.
 */
#include "fs/pipe.h"

#include <sys/ioctl.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/pipe_internal.h"
#include "fs/poll.h"
#include "mm/uaccess.h"

#define PIPE_READABLE (EPOLLIN | EPOLLRDNORM)
#define PIPE_WRITABLE (EPOLLOUT | EPOLLWRNORM)

/* --- the ring -------------------------------------------------------------------------------- */

static struct page *take_page(struct pipe_inode_info *pipe)
{
	struct page *page;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(pipe->tmp_page); i++) {
		page = pipe->tmp_page[i];
		if (page) {
			pipe->tmp_page[i] = NULL;
			return page;
		}
	}
	page = alloc_pages(pipe->vfs->mem, GFP_USER, 0);
	if (page)
		page->owner = OWN_KERNEL;
	return page;
}

static void give_page(struct pipe_inode_info *pipe, struct page *page)
{
	unsigned i;

	for (i = 0; page->refcount == 1 && i < ARRAY_SIZE(pipe->tmp_page); i++) {
		if (!pipe->tmp_page[i]) {
			pipe->tmp_page[i] = page;
			return;
		}
	}
	put_page(pipe->vfs->mem, page);
}

/* Pages that came by splice belong to somebody else, too: only our own are used again. */
static void release_buf(struct pipe_inode_info *pipe, struct pipe_buffer *buf)
{
	struct page *page = buf->page;

	buf->page = NULL;
	if (buf->flags & PIPE_BUF_FLAG_CAN_MERGE)
		give_page(pipe, page);
	else
		put_page(pipe->vfs->mem, page);
}

/* Bytes came. Who polls edge by edge hears of each write, others of the first only. */
static void wake_readers(struct pipe_inode_info *pipe, bool was_empty)
{
	if (was_empty || pipe->poll_usage)
		wake_up_poll(&pipe->rd_wait, PIPE_READABLE);
}

void pipe_push(struct pipe_inode_info *pipe, struct page *page, u32 offset, u32 len, u32 flags)
{
	bool was_empty = pipe_empty(pipe);

	VM_BUG_ON(pipe_full(pipe));
	*pipe_buf(pipe, pipe->head++) = (struct pipe_buffer){page, offset, len, flags};
	wake_readers(pipe, was_empty);
}

void pipe_consume(struct pipe_inode_info *pipe, u32 n)
{
	struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
	bool was_full = pipe_full(pipe);

	VM_BUG_ON(pipe_empty(pipe) || n > buf->len);
	buf->offset += n;
	buf->len -= n;
	if (buf->len)
		return;
	release_buf(pipe, buf);
	pipe->tail++;
	if (was_full)
		wake_up_poll(&pipe->wr_wait, PIPE_WRITABLE);
}

struct pipe_buffer pipe_pull(struct pipe_inode_info *pipe)
{
	struct pipe_buffer buf = *pipe_buf(pipe, pipe->tail);
	bool was_full = pipe_full(pipe);

	VM_BUG_ON(pipe_empty(pipe));
	pipe_buf(pipe, pipe->tail++)->page = NULL;
	if (was_full)
		wake_up_poll(&pipe->wr_wait, PIPE_WRITABLE);
	return buf;
}

void pipe_free_pages(struct pipe_inode_info *pipe)
{
	unsigned i;

	for (; !pipe_empty(pipe); pipe->tail++) {
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);

		put_page(pipe->vfs->mem, buf->page);
		buf->page = NULL;
	}
	for (i = 0; i < ARRAY_SIZE(pipe->tmp_page); i++) {
		if (pipe->tmp_page[i])
			put_page(pipe->vfs->mem, pipe->tmp_page[i]);
		pipe->tmp_page[i] = NULL;
	}
}

/* --- read ------------------------------------------------------------------------------------ */

/* What the pipe holds, as far as it goes. Bytes, or -EFAULT when there is not one. */
static long read_buffers(struct pipe_inode_info *pipe, struct iov_iter *to)
{
	struct memory *m = pipe->vfs->mem;
	long done = 0;

	while (to->count && !pipe_empty(pipe)) {
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
		bool packet = buf->flags & PIPE_BUF_FLAG_PACKET;
		u32 n = min((u64)buf->len, to->count);
		struct iov_iter start = *to;
		u64 got;

		iov_iter_nosleep_begin(to);
		got = copy_to_iter((u8 *)page_address(m, buf->page) + buf->offset, n, to);
		if (unlikely(iov_iter_nosleep_end(to, &start, n, true)))
			continue; /* others may have read */
		if (got < n)
			return done ? done : -EFAULT;
		done += n;
		pipe_consume(pipe, packet ? buf->len : n);
		if (packet)
			break;
	}
	return done;
}

int pipe_wait_readable(struct pipe_inode_info *pipe, bool nonblock)
{
	int err = 0;

	if (unlikely(pipe->spliced))
		err = wait_event_interruptible(&pipe->rd_wait, !pipe->spliced);
	if (err || !pipe_empty(pipe) || !pipe->writers)
		return err;
	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(&pipe->rd_wait,
					(!pipe_empty(pipe) || !pipe->writers) && !pipe->spliced);
}

/* What fstat(2) shows. */
static void touch(struct pipe_inode_info *pipe, struct timespec *ts)
{
	if (list_empty(&pipe->fifos))
		*ts = current_time(pipe->vfs);
}

static long pipe_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct pipe_inode_info *pipe = f->private_data;
	long ret;

	if (!to->count)
		return 0;
	do {
		ret = pipe_wait_readable(pipe, f->f_flags & O_NONBLOCK);
		if (ret)
			return ret;
		/* Somebody else may have been faster. */
		ret = read_buffers(pipe, to);
	} while (!ret && pipe->writers);
	if (ret > 0)
		touch(pipe, &pipe->attr.atime);
	return ret;
}

/* --- write ----------------------------------------------------------------------------------- */

/* The odd bytes of a write go behind the last buffer's, if all of them fit there. 1: they did;
 * 0, -EFAULT. */
static int write_merge(struct pipe_inode_info *pipe, struct iov_iter *from)
{
	u32 chars = page_offset(from->count), end;
	struct iov_iter start = *from;
	struct pipe_buffer *buf;
	u64 got;
	u8 *bytes;

	if (!chars)
		return 0;
	do { /* again: others may have read or written */
		if (pipe_empty(pipe))
			return 0;
		buf = pipe_buf(pipe, pipe->head - 1);
		end = buf->offset + buf->len;
		if (!(buf->flags & PIPE_BUF_FLAG_CAN_MERGE) || end + chars > PAGE_SIZE)
			return 0;
		bytes = page_address(pipe->vfs->mem, buf->page);
		iov_iter_nosleep_begin(from);
		got = copy_from_iter(bytes + end, chars, from);
	} while (unlikely(iov_iter_nosleep_end(from, &start, chars, false)));
	if (got < chars)
		return -EFAULT;
	buf->len += chars;
	wake_readers(pipe, false);
	return 1;
}

/* One page of bytes, or less if there are no more, into a buffer of their own. Bytes, -EFAULT,
 * -ENOMEM. */
static long write_page(struct file *f, struct pipe_inode_info *pipe, struct iov_iter *from)
{
	struct iov_iter start = *from;
	struct page *page = take_page(pipe);
	u64 n = min(from->count, PAGE_SIZE);

	if (!page)
		return -ENOMEM;
	if (copy_from_iter(page_address(pipe->vfs->mem, page), n, from) < n) {
		give_page(pipe, page);
		return -EFAULT;
	}
	if (unlikely(pipe_full(pipe) || !pipe->readers)) { /* the copy slept: once more */
		*from = start;
		give_page(pipe, page);
		return 0;
	}
	pipe_push(pipe, page, 0, n,
		  f->f_flags & O_DIRECT ? PIPE_BUF_FLAG_PACKET : PIPE_BUF_FLAG_CAN_MERGE);
	return n;
}

int pipe_wait_writable(struct pipe_inode_info *pipe, bool nonblock)
{
	int err;

	if (pipe->readers && pipe_full(pipe)) {
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(&pipe->wr_wait, !pipe_full(pipe) || !pipe->readers);
		if (err)
			return err;
	}
	return pipe->readers ? 0 : -EPIPE;
}

static long write_buffers(struct file *f, struct pipe_inode_info *pipe, struct iov_iter *from)
{
	long done = 0, n;
	u64 start = from->count;

	n = write_merge(pipe, from);
	if (n < 0)
		return n;
	done = start - from->count;
	while (from->count) {
		iov_iter_prefault(from, PAGE_SIZE, false);
		n = pipe_wait_writable(pipe, f->f_flags & O_NONBLOCK);
		if (n == -EPIPE)
			from->broken = true;
		if (!n)
			n = write_page(f, pipe, from);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

static long pipe_write_iter(struct file *f, struct iov_iter *from, u64 *pos __unused)
{
	struct pipe_inode_info *pipe = f->private_data;
	long ret;

	if (!from->count)
		return 0;
	if (!pipe->readers)
		return -EPIPE;
	ret = write_buffers(f, pipe, from);
	if (ret > 0) {
		touch(pipe, &pipe->attr.mtime);
		pipe->attr.ctime = pipe->attr.mtime;
	}
	return ret;
}

/* --- the rest -------------------------------------------------------------------------------- */

static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe_inode_info *pipe = f->private_data;
	unsigned mask = 0;

	if (pt && pt->lasting)
		pipe->poll_usage = true;
	if (f->f_mode & FMODE_READ) {
		poll_wait(f, &pipe->rd_wait, pt);
		if (!pipe_empty(pipe))
			mask |= EPOLLIN | EPOLLRDNORM;
		/* A fifo that nobody has written to yet has not been hung up. */
		if (!pipe->writers && f->f_pipe != pipe->w_counter)
			mask |= EPOLLHUP;
	}
	if (f->f_mode & FMODE_WRITE) {
		poll_wait(f, &pipe->wr_wait, pt);
		if (!pipe_full(pipe))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (!pipe->readers)
			mask |= EPOLLERR;
	}
	return mask;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct pipe_inode_info *pipe = f->private_data;
	int count = 0;
	u32 slot;

	if (cmd != FIONREAD)
		return -ENOTTY;
	for (slot = pipe->tail; slot != pipe->head; slot++)
		count += pipe_buf(pipe, slot)->len;
	return put_user(mm, count, arg);
}

static void pipe_release(struct file *f)
{
	struct pipe_inode_info *pipe = f->private_data;

	if (f->f_mode & FMODE_READ)
		pipe->readers--;
	if (f->f_mode & FMODE_WRITE)
		pipe->writers--;
	/* The other side sees the end, or that nobody listens. */
	if (!pipe->readers != !pipe->writers) {
		wake_up_all(&pipe->rd_wait);
		wake_up_all(&pipe->wr_wait);
	}
	pipe_put(pipe);
}

const struct file_operations pipefifo_fops = {
	.read_iter = pipe_read_iter,
	.write_iter = pipe_write_iter,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

struct pipe_inode_info *get_pipe_info(const struct file *f)
{
	return f->f_op == &pipefifo_fops ? f->private_data : NULL;
}

/* --- size ------------------------------------------------------------------------------------ */

long pipe_get_size(const struct pipe_inode_info *pipe)
{
	return (long)pipe->max_usage << PAGE_SHIFT;
}

/* The buffers in use move to the front of a ring of @nr slots. */
static int resize_ring(struct pipe_inode_info *pipe, u32 nr)
{
	struct memory *m = pipe->vfs->mem;
	struct pipe_buffer *bufs = kcalloc(m, nr, sizeof(*bufs), GFP_KERNEL);
	u32 n = 0;

	if (!bufs)
		return -ENOMEM;
	for (; pipe->tail != pipe->head; pipe->tail++)
		bufs[n++] = *pipe_buf(pipe, pipe->tail);
	kfree(m, pipe->bufs);
	pipe->bufs = bufs;
	pipe->ring_size = nr;
	pipe->tail = 0;
	pipe->head = n;
	return 0;
}

long pipe_set_size(struct pipe_inode_info *pipe, u64 size, bool privileged)
{
	u64 nr = 1;
	int err;

	if (size > 1UL << 31)
		return -EINVAL;
	while (nr << PAGE_SHIFT < size)
		nr *= 2;
	if (nr > pipe->max_usage && nr << PAGE_SHIFT > PIPE_MAX_SIZE && !privileged)
		return -EPERM;
	if (nr < pipe->head - pipe->tail)
		return -EBUSY;
	if (nr != pipe->ring_size) {
		err = resize_ring(pipe, nr);
		if (err)
			return err;
	}
	pipe->max_usage = nr;
	wake_up_all(&pipe->wr_wait);
	return pipe_get_size(pipe);
}

/* eventfd: the counter and its file. See eventfd.h. */
#include "fs/eventfd.h"

#include <sys/eventfd.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/poll.h"
#include "fs/seq_file.h"

#define COUNT_FULL (~0UL)

struct eventfd_ctx {
	struct wait_queue_head wqh; /* readers, writers, pollers */
	u64 count;		    /* COUNT_FULL is never reached by writes */
	bool semaphore;		    /* set once */
	u32 id;			    /* as fdinfo shows; set once */
};

static long eventfd_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct eventfd_ctx *ctx = f->private_data;
	u64 value;
	int err;

	if (to->count < sizeof(value))
		return -EINVAL;
	if (!ctx->count) {
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&ctx->wqh, ctx->count);
		if (err)
			return err;
	}
	value = ctx->semaphore ? 1 : ctx->count;
	ctx->count -= value;
	wake_up_poll(&ctx->wqh, EPOLLOUT);
	/* As on Linux, what cannot be stored is gone. */
	return copy_to_iter(&value, sizeof(value), to) < sizeof(value) ? -EFAULT
								       : (long)sizeof(value);
}

static bool has_room(const struct eventfd_ctx *ctx, u64 value)
{
	return COUNT_FULL - ctx->count > value;
}

static long add(struct file *f, struct eventfd_ctx *ctx, u64 value)
{
	int err;

	if (value == COUNT_FULL)
		return -EINVAL;
	if (!has_room(ctx, value)) {
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&ctx->wqh, has_room(ctx, value));
		if (err)
			return err;
	}
	ctx->count += value;
	wake_up_poll(&ctx->wqh, EPOLLIN);
	return 0;
}

/* Each piece of a vector is a write of its own, and of eight bytes. */
static long eventfd_write_iter(struct file *f, struct iov_iter *from, u64 *pos __unused)
{
	long done = 0, err = 0;
	u64 value;

	do {
		u64 piece = from->nr_segs ? from->iov->iov_len : 0;

		if (piece != sizeof(value) && (!done || piece))
			err = -EINVAL;
		else if (piece && copy_from_iter(&value, sizeof(value), from) < sizeof(value))
			err = -EFAULT;
		else if (piece)
			err = add(f, f->private_data, value);
		if (err)
			break;
		done += piece;
		from->iov++;
		from->nr_segs--;
		from->iov_offset = 0;
	} while (from->count && from->nr_segs);
	return done ? done : err;
}

static unsigned eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd_ctx *ctx = f->private_data;
	unsigned mask = 0;

	poll_wait(f, &ctx->wqh, pt);
	if (ctx->count)
		mask |= EPOLLIN;
	if (ctx->count == COUNT_FULL)
		mask |= EPOLLERR;
	if (ctx->count < COUNT_FULL - 1)
		mask |= EPOLLOUT;
	return mask;
}

static void eventfd_show_fdinfo(struct file *f, struct seq *out)
{
	const struct eventfd_ctx *ctx = f->private_data;

	seq_printf(out, "eventfd-count: %16lx\neventfd-id: %u\neventfd-semaphore: %d\n", ctx->count,
		   ctx->id, ctx->semaphore);
}

static const struct file_operations eventfd_fops = {
	.read_iter = eventfd_read_iter,
	.write_iter = eventfd_write_iter,
	.poll = eventfd_poll,
	.llseek = noop_llseek,
	.show_fdinfo = eventfd_show_fdinfo,
};

static void eventfd_free(struct vfs *v, void *object)
{
	kfree(v->mem, object);
}

static const struct anon_inode_type eventfd_type = {
	.name = "[eventfd]",
	.fops = &eventfd_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.of_root = true,
	.f_mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_NO_PREAD | FMODE_NO_SPLICE,
	.release = eventfd_free,
};

bool is_eventfd(const struct file *f)
{
	return f->f_op == &eventfd_fops;
}

void eventfd_signal(struct file *f)
{
	struct eventfd_ctx *ctx = f->private_data;

	if (ctx->count < COUNT_FULL)
		ctx->count++;
	wake_up_poll(&ctx->wqh, EPOLLIN);
}

struct file *eventfd_create(struct vfs *v, u32 count, int flags)
{
	struct eventfd_ctx *ctx = kzalloc(v->mem, sizeof(*ctx), GFP_KERNEL);
	struct file *f;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	init_waitqueue_head(&ctx->wqh, v->events->sched);
	ctx->count = count;
	ctx->semaphore = flags & EFD_SEMAPHORE;
	f = anon_inode_getfile(v, &eventfd_type, ctx, ANON_INODE_INO,
			       O_RDWR | (flags & EFD_NONBLOCK));
	if (IS_ERR(f))
		kfree(v->mem, ctx);
	else
		ctx->id = ++v->in->eventfd_ids;
	return f;
}

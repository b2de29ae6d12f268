/* timerfd: the timer and its file. See timerfd.h. */
#include "fs/timerfd.h"

#include <sys/timerfd.h>

#include "base/err.h"
#include "fs/anon_inode.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/poll.h"
#include "fs/seq_file.h"
#include "mm/uaccess.h"

#define NSEC_PER_SEC 1000000000UL
#define KTIME_MAX 0x7fffffffffffffffUL /* "never": no time or interval is longer */
#define K_TFD_IOC_SET_TICKS 0x40085400U

struct timerfd_ctx {
	struct event_timer timer; /* pending while armed */
	struct event_loop *events;
	struct wait_queue_head wqh; /* readers, pollers */
	u64 expires_ns; /* of the machine's clock, the next or the last one; 0: never set */
	u64 interval_ns;
	u64 ticks;    /* expiries nobody has read */
	bool expired; /* and it has not been moved on since */
	int clockid;  /* set once */
	int settime_flags;
};

static void timerfd_expire(struct event_timer *timer)
{
	struct timerfd_ctx *ctx = container_of(timer, struct timerfd_ctx, timer);

	ctx->expired = true;
	ctx->ticks++;
	wake_up_poll(&ctx->wqh, EPOLLIN);
}

/* What is due and the event loop has not come to. */
static void run_due(struct timerfd_ctx *ctx)
{
	if (event_timer_pending(&ctx->timer) && ctx->expires_ns <= event_now(ctx->events)) {
		event_timer_del(&ctx->timer);
		timerfd_expire(&ctx->timer);
	}
}

/* One that repeats and has expired goes on: how many intervals have begun since. */
static u64 forward(struct timerfd_ctx *ctx)
{
	u64 now = event_now(ctx->events), n;

	if (!ctx->expired || !ctx->interval_ns)
		return 0;
	n = (now - ctx->expires_ns) / ctx->interval_ns + 1;
	ctx->expires_ns = min(ctx->expires_ns + n * ctx->interval_ns, KTIME_MAX);
	ctx->expired = false;
	event_timer_add(ctx->events, &ctx->timer, ctx->expires_ns);
	return n;
}

static u64 remaining(const struct timerfd_ctx *ctx)
{
	u64 now = event_now(ctx->events);

	return ctx->expires_ns > now ? ctx->expires_ns - now : 0;
}

static void move_on(struct timerfd_ctx *ctx)
{
	u64 n;

	run_due(ctx);
	n = forward(ctx);
	ctx->ticks += n ? n - 1 : 0;
}

void timerfd_left(struct timerfd_ctx *ctx, struct timerfd_spec *cur)
{
	move_on(ctx);
	cur->value_ns = remaining(ctx);
	cur->interval_ns = ctx->interval_ns;
}

void timerfd_set(struct timerfd_ctx *ctx, int flags, u64 expires_ns, u64 interval_ns,
		 struct timerfd_spec *old)
{
	timerfd_left(ctx, old);
	event_timer_del(&ctx->timer);
	ctx->expires_ns = min(expires_ns, KTIME_MAX);
	ctx->interval_ns = min(interval_ns, KTIME_MAX);
	ctx->ticks = 0;
	ctx->expired = false;
	ctx->settime_flags = flags;
	if (ctx->expires_ns)
		event_timer_add(ctx->events, &ctx->timer, ctx->expires_ns);
}

int timerfd_clock(const struct timerfd_ctx *ctx)
{
	return ctx->clockid;
}

/* --- the file ------------------------------------------------------------------------------------ */

static long timerfd_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct timerfd_ctx *ctx = f->private_data;
	u64 ticks, n;
	int err;

	if (to->count < sizeof(ticks))
		return -EINVAL;
	run_due(ctx);
	if (!ctx->ticks) {
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&ctx->wqh, ctx->ticks);
		if (err)
			return err;
	}
	n = forward(ctx);
	ticks = ctx->ticks + (n ? n - 1 : 0);
	ctx->expired = false;
	ctx->ticks = 0;
	/* As on Linux, what cannot be stored is gone. */
	return copy_to_iter(&ticks, sizeof(ticks), to) < sizeof(ticks) ? -EFAULT
								       : (long)sizeof(ticks);
}

static unsigned timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd_ctx *ctx = f->private_data;

	poll_wait(f, &ctx->wqh, pt);
	run_due(ctx);
	return ctx->ticks ? EPOLLIN : 0;
}

static long timerfd_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct timerfd_ctx *ctx = f->private_data;
	u64 ticks;

	if (cmd != K_TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (get_user(mm, ticks, arg))
		return -EFAULT;
	if (!ticks)
		return -EINVAL;
	ctx->ticks = ticks;
	wake_up_poll(&ctx->wqh, EPOLLIN);
	return 0;
}

static void timerfd_show_fdinfo(struct file *f, struct seq *out)
{
	struct timerfd_ctx *ctx = f->private_data;
	u64 left;

	run_due(ctx);
	left = remaining(ctx);
	seq_printf(out,
		   "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%lu, %lu)\n"
		   "it_interval: (%lu, %lu)\n",
		   ctx->clockid, ctx->ticks, ctx->settime_flags, left / NSEC_PER_SEC,
		   left % NSEC_PER_SEC, ctx->interval_ns / NSEC_PER_SEC,
		   ctx->interval_ns % NSEC_PER_SEC);
}

static const struct file_operations timerfd_fops = {
	.read_iter = timerfd_read_iter,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.llseek = noop_llseek,
	.show_fdinfo = timerfd_show_fdinfo,
};

static void timerfd_free(struct vfs *v, void *object)
{
	struct timerfd_ctx *ctx = object;

	event_timer_del(&ctx->timer);
	kfree(v->mem, ctx);
}

static const struct anon_inode_type timerfd_type = {
	.name = "[timerfd]",
	.fops = &timerfd_fops,
	.mode = 0600,
	.dev = ANON_INODE_DEV,
	.magic = ANON_INODE_MAGIC,
	.of_root = true,
	.f_mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_NO_PREAD | FMODE_NO_SPLICE,
	.release = timerfd_free,
};

struct timerfd_ctx *timerfd_get(const struct file *f)
{
	return anon_inode_is(f, &timerfd_type) ? f->private_data : NULL;
}

struct file *timerfd_create_file(struct vfs *v, int clockid, int flags)
{
	struct timerfd_ctx *ctx = kzalloc(v->mem, sizeof(*ctx), GFP_KERNEL);
	struct file *f;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	init_waitqueue_head(&ctx->wqh, v->events->sched);
	ctx->events = v->events;
	ctx->timer.fn = timerfd_expire;
	ctx->clockid = clockid;
	f = anon_inode_getfile(v, &timerfd_type, ctx, ANON_INODE_INO,
			       O_RDWR | (flags & TFD_NONBLOCK));
	if (IS_ERR(f))
		kfree(v->mem, ctx);
	return f;
}

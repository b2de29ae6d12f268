/* Advisory locks. See locks.h; fcntl(2), flock(2).
 *
 *	vfs_internal.lock_contexts --> lock_context (dev, ino) --> posix: file_lock ...
 *	                                                       --> flock: file_lock ...
 *	vfs_internal.lock_waiters  --> who sleeps for whom: what a deadlock is found by
 *
 * A context lives while it has locks or somebody waits for one. Record locks of one owner never
 * overlap, equal neighbours are one, and they stand together, by where they begin.
 */
#include "fs/locks.h"

#include "base/err.h"
#include "fs/internal.h"

#define MAX_DEADLK_ITERATIONS 10 /* fs/locks.c's */

struct lock_context {
	struct list_head list; /* in vfs_internal.lock_contexts */
	struct vfs *vfs;
	u64 dev, ino;
	struct list_head posix, flock;
	struct wait_queue_head wait; /* somebody gave something up */
	u32 waiters;
};

/* Who waits for a record lock; on its stack. */
struct lock_waiter {
	struct list_head list;
	const void *owner, *blocker;
};

static struct lock_context *ctx_find(const struct file *f)
{
	const struct dentry *d = f->f_path.dentry;
	struct lock_context *ctx;

	list_for_each_entry (ctx, &f->vfs->in->lock_contexts, list)
		if (ctx->ino == d->ino && ctx->dev == d->dev)
			return ctx;
	return NULL;
}

static struct lock_context *ctx_get(const struct file *f)
{
	struct lock_context *ctx = ctx_find(f);

	if (ctx)
		return ctx;
	ctx = kzalloc(f->vfs->mem, sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return NULL;
	ctx->vfs = f->vfs;
	ctx->dev = f->f_path.dentry->dev;
	ctx->ino = f->f_path.dentry->ino;
	INIT_LIST_HEAD(&ctx->posix);
	INIT_LIST_HEAD(&ctx->flock);
	init_waitqueue_head(&ctx->wait, f->vfs->events->sched);
	list_add(&ctx->list, &f->vfs->in->lock_contexts);
	return ctx;
}

static void ctx_put(struct lock_context *ctx)
{
	if (!list_empty(&ctx->posix) || !list_empty(&ctx->flock) || ctx->waiters)
		return;
	list_del(&ctx->list);
	kfree(ctx->vfs->mem, ctx);
}

static void lock_delete(struct lock_context *ctx, struct file_lock *fl)
{
	list_del(&fl->list);
	kfree(ctx->vfs->mem, fl);
}

static bool conflict(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner != b->owner && (a->type == F_WRLCK || b->type == F_WRLCK) &&
	       a->start <= b->end && b->start <= a->end;
}

/* The first lock that is in the way of @want. */
static struct file_lock *blocker_of(struct list_head *head, const struct file_lock *want)
{
	struct file_lock *fl;

	list_for_each_entry (fl, head, list)
		if (conflict(fl, want))
			return fl;
	return NULL;
}

/* --- record locks ---------------------------------------------------------------------------- */

static const void *waits_for(struct vfs *v, const void *owner)
{
	struct lock_waiter *w;

	list_for_each_entry (w, &v->in->lock_waiters, list)
		if (w->owner == owner)
			return w->blocker;
	return NULL;
}

/* Would @owner, waiting for @blocker, wait for itself? */
static bool would_deadlock(struct vfs *v, const void *owner, const void *blocker)
{
	for (int i = 0; blocker && i < MAX_DEADLK_ITERATIONS; i++) {
		if (blocker == owner)
			return true;
		blocker = waits_for(v, blocker);
	}
	return false;
}

/* Sleeps until nobody is in the way of @want. */
static int wait_for_range(struct lock_context *ctx, const struct file_lock *want)
{
	struct lock_waiter w = {.owner = want->owner};
	struct file_lock *fl;
	int err = 0;

	ctx->waiters++;
	while (!err && (fl = blocker_of(&ctx->posix, want))) {
		if (!want->ofd && would_deadlock(ctx->vfs, want->owner, fl->owner)) {
			err = -EDEADLK;
			break;
		}
		w.blocker = fl->owner;
		if (!want->ofd)
			list_add(&w.list, &ctx->vfs->in->lock_waiters);
		err = wait_event_interruptible(&ctx->wait, blocker_of(&ctx->posix, want) != fl);
		if (!want->ofd)
			list_del(&w.list);
	}
	ctx->waiters--;
	return err;
}

/* What is left of @fl, another type's, when [start, end] is taken out of it; @spare becomes the
 * upper part if there are two. */
static void cut(struct lock_context *ctx, struct file_lock *fl, u64 start, u64 end,
		struct file_lock **spare)
{
	struct file_lock *upper = *spare;

	if (fl->end < start || fl->start > end)
		return;
	if (fl->start < start && fl->end > end) {
		*upper = *fl;
		upper->start = end + 1;
		fl->end = start - 1;
		list_add(&upper->list, &fl->list);
		*spare = NULL;
	} else if (fl->start < start) {
		fl->end = start - 1;
	} else if (fl->end > end) {
		fl->start = end + 1;
	} else {
		lock_delete(ctx, fl);
	}
}

static bool touches(const struct file_lock *fl, u64 start, u64 end)
{
	return fl->start <= (end == LOCK_END ? end : end + 1) &&
	       (fl->end == LOCK_END || fl->end + 1 >= start);
}

/* Nobody is in the way; @fl and @spare are memory for what may be needed. */
static void apply(struct lock_context *ctx, const struct file_lock *want, struct file_lock *fl,
		  struct file_lock **spare)
{
	struct file_lock *old, *next;

	*fl = *want;
	list_for_each_entry_safe (old, next, &ctx->posix, list) {
		if (old->owner != want->owner)
			continue;
		if (old->type != want->type) {
			cut(ctx, old, want->start, want->end, spare);
		} else if (touches(old, want->start, want->end)) {
			fl->start = min(fl->start, old->start);
			fl->end = max(fl->end, old->end);
			lock_delete(ctx, old);
		}
	}
}

/* Locks of one owner stand together, by where they begin; a new owner's are the last. F_GETLK names the first that
 * is in the way. See: Linux, fs/locks.c, posix_lock_inode(). */
static void insert_sorted(struct lock_context *ctx, struct file_lock *fl)
{
	struct list_head *before = &ctx->posix;
	struct file_lock *old;
	bool seen = false;

	list_for_each_entry (old, &ctx->posix, list) {
		bool own = old->owner == fl->owner;

		if (own ? old->start > fl->start : seen) {
			before = &old->list;
			break;
		}
		seen |= own;
	}
	list_add_tail(&fl->list, before);
}

int posix_lock_file(struct file *f, const struct file_lock *want, bool wait)
{
	struct memory *m = f->vfs->mem;
	struct lock_context *ctx = want->type == F_UNLCK ? ctx_find(f) : ctx_get(f);
	struct file_lock *fl = NULL, *spare = NULL;
	int err = 0;

	if (!ctx)
		return want->type == F_UNLCK ? 0 : -ENOMEM;
	if (want->type != F_UNLCK && blocker_of(&ctx->posix, want))
		err = wait ? wait_for_range(ctx, want) : -EAGAIN;
	if (!err) {
		fl = kmalloc(m, sizeof(*fl), GFP_KERNEL);
		spare = kmalloc(m, sizeof(*spare), GFP_KERNEL);
		err = fl && spare ? 0 : -ENOLCK;
	}
	if (!err) {
		apply(ctx, want, fl, &spare);
		if (want->type != F_UNLCK) {
			insert_sorted(ctx, fl);
			fl = NULL;
		}
		wake_up_all(&ctx->wait);
	}
	kfree(m, fl);
	kfree(m, spare);
	ctx_put(ctx);
	return err;
}

void posix_test_lock(struct file *f, struct file_lock *want)
{
	struct lock_context *ctx = ctx_find(f);
	struct file_lock *fl = ctx ? blocker_of(&ctx->posix, want) : NULL;

	if (fl)
		*want = *fl;
	else
		want->type = F_UNLCK;
}

/* --- flock ----------------------------------------------------------------------------------- */

/* What @owner has is dropped; true if that is just @type, and stays. */
static bool flock_drop(struct lock_context *ctx, const void *owner, short type)
{
	struct file_lock *fl, *next;

	list_for_each_entry_safe (fl, next, &ctx->flock, list) {
		if (fl->owner != owner)
			continue;
		if (fl->type == type)
			return true;
		lock_delete(ctx, fl);
		wake_up_all(&ctx->wait);
	}
	return false;
}

/* A change of type is not atomic: the old lock is given up first. See: flock(2). */
int flock_lock_file(struct file *f, short type, bool wait)
{
	struct lock_context *ctx = type == F_UNLCK ? ctx_find(f) : ctx_get(f);
	struct file_lock want = {.owner = f, .pid = -1, .type = type, .end = LOCK_END};
	struct file_lock *spare = NULL;
	int err = 0;

	if (!ctx)
		return type == F_UNLCK ? 0 : -ENOMEM;
	if (type != F_UNLCK) { /* before the old one is gone */
		spare = kmalloc(f->vfs->mem, sizeof(*spare), GFP_KERNEL);
		if (!spare) {
			ctx_put(ctx);
			return -ENOMEM;
		}
	}
	if (!flock_drop(ctx, f, type) && type != F_UNLCK) {
		if (blocker_of(&ctx->flock, &want) && !wait)
			err = -EAGAIN;
		ctx->waiters++;
		if (!err)
			err = wait_event_interruptible(&ctx->wait, !blocker_of(&ctx->flock, &want));
		ctx->waiters--;
		if (!err) {
			*spare = want;
			list_add_tail(&spare->list, &ctx->flock);
			spare = NULL;
		}
	}
	kfree(f->vfs->mem, spare);
	ctx_put(ctx);
	return err;
}

/* --- the end of owners ----------------------------------------------------------------------- */

static bool drop_owned(struct lock_context *ctx, struct list_head *head, const void *owner)
{
	struct file_lock *fl, *next;
	bool any = false;

	list_for_each_entry_safe (fl, next, head, list) {
		if (fl->owner == owner) {
			lock_delete(ctx, fl);
			any = true;
		}
	}
	return any;
}

static void drop_all(struct file *f, const void *owner)
{
	struct lock_context *ctx = f->f_path.dentry ? ctx_find(f) : NULL;
	bool any;

	if (!ctx)
		return;
	any = drop_owned(ctx, &ctx->posix, owner);
	any |= drop_owned(ctx, &ctx->flock, owner);
	if (any)
		wake_up_all(&ctx->wait);
	ctx_put(ctx);
}

void locks_remove_posix(struct file *f, const struct files_struct *owner)
{
	if (!list_empty(&f->vfs->in->lock_contexts))
		drop_all(f, owner);
}

void locks_remove_file(struct file *f)
{
	if (!list_empty(&f->vfs->in->lock_contexts))
		drop_all(f, f);
}

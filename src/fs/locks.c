/* Advisory locks. See locks.h; fcntl(2), flock(2).
 *
 *	vfs_internal.lock_contexts --> lock_context (dev, ino) --> posix: file_lock ...
 *	                                                       --> flock: file_lock ...
 *	                                                       --> lease: file_lock ... (lease.c)
 *	vfs_internal.locks         --> the same of all files, the newest first: /proc/locks
 *	file_lock.blocked          --> who waits behind it, and so on: a tree
 *	vfs_internal.lock_waiters  --> those who wait for record locks: what a deadlock is found by
 *
 * A context lives while it has locks or somebody waits for one. Record locks of one owner never overlap, equal
 * neighbours are one, and they stand together, by where they begin.
 */
#include "fs/locks.h"

#include "base/err.h"
#include "fs/internal.h"
#include "fs/lease.h"
#include "fs/locks_internal.h"

#define MAX_DEADLK_ITERATIONS 10 /* fs/locks.c's */

struct lock_context *lock_ctx_of(const struct dentry *d)
{
	struct lock_context *ctx;

	list_for_each_entry (ctx, &d->vfs->in->lock_contexts, list)
		if (ctx->ino == d->ino && ctx->dev == d->dev)
			return ctx;
	return NULL;
}

static struct lock_context *lock_ctx_find(const struct file *f)
{
	return lock_ctx_of(f->f_path.dentry);
}

struct lock_context *lock_ctx_get(const struct file *f)
{
	struct lock_context *ctx = lock_ctx_find(f);

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
	INIT_LIST_HEAD(&ctx->lease);
	init_waitqueue_head(&ctx->wait, f->vfs->events->sched);
	list_add(&ctx->list, &f->vfs->in->lock_contexts);
	return ctx;
}

void lock_ctx_put(struct lock_context *ctx)
{
	if (!list_empty(&ctx->posix) || !list_empty(&ctx->flock) || !list_empty(&ctx->lease) ||
	    ctx->waiters)
		return;
	list_del(&ctx->list);
	kfree(ctx->vfs->mem, ctx);
}

void lock_init(struct file_lock *fl)
{
	INIT_LIST_HEAD(&fl->list);
	INIT_LIST_HEAD(&fl->all);
	INIT_LIST_HEAD(&fl->blocked);
	INIT_LIST_HEAD(&fl->behind);
	fl->blocker = NULL;
}

/* @fl becomes a lock of its own, as @from says; nobody waits for it yet. */
static void lock_copy(struct file_lock *fl, const struct file_lock *from)
{
	*fl = *from;
	lock_init(fl);
}

/* @fl waits no longer behind another. */
void lock_unblock(struct file_lock *fl)
{
	list_del_init(&fl->behind);
	list_del_init(&fl->list);
	fl->blocker = NULL;
}

/* Those who wait behind @fl look again. */
void lock_wake_blocked(struct lock_context *ctx, struct file_lock *fl)
{
	if (list_empty(&fl->blocked))
		return;
	while (!list_empty(&fl->blocked))
		lock_unblock(list_first_entry(&fl->blocked, struct file_lock, behind));
	wake_up_all(&ctx->wait);
}

/* They wait behind @to from now on. See: Linux, locks_move_blocks(). */
static void move_blocked(struct file_lock *to, struct file_lock *from)
{
	struct file_lock *w, *next;

	list_for_each_entry_safe (w, next, &from->blocked, behind) {
		list_move_tail(&w->behind, &to->blocked);
		w->blocker = to;
	}
}

void lock_delete(struct lock_context *ctx, struct file_lock *fl)
{
	lock_wake_blocked(ctx, fl);
	list_del(&fl->list);
	list_del(&fl->all);
	kfree(ctx->vfs->mem, fl);
}

static bool conflict(const struct file_lock *a, const struct file_lock *b)
{
	return a->owner != b->owner && (a->type == F_WRLCK || b->type == F_WRLCK) &&
	       a->start <= b->end && b->start <= a->end;
}

/* Of those who wait behind @fl the first that is in the way of @w, too. */
static struct file_lock *waiter_in_the_way(const struct file_lock *fl, const struct file_lock *w)
{
	struct file_lock *other;

	list_for_each_entry (other, &fl->blocked, behind)
		if (conflict(other, w))
			return other;
	return NULL;
}

/* The first lock that is in the way of @want. */
struct file_lock *lock_blocker_of(struct list_head *head, const struct file_lock *want)
{
	struct file_lock *fl;

	list_for_each_entry (fl, head, list)
		if (conflict(fl, want))
			return fl;
	return NULL;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* Who has the lock that @owner waits for. */
static const void *waits_for(struct vfs *v, const void *owner)
{
	struct file_lock *w;

	list_for_each_entry (w, &v->in->lock_waiters, list) {
		if (w->owner != owner)
			continue;
		while (w->blocker)
			w = w->blocker;
		return w->owner;
	}
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

/* @w waits for @fl, or for one who waits for it and is in the way, too. */
void lock_block(struct lock_context *ctx, struct file_lock *fl, struct file_lock *w)
{
	struct file_lock *other;

	while ((other = waiter_in_the_way(fl, w)))
		fl = other;
	w->blocker = fl;
	list_add_tail(&w->behind, &fl->blocked);
	if (w->kind == LOCK_POSIX)
		list_add(&w->list, &ctx->vfs->in->lock_waiters);
}

/* Sleeps until no lock of @head is in the way of @want. Who waits behind it then is its new lock's matter,
 * move_blocked(), or looks again, lock_wake_blocked(). */
static int wait_for(struct lock_context *ctx, struct list_head *head, struct file_lock *want)
{
	struct file_lock *fl;
	int err = 0;

	ctx->waiters++;
	while (!err && (fl = lock_blocker_of(head, want))) {
		lock_wake_blocked(ctx, want); /* they may not conflict with those it waits for */
		if (want->kind == LOCK_POSIX && would_deadlock(ctx->vfs, want->owner, fl->owner)) {
			err = -EDEADLK;
			break;
		}
		lock_block(ctx, fl, want);
		err = wait_event_interruptible(&ctx->wait, !want->blocker);
	}
	lock_unblock(want);
	ctx->waiters--;
	return err;
}

/* --- record locks ---------------------------------------------------------------------------- */

/* What is left of @fl, another type's, when [start, end] is taken out of it; @spare becomes the
 * lower part if there are two. */
static void cut(struct lock_context *ctx, struct file_lock *fl, u64 start, u64 end,
		struct file_lock **spare)
{
	struct file_lock *lower = *spare;

	if (fl->end < start || fl->start > end)
		return;
	lock_wake_blocked(ctx, fl);
	if (fl->start < start && fl->end > end) {
		lock_copy(lower, fl);
		lower->end = start - 1;
		fl->start = end + 1;
		list_add_tail(&lower->list, &fl->list);
		list_add(&lower->all, &ctx->vfs->in->locks);
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

/* Puts @fl among its owner's, by where it begins; a new owner's are the last. */
static void insert_sorted(struct lock_context *ctx, struct file_lock *fl)
{
	struct list_head *at = &ctx->posix;
	struct file_lock *old;
	bool seen = false;

	list_for_each_entry (old, &ctx->posix, list) {
		bool own = old->owner == fl->owner;

		if ((own && old->start > fl->start) || (seen && !own)) {
			at = &old->list;
			break;
		}
		seen |= own;
	}
	list_add_tail(&fl->list, at); /* before it */
}

/* Nobody is in the way; @fl and @spare are memory for what may be needed, and become NULL if they were. The
 * first of those that become one with @fl leaves it its place among all. */
static void apply(struct lock_context *ctx, struct file_lock *want, struct file_lock **new,
		  struct file_lock **spare)
{
	struct file_lock *old, *next, *fl = *new;
	bool joined = false;

	lock_copy(fl, want);
	if (want->type != F_UNLCK)
		list_add(&fl->all, &ctx->vfs->in->locks);
	list_for_each_entry_safe (old, next, &ctx->posix, list) {
		if (old->owner != want->owner)
			continue;
		if (old->type != want->type) {
			cut(ctx, old, want->start, want->end, spare);
		} else if (touches(old, want->start, want->end)) {
			fl->start = min(fl->start, old->start);
			fl->end = max(fl->end, old->end);
			if (!joined) {
				list_move(&fl->all, &old->all);
				move_blocked(fl, old);
				fl->file = old->file;
				fl->pid = old->pid;
			}
			joined = true;
			lock_delete(ctx, old);
		}
	}
	if (want->type == F_UNLCK)
		return;
	move_blocked(fl, want);
	insert_sorted(ctx, fl);
	*new = NULL;
}

int posix_lock_file(struct file *f, struct file_lock *want, bool wait)
{
	struct memory *m = f->vfs->mem;
	struct lock_context *ctx = want->type == F_UNLCK ? lock_ctx_find(f) : lock_ctx_get(f);
	struct file_lock *fl = NULL, *spare = NULL;
	int err = 0;

	if (!ctx)
		return want->type == F_UNLCK ? 0 : -ENOMEM;
	lock_init(want);
	if (want->type != F_UNLCK && lock_blocker_of(&ctx->posix, want))
		err = wait ? wait_for(ctx, &ctx->posix, want) : -EAGAIN;
	if (!err) {
		fl = kmalloc(m, sizeof(*fl), GFP_KERNEL);
		spare = kmalloc(m, sizeof(*spare), GFP_KERNEL);
		err = fl && spare ? 0 : -ENOLCK;
	}
	if (!err)
		apply(ctx, want, &fl, &spare);
	lock_wake_blocked(ctx, want);
	kfree(m, fl);
	kfree(m, spare);
	lock_ctx_put(ctx);
	return err;
}

void posix_test_lock(struct file *f, struct file_lock *want)
{
	struct lock_context *ctx = lock_ctx_find(f);
	struct file_lock *fl = ctx ? lock_blocker_of(&ctx->posix, want) : NULL;

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
	}
	return false;
}

/* A change of type is not atomic: the old lock is given up first. See: flock(2). */
int flock_lock_file(struct file *f, s32 pid, short type, bool wait)
{
	struct lock_context *ctx = type == F_UNLCK ? lock_ctx_find(f) : lock_ctx_get(f);
	struct file_lock want = {.file = f,
				 .owner = f,
				 .pid = pid,
				 .type = type,
				 .kind = LOCK_FLOCK,
				 .end = LOCK_END};
	struct file_lock *spare = NULL;
	int err = 0;

	if (!ctx)
		return type == F_UNLCK ? 0 : -ENOMEM;
	if (type != F_UNLCK) { /* before the old one is gone */
		spare = kmalloc(f->vfs->mem, sizeof(*spare), GFP_KERNEL);
		if (!spare) {
			lock_ctx_put(ctx);
			return -ENOMEM;
		}
	}
	lock_init(&want);
	if (!flock_drop(ctx, f, type) && type != F_UNLCK) {
		if (lock_blocker_of(&ctx->flock, &want))
			err = wait ? wait_for(ctx, &ctx->flock, &want) : -EAGAIN;
		if (!err) {
			lock_copy(spare, &want);
			move_blocked(spare, &want);
			list_add_tail(&spare->list, &ctx->flock);
			list_add(&spare->all, &f->vfs->in->locks);
			spare = NULL;
		}
		lock_wake_blocked(ctx, &want);
	}
	kfree(f->vfs->mem, spare);
	lock_ctx_put(ctx);
	return err;
}

/* --- the end of owners ----------------------------------------------------------------------- */

/* @owner: a files_struct, or a struct file: also what others asked for through it while it was being closed. */
static void drop_owned(struct lock_context *ctx, struct list_head *head, const void *owner)
{
	struct file_lock *fl, *next;

	list_for_each_entry_safe (fl, next, head, list)
		if (fl->owner == owner || fl->file == owner)
			lock_delete(ctx, fl);
}

static void drop_all(struct file *f, const void *owner)
{
	struct lock_context *ctx = f->f_path.dentry ? lock_ctx_find(f) : NULL;

	if (!ctx)
		return;
	drop_owned(ctx, &ctx->posix, owner);
	drop_owned(ctx, &ctx->flock, owner);
	lock_ctx_put(ctx);
}

void locks_remove_posix(struct file *f, const struct files_struct *owner)
{
	if (!list_empty(&f->vfs->in->lock_contexts))
		drop_all(f, owner);
}

void locks_remove_file(struct file *f)
{
	if (list_empty(&f->vfs->in->lock_contexts))
		return;
	lease_remove_file(f);
	drop_all(f, f);
}

/* --- /proc/locks ----------------------------------------------------------------------------- */

const struct file_lock *locks_next(struct vfs *v, const struct file_lock *fl)
{
	const struct list_head *next = fl ? fl->all.next : v->in->locks.next;

	return next == &v->in->locks ? NULL : list_entry(next, struct file_lock, all);
}

const struct file_lock *locks_next_waiter(const struct file_lock *top, const struct file_lock *fl,
					  unsigned *level)
{
	if (!list_empty(&fl->blocked)) {
		++*level;
		return list_first_entry(&fl->blocked, struct file_lock, behind);
	}
	while (fl != top && fl->behind.next == &fl->blocker->blocked) { /* the last of them */
		fl = fl->blocker;
		--*level;
	}
	return fl == top ? NULL : list_entry(fl->behind.next, struct file_lock, behind);
}

const struct file_lock *locks_next_held(const struct file *f, const struct files_struct *fs,
					const struct file_lock *fl)
{
	struct lock_context *ctx = f->f_path.dentry ? lock_ctx_find(f) : NULL;
	const struct list_head *at;

	if (!ctx)
		return NULL;
	at = fl ? fl->list.next : ctx->flock.next;
	for (;; at = at->next) {
		if (at == &ctx->flock)
			at = ctx->posix.next;
		if (at == &ctx->posix)
			at = ctx->lease.next;
		if (at == &ctx->lease)
			return NULL;
		fl = list_entry(at, struct file_lock, list);
		if (fl->file == f && (fl->owner == f || fl->owner == fs))
			return fl;
	}
}

/* Leases. See lease.h; fcntl(2).
 *
 * A break marks those in the way as pending and signals their owners; what they were is gone when the owner says
 * so, or when the time is over, which nobody looks for until it matters (time_out()).
 */
#include "fs/lease.h"

#include <signal.h>

#include "base/err.h"
#include "fs/fasync.h"
#include "fs/internal.h"
#include "fs/locks_internal.h"
#include "mm/filemap.h"

#define LEASE_BREAK_TIME 45 /* seconds; fs/locks.c's */
#define SECOND_NS 1000000000ULL

void lease_init(struct vfs *v)
{
	v->lease.enable = 1;
	v->lease.break_time = LEASE_BREAK_TIME;
}

static struct file_lock *lease_of(struct lock_context *ctx, const struct file *f)
{
	struct file_lock *fl;

	list_for_each_entry (fl, &ctx->lease, list)
		if (fl->file == f)
			return fl;
	return NULL;
}

int lease_target(const struct file_lock *fl)
{
	if (fl->pending & LEASE_UNLOCK)
		return F_UNLCK;
	return fl->pending & LEASE_DOWNGRADE ? F_RDLCK : fl->type;
}

/* Who loses a lease loses what F_SETOWN and F_SETSIG said, too. See: Linux, lease_modify(). */
static void modify(struct lock_context *ctx, struct file_lock *fl, short type)
{
	struct fown_struct *fown = fl->file->f_owner;

	fl->type = type;
	if (type == F_RDLCK)
		fl->pending &= ~LEASE_DOWNGRADE;
	lock_wake_blocked(ctx, fl);
	if (type != F_UNLCK)
		return;
	if (fown)
		fown->pid = fown->signum = 0;
	ctx->vfs->in->nr_leases--;
	lock_delete(ctx, fl);
}

static bool is_past(const struct lock_context *ctx, u64 ns)
{
	return ns && event_now(ctx->vfs->events) >= ns;
}

static void time_out(struct lock_context *ctx)
{
	struct file_lock *fl, *next;

	list_for_each_entry_safe (fl, next, &ctx->lease, list) {
		if ((fl->pending & LEASE_UNLOCK) && is_past(ctx, fl->break_ns))
			modify(ctx, fl, F_UNLCK);
		else if ((fl->pending & LEASE_DOWNGRADE) && is_past(ctx, fl->downgrade_ns))
			modify(ctx, fl, F_RDLCK);
	}
}

/* --- fcntl(2) ------------------------------------------------------------------------------------- */

/* Is the file open in a way that does not go with a lease of @type for @f? See: Linux, check_conflicting_open(). */
static bool open_conflicts(const struct file *f, short type)
{
	const struct address_space *as = f->f_mapping;
	u32 writers = !!(f->f_mode & FMODE_WRITE), readers = !writers && (f->f_mode & FMODE_READ);

	if (type == F_RDLCK)
		return as->nr_write;
	return as->nr_exec || as->nr_write != writers || as->nr_read != readers;
}

static int add(struct lock_context *ctx, struct file *f, short type, s32 pid)
{
	struct vfs *v = f->vfs;
	struct file_lock *fl, *own = NULL;

	if (open_conflicts(f, type))
		return -EAGAIN;
	list_for_each_entry (fl, &ctx->lease, list) {
		if (fl->file == f)
			own = fl;
		else if (type == F_WRLCK || (fl->pending & LEASE_UNLOCK))
			return -EAGAIN;
	}
	if (own) {
		modify(ctx, own, type);
		return 0;
	}
	if (!v->lease.enable)
		return -EINVAL;
	fl = kzalloc(v->mem, sizeof(*fl), GFP_KERNEL);
	if (!fl)
		return -ENOMEM;
	lock_init(fl);
	fl->file = f;
	fl->owner = f;
	fl->pid = pid;
	fl->type = type;
	fl->kind = LOCK_LEASE;
	fl->end = LOCK_END;
	list_add_tail(&fl->list, &ctx->lease);
	list_add(&fl->all, &v->in->locks);
	v->in->nr_leases++;
	return 0;
}

int lease_set(struct file *f, short type, s32 pid)
{
	struct lock_context *ctx;
	struct file_lock *fl;
	int err;

	if (type == F_UNLCK) {
		ctx = lock_ctx_of(f->f_path.dentry);
		fl = ctx ? lease_of(ctx, f) : NULL;
		if (!fl)
			return -EAGAIN;
		modify(ctx, fl, F_UNLCK);
		lock_ctx_put(ctx);
		return 0;
	}
	if (!f->f_mapping) /* who has it open is not counted */
		return -EINVAL;
	ctx = lock_ctx_get(f);
	if (!ctx)
		return -ENOMEM;
	time_out(ctx);
	err = add(ctx, f, type, pid);
	lock_ctx_put(ctx);
	return err;
}

int lease_get(struct file *f)
{
	struct lock_context *ctx = f->f_path.dentry ? lock_ctx_of(f->f_path.dentry) : NULL;
	struct file_lock *fl;
	int type;

	if (!ctx)
		return F_UNLCK;
	time_out(ctx);
	fl = lease_of(ctx, f);
	type = fl ? lease_target(fl) : F_UNLCK;
	lock_ctx_put(ctx);
	return type;
}

void lease_remove_file(struct file *f)
{
	struct lock_context *ctx;
	struct file_lock *fl;

	if (!f->vfs->in->nr_leases || !f->f_path.dentry)
		return;
	ctx = lock_ctx_of(f->f_path.dentry);
	fl = ctx ? lease_of(ctx, f) : NULL;
	if (!fl)
		return;
	modify(ctx, fl, F_UNLCK);
	lock_ctx_put(ctx);
}

/* --- a break -------------------------------------------------------------------------------------- */

static void tell_owner(struct file_lock *fl)
{
	struct vfs *v = fl->file->vfs;
	struct fown_struct *fown = fl->file->f_owner;

	if (fown && fown->pid && v->send_sigio)
		v->send_sigio(v, fown, POLL_MSG, EPOLLIN | EPOLLRDNORM | EPOLLMSG);
}

/* Marks those in the way of @want, each once, and tells their owners. */
static void mark_pending(struct lock_context *ctx, const struct file_lock *want)
{
	int time = ctx->vfs->lease.break_time;
	u64 until = time > 0 ? event_now(ctx->vfs->events) + (u64)time * SECOND_NS : 0;
	struct file_lock *fl;

	list_for_each_entry (fl, &ctx->lease, list) {
		bool write = want->type == F_WRLCK;

		if ((!write && fl->type != F_WRLCK) || (fl->pending & LEASE_UNLOCK) ||
		    (!write && fl->pending))
			continue;
		if (write) {
			fl->pending |= LEASE_UNLOCK;
			fl->break_ns = until;
		} else {
			fl->pending |= LEASE_DOWNGRADE;
			fl->downgrade_ns = until;
		}
		tell_owner(fl);
	}
}

/* Sleeps until no lease is in the way of @want; each that is has until its time is over. */
static int wait_for_leases(struct lock_context *ctx, struct file_lock *want)
{
	struct file_lock *fl;
	int err = 0;

	ctx->waiters++;
	while (!err && (fl = lock_blocker_of(&ctx->lease, want))) {
		u64 until = fl->pending & LEASE_UNLOCK ? fl->break_ns : fl->downgrade_ns;

		lock_block(ctx, fl, want);
		err = wait_event_interruptible_until(&ctx->wait, !want->blocker,
						     until ?: WAIT_FOREVER);
		lock_unblock(want);
		if (err == -ETIME) {
			time_out(ctx);
			err = 0;
		}
	}
	lock_wake_blocked(ctx, want);
	ctx->waiters--;
	return err;
}

bool lease_held(const struct dentry *d)
{
	struct lock_context *ctx = d->vfs->in->nr_leases ? lock_ctx_of(d) : NULL;

	return ctx && !list_empty(&ctx->lease);
}

int lease_break(struct dentry *d, int flags)
{
	struct lock_context *ctx = d->vfs->in->nr_leases ? lock_ctx_of(d) : NULL;
	struct file_lock want = {
		.owner = &want,
		.kind = LOCK_LEASE,
		.type = (flags & O_ACCMODE) == O_RDONLY ? F_RDLCK : F_WRLCK,
		.end = LOCK_END,
	};
	struct vfs_cred cred = {0};
	int err = 0;

	if (!ctx)
		return 0;
	if (d->vfs->get_cred)
		d->vfs->get_cred(d->vfs, false, &cred);
	want.pid = cred.tgid;
	lock_init(&want);
	time_out(ctx);
	if (lock_blocker_of(&ctx->lease, &want)) {
		mark_pending(ctx, &want);
		err = flags & O_NONBLOCK ? -EWOULDBLOCK : wait_for_leases(ctx, &want);
	}
	lock_ctx_put(ctx);
	return err;
}

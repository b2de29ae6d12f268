/* What locks.c and lease.c share: the locks of one inode, and who waits for them. See locks.h. */
#ifndef FS_LOCKS_INTERNAL_H
#define FS_LOCKS_INTERNAL_H

#include "base/wait.h"
#include "fs/locks.h"

/* Lives while it has locks or somebody waits for one. */
struct lock_context {
	struct list_head list; /* in vfs_internal.lock_contexts */
	struct vfs *vfs;
	u64 dev, ino;
	struct list_head posix, flock, lease;
	struct wait_queue_head wait; /* somebody gave something up */
	u32 waiters;
};

/* That of @d's inode; NULL: there is none. */
struct lock_context *lock_ctx_of(const struct dentry *d);
/* That of @f's inode, made now if there is none; NULL: no memory. lock_ctx_put() follows. */
struct lock_context *lock_ctx_get(const struct file *f);
/* Frees @ctx if nothing needs it any more. */
void lock_ctx_put(struct lock_context *ctx);

/* @fl is nowhere yet, and waits for nobody. */
void lock_init(struct file_lock *fl);
/* Takes @fl away and frees it; who waits behind it looks again. */
void lock_delete(struct lock_context *ctx, struct file_lock *fl);
/* The first lock of @head that is in the way of @want, or NULL. */
struct file_lock *lock_blocker_of(struct list_head *head, const struct file_lock *want);
/* @w waits for @fl, or for one who waits for it and is in the way, too. */
void lock_block(struct lock_context *ctx, struct file_lock *fl, struct file_lock *w);
/* It waits no longer. */
void lock_unblock(struct file_lock *fl);
/* Those who wait behind @fl look again. */
void lock_wake_blocked(struct lock_context *ctx, struct file_lock *fl);

#endif

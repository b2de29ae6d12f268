/* Advisory locks: POSIX record locks, locks of open file descriptions, flock(2).
 *
 * They are the guest kernel's own, by inode, and hold between guest tasks only: no process of the
 * host's sees them. Ranges are [start, end], bytes, both ends included as in the kernel; LOCK_END is
 * "to the end of the file".
 *
 *   record locks belong to a process (files_struct) or a description (OFD): fcntl(2); they cut and join
 *   flock(2)'s belong to a description, and cover the file whole
 *
 *   who waits does so behind the first that is in the way, lock or waiter: a tree, as /proc/locks has it
 *
 * Not for: mandatory locks: there are none. Leases are lease.h's. See: Linux, fs/locks.c.
 */
#ifndef FS_LOCKS_H
#define FS_LOCKS_H

#include "fs/file.h"

#define LOCK_END 0x7fffffffffffffffUL

enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK, LOCK_LEASE };

/* file_lock.pending: what a lease that is being broken becomes. */
#define LEASE_UNLOCK 1
#define LEASE_DOWNGRADE 2

/* A lock, or one who waits for it; the latter is on its caller's stack. */
struct file_lock {
	struct list_head
		list; /* in lock_context.posix, .flock or .lease; who waits: in vfs_internal.lock_waiters */
	struct list_head all;	   /* in vfs_internal.locks; not who waits */
	struct list_head blocked;  /* file_lock.behind: who waits behind it */
	struct list_head behind;   /* in blocker->blocked */
	struct file_lock *blocker; /* NULL: does not wait */
	struct file *
		file; /* through which it was asked for: open as long as this lives; NULL: who breaks a lease */
	const void *owner; /* POSIX: files_struct; OFD, flock and lease: @file */
	s32 pid;	   /* the process that asked; OFD: -1 */
	short type;	   /* F_RDLCK, F_WRLCK, F_UNLCK */
	enum lock_kind kind;
	u64 start, end;
	u64 break_ns, downgrade_ns; /* lease: when @pending is done anyway; 0: never */
	u8 pending;		    /* lease: LEASE_* */
};

/**
 * posix_lock_file - set, change or (F_UNLCK) take away a record lock
 * @want: what is asked for: file, owner, pid, type, kind and range; the caller's
 * @wait: sleep while others are in the way
 *
 * May sleep, with @wait alone.
 * Return: 0, -EAGAIN (others are in the way), -EDEADLK (waiting would never end), -ENOLCK or -ENOMEM (no
 * memory, as Linux tells them apart), -ERESTARTSYS. See: fcntl(2) F_SETLK, F_SETLKW, F_OFD_SETLK.
 */
int posix_lock_file(struct file *f, struct file_lock *want, bool wait);

/* F_GETLK: @want becomes the first lock that is in the way, or its type F_UNLCK. */
void posix_test_lock(struct file *f, struct file_lock *want);

/* flock(2). @type as above, @pid as /proc/locks tells. May sleep, with @wait alone. 0, -EAGAIN, -ENOMEM,
 * -ERESTARTSYS. */
int flock_lock_file(struct file *f, s32 pid, short type, bool wait);

/* All locks, the newest first: the one behind @fl, or the first (NULL); NULL: no more. */
const struct file_lock *locks_next(struct vfs *v, const struct file_lock *fl);
/* Walks @top, a lock, and all who wait behind it, each behind whom it waits for: the one after @fl, and
 * in *@level how deep it stands; NULL: no more. */
const struct file_lock *locks_next_waiter(const struct file_lock *top, const struct file_lock *fl,
					  unsigned *level);

/* What a process has through @f: the description's locks, and those of @fs. The one behind @fl, or the first
 * (NULL); NULL: no more. For fdinfo. See: Linux, show_fd_locks(). */
const struct file_lock *locks_next_held(const struct file *f, const struct files_struct *fs,
					const struct file_lock *fl);

/* A process closes a descriptor of @f: its record locks on that file go. */
void locks_remove_posix(struct file *f, const struct files_struct *owner);
/* The last reference to @f goes, and what the description holds. */
void locks_remove_file(struct file *f);

#endif

/* Advisory locks: POSIX record locks, locks of open file descriptions, flock(2).
 *
 * They are the guest kernel's own, by inode, and hold between guest tasks only: no process of the
 * host's sees them. Ranges are [start, end], bytes, both ends included as in the kernel; LOCK_END is
 * "to the end of the file".
 *
 *   record locks belong to a process (files_struct) or a description (OFD): fcntl(2); they cut and join
 *   flock(2)'s belong to a description, and cover the file whole
 *
 * Not for: leases, mandatory locks: there are none. See: Linux, fs/locks.c.
 */
#ifndef FS_LOCKS_H
#define FS_LOCKS_H

#include "fs/file.h"

#define LOCK_END 0x7fffffffffffffffUL

struct file_lock {
	struct list_head list; /* in lock_context.posix or .flock */
	const void *owner;     /* POSIX: files_struct; OFD and flock: struct file */
	s32 pid;	       /* as F_GETLK tells: the process; -1: a description's */
	short type;	       /* F_RDLCK, F_WRLCK, F_UNLCK */
	bool ofd;
	u64 start, end;
};

/**
 * posix_lock_file - set, change or (F_UNLCK) take away a record lock
 * @want: what is asked for; the caller's
 * @wait: sleep while others are in the way
 *
 * May sleep, with @wait alone.
 * Return: 0, -EAGAIN (others are in the way), -EDEADLK (waiting would never end), -ENOLCK or -ENOMEM (no
 * memory, as Linux tells them apart), -ERESTARTSYS. See: fcntl(2) F_SETLK, F_SETLKW, F_OFD_SETLK.
 */
int posix_lock_file(struct file *f, const struct file_lock *want, bool wait);

/* F_GETLK: @want becomes the first lock that is in the way, or its type F_UNLCK. */
void posix_test_lock(struct file *f, struct file_lock *want);

/* flock(2). @type as above. May sleep, with @wait alone. 0, -EAGAIN, -ENOMEM, -ERESTARTSYS. */
int flock_lock_file(struct file *f, short type, bool wait);

/* A process closes a descriptor of @f: its record locks on that file go. */
void locks_remove_posix(struct file *f, const struct files_struct *owner);
/* The last reference to @f goes, and what the description holds. */
void locks_remove_file(struct file *f);

#endif

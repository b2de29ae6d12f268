/* Leases: who has one hears, by a signal, that another opens the file, which waits meanwhile.
 *
 *   F_RDLCK  nobody has the file open for writing; broken by who opens it for writing, or truncates it
 *   F_WRLCK  nobody else has it open; broken by who opens it
 *
 * A lease belongs to an open file description, is of regular files, and holds between guest tasks only: others'
 * programs on the host neither break it nor count as having the file open. It is a struct file_lock: /proc/locks
 * shows it among the locks.
 *
 * Not for: what fcntl(2) checks first (syscalls/sys_fcntl.c). See: fcntl(2), "Leases"; Linux 6.18, fs/locks.c.
 */
#ifndef FS_LEASE_H
#define FS_LEASE_H

#include "fs/locks.h"

/* Nobody has one yet; the numbers of /proc/sys/fs are Linux's. */
void lease_init(struct vfs *v);

/**
 * lease_set - give @f, a regular file's, a lease, or another one, or (F_UNLCK) take it away
 * @type: F_RDLCK, F_WRLCK, F_UNLCK
 * @pid: the process that asks, for /proc/locks
 *
 * Return: 0; -EAGAIN (the file is open in a way that does not go with it; F_UNLCK: there is none), -EINVAL (there
 * are to be no leases, or none of such files), -ENOMEM. See: fcntl(2) F_SETLEASE.
 */
int lease_set(struct file *f, short type, s32 pid);

/* F_GETLEASE: what @f has, or will have when a break of it is done: F_RDLCK, F_WRLCK, F_UNLCK. */
int lease_get(struct file *f);
/* The same of lease @fl. See: Linux, target_leasetype(). */
int lease_target(const struct file_lock *fl);

/* Has anybody one on @d's file? */
bool lease_held(const struct dentry *d);

/**
 * lease_break - @d's file is about to be opened, or truncated (O_WRONLY)
 * @flags: O_ACCMODE: how; O_NONBLOCK: do not wait
 *
 * Tells those whose lease is in the way and waits until they gave it up, or /proc/sys/fs/lease-break-time is
 * over. May sleep.
 * Return: 0, -EWOULDBLOCK, -ERESTARTSYS. See: Linux, __break_lease().
 */
int lease_break(struct dentry *d, int flags);

/* The last reference to @f goes, and its lease. */
void lease_remove_file(struct file *f);

#endif

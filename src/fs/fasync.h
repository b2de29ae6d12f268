/* Signals for readiness: O_ASYNC, F_SETOWN, F_SETSIG.
 *
 *   struct file --f_owner--> fown_struct: whom to tell, by which signal
 *                                |-- entries on the file's wait queues (poll.h), while O_ASYNC is set
 *                                '-- woken --> vfs.send_sigio, which knows processes
 *
 * Not for: who may be told (syscalls/sys_fcntl.c). Nothing here sleeps.
 * See: fcntl(2), "Managing signals"; Linux, fs/fcntl.c, send_sigio().
 */
#ifndef FS_FASYNC_H
#define FS_FASYNC_H

#include "fs/poll.h"

#define FASYNC_QUEUES 2 /* most that a file waits on at once */

struct fasync_entry {
	struct wait_queue_entry wait;
	struct fown_struct *fown;
};

/* Changed by fcntl(2). */
struct fown_struct {
	struct file *file;
	int type;	/* F_OWNER_TID, _PID, _PGRP */
	s32 pid;	/* 0: nobody */
	u32 uid, euid;	/* of who set it */
	int signum;	/* 0: SIGIO, without more */
	int fd;		/* what O_ASYNC was set by */
	u32 nr_entries; /* 0: O_ASYNC is not set */
	struct fasync_entry entries[FASYNC_QUEUES];
};

/* @f's, made now if there is none. NULL: no memory. */
struct fown_struct *file_owner(struct file *f);
/* Can @f send signals at all: a pipe, a socket, a terminal, an inotify? */
bool file_has_fasync(const struct file *f);
/* O_ASYNC by descriptor @fd, on or off. 0; -ENOMEM. Where file_has_fasync() is false: nothing. */
int fasync_set(struct file *f, int fd, bool on);
/* @f, a socket, has an owner: its family learns of urgent bytes from now on, O_ASYNC or not. 0; -ENOMEM. Other
 * files: nothing. */
int fasync_want_urgent(struct file *f);
/* An urgent byte has come for @f: SIGURG to its owner; with O_ASYNC and F_SETSIG that signal, too. See: send_sigurg(). */
void fasync_urgent(struct file *f);
/* @f goes; for fput(), where f->f_owner is set. */
void fasync_release(struct file *f);

#endif

/* What the files of fs/ share and no other room includes: the vfs's own state, and few functions of
 * vfs.c and file.c that outsiders have no use for. */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include "fs/file.h"
#include "fs/ipc_msg.h"
#include "fs/ipc_sem.h"
#include "fs/ipc_shm.h"
#include "fs/mqueue_internal.h"

#define KO_LARGEFILE 0100000 /* the kernel's O_LARGEFILE: libc hides it on x86-64 */
#define S_MAXBYTES 0x7fffffffffffffffUL
#define ST_VALID_K 0x20 /* statfs(2) f_flags: they say something */

#define INODE_HASH_SIZE 256U
#define NOTIFY_HASH_SIZE 1024U

/* vfs.in. Made by vfs_init(); each field is changed by the file it names. */
struct vfs_internal {
	struct list_head inode_hash[INODE_HASH_SIZE]; /* inode.c */
	struct list_head inode_lru; /* inode.c: nobody has them open, oldest first */
	u32 nr_unused, max_unused;  /* inode.c: of inode_lru; max: set once */
	char *root_path; /* of --root, as the host names it; "" for the host's own root; set once */
	u64 root_len;
	struct list_head fifos;	       /* pipe_open.c: pipe_inode_info that guest tasks have open */
	u64 last_ino;		       /* get_next_ino() */
	struct list_head detached;     /* vfs.c: mounts that umount2(2) took away lazily */
	u32 nr_tmpfs;		       /* tmpfs.c: mounted ever: device numbers */
	u64 families_named;	       /* socket.c: BIT(AF_x): the log has named it as not built */
	u64 socket_cookies;	       /* sockopt.c: given so far */
	struct unix_table *unix_table; /* unix_socket.c; NULL: no socket yet */
	struct list_head lock_contexts, lock_waiters, locks; /* locks.c */
	u32 nr_leases;					     /* lease.c: of all files */
	u64 epoll_gen;					     /* eventpoll_nest.c: walks ever */
	u64 epoll_watches;				     /* eventpoll.c: items */
	u32 eventfd_ids;				     /* eventfd.c: numbers given so far */
	struct list_head marks[NOTIFY_HASH_SIZE];	     /* fsnotify.c: of fsnotify_mark.hash */
	u64 nr_host_marks,
		max_host_marks; /* fsnotify.c: each has a descriptor of the host's; max: set once */
	u32 notify_epoch, notify_cookie; /* fsnotify.c: changes of marks and names; renames */
	bool notify_created;		 /* the last open(2) made its file */
	u32 inotify_groups;		 /* inotify.c */
	struct hostnotify *hostnotify;	 /* hostnotify.c; NULL: nothing of the host's is watched */
	bool no_hostnotify;		 /* and the host will not tell */
	struct shm_table {
		struct ipc_ids ids;
		struct shm_limits limits;
		u64 pages; /* of all segments */
	} shm;		   /* ipc_shm.c */
	struct sem_table {
		struct ipc_ids ids;
		struct sem_limits limits;
		u64 used; /* semaphores of all arrays */
	} sem;		  /* ipc_sem.c */
	struct msg_table {
		struct ipc_ids ids;
		struct msg_limits limits;
		u64 hdrs, bytes; /* messages of all queues */
	} msg;			 /* ipc_msg.c */
	struct mqueue_ns mqueue;
	u64 aio_nr;		    /* aio.c: events of all contexts */
	struct devpts_sb *devpts;   /* devpts.c; NULL: not mounted */
	struct list_head host_ttys; /* tty_host.c: terminals of the host's that the guest knows */
	/* tty_host.c: struct termios2 of the starting terminal: at start, and when Vellum was stopped. */
	bool start_known, stopped_known;
	u8 start_termios[44], stopped_termios[44];
	struct event_timer flush;	/* inode.c: pending while pages may be dirty */
	u64 flush_nap, flush_naps;	/* vfs_set_flush() */
	u64 atime_dev;			/* mount_is_strict(): of which device it was asked, ... */
	bool atime_known, atime_strict; /* ... if of any, and the answer */
	struct open_spare {
		void *file, *dentry, *inode;
		bool usable; /* open_commit() has been called */
	} spare;	     /* open.c */
	struct vfs *vfs;
};

/* --- vfs.c ------------------------------------------------------------------------------------- */

/* Two dentries for one object? Dentries are made per look-up, so pointers do not tell. */
bool d_same(const struct dentry *a, const struct dentry *b);
bool path_same(const struct path *a, const struct path *b);
/* Is @d, of hostfs, inside the tree that the guest sees (--root)? */
bool inside_root(struct vfs *v, const struct dentry *d);
static inline bool d_is_dir(const struct dentry *d)
{
	return S_ISDIR(d->mode);
}

/* The mount that covers @name in directory @dir; @child, what the look-up found there, may be
 * NULL. No reference. NULL: none; ERR_PTR(-EACCES): a file system of the host's that must not show. */
struct mount *mount_covering(const struct path *dir, const char *name, const struct dentry *child);

/* --- file.c ------------------------------------------------------------------------------------ */

extern const struct file_operations path_fops; /* O_PATH: nothing can be done with it */

/* Gives the memory subsystem's hooks (mm/memory.h) what they may do with a struct file. */
void file_register_hooks(struct memory *mem);

/* Moves a position as lseek(2) SEEK_SET, SEEK_CUR and SEEK_END do; @size: where the end is. The new one or
 * -EINVAL. */
s64 generic_llseek(struct file *f, s64 off, int whence, u64 size);

#endif

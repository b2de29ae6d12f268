/* The virtual file system: mounts, dentries, and the table of file systems.
 *
 *   struct vfs --> mounts: "/" hostfs, "/proc" procfs (registered by proc/), "/dev/shm" tmpfs, ...
 *   struct path = (mount, dentry); a dentry belongs to one file system, which gives its ops
 *
 *   path --namei.c--> dentry --open.c--> struct file --fdtable.c--> a number
 *
 * Objects live in slab pages of guest RAM. Host descriptors behind them are O_PATH where that is
 * enough; they are never non-blocking, never inherited by anything.
 *
 * To sleep, here and in all of fs/, is to let other tasks run while the call waits; a function that
 * may do so says it. Host calls may take their time, but nothing of the guest runs meanwhile;
 * allocations never sleep. Not for: open files (file.h), walking paths (namei.h). See: Linux,
 * fs/namespace.c, fs/dcache.c.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/event.h"
#include "mm/filemap.h"
#include "mm/slab.h"

struct dentry;
struct file;
struct file_operations;
struct fown_struct;
struct fs_struct;
struct inode;
struct sock_cred;
struct task_struct;
struct tty_job_ops;

/* Set once, by vfs_mount(), but what says otherwise. */
struct mount {
	struct list_head
		list; /* in vfs.mounts, in order of mounting; detached: in vfs_internal.detached */
	const struct file_system_type *type;
	struct mount *parent;		  /* NULL: the root mount, or detached */
	struct dentry *mountpoint, *root; /* mountpoint NULL: nothing there on the host */
	struct dentry *above;		  /* the directory that holds the mount point, a reference
					   * in the parent mount ... */
	char name[NAME_MAX + 1];	  /* ... and its name there */
	char source[64], target[256], options[128]; /* as /proc/mounts shows */
	bool nodev;		/* of the options: device nodes cannot be opened */
	bool guests;		/* made by mount(2), which umount2(2) can undo */
	bool detached;		/* umount2(2), MNT_DETACH: no name leads to it any more */
	bool expired;		/* umount2(2), MNT_EXPIRE: nobody has used it since */
	u64 nr_paths;		/* references that paths hold: path_get(), path_put() */
	u64 host_dev, host_ino; /* identity of the covered directory on the host */
};

/* Both are references. @mnt NULL: what is in no mount, a pipe or the like. */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* One name looked up. Freed with the last reference (no negative entries). Set once but what says otherwise. */
struct dentry {
	u32 refcount;
	const struct dentry_operations *d_op;
	struct vfs *vfs;
	int host_fd; /* hostfs: O_PATH descriptor; -1 elsewhere */
	u32 mode; /* type bits and permissions at look-up; chmod(2) of our own file systems changes them */
	u64 dev, ino;
	void *fs_private; /* procfs: its entry; freed by d_op->release */
	u64 fs_id;	  /* procfs: pid */
};

#define K_STATX_DIOALIGN 0x2000U /* statx(2): the alignment that O_DIRECT wants */
#define STX_DIO_ALIGN 0x98	 /* where struct statx has it, two u32; libc's may be older */

/* What a file system can do with a name. None may sleep but open and create (a fifo's).
 * All return 0 or -errno unless said. NULL: -EPERM for changes (a read-only file system),
 * -ENOTDIR for lookup. Names are one component, NUL-terminated host memory. */
struct dentry_operations {
	struct dentry *(*lookup)(struct dentry *dir, const char *name); /* ERR_PTR(-ENOENT, ...) */
	struct dentry *(*parent)(struct dentry *dir);			/* ".." inside the fs */
	long (*readlink)(struct dentry *d, char *buf, u64 size);	/* length, not NUL-ended */
	/* A link that leads straight to an object (/proc/self/exe, fd/N): 0 and *out, else text. */
	int (*get_link)(struct dentry *d, struct path *out);
	int (*getattr)(struct dentry *d, struct stat *st, struct statx *stx); /* stx may be NULL */
	struct file *(*open)(const struct path *p, int flags); /* existing; ERR_PTR */
	/* Host-like creation in a directory; flags as open(2); the new file. ERR_PTR. */
	struct file *(*create)(const struct path *dir, const char *name, int flags, u32 mode);
	int (*mkdir)(struct dentry *dir, const char *name, u32 mode);
	int (*mknod)(struct dentry *dir, const char *name, u32 mode, u64 dev);
	int (*unlink)(struct dentry *dir, const char *name, int flags); /* AT_REMOVEDIR */
	int (*rename)(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		      unsigned flags);
	int (*link)(struct dentry *old, struct dentry *dir, const char *name);
	int (*symlink)(struct dentry *dir, const char *name, const char *target);
	int (*chmod)(struct dentry *d, u32 mode);
	int (*chown)(struct dentry *d, u32 uid, u32 gid, int flags);
	int (*utimens)(struct dentry *d, const struct timespec ts[2]);
	int (*truncate)(struct dentry *d, u64 size);
	int (*access)(struct dentry *d, int mode, int flags);
	int (*statfs)(struct dentry *d, void *statfs_buf);   /* struct statfs */
	long (*path)(struct dentry *d, char *buf, u64 size); /* absolute in its fs; " (deleted)" */
	/* Extended attributes, behind what xattr.h checks; NULL: this file system has none. */
	long (*getxattr)(struct dentry *d, const char *name, void *value, u64 size);
	int (*setxattr)(struct dentry *d, const char *name, const void *value, u64 size, int flags);
	long (*listxattr)(struct dentry *d, char *list, u64 size);
	int (*removexattr)(struct dentry *d, const char *name);
	void (*release)(struct dentry *d);
};

struct file_system_type {
	const char *name; /* "proc", "ext4" is the host's business */
	bool nodev;	  /* /proc/filesystems */
	bool noexec;	  /* nothing of it can be run, however it is mounted (SB_I_NOEXEC) */
	struct dentry *(*mount_root)(struct vfs *v, void *arg); /* ERR_PTR */
	/* The mount ends: names that hold each other go. NULL: none do. */
	void (*kill)(struct dentry *root);
};

/* Who asks, for file systems of our own (the host checks for its own). */
struct vfs_cred {
	u32 uid, gid; /* of the file system's kind, or the real ones */
	const u32 *groups;
	u32 ngroups;
	u64 caps; /* BIT(CAP_*) */
	s32 tgid; /* its process; 0: none runs */
};

/* One a machine; set by vfs_init() but what says otherwise. */
struct vfs {
	struct memory *mem;
	struct event_loop *events;
	struct list_head mounts; /* in order of mounting; grows with vfs_mount() */
	struct mount *root_mnt;
	struct list_head inodes; /* hostfs: inodes with a page cache; hashed by its own means */
	struct kmem_cache *dentry_cache, *file_cache, *inode_cache, *epi_cache, *pwq_cache;
	struct vfs_internal *in;
	u64 nr_files; /* open struct files */
	u32 nr_marks; /* watches of inotify; changed by fsnotify.c */
	struct {
		int max_events, max_groups, max_marks;
	} inotify; /* what one user may have; changed by /proc/sys/fs/inotify */
	struct {
		int enable, break_time; /* seconds */
	} lease;			/* /proc/sys/fs/lease* */
	u64 epoll_max_watches;		/* the same of epoll; /proc/sys/fs/epoll */
	u64 aio_max_nr;			/* events of all contexts of io_setup(2); /proc/sys/fs */
	struct {
		int max, reserve, legacy_tiocsti; /* /proc/sys/kernel/pty, /proc/sys/dev/tty */
		u32 nr;				  /* pairs there are; changed by devpts.c */
	} pty;
	bool read_ahead_host; /* read-ahead windows are those of the host's devices; set at boot */
	bool read_only;	 /* --read-only: nothing of the host's tree changes; vfs_set_read_only() */
	bool no_network; /* no socket goes through the host: --no-network; set at boot */
	const struct tty_job_ops
		*tty_jobs; /* terminals' (tty.h): registered from above; NULL: tests */
	/* Whoever @fown names learns by a signal that its file is ready; registered from above; NULL: nobody does. */
	void (*send_sigio)(struct vfs *v, const struct fown_struct *fown, int reason, s64 band);
	void (*send_sigurg)(struct vfs *v,
			    const struct fown_struct *fown); /* likewise, of an urgent byte */
	/* Whose call is served: registered from above; NULL: nobody's (tests). */
	void (*current_cred)(struct vfs *v, struct sock_cred *out);
	/* Serves character device @rdev here, instead of the host; NULL: none, or not that one. */
	const struct file_operations *(*chardev_fops)(u32 major, u32 minor);
	/* Whose eyes paths are shown to (chroot(2)); set by proc/. NULL, or returns NULL: nobody's. */
	const struct fs_struct *(*current_fs)(struct vfs *v);
	bool chrooted; /* some task has called chroot(2) */
	/* Random bytes, as getrandom(2) has them; set by proc/. NULL: zeros. */
	void (*get_random)(struct vfs *v, void *buf, u64 n);
	/* A queue has a message for process @tgid (mqueue.h): signal @sig with @value. NULL: nobody hears it. */
	void (*mq_signal)(struct vfs *v, s32 tgid, int sig, u64 value);
	/* The ids and capabilities that Vellum has, as the first task got them; set by proc/. Tasks that differ
	 * (ids_changed: there may be some) are checked by hostfs_cred.c. */
	struct vfs_cred host_cred;
	bool ids_changed;
	/* The running task's rights, @real: as access(2) wants them; set by proc/. NULL: root's. */
	void (*get_cred)(struct vfs *v, bool real, struct vfs_cred *out);
};

/* Boots the vfs with the host's tree (or @root, a host path; NULL: "/") as "/", and registers with
 * @mem. @mem and @events must outlive it. 0 or -errno: vfs_destroy() is due all the same. */
int vfs_init(struct vfs *v, struct memory *mem, struct event_loop *events, const char *root);
/* From here on the host's tree refuses what would change it: -EROFS. Once, at boot. What was handed in open for
 * writing stays so, and devices, fifos and sockets take bytes; block devices do not. */
void vfs_set_read_only(struct vfs *v);
/* Can names at @p change at all? 0 or -EROFS, for who has more to refuse behind that. */
int mnt_want_write(const struct path *p);
/* Each @nap_ns (0: never) the files that have been dirty for more than @naps of these go back to the host. */
void vfs_set_flush(struct vfs *v, u64 nap_ns, u64 naps);
#define FLUSH_NAP_NS 5000000000UL /* dirty_writeback_centisecs at start */
#define FLUSH_NAPS 6UL		  /* and dirty_expire_centisecs in these */
/* Writes dirty pages back and closes everything; no task and no open file may be left. */
void vfs_destroy(struct vfs *v);
/* Mounts @type over the existing directory @target ("/proc"). 0, -ENOENT, -ENOMEM. When the host
 * has no such directory the mount is still reachable by its name below "/". */
int vfs_mount(struct vfs *v, const struct file_system_type *type, const char *source,
	      const char *target, const char *options, void *arg);

/* mount(2) of a file system of ours, @type "tmpfs", "proc" or "sysfs", over directory @at, as vfs_mount(). @arg: a
 * tmpfs's, struct tmpfs_options. 0; -ENODEV: another type; -ENOENT: @at's mount is detached; -ENOTDIR; -EBUSY: the
 * root; -ENOMEM. */
int vfs_mount_at(struct vfs *v, const char *type, const char *source, const struct path *at,
		 const char *options, void *arg);
/* umount2(2) of @m, to which the caller holds no path. @flags: MNT_DETACH: its names go at once, and those of what is
 * mounted below, and each of these when nobody uses it any more; MNT_EXPIRE: the second time in a row that nobody did.
 * 0; -EINVAL: not a guest's own, which never goes; -EBUSY: some path leads there, of an open file or a directory that
 * is somebody's, or something is mounted on it; -EAGAIN: the first time. */
int vfs_umount(struct mount *m, u64 flags);

/* As mountinfo and fdinfo number the mounts; 0: of none. The other one is as large as those that Linux gives away
 * once only. */
#define FIRST_MOUNT_ID 20U /* low numbers are the kernel's own mounts */
unsigned mount_id(const struct vfs *v, const struct mount *m);
u64 mount_id_unique(const struct vfs *v, const struct mount *m);

/* Is something mounted at @name in @dir, so that the name must stay? */
bool is_mountpoint(const struct path *dir, const char *name);

/* Where the first task starts: "/" and Vellum's own working directory. References in both. */
int vfs_start_paths(struct vfs *v, struct path *root, struct path *pwd);

/* A dentry of a file system, with one reference; the rest of it is the file system's to set. NULL: no memory. */
struct dentry *dentry_alloc(struct vfs *v, const struct dentry_operations *ops, u32 mode);
/* One reference more, or less; with the last one d_op->release() is called. dput(NULL) is fine.
 * path_put() clears the dentry, so that it can be called twice; a mount that is detached ends with its last path. */
void dget(struct dentry *d);
void dput(struct dentry *d);
/* For who has a dentry's reference and makes a path of it: the mount's. NULL is fine. */
void mntget(struct mount *m);
void path_get(const struct path *p);
void path_put(struct path *p);
/* The absolute path as the guest sees it, to @buf of @size bytes, NUL-terminated: getcwd,
 * /proc/PID/exe, maps. " (deleted)" added where Linux adds it. Length without NUL, or -ENAMETOOLONG,
 * -ENOENT. What lies outside of the reader's root (chroot(2)) is shown as from the machine's. */
long d_path(const struct path *p, char *buf, u64 size);

/* The same, as seen from @root, @outside of which it may lie. */
long d_path_from(const struct path *p, const struct path *root, char *buf, u64 size, bool *outside);

#endif

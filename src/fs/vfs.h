/* The virtual file system: mounts, dentries, and the table of file systems.
 *
 *   struct vfs --> mounts: "/" hostfs, "/proc" procfs (registered by proc/), ...
 *   struct path = (mount, dentry); a dentry belongs to one file system, which gives its ops
 *
 * Objects live in slab pages of guest RAM. Host descriptors behind them are O_PATH where that is
 * enough; they are never non-blocking, never inherited by anything.
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
struct inode;
struct sock_cred;
struct task_struct;

struct mount {
	struct list_head list; /* in vfs.mounts, in order of mounting */
	const struct file_system_type *type;
	struct mount *parent;		  /* NULL: the root mount */
	struct dentry *mountpoint, *root; /* mountpoint NULL: nothing there on the host */
	struct dentry *above;		  /* the directory that holds the mount point ... */
	char name[NAME_MAX + 1];	  /* ... and its name there */
	char source[64], target[256], options[128]; /* as /proc/mounts shows */
	u64 host_dev, host_ino; /* identity of the covered directory on the host */
};

struct path {
	struct mount *mnt;
	struct dentry *dentry; /* a reference */
};

/* One name looked up. Counted; freed with the last reference (no negative entries). */
struct dentry {
	u32 refcount;
	const struct dentry_operations *d_op;
	struct vfs *vfs;
	int host_fd; /* hostfs: O_PATH descriptor; -1 elsewhere */
	u32 mode;    /* type bits and permissions at look-up */
	u64 dev, ino;
	void *fs_private; /* procfs: its entry; freed by d_op->release */
	u64 fs_id;	  /* procfs: pid */
};

#define K_STATX_DIOALIGN 0x2000U /* statx(2): the alignment that O_DIRECT wants */
#define STX_DIO_ALIGN 0x98	 /* where struct statx has it, two u32; libc's may be older */

/* All return 0 or -errno unless said. NULL: -EPERM for changes (a read-only file system),
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

struct vfs {
	struct memory *mem;
	struct event_loop *events;
	struct list_head mounts;
	struct mount *root_mnt;
	struct list_head inodes; /* hostfs: inodes with a page cache; hashed by its own means */
	struct kmem_cache *dentry_cache, *file_cache, *inode_cache;
	struct vfs_internal *in;
	struct shm_ids *shm;  /* SysV segments; NULL until there is one */
	u64 nr_files;	      /* open struct files */
	bool read_ahead_host; /* read-ahead windows are those of the host's devices; set at boot */
	/* Whose call is served: registered from above; NULL: nobody's (tests). */
	void (*current_cred)(struct vfs *v, struct sock_cred *out);
	/* Serves character device @rdev here, instead of the host; NULL: none, or not that one. */
	const struct file_operations *(*chardev_fops)(u32 major, u32 minor);
	/* The running task's rights, @real: as access(2) wants them; set by proc/. NULL: root's. */
	void (*get_cred)(struct vfs *v, bool real, struct vfs_cred *out);
};

/* Boots the vfs with the host's tree (or @root, a host path; NULL: "/") as "/". 0, -errno. */
int vfs_init(struct vfs *v, struct memory *mem, struct event_loop *events, const char *root);
/* How long after the first store through a mapping all that is dirty goes back to the host; 30 s at
 * start. 0: not by time. */
void vfs_set_flush_delay(struct vfs *v, u64 ns);
/* Writes dirty pages back and closes everything. */
void vfs_destroy(struct vfs *v);
/* Mounts @type over the existing directory @target ("/proc"). 0, -ENOENT, -ENOMEM. When the host
 * has no such directory the mount is still reachable by its name below "/". */
int vfs_mount(struct vfs *v, const struct file_system_type *type, const char *source,
	      const char *target, const char *options, void *arg);

/* Is something mounted at @name in @dir, so that the name must stay? */
bool is_mountpoint(const struct path *dir, const char *name);

/* Where the first task starts: "/" and Vellum's own working directory. References in both. */
int vfs_start_paths(struct vfs *v, struct path *root, struct path *pwd);

/* Makes a dentry of a file system of our own (procfs). NULL: no memory. */
struct dentry *dentry_alloc(struct vfs *v, const struct dentry_operations *ops, u32 mode);
void dget(struct dentry *d);
void dput(struct dentry *d);
void path_get(const struct path *p);
void path_put(struct path *p);
/* The absolute path as the guest sees it: getcwd, /proc/PID/exe, maps. " (deleted)" added where
 * Linux adds it. Length without NUL, or -ENAMETOOLONG, -ENOENT. */
long d_path(const struct path *p, char *buf, u64 size);

/* --- namei.c ---------------------------------------------------------------------------- */

/* Whose eyes a path is read with. */
struct fs_struct {
	u32 users;
	struct path root, pwd;
	u32 umask;
};

#define LOOKUP_FOLLOW 1U    /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY 2U /* -ENOTDIR unless a directory */
#define LOOKUP_EMPTY 4U	    /* "" means the start itself (AT_EMPTY_PATH) */
#define LOOKUP_PARENT 8U    /* stop before the last component, which goes to @last */

/**
 * path_lookup - walk @name from @at (NULL: fs->pwd; absolute names: fs->root)
 * @name: host memory, at most PATH_MAX with its NUL
 * @last: LOOKUP_PARENT: NAME_MAX + 1 bytes for the last component ("." ".." and trailing
 *        slashes are the caller's to refuse; "" when @name is the root); otherwise NULL
 *
 * Return: 0 with *out holding references, or -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG.
 * See: path_resolution(7).
 */
int path_lookup(const struct fs_struct *fs, const struct path *at, const char *name,
		unsigned lookup, struct path *out, char *last);

/* Among the flags of do_filp_open(), and never a guest's: for execve(2), so that nothing but a regular
 * file is opened (-EACCES). As __FMODE_EXEC. */
#define OPEN_EXEC 0x20

/* open(2) by path: creation, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_TRUNC, O_PATH, O_TMPFILE done
 * here. @mode before umask. The file (a reference) or ERR_PTR. */
struct file *do_filp_open(struct fs_struct *fs, const struct path *at, const char *name, int flags,
			  u32 mode);

#endif

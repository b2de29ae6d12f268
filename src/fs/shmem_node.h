/* Inodes of shared memory: Linux's shmem_inode_info. shmem_node.c is their life, rights and times;
 * what shares them: shmemfs.c (bytes), shmem_xattr.c, tmpfs (names), hugetlbfs.c and secretmem.c
 * (files of other pages).
 *
 *   struct file --> dentry --> struct shmem_entry --> struct shmem_node --> address_space (mm/shmem.c)
 *
 * Dentries of shmem are not made per look-up: one dentry is one name, and lives in its directory as
 * long as the name does, as Linux's own do. One that has lost its name stays while somebody uses it.
 *
 * Only files of fs/ include it. Nothing here sleeps. See: Linux, include/linux/shmem_fs.h, mm/shmem.c.
 */
#ifndef FS_SHMEM_NODE_H
#define FS_SHMEM_NODE_H

#include "fs/libfs.h"
#include "fs/internal.h"
#include "mm/shmem.h"

#define TMPFS_MAGIC 0x01021994

/* One mounted tmpfs. Linux: shmem_sb_info. */
struct tmpfs_sb {
	struct vfs *vfs;
	u32 dev;
	struct shmem_blocks blocks;
	u64 max_inodes, free_inodes; /* each further name of a file takes one, too */
	u64 last_ino;		     /* of the inodes made so far */
	struct list_head *buckets;   /* of shmem_entry.hash: TMPFS_BUCKETS; a buddy block */
};

/* An inode. What says nothing is changed by the calls of stat(2)'s and chmod(2)'s families. */
struct shmem_node {
	struct tmpfs_sb *sb; /* NULL: memfd, SysV: of no mounted file system; set once */
	u32 refcount;	     /* dentries */
	u32 nlink;
	u32 dev;
	u64 ino;
	u32 mode, uid, gid; /* type and permissions */
	u64 rdev;
	u32 seals;		   /* F_SEAL_* */
	bool linkable;		   /* from O_TMPFILE without O_EXCL: has no name yet, may get one */
	struct address_space *as;  /* regular files, long symlinks: a reference */
	char *target;		   /* short symlinks */
	struct list_head children; /* directories: shmem_entry.sibling, newest first */
	u64 nr_children, last_place; /* directories */
	struct list_head xattrs;     /* shmem_xattr.c, by name */
	struct timespec atime, mtime, ctime, btime;
};

/* dentry.fs_private: one name of an inode. */
struct shmem_entry {
	struct dentry *dentry;
	struct shmem_node *node;  /* a reference */
	struct dentry *parent;	  /* a reference; NULL: a root, or of no directory */
	struct list_head hash;	  /* of its file system, by parent and name */
	struct list_head sibling; /* in its directory */
	u64 place;		  /* position of readdir(3) in its directory */
	bool hashed;		  /* has a name; its directory holds a reference */
	char *name;
};

static inline struct shmem_entry *entry_of(const struct dentry *d)
{
	return d->fs_private;
}

static inline struct shmem_node *shmem_node(const struct dentry *d)
{
	return entry_of(d)->node;
}

/* --- shmem_node.c: life ------------------------------------------------------------------ */

/* A dentry, not yet in a directory, with a copy of @name, for @node: it takes over the reference
 * (dropped also on failure). ERR_PTR(-ENOMEM). */
struct dentry *shmem_dentry(struct vfs *v, const struct dentry_operations *ops, const char *name,
			    struct shmem_node *node);
/* Frees all but the dentry itself: for d_op->release. The parent, whose reference is now the
 * caller's, or NULL. */
struct dentry *shmem_entry_free(struct dentry *d);
/* d_op->release of a name in no directory. */
void shmem_release_dentry(struct dentry *d);
/* Makes an inode of @mode (type and permissions) with one reference and no link. @size, @flags: regular
 * files. ERR_PTR(-ENOMEM, -ENOSPC). */
struct shmem_node *shmem_node_new(struct vfs *v, struct tmpfs_sb *sb, u32 mode, u64 size,
				  vm_flags_t flags);
/* Drops a reference; with the last one pages and attributes go. */
void shmem_node_put(struct vfs *v, struct shmem_node *n);
/* --- shmemfs.c: bytes -------------------------------------------------------------------- */

extern const struct file_operations shmem_fops;

/* Opens a regular file that is there; O_TRUNC done. ERR_PTR(-EACCES, -EPERM, -ETXTBSY, -ENFILE, -ENOMEM). */
struct file *shmem_open(const struct path *p, int flags);
/* The same without a look at the rights: for who has just made the file. */
struct file *shmem_open_new(const struct path *p, int flags);
/* truncate(2), bytes: 0, -EPERM (seals), -ENOMEM. */
int shmem_resize(struct vfs *v, struct shmem_node *n, u64 size);

/* file_operations.mmap_file of every file in RAM: what its mode and seals allow. */
int shmem_mmap(struct file *f, struct mmap_file *out);

/* --- shmem_node.c: rights, times, stat(2) ------------------------------------------------ */

/* May the running task (with its real ids if @real) do @mask (R_OK, W_OK, X_OK)? 0 or -EACCES. */
int shmem_permission(struct vfs *v, const struct shmem_node *n, int mask, bool real);
/* Has it capability @cap? */
bool shmem_capable(struct vfs *v, unsigned cap);
/* Does the running task own it, or may it do as if? */
bool shmem_owner_or_capable(struct vfs *v, const struct shmem_node *n);
/* A new inode in @dir belongs to the task, and to its group or the directory's. */
void shmem_init_owner(struct vfs *v, struct shmem_node *n, const struct shmem_node *dir);
/* Who writes to a file without owning it takes its set-id bits away. */
void shmem_remove_privs(struct vfs *v, struct shmem_node *n);

/* Members of struct dentry_operations. */
int shmem_getattr(struct dentry *d, struct stat *st, struct statx *stx);
int shmem_chmod(struct dentry *d, u32 mode);
int shmem_chown(struct dentry *d, u32 uid, u32 gid, int flags);
int shmem_utimens(struct dentry *d, const struct timespec ts[2]);
int shmem_access(struct dentry *d, int mode, int flags);
int shmem_statfs(struct dentry *d, void *buf);
/* "/NAME (deleted)": what has no name in a directory. */
long shmem_path(struct dentry *d, char *buf, u64 size);

/* --- shmem_xattr.c: as the operations of struct dentry_operations ------------------------- */

long shmem_getxattr(struct dentry *d, const char *name, void *value, u64 size);
int shmem_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags);
long shmem_listxattr(struct dentry *d, char *list, u64 size);
int shmem_removexattr(struct dentry *d, const char *name);
/* The inode ends. */
void shmem_free_xattrs(struct vfs *v, struct shmem_node *n);

#endif

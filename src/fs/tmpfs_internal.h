/* What tmpfs.c, tmpfs_dir.c and tmpfs_namei.c share. Nothing here sleeps. */
#ifndef FS_TMPFS_INTERNAL_H
#define FS_TMPFS_INTERNAL_H

#include "fs/shmem_node.h"

#define TMPFS_BUCKETS 512U

extern const struct dentry_operations tmpfs_dops; /* tmpfs.c */

/* --- tmpfs_dir.c ------------------------------------------------------------------------------- */

extern const struct file_operations tmpfs_dir_fops; /* of an open directory */

/* Gives @d, of no directory yet, its place in @dir; each gets a reference to the other. As d_add(). */
void tmpfs_d_add(struct dentry *d, struct dentry *dir);
/* The name goes, and the directory's reference; the dentry stays as long as somebody uses it, and knows where
 * it was. As d_drop(). */
void tmpfs_d_drop(struct dentry *d);
/* @dir has changed: mtime and ctime are now. */
void tmpfs_touch_dir(struct dentry *dir);

/* Members of struct dentry_operations. */
struct dentry *tmpfs_lookup(struct dentry *dir, const char *name);
struct dentry *tmpfs_parent(struct dentry *dir);
long tmpfs_path(struct dentry *d, char *buf, u64 size);

/* --- tmpfs_namei.c: members of struct dentry_operations ---------------------------------------- */

struct file *tmpfs_create(const struct path *dir, const char *name, int flags, u32 mode);
int tmpfs_mkdir(struct dentry *dir, const char *name, u32 mode);
int tmpfs_mknod(struct dentry *dir, const char *name, u32 mode, u64 dev);
int tmpfs_link(struct dentry *old, struct dentry *dir, const char *name);
int tmpfs_symlink(struct dentry *dir, const char *name, const char *target);
long tmpfs_readlink(struct dentry *d, char *buf, u64 size);
int tmpfs_unlink(struct dentry *dir, const char *name, int flags);
int tmpfs_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		 unsigned flags);

#endif

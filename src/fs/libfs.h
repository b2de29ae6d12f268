/* What file systems of our own share: who may do what with an inode (path_resolution(7)), and the calls of those
 * without names: pipefs, sockfs, anonymous inodes. See: Linux, fs/libfs.c, fs/namei.c. */
#ifndef FS_LIBFS_H
#define FS_LIBFS_H

#include "fs/vfs.h"

/* The running task's rights; nobody runs: root's. @real as for vfs.get_cred. */
void vfs_cred(struct vfs *v, bool real, struct vfs_cred *c);
bool cred_has_cap(const struct vfs_cred *c, unsigned cap);
bool cred_in_group(const struct vfs_cred *c, u32 gid);
bool vfs_capable(struct vfs *v, unsigned cap);
/* May the running task do @mask (R_OK | W_OK | X_OK) with an inode of these owners and mode (type and
 * permissions)? 0 or -EACCES. */
int generic_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, int mask, bool real);

/* May it change what only the owner may? */
bool owner_or_capable(struct vfs *v, u32 owner);
/* May it give an inode of these owners to @to_uid, @to_gid (~0: left as it is)? 0 or -EPERM. */
int chown_permission(struct vfs *v, u32 uid, u32 gid, u32 to_uid, u32 to_gid);
/* May it set these times? Both to now: whoever may write; others: only the owner. 0, -EACCES, -EPERM. */
int utimens_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, const struct timespec ts[2]);
/* What utimensat(2) says of one time. */
void set_inode_time(struct vfs *v, struct timespec *to, const struct timespec *from);
/* The set-user-ID and set-group-ID bits of @i_mode that mean something: they go when the owner does. */
u32 setid_bits(u32 i_mode);

/* What an inode without a name keeps besides its mode, which the dentry has. */
struct simple_attr {
	u32 uid, gid;
	struct timespec atime, mtime, ctime;
};

int simple_chmod(struct dentry *d, struct simple_attr *a, u32 mode);
int simple_chown(struct dentry *d, struct simple_attr *a, u32 uid, u32 gid);
int simple_utimens(struct dentry *d, struct simple_attr *a, const struct timespec ts[2]);
/* As simple_getattr(), with what @a says; @st is filled whole. */
int simple_attr_stat(const struct dentry *d, const struct simple_attr *a, struct stat *st,
		     struct statx *stx);

/* fstat(2) of @d: its own number, device and mode, one link, and the rest from @st, which the caller
 * has set: st_uid, st_gid, st_atim, st_mtim, st_ctim. @stx may be NULL. Returns 0. */
int simple_getattr(const struct dentry *d, struct stat *st, struct statx *stx);
/* fstatfs(2): @magic, @flags, and names as long as anywhere. */
int simple_statfs(void *buf, u64 magic, u64 flags);
/* "NAME:[INO]", which is no path: its length, or -ENAMETOOLONG. @name: at most 7 bytes. */
long simple_path(const struct dentry *d, const char *name, char *buf, u64 size);

#endif

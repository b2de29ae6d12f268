/* What file systems of our own share: an inode's times and number, who may do what with it
 * (path_resolution(7)), and the calls of those without names: pipefs, sockfs, anonymous inodes.
 *
 * Nothing here sleeps. Owners, groups and modes are plain numbers, for each file system has inodes of its own.
 * See: Linux, fs/libfs.c, fs/namei.c, fs/attr.c, fs/inode.c.
 */
#ifndef FS_LIBFS_H
#define FS_LIBFS_H

#include "fs/vfs.h"

/* The time of the machine, for an inode: CLOCK_REALTIME_COARSE, or virtual time, which has no calendar. */
struct timespec current_time(struct vfs *v);
/* The next number for an inode without a name (pipes, sockets, anonymous inodes): from 1 on. */
u64 get_next_ino(struct vfs *v);

/* The running task's rights; nobody runs: root's. @real as for vfs.get_cred. */
void vfs_cred(struct vfs *v, bool real, struct vfs_cred *c);
/* Has it capability @cap (CAP_*)? */
bool cred_has_cap(const struct vfs_cred *c, unsigned cap);
/* Is @gid its group or one of the further ones? Linux: in_group_p(). */
bool cred_in_group(const struct vfs_cred *c, u32 gid);
/* Has the running task capability @cap? */
bool vfs_capable(struct vfs *v, unsigned cap);
/* May the running task do @mask (R_OK | W_OK | X_OK) with an inode of these owners and mode (type and
 * permissions)? 0 or -EACCES. */
int generic_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, int mask, bool real);

/* May the running task change what only the owner may? Linux: inode_owner_or_capable(). */
bool owner_or_capable(struct vfs *v, u32 owner);
/* May it give an inode of these owners to @to_uid, @to_gid (~0: left as it is)? 0 or -EPERM. */
int chown_permission(struct vfs *v, u32 uid, u32 gid, u32 to_uid, u32 to_gid);
/* May it set these times? Both to now: whoever may write; others: only the owner. 0, -EACCES, -EPERM. */
int utimens_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, const struct timespec ts[2]);
/* What utimensat(2) says of one time: *@to becomes it, now (UTIME_NOW), or stays (UTIME_OMIT). */
void set_inode_time(struct vfs *v, struct timespec *to, const struct timespec *from);
/* The set-user-ID and set-group-ID bits of @i_mode that mean something: they go when the owner does. */
u32 setid_bits(u32 i_mode);

/* file_operations.llseek of what has no position: it stays, and that is no error. */
s64 noop_llseek(struct file *f, s64 off, int whence);
/* file_operations.fsync of what no device stands behind. 0. */
int noop_fsync(struct file *f, bool datasync);

/* fstat(2) of @d: its own number, device and mode, one link, and the rest from @st, which the caller
 * has set: st_uid, st_gid, st_atim, st_mtim, st_ctim. @stx may be NULL. Returns 0. */
int generic_fillattr(const struct dentry *d, struct stat *st, struct statx *stx);

/* --- inodes without names: pipefs, sockfs ------------------------------------------------------ */

/* What such an inode keeps besides its mode, which the dentry has: the object that dentry.fs_private points to
 * begins with it. */
struct simple_attr {
	u32 uid, gid;			     /* changed by fchown(2) */
	struct timespec atime, mtime, ctime; /* changed by whoever uses the object */
};

/* Members of struct dentry_operations (vfs.h), as their names say. */
int simple_getattr(struct dentry *d, struct stat *st, struct statx *stx);
int simple_access(struct dentry *d, int mode, int flags);
int simple_chmod(struct dentry *d, u32 mode);
int simple_chown(struct dentry *d, u32 uid, u32 gid, int flags);
int simple_utimens(struct dentry *d, const struct timespec ts[2]);
/* fstatfs(2): @magic, @flags, and names as long as anywhere. */
int simple_statfs(void *buf, u64 magic, u64 flags);
/* "NAME:[INO]", which is no path: its length, or -ENAMETOOLONG. @name: at most 7 bytes. */
long simple_path(const struct dentry *d, const char *name, char *buf, u64 size);

#endif

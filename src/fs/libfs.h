/* What file systems without names share: pipefs, sockfs, anonymous inodes. See: Linux, fs/libfs.c. */
#ifndef FS_LIBFS_H
#define FS_LIBFS_H

#include "fs/vfs.h"

/* fstat(2) of @d: its own number, device and mode, one link, and the rest from @st, which the caller
 * has set: st_uid, st_gid, st_atim, st_mtim, st_ctim. @stx may be NULL. Returns 0. */
int simple_getattr(const struct dentry *d, struct stat *st, struct statx *stx);
int simple_chmod(struct dentry *d, u32 mode);
/* fstatfs(2): @magic, @flags, and names as long as anywhere. */
int simple_statfs(void *buf, u64 magic, u64 flags);
/* "NAME:[INO]", which is no path: its length, or -ENAMETOOLONG. @name: at most 7 bytes. */
long simple_path(const struct dentry *d, const char *name, char *buf, u64 size);

#endif

/* Files by handle: what a file system calls a file, whatever its names. For host files it is the host's handle;
 * file systems of our own have none, but what only tells files apart (AT_HANDLE_FID). And the flags of
 * inodes that chattr(1) sets (struct file_attr). Nothing here sleeps but opening a fifo.
 * See: Linux, fs/fhandle.c, fs/file_attr.c; open_by_handle_at(2).
 */
#ifndef FS_FHANDLE_H
#define FS_FHANDLE_H

#include "fs/file.h"

#define MAX_HANDLE_SZ_K 128U
#define AT_HANDLE_FID_K 0x200
#define AT_HANDLE_CONNECTABLE_K 0x002

/* struct file_handle with room for any. */
struct fhandle {
	u32 handle_bytes;
	s32 handle_type;
	u8 f_handle[MAX_HANDLE_SZ_K];
};

/* @h->handle_bytes is how much room there is, and becomes how much is wanted. @flags: AT_HANDLE_*. 0,
 * -EOVERFLOW, -EOPNOTSUPP, or the host's error. */
int path_to_handle(const struct path *p, struct fhandle *h, int flags);
/* Opens what @h names in the file system that @anchor is in. ERR_PTR(-ESTALE, -EOPNOTSUPP), or as open(2). */
struct file *open_handle(const struct path *anchor, struct fhandle *h, int flags);

/* struct file_attr of Linux 6.17. */
struct file_attr_k {
	u64 fa_xflags;
	u32 fa_extsize, fa_nextents, fa_projid, fa_cowextsize;
};
#define FILE_ATTR_SIZE_VER0 24U

/* 0, -EOPNOTSUPP, -EPERM (not the owner), -EROFS, or the host's error. */
int path_get_attr(const struct path *p, struct file_attr_k *fa);
int path_set_attr(const struct path *p, const struct file_attr_k *fa);

#endif

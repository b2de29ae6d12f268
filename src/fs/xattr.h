/* Extended attributes: who may see and change them, before a file system is asked.
 *
 * A file system gives four operations (struct dentry_operations); one without them has none:
 * -EOPNOTSUPP, and an empty list. What host files have is the host's to keep and to guard; those of
 * files in RAM are shmem_xattr.c's. Names and values are host memory here. Nothing sleeps. Not for:
 * ACLs, which no file system of ours keeps. See: xattr(7); Linux, fs/xattr.c.
 */
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include "fs/vfs.h"

#define XATTR_NAME_MAX_K 255U	 /* bytes of a name */
#define XATTR_SIZE_MAX_K 65536UL /* bytes of a value */
#define XATTR_LIST_MAX_K 65536UL

/* The value goes to @value, of @size bytes; 0: only how long it is. Its length; -ERANGE (@size),
 * -ENODATA (not there, or not for the caller), -EOPNOTSUPP, -EACCES. */
long vfs_getxattr(struct dentry *d, const char *name, void *value, u64 size);
/* @flags: XATTR_CREATE, XATTR_REPLACE. 0; -EEXIST, -ENODATA (@flags), -EPERM, -EACCES, -EINVAL (a
 * prefix and nothing behind it), -EOPNOTSUPP, -ENOMEM, or what the host says. */
int vfs_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags);
/* Names, each with its NUL, to @list; 0 bytes: only how long that is. Bytes; -ERANGE. */
long vfs_listxattr(struct dentry *d, char *list, u64 size);
/* 0; -ENODATA, -EPERM, -EACCES, -EOPNOTSUPP. */
int vfs_removexattr(struct dentry *d, const char *name);

#endif

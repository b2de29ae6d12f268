/* open(2) by path, and what an open that must not fail any more can rely on.
 *
 * An open that makes a file, or cuts one off, cannot be taken back. So what it needs afterwards (a file, a
 * dentry, an inode) is put by before it begins: open_commit() says that the point of no return is
 * passed, and open_zalloc() then takes what was put by if there is no memory. See: Linux,
 * path_openat(), which begins with the struct file for the same reason.
 *
 * Not for: open(2)'s numbers and what it refuses before it looks at the path (syscalls/sys_file.c).
 */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "fs/namei.h"

/* Among the flags of do_filp_open(), and never a guest's: for execve(2), so that nothing but a regular
 * file is opened (-EACCES). As __FMODE_EXEC. */
#define OPEN_EXEC 0x20

/* open(2) by path: creation, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_TRUNC, O_PATH, O_TMPFILE done here. @at and
 * @name as for path_lookup(); @mode before umask. The file (a reference), or ERR_PTR: any error of
 * open(2). May sleep: a fifo waits for its partner (-ERESTARTSYS). See: open(2), openat(2). */
struct file *do_filp_open(struct fs_struct *fs, const struct path *at, const char *name, int flags,
			  u32 mode);

/* Opens what is there. @flags: what open(2) does with an existing file. ERR_PTR: any error of it. May sleep: a
 * fifo. */
struct file *dentry_open(const struct path *p, int flags);

/* --- for the file systems of fs/ --------------------------------------------------------------- */

/* The open that is under way has changed something. Nothing if none is. */
void open_commit(struct vfs *v);
/* An object of @c, zeroed; after open_commit() *@spare (of vfs_internal.spare) will do. NULL: no memory. */
void *open_zalloc(struct vfs *v, struct kmem_cache *c, void **spare);
/* At the end of the machine: what is still put by. */
void open_free_spare(struct vfs *v);

#endif

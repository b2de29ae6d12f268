/* From a name to an object: the walk over dentries, mounts and symlinks.
 *
 *   path_lookup("a/link/b")  -->  struct path = (mount, dentry)
 *
 * Nothing here sleeps; the host may take its time to look a name up. Not for: opening what was found
 * (open.h), text in guest memory (syscalls/user_path.h).
 */
#ifndef FS_NAMEI_H
#define FS_NAMEI_H

#include "fs/vfs.h"

#define MAXSYMLINKS 40 /* that one walk follows; more are -ELOOP */

/* Whose eyes a path is read with. See: Linux, include/linux/fs_struct.h. */
struct fs_struct {
	u32 users;	       /* tasks that share it (CLONE_FS) */
	struct path root, pwd; /* references; changed by chroot(2) and chdir(2) */
	u32 umask;	       /* changed by umask(2) */
	u64 resolve; /* RESOLVE_* of openat2(2): 0 but in the copy that such a call walks with */
};

#define LOOKUP_FOLLOW 1U    /* follow a symlink in the last component */
#define LOOKUP_DIRECTORY 2U /* -ENOTDIR unless a directory */
#define LOOKUP_EMPTY 4U	    /* "" means the start itself (AT_EMPTY_PATH) */
#define LOOKUP_PARENT 8U    /* stop before the last component, which goes to @last */

/* May a symlink in directory @from be followed? @to: straight to an object (/proc/PID/fd/N); NULL: by its text. 0; -ELOOP,
 * -EXDEV: fs->resolve forbids it. */
int resolve_link(const struct fs_struct *fs, const struct path *from, const struct path *to);

/**
 * path_lookup - walk @name from @at (NULL: fs->pwd; absolute names: fs->root)
 * @name: host memory, at most PATH_MAX with its NUL
 * @last: LOOKUP_PARENT: NAME_MAX + 1 bytes for the last component ("." ".." and trailing
 *        slashes are the caller's to refuse; "" when @name is the root); otherwise NULL
 *
 * Return: 0 with *out holding references, or -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG, -ENOMEM; -EXDEV:
 * fs->resolve forbids a step. See: path_resolution(7), openat2(2).
 */
int path_lookup(const struct fs_struct *fs, const struct path *at, const char *name,
		unsigned lookup, struct path *out, char *last);

#endif

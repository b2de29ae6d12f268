/* Extended attributes: rights, and what file systems without any answer. See xattr.h. */
#include "fs/xattr.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "fs/fsnotify.h"
#include "fs/internal.h"
#include "fs/libfs.h"

static bool starts(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* xattr_permission(), less what a file system with attributes itself knows: the mode. */
static int permission(struct dentry *d, const char *name, bool write)
{
	if (starts(name, "trusted.") && !vfs_capable(d->vfs, CAP_SYS_ADMIN))
		return write ? -EPERM : -ENODATA;
	/* What anybody who may write could fill without limit: not for devices, links and pipes. */
	if (starts(name, "user.") && !S_ISREG(d->mode) && !S_ISDIR(d->mode))
		return write ? -EPERM : -ENODATA;
	return 0;
}

/* A file system without attributes says so only to whom the mode lets read or write. */
static int not_supported(struct dentry *d, const char *name, bool write)
{
	int err = 0;

	if (d->d_op->access && !starts(name, "security.") && !starts(name, "system.") &&
	    !starts(name, "trusted."))
		err = d->d_op->access(d, write ? W_OK : R_OK, AT_EACCESS);
	return err ? err : -EOPNOTSUPP;
}

/* May it be set or removed? With what cap_inode_setxattr() adds. */
static int write_permission(struct dentry *d, const char *name)
{
	int err = permission(d, name, true);

	if (err || !starts(name, "security."))
		return err;
	return vfs_capable(d->vfs,
			   strcmp(name, "security.capability") ? CAP_SYS_ADMIN : CAP_SETFCAP)
		       ? 0
		       : -EPERM;
}

long vfs_getxattr(struct dentry *d, const char *name, void *value, u64 size)
{
	int err = permission(d, name, false);

	if (err)
		return err;
	return d->d_op->getxattr ? d->d_op->getxattr(d, name, value, size)
				 : not_supported(d, name, false);
}

int vfs_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags)
{
	int err = write_permission(d, name);

	if (err)
		return err;
	err = d->d_op->setxattr ? d->d_op->setxattr(d, name, value, size, flags)
				: not_supported(d, name, true);
	if (!err)
		fsnotify_inode(d, IN_ATTRIB);
	return err;
}

long vfs_listxattr(struct dentry *d, char *list, u64 size)
{
	return d->d_op->listxattr ? d->d_op->listxattr(d, list, size) : 0;
}

int vfs_removexattr(struct dentry *d, const char *name)
{
	int err = write_permission(d, name);

	if (err)
		return err;
	err = d->d_op->removexattr ? d->d_op->removexattr(d, name) : not_supported(d, name, true);
	if (!err)
		fsnotify_inode(d, IN_ATTRIB);
	return err;
}

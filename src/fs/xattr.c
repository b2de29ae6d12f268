/* Extended attributes: rights, and what file systems without any answer. See xattr.h. */
#include "fs/xattr.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "fs/internal.h"

static bool starts(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool capable(struct vfs *v, unsigned cap)
{
	struct vfs_cred c = {.caps = ~0UL};

	if (v->get_cred)
		v->get_cred(v, false, &c);
	return c.caps >> cap & 1;
}

/* xattr_permission(), less what the file system itself knows: the mode. */
static int permission(struct dentry *d, const char *name, bool write)
{
	if (starts(name, "trusted.") && !capable(d->vfs, CAP_SYS_ADMIN))
		return write ? -EPERM : -ENODATA;
	/* What anybody who may write could fill without limit: not for devices, links and pipes. */
	if (starts(name, "user.") && !S_ISREG(d->mode) && !S_ISDIR(d->mode))
		return write ? -EPERM : -ENODATA;
	return 0;
}

/* cap_inode_setxattr() */
static int security_permission(struct dentry *d, const char *name)
{
	if (!starts(name, "security."))
		return 0;
	return capable(d->vfs, strcmp(name, "security.capability") ? CAP_SYS_ADMIN : CAP_SETFCAP)
		       ? 0
		       : -EPERM;
}

long vfs_getxattr(struct dentry *d, const char *name, void *value, u64 size)
{
	int err = permission(d, name, false);

	if (err)
		return err;
	return d->d_op->getxattr ? d->d_op->getxattr(d, name, value, size) : -EOPNOTSUPP;
}

int vfs_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags)
{
	int err = permission(d, name, true);

	if (err)
		return err;
	if (!d->d_op->setxattr)
		return -EOPNOTSUPP;
	err = security_permission(d, name);
	return err ? err : d->d_op->setxattr(d, name, value, size, flags);
}

long vfs_listxattr(struct dentry *d, char *list, u64 size)
{
	return d->d_op->listxattr ? d->d_op->listxattr(d, list, size) : 0;
}

int vfs_removexattr(struct dentry *d, const char *name)
{
	int err = permission(d, name, true);

	if (err)
		return err;
	if (!d->d_op->removexattr)
		return -EOPNOTSUPP;
	err = security_permission(d, name);
	return err ? err : d->d_op->removexattr(d, name);
}

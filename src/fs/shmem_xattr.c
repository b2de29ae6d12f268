/* Extended attributes of shared memory's inodes: a list of names and values, sorted
 * from the last name to the first, as Linux's own list comes out. See shmem_node.h,
 * xattr.h; Linux, mm/shmem.c and simple_xattr_set() in fs/xattr.c.
 *
 * Unlike Linux, user.* takes nothing off the inodes that a tmpfs has left. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/shmem_node.h"

struct shmem_xattr {
	struct list_head list; /* in shmem_node.xattrs, by name */
	void *value;	       /* NULL if empty */
	u64 size;	       /* of the value */
	char name[];
};

static bool is_acl(const char *name)
{
	return !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default");
}

/* Is there a handler for @name? 0, -EOPNOTSUPP, or -EINVAL if nothing stands behind the prefix. */
static int resolve_name(const char *name)
{
	static const char *const prefixes[] = {"security.", "trusted.", "user."};

	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
		u64 len = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], len))
			return name[len] ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

static bool is_user(const char *name)
{
	return !strncmp(name, "user.", 5);
}

/* The mode counts for user.* alone. */
static int check(struct dentry *d, const char *name, int mask)
{
	struct shmem_node *n = shmem_node(d);

	if (!is_user(name))
		return 0;
	if (mask == W_OK && S_ISDIR(n->mode) && (n->mode & S_ISVTX) &&
	    !shmem_owner_or_capable(d->vfs, n))
		return -EPERM;
	return shmem_permission(d->vfs, n, mask, false);
}

/* The attribute, or NULL; *@after gets the place where it would be put behind. */
static struct shmem_xattr *find(struct shmem_node *n, const char *name, struct list_head **after)
{
	struct shmem_xattr *x;

	*after = &n->xattrs;
	list_for_each_entry (x, &n->xattrs, list) {
		int order = strcmp(x->name, name);

		if (!order)
			return x;
		if (order < 0)
			break;
		*after = &x->list;
	}
	return NULL;
}

static void xattr_free(struct memory *m, struct shmem_xattr *x)
{
	kfree(m, x->value);
	kfree(m, x);
}

long shmem_getxattr(struct dentry *d, const char *name, void *value, u64 size)
{
	int err = check(d, name, R_OK);
	struct list_head *after;
	struct shmem_xattr *x;

	if (err)
		return err;
	if (is_acl(name))
		return S_ISLNK(d->mode) ? -EOPNOTSUPP : -ENODATA;
	err = resolve_name(name);
	if (err)
		return err;
	x = find(shmem_node(d), name, &after);
	if (!x)
		return -ENODATA;
	if (!size)
		return x->size;
	if (size < x->size)
		return -ERANGE;
	if (x->size)
		memcpy(value, x->value, x->size);
	return x->size;
}

static struct shmem_xattr *xattr_new(struct memory *m, const char *name, const void *value,
				     u64 size)
{
	u64 len = strlen(name) + 1;
	struct shmem_xattr *x = kmalloc(m, sizeof(*x) + len, GFP_KERNEL);

	if (!x)
		return NULL;
	x->size = size;
	x->value = NULL;
	memcpy(x->name, name, len);
	if (!size)
		return x;
	x->value = kmalloc(m, size, GFP_KERNEL);
	if (!x->value) {
		kfree(m, x);
		return NULL;
	}
	memcpy(x->value, value, size);
	return x;
}

int shmem_setxattr(struct dentry *d, const char *name, const void *value, u64 size, int flags)
{
	struct shmem_node *n = shmem_node(d);
	struct memory *m = d->vfs->mem;
	struct shmem_xattr *old, *x;
	struct list_head *after;
	int err = check(d, name, W_OK);

	if (!err)
		err = resolve_name(name);
	if (err)
		return err;
	old = find(n, name, &after);
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	x = xattr_new(m, name, value, size);
	if (!x)
		return -ENOMEM;
	list_add(&x->list, old ? &old->list : after);
	if (old) {
		list_del(&old->list);
		xattr_free(m, old);
	}
	n->ctime = current_time(d->vfs);
	return 0;
}

int shmem_removexattr(struct dentry *d, const char *name)
{
	struct shmem_node *n = shmem_node(d);
	struct list_head *after;
	struct shmem_xattr *x;
	int err = check(d, name, W_OK);

	if (!err)
		err = resolve_name(name);
	if (err)
		return err;
	x = find(n, name, &after);
	if (!x)
		return -ENODATA;
	list_del(&x->list);
	xattr_free(d->vfs->mem, x);
	n->ctime = current_time(d->vfs);
	return 0;
}

long shmem_listxattr(struct dentry *d, char *list, u64 size)
{
	bool trusted = shmem_capable(d->vfs, CAP_SYS_ADMIN);
	struct shmem_xattr *x;
	u64 done = 0;

	list_for_each_entry (x, &shmem_node(d)->xattrs, list) {
		u64 len = strlen(x->name) + 1;

		if (!trusted && !strncmp(x->name, "trusted.", 8))
			continue;
		if (size && len > size - done)
			return -ERANGE;
		if (size)
			memcpy(list + done, x->name, len);
		done += len;
	}
	return done;
}

void shmem_free_xattrs(struct vfs *v, struct shmem_node *n)
{
	struct shmem_xattr *x;

	while (!list_empty(&n->xattrs)) {
		x = list_first_entry(&n->xattrs, struct shmem_xattr, list);
		list_del(&x->list);
		xattr_free(v->mem, x);
	}
}

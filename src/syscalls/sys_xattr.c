/* Extended attributes: by path, by path without following a link, by descriptor, and the *at forms of
 * Linux 6.13. See: setxattr(2), getxattr(2), listxattr(2), removexattr(2); Linux 6.18, fs/xattr.c. */
#include "syscalls/internal.h"

#include <sys/xattr.h>

#include "fs/xattr.h"
#include "syscalls/user_path.h"

#define XATTR_ARGS_SIZE 16U /* of struct xattr_args, as it first was */

/* Whose attributes a call is about: a path, or (@name 0: none given) a descriptor. */
struct target {
	int dfd;
	gva_t name;
	u32 flags; /* AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH */
	bool fd;   /* @dfd is the file itself */
};

static struct target by_path(const struct sysargs *a, u32 flags)
{
	return (struct target){AT_FDCWD, a->arg[0], flags, false};
}

static struct target by_fd(const struct sysargs *a)
{
	return (struct target){a->arg[0], 0, 0, true};
}

/* getname_maybe_null(): with AT_EMPTY_PATH no path, or an empty one, means the descriptor. */
static int by_at(struct task_struct *t, const struct sysargs *a, struct target *to)
{
	u32 flags = a->arg[2];
	char first = 1;

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	*to = (struct target){a->arg[0], a->arg[1], flags, false};
	if (!(flags & AT_EMPTY_PATH))
		return 0;
	if (to->name && get_user(t->mm, first, to->name))
		return -EFAULT;
	to->fd = (!to->name || !first) && to->dfd >= 0;
	return 0;
}

/* *@p holds references afterwards. */
static int find_target(struct task_struct *t, const struct target *to, struct path *p)
{
	unsigned lookup = to->flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file *f;

	if (!to->fd) {
		if (!to->name && (to->flags & AT_EMPTY_PATH)) { /* of AT_FDCWD */
			*p = t->fs->pwd;
			path_get(p);
			return 0;
		}
		lookup |= to->flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0;
		return user_lookup(t, to->dfd, to->name, lookup, p);
	}
	f = fdget(t, to->dfd);
	if (!f)
		return -EBADF;
	*p = f->f_path;
	path_get(p);
	fput(f);
	return 0;
}

/* A name is never empty, nor longer than XATTR_NAME_MAX. @name: that and a NUL. */
static int import_name(struct task_struct *t, char *name, gva_t addr)
{
	long len = strncpy_from_user(t->mm, name, addr, XATTR_NAME_MAX_K + 1);

	if (len < 0)
		return (int)len;
	return len == 0 || len == XATTR_NAME_MAX_K + 1 ? -ERANGE : 0;
}

/* --- the four, for any target ------------------------------------------------------------ */

static long do_setxattr(struct task_struct *t, const struct target *to, gva_t name_at,
			gva_t value_at, u64 size, u32 flags)
{
	struct memory *m = &t->machine->mem;
	char name[XATTR_NAME_MAX_K + 1];
	void *value = NULL;
	struct path p;
	long ret;

	if (flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	ret = import_name(t, name, name_at);
	if (ret)
		return ret;
	if (size > XATTR_SIZE_MAX_K)
		return -E2BIG;
	if (size) {
		value = kmalloc(m, size, GFP_KERNEL);
		if (!value)
			return -ENOMEM;
	}
	ret = copy_from_user(t->mm, value, value_at, size) ? -EFAULT : find_target(t, to, &p);
	if (!ret) {
		ret = vfs_setxattr(p.dentry, name, value, size, flags);
		path_put(&p);
	}
	kfree(m, value);
	return ret;
}

/* What a call fills, if it wants more than a length, and where that goes. */
static long with_buffer(struct task_struct *t, const struct target *to, const char *name,
			gva_t addr, u64 size)
{
	struct memory *m = &t->machine->mem;
	struct path p;
	char *buf = NULL;
	long ret = find_target(t, to, &p);

	if (ret)
		return ret;
	size = min(size, XATTR_SIZE_MAX_K);
	ret = -ENOMEM;
	if (size)
		buf = kmalloc(m, size, GFP_KERNEL);
	if (buf || !size) {
		ret = name ? vfs_getxattr(p.dentry, name, buf, size)
			   : vfs_listxattr(p.dentry, buf, size);
		if (ret > 0 && size && copy_to_user(t->mm, addr, buf, ret))
			ret = -EFAULT;
		else if (ret == -ERANGE && size >= XATTR_SIZE_MAX_K)
			ret = -E2BIG; /* no buffer would do */
	}
	kfree(m, buf);
	path_put(&p);
	return ret;
}

static long do_getxattr(struct task_struct *t, const struct target *to, gva_t name_at, gva_t addr,
			u64 size)
{
	char name[XATTR_NAME_MAX_K + 1];
	long ret = import_name(t, name, name_at);

	return ret ? ret : with_buffer(t, to, name, addr, size);
}

static long do_listxattr(struct task_struct *t, const struct target *to, gva_t addr, u64 size)
{
	_Static_assert(XATTR_LIST_MAX_K == XATTR_SIZE_MAX_K, "one limit serves both");
	return with_buffer(t, to, NULL, addr, size);
}

static long do_removexattr(struct task_struct *t, const struct target *to, gva_t name_at)
{
	char name[XATTR_NAME_MAX_K + 1];
	long ret = import_name(t, name, name_at);
	struct path p;

	if (!ret)
		ret = find_target(t, to, &p);
	if (ret)
		return ret;
	ret = vfs_removexattr(p.dentry, name);
	path_put(&p);
	return ret;
}

/* --- by path, link and descriptor -------------------------------------------------------- */

#define THREE_FORMS(call, fn, ...)                                                                 \
	long sys_##call(struct task_struct *t, const struct sysargs *a)                            \
	{                                                                                          \
		struct target to = by_path(a, 0);                                                  \
                                                                                                   \
		return fn(t, &to, __VA_ARGS__);                                                    \
	}                                                                                          \
	long sys_l##call(struct task_struct *t, const struct sysargs *a)                           \
	{                                                                                          \
		struct target to = by_path(a, AT_SYMLINK_NOFOLLOW);                                \
                                                                                                   \
		return fn(t, &to, __VA_ARGS__);                                                    \
	}                                                                                          \
	long sys_f##call(struct task_struct *t, const struct sysargs *a)                           \
	{                                                                                          \
		struct target to = by_fd(a);                                                       \
                                                                                                   \
		return fn(t, &to, __VA_ARGS__);                                                    \
	}

THREE_FORMS(setxattr, do_setxattr, a->arg[1], a->arg[2], a->arg[3], a->arg[4])
THREE_FORMS(getxattr, do_getxattr, a->arg[1], a->arg[2], a->arg[3])
THREE_FORMS(listxattr, do_listxattr, a->arg[1], a->arg[2])
THREE_FORMS(removexattr, do_removexattr, a->arg[1])

/* --- the *at forms ----------------------------------------------------------------------- */

struct xattr_args_k {
	u64 value;
	u32 size, flags;
};

static int get_args(struct task_struct *t, gva_t at, u64 size, struct xattr_args_k *args)
{
	if (size < XATTR_ARGS_SIZE)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(t->mm, args, sizeof(*args), at, size);
}

/* setxattrat(2). As setxattr(2); -EINVAL: flags, size; -E2BIG: fields that are not known. */
long sys_setxattrat(struct task_struct *t, const struct sysargs *a)
{
	struct xattr_args_k args;
	struct target to;
	int err = get_args(t, a->arg[4], a->arg[5], &args);

	if (!err)
		err = by_at(t, a, &to);
	return err ? err : do_setxattr(t, &to, a->arg[3], args.value, args.size, args.flags);
}

/* getxattrat(2). As getxattr(2); -EINVAL: flags, size; -E2BIG: fields that are not known. */
long sys_getxattrat(struct task_struct *t, const struct sysargs *a)
{
	struct xattr_args_k args;
	struct target to;
	int err = get_args(t, a->arg[4], a->arg[5], &args);

	if (!err && args.flags)
		err = -EINVAL;
	if (!err)
		err = by_at(t, a, &to);
	return err ? err : do_getxattr(t, &to, a->arg[3], args.value, args.size);
}

/* listxattrat(2). As listxattr(2); -EINVAL: flags. */
long sys_listxattrat(struct task_struct *t, const struct sysargs *a)
{
	struct target to;
	int err = by_at(t, a, &to);

	return err ? err : do_listxattr(t, &to, a->arg[3], a->arg[4]);
}

/* removexattrat(2). As removexattr(2); -EINVAL: flags. */
long sys_removexattrat(struct task_struct *t, const struct sysargs *a)
{
	struct target to;
	int err = by_at(t, a, &to);

	return err ? err : do_removexattr(t, &to, a->arg[3]);
}

/* inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2). What they do is fs/inotify.c's. */
#include "syscalls/internal.h"

#include "fs/inotify.h"
#include "syscalls/user_path.h"

#define K_IN_MASK_CREATE 0x10000000U
#define ALL_INOTIFY_BITS                                                                           \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |   \
	 IN_EXCL_UNLINK | K_IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

static long do_inotify_init(struct task_struct *t, int flags)
{
	struct file *f;
	int err;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	err = fd_available(t);
	if (err)
		return err;
	f = inotify_create(&t->machine->vfs, flags);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_one(t, f, flags & IN_CLOEXEC);
}

/* inotify_init(2). -EMFILE: numbers, or instances; -ENFILE. */
long sys_inotify_init(struct task_struct *t, const struct sysargs *a)
{
	(void)a;
	return do_inotify_init(t, 0);
}

/* inotify_init1(2). As inotify_init(2); -EINVAL: flags. */
long sys_inotify_init1(struct task_struct *t, const struct sysargs *a)
{
	return do_inotify_init(t, (int)a->arg[0]);
}

static long add_watch(struct task_struct *t, struct inotify_group *group, gva_t name, u32 mask)
{
	unsigned lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct dentry *d;
	struct path p;
	long ret = user_lookup(t, AT_FDCWD, name, lookup, &p);

	if (ret)
		return ret;
	d = p.dentry;
	ret = d->d_op->access ? d->d_op->access(d, R_OK, AT_EACCESS) : 0;
	if (!ret)
		ret = inotify_update_watch(group, d, mask);
	path_put(&p);
	return ret;
}

/* inotify_add_watch(2). A watch's number. -EINVAL: the mask, no inotify; -EBADF; a path's errors; -EEXIST, -ENOSPC. */
long sys_inotify_add_watch(struct task_struct *t, const struct sysargs *a)
{
	u32 mask = a->arg[2];
	struct file *f;
	long ret = -EINVAL;

	if (!(mask & ALL_INOTIFY_BITS))
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	if (inotify_get(f) && !((mask & IN_MASK_ADD) && (mask & K_IN_MASK_CREATE)))
		ret = add_watch(t, inotify_get(f), a->arg[1], mask);
	fput(f);
	return ret;
}

/* inotify_rm_watch(2). -EBADF; -EINVAL: no inotify, no such watch. */
long sys_inotify_rm_watch(struct task_struct *t, const struct sysargs *a)
{
	struct file *f = fdget(t, a->arg[0]);
	long ret = -EINVAL;

	if (!f)
		return -EBADF;
	if (inotify_get(f))
		ret = inotify_remove_watch(inotify_get(f), (s32)a->arg[1]);
	fput(f);
	return ret;
}

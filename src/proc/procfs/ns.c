/* /proc/PID/ns: links to the name spaces that a task is in. There are only the first ones, whose numbers are
 * fixed: they can be told apart by inode (and device), which is what programs ask for. setns(2) is
 * syscalls/sys_ns.c's. See: namespaces(7); Linux, fs/proc/namespaces.c, fs/nsfs.c. */
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "proc/fork.h"
#include "proc/procfs/internal.h"

#define NSFS_DEV 4 /* an anonymous device, as the kernel gives to it */

static int nsfs_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	memset(st, 0, sizeof(*st));
	if (stx)
		memset(stx, 0, sizeof(*stx)); /* no more than this: statx(2) takes it from there */
	st->st_dev = d->dev;
	st->st_ino = d->ino;
	st->st_mode = d->mode;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

/* "ipc:[4026531839]", which is no path. */
static long nsfs_path(struct dentry *d, char *buf, u64 size)
{
	int len = snprintf(buf, size, "%s:[%lu]", (const char *)d->fs_private, d->ino);

	return (u64)len < size ? len : -ENAMETOOLONG;
}

static struct file *nsfs_open(const struct path *p, int flags)
{
	static const struct file_operations nothing;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return ERR_PTR(-EPERM);
	return file_alloc(p->dentry->vfs, p, &nothing, FMODE_READ, flags);
}

/* Immutable, and nothing to be run. */
static int nsfs_access(struct dentry *d __unused, int mode, int flags __unused)
{
	return mode & X_OK ? -EACCES : mode & W_OK ? -EPERM : 0;
}

static const struct dentry_operations nsfs_dops = {
	.getattr = nsfs_getattr,
	.access = nsfs_access,
	.open = nsfs_open,
	.path = nsfs_path,
};

static int ns_link(struct task_struct *t, const char *name, u64 ino, struct path *out)
{
	struct dentry *d = dentry_alloc(&t->machine->vfs, &nsfs_dops, S_IFREG | 0444);

	if (!d)
		return -ENOMEM;
	d->dev = NSFS_DEV;
	d->ino = ino;
	d->fs_private = (void *)name;
	*out = (struct path){NULL, d};
	return 0;
}

/* NS(name, flag of clone(2), the first one's number) */
#define ALL_NS                                                                                     \
	NS(mnt, CLONE_NEWNS, 4026531832U)                                                          \
	NS(net, CLONE_NEWNET, 4026531833U)                                                         \
	NS(time, CLONE_NEWTIME_K, 4026531834U)                                                     \
	NS(cgroup, CLONE_NEWCGROUP, 4026531835U)                                                   \
	NS(pid, CLONE_NEWPID, 4026531836U)                                                         \
	NS(user, CLONE_NEWUSER, 4026531837U)                                                       \
	NS(uts, CLONE_NEWUTS, 4026531838U)                                                         \
	NS(ipc, CLONE_NEWIPC, 4026531839U)

#define NS(name, flag, ino)                                                                        \
	int proc_link_ns_##name(struct task_struct *t, u64 sub __unused, struct path *out)         \
	{                                                                                          \
		return ns_link(t, #name, ino, out);                                                \
	}
ALL_NS
#undef NS

u64 proc_ns_type(const struct file *f)
{
	const struct dentry *d = f->f_path.dentry;

	if (!d || d->d_op != &nsfs_dops)
		return 0;
	switch (d->ino) {
#define NS(name, flag, ino)                                                                        \
	case ino:                                                                                  \
		return flag;
		ALL_NS
#undef NS
	}
	return 0;
}

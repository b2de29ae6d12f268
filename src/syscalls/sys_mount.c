/* What decides where paths lead: chroot, and mounts.
 *
 * There is one table of mounts, and no name space but the first. A guest with CAP_SYS_ADMIN can mount what Vellum itself
 * has (tmpfs, proc, sysfs, mqueue), and unmount that again; block devices, binding and moving are not built.
 * See: Linux, fs/open.c, fs/namespace.c. */
#include "syscalls/internal.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/err.h"
#include "base/log.h"
#include "fs/tmpfs.h"
#include "proc/cred.h"
#include "syscalls/user_path.h"

#define MS_MGC_VAL_K 0xc0ed0000UL
#define MS_MGC_MSK_K 0xffff0000UL
#define MS_NOSYMFOLLOW_K 256
#define UMOUNT_NOFOLLOW_K 8
/* They ask for something else than a new mount. */
#define MS_OTHER                                                                                   \
	(MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* chroot(2). A path's errors; -ENOTDIR, -EACCES; -EPERM: no CAP_SYS_CHROOT. */
long sys_chroot(struct task_struct *t, const struct sysargs *a)
{
	struct path p, old;
	int err = user_lookup(t, AT_FDCWD, a->arg[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	if (p.dentry->d_op->access)
		err = p.dentry->d_op->access(p.dentry, 1 /* X_OK */, AT_EACCESS);
	if (!err && !task_capable(t, CAP_SYS_CHROOT))
		err = -EPERM;
	if (err) {
		path_put(&p);
		return err;
	}
	t->machine->vfs.chrooted = true;
	old = t->fs->root;
	t->fs->root = p;
	path_put(&old);
	return 0;
}

/* --- mount ------------------------------------------------------------------------------------- */

struct mount_args {
	char *source, *type, *data; /* kmalloc'ed, NULL: none */
};

/* copy_mount_string(): @addr 0 is none. */
static int mount_string(struct task_struct *t, gva_t addr, char **out)
{
	char *s = addr ? getname(t, addr, true) : NULL;

	*out = IS_ERR(s) ? NULL : s;
	return IS_ERR(s) ? PTR_ERR(s) : 0;
}

/* "64k", "1m", "010": what memparse() reads, up to the next comma. False: something else. */
static bool parse_number(const char **at, int base, u64 *out)
{
	static const char units[] = "kmgt";
	const char *unit;
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*out = strtoul(*at, &end, base);
	unit = *end && base != 8 ? strchr(units, *end | 0x20) : NULL;
	if (unit) {
		*out <<= 10 * (unit - units + 1);
		end++;
	}
	*at = end;
	return !*end || *end == ',';
}

/* tmpfs's options in @data. 0; -EINVAL: none of size, nr_blocks, nr_inodes, mode. See: tmpfs(5). */
static int tmpfs_parse(const char *data, struct tmpfs_options *o)
{
	u64 n;

	*o = (struct tmpfs_options){.mode = 01777};
	for (const char *at = data ? data : ""; *at; at += *at == ',') {
		const char *value = strchr(at, '=');
		u64 len = value ? (u64)(value++ - at) : 0;

		if (!value || !parse_number(&value, len == 4 && *at == 'm' ? 8 : 0, &n))
			return -EINVAL;
		if (len == 4 && !memcmp(at, "size", len))
			o->max_blocks = (n + PAGE_SIZE - 1) >> PAGE_SHIFT;
		else if (len == 9 && !memcmp(at, "nr_blocks", len))
			o->max_blocks = n;
		else if (len == 9 && !memcmp(at, "nr_inodes", len))
			o->max_inodes = n;
		else if (len == 4 && !memcmp(at, "mode", len))
			o->mode = n & 07777;
		else
			return -EINVAL;
		at = value;
	}
	return 0;
}

static void put_options(char *buf, u64 flags)
{
	static const struct {
		u64 flag;
		const char *text;
	} words[] = {
		{MS_NOSUID, ",nosuid"},		{MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},		{MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
	};

	strcpy(buf, "rw");
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		flags |= MS_RELATIME;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag)
			strcat(buf, words[i].text);
}

/* path_mount() */
static int path_mount(struct task_struct *t, const struct mount_args *args, const struct path *p,
		      u64 flags)
{
	struct tmpfs_options tmpfs;
	char options[64];
	int err;

	if ((flags & MS_MGC_MSK_K) == MS_MGC_VAL_K)
		flags &= ~MS_MGC_MSK_K;
	if (flags & (u32)MS_NOUSER)
		return -EINVAL;
	if (!task_capable(t, CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & (MS_OTHER | MS_RDONLY | MS_NOSYMFOLLOW_K)) {
		log_line("mount(2): bind, remount, move, propagation and read-only are not built");
		return -ENOSYS;
	}
	if (!args->type)
		return -EINVAL;
	put_options(options, flags);
	err = tmpfs_parse(strcmp(args->type, "tmpfs") ? NULL : args->data, &tmpfs);
	if (err)
		return err;
	return vfs_mount_at(&t->machine->vfs, args->type, args->source ? args->source : "none", p,
			    options, &tmpfs);
}

/* mount(2). A path's errors; -EPERM: no CAP_SYS_ADMIN; -EINVAL: no type; -ENODEV: a type that is not built; -ENOTDIR,
 * -EBUSY. */
long sys_mount(struct task_struct *t, const struct sysargs *a)
{
	struct memory *mem = &t->machine->mem;
	struct mount_args args = {NULL, NULL, NULL};
	struct path p;
	int err = mount_string(t, a->arg[2], &args.type);

	if (!err)
		err = mount_string(t, a->arg[0], &args.source);
	if (!err)
		err = mount_string(t, a->arg[4], &args.data);
	if (!err)
		err = user_lookup(t, AT_FDCWD, a->arg[1], LOOKUP_FOLLOW, &p);
	if (!err) {
		err = path_mount(t, &args, &p, a->arg[3]);
		path_put(&p);
	}
	kfree(mem, args.data);
	kfree(mem, args.source);
	kfree(mem, args.type);
	return err;
}

/* can_umount(), do_umount() */
static int path_umount(struct task_struct *t, const struct path *p, u64 flags)
{
	if (!task_capable(t, CAP_SYS_ADMIN))
		return -EPERM;
	if (p->dentry != p->mnt->root)
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (!p->mnt->parent)
		return p->mnt->detached ? -EINVAL : -EBUSY;
	return 0;
}

static long do_umount(struct task_struct *t, gva_t name, u64 flags)
{
	struct mount *mnt;
	bool expired, lasts;
	struct path p;
	int err;

	if (flags & ~(u64)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW_K))
		return -EINVAL;
	err = user_lookup(t, AT_FDCWD, name, flags & UMOUNT_NOFOLLOW_K ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = path_umount(t, &p, flags);
	mnt = p.mnt;
	expired = mnt->expired;
	lasts = !mnt->detached; /* else it may end with our path */
	path_put(&p);
	if (lasts)
		mnt->expired = expired; /* our own look at it does not count as a use */
	return err ? err : vfs_umount(mnt, flags);
}

/* umount2(2). A path's errors; -EPERM: no CAP_SYS_ADMIN; -EINVAL: flags, no mount, one of Vellum's own; -EBUSY;
 * -EAGAIN: MNT_EXPIRE. */
long sys_umount2(struct task_struct *t, const struct sysargs *a)
{
	return do_umount(t, a->arg[0], (u32)a->arg[1]);
}

/* pivot_root(2). A path's errors; -EPERM: no CAP_SYS_ADMIN; -EBUSY, -EINVAL: there is no other mount to turn to. */
long sys_pivot_root(struct task_struct *t, const struct sysargs *a)
{
	struct path new, old;
	int err;

	if (!task_capable(t, CAP_SYS_ADMIN))
		return -EPERM;
	err = user_lookup(t, AT_FDCWD, a->arg[0], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = user_lookup(t, AT_FDCWD, a->arg[1], LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = new.mnt == t->fs->root.mnt || old.mnt == t->fs->root.mnt ? -EBUSY : -EINVAL;
		path_put(&old);
	}
	path_put(&new);
	return err;
}

/* Rights in the host's tree of a task that is not who Vellum is: setuid(2) and its kin, capabilities given up.
 *
 * The host checks what Vellum asks for with Vellum's own ids. That is right as long as the task has these, too; for
 * others the rules of path_resolution(7) are applied here, first, to the owners and modes that the host shows, and what
 * such a task makes is given to it afterwards. See hostfs.h; Linux, fs/namei.c. */
#include <linux/capability.h>
#include <unistd.h>

#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/libfs.h"

/* What decides about files. */
#define CAPS_OF_FILES                                                                              \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |     \
	 BIT(CAP_FSETID) | BIT(CAP_MKNOD))

static bool is_other(struct vfs *v, bool real)
{
	struct vfs_cred c;

	vfs_cred(v, real, &c);
	return c.uid != v->host_cred.uid || c.gid != v->host_cred.gid ||
	       (c.caps & CAPS_OF_FILES) != (v->host_cred.caps & CAPS_OF_FILES);
}

bool hostfs_task_is_other(struct vfs *v)
{
	return unlikely(v->ids_changed) && is_other(v, false);
}

int hostfs_permission(const struct dentry *d, int mask, bool real)
{
	struct stat st;
	int err;

	if (likely(!d->vfs->ids_changed) || !is_other(d->vfs, real))
		return 0;
	err = host_fstatat(d->host_fd, "", &st, AT_EMPTY_PATH);
	return err ? err : generic_permission(d->vfs, st.st_uid, st.st_gid, st.st_mode, mask, real);
}

int hostfs_may_create(const struct dentry *dir, const char *name)
{
	struct stat st;
	int err;

	if (!hostfs_task_is_other(dir->vfs))
		return 0;
	err = hostfs_permission(dir, X_OK, false);
	if (err)
		return err;
	err = host_fstatat(dir->host_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	return err == -ENOENT ? hostfs_permission(dir, W_OK | X_OK, false) : err ? err : -EEXIST;
}

int hostfs_may_delete(const struct dentry *dir, const char *name)
{
	struct stat st, top;
	int err;

	if (!hostfs_task_is_other(dir->vfs))
		return 0;
	err = hostfs_permission(dir, X_OK, false);
	if (!err)
		err = host_fstatat(dir->host_fd, name, &st, AT_SYMLINK_NOFOLLOW);
	if (!err)
		err = hostfs_permission(dir, W_OK | X_OK, false);
	if (!err)
		err = host_fstatat(dir->host_fd, "", &top, AT_EMPTY_PATH);
	if (err || !(top.st_mode & S_ISVTX))
		return err;
	return owner_or_capable(dir->vfs, st.st_uid) || owner_or_capable(dir->vfs, top.st_uid)
		       ? 0
		       : -EPERM;
}

void hostfs_give(const struct dentry *dir, int fd, const char *name)
{
	struct vfs_cred c;
	struct stat st;

	if (!hostfs_task_is_other(dir->vfs))
		return;
	vfs_cred(dir->vfs, false, &c);
	if (!host_fstatat(dir->host_fd, "", &st, AT_EMPTY_PATH) && (st.st_mode & S_ISGID))
		c.gid = ~0U; /* the directory's, as the host has it */
	host_fchownat(fd, name, c.uid, c.gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH));
}

/* Owners and mode of @d for the checks below; 0 without a look: the host decides alone. 1: look. */
static int owners_of(const struct dentry *d, struct stat *st)
{
	int err;

	if (!hostfs_task_is_other(d->vfs))
		return 0;
	err = host_fstatat(d->host_fd, "", st, AT_EMPTY_PATH);
	return err ? err : 1;
}

int hostfs_may_chmod(const struct dentry *d, u32 *mode)
{
	struct vfs_cred c;
	struct stat st;
	int err = owners_of(d, &st);

	if (err <= 0)
		return err;
	if (!owner_or_capable(d->vfs, st.st_uid))
		return -EPERM;
	vfs_cred(d->vfs, false, &c);
	if (!cred_in_group(&c, st.st_gid) && !cred_has_cap(&c, CAP_FSETID))
		*mode &= ~(u32)S_ISGID;
	return 0;
}

int hostfs_may_chown(const struct dentry *d, u32 uid, u32 gid)
{
	struct stat st;
	int err = owners_of(d, &st);

	return err <= 0 ? err : chown_permission(d->vfs, st.st_uid, st.st_gid, uid, gid);
}

int hostfs_may_utimens(const struct dentry *d, const struct timespec ts[2])
{
	struct stat st;
	int err = owners_of(d, &st);

	return err <= 0 ? err : utimens_permission(d->vfs, st.st_uid, st.st_gid, st.st_mode, ts);
}

/* See libfs.h. */
#include "fs/libfs.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/internal.h"

struct timespec current_time(struct vfs *v)
{
	u64 ns = v->events->advance_to ? VIRTUAL_EPOCH_NS + event_now(v->events)
				       : host_clock_ns(CLOCK_REALTIME_COARSE);

	return (struct timespec){ns / 1000000000UL, ns % 1000000000UL};
}

u64 get_next_ino(struct vfs *v)
{
	return ++v->in->last_ino;
}

/* --- rights ------------------------------------------------------------------------------ */

void vfs_cred(struct vfs *v, bool real, struct vfs_cred *c)
{
	*c = (struct vfs_cred){.caps = ~0UL};
	if (v->get_cred)
		v->get_cred(v, real, c);
}

bool cred_has_cap(const struct vfs_cred *c, unsigned cap)
{
	return c->caps >> cap & 1;
}

bool cred_in_group(const struct vfs_cred *c, u32 gid)
{
	if (c->gid == gid)
		return true;
	for (u32 i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool vfs_capable(struct vfs *v, unsigned cap)
{
	struct vfs_cred c;

	vfs_cred(v, false, &c);
	return cred_has_cap(&c, cap);
}

int generic_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, int mask, bool real)
{
	struct vfs_cred c;
	u32 bits = i_mode;
	bool dac;

	vfs_cred(v, real, &c);
	if (c.uid == uid)
		bits >>= 6;
	else if (cred_in_group(&c, gid))
		bits >>= 3;
	if (!(mask & ~bits & 7))
		return 0;
	dac = cred_has_cap(&c, CAP_DAC_OVERRIDE);
	if (S_ISDIR(i_mode)) {
		if (!(mask & W_OK) && cred_has_cap(&c, CAP_DAC_READ_SEARCH))
			return 0;
		return dac ? 0 : -EACCES;
	}
	if (mask == R_OK && cred_has_cap(&c, CAP_DAC_READ_SEARCH))
		return 0;
	return dac && (!(mask & X_OK) || (i_mode & 0111)) ? 0 : -EACCES;
}

bool owner_or_capable(struct vfs *v, u32 owner)
{
	struct vfs_cred c;

	vfs_cred(v, false, &c);
	return c.uid == owner || cred_has_cap(&c, CAP_FOWNER);
}

int chown_permission(struct vfs *v, u32 uid, u32 gid, u32 to_uid, u32 to_gid)
{
	struct vfs_cred c;
	bool owner;

	vfs_cred(v, false, &c);
	owner = c.uid == uid;
	if (cred_has_cap(&c, CAP_CHOWN))
		return 0;
	if (to_uid != ~0U && (!owner || to_uid != uid))
		return -EPERM;
	if (to_gid != ~0U && (!owner || (to_gid != gid && !cred_in_group(&c, to_gid))))
		return -EPERM;
	return 0;
}

int utimens_permission(struct vfs *v, u32 uid, u32 gid, u32 i_mode, const struct timespec ts[2])
{
	bool touch = ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW;

	if (owner_or_capable(v, uid))
		return 0;
	return touch ? generic_permission(v, uid, gid, i_mode, W_OK, false) : -EPERM;
}

void set_inode_time(struct vfs *v, struct timespec *to, const struct timespec *from)
{
	if (from->tv_nsec == UTIME_NOW)
		*to = current_time(v);
	else if (from->tv_nsec != UTIME_OMIT)
		*to = *from;
}

u32 setid_bits(u32 i_mode)
{
	u32 bits = i_mode & S_ISUID;

	if ((i_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		bits |= S_ISGID;
	return bits;
}

s64 noop_llseek(struct file *f, s64 off __unused, int whence __unused)
{
	return f->f_pos;
}

int noop_fsync(struct file *f __unused, bool datasync __unused)
{
	return 0;
}

static struct statx_timestamp to_statx(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

int generic_fillattr(const struct dentry *d, struct stat *st, struct statx *stx)
{
	st->st_dev = d->dev;
	st->st_ino = d->ino;
	st->st_mode = d->mode;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	if (!stx)
		return 0;
	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = STATX_BASIC_STATS;
	stx->stx_blksize = PAGE_SIZE;
	stx->stx_nlink = 1;
	stx->stx_uid = st->st_uid;
	stx->stx_gid = st->st_gid;
	stx->stx_mode = d->mode;
	stx->stx_ino = d->ino;
	stx->stx_dev_minor = d->dev;
	stx->stx_atime = to_statx(st->st_atim);
	stx->stx_mtime = to_statx(st->st_mtim);
	stx->stx_ctime = to_statx(st->st_ctim);
	return 0;
}

/* --- inodes without names ---------------------------------------------------------------- */

static struct simple_attr *simple_attr(const struct dentry *d)
{
	return d->fs_private;
}

int simple_access(struct dentry *d, int mode, int flags)
{
	const struct simple_attr *a = simple_attr(d);

	return generic_permission(d->vfs, a->uid, a->gid, d->mode, mode, !(flags & AT_EACCESS));
}

int simple_chmod(struct dentry *d, u32 mode)
{
	struct simple_attr *a = simple_attr(d);
	struct vfs_cred c;

	if (!owner_or_capable(d->vfs, a->uid))
		return -EPERM;
	vfs_cred(d->vfs, false, &c);
	if (!cred_in_group(&c, a->gid) && !cred_has_cap(&c, CAP_FSETID))
		mode &= ~S_ISGID;
	d->mode = (d->mode & S_IFMT) | (mode & 07777);
	a->ctime = current_time(d->vfs);
	return 0;
}

int simple_chown(struct dentry *d, u32 uid, u32 gid, int flags __unused)
{
	struct simple_attr *a = simple_attr(d);
	int err = chown_permission(d->vfs, a->uid, a->gid, uid, gid);

	if (err)
		return err;
	if (uid != ~0U)
		a->uid = uid;
	if (gid != ~0U)
		a->gid = gid;
	d->mode &= ~setid_bits(d->mode);
	a->ctime = current_time(d->vfs);
	return 0;
}

int simple_utimens(struct dentry *d, const struct timespec ts[2])
{
	struct simple_attr *a = simple_attr(d);
	int err = utimens_permission(d->vfs, a->uid, a->gid, d->mode, ts);

	if (err)
		return err;
	set_inode_time(d->vfs, &a->atime, &ts[0]);
	set_inode_time(d->vfs, &a->mtime, &ts[1]);
	a->ctime = current_time(d->vfs);
	return 0;
}

int simple_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct simple_attr *a = simple_attr(d);

	memset(st, 0, sizeof(*st));
	st->st_uid = a->uid;
	st->st_gid = a->gid;
	st->st_atim = a->atime;
	st->st_mtim = a->mtime;
	st->st_ctim = a->ctime;
	return generic_fillattr(d, st, stx);
}

int simple_statfs(void *buf, u64 magic, u64 flags)
{
	struct statfs *sfs = buf;

	memset(sfs, 0, sizeof(*sfs));
	sfs->f_type = magic;
	sfs->f_bsize = sfs->f_frsize = PAGE_SIZE;
	sfs->f_namelen = NAME_MAX;
	sfs->f_flags = flags;
	return 0;
}

long simple_path(const struct dentry *d, const char *name, char *buf, u64 size)
{
	int n = snprintf(buf, size, "%s:[%lu]", name, (unsigned long)d->ino);

	return (u64)n < size ? n : -ENAMETOOLONG;
}

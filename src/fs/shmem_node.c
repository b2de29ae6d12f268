/* Inodes and dentries of shared memory: their life, owners, rights, times, and what stat(2) shows. See
 * shmem_node.h; stat(2), path_resolution(7), capabilities(7); Linux, mm/shmem.c: shmem_get_inode().
 *
 * Not for: bytes (shmemfs.c), names in directories (tmpfs_dir.c).
 */
#include "fs/shmem_node.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/libfs.h"
#include "fs/memfd.h"

#define SHMEM_DEV makedev(0, 1)
#define BOGO_DIRENT_SIZE 20 /* what a name adds to st_size of its directory */
#define ST_NOSUID_K 2
#define ST_NODEV_K 4

/* --- life -------------------------------------------------------------------------------- */

/* The object behind a regular file. */
static int make_pages(struct vfs *v, struct shmem_node *n, u64 size, vm_flags_t flags)
{
	n->as = shmem_new(v->mem, size, flags);
	if (IS_ERR(n->as)) {
		int err = PTR_ERR(n->as);

		n->as = NULL;
		return err;
	}
	if (n->sb) {
		shmem_set_blocks(n->as, &n->sb->blocks);
		n->as->dev_major = major(n->dev);
		n->as->dev_minor = minor(n->dev);
		n->as->ino = n->ino;
	}
	return 0;
}

struct shmem_node *shmem_node_new(struct vfs *v, struct tmpfs_sb *sb, u32 mode, u64 size,
				  vm_flags_t flags)
{
	struct shmem_node *n;
	int err;

	if (sb && !sb->free_inodes)
		return ERR_PTR(-ENOSPC);
	n = kzalloc(v->mem, sizeof(*n), GFP_KERNEL);
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->refcount = 1;
	n->mode = mode;
	n->dev = sb ? sb->dev : SHMEM_DEV;
	n->sb = sb;
	n->seals = F_SEAL_SEAL;
	n->atime = n->mtime = n->ctime = n->btime = current_time(v);
	INIT_LIST_HEAD(&n->children);
	INIT_LIST_HEAD(&n->xattrs);
	if (sb)
		n->ino = ++sb->last_ino;
	if (S_ISREG(mode)) {
		err = make_pages(v, n, size, flags);
		if (err) {
			kfree(v->mem, n);
			return ERR_PTR(err);
		}
		if (!sb)
			n->ino = n->as->ino;
	}
	if (sb)
		sb->free_inodes--;
	return n;
}

void shmem_node_put(struct vfs *v, struct shmem_node *n)
{
	if (--n->refcount)
		return;
	if (n->sb)
		n->sb->free_inodes++;
	if (n->as)
		shmem_put(n->as);
	shmem_free_xattrs(v, n);
	kfree(v->mem, n->target);
	kfree(v->mem, n);
}

struct dentry *shmem_dentry(struct vfs *v, const struct dentry_operations *ops, const char *name,
			    struct shmem_node *node)
{
	struct shmem_entry *e = kzalloc(v->mem, sizeof(*e), GFP_KERNEL);
	u64 len = strlen(name) + 1;
	struct dentry *d;

	if (!e)
		goto put;
	e->name = kmalloc(v->mem, len, GFP_KERNEL);
	if (!e->name)
		goto free;
	d = dentry_alloc(v, ops, node->mode);
	if (!d)
		goto free;
	memcpy(e->name, name, len);
	e->dentry = d;
	e->node = node;
	d->fs_private = e;
	d->dev = node->dev;
	d->ino = node->ino;
	return d;
free:
	kfree(v->mem, e->name);
	kfree(v->mem, e);
put:
	shmem_node_put(v, node);
	return ERR_PTR(-ENOMEM);
}

struct dentry *shmem_entry_free(struct dentry *d)
{
	struct shmem_entry *e = entry_of(d);
	struct dentry *parent = e->parent;

	VM_BUG_ON(e->hashed);
	shmem_node_put(d->vfs, e->node);
	kfree(d->vfs->mem, e->name);
	kfree(d->vfs->mem, e);
	return parent;
}

long shmem_path(struct dentry *d, char *buf, u64 size)
{
	const char *name = entry_of(d)->name;
	int len = snprintf(buf, size, "/%s (deleted)", name);

	return (u64)len < size ? len : -ENAMETOOLONG;
}

void shmem_release_dentry(struct dentry *d)
{
	shmem_entry_free(d);
}

/* --- rights ------------------------------------------------------------------------------ */

bool shmem_capable(struct vfs *v, unsigned cap)
{
	return vfs_capable(v, cap);
}

bool shmem_owner_or_capable(struct vfs *v, const struct shmem_node *n)
{
	return owner_or_capable(v, n->uid);
}

int shmem_permission(struct vfs *v, const struct shmem_node *n, int mask, bool real)
{
	return generic_permission(v, n->uid, n->gid, n->mode, mask, real);
}

int shmem_access(struct dentry *d, int mode, int flags)
{
	return shmem_permission(d->vfs, shmem_node(d), mode, !(flags & AT_EACCESS));
}

void shmem_init_owner(struct vfs *v, struct shmem_node *n, const struct shmem_node *dir)
{
	struct vfs_cred c;

	vfs_cred(v, false, &c);
	n->uid = c.uid;
	n->gid = c.gid;
	if (!dir || !(dir->mode & S_ISGID))
		return;
	n->gid = dir->gid;
	if (S_ISDIR(n->mode))
		n->mode |= S_ISGID;
	else if ((n->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !cred_in_group(&c, n->gid) && !cred_has_cap(&c, CAP_FSETID))
		n->mode &= ~S_ISGID;
}

void shmem_remove_privs(struct vfs *v, struct shmem_node *n)
{
	if (S_ISREG(n->mode) && setid_bits(n->mode) && !shmem_capable(v, CAP_FSETID))
		n->mode &= ~setid_bits(n->mode);
}

/* --- changes ----------------------------------------------------------------------------- */

int shmem_chmod(struct dentry *d, u32 mode)
{
	struct shmem_node *n = shmem_node(d);
	struct vfs_cred c;

	if (!shmem_owner_or_capable(d->vfs, n))
		return -EPERM;
	if ((n->seals & F_SEAL_EXEC_K) && ((n->mode ^ mode) & 0111))
		return -EPERM;
	vfs_cred(d->vfs, false, &c);
	if (!cred_in_group(&c, n->gid) && !cred_has_cap(&c, CAP_FSETID))
		mode &= ~S_ISGID;
	n->mode = (n->mode & S_IFMT) | (mode & 07777);
	d->mode = n->mode;
	n->ctime = current_time(d->vfs);
	return 0;
}

int shmem_chown(struct dentry *d, u32 uid, u32 gid, int flags __unused)
{
	struct shmem_node *n = shmem_node(d);
	int err = chown_permission(d->vfs, n->uid, n->gid, uid, gid);

	if (err)
		return err;
	if (uid != ~0U)
		n->uid = uid;
	if (gid != ~0U)
		n->gid = gid;
	if (!S_ISDIR(n->mode))
		n->mode &= ~setid_bits(n->mode);
	n->ctime = current_time(d->vfs);
	return 0;
}

int shmem_utimens(struct dentry *d, const struct timespec ts[2])
{
	struct shmem_node *n = shmem_node(d);
	int err = utimens_permission(d->vfs, n->uid, n->gid, n->mode, ts);

	if (err)
		return err;
	set_inode_time(d->vfs, &n->atime, &ts[0]);
	set_inode_time(d->vfs, &n->mtime, &ts[1]);
	n->ctime = current_time(d->vfs);
	return 0;
}

/* --- stat -------------------------------------------------------------------------------- */

static u64 node_size(const struct shmem_node *n)
{
	if (S_ISDIR(n->mode)) /* "." and ".." count, too */
		return (n->sb ? 2 + n->nr_children : 0) * BOGO_DIRENT_SIZE;
	if (n->target)
		return strlen(n->target);
	return n->as ? n->as->i_size : 0;
}

static void statx_time(struct statx_timestamp *to, const struct timespec *ts)
{
	to->tv_sec = ts->tv_sec;
	to->tv_nsec = ts->tv_nsec;
}

static void fill_statx(const struct shmem_node *n, const struct stat *st, struct statx *stx)
{
	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	stx->stx_blksize = PAGE_SIZE;
	stx->stx_nlink = st->st_nlink;
	stx->stx_uid = n->uid;
	stx->stx_gid = n->gid;
	stx->stx_mode = n->mode;
	stx->stx_ino = n->ino;
	stx->stx_size = st->st_size;
	stx->stx_blocks = st->st_blocks;
	statx_time(&stx->stx_atime, &n->atime);
	statx_time(&stx->stx_btime, &n->btime);
	statx_time(&stx->stx_ctime, &n->ctime);
	statx_time(&stx->stx_mtime, &n->mtime);
	stx->stx_rdev_major = major(n->rdev);
	stx->stx_rdev_minor = minor(n->rdev);
	stx->stx_dev_major = major(n->dev);
	stx->stx_dev_minor = minor(n->dev);
}

int shmem_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct shmem_node *n = shmem_node(d);

	memset(st, 0, sizeof(*st));
	st->st_dev = n->dev;
	st->st_ino = d->ino; /* a SysV segment's number */
	st->st_mode = n->mode;
	st->st_nlink = n->nlink;
	st->st_uid = n->uid;
	st->st_gid = n->gid;
	st->st_rdev = n->rdev;
	st->st_size = node_size(n);
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = n->as ? n->as->nrpages * (PAGE_SIZE / 512) : 0;
	st->st_atim = n->atime;
	st->st_mtim = n->mtime;
	st->st_ctim = n->ctime;
	if (stx) {
		fill_statx(n, st, stx);
		stx->stx_ino = d->ino;
	}
	return 0;
}

int shmem_statfs(struct dentry *d, void *buf)
{
	const struct tmpfs_sb *sb = shmem_node(d)->sb;
	struct statfs *st = buf;

	memset(st, 0, sizeof(*st));
	st->f_type = TMPFS_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	st->f_flags = ST_VALID_K;
	if (!sb)
		return 0;
	st->f_blocks = sb->blocks.max;
	st->f_bfree = st->f_bavail = sb->blocks.max - sb->blocks.used;
	st->f_files = sb->max_inodes;
	st->f_ffree = sb->free_inodes;
	st->f_fsid.__val[0] = sb->dev;
	st->f_flags |= ST_NOSUID_K | ST_NODEV_K;
	return 0;
}

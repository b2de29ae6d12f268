/* See libfs.h. */
#include "fs/libfs.h"

#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "fs/internal.h"

static struct statx_timestamp to_statx(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

int simple_getattr(const struct dentry *d, struct stat *st, struct statx *stx)
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

int simple_chmod(struct dentry *d, u32 mode)
{
	d->mode = (d->mode & S_IFMT) | (mode & 07777);
	return 0;
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

/* An empty, read-only directory of our own: what stands for the host's /sys. */
#include <string.h>

#include "base/err.h"
#include "fs/internal.h"

#define EMPTYFS_DEV 0x17 /* an anonymous device, as the kernel gives to such file systems */

static struct dentry *empty_lookup(struct dentry *dir __unused, const char *name __unused)
{
	return ERR_PTR(-ENOENT);
}

static struct dentry *empty_parent(struct dentry *dir)
{
	dget(dir);
	return dir;
}

static int empty_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = d->dev;
	st->st_ino = d->ino;
	st->st_mode = d->mode;
	st->st_nlink = 2;
	st->st_blksize = PAGE_SIZE;
	if (stx) {
		memset(stx, 0, sizeof(*stx));
		stx->stx_mask = STATX_BASIC_STATS;
		stx->stx_blksize = PAGE_SIZE;
		stx->stx_nlink = 2;
		stx->stx_mode = d->mode;
		stx->stx_ino = d->ino;
		stx->stx_dev_minor = d->dev;
	}
	return 0;
}

static int empty_iterate(struct file *f,
			 bool (*emit)(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos),
			 void *ctx)
{
	static const char *const names[] = {".", ".."};

	while (f->f_pos < ARRAY_SIZE(names)) {
		if (!emit(ctx, names[f->f_pos], 1, 4 /* DT_DIR */, f->f_pos + 1))
			break;
		f->f_pos++;
	}
	return 0;
}

static s64 empty_llseek(struct file *f, s64 off, int whence)
{
	return generic_llseek(f, off, whence, 2);
}

static const struct file_operations empty_fops = {
	.iterate = empty_iterate,
	.llseek = empty_llseek,
};

static struct file *empty_open(const struct path *p, int flags)
{
	if (flags & O_ACCMODE)
		return ERR_PTR(-EISDIR);
	return file_alloc(p->dentry->vfs, p, &empty_fops, FMODE_READ | FMODE_LSEEK, flags);
}

static int empty_access(struct dentry *d __unused, int mode, int flags __unused)
{
	return mode & 2 /* W_OK */ ? -EROFS : 0;
}

static long empty_path(struct dentry *d __unused, char *buf, u64 size)
{
	if (size < 2)
		return -ENAMETOOLONG;
	memcpy(buf, "/", 2);
	return 1;
}

static const struct dentry_operations empty_dops = {
	.lookup = empty_lookup,
	.parent = empty_parent,
	.getattr = empty_getattr,
	.open = empty_open,
	.access = empty_access,
	.path = empty_path,
};

static struct dentry *empty_mount_root(struct vfs *v, void *arg __unused)
{
	struct dentry *d = dentry_alloc(v, &empty_dops, S_IFDIR | 0555);

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->dev = EMPTYFS_DEV;
	d->ino = 1;
	return d;
}

const struct file_system_type emptyfs_type = {
	.name = "sysfs",
	.nodev = true,
	.mount_root = empty_mount_root,
};

/* tmpfs: the mount, its dentries' end, and opening what has a name. See tmpfs.h, tmpfs_internal.h; tmpfs(5);
 * Linux, mm/shmem.c.
 *
 *   tmpfs.c        the file system as a whole, and the table of what can be done with its dentries
 *   tmpfs_dir.c    a directory: its names, found by text and listed
 *   tmpfs_namei.c  what changes names: mkdir, link, unlink, rename ...
 *   shmem_node.h   the inodes: owners, rights, times (shmem_node.c), xattrs, bytes (shmemfs.c)
 */
#include "fs/tmpfs.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/mem_dev.h"
#include "fs/pipe.h"
#include "fs/tmpfs_internal.h"

#define TMPFS_DEV makedev(0, 0x1b)	/* an anonymous device; the next one is procfs.c's */
#define MORE_TMPFS_DEV makedev(0, 0x50) /* of those after the first */

/* --- the end of dentries ----------------------------------------------------------------------- */

static void sb_free(struct tmpfs_sb *sb)
{
	struct memory *m = sb->vfs->mem;

	kfree(m, sb->buckets);
	kfree(m, sb);
}

/* All but the dentry. What it held above, which is now the caller's; the root takes its file system
 * along. */
static struct dentry *release_one(struct dentry *d)
{
	struct tmpfs_sb *sb = entry_of(d)->parent ? NULL : shmem_node(d)->sb;
	struct dentry *up = shmem_entry_free(d);

	if (sb)
		sb_free(sb);
	return up;
}

/* The directories above go with it if nobody else holds them: one after the other, for there may be
 * many. */
static void tmpfs_release(struct dentry *d)
{
	struct dentry *up = release_one(d), *next;

	while (up && !--up->refcount) {
		next = release_one(up);
		kmem_cache_free(up->vfs->dentry_cache, up);
		up = next;
	}
}

/* --- opening ----------------------------------------------------------------------------- */

static struct file *tmpfs_open(const struct path *p, int flags)
{
	struct shmem_node *n = shmem_node(p->dentry);
	struct vfs *v = p->dentry->vfs;
	int err, fd;

	if (S_ISREG(n->mode))
		return shmem_open(p, flags);
	err = shmem_permission(v, n, acc_mode(flags), false);
	if (err)
		return ERR_PTR(err);
	if (S_ISFIFO(n->mode))
		return fifo_open(p, flags, &fd);
	if ((S_ISCHR(n->mode) || S_ISBLK(n->mode)) && p->mnt->nodev)
		return ERR_PTR(-EACCES);
	if (S_ISCHR(n->mode))
		return chardev_open(p, flags, n->rdev);
	if (!S_ISDIR(n->mode))
		return ERR_PTR(-ENXIO);
	return file_alloc(v, p, &tmpfs_dir_fops, FMODE_READ | FMODE_LSEEK, flags);
}

static int tmpfs_truncate(struct dentry *d, u64 size)
{
	struct shmem_node *n = shmem_node(d);
	int err;

	if (!S_ISREG(n->mode))
		return S_ISDIR(n->mode) ? -EISDIR : -EINVAL;
	err = shmem_permission(d->vfs, n, W_OK, false);
	if (!err && n->as->nr_exec)
		err = -ETXTBSY;
	return err ? err : shmem_resize(d->vfs, n, size);
}

const struct dentry_operations tmpfs_dops = {
	.lookup = tmpfs_lookup,
	.parent = tmpfs_parent,
	.readlink = tmpfs_readlink,
	.getattr = shmem_getattr,
	.open = tmpfs_open,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.mknod = tmpfs_mknod,
	.unlink = tmpfs_unlink,
	.rename = tmpfs_rename,
	.link = tmpfs_link,
	.symlink = tmpfs_symlink,
	.chmod = shmem_chmod,
	.chown = shmem_chown,
	.utimens = shmem_utimens,
	.truncate = tmpfs_truncate,
	.access = shmem_access,
	.statfs = shmem_statfs,
	.getxattr = shmem_getxattr,
	.setxattr = shmem_setxattr,
	.listxattr = shmem_listxattr,
	.removexattr = shmem_removexattr,
	.path = tmpfs_path,
	.release = tmpfs_release,
};

/* --- the mount --------------------------------------------------------------------------- */

/* Half of memory, and as many inodes as that has pages: the defaults. */
static struct tmpfs_sb *sb_new(struct vfs *v, const struct tmpfs_options *o)
{
	struct tmpfs_sb *sb = kzalloc(v->mem, sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->vfs = v;
	sb->dev = v->in->nr_tmpfs ? MORE_TMPFS_DEV + v->in->nr_tmpfs : TMPFS_DEV;
	v->in->nr_tmpfs++;
	sb->blocks.max = o->max_blocks ? o->max_blocks : totalram_pages(v->mem) / 2;
	sb->max_inodes = o->max_inodes ? o->max_inodes : totalram_pages(v->mem) / 2;
	sb->free_inodes = sb->max_inodes;
	sb->buckets = kmalloc(v->mem, TMPFS_BUCKETS * sizeof(*sb->buckets), GFP_KERNEL);
	if (!sb->buckets) {
		sb_free(sb);
		return NULL;
	}
	for (u32 i = 0; i < TMPFS_BUCKETS; i++)
		INIT_LIST_HEAD(&sb->buckets[i]);
	return sb;
}

static struct dentry *tmpfs_mount_root(struct vfs *v, void *arg)
{
	const struct tmpfs_options *options = arg;
	struct tmpfs_sb *sb = sb_new(v, options);
	struct shmem_node *n;
	struct dentry *d;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	n = shmem_node_new(v, sb, S_IFDIR | options->mode, 0, 0);
	if (IS_ERR(n)) {
		sb_free(sb);
		return (void *)n;
	}
	n->nlink = 2;
	d = shmem_dentry(v, &tmpfs_dops, "", n);
	if (IS_ERR(d))
		sb_free(sb);
	return d;
}

/* Names hold their directories: from the leaves up, all go. */
static void tmpfs_kill(struct dentry *root)
{
	struct dentry *d = root;

	for (;;) {
		struct shmem_node *n = shmem_node(d);
		struct dentry *up = entry_of(d)->parent;

		if (!list_empty(&n->children)) {
			d = list_first_entry(&n->children, struct shmem_entry, sibling)->dentry;
			continue;
		}
		if (d == root)
			break;
		tmpfs_d_drop(d);
		d = up;
	}
}

const struct file_system_type tmpfs_type = {
	.name = "tmpfs",
	.nodev = true,
	.mount_root = tmpfs_mount_root,
	.kill = tmpfs_kill,
};

int devshm_init(struct vfs *v)
{
	struct tmpfs_options options = {.mode = 01777};
	int err = vfs_mount(v, &tmpfs_type, "tmpfs", "/dev/shm", "rw,nosuid,nodev", &options);

	return err == -ENOMEM ? err : 0;
}

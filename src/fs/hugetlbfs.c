/* Files of huge pages. They are mapped, not written: a file is a size, and pages that only faults bring. The
 * inode is like those of shared memory (shmem_node.h). Nothing mounts such a file system yet.
 * See: Linux 6.18, fs/hugetlbfs/inode.c. */
#include "fs/hugetlbfs.h"

#include <linux/falloc.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/memfd.h"
#include "fs/shmem_node.h"
#include "mm/hugetlb.h"

#define HUGETLBFS_DEV 0xf /* an anonymous device */
#define HUGETLBFS_MAGIC_K 0x958458f6UL

static const struct file_operations hugetlbfs_fops;

static struct shmem_node *node_of(const struct file *f)
{
	return shmem_node(f->f_path.dentry);
}

bool is_hugetlbfs_file(const struct file *f)
{
	return f->f_op == &hugetlbfs_fops;
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* No page can be there: all of it reads as zeros. */
static long hugetlbfs_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	u64 size = f->f_mapping->i_size, n, got;

	if (*pos >= size)
		return 0;
	n = min(to->count, size - *pos);
	got = iov_iter_zero(n, to);
	*pos += got;
	return got || !n ? (long)got : -EFAULT;
}

/* default_llseek(): everything up to the end is data. */
static s64 hugetlbfs_llseek(struct file *f, s64 off, int whence)
{
	s64 size = f->f_mapping->i_size;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence, size);
	if (off < 0 || off >= size)
		return -ENXIO;
	return f->f_pos = whence == SEEK_DATA ? off : size;
}

static int hugetlbfs_resize(struct vfs *v, struct shmem_node *n, u64 size)
{
	u64 was = n->as->i_size;

	if (!huge_aligned(n->as->hstate, size))
		return -EINVAL;
	if ((size < was && (n->seals & F_SEAL_SHRINK)) || (size > was && (n->seals & F_SEAL_GROW)))
		return -EPERM;
	n->as->i_size = size;
	n->mtime = n->ctime = current_time(v);
	return 0;
}

static int hugetlbfs_ftruncate(struct file *f, u64 size)
{
	return hugetlbfs_resize(f->vfs, node_of(f), size);
}

static int hugetlbfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	const struct shmem_node *n = node_of(f);

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EOPNOTSUPP;
		return n->seals & F_SEALS_WRITING ? -EPERM : 0; /* it is one hole */
	}
	if ((n->seals & F_SEAL_GROW) && off + len > n->as->i_size)
		return -EPERM;
	return -ENOSPC; /* the pool is empty */
}

static const struct file_operations hugetlbfs_fops = {
	.read_iter = hugetlbfs_read_iter,
	.llseek = hugetlbfs_llseek,
	.fsync = noop_fsync,
	.ftruncate = hugetlbfs_ftruncate,
	.fallocate = hugetlbfs_fallocate,
	.mmap_file = shmem_mmap,
};

/* --- the dentry ------------------------------------------------------------------------------ */

static struct file *hugetlbfs_file(const struct path *p, int flags)
{
	struct file *f = file_alloc(p->dentry->vfs, p, &hugetlbfs_fops,
				    open_fmode(flags) | FMODE_LSEEK, flags);

	if (!IS_ERR(f))
		f->f_mapping = shmem_node(p->dentry)->as;
	return f;
}

static struct file *hugetlbfs_open(const struct path *p, int flags)
{
	struct shmem_node *n = shmem_node(p->dentry);
	int mask = acc_mode(flags) | (flags & O_TRUNC ? W_OK : 0);
	int err = shmem_permission(p->dentry->vfs, n, mask, false);

	if (!err && (flags & O_TRUNC))
		err = hugetlbfs_resize(p->dentry->vfs, n, 0);
	return err ? ERR_PTR(err) : hugetlbfs_file(p, flags);
}

static int hugetlbfs_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	int err = shmem_getattr(d, st, stx);

	st->st_blksize = huge_page_size(shmem_node(d)->as->hstate);
	if (stx)
		stx->stx_blksize = st->st_blksize;
	return err;
}

static int hugetlbfs_truncate(struct dentry *d, u64 size)
{
	return hugetlbfs_resize(d->vfs, shmem_node(d), size);
}

static int hugetlbfs_statfs(struct dentry *d, void *buf)
{
	struct statfs *st = buf;

	simple_statfs(buf, HUGETLBFS_MAGIC_K, 0);
	st->f_bsize = st->f_frsize = huge_page_size(shmem_node(d)->as->hstate);
	return 0;
}

static const struct dentry_operations hugetlbfs_dops = {
	.open = hugetlbfs_open,
	.getattr = hugetlbfs_getattr,
	.chmod = shmem_chmod,
	.chown = shmem_chown,
	.utimens = shmem_utimens,
	.truncate = hugetlbfs_truncate,
	.access = shmem_access,
	.statfs = hugetlbfs_statfs,
	.path = shmem_path,
	.release = shmem_release_dentry,
};

struct file *hugetlb_file_setup(struct vfs *v, const char *name, u64 size, struct hstate *h,
				u32 mode, u32 uid, u32 gid)
{
	struct shmem_node *n = shmem_node_new(v, NULL, S_IFREG | mode, 0, VM_NORESERVE);
	struct path p = {NULL, NULL};
	struct file *f;

	if (IS_ERR(n))
		return (struct file *)n;
	hugetlb_init_object(n->as, h);
	n->as->i_size = size;
	n->uid = uid;
	n->gid = gid;
	n->dev = HUGETLBFS_DEV;
	n->as->dev_major = major(HUGETLBFS_DEV);
	n->as->dev_minor = minor(HUGETLBFS_DEV);
	p.dentry = shmem_dentry(v, &hugetlbfs_dops, name, n);
	if (IS_ERR(p.dentry))
		return (struct file *)p.dentry;
	f = hugetlbfs_file(&p, O_RDWR);
	path_put(&p);
	return f;
}

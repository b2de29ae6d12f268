/* Files of memfd_secret(2). Nothing can be done with one but to give it a size, once, and to map it;
 * the pages are mm/secretmem.c's. The inode is like those of shared memory (shmem_node.h).
 * See: Linux 6.18, mm/secretmem.c. */
#include "fs/secretmem.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/libfs.h"
#include "fs/shmem_node.h"

#define SECRETMEM_DEV 0x13 /* an anonymous device */
#define SECRETMEM_MAGIC_K 0x5345434dUL

static int secretmem_resize(struct shmem_node *n, u64 size)
{
	if (n->as->i_size)
		return -EINVAL;
	n->as->i_size = size;
	return 0;
}

static int secretmem_ftruncate(struct file *f, u64 size)
{
	return secretmem_resize(shmem_node(f->f_path.dentry), size);
}

static int secretmem_mmap(struct file *f, struct mmap_file *out)
{
	memset(out, 0, sizeof(*out));
	out->file = f;
	out->can_read = out->can_write = true;
	out->regular = true;
	out->noexec = true;
	out->secret = true;
	return 0;
}

static const struct file_operations secretmem_fops = {
	.ftruncate = secretmem_ftruncate,
	.mmap_file = secretmem_mmap,
};

/* --- the dentry ------------------------------------------------------------------------------ */

static int secretmem_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	int err = shmem_getattr(d, st, stx);

	st->st_blocks = 0; /* pages are not counted there */
	if (stx)
		stx->stx_blocks = 0;
	return err;
}

static struct file *secretmem_open(const struct path *p __unused, int flags __unused)
{
	return ERR_PTR(-ENXIO);
}

static int secretmem_truncate(struct dentry *d, u64 size)
{
	return secretmem_resize(shmem_node(d), size);
}

static int secretmem_statfs(struct dentry *d __unused, void *buf)
{
	return simple_statfs(buf, SECRETMEM_MAGIC_K, 0);
}

static long secretmem_path(struct dentry *d __unused, char *buf, u64 size)
{
	static const char text[] = "/secretmem (deleted)";

	if (sizeof(text) > size)
		return -ENAMETOOLONG;
	memcpy(buf, text, sizeof(text));
	return sizeof(text) - 1;
}

static const struct dentry_operations secretmem_dops = {
	.open = secretmem_open,
	.getattr = secretmem_getattr,
	.chmod = shmem_chmod,
	.chown = shmem_chown,
	.utimens = shmem_utimens,
	.truncate = secretmem_truncate,
	.access = shmem_access,
	.statfs = secretmem_statfs,
	.path = secretmem_path,
	.release = shmem_release_dentry,
};

struct file *secretmem_file_setup(struct vfs *v, u32 uid, u32 gid)
{
	struct shmem_node *n = shmem_node_new(v, NULL, S_IFREG | 0600, 0, VM_NORESERVE);
	struct path p = {NULL, NULL};
	struct file *f;

	if (IS_ERR(n))
		return (struct file *)n;
	secretmem_init(n->as);
	n->nlink = 1;
	n->uid = uid;
	n->gid = gid;
	n->dev = SECRETMEM_DEV;
	n->as->dev_major = major(SECRETMEM_DEV);
	n->as->dev_minor = minor(SECRETMEM_DEV);
	p.dentry = shmem_dentry(v, &secretmem_dops, "secretmem", n);
	if (IS_ERR(p.dentry))
		return (struct file *)p.dentry;
	f = file_alloc(v, &p, &secretmem_fops, FMODE_READ | FMODE_WRITE, O_RDWR);
	if (!IS_ERR(f))
		f->f_mapping = n->as;
	path_put(&p);
	return f;
}

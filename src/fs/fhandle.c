/* Files by handle, and the flags of inodes. See fhandle.h. */
#include "fs/fhandle.h"

#include <string.h>
#include <sys/statfs.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/libfs.h"
#include "fs/open.h"

#define FILEID_INO64_GEN 0x81 /* a number and a generation: include/linux/exportfs.h */
#define TMPFS_MAGIC_K 0x01021994

static bool of_host(const struct path *p)
{
	return p->dentry->host_fd >= 0;
}

/* AT_HANDLE_FID: it need not lead back. generic_encode_ino32_fh() and its kin */
static int own_fid(const struct dentry *d, struct fhandle *h)
{
	const u32 want = sizeof(d->ino) + sizeof(u32);
	bool room = h->handle_bytes >= want;

	h->handle_bytes = want;
	if (!room)
		return -EOVERFLOW;
	h->handle_type = FILEID_INO64_GEN;
	memset(h->f_handle, 0, want);
	memcpy(h->f_handle, &d->ino, sizeof(d->ino));
	return 0;
}

int path_to_handle(const struct path *p, struct fhandle *h, int flags)
{
	if (!of_host(p))
		return flags & AT_HANDLE_FID_K ? own_fid(p->dentry, h) : -EOPNOTSUPP;
	return host_fd_to_handle(p->dentry->host_fd, h, flags);
}

struct file *open_handle(const struct path *anchor, struct fhandle *h, int flags)
{
	struct path p = *anchor;
	struct file *f;
	int fd;

	if (!of_host(&p))
		return ERR_PTR(-EOPNOTSUPP);
	fd = host_open_by_handle(p.dentry->host_fd, h);
	if (fd < 0)
		return ERR_PTR(fd);
	p.dentry = hostfs_dentry(anchor->dentry->vfs, fd);
	if (IS_ERR(p.dentry))
		return (struct file *)p.dentry;
	/* Outside of --root there is nothing. */
	f = inside_root(anchor->dentry->vfs, p.dentry) ? dentry_open(&p, flags) : ERR_PTR(-ESTALE);
	dput(p.dentry);
	return f;
}

/* --- flags --------------------------------------------------------------------------------- */

/* Of ours only tmpfs keeps them, and nobody can set any that it knows. */
static bool is_tmpfs(const struct path *p)
{
	struct statfs sfs;

	return p->dentry->d_op->statfs && !p->dentry->d_op->statfs(p->dentry, &sfs) &&
	       sfs.f_type == TMPFS_MAGIC_K;
}

int path_get_attr(const struct path *p, struct file_attr_k *fa)
{
	memset(fa, 0, sizeof(*fa));
	if (of_host(p))
		return host_fd_get_attr(p->dentry->host_fd, fa, sizeof(*fa));
	return is_tmpfs(p) ? 0 : -EOPNOTSUPP;
}

int path_set_attr(const struct path *p, const struct file_attr_k *fa)
{
	int err = mnt_want_write(p);
	struct stat st;

	if (err)
		return err;
	if (!of_host(p))
		return -EOPNOTSUPP;
	err = p->dentry->d_op->getattr(p->dentry, &st, NULL);
	if (!err && !owner_or_capable(p->dentry->vfs, st.st_uid))
		err = -EPERM;
	return err ? err : host_fd_set_attr(p->dentry->host_fd, fa, sizeof(*fa));
}

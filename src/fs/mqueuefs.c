/* The file system of POSIX message queues: names, and what stat(2) and kin say. See mqueue.h. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/internal.h"
#include "fs/mqueue_internal.h"
#include "fs/namei.h"

#include <linux/capability.h>

#define MQUEUE_DEV 0x15 /* an anonymous device */
#define MQUEUE_MAGIC_K 0x19800202UL
#define ROOT_INO 1
#define DIRENT_SIZE 20 /* what a name adds to the directory's size */

static const struct dentry_operations mqueue_dops;

static struct mqueue *find_name(struct vfs *v, const char *name)
{
	struct mqueue *q;

	list_for_each_entry (q, &v->in->mqueue.names, names)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

/* The root is everybody's to write, with the sticky bit. */
static int may_use_root(struct vfs *v)
{
	const struct simple_attr *a = &v->in->mqueue.root_attr;

	return generic_permission(v, a->uid, a->gid, S_IFDIR | 01777, W_OK | X_OK, false);
}

static void touch_root(struct vfs *v)
{
	struct simple_attr *a = &v->in->mqueue.root_attr;

	a->atime = a->mtime = a->ctime = current_time(v);
}

/* --- open, make, unlink ------------------------------------------------------------------------ */

static struct file *open_dentry(struct dentry *d, struct mount *mnt, int flags)
{
	struct path p = {mnt, d};

	return file_alloc(d->vfs, &p, &mqueue_fops, open_fmode(flags) | FMODE_LSEEK, flags);
}

/* A queue with a name. ERR_PTR(). */
static struct mqueue *make(struct vfs *v, const struct mq_maker *who, const char *name, u32 mode,
			   const struct mq_attr *attr)
{
	int err = may_use_root(v);
	struct vfs_cred c;
	struct mqueue *q;

	if (err)
		return ERR_PTR(err);
	q = mqueue_new(v, who, name, attr);
	if (IS_ERR(q))
		return q;
	q->dentry = dentry_alloc(v, &mqueue_dops, S_IFREG | (mode & 07777));
	if (!q->dentry) {
		mqueue_free(q);
		return ERR_PTR(-ENOMEM);
	}
	vfs_cred(v, false, &c);
	q->attr.uid = c.uid;
	q->attr.gid = c.gid;
	q->attr.atime = q->attr.mtime = q->attr.ctime = current_time(v);
	q->dentry->fs_private = q;
	q->dentry->dev = MQUEUE_DEV;
	q->dentry->ino = get_next_ino(v);
	list_add(&q->names, &v->in->mqueue.names);
	touch_root(v);
	return q;
}

static void drop_name(struct mqueue *q)
{
	list_del_init(&q->names);
	q->attr.ctime = current_time(q->vfs);
	dput(q->dentry);
}

/* One component that lookup_noperm() would look up. 0, -EACCES, -ENAMETOOLONG. */
static int check_name(const char *name)
{
	if (!name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

struct file *mq_open_name(struct vfs *v, const struct mq_maker *who, const char *name, int flags,
			  u32 mode, const struct mq_attr *attr)
{
	struct mqueue *q = find_name(v, name);
	bool made = !q;
	struct file *f;
	int err = check_name(name);

	if (err)
		return ERR_PTR(err);
	if (!q) {
		if (!(flags & O_CREAT))
			return ERR_PTR(-ENOENT);
		q = make(v, who, name, mode, attr);
		if (IS_ERR(q))
			return (struct file *)q;
	} else {
		if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return ERR_PTR(-EEXIST);
		if ((flags & O_ACCMODE) == (O_RDWR | O_WRONLY))
			return ERR_PTR(-EINVAL);
		err = simple_access(q->dentry, acc_mode(flags), AT_EACCESS);
		if (err)
			return ERR_PTR(err);
	}
	f = open_dentry(q->dentry, NULL, flags);
	if (!IS_ERR(f))
		f->f_flags &= ~KO_LARGEFILE; /* it was not asked for */
	else if (made)
		drop_name(q);
	return f;
}

/* may_delete(): the directory's sticky bit. */
static int unlink_queue(struct vfs *v, struct mqueue *q)
{
	int err = may_use_root(v);
	struct vfs_cred c;

	if (err)
		return err;
	vfs_cred(v, false, &c);
	if (c.uid != q->attr.uid && c.uid != v->in->mqueue.root_attr.uid &&
	    !cred_has_cap(&c, CAP_FOWNER))
		return -EPERM;
	drop_name(q);
	touch_root(v);
	return 0;
}

int mq_unlink_name(struct vfs *v, const char *name)
{
	int err = check_name(name);
	struct mqueue *q = err ? NULL : find_name(v, name);

	if (err)
		return err;
	return q ? unlink_queue(v, q) : -ENOENT;
}

/* --- a queue's dentry -------------------------------------------------------------------------- */

static int mqueue_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct mqueue *q = d->fs_private;
	int err = simple_getattr(d, st, stx);

	st->st_size = MQUEUE_FILENT_SIZE;
	st->st_nlink = !list_empty(&q->names);
	if (stx) {
		stx->stx_size = st->st_size;
		stx->stx_nlink = st->st_nlink;
	}
	return err;
}

static struct file *mqueue_open(const struct path *p, int flags)
{
	int err = simple_access(p->dentry, acc_mode(flags), AT_EACCESS);

	return err ? ERR_PTR(err) : open_dentry(p->dentry, p->mnt, flags);
}

static int mqueue_statfs(struct dentry *d __unused, void *buf)
{
	return simple_statfs(buf, MQUEUE_MAGIC_K, 0);
}

static long mqueue_path(struct dentry *d, char *buf, u64 size)
{
	const struct mqueue *q = d->fs_private;
	const char *tail = list_empty(&q->names) ? " (deleted)" : "";
	u64 len = strlen(q->name) + strlen(tail) + 1;

	if (len + 1 > size)
		return -ENAMETOOLONG;
	buf[0] = '/';
	strcpy(buf + 1, q->name);
	strcat(buf, tail);
	return (long)len;
}

static void mqueue_release(struct dentry *d)
{
	if (d->fs_private)
		mqueue_free(d->fs_private);
}

/* Its text is no content: it cannot be cut. */
static int mqueue_truncate(struct dentry *d __unused, u64 size __unused)
{
	return 0;
}

static const struct dentry_operations mqueue_dops = {
	.getattr = mqueue_getattr,
	.open = mqueue_open,
	.chmod = simple_chmod,
	.chown = simple_chown,
	.utimens = simple_utimens,
	.truncate = mqueue_truncate,
	.access = simple_access,
	.statfs = mqueue_statfs,
	.path = mqueue_path,
	.release = mqueue_release,
};

/* --- the root directory ------------------------------------------------------------------------ */

static struct simple_attr *root_attr(const struct vfs *v)
{
	return &v->in->mqueue.root_attr;
}

static struct dentry *root_lookup(struct dentry *dir, const char *name)
{
	struct mqueue *q;
	int err = simple_access(dir, X_OK, AT_EACCESS);

	if (err)
		return ERR_PTR(err);
	q = find_name(dir->vfs, name);
	if (!q)
		return ERR_PTR(-ENOENT);
	dget(q->dentry);
	return q->dentry;
}

static struct dentry *root_parent(struct dentry *dir)
{
	dget(dir);
	return dir;
}

/* open(2) with O_CREAT: a queue as the limits say. */
static struct file *root_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	struct vfs *v = dir->dentry->vfs;
	struct mq_maker who = {.no_cap = !vfs_capable(v, CAP_SYS_RESOURCE)};
	struct vfs_cred c;
	struct mqueue *q;
	struct file *f;

	vfs_cred(v, true, &c);
	who.uid = c.uid;
	who.rlimit = v->mem->rlim_cur ? v->mem->rlim_cur[RLIMIT_MSGQUEUE] : ~0UL;
	q = make(v, &who, name, mode, NULL);
	if (IS_ERR(q))
		return (struct file *)q;
	f = open_dentry(q->dentry, dir->mnt, flags);
	if (IS_ERR(f))
		drop_name(q);
	return f;
}

static int root_unlink(struct dentry *dir, const char *name, int flags)
{
	struct mqueue *q = find_name(dir->vfs, name);

	if (!q)
		return -ENOENT;
	return flags & AT_REMOVEDIR ? -ENOTDIR : unlink_queue(dir->vfs, q);
}

static int root_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct mqueue *q;
	int err = simple_getattr(d, st, stx);

	st->st_nlink = 2;
	st->st_size = 2L * DIRENT_SIZE;
	list_for_each_entry (q, &d->vfs->in->mqueue.names, names)
		st->st_size += DIRENT_SIZE;
	if (stx) {
		stx->stx_nlink = st->st_nlink;
		stx->stx_size = st->st_size;
	}
	return err;
}

static long root_path(struct dentry *d __unused, char *buf, u64 size)
{
	if (size < 2)
		return -ENAMETOOLONG;
	strcpy(buf, "/");
	return 1;
}

/* The newest first. A place is how many come before it. */
static int root_iterate(struct file *f, filldir_t emit, void *ctx)
{
	struct dentry *d = f->f_path.dentry;
	const struct mqueue *q;
	u64 place = 2;

	for (; f->f_pos < 2; f->f_pos++)
		if (!emit(ctx, f->f_pos ? ".." : ".", d->ino, S_IFDIR >> 12, f->f_pos + 1))
			return 0;
	list_for_each_entry (q, &d->vfs->in->mqueue.names, names) {
		if (place++ < f->f_pos)
			continue;
		if (!emit(ctx, q->name, q->dentry->ino, S_IFREG >> 12, place))
			return 0;
		f->f_pos = place;
	}
	return 0;
}

static s64 root_llseek(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	return f->f_pos = off;
}

static const struct file_operations root_fops = {
	.iterate = root_iterate,
	.llseek = root_llseek,
	.fsync = noop_fsync,
};

static struct file *root_open(const struct path *p, int flags)
{
	int err = simple_access(p->dentry, acc_mode(flags), AT_EACCESS);

	return err ? ERR_PTR(err)
		   : file_alloc(p->dentry->vfs, p, &root_fops, FMODE_READ | FMODE_LSEEK, flags);
}

static const struct dentry_operations root_dops = {
	.lookup = root_lookup,
	.parent = root_parent,
	.create = root_create,
	.unlink = root_unlink,
	.getattr = root_getattr,
	.open = root_open,
	.chmod = simple_chmod,
	.chown = simple_chown,
	.utimens = simple_utimens,
	.access = simple_access,
	.statfs = mqueue_statfs,
	.path = root_path,
};

static struct dentry *mqueue_mount_root(struct vfs *v, void *arg __unused)
{
	struct dentry *d = dentry_alloc(v, &root_dops, S_IFDIR | 01777);

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->fs_private = root_attr(v);
	d->dev = MQUEUE_DEV;
	d->ino = ROOT_INO;
	return d;
}

const struct file_system_type mqueue_fs_type = {
	.name = "mqueue",
	.nodev = true,
	.noexec = true,
	.mount_root = mqueue_mount_root,
};

int devmqueue_init(struct vfs *v)
{
	int fd = host_openat(v->root_mnt->root->host_fd, "dev/mqueue", O_PATH | O_DIRECTORY, 0);
	int err;

	if (fd < 0)
		return 0;
	host_close(fd);
	err = vfs_mount(v, &mqueue_fs_type, "mqueue", "/dev/mqueue",
			"rw,nosuid,nodev,noexec,relatime", NULL);
	return err == -ENOMEM ? err : 0;
}

void mqueue_destroy_all(struct vfs *v)
{
	while (!list_empty(&v->in->mqueue.names))
		drop_name(list_first_entry(&v->in->mqueue.names, struct mqueue, names));
}

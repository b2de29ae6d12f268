/* open(2) by path. See open.h. */
#include "fs/open.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/fsnotify.h"
#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/lease.h"
#include "fs/namei.h"

/* --- what is put by ------------------------------------------------------------------------- */

static bool put_by(struct kmem_cache *c, void **spare)
{
	if (!*spare)
		*spare = kmem_cache_zalloc(c, GFP_KERNEL);
	return *spare;
}

/* 0 or -ENOMEM. What is not used stays for the next time. */
static int open_reserve(struct vfs *v)
{
	struct open_spare *s = &v->in->spare;

	return put_by(v->file_cache, &s->file) && put_by(v->dentry_cache, &s->dentry) &&
			       put_by(v->inode_cache, &s->inode)
		       ? 0
		       : -ENOMEM;
}

void open_commit(struct vfs *v)
{
	v->in->spare.usable = true;
}

void *open_zalloc(struct vfs *v, struct kmem_cache *c, void **spare)
{
	void *p = kmem_cache_zalloc(c, GFP_KERNEL);

	if (unlikely(!p) && v->in->spare.usable) {
		p = *spare;
		*spare = NULL;
	}
	return p;
}

static void drop_spare(struct kmem_cache *c, void **spare)
{
	if (*spare)
		kmem_cache_free(c, *spare);
	*spare = NULL;
}

void open_free_spare(struct vfs *v)
{
	struct open_spare *s = &v->in->spare;

	drop_spare(v->file_cache, &s->file);
	drop_spare(v->dentry_cache, &s->dentry);
	drop_spare(v->inode_cache, &s->inode);
}

/* --- one file ------------------------------------------------------------------------------- */

static struct file *open_o_path(const struct path *p, int flags)
{
	return file_alloc(p->dentry->vfs, p, &path_fops, FMODE_PATH,
			  flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
}

struct file *dentry_open(const struct path *p, int flags)
{
	u32 mode = p->dentry->mode;
	int err;

	if (flags & O_PATH)
		return open_o_path(p, flags);
	if (S_ISLNK(mode))
		return ERR_PTR(-ELOOP);
	if ((flags & OPEN_EXEC) && !S_ISREG(mode)) /* not opened at all: a FIFO would wait */
		return ERR_PTR(-EACCES);
	flags &= ~OPEN_EXEC;
	if (S_ISDIR(mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC))))
		return ERR_PTR(-EISDIR);
	if (!S_ISSOCK(mode) && p->dentry->d_op->open)
		return p->dentry->d_op->open(p, flags);
	/* It is not opened, but who may not hears that first. */
	err = p->dentry->d_op->access
		      ? p->dentry->d_op->access(p->dentry, acc_mode(flags), AT_EACCESS)
		      : 0;
	return ERR_PTR(err ? err : -ENXIO);
}

static struct file *open_existing(const struct fs_struct *fs, const struct path *at,
				  const char *name, int flags)
{
	unsigned lookup = flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file *f;
	struct path p;
	int err;

	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	err = path_lookup(fs, at, name, lookup, &p, NULL);
	if (err == -ENOTDIR && (flags & O_NOFOLLOW) && (flags & O_DIRECTORY)) {
		/* A symlink that must not be followed is -ELOOP, or itself with O_PATH. */
		err = path_lookup(fs, at, name, 0, &p, NULL);
		if (!err) {
			err = S_ISLNK(p.dentry->mode) && !(flags & O_PATH) ? -ELOOP : -ENOTDIR;
			path_put(&p);
		}
	}
	if (err)
		return ERR_PTR(err);
	f = dentry_open(&p, flags);
	path_put(&p);
	return f;
}

static struct file *open_tmpfile(const struct fs_struct *fs, const struct path *at,
				 const char *name, int flags, u32 mode)
{
	struct file *f;
	struct path p;
	int err;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return ERR_PTR(-EINVAL);
	err = path_lookup(fs, at, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p, NULL);
	if (err)
		return ERR_PTR(err);
	f = p.dentry->d_op->create ? p.dentry->d_op->create(&p, ".", flags, mode)
				   : ERR_PTR(-EOPNOTSUPP);
	path_put(&p);
	return f;
}

/* One step of O_CREAT: the last component in @dir is opened, made, or is a link, whose text then
 * goes to @link (PATH_MAX bytes) and NULL is returned. */
static struct file *create_step(const struct fs_struct *fs, const struct path *dir,
				const char *last, int flags, u32 mode, char *link)
{
	struct dentry_operations const *op;
	struct file *f;
	struct path p;
	int err;
	long len;

	err = path_lookup(fs, dir, last, 0, &p, NULL);
	if (err == -ENOENT) {
		op = dir->dentry->d_op;
		f = op->create ? op->create(dir, last, flags, mode) : ERR_PTR(-EACCES);
		if (!IS_ERR(f))
			fsnotify_create(dir->dentry, last, false);
		return f;
	}
	if (err)
		return ERR_PTR(err);
	if (flags & O_EXCL) {
		f = ERR_PTR(-EEXIST);
	} else if (!S_ISLNK(p.dentry->mode) || (flags & O_NOFOLLOW)) {
		f = dentry_open(&p, flags);
	} else {
		struct path to = {NULL, NULL};

		op = p.dentry->d_op;
		if (op->get_link)
			op->get_link(p.dentry, &to);
		err = resolve_link(fs, dir, to.dentry ? &to : NULL);
		if (err) {
			f = ERR_PTR(err);
		} else if (to.dentry) {
			f = dentry_open(&to, flags);
		} else {
			len = op->readlink ? op->readlink(p.dentry, link, PATH_MAX) : -EINVAL;
			f = len < 0	      ? ERR_PTR(len)
			    : len >= PATH_MAX ? ERR_PTR(-ENAMETOOLONG)
					      : NULL;
			if (!f)
				link[len] = '\0';
		}
		path_put(&to);
	}
	path_put(&p);
	return f;
}

static bool ends_with_slash(const char *name)
{
	u64 len = strlen(name);

	return len && name[len - 1] == '/';
}

/* @buf: two times PATH_MAX, and NAME_MAX + 1. */
static struct file *open_creating(const struct fs_struct *fs, const struct path *at,
				  const char *name, int flags, u32 mode, char *buf)
{
	struct path dir, from = {NULL, NULL};
	char *texts[2] = {buf, buf + PATH_MAX}, *last = buf + 2UL * PATH_MAX;
	struct file *f = NULL;
	int err, links = 0;

	while (!f) {
		err = path_lookup(fs, at, name, LOOKUP_PARENT, &dir, last);
		if (from.dentry)
			path_put(&from);
		if (err)
			return ERR_PTR(err);
		if (ends_with_slash(name) || !*last || !strcmp(last, ".") || !strcmp(last, ".."))
			f = ERR_PTR(-EISDIR);
		else if (!d_is_dir(dir.dentry))
			f = ERR_PTR(-ENOTDIR);
		else
			f = create_step(fs, &dir, last, flags, mode, texts[links & 1]);
		if (!f && links >= MAXSYMLINKS)
			f = ERR_PTR(-ELOOP);
		/* A link: go on with its text, from where it stands. */
		name = texts[links++ & 1];
		from = dir;
		at = &from;
	}
	path_put(&from);
	return f;
}

static struct file *path_openat(struct fs_struct *fs, const struct path *at, const char *name,
				int flags, u32 mode)
{
	const struct path *from = *name == '/' ? &fs->root : at ? at : &fs->pwd;
	struct vfs *v = fs->root.dentry->vfs;
	struct file *f;
	char *buf;

	mode &= 07777 & ~fs->umask;
	if (flags & O_PATH)
		return open_existing(fs, at, name,
				     flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(fs, at, name, flags, mode);
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return ERR_PTR(-EINVAL);
	/* Who watches wants to know if it was made. */
	f = fsnotify_on(v) && (flags & O_CREAT)
		    ? NULL
		    : hostfs_open_fast(from, name, flags & ~OPEN_EXEC, mode);
	if (f)
		return f;
	if (!(flags & O_CREAT))
		return open_existing(fs, at, name, flags);
	buf = kmalloc(v->mem, 2 * PATH_MAX + NAME_MAX + 1, GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	f = open_creating(fs, at, name, flags, mode, buf);
	kfree(v->mem, buf);
	return f;
}

static struct file *open_path(struct fs_struct *fs, const struct path *at, const char *name,
			      int flags, u32 mode)
{
	struct file *f = path_openat(fs, at, name, flags, mode);

	/* Found last: what O_CREAT has made stays. */
	if (!IS_ERR(f) && unlikely(f->f_flags & O_DIRECT) && !file_can_direct(f)) {
		fput(f);
		return ERR_PTR(-EINVAL);
	}
	return f;
}

static struct file *opened(struct file *f, int flags)
{
	if (!IS_ERR(f) && fsnotify_on(f->vfs) && !(flags & O_PATH))
		fsnotify_opened(f, !(flags & O_TRUNC) || f->vfs->in->notify_created);
	return f;
}

static struct file *open_reserved(struct fs_struct *fs, const struct path *at, const char *name,
				  int flags, u32 mode)
{
	struct vfs *v = fs->root.dentry->vfs;
	struct file *f;
	int err;

	if (!(flags & (O_CREAT | O_TRUNC)))
		return open_path(fs, at, name, flags, mode);
	err = open_reserve(v);
	if (err)
		return ERR_PTR(err);
	f = open_path(fs, at, name, flags, mode);
	v->in->spare.usable = false;
	return f;
}

/* --- leases ---------------------------------------------------------------------------------- */

/* What O_TRUNC wants besides what opened @f: it may be open for reading only. */
static int may_truncate(struct file *f)
{
	struct dentry *d = f->f_path.dentry;

	if (d_is_dir(d))
		return -EISDIR;
	if (!S_ISREG(d->mode) || (f->f_mode & FMODE_WRITE) || !d->d_op->access)
		return 0;
	return d->d_op->access(d, W_OK, AT_EACCESS);
}

static int handle_truncate(struct file *f)
{
	struct dentry *d = f->f_path.dentry;

	if (!S_ISREG(d->mode))
		return 0;
	if (f->f_mode & FMODE_WRITE)
		return f->f_op->ftruncate ? f->f_op->ftruncate(f, 0) : 0;
	if (f->f_mapping && f->f_mapping->nr_exec)
		return -ETXTBSY;
	return d->d_op->truncate ? d->d_op->truncate(d, 0) : 0;
}

/* Some file has a lease. If it is this one, who opens it waits until that is broken, and counts as having it open
 * meanwhile; it is truncated only then. */
static struct file *open_breaking(struct fs_struct *fs, const struct path *at, const char *name,
				  int flags, u32 mode)
{
	struct file *f = open_reserved(fs, at, name, flags & ~O_TRUNC, mode);
	struct vfs_internal *in = fs->root.dentry->vfs->in;
	bool created = in->notify_created;
	int err;

	if (IS_ERR(f))
		return f;
	err = flags & O_TRUNC ? may_truncate(f) : 0;
	if (!err)
		err = lease_break(f->f_path.dentry, flags);
	if (!err && (flags & O_TRUNC))
		err = handle_truncate(f);
	in->notify_created = created; /* others may have opened files meanwhile */
	if (!err)
		return f;
	f->f_notify =
		in->notify_epoch; /* nobody was told that it is open, so nobody hears that it is closed */
	fput(f);
	return ERR_PTR(err);
}

struct file *do_filp_open(struct fs_struct *fs, const struct path *at, const char *name, int flags,
			  u32 mode)
{
	struct vfs *v = fs->root.dentry->vfs;
	bool leases = unlikely(v->in->nr_leases) && !(flags & O_PATH);

	v->in->notify_created = false;
	return opened((leases ? open_breaking : open_reserved)(fs, at, name, flags, mode), flags);
}

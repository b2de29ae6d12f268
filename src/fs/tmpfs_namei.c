/* Names of tmpfs: making, linking, taking away, renaming. See tmpfs_internal.h; Linux, mm/shmem.c, and
 * of fs/namei.c what it checks of every file system: may_create(), may_delete(), vfs_rename().
 *
 * All that can be refused is refused before anything changes.
 */
#include <linux/capability.h>
#include <stdio.h> /* RENAME_ */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/open.h"
#include "fs/tmpfs_internal.h"

#define SHORT_SYMLINK_LEN 128U /* longer ones take a page */

/* --- making ------------------------------------------------------------------------------ */

/* may_create() */
static int may_create(struct dentry *dir)
{
	struct shmem_node *n = shmem_node(dir);

	return n->nlink ? shmem_permission(dir->vfs, n, W_OK | X_OK, false) : -ENOENT;
}

/* May @name be made in @dir? */
static int check_new(struct dentry *dir, const char *name)
{
	struct dentry *d = tmpfs_lookup(dir, name);

	if (!IS_ERR(d)) {
		dput(d);
		return -EEXIST;
	}
	return PTR_ERR(d) == -ENOENT ? may_create(dir) : PTR_ERR(d);
}

/* A dentry in no directory yet for a new inode of the running task in @dir. ERR_PTR. */
static struct dentry *new_inode(struct dentry *dir, const char *name, u32 mode)
{
	struct shmem_node *n = shmem_node_new(dir->vfs, shmem_node(dir)->sb, mode, 0, VM_NORESERVE);

	if (IS_ERR(n))
		return (void *)n;
	shmem_init_owner(dir->vfs, n, shmem_node(dir));
	return shmem_dentry(dir->vfs, &tmpfs_dops, name, n);
}

/* Makes @name in @dir. A reference, or ERR_PTR. */
static struct dentry *make(struct dentry *dir, const char *name, u32 mode, u64 rdev)
{
	int err = check_new(dir, name);
	struct dentry *d;

	if (err)
		return ERR_PTR(err);
	d = new_inode(dir, name, mode);
	if (IS_ERR(d))
		return d;
	shmem_node(d)->nlink = S_ISDIR(mode) ? 2 : 1;
	shmem_node(d)->rdev = rdev;
	if (S_ISDIR(mode))
		shmem_node(dir)->nlink++;
	tmpfs_d_add(d, dir);
	tmpfs_touch_dir(dir);
	return d;
}

/* For calls that want the name only. */
static int made(struct dentry *d)
{
	if (IS_ERR(d))
		return PTR_ERR(d);
	dput(d);
	return 0;
}

int tmpfs_mkdir(struct dentry *dir, const char *name, u32 mode)
{
	return made(make(dir, name, S_IFDIR | (mode & 01777), 0));
}

int tmpfs_mknod(struct dentry *dir, const char *name, u32 mode, u64 dev)
{
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !shmem_capable(dir->vfs, CAP_MKNOD))
		return -EPERM;
	return made(
		make(dir, name, mode & (S_IFMT | 07777), S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0));
}

/* A long one is a page of the file system's. */
static int set_target(struct vfs *v, struct shmem_node *n, const char *target)
{
	u64 len = strlen(target) + 1;
	struct page *page;

	if (len <= SHORT_SYMLINK_LEN) {
		n->target = kmalloc(v->mem, len, GFP_KERNEL);
		if (!n->target)
			return -ENOMEM;
		memcpy(n->target, target, len);
		return 0;
	}
	n->as = shmem_new(v->mem, len - 1, VM_NORESERVE);
	if (IS_ERR(n->as)) {
		n->as = NULL;
		return -ENOMEM;
	}
	shmem_set_blocks(n->as, &n->sb->blocks);
	page = shmem_write_begin(n->as, 0);
	if (IS_ERR(page))
		return PTR_ERR(page);
	memcpy(page_address(v->mem, page), target, len);
	folio_mark_dirty(page);
	put_page(v->mem, page);
	return 0;
}

static void drop_link(struct dentry *dir, struct dentry *d);

int tmpfs_symlink(struct dentry *dir, const char *name, const char *target)
{
	struct dentry *d = make(dir, name, S_IFLNK | 0777, 0);
	int err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	err = set_target(dir->vfs, shmem_node(d), target);
	if (err)
		drop_link(dir, d);
	dput(d);
	return err;
}

long tmpfs_readlink(struct dentry *d, char *buf, u64 size)
{
	struct shmem_node *n = shmem_node(d);
	struct page *page;
	u64 len;

	if (!S_ISLNK(n->mode))
		return -EINVAL;
	n->atime = current_time(d->vfs);
	len = n->target ? strlen(n->target) : n->as->i_size;
	len = min(len, size);
	if (n->target) {
		memcpy(buf, n->target, len);
		return len;
	}
	page = shmem_read_page(n->as, 0);
	if (!page)
		return -EIO;
	memcpy(buf, page_address(d->vfs->mem, page), len);
	put_page(d->vfs->mem, page);
	return len;
}

/* Without a name: "#INODE (deleted)" for those who ask, until link(2) gives it one. */
static struct file *make_tmpfile(const struct path *dir, int flags, u32 mode)
{
	struct path p = {dir->mnt, NULL};
	char name[24] = "#", *end = name + sizeof(name) - 1;
	struct file *f;
	u64 ino;
	int err = shmem_permission(dir->dentry->vfs, shmem_node(dir->dentry), W_OK | X_OK, false);

	if (err)
		return ERR_PTR(err);
	for (ino = shmem_node(dir->dentry)->sb->last_ino + 1; ino; ino /= 10)
		*--end = (char)('0' + ino % 10);
	memmove(name + 1, end, strlen(end) + 1);
	p.dentry = new_inode(dir->dentry, name, S_IFREG | mode);
	if (IS_ERR(p.dentry))
		return (void *)p.dentry;
	mntget(p.mnt);
	dget(dir->dentry);
	entry_of(p.dentry)->parent = dir->dentry;
	shmem_node(p.dentry)->linkable = !(flags & O_EXCL);
	f = shmem_open_new(&p, flags);
	path_put(&p);
	return f;
}

struct file *tmpfs_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	struct path p = {dir->mnt, NULL};
	struct file *f;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return make_tmpfile(dir, flags, mode);
	p.dentry = make(dir->dentry, name, S_IFREG | mode, 0);
	if (IS_ERR(p.dentry))
		return (void *)p.dentry;
	mntget(p.mnt);
	open_commit(dir->dentry->vfs);
	/* Whoever makes a file may open it, whatever its mode. */
	f = shmem_open_new(&p, flags);
	path_put(&p);
	return f;
}

int tmpfs_link(struct dentry *old, struct dentry *dir, const char *name)
{
	struct shmem_node *n = shmem_node(old);
	int err = check_new(dir, name);
	struct dentry *d;

	if (!err && !n->nlink && !n->linkable)
		err = -ENOENT;
	if (!err && n->nlink && !n->sb->free_inodes)
		err = -ENOSPC;
	if (err)
		return err;
	n->refcount++;
	d = shmem_dentry(dir->vfs, &tmpfs_dops, name, n);
	if (IS_ERR(d))
		return PTR_ERR(d);
	if (n->nlink++)
		n->sb->free_inodes--;
	n->linkable = false;
	tmpfs_d_add(d, dir);
	dput(d);
	n->ctime = current_time(dir->vfs);
	tmpfs_touch_dir(dir);
	return 0;
}

/* --- taking away ------------------------------------------------------------------------- */

/* may_delete(): @rmdir, or rename(2) of or over a directory. */
static int may_delete(struct dentry *dir, struct dentry *victim, bool is_dir)
{
	struct shmem_node *dn = shmem_node(dir), *n = shmem_node(victim);
	int err = shmem_permission(dir->vfs, dn, W_OK | X_OK, false);

	if (err)
		return err;
	if ((dn->mode & S_ISVTX) && !shmem_owner_or_capable(dir->vfs, n) &&
	    !shmem_owner_or_capable(dir->vfs, dn))
		return -EPERM;
	if (is_dir != S_ISDIR(n->mode))
		return is_dir ? -ENOTDIR : -EISDIR;
	return 0;
}

/* The name @d in @dir goes, and one link with it. */
static void drop_link(struct dentry *dir, struct dentry *d)
{
	struct shmem_node *n = shmem_node(d);

	if (S_ISDIR(n->mode)) {
		n->nlink = 0;
		shmem_node(dir)->nlink--;
	} else if (--n->nlink) {
		n->sb->free_inodes++;
	}
	n->ctime = current_time(d->vfs);
	tmpfs_touch_dir(dir);
	tmpfs_d_drop(d);
}

int tmpfs_unlink(struct dentry *dir, const char *name, int flags)
{
	bool rmdir = flags & AT_REMOVEDIR;
	struct dentry *d = tmpfs_lookup(dir, name);
	int err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	err = may_delete(dir, d, rmdir);
	if (!err && rmdir && shmem_node(d)->nr_children)
		err = -ENOTEMPTY;
	if (!err)
		drop_link(dir, d);
	dput(d);
	return err;
}

/* --- rename ------------------------------------------------------------------------------ */

/* A rename on its way. Names, and what they stand for; references in both dentries. */
struct rename {
	struct dentry *od, *nd;
	const char *on, *nn;
	struct dentry *old, *new; /* new NULL: nothing there yet */
	unsigned flags;
};

/* Is @d below @top, or @top itself? */
static bool is_below(const struct dentry *d, const struct dentry *top)
{
	for (; d; d = entry_of(d)->parent)
		if (d == top)
			return true;
	return false;
}

static int may_move_dir(const struct rename *r, struct dentry *d, struct dentry *from,
			struct dentry *to)
{
	if (!S_ISDIR(d->mode) || from == to)
		return 0;
	return shmem_permission(r->od->vfs, shmem_node(d), W_OK, false); /* its ".." changes */
}

/* Two names of one file, or the same name: nothing is to be done. */
static bool same_file(const struct rename *r)
{
	return r->new ? shmem_node(r->new) == shmem_node(r->old) : false;
}

/* vfs_rename()'s checks, in its order. */
static int check_rename(const struct rename *r)
{
	bool is_dir = S_ISDIR(r->old->mode), exchange = r->flags & RENAME_EXCHANGE;
	int err;

	if (r->new && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (exchange && !r->new)
		return -ENOENT;
	if (is_below(r->nd, r->old))
		return -EINVAL;
	if (r->new &&is_below(r->od, r->new))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (same_file(r))
		return 0;
	err = may_delete(r->od, r->old, is_dir);
	if (err)
		return err;
	if (!r->new)
		err = may_create(r->nd);
	else
		err = may_delete(r->nd, r->new, exchange ? S_ISDIR(r->new->mode) : is_dir);
	if (!err)
		err = may_move_dir(r, r->old, r->od, r->nd);
	if (!err && exchange)
		err = may_move_dir(r, r->new, r->nd, r->od);
	if (!err && r->new && !exchange &&is_dir &&shmem_node(r->new)->nr_children)
		err = -ENOTEMPTY;
	return err;
}

/* Puts @d, from wherever it is, into @dir under @name (kmalloc'ed, taken over). */
static void move_entry(struct dentry *d, struct dentry *dir, char *name)
{
	struct shmem_entry *e = entry_of(d);
	struct dentry *was = e->parent;
	bool is_dir = S_ISDIR(d->mode);

	dget(d);
	if (is_dir)
		shmem_node(was)->nlink--;
	tmpfs_d_drop(d);
	e->parent = NULL;
	kfree(d->vfs->mem, e->name);
	e->name = name;
	tmpfs_d_add(d, dir);
	if (is_dir)
		shmem_node(dir)->nlink++;
	tmpfs_touch_dir(was);
	tmpfs_touch_dir(dir);
	shmem_node(d)->ctime = current_time(d->vfs);
	dput(was);
	dput(d);
}

static char *copy_name(struct vfs *v, const char *name)
{
	u64 len = strlen(name) + 1;
	char *copy = kmalloc(v->mem, len, GFP_KERNEL);

	return copy ? memcpy(copy, name, len) : NULL;
}

/* Each takes the other's name. */
static int exchange(const struct rename *r)
{
	struct vfs *v = r->od->vfs;
	char *on = copy_name(v, r->nn), *nn = copy_name(v, r->on);

	if (!on || !nn) {
		kfree(v->mem, on);
		kfree(v->mem, nn);
		return -ENOMEM;
	}
	move_entry(r->new, r->od, nn);
	move_entry(r->old, r->nd, on);
	return 0;
}

static int replace(const struct rename *r)
{
	struct vfs *v = r->od->vfs;
	char *name = copy_name(v, r->nn);
	struct dentry *white = NULL;

	if (!name)
		return -ENOMEM;
	if (r->flags & RENAME_WHITEOUT) { /* a character device 0:0 stays behind */
		white = new_inode(r->od, r->on, S_IFCHR);
		if (IS_ERR(white)) {
			kfree(v->mem, name);
			return PTR_ERR(white);
		}
		shmem_node(white)->nlink = 1;
	}
	if (r->new)
		drop_link(r->nd, r->new);
	move_entry(r->old, r->nd, name);
	if (white) {
		tmpfs_d_add(white, r->od);
		dput(white);
	}
	return 0;
}

int tmpfs_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
		 unsigned flags)
{
	struct rename r = {.od = od, .nd = nd, .on = on, .nn = nn, .flags = flags};
	int err = 0;

	if (nd->d_op != &tmpfs_dops)
		return -EXDEV;
	r.old = tmpfs_lookup(od, on);
	if (IS_ERR(r.old))
		return PTR_ERR(r.old);
	r.new = tmpfs_lookup(nd, nn);
	if (IS_ERR(r.new)) {
		err = PTR_ERR(r.new) == -ENOENT ? 0 : PTR_ERR(r.new);
		r.new = NULL;
	}
	if (!err)
		err = check_rename(&r);
	if (!err && !same_file(&r))
		err = flags & RENAME_EXCHANGE ? exchange(&r) : replace(&r);
	dput(r.new);
	dput(r.old);
	return err;
}

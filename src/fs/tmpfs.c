/* tmpfs: directories of shared memory. See tmpfs.h, shmem_node.h; tmpfs(5); Linux, mm/shmem.c and
 * fs/libfs.c.
 *
 *   tmpfs_sb.buckets --> entry, entry, ...          a name is found by its directory and text
 *   node.children    --> newest ... oldest          what readdir(3) lists, in this order
 *   entry.parent     --> the dentry above           each name holds its directory
 *
 * A directory holds one reference to the dentry of each of its names.
 */
#include "fs/tmpfs.h"

#include <linux/capability.h>
#include <stdio.h> /* RENAME_ */
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/pipe.h"
#include "fs/shmem_node.h"

#define TMPFS_DEV makedev(0, 0x1b) /* an anonymous device; the next one is procfs.c's */
#define TMPFS_BUCKETS 512U
#define SHORT_SYMLINK_LEN 128U /* longer ones take a page */
#define FIRST_PLACE 2U	       /* of readdir: "." and ".." come before */
#define PLACE_EOD 0x7fffffff
#define DT_DIR_K 4

static const struct dentry_operations tmpfs_dops;
static const struct file_operations tmpfs_dir_fops;

/* --- names ------------------------------------------------------------------------------- */

static struct list_head *bucket_of(const struct dentry *dir, const char *name)
{
	u64 h = (u64)dir * 0x9e3779b97f4a7c15UL;

	for (; *name; name++)
		h = (h ^ (u8)*name) * 0x100000001b3UL;
	return &shmem_node(dir)->sb->buckets[(h ^ h >> 32) % TMPFS_BUCKETS];
}

static struct dentry *find_child(const struct dentry *dir, const char *name)
{
	struct list_head *bucket = bucket_of(dir, name);
	struct shmem_entry *e;

	list_for_each_entry (e, bucket, hash)
		if (e->parent == dir && !strcmp(e->name, name))
			return e->dentry;
	return NULL;
}

static void touch_dir(struct dentry *dir)
{
	struct shmem_node *n = shmem_node(dir);

	n->mtime = n->ctime = shmem_now(dir->vfs);
}

/* Gives @d, of no directory yet, its place in @dir, which gets a reference. */
static void hash_entry(struct dentry *d, struct dentry *dir)
{
	struct shmem_node *dn = shmem_node(dir);
	struct shmem_entry *e = entry_of(d);

	VM_BUG_ON(e->hashed || e->parent);
	dget(d);
	dget(dir);
	e->parent = dir;
	e->place = FIRST_PLACE + ++dn->last_place;
	e->hashed = true;
	list_add(&e->hash, bucket_of(dir, e->name));
	list_add(&e->sibling, &dn->children);
	dn->nr_children++;
}

/* The name goes; the dentry stays as long as somebody uses it, and knows where it was. */
static void unhash_entry(struct dentry *d)
{
	struct shmem_entry *e = entry_of(d);

	list_del(&e->hash);
	list_del(&e->sibling);
	shmem_node(e->parent)->nr_children--;
	e->hashed = false;
	dput(d);
}

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

static struct dentry *tmpfs_lookup(struct dentry *dir, const char *name)
{
	int err = shmem_permission(dir->vfs, shmem_node(dir), X_OK, false);
	struct dentry *d = err ? ERR_PTR(err) : find_child(dir, name);

	if (IS_ERR(d))
		return d;
	if (!d)
		return ERR_PTR(-ENOENT);
	dget(d);
	return d;
}

static struct dentry *tmpfs_parent(struct dentry *dir)
{
	struct dentry *up = entry_of(dir)->parent;

	up = up ? up : dir;
	dget(up);
	return up;
}

/* "/dir/name", written from its end. */
static long tmpfs_path(struct dentry *d, char *buf, u64 size)
{
	static const char deleted[] = " (deleted)";
	bool gone = entry_of(d)->parent && !entry_of(d)->hashed;
	u64 at = size, tail = gone ? sizeof(deleted) - 1 : 0;
	const struct shmem_entry *e = entry_of(d);

	if (size < tail + 2)
		return -ENAMETOOLONG;
	buf[--at] = '\0';
	at -= tail;
	memcpy(buf + at, deleted, tail);
	if (!e->parent)
		buf[--at] = '/';
	for (; e->parent; e = entry_of(e->parent)) {
		u64 len = strlen(e->name);

		if (at < len + 1)
			return -ENAMETOOLONG;
		at -= len;
		memcpy(buf + at, e->name, len);
		buf[--at] = '/';
	}
	memmove(buf, buf + at, size - at);
	return size - at - 1;
}

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
	hash_entry(d, dir);
	touch_dir(dir);
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

static int tmpfs_mkdir(struct dentry *dir, const char *name, u32 mode)
{
	return made(make(dir, name, S_IFDIR | (mode & 01777), 0));
}

static int tmpfs_mknod(struct dentry *dir, const char *name, u32 mode, u64 dev)
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

static int tmpfs_symlink(struct dentry *dir, const char *name, const char *target)
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

static long tmpfs_readlink(struct dentry *d, char *buf, u64 size)
{
	struct shmem_node *n = shmem_node(d);
	struct page *page;
	u64 len;

	if (!S_ISLNK(n->mode))
		return -EINVAL;
	n->atime = shmem_now(d->vfs);
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
		*--end = '0' + ino % 10;
	memmove(name + 1, end, strlen(end) + 1);
	p.dentry = new_inode(dir->dentry, name, S_IFREG | mode);
	if (IS_ERR(p.dentry))
		return (void *)p.dentry;
	dget(dir->dentry);
	entry_of(p.dentry)->parent = dir->dentry;
	shmem_node(p.dentry)->linkable = !(flags & O_EXCL);
	f = shmem_open_new(&p, flags);
	path_put(&p);
	return f;
}

static struct file *tmpfs_create(const struct path *dir, const char *name, int flags, u32 mode)
{
	struct path p = {dir->mnt, NULL};
	struct file *f;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return make_tmpfile(dir, flags, mode);
	p.dentry = make(dir->dentry, name, S_IFREG | mode, 0);
	if (IS_ERR(p.dentry))
		return (void *)p.dentry;
	open_commit(dir->dentry->vfs);
	/* Whoever makes a file may open it, whatever its mode. */
	f = shmem_open_new(&p, flags);
	path_put(&p);
	return f;
}

static int tmpfs_link(struct dentry *old, struct dentry *dir, const char *name)
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
	hash_entry(d, dir);
	dput(d);
	n->ctime = shmem_now(dir->vfs);
	touch_dir(dir);
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
	n->ctime = shmem_now(d->vfs);
	touch_dir(dir);
	unhash_entry(d);
}

static int tmpfs_unlink(struct dentry *dir, const char *name, int flags)
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
	unhash_entry(d);
	e->parent = NULL;
	kfree(d->vfs->mem, e->name);
	e->name = name;
	hash_entry(d, dir);
	if (is_dir)
		shmem_node(dir)->nlink++;
	touch_dir(was);
	touch_dir(dir);
	shmem_node(d)->ctime = shmem_now(d->vfs);
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
		hash_entry(white, r->od);
		dput(white);
	}
	return 0;
}

static int tmpfs_rename(struct dentry *od, const char *on, struct dentry *nd, const char *nn,
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
	/* Two names of one file: nothing to be done. */
	if (!err && !(r.new &&shmem_node(r.new) == shmem_node(r.old)))
		err = flags & RENAME_EXCHANGE ? exchange(&r) : replace(&r);
	dput(r.new);
	dput(r.old);
	return err;
}

/* --- opening ----------------------------------------------------------------------------- */

static struct file *tmpfs_open(const struct path *p, int flags)
{
	static const u8 need[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};
	struct shmem_node *n = shmem_node(p->dentry);
	struct vfs *v = p->dentry->vfs;
	int err, fd;

	if (S_ISREG(n->mode))
		return shmem_open(p, flags);
	err = shmem_permission(v, n, need[flags & O_ACCMODE], false);
	if (err)
		return ERR_PTR(err);
	if (S_ISFIFO(n->mode))
		return fifo_open(p, flags, &fd);
	if (!S_ISDIR(n->mode))
		return ERR_PTR(-EACCES); /* the mount is nodev */
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

static const struct dentry_operations tmpfs_dops = {
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

/* --- directories, opened ----------------------------------------------------------------- */

typedef bool (*emit_fn)(void *ctx, const char *name, u64 ino, u8 type, s64 next_pos);

/* Where readdir goes on at @pos: there, or if that name is gone, at the next older place. */
static struct shmem_entry *entry_at(struct shmem_node *dir, s64 pos)
{
	struct shmem_entry *e;

	list_for_each_entry (e, &dir->children, sibling)
		if (pos == FIRST_PLACE || (s64)e->place <= pos)
			return e;
	return NULL;
}

static s64 place_of(const struct shmem_node *dir, const struct list_head *sibling)
{
	return sibling == &dir->children
		       ? PLACE_EOD
		       : (s64)list_entry(sibling, struct shmem_entry, sibling)->place;
}

static int tmpfs_iterate(struct file *f, emit_fn emit, void *ctx)
{
	struct dentry *d = f->f_path.dentry;
	struct shmem_node *dir = shmem_node(d);
	struct dentry *up = entry_of(d)->parent;
	struct shmem_entry *e;

	if (f->f_pos == 0) {
		if (!emit(ctx, ".", d->ino, DT_DIR_K, 1))
			return 0;
		f->f_pos = 1;
	}
	if (f->f_pos == 1) {
		if (!emit(ctx, "..", up ? up->ino : d->ino, DT_DIR_K,
			  place_of(dir, dir->children.next)))
			return 0;
		f->f_pos = FIRST_PLACE;
	}
	if (f->f_pos == PLACE_EOD)
		return 0;
	for (e = entry_at(dir, f->f_pos); e;
	     e = list_entry(e->sibling.next, struct shmem_entry, sibling)) {
		s64 next = place_of(dir, e->sibling.next);

		if (!emit(ctx, e->name, e->node->ino, e->node->mode >> 12, next))
			return 0;
		f->f_pos = next;
		if (next == PLACE_EOD)
			break;
	}
	f->f_pos = PLACE_EOD;
	dir->atime = shmem_now(f->vfs);
	return 0;
}

static s64 tmpfs_dir_llseek(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->f_pos = off;
	return off;
}

static int tmpfs_dir_fsync(struct file *f __unused, bool datasync __unused)
{
	return 0;
}

static const struct file_operations tmpfs_dir_fops = {
	.iterate = tmpfs_iterate,
	.llseek = tmpfs_dir_llseek,
	.fsync = tmpfs_dir_fsync,
};

/* --- the mount --------------------------------------------------------------------------- */

/* Half of memory, and as many inodes as that has pages: the defaults. */
static struct tmpfs_sb *sb_new(struct vfs *v)
{
	struct tmpfs_sb *sb = kzalloc(v->mem, sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->vfs = v;
	sb->dev = TMPFS_DEV;
	sb->blocks.max = sb->max_inodes = sb->free_inodes = totalram_pages(v->mem) / 2;
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
	struct tmpfs_sb *sb = sb_new(v);
	struct shmem_node *n;
	struct dentry *d;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	n = shmem_node_new(v, sb, S_IFDIR | *(const u32 *)arg, 0, 0);
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
		unhash_entry(d);
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
	u32 mode = 01777;
	int err = vfs_mount(v, &tmpfs_type, "tmpfs", "/dev/shm", "rw,nosuid,nodev", &mode);

	return err == -ENOMEM ? err : 0;
}

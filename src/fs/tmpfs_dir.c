/* Directories of tmpfs: their names, and reading them. See tmpfs_internal.h; tmpfs(5); Linux, fs/libfs.c.
 *
 *   tmpfs_sb.buckets --> entry, entry, ...          a name is found by its directory and text
 *   node.children    --> newest ... oldest          what readdir(3) lists, in this order
 *   entry.parent     --> the dentry above           each name holds its directory
 *
 * A directory holds one reference to the dentry of each of its names. Not for: who may change a
 * directory (tmpfs_namei.c).
 */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/tmpfs_internal.h"

#define FIRST_PLACE 2U /* of readdir: "." and ".." come before */
#define PLACE_EOD 0x7fffffff
#define DT_DIR_K 4

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

void tmpfs_touch_dir(struct dentry *dir)
{
	struct shmem_node *n = shmem_node(dir);

	n->mtime = n->ctime = current_time(dir->vfs);
}

void tmpfs_d_add(struct dentry *d, struct dentry *dir)
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

void tmpfs_d_drop(struct dentry *d)
{
	struct shmem_entry *e = entry_of(d);

	list_del(&e->hash);
	list_del(&e->sibling);
	shmem_node(e->parent)->nr_children--;
	e->hashed = false;
	dput(d);
}

struct dentry *tmpfs_lookup(struct dentry *dir, const char *name)
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

struct dentry *tmpfs_parent(struct dentry *dir)
{
	struct dentry *up = entry_of(dir)->parent;

	up = up ? up : dir;
	dget(up);
	return up;
}

/* "/dir/name", written from its end. */
long tmpfs_path(struct dentry *d, char *buf, u64 size)
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

/* --- readdir ---------------------------------------------------------------------------------- */

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

static int tmpfs_iterate(struct file *f, filldir_t emit, void *ctx)
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
	dir->atime = current_time(f->vfs);
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

const struct file_operations tmpfs_dir_fops = {
	.iterate = tmpfs_iterate,
	.llseek = tmpfs_dir_llseek,
	.fsync = noop_fsync,
};

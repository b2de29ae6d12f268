/* Files of shared memory. See shmemfs.h, shmem_node.h.
 *
 * memfd and SysV segments have one dentry an object: opening /proc/PID/fd/N again gives another struct
 * file of the same dentry. They live in no mounted file system, as in Linux, whose own tmpfs mount
 * for these nobody can reach. Those with names are tmpfs.c's.
 */
#include "fs/shmemfs.h"

#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/memfd.h"
#include "fs/open.h"
#include "fs/shmem_node.h"
#include "mm/lru.h"
#include "mm/uaccess.h"

static const struct dentry_operations shmem_dops;

static struct shmem_node *node_of(const struct file *f)
{
	return shmem_node(f->f_path.dentry);
}

bool is_shmem_file(const struct file *f)
{
	return f->f_op == &shmem_fops;
}

/* --- making and opening ------------------------------------------------------------------ */

static struct file *shmem_file_alloc(const struct path *p, int flags)
{
	struct shmem_node *node = shmem_node(p->dentry);
	struct file *f;

	f = file_alloc(p->dentry->vfs, p, &shmem_fops, open_fmode(flags) | FMODE_LSEEK, flags);
	if (!IS_ERR(f))
		f->f_mapping = node->as;
	return f;
}

struct file *shmem_open_new(const struct path *p, int flags)
{
	struct file *f = shmem_file_alloc(p, flags);

	if (!IS_ERR(f)) {
		file_count_open(f);
		f->f_mode |= FMODE_CAN_ODIRECT;
	}
	return f;
}

struct file *shmem_file_setup(struct vfs *v, const char *name, u64 size, vm_flags_t flags, u32 mode,
			      u32 uid, u32 gid)
{
	struct path p = {NULL, NULL};
	struct shmem_node *node;
	struct file *f;

	if (size > S_MAXBYTES)
		return ERR_PTR(-EINVAL);
	node = shmem_node_new(v, NULL, S_IFREG | mode, size, flags);
	if (IS_ERR(node))
		return (struct file *)node;
	node->uid = uid;
	node->gid = gid;
	p.dentry = shmem_dentry(v, &shmem_dops, name, node);
	if (IS_ERR(p.dentry))
		return (struct file *)p.dentry;
	f = shmem_file_alloc(&p, O_RDWR); /* nobody opened it: it may be run meanwhile */
	path_put(&p);
	return f;
}

int shmem_mapping_path(struct vfs *v, struct address_space *as, u32 uid, u32 gid, struct path *out)
{
	struct shmem_node *n = shmem_node_new(v, NULL, S_IFREG | 0777, 0, 0);
	struct dentry *d;

	if (IS_ERR(n))
		return PTR_ERR(n);
	shmem_put(n->as);
	shmem_get(as);
	n->as = as;
	n->ino = as->ino;
	n->uid = uid;
	n->gid = gid;
	d = shmem_dentry(v, &shmem_dops, "dev/zero", n);
	if (IS_ERR(d))
		return PTR_ERR(d);
	*out = (struct path){NULL, d};
	return 0;
}

int shmem_resize(struct vfs *v, struct shmem_node *n, u64 size)
{
	u64 was = n->as->i_size;
	int err;

	if ((size < was && (n->seals & F_SEAL_SHRINK)) || (size > was && (n->seals & F_SEAL_GROW)))
		return -EPERM;
	err = shmem_setattr_size(n->as, size);
	if (err)
		return err;
	n->mtime = n->ctime = current_time(v);
	shmem_remove_privs(v, n);
	return 0;
}

static int shmem_truncate(struct dentry *d, u64 size)
{
	return shmem_resize(d->vfs, shmem_node(d), size);
}

struct file *shmem_open(const struct path *p, int flags)
{
	struct shmem_node *n = shmem_node(p->dentry);
	struct vfs *v = p->dentry->vfs;
	int mask = acc_mode(flags) | (flags & O_TRUNC ? W_OK : 0), err;

	err = shmem_permission(v, n, mask, false);
	if (!err && (flags & O_NOATIME) && !shmem_owner_or_capable(v, n))
		err = -EPERM;
	if (!err && (mask & W_OK) && n->as->nr_exec)
		err = -ETXTBSY;
	if (!err && (flags & O_TRUNC))
		err = shmem_resize(v, n, 0);
	if (err)
		return ERR_PTR(err);
	if (flags & O_TRUNC)
		open_commit(v);
	return shmem_open_new(p, flags);
}

static const struct dentry_operations shmem_dops = {
	.open = shmem_open,
	.getattr = shmem_getattr,
	.chmod = shmem_chmod,
	.chown = shmem_chown,
	.utimens = shmem_utimens,
	.truncate = shmem_truncate,
	.access = shmem_access,
	.statfs = shmem_statfs,
	.getxattr = shmem_getxattr,
	.setxattr = shmem_setxattr,
	.listxattr = shmem_listxattr,
	.removexattr = shmem_removexattr,
	.path = shmem_path,
	.release = shmem_release_dentry,
};

/* --- bytes ------------------------------------------------------------------------------- */

/* Each access counts: no mount of tmpfs has relatime here. */
static void shmem_accessed(struct file *f)
{
	if (!(f->f_flags & O_NOATIME))
		node_of(f)->atime = current_time(f->vfs);
}

static long shmem_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct address_space *as = f->f_mapping;
	long done = 0;

	shmem_accessed(f);
	while (to->count && *pos < as->i_size) {
		u64 off = page_offset(*pos), n, got;
		struct page *page = shmem_read_page(as, *pos >> PAGE_SHIFT);

		n = min(min(PAGE_SIZE - off, to->count), as->i_size - *pos);
		if (page) {
			if (!off) /* once, as a rule */
				folio_mark_accessed(as->mem, page);
			got = copy_to_iter((u8 *)page_address(as->mem, page) + off, n, to);
			put_page(as->mem, page);
		} else {
			got = iov_iter_zero(n, to);
		}
		done += got;
		*pos += got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

/* A hole's is a page of zeros that is not the file's. */
static struct page *shmem_splice_page(struct file *f, u64 pos, u64 end __unused)
{
	struct address_space *as = f->f_mapping;
	struct page *page;

	shmem_accessed(f);
	if (pos >= as->i_size)
		return NULL;
	page = shmem_read_page(as, pos >> PAGE_SHIFT);
	if (!page)
		page = alloc_pages(as->mem, GFP_USER | __GFP_ZERO, 0);
	return page ? page : ERR_PTR(-ENOMEM);
}

/* May [pos, pos + n) be written? */
static bool sealed_write(const struct shmem_node *node, u64 pos, u64 n)
{
	return (node->seals & F_SEALS_WRITING) ||
	       ((node->seals & F_SEAL_GROW) && pos + n > node->as->i_size);
}

/* The page at @pos, for @want bytes. While somebody dies for want of memory it waits. */
static struct page *page_to_write(struct file *f, u64 pos, u64 want)
{
	struct address_space *as = f->f_mapping;
	struct page *page;

	do { /* again: it may have been sealed */
		if (sealed_write(node_of(f), pos, want))
			return ERR_PTR(-EPERM);
		page = shmem_write_begin(as, pos >> PAGE_SHIFT);
	} while (IS_ERR(page) && PTR_ERR(page) == -ENOMEM && wait_for_memory(as->mem));
	return page;
}

/* As in Linux the page is made, and the file long enough to reach it, before the bytes are asked for,
 * and that stays so even when the copy fails. (So a source that is this file's own mapping may
 * become readable by the write.) */
static long write_page(struct file *f, struct iov_iter *from, u64 pos)
{
	struct address_space *as = f->f_mapping;
	u64 off = page_offset(pos), want = min(PAGE_SIZE - off, from->count), n;
	struct iov_iter start = *from;
	struct page *page;

	do { /* again: it may have been sealed, or cut off */
		page = page_to_write(f, pos, want);
		if (IS_ERR(page))
			return PTR_ERR(page);
		as->i_size = max(as->i_size, pos);
		iov_iter_nosleep_begin(from);
		n = copy_from_iter((u8 *)page_address(as->mem, page) + off, want, from);
		folio_mark_dirty(page);
		put_page(as->mem, page);
	} while (unlikely(iov_iter_nosleep_end(from, &start, want, false)));
	as->i_size = max(as->i_size, pos + n);
	return n ? (long)n : -EFAULT;
}

static long shmem_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct shmem_node *node = node_of(f);
	long done = 0, n = 0;

	if (f->f_flags & O_APPEND)
		*pos = node->as->i_size;
	while (from->count) {
		u64 want = min(PAGE_SIZE - page_offset(*pos), from->count);

		n = write_page(f, from, *pos);
		if (n <= 0)
			break;
		done += n;
		*pos += n;
		if ((u64)n < want)
			break;
	}
	if (done) {
		node->mtime = node->ctime = current_time(f->vfs);
		shmem_remove_privs(f->vfs, node);
	}
	return done ? done : n;
}

static s64 seek_hole_data(struct file *f, s64 off, bool data)
{
	struct address_space *as = f->f_mapping;
	u64 index = off >> PAGE_SHIFT, found;

	if (off < 0 || (u64)off >= as->i_size)
		return -ENXIO;
	found = index;
	if (data) {
		while (radix_next(&as->i_pages, &found) && !shmem_is_data(as, found))
			found++;
		if (!radix_find(&as->i_pages, found) || found << PAGE_SHIFT >= as->i_size)
			return -ENXIO;
		return found == index ? off : (s64)(found << PAGE_SHIFT);
	}
	while (shmem_is_data(as, found))
		found++;
	if (found == index)
		return off;
	return min(found << PAGE_SHIFT, as->i_size);
}

static s64 shmem_llseek(struct file *f, s64 off, int whence)
{
	s64 pos;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence, f->f_mapping->i_size);
	pos = seek_hole_data(f, off, whence == SEEK_DATA);
	if (pos >= 0)
		f->f_pos = pos;
	return pos;
}

static int shmem_ftruncate(struct file *f, u64 size)
{
	return shmem_resize(f->vfs, node_of(f), size);
}

static int shmem_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct shmem_node *node = node_of(f);
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EOPNOTSUPP;
		if (node->seals & F_SEALS_WRITING)
			return -EPERM;
		shmem_punch_hole(node->as, off, len);
		node->mtime = node->ctime = current_time(f->vfs);
		return 0;
	}
	if ((node->seals & F_SEAL_GROW) && off + len > node->as->i_size)
		return -EPERM;
	err = shmem_allocate(node->as, off >> PAGE_SHIFT, page_align(off + len) >> PAGE_SHIFT);
	if (err)
		return err;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		node->as->i_size = max(node->as->i_size, off + len);
	node->mtime = node->ctime = current_time(f->vfs);
	return 0;
}

static void shmem_update_time(struct file *f)
{
	struct shmem_node *node = node_of(f);

	node->mtime = node->ctime = current_time(f->vfs);
}

int shmem_mmap(struct file *f, struct mmap_file *out)
{
	memset(out, 0, sizeof(*out));
	out->file = f;
	out->can_read = f->f_mode & FMODE_READ;
	out->can_write = f->f_mode & FMODE_WRITE;
	out->regular = true;
	out->sealed = node_of(f)->seals & F_SEALS_WRITING;
	return 0;
}

const struct file_operations shmem_fops = {
	.read_iter = shmem_read_iter,
	.write_iter = shmem_write_iter,
	.llseek = shmem_llseek,
	.splice_page = shmem_splice_page,
	.fsync = noop_fsync,
	.ftruncate = shmem_ftruncate,
	.fallocate = shmem_fallocate,
	.mmap_file = shmem_mmap,
	.accessed = shmem_accessed,
	.update_time = shmem_update_time,
};

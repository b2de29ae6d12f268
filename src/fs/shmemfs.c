/* Files of shared memory. See shmemfs.h.
 *
 *   struct file ... --> dentry --> struct shmem_node --> address_space (mm/shmem.c)
 *
 * One dentry an object: opening /proc/PID/fd/N again gives another struct file of the same dentry. It
 * lives in no mounted file system, as in Linux, whose own tmpfs mount for these nobody can reach.
 */
#include "fs/shmemfs.h"

#include <linux/falloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host.h"
#include "fs/internal.h"
#include "mm/uaccess.h"

#define TMPFS_MAGIC 0x01021994
#define SHMEM_DEV makedev(0, 1)
#define F_SEAL_EXEC_K 0x20U
#define F_SEALS_WRITING (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define F_ALL_SEALS_K (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEALS_WRITING | F_SEAL_EXEC_K)

struct shmem_node {
	struct address_space *as; /* a reference */
	u32 mode, uid, gid;	  /* mode without the type: the dentry has that */
	u32 seals;		  /* F_SEAL_* */
	struct timespec atime, mtime, ctime, btime;
	char name[NAME_MAX + 1];
};

static const struct dentry_operations shmem_dops;
static const struct file_operations shmem_fops;

static struct shmem_node *node_of(const struct file *f)
{
	return f->f_path.dentry->fs_private;
}

bool is_shmem_file(const struct file *f)
{
	return f->f_op == &shmem_fops;
}

static struct timespec now(void)
{
	u64 ns = host_clock_ns(CLOCK_REALTIME_COARSE);

	return (struct timespec){ns / 1000000000UL, ns % 1000000000UL};
}

/* --- making ------------------------------------------------------------------------------ */

static struct file *open_node(const struct path *p, int flags)
{
	static const u8 modes[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct shmem_node *node = p->dentry->fs_private;
	struct file *f;

	f = file_alloc(p->dentry->vfs, p, &shmem_fops, modes[flags & O_ACCMODE] | FMODE_LSEEK,
		       flags);
	if (!IS_ERR(f))
		f->f_mapping = node->as;
	return f;
}

static struct dentry *make_dentry(struct vfs *v, const char *name, u64 size, vm_flags_t flags)
{
	struct shmem_node *node = kzalloc(v->mem, sizeof(*node), GFP_KERNEL);
	struct dentry *d;
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	strncpy(node->name, name, NAME_MAX);
	node->as = shmem_new(v->mem, size, flags);
	if (IS_ERR(node->as)) {
		err = PTR_ERR(node->as);
		goto free;
	}
	d = dentry_alloc(v, &shmem_dops, S_IFREG);
	if (!d) {
		err = -ENOMEM;
		goto put;
	}
	d->fs_private = node;
	d->dev = SHMEM_DEV;
	d->ino = node->as->ino;
	return d;
put:
	shmem_put(node->as);
free:
	kfree(v->mem, node);
	return ERR_PTR(err);
}

struct file *shmem_file_setup(struct vfs *v, const char *name, u64 size, vm_flags_t flags, u32 mode,
			      u32 uid, u32 gid)
{
	struct path p = {NULL, make_dentry(v, name, size, flags)};
	struct shmem_node *node;
	struct file *f;

	if (IS_ERR(p.dentry))
		return (struct file *)p.dentry;
	node = p.dentry->fs_private;
	node->mode = mode;
	p.dentry->mode = S_IFREG | mode;
	node->uid = uid;
	node->gid = gid;
	node->seals = F_SEAL_SEAL;
	node->atime = node->mtime = node->ctime = node->btime = now();
	f = open_node(&p, O_RDWR);
	path_put(&p);
	return f;
}

/* --- the dentry -------------------------------------------------------------------------- */

static void statx_time(struct statx_timestamp *to, const struct timespec *ts)
{
	to->tv_sec = ts->tv_sec;
	to->tv_nsec = ts->tv_nsec;
}

static int shmem_getattr(struct dentry *d, struct stat *st, struct statx *stx)
{
	const struct shmem_node *n = d->fs_private;

	memset(st, 0, sizeof(*st));
	st->st_dev = SHMEM_DEV;
	st->st_ino = d->ino;
	st->st_mode = S_IFREG | n->mode;
	st->st_uid = n->uid;
	st->st_gid = n->gid;
	st->st_size = n->as->i_size;
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = n->as->nrpages * (PAGE_SIZE / 512);
	st->st_atim = n->atime;
	st->st_mtim = n->mtime;
	st->st_ctim = n->ctime;
	if (!stx)
		return 0;
	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	stx->stx_dev_minor = minor(SHMEM_DEV);
	stx->stx_ino = d->ino;
	stx->stx_mode = st->st_mode;
	stx->stx_uid = n->uid;
	stx->stx_gid = n->gid;
	stx->stx_size = st->st_size;
	stx->stx_blksize = PAGE_SIZE;
	stx->stx_blocks = st->st_blocks;
	statx_time(&stx->stx_atime, &n->atime);
	statx_time(&stx->stx_mtime, &n->mtime);
	statx_time(&stx->stx_ctime, &n->ctime);
	statx_time(&stx->stx_btime, &n->btime);
	return 0;
}

static long shmem_path(struct dentry *d, char *buf, u64 size)
{
	const struct shmem_node *n = d->fs_private;
	static const char deleted[] = " (deleted)";
	u64 len = strlen(n->name);

	if (len + sizeof(deleted) + 1 > size)
		return -ENAMETOOLONG;
	buf[0] = '/';
	memcpy(buf + 1, n->name, len);
	memcpy(buf + 1 + len, deleted, sizeof(deleted));
	return 1 + len + sizeof(deleted) - 1;
}

static void shmem_release_dentry(struct dentry *d)
{
	struct shmem_node *n = d->fs_private;

	shmem_put(n->as);
	kfree(d->vfs->mem, n);
}

static int shmem_statfs(struct dentry *d, void *buf)
{
	struct statfs *st = buf;

	(void)d;
	memset(st, 0, sizeof(*st));
	st->f_type = TMPFS_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

static int shmem_chmod(struct dentry *d, u32 mode)
{
	struct shmem_node *n = d->fs_private;

	if ((n->seals & F_SEAL_EXEC_K) && ((n->mode ^ mode) & 0111))
		return -EPERM;
	n->mode = mode & 07777;
	d->mode = S_IFREG | n->mode;
	n->ctime = now();
	return 0;
}

static int shmem_chown(struct dentry *d, u32 uid, u32 gid, int flags __unused)
{
	struct shmem_node *n = d->fs_private;

	if (uid != ~0U)
		n->uid = uid;
	if (gid != ~0U)
		n->gid = gid;
	n->ctime = now();
	return 0;
}

static void set_time(struct timespec *to, const struct timespec *from)
{
	if (from->tv_nsec == UTIME_NOW)
		*to = now();
	else if (from->tv_nsec != UTIME_OMIT)
		*to = *from;
}

static int shmem_utimens(struct dentry *d, const struct timespec ts[2])
{
	struct shmem_node *n = d->fs_private;
	struct timespec at = now();

	set_time(&n->atime, ts ? &ts[0] : &at);
	set_time(&n->mtime, ts ? &ts[1] : &at);
	n->ctime = at;
	return 0;
}

static int resize(struct shmem_node *n, u64 size)
{
	u64 was = n->as->i_size;
	int err;

	if ((size < was && (n->seals & F_SEAL_SHRINK)) || (size > was && (n->seals & F_SEAL_GROW)))
		return -EPERM;
	err = shmem_setattr_size(n->as, size);
	if (!err && size != was)
		n->mtime = n->ctime = now();
	return err;
}

static int shmem_truncate(struct dentry *d, u64 size)
{
	return resize(d->fs_private, size);
}

static int shmem_access(struct dentry *d __unused, int mode __unused, int flags __unused)
{
	return 0;
}

static struct file *shmem_open_again(const struct path *p, int flags)
{
	int err;

	if ((flags & O_TRUNC) && (flags & O_ACCMODE)) {
		err = resize(p->dentry->fs_private, 0);
		if (err)
			return ERR_PTR(err);
	}
	return open_node(p, flags);
}

static const struct dentry_operations shmem_dops = {
	.open = shmem_open_again,
	.getattr = shmem_getattr,
	.chmod = shmem_chmod,
	.chown = shmem_chown,
	.utimens = shmem_utimens,
	.truncate = shmem_truncate,
	.access = shmem_access,
	.statfs = shmem_statfs,
	.path = shmem_path,
	.release = shmem_release_dentry,
};

/* --- bytes ------------------------------------------------------------------------------- */

static long shmem_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct address_space *as = f->f_mapping;
	long done = 0;

	while (to->count && *pos < as->i_size) {
		u64 off = page_offset(*pos), n, got;
		struct page *page = shmem_read_page(as, *pos >> PAGE_SHIFT);

		n = min(min(PAGE_SIZE - off, to->count), as->i_size - *pos);
		if (page) {
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
	node_of(f)->atime = now();
	return done;
}

/* May [pos, pos + n) be written? */
static bool sealed_write(const struct shmem_node *node, u64 pos, u64 n)
{
	return (node->seals & F_SEALS_WRITING) ||
	       ((node->seals & F_SEAL_GROW) && pos + n > node->as->i_size);
}

/* As in Linux the page is made, and the file long enough to reach it, before the bytes are asked for,
 * and that stays so even when the copy fails. (So a source that is this file's own mapping may
 * become readable by the write.) */
static long write_page(struct file *f, struct iov_iter *from, u64 pos)
{
	struct address_space *as = f->f_mapping;
	u64 off = page_offset(pos), n = min(PAGE_SIZE - off, from->count);
	struct page *page;

	if (sealed_write(node_of(f), pos, n))
		return -EPERM;
	page = shmem_write_begin(as, pos >> PAGE_SHIFT);
	if (IS_ERR(page))
		return PTR_ERR(page);
	as->i_size = max(as->i_size, pos);
	n = copy_from_iter((u8 *)page_address(as->mem, page) + off, n, from);
	folio_mark_dirty(page);
	put_page(as->mem, page);
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
	if (done)
		node->mtime = node->ctime = now();
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
		if (!radix_next(&as->i_pages, &found) || found << PAGE_SHIFT >= as->i_size)
			return -ENXIO;
		return found == index ? off : (s64)(found << PAGE_SHIFT);
	}
	while (radix_find(&as->i_pages, found))
		found++;
	if (found == index)
		return off;
	return min(found << PAGE_SHIFT, as->i_size);
}

static long shmem_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	int left = f->f_mapping->i_size - f->f_pos;

	return cmd == FIONREAD ? put_user(mm, left, arg) : -ENOTTY;
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

static int shmem_fsync(struct file *f __unused, bool datasync __unused)
{
	return 0;
}

static int shmem_ftruncate(struct file *f, u64 size)
{
	return resize(node_of(f), size);
}

/* --- fallocate --------------------------------------------------------------------------- */

/* Makes the pages of [off, off + len); those it made go again when there is no memory. */
static int allocate(struct address_space *as, u64 off, u64 len)
{
	u64 first = off >> PAGE_SHIFT, end = page_align(off + len) >> PAGE_SHIFT, i;

	for (i = first; i < end; i++) {
		struct page *page = shmem_get_page(as, i);

		if (IS_ERR(page))
			return PTR_ERR(page);
		folio_mark_dirty(page);
		put_page(as->mem, page);
	}
	return 0;
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
		return 0;
	}
	if ((node->seals & F_SEAL_GROW) && off + len > node->as->i_size)
		return -EPERM;
	err = allocate(node->as, off, len);
	if (err)
		return err;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		node->as->i_size = max(node->as->i_size, off + len);
	node->ctime = now();
	return 0;
}

static int shmem_mmap(struct file *f, struct mmap_file *out)
{
	memset(out, 0, sizeof(*out));
	out->file = f;
	out->can_read = f->f_mode & FMODE_READ;
	out->can_write = f->f_mode & FMODE_WRITE;
	out->regular = true;
	out->sealed = node_of(f)->seals & F_SEALS_WRITING;
	return 0;
}

static const struct file_operations shmem_fops = {
	.read_iter = shmem_read_iter,
	.write_iter = shmem_write_iter,
	.llseek = shmem_llseek,
	.ioctl = shmem_ioctl,
	.fsync = shmem_fsync,
	.ftruncate = shmem_ftruncate,
	.fallocate = shmem_fallocate,
	.mmap_file = shmem_mmap,
};

/* --- seals ------------------------------------------------------------------------------- */

/* Is the object mapped where a store could come from? */
static bool writably_mapped(const struct address_space *as)
{
	struct vm_area_struct *vma;

	list_for_each_entry (vma, &as->i_mmap, shared)
		if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
			return true;
	return false;
}

long shmem_add_seals(struct file *f, u32 seals)
{
	struct shmem_node *node;

	if (!(f->f_mode & FMODE_WRITE))
		return -EPERM;
	if ((seals & ~F_ALL_SEALS_K) || !is_shmem_file(f))
		return -EINVAL;
	node = node_of(f);
	if (node->seals & F_SEAL_SEAL)
		return -EPERM;
	if ((seals & F_SEAL_WRITE) && !(node->seals & F_SEAL_WRITE) && writably_mapped(node->as))
		return -EBUSY;
	/* What may be executed must not change either. */
	if ((seals & F_SEAL_EXEC_K) && (node->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEALS_WRITING;
	node->seals |= seals;
	return 0;
}

long shmem_get_seals(struct file *f)
{
	return is_shmem_file(f) ? (long)node_of(f)->seals : -EINVAL;
}

void shmem_set_seals(struct file *f, u32 seals)
{
	node_of(f)->seals = seals;
}

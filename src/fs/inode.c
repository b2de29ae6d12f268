/* Inodes of the host's regular files: identity, page cache, and what we expect of the file.
 *
 * An inode lives while somebody has the file open, and after that as long as there is room, so
 * that its clean pages serve the next open(). It holds host descriptors of its own:
 *
 *	rd_fd   O_RDONLY: pages are read through it; kept while the inode lives
 *	wr_fd   O_RDWR: mapped pages go back through it; only while the file is open
 *
 * What others do to the file is noticed by size, mtime and ctime. See DESIGN.md, "Page cache".
 */
#include "fs/inode.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/open.h"

#define READ_IOV 32U	   /* pages of one preadv */
#define TICK_NS 10000000UL /* of the host's coarse clock, at most: its files' times are no finer */

static struct list_head *bucket(struct vfs *v, u64 dev, u64 ino)
{
	u64 h = (ino ^ (dev << 7)) * 0x9e3779b97f4a7c15UL;

	return &v->in->inode_hash[h >> 56];
}

_Static_assert(INODE_HASH_SIZE == 256, "the hash is eight bits");

struct inode *inode_find(struct vfs *v, u64 dev, u64 ino)
{
	struct list_head *head = bucket(v, dev, ino);
	struct inode *inode;

	list_for_each_entry (inode, head, hash)
		if (inode->ino == ino && inode->dev == dev)
			return inode;
	return NULL;
}

/* --- pages from and to the host -------------------------------------------------------------- */

static int inode_read_pages(struct address_space *as, u64 first, struct page **pages, unsigned nr)
{
	struct inode *inode = as->host;
	struct iovec iov[READ_IOV];
	u64 pos = first << PAGE_SHIFT;

	/* A fault, a write into a page, read-ahead: no access, and read(2) has seen to its own. */
	if (unlikely(inode->atime_due && !inode->rd_noatime))
		inode_read_noatime(inode, inode->rd_fd);
	while (nr) {
		unsigned i, n = min(nr, READ_IOV);
		long got, want = (long)n << PAGE_SHIFT;

		for (i = 0; i < n; i++)
			iov[i] = (struct iovec){page_address(as->mem, pages[i]), PAGE_SIZE};
		do
			got = host_preadv(inode->rd_fd, iov, n, pos);
		while (got == -EINTR);
		if (got < 0)
			return got == -ENOMEM ? -ENOMEM : -EIO;
		if (got < want && (u64)got + pos < as->i_size) {
			/* Short for no visible reason: page by page, to be sure. */
			for (i = got >> PAGE_SHIFT; i < n; i++) {
				got = host_pread_full(inode->rd_fd, iov[i].iov_base, PAGE_SIZE,
						      pos + ((u64)i << PAGE_SHIFT));
				if (got < 0)
					return -EIO;
				memset((u8 *)iov[i].iov_base + got, 0, PAGE_SIZE - got);
			}
			got = want;
		}
		for (i = got >> PAGE_SHIFT; i < n; i++, got = (long)i << PAGE_SHIFT)
			memset((u8 *)iov[i].iov_base + page_offset(got), 0,
			       PAGE_SIZE - page_offset(got));
		pages += n;
		nr -= n;
		pos += want;
	}
	return 0;
}

static int inode_writepage(struct address_space *as, struct page *page)
{
	struct inode *inode = as->host;
	u64 pos = page->index << PAGE_SHIFT, len;
	u8 *bytes = page_address(as->mem, page);
	long err;

	if (pos >= as->i_size)
		return 0;
	if (inode->wr_fd < 0)
		return -EIO;
	len = min(as->i_size - pos, PAGE_SIZE);
	/* What a mapping stored behind the end of the file is never seen again. */
	if (len < PAGE_SIZE && !inode->closing && !page_test(page, PG_code))
		memset(bytes + len, 0, PAGE_SIZE - len);
	err = host_pwrite_full(inode->wr_fd, bytes, len, pos);
	inode_record(inode, as->i_size);
	return err < 0 ? (int)err : 0;
}

static void as_revalidate(struct address_space *as)
{
	inode_revalidate(as->host);
}

static const struct address_space_operations inode_aops = {
	.read_pages = inode_read_pages,
	.writepage = inode_writepage,
	.revalidate = as_revalidate,
};

/* --- what others do ------------------------------------------------------------------------- */

static int inode_statx(struct inode *inode, struct statx *stx)
{
	int fd = inode->rd_fd >= 0 ? inode->rd_fd : inode->wr_fd;

	return fd < 0 ? -EBADF : host_statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, stx);
}

#define ATIME_OLD_NS (24UL * 3600 * 1000000000)

/* relatime_need_update(): who reads a file sets its access time if it was changed since, or if that was a
 * day ago. Whether this is so is asked with all else about the file, and a read looks at the answer. */
static bool atime_is_due(const struct inode *inode, const struct statx *stx)
{
	u64 atime = stx_ns(&stx->stx_atime);

	return inode->strict_atime || atime <= inode->mtime_ns || atime <= inode->ctime_ns ||
	       (s64)(host_clock_ns(CLOCK_REALTIME_COARSE) - atime) >= (s64)ATIME_OLD_NS;
}

/* The host sets the time, by its mount's rules, when it is asked for a byte. */
void file_read_atime(struct file *f, u64 pos)
{
	u8 byte;
	struct iovec iov = {&byte, 1};

	f->f_inode->atime_due = false; /* and till the next look, if the mount has noatime */
	if (f->f_mode & FMODE_READ)
		host_preadv(f->host_fd, &iov, 1, pos);
}

static void expect(struct inode *inode, const struct statx *stx)
{
	inode->mtime_ns = stx_ns(&stx->stx_mtime);
	inode->ctime_ns = stx_ns(&stx->stx_ctime);
	inode->atime_due = atime_is_due(inode, stx);
	inode->checked_epoch = inode->vfs->events->epoch;
	inode->checked_ns = host_clock_ns(CLOCK_MONOTONIC_COARSE);
}

/* Somebody else changed the file: whatever we need not write ourselves is read anew. */
static void inode_changed(struct inode *inode, u64 size)
{
	struct address_space *as = &inode->i_data;

	if (size != as->i_size)
		truncate_pagecache(as, size);
	if (!list_empty(&as->i_mmap))
		unmap_mapping_range(as, 0, 0, false);
	invalidate_inode_pages(as);
}

static void check_against(struct inode *inode, const struct statx *stx)
{
	if (stx->stx_size != inode->i_data.i_size || stx_ns(&stx->stx_mtime) != inode->mtime_ns ||
	    stx_ns(&stx->stx_ctime) != inode->ctime_ns)
		inode_changed(inode, stx->stx_size);
	expect(inode, stx);
}

void inode_revalidate(struct inode *inode)
{
	struct statx stx;

	/* Nobody can have acted on anything since (or a tick of the clock has passed). */
	if (inode->checked_epoch == inode->vfs->events->epoch &&
	    inode->checked_ns == host_clock_ns(CLOCK_MONOTONIC_COARSE))
		return;
	if (!inode_statx(inode, &stx))
		check_against(inode, &stx);
}

void inode_record(struct inode *inode, u64 size)
{
	struct statx stx;

	if (inode_statx(inode, &stx)) {
		inode->i_data.i_size = size;
		return;
	}
	if (stx.stx_size == size)
		inode->i_data.i_size = size;
	else
		inode_changed(inode, stx.stx_size);
	expect(inode, &stx);
}

/* As check_against() would find it, but in the middle of a fault nothing may be invalidated: what
 * somebody else has changed is left for the next inode_revalidate() to see. */
void inode_update_time(struct inode *inode)
{
	static const struct timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	u64 tick = host_clock_ns(CLOCK_REALTIME_COARSE);
	struct statx stx;
	bool ours;

	if (inode->mtime_ns - tick < TICK_NS && inode->ctime_ns - tick < TICK_NS)
		return;
	ours = !inode_statx(inode, &stx) && stx.stx_size == inode->i_data.i_size &&
	       stx_ns(&stx.stx_mtime) == inode->mtime_ns &&
	       stx_ns(&stx.stx_ctime) == inode->ctime_ns;
	if (inode->wr_fd < 0 || host_utimensat(inode->wr_fd, NULL, now, 0) || !ours)
		return;
	if (!inode_statx(inode, &stx) && stx.stx_size == inode->i_data.i_size)
		expect(inode, &stx);
}

/* The first extent of @inode's file at or behind @pos; ~0, ~0: none, or the host cannot tell. */
static void next_extent(struct inode *inode, u64 pos, u64 *start, u64 *end)
{
	u64 buf[(sizeof(struct fiemap) + sizeof(struct fiemap_extent)) / sizeof(u64)] = {0};
	struct fiemap *map = (struct fiemap *)buf;

	map->fm_start = pos;
	map->fm_length = ~0UL - pos;
	map->fm_extent_count = 1;
	*start = *end = ~0UL;
	if (host_ioctl(inode->rd_fd, FS_IOC_FIEMAP, map)) {
		*start = 0; /* all of it may be allocated */
	} else if (map->fm_mapped_extents) {
		*start = map->fm_extents[0].fe_logical;
		*end = *start + map->fm_extents[0].fe_length;
	}
}

u64 inode_delayed_blocks(struct inode *inode)
{
	struct address_space *as = &inode->i_data;
	u64 index, start = 0, end = 0, pages = 0;
	struct page *page;

	if (!filemap_has_unsent(as) || inode->rd_fd < 0)
		return 0;
	for (index = as->dirty_from; (page = radix_next(&as->i_pages, &index)); index++) {
		u64 pos = index << PAGE_SHIFT;

		if (index >= as->dirty_to)
			break;
		if (!page_test(page, PG_dirty) || page_test(page, PG_written))
			continue;
		if (pos >= end)
			next_extent(inode, pos, &start, &end);
		pages += pos < start;
	}
	return pages * (PAGE_SIZE / 512);
}

void inode_touched(struct vfs *v, u64 dev, u64 ino)
{
	struct inode *inode = inode_find(v, dev, ino);

	if (inode)
		inode_record(inode, inode->i_data.i_size);
}

/* --- life ----------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		host_close(*fd);
	*fd = -1;
}

static void inode_free(struct inode *inode)
{
	struct vfs *v = inode->vfs;

	VM_BUG_ON(inode->refcount);
	list_del(&inode->lru);
	v->in->nr_unused--;
	list_del(&inode->hash);
	list_del(&inode->all);
	address_space_destroy(&inode->i_data);
	close_fd(&inode->rd_fd);
	close_fd(&inode->wr_fd);
	kmem_cache_free(v->inode_cache, inode);
}

unsigned inode_shrink(struct vfs *v, unsigned nr)
{
	unsigned n;

	for (n = 0; n < nr && !list_empty(&v->in->inode_lru); n++)
		inode_free(list_first_entry(&v->in->inode_lru, struct inode, lru));
	return n;
}

/* A number in a file of the host's /sys; @dflt if there is none. */
static u32 sysfs_number(const char *dir, u64 dev, const char *name, u32 dflt)
{
	char path[96], text[16];
	u32 value = 0;
	long n, i;
	int fd;

	snprintf(path, sizeof(path), "/sys/%s/%u:%u/%s", dir, major(dev), minor(dev), name);
	fd = host_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return dflt;
	n = host_read(fd, text, sizeof(text));
	host_close(fd);
	for (i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + text[i] - '0';
	return i ? value : dflt;
}

/* How far the host's kernel reads ahead on the file's device, in pages. */
static void learn_read_ahead(struct address_space *as, u64 dev)
{
	u32 kb = PAGE_SIZE / 1024;

	as->ra_pages = sysfs_number("class/bdi", dev, "read_ahead_kb", as->ra_pages * kb) / kb;
	as->io_pages =
		sysfs_number("dev/block", dev, "queue/max_sectors_kb", as->io_pages * kb) / kb;
}

static struct inode *inode_new(struct vfs *v, const struct statx *stx)
{
	struct inode *inode = open_zalloc(v, v->inode_cache, &v->in->spare.inode);
	u64 dev = stx_dev(stx);

	if (!inode)
		return NULL;
	inode->vfs = v;
	inode->dev = dev;
	inode->ino = stx->stx_ino;
	inode->btime_ns = stx_ns(&stx->stx_btime);
	inode->rd_fd = inode->wr_fd = -1;
	address_space_init(&inode->i_data, v->mem, &inode_aops, inode);
	inode->i_data.dev_major = major(dev);
	inode->i_data.dev_minor = minor(dev);
	inode->i_data.ino = stx->stx_ino;
	inode->i_data.i_size = stx->stx_size;
	if (v->read_ahead_host)
		learn_read_ahead(&inode->i_data, dev);
	expect(inode, stx);
	INIT_LIST_HEAD(&inode->lru);
	list_add(&inode->hash, bucket(v, dev, inode->ino));
	list_add_tail(&inode->all, &v->inodes);
	return inode;
}

void inode_read_noatime(struct inode *inode, int fd)
{
	int new_fd;

	if (inode->rd_noatime || inode->rd_fd < 0)
		return;
	inode->rd_noatime = true; /* or not to be had: only the owner may ask for it */
	new_fd = host_fd_reopen(fd, O_RDONLY | O_NONBLOCK | O_NOATIME);
	if (new_fd < 0)
		return;
	close_fd(&inode->rd_fd);
	inode->rd_fd = new_fd;
}

/* Has the mount of @fd neither relatime nor noatime? Asked once a device, as it is for most files. */
static bool mount_is_strict(struct vfs *v, int fd, u64 dev)
{
	struct statfs sfs;

	if (v->in->atime_known && v->in->atime_dev == dev)
		return v->in->atime_strict;
	v->in->atime_known = true;
	v->in->atime_dev = dev;
	v->in->atime_strict =
		!host_fstatfs(fd, &sfs) && !(sfs.f_flags & (ST_NOATIME | ST_RELATIME | ST_RDONLY));
	return v->in->atime_strict;
}

/* A read-only descriptor of its own: @fd may append, and one that may write would keep the host
 * from executing the file. */
static void inode_want_read(struct inode *inode, int fd, int flags)
{
	if (inode->rd_fd >= 0) {
		if (flags & O_NOATIME)
			inode_read_noatime(inode, fd);
		return;
	}
	inode->rd_noatime = flags & O_NOATIME;
	if ((flags & O_ACCMODE) == O_RDONLY)
		inode->rd_fd = host_dup(fd);
	else
		inode->rd_fd = host_fd_reopen(fd, O_RDONLY | O_NONBLOCK | (flags & O_NOATIME));
	if (inode->rd_fd < 0 && (flags & O_ACCMODE) == O_RDWR)
		inode->rd_fd = host_dup(fd);
	if (inode->rd_fd < 0)
		inode->rd_fd = -1;
}

struct inode *inode_open(struct vfs *v, int fd, const struct statx *stx, int flags)
{
	struct inode *inode = inode_find(v, stx_dev(stx), stx->stx_ino);

	if (inode && inode->btime_ns != stx_ns(&stx->stx_btime) && !inode->refcount) {
		inode_free(inode); /* the number was given away again */
		inode = NULL;
	}
	if (inode) {
		check_against(inode, stx);
	} else {
		inode = inode_new(v, stx);
		if (!inode)
			return ERR_PTR(-ENOMEM);
		inode->strict_atime = mount_is_strict(v, fd, stx_dev(stx));
		inode->atime_due |= inode->strict_atime;
	}
	if (!inode->refcount++ && !list_empty(&inode->lru)) {
		list_del_init(&inode->lru);
		v->in->nr_unused--;
	}
	inode_want_read(inode, fd, flags);
	return inode;
}

int inode_want_write(struct inode *inode, struct file *f)
{
	int fd;

	if (inode->wr_fd >= 0)
		return 0;
	fd = host_fd_reopen(f->host_fd, O_RDWR | O_NONBLOCK);
	if (fd < 0 && !(f->f_flags & O_APPEND))
		fd = host_dup(f->host_fd);
	if (fd < 0)
		return fd;
	inode->wr_fd = fd;
	inodes_flush_later(inode->vfs);
	return 0;
}

/* Does the file still have a name? */
static bool has_name(struct inode *inode)
{
	struct statx stx;

	return !inode_statx(inode, &stx) && stx.stx_nlink;
}

void inode_flush_closed(struct inode *inode)
{
	inode->closing = true;
	filemap_write_and_wait_range(&inode->i_data, 0, ~0UL);
	inode->closing = false;
}

void iput(struct inode *inode)
{
	struct vfs *v = inode->vfs;

	if (inode->refcount > 1) {
		inode->refcount--;
		return;
	}
	if (filemap_has_unsent(&inode->i_data))
		inode_flush_closed(inode);
	close_fd(&inode->wr_fd);
	inode->refcount = 0;
	list_add_tail(&inode->lru, &v->in->inode_lru);
	v->in->nr_unused++;
	if (inode->rd_fd < 0 || !inode->i_data.nrpages ||
	    (inode->maybe_unlinked && !has_name(inode)))
		inode_free(inode);
	else if (v->in->nr_unused > v->in->max_unused)
		inode_shrink(v, 1);
}

void inode_forget(struct vfs *v, u64 dev, u64 ino)
{
	struct inode *inode = inode_find(v, dev, ino);

	if (!inode)
		return;
	if (!inode->refcount && !has_name(inode)) {
		inode_free(inode);
		return;
	}
	inode->maybe_unlinked = true;
	inode_record(inode, inode->i_data.i_size);
}

static void flush(struct event_timer *t)
{
	struct vfs *v = container_of(t, struct vfs_internal, flush)->vfs;
	struct inode *inode;
	bool go_on = writeback_old(v->mem, v->in->flush_naps);

	list_for_each_entry (inode, &v->inodes, all)
		go_on |= inode->wr_fd >= 0;
	if (go_on)
		inodes_flush_later(v);
}

void inodes_flush_later(struct vfs *v)
{
	struct vfs_internal *in = v->in;

	if (v->events->advance_to || !in->flush_nap || event_timer_pending(&in->flush))
		return;
	in->flush.fn = flush;
	in->vfs = v;
	event_timer_add(v->events, &in->flush, event_now(v->events) + in->flush_nap);
}

void vfs_set_flush(struct vfs *v, u64 nap_ns, u64 naps)
{
	struct vfs_internal *in = v->in;
	bool pending = event_timer_pending(&in->flush);

	in->flush_nap = nap_ns;
	in->flush_naps = naps;
	if (pending)
		event_timer_del(&in->flush);
	if (pending || !list_empty(&v->inodes))
		inodes_flush_later(v);
}

void inodes_destroy(struct vfs *v)
{
	struct inode *inode;

	event_timer_del(&v->in->flush);

	list_for_each_entry (inode, &v->inodes, all)
		filemap_write_and_wait_range(&inode->i_data, 0, ~0UL);
	inode_shrink(v, ~0U);
}

/* Regular files of the host: reads come from the page cache, writes go to the host at once and
 * into the cache. See hostfs.h; the cache's side is inode.c's.
 *
 *	write:  guest -> fresh pages -> host file -> cached pages (or the fresh ones become them)
 *
 * Nothing in the cache changes before the host has taken the bytes, so a failed write leaves no
 * trace, and a fault on the way (the source may be a mapping of this very file) meets no page that
 * is half written. Not for: O_DIRECT, whose bytes go past the cache (hostfile_dio.c).
 */
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/inode.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "mm/lru.h"
#include "mm/uaccess.h"

/* An inherited descriptor's position belongs to all who have it: it is fetched before and put back
 * after each call that uses it. */
static bool fetch_pos(struct file *f, u64 *pos)
{
	s64 at;

	if (!f->host_pos_shared || pos != &f->f_pos)
		return false;
	at = host_lseek(f->host_fd, 0, SEEK_CUR);
	if (at >= 0)
		*pos = at;
	return true;
}

/* --- read ------------------------------------------------------------------------------------ */

/* Page @index of a read that ends before page @end, with what read-ahead makes of it. */
static struct page *read_page(struct file *f, u64 index, u64 end)
{
	struct address_space *as = f->f_mapping;
	struct page *page = find_get_page(as, index);
	bool major;

	if (!page) {
		if (f->f_inode->rd_fd < 0)
			return ERR_PTR(-EIO);
		page_cache_sync_ra(as, &f->f_ra, index, end - index);
		page = filemap_get_page(as, index, &major);
		if (IS_ERR(page)) {
			shrink_readahead_size_eio(&f->f_ra);
			return page;
		}
	}
	if (page_test(page, PG_readahead))
		page_cache_async_ra(as, &f->f_ra, page, end - folio_index(page));
	return page;
}

static struct page *hostfile_splice_page(struct file *f, u64 pos, u64 end)
{
	struct page *page;

	inode_revalidate(f->f_inode);
	if (pos >= f->f_mapping->i_size)
		return NULL;
	file_accessed(f, pos);
	page = read_page(f, pos >> PAGE_SHIFT, (end + PAGE_SIZE - 1) >> PAGE_SHIFT);
	if (!IS_ERR(page))
		folio_mark_accessed(f->f_mapping->mem, page);
	return page;
}

static long do_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	u64 end = (*pos + to->count + PAGE_SIZE - 1) >> PAGE_SHIFT;
	struct address_space *as = f->f_mapping;
	struct memory *m = as->mem;
	u64 last = f->f_ra.prev_pos;
	long done = 0, err = 0;

	while (to->count && *pos < as->i_size) {
		u64 off = page_offset(*pos), n, got;
		struct page *page = read_page(f, *pos >> PAGE_SHIFT, end);

		if (IS_ERR(page)) {
			err = PTR_ERR(page);
			if (err == -ENOMEM && wait_for_memory(m)) {
				err = 0;
				continue;
			}
			break;
		}
		/* Once for a page that is read bit by bit. */
		if ((last - 1) >> PAGE_SHIFT != *pos >> PAGE_SHIFT)
			folio_mark_accessed(m, page);
		n = min(min(PAGE_SIZE - off, to->count), as->i_size - *pos);
		got = copy_to_iter((u8 *)page_address(m, page) + off, n, to);
		put_page(m, page);
		done += got;
		*pos += got;
		last = *pos;
		if (got < n) {
			err = -EFAULT;
			break;
		}
	}
	if (done)
		f->f_ra.prev_pos = *pos;
	return done ? done : err;
}

static long hostfile_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	bool shared = fetch_pos(f, pos);
	long n;

	inode_revalidate(f->f_inode);
	if (to->count)
		file_accessed(f, *pos);
	if (unlikely(f->f_flags & O_DIRECT))
		n = direct_read(f, to, pos);
	else
		n = do_read(f, to, pos);
	if (shared)
		host_lseek(f->host_fd, *pos, SEEK_SET);
	return n;
}

/* --- write ----------------------------------------------------------------------------------- */

void chunk_free(struct memory *m, struct chunk *c)
{
	while (c->nr)
		put_page(m, c->pages[--c->nr]);
}

struct page *chunk_add_page(struct memory *m, struct chunk *c, u64 off, u64 n)
{
	struct page *page;

	do
		page = alloc_pages(m, GFP_HIGHUSER_MOVABLE, 0);
	while (!page && wait_for_memory(m));
	if (!page)
		return NULL;
	c->pages[c->nr] = page;
	c->iov[c->nr++] = (struct iovec){(u8 *)page_address(m, page) + off, n};
	return page;
}

/* Fills @c from the guest. Bytes, or -EFAULT, -ENOMEM when there is not one. */
static long chunk_fill(struct memory *m, struct chunk *c, struct iov_iter *from)
{
	u64 off = page_offset(c->pos), done = 0;

	for (c->nr = 0; c->nr < CHUNK_PAGES && from->count; off = 0) {
		u64 n = min(PAGE_SIZE - off, from->count), got;
		struct iovec *v = &c->iov[c->nr];

		if (!chunk_add_page(m, c, off, n))
			return done ? (long)done : -ENOMEM;
		got = copy_from_iter(v->iov_base, n, from);
		v->iov_len = got;
		done += got;
		if (got < n)
			break;
	}
	return done ? (long)done : -EFAULT;
}

/* Sends @len bytes of @c to the host. Bytes, or -errno; c->pos is where they went. */
static long chunk_send(struct file *f, struct chunk *c)
{
	long n;
	s64 end;

	do {
		if (f->f_flags & O_APPEND)
			n = host_writev(f->host_fd, c->iov, c->nr);
		else
			n = host_pwritev(f->host_fd, c->iov, c->nr, c->pos);
	} while (n == -EINTR);
	if (n > 0 && (f->f_flags & O_APPEND)) {
		end = host_lseek(f->host_fd, 0, SEEK_CUR);
		if (end >= n)
			c->pos = end - n;
	}
	return n;
}

/* Page @i of @c, @n bytes at @pos, into the cache, as it is: if it is whole, or what is missing lies
 * behind the end of the file. Else the page is read, as Linux does before it writes into one.
 * The cache may have the page already, with these bytes, or no memory for it. */
static void chunk_page_enters(struct address_space *as, struct chunk *c, unsigned i, u64 pos, u64 n)
{
	u64 off = page_offset(pos), index = pos >> PAGE_SHIFT;
	u8 *bytes = (u8 *)c->iov[i].iov_base - off;
	struct page *page;
	bool major;

	if ((!off && (n == PAGE_SIZE || pos + n >= as->i_size)) || pos - off >= as->i_size) {
		memset(bytes, 0, off);
		memset(bytes + off + n, 0, PAGE_SIZE - off - n);
		add_to_page_cache(as, c->pages[i], index);
		return;
	}
	page = filemap_get_page(as, index, &major);
	if (!IS_ERR(page))
		put_page(as->mem, page);
}

/* The host has the first @len bytes of @c: now the cache gets them. First the pages that are there: what
 * brings others in may reclaim those, and write them back with what they hold then. */
static void chunk_publish(struct file *f, struct chunk *c, u64 len, bool in_place)
{
	struct address_space *as = f->f_mapping;
	u64 pos = c->pos, left = len;
	unsigned i;

	for (i = 0; i < c->nr && left; i++) {
		u64 n = min((u64)c->iov[i].iov_len, left);

		filemap_update(as, pos, c->iov[i].iov_base, n);
		pos += n;
		left -= n;
	}
	pos = c->pos;
	for (i = 0; i < c->nr && len; i++) {
		u64 n = min((u64)c->iov[i].iov_len, len);

		if (in_place && f->f_inode->rd_fd >= 0)
			chunk_page_enters(as, c, i, pos, n);
		if (!(f->f_flags & O_DSYNC))
			filemap_mark_written(as, pos, n);
		pos += n;
		len -= n;
	}
}

static long write_chunk(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct address_space *as = f->f_mapping;
	struct chunk c = {.pos = *pos};
	long n, len;

	if (*pos > as->i_size) /* what a mapping stored between does not become the file's */
		truncate_pagecache(as, as->i_size);
	len = chunk_fill(as->mem, &c, from);
	if (len <= 0) {
		chunk_free(as->mem, &c);
		return len;
	}
	n = chunk_send(f, &c);
	if (n > 0) {
		u64 expected = max(*pos + n, as->i_size);

		if (unlikely(f->f_flags & O_DIRECT))
			punch_inode_pages_range(as, c.pos >> PAGE_SHIFT,
						(c.pos + n - 1) >> PAGE_SHIFT);
		else
			chunk_publish(f, &c, n, c.pos == *pos);
		*pos = c.pos + n;
		/* Appended elsewhere than we thought: the size shows that others write, too. */
		inode_record(f->f_inode, expected);
		if (as->nr_written)
			inodes_flush_later(f->f_inode->vfs);
	}
	chunk_free(as->mem, &c);
	return n;
}

static long hostfile_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	bool shared = fetch_pos(f, pos);
	long done = 0, n = 0;

	inode_revalidate(f->f_inode);
	if (f->f_flags & O_APPEND)
		*pos = f->f_mapping->i_size;
	if (unlikely(f->f_flags & O_DIRECT) && from->count)
		n = direct_begin(f, from, *pos, false);
	while (from->count && !n) {
		u64 left = from->count;

		n = write_chunk(f, from, pos);
		if (n <= 0)
			break;
		done += n;
		if (left - from->count != (u64)n)
			break; /* the host took less than it was given */
		n = 0;
	}
	if (shared)
		host_lseek(f->host_fd, *pos, SEEK_SET);
	return done ? done : n;
}

/* --- the rest -------------------------------------------------------------------------------- */

static s64 hostfile_llseek(struct file *f, s64 off, int whence)
{
	struct inode *inode = f->f_inode;
	u64 before;
	s64 pos, err;

	inode_revalidate(inode);
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (filemap_has_unsent(&inode->i_data))
			filemap_write_and_wait_range(&inode->i_data, 0, ~0UL);
		pos = host_lseek(f->host_fd, off, whence);
		if (pos >= 0)
			f->f_pos = pos;
		return pos;
	}
	if (whence == SEEK_CUR)
		fetch_pos(f, &f->f_pos);
	before = f->f_pos;
	pos = generic_llseek(f, off, whence, inode->i_data.i_size);
	/* How far a file may reach (s_maxbytes) is known to its file system alone. */
	if (pos > (s64)inode->i_data.i_size || (pos >= 0 && f->host_pos_shared)) {
		err = host_lseek(f->host_fd, pos, SEEK_SET);
		if (err < 0) {
			f->f_pos = before;
			return err;
		}
	}
	return pos;
}

static int hostfile_fsync(struct file *f, bool datasync)
{
	int err = filemap_write_and_wait_range(f->f_mapping, 0, ~0UL);
	int e = host_file_fsync(f, datasync);

	return err ? err : e;
}

static int hostfile_ftruncate(struct file *f, u64 size)
{
	int err = host_ftruncate(f->host_fd, size);

	if (err)
		return err;
	truncate_pagecache(f->f_mapping, size);
	inode_record(f->f_inode, size);
	return 0;
}

static u64 size_after_fallocate(u64 size, int mode, u64 off, u64 len)
{
	if (mode & FALLOC_FL_COLLAPSE_RANGE)
		return size - len;
	if (mode & FALLOC_FL_INSERT_RANGE)
		return size + len;
	return mode & FALLOC_FL_KEEP_SIZE ? size : max(size, off + len);
}

/* [off, off + len) reads as zeros now: whole pages go, the rest of the two at the ends is zeroed. */
static void forget_range(struct address_space *as, u64 off, u64 len)
{
	static const u8 zeros[PAGE_SIZE];
	u64 first = (off + PAGE_SIZE - 1) >> PAGE_SHIFT, end = (off + len) >> PAGE_SHIFT;

	if (first < end)
		punch_inode_pages_range(as, first, end - 1);
	if (page_offset(off))
		filemap_update(as, off, zeros, min(len, PAGE_SIZE - page_offset(off)));
	if (page_offset(off + len) && end >= first)
		filemap_update(as, end << PAGE_SHIFT, zeros, page_offset(off + len));
}

static int hostfile_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct address_space *as = f->f_mapping;
	u64 size;
	int err = 0;

	inode_revalidate(f->f_inode);
	size = as->i_size;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		err = filemap_write_and_wait_range(as, off >> PAGE_SHIFT,
						   (off + len - 1) >> PAGE_SHIFT);
	else if (filemap_has_unsent(as))
		err = filemap_write_and_wait_range(as, 0, ~0UL);
	if (!err)
		err = host_fallocate(f->host_fd, mode, off, len);
	if (err)
		return err;
	/* Everything but plain allocation changes bytes that may be cached. */
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		forget_range(as, off, len);
	} else if (mode & ~FALLOC_FL_KEEP_SIZE) {
		if (!list_empty(&as->i_mmap))
			unmap_mapping_range(as, 0, 0, false);
		invalidate_inode_pages(as);
	}
	size = size_after_fallocate(size, mode, off, len);
	if (size != as->i_size)
		truncate_pagecache(as, size);
	inode_record(f->f_inode, size);
	return 0;
}

static void hostfile_accessed(struct file *f)
{
	inode_revalidate(f->f_inode);
	file_accessed(f, 0);
}

static void hostfile_update_time(struct file *f)
{
	inode_update_time(f->f_inode);
}

static int hostfile_mmap(struct file *f, struct mmap_file *out)
{
	memset(out, 0, sizeof(*out));
	out->file = f;
	out->can_read = f->f_mode & FMODE_READ;
	out->can_write = f->f_mode & FMODE_WRITE;
	out->regular = true;
	/* Later on it may be too late: the name or the right to open it may have gone. */
	if (out->can_read && out->can_write)
		return inode_want_write(f->f_inode, f);
	return 0;
}

int hostfile_setfl(struct file *f, int flags)
{
	if ((flags & O_NOATIME) && f->f_inode)
		inode_read_noatime(f->f_inode, f->host_fd);
	return host_fcntl(f->host_fd, F_SETFL,
			  (f->f_flags & O_ACCMODE) | (flags & HOST_SETFL_FLAGS));
}

static void hostfile_release(struct file *f)
{
	struct address_space *as = f->f_mapping;

	if (filemap_has_unsent(as) && list_empty(&as->i_mmap))
		inode_flush_closed(f->f_inode);
	iput(f->f_inode);
}

const struct file_operations hostfile_fops = {
	.read_iter = hostfile_read_iter,
	.write_iter = hostfile_write_iter,
	.llseek = hostfile_llseek,
	.splice_page = hostfile_splice_page,
	.fsync = hostfile_fsync,
	.ftruncate = hostfile_ftruncate,
	.fallocate = hostfile_fallocate,
	.mmap_file = hostfile_mmap,
	.accessed = hostfile_accessed,
	.update_time = hostfile_update_time,
	.setfl = hostfile_setfl,
	.release = hostfile_release,
};

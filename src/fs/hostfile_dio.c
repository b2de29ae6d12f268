/* O_DIRECT: regular files of the host, past the page cache. See hostfs.h; open(2), NOTES.
 *
 *   read:  cached pages that are dirty -> host; host file -> fresh pages -> guest: no page enters the cache
 *   write: the same, the other way (hostfile.c's write_chunk()); what the cache had of the range goes
 *
 * The guest's memory is not the host's, so bytes pass through pages of our own all the same; what a program
 * can tell is kept: the alignment that the host's file system asks for, and a cache that stays empty.
 */
#include <string.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/inode.h"
#include "fs/iov_iter.h"

/* What the host's file system asks for. */
static void learn_dio_align(struct file *f)
{
	struct inode *inode = f->f_inode;
	struct statx stx;
	u32 align[2];

	inode->dio_known = true;
	if (host_statx(f->host_fd, "", AT_EMPTY_PATH, K_STATX_DIOALIGN, &stx) ||
	    !(stx.stx_mask & K_STATX_DIOALIGN))
		return;
	memcpy(align, (u8 *)&stx + STX_DIO_ALIGN, sizeof(align));
	inode->dio_mem_align = align[0];
	inode->dio_offset_align = align[1];
}

/* Is every piece of memory as the device wants it? Linux looks only at what it may have to split: one
 * piece within a page is taken as it is. */
static bool memory_aligned(const struct iov_iter *i, u32 align)
{
	u64 left = i->count, nr = 0;
	bool aligned = true, whole = false;

	for (u32 k = 0; k < i->nr_segs && left; k++) {
		u64 n = min((u64)i->iov[k].iov_len, left), at = (u64)i->iov[k].iov_base;

		left -= n;
		nr += !!n;
		aligned &= !n || !((at | n) & (align - 1));
		whole = n && page_offset(at) + n <= PAGE_SIZE;
	}
	return aligned || (nr == 1 && whole);
}

int direct_begin(struct file *f, const struct iov_iter *i, u64 pos, bool read)
{
	struct inode *inode = f->f_inode;

	if (!inode->dio_known)
		learn_dio_align(f);
	if (i->mm && inode->dio_offset_align) {
		if ((pos | i->count) & (inode->dio_offset_align - 1))
			return -EINVAL;
		if (!memory_aligned(i, inode->dio_mem_align))
			return iov_iter_fault_in(i, 1, read) ? -EINVAL : -EFAULT;
	}
	return filemap_write_and_wait_range(f->f_mapping, pos >> PAGE_SHIFT,
					    (pos + i->count - 1) >> PAGE_SHIFT);
}

/* As far as one chunk goes. Bytes, 0 at the end of the file, -errno. */
static long direct_read_chunk(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct memory *m = f->f_mapping->mem;
	struct chunk c = {.pos = *pos};
	u64 want = min(to->count, CHUNK_PAGES * PAGE_SIZE), left, got, copied = 0;
	long n;

	for (left = want; left; left -= c.iov[c.nr - 1].iov_len)
		if (!chunk_add_page(m, &c, 0, min(left, PAGE_SIZE)))
			break;
	do
		n = c.nr ? host_preadv(f->f_inode->rd_fd, c.iov, c.nr, *pos) : -ENOMEM;
	while (n == -EINTR);
	for (unsigned i = 0; n > 0 && copied < (u64)n; i++) {
		u64 len = min((u64)c.iov[i].iov_len, n - copied);

		got = copy_to_iter(c.iov[i].iov_base, len, to);
		copied += got;
		if (got < len)
			n = copied ? (long)copied : -EFAULT;
	}
	chunk_free(m, &c);
	*pos += copied;
	return n;
}

long direct_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	long done = 0, n;

	if (!to->count || *pos >= f->f_mapping->i_size)
		return 0;
	n = f->f_inode->rd_fd < 0 ? -EIO : direct_begin(f, to, *pos, true);
	while (!n && to->count) {
		u64 want = min(to->count, CHUNK_PAGES * PAGE_SIZE);

		n = direct_read_chunk(f, to, pos);
		if (n <= 0)
			break;
		done += n;
		n = (u64)n < want; /* the end, or a fault */
	}
	return done ? done : n;
}

/* Asked of the host's descriptor, which does not keep it: what goes through it is not aligned. */
bool file_can_direct(struct file *f)
{
	int flags;

	if (f->f_mode & FMODE_CAN_ODIRECT)
		return true;
	if (f->f_path.dentry && S_ISBLK(f->f_path.dentry->mode))
		return true;
	if (f->f_op != &hostfile_fops)
		return false;
	flags = host_fcntl(f->host_fd, F_GETFL, 0);
	if (flags < 0 || host_fcntl(f->host_fd, F_SETFL, flags | O_DIRECT))
		return false;
	host_fcntl(f->host_fd, F_SETFL, flags);
	f->f_mode |= FMODE_CAN_ODIRECT;
	return true;
}

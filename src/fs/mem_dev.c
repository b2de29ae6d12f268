/* See mem_dev.h. */
#include "fs/mem_dev.h"

#include <linux/capability.h>
#include <linux/random.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/tty.h"
#include "mm/uaccess.h"

#define MEM_MAJOR 1
#define RANDOM_CHUNK 256U
#define POOL_BITS 256 /* what a pool that is ready is said to hold */

/* --- null, zero, full ---------------------------------------------------------------------------- */

static long null_read(struct file *f __unused, struct iov_iter *to __unused, u64 *pos __unused)
{
	return 0;
}

/* Takes everything, and never looks at it. */
static long null_write(struct file *f __unused, struct iov_iter *from, u64 *pos __unused)
{
	u64 len = from->count;

	iov_iter_advance(from, len);
	return len;
}

static long zero_read(struct file *f __unused, struct iov_iter *to, u64 *pos __unused)
{
	u64 len = to->count, done = iov_iter_zero(len, to);

	return done || !len ? (long)done : -EFAULT;
}

static long full_write(struct file *f __unused, struct iov_iter *from __unused, u64 *pos __unused)
{
	return -ENOSPC;
}

/* null_lseek(): anywhere is the start. */
static s64 null_llseek(struct file *f, s64 off __unused, int whence __unused)
{
	return f->f_pos = 0;
}

/* Mapped as memory, not as a device. */
static int zero_mmap(struct file *f, struct mmap_file *out)
{
	*out = (struct mmap_file){.file = f,
				  .can_read = f->f_mode & FMODE_READ,
				  .can_write = f->f_mode & FMODE_WRITE,
				  .dev_zero = true};
	return 0;
}

/* --- random, urandom: as getrandom(2), whose numbers the machine's seed decides -------------------- */

static long random_read(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	u64 want = to->count, done = 0, part, got;
	u8 chunk[RANDOM_CHUNK] = {0};

	while (done < want) {
		part = min(want - done, (u64)RANDOM_CHUNK);
		if (f->vfs->get_random)
			f->vfs->get_random(f->vfs, chunk, part);
		got = copy_to_iter(chunk, part, to);
		done += got;
		if (got < part)
			return done ? (long)done : -EFAULT;
	}
	return done;
}

/* What is written would be mixed in; the seed alone decides, so it is read and forgotten. */
static long random_write(struct file *f __unused, struct iov_iter *from, u64 *pos __unused)
{
	u64 want = from->count, done = 0, part, got;
	u8 chunk[RANDOM_CHUNK];

	while (done < want) {
		part = min(want - done, (u64)RANDOM_CHUNK);
		got = copy_from_iter(chunk, part, from);
		done += got;
		if (got < part)
			return done ? (long)done : -EFAULT;
	}
	return done;
}

/* RNDADDENTROPY: a count of bits, a size, and as many bytes. */
static long add_entropy(struct mm_struct *mm, gva_t arg)
{
	s32 head[2];

	if (copy_from_user(mm, head, arg, sizeof(head)))
		return -EFAULT;
	return head[0] < 0 || head[1] < 0 ? -EINVAL : 0;
}

static long random_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	s32 bits = POOL_BITS;

	if (cmd == RNDGETENTCNT)
		return put_user(mm, bits, arg) ? -EFAULT : 0;
	switch (cmd) {
	case RNDADDTOENTCNT:
	case RNDADDENTROPY:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		break;
	default:
		return -EINVAL;
	}
	if (!vfs_capable(f->vfs, CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == RNDADDENTROPY)
		return add_entropy(mm, arg);
	if (cmd != RNDADDTOENTCNT)
		return 0;
	if (get_user(mm, bits, arg))
		return -EFAULT;
	return bits < 0 ? -EINVAL : 0;
}

/* A pool that is ready wants nothing. */
static unsigned random_poll(struct file *f __unused, struct poll_table *pt __unused)
{
	return EPOLLIN | EPOLLRDNORM;
}

/* --- which is which ------------------------------------------------------------------------------ */

static const struct file_operations null_fops = {
	.read_iter = null_read,
	.write_iter = null_write,
	.llseek = null_llseek,
};

static const struct file_operations zero_fops = {
	.read_iter = zero_read,
	.write_iter = null_write,
	.llseek = null_llseek,
	.mmap_file = zero_mmap,
};

static const struct file_operations full_fops = {
	.read_iter = zero_read,
	.write_iter = full_write,
	.llseek = null_llseek,
};

static const struct file_operations random_fops = {
	.read_iter = random_read,
	.write_iter = random_write,
	.llseek = noop_llseek,
	.ioctl = random_ioctl,
	.poll = random_poll,
};

static const struct file_operations urandom_fops = {
	.read_iter = random_read,
	.write_iter = random_write,
	.llseek = noop_llseek,
	.ioctl = random_ioctl,
};

const struct file_operations *mem_dev_fops(u32 major, u32 minor)
{
	static const struct file_operations *const fops[] = {
		[3] = &null_fops,   [5] = &zero_fops,	 [7] = &full_fops,
		[8] = &random_fops, [9] = &urandom_fops,
	};

	return major == MEM_MAJOR && minor < ARRAY_SIZE(fops) ? fops[minor] : NULL;
}

struct file *chardev_open(const struct path *p, int flags, u64 rdev)
{
	struct vfs *v = p->dentry->vfs;
	const struct file_operations *fops = mem_dev_fops(major(rdev), minor(rdev));

	struct file *f = tty_chardev_open(p, flags, major(rdev), minor(rdev));

	if (f)
		return f;
	if (!fops && v->chardev_fops)
		fops = v->chardev_fops(major(rdev), minor(rdev));
	if (!fops)
		return ERR_PTR(-ENXIO);
	return file_alloc(v, p, fops, open_fmode(flags) | FMODE_LSEEK, flags);
}

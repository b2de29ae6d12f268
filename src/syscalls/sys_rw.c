/* Bytes in and out: read, write and their vectored, positioned and file-to-file kin. */
#include "syscalls/internal.h"

#include <sys/sysmacros.h>

#include "fs/pipe.h"
#include "fs/socket.h"

#define COPY_CHUNK 16384UL

/* preadv2(2), pwritev2(2). Not: RWF_ATOMIC (0x40), RWF_DONTCACHE (0x80), which file systems need not offer. */
#define K_RWF_HIPRI 1U
#define K_RWF_DSYNC 2U
#define K_RWF_SYNC 4U
#define K_RWF_NOWAIT 8U
#define K_RWF_APPEND 16U
#define K_RWF_NOAPPEND 32U
#define K_RWF_NOSIGNAL 256U
#define K_RWF_SUPPORTED                                                                            \
	(K_RWF_HIPRI | K_RWF_DSYNC | K_RWF_SYNC | K_RWF_NOWAIT | K_RWF_APPEND | K_RWF_NOAPPEND |   \
	 K_RWF_NOSIGNAL)

void iov_iter_host(struct iov_iter *it, struct iovec *iov, void *buf, u64 n)
{
	*iov = (struct iovec){buf, n};
	*it = (struct iov_iter){.iov = iov, .nr_segs = 1, .count = n};
}

void send_own(struct task_struct *t, int sig)
{
	struct k_siginfo info = {.si_signo = sig, .si_code = SI_USER};

	info.kill.pid = t->tgid;
	info.kill.uid = t->uid;
	send_sig_info(sig, &info, t);
}

int limit_write(struct task_struct *t, struct file *f, struct iov_iter *it, u64 pos)
{
	u64 limit = rlimit(t, RLIMIT_FSIZE);
	struct stat st;

	if (limit == RLIM_INFINITY || !it->count)
		return 0;
	if (file_stat(f, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (f->f_flags & O_APPEND)
		pos = st.st_size;
	if (pos >= limit) {
		send_own(t, SIGXFSZ);
		return -EFBIG;
	}
	it->count = min(it->count, limit - pos);
	return 0;
}

/* @pos NULL: the file's own position. The mode is checked. @quiet: without a SIGPIPE. */
static long do_transfer(struct task_struct *t, struct file *f, struct iov_iter *it, u64 *pos,
			bool write, bool quiet)
{
	bool sock = sock_from_file(f); /* knows itself when there is a SIGPIPE */
	u64 *p = pos ? pos : &f->f_pos;
	long ret;

	if (!write) {
		ret = vfs_read(f, it, p);
	} else {
		ret = limit_write(t, f, it, *p);
		if (!ret)
			ret = vfs_write(f, it, p);
		if (!quiet && (it->broken || (ret == -EPIPE && !sock)))
			send_own(t, SIGPIPE);
	}
	/* A socket's -EINTR is meant: there is a timeout. */
	return ret == -EINTR && !sock ? -ERESTARTSYS : ret;
}

static long transfer(struct task_struct *t, struct file *f, struct iov_iter *it, u64 *pos,
		     bool write)
{
	return do_transfer(t, f, it, pos, write, false);
}

static bool mode_ok(const struct file *f, bool write)
{
	return f->f_mode & (write ? FMODE_WRITE : FMODE_READ);
}

/* For /proc/PID/io: what a call moved. */
static long account(struct task_struct *t, bool write, long ret)
{
	u64 n = ret > 0 ? ret : 0;

	if (write) {
		t->io.wchar += n;
		t->io.syscw++;
	} else {
		t->io.rchar += n;
		t->io.syscr++;
	}
	return ret;
}

bool may_position(const struct file *f, bool write)
{
	return (f->f_mode & FMODE_LSEEK) && !(f->f_mode & FMODE_NO_PREAD) &&
	       !(write && (f->f_mode & FMODE_NO_PWRITE));
}

static long rw_flat(struct task_struct *t, const struct sysargs *a, u64 *pos, bool write)
{
	struct file *f = fdget(t, a->arg[0]);
	struct iovec iov = {(void *)a->arg[1], min(a->arg[2], MAX_RW_COUNT)};
	struct iov_iter it = {t->mm, &iov, 1, 0, iov.iov_len, false};
	long ret;

	if (!f)
		return -EBADF;
	if (pos && !may_position(f, write))
		ret = -ESPIPE;
	else if (!mode_ok(f, write))
		ret = -EBADF;
	else if (!access_ok(a->arg[1], a->arg[2]))
		ret = -EFAULT;
	else
		ret = account(t, write, transfer(t, f, &it, pos, write));
	fput(f);
	return ret;
}

/* read(2). Bytes, 0 at the end. -EBADF, -EINVAL, -EISDIR, -EAGAIN; what the file says. May sleep:
 * -ERESTARTSYS. */
long sys_read(struct task_struct *t, const struct sysargs *a)
{
	return rw_flat(t, a, NULL, false);
}

/* write(2). Bytes. As read(2); -EFBIG: the limit, with SIGXFSZ; -EPIPE, with SIGPIPE; -EPERM: sealed. */
long sys_write(struct task_struct *t, const struct sysargs *a)
{
	return rw_flat(t, a, NULL, true);
}

static long rw_positioned(struct task_struct *t, const struct sysargs *a, s64 pos, bool write)
{
	u64 p = pos;

	return pos < 0 ? -EINVAL : rw_flat(t, a, &p, write);
}

/* pread(2). -EINVAL: negative; -ESPIPE; as read(2). */
long sys_pread64(struct task_struct *t, const struct sysargs *a)
{
	return rw_positioned(t, a, a->arg[3], false);
}

/* pwrite(2). -EINVAL: negative; -ESPIPE; as write(2). */
long sys_pwrite64(struct task_struct *t, const struct sysargs *a)
{
	return rw_positioned(t, a, a->arg[3], true);
}

/* i386's pread(2): the offset comes in two halves. */
long sys_pread32(struct task_struct *t, const struct sysargs *a)
{
	return rw_positioned(t, a, a->arg[4] << 32 | a->arg[3], false);
}

/* i386's pwrite(2), as its pread(2). */
long sys_pwrite32(struct task_struct *t, const struct sysargs *a)
{
	return rw_positioned(t, a, a->arg[4] << 32 | a->arg[3], true);
}

/* --- vectors --------------------------------------------------------------------------------- */

int iovec_from_user(struct task_struct *t, gva_t addr, u64 nr, struct iovec *fast,
		    struct iovec **iov)
{
	u64 bytes = nr * sizeof(**iov), left;

	*iov = fast;
	if (nr > UIO_MAXIOV_K)
		return -EINVAL;
	if (nr > (fast ? FAST_IOV : 0)) {
		*iov = kmalloc(&t->machine->mem, bytes, GFP_KERNEL);
		if (!*iov)
			return -ENOMEM;
	}
	if (nr && !access_ok(addr, bytes)) /* before any of it is looked at */
		return -EFAULT;
	left = copy_from_user(t->mm, *iov, addr, bytes);
	for (u64 i = 0; i < (bytes - left) / sizeof(**iov); i++)
		if ((s64)(*iov)[i].iov_len < 0)
			return -EINVAL;
	return left ? -EFAULT : 0;
}

long import_iovec(struct task_struct *t, gva_t addr, u64 nr, struct iovec *fast, struct iovec **iov)
{
	int err = iovec_from_user(t, addr, nr, fast, iov);
	u64 total = 0;

	if (err)
		return err;
	for (u64 i = 0; i < nr; i++) {
		struct iovec *v = &(*iov)[i];

		if (nr == 1) /* cut before it is looked at: import_ubuf() */
			v->iov_len = min((u64)v->iov_len, MAX_RW_COUNT);
		if (!access_ok((gva_t)v->iov_base, v->iov_len))
			return -EFAULT;
		v->iov_len = min((u64)v->iov_len, MAX_RW_COUNT - total);
		total += v->iov_len;
	}
	return total;
}

/* Bits of f_flags for one call's sake; the host is told, too. 0 or -errno. */
static int set_flags(struct file *f, int set, int clear)
{
	int flags = (f->f_flags | set) & ~clear, err = 0;

	if (f->f_op->setfl && flags != (int)f->f_flags)
		err = f->f_op->setfl(f, flags);
	if (!err)
		f->f_flags = flags;
	return err;
}

/* Would a read of a file with a page cache have to ask the host? What no cache holds does not wait, or knows
 * O_NONBLOCK itself. */
static bool must_wait(struct file *f, const struct iov_iter *it, u64 pos)
{
	struct address_space *as = f->f_mapping;
	u64 at, end;

	if (!as)
		return false;
	end = min(pos + it->count, as->i_size);
	for (at = pos & PAGE_MASK; at < end; at += PAGE_SIZE) {
		struct page *page = find_get_page(as, at >> PAGE_SHIFT);

		if (!page)
			return true;
		put_page(as->mem, page);
	}
	return false;
}

/* RWF_DSYNC and RWF_SYNC: what was written is durable before the call returns. */
static long make_durable(struct file *f, long ret, u32 rwf)
{
	int err = 0;

	if (ret > 0 && (rwf & (K_RWF_DSYNC | K_RWF_SYNC)) && f->f_op->fsync)
		err = f->f_op->fsync(f, !(rwf & K_RWF_SYNC));
	return err ? err : ret;
}

/* The same with RWF_ flags. -EOPNOTSUPP, -EINVAL: those. -EAGAIN: RWF_NOWAIT. See: Linux, kiocb_set_rw_flags(). */
static long transfer_flags(struct task_struct *t, struct file *f, struct iov_iter *it, u64 *pos,
			   bool write, u32 rwf)
{
	int set, clear, flags = f->f_flags;
	long ret;

	if (rwf & ~K_RWF_SUPPORTED)
		return -EOPNOTSUPP;
	if ((rwf & K_RWF_APPEND) && (rwf & K_RWF_NOAPPEND))
		return -EINVAL;
	if ((rwf & K_RWF_NOWAIT) && !write && must_wait(f, it, pos ? *pos : f->f_pos))
		return -EAGAIN;
	set = rwf & K_RWF_NOWAIT && !f->f_mapping ? O_NONBLOCK : 0;
	set |= rwf & K_RWF_APPEND && write && f->f_mapping ? O_APPEND : 0;
	clear = rwf & K_RWF_NOAPPEND && write ? O_APPEND : 0;
	ret = set_flags(f, set, clear);
	if (ret)
		return ret;
	ret = do_transfer(t, f, it, pos, write, rwf & K_RWF_NOSIGNAL);
	set_flags(f, flags & clear, set & ~flags);
	return write ? make_durable(f, ret, rwf) : ret;
}

static long rw_vector(struct task_struct *t, const struct sysargs *a, u64 *pos, bool write, u32 rwf)
{
	struct iovec fast[FAST_IOV], *iov = fast;
	struct file *f = fdget(t, a->arg[0]);
	struct iov_iter it;
	long ret;

	if (!f)
		return account(t, write, -EBADF); /* unlike read(2) and write(2) */
	if (pos && !may_position(f, write)) {
		ret = -ESPIPE;
	} else if (!mode_ok(f, write)) {
		ret = -EBADF;
	} else {
		ret = import_iovec(t, a->arg[1], a->arg[2], fast, &iov);
		if (ret > 0) {
			it = (struct iov_iter){t->mm, iov, a->arg[2], 0, ret, false};
			ret = rwf ? transfer_flags(t, f, &it, pos, write, rwf)
				  : transfer(t, f, &it, pos, write);
		}
		if (iov != fast)
			kfree(&t->machine->mem, iov);
	}
	fput(f);
	return account(t, write, ret);
}

/* readv(2). -EINVAL: the vector; as read(2). */
long sys_readv(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector(t, a, NULL, false, 0);
}

/* writev(2). -EINVAL: the vector; as write(2). */
long sys_writev(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector(t, a, NULL, true, 0);
}

static long rw_vector_at(struct task_struct *t, const struct sysargs *a, bool write, u32 rwf)
{
	u64 pos = a->arg[3];

	return (s64)pos < 0 ? -EINVAL : rw_vector(t, a, &pos, write, rwf);
}

/* preadv(2). As readv(2) and pread(2). */
long sys_preadv(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector_at(t, a, false, 0);
}

/* pwritev(2). As writev(2) and pwrite(2). */
long sys_pwritev(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector_at(t, a, true, 0);
}

/* Offset -1 is the file's position. */
static long rw_vector2(struct task_struct *t, const struct sysargs *a, bool write)
{
	return a->arg[3] == ~0UL ? rw_vector(t, a, NULL, write, a->arg[5])
				 : rw_vector_at(t, a, write, a->arg[5]);
}

/* preadv2(2). As preadv(2); -EOPNOTSUPP, -EINVAL: flags; -EAGAIN: RWF_NOWAIT. */
long sys_preadv2(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector2(t, a, false);
}

/* pwritev2(2). As pwritev(2); -EOPNOTSUPP, -EINVAL: flags; -EAGAIN: RWF_NOWAIT. */
long sys_pwritev2(struct task_struct *t, const struct sysargs *a)
{
	return rw_vector2(t, a, true);
}

/* --- from file to file ----------------------------------------------------------------------- */

long copy_bytes(struct task_struct *t, struct file *in, u64 *ipos, struct file *out, u64 *opos,
		u64 n)
{
	struct memory *mem = &t->machine->mem;
	void *buf = kmalloc(mem, COPY_CHUNK, GFP_KERNEL);
	struct iov_iter it;
	struct iovec iov;
	long done = 0, got = 0, put;

	if (!buf)
		return -ENOMEM;
	while (n) {
		iov_iter_host(&it, &iov, buf, min(n, COPY_CHUNK));
		got = transfer(t, in, &it, ipos, false);
		if (got <= 0)
			break;
		iov_iter_host(&it, &iov, buf, got);
		put = transfer(t, out, &it, opos, true);
		if (put != got) { /* what was read but not written was not read */
			*(ipos ? ipos : &in->f_pos) -= got - (put > 0 ? put : 0);
			done += put > 0 ? put : 0;
			got = put;
			break;
		}
		done += got;
		n -= got;
	}
	kfree(mem, buf);
	return done ? done : got;
}

/* Into a pipe of the guest's, in one go: what there is room for. */
static long splice_bytes(struct task_struct *t, struct file *in, u64 *ipos, struct file *out, u64 n)
{
	long ret = splice_file_to_pipe(in, ipos ? ipos : &in->f_pos, get_pipe_info(out), n,
				       out->f_flags & O_NONBLOCK);

	if (ret == -EPIPE)
		send_own(t, SIGPIPE);
	return ret;
}

/* copy_file_range(2): regular files of one file system only. */
static int check_copy_range(struct file *in, struct file *out)
{
	struct stat ist, ost;

	if (file_stat(in, &ist) || file_stat(out, &ost))
		return -EINVAL;
	if (S_ISDIR(ist.st_mode) || S_ISDIR(ost.st_mode))
		return -EISDIR;
	if (!S_ISREG(ist.st_mode) || !S_ISREG(ost.st_mode))
		return -EINVAL;
	if (out->f_flags & O_APPEND)
		return -EBADF;
	return ist.st_dev != ost.st_dev ? -EXDEV : 0;
}

/* Would up to @n bytes, as far as there are any, be copied within one file to where they come from? */
static bool overlaps(struct file *in, u64 ipos, struct file *out, u64 opos, u64 n)
{
	struct stat ist, ost;

	if (file_stat(in, &ist) || file_stat(out, &ost) || ist.st_dev != ost.st_dev ||
	    ist.st_ino != ost.st_ino)
		return false;
	n = ipos < (u64)ist.st_size ? min(n, ist.st_size - ipos) : 0;
	return opos + n > ipos && opos < ipos + n;
}

/* Opens both ends and reads the offsets behind the pointers, which get the new ones afterwards. */
static long copy_files(struct task_struct *t, u64 ifd, gva_t ioff, u64 ofd, gva_t ooff, u64 n,
		       int (*check)(struct file *in, struct file *out))
{
	struct file *in = fdget(t, ifd), *out = fdget(t, ofd);
	u64 ipos = 0, opos = 0;
	long ret = -EBADF;
	bool wraps;

	if (!in || !out || !mode_ok(in, false) || !mode_ok(out, true))
		goto put;
	ret = -EFAULT;
	if ((ioff && get_user(t->mm, ipos, ioff)) || (ooff && get_user(t->mm, opos, ooff)))
		goto put;
	ret = -ESPIPE;
	if ((ioff && !(in->f_mode & FMODE_LSEEK)) || (ooff && !(out->f_mode & FMODE_LSEEK)))
		goto put;
	wraps = ipos + n < ipos || opos + n < opos;
	ret = check == check_copy_range && wraps ? -EOVERFLOW : -EINVAL;
	if ((s64)ipos < 0 || (s64)opos < 0)
		goto put;
	ret = check(in, out);
	n = min(n, MAX_RW_COUNT);
	if (!ret && check == check_copy_range &&
	    overlaps(in, ioff ? ipos : in->f_pos, out, ooff ? opos : out->f_pos, n))
		ret = -EINVAL;
	if (ret)
		goto put;
	if (get_pipe_info(out))
		ret = splice_bytes(t, in, ioff ? &ipos : NULL, out, n);
	else
		ret = copy_bytes(t, in, ioff ? &ipos : NULL, out, ooff ? &opos : NULL, n);
	account(t, false, ret);
	account(t, true, ret);
	if (ret > 0 &&
	    ((ioff && put_user(t->mm, ipos, ioff)) || (ooff && put_user(t->mm, opos, ooff))))
		ret = -EFAULT;
put:
	if (in)
		fput(in);
	if (out)
		fput(out);
	return ret;
}

static bool is_mem_device(const struct stat *st, u32 minor)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, minor);
}

bool can_splice_from(struct file *in)
{
	struct stat st;

	return in->f_op->read_iter && !(in->f_mode & FMODE_NO_SPLICE) && !file_stat(in, &st) &&
	       !S_ISDIR(st.st_mode) && !is_mem_device(&st, 3);
}

bool can_splice_to(struct file *out)
{
	struct stat st;

	return out->f_op->write_iter && !(out->f_mode & FMODE_NO_SPLICE) && !file_stat(out, &st) &&
	       !is_mem_device(&st, 7);
}

/* sendfile(2): what can be spliced, but from no pipe and to nothing with O_APPEND. */
static int check_sendfile(struct file *in, struct file *out)
{
	struct stat st;

	if ((out->f_flags & O_APPEND) || !can_splice_from(in) || !can_splice_to(out))
		return -EINVAL;
	/* What could not be written would be lost. See: splice_direct_to_actor(). */
	if (!(in->f_mode & FMODE_LSEEK) && !get_pipe_info(out))
		return -EINVAL;
	return file_stat(in, &st) || S_ISFIFO(st.st_mode) ? -EINVAL : 0;
}

/* sendfile(2). Bytes. -EBADF, -EINVAL, -ESPIPE; as read(2) and write(2). */
long sys_sendfile(struct task_struct *t, const struct sysargs *a)
{
	return copy_files(t, a->arg[1], a->arg[2], a->arg[0], 0, a->arg[3], check_sendfile);
}

/* copy_file_range(2). Bytes. -EBADF, -EISDIR; -EINVAL: flags, no regular file, overlapping ranges; -EXDEV; as read(2) and write(2). */
long sys_copy_file_range(struct task_struct *t, const struct sysargs *a)
{
	if ((u32)a->arg[5])
		return -EINVAL;
	return copy_files(t, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4],
			  check_copy_range);
}

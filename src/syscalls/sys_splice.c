/* splice(2), tee(2), vmsplice(2): the arguments. Where the bytes go is fs/splice.c's and fs/splice_pipe.c's. */
#include "syscalls/internal.h"

#include <sys/ioctl.h>

#include "base/host_fs.h"
#include "fs/pipe.h"
#include "fs/poll.h"
#include "fs/socket.h"

#define SPLICE_F_ALL_K (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* Two files of one call. */
struct ends {
	struct file *in, *out;
	struct pipe_inode_info *ipipe, *opipe; /* or NULL: no pipes */
	bool nonblock;
};

static bool open_ends(struct task_struct *t, u64 in, u64 out, u32 flags, struct ends *e)
{
	e->in = fdget(t, in);
	e->out = fdget(t, out);
	if (!e->in || !e->out)
		return false;
	e->ipipe = get_pipe_info(e->in);
	e->opipe = get_pipe_info(e->out);
	e->nonblock = flags & SPLICE_F_NONBLOCK;
	return true;
}

static void close_ends(struct ends *e)
{
	if (e->in)
		fput(e->in);
	if (e->out)
		fput(e->out);
}

static bool ends_open_for(const struct ends *e)
{
	return (e->in->f_mode & FMODE_READ) && (e->out->f_mode & FMODE_WRITE);
}

static bool ends_nonblock(const struct ends *e)
{
	return e->nonblock || ((e->in->f_flags | e->out->f_flags) & O_NONBLOCK);
}

/* What a call gave, with the signal that goes with -EPIPE. */
static long spliced(struct task_struct *t, long ret)
{
	if (ret == -EPIPE)
		send_own(t, SIGPIPE);
	return ret == -EINTR ? -ERESTARTSYS : ret;
}

/* @pos NULL: the file's own position. */
static long from_pipe(struct task_struct *t, struct ends *e, u64 *pos, u64 len)
{
	u64 at = pos ? *pos : e->out->f_pos;
	struct iov_iter it = {.count = len};
	long ret;

	if ((pos && !may_position(e->out, true)) || (e->out->f_flags & O_APPEND))
		return -EINVAL;
	if ((s64)at < 0 || !can_splice_to(e->out))
		return -EINVAL;
	ret = limit_write(t, e->out, &it, at);
	if (ret)
		return ret;
	ret = splice_pipe_to_file(e->ipipe, e->out, &at, it.count,
				  e->nonblock || (e->in->f_flags & O_NONBLOCK));
	*(pos ? pos : &e->out->f_pos) = at;
	if (ret == (long)it.count && it.count < len && !pipe_empty(e->ipipe))
		send_own(t, SIGXFSZ); /* Linux tries the rest, too */
	return ret;
}

static long to_pipe(struct ends *e, u64 *pos, u64 len)
{
	u64 at = pos ? *pos : e->in->f_pos;
	long ret;

	if (pos && !may_position(e->in, false))
		return -EINVAL;
	if ((s64)at < 0 || !can_splice_from(e->in))
		return -EINVAL;
	/* A socket heeds the call's flag; others only their own. */
	if (e->nonblock && sock_from_file(e->in) &&
	    !(vfs_poll(e->in, NULL) & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)))
		return -EAGAIN;
	ret = splice_file_to_pipe(e->in, &at, e->opipe, len,
				  e->nonblock || (e->out->f_flags & O_NONBLOCK));
	*(pos ? pos : &e->in->f_pos) = at;
	return ret;
}

/* A pipe that was inherited, or has a process of the host's at its other end: bytes cannot be lent to it. */
static bool is_host_pipe(struct file *f)
{
	struct stat st;

	return !get_pipe_info(f) && !file_stat(f, &st) && S_ISFIFO(st.st_mode);
}

/* As many bytes of a host's pipe as are there, at least one, and then without waiting. */
static u64 bytes_there(struct file *in, u64 len)
{
	int avail = 0;

	if (!is_host_pipe(in))
		return len;
	if (host_ioctl(in->host_fd, FIONREAD, &avail) || avail <= 0)
		avail = 1;
	return min(len, (u64)avail);
}

/* One end is the host's pipe, so bytes are copied, at most what a pipe holds. */
static long with_host_pipe(struct task_struct *t, struct ends *e, u64 *ipos, u64 *opos, u64 len)
{
	if ((ipos && is_host_pipe(e->in)) || (opos && is_host_pipe(e->out)))
		return -ESPIPE;
	if (!can_splice_from(e->in) || !can_splice_to(e->out))
		return -EINVAL;
	return copy_bytes(t, e->in, ipos, e->out, opos, bytes_there(e->in, min(len, 65536UL)));
}

static long do_splice(struct task_struct *t, struct ends *e, u64 *ipos, u64 *opos, u64 len)
{
	if (!ends_open_for(e))
		return -EBADF;
	if (e->ipipe && e->opipe)
		return e->ipipe == e->opipe ? -EINVAL
					    : splice_pipe_to_pipe(e->ipipe, e->opipe, len, false,
								  ends_nonblock(e));
	if (e->ipipe)
		return from_pipe(t, e, opos, len);
	if (e->opipe)
		return to_pipe(e, ipos, len);
	if (is_host_pipe(e->in) || is_host_pipe(e->out))
		return with_host_pipe(t, e, ipos, opos, len);
	return -EINVAL;
}

/* splice(2). Bytes. -EBADF; -EINVAL: flags, no pipe, the same pipe, O_APPEND, what cannot be spliced; -ESPIPE: an offset
 * of a pipe; -EPIPE with SIGPIPE; -EAGAIN; what the file says. May sleep. */
long sys_splice(struct task_struct *t, const struct sysargs *a)
{
	u64 ipos = 0, opos = 0, len = min(a->arg[4], MAX_RW_COUNT);
	u32 flags = a->arg[5];
	long ret = -EBADF;
	struct ends e;

	if (!len)
		return 0;
	if (flags & ~SPLICE_F_ALL_K)
		return -EINVAL;
	if (!open_ends(t, a->arg[0], a->arg[2], flags, &e))
		goto put;
	ret = -ESPIPE;
	if ((e.ipipe && a->arg[1]) || (e.opipe && a->arg[3]))
		goto put;
	ret = -EFAULT;
	if ((a->arg[3] && get_user(t->mm, opos, a->arg[3])) ||
	    (a->arg[1] && get_user(t->mm, ipos, a->arg[1])))
		goto put;
	ret = do_splice(t, &e, a->arg[1] ? &ipos : NULL, a->arg[3] ? &opos : NULL, len);
	if (ret >= 0 && ((a->arg[3] && put_user(t->mm, opos, a->arg[3])) ||
			 (a->arg[1] && put_user(t->mm, ipos, a->arg[1]))))
		ret = -EFAULT;
put:
	close_ends(&e);
	return spliced(t, ret);
}

/* tee(2). Bytes. -EBADF; -EINVAL: flags, not two pipes; -EPIPE with SIGPIPE; -EAGAIN. May sleep. */
long sys_tee(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[3];
	long ret = -EBADF;
	struct ends e;

	if (flags & ~SPLICE_F_ALL_K)
		return -EINVAL;
	if (!a->arg[2])
		return 0;
	if (open_ends(t, a->arg[0], a->arg[1], flags, &e) && ends_open_for(&e)) {
		ret = -EINVAL;
		if (e.ipipe && e.opipe && e.ipipe != e.opipe)
			ret = splice_pipe_to_pipe(e.ipipe, e.opipe, min(a->arg[2], MAX_RW_COUNT),
						  true, ends_nonblock(&e));
	}
	close_ends(&e);
	return spliced(t, ret);
}

/* From the pipe to memory is a read. */
static long vmsplice_file(struct task_struct *t, struct file *f, struct iov_iter *it, u32 flags)
{
	struct pipe_inode_info *pipe = get_pipe_info(f);
	u64 pos = 0;
	long ret;

	if (!pipe && !is_host_pipe(f))
		return -EBADF;
	if (!pipe)
		return f->f_mode & FMODE_WRITE ? spliced(t, vfs_write(f, it, &pos))
					       : spliced(t, vfs_read(f, it, &pos));
	if (f->f_mode & FMODE_WRITE)
		return spliced(t, splice_user_to_pipe(it, pipe, flags & SPLICE_F_NONBLOCK));
	ret = pipe_wait_readable(pipe, flags & SPLICE_F_NONBLOCK);
	return ret ? ret : vfs_read(f, it, &pos);
}

/* vmsplice(2). Bytes. -EBADF: no pipe; -EINVAL: flags, the vector; -EAGAIN, -EPIPE with SIGPIPE. May sleep. */
long sys_vmsplice(struct task_struct *t, const struct sysargs *a)
{
	struct iovec fast[FAST_IOV], *iov = fast;
	u32 flags = a->arg[3];
	struct iov_iter it;
	struct file *f;
	long ret;

	if (flags & ~SPLICE_F_ALL_K)
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	ret = f->f_mode & (FMODE_READ | FMODE_WRITE)
		      ? import_iovec(t, a->arg[1], a->arg[2], fast, &iov)
		      : -EBADF;
	if (ret > 0) {
		it = (struct iov_iter){t->mm, iov, a->arg[2], 0, ret, false};
		ret = vmsplice_file(t, f, &it, flags);
	}
	if (iov != fast)
		kfree(&t->machine->mem, iov);
	fput(f);
	return ret;
}

/* sync_file_range(2): what its flags say is more than the host is asked for, but not less. -EINVAL: the range, flags;
 * -EBADF; -ESPIPE: neither a file nor a directory. */
long sys_sync_file_range(struct task_struct *t, const struct sysargs *a)
{
	u32 flags = a->arg[3];
	s64 from = a->arg[1], len = a->arg[2], end;
	struct file *f;
	struct stat st;
	long ret = 0;

	if (flags & ~7U)
		return -EINVAL;
	if (from < 0 || __builtin_add_overflow(from, len, &end) || end < from)
		return -EINVAL;
	f = fdget(t, a->arg[0]);
	if (!f)
		return -EBADF;
	if (file_stat(f, &st) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode)))
		ret = -ESPIPE;
	else if (flags && S_ISREG(st.st_mode) && f->f_op->fsync)
		ret = f->f_op->fsync(f, true);
	fput(f);
	return ret;
}

/* What is not a regular file or a directory: terminals, pipes, sockets and devices of the host.
 *
 * Bytes pass through a bounce buffer of the guest kernel's. The host's descriptor stays in
 * whatever mode it came: before a call that could block, readiness is asked for, and the task
 * sleeps in event_wait_fd() until there is some. Not for: pipes of our own.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/hostfs.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"
#include "mm/uaccess.h"

#define BOUNCE 65536UL
#define PIPE_ROOM 4096UL /* a writable pipe takes this much without blocking (PIPE_BUF) */

static u32 type_of(const struct file *f)
{
	return f->f_path.dentry->mode & S_IFMT;
}

/* Which byte stream can block? Plain devices answer at once. */
static bool may_block(const struct file *f)
{
	return !(f->f_mode & FMODE_LSEEK);
}

/* A read drains what is there: a pipe or socket; a terminal hands out lines. */
static bool is_queue(const struct file *f)
{
	return type_of(f) == S_IFIFO || type_of(f) == S_IFSOCK;
}

static int wait_ready(struct file *f, u32 events)
{
	int err;

	if (!may_block(f))
		return 0;
	for (;;) { /* somebody else may be faster after a sleep */
		f->vfs->events->epoch++;
		err = host_poll(f->host_fd, events, 0);
		if (err > 0)
			return 0;
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = event_wait_fd(f->vfs->events, f->host_fd, events, WAIT_FOREVER);
		if (err)
			return err == -EINTR ? -ERESTARTSYS : err;
	}
}

/* How much may be taken off the host so that nothing is lost if the guest's buffer cannot be
 * written: only as much as fits, of what is there. -EFAULT: none of it. */
static long readable(struct file *f, const struct iov_iter *to, u64 n)
{
	int avail = 0;
	u64 fits;

	if (!may_block(f) || host_ioctl(f->host_fd, FIONREAD, &avail) || avail <= 0)
		return n; /* the end, an error, or a device without memory: nothing to lose */
	n = min(n, (u64)avail);
	fits = iov_iter_fault_in(to, n, true);
	if (!fits)
		return -EFAULT;
	/* That may have slept, and others have read. */
	avail = to->mm && unlikely(to->mm->uffd_used) ? wait_ready(f, POLLIN) : 0;
	return avail ? avail : (long)fits;
}

static long read_some(struct file *f, void *buf, struct iov_iter *to, u64 *pos)
{
	long n = readable(f, to, min(to->count, BOUNCE)), got;

	if (n < 0)
		return n;
	do {
		if (may_block(f))
			got = host_read(f->host_fd, buf, n);
		else
			got = host_pread(f->host_fd, buf, n, *pos);
	} while (got == -EINTR);
	if (got <= 0)
		return got;
	n = copy_to_iter(buf, got, to);
	*pos += n;
	return n ? n : -EFAULT;
}

/* After @n bytes: is there more to be had without waiting? */
static bool more(struct file *f, long n)
{
	int avail = 0;

	if (!may_block(f))
		return n == BOUNCE;
	return is_queue(f) && !host_ioctl(f->host_fd, FIONREAD, &avail) && avail > 0;
}

static long hostdev_read_iter(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct memory *m = f->vfs->mem;
	long done = 0, n;
	void *buf;

	if (!to->count)
		return 0;
	n = wait_ready(f, POLLIN);
	if (n)
		return n;
	buf = kmalloc(m, min(to->count, BOUNCE), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	do {
		n = read_some(f, buf, to, pos);
		if (n > 0)
			done += n;
	} while (n > 0 && to->count && more(f, n));
	kfree(m, buf);
	return done ? done : n;
}

static long write_some(struct file *f, void *buf, struct iov_iter *from, u64 *pos)
{
	u64 room = may_block(f) ? PIPE_ROOM : BOUNCE;
	struct iov_iter start = *from;
	long n, put, err;

	err = wait_ready(f, POLLOUT);
	if (err)
		return err;
	n = copy_from_iter(buf, min(from->count, room), from);
	if (!n)
		return -EFAULT;
	err = from->mm && unlikely(from->mm->uffd_used) ? wait_ready(f, POLLOUT) : 0;
	if (err) { /* the copy slept, and others have written */
		*from = start;
		return err;
	}
	do {
		if (may_block(f))
			put = host_write(f->host_fd, buf, n);
		else
			put = host_pwrite(f->host_fd, buf, n, *pos);
	} while (put == -EINTR);
	if (put > 0)
		*pos += put;
	if (put < n) { /* what the host did not take is still the guest's to write */
		*from = start;
		iov_iter_advance(from, put > 0 ? put : 0);
	}
	return put;
}

static long hostdev_write_iter(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct memory *m = f->vfs->mem;
	u64 len = from->count;
	long done = 0, n = 0;
	void *buf;

	buf = kmalloc(m, may_block(f) ? PIPE_ROOM : min(max(len, 1UL), BOUNCE), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (from->count) {
		n = write_some(f, buf, from, pos);
		if (n <= 0)
			break;
		done += n;
	}
	kfree(m, buf);
	return done ? done : n;
}

s64 host_file_llseek(struct file *f, s64 off, int whence)
{
	s64 pos;

	if (whence == SEEK_CUR)
		host_lseek(f->host_fd, f->f_pos, SEEK_SET);
	pos = host_lseek(f->host_fd, off, whence);
	if (pos >= 0)
		f->f_pos = pos;
	return pos;
}

int host_file_fsync(struct file *f, bool datasync)
{
	return datasync ? host_fdatasync(f->host_fd) : host_fsync(f->host_fd);
}

static s64 hostdev_llseek(struct file *f, s64 off, int whence)
{
	return f->f_mode & FMODE_LSEEK ? host_file_llseek(f, off, whence) : -ESPIPE;
}

/* --- poll: the event loop watches the descriptor while somebody sleeps --------------------------- */

#define POLL_ASKED                                                                                 \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND |    \
	 EPOLLWRBAND)

struct host_watch {
	struct event_fd watch;
	struct event_fd edges;	   /* for epoll: each change, as long as the file lives */
	struct wait_queue_head wq; /* of pollers */
};

static void host_watch_fn(struct event_fd *w, u32 revents __unused)
{
	wake_up(&container_of(w, struct host_watch, watch)->wq);
}

static void host_edge_fn(struct event_fd *w, u32 revents __unused)
{
	wake_up(&container_of(w, struct host_watch, edges)->wq);
}

static struct host_watch *get_host_watch(struct file *f)
{
	struct host_watch *hw = f->private_data;

	if (hw)
		return hw;
	hw = kmalloc(f->vfs->mem, sizeof(*hw), GFP_KERNEL);
	if (!hw)
		return NULL;
	event_fd_init(&hw->watch, host_watch_fn);
	event_fd_init(&hw->edges, host_edge_fn);
	init_waitqueue_head(&hw->wq, f->vfs->events->sched);
	f->private_data = hw;
	return hw;
}

/* Several may wait, for different things: the watch is for all of them until it has fired, and then
 * each arms it anew when it finds that it was not meant. */
static void watch_host(struct file *f, struct poll_table *pt)
{
	struct host_watch *hw = get_host_watch(f);
	u32 events;
	int err;

	if (!hw) {
		pt->error = -ENOMEM;
		return;
	}
	poll_wait(f, &hw->wq, pt);
	events = (pt->key & POLL_ASKED) | EPOLLERR | EPOLLHUP;
	err = event_fd_arm(f->vfs->events, &hw->watch, f->host_fd, hw->watch.events | events);
	if (err && err != -EPERM)
		pt->error = err;
}

/* The host tells of what is ready already as of a change: that goes by before the entry is on the queue. */
static void watch_edges(struct file *f, struct poll_table *pt)
{
	struct host_watch *hw = get_host_watch(f);
	bool first;

	if (!hw) {
		pt->error = -ENOMEM;
		return;
	}
	first = hw->edges.fd < 0;
	pt->error = event_fd_watch(f->vfs->events, &hw->edges, f->host_fd);
	if (pt->error) /* -EPERM: always ready */
		return;
	if (first)
		event_loop_run(f->vfs->events, false);
	poll_wait(f, &hw->wq, pt);
}

static unsigned hostdev_poll(struct file *f, struct poll_table *pt)
{
	int mask;

	if (pt && pt->lasting && pt->qproc)
		watch_edges(f, pt);
	mask = host_poll(f->host_fd, POLL_ASKED, 0);
	f->vfs->events->epoch++;
	mask = mask > 0 ? mask : 0;
	if (pt && !pt->lasting && !(mask & (pt->key | EPOLLERR | EPOLLHUP)))
		watch_host(f, pt);
	return mask;
}

static void hostdev_release(struct file *f)
{
	struct host_watch *hw = f->private_data;

	if (!hw)
		return;
	event_fd_del(f->vfs->events, &hw->watch);
	event_fd_del(f->vfs->events, &hw->edges);
	kfree(f->vfs->mem, hw);
}

/* --- ioctl ------------------------------------------------------------------------------------ */

enum ioctl_dir { DIR_R, DIR_W, DIR_V };

static const struct host_ioctl {
	u32 cmd;
	u16 size;
	u16 dir;
} host_ioctls[] = {
#define HOST_IOCTL(cmd, size, dir) {cmd, size, DIR_##dir},
#include "fs/ioctls.def"
#undef HOST_IOCTL
};

static long hostdev_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	const struct host_ioctl *row = host_ioctls;
	u8 buf[64];
	long ret;

	_Static_assert(sizeof(buf) >= 44, "the largest row");
	while (row < host_ioctls + ARRAY_SIZE(host_ioctls) && row->cmd != cmd)
		row++;
	if (row == host_ioctls + ARRAY_SIZE(host_ioctls))
		return -ENOTTY;
	if (row->dir == DIR_V)
		return host_ioctl(f->host_fd, cmd, (void *)arg);
	if (row->dir == DIR_W && copy_from_user(mm, buf, arg, row->size))
		return -EFAULT;
	ret = host_ioctl(f->host_fd, cmd, buf);
	if (ret >= 0 && row->dir == DIR_R && copy_to_user(mm, arg, buf, row->size))
		return -EFAULT;
	return ret;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int hostdev_ftruncate(struct file *f __unused, u64 size __unused)
{
	return -EINVAL;
}

const struct file_operations hostdev_fops = {
	.read_iter = hostdev_read_iter,
	.write_iter = hostdev_write_iter,
	.llseek = hostdev_llseek,
	.ioctl = hostdev_ioctl,
	.poll = hostdev_poll,
	.fsync = host_file_fsync,
	.ftruncate = hostdev_ftruncate,
	.release = hostdev_release,
};

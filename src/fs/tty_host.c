/* Terminals of the host: their lines, termios and sizes are the host's, sessions and foreground groups
 * ours. See tty_internal.h; tty(4).
 *
 * Vellum as a whole has a place on the host's terminal, too: what it may not do from the background there
 * stops all of it, as it would stop the program alone. What reads and writes never blocks the host thread: it
 * uses a description of its own that does not block, so that the one that was handed in stays as it is.
 * Not for: masters of the host's pairs, which are devices like others (hostdev.c).
 */
#include <signal.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "base/host_proc.h"
#include "fs/hostfs.h"
#include "fs/internal.h"
#include "fs/iov_iter.h"
#include "fs/tty_internal.h"

#define K_TIOCGDEV 0x80045432UL
#define K_TCGETS2 0x802c542aUL
#define K_TCSETSW2 0x402c542cUL
#define CHUNK 4096UL
#define TENTH_NS 100000000UL
#define FOREVER (~0UL)
#define MEM_MAJOR 1U /* /dev/null and its kin */

/* --- which there are --------------------------------------------------------------------------- */

static struct tty_struct *find_dev(struct vfs *v, u32 dev)
{
	struct tty_struct *tty;

	list_for_each_entry (tty, &v->in->host_ttys, node)
		if (tty->dev == dev)
			return tty;
	return NULL;
}

struct tty_struct *tty_host_find_pts(struct vfs *v, u32 index)
{
	return find_dev(v, makedev(136 + (index >> 20), index & 0xfffff));
}

/* The one that @fd is open on, with a reference; NULL: no terminal. ERR_PTR(-ENOMEM, -EMFILE). */
static struct tty_struct *tty_host_get(struct vfs *v, int fd)
{
	struct tty_struct *tty;
	u32 dev;

	if (host_ioctl(fd, K_TIOCGDEV, &dev))
		return NULL;
	tty = find_dev(v, dev);
	if (tty) {
		tty_get(tty);
		return tty;
	}
	tty = tty_alloc(v, TTY_HOST, dev);
	if (!tty)
		return ERR_PTR(-ENOMEM);
	tty->index = minor(dev);
	tty->host_fd = host_fd_reopen(fd, O_RDWR | O_NOCTTY | O_NONBLOCK);
	tty->host_nonblock = tty->host_fd >= 0;
	if (tty->host_fd < 0)
		tty->host_fd = host_dup(fd);
	if (tty->host_fd < 0) {
		int err = tty->host_fd;

		tty_put(tty);
		return ERR_PTR(err);
	}
	list_add_tail(&tty->node, &v->in->host_ttys);
	return tty;
}

void tty_host_close(struct tty_struct *tty)
{
	host_close(tty->host_fd);
}

int tty_adopt_host_file(struct file *f, int flags)
{
	struct vfs *v = f->vfs;
	struct tty_struct *tty;
	struct stat st;

	if (host_fstat(f->host_fd, &st) || !S_ISCHR(st.st_mode) || major(st.st_rdev) == MEM_MAJOR ||
	    st.st_rdev == makedev(5, 2))
		return 0;
	tty = tty_host_get(v, f->host_fd);
	if (IS_ERR_OR_NULL(tty))
		return PTR_ERR(tty);
	f->f_op = &host_tty_fops;
	f->f_tty = tty;
	if (!(flags & O_NOCTTY) && v->tty_jobs)
		v->tty_jobs->open_proc_set_tty(tty, f);
	return 0;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* How a read waits, as the host's termios say. */
struct waiting {
	u64 first_ns; /* for the first byte: FOREVER, or how long */
	u64 next_ns;  /* for each further one; 0: it does not */
	u32 minimum;  /* bytes to return with */
};

static void host_waiting(const struct tty_struct *tty, struct waiting *w)
{
	struct termios2 t;

	*w = (struct waiting){FOREVER, 0, 1};
	if (host_ioctl(tty->host_fd, K_TCGETS2, &t) || (t.c_lflag & ICANON))
		return;
	if (!t.c_cc[VMIN]) {
		w->first_ns = t.c_cc[VTIME] * TENTH_NS;
	} else if (t.c_cc[VTIME]) {
		w->minimum = t.c_cc[VMIN];
		w->next_ns = t.c_cc[VTIME] * TENTH_NS;
	}
}

/* Waits for bytes. 1: there may be some; 0: time is up; -errno. */
static int wait_input(struct file *f, struct tty_struct *tty, u64 timeout_ns)
{
	int err;

	f->vfs->events->epoch++;
	/* Readiness is VMIN bytes. Who does not wait gets fewer, too, by the host's own rules. */
	if ((f->f_flags & O_NONBLOCK) && tty->host_nonblock)
		return 1;
	err = host_poll(tty->host_fd, EPOLLIN, 0);
	if (err > 0)
		return 1;
	if (!timeout_ns)
		return 0;
	if (f->f_flags & O_NONBLOCK)
		return -EAGAIN;
	err = event_wait_fd(f->vfs->events, tty->host_fd, EPOLLIN, timeout_ns);
	if (err == -ETIMEDOUT)
		return 0;
	return err == -EINTR ? -ERESTARTSYS : err ? err : 1;
}

static long read_host(struct file *f, struct tty_struct *tty, u8 *buf, u64 size)
{
	struct waiting w;
	u64 done = 0;
	long n;

	/* Moves nothing, but stops Vellum if it is in the background of its terminal, or fails. */
	n = host_read(tty->host_fd, buf, 0);
	if (n < 0 && n != -EINTR && n != -EAGAIN)
		return n;
	host_waiting(tty, &w);
	while (done < min((u64)w.minimum, size)) {
		n = wait_input(f, tty, done ? w.next_ns : w.first_ns);
		if (n > 0)
			n = host_read(tty->host_fd, buf + done, size - done);
		else if (!n)
			break;
		if (n == -EINTR ||
		    (n == -EAGAIN && tty->host_nonblock && !(f->f_flags & O_NONBLOCK)))
			continue; /* somebody else was faster */
		if (n <= 0)
			return done ? (long)done : n;
		done += n;
	}
	return done;
}

static long host_tty_read(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct memory *m = f->vfs->mem;
	u64 size = min(to->count, CHUNK);
	long n = tty_check_change(f->f_tty, SIGTTIN);
	u8 *buf;

	if (n || !size)
		return n;
	buf = kmalloc(m, CHUNK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	n = read_host(f, f->f_tty, buf, size);
	if (n > 0 && !(n = copy_to_iter(buf, n, to)))
		n = -EFAULT;
	kfree(m, buf);
	return n;
}

/* --- writing ----------------------------------------------------------------------------------- */

/* tcsetattr(3) with TOSTOP keeps the background from writing, too. */
static int check_tostop(struct tty_struct *tty)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);
	struct termios2 t;

	if (!jobs || !jobs->in_background(tty) || host_ioctl(tty->host_fd, K_TCGETS2, &t) ||
	    !(t.c_lflag & TOSTOP))
		return 0;
	return tty_check_change(tty, SIGTTOU);
}

static long write_host(struct file *f, struct tty_struct *tty, const u8 *buf, u64 n)
{
	u64 done = 0;
	long put;
	int err;

	while (done < n) {
		put = tty->host_nonblock || host_poll(tty->host_fd, EPOLLOUT, 0) > 0
			      ? host_write(tty->host_fd, buf + done, n - done)
			      : -EAGAIN;
		if (put > 0) {
			done += put;
			continue;
		}
		if (put == -EINTR)
			continue;
		if (put != -EAGAIN || (f->f_flags & O_NONBLOCK))
			return done ? (long)done : put;
		err = event_wait_fd(f->vfs->events, tty->host_fd, EPOLLOUT, FOREVER);
		if (err)
			return done ? (long)done : err == -EINTR ? -ERESTARTSYS : err;
	}
	return done;
}

static long host_tty_write(struct file *f, struct iov_iter *from, u64 *pos __unused)
{
	struct memory *m = f->vfs->mem;
	long done = check_tostop(f->f_tty), n, put;
	u8 *buf;

	if (done)
		return done;
	buf = kmalloc(m, CHUNK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (from->count) {
		struct iov_iter start = *from;

		n = copy_from_iter(buf, min(from->count, CHUNK), from);
		put = n ? write_host(f, f->f_tty, buf, n) : -EFAULT;
		if (put < n) {
			*from = start;
			iov_iter_advance(from, max(put, 0L));
		}
		if (put <= 0 && !done)
			done = put;
		if (put <= 0)
			break;
		done += put;
		if (put < n)
			break;
	}
	kfree(m, buf);
	return done;
}

/* --- the rest ---------------------------------------------------------------------------------- */

static bool changes_line(u32 cmd)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
	case 0x402c542bU: /* TCSETS2, and its kin */
	case 0x402c542cU:
	case 0x402c542dU:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
		return true;
	}
	return false;
}

static long host_tty_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct tty_struct *tty = f->f_tty;
	int err;

	if (tty_is_job_ioctl(cmd))
		return tty_job_ioctl(tty, tty, f, cmd, arg, mm);
	err = changes_line(cmd) ? tty_check_change(tty, SIGTTOU) : 0;
	return err ? err : hostdev_fops.ioctl(f, cmd, arg, mm);
}

static unsigned host_tty_poll(struct file *f, struct poll_table *pt)
{
	return hostdev_fops.poll(f, pt);
}

static s64 host_tty_llseek(struct file *f __unused, s64 off __unused, int whence __unused)
{
	return -ESPIPE;
}

static void host_tty_release(struct file *f)
{
	hostdev_fops.release(f);
	tty_put(f->f_tty);
}

const struct file_operations host_tty_fops = {
	.read_iter = host_tty_read,
	.write_iter = host_tty_write,
	.llseek = host_tty_llseek,
	.ioctl = host_tty_ioctl,
	.poll = host_tty_poll,
	.setfl = tty_setfl,
	.release = host_tty_release,
};

/* --- the starting terminal --------------------------------------------------------------------- */

static int open_start(void)
{
	return host_open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
}

struct tty_struct *tty_host_start(struct vfs *v)
{
	struct tty_struct *tty;
	int fd = open_start();

	if (fd < 0)
		return NULL;
	tty = tty_host_get(v, fd);
	if (!IS_ERR_OR_NULL(tty)) {
		tty->is_start = true;
		v->in->start_known = !host_ioctl(fd, K_TCGETS2, &v->in->start_termios);
	}
	host_close(fd);
	return tty;
}

/* Its attributes become @new if Vellum may set them, and *@old is what they were. */
static bool exchange(const void *new, void *old)
{
	int fd = open_start(), pgrp;
	bool done = false;

	if (fd < 0)
		return false;
	if (!host_ioctl(fd, TIOCGPGRP, &pgrp) && pgrp == host_getpgrp() &&
	    !host_ioctl(fd, K_TCGETS2, old) && memcmp(old, new, sizeof(struct termios2)) != 0)
		done = !host_ioctl(fd, K_TCSETSW2, (void *)new);
	host_close(fd);
	return done;
}

void tty_host_restore(struct vfs *v)
{
	struct vfs_internal *in = v->in;

	in->stopped_known = in->start_known && exchange(in->start_termios, in->stopped_termios);
}

void tty_host_resume(struct vfs *v)
{
	struct vfs_internal *in = v->in;
	u8 old[sizeof(struct termios2)];

	if (in->stopped_known)
		exchange(in->stopped_termios, old);
	in->stopped_known = false;
}

s32 tty_host_pgrp(struct vfs *v)
{
	struct tty_struct *tty;

	list_for_each_entry (tty, &v->in->host_ttys, node)
		if (tty->is_start)
			return tty->ctrl.pgrp;
	return 0;
}

struct file *tty_host_reopen(struct tty_struct *tty, const struct path *p, int flags)
{
	/* The host's /dev/tty is Vellum's terminal; the guest's may be another of the host's. */
	int from = tty->is_start && p->dentry->host_fd >= 0 ? p->dentry->host_fd : tty->host_fd;
	int fd = host_fd_reopen(from, (flags & O_ACCMODE) | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return ERR_PTR(fd);
	host_fcntl(fd, F_SETFL, 0);
	return hostfs_file(p->dentry->vfs, p->mnt, fd, flags | O_NOCTTY);
}

/* Terminals as files: made and freed, opened and closed, read, written, hung up. See tty_internal.h; Linux,
 * drivers/tty/tty_io.c. What the bytes mean is the line discipline's (n_tty.c), where they go pty.c's.
 */
#include "base/err.h"
#include "fs/fasync.h"
#include "fs/iov_iter.h"
#include "fs/libfs.h"
#include "fs/seq_file.h"
#include "fs/tty_internal.h"

#define OWNER_PID 1 /* F_OWNER_PID, F_OWNER_PGRP */
#define OWNER_PGRP 2

/* --- one terminal ------------------------------------------------------------------------------ */

struct tty_struct *tty_alloc(struct vfs *v, enum tty_kind kind, u32 dev)
{
	struct tty_struct *tty = kzalloc(v->mem, sizeof(*tty), GFP_KERNEL);

	if (!tty)
		return NULL;
	if (kind != TTY_HOST) {
		tty->n_tty = kzalloc(v->mem, sizeof(*tty->n_tty), GFP_KERNEL);
		if (!tty->n_tty) {
			kfree(v->mem, tty);
			return NULL;
		}
	}
	tty->refcount = 1;
	tty->kind = kind;
	tty->dev = dev;
	tty->vfs = v;
	tty->host_fd = -1;
	init_waitqueue_head(&tty->read_wait, v->events->sched);
	init_waitqueue_head(&tty->write_wait, v->events->sched);
	init_waitqueue_head(&tty->read_lock_wait, v->events->sched);
	INIT_LIST_HEAD(&tty->files);
	INIT_LIST_HEAD(&tty->node);
	return tty;
}

void tty_get(struct tty_struct *tty)
{
	tty->refcount++;
}

void tty_put(struct tty_struct *tty)
{
	struct memory *m = tty->vfs->mem;

	if (--tty->refcount)
		return;
	VM_BUG_ON(!list_empty(&tty->files));
	list_del_init(&tty->node);
	if (tty->host_fd >= 0)
		tty_host_close(tty);
	if (tty->n_tty)
		kfree(m, tty->n_tty);
	kfree(m, tty);
}

struct tty_ctrl *tty_ctrl(struct tty_struct *tty)
{
	return &tty->ctrl;
}

u32 tty_devnum(const struct tty_struct *tty)
{
	return tty->dev;
}

struct vfs *tty_vfs(const struct tty_struct *tty)
{
	return tty->vfs;
}

bool tty_is_host(const struct tty_struct *tty)
{
	return tty->kind == TTY_HOST;
}

struct tty_struct *file_tty(const struct file *f)
{
	if (f->f_op == &host_tty_fops)
		return f->f_tty;
	if (f->f_op == &tty_fops || f->f_op == &hung_up_tty_fops)
		return ((const struct tty_file *)f->private_data)->tty;
	return NULL;
}

void tty_readable(struct tty_struct *tty)
{
	wake_up_all_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM | EPOLLPRI | EPOLLHUP);
}

void tty_wakeup(struct tty_struct *tty)
{
	wake_up_all_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM | EPOLLHUP);
}

int tty_check_change(struct tty_struct *tty, int sig)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);

	return jobs ? jobs->check_change(tty, sig) : 0;
}

void tty_kill_pgrp(struct tty_struct *tty, int sig)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);

	if (jobs && tty->ctrl.pgrp)
		jobs->kill_pgrp(tty->vfs, tty->ctrl.pgrp, sig);
}

/* --- files ------------------------------------------------------------------------------------- */

struct file *tty_file_open(struct tty_struct *tty, const struct path *p, int flags)
{
	struct vfs *v = tty->vfs;
	struct tty_file *tf = kmalloc(v->mem, sizeof(*tf), GFP_KERNEL);
	struct file *f;

	if (!tf)
		return ERR_PTR(-ENOMEM);
	f = file_alloc(v, p, &tty_fops, open_fmode(flags), flags);
	if (IS_ERR(f)) {
		kfree(v->mem, tf);
		return f;
	}
	*tf = (struct tty_file){.tty = tty, .file = f};
	list_add_tail(&tf->node, &tty->files);
	tty_get(tty);
	tty->count++;
	f->private_data = tf;
	return f;
}

static void tty_release(struct file *f)
{
	struct tty_file *tf = f->private_data;
	struct tty_struct *tty = tf->tty;
	/* A slave's master counts as one. */
	u32 last = tty->kind == TTY_PTY_SLAVE && tty->link ? 2 : 1;

	list_del(&tf->node);
	if (tty->count == last)
		pty_close(tty);
	tty->count--;
	kfree(f->vfs->mem, tf);
	tty_put(tty);
}

void tty_vhangup(struct tty_struct *tty)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);
	struct termios2 old = tty->termios;
	struct tty_file *tf;

	if (tty->kind == TTY_HOST)
		return;
	list_for_each_entry (tf, &tty->files, node)
		tf->file->f_op = &hung_up_tty_fops;
	if (jobs)
		jobs->hangup_session(tty);
	tty->ctrl = (struct tty_ctrl){0, 0};
	tty->stopped = tty->tco_stopped = false;
	n_tty_flush_buffer(tty);
	pty_flush_buffer(tty);
	tty->pktstatus = 0;
	if (tty->kind == TTY_PTY_SLAVE)
		tty->termios = tty_std_termios;
	n_tty_set_termios(tty, &old);
	tty->hupped = true;
	tty_readable(tty);
	tty_wakeup(tty);
}

/* Eight seconds are near enough for who(1), and do not tell how fast somebody types. */
static void tty_update_time(struct tty_struct *tty, struct timespec *ts)
{
	struct timespec now = current_time(tty->vfs);

	if ((now.tv_sec ^ ts->tv_sec) & ~7)
		*ts = (struct timespec){.tv_sec = now.tv_sec};
}

static long tty_read_iter(struct file *f, struct iov_iter *to, u64 *pos __unused)
{
	struct tty_struct *tty = file_tty(f);
	long n;

	if (tty->io_error)
		return -EIO;
	n = n_tty_read(f, tty, to);
	if (n > 0)
		tty_update_time(tty, &tty->attr.atime);
	return n;
}

static long tty_write_iter(struct file *f, struct iov_iter *from, u64 *pos __unused)
{
	struct tty_struct *tty = file_tty(f);
	long n;

	if (tty->io_error)
		return -EIO;
	n = n_tty_write(f, tty, from);
	if (n > 0)
		tty_update_time(tty, &tty->attr.mtime);
	return n;
}

int tty_setfl(struct file *f, int flags)
{
	s32 pgrp = file_tty(f)->ctrl.pgrp;
	struct fown_struct *owner;
	struct vfs_cred c;

	if (!(flags & O_ASYNC) || (f->f_flags & O_ASYNC))
		return 0;
	owner = file_owner(f);
	if (!owner)
		return -ENOMEM;
	if (owner->pid)
		return 0;
	vfs_cred(f->vfs, true, &c);
	owner->type = pgrp ? OWNER_PGRP : OWNER_PID;
	owner->pid = pgrp ? pgrp : c.tgid;
	owner->uid = owner->euid = c.uid;
	return 0;
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
	return n_tty_poll(f, file_tty(f), pt);
}

static void tty_show_fdinfo(struct file *f, struct seq *out)
{
	const struct tty_struct *tty = file_tty(f);

	if (tty->kind == TTY_PTY_MASTER)
		seq_printf(out, "tty-index:\t%u\n", tty->index);
}

const struct file_operations tty_fops = {
	.read_iter = tty_read_iter,
	.write_iter = tty_write_iter,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.setfl = tty_setfl,
	.show_fdinfo = tty_show_fdinfo,
	.release = tty_release,
};

/* --- after a hangup ---------------------------------------------------------------------------- */

static long hung_up_read(struct file *f __unused, struct iov_iter *to __unused, u64 *pos __unused)
{
	return 0;
}

static long hung_up_write(struct file *f __unused, struct iov_iter *from __unused,
			  u64 *pos __unused)
{
	return -EIO;
}

static long hung_up_ioctl(struct file *f __unused, u32 cmd, u64 arg __unused,
			  struct mm_struct *mm __unused)
{
	return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
}

static unsigned hung_up_poll(struct file *f, struct poll_table *pt)
{
	struct tty_struct *tty = file_tty(f);

	poll_wait(f, &tty->read_wait, pt);
	return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
}

const struct file_operations hung_up_tty_fops = {
	.read_iter = hung_up_read,
	.write_iter = hung_up_write,
	.ioctl = hung_up_ioctl,
	.poll = hung_up_poll,
	.release = tty_release,
};

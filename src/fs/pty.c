/* Pairs of pseudo terminals: how bytes cross from one end to the other, packet mode, opening and closing.
 * See tty_internal.h; pty(7), ioctl_tty(2); Linux, drivers/tty/pty.c.
 *
 *   write(2) at one end --pty_write()--> the other end's flip buffer --pty_push()--> its discipline
 *
 * The ends of a pair go together: a master holds its slave; a slave outlives its master only as long as
 * somebody has it open, hung up. Not for: names (devpts.c).
 */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <signal.h>

#include "base/err.h"
#include "fs/tty_internal.h"
#include "mm/uaccess.h"

#define MASTER_MAJOR 128
#define SLAVE_MAJOR 136

const struct termios2 tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 'C' - 0x40,
		 [VQUIT] = '\\' - 0x40,
		 [VERASE] = 0177,
		 [VKILL] = 'U' - 0x40,
		 [VEOF] = 'D' - 0x40,
		 [VSTART] = 'Q' - 0x40,
		 [VSTOP] = 'S' - 0x40,
		 [VSUSP] = 'Z' - 0x40,
		 [VREPRINT] = 'R' - 0x40,
		 [VDISCARD] = 'O' - 0x40,
		 [VWERASE] = 'W' - 0x40,
		 [VLNEXT] = 'V' - 0x40,
		 [VMIN] = 1},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* --- bytes ------------------------------------------------------------------------------------- */

u32 pty_write_room(const struct tty_struct *tty)
{
	const struct n_tty_data *to;

	if (tty->stopped || !tty->link)
		return 0;
	to = tty->link->n_tty;
	return TTY_FLIP_SIZE - (to->flip_head - to->flip_tail);
}

u32 pty_write(struct tty_struct *tty, const u8 *buf, u32 n)
{
	struct n_tty_data *to;
	u32 at, first;

	n = min(n, pty_write_room(tty));
	if (!n)
		return 0;
	to = tty->link->n_tty;
	at = to->flip_head % TTY_FLIP_SIZE;
	first = min(n, TTY_FLIP_SIZE - at);
	memcpy(to->flip + at, buf, first);
	memcpy(to->flip, buf + first, n - first);
	to->flip_head += n;
	return n;
}

void pty_push(struct tty_struct *tty)
{
	if (tty->link)
		n_tty_receive(tty->link);
}

void pty_packet_status(struct tty_struct *slave, u8 clear, u8 set)
{
	if (slave->kind != TTY_PTY_SLAVE || !slave->link || !slave->link->packet)
		return;
	slave->pktstatus &= ~clear;
	slave->pktstatus |= set;
	tty_readable(slave->link);
}

void pty_flush_buffer(struct tty_struct *tty)
{
	if (!tty->link)
		return;
	n_tty_flush_flip(tty->link);
	pty_packet_status(tty, 0, TIOCPKT_FLUSHWRITE);
}

/* --- the pair ---------------------------------------------------------------------------------- */

/* A master with its slave, which has no name yet. ERR_PTR(-ENOMEM). */
static struct tty_struct *pty_new(struct vfs *v)
{
	struct tty_struct *master = tty_alloc(v, TTY_PTY_MASTER, 0);
	struct tty_struct *slave = tty_alloc(v, TTY_PTY_SLAVE, 0);

	if (!master || !slave) {
		if (master)
			tty_put(master);
		if (slave)
			tty_put(slave);
		return ERR_PTR(-ENOMEM);
	}
	master->link = slave;
	slave->link = master;
	slave->count = 1; /* the master's */
	master->termios = slave->termios = tty_std_termios;
	master->termios.c_iflag = master->termios.c_oflag = master->termios.c_lflag = 0;
	n_tty_set_termios(master, NULL);
	n_tty_set_termios(slave, NULL);
	return master;
}

/* Never used: takes both ends back. */
static void pty_drop(struct tty_struct *master)
{
	struct tty_struct *slave = master->link;

	master->link = slave->link = NULL;
	tty_put(slave);
	tty_put(master);
}

static struct file *ptmx_open(const struct path *p, int flags)
{
	struct tty_struct *master = pty_new(p->dentry->vfs), *slave;
	struct file *f;
	int err;

	if (IS_ERR(master))
		return (void *)master;
	slave = master->link;
	err = devpts_new(slave);
	if (err) {
		pty_drop(master);
		return ERR_PTR(err);
	}
	master->index = slave->index;
	master->dev = makedev(MASTER_MAJOR, master->index);
	slave->dev = makedev(SLAVE_MAJOR, slave->index);
	f = tty_file_open(master, p, flags);
	if (IS_ERR(f)) {
		devpts_kill(slave);
		pty_drop(master);
		return f;
	}
	tty_put(master); /* the file has it */
	master->pty_lock = true;
	return f;
}

static bool may_open(const struct path *p, int flags, int *err)
{
	const struct dentry_operations *op = p->dentry->d_op;

	*err = op->access ? op->access(p->dentry, acc_mode(flags), AT_EACCESS) : 0;
	return !*err;
}

static struct file *current_tty_open(const struct path *p, int flags)
{
	const struct tty_job_ops *jobs = p->dentry->vfs->tty_jobs;
	struct tty_struct *tty = jobs ? jobs->current_tty(p->dentry->vfs) : NULL;

	if (!tty)
		return ERR_PTR(-ENXIO);
	return tty_is_host(tty) ? tty_host_reopen(tty, p, flags)
				: tty_open_slave(tty, p, flags | O_NOCTTY);
}

struct file *tty_chardev_open(const struct path *p, int flags, u32 major, u32 minor)
{
	int err;

	if (major != 5 || (minor != 0 && minor != 2))
		return NULL;
	if (!may_open(p, flags, &err))
		return ERR_PTR(err);
	return minor ? ptmx_open(p, flags) : current_tty_open(p, flags);
}

bool tty_names_device(const char *name)
{
	const char *last = strrchr(name, '/');

	last = last ? last + 1 : name;
	return !strcmp(last, "ptmx") || !strcmp(last, "tty");
}

struct file *tty_open_slave(struct tty_struct *tty, const struct path *p, int flags)
{
	struct vfs *v = tty->vfs;
	struct file *f;

	if (!tty->link)
		return ERR_PTR(-EIO);
	if (tty->exclusive && !(v->tty_jobs && v->tty_jobs->is_admin(v)))
		return ERR_PTR(-EBUSY);
	if (tty->link->pty_lock) {
		tty->io_error = true; /* for those who had it open, too, until it can be opened */
		return ERR_PTR(-EIO);
	}
	f = tty_file_open(tty, p, flags);
	if (IS_ERR(f))
		return f;
	tty->io_error = tty->hupped = false;
	tty->link->other_closed = false;
	if (!(flags & O_NOCTTY) && v->tty_jobs)
		v->tty_jobs->open_proc_set_tty(tty, f);
	return f;
}

void pty_close(struct tty_struct *tty)
{
	struct tty_struct *link = tty->link;

	tty->io_error = true;
	tty->packet = false;
	tty_readable(tty);
	tty_wakeup(tty);
	if (!link)
		return;
	link->other_closed = true;
	tty_readable(link);
	tty_wakeup(link);
	if (tty->kind == TTY_PTY_SLAVE)
		return;
	devpts_kill(link);
	tty_vhangup(link);
	link->count--;
	tty->link = link->link = NULL;
	tty_put(link);
}

/* --- ioctls ------------------------------------------------------------------------------------ */

static long set_packet_mode(struct tty_struct *tty, int on)
{
	if (on && !tty->packet)
		tty->link->pktstatus = 0;
	tty->packet = on;
	return 0;
}

struct file *tty_open_peer(struct file *f, int flags)
{
	struct tty_struct *tty = file_tty(f);
	struct file *peer;
	struct path p;

	if (!tty || tty->kind != TTY_PTY_MASTER)
		return ERR_PTR(tty ? -EIO : -ENOTTY);
	p = devpts_path(tty->link);
	if (!p.dentry)
		return ERR_PTR(-ENOMEM);
	peer = tty_open_slave(tty->link, &p, flags);
	path_put(&p);
	return peer;
}

static long pty_signal(struct tty_struct *tty, int sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_kill_pgrp(tty->link, sig);
	return 0;
}

long pty_master_ioctl(struct tty_struct *tty, u32 cmd, u64 arg, struct mm_struct *mm)
{
	int val;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(mm, tty->index, arg);
	case TIOCGPTLCK:
		return put_user(mm, (int)tty->pty_lock, arg);
	case TIOCGPKT:
		return put_user(mm, (int)tty->packet, arg);
	case TIOCSIG:
		return pty_signal(tty, (int)arg);
	case TIOCSPTLCK:
	case TIOCPKT:
		if (get_user(mm, val, arg))
			return -EFAULT;
		if (cmd == TIOCPKT)
			return set_packet_mode(tty, val);
		tty->pty_lock = val;
		return 0;
	}
	return -ENOTTY;
}

void pty_resize(struct tty_struct *tty, const struct winsize *ws)
{
	struct tty_struct *slave = tty_pair_get_tty(tty);

	if (!memcmp(ws, &slave->winsize, sizeof(*ws)))
		return;
	slave->winsize = *ws;
	tty_kill_pgrp(slave, SIGWINCH);
}

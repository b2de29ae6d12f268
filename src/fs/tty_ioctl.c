/* ioctl_tty(2) of our own terminals: termios, flow, sizes, and what a master can do. See tty_internal.h;
 * Linux, drivers/tty/tty_ioctl.c, tty_io.c. Of the host's terminals only what concerns sessions is served
 * here (tty_job_ioctl()).
 */
#include <signal.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/err.h"
#include "fs/tty_internal.h"
#include "mm/uaccess.h"

#define NCCS_TERMIO 8
#define K_TCGETS2 0x802c542aU
#define K_TCSETS2 0x402c542bU
#define K_TCSETSW2 0x402c542cU
#define K_TCSETSF2 0x402c542dU
#define K_TIOCGEXCL 0x80045440U
#define K_TIOCGDEV 0x80045432U
#define K_TIOCVHANGUP 0x5437U

/* struct termio of System V. */
struct k_termio {
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[NCCS_TERMIO];
};

/* --- flow -------------------------------------------------------------------------------------- */

void stop_tty(struct tty_struct *tty)
{
	if (tty->stopped)
		return;
	tty->stopped = true;
	pty_packet_status(tty, TIOCPKT_START, TIOCPKT_STOP);
}

void start_tty(struct tty_struct *tty)
{
	if (!tty->stopped || tty->tco_stopped)
		return;
	tty->stopped = false;
	pty_packet_status(tty, TIOCPKT_STOP, TIOCPKT_START);
	tty_wakeup(tty);
}

/* tcflow(3) of input: the other end is told by a character. */
static long send_xchar(struct tty_struct *tty, u8 c)
{
	bool was_stopped = tty->stopped;
	int err = c == DISABLED_CHAR ? 0 : tty_write_lock(tty, false);

	if (err || c == DISABLED_CHAR)
		return err;
	if (was_stopped)
		start_tty(tty);
	pty_write(tty, &c, 1);
	pty_push(tty);
	if (was_stopped)
		stop_tty(tty);
	tty_write_unlock(tty);
	return 0;
}

static long ioctl_flow(struct tty_struct *tty, u64 arg)
{
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	switch (arg) {
	case TCOOFF:
		if (!tty->tco_stopped)
			stop_tty(tty);
		tty->tco_stopped = true;
		return 0;
	case TCOON: /* what STOP has stopped it does not start */
		if (!tty->tco_stopped)
			return 0;
		tty->tco_stopped = false;
		start_tty(tty);
		return 0;
	case TCIOFF:
		return send_xchar(tty, TTY_CC(tty, VSTOP));
	case TCION:
		return send_xchar(tty, TTY_CC(tty, VSTART));
	}
	return -EINVAL;
}

static long ioctl_flush(struct tty_struct *tty, u64 arg)
{
	int err;

	/* Linux does this before it asks whether the background may. */
	if (arg == TCIFLUSH || arg == TCIOFLUSH)
		n_tty_flush_flip(tty);
	err = tty_check_change(tty, SIGTTOU);
	if (err)
		return err;
	if (arg != TCIFLUSH && arg != TCOFLUSH && arg != TCIOFLUSH)
		return -EINVAL;
	if (arg != TCOFLUSH) {
		n_tty_flush_buffer(tty);
		if (tty->link)
			tty_wakeup(tty->link);
	}
	if (arg != TCIFLUSH)
		pty_flush_buffer(tty);
	return 0;
}

/* --- termios ----------------------------------------------------------------------------------- */

/* Bits per second for c_cflag's code; 0 also for B0. */
static u32 baud_of(u32 code)
{
	static const u32 low[] = {0,   50,   75,   110,	 134,  150,  200,   300,
				  600, 1200, 1800, 2400, 4800, 9600, 19200, 38400},
			 high[] = {0,	    57600,   115200,  230400,  460800,	500000,
				   576000,  921600,  1000000, 1152000, 1500000, 2000000,
				   2500000, 3000000, 3500000, 4000000};
	u32 n = code & 0xf;

	return code & CBAUDEX ? high[n] : low[n];
}

/* Old codes say the speed; BOTHER leaves what is there. Input is as output unless it has a code of its
 * own. */
static void set_speeds(struct termios2 *t)
{
	u32 in = t->c_cflag >> IBSHIFT & CBAUD, out = t->c_cflag & CBAUD;

	if (out != BOTHER)
		t->c_ospeed = baud_of(out);
	if (in == B0)
		t->c_ispeed = t->c_ospeed;
	else if (in != BOTHER)
		t->c_ispeed = baud_of(in);
}

static void unset_locked(struct tty_struct *tty, const struct termios2 *old)
{
	struct termios2 *t = &tty->termios;
	const struct termios2 *lock = &tty->termios_locked;

#define KEEP(x) t->x = (t->x & ~lock->x) | (old->x & lock->x)
	KEEP(c_iflag);
	KEEP(c_oflag);
	KEEP(c_cflag);
	KEEP(c_lflag);
#undef KEEP
	if (lock->c_line)
		t->c_line = old->c_line;
	for (u32 i = 0; i < ARRAY_SIZE(t->c_cc); i++)
		if (lock->c_cc[i])
			t->c_cc[i] = old->c_cc[i];
}

static bool usual_flow(const struct termios2 *t)
{
	return (t->c_iflag & IXON) && t->c_cc[VSTOP] == 'S' - 0x40 && t->c_cc[VSTART] == 'Q' - 0x40;
}

/* A master in packet mode wants to know. */
static void tell_master(struct tty_struct *tty, const struct termios2 *old)
{
	bool now = usual_flow(&tty->termios);

	if (now != usual_flow(old))
		pty_packet_status(tty, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP,
				  now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	if ((old->c_lflag | tty->termios.c_lflag) & TTY_EXTPROC)
		pty_packet_status(tty, 0, TIOCPKT_IOCTL);
}

static void tty_set_termios(struct tty_struct *tty, const struct termios2 *new)
{
	struct termios2 old = tty->termios;

	tty->termios = *new;
	unset_locked(tty, &old);
	tell_master(tty, &old);
	tty->termios.c_cflag = (tty->termios.c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	n_tty_set_termios(tty, &old);
}

enum termios_shape { SHAPE_TERMIO, SHAPE_TERMIOS, SHAPE_TERMIOS2 };

static const struct termios_cmd {
	u32 cmd;
	u8 shape;
	bool set, wait, flush;
} termios_cmds[] = {
	{TCGETS, SHAPE_TERMIOS, false, false, false},
	{TCSETS, SHAPE_TERMIOS, true, false, false},
	{TCSETSW, SHAPE_TERMIOS, true, true, false},
	{TCSETSF, SHAPE_TERMIOS, true, true, true},
	{TCGETA, SHAPE_TERMIO, false, false, false},
	{TCSETA, SHAPE_TERMIO, true, false, false},
	{TCSETAW, SHAPE_TERMIO, true, true, false},
	{TCSETAF, SHAPE_TERMIO, true, true, true},
	{K_TCGETS2, SHAPE_TERMIOS2, false, false, false},
	{K_TCSETS2, SHAPE_TERMIOS2, true, false, false},
	{K_TCSETSW2, SHAPE_TERMIOS2, true, true, false},
	{K_TCSETSF2, SHAPE_TERMIOS2, true, true, true},
};

static const struct termios_cmd *find_termios_cmd(u32 cmd)
{
	for (u32 i = 0; i < ARRAY_SIZE(termios_cmds); i++)
		if (termios_cmds[i].cmd == cmd)
			return &termios_cmds[i];
	return NULL;
}

static long get_termio(const struct termios2 *t, gva_t to, struct mm_struct *mm)
{
	struct k_termio io = {
		.c_iflag = t->c_iflag,
		.c_oflag = t->c_oflag,
		.c_cflag = t->c_cflag,
		.c_lflag = t->c_lflag,
		.c_line = t->c_line,
	};

	memcpy(io.c_cc, t->c_cc, NCCS_TERMIO);
	return copy_to_user(mm, to, &io, sizeof(io)) ? -EFAULT : 0;
}

/* The low halves are new, the rest stays. */
static int read_termio(struct termios2 *t, gva_t from, struct mm_struct *mm)
{
	struct k_termio io;

	if (copy_from_user(mm, &io, from, sizeof(io)))
		return -EFAULT;
	t->c_iflag = (t->c_iflag & ~0xffffU) | io.c_iflag;
	t->c_oflag = (t->c_oflag & ~0xffffU) | io.c_oflag;
	t->c_cflag = (t->c_cflag & ~0xffffU) | io.c_cflag;
	t->c_lflag = (t->c_lflag & ~0xffffU) | io.c_lflag;
	t->c_line = io.c_line;
	memcpy(t->c_cc, io.c_cc, NCCS_TERMIO);
	return 0;
}

/* The input queue is empty now: what waited comes in, and who waited for that may write. */
static void take_what_waited(struct tty_struct *tty)
{
	bool full = tty->link && !pty_write_room(tty->link);

	n_tty_receive(tty);
	if (full)
		tty_wakeup(tty->link);
}

/* Of either end, the slave's. What is written is on its way at once: nothing waits for output but that of
 * a write(2) that sleeps. */
static long ioctl_termios(struct tty_struct *tty, const struct termios_cmd *c, gva_t arg,
			  struct mm_struct *mm)
{
	u64 size = c->shape == SHAPE_TERMIOS ? offsetof(struct termios2, c_ispeed)
					     : sizeof(struct termios2);
	struct termios2 t = tty->termios;
	int err;

	if (!c->set) {
		if (c->shape == SHAPE_TERMIO)
			return get_termio(&t, arg, mm);
		return copy_to_user(mm, arg, &t, size) ? -EFAULT : 0;
	}
	err = tty_check_change(tty, SIGTTOU);
	if (err)
		return err;
	if (c->shape == SHAPE_TERMIO)
		err = read_termio(&t, arg, mm);
	else
		err = copy_from_user(mm, &t, arg, size) ? -EFAULT : 0;
	if (err)
		return err;
	set_speeds(&t);
	if (c->wait) {
		err = tty_write_lock(tty, false);
		if (err)
			return err;
	}
	if (c->flush)
		n_tty_flush_buffer(tty);
	tty_set_termios(tty, &t);
	if (c->flush)
		take_what_waited(tty);
	if (c->wait)
		tty_write_unlock(tty);
	return 0;
}

static long ioctl_locked(struct tty_struct *tty, bool set, gva_t arg, struct mm_struct *mm)
{
	u64 size = offsetof(struct termios2, c_ispeed);
	const struct tty_job_ops *jobs = tty_jobs(tty);

	if (!set)
		return copy_to_user(mm, arg, &tty->termios_locked, size) ? -EFAULT : 0;
	if (jobs && !jobs->is_admin(tty->vfs))
		return -EPERM;
	return copy_from_user(mm, &tty->termios_locked, arg, size) ? -EFAULT : 0;
}

static long ioctl_softcar(struct tty_struct *tty, bool set, gva_t arg, struct mm_struct *mm)
{
	struct termios2 t = tty->termios;
	int on = !!(t.c_cflag & CLOCAL);

	if (!set)
		return put_user(mm, on, arg);
	if (get_user(mm, on, arg))
		return -EFAULT;
	t.c_cflag = (t.c_cflag & ~CLOCAL) | (on ? CLOCAL : 0);
	tty_set_termios(tty, &t);
	return 0;
}

/* --- the rest ---------------------------------------------------------------------------------- */

/* Types a character, where that is allowed: into one's own terminal. */
static long ioctl_sti(struct tty_struct *tty, gva_t arg, struct mm_struct *mm)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);
	u8 c;

	if (jobs && !jobs->is_admin(tty->vfs)) {
		if (!tty->vfs->pty.legacy_tiocsti)
			return -EIO;
		if (jobs->current_tty(tty->vfs) != tty)
			return -EPERM;
	}
	if (get_user(mm, c, arg))
		return -EFAULT;
	n_tty_receive_buf(tty, &c, 1);
	return 0;
}

static long ioctl_vhangup(struct tty_struct *tty)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);

	if (jobs && !jobs->is_admin(tty->vfs))
		return -EPERM;
	tty_vhangup(tty);
	return 0;
}

static long ioctl_size(struct tty_struct *tty, bool set, gva_t arg, struct mm_struct *mm)
{
	struct winsize ws;

	if (!set)
		return put_user(mm, tty_pair_get_tty(tty)->winsize, arg);
	if (get_user(mm, ws, arg))
		return -EFAULT;
	pty_resize(tty, &ws);
	return 0;
}

/* There is one line discipline: N_TTY, 0. */
static long ioctl_set_ldisc(gva_t arg, struct mm_struct *mm)
{
	int ld;

	if (get_user(mm, ld, arg))
		return -EFAULT;
	return ld ? -EINVAL : 0;
}

/* Before what changes the line: a background job asks first. A break is nothing to a pseudo terminal. */
static long ioctl_line(struct tty_struct *tty, u32 cmd, u64 arg, struct mm_struct *mm)
{
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	return cmd == TIOCSETD ? ioctl_set_ldisc(arg, mm) : 0;
}

/* What both ends have, and no discipline sees. -ENOIOCTLCMD as -ENOTTY. */
static long ioctl_common(struct tty_struct *tty, u32 cmd, u64 arg, struct mm_struct *mm)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);

	switch (cmd) {
	case TIOCSETD:
	case TIOCSBRK:
	case TIOCCBRK:
	case TCSBRK:
	case TCSBRKP:
		return ioctl_line(tty, cmd, arg, mm);
	case TIOCSTI:
		return ioctl_sti(tty, arg, mm);
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return ioctl_size(tty, cmd == TIOCSWINSZ, arg, mm);
	case TIOCEXCL:
	case TIOCNXCL:
		tty->exclusive = cmd == TIOCEXCL;
		return 0;
	case K_TIOCGEXCL:
		return put_user(mm, (int)tty->exclusive, arg);
	case TIOCGETD:
		return put_user(mm, 0, arg);
	case K_TIOCGDEV:
		return put_user(mm, tty_pair_get_tty(tty)->dev, arg);
	case K_TIOCVHANGUP:
		return ioctl_vhangup(tty);
	case TIOCCONS: /* the console is the host's */
		return jobs && !jobs->is_admin(tty->vfs) ? -EPERM : -ENOTTY;
	}
	return -ENOTTY;
}

static long ioctl_discipline(struct tty_struct *tty, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct tty_struct *real = tty_pair_get_tty(tty);
	const struct termios_cmd *c = find_termios_cmd(cmd);

	if (c)
		return ioctl_termios(real, c, arg, mm);
	switch (cmd) {
	case TIOCOUTQ:
		return put_user(mm, 0, arg);
	case FIONREAD:
		return put_user(mm, n_tty_inq(tty), arg);
	case TCXONC:
		return ioctl_flow(tty, arg);
	case TCFLSH:
		return ioctl_flush(tty, arg);
	case TIOCGLCKTRMIOS:
	case TIOCSLCKTRMIOS:
		return ioctl_locked(real, cmd == TIOCSLCKTRMIOS, arg, mm);
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return ioctl_softcar(real, cmd == TIOCSSOFTCAR, arg, mm);
	}
	return -ENOTTY;
}

long tty_job_ioctl(struct tty_struct *tty, struct tty_struct *real, struct file *f, u32 cmd,
		   u64 arg, struct mm_struct *mm)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);

	return jobs ? jobs->ioctl(tty, real, f, cmd, arg, mm) : -ENOTTY;
}

bool tty_is_job_ioctl(u32 cmd)
{
	return cmd == TIOCSCTTY || cmd == TIOCNOTTY || cmd == TIOCGPGRP || cmd == TIOCSPGRP ||
	       cmd == TIOCGSID;
}

long tty_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct tty_struct *tty = file_tty(f);
	long ret;

	if (tty_is_job_ioctl(cmd))
		return tty_job_ioctl(tty, tty_pair_get_tty(tty), f, cmd, arg, mm);
	ret = ioctl_common(tty, cmd, arg, mm);
	if (ret == -ENOTTY && tty->kind == TTY_PTY_MASTER)
		ret = pty_master_ioctl(tty, cmd, arg, mm);
	if (ret == -ENOTTY)
		ret = ioctl_discipline(tty, cmd, arg, mm);
	return ret;
}

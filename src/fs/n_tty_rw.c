/* N_TTY's reads, writes and readiness. See tty_internal.h; termios(3), "Canonical and noncanonical mode";
 * Linux, drivers/tty/n_tty.c, n_tty_read(), n_tty_write(). What lines are is n_tty.c's to know.
 */
#include "fs/tty_internal.h"

#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "fs/iov_iter.h"

#define MASK(x) ((x) & (N_TTY_BUF_SIZE - 1))
#define TENTH_NS 100000000UL /* VTIME's unit */
#define UNTHROTTLE 128U	     /* with more than that to be read, writers at the other end sleep on */
#define READ_CHUNK 64U	     /* VMIN bytes are waited for in the first of them alone */
#define WRITE_CHUNK 2048U
#define MAX_OPOST 8U /* bytes that one may become: a tab */

static bool is_canonical(const struct tty_struct *tty)
{
	return tty->n_tty->icanon && !L_FLAG(tty, TTY_EXTPROC);
}

static bool line_ends_at(const struct n_tty_data *ld, u32 at)
{
	return ld->read_flags[MASK(at) / 64] >> MASK(at) % 64 & 1;
}

bool n_tty_input_available(const struct tty_struct *tty, bool poll)
{
	const struct n_tty_data *ld = tty->n_tty;
	u32 amount = poll && !TTY_CC(tty, VTIME) && TTY_CC(tty, VMIN) ? TTY_CC(tty, VMIN) : 1;

	if (is_canonical(tty))
		return ld->canon_head != ld->read_tail;
	return ld->commit_head - ld->read_tail >= amount;
}

int n_tty_inq(const struct tty_struct *tty)
{
	const struct n_tty_data *ld = tty->n_tty;
	u32 at;
	int n;

	if (!is_canonical(tty))
		return ld->read_head - ld->read_tail;
	n = ld->canon_head - ld->read_tail;
	for (at = ld->read_tail; at != ld->canon_head; at++)
		n -= line_ends_at(ld, at) && ld->read_buf[MASK(at)] == DISABLED_CHAR;
	return n;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* A chunk of what a read(2) has asked for, and how much is there. */
struct reader {
	struct tty_struct *tty;
	struct file *file;
	u8 buf[READ_CHUNK];
	u32 n, size;	/* bytes there, and at most */
	u32 minimum;	/* it returns with so many */
	u64 time_ns;	/* between bytes; 0: forever */
	u64 timeout_ns; /* for the next byte; WAIT_FOREVER */
	bool packet;	/* TIOCPKT as the read began */
};

/* One line, or as much of it as there is room for. An EOF ends it and is no part of it. True: it goes on. */
static bool canon_copy(struct reader *r)
{
	struct n_tty_data *ld = r->tty->n_tty;

	while (ld->read_tail != ld->canon_head && r->n < r->size) {
		bool eol = line_ends_at(ld, ld->read_tail);
		u8 c = ld->read_buf[MASK(ld->read_tail)];

		if (eol)
			ld->read_flags[MASK(ld->read_tail) / 64] &= ~BIT(MASK(ld->read_tail) % 64);
		ld->read_tail++;
		if (!eol || c != DISABLED_CHAR)
			r->buf[r->n++] = c;
		if (eol) {
			ld->push = false;
			return false;
		}
	}
	return ld->read_tail != ld->canon_head;
}

/* The EOF behind a read that is full belongs to it. */
static void canon_skip_eof(struct n_tty_data *ld)
{
	u32 at = MASK(ld->read_tail);

	if (ld->read_tail == ld->canon_head || !line_ends_at(ld, at) ||
	    ld->read_buf[at] != DISABLED_CHAR)
		return;
	ld->read_flags[at / 64] &= ~BIT(at % 64);
	ld->read_tail++;
}

/* True: there is more. */
static bool raw_copy(struct reader *r)
{
	struct n_tty_data *ld = r->tty->n_tty;
	u32 at = MASK(ld->read_tail), n = min(ld->commit_head - ld->read_tail, r->size - r->n);

	n = min(n, N_TTY_BUF_SIZE - at);
	if (!n)
		return false;
	memcpy(r->buf + r->n, ld->read_buf + at, n);
	ld->read_tail += n;
	/* With EXTPROC the other end edits lines: an EOF by itself is an empty read. */
	if (n == 1 && ld->icanon && ld->read_buf[at] == TTY_CC(r->tty, VEOF) &&
	    ld->read_tail == ld->commit_head)
		return false;
	r->n += n;
	return ld->read_tail != ld->commit_head;
}

static bool packet_status(const struct tty_struct *tty)
{
	return tty->packet && tty->link && tty->link->pktstatus;
}

static bool read_ready(const struct reader *r)
{
	const struct tty_struct *tty = r->tty;

	return packet_status(tty) || n_tty_input_available(tty, false) || tty->other_closed ||
	       tty_hung_up_p(r->file);
}

/* Nothing is there. 1: now something may be; 0: the read ends with what it has; -errno, if it has nothing. */
static int wait_for_input(struct reader *r)
{
	struct tty_struct *tty = r->tty;
	struct event_loop *l = tty->vfs->events;
	u64 until;
	int err;

	if (tty->other_closed)
		return -EIO;
	if (tty_hung_up_p(r->file) || !r->timeout_ns)
		return 0;
	if (r->file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	until = r->timeout_ns == WAIT_FOREVER ? WAIT_FOREVER : event_now(l) + r->timeout_ns;
	err = wait_event_interruptible_until(&tty->read_wait, read_ready(r), until);
	if (err == -ETIME)
		return 0;
	return err ? err : 1;
}

static void set_limits(struct reader *r)
{
	const struct tty_struct *tty = r->tty;
	u64 vtime = TTY_CC(tty, VTIME) * TENTH_NS;

	r->packet = tty->packet;
	r->timeout_ns = WAIT_FOREVER;
	if (tty->n_tty->icanon) /* with EXTPROC, too */
		return;
	r->minimum = TTY_CC(tty, VMIN);
	if (r->minimum) {
		r->time_ns = vtime;
	} else {
		r->minimum = 1;
		r->timeout_ns = vtime;
	}
}

/* There is room again: what waited comes in, and who waited may write. */
static void unthrottle(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 left = (ld->icanon ? ld->canon_head : ld->commit_head) - ld->read_tail;

	n_tty_receive(tty);
	if (left <= UNTHROTTLE && tty->link)
		tty_wakeup(tty->link);
}

/* The first chunk. 1: there is more at once (continue_read()); 0; -errno, which counts if nothing has been
 * read. */
static int begin_read(struct reader *r)
{
	struct tty_struct *tty = r->tty;
	int ret;

	while (r->n < r->size) {
		if (r->packet && tty->link && tty->link->pktstatus) {
			if (r->n)
				return 0;
			r->buf[r->n++] = tty->link->pktstatus;
			tty->link->pktstatus = 0;
			return 0;
		}
		if (!n_tty_input_available(tty, false)) {
			ret = wait_for_input(r);
			if (ret <= 0)
				return ret;
			continue;
		}
		if (is_canonical(tty)) {
			if (canon_copy(r))
				return 1;
		} else {
			if (r->packet && !r->n)
				r->buf[r->n++] = TIOCPKT_DATA;
			if (raw_copy(r) && r->n >= r->minimum)
				return 1;
		}
		unthrottle(tty);
		if (r->n >= r->minimum)
			return 0;
		if (r->time_ns)
			r->timeout_ns = r->time_ns;
	}
	return 0;
}

/* A further chunk: what is there at once. 1: there is more; 0. */
static int continue_read(struct reader *r)
{
	bool more = false;

	if (!is_canonical(r->tty))
		more = raw_copy(r);
	else if (r->size)
		more = canon_copy(r);
	else
		canon_skip_eof(r->tty->n_tty);
	if (!more)
		unthrottle(r->tty);
	return more;
}

/* One reader at a time. Who does not want to wait does not wait for another one, either. */
static int lock_reads(struct file *f, struct tty_struct *tty)
{
	int err;

	while (tty->read_lock) {
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&tty->read_lock_wait, !tty->read_lock);
		if (err)
			return err;
	}
	tty->read_lock = true;
	return 0;
}

static void unlock_reads(struct tty_struct *tty)
{
	tty->read_lock = false;
	wake_up_all(&tty->read_lock_wait);
}

long n_tty_read(struct file *f, struct tty_struct *tty, struct iov_iter *to)
{
	struct reader r = {.tty = tty, .file = f, .size = min(to->count, (u64)READ_CHUNK)};
	u64 done = 0, copied;
	int ret = tty_check_change(tty, SIGTTIN);

	if (!ret)
		ret = lock_reads(f, tty);
	if (ret)
		return ret;
	set_limits(&r);
	ret = begin_read(&r);
	for (;;) {
		copied = copy_to_iter(r.buf, r.n, to);
		done += copied;
		if (copied != r.n && !done)
			ret = -EFAULT;
		if (ret <= 0 || (copied != r.n && !is_canonical(tty)))
			break;
		/* An EOF may be left to be skipped when no byte is wanted any more. */
		r.size = copied == r.n ? min(to->count, (u64)READ_CHUNK) : 0;
		r.n = 0;
		ret = continue_read(&r);
	}
	unlock_reads(tty);
	return done ? (long)done : ret;
}

/* --- writing ----------------------------------------------------------------------------------- */

/* As much of the bytes as the other end takes, as OPOST wants them. How many. */
static u32 write_opost(struct tty_struct *tty, const u8 *buf, u32 n)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 done, column, canon_column, len;
	u8 out[MAX_OPOST];

	for (done = 0; done < n; done++) {
		column = ld->column;
		canon_column = ld->canon_column;
		len = n_tty_opost(tty, buf[done], out);
		if (pty_write_room(tty) < max(len, 1U)) {
			ld->column = column;
			ld->canon_column = canon_column;
			break;
		}
		if (len)
			pty_write(tty, out, len);
	}
	return done;
}

/* Whatever a byte becomes, there is room for it; or there will never be. */
static bool can_go_on(struct file *f, const struct tty_struct *tty)
{
	return tty_hung_up_p(f) || !tty->link ||
	       pty_write_room(tty) >= (O_FLAG(tty, OPOST) ? MAX_OPOST : 1);
}

/* Bytes, all of them unless -errno or a signal comes in the middle. */
static long write_chunk(struct file *f, struct tty_struct *tty, const u8 *buf, u32 n)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);
	u32 done = 0;
	int err = L_FLAG(tty, TOSTOP) ? tty_check_change(tty, SIGTTOU) : 0;

	if (err)
		return err;
	process_echoes(tty);
	while (!err) {
		if (jobs && jobs->signal_pending(tty->vfs)) {
			err = -ERESTARTSYS;
			break;
		}
		if (tty_hung_up_p(f) || !tty->link || !tty->link->count) {
			err = -EIO;
			break;
		}
		done += O_FLAG(tty, OPOST) ? write_opost(tty, buf + done, n - done)
					   : pty_write(tty, buf + done, n - done);
		pty_push(tty);
		if (done == n)
			break;
		if (can_go_on(f, tty)) /* the push made room */
			continue;
		err = f->f_flags & O_NONBLOCK
			      ? -EAGAIN
			      : wait_event_interruptible(&tty->write_wait, can_go_on(f, tty));
	}
	return done ? (long)done : err;
}

/* A chunk that cannot be read as a whole is not written at all. */
static long write_all(struct file *f, struct tty_struct *tty, struct iov_iter *from, u8 *buf)
{
	const struct tty_job_ops *jobs = tty_jobs(tty);
	u64 done = 0, n;
	long put;

	do {
		struct iov_iter start = *from;

		n = min(from->count, (u64)WRITE_CHUNK);
		put = copy_from_iter(buf, n, from) == n ? write_chunk(f, tty, buf, n) : -EFAULT;
		if (put < (long)n) {
			*from = start;
			iov_iter_advance(from, max(put, 0L));
		}
		if (put <= 0)
			return done ? (long)done : put;
		done += put;
		if (jobs && jobs->signal_pending(tty->vfs))
			break;
	} while (from->count);
	return done;
}

int tty_write_lock(struct tty_struct *tty, bool nonblock)
{
	int err;

	while (tty->write_lock) {
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(&tty->write_wait, !tty->write_lock);
		if (err)
			return err;
	}
	tty->write_lock = true;
	return 0;
}

void tty_write_unlock(struct tty_struct *tty)
{
	tty->write_lock = false;
	tty_wakeup(tty);
}

long n_tty_write(struct file *f, struct tty_struct *tty, struct iov_iter *from)
{
	struct memory *m = tty->vfs->mem;
	u8 *buf = kmalloc(m, WRITE_CHUNK, GFP_KERNEL);
	long ret;

	if (!buf)
		return -ENOMEM;
	ret = tty_write_lock(tty, f->f_flags & O_NONBLOCK);
	if (!ret) {
		ret = write_all(f, tty, from, buf);
		tty_write_unlock(tty);
	}
	kfree(m, buf);
	return ret;
}

/* --- readiness --------------------------------------------------------------------------------- */

unsigned n_tty_poll(struct file *f, struct tty_struct *tty, struct poll_table *pt)
{
	unsigned mask = 0;

	poll_wait(f, &tty->read_wait, pt);
	poll_wait(f, &tty->write_wait, pt);
	if (n_tty_input_available(tty, true))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (packet_status(tty))
		mask |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	if (tty->other_closed || tty_hung_up_p(f))
		mask |= EPOLLHUP;
	if (!tty->write_lock && tty->link && pty_write_room(tty))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* N_TTY's way out: what OPOST makes of output, and echo. See tty_internal.h; termios(3); Linux,
 * drivers/tty/n_tty.c, do_output_char(), __process_echoes().
 *
 *   echo_buf:   c             goes out as output does (OPOST)
 *               OP c          a control character, as ^X
 *               OP OP         the byte OP itself
 *               OP BACK|CANON|TAB n   columns alone; how far a tab goes back
 *
 * What is to be echoed becomes bytes and columns only when it goes out: a signal's key that comes before
 * that takes both away. It waits until the input that came together is done (n_tty.c), as long as the other
 * end has no room, or output is stopped; it goes before anything else that is written. Nothing here sleeps.
 */
#include <string.h>

#include "fs/tty_internal.h"

#define ECHO_OP_START 0xff
#define ECHO_OP_MOVE_BACK_COL 0x80
#define ECHO_OP_SET_CANON_COL 0x81
#define ECHO_OP_ERASE_TAB 0x82
#define AFTER_TAB 0x80 /* in a tab's number: the columns count from another tab */
#define ECHO_BLOCK 256U
#define COMMIT_WATERMARK 256U /* bytes: with so many, some go out in the middle of input */
#define DISCARD_WATERMARK (N_TTY_BUF_SIZE - (ECHO_BLOCK + 32))

static bool is_cntrl(u8 c)
{
	return c < 0x20 || c == 0x7f;
}

bool n_tty_continuation(const struct tty_struct *tty, u8 c)
{
	return I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80;
}

/* --- output ------------------------------------------------------------------------------------ */

static u32 opost_newline(struct tty_struct *tty, u8 out[8])
{
	struct n_tty_data *ld = tty->n_tty;

	if (O_FLAG(tty, ONLRET))
		ld->column = 0;
	if (O_FLAG(tty, ONLCR)) {
		ld->canon_column = ld->column = 0;
		out[0] = '\r';
		out[1] = '\n';
		return 2;
	}
	ld->canon_column = ld->column;
	out[0] = '\n';
	return 1;
}

static u32 opost_return(struct tty_struct *tty, u8 out[8])
{
	struct n_tty_data *ld = tty->n_tty;

	if (O_FLAG(tty, ONOCR) && !ld->column)
		return 0;
	out[0] = '\r';
	if (O_FLAG(tty, OCRNL)) {
		out[0] = '\n';
		if (!O_FLAG(tty, ONLRET))
			return 1;
	}
	ld->canon_column = ld->column = 0;
	return 1;
}

static u32 opost_tab(struct tty_struct *tty, u8 out[8])
{
	struct n_tty_data *ld = tty->n_tty;
	u32 spaces = 8 - (ld->column & 7);

	ld->column += spaces;
	if (O_FLAG(tty, TABDLY) == XTABS) {
		memset(out, ' ', spaces);
		return spaces;
	}
	out[0] = '\t';
	return 1;
}

static u8 upper(u8 c)
{
	bool lower = (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7); /* as the kernel's ctype */

	return lower ? c - 32 : c;
}

u32 n_tty_opost(struct tty_struct *tty, u8 c, u8 out[8])
{
	struct n_tty_data *ld = tty->n_tty;

	switch (c) {
	case '\n':
		return opost_newline(tty, out);
	case '\r':
		return opost_return(tty, out);
	case '\t':
		return opost_tab(tty, out);
	case '\b':
		if (ld->column)
			ld->column--;
		break;
	default:
		if (is_cntrl(c))
			break;
		if (O_FLAG(tty, OLCUC))
			c = upper(c);
		if (!n_tty_continuation(tty, c))
			ld->column++;
	}
	out[0] = c;
	return 1;
}

/* --- echo, on its way out ---------------------------------------------------------------------- */

static u8 echo_at(const struct n_tty_data *ld, u32 at)
{
	return ld->echo_buf[at % N_TTY_BUF_SIZE];
}

/* @n bytes, all of them or none. False: there is no room for them. */
static bool put_echo(struct tty_struct *tty, const u8 *buf, u32 n)
{
	return pty_write_room(tty) >= n && pty_write(tty, buf, n) == n;
}

static void move_back(struct n_tty_data *ld, u32 n)
{
	ld->column -= min(n, ld->column);
}

static bool output_erase_tab(struct tty_struct *tty, u8 chars)
{
	static const u8 back[8] = "\b\b\b\b\b\b\b\b";
	struct n_tty_data *ld = tty->n_tty;
	u32 n = 8 - ((chars & AFTER_TAB ? chars : chars + ld->canon_column) & 7);

	if (!put_echo(tty, back, n))
		return false;
	move_back(ld, n);
	return true;
}

/* What stands at echo_tail, behind ECHO_OP_START. How long it is with that; 0: no room for it. */
static u32 output_echo_op(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u8 op = echo_at(ld, ld->echo_tail + 1), out[2] = {'^', op ^ 0100};

	switch (op) {
	case ECHO_OP_ERASE_TAB:
		return output_erase_tab(tty, echo_at(ld, ld->echo_tail + 2)) ? 3 : 0;
	case ECHO_OP_SET_CANON_COL:
		ld->canon_column = ld->column;
		return 2;
	case ECHO_OP_MOVE_BACK_COL:
		move_back(ld, 1);
		return 2;
	case ECHO_OP_START:
		if (!put_echo(tty, &op, 1))
			return 0;
		ld->column++;
		return 2;
	}
	if (!put_echo(tty, out, 2))
		return 0;
	ld->column += 2;
	return 2;
}

/* As output_echo_op(), of a byte that is none. */
static u32 output_echo_char(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 column = ld->column, canon_column = ld->canon_column, n = 1;
	u8 out[8] = {c};

	if (O_FLAG(tty, OPOST))
		n = n_tty_opost(tty, c, out);
	if (pty_write_room(tty) && put_echo(tty, out, n))
		return 1;
	ld->column = column;
	ld->canon_column = canon_column;
	return 0;
}

static u32 echo_length(const struct n_tty_data *ld, u32 at)
{
	if (echo_at(ld, at) != ECHO_OP_START)
		return 1;
	return echo_at(ld, at + 1) == ECHO_OP_ERASE_TAB ? 3 : 2;
}

/* Nobody can be made to wait for room for echo: the oldest is lost if there is much that cannot go out. */
void process_echoes(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 n;
	u8 c;

	ld->echo_commit = ld->echo_head;
	while (ld->echo_tail != ld->echo_head) {
		c = echo_at(ld, ld->echo_tail);
		n = c == ECHO_OP_START ? output_echo_op(tty) : output_echo_char(tty, c);
		if (!n)
			break;
		ld->echo_tail += n;
	}
	while (ld->echo_head - ld->echo_tail >= DISCARD_WATERMARK)
		ld->echo_tail += echo_length(ld, ld->echo_tail);
}

void commit_echoes(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 old = ld->echo_commit - ld->echo_tail, nr = ld->echo_head - ld->echo_tail;

	if (nr >= COMMIT_WATERMARK && nr % ECHO_BLOCK <= old % ECHO_BLOCK)
		process_echoes(tty);
}

void flush_echoes(struct tty_struct *tty)
{
	const struct n_tty_data *ld = tty->n_tty;

	if (L_FLAG(tty, ECHO | ECHONL) && ld->echo_commit != ld->echo_head)
		process_echoes(tty);
}

/* --- echo, into the buffer --------------------------------------------------------------------- */

/* process_echoes() leaves room for what one byte of input may become. A line that is printed anew
 * (VREPRINT) may need more: then, too, the oldest goes. */
static void add_echo_byte(struct n_tty_data *ld, u8 c)
{
	if (ld->echo_head - ld->echo_tail >= N_TTY_BUF_SIZE)
		ld->echo_tail += echo_length(ld, ld->echo_tail);
	ld->echo_buf[ld->echo_head++ % N_TTY_BUF_SIZE] = c;
}

static void add_echo_op(struct n_tty_data *ld, u8 op)
{
	add_echo_byte(ld, ECHO_OP_START);
	add_echo_byte(ld, op);
}

void echo_char_raw(struct tty_struct *tty, u8 c)
{
	if (c == ECHO_OP_START)
		add_echo_byte(tty->n_tty, c);
	add_echo_byte(tty->n_tty, c);
}

void echo_char(struct tty_struct *tty, u8 c)
{
	if (L_FLAG(tty, ECHOCTL) && is_cntrl(c) && c != '\t')
		add_echo_op(tty->n_tty, c);
	else
		echo_char_raw(tty, c);
}

void echo_move_back_col(struct tty_struct *tty)
{
	add_echo_op(tty->n_tty, ECHO_OP_MOVE_BACK_COL);
}

void echo_set_canon_col(struct tty_struct *tty)
{
	add_echo_op(tty->n_tty, ECHO_OP_SET_CANON_COL);
}

/* Columns are known modulo 8. */
void echo_erase_tab(struct tty_struct *tty, u32 chars, bool after_tab)
{
	add_echo_op(tty->n_tty, ECHO_OP_ERASE_TAB);
	add_echo_byte(tty->n_tty, (chars & 7) | (after_tab ? AFTER_TAB : 0));
}

/* N_TTY's way out: what OPOST makes of output, and echo. See tty_internal.h; termios(3); Linux,
 * drivers/tty/n_tty.c, do_output_char(), __process_echoes().
 *
 * Echo is made into bytes at once, columns and all, which wait in echo_buf until the input that came together
 * is done (n_tty.c), or as long as the other end has no room, or output is stopped; they go before anything
 * else that is written. Nothing here sleeps.
 */
#include <string.h>

#include "fs/tty_internal.h"

#define COMMIT_WATERMARK 256U /* bytes */

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

/* --- echo -------------------------------------------------------------------------------------- */

static u32 echo_count(const struct n_tty_data *ld)
{
	return ld->echo_head - ld->echo_tail;
}

bool process_echoes(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 n, at;

	while (echo_count(ld)) {
		at = ld->echo_tail % N_TTY_BUF_SIZE;
		n = pty_write(tty, ld->echo_buf + at, min(echo_count(ld), N_TTY_BUF_SIZE - at));
		if (!n)
			return false;
		ld->echo_tail += n;
	}
	return true;
}

/* Goes out with what else came in one go, or when it is much: a STOP or a signal's key in between catches it.
 * What finds no room at all is lost: nobody can be made to wait for it. */
static void echo_bytes(struct tty_struct *tty, const u8 *buf, u32 n)
{
	struct n_tty_data *ld = tty->n_tty;

	if (N_TTY_BUF_SIZE - echo_count(ld) < n)
		return;
	while (n--)
		ld->echo_buf[ld->echo_head++ % N_TTY_BUF_SIZE] = *buf++;
	if (echo_count(ld) >= COMMIT_WATERMARK)
		process_echoes(tty);
}

void echo_char_raw(struct tty_struct *tty, u8 c)
{
	u8 out[8] = {c};
	u32 n = O_FLAG(tty, OPOST) ? n_tty_opost(tty, c, out) : 1;

	echo_bytes(tty, out, n);
}

void echo_char(struct tty_struct *tty, u8 c)
{
	u8 out[2] = {'^', c ^ 0100};

	if (!L_FLAG(tty, ECHOCTL) || !is_cntrl(c) || c == '\t') {
		echo_char_raw(tty, c);
		return;
	}
	tty->n_tty->column += 2;
	echo_bytes(tty, out, 2);
}

void echo_move_back_col(struct tty_struct *tty)
{
	if (tty->n_tty->column)
		tty->n_tty->column--;
}

void echo_set_canon_col(struct tty_struct *tty)
{
	tty->n_tty->canon_column = tty->n_tty->column;
}

void echo_erase_tab(struct tty_struct *tty, u32 chars, bool after_tab)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 back;

	/* Behind another tab columns are known modulo 8; else they count from the line's first echo. */
	if (!after_tab)
		chars += ld->canon_column;
	for (back = 8 - (chars & 7); back; back--) {
		const u8 bs = '\b';

		echo_bytes(tty, &bs, 1);
		echo_move_back_col(tty);
	}
}

/* N_TTY's way in: from typed bytes to lines and signals. See tty_internal.h; termios(3); Linux,
 * drivers/tty/n_tty.c.
 *
 *   flip --n_tty_receive()--> read_buf:  tail ... lines ... canon_head ... the line being typed ... head
 *                       \---> echo (n_tty_echo.c), signals, flow
 *
 * A master's discipline is always raw: bytes pass as they are. Nothing here sleeps.
 */
#include "fs/tty_internal.h"

#include <signal.h>
#include <string.h>

#define MASK(x) ((x) & (N_TTY_BUF_SIZE - 1))

/* --- the ring ---------------------------------------------------------------------------------- */

static bool test_bit64(const u64 *map, u32 n)
{
	return map[n / 64] >> n % 64 & 1;
}

static void set_bit64(u64 *map, u32 n)
{
	map[n / 64] |= BIT(n % 64);
}

static u32 read_cnt(const struct n_tty_data *ld)
{
	return ld->read_head - ld->read_tail;
}

static void put_tty_queue(struct n_tty_data *ld, u8 c)
{
	ld->read_buf[MASK(ld->read_head)] = c;
	ld->read_head++;
}

/* PARMRK: 0xff is told apart from a mark by being doubled. */
static void put_input(struct tty_struct *tty, u8 c)
{
	if (c == 0xff && I_FLAG(tty, PARMRK))
		put_tty_queue(tty->n_tty, c);
	put_tty_queue(tty->n_tty, c);
}

static void reset_buffer_flags(struct n_tty_data *ld)
{
	ld->read_head = ld->read_tail = ld->canon_head = ld->commit_head = 0;
	ld->erasing = ld->push = false;
	memset(ld->read_flags, 0, sizeof(ld->read_flags));
	ld->lookahead = 0;
}

void n_tty_flush_buffer(struct tty_struct *tty)
{
	reset_buffer_flags(tty->n_tty);
	pty_packet_status(tty, 0, TIOCPKT_FLUSHREAD);
}

/* --- erasing ----------------------------------------------------------------------------------- */

static void finish_erasing(struct tty_struct *tty)
{
	if (tty->n_tty->erasing) {
		echo_char_raw(tty, '/');
		tty->n_tty->erasing = false;
	}
}

/* What the columns are that a tab at the end of the line takes: echo_erase_tab(). */
static void erase_tab(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 tail = ld->read_head, chars = 0;
	bool after_tab = false;

	while (tail != ld->canon_head) {
		u8 c = ld->read_buf[MASK(--tail)];

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (c < 0x20 || c == 0x7f)
			chars += L_FLAG(tty, ECHOCTL) ? 2 : 0;
		else if (!n_tty_continuation(tty, c))
			chars++;
	}
	echo_erase_tab(tty, chars, after_tab);
}

static void echo_rubout(struct tty_struct *tty)
{
	echo_char_raw(tty, '\b');
	echo_char_raw(tty, ' ');
	echo_char_raw(tty, '\b');
}

/* Shows that @cnt bytes from @head on, whose first is @c, are gone. @one: by ERASE. */
static void echo_erased(struct tty_struct *tty, u8 c, u32 head, u32 cnt, bool one)
{
	struct n_tty_data *ld = tty->n_tty;
	bool cntrl = c < 0x20 || c == 0x7f;

	if (L_FLAG(tty, ECHOPRT)) {
		if (!ld->erasing) {
			echo_char_raw(tty, '\\');
			ld->erasing = true;
		}
		echo_char(tty, c);
		while (--cnt > 0) {
			echo_char_raw(tty, ld->read_buf[MASK(++head)]);
			echo_move_back_col(tty);
		}
	} else if (one && !L_FLAG(tty, ECHOE)) {
		echo_char(tty, TTY_CC(tty, VERASE));
	} else if (c == '\t') {
		erase_tab(tty);
	} else {
		if (cntrl && L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
		if (!cntrl || L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
	}
}

/* KILL that need not show how the line goes. True: that was it. */
static bool kill_at_once(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;

	if (!L_FLAG(tty, ECHO)) {
		ld->read_head = ld->canon_head;
		return true;
	}
	if (L_FLAG(tty, ECHOK) && L_FLAG(tty, ECHOKE) && L_FLAG(tty, ECHOE))
		return false;
	ld->read_head = ld->canon_head;
	finish_erasing(tty);
	echo_char(tty, TTY_CC(tty, VKILL));
	if (L_FLAG(tty, ECHOK))
		echo_char_raw(tty, '\n');
	return true;
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
	       (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* ERASE, WERASE or KILL, as @key is. */
static void eraser(struct tty_struct *tty, u8 key)
{
	struct n_tty_data *ld = tty->n_tty;
	enum { ERASE, WERASE, KILL } kind = KILL;
	bool seen_word = false;
	u32 head, cnt;
	u8 c;

	if (ld->read_head == ld->canon_head)
		return;
	if (key == TTY_CC(tty, VERASE))
		kind = ERASE;
	else if (key == TTY_CC(tty, VWERASE))
		kind = WERASE;
	else if (kill_at_once(tty))
		return;
	while (ld->read_head != ld->canon_head) {
		head = ld->read_head;
		do { /* a character, of several bytes perhaps */
			c = ld->read_buf[MASK(--head)];
		} while (n_tty_continuation(tty, c) && head != ld->canon_head);
		if (n_tty_continuation(tty, c))
			break;
		if (kind == WERASE && is_word(c))
			seen_word = true;
		else if (kind == WERASE && seen_word)
			break;
		cnt = ld->read_head - head;
		ld->read_head = head;
		if (L_FLAG(tty, ECHO))
			echo_erased(tty, c, head, cnt, kind == ERASE);
		if (kind == ERASE)
			break;
	}
	if (ld->read_head == ld->canon_head && L_FLAG(tty, ECHO))
		finish_erasing(tty);
}

/* --- signals and flow -------------------------------------------------------------------------- */

static void isig(struct tty_struct *tty, int sig)
{
	struct n_tty_data *ld = tty->n_tty;

	tty_kill_pgrp(tty, sig);
	if (L_FLAG(tty, NOFLSH))
		return;
	ld->echo_head = ld->echo_tail = ld->echo_commit = 0;
	pty_flush_buffer(tty);
	n_tty_flush_buffer(tty);
}

static bool receive_signal_char(struct tty_struct *tty, u8 c)
{
	static const struct {
		u8 cc, sig;
	} keys[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};

	if (!L_FLAG(tty, ISIG))
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
		if (c != TTY_CC(tty, keys[i].cc))
			continue;
		isig(tty, keys[i].sig);
		if (I_FLAG(tty, IXON))
			start_tty(tty);
		if (L_FLAG(tty, ECHO))
			echo_char(tty, c);
		else
			process_echoes(tty);
		return true;
	}
	return false;
}

/* @done: it has been obeyed when it came (look_ahead()). */
static bool receive_flow_char(struct tty_struct *tty, u8 c, bool done)
{
	bool start = c == TTY_CC(tty, VSTART);

	if (!I_FLAG(tty, IXON) || (!start && c != TTY_CC(tty, VSTOP)))
		return false;
	if (done)
		return true;
	if (start) {
		start_tty(tty);
		process_echoes(tty);
	} else {
		stop_tty(tty);
	}
	return true;
}

static void restart_by_any(struct tty_struct *tty)
{
	if (tty->stopped && !tty->tco_stopped && I_FLAG(tty, IXON) && I_FLAG(tty, IXANY)) {
		start_tty(tty);
		process_echoes(tty);
	}
}

/* --- lines ------------------------------------------------------------------------------------- */

static void line_ends(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ld = tty->n_tty;

	set_bit64(ld->read_flags, MASK(ld->read_head));
	put_tty_queue(ld, c);
	ld->canon_head = ld->read_head;
	tty_readable(tty);
}

static void echo_input(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ld = tty->n_tty;

	if (ld->canon_head == ld->read_head)
		echo_set_canon_col(tty);
	echo_char(tty, c);
}

static void reprint(struct tty_struct *tty, u8 c)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 at = ld->canon_head;

	finish_erasing(tty);
	echo_char(tty, c);
	echo_char_raw(tty, '\n');
	for (; at != ld->read_head; at++)
		echo_char(tty, ld->read_buf[MASK(at)]);
}

static void literal_next(struct tty_struct *tty)
{
	tty->n_tty->lnext = true;
	if (!L_FLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	if (L_FLAG(tty, ECHOCTL)) {
		echo_char_raw(tty, '^');
		echo_char_raw(tty, '\b');
	}
}

/* The characters that edit a line or end it. False: it is none. */
static bool receive_canon_char(struct tty_struct *tty, u8 c)
{
	bool ext = L_FLAG(tty, IEXTEN), echo = L_FLAG(tty, ECHO);

	if (c == TTY_CC(tty, VERASE) || c == TTY_CC(tty, VKILL) ||
	    (c == TTY_CC(tty, VWERASE) && ext)) {
		eraser(tty, c);
	} else if (c == TTY_CC(tty, VLNEXT) && ext) {
		literal_next(tty);
	} else if (c == TTY_CC(tty, VREPRINT) && echo && ext) {
		reprint(tty, c);
	} else if (c == '\n') {
		if (echo || L_FLAG(tty, ECHONL))
			echo_char_raw(tty, '\n');
		line_ends(tty, c);
	} else if (c == TTY_CC(tty, VEOF)) {
		line_ends(tty, DISABLED_CHAR);
	} else if (c == TTY_CC(tty, VEOL) || (c == TTY_CC(tty, VEOL2) && ext)) {
		if (echo)
			echo_input(tty, c);
		if (c == 0xff && I_FLAG(tty, PARMRK))
			put_tty_queue(tty->n_tty, c);
		line_ends(tty, c);
	} else {
		return false;
	}
	return true;
}

static void receive_plain(struct tty_struct *tty, u8 c)
{
	restart_by_any(tty);
	if (L_FLAG(tty, ECHO)) {
		finish_erasing(tty);
		echo_input(tty, c);
	}
	put_input(tty, c);
}

static void receive_special(struct tty_struct *tty, u8 c, bool looked_at)
{
	if (receive_flow_char(tty, c, looked_at) || receive_signal_char(tty, c))
		return;
	restart_by_any(tty);
	if (c == '\r') {
		if (I_FLAG(tty, IGNCR))
			return;
		if (I_FLAG(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(tty, INLCR)) {
		c = '\r';
	}
	if (tty->n_tty->icanon && receive_canon_char(tty, c))
		return;
	if (L_FLAG(tty, ECHO)) {
		finish_erasing(tty);
		if (c == '\n')
			echo_char_raw(tty, c);
		else
			echo_input(tty, c);
	}
	put_input(tty, c);
}

static bool is_upper(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static void receive_char(struct tty_struct *tty, u8 c, bool looked_at)
{
	struct n_tty_data *ld = tty->n_tty;
	bool literal = ld->lnext;

	ld->lnext = false;
	if (I_FLAG(tty, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(tty, IUCLC) && L_FLAG(tty, IEXTEN) && is_upper(c))
		c |= 0x20;
	if (!literal && L_FLAG(tty, TTY_EXTPROC))
		put_tty_queue(ld, c);
	else if (!literal && test_bit64(ld->char_map, c))
		receive_special(tty, c, looked_at);
	else
		receive_plain(tty, c);
	commit_echoes(tty);
}

/* --- from the other end ------------------------------------------------------------------------ */

/* How many bytes may come now. A line that is too long still takes what edits or ends it: each byte in the
 * place of the last one. */
static u32 receive_room(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	s32 room = N_TTY_BUF_SIZE - read_cnt(ld);

	if (I_FLAG(tty, PARMRK))
		room = (room + 2) / 3;
	room--;
	if (room > 0)
		return room;
	if (!ld->icanon || ld->canon_head != ld->read_tail)
		return 0;
	if (room < 0)
		ld->read_head--;
	return 1;
}

static void receive_raw(struct n_tty_data *ld, const u8 *buf, u32 n)
{
	u32 at = MASK(ld->read_head), first = min(n, N_TTY_BUF_SIZE - at);

	memcpy(ld->read_buf + at, buf, first);
	memcpy(ld->read_buf, buf + first, n - first);
	ld->read_head += n;
}

/* The first @looked_at of them were there for look_ahead(). */
static void receive_bytes(struct tty_struct *tty, const u8 *buf, u32 n, u32 looked_at)
{
	struct n_tty_data *ld = tty->n_tty;
	bool changes = I_FLAG(tty, ISTRIP) || (I_FLAG(tty, IUCLC) && L_FLAG(tty, IEXTEN));

	if (ld->raw || (L_FLAG(tty, TTY_EXTPROC) && !changes)) {
		receive_raw(ld, buf, n);
	} else {
		for (u32 i = 0; i < n; i++)
			receive_char(tty, buf[i], i < looked_at);
		flush_echoes(tty);
	}
	if (ld->icanon && !L_FLAG(tty, TTY_EXTPROC))
		return;
	ld->commit_head = ld->read_head;
	if (read_cnt(ld))
		tty_readable(tty);
}

/* Echo is on its way to the master: there it is looked at now. */
static void push_echo(struct tty_struct *tty)
{
	if (tty->kind == TTY_PTY_SLAVE)
		pty_push(tty);
}

void n_tty_receive_buf(struct tty_struct *tty, const u8 *buf, u32 n)
{
	u32 room;

	while (n && (room = receive_room(tty))) {
		room = min(room, n);
		receive_bytes(tty, buf, room, 0);
		buf += room;
		n -= room;
	}
	push_echo(tty);
}

/* STOP and START work also behind what nobody reads. */
static void look_ahead(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;

	for (; ld->flip_tail + ld->lookahead != ld->flip_head; ld->lookahead++)
		receive_flow_char(tty, ld->flip[(ld->flip_tail + ld->lookahead) % TTY_FLIP_SIZE],
				  false);
}

void n_tty_receive(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;
	u32 at, n, looked_at;

	if (ld->flip_tail == ld->flip_head)
		return;
	for (;;) {
		at = ld->flip_tail % TTY_FLIP_SIZE;
		n = min(ld->flip_head - ld->flip_tail, TTY_FLIP_SIZE - at);
		/* Also asked when nothing is left: the last byte of a line that is too long goes. */
		n = min(n, receive_room(tty));
		if (!n)
			break;
		looked_at = min(n, ld->lookahead);
		ld->lookahead -= looked_at;
		/* Before it is looked at: a signal's key flushes what came before, not behind it. */
		ld->flip_tail += n;
		receive_bytes(tty, ld->flip + at, n, looked_at);
	}
	look_ahead(tty);
	push_echo(tty);
}

void n_tty_flush_flip(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;

	ld->flip_tail = ld->flip_head;
	ld->lookahead = 0;
}

/* --- termios ----------------------------------------------------------------------------------- */

static void map_char(struct tty_struct *tty, u8 c)
{
	if (c != DISABLED_CHAR)
		set_bit64(tty->n_tty->char_map, c);
}

static void map_ccs(struct tty_struct *tty, const u8 *ccs, u32 n)
{
	while (n--)
		map_char(tty, TTY_CC(tty, *ccs++));
}

static void make_char_map(struct tty_struct *tty)
{
	static const u8 canon[] = {VERASE, VKILL, VEOF, VEOL}, ext[] = {VWERASE, VLNEXT, VEOL2},
			flow[] = {VSTART, VSTOP}, sig[] = {VINTR, VQUIT, VSUSP};

	memset(tty->n_tty->char_map, 0, sizeof(tty->n_tty->char_map));
	if (I_FLAG(tty, IGNCR | ICRNL))
		map_char(tty, '\r');
	if (I_FLAG(tty, INLCR))
		map_char(tty, '\n');
	if (L_FLAG(tty, ICANON)) {
		map_ccs(tty, canon, ARRAY_SIZE(canon));
		map_char(tty, '\n');
		if (L_FLAG(tty, IEXTEN))
			map_ccs(tty, ext, ARRAY_SIZE(ext));
		if (L_FLAG(tty, IEXTEN) && L_FLAG(tty, ECHO))
			map_char(tty, TTY_CC(tty, VREPRINT));
	}
	if (I_FLAG(tty, IXON))
		map_ccs(tty, flow, ARRAY_SIZE(flow));
	if (L_FLAG(tty, ISIG))
		map_ccs(tty, sig, ARRAY_SIZE(sig));
}

/* What is there already becomes a line that a read may have, or loses its lines. */
static void change_canon(struct tty_struct *tty)
{
	struct n_tty_data *ld = tty->n_tty;

	memset(ld->read_flags, 0, sizeof(ld->read_flags));
	if (!L_FLAG(tty, ICANON) || !read_cnt(ld)) {
		ld->canon_head = ld->read_tail;
		ld->push = false;
	} else {
		set_bit64(ld->read_flags, MASK(ld->read_head - 1));
		ld->canon_head = ld->read_head;
		ld->push = true;
	}
	ld->commit_head = ld->read_head;
	ld->erasing = ld->lnext = false;
}

void n_tty_set_termios(struct tty_struct *tty, const struct termios2 *old)
{
	struct n_tty_data *ld = tty->n_tty;

	if (!old || ((old->c_lflag ^ tty->termios.c_lflag) & (ICANON | TTY_EXTPROC)))
		change_canon(tty);
	ld->icanon = L_FLAG(tty, ICANON);
	ld->raw = !I_FLAG(tty, ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK) &&
		  !L_FLAG(tty, ICANON | ISIG | ECHO);
	make_char_map(tty);
	if (!I_FLAG(tty, IXON) && old && (old->c_iflag & IXON) && !tty->tco_stopped) {
		start_tty(tty);
		process_echoes(tty);
		push_echo(tty);
	}
	tty_wakeup(tty);
	tty_readable(tty);
}

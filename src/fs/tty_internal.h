/* struct tty_struct, and what the files of the terminals share. See tty.h. */
#ifndef FS_TTY_INTERNAL_H
#define FS_TTY_INTERNAL_H

#include <asm/termbits.h>
#include <sys/ioctl.h>

#include "fs/libfs.h"
#include "fs/poll.h"
#include "fs/tty.h"

#define N_TTY_BUF_SIZE 4096U /* a power of two: MAX_CANON and the longest raw backlog */
#define TTY_FLIP_SIZE 16384U /* what may wait before the line discipline: a power of two */
#define DISABLED_CHAR                                                                              \
	'\0' /* __DISABLED_CHAR: a control character that is off; also an EOF in the buffer */
#define TTY_EXTPROC 0x10000U /* c_lflag EXTPROC, which libc's header may hide */

enum tty_kind { TTY_PTY_MASTER, TTY_PTY_SLAVE, TTY_HOST };

/* The line discipline's: n_tty.c, n_tty_rw.c. Positions only grow; MASK()ed they are places in the ring. */
struct n_tty_data {
	u32 read_head;	 /* where the next byte goes */
	u32 read_tail;	 /* the next one to be read */
	u32 canon_head;	 /* behind the last whole line; of ICANON only */
	u32 commit_head; /* behind what a read may have without ICANON */
	bool lnext, erasing, icanon, raw, push;
	u32 column, canon_column; /* of the cursor: now, and where this line's echo began */
	u64 char_map[4];	  /* bytes that mean something special as of these termios */
	u64 read_flags[N_TTY_BUF_SIZE / 64]; /* at these places lines end */
	u32 echo_head, echo_tail;
	u32 echo_commit; /* how much of the echo has been tried to go out */
	u8 read_buf[N_TTY_BUF_SIZE];
	u8 echo_buf[N_TTY_BUF_SIZE]; /* echo that has not gone out yet: n_tty_echo.c */
	u32 flip_head, flip_tail;
	u32 lookahead; /* of these, the first whose STOP and START have been obeyed already */
	u8 flip[TTY_FLIP_SIZE]; /* what came in and is not looked at yet */
};

struct tty_struct {
	struct simple_attr attr; /* a slave's, as stat(2) shows them: devpts.c; first */
	u32 refcount; /* files, processes that it controls, a master's hold on its slave */
	u32 count;    /* files, and one more for a slave whose master is open */

	/* Set once. */
	enum tty_kind kind;
	u32 index; /* N of /dev/pts/N */
	u32 dev;   /* makedev() */
	struct vfs *vfs;
	struct n_tty_data *n_tty; /* NULL: the host's */
	struct tty_struct
		*link; /* the other end; NULL: the host's, and a slave whose master is gone */

	struct tty_ctrl ctrl;
	struct termios2 termios, termios_locked; /* tty_ioctl.c; not of the host's */
	struct winsize winsize;			 /* a slave's is the pair's */
	bool stopped, tco_stopped;		 /* flow: by STOP, by tcflow(3) */
	bool packet;				 /* a master's: TIOCPKT */
	u8 pktstatus; /* a slave's: TIOCPKT_* that its master has not read yet */
	bool other_closed, io_error, hupped, exclusive;
	bool pty_lock;	 /* a master's: the slave cannot be opened yet */
	bool write_lock; /* somebody is in the middle of a write(2), or waits for its end: TCSETSW */
	bool read_lock;	 /* somebody is in the middle of a read(2) */
	struct wait_queue_head read_wait, write_wait, read_lock_wait;
	struct list_head files; /* of tty_file */

	u32 mode; /* with @attr */
	struct list_head
		node; /* slaves that have a name: devpts.c; the host's: vfs_internal.host_ttys */

	/* The host's: tty_host.c, set once. */
	int host_fd;	    /* a description of its own, if that could be had; -1: not the host's */
	bool host_nonblock; /* @host_fd does not block */
	bool is_start;	    /* it controls Vellum */
};

/* An open file's, of our own terminals: private_data. */
struct tty_file {
	struct tty_struct *tty; /* set once; a reference */
	struct file *file;	/* set once */
	struct list_head node;	/* tty.files */
};

extern const struct file_operations tty_fops;	      /* tty_io.c */
extern const struct file_operations hung_up_tty_fops; /* tty_io.c: after a hangup */
extern const struct file_operations host_tty_fops;    /* tty_host.c */

static inline bool tty_hung_up_p(const struct file *f)
{
	return f->f_op == &hung_up_tty_fops;
}

static inline const struct tty_job_ops *tty_jobs(const struct tty_struct *tty)
{
	return tty->vfs->tty_jobs;
}

/* The slave's of a pair, whichever end @tty is: it has the termios, the size and the session. */
static inline struct tty_struct *tty_pair_get_tty(struct tty_struct *tty)
{
	return tty->kind == TTY_PTY_MASTER ? tty->link : tty;
}

/* --- termios, by short names ------------------------------------------------------------------- */

#define I_FLAG(tty, f) ((tty)->termios.c_iflag & (f))
#define O_FLAG(tty, f) ((tty)->termios.c_oflag & (f))
#define L_FLAG(tty, f) ((tty)->termios.c_lflag & (f))
#define TTY_CC(tty, n) ((tty)->termios.c_cc[n])

/* --- tty_io.c ---------------------------------------------------------------------------------- */

/* A terminal without a link, its discipline (unless @kind is the host's) as of @termios; one reference.
 * NULL: no memory. */
struct tty_struct *tty_alloc(struct vfs *v, enum tty_kind kind, u32 dev);
/* A file of one that is our own: FMODE_* by @flags; counts as one open. ERR_PTR(-ENOMEM, -ENFILE). */
struct file *tty_file_open(struct tty_struct *tty, const struct path *p, int flags);
/* open(2) of a slave: /dev/pts/N, /dev/tty, TIOCGPTPEER. ERR_PTR(-EIO: locked, or no master; -EBUSY). */
struct file *tty_open_slave(struct tty_struct *tty, const struct path *p, int flags);
/* Somebody may write again; bytes have come in. */
void tty_wakeup(struct tty_struct *tty);
void tty_readable(struct tty_struct *tty);
int tty_check_change(struct tty_struct *tty, int sig);
/* F_SETFL: with O_ASYNC and nobody named by F_SETOWN, the foreground hears, or who sets it. As tty_fasync(). */
int tty_setfl(struct file *f, int flags);
void tty_kill_pgrp(struct tty_struct *tty, int sig);

/* --- tty_ioctl.c ------------------------------------------------------------------------------- */

long tty_ioctl(struct file *f, u32 cmd, u64 arg, struct mm_struct *mm);
/* What concerns sessions and groups: see tty_job_ops. @real as there. */
long tty_job_ioctl(struct tty_struct *tty, struct tty_struct *real, struct file *f, u32 cmd,
		   u64 arg, struct mm_struct *mm);
/* Is @cmd one of those? */
bool tty_is_job_ioctl(u32 cmd);
/* Output of @tty (its own, not the other end's) stops or goes on. */
void stop_tty(struct tty_struct *tty);
void start_tty(struct tty_struct *tty);

/* --- pty.c ------------------------------------------------------------------------------------- */

extern const struct termios2 tty_std_termios;

/* Bytes to the other end's input: how many it took, maybe 0. Looked at when pty_push() is called. */
u32 pty_write(struct tty_struct *tty, const u8 *buf, u32 n);
u32 pty_write_room(const struct tty_struct *tty);
void pty_push(struct tty_struct *tty);
/* The slave's status for a master in packet mode: @set (TIOCPKT_*), less @clear. */
void pty_packet_status(struct tty_struct *slave, u8 clear, u8 set);
/* What is on its way out of @tty and not looked at goes. */
void pty_flush_buffer(struct tty_struct *tty);
/* An end's last file is closed. */
void pty_close(struct tty_struct *tty);
/* The ioctls of masters only; -ENOTTY: none of them. */
long pty_master_ioctl(struct tty_struct *tty, u32 cmd, u64 arg, struct mm_struct *mm);
/* TIOCSWINSZ, of either end: SIGWINCH if it is another size. */
void pty_resize(struct tty_struct *tty, const struct winsize *ws);

/* --- n_tty.c ----------------------------------------------------------------------------------- */

/* Takes what waits in @tty's flip buffer, as far as there is room. */
void n_tty_receive(struct tty_struct *tty);
/* Bytes that a terminal gets as if typed (TIOCSTI). */
void n_tty_receive_buf(struct tty_struct *tty, const u8 *buf, u32 n);
/* The termios are others than @old (NULL: all new). */
void n_tty_set_termios(struct tty_struct *tty, const struct termios2 *old);
/* All that has come in and is not read goes; what has not even been looked at. */
void n_tty_flush_buffer(struct tty_struct *tty);
void n_tty_flush_flip(struct tty_struct *tty);

/* --- n_tty_echo.c: output and echo --------------------------------------------------------------- */

/* One byte of output as OPOST wants it, to @out (8 bytes): how many; the column follows. */
u32 n_tty_opost(struct tty_struct *tty, u8 c, u8 out[8]);
/* Is the byte the second or later one of a UTF-8 character? */
bool n_tty_continuation(const struct tty_struct *tty, u8 c);
/* Echo: a byte as typed (^X of a control character), as it is, and what erasing looks like. */
void echo_char(struct tty_struct *tty, u8 c);
void echo_char_raw(struct tty_struct *tty, u8 c);
void echo_move_back_col(struct tty_struct *tty);
void echo_set_canon_col(struct tty_struct *tty);
void echo_erase_tab(struct tty_struct *tty, u32 chars, bool after_tab);
/* Echo that waits goes out, as far as there is room: at once; if it is much; or at the end of input that
 * came together. */
void process_echoes(struct tty_struct *tty);
void commit_echoes(struct tty_struct *tty);
void flush_echoes(struct tty_struct *tty);

/* --- n_tty_rw.c -------------------------------------------------------------------------------- */

/* May a read have something? @poll: as poll(2) asks, VMIN counts. */
bool n_tty_input_available(const struct tty_struct *tty, bool poll);
/* FIONREAD */
int n_tty_inq(const struct tty_struct *tty);
long n_tty_read(struct file *f, struct tty_struct *tty, struct iov_iter *to);
long n_tty_write(struct file *f, struct tty_struct *tty, struct iov_iter *from);
unsigned n_tty_poll(struct file *f, struct tty_struct *tty, struct poll_table *pt);
/* One writer at a time: what a write(2) says stays together. 0; -EAGAIN: @nonblock; -ERESTARTSYS. */
int tty_write_lock(struct tty_struct *tty, bool nonblock);
void tty_write_unlock(struct tty_struct *tty);

/* --- tty_host.c -------------------------------------------------------------------------------- */

/* The host's terminal of number @index that the guest knows; NULL: none. */
struct tty_struct *tty_host_find_pts(struct vfs *v, u32 index);
/* Opens the host's @tty anew for @p (/dev/tty). ERR_PTR. (hostfs.c makes the file.) */
struct file *tty_host_reopen(struct tty_struct *tty, const struct path *p, int flags);
/* The last user of it has gone. */
void tty_host_close(struct tty_struct *tty);

/* --- devpts.c ---------------------------------------------------------------------------------- */

/* Gives slave @tty the lowest free number and a name, owned by the running task. 0 or -ENOSPC. */
int devpts_new(struct tty_struct *tty);
/* The name goes. */
void devpts_kill(struct tty_struct *tty);
/* Where @tty's name is, for files that are opened without it; a reference. dentry NULL: no memory. */
struct path devpts_path(struct tty_struct *tty);

#endif

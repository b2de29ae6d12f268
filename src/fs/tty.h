/* Terminals: pseudo terminals of our own, and those of the host that were handed in.
 *
 *   master file --> tty_struct <--link--> tty_struct <-- slave files: /dev/pts/N
 *                   (/dev/ptmx)            |
 *                                          '--- n_tty: lines, echo, erasing, signals (n_tty.c)
 *
 *   file 0, 1, 2 --> tty_struct (host): the host's terminal has the lines and the termios; ours are
 *                    session and foreground group alone (tty_host.c)
 *
 *   signal_struct.tty --> tty_struct.ctrl: whose controlling terminal it is (proc/tty_jobctrl.h)
 *
 *   tty_io.c     files: open, read, write, poll, hangup       n_tty.c       input and echo
 *   tty_ioctl.c  ioctl_tty(2)                                 n_tty_rw.c    reads, writes, output
 *   pty.c        pairs                                        devpts.c      their names
 *
 * fs/ knows no tasks: who may read, who gets SIGINT and whose terminal /dev/tty is, struct tty_job_ops
 * tells, which proc/ registers. Not for: lines with modems, virtual consoles, other line disciplines.
 * See: tty(4), pty(7), termios(3), ioctl_tty(2); Linux, drivers/tty/, whose words these are.
 */
#ifndef FS_TTY_H
#define FS_TTY_H

#include "fs/file.h"

struct tty_struct;

/* What terminals need to know of tasks; registered by proc/. NULL: nobody's (tests). None sleeps. */
struct tty_job_ops {
	/* May the running task use @tty, its controlling terminal perhaps, from where it is? 0; -EIO;
	 * -ERESTARTSYS: @sig (SIGTTIN, SIGTTOU) is on its way. As __tty_check_change(). */
	int (*check_change)(struct tty_struct *tty, int sig);
	/* The running task opened @tty by @f, without O_NOCTTY. As tty_open_proc_set_tty(). */
	void (*open_proc_set_tty)(struct tty_struct *tty, struct file *f);
	/* Its controlling terminal, no reference; NULL: none. */
	struct tty_struct *(*current_tty)(struct vfs *v);
	/* What concerns sessions and groups: TIOCSCTTY, TIOCNOTTY, TIOC[GS]PGRP, TIOCGSID. @real: the slave's
	 * for a master. -ENOTTY also for all else. As tty_jobctrl_ioctl(). */
	long (*ioctl)(struct tty_struct *tty, struct tty_struct *real, struct file *f, u32 cmd,
		      u64 arg, struct mm_struct *mm);
	/* @sig for group @pgrp (0: nobody), from the kernel. */
	void (*kill_pgrp)(struct vfs *v, s32 pgrp, int sig);
	/* @tty has hung up: its session loses it, and the leader hears of it. As
	 * tty_signal_session_leader(). */
	void (*hangup_session)(struct tty_struct *tty);
	/* The running task may do what needs CAP_SYS_ADMIN. */
	bool (*is_admin)(struct vfs *v);
	/* A signal is pending for the running task. */
	bool (*signal_pending)(struct vfs *v);
	/* Is @tty the running task's, but another group in its foreground? */
	bool (*in_background)(struct tty_struct *tty);
};

/* Whose it is: proc/tty_jobctrl.c alone changes these. */
struct tty_ctrl {
	s32 session; /* 0: nobody's */
	s32 pgrp;    /* in the foreground; 0: none */
};

/* What proc/ may know of a terminal. */
struct tty_ctrl *tty_ctrl(struct tty_struct *tty);
/* As makedev(3): /proc/PID/stat's tty_nr. */
u32 tty_devnum(const struct tty_struct *tty);
struct vfs *tty_vfs(const struct tty_struct *tty);
/* Is it the host's? Then the host's kernel decides once more whether Vellum may use it. */
bool tty_is_host(const struct tty_struct *tty);
/* One reference more; one less, which may be its end. */
void tty_get(struct tty_struct *tty);
void tty_put(struct tty_struct *tty);

/* All files of @tty are cut off from it, and its session loses it. Not the host's: nothing happens. */
void tty_vhangup(struct tty_struct *tty);

/* The terminal behind @f; NULL: it is none. */
struct tty_struct *file_tty(const struct file *f);

/* --- opening: what hostfs.c asks -------------------------------------------------------------- */

/* /dev/ptmx and /dev/tty are served here: a new file for @p, or ERR_PTR(-ENXIO: no controlling terminal;
 * -EACCES; -ENOSPC: no number free; -ENOMEM). NULL: the device is another one's. */
struct file *tty_chardev_open(const struct path *p, int flags, u32 major, u32 minor);
/* Might an open(2) of @name be for such a device? */
bool tty_names_device(const char *name);
/* TIOCGPTPEER: opens the slave of @f, a master, with @flags. ERR_PTR(-EIO: it is none; -ENOTTY: not even
 * a terminal; as open(2)). */
struct file *tty_open_peer(struct file *f, int flags);
/* @f, new, of a character device of the host's: if it is a terminal, it becomes one here. 0 or -ENOMEM. */
int tty_adopt_host_file(struct file *f, int flags);

/* --- the starting terminal: tty_host.c --------------------------------------------------------- */

/* The terminal that controls Vellum, with one reference; NULL: none. ERR_PTR(-ENOMEM). Its attributes are
 * remembered. */
struct tty_struct *tty_host_start(struct vfs *v);
/* Puts those attributes back, if Vellum is in the foreground: it stops, or ends with its guest killed. What
 * the guest had set is put aside, and set again by tty_host_resume(). */
void tty_host_restore(struct vfs *v);
void tty_host_resume(struct vfs *v);
/* The group in the foreground of the starting terminal; 0: none, or nobody has that terminal any more. */
s32 tty_host_pgrp(struct vfs *v);

/* --- /dev/pts ---------------------------------------------------------------------------------- */

/* Mounts the machine's devpts. 0, also where there is no /dev to hold it; -ENOMEM. */
int devpts_init(struct vfs *v);

#endif

/* Sessions, process groups and their terminals.
 *
 *	signal_struct.session, pgrp, session_leader
 *	             |--tty--> tty_struct.ctrl: session, and which group is in the foreground
 *
 *	setsid: a session without a terminal --> its leader opens one, or TIOCSCTTY --> the session's
 *	the leader ends, or TIOCNOTTY: SIGHUP to the foreground, and nobody of the session has one
 *
 * The first task begins with the terminal that controls Vellum, and leads its session if Vellum does on the
 * host. A group on the host's side is all of Vellum: fs/tty_host.c.
 *
 * Not for: what a terminal does with bytes (fs/tty.h), stops themselves (signal_deliver.c). Nothing here
 * sleeps. See: credentials(7), "Process group ID and session ID", setsid(2), setpgid(2), tty_ioctl(4);
 * Linux, drivers/tty/tty_jobctrl.c, kernel/sys.c.
 */
#ifndef PROC_TTY_JOBCTRL_H
#define PROC_TTY_JOBCTRL_H

#include "base/types.h"

struct k_siginfo;
struct machine;
struct signal_struct;
struct task_struct;

/* Registers with the terminals of fs/. Once, by machine_init(). */
void tty_jobctrl_init(struct machine *m);
/* The first task's session, and its terminal, if Vellum has one. 0 or -ENOMEM. */
int tty_start_session(struct task_struct *t);

/* fork(2): a process has its parent's terminal. */
void tty_fork(struct signal_struct *s, const struct signal_struct *parent);
/* The process has no terminal any more: setsid(2), and its end. */
void proc_clear_tty(struct signal_struct *s);
/* The session of @t loses its terminal if @t leads it, and the foreground hears SIGHUP: the process ends
 * (@on_exit), or TIOCNOTTY. */
void disassociate_ctty(struct task_struct *t, bool on_exit);

/* setsid(2): the session's number; -EPERM: @t leads a group. */
long do_setsid(struct task_struct *t);
/* setpgid(2). 0; -EINVAL, -ESRCH, -EPERM, -EACCES as there. */
long do_setpgid(struct task_struct *t, s32 pid, s32 pgid);
/* vhangup(2): @t's terminal, if it has one. 0; -EPERM: without CAP_SYS_TTY_CONFIG. */
long do_vhangup(struct task_struct *t);

/* /proc/PID/stat: the terminal's device (0: none) and its foreground group (-1). */
void task_tty_numbers(const struct task_struct *t, u32 *tty_nr, s32 *tpgid);

/* The host's terminal has sent Vellum @sig: it is for the foreground group, or the first task's if there is
 * none; a hangup's SIGHUP for the first task if that leads its session. Not before the first task is there. */
void machine_terminal_signal(struct machine *m, int sig, const struct k_siginfo *info);
/* After @t has been stopped by @sig: is nobody left in the guest who could be expected to continue it? Then
 * the host's shell is to see Vellum stop: it does, and has been continued when this returns true. */
bool machine_stop_with_host(struct task_struct *t, int sig);

#endif

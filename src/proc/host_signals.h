/* Signals of the host, passed on to the guest: somebody presses Ctrl-C, a CI run's time is up.
 *
 *	from the terminal (SI_KERNEL)	its foreground group in the guest (tty_jobctrl.h), SIGTSTP too
 *	kill(1) and kin			the first task
 *	either, once that has ended	every program that is left; told to end twice, all are killed
 *
 * Vellum itself stops when all of the guest is stopped, or the terminal stopped the first task's group.
 *
 * Not for: SIGSEGV and kin of Vellum itself (cpu/host_signals.c).
 * See: signalfd(2).
 */
#ifndef PROC_HOST_SIGNALS_H
#define PROC_HOST_SIGNALS_H

struct machine;

/* Signals of the host (config.sig_watched, which the caller has blocked) go to the guest from now on.
 * At most once a machine. 0, or -errno and nothing is watched. */
int machine_watch_signals(struct machine *m);

/* The first task has ended. What was told to end goes on being told: the rest hears of it. */
void host_signals_init_ended(struct machine *m);

#endif

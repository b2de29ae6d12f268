/* Signals of the host, passed on. They are blocked in the host process and read from a signalfd by a kernel
 * thread, which sleeps in the event loop like everybody else; so none is lost, and none comes at a moment
 * that is not prepared for it. A program that computes is interrupted at the end of its slice. See
 * host_signals.h. */
#include "proc/host_signals.h"

#include <sys/signalfd.h>

#include "base/host.h"
#include "base/host_fs.h"
#include "base/log.h"
#include "proc/kthread.h"
#include "proc/task.h"
#include "proc/tty_jobctrl.h"

#define SLEEP_FOREVER (~0UL)
/* What makes programs end unless they have an answer to it. */
#define END_MASK (sigmask_k(SIGHUP) | sigmask_k(SIGINT) | sigmask_k(SIGQUIT) | sigmask_k(SIGTERM))

static void signal_everybody(struct machine *m, int sig, const struct k_siginfo *info)
{
	struct task_struct *t, *next;

	list_for_each_entry_safe (t, next, &m->tasks, tasks)
		if (!t->kthread && thread_group_leader(t))
			group_send_sig_info(sig, info, t);
}

static void pass_on(struct machine *m, const struct signalfd_siginfo *si)
{
	struct k_siginfo info = {.si_signo = si->ssi_signo, .si_code = si->ssi_code};
	struct task_struct *first = find_task_by_pid(m, m->init_pid);
	int sig = si->ssi_signo;
	bool end = sigmask_k(sig) & END_MASK, again = end && m->end_signal && m->init_ended;

	info.kill.uid = si->ssi_uid; /* a pid of the host's would mean nothing here */
	if (si->ssi_code < 0)
		info.kill.value = si->ssi_ptr;
	if (end)
		m->end_signal = sig;
	if (m->init_ended || !first)
		signal_everybody(m, again ? SIGKILL : sig, &info);
	else if (si->ssi_code == SI_KERNEL)
		machine_terminal_signal(m, sig, &info);
	else
		group_send_sig_info(sig, &info, first);
}

void host_signals_init_ended(struct machine *m)
{
	int sig = m->exit_status & 0x7f;

	if (!sig || sig != m->end_signal)
		return;
	signal_everybody(m, sig, NULL);
}

static int signal_thread(struct task_struct *t, void *arg)
{
	struct machine *m = arg;
	struct signalfd_siginfo si;

	(void)t;
	for (;;) {
		if (event_wait_fd(&m->events, m->signal_fd, EPOLLIN, SLEEP_FOREVER))
			return 0;
		while (host_read(m->signal_fd, &si, sizeof(si)) == (long)sizeof(si))
			pass_on(m, &si);
	}
}

int machine_watch_signals(struct machine *m)
{
	struct task_struct *t;
	int fd = host_signalfd(m->config.sig_watched);

	if (fd < 0)
		return fd;
	t = kthread_create(m, "vellum_signals", signal_thread, m);
	if (IS_ERR(t)) {
		host_close(fd);
		return PTR_ERR(t);
	}
	m->signal_fd = fd;
	wake_up_process(t);
	return 0;
}

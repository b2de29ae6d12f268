/* signalfd(2): a descriptor from which signals are read instead of being delivered.
 *
 *	read(2) --> dequeue_signal(): what is pending for whoever reads, of the file's set
 *	poll(2) --> sighand_struct.signalfd_wqh of whoever polls, woken by each signal sent
 *
 * So the same file gives each process its own signals, also after fork and through SCM_RIGHTS. Signals of
 * the set should be blocked, or they are delivered as ever.
 *
 * Not for: the system calls (syscalls/sys_signalfd.c), queues (signal.h).
 * See: signalfd(2); Linux, fs/signalfd.c.
 */
#ifndef PROC_SIGNALFD_H
#define PROC_SIGNALFD_H

#include "fs/file.h"
#include "proc/signal.h"

/* A new file for the signals of @set; @flags: O_NONBLOCK or 0. The caller's, to install or fput().
 * ERR_PTR(-ENFILE, -ENOMEM). Never sleeps. */
struct file *signalfd_create(struct machine *m, sigset_k set, int flags);
/* Another set for @f; who waits looks again. 0; -EINVAL: @f is none of these. */
int signalfd_change(struct file *f, sigset_k set);

/* A signal has been sent to a user of @s: who waits for one looks. Cheap when nobody does. */
static inline void signalfd_notify(struct sighand_struct *s)
{
	if (waitqueue_active(&s->signalfd_wqh))
		wake_up_all(&s->signalfd_wqh);
}
/* The last user of @s goes: who still polls it (epoll may) leaves. */
void signalfd_cleanup(struct sighand_struct *s);

#endif

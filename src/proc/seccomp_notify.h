/* seccomp's listener: another task answers for system calls.
 *
 *   seccomp_filter --notif--> seccomp_listener <--private_data-- its file
 *                                |  calls: of whoever's call got SECCOMP_RET_USER_NOTIF from the filter
 *                                '- wq: who listens
 *
 *   a call:  INIT --SECCOMP_IOCTL_NOTIF_RECV--> SENT --SECCOMP_IOCTL_NOTIF_SEND--> REPLIED, and its task goes on
 *
 * Without a listener, or when it ends, such calls are -ENOSYS. The filter and its listener go separately: the file
 * outlives the last task that has the filter, and hangs up then.
 * Not for: programs and their answers (seccomp.h). See: seccomp_unotify(2); Linux, kernel/seccomp.c.
 */
#ifndef PROC_SECCOMP_NOTIFY_H
#define PROC_SECCOMP_NOTIFY_H

#include "fs/file.h"
#include "proc/seccomp.h"

struct machine;

/* Gives @f, which has none, a listener: a new file, the caller's. ERR_PTR(-ENFILE, -ENOMEM). Never sleeps. */
struct file *seccomp_listener_create(struct machine *m, struct seccomp_filter *f);
/* @f, which has a listener, has no tasks any more: it is told. */
void seccomp_listener_hangup(struct seccomp_filter *f);
/* Current task @t's call @data is the listener's of @f to answer. True: it goes on; else *@ret is its result, or
 * -ERESTARTSYS. Sleeps. */
bool seccomp_user_notification(struct task_struct *t, struct seccomp_filter *f,
			       const struct seccomp_data *data, long *ret);

#endif

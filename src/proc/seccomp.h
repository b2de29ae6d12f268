/* seccomp: a task gives up system calls, by a short list or by programs that look at each one.
 *
 *   task.seccomp --filter--> the newest program --prev--> the one before, also of those that shared it ...
 *        mode: none, strict, filter
 *
 * All programs run at each call, and what is least of their answers holds. Programs are those of classic BPF
 * (BPF_LD of words of struct seccomp_data only), interpreted. A child has its parent's; nothing takes them away.
 * Not for: the calls themselves (syscalls/sys_seccomp.c); listeners (seccomp_notify.h).
 * See: seccomp(2); Linux, kernel/seccomp.c, net/core/filter.c.
 */
#ifndef PROC_SECCOMP_H
#define PROC_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/types.h"

struct memory;
struct task_struct;

struct seccomp_filter {
	u32 users; /* tasks, and newer filters that have some */
	bool log;
	bool wait_killable; /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
	struct seccomp_listener
		*listener; /* seccomp_notify.c; it may outlive the users, and frees then */
	u32 len;
	struct seccomp_filter *prev;
	struct sock_filter insns[];
};

/* Of a task; zeros: none. */
struct seccomp_state {
	u32 mode; /* SECCOMP_MODE_* */
	u32 nr_filters;
	struct seccomp_filter *filter;
};

/* Can @insns, of @len (1 .. BPF_MAXINSNS), be run? 0, -EINVAL, -ENOMEM. */
int seccomp_check_filter(struct memory *m, const struct sock_filter *insns, u32 len);
/* What the program answers: SECCOMP_RET_*. */
u32 seccomp_run_filter(const struct seccomp_filter *f, const struct seccomp_data *data);

/* Would @f be too much for @t, with all that it has? Together they may be 32768 instructions long, each program
 * as Linux translates it for its own machine, and 4 more for each that there is. */
bool seccomp_too_long(const struct task_struct *t, const struct seccomp_filter *f);
/* @t has @f, too, which it takes over (its one user), or (strict) the short list. Never fails. */
void seccomp_attach_filter(struct task_struct *t, struct seccomp_filter *f);
/* Has @t a filter with a listener? */
bool seccomp_has_listener(const struct task_struct *t);
/* One user of @f less; the last one takes it, and those before it, away. */
void seccomp_filter_put(struct memory *m, struct seccomp_filter *f);
/* All other threads of @t's process get what it has. 0; or the number of the first that has another line of
 * filters, and nothing is changed. */
s32 seccomp_sync_threads(struct task_struct *t);
/* A child of @t shares what that has; a task ends, or never lived. Twice is fine. */
void seccomp_fork(struct task_struct *p);
void seccomp_put(struct task_struct *t);

/* Before a system call of @t, which has a mode and is the current task: may it go on? False: *@ret is its result;
 * or the task is about to end; or never returns. syscall_nr and registers say which call it is, and are
 * others afterwards if its tracer (SECCOMP_RET_TRACE) has said so. May sleep for that one, and for a listener. */
bool secure_computing(struct task_struct *t, bool compat, long *ret);

#endif

/* Syscall user dispatch: a program that has foreign code in it (another system's, in an emulator of that) gets the
 * calls of that code as SIGSYS, and makes its own as usual.
 *
 *	rip in [offset, offset + len)	the call is made
 *	elsewhere			the byte at selector says: made, or SIGSYS with SYS_USER_DISPATCH
 *
 * Of one thread; fork and exec end it. Before ptrace and seccomp, which know only this system's calls.
 * See: Linux, Documentation/admin-guide/syscall-user-dispatch.rst; kernel/entry/syscall_user_dispatch.c.
 */
#ifndef PROC_USER_DISPATCH_H
#define PROC_USER_DISPATCH_H

#include "base/types.h"

struct task_struct;

/* Of a task with SYSWORK_USER_DISPATCH; zeros: it is off. */
struct user_dispatch {
	u64 offset, len;
	gva_t selector; /* 0: there is none, and the call is not made */
};

/* PR_SYS_DISPATCH_*: @mode with the rest. 0; -EINVAL: a range that is none, anything but 0 with OFF; -EFAULT. */
int set_syscall_user_dispatch(struct task_struct *t, u64 mode, const struct user_dispatch *d);
/* At a call of @t, the current task, which has SYSWORK_USER_DISPATCH: true: it is not made, and a signal tells of
 * it; its registers are to be as before the call. Sleeps for the selector's page. */
bool syscall_user_dispatch(struct task_struct *t, bool compat);

#endif

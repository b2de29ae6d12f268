/* wait4(2), waitid(2): a parent learns what became of its children, and zombies go.
 *
 * Not for: the sums of what they used (rusage.h), wait queues (base/wait.h).
 * See: wait(2); kernel/exit.c, do_wait().
 */
#ifndef PROC_WAIT_H
#define PROC_WAIT_H

#include <sys/resource.h>

#include "base/types.h"

struct task_struct;

enum wait_which { WAIT_ALL, WAIT_PID, WAIT_PGID };

/* What a wait asks for, and what it finds. */
struct wait_opts {
	enum wait_which which;
	s32 id;	       /* of the child, of its group */
	int flags;     /* WEXITED, WSTOPPED, WCONTINUED, WNOHANG, WNOWAIT, __WALL, __WCLONE */
	bool eagain;   /* P_PIDFD, non-blocking: the caller makes -EAGAIN of "nothing to report" */
	bool somebody; /* out: there is one to wait for */
	int status;    /* out: wait(2) status word */
	int cause, value;  /* out: CLD_* and si_status */
	s32 pid;	   /* out; 0: none yet (WNOHANG) */
	u32 uid;	   /* out: the child's real user id */
	struct rusage *ru; /* out, if not NULL: the child's, with its children */
};

/* Sleeps until a child of @t, the current task, or somebody whom its process traces, has something to report,
 * unless WNOHANG. 0: wo->pid says
 * who, and what was a zombie is gone (not with WNOWAIT); -ECHILD: there is no such child;
 * -ERESTARTSYS: a signal. */
int do_wait(struct task_struct *t, struct wait_opts *wo);

#endif

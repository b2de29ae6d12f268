/* What the host process is and may: ids, capabilities, limits, signals, names. As host.h: each
 * host_x() is the call x with a negative errno as its failure. None blocks.
 */
#ifndef BASE_HOST_PROC_H
#define BASE_HOST_PROC_H

#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "base/types.h"

struct timex;

struct host_ids {
	uid_t uid, euid;
	gid_t gid, egid;
};
struct host_ids host_getids(void);
int host_getgroups(gid_t *groups, int max); /* how many, or -errno */

/* Bit n: capability n. 0 or -errno. */
int host_capget(u64 *inheritable, u64 *permitted, u64 *effective);
/* The call's result or -errno. */
int host_prctl(int op, unsigned long arg2, unsigned long arg3);

/* The host process's own group; and does it lead its session? */
pid_t host_getpgrp(void);
bool host_leads_session(void);

int host_nice(void);	 /* -20 .. 19 */
mode_t host_umask(void); /* reads it; no other thread may be making files */
/* 0 or -errno. */
int host_getrlimit(int resource, struct rlimit *rl);
int host_getrusage(struct rusage *ru);
int host_uname(struct utsname *u);
/* adjtimex(2), for reading: the state of the clock, TIME_OK and so on, or -errno. */
int host_adjtimex(struct timex *tx);

/* SIG_IGN when Vellum was started; raise(3): 0 or -errno. */
bool host_signal_ignored(int sig);
u64 host_blocked_signals(void); /* bit n-1: signal n */
int host_raise(int sig);
/* With @sig unblocked for the moment, so that its action is taken before this returns. 0 or -errno. */
int host_raise_unblocked(int sig);

/* Bytes of the host process's mapping whose line in /proc/self/maps has @name; 0: there is none. */
u64 host_mapping_size(const char *name);

#endif

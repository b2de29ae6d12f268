/* The host process as the real kernel describes it. See host_proc.h. */
#include "base/host_proc.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/internal.h"

struct host_ids host_getids(void)
{
	return (struct host_ids){getuid(), geteuid(), getgid(), getegid()};
}

int host_getgroups(gid_t *groups, int max)
{
	return ret(getgroups(max, groups));
}

/* libc has no capget(). */
int host_capget(u64 *inheritable, u64 *permitted, u64 *effective)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &head, data))
		return -errno;
	*inheritable = data[0].inheritable | (u64)data[1].inheritable << 32;
	*permitted = data[0].permitted | (u64)data[1].permitted << 32;
	*effective = data[0].effective | (u64)data[1].effective << 32;
	return 0;
}

int host_prctl(int op, unsigned long arg2, unsigned long arg3)
{
	return ret(prctl(op, arg2, arg3, 0UL, 0UL));
}

int host_nice(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	return errno ? 0 : nice;
}

mode_t host_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

int host_getrlimit(int resource, struct rlimit *rl)
{
	return ret(getrlimit(resource, rl));
}

int host_getrusage(struct rusage *ru)
{
	return ret(getrusage(RUSAGE_SELF, ru));
}

int host_adjtimex(struct timex *tx)
{
	return ret(adjtimex(tx));
}

int host_uname(struct utsname *u)
{
	return ret(uname(u));
}

/* The system calls themselves: libc hides its own two signals, 32 and 33, from both. */
bool host_signal_ignored(int sig)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		u64 mask;
	} sa;

	return !syscall(SYS_rt_sigaction, sig, NULL, &sa, sizeof(sa.mask)) &&
	       sa.handler == (void *)SIG_IGN;
}

u64 host_blocked_signals(void)
{
	u64 mask;

	return syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)) ? 0 : mask;
}

int host_raise(int sig)
{
	return raise(sig) ? -errno : 0;
}

int host_raise_unblocked(int sig)
{
	sigset_t set, old;
	int err;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	err = host_raise(sig);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

pid_t host_getpgrp(void)
{
	return getpgrp();
}

bool host_leads_session(void)
{
	return getsid(0) == getpid();
}

u64 host_mapping_size(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[256];
	u64 size = 0;

	if (!maps)
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		/* The kernel prints what fits. NOLINTNEXTLINE(cert-err34-c) */
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &start, &end) == 2)
			size = end - start;
	}
	(void)fclose(maps); /* only read */
	return size;
}

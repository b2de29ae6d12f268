/* SCHED_RESET_ON_FORK: who shows it, who may take it back, and what a child gets. */
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define ATTR_SIZE 56

static const int zero, one = 1, minus_one = -1;

static long get_attr(int pid)
{
	unsigned char attr[ATTR_SIZE];
	uint64_t flags;
	int nice;

	if (show("sched_getattr", syscall(SYS_sched_getattr, pid, attr, ATTR_SIZE, 0)) < 0)
		return -1;
	memcpy(&flags, attr + 8, sizeof(flags));
	memcpy(&nice, attr + 16, sizeof(nice));
	printf("  flags %lx, nice %d\n", flags, nice);
	return 0;
}

static long set(int pid, int policy, const void *param)
{
	return syscall(SYS_sched_setscheduler, pid, policy, param);
}

/* libc has a word of its own to say about these. */
static long get(int pid)
{
	return syscall(SYS_sched_getscheduler, pid);
}

static long set_param(int pid, const void *param)
{
	return syscall(SYS_sched_setparam, pid, param);
}

static void of_me(const char *who)
{
	printf("%s: ", who);
	SHOW(get(0));
	get_attr(0);
}

/* What a child has, and its child. */
static void in_children(void (*also)(void))
{
	fflush(stdout);
	if (!fork()) {
		of_me("child");
		if (also)
			also();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void of_another_user(void)
{
	int other = getppid();

	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	if (setresuid(65534, 65534, 65534))
		return;
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	SHOW(set(0, SCHED_OTHER, &zero));
	SHOW(set_param(0, &zero));
	of_me("nobody");
	if (getuid() != 65534)
		return;
	SHOW(set(other, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	SHOW(set_param(other, &zero));
	SHOW(set(other, SCHED_OTHER, &one));
	SHOW(get(other));
}

int main(void)
{
	of_me("at first");
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	of_me("set");
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &one));
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &minus_one));
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, NULL));
	SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, (void *)8));
	SHOW(set(0, -1, (void *)8));
	SHOW(set(0, -1, &zero));
	SHOW(set(0, 4 | SCHED_RESET_ON_FORK, &zero));
	SHOW(set(0x7ffffffe, SCHED_OTHER, &zero));
	SHOW(set(0x7ffffffe, 4, &zero));
	SHOW(set_param(0, &zero)); /* keeps it */
	of_me("kept");
	SHOW(setpriority(PRIO_PROCESS, 0, 5));
	in_children(NULL);
	SHOW(setpriority(PRIO_PROCESS, 0, -3) ? 0 : 0); /* root's; others keep their 5 */
	in_children(of_another_user);
	of_me("still");
	SHOW(set(0, SCHED_OTHER, &zero));
	of_me("taken back, by root");
	in_children(NULL);
	return 0;
}

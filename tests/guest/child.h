/* Children of a guest test, and threads: until they sleep in the call under test, and how a child ended.
 *
 * Not for: what a test prints of its own (report.h). */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits for @pid and prints its wait(2) status word. */
static inline void reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	printf("child: %x\n", status);
	fflush(stdout);
}

/* What /proc says of @pid, or of a thread: R, S, Z ...; 0: nobody there. */
static inline char state_of(pid_t pid)
{
	char file[40], line[100], *name_end = NULL;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/stat", pid);
	f = fopen(file, "r");
	if (f && fgets(line, sizeof(line), f))
		name_end = strrchr(line, ')');
	if (f)
		fclose(f);
	return name_end ? name_end[2] : 0;
}

/* Until @pid has slept for some ms, as in a call that waits: who only polls is seen running in between. Or has
 * ended. */
static inline void until_asleep(pid_t pid)
{
	for (int i = 0, sleeping = 0; i < 5000 && sleeping < 5; i++) {
		char state = state_of(pid);

		if (!state || state == 'Z')
			return;
		sleeping = state == 'S' ? sleeping + 1 : 0;
		usleep(1000);
	}
}

/* Until @pid is in @state, or nobody any more. A process's is that of its first thread. */
static inline void until_state(pid_t pid, char state)
{
	for (char now; (now = state_of(pid)) && now != state;)
		usleep(500);
}

/* Until every other thread of this process sleeps, each as in until_asleep(). */
static inline void until_others_asleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;

	while (tasks && (task = readdir(tasks)))
		if (atoi(task->d_name) && atoi(task->d_name) != gettid())
			until_asleep(atoi(task->d_name));
	if (tasks)
		closedir(tasks);
}

/* fork(2); the child begins with nothing to print. */
static inline pid_t flushed_fork(void)
{
	fflush(stdout);
	return fork();
}

/* A child that runs @fn. */
static inline pid_t start_child(void (*fn)(void))
{
	pid_t pid = flushed_fork();

	if (pid)
		return pid;
	fn();
	fflush(stdout);
	_exit(0);
}

/* A child that sends @sig to this process when its first thread sleeps. */
static inline pid_t signals_when_asleep(int sig)
{
	pid_t pid = flushed_fork();

	if (pid)
		return pid;
	until_asleep(getppid());
	kill(getppid(), sig);
	_exit(0);
}

#endif

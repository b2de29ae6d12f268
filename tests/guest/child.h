/* A child of a guest test: until it sleeps in the call under test, and how it ended.
 *
 * Not for: what a test prints of its own (report.h). */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include <errno.h>
#include <stdio.h>
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

/* Until @pid sleeps: state S, as a call that waits. */
static inline void until_asleep(pid_t pid)
{
	char file[40], line[100];
	int sleeping = 0;

	snprintf(file, sizeof(file), "/proc/%d/stat", pid);
	for (int i = 0; i < 5000 && sleeping < 5; i++) {
		FILE *f = fopen(file, "r");

		if (f && fgets(line, sizeof(line), f) && strstr(line, ") S"))
			sleeping++;
		else
			sleeping = 0;
		if (f)
			fclose(f);
		usleep(1000);
	}
}

#endif

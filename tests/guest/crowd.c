/* Many processes: 2,000 alive at once, and thousands one after the other, whose numbers are all given back.
 * crowd ALIVE IN-A-ROW */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int alive(int n)
{
	pid_t *pid = calloc(n, sizeof(*pid));
	int ended = 0, status, made;

	for (made = 0; made < n; made++) {
		pid[made] = fork();
		if (pid[made] < 0) {
			printf("fork: %s\n", strerror(errno));
			break;
		}
		if (!pid[made])
			for (;;)
				pause();
	}
	for (int i = 0; i < made; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < made; i++)
		ended += waitpid(pid[i], &status, 0) == pid[i] && status == SIGKILL;
	free(pid);
	return ended;
}

static int in_a_row(int n)
{
	int right = 0, status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(i & 127);
		right += waitpid(pid, &status, 0) == pid && status == (i & 127) << 8;
	}
	return right;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	printf("alive: %d\n", alive(atoi(argv[1])));
	printf("in a row: %d\n", in_a_row(atoi(argv[2])));
	return 0;
}

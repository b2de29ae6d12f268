/* A small make: targets with prerequisites and a command each, run through execve() of busybox, at
 * most N at a time, told apart by wait(). The output is by target, not by time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct target {
	const char *name, *needs[4], *command;
	enum { WAITING, RUNNING, DONE, FAILED } state;
	pid_t pid;
	int status;
} targets[] = {
	{.name = "all", .needs = {"report", "archive", "failing"}, .command = "busybox echo all"},
	{.name = "report",
	 .needs = {"count", "sum"},
	 .command = "busybox cat count sum | busybox tr '\\n' ' ' >report"},
	{.name = "count", .needs = {"data"}, .command = "busybox wc -l <data >count"},
	{.name = "sum", .needs = {"data"}, .command = "busybox md5sum data >sum"},
	{.name = "data",
	 .needs = {"a.part", "b.part", "c.part"},
	 .command = "busybox cat a.part b.part c.part >data"},
	{.name = "a.part", .command = "busybox seq 1 3000 >a.part"},
	{.name = "b.part", .command = "busybox sleep 0.02; busybox seq 1 2 999 >b.part"},
	{.name = "c.part", .command = "busybox yes line | busybox head -n 500 >c.part"},
	{.name = "archive",
	 .needs = {"a.part", "b.part"},
	 .command = "busybox cat a.part b.part | busybox gzip -c | busybox gunzip -c >archive"},
	{.name = "failing", .needs = {"sum"}, .command = "exit 9"},
	{.name = "killed", .command = "kill -9 $$"},
	{.name = "unbuildable", .needs = {"killed"}, .command = "busybox echo never"},
	{.name = "noexec", .command = NULL},
};
#define NR (sizeof(targets) / sizeof(targets[0]))

static struct target *find(const char *name)
{
	for (unsigned i = 0; i < NR; i++)
		if (!strcmp(targets[i].name, name))
			return &targets[i];
	abort();
}

/* 1: it may run; 0: not yet; -1: never. */
static int ready(const struct target *t)
{
	int all = 1;

	for (int i = 0; i < 4 && t->needs[i]; i++) {
		const struct target *need = find(t->needs[i]);

		if (need->state == FAILED)
			return -1;
		all &= need->state == DONE;
	}
	return all;
}

static void start(struct target *t)
{
	char *argv[] = {"sh", "-c", (char *)t->command, NULL};
	char *envp[] = {"PATH=/bin:/usr/bin", NULL};
	char log[64];

	snprintf(log, sizeof(log), "%s.log", t->name);
	t->state = RUNNING;
	t->pid = t->command ? fork() : vfork();
	if (t->pid)
		return;
	if (!t->command) {
		execve("/no/such/program", argv, envp);
		_exit(errno == ENOENT ? 127 : 1);
	}
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
	execve("/bin/busybox", argv, envp);
	_exit(126);
}

int main(int argc, char **argv)
{
	int jobs = argc > 1 ? atoi(argv[1]) : 2, running = 0, changed = 1;

	for (;;) {
		for (changed = 1; changed;) {
			changed = 0;
			for (unsigned i = 0; i < NR; i++) {
				struct target *t = &targets[i];
				int r = t->state == WAITING ? ready(t) : 0;

				if (r < 0) {
					t->state = FAILED;
					t->status = -1;
					changed = 1;
				} else if (r > 0 && running < jobs) {
					start(t);
					running++;
				}
			}
		}
		if (!running)
			break;
		int status;
		pid_t pid = wait(&status);

		for (unsigned i = 0; i < NR; i++) {
			if (targets[i].state != RUNNING || targets[i].pid != pid)
				continue;
			targets[i].state = status ? FAILED : DONE;
			targets[i].status = status;
			running--;
		}
	}
	for (unsigned i = 0; i < NR; i++) {
		struct stat st;

		printf("%-12s %s, status %d, %ld bytes\n", targets[i].name,
		       targets[i].state == DONE ? "done" : "failed", targets[i].status,
		       stat(targets[i].name, &st) ? -1L : (long)st.st_size);
	}
	return 0;
}

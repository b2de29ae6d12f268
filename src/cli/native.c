/* See native.h. */
#include "cli/native.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const side_proc_file[NR_SIDE_TEXTS] = {
	[SIDE_MAPS] = "maps",
	[SIDE_SMAPS] = "smaps",
	[SIDE_STATUS] = "status",
};

int side_init(struct side *s)
{
	for (int i = 0; i < NR_SIDE_TEXTS; i++) {
		s->fd[i] = memfd_create("vellum-compare", MFD_CLOEXEC);
		if (s->fd[i] < 0)
			return -errno;
	}
	return 0;
}

void side_release(struct side *s)
{
	for (int i = 0; i < NR_SIDE_TEXTS; i++)
		if (s->fd[i] > 0) /* 0 is standard input: nothing was made */
			close(s->fd[i]);
}

int side_redirect(const struct side *s, int in)
{
	if (in >= 0 && (lseek(in, 0, SEEK_SET) < 0 || dup2(in, 0) < 0))
		return -errno;
	if (dup2(s->fd[SIDE_STDOUT], 1) < 0 || dup2(s->fd[SIDE_STDERR], 2) < 0)
		return -errno;
	return 0;
}

/* Copies /proc/@pid/@name to @fd. */
static void copy_proc_file(pid_t pid, const char *name, int fd)
{
	char path[64], buf[768];
	ssize_t n;
	int in;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return;
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(fd, buf, n) != n)
			break;
	close(in);
}

/* Follows a traced child to its end; its last moment with an address space is the exit event. */
static int trace_to_end(struct side *s, pid_t pid)
{
	int status, sig;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (!WIFSTOPPED(status))
		goto ended;
	ptrace(PTRACE_SETOPTIONS, pid, 0,
	       PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	for (;;) {
		if (waitpid(pid, &status, 0) != pid)
			return -errno;
		if (!WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			for (int i = 0; i < NR_SIDE_TEXTS; i++)
				if (side_proc_file[i])
					copy_proc_file(pid, side_proc_file[i], s->fd[i]);
			sig = 0;
		} else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
			sig = 0;
		}
		ptrace(PTRACE_CONT, pid, 0, sig);
	}
ended:
	s->status = status;
	return 0;
}

/* The working directory stays if it is below @root, as in Vellum. 0 or -errno. */
static int enter_root(const char *root)
{
	char *dir = realpath(root, NULL), *cwd = getcwd(NULL, 0);
	size_t len = dir ? strlen(dir) : 0;
	bool inside = dir && cwd && !strncmp(cwd, dir, len) && (!cwd[len] || cwd[len] == '/');
	int err = chroot(root) || (!inside && chdir("/")) ? -errno : 0;

	free(cwd);
	free(dir);
	return err;
}

int native_run(struct side *s, const char *root, const char *path, char **argv, char **envp, int in,
	       bool proc)
{
	int err = 0, report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		personality(ADDR_NO_RANDOMIZE);
		err = side_redirect(s, in);
		if (!err && root)
			err = enter_root(root);
		if (!err) {
			if (proc)
				ptrace(PTRACE_TRACEME, 0, 0, 0);
			execve(path, argv, envp);
			err = -errno;
		}
		if (write(report[1], &err, sizeof(err)) != sizeof(err))
			_exit(126);
		_exit(127);
	}
	close(report[1]);
	if (proc)
		err = trace_to_end(s, pid);
	else if (waitpid(pid, &s->status, 0) != pid)
		err = -errno;
	if (read(report[0], &err, sizeof(err)) < 0) /* closed by a good exec: nothing to read */
		err = -errno;
	close(report[0]);
	return err;
}

/* plain_calls: system calls that a libc makes in another way, or hardly any program makes, each as it is meant
 * to be used; in the current (empty) folder. tests/scripts/rows_are_run.sh asks for one such use of every call. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "report.h"

#define CALL(name, ...) show(#name, (errno = 0, syscall(SYS_##name, ##__VA_ARGS__)))

static void files(void)
{
	char buf[64];
	struct stat st;
	int fd, ends[2];

	fd = CALL(open, "file", O_RDWR | O_CREAT, 0640);
	CALL(fdatasync, fd);
	CALL(syncfs, fd);
	CALL(sync);
	CALL(dup3, fd, 20, O_CLOEXEC);
	CALL(lstat, "file", &st);
	printf("mode %o, %ld bytes\n", st.st_mode, (long)st.st_size);
	CALL(mkdirat, AT_FDCWD, "folder", 0700);
	CALL(symlinkat, "file", AT_FDCWD, "link");
	CALL(mknod, "fifo", S_IFIFO | 0600, 0);
	CALL(pipe, ends);
	CALL(write, ends[1], "abc", 3);
	CALL(read, ends[0], buf, sizeof(buf));
	if (CALL(setxattr, "file", "user.a", "value", 5, 0) == 0) {
		CALL(getxattr, "file", "user.a", buf, sizeof(buf));
		printf("%.5s\n", buf);
		CALL(listxattr, "file", buf, sizeof(buf));
		show("listxattrat", syscall(465, AT_FDCWD, "file", 0, buf, sizeof(buf)));
		CALL(removexattr, "file", "user.a");
	}
	CALL(listxattr, "file", NULL, 0);
}

static void identity(void)
{
	uint32_t r = 7, e = 7, s = 7;
	struct rlimit rlim;

	CALL(getresuid, &r, &e, &s);
	printf("one user: %d\n", r == e && e == s);
	CALL(getresgid, &r, &e, &s);
	printf("one group: %d\n", r == e && e == s);
	CALL(setreuid, -1, -1);
	CALL(setgroups, 0, NULL);
	printf("getpgid is getpgrp: %d\n", syscall(SYS_getpgid, 0) == syscall(SYS_getpgrp));
	CALL(getrlimit, RLIMIT_CORE, &rlim);
}

static void scheduling(void)
{
	struct sched_param param = {.sched_priority = 0};
	unsigned char attr[56] = {0};

	CALL(sched_setscheduler, 0, SCHED_OTHER, &param);
	CALL(sched_setparam, 0, &param);
	CALL(sched_getparam, 0, &param);
	CALL(sched_getattr, 0, attr, sizeof(attr), 0);
	CALL(sched_getscheduler, 0);
}

static void children_and_signals(void)
{
	struct itimerval timer;
	struct sigaction act = {.sa_handler = on_signal};
	int status = 0, pid;

	sigaction(SIGUSR1, &act, NULL);
	CALL(tkill, syscall(SYS_gettid), SIGUSR1);
	CALL(getitimer, ITIMER_REAL, &timer);
	fflush(stdout);
	pid = syscall(SYS_fork);
	if (!pid)
		syscall(SYS_exit, 5);
	waitpid(pid, &status, 0);
	printf("the child left with %d\n", WEXITSTATUS(status));
}

/* Each signal, caught: sent by kill(), handled once. */
static void every_signal(void)
{
	struct sigaction act = {.sa_handler = on_signal};

	for (int sig = 1; sig < 32; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		printf("SIG%s ", sigabbrev_np(sig));
		show("caught", sigaction(sig, &act, NULL));
		show("sent", kill(getpid(), sig));
	}
}

/* Each signal, not caught: a child dies of it, stops, or does not care. */
static void every_default(void)
{
	signal(SIGCHLD, SIG_DFL); /* else it would interrupt waiting now and then */
	for (int sig = 1; sig < 32; sig++) {
		int status, pid = fork();

		if (!pid) {
			signal(sig, SIG_DFL);
			kill(getpid(), sig);
			_exit(0);
		}
		waitpid(pid, &status, WUNTRACED);
		printf("SIG%s: status %#x\n", sigabbrev_np(sig), status & ~0x80);
		if (WIFSTOPPED(status)) {
			kill(pid, SIGCONT);
			waitpid(pid, &status, 0);
			printf("then %#x\n", status);
		}
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	files();
	identity();
	scheduling();
	children_and_signals();
	every_signal();
	every_default();
	return 0;
}

/* O_ASYNC, F_SETOWN, F_SETSIG: who is told of readiness, by which signal, and what is refused. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static volatile int caught, code, band, from;

static void note(int sig, siginfo_t *info, void *uc)
{
	(void)uc;
	caught = sig;
	code = info->si_code;
	band = (int)info->si_band;
	from = info->si_fd;
}

static void told(const char *what)
{
	printf("%s: signal %d", what, caught);
	if (caught == SIGRTMIN)
		printf(" code %d band %#x fd %d", code, band, from);
	else if (caught)
		printf(" code %#x", code);
	printf("\n");
	caught = 0;
}

static void refused(int fd)
{
	struct f_owner_ex ex = {F_OWNER_PID, getpid()};
	int on = 1, file = open("/proc/self/exe", O_RDONLY);

	SHOW(fcntl(99, F_SETOWN, getpid()));
	SHOW(fcntl(fd, F_SETOWN, INT_MIN));
	SHOW(fcntl(fd, F_SETOWN, 0x3fffffff));
	SHOW(fcntl(fd, F_SETOWN, -0x3fffffff));
	SHOW(fcntl(fd, F_SETSIG, 65));
	SHOW(fcntl(fd, F_SETSIG, -1));
	SHOW(fcntl(fd, F_GETSIG));
	SHOW(syscall(SYS_fcntl, fd, F_GETOWN));
	SHOW(fcntl(fd, F_SETOWN_EX, &ex));
	SHOW(syscall(SYS_fcntl, fd, F_GETOWN) == getpid());
	ex.pid = 0;
	SHOW(fcntl(fd, F_GETOWN_EX, &ex));
	printf("%d %d\n", ex.type, ex.pid == getpid());
	ex.type = 3;
	SHOW(fcntl(fd, F_SETOWN_EX, &ex));
	ex = (struct f_owner_ex){F_OWNER_TID, 0x3fffffff};
	SHOW(fcntl(fd, F_SETOWN_EX, &ex));
	SHOW(syscall(SYS_fcntl, fd, F_SETOWN_EX, 8));
	SHOW(fcntl(fd, F_SETOWN, -getpgrp()));
	SHOW(fcntl(fd, F_GETOWN) == -getpgrp());
	SHOW(fcntl(fd, F_SETOWN, 0));
	SHOW(syscall(SYS_fcntl, fd, F_GETOWN));
	SHOW(ioctl(file, FIOASYNC, &on));
	SHOW(fcntl(file, F_SETFL, O_ASYNC));
	SHOW(fcntl(file, F_GETFL) & O_ASYNC);
	close(file);
}

static void kinds(int reads, int writes, const char *what)
{
	int on = 1, off = 0;
	char c[16];

	printf("-- %s\n", what);
	SHOW(fcntl(reads, F_SETOWN, getpid()));
	SHOW(fcntl(reads, F_SETFL, O_ASYNC | O_NONBLOCK));
	SHOW(fcntl(reads, F_GETFL) & O_ASYNC);
	told("none yet");
	SHOW(write(writes, "a", 1));
	told("first byte");
	SHOW(write(writes, "b", 1));
	told("second byte");
	SHOW(fcntl(reads, F_SETSIG, SIGRTMIN));
	SHOW(write(writes, "c", 1));
	told("with more");
	SHOW(read(reads, c, 16));
	told("read");
	SHOW(ioctl(reads, FIOASYNC, &off));
	SHOW(write(writes, "d", 1));
	told("off");
	SHOW(ioctl(reads, FIOASYNC, &on));
	SHOW(fcntl(reads, F_SETSIG, SIGUSR2));
	SHOW(write(writes, "e", 1));
	told("another");
	SHOW(fcntl(reads, F_SETOWN, 0));
	SHOW(write(writes, "f", 1));
	told("nobody");
	SHOW(fcntl(reads, F_SETOWN, getpid()));
	SHOW(fcntl(reads, F_SETSIG, SIGRTMIN));
	close(writes);
	printf("at the end: %d\n", caught);
	caught = 0;
	close(reads);
}

/* The owner is another process. */
static void another(void)
{
	int p[2], status;
	pid_t pid;

	if (pipe(p))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		while (!caught)
			usleep(1000);
		_exit(caught == SIGIO ? 7 : 1);
	}
	SHOW(fcntl(p[0], F_SETOWN, pid));
	SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
	SHOW(write(p[1], "a", 1));
	waitpid(pid, &status, 0);
	printf("%#x, %d here\n", status, caught);
	SHOW(write(p[1], "a", 1));
	SHOW(syscall(SYS_fcntl, p[0], F_GETOWN));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	int p[2];

	sigaction(SIGIO, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGRTMIN, &sa, NULL);
	if (pipe(p))
		return 1;
	refused(p[0]);
	kinds(p[0], p[1], "pipe");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
		return 1;
	kinds(p[0], p[1], "socket");
	another();
	return 0;
}

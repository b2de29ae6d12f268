/* poll, ppoll, select, pselect6: what is ready, how long they wait, what signals do, time left. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define MS 1000000LL

static int got_signal;
static int p[2], q[2]; /* p: a byte in it; q: empty */

static void note_signal(int sig)
{
	got_signal = sig;
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void polls(void)
{
	int null = open("/dev/null", O_RDWR), file = open("/proc/self/exe", O_RDONLY);
	struct pollfd f[8] = {
		{p[0], POLLIN, 0},
		{q[0], POLLIN, 0},
		{p[1], POLLOUT, 0},
		{p[0], POLLOUT, 0},
		{77, POLLIN, 0},
		{-5, POLLIN, 0x7f},
		{file, POLLIN | POLLOUT | POLLPRI, 0},
		{null, POLLIN | POLLOUT | POLLRDNORM, 0},
	};
	struct pollfd many[300];
	struct rlimit rl;
	long long start;

	show("poll", poll(f, 8, 1000));
	for (int i = 0; i < 8; i++)
		printf(" %#x", f[i].revents);
	printf("\n");
	start = now();
	show("poll of the empty one", poll(f + 1, 1, 20));
	printf("waited %d\n", now() - start >= 20 * MS && now() - start < 2000 * MS);
	start = now();
	show("poll of nothing", poll(NULL, 0, 15));
	printf("waited %d\n", now() - start >= 15 * MS);
	for (int i = 0; i < 300; i++)
		many[i] = (struct pollfd){i & 1 ? q[0] : -1, POLLIN, 0};
	start = now();
	show("poll of many", poll(many, 300, 10));
	printf("waited %d\n", now() - start >= 10 * MS);
	many[299].fd = p[0];
	show("poll of many and one", poll(many, 300, -1));
	show("bad pointer", syscall(SYS_poll, 8, 1, 0));
	getrlimit(RLIMIT_NOFILE, &rl);
	show("too many", syscall(SYS_poll, many, rl.rlim_cur + 1, 0));
	close(null);
	close(file);
}

static void ppolls(void)
{
	struct pollfd f = {q[0], POLLIN, 0};
	struct timespec ts = {0, 10 * MS}, bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
	sigset_t none, usr1;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	show("ppoll", syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
	printf("left %ld %ld\n", (long)ts.tv_sec, ts.tv_nsec);
	show("bad time", syscall(SYS_ppoll, &f, 1, &bad, NULL, 8));
	show("negative time", syscall(SYS_ppoll, &f, 1, &negative, NULL, 8));
	show("bad mask size", syscall(SYS_ppoll, &f, 1, &zero, &none, 4));
	show("bad mask", syscall(SYS_ppoll, &f, 1, &zero, (void *)8, 8));
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	show("blocked signal", ppoll(&f, 1, &zero, &usr1));
	printf("signal %d\n", got_signal);
	show("let in", ppoll(&f, 1, NULL, &none));
	printf("signal %d, revents %#x\n", got_signal, f.revents);
	got_signal = 0;
	raise(SIGUSR1);
	f.fd = p[0];
	show("let in, but ready", ppoll(&f, 1, NULL, &none));
	printf("signal %d\n", got_signal);
	got_signal = 0;
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	printf("signal %d\n", got_signal);
	got_signal = 0;
	ts = (struct timespec){5, 0};
	show("ready with time left", ppoll(&f, 1, &ts, NULL));
}

static void print_sets(const char *what, int ret, fd_set *sets)
{
	printf("%s: %d", what, ret);
	if (ret < 0)
		printf(" %s", strerrorname_np(errno));
	for (int s = 0; s < 3; s++) {
		printf(" [");
		for (int fd = 0; fd < 64; fd++)
			if (FD_ISSET(fd, &sets[s]))
				printf("%s", fd == p[0]	  ? "p0 "
					     : fd == p[1] ? "p1 "
					     : fd == q[0] ? "q0 "
					     : fd == q[1] ? "q1 "
							  : "? ");
		printf("]");
	}
	printf("\n");
}

static void set_all(fd_set *sets)
{
	for (int s = 0; s < 3; s++) {
		FD_ZERO(&sets[s]);
		FD_SET(p[0], &sets[s]);
		FD_SET(p[1], &sets[s]);
		FD_SET(q[0], &sets[s]);
		FD_SET(q[1], &sets[s]);
	}
}

static void selects(void)
{
	struct timeval tv = {0, 12000};
	struct {
		const sigset_t *set;
		size_t size;
	} mask;
	struct timespec ts = {3, 500};
	sigset_t none, usr1;
	fd_set sets[3];
	int ret;

	set_all(sets);
	print_sets("select", select(64, &sets[0], &sets[1], &sets[2], NULL), sets);
	set_all(sets);
	print_sets("reading", select(64, &sets[0], NULL, NULL, NULL), sets);
	FD_ZERO(&sets[0]);
	FD_SET(q[0], &sets[0]);
	ret = select(q[0] + 1, &sets[0], NULL, NULL, &tv);
	print_sets("too late", ret, sets);
	printf("left %ld %ld\n", (long)tv.tv_sec, (long)tv.tv_usec);
	FD_SET(p[0], &sets[0]);
	tv.tv_sec = 50;
	ret = select(q[0] + 1, &sets[0], NULL, NULL, &tv);
	print_sets("in time", ret, sets);
	printf("left %d\n", tv.tv_sec == 49 || tv.tv_sec == 50);
	FD_SET(60, &sets[0]);
	print_sets("not open", select(64, &sets[0], NULL, NULL, &tv), sets);
	show("negative", select(-1, NULL, NULL, NULL, &tv));
	tv.tv_sec = -1;
	show("negative time", syscall(SYS_select, 0, NULL, NULL, NULL, &tv));
	tv = (struct timeval){0, 5000};
	show("only time", select(0, NULL, NULL, NULL, &tv));
	printf("left %ld %ld\n", (long)tv.tv_sec, (long)tv.tv_usec);
	show("bad pointer", syscall(SYS_select, 64, 8, NULL, NULL, NULL));

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	FD_ZERO(&sets[0]);
	FD_SET(q[0], &sets[0]);
	mask.set = &none;
	mask.size = 8;
	ret = syscall(SYS_pselect6, 64, &sets[0], NULL, NULL, &ts, &mask);
	show("pselect, a signal", ret);
	printf("signal %d, left %d, set %d\n", got_signal, ts.tv_sec == 2 || ts.tv_sec == 3,
	       !!FD_ISSET(q[0], &sets[0]));
	mask.size = 9;
	show("bad size", syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, &mask));
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	if (pipe(p) || pipe(q) || write(p[1], "x", 1) != 1)
		return 1;
	polls();
	ppolls();
	selects();
	return 0;
}

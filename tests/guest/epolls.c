/* epoll: what it refuses, level, edge and one-shot, exclusive wake-ups, what closing does, masks and times. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define MS 1000000LL

static int ep;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int ctl(int op, int fd, unsigned events, unsigned long data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, op, fd, &ev);
}

/* The call itself, which may be given what libc's headers would warn of. */
static long wait_raw(long fd, long to, long max, long ms)
{
	return syscall(SYS_epoll_wait, fd, to, max, ms);
}

/* What is ready now, in the order in which it is told. */
static void ready(const char *what)
{
	struct epoll_event ev[16];
	int n = epoll_wait(ep, ev, 16, 0);

	printf("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		printf(" %lu=%#x", (unsigned long)ev[i].data.u64, ev[i].events);
	printf("\n");
}

static void refused(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct timespec bad = {0, 1000000000}, zero = {0, 0};
	int p[2], null = open("/dev/null", O_RDWR), dir = open("/", O_RDONLY);
	int file = open("/proc/self/exe", O_RDONLY), path = open("/", O_PATH);
	sigset_t none;

	sigemptyset(&none);
	if (pipe(p))
		exit(1);
	SHOW(epoll_create(0));
	SHOW(epoll_create(-1));
	SHOW(epoll_create1(1));
	SHOW(epoll_create1(O_NONBLOCK));
	WORKS(epoll_create(1));
	SHOW(fcntl(ep, F_GETFD));
	SHOW(fcntl(ep, F_GETFL));
	SHOW(read(ep, &ev, sizeof(ev)));
	SHOW(write(ep, &ev, sizeof(ev)));
	SHOW(pread(ep, &ev, sizeof(ev), 0));
	SHOW(lseek(ep, 5, SEEK_SET));
	SHOW(ioctl(ep, FIONREAD, &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
	SHOW(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &ev));
	SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	SHOW(epoll_ctl(ep, 0, p[0], &ev));
	SHOW(epoll_ctl(ep, 4, p[0], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, null, &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, dir, &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, path, &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], (void *)8));
	SHOW(wait_raw(99, (long)&ev, 1, 0));
	SHOW(wait_raw(p[0], (long)&ev, 1, 0));
	SHOW(wait_raw(ep, (long)&ev, 0, 0));
	SHOW(wait_raw(ep, (long)&ev, -1, 0));
	SHOW(wait_raw(ep, (long)&ev, 0x7fffffff / 12 + 1, 0));
	SHOW(wait_raw(ep, ~0xfffL, 1, 0));
	SHOW(wait_raw(ep, 0, 1, 0));
	ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 7);
	SHOW(wait_raw(ep, 0, 1, 0));
	ready("kept");
	SHOW(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &none, 4));
	SHOW(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, (void *)8, 8));
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, &bad, NULL, 8));
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, (void *)8, NULL, 8));
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, &zero, NULL, 8));
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, NULL, NULL, 8));
	SHOW(ctl(EPOLL_CTL_MOD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 7));
	SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 7));
	SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLPRI, 7));
	SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 7));
	SHOW(ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 9));
	ready("exclusive, as it was");
	close(p[0]);
	close(p[1]);
	ready("both are closed");
	close(null);
	close(dir);
	close(file);
	close(path);
}

/* Level, edge, one-shot of a pipe and of a socket. */
static void kinds(int a, int b, const char *what)
{
	char buf[64];

	printf("-- %s\n", what);
	fcntl(a, F_SETFL, O_NONBLOCK); /* a datagram that is read in part is gone */
	ctl(EPOLL_CTL_ADD, a, EPOLLIN, 1);
	ready("empty");
	SHOW(write(b, "abc", 3));
	ready("level");
	ready("level again");
	SHOW(read(a, buf, 1));
	ready("less of it");
	SHOW(read(a, buf, 64));
	ready("nothing");
	ctl(EPOLL_CTL_MOD, a, EPOLLIN | EPOLLET, 2);
	ready("edge, empty");
	SHOW(write(b, "abc", 3));
	ready("edge");
	ready("edge again");
	SHOW(read(a, buf, 1));
	ready("edge, less of it");
	SHOW(write(b, "d", 1));
	ready("edge, one more byte");
	ready("edge, one more byte again");
	ctl(EPOLL_CTL_MOD, a, EPOLLIN | EPOLLET, 3);
	ready("modified");
	ctl(EPOLL_CTL_MOD, a, EPOLLIN | EPOLLONESHOT, 4);
	ready("once");
	SHOW(write(b, "e", 1));
	ready("once, again");
	ctl(EPOLL_CTL_MOD, a, EPOLLIN | EPOLLOUT | EPOLLONESHOT, 5);
	ready("armed anew");
	SHOW(read(a, buf, 64));
	ctl(EPOLL_CTL_MOD, a, 0, 6);
	SHOW(write(b, "f", 1));
	ready("asked nothing");
	SHOW(read(a, buf, 64));
	ctl(EPOLL_CTL_MOD, a, EPOLLOUT | EPOLLET, 6);
	ready("for writing");
	SHOW(write(b, "g", 1));
	ready("for writing, as before");
	ctl(EPOLL_CTL_ADD, b, EPOLLOUT | EPOLLET, 7);
	ready("other end");
	ready("other end again");
	SHOW(read(a, buf, 64));
	ready("read, never full");
	close(b);
	ready("hung up");
	ctl(EPOLL_CTL_MOD, a, EPOLLIN | EPOLLRDHUP | EPOLLET, 8);
	ready("asked for the end");
	ready("asked for the end again");
	close(a);
	ready("closed");
}

/* Order of the list, a small array, level ones going round. */
static void rounds(void)
{
	struct epoll_event ev[2];
	int fd[5];

	printf("-- rounds\n");
	for (int i = 0; i < 5; i++) {
		fd[i] = eventfd(i != 2, 0);
		ctl(EPOLL_CTL_ADD, fd[i], EPOLLIN, i);
	}
	for (int round = 0; round < 4; round++) {
		int n = epoll_wait(ep, ev, 2, -1);

		printf("%d:", n);
		for (int i = 0; i < n; i++)
			printf(" %lu", (unsigned long)ev[i].data.u64);
		printf("\n");
	}
	eventfd_write(fd[2], 1);
	ready("all");
	for (int i = 0; i < 5; i++)
		close(fd[i]);
	ready("none");
}

/* A description with two numbers goes with the last of them; another number is another item. */
static void duplicates(void)
{
	int fd = eventfd(1, 0), two = dup(fd), three;

	printf("-- duplicates\n");
	SHOW(ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 1));
	SHOW(ctl(EPOLL_CTL_ADD, two, EPOLLIN, 2));
	ready("both");
	close(fd);
	ready("closed, but open");
	SHOW(ctl(EPOLL_CTL_DEL, fd, 0, 0));
	three = eventfd(0, 0); /* gets the old number */
	printf("%d\n", three == fd);
	SHOW(ctl(EPOLL_CTL_ADD, three, EPOLLIN, 3));
	ready("the old item is there still");
	close(two);
	ready("and gone");
	close(three);
}

static int count_items(void)
{
	char name[64], line[256];
	FILE *f;
	int n = 0;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", ep);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned events, dev;
		unsigned long data, ino;
		int tfd, pos;

		if (sscanf(line, "tfd: %d events: %x data: %lx  pos:%d ino:%lx sdev:%x", &tfd,
			   &events, &data, &pos, &ino, &dev) != 6)
			continue;
		printf("item %x %lx %d %d %d\n", events, data, pos, ino > 0, dev > 0);
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static void shown(void)
{
	char link[64], name[64];
	int p[2];

	printf("-- shown\n");
	if (pipe(p))
		exit(1);
	ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 0x123456789abcUL);
	printf("%d items\n", count_items());
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ep);
	memset(link, 0, sizeof(link));
	SHOW(readlink(name, link, sizeof(link) - 1));
	printf("%s\n", link);
	SHOW(open(name, O_RDONLY));
	close(p[0]);
	printf("%d items\n", count_items());
	close(p[1]);
}

/* --- waiting ------------------------------------------------------------------------------------- */

static int caught;

static void note(int sig)
{
	caught = sig;
}

static void times(void)
{
	struct epoll_event ev;
	struct timespec ts = {0, 15 * MS};
	sigset_t none, usr1;
	long long start = now();

	printf("-- times\n");
	SHOW(epoll_wait(ep, &ev, 1, 20));
	printf("waited %d\n", now() - start >= 20 * MS);
	start = now();
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, &ts, NULL, 8));
	printf("waited %d, time as it was %d\n", now() - start >= 15 * MS, ts.tv_nsec == 15 * MS);
	signal(SIGUSR1, note);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	SHOW(epoll_pwait(ep, &ev, 1, 5, &usr1));
	printf("caught %d\n", caught);
	SHOW(epoll_pwait(ep, &ev, 1, -1, &none));
	printf("caught %d\n", caught);
	caught = 0;
	raise(SIGUSR1);
	SHOW(syscall(SYS_epoll_pwait2, ep, &ev, 1, NULL, &none, 8));
	printf("caught %d\n", caught);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

/* A child that wakes the parent's wait: by a byte, by a signal with SA_RESTART, which epoll_wait(2) does not heed. */
static void woken(void)
{
	struct sigaction sa = {.sa_handler = note, .sa_flags = SA_RESTART};
	struct epoll_event ev = {0};
	pid_t parent = getpid(), pid;
	int p[2];

	printf("-- woken\n");
	if (pipe(p))
		exit(1);
	ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 42);
	pid = fork();
	if (!pid) {
		usleep(10000);
		_exit(write(p[1], "x", 1) != 1);
	}
	SHOW(epoll_wait(ep, &ev, 1, -1));
	printf("%lu %#x\n", (unsigned long)ev.data.u64, ev.events);
	waitpid(pid, NULL, 0);
	SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
	sigaction(SIGUSR1, &sa, NULL);
	pid = fork();
	if (!pid) {
		usleep(10000);
		_exit(kill(parent, SIGUSR1));
	}
	SHOW(epoll_wait(ep, &ev, 1, -1));
	waitpid(pid, NULL, 0);
	pid = fork();
	if (!pid) { /* an item that is added while somebody waits */
		usleep(10000);
		_exit(ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 43));
	}
	SHOW(epoll_wait(ep, &ev, 1, -1));
	printf("%lu %#x\n", (unsigned long)ev.data.u64, ev.events);
	waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
	ready("closed");
}

/* Two epolls watch one eventfd exclusively, and a child sleeps in each: one write wakes one of them. */
static void exclusive(void)
{
	int fd = eventfd(0, EFD_SEMAPHORE), done[2], status = 0, woke = 0;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	pid_t pid[2];
	char c;

	printf("-- exclusive\n");
	if (pipe(done))
		exit(1);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int mine = epoll_create1(0);

			epoll_ctl(mine, EPOLL_CTL_ADD, fd, &ev);
			if (write(done[1], "r", 1) != 1)
				_exit(1);
			if (epoll_wait(mine, &ev, 1, -1) != 1 || write(done[1], "w", 1) != 1)
				_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++)
		if (read(done[0], &c, 1) != 1 || c != 'r')
			exit(1);
	until_asleep(pid[0]);
	until_asleep(pid[1]);
	for (int i = 0; i < 2; i++) {
		struct pollfd pfd = {done[0], POLLIN, 0};

		eventfd_write(fd, 1);
		if (read(done[0], &c, 1) == 1)
			woke++;
		printf("more: %d\n", poll(&pfd, 1, 20));
		if (!i && read(fd, &ev, 8) != 8)
			exit(1);
	}
	for (int i = 0; i < 2; i++) {
		waitpid(pid[i], &status, 0);
		printf("status %d\n", status);
	}
	printf("woke %d\n", woke);
	close(fd);
	close(done[0]);
	close(done[1]);
}

static void limits(void)
{
	struct rlimit rl, old;

	printf("-- limits\n");
	getrlimit(RLIMIT_NOFILE, &old);
	rl = old;
	rl.rlim_cur = ep + 1;
	setrlimit(RLIMIT_NOFILE, &rl);
	SHOW(epoll_create1(0));
	SHOW(epoll_create(1));
	SHOW(syscall(SYS_eventfd2, 0, 0));
	SHOW(syscall(SYS_eventfd, 0));
	SHOW(epoll_create1(3));
	setrlimit(RLIMIT_NOFILE, &old);
}

int main(void)
{
	int p[2];

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	ep = epoll_create1(EPOLL_CLOEXEC);
	limits();
	refused();
	if (pipe(p))
		return 1;
	kinds(p[0], p[1], "pipe");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p))
		return 1;
	kinds(p[0], p[1], "stream socket");
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, p))
		return 1;
	kinds(p[0], p[1], "datagram socket");
	rounds();
	duplicates();
	shown();
	times();
	fflush(stdout);
	woken();
	fflush(stdout);
	exclusive();
	return 0;
}

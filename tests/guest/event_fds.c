/* eventfd(2) and timerfd(2): what they refuse, what they count, and how they are waited for. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define MS 1000000L

static void *volatile nowhere = (void *)8;

static int ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static long get(int fd)
{
	uint64_t v;

	errno = 0;
	return read(fd, &v, 8) == 8 ? (long)v : -errno;
}

static int put(int fd, uint64_t v)
{
	return write(fd, &v, 8) == 8 ? 0 : -errno;
}

/* What it shows, but for numbers that differ. */
static void fdinfo(int fd)
{
	static const char *const differ[] = {"mnt_id", "ino", "eventfd-id", "it_value"};
	char name[64], line[256];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned i = 0;

		while (i < 4 && strncmp(line, differ[i], strlen(differ[i])))
			i++;
		printf("  %.*s\n", (int)(i < 4 ? strlen(differ[i]) : strcspn(line, "\n")), line);
	}
	if (f)
		fclose(f);
}

static void kind(int fd)
{
	char name[64], link[64] = "";
	struct stat st;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	SHOW(readlink(name, link, sizeof(link) - 1));
	printf("%s\n", link);
	SHOW(open(name, O_RDWR));
	SHOW(fstat(fd, &st));
	printf("mode %o size %ld links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	SHOW(lseek(fd, 7, SEEK_CUR));
	SHOW(pread(fd, name, 8, 0));
	SHOW(ftruncate(fd, 0));
	WORKS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	SHOW(ioctl(fd, FIONREAD, name));
	SHOW(fsync(fd));
	SHOW(fcntl(fd, F_GETFL));
}

static void eventfds(void)
{
	uint64_t v[2] = {5, 6};
	struct iovec iov[3] = {{v, 8}, {v + 1, 8}, {v, 4}};
	char nine[9] = {0};
	pid_t pid;
	int fd;

	SHOW(eventfd(0, 8));
	SHOW(syscall(SYS_eventfd2, 0, -1));
	fd = eventfd(3, EFD_NONBLOCK);
	kind(fd);
	fdinfo(fd);
	printf("%#x %ld %#x %ld\n", ready(fd), get(fd), ready(fd), get(fd));
	SHOW(read(fd, v, 7));
	SHOW(write(fd, v, 7));
	SHOW(write(fd, nine, 9));
	SHOW(write(fd, nowhere, 8));
	SHOW(put(fd, ~0UL));
	SHOW(put(fd, ~1UL));
	printf("%#x\n", ready(fd));
	SHOW(put(fd, 1));
	SHOW(put(fd, 0));
	fdinfo(fd);
	SHOW(read(fd, nowhere, 8));
	SHOW(get(fd));
	SHOW(writev(fd, iov, 2));
	SHOW(writev(fd, iov, 3));
	SHOW(writev(fd, iov + 2, 1));
	SHOW(get(fd));
	put(fd, 9);
	iov[0].iov_len = iov[1].iov_len = 4;
	SHOW(readv(fd, iov, 2));
	close(fd);

	fd = eventfd(3, EFD_SEMAPHORE | EFD_CLOEXEC);
	SHOW(fcntl(fd, F_GETFD));
	fdinfo(fd);
	for (int i = 0; i < 3; i++)
		SHOW(get(fd));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		until_asleep(getppid());
		put(fd, 2);
		_exit(0);
	}
	SHOW(get(fd));
	SHOW(get(fd));
	waitpid(pid, NULL, 0);
	/* A writer that waits for room. */
	put(fd, ~1UL);
	pid = fork();
	if (!pid) {
		until_asleep(getppid());
		_exit(get(fd) != 1);
	}
	SHOW(put(fd, 1));
	waitpid(pid, NULL, 0);
	printf("%#x\n", ready(fd));
	close(fd);
}

static int caught;

static void note(int sig)
{
	caught = sig;
}

/* A wait that a signal ends, or goes on after it. */
static void interrupted(int fd)
{
	struct sigaction sa = {.sa_handler = note};
	pid_t pid;

	for (int restart = 0; restart < 2; restart++) {
		sa.sa_flags = restart ? SA_RESTART : 0;
		sigaction(SIGUSR1, &sa, NULL);
		fflush(stdout);
		pid = fork();
		if (!pid) {
			until_asleep(getppid());
			kill(getppid(), SIGUSR1);
			until_asleep(getppid());
			if (restart)
				put(fd, 4);
			_exit(0);
		}
		SHOW(get(fd));
		printf("caught %d\n", caught);
		caught = 0;
		waitpid(pid, NULL, 0);
	}
}

static void refused(int fd)
{
	struct itimerspec its = {{0, 0}, {0, 1}}, bad = {{0, 0}, {0, 1000000000}},
			  worse = {{-1, 0}, {0, 1}};

	SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
	SHOW(timerfd_create(CLOCK_TAI, 0));
	SHOW(timerfd_create(-1, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
	SHOW(timerfd_settime(fd, 4, &its, NULL));
	SHOW(timerfd_settime(fd, 0, &bad, NULL));
	SHOW(timerfd_settime(fd, 0, &worse, NULL));
	SHOW(timerfd_settime(99, 0, &its, NULL));
	SHOW(timerfd_settime(99, 0, &bad, NULL));
	SHOW(timerfd_settime(0, 0, &its, NULL));
	SHOW(syscall(SYS_timerfd_settime, fd, 0, NULL, NULL));
	SHOW(syscall(SYS_timerfd_settime, 99, 0, 8, NULL));
	SHOW(timerfd_gettime(99, &its));
	SHOW(timerfd_gettime(0, &its));
	SHOW(syscall(SYS_timerfd_gettime, fd, NULL));
	SHOW(write(fd, &its, 8));
	SHOW(read(fd, &its, 7));
}

static void set(int fd, int flags, long ns, long interval)
{
	struct itimerspec its = {{interval / 1000000000, interval % 1000000000},
				 {ns / 1000000000, ns % 1000000000}},
			  old = {{9, 9}, {9, 9}};

	show("set", timerfd_settime(fd, flags, &its, &old));
	printf("before: %d %ld.%09ld\n", old.it_value.tv_sec || old.it_value.tv_nsec,
	       (long)old.it_interval.tv_sec, old.it_interval.tv_nsec);
}

static void timerfds(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec its;
	struct timespec ts;
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t ticks = 0;
	long n;

	refused(fd);
	kind(fd);
	fdinfo(fd);
	SHOW(get(fd));
	set(fd, 0, 5 * MS, 0);
	SHOW(get(fd));
	SHOW(poll(&p, 1, 1000));
	SHOW(get(fd));
	SHOW(get(fd));
	set(fd, 0, 100000 * MS, 3 * MS);
	SHOW(timerfd_gettime(fd, &its));
	printf("%d %ld\n", its.it_value.tv_sec == 99, its.it_interval.tv_nsec);
	fdinfo(fd);
	set(fd, 0, 0, 0);
	SHOW(timerfd_gettime(fd, &its));
	printf("%ld %ld\n", (long)its.it_value.tv_sec, its.it_value.tv_nsec);
	set(fd, 0, 1 * MS, 1 * MS);
	usleep(20000);
	n = get(fd);
	printf("several: %d\n", n >= 19 && n < 2000);
	usleep(10000);
	SHOW(timerfd_gettime(fd, &its)); /* moves it on */
	printf("left %d\n", its.it_value.tv_sec == 0 && its.it_value.tv_nsec <= MS);
	n = get(fd);
	printf("several: %d\n", n >= 9 && n < 2000);
	set(fd, 0, 0, 0);
	SHOW(get(fd));
	SHOW(ioctl(fd, 0x40085400, &ticks));
	ticks = 77;
	SHOW(ioctl(fd, 0x40085400, &ticks));
	SHOW(ioctl(fd, 0x40085400, NULL));
	SHOW(poll(&p, 1, 0));
	SHOW(get(fd));
	close(fd);
	for (int i = 0; i < 3; i++) {
		fd = timerfd_create(clocks[i], 0);
		clock_gettime(clocks[i], &ts);
		n = ts.tv_sec * 1000000000L + ts.tv_nsec;
		set(fd, TFD_TIMER_ABSTIME, n + 5 * MS, 0);
		fdinfo(fd);
		SHOW(get(fd));
		clock_gettime(clocks[i], &ts);
		printf("not early: %d\n", ts.tv_sec * 1000000000L + ts.tv_nsec >= n + 5 * MS);
		set(fd, TFD_TIMER_ABSTIME, 1, 0); /* long ago */
		SHOW(get(fd));
		set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, n + 100000 * MS, 0);
		fdinfo(fd);
		close(fd);
	}
}

/* No time and no interval is longer than Linux's "never". */
static void longest(int fd)
{
	struct itimerspec its = {{0x7fffffffffffffff, 999999999}, {0, 1}}, now;
	unsigned long ticks = 0;

	SHOW(timerfd_settime(fd, 0, &its, NULL));
	usleep(1000);
	SHOW(read(fd, &ticks, 8));
	timerfd_gettime(fd, &now);
	printf("%lu tick, then in more than 200 years: %d; every %ld.%09ld\n", ticks,
	       now.it_value.tv_sec > 200L * 365 * 86400, now.it_interval.tv_sec,
	       now.it_interval.tv_nsec);
	its.it_value = its.it_interval;
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, &now));
	timerfd_gettime(fd, &now);
	printf("%d\n", now.it_value.tv_sec > 200L * 365 * 86400);
}

/* An epoll of both, edge by edge. */
static void together(void)
{
	int ep = epoll_create1(0), ev = eventfd(0, 0), tm = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = 1}, out[4];

	epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	e.data.u64 = 2;
	epoll_ctl(ep, EPOLL_CTL_ADD, tm, &e);
	SHOW(epoll_wait(ep, out, 4, 0));
	put(ev, 1);
	SHOW(epoll_wait(ep, out, 4, 0));
	SHOW(epoll_wait(ep, out, 4, 0));
	put(ev, 1);
	SHOW(epoll_wait(ep, out, 4, 0));
	set(tm, 0, 2 * MS, 2 * MS);
	SHOW(epoll_wait(ep, out, 4, 1000));
	printf("%lu %#x\n", (unsigned long)out[0].data.u64, out[0].events);
	/* It stands still until it is read. */
	SHOW(epoll_wait(ep, out, 4, 8));
	printf("%d\n", get(tm) > 1);
	SHOW(epoll_wait(ep, out, 4, 1000));
	close(ep);
	close(ev);
	close(tm);
}

static void limits(void)
{
	int fd = eventfd(0, 0);
	struct rlimit rl, old;

	getrlimit(RLIMIT_NOFILE, &old);
	rl = old;
	rl.rlim_cur = fd + 1;
	setrlimit(RLIMIT_NOFILE, &rl);
	SHOW(eventfd(0, 0));
	SHOW(syscall(SYS_eventfd, 0));
	SHOW(syscall(SYS_eventfd));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
	setrlimit(RLIMIT_NOFILE, &old);
	close(fd);
}

int main(void)
{
	int fd;

	limits();
	eventfds();
	fd = eventfd(0, 0);
	interrupted(fd);
	close(fd);
	timerfds();
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	longest(fd);
	close(fd);
	together();
	return 0;
}

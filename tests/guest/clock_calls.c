/* clock_calls: every clock by number: its resolution, whether it can be read, set, steered, slept by; CPU
 * clocks of processes and threads, one's own and others'. Nobody sets anything: that would be the host's. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define FIRST (-9)
#define LAST 26

static const char *error(long ret)
{
	return ret < 0 ? strerrorname_np(errno) : "";
}

static void numbers(void)
{
	struct timespec ts, bad = {0, -1}, one = {0, 1};
	struct timex tx;
	long ret;

	for (int clk = FIRST; clk < LAST; clk++) {
		if (clk == CLOCK_REALTIME_ALARM || clk == CLOCK_BOOTTIME_ALARM)
			continue; /* by whether the host has an RTC */
		ts = (struct timespec){0, 0};
		ret = syscall(SYS_clock_getres, clk, &ts);
		printf("%d: getres %ld %s %ld.%09ld", clk, ret, error(ret), ts.tv_sec, ts.tv_nsec);
		ret = syscall(SYS_clock_gettime, clk, &ts);
		printf(", gettime %ld %s", ret, error(ret));
		ret = syscall(SYS_clock_settime, clk, &one);
		printf(", settime %ld %s", ret, error(ret));
		ret = syscall(SYS_clock_settime, clk, &bad);
		printf(" %ld %s", ret, error(ret));
		ret = syscall(SYS_clock_settime, clk, 8);
		printf(" %ld %s", ret, error(ret));
		memset(&tx, 0, sizeof(tx));
		ret = syscall(SYS_clock_adjtime, clk, &tx);
		printf(", adjtime %ld %s\n", ret, error(ret));
	}
	SHOW(syscall(SYS_clock_getres, 0, NULL));
	SHOW(syscall(SYS_clock_getres, 0, 8));
	SHOW(syscall(SYS_clock_adjtime, 0, 8));
	SHOW(syscall(SYS_adjtimex, 8));
}

static void sleeps(void)
{
	struct timespec one = {0, 1}, bad = {0, 1000000000};

	for (int clk = -6; clk < 24; clk++) {
		long ret;

		if (clk == CLOCK_REALTIME_ALARM || clk == CLOCK_BOOTTIME_ALARM)
			continue;
		/* The process's own clock stands still while it sleeps: a time gone by. */
		ret = syscall(SYS_clock_nanosleep, clk, clk == 2 || clk < 0 ? TIMER_ABSTIME : 0,
			      &one, NULL);
		printf("%d: sleep %ld %s\n", clk, ret, error(ret));
	}
	SHOW(syscall(SYS_clock_nanosleep, 0, 0, &bad, NULL));
	SHOW(syscall(SYS_clock_nanosleep, 0, 0, 8, NULL));
	SHOW(syscall(SYS_clock_nanosleep, 2, 0, &bad, NULL));
}

static void steering(void)
{
	static const unsigned modes[] = {0,	 0xa001, 0x8001, 0x8000, 0xa000, 1,
					 0x4000, 0x2000, 0x100,	 0xffff, 0x2001};
	struct timeval tv = {0, 0}, bad = {0, 1000000}, neg = {-1, 0};
	struct timex tx;

	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		long ret;

		memset(&tx, 0, sizeof(tx));
		tx.modes = modes[i];
		ret = syscall(SYS_adjtimex, &tx);
		printf("adjtimex %x: %ld %s tick %ld tolerance %ld precision %ld modes %x\n",
		       modes[i], ret, error(ret), tx.tick, tx.tolerance, tx.precision, tx.modes);
	}
	SHOW(syscall(SYS_settimeofday, &tv, NULL));
	SHOW(syscall(SYS_settimeofday, &bad, NULL));
	SHOW(syscall(SYS_settimeofday, &neg, NULL));
	SHOW(syscall(SYS_settimeofday, NULL, NULL));
	SHOW(syscall(SYS_settimeofday, 8, NULL));
	SHOW(syscall(SYS_settimeofday, NULL, 8));
}

static long long cpu_ns(clockid_t clk)
{
	struct timespec ts = {0, 0};

	if (clock_gettime(clk, &ts))
		return -errno;
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static volatile long work;
static volatile int go_on = 1;
static pid_t worker_tid;

static void *works(void *arg)
{
	(void)arg;
	worker_tid = (pid_t)syscall(SYS_gettid);
	while (go_on)
		work++;
	return NULL;
}

static clockid_t thread_clock(pid_t tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6);
}

static void cpu_clocks(void)
{
	char task[40];
	struct timespec later;
	clockid_t clk;
	pthread_t t;
	long long a, b;
	pid_t pid;

	pthread_create(&t, NULL, works, NULL);
	printf("getcpuclockid %d\n", pthread_getcpuclockid(t, &clk));
	while (!worker_tid)
		usleep(1000);
	a = cpu_ns(clk);
	/* As long as the other thread works, the process's clock goes on. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &later);
	later.tv_nsec += 20000000;
	later.tv_sec += later.tv_nsec / 1000000000;
	later.tv_nsec %= 1000000000;
	printf("sleep by the process's: %d\n",
	       clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &later, NULL));
	later = (struct timespec){0, 5000000};
	printf("by the other thread's: %d\n", clock_nanosleep(clk, 0, &later, NULL));
	b = cpu_ns(clk);
	printf("it worked %d, one clock %d\n", b - a > 10000000, clk == thread_clock(worker_tid));
	printf("the process more %d\n", cpu_ns(CLOCK_PROCESS_CPUTIME_ID) >= b);
	go_on = 0;
	pthread_join(t, NULL);
	/* Joined is not gone: the kernel still takes it down. */
	snprintf(task, sizeof(task), "/proc/self/task/%d", worker_tid);
	while (!access(task, F_OK))
		usleep(1000);
	printf("gone: %lld\n", cpu_ns(thread_clock(worker_tid)));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	printf("clock_getcpuclockid %d\n", clock_getcpuclockid(pid, &clk));
	printf("child's %d\n", cpu_ns(clk) >= 0);
	printf("child's thread: %lld\n", cpu_ns(thread_clock(pid)));
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	printf("reaped: %lld\n", cpu_ns(clk));
}

int main(void)
{
	cpu_clocks();
	sleeps();
	if (setgid(65534) || setuid(65534))
		printf("a user already\n");
	numbers();
	steering();
	return 0;
}

/* sched_calls: policies, priorities, affinity, intervals and I/O priorities: what is kept, what is refused;
 * first as whoever runs this, then as nobody. */
#include <errno.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max, more[4];
};

/* What /proc/self/stat shows: priority, nice, real-time priority, policy. */
static void in_proc(void)
{
	char text[2048], *p;
	FILE *f = fopen("/proc/self/stat", "r");
	int field = 2;

	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	printf("  stat:");
	for (p = strrchr(text, ')'); p && field < 42; p = strchr(p + 1, ' '), field++)
		if (field == 18 || field == 19 || field == 40 || field == 41)
			printf("%.*s", (int)strcspn(p + 1, " ") + 1, p);
	printf("\n");
}

static void state(void)
{
	struct attr a = {0};
	struct sched_param p = {-1};

	sched_getparam(0, &p);
	syscall(SYS_sched_getattr, 0, &a, 56, 0);
	printf("  policy %d priority %d nice %d flags %lu; attr %u %u %d\n", sched_getscheduler(0),
	       p.sched_priority, getpriority(PRIO_PROCESS, 0), (unsigned long)a.flags, a.policy,
	       a.priority, a.nice);
	in_proc();
}

static void set(int policy, int priority)
{
	struct sched_param p = {priority};
	int ret = sched_setscheduler(0, policy, &p);

	printf("setscheduler(%d, %d): %d %s\n", policy, priority, ret,
	       ret ? strerrorname_np(errno) : "");
	state();
}

static void setattr(const char *what, struct attr a)
{
	long ret = syscall(SYS_sched_setattr, 0, &a, 0);

	printf("setattr %s: %ld %s\n", what, ret, ret ? strerrorname_np(errno) : "");
	if (ret && errno == E2BIG)
		printf("  size %u\n", a.size);
	state();
}

static void interval(int jiffies)
{
	struct timespec ts = {9, 9};

	SHOW(sched_rr_get_interval(0, &ts));
	if (jiffies)
		printf("  %ld.%09ld\n", ts.tv_sec, ts.tv_nsec);
}

static void policies(void)
{
	struct sched_param p = {0};

	set(SCHED_BATCH, 0);
	set(SCHED_BATCH, 1);
	set(SCHED_OTHER, 0);
	set(SCHED_OTHER, 1);
	set(SCHED_FIFO, 0);
	set(SCHED_FIFO, 100);
	set(SCHED_FIFO, 10);
	interval(1);
	set(SCHED_RR | SCHED_RESET_ON_FORK, 20);
	interval(1);
	p.sched_priority = 30;
	SHOW(sched_setparam(0, &p));
	state();
	p.sched_priority = 0;
	SHOW(sched_setparam(0, &p));
	fflush(stdout);
	if (!fork()) {
		printf("child:\n");
		state();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	set(SCHED_OTHER, 0);
	set(SCHED_IDLE, 0);
	set(SCHED_OTHER, 0);
	set(5, 0);
	set(7, 0);
	set(99, 0);
	SHOW(sched_setscheduler(0, -1, &p));
	SHOW(sched_setscheduler(-1, 0, &p));
	SHOW(sched_setscheduler(0x3ffffff0, 0, &p));
	SHOW(sched_setscheduler(0, 0, NULL));
	SHOW(sched_setscheduler(0, 0, (void *)8));
	SHOW(sched_rr_get_interval(-1, (void *)8));
	SHOW(sched_rr_get_interval(0x3ffffff0, (void *)8));
	SHOW(sched_rr_get_interval(0, (void *)8));
	interval(0);
}

static void attributes(void)
{
	struct attr a = {.size = 48};

	a.nice = 5;
	setattr("nice 5", a);
	a.nice = 99;
	setattr("nice 99", a);
	a.nice = 0;
	setattr("nice 0", a);
	a.flags = 0x10;
	setattr("keep params", a);
	a.flags = 8;
	a.policy = SCHED_FIFO;
	setattr("keep policy", a);
	a.flags = 0x80;
	setattr("unknown flag", a);
	a.flags = 0x20;
	setattr("short clamp", a);
	a.size = 56;
	a.policy = 0;
	setattr("clamp", a);
	a.flags = 1;
	setattr("reset", a);
	a.flags = 0;
	setattr("no reset", a);
	a.size = 47;
	setattr("too short", a);
	a.size = 4097;
	setattr("too long", a);
	a.size = 72;
	setattr("longer", a);
	a.more[2] = 1;
	setattr("longer, not empty", a);
	a.size = 0;
	setattr("no size", a);
	a.policy = -1;
	setattr("negative", a);
	a = (struct attr){.size = 48, .policy = 6, .runtime = 100, .deadline = 1000000};
	setattr("a deadline of nothing", a);
	a = (struct attr){.size = 48, .runtime = 5000000};
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 0));
	printf("slice %d\n", a.runtime == 5000000); /* else by the number of CPUs */
	interval(a.runtime == 5000000);
	a.runtime = 0;
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
	SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
	SHOW(syscall(SYS_sched_setattr, 0x3ffffff0, &a, 0));
	SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
	SHOW(syscall(SYS_sched_setattr, 0, 8, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
	SHOW(syscall(SYS_sched_getattr, 0, 8, 48, 0));
}

static void *own_priority(void *arg)
{
	(void)arg;
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 1)));
	return NULL;
}

static void io_priorities(void)
{
	pthread_t t;

	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6)));
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	pthread_create(&t, NULL, own_priority, NULL);
	pthread_join(t, NULL);
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, getpid()));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 1)));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		     IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)));
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		     IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0)));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		     IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 1)));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(4, 0)));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(7, 0)));
	SHOW(syscall(SYS_ioprio_set, 0, 0, 0));
	SHOW(syscall(SYS_ioprio_set, 4, 0, 0));
	SHOW(syscall(SYS_ioprio_get, 4, 0));
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0x3ffffff0));
	SHOW(syscall(SYS_ioprio_get, IOPRIO_WHO_PGRP, 0x3ffffff0));
	SHOW(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0x3ffffff0, 0));
}

static void affinity(void)
{
	unsigned long mask[16] = {0};
	cpu_set_t one;

	CPU_ZERO(&one);
	SHOW(sched_setaffinity(0, sizeof(one), &one));
	CPU_SET(0, &one);
	SHOW(sched_setaffinity(0, sizeof(one), &one));
	SHOW(syscall(SYS_sched_getaffinity, 0, 8, mask));
	printf("mask %lx\n", mask[0]);
	SHOW(syscall(SYS_sched_getaffinity, 0, 7, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, 12, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0x3ffffff0, 8, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, 8, 8));
	SHOW(syscall(SYS_sched_setaffinity, 0x3ffffff0, 8, mask));
	SHOW(syscall(SYS_sched_setaffinity, 0, 8, 8));
}

/* What a user may not do to init, or without a limit that allows it. */
static void as_nobody(void)
{
	struct rlimit rl = {0, 0};

	setgid(65534);
	SHOW(setuid(65534));
	setrlimit(RLIMIT_RTPRIO, &rl);
	setrlimit(RLIMIT_NICE, &rl);
	policies();
	attributes();
	io_priorities();
	affinity();
	rl.rlim_cur = rl.rlim_max = 20;
	SHOW(setrlimit(RLIMIT_RTPRIO, &rl));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	policies();
	attributes();
	io_priorities();
	affinity();
	as_nobody();
	return 0;
}

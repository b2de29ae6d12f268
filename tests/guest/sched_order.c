/* sched_order: who runs before whom on one CPU: real-time priorities, yields, preemption, inheritance, SCHED_IDLE. Each
 * task writes its letters into one pipe. Needs root (or RLIMIT_RTPRIO).
 *
 * sched_order shares: how much of the CPU nice values and SCHED_IDLE get, and that real-time tasks leave something to
 * others: for virtual time, where an instruction is a nanosecond. */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static int out[2], go[2];

static struct shared {
	_Atomic unsigned lock;
	_Atomic unsigned long count[4];
	_Atomic int stage;
	pid_t waiter;
} * sh;

static void say(char c)
{
	if (write(out[1], &c, 1) != 1)
		_exit(1);
}

static void set(pid_t pid, int policy, int priority)
{
	struct sched_param p = {.sched_priority = priority};

	if (sched_setscheduler(pid, policy, &p)) {
		perror("sched_setscheduler");
		exit(1);
	}
}

/* A child that runs once the parent, which is more urgent than all, sleeps. */
static pid_t child(int policy, int priority, void (*fn)(char c), char c)
{
	pid_t pid = fork();

	if (!pid) {
		fn(c);
		_exit(0);
	}
	set(pid, policy, priority);
	return pid;
}

/* What was said until all children had ended. */
static void result(const char *what)
{
	char text[100];
	ssize_t n;

	while (wait(NULL) > 0)
		;
	close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(out[0]);
	printf("%s: %s\n", what, text);
	if (pipe(out))
		exit(1);
}

static void once(char c)
{
	say(c);
}

static void three_times(char c)
{
	for (int i = 0; i < 3; i++) {
		say(c);
		sched_yield();
	}
}

/* --- preemption --------------------------------------------------------------------------------- */

static void wait_for_go(char c)
{
	char x;

	if (read(go[0], &x, 1) == 1)
		say(c);
}

static void wake_up(char c)
{
	say(c);
	if (write(go[1], "x", 1) == 1)
		say(c);
}

static void lower_myself(char c)
{
	say(c);
	set(0, SCHED_FIFO, 1);
	say(c);
}

/* --- inheritance: three children, the lowest of which has what the highest wants ------------------ */

static void lock_it(void)
{
	unsigned free = 0;

	if (!atomic_compare_exchange_strong(&sh->lock, &free, (unsigned)getpid()))
		syscall(SYS_futex, &sh->lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static void unlock_it(void)
{
	unsigned mine = (unsigned)getpid();

	if (!atomic_compare_exchange_strong(&sh->lock, &mine, 0))
		syscall(SYS_futex, &sh->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

/* The 18th field of /proc/self/stat: how urgent it is. */
static long prio(void)
{
	char line[1000], *at;
	FILE *f = fopen("/proc/self/stat", "r");
	long n = 0;

	if (f && fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		sscanf(at, ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld", &n);
	if (f)
		fclose(f);
	return n;
}

static void say_prio(void)
{
	long n = -prio();

	say('0' + (char)(n / 10));
	say('0' + (char)(n % 10));
}

static void holds(char c)
{
	lock_it();
	say(c);
	if (write(go[1], "xx", 2) != 2) /* the two others come */
		_exit(1);
	say_prio();
	say(c);
	unlock_it();
	say_prio();
	say(c);
}

static void wants(char c)
{
	char x;

	if (read(go[0], &x, 1) != 1)
		_exit(1);
	lock_it();
	say(c);
	unlock_it();
}

/* The lowest has it, two wait: the second one is made more urgent, less, no real-time task, and most urgent. */
static void holds_while_they_change(char c)
{
	lock_it();
	say(c);
	if (write(go[1], "xx", 2) != 2)
		_exit(1);
	say_prio();
	set(sh->waiter, SCHED_FIFO, 60);
	say_prio();
	set(sh->waiter, SCHED_RR, 15);
	say_prio();
	set(sh->waiter, SCHED_OTHER, 0);
	say_prio();
	set(sh->waiter, SCHED_FIFO, 70);
	say_prio();
	unlock_it();
	say_prio();
	say(c);
}

/* --- one that is no real-time task, and what these have run before it wanted to ------------------- */

static void compute(void)
{
	/* More than others would have to wait for. */
	for (long i = 0; i < 100; i++) {
		long n = 400000;

		asm volatile("1: dec %0; jnz 1b" : "+r"(n));
		sched_yield();
	}
}

static void runs_on(char c)
{
	while (!sh->stage)
		sched_yield();
	say(c);
}

static void computes(char c)
{
	compute();
	if (write(go[1], "x", 1) != 1)
		_exit(1);
	for (int i = 0; i < 5; i++)
		sched_yield();
	say(c);
	sh->stage = 1;
}

/* --- RLIMIT_RTTIME --------------------------------------------------------------------------------- */

static volatile int warned;

static void warn(int sig)
{
	warned = sig;
}

static void spin(int sig)
{
	time_t end = time(NULL) + 20;

	while (warned != sig && time(NULL) < end)
		;
}

static void too_long(char c)
{
	struct rlimit r = {20000, 60000000};

	signal(SIGXCPU, warn);
	setrlimit(RLIMIT_RTTIME, &r);
	spin(SIGXCPU);
	say(warned == SIGXCPU ? c : '-');
	getrlimit(RLIMIT_RTTIME, &r);
	say(r.rlim_cur == 1020000 ? c : '-'); /* again in a second */
	warned = 0;
	usleep(1000); /* it begins anew */
	r.rlim_cur = 20000;
	r.rlim_max = 30000;
	setrlimit(RLIMIT_RTTIME, &r);
	spin(SIGKILL); /* not caught */
	say('-');
}

static void orders(void)
{
	set(0, SCHED_FIFO, 90);
	child(SCHED_OTHER, 0, once, 'o');
	child(SCHED_FIFO, 30, once, 'c');
	child(SCHED_RR, 60, once, 'a');
	child(SCHED_FIFO, 50, once, 'b');
	child(SCHED_RR, 30, once, 'd');
	result("by priority");
	child(SCHED_FIFO, 20, three_times, 'a');
	child(SCHED_FIFO, 20, three_times, 'b');
	child(SCHED_FIFO, 19, once, 'c');
	result("yielding to equals");
	child(SCHED_FIFO, 40, wait_for_go, 'b');
	child(SCHED_FIFO, 10, wake_up, 'a');
	result("preempted by one who wakes up");
	child(SCHED_FIFO, 10, wait_for_go, 'b');
	child(SCHED_FIFO, 40, wake_up, 'a');
	result("not by one below");
	child(SCHED_FIFO, 10, wait_for_go, 'b');
	child(SCHED_FIFO, 5, once, 'c');
	child(SCHED_FIFO, 2, wake_up, 'a');
	result("nor before those between");
	child(SCHED_FIFO, 10, once, 'b');
	child(SCHED_FIFO, 20, lower_myself, 'a');
	result("who goes below others");
	child(SCHED_FIFO, 40, wants, 'h');
	child(SCHED_FIFO, 20, wait_for_go, 'm');
	child(SCHED_FIFO, 10, holds, 'l');
	result("a lock's owner has its waiter's priority");
	sh->waiter = child(SCHED_FIFO, 20, wants, 'i');
	child(SCHED_FIFO, 40, wants, 'h');
	child(SCHED_FIFO, 10, holds_while_they_change, 'l');
	result("and another one when that changes");
	child(SCHED_OTHER, 0, wait_for_go, 'o');
	child(SCHED_FIFO, 10, runs_on, 'b');
	child(SCHED_FIFO, 10, computes, 'a');
	result("who comes late waits for real-time tasks");
	child(SCHED_RR, 10, too_long, 'x');
	result("RLIMIT_RTTIME");
	set(0, SCHED_OTHER, 0);
}

/* --- shares --------------------------------------------------------------------------------------- */

static pid_t counter(int i, int policy, int nice)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpriority(PRIO_PROCESS, 0, nice);
	set(0, policy, policy == SCHED_FIFO ? 1 : 0);
	for (;;)
		atomic_fetch_add_explicit(&sh->count[i], 1, memory_order_relaxed);
}

static void share(const char *what, int policy, int nice, double expected)
{
	/* Some dozens of slices. */
	const struct timespec while_ = {0, policy == SCHED_FIFO ? 240000000 : 100000000};
	pid_t a, b;
	double is;

	set(0, SCHED_FIFO, 90);
	sh->count[0] = sh->count[1] = 0;
	a = counter(0, SCHED_OTHER, 0);
	b = counter(1, policy, nice);
	nanosleep(&while_, NULL);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	while (wait(NULL) > 0)
		;
	is = (double)sh->count[0] / (double)(sh->count[1] + 1);
	if (is > expected * 0.85 && is < expected * 1.15)
		printf("%s: as it is to be\n", what);
	else
		printf("%s: %.3f, not %.3f\n", what, is, expected);
	set(0, SCHED_OTHER, 0);
}

int main(int argc, char **argv)
{
	cpu_set_t cpu0;

	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	sched_setaffinity(0, sizeof(cpu0), &cpu0);
	setvbuf(stdout, NULL, _IONBF, 0);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED || pipe(out) || pipe(go))
		return 1;
	if (argc > 1 && !strcmp(argv[1], "shares")) {
		share("nice 0", SCHED_OTHER, 0, 1);
		share("nice 5", SCHED_OTHER, 5, 1024.0 / 335);
		share("nice -3", SCHED_OTHER, -3, 1024.0 / 1991);
		share("nice 5, SCHED_BATCH", SCHED_BATCH, 5, 1024.0 / 335);
		share("a spinning SCHED_FIFO", SCHED_FIFO, 0, 1.0 / 19);
		return 0;
	}
	orders();
	return 0;
}

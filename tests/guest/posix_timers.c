/* posix_timers: timer_create(2) and its kin: clocks, ways of telling, overruns, ignored and blocked signals,
 * CPU time, exec and fork, errors. Usage: posix_timers */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define MSEC 1000000L
#define RESTORE_IDS 77 /* PR_TIMER_CREATE_RESTORE_IDS */

static volatile sig_atomic_t fired;
static volatile int first_overrun, last_overrun, last_value, last_code, last_tid, last_id;

static void on_timer(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	if (!fired++)
		first_overrun = si->si_overrun;
	last_overrun = si->si_overrun;
	last_value = si->si_value.sival_int;
	last_code = si->si_code;
	last_id = si->si_timerid;
	last_tid = syscall(SYS_gettid);
}

static void catch (int sig)
{
	struct sigaction sa = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};

	sigaction(sig, &sa, NULL);
}

static long create(int clk, struct sigevent *ev, int *id)
{
	return syscall(SYS_timer_create, clk, ev, id);
}

/* Sets timer @id to go off in @ms milliseconds, and then each @every. */
static long set(int id, long ms, long every)
{
	struct itimerspec its = {{every / 1000, every % 1000 * MSEC},
				 {ms / 1000, ms % 1000 * MSEC}};

	return syscall(SYS_timer_settime, id, 0, &its, NULL);
}

static int make(int clk, int notify, int sig, int value)
{
	struct sigevent ev = {.sigev_notify = notify, .sigev_signo = sig};
	int id = -1;

	ev.sigev_value.sival_int = value;
	if (create(clk, &ev, &id))
		printf("clock %d: %s\n", clk, strerrorname_np(errno));
	return id;
}

static void block(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	sigprocmask(how, &s, NULL);
}

static void wait_for(int n)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	while (fired < n)
		sigsuspend(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* How much is left, in words that do not depend on the moment. */
static const char *left(int id)
{
	struct itimerspec its;

	if (syscall(SYS_timer_gettime, id, &its))
		return strerrorname_np(errno);
	if (!its.it_value.tv_sec && !its.it_value.tv_nsec)
		return its.it_interval.tv_sec || its.it_interval.tv_nsec ? "off, interval" : "off";
	if (!its.it_value.tv_sec && its.it_value.tv_nsec == 1)
		return "due";
	return its.it_value.tv_sec > 50 ? "long" : its.it_value.tv_sec ? "seconds" : "short";
}

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * MSEC};

	while (nanosleep(&ts, &ts))
		;
}

static void each_clock(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		int id = make(clocks[i], SIGEV_SIGNAL, SIGRTMIN + 3, 100 + i);

		fired = 0;
		SHOW(set(id, 2, 0));
		wait_for(1);
		printf("clock %d: value %d code %d id %d overrun %d, then %s\n", clocks[i],
		       last_value, last_code, last_id == id, last_overrun, left(id));
		SHOW(syscall(SYS_timer_delete, id));
	}
	for (int clk = -10; clk < 20; clk++) {
		int id = -7;
		long ret = create(clk, NULL, &id);

		if (clk == CLOCK_REALTIME_ALARM || clk == CLOCK_BOOTTIME_ALARM)
			continue; /* hardware decides */
		printf("clock %d: %s\n", clk, ret ? strerrorname_np(errno) : "made");
		if (!ret)
			syscall(SYS_timer_delete, id);
	}
}

static void absolute(void)
{
	int id = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN + 3, 1);
	struct itimerspec its = {{0, 0}, {0, 0}}, old;

	fired = 0;
	clock_gettime(CLOCK_REALTIME, &its.it_value);
	its.it_value.tv_sec -= 10; /* at once */
	SHOW(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, &old));
	printf("past: %d, was %ld.%ld, now %s\n", fired, old.it_value.tv_sec, old.it_value.tv_nsec,
	       left(id));
	its.it_value.tv_sec += 110;
	SHOW(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, &old));
	printf("%s\n", left(id));
	its.it_interval.tv_sec = 3; /* many that nobody saw */
	its.it_value.tv_sec -= 200;
	SHOW(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, &old));
	printf("past: %d, overrun %d, old %d, now %s\n", fired, last_overrun,
	       old.it_value.tv_sec > 90, left(id));
	its.it_value.tv_sec = 1; /* 1970 */
	its.it_value.tv_nsec = 0;
	its.it_interval.tv_nsec = 100 * MSEC;
	its.it_interval.tv_sec = 0;
	SHOW(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, NULL));
	printf("overrun %d\n", last_overrun == 0x7fffffff);
	set(id, 0, 0);
	printf("off: %s\n", left(id));
	syscall(SYS_timer_delete, id);
}

static void overruns(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 4, 2);

	fired = 0;
	block(SIG_BLOCK, SIGRTMIN + 4);
	set(id, 1, 1);
	sleep_ms(12);
	printf("blocked: %s, overrun %ld\n", left(id), syscall(SYS_timer_getoverrun, id));
	block(SIG_UNBLOCK, SIGRTMIN + 4);
	set(id, 0, 0);
	printf("fired %d, overrun %d, call agrees %d\n", fired > 0 && fired < 4, last_overrun >= 0,
	       syscall(SYS_timer_getoverrun, id) == 0);
	/* A signal that is still queued when the timer is set anew is stale. */
	fired = 0;
	block(SIG_BLOCK, SIGRTMIN + 4);
	set(id, 1, 0);
	sleep_ms(3);
	set(id, 100000, 0);
	block(SIG_UNBLOCK, SIGRTMIN + 4);
	printf("stale: fired %d\n", fired);
	block(SIG_BLOCK, SIGRTMIN + 4);
	set(id, 1, 0);
	sleep_ms(3);
	syscall(SYS_timer_delete, id);
	block(SIG_UNBLOCK, SIGRTMIN + 4);
	printf("deleted: fired %d\n", fired);
}

static void ignored(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 5, 2);
	sigset_t pending;

	signal(SIGRTMIN + 5, SIG_IGN);
	fired = 0;
	set(id, 1, 5);
	sleep_ms(12);
	printf("ignored: %s\n", left(id));
	catch (SIGRTMIN + 5); /* it goes on */
	wait_for(1);
	printf("taken up: overrun %d\n", first_overrun > 0);
	signal(SIGRTMIN + 5, SIG_IGN);
	set(id, 1, 0);
	sleep_ms(3);
	catch (SIGRTMIN + 5);
	fired = 0;
	sleep_ms(2);
	printf("once, ignored: fired %d, %s\n", fired, left(id));
	block(SIG_BLOCK, SIGRTMIN + 5);
	set(id, 1, 0);
	sleep_ms(3);
	signal(SIGRTMIN + 5, SIG_IGN);
	sigpending(&pending);
	printf("flushed: %d\n", sigismember(&pending, SIGRTMIN + 5));
	catch (SIGRTMIN + 5);
	block(SIG_UNBLOCK, SIGRTMIN + 5);
	printf("fired %d\n", fired);
	syscall(SYS_timer_delete, id);
}

static void silent(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_NONE, 999, 0);

	set(id, 100000, 0);
	printf("none: %s\n", left(id));
	set(id, 1, 0);
	sleep_ms(3);
	printf("expired: %s\n", left(id));
	set(id, 1, 20000);
	sleep_ms(3);
	printf("repeats: %s\n", left(id));
	syscall(SYS_timer_delete, id);
}

/* Two timers with one standard signal are two entries of the queue. */
static void shared_signal(void)
{
	int a = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1);
	int b = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 2);

	catch (SIGUSR1);
	fired = 0;
	block(SIG_BLOCK, SIGUSR1);
	set(a, 1, 0);
	set(b, 2, 0);
	sleep_ms(6);
	kill(getpid(), SIGUSR1);
	block(SIG_UNBLOCK, SIGUSR1);
	printf("one signal, two timers: %d\n", fired);
	syscall(SYS_timer_delete, a);
	syscall(SYS_timer_delete, b);
}

static void cpu_clocks(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 6};
	clockid_t own;
	int id, pid, status;

	fired = 0;
	id = make(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 6, 3);
	set(id, 5, 0);
	while (!fired)
		;
	printf("thread: code %d, then %s\n", last_code, left(id));
	syscall(SYS_timer_delete, id);
	id = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGRTMIN + 6, 3);
	set(id, 5, 5);
	while (fired < 4)
		;
	printf("process: %s\n", left(id));
	syscall(SYS_timer_delete, id);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	clock_getcpuclockid(pid, &own);
	SHOW(create(own, &ev, &id));
	SHOW(set(id, 100000, 0));
	printf("child's: %s\n", left(id));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("gone: %s\n", left(id));
	SHOW(set(id, 1, 0));
	syscall(SYS_timer_delete, id);
	SHOW(create(own, &ev, &id));
}

static void errors(void)
{
	struct itimerspec bad = {{0, 1000000000}, {1, 0}}, good = {{0, 0}, {1, 0}};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	struct rlimit none = {0, 0}, was;
	int id = 0;

	SHOW(create(CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_signo = 0;
	SHOW(create(CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_signo = SIGUSR1;
	ev.sigev_notify = 17;
	SHOW(create(CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID;
	ev._sigev_un._tid = 1;
	SHOW(create(CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev._sigev_un._tid = getpid();
	SHOW(create(CLOCK_MONOTONIC, &ev, &id)); /* that is SIGEV_SIGNAL's 0 with it */
	SHOW(syscall(SYS_timer_delete, id));
	SHOW(create(CLOCK_MONOTONIC, (void *)8, &id));
	SHOW(create(CLOCK_MONOTONIC, NULL, (void *)8));
	SHOW(create(99, (void *)8, &id));
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
	SHOW(syscall(SYS_timer_settime, id, 0, &bad, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, (void *)8, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, &good, (void *)8));
	printf("set all the same: %s\n", left(id));
	SHOW(syscall(SYS_timer_settime, id + 1, 0, &good, NULL));
	SHOW(syscall(SYS_timer_settime, -1, 0, &good, NULL));
	SHOW(syscall(SYS_timer_gettime, id, (void *)8));
	SHOW(syscall(SYS_timer_gettime, id + 1, &good));
	SHOW(syscall(SYS_timer_getoverrun, id + 1));
	SHOW(syscall(SYS_timer_getoverrun, -1));
	SHOW(syscall(SYS_timer_delete, id));
	SHOW(syscall(SYS_timer_delete, id));
	getrlimit(RLIMIT_SIGPENDING, &was);
	none.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &none);
	SHOW(create(CLOCK_MONOTONIC, NULL, &id));
	setrlimit(RLIMIT_SIGPENDING, &was);
}

static void restore_ids(void)
{
	int id = 1000;

	SHOW(prctl(RESTORE_IDS, 3, 0, 0, 0));
	SHOW(prctl(RESTORE_IDS, 1, 1, 0, 0));
	SHOW(prctl(RESTORE_IDS, 2, 0, 0, 0));
	if (prctl(RESTORE_IDS, 1, 0, 0, 0)) /* before 6.16 */
		return;
	SHOW(create(CLOCK_MONOTONIC, NULL, &id));
	printf("id %d\n", id);
	SHOW(create(CLOCK_MONOTONIC, NULL, &id));
	id = -1;
	SHOW(create(CLOCK_MONOTONIC, NULL, &id));
	SHOW(create(CLOCK_MONOTONIC, NULL, (void *)8));
	SHOW(prctl(RESTORE_IDS, 2, 0, 0, 0));
	SHOW(prctl(RESTORE_IDS, 0, 0, 0, 0));
	SHOW(syscall(SYS_timer_delete, 1000));
}

/* /proc/self/timers, our own numbers left out. */
static void show_proc(void)
{
	char line[100], name[20];
	FILE *f;
	int n;

	f = fopen("/proc/self/timers", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "notify: %19[^.].%d", name, &n) == 2)
			printf("notify: %s.%d\n", name, n - getpid());
		else
			fputs(line, stdout);
	if (f)
		fclose(f);
}

static void family(char **argv)
{
	int first = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 5), status, id;

	set(first, 100000, 0);
	make(CLOCK_TAI, SIGEV_NONE, 77, 6);
	make(CLOCK_REALTIME, SIGEV_THREAD, SIGUSR2, 7);
	show_proc();
	fflush(stdout);
	if (!fork()) {
		printf("child: %s\n", left(first));
		show_proc();
		id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 8);
		printf("its own: %d\n", id);
		fflush(stdout);
		execl(argv[0], argv[0], "exec", NULL);
		_exit(1);
	}
	wait(&status);
	printf("child %#x; here %s\n", status, left(first));
	syscall(SYS_timer_delete, first);
}

static void real_left(const char *what)
{
	struct itimerval it;

	getitimer(ITIMER_REAL, &it);
	printf("%s: %s of %ld\n", what, it.it_value.tv_usec ? "some left" : "none",
	       it.it_interval.tv_usec);
}

/* setitimer(2)'s own stands still, too, until its signal is taken. */
static void real_timer(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}};
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGALRM);
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &it, NULL);
	sleep_ms(12);
	real_left("ignored");
	catch (SIGALRM);
	fired = 0;
	sleep_ms(12);
	real_left("caught");
	printf("came %d\n", fired);
	block(SIG_BLOCK, SIGALRM);
	setitimer(ITIMER_REAL, &it, NULL);
	real_left("set");
	sleep_ms(12);
	real_left("blocked");
	sigwait(&s, &sig);
	real_left("waited for");
	setitimer(ITIMER_REAL, &off, NULL);
	block(SIG_UNBLOCK, SIGALRM);
	it.it_value.tv_usec = 1000000;
	SHOW(setitimer(ITIMER_REAL, &it, NULL));
	SHOW(setitimer(3, &off, NULL));
	SHOW(getitimer(-1, &it));
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		show_proc();
		printf("after exec: %s, %d\n", left(0),
		       make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 8));
		return 0;
	}
	family(argv);
	for (int sig = SIGRTMIN + 3; sig <= SIGRTMIN + 6; sig++)
		catch (sig);
	each_clock();
	absolute();
	overruns();
	ignored();
	silent();
	shared_signal();
	cpu_clocks();
	errors();
	restore_ids();
	real_timer();
	return 0;
}

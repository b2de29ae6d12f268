/* signal_threads: signals in a process with threads: who takes them, masks that pass them on, stops and
 * continues of all, ends, timers of one thread. Usage: signal_threads */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define NR 4

static volatile int taken_by = -1, taken_sig;
static volatile int counts[NR];
static __thread int me = -1; /* number of this thread; -1: the first one */
static pthread_barrier_t barrier;
static volatile int stop_all;

static void note(int sig)
{
	taken_sig = sig;
	taken_by = me;
	if (me >= 0)
		counts[me]++;
}

static void catch (int sig, int flags)
{
	struct sigaction sa = {.sa_handler = note, .sa_flags = flags};

	sigaction(sig, &sa, NULL);
}

static void mask(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	pthread_sigmask(how, &s, NULL);
}

static void nap(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts))
		;
}

static int wait_taken(void)
{
	for (int i = 0; taken_by == -2 && i < 1000; i++)
		nap(1);
	return taken_by;
}

/* The process's state letter as others see it. */
static char state_of(int pid, int tid)
{
	char path[60], line[300] = "", *p;
	FILE *f;

	sprintf(path, "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "r");
	if (!f)
		return '-';
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return p ? p[2] : '?';
}

/* It is not stopped, or soon will not be. */
static int goes_on(int pid, int tid)
{
	for (int i = 0; i < 2000; i++) {
		if (state_of(pid, tid) != 'T')
			return 1;
		nap(1);
	}
	return 0;
}

/* --- who takes it ------------------------------------------------------------------------------ */

static volatile int open_thread; /* the only one that lets SIGUSR1 in */
static volatile int tids[NR];

static void *sleeper(void *arg)
{
	me = (intptr_t)arg;
	tids[me] = syscall(SYS_gettid);
	if (me == open_thread)
		mask(SIG_UNBLOCK, SIGUSR1);
	pthread_barrier_wait(&barrier);
	while (!stop_all)
		poll(NULL, 0, 20);
	return NULL;
}

static void start(pthread_t *t, void *(*fn)(void *))
{
	stop_all = 0;
	pthread_barrier_init(&barrier, NULL, NR + 1);
	for (intptr_t i = 0; i < NR; i++)
		pthread_create(&t[i], NULL, fn, (void *)i);
	pthread_barrier_wait(&barrier);
}

static void join(pthread_t *t)
{
	stop_all = 1;
	for (int i = 0; i < NR; i++)
		pthread_join(t[i], NULL);
}

static void chosen(void)
{
	pthread_t t[NR];

	catch (SIGUSR1, 0);
	mask(SIG_BLOCK, SIGUSR1);
	for (open_thread = 0; open_thread < NR; open_thread++) {
		start(t, sleeper);
		taken_by = -2;
		kill(getpid(), SIGUSR1);
		printf("open %d: taken by %d\n", open_thread, wait_taken());
		taken_by = -2;
		pthread_kill(t[(open_thread + 1) % NR],
			     SIGUSR1); /* blocked there, and stays there */
		nap(2);
		printf("directed: %d\n", taken_by);
		taken_by = -2;
		kill(tids[3], SIGUSR1); /* a thread's number is as good as the process's */
		printf("by tid: %d\n", wait_taken());
		join(t);
	}
	mask(SIG_UNBLOCK, SIGUSR1);
	taken_by = -2;
	kill(getpid(), SIGUSR1);
	printf("first: taken by %d\n", taken_by);
}

/* Who blocks a signal of the process that was meant for it, or ends, leaves it to others. */
static void *passes_on(void *arg)
{
	sigset_t all, old;

	me = (intptr_t)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_barrier_wait(&barrier);
	if (me == 0) {
		nap(5);
		sigemptyset(&all);
		sigaddset(&all, SIGUSR2);
		pthread_sigmask(SIG_UNBLOCK, &all, NULL); /* pending already: now it is taken */
	}
	while (!stop_all)
		poll(NULL, 0, 20);
	return NULL;
}

static void passed_on(void)
{
	pthread_t t[NR];

	catch (SIGUSR2, SA_RESTART);
	mask(SIG_BLOCK, SIGUSR2);
	taken_by = -2;
	kill(getpid(), SIGUSR2); /* nobody, yet */
	start(t, passes_on);
	printf("pending, taken by %d\n", wait_taken());
	join(t);
	mask(SIG_UNBLOCK, SIGUSR2);
}

/* Threads in sigwait() share the work; sigwaitinfo takes one directed at the thread first. */
static volatile int waited[NR], sum;

static void *waiter(void *arg)
{
	sigset_t s;
	siginfo_t si;

	me = (intptr_t)arg;
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 1);
	sigaddset(&s, SIGRTMIN + 2);
	pthread_barrier_wait(&barrier);
	while (sigwaitinfo(&s, &si) == SIGRTMIN + 1) {
		__atomic_add_fetch(&sum, si.si_value.sival_int, __ATOMIC_RELAXED);
		waited[me]++;
	}
	return NULL;
}

static void workers(void)
{
	pthread_t t[NR];
	int total = 0;

	mask(SIG_BLOCK, SIGRTMIN + 1);
	mask(SIG_BLOCK, SIGRTMIN + 2);
	start(t, waiter);
	for (int i = 1; i <= 200; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
	for (int i = 0; i < NR; i++)
		pthread_sigqueue(t[i], SIGRTMIN + 2, (union sigval){.sival_int = 0});
	for (int i = 0; i < NR; i++) {
		pthread_join(t[i], NULL);
		total += waited[i];
	}
	/* What came late for those who had ended is still there. */
	for (struct timespec no = {0, 0};;) {
		siginfo_t si;
		sigset_t s;

		sigemptyset(&s);
		sigaddset(&s, SIGRTMIN + 1);
		if (sigtimedwait(&s, &si, &no) < 0)
			break;
		total++;
		sum += si.si_value.sival_int;
	}
	printf("in all %d, sum %d\n", total, sum);
}

/* --- stops --------------------------------------------------------------------------------------- */

static volatile long *spins; /* shared with the parent */

static void *spin(void *arg)
{
	me = (intptr_t)arg;
	tids[me] = syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	for (;;) {
		if (me & 1)
			poll(NULL, 0, 5);
		else
			spins[me]++;
	}
	return NULL;
}

static void tell(const char *what, int pid)
{
	siginfo_t si;
	int ret = waitid(P_PID, pid, &si, WSTOPPED | WCONTINUED | WEXITED);

	printf("%s: %d code %d status %d\n", what, ret, si.si_code, si.si_status);
}

static void stops(void)
{
	int fds[2], pid, sent[NR + 1], status;
	pthread_t t[NR];
	char nothing;

	if (pipe(fds))
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0); /* a group that is not orphaned, whoever runs the test */
		spins = calloc(NR, sizeof(*spins));
		start(t, spin);
		for (int i = 0; i < NR; i++)
			sent[i] = tids[i];
		sent[NR] = getpid();
		if (write(fds[1], sent, sizeof(sent)) < 0)
			_exit(1);
		for (;;)
			poll(NULL, 0, -1);
	}
	close(fds[1]);
	if (read(fds[0], sent, sizeof(sent)) != sizeof(sent))
		return;
	kill(pid, SIGSTOP);
	tell("SIGSTOP", pid);
	for (int i = 0; i <= NR; i++)
		putchar(state_of(pid, sent[i]));
	printf("\n");
	kill(pid, SIGUSR1); /* to nobody now */
	kill(pid, SIGCONT);
	tell("SIGCONT", pid);
	for (int i = 0; i <= NR; i++)
		putchar(goes_on(pid, sent[i]) ? '-' : 'T');
	printf("\n");
	syscall(SYS_tgkill, pid, sent[2], SIGTSTP); /* one thread takes it, all stop */
	tell("SIGTSTP to a thread", pid);
	for (int i = 0; i <= NR; i++)
		putchar(state_of(pid, sent[i]));
	printf("\n");
	kill(pid, SIGTERM); /* pending until it goes on */
	nap(2);
	printf("still %c\n", state_of(pid, pid));
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	printf("gone: %#x %zd\n", status, read(fds[0], &nothing, 1));
	close(fds[0]);
}

/* --- ends ---------------------------------------------------------------------------------------- */

static void *raises(void *arg)
{
	int *volatile nowhere = NULL, sig = (intptr_t)arg;

	if (sig == SIGSEGV)
		*nowhere = 1;
	raise(sig);
	return NULL;
}

static void *waits(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void ends(void)
{
	const int sigs[] = {SIGTERM, SIGKILL, SIGABRT, SIGSEGV, SIGUSR2, SIGRTMAX};

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		int pid, status;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			struct rlimit no_core = {0, 0};
			pthread_t t[3];

			setrlimit(RLIMIT_CORE, &no_core);
			signal(SIGUSR2, SIG_DFL);
			pthread_create(&t[0], NULL, waits, NULL);
			pthread_create(&t[1], NULL, waits, NULL);
			pthread_create(&t[2], NULL, raises, (void *)(intptr_t)sigs[i]);
			pthread_exit(NULL); /* the first thread first */
		}
		waitpid(pid, &status, 0);
		printf("signal %d in a thread: %#x\n", sigs[i], status);
	}
}

/* --- a thread's own -------------------------------------------------------------------------------- */

static void *timed(void *arg)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 5};
	struct itimerspec its = {{0, 0}, {0, 2000000}};
	int id;

	me = (intptr_t)arg;
	pthread_barrier_wait(&barrier);
	ev._sigev_un._tid = syscall(SYS_gettid);
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id))
		return NULL;
	syscall(SYS_timer_settime, id, 0, &its, NULL);
	while (!counts[me])
		poll(NULL, 0, 5);
	syscall(SYS_timer_delete, id);
	if (me == 0) { /* one that ends while its signal is due; the timer stays silent */
		its.it_interval.tv_nsec = 1000000;
		syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id);
		syscall(SYS_timer_settime, id, 0, &its, NULL);
	}
	if (me == 1) { /* by its own CPU time */
		syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &ev, &id);
		syscall(SYS_timer_settime, id, 0, &its, NULL);
		while (counts[me] < 2)
			;
		syscall(SYS_timer_delete, id);
	}
	return NULL;
}

static void on_event(union sigval v)
{
	counts[v.sival_int]++;
	taken_by = 99;
}

static void threads_timers(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_event};
	struct itimerspec its = {{0, 0}, {0, 1000000}};
	pthread_t t[NR];
	timer_t id;

	memset((void *)counts, 0, sizeof(counts));
	catch (SIGRTMIN + 5, 0);
	start(t, timed);
	join(t);
	nap(5);
	printf("each by its own: %d %d %d %d\n", counts[0], counts[1], counts[2], counts[3]);
	taken_by = -2;
	ev.sigev_value.sival_int = 3;
	printf("SIGEV_THREAD: %d\n", timer_create(CLOCK_REALTIME, &ev, &id));
	timer_settime(id, 0, &its, NULL);
	printf("called %d %d\n", wait_taken(), counts[3]);
	timer_delete(id);
}

/* Each thread reads its own signals and the process's, nobody another's. */
static void *reads(void *arg)
{
	struct signalfd_siginfo si;
	int fd = (intptr_t)arg;

	while (read(fd, &si, sizeof(si)) == sizeof(si) && si.ssi_int != 7)
		;
	printf("thread read %d from signal %d\n", si.ssi_int, si.ssi_signo - SIGRTMIN);
	return NULL;
}

static void descriptors(void)
{
	struct pollfd p;
	pthread_t t;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 6);
	sigprocmask(SIG_BLOCK, &s, NULL);
	p = (struct pollfd){.fd = signalfd(-1, &s, 0), .events = POLLIN};
	pthread_create(&t, NULL, reads, (void *)(intptr_t)p.fd);
	pthread_sigqueue(t, SIGRTMIN + 6, (union sigval){.sival_int = 5});
	printf("not for us: %d\n", poll(&p, 1, 5));
	sigqueue(getpid(), SIGRTMIN + 6, (union sigval){.sival_int = 7});
	pthread_join(t, NULL);
	close(p.fd);
}

static volatile int code;

static void note_code(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	code = si->si_code;
	note(sig);
}

static long to_pidfd(int fd, int sig, siginfo_t *si, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, si, flags);
}

/* Through a descriptor that stands for a thread, or for the process: 1 to that thread, 2 to the process, 4 to
 * its group. */
static void by_descriptor(void)
{
	struct sigaction sa = {.sa_sigaction = note_code, .sa_flags = SA_SIGINFO};
	int thread, process;
	siginfo_t si = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};
	pthread_t t[NR];

	mask(SIG_BLOCK, SIGUSR1);
	sigaction(SIGUSR1, &sa, NULL);
	open_thread = 1;
	start(t, sleeper);
	thread = syscall(SYS_pidfd_open, tids[1], O_EXCL);
	process = syscall(SYS_pidfd_open, getpid(), 0);
	SHOW(syscall(SYS_pidfd_open, tids[1], 0));
	for (unsigned flags = 0; flags < 3; flags++) {
		taken_by = -2;
		to_pidfd(thread, SIGUSR1, NULL, flags);
		wait_taken();
		printf("thread, %u: taken by %d, code %d\n", flags, taken_by, code);
	}
	taken_by = -2;
	to_pidfd(process, SIGUSR1, NULL, 0);
	wait_taken();
	printf("process: taken by %d, code %d\n", taken_by, code);
	taken_by = -2;
	to_pidfd(process, SIGUSR1, NULL, 1); /* to the first, which blocks it */
	nap(2);
	printf("its first: taken by %d\n", taken_by);
	join(t);
	mask(SIG_UNBLOCK, SIGUSR1);
	printf("then by %d, code %d\n", taken_by, code);
	SHOW(to_pidfd(thread, SIGUSR1, NULL, 0));
	SHOW(to_pidfd(process, SIGUSR1, NULL, 3));
	SHOW(to_pidfd(process, SIGUSR1, NULL, 8));
	SHOW(to_pidfd(process, SIGUSR1, &si, 0));
	SHOW(to_pidfd(process, 65, NULL, 0));
	SHOW(to_pidfd(0, 0, NULL, 0));
	SHOW(to_pidfd(-10000, 0, NULL, 0));
	SHOW(to_pidfd(-10001, 0, NULL, 0));
	close(thread);
	close(process);
}

static void errors(void)
{
	siginfo_t si = {.si_code = SI_QUEUE};
	int pid = getpid();

	SHOW(syscall(SYS_tgkill, pid, 1, SIGUSR1));
	SHOW(syscall(SYS_tgkill, 1, pid, SIGUSR1));
	SHOW(syscall(SYS_tgkill, pid, pid, 65));
	SHOW(syscall(SYS_tgkill, pid, pid, 0));
	SHOW(syscall(SYS_tgkill, 0, pid, 0));
	SHOW(syscall(SYS_tgkill, pid, -1, 0));
	SHOW(syscall(SYS_tkill, 0, 0));
	SHOW(syscall(SYS_tkill, 99999, 0));
	SHOW(syscall(SYS_tkill, pid, -1));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, pid, pid, 65, &si));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, pid, 0, SIGUSR1, &si));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, pid, 99999, SIGUSR1, &si));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGUSR1, (void *)8));
	si.si_code = SI_KERNEL;
	SHOW(syscall(SYS_rt_tgsigqueueinfo, 1, 1, SIGUSR1, &si));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	chosen();
	passed_on();
	workers();
	stops();
	ends();
	threads_timers();
	descriptors();
	by_descriptor();
	errors();
	return 0;
}

/* Signals against the host: order, nesting, alternate stacks, what they do to calls that block.
 * signals PART... */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int calls;
static char log_buf[256];
static volatile int log_len;

static void note(char c)
{
	log_buf[log_len++] = c;
	log_buf[log_len] = 0;
}

static void count(int sig)
{
	(void)sig;
	calls++;
}

static void set(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};

	sigaction(sig, &sa, NULL);
}

/* --- order and nesting ------------------------------------------------------------------------- */

static void named(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	note(sig == SIGUSR1 ? '1' : sig == SIGUSR2 ? '2' : sig == SIGTERM ? 'T' : 'r');
	if (sig >= SIGRTMIN)
		note('a' + si->si_value.sival_int);
	if (sig == SIGUSR1) {
		raise(SIGUSR2);
		note('<');
	}
	if (sig == SIGUSR2)
		note('.');
}

static void order(void)
{
	struct sigaction sa = {.sa_sigaction = named, .sa_flags = SA_SIGINFO};
	sigset_t all, old, pending;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	raise(SIGUSR1);
	printf("nested: %s\n", log_buf);
	log_len = 0;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < 3; i++) {
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i + 3});
	}
	raise(SIGTERM);
	raise(SIGTERM);
	kill(getpid(), SIGUSR2);
	sigpending(&pending);
	printf("pending: %d %d %d\n", sigismember(&pending, SIGTERM),
	       sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN));
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("queued: %s\n", log_buf);
	log_len = 0;
	sa.sa_flags |= SA_NODEFER | SA_RESETHAND;
	sigaction(SIGTERM, &sa, NULL);
	raise(SIGTERM);
	sigaction(SIGTERM, NULL, &sa);
	printf("SA_RESETHAND: %d\n", sa.sa_handler == SIG_DFL);
	sigprocmask(SIG_BLOCK, &all, &old);
	raise(SIGTERM);
	signal(SIGTERM, SIG_IGN);
	sigpending(&pending);
	printf("ignoring drops it: %d\n", sigismember(&pending, SIGTERM));
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGTERM, SIG_DFL);
}

/* --- the alternate stack ------------------------------------------------------------------------ */

static char alt[65536], alt2[65536];
static sigjmp_buf back;

static void on_stack(int sig, siginfo_t *si, void *p)
{
	ucontext_t *uc = p;
	stack_t now;
	char here;

	(void)si;
	sigaltstack(NULL, &now);
	printf("signal %d: on %s, flags %d, uc flags %x\n", sig,
	       &here > alt && &here < alt + sizeof(alt)	     ? "alt"
	       : &here > alt2 && &here < alt2 + sizeof(alt2) ? "alt2"
							     : "stack",
	       now.ss_flags & 3, (unsigned)uc->uc_stack.ss_flags);
	now = (stack_t){.ss_sp = alt2, .ss_size = sizeof(alt2)};
	errno = 0;
	printf("change: %d %d\n", sigaltstack(&now, NULL), errno);
	if (sig == SIGUSR1)
		raise(SIGUSR2);
	if (sig == SIGSEGV)
		siglongjmp(back, 1);
}

/* Uses up the stack: what it adds at the end keeps it from being a loop. */
static int overflow(int n)
{
	volatile char big[4096];

	big[0] = n;
	return n < 0 ? 0 : overflow((n + 1) & 0xffff) + big[0];
}

static void altstacks(void)
{
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, old;
	struct sigaction sa = {.sa_sigaction = on_stack, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaltstack(NULL, &old);
	printf("before: %d\n", old.ss_flags);
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	raise(SIGUSR1);
	ss.ss_flags = 1U << 31; /* SS_AUTODISARM */
	sigaltstack(&ss, NULL);
	raise(SIGUSR1);
	sigaltstack(NULL, &old);
	printf("after: %x %d\n", (unsigned)old.ss_flags, old.ss_sp == alt);
	ss.ss_flags = 0;
	sigaltstack(&ss, NULL);
	if (!sigsetjmp(back, 1))
		printf("%d\n", overflow(1));
	printf("overflow survived\n");
	ss.ss_size = 100;
	printf("too small: %d %d\n", sigaltstack(&ss, NULL), errno);
	ss.ss_flags = 5;
	printf("bad flags: %d %d\n", sigaltstack(&ss, NULL), errno);
}

/* --- blocking calls ------------------------------------------------------------------------------ */

static void after_ms(int ms)
{
	struct itimerval it = {{0, 0}, {0, ms * 1000}};

	setitimer(ITIMER_REAL, &it, NULL);
}

static void result(const char *what, long ret)
{
	printf("%s: %ld %s, calls %d\n", what, ret, ret < 0 ? strerror(errno) : "-", calls);
	calls = 0;
}

/* What comes through while the call is being restarted. */
static pid_t later(int fd, int ms, int status)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	usleep(ms * 1000);
	if (fd >= 0 && write(fd, "x", 1) != 1)
		_exit(1);
	_exit(status);
}

/* What a handler interrupts: each call returns EINTR. */
static void interrupted(const int *fds)
{
	struct timespec ts = {5, 0}, left;
	sigset_t none;
	siginfo_t si;
	int status;
	pid_t pid;
	char c;

	sigemptyset(&none);
	set(SIGALRM, count, 0);
	after_ms(20);
	result("read", read(fds[0], &c, 1));
	after_ms(20);
	result("nanosleep", nanosleep(&ts, &left));
	printf("left %d\n", left.tv_sec == 4);
	after_ms(20);
	result("poll", poll(&(struct pollfd){fds[0], POLLIN, 0}, 1, 5000));
	after_ms(20);
	result("select", select(0, NULL, NULL, NULL, &(struct timeval){5, 0}));
	after_ms(20);
	result("pause", pause());
	after_ms(20);
	result("sigsuspend", sigsuspend(&none));
	after_ms(20);
	sigaddset(&none, SIGUSR1);
	result("sigtimedwait", sigtimedwait(&none, &si, &ts));
	sigemptyset(&none);
	after_ms(20);
	pid = later(-1, 60, 7);
	result("waitpid", waitpid(pid, &status, 0));
	waitpid(pid, &status, 0);
}

/* With SA_RESTART some begin again, and some do not. */
static void restarted(const int *fds)
{
	int status;
	pid_t pid;
	char c;

	set(SIGALRM, count, SA_RESTART);
	after_ms(20);
	pid = later(fds[1], 60, 3);
	result("read, SA_RESTART", read(fds[0], &c, 1));
	result("waitpid, SA_RESTART", waitpid(pid, &status, 0) == pid);
	after_ms(20);
	pid = later(-1, 60, 7);
	result("waitpid, SA_RESTART", waitpid(pid, &status, 0) == pid);
	after_ms(20);
	result("nanosleep, SA_RESTART", nanosleep(&(struct timespec){0, 50000000}, NULL));
	after_ms(20);
	result("poll, SA_RESTART", poll(NULL, 0, 5000));
	after_ms(20);
	result("pause, SA_RESTART", pause());
}

/* Stopped and continued, sleeps go on; a blocked signal is waited for. */
static void waited_for(void)
{
	sigset_t chld;
	siginfo_t si;
	int status;
	pid_t pid = fork();

	if (!pid) {
		usleep(20000);
		kill(getppid(), SIGSTOP);
		usleep(20000);
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	result("nanosleep, stopped", nanosleep(&(struct timespec){0, 80000000}, NULL));
	waitpid(pid, &status, 0);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = later(-1, 20, 9);
	result("sigwaitinfo", sigwaitinfo(&chld, &si));
	printf("code %d status %d pid %d\n", si.si_code, si.si_status, si.si_pid == pid);
	waitpid(pid, &status, 0);
	result("sigtimedwait 0", sigtimedwait(&chld, &si, &(struct timespec){0, 0}));
	sigprocmask(SIG_UNBLOCK, &chld, NULL);
}

static void blocking(void)
{
	int fds[2], status;
	char c = 0;
	pid_t pid;

	if (pipe(fds))
		return;
	interrupted(fds);
	restarted(fds);
	waited_for();
	set(SIGPIPE, count, 0);
	close(fds[0]);
	result("write to nobody", write(fds[1], &c, 1));
	signal(SIGPIPE, SIG_DFL);
	pid = fork();
	if (!pid)
		_exit(write(fds[1], &c, 1));
	waitpid(pid, &status, 0);
	printf("killed by %d\n", WTERMSIG(status));
	close(fds[1]);
}

/* --- children's signals --------------------------------------------------------------------------- */

static void told(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	note(si->si_code == CLD_EXITED	    ? 'e'
	     : si->si_code == CLD_KILLED    ? 'k'
	     : si->si_code == CLD_STOPPED   ? 's'
	     : si->si_code == CLD_CONTINUED ? 'c'
					    : '?');
	note('0' + si->si_status % 10);
}

static void children(void)
{
	struct sigaction sa = {.sa_sigaction = told, .sa_flags = SA_SIGINFO | SA_RESTART};
	int status;
	pid_t pid;

	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (!pid)
		_exit(5);
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid)
		pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	/* The child tells by itself, when it runs again: not before that it is killed. */
	for (int i = 0; i < 2000 && !strchr(log_buf, 'c'); i++)
		usleep(1000);
	waitpid(pid, &status, WCONTINUED);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("told: %s\n", log_buf);
	log_len = 0;
	log_buf[0] = 0;
	sa.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
	pid = fork();
	if (!pid)
		pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	printf("SA_NOCLDSTOP: %s\n", log_buf);
	signal(SIGCHLD, SIG_DFL);
}

/* --- timers ---------------------------------------------------------------------------------------- */

static void timers(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, was;
	pid_t pid;
	int status;

	set(SIGALRM, count, 0);
	set(SIGVTALRM, count, 0);
	set(SIGPROF, count, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	pid = fork();
	if (!pid) {
		getitimer(ITIMER_REAL, &was);
		_exit(was.it_value.tv_usec || was.it_interval.tv_usec);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("not inherited: %d\n", status);
	while (calls < 5)
		pause();
	setitimer(ITIMER_REAL, &off, &was);
	printf("real: interval %ld\n", (long)was.it_interval.tv_usec);
	calls = 0;
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	while (calls < 3)
		;
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	calls = 0;
	setitimer(ITIMER_PROF, &it, NULL);
	while (calls < 3)
		getppid();
	setitimer(ITIMER_PROF, &off, NULL);
	alarm(100);
	printf("alarm: %u %u\n", alarm(7), alarm(0));
	printf("bad: %d %d\n", setitimer(3, &it, NULL), errno);
	it.it_value.tv_usec = 1000000;
	printf("bad time: %d %d\n", setitimer(0, &it, NULL), errno);
	signal(SIGALRM, SIG_DFL);
	pid = fork();
	if (!pid) {
		after_ms(10);
		for (;;)
			pause();
	}
	waitpid(pid, &status, 0);
	printf("killed by %d\n", WTERMSIG(status));
}

/* --- torture ------------------------------------------------------------------------------------------ */

static volatile long work;

/* Children send what they can while the parent computes and sleeps; all is counted. */
static void torture(void)
{
	union sigval v = {.sival_int = 0};
	int status, sent = 0;
	pid_t pid[8];

	set(SIGRTMIN, count, SA_RESTART);
	set(SIGUSR1, count, SA_RESTART);
	for (int i = 0; i < 8; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			for (int k = 0; k < 100; k++) {
				while (sigqueue(getppid(), SIGRTMIN, v))
					usleep(100);
				if (k % 10 == i)
					usleep(100);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++) {
		for (int k = 0; k < 10000; k++)
			work += k;
		if (waitpid(pid[i], &status, 0) == pid[i])
			sent += 100;
	}
	printf("sent %d, came %d, work %ld\n", sent, calls, work);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"order", order},	     {"altstacks", altstacks}, {"blocking", blocking},
		     {"children", children}, {"timers", timers},       {"torture", torture}};

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int a = 1; a < argc; a++)
		for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (!strcmp(argv[a], parts[i].name))
				parts[i].run();
	return 0;
}

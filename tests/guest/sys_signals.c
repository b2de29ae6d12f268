/* sys_signals: masks, pending sets, handlers, alternate stacks, and calls that signals end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define T(name, call)                                                                              \
	do {                                                                                       \
		int r_ = call;                                                                     \
		printf("%s %d %s\n", name, r_, r_ < 0 ? strerrorname_np(errno) : "");              \
	} while (0)

static int count;
static char stack[65536];

static void on_signal(int sig)
{
	count++;
	printf("handler: %d\n", sig);
}

static void on_info(int sig, siginfo_t *si, void *uc)
{
	char here;

	(void)uc;
	printf("info: %d code %d own pid %d value %d on stack %d\n", sig, si->si_code,
	       si->si_pid == getpid(), si->si_value.sival_int,
	       &here >= stack && &here < stack + sizeof(stack));
}

int main(void)
{
	struct sigaction sa = {.sa_handler = on_signal}, old;
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, was;
	sigset_t set, pending, none;
	struct timespec none_left = {0, 0}, left = {7, 7};
	union sigval v = {.sival_int = 42};

	setvbuf(stdout, NULL, _IONBF, 0);
	sigemptyset(&none);
	sigaction(SIGUSR1, &sa, NULL);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	printf("count %d\n", count);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigpending(&pending);
	printf("pending %d count %d\n", sigismember(&pending, SIGUSR1), count);
	T("sigsuspend", sigsuspend(&none));
	sigpending(&pending);
	printf("pending %d count %d\n", sigismember(&pending, SIGUSR1), count);
	kill(getpid(), SIGUSR1);
	T("ppoll", ppoll(NULL, 0, NULL, &none));
	sigprocmask(SIG_UNBLOCK, &set, NULL);

	printf("sigaltstack %d\n", sigaltstack(&ss, NULL));
	sa.sa_sigaction = on_info;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGUSR2, &sa, &old);
	printf("old handler %d\n", old.sa_handler != SIG_DFL);
	kill(getpid(), SIGUSR2);
	sigqueue(getpid(), SIGUSR2, v);
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
	sigaltstack(NULL, &was);
	printf("altstack flags %d size %zu\n", was.ss_flags, was.ss_size);
	ss.ss_size = 100;
	T("small stack", sigaltstack(&ss, NULL));

	sa.sa_flags = SA_RESETHAND;
	sa.sa_handler = on_signal;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	printf("reset %d\n", old.sa_handler == SIG_DFL);

	signal(SIGUSR1, SIG_IGN);
	kill(getpid(), SIGUSR1);
	printf("kill 0: %d\n", kill(getpid(), 0));
	T("kill 99", kill(getpid(), 99));
	T("nobody", kill(0x3ffffff, 0));
	printf("nanosleep 0: %d\n", nanosleep(&none_left, &left));
	printf("left untouched: %ld\n", (long)left.tv_sec);
	signal(SIGUSR1, SIG_DFL);
	kill(getpid(), SIGUSR1);
	printf("not reached\n");
	return 0;
}

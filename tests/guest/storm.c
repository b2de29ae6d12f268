/*
 * storm SEED TASKS CALLS: TASKS tasks at once make CALLS random system calls each, fork, execute
 * this program again, sleep, end, and send each other random signals; the first task sends more
 * of them, and in the end kills whoever is left. For Vellum only, in an empty folder: not safe on a
 * real kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "random_call.h"

#define SECONDS 10 /* after so many the first task comes to an end */
#define GENERATIONS 2
#define FORKS 2 /* of each task */

/* Of random_call.h's never: what blocks, as others wake, stop or kill the sleeper. */
static const short blocking[] = {7,   22,  23,	34,  35,  36,  37,  38,	 61, 128, 130, 160, 202,
				 230, 247, 270, 271, 275, 276, 278, 293, 43, 45,  47,  288, 299};

static char **args;
static pid_t first; /* never a target */
static int forks_left = FORKS;
static volatile unsigned long handled;

static void on_signal(int sig)
{
	handled += (unsigned long)sig;
	if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP)
		_exit(3); /* it would come again at once */
	if (rnd() % 4 == 0 && (getpid() ^ sig) & 1)
		kill(getpid(), 1 + (int)(rnd() % 64));
}

static void random_action(void)
{
	struct sigaction sa = {.sa_handler = rnd() % 4 ? on_signal : rnd() % 2 ? SIG_IGN : SIG_DFL};

	sa.sa_flags = (rnd() % 2 ? SA_RESTART : 0) | (rnd() % 2 ? SA_NODEFER : 0) |
		      (rnd() % 2 ? SA_ONSTACK : 0) | (rnd() % 8 ? 0 : (int)SA_RESETHAND) |
		      (rnd() % 8 ? 0 : SA_NOCLDWAIT);
	sigfillset(&sa.sa_mask);
	sigaction(1 + (int)(rnd() % 64), &sa, NULL);
}

/* To a neighbour by number, or to oneself. */
static void random_kill(void)
{
	pid_t pid = getpid() + (pid_t)(rnd() % 24) - 12;
	int sig = (int)(rnd() % 65);
	union sigval value = {.sival_int = sig};

	if (pid <= first)
		return;
	if (sig == SIGSTOP && rnd() % 4)
		sig = SIGCONT;
	switch (rnd() % 3) {
	case 0:
		kill(pid, sig);
		break;
	case 1:
		sigqueue(pid, sig, value);
		break;
	default:
		syscall(SYS_tgkill, pid, pid, sig);
	}
}

static void child(int generation, long calls) __attribute__((noreturn));

static void random_fork(int generation, long calls)
{
	unsigned long seed = rnd();
	pid_t pid;

	if (generation >= GENERATIONS || !forks_left)
		return;
	forks_left--;
	pid = rnd() % 4 ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD | 0x200, 0, 0, 0, 0);
	if (pid)
		return;
	rnd_seed(seed);
	child(generation + 1, calls / 2);
}

static void random_exec(int generation, long left)
{
	char seed[24], place[24], rest[24], root[24];
	char *argv[] = {args[0], seed, place, rest, root, NULL}, *envp[] = {NULL};

	snprintf(seed, sizeof(seed), "%lu", rnd());
	snprintf(place, sizeof(place), "-%d", generation);
	snprintf(rest, sizeof(rest), "%ld", left / 2);
	snprintf(root, sizeof(root), "%d", first);
	execve("/proc/self/exe", argv, envp);
}

static void child(int generation, long calls)
{
	static char stack[16384];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	sigaltstack(&ss, NULL);
	arena_map();
	forks_left = FORKS;
	for (long i = 0; i < calls; i++) {
		unsigned long nr = rnd() % 470, what = rnd() % 64;

		arena[rnd() % ARENA_PAGES << 12]++; /* or SIGSEGV */
		if (what < 12)
			random_kill();
		else if (what < 16)
			random_action();
		else if (what < 18)
			random_fork(generation, calls);
		else if (what == 18 && rnd() % 8 == 0)
			random_exec(generation, calls - i);
		else if (what < 22)
			random_call((unsigned long)blocking[rnd() % 21]);
		else if (what < 26)
			waitpid(-1, NULL, WNOHANG);
		else if (what < 32)
			random_call(9 + rnd() % 3);
		else if (allowed(nr))
			random_call(nr);
		if (rnd() % 64 == 0)
			arena_map();
	}
	_exit((int)(rnd() % 256));
}

/* --- the first task ----------------------------------------------------------------------------- */

static pid_t start(long calls)
{
	unsigned long seed = rnd();
	pid_t pid = fork();

	if (!pid) {
		rnd_seed(seed);
		child(0, calls);
	}
	return pid;
}

static void torment(pid_t pid)
{
	static const int often[] = {SIGUSR1, SIGCONT,  SIGALRM, SIGCHLD, SIGSTOP,
				    SIGCONT, SIGWINCH, SIGTSTP, SIGURG,	 40};
	union sigval value = {.sival_int = 1};

	if (rnd() % 8)
		kill(pid, often[rnd() % 10]);
	else
		sigqueue(pid, 1 + (int)(rnd() % 64), value);
}

/* All descendants become this task's children as their parents end. */
static long kill_the_rest(long ended)
{
	char name[64];
	FILE *f;
	int pid;

	snprintf(name, sizeof(name), "/proc/self/task/%d/children", (int)first);
	for (;;) {
		f = fopen(name, "r");
		while (f && fscanf(f, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		if (f)
			fclose(f);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return ended;
		ended++;
	}
}

static long storm(int tasks, long calls)
{
	const struct timespec nap = {0, 300000};
	time_t end = time(NULL) + SECONDS;
	long ended = 0, born = 0;
	pid_t pid[64] = {0}, gone;

	for (int round = 0; round < 500 && time(NULL) < end; round++) {
		for (int i = 0; i < tasks; i++)
			if (!pid[i] && born < tasks * 6L) {
				pid[i] = start(calls);
				born++;
			}
		gone = pid[rnd() % (unsigned long)tasks];
		if (gone > 0)
			torment(gone);
		nanosleep(&nap, NULL);
		while ((gone = waitpid(-1, NULL, WNOHANG)) > 0) {
			ended++;
			for (int i = 0; i < tasks; i++)
				if (pid[i] == gone)
					pid[i] = 0;
		}
	}
	return kill_the_rest(ended);
}

int main(int argc, char **argv)
{
	long tasks = argc > 2 ? atol(argv[2]) : 6, calls = argc > 3 ? atol(argv[3]) : 300;

	args = argv;
	rnd_seed(argc > 1 ? strtoul(argv[1], NULL, 0) : 1);
	if (argc > 4) { /* executed by a task of a storm; its generation, negated */
		first = atoi(argv[4]);
		child((int)-tasks, calls);
	}
	own_input();
	first = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("seed %s: %s tasks ended\n", argc > 1 ? argv[1] : "1",
	       storm(tasks > 64 ? 64 : (int)tasks, calls) >= tasks ? "all" : "some");
	return 0;
}

/* group_stops: stops and continues of processes with threads, seen by their parent: killed while stopped, without a
 * leader, by turns, before an exec, in vfork, while threads end. Usage: group_stops */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts))
		;
}

static void *waits(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *naps(void *arg)
{
	nap(10);
	return arg;
}

static void threads(int n, void *(*fn)(void *))
{
	pthread_t t;

	while (n--)
		pthread_create(&t, NULL, fn, NULL);
}

/* What the parent is told: which child, and its status. */
static void tell(const char *what, int pid, int options)
{
	int status = 0, ret = waitpid(pid, &status, options);

	printf("%s: %s, status %#x\n", what,
	       ret == pid ? "told"
	       : ret	  ? "error"
			  : "nothing",
	       status);
	fflush(stdout);
}

/* A child that has told us that it is ready: by stopping. */
static int child(void (*fn)(void))
{
	int pid = fork();

	if (!pid) {
		setpgid(0, 0); /* a group that is not orphaned, whoever runs the test */
		fn();
		waits(NULL);
	}
	return pid;
}

static void idle(void)
{
	threads(3, waits);
	raise(SIGSTOP);
}

static void leaderless(void)
{
	threads(2, waits);
	raise(SIGSTOP);
	pthread_exit(NULL);
}

static void execs(void)
{
	threads(2, waits);
	raise(SIGTSTP);
	execl("/proc/self/exe", "group_stops", "exit", NULL);
}

static void vforks(void)
{
	raise(SIGSTOP);
	if (!vfork()) {
		nap(20);
		_exit(0);
	}
	_exit(3);
}

static void ends(void)
{
	threads(4, naps);
	nap(10); /* some end before the stop, some after it has begun */
	raise(SIGSTOP);
}

/* Stops and continues it so often, and kills it. */
static void turns(const char *what, int pid, int n)
{
	printf("%s\n", what);
	tell("stop", pid, WUNTRACED);
	while (n--) {
		kill(pid, SIGCONT);
		tell("continue", pid, WCONTINUED);
		nap(2);
		kill(pid, n & 1 ? SIGTSTP : SIGSTOP);
		tell("stop", pid, WUNTRACED);
	}
	kill(pid, SIGTERM); /* waits for it to go on */
	nap(2);
	tell("stopped still", pid, WNOHANG);
	kill(pid, SIGKILL);
	tell("end", pid, 0);
}

static void told_once(void)
{
	int pid = child(idle);
	siginfo_t si;

	for (int i = 0; i < 2; i++) {
		si.si_code = 0;
		waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT);
		printf("WNOWAIT: %d %d\n", si.si_code, si.si_status);
	}
	tell("stop", pid, WUNTRACED);
	tell("stop", pid, WUNTRACED | WNOHANG);
	kill(pid, SIGTSTP); /* makes no difference */
	nap(2);
	tell("SIGTSTP", pid, WUNTRACED | WNOHANG);
	kill(pid, SIGCONT);
	tell("continue", pid, WCONTINUED);
	tell("nothing new", pid, WUNTRACED | WCONTINUED | WNOHANG);
	kill(pid, SIGKILL);
	tell("end", pid, 0);
}

static void goes_on(const char *what, int pid)
{
	printf("%s\n", what);
	tell("stop", pid, WUNTRACED);
	kill(pid, SIGCONT);
	tell("end", pid, 0);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 7;
	turns("threads", child(idle), 3);
	turns("no leader", child(leaderless), 3);
	turns("threads that end", child(ends), 1);
	told_once();
	goes_on("exec", child(execs));
	goes_on("vfork", child(vforks));
	return 0;
}

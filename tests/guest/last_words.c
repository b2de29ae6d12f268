/* How processes and threads end, and who is told what: waits for what never comes, a parent's death, a parent
 * that has become another program, actions that were shared until exec, a descriptor of rseq(2) that nobody can
 * read, threads that outlive the leader, a CPU limit. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static char child_stack[65536] __attribute__((aligned(16)));

/* Until @pid is a zombie. */
static void wait_for_end(pid_t pid)
{
	siginfo_t info;

	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
}

/* One that has ended will neither stop nor go on. */
static void never_comes(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	wait_for_end(pid);
	SHOW(waitid(P_PID, pid, &info, WSTOPPED));
	SHOW(waitid(P_PID, pid, &info, WCONTINUED | WNOHANG));
	SHOW(waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED));
	SHOW(waitpid(pid, NULL, 0) == pid);
}

/* PR_SET_PDEATHSIG names the one who died. */
static void parents_death(void)
{
	int ready[2], said[2];
	siginfo_t info;
	sigset_t set;
	char byte = 0;
	pid_t parent;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(ready) || pipe(said))
		return;
	parent = fork();
	if (!parent) {
		parent = getpid();
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			(void)!write(ready[1], &byte, 1);
			sigwaitinfo(&set, &info);
			printf("death of a parent: code %d, by it %d, user %d\n", info.si_code,
			       info.si_pid == parent, info.si_uid == getuid());
			(void)!write(said[1], &byte, 1);
			_exit(0);
		}
		(void)!read(ready[0], &byte, 1);
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	(void)!read(said[0], &byte, 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int run_self(void *what)
{
	char *args[] = {"last_words", what, NULL};

	execv("/proc/self/exe", args);
	_exit(9);
}

static volatile int handled;

static void on_usr1(int sig)
{
	(void)sig;
	handled++;
}

/* After exec, what was shared is its own: signals arrive. */
static void shared_actions(void)
{
	int status = -1;
	pid_t pid = clone(run_self, child_stack + sizeof(child_stack),
			  CLONE_VM | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, "signal");

	SHOW(waitpid(pid, &status, 0) == pid);
	printf("status %x\n", status);
}

static int tell[2];

/* That the other process has looked. */
static void until_told(void)
{
	char byte;

	read(tell[0], &byte, 1);
}

#define TELLS 100 /* tell[1] of a program that does not know its number */

static int ends_late(void *arg)
{
	(void)arg;
	until_told();
	_exit(4);
}

/* A child was to tell its end by SIGUSR1, to a program that is another one by then. */
static void another_program(void)
{
	sigset_t set;
	pid_t pid;

	if (pipe(tell))
		return;
	pid = fork();
	if (!pid) {
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigaddset(&set, SIGCHLD);
		sigprocmask(SIG_BLOCK, &set, NULL);
		dup2(tell[1], TELLS);
		clone(ends_late, child_stack + sizeof(child_stack), SIGUSR1, NULL);
		run_self("told");
	}
	waitpid(pid, NULL, 0);
	close(tell[0]);
	close(tell[1]);
}

static void told(void)
{
	struct timespec limit = {5, 0};
	siginfo_t info;
	sigset_t set;
	int status = -1;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	write(TELLS, "!", 1);
	printf("told by %s\n", sigabbrev_np(sigtimedwait(&set, &info, &limit)));
	SHOW(waitpid(-1, &status, WNOHANG));
	SHOW(waitpid(-1, &status, __WALL) > 0);
	printf("status %x\n", status);
}

static volatile int *ran; /* shared: how often the child's handler has run */

static void on_segv(int sig)
{
	(void)sig;
	if (++*ran > 3)
		_exit(7);
}

static struct rseq_cs wrong __attribute__((aligned(32))) = {
	.version = 1, .start_ip = 1, .post_commit_offset = 1, .abort_ip = 4096};

static int meets_bad_sequence(int sig)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct rseq *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

		signal(SIGUSR1, on_usr1);
		signal(SIGSEGV, on_segv);
		area->rseq_cs = (uintptr_t)&wrong;
		kill(getpid(), sig);
		for (;;)
			getppid();
	}
	waitpid(pid, &status, 0);
	return status;
}

/* Its handler runs once; a second time there would be nothing that it could do. Nor is there if it loses the CPU just
 * before the first: then once more. */
static void bad_sequence(int sig)
{
	int status, tries = 100;

	do {
		*ran = 0;
		status = meets_bad_sequence(sig);
	} while (status == SIGSEGV && !*ran && --tries);
	printf("bad sequence: handled %d, %x\n", *ran, status);
}

static int ends(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 0);
	return 0;
}

/* The word that is cleared at the end of a thread: nobody is asked for its page any more. */
static void page_at_the_end(void)
{
	struct uffdio_register reg = {.range.len = 4096, .mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffdio_api api = {.api = UFFD_API};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, tid;
	struct pollfd pfd = {.events = POLLIN};

	if (getuid()) /* faults in the kernel are root's to serve */
		return;
	fd = pfd.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	reg.range.start = (uintptr_t)page;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		return;
	tid = clone(ends, child_stack + sizeof(child_stack),
		    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
		    NULL, NULL, NULL, page);
	for (int i = 0; i < 1000 && !syscall(SYS_tgkill, getpid(), tid, 0); i++)
		usleep(2000);
	SHOW(syscall(SYS_tgkill, getpid(), tid, 0));
	SHOW(poll(&pfd, 1, 0));
	close(fd);
}

static void *by_exit_group(void *arg)
{
	until_told();
	syscall(SYS_exit_group, 9);
	return arg;
}

static void *by_exit(void *arg)
{
	until_told();
	syscall(SYS_exit, 11);
	return arg;
}

static void *by_signal(void *arg)
{
	until_told();
	raise(SIGTERM);
	return arg;
}

/* The leader ends first: its process has not ended yet. */
static void outlived(const char *how, void *(*fn)(void *))
{
	siginfo_t info = {0};
	int status = -1;
	pthread_t th;
	pid_t pid;

	if (pipe(tell))
		return;
	pid = fork();
	if (!pid) {
		pthread_create(&th, NULL, fn, NULL);
		syscall(SYS_exit, 3);
	}
	until_state(pid, 'Z');
	SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	write(tell[1], "!", 1);
	waitpid(pid, &status, 0);
	printf("%s: %x\n", how, status);
	close(tell[0]);
	close(tell[1]);
}

/* An interval without a first time is none. */
static void no_first_time(void)
{
	struct itimerval it = {.it_interval = {5, 0}};

	setitimer(ITIMER_REAL, &it, NULL);
	getitimer(ITIMER_REAL, &it);
	printf("interval %ld\n", (long)it.it_interval.tv_sec);
	signal(SIGALRM, on_usr1);
	raise(SIGALRM);
	getitimer(ITIMER_REAL, &it);
	printf("armed %d\n", it.it_value.tv_sec || it.it_value.tv_usec);
}

/* The soft limit goes on with each SIGXCPU. */
static void cpu_limit(void)
{
	struct rlimit limit = {1, 10};
	pid_t pid = fork();

	if (!pid) {
		signal(SIGXCPU, on_usr1);
		handled = 0;
		setrlimit(RLIMIT_CPU, &limit);
		while (!handled)
			;
		getrlimit(RLIMIT_CPU, &limit);
		printf("CPU limits %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "told")) {
		told();
		return 0;
	}
	if (argc > 1) {
		signal(SIGUSR1, on_usr1);
		kill(getpid(), SIGUSR1);
		return handled;
	}
	ran = mmap(NULL, sizeof(*ran), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	never_comes();
	parents_death();
	shared_actions();
	another_program();
	bad_sequence(SIGUSR1);
	bad_sequence(SIGSEGV);
	page_at_the_end();
	outlived("exit_group", by_exit_group);
	outlived("exit", by_exit);
	outlived("a signal", by_signal);
	no_first_time();
	cpu_limit();
	return 0;
}

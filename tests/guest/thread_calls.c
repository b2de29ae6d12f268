/* The calls behind threads against the host: clone, clone3, unshare, setns, wait of threads, exec and exit from any
 * of them, pidfds and /proc of threads. Prints what each gave, without numbers of tasks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define NOBODY 65534
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define PIDFD_THREAD_K O_EXCL

static pid_t gettid_raw(void)
{
	return syscall(SYS_gettid);
}

/* Runs @fn in a child of its own and tells how that ended. */
static void in_child(const char *what, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(20);
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%s: status %#x\n", what, status);
}

static void become_nobody(void)
{
	if (!getuid() && (setgid(NOBODY) || setuid(NOBODY)))
		perror("setuid");
}

static void nap(void)
{
	usleep(3000);
}

static void *nothing(void *arg)
{
	return arg;
}

static void *sleeps(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t th;

	if (pthread_create(&th, NULL, fn, arg))
		printf("no thread\n");
	return th;
}

static void *run(void *(*fn)(void *), void *arg)
{
	void *ret = NULL;

	pthread_join(start(fn, arg), &ret);
	return ret;
}

/* --- clone(2): what it refuses ------------------------------------------------------------------ */

static long raw_clone(unsigned long flags, int *parent_tid, int *child_tid)
{
	long pid = syscall(SYS_clone, flags, NULL, parent_tid, child_tid, 0);

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	return pid < 0 ? pid : 0;
}

static void clone_errors(void)
{
	int fd = -1;

	SHOW(raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL));
	SHOW(raw_clone(CLONE_SIGHAND, NULL, NULL));
	SHOW(raw_clone(CLONE_NEWNS | CLONE_FS, NULL, NULL));
	SHOW(raw_clone(CLONE_NEWUSER | CLONE_FS, NULL, NULL));
	SHOW(raw_clone(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID, NULL, NULL));
	SHOW(raw_clone(CLONE_PIDFD | CLONE_DETACHED, &fd, NULL));
	SHOW(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID, &fd, NULL));
	SHOW(raw_clone(CLONE_PIDFD | SIGCHLD, (int *)8, NULL));
	SHOW(raw_clone(CLONE_PARENT_SETTID | SIGCHLD, (int *)8, NULL));
	SHOW(raw_clone(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, (int *)8));
	SHOW(raw_clone(CLONE_DETACHED | CLONE_IO | CLONE_UNTRACED | CLONE_PTRACE | 17, NULL, NULL));
}

static void clone_errors_of_nobody(void)
{
	struct rlimit none = {0, 0};

	become_nobody();
	SHOW(raw_clone(CLONE_NEWUTS | SIGCHLD, NULL, NULL));
	SHOW(raw_clone(CLONE_NEWNS | SIGCHLD, NULL, NULL));
	SHOW(raw_clone(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, NULL, NULL));
	SHOW(unshare(CLONE_NEWPID));
	SHOW(setrlimit(RLIMIT_NPROC, &none));
	SHOW(raw_clone(SIGCHLD, NULL, NULL));
	SHOW(pthread_create(&(pthread_t){0}, NULL, nothing, NULL) == EAGAIN);
}

/* --- clone3(2) ----------------------------------------------------------------------------------- */

static long clone3_sized(struct clone_args *c, size_t size)
{
	long pid = syscall(SYS_clone3, c, size);

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	return pid < 0 ? pid : 0;
}

#define CLONE3(...) SHOW(clone3_sized(&(struct clone_args){__VA_ARGS__}, sizeof(struct clone_args)))

static void clone3_errors(void)
{
	static char big[8192];
	int tid = 0, self = getpid(), minus = -1;

	signal(64, SIG_IGN); /* of a child's end, below */
	SHOW(clone3_sized((struct clone_args *)big, 0));
	SHOW(clone3_sized((struct clone_args *)big, CLONE_ARGS_SIZE_VER0 - 1));
	SHOW(clone3_sized((struct clone_args *)big, CLONE_ARGS_SIZE_VER0));
	SHOW(clone3_sized((struct clone_args *)big, 4096));
	SHOW(clone3_sized((struct clone_args *)big, 4097));
	big[200] = 1;
	SHOW(clone3_sized((struct clone_args *)big, 256));
	SHOW(clone3_sized((struct clone_args *)8, 88));
	CLONE3(.flags = 1UL << 40);
	CLONE3(.flags = CLONE_DETACHED);
	CLONE3(.flags = 17);
	CLONE3(.exit_signal = 65);
	CLONE3(.exit_signal = 0x111);
	CLONE3(.exit_signal = 64);
	CLONE3(.flags = CLONE_PARENT, .exit_signal = 17);
	CLONE3(.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = 17);
	CLONE3(.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND);
	CLONE3(.stack = 4096);
	CLONE3(.stack_size = 4096);
	CLONE3(.stack = ~0xfffUL, .stack_size = 8192);
	CLONE3(.set_tid = (uintptr_t)&tid);
	CLONE3(.set_tid_size = 1);
	CLONE3(.set_tid = (uintptr_t)&tid, .set_tid_size = 33);
	CLONE3(.set_tid = (uintptr_t)&tid, .set_tid_size = 1);
	CLONE3(.set_tid = (uintptr_t)&minus, .set_tid_size = 1);
	CLONE3(.set_tid = 8, .set_tid_size = 1);
	if (!getuid())
		CLONE3(.set_tid = (uintptr_t)&self, .set_tid_size = 1);
	else
		printf("(only root may choose)\n");
	CLONE3(.flags = CLONE_INTO_CGROUP, .cgroup = ~0UL);
	CLONE3(.flags = CLONE_INTO_CGROUP, .cgroup = 777);
	SHOW(clone3_sized(&(struct clone_args){.flags = CLONE_INTO_CGROUP}, CLONE_ARGS_SIZE_VER1));
	CLONE3(.flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD);
}

static void no_tid_of_nobody(void)
{
	int tid = 31999;

	become_nobody();
	CLONE3(.set_tid = (uintptr_t)&tid, .set_tid_size = 1, .exit_signal = SIGCHLD);
	CLONE3(.flags = CLONE_NEWUTS);
}

static void clone3_works(void)
{
	struct sigaction sa;
	int fd = -1, parent_tid = -1, child_tid = -1;
	struct clone_args c = {
		.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
			 CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&fd,
		.parent_tid = (uintptr_t)&parent_tid,
		.child_tid = (uintptr_t)&child_tid,
		.exit_signal = SIGUSR1,
	};
	siginfo_t info = {0};
	struct pollfd p;
	long pid;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGHUP, SIG_IGN);
	pid = syscall(SYS_clone3, &c, sizeof(c));
	if (!pid) {
		int cleared;

		sigaction(SIGUSR2, NULL, &sa);
		cleared = sa.sa_handler == SIG_DFL;
		sigaction(SIGHUP, NULL, &sa);
		_exit(cleared + 2 * (sa.sa_handler == SIG_IGN) + 4 * (child_tid == gettid_raw()));
	}
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	while (poll(&p, 1, -1) < 0)
		;
	printf("pidfd %d, numbers %d %d\n", fd > 2, parent_tid == pid, child_tid);
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
	SHOW(waitid(P_PIDFD, fd, &info, WEXITED | __WCLONE));
	printf("code %d, status %d, from it %d\n", info.si_code, info.si_status,
	       info.si_pid == pid);
}

/* --- a thread made by hand -------------------------------------------------------------------------- */

static char hand_stack[65536] __attribute__((aligned(16)));
static volatile int hand_ran;

static int by_hand(void *arg)
{
	hand_ran = gettid_raw() != getpid();
	while (*(volatile int *)arg)
		syscall(SYS_sched_yield);
	return 0;
}

static void thread_by_hand(void)
{
	volatile int hold = 1, cleared = -1;
	int fd = -1, tid;
	struct pollfd p;

	tid = clone(by_hand, hand_stack + sizeof(hand_stack),
		    THREAD_FLAGS | CLONE_PIDFD | CLONE_CHILD_CLEARTID, (void *)&hold, &fd, NULL,
		    &cleared);
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	SHOW(poll(&p, 1, 0));
	SHOW(waitpid(tid, NULL, __WALL));
	SHOW(kill(tid, 0));
	SHOW(syscall(SYS_tgkill, getpid(), tid, 0));
	SHOW(syscall(SYS_tgkill, tid, tid, 0));
	SHOW(syscall(SYS_pidfd_open, tid, 0));
	WORKS(syscall(SYS_pidfd_open, tid, PIDFD_THREAD_K));
	SHOW(waitid(P_PIDFD, fd, NULL, WEXITED));
	hold = 0;
	SHOW(poll(&p, 1, 5000));
	printf("events %#x, ran %d, cleared %d\n", p.revents & POLLIN, hand_ran, cleared);
	SHOW(syscall(SYS_tgkill, getpid(), tid, 0));
	SHOW(syscall(SYS_pidfd_open, tid, PIDFD_THREAD_K));
}

/* --- unshare(2), setns(2) --------------------------------------------------------------------------- */

static void *unshares(void *arg)
{
	int *fd = arg;

	SHOW(unshare(CLONE_THREAD));
	SHOW(unshare(CLONE_SIGHAND));
	SHOW(unshare(CLONE_VM));
	SHOW(unshare(CLONE_NEWUSER));
	SHOW(unshare(CLONE_FS));
	SHOW(chdir("/proc"));
	umask(0);
	SHOW(unshare(CLONE_FILES | CLONE_SYSVSEM));
	SHOW(close(*fd));
	return NULL;
}

static void unsharing(void)
{
	char cwd[100];
	int fd = dup(1);

	umask(022);
	SHOW(unshare(0));
	SHOW(unshare(CLONE_THREAD));
	SHOW(unshare(CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM));
	SHOW(unshare(CLONE_PARENT));
	SHOW(unshare(1UL << 8));
	SHOW(chdir("/"));
	run(unshares, &fd);
	printf("still in %s, %03o, open %d\n", getcwd(cwd, sizeof(cwd)), umask(0),
	       fcntl(fd, F_GETFD));
}

static void joining(void)
{
	int uts = open("/proc/self/ns/uts", O_RDONLY), user = open("/proc/self/ns/user", O_RDONLY);
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0), file = open("/dev/null", O_RDONLY);

	SHOW(setns(-1, 0));
	SHOW(setns(file, 0));
	SHOW(setns(uts, CLONE_NEWIPC));
	SHOW(setns(user, 0));
	SHOW(setns(pidfd, 0));
	SHOW(setns(pidfd, CLONE_VM));
	SHOW(setns(pidfd, CLONE_NEWUSER));
	/* As far as root has the capability here: to stay where one is. */
	SHOW(setns(uts, 0));
	SHOW(setns(uts, CLONE_NEWUTS));
	SHOW(setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC));
	become_nobody();
	SHOW(setns(uts, 0));
	SHOW(setns(uts, CLONE_NEWUTS));
	SHOW(setns(pidfd, CLONE_NEWUTS));
	SHOW(setns(pidfd, CLONE_NEWNS));
}

/* --- wait(2) and threads ----------------------------------------------------------------------------- */

static int go[2]; /* a pipe: children end when it is closed */
static pthread_barrier_t meet;

static long child_of_mine(int sig)
{
	long pid = syscall(SYS_clone, (unsigned long)sig, NULL, NULL, NULL, 0);
	char c;

	if (pid)
		return pid;
	close(go[1]);
	(void)!read(go[0], &c, 1);
	_exit(5);
}

static void *has_child(void *arg)
{
	*(long *)arg = child_of_mine(SIGCHLD);
	SHOW(waitpid(*(long *)arg, NULL, WNOHANG | __WNOTHREAD));
	pthread_barrier_wait(&meet);
	pthread_barrier_wait(&meet);
	return NULL;
}

static void waiting(void)
{
	long theirs = 0, mine, quiet;
	pthread_t th;
	int status;

	SHOW(pipe(go));
	pthread_barrier_init(&meet, NULL, 2);
	th = start(has_child, &theirs);
	pthread_barrier_wait(&meet);
	SHOW(waitpid(-1, NULL, WNOHANG | __WNOTHREAD)); /* it is the other thread's */
	SHOW(waitpid(-1, NULL, WNOHANG));
	pthread_barrier_wait(&meet);
	pthread_join(th, NULL);
	SHOW(waitpid(theirs, NULL, WNOHANG | __WNOTHREAD)); /* ours by inheritance */
	mine = child_of_mine(SIGCHLD);
	quiet = child_of_mine(0);
	SHOW(waitpid(quiet, NULL, WNOHANG));
	SHOW(waitpid(quiet, NULL, WNOHANG | __WCLONE));
	SHOW(waitpid(mine, NULL, WNOHANG | __WCLONE));
	SHOW(waitpid(quiet, NULL, WNOHANG | __WALL));
	close(go[1]);
	printf("%d", waitpid(quiet, &status, __WCLONE) == quiet);
	printf(" %d", waitpid(mine, &status, __WALL) == mine);
	printf(" %d %#x\n", waitpid(theirs, &status, 0) == theirs, status);
	SHOW(waitpid(-1, NULL, __WALL));
	SHOW(waitpid(-1, NULL, 0x1000));
}

/* --- the end of a process, from any thread --------------------------------------------------------------- */

static void *exits_all(void *arg)
{
	nap();
	exit((long)arg);
}

static void *execs(void *arg)
{
	nap();
	execl("/proc/self/exe", arg, "again", NULL);
	return NULL;
}

static void *faults(void *arg)
{
	nap();
	*(volatile int *)arg = 1;
	return arg;
}

static void *kills(void *arg)
{
	nap();
	kill(getpid(), (long)arg);
	pause();
	return NULL;
}

static void *spins(void *arg)
{
	for (volatile long i = 0;; i++)
		;
	return arg;
}

static void *ends_later(void *arg)
{
	until_state(getpid(), 'Z');
	syscall(SYS_exit, (long)arg);
	return NULL;
}

static void crowd(void)
{
	for (int i = 0; i < 3; i++)
		start(sleeps, NULL);
	start(spins, NULL);
}

static void end_exit(void)
{
	crowd();
	start(exits_all, (void *)7);
	pause();
}

static void end_exec(void)
{
	crowd();
	start(execs, "from a thread");
	pause();
}

static void end_exec_leader(void)
{
	crowd();
	execs("from the leader");
}

static void end_exec_two(void)
{
	crowd();
	start(execs, "one of two");
	execs("one of two");
}

static void end_fault(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	crowd();
	run(faults, (void *)8);
}

static void end_signal(void)
{
	crowd();
	start(kills, (void *)SIGTERM);
	pause();
}

static void end_stop(void)
{
	crowd();
	run(kills, (void *)SIGKILL);
}

static void end_leader_first(void)
{
	start(ends_later, (void *)9);
	start(ends_later, (void *)9);
	syscall(SYS_exit, 3);
}

static void end_vfork(void)
{
	pid_t pid;
	int status;

	start(spins, NULL);
	pid = vfork();
	if (!pid)
		_exit(21);
	waitpid(pid, &status, 0);
	printf("vfork: %#x\n", status);
	fflush(stdout);
	pid = vfork();
	if (!pid) {
		execl("/proc/self/exe", "from a vfork", "again", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("vfork, exec: %#x\n", status);
}

/* What was made by exec: one thread, with the process's number. */
static int again(const char *how)
{
	struct stat st;

	stat("/proc/self/task", &st);
	printf("%s: leads %d, links %d\n", how, getpid() == gettid_raw(), (int)st.st_nlink);
	return 42;
}

/* A leader that has ended is a zombie that nobody can wait for as long as a thread lives. */
static void late_zombie(void)
{
	char path[64], line[256];
	struct pollfd p[2];
	siginfo_t info;
	int status = 0;
	pid_t pid;
	FILE *f;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		start(sleeps, NULL);
		syscall(SYS_exit, 3);
	}
	until_state(pid, 'Z');
	p[0].fd = syscall(SYS_pidfd_open, pid, 0);
	p[1].fd = syscall(SYS_pidfd_open, pid, PIDFD_THREAD_K);
	p[0].events = p[1].events = POLLIN;
	info.si_pid = 0;
	SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
	SHOW(info.si_pid);
	SHOW(poll(p, 2, 0));
	printf("events %#x %#x\n", p[0].revents, p[1].revents);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "State", 5) || !strncmp(line, "Threads", 7) ||
		    !strncmp(line, "VmSize", 6) || !strncmp(line, "Umask", 5))
			fputs(line, stdout);
	if (f)
		fclose(f);
	SHOW(kill(pid, 0));
	SHOW(kill(pid, SIGTERM)); /* for who is left */
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	SHOW(poll(p, 2, 0));
	printf("events %#x %#x\n", p[0].revents, p[1].revents);
}

/* --- whose death matters ----------------------------------------------------------------------------------- */

static int told[2];

static void *forks_and_goes(void *arg)
{
	pid_t pid;

	(void)arg;
	pid = fork();
	if (!pid) {
		signal(SIGUSR1, on_signal);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		(void)!write(told[1], "r", 1);
		while (!signals)
			usleep(500);
		/* The thread that forked has ended, the process lives on, and is the parent. */
		_exit(getppid() == *(pid_t *)arg ? 11 : 1);
	}
	return (void *)(long)pid;
}

static void thread_parents(void)
{
	pid_t self = getpid();
	pthread_t th;
	int status;
	char c;

	SHOW(setpgid(0, 0));
	SHOW(pipe(told));
	th = start(forks_and_goes, &self);
	pthread_join(th, NULL);
	(void)!read(told[0], &c, 1);
	/* Too late for that signal, if the thread went first: it comes from us then. */
	usleep(2000);
	signal(SIGUSR1, SIG_IGN);
	kill(0, SIGUSR1);
	SHOW(wait(&status) > 0);
	SHOW(status);
}

/* --- what /proc tells ----------------------------------------------------------------------------------------- */

static int count_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void first_line(const char *path)
{
	char line[256] = "";
	FILE *f = fopen(path, "r");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		fclose(f);
	printf("%s", line[0] ? line : "-\n");
}

static volatile pid_t proc_tid;

static void *shown(void *arg)
{
	pid_t pid;
	char path[64];

	prctl(PR_SET_NAME, "its own name");
	pid = fork();
	if (!pid)
		_exit(0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", gettid_raw());
	proc_tid = gettid_raw();
	pthread_barrier_wait(&meet);
	pthread_barrier_wait(&meet);
	waitpid(pid, NULL, 0);
	return arg;
}

static int field(const char *path, int nr)
{
	char line[1024], *p;
	FILE *f = fopen(path, "r");
	int n = -1;

	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	fclose(f);
	p = strrchr(line, ')') + 2;
	for (int i = 3; i < nr; i++)
		p = strchr(p, ' ') + 1;
	n = atoi(p);
	return n;
}

static void in_proc(void)
{
	char path[64], text[64];
	struct stat st;
	pthread_t th[4];
	int fd;

	pthread_barrier_init(&meet, NULL, 2);
	for (int i = 0; i < 3; i++)
		th[i] = start(sleeps, NULL);
	th[3] = start(shown, NULL);
	pthread_barrier_wait(&meet);
	printf("in task: %d, threads %d\n", count_dir("/proc/self/task"),
	       field("/proc/self/stat", 20));
	SHOW(stat("/proc/self/task", &st));
	printf("links %d\n", (int)st.st_nlink);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", proc_tid);
	first_line(path);
	first_line("/proc/self/comm");
	fd = open(path, O_WRONLY);
	SHOW(write(fd, "another", 7));
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/comm", proc_tid); /* there, though not listed */
	first_line(path);
	snprintf(path, sizeof(path), "/proc/%d/task", proc_tid);
	printf("in its task: %d\n", count_dir(path));
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", proc_tid);
	fd = open(path, O_RDONLY);
	printf("its children: %d", (int)read(fd, text, sizeof(text)) > 1);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY);
	printf(", mine: %d\n", (int)read(fd, text, sizeof(text)) > 1);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", proc_tid);
	printf("stat: %d, threads %d, exit signal %d\n", field(path, 4) == getppid(),
	       field(path, 20), field(path, 38));
	snprintf(path, sizeof(path), "/proc/self/task/%d/exe", proc_tid);
	SHOW(readlink(path, text, sizeof(text)) > 0);
	SHOW(stat("/proc/self/task/1", &st));
	SHOW(stat("/proc/thread-self", &st));
	for (int i = 0; i < 3; i++)
		pthread_cancel(th[i]);
	pthread_barrier_wait(&meet);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	printf("in task: %d, threads %d\n", count_dir("/proc/self/task"),
	       field("/proc/self/stat", 20));
	snprintf(path, sizeof(path), "/proc/self/task/%d", proc_tid);
	SHOW(stat(path, &st));
}

/* --- who has used what --------------------------------------------------------------------------------------- */

static void *uses(void *arg)
{
	static char pages[100 * 4096];
	struct rusage r;
	struct timespec ts;
	long spun = 0;

	for (unsigned i = 0; i < sizeof(pages); i += 4096)
		((volatile char *)pages)[i]++;
	do {
		for (volatile int i = 0; i < 100000; i++)
			;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		spun++;
	} while (ts.tv_nsec < 20000000 && !ts.tv_sec);
	getrusage(RUSAGE_THREAD, &r);
	printf("thread: %d faults, %d\n", r.ru_minflt >= 100, spun > 0);
	return arg;
}

static long cpu_ns(clockid_t clk)
{
	struct timespec ts;

	return clock_gettime(clk, &ts) ? -1 : ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static void usage(void)
{
	struct rusage before, self, thread;
	long whole = cpu_ns(CLOCK_PROCESS_CPUTIME_ID), own = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	struct tms tms;
	clockid_t clk;
	pthread_t th;

	getrusage(RUSAGE_SELF, &before);
	run(uses, NULL);
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_THREAD, &thread);
	printf("process: %d faults, mine %d\n", self.ru_minflt - before.ru_minflt >= 100,
	       thread.ru_minflt < 100);
	whole = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - whole;
	own = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - own;
	printf("of the process %d, mine %d, times %d\n", whole >= 19000000, own < 15000000,
	       times(&tms) != -1 && tms.tms_utime + tms.tms_stime >= 1);
	th = start(sleeps, NULL);
	SHOW(pthread_getcpuclockid(th, &clk));
	printf("another's clock: %d\n", cpu_ns(clk) >= 0 && cpu_ns(clk) < 10000000);
	SHOW(getrusage(2, &self));
	SHOW(getrusage(RUSAGE_THREAD, (struct rusage *)8));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return again(argv[0]);
	in_child("clone refuses", clone_errors);
	in_child("clone refuses nobody", clone_errors_of_nobody);
	in_child("clone3 refuses", clone3_errors);
	in_child("clone3 refuses nobody", no_tid_of_nobody);
	in_child("clone3", clone3_works);
	in_child("by hand", thread_by_hand);
	in_child("unshare", unsharing);
	in_child("setns", joining);
	in_child("wait", waiting);
	in_child("exit_group", end_exit);
	in_child("exec", end_exec);
	in_child("exec of the leader", end_exec_leader);
	in_child("exec of two", end_exec_two);
	in_child("a fault", end_fault);
	in_child("a signal", end_signal);
	in_child("killed", end_stop);
	in_child("the leader first", end_leader_first);
	in_child("vfork", end_vfork);
	in_child("late zombie", late_zombie);
	in_child("parents", thread_parents);
	in_child("/proc", in_proc);
	in_child("usage", usage);
	return 0;
}

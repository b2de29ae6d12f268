/* Processes against the host: fork trees, what wait tells, exec chains, vfork, orphans, groups.
 * Each part prints what it sees, without pids or times. processes PART... */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096

static char **args;

static void show(const char *what, int status)
{
	if (WIFEXITED(status))
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else if (WIFSTOPPED(status))
		printf("%s: stopped %d\n", what, WSTOPSIG(status));
	else
		printf("%s: continued %d\n", what, WIFCONTINUED(status));
}

static int reap(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		printf("waitpid: %s\n", strerror(errno));
	return status;
}

/* --- trees ----------------------------------------------------------------------------------- */

/* Each level has two children; the exit status counts the leaves below. */
static int tree(int depth)
{
	int leaves = 0;
	pid_t pid[2];

	if (!depth)
		return 1;
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(tree(depth - 1));
	}
	for (int i = 0; i < 2; i++)
		leaves += WEXITSTATUS(reap(pid[i]));
	return leaves;
}

static void trees(void)
{
	printf("leaves of a tree six deep: %d\n", tree(6));
}

/* --- copy-on-write chains -------------------------------------------------------------------- */

/* Five generations share eight pages; each writes page [depth]. All live until the last is born,
 * then they end in an order of their own. */
static int chain(unsigned char *p, int depth, int order)
{
	int sum = 0, status;
	pid_t pid;

	p[depth * PG] = 100 + depth;
	if (depth < 5) {
		pid = fork();
		if (!pid)
			_exit(chain(p, depth + 1, order));
		if (order) /* the parent's pages change while the children still share them */
			p[depth * PG] = 200 + depth;
		status = reap(pid);
		sum = WEXITSTATUS(status);
	}
	for (int i = 0; i < 8; i++)
		sum = (sum * 31 + p[i * PG]) & 0xff;
	return sum;
}

static void cow(void)
{
	unsigned char *p =
		mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int order = 0; order < 2; order++) {
		for (int i = 0; i < 8; i++)
			p[i * PG] = i;
		printf("chain, order %d: %d\n", order, chain(p, 0, order));
		for (int i = 0; i < 8; i++)
			printf("%d ", p[i * PG]);
		printf("\n");
	}
}

/* --- wait ------------------------------------------------------------------------------------ */

static void quiet_child(int sig)
{
	(void)sig;
}

static void show_info(const char *what, int ret, const siginfo_t *si, pid_t pid)
{
	printf("%s: %d, pid %s, signo %d, code %d, status %d\n", what, ret,
	       si->si_pid == pid ? "right"
	       : si->si_pid	 ? "wrong"
				 : "0",
	       si->si_signo, si->si_code, si->si_status);
}

static void waits(void)
{
	siginfo_t si;
	int status, ret;
	pid_t pid;

	errno = 0;
	printf("no child: %d %d\n", wait(&status), errno);
	printf("waitid, no child: %d %d\n", waitid(P_ALL, 0, &si, WEXITED), errno);
	printf("waitid, no option: %d %d\n", waitid(P_ALL, 0, &si, WNOHANG), errno);
	printf("bad option: %d %d\n", waitpid(-1, &status, 0x100), errno);

	pid = fork();
	if (!pid) {
		pause();
		_exit(1);
	}
	printf("WNOHANG: %d\n", waitpid(pid, &status, WNOHANG));
	memset(&si, 0xff, sizeof(si));
	ret = waitid(P_PID, pid, &si, WEXITED | WNOHANG);
	show_info("waitid WNOHANG", ret, &si, pid);
	kill(pid, SIGSTOP);
	memset(&si, 0, sizeof(si));
	ret = waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT);
	show_info("waitid stopped, left", ret, &si, pid);
	waitpid(pid, &status, WUNTRACED);
	show("waitpid", status);
	printf("told once: %d\n", waitpid(pid, &status, WUNTRACED | WNOHANG));
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	show("waitpid", status);
	kill(pid, SIGTERM);
	memset(&si, 0, sizeof(si));
	ret = waitid(P_PID, pid, &si, WEXITED | WNOWAIT);
	show_info("waitid ended, left", ret, &si, pid);
	show("waitpid", reap(pid));
	printf("gone: %d %d\n", waitpid(pid, &status, 0), errno);

	pid = fork();
	if (!pid)
		raise(SIGKILL);
	show("SIGKILL", reap(pid));

	/* Groups. */
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		_exit(17);
	}
	setpgid(pid, pid);
	printf("own group has none: %d %d\n", waitpid(0, &status, WNOHANG), errno);
	waitpid(-pid, &status, 0);
	show("by group", status);

	/* Ignored children leave nothing. */
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (!pid)
		_exit(3);
	printf("ignored: %d %d\n", waitpid(pid, &status, 0), errno);
	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGCHLD,
		  &(struct sigaction){.sa_handler = quiet_child,
				      .sa_flags = SA_NOCLDWAIT | SA_RESTART},
		  NULL);
	pid = fork();
	if (!pid)
		_exit(3);
	printf("SA_NOCLDWAIT: %d %d\n", waitpid(pid, &status, 0), errno);
	signal(SIGCHLD, SIG_DFL);
}

/* --- orphans --------------------------------------------------------------------------------- */

static void orphans(void)
{
	int pipefd[2], status;
	char c = 0;
	pid_t pid;

	if (pipe(pipefd))
		return;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (!pid) {
		pid_t parent = getpid();

		if (!fork()) {
			while (getppid() == parent)
				usleep(1000);
			c = 'o';
			_exit(write(pipefd[1], &c, 1) == 1 ? 5 : 6);
		}
		_exit(4);
	}
	show("child", reap(pid));
	if (read(pipefd[0], &c, 1) == 1)
		printf("orphan says %c\n", c);
	wait(&status);
	show("adopted", status);
	prctl(PR_SET_CHILD_SUBREAPER, 0);

	pid = fork();
	if (!pid) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			signal(SIGUSR1, SIG_IGN);
			usleep(20000);
			c = 'n';
			_exit(write(pipefd[1], &c, 1) != 1);
		}
		_exit(0);
	}
	reap(pid);
	printf("not adopted: %d\n", wait(&status));
	if (read(pipefd[0], &c, 1) == 1)
		printf("orphan says %c\n", c);
}

/* --- vfork, clone ------------------------------------------------------------------------------ */

static int clone_fn(void *p)
{
	*(int *)p += 1;
	return 9;
}

static void shares(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int shared = 1;
	int status, x = 1, ret;
	pid_t pid = vfork();

	if (!pid) {
		shared = 2;
		_exit(8);
	}
	show("vfork", reap(pid));
	printf("shared %d\n", shared);
	pid = vfork();
	if (!pid) {
		execl("/no/such/file", "x", NULL);
		shared = errno;
		_exit(1);
	}
	show("vfork, no exec", reap(pid));
	printf("errno %d\n", shared);
	pid = clone(clone_fn, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_FS, &x);
	ret = waitpid(pid, &status, 0);
	printf("clone child is no plain child: %d %d\n", ret, errno);
	ret = waitpid(pid, &status, __WCLONE);
	show(ret == pid ? "__WCLONE" : "?", status);
	printf("x %d\n", x);
	pid = clone(clone_fn, stack + sizeof(stack), SIGCHLD, &x);
	show("clone, own memory", reap(pid));
	printf("x %d\n", x);
	pid = clone(clone_fn, stack + sizeof(stack), CLONE_THREAD, &x);
	printf("CLONE_THREAD alone: %d %d\n", pid, errno);
}

/* --- exec -------------------------------------------------------------------------------------- */

static char *envp[] = {"ONE=1", "TWO=two", NULL};

/* Runs itself again, one argument less a time. */
static void exec_itself(void)
{
	char *argv[8] = {args[0], "exec-chain", "a", "b b", "", "d", NULL};
	pid_t pid = fork();

	if (!pid) {
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, quiet_child);
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	show("chain", reap(pid));
}

static void exec_script(void)
{
	FILE *f = fopen("script.sh", "w");
	pid_t pid;
	int fd;

	fprintf(f, "#!/bin/busybox sh\necho script \"$0\" \"$@\"\n");
	fclose(f);
	chmod("script.sh", 0755);
	pid = fork();
	if (!pid) {
		execl("./script.sh", "zero", "one", "two words", NULL);
		_exit(1);
	}
	show("script", reap(pid));
	fd = open("script.sh", O_RDONLY);
	pid = fork();
	if (!pid) {
		char *av[] = {"zero", "one", NULL};

		fexecve(fd, av, envp);
		_exit(1);
	}
	show("fexecve of a script", reap(pid));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (!pid) {
		char *av[] = {"zero", NULL};

		execveat(fd, "", av, envp, AT_EMPTY_PATH);
		_exit(errno);
	}
	show("the same, close-on-exec", reap(pid));
	close(fd);
	unlink("script.sh");
}

static void exec_while_written(void)
{
	int fd, fd2;
	pid_t pid;

	fd = open("/proc/self/exe", O_RDONLY);
	fd2 = open("copy", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	for (;;) {
		static char buf[65536];
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0 || write(fd2, buf, n) != n)
			break;
	}
	errno = 0;
	execl("./copy", "copy", NULL);
	printf("open for writing: %s\n", strerror(errno));
	close(fd);
	close(fd2);
	pid = fork();
	if (!pid) {
		execl("./copy", "copy", "exec-chain", NULL);
		_exit(errno);
	}
	show("closed again", reap(pid));
}

/* Takes "copy" away. */
static void exec_what_cannot_be(void)
{
	char *argv[] = {"link", NULL};
	FILE *f;
	pid_t pid;

	chmod("copy", 0644);
	execl("./copy", "copy", NULL);
	printf("not executable: %s\n", strerror(errno));
	f = fopen("text", "w");
	fprintf(f, "no program\n");
	fclose(f);
	chmod("text", 0755);
	execl("./text", "text", NULL);
	printf("text: %s\n", strerror(errno));
	symlink("copy", "link");
	pid = fork();
	if (!pid) {
		execveat(AT_FDCWD, "link", argv, envp, AT_SYMLINK_NOFOLLOW);
		_exit(errno);
	}
	show("AT_SYMLINK_NOFOLLOW", reap(pid));
	unlink("copy");
	unlink("link");
	unlink("text");
}

static void execs(void)
{
	exec_itself();
	exec_script();
	exec_while_written();
	exec_what_cannot_be();
}

static void exec_chain(char **argv)
{
	struct sigaction sa;
	char name[16] = "";
	int n = 0;

	prctl(PR_GET_NAME, name);
	for (; argv[n]; n++)
		printf("[%s]", argv[n]);
	for (char **e = environ; *e; e++)
		printf("{%s}", *e);
	sigaction(SIGUSR1, NULL, &sa);
	printf(" usr1 %s", sa.sa_handler == SIG_IGN ? "ignored" : "default");
	sigaction(SIGUSR2, NULL, &sa);
	printf(" usr2 %s", sa.sa_handler == SIG_DFL ? "default" : "not");
	printf(" %s\n", strcmp(name, "exe") && strcmp(name, "copy") ? name : "comm right");
	if (n <= 2)
		exit(42);
	argv[n - 1] = NULL;
	execv("/proc/self/exe", argv);
	exit(1);
}

/* --- groups and sessions ------------------------------------------------------------------------ */

static void groups(void)
{
	pid_t pid = fork();

	if (!pid) {
		printf("setsid: %d\n", setsid() == getpid());
		printf("again: %d %d\n", setsid(), errno);
		printf("group %d session %d\n", getpgrp() == getpid(), getsid(0) == getpid());
		printf("leader's setpgid: %d %d\n", setpgid(0, 0), errno);
		_exit(0);
	}
	reap(pid);
	pid = fork();
	if (!pid) {
		pid_t grand;

		setpgid(0, 0);
		grand = fork();
		if (!grand)
			pause();
		for (int i = 0; i < 3; i++)
			if (!fork())
				pause();
		signal(SIGTERM, SIG_IGN);
		kill(0, SIGTERM);
		for (int i = 0; i < 4; i++) {
			int status;

			wait(&status);
			show("of the group", status);
		}
		_exit(0);
	}
	show("leader", reap(pid));
	printf("nobody: %d %d\n", kill(-pid, 0), errno);
	printf("bad signal: %d %d\n", kill(getpid(), 65), errno);
	setpriority(PRIO_PROCESS, 0, 5);
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
	pid = fork();
	if (!pid)
		_exit(getpriority(PRIO_PROCESS, 0));
	show("inherited", reap(pid));
}

/* A thousand children, one after the other; all frames come back. */
static void many(void)
{
	long sum = 0;
	int live[200];

	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(i & 0x7f);
		sum += WEXITSTATUS(reap(pid));
	}
	printf("sum %ld\n", sum);
	for (int i = 0; i < 200; i++) {
		live[i] = fork();
		if (!live[i]) {
			pause();
			_exit(1);
		}
	}
	for (int i = 199; i >= 0; i--)
		kill(live[i], SIGUSR1);
	sum = 0;
	for (int i = 0; i < 200; i++)
		sum += WTERMSIG(reap(live[i])) == SIGUSR1;
	printf("of 200 live children killed: %ld\n", sum);
}

/* Locks that a process leaves behind are marked; those of others are not. */
static void robust(void)
{
	struct lock {
		struct robust_list list;
		unsigned int word;
	} *l = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct robust_list_head *h = (void *)(l + 8);
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 5; i++) {
			l[i].list.next = i == 3 ? &h->list : &l[i + 1].list;
			l[i].word = (unsigned int)getpid() | (i == 1 ? FUTEX_WAITERS : 0);
		}
		l[2].word = 1; /* another one's */
		h->list.next = &l[0].list;
		h->futex_offset = offsetof(struct lock, word);
		h->list_op_pending = &l[4].list;
		syscall(SYS_set_robust_list, h, sizeof(*h));
		_exit(0);
	}
	show("holder", reap(pid));
	for (int i = 0; i < 5; i++)
		printf("%#x\n", l[i].word);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"trees", trees},	   {"cow", cow},       {"waits", waits},
		     {"orphans", orphans}, {"shares", shares}, {"execs", execs},
		     {"groups", groups},   {"many", many},     {"robust", robust}};

	setvbuf(stdout, NULL, _IONBF, 0);
	args = argv;
	if (argc > 1 && !strcmp(argv[1], "exec-chain"))
		exec_chain(argv);
	for (int a = 1; a < argc; a++)
		for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (!strcmp(argv[a], parts[i].name))
				parts[i].run();
	return 0;
}

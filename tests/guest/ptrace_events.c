/* ptrace(2): events of forks, execs, ends and seccomp, group stops, threads, and tracers that are not the parent. */
#include "tracing.h"

#define BAD ((void *)8)

/* --- events -------------------------------------------------------------------------------------- */

static unsigned long message(void)
{
	unsigned long n = 0;

	SHOW(T(PTRACE_GETEVENTMSG, 0, &n));
	return n;
}

/* Forks in three ways. */
static void family(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(1);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (!pid)
		_exit(2);
	waitpid(pid, NULL, 0);
	pid = (pid_t)syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
	if (!pid)
		_exit(3);
	waitpid(pid, NULL, __WALL);
}

/* The child of an event: its first stop, and its end. */
static void new_child(bool seized)
{
	pid_t parent = child, born = (pid_t)message();

	child = born;
	wait_for("born", born);
	say_siginfo();
	printf("options are its own too: ");
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("exit event", born);
	printf("code %lx\n", message());
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("its end", born);
	child = parent;
	(void)seized;
}

static void events(bool seize)
{
	int options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		      PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT;
	int status;

	printf("-- events%s\n", seize ? ", seized" : "");
	if (seize) {
		fflush(stdout);
		child = fork();
		if (!child) {
			raise(SIGSTOP);
			family();
			_exit(42);
		}
		wait_for("stopped", child);
		SHOW(T(PTRACE_SEIZE, 0, options));
		wait_for("seized", child);
		say_siginfo();
		kill(child, SIGCONT);
		SHOW(T(PTRACE_CONT, 0, 0));
	} else {
		start(family);
		SHOW(T(PTRACE_SETOPTIONS, 0, options));
		SHOW(T(PTRACE_CONT, 0, 0));
	}
	for (;;) {
		status = wait_for("tracee", child);
		if (!WIFSTOPPED(status))
			return;
		switch (status >> 16) {
		case PTRACE_EVENT_FORK:
		case PTRACE_EVENT_VFORK:
		case PTRACE_EVENT_CLONE:
			say_siginfo();
			new_child(seize);
			break;
		case PTRACE_EVENT_VFORK_DONE:
			printf("message %d\n", message() != 0);
			break;
		case PTRACE_EVENT_EXIT:
			printf("code %lx, state %c\n", message(), status_line(child, "State")[7]);
			break;
		}
		T(PTRACE_CONT, 0,
		  status >> 16 || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
	}
}

static char *self;

static void exec_self(void)
{
	execl(self, self, "nothing", NULL);
}

static void *exec_thread(void *arg)
{
	exec_self();
	return arg;
}

/* The thread that is not the leader becomes it. */
static void exec_from_thread(void)
{
	pthread_t th;

	pthread_create(&th, NULL, exec_thread, NULL);
	pthread_join(th, NULL);
}

static void execs(void)
{
	struct user_regs_struct r;
	pid_t thread;
	int status;

	puts("-- exec");
	start(exec_self); /* the old way: a SIGTRAP */
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("exec", child);
	say_siginfo();
	T(PTRACE_GETREGS, 0, &r);
	printf("orig %lld rax %lld\n", r.orig_rax, r.rax);
	let_end();

	start(exec_self);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD));
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("exec", child);
	say_siginfo();
	T(PTRACE_GETREGS, 0, &r);
	printf("orig %lld rax %lld, message is its number %d\n", r.orig_rax, r.rax,
	       (long)message() == child);
	next_call(&r, 0); /* the end of execve */
	let_end();

	start(exec_from_thread);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE));
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("clone", child);
	thread = (pid_t)message();
	status = wait_for("thread", thread);
	trace(PTRACE_CONT, thread, 0, 0);
	T(PTRACE_CONT, 0, 0);
	status = wait_for("exec", child);
	printf("message is the thread's number %d\n", (long)message() == thread);
	(void)status;
	let_end();
}

/* --- group stops --------------------------------------------------------------------------------- */

static void sleep_on(void)
{
	struct timespec ts = {100, 0};

	nanosleep(&ts, NULL);
}

static void group_stops(void)
{
	puts("-- group stops");
	start(sleep_on);
	SHOW(T(PTRACE_CONT, 0, SIGSTOP)); /* now it really stops */
	wait_for("group stop", child);
	SHOW(T(PTRACE_GETSIGINFO, 0, BAD)); /* how to tell: EINVAL */
	SHOW(T(PTRACE_CONT, 0, 0));
	kill(child, SIGKILL);
	wait_for("end", child);

	fflush(stdout);
	child = fork();
	if (!child) {
		sleep_on();
		_exit(1);
	}
	SHOW(T(PTRACE_SEIZE, 0, 0));
	kill(child, SIGSTOP);
	wait_for("signal", child);
	say_siginfo();
	SHOW(T(PTRACE_CONT, 0, SIGSTOP));
	wait_for("group stop", child);
	say_siginfo();
	SHOW(T(PTRACE_LISTEN, 0, 0));
	printf("state %c\n", status_line(child, "State")[7]);
	SHOW(T(PTRACE_CONT, 0, 0));
	SHOW(waitpid(child, NULL, WNOHANG | __WALL));
	kill(child, SIGCONT);
	wait_for("continued", child);
	say_siginfo();
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("SIGCONT itself", child);
	SHOW(T(PTRACE_CONT, 0, SIGCONT));
	SHOW(T(PTRACE_INTERRUPT, 0, 0));
	wait_for("interrupted", child);
	also = WCONTINUED;
	wait_for("told as well", child);
	also = 0;
	SHOW(T(PTRACE_DETACH, 0, SIGSTOP)); /* it took no signal: that one is lost */
	kill(child, SIGSTOP);
	wait_for("free, stopped", child);
	kill(child, SIGKILL);
	wait_for("end", child);

	/* Attached while it is stopped: the stop stays when it is let go. */
	fflush(stdout);
	child = fork();
	if (!child) {
		sleep_on();
		_exit(1);
	}
	kill(child, SIGSTOP);
	wait_for("stopped", child);
	SHOW(T(PTRACE_ATTACH, 0, 0));
	wait_for("attached", child);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("and its SIGSTOP", child);
	SHOW(T(PTRACE_DETACH, 0, 0));
	kill(child, SIGCONT);
	also = WCONTINUED;
	wait_for("continued", child);
	also = 0;
	kill(child, SIGKILL);
	wait_for("end", child);
}

/* --- another process's child --------------------------------------------------------------------- */

/* @child is ours, and somebody else's tracee: both are told of its end, the tracer first. */
static void other_tracer(int options, bool dies)
{
	int status, up[2], down[2];
	siginfo_t info;
	pid_t tracer;

	printf("-- another tracer, options %x%s\n", options, dies ? ", which dies" : "");
	fflush(stdout);
	if (pipe(up) || pipe(down))
		return;
	child = fork();
	if (!child) {
		hear(down[0]);
		_exit(5);
	}
	tracer = fork();
	if (!tracer) {
		SHOW(T(PTRACE_SEIZE, 0, options));
		tell(up[1]);
		if (dies) {
			fflush(stdout);
			_exit(0);
		}
		wait_for("tracer", child);
		fflush(stdout);
		_exit(0);
	}
	hear(up[0]);
	if (dies) {
		waitpid(tracer, &status, 0);
		if (options & PTRACE_O_EXITKILL) {
			wait_for("killed with it", child);
			return;
		}
		printf("traced %d\n", atoi(status_line(child, "TracerPid") + 10));
		tell(down[1]);
		wait_for("free", child);
		return;
	}
	printf("traced by it %d\n", atoi(status_line(child, "TracerPid") + 10) == tracer);
	tell(down[1]);
	SHOW(waitid(P_PID, tracer, &info, WEXITED));
	wait_for("parent", child);
}

/* --- seccomp ------------------------------------------------------------------------------------- */

static void filtered_calls(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x77),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = f};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
	for (int i = 0; i < 3; i++) {
		errno = 0;
		long ret = syscall(SYS_getppid);

		printf("getppid: %s %s\n",
		       ret < 0		 ? "failed"
		       : ret == getpid() ? "itself"
					 : "number",
		       errno ? strerrorname_np(errno) : "");
	}
}

static void seccomp_events(void)
{
	struct user_regs_struct r;

	puts("-- seccomp");
	start(filtered_calls);
	let_end(); /* nobody wants to know: ENOSYS */
	start(filtered_calls);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACESECCOMP));
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("seccomp", child);
	say_siginfo();
	say_info();
	printf("data %lx\n", message());
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("seccomp", child);
	T(PTRACE_GETREGS, 0, &r);
	printf("orig %lld rax %lld\n", r.orig_rax, (long long)r.rax);
	r.orig_rax = SYS_getpid;
	T(PTRACE_SETREGS, 0, &r);
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("seccomp", child);
	T(PTRACE_GETREGS, 0, &r);
	r.orig_rax = -1;
	r.rax = -EDOM;
	T(PTRACE_SETREGS, 0, &r);
	let_end();
}

/* --- threads ------------------------------------------------------------------------------------- */

static int wait_fds[2];

static void *waiting_thread(void *arg)
{
	char c;

	if (read(wait_fds[0], &c, 1))
		return NULL;
	return arg;
}

static void with_threads(void)
{
	pthread_t th[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&th[i], NULL, waiting_thread, NULL);
	raise(SIGUSR2);
	exit(6);
}

/* Each thread is a tracee, and its end is told. */
static void threads(void)
{
	pid_t tid[2];
	int ended = 0, status;

	puts("-- threads");
	if (pipe(wait_fds))
		return;
	start(with_threads);
	SHOW(T(PTRACE_SETOPTIONS, 0, PTRACE_O_TRACECLONE));
	for (int i = 0; i < 2; i++) {
		SHOW(T(PTRACE_CONT, 0, 0));
		wait_for("clone", child);
		tid[i] = (pid_t)message();
		wait_for("thread", tid[i]);
		show("CONT", trace(PTRACE_CONT, tid[i], 0, 0));
	}
	SHOW(T(PTRACE_CONT, 0, 0));
	wait_for("all there", child);
	SHOW(syscall(SYS_tgkill, child, tid[1], SIGURG));
	wait_for("one of them", tid[1]);
	SHOW(waitpid(tid[0], &status, WNOHANG | __WALL));
	show("CONT", trace(PTRACE_CONT, tid[1], 0, 0));
	SHOW(T(PTRACE_CONT, 0, 0)); /* exit_group */
	while (ended < 2) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid == tid[0] || pid == tid[1]) {
			say("a thread", status);
			ended++;
		} else {
			say("other", status);
			return;
		}
	}
	wait_for("end", child);
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1)
		return 11;
	setvbuf(stdout, NULL, _IOLBF, 4096);
	child_output = memfd_create("output", MFD_CLOEXEC);
	events(false);
	events(true);
	execs();
	group_stops();
	other_tracer(0, false);
	other_tracer(0, true);
	other_tracer(PTRACE_O_EXITKILL, true);
	seccomp_events();
	threads();
	return 0;
}

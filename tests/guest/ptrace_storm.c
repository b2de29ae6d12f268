/* Tasks that trace each other at random, with threads, signals, execs and sudden ends: nothing may hang, crash or be
 * left behind. What comes out is one line, if it all ended. */
#include <linux/ptrace.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NR 12

static volatile pid_t *table; /* shared: whom to trace */
static unsigned long seed;
static char *self;

static unsigned draw(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

static long trace(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

static void *thread(void *arg)
{
	unsigned long n = (uintptr_t)arg;

	table[n % NR] = (pid_t)syscall(SYS_gettid);
	for (unsigned long i = 0; i < 20; i++) {
		sched_yield();
		if (!(i & 7))
			usleep(100);
	}
	return NULL;
}

/* What is traced: calls, forks, threads, execs, faults. */
static void live(void)
{
	pthread_t th;
	pid_t pid;

	for (int i = 0; i < 12; i++) {
		switch (draw(9)) {
		case 0:
			pid = fork();
			if (!pid)
				_exit((int)draw(5));
			break;
		case 1:
			if (!pthread_create(&th, NULL, thread, (void *)(uintptr_t)draw(NR)))
				pthread_detach(th);
			break;
		case 2:
			if (!draw(3))
				execl(self, self, "live", NULL);
			break;
		case 3:
			raise(SIGUSR1);
			break;
		case 4:
			pid = vfork();
			if (!pid)
				_exit(2);
			break;
		case 5:
			usleep(200);
			break;
		case 6:
			if (!draw(4))
				raise(SIGSTOP);
			break;
		case 7:
			waitpid(-1, NULL, WNOHANG | __WALL);
			break;
		default:
			for (int j = 0; j < 100; j++)
				getppid();
		}
	}
	exit(0);
}

static const int signals[] = {0, 0, 0, SIGUSR1, SIGSTOP, SIGCONT, SIGTRAP, SIGKILL, SIGTSTP};

/* One request to @pid. */
static void meddle(pid_t pid)
{
	static const int go[] = {PTRACE_CONT,	PTRACE_CONT,   PTRACE_SYSCALL, PTRACE_SINGLESTEP,
				 PTRACE_SYSEMU, PTRACE_DETACH, PTRACE_LISTEN,  PTRACE_INTERRUPT};
	struct user_regs_struct r;
	char buf[512];
	unsigned long word;

	switch (draw(8)) {
	case 0:
		if (!trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r))
			trace(PTRACE_SETREGS, pid, 0, (unsigned long)&r);
		break;
	case 1:
		trace(PTRACE_SETOPTIONS, pid, 0, draw(0x80) | (draw(2) ? PTRACE_O_EXITKILL : 0));
		break;
	case 2:
		trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)buf);
		trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&word);
		break;
	case 3:
		trace(PTRACE_PEEKDATA, pid, (unsigned long)&seed, (unsigned long)&word);
		break;
	case 4:
		if (!draw(6))
			syscall(SYS_tgkill, pid, pid, signals[draw(9)]);
		break;
	default:
		trace(go[draw(8)], pid, 0, signals[draw(9)]);
	}
}

static void tracer(void)
{
	for (int i = 0; i < 250; i++) {
		pid_t pid = table[draw(NR)];
		int status;

		if (!draw(3) && pid > 0 && pid != getpid())
			trace(draw(2) ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0);
		pid = waitpid(-1, &status, WNOHANG | __WALL | WUNTRACED);
		if (pid > 0 && WIFSTOPPED(status))
			meddle(pid);
		else if (pid > 0 || !draw(3))
			sched_yield();
		else
			meddle(table[draw(NR)]);
		if (!draw(400))
			raise(SIGKILL);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct timespec start, now;
	int made = 0, status;
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 120;
	pid_t group;

	self = argv[0];
	table = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGUSR1, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "live")) {
		seed = (unsigned long)getpid();
		live();
	}
	seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	group = fork(); /* all are of its group, and so can be ended together */
	if (!group) {
		setpgid(0, 0);
		pause();
		_exit(1);
	}
	setpgid(group, group);
	for (unsigned i = 0; i < rounds; i++) {
		unsigned n = draw(NR);
		pid_t pid;

		seed++;
		if (table[n] > 0)
			kill(table[n], SIGKILL);
		pid = fork();
		if (!pid) {
			seed ^= 0x1234567UL * (i + 1);
			setpgid(0, group);
			if (!draw(4))
				trace(PTRACE_TRACEME, 0, 0, 0);
			if (draw(2))
				tracer();
			live();
		}
		setpgid(pid, group);
		table[n] = pid;
		made++;
		while (waitpid(-1, &status, WNOHANG | __WALL | WUNTRACED) > 0)
			;
		usleep(300);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!kill(-group, SIGKILL)) {
		while (waitpid(-1, &status, __WALL | WNOHANG) > 0)
			;
		usleep(1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > 8) {
			puts("somebody does not end");
			return 1;
		}
	}
	printf("%d ended\n", made);
	return 0;
}

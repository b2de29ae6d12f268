/* seccomp(2): the short list, filters and what each answer does, what is refused, who has it: children, programs
 * after execve(2), the other threads; and what prctl(2) and /proc/self/status say. */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define NR offsetof(struct seccomp_data, nr)
#define ARG(n) offsetof(struct seccomp_data, args[n])
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RET(what) BPF_STMT(BPF_RET | BPF_K, what)
#define JEQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define BAD ((void *)8)

static long set_filter(const struct sock_filter *f, int n, unsigned flags)
{
	struct sock_fprog prog = {.len = n, .filter = (struct sock_filter *)f};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* @call answers @what, all others are allowed. */
static long answer(int call, unsigned what, unsigned flags)
{
	struct sock_filter f[] = {LOAD(NR), JEQ(call, 0, 1), RET(what), RET(SECCOMP_RET_ALLOW)};

	return set_filter(f, 4, flags);
}

/* Runs @fn in a child, and says how that ended. */
static void child(const char *what, void (*fn)(void))
{
	int status = -1;

	waitpid(start_child(fn), &status, 0);
	printf("%s: %x\n", what, status);
}

static void say_status(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Seccomp", 7))
			fputs(line, stdout);
	if (f)
		fclose(f);
	SHOW(prctl(PR_GET_SECCOMP));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void refused(void)
{
	struct sock_filter ok[] = {RET(SECCOMP_RET_ALLOW)};
	struct sock_fprog prog = {1, ok}, none = {0, ok}, wild = {1, BAD};
	unsigned action = SECCOMP_RET_TRAP, unknown = 0x7ffe0000;
	unsigned short sizes[3] = {0};

	SHOW(syscall(SYS_seccomp, 99, 0, NULL));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, BAD));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0x100, &prog));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &none));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &wild));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | 8, &prog));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 5, &prog));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes));
	printf("sizes %d %d %d\n", sizes[0], sizes[1], sizes[2]);
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, sizes));
	SHOW(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, BAD));
	SHOW(prctl(PR_SET_SECCOMP, 7, 0));
	SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BAD));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	say_status();
}

#define PROGRAM(...)                                                                               \
	do {                                                                                       \
		struct sock_filter f[] = {__VA_ARGS__};                                            \
		show(#__VA_ARGS__, set_filter(f, sizeof(f) / sizeof(f[0]), 0));                    \
	} while (0)

static void bad_programs(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	PROGRAM(LOAD(0));
	PROGRAM(LOAD(2), RET(0));
	PROGRAM(LOAD(64), RET(0));
	PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0));
	PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(0));
	PROGRAM(BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0));
	PROGRAM(BPF_STMT(BPF_ST, 16), RET(0));
	PROGRAM(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0));
	PROGRAM(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0));
	PROGRAM(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0));
	PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(0));
	PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, -1), RET(0));
	PROGRAM(JEQ(0, 0, 1), RET(0));
	PROGRAM(JEQ(0, 1, 0), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0));
	PROGRAM(BPF_STMT(0xffff, 0), RET(0));
	say_status();
}

/* Arithmetic: what a program computes of the number is the errno. */
static void arithmetic(void)
{
	struct sock_filter f[] = {
		LOAD(NR),
		JEQ(SYS_getppid, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		LOAD(ARG(0)),				/* 10 */
		BPF_STMT(BPF_ST, 3),			/* M[3] = 10 */
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 7), /* 70 */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),	/* X = 70 */
		BPF_STMT(BPF_LDX | BPF_MEM, 3),		/* X = 10 */
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), /* 7 */
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4), /* 112 */
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0), /* 102 */
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 5), /* 99 */
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7f),
		BPF_STMT(BPF_STX, 5),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 6), /* 1 */
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), /* 100 */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 3),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 2),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
		RET(SECCOMP_RET_ERRNO | 1),
	};
	struct sock_filter zero[] = {
		LOAD(NR),
		JEQ(SYS_getpgrp, 0, 2),
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		RET(SECCOMP_RET_ALLOW),
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	SHOW(set_filter(f, sizeof(f) / sizeof(f[0]), 0));
	SHOW(syscall(SYS_getppid, 10));
	SHOW(set_filter(zero, sizeof(zero) / sizeof(zero[0]), 0));
	fflush(stdout);
	syscall(SYS_getpgrp); /* divided by 0: the answer is 0, the end of the thread */
}

static void errnos(void)
{
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO | EPERM, 0));
	SHOW(syscall(SYS_getppid));
	SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO | 0, SECCOMP_FILTER_FLAG_LOG));
	SHOW(syscall(SYS_getppid)); /* the first found of those that are equal: the newest */
	SHOW(answer(SYS_getppid, SECCOMP_RET_ALLOW, 0));
	SHOW(syscall(SYS_getppid));
	SHOW(answer(SYS_getuid, SECCOMP_RET_ERRNO | 5000, 0));
	printf("%ld\n", syscall(SYS_getuid) == -1 ? (long)errno : syscall(SYS_getuid));
	SHOW(answer(SYS_getgid, SECCOMP_RET_TRACE, 0));
	SHOW(syscall(SYS_getgid));
	SHOW(answer(SYS_getegid, SECCOMP_RET_USER_NOTIF, 0));
	SHOW(syscall(SYS_getegid));
	SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
	say_status();
	fflush(stdout);
	if (!fork()) {
		SHOW(syscall(SYS_getppid));
		fflush(stdout);
		execl("/proc/self/exe", "seccomps", "exec", (char *)NULL);
	}
	wait(NULL);
}

static void on_trap(int sig, siginfo_t *info, void *uc)
{
	greg_t *regs = ((ucontext_t *)uc)->uc_mcontext.gregs;

	printf("signal %d code %d errno %d call %d arch %x rax %lld address %d\n", sig,
	       info->si_code, info->si_errno, info->si_syscall, info->si_arch,
	       (long long)regs[REG_RAX], (long)info->si_call_addr == regs[REG_RIP]);
	regs[REG_RAX] = 42;
}

static void trap(void)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	sigaction(SIGSYS, &sa, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	SHOW(answer(SYS_getppid, SECCOMP_RET_TRAP | 77, 0));
	SHOW(syscall(SYS_getppid));
	SHOW(syscall(1L << 32 | SYS_getppid)); /* of its number 32 bits count, and all come back */
}

static void trap_uncaught(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answer(SYS_getppid, SECCOMP_RET_TRAP, 0);
	syscall(SYS_getppid);
}

static void kill_process(void)
{
	signal(SIGSYS, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0);
	syscall(SYS_getppid);
}

static void *calls(void *arg)
{
	syscall(SYS_getppid);
	return arg;
}

static void kill_thread(void)
{
	pthread_t th;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answer(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
	pthread_create(&th, NULL, calls, NULL);
	pthread_join(th, NULL);
	puts("this one goes on");
	fflush(stdout);
	syscall(SYS_getppid); /* it is the last */
}

static void *calls_alone(void *arg)
{
	usleep(50000);
	return calls(arg);
}

/* The leader has ended: who is killed then is the last, too. */
static void kill_last_thread(void)
{
	pthread_t th;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answer(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
	pthread_create(&th, NULL, calls_alone, NULL);
	syscall(SYS_exit, 0);
}

/* How many programs of 2,000 times @in, where nobody comes by, go, and how many more of one instruction. */
static void fill_up(const char *what, struct sock_filter in)
{
	static struct sock_filter f[2004];
	int big = 0, small = 0;

	for (int i = 0; i < 2004; i++)
		f[i] = i && i <= 2000 ? in : (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	while (!set_filter(f, 2004, 0))
		big++;
	while (!set_filter(f, 1, 0))
		small++;
	printf("%s: %d and %d, %s\n", what, big, small, strerrorname_np(errno));
}

/* All of a task's programs have a length together: as Linux translates them. */
static void too_long(void)
{
	static const struct {
		const char *what;
		struct sock_filter in;
	} kinds[] = {
		{"loads", LOAD(NR)},
		{"constants", BPF_STMT(BPF_LDX | BPF_IMM, -3)},
		{"returns", RET(SECCOMP_RET_ALLOW)},
		{"returns of A", BPF_STMT(BPF_RET | BPF_A, 0)},
		{"jumps", BPF_STMT(BPF_JMP | BPF_JA, 1)},
		{"two ways", JEQ(5, 1, 1)},
		{"one way", JEQ(5, 1, 0)},
		{"the other way", JEQ(5, 0, 1)},
		{"bits, the other way", BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 5, 0, 1)},
		{"below 0", JEQ(-5, 1, 0)},
		{"X", BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, -5, 1, 1)},
		{"products", BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0)},
		{"divisions", BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0)},
		{"by a number", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3)},
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fflush(stdout);
		if (!fork()) {
			fill_up(kinds[i].what, kinds[i].in);
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
	}
}

static int ready[2], go[2];

static void *waits(void *arg)
{
	char byte = 0;

	if (arg)
		answer(SYS_getpgrp, SECCOMP_RET_ERRNO | 9, 0);
	if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
		return NULL;
	return (void *)(syscall(SYS_getppid) == -1 ? (long)errno : 0L);
}

/* The other thread gets the filter, too, unless (@arg) it has one of its own. */
static void tsync_with(void *arg)
{
	pthread_t th;
	void *ret;
	char byte = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (pipe(ready) || pipe(go))
		return;
	pthread_create(&th, NULL, waits, arg);
	if (read(ready[0], &byte, 1) != 1)
		return;
	SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO | 33, SECCOMP_FILTER_FLAG_TSYNC) > 0);
	if (arg)
		SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO | 33,
			    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	if (write(go[1], &byte, 1) != 1)
		return;
	pthread_join(th, &ret);
	printf("the other: %ld, this one %d\n", (long)ret, syscall(SYS_getppid) == -1);
}

static void tsync(void)
{
	tsync_with(NULL);
}

static void tsync_refused(void)
{
	tsync_with(ready);
}

static void short_list(void)
{
	static const char text[] = "still writes\n";

	fflush(stdout);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL))
		return;
	if (syscall(SYS_write, 1, text, sizeof(text) - 1) < 0)
		return;
	syscall(SYS_exit, 3);
}

static void short_list_broken(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		return;
	syscall(SYS_getppid);
	syscall(SYS_exit, 3);
}

static void no_right(void)
{
	if (!getuid() && (setgid(12345) || setuid(12345)))
		return;
	SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(answer(SYS_getppid, SECCOMP_RET_ERRNO, 0));
}

int main(int argc, char **argv)
{
	struct rlimit none = {0, 0};

	(void)argv;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (argc > 1) {
		SHOW(syscall(SYS_getppid));
		say_status();
		return 0;
	}
	setrlimit(RLIMIT_CORE, &none);
	child("refused", refused);
	child("bad programs", bad_programs);
	child("arithmetic", arithmetic);
	child("errnos", errnos);
	child("trap", trap);
	child("trap, not caught", trap_uncaught);
	child("kill", kill_process);
	child("kill a thread", kill_thread);
	child("kill the last thread", kill_last_thread);
	child("too long", too_long);
	child("all threads", tsync);
	child("not all threads", tsync_refused);
	child("short list", short_list);
	child("short list, broken", short_list_broken);
	child("no right", no_right);
	return 0;
}

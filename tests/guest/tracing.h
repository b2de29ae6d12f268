/* What the programs that trace others share: they start a tracee, wait for its stops, and print what these say in a way that
 * is the same on every Linux. */
#ifndef TRACING_H
#define TRACING_H

#include <elf.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static pid_t child; /* the tracee that a test is about */

static inline long trace(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

#define T(request, addr, data) trace(request, child, (unsigned long)(addr), (unsigned long)(data))

/* What a status word says. */
static inline void say(const char *who, int status)
{
	if (WIFEXITED(status))
		printf("%s: exited %d\n", who, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: killed by %s\n", who, sigabbrev_np(WTERMSIG(status)));
	else if (WIFCONTINUED(status))
		printf("%s: continued\n", who);
	else
		printf("%s: stopped by %s%s, event %d\n", who,
		       sigabbrev_np(WSTOPSIG(status) & 0x7f),
		       WSTOPSIG(status) & 0x80 ? "|0x80" : "", status >> 16);
}

static int child_output; /* a file: what tracees print is shown when they have stopped */

/* In a new child. */
static inline void to_file(void)
{
	dup2(child_output, 1);
}

static inline void show_output(void)
{
	static off_t shown;
	char text[300];
	ssize_t n;

	while ((n = pread(child_output, text, sizeof(text), shown)) > 0) {
		printf("> %.*s", (int)n, text);
		shown += n;
	}
}

static int also; /* WCONTINUED: that comes from SIGCONT, and so races with a tracee's stops */

/* Waits for @pid, and says what for. The status. */
static inline int wait_for(const char *who, pid_t pid)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, __WALL | WUNTRACED | also);

	if (got != pid) {
		show(who, got);
		return -1;
	}
	show_output();
	say(who, status);
	return status;
}

static inline void say_siginfo(void)
{
	siginfo_t info;

	memset(&info, 0x55, sizeof(info));
	if (SHOW(T(PTRACE_GETSIGINFO, 0, &info)) == 0)
		printf("  signo %d errno %d code %#x%s\n", info.si_signo, info.si_errno,
		       info.si_code,
		       info.si_pid == getpid() ? " from the tracer"
		       : info.si_pid == child  ? " from itself"
					       : "");
}

/* A child that asks to be traced, stops, and runs @fn. */
static inline void start(void (*fn)(void))
{
	fflush(stdout);
	child = fork();
	if (!child) {
		to_file();
		trace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		fn();
		fflush(stdout);
		_exit(42);
	}
	wait_for("start", child);
}

static inline void let_end(void)
{
	trace(PTRACE_CONT, child, 0, 0);
	wait_for("end", child);
}

static char proc_line[200];

/* A line of the child's status. */
static inline const char *status_line(pid_t pid, const char *key)
{
	char name[60];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	f = fopen(name, "r");
	while (f && fgets(proc_line, sizeof(proc_line), f))
		if (!strncmp(proc_line, key, strlen(key)))
			break;
	if (f)
		fclose(f);
	return proc_line;
}

static inline void say_info(void)
{
	static struct ptrace_syscall_info i;
	long n;

	memset(&i, 0, sizeof(i));
	n = SHOW(T(PTRACE_GET_SYSCALL_INFO, sizeof(i), &i));
	if (n < 0)
		return;
	printf("  op %d arch %d", i.op, i.arch == AUDIT_ARCH_X86_64);
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		printf(" nr %llu args %llx %llx %llx", i.entry.nr, i.entry.args[0] & 0xff,
		       i.entry.args[1] & 0xff, i.entry.args[2] & 0xff);
	if (i.op == PTRACE_SYSCALL_INFO_EXIT)
		printf(" %s %d", i.exit.rval == child ? "its number" : "result",
		       i.exit.is_error ? (int)i.exit.rval : i.exit.is_error);
	if (i.op == PTRACE_SYSCALL_INFO_SECCOMP)
		printf(" nr %llu data %x", i.seccomp.nr, i.seccomp.ret_data);
	putchar('\n');
}

/* To the next stop by a call; its registers. */
static inline int next_call(struct user_regs_struct *r, int sig)
{
	int status;

	T(PTRACE_SYSCALL, 0, sig);
	status = wait_for("call", child);
	if (!WIFSTOPPED(status))
		return 0;
	T(PTRACE_GETREGS, 0, r);
	if ((long)r->rax == child || (long)r->rax == getpid())
		printf("  orig %lld rax is a number\n", (long long)r->orig_rax);
	else
		printf("  orig %lld rax %lld\n", (long long)r->orig_rax, (long long)r->rax);
	return 1;
}

/* A word through a pipe. */
static inline void tell(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(9);
}

static inline void hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(9);
}

#endif

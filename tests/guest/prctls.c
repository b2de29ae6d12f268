/* prctls: options of prctl(2) that change something: securebits, bounding and ambient sets and what exec makes of them, the
 * time stamp counter, slack of timers, calls that come as SIGSYS. What is refused, too. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "report.h"

static long prctl5(int option, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
	return syscall(SYS_prctl, option, b, c, d, e);
}

#define P(option, ...) show(#option " " #__VA_ARGS__, (errno = 0, prctl5(option, __VA_ARGS__)))

/* --- capabilities ---------------------------------------------------------------------------------- */

static void show_sets(const char *what)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");

	printf("%s:", what);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "Cap", 3))
			printf(" %.3s %s", line + 3, line + 8);
	}
	printf(", securebits %lx\n", prctl5(PR_GET_SECUREBITS, 0, 0, 0, 0));
	if (f)
		fclose(f);
}

static void inherit(unsigned caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	syscall(SYS_capget, &head, d);
	d[0].inheritable = caps;
	show("inheritable", syscall(SYS_capset, &head, d));
}

/* A child that changes things, and executes itself to say what is left. */
static void child(const char *self, const char *what, void (*fn)(void))
{
	int status = 0;

	if (!fork()) {
		printf("--- %s\n", what);
		fn();
		show_sets("before exec");
		execl(self, self, "sets", (char *)NULL);
		_exit(1);
	}
	wait(&status);
	if (status)
		printf("status %x\n", status);
}

static void keep_caps(void)
{
	P(PR_SET_KEEPCAPS, 2, 0, 0, 0);
	P(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	P(PR_GET_KEEPCAPS, 0, 0, 0, 0);
	SHOW(setresuid(1000, 1000, 1000));
	show_sets("another id");
}

static void keep_caps_not(void)
{
	SHOW(setresuid(1000, 1000, 1000));
	P(PR_SET_SECUREBITS, 0, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0);
	P(PR_SET_SECUREBITS, 1 << 8, 0, 0,
	  0); /* SECURE_EXEC_RESTRICT_FILE, Linux 6.14: anybody may */
	P(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	P(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

static void ambient(void)
{
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	inherit(1U << CAP_CHOWN | 1U << CAP_KILL);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0);
	P(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
	SHOW(setresuid(1000, 1000, 1000));
}

static void ambient_cleared(void)
{
	inherit(1U << CAP_CHOWN);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE, 0, 0, 0);
	P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}

static void no_root(void)
{
	P(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NOROOT_LOCKED, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | 1 << 12, 0, 0, 0);
	P(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED, 0, 0,
	  0);
	P(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

static void bounding(void)
{
	P(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0);
	P(PR_CAPBSET_DROP, 64, 0, 0, 0);
	P(PR_CAPBSET_READ, CAP_SYS_TIME, 0, 0, 0);
	P(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0);
}

static void effective(unsigned caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	syscall(SYS_capget, &head, d);
	d[0].effective = caps;
	d[1].effective = 0;
	show("effective", syscall(SYS_capset, &head, d));
}

/* setpriority(2) of another's process goes by the capability, not by who is root. */
static void nice_by_capability(void)
{
	pid_t other = fork();

	if (!other) {
		if (setresuid(1001, 1001, 1001))
			_exit(1);
		pause();
		_exit(0);
	}
	while (setpriority(PRIO_USER, 1001, 5)) /* until it is */
		sched_yield();
	effective(1U << CAP_SETUID | 1U << CAP_KILL);
	show("root without the capability", setpriority(PRIO_PROCESS, (id_t)other, 7));
	P(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	SHOW(setresuid(1000, 1000, 1000));
	effective(1U << CAP_SYS_NICE | 1U << CAP_KILL);
	show("a user with it", setpriority(PRIO_PROCESS, (id_t)other, -7));
	show("nice", getpriority(PRIO_PROCESS, (id_t)other));
	kill(other, SIGKILL);
	wait(NULL);
}

static void capabilities(const char *self)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, -7};

	show("capget of the version only", syscall(SYS_capget, &head, NULL));
	child(self, "capabilities are kept", keep_caps);
	child(self, "they are not", keep_caps_not);
	child(self, "ambient ones", ambient);
	child(self, "ambient ones, cleared", ambient_cleared);
	child(self, "root is nobody", no_root);
	child(self, "fewer at most", bounding);
	child(self, "nice values", nice_by_capability);
}

/* --- the time stamp counter ------------------------------------------------------------------------ */

static sigjmp_buf back;
static siginfo_t seen;

static void note(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	seen = *info;
	siglongjmp(back, 1);
}

static void counter(void)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	unsigned lo, hi, mode = 9;
	int status = 0;

	sigaction(SIGSEGV, &sa, NULL);
	P(PR_SET_TSC, 3, 0, 0, 0);
	P(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
	P(PR_GET_TSC, (unsigned long)&mode, 0, 0, 0);
	printf("mode %u\n", mode);
	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
		puts("rdtsc works");
	} else {
		printf("rdtsc: code %d address %p\n", seen.si_code, seen.si_addr);
	}
	fflush(stdout);
	if (!fork()) { /* inherited */
		signal(SIGSEGV, SIG_DFL);
		__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
		_exit(0);
	}
	wait(&status);
	printf("a child's rdtsc: %x\n", status);
	P(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	puts("rdtsc works again");
}

/* --- user dispatch ---------------------------------------------------------------------------------- */

static volatile char selector;

static void emulate(int sig, siginfo_t *info, void *arg)
{
	ucontext_t *uc = arg;

	selector = PR_SYS_DISPATCH_OFF;
	printf("signal %d code %d errno %d call %d arch %x, rax %lld, at its address %d\n", sig,
	       info->si_code, info->si_errno, info->si_syscall, info->si_arch,
	       (long long)uc->uc_mcontext.gregs[REG_RAX],
	       info->si_call_addr == (void *)uc->uc_mcontext.gregs[REG_RIP]);
	uc->uc_mcontext.gregs[REG_RAX] = 4242;
}

__attribute__((noinline)) static long gettid_here(void)
{
	long ret = SYS_gettid;

	__asm__ volatile("syscall" : "+a"(ret) : : "rcx", "r11", "memory");
	return ret;
}

/* In a child: how it ends. */
static void ends(const char *what, int sel)
{
	int status = 0;

	fflush(stdout);
	if (!fork()) {
		prctl5(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0,
		       sel < 0 ? 8 : (unsigned long)&selector);
		selector = (char)sel;
		gettid_here();
		selector = 0;
		_exit(0);
	}
	wait(&status);
	printf("%s: %x\n", what, status);
}

static void dispatch(void)
{
	struct sigaction sa = {.sa_sigaction = emulate, .sa_flags = SA_SIGINFO};
	unsigned long sel = (unsigned long)&selector;

	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 1, 0, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 1, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 1);
	P(PR_SET_SYSCALL_USER_DISPATCH, 7, 0, 0, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 1, ~0UL, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 1, 0, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, 1UL << 63);
	P(PR_SET_SYSCALL_USER_DISPATCH, 2, 0, 0, 0);
	P(PR_SET_SYSCALL_USER_DISPATCH, 2, 8, ~0UL, 0);
	sigaction(SIGSYS, &sa, NULL);
	show("on", prctl5(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, sel));
	printf("allowed: %d\n", gettid_here() == getpid());
	selector = 1;
	printf("blocked: %ld\n", gettid_here());
	show("range", prctl5(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
			     (unsigned long)gettid_here, 64, sel));
	selector = 1;
	if (gettid_here() == 4242)
		puts("the range counts for nothing"); /* printed by calls from elsewhere: selector is 0 again */
	selector = 0;
	puts("calls from the range are made");
	if (!prctl5(PR_SET_SYSCALL_USER_DISPATCH, 2, (unsigned long)gettid_here, 64,
		    0)) { /* of Linux 6.16 */
		puts("calls from elsewhere");
		printf("from the range: %d\n", gettid_here() == getpid());
	}
	fflush(stdout);
	if (!fork())
		_exit(gettid_here() == 4242); /* a child has none of it */
	wait(NULL);
	show("off", prctl5(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0));
	signal(SIGSYS, SIG_DFL);
	ends("blocked, nobody handles it", 1);
	ends("another selector", 2);
	ends("no selector's page", -1);
}

/* --- others ------------------------------------------------------------------------------------------ */

static void slack(void)
{
	P(PR_SET_TIMERSLACK, 77, 0, 0, 0);
	P(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	fflush(stdout);
	if (!fork()) {
		P(PR_SET_TIMERSLACK, 88, 0, 0, 0);
		P(PR_SET_TIMERSLACK, 0, 0, 0, 0);
		P(PR_GET_TIMERSLACK, 0, 0, 0, 0);
		P(PR_SET_TIMERSLACK, ~0UL, 0, 0, 0);
		P(PR_GET_TIMERSLACK, 0, 0, 0, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void small_ones(void)
{
	P(PR_MCE_KILL_GET, 0, 0, 0, 0);
	P(PR_MCE_KILL_GET, 1, 0, 0, 0);
	P(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
	P(PR_MCE_KILL_GET, 0, 0, 0, 0);
	P(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0);
	P(PR_MCE_KILL, PR_MCE_KILL_SET, 0, 1, 0);
	P(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0);
	P(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
	P(PR_MCE_KILL_GET, 0, 0, 0, 0);
	P(PR_TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0);
	P(PR_TASK_PERF_EVENTS_ENABLE, 0, 0, 0, 0);
	P(PR_GET_SPECULATION_CTRL, 9, 0, 0, 0);
	P(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0);
	P(PR_SET_SPECULATION_CTRL, 9, 0, 0, 0);
	P(PR_SET_SPECULATION_CTRL, 0, 0, 1, 0);
	P(78, 2, 0, 0, 0); /* PR_FUTEX_HASH, Linux 6.17 */
	P(78, 1, 3, 0, 0);
	P(78, 1, 8, 1, 0);
	P(78, 1, 8, 0, 0);
	P(78, 2, 0, 0, 0);
	P(78, 1, 0, 0, 0);
	P(78, 1, 8, 0, 0);
	P(78, 3, 0, 0, 0);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1) {
		show_sets("after exec");
		return 0;
	}
	if (!geteuid())
		capabilities(argv[0]);
	counter();
	dispatch();
	slack();
	small_ones();
	return 0;
}

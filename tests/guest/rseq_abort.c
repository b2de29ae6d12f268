/* rseq_abort: sequences that others interrupt go on at their abort address, before a handler of a signal
 * runs as well as after a turn of another thread; what is wrong in the memory that describes them kills. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "report.h"

#define THREADS 4
#define ROUNDS 20000

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Spins inside a sequence until *@stop, or until it is aborted: 1. The label after .long is where an abort
 * leads to, behind the signature that libc has registered. */
#define SEQUENCE(name, sig, cs_flags)                                                              \
	static int name(volatile int *stop)                                                        \
	{                                                                                          \
		int ret;                                                                           \
                                                                                                   \
		__asm__ volatile(".pushsection __rseq_cs, \"aw\"\n"                                \
				 ".balign 32\n"                                                    \
				 "3:\n"                                                            \
				 ".long 0, " #cs_flags "\n"                                        \
				 ".quad 1f, 2f - 1f, 4f\n"                                         \
				 ".popsection\n"                                                   \
				 "leaq 3b(%%rip), %%rax\n"                                         \
				 "movq %%rax, %[cs]\n"                                             \
				 "1:\n"                                                            \
				 "cmpl $0, (%[stop])\n"                                            \
				 "je 1b\n"                                                         \
				 "2:\n"                                                            \
				 "movl $0, %[ret]\n"                                               \
				 "jmp 5f\n"                                                        \
				 ".byte 0x0f, 0xb9, 0x3d\n"                                        \
				 ".long " #sig "\n"                                                \
				 "4:\n"                                                            \
				 "movl $1, %[ret]\n"                                               \
				 "5:\n"                                                            \
				 : [ret] "=r"(ret), [cs] "=m"(area()->rseq_cs)                     \
				 : [stop] "r"(stop)                                                \
				 : "rax", "memory", "cc");                                         \
		return ret;                                                                        \
	}

SEQUENCE(spin, 0x53053053, 0)
SEQUENCE(spin_unsigned, 0x12345678, 0)
SEQUENCE(spin_flagged, 0x53053053, 1)

/* Adds one to *@to in a sequence whose last instruction is the store; 1: it did not happen. */
static int try_add(long *to)
{
	int ret;

	__asm__ volatile(".pushsection __rseq_cs, \"aw\"\n"
			 ".balign 32\n"
			 "3:\n"
			 ".long 0, 0\n"
			 ".quad 1f, 2f - 1f, 4f\n"
			 ".popsection\n"
			 "leaq 3b(%%rip), %%rax\n"
			 "movq %%rax, %[cs]\n"
			 "1:\n"
			 "movq (%[to]), %%rax\n"
			 "addq $1, %%rax\n"
			 "movq %%rax, (%[to])\n"
			 "2:\n"
			 "movl $0, %[ret]\n"
			 "jmp 5f\n"
			 ".byte 0x0f, 0xb9, 0x3d\n"
			 ".long 0x53053053\n"
			 "4:\n"
			 "movl $1, %[ret]\n"
			 "5:\n"
			 : [ret] "=r"(ret), [cs] "=m"(area()->rseq_cs)
			 : [to] "r"(to)
			 : "rax", "memory", "cc");
	return ret;
}

static volatile int never, stop, handled, inside;

static void on_alarm(int sig, siginfo_t *info, void *uc)
{
	greg_t rip = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];

	(void)sig, (void)info;
	handled++;
	/* The handler's frame is already that of the abort. */
	inside = !memcmp((char *)rip - 4, "\x53\x30\x05\x53", 4);
}

static void by_signal(void)
{
	struct sigaction sa = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};
	struct itimerval soon = {.it_value = {0, 5000}};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	while (!handled)
		if (!spin(&never))
			printf("not aborted\n");
	printf("handled %d, at the abort address %d\n", handled, inside);
	printf("forgotten %d\n", area()->rseq_cs == 0);
}

static void *runs_too(void *arg)
{
	(void)arg;
	while (!stop)
		;
	return NULL;
}

static void by_another_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, runs_too, NULL);
	printf("aborted %d\n", spin(&never));
	stop = 1;
	pthread_join(t, NULL);
	printf("left by itself %d\n", spin(&stop));
}

static long sum;

static void *adds(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		while (try_add(&sum))
			;
	return NULL;
}

static void adding(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, adds, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("sum %ld\n", sum);
}

/* In a child: how it ends. */
static void dies(const char *what, int (*how)(volatile int *), int flags)
{
	struct itimerval soon = {.it_value = {0, 5000}};
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		area()->flags = flags;
		setitimer(ITIMER_REAL, &soon, NULL);
		how(&never);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("%s: %s\n", what, WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "lives");
}

static void *calls(void *arg)
{
	uint32_t len = 32;

	(void)arg;
	SHOW(syscall(SYS_rseq, area(), len, 0, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), len, 0, 1));
	SHOW(syscall(SYS_rseq, (char *)area() + 32, len, 0, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), len, 2, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), len, 1, 1));
	SHOW(syscall(SYS_rseq, area(), len + 1, 1, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), len, 1, 0x53053053));
	printf("cpu_id %d\n", (int)area()->cpu_id);
	SHOW(syscall(SYS_rseq, area(), len, 1, 0x53053053));
	SHOW(syscall(SYS_rseq, (char *)area() + 1, len, 0, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), 31, 0, 0x53053053));
	SHOW(syscall(SYS_rseq, 4096, len, 0, 0x53053053));
	SHOW(syscall(SYS_rseq, area(), len, 0, 0x53053053));
	printf("cpu_id is a number %d\n", (int)area()->cpu_id >= 0);
	return NULL;
}

int main(void)
{
	cpu_set_t one;
	pthread_t t;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (__rseq_size == 0) {
		printf("not registered\n");
		return 1;
	}
	by_signal();
	by_another_thread();
	adding();
	dies("whole", spin, 0);
	dies("another signature", spin_unsigned, 0);
	dies("flags in the descriptor", spin_flagged, 0);
	dies("flags in the area", spin, 1);
	pthread_create(&t, NULL, calls, NULL);
	pthread_join(t, NULL);
	return 0;
}

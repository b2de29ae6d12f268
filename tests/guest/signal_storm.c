/* signal_storm: threads that send each other real-time signals with values, handlers that nest and run on stacks
 * of their own, timers, children and stops between: nothing is lost, and all comes in order.
 * Usage: signal_storm [ROUNDS] */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NR 6
#define OUTER (SIGRTMIN + 2)
#define INNER (SIGRTMIN + 3)
#define TICK (SIGRTMIN + 4)
#define ALT_SIZE 65536

static int rounds = 120;
static pthread_t threads[NR];
static pthread_barrier_t barrier;

/* A thread's own, which only its handlers and itself change. */
static __thread struct own {
	int me, depth, deepest, disorder, off_stack;
	long outer, inner, sum, ticks;
	int last[NR]; /* from each of the others, the last number */
	char alt[ALT_SIZE];
} own;
static long all_outer, all_inner, all_sum, all_disorder, all_off_stack, all_deepest;
static volatile int children, shared_signals;

/* May run on its own stack only if the thread has one. */
static void look(void)
{
	char here;
	int on = &here >= own.alt && &here < own.alt + sizeof(own.alt);

	own.off_stack += on != own.me % 2;
}

static void on_inner(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	look();
	own.depth++;
	if (own.depth > own.deepest)
		own.deepest = own.depth;
	own.inner++;
	own.sum += si->si_value.sival_int;
	own.depth--;
}

/* A value is who sent it and its number; the same number goes on to this thread's other handler. */
static void on_outer(int sig, siginfo_t *si, void *uc)
{
	int from = si->si_value.sival_int >> 16, nr = si->si_value.sival_int & 0xffff,
	    saved = errno;

	(void)sig;
	(void)uc;
	look();
	own.depth++;
	own.outer++;
	own.disorder += nr <= own.last[from];
	own.last[from] = nr;
	while (pthread_sigqueue(pthread_self(), INNER, (union sigval){.sival_int = nr}))
		sched_yield();
	own.depth--;
	errno = saved;
}

static void on_tick(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)si;
	(void)uc;
	look();
	own.ticks++;
}

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		__atomic_add_fetch(&children, 1, __ATOMIC_RELAXED);
	errno = saved;
}

static void on_shared(int sig)
{
	(void)sig;
	__atomic_add_fetch(&shared_signals, 1, __ATOMIC_RELAXED);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = fn,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	sigaction(sig, &sa, NULL);
}

static int start_ticks(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK};
	struct itimerspec its = {{0, 700000}, {0, 700000}};
	int id;

	ev._sigev_un._tid = syscall(SYS_gettid);
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id))
		return -1;
	syscall(SYS_timer_settime, id, 0, &its, NULL);
	return id;
}

static void add(long *to, long n)
{
	__atomic_add_fetch(to, n, __ATOMIC_RELAXED);
}

static void *run(void *arg)
{
	stack_t ss = {.ss_sp = own.alt, .ss_size = ALT_SIZE};
	int timer;

	own.me = (intptr_t)arg;
	if (own.me % 2)
		sigaltstack(&ss, NULL);
	pthread_barrier_wait(&barrier);
	timer = start_ticks();
	for (int i = 1; i <= rounds; i++) {
		int to = (own.me + i) % NR;

		while (pthread_sigqueue(threads[to], OUTER,
					(union sigval){.sival_int = own.me << 16 | i}))
			sched_yield();
		if (i % 16 == 0 && own.me == 2)
			kill(getpid(), SIGUSR1);
		if (i % 40 == 0 && own.me == 3 && !fork())
			_exit(0);
	}
	pthread_barrier_wait(&barrier); /* all have been sent, so all are there or pending */
	syscall(SYS_timer_delete, timer);
	sched_yield();
	add(&all_outer, own.outer);
	add(&all_inner, own.inner);
	add(&all_sum, own.sum);
	add(&all_disorder, own.disorder);
	add(&all_off_stack, own.off_stack);
	add(&all_deepest, own.deepest > 1);
	pthread_barrier_wait(&barrier); /* nobody ends while others may send to it */
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction shared = {.sa_handler = on_shared, .sa_flags = SA_RESTART | SA_ONSTACK};
	struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_ONSTACK};

	if (argc > 1)
		rounds = atoi(argv[1]);
	handle(OUTER, on_outer);
	handle(INNER, on_inner);
	handle(TICK, on_tick);
	sigaction(SIGUSR1, &shared, NULL);
	sigaction(SIGCHLD, &child, NULL);
	pthread_barrier_init(&barrier, NULL, NR);
	for (intptr_t i = 0; i < NR; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < NR; i++)
		pthread_join(threads[i], NULL);
	while (children < rounds / 40)
		usleep(1000);
	printf("outer %ld inner %ld sum %ld\n", all_outer, all_inner, all_sum);
	printf("out of order %ld, on another stack %ld, nested %d\n", all_disorder, all_off_stack,
	       all_deepest > 0);
	printf("children %d, shared %d\n", children, shared_signals > 0);
	return 0;
}

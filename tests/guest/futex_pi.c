/* futex_pi: locks whose word names the owner: taken, handed over, refused, left by the dead; condition
 * words whose sleepers go on to such a lock; and libc's mutexes and conditions that are made of them. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static uint32_t word, other, cond;
static int step; /* a futex itself: who has come how far */

static long futex(uint32_t *at, int op, uint32_t val, const void *timeout, uint32_t *at2,
		  uint32_t val3)
{
	return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, val, timeout, at2, val3);
}

static pid_t tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void reach(int n)
{
	__atomic_store_n(&step, n, __ATOMIC_SEQ_CST);
}

static void await(int n)
{
	while (__atomic_load_n(&step, __ATOMIC_SEQ_CST) < n)
		usleep(500);
}

static struct timespec in_ms(int clk, int ms)
{
	struct timespec ts;

	clock_gettime(clk, &ts);
	ts.tv_nsec += ms * 1000000L;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

/* The word, with numbers that are the same everywhere. */
static void say(const char *what, uint32_t v, pid_t holder)
{
	pid_t pid = v & FUTEX_TID_MASK;

	printf("%s:%s%s %s\n", what, v & FUTEX_WAITERS ? " waiters" : "",
	       v & FUTEX_OWNER_DIED ? " died" : "",
	       !pid	       ? "free"
	       : pid == holder ? "held"
			       : "other's");
}

static void *holder(void *arg)
{
	(void)arg;
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	reach(1);
	await(2);
	until_others_asleep();
	say("before unlock", word, tid());
	futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0); /* not shown: the next owner prints, too */
	return NULL;
}

static void alone(void)
{
	struct timespec past = {1, 0}, bad = {0, -1};

	word = 0;
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say("locked", word, tid());
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	say("unlocked", word, tid());
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	word = 0x3ffffff0; /* nobody has that number */
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say("nobody's", word, 0x3ffffff0);
	word = FUTEX_OWNER_DIED;
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say("the dead's", word, tid());
	word = 0;
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, (void *)8, NULL, 0));
	SHOW(futex(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	SHOW(futex((void *)((char *)&word + 1), FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex((void *)8, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void handed_over(void)
{
	struct timespec soon;
	pthread_t t;

	word = 0;
	reach(0);
	pthread_create(&t, NULL, holder, NULL);
	await(1);
	SHOW(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	soon = in_ms(CLOCK_REALTIME, 5);
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, &soon, NULL, 0));
	soon = in_ms(CLOCK_MONOTONIC, 5);
	SHOW(futex(&word, FUTEX_LOCK_PI2, 0, &soon, NULL, 0));
	reach(2);
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say("handed over", word, tid());
	pthread_join(t, NULL);
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	say("then", word, tid());
}

static void *dies(void *arg)
{
	(void)arg;
	futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	reach(1);
	until_others_asleep();
	return NULL;
}

static void left_by_the_dead(void)
{
	pthread_t t;

	word = 0;
	reach(0);
	pthread_create(&t, NULL, dies, NULL);
	await(1);
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say("left", word, tid());
	pthread_join(t, NULL);
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void *crosses(void *arg)
{
	(void)arg;
	futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	reach(1);
	if (futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		printf("crossing: %s\n", strerrorname_np(errno));
	futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	futex(&other, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

static void no_deadlock(void)
{
	pthread_t t;

	word = other = 0;
	reach(0);
	futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	pthread_create(&t, NULL, crosses, NULL);
	await(1);
	until_others_asleep();
	SHOW(futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &cond, word));
	futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	pthread_join(t, NULL);
}

static void *plain_sleeper(void *arg)
{
	(void)arg;
	reach(1);
	if (futex(&word, FUTEX_WAIT, word, NULL, NULL, 0))
		printf("plain: %s\n", strerrorname_np(errno));
	return NULL;
}

static void plain_waiter(void)
{
	pthread_t t;

	word = (uint32_t)tid();
	reach(0);
	pthread_create(&t, NULL, plain_sleeper, NULL);
	await(1);
	until_others_asleep();
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	pthread_join(t, NULL);
}

static int woken;

static void *at_condition(void *arg)
{
	long ret;

	(void)arg;
	ret = futex(&cond, FUTEX_WAIT_REQUEUE_PI, 7, NULL, &word, 0);
	if (ret)
		printf("requeued: %ld %s\n", ret, strerrorname_np(errno));
	else if ((pid_t)(word & FUTEX_TID_MASK) == tid())
		woken++;
	futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

static void requeued(void)
{
	struct timespec soon = in_ms(CLOCK_MONOTONIC, 5);
	pthread_t t[3];

	cond = 7;
	word = 0;
	SHOW(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 8, NULL, &word, 0));
	SHOW(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 7, NULL, &cond, 0));
	SHOW(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 7, &soon, &word, 0));
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 8));
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &word, 7));
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &cond, 7));
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 7));
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, at_condition, NULL);
	until_others_asleep();
	SHOW(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &other, 7));
	futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)5, &word, 7));
	say("with three behind", word, tid());
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("woken with the lock: %d\n", woken);
}

/* The lock is free: the first gets it at once. */
static void requeued_to_free(void)
{
	pthread_t t[2];

	woken = 0;
	word = 0;
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, at_condition, NULL);
	until_others_asleep();
	SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)5, &word, 7));
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	printf("woken with the lock: %d\n", woken);
}

static pthread_mutex_t mutex;
static long counter;

static void *counts(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *dies_with_it(void *arg)
{
	pthread_mutex_lock(&mutex);
	return arg;
}

static void libc_mutexes(void)
{
	pthread_mutexattr_t attr;
	pthread_t t[4];

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	printf("init %d\n", pthread_mutex_init(&mutex, &attr));
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, counts, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("counted %ld\n", counter);
	pthread_create(&t[0], NULL, dies_with_it, NULL);
	pthread_join(t[0], NULL);
	printf("after a death: %s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
	printf("consistent %d\n", pthread_mutex_consistent(&mutex));
	printf("unlock %d, lock %d, again %d\n", pthread_mutex_unlock(&mutex),
	       pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex));
}

/* In memory that two processes share: a child is killed while it has the lock, another waits for it. */
static void between_processes(void)
{
	pthread_mutex_t *lock =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *locked = (int *)((char *)lock + 2048);
	pthread_mutexattr_t attr;
	int status, err;
	pid_t pid[2];

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &attr);
	pid[0] = fork();
	if (!pid[0]) {
		pthread_mutex_lock(lock);
		*locked = 1;
		for (;;)
			pause();
	}
	while (!*locked)
		usleep(500);
	pid[1] = fork();
	if (!pid[1]) {
		err = pthread_mutex_lock(lock);
		if (err == EOWNERDEAD)
			pthread_mutex_consistent(lock);
		pthread_mutex_unlock(lock);
		_exit(err == EOWNERDEAD ? 42 : err);
	}
	until_asleep(pid[1]);
	kill(pid[0], SIGKILL);
	waitpid(pid[0], &status, 0);
	printf("killed %d\n", WIFSIGNALED(status));
	waitpid(pid[1], &status, 0);
	printf("the other had it %d\n", WEXITSTATUS(status));
	err = pthread_mutex_lock(lock);
	printf("lock %d unlock %d\n", err, pthread_mutex_unlock(lock));
}

static int order[3], nr_order;

static void *waits_with_priority(void *arg)
{
	struct sched_param p = {.sched_priority = (int)(long)arg};

	if (p.sched_priority)
		sched_setscheduler(0, SCHED_FIFO, &p); /* not for users: then all are alike */
	reach(step + 1);
	futex(&cond, FUTEX_WAIT, 7, NULL, NULL, 0);
	order[nr_order++] = p.sched_priority;
	return NULL;
}

/* Who is urgent is woken first. */
static void by_priority(void)
{
	pthread_t t[3];

	cond = 7;
	reach(0);
	for (long i = 0; i < 3; i++) {
		pthread_create(&t[i], NULL, waits_with_priority, (void *)(i * 10));
		await((int)i + 1);
		until_others_asleep();
	}
	for (int i = 0; i < 3; i++) {
		SHOW(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0));
		until_others_asleep();
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("woken in the order %d %d %d\n", order[0], order[1], order[2]);
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void *interrupts(void *arg)
{
	until_others_asleep();
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	until_others_asleep();
	futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

static void *holds_and_interrupts(void *arg)
{
	futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	reach(1);
	return interrupts(arg);
}

/* A handler runs, and the wait goes on, SA_RESTART or not. */
static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_usr1};
	pthread_t t, self = pthread_self();

	sigaction(SIGUSR1, &sa, NULL);
	word = 0;
	reach(0);
	pthread_create(&t, NULL, holds_and_interrupts, &self);
	await(1);
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	pthread_join(t, NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alone();
	handed_over();
	left_by_the_dead();
	no_deadlock();
	plain_waiter();
	requeued();
	requeued_to_free();
	interrupted();
	libc_mutexes();
	between_processes();
	by_priority();
	return 0;
}

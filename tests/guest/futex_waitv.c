/* futex_waitv: several words at once, and the calls of futex2. */
#include <errno.h>
#include <pthread.h>
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

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define SYS_futex_wake_ 454
#define SYS_futex_wait_ 455
#define SYS_futex_requeue_ 456
#define U32 2
#define NUMA 4
#define MPOL 8
#define PRIVATE 128

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static uint32_t word[130];
static struct waitv v[130];
static struct timespec soon;

static const struct timespec *in_ms(int clk, int ms)
{
	clock_gettime(clk, &soon);
	soon.tv_nsec += ms * 1000000L;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	return &soon;
}

static long waitv(unsigned nr, unsigned flags, const void *timeout, int clk)
{
	return syscall(SYS_futex_waitv, v, nr, flags, timeout, clk);
}

static void *wakes(void *arg)
{
	until_others_asleep();
	if (syscall(SYS_futex_wake_, &word[(long)arg], 0xffffffffUL, 5, U32 | PRIVATE) != 1)
		printf("nobody there\n");
	return NULL;
}

static void *waits_for_9(void *arg)
{
	(void)arg;
	if (syscall(SYS_futex_wait_, &word[9], 0UL, 0xffffffffUL, U32 | PRIVATE, NULL, 0))
		printf("wait: %s\n", strerrorname_np(errno));
	return NULL;
}

static void refused(void)
{
	struct timespec bad = {0, 1000000000};

	SHOW(waitv(0, 0, NULL, 0));
	SHOW(waitv(129, 0, NULL, 0));
	SHOW(waitv(1, 1, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, NULL, 1, 0, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, 8, 1, 0, NULL, 0));
	SHOW(waitv(1, 0, &bad, CLOCK_MONOTONIC));
	SHOW(waitv(1, 0, in_ms(CLOCK_MONOTONIC, 1), CLOCK_BOOTTIME));
	SHOW(waitv(1, 0, (void *)8, CLOCK_MONOTONIC));
	v[1].reserved = 1;
	SHOW(waitv(2, 0, NULL, 0));
	v[1].reserved = 0;
	v[1].flags = 1 | PRIVATE;
	SHOW(waitv(2, 0, NULL, 0));
	v[1].flags = U32 | 16;
	SHOW(waitv(2, 0, NULL, 0));
	v[1].flags = U32 | PRIVATE;
	v[1].val = 1UL << 32;
	SHOW(waitv(2, 0, NULL, 0));
	v[1].val = 0;
	v[1].uaddr++;
	SHOW(waitv(2, 0, NULL, 0));
	v[1].uaddr--;
	word[1] = 5;
	SHOW(waitv(2, 0, NULL, 0));
	word[1] = 0;
	SHOW(waitv(128, 0, in_ms(CLOCK_MONOTONIC, 5), CLOCK_MONOTONIC));
	SHOW(waitv(3, 0, in_ms(CLOCK_REALTIME, 5), CLOCK_REALTIME));
	SHOW(syscall(SYS_futex_wake_, word, 0xffffffffUL, 1, 1));
	SHOW(syscall(SYS_futex_wake_, word, 1UL << 32, 1, U32));
	SHOW(syscall(SYS_futex_wake_, word, 0UL, 1, U32));
	SHOW(syscall(SYS_futex_wake_, word, 1UL, 0, U32));
	SHOW(syscall(SYS_futex_wake_, (char *)word + 1, 1UL, 0, U32));
	SHOW(syscall(SYS_futex_wait_, word, 1UL, 0xffffffffUL, U32, NULL, 0));
	SHOW(syscall(SYS_futex_wait_, word, 0UL, 0UL, U32, NULL, 0));
	SHOW(syscall(SYS_futex_wait_, word, 0UL, 1UL, 0, NULL, 0));
	SHOW(syscall(SYS_futex_wait_, word, 0UL, 1UL, U32, in_ms(CLOCK_MONOTONIC, 5),
		     CLOCK_MONOTONIC));
	SHOW(syscall(SYS_futex_requeue_, v, 1, 1, 1));
	SHOW(syscall(SYS_futex_requeue_, NULL, 0, 1, 1));
	SHOW(syscall(SYS_futex_requeue_, v, 0, -1, 1));
	v[0].val = 3;
	SHOW(syscall(SYS_futex_requeue_, v, 0, 1, 1));
	v[0].val = 0;
	SHOW(syscall(SYS_futex_requeue_, v, 0, 1, 1));
}

static void woken(void)
{
	pthread_t t;

	pthread_create(&t, NULL, wakes, (void *)77);
	SHOW(waitv(128, 0, NULL, 0));
	pthread_join(t, NULL);
}

static void requeued(void)
{
	struct waitv *from = &v[9];
	pthread_t t;

	pthread_create(&t, NULL, waits_for_9, NULL);
	until_others_asleep();
	SHOW(syscall(SYS_futex_requeue_, from, 0, 0, 1)); /* to word 10 */
	SHOW(syscall(SYS_futex_wake_, &word[9], 0xffffffffUL, 1, U32 | PRIVATE));
	SHOW(syscall(SYS_futex_wake_, &word[10], 0xffffffffUL, 1, U32 | PRIVATE));
	pthread_join(t, NULL);
}

/* Shared memory, and another process. */
static void between_processes(void)
{
	uint32_t *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	v[0].uaddr = (uintptr_t)shared;
	v[0].flags = U32;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		until_asleep(getppid());
		_exit(syscall(SYS_futex_wake_, shared, 1UL, 1, U32) != 1);
	}
	SHOW(waitv(4, 0, NULL, 0));
	waitpid(pid, NULL, 0);
}

static uint32_t pair[4] __attribute__((aligned(8)));

static void *waits_for_pair(void *arg)
{
	(void)arg;
	if (syscall(SYS_futex_wait_, pair, 0UL, ~0U, U32 | NUMA | PRIVATE, NULL, 0))
		printf("wait: %s\n", strerrorname_np(errno));
	return NULL;
}

/* The second half says which node's waiters: of a machine with one it is 0, or not yet known. */
static void of_a_node(void)
{
	struct waitv two[2] = {{0, (uintptr_t)pair, U32 | NUMA | PRIVATE, 0},
			       {0, (uintptr_t)&pair[2], U32 | NUMA | PRIVATE, 0}};
	pthread_t t;

	SHOW(syscall(SYS_futex_wake_, &word[1], 1UL, 1, U32 | NUMA));
	SHOW(syscall(SYS_futex_wake_, (char *)pair + 2, 1UL, 1, U32 | NUMA));
	SHOW(syscall(SYS_futex_wake_, NULL, 1UL, 1, U32 | NUMA));
	SHOW(syscall(SYS_futex_wake_, pair, 0UL, 1, U32 | NUMA));
	pair[1] = ~0U;
	SHOW(syscall(SYS_futex_wake_, pair, 1UL, 0, U32 | NUMA));
	printf("node %d\n", (int)pair[1]);
	pair[1] = 1;
	SHOW(syscall(SYS_futex_wake_, pair, 1UL, 1, U32 | NUMA));
	SHOW(syscall(SYS_futex_wait_, pair, 0UL, 1UL, U32 | NUMA, NULL, 0));
	SHOW(syscall(SYS_futex_waitv, two, 1, 0, NULL, 0));
	pair[1] = -2;
	SHOW(syscall(SYS_futex_wake_, pair, 1UL, 1, U32 | NUMA | MPOL));
	pair[1] = ~0U;
	SHOW(syscall(SYS_futex_wait_, pair, 7UL, 1UL, U32 | NUMA | MPOL, NULL, 0));
	printf("node %d\n", (int)pair[1]);
	pair[1] = pair[3] = ~0U;
	pthread_create(&t, NULL, waits_for_pair, NULL);
	until_others_asleep();
	SHOW(syscall(SYS_futex_requeue_, two, 0, 0, 1));
	printf("nodes %d %d\n", (int)pair[1], (int)pair[3]);
	SHOW(syscall(SYS_futex_wake_, &pair[2], ~0U, 1, U32 | NUMA | MPOL | PRIVATE));
	pthread_join(t, NULL);
	pair[3] = 9;
	SHOW(syscall(SYS_futex_waitv, two, 2, 0, NULL, 0));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < 130; i++)
		v[i] = (struct waitv){0, (uintptr_t)&word[i], U32 | PRIVATE, 0};
	refused();
	woken();
	requeued();
	between_processes();
	of_a_node();
	return 0;
}

/* For a debugger (scripts/core_gdb.sh): three threads in functions of known names, with known values in registers, and a
 * fourth that stores where nothing is. */
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

static pthread_barrier_t all_there;

__attribute__((noinline)) static void circle(long n)
{
	asm volatile("movq %0, %%xmm7; pshufd $0x44, %%xmm7, %%xmm7" : : "r"(n) : "xmm7");
	pthread_barrier_wait(&all_there);
	asm volatile(
		"movq %0, %%xmm7; pshufd $0x44, %%xmm7, %%xmm7; mov %0, %%r12; 1: pause; jmp 1b"
		:
		: "r"(n)
		: "r12", "xmm7");
}

static void *thread(void *arg)
{
	circle((long)arg);
	return NULL;
}

__attribute__((noinline)) static void store(volatile int *p, int value)
{
	*p = value;
}

static volatile int depth;
static int *volatile nowhere = (int *)16;

__attribute__((noinline)) static void recurse(int n)
{
	if (n)
		recurse(n - 1);
	else
		store(nowhere, 42);
	depth++;
}

int main(void)
{
	struct rlimit r;
	pthread_t t;

	getrlimit(RLIMIT_CORE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_CORE, &r);
	pthread_barrier_init(&all_there, NULL, 4);
	for (long i = 1; i <= 3; i++)
		pthread_create(&t, NULL, thread, (void *)(0x1110 + i));
	pthread_barrier_wait(&all_there);
	recurse(3);
	printf("not reached\n");
	return 0;
}

/* Threads that race on purpose: what comes out depends on when each had its turn. Natively it differs from run to run;
 * in Vellum --seed N decides it. Prints the sum that is left, and the order in which lines were written. */
#include <pthread.h>
#include <stdio.h>

#define THREADS 4
#define ROUNDS 20000

static volatile long sum;
static volatile int turns[64], nr_turns;

static void *race(void *arg)
{
	int me = (long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		long seen = sum;

		if (nr_turns < 64 && (!nr_turns || turns[nr_turns - 1] != me))
			turns[nr_turns++] = me;
		sum = seen + 1; /* what others added meanwhile is lost */
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, race, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld", sum);
	for (int i = 0; i < nr_turns && i < 64; i++)
		printf(" %d", turns[i]);
	putchar('\n');
	return 0;
}

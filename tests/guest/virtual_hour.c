/* virtual_hour: an hour of sleep, in several ways, and what each clock says of it. Natively it takes hours:
 * tests/scripts/deterministic.sh runs it in virtual time. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define HOUR 3600

static volatile int expired;

static void on_alarm(int sig)
{
	(void)sig;
	expired++;
}

static long seconds(int clk)
{
	struct timespec ts;

	clock_gettime(clk, &ts);
	return ts.tv_sec;
}

/* In small pieces, each of its own length, so that the threads' wake-ups mix. */
static void *sleeps(void *arg)
{
	long piece = (long)arg, *slept;
	struct timespec ts = {piece, 0};
	static long total[4];

	slept = &total[piece - 1];
	for (long done = 0; done < HOUR; done += piece) {
		nanosleep(&ts, NULL);
		*slept += piece;
	}
	return slept;
}

int main(void)
{
	static const struct {
		int clk;
		const char *name;
	} clocks[] = {{CLOCK_REALTIME, "REALTIME"},
		      {CLOCK_MONOTONIC, "MONOTONIC"},
		      {CLOCK_BOOTTIME, "BOOTTIME"}};
	struct itimerval second = {{1, 0}, {1, 0}}, none = {{0, 0}, {0, 0}};
	long begun[3], t0 = time(NULL), same = 0;
	unsigned long tsc = __rdtsc();
	pthread_t t[4];
	void *slept;
	long m;

	for (int i = 0; i < 3; i++)
		begun[i] = seconds(clocks[i].clk);
	sleep(HOUR);
	for (int i = 0; i < 3; i++)
		printf("%s %ld\n", clocks[i].name, seconds(clocks[i].clk) - begun[i]);
	printf("time %ld\n", time(NULL) - t0);
	printf("tsc %ld\n", (long)((__rdtsc() - tsc) / 1000000000));

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &second, NULL);
	while (expired < HOUR)
		pause();
	setitimer(ITIMER_REAL, &none, NULL);
	printf("timer expired %d times\n", expired);

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, sleeps, (void *)(i + 1));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &slept);
		same += *(long *)slept == HOUR;
	}
	printf("threads slept %ld x %d\n", same, HOUR);

	m = seconds(CLOCK_MONOTONIC);
	poll(NULL, 0, HOUR * 1000);
	printf("poll %ld\n", seconds(CLOCK_MONOTONIC) - m);
	return 0;
}

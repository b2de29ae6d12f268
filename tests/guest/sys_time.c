/* sys_time: clocks that go on, sleeps that last, and what the time calls refuse. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static long long now(int clock)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Did the call take at least so many milliseconds, and not the whole day? */
#define LASTS(ms, call)                                                                            \
	do {                                                                                       \
		long long start_ = now(CLOCK_MONOTONIC), took_;                                    \
		T(call);                                                                           \
		took_ = now(CLOCK_MONOTONIC) - start_;                                             \
		printf("  long enough %d, not too long %d\n", took_ >= (ms)*1000000LL,             \
		       took_ < 5000000000LL);                                                      \
	} while (0)

int main(void)
{
	static const int clocks[] = {
		CLOCK_REALTIME,		 CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,	 CLOCK_BOOTTIME,      CLOCK_TAI};
	struct timespec ts, twenty = {0, 20000000}, bad = {0, 1000000000}, neg = {-1, 0};
	struct timeval tv, limit = {0, 20000};
	struct tms tms;
	struct rusage ru;
	struct pollfd p = {.fd = -1, .events = POLLIN};
	fd_set set;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		long long a = now(clocks[i]), b = now(clocks[i]);

		clock_getres(clocks[i], &ts);
		printf("clock %d: set %d, forwards %d, resolution %d\n", clocks[i], a > 0, b >= a,
		       ts.tv_sec == 0 && ts.tv_nsec > 0);
	}
	printf("clock 99: %ld\n", syscall(SYS_clock_gettime, 99, &ts));
	gettimeofday(&tv, NULL);
	printf("gettimeofday agrees %d\n",
	       tv.tv_sec - now(CLOCK_REALTIME) / 1000000000 <= 1 && tv.tv_usec < 1000000);
	printf("time agrees %d\n", time(NULL) - tv.tv_sec <= 1);
	printf("times %d\n", times(&tms) != -1);
	printf("getrusage %d faults %d\n", getrusage(RUSAGE_SELF, &ru), ru.ru_minflt > 0);

	LASTS(20, nanosleep(&twenty, NULL));
	LASTS(20, clock_nanosleep(CLOCK_MONOTONIC, 0, &twenty, NULL));
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	LASTS(19, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	ts.tv_sec -= 5;
	LASTS(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	T(nanosleep(&bad, NULL));
	T(nanosleep(&neg, NULL));
	T(clock_nanosleep(99, 0, &twenty, NULL));
	LASTS(20, poll(&p, 1, 20));
	LASTS(20, poll(NULL, 0, 20));
	LASTS(20, ppoll(NULL, 0, &twenty, NULL));
	T(ppoll(NULL, 0, &bad, NULL));
	p.fd = 99;
	T(poll(&p, 1, -1));
	printf("revents %#x\n", p.revents);
	LASTS(20, select(0, NULL, NULL, NULL, &limit));
	printf("time left %ld\n", (long)limit.tv_usec);
	FD_ZERO(&set);
	FD_SET(99, &set);
	limit.tv_usec = 0;
	T(select(100, &set, NULL, NULL, &limit));
	return 0;
}

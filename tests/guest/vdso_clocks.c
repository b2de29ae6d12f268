/* vdso_clocks: what the vdso's functions say and what the system calls say is one time; none of the two
 * ever goes back against the other. Found in the ELF image that AT_SYSINFO_EHDR names, as a libc does. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "vdso_find.h"

static int (*v_gettime)(clockid_t, struct timespec *);
static int (*v_getres)(clockid_t, struct timespec *);
static int (*v_gettimeofday)(struct timeval *, struct timezone *);
static time_t (*v_time)(time_t *);
static long (*v_getcpu)(unsigned *, unsigned *, void *);

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

static long long by_call(int clk)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, clk, &ts);
	return ns(&ts);
}

static long long by_vdso(int clk)
{
	struct timespec ts;

	v_gettime(clk, &ts);
	return ns(&ts);
}

/* The two in turn: never back; and not far apart. */
static void agree(int clk)
{
	long long last = by_call(clk), now, back = 0, near = 1LL << 62;

	for (int i = 0; i < 3000; i++) {
		now = i & 1 ? by_call(clk) : by_vdso(clk);
		if (now < last)
			back++;
		if (now - last < near)
			near = now - last;
		last = now;
	}
	printf("clock %d: back %lld, near %d\n", clk, back, near < 20000);
}

/* For a while, as new parameters arrive. */
static void goes_on(int clk)
{
	long long begun = by_vdso(clk), last = begun, now, back = 0;

	do {
		now = by_vdso(clk);
		if (now < last)
			back++;
		last = now;
	} while (now - begun < 60000000);
	printf("clock %d for a while: back %lld\n", clk, back);
}

static sigjmp_buf out;

static void on_segv(int sig)
{
	siglongjmp(out, sig);
}

static void bad_pointers(void)
{
	struct timespec ts;

	signal(SIGSEGV, on_segv);
	if (sigsetjmp(out, 1) == 0)
		printf("gettime(bad) %d\n", v_gettime(CLOCK_MONOTONIC, (void *)8));
	else
		printf("gettime(bad): SIGSEGV\n");
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8));
	SHOW(syscall(SYS_clock_gettime, 99, &ts));
	printf("gettime(99) %d\n", v_gettime(99, &ts));
	printf("gettime(-3) %d\n", v_gettime(-3, &ts));
	printf("getres(99) %d\n", v_getres(99, &ts));
	printf("getres(16) %d\n", v_getres(16, &ts));
}

static void others(void)
{
	static const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 11, 12};
	struct timespec r, s;
	struct timeval tv;
	struct timezone tz = {1, 1};
	unsigned cpu = 99, node = 99;
	time_t t, t2 = 0;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		int a, b;

		memset(&r, 0, sizeof(r));
		memset(&s, 0, sizeof(s));
		a = v_getres(clocks[i], &r);
		b = (int)syscall(SYS_clock_getres, clocks[i], &s);
		printf("getres %d: %d %d, equal %d\n", clocks[i], a, b ? -errno : 0,
		       ns(&r) == ns(&s));
	}
	printf("getres NULL %d\n", v_getres(CLOCK_REALTIME, NULL));
	printf("gettimeofday %d", v_gettimeofday(&tv, &tz));
	printf(" near %d zone %d %d\n",
	       by_call(CLOCK_REALTIME) / 1000 - (tv.tv_sec * 1000000LL + tv.tv_usec) < 1000000,
	       tz.tz_minuteswest, tz.tz_dsttime);
	printf("gettimeofday(NULL) %d\n", v_gettimeofday(NULL, NULL));
	t = v_time(&t2);
	printf("time %d near %d\n", t == t2, by_call(CLOCK_REALTIME) / 1000000000 - t < 2);
	SHOW(v_getcpu(&cpu, &node, NULL));
	printf("sane %d node %u\n", cpu < 4096, node);
	printf("getcpu(NULL) %ld\n", v_getcpu(NULL, NULL, NULL));
}

/* The same functions as system calls, and what only those can refuse. */
static void by_calls(void)
{
	struct timeval tv, v;
	unsigned cpu = 99, node = 99;
	time_t t;

	SHOW(syscall(SYS_gettimeofday, &tv, NULL));
	v_gettimeofday(&v, NULL);
	printf("near %d\n",
	       v.tv_sec * 1000000LL + v.tv_usec - tv.tv_sec * 1000000LL - tv.tv_usec < 1000000);
	SHOW(syscall(SYS_gettimeofday, NULL, NULL));
	SHOW(syscall(SYS_gettimeofday, 8, NULL));
	SHOW(syscall(SYS_gettimeofday, NULL, 8));
	printf("time near %d\n", v_time(NULL) - syscall(SYS_time, &t) < 2);
	printf("stored %d\n", v_time(NULL) - t < 2);
	SHOW(syscall(SYS_time, 8));
	SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
	printf("sane %d node %u\n", cpu < 4096, node);
	SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
	SHOW(syscall(SYS_getcpu, 8, NULL, NULL));
	SHOW(syscall(SYS_getcpu, NULL, 8, NULL));
}

int main(void)
{
	v_gettime = vdso_find("__vdso_clock_gettime");
	v_getres = vdso_find("__vdso_clock_getres");
	v_gettimeofday = vdso_find("__vdso_gettimeofday");
	v_time = vdso_find("__vdso_time");
	v_getcpu = vdso_find("__vdso_getcpu");
	if (!v_gettime || !v_getres || !v_gettimeofday || !v_time || !v_getcpu) {
		printf("no vdso\n");
		return 1;
	}
	agree(CLOCK_REALTIME);
	agree(CLOCK_MONOTONIC);
	agree(CLOCK_MONOTONIC_RAW);
	agree(CLOCK_REALTIME_COARSE);
	agree(CLOCK_MONOTONIC_COARSE);
	agree(CLOCK_BOOTTIME);
	agree(CLOCK_TAI);
	goes_on(CLOCK_MONOTONIC);
	goes_on(CLOCK_MONOTONIC_RAW);
	goes_on(CLOCK_REALTIME_COARSE);
	others();
	by_calls();
	bad_pointers();
	return 0;
}

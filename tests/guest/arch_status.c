/* /proc/PID/arch_status: on a CPU with AVX-512, for how many ms a task has left its registers alone. What counts is
 * whether they are in use when the task leaves the CPU; those of a child start afresh. */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WIDE 0xe6 /* AVX and AVX-512, and SSE's part of them, for XRSTOR */

static char area[4096] __attribute__((aligned(64))); /* all zero: nothing is in use */
static char text[8][64];
static int nr_texts;

/* No function of libc's that could use vectors is called between these, but thin ones for system calls. */
static void use(void)
{
	__asm__ volatile("vpternlogd $0xff, %zmm17, %zmm17, %zmm17");
}

static void leave_alone(void)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(WIDE), "d"(0) : "memory");
}

static void nap(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL);
}

static void look(void)
{
	int fd = open("/proc/self/arch_status", O_RDONLY);

	if (read(fd, text[nr_texts++], 63) < 0)
		_exit(2);
	close(fd);
}

static void print(int from)
{
	for (int i = from; i < nr_texts; i++) {
		char *end, *number = strchr(text[i], '\t');
		long ms = number ? strtol(number, &end, 10) : 0;

		if (!number)
			printf("%d: '%s'\n", i, text[i]);
		else
			printf("%d: %.*s %s%s", i, (int)(number - text[i]), text[i],
			       ms < 0	  ? "never"
			       : ms < 300 ? "just now"
					  : "long ago",
			       end);
	}
	fflush(stdout);
}

static int has_avx512(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_AVX512F;
}

int main(void)
{
	if (!has_avx512()) {
		look();
		print(0);
		return 0;
	}
	use();
	nap(1);
	look();
	leave_alone();
	nap(400);
	look(); /* not used since */
	use();
	look(); /* nobody has seen that yet */
	nap(1);
	leave_alone();
	look();
	if (!fork()) {
		look();
		nap(1);
		look();
		use();
		nap(1);
		look();
		print(4);
		_exit(0);
	}
	wait(NULL);
	print(0);
	return 0;
}

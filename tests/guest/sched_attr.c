/* sched_getattr(2): each size, each argument that is refused, and the nice value of others. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define ATTR_SIZE 56 /* 6.18's */
#define PAGE 4096U

static unsigned char *room; /* a page, and behind it none */

static long get(int pid, void *attr, unsigned size, unsigned flags)
{
	return syscall(SYS_sched_getattr, pid, attr, size, flags);
}

/* The slice depends on how many CPUs there are, as all of Linux's default slices do. */
static uint64_t default_slice(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t slice = 700000;

	for (long n = cpus < 8 ? cpus : 8; n > 1; n /= 2)
		slice += 700000;
	return slice;
}

/* @size bytes that end where the page does. */
static void of_size(unsigned size)
{
	unsigned char *attr = room + PAGE - size;
	uint64_t slice;

	memset(room, 0xee, PAGE);
	printf("%u bytes: ", size);
	if (show("sched_getattr", get(0, attr, size, 0)) < 0)
		return;
	memcpy(&slice, attr + 24, sizeof(slice));
	printf("the slice is %s; ", slice == default_slice() ? "the default" : "another");
	memset(attr + 24, 0, sizeof(slice));
	for (unsigned i = 0; i < size; i++)
		if (attr[i])
			printf(" %u:%02x", i, attr[i]);
	printf(", before it %02x\n", size < PAGE ? attr[-1] : 0xee);
}

static void refused(void)
{
	SHOW(get(0, NULL, ATTR_SIZE, 0));
	SHOW(get(0, room, ATTR_SIZE, 1));
	SHOW(get(-1, room, ATTR_SIZE, 0));
	SHOW(get(0x7ffffffe, room, ATTR_SIZE, 0));
	SHOW(get(0x7ffffffe, NULL, ATTR_SIZE, 0));
	SHOW(get(0, room + PAGE, ATTR_SIZE, 0));
	SHOW(get(0, room + PAGE - 8, ATTR_SIZE, 0));
	/* What is behind it cannot be cleared. */
	SHOW(get(0, room + PAGE - ATTR_SIZE, ATTR_SIZE + 1, 0));
	SHOW(get(0, (void *)8, ATTR_SIZE, 0));
	SHOW(get(0, room, 0, 0));
	/* Upper halves do not count. */
	SHOW(syscall(SYS_sched_getattr, 1L << 32, room, ATTR_SIZE | 1L << 32, 1L << 32));
}

static void of_a_child(void)
{
	pid_t child = fork();
	int nice;

	if (!child) {
		pause();
		_exit(0);
	}
	SHOW(setpriority(PRIO_PROCESS, child, 19));
	SHOW(get(child, room, ATTR_SIZE, 0));
	memcpy(&nice, room + 16, sizeof(nice));
	printf("nice %d\n", nice);
	kill(child, SIGKILL);
	waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
	SHOW(get(child, room, ATTR_SIZE, 0)); /* a zombie has them, too */
	waitpid(child, NULL, 0);
	SHOW(get(child, room, ATTR_SIZE, 0));
}

int main(void)
{
	static const unsigned sizes[] = {0, 47, 48, 49, 55, 56, 57, 64, 100, PAGE};

	room = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(room + PAGE, PAGE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		of_size(sizes[i]);
	SHOW(get(0, room, PAGE + 1, 0));
	refused();
	fflush(stdout);
	of_a_child();
	return 0;
}

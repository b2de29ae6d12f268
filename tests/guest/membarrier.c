/* membarrier(2): the commands that exist, which of them want a registration first, bad flags, and
 * what fork, vfork and exec inherit. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET_REGISTRATIONS (1 << 9)

static const struct {
	const char *name;
	int cmd;
} commands[] = {
#define C(name)                                                                                    \
	{                                                                                          \
#name, MEMBARRIER_CMD_##name                                                       \
	}
	C(QUERY),
	C(GLOBAL),
	C(GLOBAL_EXPEDITED),
	C(REGISTER_GLOBAL_EXPEDITED),
	C(PRIVATE_EXPEDITED),
	C(REGISTER_PRIVATE_EXPEDITED),
	C(PRIVATE_EXPEDITED_SYNC_CORE),
	C(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE),
	C(PRIVATE_EXPEDITED_RSEQ),
	C(REGISTER_PRIVATE_EXPEDITED_RSEQ),
	{"GET_REGISTRATIONS", GET_REGISTRATIONS},
	{"unknown: 1 << 10", 1 << 10},
	{"two at once", MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_PRIVATE_EXPEDITED},
	{"negative", -1},
};
#define NR (sizeof(commands) / sizeof(commands[0]))

static void call(const char *what, int cmd, unsigned flags, int cpu)
{
	long r = syscall(SYS_membarrier, cmd, flags, cpu);

	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %#lx\n", what, r);
}

static void registrations(const char *when)
{
	printf("%s, registered: %#lx\n", when, syscall(SYS_membarrier, GET_REGISTRATIONS, 0, 0));
}

static void flags(void)
{
	static const unsigned some[] = {1, 2, 3, 0x80000000};

	for (unsigned f = 0; f < 4; f++)
		for (unsigned i = 0; i < NR; i++) {
			char what[80];

			snprintf(what, sizeof(what), "%s, flags %#x", commands[i].name, some[f]);
			call(what, commands[i].cmd, some[f], 0);
		}
}

/* A child of its own each, so that nothing is registered yet. */
static void in_child(void (*fn)(int), int arg)
{
	fflush(stdout);
	if (!fork()) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void one_registration(int i)
{
	printf("-- after %s\n", commands[i].name);
	for (int n = 0; n < 2; n++)
		call(commands[i].name, commands[i].cmd, 0, 0);
	registrations("now");
	for (unsigned j = 0; j < NR; j++)
		if (!strncmp(commands[j].name, "PRIVATE", 7))
			call(commands[j].name, commands[j].cmd, 0, 0);
	registrations("at the end");
}

static void of_a_cpu(int unused)
{
	(void)unused;
	printf("-- RSEQ of one CPU\n");
	call("unregistered", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0);
	call("register", MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0);
	call("CPU 0", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0);
	call("CPU 1000000", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU,
	     1000000);
	call("ignored without the flag", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 1000000);
}

static void grandchild(int unused)
{
	(void)unused;
	registrations("in a fork's child");
	call("private there", MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	call("one more there", MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

static void inherit(int unused)
{
	(void)unused;
	printf("-- inheritance\n");
	call("register", MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	in_child(grandchild, 0);
	registrations("in the parent, after it");
	fflush(stdout);
	if (!vfork()) { /* has this very mm */
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
		_exit(0);
	}
	wait(NULL);
	registrations("after a vfork's child registered more");
	fflush(stdout);
	execl("/proc/self/exe", "membarrier", "again", NULL);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		registrations("after exec");
		return 0;
	}
	printf("-- unregistered\n");
	for (unsigned i = 0; i < NR; i++)
		if (strncmp(commands[i].name, "REGISTER", 8))
			call(commands[i].name, commands[i].cmd, 0, 0);
	printf("-- flags\n");
	flags();
	registrations("after all that");
	for (unsigned i = 0; i < NR; i++)
		if (!strncmp(commands[i].name, "REGISTER", 8))
			in_child(one_registration, i);
	in_child(of_a_cpu, 0);
	in_child(inherit, 0);
	return 0;
}

/* q05_exec_args: the limits of argument strings, and what execve resets (1.4, 4.1, 5.9). */
#include "probe.h"

static char one[140000];

static void run(const char *label, char **argv, char **envp, const char *path)
{
	int status;

	if (!fork()) {
		execve(path, argv, envp);
		printf("%s: %s\n", label, en(errno));
		_exit(0);
	}
	wait(&status);
}

int main(int argc, char **argv)
{
	begin();
	if (argc > 1) {
		long sum = 0;
		for (int i = 2; i < argc; i++)
			sum += strlen(argv[i]) + 1;
		printf("%s: argc %d, bytes %ld, VmLck %ld, heap %d, peak is now %d\n", argv[1],
		       argc, sum, st("VmLck"), !!strstr(slurp("/proc/self/maps"), "[heap]"),
		       st("VmPeak") < 4096);
		printf("cmdline length %d\n", !!slurp("/proc/self/cmdline")[0]);
		char *p = mmap(0, 4 * PG, RW, ANON, -1, 0);
		counters("MCL_FUTURE is gone", p);
		return 0;
	}
	char *env[] = {"A=1", 0}, self[] = "/proc/self/exe";
	memset(one, 'x', sizeof one - 1);
	char *a2[] = {"p", "one string", one, 0};
	one[131070] = 0;
	run("131071 bytes", a2, env, self);
	one[131070] = 'x';
	one[131071] = 0;
	run("131072 bytes", a2, env, self);
	one[131071] = 'x';
	one[131072] = 0;
	run("131073 bytes", a2, env, self);
	char *e2[] = {one, 0};
	run("the same in envp", (char *[]){"p", "x", 0}, e2, self);
	static char *many[200];
	one[100000] = 0;
	many[0] = "p", many[1] = "many";
	for (int i = 2; i < 22; i++)
		many[i] = one;
	run("20 of 100001", many, env, self);
	many[22] = one;
	run("21 of 100001: over a quarter of the stack limit", many, env, self);
	run("no file", (char *[]){"p", 0}, env, "/nonexistent/x");
	run("a directory", (char *[]){"p", 0}, env, "/tmp");
	run("bad argv", (char **)8, env, self);
	run("bad string", (char *[]){"p", (char *)8, 0}, env, self);
	run("bad path", (char *[]){"p", 0}, env, (char *)8);
	run("empty argv", (char *[]){0}, env, "/dev/null");
	mlockall(MCL_CURRENT | MCL_FUTURE);
	run("locked", (char *[]){"p", "after mlockall", 0}, env, self);
	return 0;
}

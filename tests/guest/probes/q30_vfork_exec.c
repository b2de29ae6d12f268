/* q30_vfork_exec: CLONE_VM, vfork and exec: what is shared, counted once, and reset (5.9, 4.1). */
#include "probe.h"

static char stack[65536] __attribute__((aligned(64)));
static char *p;
static int shared = 1;

static int thread(void *arg)
{
	shared = 2;
	F((char *)arg, p[0] = 1);
	munmap(p + PG, PG);
	return 7;
}

int main(int argc, char **argv)
{
	begin();
	if (argc > 1) {
		struct rusage r;
		getrusage(RUSAGE_SELF, &r);
		printf("exec'ed: minflt %d, VmLck %ld, %s", r.ru_minflt < 120, st("VmLck"),
		       slurp("/proc/self/comm"));
		printf("oom_score_adj %s", slurp("/proc/self/oom_score_adj"));
		printf("merge %d thp %d dumpable %d pdeathsig %d\n", prctl(68, 0, 0, 0, 0),
		       prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE), 0);
		printf("filter %s", slurp("/proc/self/coredump_filter"));
		return 0;
	}
	int status;
	(void)argv;
	memset(stack, 0, sizeof stack);
	p = arena(16);
	map(p, 4, RW, ANON, -1, 0);
	int pid = clone(thread, stack + sizeof stack, CLONE_VM | SIGCHLD, "CLONE_VM child");
	waitpid(pid, &status, 0);
	printf("%s, shared %d\n", ended(status), shared);
	shape("its munmap is ours", p, 8);
	F("its page is ours", p[0] = 2);
	shared = 1;
	map(p, 4, RW, ANON, -1, 0);
	pid = clone(thread, stack + sizeof stack, SIGCHLD, "fork-like child");
	waitpid(pid, &status, 0);
	printf("%s, shared %d\n", ended(status), shared);
	shape("its own", p, 8);
	F("fresh here", p[0] = 2);
	pid = clone(thread, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
		    "CLONE_VFORK child");
	printf("it ran first: shared %d\n", shared);
	waitpid(pid, &status, 0);
	map(p, 4, RW, ANON, -1, 0);
	volatile int seen = 0;
	pid = vfork();
	if (!pid) {
		seen = 5;
		map(p + 8 * PG, 2, RW, ANON, -1, 0);
		p[9 * PG] = 'v';
		execve("/nonexistent", argv, (char *[]){0});
		_exit(errno == ENOENT ? 3 : 4);
	}
	waitpid(pid, &status, 0);
	printf("vfork: %s, seen %d, %c\n", ended(status), seen, p[9 * PG]);
	shape("mapped by it", p, 16);
	put("/proc/self/oom_score_adj", "123");
	put("/proc/self/coredump_filter", "0x7");
	prctl(67, 1, 0, 0, 0);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	mlockall(MCL_FUTURE);
	pid = vfork();
	if (!pid) {
		execve("/proc/self/exe", (char *[]){"p", "x", 0}, (char *[]){0});
		_exit(9);
	}
	waitpid(pid, &status, 0);
	printf("%s\n", ended(status));
	entry("still ours", p);
	printf("dumpable %d merge %d\n", prctl(PR_GET_DUMPABLE), prctl(68, 0, 0, 0, 0));
	return 0;
}

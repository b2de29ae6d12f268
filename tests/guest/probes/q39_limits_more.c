/* q39_limits_more: RLIMIT_AS, DATA and STACK met by what adds memory without being mmap: shmat, execve, a
 * stack, a fork, a child's mappings (1.4, 5.1, 5.2, 5.9). */
#include "probe.h"

static char *p;
static int id;

static void limit(int which, long pages)
{
	struct rlimit r;

	getrlimit(which, &r);
	r.rlim_cur = pages * PG;
	setrlimit(which, &r);
}

static long pages(const char *field)
{
	return st(field) / 4;
}

static void as_limits(void)
{
	int fd = memfd("limits", 16);

	map(p, 4, RW, ANON, -1, 0);
	limit(RLIMIT_AS, pages("VmSize") + 8);
	TA("shmat 16 pages", shmat(id, p + 20 * PG, 0), p);
	TA("memfd 9", map(p + 20 * PG, 9, RW, MAP_SHARED, fd, 0), p);
	TA("memfd 8", map(p + 20 * PG, 8, RW, MAP_SHARED, fd, 0), p);
	TA("over itself", map(p + 20 * PG, 8, RW, ANON, -1, 0), p);
	TA("over itself and one more", map(p + 20 * PG, 9, RW, ANON, -1, 0), p);
	TA("grows in place", mremap(p, 4 * PG, 5 * PG, 0), p);
	TA("noreserve", map(p + 50 * PG, 1, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), p);
	TA("huge, unreserved", mmap(0, 512 * PG, RW, ANON | MAP_HUGETLB | MAP_NORESERVE, -1, 0), p);
	munmap(p + 24 * PG, PG);
	TA("a hole filled", map(p + 24 * PG, 1, RW, ANON, -1, 0), p);
	munmap(p + 20 * PG, 8 * PG);
	T("remap_file_pages", remap_file_pages(p, 4 * PG, 0, 0, 0));
	T("fork", fork() ? wait(0) > 0 : (_exit(0), 0));
	/* Secret memory counts as locked, too; here only as memory. */
	fd = syscall(447, 0);
	TM("secret size", ftruncate(fd, 16 * PG));
	TA("secret 9", map(p + 20 * PG, 9, RW, MAP_SHARED, fd, 0), p);
	TA("secret 8", map(p + 20 * PG, 8, RW, MAP_SHARED, fd, 0), p);
}

static void data_limits(void)
{
	map(p, 4, RW, ANON, -1, 0);
	map(p + 10 * PG, 16, PROT_READ, ANON, -1, 0);
	limit(RLIMIT_DATA, pages("VmData") + 4);
	TA("shmat", shmat(id, p + 30 * PG, 0), p);
	T("mprotect 5", mprotect(p + 10 * PG, 5 * PG, RW));
	T("mprotect 4", mprotect(p + 10 * PG, 4 * PG, RW));
	T("1 more", mprotect(p + 14 * PG, PG, RW));
	T("back", mprotect(p + 10 * PG, 2 * PG, PROT_READ));
	T("2 more", mprotect(p + 14 * PG, 2 * PG, RW));
	TA("mremap", mremap(p, 4 * PG, 5 * PG, MREMAP_MAYMOVE), p);
	TA("moved", mremap(p, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, p + 60 * PG), p);
	TA("droppable", mmap(p + 80 * PG, PG, RW, DROPPABLE | FX, -1, 0), p);
	TA("stack", mmap(p + 100 * PG, PG, RW, ANON | MAP_GROWSDOWN | FX, -1, 0), p);
}

static void grow(void)
{
	volatile char *s = map(p + 120 * PG, 1, RW, ANON | MAP_GROWSDOWN, -1, 0);

	for (int i = 1; i <= 8; i++) {
		s[-i * (long)PG] = 1;
		printf("grown %d\n", i);
	}
}

static void stack_as(void)
{
	limit(RLIMIT_AS, pages("VmSize") + 5);
	grow();
}

static void stack_data(void)
{
	limit(RLIMIT_DATA, pages("VmData"));
	grow();
}

static void stack_stack(void)
{
	limit(RLIMIT_STACK, 5);
	grow();
}

static void stack_kernel(void)
{
	int zero = open("/dev/zero", O_RDONLY);
	char *s = map(p + 120 * PG, 1, RW, ANON | MAP_GROWSDOWN, -1, 0);

	limit(RLIMIT_STACK, 4);
	T("read below by 3", read(zero, s - 3 * PG, 8));
	T("read below by 4", read(zero, s - 4 * PG, 8));
	T("read across", read(zero, s - 4 * PG + 100, 2 * PG));
}

static void run_self(void)
{
	execl("/proc/self/exe", "self", "run", (char *)0);
	printf("execve: %s\n", en(errno));
}

static void exec_as(void)
{
	limit(RLIMIT_AS, 8);
	run_self();
}

static void exec_as_some(void)
{
	limit(RLIMIT_AS, 100);
	run_self();
}

static void exec_data(void)
{
	limit(RLIMIT_DATA, 0);
	run_self();
}

static void exec_stack(void)
{
	limit(RLIMIT_STACK, 1);
	run_self();
}

static void exec_enough(void)
{
	limit(RLIMIT_AS, 2000);
	run_self();
}

int main(int argc, char **argv)
{
	(void)argv;
	begin();
	if (argc > 1) {
		printf("it runs\n");
		return 0;
	}
	p = arena(128);
	id = shmget(IPC_PRIVATE, 16 * PG, IPC_CREAT | 0600);
	in_child("AS", as_limits);
	in_child("DATA", data_limits);
	in_child("a stack under AS", stack_as);
	in_child("a stack under DATA", stack_data);
	in_child("a stack under STACK", stack_stack);
	in_child("the kernel grows it", stack_kernel);
	in_child("execve, 8 pages", exec_as);
	in_child("execve, 100 pages", exec_as_some);
	in_child("execve, no data", exec_data);
	in_child("execve, one page of stack", exec_stack);
	in_child("execve, enough", exec_enough);
	shmctl(id, IPC_RMID, 0);
	return 0;
}

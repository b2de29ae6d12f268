/* q02_stack_limit: the stack grows up to the soft RLIMIT_STACK of the moment, however far below rsp (1.4). */
#include "probe.h"

static unsigned long stack_end(void)
{
	char *text = slurp("/proc/self/maps");
	unsigned long s, e;

	for (char *l; (l = next_line(&text));)
		if (strstr(l, "[stack]") && sscanf(l, "%lx-%lx", &s, &e) == 2)
			return e;
	return 0;
}

static void child(const char *label, unsigned long limit, unsigned long depth)
{
	char *end = (char *)stack_end();
	int status;

	if (!fork()) {
		struct rlimit r = {limit, limit};
		if (limit && setrlimit(RLIMIT_STACK, &r))
			_exit(3);
		*(volatile char *)(end - depth) = 1;
		printf("%s: VmStk %ld", label, st("VmStk"));
		munmap(end - depth, PG);
		printf(", lowest page unmapped %ld\n", st("VmStk"));
		_exit(0);
	}
	wait(&status);
	printf("%s: %s\n", label, ended(status));
}

int main(void)
{
	begin();
	struct rlimit r = {8 << 20, 8 << 20};
	T("setrlimit 8 MiB", setrlimit(RLIMIT_STACK, &r));
	child("1 MiB below the end", 0, 1 << 20);
	child("8 MiB", 0, 8 << 20);
	child("8 MiB and a page", 0, (8 << 20) + PG);
	child("limit 1 MiB, at the limit", 1 << 20, 1 << 20);
	child("limit 1 MiB, a page more", 1 << 20, (1 << 20) + PG);
	child("limit 1 MiB and a byte, a page more", (1 << 20) + 1, (1 << 20) + PG);
	child("limit below what is there, inside", 64 << 10, 16 << 10);
	child("limit 300 kB, 302 kB", 300 << 10, 302 << 10);
	printf("minflt of a store far below: ");
	char *end = (char *)stack_end();
	F("", *(volatile char *)(end - (3 << 20)) = 1);
	F("between, first time", *(volatile char *)(end - (2 << 20)) = 1);
	F("between, again", *(volatile char *)(end - (2 << 20)) = 1);
	printf("VmStk %ld\n", st("VmStk"));
	return 0;
}

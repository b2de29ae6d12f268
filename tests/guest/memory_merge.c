/* prctl(PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE): errors, what it does to areas old and new, and
 * what fork and exec inherit; /proc/self/ksm_stat. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SET 67
#define GET 68
#define PG 4096UL

static void call(const char *what, int op, unsigned long a, unsigned long b, unsigned long c,
		 unsigned long d)
{
	int r = prctl(op, a, b, c, d);

	printf("%s: %d %s\n", what, r, r < 0 ? strerrorname_np(errno) : "");
}

/* Is "mg" among the flags of the area at @p? */
static int is_mg(const void *p)
{
	unsigned long start, end;
	char line[512];
	int here = 0, mg = -1;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (unsigned long)p >= start && (unsigned long)p < end;
		else if (here && !strncmp(line, "VmFlags:", 8))
			mg = strstr(line, " mg") != NULL;
	}
	fclose(f);
	return mg;
}

static void ksm_stat(const char *when)
{
	char line[256];
	FILE *f = fopen("/proc/self/ksm_stat", "r");

	if (!f) {
		printf("%s: no ksm_stat: %s\n", when, strerrorname_np(errno));
		return;
	}
	while (fgets(line, sizeof(line), f))
		printf("%s: %s", when, line);
	fclose(f);
}

static void *map(int prot, int flags, int fd)
{
	return mmap(NULL, 4 * PG, prot, flags, fd, 0);
}

struct areas {
	char *anon, *none, *shared, *file, *shared_file, *dontmerge;
};

static void make(struct areas *a)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	a->anon = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1); /* keeps them apart */
	a->none = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	a->shared = map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	a->file = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	a->shared_file = map(PROT_READ, MAP_SHARED, fd);
	a->dontmerge = map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	close(fd);
}

static void show(const char *when, const struct areas *a)
{
	int here;

	printf("%s: mg: anon %d, none %d, shared %d, file %d, shared file %d, exec %d, stack %d, "
	       "data %d, heap %d\n",
	       when, is_mg(a->anon), is_mg(a->none), is_mg(a->shared), is_mg(a->file),
	       is_mg(a->shared_file), is_mg(a->dontmerge), is_mg(&here), is_mg(&stdout),
	       is_mg((char *)sbrk(0) - 1));
}

static void errors(void)
{
	call("get", GET, 0, 0, 0, 0);
	call("get, arg2", GET, 1, 0, 0, 0);
	call("get, arg3", GET, 0, 1, 0, 0);
	call("get, arg4", GET, 0, 0, 1, 0);
	call("get, arg5", GET, 0, 0, 0, 1);
	call("set 1, arg3", SET, 1, 1, 0, 0);
	call("set 1, arg4", SET, 1, 0, 1, 0);
	call("set 1, arg5", SET, 1, 0, 0, 1);
	call("get", GET, 0, 0, 0, 0);
	call("set 2", SET, 2, 0, 0, 0);
	call("get", GET, 0, 0, 0, 0);
	call("set 0", SET, 0, 0, 0, 0);
	call("set 0 again", SET, 0, 0, 0, 0);
	call("get", GET, 0, 0, 0, 0);
}

static void child(void (*fn)(struct areas *), struct areas *a)
{
	fflush(stdout);
	if (!fork()) {
		fn(a);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void in_fork(struct areas *a)
{
	call("fork: get", GET, 0, 0, 0, 0);
	show("fork", a);
	ksm_stat("fork");
	call("fork: set 0", SET, 0, 0, 0, 0);
	show("fork", a);
	ksm_stat("fork, after 0");
}

static void to_exec(struct areas *a)
{
	(void)a;
	execl("/proc/self/exe", "memory_merge", "again", NULL);
}

static void advices(struct areas *a)
{
	printf("UNMERGEABLE: %d\n", madvise(a->anon, PG, MADV_UNMERGEABLE));
	printf("mg of its first page %d, of the second %d\n", is_mg(a->anon), is_mg(a->anon + PG));
	call("get after UNMERGEABLE", GET, 0, 0, 0, 0);
	printf("MERGEABLE: %d\n", madvise(a->anon, PG, MADV_MERGEABLE));
	mprotect(a->none, 4 * PG, PROT_READ | PROT_WRITE);
	printf("mg after mprotect: %d\n", is_mg(a->none));
	a->none = mremap(a->none, 4 * PG, 8 * PG, MREMAP_MAYMOVE);
	printf("mg after mremap: %d\n", is_mg(a->none));
}

int main(int argc, char **argv)
{
	struct areas old, new;

	(void)argv;
	make(&old);
	if (argc > 1) {
		call("exec: get", GET, 0, 0, 0, 0);
		show("exec", &old);
		ksm_stat("exec");
		return 0;
	}
	errors();
	ksm_stat("before");
	show("before", &old);
	call("set 1", SET, 1, 0, 0, 0);
	call("set 1 again", SET, 1, 0, 0, 0);
	call("get", GET, 0, 0, 0, 0);
	show("old areas", &old);
	make(&new);
	show("new areas", &new);
	ksm_stat("on");
	child(in_fork, &old);
	child(to_exec, &old);
	child(advices, &old);
	call("set 0", SET, 0, 0, 0, 0);
	call("get", GET, 0, 0, 0, 0);
	show("off, old", &old);
	show("off, new", &new);
	ksm_stat("off");
	child(to_exec, &old);
	return 0;
}

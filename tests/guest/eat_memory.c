/* eat_memory HOW: uses memory one way until it is refused, or killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MUCH (1L << 26) /* bytes: four times what the machine has */

static int refused(const char *how, long n)
{
	printf("%s: %s after %ld\n", how, strerrorname_np(errno), n);
	return errno != ENOMEM;
}

static char *map_much(int flags)
{
	char *p = mmap(NULL, MUCH, RW, ANON | MAP_NORESERVE | flags, -1, 0);

	if (p == MAP_FAILED)
		exit(refused("mmap", 0));
	return p;
}

/* A call that came back, and how. */
static int returned(const char *how, long ret)
{
	printf("%s: returned %ld, %s\n", how, ret, ret < 0 ? strerrorname_np(errno) : "no error");
	return 1;
}

static int eat_malloc(void)
{
	for (long n = 0; n < 1 << 20; n++) {
		char *p = malloc(100000);

		if (!p)
			return refused("malloc", n);
		memset(p, 1, 100000);
	}
	return 0;
}

static int eat_touch(void)
{
	char *p = map_much(0);

	for (long n = 0; n < MUCH; n += 4096)
		p[n] = 1;
	return 0;
}

static int eat_vmas(void)
{
	/* Neighbours differ, so that they do not merge. */
	for (long n = 0; n < 1 << 20; n++)
		if (mmap(NULL, 4096, n & 1 ? RW : PROT_READ, ANON, -1, 0) == MAP_FAILED)
			return refused("vmas", n);
	return 0;
}

static int eat_files(void)
{
	/* Descriptors end with EMFILE long before memory; what is asked is that they do end. */
	for (long n = 0; n < 1 << 20 && open("/dev/null", O_RDONLY) >= 0; n++)
		;
	printf("files: %s, no ENOMEM expected\n", strerrorname_np(errno));
	return 0;
}

/* The kernel fills fresh memory: it does not come back with less. */
static int eat_read(void)
{
	return returned("read", read(open("/dev/zero", O_RDONLY), map_much(0), MUCH));
}

static int eat_process_vm(void)
{
	static char page[1 << 16];
	char *p = map_much(0);

	for (long n = 0; n < MUCH; n += sizeof(page)) {
		struct iovec from = {page, sizeof(page)}, to = {p + n, sizeof(page)};
		long ret = process_vm_writev(getpid(), &from, 1, &to, 1, 0);

		if (ret != sizeof(page))
			return returned("process_vm_writev", ret);
	}
	return 0;
}

static int eat_populate(void)
{
	map_much(MAP_POPULATE);
	return returned("MAP_POPULATE", 0);
}

static int eat_madvise(void)
{
	return returned("MADV_POPULATE_WRITE", madvise(map_much(0), MUCH, 23));
}

static int eat_mlock(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, now;
	char *p = map_much(0);

	getrlimit(RLIMIT_MEMLOCK, &now);
	if (now.rlim_cur < (unsigned long)MUCH && setrlimit(RLIMIT_MEMLOCK, &all))
		return mlock(p, MUCH) ? refused("mlock: over its limit", 0) : 1;
	return returned("mlock", mlock(p, MUCH));
}

static int eat_pipes(void)
{
	static char full[1 << 16];
	struct rlimit nofile;
	int fd[2];
	long ret;

	getrlimit(RLIMIT_NOFILE, &nofile);
	nofile.rlim_cur = nofile.rlim_max;
	setrlimit(RLIMIT_NOFILE, &nofile);
	while (!pipe(fd)) {
		ret = write(fd[1], full, sizeof(full));
		if (ret != sizeof(full))
			return returned("write to a pipe", ret);
	}
	return returned("pipe", -1);
}

static int eat_memfd(void)
{
	static char piece[1 << 16];
	int fd = memfd_create("much", 0);
	long ret;

	while ((ret = write(fd, piece, sizeof(piece))) == sizeof(piece))
		;
	return returned("write to a memfd", ret);
}

/* Who eats dies; who asks for a page meanwhile gets it. */
static int eat_child(void)
{
	pid_t child = fork();
	int status, pages = 0;
	char *p = map_much(0);

	if (!child)
		_exit(eat_read());
	while (!waitpid(child, &status, WNOHANG))
		p[4096L * pages++ % (1 << 20)] = 1;
	printf("child: killed by %d, the parent goes on\n", WTERMSIG(status));
	return !WIFSIGNALED(status);
}

/* The bystander wants a little more than there is: the one who has much dies for it. */
static int eat_bystander(void)
{
	int fd[2], status;
	pid_t big, small;
	char c;

	if (pipe(fd))
		return 1;
	big = fork();
	if (!big) {
		char *p = map_much(0);

		for (long n = 0; n < 10 << 20; n += 4096)
			p[n] = 1;
		c = write(fd[1], "x", 1);
		pause();
	}
	c = read(fd[0], &c, 1);
	small = fork();
	if (!small) {
		static char bytes[6 << 20];
		long ret = read(open("/dev/zero", O_RDONLY), bytes, sizeof(bytes));

		printf("small: read %s\n", ret == sizeof(bytes) ? "all" : "less");
		_exit(0);
	}
	waitpid(small, &status, 0);
	printf("small: %s\n", WIFEXITED(status) ? "ended by itself" : "killed");
	kill(big, SIGTERM);
	waitpid(big, &status, 0);
	printf("big: killed by %d\n", WTERMSIG(status));
	return 0;
}

static const struct {
	const char *name;
	int (*eat)(void);
} ways[] = {
	{"malloc", eat_malloc},	      {"touch", eat_touch}, {"vmas", eat_vmas},
	{"files", eat_files},	      {"read", eat_read},   {"process_vm", eat_process_vm},
	{"madvise", eat_madvise},     {"mlock", eat_mlock}, {"populate", eat_populate},
	{"pipes", eat_pipes},	      {"memfd", eat_memfd}, {"child", eat_child},
	{"bystander", eat_bystander},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (argc > 1 && !strcmp(argv[1], ways[i].name))
			return ways[i].eat();
	return 2;
}

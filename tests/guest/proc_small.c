/* Files of /proc/PID that keep what a program writes: coredump_filter, timerslack_ns; and io, which
 * counts reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile wild = (void *)8; /* nothing is mapped there */

static void show(const char *when, const char *file)
{
	char path[64], text[256];
	long n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	printf("%s: %s: %s", when, file, n > 0 ? text : "nothing\n");
	close(fd);
}

static void put(const char *file, const char *text)
{
	char path[64];
	int fd;
	long n;

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	fd = open(path, O_WRONLY);
	n = write(fd, text, strlen(text));
	printf("%s < %.20s: %ld %s\n", file, text, n, n < 0 ? strerrorname_np(errno) : "");
	close(fd);
	show("then", file);
}

static void child(void (*fn)(void))
{
	fflush(stdout);
	if (!fork()) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void inherited(void)
{
	show("fork", "coredump_filter");
	show("fork", "timerslack_ns");
	put("timerslack_ns", "0");
	printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
	printf("set 0: %d\n", prctl(PR_SET_TIMERSLACK, 0));
	printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
	fflush(stdout);
	execl("/proc/self/exe", "proc_small", "exec", NULL);
}

struct io {
	unsigned long rchar, wchar, syscr, syscw;
};

/* What it was before this was read, less all that reading it has added so far (its length changes when a page is
 * read from the disk); no call of stdio's between. */
static struct io io(void)
{
	static unsigned long own;
	char text[512] = "";
	struct io v = {0};
	int fd = open("/proc/self/io", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0 || sscanf(text, "rchar: %lu wchar: %lu syscr: %lu syscw: %lu", &v.rchar,
			     &v.wchar, &v.syscr, &v.syscw) != 4)
		puts("no io");
	close(fd);
	v.rchar -= own;
	own += n;
	return v;
}

/* One call of those counted is io()'s own. */
#define COUNT(call)                                                                                \
	do {                                                                                       \
		struct io y_ = io(), z_;                                                           \
		long r_ = (long)(call);                                                            \
		z_ = io();                                                                         \
		printf("%s = %ld: %ld %ld %ld %ld\n", #call, r_, z_.rchar - y_.rchar,              \
		       z_.wchar - y_.wchar, z_.syscr - y_.syscr - 1, z_.syscw - y_.syscw);         \
	} while (0)

static void counted(void)
{
	struct iovec v[2] = {{"abc", 3}, {"defg", 4}};
	char b[100];
	int p[2], file = open("/proc/self/exe", O_RDONLY);

	if (pipe(p))
		return;
	COUNT(write(p[1], "hello", 5));
	COUNT(read(p[0], b, 3));
	COUNT(read(p[0], b, 0));
	COUNT(writev(p[1], v, 2));
	COUNT(readv(p[0], v, 0));
	COUNT(pread(file, b, 50, 0));
	COUNT(pread(p[0], b, 50, 0));
	COUNT(read(-1, b, 1));
	COUNT(readv(-1, v, 1));
	COUNT(writev(-1, v, 1));
	COUNT(write(file, b, 1));
	COUNT(write(p[1], wild, 1));
	COUNT(sendfile(p[1], file, NULL, 64));
}

int main(int argc, char **argv)
{
	(void)argv;
	show("start", "coredump_filter");
	show("start", "timerslack_ns");
	if (argc > 1)
		return 0;
	put("coredump_filter", "0x7f\n");
	put("coredump_filter", "fff");
	put("coredump_filter", "0xffff");
	put("coredump_filter", "-1");
	put("coredump_filter", "");
	put("coredump_filter", "99999999999");
	put("coredump_filter", " 17 ");
	put("timerslack_ns", "12345\n");
	printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
	put("timerslack_ns", "x");
	put("timerslack_ns", "-5");
	put("timerslack_ns", "0");
	printf("set 777: %d\n", prctl(PR_SET_TIMERSLACK, 777));
	show("set", "timerslack_ns");
	child(inherited);
	child(counted);
	return 0;
}

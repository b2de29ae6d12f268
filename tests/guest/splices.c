/* splice, tee, vmsplice, sync_file_range: what they refuse, whose bytes they move, how they wait. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static int p[2], q[2];
static char page[3 * 4096] __attribute__((aligned(4096)));

static void renew(int *pair)
{
	if (pair[0] > 0) {
		close(pair[0]);
		close(pair[1]);
	}
	if (pipe(pair))
		exit(1);
}

static int inside(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

/* What is in the pipe, and it is taken out. */
static void drain(int fd)
{
	char buf[65536];
	long n;

	if (!inside(fd)) {
		printf("empty\n");
		return;
	}
	n = read(fd, buf, sizeof(buf));
	printf("%ld: %.*s\n", n, n > 60 ? 60 : (int)n, buf);
}

static void refused(int file, int append)
{
	int null = open("/dev/null", O_RDWR), full = open("/dev/full", O_RDWR), ev = eventfd(1, 0);
	int status = open("/proc/self/status", O_RDONLY), dir = open("/", O_RDONLY);
	loff_t off = 0, bad = -1;
	struct iovec iov = {page, 10}, wrong = {page, -1};

	SHOW(splice(99, NULL, p[1], NULL, 0, 0));
	SHOW(splice(99, NULL, p[1], NULL, 1, 0));
	SHOW(splice(file, NULL, 99, NULL, 1, 0));
	SHOW(splice(file, NULL, p[1], NULL, 1, 16));
	SHOW(splice(99, NULL, p[1], NULL, 1, 16));
	SHOW(splice(file, NULL, file, NULL, 1, 0));
	SHOW(splice(p[0], NULL, p[1], NULL, 1, 0));
	SHOW(splice(p[1], NULL, q[1], NULL, 1, 0));
	SHOW(splice(p[0], NULL, q[0], NULL, 1, 0));
	SHOW(splice(p[0], &off, q[1], NULL, 1, 0));
	SHOW(splice(p[0], NULL, q[1], &off, 1, 0));
	SHOW(splice(file, &bad, p[1], NULL, 1, 0));
	SHOW(splice(file, (void *)8, p[1], NULL, 1, 0));
	SHOW(splice(null, NULL, p[1], NULL, 1, 0));
	SHOW(splice(dir, NULL, p[1], NULL, 1, 0));
	SHOW(splice(ev, NULL, p[1], NULL, 8, 0));
	SHOW(splice(status, NULL, p[1], NULL, 8, 0) > 0);
	if (inside(p[0]))
		renew(p);
	SHOW(write(p[1], "abcdefgh", 8));
	SHOW(splice(p[0], NULL, append, NULL, 4, 0));
	SHOW(splice(p[0], NULL, full, NULL, 4, 0));
	SHOW(splice(p[0], NULL, ev, NULL, 8, 0));
	SHOW(splice(p[0], NULL, file, &bad, 4, 0));
	SHOW(splice(p[0], NULL, null, NULL, 4, 0));
	drain(p[0]);
	SHOW(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK));
	SHOW(splice(p[0], NULL, file, NULL, 1, SPLICE_F_NONBLOCK));
	SHOW(tee(p[0], p[1], 1, 0));
	SHOW(tee(p[0], file, 1, 0));
	SHOW(tee(file, p[1], 1, 0));
	SHOW(tee(99, p[1], 1, 0));
	SHOW(tee(99, p[1], 0, 0));
	SHOW(tee(p[0], q[1], 1, 16));
	SHOW(tee(p[1], q[1], 1, 0));
	SHOW(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK));
	SHOW(vmsplice(99, &iov, 1, 0));
	SHOW(vmsplice(file, &iov, 1, 0));
	SHOW(vmsplice(p[1], &iov, 1, 16));
	SHOW(vmsplice(p[1], &iov, 1025, 0));
	SHOW(vmsplice(p[1], &wrong, 1, 0));
	SHOW(vmsplice(p[1], (void *)8, 1, 0));
	SHOW(vmsplice(p[1], &iov, 0, 0));
	iov.iov_base = (void *)8;
	SHOW(vmsplice(p[1], &iov, 1, 0));
	SHOW(vmsplice(p[0], &iov, 1, SPLICE_F_NONBLOCK));
	SHOW(sync_file_range(file, 0, 0, 7));
	SHOW(sync_file_range(file, 0, 4096, SYNC_FILE_RANGE_WRITE));
	SHOW(sync_file_range(file, -1, 0, 1));
	SHOW(sync_file_range(file, 0, -1, 1));
	SHOW(sync_file_range(file, 0, 0, 8));
	SHOW(sync_file_range(99, 0, 0, 1));
	SHOW(sync_file_range(p[0], 0, 0, 1));
	SHOW(sync_file_range(null, 0, 0, 1));
	close(null);
	close(full);
	close(ev);
	close(status);
	close(dir);
}

static void files(int file)
{
	loff_t off = 3;

	printf("-- files\n");
	SHOW(pwrite(file, "0123456789", 10, 0));
	SHOW(lseek(file, 0, SEEK_SET));
	SHOW(splice(file, NULL, p[1], NULL, 4, 0));
	SHOW(lseek(file, 0, SEEK_CUR));
	SHOW(splice(file, &off, p[1], NULL, 100, SPLICE_F_MOVE | SPLICE_F_MORE));
	printf("offset %ld\n", (long)off);
	SHOW(splice(file, &off, p[1], NULL, 100, 0));
	/* Lent pages: what is stored in the file now is what the pipe's reader gets. */
	SHOW(pwrite(file, "X", 1, 3));
	drain(p[0]);
	SHOW(write(p[1], "from the pipe", 13));
	off = 5000;
	SHOW(splice(p[0], NULL, file, &off, 4, 0));
	printf("offset %ld\n", (long)off);
	SHOW(splice(p[0], NULL, file, NULL, 100, 0));
	SHOW(lseek(file, 0, SEEK_CUR));
	memset(page, 0, 32);
	SHOW(pread(file, page, 20, 0));
	printf("%s\n", page);
	SHOW(pread(file, page, 20, 4998));
	printf("%d %.4s\n", page[0], page + 2);
}

static void pipes(void)
{
	printf("-- pipes\n");
	renew(p);
	renew(q);
	SHOW(write(p[1], "one", 3));
	SHOW(tee(p[0], q[1], 100, 0));
	SHOW(write(p[1], "two", 3)); /* may not show in the other */
	SHOW(write(q[1], "three", 5));
	drain(q[0]);
	SHOW(tee(p[0], q[1], 4, 0));
	drain(q[0]);
	SHOW(splice(p[0], NULL, q[1], NULL, 2, 0));
	SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
	SHOW(inside(p[0]));
	SHOW(write(q[1], "!", 1));
	drain(q[0]);
	fcntl(q[1], F_SETPIPE_SZ, 4096);
	memset(page, 'p', sizeof(page));
	SHOW(write(p[1], page, 10000));
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, 0));
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, SPLICE_F_NONBLOCK));
	SHOW(inside(p[0]));
	fcntl(q[1], F_SETFL, O_NONBLOCK);
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, 0));
	SHOW(tee(p[0], q[1], 10000, 0));
	close(q[0]);
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, 0));
	SHOW(tee(p[0], q[1], 10000, 0));
	close(q[1]);
	q[0] = q[1] = 0;
	renew(q);
	close(p[1]);
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, 0));
	SHOW(splice(p[0], NULL, q[1], NULL, 10000, 0));
	SHOW(tee(p[0], q[1], 10000, 0));
	close(p[0]);
	p[0] = p[1] = 0;
	renew(p);
	renew(q);
}

static void memory(void)
{
	struct iovec iov[3] = {{page, 5}, {page + 4094, 4}, {page + 8192, 0}};
	char out[32] = "";

	printf("-- memory\n");
	memcpy(page, "hello", 5);
	memcpy(page + 4094, "ABCD", 4);
	SHOW(vmsplice(p[1], iov, 3, 0));
	page[0] = 'J'; /* the pipe sees it: its page is this one */
	drain(p[0]);
	SHOW(vmsplice(p[1], iov, 2, SPLICE_F_GIFT));
	iov[0] = (struct iovec){out, 3};
	iov[1] = (struct iovec){out + 3, 20};
	SHOW(vmsplice(p[0], iov, 2, 0));
	printf("%s\n", out);
	fcntl(p[1], F_SETPIPE_SZ, 8192);
	iov[0] = (struct iovec){page, sizeof(page)};
	SHOW(vmsplice(p[1], iov, 1, 0));
	SHOW(vmsplice(p[1], iov, 1, SPLICE_F_NONBLOCK));
	renew(p);
	/* Pages that go away in the meantime. */
	iov[0].iov_base =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	iov[0].iov_len = 8192;
	strcpy(iov[0].iov_base, "kept");
	SHOW(vmsplice(p[1], iov, 1, 0));
	munmap(iov[0].iov_base, 8192);
	SHOW(read(p[0], page, 8192));
	printf("%s %d\n", page, page[8191]);
	iov[0].iov_len = 8192;
	iov[0].iov_base =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap((char *)iov[0].iov_base + 4096, 4096);
	SHOW(vmsplice(p[1], iov, 1, 0));
	SHOW(inside(p[0]));
	renew(p);
}

/* The pipe holds the page that is read into, and the cache the one that is written from: the bytes overlap. */
static void onto_itself(int file)
{
	struct iovec iov = {page + 100, 200};
	char *map;

	renew(p);
	for (int i = 0; i < 400; i++)
		page[i] = (char)('a' + i % 26);
	SHOW(vmsplice(p[1], &iov, 1, 0));
	SHOW(read(p[0], page + 90, 200));
	printf("%.40s ... %.20s\n", page + 80, page + 280);
	SHOW(ftruncate(file, 4096));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memcpy(map, page, 400);
	SHOW(pwrite(file, map + 10, 200, 0));
	printf("%.40s ... %.20s\n", map, map + 190);
	munmap(map, 4096);
}

/* Somebody else brings the bytes, takes them, or a signal comes. */
static void note(int sig)
{
	(void)sig;
}

static void waits(void)
{
	struct sigaction sa = {.sa_handler = note};
	int s[2];
	pid_t pid, parent = getpid();

	printf("-- waits\n");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(5000);
		_exit(write(p[1], "late", 4) != 4);
	}
	SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
	waitpid(pid, NULL, 0);
	drain(q[0]);
	fcntl(q[1], F_SETPIPE_SZ, 4096);
	SHOW(write(q[1], page, 4096));
	SHOW(write(p[1], "more", 4));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(5000);
		_exit(read(q[0], page, 4096) != 4096);
	}
	SHOW(tee(p[0], q[1], 100, 0));
	waitpid(pid, NULL, 0);
	drain(p[0]);
	drain(q[0]);
	sigaction(SIGUSR1, &sa, NULL);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(5000);
		_exit(kill(parent, SIGUSR1));
	}
	SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
	waitpid(pid, NULL, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(1);
	SHOW(write(p[1], "by socket", 9));
	SHOW(splice(p[0], NULL, s[0], NULL, 100, 0));
	SHOW(splice(s[1], NULL, p[1], NULL, 100, 0));
	SHOW(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
	close(s[0]);
	SHOW(splice(s[1], NULL, q[1], NULL, 100, 0));
	SHOW(splice(p[0], NULL, s[1], NULL, 100, 0));
	drain(p[0]);
	close(s[1]);
}

static void limit(int file)
{
	struct rlimit rl = {6000, RLIM_INFINITY};

	printf("-- limit\n");
	signal(SIGXFSZ, on_signal);
	setrlimit(RLIMIT_FSIZE, &rl);
	lseek(file, 5990, SEEK_SET);
	SHOW(write(p[1], "abcdefghijklmnopqrst", 20));
	SHOW(splice(p[0], NULL, file, NULL, 20, 0));
	SHOW(splice(p[0], NULL, file, NULL, 20, 0));
	SHOW(lseek(file, 0, SEEK_CUR));
	drain(p[0]);
}

static void ranges(int file, int append)
{
	int other = open("g", O_RDWR | O_CREAT | O_TRUNC, 0600),
	    maps = open("/proc/self/maps", O_RDONLY);
	loff_t a = 0, b = 5, bad = -1;

	printf("-- ranges\n");
	SHOW(copy_file_range(file, &a, other, NULL, 5, 0));
	SHOW(lseek(other, 0, SEEK_CUR));
	printf("%ld\n", (long)a);
	SHOW(copy_file_range(file, &a, other, NULL, 5, 1));
	SHOW(copy_file_range(file, &bad, other, NULL, 5, 0));
	SHOW(copy_file_range(file, &a, append, NULL, 5, 0));
	SHOW(copy_file_range(p[0], NULL, other, NULL, 5, 0));
	SHOW(copy_file_range(maps, NULL, other, NULL, 5, 0));
	SHOW(copy_file_range(99, NULL, other, NULL, 5, 0));
	SHOW(copy_file_range(other, &b, other, NULL, 100, 0));
	a = 3;
	b = 0;
	SHOW(copy_file_range(other, &b, other, &a, 4, 0));
	SHOW(copy_file_range(other, &b, other, &a, 3, 0));
	close(other);
	close(maps);
}

int main(void)
{
	int file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int append = open("f", O_WRONLY | O_APPEND);

	signal(SIGPIPE, on_signal);
	renew(p);
	renew(q);
	refused(file, append);
	files(file);
	pipes();
	memory();
	onto_itself(file);
	waits();
	ranges(file, append);
	limit(file);
	return 0;
}

/* Pipes of one process: capacity, how writes fill buffers, packets, readiness, flags, bad pointers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static char big[1 << 20];
static int sigpipes;

static void on_sigpipe(int sig)
{
	(void)sig;
	sigpipes++;
}

static int queued(int fd)
{
	int n = -1;

	return ioctl(fd, FIONREAD, &n) ? -1 : n;
}

static void show_poll(const char *what, int fd, short events)
{
	struct pollfd p = {fd, events, 0x5555};
	int ret = poll(&p, 1, 0);

	printf("%s: poll %d, revents %#x\n", what, ret, p.revents);
}

static void open_pipe(int p[2], int flags)
{
	if (pipe2(p, flags)) {
		perror("pipe2");
		exit(1);
	}
}

static void close_pipe(int p[2])
{
	close(p[0]);
	close(p[1]);
}

/* How many writes of @n bytes go in. */
static void fill(const char *what, long n, int size)
{
	long total = 0, writes = 0, ret;
	int p[2];

	open_pipe(p, O_NONBLOCK);
	if (size)
		show("F_SETPIPE_SZ", fcntl(p[1], F_SETPIPE_SZ, size));
	while ((ret = write(p[1], big, n)) > 0)
		total += ret, writes++;
	printf("%s, %ld bytes a write: %ld writes, %ld bytes, FIONREAD %d", what, n, writes, total,
	       queued(p[0]));
	show(", then", ret);
	show_poll("  full", p[1], POLLOUT);
	show("  read 1", read(p[0], big, 1));
	show_poll("  one byte less", p[1], POLLOUT);
	show("  write 1", write(p[1], big, 1));
	show("  read 4095", read(p[0], big, 4095));
	show_poll("  a page less", p[1], POLLOUT);
	show("  write", write(p[1], big, n));
	close_pipe(p);
}

static void flags(void)
{
	struct stat st;
	char link[64] = "", want[64], name[64];
	int p[2], fd;

	open_pipe(p, O_CLOEXEC);
	printf("flags %#x %#x, cloexec %d %d\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL),
	       fcntl(p[0], F_GETFD), fcntl(p[1], F_GETFD));
	show("F_GETPIPE_SZ", fcntl(p[0], F_GETPIPE_SZ));
	show("lseek", lseek(p[0], 0, SEEK_SET));
	show("pread", pread(p[0], big, 1, 0));
	show("fsync", fsync(p[1]));
	show("ftruncate", ftruncate(p[1], 0));
	show("read the writer", read(p[1], big, 1));
	show("write the reader", write(p[0], big, 1));
	show("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0) == MAP_FAILED ? -1 : 0);
	fstat(p[0], &st);
	printf("mode %o, nlink %ld, size %ld, blksize %ld, mine %d\n", st.st_mode,
	       (long)st.st_nlink, (long)st.st_size, (long)st.st_blksize, st.st_uid == getuid());
	sprintf(name, "/proc/self/fd/%d", p[0]);
	sprintf(want, "pipe:[%lu]", (unsigned long)st.st_ino);
	show("readlink of the right length",
	     readlink(name, link, sizeof(link)) == (long)strlen(want));
	printf("link %s\n", strcmp(link, want) ? link : "as expected");
	show("write", write(p[1], "abc", 3));
	fd = open(name, O_RDONLY | O_NONBLOCK);
	show("read through /proc", read(fd, big, 10));
	show("again", read(fd, big, 10));
	close(fd);
	fd = open(name, O_WRONLY);
	show("write through /proc", write(fd, "xy", 2));
	close(fd);
	show("read", read(p[0], big, 10));
	close_pipe(p);

	open_pipe(p, O_NONBLOCK);
	printf("flags %#x %#x\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
	show("empty", read(p[0], big, 1));
	show("nothing asked", read(p[0], big, 0));
	close(p[1]);
	show("end", read(p[0], big, 1));
	close(p[0]);
	show("pipe2 of nonsense", pipe2(p, O_APPEND));
	show("pipe2 to nowhere", syscall(SYS_pipe2, 8, 0));
	fd = dup(0);
	show("numbers are free again", fd == p[0] || fd == p[1] ? 0 : -1);
	close(fd);
}

static void sizes(void)
{
	static const long want[] = {1,	    4096,    4097,	    10000, 65536,
				    100000, 1 << 20, (1 << 20) + 1, 0,	   8192};
	int p[2], fd;

	open_pipe(p, O_NONBLOCK);
	for (unsigned i = 0; i < sizeof(want) / sizeof(*want); i++) {
		printf("size %ld", want[i]);
		show("", fcntl(p[0], F_SETPIPE_SZ, want[i]) > 0 ? 1 : -1);
		show("  is", fcntl(p[1], F_GETPIPE_SZ));
	}
	show("write", write(p[1], big, 8192));
	show("too small for what is in it", fcntl(p[0], F_SETPIPE_SZ, 4096));
	show("larger", fcntl(p[0], F_SETPIPE_SZ, 16384));
	show("write", write(p[1], big, 65536));
	show("read", read(p[0], big, sizeof(big)));
	close_pipe(p);
	fd = open("/dev/null", O_RDONLY);
	show("no pipe", fcntl(fd, F_GETPIPE_SZ));
	close(fd);
}

static void packets(void)
{
	int p[2];

	open_pipe(p, O_DIRECT | O_NONBLOCK);
	show("packet", write(p[1], "hello", 5));
	show("packet", write(p[1], "wide world", 10));
	show("packet of two pages", write(p[1], big, 5000));
	printf("FIONREAD %d\n", queued(p[0]));
	show("all of the first", read(p[0], big, 100));
	show("a part of the second", read(p[0], big, 4));
	show("a page", read(p[0], big, 10000));
	show("the rest", read(p[0], big, 10000));
	show("nothing", read(p[0], big, 100));
	show("off", fcntl(p[1], F_SETFL, O_NONBLOCK));
	show("write", write(p[1], "ab", 2));
	show("write", write(p[1], "cd", 2));
	show("read", read(p[0], big, 100));
	close_pipe(p);
}

static void hangups(void)
{
	int p[2];

	open_pipe(p, 0);
	show_poll("new, reader", p[0], POLLIN | POLLRDNORM);
	show_poll("new, writer", p[1], POLLOUT | POLLWRNORM | POLLIN);
	show("write", write(p[1], "x", 1));
	show_poll("a byte, reader", p[0], POLLIN | POLLRDNORM | POLLOUT);
	close(p[1]);
	show_poll("a byte, no writer", p[0], POLLIN);
	show_poll("nothing asked", p[0], 0);
	show("read", read(p[0], big, 2));
	show_poll("no writer", p[0], POLLIN);
	close(p[0]);
	show_poll("closed", p[0], POLLIN);
	show_poll("negative", -1, POLLIN);
	open_pipe(p, 0);
	close(p[0]);
	show_poll("no reader", p[1], POLLOUT);
	show("write", write(p[1], "x", 1));
	show("write nothing", write(p[1], "x", 0));
	printf("signals %d\n", sigpipes);
	close(p[1]);
}

static void bad_pointers(void)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[2] = {{map + 4090, 6}, {map + 4096, 10}};
	int p[2];

	munmap(map + 4096, 4096);
	open_pipe(p, O_NONBLOCK);
	show("write from nowhere", write(p[1], map + 4096, 10));
	show("write half", write(p[1], map + 4090, 10));
	printf("FIONREAD %d\n", queued(p[0]));
	show("writev half", writev(p[1], v, 2));
	printf("FIONREAD %d\n", queued(p[0]));
	show("write", write(p[1], "0123456789", 10));
	show("read to nowhere", read(p[0], map + 4096, 10));
	show("read half", read(p[0], map + 4090, 10));
	printf("FIONREAD %d\n", queued(p[0]));
	show("readv half", readv(p[0], v, 2));
	printf("FIONREAD %d\n", queued(p[0]));
	show("read", read(p[0], big, 100));
	printf("%.10s\n", big);
	close_pipe(p);
	open_pipe(p, O_NONBLOCK);
	memset(map, 'a', 4096);
	show("two pages, one of them bad", write(p[1], map, 8192));
	printf("FIONREAD %d\n", queued(p[0]));
	show("write", write(p[1], big, 5000));
	show("read two pages, one of them bad", read(p[0], map, 8192));
	printf("FIONREAD %d\n", queued(p[0]));
	close_pipe(p);
}

/* Bytes come out as they went in, whatever the sizes. */
static void integrity(void)
{
	static unsigned char in[70000], out[70000];
	unsigned seed = 1, put = 0, got = 0, sum = 0;
	int p[2];

	open_pipe(p, O_NONBLOCK);
	for (int round = 0; round < 2000; round++) {
		seed = seed * 1103515245 + 12345;
		unsigned n = seed >> 8 & 0x3fff;
		long ret;

		if (seed >> 30 & 1) {
			for (unsigned i = 0; i < n; i++)
				in[i] = (put + i) * 7 ^ (put + i) >> 8;
			ret = write(p[1], in, n);
			put += ret > 0 ? ret : 0;
		} else {
			ret = read(p[0], out, n);
			for (long i = 0; i < ret; i++, got++)
				if (out[i] != (unsigned char)(got * 7 ^ got >> 8)) {
					printf("wrong byte at %u\n", got);
					return;
				}
		}
		sum = sum * 31 + (ret < 0 ? 7 : ret);
	}
	printf("in %u, out %u, queued %d, sum %08x\n", put, got, queued(p[0]), sum);
	close_pipe(p);
}

/* --- owner, mode and times of what has no name ------------------------------------------------- */

static void show_inode(const char *what, int fd)
{
	struct stat s;

	fstat(fd, &s);
	printf("%s: mode %o, owner %u:%u, times", what, s.st_mode, s.st_uid, s.st_gid);
	if (s.st_atim.tv_sec < 10000)
		printf(" %ld.%ld", s.st_atim.tv_sec, s.st_atim.tv_nsec);
	if (s.st_mtim.tv_sec < 10000)
		printf(" %ld.%ld", s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
	printf("%s\n", s.st_ctim.tv_sec > 10000 ? "" : ", changed long ago");
}

/* Only the owner sets them, and only root gives files away. */
static void attributes(int fd)
{
	static const struct timespec past[2] = {{1000, 5}, {2000, 6}}, bad[2] = {{1, 1000000000}},
				     modified[2] = {{0, UTIME_OMIT}, {3000, 7}},
				     now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

	show("times", futimens(fd, past));
	show_inode("times", fd);
	show("modified", futimens(fd, modified));
	show_inode("modified", fd);
	show("bad", futimens(fd, bad));
	show("now", futimens(fd, now));
	show("mode", fchmod(fd, 06751));
	show_inode("mode", fd);
	show("same owner", fchown(fd, -1, -1));
	show_inode("same owner", fd);
	show("same group", fchown(fd, geteuid(), getegid()));
	show("another group", fchown(fd, -1, 13));
	show("another owner", fchown(fd, 12, -1));
	show("mode of another's", fchmod(fd, 0640));
	show("times of another's", futimens(fd, past));
	show_inode("another's", fd);
}

/* Who does not own a pipe needs its mode to open it once more; root does not. */
static void reopen_as_other(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fflush(stdout);
	if (!fork()) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		show("access", access(path, R_OK));
		show("execute", access(path, X_OK));
		printf("reopen: %s\n",
		       open(path, O_RDONLY | O_NONBLOCK) < 0 ? strerror(errno) : "ok");
		printf("reopen for nothing: %s\n",
		       open(path, O_ACCMODE | O_NONBLOCK) < 0 ? strerror(errno) : "ok");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void all_attributes(void)
{
	int p[2], s[2];

	open_pipe(p, 0);
	reopen_as_other(p[0]);
	fchmod(p[0], 0755);
	reopen_as_other(p[0]);
	close_pipe(p);
	open_pipe(p, 0);
	show_inode("new", p[0]);
	attributes(p[0]);
	show_inode("the other end", p[1]);
	close_pipe(p);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(1);
	attributes(s[0]); /* a new one has the times of the last that lay there */
	reopen_as_other(s[0]);
	fchmod(s[1], 0600);
	reopen_as_other(s[1]);
	close_pipe(s);
}

int main(void)
{
	signal(SIGPIPE, on_sigpipe);
	flags();
	sizes();
	fill("default", 1, 0);
	fill("default", 4096, 0);
	fill("default", 1000, 0);
	fill("default", 4095, 0);
	fill("default", 100000, 0);
	fill("two", 3000, 8192);
	fill("one", 4096, 4096);
	packets();
	hangups();
	bad_pointers();
	all_attributes();
	integrity();
	return 0;
}

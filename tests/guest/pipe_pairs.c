/* Pipes between processes: blocking, atomic writes, SIGPIPE, shared offsets, locks, a fast exchange. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define WRITERS 4
#define RECORDS 200

static char buf[1 << 18];

static void reap(const char *what, pid_t pid)
{
	int st = 0;

	waitpid(pid, &st, 0);
	printf("%s: %s %d\n", what, WIFSIGNALED(st) ? "signal" : "exit",
	       WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
}

static void make_pipe(int p[2])
{
	if (pipe(p))
		exit(99);
}

/* Records of several writers never mix as long as they are no longer than PIPE_BUF. */
static void atomic(int len)
{
	int p[2], count[WRITERS] = {0}, mixed = 0;

	make_pipe(p);
	for (int w = 0; w < WRITERS; w++) {
		if (!fork()) {
			memset(buf, 'a' + w, len);
			for (int i = 0; i < RECORDS; i++)
				if (write(p[1], buf, len) != len)
					_exit(1);
			_exit(0);
		}
	}
	close(p[1]);
	for (;;) {
		int n = 0, ret;

		while (n < len && (ret = read(p[0], buf + n, len - n)) > 0)
			n += ret;
		if (!n)
			break;
		for (int i = 1; i < n; i++)
			mixed += buf[i] != buf[0];
		count[buf[0] - 'a']++;
	}
	printf("records of %d bytes: %d %d %d %d, mixed %d\n", len, count[0], count[1], count[2],
	       count[3], mixed);
	while (wait(NULL) > 0)
		;
	close(p[0]);
}

/* A large write blocks until all of it has gone, in whatever pieces. */
static void large(void)
{
	int p[2], total = 0, wrong = 0, ret;
	pid_t pid;

	make_pipe(p);
	pid = fork();
	if (!pid) {
		for (unsigned i = 0; i < sizeof(buf); i++)
			buf[i] = i % 251;
		_exit(write(p[1], buf, sizeof(buf)) == sizeof(buf) ? 7 : 8);
	}
	close(p[1]);
	while ((ret = read(p[0], buf, 3001)) > 0)
		for (int i = 0; i < ret; i++, total++)
			wrong += (unsigned char)buf[i] != total % 251;
	printf("large: %d bytes, wrong %d\n", total, wrong);
	reap("writer", pid);
	close(p[0]);
}

static void broken(void)
{
	int p[2], q[2];
	pid_t pid;

	make_pipe(p);
	make_pipe(q);
	pid = fork();
	if (!pid) {
		close(p[0]);
		close(q[1]);
		if (read(q[0], buf, 1) < 0)
			_exit(1);
		write(p[1], "x", 1);
		_exit(2);
	}
	close(p[0]);
	close(q[1]);
	reap("nobody reads", pid);
	make_pipe(p);
	pid = fork();
	if (!pid) {
		int n;

		signal(SIGPIPE, SIG_IGN);
		close(p[0]);
		n = write(p[1], buf, sizeof(buf));
		_exit(n == 65536 || n > 65536 ? 3 : n);
	}
	close(p[1]);
	usleep(30000);
	show("read", read(p[0], buf, 4096));
	close(p[0]);
	reap("the reader goes in the middle", pid);
	close(q[0]);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct pollfd f;
	fd_set set;
	int p[2];

	make_pipe(p);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 4; i++) {
		pid_t me = getpid(), pid = fork();

		if (!pid) {
			usleep(20000);
			kill(me, SIGUSR1);
			if (i == 3) {
				usleep(20000);
				write(p[1], "late", 4);
			}
			_exit(0);
		}
		if (i == 0)
			show("read", read(p[0], buf, 1));
		f = (struct pollfd){p[0], POLLIN, 0};
		if (i == 1)
			show("poll", poll(&f, 1, -1));
		FD_ZERO(&set);
		FD_SET(p[0], &set);
		if (i == 2)
			show("select", select(p[0] + 1, &set, NULL, NULL, NULL));
		if (i == 3) {
			sa.sa_flags = SA_RESTART;
			sigaction(SIGUSR1, &sa, NULL);
			show("read, restarted", read(p[0], buf, 10));
		}
		waitpid(pid, NULL, 0);
	}
	close(p[0]);
	close(p[1]);
}

/* poll wakes for what happens elsewhere. */
static void woken(void)
{
	struct pollfd f[3];
	int p[2], q[2];

	make_pipe(p);
	make_pipe(q);
	if (!fork()) {
		close(q[0]);
		usleep(20000);
		write(q[1], "q", 1);
		usleep(20000);
		_exit(0);
	}
	close(q[1]);
	f[0] = (struct pollfd){p[0], POLLIN, 0};
	f[1] = (struct pollfd){q[0], POLLIN, 0};
	f[2] = (struct pollfd){0, 0, 0};
	show("poll", poll(f, 2, -1));
	printf("%#x %#x\n", f[0].revents, f[1].revents);
	show("read", read(q[0], buf, 10));
	show("poll", poll(f, 2, -1));
	printf("%#x %#x\n", f[0].revents, f[1].revents);
	wait(NULL);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	while (write(p[1], buf, 4096) > 0)
		;
	if (!fork()) {
		usleep(20000);
		_exit(read(p[0], buf, 4096) != 4096);
	}
	f[0] = (struct pollfd){p[1], POLLOUT, 0};
	show("poll for room", poll(f, 1, -1));
	show("write", write(p[1], buf, 4096));
	wait(NULL);
	close(p[0]);
	close(p[1]);
	close(q[0]);
}

/* One description: offset and flags are everybody's; the descriptor's flags are not. */
static void shared(void)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0644), other = dup(fd);

	write(fd, "0123456789", 10);
	lseek(other, 2, SEEK_SET);
	if (!fork()) {
		read(fd, buf, 3);
		fcntl(fd, F_SETFL, O_APPEND);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		_exit(0);
	}
	wait(NULL);
	show("offset", lseek(fd, 0, SEEK_CUR));
	printf("append %d, cloexec %d\n", !!(fcntl(other, F_GETFL) & O_APPEND), fcntl(fd, F_GETFD));
	write(other, "end", 3);
	show("size", lseek(fd, 0, SEEK_END));
	close(fd);
	close(other);
}

static int set_lock(int fd, int cmd, short type, long start, long len)
{
	struct flock fl = {.l_type = type, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &fl);
}

static void get_lock(const char *what, int fd, short type, long start, long len, pid_t owner)
{
	struct flock fl = {.l_type = type, .l_start = start, .l_len = len};

	show(what, fcntl(fd, F_GETLK, &fl));
	if (fl.l_type == F_UNLCK)
		printf("  free\n");
	else
		printf("  type %d, %ld+%ld, the owner %d\n", fl.l_type, (long)fl.l_start,
		       (long)fl.l_len, fl.l_pid == owner);
}

static void locks(void)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0644), p[2], fd2;
	pid_t me = getpid(), pid;

	make_pipe(p);
	show("lock 0+10", set_lock(fd, F_SETLK, F_WRLCK, 0, 10));
	show("read 20+10", set_lock(fd, F_SETLK, F_RDLCK, 20, 10));
	show("read 30+5", set_lock(fd, F_SETLK, F_RDLCK, 30, 5));
	show("free 4+2", set_lock(fd, F_SETLK, F_UNLCK, 4, 2));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		get_lock("0+4", fd, F_WRLCK, 0, 4, me);
		get_lock("4+2", fd, F_WRLCK, 4, 2, me);
		get_lock("4+3", fd, F_RDLCK, 4, 3, me);
		get_lock("read 20", fd, F_RDLCK, 20, 0, me);
		get_lock("write 33", fd, F_WRLCK, 33, 0, me);
		show("try", set_lock(fd, F_SETLK, F_WRLCK, 0, 1));
		show("try 4+2", set_lock(fd, F_SETLK, F_WRLCK, 4, 2));
		fflush(stdout);
		write(p[1], "x", 1);
		show("wait for 0+1", set_lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		fflush(stdout);
		_exit(0);
	}
	read(p[0], buf, 1);
	usleep(20000);
	fd2 = open("lock", O_RDWR);
	close(fd2); /* takes all of them away */
	reap("locker", pid);

	set_lock(fd, F_SETLK, F_WRLCK, 0, 1);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		set_lock(fd, F_SETLK, F_WRLCK, 1, 1);
		write(p[1], "x", 1);
		set_lock(fd, F_SETLKW, F_WRLCK, 0, 1);
		_exit(0);
	}
	read(p[0], buf, 1);
	usleep(20000);
	show("deadlock", set_lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	close(fd);
	reap("the other one", pid);

	fd = open("lock", O_RDONLY);
	fd2 = open("lock", O_RDONLY);
	show("flock shared", flock(fd, LOCK_SH));
	show("flock shared", flock(fd2, LOCK_SH | LOCK_NB));
	show("flock exclusive", flock(fd2, LOCK_EX | LOCK_NB));
	show("flock free", flock(fd, LOCK_UN));
	show("flock exclusive", flock(fd2, LOCK_EX | LOCK_NB));
	show("flock shared", flock(fd, LOCK_SH | LOCK_NB));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(20000);
		_exit(flock(fd2, LOCK_UN) ? 1 : 0); /* the same description */
	}
	show("flock waits", flock(fd, LOCK_EX));
	reap("unlocker", pid);
	show("flock nonsense", flock(fd, 77));
	show("write lock of a reader", set_lock(fd, F_SETLK, F_WRLCK, 0, 1));
	close(fd);
	close(fd2);
	unlink("lock");
}

static void exchange(void)
{
	int p[2], q[2], n = 0;

	make_pipe(p);
	make_pipe(q);
	if (!fork()) {
		close(p[1]);
		while (read(p[0], &n, sizeof(n)) == sizeof(n)) {
			n++;
			write(q[1], &n, sizeof(n));
		}
		_exit(0);
	}
	for (int i = 0; i < 5000; i++) {
		write(p[1], &n, sizeof(n));
		read(q[0], &n, sizeof(n));
	}
	printf("exchanged %d\n", n);
	close(p[1]);
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	fflush(stdout);
	atomic(100);
	atomic(4096);
	atomic(3000);
	large();
	broken();
	interrupted();
	woken();
	shared();
	locks();
	exchange();
	return 0;
}

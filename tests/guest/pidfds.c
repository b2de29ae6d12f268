/* pidfds: pidfd_open, poll, waitid(P_PIDFD), pidfd_send_signal, pidfd_getfd, CLONE_PIDFD, what /proc
 * shows of them; and process_madvise(2) through them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define P_PIDFD_K 3
#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)
/* The same for calls that return a descriptor. */
#define FD(call)                                                                                   \
	do {                                                                                       \
		int r_;                                                                            \
		errno = 0;                                                                         \
		r_ = (int)(call);                                                                  \
		printf("%s = %s\n", #call, r_ >= 0 ? "a descriptor" : strerrorname_np(errno));     \
		if (r_ > 2)                                                                        \
			close(r_);                                                                 \
	} while (0)

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(434, pid, flags);
}

static int send_sig(int fd, int sig, siginfo_t *si, unsigned flags)
{
	return syscall(424, fd, sig, si, flags);
}

static int getfd(int pidfd, int fd, unsigned flags)
{
	return syscall(438, pidfd, fd, flags);
}

static long advise(int fd, struct iovec *v, size_t n, int advice, unsigned flags)
{
	return syscall(440, fd, v, n, advice, flags);
}

static void fdinfo(int fd, pid_t pid)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char *v = strchr(line, '\t');

		if (!strncmp(line, "mnt_id", 6) || !strncmp(line, "ino", 3))
			continue; /* numbers of this boot */
		if (v && atoi(v) == pid)
			strcpy(v, " that pid\n");
		printf("  %s", line);
	}
	if (f)
		fclose(f);
}

static void show(const char *what, int fd, pid_t pid)
{
	char path[64], link[128];
	struct stat st, again;
	struct statfs sfs;
	struct pollfd pf = {fd, POLLIN | POLLOUT, 0};
	int other = pid > 0 ? pidfd_open(pid, 0) : -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	fstat(fd, &st);
	fstatfs(fd, &sfs);
	printf("%s: %s mode %o links %d size %d uid %d fs %lx", what, link, st.st_mode,
	       (int)st.st_nlink, (int)st.st_size, (int)st.st_uid, (long)sfs.f_type);
	if (other >= 0 && !fstat(other, &again))
		printf(" same inode %d", st.st_ino == again.st_ino && st.st_dev == again.st_dev);
	poll(&pf, 1, 0);
	printf(" poll %x flags %o cloexec %d\n", pf.revents, fcntl(fd, F_GETFL),
	       fcntl(fd, F_GETFD));
	fdinfo(fd, pid);
	if (other >= 0)
		close(other);
}

static void opening(void)
{
	int self = pidfd_open(getpid(), 0), again;
	char path[64];

	for (unsigned bit = 0; bit < 32; bit++) {
		int fd = pidfd_open(getpid(), 1u << bit);

		printf("flag %u: %s\n", bit, fd < 0 ? strerrorname_np(errno) : "fine");
		if (fd >= 0) {
			fdinfo(fd, getpid());
			close(fd);
		}
	}
	FD(pidfd_open(0, 0));
	FD(pidfd_open(-1, 0));
	FD(pidfd_open(INT32_MAX, 0));
	FD(pidfd_open(-10000, 0));
	show("self", self, getpid());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self);
	again = open(path, O_RDWR);
	printf("opened again %d\n", again >= 0);
	T(send_sig(again, 0, NULL, 0));
	close(again);
	T(open(path, O_RDONLY | O_TRUNC));
	for (int mode = 0; mode < 8; mode++)
		T(access(path, mode));
	T(futimens(self, NULL));
	T(read(self, path, 1));
	T(write(self, path, 1));
	T(lseek(self, 0, SEEK_SET));
	T(ftruncate(self, 0));
	T(fchmod(self, 0600));
	T(fchown(self, 0, 0));
	T(fsync(self));
	T(ioctl(self, FIONREAD, path));
	T(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, self, 0) == MAP_FAILED);
	close(self);
}

static void on_usr1(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	printf("signal %d code %d from %s\n", sig, si->si_code,
	       si->si_pid == getpid() ? "me" : "somebody");
}

static void signals(void)
{
	struct sigaction sa = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};
	int self = pidfd_open(getpid(), 0), thread = pidfd_open(getpid(), O_EXCL);
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY), proc = open("/proc", O_RDONLY);
	int path = open("/proc/self", O_PATH), p[2];
	siginfo_t si = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	pid_t child;
	int cfd;

	sigaction(SIGUSR1, &sa, NULL);
	for (unsigned bit = 0; bit < 8; bit++) {
		if (bit == 2) /* a group, which may be more than us */
			continue;
		printf("flag %u: ", bit);
		T(send_sig(self, 0, NULL, 1u << bit));
	}
	T(send_sig(self, 0, NULL, 3));
	T(send_sig(self, SIGUSR1, NULL, 0));
	T(send_sig(thread, SIGUSR1, NULL, 0));
	T(send_sig(self, SIGUSR1, NULL, 1));
	T(send_sig(thread, SIGUSR1, NULL, 2));
	T(send_sig(dir, SIGUSR1, NULL, 0));
	T(send_sig(-10000, SIGUSR1, NULL, 0));
	T(send_sig(-10001, SIGUSR1, NULL, 0));
	T(send_sig(-10002, SIGUSR1, NULL, 0));
	T(send_sig(path, 0, NULL, 0));
	T(send_sig(proc, 0, NULL, 0));
	T(send_sig(0, 0, NULL, 0));
	T(send_sig(99, 0, NULL, 0));
	T(send_sig(-1, 0, NULL, 0));
	T(send_sig(self, 65, NULL, 0));
	T(send_sig(self, -1, NULL, 0));
	T(send_sig(self, SIGUSR1, &si, 0));
	si.si_signo = SIGUSR2;
	T(send_sig(self, SIGUSR1, &si, 0));
	T(send_sig(self, SIGUSR1, (void *)8, 0));
	if (pipe(p))
		exit(1);
	child = fork();
	if (!child) {
		close(p[1]);
		if (read(p[0], &cfd, 1))
			_exit(1);
		_exit(3);
	}
	cfd = pidfd_open(child, 0);
	si = (siginfo_t){.si_signo = SIGUSR1, .si_code = SI_USER};
	T(send_sig(cfd, SIGUSR1, &si, 0));
	si.si_code = SI_TKILL;
	T(send_sig(cfd, SIGUSR1, &si, 0));
	T(send_sig(cfd, 0, NULL, 4)); /* it leads no group */
	close(p[1]);
	waitpid(child, NULL, 0);
	T(send_sig(cfd, 0, NULL, 0));
	close(cfd);
	close(p[0]);
	close(self);
	close(thread);
	close(dir);
	close(proc);
	close(path);
}

static void lives(void)
{
	int p[2], ready[2], cfd, self = pidfd_open(getpid(), 0), n;
	struct iovec v = {NULL, PG};
	struct pollfd pf;
	siginfo_t si;
	pid_t child;
	char c = 0;
	struct {
		uint64_t mask, cgroup;
		uint32_t pid, tgid, ppid, ids[8];
		int32_t code;
	} info = {.mask = 3};

	if (pipe(p) || pipe(ready))
		exit(1);
	child = fork();
	if (!child) {
		close(p[1]);
		(void)!write(ready[1], &c, 1);
		(void)!read(p[0], &c, 1);
		_exit(7);
	}
	(void)!read(ready[0], &c, 1); /* now it has no writing end of the pipe */
	close(ready[0]);
	close(ready[1]);
	cfd = pidfd_open(child, 0);
	n = pidfd_open(child, O_NONBLOCK);
	pf = (struct pollfd){cfd, POLLIN, 0};
	show("alive", cfd, child);
	T(ioctl(cfd, _IOWR(0xff, 11, info), &info));
	printf("info %llx pid %d tgid %d parent %d\n", (unsigned long long)info.mask & 3,
	       info.pid == (uint32_t)child, info.tgid == (uint32_t)child,
	       info.ppid == (uint32_t)getpid());
	T(ioctl(cfd, _IOWR(0xff, 11, char[32]), &info));
	T(poll(&pf, 1, 10));
	memset(&si, 0, sizeof(si));
	T(waitid(P_PIDFD_K, cfd, &si, WEXITED | WNOHANG));
	printf("nobody: %d\n", si.si_pid);
	T(waitid(P_PIDFD_K, n, &si, WEXITED));
	T(waitid(P_PIDFD_K, n, &si, WEXITED | WNOHANG));
	T(waitid(P_PIDFD_K, self, &si, WEXITED));
	T(waitid(P_PIDFD_K, 99, &si, WEXITED));
	T(waitid(P_PIDFD_K, -1, &si, WEXITED));
	T(waitid(P_PIDFD_K, 0, &si, WEXITED));
	FD(getfd(cfd, p[0], 0));
	T(getfd(cfd, p[0], 1));
	T(getfd(cfd, p[1], 0)); /* closed there */
	T(getfd(cfd, -1, 0));
	T(getfd(99, 0, 0));
	T(getfd(0, 0, 0));
	T(getfd(-10000, 0, 0));
	FD(getfd(self, 1, 0));
	close(p[1]);
	T(poll(&pf, 1, -1));
	printf("ready %x\n", pf.revents);
	show("zombie", cfd, child);
	T(send_sig(cfd, SIGUSR1, NULL, 0));
	T(getfd(cfd, 0, 0));
	T(advise(cfd, &v, 1, 20, 0));
	FD(pidfd_open(child, 0));
	T(waitid(P_PIDFD_K, cfd, &si, WEXITED | WNOWAIT));
	T(waitid(P_PIDFD_K, n, &si, WEXITED));
	printf("child %d status %d code %d signal %d\n", si.si_pid == child, si.si_status,
	       si.si_code, si.si_signo);
	show("gone", cfd, -1);
	T(send_sig(cfd, 0, NULL, 0));
	T(getfd(cfd, 0, 0));
	T(waitid(P_PIDFD_K, cfd, &si, WEXITED));
	T(advise(cfd, &v, 1, 20, 0));
	info.mask = 3;
	T(ioctl(cfd, _IOWR(0xff, 11, info), &info));
	info.mask = 8;
	T(ioctl(cfd, _IOWR(0xff, 11, info), &info));
	printf("exit %d %x\n", (int)(info.mask >> 3 & 1), info.code);
	close(cfd);
	close(n);
	close(self);
	close(p[0]);
}

/* Who polls when it is reaped by somebody else hears of the end, too. */
static void cloned(void)
{
	struct clone_args c = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	int fd = -1, n = 0;
	struct pollfd pf;
	siginfo_t si;
	pid_t pid;

	c.pidfd = (uint64_t)&fd;
	pid = syscall(SYS_clone3, &c, sizeof(c));
	if (!pid)
		_exit(fcntl(3, F_GETFD) < 0 ? 5 : 6); /* the child has none */
	printf("clone3: %d %d\n", pid > 0, fd);
	pf = (struct pollfd){fd, POLLIN, 0};
	poll(&pf, 1, -1);
	show("cloned", fd, pid);
	T(waitid(P_PIDFD_K, fd, &si, WEXITED));
	printf("status %d\n", si.si_status);
	close(fd);
	fd = -1;
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (!pid)
		_exit(1);
	printf("clone: %d\n", fd);
	waitpid(pid, NULL, 0);
	close(fd);
	signal(SIGCHLD, SIG_IGN);
	c.flags = CLONE_PIDFD;
	pid = syscall(SYS_clone3, &c, sizeof(c));
	if (!pid)
		_exit(1);
	pf.fd = fd;
	for (pf.revents = 0; !(pf.revents & POLLHUP) && n < 2000; n++) {
		pf.events = POLLIN;
		poll(&pf, 1, -1);
		if (!(pf.revents & POLLHUP))
			usleep(1000);
	}
	printf("reaped at once: %x\n", pf.revents);
	signal(SIGCHLD, SIG_DFL);
	close(fd);
	c.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	c.parent_tid = c.pidfd;
	T(syscall(SYS_clone3, &c, sizeof(c)));
	T(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
	c.flags = CLONE_PIDFD;
	c.pidfd = 8;
	T(syscall(SYS_clone3, &c, sizeof(c)));
	FD(dup(0)); /* nothing was left open */
}

/* Every advice, for oneself and for a child; bytes done with holes and odd pieces. */
static void advising(void)
{
	char *p = mmap(NULL, 16 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[4];
	int self = pidfd_open(getpid(), 0), cfd;
	pid_t child;

	munmap(p + 8 * PG, PG);
	memset(p, 1, 8 * PG);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	cfd = pidfd_open(child, 0);
	v[0] = (struct iovec){p, 2 * PG};
	for (int advice = -1; advice < 106; advice++) {
		long mine, theirs;
		int e;

		if (advice == 100 || advice == 101 || advice == 14 || advice == 25)
			continue; /* hurts, or depends on huge pages */
		errno = 0;
		mine = advise(self, v, 1, advice, 0);
		e = mine < 0 ? errno : 0;
		theirs = advise(cfd, v, 1, advice, 0);
		printf("advice %d: %ld %d, child %ld %d\n", advice, mine, e, theirs,
		       theirs < 0 ? errno : 0);
	}
	v[1] = (struct iovec){p + 4 * PG, 0};
	v[2] = (struct iovec){p + 7 * PG, 2 * PG}; /* the second of them is a hole */
	v[3] = (struct iovec){p + 10 * PG, PG};
	T(advise(cfd, v, 4, 20, 0));
	T(advise(cfd, v + 1, 1, 20, 0));
	T(advise(cfd, v + 2, 2, 20, 0));
	T(advise(cfd, v + 3, 1, 20, 0));
	v[1].iov_base = p + 1;
	T(advise(cfd, v, 2, 20, 0));
	v[2] = (struct iovec){p + 5 * PG, 100};
	T(advise(cfd, v + 2, 2, 20, 0));
	T(advise(cfd, v, 3, 20, 0));
	v[0].iov_len = -1UL;
	T(advise(cfd, v, 1, 20, 0));
	v[0] = (struct iovec){(void *)0xffff800000000000, PG};
	T(advise(cfd, v, 1, 20, 0));
	v[0] = (struct iovec){p, 1UL << 40};
	v[1] = v[0];
	T(advise(self, v, 2, 4, 0) < 0);
	T(advise(self, v, 1025, 20, 0));
	T(advise(99, (void *)8, 1, 20, 0));
	T(advise(99, (void *)8, 0, 20, 1));
	T(advise(99, (void *)8, 0, 20, 0));
	T(advise(self, (void *)8, 0, 999, 0));
	v[0] = (struct iovec){p, PG};
	T(advise(-10000, v, 1, 20, 0));
	T(advise(-10001, v, 1, 4, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(cfd);
	close(self);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	opening();
	signals();
	lives();
	cloned();
	advising();
	return 0;
}

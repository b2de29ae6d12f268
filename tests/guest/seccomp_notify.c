/* seccomp_unotify(2): a listener that answers for system calls: what it sees, each answer, files it hands over, what is
 * refused, signals meanwhile, the end of either side. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define LISTENER 8
#define TSYNC_ESRCH 16
#define KILLABLE 32
#define SET_FLAGS 0x40082104UL
#define WRONG_DIR 0x80082102UL

static struct seccomp_notif req;
static struct seccomp_notif_resp resp;

/* @call is for the listener, all others are allowed. */
static long listen_to(int call, unsigned flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {4, f};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void send_fd(int s, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	sendmsg(s, &m, 0);
}

static int recv_fd(int s)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(s, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* A child that makes calls, and the listener for them here. */
static pid_t start(int call, unsigned flags, void (*fn)(void), int *listener)
{
	int s[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid) {
		close(s[1]);
		*listener = recv_fd(s[0]);
		close(s[0]);
		return pid;
	}
	close(s[0]);
	fd = (int)listen_to(call, LISTENER | flags);
	send_fd(s[1], fd);
	close(fd);
	close(s[1]);
	fn();
	fflush(stdout);
	_exit(0);
}

static void say_poll(const char *what, int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	printf("%s: poll %d", what, poll(&p, 1, 0));
	printf(" %#x\n", p.revents);
}

/* The next call of @pid's. */
static long next_call(int fd, pid_t pid)
{
	long ret;

	memset(&req, 0, sizeof(req));
	ret = ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req);
	if (ret)
		printf("recv: %s\n", strerrorname_np(errno));
	else
		printf("call %d(%llx, %llx) arch %x flags %u of the child %d\n", req.data.nr,
		       req.data.args[0], req.data.args[1], req.data.arch, req.flags,
		       (int)req.pid == pid);
	return ret;
}

static long reply(int fd, long val, int error, unsigned flags)
{
	resp = (struct seccomp_notif_resp){req.id, val, error, flags};
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* --- answers ----------------------------------------------------------------------------------------- */

static void asks_often(void)
{
	SHOW(syscall(SYS_getppid, 1, 2) > 0);
	for (int i = 0; i < 4; i++)
		SHOW(syscall(SYS_getppid, 0xa0 + i, ~0UL));
	fflush(stdout);
}

static void answers(void)
{
	uint64_t id, none = 1;
	int fd;
	pid_t pid = start(SYS_getppid, 0, asks_often, &fd);

	SHOW(fcntl(fd, F_GETFL));
	next_call(fd, pid);
	say_poll("taken", fd);
	id = req.id;
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
	SHOW(ioctl(fd, WRONG_DIR, &id));
	id++;
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, NULL));
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, NULL));
	SHOW(reply(fd, 0, 0, 2));
	SHOW(reply(fd, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	SHOW(reply(fd, 0, -1, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	req.id++;
	SHOW(reply(fd, 0, 0, 0));
	req.id--;
	SHOW(reply(fd, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	SHOW(reply(fd, 0, 0, 0) && (errno == ENOENT || errno == EINPROGRESS));
	next_call(fd, pid);
	printf("next number %d\n", req.id == id);
	SHOW(reply(fd, 12345, 0, 0));
	next_call(fd, pid);
	SHOW(reply(fd, 12345, -EXDEV, 0));
	next_call(fd, pid);
	SHOW(reply(fd, -EPERM, 0, 0));
	next_call(fd, pid);
	SHOW(reply(fd, 0, 0, 0));
	reap(pid);
	say_poll("gone", fd);
	next_call(fd, pid);
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &none));
	SHOW(ioctl(fd, SET_FLAGS, 1));
	SHOW(ioctl(fd, SET_FLAGS, 2));
	SHOW(ioctl(fd, FIONREAD, &none));
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &none));
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, NULL));
	SHOW(read(fd, &none, 8));
	close(fd);
}

/* --- files ------------------------------------------------------------------------------------------- */

static void asks_for_files(void)
{
	for (int i = 0; i < 3; i++) {
		char text[10] = "";
		long fd = syscall(SYS_getppid, i);

		printf("got %ld, ", fd);
		printf("read %zd <%s> flags %d\n", read((int)fd, text, 9), text,
		       fcntl((int)fd, F_GETFD));
		fflush(stdout);
	}
}

static long add(int fd, struct seccomp_notif_addfd *a)
{
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, a);
}

static void files(void)
{
	struct {
		struct seccomp_notif_addfd a;
		uint64_t more;
	} large = {0};
	struct seccomp_notif_addfd a = {0};
	int p[2], fd, path = open("/", O_PATH);
	pid_t pid = start(SYS_getppid, 0, asks_for_files, &fd);

	if (pipe(p) || write(p[1], "one", 3) != 3)
		return;
	next_call(fd, pid);
	a.id = req.id;
	a.srcfd = 99;
	SHOW(add(fd, &a));
	a.srcfd = path;
	SHOW(add(fd, &a));
	a.srcfd = p[0];
	a.newfd_flags = O_NONBLOCK;
	SHOW(add(fd, &a));
	a.newfd_flags = 0;
	a.flags = 4;
	SHOW(add(fd, &a));
	a.flags = 0;
	a.newfd = 7;
	SHOW(add(fd, &a));
	a.newfd = 0;
	a.id++;
	SHOW(add(fd, &a));
	a.id--;
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, NULL));
	SHOW(ioctl(fd, _IOW('!', 3, char[20]), &a));
	large.a = a;
	large.more = 1;
	SHOW(ioctl(fd, _IOW('!', 3, large), &large));
	a.flags = SECCOMP_ADDFD_FLAG_SETFD;
	a.newfd = 1U << 30;
	SHOW(add(fd, &a));
	a.newfd = 40;
	SHOW(add(fd, &a));
	SHOW(reply(fd, 40, 0, 0));
	next_call(fd, pid);
	if (write(p[1], "two", 3) != 3)
		return;
	a.id = req.id;
	a.newfd = 0;
	a.flags = 0;
	a.newfd_flags = O_CLOEXEC;
	SHOW(add(fd, &a) > 2);
	a.flags = SECCOMP_ADDFD_FLAG_SEND | SECCOMP_ADDFD_FLAG_SETFD;
	a.newfd = 40;
	SHOW(add(fd, &a));
	SHOW(add(fd, &a) < 0 && (errno == ENOENT || errno == EINPROGRESS));
	next_call(fd, pid);
	if (write(p[1], "three", 5) != 5)
		return;
	a = (struct seccomp_notif_addfd){.id = req.id, .srcfd = p[0], .newfd = 41, .flags = 3};
	SHOW(add(fd, &a));
	reap(pid);
	a.id = req.id;
	SHOW(add(fd, &a));
	close(fd);
	close(path);
	close(p[0]);
	close(p[1]);
}

/* --- the ends ---------------------------------------------------------------------------------------- */

static void asks_once(void)
{
	SHOW(syscall(SYS_getppid, 7));
}

static volatile int handled;

static void on_usr1(int sig)
{
	(void)sig;
	handled++;
}

static void asks_with_a_handler(void)
{
	struct sigaction sa = {.sa_handler = on_usr1};

	sigaction(SIGUSR1, &sa, NULL);
	SHOW(syscall(SYS_getppid, 8));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	SHOW(syscall(SYS_getppid, 9));
	printf("handled %d\n", handled);
}

static void wait_for_call(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	poll(&p, 1, 10000);
}

/* The call whose first argument is @arg. One that a signal took back is there yet, or has left an empty place: then, or
 * later, when the next call was there before anybody came for the first. */
static void call_with(int fd, unsigned arg)
{
	do
		memset(&req, 0, sizeof(req));
	while (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) || req.data.args[0] != arg);
}

static void by_signals(void)
{
	int fd;
	pid_t pid = start(SYS_getppid, 0, asks_with_a_handler, &fd);
	uint64_t id;

	wait_for_call(fd);
	until_asleep(pid);
	kill(pid, SIGUSR1);
	call_with(fd, 9);
	id = req.id;
	kill(pid, SIGUSR1);
	call_with(fd, 9); /* again */
	printf("the same %d\n", id == req.id);
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
	SHOW(reply(fd, 5, 0, 0));
	reap(pid);
	close(fd);
}

static void killable(void)
{
	int fd;
	pid_t pid = start(SYS_getppid, KILLABLE, asks_with_a_handler, &fd);

	next_call(fd, pid);
	kill(pid, SIGUSR1);
	SHOW(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id));
	SHOW(reply(fd, 3, 0, 0));
	next_call(fd, pid);
	kill(pid, SIGKILL);
	reap(pid);
	SHOW(reply(fd, 3, 0, 0));
	say_poll("killed", fd);
	close(fd);
}

static void nobody_listens(void)
{
	int fd;
	pid_t pid = start(SYS_getppid, 0, asks_once, &fd);

	next_call(fd, pid);
	close(fd);
	reap(pid);
	pid = start(SYS_getppid, 0, asks_once, &fd);
	wait_for_call(fd);
	close(fd);
	reap(pid);
}

/* Who inherits the filter asks, too; and threads. */
static void *asks_in_thread(void *arg)
{
	(void)arg;
	printf("thread: %ld\n", syscall(SYS_getppid, 1));
	return NULL;
}

static void asks_of_many(void)
{
	pthread_t t;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		printf("child's child: %ld\n", syscall(SYS_getppid, 2));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pthread_create(&t, NULL, asks_in_thread, NULL);
	pthread_join(t, NULL);
}

static void of_many(void)
{
	int fd;
	pid_t pid = start(SYS_getppid, 0, asks_of_many, &fd);

	next_call(fd, pid);
	SHOW(reply(fd, 77, 0, 0));
	next_call(fd, pid);
	SHOW(reply(fd, 78, 0, 0));
	reap(pid);
	say_poll("all gone", fd);
	close(fd);
}

/* --- refused ----------------------------------------------------------------------------------------- */

static void *sleeps(void *arg)
{
	pause();
	return arg;
}

static void refuses(void)
{
	struct rlimit r = {3, 3}, was;
	pthread_t t;
	long fd;

	SHOW(listen_to(SYS_getppid, LISTENER | SECCOMP_FILTER_FLAG_TSYNC));
	SHOW(listen_to(SYS_getppid, KILLABLE));
	getrlimit(RLIMIT_NOFILE, &was);
	r.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	SHOW(listen_to(SYS_getppid, LISTENER));
	setrlimit(RLIMIT_NOFILE, &was);
	pthread_create(&t, NULL, sleeps, NULL);
	fd = listen_to(SYS_getppid, LISTENER | TSYNC_ESRCH | SECCOMP_FILTER_FLAG_TSYNC);
	SHOW(fd > 2);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(listen_to(SYS_getpgrp, LISTENER));
	SHOW(listen_to(SYS_getpgrp, 0));
	SHOW(syscall(SYS_getpgrp));
	close(fd);
	SHOW(syscall(SYS_getppid));
	SHOW(listen_to(SYS_getpgid, LISTENER) > 2);
}

int main(void)
{
	pid_t pid;

	if (getuid())
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answers();
	files();
	by_signals();
	killable();
	nobody_listens();
	of_many();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		refuses();
		fflush(stdout);
		_exit(0);
	}
	reap(pid);
	return 0;
}

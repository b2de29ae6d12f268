/* eintr_all: what a signal does to each call that waits: a handler without and with SA_RESTART, a stop and a
 * continue. The call ends with EINTR, or goes on. Usage: eintr_all */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define LONG_NS                                                                                    \
	{                                                                                          \
		1000, 0                                                                            \
	}

/* Shared with the child that makes the call. */
static struct shared {
	volatile int calling, handled, done;
	volatile long ret;
	volatile int err;
	volatile int sem, msg; /* 1 + the number of what outlives it; 0: nothing */
} * sh;

static int fds[2];
static struct timespec long_time = LONG_NS;
static char buf[100000];

static void on_sig(int sig)
{
	(void)sig;
	sh->handled = 1;
}

/* --- the calls: each is run in a child of its own, and would wait for ever --------------------------- */

static long read_pipe(void)
{
	return read(fds[0], buf, 1);
}

static long write_pipe(void)
{
	for (;;) /* the first fill it */
		if (write(fds[1], buf, 65536) < 65536)
			return -1;
}

static long splice_pipe(void)
{
	int other[2];

	return pipe(other) ? 0 : splice(fds[0], NULL, other[1], NULL, 100, 0);
}

static long open_fifo(void)
{
	mkfifo("fifo", 0600);
	return open("fifo", O_RDONLY);
}

static long recv_sock(void)
{
	return recv(fds[0], buf, 1, 0);
}

static long recvmsg_sock(void)
{
	struct iovec iov = {buf, 10};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	return recvmsg(fds[0], &m, MSG_WAITALL);
}

static long recvmmsg_sock(void)
{
	struct iovec iov = {buf, 10};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

	return recvmmsg(fds[0], &m, 1, 0, NULL);
}

static long send_sock(void)
{
	for (;;)
		if (send(fds[0], buf, 4096, 0) < 4096)
			return -1;
}

static long recv_timeout(void)
{
	struct timeval tv = {1000, 0};

	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return recv(fds[0], buf, 1, 0);
}

static long accept_sock(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (struct sockaddr *)&a, sizeof(sa_family_t));
	listen(s, 1);
	return accept(s, NULL, NULL);
}

static long connect_sock(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(a);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (struct sockaddr *)&a, sizeof(sa_family_t));
	getsockname(s, (struct sockaddr *)&a, &len);
	listen(s, 0);
	for (;;) /* the queue is full soon */
		if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, len))
			return -1;
}

/* One that lives as long as we do. */
static int child_of_ours(void)
{
	int parent = getpid(), pid = fork();

	if (pid)
		return pid;
	while (getppid() == parent)
		usleep(2000);
	_exit(0);
}

static long call_wait4(void)
{
	child_of_ours();
	return wait4(-1, NULL, 0, NULL);
}

static long call_waitid(void)
{
	siginfo_t si;

	child_of_ours();
	return waitid(P_ALL, 0, &si, WEXITED);
}

static long call_nanosleep(void)
{
	return nanosleep(&long_time, NULL);
}

static long call_clock_nanosleep(void)
{
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
	return errno ? -1 : 0;
}

static long sleep_until(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 1000;
	errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
	return errno ? -1 : 0;
}

static int word;

static long futex_forever(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
}

static long futex_timed(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_time);
}

static long futex_until(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 1000;
	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &ts, NULL, ~0);
}

static long poll_forever(void)
{
	return poll(NULL, 0, -1);
}

static long poll_timed(void)
{
	return poll(NULL, 0, 1000000);
}

static long call_ppoll(void)
{
	return ppoll(NULL, 0, &long_time, NULL);
}

static long call_select(void)
{
	struct timeval tv = {1000, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	return syscall(SYS_select, fds[0] + 1, &set, NULL, NULL, &tv);
}

static long call_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, NULL, NULL);
}

static long call_epoll(void)
{
	struct epoll_event ev;

	return syscall(SYS_epoll_wait, epoll_create1(0), &ev, 1, -1);
}

static long call_epoll_pwait(void)
{
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(epoll_create1(0), &ev, 1, 1000000, &none);
}

static long call_pause(void)
{
	return syscall(SYS_pause);
}

static long call_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static long call_sigtimedwait(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	return sigtimedwait(&s, NULL, &long_time);
}

static long call_sigwaitinfo(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	return sigwaitinfo(&s, NULL);
}

static int new_sem(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);

	sh->sem = id + 1;
	return id;
}

static int new_queue(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	sh->msg = id + 1;
	return id;
}

static long call_semop(void)
{
	struct sembuf op = {0, -1, 0};

	return semop(new_sem(), &op, 1);
}

static long call_semtimedop(void)
{
	struct sembuf op = {0, -1, 0};

	return semtimedop(new_sem(), &op, 1, &long_time);
}

static long call_msgrcv(void)
{
	return msgrcv(new_queue(), buf, 10, 0, 0);
}

static long call_msgsnd(void)
{
	int q = new_queue();

	*(long *)buf = 1;
	while (!msgsnd(q, buf, 4096, 0))
		;
	return -1;
}

static long call_flock(void)
{
	flock(open("lock", O_RDWR | O_CREAT, 0600), LOCK_EX);
	return flock(open("lock", O_RDWR), LOCK_EX);
}

static long call_setlkw(void)
{
	struct flock l = {.l_type = F_WRLCK};
	int ofd = open("lock", O_RDWR | O_CREAT, 0600);

	fcntl(ofd, F_OFD_SETLK, &l);
	return fcntl(open("lock", O_RDWR), F_SETLKW, &l);
}

static long read_eventfd(void)
{
	return read(eventfd(0, 0), buf, 8);
}

static long read_signalfd(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	return read(signalfd(-1, &s, 0), buf, sizeof(buf));
}

static long read_timerfd(void)
{
	struct itimerspec its = {{0, 0}, LONG_NS};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	timerfd_settime(fd, 0, &its, NULL);
	return read(fd, buf, 8);
}

static long read_inotify(void)
{
	return read(inotify_init(), buf, sizeof(buf));
}

static long read_pty(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	grantpt(m);
	unlockpt(m);
	return read(open(ptsname(m), O_RDWR | O_NOCTTY), buf, 1);
}

static long call_mq(void)
{
	mqd_t q = mq_open("/vellum-eintr", O_RDWR | O_CREAT, 0600, NULL);

	mq_unlink("/vellum-eintr");
	return syscall(SYS_mq_timedreceive, q, buf, sizeof(buf), NULL, NULL);
}

static long send_mq(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	mqd_t q = mq_open("/vellum-eintr", O_RDWR | O_CREAT, 0600, &attr);

	mq_unlink("/vellum-eintr");
	while (!syscall(SYS_mq_timedsend, q, buf, 8, 0, NULL))
		;
	return -1;
}

static long call_ofd_setlkw(void)
{
	struct flock l = {.l_type = F_WRLCK};
	int ofd = open("lock", O_RDWR | O_CREAT, 0600);

	fcntl(ofd, F_OFD_SETLK, &l);
	return fcntl(open("lock", O_RDWR), F_OFD_SETLKW, &l);
}

static long call_epoll_pwait2(void)
{
	struct epoll_event ev;

	return syscall(SYS_epoll_pwait2, epoll_create1(0), &ev, 1, NULL, NULL, 8);
}

static long wait_pidfd(void)
{
	siginfo_t si;

	return waitid(P_PIDFD, syscall(SYS_pidfd_open, child_of_ours(), 0), &si, WEXITED);
}

static long open_fifo_to_write(void)
{
	mkfifo("fifo", 0600);
	return open("fifo", O_WRONLY);
}

static long readv_pipe(void)
{
	struct iovec iov[2] = {{buf, 10}, {buf + 10, 10}};

	return readv(fds[0], iov, 2);
}

static long sendfile_pipe(void)
{
	int in = open("/proc/self/exe", O_RDONLY);

	for (;;) /* the first fill it */
		if (sendfile(fds[1], in, NULL, 65536) <= 0)
			return -1;
}

static long tee_pipe(void)
{
	int other[2];

	return pipe(other) ? 0 : tee(fds[0], other[1], 100, 0);
}

static int listener(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int s = socket(AF_INET, SOCK_STREAM, 0);

	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 1);
	return s;
}

static long accept_inet(void)
{
	return accept(listener(), NULL, NULL);
}

static int connected(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int s = listener(), c = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(s, (struct sockaddr *)&a, &len);
	connect(c, (struct sockaddr *)&a, len);
	return c;
}

static long recv_inet(void)
{
	return recv(connected(), buf, 1, 0);
}

static long recv_udp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	bind(s, (struct sockaddr *)&a, sizeof(a));
	return recv(s, buf, 1, 0);
}

static long futex_lock_pi(void)
{
	word = getppid(); /* a thread that does not give it up */
	return syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL);
}

static long call_futex_waitv(void)
{
	struct {
		uint64_t val, addr;
		uint32_t flags, pad;
	} w = {0, (uintptr_t)&word, 2, 0};

	word = 0;
	return syscall(449, &w, 1, 0, NULL, 0);
}

static int open_pty(int *slave)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	grantpt(m);
	unlockpt(m);
	*slave = open(ptsname(m), O_RDWR | O_NOCTTY);
	return m;
}

static long write_pty(void)
{
	struct pollfd p = {.events = POLLOUT};
	int slave;

	open_pty(&slave);
	p.fd = slave;
	fcntl(slave, F_SETFL, O_NONBLOCK);
	while (poll(&p, 1, 50) > 0) /* Linux moves bytes on, and has room again, a little later */
		while (write(slave, buf, 4096) > 0)
			;
	fcntl(slave, F_SETFL, 0);
	return write(slave, buf, 1);
}

/* Nothing goes out of a terminal that is stopped. */
static long drain_pty(void)
{
	int slave;

	open_pty(&slave);
	tcflow(slave, TCOOFF);
	if (write(slave, buf, 10) < 0)
		return -1;
	return tcdrain(slave);
}

static long vmsplice_pipe(void)
{
	struct iovec iov = {buf, 4096};

	while (vmsplice(fds[1], &iov, 1, SPLICE_F_NONBLOCK) > 0)
		;
	return vmsplice(fds[1], &iov, 1, 0);
}

static long send_inet(void)
{
	int s = connected();

	do /* nobody accepts, nobody reads */
		while (send(s, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	while (send(s, buf, 1, 0) == 1);
	return -1;
}

static long connect_inet(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int s = listener();

	getsockname(s, (struct sockaddr *)&a, &len);
	for (;;) /* the queue is full soon */
		if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, len))
			return -1;
}

static long get_aio_events(void)
{
	unsigned long ctx = 0;

	syscall(SYS_io_setup, 1, &ctx);
	return syscall(SYS_io_getevents, ctx, 1, 1, buf, NULL);
}

static long pget_aio_events(void)
{
	unsigned long ctx = 0;

	syscall(SYS_io_setup, 1, &ctx);
	return syscall(SYS_io_pgetevents, ctx, 1, 1, buf, &long_time, NULL);
}

static long futex2_wait(void)
{
	word = 0;
	return syscall(455, &word, 0L, ~0U, 2, NULL, 0);
}

static long futex_requeue_pi(void)
{
	static int lock;

	word = 0;
	return syscall(SYS_futex, &word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
}

static long read_userfaultfd(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);

	return ioctl(fd, UFFDIO_API, &api) ? 0 : read(fd, buf, sizeof(buf));
}

static long recv_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &allow};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	memset(buf, 0, sizeof(struct seccomp_notif));
	return ioctl((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 8, &prog),
		     SECCOMP_IOCTL_NOTIF_RECV, buf);
}

#define PIPE 1
#define STREAM 2
#define DGRAM 3

static const struct call {
	const char *name;
	long (*fn)(void);
	int needs;
} calls[] = {
	{"read of a pipe", read_pipe, PIPE},
	{"write to a pipe", write_pipe, PIPE},
	{"splice", splice_pipe, PIPE},
	{"open of a fifo", open_fifo, 0},
	{"recv", recv_sock, STREAM},
	{"recvmsg", recvmsg_sock, STREAM},
	{"recvmmsg", recvmmsg_sock, DGRAM},
	{"send", send_sock, STREAM},
	{"send of datagrams", send_sock, DGRAM},
	{"recv with SO_RCVTIMEO", recv_timeout, STREAM},
	{"accept", accept_sock, 0},
	{"connect", connect_sock, 0},
	{"wait4", call_wait4, 0},
	{"waitid", call_waitid, 0},
	{"nanosleep", call_nanosleep, 0},
	{"clock_nanosleep", call_clock_nanosleep, 0},
	{"clock_nanosleep until", sleep_until, 0},
	{"futex", futex_forever, 0},
	{"futex, timed", futex_timed, 0},
	{"futex until", futex_until, 0},
	{"poll", poll_forever, 0},
	{"poll, timed", poll_timed, 0},
	{"ppoll", call_ppoll, 0},
	{"select", call_select, PIPE},
	{"pselect", call_pselect, 0},
	{"epoll_wait", call_epoll, 0},
	{"epoll_pwait", call_epoll_pwait, 0},
	{"pause", call_pause, 0},
	{"sigsuspend", call_sigsuspend, 0},
	{"sigtimedwait", call_sigtimedwait, 0},
	{"sigwaitinfo", call_sigwaitinfo, 0},
	{"semop", call_semop, 0},
	{"semtimedop", call_semtimedop, 0},
	{"msgrcv", call_msgrcv, 0},
	{"msgsnd", call_msgsnd, 0},
	{"flock", call_flock, 0},
	{"F_SETLKW", call_setlkw, 0},
	{"read of an eventfd", read_eventfd, 0},
	{"read of a signalfd", read_signalfd, 0},
	{"read of a timerfd", read_timerfd, 0},
	{"read of an inotify", read_inotify, 0},
	{"read of a terminal", read_pty, 0},
	{"mq_receive", call_mq, 0},
	{"mq_send", send_mq, 0},
	{"F_OFD_SETLKW", call_ofd_setlkw, 0},
	{"epoll_pwait2", call_epoll_pwait2, 0},
	{"waitid of a pidfd", wait_pidfd, 0},
	{"open of a fifo to write", open_fifo_to_write, 0},
	{"readv", readv_pipe, PIPE},
	{"sendfile", sendfile_pipe, PIPE},
	{"tee", tee_pipe, PIPE},
	{"accept, inet", accept_inet, 0},
	{"recv, inet", recv_inet, 0},
	{"recv, udp", recv_udp, 0},
	{"FUTEX_LOCK_PI", futex_lock_pi, 0},
	{"futex_waitv", call_futex_waitv, 0},
	{"write to a terminal", write_pty, 0},
	{"tcdrain", drain_pty, 0},
	{"vmsplice", vmsplice_pipe, PIPE},
	{"send, inet", send_inet, 0},
	{"connect, inet", connect_inet, 0},
	{"io_getevents", get_aio_events, 0},
	{"io_pgetevents", pget_aio_events, 0},
	{"futex_wait", futex2_wait, 0},
	{"FUTEX_WAIT_REQUEUE_PI", futex_requeue_pi, 0},
	{"read of a userfaultfd", read_userfaultfd, 0},
	{"SECCOMP_IOCTL_NOTIF_RECV", recv_seccomp, 0},
};

/* --- around them ------------------------------------------------------------------------------------- */

static void nap(void)
{
	usleep(500);
}

/* Until the child sleeps, for a while. False: it is done. */
static int sleeps(int pid)
{
	for (int i = 0, n = 0; i < 4000 && n < 3; i++) {
		if (sh->done)
			return 0;
		n = sh->calling && state_of(pid) == 'S' ? n + 1 : 0;
		nap();
	}
	return 1;
}

static void prepare(const struct call *c)
{
	if (c->needs == PIPE
		    ? pipe(fds)
		    : c->needs && socketpair(AF_UNIX, c->needs == STREAM ? SOCK_STREAM : SOCK_DGRAM,
					     0, fds))
		perror("prepare");
}

static int start(const struct call *c, int flags)
{
	struct sigaction sa = {.sa_handler = on_sig, .sa_flags = flags};
	int pid;

	memset(sh, 0, sizeof(*sh));
	pid = fork();
	if (pid)
		return pid;
	sigaction(SIGUSR1, &sa, NULL);
	prepare(c);
	sh->calling = 1;
	sh->ret = c->fn();
	sh->err = errno;
	sh->done = 1;
	for (;;)
		pause();
}

static void stop_and_go(int pid)
{
	int status;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
}

static const char *outcome(const struct call *c, int flags, int stop)
{
	static char text[40];
	int pid = start(c, flags);

	if (sleeps(pid)) {
		if (stop)
			stop_and_go(pid);
		else
			kill(pid, SIGUSR1);
		while (!stop && !sh->handled)
			nap();
		sleeps(pid);
	}
	if (!sh->done)
		strcpy(text, "goes on");
	else if (sh->ret < 0)
		strcpy(text, strerrorname_np(sh->err));
	else
		sprintf(text, "%ld", sh->ret);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (sh->sem)
		semctl(sh->sem - 1, 0, IPC_RMID);
	if (sh->msg)
		msgctl(sh->msg - 1, IPC_RMID, NULL);
	return text;
}

int main(void)
{
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const struct call *c = &calls[i];

		printf("%s: %s", c->name, outcome(c, 0, 0));
		printf(", SA_RESTART %s", outcome(c, SA_RESTART, 0));
		printf(", stop %s\n", outcome(c, 0, 1));
		fflush(stdout);
	}
	return 0;
}

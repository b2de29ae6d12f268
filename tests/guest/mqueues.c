/* POSIX message queues: every call, flag and error of mq_open(2), mq_unlink(2), mq_timedsend(2),
 * mq_timedreceive(2), mq_notify(2), mq_getsetattr(2); priorities, who waits, limits, and what the files
 * say. Times and pids are not printed. */
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static char name[64], other[64]; /* several may run at once */
static char buf[9000];

static long sys_open(const char *n, int flags, int mode, struct mq_attr *attr)
{
	return syscall(SYS_mq_open, n, flags, mode, attr);
}

static int put(mqd_t q, const char *text, unsigned prio)
{
	return mq_send(q, text, strlen(text) + 1, prio);
}

static void get(mqd_t q)
{
	unsigned prio = 99;
	long n = mq_receive(q, buf, 8192, &prio);

	if (n < 0)
		printf("get: %s\n", strerrorname_np(errno));
	else
		printf("get: %ld <%s> %u\n", n, buf, prio);
}

static void show_attr(const char *what, mqd_t q)
{
	struct mq_attr a = {0};
	int ret = mq_getattr(q, &a);

	printf("%s: %d flags %lo maxmsg %ld msgsize %ld curmsgs %ld\n", what, ret, a.mq_flags,
	       a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

static void opening(void)
{
	struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 10},
		       big = {.mq_maxmsg = 65537, .mq_msgsize = 1};
	struct mq_attr wide = {.mq_maxmsg = 1, .mq_msgsize = (16 << 20) + 1};
	char longer[NAME_MAX + 10];
	int q, r, dup;

	memset(longer, 'x', sizeof(longer));
	longer[NAME_MAX + 1] = 0;
	SHOW(sys_open(name, O_RDWR, 0, NULL));
	SHOW(sys_open(NULL, O_RDWR, 0, NULL));
	SHOW(sys_open("", O_RDWR, 0, NULL));
	SHOW(sys_open("/x", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(sys_open("x/y", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(sys_open(".", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(sys_open("..", O_RDWR, 0600, NULL));
	SHOW(sys_open(longer, O_RDWR | O_CREAT, 0600, NULL));
	SHOW(sys_open(name, O_RDWR | O_CREAT, 0600, (void *)8));
	SHOW(sys_open(name, O_RDWR | O_CREAT, 0600, &bad));
	SHOW(sys_open(name, O_RDWR | O_CREAT, 0600, &big));
	SHOW(sys_open(name, O_RDWR | O_CREAT, 0600, &wide));
	bad.mq_maxmsg = 10;
	bad.mq_msgsize = -1;
	SHOW(sys_open(name, O_RDWR | O_CREAT, 0600, &bad));
	umask(022);
	q = sys_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0666, NULL);
	SHOW(q);
	SHOW(fcntl(q, F_GETFD));
	SHOW(fcntl(q, F_GETFL));
	SHOW(sys_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
	SHOW(sys_open(name, 3, 0600, NULL));
	r = SHOW(sys_open(name, O_RDONLY, 0, NULL));
	show_attr("default", q);
	SHOW(mq_send(r, "x", 1, 0));
	SHOW(mq_send(1, "x", 1, 0));
	SHOW(mq_send(99, "x", 1, 0));
	SHOW(mq_receive(1, buf, 8192, NULL));
	SHOW(mq_receive(99, buf, 8192, NULL));
	SHOW(mq_receive(r, buf, 8191, NULL));
	close(r);
	r = SHOW(sys_open(name, O_WRONLY, 0, NULL));
	SHOW(mq_receive(r, buf, 8192, NULL));
	dup = open("/proc/self/fd/3", O_RDONLY);
	printf("again: %d\n", dup >= 0);
	close(dup);
	close(r);
	close(q);
}

static void as_a_file(void)
{
	int q = sys_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	struct statfs sfs;
	struct stat st;
	char link[100];
	long n;

	SHOW(fstat(q, &st));
	printf("mode %o size %ld links %lu blocks %ld %ld\n", st.st_mode, (long)st.st_size,
	       (unsigned long)st.st_nlink, (long)st.st_blksize, (long)st.st_blocks);
	SHOW(fstatfs(q, &sfs));
	printf("magic %lx names %ld\n", (long)sfs.f_type, (long)sfs.f_namelen);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", q);
	n = readlink(link, buf, 100);
	buf[n] = 0;
	printf("link: %s\n", strcmp(buf + 1, name) ? buf : "/NAME");
	put(q, "12345", 3);
	SHOW(read(q, buf, 1000));
	printf("%.*s", 80, buf);
	SHOW(read(q, buf, 1000));
	SHOW(lseek(q, 6, SEEK_SET));
	SHOW(read(q, buf, 4));
	printf("<%.4s>\n", buf);
	SHOW(lseek(q, 0, SEEK_END));
	SHOW(lseek(q, -1, SEEK_SET));
	SHOW(write(q, "x", 1));
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, q, 0) == MAP_FAILED ? -1 : 0);
	SHOW(poll(&p, 1, 0));
	printf("events %x\n", p.revents);
	mq_notify(q, &ev);
	lseek(q, 0, SEEK_SET);
	n = read(q, buf, 100);
	buf[n] = 0;
	*strstr(buf, "PID:") = 0;
	puts(buf);
	SHOW(fchmod(q, 0640));
	fstat(q, &st);
	printf("mode %o\n", st.st_mode);
	SHOW(ftruncate(q, 0));
	get(q);
	close(q);
}

static void priorities(void)
{
	struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 16}, old;
	struct timespec past = {1, 0}, bad = {0, -1}, soon;
	int q = sys_open(other, O_RDWR | O_CREAT, 0600, &a);
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	unsigned prio;

	show_attr("own", q);
	put(q, "low", 1);
	put(q, "high", 32767);
	put(q, "low again", 1);
	put(q, "middle", 7);
	SHOW(mq_send(q, "x", 1, 32768));
	SHOW(mq_send(q, "12345678901234567", 17, 0));
	SHOW(mq_timedsend(q, "x", 1, 0, &past));
	SHOW(mq_timedsend(q, "x", 1, 0, &bad));
	SHOW(mq_timedsend(q, "x", 1, 0, (void *)8));
	SHOW(syscall(SYS_mq_timedsend, q, 8, 1, 0, NULL));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	SHOW(mq_timedsend(q, "x", 1, 0, &soon));
	p.revents = 0;
	poll(&p, 1, 0);
	printf("full: %x\n", p.revents);
	for (int i = 0; i < 4; i++)
		get(q);
	p.revents = 0;
	poll(&p, 1, 0);
	printf("empty: %x\n", p.revents);
	SHOW(mq_timedreceive(q, buf, 16, &prio, &past));
	SHOW(mq_timedreceive(q, buf, 16, &prio, &bad));
	SHOW(mq_timedreceive(q, buf, 15, &prio, &past));
	a.mq_flags = O_NONBLOCK | O_APPEND;
	SHOW(mq_setattr(q, &a, &old));
	a.mq_flags = O_NONBLOCK;
	a.mq_maxmsg = 77;
	SHOW(mq_setattr(q, &a, &old));
	printf("old flags %lo\n", old.mq_flags);
	show_attr("set", q);
	SHOW(fcntl(q, F_GETFL));
	get(q);
	SHOW(mq_send(q, "", 0, 0));
	SHOW(mq_receive(q, buf, 16, NULL));
	SHOW(syscall(SYS_mq_getsetattr, 99, NULL, NULL));
	SHOW(syscall(SYS_mq_getsetattr, 1, NULL, NULL));
	SHOW(syscall(SYS_mq_getsetattr, q, 8, NULL));
	SHOW(syscall(SYS_mq_getsetattr, q, NULL, 8));
	put(q, "lost", 0);
	SHOW(syscall(SYS_mq_timedreceive, q, 8, 16, NULL, NULL));
	SHOW(mq_receive(q, buf, 16, NULL));
	close(q);
}

static void waiting(void)
{
	int q = sys_open(other, O_RDWR, 0, NULL);
	struct sigaction sa = {.sa_handler = on_signal};
	pid_t a, b;

	fflush(stdout);
	a = fork();
	if (!a) {
		get(q);
		fflush(stdout);
		_exit(0);
	}
	until_asleep(a);
	b = fork();
	if (!b) {
		get(q);
		fflush(stdout);
		_exit(0);
	}
	until_asleep(b);
	put(q, "the first", 0);
	reap(a);
	put(q, "the second", 0);
	reap(b);
	for (int i = 0; i < 4; i++)
		put(q, "fill", 5);
	fflush(stdout);
	a = fork();
	if (!a)
		_exit(put(q, "more", 6) ? errno : 0);
	until_asleep(a);
	get(q);
	reap(a);
	for (int i = 0; i < 4; i++)
		get(q);
	fflush(stdout);
	a = fork();
	if (!a) {
		sigaction(SIGUSR1, &sa, NULL);
		SHOW(mq_receive(q, buf, 16, NULL));
		sa.sa_flags = SA_RESTART;
		sigaction(SIGUSR1, &sa, NULL);
		SHOW(mq_receive(q, buf, 16, NULL));
		fflush(stdout);
		_exit(0);
	}
	until_asleep(a);
	kill(a, SIGUSR1);
	until_asleep(a);
	kill(a, SIGUSR1);
	until_asleep(a);
	put(q, "restarted", 0);
	reap(a);
	a = fork();
	if (!a) {
		get(q);
		_exit(0);
	}
	until_asleep(a);
	kill(a, SIGKILL);
	reap(a);
	put(q, "not lost", 0);
	get(q);
	close(q);
}

static siginfo_t got;
static volatile int got_signals;

static void on_message(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	got = *info;
	got_signals++;
}

static void notifying(void)
{
	int q = sys_open(other, O_RDWR | O_NONBLOCK, 0, NULL), q2;
	struct sigaction sa = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	pid_t pid;

	sigaction(SIGUSR2, &sa, NULL);
	ev.sigev_value.sival_int = 42;
	SHOW(mq_notify(99, &ev));
	SHOW(mq_notify(1, &ev));
	SHOW(syscall(SYS_mq_notify, q, 8));
	ev.sigev_notify = 77;
	SHOW(mq_notify(q, &ev));
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = 65;
	SHOW(mq_notify(q, &ev));
	ev.sigev_signo = SIGUSR2;
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(q, &ev));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		SHOW(mq_notify(q, &ev));
		SHOW(mq_notify(q, NULL)); /* it is not its own */
		SHOW(mq_notify(q, &ev));
		put(q, "hello", 0);
		fflush(stdout);
		_exit(0);
	}
	reap(pid);
	printf("told %d: code %d value %d pid %d uid %d\n", got_signals, got.si_code,
	       got.si_value.sival_int, got.si_pid == pid, got.si_uid == getuid());
	put(q, "again", 0);
	printf("told %d\n", got_signals);
	SHOW(mq_notify(q, &ev));
	put(q, "not empty", 0);
	printf("told %d\n", got_signals);
	get(q);
	get(q);
	get(q);
	put(q, "now", 0);
	printf("told %d\n", got_signals);
	get(q);
	SHOW(mq_notify(q, &ev));
	q2 = dup(q);
	close(q2); /* whoever closes one hears no more */
	put(q, "nobody", 0);
	printf("told %d\n", got_signals);
	get(q);
	ev.sigev_notify = SIGEV_NONE;
	SHOW(mq_notify(q, &ev));
	put(q, "none", 0);
	ev.sigev_notify = SIGEV_SIGNAL;
	SHOW(mq_notify(q, &ev)); /* the other one is gone with the message */
	get(q);
	/* Somebody waits: nobody is told. */
	fcntl(q, F_SETFL, 0);
	pid = fork();
	if (!pid)
		_exit(mq_receive(q, buf, 16, NULL) == 3 ? 0 : 1);
	until_asleep(pid);
	put(q, "hi", 0);
	reap(pid);
	printf("told %d\n", got_signals);
	close(q);
}

/* What SIGEV_THREAD is made of: 32 bytes that come out of a netlink socket. */
static void through_a_socket(void)
{
	int q = sys_open(other, O_RDWR | O_NONBLOCK, 0, NULL), fds[2];
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	char cookie[32] = "the bytes of a library";
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_signo = s};
	struct pollfd p = {s, POLLIN, 0};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds))
		return;
	SHOW(syscall(SYS_mq_notify, q, &ev)); /* no bytes */
	ev.sigev_value.sival_ptr = cookie;
	ev.sigev_signo = 99;
	SHOW(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = q;
	SHOW(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = fds[0];
	SHOW(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = s;
	SHOW(syscall(SYS_mq_notify, 99, &ev));
	SHOW(syscall(SYS_mq_notify, s, &ev));
	SHOW(syscall(SYS_mq_notify, q, &ev));
	SHOW(syscall(SYS_mq_notify, q, &ev));
	SHOW(poll(&p, 1, 0));
	SHOW(syscall(SYS_mq_notify, q, NULL));
	SHOW(poll(&p, 1, 0));
	SHOW(recv(s, buf, 10, MSG_PEEK));
	SHOW(recv(s, buf, 10, MSG_PEEK | MSG_TRUNC));
	SHOW(recvfrom(s, buf, 100, 0, (void *)&from, &len));
	printf("%s, %d; %u bytes, family %d, from %u\n", buf, buf[31], len, from.nl_family,
	       from.nl_pid);
	SHOW(recv(s, buf, 10, MSG_DONTWAIT));
	SHOW(syscall(SYS_mq_notify, q, &ev));
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(recv(s, buf, 100, 0) == 32 && buf[31] == 1 ? 7 : 8);
	until_asleep(pid);
	put(q, "hi", 0);
	reap(pid);
	get(q);
	SHOW(syscall(SYS_mq_notify, q, &ev));
	close(s); /* the queue's own is still there */
	put(q, "nobody", 0);
	get(q);
	close(fds[0]);
	close(fds[1]);
	close(q);
}

static sem_t heard;

static void on_thread(union sigval v)
{
	printf("thread: %d\n", v.sival_int);
	sem_post(&heard);
}

static void by_a_thread(void)
{
	int q = sys_open(other, O_RDWR | O_NONBLOCK, 0, NULL);
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD};

	ev.sigev_notify_function = on_thread;
	sem_init(&heard, 0, 0);
	for (int i = 0; i < 3; i++) {
		ev.sigev_value.sival_int = 100 + i;
		SHOW(mq_notify(q, &ev));
		put(q, "hi", 0);
		sem_wait(&heard);
		get(q);
	}
	close(q);
}

static void limits(void)
{
	struct rlimit r = {100000, 100000};
	struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 8192};
	struct rlimit was;
	char link[40];
	int q;

	getrlimit(RLIMIT_MSGQUEUE, &was);
	printf("limit %lu\n", (unsigned long)was.rlim_cur);
	fflush(stdout);
	if (fork() == 0) {
		setrlimit(RLIMIT_MSGQUEUE, &r);
		SHOW(sys_open("vellum-limits", O_CREAT | O_RDWR, 0600, &a));
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){3, 3});
		SHOW(sys_open("vellum-limits2", O_CREAT | O_RDWR, 0600, &a));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	if (fork() == 0) {
		if (getuid() == 0 && (setgid(12345) || setuid(12345)))
			_exit(1);
		SHOW(sys_open(name, O_RDONLY, 0, NULL) < 0 ? -1 : 0);
		SHOW(sys_open(name, O_RDWR, 0, NULL) < 0 ? -1 : 0);
		if (getuid() == 12345)
			SHOW(syscall(SYS_mq_unlink, name));
		a.mq_maxmsg = 11;
		SHOW(sys_open("vellum-over", O_CREAT | O_RDWR, 0600, &a));
		a.mq_maxmsg = 10;
		a.mq_msgsize = 8193;
		SHOW(sys_open("vellum-over", O_CREAT | O_RDWR, 0600, &a));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	q = sys_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
	SHOW(syscall(SYS_mq_unlink, NULL));
	SHOW(syscall(SYS_mq_unlink, ""));
	SHOW(syscall(SYS_mq_unlink, "/a"));
	SHOW(syscall(SYS_mq_unlink, "vellum-none"));
	SHOW(syscall(SYS_mq_unlink, name));
	SHOW(syscall(SYS_mq_unlink, name));
	SHOW(put(q, "still", 0));
	get(q);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", q);
	buf[readlink(link, buf, 100)] = 0;
	printf("link: %s\n", strstr(buf, " ("));
	SHOW(sys_open(name, O_RDWR, 0, NULL));
	close(q);
	SHOW(syscall(SYS_mq_unlink, other));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	snprintf(name, sizeof(name), "vellum-%d", getpid());
	snprintf(other, sizeof(other), "vellum-other-%d", getpid());
	opening();
	as_a_file();
	priorities();
	waiting();
	notifying();
	through_a_socket();
	by_a_thread();
	limits();
	return 0;
}

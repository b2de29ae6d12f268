/* signalfds: signalfd(2): what is read of each kind of signal, waiting and polling, other sets, processes, errors.
 * Usage: signalfds */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

static sigset_t none, all;

static long sfd4(int fd, const void *set, size_t size, int flags)
{
	return syscall(SYS_signalfd4, fd, set, size, flags);
}

/* A set of up to two signals. */
static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

/* Numbers of our own by name. */
static const char *who(uint32_t pid)
{
	return !pid		       ? "nobody"
	       : (int)pid == getpid()  ? "self"
	       : (int)pid == getppid() ? "parent"
				       : "other";
}

static void print(const struct signalfd_siginfo *si)
{
	printf("signal %u errno %d code %d from %s %u fd %d tid %u band %#x overrun %u trap %u "
	       "status %d "
	       "int %d ptr %#lx times %d addr %#lx %u call %#lx %d %#x\n",
	       si->ssi_signo, si->ssi_errno, si->ssi_code, who(si->ssi_pid), si->ssi_uid,
	       si->ssi_fd, si->ssi_tid, si->ssi_band, si->ssi_overrun, si->ssi_trapno,
	       si->ssi_status, si->ssi_int, (long)si->ssi_ptr, si->ssi_utime + si->ssi_stime < 100,
	       (long)si->ssi_addr, si->ssi_addr_lsb, (long)si->ssi_call_addr, si->ssi_syscall,
	       si->ssi_arch);
}

/* Reads and prints up to @n. */
static long take(int fd, int n)
{
	struct signalfd_siginfo si[8];
	long ret = read(fd, si, n * sizeof(*si));

	for (long i = 0; i < ret / (long)sizeof(*si); i++)
		print(&si[i]);
	return show("read", ret);
}

static long ready(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	poll(&p, 1, ms);
	return p.revents;
}

static void kinds(int fd)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
	struct itimerspec its = {{0, 0}, {0, 1000000}};
	union sigval v = {.sival_ptr = (void *)0x123456789abUL};
	siginfo_t odd;
	int id;

	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGUSR2, v);
	syscall(SYS_tgkill, getpid(), getpid(), SIGURG);
	take(fd, 8);
	/* Whatever one process says to itself is taken as it is. */
	memset(&odd, 0x11, sizeof(odd));
	for (int code = -8; code < 8; code++)
		for (unsigned i = 0; i < 5; i++) {
			static const int sigs[] = {SIGSEGV, SIGBUS, SIGCHLD, SIGIO, SIGSYS};

			memset(&odd, 0, sizeof(odd));
			memset(&odd.si_pid, 0x11, 32);
			odd.si_code = code;
			odd.si_errno = 7;
			syscall(SYS_rt_sigqueueinfo, getpid(), sigs[i], &odd);
			take(fd, 1);
		}
	ev.sigev_value.sival_int = 77;
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id);
	syscall(SYS_timer_settime, id, 0, &its, NULL);
	printf("timer: %ld\n", ready(fd, 1000));
	take(fd, 1);
	syscall(SYS_timer_delete, id);
	if (!fork())
		_exit(5);
	take(fd, 1);
	wait(NULL);
	raise(SIGCHLD);
	take(fd, 8);
}

/* Real-time signals in order, lower numbers first, each as often as it came. */
static void order(int fd)
{
	static const int sent[] = {5, 3, 5, 4, 3};
	struct signalfd_siginfo si[8];

	for (unsigned i = 0; i < 5; i++)
		sigqueue(getpid(), SIGRTMIN + sent[i], (union sigval){.sival_int = i});
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGHUP);
	printf("ready %#lx\n", ready(fd, 0));
	printf("read %zd\n", read(fd, si, 7 * sizeof(*si)) / sizeof(*si));
	for (unsigned i = 0; i < 7; i++)
		printf("  %u %d\n", si[i].ssi_signo, si[i].ssi_int);
	printf("ready %#lx\n", ready(fd, 0));
}

static void on_alarm(int sig)
{
	printf("handler %d\n", sig);
}

static void waiting(void)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2), alrm = set_of(SIGALRM, 0);
	struct signalfd_siginfo si;
	int fd = signalfd(-1, &set, 0), pid;
	struct sigaction sa = {.sa_handler = on_alarm};

	/* Another signal interrupts. */
	sigaction(SIGALRM, &sa, NULL);
	sigprocmask(SIG_UNBLOCK, &alrm, NULL);
	pid = signals_when_asleep(SIGALRM);
	take(fd, 1);
	waitpid(pid, NULL, 0);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	if (!(pid = fork())) {
		until_asleep(getppid());
		kill(getppid(), SIGALRM);
		until_asleep(getppid());
		kill(getppid(), SIGUSR2);
		_exit(0);
	}
	SHOW(read(fd, &si, sizeof(si)));
	printf("restarted: %d\n", (int)si.ssi_pid == pid);
	waitpid(pid, NULL, 0);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* poll(2) sleeps until one comes. */
	pid = signals_when_asleep(SIGUSR1);
	printf("poll %#lx\n", ready(fd, 10000));
	waitpid(pid, NULL, 0);
	/* The child polls its own. */
	fflush(stdout);
	if (!(pid = fork())) {
		printf("child: %#lx\n", ready(fd, 0));
		kill(getpid(), SIGUSR2);
		printf("child: %#lx\n", ready(fd, 0));
		take(fd, 1);
		exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("still %#lx\n", ready(fd, 0));
	take(fd, 1);
	close(fd);
}

static void sets(void)
{
	sigset_t set = set_of(SIGUSR1, SIGKILL);
	int fd = SHOW(sfd4(-1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC)), pid;
	char line[100], path[40];
	FILE *f;

	kill(getpid(), SIGUSR2);
	take(fd, 1);
	set = set_of(SIGUSR2, SIGSTOP);
	printf("changed %d\n", sfd4(fd, &set, 8, 0) == fd);
	printf("flags %#x %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	take(fd, 1);
	sprintf(path, "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "sigmask", 7) || !strncmp(line, "flags", 5))
			fputs(line, stdout);
	fclose(f);
	/* A change wakes who waits, and the new set counts. */
	fcntl(fd, F_SETFL, 0);
	fflush(stdout);
	if (!(pid = fork())) {
		take(fd, 1);
		exit(0);
	}
	until_asleep(pid);
	kill(pid, SIGRTMIN);
	set = set_of(SIGRTMIN, 0);
	sfd4(fd, &set, 8, 0);
	kill(pid, SIGURG); /* ignored, but blocked: wakes it once more */
	waitpid(pid, NULL, 0);
	close(fd);
}

static void errors(void)
{
	sigset_t set = set_of(SIGUSR1, 0);
	int fd, other = open("/dev/null", O_RDONLY), nr;
	void *volatile nowhere = (void *)8;
	struct signalfd_siginfo si;
	struct statfs fs;
	struct stat st;
	char link[64];

	SHOW(sfd4(-1, &set, 4, 0));
	SHOW(sfd4(-1, (void *)8, 8, 0));
	SHOW(sfd4(-1, &set, 8, 1));
	SHOW(sfd4(other, &set, 8, 0));
	SHOW(sfd4(99, &set, 8, 0));
	SHOW(sfd4(-2, &set, 8, 0));
	SHOW(syscall(SYS_signalfd, -1, &set, 9));
	SHOW(syscall(SYS_signalfd, -1, (void *)8, 8));
	SHOW(syscall(SYS_signalfd, other, &set, 8));
	fd = SHOW(syscall(SYS_signalfd, -1, &set, 8));
	SHOW(fcntl(fd, F_GETFL));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	SHOW(read(fd, &si, sizeof(si) - 1));
	SHOW(read(fd, &si, sizeof(si)));
	kill(getpid(), SIGUSR1);
	SHOW(read(fd, nowhere, sizeof(si)));
	SHOW(read(fd, &si, sizeof(si)));
	SHOW(write(fd, &si, sizeof(si)));
	SHOW(pread(fd, &si, sizeof(si), 0));
	SHOW(lseek(fd, 5, SEEK_SET));
	SHOW(ioctl(fd, FIONREAD, &nr));
	SHOW(ftruncate(fd, 0));
	SHOW(fsync(fd));
	SHOW(sendfile(1, fd, NULL, sizeof(si)));
	fstat(fd, &st);
	fstatfs(fd, &fs);
	printf("mode %o size %ld type %#lx\n", st.st_mode, (long)st.st_size, (long)fs.f_type);
	sprintf(link, "/proc/self/fd/%d", fd);
	nr = readlink(link, (char *)&si, sizeof(si));
	printf("%.*s\n", nr, (char *)&si);
	SHOW(open(link, O_RDONLY));
	close(fd);
	close(other);
}

int main(void)
{
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&none);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	fd = signalfd(-1, &all, 0);
	kinds(fd);
	order(fd);
	close(fd);
	waiting();
	sets();
	errors();
	return 0;
}

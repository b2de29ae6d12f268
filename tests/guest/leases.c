/* Leases (fcntl(2) F_SETLEASE): who gets one, who does not, and what a break by another process does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define LONGER_S 30 /* a break that takes so long has failed */

static const char *path;
static sigset_t set;

static const char *err_name(long ret)
{
	if (ret >= 0)
		return "ok";
	return strerrorname_np(errno);
}

static const char *type_name(int type)
{
	return type == F_RDLCK	 ? "read"
	       : type == F_WRLCK ? "write"
	       : type == F_UNLCK ? "none"
				 : "?";
}

static void get(const char *what, int fd)
{
	printf("%s: has %s\n", what, type_name(fcntl(fd, F_GETLEASE)));
}

static void try_lease(const char *what, int fd, int type)
{
	printf("%s: %s: ", what, type_name(type));
	printf("%s\n", err_name(fcntl(fd, F_SETLEASE, type)));
}

static int must_open(int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0) {
		printf("open %x: %s\n", flags, err_name(fd));
		exit(1);
	}
	return fd;
}

/* The lines of /proc/locks about this file, without pids and numbers. */
static void show_locks(void)
{
	char buf[65536], name[64];
	struct stat st;
	int fd = open("/proc/locks", O_RDONLY), breaker;
	size_t n = 0;
	ssize_t got;

	stat(path, &st);
	snprintf(name, sizeof(name), "%02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	while ((got = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += got;
	close(fd);
	buf[n] = '\0';
	breaker = 0;
	for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
		char *at = strstr(line, name), *from = strchr(line, ' ');
		int len;

		breaker = at ? 1 : breaker && strstr(line, "BREAKER");
		if (!breaker)
			continue;
		at = at ? at : strstr(line, "<none>");
		for (len = (int)(at - from) - 1; len && from[len - 1] != ' '; len--)
			;
		printf("locks:%.*sPID FILE%s\n", len, from, strchr(at, ' '));
	}
}

static void wait_signal(const char *what, int fd)
{
	struct timespec most = {LONGER_S, 0};
	siginfo_t si = {0};
	int sig = sigtimedwait(&set, &si, &most);

	printf("%s: signal %s", what, sig == SIGIO ? "SIGIO" : sig == SIGUSR1 ? "SIGUSR1" : "?");
	if (sig == SIGUSR1)
		printf(" code %d fd %s band %lx", si.si_code, si.si_fd == fd ? "right" : "wrong",
		       (unsigned long)si.si_band);
	printf("\n");
}

/* A child opens the file so, and tells how that went. */
static pid_t opener(int flags, int use_truncate)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		int ret;

		close_range(3, ~0U, 0); /* else it has the lease, too */
		ret = use_truncate ? truncate(path, 3) : open(path, flags, 0644);

		_exit(ret >= 0 ? 0 : errno == EAGAIN ? 1 : errno == EACCES ? 2 : 3);
	}
	return pid;
}

static void reap(const char *what, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("%s: opener ends with %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* It does not end by itself meanwhile. */
static void still_waits(const char *what, pid_t pid)
{
	int status;

	usleep(30000);
	printf("%s: opener %s\n", what, waitpid(pid, &status, WNOHANG) ? "is gone" : "waits");
}

static void rules(void)
{
	int r = must_open(O_RDONLY), w, r2, pipes[2], dir = open(".", O_RDONLY | O_DIRECTORY);
	int opath = open(path, O_PATH);

	get("alone", r);
	try_lease("none yet", r, F_UNLCK);
	try_lease("wrong type", r, 7);
	try_lease("directory", dir, F_RDLCK);
	if (pipe(pipes))
		return;
	try_lease("pipe", pipes[0], F_RDLCK);
	try_lease("O_PATH", opath, F_RDLCK);
	printf("O_PATH: get %s\n", err_name(fcntl(opath, F_GETLEASE)));
	get("pipe", pipes[0]);
	close(opath);
	try_lease("reader alone", r, F_RDLCK);
	get("reader alone", r);
	try_lease("reader alone", r, F_WRLCK);
	get("reader alone", r);
	show_locks();
	printf("owner %s\n", fcntl(r, F_GETOWN) == getpid() ? "self" : "another");
	try_lease("down", r, F_RDLCK);
	r2 = must_open(O_RDONLY);
	try_lease("two readers", r, F_WRLCK);
	try_lease("second", r2, F_RDLCK);
	show_locks();
	try_lease("given up", r, F_UNLCK);
	printf("owner after: %d\n", fcntl(r, F_GETOWN));
	get("given up", r);
	get("second", r2);
	close(r2);
	w = must_open(O_RDWR | O_NONBLOCK);
	try_lease("with a writer", r, F_RDLCK);
	try_lease("the writer", w, F_RDLCK);
	try_lease("the writer", w, F_WRLCK);
	close(r);
	try_lease("the writer alone", w, F_WRLCK);
	try_lease("the writer alone, down", w, F_RDLCK);
	get("the writer alone", w);
	r2 = dup(w);
	close(w);
	get("its copy", r2);
	close(r2);
	close(pipes[0]);
	close(pipes[1]);
	close(dir);
	show_locks();
}

static void breaks(void)
{
	int fd = must_open(O_RDONLY), two;
	pid_t pid, other;

	try_lease("A", fd, F_RDLCK);
	reap("A, a reader", opener(O_RDONLY, 0));
	reap("A, not waiting", opener(O_WRONLY | O_NONBLOCK, 0));
	wait_signal("A", fd);
	get("A", fd);
	show_locks();
	try_lease("A again", fd, F_RDLCK);
	pid = opener(O_WRONLY, 0);
	still_waits("A", pid);
	show_locks();
	try_lease("A with a writer", fd, F_RDLCK);
	try_lease("A", fd, F_UNLCK);
	reap("A, waiting", pid);

	try_lease("B", fd, F_WRLCK);
	fcntl(fd, F_SETSIG, SIGUSR1);
	pid = opener(O_RDONLY, 0);
	wait_signal("B", fd);
	get("B", fd);
	other = opener(O_RDONLY, 0);
	still_waits("B", pid);
	still_waits("B", other);
	show_locks();
	try_lease("B up", fd, F_WRLCK);
	try_lease("B down", fd, F_RDLCK);
	reap("B first", pid);
	reap("B second", other);
	get("B", fd);
	show_locks();
	pid = opener(O_RDWR | O_TRUNC, 0);
	wait_signal("B", fd);
	still_waits("B", pid);
	printf("B: size %ld\n", (long)lseek(fd, 0, SEEK_END));
	try_lease("B", fd, F_UNLCK);
	reap("B, truncating", pid);
	printf("B: size %ld, F_GETSIG %d\n", (long)lseek(fd, 0, SEEK_END), fcntl(fd, F_GETSIG));

	try_lease("C", fd, F_RDLCK);
	fcntl(fd, F_SETSIG, SIGUSR1);
	two = must_open(O_RDONLY);
	try_lease("C two", two, F_RDLCK);
	pid = opener(0, 1);
	wait_signal("C", fd);
	wait_signal("C", fd);
	still_waits("C", pid);
	show_locks();
	try_lease("C", fd, F_UNLCK);
	still_waits("C", pid);
	close(two);
	reap("C, truncate", pid);
	printf("C: size %ld\n", (long)lseek(fd, 0, SEEK_END));

	try_lease("D", fd, F_RDLCK);
	two = open(path, O_RDONLY | O_TRUNC);
	printf("D: O_RDONLY and O_TRUNC: %s, size %ld\n", err_name(two),
	       (long)lseek(fd, 0, SEEK_END));
	get("D", fd);
	printf("D: directory: %s\n", err_name(open(".", O_RDONLY | O_TRUNC)));
	close(two);
	pid = opener(O_WRONLY, 0);
	wait_signal("D", fd);
	still_waits("D", pid);
	kill(pid, SIGTERM);
	reap("D, killed", pid);
	get("D", fd);
	show_locks();
	close(fd);
	show_locks();
}

/* The file descriptions are shared: the child has the lease, too, and gives it up for both. */
static void inherited(void)
{
	int fd = must_open(O_RDONLY);
	pid_t pid;

	try_lease("parent", fd, F_RDLCK);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		get("child", fd);
		close(fd);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	get("child closed", fd);
	pid = fork();
	if (!pid)
		_exit(fcntl(fd, F_SETLEASE, F_UNLCK) ? 1 : 0);
	reap("child unlocks", pid);
	get("child unlocked", fd);
	close(fd);
}

static void others_file(void)
{
	int fd;
	pid_t pid;

	if (getuid())
		return;
	fd = must_open(O_RDONLY);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setresuid(1000, 1000, 1000))
			_exit(1);
		try_lease("another's file", fd, F_RDLCK);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(fd);
}

/* What root alone can set: a short time. */
static void timed(const char *seconds)
{
	int ctl = open("/proc/sys/fs/lease-break-time", O_WRONLY), fd = must_open(O_RDONLY);
	pid_t pid;

	if (ctl < 0 || write(ctl, seconds, strlen(seconds)) < 0)
		printf("no time: %s\n", err_name(-1));
	close(ctl);
	try_lease("timed", fd, F_WRLCK);
	pid = opener(O_RDONLY, 0);
	wait_signal("timed", fd);
	reap("timed", pid);
	get("timed", fd);
	pid = opener(O_WRONLY, 0);
	wait_signal("timed", fd);
	reap("timed", pid);
	get("timed", fd);
	show_locks();
	close(fd);
}

int main(int argc, char **argv)
{
	int fd;

	path = argc > 1 ? argv[1] : "leased";
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGTERM, SIG_DFL);
	fd = must_open(O_RDWR | O_CREAT | O_TRUNC);
	if (write(fd, "leased file", 11) != 11)
		return 1;
	close(fd);
	if (argc > 2) {
		timed(argv[2]);
	} else {
		rules();
		breaks();
		inherited();
		others_file();
	}
	unlink(path);
	return 0;
}

/* inotify: which events come of which call, in which order; watches; the queue. Works in a directory of its own below the
 * one named by its argument, or the current one. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define ADD(path, mask) show("watch " path, inotify_add_watch(in, path, mask))

static int in;
static char buf[16384] __attribute__((aligned(8)));

/* What is in the queue. Cookies join two events, and are else nobody's business. */
static void drain(const char *what)
{
	long n = read(in, buf, sizeof(buf)), i = 0;
	unsigned cookie = 0;

	printf("%s:\n", what);
	while (i < n) {
		struct inotify_event *e = (void *)(buf + i);

		printf("  %d %#x %u %s%s\n", e->wd, e->mask, e->len, e->len ? e->name : "",
		       !e->cookie	     ? ""
		       : e->cookie == cookie ? " (same)"
					     : " (cookie)");
		cookie = e->cookie;
		i += sizeof(*e) + e->len;
	}
}

static int opened(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		exit(1);
	return fd;
}

static void make(const char *name)
{
	close(opened(name, O_CREAT | O_RDWR));
}

static void bytes(void)
{
	int fd = opened("d/f", O_RDWR), out;
	char c[64];

	SHOW(read(fd, c, 1));
	SHOW(read(fd, c, 8));
	SHOW(read(fd, c, 1));
	SHOW(write(fd, "x", 1));
	SHOW(pread(fd, c, 1, 0));
	drain("read, write");
	close(fd);
	drain("close");
	close(opened("d/f", O_RDWR | O_TRUNC));
	drain("open that cuts");
	close(opened("d/g", O_CREAT | O_WRONLY));
	drain("open that makes");
	close(opened("d/g", O_CREAT | O_TRUNC | O_WRONLY));
	drain("open that might have made");
	close(opened("d/none", O_CREAT | O_EXCL | O_TRUNC | O_WRONLY));
	unlink("d/none");
	drain("open that makes and cuts");
	SHOW(truncate("d/f", 10));
	drain("truncate");
	fd = opened("d/f", O_RDWR);
	SHOW(ftruncate(fd, 5));
	drain("ftruncate");
	out = opened("other", O_CREAT | O_RDWR);
	SHOW(sendfile(out, fd, NULL, 3));
	drain("sendfile");
	close(out);
	close(opened("d/f", O_PATH));
	SHOW(open("d/f", O_RDONLY | O_DIRECTORY));
	SHOW(access("d/f", R_OK));
	SHOW(stat("d/f", &(struct stat){0}));
	drain("nothing");
	close(fd);
	drain("close");
}

static void attributes(void)
{
	struct timespec ts[2] = {{0, UTIME_OMIT}, {5, 0}};
	struct timeval tv[2] = {{1, 0}, {2, 0}};
	int fd = opened("d/f", O_RDWR);

	drain("open");
	SHOW(fchmod(fd, 0600));
	drain("fchmod");
	SHOW(fchown(fd, -1, -1));
	drain("fchown of nothing");
	SHOW(chown("d/f", getuid(), -1));
	drain("chown");
	SHOW(futimens(fd, NULL));
	drain("futimens");
	SHOW(utimes("d/f", tv));
	drain("utimes");
	SHOW(utimensat(AT_FDCWD, "d/f", ts, 0));
	drain("mtime");
	ts[0].tv_nsec = 5;
	ts[1].tv_nsec = UTIME_OMIT;
	SHOW(utimensat(AT_FDCWD, "d/f", ts, 0));
	drain("atime");
	close(fd);
	drain("close");
}

static void names(void)
{
	SHOW(link("d/f", "d/l"));
	drain("link");
	SHOW(symlink("x", "d/s"));
	drain("symlink");
	SHOW(mkfifo("d/p", 0600));
	drain("mkfifo");
	SHOW(mkdir("d/sub", 0755));
	drain("mkdir");
	SHOW(rename("d/l", "d/m"));
	drain("rename");
	SHOW(rename("d/m", "e/m"));
	drain("rename out");
	SHOW(rename("e/m", "d/mm"));
	drain("rename in");
	SHOW(rename("d/f", "d/mm"));
	drain("rename to another name of its own");
	SHOW(unlink("d/f"));
	drain("one name less");
	SHOW(rename("d/mm", "d/f2"));
	drain("rename of what is watched");
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "d/f2", AT_FDCWD, "d/s", RENAME_EXCHANGE));
	drain("exchange");
	SHOW(rename("d/g", "d/s"));
	drain("rename over what is watched");
	SHOW(rename("d/none", "d/any"));
	SHOW(unlink("d/none"));
	SHOW(mkdir("d/sub", 0755));
	drain("nothing");
}

static void ends(void)
{
	int fd;

	make("d/a");
	drain("made");
	ADD("d/a", IN_ALL_EVENTS);
	fd = opened("d/a", O_RDONLY);
	SHOW(unlink("d/a"));
	drain("unlinked while open");
	SHOW(read(fd, buf, 1));
	close(fd);
	drain("closed");
	make("d/a");
	ADD("d/a", IN_ALL_EVENTS);
	SHOW(unlink("d/a"));
	drain("unlinked");
	ADD("d/sub", IN_ALL_EVENTS);
	SHOW(rename("d/sub", "d/sub2"));
	drain("directory moved");
	fd = opened("d/sub2", O_RDONLY | O_DIRECTORY);
	while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	drain("directory read");
	SHOW(rmdir("d/sub2"));
	drain("directory removed");
}

static void kinds_of_watch(void)
{
	int fd, wd;

	ADD("e", IN_ALL_EVENTS | IN_ONESHOT);
	make("e/q");
	drain("once");
	wd = inotify_add_watch(in, "e", IN_OPEN);
	SHOW(inotify_add_watch(in, "e", IN_CLOSE) == wd);
	make("e/q");
	drain("replaced");
	SHOW(inotify_add_watch(in, "e/.", IN_OPEN | IN_MASK_ADD) == wd);
	make("e/q");
	drain("added to");
	ADD("e", IN_OPEN | 0x10000000);
	SHOW(inotify_rm_watch(in, wd));
	SHOW(inotify_rm_watch(in, wd));
	drain("removed");
	ADD("e", IN_MODIFY);
	fd = opened("e/q", O_RDWR);
	for (int i = 0; i < 5; i++)
		if (write(fd, "a", 1) != 1)
			exit(1);
	SHOW(ioctl(in, FIONREAD, &wd));
	printf("bytes %d\n", wd);
	SHOW(read(in, buf, 31));
	drain("one of several equal ones");
	close(fd);
	ADD("e", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	fd = opened("e/q", O_RDWR);
	unlink("e/q");
	SHOW(write(fd, "a", 1));
	close(fd);
	drain("not once it is unlinked");
	ADD("e", IN_ALL_EVENTS);
	fd = opened("e/q", O_RDWR | O_CREAT);
	unlink("e/q");
	SHOW(write(fd, "a", 1));
	close(fd);
	drain("still, though it is unlinked");
	if (symlink("e", "link"))
		exit(1);
	ADD("link", IN_ONLYDIR | IN_OPEN);
	ADD("link", IN_ONLYDIR | IN_DONT_FOLLOW | IN_OPEN);
	ADD("link", IN_DONT_FOLLOW | IN_OPEN);
	make("e/with_a_name_of_more_than_sixteen_bytes");
	unlink("e/with_a_name_of_more_than_sixteen_bytes");
	drain("a long name");
}

static void refused(void)
{
	struct rlimit rl, old;
	int file = opened("other", O_RDONLY);

	SHOW(inotify_init1(1));
	ADD("e", 0);
	ADD("e", 0x00100000);
	ADD("none", IN_OPEN);
	ADD("none", 0);
	ADD("", IN_OPEN);
	ADD("other", IN_OPEN | IN_ONLYDIR);
	ADD("other/x", IN_OPEN);
	ADD("e", IN_OPEN | IN_MASK_ADD | 0x10000000);
	SHOW(syscall(SYS_inotify_add_watch, in, 8, IN_OPEN));
	SHOW(inotify_add_watch(file, "e", IN_OPEN));
	SHOW(inotify_add_watch(99, "e", IN_OPEN));
	SHOW(inotify_add_watch(99, "e", 0));
	SHOW(inotify_rm_watch(file, 1));
	SHOW(inotify_rm_watch(99, 1));
	SHOW(inotify_rm_watch(in, 99));
	SHOW(inotify_rm_watch(in, -1));
	SHOW(write(in, "a", 1));
	SHOW(lseek(in, 1, SEEK_SET));
	SHOW(pread(in, buf, 100, 0));
	SHOW(read(in, buf, 100));
	SHOW(fcntl(in, F_GETFL));
	SHOW(fcntl(in, F_GETFD));
	getrlimit(RLIMIT_NOFILE, &old);
	rl = old;
	rl.rlim_cur = file + 1;
	setrlimit(RLIMIT_NOFILE, &rl);
	SHOW(inotify_init1(0));
	SHOW(syscall(SYS_inotify_init));
	setrlimit(RLIMIT_NOFILE, &old);
	close(file);
}

/* What is read from and written to a fifo its directory's reader does not hear of; a socket's name it does. */
static void specials(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "e/socket"};
	int fd, sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	char c = 'c';

	ADD("e", IN_ALL_EVENTS);
	SHOW(mkfifo("e/fifo", 0600));
	ADD("e/fifo", IN_ALL_EVENTS);
	fd = open("e/fifo", O_RDWR);
	drain("opened");
	SHOW(write(fd, &c, 1));
	SHOW(read(fd, &c, 1));
	drain("used");
	SHOW(futimens(fd, NULL));
	close(fd);
	drain("closed");
	SHOW(bind(sock, (struct sockaddr *)&sun, sizeof(sun)));
	drain("bound");
	close(sock);
	unlink("e/socket");
	unlink("e/fifo");
	drain("gone");
}

/* The reader sleeps; another process does something. */
static void waits(void)
{
	struct pollfd p = {in, POLLIN, 0};
	pid_t pid;

	ADD("e", IN_ALL_EVENTS);
	SHOW(poll(&p, 1, 0));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(5000);
		_exit(mkdir("e/child", 0700));
	}
	SHOW(poll(&p, 1, 5000));
	waitpid(pid, NULL, 0);
	drain("polled");
	fcntl(in, F_SETFL, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(5000);
		_exit(rmdir("e/child"));
	}
	drain("read");
	waitpid(pid, NULL, 0);
	fcntl(in, F_SETFL, O_NONBLOCK);
}

/* A directory over an empty one, and over itself; a file that is watched itself and has no name any more; what is in the
 * way of a name is said before why it cannot be. */
static void over_others(void)
{
	int fd;

	mkdir("over", 0755);
	mkdir("over/full", 0755);
	mkdir("over/full/sub", 0755);
	mkdir("over/empty", 0755);
	make("over/f");
	ADD("over", IN_ALL_EVENTS);
	ADD("over/empty", IN_ALL_EVENTS);
	ADD("over/f", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	SHOW(rename("over/full", "over/full"));
	drain("over itself");
	SHOW(rename("over/full", "over/empty"));
	drain("over an empty one");
	close(open("over/f", O_RDONLY | O_TRUNC));
	mkfifo("over/fifo", 0600);
	close(open("over/fifo", O_RDWR | O_TRUNC));
	drain("truncated");
	fd = open("over/f", O_RDWR);
	unlink("over/f");
	write(fd, "x", 1);
	fchmod(fd, 0640);
	close(fd);
	drain("without a name");
	SHOW(link("over", "over/empty"));
	SHOW(link("over", "over/none"));
	SHOW(link("over", "/proc/stat"));
	SHOW(mkdir("/proc/stat", 0755));
	SHOW(symlink("a", "/proc/stat"));
}

int main(int argc, char **argv)
{
	if (argc > 1 && chdir(argv[1]))
		return 1;
	if (mkdir("inotify.d", 0755) || chdir("inotify.d") || mkdir("d", 0755) || mkdir("e", 0755))
		return 1;
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	make("d/f");
	if (truncate("d/f", 3))
		return 1;
	ADD("d", IN_ALL_EVENTS);
	ADD("d/f", IN_ALL_EVENTS);
	bytes();
	attributes();
	names();
	ends();
	kinds_of_watch();
	waits();
	specials();
	over_others();
	refused();
	close(in);
	if (chdir(".."))
		return 1;
	return system("rm -rf inotify.d") != 0;
}

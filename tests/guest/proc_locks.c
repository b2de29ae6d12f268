/* /proc/locks: locks of each kind as they come, join, are cut and go, who waits for whom, and how it is read
 * while they change. Other processes of the host's have locks, too, which come and go: only the lines about
 * these files are looked at, and what reads the whole again does it until nothing else changed. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define ROOM 65536
#define NR_CHILDREN 4
#define TRIES 100

static int fds[2]; /* the two files */
static char names[2][64];
static pid_t self, children[NR_CHILDREN];
static void *volatile wild = (void *)8; /* nothing is mapped there */

static const char *who(int pid)
{
	static const char *const who_names[] = {"child 0", "child 1", "child 2", "child 3"};

	for (int i = 0; i < NR_CHILDREN; i++)
		if (children[i] == pid)
			return who_names[i];
	return pid == self ? "self" : pid == -1 ? "-1" : "?";
}

/* The file a line is about, or -1. */
static int file_of(const char *line, size_t n)
{
	for (int i = 0; i < 2; i++)
		if (memmem(line, n, names[i], strlen(names[i])))
			return i;
	return -1;
}

/* Prints what @text says of the files: numbers count from 1, pids and files have names. The lines. */
static int print_lines(const char *text)
{
	int nr = 0, last = 0, lines = 0;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		int file = file_of(text, end - text), id, at, pid, at_pid;
		const char *name;

		if (file < 0)
			continue;
		name = memmem(text, end - text, names[file], strlen(names[file]));
		for (at_pid = (int)(name - text) - 1; text[at_pid - 1] != ' '; at_pid--)
			;
		if (sscanf(text, "%d:%n", &id, &at) != 1 ||
		    sscanf(text + at_pid, "%d", &pid) != 1) {
			printf("odd line: %.*s\n", (int)(end - text), text);
			continue;
		}
		nr += id != last;
		last = id;
		name += strlen(names[file]);
		printf("  %d:%.*s%s file %d %.*s\n", nr, at_pid - at, text + at, who(pid), file,
		       (int)(end - name), name);
		lines++;
	}
	return lines;
}

static char *whole(void)
{
	static char text[2][ROOM];
	static int turn;
	char *to = text[turn = !turn];
	int fd = open("/proc/locks", O_RDONLY);
	ssize_t n, all = 0;

	while ((n = read(fd, to + all, ROOM - 1 - all)) > 0)
		all += n;
	to[all] = 0;
	close(fd);
	return to;
}

static void say(const char *what)
{
	printf("%s:\n", what);
	if (!print_lines(whole()))
		puts("  none");
}

static int count(const char *text)
{
	int lines = 0;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		lines += file_of(text, end - text) >= 0;
	return lines;
}

/* Until there are so many lines. */
static void await_lines(int lines)
{
	for (int i = 0; i < 5000 && count(whole()) != lines; i++)
		usleep(2000);
	if (count(whole()) != lines)
		printf("there are not %d lines\n", lines);
}

static int lock(int fd, int cmd, int type, long start, long len)
{
	struct flock fl = {.l_type = (short)type, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &fl);
}

static void records(void)
{
	int fd = fds[0];

	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	say("one");
	SHOW(lock(fd, F_SETLK, F_RDLCK, 100, 0));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 20, 10));
	SHOW(lock(fds[1], F_SETLK, F_WRLCK, 0, 0));
	say("newest first");
	SHOW(lock(fd, F_SETLK, F_WRLCK, 10, 5));
	say("an older one grows in its place");
	SHOW(lock(fd, F_SETLK, F_WRLCK, 15, 5));
	say("two become one");
	SHOW(lock(fd, F_SETLK, F_UNLCK, 5, 5));
	say("one becomes two");
	SHOW(lock(fd, F_SETLK, F_RDLCK, 12, 2));
	say("three");
	SHOW(lock(fd, F_SETLK, F_RDLCK, 0, 5));
	say("another type");
	SHOW(lock(fd, F_SETLK, F_WRLCK, 50, 1000));
	say("part of another type");
	SHOW(lock(fd, F_SETLK, F_RDLCK, 0, 0));
	say("one for all");
	SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0x7ffffffffffffff0, 16));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0x7ffffffffffffff0 - 16, 15));
	say("the last byte");
	close(dup(fd));
	close(dup(fds[1]));
	say("a descriptor closed");
}

static void descriptions(void)
{
	int other = open("0", O_RDWR), memfd = memfd_create("locks", 0);
	struct stat st;
	char name[64];

	SHOW(lock(fds[0], F_OFD_SETLK, F_WRLCK, 0, 10));
	SHOW(lock(other, F_OFD_SETLK, F_RDLCK, 10, 10));
	SHOW(flock(fds[0], LOCK_SH));
	SHOW(flock(other, LOCK_SH));
	SHOW(lock(other, F_SETLK, F_RDLCK, 30, 1));
	say("of descriptions");
	SHOW(flock(other, LOCK_EX | LOCK_NB));
	say("a shared one is lost");
	SHOW(flock(fds[0], LOCK_EX));
	say("alone");
	SHOW(flock(fds[0], LOCK_EX));
	SHOW(close(other));
	say("one closed");
	SHOW(flock(fds[0], LOCK_UN));
	SHOW(lock(fds[0], F_OFD_SETLK, F_UNLCK, 0, 0));
	fstat(memfd, &st);
	snprintf(name, sizeof(name), " %02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 st.st_ino);
	SHOW(flock(memfd, LOCK_EX));
	printf("a memfd: %s\n", strstr(whole(), name) ? "there" : "not there");
	close(memfd);
	printf("closed: %s\n", strstr(whole(), name) ? "there" : "not there");
}

/* A child takes a lock, waiting for it, and then stays until it is killed. */
static void child(int i, int kind, int type, long start, long len, int lines)
{
	children[i] = fork();
	if (!children[i]) {
		int fd = open("0", O_RDWR);

		if (kind == -1)
			flock(fd, type);
		else
			lock(fd, kind, type, start, len);
		for (;;)
			pause();
	}
	await_lines(lines);
}

static void end_child(int i, int lines)
{
	int status = 0;

	kill(children[i], SIGKILL);
	waitpid(children[i], &status, 0);
	await_lines(lines);
}

static void waiters(void)
{
	SHOW(lock(fds[0], F_SETLK, F_WRLCK, 0, 100));
	SHOW(lock(fds[1], F_SETLK, F_RDLCK, 7, 7));
	child(0, F_SETLKW, F_WRLCK, 0, 10, 3);
	child(1, F_SETLKW, F_RDLCK, 5, 20, 4);
	child(2, F_SETLKW, F_WRLCK, 50, 10, 5);
	child(3, F_OFD_SETLKW, F_WRLCK, 24, 2, 6);
	say("four wait");
	end_child(1, 5);
	say("three");
	end_child(3, 4); /* of two that are woken and wait again either may be first */
	SHOW(lock(fds[0], F_SETLK, F_UNLCK, 50, 0));
	await_lines(4);
	say("one has it");
	SHOW(lock(fds[0], F_SETLK, F_UNLCK, 0, 0));
	await_lines(3);
	say("all have");
	end_child(0, 2);
	end_child(2, 1);
	SHOW(lock(fds[1], F_SETLK, F_UNLCK, 0, 0));

	SHOW(flock(fds[0], LOCK_EX));
	child(0, -1, LOCK_SH, 0, 0, 2);
	child(1, -1, LOCK_EX, 0, 0, 3);
	child(2, -1, LOCK_EX, 0, 0, 4);
	child(3, -1, LOCK_SH, 0, 0, 5);
	say("for flock()");
	end_child(3, 4);
	SHOW(flock(fds[0], LOCK_UN));
	for (int i = 0; i < 3; i++) {
		await_lines(3 - i);
		say("the next");
		end_child(i, 2 - i);
	}
	say("killed");
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Who waits for himself, and who is interrupted, is not there any more. */
static void ends_of_waiting(void)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value = {.tv_usec = 50000}};

	SHOW(lock(fds[0], F_SETLK, F_WRLCK, 0, 10));
	children[1] = fork();
	if (!children[1]) {
		int fd = open("0", O_RDWR);

		lock(fd, F_SETLK, F_WRLCK, 20, 10);
		lock(fd, F_SETLKW, F_RDLCK, 0, 1);
		for (;;)
			pause();
	}
	await_lines(3);
	SHOW(lock(fds[0], F_SETLKW, F_RDLCK, 25, 1));
	say("a deadlock");
	sigaction(SIGALRM, &act, NULL);
	SHOW(lock(fds[0], F_OFD_SETLK, F_WRLCK, 100, 1));
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(lock(fds[0], F_OFD_SETLKW, F_WRLCK, 25, 76));
	say("interrupted");
	end_child(1, 2);
	close(dup(fds[0]));
	SHOW(lock(fds[0], F_OFD_SETLK, F_UNLCK, 0, 0));
}

/* F_GETLK finds the first in the way by owner and place, whenever it came. */
static void first_in_the_way(void)
{
	struct flock fl = {.l_type = F_WRLCK};

	lock(fds[0], F_SETLK, F_WRLCK, 50, 5);
	lock(fds[0], F_SETLK, F_RDLCK, 10, 5);
	lock(fds[0], F_SETLK, F_WRLCK, 30, 5);
	if (!fork()) {
		SHOW(fcntl(fds[0], F_GETLK, &fl));
		printf("type %d from %ld, %ld bytes, of %s\n", fl.l_type, fl.l_start, fl.l_len,
		       who(fl.l_pid));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	lock(fds[0], F_SETLK, F_UNLCK, 0, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int in_pieces(const char *text, size_t piece)
{
	static char got[ROOM];
	int fd = open("/proc/locks", O_RDONLY);
	ssize_t n, all = 0;

	while ((n = read(fd, got + all, piece)) > 0)
		all += n;
	got[all] = 0;
	close(fd);
	return !strcmp(got, text);
}

static int from_each_place(const char *text)
{
	static char got[ROOM];
	int fd = open("/proc/locks", O_RDONLY), same = 1;
	size_t size = strlen(text);

	/* The host makes all before a place anew for each, under a lock of all its CPUs: not too many. */
	for (size_t at = 0; at <= size + 2; at += at < 300 || at + 100 > size ? 1 : 13) {
		ssize_t n = pread(fd, got, 5, at), want = at < size ? (ssize_t)(size - at) : 0;

		/* As much of 5 as one lock and its waiters have left, so maybe fewer. */
		if (n < 0 || n > want || (want && !n) ||
		    memcmp(got, text + (at < size ? at : size), n))
			same = 0;
		if (lseek(fd, at, SEEK_SET) != (off_t)at || read(fd, got, 1) != !!want ||
		    (want && got[0] != text[at]))
			same = 0;
	}
	close(fd);
	return same;
}

/* Tries again while other processes' locks change. */
static void reads(void)
{
	static const size_t pieces[] = {1, 2, 7, 64, 100, 4096, ROOM - 1};
	static char text[ROOM];
	int same = 0;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		for (int tries = same = 0; tries < TRIES && !same; tries++) {
			strcpy(text, whole());
			same = in_pieces(text, pieces[i]);
		}
		printf("in pieces of %zu: %s\n", pieces[i], same ? "same" : "differs");
	}
	for (int tries = same = 0; tries < TRIES && !same; tries++) {
		strcpy(text, whole());
		same = from_each_place(text);
	}
	printf("from each place: %s\n", same ? "same" : "differs");
}

/* A lock that somebody waits for is given up when just its own line has been read: what was made stays. */
static void changes(void)
{
	static char got[ROOM];
	int fd, other = open("0", O_RDWR);
	ssize_t all = 0, line = 0;

	SHOW(flock(fds[1], LOCK_EX));
	SHOW(flock(other, LOCK_SH));
	SHOW(flock(fds[0], LOCK_SH));
	child(0, -1, LOCK_EX, 0, 0, 4);
	say("before");
	fd = open("/proc/locks", O_RDONLY);
	while (read(fd, got + all, 1) == 1) {
		if (got[all++] != '\n')
			continue;
		if (file_of(got + line, all - line) == 0)
			break;
		line = all;
	}
	SHOW(flock(fds[0], LOCK_UN));
	SHOW(flock(other, LOCK_UN));
	await_lines(2);
	while (read(fd, got + all, 1) == 1)
		all++;
	got[all] = 0;
	puts("read meanwhile:");
	print_lines(got);
	SHOW(lseek(fd, 0, SEEK_SET));
	all = 0;
	while (read(fd, got + all, 1) == 1)
		all++;
	got[all] = 0;
	puts("read again:");
	print_lines(got);
	close(fd);
	end_child(0, 1);
	SHOW(flock(fds[1], LOCK_UN));
	close(other);
}

/* fdinfo of @fd: the lines about locks, with names. */
static void say_fdinfo(const char *what, int fd)
{
	char file[40], line[200];
	FILE *f;

	snprintf(file, sizeof(file), "/proc/self/fdinfo/%d", fd);
	f = fopen(file, "r");
	printf("%s:\n", what);
	while (f && fgets(line, sizeof(line), f)) {
		char kind[20], what_for[20], type[20], start[20], end[20], *at;
		int nr, pid, n = file_of(line, strlen(line));

		if (strncmp(line, "lock:\t", 6) || n < 0)
			continue;
		at = strstr(line, names[n]);
		if (sscanf(line, "lock: %d: %19s %19s %19s %d", &nr, kind, what_for, type, &pid) ==
			    5 &&
		    sscanf(at + strlen(names[n]), "%19s %19s", start, end) == 2)
			printf("  %d %s %s %s %s file %d %s %s\n", nr, kind, what_for, type,
			       who(pid), n, start, end);
	}
	if (f)
		fclose(f);
}

static void infos(void)
{
	int other = open("0", O_RDWR);

	flock(fds[0], LOCK_SH);
	lock(fds[0], F_SETLK, F_WRLCK, 5, 10);
	lock(fds[0], F_SETLK, F_RDLCK, 50, 0);
	lock(other, F_OFD_SETLK, F_RDLCK, 0, 3);
	say_fdinfo("mine", fds[0]);
	say_fdinfo("another description", other);
	say_fdinfo("another file", fds[1]);
	close(other);
	say_fdinfo("closed", fds[0]);
	flock(fds[0], LOCK_UN);
	say_fdinfo("none", fds[0]);
}

static void errors(void)
{
	int fd = open("/proc/locks", O_RDONLY), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	char byte;

	SHOW(flock(fds[0], LOCK_EX));
	SHOW(stat("/proc/locks", &st));
	printf("mode %o, %ld bytes, %ld links\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	SHOW(read(fd, wild, 100));
	SHOW(read(fd, &byte, 0));
	SHOW(read(fd, &byte, 1));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, 1L << 40, SEEK_SET));
	SHOW(pread(fd, &byte, 1, 1L << 40));
	SHOW(pread(fd, &byte, 1, -1));
	SHOW(write(fd, "x", 1));
	SHOW(ftruncate(fd, 0));
	SHOW(lseek(fd, 0, SEEK_SET));
	WORKS(sendfile(out, fd, NULL, 4096) > 0 ? 0 : -1);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	if (getuid())
		SHOW(open("/proc/locks", O_WRONLY));
	SHOW(unlink("/proc/locks"));
	SHOW(flock(fd, LOCK_EX)); /* a lock on the list of locks */
	SHOW(flock(fds[0], LOCK_UN));
	close(out);
	close(fd);
}

/* The host has a list for each CPU. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set, one;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &set)) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return;
		}
	}
}

int main(void)
{
	struct stat st;

	stay_on_one_cpu();
	setvbuf(stdout, NULL, _IONBF, 0);
	self = getpid();
	for (int i = 0; i < 2; i++) {
		fds[i] = open(i ? "1" : "0", O_RDWR | O_CREAT, 0600);
		fstat(fds[i], &st);
		snprintf(names[i], sizeof(names[i]), " %02x:%02x:%lu ", major(st.st_dev),
			 minor(st.st_dev), st.st_ino);
	}
	if (access("/proc/locks", R_OK)) {
		puts("no /proc/locks");
		return 1;
	}
	say("nothing");
	records();
	descriptions();
	waiters();
	ends_of_waiting();
	first_in_the_way();
	SHOW(flock(fds[0], LOCK_SH));
	SHOW(lock(fds[1], F_SETLK, F_WRLCK, 3, 4));
	for (int i = 0; i < 200; i++) /* more than a page of text */
		lock(fds[0], F_SETLK, F_RDLCK, 10L * i, 5);
	child(0, -1, LOCK_EX, 0, 0, 203);
	reads();
	end_child(0, 202);
	close(dup(fds[0]));
	close(dup(fds[1]));
	SHOW(flock(fds[0], LOCK_UN));
	changes();
	infos();
	errors();
	say("at the end");
	return 0;
}

/*
 * oom_copies: where memory is short (--mem 16M), a child that has most of it, and wants to be the victim,
 * dies for its parent's system calls, which store to memory that is not there yet: pipes, sockets,
 * directories, procfs, descriptors, new pages of its own. None of them may fail. (Natively nobody has to die.)
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096L
#define PIECE (4 * PG)
#define PIECES 400

static int pipe_ends[2], sockets[2];

static int pass_on(char *to, const int *ends)
{
	static char bytes[PIECE];
	long done = 0, n = write(ends[1], bytes, PIECE);

	while (n > 0 && done < PIECE) {
		n = read(ends[0], to + done, PIECE - done);
		done += n;
	}
	return n > 0 ? 0 : -1;
}

static int by_pipe(char *to)
{
	return pass_on(to, pipe_ends);
}

static int by_socket(char *to)
{
	return pass_on(to, sockets);
}

static int list_folder(char *to)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	long n = syscall(SYS_getdents64, fd, to + PG - 100, 3 * PG);

	close(fd);
	return n > 0 ? 0 : -1;
}

static int read_status(char *to)
{
	int fd = open("/proc/self/status", O_RDONLY);
	long n = pread(fd, to + PG - 100, 3 * PG, 0);

	close(fd);
	return n > 200 ? 0 : -1;
}

static int two_descriptors(char *to)
{
	int *fds = (int *)to;

	return pipe(fds) || close(fds[0]) || close(fds[1]);
}

static int write_memfd(char *from)
{
	static int fd = -1;
	static unsigned at;

	if (fd < 0)
		fd = memfd_create("oom_copies", 0);
	if (at++ % 500 == 0 && ftruncate(fd, 0))
		return -1;
	from[0] = from[PG] = 1;
	return pwrite(fd, from, 2 * PG, at % 500 * 2 * PG) == 2 * PG ? 0 : -1;
}

static int lock(char *p)
{
	return mlock(p, PIECE);
}

static int populate(char *p)
{
	return madvise(p, PIECE, 23 /* MADV_POPULATE_WRITE */);
}

static const struct {
	const char *name;
	int (*fn)(char *to);
} ways[] = {
	{"pipe", by_pipe},
	{"socket", by_socket},
	{"getdents64", list_folder},
	{"procfs", read_status},
	{"descriptors", two_descriptors},
	{"memfd", write_memfd},
	{"mlock", lock},
	{"populate", populate},
};

/* Stays until it is killed, with most of the memory. */
static pid_t start_hog(int pages)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready))
		exit(2);
	pid = fork();
	if (!pid) {
		char *p = mmap(0, pages * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		if (p == MAP_FAILED || write(fd, "1000", 4) != 4)
			_exit(1);
		for (int i = 0; i < pages; i++)
			p[i * PG] = 1;
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		exit(3);
	close(ready[0]);
	return pid;
}

int main(void)
{
	if (pipe(pipe_ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 4;
	for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		int failed = 0;

		/* Which access is the one too much differs. */
		for (int round = 0; round < 8; round++) {
			pid_t hog = start_hog(2560 - round * 5);
			char *p = mmap(0, PIECES * PIECE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			for (int i = 0; i < PIECES && !failed; i++)
				failed += !!ways[w].fn(p + i * PIECE);
			munmap(p, PIECES * PIECE);
			kill(hog, SIGKILL);
			waitpid(hog, 0, 0);
		}
		printf("%s: %s\n", ways[w].name, failed ? "failed" : "ok");
		fflush(stdout);
		if (failed)
			return 1; /* a pipe may not be empty now */
	}
	return 0;
}

/* ETXTBSY: a running program is not written to, and what is being written does not run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(const char *from, const char *to)
{
	char buf[65536];
	ssize_t n;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			_exit(1);
	close(in);
	close(out);
}

static const char *try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0755);

	if (fd < 0)
		return strerror(errno);
	close(fd);
	return "opened";
}

static void ask(const char *when)
{
	struct stat before, after;

	stat("prog", &before);
	printf("%s: write %s, ", when, try_open("prog", O_WRONLY));
	printf("read-write %s, ", try_open("prog", O_RDWR));
	printf("truncate and create %s, ", try_open("prog", O_WRONLY | O_CREAT | O_APPEND));
	printf("read %s, ", try_open("prog", O_RDONLY));
	stat("prog", &after);
	printf("size kept %d\n", before.st_size == after.st_size);
}

int main(int argc, char **argv)
{
	int fds[2], in[2], status, fd;
	pid_t pid;
	void *map;
	char c;

	if (argc > 1) { /* the copy: says that it runs, and waits */
		if (write(1, "r", 1) != 1)
			return 1;
		return read(0, &c, 1) != 0;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	copy(argv[0], "prog");
	ask("idle");
	if (pipe(fds) || pipe(in))
		return 1;
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(fds[1], 1);
		close(in[1]);
		execl("./prog", "prog", "wait", NULL);
		_exit(127);
	}
	if (read(fds[0], &c, 1) != 1)
		return 1;
	ask("running");
	printf("O_TRUNC %s, truncate() %s\n", try_open("prog", O_WRONLY | O_TRUNC),
	       truncate("prog", 0) ? strerror(errno) : "done");
	close(in[1]);
	waitpid(pid, &status, 0);
	printf("its end: %d\n", status);
	ask("ended");
	fd = open("prog", O_WRONLY);
	pid = fork();
	if (!pid) {
		execl("./prog", "prog", "wait", NULL);
		printf("while open for writing: %s\n", strerror(errno));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	close(fd);
	/* A mapping keeps the file open for writing. */
	fd = open("prog", O_RDWR);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	for (int mapped = 1; mapped >= 0; mapped--) {
		pid = fork();
		if (!pid) {
			dup2(open("/dev/null", O_RDONLY), 0);
			execl("./prog", "prog", "wait", NULL);
			printf("while mapped: %s\n", strerror(errno));
			_exit(0);
		}
		waitpid(pid, &status, 0);
		printf("mapped %d: its end: %d\n", mapped, status);
		munmap(map, 4096);
	}
	unlink("prog");
	return 0;
}

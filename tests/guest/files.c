/* files: file calls in the current (empty) folder; prints results and errnos. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char *names[64];
	int n = 0;

	while (dir && n < 64 && (e = readdir(dir)))
		n += asprintf(&names[n], "%s:%d", e->d_name, e->d_type) > 0;
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof(names[0]), by_name);
	for (int i = 0; i < n; i++)
		printf("%s ", names[i]);
	printf("\n");
}

static void show(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		printf("%s: %s\n", path, strerrorname_np(errno));
	else
		printf("%s: mode %o links %ld size %ld\n", path, st.st_mode, (long)st.st_nlink,
		       S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
}

static char buf[4096], *volatile bad = (char *)8;

/* Opens "a", and reads and writes it. */
static int bytes(void)
{
	struct iovec iov[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
	int fd;

	fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0666);
	T(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
	T(open("missing", O_RDONLY));
	T(open("a/b", O_RDONLY));
	T(open("a", O_RDONLY | O_DIRECTORY));
	T(open("", O_RDONLY));
	T(write(fd, "0123456789", 10));
	T(pwrite(fd, "XY", 2, 4));
	T(writev(fd, iov, 3));
	T(lseek(fd, 0, SEEK_CUR));
	T(lseek(fd, -3, SEEK_END));
	T(lseek(fd, -100, SEEK_SET));
	T(read(fd, buf, 100));
	T(pread(fd, buf, 8, 2));
	printf("%.8s\n", buf);
	T(read(fd, bad, 8));
	T(write(fd, bad, 8));
	T(pwrite(fd, "", 1, 100000));
	T(ftruncate(fd, 5000));
	show("a");
	return fd;
}

static void descriptors(int fd)
{
	int fd2;

	T(fd2 = dup(fd));
	T(lseek(fd2, 7, SEEK_SET));
	T(lseek(fd, 0, SEEK_CUR));
	T(fcntl(fd, F_GETFL) & O_ACCMODE);
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_SETFD, FD_CLOEXEC));
	T(fcntl(fd, F_DUPFD, 20));
	T(fcntl(20, F_GETFD));
	T(dup2(fd, 30));
	T(dup2(99, 31));
	T(close(30));
	T(close(30));
}

static void names(void)
{
	struct timespec times[2] = {{1000000000, 5}, {1234567890, 987654321}};
	struct stat st;

	T(mkdir("dir", 0777));
	T(mkdir("dir", 0777));
	T(rmdir("missing"));
	T(link("a", "dir/hard"));
	T(symlink("dir/hard", "soft"));
	T(symlink("loop", "loop"));
	T(open("loop", O_RDONLY));
	T(readlink("soft", buf, sizeof(buf)));
	T(readlink("a", buf, sizeof(buf)));
	T(rename("dir/hard", "dir/moved"));
	T(rename("dir", "dir/inside"));
	T(open("soft", O_RDONLY));
	T(unlink("soft"));
	T(unlink("dir"));
	T(rmdir("dir"));
	T(chmod("a", 0604));
	T(access("a", R_OK));
	T(access("missing", F_OK));
	T(utimensat(AT_FDCWD, "a", times, 0));
	T(stat("a", &st));
	printf("%ld.%09ld\n", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	show("dir/moved");
	show("loop");
	show("dir");
	list(".");
	list("dir");
}

static void directories(void)
{
	char *cwd;

	T(chdir("dir"));
	cwd = getcwd(NULL, 0);
	printf("%s\n", strrchr(cwd, '/'));
	T(openat(AT_FDCWD, "../a", O_RDONLY) > 0);
	T(faccessat(open("..", O_RDONLY | O_DIRECTORY), "a", R_OK, 0));
	T(chdir("../a"));
	T(unlinkat(AT_FDCWD, "moved", 0));
	T(chdir(".."));
	T(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
}

int main(void)
{
	struct stat st;
	int fd;

	umask(027);
	fd = bytes();
	descriptors(fd);
	names();
	directories();
	memset(buf, 'n', 300);
	buf[300] = 0;
	T(open(buf, O_RDONLY));
	T(stat(bad, &st));
	T(stat("a", (struct stat *)bad));
	T(fstat(99, &st));
	T(isatty(fd));
	T(fsync(fd));
	list(".");
	return 0;
}

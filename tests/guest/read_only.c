/* read_only: each call that would change the current folder, which is mounted read-only or seen with --read-only. There are
 * a file "f", a program "x", a folder "d", a link "l" to f, a FIFO "p". tests/scripts/read_only.sh compares the two. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "report.h"

static void names(void)
{
	SHOW(mkdir("new", 0755));
	SHOW(mkdir("d", 0755));
	SHOW(mkdir("missing/new", 0755));
	SHOW(mknod("new", S_IFREG | 0600, 0));
	SHOW(mknod("f", S_IFREG | 0600, 0));
	SHOW(mkfifo("new", 0600));
	SHOW(mknod("new", S_IFDIR | 0600, 0));
	SHOW(symlink("f", "new"));
	SHOW(symlink("f", "l"));
	SHOW(link("f", "new"));
	SHOW(link("f", "d"));
	SHOW(link("missing", "new"));
	SHOW(unlink("f"));
	SHOW(unlink("missing"));
	SHOW(unlink("d/"));
	SHOW(rmdir("d"));
	SHOW(rmdir("f"));
	SHOW(rmdir("."));
	SHOW(rename("f", "new"));
	SHOW(rename("missing", "new"));
	SHOW(rename("f", "/dev/shm/new"));
	SHOW(renameat2(AT_FDCWD, "f", AT_FDCWD, "x", RENAME_EXCHANGE));
}

static void files(void)
{
	int fd;

	SHOW(open("new", O_WRONLY | O_CREAT, 0600));
	SHOW(open("new", O_RDONLY | O_CREAT, 0600));
	SHOW(open("f", O_WRONLY));
	SHOW(open("f", O_RDWR));
	SHOW(open("f", O_RDONLY | O_TRUNC));
	SHOW(open("l", O_WRONLY | O_APPEND));
	SHOW(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600));
	WORKS(open("f", O_RDONLY | O_CREAT, 0600));
	SHOW(open("f", O_WRONLY | O_CREAT, 0600));
	SHOW(open("d", O_WRONLY));
	SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
	WORKS(open("p", O_RDWR | O_NONBLOCK));
	WORKS(open("/dev/null", O_WRONLY | O_TRUNC));
	WORKS(open("f", O_PATH));
	SHOW(creat("f", 0600));
	SHOW(truncate("f", 0));
	SHOW(truncate("f", 100));
	SHOW(truncate("d", 100));
	SHOW(truncate("missing", 100));
	fd = open("f", O_RDONLY);
	SHOW(ftruncate(fd, 0));
	SHOW(write(fd, "x", 1));
	SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	close(fd);
}

static void attributes(void)
{
	struct timespec ts[2] = {{1, 1}, {2, 2}};
	struct utimbuf ut = {1, 2};
	struct statvfs sv;
	int fd = open("f", O_RDONLY);

	SHOW(chmod("f", 0600));
	SHOW(chmod("missing", 0600));
	SHOW(fchmod(fd, 0600));
	SHOW(chown("f", -1, -1));
	SHOW(lchown("l", 1, 1));
	SHOW(fchown(fd, 1, 1));
	SHOW(utimensat(AT_FDCWD, "f", ts, 0));
	SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW));
	SHOW(futimens(fd, ts));
	SHOW(utime("f", &ut));
	SHOW(utimes("f", NULL));
	SHOW(setxattr("f", "user.x", "1", 1, 0));
	SHOW(fsetxattr(fd, "user.x", "1", 1, 0));
	SHOW(removexattr("f", "user.x"));
	SHOW(fremovexattr(fd, "user.x"));
	SHOW(access("f", R_OK));
	SHOW(access("f", W_OK));
	SHOW(access("d", W_OK | X_OK));
	SHOW(access("l", W_OK));
	SHOW(access("p", W_OK));
	SHOW(access("missing", W_OK));
	SHOW(faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS));
	SHOW(fsync(fd));
	SHOW(statvfs(".", &sv));
	printf("read-only %d\n", !!(sv.f_flag & ST_RDONLY));
	SHOW(fstatvfs(fd, &sv));
	printf("read-only %d\n", !!(sv.f_flag & ST_RDONLY));
	close(fd);
}

static void elsewhere(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
	char name[] = "/dev/shm/read-only-XXXXXX";
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	SHOW(bind(s, (void *)&a, sizeof(a)));
	/* The guest's own file systems take everything. */
	fd = mkstemp(name);
	SHOW(fd < 0);
	SHOW(write(fd, "text", 4));
	SHOW(fchmod(fd, 0600));
	SHOW(unlink(name));
	close(fd);
	close(s);
}

int main(void)
{
	umask(022);
	names();
	files();
	attributes();
	elsewhere();
	return 0;
}

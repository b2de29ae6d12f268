/* Which calls set a file's access time (relatime, as most mounts have it), and which do not. The mount decides
 * on both sides, so the outputs are the same under noatime, too. With a directory: there. See: mount(8) relatime; open(2) O_NOATIME. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD 1000000000 /* a second long ago */

static char buf[8192], dir[64], *volatile nowhere = (char *)8;

/* Access and change of contents at these seconds; ctime becomes now. */
static void age(const char *name, long atime, long mtime)
{
	struct timespec ts[2] = {{.tv_sec = atime}, {.tv_sec = mtime}};

	if (utimensat(AT_FDCWD, name, ts, AT_SYMLINK_NOFOLLOW))
		perror("utimensat");
}

static void say(const char *what, const char *name, long before)
{
	struct stat st;

	if (lstat(name, &st))
		perror(name);
	printf("%s: atime %s\n", what, st.st_atim.tv_sec == before ? "stays" : "set");
}

static int old_file(int flags)
{
	int fd;

	age("f", OLD, OLD);
	fd = open("f", flags);
	if (fd < 0)
		perror("open");
	return fd;
}

static void reads(void)
{
	int fd = old_file(O_RDONLY);

	say("open", "f", OLD);
	printf("%zd\n", read(fd, buf, 0));
	say("read of nothing", "f", OLD);
	printf("%zd\n", pread(fd, buf, 10, 3));
	say("pread", "f", OLD);
	age("f", OLD, OLD);
	printf("%zd\n", read(fd, buf, 10));
	say("read from the cache", "f", OLD);
	age("f", OLD, OLD);
	printf("%zd\n", pread(fd, buf, 10, 1 << 20));
	say("pread behind the end", "f", OLD);
	age("f", OLD, OLD);
	printf("%d\n", pread(fd, nowhere, 10, 0) < 0 ? errno : 0);
	say("pread that faults", "f", OLD);
	close(fd);
}

static void recent(void)
{
	struct stat st;
	int fd;

	/* ctime and mtime before atime, and that in the future: nothing to do. */
	age("f", 4000000000, OLD);
	fd = open("f", O_RDONLY);
	printf("%zd\n", read(fd, buf, 10));
	say("read, atime ahead", "f", 4000000000);
	close(fd);
	fd = old_file(O_RDONLY);
	printf("%zd\n", read(fd, buf, 10));
	fstat(fd, &st);
	usleep(30000);
	age("f", st.st_atim.tv_sec + 100, OLD); /* behind ctime */
	printf("%zd\n", read(fd, buf, 10));
	say("read, atime later than ctime", "f", st.st_atim.tv_sec + 100);
	close(fd);
}

static void noatime(void)
{
	int fd = old_file(O_RDONLY | O_NOATIME);

	printf("%zd\n", read(fd, buf, 10));
	say("read, O_NOATIME", "f", OLD);
	fcntl(fd, F_SETFL, 0);
	printf("%zd\n", pread(fd, buf, 10, 0));
	say("read, O_NOATIME gone", "f", OLD);
	close(fd);
	fd = old_file(O_RDONLY);
	fcntl(fd, F_SETFL, O_NOATIME);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	printf("%zd\n", pread(fd, buf, 10, 0));
	say("read, O_NOATIME set", "f", OLD);
	close(fd);
}

static void mappings(void)
{
	int fd = old_file(O_RDONLY);
	char *p = mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0);

	printf("%d\n", p == MAP_FAILED);
	p = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0);
	printf("%d\n", p == MAP_FAILED);
	say("mmap that fails", "f", OLD);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	say("mmap", "f", OLD);
	munmap(p, 4096);
	close(fd);
	fd = old_file(O_RDONLY | O_NOATIME);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	buf[0] = *(volatile char *)p;
	say("mmap, O_NOATIME", "f", OLD);
	munmap(p, 4096);
	close(fd);
}

static void writes(void)
{
	int fd = old_file(O_RDWR);

	printf("%zd\n", pwrite(fd, "x", 1, 5));
	say("pwrite", "f", OLD);
	printf("%zd\n", pread(fd, buf, 1, 5));
	say("pread after it", "f", OLD);
	close(fd);
	fd = old_file(O_RDWR);
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	printf("%zd\n", pwrite(fd, "y", 1, 4100));
	say("pwrite into a page that is not cached", "f", OLD);
	close(fd);
}

/* What brings pages into the cache is no access by itself. */
static void ahead(void)
{
	int fd = old_file(O_RDONLY);
	char *p;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	printf("%zd\n", readahead(fd, 0, 8192));
	say("readahead", "f", OLD);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	say("fadvise", "f", OLD);
	p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	age("f", OLD, OLD);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	buf[0] = *(volatile char *)p + *(volatile char *)(p + 4096);
	say("fault", "f", OLD);
	munmap(p, 8192);
	close(fd);
}

static void others(void)
{
	int pipes[2], fd = old_file(O_RDONLY);
	off_t at = 0;
	DIR *d;

	if (pipe(pipes))
		perror("pipe");
	printf("%zd\n", sendfile(pipes[1], fd, &at, 10));
	say("sendfile", "f", OLD);
	close(fd);
	symlink("f", "l");
	age("l", OLD, OLD);
	printf("%zd\n", readlink("l", buf, sizeof(buf)));
	say("readlink", "l", OLD);
	age("l", OLD, OLD);
	close(open("l", O_RDONLY));
	say("open through a link", "l", OLD);
	mkdir("d", 0755);
	age("d", OLD, OLD);
	d = opendir("d");
	say("opendir", "d", OLD);
	while (readdir(d))
		;
	closedir(d);
	say("readdir", "d", OLD);
}

static void exec(const char *self)
{
	int in = open(self, O_RDONLY), out = open("p", O_WRONLY | O_CREAT | O_TRUNC, 0755), status;
	off_t at = 0;

	while (sendfile(out, in, &at, 1 << 20) > 0)
		;
	close(in);
	close(out);
	age("p", OLD, OLD);
	if (!fork()) {
		execl("p", "p", "nothing", NULL);
		_exit(1);
	}
	wait(&status);
	printf("%x\n", status);
	say("execve", "p", OLD);
}

static void clean(void)
{
	unlink("f");
	unlink("l");
	unlink("p");
	rmdir("d");
	if (chdir("/") || rmdir(dir))
		perror(dir);
}

int main(int argc, char **argv)
{
	int self, fd;
	char path[32];

	if (argc > 1 && !strcmp(argv[1], "nothing"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	self = open(argv[0], O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self);
	snprintf(dir, sizeof(dir), "%s/access_XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
	if (!mkdtemp(dir) || chdir(dir))
		return 2;
	fd = open("f", O_RDWR | O_CREAT, 0644);
	if (write(fd, buf, sizeof(buf)) != sizeof(buf))
		return 2;
	close(fd);
	reads();
	if (argc == 1) /* in a directory that is given each access may count */
		recent();
	noatime();
	mappings();
	writes();
	ahead();
	others();
	exec(path);
	clean();
	return 0;
}

/* sys_dirs: names and directories in the current (empty) folder: odd paths, renames, reading entries. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* Reads a directory by pieces of @size bytes: how many names, and their summed lengths. */
static void read_in_pieces(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), names = 0, chars = 0;
	char *buf = malloc(size);
	long n;

	while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0) {
		for (long at = 0; at < n; at += ((struct entry *)(buf + at))->reclen) {
			names++;
			chars += strlen(((struct entry *)(buf + at))->name);
		}
	}
	printf("%zu bytes at a time: %d names, %d chars, end %ld\n", size, names, chars, n);
	lseek(fd, 0, SEEK_SET);
	printf("again: %d\n", syscall(SYS_getdents64, fd, buf, size) > 0);
	close(fd);
	free(buf);
}

/* Odd names of what is made, linked and removed; leaves "d", "f", "s", "s2", "d/f". Returns an open "f". */
static int odd_names(void)
{
	char buf[512];
	int fd;

	T(mkdir("d/", 0777));
	T(mkdir("d/.", 0777));
	T(mkdir("d/..", 0777));
	T(mkdir("/", 0777));
	T(mkdir("no/such", 0777));
	T(rmdir("d/."));
	T(rmdir("d/.."));
	T(rmdir("/"));
	T(unlink("d"));
	T(unlink("d/"));
	T(unlink("."));
	T(symlink("d", "s"));
	T(symlink("d", "s/"));
	T(symlink("d", "new/"));
	T(symlink("", "new"));
	T(rmdir("s"));
	T(rmdir("s/"));
	T(open("s", O_RDONLY | O_NOFOLLOW));
	T(open("s/", O_RDONLY | O_NOFOLLOW) >= 0);
	T(open("f", O_CREAT | O_DIRECTORY, 0600));
	T(open("f/", O_CREAT | O_RDWR, 0600));
	T(fd = open("f", O_CREAT | O_RDWR, 0666));
	T(unlink("f/"));
	T(open("f/", O_RDONLY));
	T(open("f/.", O_RDONLY));
	T(open("d", O_WRONLY));
	T(open("d", O_CREAT, 0600));
	T(link("f", "d/f"));
	T(link("d", "d2"));
	T(link("f", "d/f"));
	T(link("f", "new/"));
	T(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0));
	T(readlink("s2", buf, sizeof(buf)));
	return fd;
}

/* "f" and "d" change places in the end. */
static void renames(void)
{
	struct stat st;

	T(rename("f", "d"));
	T(rename("d", "f"));
	T(rename("f", "g/"));
	T(rename(".", "x"));
	T(rename("d", ".."));
	T(rename("f", "f"));
	T(rename("f", "d/f"));
	T(rename("d", "d/sub"));
	T(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 1));
	T(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 2));
	T(stat("f", &st));
	printf("%o\n", st.st_mode);
	T(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 2));
}

static void nodes(void)
{
	struct statfs sf;
	struct statx stx;
	struct stat st;

	T(mknod("fifo", S_IFIFO | 0666, 0));
	T(mknod("plain", S_IFREG | 0666, 0));
	T(mknod("plain", S_IFREG | 0666, 0));
	T(mknod("dir", S_IFDIR | 0666, 0));
	T(lstat("fifo", &st));
	printf("%o\n", st.st_mode);
	T(chmod("plain", 06751));
	T(fchmodat(AT_FDCWD, "plain", 0640, 0));
	T(chown("plain", -1, -1));
	T(truncate("plain", 12345));
	T(truncate("d", 1));
	T(stat("plain", &st));
	T(statx(AT_FDCWD, "plain", 0, STATX_BASIC_STATS, &stx));
	printf("%d %d %d %d\n", stx.stx_size == (uint64_t)st.st_size, stx.stx_mode == st.st_mode,
	       stx.stx_ino == st.st_ino, stx.stx_nlink == st.st_nlink);
	T(statfs(".", &sf));
	printf("block size %d\n", sf.f_bsize > 0);
}

/* Walks and reads "d", with 200 names in it; @fd is no directory. */
static void directories(int fd)
{
	struct stat st, st2;
	char name[64];
	int dir;

	T(dir = open("d", O_RDONLY | O_DIRECTORY));
	T(openat(dir, "../plain", O_RDONLY) >= 0);
	T(openat(dir, "nothing", O_RDONLY));
	T(openat(fd, "x", O_RDONLY));
	T(openat(99, "x", O_RDONLY));
	T(openat(99, "/", O_RDONLY) >= 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "file-with-a-number-%d", i);
		close(openat(dir, name, O_CREAT | O_WRONLY, 0600));
	}
	read_in_pieces("d", 64);
	read_in_pieces("d", 1000);
	read_in_pieces("d", 65536);
	T(fchdir(dir));
	T(stat(".", &st));
	T(fstat(dir, &st2));
	printf("same %d\n", st.st_ino == st2.st_ino);
	T(fchdir(fd));
	T(chdir("file-with-a-number-7"));
	T(chdir(".."));
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "file-with-a-number-%d", i);
		unlinkat(dir, name, 0);
	}
}

/* A current directory that is gone. */
static void nowhere(void)
{
	char buf[512];

	T(mkdir("gone", 0700));
	T(chdir("gone"));
	T(rmdir("../gone"));
	T(getcwd(buf, sizeof(buf)) == NULL);
	T(open("x", O_CREAT | O_RDWR, 0600));
	T(open(".", O_RDONLY) >= 0);
	T(chdir("/"));
	T(getcwd(buf, 1) == NULL);
	printf("%s\n", getcwd(buf, sizeof(buf)));
}

/* Has reading the directory changed when it was last read? */
static int access_seen(int fd, struct stat *before)
{
	struct stat now;
	char buf[1024];
	int seen;

	usleep(20000); /* more than the kernel's clock tick */
	lseek(fd, 0, SEEK_SET);
	if (syscall(SYS_getdents64, fd, buf, sizeof(buf)) <= 0 || stat("read", &now))
		return -1;
	seen = memcmp(&now.st_atim, &before->st_atim, sizeof(now.st_atim)) != 0;
	*before = now;
	return seen;
}

static void access_times(void)
{
	struct stat st;
	int fd;

	mkdir("read", 0755);
	stat("read", &st);
	fd = open("read", O_RDONLY | O_NOATIME);
	printf("read with O_NOATIME: %d\n", access_seen(fd, &st));
	close(fd);
	fd = open("read", O_RDONLY);
	T(fcntl(fd, F_SETFL, O_NOATIME));
	printf("read after F_SETFL O_NOATIME: %d\n", access_seen(fd, &st));
	T(fcntl(fd, F_SETFL, 0));
	printf("read without: %d\n", access_seen(fd, &st));
	close(fd);
	rmdir("read");
}

int main(void)
{
	int fd, home = open(".", O_RDONLY | O_DIRECTORY);

	umask(022);
	fd = odd_names();
	renames();
	nodes();
	directories(fd);
	nowhere();
	fchdir(home); /* nowhere() ended in the root, which is everybody's */
	access_times();
	return 0;
}

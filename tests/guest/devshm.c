/* /dev/shm, natively and in Vellum the same: names, links, rights, holes, locks, mappings. Everything is
 * made below one directory, which is gone again at the end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

/* Each run has a tag of its own, which is left out of what is printed: several may run at once. */
static char tag[16], base[64], object[64], outside[64];

/* Prints @text without the tag. */
static void show_text(const char *before, const char *text)
{
	const char *at = strstr(text, tag);

	if (at)
		printf("%s%.*s%s\n", before, (int)(at - text), text, at + strlen(tag));
	else
		printf("%s%s\n", before, text);
}

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && *text && write(fd, text, strlen(text)) < 0)
		perror(name);
	return fd;
}

static void touch(const char *name)
{
	close(make_file(name, ""));
}

static void show_stat(const char *name)
{
	struct stat st;

	if (lstat(name, &st)) {
		show(name, -1);
		return;
	}
	printf("%s: mode %o links %lu size %ld blocks %ld blksize %ld rdev %u:%u\n", name,
	       st.st_mode, (long)st.st_nlink, (long)st.st_size, (long)st.st_blocks,
	       (long)st.st_blksize, major(st.st_rdev), minor(st.st_rdev));
}

static void list(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;

	printf("in %s:", name);
	while (d && (e = readdir(d)))
		printf(" %s/%d", e->d_name, e->d_type);
	printf("\n");
	if (d)
		closedir(d);
}

/* Where a descriptor's link in /proc leads. */
static void show_link(int fd)
{
	char name[64], text[PATH_MAX], *hash;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	hash = strchr(text, '#'); /* numbers of inodes differ */
	if (hash)
		strcpy(hash, strchr(hash, ' ') ? strchr(hash, ' ') : "");
	show_text("fd: ", text);
}

static void show_maps(const char *part)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 200], perms[8], *name;
	unsigned long start, end, off;

	while (f && fgets(line, sizeof(line), f)) {
		name = strstr(line, part);
		if (name && sscanf(line, "%lx-%lx %7s %lx", &start, &end, perms, &off) == 4) {
			name[strcspn(name, "\n")] = 0;
			printf("maps: %lu %s %lx ", end - start, perms, off);
			show_text("", name);
		}
	}
	if (f)
		fclose(f);
}

static void names(void)
{
	char cwd[PATH_MAX];

	printf("== names\n");
	SHOW(mkdir("d", 0777));
	SHOW(mkdir("d", 0777));
	SHOW(mkdir("d/", 0777));
	SHOW(mkdir("none/d", 0777));
	touch("a");
	touch("b");
	touch("c");
	SHOW(mkdir("a/x", 0777));
	list(".");
	SHOW(link("a", "a2"));
	SHOW(link("a", "b"));
	SHOW(link("d", "d2"));
	SHOW(link("none", "d2"));
	show_stat("a");
	show_stat("d");
	show_stat(".");
	SHOW(rename("a", "a2")); /* one file: nothing happens */
	list(".");
	SHOW(rename("b", "z"));
	list(".");
	SHOW(rename("z", "c"));
	SHOW(rename("c", "d"));
	SHOW(rename("d", "c"));
	SHOW(rename("d", "d/e"));
	SHOW(rename("none", "x"));
	SHOW(rename("c", outside));
	SHOW(link("c", outside));
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE));
	show_stat("a");
	show_stat("d");
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "n", 8));
	SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "w", RENAME_WHITEOUT));
	show_stat("a");
	SHOW(rename("w", "a"));
	touch("d/f");
	SHOW(mkdir("e", 0700));
	SHOW(rename("e", "d"));
	SHOW(rename("d", "e"));
	show_stat("e");
	SHOW(rmdir("e"));
	SHOW(unlink("e"));
	SHOW(rmdir("e/f"));
	SHOW(unlink("e/f/"));
	SHOW(unlink("e/f"));
	SHOW(rmdir("e/."));
	SHOW(rmdir("e/.."));
	SHOW(chdir("e"));
	SHOW(chdir(".."));
	show_text("", getcwd(cwd, sizeof(cwd)));
	SHOW(rmdir("e"));
	SHOW(rmdir("e"));
	list(".");
	SHOW(unlink("a"));
	SHOW(unlink("a2"));
	SHOW(unlink("c"));
	SHOW(unlink("none"));
	show_stat(".");
}

static void links(void)
{
	char long_text[201], text[PATH_MAX];
	ssize_t n;
	int fd;

	printf("== links\n");
	touch("a");
	SHOW(symlink("a", "s"));
	SHOW(symlink("s", "s"));
	SHOW(symlink("", "e"));
	snprintf(text, sizeof(text), "..%s/s", strrchr(base, '/'));
	SHOW(symlink(text, "s2"));
	SHOW(symlink("none", "dangling"));
	SHOW(symlink("loop", "loop"));
	memset(long_text, 'x', 200);
	long_text[200] = 0;
	SHOW(symlink(long_text, "long"));
	show_stat("s");
	show_stat("long");
	n = readlink("long", text, sizeof(text));
	printf("%zd %.3s\n", n, text);
	SHOW(readlink("a", text, sizeof(text)));
	SHOW(readlink("s", text, 0));
	SHOW(access("s2", R_OK));
	SHOW(access("dangling", F_OK));
	SHOW(access("loop", F_OK));
	fd = open("s2", O_RDWR);
	show_link(fd);
	close(fd);
	SHOW(open("s", O_RDONLY | O_NOFOLLOW));
	fd = open("dangling", O_RDWR | O_CREAT, 0600);
	show_link(fd);
	close(fd);
	SHOW(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
	SHOW(chmod("s", 0600));
	show_stat("a");
	SHOW(unlink("s"));
	SHOW(unlink("s2"));
	SHOW(unlink("long"));
	SHOW(unlink("dangling"));
	SHOW(unlink("loop"));
	SHOW(unlink("none"));
	SHOW(unlink("a"));
}

static void opened(void)
{
	char text[64] = "";
	int fd, fd2, dir;

	printf("== open files\n");
	SHOW(open("none", O_RDWR));
	SHOW(open(".", O_RDWR));
	SHOW(open(".", O_RDONLY | O_CREAT, 0600));
	SHOW(open("new/", O_RDWR | O_CREAT, 0600));
	fd = make_file("f", "hello, world");
	SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	SHOW(open("f/", O_RDWR));
	SHOW(open("f", O_RDONLY | O_DIRECTORY));
	show_link(fd);
	SHOW(rename("f", "g"));
	show_link(fd);
	SHOW(unlink("g"));
	show_link(fd);
	SHOW(pread(fd, text, 60, 7));
	printf("%s\n", text);
	SHOW(link("/proc/self/fd/3", "again"));
	SHOW(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
	close(fd);

	fd = open(".", O_RDWR | O_TMPFILE, 0640);
	SHOW(write(fd, "temporary", 9));
	show_link(fd);
	SHOW(linkat(fd, "", AT_FDCWD, "kept", AT_EMPTY_PATH));
	show_link(fd);
	show_stat("kept");
	fd2 = open("kept", O_RDONLY);
	memset(text, 0, sizeof(text));
	SHOW(read(fd2, text, 60));
	printf("%s\n", text);
	close(fd2);
	close(fd);
	fd = open(".", O_RDWR | O_TMPFILE | O_EXCL, 0640);
	SHOW(linkat(fd, "", AT_FDCWD, "kept2", AT_EMPTY_PATH));
	close(fd);
	SHOW(open(".", O_RDONLY | O_TMPFILE, 0640));

	SHOW(mkdir("dir", 0755));
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	SHOW(fchdir(dir));
	fd = openat(dir, "inside", O_RDWR | O_CREAT, 0600);
	show_link(fd);
	close(fd);
	SHOW(access("../dir/inside", F_OK));
	SHOW(unlinkat(dir, "inside", 0));
	SHOW(chdir(".."));
	SHOW(rmdir("dir"));
	show_link(dir);
	SHOW(openat(dir, "x", O_RDWR | O_CREAT, 0600));
	SHOW(mkdirat(dir, "x", 0700));
	SHOW(fchdir(dir));
	SHOW(syscall(79, text, sizeof(text))); /* getcwd */
	close(dir);
	SHOW(chdir(base));
	SHOW(unlink("kept"));
}

static void sizes(void)
{
	static char page[4096];
	int fd = make_file("f", "");

	printf("== sizes and holes\n");
	SHOW(ftruncate(fd, 40960));
	show_stat("f");
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(pwrite(fd, page, 4096, 8192));
	SHOW(pwrite(fd, page, 10, 20480));
	show_stat("f");
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 8193, SEEK_HOLE));
	SHOW(lseek(fd, 12288, SEEK_DATA));
	SHOW(lseek(fd, 28672, SEEK_DATA));
	SHOW(lseek(fd, 40960, SEEK_HOLE));
	SHOW(fallocate(fd, 0, 0, 8192));
	show_stat("f");
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(pread(fd, page, 4096, 0));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(pwrite(fd, page, 1, 0));
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 40960, 4096));
	show_stat("f");
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 8192, 4096));
	SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, 0, -1, 10));
	show_stat("f");
	SHOW(ftruncate(fd, 100));
	show_stat("f");
	SHOW(truncate("f", 5000));
	SHOW(truncate("f", -1));
	SHOW(truncate(".", 0));
	show_stat("f");
	close(fd);
	SHOW(unlink("f"));
}

static void full(void)
{
	struct statfs before, with, after;
	int fd;

	printf("== statfs\n");
	statfs(".", &before);
	fd = make_file("f", "x");
	statfs("f", &with);
	printf("type %lx, block %ld, names %ld; one page %ld, one inode %ld\n", (long)with.f_type,
	       (long)with.f_bsize, (long)with.f_namelen, (long)(before.f_bfree - with.f_bfree),
	       (long)(before.f_ffree - with.f_ffree));
	printf("all free but ours: %d\n", before.f_blocks >= before.f_bfree);
	SHOW(link("f", "f2"));
	statfs("f", &with);
	printf("a second name: %ld\n", (long)(before.f_ffree - with.f_ffree));
	SHOW(unlink("f2"));
	SHOW(unlink("f"));
	close(fd);
	statfs(".", &after);
	printf("afterwards: %ld %ld\n", (long)(before.f_bfree - after.f_bfree),
	       (long)(before.f_ffree - after.f_ffree));
	fd = make_file("f", "");
	SHOW(fallocate(fd, 0, 0, (long)before.f_blocks * 4096 + 4096));
	show_stat("f");
	close(fd);
	SHOW(unlink("f"));
}

/* The child writes what the parent reads. */
static void shared(void)
{
	int fd = shm_open(object, O_RDWR | O_CREAT | O_EXCL, 0600), status;
	volatile char *p, *q;
	struct stat st, folder;

	printf("== shared memory\n");
	SHOW(ftruncate(fd, 8192));
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (!fork()) {
		int again = shm_open(object, O_RDWR, 0);
		char *r = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);

		strcpy(r, "from the child");
		_exit(0);
	}
	wait(&status);
	printf("%s; private: %s\n", (char *)p, (char *)q);
	q[0] = 'F';
	printf("%s; private: %s\n", (char *)p, (char *)q);
	show_maps("/dev/shm/v-");
	fstat(fd, &st);
	stat("/dev/shm", &folder);
	printf("same device: %d", st.st_dev == folder.st_dev);
	stat("/tmp", &st);
	printf("; another than /tmp's: %d\n", st.st_dev != folder.st_dev);
	fstat(fd, &st);
	printf("mode %o links %lu size %ld blocks %ld\n", st.st_mode, (long)st.st_nlink,
	       (long)st.st_size, (long)st.st_blocks);
	SHOW(madvise((void *)p, 4096, MADV_REMOVE));
	printf("removed: %d\n", p[0]);
	SHOW(shm_unlink(object));
	SHOW(shm_unlink(object));
	SHOW(shm_open(object, O_RDWR, 0));
	show_maps("/dev/shm/v-");
	p[4096] = 'x';
	show_link(fd);
	munmap((void *)p, 8192);
	munmap((void *)q, 4096);
	close(fd);
}

static void copies(void)
{
	char text[32] = "";
	int a = make_file("a", "0123456789"), b = make_file("b", "");
	int t = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	off_t off = 2;

	printf("== copies\n");
	SHOW(sendfile(b, a, &off, 5));
	SHOW(copy_file_range(a, &off, b, NULL, 10, 0));
	SHOW(pread(b, text, 31, 0));
	printf("%s\n", text);
	off = 0;
	SHOW(sendfile(t, b, &off, 100));
	SHOW(pread(t, text, 31, 0));
	printf("%s\n", text);
	close(a);
	close(b);
	close(t);
	SHOW(unlink("a"));
	SHOW(unlink("b"));
}

static void locks(void)
{
	struct flock fl = {.l_type = F_WRLCK, .l_len = 10};
	int fd = make_file("f", "x"), fd2 = open("f", O_RDWR), status;

	printf("== locks\n");
	SHOW(flock(fd, LOCK_EX));
	SHOW(flock(fd2, LOCK_EX | LOCK_NB));
	SHOW(flock(fd, LOCK_UN));
	SHOW(link("f", "f2"));
	SHOW(fcntl(fd, F_SETLK, &fl));
	fflush(stdout);
	if (!fork()) {
		int other = open("f2", O_RDWR);

		SHOW(fcntl(other, F_SETLK, &fl));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	close(fd);
	close(fd2);
	SHOW(unlink("f2"));
	SHOW(unlink("f"));
}

/* As somebody else. */
static void rights_of_nobody(void)
{
	if (setgid(65534) || setuid(65534)) {
		perror("setuid");
		_exit(1);
	}
	SHOW(open("secret", O_RDONLY));
	SHOW(open("open", O_RDONLY) >= 0);
	SHOW(open("open", O_RDWR));
	SHOW(open("open", O_RDONLY | O_NOATIME));
	SHOW(access("open", W_OK));
	SHOW(access("closed/x", F_OK));
	SHOW(unlink("open"));
	SHOW(mkdir("d", 0700));
	SHOW(mkdir("open", 0700));
	SHOW(chmod("open", 0777));
	SHOW(chown("open", 65534, 65534));
	SHOW(truncate("open", 0));
	SHOW(rename("open", "x"));
	SHOW(unlink("sticky/roots"));
	SHOW(rename("sticky/roots", "sticky/x"));
	touch("sticky/mine");
	show_stat("sticky/mine");
	SHOW(link("sticky/mine", "sticky/mine2"));
	SHOW(unlink("sticky/mine2"));
	SHOW(unlink("sticky/mine"));
	SHOW(mknod("sticky/dev", S_IFCHR | 0600, makedev(1, 3)));
	touch("setgid/mine");
	show_stat("setgid/mine");
	SHOW(unlink("setgid/mine"));
	SHOW(chmod("sticky", 0777));
	fflush(stdout);
	_exit(0);
}

static void rights(void)
{
	int status;

	printf("== rights\n");
	SHOW(close(open("secret", O_RDWR | O_CREAT, 0600)));
	SHOW(close(open("open", O_RDWR | O_CREAT, 0644)));
	SHOW(mkdir("closed", 0700));
	SHOW(mkdir("sticky", 0777));
	SHOW(chmod("sticky", 01777));
	touch("sticky/roots");
	SHOW(mkdir("setgid", 0777));
	SHOW(chmod("setgid", 02777));
	SHOW(mkdir("setgid/sub", 0755));
	show_stat("setgid/sub");
	SHOW(rmdir("setgid/sub"));
	SHOW(chmod("open", 04755));
	SHOW(chown("open", 0, 5));
	show_stat("open");
	SHOW(chmod("open", 0644));
	fflush(stdout);
	if (!fork())
		rights_of_nobody();
	wait(&status);
	SHOW(unlink("sticky/roots"));
	SHOW(rmdir("sticky"));
	SHOW(rmdir("setgid"));
	SHOW(rmdir("closed"));
	SHOW(unlink("open"));
	SHOW(unlink("secret"));
	rmdir("x"); /* what nobody could make where the whole run is nobody's */
	rmdir("d");
}

static void others(const char *self)
{
	char buf[65536];
	int in = open(self, O_RDONLY), out, fd, status;
	ssize_t n;

	printf("== programs and fifos\n");
	out = open("prog", O_WRONLY | O_CREAT, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			perror("write");
	close(in);
	fflush(stdout);
	if (!fork()) {
		execl("./prog", "prog", "exec", tag, NULL);
		show("exec of what is being written", -1);
		close(out);
		fflush(stdout);
		execl("./prog", "prog", "exec", tag, NULL);
		_exit(99);
	}
	wait(&status);
	printf("exit %x\n", status);
	close(out);
	fflush(stdout);
	if (!fork()) {
		execl("./prog", "prog", "exec", tag, NULL);
		_exit(99);
	}
	wait(&status);
	printf("exit %x\n", status);
	SHOW(unlink("prog"));
	SHOW(mkfifo("fifo", 0600));
	show_stat("fifo");
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	if (!fork()) {
		fd = open("fifo", O_WRONLY);
		if (write(fd, "through", 8) != 8)
			_exit(1);
		_exit(0);
	}
	fd = open("fifo", O_RDONLY);
	SHOW(read(fd, buf, 100));
	printf("%s\n", buf);
	close(fd);
	wait(&status);
	SHOW(unlink("fifo"));
	SHOW(rmdir("/dev/shm"));
	SHOW(unlink("/dev/shm"));
	SHOW(rename("/dev/shm", "/dev/shm2"));
	SHOW(mkdir("/dev/shm", 0777));
	SHOW(chdir("/dev/shm/.."));
	printf("%s\n", getcwd(buf, sizeof(buf)));
	SHOW(access(base + strlen("/dev/"), F_OK));
	SHOW(chdir(base));
}

/* What a copy of this program in /dev/shm says of itself. */
static int executed(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = 0;
	show_text("exe: ", exe);
	SHOW(open("prog", O_WRONLY));
	return 42;
}

int main(int argc, char **argv)
{
	int alone = open("/tmp", O_RDONLY);

	umask(022);
	snprintf(tag, sizeof(tag), "%s", argc > 2 ? argv[2] : "");
	if (argc > 2 && !strcmp(argv[1], "exec"))
		return executed();
	/* statfs() counts for all: one run at a time. */
	flock(fcntl(alone, F_DUPFD_CLOEXEC, 100), LOCK_EX);
	close(alone);
	snprintf(tag, sizeof(tag), "%d", getpid());
	snprintf(base, sizeof(base), "/dev/shm/v-%s", tag);
	snprintf(object, sizeof(object), "/v-%s-object", tag);
	snprintf(outside, sizeof(outside), "/tmp/v-%s", tag);
	if (mkdir(base, 0755) || chdir(base)) {
		perror(base);
		return 1;
	}
	names();
	links();
	opened();
	sizes();
	full();
	shared();
	copies();
	locks();
	rights();
	others(*argv[0] == '/' ? argv[0] : "/proc/self/exe");
	SHOW(chdir("/"));
	SHOW(rmdir(base));
	return 0;
}

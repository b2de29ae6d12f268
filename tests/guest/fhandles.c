/* Files by handle, and flags of inodes: name_to_handle_at(2), open_by_handle_at(2), file_getattr(2),
 * file_setattr(2). Handles are compared, not printed. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif
#define BAD ((void *)8)
#define FID 0x200
#define CONNECTABLE 2
#define UNIQUE 1

struct handle {
	unsigned bytes;
	int type;
	unsigned char data[128];
};

struct attr {
	unsigned long flags;
	unsigned extsize, nextents, projid, cowextsize;
	unsigned long more;
};

static long to_handle(int dfd, const char *name, struct handle *h, void *id, int flags)
{
	return syscall(SYS_name_to_handle_at, dfd, name, h, id, flags);
}

static long by_handle(int dfd, struct handle *h, int flags)
{
	return syscall(SYS_open_by_handle_at, dfd, h, flags);
}

static int same(const struct handle *a, const struct handle *b)
{
	return a->bytes == b->bytes && a->type == b->type && !memcmp(a->data, b->data, a->bytes);
}

static void handles(void)
{
	struct handle h = {.bytes = 128}, h2 = {.bytes = 128}, small = {.bytes = 1};
	unsigned long unique = 0;
	int id = -1, id2 = -1, fd;

	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	WORKS(write(fd, "text", 4) - 4);
	SHOW(to_handle(AT_FDCWD, "file", &h, &id, 0));
	SHOW(to_handle(fd, "", &h2, &id2, AT_EMPTY_PATH));
	printf("same %d, of one mount %d\n", same(&h, &h2), id == id2);
	link("file", "link");
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "link", &h2, &id2, 0));
	printf("same %d\n", same(&h, &h2));
	SHOW(to_handle(AT_FDCWD, "file", &h2, &unique, UNIQUE));
	printf("unique %d\n", unique >= 1UL << 31);
	symlink("file", "symlink");
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "symlink", &h2, &id, 0));
	printf("same %d\n", same(&h, &h2));
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "symlink", &h2, &id, AT_SYMLINK_FOLLOW));
	printf("same %d\n", same(&h, &h2));
	SHOW(to_handle(AT_FDCWD, "file", &small, &id, 0));
	printf("wants %d\n", small.bytes == h.bytes);
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "file", &h2, &id, FID));
	SHOW(to_handle(AT_FDCWD, "file", &h2, &id, CONNECTABLE | FID));
	SHOW(to_handle(AT_FDCWD, "file", &h2, &id, 8));
	h2.bytes = 129;
	SHOW(to_handle(AT_FDCWD, "file", &h2, &id, 0));
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "none", &h2, &id, 0));
	SHOW(to_handle(AT_FDCWD, "", &h2, &id, 0));
	SHOW(to_handle(99, "file", &h2, &id, 0));
	SHOW(to_handle(AT_FDCWD, BAD, &h2, &id, 0));
	SHOW(to_handle(AT_FDCWD, "file", BAD, &id, 0));
	SHOW(to_handle(AT_FDCWD, "file", &h2, BAD, 0));
	SHOW(to_handle(AT_FDCWD, "/proc", &h2, &id, 0));
	h2.bytes = 128;
	SHOW(to_handle(AT_FDCWD, "/proc", &h2, &id, FID));
	close(fd);
}

static void opening(void)
{
	struct handle h = {.bytes = 128}, broken;
	int id, fd, dir = open(".", O_RDONLY), path = open(".", O_PATH);
	char text[10] = "";

	to_handle(AT_FDCWD, "file", &h, &id, 0);
	fd = by_handle(AT_FDCWD, &h, O_RDONLY);
	show("opened", fd < 0 ? -1 : 0);
	if (fd >= 0) {
		SHOW(read(fd, text, sizeof(text)));
		puts(text);
		SHOW(fcntl(fd, F_GETFD));
		SHOW(write(fd, "x", 1));
		close(fd);
	}
	fd = by_handle(dir, &h, O_RDWR | O_CLOEXEC);
	show("opened", fd < 0 ? -1 : 0);
	if (fd >= 0) {
		SHOW(fcntl(fd, F_GETFD));
		SHOW(pwrite(fd, "T", 1, 0));
		close(fd);
	}
	unlink("file");
	fd = by_handle(dir, &h, O_RDONLY);
	show("by its other name", fd < 0 ? -1 : 0);
	close(fd);
	SHOW(by_handle(99, &h, O_RDONLY));
	SHOW(by_handle(path, &h, O_RDONLY));
	SHOW(by_handle(dir, BAD, O_RDONLY));
	broken = h;
	broken.bytes = 0;
	SHOW(by_handle(dir, &broken, O_RDONLY));
	broken.bytes = 129;
	SHOW(by_handle(dir, &broken, O_RDONLY));
	broken = h;
	broken.data[0] ^= 0x55;
	broken.data[2] ^= 0x55;
	SHOW(by_handle(dir, &broken, O_RDONLY));
	SHOW(by_handle(dir, &h, O_DIRECTORY));
	unlink("link");
	SHOW(by_handle(dir, &h, O_RDONLY));
	h.bytes = 128;
	to_handle(AT_FDCWD, ".", &h, &id, 0);
	fd = by_handle(dir, &h, O_RDONLY | O_DIRECTORY);
	show("a directory", fd < 0 ? -1 : 0);
	close(fd);
	SHOW(by_handle(dir, &h, O_RDWR));
	close(dir);
	close(path);
	unlink("symlink");
}

static void attributes(void)
{
	struct attr a = {.more = -1UL};
	int fd = open("file2", O_RDWR | O_CREAT, 0666), dir = open(".", O_RDONLY);

	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", &a, 24, 0));
	printf("flags %lx extents %u project %u, more %lx\n", a.flags, a.nextents, a.projid,
	       a.more);
	SHOW(syscall(SYS_file_getattr, dir, "file2", &a, 32, AT_SYMLINK_NOFOLLOW));
	printf("more %lx\n", a.more);
	SHOW(syscall(SYS_file_getattr, fd, "", &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(SYS_file_getattr, fd, NULL, &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(SYS_file_getattr, 99, NULL, &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "", &a, 24, 0));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "none", &a, 24, 0));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", &a, 23, 0));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", &a, 4097, 0));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", &a, 24, 8));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", BAD, 24, 0));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "/proc", &a, 24, 0));
	memset(&a, 0, sizeof(a));
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "/dev/shm", &a, 24, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 24, 0));
	SHOW(syscall(SYS_file_setattr, fd, "", &a, 32, AT_EMPTY_PATH));
	a.flags = 0x40; /* FS_XFLAG_NOATIME */
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 24, 0));
	a.flags = 0;
	SHOW(syscall(SYS_file_getattr, AT_FDCWD, "file2", &a, 24, 0));
	printf("flags %lx\n", a.flags);
	a.flags = 0;
	a.more = 1;
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 32, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 23, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 4097, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", &a, 24, 8));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "file2", BAD, 24, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "none", &a, 24, 0));
	SHOW(syscall(SYS_file_setattr, AT_FDCWD, "/proc", &a, 24, 0));
	if (!getuid() && !fork()) {
		if (setgid(12345) || setuid(12345))
			_exit(1);
		SHOW(syscall(SYS_file_setattr, fd, "", &a, 24, AT_EMPTY_PATH));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	close(fd);
	close(dir);
	unlink("file2");
}

int main(void)
{
	struct handle h = {.bytes = 128};
	int id;

	setvbuf(stdout, NULL, _IONBF, 0);
	handles();
	if (to_handle(AT_FDCWD, ".", &h, &id, 0) == 0 && getuid() != 0)
		SHOW(by_handle(AT_FDCWD, &h, O_RDONLY));
	else
		opening();
	attributes();
	return 0;
}

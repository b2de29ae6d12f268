/* Extended attributes of files, directories, links, tmpfs, memfds, pipes, devices and /proc: who has
 * them, sizes, flags, names, lists; as root and as somebody else; and the *at forms. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static char b[70000], big[70000];
static char shm_file[40], shm_link[40]; /* names that no other run has */
static void *volatile wild = (void *)8; /* nothing is mapped there */

/* Names of @prefix only: a host may give its files others. */
static void list(int fd, const char *prefix)
{
	long n = flistxattr(fd, b, sizeof(b));

	for (long i = 0; i < n; i += strlen(b + i) + 1)
		if (!strncmp(b + i, prefix, strlen(prefix)))
			printf("  listed: %s\n", b + i);
}

static void one_name(int fd, const char *name)
{
	printf("  %s\n", name);
	T(fsetxattr(fd, name, "xyz", 3, 0));
	T(fgetxattr(fd, name, b, sizeof(b)));
	T(fgetxattr(fd, name, b, 0));
	T(fgetxattr(fd, name, b, 2));
	T(fremovexattr(fd, name));
	T(fremovexattr(fd, name));
}

static void names(const char *what, int fd)
{
	static const char *const some[] = {"user.a", "user.",	   "user",     "trusted.a",
					   "foo",    "system.foo", "trusted.", "security.vellum"};

	printf("-- %s\n", what);
	for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		one_name(fd, some[i]);
	T(fgetxattr(fd, "security.capability", b, sizeof(b)));
	T(fgetxattr(fd, "system.posix_acl_access", b, sizeof(b)));
}

static void sizes(const char *what, int fd)
{
	char name[300] = "user.";

	printf("-- sizes: %s\n", what);
	T(fsetxattr(fd, "user.none", NULL, 0, 0));
	T(fgetxattr(fd, "user.none", b, sizeof(b)));
	T(fsetxattr(fd, "user.a", "abc", 3, XATTR_REPLACE));
	T(fsetxattr(fd, "user.a", "abc", 3, XATTR_CREATE));
	T(fsetxattr(fd, "user.a", "abcdef", 6, XATTR_CREATE));
	T(fsetxattr(fd, "user.a", "abcdef", 6, XATTR_REPLACE));
	T(fsetxattr(fd, "user.a", "abcdef", 6, XATTR_CREATE | XATTR_REPLACE));
	T(fsetxattr(fd, "user.a", "abcdef", 6, 4));
	T(fgetxattr(fd, "user.a", b, 5));
	T(fgetxattr(fd, "user.a", b, 6));
	printf("  %.6s\n", b);
	T(fsetxattr(fd, "user.0", "z", 1, 0));
	list(fd, "user.");
	T(flistxattr(fd, b, 3));
	T(fsetxattr(fd, "user.big", big, 65537, 0));
	T(fsetxattr(fd, "user.a", wild, 6, 0));
	T(fsetxattr(fd, wild, "a", 1, 0));
	T(fgetxattr(fd, "user.a", wild, 6));
	T(flistxattr(fd, wild, 1000));
	T(fgetxattr(fd, "", b, 6));
	T(fsetxattr(fd, "", b, 6, 0));
	T(fremovexattr(fd, ""));
	memset(name + 5, 'n', 250);
	T(fsetxattr(fd, name, "a", 1, 0));
	T(fgetxattr(fd, name, b, 6));
	name[255] = 'n';
	T(fsetxattr(fd, name, "a", 1, 0));
	T(fgetxattr(fd, name, b, 6));
	T(fsetxattr(-1, name, "a", 1, 8));
	T(fsetxattr(-1, name, "a", 1, 0));
	T(fsetxattr(-1, "user.a", big, 70000, 0));
	T(fsetxattr(-1, "user.a", "a", 1, 0));
}

static void all_kinds(void)
{
	int p[2];

	names("file", open("file", O_RDWR));
	names("directory", open(".", O_RDONLY));
	names("tmpfs", open(shm_file, O_RDWR));
	names("memfd", memfd_create("m", 0));
	names("/proc", open("/proc/self/status", O_RDONLY));
	names("O_PATH", open("file", O_PATH));
	if (!pipe(p))
		names("pipe", p[0]);
}

static void links(const char *name)
{
	printf("-- link %d\n", *name == '/');
	T(symlink("file", name));
	T(lsetxattr(name, "user.a", "x", 1, 0));
	T(lgetxattr(name, "user.a", b, 10));
	T(lsetxattr(name, "trusted.a", "x", 1, 0));
	T(lgetxattr(name, "trusted.a", b, 10));
	T(llistxattr(name, b, 0) >= 10);
	T(lremovexattr(name, "trusted.a"));
	T(unlink(name));
	T(setxattr(name, "user.a", "x", 1, 0));
	T(lsetxattr("/proc/self", "user.a", "x", 1, 0));
}

static long at(int nr, int dfd, const char *path, int flags, const char *name, void *value,
	       unsigned size, unsigned xflags, size_t usize)
{
	struct {
		unsigned long value;
		unsigned size, flags;
		unsigned long more[2];
	} args = {(unsigned long)value, size, xflags, {0, usize == 32}};

	return syscall(nr, dfd, path, flags, name, &args, usize);
}

static void at_forms(void)
{
	int fd = open("file", O_RDWR), opath = open("file", O_PATH);

	printf("-- at\n");
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, 0, 16));
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, XATTR_CREATE, 16));
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, 0, 15));
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, 0, 24));
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, 0, 32));
	T(at(463, AT_FDCWD, "file", 0, "user.at", "1234", 4, 0, 5000));
	T(at(463, AT_FDCWD, "file", 1, "user.at", "1234", 4, 0, 16));
	T(at(463, fd, "", AT_EMPTY_PATH, "user.at", "12345", 5, 0, 16));
	T(at(463, fd, NULL, AT_EMPTY_PATH, "user.at", "12345", 5, 0, 16));
	T(at(463, fd, NULL, 0, "user.at", "12345", 5, 0, 16));
	T(at(463, fd, "", 0, "user.at", "12345", 5, 0, 16));
	T(at(463, opath, "", AT_EMPTY_PATH, "user.at", "12345", 5, 0, 16));
	T(at(464, AT_FDCWD, "file", 0, "user.at", b, 100, 0, 16));
	T(at(464, AT_FDCWD, "file", 0, "user.at", b, 100, 1, 16));
	T(at(464, AT_FDCWD, "", AT_EMPTY_PATH, "user.at", b, 100, 0, 16));
	T(at(464, AT_FDCWD, NULL, AT_EMPTY_PATH, "user.at", b, 100, 0, 16));
	T(syscall(465, AT_FDCWD, "file", AT_SYMLINK_NOFOLLOW, b, 3));
	T(syscall(466, AT_FDCWD, "file", 0, "user.at"));
	T(syscall(466, AT_FDCWD, "file", 2, "user.at"));
}

int main(void)
{
	int shm, fd = open("file", O_RDWR | O_CREAT, 0644);

	if (fsetxattr(fd, "user.a", "", 0, 0)) {
		puts("no user.* attributes in this folder's file system");
		return 0;
	}
	fremovexattr(fd, "user.a");
	snprintf(shm_file, sizeof(shm_file), "/dev/shm/xattrs-%d", getpid());
	snprintf(shm_link, sizeof(shm_link), "/dev/shm/link-%d", getpid());
	shm = open(shm_file, O_RDWR | O_CREAT, 0600);
	all_kinds();
	sizes("file", fd);
	sizes("tmpfs", shm);
	links("link");
	links(shm_link);
	at_forms();
	fsetxattr(shm, "trusted.a", "x", 1, 0);
	fsetxattr(fd, "trusted.a", "x", 1, 0);
	fflush(stdout);
	if (!fork()) {
		if (setgid(1) || setuid(1))
			printf("not root\n");
		printf("-- somebody else\n");
		one_name(shm, "user.a");
		one_name(shm, "trusted.a");
		one_name(shm, "security.a");
		list(shm, "trusted.");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	list(shm, "trusted.");
	unlink(shm_file);
	return 0;
}

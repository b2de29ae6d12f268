/* What sendfile(2) reads from and writes to: files, pipes, devices, /proc; and FIONREAD of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static void *volatile wild = (void *)8; /* nothing is mapped there */

static void to_read(const char *what, int fd)
{
	int n = -77;
	char c;

	printf("-- FIONREAD: %s\n", what);
	T(ioctl(fd, FIONREAD, &n));
	printf("%d\n", n);
	if (read(fd, &c, 1) == 1) {
		T(ioctl(fd, FIONREAD, &n));
		printf("%d\n", n);
	}
	T(ioctl(fd, FIONREAD, wild));
}

int main(void)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
	int full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);
	int file = open("file", O_RDWR | O_CREAT, 0644), mem = memfd_create("m", 0);
	int p[2], q[2];
	off_t off = 5;

	if (pipe(p) || pipe(q) || write(file, "hello", 5) != 5 || ftruncate(mem, 100))
		return 1;
	lseek(file, 0, SEEK_SET);
	to_read("file", file);
	to_read("memfd", mem);
	to_read("/proc/self/status", open("/proc/self/status", O_RDONLY));
	to_read("/proc/meminfo", open("/proc/meminfo", O_RDONLY));
	to_read("/proc", open("/proc", O_RDONLY));
	to_read("/dev/null", null);
	lseek(file, 0, SEEK_SET);
	T(sendfile(p[1], null, NULL, 10));
	T(sendfile(p[1], null, &off, 10));
	T(sendfile(file, null, NULL, 10));
	T(sendfile(p[1], zero, NULL, 10));
	T(sendfile(null, zero, NULL, 10));
	T(sendfile(p[1], random, NULL, 10));
	T(sendfile(p[1], full, NULL, 10));
	T(sendfile(q[1], p[0], NULL, 10));
	T(sendfile(null, p[0], NULL, 10));
	T(sendfile(null, file, NULL, 3));
	T(sendfile(full, file, NULL, 3));
	T(sendfile(p[1], mem, &off, 8));
	printf("%ld\n", (long)off);
	T(sendfile(p[1], open("/proc/meminfo", O_RDONLY), NULL, 3));
	T(sendfile(p[1], open("/proc/self/status", O_RDONLY), NULL, 3));
	T(sendfile(p[1], open("/proc", O_RDONLY), NULL, 3));
	return 0;
}

/* /dev/userfaultfd: its ioctl makes userfaultfds as userfaultfd(2) does, for whom the node lets in. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG 4096UL
#define NEW 0xaa00
#define API 0xc018aa3f
#define REGISTER 0xc020aa00
#define COPY 0xc028aa03

#define T(call)                                                                                    \
	do {                                                                                       \
		long r_;                                                                           \
		errno = 0;                                                                         \
		r_ = (long)(call);                                                                 \
		printf("%s = %ld %s\n", #call, r_, r_ < 0 ? strerrorname_np(errno) : "");          \
	} while (0)

static int make(int dev, unsigned flags)
{
	int fd = ioctl(dev, NEW, flags);

	printf("flags %#x: %s", flags, fd < 0 ? strerrorname_np(errno) : "a descriptor");
	if (fd >= 0)
		printf(", %s, %s", fcntl(fd, F_GETFD) & FD_CLOEXEC ? "close on exec" : "stays",
		       fcntl(fd, F_GETFL) & O_NONBLOCK ? "non-blocking" : "blocking");
	puts("");
	return fd;
}

static void link_of(int fd)
{
	char path[64], text[256];
	long n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	puts(text);
}

/* A page that a child puts there while this waits for it. */
static void serve(int fd)
{
	uint64_t api[3] = {0xaa, 0, 0};
	char *p = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *src = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t reg[4] = {(uintptr_t)p, PG, 1, 0}, copy[5] = {(uintptr_t)p, 0, PG, 0, 0};
	char msg[32];

	strcpy(src, "from the handler");
	copy[1] = (uintptr_t)src;
	T(ioctl(fd, REGISTER, reg));
	T(ioctl(fd, API, api));
	T(ioctl(fd, REGISTER, reg));
	fflush(stdout);
	if (!fork()) {
		T(read(fd, msg, sizeof(msg)));
		T(ioctl(fd, COPY, copy));
		fflush(stdout);
		_exit(0);
	}
	printf("%.20s\n", p);
	wait(NULL);
}

int main(void)
{
	int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC), fd;
	struct pollfd pfd = {dev, POLLIN | POLLOUT, 0};
	struct stat st;
	char b[16];

	if (dev < 0) {
		printf("/dev/userfaultfd: %s\n", strerrorname_np(errno));
		return 0;
	}
	fstat(dev, &st);
	printf("mode %o, %u %u\n", st.st_mode, st.st_uid, st.st_gid);
	link_of(dev);
	T(read(dev, b, sizeof(b)));
	T(write(dev, b, sizeof(b)));
	T(lseek(dev, 5, SEEK_SET));
	T(poll(&pfd, 1, 0));
	printf("%#x\n", pfd.revents);
	T(mmap(NULL, PG, PROT_READ, MAP_PRIVATE, dev, 0));
	T(ioctl(dev, API, b));
	T(ioctl(dev, FIONREAD, b));
	T(ftruncate(dev, 0));
	T(fsync(dev));
	close(make(dev, 0));
	close(make(dev, O_CLOEXEC));
	close(make(dev, O_NONBLOCK));
	close(make(dev, O_CLOEXEC | O_NONBLOCK | 1));
	make(dev, 2);
	make(dev, O_RDWR);
	fd = make(dev, 0);
	link_of(fd);
	serve(fd);
	return 0;
}

/* mem_devs: /dev/null, zero, full, random, urandom: reads, writes, positions, maps, ioctls, and what they refuse. */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

/* Bytes that are not 0: of random ones, only that there are some. */
static const char *filled(const unsigned char *p, size_t n)
{
	size_t set = 0;

	for (size_t i = 0; i < n; i++)
		set += p[i] != 0;
	return !set ? "zeros" : set == n ? "all" : "some";
}

static void device(const char *name)
{
	static unsigned char buf[70000];
	void *volatile nowhere = (void *)8;
	struct iovec iov[2] = {{buf, 10}, {nowhere, 10}};
	struct pollfd pfd = {-1, POLLIN | POLLOUT, 0};
	struct stat st;
	unsigned char *p;
	int fd, n = 0;

	printf("--- %s\n", name);
	SHOW(stat(name, &st));
	printf("%o %u:%u\n", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
	fd = pfd.fd = open(name, O_RDWR);
	SHOW(fd < 0);
	memset(buf, 0xff, sizeof(buf));
	SHOW(read(fd, buf, sizeof(buf)));
	printf("%s\n", filled(buf, sizeof(buf)));
	SHOW(read(fd, buf, 0));
	SHOW(read(fd, nowhere, 100));
	SHOW(readv(fd, iov, 2));
	SHOW(pread(fd, buf, 100, 1000));
	SHOW(write(fd, buf, sizeof(buf)));
	SHOW(write(fd, buf, 0));
	SHOW(write(fd, nowhere, 100));
	SHOW(writev(fd, iov, 2));
	SHOW(pwrite(fd, buf, 100, 1000));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, 1000, SEEK_SET));
	SHOW(lseek(fd, 1000, SEEK_END));
	SHOW(lseek(fd, -5, SEEK_CUR));
	SHOW(ftruncate(fd, 0));
	SHOW(fsync(fd));
	SHOW(poll(&pfd, 1, 0));
	printf("revents %x\n", pfd.revents);
	SHOW(ioctl(fd, FIONREAD, &n));
	SHOW(ioctl(fd, RNDGETENTCNT, &n));
	SHOW(ioctl(fd, 0x5299, &n));
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	SHOW(p == MAP_FAILED);
	if (p != MAP_FAILED) {
		p[5000] = 1;
		printf("mapped: %s, %s\n", filled(p, 4096), filled(p + 4096, 4096));
		munmap(p, 8192);
	}
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	close(fd);
	fd = open(name, O_RDONLY);
	SHOW(write(fd, buf, 1));
	close(fd);
	fd = open(name, O_WRONLY | O_TRUNC | O_APPEND);
	SHOW(read(fd, buf, 1));
	SHOW(fcntl(fd, F_GETFL));
	close(fd);
	SHOW(open(name, O_RDONLY | O_DIRECTORY));
	SHOW(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	SHOW(truncate(name, 0));
}

int main(void)
{
	static unsigned char a[4096], b[4096];
	int fd, pipes[2];

	device("/dev/null");
	device("/dev/zero");
	device("/dev/full");
	device("/dev/random");
	device("/dev/urandom");
	fd = open("/dev/urandom", O_RDONLY);
	SHOW(read(fd, a, sizeof(a)));
	SHOW(read(fd, b, sizeof(b)));
	SHOW(memcmp(a, b, sizeof(a)) != 0);
	if (pipe(pipes))
		return 1;
	SHOW(sendfile(pipes[1], fd, NULL, 100));
	SHOW(read(pipes[0], a, sizeof(a)));
	return 0;
}

/* The real kernel, with errors as return values. */
#include "base/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/internal.h"
#include "base/valgrind.h"

int host_open(const char *path, int flags, mode_t mode)
{
	return ret(open(path, flags | O_CLOEXEC, mode));
}

int host_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return ret(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

int host_close(int fd)
{
	return ret(close(fd));
}

int host_dup(int fd)
{
	return ret(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

long host_read(int fd, void *buf, size_t len)
{
	return ret_long(read(fd, buf, len));
}

long host_write(int fd, const void *buf, size_t len)
{
	return ret_long(write(fd, buf, len));
}

long host_pread(int fd, void *buf, size_t len, u64 off)
{
	return ret_long(pread(fd, buf, len, off));
}

long host_pwrite(int fd, const void *buf, size_t len, u64 off)
{
	return ret_long(pwrite(fd, buf, len, off));
}

long host_writev(int fd, const struct iovec *iov, int n)
{
	return ret_long(writev(fd, iov, n));
}

long host_preadv(int fd, const struct iovec *iov, int n, u64 off)
{
	return ret_long(preadv(fd, iov, n, off));
}

long host_pwritev(int fd, const struct iovec *iov, int n, u64 off)
{
	return ret_long(pwritev(fd, iov, n, off));
}

long host_pread_full(int fd, void *buf, size_t len, u64 off)
{
	size_t done = 0;

	while (done < len) {
		long n = host_pread(fd, (char *)buf + done, len - done, off + done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (!n)
			break;
		done += n;
	}
	return done;
}

long host_write_full(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		long n = host_write(fd, (const char *)buf + done, len - done);

		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			done += n;
	}
	return len;
}

long host_pwrite_full(int fd, const void *buf, size_t len, u64 off)
{
	size_t done = 0;

	while (done < len) {
		long n = host_pwrite(fd, (const char *)buf + done, len - done, off + done);

		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			done += n;
	}
	return len;
}

s64 host_lseek(int fd, s64 off, int whence)
{
	return ret_long(lseek(fd, off, whence));
}

int host_fstat(int fd, struct stat *st)
{
	return ret(fstat(fd, st));
}

int host_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return ret(fstatat(dirfd, path, st, flags));
}

int host_ftruncate(int fd, u64 size)
{
	return ret(ftruncate(fd, size));
}

int host_fsync(int fd)
{
	return ret(fsync(fd));
}

int host_fdatasync(int fd)
{
	return ret(fdatasync(fd));
}

int host_fcntl(int fd, int cmd, long arg)
{
	return ret(fcntl(fd, cmd, arg));
}

int host_mmap_reserve(size_t size, size_t align, void **out)
{
	size_t room = size + align - PAGE_SIZE, head;
	char *p;

	if (!size || !page_aligned(size) || align < PAGE_SIZE || (align & (align - 1)) ||
	    room < size)
		return -EINVAL;
	p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	head = -(uintptr_t)p & (align - 1);
	if (head)
		munmap(p, head);
	if (room - head - size)
		munmap(p + head + size, room - head - size);
	valgrind_reserved(p + head, size);
	*out = p + head;
	return 0;
}

int host_munmap(void *addr, size_t len)
{
	valgrind_unmapped(addr, len);
	return ret(munmap(addr, len));
}

int host_mprotect(void *addr, size_t len, int prot)
{
	return ret(mprotect(addr, len, prot));
}

int host_madvise(void *addr, size_t len, int advice)
{
	return ret(madvise(addr, len, advice));
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int host_populate(void *addr, size_t len)
{
	return host_madvise(addr, len, MADV_POPULATE_WRITE);
}

u64 host_clock_ns(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

int host_list_fds(int *fds, int max)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0, fd;

	if (!dir)
		return -errno;
	while (n < max && (e = readdir(dir)))
		/* The kernel printed it: a number, or "." and "..". NOLINTNEXTLINE(cert-err34-c) */
		if (isdigit((unsigned char)e->d_name[0]) && (fd = atoi(e->d_name)) != dirfd(dir))
			fds[n++] = fd;
	closedir(dir);
	return n;
}

int host_signalfd(u64 mask)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = 1; sig <= 64; sig++)
		if (mask >> (sig - 1) & 1)
			sigaddset(&set, sig);
	return ret(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

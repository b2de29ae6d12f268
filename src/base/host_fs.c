/* The real kernel's file calls, with errors as return values. See host_fs.h. */
#include "base/host_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/internal.h"

#define FD_PATH_SIZE 32

static const char *fd_path(char *buf, int fd)
{
	snprintf(buf, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return buf;
}

int host_fanotify_init(unsigned flags)
{
	return ret(fanotify_init(flags, O_RDONLY));
}

int host_fanotify_mark(int group, u64 mask, int fd)
{
	char path[FD_PATH_SIZE];

	return ret(fanotify_mark(group, FAN_MARK_ADD, mask, AT_FDCWD, fd_path(path, fd)));
}

int host_getpid(void)
{
	return getpid();
}

int host_fd_reopen(int fd, int flags)
{
	char path[FD_PATH_SIZE];

	return ret(open(fd_path(path, fd), flags | O_CLOEXEC | O_NOCTTY));
}

long host_fd_path(int fd, char *buf, size_t size)
{
	char path[FD_PATH_SIZE];

	return ret_long(readlink(fd_path(path, fd), buf, size));
}

bool host_fifo_has_writer(int fd)
{
	int copy[2];
	long n;

	if (pipe2(copy, O_CLOEXEC))
		return false;
	/* 0 is the end: nobody writes. */
	n = ret_long(tee(fd, copy[1], 1, SPLICE_F_NONBLOCK));
	close(copy[0]);
	close(copy[1]);
	return n > 0 || n == -EAGAIN;
}

int host_fd_chmod(int fd, mode_t mode)
{
	char path[FD_PATH_SIZE];

	return ret(chmod(fd_path(path, fd), mode));
}

long host_fd_getxattr(int fd, const char *name, void *value, u64 size)
{
	char path[FD_PATH_SIZE];

	return ret_long(getxattr(fd_path(path, fd), name, value, size));
}

int host_fd_setxattr(int fd, const char *name, const void *value, u64 size, int flags)
{
	char path[FD_PATH_SIZE];

	return ret(setxattr(fd_path(path, fd), name, value, size, flags));
}

long host_fd_listxattr(int fd, char *list, u64 size)
{
	char path[FD_PATH_SIZE];

	return ret_long(listxattr(fd_path(path, fd), list, size));
}

int host_fd_removexattr(int fd, const char *name)
{
	char path[FD_PATH_SIZE];

	return ret(removexattr(fd_path(path, fd), name));
}

int host_fd_truncate(int fd, u64 size)
{
	char path[FD_PATH_SIZE];

	return ret(truncate(fd_path(path, fd), size));
}

int host_fd_link(int fd, int dirfd, const char *name)
{
	char path[FD_PATH_SIZE];

	return ret(linkat(AT_FDCWD, fd_path(path, fd), dirfd, name, AT_SYMLINK_FOLLOW));
}

int host_fd_to_handle(int fd, void *handle, int flags)
{
	int mount_id;

	return ret(name_to_handle_at(fd, "", handle, &mount_id, AT_EMPTY_PATH | flags));
}

int host_open_by_handle(int dirfd, void *handle)
{
	int dir = host_fd_reopen(dirfd, O_RDONLY | O_NONBLOCK), fd;

	if (dir < 0)
		return dir;
	fd = ret(open_by_handle_at(dir, handle, O_PATH | O_CLOEXEC));
	close(dir);
	return fd;
}

#define NR_FILE_GETATTR 468
#define NR_FILE_SETATTR 469

static int attr_result(int err)
{
	return err == -ENOSYS ? -EOPNOTSUPP : err;
}

int host_fd_get_attr(int fd, void *attr, size_t size)
{
	char path[FD_PATH_SIZE];

	return attr_result(
		ret((int)syscall(NR_FILE_GETATTR, AT_FDCWD, fd_path(path, fd), attr, size, 0)));
}

int host_fd_set_attr(int fd, const void *attr, size_t size)
{
	char path[FD_PATH_SIZE];

	return attr_result(
		ret((int)syscall(NR_FILE_SETATTR, AT_FDCWD, fd_path(path, fd), attr, size, 0)));
}

int host_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	return ret(statx(dirfd, path, flags, mask, stx));
}

long host_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	return ret_long(readlinkat(dirfd, path, buf, size));
}

int host_open_mode(int dirfd, const char *path, int flags, mode_t mode)
{
	mode_t old = umask(0);
	int fd = ret(openat(dirfd, path, flags | O_CLOEXEC | O_NOCTTY, mode));

	umask(old);
	return fd;
}

int host_openat2(int dirfd, const char *path, u64 flags, mode_t mode, u64 resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
	mode_t old = 0;
	int fd;

	if (flags & O_CREAT)
		old = umask(0);
	fd = ret((int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
	if (flags & O_CREAT)
		umask(old);
	return fd;
}

int host_mkdirat(int dirfd, const char *path, mode_t mode)
{
	mode_t old = umask(0);
	int err = ret(mkdirat(dirfd, path, mode));

	umask(old);
	return err;
}

int host_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
	mode_t old = umask(0);
	int err = ret(mknodat(dirfd, path, mode, dev));

	umask(old);
	return err;
}

int host_unlinkat(int dirfd, const char *path, int flags)
{
	return ret(unlinkat(dirfd, path, flags));
}

int host_renameat2(int odir, const char *oname, int ndir, const char *nname, unsigned flags)
{
	return ret((int)syscall(SYS_renameat2, odir, oname, ndir, nname, flags));
}

int host_symlinkat(const char *target, int dirfd, const char *path)
{
	return ret(symlinkat(target, dirfd, path));
}

int host_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	return ret(fchownat(dirfd, path, uid, gid, flags));
}

int host_utimensat(int dirfd, const char *path, const struct timespec ts[2], int flags)
{
	return ret((int)syscall(SYS_utimensat, dirfd, path, ts, flags));
}

int host_faccessat2(int dirfd, const char *path, int mode, int flags)
{
	return ret((int)syscall(SYS_faccessat2, dirfd, path, mode, flags));
}

int host_fstatfs(int fd, struct statfs *buf)
{
	return ret(fstatfs(fd, buf));
}

int host_fallocate(int fd, int mode, u64 off, u64 len)
{
	return ret(fallocate(fd, mode, off, len));
}

long host_getdents64(int fd, void *buf, size_t size)
{
	return ret_long(syscall(SYS_getdents64, fd, buf, size));
}

int host_dup3(int oldfd, int newfd)
{
	return ret(dup3(oldfd, newfd, O_CLOEXEC));
}

int host_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ret(ioctl(fd, cmd, arg));
}

int host_getsockname(int fd, void *addr, u32 *len, bool peer)
{
	return ret(peer ? getpeername(fd, addr, len) : getsockname(fd, addr, len));
}

u64 host_raise_nofile(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return 256;
	if (lim.rlim_cur < lim.rlim_max) {
		rlim_t old = lim.rlim_cur;

		lim.rlim_cur = lim.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &lim))
			lim.rlim_cur = old;
	}
	return lim.rlim_cur;
}

int host_poll(int fd, u32 events, u64 timeout_ns)
{
	struct pollfd p = {.fd = fd, .events = (short)events};
	struct timespec ts = {.tv_sec = timeout_ns / 1000000000,
			      .tv_nsec = timeout_ns % 1000000000};
	int n = ret(ppoll(&p, 1, timeout_ns == ~0UL ? NULL : &ts, NULL));

	return n <= 0 ? n : (unsigned short)p.revents;
}

int host_epoll_create(void)
{
	return ret(epoll_create1(EPOLL_CLOEXEC));
}

int host_epoll_ctl(int epfd, int op, int fd, u32 events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	return ret(epoll_ctl(epfd, op, fd, &ev));
}

int host_epoll_wait(int epfd, struct epoll_event *events, int max)
{
	return ret(epoll_wait(epfd, events, max, 0));
}
